# %% about
# level: beginner
# minutes: 20
# tags: Tensor.backward, Tensor.grad, Optimizer.zero_grad, torch.autograd.grad

# %% en: Gradients add up
# After this page you can predict what is in ``.grad`` after any number of backward passes, use the
# sum when you want it and clear it when you do not.
#
# Guess first. At :math:`x = 2` the slope of :math:`x^3` is :math:`3x^2 = 12`. We compute it twice.
# What does ``x.grad`` hold each time?

# %% zh 97babc: 梯度会累加
# 读完这一页，你能预测任意多次反向传播之后``.grad``里是什么，需要累加时会用，不需要时会清零。
#
# 先猜一猜：在:math:`x = 2`处，:math:`x^3`的斜率是:math:`3x^2 = 12`。
# 我们连算两遍，每一遍之后``x.grad``各是多少？

# %%
import math

import matplotlib.pyplot as plt
import torch

plt.rc("figure", figsize=(5, 3.5), autolayout=True)
torch.set_default_device("cuda" if torch.cuda.is_available() else "cpu")

x = torch.tensor(2.0, requires_grad=True)
(x**3).backward()
print(x.grad)
assert x.grad == 12

(x**3).backward()
print(x.grad)
assert x.grad == 24

# %% en
# The second call found 12 and added 12.
# `The documentation <https://docs.pytorch.org/docs/stable/generated/torch.Tensor.backward.html>`__
# says that ``backward`` accumulates gradients in the leaf tensors. The graph even has a node for
# it: going back from the power, the next node is ``AccumulateGrad``, whose only work is this
# addition.

# %% zh 569422
# 第二次调用在已有的 12 上又加了 12。
# `文档 <https://docs.pytorch.org/docs/stable/generated/torch.Tensor.backward.html>`__
# 写得明白：``backward``把梯度累积到叶子张量里。计算图里有一个节点专做这件事：
# 从乘方往回走，下一个节点就是``AccumulateGrad``，它只负责这次加法。

# %%
node, _ = (x**3).grad_fn.next_functions[0]
print(type(node).__name__)
assert node.variable is x

# %% en: The sum is made in place
# The addition writes into the tensor that is already there. So a name you gave to the old gradient
# is a name for the new one too. To keep a gradient, ``clone`` it. What do ``alias`` and ``kept``
# hold in the end?

# %% zh 2f9200: 累加是原地操作
# 加法的结果直接写进已有的张量。所以，先前指向旧梯度的变量，现在读到的也是新梯度。
# 想留住某一次的梯度，就要``clone``。最后``alias``和``kept``里各是多少？

# %%
x.grad = None
(x**3).backward()
alias, kept = x.grad, x.grad.clone()

(x**3).backward()
print(alias, kept)
assert alias is x.grad
assert alias == 24 and kept == 12

# %% en
# Once ``.grad`` is ``None`` there is nothing to add to. The next backward pass puts a new tensor
# there, and ``alias`` is left behind with the old values.

# %% zh 262061
# ``.grad``变成``None``之后，就没有张量可以往上加了。下一次反向传播会放入新的张量，
# ``alias``则仍是旧值，与新张量无关。

# %%
x.grad = None
(x**3).backward()
print(x.grad, alias)
assert alias is not x.grad
assert x.grad == 12 and alias == 24

# %% en: Five backward passes
# Take the TinyModel of :ref:`one-training-step`, written here as a ``Sequential``. We make one
# backward pass, then four more, and no step in between. The weights do not change, so all five
# gradients are the same, and ``.grad`` must be 5 times the first. We print the ratio for four
# numbers of the last bias.

# %% zh 71598d: 五次反向传播
# 现在换成:ref:`one-training-step`里的 TinyModel，这里写成``Sequential``。
# 先做一次反向传播，再做四次，中间不更新。权重没变，五次的梯度都相同，
# 所以``.grad``应该是第一次的 5 倍。下面打印最后一个偏置里前四个数的比值。


# %%
def tiny_model():
    return torch.nn.Sequential(
        torch.nn.Linear(1000, 100), torch.nn.ReLU(), torch.nn.Linear(100, 10)
    )


def loss_of(model):
    return (model(inputs) - ideal_output).square().sum()


