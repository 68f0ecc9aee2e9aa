# %% about
# level: beginner
# tags: torch.tensor, Tensor.requires_grad, Tensor.backward, Tensor.grad, Tensor.retain_grad

# %% en: The first gradient
# Write a formula in PyTorch, let it find the derivative, and read what a tensor tells you. You
# need Python and a little calculus.
#
# Three lines are enough. The first makes ``x``, which holds the number 0; ``requires_grad=True``
# says that you will want a derivative with respect to it. The second computes the sine. In the
# third, ``backward`` asks **autograd**, the part of PyTorch that differentiates, for the
# derivative, and ``x.grad`` holds the answer. The derivative of :math:`\sin x` is :math:`\cos x`,
# and :math:`\cos 0 = 1`.
#
# The two lines with ``device``, met on most pages, let PyTorch compute on an accelerator, such as
# a GPU, if it finds one, and otherwise on the CPU.

# %% zh c5d1a4: 第一个梯度
# 用 PyTorch 写下一个公式，让它替你求导，再学会看懂打印出来的张量。只要会 Python、懂一点微积分，
# 就可以开始。
#
# 求导只要三行代码。第一行创建``x``，里面存着一个数 0；``requires_grad=True``表示，稍后想对它求导。
# 第二行计算正弦。第三行的``backward``把求导的事交给 PyTorch 里专管求导的 **autograd**，
# 求得的导数就存在``x.grad``里。:math:`\sin x`的导数是:math:`\cos x`，而:math:`\cos 0 = 1`。
#
# 带``device``的两行，以后多数页面上都会见到。有了这两行，
# PyTorch 如果找到 GPU 之类的加速器（accelerator），就在上面计算，找不到就用 CPU。

# %%
import matplotlib.pyplot as plt
import torch

device = torch.accelerator.current_accelerator(check_available=True)
torch.set_default_device(device or "cpu")

x = torch.tensor(0.0, requires_grad=True)
y = torch.sin(x)
y.backward()
print(x.grad)

# %% check
assert x.grad == 1
assert x.grad.device.type == (device.type if device else "cpu")

# %% en: Tensors
# What was printed is a **tensor**: an array of numbers of one type, with any number of
# dimensions. (On a GPU, the output also names the device.) Its ``shape`` says how many numbers
# there are along each dimension, its ``dtype`` the type of the numbers. If it holds just one,
# ``item`` gives you that as a Python number.
#
# ``torch.tensor`` makes tensors from Python numbers: below, a table with two rows and three
# columns, three numbers in a row, and a single number. The table has the shape ``[2, 3]``. What
# is the shape of the single number, and do all three have the same type?

# %% zh 90e975: 张量
# 刚才打印的是一个**张量**（tensor），也就是由同一类型的数排成的数组，维数不限。（如果用的是 GPU，
# 输出里还会写明设备。）张量的``shape``表示形状，说明每个维度上各有几个数；
# ``dtype``表示这些数的类型。如果里面只有一个数，就可以用``item``把它取出来，
# 得到普通的 Python 数值。
#
# ``torch.tensor``用 Python 数值来创建张量。下面创建三个：一张两行三列的表格、排成一行的三个数，
# 还有单独的一个数。表格的形状是``[2, 3]``，那么单独一个数的形状是什么？三者的类型一样吗？

# %% predict
table = torch.tensor([[1, 2, 3], [4, 5, 6]])
several = torch.tensor([0.5, 1.0, 1.5])
single = torch.tensor(0.1)
for tensor in (table, several, single):
    print(tensor.shape, tensor.dtype)
print(single.item())

# %% check
shapes = [tuple(tensor.shape) for tensor in (table, several, single)]
assert shapes == [(2, 3), (3,), ()]
assert table.dtype == torch.int64
assert several.dtype == single.dtype == torch.float32
assert torch.tensor([1, 2.5]).dtype == torch.float32
assert type(single.item()) is float and single.item() != 0.1
assert abs(single.item() - 0.1) < 1e-8
assert (2 * several).tolist() == [1, 2, 3]

# %% en
# A single number has no dimensions, so its shape is an empty pair of brackets. Whole numbers
# become ``int64``; one number with a decimal point is enough to make all of them ``float32``. A
# ``float32`` keeps about seven digits, and so ``item`` returns a number very close to 0.1.
#
# Arithmetic and functions such as ``torch.sin`` treat the **elements** of a tensor, its numbers,
# one by one: ``2 * several`` holds 1, 2 and 3.

