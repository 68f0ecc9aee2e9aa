# %% about
# level: advanced
# tags: torch.autograd.functional.hessian, torch.linalg.solve, float64

# %% en: Newton's method
# What is a Hessian good for? Newton's method uses it to choose a step. This page lets you write the
# method in three lines, judge how fast it is, and see what can go wrong.
#
# It builds on :ref:`jacobians-and-hessians`. Counting correct digits needs ``float64``, which Apple's
# MPS does not have; there the page computes on the CPU.

# %% zh 78f99e: 牛顿法
# 海森矩阵有什么用？牛顿法靠它来确定每一步。读过这一页，你就能用三行代码写出这个方法，能判断它有多快，
# 也知道它什么时候会出错。
#
# 这一页以:ref:`jacobians-and-hessians`为基础。要数出有几位正确，就得用``float64``；苹果的 MPS 没有这种类型，
# 在那样的设备上，这一页改用 CPU 计算。

# %%
import matplotlib.pyplot as plt
import torch
from torch.autograd import functional

device = torch.accelerator.current_accelerator(check_available=True)
if device is None or device.type == "mps":
    device = torch.device("cpu")
torch.set_default_device(device)

# %% en: A jump instead of a step
# To make a function :math:`\varphi` small, gradient descent follows the slope. Newton's method also
# knows how the slope changes, from the Hessian matrix :math:`H`, and goes to where the gradient would
# vanish if the slope kept changing at this rate:
#
# .. math::
#
#    x \leftarrow x - H^{-1} \nabla \varphi(x)
#
# ``torch.linalg.solve(H, gradient)`` computes :math:`H^{-1} \nabla \varphi` as the solution of a
# linear system, without inverting :math:`H`. The function :math:`q` in the code has its minimum at
# :math:`(1, 2)`. How close does one jump from :math:`(10, -10)` come?

# %% zh b6fe28: 跳过去，而不是走一步
# 要使函数:math:`\varphi`变小，梯度下降（gradient descent）沿着斜率走。牛顿法（Newton's method）还从海森矩阵（Hessian matrix）:math:`H`得知斜率怎样变化：
# 假如斜率一直照这个速度变下去，梯度会在哪里变成零，就直接跳到哪里：
#
# .. math::
#
#    x \leftarrow x - H^{-1} \nabla \varphi(x)
#
# ``torch.linalg.solve(H, gradient)``解一个线性方程组，由此得到:math:`H^{-1} \nabla \varphi`，不必求:math:`H`的
# 逆矩阵。代码里的函数:math:`q`在:math:`(1, 2)`处取得最小值。从:math:`(10, -10)`跳一次，离那里还有多远？


# %% predict
def newton(function, x):
    gradient = functional.jacobian(function, x)
    H = functional.hessian(function, x)
    return x - torch.linalg.solve(H, gradient)


def q(x):
    a, b = x
    return a**2 + a * b + 2 * b**2 - 4 * a - 9 * b


start = torch.tensor([10.0, -10.0], dtype=torch.float64)
print(newton(q, start).tolist())

# %% check
lowest = torch.tensor([1.0, 2.0], dtype=torch.float64)
torch.testing.assert_close(newton(q, start), lowest)
torch.testing.assert_close(newton(q, -3 * start), lowest)
flat = functional.jacobian(q, lowest)
torch.testing.assert_close(flat, torch.zeros_like(flat))
try:
    newton(lambda x: x.sum() ** 2, start)
except RuntimeError as refusal:
    assert "singular" in str(refusal)

# %% en
# It lands on it. As :math:`q` is quadratic, its second derivatives are constant, its slope really
# does keep changing at the same rate, and one jump is enough from anywhere.

# %% zh f41bac
# 正好落在那里。:math:`q`是二次函数，二阶导数是常数，斜率的确一直照同样的速度变化，所以不论从哪里出发，跳一次就够了。

# %% en: Against gradient descent
# Now a function that is not quadratic, with its minimum at the origin, so that the error is the
# distance :math:`\|x\|`:
#
# .. math::
#
#    \varphi(x) = e^{x_1 + 3x_2} + e^{x_1 - x_2} - 2x_1 - 2x_2
#
# Both methods start at :math:`(1, -0.5)`; gradient descent takes steps of 0.1 times the gradient. On
# a logarithmic axis, which shape do the two curves of the error have?

