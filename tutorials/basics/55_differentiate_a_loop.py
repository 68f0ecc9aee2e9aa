# %% about
# level: intermediate
# tags: Tensor.backward, Tensor.grad, Tensor.requires_grad

# %% en: Differentiate a loop
# A ``while`` loop may run until a number is large enough, or until a method has converged. After
# this page you know what ``backward`` makes of it, and where the gradient needs a second look.
#
# From :ref:`graphs-are-built-by-running` you know that a graph comes from operations that ran,
# those of each round of a loop included.

# %% zh f9b867: 对循环求导
# 有的``while``循环要跑到数值足够大才停，有的要跑到算法收敛（converge）才停。对循环得出的结果调用``backward``，
# 会得到什么梯度（gradient）？哪些地方又要多留个心眼？读完你就有数了。
#
# :ref:`graphs-are-built-by-running`已经讲过：计算图（computational graph）来自执行过的运算，
# 循环每一轮里的运算也包括在内。这一页就从这里讲起。

# %%
import textwrap

import matplotlib.pyplot as plt
import torch

device = torch.accelerator.current_accelerator(check_available=True)
torch.set_default_device(device or "cpu")

# %% en: A loop that asks the data
# The function ``doubled`` doubles a number until it is at least 1000, so the data decides how often
# the loop runs. From :math:`x = 3` that takes 9 rounds and ends at 1536 (``item`` gives the Python
# number in a tensor of one element). No formula for the number of rounds stands anywhere. What
# will ``x.grad`` be?

# %% zh 4ec424: 由数据决定轮数的循环
# 函数``doubled``把一个数不断翻倍，直到不小于 1000 为止，所以循环跑几轮由数据决定。
# 从:math:`x = 3`出发要跑 9 轮，得到 1536（``item``把单元素张量（tensor）里的数取出来，变成 Python 数值）。
# 代码里并没有写轮数的公式。``x.grad``会是多少？


# %% predict
def doubled(x):
    rounds = 0
    while x < 1000:
        x = 2 * x
        rounds += 1
    return x, rounds


x = torch.tensor(3.0, requires_grad=True)
y, rounds = doubled(x)
y.backward()
print(y.item(), rounds, x.grad.item())

# %% check
assert (y, rounds) == (1536, 9)
assert x.grad == 2**9
assert (x < 1000).grad_fn is None
large = torch.tensor(2000.0, requires_grad=True)
assert doubled(large) == (2000, 0)
assert torch.autograd.grad(doubled(large)[0], large) == (1,)

# %% en
# Each round that ran contributes a factor 2, which gives :math:`2^9 = 512`.

# %% zh 3e0638
# 每跑一轮就多乘一个因子 2，合起来是:math:`2^9 = 512`。

# %% en: From other starts
# Larger starts need fewer rounds, and wherever one round drops out, :math:`y` falls from about
# 2000 to 1000. Picture the two curves for starts from 1 to 977, with logarithmic axes. What shape
# has :math:`dy/dx`, and what does it show where :math:`y` jumps?

# %% zh f7ef70: 换一些起点
# 起点越大，需要的轮数越少；轮数每减少一次，:math:`y`就从接近 2000 跌到 1000。
# 让起点从 1 变到 977，两个坐标轴都取对数，先在脑子里画出两条曲线：:math:`dy/dx`是什么形状？
# 在:math:`y`跳跃的地方，这个导数又有什么表现？

# %% predict
starts = torch.logspace(0, 2.99, 300).tolist()
values, slopes = [], []
for start in starts:
    x = torch.tensor(start, requires_grad=True)
    y, _ = doubled(x)
    y.backward()
    values.append(y.item())
    slopes.append(x.grad.item())
plt.loglog(starts, values, label="$y$")
plt.loglog(starts, slopes, "--", label="$dy/dx$")
plt.xlabel("$x$")
plt.legend()
plt.show()

# %% check
assert len(starts) == 300
for k, one in enumerate(starts):
    assert abs(one / 10 ** (2.99 * k / 299) - 1) < 1e-5
for one, value, slope in zip(starts, values, slopes, strict=True):
    power = next(2**k for k in range(20) if one * 2**k >= 1000)
    assert (value, slope) == (one * power, power)
assert 1023 < max(slopes) < 1025 and min(slopes) == 2

# %% en alt
# The result :math:`y` and its derivative :math:`dy/dx` against the start :math:`x` from 1 to 977,
# both axes logarithmic. The result is a sawtooth between 1000 and 2000. The derivative, dashed, is
# a staircase that descends from 1024 to 2, with level steps and no peaks.

# %% zh alt d422e6
# 结果:math:`y`和导数:math:`dy/dx`随起点:math:`x`变化的曲线，起点从 1 到 977，两轴都是对数刻度。
# 结果是 1000 与 2000 之间的锯齿线；导数用虚线画出，像一段从 1024 逐级降到 2 的台阶，
# 每一级都是平的，没有尖峰。