# %% zh cf1030
# 单独一个数没有维度，所以它的形状是一对空的方括号。如果全是整数，类型就是``int64``；
# 只要其中一个写了小数点，所有的数就都成了``float32``。``float32``只有大约七位有效数字，
# 因此``item``返回的数并不恰好是 0.1，只是非常接近。
#
# 四则运算以及``torch.sin``这样的函数，都会逐个处理张量里的数，也就是它的**元素**（element）：
# ``2 * several``里面是 1、2 和 3。

# %% en: A wish refused
# The next cell wants a derivative with respect to the number 3, and PyTorch raises an error.
# What might it have against the number?

# %% zh 884709: 请求被拒
# 下面的代码想对 3 求导，PyTorch 却报错了。这个数有什么不对？

# %% predict
try:
    torch.tensor(3, requires_grad=True)
except RuntimeError as error:
    print(error)

# %% check
assert torch.tensor(3.0, requires_grad=True).requires_grad
as_float = torch.tensor(3, dtype=torch.float32, requires_grad=True)
assert as_float.requires_grad
assert torch.tensor(3j, requires_grad=True).requires_grad

# %% en
# A derivative says what a small change does, and whole numbers have no small changes. Write
# ``3.0``, or add ``dtype=torch.float32``. (Floating point numbers are those with a decimal
# point.)

# %% zh 885825
# 导数说的是微小的变化会带来什么影响，而整数谈不上微小的变化。写成``3.0``，
# 或者加上``dtype=torch.float32``就行了。（报错信息里的 floating point 是浮点数，
# 也就是带小数点的数；complex 是复数。）

# %% en: There and back
# While your code runs, autograd notes the operations in a **computational graph**. On the web
# page you see it below the output of the next cell. The box with round corners is the tensor that
# you made. Each other box is a **node**: it stands for an operation, and the result is written
# under its name. ``SinBackward``, for example, belongs to a sine and knows the way back through
# it.
#
# The buttons take you through the graph in steps: first the values, from the top down, then the
# way back, from the bottom up. There, :math:`\bar{g}` is the **gradient** that arrives at a node:
# the derivative of ``y`` with respect to the result of this node. It begins with 1, the
# derivative of ``y`` with respect to itself.
#
# The formula is now :math:`y = 2 \sin x + 1`, computed step by step, again at :math:`x = 0`. What
# will ``x.grad`` be?

# %% zh 907fa7: 一去一回
# 代码运行时，autograd 会把运算记入**计算图**（computational graph）。在网页上，
# 下一个单元格的输出下方就画着这张图。圆角框是你创建的张量；其余每个框都是一个**节点**（node），
# 代表一个运算，节点的名字下面写着运算的结果。例如``SinBackward``是正弦运算的节点，往回走时，
# 正弦这一步就由它负责。
#
# 用图上的按钮可以一步步地看：先从上往下算出数值，再从下往上返回。返回途中，
# :math:`\bar{g}`表示到达一个节点的**梯度**（gradient），也就是``y``关于该节点运算结果的导数。
# 起点处的梯度是 1，因为那就是``y``关于自身的导数。
#
# 这次的公式是:math:`y = 2 \sin x + 1`，分几步来算，仍取:math:`x = 0`。``x.grad``会是多少？

# %% predict
# sphinx_gallery_graph = "y: steps"
x = torch.tensor(0.0, requires_grad=True)
b = torch.sin(x)
c = 2 * b
y = c + 1
y.backward()
print(x.grad.item())

# %% check
assert x.grad == 2 and y == 1
assert y.grad_fn.name() == "AddBackward0"
assert c.grad_fn.name() == "MulBackward0"
assert b.grad_fn.name() == "SinBackward0"
lifted = torch.tensor(0.0, requires_grad=True)
(2 * torch.sin(lifted) + 100).backward()
assert lifted.grad == 2

# %% en
# It is 2. The addition passes :math:`\bar{g}` on unchanged: a constant lifts a curve and leaves
# its slopes as they are, so adding 100 would give 2 as well. The factor makes 2 of it, and the
# sine multiplies by its own slope, :math:`\cos 0 = 1`.

# %% zh 638ded
# 结果是 2。:math:`\bar{g}`先原样通过加法：加上常数只是把曲线抬高，斜率不变，所以就算加的是 100，
# 得到的还是 2。接着通过乘法，梯度被系数放大到 2；最后通过正弦，再乘以那里的斜率:math:`\cos 0 = 1`。

# %% en: 25 points at once
# ``torch.linspace`` gives 25 points, evenly spaced from 0 to :math:`2\pi`. You make ``a``; ``b``
# is computed. Look at the last words of each.