torch.manual_seed(0)
inputs, ideal_output = torch.randn(16, 1000), torch.randn(16, 10)
model = tiny_model()

loss_of(model).backward()
one = [p.grad.clone() for p in model.parameters()]
for _ in range(4):
    loss_of(model).backward()

print(model[2].bias.grad[:4] / one[3][:4])
for p, gradient in zip(model.parameters(), one, strict=True):
    torch.testing.assert_close(p.grad, 5 * gradient)

# %% en: When the weights move in between
# Take a step between the passes and the terms are no longer equal. With :math:`w^2` at
# :math:`w = 4` the gradient is 8; a step with rate 0.125 leads to :math:`w = 3`, where the gradient
# is 6. The sum is 14: not 2 times either gradient, but the old one plus the new one.

# %% zh a491c8: 如果中间权重变了
# 如果两次反向传播之间更新一步，相加的各项就不再相等。:math:`w^2`在:math:`w = 4`处的梯度是 8；
# 以学习率 0.125 走一步，到了:math:`w = 3`，那里的梯度是 6。和是 14：
# 它不是哪个梯度的 2 倍，而是旧梯度加上新梯度。

# %%
w = torch.tensor(4.0, requires_grad=True)
optimizer = torch.optim.SGD([w], lr=0.125)

(w**2).backward()
optimizer.step()
print(w.detach(), w.grad)
assert w == 3 and w.grad == 8

(w**2).backward()
print(w.detach(), w.grad)
assert w.grad == 8 + 6

# %% en
# The same with TinyModel: one pass, one step, then five passes at the new weights. Predict the sum
# in terms of the old gradient and the new one.

# %% zh 9206c8
# TinyModel 也一样：先做一次反向传播，更新一步，再在新的权重上做五次。
# 猜一猜：用旧梯度和新梯度来表示，和是多少？

# %%
optimizer = torch.optim.SGD(model.parameters(), lr=0.001)
optimizer.zero_grad()
loss_of(model).backward()
old = model[2].bias.grad.clone()
optimizer.step()
for _ in range(5):
    loss_of(model).backward()
total = model[2].bias.grad.clone()

optimizer.zero_grad()
loss_of(model).backward()
new = model[2].bias.grad
print("total", total[:4])
print("old + 5 new", (old + 5 * new)[:4])
torch.testing.assert_close(total, old + 5 * new)
assert not torch.allclose(total, 6 * old)

# %% en: Why adding is right
# When a tensor is used several times, the chain rule sums over the uses. Write :math:`x^3` as
# :math:`a \cdot b \cdot c` with three separate tensors that all hold 2. Each has the gradient
# :math:`2 \cdot 2 = 4`. Put one tensor in all three places again, and its gradient is
# :math:`4 + 4 + 4 = 12`.

# %% zh cc5e97: 为什么应该相加
# 一个张量用了几次，链式法则就要把这几次的贡献加起来。把:math:`x^3`写成:math:`a \cdot b \cdot c`，
# 三个张量彼此独立，值都是 2，各自的梯度是:math:`2 \cdot 2 = 4`。
# 再换回同一个张量，梯度就是:math:`4 + 4 + 4 = 12`。

# %%
a, b, c = (torch.tensor(2.0, requires_grad=True) for _ in range(3))
(a * b * c).backward()
print(a.grad, b.grad, c.grad)

x = torch.tensor(2.0, requires_grad=True)
(x * x * x).backward()
print(x.grad)
assert x.grad == a.grad + b.grad + c.grad == 12

# %% en
# It also makes no difference whether the uses are in one loss or in several: the gradient of a
# sum is the sum of the gradients. That is why ``backward`` may add without knowing who called
# before.

# %% zh 80c17d
# 这几次使用集中在一个损失里，还是分散在几个损失里，结果也没有区别：和的梯度等于梯度的和。
# 正因如此，``backward``不必知道之前有过哪些调用，直接累加就行。

# %%
x.grad = None
(x**3 + 5 * x).backward()
together = x.grad.clone()

x.grad = None
(x**3).backward()
(5 * x).backward()
print(together, x.grad)
assert together == x.grad == 17

