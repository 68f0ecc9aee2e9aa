# %% about
# level: beginner
# tags: Tensor.backward, Tensor.grad, Tensor.sum

# %% en: The chain rule
# Take a formula apart into small steps and put its derivative together from theirs: along a
# chain, where two paths meet, and when one number is used many times.
#
# Begin with two steps, :math:`v = 3w` and :math:`L = v^2`. Each step has a **local derivative**,
# which says how much it magnifies a small change of its input. The first step triples a change,
# so its local derivative is 3. That of the second is :math:`2v`; at :math:`w = 1`, where
# :math:`v = 3`, it is 6.
#
# The cell also draws the graph that you can step through, as in :ref:`first-gradient`:
# ``PowBackward`` belongs to the square, ``MulBackward`` to the product, and :math:`\bar{g}` is
# the gradient that arrives at a node. What will ``w.grad`` be?

# %% zh b7bbd8: 链式法则
# 把一个公式拆成一个个小步骤，再用各步的导数拼出整个公式的导数：先看一条链，再看两条路径交汇，
# 最后看同一个数被用到很多次。
#
# 从两步开始：:math:`v = 3w`和:math:`L = v^2`。每一步都有**局部导数**（local derivative），
# 说明输入的微小变化经过这一步会被放大多少倍。第一步把变化放大为三倍，所以局部导数是 3；
# 第二步的局部导数是:math:`2v`，在:math:`w = 1`处有:math:`v = 3`，于是局部导数是 6。
#
# 输出下方还画出了可以逐步查看的计算图（computational graph），
# 查看的方法与:ref:`first-gradient`里相同：``PowBackward``是平方运算的节点（node），
# ``MulBackward``是乘法的节点，:math:`\bar{g}`是到达节点的梯度（gradient）。``w.grad``会是多少？

# %% predict
import matplotlib.pyplot as plt
import torch

device = torch.accelerator.current_accelerator(check_available=True)
torch.set_default_device(device or "cpu")

# sphinx_gallery_graph = "L: steps"
w = torch.tensor(1.0, requires_grad=True)
v = 3 * w
L = v**2
L.backward()
print(w.grad.item())

# %% check
assert v == 3 and L == 9 and w.grad == 18
assert L.grad_fn.name() == "PowBackward0"
assert v.grad_fn.name() == "MulBackward0"
halfway = torch.tensor(3.0, requires_grad=True)
(halfway**2).backward()
assert halfway.grad == 6
assert abs(((3 * 1.01) ** 2 - 9) / 0.01 - 18) < 0.1

# %% en
# It is :math:`3 \cdot 6 = 18`. If :math:`w` changes by 0.001, then :math:`v` changes by 0.003,
# and :math:`L` by about 0.018. One behind the other, magnifications multiply, and this is the
# **chain rule**:
#
# .. math::
#
#    \frac{\mathrm{d}L}{\mathrm{d}w}
#    = \frac{\mathrm{d}L}{\mathrm{d}v} \cdot \frac{\mathrm{d}v}{\mathrm{d}w}
#
# ``backward`` works its way through this product from left to right: :math:`\bar{g}` is 1 at the
# square and 6 at ``MulBackward``, and 18 is what reaches ``w``.

# %% zh 23926c
# 是:math:`3 \cdot 6 = 18`。如果:math:`w`变化 0.001，:math:`v`就变化 0.003，:math:`L`大约变化 0.018。
# 一步接一步，放大的倍数要相乘，这就是**链式法则**（chain rule）：
#
# .. math::
#
#    \frac{\mathrm{d}L}{\mathrm{d}w}
#    = \frac{\mathrm{d}L}{\mathrm{d}v} \cdot \frac{\mathrm{d}v}{\mathrm{d}w}
#
# ``backward``从左往右计算这个乘积：:math:`\bar{g}`在平方那里是 1，在``MulBackward``那里是 6，
# 到达``w``的是 18。

# %% en: A hundred steps
# A chain may be long. Below, :math:`h` begins as :math:`w` and is multiplied a hundred times by one
# factor, first by 0.9, then by 1.1. Both factors are close to 1. How large, roughly, will the two
# gradients be?

