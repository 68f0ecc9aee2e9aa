# %% about
# level: beginner
# minutes: 15
# tags: Tensor.backward, Tensor.grad, Tensor.requires_grad, Tensor.grad_fn, torch.autograd.grad

# %% en: The first gradient
# After this page you can let autograd differentiate a formula that you write in PyTorch, read what
# a printed tensor says about it, and check the result.
#
# Three lines are enough. The first says that you will want derivatives with respect to
# :math:`x`, the second computes, the third asks for the derivative. The derivative of
# :math:`\sin x` is :math:`\cos x`, so at :math:`x = 0` you should find 1 in ``x.grad``.

# %% zh 43e94d: 第一个梯度
# 读完这一页，你能用 PyTorch 写出一个公式，让 autograd 求出它的导数，
# 看懂打印出来的张量，并检验结果是否正确。
#
# 三行就够了：第一行表示稍后要对:math:`x`求导，第二行计算，第三行求导。
# :math:`\sin x`的导数是:math:`\cos x`，所以在:math:`x = 0`处，``x.grad``应该是 1。

# %%
import math

import matplotlib.pyplot as plt
import torch

plt.rc("figure", figsize=(5, 3.5), autolayout=True)
torch.set_default_device("cuda" if torch.cuda.is_available() else "cpu")

# sphinx_gallery_graph = "y: steps"
x = torch.tensor(0.0, requires_grad=True)
y = torch.sin(x)
y.backward()
print(x.grad)
assert x.grad == 1

# %% en
# Below the output, the web page shows the graph that these lines built while they ran. Its buttons
# take you through it one step at a time: the value of each result, then the gradient on its way
# back, with the rule that the node applies. :math:`\bar{g}` is the gradient that arrives at a node.

# %% zh 85f58f
# 在网页上，输出下方画出了这几行代码运行时建立的计算图。用按钮可以一步一步地看：先是每个结果的数值，
# 然后是梯度怎样往回传，以及节点所用的求导规则。:math:`\bar{g}`是传到节点的梯度。

# %% en: 25 points at once
# One call can do the same for many points. Take 25 of them, evenly spaced on
# :math:`[0, 2\pi]`. Before any computation the tensor has no gradient.

# %% zh 292426: 一次算 25 个点
# 一次调用可以处理许多点。在:math:`[0, 2\pi]`上等距取 25 个点。
# 现在什么都还没算，张量没有梯度。

# %%
a = torch.linspace(0, 2 * math.pi, 25, requires_grad=True)
print(a)
print(a.grad)
assert a.grad is None

# %% en
# Compute the sine of all points and plot it. Matplotlib wants plain numbers: ``detach`` gives the
# same data without the link to autograd (:ref:`gradients-off-and-on` says more), and ``cpu``
# fetches them if they are on a GPU.

# %% zh f32195
# 算出每个点的正弦，画成图。Matplotlib 只要普通的数：
# ``detach``给出同一份数据，只是 autograd 不再跟踪（详见:ref:`gradients-off-and-on`）；
# 数据如果在 GPU 上，就用``cpu``取回来。

# %%
b = torch.sin(a)
plt.plot(a.detach().cpu(), b.detach().cpu(), "o-")
plt.xlabel("$a$")
plt.ylabel("$b = \\sin a$")
plt.show()

# %% en alt
# One full period of the sine through 25 points, from 0 up to 1, down to :math:`-1` and back to 0.

# %% zh alt ba5611
# 25 个点连成一个完整的正弦周期：从 0 升到 1，降到:math:`-1`，再回到 0。

# %% en: What a printed tensor tells
# The tensor ``a`` printed ``requires_grad=True``: you created it and asked for derivatives. Print
# ``b`` and you read ``grad_fn=<SinBackward0>`` in that place: ``b`` was computed, and its
# ``grad_fn`` knows how to go back through the sine.
#
# Predict the ``grad_fn`` of ``c = 2 * b`` and of ``d = c + 1``.

