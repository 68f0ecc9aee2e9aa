# %% about
# level: beginner
# tags: torch.autograd.gradcheck, Tensor.backward, Tensor.detach

# %% en: Three ways to differentiate
# A computer can find a derivative by trying nearby values, by rewriting a formula, or by following
# a program. Try all three here, see where each goes wrong, and learn to use one to check another.
#
# The first way is *numeric* differentiation. A slope is a rise divided by a run. So take a small step
# :math:`h`, see how much the function rises, and divide. This is the forward difference:
#
# .. math::
#
#    f'(x) \approx \frac{f(x + h) - f(x)}{h}
#
# Test it on :math:`\sin` at :math:`x = 1`, where the right answer is :math:`\cos 1`. The cell prints
# steps and errors. (It uses the accelerator if that knows ``float64``, the numbers with about 16
# digits that Python itself uses.)

# %% zh fdd9f7: 求导的三种办法
# 要让计算机求导，可以在附近多试几个值，可以改写公式，也可以跟着程序走。
# 这一页把三种办法都试一遍，看看它们各在哪里出错，再学会用一种去检验另一种。
#
# 第一种是*数值微分*（numeric differentiation）。导数是斜率，斜率是纵向变化量除以横向变化量。
# 所以先走一小步:math:`h`，看函数值变化多少，再相除。这就是前向差分（forward difference）：
#
# .. math::
#
#    f'(x) \approx \frac{f(x + h) - f(x)}{h}
#
# 拿:math:`\sin`在:math:`x = 1`处试一试，正确答案是:math:`\cos 1`。
# 下面打印步长和误差。（加速器只要支持``float64``，就用加速器来算；
# Python 自己的浮点数就是这种类型，约有 16 位有效数字。）

# %%
import math
from fractions import Fraction

import matplotlib.pyplot as plt
import torch

device = torch.accelerator.current_accelerator(check_available=True)
if device is None or device.type == "mps":
    device = torch.device("cpu")
torch.set_default_device(device)


def forward(h):
    return (math.sin(1 + h) - math.sin(1)) / h


def error_of(difference, h):
    return abs(difference(h) - math.cos(1))


trials = (0.1, 0.01)
for h in trials:
    print(h, f"{error_of(forward, h):.1e}")

# %% check
assert trials == (0.1, 0.01)
for run in trials:
    rise = math.cos(1) * math.sin(run) - math.sin(1) * (
        1 - math.cos(run)
    )
    assert math.isclose(forward(run), rise / run)
    assert math.isclose(
        error_of(forward, run), math.cos(1) - rise / run
    )
assert 9 < error_of(forward, 0.1) / error_of(forward, 0.01) < 11

# %% en: From both sides
# A step ten times smaller makes this error about ten times smaller. The central difference steps to
# both sides of the point:
#
# .. math::
#
#    f'(x) \approx \frac{f(x + h) - f(x - h)}{2h}
#
# Put the Taylor series into it, once with each sign, and see which powers of :math:`h` remain:
#
# .. math::
#
#    f(x \pm h) = f(x) \pm h f'(x) + \frac{h^2}{2} f''(x) \pm \frac{h^3}{6} f'''(x) + \cdots
#
# By what factor will its error fall when :math:`h` goes from 0.1 to 0.01?

# %% zh 4f9250: 两侧都看
# 步长缩小到十分之一，这个误差也大约缩小到十分之一。中心差分（central difference）则向这一点的两侧各走一步：
#
# .. math::
#
#    f'(x) \approx \frac{f(x + h) - f(x - h)}{2h}
#
# 把泰勒展开（Taylor series）代进去，正负号各一次，看看:math:`h`的哪些次幂会留下：
#
# .. math::
#
#    f(x \pm h) = f(x) \pm h f'(x) + \frac{h^2}{2} f''(x) \pm \frac{h^3}{6} f'''(x) + \cdots
#
# :math:`h`从 0.1 降到 0.01 时，它的误差会缩小到几分之一？