# %% zh 81552d: 与梯度下降相比
# 现在换一个非二次的函数，它的极小值点在原点，所以误差就是到原点的距离:math:`\|x\|`：
#
# .. math::
#
#    \varphi(x) = e^{x_1 + 3x_2} + e^{x_1 - x_2} - 2x_1 - 2x_2
#
# 两种方法都从:math:`(1, -0.5)`出发；梯度下降每一步走梯度的 0.1 倍。用对数坐标画误差，两条曲线各是什么形状？


# %% predict
def phi(x):
    a, b = x
    return (a + 3 * b).exp() + (a - b).exp() - 2 * a - 2 * b


def descent(function, x):
    return x - 0.1 * functional.jacobian(function, x)


def errors(step, count):
    x = torch.tensor([1.0, -0.5], dtype=torch.float64)
    history = [x.norm().item()]
    for _ in range(count):
        x = step(phi, x)
        history.append(x.norm().item())
    return history


jumping, walking = errors(newton, 6), errors(descent, 40)
plt.semilogy(jumping, "o-", label=r"$x - H^{-1} \nabla\varphi$")
plt.semilogy(walking, "--", label=r"$x - 0.1\, \nabla\varphi$")
plt.xlabel("$k$")
plt.ylabel(r"$\|x_k\|$")
plt.legend()
plt.show()

# %% check
flat = functional.jacobian(phi, torch.zeros(2, dtype=torch.float64))
assert flat.tolist() == [0, 0]
assert len(jumping) == 7 and len(walking) == 41
z = torch.tensor([1.0, -0.5], dtype=torch.float64)
by_hand = [z.norm().item()]
for _ in range(40):
    e, f = (z[0] + 3 * z[1]).exp(), (z[0] - z[1]).exp()
    z = z - 0.1 * torch.stack([e + f - 2, 3 * e - f - 2])
    by_hand.append(z.norm().item())
torch.testing.assert_close(torch.tensor(walking), torch.tensor(by_hand))
z = torch.tensor([1.0, -0.5], dtype=torch.float64)
by_hand = [z.norm().item()]
for _ in range(5):
    e, f = (z[0] + 3 * z[1]).exp(), (z[0] - z[1]).exp()
    determinant = (e + f) * (9 * e + f) - (3 * e - f) ** 2
    s, t = e + f - 2, 3 * e - f - 2
    left = (9 * e + f) * s - (3 * e - f) * t
    right = (e + f) * t - (3 * e - f) * s
    z = z - torch.stack([left, right]) / determinant
    by_hand.append(z.norm().item())
torch.testing.assert_close(
    torch.tensor(jumping[:6]), torch.tensor(by_hand), rtol=1e-4, atol=0
)
assert jumping[6] < 1e-12 and walking[40] > 1e-4
for k in range(20, 40):
    assert abs(walking[k + 1] / walking[k] - 0.85) < 0.02

# %% en alt
# Error per step on a logarithmic axis. Gradient descent falls along a nearly straight line to below a
# thousandth after 40 steps; Newton's curve bends down ever more steeply and reaches rounding error in
# 6 steps.

# %% zh alt a4ccf6
# 每一步之后的误差，纵轴为对数坐标。梯度下降几乎沿直线下降，40 步之后不到千分之一；
# 牛顿法的曲线越来越陡，6 步就降到了舍入误差的水平。

# %% en
# Gradient descent ends in a straight line: each step leaves the same *fraction* of the error, here
# about 0.85. Newton's curve bends down.

# %% zh 79988e
# 梯度下降最后成了一条直线：每走一步，误差都剩下相同的*比例*，这里大约是 0.85。牛顿法的曲线则往下弯。

# %% en: Count the digits
# How steeply does it bend? Here are Newton's errors after each step (1e-4 means about four correct
# digits). The last line divides the errors of the last two by the *square* of the error before.

# %% zh ab02a1: 数一数位数
# 弯得有多快？下面是牛顿法每一步之后的误差（1e-4 表示大约有四位正确）。最后一行，是最后两个误差分别除以各自前一个
# 误差的*平方*。

