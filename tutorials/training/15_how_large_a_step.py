# %% about
# level: beginner
# tags: torch.optim.SGD, torch.optim.Optimizer.step, Module.load_state_dict

# %% en: How large a step?
# The learning rate decides how far one step goes. Here you compute how much a step should lower the
# loss, see when that comes true, and learn what too small, too large and far too large look like.
#
# The model and the data are those of :ref:`one-training-step`: two layers with a bend between them,
# which are to learn the sine from 50 points. ``Sequential`` applies modules one after another. Its
# random weights are drawn on the CPU and then moved, so that they are the same on every device. The
# first cell makes one forward and one backward pass, keeps a copy of the weights in ``start``, and
# prints the loss and the sum of the squares of all the numbers in the gradients, called
# :math:`\lVert g \rVert^2`.

# %% zh e83381: 一步该走多远？
# 学习率（learning rate）决定一步走多远。这一页先算出一步应该让损失（loss）降多少，再看什么时候真能降这么多，
# 最后认一认学习率太小、太大、大得离谱时各是什么样子。
#
# 模型和数据与:ref:`one-training-step`相同：两个层，中间隔着一个把直线弄弯的函数，
# 要从 50 个点学会正弦曲线。``Sequential``把几个模块（module）依次连起来；随机的初始权重（weight）先在 CPU 上生成，
# 再移到所用的设备上，这样，不论用什么设备，初始权重都相同。第一个单元格做一次前向传播（forward pass）
# 和一次反向传播（backward pass），把权重复制一份存为``start``，再打印损失，以及梯度（gradient）
# 里所有数的平方和，这个和记作:math:`\lVert g \rVert^2`。

# %%
import copy

import matplotlib.pyplot as plt
import torch

device = torch.accelerator.current_accelerator(check_available=True)
torch.set_default_device(device or "cpu")

x = torch.linspace(-3, 3, 50)[:, None]
y = torch.sin(x)
torch.manual_seed(0)
with torch.device("cpu"):
    model = torch.nn.Sequential(
        torch.nn.Linear(1, 20), torch.nn.Tanh(), torch.nn.Linear(20, 1)
    )
model.to(x.device)
start = copy.deepcopy(model.state_dict())

loss = (model(x) - y).square().mean()
loss.backward()
squares = sum(p.grad.square().sum().item() for p in model.parameters())
print(loss.item(), squares)

# %% check
assert x.shape == (50, 1) and x[0] == -3 and x[-1] == 3
torch.testing.assert_close(y, x.sin())
w1, b1, w2, b2 = start.values()
hidden = torch.tanh(x * w1.T + b1)
misses = hidden @ w2.T + b2 - x.sin()
torch.testing.assert_close(loss.detach(), (misses**2).sum() / 50)
arriving = (2 * misses / 50) @ w2 * (1 - hidden**2)
parts = (
    arriving.T @ x,
    arriving.sum(0),
    (2 * misses / 50).T @ hidden,
    (2 * misses / 50).sum(0),
)
expected = sum((part**2).sum().item() for part in parts)
assert abs(squares / expected - 1) < 1e-4

# %% en: What the slope promises
# Let :math:`L` be the loss, :math:`\eta` the learning rate and :math:`g_i` the slope along one
# weight. A step moves this weight by :math:`-\eta g_i`, and along the slope that changes the loss
# by :math:`-\eta g_i^2`. Added up over all the weights, the loss should fall by
#
# .. math::
#
#    L(w) - L(w - \eta g) \approx \eta \, \lVert g \rVert^2
#
# The function ``fall`` puts the old weights back, makes one step and measures the true fall. (The
# gradients in ``grad`` stay those of the start.) The loop prints the true fall divided by the
# promised one. What will the four numbers be, roughly?

