# %% about
# level: beginner
# tags: Tensor.requires_grad, Tensor.requires_grad_, torch.nn.Module.requires_grad_, torch.autograd.graph.saved_tensors_hooks

# %% en: Freezing a part of a model
# Often one part of a model is trained already and must stay as it is while another part learns.
# Here you freeze it, tell who still receives a gradient, and see when freezing saves memory.
#
# This page builds on :ref:`gradients-off-and-on` and :ref:`one-training-step`.

# %% zh 6260a2: 冻结模型的一部分
# 常有这样的情形：模型的一部分已经训练好，不能再动，另一部分还要学习。
# 这一页教你冻结前者，判断哪些张量还会收到梯度，也看看冻结在什么时候能省内存。
#
# 读之前，请先看过:ref:`gradients-off-and-on`和:ref:`one-training-step`。

# %%
import matplotlib.pyplot as plt
import torch

device = torch.accelerator.current_accelerator(check_available=True)
torch.set_default_device(device or "cpu")

# %% en: A flag that is lowered
# A leaf tensor, one that no recorded operation produced, has a flag of its own: ``requires_grad``.
# The method ``requires_grad_(False)`` lowers it. Below, ``earlier`` is computed before the flag is
# lowered and ``later`` after it. Which of them has a ``grad_fn``, and what does the backward pass from
# ``earlier`` leave in ``a.grad``?

# %% zh 855710: 关掉标志
# 叶子张量（leaf tensor）并非由已记录的运算得到，它有一个自己的标志：``requires_grad``。
# 调用``requires_grad_(False)``，就把标志关掉。
# 下面的``earlier``在标志关掉之前算出，``later``在这之后算出。
# 哪一个有``grad_fn``？从``earlier``出发做反向传播（backward pass），``a.grad``里会留下什么？

# %% predict
a = torch.ones(2, requires_grad=True)
earlier = 2 * a
a.requires_grad_(False)
later = 2 * a
print(earlier)
print(later)

earlier.sum().backward()
print(a.grad)

# %% check
assert earlier.grad_fn.name() == "MulBackward0"
assert earlier.tolist() == later.tolist() == [2, 2]
assert later.grad_fn is None and a.grad is None
again = torch.ones(2, requires_grad=True)
result = (2 * again).sum()
again.requires_grad_(False)
try:
    torch.autograd.grad(result, again, retain_graph=True)
except RuntimeError as refusal:
    assert "does not require grad" in str(refusal)
result.backward(retain_graph=True)
assert again.grad is None
again.requires_grad_(True)
result.backward()
assert again.grad.tolist() == [2, 2]
lowered = again.exp().detach_()
assert lowered.is_leaf and not lowered.requires_grad

# %% en
# Autograd looks at the flag when it records an operation: ``earlier`` keeps its history, and
# ``backward`` follows it without an error. It looks again when a gradient arrives at the leaf: ``a``
# takes none as long as its flag is down, however old the graph is.
#
# ``requires_grad_`` cannot lower the flag of a recorded result, which follows from the inputs. The
# message names the remedy.

# %% zh 6ee47f
# autograd 在记录运算时看这个标志，所以``earlier``的历史还在，``backward``沿着它走，并不报错。
# 梯度到达叶子张量时，autograd 还要再看一次：只要标志还关着，``a``就不接收梯度，
# 哪怕计算图（computational graph）早已建好。
#
# 如果张量是已记录的运算的结果，标志就由输入决定，``requires_grad_``关不掉。报错信息里写着补救办法。

# %%
try:
    earlier.requires_grad_(False)
except RuntimeError as error:
    print(error)

# %% check
assert not earlier.detach().requires_grad
try:
    earlier.requires_grad_(False)
except RuntimeError as refusal:
    assert "detach()" in str(refusal)

# %% en: A frozen trunk
# A model often has a ``trunk`` that turns its input into features, and a ``head`` that makes the
# output from them. For a module, ``requires_grad_(False)`` lowers the flags of all its parameters;
# the module is then *frozen*. Data rarely require a gradient, but here ``x`` does, to show how far
# gradients get. Which of the three tensors will receive one?