# %% en: Shared weights
# Many models rely on this. A language model may use one matrix both to read words (``Embedding``
# takes one row of it for each word) and to predict them (``Linear``), which is called
# `weight tying <https://arxiv.org/abs/1608.05859>`__. The module lists that matrix once, and its
# gradient is the sum of what two separate matrices would have received. Compare the row of word 2.

# %% zh e78d97: 共享权重
# 许多模型都用到这一点。语言模型读入词（``Embedding``为每个词取出矩阵的一行）和预测词
# （``Linear``）可以共用一个矩阵，这叫`权重绑定 <https://arxiv.org/abs/1608.05859>`__。
# 这个矩阵在模块里只登记一次；若换成两个独立的矩阵，两者的梯度之和就等于共用矩阵的梯度。
# 不妨比较 2 号词那一行。

# %%
tied = torch.nn.Sequential(torch.nn.Embedding(5, 3), torch.nn.Linear(3, 5, bias=False))
tied[1].weight = tied[0].weight
untied = torch.nn.Sequential(torch.nn.Embedding(5, 3), torch.nn.Linear(3, 5, bias=False))
with torch.no_grad():
    for p in untied.parameters():
        p.copy_(tied[0].weight)

words = torch.tensor([0, 2, 2])
for network in (tied, untied):
    network(words).square().sum().backward()

separate = untied[0].weight.grad + untied[1].weight.grad
print([name for name, _ in tied.named_parameters()])
print(tied[0].weight.grad[2])
print(separate[2])
assert len(list(tied.parameters())) == 1
torch.testing.assert_close(tied[0].weight.grad, separate)

# %% en: Useful: a batch in pieces
# A batch too large for memory can go through in pieces: call ``backward`` on each, step once. Each
# call frees the graph of its piece before the next one is built (see
# :ref:`graphs-are-built-by-running`).
#
# With a loss that **sums** over samples there is nothing else to do. Take 8 samples with target
# :math:`2x` and the model :math:`w x` at :math:`w = 1`: the gradient is
# :math:`-2 \sum x^2 = -408`, whole or in 4 pieces.

# %% zh d9c9ea: 累加的用处：把批次拆成小块
# 批次太大，内存放不下，可以拆成小块：每块各调用一次``backward``，最后只更新一次。
# 每次调用之后，这一块的计算图随即释放，然后才构建下一块的
# （见:ref:`graphs-are-built-by-running`）。
#
# 如果损失是对样本**求和**，别的什么都不用做。取 8 个样本，目标是:math:`2x`，模型是:math:`w x`，
# 此刻:math:`w = 1`：无论整批计算还是分 4 块计算，梯度都是:math:`-2 \sum x^2 = -408`。

# %%
x = torch.arange(1.0, 9.0)
target = 2 * x
w = torch.tensor(1.0, requires_grad=True)

(w * x - target).square().sum().backward()
print(w.grad)
assert w.grad == -408

w.grad = None
for x_piece, target_piece in zip(x.chunk(4), target.chunk(4), strict=True):
    (w * x_piece - target_piece).square().sum().backward()
print(w.grad)
assert w.grad == -408

# %% en
# Most losses **average** instead. Then the whole batch gives :math:`-408 / 8 = -51`, but each piece
# divides by its own 2 samples, not by 8, and the sum comes out 4 times too large. Divide each
# piece's loss by the number of pieces.

# %% zh f451ce
# 不过，大多数损失取的是**平均**。这时整批的梯度是:math:`-408 / 8 = -51`，
# 而每一块只除以自己的样本数 2，不是 8，加起来就成了应有值的 4 倍。
# 解决办法是把每一块的损失除以块数。

# %%
for divisor in (1, 4):
    w.grad = None
    for x_piece, target_piece in zip(x.chunk(4), target.chunk(4), strict=True):
        loss = (w * x_piece - target_piece).square().mean()
        (loss / divisor).backward()
    print(divisor, w.grad)
    assert w.grad == -204 / divisor

# %% en
# Dividing by the number of pieces is right only if the pieces are equal. Split into 3, 3 and 2
# samples, and the two samples of the last piece count for too much. Weight each piece by its share
# of the batch.

# %% zh 54fcd0
# 只有各块一样大时，才能除以块数。若按 3、3、2 个样本来拆，最后一块的两个样本所占比重就偏大。
# 正确的做法是按每块占整批的比例加权。

