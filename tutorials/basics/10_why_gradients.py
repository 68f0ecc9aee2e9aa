# %% about
# level: beginner
# minutes: 25
# tags: Tensor.backward, torch.autograd.grad, Tensor.register_hook, torch.no_grad

# %% en: Why gradients
# After this page you can say what a gradient tells you, why one sweep back from the loss finds it
# for all parameters, and how autograd differs from numeric and symbolic differentiation.
#
# A model is a function of its input :math:`x` and of its parameters. The loss measures how far the
# output is from the target :math:`y`. Once the data are fixed, the loss is one number that depends
# on the parameters alone.
#
# Here the model is :math:`wx`, with one parameter. At :math:`w = 3` and :math:`x = 2` it predicts
# 6, the target is 10, and the squared error is 16. ``requires_grad=True`` says that you will want
# the derivative with respect to :math:`w`. ``loss.backward()`` asks autograd, PyTorch's engine for
# automatic differentiation, to compute it and leaves it in ``w.grad``. Before you look at the
# output: should :math:`w` go up or down, and what sign does the gradient have?

# %% zh 41536a: 为什么需要梯度
# 读完这一页，你能说清：梯度有什么含义，为什么从损失出发往回走一趟就能求出关于全部模型参数的梯度，
# 以及 autograd 与数值微分、符号微分有何不同。
#
# 模型是一个函数，自变量既有输入:math:`x`，也有模型参数。损失衡量模型的输出离目标:math:`y`有多远。
# 数据一旦固定，损失就是一个数，只随模型参数变化。
#
# 这里的模型是:math:`wx`，只有一个模型参数。取:math:`w = 3`、:math:`x = 2`，预测值是 6，目标是 10，
# 平方误差是 16。``requires_grad=True``表示稍后要对:math:`w`求导，
# ``loss.backward()``让 PyTorch 的自动微分引擎 autograd 算出这个导数，存进``w.grad``。
# 先别看输出：:math:`w`应该调大还是调小？梯度是正还是负？

# %%
import itertools
import math
from fractions import Fraction

import matplotlib.pyplot as plt
import torch

plt.rc("figure", figsize=(5, 3.5), autolayout=True)
torch.set_default_device("cuda" if torch.cuda.is_available() else "cpu")
torch.set_default_dtype(torch.float64)

x, y = 2.0, 10.0


def loss_fn(w):
    return (w * x - y) ** 2


w = torch.tensor(3.0, requires_grad=True)
loss = loss_fn(w)
loss.backward()
print(loss.item(), w.grad.item())
assert loss == 16 and w.grad == -16

# %% en: The derivative is a slope
# The gradient is :math:`-16`: move :math:`w` by a small :math:`h`, and the loss changes by about
# :math:`-16h`. To see it, divide the change of the loss by :math:`h` and let :math:`h` shrink.
# The quotient should approach :math:`-16`. (This page computes in ``float64``, so that rounding
# does not blur such comparisons.)

# %% zh bd6cdf: 导数就是斜率
# 梯度是:math:`-16`，意思是：:math:`w`变化很小的:math:`h`，损失就大约变化:math:`-16h`。
# 要看清这一点，可以用损失的变化量除以:math:`h`，再让:math:`h`越来越小，商应该趋近:math:`-16`。
# （本页用``float64``计算，免得舍入误差干扰这类比较。）

# %%
for h in (0.1, 0.01, 0.001):
    quotient = (loss_fn(3.0 + h) - loss_fn(3.0)) / h
    print(h, round(quotient, 6))
    assert math.isclose(quotient, -16 + 4 * h)

# %% en
# In a picture, the derivative is the slope of the tangent, the straight line that fits the curve
# best near the point.

# %% zh 99b989
# 画出来看，导数就是切线的斜率。在这一点附近，切线是最贴合曲线的直线。

# %%
grid = torch.linspace(2, 8, 61)
plt.plot(grid.cpu(), loss_fn(grid).cpu(), label="$L(w)$")
plt.plot(grid.cpu(), (16 - 16 * (grid - 3)).cpu(), "--", label="$16 - 16(w - 3)$")
plt.plot(3, 16, "o")
plt.ylim(-10, 40)
plt.xlabel("$w$")
plt.ylabel("$L$")
plt.legend()
plt.show()

# %% en alt
# The loss is a parabola with its lowest point at :math:`w = 5`. The dashed tangent touches it at
# :math:`w = 3` and falls to the right.

# %% zh alt 481fe4
# 损失曲线是一条抛物线，最低点在:math:`w = 5`。
# 虚线是切线，在:math:`w = 3`处与曲线相切，向右下方倾斜。

# %% en: Downhill
# A negative slope means that the loss falls when :math:`w` grows; a positive slope means that it
# falls when :math:`w` shrinks. One rule covers both: step against the gradient. The size of the
# step is set by the learning rate :math:`\eta`:
#
# .. math::
#
#    w \leftarrow w - \eta \frac{\mathrm{d}L}{\mathrm{d}w}
#
# The slope describes the neighbourhood only. The loss is 16 now: which of the learning rates
# 0.01, 0.1 and 0.3 makes it worse?