# %% zh 250a1b: 斜率的许诺
# 设:math:`L`是损失，:math:`\eta`是学习率，:math:`g_i`是沿某一个权重方向的斜率。走一步，
# 这个权重改变:math:`-\eta g_i`；按斜率算，损失就改变:math:`-\eta g_i^2`。对全部权重求和，损失应该下降
#
# .. math::
#
#    L(w) - L(w - \eta g) \approx \eta \, \lVert g \rVert^2
#
# 函数``fall``放回原来的权重，走一步，再量出实际的降幅。（``grad``里始终是起点处的梯度。）
# 循环打印的是实际降幅与许诺的降幅之比。这四个数大概会是多少？


# %% predict
def fall(lr):
    model.load_state_dict(start)
    torch.optim.SGD(model.parameters(), lr=lr).step()
    with torch.no_grad():
        return (loss - (model(x) - y).square().mean()).item()


for lr in (0.001, 0.01, 0.1, 1):
    print(lr, round(fall(lr) / (lr * squares), 3))


# %% check
def moved_fall(rate):
    u1, c1, u2, c2 = (
        old - rate * part
        for old, part in zip(start.values(), parts, strict=True)
    )
    off = torch.tanh(x * u1.T + c1) @ u2.T + c2 - x.sin()
    return ((misses**2).mean() - (off**2).mean()).item()


for rate in (0.001, 0.01, 0.1, 1):
    assert abs(fall(rate) - moved_fall(rate)) < 1e-4 * max(
        1, rate * 100
    )
assert abs(fall(0.001) / (0.001 * squares) - 1) < 0.01
assert 0.9 < fall(0.01) / (0.01 * squares) < 0.99
assert 0.3 < fall(0.1) / (0.1 * squares) < 0.7
assert fall(1) < 0 and lr == 1
assert abs(fall(1e-9) / (1e-9 * squares) - 1) > 0.5

# %% en
# As the step shrinks, the ratio comes closer to 1 (until the fall is too small for the digits of the
# loss): near the point where they touch, a curve follows its tangent. At 0.1 about half of the
# promise is kept. At 1 the ratio is negative: the direction was right, and the loss has risen all the
# same.

# %% zh 340e79
# 步子越小，比值越接近 1（除非降幅太小，在损失的有效数字里已经看不出来）：切线只在切点附近贴合曲线。
# 学习率为 0.1 时，许诺大约兑现了一半；为 1 时比值是负的，方向明明没有错，损失却升高了。

# %% en: From 0 to 0.25
# The promise, drawn over :math:`\eta`, is a straight line. A loss that cannot be negative cannot
# fall by more than its own value :math:`L(w)`, the dotted line. What shape will the curve of the
# true fall have, and will it touch the dotted line?

# %% zh b37d17: 从 0 到 0.25
# 以:math:`\eta`为横轴，许诺的降幅是一条直线。损失不会是负的，所以降幅不会超过损失本身的值:math:`L(w)`，
# 也就是图中的点线。实际降幅的曲线会是什么形状？它会碰到点线吗？

# %% predict
rates = torch.linspace(0, 0.25, 51).tolist()
promised = [lr * squares for lr in rates]
falls = [fall(lr) for lr in rates]

plt.plot(rates, promised, "--", label=r"$\eta\,\|g\|^2$")
plt.plot(rates, falls, label=r"$L(w) - L(w - \eta g)$")
plt.axhline(loss.item(), color="gray", linestyle=":", label="$L(w)$")
plt.ylim(-0.7, 0.9)
plt.xlabel(r"$\eta$")
plt.ylabel(r"$\Delta L$")
plt.legend(loc="lower left")
plt.show()

# %% check
assert len(rates) == 51
for step, (rate, line, curve) in enumerate(
    zip(rates, promised, falls, strict=True)
):
    assert abs(rate - step / 200) < 1e-6
    assert abs(line - rate * expected) < 1e-4
    assert abs(curve - moved_fall(rate)) < 1e-4
