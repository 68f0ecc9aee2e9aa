# %% about
# level: intermediate
# tags: Tensor._version, Tensor.add_, Tensor.sin_, Tensor.clamp_, Tensor.clone, torch.nn.ReLU

# %% en: In-place operations
# Tell which in-place operations autograd accepts and which it refuses, read the error that it
# raises, and repair the code.
#
# An in-place operation writes its result into memory that a tensor has already. Usually one of three
# spellings gives it away: a trailing underscore (``add_``), an augmented assignment (``+=``) or an
# assignment to an index (``t[0] = 5``). This page builds on :ref:`read-the-graph` and
# :ref:`one-training-step`.

# %% zh b691b2: 原地操作
# 哪些原地操作 autograd 会接受，哪些会拒绝？报错信息怎样读，代码又怎样改？这一页回答这些问题。
#
# 原地操作（in-place operation）把结果写进某个张量已经占用的内存。它通常有三种写法，一看便知：
# 名字以下划线结尾（``add_``），增量赋值（``+=``），按下标赋值（``t[0] = 5``）。
# 这一页以:ref:`read-the-graph`和:ref:`one-training-step`为基础。

# %%
from textwrap import fill

import matplotlib.pyplot as plt
import torch

device = torch.accelerator.current_accelerator(check_available=True)
torch.set_default_device(device or "cpu")

# %% en: Two ways to add one
# ``alias`` is a second name for the tensor ``x``. Add 1 to ``x`` twice, in two spellings. What does
# ``alias`` hold after each?

# %% zh 69e5dc: 加一的两种写法
# ``alias``是张量``x``的另一个名字。下面用两种写法，先后给``x``加 1。每次加完，``alias``里是什么？

# %% predict
x = torch.zeros(2)
alias = x
x += 1
print(alias)
x = x + 1
print(alias)

# %% check
assert alias.tolist() == [1, 1] and alias._version == 1
assert x.tolist() == [2, 2] and x is not alias

# %% en
# ``+=`` wrote into the tensor, and a second name shows it. ``x = x + 1`` made a new tensor and gave
# it the name ``x``; the old one is untouched.

# %% zh 782bd7
# ``+=``写进了原来的张量，所以用另一个名字也能看到。``x = x + 1``则新建一个张量，把``x``这个名字给了它，
# 原来的张量没有动。

# %% en: The sine, written over its argument
# ``a`` is a leaf tensor that requires a gradient. ``b`` is a recorded copy of it, and so the result
# of an operation. In both, the values are to be replaced by their sine. Autograd refuses
# ``a.sin_()``. Why might it, and what becomes of ``b.grad_fn``?

# %% zh c8184d: 用正弦覆盖自变量
# ``a``是需要梯度的叶子张量（leaf tensor）；``b``是它的副本，复制这一步被记录下来，所以这个副本是运算的结果。
# 现在要把两者的值都换成各自的正弦。autograd 不允许``a.sin_()``，这可能是为什么？
# ``b.grad_fn``又会变成什么？

# %% predict
a = torch.tensor([0.0, 1.0, 2.0], requires_grad=True)
b = a.clone()
b.sin_()
print(b)
try:
    a.sin_()
except RuntimeError as error:
    print(error)

# %% check
assert a.tolist() == [0, 1, 2] and a.is_leaf
torch.testing.assert_close(b.detach(), a.detach().sin())
assert b.grad_fn.name() == "SinBackward0" and b._version == 1
torch.testing.assert_close(b.grad_fn._saved_self, a)
(slope,) = torch.autograd.grad(b.sum(), a)
torch.testing.assert_close(slope, a.detach().cos())

# %% en
# ``b`` now stands for another node: the graph has grown by the sine, and the gradient with respect
# to ``a`` is its cosine. ``a`` refuses. As the result of a sine it would no longer be a leaf, and
# the points at which you want the gradient would be gone.

# %% zh e87ec5
# ``b``现在对应另一个节点（node）：计算图（computational graph）多了一步正弦，关于``a``的梯度就是余弦。对``a``的写入则被拒绝了：
# 张量一旦成了正弦的结果，就不再是叶子张量，而你想求梯度的那些点，也就不复存在了。

