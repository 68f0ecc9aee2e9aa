# %% about
# level: intermediate
# minutes: 25
# tags: Tensor._version, Tensor.detach, Tensor.data, Tensor.add_, torch.sin_, torch.no_grad

# %% en: In-place operations
# By the end of this page you can tell which in-place operations autograd accepts, which it
# refuses, and which few slip past it and give a wrong gradient.
#
# An in-place operation writes its result into memory that already belongs to a tensor. You
# recognise it by a trailing underscore (``add_``), an augmented assignment (``+=``) or an
# assignment to an index (``t[0] = 5``).

# %% zh 2c36e4: 原地操作
# 读完这一页，你能分清哪些原地操作 autograd 会接受、哪些会拒绝，又有哪几种会瞒过它，算出错误的梯度。
#
# 原地操作把结果写进某个张量已经占用的内存。它有三种写法：名字以下划线结尾（``add_``）、
# 增量赋值（``+=``），以及按下标赋值（``t[0] = 5``）。

# %%
import math
from textwrap import fill

import matplotlib.pyplot as plt
import torch

plt.rc("figure", figsize=(5, 3.5), autolayout=True)
torch.set_default_device("cuda" if torch.cuda.is_available() else "cpu")

# %% en: A leaf refuses
# ``a`` is a leaf: you made it, no operation did. It holds 25 points on :math:`[0, 2\pi]` and
# requires a gradient. Replacing its values by their sine would turn it into the result of an
# operation: no longer a leaf, and the points at which you want the gradient would be gone.

# %% zh 219f9d: 叶子张量不接受原地操作
# ``a``是叶子张量，由你创建，不是运算的结果。它存着:math:`[0, 2\pi]`上的 25 个点，并且需要梯度。
# 如果把这些值原地换成各自的正弦，
# 这个张量就成了运算结果，不再是叶子张量，而要求梯度的那些点也没有了。

# %%
a = torch.linspace(0, 2 * math.pi, 25, requires_grad=True)
refused = False
try:
    torch.sin_(a)
except RuntimeError as error:
    refused = True
    print(error)
assert refused

# %% en: A result accepts
# On a result the same call is fine. ``b`` starts as a copy of ``a``; then the sine overwrites it
# in the same memory, as the address ``data_ptr()`` shows. The graph grows by one node, and the
# gradient is :math:`\cos a`.

# %% zh 186deb: 运算结果接受原地操作
# 对运算结果，同样的调用没有问题。``b``起初是``a``的副本，随后正弦值写进同一块内存，覆盖了原值；
# ``data_ptr()``给出内存地址，前后没有变。
# 计算图多了一个节点，梯度是:math:`\cos a`。

# %%
b = a.clone()
address = b.data_ptr()
b.sin_()
print(b.grad_fn.name(), b.data_ptr() == address)
assert b.data_ptr() == address

(slope,) = torch.autograd.grad(b.sum(), a)
torch.testing.assert_close(slope, a.detach().cos())

# %% en: Updating a leaf, on purpose
# A training step has to change the weights, and they are leaves. Under ``no_grad`` nothing is
# recorded, so the leaf stays a leaf and only its values move. Optimizers do exactly this.

# %% zh 2d6b0c: 更新叶子张量的正确做法
# 训练的每一步都得改权重，而权重是叶子张量。在``no_grad``里什么都不记录，
# 所以叶子张量还是叶子张量，变的只有数值。优化器正是这样做的。

# %%
w = torch.tensor([1.0, 2.0], requires_grad=True)
twin = w.detach().clone().requires_grad_()
(w**2).sum().backward()
with torch.no_grad():
    w -= 0.1 * w.grad
print(w)
assert w.is_leaf and w.requires_grad

optimizer = torch.optim.SGD([twin], lr=0.1)
(twin**2).sum().backward()
optimizer.step()
print(twin)
torch.testing.assert_close(twin, w)

