# %% about
# level: beginner
# tags: Tensor.backward, Tensor.grad, Tensor.item

# %% en: Which way is downhill?
# A model is wrong by some amount, and you may turn one knob, or two, or millions. After this page
# you can say which way to turn each of them, how far to go, and what must be true on arrival.
#
# A **model** computes a prediction from an input :math:`x`. Its **parameters** are the numbers
# that training may change; here the model is :math:`wx`, with one parameter :math:`w`. The
# **loss** says how far the prediction is from the target :math:`y`; a common one is the square of
# the difference:
#
# .. math::
#
#    L(w) = (wx - y)^2
#
# Once the data are fixed, the loss depends on the parameters alone. Take :math:`x = 2` and
# :math:`y = 10`, and begin with :math:`w = 3`: the prediction is 6 and the loss 16. The calls are
# those of :ref:`first-gradient`. To make the loss smaller, should :math:`w` go up or down? And
# which sign will ``w.grad`` have?

# %% zh 9d8bd6: 哪边是下坡？
# 模型的预测有误差，而你可以转动的旋钮有一个、两个，甚至几百万个。每个旋钮该往哪边转，一次转多少，
# 转到最好的位置时必定满足什么条件，这一页都会教你判断。
#
# **模型**（model）根据输入:math:`x`算出预测值。训练时可以改动的数叫作**模型参数**（parameter）；
# 这里的模型是:math:`wx`，只有一个模型参数:math:`w`。**损失**（loss）
# 说明预测值离目标:math:`y`有多远，常用的一种是两者之差的平方：
#
# .. math::
#
#    L(w) = (wx - y)^2
#
# 数据固定下来之后，损失就只随模型参数变化。取:math:`x = 2`、:math:`y = 10`，从:math:`w = 3`开始：
# 这时预测值是 6，损失是 16。用到的几个调用，:ref:`first-gradient`里都讲过。要让损失变小，
# :math:`w`应该调大还是调小？``w.grad``又会是正还是负？

# %% predict
import math

import matplotlib.pyplot as plt
import torch

device = torch.accelerator.current_accelerator(check_available=True)
torch.set_default_device(device or "cpu")

x, y = 2, 10


def loss_fn(w):
    return (w * x - y) ** 2


w = torch.tensor(3.0, requires_grad=True)
loss_fn(w).backward()
print(w.grad.item())

# %% check
assert w.grad == 2 * (3 * x - y) * x == -16
assert loss_fn(3) == 16 and loss_fn(5) == 0
assert w.grad == 8 * (3 - 5)

# %% en
# The prediction is too small, so :math:`w` should go up. As :math:`w` grows, the loss falls, and
# so the derivative is negative: :math:`2(wx - y)x = 2 \cdot (-4) \cdot 2 = -16`.

# %% zh f17dd0
# 预测值偏小，所以:math:`w`应该调大。:math:`w`增大时损失下降，因此导数是负的：
# :math:`2(wx - y)x = 2 \cdot (-4) \cdot 2 = -16`。

# %% en: What a slope promises
# A derivative is a slope: if :math:`w` grows by a little :math:`h`, the loss should change by
# about :math:`-16h`. The cell prints :math:`h`, this promise, and the true change. When is the
# promise kept, and is the loss that you get higher or lower than promised?

# %% zh 23c06b: 斜率许下的诺言
# 导数就是斜率：:math:`w`增加一点点:math:`h`，损失大约应变化:math:`-16h`。下面依次打印:math:`h`、
# 许诺的变化和实际的变化。什么时候诺言能兑现？实际的损失比许诺的高，还是低？

# %% predict
sizes = (1, 0.1, 0.01)
for h in sizes:
    change = loss_fn(3 + h) - loss_fn(3)
    print(h, round(-16 * h, 4), round(change, 4))

# %% check
assert math.isclose(change, -16 * h + 4 * h**2)
for size, true in zip(sizes, (-12, -1.56, -0.1596), strict=True):
    assert math.isclose(loss_fn(3 + size) - loss_fn(3), true)
assert loss_fn(3 + 1e-17) == loss_fn(3)

