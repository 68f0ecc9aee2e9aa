# %% about
# level: beginner
# minutes: 22
# tags: Tensor.requires_grad, torch.no_grad, torch.enable_grad, torch.inference_mode, Tensor.detach

# %% en: Switching gradients off and on
# By the end of this page you can decide which computations autograd records, and say what each
# of its switches leaves untouched.
#
# Autograd records an operation, that is, adds it to the graph, only if two conditions hold at
# once: at least one input has ``requires_grad=True``, and grad mode is on, as it is by default.
# Each switch on this page changes one of the two.

# %% zh e15800: 关闭与打开梯度
# 读完这一页，你能决定让 autograd 记录哪些计算，也说得清每个开关管不到什么。
#
# 记录一次运算，就是把它加进计算图。autograd 要记录，必须同时满足两个条件：
# 至少有一个输入带着``requires_grad=True``，而且梯度模式开着（默认就开着）。
# 这一页的每个开关，改变的都是其中之一。

# %%
from concurrent.futures import ThreadPoolExecutor
from textwrap import fill

import matplotlib.pyplot as plt
import torch

plt.rc("figure", figsize=(5, 3.5), autolayout=True)
torch.set_default_device("cuda" if torch.cuda.is_available() else "cpu")

# %% en: One expression, two modes
# In a ``with torch.no_grad()`` block, grad mode is off. The expression and its input stay the
# same; only the mode changes. Predict which of the two results carries a ``grad_fn``, and whether
# ``x`` itself changes.

# %% zh 122ac7: 同一个式子，两种模式
# 在``with torch.no_grad()``块里，梯度模式关闭。式子和输入都不变，变的只有模式。
# 先猜一猜：哪个结果带有``grad_fn``？``x``自己会不会变？

# %%
x = torch.tensor(3.0, requires_grad=True)
recorded = x**2
with torch.no_grad():
    unrecorded = x**2
print(recorded)
print(unrecorded)
print(x)
assert recorded.requires_grad and not unrecorded.requires_grad
assert x.requires_grad

# %% en: A flag on the leaf
# The first switch is the tensor's own flag. Below, ``a`` is a leaf: you made it, no operation
# did. Turning its flag off affects only what is computed afterwards: ``b1`` is older and keeps
# its history, the ``grad_fn``; ``b2`` comes later and has none.

# %% zh c2575b: 叶子张量的标志
# 第一个开关是张量自己的标志。下面的``a``是叶子张量：它由你创建，不是运算的结果。
# 关掉标志，只影响之后的计算：``b1``算在前面，历史（``grad_fn``）还在；``b2``算在后面，没有历史。

# %%
a = torch.ones(2, 3, requires_grad=True)
b1 = 2 * a
a.requires_grad = False
b2 = 2 * a
print(b1)
print(b2)
assert b1.requires_grad and not b2.requires_grad

# %% en
# The method ``requires_grad_()`` sets the same flag, by default to ``True``, and returns the
# tensor. Call it after the arithmetic that prepares the values. If you call it before, the leaf is
# a tensor that you have no name for: ``scaled`` is only a result, and ``backward`` leaves no
# gradient in it.

# %% zh f1eddc
# ``requires_grad_()``方法设置的也是这个标志，默认设为``True``，并返回张量本身。
# 要先把数值算好，再调用它。
# 调用得太早，叶子张量就是没有名字的中间量；``scaled``只是运算结果，``backward``不会给它留下梯度。

# %%
weight = (0.1 * torch.arange(4.0)).requires_grad_()
scaled = 0.1 * torch.arange(4.0).requires_grad_()
print(weight)
print(scaled)
assert weight.is_leaf and not scaled.is_leaf

# %% en: Only a leaf can be switched off
# You cannot turn off the flag of a result: it follows from the inputs. If you want the values
# without the history, ``detach`` returns a new tensor with just those.

# %% zh e08a43: 只能关叶子张量的标志
# 运算结果的标志由输入决定，不能改。如果只要数值、不要历史，就用``detach``另取一个张量。

