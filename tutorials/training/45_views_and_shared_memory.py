# %% about
# level: intermediate
# tags: Tensor._version, Tensor.data, Tensor.detach, Tensor.unbind, Tensor.numpy, torch.autograd.graph.increment_version

# %% en: Views and shared memory
# Several tensors can use one piece of memory. Predict what a write through one of them does to the
# values and gradients of the others, and know the writes that autograd does not notice.
#
# This page builds on :ref:`in-place-operations` and on ``detach()`` in :ref:`gradients-off-and-on`.

# %% zh a8e0a4: 视图与共用的内存
# 几个张量可以共用一块内存。写入其中一个，别的张量的数值和梯度会怎样变？又有哪些写入 autograd 察觉不到？
# 看懂下面几个例子，你就能事先判断。
#
# 这一页要用到:ref:`in-place-operations`的内容，以及:ref:`gradients-off-and-on`里讲的``detach()``。

# %%
from textwrap import fill

import matplotlib.pyplot as plt
import torch

device = torch.accelerator.current_accelerator(check_available=True)
torch.set_default_device(device or "cpu")

# %% en: A window on a result
# A *view* has no memory of its own: it is a window on the memory of another tensor, its *base*. The
# slice ``base[8:17]`` is a view. Below, ``base`` holds the sine of 25 points, and the window changes
# its sign in place. The gradient of ``base.sum()`` with respect to ``x`` (marked in the legend by
# :math:`\nabla`, nabla) was :math:`\cos x` before. What do the values of ``base`` look like then, and
# what does the gradient?

# %% zh 1eaf6b: 结果上的一扇窗
# *视图*（view）自己不占内存，它像一扇窗，开在另一个张量的内存上；那个张量叫作它的*基张量*（base）。
# 切片``base[8:17]``就是视图。下面的``base``是 25 个点处的正弦，再把窗里的值原地变号。
# ``base.sum()``关于``x``的梯度（图例里记作:math:`\nabla`，读作 nabla）原本是:math:`\cos x`。
# 变号之后，``base``的数值画出来是什么样？梯度又是什么样？

# %% predict
x = torch.linspace(0, 2 * torch.pi, 25, requires_grad=True)
base = x.sin()
window = base[8:17]
window.neg_()
(slope,) = torch.autograd.grad(base.sum(), x)
print(base.grad_fn.name())

points = x.detach().cpu()
plt.plot(points, base.detach().cpu(), "o-", label="base")
plt.plot(points, slope.cpu(), "s--", label=r"$\nabla$ base.sum()")
plt.xlabel("$x$")
plt.legend(loc="lower center", bbox_to_anchor=(0.5, 1), ncols=2)
plt.show()

# %% check
sign = torch.tensor([1.0] * 8 + [-1.0] * 9 + [1.0] * 8).cpu()
exact = torch.tensor([k * torch.pi / 12 for k in range(25)]).cpu()
torch.testing.assert_close(points, exact)
torch.testing.assert_close(
    base.detach().cpu(), sign * exact.sin(), atol=1e-5, rtol=0
)
torch.testing.assert_close(slope.cpu(), sign * exact.cos())
assert base.grad_fn.name() == "torch::autograd::CopySlices"

# %% en alt
# Two curves over x from 0 to 2π: the sine and, dashed, the cosine. In the middle, for 9 of the 25
# points, both have the opposite sign.

# %% zh alt df99de
# 横轴 x 从 0 到 2π，图中有两条曲线：正弦和用虚线画的余弦。在中间，25 个点中有 9 个点处，两条曲线都变了号。

# %% en
# Both change sign in the middle. The write went through ``window``, but the memory is that of
# ``base``, and autograd has rewritten the history of ``base`` as well: its new node, ``CopySlices``,
# says that another operation has overwritten a part of it. The other way round it holds, too: change
# the base, and a slice taken before follows, in values and in history (not one taken under
# ``no_grad``: autograd then refuses to record an operation on it).
#
# Writing to a view of a leaf would change the leaf, so the rule for leaves applies:

# %% zh ddc9c4
# 两条曲线的中间一段都变了号。写入虽然经过``window``，内存却是``base``的，
# 所以 autograd 把``base``的历史也改写了：新节点``CopySlices``表示，这个张量有一部分被别的运算覆盖过。
# 反过来也成立：修改基张量，先前取出的切片也跟着变，数值和历史都变
# （在``no_grad``里取出的除外：再对它做要记录的运算，就会报错）。
#
# 写入叶子张量（leaf tensor）的视图，就等于修改叶子张量，所以适用叶子张量的规则：

# %%
try:
    x[:2].mul_(10)
except RuntimeError as error:
    print(error)