# %% en: A weight within bounds
# Training must change leaves all the same. Under ``no_grad`` (:ref:`gradients-off-and-on`) the write
# is not recorded, so a leaf allows it and remains a leaf. Take the loss :math:`(w - 3)^2` and the
# learning rate 0.1. After each step, ``clamp_`` lowers :math:`w` to a bound, if it lies above: to 5,
# which it does not reach, or to 1.

# %% zh 31dd27: 有界的权重
# 可是训练总得改叶子张量。在``no_grad``里（见:ref:`gradients-off-and-on`），写入不被记录，
# 所以叶子张量不会拒绝，写完也仍是叶子张量。下面的损失（loss）是:math:`(w - 3)^2`，
# 学习率（learning rate）是 0.1。每步更新之后，如果:math:`w`超过上界，``clamp_``就把它拉回上界。
# 上界试两个：一个是 5，权重（weight）升不到那里；另一个是 1。


# %%
def descend(bound):
    w = torch.tensor(0.0, requires_grad=True)
    for _ in range(12):
        yield w.item()
        (slope,) = torch.autograd.grad((w - 3) ** 2, w)
        with torch.no_grad():
            w -= 0.1 * slope
            w.clamp_(max=bound)


free, bounded = list(descend(5)), list(descend(1))
plt.plot(free, "o-", label="w.clamp_(max=5)")
plt.plot(bounded, "s--", label="w.clamp_(max=1)")
plt.xlabel("$k$")
plt.ylabel("$w_k$")
plt.legend()
plt.show()

# %% check
wanted = torch.tensor([3 * (1 - 0.8**k) for k in range(12)])
torch.testing.assert_close(torch.tensor(free), wanted)
torch.testing.assert_close(torch.tensor(bounded), wanted.clamp(max=1))
v = torch.tensor(0.0, requires_grad=True)
(v - 3).square().backward()
with torch.no_grad():
    out_of_place = v - 0.1 * v.grad
assert not out_of_place.requires_grad
recorded = v - 0.1 * v.grad
assert not recorded.is_leaf and recorded.requires_grad

# %% en alt
# The weight from 0 on, at k from 0 to 11. With the bound 5 the curve climbs towards 3; with the bound
# 1 it reaches 1 at k = 2 and stays there.

# %% zh alt 09906c
# 权重从 0 出发，k 从 0 到 11。上界为 5 时，曲线朝 3 上升；上界为 1 时，在 k = 2 处到达 1，之后停在那里。

# %% en
# For a weight, in place is the right way. ``w = w - 0.1 * slope`` would make a new tensor: under
# ``no_grad`` one that requires no gradient, elsewhere one that is no leaf.

# %% zh 59af78
# 更新权重，正该用原地操作。如果写成``w = w - 0.1 * slope``，得到的是一个新张量：
# 在``no_grad``里，它不需要梯度；在块外，它不是叶子张量。

# %% en: Adding a constant
# A constant does not change a derivative: that of :math:`\sin x + 1` is :math:`\cos x`, that of
# :math:`e^x + 1` is :math:`e^x`. Add the constant in place, to either result. In one case
# ``backward`` fails. In which, and why?

# %% zh 066749: 加上一个常数
# 加常数不改变导数：:math:`\sin x + 1`的导数是:math:`\cos x`，:math:`e^x + 1`的导数是:math:`e^x`。
# 下面给两个结果分别原地加上常数，其中一个的``backward``会报错。是哪一个？为什么？

# %% predict
x = torch.tensor([0.0, 1.0, 2.0], requires_grad=True)
for function in (torch.sin, torch.exp):
    y = function(x)
    y.add_(1)
    try:
        y.sum().backward()
        print(x.grad)
    except RuntimeError as error:
        print(fill(str(error), 72))

# %% check
assert x.tolist() == [0, 1, 2]
torch.testing.assert_close(x.grad, x.detach().cos())
torch.testing.assert_close(y.detach(), x.detach().exp() + 1)
leaf = torch.tensor([0.0, 1.0, 2.0], requires_grad=True)
exponential = leaf.exp()
exponential.add_(1)
try:
    exponential.sum().backward()