# %%
refused = False
try:
    b1.requires_grad_(False)
except RuntimeError as error:
    refused = True
    print(fill(str(error), 76))
print(b1.detach())
assert refused and not b1.detach().requires_grad

# %% en: ``no_grad`` makes constants
# Whatever you compute under ``no_grad`` is a constant to autograd, even if its value came from
# ``x``. Here :math:`y = x^2 \cdot x` at :math:`x = 3`, but the factor :math:`x^2 = 9` is not
# recorded. Will the gradient be :math:`3x^2 = 27`?

# %% zh 3fb29f: ``no_grad``里算出的是常数
# 在``no_grad``里算出的东西，对 autograd 来说就是常数，哪怕数值来自``x``。
# 下面在:math:`x = 3`处计算:math:`y = x^2 \cdot x`，但因子:math:`x^2 = 9`没有记录。
# 梯度会是:math:`3x^2 = 27`吗？

# %%
x = torch.tensor(3.0, requires_grad=True)
with torch.no_grad():
    factor = x**2
y = factor * x
y.backward()
print("y", y.item(), "x.grad", x.grad.item())
torch.testing.assert_close(x.grad, torch.tensor(9.0))

# %% en
# It is 9: to autograd the line reads :math:`y = 9x`. That is useful for a target or a scale
# that must not be learned, and a silent bug if you meant to learn it.

# %% zh a78c6b
# 结果是 9：在 autograd 眼里，这一行就是:math:`y = 9x`。
# 因子若是目标值，或是不该学习的缩放系数，这正合适；你若本想让它参与学习，这就是不报错的 bug。

# %% en: What ``no_grad`` does not touch
# ``no_grad`` stops the recording of operations. It does not stop you from making leaves: a
# function that creates a tensor from nothing still obeys ``requires_grad=True``, and a layer
# built inside can be trained later. The documentation names this
# `exception for factory functions
# <https://docs.pytorch.org/docs/stable/generated/torch.no_grad.html>`__.

# %% zh 50e603: ``no_grad``管不到什么
# ``no_grad``停掉的只是运算的记录，不妨碍你创建叶子张量：凭空创建张量的函数仍然听从
# ``requires_grad=True``，在里面搭好的层，以后照样能训练。文档专门写明了
# `工厂函数的例外 <https://docs.pytorch.org/docs/stable/generated/torch.no_grad.html>`__。

# %%
with torch.no_grad():
    made = torch.zeros(3, requires_grad=True)
    computed = made + 1
    layer = torch.nn.Linear(3, 1)
print(made)
print(computed)
assert made.requires_grad and layer.weight.requires_grad
assert not computed.requires_grad

# %% en: As a decorator
# ``@torch.no_grad()`` puts a whole function under the switch, and every call restores the mode
# at its end. ``torch.is_grad_enabled()`` tells you the current mode.

# %% zh 8a9f41: 用作装饰器
# 加上``@torch.no_grad()``，整个函数都不记录，每次调用结束时恢复原来的模式。
# ``torch.is_grad_enabled()``返回当前的模式。


# %%
@torch.no_grad()
def predict(x):
    return x**2


print(predict(x), torch.is_grad_enabled())
assert not predict(x).requires_grad
assert torch.is_grad_enabled()

# %% en: ``enable_grad`` switches back on
# Inside ``no_grad``, the operations in an ``enable_grad`` block are recorded again.

# %% zh 7283a6: 用``enable_grad``重新打开
# 在``no_grad``里面，``enable_grad``块中的运算又会得到记录。

# %%
with torch.no_grad():
    before = x**2
    with torch.enable_grad():
        inside = x**2
    after = x**2
print(before.requires_grad, inside.requires_grad, after.requires_grad)
assert inside.requires_grad
assert not before.requires_grad and not after.requires_grad

# %% en
# As a decorator it lets a function compute the gradient that it needs, whatever mode its caller is
# in. The slope of the sine at 0 is 1, also under ``no_grad``.