# %% zh 828f9d: 一百步
# 链可以很长。下面的:math:`h`从:math:`w`开始，连乘一百次，每次都乘同一个系数；先取 0.9 算一遍，
# 再取 1.1 算一遍。两个系数都很接近 1，求得的两个梯度大约各是多少？


# %% predict
def long_chain(factor):
    w = torch.tensor(1.0, requires_grad=True)
    h = w
    for _ in range(100):
        h = factor * h
    h.backward()
    return w.grad.item()


print(long_chain(0.9), long_chain(1.1))

# %% check
assert abs(long_chain(0.9) / 0.9**100 - 1) < 1e-4
assert abs(long_chain(1.1) / 1.1**100 - 1) < 1e-4
assert type(long_chain(1.0)) is float
assert 0.00002 < 0.9**100 < 0.00003 and 13700 < 1.1**100 < 13800

# %% en
# They are :math:`0.9^{100}`, almost nothing, and :math:`1.1^{100}`, more than ten thousand. Long
# chains can make gradients *vanish* or *explode*, and deep networks are long chains.

# %% zh 3b6f04
# 一个是:math:`0.9^{100}`，几乎为零；另一个是:math:`1.1^{100}`，超过一万。
# 链一长，梯度就容易*消失*（vanish）或*爆炸*（explode），而深层网络正是很长的链。

# %% en: Two paths
# Now :math:`w` has an influence on :math:`L` in two ways: :math:`L = pq` with :math:`p = w^2` and
# :math:`q = 3w`. Again :math:`w = 1`, so that :math:`p = 1` and :math:`q = 3`. The local
# derivatives of the product are :math:`q` for :math:`p`, and :math:`p` for :math:`q`.
#
# Along the path through :math:`p`, the local derivatives multiply to :math:`2w \cdot q = 6`;
# along the path through :math:`q`, to :math:`3 \cdot p = 3`. What will ``w.grad`` be?

# %% zh 369220: 两条路径
# 现在:math:`w`沿两条路径影响:math:`L`：:math:`L = pq`，其中:math:`p = w^2`、:math:`q = 3w`。
# 仍取:math:`w = 1`，于是:math:`p = 1`、:math:`q = 3`。乘积关于:math:`p`的局部导数是:math:`q`，
# 关于:math:`q`的则是:math:`p`。
#
# 沿经过:math:`p`的路径，局部导数乘起来是:math:`2w \cdot q = 6`；沿经过:math:`q`的路径，
# 则是:math:`3 \cdot p = 3`。``w.grad``会是多少？

# %% predict
# sphinx_gallery_graph = "L: steps"
w = torch.tensor(1.0, requires_grad=True)
p = w**2
q = 3 * w
L = p * q
L.backward()
print(w.grad.item())

# %% check
assert p == 1 and q == 3 and L == 3
assert w.grad == 2 * w * q + 3 * p == 9

# %% en
# It is :math:`6 + 3 = 9`. A small change of :math:`w` goes both ways at once, and each way adds
# its share to the change of :math:`L`. So the full chain rule is: *multiply along each path, add
# up the paths*. (You know this case as the product rule. And indeed, :math:`L = 3w^3` has the
# derivative :math:`9w^2`.)

# %% zh 07ff2c
# 是:math:`6 + 3 = 9`。:math:`w`的微小变化同时走两条路径，
# 每条路径都给:math:`L`的变化添上自己的一份。所以完整的链式法则是：
# *沿每条路径相乘，再把各条路径相加*。（这种情形你早就见过，就是乘积求导法则：
# :math:`L = 3w^3`的导数果然是:math:`9w^2`。）

# %%
w = torch.linspace(0, 4, 81, requires_grad=True)
p = w**2
q = torch.sin(w)
(p * q).sum().backward()

through_p = (q * 2 * w).detach().cpu()
through_q = (p * torch.cos(w)).detach().cpu()
grid = w.detach().cpu()
plt.plot(grid, through_p, "--", label="$q \\cdot 2w$")
plt.plot(grid, through_q, ":", label="$p \\cdot \\cos w$")
plt.plot(grid, w.grad.cpu(), label="w.grad")
plt.xlabel("$w$")
plt.legend()
plt.show()