# %% predict
def central(h):
    return (math.sin(1 + h) - math.sin(1 - h)) / (2 * h)


for h in trials:
    print(h, f"{error_of(central, h):.1e}")

# %% check
for run in trials:
    slope = math.cos(1) * math.sin(run) / run
    assert math.isclose(central(run), slope)
    assert math.isclose(error_of(central, run), math.cos(1) - slope)
assert 99 < error_of(central, 0.1) / error_of(central, 0.01) < 101

# %% en
# By a factor of 100. The term with :math:`h^2`, the bend of the curve, is the same on both sides and
# cancels; the next one, with :math:`h^3`, is divided by :math:`2h`. Such an error, made by leaving
# out terms, is a *truncation error*. It shrinks like :math:`h` for the forward difference and like
# :math:`h^2` for the central one.

# %% zh aa922b
# 百分之一：前一个误差大约是后一个的 100 倍。:math:`h^2`那一项来自曲线的弯曲，两侧相同，相减就抵消了；
# 下一项含:math:`h^3`，还要除以:math:`2h`。这种因为舍去后面各项而产生的误差，叫*截断误差*（truncation error）：
# 前向差分的截断误差随:math:`h`成正比缩小，中心差分的则随:math:`h^2`缩小。

# %% en: How small a step?
# By this rule, a central step of :math:`10^{-8}` would leave an error near :math:`10^{-17}`. Let
# :math:`h` run from 1 down to :math:`10^{-14}` and draw the error :math:`|D_h - \cos 1|`, where
# :math:`D_h` is the difference. For each, the best of these steps and its error are printed. What
# will the two curves look like, and which step is the best for each?

# %% zh e1c887: 步长该取多小？
# 照这个规律，中心差分取步长:math:`10^{-8}`，误差应该只剩:math:`10^{-17}`左右。
# 把差分的结果记作:math:`D_h`，让:math:`h`从 1 一直降到:math:`10^{-14}`，
# 画出误差:math:`|D_h - \cos 1|`，并打印每种差分的最佳步长和对应的误差。
# 两条曲线会是什么形状？最佳步长各是多少？

# %% predict
steps = [10 ** (-k / 4) for k in range(57)]
for difference, marker in ((forward, "o-"), (central, "s--")):
    errors = [error_of(difference, h) for h in steps]
    plt.loglog(steps, errors, marker, markersize=3)
    print(f"{steps[errors.index(min(errors))]:.0e} {min(errors):.0e}")
plt.xlabel("$h$")
plt.ylabel("$|D_h - \\cos 1|$")
labels = "$(f(x+h) - f(x))/h$", "$(f(x+h) - f(x-h))/2h$"
plt.legend(labels, loc="upper center")
plt.show()

# %% check
assert len(steps) == 57 and steps[0] == 1
assert all(math.isclose(h, 10 ** (-k / 4)) for k, h in enumerate(steps))
best = []
for slope in (forward, central):
    best.append(min(steps, key=lambda run: error_of(slope, run)))
assert 1e-9 < best[0] < 1e-7 and 1e-6 < best[1] < 1e-4
assert error_of(central, best[1]) < error_of(forward, best[0]) / 100
assert error_of(central, best[1]) > 1e-14
assert min(errors) == error_of(central, best[1])
assert difference is central
for run in steps:
    rise = math.cos(1) * math.sin(run)
    bend = math.sin(1) * (1 - math.cos(run))
    blur = 1e-15 / run
    assert abs(central(run) - rise / run) < blur
    assert abs(forward(run) - (rise - bend) / run) < blur
assert all(error_of(d, 1e-14) > 1e-4 for d in (forward, central))

# %% en alt
# Error of both differences against :math:`h` on logarithmic axes. Each curve is a V: from right to
# left the error falls on a straight line, steeper for the central difference, reaches its lowest
# point, then rises again along a ragged line that both share.