except RuntimeError as refusal:
    assert "[3]], which is output 0 of Exp" in str(refusal)
    assert "at version 1; expected version 0" in str(refusal)

copied = leaf.exp().clone().add_(1)
for safe in (leaf.exp() + 1, copied):
    (back,) = torch.autograd.grad(safe.sum(), leaf)
    torch.testing.assert_close(back, leaf.detach().exp())
with torch.autograd.graph.allow_mutation_on_saved_tensors():
    (slow,) = torch.autograd.grad(leaf.exp().add_(1).sum(), leaf)
torch.testing.assert_close(slow, leaf.detach().exp())
with torch.autograd.graph.allow_mutation_on_saved_tensors():
    outside = leaf.exp()
try:
    torch.autograd.grad(outside.sum(), leaf)
    raise AssertionError
except AssertionError as refusal:
    assert "backward outside of" in str(refusal)

# %% en
# For the backward pass, an operation saves what its derivative needs. The sine saves its *input*
# (``sin_`` saved a copy of it), so writing over the result does no harm. The derivative of
# :math:`e^x` is its own *result*, which ``exp`` saves. This has been overwritten, and autograd raises
# instead of computing a wrong gradient.
#
# Read the message from the middle: the type and shape of the changed tensor, then the operation that
# it came from. It is *at version* 1 after one in-place write; *version* 0 is what ``exp`` saved. So
# look for an in-place operation that ran after ``exp`` and before ``backward``.

# %% zh 381a02
# 运算会为反向传播（backward pass）保存求导要用的值。正弦保存的是*输入*
# （前面的``sin_``则存了一份输入的副本），所以覆盖结果无妨；而:math:`e^x`的导数就是它自己的*结果*，
# ``exp``保存的也是结果。如今结果被覆盖，autograd 宁可报错，也不去算一个错误的梯度。
#
# 这条报错信息要从中间读起：先是被修改的张量的类型和形状，再是产生它的运算。
# *at version* 1 表示它已被原地写过一次；*version* 0 则是``exp``保存它时的版本。
# 所以要找的，是在``exp``之后、``backward``之前运行的一个原地操作。

# %% en: The sign, changed twice
# Now ``neg_`` changes the sign of the result, twice. All values are what they were when ``exp``
# saved them, and yet ``backward`` raises the error. At which version will the message say that the
# tensor is?

# %% zh f60412: 变号两次
# 这次用``neg_``让结果变号，变两次。所有的值都和``exp``保存时一样，``backward``却照样报错。
# 报错信息会说，这个张量现在是哪个版本？

# %% predict
y = x.exp()
y.neg_().neg_()
try:
    y.sum().backward()
except RuntimeError as error:
    print(fill(str(error), 72))

# %% check
assert y._version == 2 and torch.equal(y, x.exp())
t = torch.zeros(4)
t += 1
t[0] = 5
t.fill_(3)
torch.add(t, 1, out=t)
assert t._version == 4 and (t + 1)._version == 0
hooks = torch.autograd.graph.saved_tensors_hooks
with hooks(lambda t: t, lambda t: t):
    held = x.exp()
held.add_(1)
(wrong,) = torch.autograd.grad(held.sum(), x)
torch.testing.assert_close(wrong, x.detach().exp() + 1)
assert held._version == 1

# %% en
# At version 2. Autograd does not compare values. A tensor carries a *version counter*,
# ``_version``, to which each of these writes adds one; ``backward`` compares it with the number
# noted when the tensor was saved. If ``saved_tensors_hooks`` (:ref:`freezing-a-part`) hold the value
# instead, nobody compares, and a write can make the gradient wrong in silence.

# %% zh 9ae39d
# 版本 2。autograd 并不比较数值。张量带有*版本计数器*（version counter）``_version``，
# 这里每写一次，它就加一；``backward``拿它与保存张量时记下的数比较。
# 如果值改由``saved_tensors_hooks``（见:ref:`freezing-a-part`）保存，就没有这种比较，
# 这时写入可能使梯度算错，却不报错。

