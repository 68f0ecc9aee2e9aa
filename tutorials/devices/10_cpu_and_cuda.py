# %% about
# level: intermediate
# minutes: 15
# tags: torch.device, Tensor.to, Module.to, torch.accelerator, torch.testing.assert_close

# %% en: CPU and CUDA
# You write one script that uses a GPU when there is one, and you know on which device every
# tensor and every gradient lives.
#
# Each line of this page runs on both kinds of machine. Where the output differs, the text says
# how. If your machine has an NVIDIA GPU, the first line of output names ``cuda:0``; if not,
# it names ``cpu``.

# %% zh 9a4746: CPU 与 CUDA
# 写一份脚本，有 GPU 就用 GPU，没有就用 CPU，并且清楚每个张量、每个梯度在哪个设备上。
#
# 不论有没有 GPU，本页的每一行代码都能运行。输出不同的地方，文中会说明。
# 如果你的机器有 NVIDIA GPU，第一行输出里的设备是``cuda:0``；没有的话，就是``cpu``。

# %%
import textwrap
import warnings

import matplotlib.pyplot as plt
import torch

plt.rc("figure", figsize=(5, 3.5), autolayout=True)
device = torch.device("cuda" if torch.cuda.is_available() else "cpu")

x = torch.tensor([1.0, 2.0, 3.0], device=device, requires_grad=True)
(x**2).sum().backward()
print(x.device, x.grad.device)
print(x.grad.tolist())
assert x.grad.device == x.device
assert x.grad.tolist() == [2, 4, 6]

# %% en: Ask once, at the top
# The script asks a single time, keeps the answer in ``device`` and passes ``device=device``
# wherever a tensor is created. No later line needs to know which machine it is on.
#
# One trap: the name ``"cuda"`` means "the current GPU" and carries no index, while a tensor
# on a GPU always reports one. Is ``torch.device("cuda")`` equal to ``torch.device("cuda:0")``?
# (Both are only names, so you can ask without a GPU.)

# %% zh 4d0561: 只在开头检查一次
# 脚本只检查一次有没有 GPU，把结果存进``device``，之后凡是创建张量，都传入``device=device``。
# 后面的代码不必知道自己在哪种机器上运行。
#
# 这里有个陷阱：``"cuda"``的意思是“当前 GPU”，不带编号，而 GPU 上的张量，其设备总带编号。
# 那么``torch.device("cuda")``等于``torch.device("cuda:0")``吗？
# （两者都只是名字，没有 GPU 也可以比较。）

# %%
print(torch.device("cuda") == torch.device("cuda:0"))
assert torch.device("cuda") != torch.device("cuda:0")
assert x.device.type == device.type

# %% en
# They are not equal. Compare ``x.device.type`` when you mean the kind of device, and compare
# the devices of two tensors when you mean the same place.
#
# For hardware other than CUDA,
# `torch.accelerator <https://docs.pytorch.org/docs/stable/accelerator.html>`__ asks the same
# question without naming a vendor. It answers ``None`` when there is no accelerator.

# %% zh 5fa0c8
# 不相等。想知道是哪一类设备，就看``x.device.type``；想知道是不是同一个设备，
# 就比较两个张量的设备。
#
# 换成 CUDA 之外的硬件，可以用
# `torch.accelerator <https://docs.pytorch.org/docs/stable/accelerator.html>`__
# 做同样的检查，代码里不必写厂商的名字。没有加速器时，它返回``None``。

# %%
accelerator = torch.accelerator.current_accelerator(check_available=True)
print(accelerator)
assert (accelerator is not None) == torch.accelerator.is_available()

# %% en: The other way: a default device
# Most pages of this course call ``torch.set_default_device`` once and leave ``device=`` out.
# ``with torch.device(...)`` does the same for one block. Below, the block's device is
# `meta <https://docs.pytorch.org/docs/stable/meta.html>`__: every machine has it, and its
# tensors have a shape and a dtype but no numbers.
#
# A default only decides where tensors are *created*. What is derived from a tensor follows that
# tensor. Predict the two devices.