# %% zh 4bbe68: 看懂打印出来的张量
# 前面打印的``a``，末尾是``requires_grad=True``：它由你创建，而且你表示过要对它求导。
# 打印``b``，同一位置写的是``grad_fn=<SinBackward0>``：``b``是算出来的，
# 它的``grad_fn``知道怎样从正弦这一步往回走。
#
# 猜一猜：``c = 2 * b``和``d = c + 1``的``grad_fn``各是什么？

# %%
c = 2 * b
d = c + 1
print(b)
for tensor in (a, b, c, d):
    print(tensor.grad_fn.name() if tensor.grad_fn else None)

assert a.grad_fn is None
assert [t.grad_fn.name() for t in (b, c, d)] == ["SinBackward0", "MulBackward0", "AddBackward0"]

# %% en
# ``a`` has no ``grad_fn``, because no operation produced it. In the middle of ``b``, at
# :math:`\pi`, you see a tiny number where you might expect 0: the nearest ``float32`` to
# :math:`\pi` is not :math:`\pi`.
#
# One trap: if you print only a part, you read the ``grad_fn`` of the part. The last operation
# behind ``b[:3]`` is the slicing.

# %% zh 0320cd
# ``a``没有``grad_fn``，因为它不是任何运算的结果。``b``的正中间对应:math:`\pi`，那里本该是 0，
# 却出现了一个极小的数：最接近:math:`\pi`的``float32``数并不等于:math:`\pi`。
#
# 有个陷阱：只打印一部分，看到的就是这一部分的``grad_fn``。得到``b[:3]``的最后一步运算是切片。

# %%
print(b[:3])
assert b[12] != 0 and b[12].abs() < 1e-6
assert b[:3].grad_fn.name() == "SliceBackward0"

# %% en: ``requires_grad`` travels forward
# You set ``requires_grad`` on ``a`` only. An operation passes it on: its output requires a
# gradient as soon as one of its inputs does. If none does, nothing is recorded and the output has
# no ``grad_fn``. What do you expect for ``constant + a``?

# %% zh 30b9d7: ``requires_grad``向前传递
# 你只给``a``设了``requires_grad``。运算会把它传下去：只要有一个输入需要梯度，输出就需要梯度。
# 如果输入都不需要梯度，autograd 就什么也不记录，输出也没有``grad_fn``。
# 猜一猜：``constant + a``会怎样？

# %%
constant = torch.linspace(0, 2 * math.pi, 25)
named = {"a": a, "b": b, "sin(constant)": torch.sin(constant), "constant + a": constant + a}
for name, tensor in named.items():
    print(name, tensor.requires_grad, tensor.grad_fn is not None)

assert all(tensor.requires_grad for tensor in (b, c, d, constant + a))
assert not torch.sin(constant).requires_grad
assert torch.sin(constant).grad_fn is None

# %% en: Only floating point numbers
# A derivative asks what a small change does, and an integer has no small changes. PyTorch refuses.
# The cure is a decimal point, or ``dtype=torch.float32``. (Complex numbers are allowed too.)

# %% zh fac79e: 只有浮点数才行
# 导数描述微小变化的影响，而整数没有微小的变化，所以 PyTorch 会报错。
# 解决办法是写上小数点，或者指定``dtype=torch.float32``。（复数也可以。）

# %%
try:
    torch.tensor(3, requires_grad=True)
    refused = False
except RuntimeError as error:
    refused = True
    print(error)

assert refused
assert torch.tensor(3.0, requires_grad=True).requires_grad
assert torch.tensor(3, dtype=torch.float32, requires_grad=True).requires_grad

# %% en: Down to one number
# ``backward`` starts from one number, so add up the 25 elements of ``d``. Over a full period the
# sines cancel and the constant remains. What is the sum?

# %% zh 8ca25c: 归结为一个数
# ``backward``要从一个数出发，所以把``d``的 25 个元素加起来。在一个完整周期上，
# 正弦值正负相消，只剩下常数。和是多少？