# %% check
torch.testing.assert_close(x.detach().cpu(), exact)
entries = torch.tensor([1.0, 2.0, 3.0], requires_grad=True)
under = entries.clone()
pane = under[:2]
under.mul_(5)
pane.sum().backward()
assert pane.tolist() == [5, 10] and entries.grad.tolist() == [5, 5, 0]

# %% en: Row after row
# ``rows`` is a result with two rows, to be tripled one after the other. ``rows[i]`` takes one row as a
# view; a loop over ``rows`` itself calls ``unbind``, one operation that returns all rows as views. A
# recorded write to a view gives that view and its base a new history. In which of the two loops does it fail?

# %% zh a32fea: 一行接一行
# ``rows``是运算结果，共有两行，要逐行变成三倍。``rows[i]``把一行作为视图取出来；
# 直接遍历``rows``则会调用``unbind``，这一个运算就返回所有的行，每一行都是视图。
# 写入一个视图，如果被记录，就要给它和它的基张量换上新的历史。两种循环里，哪一种会报错？

# %% predict
rows = torch.ones(2, 2, requires_grad=True).clone()
for views in ((rows[i] for i in range(2)), rows):
    try:
        for row in views:
            row.mul_(3)
        print(rows)
    except RuntimeError as error:
        print(fill(str(error), 72))

# %% check
assert rows.tolist() == [[3, 3], [3, 3]]
assert rows.grad_fn.name() == "torch::autograd::CopySlices"


def accepts(view):
    result = torch.ones(2, 2, requires_grad=True).clone()
    try:
        view(result).mul_(3)
    except RuntimeError as refusal:
        assert "view" in str(refusal)
        return False
    return True


@torch.no_grad()
def made_without_recording(result):
    return result[:1]


refusing = (
    lambda t: t.unbind()[0],
    lambda t: t.split(1)[0],
    lambda t: t.chunk(2)[0],
    made_without_recording,
)
assert not any(map(accepts, refusing))
assert accepts(lambda t: t.tensor_split(2)[0])
assert accepts(lambda t: t.hsplit(2)[0])
with torch.no_grad():
    for part in refusing[:3]:
        assert accepts(part)
for part in refusing:
    under = torch.ones(2, 2, requires_grad=True).clone()
    stale = part(under)
    under.mul_(5)
    try:
        stale.sum()
        raise AssertionError(part)
    except RuntimeError as refusal:
        assert "its base" in str(refusal)

# %% en
# The second one is refused. Views of a recorded result that ``unbind`` returned may not be written
# to while autograd records, nor may those of ``split`` and ``chunk``, each of them one operation
# with several results, too. So take the rows by index.

# %% zh 9d7358
# 第二个循环被拒绝了。如果基张量是已记录的运算的结果，那么只要 autograd 还在记录，
# 就不允许写入``unbind``返回的视图；``split``和``chunk``也是由一个运算返回多个视图，它们返回的同样不能写入。
# 所以，要逐行修改，就用下标取行。

# %% en: Who counts the writes
# ``base``, a view of it, its ``detach()`` and its ``.data``, an older relative of ``detach()``, use
# the same memory. Write through each in turn, and print the four version counters after each write.
# One of the four has a counter of its own. Which?

# %% zh 8f44ed: 谁在数写入的次数
# ``base``、它的视图、它的``detach()``和它的``.data``（``detach()``的老前辈）共用同一块内存。
# 下面依次通过它们各写一次，每写一次就打印四个版本计数器（version counter）。
# 四个张量里，有一个的计数器是自己单独的。是哪一个？

# %% predict
base = torch.zeros(4)
family = [base, base[:2], base.detach(), base.data]
for member in family:
    member.add_(1)
    print([tensor._version for tensor in family])
print(base)

# %% check
assert [tensor._version for tensor in family] == [3, 3, 3, 1]
assert base.tolist() == [4, 4, 3, 3]
other = torch.zeros(4)
kin = [other, other[:2], other.detach(), other.data]
counts = []
for tensor in kin:
    tensor.add_(1)
    counts.append([one._version for one in kin])
assert counts[:2] == [[1, 1, 1, 0], [2, 2, 2, 0]]
assert counts[2:] == [[3, 3, 3, 0], [3, 3, 3, 1]]

# %% en
# A tensor, its views and its ``detach()`` share one counter. ``.data`` shares the memory alone: the
# last write changed ``base``, and the counter of ``base`` did not move.

# %% zh 8dfa9d
# 张量、它的视图和它的``detach()``共用一个计数器。``.data``只共用内存：最后一次写入改变了``base``，
# ``base``的计数器却没有动。

# %% en: A weight changed in between
# The gradient of :math:`\sum w^2` at :math:`w = (1, 2)` is :math:`2w = (2, 4)`. Between the forward
# pass and the backward pass, ``w`` is multiplied by 10: first through ``.data``, then, in a copy of
# the experiment, through ``detach()``. What happens in each?