# %% zh alt 0f228e
# 双对数坐标中，两种差分的误差随:math:`h`的变化。两条曲线都呈 V 形：从右往左看，误差先沿直线下降，
# 中心差分降得更陡；到达最低点之后，两条曲线又沿着同一条参差不齐的线回升。

# %% en
# Each curve is a V. On the right you see the truncation error. On the left the arithmetic is to
# blame: the smaller :math:`h`, the more digits the two function values share; the subtraction leaves
# the last ones, which are rounded, and dividing by a tiny :math:`h` magnifies their *rounding error*
# to about :math:`10^{-16} / h`.
#
# The best step balances the two. For the forward difference :math:`10^{-16} / h` meets :math:`h`
# near :math:`10^{-8}`. For the central difference it meets :math:`h^2` near :math:`10^{-5}`.

# %% zh 3f4368
# 两条曲线都呈 V 形。右半边是截断误差。左半边的问题出在浮点运算上：:math:`h`越小，两个函数值相同的位数越多，
# 相减之后只剩末尾几位，而这几位是舍入得来的；再除以极小的:math:`h`，
# *舍入误差*（rounding error）就放大到:math:`10^{-16} / h`左右。
#
# 最佳步长是两者的平衡点。前向差分的:math:`10^{-16} / h`与:math:`h`相当，步长在:math:`10^{-8}`附近；
# 中心差分的则与:math:`h^2`相当，步长在:math:`10^{-5}`附近。

# %% en: Off the chart
# The chart ends at :math:`10^{-14}`. Near :math:`\sin 1`, about 0.84, the numbers of ``float64`` lie
# :math:`1.1 \cdot 10^{-16}` apart, and just above 1 twice as far. The right slope is about 0.54. What
# can the forward difference return for the step :math:`10^{-15}`, then, and what for
# :math:`10^{-16}`?

# %% zh a3f0b4: 图外的步长
# 图上最小的步长是:math:`10^{-14}`。在:math:`\sin 1`（约 0.84）附近，相邻两个``float64``数相差
# :math:`1.1 \cdot 10^{-16}`，而刚过 1 的地方间隔是它的两倍。正确的斜率约为 0.54。
# 这样看来，步长取:math:`10^{-15}`时，前向差分会算出多少？取:math:`10^{-16}`呢？

# %% predict
print(forward(1e-15))
print(forward(1e-16))

# %% check
assert 1 + 1e-16 == 1 and forward(1e-16) == 0
assert forward(1e-15) == 5 * 2**-53 / 1e-15
assert math.nextafter(1, 2) == 1 + 2**-52
assert math.nextafter(math.sin(1), 1) == math.sin(1) + 2**-53

# %% en
# The function can rise by whole gaps only, so the first result is a multiple of about 0.11. It is
# five gaps, and wrong in its second digit already. The second is 0: :math:`1 + 10^{-16}` lies less
# than half a gap above 1 and is rounded to 1, so the function does not rise at all.

# %% zh ba6806
# 函数值只能上升整数个间隔，所以前一个结果大约是 0.11 的整数倍。它上升了五个间隔，从第二位起就错了。
# 后一个数是 0：:math:`1 + 10^{-16}`比 1 只多出不到半个间隔，被舍入成 1，函数值没有丝毫变化。

# %% en: Rewriting a formula
# *Symbolic* differentiation turns a formula into the formula of its derivative. Take
# :math:`4u(1 - u)`. By the product rule its derivative is :math:`4u'(1 - u) - 4uu'`. Written as
# text, a rule is a line of Python: put the texts of :math:`u` and :math:`u'` into the gaps.
#
# Start from :math:`u = x` and :math:`u' = 1`.

# %% zh 768535: 改写公式
# *符号微分*（symbolic differentiation）从函数的公式推出导数的公式。以:math:`4u(1 - u)`为例，
# 由乘法法则，导数是:math:`4u'(1 - u) - 4uu'`。写成文本，一条法则就是一行 Python：
# 把:math:`u`和:math:`u'`的文本填进空位。
#
# 从:math:`u = x`、:math:`u' = 1`开始。