# %% zh be2b11: 另一种方式：默认设备
# 本课程的大多数页面在开头调用一次``torch.set_default_device``，之后省去``device=``。
# ``with torch.device(...)``的作用相同，但只管一个代码块。下面用的设备是
# `meta <https://docs.pytorch.org/docs/stable/meta.html>`__：任何机器都有这个设备，
# 上面的张量有形状、有 dtype，只是没有数值。
#
# 默认设备只决定张量在哪里*创建*。由已有张量得到的新张量，设备随原来的张量。
# 猜一猜下面两个张量各在哪个设备上。

# %%
with torch.device("meta"):
    created = torch.zeros(3)
    derived = torch.zeros_like(x)

print(created.device, derived.device)
assert created.device.type == "meta"
assert derived.device == x.device

# %% en
# The default is convenient in a script of your own. In code that others import, an explicit
# ``device`` is safer: it changes nothing outside, and it adds no cost to other calls, while
# `the default adds a little to each
# <https://docs.pytorch.org/docs/stable/generated/torch.set_default_device.html>`__.
# This page stays explicit. To see two devices on every machine, it also needs a second name:
# ``elsewhere`` is the GPU if there is one, and ``meta`` otherwise.

# %% zh a5981c
# 在自己的脚本里，默认设备很方便。供别人导入的代码，显式传入``device``更稳妥：
# 既不影响外部代码，也不给其他调用增加开销，而
# `设了默认设备，每次调用都要多花一点时间
# <https://docs.pytorch.org/docs/stable/generated/torch.set_default_device.html>`__。
# 本页一直用显式写法。为了在任何机器上都能看到两个设备，还要再定义一个名字：
# 有 GPU 时，``elsewhere``就是 GPU，否则是``meta``。

# %%
elsewhere = device if device.type == "cuda" else torch.device("meta")
print(elsewhere.type)
assert elsewhere.type in ("cuda", "meta")

# %% en: Moving is an operation
# To autograd, ``to`` is a function like any other: it takes a tensor and returns a copy. If
# the input requires a gradient, the copy gets a ``grad_fn``, and so it is no leaf: a leaf is
# a tensor that no recorded operation produced. A change of dtype goes through the same function,
# so you can watch it on any machine.

# %% zh b24667: 移动也是一次运算
# 在 autograd 看来，``to``与其他函数没有区别：输入一个张量，返回一个副本。
# 如果输入需要梯度，副本就带有``grad_fn``，因而不是叶子张量，
# 因为叶子张量不由任何被记录的运算产生。
# 转换 dtype 用的是同一个函数，所以在任何机器上都能看到这一点。

# %%
w = torch.ones(3, requires_grad=True)
for moved in (w.to(torch.float64), w.to(elsewhere)):
    print(moved.is_leaf, moved.grad_fn.name())
    assert not moved.is_leaf
    assert moved.grad_fn.name() == "ToCopyBackward0"

# %% en
# Its backward pass is a move in the other direction. The gradient of the copy is computed in
# ``float64``, converted back, and stored in ``w.grad`` as ``float32``. The copy itself keeps
# nothing: read its ``grad`` and you get ``None`` and a warning.

# %% zh fb1aae
# 移动的反向传播，就是往回移动。副本的梯度以``float64``计算，再转换回去，
# 以``float32``存进``w.grad``。副本自己不保留梯度：读取它的``grad``，
# 只会得到``None``和一条警告。

# %%
moved = w.to(device, torch.float64)
(moved**2).sum().backward()
print(w.grad.dtype, w.grad.tolist())
assert w.grad.dtype == torch.float32
assert w.grad.device == w.device

with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    assert moved.grad is None
print(str(caught[0].message).partition(" Its")[0])
assert "not a leaf" in str(caught[0].message)

# %% en: A bug that hides on the CPU
# When nothing has to change, ``to`` returns the very same tensor. So
# ``torch.ones(3, requires_grad=True).to(device)`` is a leaf on a machine without a GPU and
# a non-leaf on a machine with one. Call it ``late``: the script passes every test on the laptop,
# and on the server ``late.grad`` stays ``None``.

# %% zh 931d47: 在 CPU 上看不出的 bug
# 如果什么都不用改变，``to``返回的就是原来那个张量。所以
# ``torch.ones(3, requires_grad=True).to(device)``
# 在没有 GPU 的机器上是叶子张量，在有 GPU 的机器上不是。
# 把它记为``late``：脚本在笔记本电脑上通过了所有测试，到了服务器上，``late.grad``却始终是``None``。

