# %% about
# level: intermediate
# tags: torch.nn.Module.to, torch.nn.Module.register_buffer, torch.optim.Optimizer.load_state_dict, torch.optim.Adam

# %% en: Move a model
# Move a whole model to another device or dtype, and know what goes along, what stays behind and how
# much memory it takes.
#
# :ref:`cpu-and-cuda` said what a move does to a tensor, and :ref:`one-training-step` what an
# optimizer does. Moving to a GPU and changing the dtype are the same call, ``Module.to``, and go
# the same way. So this page changes the dtype, which each machine can do: with a GPU, read "device"
# for "dtype". Here is a layer after one backward pass.

# %% zh 23f779: 移动模型
# 把整个模型移到另一个设备或转换成另一种 dtype，并弄清哪些东西跟着走、哪些留在原处、要占多少内存。
#
# 移动一个张量会怎样，优化器（optimizer）做什么，:ref:`cpu-and-cuda`和:ref:`one-training-step`分别讲过。
# 把模型移到 GPU 和转换它的 dtype，用的是同一个调用``Module.to``，过程也一样。
# 所以这一页用转换 dtype 来演示，哪台机器都能做；有 GPU 的话，读到“dtype”时换成“设备”就行。
# 先看一个做过一次反向传播（backward pass）的层。

# %%
import matplotlib.pyplot as plt
import torch

device = torch.accelerator.current_accelerator(check_available=True)
torch.set_default_device(device or "cpu")

model = torch.nn.Linear(3, 1)
weight = model.weight
model(torch.ones(3)).sum().backward()
print(weight.dtype, weight.grad)

# %% check
assert weight.dtype == torch.float32
assert weight.grad.tolist() == [[1, 1, 1]]

# %% en: The parameters
# When ``Tensor.to`` copies a tensor that requires a gradient, autograd normally records it, and the
# copy is then no leaf. A module, however, is often moved by the line ``model.to(device)`` alone, and
# the result is not assigned. Is the weight then still the object ``weight``, is that still a leaf, and
# what becomes of ``weight.grad``?

# %% zh b5232a: 模型参数
# ``Tensor.to``复制一个需要梯度（gradient）的张量时，autograd 通常会把复制记录下来，
# 这时副本就不是叶子张量（leaf tensor）。可是移动模块（module）时，常常只写一行``model.to(device)``，
# 并不接收返回值。那么移动之后，它的权重（weight）是否仍是``weight``这个对象，是否仍是叶子张量？
# ``weight.grad``又会怎样？

# %% predict
moved = model.to(torch.bfloat16)
print(moved is model, model.weight is weight, weight.is_leaf)
print(weight.dtype, weight.grad)

# %% check
assert moved is model and model.weight is weight and weight.is_leaf
assert weight.dtype == model.bias.dtype == torch.bfloat16
assert weight.grad.dtype == torch.bfloat16
assert weight.grad.tolist() == [[1, 1, 1]]
layer = torch.nn.Linear(3, 1)
kept = layer.weight
assert layer.to("meta").weight is not kept

# %% en
# ``Module.to`` works in place. It puts other data into the parameters that are there; they remain
# the same objects and remain leaves, and their gradients go along. So you need not assign the
# result. Between the CPU and CUDA it is the same. (Not for each device: for ``meta``, new
# parameters take the place of the old ones.)

# %% zh af816a
# ``Module.to``是原地进行的：它给现有的模型参数（parameter）换上另一份数据，对象不变，仍是叶子张量，
# 梯度也跟着走，所以返回值不必接收。在 CPU 和 CUDA 之间移动也是这样。（并非所有设备都如此：
# 移到``meta``时，原来的模型参数会被新的取代。）

# %% en: What goes along
# A module can hold a tensor in three ways: as a ``Parameter``, as a buffer (a tensor that is part
# of the model but not trained, handed to ``register_buffer``), and as an ordinary attribute. Which
# dtype does each of the four below have after the move?