# %% check
steps_of_w = torch.arange(81, device="cpu") / 20
torch.testing.assert_close(grid, steps_of_w)
expected_p = 2 * steps_of_w * torch.sin(steps_of_w)
expected_q = steps_of_w**2 * torch.cos(steps_of_w)
close = {"rtol": 1e-4, "atol": 1e-4}
torch.testing.assert_close(through_p, expected_p, **close)
torch.testing.assert_close(through_q, expected_q, **close)
total = w.grad.cpu()
torch.testing.assert_close(total, expected_p + expected_q, **close)

# %% en alt
# Three curves over :math:`w` from 0 to 4. The solid one, ``w.grad``, is at each point the sum of
# the dashed and the dotted one.

# %% zh alt 1e4aa1
# :math:`w`从 0 到 4 的三条曲线。实线是``w.grad``，在每一点都等于虚线与点线之和。

# %% en
# The figure is made with :math:`p = w^2` and :math:`q = \sin w` at 81 points: each path alone,
# and what autograd finds. (``detach`` and ``cpu`` make plain numbers for Matplotlib.)

# %% zh 6adb00
# 图中取:math:`p = w^2`、:math:`q = \sin w`，画了 81 个点：既有每条路径各自的贡献，也有 autograd 求出的结果。
# （``detach``和``cpu``把数据变成 Matplotlib 能用的普通数值。）

# %% en: Three times the same
# Each recorded use of a tensor begins a path. Here are two results: one uses ``u`` three times, the
# other ``w``, and each of these two tensors holds the number 2. What are the two gradients?

# %% zh c09cf9: 同一个数用三次
# 张量（tensor）每被用到一次，只要这一次被记录下来，就多出一条路径。下面的两个结果，一个把``u``用了三次，
# 另一个把``w``用了三次；这两个张量的值都是 2。两个梯度各是多少？

# %% predict
u = torch.tensor(2.0, requires_grad=True)
(u + u + u).backward()

w = torch.tensor(2.0, requires_grad=True)
(w * w * w).backward()
print(u.grad.item(), w.grad.item())

# %% check
assert u.grad == 3 and w.grad == 3 * 2**2
cut = torch.tensor(2.0, requires_grad=True)
(cut * cut.detach()).backward()
assert cut.grad == 2

# %% en
# In the sum, each of the three paths has the derivative 1, and together they make 3: the gradient
# counts the uses. In the product, each path has the product of the two other factors,
# :math:`2 \cdot 2 = 4`, and three of them make 12.

# %% zh cf9780
# 先看求和：三条路径的导数都是 1，合起来是 3，梯度正好是使用的次数。再看乘积：
# 每条路径的导数是另外两个因子之积，即:math:`2 \cdot 2 = 4`，三条合起来是 12。

# %% en: One row, two rows
# The table has two rows, and ``row`` has one. In ``table * row`` PyTorch uses it for both rows,
# and in ``+ shift`` one number for all six elements. This is called **broadcasting**. How many
# numbers will ``row.grad`` hold, and which? And ``shift.grad``?

# %% zh b1d0fe: 一行与两行
# 表格有两行，``row``只有一行。计算``table * row``时，PyTorch 把这一行用于表格的每一行；
# 到了``+ shift``，又把一个数用于全部六个元素（element）。这叫作**广播**（broadcasting）。
# ``row.grad``里会有几个数，各是多少？``shift.grad``呢？

# %% predict
table = torch.tensor([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])
row = torch.tensor([10.0, 20.0, 30.0], requires_grad=True)
shift = torch.tensor(100.0, requires_grad=True)
(table * row + shift).sum().backward()
print(row.grad)
print(shift.grad)

# %% check
assert row.grad.tolist() == [1 + 4, 2 + 5, 3 + 6]
assert shift.grad == table.numel() == 6

# %% en
# Each element of ``row`` is used twice, so two paths begin there. For the first, the local
# derivatives are 1 and 4, and their sum is 5. ``shift`` is used six times, each time with the
# derivative 1. The gradient of a broadcast tensor is a sum over all its uses, and so it has the
# shape of the tensor.

# %% zh 768d89
# ``row``的每个元素都被用了两次，所以各有两条路径从那里开始。对第一个元素来说，局部导数是 1 和 4，
# 加起来是 5。``shift``被用了六次，每次的导数都是 1。张量如果被广播，它的梯度就是每次使用所贡献的导数之和，
# 因此形状与张量本身相同。

