# %% about
# level: intermediate
# tags: torch.accelerator.current_accelerator, torch.set_default_device, torch.device, Tensor.to, Tensor.grad_dtype

# %% en: CPU and CUDA
# Write one script that uses a GPU where there is one and the CPU where there is none, and say on
# which device a tensor and its gradient live.
#
# You need :ref:`read-the-graph` for leaves and ``grad_fn``, and nothing but a CPU: the text says
# what changes on a GPU.

# %% zh d7220f: CPU 与 CUDA
# 学会写这样的脚本：有 GPU 就用 GPU，没有就用 CPU；还要说得清张量（tensor）和它的梯度（gradient）
# 各在哪个设备（device）上。
#
# 请先读过:ref:`read-the-graph`，知道什么是叶子张量（leaf tensor）和``grad_fn``。有 CPU 就够了：
# 换成 GPU 会有什么不同，文中会说明。

# %%
import matplotlib.pyplot as plt
import torch

device = torch.accelerator.current_accelerator(check_available=True)
torch.set_default_device(device or "cpu")

x = torch.tensor([1.0, 2.0, 3.0], requires_grad=True)
(x**2).sum().backward()
print(device, x.device)
print(x.grad, x.grad.device)

# %% check
assert (device is None) == (not torch.accelerator.is_available())
assert x.device.type == (device.type if device else "cpu")
assert x.grad.device == x.device
assert torch.device("cuda") != torch.device("cuda:0")
assert x.grad.tolist() == [2, 4, 6]

# %% en
# The line with ``current_accelerator`` asks once. It answers with the kind of accelerator that
# this PyTorch was built for: ``cuda`` for a GPU from NVIDIA or AMD, ``mps`` for one from Apple,
# ``xpu`` for one from Intel. ``check_available=True`` asks further whether one is there to use, and
# if not, the answer is ``None``.
#
# The next line makes that device the place where new tensors are created; if the answer is
# ``None``, ``or "cpu"`` steps in. From there on a script seldom has to name a device. The pages of
# this course begin with these two lines, or a variant of them.
#
# On a machine with an NVIDIA GPU you read ``cuda cuda:0`` in the first line of output: the tensor
# also tells which of the GPUs it is on, and a printed tensor adds its device. PyTorch does not
# count these two names as equal, so compare ``x.device.type`` with ``device.type``, or the devices
# of two tensors.

# %% zh f1ebc6
# 含``current_accelerator``的那一行只查询一次，
# 问的是这份 PyTorch 编译时选定了哪一种加速器（accelerator）：NVIDIA 或 AMD 的 GPU 是``cuda``，
# 苹果的是``mps``，英特尔的是``xpu``。``check_available=True``表示还要看机器上有没有可用的；没有的话，
# 返回``None``。
#
# 下一行规定新张量创建在这个设备上；如果返回的是``None``，``or "cpu"``就换成 CPU。
# 此后的代码很少再需要写设备名。本课程各页都以这两行或它们的变体开头。
#
# 在有 NVIDIA GPU 的机器上，第一行输出是``cuda cuda:0``：后一个名字来自张量，还指明了它在哪一块 GPU 上；
# 打印张量时，也会注明设备。PyTorch 认为这两个名字不相等，
# 所以要比较的是``x.device.type``与``device.type``，或者两个张量的设备。

# %% en: What the default decides
# ``with torch.device(...)`` sets a default for one block. The block below takes ``meta``, a device
# that is part of PyTorch on each machine: a tensor there has a shape and a dtype, but no numbers.
# It will be our second device. One tensor is made from a size, the other in the likeness of ``x``.
# On which device does each of them live?

# %% zh 1c963c: 默认设备管什么
# ``with torch.device(...)``只为一个代码块设定默认设备。下面用的是``meta``，
# 每台机器上的 PyTorch 都自带这个设备：那里的张量有形状、有 dtype（数据类型），却没有数值。
# 本页就拿它当第二个设备。代码创建了两个张量，一个按给定的大小，一个照着``x``的样子。它们各在哪个设备上？

# %% predict
with torch.device("meta"):
    created = torch.zeros(3)
    alike = torch.zeros_like(x)

print(created.device, alike.device)
print(created)

# %% check
from concurrent.futures import ThreadPoolExecutor

assert created.device.type == "meta" and created.shape == (3,)
assert alike.device == x.device and alike.tolist() == [0, 0, 0]
assert not created.requires_grad and not alike.requires_grad
with torch.device("meta"):
    array = x.detach().cpu().numpy()
    assert torch.from_numpy(array).device.type == "cpu"
    assert torch.Tensor(3).device.type == "cpu"
    with ThreadPoolExecutor(1) as pool:
        elsewhere = pool.submit(torch.zeros, 3).result()
    assert elsewhere.device.type == "cpu"