# %%
out = d.sum()
print(out)
torch.testing.assert_close(out, torch.tensor(25.0))
assert out.numel() == 1 and out.grad_fn.name() == "SumBackward0"

# %% en: backward fills grad
# Each element of ``d`` is :math:`2 \sin a_i + 1`, with the derivative :math:`2 \cos a_i`. So
# after ``out.backward()`` the first element of ``a.grad`` should be 2, and the one in the middle
# :math:`-2`.

# %% zh b17079: backward 把梯度存进 grad
# ``d``的每个元素是:math:`2 \sin a_i + 1`，导数是:math:`2 \cos a_i`。
# 所以调用``out.backward()``之后，``a.grad``的第一个元素应该是 2，正中间的元素应该是:math:`-2`。

# %%
out.backward()
print(a.grad)
torch.testing.assert_close(a.grad, 2 * torch.cos(a.detach()))
torch.testing.assert_close(a.grad[[0, 12]], torch.tensor([2.0, -2.0]))

# %% en
# Plot both. Where ``d`` climbs, the gradient is positive; where ``d`` turns round, the gradient
# crosses 0.

# %% zh 2e051a
# 把两者画在一起。``d``上升的地方梯度为正；``d``掉头的地方，梯度穿过 0。

# %%
plt.plot(a.detach().cpu(), d.detach().cpu(), "o-", label="$d = 2 \\sin a + 1$")
plt.plot(a.detach().cpu(), a.grad.cpu(), "s-", label="a.grad")
plt.axhline(0, color="gray", linewidth=0.8)
plt.xlabel("$a$")
plt.legend()
plt.show()

top, bottom = d.argmax().item(), d.argmin().item()
assert a.grad[[top, bottom]].abs().max() < 1e-5
assert (a.grad[:top] > 0).all() and (a.grad[top + 1 : bottom] < 0).all()

# %% en alt
# Two waves over one period. The curve of ``d`` runs between :math:`-1` and 3; ``a.grad`` starts
# at 2, is 0 where ``d`` has its top and its bottom, and lies lowest, at :math:`-2`, in the middle.

# %% zh alt cf5010
# 一个周期上的两条波形。``d``在:math:`-1`和 3 之间起伏；``a.grad``从 2 开始，
# 在``d``的最高点和最低点处为 0，在正中间最低，为:math:`-2`。

# %% en: Why the constant drops out
# Adding 1 lifts the curve and leaves every slope as it was. Adding 100 does the same. To compare,
# use ``torch.autograd.grad``: it returns the gradients in a tuple, one for each input you name.

# %% zh 2b2c93: 常数为什么消失
# 加 1 只是把曲线抬高，每一点的斜率都不变；加 100 也一样。
# 要比较两者，可以用``torch.autograd.grad``：它返回一个元组，你指定几个输入，里面就有几个梯度。


# %%
def curve(a, shift=1):
    return 2 * torch.sin(a) + shift


(grad_1,) = torch.autograd.grad(curve(a, 1).sum(), a)
(grad_100,) = torch.autograd.grad(curve(a, 100).sum(), a)
print(grad_1[:3])
print(grad_100[:3])
assert torch.equal(grad_1, grad_100)
torch.testing.assert_close(grad_1, a.grad)

# %% en: Why the sum keeps the points apart
# ``out`` has 25 terms, and :math:`a_i` occurs in one of them. All other terms are constants for
# :math:`a_i` and drop out:
#
# .. math::
#
#    \frac{\partial}{\partial a_i} \sum_j (2 \sin a_j + 1) = 2 \cos a_i
#
# So each element of the gradient is the derivative at its own point. Differentiate a single
# element of the curve to see it: what stands in the other 24 places?