# %% zh 78be46: 下坡
# 斜率为负，说明:math:`w`增大时损失下降；斜率为正，说明:math:`w`减小时损失下降。
# 两种情况可以合成一条规则：逆着梯度走。步子多大由学习率:math:`\eta`决定：
#
# .. math::
#
#    w \leftarrow w - \eta \frac{\mathrm{d}L}{\mathrm{d}w}
#
# 斜率只描述附近的情形。现在的损失是 16，学习率取 0.01、0.1、0.3，哪一个反而会让损失变大？

# %%
losses = []
for learning_rate in (0.01, 0.1, 0.3):
    stepped = (w - learning_rate * w.grad).item()
    losses.append(loss_fn(stepped))
    print(learning_rate, "w", round(stepped, 4), "L", round(losses[-1], 4))

assert losses[0] < 16 and losses[1] < 16 and losses[2] > 16

# %% en: Many parameters, one gradient
# With more parameters there is one slope for each, a partial derivative, and together they form
# the gradient. Its negative is the direction in which the loss falls fastest.
#
# Test that by brute force: add a parameter :math:`b` to the model, take a step of length 0.001 in
# each of 360 directions, and keep the best. The gradient is :math:`(-16, -8)`, so its negative
# points 26.57 degrees above the :math:`w` axis. Which whole number of degrees should win?

# %% zh a433f7: 多个模型参数，一个梯度
# 模型参数多了，每个都有自己的斜率，也就是偏导数；所有偏导数合起来就是梯度。
# 梯度的反方向，正是损失下降最快的方向。
#
# 用笨办法验证：再引入一个模型参数:math:`b`，沿 360 个方向各走长 0.001 的一步，看哪个方向损失最小。
# 梯度是:math:`(-16, -8)`，它的反方向与:math:`w`轴的夹角是 26.57 度。
# 试的都是整数度数，最好的会是哪一个？


# %%
def line_loss(w, b):
    return (w * x + b - y) ** 2


w = torch.tensor(3.0, requires_grad=True)
b = torch.tensor(0.0, requires_grad=True)
line_loss(w, b).backward()
print(w.grad.item(), b.grad.item())
assert (w.grad.item(), b.grad.item()) == (-16, -8)

angles = torch.deg2rad(torch.arange(360.0))
around = line_loss(3 + 0.001 * torch.cos(angles), 0.001 * torch.sin(angles))
best = around.argmin().item()
downhill = torch.rad2deg(torch.atan2(-b.grad, -w.grad)).item()
print(best, round(downhill, 2))
assert best == round(downhill) == 27

# %% en: Where training wants to arrive
# Training looks for parameters with a small loss. At a minimum no parameter has a slope left: the
# gradient with respect to the *parameters* is zero. The derivatives with respect to the inputs
# need not be, because training does not move the data.
#
# Fit :math:`wx` to three points that lie on no common line through the origin. The best
# :math:`w` is 2, and at that point the inputs still have gradients.

# %% zh 5c7980: 训练的终点
# 训练要找的是让损失变小的模型参数。在最小值处，沿任何一个模型参数的方向都不再有坡度：
# 损失关于*模型参数*的梯度为零。损失关于输入的导数却不必为零，因为训练并不改动数据。
#
# 用:math:`wx`拟合三个点，这三个点不在同一条过原点的直线上。
# 最好的:math:`w`是 2，而在那里，损失关于输入的梯度并不是零。

# %%
inputs = torch.tensor([1.0, 2.0, 3.0], requires_grad=True)
targets = torch.tensor([1.0, 3.0, 7.0])
w = torch.tensor(2.0, requires_grad=True)


def fit_loss(w):
    return ((w * inputs - targets) ** 2).sum()


fit_loss(w).backward()
print(fit_loss(w).item(), w.grad.item(), inputs.grad.tolist())
assert w.grad == 0
assert inputs.grad.tolist() == [4, 4, -4]
assert fit_loss(w) < fit_loss(w - 0.1) and fit_loss(w) < fit_loss(w + 0.1)

# %% en: A zero gradient is not enough
# A zero gradient is necessary for a minimum, not sufficient. Take a model with two layers of one
# weight each, :math:`w_1 w_2 x`, with :math:`x = 1` and target 1. At :math:`w_1 = w_2 = 0` both
# partial derivatives are 0, yet the loss is 1 and could be 0.
#
# From that point the loss falls in one direction and rises in another: a saddle. If both layers
# share one weight, only steps with equal numbers are possible, and the same point is a local
# maximum. Gradient descent that starts exactly there never moves, which is one reason to start
# from random weights.

# %% zh e70f7f: 梯度为零还不够
# 梯度为零是最小值的必要条件，却不是充分条件。看一个两层的模型，每层一个权重：:math:`w_1 w_2 x`，
# 其中:math:`x = 1`，目标是 1。在:math:`w_1 = w_2 = 0`处，两个偏导数都是 0，
# 可损失是 1，本来还能降到 0。
#
# 从这一点出发，沿一个方向损失下降，沿另一个方向损失上升：这是鞍点。如果两层共用一个权重，
# 每一步的两个数就只能相等，这一点也就成了局部极大值点。梯度下降要是恰好从这里起步，
# 就一步也动不了；这也是权重要随机初始化的原因之一。