# %% zh 3094f0: 一次算 25 个点
# ``torch.linspace``从 0 到:math:`2\pi`等距取 25 个点，存进一个张量。``a``由你创建，
# ``b``是算出来的。打印之后，请看两者的末尾各写着什么。

# %%
a = torch.linspace(0, 2 * torch.pi, 25, requires_grad=True)
b = torch.sin(a)
print(a)
print(b)

# %% check
points = torch.arange(25) * torch.pi / 12
torch.testing.assert_close(a.detach(), points)
torch.testing.assert_close(b.detach(), points.sin())
assert a.requires_grad and a.grad_fn is None
assert b.grad_fn.name() == "SinBackward0"
assert a[12].item() != torch.pi and 0 < b[12].abs() < 1e-6

# %% en
# In ``a`` you read what you asked for. ``b`` has a ``grad_fn``, its node; the 0 in
# ``SinBackward0`` tells apart variants of an operation. In the middle of ``b``, where the sine of
# :math:`\pi` should be 0, stands a tiny number, because no ``float32`` is exactly :math:`\pi`.

# %% zh 43a4bd
# ``a``的末尾就是你提出的请求。``b``的末尾是``grad_fn``，也就是它的节点；
# ``SinBackward0``里的 0 用来区分同一种运算的不同变体。``b``的正中间是:math:`\pi`的正弦，本该是 0，
# 写在那里的却是一个极小的数，因为没有一个``float32``数恰好等于:math:`\pi`。

# %% en: A curve and its gradient
# Use the same formula for all points and add the results up with ``sum``. The gradient with
# respect to ``a`` has one number for each point.
#
# The figure shows ``d`` as a solid line and ``a.grad`` as a dashed one. (Matplotlib wants plain
# numbers: ``detach`` gives the same values without a graph, and ``cpu`` fetches them if they are
# on a GPU.) What will the dashed line look like?

# %% zh cce8b6: 曲线与梯度
# 对所有的点沿用刚才的公式，再用``sum``把结果加起来。这样求得的关于``a``的梯度里，每个点各有一个数。
#
# 图中实线是``d``，虚线是``a.grad``。（Matplotlib 只接受普通数值：``detach``给出同样的值，但不带计算图；
# 数据如果在 GPU 上，就用``cpu``取回来。）虚线会是什么样子？

# %% predict
c = 2 * b
d = c + 1
out = d.sum()
out.backward()

plt.plot(a.detach().cpu(), d.detach().cpu(), "o-", label="$d$")
plt.plot(a.detach().cpu(), a.grad.cpu(), "s--", label="a.grad")
plt.xlabel("$a$")
plt.legend()
plt.show()

# %% check
torch.testing.assert_close(d.detach(), 2 * points.sin() + 1)
torch.testing.assert_close(a.grad, 2 * points.cos())
assert a.grad.shape == a.shape and out.shape == ()
top, bottom = d.argmax(), d.argmin()
assert a.grad[top].abs() < 1e-5 and a.grad[bottom].abs() < 1e-5
assert (a.grad[:top] > 0).all() and (a.grad[top + 1 : bottom] < 0).all()

# %% en alt
# Two waves over one period. The solid line runs between :math:`-1` and 3; the dashed line starts
# at 2, is 0 where the solid line has its top and its bottom, and lies lowest, at :math:`-2`, in
# the middle.

# %% zh alt f88f4b
# 一个周期内的两条波浪线。实线在:math:`-1`和 3 之间起伏；虚线从 2 开始，
# 在实线的最高点和最低点处为 0，到正中间降至最低，为:math:`-2`。

# %% en
# It is the curve of :math:`2 \cos a`: positive where ``d`` climbs, 0 where ``d`` turns round. The
# sum does not mix the points: :math:`a_i` occurs in one of the 25 terms, and for :math:`a_i` the
# others are constants. (The sign :math:`\partial` says that one of several variables changes while
# the others stay fixed.)
#
# .. math::
#
#    \frac{\partial}{\partial a_i} \sum_j (2 \sin a_j + 1) = 2 \cos a_i

# %% zh 90ee42
# 虚线就是:math:`2 \cos a`：``d``上升的地方为正，``d``掉头的地方为 0。
# 求和没有把各点混在一起：:math:`a_i`只出现在 25 项中的一项里，其余各项对:math:`a_i`来说都是常数。
# （记号:math:`\partial`表示几个变量中只有一个在变，其余固定不动。）
#
# .. math::
#
#    \frac{\partial}{\partial a_i} \sum_j (2 \sin a_j + 1) = 2 \cos a_i

