# %% about
# level: beginner
# minutes: 20
# tags: torch.nn.Module, torch.nn.Parameter, torch.optim.SGD, Tensor.backward, torch.no_grad

# %% en: One training step, opened up
# After this page you can say, for every line of a training step, which numbers it reads and which
# numbers it changes.
#
# A step has four lines: the forward pass computes a loss, ``backward`` fills in gradients, ``step``
# moves the weights, ``zero_grad`` clears up. We stop after each line and look.

# %% zh c42114: 拆开一步训练
# 读完这一页，你能说清一步训练里的每行代码读取哪些数、改动哪些数。
#
# 一步训练只有四行：前向传播算出损失，``backward``填入梯度，``step``更新权重，
# ``zero_grad``清掉梯度。每执行一行，我们就停下来看一看。

# %%
import copy

import matplotlib.pyplot as plt
import torch

plt.rc("figure", figsize=(5, 3.5), autolayout=True)
torch.set_default_device("cuda" if torch.cuda.is_available() else "cpu")

# %% en: One weight first
# Take the loss :math:`(w - 1)^2` at :math:`w = 4`. Its slope there is :math:`2(w - 1) = 6`.
# Gradient descent subtracts the slope times the learning rate, so with a rate of 0.1 the weight
# should land on :math:`4 - 0.1 \cdot 6 = 3.4`.
#
# Predict before you read on: what is ``w`` after ``backward``, and what is ``w.grad`` after
# ``step``?

# %% zh 915377: 先看一个权重
# 取损失:math:`(w - 1)^2`，它在:math:`w = 4`处的斜率是:math:`2(w - 1) = 6`。
# 梯度下降从权重里减去学习率与斜率的乘积；学习率取 0.1，新的权重就该是
# :math:`4 - 0.1 \cdot 6 = 3.4`。
#
# 先猜再往下看：``backward``之后``w``是多少？``step``之后``w.grad``又是多少？

# %%
w = torch.tensor(4.0, requires_grad=True)
optimizer = torch.optim.SGD([w], lr=0.1)

loss = (w - 1) ** 2
loss.backward()
print("backward", w.detach(), w.grad)
assert w == 4 and w.grad == 6

optimizer.step()
print("step", w.detach(), w.grad)
torch.testing.assert_close(w.detach(), torch.tensor(3.4))
assert w.grad == 6

# %% en
# ``backward`` only measures: the weight stays where it was. ``step`` only moves: the gradient stays
# as it was measured. A real model does the same thing to more numbers.

# %% zh 3fe7aa
# ``backward``只算梯度，权重不变；``step``只改权重，梯度仍是刚才算出的值。
# 换成真正的模型，无非是数多一些。

# %% en: A model with 101110 numbers to learn
# TinyModel takes 1000 numbers to 100 and then to 10. A linear layer multiplies by a weight matrix
# and adds a bias; between the two layers stands a ReLU, which turns negative numbers into zero. So
# we expect
# :math:`1000 \cdot 100 + 100 + 100 \cdot 10 + 10 = 101110` learnable numbers.

# %% zh a33ea0: 模型里有 101110 个数要学
# TinyModel 把 1000 个数变成 100 个，再变成 10 个。线性层先乘以权重矩阵，再加上偏置；
# 两层之间是 ReLU，把负数变成零。所以要学的数应该有
# :math:`1000 \cdot 100 + 100 + 100 \cdot 10 + 10 = 101110`个。