# %%
for weighting in ("1 / 3", "n / 8"):
    w.grad = None
    for x_piece, target_piece in zip(x.split(3), target.split(3), strict=True):
        share = len(x_piece) / len(x) if weighting == "n / 8" else 1 / 3
        loss = (w * x_piece - target_piece).square().mean()
        (share * loss).backward()
    print(weighting, w.grad)

torch.testing.assert_close(w.grad, torch.tensor(-51.0))

# %% en
# One thing no weighting can repair: a layer that mixes the samples of a batch. Batch normalization
# in training mode subtracts the mean of the batch and divides by its standard deviation, so it
# computes something else when it sees fewer samples.

# %% zh 570536
# 有一种情况，怎样加权都无法弥补：有的层会混合批次里的样本。例如训练模式下的批归一化，
# 要减去批次的均值，再除以批次的标准差；样本一少，算出的结果就变了。

# %%
norm = torch.nn.BatchNorm1d(1, affine=False)
whole = norm(x[:, None])
pieces = torch.cat([norm(piece) for piece in x[:, None].chunk(4)])

print(whole[:3, 0])
print(pieces[:3, 0])
assert not torch.allclose(whole, pieces)

# %% en: Harmful: the loop that never clears
# Forget to clear the gradients in a training loop, and every step follows the sum of all gradients
# so far. Take :math:`L = w^2 / 2` from :math:`w = 1` with rate 0.1. With clearing, each step
# multiplies :math:`w` by 0.9. Without it, what do you expect: slower, faster, or something else?

# %% zh 5139b6: 累加的害处：从不清零的循环
# 训练循环里忘了清零，每一步用的就是迄今所有梯度之和。取:math:`L = w^2 / 2`，从:math:`w = 1`出发，
# 学习率取 0.1。清零时，每一步都把:math:`w`乘以 0.9。不清零呢？你猜会更慢、更快，还是别的样子？


# %%
def descend(clear, momentum=0.0, steps=60):
    w = torch.tensor(1.0, requires_grad=True)
    optimizer = torch.optim.SGD([w], lr=0.1, momentum=momentum)
    path = [w.item()]
    for _ in range(steps):
        if clear:
            optimizer.zero_grad()
        (w**2 / 2).backward()
        optimizer.step()
        path.append(w.item())
    return path


cleared, uncleared = descend(clear=True), descend(clear=False)
plt.plot(cleared, label="zero_grad()")
plt.plot(uncleared, label="no zero_grad()")
plt.axhline(0, color="gray", linewidth=0.8)
plt.ylim(-1.2, 1.7)
plt.xlabel("$k$")
plt.ylabel("$w_k$")
plt.legend(loc="upper right")
plt.show()

# %% en alt
# The weight against the step, 60 steps. With ``zero_grad`` it decays smoothly to zero. Without it,
# the weight swings between about 1 and -1 in a regular wave that does not fade, three full periods.

# %% zh alt 30511c
# 权重随步数的变化，共 60 步。调用``zero_grad``时，权重平稳地衰减到零。
# 不调用时，权重大约在 1 与 -1 之间来回摆动，波形规则，振幅不减，共三个完整周期。

# %% en
# It swings for ever. The sum of past gradients is a velocity that nothing slows down: the weight
# runs through the minimum at full speed, and only gradients from the other side bring it back.
# The ``momentum`` of SGD is the share of this sum that each step keeps. Usually it is 0.9, and old
# gradients fade; never clearing is exactly ``momentum=1.0``.
#
# For this loss the period is :math:`2\pi / \arccos(1 - \eta/2)`, about 19.8 steps. We print it and
# the steps in which the weight changes sign: about half a period apart.

# %% zh d6c1a5
# 权重会一直摆动下去。历史梯度之和相当于不受阻力的速度：权重全速越过最低点，
# 要靠另一侧的梯度才能拉回来。SGD 的``momentum``是每一步保留这个和的比例：
# 通常取 0.9，旧梯度会逐渐衰减；从不清零，则恰好相当于``momentum=1.0``。
#
# 对这个损失，周期是:math:`2\pi / \arccos(1 - \eta/2)`，约 19.8 步。
# 下面打印周期和权重变号的各步，相邻两次大约相隔半个周期。