# %%
print(w.to("cpu") is w)
assert w.to("cpu") is w

late = torch.ones(3, requires_grad=True).to(device)
print(device.type, late.is_leaf)
assert late.is_leaf == (device.type == "cpu")

# %% en
# Two spellings give a leaf everywhere: create the tensor on the device, or move first and ask
# for gradients last. An optimizer checks for you: it takes leaves only, so it refuses the
# ``float64`` copy below.

# %% zh 9ba634
# 有两种写法在任何机器上都能得到叶子张量：直接在目标设备上创建；或者先移动，最后再要求梯度。
# 优化器会替你检查：它只接受叶子张量，所以拒绝了下面的``float64``副本。

# %%
created = torch.ones(3, device=device, requires_grad=True)
switched = torch.ones(3).to(device).requires_grad_()
print(created.is_leaf, switched.is_leaf)
assert created.is_leaf and switched.is_leaf

refused = False
try:
    torch.optim.SGD([w.to(device, torch.float64)], lr=0.1)
except ValueError as error:
    refused = True
    print(error)
assert refused

# %% en: A gradient lives beside its leaf
# ``grad`` has the shape, the dtype and the device of its leaf. Autograd keeps that rule, and
# it also holds you to it when you set a gradient by hand.

# %% zh ec0116: 梯度与叶子张量在同一设备上
# ``grad``的形状、dtype 和设备都与它的叶子张量一致。autograd 遵守这条规则；
# 手动设置梯度时，你也必须遵守，否则会报错。

# %%
for dtype in (torch.float32, torch.float64):
    leaf = torch.ones(2, dtype=dtype, device=device, requires_grad=True)
    leaf.sum().backward()
    print(leaf.grad.dtype, leaf.grad.device == leaf.device)
    assert leaf.grad.dtype == dtype
    assert leaf.grad.device == leaf.device

refused = False
try:
    w.grad = torch.ones(3, device=elsewhere)
except RuntimeError as error:
    refused = True
    print(textwrap.fill(str(error), 76))
assert refused

# %% en: Tensors do not travel by themselves
# Add a tensor on the CPU to one somewhere else, and PyTorch raises an error rather than copy
# behind your back. The message is worded differently on a GPU, and it names both places there too.
#
# One exception: a CPU tensor with no dimensions counts as a plain number and may join in.

# %% zh 5234da: 张量不会自己换设备
# 把 CPU 上的张量和别处的张量相加，PyTorch 会报错，而不会悄悄替你复制。
# 在 GPU 上，报错的措辞不同，但同样会指出两个设备。
#
# 有一个例外：零维的 CPU 张量视作普通数字，可以一起参与运算。

# %%
refused = False
try:
    torch.ones(3) + torch.ones(3, device=elsewhere)
except RuntimeError as error:
    refused = True
    print(textwrap.fill(str(error), 76))
assert refused

scaled = torch.ones(3, device=elsewhere) * torch.tensor(2.0)
print(scaled.device.type == elsewhere.type)
assert scaled.device.type == elsewhere.type

# %% en
# NumPy, and so Matplotlib, reads CPU memory only. The chain ``x.detach().cpu().numpy()`` works
# everywhere: leave the graph, come to the CPU, convert.

# %% zh 0de50c
# NumPy 只能读取 CPU 内存，因此 Matplotlib 也一样。
# ``x.detach().cpu().numpy()``这种写法在任何设备上都适用：脱离计算图，移回 CPU，再转换。

# %%
refused = False
try:
    torch.ones(3, device=elsewhere).numpy()
except TypeError as error:
    refused = True
    print(textwrap.fill(str(error), 76))
assert refused
assert x.detach().cpu().numpy().tolist() == [1, 2, 3]

# %% en: Modules move in place
# ``Module.to`` is not ``Tensor.to``. It gives new storage to the parameters you already have: they
# remain the same objects and remain leaves, and their gradients move along. You need not assign
# the result.