# %% zh b27efc: 冻结主干
# 模型常由两部分组成：主干``trunk``从输入中提取特征，头部``head``再由特征得到输出。
# 对模块（module）调用``requires_grad_(False)``，会关掉它所有模型参数（parameter）的标志，这个模块就被*冻结*（freeze）了。
# 数据很少需要梯度，这里却让``x``需要，好看看梯度能走多远。三个张量中，哪几个会收到梯度？

# %% predict
trunk, head = torch.nn.Linear(3, 2), torch.nn.Linear(2, 1)
trunk.requires_grad_(False)
x = torch.ones(1, 3, requires_grad=True)
head(trunk(x)).sum().backward()
for tensor in (x, trunk.weight, head.weight):
    print(tensor.grad is not None)

# %% check
torch.testing.assert_close(x.grad, head.weight @ trunk.weight)
torch.testing.assert_close(head.weight.grad, trunk(x).detach())
assert trunk.weight.grad is None and trunk.bias.grad is None
for grad, cut in ((torch.no_grad, False), (torch.enable_grad, True)):
    data = torch.ones(1, 3, requires_grad=True)
    bottom, top = torch.nn.Linear(3, 2), torch.nn.Linear(2, 1)
    with grad():
        inner = bottom(data)
    top(inner.detach() if cut else inner).sum().backward()
    assert data.grad is None and bottom.weight.grad is None
    assert top.weight.grad is not None

# %% en
# Frozen weights are constants, like the 2 in :math:`2x`. A gradient does not stop at a constant: it
# passes *through* the trunk to ``x``. To cut the graph there instead, run the trunk under
# ``no_grad`` or detach its output; then the head still learns, and ``x`` receives nothing.

# %% zh c6d841
# 冻结的权重（weight）成了常数，就像:math:`2x`里的 2。梯度遇到常数并不停下，它*穿过*主干，到达``x``。
# 如果想在这里切断计算图，就在``no_grad``里运行主干，或者分离（detach）主干的输出：头部照样学习，
# ``x``则收不到梯度。

# %% en: The other end
# Now the head is frozen, from which the backward pass starts. Can the trunk still learn? And can it
# if, instead, the head runs under ``no_grad``?

# %% zh dbc95a: 换到另一头
# 这次冻结头部，反向传播正是从头部开始的。主干还能学习吗？如果换一种办法，在``no_grad``里运行头部呢？

# %% predict
trunk.requires_grad_(True)
head.requires_grad_(False)
for mode in (torch.enable_grad, torch.no_grad):
    features = trunk(x)
    with mode():
        loss = head(features).sum()
    try:
        loss.backward()
        print(trunk.weight.grad is not None)
    except RuntimeError as error:
        print(error)

# %% check
torch.testing.assert_close(
    trunk.weight.grad, head.weight.T.expand(2, 3)
)
assert loss.grad_fn is None and features.requires_grad
try:
    head(torch.ones(1, 2)).sum().backward()
    raise AssertionError
except RuntimeError as refusal:
    assert "element 0 of tensors does not require" in str(refusal)

# %% en
# It can in the first case: the gradient passes through the frozen head. In the second, nothing of
# the head is recorded, so ``loss`` has no history at all, and the error says so. When you meet this
# message, see first whether everything is frozen. If not, look for what cut the graph on the way from
# the parameters to the loss.

# %% zh e398cc
# 第一种情形可以：梯度穿过了冻结的头部。第二种情形，头部的运算都没有被记录，``loss``就没有任何历史，
# 报错信息说的正是这件事。遇到它，先看是不是全都冻结了；如果不是，
# 就从模型参数到损失（loss）一路找过去，看是哪一步把计算图切断了。