# %%
def formulas(u, du):
    return f"4*({u})*(1-({u}))", f"4*({du})*(1-({u}))-4*({u})*({du})"


f, df = formulas("x", "1")
print(f)
print(df)

# %% check
assert f == "4*(x)*(1-(x))"
assert df == "4*(1)*(1-(x))-4*(x)*(1)"
assert all(eval(df, {"x": at}) == 4 - 8 * at for at in (0.0, 0.25, 2.0))

# %% en: Ten rounds
# Both contain two letters ``x``. Now put the result into the rule again and again, ten rounds in all. Each round
# doubles the letters in the formula of :math:`f`, so it ends with 1024. How many
# will there be in the formula of :math:`f'`?

# %% zh a97f95: 十轮
# 两个式子各含两个字母``x``。现在把结果一次次填回同一条法则，一共十轮。
# 每填一轮，:math:`f`的公式里字母的个数翻一倍，最后是 1024 个。:math:`f'`的公式里会有多少个？

# %% predict
f, df = "x", "1"
for n in range(1, 11):
    f, df = formulas(f, df)
    print(n, f.count("x"), df.count("x"))

# %% check
text, text_of_slope = "x", "1"
for round_ in range(1, 11):
    text, text_of_slope = formulas(text, text_of_slope)
    assert text.count("x") == 2**round_
    assert text_of_slope.count("x") == round_ * 2**round_
assert n == 10 and (text, text_of_slope) == (f, df)

# %% en
# 10240, or :math:`n 2^n` after :math:`n` rounds. The rule for the derivative mentions :math:`u`
# twice and :math:`u'` twice, and each mention is a full copy. This is *expression swell*: a formula on
# one line has to write out again what it uses again. A system that stores equal parts once does not
# swell, but then it does `the same work as the third way <https://arxiv.org/abs/1904.02990>`__.

# %% zh 471d27
# 有 10240 个；填:math:`n`轮之后是:math:`n 2^n`个。
# 求导的法则里:math:`u`和:math:`u'`各出现两次，每出现一次就要完整地抄一遍。
# 这就是*表达式膨胀*（expression swell）：要写成一行公式，同一部分用到几次，就得抄几遍。
# 符号微分系统如果把相同的部分只存一份，公式就不会膨胀，不过这样一来，
# 它做的事情就`与第三种办法相同 <https://arxiv.org/abs/1904.02990>`__了。

# %% en: Following the program
# The third way is *automatic* differentiation. It applies the same rules to numbers instead of
# text. Autograd records the operations while the program runs, here a loop of ten rounds, and
# ``backward`` applies the rule of each. No formula is written down.
#
# For comparison you need the exact derivative. Python's ``Fraction`` computes without rounding, so
# carry :math:`u` and :math:`u'` through the ten rounds in fractions, at :math:`x = 1/8`. Below it the
# cell prints two relative errors: that of the central difference with the step :math:`10^{-5}`,
# which was good for the sine, with an error near :math:`10^{-11}`, and that of autograd (``item()``
# gives the Python number in a tensor of one element). This curve climbs to 1 and falls back to 0
# 512 times between :math:`x = 0` and :math:`x = 1`. How large will the two errors be?

# %% zh e14401: 跟着程序走
# 第三种是*自动微分*（automatic differentiation）。它用的还是那些法则，只是对象从文本换成了数：
# 程序照常运行（这里是循环十轮），autograd 把执行过的运算一一记录下来，
# 再由``backward``逐个运用它们的求导法则，并不写出公式。
#
# 为了比较，需要导数的精确值。Python 的``Fraction``用分数计算，没有舍入，所以让:math:`u`和:math:`u'`
# 以分数的形式走完十轮，取:math:`x = 1/8`。下面先打印这个导数，再打印两个相对误差。
# 第一个是中心差分的，步长取:math:`10^{-5}`，刚才用在正弦上很合适，误差在:math:`10^{-11}`左右；
# 第二个是 autograd 的（``item()``把单元素张量里的数取出来，变成 Python 数值）。
# :math:`x = 0`与:math:`x = 1`之间，这条曲线升到 1 又落回 0，一共 512 次。这两个误差会有多大？