# %% en
# Of these three steps, the smaller, the better the promise. Each time the loss is higher than
# promised, by :math:`4h^2`, because its curve bends up and away from the straight line with the
# slope :math:`-16`.

# %% zh 9dfc7b
# 这三步里，步子越小，诺言兑现得越好。实际的损失每次都比许诺的高，高出:math:`4h^2`，
# 因为损失曲线向上弯，偏离了斜率为:math:`-16`的那条直线。

# %%
grid = torch.linspace(2, 8, 61).cpu()
tangent = 16 - 16 * (grid - 3)
plt.plot(grid, loss_fn(grid), label="$L(w)$")
plt.plot(grid, tangent, "--", label="$16 - 16(w - 3)$")
plt.plot(3, 16, "o")
plt.ylim(-10, 40)
plt.xlabel("$w$")
plt.ylabel("$L$")
plt.legend()
plt.show()

# %% check
torch.testing.assert_close(
    grid, torch.arange(20, 81, device="cpu") / 10
)
gap = loss_fn(grid) - tangent
torch.testing.assert_close(gap, 4 * (grid - 3) ** 2, rtol=0, atol=1e-4)
assert loss_fn(grid).argmin() == 30

# %% en alt
# The loss is a parabola with its lowest point at :math:`w = 5`. The dashed tangent touches it at
# :math:`w = 3` and falls to the right.

# %% zh alt 481fe4
# 损失曲线是一条抛物线，最低点在:math:`w = 5`。虚线是切线，在:math:`w = 3`处与曲线相切，向右下方倾斜。

# %% en
# The dashed line is the **tangent**: it keeps the slope that the curve has at the dot.

# %% zh 72a578
# 虚线是**切线**（tangent）：曲线在圆点处的斜率是多少，它的斜率就一直是多少。

# %% en: How far to go
# If the slope is negative, the loss falls when :math:`w` grows; if it is positive, the loss falls
# when :math:`w` shrinks. One rule covers both cases, step *against* the gradient:
#
# .. math::
#
#    w \leftarrow w - \eta \, \frac{\mathrm{d}L}{\mathrm{d}w}
#
# The number :math:`\eta` is the **learning rate**. To repeat this is **gradient descent**. The
# function ``walk`` makes eight steps from 3 and uses a new tensor for each of them. Four walks,
# with learning rates 0.01, 0.1, 0.22 and 0.26, look for the lowest point, :math:`w = 5`; the
# figure shows :math:`w` after :math:`n` steps. Which walks come near that point, and how do the
# others fail?

# %% zh 4271dc: 一步走多远
# 如果斜率为负，:math:`w`增大时损失下降；如果斜率为正，:math:`w`减小时损失下降。
# 两种情况可以合成一条规则：*逆着*梯度走。写成公式就是：
#
# .. math::
#
#    w \leftarrow w - \eta \, \frac{\mathrm{d}L}{\mathrm{d}w}
#
# 其中的:math:`\eta`叫作**学习率**（learning rate），一步步这样走下去，
# 就是**梯度下降**（gradient descent）。函数``walk``从 3 出发走八步，每一步都新建一个张量（tensor）。
# 下面用 0.01、0.1、0.22 和 0.26 这四种学习率各走一趟，去找最低点:math:`w = 5`；
# 图中画的是走了:math:`n`步之后的:math:`w`。哪几趟能走到最低点附近，其余的又是怎样失败的？


# %% predict
def walk(rate, steps=8):
    path = [3.0]
    for _ in range(steps):
        w = torch.tensor(path[-1], requires_grad=True)
        loss_fn(w).backward()
        path.append(path[-1] - rate * w.grad.item())
    return path


rates = {0.01: "o-", 0.1: "s--", 0.22: "^:", 0.26: "x-."}
for rate, marks in rates.items():
    plt.plot(walk(rate), marks, label=f"$\\eta = {rate}$")
plt.xlabel("$n$")
plt.ylabel("$w$")
plt.legend(bbox_to_anchor=(1, 1))
plt.show()

# %% check
assert list(rates) == [0.01, 0.1, 0.22, 0.26]
for rate_checked in rates:
    for n, reached in enumerate(walk(rate_checked)):
        expected = 5 - 2 * (1 - 8 * rate_checked) ** n
        assert math.isclose(reached, expected, rel_tol=1e-4)