# %% en
# The default decides where ``zeros``, ``tensor`` and the like *create* a tensor from sizes or Python
# numbers, in the thread that set it (the old ``torch.Tensor(3)`` ignores it). ``zeros_like`` goes by its argument, and the result of an operation, other than a move,
# lives where its inputs live. ``torch.from_numpy`` stays with its data on the CPU. An argument
# ``device=`` overrules the default, and in code that others import it is the better way,
# because a default changes what other people's lines do.

# %% zh d0fcec
# ``zeros``、``tensor``等函数根据大小或 Python 数值*创建*张量时，由默认设备决定放在哪里；
# 默认设备只对设定它的线程（thread）有效（旧的``torch.Tensor(3)``不理会它）。
# ``zeros_like``跟着传给它的张量走，运算结果与输入在同一设备上，移动除外。
# ``torch.from_numpy``则随数据留在 CPU 上。写明的参数``device=``优先于默认设备；代码若要供别人导入，
# 最好这样写，因为改了默认设备，别人代码的行为也会跟着变。

# %% en: What a move returns
# ``to`` takes a device or a dtype. Here it is told to bring ``w`` where it already is, to another
# device, and into a shorter float: ``bfloat16`` has 16 bits instead of 32. For each result,
# is it the object ``w``, and does it have a ``grad_fn``?

# %% zh c3eb3b: 移动张量，得到什么
# ``to``可以接收设备，也可以接收 dtype。下面依次把``w``移到原来的设备、移到另一个设备、
# 转换成更短的浮点数：``bfloat16``只占 16 位，通常的浮点数占 32 位。每次得到的结果，
# 是不是``w``这个对象本身？它有没有``grad_fn``？

# %% predict
w = torch.ones(3, requires_grad=True)
for moved in (w.to(w.device), w.to("meta"), w.to(torch.bfloat16)):
    node = moved.grad_fn
    print(moved is w, node and node.name())

# %% check
names = [
    w.to("meta").grad_fn.name(),
    w.to(torch.bfloat16).grad_fn.name(),
]
assert w.to(w.device) is w and w.grad_fn is None
assert names == ["ToCopyBackward0"] * 2
assert moved.tolist() == [1, 1, 1] and moved.dtype == torch.bfloat16
assert w.to(w.device, copy=True) is not w
assert w.to(torch.int32).grad_fn is None

# %% en
# If nothing has to change, ``to`` returns the tensor that it was given. Otherwise it copies, and
# autograd records a copy to another device or floating-point dtype as it records other operations:
# ``ToCopyBackward0``. Device and dtype are
# treated alike, so what you see here with a dtype also holds for a GPU. ``copy=True`` asks for a
# copy in any case.

# %% zh 701401
# 什么都不用改变时，``to``返回的就是传给它的那个张量。否则它会复制；复制到另一个设备或另一种浮点 dtype，
# 与其他运算一样会被 autograd 记录下来，节点（node）就是``ToCopyBackward0``。设备和 dtype 的处理方式相同，
# 所以这里用 dtype 看到的现象，在 GPU 上同样成立。加上``copy=True``，则无论如何都会复制。

# %% en: Three ways to make a parameter
# A parameter should be a leaf, for that is where ``backward`` leaves a gradient. Here are three ways
# to write a tensor that requires a gradient, on another device. Which are leaves?

# %% zh f5b102: 创建模型参数的三种写法
# 模型参数（parameter）应当是叶子张量，因为``backward``把梯度留在叶子张量里。要在另一个设备上得到一个需要梯度的张量，下面有三种写法，其中哪些得到的是叶子张量？

# %% predict
late = torch.ones(3, requires_grad=True).to("meta")
direct = torch.ones(3, device="meta", requires_grad=True)
switched = torch.ones(3).to("meta").requires_grad_()
print(late.is_leaf, direct.is_leaf, switched.is_leaf)

# %% check
assert [t.is_leaf for t in (late, direct, switched)] == [
    False,
    True,
    True,
]
assert all(t.requires_grad for t in (late, direct, switched))
assert all(t.device.type == "meta" for t in (late, direct, switched))
assert torch.ones(3).to("meta").is_leaf
with torch.no_grad():
    assert torch.ones(3, requires_grad=True).to("meta").is_leaf