# %%
heavy = descend(clear=True, momentum=1.0)
torch.testing.assert_close(torch.tensor(uncleared), torch.tensor(heavy))

period = 2 * math.pi / math.acos(1 - 0.1 / 2)
crossings = [k for k in range(60) if uncleared[k] * uncleared[k + 1] < 0]
print(round(period, 1), crossings)
assert round(period, 1) == 19.8
assert abs((crossings[-1] - crossings[0]) / (len(crossings) - 1) - period / 2) < 0.5
assert max(uncleared[-20:]) > 0.95 and min(uncleared[-20:]) < -0.95
torch.testing.assert_close(torch.tensor(cleared[-1]), torch.tensor(0.9**60))

# %% en
# In TinyModel many directions swing at once, each at its own speed, so the loss goes up and down
# without a clear pattern. Nothing in the curve says that a line is missing, which is why the bug is
# hard to see in a real project.

# %% zh ec243a
# 在 TinyModel 里，许多方向同时摆动，快慢各不相同，损失忽高忽低，看不出规律。
# 单看曲线，看不出少写了一行，所以在真实项目里，这个 bug 很难发现。


# %%
def train(clear, steps=60):
    torch.manual_seed(0)
    model = tiny_model()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.001)
    losses = []
    for _ in range(steps):
        if clear:
            optimizer.zero_grad()
        loss = loss_of(model)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


cleared, uncleared = train(clear=True), train(clear=False)
plt.semilogy(cleared, label="zero_grad()")
plt.semilogy(uncleared, label="no zero_grad()")
plt.xlabel("$k$")
plt.ylabel("$L_k$")
plt.legend()
plt.show()

assert min(uncleared) > 100 * cleared[-1]
assert uncleared != sorted(uncleared, reverse=True)

# %% en alt
# TinyModel's loss on a logarithmic scale against the step. With ``zero_grad`` it falls along an
# almost straight line by orders of magnitude; without it, it jumps up and down near the top.

# %% zh alt 5e7b21
# TinyModel 的损失（对数坐标）随步数的变化。调用``zero_grad``时，损失几乎沿直线下降好几个数量级；
# 不调用时，损失停在高处上下跳动。

# %% en: What clearing leaves behind
# Despite its name, ``zero_grad`` does not write zeros. Since version 2.0 it sets each ``.grad`` to
# ``None`` by default
# (`documentation <https://docs.pytorch.org/docs/stable/generated/torch.optim.Optimizer.zero_grad.html>`__),
# and code that reads a gradient right after it fails with messages like these.

# %% zh 9eab8f: 清零之后留下什么
# 虽然叫这个名字，``zero_grad``并不写入零。从 2.0 版起，它默认把每个``.grad``设为``None``
# （`文档 <https://docs.pytorch.org/docs/stable/generated/torch.optim.Optimizer.zero_grad.html>`__）；
# 清零之后马上读梯度，就会报出下面这样的错误。

# %%
w = torch.tensor([1.0, 2.0], requires_grad=True)
optimizer = torch.optim.SGD([w], lr=0.1)
w.square().sum().backward()
optimizer.zero_grad()
assert w.grad is None

try:
    w.grad[0]
except TypeError as error:
    print("TypeError", error)
else:
    raise AssertionError

try:
    w.grad.zero_()
except AttributeError as error:
    print("AttributeError", error)
else:
    raise AssertionError

# %% en
# Read the gradient before you clear it, or test for ``None``. If you need real zeros, ask for them
# with ``set_to_none=False``: that fills the same tensor with zeros in place, so an alias becomes
# zero as well. The default leaves the alias as it is.

# %% zh 60a109
# 要读梯度，就在清零之前读，或者先判断是不是``None``。如果确实需要零，就用``set_to_none=False``：
# 它在同一个张量里原地写零，所以从别名读到的也是零。默认的做法则不影响别名。

# %%
w.square().sum().backward()
alias = w.grad
optimizer.zero_grad(set_to_none=False)
print(w.grad, alias)
assert alias is w.grad and not alias.any()

w.square().sum().backward()
optimizer.zero_grad()
print(w.grad, alias)
assert w.grad is None and torch.equal(alias, torch.tensor([2.0, 4.0]))