# %% predict
def program(u):
    for _ in range(10):
        u = 4 * u * (1 - u)
    return u


u, du = Fraction(1, 8), 1
for _ in range(10):
    u, du = 4 * u * (1 - u), 4 * du * (1 - u) - 4 * u * du
exact = float(du)

numeric = (program(0.125 + 1e-5) - program(0.125 - 1e-5)) / 2e-5
x = torch.tensor(0.125, dtype=torch.float64, requires_grad=True)
program(x).backward()

print(exact)
for found in (numeric, x.grad.item()):
    print(f"{abs(found / exact - 1):.0e}")

# %% check
assert isinstance(exact, float)
angle = math.asin(math.sqrt(0.125))
assert math.isclose(
    exact, 2**10 * math.sin(2**11 * angle) / math.sin(2 * angle)
)
assert math.isclose(program(0.125), math.sin(2**10 * angle) ** 2)
assert math.isclose(program(0.125), float(u))
assert math.isclose(x.grad.item(), exact, rel_tol=1e-13)
assert 1e-4 < abs(numeric / exact - 1) < 3e-4
assert 1e-12 < error_of(central, 1e-5) < 1e-10
for quarter in range(1025):
    at = math.sin(quarter * math.pi / 2048) ** 2
    assert abs(program(at) - quarter % 2) < 1e-6
tiny = Fraction(1, 10**5)
rise = program(Fraction(1, 8) + tiny) - program(Fraction(1, 8) - tiny)
assert math.isclose(numeric, float(rise / (2 * tiny)), rel_tol=1e-9)
better = (program(0.125 + 1e-7) - program(0.125 - 1e-7)) / 2e-7
assert abs(better / exact - 1) < 1e-3 * abs(numeric / exact - 1)

# %% en
# The central difference is off by two parts in ten thousand: this curve bends far more than the
# sine, and a good step for it is much smaller. Autograd has no step, hence no truncation error. What
# is left is the rounding of each operation, as in the function itself. This is what *exact up to
# rounding* means; it takes for granted that each operation has a derivative at its input.

# %% zh 0ddddc
# 中心差分偏了约万分之二：这条曲线比正弦弯得厉害得多，步长也该取得小得多。
# autograd 不用步长，也就没有截断误差，剩下的只是每次运算的舍入误差，与计算函数本身时一样。
# 所谓*除舍入误差外是精确的*，就是这个意思；当然，前提是每个运算在它的输入处都有导数。

# %% en: One way checks another
# Numeric differentiation needs nothing but values of the function, so it makes a good second opinion:
# a *gradient check*. ``torch.autograd.gradcheck`` compares autograd with central differences and
# raises an error if they differ by more than a tolerance. The V shows why it needs ``float64``.
#
# The function here is :math:`x \cdot x`, but ``detach`` hands on the second factor as a mere number,
# cut off from the graph. (The message speaks of a *Jacobian*, a table of derivatives; here it has one
# entry.) At :math:`x = 1/8`, which derivative will central differences find (``numerical``), and
# which will autograd find (``analytical``)?

# %% zh 565879: 用一种检验另一种
# 数值微分只用到函数值，正好拿来对照，这叫*梯度检查*（gradient check）。
# ``torch.autograd.gradcheck``把 autograd 的结果与中心差分比较，两者相差超过容许的误差就报错。
# 梯度检查为什么要用``float64``，看上面那个 V 形就明白了。
#
# 这里的函数是:math:`x \cdot x`，不过第二个因子经过``detach``，只把数值传下去，与计算图（computational graph）断开了联系。
# （消息里的 *Jacobian* 是雅可比矩阵，即导数排成的表，这里只有一项。）
# 在:math:`x = 1/8`处，中心差分得到的导数（``numerical``）是多少？autograd 得到的（``analytical``）又是多少？