# %% en
# The copy of a tensor that requires a gradient is here the result of a recorded operation, hence no
# leaf (under ``no_grad`` nothing is recorded, and it is one). The copy of one that requires none is
# a leaf, and ``requires_grad_`` can still turn it into a parameter. So create on the device, or
# move first and call ``requires_grad_`` last.
#
# Take a script that sets no default device and writes ``.to(device)`` in place of
# ``.to("meta")``. Without a GPU the move changes nothing and ``late`` is a leaf; with one it is
# not. The script passes all tests on the laptop, and on the server ``late.grad`` stays ``None``. An
# optimizer at least complains:

# %% zh 3e2ec2
# 这里，需要梯度的张量被复制时，这次复制会被记录，副本就成了运算的结果，
# 所以不是叶子张量（在``no_grad``之下不作记录，副本就是叶子张量）。不需要梯度的张量，副本是叶子张量，
# 之后仍可用``requires_grad_``把它变成模型参数。所以，要么直接在目标设备上创建，要么先移动，
# 最后再调用``requires_grad_``。
#
# 设想一份脚本没有设默认设备，并把``.to("meta")``写成了``.to(device)``。没有 GPU 时，这次移动不起作用，
# ``late``是叶子张量；有 GPU 时就不是了。脚本在笔记本电脑上通过了所有测试，到了服务器上，
# ``late.grad``却始终是``None``。好在优化器（optimizer）会报错：

# %%
try:
    torch.optim.SGD([late], lr=0.1)
except ValueError as error:
    print(error)

# %% check
try:
    torch.optim.SGD([late], lr=0.1)
    raise AssertionError
except ValueError as problem:
    assert str(problem) == "can't optimize a non-leaf Tensor"
torch.optim.SGD([direct, switched], lr=0.1)

# %% en: The way back
# ``w`` is ``float32``, its copy ``bfloat16``. ``retain_grad`` asks autograd to keep the gradient of
# the copy too. After ``backward``, what dtype does each of the two gradients have?

# %% zh 249c77: 梯度怎样回来
# ``w``是``float32``，副本是``bfloat16``。``retain_grad``让 autograd 把副本的梯度也保留下来。
# 调用``backward``之后，两个梯度各是什么 dtype？

# %% predict
moved = w.to(torch.bfloat16)
moved.retain_grad()
(moved**2).sum().backward()
print(moved.grad.dtype, w.grad.dtype, w.grad.tolist())

# %% check
assert moved.grad.dtype == torch.bfloat16
assert w.grad.dtype == torch.float32 and w.grad.device == w.device
assert w.grad.tolist() == [2, 2, 2]

# %% en
# Each has the dtype of its tensor: the backward pass of a move is a move back. On a GPU it is the
# same with devices. Move a leaf from the CPU to the GPU and compute there; the gradient of the copy
# lives on the GPU, that of the leaf on the CPU.

# %% zh fb9b0f
# 两个梯度的 dtype 各与自己的张量相同：移动这一步的反向传播（backward pass），就是移回去。用 GPU 时，
# 设备也是如此：把叶子张量从 CPU 移到 GPU，再在 GPU 上计算，那么副本的梯度在 GPU 上，
# 叶子张量的梯度则在 CPU 上。

# %% en: A gradient of its own dtype
# The attribute ``grad_dtype`` of a leaf says which dtype its gradient gets. Unless you set it, that
# is the dtype of the leaf. The leaf below is ``bfloat16``, which keeps 8 significant binary digits,
# and each ``backward`` adds 1 to its gradient, 400 times. What will ``grad`` be in the end if its
# dtype is ``bfloat16``, and what if it is ``float32``?

# %% zh 6e5e70: 梯度可以有自己的 dtype
# 叶子张量的属性``grad_dtype``规定它的梯度是什么 dtype；不设置的话，就与叶子张量相同。下面的叶子张量是``bfloat16``，
# 它只有 8 位二进制有效数字；每次``backward``给梯度加 1，一共 400 次。如果梯度是``bfloat16``，最后的``grad``是多少？如果是``float32``呢？


# %% predict
def growing(grad_dtype):
    leaf = torch.ones(1, dtype=torch.bfloat16, requires_grad=True)
    leaf.grad_dtype = grad_dtype
    grads = []
    for _ in range(400):
        leaf.sum().backward()
        grads.append(leaf.grad.item())
    return grads


for grad_dtype, style in ((torch.bfloat16, "-"), (torch.float32, "--")):
    grads = growing(grad_dtype)
    plt.plot(range(1, 401), grads, style, label=str(grad_dtype))
plt.xlabel("$n$")
plt.ylabel("grad")
plt.legend()
plt.show()