# %% en: None is not zero
# To the optimizer, ``None`` says: this parameter took no part, skip it. Zeros say: the slope was
# measured and it is flat. A flat slope still goes through the whole update: weight decay, which
# pulls every weight towards zero, shrinks the weight, and momentum keeps it moving.
#
# Give a weight five steps with gradient -1, then let it take no part for 25 steps, like a branch of
# a model that these batches do not use. Which of the four settings plotted below still move it?

# %% zh b381c7: None 不等于零
# 在优化器看来，``None``表示这个模型参数没有参与计算，跳过即可；零表示梯度算过了，斜率为零。
# 斜率为零，更新照样执行：权重衰减把权重往零拉，权重会缩小；动量会让权重继续移动。
#
# 让一个权重先以梯度 -1 走五步，接下来 25 步都不参与计算，就像模型里有个分支，这些批次没有用到。
# 下图比较四种设置。先猜一猜：此后在哪几种设置下，权重还会变？


# %%
def coast(set_to_none, **options):
    w = torch.tensor(1.0, requires_grad=True)
    optimizer = torch.optim.SGD([w], lr=0.1, **options)
    path = [w.item()]
    for k in range(30):
        optimizer.zero_grad(set_to_none=set_to_none)
        if k < 5:
            (-w).backward()
        optimizer.step()
        path.append(w.item())
    return path


plt.plot(coast(False, momentum=0.9), label="zeros, momentum")
plt.plot(coast(False), "-.", label="zeros")
plt.plot(coast(False, weight_decay=0.3), ":", label="zeros, weight_decay")
plt.plot(coast(True, momentum=0.9), "--", label="None, momentum")
plt.axvline(5, color="gray", linestyle=":")
plt.xlabel("$k$")
plt.ylabel("$w_k$")
plt.legend(loc="lower center", bbox_to_anchor=(0.5, 1), ncols=2)
plt.show()

# %% en alt
# The weight against the step; a vertical dotted line at 5 marks the end of the gradients. With
# zeros and momentum it goes on rising to more than twice that height. With zeros alone it stays
# level. With zeros and weight decay it sinks. With ``None`` it stops at once, even with momentum.

# %% zh alt 9825b4
# 权重随步数的变化，横轴 5 处的竖直点线表示从此不再有新梯度。此后，梯度为零且有动量时，
# 权重继续上升，升到该处高度的两倍以上；只是梯度为零时，保持水平；梯度为零且有权重衰减时，不断下降；
# 梯度为``None``时，即使有动量也立刻停住。

# %% en
# In numbers: ``w`` after the five steps, at the end with zeros, and at the end with ``None``.

# %% zh 95cd60
# 具体数值依次是：五步之后的``w``、梯度为零时的终值、梯度为``None``时的终值。

# %%
for options in ({}, {"momentum": 0.9}, {"weight_decay": 0.3}):
    zeros, none = coast(False, **options), coast(True, **options)
    print(options, round(zeros[5], 2), round(zeros[-1], 2), round(none[-1], 2))
    assert none[5:] == [none[5]] * 26
    assert (zeros[-1] == zeros[5]) == (options == {})

# %% en: Whose gradients are cleared
# ``optimizer.zero_grad()`` clears the parameters on the optimizer's list; ``model.zero_grad()``
# clears all parameters of the model. They agree when the optimizer holds the whole model. When it
# holds only a part, the gradients of the rest go on adding up unseen, and the old sum enters the
# first step if you train the rest later.

# %% zh e4ef55: 清的是谁的梯度
# ``optimizer.zero_grad()``清的是优化器列表里那些模型参数的梯度；
# ``model.zero_grad()``清的是全部模型参数的梯度。
# 优化器管着整个模型时，两者效果一样。只管一部分时，其余模型参数的梯度会不知不觉越加越多，
# 等到你也要训练它们时，这些旧梯度就会混进来。

# %%
optimizer = torch.optim.SGD(model[2].parameters(), lr=0.001)
model.zero_grad()
assert all(p.grad is None for p in model.parameters())

loss_of(model).backward()
first = model[0].bias.grad.clone()
optimizer.zero_grad()
print(model[0].bias.grad is None, model[2].bias.grad is None)
assert model[0].bias.grad is not None and model[2].bias.grad is None

loss_of(model).backward()
torch.testing.assert_close(model[0].bias.grad, 2 * first)