# %% zh 4d0378
# 用作装饰器时，不管调用方处于什么模式，函数内部总能算梯度。
# 正弦在 0 处的斜率是 1，在``no_grad``里照样算得出来。


# %%
@torch.enable_grad()
def slope(f, point):
    point = point.detach().requires_grad_()
    return torch.autograd.grad(f(point), point)[0]


with torch.no_grad():
    value = slope(torch.sin, torch.tensor(0.0))
print(value)
torch.testing.assert_close(value, torch.tensor(1.0))

# %% en: ``set_grad_enabled`` takes a bool
# When one piece of code serves training and evaluation, ``set_grad_enabled(flag)`` chooses the
# mode by a value instead of by an ``if`` around two copies.

# %% zh 7ca4d8: ``set_grad_enabled``接受布尔值
# 同一段代码既用于训练又用于评估时，``set_grad_enabled(flag)``根据布尔值选择模式，
# 不必用``if``把代码写两遍。

# %%
for training in (True, False):
    with torch.set_grad_enabled(training):
        loss = (x - 1) ** 2
    print(training, loss.requires_grad)
    assert loss.requires_grad == training

# %% en
# Called as a plain function it acts at once, and nothing undoes it for you. Remember the old
# mode and restore it in ``finally``; the ``with`` form is better.

# %% zh 0d5563
# 当作普通函数调用，它立即生效，之后不会自动恢复。要先记下原来的模式，再在``finally``里恢复；
# 用``with``更好。

# %%
previous = torch.is_grad_enabled()
torch.set_grad_enabled(False)
try:
    during = x**2
finally:
    torch.set_grad_enabled(previous)
after = x**2
print(during.requires_grad, after.requires_grad)
assert after.requires_grad and not during.requires_grad

# %% en: Nesting and exceptions
# The blocks nest like brackets: each one restores the mode that it found, also when an exception
# ends it. Predict the five modes in the list.

# %% zh 375bc7: 嵌套与异常
# 这些块像括号一样可以嵌套：每个块结束时，都恢复进入时的模式，因异常退出时也一样。
# 猜一猜，列表里的五个值各是什么？

# %%
modes = [torch.is_grad_enabled()]
with torch.no_grad():
    modes.append(torch.is_grad_enabled())
    with torch.enable_grad():
        modes.append(torch.is_grad_enabled())
    modes.append(torch.is_grad_enabled())
modes.append(torch.is_grad_enabled())
print(modes)
assert modes == [True, False, True, False, True]

try:
    with torch.no_grad():
        raise ValueError("stop")
except ValueError as error:
    print(error, torch.is_grad_enabled())
assert torch.is_grad_enabled()

# %% en
# Each thread has a mode of its own. A worker thread started inside ``no_grad`` still records; the
# switch belongs in the function that it runs, as in ``predict`` above.

# %% zh 19b86a
# 每个线程各有自己的模式。在``no_grad``里启动的工作线程照样记录；要关，得写在线程运行的函数里，
# 例如上面的``predict``。

# %%
with torch.no_grad(), ThreadPoolExecutor(1) as pool:
    plain = pool.submit(torch.is_grad_enabled).result()
    switched = pool.submit(predict, x).result().requires_grad
print("is_grad_enabled()", plain)
print("predict(x).requires_grad", switched)
assert plain and not switched

# %% en: ``inference_mode`` goes further
# ``inference_mode`` also switches recording off, and marks every newly allocated tensor as an
# *inference tensor*: one without a version counter (the count of its in-place changes), which
# saves some more work. The `documentation
# <https://docs.pytorch.org/docs/stable/generated/torch.autograd.grad_mode.inference_mode.html>`__
# advises it when the results will never meet autograd.

# %% zh 85709a: ``inference_mode``更进一步
# ``inference_mode``同样关掉记录，还会把里面新分配的张量都标记为*推理张量*。
# 推理张量没有版本计数器（用来记原地修改的次数），因此又省下一些开销。按照`文档
# <https://docs.pytorch.org/docs/stable/generated/torch.autograd.grad_mode.inference_mode.html>`__
# 的建议，确定结果不会再参与 autograd 的计算，才用它。