# %%
def two_layer_loss(w1, w2):
    return (w1 * w2 * 1 - 1) ** 2


w = torch.zeros(2, requires_grad=True)
loss = two_layer_loss(w[0], w[1])
loss.backward()
print(loss.item(), w.grad.abs().tolist())
assert loss == 1 and w.grad.abs().max() == 0

for step in ((0.1, -0.1), (0.1, 0.1), (-0.1, -0.1), (1.0, 1.0)):
    print(step, round(two_layer_loss(*step), 4))

assert two_layer_loss(0.1, 0.1) < 1 < two_layer_loss(0.1, -0.1)
assert all(two_layer_loss(shared, shared) < 1 for shared in (-0.1, 0.1))

# %% en: The chain rule
# A model is a composition: the output of one step is the input of the next. Each step has a local
# derivative, which says how much it magnifies a small change. One after the other, the
# magnifications multiply.
#
# In :math:`L = e^u`, :math:`u = \sin v`, :math:`v = w^2` the local derivatives are :math:`e^u`,
# :math:`\cos v` and :math:`2w`. Their product should equal the quotient of small changes and the
# answer of autograd.

# %% zh 87575a: 链式法则
# 模型是一层套一层的复合函数：上一步的输出就是下一步的输入。每一步都有局部导数，
# 说明微小的变化经过这一步会放大多少倍。一步步走下来，各步的倍数要相乘。
#
# 设:math:`L = e^u`、:math:`u = \sin v`、:math:`v = w^2`，
# 局部导数依次是:math:`e^u`、:math:`\cos v`和:math:`2w`。
# 三者的乘积应该等于微小变化量相除的商，也等于 autograd 的结果。


# %%
def composed(w):
    return math.exp(math.sin(w**2))


w = torch.tensor(0.5, requires_grad=True)
v = w**2
u = torch.sin(v)
loss = torch.exp(u)
loss.backward()

local = (torch.exp(u).item(), torch.cos(v).item(), (2 * w).item())
quotient = (composed(0.5 + 1e-6) - composed(0.5 - 1e-6)) / 2e-6
for number in (*local, math.prod(local), quotient, w.grad.item()):
    print(round(number, 6))
assert math.isclose(math.prod(local), w.grad.item())
assert math.isclose(quotient, w.grad.item(), rel_tol=1e-6)

# %% en: Two paths add up
# Often a variable reaches the loss along more than one path. In :math:`L = pq` with
# :math:`p = w^2` and :math:`q = \sin w`, a change of :math:`w` travels through :math:`p` and
# through :math:`q`. Multiply the local derivatives along each path, then add the products.

# %% zh 4de41b: 两条路径要相加
# 一个变量往往沿着好几条路径影响损失。设:math:`L = pq`，其中:math:`p = w^2`、:math:`q = \sin w`：
# :math:`w`的变化既经过:math:`p`，也经过:math:`q`。
# 沿每条路径把局部导数相乘，再把各条路径的结果相加。

# %%
w = torch.tensor(0.5, requires_grad=True)
p = w**2
q = torch.sin(w)
(p * q).backward()

through_p = (q * 2 * w).item()
through_q = (p * torch.cos(w)).item()
print(round(through_p, 4), round(through_q, 4), round(w.grad.item(), 4))
assert math.isclose(through_p + through_q, w.grad.item())

# %% en: Paths against edges
# Now stack :math:`n` levels. Each makes the next number from the one before in two ways and adds
# the results:
#
# .. math::
#
#    h_{k+1} = \tfrac{1}{2} h_k + \tfrac{1}{2} \sin h_k
#
# Draw each way as an edge of a graph, and write its local derivative on it: :math:`\tfrac{1}{2}`
# on the first, :math:`\tfrac{1}{2} \cos h_k` on the second. A path from input to output chooses
# one edge on every level. How many edges and how many paths are there at :math:`n = 10`?

# %% zh 0447e4: 路径与边
# 现在把:math:`n`级叠起来。每一级都从前一个数分出两条支路，各算一次，再相加得到下一个数：
#
# .. math::
#
#    h_{k+1} = \tfrac{1}{2} h_k + \tfrac{1}{2} \sin h_k
#
# 把每条支路画成图上的一条边，边上标出局部导数：第一条是:math:`\tfrac{1}{2}`，
# 第二条是:math:`\tfrac{1}{2} \cos h_k`。从输入走到输出，每一级选一条边，就得到一条路径。
# 当:math:`n = 10`时，有多少条边？多少条路径？


# %%
def local_slopes(depth, h=1.0):
    slopes = []
    for _ in range(depth):
        slopes.append((0.5, 0.5 * math.cos(h)))
        h = 0.5 * h + 0.5 * math.sin(h)
    return slopes