assert 0.92**58 < 0.2**3 < 0.92**57
assert [len(walk(rate_checked)) for rate_checked in rates] == [9] * 4
ends = [abs(walk(rate_checked)[-1] - 5) for rate_checked in rates]
assert 1 < ends[0] < 2 and ends[1] < 1e-4
assert 0.1 < ends[2] < 0.3 and ends[3] > 3

# %% en alt
# Four paths from :math:`w = 3` over eight steps. The first climbs slowly and stays below 4. The
# second is almost at 5 after three steps. The third jumps from side to side of 5 and comes
# closer; the fourth jumps farther away each time.

# %% zh alt 9c25f3
# 从:math:`w = 3`出发走八步的四条路线。第一条慢慢上升，始终没到 4；第二条走了三步就几乎到了 5；
# 第三条在 5 的两侧跳来跳去，越跳越近；第四条一次比一次跳得远。

# %% en
# With 0.1 the walk is almost there after 3 steps; with 0.01 it would take 58 to come as close.
# With 0.22 each step crosses the valley and lands a bit nearer. With 0.26 each step lands farther
# away: a slope speaks of the neighbourhood of a point, and these steps leave it. Here the slope
# is :math:`8(w - 5)`, so a step multiplies :math:`w - 5` by :math:`1 - 8\eta`.

# %% zh a82452
# 学习率取 0.1，走 3 步就几乎到了；取 0.01，要走 58 步才能走到同样近的地方。取 0.22 时，
# 每一步都跨过谷底，不过落点总比上一次近一点；取 0.26 时，落点却一次比一次远：
# 斜率说的只是一个点附近的情形，而这样的步子已经跨出了这个范围。在这个例子里，
# 斜率是:math:`8(w - 5)`，所以每走一步，:math:`w - 5`就乘以:math:`1 - 8\eta`。

# %% en: Two parameters
# Let the model be :math:`wx + b`, with :math:`b = 0` to begin with. Now each parameter has a
# slope of its own, a **partial derivative**; together they form the gradient, which is printed
# first.
#
# Then the cell tries four steps, each from this same point and of length 0.1. The pair printed
# with each says how far it moves :math:`w` for how much of :math:`b`: :math:`w` alone, :math:`b`
# alone, both equally, or twice as far in :math:`w`. After which of them is the loss lowest?

# %% zh a50c60: 两个模型参数
# 把模型换成:math:`wx + b`，开始时:math:`b = 0`。现在每个模型参数都有自己的斜率，
# 也就是**偏导数**（partial derivative）；各个偏导数合起来就是梯度，下面最先打印出来。
#
# 然后从同一点出发，分别试四步，步长都是 0.1。与损失一同打印的一对数，
# 表示:math:`w`和:math:`b`的改变量之比：只动:math:`w`，只动:math:`b`，两者动得一样多，
# 或者:math:`w`多动一倍。走哪一步，损失最低？


# %% predict
def line_loss(w, b):
    return (w * x + b - y) ** 2


w = torch.tensor(3.0, requires_grad=True)
b = torch.tensor(0.0, requires_grad=True)
line_loss(w, b).backward()
print(w.grad.item(), b.grad.item())

ways = [(1, 0), (0, 1), (1, 1), (2, 1)]
for dw, db in ways:
    scale = 0.1 / math.hypot(dw, db)
    print(dw, db, round(line_loss(3 + scale * dw, scale * db), 3))

# %% check
assert w.grad == -16 and b.grad == -8
assert ways == [(1, 0), (0, 1), (1, 1), (2, 1)]
assert math.isclose(scale, 0.1 / math.sqrt(5))
angles = [math.radians(degree / 10) for degree in range(3600)]
around = [
    line_loss(3 + 0.1 * math.cos(angle), 0.1 * math.sin(angle))
    for angle in angles
]
best = angles[around.index(min(around))]
assert abs(best - math.atan2(8, 16)) < 0.002
lowered = line_loss(3 + 0.2 / math.sqrt(5), 0.1 / math.sqrt(5))
assert math.isclose(lowered, line_loss(3 + scale * dw, scale * db))
assert lowered < line_loss(3 + 0.1 / math.sqrt(2), 0.1 / math.sqrt(2))