# %% zh 47e3ef: 中途改动的权重
# :math:`\sum w^2`在:math:`w = (1, 2)`处的梯度是:math:`2w = (2, 4)`。
# 在前向传播（forward pass）和反向传播（backward pass）之间，``w``被乘以 10：先是通过``.data``；
# 然后原样重做一遍，改为通过``detach()``。两次各会怎样？

# %% predict
for shared in (lambda t: t.data, lambda t: t.detach()):
    w = torch.tensor([1.0, 2.0], requires_grad=True)
    loss = (w**2).sum()
    shared(w).mul_(10)
    try:
        loss.backward()
        print(w.grad)
    except RuntimeError as error:
        print(fill(str(error), 72))

# %% check
assert w.tolist() == [10, 20] and w._version == 1 and w.grad is None
assert loss.item() == 5 and w.requires_grad
v = torch.tensor([1.0, 2.0], requires_grad=True)
square = (v**2).sum()
v.data.mul_(10)
square.backward()
assert v.grad.tolist() == [20, 40] and v._version == 0

on_cpu = torch.zeros(3, device="cpu", requires_grad=True)
power = on_cpu.exp()
power.detach().numpy()[:] = 100
assert power._version == 0
(wrong,) = torch.autograd.grad(power.sum(), on_cpu, retain_graph=True)
assert wrong.tolist() == [100, 100, 100]
torch.autograd.graph.increment_version(power)
try:
    power.sum().backward()
except RuntimeError as refusal:
    assert "at version 1; expected version 0" in str(refusal)

# %% en
# Through ``.data``: no error, no warning, and ten times the right gradient. The loss was computed
# from the old ``w``, the derivative from the new one. Through ``detach()``, the counter shows the
# write, and you get an error. So where you meet ``.data`` in old code, write ``detach()`` to read and
# ``no_grad`` to update.
#
# An array from ``numpy()`` shares the memory of a CPU tensor, and its writes do not count either. If
# you must write there, call ``torch.autograd.graph.increment_version(tensor)`` afterwards.

# %% zh e5ea5b
# 通过``.data``：没有报错，没有警告，梯度却是正确值的十倍。损失（loss）按旧的``w``算，导数按新的算。
# 通过``detach()``：计数器看见了这次写入，于是报错。所以在旧代码里遇到``.data``，
# 读取就改用``detach()``，更新就改用``no_grad``。
#
# ``numpy()``返回的数组与 CPU 张量共用内存，往数组里写入，同样不会被计入。
# 非写不可的话，写完要调用``torch.autograd.graph.increment_version(tensor)``。

# %% en: A result changed in between
# Now :math:`y = 3w` at :math:`w = 1`, and ``y`` is multiplied by 10 through ``detach()``, before
# ``backward``. What are ``y`` and ``w.grad``?

# %% zh f1c19e: 中途改动的结果
# 这次是:math:`y = 3w`，:math:`w = 1`；在``backward``之前，通过``detach()``把``y``乘以 10。
# ``y``和``w.grad``各是多少？

# %% predict
w = torch.tensor(1.0, requires_grad=True)
y = 3 * w
y.detach().mul_(10)
y.backward()
print(y)
print(w.grad)

# %% check
assert y.item() == 30 and y._version == 1
assert y.grad_fn.name() == "MulBackward0" and w.grad.item() == 3
u = torch.tensor(1.0, requires_grad=True)
triple = 3 * u
with torch.no_grad():
    triple.mul_(10)
triple.backward()
assert triple.item() == 30 and u.grad.item() == 3
assert triple.grad_fn is not None

# %% en
# ``y`` is 30, its gradient is 3, and nobody complains. The counter has moved, but no node of this
# graph saved ``y``, so nobody compares. A write under ``no_grad`` does the same: it changes the
# value of ``y`` and leaves its history. If the factor 10 belongs to the formula, write
# ``y = 10 * y`` and let autograd record it.

# %% zh d2a696
# ``y``是 30，梯度是 3，也没有报错。计数器动了，可是这张计算图（computational graph）里没有节点（node）保存``y``，
# 也就没有谁去比较。在``no_grad``里写入也一样：``y``的值变了，历史却照旧。
# 如果系数 10 是公式的一部分，就写成``y = 10 * y``，让 autograd 记录下来。

# %% en: Fill and read back
# An assignment such as ``y[i] = ...`` copies into a view. The loop below fills ``y`` with the running
# products of ``x``; each product reads the entry written just before, and no entry is written again
# after it has been read. Yet ``backward`` fails. Why might that be?