slopes = local_slopes(10)
edges = sum(len(level) for level in slopes)
paths = len(list(itertools.product(*slopes)))
print("edges", edges)
print("paths", paths)
assert edges == 2 * 10 and paths == 2**10

# %% en: Same number, different cost
# There are 20 local derivatives and 1024 paths: the local derivatives grow with :math:`2n`, the
# paths with :math:`2^n`. Summing over the paths costs :math:`n 2^n` multiplications if every path
# starts from 1.
#
# Reverse accumulation, or reverse mode, starts at the output with 1, the derivative of the output
# with respect to itself, and walks back level by level. It first adds up what arrives at a level,
# then sends that one number on through the two edges. Paths that meet at a level share everything
# from there to the output, and reverse accumulation multiplies the shared part once.

# %% zh f7690b: 结果一样，开销不同
# 局部导数有 20 个，路径有 1024 条：局部导数按:math:`2n`增长，路径按:math:`2^n`增长。
# 如果每条路径都从 1 乘起，对所有路径求和需要:math:`n 2^n`次乘法。
#
# 反向累积也叫反向模式，从输出处的 1（输出关于自身的导数）出发，一级一级往回走：
# 先把到达这一级的量全部加起来，再把得到的这一个数沿两条边继续往回传。几条路径在某一级会合，
# 从这里到输出的部分就是共有的，反向累积对共有的部分只乘一次。


# %%
def sum_over_paths(slopes):
    total, multiplications = 0.0, 0
    for path in itertools.product(*slopes):
        term = 1.0
        for slope in path:
            term *= slope
            multiplications += 1
        total += term
    return total, multiplications


def reverse_accumulation(slopes):
    gradients, multiplications = [1.0], 0
    for level in reversed(slopes):
        arriving = 0.0
        for slope in level:
            arriving += gradients[0] * slope
            multiplications += 1
        gradients.insert(0, arriving)
    return gradients, multiplications


total, slow = sum_over_paths(slopes)
gradients, fast = reverse_accumulation(slopes)
print(round(total, 12), slow)
print(round(gradients[0], 12), fast)
assert math.isclose(total, gradients[0])
assert slow == 10 * 2**10 and fast == 2 * 10

# %% en
# The same number takes 10240 multiplications or 20. The saving comes from visiting each edge once.
# On a logarithmic axis, exponential growth is a straight line.

# %% zh 28766e
# 同一个数，一种算法用了 10240 次乘法，另一种只用 20 次。省就省在每条边只访问一次。
# 画在对数坐标上，指数增长是一条直线。

# %%
depths = range(1, 13)
slow = [sum_over_paths(local_slopes(n))[1] for n in depths]
fast = [reverse_accumulation(local_slopes(n))[1] for n in depths]
plt.semilogy(depths, slow, "o-", label="$n \\, 2^n$")
plt.semilogy(depths, fast, "s-", label="$2n$")
plt.xlabel("$n$")
plt.ylabel("$N_{\\times}$")
plt.legend()
plt.show()
assert slow == [n * 2**n for n in depths]
assert fast == [2 * n for n in depths]

# %% en alt
# Number of multiplications against depth :math:`n`, from 1 to 12, on a logarithmic axis. The sum
# over paths climbs almost straight up to nearly 50000; reverse accumulation ends at 24.

# %% zh alt 1d2ffc
# 乘法次数随深度:math:`n`的变化，深度从 1 到 12，纵轴是对数坐标。
# 对路径求和的曲线几乎沿直线上升，最后接近 50000；反向累积的曲线最后只到 24。

# %% en: One sweep for every variable
# You can visit each edge once from the front, too: that is forward accumulation, or forward mode.
# It also needs 20 multiplications, but it starts at *one* variable and yields the derivatives with
# respect to that one. Reverse accumulation starts at the loss and passes every variable on its
# way. For the derivatives with respect to all of :math:`h_0` to :math:`h_9`, forward needs 10
# sweeps and 110 multiplications, because later sweeps are shorter; reverse needs 1 sweep and 20.
#
# A loss is one number and the parameters are many, so training uses reverse mode. The
# `survey by Baydin et al. <https://www.jmlr.org/papers/v18/17-468.html>`__ gives the general
# cost of both modes.

# %% zh 664cf2: 走一趟，求出所有导数
# 从前往后走，也可以让每条边只访问一次，这就是前向累积，又称前向模式，乘法同样只要 20 次。
# 但它从*一个*变量出发，只得到关于这个变量的导数。反向累积从损失出发，沿途经过每一个变量。
# 要得到关于:math:`h_0`到:math:`h_9`的全部导数，前向模式要走 10 趟，起点越靠后，路程越短，
# 加起来是 110 次乘法；反向模式只要 1 趟，20 次乘法。
#
# 损失只是一个数，模型参数却很多，所以训练用反向模式。两种模式的一般开销见
# `Baydin 等人的综述 <https://www.jmlr.org/papers/v18/17-468.html>`__。