# %%
class TinyModel(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.layer1 = torch.nn.Linear(1000, 100)
        self.relu = torch.nn.ReLU()
        self.layer2 = torch.nn.Linear(100, 10)

    def forward(self, x):
        return self.layer2(self.relu(self.layer1(x)))


torch.manual_seed(0)
model = TinyModel()
for name, parameter in model.named_parameters():
    print(name, tuple(parameter.shape), parameter.requires_grad)

assert sum(p.numel() for p in model.parameters()) == 101110
assert all(p.requires_grad for p in model.parameters())

# %% en: Parameters require gradients by themselves
# Nobody wrote ``requires_grad=True``, yet every line above ends in ``True``. The layers keep their
# weights as
# `torch.nn.Parameter <https://docs.pytorch.org/docs/stable/generated/torch.nn.parameter.Parameter.html>`__,
# a tensor that requires a gradient by default, and a module puts each ``Parameter`` assigned to it
# on the list that ``parameters()`` returns. A plain tensor assigned to the module is not on that
# list, so an optimizer that is given the list cannot change it.

# %% zh 72cfc7: 不必声明，就需要梯度
# 代码里没有写``requires_grad=True``，上面打印的每一行却都以``True``结尾。各层的权重用的是
# `torch.nn.Parameter <https://docs.pytorch.org/docs/stable/generated/torch.nn.parameter.Parameter.html>`__，
# 这种张量默认就需要梯度；把``Parameter``赋给模块的属性，模块会把它登记为模型参数，
# ``parameters()``列出的就是登记过的这些。普通张量不会登记，优化器拿到的列表里没有它，也就改不到它。

# %%
module = torch.nn.Module()
module.scale = torch.nn.Parameter(torch.ones(3))
module.offset = torch.zeros(3)

print([name for name, _ in module.named_parameters()])
print(module.scale.requires_grad, module.offset.requires_grad)
assert [name for name, _ in module.named_parameters()] == ["scale"]
assert module.scale.requires_grad and not module.offset.requires_grad

# %% en: Before: weights and no gradients
# The batch holds 16 inputs, and the ideal output is random: something to aim at, nothing more. We
# keep a copy of the starting weights, which ``state_dict`` returns by name, to compare with. No
# gradient has been computed, and "not computed" is written ``None``, not zero.

# %% zh c8d077: 开始之前：有权重，没有梯度
# 这个批次有 16 个输入；理想输出是随机数，只是给模型一个目标。``state_dict``按名字列出权重，
# 先把初始权重复制一份，留着对照。这时还没算过任何梯度，“没算过”记作``None``，而不是零。

# %%
inputs = torch.randn(16, 1000)
ideal_output = torch.randn(16, 10)
start = copy.deepcopy(model.state_dict())

print("weight", model.layer2.weight.detach()[0, :4])
print("grad", model.layer2.weight.grad)
assert all(p.grad is None for p in model.parameters())

# %% en: Forward: one number to lower
# The loss is the squared distance between prediction and ideal output, summed over all 160
# entries. It must be a single number: "downhill" has no meaning for 160 numbers at once. The
# prediction requires a gradient because the weights do; the data does not.

# %% zh bd17a1: 前向传播：得到一个要降低的数
# 预测与理想输出逐元素相减再平方，对全部 160 个元素求和，就得到损失。损失必须是单个数：
# 面对 160 个数，就谈不上“下坡”了。权重需要梯度，所以预测也需要；数据则不需要。

# %%
prediction = model(inputs)
loss = (prediction - ideal_output).square().sum()

print(tuple(prediction.shape), tuple(loss.shape))
print(inputs.requires_grad, prediction.requires_grad, loss.requires_grad)
assert prediction.numel() == 160 and loss.shape == ()
assert not inputs.requires_grad and prediction.requires_grad and loss.requires_grad

# %% en: Backward: gradients arrive, weights stay
# Now the second line of the step. Every parameter should receive a gradient of its own shape, and
# no weight should change.

# %% zh 344fda: 反向传播：梯度到位，权重不动
# 现在执行第二行。每个模型参数都会得到与自己形状相同的梯度，权重则一个都不会变。

# %%
# sphinx_gallery_graph = "loss: steps"
loss.backward()

print("weight", model.layer2.weight.detach()[0, :4])
print("grad", model.layer2.weight.grad[0, :4])
assert all(p.grad.shape == p.shape for p in model.parameters())
assert all(torch.equal(p, start[name]) for name, p in model.named_parameters())

# %% en
# The graph on the page holds the first two lines of the step, forward and backward. Every parameter
# is a box with round corners, and the shape of its gradient equals its own. Step through it and
# watch the gradient start at the loss and reach ``layer1.weight`` last.

# %% zh 687a23
# 网页上的这张图画出了这一步的前两行：前向传播和反向传播。每个模型参数都是一个圆角框，
# 梯度的形状与它自己的形状相同。逐步走一遍，可以看到梯度从损失出发，最后才到达``layer1.weight``。

# %% en: The inputs get no gradient
# ``inputs.grad`` is still ``None``. The chain rule could go on from the first layer to the data,
# but the data does not require a gradient, so the graph has no edge there and that product is never
# computed. The list shows what the first layer leads back to: the bias (a leaf tensor, so
# ``AccumulateGrad``), nothing for the inputs, and the weight, transposed (``TBackward0``).
# :ref:`read-the-graph` explains such lists.

# %% zh f34063: 输入没有梯度
# ``inputs.grad``仍是``None``。链式法则本可以从第一层继续传到数据，但数据不需要梯度，
# 计算图里就没有这条边，这次乘法也省了。看看第一层往回连着什么：依次是偏置
# （叶子张量，所以是``AccumulateGrad``）、空（输入的位置）、转置后的权重（``TBackward0``）。
# 这种列表的读法见:ref:`read-the-graph`。

# %%
edges = model.layer1(inputs).grad_fn.next_functions
print([node and type(node).__name__ for node, _ in edges])
assert inputs.grad is None
assert edges[1][0] is None

# %% en: Step: weights move, gradients stay
# Plain `SGD <https://docs.pytorch.org/docs/stable/generated/torch.optim.SGD.html>`__ moves each
# weight against its gradient:
#
# .. math::
#
#    w \leftarrow w - \eta \, \frac{\partial L}{\partial w}
#
# Here :math:`L` is the loss and :math:`\eta` the learning rate, 0.001. Check it for all four
# parameters, and check that the gradients are left exactly as they were.

# %% zh b774b9: 更新：权重移动，梯度留下
# 最朴素的 `SGD <https://docs.pytorch.org/docs/stable/generated/torch.optim.SGD.html>`__
# 让每个权重逆着自己的梯度走：
#
# .. math::
#
#    w \leftarrow w - \eta \, \frac{\partial L}{\partial w}
#
# 这里:math:`L`是损失，:math:`\eta`是学习率，取 0.001。下面逐一核对全部四个模型参数，
# 再确认梯度没有任何变化。

# %%
optimizer = torch.optim.SGD(model.parameters(), lr=0.001)
gradients = {name: p.grad.clone() for name, p in model.named_parameters()}

optimizer.step()

print("weight", model.layer2.weight.detach()[0, :4])
print("grad", model.layer2.weight.grad[0, :4])
for name, p in model.named_parameters():
    torch.testing.assert_close(p.detach(), start[name] - 0.001 * gradients[name])
    assert torch.equal(p.grad, gradients[name])

# %% en: Did it help?
# The tensor ``loss`` still holds the old value: nothing recomputes it. Run the model again to see
# the new one. We only want the number, so ``torch.no_grad`` switches off recording the graph.

# %% zh 6ca623: 损失降了吗？
# 张量``loss``里还是旧值，不会自动重算。想知道新的损失，就要再运行一次模型；
# 我们只要这个数，所以用``torch.no_grad``关掉计算图的记录。

# %%
with torch.no_grad():
    new_loss = (model(inputs) - ideal_output).square().sum()

print(loss.item(), new_loss.item())
assert new_loss < loss

# %% en: How much should it help?
# Move one weight, with slope :math:`g_i`, by :math:`-\eta g_i`, and the loss changes by about
# :math:`-\eta g_i^2`. Add up over all weights: for a small step
#
# .. math::
#
#    L(w - \eta g) \approx L(w) - \eta \, \lVert g \rVert^2
#
# where :math:`g` is all the gradients as one long vector and :math:`\lVert g \rVert^2` the sum of
# their squares. So the promised decrease is :math:`\eta \, \lVert g \rVert^2`.
#
# The code prints the real decrease divided by the promised one, for the rates 0.01, 0.001, 0.0001
# and 0.00001. Which of them should come close to 1? To try many rates from one starting point, go
# back to the starting weights and use ``torch.func.functional_call``
# (`documentation <https://docs.pytorch.org/docs/stable/generated/torch.func.functional_call.html>`__),
# which runs the model with other weights and leaves its own alone.

# %% zh a45331: 应该降多少？
# 设损失关于某个权重的斜率是:math:`g_i`，让这个权重移动:math:`-\eta g_i`，
# 损失大约变化:math:`-\eta g_i^2`。
# 把所有权重的贡献加起来，步子小的时候就有
#
# .. math::
#
#    L(w - \eta g) \approx L(w) - \eta \, \lVert g \rVert^2
#
# 其中:math:`g`是全部梯度排成的长向量，:math:`\lVert g \rVert^2`是各分量的平方和。
# 所以预计的降幅是:math:`\eta \, \lVert g \rVert^2`。
#
# 下面的代码打印实际降幅与预计降幅之比，学习率依次为 0.01、0.001、0.0001 和 0.00001。
# 先猜一猜：哪几个比值接近 1？为了从同一个起点试多个学习率，
# 先回到初始权重，再用``torch.func.functional_call``
# （`文档 <https://docs.pytorch.org/docs/stable/generated/torch.func.functional_call.html>`__）
# 换一组权重来运行模型，模型自己的权重不受影响。


# %%
def decrease(lr):
    with torch.no_grad():
        moved = {name: start[name] - lr * gradients[name] for name in start}
        prediction = torch.func.functional_call(model, moved, (inputs,))
        return (loss - (prediction - ideal_output).square().sum()).item()


model.load_state_dict(start)
squared_norm = sum(g.square().sum() for g in gradients.values()).item()
ratios = [decrease(lr) / (lr * squared_norm) for lr in (1e-2, 1e-3, 1e-4, 1e-5)]
print([round(ratio, 3) for ratio in ratios])

assert ratios == sorted(ratios)
assert abs(ratios[-1] - 1) < 0.05

# %% en
# The smaller the step, the closer to 1. At 0.01 the ratio is negative: the loss went up, although
# the direction was right.
#
# The picture shows where the promise breaks. A loss that cannot be negative can fall by at most its
# own value (dotted line), yet the straight line goes on rising.

# %% zh c0a789
# 步子越小，比值越接近 1。学习率为 0.01 时，比值是负的：方向没错，损失却升高了。
#
# 从下图能看出这个预计在哪里失效。损失不会小于零，降幅最多等于损失本身（点线），直线却一路上升。

# %%
rates = [0.0002 * k for k in range(41)]
plt.plot(rates, [lr * squared_norm for lr in rates], "--", label=r"$\eta\,\|g\|^2$")
plt.plot(rates, [decrease(lr) for lr in rates], label=r"$L(w) - L(w - \eta g)$")
plt.axhline(loss.item(), color="gray", linestyle=":", label="$L(w)$")
plt.axhline(0, color="gray", linewidth=0.8)
plt.ylim(-0.8 * loss.item(), 1.3 * loss.item())
plt.xlabel(r"$\eta$")
plt.ylabel(r"$\Delta L$")
plt.legend(loc="lower left")
plt.show()

assert 0.008 * squared_norm > loss.item()
assert max(decrease(lr) for lr in rates) < loss.item()

# %% en alt
# Decrease of the loss in one step against the learning rate. The predicted straight line and the
# real curve leave the origin together; the line soon crosses the dotted limit, while the curve
# bends over, reaches a maximum below the limit and falls again, in the end below zero.

# %% zh alt c30076
# 走一步之后损失的降幅随学习率的变化。预计的直线与实际的曲线都从原点出发，起初重合；
# 直线很快越过点线标出的上限，曲线则逐渐弯下来，在上限之下到达最高点，然后回落，最后降到零以下。

# %% en: The same step by hand
# ``optimizer.step()`` is a subtraction that you can write yourself. Try it on a twin of the model
# with the same starting weights. The obvious attempt, subtracting in place, fails: autograd would
# record this subtraction too, and a recorded operation must not overwrite a leaf tensor that
# requires a gradient.

# %% zh b455a7: 手写这一步
# ``optimizer.step()``做的就是减法，你自己也能写。另建一个初始权重相同的模型来试。
# 最直接的写法是原地相减，但 autograd 会报错：这次减法也要记录下来，
# 而只要还在记录，就不能原地改写需要梯度的叶子张量。

# %%
twin = TinyModel()
twin.load_state_dict(start)
(twin(inputs) - ideal_output).square().sum().backward()

try:
    twin.layer1.weight -= 0.001 * twin.layer1.weight.grad
except RuntimeError as error:
    print(error)
else:
    raise AssertionError

# %% en
# The update is not part of the function we differentiate, so switch recording off around it.
# ``model`` is back at the starting weights and still holds their gradients: step it too, and the
# two models agree. More about this switch in :ref:`gradients-off-and-on`, and about the error in
# :ref:`in-place-operations`.

# %% zh 536c2a
# 更新不属于我们要求导的函数，所以更新时要关掉记录。``model``已经回到初始权重，
# 那里的梯度也还在；让优化器也走一步，两个模型的结果就一致了。
# 这个开关详见:ref:`gradients-off-and-on`，上面的错误详见:ref:`in-place-operations`。

# %%
with torch.no_grad():
    for p in twin.parameters():
        p -= 0.001 * p.grad

optimizer.step()
for by_hand, by_optimizer in zip(twin.parameters(), model.parameters(), strict=True):
    torch.testing.assert_close(by_hand, by_optimizer)
assert all(p.requires_grad for p in twin.parameters())

# %% en: What the optimizer knows
# The optimizer was handed a list of parameters and nothing else. It has never seen the model, the
# data or the loss; whatever stands in ``.grad`` is what it follows. Put the gradients 10 and -10
# there yourself: with rate 0.1, where do two weights of 5 go?

# %% zh eb993c: 优化器知道什么
# 优化器拿到的只有一份模型参数的列表。它不知道模型，不知道数据，也不知道损失；
# ``.grad``里是什么，它就按什么更新。假如你亲手填入梯度 10 和 -10，学习率取 0.1，
# 两个值为 5 的权重会变成多少？

# %%
known = optimizer.param_groups[0]["params"]
assert all(a is b for a, b in zip(known, model.parameters(), strict=True))

w = torch.tensor([5.0, 5.0], requires_grad=True)
w.grad = torch.tensor([10.0, -10.0])
torch.optim.SGD([w], lr=0.1).step()
print(w.detach())
torch.testing.assert_close(w.detach(), torch.tensor([4.0, 6.0]))

# %% en
# A parameter that is not on the list, in turn, never moves, even though ``backward`` computes its
# gradient. Train only ``layer2`` and see: does each parameter have a gradient, and has it moved?

# %% zh 68b80c
# 反过来，不在列表里的模型参数永远不会变，哪怕``backward``照样算出了它的梯度。
# 只训练``layer2``试试：各个模型参数有没有梯度，有没有变化？

# %%
model.load_state_dict(start)
model.zero_grad()
last_layer_only = torch.optim.SGD(model.layer2.parameters(), lr=0.001)

(model(inputs) - ideal_output).square().sum().backward()
last_layer_only.step()
for name, p in model.named_parameters():
    print(name, p.grad is not None, not torch.equal(p, start[name]))

assert all(p.grad is not None for p in model.parameters())
assert torch.equal(model.layer1.weight, start["layer1.weight"])
assert not torch.equal(model.layer2.weight, start["layer2.weight"])

# %% en: Again and again
# A training loop repeats the step, and now its last line is needed: gradients left from one step
# would be added to the next ones, so ``zero_grad`` removes them before the next ``backward``; see
# :ref:`gradients-add-up`. We print every fourth loss.

# %% zh f2332e: 重复起来，就是训练循环
# 训练循环就是重复这一步，这时最后那行就少不了了：上一步留下的梯度会加到下一步的梯度里，
# 所以要在下一次``backward``之前用``zero_grad``清掉，详见:ref:`gradients-add-up`。
# 下面每四步打印一次损失。

# %%
model.load_state_dict(start)
optimizer = torch.optim.SGD(model.parameters(), lr=0.001)
losses = []
for _ in range(20):
    optimizer.zero_grad()
    loss = (model(inputs) - ideal_output).square().sum()
    loss.backward()
    optimizer.step()
    losses.append(loss.item())

print([round(value, 2) for value in losses[::4]])
assert losses == sorted(losses, reverse=True)

# %% en: Too small, good, too large
# The learning rate decides how far each step follows the slope measured where it starts. Run the
# same loop from the same start with 0.00001, 0.001 and, for 4 steps only, 0.01. From the ratios
# above you can already tell which one crawls and which one blows up.

# %% zh d75bd3: 太小、合适、太大
# 学习率决定每一步照着出发处的斜率走多远。从同一个起点出发，
# 分别用 0.00001、0.001 和 0.01（只走 4 步）运行同样的循环。
# 看过前面的比值，你已经能说出哪个下降极慢、哪个会发散。


# %%
def train(lr, steps=20):
    model.load_state_dict(start)
    optimizer = torch.optim.SGD(model.parameters(), lr=lr)
    losses = []
    for _ in range(steps):
        optimizer.zero_grad()
        loss = (model(inputs) - ideal_output).square().sum()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


too_small, good, too_large = train(0.00001), train(0.001), train(0.01, steps=4)
plt.semilogy(too_small, "o-", label=r"$\eta = 10^{-5}$")
plt.semilogy(good, "s-", label=r"$\eta = 10^{-3}$")
plt.semilogy(too_large, "^-", label=r"$\eta = 10^{-2}$")
plt.xlabel("$k$")
plt.ylabel("$L_k$")
plt.xticks(range(0, 20, 4))
plt.legend()
plt.show()

assert too_small[-1] > 0.8 * too_small[0]
assert good[-1] < 0.05 * good[0]
assert too_large[1] > too_large[0]

# %% en alt
# Loss on a logarithmic scale against the step. The smallest rate gives an almost level line, the
# middle one falls steadily by orders of magnitude, the largest one shoots up at once.

# %% zh alt c68711
# 损失（对数坐标）随步数的变化。学习率最小时，曲线几乎水平；居中时，损失稳步下降好几个数量级；
# 最大时，损失一开始就急剧上升。

# %% en: Rows of exact zeros
# Look into a gradient and you may find rows in which every number is exactly zero. A ReLU passes
# nothing back where its input is negative. If a hidden unit (one of the 100 numbers between the
# layers) is negative before the ReLU for every sample of the batch, its row of
# ``layer1.weight.grad`` is zero, and so is its column of ``layer2.weight.grad``, because it sent
# nothing forward either.
#
# Make it happen: push the first 5 biases far down. Of the first 8 units, which still fire (are
# positive for some sample), and which of their 8 rows are not all zero?

# %% zh b67052: 整行为零的梯度
# 仔细看梯度，有时会发现某些行的每个数都恰好是零。ReLU 在输入为负的地方，往回传的梯度是零。
# 如果对批次里的每个样本，某个隐藏单元（两层之间那 100 个数之一）在 ReLU 之前都是负的，
# 那么``layer1.weight.grad``里它那一行全是零；
# 它往前传的也是零，所以``layer2.weight.grad``里它那一列同样是零。
#
# 下面特意造出这种情形：把前 5 个偏置设成绝对值很大的负数。前 8 个单元里，
# 哪些还会激活（至少对一个样本为正）？与它们对应的 8 行梯度里，哪些不全为零？

# %%
model.load_state_dict(start)
with torch.no_grad():
    model.layer1.bias[:5] = -100.0

model.zero_grad()
(model(inputs) - ideal_output).square().sum().backward()

fires = (model.layer1(inputs) > 0).any(dim=0)
rows = model.layer1.weight.grad.any(dim=1)
columns = model.layer2.weight.grad.any(dim=0)
print(fires[:8].tolist())
print(rows[:8].tolist())
assert not fires[:5].any() and fires[5:].any()
assert torch.equal(rows, fires) and torch.equal(columns, fires)

# %% en
# Such a unit is called dead. With a gradient of zero, plain SGD cannot move it, so on this data it
# stays dead however long you train. After ten steps we print which rows of weights are unchanged.

# %% zh 79e23a
# 这样的单元叫死亡单元。梯度为零，最朴素的 SGD 就改不动它；在这批数据上，训练再久也不会恢复。
# 下面训练十步，再打印哪些行的权重没有变。

# %%
optimizer = torch.optim.SGD(model.parameters(), lr=0.001)
for _ in range(10):
    optimizer.zero_grad()
    (model(inputs) - ideal_output).square().sum().backward()
    optimizer.step()

unchanged = (model.layer1.weight == start["layer1.weight"]).all(dim=1)
print(unchanged[:8].tolist())
assert unchanged[:5].all() and not unchanged[5:].all()
assert (model.layer1.bias[:5] == -100).all()

# %% en: Which gradient vanishes at the optimum
# Training looks for **parameters** where the gradient of the loss with respect to the parameters is
# zero. The gradient with respect to anything else need not be zero there. Fit
# :math:`w x` to two points with :math:`x = (1, 2)` and targets :math:`(3, 1)`: the best weight is
# :math:`w = 1`, with errors (prediction minus target) :math:`(-2, 1)`. Ask for the input's gradient
# too, and compare.

# %% zh c126fa: 在最优点处，哪个梯度为零
# 训练要找的**模型参数**满足这样的条件：损失关于它们的梯度为零。至于损失关于其他量的梯度，
# 在那里不必为零。用:math:`w x`拟合两个点，:math:`x = (1, 2)`，目标是:math:`(3, 1)`：
# 最佳权重是:math:`w = 1`，误差（预测减目标）是:math:`(-2, 1)`。这次让输入也需要梯度，对比一下。

# %%
x = torch.tensor([1.0, 2.0], requires_grad=True)
target = torch.tensor([3.0, 1.0])
w = torch.tensor(1.0, requires_grad=True)

(w * x - target).square().sum().backward()
print("w.grad", w.grad)
print("x.grad", x.grad)
assert w.grad == 0
assert torch.equal(x.grad, torch.tensor([-4.0, 2.0]))

# %% en: Zero gradient is not enough
# The condition is necessary, not sufficient. The loss :math:`w(2 - w)` has its **maximum** at
# :math:`w = 1`; the gradient there is zero, and SGD stays on top of the hill. A dead unit is
# another case of zero gradient without an optimum.

# %% zh 51cd93: 梯度为零还不够
# 这个条件必要，但不充分。损失:math:`w(2 - w)`在:math:`w = 1`处取**最大值**，那里梯度为零，
# SGD 就停在最高点不动。死亡单元也是一例：梯度为零，却谈不上最优。

# %%
w = torch.tensor(1.0, requires_grad=True)
(w * (2 - w)).backward()
torch.optim.SGD([w], lr=0.1).step()

print(w.grad, w.detach())
assert w.grad == 0 and w == 1
assert 1.1 * (2 - 1.1) < 1 and 0.9 * (2 - 0.9) < 1

# %% en: Remember
# - ``backward`` writes gradients and leaves weights alone; ``step`` moves weights and leaves
#   gradients alone.
# - Parameters require gradients by themselves; data does not, so its gradient is not computed.
# - The optimizer knows a list of parameters and their ``.grad``, nothing else.
# - For a small step the loss falls by about :math:`\eta \lVert g \rVert^2`; a large one can
#   raise it.

# %% zh e1c4de: 记住
# - ``backward``写入梯度，不碰权重；``step``更新权重，不碰梯度。
# - 模型参数默认需要梯度；数据默认不需要，所以不算它的梯度。
# - 优化器只知道列表里的模型参数和它们的``.grad``，别的一概不知。
# - 步子小时，损失大约下降:math:`\eta \lVert g \rVert^2`；步子大了，损失反而可能升高。

# %% en: Exercise: the last bias by hand
# The bias of ``layer2`` is added to every prediction of the batch. Derive the gradient of the
# summed squared distance with respect to it. Then go back to the weights in ``start``, compute it
# from the prediction without ``backward``, and compare with autograd's.

# %% zh 5b6832: 练习：手算最后一个偏置的梯度
# ``layer2``的偏置会加到批次里的每个预测上。损失仍是平方差之和，推导损失关于这个偏置的梯度。
# 然后回到``start``里的权重，不用``backward``，由预测直接算出它，再与 autograd 的结果比较。

# %% solution
model.load_state_dict(start)
model.zero_grad()
prediction = model(inputs)
(prediction - ideal_output).square().sum().backward()

by_hand = (2 * (prediction.detach() - ideal_output)).sum(dim=0)
torch.testing.assert_close(model.layer2.bias.grad, by_hand)

# %% en: Exercise: momentum by hand
# With ``momentum=0.9``, SGD keeps a velocity: with the gradient :math:`g` it sets
# :math:`v \leftarrow 0.9 v + g`, then :math:`w \leftarrow w - \eta v`, starting from
# :math:`v = 0`. For the loss :math:`w^2`, from :math:`w = 4` with :math:`\eta = 0.1`, take three
# steps, writing the update yourself in ``torch.no_grad()``. Take the same steps with
# ``torch.optim.SGD`` and compare the last :math:`w`.

# %% zh 59c3e9: 练习：手写动量
# 设置``momentum=0.9``后，SGD 会维护一个速度：设梯度为:math:`g`，
# 先:math:`v \leftarrow 0.9 v + g`，再:math:`w \leftarrow w - \eta v`，初值:math:`v = 0`。
# 损失取:math:`w^2`，从:math:`w = 4`出发，:math:`\eta = 0.1`。
# 在``torch.no_grad()``里手写更新，走三步；再用``torch.optim.SGD``走同样的三步，
# 比较最后的:math:`w`。

# %% solution
w = torch.tensor(4.0, requires_grad=True)
optimizer = torch.optim.SGD([w], lr=0.1, momentum=0.9)
for _ in range(3):
    optimizer.zero_grad()
    (w**2).backward()
    optimizer.step()

u, v = torch.tensor(4.0, requires_grad=True), torch.tensor(0.0)
for _ in range(3):
    u.grad = None
    (u**2).backward()
    with torch.no_grad():
        v = 0.9 * v + u.grad
        u -= 0.1 * v

print(w.item(), u.item())
torch.testing.assert_close(u, w)

# %% en: Exercise: move the input instead
# Keep the weights at ``start``. Take one step with rate 0.001 that changes only a copy of
# ``inputs``, and check that the loss falls. Which argument of ``SGD`` decides what is trained?

# %% zh 460e48: 练习：改动输入
# 权重保持在``start``不变。以学习率 0.001 走一步，只改动``inputs``的一份副本，确认损失下降。
# 训练什么，由``SGD``的哪个参数决定？

# %% solution
model.load_state_dict(start)
image = inputs.clone().requires_grad_()
optimizer = torch.optim.SGD([image], lr=0.001)

before = (model(image) - ideal_output).square().sum()
before.backward()
optimizer.step()
after = (model(image) - ideal_output).square().sum()

print(before.item(), after.item())
assert after < before
assert all(torch.equal(p, start[name]) for name, p in model.named_parameters())

# %% en: Where next
# - :ref:`gradients-add-up`: why ``zero_grad`` is there at all.
# - :ref:`gradients-off-and-on`: what ``torch.no_grad`` switches off.
# - :ref:`why-gradients`: where the numbers in ``.grad`` come from.

# %% zh a3feee: 接下来
# - :ref:`gradients-add-up`：为什么需要``zero_grad``。
# - :ref:`gradients-off-and-on`：``torch.no_grad``关掉的是什么。
# - :ref:`why-gradients`：``.grad``里的数从何而来。