# %% en: Freezing and memory
# For the backward pass, autograd keeps values of the forward pass, and they often fill most of the
# memory in training. Eight layers below make 32 rows of 64 numbers each. ``saved_tensors_hooks`` calls
# ``pack`` with tensors that autograd saves, and its second function when one is needed again. (A
# Python number as factor becomes a tensor that bypasses ``pack``.) We count those with 32 rows, each once (``data_ptr()`` is the address of its memory). Weights
# have 64 rows and do not count.
#
# A linear layer saves its input, for the gradient of its weight; ``tanh`` saves its result, for its
# own slope. Freeze the first :math:`k` layers, or the last :math:`k`. How does the number :math:`n`
# of kept tensors depend on :math:`k` in the two cases?

# %% zh 66fee2: 冻结与内存
# autograd 要为反向传播保留前向传播（forward pass）中的一些值，训练时的内存往往大半被它们占去。
# 下面有八层，每层输出 32 行，每行 64 个数。``saved_tensors_hooks``把 autograd 保存的张量交给``pack``；
# 反向传播要用到时，则交给第二个函数。（因子如果是 Python 数值，变成的张量并不经过``pack``。）这里只数有 32 行的张量，
# 同一个只数一次（``data_ptr()``是它的内存地址）；权重有 64 行，不计入。
#
# 线性层保存输入，用来算权重的梯度；``tanh``保存结果，用来算它自己的斜率。
# 冻结前:math:`k`层，或者冻结后:math:`k`层。两种做法下，保留的张量个数:math:`n`各怎样随:math:`k`变化？


# %% predict
def kept(frozen):
    layers = [torch.nn.Linear(64, 64) for _ in range(8)]
    for i in frozen:
        layers[i].requires_grad_(False)
    saved = set()

    def pack(tensor):
        if len(tensor) == 32:
            saved.add(tensor.data_ptr())
        return tensor

    hooks = torch.autograd.graph.saved_tensors_hooks
    with hooks(pack, lambda tensor: tensor):
        h = torch.ones(32, 64)
        for layer in layers:
            h = layer(h).tanh()
    return len(saved)


ks = range(9)
first = [kept(range(k)) for k in ks]
last = [kept(range(8 - k, 8)) for k in ks]
plt.plot(ks, first, "o-", label="0, ..., k - 1")
plt.plot(ks, last, "s--", label="8 - k, ..., 7")
plt.xlabel("$k$")
plt.ylabel("$n$")
plt.legend()
plt.show()

# %% check
assert first == [9, 8, 7, 6, 5, 4, 3, 2, 0]
assert last == [9, 9, 9, 9, 9, 9, 9, 9, 0]
assert list(ks) == [0, 1, 2, 3, 4, 5, 6, 7, 8]


def kept_with_gelu(frozen):
    layers = [torch.nn.Linear(64, 64) for _ in range(3)]
    for i in frozen:
        layers[i].requires_grad_(False)
    tensors = []

    def pack(tensor):
        tensors.append(tensor)
        return tensor

    hooks = torch.autograd.graph.saved_tensors_hooks
    with hooks(pack, lambda tensor: tensor):
        h = torch.ones(32, 64)
        for layer in layers:
            h = torch.nn.functional.gelu(layer(h))
    return len({t.data_ptr() for t in tensors if len(t) == 32})


assert [kept_with_gelu(range(k)) for k in range(4)] == [6, 4, 2, 0]
behind = [kept_with_gelu(range(3 - k, 3)) for k in range(4)]
assert behind == [6, 5, 4, 0]
packed = []
with torch.autograd.graph.saved_tensors_hooks(packed.append, id):
    doubled = 2 * torch.ones(1, requires_grad=True)
assert doubled.grad_fn._saved_other == 2 and not packed

# %% en alt
# The number n of kept tensors against the number k of frozen layers, from 0 to 8. When the first
# layers are frozen, the line falls by 1 per layer, from 9 to 2, and then to 0. When the last ones
# are frozen, it stays at 9 and falls to 0 only at k = 8.

# %% zh alt 8e6442
# 保留的张量个数 n 随冻结层数 k 的变化，k 从 0 到 8。冻结前几层时，每多冻结一层就少 1 个，从 9 降到 2，
# 最后降到 0；冻结后几层时，一直停在 9，到 k = 8 才降到 0。