# %%
def forward_accumulation(slopes):
    change, multiplications = 1.0, 0
    for level in slopes:
        change = sum(change * slope for slope in level)
        multiplications += len(level)
    return change, multiplications


sweeps = [forward_accumulation(slopes[k:]) for k in range(10)]
for k in range(10):
    assert math.isclose(sweeps[k][0], gradients[k])

print(sweeps[0][1], sum(count for _, count in sweeps), reverse_accumulation(slopes)[1])
assert sum(count for _, count in sweeps) == 110

# %% en: A thousand levels
# Autograd does reverse accumulation. Build the same ladder from tensors and its gradients match
# ours level by level. Then make it 1000 levels deep. ``register_hook`` calls a function each time
# the gradient of a tensor has been computed. With more paths than anyone can count, how often
# will it be called for the 1001 tensors?

# %% zh ecdd4c: 一千级
# autograd 做的就是反向累积。用张量搭出同样的梯子，每一级的梯度都与我们算的一致。
# 再把梯子加到 1000 级。``register_hook``给张量登记一个函数，这个张量的梯度每算好一次，就调用一次。
# 路径多得数不清；给这 1001 个张量都登记上，函数一共会调用多少次？


# %%
def ladder(depth):
    levels = [torch.tensor(1.0, requires_grad=True)]
    for _ in range(depth):
        h = levels[-1]
        levels.append(0.5 * h + 0.5 * torch.sin(h))
    return levels


levels = ladder(10)
computed = torch.autograd.grad(levels[-1], levels)
torch.testing.assert_close(torch.stack(computed), torch.tensor(gradients))

visits = []
levels = ladder(1000)
for h in levels:
    h.register_hook(lambda gradient: visits.append(1))
levels[-1].backward()
print("visits", len(visits))
print("digits", len(str(2**1000)))
assert len(visits) == 1001
assert len(str(2**1000)) == 302

# %% en
# Once each. The number of paths, :math:`2^{1000}`, has 302 digits; autograd never looks at a
# path.

# %% zh d19298
# 每个张量恰好一次。路径共有:math:`2^{1000}`条，这个数有 302 位；autograd 从不逐条去看路径。

# %% en: First way: numeric
# There are three ways to let a computer differentiate. The numeric way evaluates the function
# nearby and divides. The forward difference looks to one side, the central difference to both:
#
# .. math::
#
#    \frac{f(x + h) - f(x)}{h}, \qquad \frac{f(x + h) - f(x - h)}{2h}
#
# How small should :math:`h` be? Test on :math:`\sin` at :math:`x = 1`, where the answer is
# :math:`\cos 1`: if the quotient is :math:`D_h`, its error is :math:`|D_h - \cos 1|`. Is the
# smallest step the best one?

# %% zh 74b5bb: 第一种办法：数值微分
# 让计算机求导有三种办法。数值微分在附近多算几次函数值，再相除。
# 前向差分只看一侧，中心差分看两侧：
#
# .. math::
#
#    \frac{f(x + h) - f(x)}{h}, \qquad \frac{f(x + h) - f(x - h)}{2h}
#
# :math:`h`该取多小？拿:math:`\sin`在:math:`x = 1`处试一试，正确答案是:math:`\cos 1`。
# 商记作:math:`D_h`，误差就是:math:`|D_h - \cos 1|`。步长越小越好吗？

# %%
at = torch.tensor(1.0)
h = torch.logspace(-14, 0, 57)
forward = (torch.sin(at + h) - torch.sin(at)) / h
central = (torch.sin(at + h) - torch.sin(at - h)) / (2 * h)
forward_error = (forward - torch.cos(at)).abs()
central_error = (central - torch.cos(at)).abs()

plt.loglog(h.cpu(), forward_error.cpu(), label="$(f(x+h) - f(x))/h$")
plt.loglog(h.cpu(), central_error.cpu(), label="$(f(x+h) - f(x-h))/2h$")
plt.xlabel("$h$")
plt.ylabel("$|D_h - \\cos 1|$")
plt.legend(loc="upper center")
plt.show()

# %% en alt
# Error of both differences against :math:`h` on logarithmic axes. Each curve is a V: from right to
# left the error falls on a straight line, steeper for the central difference, reaches its lowest
# point, then rises again along a ragged line.

# %% zh alt b32bb4
# 两种差分的误差随:math:`h`的变化，双对数坐标。两条曲线都呈 V 形：从右往左，误差先沿直线下降，
# 中心差分降得更陡；到达最低点之后，又沿着参差不齐的线回升。

# %% en
# On the right the formula is to blame: the curve bends between the points. This truncation error
# shrinks like :math:`h` for the forward difference and like :math:`h^2` for the central one: from
# :math:`h = 0.1` to :math:`h = 0.01` it falls by factors of about 10 and 100.
#
# On the left the arithmetic is to blame: two nearly equal numbers are subtracted, and dividing by a
# tiny :math:`h` magnifies their rounding error. The best central step is near :math:`10^{-5}`.
# Even there the error is far above :math:`10^{-16}`, the rounding error of ``float64``.