best = max(range(51), key=falls.__getitem__)
assert 15 < best < 25 and falls[best] < 0.9 * loss.item()
assert promised[-1] > loss.item()
assert falls[:best] == sorted(falls[:best])
assert falls[best:] == sorted(falls[best:], reverse=True)
assert falls[-1] < 0

# %% en alt
# Fall of the loss in one step against the learning rate. The dashed line of the promise and the
# curve leave the origin together. The line crosses the dotted limit; the curve bends over, has its
# highest point below the limit near 0.1, comes down again and ends below zero.

# %% zh alt 1cd455
# 一步之内损失的降幅随学习率的变化。许诺的直线（虚线）与实际的曲线从原点一起出发。直线越过点线；
# 曲线逐渐弯下来，在点线之下、0.1 附近到达最高点，然后回落，最后降到零以下。

# %% en
# It bends over before it reaches the dotted line. Along one straight step the loss goes down into a
# valley and up the other side, and the bottom of this valley lies above zero. The best rate for
# this step is near 0.1. From other weights the valley has another width, and another rate may be
# the best.

# %% zh 3bf93d
# 曲线还没碰到点线就弯下来了。沿着一条直线往前走，损失先下到谷底，再爬上对面的坡，而谷底仍在零以上。
# 就这一步来说，最好的学习率在 0.1 附近。换一组权重，山谷的宽窄又不同，最好的学习率也可能不同。

# %% en: Twenty steps
# A loop repeats the step, with a new gradient each time. Run it from the same start with three
# rates: 0.001, 0.1 and 0.3. What will each of the three curves of the loss do?

# %% zh 1a291c: 二十步
# 训练循环重复这样的一步，每次都重新求梯度。从同一个起点出发，用 0.001、0.1 和 0.3 三个学习率各走二十步。
# 三条损失曲线各会怎样？


# %% predict
def train(lr, steps=20):
    optimizer = torch.optim.SGD(model.parameters(), lr=lr)
    losses = []
    for _ in range(steps):
        optimizer.zero_grad()
        loss = (model(x) - y).square().mean()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


for lr, marker in ((0.001, "o-"), (0.1, "s-"), (0.3, "^-")):
    model.load_state_dict(start)
    losses = train(lr)
    plt.semilogy(losses, marker, label=rf"$\eta = {lr}$")
plt.ylim(0.01, 30)
plt.xticks(range(0, 20, 5))
plt.xlabel("$k$")
plt.ylabel("$L_k$")
plt.legend()
plt.show()

# %% check
assert (lr, marker) == (0.3, "^-") and len(losses) == 20
curves = {}
for rate in (0.001, 0.1, 0.3):
    model.load_state_dict(start)
    curves[rate] = train(rate)
    after_one = loss.item() - moved_fall(rate)
    assert abs(curves[rate][0] - loss.item()) < 1e-5
    assert abs(curves[rate][1] / after_one - 1) < 1e-3
assert curves[0.001] == sorted(curves[0.001], reverse=True)
assert 0.6 < curves[0.001][-1] / curves[0.001][0] < 1
assert curves[0.1] == sorted(curves[0.1], reverse=True)
assert curves[0.1][-1] < 0.3 * curves[0.1][0]
assert losses[:2] == curves[0.3][:2] and max(losses) > 100
assert losses[0] < losses[1] < losses[2] > losses[3]
assert losses[-1] > 1e6

model.load_state_dict(start)
sizes = []
for _step in range(2):
    train(0.3, steps=1)
    model.zero_grad()
    (model(x) - y).square().mean().backward()
    sizes.append(sum(p.grad.square().sum() for p in model.parameters()))
assert squares < sizes[0] < sizes[1]

# %% en alt
# Loss on a logarithmic scale over 20 steps. With 0.001 it falls slowly on a nearly level line. With
# 0.1 it drops at once and then goes on falling slowly. With 0.3 it climbs, with one dip, out of the picture.

# %% zh alt 601fa6
# 20 步之内的损失（对数坐标）。学习率为 0.001 时，曲线近乎水平，下降很慢；为 0.1 时，损失一下子降下来，
# 然后继续缓缓下降；为 0.3 时，损失不断上升，只在中途回落一次，最后升到图外。