# %%
with torch.inference_mode():
    inferred = 2 * x
    print(torch.is_inference_mode_enabled(), torch.is_grad_enabled())
print(inferred, inferred.is_inference(), x.is_inference())
assert inferred.is_inference() and not inferred.requires_grad
assert not x.is_inference() and x.requires_grad

# %% en
# The mark stays after the block. ``inferred + x`` works, because the derivative of a sum needs
# neither term. ``inferred * x`` must save ``inferred`` for the backward pass, and without a version
# counter autograd could not notice a later change. It refuses.

# %% zh cf8a69
# 离开代码块之后，标记还在。``inferred + x``可以计算，因为加法的导数用不到两个加数。
# ``inferred * x``却要保存``inferred``供反向传播使用；没有版本计数器，
# autograd 就无法知道它后来改没改过，所以拒绝计算。

# %%
print(inferred + x)
refused = False
try:
    inferred * x
except RuntimeError as error:
    refused = True
    print(fill(str(error), 76))
assert refused

# %% en
# Changing an inference tensor in place outside the mode is refused too. ``clone()`` outside the
# mode answers both: the copy is a normal tensor.

# %% zh a418ae
# 离开推理模式之后，原地修改推理张量同样会报错。
# 这两种情况，都可以在模式之外用``clone()``解决：得到的副本是普通张量。

# %%
refused = False
try:
    inferred.add_(1)
except RuntimeError as error:
    refused = True
    print(fill(str(error), 76))
assert refused

normal = inferred.clone()
normal.add_(1)
product = normal * x
print(product)
assert not normal.is_inference() and product.requires_grad

# %% en
# ``enable_grad`` does not help in here: grad mode is on, and still nothing is recorded. Only
# ``inference_mode(False)`` brings recording back. So if a function inside needs a gradient, choose
# ``no_grad``.

# %% zh 28b3c2
# 在推理模式里，``enable_grad``不起作用：梯度模式显示开着，却仍然什么都不记录。
# 只有``inference_mode(False)``才行。所以，如果里面有函数要算梯度，就该选``no_grad``。

# %%
with torch.inference_mode():
    with torch.enable_grad():
        print(torch.is_grad_enabled(), (x**2).requires_grad)
        assert torch.is_grad_enabled() and not (x**2).requires_grad
    with torch.inference_mode(False):
        print(torch.is_grad_enabled(), (x**2).requires_grad)
        assert (x**2).requires_grad

# %% en: ``detach`` shares memory, it is no copy
# ``detach`` works on one tensor instead of a stretch of code. It returns a new tensor without
# history that shares the *same memory*. Write through one, and the other shows it; both share
# one version counter, too.

# %% zh 9e7ff7: ``detach``共享内存，不是副本
# ``detach``针对一个张量，而不是一段代码。它返回没有历史的新张量，用的却是*同一块内存*。
# 改一个，另一个也跟着变；连版本计数器也共用。

# %%
v = torch.tensor([1.0, 2.0, 3.0], requires_grad=True)
detached = v.detach()
detached[0] = 10
print(v)
print(detached)
print(v._version, detached._version)
assert v[0].item() == 10 and detached.data_ptr() == v.data_ptr()
assert v._version == detached._version == 1

# %% en
# For an independent snapshot, copy as well: ``detach().clone()``.

# %% zh b88fc7
# 想要独立的快照，就再复制一次：``detach().clone()``。

# %%
snapshot = v.detach().clone()
snapshot[0] = -1
print(v)
print(snapshot)
assert v[0].item() == 10 and not snapshot.requires_grad

# %% en: ``detach`` cuts one path
# Take :math:`y = x \cdot x` and detach one of the two factors. The value stays :math:`x^2`. The
# gradient now counts only the path through the other factor: :math:`x` instead of :math:`2x`.
# To draw the value, we need ``detach`` once more, for another reason: NumPy cannot record, and
# PyTorch does not drop a history unless you say so.