# %% en
# It is a staircase of powers of 2, and where :math:`y` jumps there is no peak: the gradient is the
# slope of the piece that ran. Written out, :math:`y = 2^k x`, and autograd treats the number of
# rounds :math:`k` as a constant although it depends on :math:`x`: the comparison that decides it
# leaves no node. So the gradient does not tell you that a tiny step over the
# limit would halve the result.

# %% zh b2bb06
# 导数是一级级台阶，取值都是 2 的幂；在:math:`y`跳跃的地方没有尖峰，因为梯度就是执行过的那一段的斜率。
# 写成公式就是:math:`y = 2^k x`；轮数:math:`k`其实随:math:`x`而变，autograd 却把它当作常数，
# 因为决定轮数的是比较运算，而比较运算没有节点（node）。所以，哪怕起点只大了一点点，
# 只要越过界线，结果就会减半，而梯度对此只字不提。

# %% en: Round by round
# Newton's method for the square root starts at :math:`y = 1` and repeats
# :math:`y \leftarrow (y + a / y) / 2`, and soon :math:`y` is close to :math:`\sqrt{a}`.
# No derivative of a square root stands anywhere, and yet :math:`dy/da` ought to go to
# :math:`1 / (2 \sqrt{a})`. Each round makes the new value from the old value; differentiate
# that, and the new gradient comes from the old value and the old gradient. Take :math:`a = 100`,
# where the limits are 10 and 0.05. The cell draws how far off both are, each divided by its limit.
# (``a.grad = None`` clears the gradient of the run before, to which ``backward`` would add.) Does
# the gradient arrive before the value, with it, after it, or does it go astray?

# %% zh 4f22aa: 一轮接一轮
# 用牛顿法（Newton's method）求平方根：从:math:`y = 1`出发，反复计算:math:`y \leftarrow (y + a / y) / 2`，
# :math:`y`很快就会接近:math:`\sqrt{a}`。代码里没有平方根的求导公式，
# 但:math:`dy/da`应当趋于:math:`1 / (2 \sqrt{a})`。每一轮里，新的值由旧的值算出；
# 求导可知，新的梯度则由旧的值和旧的梯度一起算出。取:math:`a = 100`，两者的极限分别是 10 和 0.05。
# 下面画出两者各自的误差与极限之比。（``a.grad = None``清掉前一次留下的梯度，
# 不然``backward``会往上累加。）与函数值相比，梯度是先到、同时到、后到，还是根本到不了？


# %% predict
def root(a, rounds):
    y = torch.tensor(1.0)
    for _ in range(rounds):
        y = (y + a / y) / 2
    return y


a = torch.tensor(100.0, requires_grad=True)
value_errors, slope_errors = [], []
for rounds in range(1, 7):
    a.grad = None
    y = root(a, rounds)
    y.backward()
    value_errors.append(abs(y.item() / 10 - 1))
    slope_errors.append(abs(a.grad.item() / 0.05 - 1))
plt.semilogy(range(1, 7), value_errors, "o-", label="$y$")
plt.semilogy(range(1, 7), slope_errors, "s--", label="$dy/da$")
plt.xlabel("rounds")
plt.ylabel("relative error")
plt.legend()
plt.show()

# %% check
value, slope = 1.0, 0.0
for value_error, slope_error in zip(
    value_errors, slope_errors, strict=True
):
    slope = (slope + 1 / value - 100 * slope / value**2) / 2
    value = (value + 100 / value) / 2
    assert (
        abs(value_error - abs(value / 10 - 1))
        < 1e-6 + 1e-5 * value_error
    )
    assert (
        abs(slope_error - abs(slope * 20 - 1))
        < 1e-6 + 1e-5 * slope_error
    )
    assert slope_error > value_error
assert value_errors[0] > 1 - 1 / 10 and slope_errors[0] > 1
assert value_errors == sorted(value_errors, reverse=True)
assert slope_errors == sorted(slope_errors, reverse=True)
assert len(value_errors) == 6 and rounds == 6
assert slope_errors[-1] < 1e-4

# %% en alt
# The relative errors of :math:`y` and :math:`dy/da` after 1 to 6 rounds, the vertical axis
# logarithmic. Both curves fall, ever more steeply. That of the gradient, dashed, lies above the
# other throughout, and after round 6 it is below :math:`10^{-4}`.

# %% zh alt 2f2cba
# 跑完 1 到 6 轮后，:math:`y`与:math:`dy/da`的相对误差，纵轴为对数刻度。两条曲线越降越陡；
# 梯度的曲线用虚线画出，始终在另一条上方，第 6 轮之后已低于:math:`10^{-4}`。

# %% en
# A little after it. The first round jumps too far, to 50.5; each of the others mends both. But the
# errors of the old value and of the old gradient both go into the new gradient. So a loop that
# stops as soon as its value is good enough may hand you a gradient that is a little worse. Ask for
# some more accuracy than you need for the value.

# %% zh 5b6e0e
# 稍晚一点，跟在函数值后面。第一轮跳过了头，到了 50.5；此后每跑一轮，两者都更准。不过，
# 旧值的误差和旧梯度的误差都会带进新的梯度。因此，如果函数值一够准，循环就停下，得到的梯度可能还差一点。
# 停止条件不妨定得比函数值所需的再严一些。