# %% zh d00b0a
# 右半边的问题出在公式：两点之间曲线是弯的。这种截断误差，
# 前向差分按:math:`h`缩小，中心差分按:math:`h^2`缩小：
# :math:`h = 0.1`与:math:`h = 0.01`处的误差之比，前者约为 10，后者约为 100。
#
# 左半边的问题出在运算：两个几乎相等的数相减，再除以极小的:math:`h`，舍入误差就放大了。
# 中心差分的最佳步长在:math:`10^{-5}`附近。即便取这个步长，
# 误差仍远大于``float64``的舍入误差:math:`10^{-16}`。

# %%
best_forward, best_central = h[forward_error.argmin()], h[central_error.argmin()]
print("forward", f"{best_forward.item():.0e} {forward_error.min().item():.0e}")
print("central", f"{best_central.item():.0e} {central_error.min().item():.0e}")
assert 1e-10 < best_forward < 1e-6 < best_central < 1e-3
assert 1e-14 < central_error.min() < forward_error.min()


def error_at(errors, step):
    return errors[(h - step).abs().argmin()].item()


print(round(error_at(forward_error, 1e-1) / error_at(forward_error, 1e-2)))
print(round(error_at(central_error, 1e-1) / error_at(central_error, 1e-2)))
assert 9 < error_at(forward_error, 1e-1) / error_at(forward_error, 1e-2) < 11
assert 99 < error_at(central_error, 1e-1) / error_at(central_error, 1e-2) < 101
assert central_error[0] > 1000 * central_error.min()

# %% en: Second way: symbolic
# The symbolic way turns the formula of a function into one for its derivative. Store a
# formula as nested tuples (left side, operator, right side), and the rules for sums and products
# fit into a few lines. Apply them to :math:`4x(1 - x)`, then feed that expression into itself again
# and again. How fast will the number of characters grow in :math:`f`, and how fast in :math:`f'`?

# %% zh c3c603: 第二种办法：符号微分
# 符号微分从函数的公式推出导数的公式。把公式存成嵌套的元组（左边、运算符、右边），
# 加法和乘法的求导法则几行代码就能写完。先用在:math:`4x(1 - x)`上，再把这个式子反复代入自身。
# 猜一猜：:math:`f`的字符数增长得有多快？:math:`f'`呢？


# %%
def derivative(e):
    if not isinstance(e, tuple):
        return int(e == "x")
    a, op, b = e
    if op == "+":
        return (derivative(a), "+", derivative(b))
    return ((derivative(a), "*", b), "+", (a, "*", derivative(b)))


def text(e):
    return "(" + "".join(map(text, e)) + ")" if isinstance(e, tuple) else str(e)


f = "x"
f_length, df_length = [], []
for n in range(1, 7):
    f = ((4, "*", f), "*", (1, "+", (-1, "*", f)))
    df = derivative(f)
    if n == 1:
        print(text(f))
        print(text(df))
    f_length.append(len(text(f)))
    df_length.append(len(text(df)))

print(f_length)
print(df_length)
assert all(b > 2 * a for a, b in itertools.pairwise(f_length))
assert all(b > 2 * a for a, b in itertools.pairwise(df_length))
assert df_length[-1] > 10 * f_length[-1]

# %% en
# Every substitution more than doubles both. This is expression swell: written out as one
# formula, a result that is used twice is copied twice. If equal parts are shared instead of
# copied, what remains is `automatic differentiation under another name
# <https://arxiv.org/abs/1904.02990>`__.

# %% zh cd0b7e
# 每代入一次，两者的长度都变成原来的两倍还多。这就是表达式膨胀：要写成一个完整的公式，
# 用到两次的中间结果就得抄两遍。如果相同的部分不再抄写，而是共用，那其实就是
# `换了名字的自动微分 <https://arxiv.org/abs/1904.02990>`__。

# %% en: Third way: automatic
# The automatic way runs the program as it is, here 6 turns of a loop, and applies the chain rule
# to the numbers that it computes. There is no step size and no long formula. The result is exact
# up to rounding.
#
# For a reference, evaluate the long formula in exact fractions at :math:`x = 1/8`. Then compare
# the relative errors of the central difference and of autograd.

# %% zh 291202: 第三种办法：自动微分
# 自动微分照原样运行程序（这里是循环 6 次），一路对算出的数值运用链式法则。
# 不需要步长，也没有冗长的公式；除舍入误差外，结果是精确的。
#
# 作为对照，用分数精确算出那个长公式在:math:`x = 1/8`处的值，再比较中心差分和 autograd 的相对误差。


# %%
def logistic(x):
    for _ in range(6):
        x = 4 * x * (1 - x)
    return x


exact = eval(text(df), {"x": Fraction(1, 8)})
numeric = (logistic(0.125 + 1e-5) - logistic(0.125 - 1e-5)) / 2e-5
x = torch.tensor(0.125, requires_grad=True)
logistic(x).backward()

numeric_error = abs(numeric / float(exact) - 1)
automatic_error = abs(x.grad.item() / float(exact) - 1)
print(round(float(exact), 6), round(numeric, 6), round(x.grad.item(), 6))
print(f"{numeric_error:.0e} {automatic_error:.0e}")
assert automatic_error < 1e-12
assert numeric_error > 1000 * automatic_error