# %% zh 4b118b: ``detach``切断一条路径
# 取:math:`y = x \cdot x`，分离其中一个因子。数值仍是:math:`x^2`，
# 梯度却只剩经过另一个因子的那条路径：是:math:`x`，不再是:math:`2x`。
# 画图取数值时还要用一次``detach``，原因不同：NumPy 不会记录运算，
# 而除非你明说，PyTorch 不会丢掉历史。

# %%
x = torch.linspace(-2, 2, 25, requires_grad=True)
both = x * x
one = x * x.detach()
(both_slope,) = torch.autograd.grad(both.sum(), x)
(one_slope,) = torch.autograd.grad(one.sum(), x)
torch.testing.assert_close(one, both)
torch.testing.assert_close(both_slope, 2 * x.detach())
torch.testing.assert_close(one_slope, x.detach())

refused = False
try:
    both.cpu().numpy()
except RuntimeError as error:
    refused = True
    print(fill(str(error), 76))
assert refused

points = x.detach().cpu().numpy()
plt.plot(points, both.detach().cpu().numpy(), label=r"$y = x \cdot x$")
plt.plot(points, both_slope.cpu().numpy(), "--", label="grad: x * x")
plt.plot(points, one_slope.cpu().numpy(), ":", label="grad: x * x.detach()")
plt.xlabel("$x$")
plt.legend()
plt.show()

# %% en alt
# A parabola and two straight lines through the origin for x from -2 to 2. The dashed line, the
# full gradient, rises twice as steeply as the dotted line, the gradient with one factor detached.

# %% zh alt 18f70b
# 横轴 x 从 -2 到 2，图中有一条抛物线和两条过原点的直线。虚线是完整的梯度，
# 点线是分离一个因子之后的梯度，虚线的斜率是点线的两倍。

# %% en: ``eval()`` is not a switch for gradients
# ``eval()`` changes how some layers compute: dropout stops setting entries to zero at random,
# batch norm uses its stored mean and variance. It leaves autograd alone. Does the output below
# require a gradient?

# %% zh 8d1c9e: ``eval()``不是梯度的开关
# ``eval()``改变的是某些层的算法：dropout 不再随机置零，批归一化改用存下的均值和方差。
# 它不影响 autograd。下面的输出需要梯度吗？

# %%
model = torch.nn.Sequential(torch.nn.Linear(4, 4), torch.nn.Dropout(0.5))
model.eval()
output = model(torch.ones(1, 4))
print(output.requires_grad, torch.is_grad_enabled())
assert output.requires_grad
assert torch.equal(output, model(torch.ones(1, 4)))

# %% en
# It does. The other way round, ``no_grad`` does not make a layer behave as in evaluation: batch
# norm in training mode still moves its running mean, here by a tenth of the way from 0 to 1. To
# evaluate, you want both.

# %% zh 36ae92
# 需要。反过来，``no_grad``也不会让层进入评估模式：训练模式下的批归一化照样更新滑动均值，
# 这里从 0 向 1 走了十分之一。评估时，两者都要用。

# %%
norm = torch.nn.BatchNorm1d(2)
with torch.no_grad():
    norm(torch.ones(8, 2))
    print(norm.running_mean)
    torch.testing.assert_close(norm.running_mean, torch.tensor([0.1, 0.1]))
    norm.eval()
    norm(torch.ones(8, 2))
    torch.testing.assert_close(norm.running_mean, torch.tensor([0.1, 0.1]))

# %% en: Freezing a part: who receives a gradient
# A model has a ``trunk`` whose output goes into a ``head``. To train only the head you can *freeze*
# the trunk: ``trunk.requires_grad_(False)`` turns off the flags of all its parameters. Or you run
# the trunk under ``no_grad``, or detach its output. All three keep gradients from the trunk's
# parameters. Does the input ``x`` receive one? ``True`` in the table means yes; the last row
# freezes the head instead.