# %%
after = jumping[1:6]
for error in after:
    print(f"{error:.0e}")
print(jumping[4] / jumping[3] ** 2, jumping[5] / jumping[4] ** 2)

# %% check
for k in (3, 4):
    assert 0.62 < jumping[k + 1] / jumping[k] ** 2 < 0.64
torch.testing.assert_close(
    torch.tensor(after), torch.tensor(by_hand[1:]), rtol=1e-4, atol=0
)


def rough(x):
    return (x**2 + x.abs() ** 2.5).sum()


z, ratios = torch.tensor([0.5], dtype=torch.float64), []
for _k in range(5):
    ratios.append((newton(rough, z) / z**2).item())
    z = newton(rough, z)
assert functional.hessian(rough, 0 * z + 1e-12).item() > 1.9
assert ratios[4] > 100 * ratios[0]

# %% en
# The number of correct digits doubles with each step: close to the minimum the new error is about a
# constant, 0.63, times the square of the old one. This is called quadratic convergence. It holds where
# the function is smooth enough and :math:`H` is positive definite at the minimum: the second
# derivative along every direction is positive, so every direction leads upwards.

# %% zh 73fb85
# 每走一步，正确的位数就翻倍：在极小值点附近，新的误差大约是常数 0.63 乘以旧误差的平方。这叫二次收敛（quadratic convergence）。
# 前提是函数足够光滑，而且极小值点处的:math:`H`正定（positive definite）：沿每个方向的二阶导数都为正，往哪个方向走都是上坡。

# %% en: Two starts
# The function :math:`x^3 - 3x` has a minimum at 1 and a maximum at -1. Take 8 Newton steps from 2, and
# as many from -2. Where do they end?

# %% zh 9f97d5: 两个起点
# 函数:math:`x^3 - 3x`在 1 处有极小值，在 -1 处有极大值。分别从 2 和 -2 出发，用牛顿法走 8 步，各停在哪里？


# %% predict
def cubic(x):
    return (x**3 - 3 * x).sum()


for begin in (2.0, -2.0):
    x = torch.tensor([begin], dtype=torch.float64)
    for _ in range(8):
        x = newton(cubic, x)
    print(x.item(), functional.hessian(cubic, x).item())

# %% check
for z, end in ((2.0, 1.0), (-2.0, -1.0)):
    for _k in range(8):
        z = z - (3 * z**2 - 3) / (6 * z)
    assert abs(z - end) < 1e-12
assert abs(x.item() + 1) < 1e-12
assert abs(functional.hessian(cubic, x).item() + 6) < 1e-9
one = newton(cubic, torch.tensor([2.0], dtype=torch.float64))
assert abs(one.item() - (2 - 9 / 12)) < 1e-12

# %% en
# From 2 at the minimum, from -2 at the maximum, where the second derivative is -6. The method looks
# for a zero of the gradient, and that is only a necessary condition for a minimum. Look at the sign
# of the second derivative before you trust the answer.

# %% zh 87d1a2
# 从 2 出发，停在极小值点；从 -2 出发，却停在极大值点，那里的二阶导数是 -6。这个方法找的是梯度的零点，
# 而梯度为零只是极小值点的必要条件。先看二阶导数的符号，再决定是否相信这个结果。

# %% en: A single minimum
# The function :math:`\sqrt{1 + x^2}` has a single minimum, at 0, and its second derivative is
# positive everywhere. Where do three Newton steps from 2 lead?

# %% zh b96581: 唯一的极小值点
# 函数:math:`\sqrt{1 + x^2}`只有一个极小值点，就在 0 处，二阶导数处处为正。从 2 出发，用牛顿法走三步，会到哪里？


# %% predict
def bowl(x):
    return (1 + x**2).sqrt().sum()


x = torch.tensor([2.0], dtype=torch.float64)
for _ in range(3):
    x = newton(bowl, x)
    print(round(x.item()))

# %% check
assert abs(x.item() / -(8.0**9) - 1) < 1e-6
z = torch.tensor([2.0], dtype=torch.float64)
torch.testing.assert_close(newton(bowl, z), -(z**3))
torch.testing.assert_close(newton(bowl, z / 4), -((z / 4) ** 3))