# %% check
counted = [float(n) for n in range(1, 401)]
assert growing(torch.float32) == counted
assert growing(torch.bfloat16) == [min(n, 256) for n in counted]
plain = torch.ones(1, dtype=torch.bfloat16, requires_grad=True)
assert plain.grad_dtype == torch.bfloat16

# %% en alt
# The gradient against the number of calls. The dashed line, ``float32``, rises by 1 with
# each call and ends at 400. The solid line, ``bfloat16``, runs with it up to 256 and stays there.

# %% zh alt 0ff207
# 梯度随调用次数的变化。``float32``的虚线每次加 1，一直升到 400；``bfloat16``的实线与它重合到 256，此后停住不动。

# %% en
# With 8 digits, neighbours are 2 apart from 256 on: 257 lies half-way and is rounded back to 256, each
# time. With ``grad_dtype`` set to ``float32`` the sum is exact, though the leaf has 16 bits.
#
# ``item()``, used above, returns the Python number in a tensor of one element. On a GPU it waits
# until that number has been computed and carries it to the CPU.

# %% zh 76087f
# 有效数字只有 8 位，从 256 起，相邻的两个数就相差 2：257 正好落在中间，每次都被舍入回 256。
# 把``grad_dtype``设为``float32``，累加的结果就是精确的，而叶子张量的元素（element）仍然只占 16 位。
#
# 上面用到的``item()``取出单元素张量里的 Python 数值。在 GPU 上，它要等这个数值算完，再取到 CPU。

# %% en: Two devices in one operation
# ``there`` is on ``meta``; its three partners are on the CPU: one with three elements, one without
# dimensions, one used as an index. PyTorch does not move a tensor behind your back, and one of the
# three operations is refused. Which one?

# %% zh f73d55: 一次运算，两个设备
# ``there``在``meta``上，与它搭配的三个张量都在 CPU 上：一个有三个元素，一个是零维的，一个用作下标。
# PyTorch 不会擅自移动张量，三种运算里有一种会报错，是哪一种？

# %% predict
there = torch.ones(3, device="meta")
three = torch.ones(3, device="cpu")
number = torch.tensor(2.0, device="cpu")
index = torch.tensor([0, 2], device="cpu")
for operation in (
    lambda: there * number,
    lambda: there * three,
    lambda: there[index],
):
    try:
        print(operation().device)
    except RuntimeError as error:
        print(error)

# %% check
assert (there * number).device == there[index].device == there.device
assert there[index].shape == (2,) and (there * number).shape == (3,)
try:
    there * three
    raise AssertionError
except RuntimeError as problem:
    assert "cpu" in str(problem) and "meta" in str(problem)
try:
    x.detach().cpu().requires_grad_().grad = there
    raise AssertionError
except RuntimeError as problem:
    assert "assign a gradient with device type 'meta'" in str(problem)
try:
    there.sum().requires_grad_().grad = number
    raise AssertionError
except RuntimeError as problem:
    assert "assign a gradient with device type 'cpu'" in str(problem)

# %% en
# The product with ``three``. A CPU tensor without dimensions counts as a number, and CPU indices in
# square brackets are welcome on another device. On a GPU you read, for example,
# ``Expected all tensors to be on the same device, but found at least two devices, cuda:0 and cpu!``
#
# Nor does PyTorch move a gradient: assign to ``grad`` a tensor from elsewhere and you read
# ``attempting to assign a gradient with device type 'meta' to a tensor with device type 'cpu'``.

# %% zh bcdad5
# 是与``three``相乘的那一种。零维的 CPU 张量会被当作一个数；
# 方括号里的下标也可以是 CPU 张量，哪怕被索引的张量在别的设备上。换成 GPU，
# 报错信息例如``Expected all tensors to be on the same device, but found at least two devices, cuda:0 and cpu!``
#
# 梯度也不会擅自移动：把别的设备上的张量赋给``grad``，
# 就会看到``attempting to assign a gradient with device type 'meta' to a tensor with device type 'cpu'``。

# %% en: To NumPy
# NumPy reads the memory of the CPU. The chain ``detach().cpu().numpy()`` leaves the graph, fetches
# the data to the CPU and converts. Only one of these three tensors gets there. What stops the other
# two?

# %% zh d5568b: 转到 NumPy
# NumPy 读的是 CPU 的内存。``detach().cpu().numpy()``这一串调用先脱离计算图（computational graph），
# 再把数据取到 CPU，最后转换成数组。下面三个张量，只有一个能转成 NumPy 数组。另外两个为什么不行？