# %% zh f1b78e: 冻结一部分：谁会收到梯度
# 模型由主干``trunk``和头部``head``组成，主干的输出送进头部。只训练头部，有三种办法：
# *冻结*主干，也就是用``trunk.requires_grad_(False)``关掉主干所有参数的标志；
# 在``no_grad``里运行主干；分离主干的输出。无论哪一种，主干的参数都收不到梯度。
# 输入``x``收得到吗？表中的``True``表示收到；最后一行改为冻结头部。


# %%
def receives(way):
    trunk, head = torch.nn.Linear(3, 2), torch.nn.Linear(2, 1)
    if way == "trunk.requires_grad_(False)":
        trunk.requires_grad_(False)
    if way == "head.requires_grad_(False)":
        head.requires_grad_(False)
    x = torch.ones(1, 3, requires_grad=True)
    with torch.set_grad_enabled(way != "no_grad(): trunk(x)"):
        features = trunk(x)
    if way == "trunk(x).detach()":
        features = features.detach()
    head(features).sum().backward()
    return [t.grad is not None for t in (x, trunk.weight, head.weight)]


ways = ["trunk.requires_grad_(False)", "no_grad(): trunk(x)"]
ways += ["trunk(x).detach()", "head.requires_grad_(False)"]
table = {way: receives(way) for way in ways}
print(f"{'':29}{'x':7}{'trunk':7}head")
for way, row in table.items():
    print(f"{way:29}{row[0]!s:7}{row[1]!s:7}{row[2]}")

assert table["trunk.requires_grad_(False)"] == [True, False, True]
assert table["no_grad(): trunk(x)"] == [False, False, True]
assert table["trunk(x).detach()"] == [False, False, True]
assert table["head.requires_grad_(False)"] == [True, True, False]

# %% en
# A frozen parameter is a constant, but gradients still flow *through* the layer, to ``x`` in the
# first row. In the last row the head is frozen, and the trunk below it can still learn; ``no_grad``
# around that head would cut the trunk off as well. Then nothing is left to differentiate, and
# ``backward`` raises.

# %% zh 1b9a71
# 冻结的参数成了常数，但梯度仍能*穿过*这一层，第一行的``x``就是这样收到梯度的。
# 最后一行冻结了头部，下面的主干照样能训练；
# 如果用``no_grad``包住头部，就把主干也一起切断了。这时没有什么可以求导，``backward``会报错。

# %%
trunk, head = torch.nn.Linear(3, 2), torch.nn.Linear(2, 1)
features = trunk(torch.ones(1, 3))
with torch.no_grad():
    loss = head(features).sum()
refused = False
try:
    loss.backward()
except RuntimeError as error:
    refused = True
    print(error)
assert refused

# %% en
# Freezing does not erase a gradient that is already there, and an optimizer steps wherever
# ``grad`` is not ``None``. With a gradient of 1 and a learning rate of 0.1 the frozen weights
# still drop by 0.1. Call ``zero_grad`` when you freeze.

# %% zh 10164e
# 冻结不会清除已有的梯度，而只要``grad``不是``None``，优化器就会更新参数。
# 梯度是 1、学习率是 0.1 时，冻结的权重照样减少 0.1。冻结时要调用``zero_grad``。

# %%
layer = torch.nn.Linear(2, 1)
optimizer = torch.optim.SGD(layer.parameters(), lr=0.1)
layer(torch.ones(1, 2)).sum().backward()
layer.requires_grad_(False)

before = layer.weight.clone()
optimizer.step()
print(layer.weight - before)
torch.testing.assert_close(layer.weight, before - 0.1)

optimizer.zero_grad()
before = layer.weight.clone()
optimizer.step()
print(layer.weight - before)
assert torch.equal(layer.weight, before)

# %% en: What recording costs
# A recorded operation keeps the tensors that its derivative will need. ``saved_tensors_hooks``
# passes each of them to ``pack``, and ``pack`` counts the bytes. A tensor that is saved twice
# counts once; parameters do not count, as they exist anyway. Each layer below ends in a tanh whose
# result, 32 by 64 numbers of 4 bytes, takes 8 KiB. Predict four curves over the depth :math:`d`:
# recording on, trunk frozen, ``no_grad`` and ``inference_mode``.