# %% predict
def half_cut(x):
    return x * x.detach()


print(torch.autograd.gradcheck(program, x))
try:
    torch.autograd.gradcheck(half_cut, x)
except RuntimeError as error:
    print(error)

# %% check
(cut,) = torch.autograd.grad(half_cut(x), x)
lifted = half_cut(x + 1e-6) - half_cut(x - 1e-6)
assert cut.item() == 0.125
assert math.isclose(lifted.item() / 2e-6, 0.25, rel_tol=1e-6)
assert torch.autograd.gradcheck(program, x) is True

# %% en
# Both factors move when :math:`x` moves, so the numeric slope is :math:`2x = 0.25`. Autograd
# follows the recorded operations and knows the second factor as a constant: 0.125. The loop of ten
# rounds passes.

# %% zh 0e6f34
# :math:`x`一变，两个因子都跟着变，所以数值微分得到的斜率是:math:`2x = 0.25`。
# autograd 只看记录下来的运算，第二个因子在它眼里是常数，于是得到 0.125。
# 十轮循环的那个函数则通过了检查。

# %% en: Remember
# - Numeric: no formula needed, but a step to choose. Too large, and the curve bends; too small, and
#   rounding takes over. In ``float64``, try :math:`10^{-8}` for the forward and :math:`10^{-5}` for
#   the central difference, where the input, the function and its derivatives have a size near 1.
# - Symbolic: a formula, which can swell.
# - Automatic: the same rules on the numbers of a running program; no step, exact up to rounding.

# %% zh 3b042b: 要点
# - 数值微分：不需要公式，却要选步长。步长太大，曲线的弯曲造成误差；步长太小，舍入误差占上风。
#   如果输入、函数值和各阶导数的大小都在 1 上下，那么在``float64``下可以先试:math:`10^{-8}`（前向差分）
#   和:math:`10^{-5}`（中心差分）。
# - 符号微分：得到公式，但公式可能膨胀。
# - 自动微分：用同样的法则，对象是程序运行中的数；不用选步长，除舍入误差外是精确的。

# %% en: Exercise
# By default PyTorch computes in ``float32``, which rounds at about :math:`10^{-7}`. By the balance above,
# near which steps do you expect the lowest errors of the two differences for :math:`\sin`? Test it
# with tensors of ``float32``. A single point can be lucky, so take the largest error over 100 points
# :math:`x` between 0.5 and 1.5.

# %% zh 76448f: 练习
# PyTorch 默认用``float32``计算，它的舍入误差在:math:`10^{-7}`左右。函数仍是:math:`\sin`，
# 按上面的平衡关系，你预计两种差分各在哪个步长附近误差最小？用``float32``张量（tensor）试一试。
# 单独一个点可能碰巧很准，所以在 0.5 和 1.5 之间取 100 个点:math:`x`，看其中最大的误差。

# %% solution
points = torch.linspace(0.5, 1.5, 100)
best = []
for sides in (1, 2):
    errors = []
    for h in steps[:29]:
        low = points - h if sides == 2 else points
        rise = torch.sin(points + h) - torch.sin(low)
        errors.append(
            (rise / (sides * h) - points.cos()).abs().max().item()
        )
    best.append(steps[errors.index(min(errors))])
    print(f"{best[-1]:.0e} {min(errors):.0e}")

assert 1e-4 < best[0] < 1e-3 < best[1] < 2e-2

# %% en: Where next
# :ref:`why-reverse-mode` shows in which order autograd goes through a program, and what that saves.
# If ``backward`` is new to you, return to :ref:`first-gradient`.

# %% zh f394fd: 接下来
# :ref:`why-reverse-mode`讲 autograd 按什么次序走过一个程序，又因此省下了什么。
# 如果``backward``对你还很陌生，可以回到:ref:`first-gradient`。