# %% en: ``+=`` is not ``x = x + ...``
# ``+=`` writes into the tensor, and every name for it sees the change. ``x = x + 1`` makes a new
# tensor and moves one name over to it. Predict what ``alias`` holds after each.

# %% zh 566769: ``+=``不等于``x = x + ...``
# ``+=``直接写进原来的张量，指向它的每个名字都会看到变化。
# ``x = x + 1``新建一个张量，只有等号左边的名字改为指向它。
# 猜一猜，两种写法执行之后，``alias``分别是多少？

# %%
x = torch.zeros(2)
alias = x
x += 1
print(x, alias)
assert alias is x

x = x + 1
print(x, alias)
assert alias is not x and alias[0].item() == 1

# %% en: A saved value is overwritten
# For the backward pass, an operation keeps what its derivative needs. The derivative of
# :math:`e^x` is :math:`e^x`, so ``exp`` keeps its *result*. Change that result in place, and the
# derivative can no longer be found. The change itself goes through; ``backward`` raises.

# %% zh cdb1c0: 保存的值被覆盖
# 运算会为反向传播保存求导要用的值。:math:`e^x`的导数是:math:`e^x`，
# 所以``exp``保存的是自己的*结果*。原地改掉这个结果，导数就算不出来了。
# 改的时候不会报错，到``backward``才报错。

# %%
x = torch.tensor([0.0, 1.0, 2.0], requires_grad=True)
y = x.exp()
y.add_(1)
refused = False
try:
    y.sum().backward()
except RuntimeError as error:
    refused = True
    print(fill(str(error), 76))
assert refused and x.grad is None

# %% en
# Read the message from the middle: it names the type and shape of the changed tensor and the
# operation that it came from; it is *at version* 1, because one in-place operation has touched
# it; *expected version* 0 is what ``exp`` saw when it saved it. The in-place operation to
# look for ran after ``exp`` and before ``backward``.

# %% zh f4b764
# 这条消息从中间读起：先是被修改的张量的类型和形状，再是产生它的运算。
# *at version* 1 表示已有一次原地操作改过它；*expected version* 0 是``exp``保存它时的版本。
# 要找的原地操作，就在``exp``之后、``backward``之前。

# %% en
# The derivative of :math:`\sin x` is :math:`\cos x`: ``sin`` keeps its *input*. So the very same
# ``add_`` on its result does no harm.

# %% zh f4970d
# :math:`\sin x`的导数是:math:`\cos x`，``sin``保存的是自己的*输入*。
# 所以同样用``add_``改它的结果，毫无妨碍。

# %%
z = x.sin()
z.add_(1)
z.sum().backward()
print(x.grad)
torch.testing.assert_close(x.grad, x.detach().cos())

# %% en: Which value is saved
# Change the input, or else the result, of several operations in place; ``True`` means that
# ``backward`` still works. Cover the output and predict each row from the derivative: does it need
# the input, the result, or neither?

# %% zh cb42cf: 保存的是输入还是结果
# 取几种运算，分别原地修改输入和结果；``True``表示``backward``仍然成功。
# 先遮住输出，根据导数猜每一行：求导要用输入、要用结果，还是都不用？


# %%
def allowed(op, change):
    leaf = torch.tensor([1.0, 2.0, 3.0], requires_grad=True)
    h = leaf.clone()
    y = op(h)
    changed = h if change == "h" else y
    changed.add_(1)
    try:
        y.sum().backward()
    except RuntimeError:
        return False
    return True


ops = {
    "y = 2 * h": lambda h: 2 * h,
    "y = h + 1": lambda h: h + 1,
    "y = h.sin()": torch.sin,
    "y = h.log()": torch.log,
    "y = h**2": lambda h: h**2,
    "y = h.exp()": torch.exp,
    "y = h.tanh()": torch.tanh,
    "y = h.relu()": torch.relu,
}
table = {name: (allowed(op, "h"), allowed(op, "y")) for name, op in ops.items()}
print(f"{'':14}{'h.add_(1)':12}y.add_(1)")
for name, (after_h, after_y) in table.items():
    print(f"{name:14}{after_h!s:12}{after_y}")