# %% en: Where the line belongs
# Clear after the step that used the gradients and before the backward pass that makes the next
# ones. Any place in between gives the same result. Only one place is wrong: between ``backward``
# and ``step``. Then the step has nothing to follow, and no error tells you.

# %% zh 158a31: 清零放在哪里
# 清零要在更新用完梯度之后、下一次反向传播产生新梯度之前；在这中间，放在哪里结果都一样。
# 只有一处不行：``backward``与``step``之间。梯度清掉了，更新就不起作用，而且不会报错。


# %%
def three_steps(place):
    w = torch.tensor(1.0, requires_grad=True)
    optimizer = torch.optim.SGD([w], lr=0.1)
    for _ in range(3):
        if place == "loop start":
            optimizer.zero_grad()
        loss = w**2 / 2
        if place == "after forward":
            optimizer.zero_grad()
        loss.backward()
        if place == "after backward":
            optimizer.zero_grad()
        optimizer.step()
        if place == "after step":
            optimizer.zero_grad()
    return w.item()


places = ("loop start", "after forward", "after step", "after backward")
results = [three_steps(place) for place in places]
for place, result in zip(places, results, strict=True):
    print(place, round(result, 3))
assert results[0] == results[1] == results[2] < 1
assert results[3] == 1

# %% en: Gradients without a sum
# If you want a gradient as a value, ask
# `torch.autograd.grad <https://docs.pytorch.org/docs/stable/generated/torch.autograd.grad.html>`__
# for it. It returns the gradients as a tuple and leaves every ``.grad`` alone, so there is nothing
# to clear and calling it twice gives the same answer twice.

# %% zh bdfcd3: 不累加的梯度
# 如果只想拿到梯度的值，就调用
# `torch.autograd.grad <https://docs.pytorch.org/docs/stable/generated/torch.autograd.grad.html>`__。
# 它以元组返回梯度，不碰任何``.grad``，所以不必清零，调用两次，结果也相同。

# %%
x = torch.tensor(2.0, requires_grad=True)
(first,) = torch.autograd.grad(x**3, x)
(second,) = torch.autograd.grad(x**3, x)

print(first, second, x.grad)
assert first == second == 12
assert x.grad is None

# %% en: Remember
# - ``backward`` adds to ``.grad``, because the gradient of a sum is the sum of the gradients.
# - Clear once per step: after ``step`` and before the next ``backward``.
# - ``None`` means skip; zeros still let momentum and weight decay act.
# - In pieces, a sum needs nothing; an average needs each piece weighted by its share.

# %% zh 49e457: 记住
# - ``backward``把梯度加到``.grad``上，因为和的梯度等于梯度的和。
# - 每次更新清零一次：在``step``之后、下一次``backward``之前。
# - ``None``表示跳过；梯度为零时，动量和权重衰减仍起作用。
# - 拆成小块时，求和的损失不用处理，取平均的损失要按每块所占的比例加权。

# %% en: Exercise: padded tokens
# Texts are padded to equal length. Padding gets the label -100, and ``cross_entropy`` leaves those
# tokens out of its average. Below are 8 tokens with 3 features each and their labels (class 0 or
# 1). Two pieces of 4 tokens look equal, but the first averages over 4 real tokens and the second
# over 1. The gradient of the whole batch is ``whole``.

# %% zh 5ec288: 练习：填充的词元
# 文本长短不一，要填充到同样长。填充的标签是 -100，``cross_entropy``取平均时不计入这些词元。
# 下面有 8 个词元，各有 3 个特征；标签是类别 0 或 1。分成两块，每块 4 个词元，看着一样大，
# 但第一块对 4 个有效词元取平均，第二块只对 1 个取平均。整批的梯度是``whole``。

# %%
cross_entropy = torch.nn.functional.cross_entropy
features = torch.arange(24.0).sin().reshape(8, 3)
labels = torch.tensor([0, 1, 0, 1, 1, -100, -100, -100])
weight = torch.zeros(3, 2, requires_grad=True)

(whole,) = torch.autograd.grad(cross_entropy(features @ weight, labels), weight)
print(whole)