# %% en: Is the sum a detour?
# You wanted 25 slopes, and ``d`` has 25 elements. But if ``backward`` starts from ``d``, there is
# an error. What could be unclear about the wish?

# %% zh 6329f5: 求和是不是多此一举？
# 你想要 25 个斜率，``d``正好有 25 个元素。可是直接让``backward``从``d``出发，PyTorch 就会报错。
# 这个请求哪里说得不够清楚？

# %% predict
try:
    d.backward()
except RuntimeError as error:
    print(error)

# %% check
e = torch.linspace(0, 2 * torch.pi, 25, requires_grad=True)
(2 * torch.sin(e) + 1).sum().reshape(1, 1).backward()
torch.testing.assert_close(e.grad, a.grad)
z = torch.tensor(1 + 2j, requires_grad=True)
refusals = []
for start in (d, z**2):
    try:
        start.backward()
    except RuntimeError as refusal:
        refusals.append(str(refusal))
assert "only for scalar outputs" in refusals[0]
assert "only for real scalar outputs" in refusals[1]

# %% en
# Each element of ``d`` has a derivative with respect to each element of ``a``. These are
# :math:`25 \cdot 25`, and ``a.grad`` has room for 25. So ``backward`` starts from one real number
# unless you tell it more, and the sum makes one number of many. The message calls it a *scalar*;
# its shape may be ``(1, 1)`` as well as ``()``. What is *implicitly created* is the 1 at which the
# way back begins.

# %% zh b7ac65
# ``d``的每个元素关于``a``的每个元素都有一个导数，一共是:math:`25 \cdot 25`个，
# 而``a.grad``只放得下 25 个。所以如果不另作说明，``backward``就只从一个实数出发，
# 而求和正好把许多数变成一个。报错信息把这样的一个数叫作*标量*（scalar），
# 它的形状是``(1, 1)``或``()``都可以。所谓*自动生成*（implicitly created）的，是往回走时起点处的那个 1。

# %% en: Who asks for a gradient?
# You asked for a gradient for ``a`` only, yet ``b`` had a ``grad_fn``: the wish travelled on. Now
# ``constant`` holds the same points without a wish. The cell prints ``requires_grad`` for its
# sine, for a sum, a comparison, and the index of the largest element. Last, it tries to go back
# from the sine. Which of the four are ``True``, and what will the error complain about?

# %% zh 6ba6c6: 谁需要梯度？
# 你只说了``a``需要梯度，``b``却也有了``grad_fn``，可见这个请求会往下传。
# ``constant``里存着同样的点，但没有为它提出请求。下面先求它的正弦、一个和、一次比较，
# 以及最大元素的下标，打印这四个结果的``requires_grad``；再试着从正弦往回走，这时会报错。
# 四个值里哪些是``True``？报错信息又会怎么说？

# %% predict
constant = torch.linspace(0, 2 * torch.pi, 25)
sine = torch.sin(constant)
results = [sine, constant + a, a > 3, a.argmax()]
print([result.requires_grad for result in results])

try:
    sine.sum().backward()
except RuntimeError as error:
    print(error)

# %% check
flags = [result.requires_grad for result in results]
assert flags == [False, True, False, False]
assert results[2].dtype == torch.bool and results[3] == 24
torch.testing.assert_close(results[1].detach(), 2 * points)
assert not a.long().requires_grad and sine.grad_fn is None
with torch.no_grad():
    unrecorded = constant + a
assert not unrecorded.requires_grad

# %% en
# An operation that has a derivative passes the wish on: its result requires a gradient if at
# least one input does. A comparison and an index have no derivative, so the wish ends there, and
# autograd can also be told not to record (:ref:`gradients-off-and-on`). The sine of ``constant``
# has no ``grad_fn``, as the message says: there is no way back to walk.

# %% zh ca4fa9
# 有导数的运算会把请求传下去：只要有一个输入需要梯度，结果就需要梯度。
# 比较大小和求最大元素的下标都没有导数可言，请求传到那里就断了；此外，
# 也可以让 autograd 不记录运算（见:ref:`gradients-off-and-on`）。``constant``的正弦没有``grad_fn``，
# 报错信息说的就是这一点：没有路可以往回走。

# %% en: On the way back
# Between ``out`` and ``a`` the gradient passed ``d``, ``c`` and ``b``. Autograd computes these
# gradients and drops them when they have been used. ``retain_grad``, called before ``backward``,
# keeps one, and ``unique`` lists each value once. Which number will fill ``b.grad``, and which
# ``c.grad``?