# %% zh d06399: 哪些跟着走
# 模块里的张量有三种存放方式：作为``Parameter``；作为缓冲区（buffer），也就是用``register_buffer``登记的、
# 属于模型但不参与训练的张量；或者只是普通属性。移动之后，下面四个张量各是什么 dtype？


# %% predict
class Holder(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.a = torch.nn.Parameter(torch.ones(3))
        self.register_buffer("b", torch.ones(3))
        self.register_buffer("c", torch.arange(3))
        self.d = torch.ones(3)


holder = Holder().to(torch.bfloat16)
for name in ("a", "b", "c", "d"):
    print(name, getattr(holder, name).dtype)

# %% check
assert holder.a.dtype == holder.b.dtype == torch.bfloat16
assert holder.c.dtype == torch.int64 and holder.d.dtype == torch.float32
assert [t.device.type for t in Holder().to("meta").buffers()] == [
    "meta"
] * 2
assert Holder().to("meta").d.device == holder.d.device
assert list(holder.state_dict()) == ["a", "b", "c"]
assert holder.c.tolist() == [0, 1, 2]
absent = Holder().to("meta")
try:
    absent.a + absent.d
    raise AssertionError
except RuntimeError as problem:
    assert "device" in str(problem)

# %% en
# Parameters and buffers go along. The buffer ``c`` keeps its integers, since ``Module.to`` does not
# turn integers into floating-point numbers; to another device it would move like ``b``. The
# attribute ``d`` stays behind: the module does not know that it is one of its tensors. After a move
# to a GPU, ``a + d`` would mix two devices and fail.

# %% zh cd9be4
# 模型参数和缓冲区跟着走。缓冲区``c``仍是整数，因为``Module.to``不会把整数变成浮点数；如果换的是设备，
# 它会和``b``一样被移走。普通属性``d``留在原处：模块并不知道这个张量属于自己。如果移到 GPU 上，
# ``a + d``就会混用两个设备而报错。

# %% en: What the optimizer holds
# The optimizer holds the parameters, which are the same objects after the move. Adam also keeps
# running averages of the gradients and of their squares. One step creates them, then the model
# moves. Which dtypes do ``exp_avg``, the average of the gradients, and the gradient of the weight
# have by then, so that the next step fails?

# %% zh a5e770: 优化器手里有什么
# 优化器引用的是模型参数，移动之后它们还是同一批对象。Adam 另外还保存梯度的滑动平均值（running average）
# 和梯度平方的滑动平均值。下面先更新一步，产生这些平均值，再移动模型。到那时，Adam 为权重保存的梯度平均值``exp_avg``
# 是什么 dtype，权重的梯度又是什么 dtype，以致接下来的一步失败了？

# %% predict
model = torch.nn.Linear(3, 1)
optimizer = torch.optim.Adam(model.parameters())
model(torch.ones(3)).sum().backward()
optimizer.step()

model.to(torch.bfloat16)
average = optimizer.state[model.weight]["exp_avg"]
print(average.dtype, model.weight.grad.dtype)
try:
    optimizer.step()
except RuntimeError as error:
    print(error)

# %% check
assert average.dtype == torch.float32
torch.testing.assert_close(average, torch.full((1, 3), 0.1).to(average))
assert model.weight.dtype == model.weight.grad.dtype == torch.bfloat16
layer = torch.nn.Linear(3, 1)
adam = torch.optim.Adam(layer.parameters())
layer(torch.ones(3)).sum().backward()
adam.step()
layer.to(torch.bfloat16)
try:
    adam.step()
    raise AssertionError
except RuntimeError as problem:
    assert "dtype" in str(problem)

# %% en
# The state stays where it was made, and the step fails: an average in ``float32`` meets a gradient
# in ``bfloat16`` (after a move to a GPU, two devices meet). So build the model, move it, and only
# then build the optimizer. If you have to move later, ``load_state_dict`` brings the averages to
# the device and dtype of their parameters:

# %% zh 5ce1cd
# 状态（state）没有跟着走，所以更新时报错：``float32``的平均值碰上了``bfloat16``的梯度（如果是移到 GPU，
# 碰上的就是另一个设备上的梯度）。因此顺序是：创建模型，移动模型，然后才创建优化器。如果不得不中途移动，
# ``load_state_dict``会让各个平均值的设备和 dtype 变得与对应的模型参数一致：

# %%
optimizer.load_state_dict(optimizer.state_dict())
print(optimizer.state[model.weight]["exp_avg"].dtype)
optimizer.step()

# %% check
repaired = optimizer.state[model.weight]
assert repaired["exp_avg"].dtype == torch.bfloat16
assert repaired["exp_avg"].device == model.weight.device
assert repaired["exp_avg_sq"].dtype == torch.bfloat16

# %% en: How much memory
# The layer below has 1024 times 1024 weights in ``float32``: 4 MiB. When a step ends, the device
# holds the parameters, their gradients and the optimizer's state. How many MiB are
# they together with plain SGD, with SGD and momentum, and with Adam?

# %% zh c2dace: 要占多少内存
# 下面的层有 1024 乘 1024 个``float32``权重，也就是 4 MiB。一步更新结束时，设备上存着模型参数、
# 它们的梯度和优化器的状态。分别用普通的 SGD、带动量（momentum）的 SGD 和 Adam，三样合起来各是多少 MiB？


# %% predict
def mebibytes(build):
    layer = torch.nn.Linear(1024, 1024, bias=False)
    optimizer = build(layer.parameters())
    layer(torch.ones(1024)).sum().backward()
    optimizer.step()
    states = optimizer.state[layer.weight].values()
    kept = [t for t in states if isinstance(t, torch.Tensor)]
    groups = [layer.weight], [layer.weight.grad], kept
    return [sum(t.nbytes for t in g) / 2**20 for g in groups]


optimizers = {
    "SGD": lambda w: torch.optim.SGD(w, lr=0.1),
    "momentum": lambda w: torch.optim.SGD(w, lr=0.1, momentum=0.9),
    "Adam": lambda w: torch.optim.Adam(w),
}
for name, build in optimizers.items():
    bottom = 0
    for number, height in enumerate(mebibytes(build)):
        plt.bar(name, height, bottom=bottom, color=f"C{number}", ec="w")
        bottom += height
    print(name, round(bottom, 3))
plt.legend(["parameters()", "grad", "state"], loc="upper left")
plt.ylabel("MiB")
plt.show()

# %% check
expected = {"SGD": [4, 4, 0], "momentum": [4, 4, 4], "Adam": [4, 4, 8]}
for key, sizes in expected.items():
    measured = torch.tensor(mebibytes(optimizers[key]))
    truth = torch.tensor(sizes).to(measured)
    torch.testing.assert_close(measured, truth, rtol=0, atol=1e-4)
assert abs(bottom - 16) < 1e-4

# %% en alt
# Three stacked bars in MiB. Each begins with 4 for the parameters and 4 for the gradients. SGD ends
# there, at 8; momentum adds 4 and reaches 12; Adam adds 8 and reaches 16.

# %% zh alt aea000
# 三根堆叠的柱子，单位是 MiB。每根都先是模型参数的 4 和梯度的 4：SGD 到此为止，共 8；动量再加 4，到 12；
# Adam 再加 8，到 16。

# %% en
# Momentum keeps one tensor as large as the weights, Adam as set here two. So training with it takes
# four times the memory of the weights, on top of what the graph saves for the backward pass.

# %% zh f792c3
# 动量要保存一个与权重同样大的张量，按这里的设置，Adam 要保存两个。所以用它训练，
# 需要的内存是权重本身的四倍，计算图（computational graph）为反向传播保存的数据还不算在内。

# %% en: A loop for both machines
# The data set stays on the CPU, and each batch travels when its turn comes. A batch requires no
# gradient, so autograd does not record its move. The model should find slope 3 and intercept 1.

# %% zh 5c2525: 两种机器通用的循环
# 数据集留在 CPU 上，轮到哪个批次（batch），就移动哪个批次。批次不需要梯度，所以 autograd 不会记录这次移动。
# 模型应当学到斜率 3 和截距 1。

# %%
inputs = torch.linspace(-1, 1, 64, device="cpu").unsqueeze(1)
targets = 3 * inputs + 1
pieces = inputs.split(16), targets.split(16)

model = torch.nn.Linear(1, 1)
place = model.weight.device
optimizer = torch.optim.SGD(model.parameters(), lr=0.2)
for _ in range(30):
    for batch, target in zip(*pieces, strict=True):
        batch, target = batch.to(place), target.to(place)
        loss = (model(batch) - target).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
print(f"{model.weight.item():.3f} {model.bias.item():.3f}")

# %% check
assert inputs.device.type == "cpu" and batch.device == place
assert batch.grad_fn is None and len(batch) == 16
assert abs(model.weight.item() - 3) < 1e-2
assert abs(model.bias.item() - 1) < 1e-2

# %% en: Remember
# - ``Module.to`` moves in place: parameters, their gradients and buffers, but no ordinary attribute.
# - First move the model, then build the optimizer.
# - With Adam, weights, gradients and averages take four times the memory of the weights.

# %% zh c04ac6: 要点
# - ``Module.to``原地移动模型参数、它们的梯度和缓冲区，普通属性不在其列。
# - 先移动模型，再创建优化器。
# - 用 Adam 时，权重、梯度和平均值合起来，占的内存是权重的四倍。

# %% en: Exercise: nothing left behind
# Write a module ``Standardize`` that subtracts a mean and divides by a standard deviation, both
# given as tensors. After ``to(torch.bfloat16)`` it has to turn ``bfloat16`` input into ``bfloat16``
# output, and ``parameters()`` must be empty.

# %% zh ba6236: 练习：一个也不落下
# 写一个模块``Standardize``，先减去均值，再除以标准差，两者都以张量形式给出。调用``to(torch.bfloat16)``之后，
# 输入``bfloat16``，输出也应是``bfloat16``，而且``parameters()``必须为空。


# %% solution
class Standardize(torch.nn.Module):
    def __init__(self, mean, std):
        super().__init__()
        self.register_buffer("mean", mean)
        self.register_buffer("std", std)

    def forward(self, x):
        return (x - self.mean) / self.std


mean, std = torch.tensor([1.0, 2.0]), torch.tensor([2.0, 4.0])
standardize = Standardize(mean, std).to(torch.bfloat16)
result = standardize(torch.tensor([[3.0, 6.0]], dtype=torch.bfloat16))
assert result.tolist() == [[1, 1]] and result.dtype == torch.bfloat16
assert list(standardize.parameters()) == []

# %% en: Exercise: a model in two places
# Let one ``Linear`` layer work in ``float32`` and a second one in ``bfloat16``, with a ``to``
# between them, as a model split over two devices would. What dtype does the gradient of each weight
# have?

# %% zh 814fa6: 练习：一个模型分放两处
# 让一个``Linear``层用``float32``，另一个用``bfloat16``，中间用``to``转换，就像把一个模型分放在两个设备上那样。
# 两个权重的梯度各是什么 dtype？

# %% solution
first = torch.nn.Linear(3, 2)
second = torch.nn.Linear(2, 1, dtype=torch.bfloat16)
hidden = first(torch.ones(3))
second(hidden.to(torch.bfloat16)).sum().backward()
assert first.weight.grad.dtype == torch.float32
assert second.weight.grad.dtype == torch.bfloat16

# %% en: Where next
# - :ref:`equal-up-to-rounding` compares the results of two devices.
# - :ref:`profiling` shows which operations a training step runs.

# %% zh bc49b2: 接下来
# - :ref:`equal-up-to-rounding`：比较两个设备的计算结果。
# - :ref:`profiling`：一步训练都运行了哪些运算。