# %% zh cc3849: 求和之后，各点为何仍互不相干
# ``out``有 25 项，:math:`a_i`只出现在其中一项里。其他项对:math:`a_i`而言都是常数，导数为零：
#
# .. math::
#
#    \frac{\partial}{\partial a_i} \sum_j (2 \sin a_j + 1) = 2 \cos a_i
#
# 所以梯度的每个元素，就是它所在那一点的导数。
# 只求曲线上一个元素的梯度就能看明白：其余 24 个位置上是什么？

# %%
(single,) = torch.autograd.grad(curve(a)[4], a)
print(single[2:6], single.count_nonzero().item())
torch.testing.assert_close(single[4], torch.tensor(2 * math.cos(math.pi / 3)))
assert single.count_nonzero() == 1

# %% en
# This works because the formula treats the points one by one. If the elements mix, the gradient
# adds up what a point does to all of them. In a running sum, ``cumsum``, the first point takes
# part in 25 elements and the last point in one, and the gradient shows these factors.

# %% zh b8ec90
# 之所以如此，是因为公式逐点计算。如果各元素混在一起，梯度就会把一个点对所有元素的影响加起来。
# 在累积和``cumsum``里，第一个点计入 25 个元素，最后一个点只计入一个元素，梯度里就出现了这些倍数。

# %%
(mixed,) = torch.autograd.grad(curve(a).cumsum(0).sum(), a)
factors = torch.arange(25, 0, -1)
print(mixed[0].item(), mixed[-1].item())
torch.testing.assert_close(mixed, factors * 2 * torch.cos(a.detach()))

# %% en: Two ways to ask
# ``backward`` and ``torch.autograd.grad`` compute the same numbers and differ in what they do with
# them:
#
# - ``backward`` stores: it adds to ``grad`` of every tensor behind the result that you created with
#   ``requires_grad=True``, and returns ``None``. Training does this (:ref:`gradients-add-up`).
# - ``torch.autograd.grad`` returns: it changes no ``grad``, and you name the inputs. Use it to look
#   at derivatives; its arguments are in the
#   `documentation <https://docs.pytorch.org/docs/stable/generated/torch.autograd.grad.html>`__.
#
# The gradient of the first ``backward`` is still in ``a.grad``. Which of the two calls below will
# change it?

# %% zh 5e12e8: 两种求法
# ``backward``和``torch.autograd.grad``算出的数相同，区别在于怎么处置这些数：
#
# - ``backward``负责保存：凡是你用``requires_grad=True``创建、又参与了计算的张量，
#   梯度都加到各自的``grad``上；返回值是``None``。训练时用它（见:ref:`gradients-add-up`）。
# - ``torch.autograd.grad``负责返回：不改动任何``grad``，要哪些输入的梯度由你指定。
#   要查看导数时用它，用法见
#   `文档 <https://docs.pytorch.org/docs/stable/generated/torch.autograd.grad.html>`__。
#
# 第一次``backward``的梯度还在``a.grad``里。下面两次调用，哪一次会改变它？

# %%
before = a.grad.clone()

returned = torch.autograd.grad(curve(a).sum(), a)
print(type(returned).__name__, len(returned), torch.equal(a.grad, before))
assert torch.equal(a.grad, before)

returned = curve(a).sum().backward()
print(returned, torch.equal(a.grad, before))
assert returned is None
torch.testing.assert_close(a.grad, 2 * before)

# %% en: What backward needs
# ``backward`` needs a result that holds exactly one element. Its shape does not matter: ``()``,
# ``(1,)`` and ``(1, 1)`` all work. A result with 25 elements raises an error unless you say how to
# weight them; that is the subject of :ref:`vector-jacobian-product`. (``a.grad = None`` empties
# ``grad``, so that nothing is added to an old gradient.)
#
# It also needs a fresh computation: ``backward`` frees what autograd saved on the way forward,
# which is why the cells above call ``curve`` anew each time (:ref:`graphs-are-built-by-running`).