def ravine(w, b):
    return w**2 + 100 * b**2


along = torch.tensor([1.0, 0.01], requires_grad=True)
ravine(*along).backward()
torch.testing.assert_close(along.grad, torch.tensor([2.0, 2.0]))
part = 0.1 / math.sqrt(2)
assert ravine(1 - part, 0.01 - part) > ravine(1 - 0.1, 0.01)
part = 0.001 / math.sqrt(2)
assert ravine(1 - part, 0.01 - part) < ravine(1 - 0.001, 0.01)

# %% en
# The last one, in which the two numbers stand to each other as in the gradient. Of all directions,
# the one against the gradient goes down most steeply, unless the gradient is zero; a longer step
# may do better in another. So it is called **steepest descent**, with two parameters or with
# millions, and one ``backward`` finds the slopes for all of them.

# %% zh 402a7b
# 是最后那一步，其中两个数之比与梯度里的相同。只要梯度不为零，在所有方向里，逆着梯度的方向下坡最陡，
# 不过步子要是长了，换个方向也许降得更多。所以这种走法又叫**最速下降**（steepest descent）。
# 不论模型参数是两个还是几百万个，道理都一样，而且调用一次``backward``就能求出全部斜率。

# %% en: At the lowest point
# Now fit :math:`wx` to three points that lie on no common line through the origin. No :math:`w`
# has a smaller sum of squares than :math:`w = 2`. To compare, ``inputs`` requires a gradient too.
# At the lowest point, which gradient is zero: ``w.grad``, ``inputs.grad``, or both?

# %% zh 666918: 到了最低点
# 现在用:math:`wx`拟合三个点，它们不在同一条过原点的直线上。:math:`w`取别的值时，
# 误差的平方和都比:math:`w = 2`时大。为了比较，让``inputs``也需要梯度。在这个最低点，
# 为零的是``w.grad``、``inputs.grad``，还是两者都为零？

# %% predict
inputs = torch.tensor([1.0, 2.0, 3.0], requires_grad=True)
targets = torch.tensor([1.0, 3.0, 7.0])
w = torch.tensor(2.0, requires_grad=True)

((w * inputs - targets) ** 2).sum().backward()
print(w.grad, inputs.grad)

# %% check
assert w.grad == 0 and inputs.grad.tolist() == [4, 4, -4]
assert (inputs.grad * inputs).sum() == 0


def fit_loss(weight):
    pairs = (1, 1), (2, 3), (3, 7)
    return sum((weight * p - q) ** 2 for p, q in pairs)


assert all(
    fit_loss(2 + d / 100) > fit_loss(2) for d in (-300, -1, 1, 300)
)

# %% en
# The gradient with respect to the *parameters* is zero. Where the loss is smooth and lowest, it
# has no slope left in any parameter: a slope would show the way to a still lower point. The
# gradient with respect to the inputs need not be zero, since training does not move the data.

# %% zh 234a30
# 为零的是关于*模型参数*的梯度。在损失光滑而又最低的地方，沿任何一个模型参数都不再有坡度：
# 要是还有坡度，就能顺着它走到更低的地方。关于输入的梯度则不必为零，因为训练并不改动数据。

# %% en: Two weights at zero
# Last, a model with two **layers**, two computations one behind the other. Each multiplies by one
# **weight**, a number that training changes: :math:`w_1 w_2 x`. With :math:`x = 1` and the target
# 1, the loss is :math:`(w_1 w_2 - 1)^2`.
#
# Begin with both weights at 0. The cell prints the loss there and whether the slopes are 0, then
# the loss at three points close by. Both slopes are 0. Has training arrived?

# %% zh 5dbdf1: 两个权重都是零
# 最后看一个有两**层**（layer）的模型，也就是前后相接的两步计算。
# 每层都乘以一个**权重**（weight），即通过训练来调整的数：:math:`w_1 w_2 x`。
# 取:math:`x = 1`，目标也是 1，损失就是:math:`(w_1 w_2 - 1)^2`。
#
# 两个权重都从 0 开始。先打印这一点的损失，以及斜率是不是 0，再打印附近三个点的损失。
# 两个斜率都是 0，训练就算到终点了吗？