# %% zh 544a61: 记录的代价
# 运算一旦记录下来，求导要用的张量就得留着。``saved_tensors_hooks``会把它们逐个传给``pack``，
# 我们就在``pack``里统计字节数。同一个张量保存两次，只算一次；模型参数本来就在内存里，不计入。
# 下面每一层都以 tanh 结尾，结果是 32 行 64 列，每个数 4 字节，共 8 KiB。
# 猜一猜四条曲线随深度:math:`d`怎样变化：开启记录，冻结主干，``no_grad``，``inference_mode``。


# %%
def saved_kib(depth, mode=torch.enable_grad, frozen=False):
    layers = [torch.nn.Sequential(torch.nn.Linear(64, 64), torch.nn.Tanh()) for _ in range(depth)]
    trunk, head = torch.nn.Sequential(*layers), torch.nn.Linear(64, 1)
    trunk.requires_grad_(not frozen)
    parameters = {p.data_ptr() for p in [*trunk.parameters(), *head.parameters()]}
    sizes = {}

    def pack(tensor):
        if tensor.data_ptr() not in parameters:
            sizes[tensor.data_ptr()] = tensor.nbytes
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor), mode():
        output = head(trunk(torch.ones(32, 64)))
    assert output.requires_grad == (mode is torch.enable_grad)
    return sum(sizes.values()) / 1024


depths = range(1, 9)
recorded = [saved_kib(d) for d in depths]
frozen_trunk = [saved_kib(d, frozen=True) for d in depths]
no_grad = [saved_kib(d, torch.no_grad) for d in depths]
inference = [saved_kib(d, torch.inference_mode) for d in depths]
print(recorded)
print(frozen_trunk)

plt.plot(depths, recorded, "o-", label="enable_grad")
plt.plot(depths, frozen_trunk, "s-", label="trunk.requires_grad_(False)")
plt.plot(depths, no_grad, "^-", label="no_grad")
plt.plot(depths, inference, "--", label="inference_mode")
plt.ylim(top=100)
plt.xlabel("$d$")
plt.ylabel("KiB")
plt.legend()
plt.show()

# %% en alt
# KiB saved for the backward pass against depths 1 to 8. With recording on, a straight line rises
# from 16 to 72. With a frozen trunk the line is flat at 8. The lines of ``no_grad`` and
# ``inference_mode`` lie on each other at 0.

# %% zh alt 19fba4
# 为反向传播保存的内存（KiB）随深度的变化，深度从 1 到 8。开启记录时，是从 16 升到 72 的直线；
# 冻结主干时，是停在 8 的水平线；``no_grad``和``inference_mode``两条线重合，都是 0。

# %% en
# Recording costs 8 KiB per layer, and 8 more for the input. With the trunk frozen only the head
# saves something, its own input, whatever the depth. The other two save nothing, so
# ``inference_mode`` has nothing more to gain here: its advantage is less bookkeeping, not less
# saved memory.

# %% zh 05d64c
# 开启记录时，每层占 8 KiB，输入另占 8 KiB。冻结主干之后，不管多深，都只有头部保存自己的输入。
# 另外两种什么都不保存，所以``inference_mode``在这里没有更多可省：
# 它省的是管理开销，不是保存张量的内存。

# %%
assert recorded == [8 * (d + 1) for d in depths]
assert frozen_trunk == [8] * len(depths)
assert no_grad == inference == [0] * len(depths)

# %% en: Remember
# - Autograd records an operation only when an input has ``requires_grad=True`` and grad mode is on.
# - ``no_grad`` is for a stretch of code, ``requires_grad_(False)`` for parameters, ``detach``
#   for one tensor; the result of ``detach`` shares memory with the original.
# - A frozen layer lets gradients through; ``no_grad`` and ``detach`` cut the path.
# - ``eval()`` changes layers, not recording. For evaluation use ``no_grad`` as well.