# %% en: Picked from a list
# An index in brackets picks elements: ``x[[0, 2, 2, 2]]`` is a tensor of four, taken from places
# 0, 2, 2 and 2. Add them up. What will ``x.grad`` be?

# %% zh 7b44e5: 从一串数里挑选
# 方括号里的下标用来挑选元素：``x[[0, 2, 2, 2]]``是由四个元素组成的张量，依次取自 0、2、2、2 这几个位置。
# 把它们加起来，``x.grad``会是什么？

# %% predict
x = torch.tensor([5.0, 6.0, 7.0, 8.0], requires_grad=True)
x[[0, 2, 2, 2]].sum().backward()
print(x.grad)

# %% check
assert x.grad.tolist() == [1, 0, 3, 0]
weighted = torch.zeros(4, requires_grad=True)
weights = torch.tensor([1.0, 10.0, 100.0, 1000.0])
(weighted[[0, 2, 2, 2]] * weights).sum().backward()
assert weighted.grad.tolist() == [1, 0, 1110, 0]

# %% en
# A count: how often each place was picked. If the four are multiplied by 1, 10, 100 and 1000
# before they are added, the last three arrive at one place and make 1110. Places that were not
# picked get 0. A language model looks up its words in a table in just this way, and a word that
# occurs often collects from all the places where it stands.

# %% zh f5fc14
# 得到的是计数，也就是每个位置被挑中了几次。如果在相加之前，先把四个元素分别乘以 1、10、
# 100 和 1000，后面三个就会汇到同一个位置，合成 1110。没有被挑中的位置得到 0。
# 语言模型正是这样在表里查找单词的：一个单词如果多次出现，它出现的每一处都会送来一份梯度。

# %% en: Remember
# - Along a path, multiply the local derivatives. Where paths meet, add.
# - A tensor that is used several times gets the sum over its uses.
# - So a broadcast tensor has a sum for its gradient, and so has an element that was picked more
#   than once, with one term for each time.

# %% zh 96848e: 要点
# - 沿一条路径，把局部导数相乘；路径交汇时，相加。
# - 一个张量被用了好几次，它的梯度就是每次使用所贡献的导数之和。
# - 所以，张量被广播之后，梯度是一个和；元素被挑中几次，它的梯度就由几项相加而成。

# %% en: Exercises
# With pencil and paper, find the derivatives of :math:`(wx + b)^2` with respect to :math:`w` and
# :math:`b` at :math:`w = 2`, :math:`x = 3`, :math:`b = 1`. Then compare with autograd.

# %% zh 3498b1: 练习
# 用纸笔求:math:`(wx + b)^2`在:math:`w = 2`、:math:`x = 3`、:math:`b = 1`处关于:math:`w`和:math:`b`的导数，
# 再与 autograd 的结果比较。

# %% solution
w = torch.tensor(2.0, requires_grad=True)
b = torch.tensor(1.0, requires_grad=True)
(w * 3 + b).square().backward()
outer = 2 * (2 * 3 + 1)
assert w.grad == outer * 3 and b.grad == outer

# %% en
# Let :math:`h = w^2` and :math:`L = wh + h`. Along how many paths does :math:`w` reach :math:`L`?
# Add them up at :math:`w = 2`, then check.

# %% zh 0c0451
# 设:math:`h = w^2`、:math:`L = wh + h`。从:math:`w`到:math:`L`一共有几条路径？
# 取:math:`w = 2`，把沿各条路径求得的导数加起来，再检验。

# %% solution
w = torch.tensor(2.0, requires_grad=True)
h = w**2
(w * h + h).backward()
direct, through_product, through_sum = 4, 2 * 4, 1 * 4
assert w.grad == direct + through_product + through_sum

# %% en: Where next
# :ref:`read-the-graph` shows the nodes that multiply and add for you, :ref:`why-reverse-mode` why
# they begin at the result, and :ref:`gradients-add-up` what happens when the paths lie in two
# graphs.

# %% zh 59d636: 接下来
# 替你相乘、相加的是哪些节点，见:ref:`read-the-graph`；这些节点为什么从结果开始工作，
# 见:ref:`why-reverse-mode`；如果路径分属两张图又会怎样，见:ref:`gradients-add-up`。