# %% en
# To -8, 512 and -134217728: each step turns :math:`x` into :math:`-x^3`. Far out the slope hardly
# changes; continued at that small rate, it meets zero far beyond the minimum. Below 1 in size the same
# rule converges faster than quadratically. So Newton's method is often used with a brake: a step that
# does not lower the function is shortened.

# %% zh 296a4a
# 到了 -8、512、-134217728：每走一步，:math:`x`就变成:math:`-x^3`。远处的斜率几乎不再变化；
# 照这样小的速度变下去，要越过极小值点很远，斜率才变成零。只要绝对值小于 1，按同样的规则，收敛得比二次收敛还快。所以使用牛顿法时常常加一道刹车：
# 如果某一步没有使函数值变小，就把这一步缩短。

# %% en: Remember
# - A Newton step solves :math:`H s = \nabla\varphi` and goes from :math:`x` to :math:`x - s`.
# - With a positive definite :math:`H`, one step is enough for a quadratic function; for others that are
#   smooth enough, the number of correct digits roughly doubles close to the minimum.
# - It looks for zeros of the gradient, not minima, and from far away it may find none.

# %% zh 65dabd: 要点
# - 牛顿法的一步，先解:math:`H s = \nabla\varphi`，再从:math:`x`走到:math:`x - s`。
# - 如果:math:`H`正定，对二次函数一步就够；对其他足够光滑的函数，在极小值点附近，每走一步，正确的位数大致翻倍。
# - 牛顿法找的是梯度的零点，不是极小值点；从远处出发，还可能什么也找不到。

# %% en: Exercise: fit in one step
# The mean squared error of a linear model is quadratic in its weights. With the matrix ``A`` and the
# targets ``t`` below, minimise :math:`\frac{1}{4} \|A w - t\|^2` by one Newton step from zero, and
# compare with ``torch.linalg.lstsq(A, t)``:
#
# - ``A = [[1, 0], [1, 1], [1, 2], [1, 3]]``
# - ``t = [1, 3, 3, 6]``

# %% zh 956449: 练习：一步拟合
# 线性模型的均方误差是权重（weight）的二次函数。用下面的矩阵``A``和目标值``t``，从零出发走一步牛顿法，使
# :math:`\frac{1}{4} \|A w - t\|^2`最小，再与``torch.linalg.lstsq(A, t)``比较：
#
# - ``A = [[1, 0], [1, 1], [1, 2], [1, 3]]``
# - ``t = [1, 3, 3, 6]``

# %% solution
rows = [[1, 0], [1, 1], [1, 2], [1, 3]]
A = torch.tensor(rows, dtype=torch.float64)
t = torch.tensor([1, 3, 3, 6], dtype=torch.float64)


def squared_error(w):
    return (A @ w - t).square().mean()


fitted = newton(squared_error, torch.zeros(2, dtype=torch.float64))
print(fitted.tolist())
best = torch.linalg.lstsq(A, t[:, None]).solution[:, 0]
torch.testing.assert_close(fitted, best)

# %% en: Exercise: the square root of two
# The derivative of :math:`x^3 / 3 - 2x` is :math:`x^2 - 2`. Find :math:`\sqrt 2` with Newton steps
# from 1. How many are needed until the error is below 1e-14?

# %% zh aecd45: 练习：二的平方根
# :math:`x^3 / 3 - 2x`的导数是:math:`x^2 - 2`。从 1 出发，用牛顿法求:math:`\sqrt 2`。要走几步，误差才小于 1e-14？

# %% solution
x, steps = torch.ones(1, dtype=torch.float64), 0
while abs(x.item() - 2**0.5) > 1e-14:
    x = newton(lambda x: (x**3 / 3 - 2 * x).sum(), x)
    steps += 1
print(steps)
assert steps == 5

# %% en: Where next
# Large models are mostly trained with gradients alone, because a Hessian of all parameters is too large to build:
# see :ref:`what-jacobians-cost` for the sizes and :ref:`one-training-step` for the loop.

# %% zh 443454: 接下来
# 训练大模型通常只用梯度，因为关于全部模型参数（parameter）的海森矩阵太大，构造不出来：大小见:ref:`what-jacobians-cost`，
# 训练循环见:ref:`one-training-step`。