# %% en: A step between two losses
# In training, the saved tensor is often a weight, and the in-place write the optimizer's step. Below,
# two losses come from one output (``retain_graph=True`` keeps its graph for the second), with a step
# between their backward passes. The second one fails. Which layer's weight does the message name?

# %% zh 526e73: 夹在两个损失之间的更新
# 训练中，被保存的往往是权重，而原地操作就是优化器（optimizer）的更新。下面两个损失出自同一个输出，
# ``retain_graph=True``为第二个损失留住计算图。两次反向传播之间，优化器更新了一步，于是第二次失败了。
# 报错信息指出的，是哪一层的权重？

# %% predict
last = torch.nn.Linear(2, 1)
model = torch.nn.Sequential(torch.nn.Linear(2, 2), last)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
output = model(torch.ones(1, 2))
first, second = (output - 1) ** 2, output**2

first.backward(retain_graph=True)
optimizer.step()
try:
    second.backward()
except RuntimeError as error:
    print(fill(str(error), 72))

# %% check
assert last.weight._version == model[0].weight._version == 2
assert torch.nn.Linear(2, 1).weight._version == 1
torch.testing.assert_close(first.sqrt().abs(), (output - 1).abs())
torch.testing.assert_close(second, output.square())
try:
    torch.autograd.grad(output, model[0].weight)
except RuntimeError as refusal:
    assert "[2, 1]], which is output 0 of" in str(refusal)
    assert "version 2; expected version 1" in str(refusal)
again = model(torch.ones(1, 2))
assert torch.autograd.grad(again, model[0].weight)[0].isfinite().all()

# %% en
# The second layer's: the tensor of shape [2, 1] is its weight, transposed: at version 1 since
# its values were first filled in, at version 2 since the step. The first layer's gradient needs that
# weight as it was. Call both ``backward`` before the step, or run the model again after it.

# %% zh 5a396b
# 是第二层：形状为 [2, 1] 的张量是它的权重的转置：填入初始值之后是版本 1，更新之后是版本 2。
# 而第一层的梯度要用更新之前的权重。要么先做完两次``backward``再更新，要么更新之后重新运行模型。

# %% en: A ReLU in front
# A ReLU replaces negative numbers by 0. ``ReLU(inplace=True)`` does not allocate memory for its
# result. Let it be the first layer. What does ``batch`` hold after the forward pass?

# %% zh 7ed50b: 前面放一层 ReLU
# ReLU 把负数换成 0，而``ReLU(inplace=True)``不为结果另外分配内存。下面让它当第一层。
# 前向传播（forward pass）之后，``batch``里是什么？

# %% predict
relu = torch.nn.ReLU(inplace=True)
batch = torch.tensor([[-1.0, 2.0, -3.0]])
torch.nn.Sequential(relu, torch.nn.Linear(3, 1))(batch)
print(batch)

# %% check
assert batch.tolist() == [[0, 2, 0]]
linear = torch.nn.Linear(3, 3)
relu(linear(batch)).sum().backward()
try:
    relu(linear(batch).sigmoid()).sum().backward()
except RuntimeError as refusal:
    assert "output 0 of Sigmoid" in str(refusal)
plain = torch.relu(linear(batch))
assert plain.grad_fn._saved_result.data_ptr() == plain.data_ptr()
assert not hasattr(plain.grad_fn, "_saved_self")

# %% en
# It has rewritten your data. They require no gradient, so autograd has no objection. After a linear
# layer, which saves its input and its weight, the same ReLU is fine. After a sigmoid,
# :math:`s = 1 / (1 + e^{-x})`, which saves its result because its slope is :math:`s (1 - s)`,
# ``backward`` raises.
#
# Nor does it reduce what is kept for the backward pass: an ordinary ReLU saves its result, not its
# input. ``inplace=True`` spares one allocation.

# %% zh c449c3
# 你的数据被改写了。这些数据不需要梯度，所以 autograd 不加阻拦。线性层保存输入和权重，
# 同一个 ReLU 接在它后面没有问题。sigmoid 函数是:math:`s = 1 / (1 + e^{-x})`，斜率是:math:`s (1 - s)`，
# 所以保存的是结果；接在它后面，``backward``就会报错。
#
# 为反向传播保留的内存，也不会因此减少：普通的 ReLU 保存的是结果，本来就不保存输入。
# ``inplace=True``省下的，是一次内存分配。