assert list(table.values()) == [(True, True)] * 2 + [(False, True)] * 3 + [(True, False)] * 3

# %% en
# Multiplying by a constant and adding save neither, so in-place changes around them are
# harmless. Sine, logarithm and square need their input. The last three express the derivative
# through their result.

# %% zh b8bf0e
# 乘以常数和加法，输入和结果都不保存，前后怎样原地修改都无妨。正弦、对数和平方要用输入；
# 最后三种的导数用结果来表示。

# %% en: The version counter
# How does autograd notice? Each tensor carries a counter, ``_version``, and every in-place
# operation adds one. ``backward`` compares it with the number noted at saving time. It does not
# look at the values: change the sign twice, and everything is as before except the counter, and
# ``backward`` refuses.

# %% zh 5e74f6: 版本计数器
# autograd 怎么发现值改过了？每个张量都有计数器``_version``，每次原地操作都会加一。
# ``backward``只拿它与保存时记下的数比较，不看张量的值：变号两次，值和原来一样，计数器却变了，
# ``backward``照样报错。

# %%
y = x.exp()
y.neg_().neg_()
assert torch.equal(y, x.exp())
refused = False
try:
    y.sum().backward()
except RuntimeError:
    refused = True
print(y._version, refused)
assert y._version == 2 and refused

# %% en
# Other ways to write in place count as well: an augmented assignment, an index, a fill, a copy,
# an ``out=`` argument. A new tensor starts again at 0.

# %% zh 0c9c8a
# 其他原地写入方式同样计数：增量赋值、按下标赋值、填充、复制，以及``out=``参数。新张量又从 0 开始。

# %%
t = torch.zeros(4)
t += 1
t[0] = 5
t.fill_(3)
t.copy_(torch.ones(4))
torch.add(t, 1, out=t)
print(t._version)
assert t._version == 5

t = t + 1
print(t._version)
assert t._version == 0

# %% en
# Tensors that share memory should share the counter. A view, such as the slice ``t[:2]``, does, and
# so does the result of ``detach()``. ``.data`` shares the memory, too, but has a counter of its
# own. Each line below shows ``t``, the view, the detached tensor and ``.data``.

# %% zh ac1db4
# 共享内存的张量理应共用计数器。视图（例如切片``t[:2]``）和``detach()``的结果都是这样。
# ``.data``也共享内存，却另有自己的计数器。下面每一行依次是``t``、视图、分离出的张量和``.data``。

# %%
t = torch.zeros(4)
family = [t, t[:2], t.detach(), t.data]
t.add_(1)
print([member._version for member in family])
assert [member._version for member in family] == [1, 1, 1, 0]

family[1].mul_(2)
print([member._version for member in family])
assert [member._version for member in family] == [2, 2, 2, 0]

family[3].zero_()
print([member._version for member in family], t)
assert [member._version for member in family] == [2, 2, 2, 1]

# %% en: ``.data`` gives a wrong gradient in silence
# The last line is the danger: the values of ``t`` changed and its counter did not. Take
# :math:`\sum w^2` at :math:`w = (1, 2)`; the gradient is :math:`2w = (2, 4)`. Between forward
# and backward, multiply ``w`` by 10, once through ``detach()`` and once through ``.data``.

# %% zh 053cdb: ``.data``会悄悄算出错误的梯度
# 危险就在最后一行：``t``的值变了，计数器却没变。:math:`\sum w^2`在:math:`w = (1, 2)`处的梯度是
# :math:`2w = (2, 4)`。在前向传播和反向传播之间把``w``乘以 10，
# 一次通过``detach()``，一次通过``.data``。

# %%
w = torch.tensor([1.0, 2.0], requires_grad=True)
loss = (w**2).sum()
w.detach().mul_(10)
refused = False
try:
    loss.backward()
except RuntimeError as error:
    refused = True
    print(fill(str(error), 76))