# %% en
# The 9 are the first input and 8 results, seven of which are the next layer's inputs. From the front,
# each of the first seven layers spares one tensor, the eighth the last two. Where neither the input
# nor a parameter requires a gradient, nothing is recorded; recording begins at the first layer that
# learns. At the end, freezing seven layers spares none: to reach the first layer, the gradient must
# pass through all of them, and at each ``tanh`` it needs the result. With ``gelu``, another bend,
# which saves its input, freezing the end spares something, too, but less. So to save memory, freeze
# from the input on.

# %% zh becffb
# 9 个是最初的输入和 8 个结果，其中七个结果又是下一层的输入。
# 从前面冻结，前七层每冻结一层就少存一个，冻结第八层，最后两个也不用存了。
# 输入和模型参数都不需要梯度的地方，运算不会被记录；
# 到了第一个要学习的层，记录才开始。从后面冻结，哪怕冻结七层，也一个都省不下：
# 梯度要到达第一层，就得穿过后面所有的层，而经过每个``tanh``都要用到它的结果。
# ``gelu``是另一种把直线弄弯的函数，保存的是输入；换成它，从后面冻结也能省下一些，不过省得较少。
# 所以，如果是为了省内存，就从靠近输入的一端冻结。

# %% en: A gradient from before
# This layer has received a gradient of 1 for each weight when it is frozen. Then the optimizer
# takes a step with a learning rate of 0.1. Do the weights move? And after ``zero_grad()``?

# %% zh 94b78c: 先前的梯度
# 下面这一层在冻结之前，每个权重已经收到梯度 1。随后优化器（optimizer）更新一步，学习率（learning rate）是 0.1。
# 权重会动吗？调用``zero_grad()``之后再更新一步呢？

# %% predict
layer = torch.nn.Linear(2, 1, bias=False)
optimizer = torch.optim.SGD(layer.parameters(), lr=0.1)
layer(torch.ones(1, 2)).sum().backward()
layer.requires_grad_(False)

w0 = layer.weight.clone()
optimizer.step()
w1 = layer.weight.clone()
print(w1 - w0)

optimizer.zero_grad()
optimizer.step()
print(layer.weight - w1)

# %% check
torch.testing.assert_close(w1 - w0, torch.tensor([[-0.1, -0.1]]))
assert torch.equal(layer.weight, w1)
assert layer.weight.grad is None and not w0.requires_grad
free, stuck = (torch.ones(1, requires_grad=True) for _ in range(2))
lbfgs = torch.optim.LBFGS([free, stuck], max_iter=3)


def closure():
    lbfgs.zero_grad()
    value = ((free * stuck) ** 2 + (free - 3) ** 2).sum()
    value.backward()
    return value


lbfgs.step(closure)
stuck.requires_grad_(False)
frozen_at = stuck.item()
lbfgs.zero_grad()
lbfgs.step(closure)
assert stuck.grad is None and abs(stuck.item() - frozen_at) > 1e-3
norm = torch.nn.BatchNorm1d(2).requires_grad_(False)
norm(torch.ones(8, 2))
torch.testing.assert_close(norm.running_mean, torch.full((2,), 0.1))
torch.testing.assert_close(norm.running_var, torch.full((2,), 0.9))
norm.eval()(torch.ones(8, 2))
torch.testing.assert_close(norm.running_mean, torch.full((2,), 0.1))

# %% en
# They fall by 0.1, frozen or not: SGD goes by ``grad``, not by the flag, and freezing erases no
# gradient. ``zero_grad()`` sets ``grad`` to ``None``, and SGD passes such a parameter over. So call
# it when you freeze. (LBFGS can move the parameter even then: it remembers earlier gradients.)
#
# What is no parameter can move in a frozen part, too. Batch norm in training mode updates its running
# mean and variance; ``trunk.eval()`` stops it.