# %% zh 84551d: 移动模块是原地操作
# ``Module.to``和``Tensor.to``不同。它给原有的模型参数换上新的存储：
# 对象不变，仍是叶子张量，梯度也一起移动。返回值不必接收。

# %%
model = torch.nn.Linear(3, 1)
weight = model.weight
model(torch.ones(3)).sum().backward()

model.to(device, torch.float64)
print(model.weight is weight, weight.is_leaf)
print(weight.dtype, weight.grad.dtype)
assert model.weight is weight and weight.is_leaf
assert weight.dtype == weight.grad.dtype == torch.float64
assert weight.device.type == device.type

# %% en
# ``to`` moves parameters, their gradients and buffers, which are the tensors you hand to
# ``register_buffer``. A tensor kept as an ordinary attribute is none of these and stays behind.
# Here a dtype shows it; on a GPU, the next operation would mix two devices.

# %% zh d3a6e3
# ``to``会移动模型参数、它们的梯度以及缓冲区，用``register_buffer``注册的张量就是缓冲区。
# 作为普通属性保存的张量不在此列，会留在原处。
# 这里借 dtype 来观察；换成 GPU，接下来的运算就会混用两个设备。


# %%
class Shift(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.plain = torch.ones(3)
        self.register_buffer("registered", torch.ones(3))


shift = Shift().to(device, torch.float64)
print("plain", shift.plain.dtype)
print("registered", shift.registered.dtype)
assert shift.plain.dtype == torch.float32
assert shift.registered.dtype == torch.float64

# %% en: Move first, then build the optimizer
# The optimizer holds the parameters, which are the same objects after the move. What does not
# move is the state it has already gathered, such as Adam's running averages. Below, one step
# creates that state in ``float32``; then the model moves.

# %% zh 553f45: 先移动，再创建优化器
# 优化器引用的是模型参数，移动之后，它们还是同一批对象。
# 不跟着移动的，是优化器已经积累的状态，比如 Adam 的滑动平均。
# 下面先走一步，产生``float32``的状态，再移动模型。

# %%
model = torch.nn.Linear(3, 1)
optimizer = torch.optim.Adam(model.parameters())
model(torch.ones(3)).sum().backward()
optimizer.step()

model.to(device, torch.float64)
average = optimizer.state[model.weight]["exp_avg"]
print(model.weight.dtype, average.dtype)
assert average.dtype == torch.float32

refused = False
try:
    optimizer.step()
except RuntimeError as error:
    refused = True
    print(textwrap.fill(str(error), 76))
assert refused

# %% en
# So: build the model, move it, then build the optimizer. If you must move later,
# ``load_state_dict`` casts the state to the device and dtype of each parameter.

# %% zh d8c092
# 所以顺序是：创建模型，移动模型，再创建优化器。如果不得不中途移动，
# ``load_state_dict``会把状态转换到各个模型参数的设备和 dtype。

# %%
optimizer.load_state_dict(optimizer.state_dict())
average = optimizer.state[model.weight]["exp_avg"]
print(average.dtype)
assert average.dtype == torch.float64
assert average.device == model.weight.device
optimizer.step()

# %% en: A training loop for both machines
# The data set stays on the CPU; each batch travels when its turn comes. A batch requires no
# gradient, so its move leaves no trace in the graph. The model should find the slope 3 and the
# intercept 1.

# %% zh 4e45ce: 两种机器通用的训练循环
# 数据集留在 CPU 上，用到哪个批次，就移动哪个批次。批次不需要梯度，移动它不会在计算图里留下痕迹。
# 模型应当学到斜率 3 和截距 1。

# %%
inputs = torch.linspace(-1, 1, 64).unsqueeze(1)
targets = 3 * inputs + 1

torch.manual_seed(0)
model = torch.nn.Linear(1, 1).to(device)
optimizer = torch.optim.SGD(model.parameters(), lr=0.2)
for _ in range(30):
    for batch, target in zip(inputs.split(16), targets.split(16), strict=True):
        batch, target = batch.to(device), target.to(device)
        loss = (model(batch) - target).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

print(f"{model.weight.item():.3f} {model.bias.item():.3f}")
assert batch.grad_fn is None
torch.testing.assert_close(model.weight.item(), 3.0, rtol=0, atol=1e-2)
torch.testing.assert_close(model.bias.item(), 1.0, rtol=0, atol=1e-2)

# %% en: A call may return before the work is done
# A GPU works through a queue: a call `puts its work in the queue and returns
# <https://docs.pytorch.org/docs/stable/notes/cuda.html#asynchronous-execution>`__. The results
# are right all the same, because whatever needs a value waits for it: ``item()``, ``cpu()``,
# ``print``. Two rules follow: call ``item()`` only when you need the number, and before you stop
# a clock, wait for the queue with ``torch.cuda.synchronize()``.

# %% zh a911d1: 调用返回时，计算未必完成
# GPU 按队列执行任务：一次调用
# `把任务放进队列就返回
# <https://docs.pytorch.org/docs/stable/notes/cuda.html#asynchronous-execution>`__。
# 结果不会因此出错，因为凡是要用到数值的操作都会等待：``item()``、``cpu()``、``print``。
# 由此有两条规则：不需要数值，就不要调用``item()``；停止计时之前，
# 先用``torch.cuda.synchronize()``等队列里的任务做完。

# %%
total = (x**2).sum()
if device.type == "cuda":
    torch.cuda.synchronize()
print(total.item())
assert total.item() == 14

# %% en: Same gradient, other last digits
# Floating-point addition depends on the order. Around :math:`10^8`, neighbouring ``float32``
# numbers are 8 apart, so an extra 1 is lost there. Below, the same three numbers are added in two
# orders. Which sum is right?

# %% zh 7645cb: 同一个梯度，末几位不同
# 浮点加法的结果与顺序有关。在:math:`10^8`附近，相邻的``float32``数相差 8，
# 多加的 1 就此丢失。下面把同样的三个数按两种顺序相加，哪个和是对的？

# %%
a, b, c = torch.tensor([1e8, -1e8, 1.0], device=device)
print(((a + b) + c).item(), (a + (b + c)).item())
assert torch.nextafter(a, 2 * a) - a == 8
assert (a + b) + c == 1
assert a + (b + c) == 0

# %% en
# The first. A gradient of a mean is a long sum, and a GPU adds its terms in another order than
# a CPU. So expect equal gradients up to rounding, not equal bits. The function below computes a
# gradient over :math:`n` rows of 20 features, on the device where the data is.
#
# With a GPU, we compare the CPU with it. Without one, we compare two orders of the rows on the
# CPU: the cause of the gap is the same, but this does not measure a GPU.

# %% zh cc168e
# 第一个是对的。均值的梯度是许多项之和，GPU 相加的顺序与 CPU 不同。
# 所以梯度只会在舍入误差范围内相等，不会逐位相等。
# 下面的函数计算梯度，数据有:math:`n`行、每行 20 个特征，数据在哪个设备，就在哪个设备上算。
#
# 有 GPU 时，比较 CPU 与 GPU 的结果；没有时，在 CPU 上比较两种行顺序：
# 差距的成因相同，但测的不是 GPU。


# %%
def gradient(data, dtype):
    data = data.to(dtype)
    w = torch.ones(20, dtype=dtype, device=data.device, requires_grad=True)
    (data @ w - 1).square().mean().backward()
    return w.grad.cpu()


def gap(n, dtype):
    rows = torch.sin(torch.arange(20 * n, dtype=torch.float64)).reshape(n, 20)
    other = rows.to(device) if device.type == "cuda" else rows.flip(0)
    first, second = gradient(rows, dtype), gradient(other, dtype)
    return ((first - second).norm() / first.norm()).item()


print(gap(1024, torch.float32) < 1e-5, gap(1024, torch.float64) < 1e-13)
assert gap(1024, torch.float32) < 1e-5
assert gap(1024, torch.float64) < 1e-13

# %% en: How large is the gap?
# Plot the relative gap between the two gradients against the number of rows. The dotted lines are
# the spacing of numbers just above 1 in each dtype, ``torch.finfo(dtype).eps``. Does the gap
# depend on the number of rows?

# %% zh cc926c: 差距有多大？
# 画出两个梯度的相对差距随行数的变化。点线是每种 dtype 中 1 与下一个更大的数之间的间隔，
# 即``torch.finfo(dtype).eps``。差距和行数有关吗？

# %%
sizes = [2**k for k in range(6, 17)]
gaps = {dtype: [gap(n, dtype) for n in sizes] for dtype in (torch.float32, torch.float64)}
for color, (dtype, values) in zip(("C0", "C1"), gaps.items(), strict=True):
    plt.loglog(sizes, values, "o-", color=color, label=str(dtype))
    plt.axhline(torch.finfo(dtype).eps, linestyle=":", color=color)
plt.xlabel("$n$")
plt.ylabel(r"$\|g_1 - g_2\| \,/\, \|g_1\|$")
plt.legend()
plt.show()

# %% en alt
# Relative gap between two gradients against the number of rows, both axes logarithmic. The
# ``float32`` curve stays near its dotted line for few rows and rises above it for many; the
# ``float64`` curve runs the same way, many powers of ten lower.

# %% zh alt d42d82
# 两个梯度的相对差距随行数的变化，两轴均为对数刻度。行数少时，``float32``曲线贴近它的点线，
# 行数多时升到点线之上；``float64``曲线走势相同，只是低了许多个数量级。

# %% en
# It tends to grow with the length of the sum (how much depends on the hardware), and it stays
# small. The largest gap in ``float64`` is over a million times smaller than the one in
# ``float32``, and that makes a test: if two results differ in ``float32``, repeat in ``float64``.
# A rounding difference shrinks with the dtype; a bug does not.

# %% zh 96f788
# 有关：相加的项越多，差距往往越大（具体大多少因硬件而异），但始终很小。
# ``float64``下的最大差距比``float32``下的小六个数量级以上，
# 由此得到一个好用的检验：两个结果在``float32``下不一致，就用``float64``再算一遍。
# 舍入造成的差距会随 dtype 缩小，bug 造成的不会。

# %%
single, double = max(gaps[torch.float32]), max(gaps[torch.float64])
print(double < single / 1e6)
assert single < 1e-4
assert double < single / 1e6

# %% en: Compare with a tolerance
# ``torch.testing.assert_close`` picks its tolerance by dtype: for ``float32``, a relative 1.3e-6
# plus an absolute 1e-5. It also insists on equal dtypes and devices, so bring both results to the
# CPU first, and `pass rtol and atol
# <https://docs.pytorch.org/docs/stable/testing.html>`__ together when a long sum needs more room.

# %% zh 57549c: 比较时要留容差
# ``torch.testing.assert_close``按 dtype 选择容差：``float32``的容差是相对 1.3e-6 加绝对 1e-5。
# 它还要求 dtype 和设备都相同，所以先把两个结果都移到 CPU。
# 如果相加的项很多，需要放宽容差，就
# `同时传入 rtol 和 atol <https://docs.pytorch.org/docs/stable/testing.html>`__。

# %%
rows = torch.sin(torch.arange(20480, dtype=torch.float64)).reshape(1024, 20)
on_cpu = gradient(rows, torch.float32)
on_device = gradient(rows.to(device), torch.float32)
torch.testing.assert_close(on_cpu, on_device, rtol=1e-4, atol=1e-5)

refused = False
try:
    torch.testing.assert_close(on_cpu, on_device.double())
except AssertionError as error:
    refused = True
    print(error)
assert refused

# %% en
# Some GPUs can also trade digits for speed: with
# `TF32 <https://docs.pytorch.org/docs/stable/notes/cuda.html#tf32-on-ampere>`__
# they round the inputs of a product to 10 binary digits after the point, where ``float32`` has
# 23 of them. For matrix products it is off by default, and the setting below reads ``highest``; for
# convolutions it is on.

# %% zh da1210
# 有些 GPU 还能牺牲精度换速度：启用
# `TF32 <https://docs.pytorch.org/docs/stable/notes/cuda.html#tf32-on-ampere>`__
# 后，乘法的输入会舍入到小数点后 10 个二进制位，而``float32``有 23 位。
# 矩阵乘法默认不启用，因此下面的设置是``highest``；卷积则默认启用。

# %%
print(torch.get_float32_matmul_precision())
assert torch.get_float32_matmul_precision() in ("highest", "high", "medium")

# %% en: Remember
# - Create a leaf on its device; the copy that a move returns is not a leaf.
# - A gradient has the device and the dtype of its leaf.
# - Move the module first, then build the optimizer.
# - Across devices, gradients agree up to rounding: compare with a tolerance.

# %% zh b21375: 记住
# - 叶子张量要直接在目标设备上创建；移动得到的副本不是叶子张量。
# - 梯度的设备和 dtype 与它的叶子张量相同。
# - 先移动模块，再创建优化器。
# - 不同设备上的梯度只在舍入误差范围内一致：比较时要留容差。

# %% en: Exercise: a leaf on every machine
# This line is meant to make a parameter:
# ``torch.tensor([1, 2], requires_grad=True).to(device, torch.float32)``. It fails on every
# machine: whole numbers cannot require a gradient. With ``1.0, 2.0`` it would still be a non-leaf
# on a GPU. Write it so that it is a leaf in ``float64`` on any device.

# %% zh c8580c: 练习：在任何机器上都是叶子张量
# 下面这一行本想创建一个模型参数：
# ``torch.tensor([1, 2], requires_grad=True).to(device, torch.float32)``。
# 它在任何机器上都会报错，因为整数张量不能要求梯度。就算改成``1.0, 2.0``，在 GPU 上仍不是叶子张量。
# 请改写这一行，使结果在任何设备上都是``float64``的叶子张量。

# %% solution
parameter = torch.tensor([1.0, 2.0], dtype=torch.float64, device=device, requires_grad=True)
parameter.prod().backward()
assert parameter.is_leaf
assert parameter.grad.dtype == torch.float64
assert parameter.grad.tolist() == [2, 1]

# %% en: Exercise: nothing left behind
# Write a module ``Standardize`` that subtracts a mean and divides by a standard deviation, both
# given as tensors. After ``to(device, torch.float64)`` it must accept ``float64`` input on the
# device, and ``parameters()`` must be empty.

# %% zh 4a049a: 练习：一个也不落下
# 写一个模块``Standardize``，减去均值，再除以标准差，两者都以张量形式给出。
# 调用``to(device, torch.float64)``之后，它要能接受该设备上的``float64``输入，
# 而且``parameters()``必须为空。


# %% solution
class Standardize(torch.nn.Module):
    def __init__(self, mean, std):
        super().__init__()
        self.register_buffer("mean", mean)
        self.register_buffer("std", std)

    def forward(self, x):
        return (x - self.mean) / self.std


standardize = Standardize(torch.tensor([1.0, 2.0]), torch.tensor([2.0, 4.0]))
standardize.to(device, torch.float64)
data = torch.tensor([[3.0, 6.0]], dtype=torch.float64, device=device)
assert standardize(data).tolist() == [[1, 1]]
assert standardize(data).dtype == torch.float64
assert list(standardize.parameters()) == []

# %% en: Exercise: a model in two places
# Let one ``Linear`` layer work in ``float32`` and a second one in ``float64``, with a ``to``
# between them, as a model split over two devices would. Predict the dtype of each weight's
# gradient, then check.

# %% zh 5cb5d5: 练习：一个模型分放两处
# 让一个``Linear``层用``float32``，另一个用``float64``，中间用``to``转换，
# 就像把一个模型分放在两个设备上那样。先猜每个权重的梯度是什么 dtype，再验证。

# %% solution
first = torch.nn.Linear(3, 2, device=device)
second = torch.nn.Linear(2, 1, device=device, dtype=torch.float64)
hidden = first(torch.ones(3, device=device))
second(hidden.to(torch.float64)).sum().backward()
assert first.weight.grad.dtype == torch.float32
assert second.weight.grad.dtype == torch.float64

# %% en: Where next
# - :ref:`profiling` shows where the time goes, on either device.
# - :ref:`read-the-graph` explains leaves and ``grad_fn``.
# - :ref:`one-training-step` goes through the loop above line by line.

# %% zh 81fac2: 接下来
# - :ref:`profiling`：看时间花在哪里，两种设备都适用。
# - :ref:`read-the-graph`：讲解叶子张量和``grad_fn``。
# - :ref:`one-training-step`：把上面的训练循环逐行讲一遍。