assert refused

w = torch.tensor([1.0, 2.0], requires_grad=True)
loss = (w**2).sum()
w.data.mul_(10)
loss.backward()
print("expected", [2.0, 4.0], "got", w.grad.tolist())
torch.testing.assert_close(w.grad, torch.tensor([20.0, 40.0]))

# %% en
# No error, no warning, ten times the right value: the loss was computed at the old ``w``, the
# derivative at the new one. With ``detach()`` the same slip is an error. Where you meet
# ``.data`` in old code, write ``detach()`` to read and ``no_grad`` to update.
#
# With the sine, the right and the wrong curve look equally plausible. The points ``a`` are doubled
# behind autograd's back, and the gradient of :math:`\sum \sin a` becomes :math:`\cos 2a`.

# %% zh 1f79e4
# 没有报错，没有警告，结果却是正确值的十倍：损失按旧的``w``算，导数按新的算。
# 换成``detach()``，同样的失误会报错。在旧代码里遇到``.data``，读取就改用``detach()``，
# 更新就改用``no_grad``。
#
# 换成正弦，正确和错误的两条曲线看上去同样可信。绕过 autograd 把各点``a``加倍，
# :math:`\sum \sin a`的梯度就成了:math:`\cos 2a`。

# %%
a = torch.linspace(0, 2 * math.pi, 25, requires_grad=True)
points = a.detach().clone()
total = a.sin().sum()
a.data.mul_(2)
total.backward()
torch.testing.assert_close(a.grad, (2 * points).cos())

plt.plot(points.cpu(), points.cos().cpu(), label=r"$\cos a$")
plt.plot(points.cpu(), a.grad.cpu(), "o--", label="a.grad")
plt.xlabel("$a$")
plt.legend(loc="lower center", bbox_to_anchor=(0.5, 1), ncols=2)
plt.show()

# %% en alt
# Two curves over a from 0 to 2π. The true derivative, the cosine, swings once; the points found in
# ``a.grad`` swing twice. They agree at few places.

# %% zh alt 610368
# 横轴 a 从 0 到 2π，图中有两条曲线。真正的导数是余弦，摆动一个周期；
# ``a.grad``中的点摆动两个周期。两条曲线只在少数几处相同。

# %% en
# NumPy shares memory with a CPU tensor and knows nothing of the counter either. If you must
# write from outside, tell autograd with ``torch.autograd.graph.increment_version``: the wrong
# gradient becomes an error again.

# %% zh 78a6b0
# NumPy 数组与 CPU 张量共享内存，写入时同样不会改动计数器。如果非要从外部写入，
# 就用``torch.autograd.graph.increment_version``通知 autograd：又会报错，而不是给出错误的梯度。

# %%
x = torch.zeros(3, device="cpu", requires_grad=True)
y = x.exp()
y.detach().numpy()[:] = 100
print(y._version)
(wrong,) = torch.autograd.grad(y.sum(), x, retain_graph=True)
print("expected", [1.0, 1.0, 1.0], "got", wrong.tolist())
assert y._version == 0 and wrong.tolist() == [100.0, 100.0, 100.0]

torch.autograd.graph.increment_version(y)
refused = False
try:
    y.sum().backward()
except RuntimeError:
    refused = True
print(y._version, refused)
assert refused

# %% en: An update that comes too early
# In training, the saved value is often a weight, and the in-place operation is the optimizer's
# step. A graph that saved a weight before the step cannot be used after it. The first loss below
# is fine; the second is computed before the step and goes backward after it.

# %% zh 25f61b: 更新得太早
# 训练中，保存的值往往是权重，原地操作就是优化器的更新。
# 计算图若在更新之前保存了权重，更新之后就不能再用。
# 下面第一个损失没有问题；第二个损失在更新之前算出，更新之后才反向传播。

# %%
model = torch.nn.Sequential(torch.nn.Linear(2, 2), torch.nn.Linear(2, 1))
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
output = model(torch.ones(1, 2))
first, second = (output - 1) ** 2, output**2