# %% en
# Cut ``features`` and ``labels`` with ``chunk(2)`` and call ``backward`` once for each piece so
# that ``weight.grad`` becomes equal to ``whole``. Show also that dividing each piece's average by
# the number of pieces does not give it; training libraries
# `had to mend this <https://huggingface.co/blog/gradient_accumulation>`__.

# %% zh 374c20
# 用``chunk(2)``把``features``和``labels``各分成两块，每块调用一次``backward``，
# 使``weight.grad``等于``whole``。再验证：把每块的平均损失除以块数，得不到这个结果；
# 有些训练库`为此修过 bug <https://huggingface.co/blog/gradient_accumulation>`__。

# %% solution
real = (labels != -100).sum()
for piece, label in zip(features.chunk(2), labels.chunk(2), strict=True):
    (cross_entropy(piece @ weight, label, reduction="sum") / real).backward()
torch.testing.assert_close(weight.grad, whole)

halves = [
    torch.autograd.grad(cross_entropy(piece @ weight, label) / 2, weight)[0]
    for piece, label in zip(features.chunk(2), labels.chunk(2), strict=True)
]
assert not torch.allclose(sum(halves), whole)

# %% en: Exercise: the head that was not used
# Not every batch uses both heads of a model. Make two heads ``torch.nn.Linear(2, 1)``, the sample
# ``torch.ones(1, 2)`` and ``torch.optim.AdamW`` with rate 0.01; the loss is the sum of the outputs
# of the heads in use. Take one step with both heads, clear the gradients, and take one step with
# head 0 only. Show that the second step leaves head 1 alone if you clear to ``None`` and moves it
# if you clear to zeros.

# %% zh a2f2a2: 练习：没用到的输出头
# 模型有两个输出头，但并非每个批次都用到两个。建两个输出头``torch.nn.Linear(2, 1)``，
# 样本取``torch.ones(1, 2)``，优化器用``torch.optim.AdamW``，学习率取 0.01；
# 用到哪些头，损失就是这些头的输出之和。先用两个头走一步，清零，再只用 0 号头走一步。
# 验证：如果梯度清成``None``，第二步不改动 1 号头；如果清成零，第二步就会改动它。

# %% solution
for set_to_none in (True, False):
    heads = torch.nn.ModuleList([torch.nn.Linear(2, 1), torch.nn.Linear(2, 1)])
    optimizer = torch.optim.AdamW(heads.parameters(), lr=0.01)
    sample = torch.ones(1, 2)

    (heads[0](sample) + heads[1](sample)).sum().backward()
    optimizer.step()
    before = heads[1].weight.detach().clone()

    optimizer.zero_grad(set_to_none=set_to_none)
    heads[0](sample).sum().backward()
    optimizer.step()
    print(set_to_none, torch.equal(heads[1].weight, before))
    assert torch.equal(heads[1].weight, before) == set_to_none

# %% en: Exercise: only some leaves
# ``backward`` has an argument ``inputs`` that limits where gradients are accumulated. For
# :math:`a^2 b` at :math:`a = 3`, :math:`b = 5`, obtain ``a.grad`` equal to 60 after two passes
# while ``b.grad`` stays ``None``.

# %% zh c91aa2: 练习：只累积到部分叶子张量
# ``backward``有一个参数``inputs``，用来限定梯度累积到哪些张量。对:math:`a^2 b`，
# 取:math:`a = 3`、:math:`b = 5`，做两次反向传播，让``a.grad``等于 60，而``b.grad``仍是``None``。

# %% solution
a = torch.tensor(3.0, requires_grad=True)
b = torch.tensor(5.0, requires_grad=True)
for _ in range(2):
    (a**2 * b).backward(inputs=[a])

print(a.grad, b.grad)
assert a.grad == 60 and b.grad is None

# %% en: Where next
# - :ref:`gradients-off-and-on`: keep gradients from being computed at all.
# - :ref:`in-place-operations`: more about writing into a tensor that autograd needs.
# - :ref:`vector-jacobian-product`: what ``backward`` does when the result is not a single number.

# %% zh 0c8638: 接下来
# - :ref:`gradients-off-and-on`：怎样干脆不计算梯度。
# - :ref:`in-place-operations`：改写 autograd 要用的张量，会怎样。
# - :ref:`vector-jacobian-product`：结果不止一个数时，``backward``做了什么。