# %% en: Until it is close enough
# In practice the loop asks when to stop. Here it runs until :math:`y^2` is within 0.001 of
# :math:`a`. The gradient should be 0.05 for :math:`a = 100` and 0.5 for :math:`a = 1`. What will
# each of the two print?

# %% zh 3b10fa: 够接近就停
# 实际使用时，什么时候停，由循环自己判断。下面的循环一直跑到:math:`y^2`与:math:`a`相差不超过 0.001 为止。
# :math:`a = 100`时梯度应当是 0.05，:math:`a = 1`时应当是 0.5。两次各会打印什么？


# %% predict
def close_root(a):
    y = torch.tensor(1.0)
    while abs(y**2 - a) > 1e-3:
        y = (y + a / y) / 2
    return y


far = torch.tensor(100.0, requires_grad=True)
near = torch.tensor(1.0, requires_grad=True)
for a in (far, near):
    y = close_root(a)
    print(f"{y.item():.4f}")
    try:
        y.backward()
        print(f"{a.grad.item():.4f}")
    except RuntimeError as error:
        print(textwrap.fill(str(error)))

# %% check
assert (far, near) == (100, 1)
assert close_root(far) == root(far, 7)
assert abs(close_root(far) - 10) < 1e-4
assert abs(far.grad - 0.05) < 1e-5
assert a is near and y == 1 and y.grad_fn is None and a.grad is None
try:
    y.backward()
except RuntimeError as problem:
    message = str(problem)
assert "does not require grad and does not have a grad_fn" in message

# %% en
# For 100 all is well. For 1 the start is the answer already: the loop runs no round, nothing
# connects :math:`y` with :math:`a`, and ``backward`` says that the result does not require a
# gradient and has no ``grad_fn``. The value is right and the gradient is missing, because a
# gradient belongs to the operations that ran and not to the function that you had in mind.

# %% zh 4dd1be
# 取 100 时一切正常。取 1 时，起点就已经是答案，循环一轮也没跑，:math:`y`和:math:`a`之间没有任何联系，
# 于是``backward``报错，说结果不需要梯度，也没有``grad_fn``。值是对的，梯度却得不到，
# 因为梯度属于实际执行过的运算，而不属于你心里想的那个函数。

# %% en: Remember
# - ``backward`` goes back through the rounds that ran; their number counts as a constant.
# - Where a condition tips, the value may jump, and the gradient does not show it.
# - In Newton's method the gradient converges a little later than the value. From a constant start, a
#   loop that runs no round gives none.

# %% zh d93397: 要点
# - ``backward``往回走的，是实际跑过的各轮；轮数本身算作常数。
# - 判断条件的结果一变，函数值可能跳跃，而从梯度上看不出来。
# - 在牛顿法里，梯度比函数值收敛得稍晚一点；从常数出发时，循环若一轮也没跑，就没有梯度。

# %% en: Exercise: the missing gradient
# Change ``close_root`` so that the gradient is right for :math:`a = 1` too, without treating that
# number apart.

# %% zh 6168d0: 练习：补上缺失的梯度
# 修改``close_root``，使它在:math:`a = 1`时也给出正确的梯度，但不要把这个数当作特例另行处理。


# %% solution
def mended_root(a):
    y = torch.tensor(1.0)
    while True:
        y = (y + a / y) / 2
        if abs(y**2 - a) <= 1e-3:
            return y


for start in (100.0, 1.0):
    a = torch.tensor(start, requires_grad=True)
    mended_root(a).backward()
    print(a.grad.item())
    assert abs(a.grad.item() - 1 / (2 * start**0.5)) < 1e-5

# %% en: Exercise: until the money has doubled
# 1 euro grows by the rate :math:`r = 0.07` each year. Write a loop that runs until at least 2 euros
# are there. Say how many years it takes, and what the gradient of the final sum with respect to
# :math:`r` must be; then check it with autograd.

# %% zh 802f53: 练习：直到本金翻倍
# 本金 1 元，每年按利率:math:`r = 0.07`增长。写一个循环，一直算到不少于 2 元为止。先想一想需要几年，
# 最后的金额关于:math:`r`的梯度又应该是多少，再用 autograd 验证。

# %% solution
r = torch.tensor(0.07, requires_grad=True)
money, years = torch.tensor(1.0), 0
while money < 2:
    money = money * (1 + r)
    years += 1
money.backward()
print(years, r.grad.item())
assert years == 11
assert abs(r.grad.item() - years * 1.07 ** (years - 1)) < 1e-3

# %% en: Where next
# The rounds of a loop stay in memory until the backward pass: :ref:`keep-or-free-the-graph` shows
# when they go. :ref:`three-ways-to-differentiate` sets autograd beside its two rivals.

# %% zh b6cca0: 接下来
# 循环的每一轮都占着内存，直到反向传播（backward pass）为止；这些内存究竟什么时候释放，
# 见:ref:`keep-or-free-the-graph`。
# 另外两种求导办法与 autograd 的对比，见:ref:`three-ways-to-differentiate`。