# %% zh 9fe877: backward 需要什么
# ``backward``要求结果恰好只有一个元素，形状不限：``()``、``(1,)``、``(1, 1)``都行。
# 结果有 25 个元素就会报错，除非你说明怎样给它们加权；那是:ref:`vector-jacobian-product`的主题。
# （``a.grad = None``清空``grad``，免得加到旧的梯度上。）
#
# 此外，每次都要重新计算：``backward``会释放 autograd 在前向传播时保存的数据，
# 所以上面的代码每次都重新调用``curve``（见:ref:`graphs-are-built-by-running`）。

# %%
for shape in ((), (1,), (1, 1)):
    a.grad = None
    result = curve(a).sum().reshape(shape)
    result.backward()
    print(tuple(result.shape), a.grad[0].item())
    torch.testing.assert_close(a.grad, before)

try:
    curve(a).backward()
    refused = False
except RuntimeError as error:
    refused = True
    print(error)

assert refused

# %% en: The stops on the way
# Only ``a`` had its ``grad`` filled, because ``a`` is a leaf tensor: you made it, no operation
# did. The gradients with respect to ``b``, ``c`` and ``d`` were computed on the way back and then
# dropped. Name them, and ``torch.autograd.grad`` returns them. From ``out`` back to ``b``, what
# numbers should you meet? (:ref:`read-the-graph` shows how to keep such gradients.)

# %% zh e91eb2: 沿途的梯度
# 只有``a``的``grad``有值，因为``a``是叶子张量：它由你创建，不是运算的结果。
# 关于``b``、``c``、``d``的梯度在往回走的路上都算过，用完就丢了。
# 把它们指定为输入，``torch.autograd.grad``就会返回这些梯度。从``out``往回走到``b``，会遇到哪些数？
# （怎样留住这样的梯度，见:ref:`read-the-graph`。）

# %%
b = torch.sin(a)
c = 2 * b
d = c + 1
out = d.sum()
print([tensor.is_leaf for tensor in (a, b, c, d)])
assert a.is_leaf and not (b.is_leaf or c.is_leaf or d.is_leaf)

to_d, to_c, to_b, to_a = torch.autograd.grad(out, (d, c, b, a))
print(to_d[4].item(), to_c[4].item(), to_b[4].item(), round(to_a[4].item(), 4))
assert (to_d == 1).all() and (to_c == 1).all() and (to_b == 2).all()
torch.testing.assert_close(to_a, 2 * torch.cos(a.detach()))

# %% en
# The last line belongs to the point :math:`a_4 = \pi / 3`. Read it from left to right, as autograd
# does: the sum hands 1 to each element, adding a constant passes it on, multiplying by 2 makes it
# 2, and the sine multiplies by :math:`\cos a_4 = \tfrac{1}{2}`.

# %% zh 95c492
# 最后一行对应:math:`a_4 = \pi / 3`这一点。从左往右读，就是 autograd 走的顺序：
# 求和给每个元素传去 1，加常数时原样传过，乘以 2 就变成 2，
# 正弦再乘上:math:`\cos a_4 = \tfrac{1}{2}`。

# %% en: Check it
# You will not always know the answer in advance. A small step to both sides gives a second
# opinion that needs no calculus. Do it in ``float64``: in ``float32`` rounding would hide the
# agreement (:ref:`why-gradients` shows why). The output is the largest difference, first in
# ``float64``, then in ``float32``. ``torch.autograd.gradcheck`` makes the same
# comparison with one call; it raises an error if the two disagree.

# %% zh 75ccca: 检验
# 你未必事先知道答案。向两侧各走一小步，就能得到另一个答案来对照，而且不需要微积分。
# 要用``float64``来算：换成``float32``，舍入误差会掩盖两者的一致（原因见:ref:`why-gradients`）。
# 输出的是两者之间最大的差，先是``float64``的，后是``float32``的。
# 调用一次``torch.autograd.gradcheck``就能做同样的比较，两者不符就报错。

# %%
h = 1e-6
a64 = a.detach().double().requires_grad_()
(exact,) = torch.autograd.grad(curve(a64).sum(), a64)
with torch.no_grad():
    numeric = (curve(a64 + h) - curve(a64 - h)) / (2 * h)