# %% zh 6327f4
# 权重照样减少 0.1，冻结了也没用：SGD 看的是``grad``，不是标志，而冻结不会清除已有的梯度。
# ``zero_grad()``把``grad``设为``None``，SGD 遇到这样的模型参数就跳过。所以，冻结时要调用它。
# （LBFGS 记着以前的梯度，即使这样也可能改动这个模型参数。）
#
# 冻结的部分里，不是模型参数的量也可能会动：训练模式下，
# 批归一化（batch normalization）会更新滑动均值（running mean）和滑动方差。
# 用``trunk.eval()``就能让它停下。

# %% en: Remember
# - ``requires_grad_(False)`` keeps a parameter from receiving gradients; call ``zero_grad()`` as
#   well.
# - A frozen layer lets gradients through. ``no_grad`` and ``detach()`` cut the graph.
# - To save memory, freeze from the input on: if the input requires no gradient, recording begins at
#   the first layer that learns.

# %% zh bb9846: 要点
# - ``requires_grad_(False)``让模型参数不再收到梯度；同时要调用``zero_grad()``。
# - 梯度能穿过冻结的层；``no_grad``和``detach()``则切断计算图。
# - 想省内存，就从靠近输入的一端冻结：只要输入不需要梯度，到了第一个要学习的层，记录才会开始。

# %% en: Exercise: the input's gradient alone
# A linear layer with the weights 1, 2 and 3 (``copy_`` under ``no_grad`` writes them) is trained and
# must stay as it is. Find the gradient of its output with respect to the input, without filling the
# ``grad`` of a parameter.

# %% zh 2cdd4a: 练习：只要输入的梯度
# 一个线性层已经训练好，权重是 1、2、3（在``no_grad``里用``copy_``写入），不能再动。求它的输出关于输入的梯度，
# 但不要往模型参数的``grad``里写任何值。

# %% solution
layer = torch.nn.Linear(3, 1)
with torch.no_grad():
    layer.weight.copy_(torch.tensor([[1.0, 2.0, 3.0]]))
layer.requires_grad_(False)

inputs = torch.ones(1, 3, requires_grad=True)
layer(inputs).sum().backward()
print(inputs.grad)
assert inputs.grad.tolist() == [[1, 2, 3]]
assert all(p.grad is None for p in layer.parameters())

# %% en: Exercise: only the biases
# In a model of two linear layers with a ReLU between them, which replaces negative numbers by 0,
# freeze all weights and train the biases alone. Show after a step that no weight has moved and every
# bias of the last layer has.

# %% zh 8ae5bf: 练习：只训练偏置
# 模型由两个线性层和中间的 ReLU 组成，ReLU 把负数换成 0。冻结所有的权重，只训练偏置。
# 更新一步，然后验证：权重都没有动，最后一层的偏置全都动了。

# %% solution
model = torch.nn.Sequential(
    torch.nn.Linear(3, 4), torch.nn.ReLU(), torch.nn.Linear(4, 2)
)
for name, parameter in model.named_parameters():
    parameter.requires_grad_(name.endswith("bias"))
before = {name: p.clone() for name, p in model.named_parameters()}

optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
model(torch.ones(5, 3)).sum().backward()
optimizer.step()
for name, parameter in model.named_parameters():
    print(name, torch.equal(parameter, before[name]))
assert torch.equal(model[0].weight, before["0.weight"])
assert torch.equal(model[2].weight, before["2.weight"])
assert (model[2].bias != before["2.bias"]).all()

# %% en: Where next
# - :ref:`in-place-operations`: how an update changes weights without leaving a trace in the graph.
# - :ref:`gradients-add-up`: what ``zero_grad()`` is for in the first place.
# - `Setting the flag
#   <https://docs.pytorch.org/docs/stable/notes/autograd.html#setting-requires-grad>`__: the
#   reference on freezing.

# %% zh dacc1f: 接下来
# - :ref:`in-place-operations`：更新权重时，怎样在计算图里不留痕迹。
# - :ref:`gradients-add-up`：``zero_grad()``原本是做什么用的。
# - `标志的设置
#   <https://docs.pytorch.org/docs/stable/notes/autograd.html#setting-requires-grad>`__：
#   参考文档里关于冻结的说明。