# %% zh 6770eb: 边填边读
# ``y[i] = ...``这样的赋值，就是把值复制到视图里。下面的循环把``x``的累乘结果填进``y``；
# 每次相乘都要读刚写好的那个元素（element），而读过的元素，后来都没有再被改写，``backward``却还是失败了。这可能是为什么？

# %% predict
x = torch.tensor([2.0, 3.0, 4.0], requires_grad=True)
y = torch.ones(4)
for i in range(3):
    y[i + 1] = y[i] * x[i]
print(y)
try:
    y[3].backward()
except RuntimeError as error:
    print(fill(str(error), 72))

# %% check
assert y.tolist() == [1, 2, 6, 24] and y._version == 3
leaf = torch.tensor([2.0, 3.0, 4.0], requires_grad=True)
table = torch.zeros(3)
for k in range(3):
    table[k] = leaf[k] ** 2
table.sum().backward()
assert leaf.grad.tolist() == [4, 6, 8]
assert table.grad_fn.name() == "torch::autograd::CopySlices"

# %% en
# The product has saved ``y[i]``, a view of ``y`` with the same counter: an assignment
# to *another* entry moves that as well. Filling alone, without reading back, is fine. To read back,
# collect the values in a list.

# %% zh ab59af
# 乘法保存了``y[i]``，它是``y``的视图，两者共用计数器：给*另一个*元素赋值，计数器也会加一。
# 只填不读就没有问题。要边填边读，就把值收集在列表里。

# %% en: Remember
# - A recorded write through a slice changes values and history of its base, and the other way round.
#   The views of ``unbind`` and ``split``, and those made under ``no_grad``, refuse both.
# - A tensor, its views and its ``detach()`` share one version counter. ``.data`` and NumPy share the
#   memory without it, and can make gradients wrong in silence.
# - A write that autograd does not record, to a result that no node saved, is silent, too.

# %% zh f6564f: 要点
# - 通过切片写入，如果被记录，就会改变基张量的数值和历史；反过来也一样。
#   换成``unbind``和``split``返回的视图，或者在``no_grad``里得到的视图，这两种情形都会报错。
# - 张量、它的视图和它的``detach()``共用一个版本计数器；``.data``和 NumPy 只共用内存，不共用计数器，
#   梯度可能算错，却不报错。
# - 运算结果如果没有被任何节点保存，往里写入又不被记录，那么也不会报错。

# %% en: Exercise: running products
# Compute the running products of 2, 3 and 4 so that ``backward`` works, with a Python list and
# ``torch.stack``, which makes one tensor of a list of tensors. Compare values and gradients with
# ``torch.cumprod``.

# %% zh 0e9287: 练习：累乘
# 算出 2、3、4 的累乘结果，并且让``backward``能成功。用 Python 列表，再用``torch.stack``
# 把列表里的张量合成一个张量。再与``torch.cumprod``比较数值和梯度。

# %% solution
products, last = [], torch.tensor(1.0)
for i in range(3):
    last = last * x[i]
    products.append(last)
y = torch.stack(products)
(slope,) = torch.autograd.grad(y.sum(), x)

expected = torch.cumprod(x, 0)
(reference,) = torch.autograd.grad(expected.sum(), x)
print(y, slope)
torch.testing.assert_close(y, expected)
torch.testing.assert_close(slope, reference)

# %% en: Exercise: clipped by a mask
# ``y`` is a recorded copy of ``x``, with the values 2, 3 and 4, and then ``y[y > 2.5] = 2.5``. (A mask
# takes no view, so the new node is ``IndexPutBackward0``.) Predict the gradient of ``y.sum()`` from
# what was overwritten, and check it.

# %% zh 895fc9: 练习：用掩码截断
# ``y``是``x``的副本，复制这一步被记录，值是 2、3、4；然后执行``y[y > 2.5] = 2.5``。
# （按掩码赋值不经过视图，所以新的节点是``IndexPutBackward0``。）根据哪些元素被覆盖，
# 预测``y.sum()``的梯度，再验证。

# %% solution
y = x.clone()
y[y > 2.5] = 2.5
(slope,) = torch.autograd.grad(y.sum(), x)
print(slope, y.grad_fn.name())
assert slope.tolist() == [1, 0, 0]
assert y.grad_fn.name() == "IndexPutBackward0"

# %% en: Where next
# - :ref:`cpu-and-cuda`: another copy or the same memory, when a tensor moves to a GPU.
# - `In-place operations and views
#   <https://docs.pytorch.org/docs/stable/tensor_view.html>`__: which operations return views.

# %% zh e1a805: 接下来
# - :ref:`cpu-and-cuda`：把张量移到 GPU 上，得到的是另一份副本，还是同一块内存。
# - `原地操作与视图
#   <https://docs.pytorch.org/docs/stable/tensor_view.html>`__：哪些运算返回视图。