torch.testing.assert_close(exact, numeric, rtol=1e-6, atol=1e-8)

with torch.no_grad():
    numeric32 = (curve(a + h) - curve(a - h)) / (2 * h)
error, error32 = (exact - numeric).abs().max(), (exact - numeric32).abs().max()
print(f"{error.item():.0e} {error32.item():.0e}")
assert error < 1e-8 and error32 > 1e-2
assert torch.autograd.gradcheck(curve, a64)

# %% en: Remember
# - Set ``requires_grad=True`` on a floating point tensor, compute one number, call ``backward``,
#   read ``grad``.
# - ``requires_grad`` travels from inputs to outputs; ``grad_fn`` names the last operation.
# - The gradient of a sum of elementwise results holds the derivative at each point.
# - ``backward`` adds to ``grad``; ``torch.autograd.grad`` returns the gradients and changes no
#   ``grad``.

# %% zh ae7847: 记住
# - 给浮点张量设``requires_grad=True``，算出一个数，调用``backward``，再读``grad``。
# - ``requires_grad``从输入传向输出；``grad_fn``指明最后一步运算。
# - 逐点计算再求和，梯度里就是每个点的导数。
# - ``backward``把梯度加到``grad``上；``torch.autograd.grad``只返回梯度，不改动任何``grad``。

# %% en: Exercise: another curve
# Let autograd differentiate :math:`a \sin a` at the same 25 points, and compare with the product
# rule.

# %% zh 319dc5: 练习：换一条曲线
# 让 autograd 在同样的 25 个点上求:math:`a \sin a`的导数，并与乘积求导法则的结果比较。

# %% solution
(product,) = torch.autograd.grad((a * torch.sin(a)).sum(), a)
with torch.no_grad():
    torch.testing.assert_close(product, torch.sin(a) + a * torch.cos(a))

# %% en: Exercise: mean instead of sum
# Replace ``sum`` by ``mean`` in ``curve(a).sum()``. Predict the gradient before you run it.

# %% zh 5bba63: 练习：用均值代替求和
# 把``curve(a).sum()``里的``sum``换成``mean``。运行之前，先猜出梯度。

# %% solution
(of_mean,) = torch.autograd.grad(curve(a).mean(), a)
torch.testing.assert_close(of_mean * 25, 2 * torch.cos(a.detach()))

# %% en: Exercise: one number used 25 times
# In ``(2 * torch.sin(a) + 1).sum()``, turn the factor 2 and the constant 1 into tensors that
# require gradients. Each of them takes part in all 25 terms. What are their gradients?

# %% zh bc981c: 练习：一个数用 25 次
# 把``(2 * torch.sin(a) + 1).sum()``里的系数 2 和常数 1 都换成需要梯度的张量。
# 两者都参与全部 25 项的计算。它们的梯度各是多少？

# %% solution
factor = torch.tensor(2.0, requires_grad=True)
shift = torch.tensor(1.0, requires_grad=True)
(factor * torch.sin(a) + shift).sum().backward()
print(shift.grad.item(), round(abs(factor.grad.item()), 4))
torch.testing.assert_close(factor.grad, torch.sin(a.detach()).sum())
torch.testing.assert_close(factor.grad, torch.tensor(0.0), rtol=0, atol=1e-5)
assert shift.grad == 25

# %% en: Where next
# - :ref:`read-the-graph` follows ``grad_fn`` from the result back to the leaves.
# - :ref:`one-training-step` uses the gradient to change the weights of a model.
# - :ref:`vector-jacobian-product` explains ``backward`` on results with many elements.

# %% zh 818ad4: 接下来
# - :ref:`read-the-graph`：沿着``grad_fn``，从结果一路走回叶子张量。
# - :ref:`one-training-step`：用梯度更新模型的权重。
# - :ref:`vector-jacobian-product`：结果有多个元素时，``backward``怎么用。