# %% en: Ways out
# When ``backward`` raises because a saved value was overwritten:
#
# - Compute out of place, ``y = y + 1``, or change a copy, ``y.clone().add_(1)``.
# - If the change is not part of the mathematics, move it before the forward pass or after
#   ``backward``, under ``no_grad``.
# - Run code that you cannot change, and its ``backward``, under
#   ``torch.autograd.graph.allow_mutation_on_saved_tensors()``: it clones a saved tensor before it is
#   overwritten.

# %% zh c82ca9: 解决办法
# 如果保存的值被覆盖，``backward``因而报错，可以这样办：
#
# - 不用原地操作，写``y = y + 1``；或者改副本，写``y.clone().add_(1)``。
# - 如果修改不是公式的一部分，就挪到前向传播之前，或者``backward``之后，写在``no_grad``里。
# - 如果代码不能改，就把它连同``backward``一起放在
#   ``torch.autograd.graph.allow_mutation_on_saved_tensors()``里运行：保存的张量即将被覆盖时，它会先复制一份。

# %% en: Remember
# - Change a leaf that requires a gradient under ``no_grad``, and in place.
# - An in-place write over a value that autograd has saved makes ``backward`` raise, if the version
#   counter has seen the write and no hook holds the value.
# - For results, when in doubt, compute out of place.

# %% zh c9e622: 要点
# - 要修改需要梯度的叶子张量，就在``no_grad``里原地改。
# - 原地覆盖了 autograd 保存的值，只要版本计数器看得见这次写入，值又不是由钩子（hook）保存的，
#   ``backward``就会报错。
# - 对运算结果，拿不准就不用原地操作。

# %% en: Exercise: input or result
# For ``log``, ``sqrt``, ``sigmoid`` and ``2 * x``, say from the derivative whether ``add_(1)`` on the
# result lets ``backward`` succeed. Then try it.

# %% zh 4c9c28: 练习：输入还是结果
# 对``log``、``sqrt``、``sigmoid``和``2 * x``，先根据导数判断：对结果执行``add_(1)``之后，
# ``backward``还能不能成功。再动手验证。


# %% solution
def survives(op):
    x = torch.tensor([1.0, 2.0], requires_grad=True)
    y = op(x)
    y.add_(1)
    try:
        y.sum().backward()
    except RuntimeError:
        return False
    return True


ops = torch.log, torch.sqrt, torch.sigmoid, lambda x: 2 * x
print([survives(op) for op in ops])
assert [survives(op) for op in ops] == [True, False, False, True]

# %% en: Exercise: two losses, one step
# Repair "A step between two losses" without a second forward pass. Check that the output layer's
# weight receives the gradient of the sum of the two losses.

# %% zh 25d70d: 练习：两个损失，一步更新
# 修好“夹在两个损失之间的更新”一节的代码，但不再做一次前向传播。
# 检查输出层的权重收到的，是否就是两个损失之和的梯度。

# %% solution
optimizer.zero_grad()
output = model(torch.ones(1, 2))
first, second = (output - 1) ** 2, output**2
weight = last.weight
(whole,) = torch.autograd.grad(
    first + second, weight, retain_graph=True
)

first.backward(retain_graph=True)
second.backward()
torch.testing.assert_close(weight.grad, whole)
optimizer.step()

# %% en: Where next
# - :ref:`views-and-shared-memory`: what a write does to other tensors in the same memory, and which
#   writes the version counter does not see.
# - `In-place correctness checks
#   <https://docs.pytorch.org/docs/stable/notes/autograd.html#in-place-correctness-checks>`__: the
#   rules in the reference.

# %% zh 8cda23: 接下来
# - :ref:`views-and-shared-memory`：写入之后，共用同一块内存的其他张量会怎样；
#   又有哪些写入，版本计数器看不见。
# - `原地操作的正确性检查
#   <https://docs.pytorch.org/docs/stable/notes/autograd.html#in-place-correctness-checks>`__：
#   参考文档里的规则。