# %% en
# 0.001 keeps its promises, but they are small. 0.1 wins. With 0.3 the loss *diverges*: the first step
# runs through the valley and lands higher on the other side, where the slopes are steeper, so the
# second is longer and lands higher still. Not each step does, but the climb goes on.

# %% zh 025076
# 0.001 说到做到，只是每次许诺得太少。0.1 的效果最好。学习率为 0.3 时，损失*发散*（diverge）：第一步越过谷底，
# 落到对面更高的地方，那里坡更陡，第二步也就迈得更远，落得更高。往后虽然也有下降的时候，总的趋势仍是上升。

# %% en: Far too large
# Take the rate 1 for 100 steps, and then, from wherever the weights are, a cautious 0.001 for 100
# more. What are the two last losses?

# %% zh d312a1: 大得离谱
# 先用学习率 1 走 100 步；然后从权重当时的位置出发，换成谨慎的 0.001，再走 100 步。两段最后的损失各是多少？

# %% predict
model.load_state_dict(start)
print(train(1, steps=100)[-1])
print(train(0.001, steps=100)[-1])

# %% check
assert all(p.isnan().all() for p in model[2].parameters())
assert (model(x) - y).square().mean().isnan()
model.load_state_dict(start)
early = train(1, steps=100)
assert early[1] > 10 and early[5] > early[1]
assert early.index(float("inf")) < len([v for v in early if v == v])
assert early[-1] != early[-1] and len(early) == 100

# %% en
# Both are ``nan``, not a number. The loss outgrows the largest number of its type and becomes
# infinite, then something like infinity times zero makes ``nan``. From there on each update
# subtracts ``nan``, and no learning rate brings these weights back. When training has diverged like
# this, load weights from before it and take a smaller rate.

# %% zh ded667
# 两个都是``nan``，意思是“不是一个数”（not a number）。损失超出了这种数据类型能表示的最大值，变成无穷大；
# 再经过无穷大乘以零之类的运算，就产生``nan``。从这时起，每次更新减去的都是``nan``，
# 换什么学习率也救不回这些权重。训练这样发散之后，就要放回发散之前的权重，把学习率调小。

# %% en: Remember
# - One small step lowers the loss by about :math:`\eta \lVert g \rVert^2`.
# - A large step can raise the loss, although its direction is downhill.
# - Too small: the loss crawls. Too large: it climbs. ``nan`` in the weights stays.

# %% zh a5d55d: 要点
# - 走一小步，损失大约下降:math:`\eta \lVert g \rVert^2`。
# - 步子大了，即使方向是下坡，损失也可能升高。
# - 学习率太小，损失降得极慢；太大，损失上升。权重一旦成了``nan``，就回不来了。

# %% en: Exercise
# Let the computer choose. Start with the rate 1 and halve it until one step from ``start`` keeps at
# least half of its promise. Which rate comes out? (By now the weights and ``grad`` hold ``nan``:
# begin by putting ``start`` back and computing its gradients again.)

# %% zh 09fbd8: 练习
# 学习率可以让计算机来选。从 1 开始，不断减半，直到从``start``出发走一步，降幅至少达到许诺的一半。
# 最后得到的学习率是多少？（现在权重和``grad``里都是``nan``：先放回``start``，再重新算出那里的梯度。）

# %% solution
model.load_state_dict(start)
model.zero_grad()
(model(x) - y).square().mean().backward()
lr = 1.0
while fall(lr) < lr * squares / 2:
    lr /= 2
print(lr)

assert lr == 0.0625
assert fall(lr) >= lr * squares / 2 > 0

# %% en: Where next
# :ref:`gradients-add-up` shows what happens to this loop when its first line is missing.

# %% zh c37959: 接下来
# 如果循环里少了第一行，会怎样？见:ref:`gradients-add-up`。