first.backward(retain_graph=True)
optimizer.step()
refused = False
try:
    second.backward()
except RuntimeError as error:
    refused = True
    print(fill(str(error), 76))
assert refused

second = model(torch.ones(1, 2)) ** 2
second.backward()

# %% en
# The tensor in the message is the second layer's weight, transposed: version 1 since it was
# initialized, 2 since the step. The remedy is the last two lines: after a step, run the forward
# pass again; or call both ``backward`` before the step.

# %% zh cc00b6
# 消息里的张量是第二层权重的转置：初始化之后是版本 1，更新之后是版本 2。
# 最后两行就是补救办法：更新之后重新做一次前向传播。也可以先把两次``backward``都做完，再更新。

# %% en: Views of a leaf
# A view, such as a slice, is a window on the memory of another tensor, its base. Writing through
# a view of a leaf changes the leaf, so the rule for leaves holds here too.

# %% zh 9a1c05: 叶子张量的视图
# 视图（例如切片）不另占内存，用的是另一个张量的内存；那个张量叫作视图的基张量（base）。
# 写入叶子张量的视图，就是修改叶子张量，所以同样会遭到拒绝。

# %%
x = torch.tensor([1.0, 2.0, 3.0], requires_grad=True)
refused = False
try:
    x[:2].mul_(10)
except RuntimeError as error:
    refused = True
    print(fill(str(error), 76))
assert refused

# %% en: Views of a result
# On a result, autograd rewrites history. ``window`` covers the first two entries of ``base`` and
# is multiplied by 10. Predict the gradient of ``base.sum()`` with respect to ``x``. Then see how
# the ``grad_fn`` of ``base`` changes, although the multiplication does not mention ``base``.

# %% zh 5c7fe4: 运算结果的视图
# 基张量是运算结果时，autograd 会改写它的历史。``window``是``base``的前两个元素，
# 下面把它原地乘以 10。猜一猜``base.sum()``关于``x``的梯度。再看``base``的``grad_fn``怎样变化，
# 虽然乘法那一行并没有提到``base``。

# %%
# sphinx_gallery_graph = "base"
base = x.clone()
window = base[:2]
print(base.grad_fn.name(), window.grad_fn.name())
window.mul_(10)
print(base)
assert "CopySlices" in base.grad_fn.name()

(slope,) = torch.autograd.grad(base.sum(), x)
print(slope)
torch.testing.assert_close(slope, torch.tensor([10.0, 10.0, 1.0]))

# %% en
# ``CopySlices`` says: a part of this tensor was overwritten by another operation. It works in
# the other direction as well. Change the base, and the view made earlier follows, values and
# history alike.

# %% zh 1fda56
# ``CopySlices``表示这个张量有一部分被别的运算覆盖过。反过来也行：修改基张量，
# 先前取出的视图也跟着变，数值和历史都变。

# %%
base = x.clone()
window = base[:2]
base.mul_(5)
print(window)
(slope,) = torch.autograd.grad(window.sum(), x)
print(slope)
torch.testing.assert_close(slope, torch.tensor([5.0, 5.0, 0.0]))

# %% en
# One kind of view refuses: those that come several at a time, from ``unbind``, ``split`` or
# ``chunk``. A loop over the rows of a tensor calls ``unbind``, so it meets the same error. Index
# the rows instead.

# %% zh c70c84
# 有一类视图不接受原地操作：``unbind``、``split``和``chunk``一次返回的多个视图。
# 逐行遍历张量，调用的就是``unbind``，所以会遇到同样的错误。改用下标取行即可。

# %%
rows = torch.ones(2, 2, requires_grad=True).clone()
refused = False
try:
    for row in rows:
        row.mul_(3)
except RuntimeError as error:
    refused = True
    print(fill(str(error), 76))
assert refused

for i in range(len(rows)):
    rows[i].mul_(3)
print(rows)
assert rows.sum().item() == 12