# %% zh 341ccd: 回来的路上
# 从``out``回到``a``的途中，梯度经过了``d``、``c``和``b``。途中的这些梯度，autograd 都会算出来，
# 但用完就丢掉；想留住哪一份，就要赶在``backward``之前对那个张量调用``retain_grad``。
# ``unique``把出现过的值各列一次。``b.grad``里会是哪个数，``c.grad``里呢？

# %% predict
a = torch.linspace(0, 2 * torch.pi, 25, requires_grad=True)
b = torch.sin(a)
c = 2 * b
b.retain_grad()
c.retain_grad()
(c + 1).sum().backward()
print(b.grad.unique(), c.grad.unique())

# %% check
import warnings

alone = torch.ones(3, requires_grad=True)
middle = torch.sin(alone)
middle.sum().backward(inputs=[middle])
assert alone.grad is None and middle.grad.tolist() == [1] * 3
assert a.topk(2).indices.grad_fn is None
assert b.grad.tolist() == [2] * 25 and c.grad.tolist() == [1] * 25
torch.testing.assert_close(a.grad, 2 * points.cos())
assert a.is_leaf and not b.is_leaf and not c.is_leaf
dropped = torch.sin(torch.ones(3, requires_grad=True))
dropped.sum().backward()
with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    assert dropped.grad is None
assert not dropped.retains_grad and b.retains_grad

# %% en
# They are 2 and 1, the :math:`\bar{g}` of the graph above. Without the two calls of
# ``retain_grad``, ``b.grad`` and ``c.grad`` would be ``None``. ``a`` needs no such call: it is a
# **leaf tensor**, made by no recorded operation, and ``backward``, called without arguments, keeps
# the gradients of the leaf tensors that it reaches.

# %% zh 5a6def
# 是 2 和 1，正是前面那张图里的:math:`\bar{g}`。要是没有那两次``retain_grad``，
# ``b.grad``和``c.grad``都会是``None``。``a``用不着这样的调用，因为它是**叶子张量**（leaf tensor），
# 也就是说，它并非由已记录的运算得到。不带参数地调用``backward``时，凡是反向传播（backward pass）
# 到达的叶子张量，梯度都会被保留。

# %% en: Remember
# - Give a floating point tensor ``requires_grad=True``, compute one number, call ``backward``,
#   read ``grad``. It holds one derivative for each element.
# - A result to which the wish was passed on has a ``grad_fn``, its node; gradients go back along
#   the nodes.
# - The gradients of intermediate results are computed, and kept where you called ``retain_grad``.

# %% zh 1d7975: 要点
# - 给浮点张量设``requires_grad=True``，算出一个数，调用``backward``，再读``grad``，
#   里面为每个元素各存着一个导数。
# - 请求传到哪个结果，哪个结果就带有``grad_fn``，也就是它的节点；梯度就沿着这些节点往回走。
# - 中间结果的梯度也会被算出来；想留住它，就要事先调用``retain_grad``。

# %% en: Exercises
# Let autograd differentiate :math:`a \sin a` at the same 25 points, in a new tensor, and compare
# with the product rule.

# %% zh 81be1c: 练习
# 新建一个张量，存放同样的 25 个点，让 autograd 求:math:`a \sin a`的导数，并与乘积求导法则的结果比较。

# %% solution
p = torch.linspace(0, 2 * torch.pi, 25, requires_grad=True)
(p * torch.sin(p)).sum().backward()
q = p.detach()
torch.testing.assert_close(p.grad, torch.sin(q) + q * torch.cos(q))

# %% en
# ``mean`` gives the average of all elements. What is the gradient of
# ``(2 * torch.sin(a) + 1).mean()``? Say it before you run it.

# %% zh 42b0ba
# ``mean``给出全部元素的平均值。``(2 * torch.sin(a) + 1).mean()``的梯度是什么？先说出答案，再运行。

# %% solution
p = torch.linspace(0, 2 * torch.pi, 25, requires_grad=True)
(2 * torch.sin(p) + 1).mean().backward()
torch.testing.assert_close(p.grad, 2 * torch.cos(p.detach()) / 25)

# %% en: Where next
# :ref:`which-way-is-downhill` says what a gradient is good for; :ref:`chain-rule` says how it
# comes about.

# %% zh 29207b: 接下来
# 梯度有什么用？见:ref:`which-way-is-downhill`。梯度又是怎样算出来的？见:ref:`chain-rule`。