# %% en: Backpropagation by hand
# Reverse mode on a network is called backpropagation. For a network with one hidden layer,
#
# .. math::
#
#    z = W_1 x + b_1, \quad h = \tanh z, \quad p = W_2 h + b_2, \quad L = (p - y)^2
#
# walk back from :math:`L`, one local derivative at a time:
#
# .. math::
#
#    \frac{\partial L}{\partial p} = 2 (p - y), \quad
#    \frac{\partial L}{\partial h} = W_2^\top \frac{\partial L}{\partial p}, \quad
#    \frac{\partial L}{\partial z} = \frac{\partial L}{\partial h} \odot (1 - h^2)
#
# where :math:`\odot` multiplies element by element. Each parameter picks up its gradient on the
# way: a bias takes what arrives at it, a weight matrix takes the outer product of what arrives and
# its input. What arrives at :math:`z` is computed once and serves both :math:`W_1` and
# :math:`b_1`. Inside ``torch.no_grad()`` autograd records nothing. Each printed line holds the
# first element of a gradient, from autograd and by hand.

# %% zh 593921: 手推反向传播
# 反向模式用在神经网络上，就叫反向传播。设网络有一个隐藏层：
#
# .. math::
#
#    z = W_1 x + b_1, \quad h = \tanh z, \quad p = W_2 h + b_2, \quad L = (p - y)^2
#
# 从:math:`L`往回走，每次用一个局部导数：
#
# .. math::
#
#    \frac{\partial L}{\partial p} = 2 (p - y), \quad
#    \frac{\partial L}{\partial h} = W_2^\top \frac{\partial L}{\partial p}, \quad
#    \frac{\partial L}{\partial z} = \frac{\partial L}{\partial h} \odot (1 - h^2)
#
# 其中:math:`\odot`表示逐元素相乘。沿途就能得到各个模型参数的梯度：偏置的梯度就是传到这里的量，
# 权重矩阵的梯度是传到这里的量与输入的外积。传到:math:`z`的量只算一次，
# :math:`W_1`和:math:`b_1`都用得上。在``torch.no_grad()``里，autograd 什么也不记录。
# 输出的每一行是一个梯度的第一个元素，先是 autograd 的结果，后是手算的结果。

# %%
x, y = torch.tensor([1.0, 2.0]), torch.tensor([1.0])
W1 = torch.tensor([[0.1, -0.2], [0.4, 0.3], [-0.5, 0.2]], requires_grad=True)
b1 = torch.tensor([0.1, 0.0, -0.1], requires_grad=True)
W2 = torch.tensor([[0.7, -0.3, 0.5]], requires_grad=True)
b2 = torch.tensor([0.2], requires_grad=True)


def forward_pass():
    h = torch.tanh(W1 @ x + b1)
    p = W2 @ h + b2
    return h, p, ((p - y) ** 2).sum()


h, p, loss = forward_pass()
with torch.no_grad():
    dp = 2 * (p - y)
    dh = W2.T @ dp
    dz = dh * (1 - h**2)
    by_hand = (torch.outer(dz, x), dz, torch.outer(dp, h), dp)

loss.backward()
for parameter, expected in zip((W1, b1, W2, b2), by_hand, strict=True):
    print(round(parameter.grad.flatten()[0].item(), 6), round(expected.flatten()[0].item(), 6))
    torch.testing.assert_close(parameter.grad, expected)

# %% en: The price per parameter
# The network has 13 parameters. One forward pass and one backward pass gave all their partial
# derivatives. How many forward passes does the central difference need for the same?

# %% zh 20131e: 数值微分的代价
# 这个网络有 13 个模型参数。一次前向传播加一次反向传播，就得到了全部偏导数。
# 换成中心差分，需要多少次前向传播？

# %%
passes = 0
step = 1e-5
with torch.no_grad():
    for parameter in (W1, b1, W2, b2):
        weights, numeric = parameter.view(-1), []
        for i in range(len(weights)):
            kept = weights[i].item()
            weights[i] = kept + step
            above = forward_pass()[2].item()
            weights[i] = kept - step
            below = forward_pass()[2].item()
            weights[i] = kept
            numeric.append((above - below) / (2 * step))
            passes += 2
        torch.testing.assert_close(
            parameter.grad.flatten(), torch.tensor(numeric), rtol=1e-6, atol=1e-8
        )

print("forward passes", passes)
assert passes == 2 * 13

# %% en
# That is 26 for 13 parameters, and two million for a million. The cost of the backward pass is a
# small multiple of the forward pass, however many parameters there are. Numeric derivatives keep
# one use: checking the others on a small example.

# %% zh e85883
# 13 个模型参数要 26 次，一百万个就要两百万次。而一次反向传播的开销只是前向传播的几倍，
# 模型参数再多也是如此。数值微分仍有一个用处：在小例子上检验别的办法。