# %% en: Assigning to an index
# An index assignment is an in-place copy into a view. Filling a tensor of zeros is fine: ``y``
# becomes part of the graph at the first assignment.

# %% zh 2a8113: 按下标赋值
# 按下标赋值，就是把值原地复制到视图里。逐项填满一个全零张量没有问题：
# 第一次赋值之后，``y``就进入了计算图。

# %%
x = torch.tensor([2.0, 3.0, 4.0], requires_grad=True)
y = torch.zeros(3)
for i in range(3):
    y[i] = x[i] ** 2
print(y, y._version)
y.sum().backward()
torch.testing.assert_close(x.grad, 2 * x.detach())

# %% en
# Reading entries back while you fill is another matter. The product below saves ``y[i]``, a view
# of ``y``, and the assignment bumps the counter that they share. It does not help that a
# *different* entry was written: there is one counter for the whole memory.

# %% zh 68f09a
# 一边填一边读，就不行了。下面的乘积保存了``y[i]``，它是``y``的视图，
# 而赋值会让两者共用的计数器加一。哪怕写的是*另一个*元素也一样：整块内存只有一个计数器。

# %%
y = torch.ones(4)
for i in range(3):
    y[i + 1] = y[i] * x[i]
print(y)
refused = False
try:
    y[3].backward()
except RuntimeError as error:
    refused = True
    print(fill(str(error), 76))
assert refused

# %% en: Ways out
# Four ways let ``exp`` keep its saved value:
#
# - Compute out of place: ``y = y + 1``. This is the answer nearly always.
# - ``clone()`` first, and change the copy.
# - If the change is not part of the mathematics, move it out: before the forward pass, or after
#   ``backward``, under ``no_grad``.
# - Code that you cannot change: run it under ``allow_mutation_on_saved_tensors``, which `clones
#   a saved tensor
#   <https://docs.pytorch.org/docs/stable/autograd.html#torch.autograd.graph.allow_mutation_on_saved_tensors>`__
#   just before it is overwritten.

# %% zh 77a544: 解决办法
# 要保住``exp``保存的值，有四种办法：
#
# - 不用原地操作：``y = y + 1``。绝大多数情况下就用这一种。
# - 先``clone()``，再改副本。
# - 如果修改不是公式的一部分，就挪到前向传播之前，或者``backward``之后，写在``no_grad``里。
# - 如果代码不能改，就在``allow_mutation_on_saved_tensors``里运行：保存的张量即将被覆盖时，
#   它会`先复制一份
#   <https://docs.pytorch.org/docs/stable/autograd.html#torch.autograd.graph.allow_mutation_on_saved_tensors>`__。


# %%
def out_of_place(x):
    y = x.exp()
    return y + 1


def on_a_clone(x):
    y = x.exp().clone()
    return y.add_(1)


def after_backward(x):
    y = x.exp()
    (slope,) = torch.autograd.grad(y.sum(), x)
    with torch.no_grad():
        y.add_(1)
    return slope


def in_place(x):
    y = x.exp()
    return y.add_(1)


x = torch.tensor([0.0, 1.0, 2.0], requires_grad=True)
slopes = [torch.autograd.grad(f(x).sum(), x)[0] for f in (out_of_place, on_a_clone)]
slopes.append(after_backward(x))
with torch.autograd.graph.allow_mutation_on_saved_tensors():
    slopes.append(torch.autograd.grad(in_place(x).sum(), x)[0])
for slope in slopes:
    print(slope)
    torch.testing.assert_close(slope, x.detach().exp())

# %% en: ReLU in place
# ``ReLU(inplace=True)`` saves its own result, so autograd is content with it after a linear
# layer, which saves only its input and its weight. After a sigmoid, which saves its result, it
# raises.

# %% zh 741d55: 原地 ReLU
# ``ReLU(inplace=True)``保存的是自己的结果；线性层只保存输入和权重，所以接在线性层后面没有问题。
# sigmoid 保存的是结果，接在它后面就会报错。