# %% zh 69e1e1: 记住
# - 至少有一个输入带着``requires_grad=True``，而且梯度模式开着，autograd 才记录运算。
# - ``no_grad``管一段代码，``requires_grad_(False)``管模型参数，``detach``管一个张量；
#   ``detach``的结果与原张量共享内存。
# - 梯度能穿过冻结的层；``no_grad``和``detach``则切断路径。
# - ``eval()``改变层的算法，不改变记录。评估时还要用``no_grad``。

# %% en: Exercise: a chosen gradient
# Write an expression whose value is :math:`x^3` and whose gradient is only :math:`x^2`. Check it
# at :math:`x = 2`: the value is 8 and the gradient 4.

# %% zh d5c5f3: 练习：指定的梯度
# 写一个式子，数值是:math:`x^3`，梯度却只有:math:`x^2`。在:math:`x = 2`处检查：数值是 8，梯度是 4。

# %% solution
x = torch.tensor(2.0, requires_grad=True)
y = x * x.detach() ** 2
y.backward()
print(y.item(), x.grad.item())
torch.testing.assert_close(y.detach(), torch.tensor(8.0))
torch.testing.assert_close(x.grad, torch.tensor(4.0))

# %% en: Exercise: evaluate and leave no trace
# Write ``evaluate(model, inputs)``: it turns dropout off, records nothing and returns the output.
# Afterwards ``model.training`` is what it was before, even if the model raises an error. Try it
# with the model of the ``eval()`` section.

# %% zh 1edea8: 练习：评估之后不留痕迹
# 写出``evaluate(model, inputs)``：关掉 dropout，什么都不记录，返回输出。
# 结束后``model.training``和原来一样，哪怕模型抛出异常。用``eval()``一节的模型试一试。


# %% solution
def evaluate(model, inputs):
    training = model.training
    model.eval()
    try:
        with torch.no_grad():
            return model(inputs)
    finally:
        model.train(training)


model.train()
first, second = evaluate(model, torch.ones(1, 4)), evaluate(model, torch.ones(1, 4))
assert torch.equal(first, second) and not first.requires_grad

refused = False
try:
    evaluate(model, torch.ones(1, 5))
except RuntimeError:
    refused = True
print(refused, model.training, torch.is_grad_enabled())
assert refused and model.training and torch.is_grad_enabled()

# %% en: Exercise: the input's gradient alone
# A linear layer with the weights 1, 2 and 3 is trained and must stay as it is. Find the gradient
# of its output with respect to the input, without filling the ``grad`` of any parameter.

# %% zh 06f07a: 练习：只要输入的梯度
# 一个线性层已经训练好，权重是 1、2、3，不能再动。求输出关于输入的梯度，
# 并且不让任何模型参数的``grad``得到值。

# %% solution
layer = torch.nn.Linear(3, 1)
with torch.no_grad():
    layer.weight.copy_(torch.tensor([[1.0, 2.0, 3.0]]))
layer.requires_grad_(False)

inputs = torch.ones(1, 3, requires_grad=True)
layer(inputs).sum().backward()
print(inputs.grad)
torch.testing.assert_close(inputs.grad, layer.weight)
assert all(p.grad is None for p in layer.parameters())

# %% en: Where next
# - :ref:`in-place-operations`: what the version counter is for, and how shared memory can give a
#   wrong gradient.
# - :ref:`one-training-step`: where these switches sit when a model learns.
# - `Locally disabling gradient computation
#   <https://docs.pytorch.org/docs/stable/notes/autograd.html#locally-disabling-gradient-computation>`__:
#   the reference for the modes.

# %% zh ad002b: 接下来
# - :ref:`in-place-operations`：版本计数器有什么用，共享内存怎样导致错误的梯度。
# - :ref:`one-training-step`：模型学习时，这些开关各在什么位置。
# - `局部关闭梯度计算
#   <https://docs.pytorch.org/docs/stable/notes/autograd.html#locally-disabling-gradient-computation>`__：
#   各种模式的参考文档。