# %% predict
for t in (x, x.to(torch.bfloat16), x.to("meta")):
    try:
        print(t.detach().cpu().numpy())
    except (TypeError, NotImplementedError) as error:
        print(error)

# %% check
assert x.detach().cpu().numpy().tolist() == [1, 2, 3]
half = x.to(torch.bfloat16).detach().cpu()
assert half.float().numpy().tolist() == [1, 2, 3]
for problem, bad, said in (
    (TypeError, half, "BFloat16"),
    (NotImplementedError, there, "no data"),
    (
        RuntimeError,
        x,
        "Can't call numpy() on Tensor that requires grad",
    ),
):
    try:
        bad.cpu().numpy()
        raise AssertionError
    except problem as caught:
        assert said in str(caught)

# %% en
# The first gets there. NumPy has no ``bfloat16``, so put ``float()`` into the chain. A ``meta`` tensor
# has no numbers to give. From a GPU the chain brings ``float32`` like the first tensor; leave
# ``detach()`` out, and for a tensor like ``x`` you read
# ``Can't call numpy() on Tensor that requires grad``.

# %% zh 7b6d79
# 第一个可以。NumPy 没有``bfloat16``，要在中间加上``float()``；``meta``张量则没有数值可给。
# GPU 上的``float32``张量，与第一个张量一样能取回来；如果漏掉``detach()``，对``x``这样的张量就会看到
# ``Can't call numpy() on Tensor that requires grad``。

# %% en: Remember
# - A default device decides where tensors are created; the result of an operation, other than a
#   move, lives where its inputs live.
# - ``to`` returns the same tensor if nothing has to change; else a copy. Autograd records a copy to
#   another device or floating-point dtype.
# - Create a parameter on its device, or move first and call ``requires_grad_`` last.
# - A gradient has the device of its leaf, and its dtype unless ``grad_dtype`` says otherwise.

# %% zh 7f90b3: 要点
# - 默认设备决定张量在哪里创建；运算结果与输入在同一设备上，移动除外。
# - 什么都不用改变时，``to``返回原来的张量；否则返回副本。复制到另一个设备或另一种浮点 dtype，会被 autograd 记录下来。
# - 模型参数要么直接在目标设备上创建，要么先移动，最后再调用``requires_grad_``。
# - 梯度与叶子张量在同一设备上，dtype 也相同，除非``grad_dtype``另有规定。

# %% en: Exercise: a leaf on each machine
# ``torch.tensor([1.0, 2.0], requires_grad=True).to(device, torch.bfloat16)`` is no leaf. Write it
# so that on each machine it is a ``bfloat16`` leaf, with a gradient in ``float32``.

# %% zh 5ce7c6: 练习：在每台机器上都是叶子张量
# ``torch.tensor([1.0, 2.0], requires_grad=True).to(device, torch.bfloat16)``得到的不是叶子张量。
# 请改写，使结果在每台机器上都是``bfloat16``的叶子张量，而它的梯度是``float32``。

# %% solution
parameter = torch.tensor(
    [1.0, 2.0], dtype=torch.bfloat16, device=device, requires_grad=True
)
parameter.grad_dtype = torch.float32
parameter.prod().backward()
assert parameter.is_leaf and parameter.dtype == torch.bfloat16
assert parameter.grad.dtype == torch.float32
assert parameter.grad.tolist() == [2, 1]

# %% en: Exercise: a layer that does not fit
# A ``Linear`` layer from 100,000 to 100,000 features would need 40 GB. Build it on ``meta`` and run
# it forward and backward on a batch of 5. How many bytes would the gradient of its weight take?
# (``nbytes`` of a tensor tells.)

# %% zh 0bcbd2: 练习：放不下的层
# 一个从 100,000 个特征到 100,000 个特征的``Linear``层要占 40 GB。在``meta``上创建它，
# 用大小为 5 的批次（batch）做一遍前向传播（forward pass）和反向传播。权重（weight）的梯度要占多少字节？
# （看张量的``nbytes``就知道。）

# %% solution
with torch.device("meta"):
    layer = torch.nn.Linear(100_000, 100_000)
    layer(torch.ones(5, 100_000)).sum().backward()
assert layer.weight.grad.device.type == "meta"
assert layer.weight.grad.nbytes == 4 * 100_000**2

# %% en: Where next
# - :ref:`move-a-model` does with whole modules what this page does with tensors.
# - :ref:`equal-up-to-rounding` says why two devices differ in the last digits.

# %% zh 2c1acb: 接下来
# - :ref:`move-a-model`：这一页移动张量，那一页移动整个模型。
# - :ref:`equal-up-to-rounding`：两个设备算出的末几位为什么不同。