# %%
relu = torch.nn.ReLU(inplace=True)
relu(torch.nn.Linear(3, 3)(x)).sum().backward()

refused = False
try:
    relu(x.sigmoid()).sum().backward()
except RuntimeError as error:
    refused = True
    print(fill(str(error), 76))
assert refused

# %% en
# As the first layer it does something worse without any error: it rewrites your batch. Data do
# not require a gradient, so autograd does not object.

# %% zh 00c78d
# 放在第一层更糟：不报错，却会改写你的数据。数据不需要梯度，所以 autograd 不会拒绝。

# %%
batch = torch.tensor([-1.0, 2.0, -3.0])
torch.nn.Sequential(relu, torch.nn.Linear(3, 1))(batch)
print(batch)
assert batch.tolist() == [0.0, 2.0, 0.0]

# %% en: Does it save memory?
# In-place operations spare an allocation. They seldom reduce what is *kept for the backward
# pass*. Count those bytes for layers of Linear and ReLU at three depths, parameters left out:
# will ``inplace=True`` halve them?

# %% zh e3898e: 能省内存吗？
# 原地操作省下一次内存分配，却很少减少*为反向传播保留*的内存。
# 取三种深度，数一数 Linear 加 ReLU 的各层保留了多少字节，模型参数不计：
# ``inplace=True``能省下一半吗？


# %%
def saved_bytes(depth, inplace):
    layers = []
    for _ in range(depth):
        layers += [torch.nn.Linear(64, 64), torch.nn.ReLU(inplace)]
    model = torch.nn.Sequential(*layers)
    parameters = {p.data_ptr() for p in model.parameters()}
    sizes = {}

    def pack(tensor):
        if tensor.data_ptr() not in parameters:
            sizes[tensor.data_ptr()] = tensor.nbytes
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        output = model(torch.ones(32, 64))
    assert output.requires_grad
    return sum(sizes.values())


print(f"{'depth':8}{'ReLU()':10}ReLU(inplace=True)")
for depth in (1, 4, 16):
    counts = saved_bytes(depth, False), saved_bytes(depth, True)
    print(f"{depth:<8}{counts[0]:<10}{counts[1]}")
    assert counts[0] == counts[1]

# %% en
# Not by a byte. Out of place, nobody saves the input of the ReLU either, so it is freed as soon
# as the ReLU is done. And ``b.sin_()`` at the top of this page worked only because ``sin_``
# quietly saved a copy of the values that it overwrote. The `reference
# <https://docs.pytorch.org/docs/stable/notes/autograd.html#in-place-operations-with-autograd>`__
# discourages in-place operations in most cases.

# %% zh 89bb86
# 一个字节也省不下。不用原地操作时，ReLU 的输入也没有保存，ReLU 一算完就释放了。
# 而本页开头的``b.sin_()``能行，只是因为``sin_``先给即将覆盖的值存了一份副本。
# `参考文档 <https://docs.pytorch.org/docs/stable/notes/autograd.html#in-place-operations-with-autograd>`__
# 不建议在多数情况下使用原地操作。

# %%
b = x.clone()
b.sin_()
kept = b.grad_fn._saved_self
print(kept.tolist(), kept.data_ptr() == b.data_ptr())
assert kept.data_ptr() != b.data_ptr()
torch.testing.assert_close(kept, x)

# %% en: Remember
# - To change a leaf that requires a gradient in place, do it under ``no_grad``.
# - Overwriting is an error when the derivative needs the old value; the version counter notices.
# - Views and ``detach()`` share the counter. ``.data`` and NumPy do not: wrong gradients in
#   silence.
# - In doubt, compute out of place; it rarely costs memory that matters.

# %% zh 65edf4: 记住
# - 要原地修改需要梯度的叶子张量，就在``no_grad``里改。
# - 求导还要用旧值时，覆盖旧值会报错；autograd 靠版本计数器发现。
# - 视图和``detach()``共用计数器；``.data``和 NumPy 不共用，会悄悄算出错误的梯度。
# - 拿不准就不用原地操作；为此多占的内存很少值得在意。