# %% predict
def two_layer_loss(w1, w2):
    return (w1 * w2 - 1) ** 2


w = torch.zeros(2, requires_grad=True)
loss = two_layer_loss(w[0], w[1])
loss.backward()
print(loss.item(), w.grad == 0)

near = [(0.1, 0.1), (-0.1, -0.1), (0.1, -0.1)]
for w1, w2 in near:
    print(w1, w2, round(two_layer_loss(w1, w2), 4))

# %% check
assert loss == 1 and w.grad.abs().tolist() == [0, 0]
for weights, true in zip(near, (0.9801, 0.9801, 1.0201), strict=True):
    assert max(map(abs, weights)) == 0.1
    assert math.isclose(two_layer_loss(*weights), true)
assert two_layer_loss(1, 1) == 0

# %% en
# No. The loss falls in one direction and rises in another: this is a **saddle point**, and at
# :math:`w_1 = w_2 = 1` the loss is 0. For a minimum of a smooth loss, a zero gradient is
# necessary, not sufficient. Gradient descent that begins exactly here never moves, which is one
# reason to begin with random weights.

# %% zh 4ee60e
# 没有。沿一个方向损失下降，沿另一个方向损失上升：这样的点叫作**鞍点**（saddle point）；
# 而在:math:`w_1 = w_2 = 1`处，损失是 0。对光滑的损失来说，梯度为零是极小值点的必要条件，
# 却不是充分条件。梯度下降要是恰好从这里开始，就一步也动不了；权重要随机初始化，这也是一个原因。

# %% en: Remember
# - A slope says how the loss changes near a point. Step against the gradient; the learning rate
#   says how far.
# - With too small a learning rate, descent creeps; with too large a one, it can jump ever farther
#   away.
# - At the minimum of a smooth loss, the gradient with respect to the parameters is zero. That is
#   necessary, not sufficient.

# %% zh ef76ba: 要点
# - 斜率说的是损失在一个点附近怎样变化。逆着梯度走，走多远由学习率决定。
# - 学习率太小，走得极慢；太大，就可能越跳越远。
# - 在光滑损失的极小值点，关于模型参数的梯度为零。这是必要条件，不是充分条件。

# %% en: Exercises
# With which learning rate does ``walk`` get from 3 to 5 in one step? Compute it from the
# gradient, and try it.

# %% zh c5836b: 练习
# 学习率取多少，``walk``才能一步就从 3 走到 5？先由梯度算出来，再试一试。

# %% solution
rate = (5 - 3) / 16
assert walk(rate, steps=1) == [3, 5]

# %% en
# Descend from :math:`w = 3` and :math:`b = 0` on ``line_loss``: 20 steps with the learning rate
# 0.05. How low does the loss get? Do you arrive at :math:`w = 5`, :math:`b = 0`, and on which
# line do all the lowest points lie?

# %% zh e52691
# 对``line_loss``做梯度下降，从:math:`w = 3`、:math:`b = 0`出发，学习率取 0.05，走 20 步。
# 损失能降到多低？最后到达的是:math:`w = 5`、:math:`b = 0`这一点吗？所有的最低点都在哪条直线上？

# %% solution
end = [3.0, 0.0]
for _ in range(20):
    w, b = (torch.tensor(number, requires_grad=True) for number in end)
    line_loss(w, b).backward()
    end = [p.item() - 0.05 * p.grad.item() for p in (w, b)]
assert line_loss(*end) < 1e-8
assert math.isclose(end[0], 4.6, rel_tol=1e-4)
assert math.isclose(end[1], 0.8, rel_tol=1e-4)
assert all(line_loss(w, 10 - 2 * w) == 0 for w in (4, 5, 6))

# %% en: Where next
# :ref:`chain-rule` says how the slopes of a long formula are found. :ref:`one-training-step`
# makes these steps with a model and an optimizer.

# %% zh 4ec8d1: 接下来
# 公式长了，斜率怎么求？见:ref:`chain-rule`。想用模型和优化器（optimizer）走这样的一步，
# 见:ref:`one-training-step`。