# %% en: Remember
# - The gradient of the loss with respect to the parameters says how the loss answers to a small
#   change of each; its negative points downhill.
# - At an optimum this gradient is zero, but a zero gradient can also be a saddle or a maximum.
# - Paths multiply with depth; edges do not. Reverse mode visits each edge once and serves all
#   parameters in one sweep.
# - Numeric derivatives depend on a step size, symbolic ones can swell, automatic ones are exact up
#   to rounding.

# %% zh 41e0e2: 记住
# - 损失关于模型参数的梯度说明：每个模型参数稍有变化，损失会怎样变化；梯度的反方向是下坡方向。
# - 在最优点，这个梯度为零；但梯度为零的点，也可能是鞍点或极大值点。
# - 深度每增加一级，路径的数目就成倍增长，边却不会。反向模式每条边只访问一次，
#   走一趟就求出关于所有模型参数的导数。
# - 数值微分的精度取决于步长，符号微分的公式会膨胀，自动微分除舍入误差外是精确的。

# %% en: Exercise: three ways per level
# Give each level of ``local_slopes(8)`` a third way with local derivative 0.25. Predict the number
# of paths and of edges, then count multiplications with ``sum_over_paths`` and
# ``reverse_accumulation``.

# %% zh d21659: 练习：每级三条支路
# 给``local_slopes(8)``的每一级加上第三条支路，局部导数为 0.25。先猜猜有多少条路径、多少条边，
# 再用``sum_over_paths``和``reverse_accumulation``数一数乘法次数。

# %% solution
three = [(*level, 0.25) for level in local_slopes(8)]
total, slow = sum_over_paths(three)
gradients, fast = reverse_accumulation(three)
print(3**8, 3 * 8, slow, fast)
assert math.isclose(total, gradients[0])
assert slow == 8 * 3**8 and fast == 3 * 8

# %% en: Exercise: zero gradients
# The loss :math:`w^4 - 2w^2` has a zero gradient at :math:`-1`, 0 and 1. Verify that with
# autograd, and find out which of the points are minima by looking at the loss 0.1 to either side.

# %% zh 64900a: 练习：梯度为零的点
# 损失:math:`w^4 - 2w^2`在:math:`-1`、0 和 1 三处梯度为零。用 autograd 验证，
# 再看看左右各 0.1 处的损失，判断其中哪些是极小值点。


# %% solution
def quartic(w):
    return w**4 - 2 * w**2


w = torch.tensor([-1.0, 0.0, 1.0], requires_grad=True)
quartic(w).sum().backward()
assert w.grad.abs().max() < 1e-12

with torch.no_grad():
    minimum = (quartic(w - 0.1) > quartic(w)) & (quartic(w + 0.1) > quartic(w))
print(minimum.tolist())
assert minimum.tolist() == [True, False, True]

# %% en: Exercise: a step size for float32
# Models mostly compute in ``float32``. Repeat the experiment with :math:`\sin` at :math:`x = 1`
# in that type, with steps from :math:`10^{-8}` to 1. Is the best step for the
# central difference larger or smaller than before, and how does its lowest error compare?

# %% zh ef8299: 练习：float32 的步长
# 模型大多用``float32``计算。换成这种类型，在:math:`x = 1`处对:math:`\sin`重做一遍实验，
# 步长从:math:`10^{-8}`取到 1。中心差分的最佳步长比原来大还是小？最小的误差与原来相比又如何？

# %% solution
at32 = torch.tensor(1.0, dtype=torch.float32)
h32 = torch.logspace(-8, 0, 33, dtype=torch.float32)
central32 = (torch.sin(at32 + h32) - torch.sin(at32 - h32)) / (2 * h32)
error32 = (central32.double() - torch.cos(at)).abs()
best32 = h32[error32.argmin()]
print(f"{best32.item():.0e} {error32.min().item():.0e}")
assert best32 > best_central
assert error32.min() > 100 * central_error.min()

# %% en: Where next
# - :ref:`first-gradient` computes a gradient with autograd and checks it.
# - :ref:`read-the-graph` shows the edges that autograd records.
# - :ref:`one-training-step` takes a step downhill with a model and an optimizer.
# - :ref:`jacobians-and-hessians` returns to forward and reverse mode for functions with many
#   outputs.
#
# If you also like to watch: `The Fundamentals of Autograd
# <https://www.youtube.com/watch?v=M0fX15_-xrY>`__ is an optional lecture, in English, on YouTube.
# No page of this course depends on it.

# %% zh f5160f: 接下来
# - :ref:`first-gradient`：用 autograd 算出一个梯度，并加以检验。
# - :ref:`read-the-graph`：看看 autograd 记录下来的边。
# - :ref:`one-training-step`：用模型和优化器往下坡走一步。
# - :ref:`jacobians-and-hessians`：函数有多个输出时，再谈前向模式与反向模式。
#
# 如果你也喜欢看视频，YouTube 上有一段英语讲座可供选看：`The Fundamentals of Autograd
# <https://www.youtube.com/watch?v=M0fX15_-xrY>`__。不看也不影响学习本课程。