# %% en: Exercise: repair a scaled tanh
# ``y = x.tanh()`` followed by ``y.mul_(2)`` raises in ``backward``. Say why. Then repair it with
# the smallest change, and check the gradient :math:`2(1 - \tanh^2 x)`.

# %% zh 1d2c51: 练习：修好带系数的 tanh
# ``y = x.tanh()``之后接``y.mul_(2)``，``backward``会报错。说明原因，再用最小的改动修好它，
# 并检查梯度:math:`2(1 - \tanh^2 x)`。

# %% solution
x = torch.tensor([0.0, 1.0, 2.0], requires_grad=True)
y = x.tanh()
y = y.mul(2)
y.sum().backward()
print(x.grad)
torch.testing.assert_close(x.grad, 2 * (1 - x.detach().tanh() ** 2))

# %% en: Exercise: a product without assignment
# The loop over ``y[i + 1] = y[i] * x[i]`` raised. Compute the same running products of 2, 3
# and 4 so that ``backward`` works, and compare values and gradients with ``torch.cumprod``. A
# Python list and ``torch.stack`` are enough.

# %% zh 08e0f1: 练习：不用下标赋值的累乘
# 前面用``y[i + 1] = y[i] * x[i]``的循环会报错。对 2、3、4 算出同样的累乘结果，
# 并且``backward``不报错，再与``torch.cumprod``比较数值和梯度。
# 用 Python 列表和``torch.stack``就够了。

# %% solution
x = torch.tensor([2.0, 3.0, 4.0], requires_grad=True)
products = []
last = torch.tensor(1.0)
for factor in x:
    last = last * factor
    products.append(last)
y = torch.stack(products)
expected = torch.cumprod(x, 0)
print(y)
torch.testing.assert_close(y, expected)

(slope,) = torch.autograd.grad(y.sum(), x)
(reference,) = torch.autograd.grad(expected.sum(), x)
print(slope)
torch.testing.assert_close(slope, reference)

# %% en: Exercise: a weight kept in an interval
# Minimise :math:`(w - 3)^2` from :math:`w = 0` with SGD and a learning rate of 0.25, and force
# :math:`w` back into :math:`[-1, 1]` after every step. It must remain the same leaf. After 5
# steps it should sit at 1.

# %% zh 348f34: 练习：把权重限制在区间内
# 从:math:`w = 0`出发，用 SGD、学习率 0.25 最小化:math:`(w - 3)^2`，
# 每次更新后都把:math:`w`拉回:math:`[-1, 1]`。叶子张量必须始终是同一个。5 步之后，权重应该停在 1。

# %% solution
w = torch.tensor(0.0, requires_grad=True)
optimizer = torch.optim.SGD([w], lr=0.25)
for _ in range(5):
    optimizer.zero_grad()
    ((w - 3) ** 2).backward()
    optimizer.step()
    with torch.no_grad():
        w.clamp_(-1, 1)
print(w)
assert w.is_leaf and w.requires_grad and w.item() == 1
assert optimizer.param_groups[0]["params"][0] is w

# %% en: Where next
# - :ref:`gradients-off-and-on`: ``no_grad``, ``detach`` and the other switches.
# - :ref:`read-the-graph`: what else a ``grad_fn`` can tell.
# - `In-place correctness checks
#   <https://docs.pytorch.org/docs/stable/notes/autograd.html#in-place-correctness-checks>`__: the
#   rules in the reference.

# %% zh 06c247: 接下来
# - :ref:`gradients-off-and-on`：``no_grad``、``detach``和其他开关。
# - :ref:`read-the-graph`：``grad_fn``还能告诉你什么。
# - `原地操作的正确性检查
#   <https://docs.pytorch.org/docs/stable/notes/autograd.html#in-place-correctness-checks>`__：
#   参考文档里的规则。
