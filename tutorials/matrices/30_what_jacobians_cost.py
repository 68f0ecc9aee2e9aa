# %% about
# level: advanced
# tags: torch.func, jacrev, jacfwd, chunk_size, vhp, hvp, hessian, FlopCounterMode

# %% en: What Jacobians cost
# Should you compute a Jacobian by rows or by columns, and when is it better not to compute it at
# all? This page counts the work, so that you can choose.
#
# It builds on :ref:`jacobians-and-hessians` and :ref:`functions-from-functions`. Times differ from
# run to run, counts do not: ``FlopCounterMode`` counts the floating-point operations (FLOPs) in
# matrix products and leaves out what works element by element, such as ``tanh``. The unit on this
# page is one evaluation of the function.

# %% zh 7f6004: 雅可比矩阵的代价
# 雅可比矩阵（Jacobian matrix）该按行求还是按列求？什么时候干脆不求更好？这一页把计算量数出来，供你选择。
#
# 这一页以:ref:`jacobians-and-hessians`和:ref:`functions-from-functions`为基础。耗时每次运行都不同，
# 运算次数却不变：``FlopCounterMode``统计矩阵乘法里的浮点运算次数（FLOPs），``tanh``这样的逐元素运算不计在内。这一页的单位，
# 是对函数求值一次的运算量。

# %%
import warnings

import matplotlib.pyplot as plt
import torch
from torch.autograd import functional
from torch.func import grad, jacfwd, jacrev, jvp
from torch.utils.flop_counter import FlopCounterMode

device = torch.accelerator.current_accelerator(check_available=True)
torch.set_default_device(device or "cpu")


def flops(function, *args):
    with FlopCounterMode(display=False) as counter:
        function(*args)
    return counter.get_total_flops()


def network(n, m):
    first, second = torch.ones(n, 16) / n, torch.ones(16, m)
    return lambda x: (torch.tanh(x[None] @ first) @ second)[0]


def evaluations(transform, n, m):
    function, x = network(n, m), torch.ones(n)
    return flops(transform(function), x) / flops(function, x)


# %% check
assert flops(torch.tanh, torch.ones(1000)) == 0


# %% en: By rows
# ``network(n, m)`` has :math:`n` inputs and :math:`m` outputs; its Jacobian matrix has a row for each
# output and a column for each input, 64 by 2 or 2 by 64 below: 128 entries either way. ``jacrev`` uses
# reverse mode, the mode of the vector-Jacobian product. About how many evaluations does each of the
# two matrices take?

# %% zh fd4ac6: 按行求
# ``network(n, m)``有:math:`n`个输入、:math:`m`个输出；雅可比矩阵中每个输出占一行，
# 每个输入占一列，下面分别是 64 乘 2 和 2 乘 64，都有 128 个元素。``jacrev``用反向模式（reverse mode），
# 也就是计算向量-雅可比积（vector-Jacobian product）所用的模式。求这两个矩阵，各大约相当于求值多少次？

# %% predict
print("64 x 2", evaluations(jacrev, n=2, m=64))
print("2 x 64", evaluations(jacrev, n=64, m=2))

# %% check
assert evaluations(jacrev, n=2, m=64) == 1 + 64
assert evaluations(jacrev, n=64, m=2) == 1 + 2
both_products = 2 * (64 * 16 + 16 * 2)
assert flops(network(64, 2), torch.ones(64)) == both_products
assert evaluations(jacrev, n=100, m=64) == 1 + 64
narrow = flops(jacrev(network(2, 64)), torch.ones(2))
assert flops(jacrev(network(100, 64)), torch.ones(100)) > narrow

# %% en
# 65 and 3: one evaluation and one product per row, and here a product costs as much as an evaluation.
# Counted in evaluations, the number of columns does not matter.

# %% zh c149e5
# 65 次和 3 次：求值一次，再加每行一个乘积，而在这里，一个乘积的代价与求值一次相同。以求值次数来计，列数多少都没有关系。

# %% en: Forward mode
# ``jacfwd`` uses forward mode: it carries derivatives from the inputs to the outputs. (The first use
# of forward mode in torch 2.13 raises a ``DeprecationWarning`` that does not concern your code; the
# cell silences it.) Which of the two matrices is cheap now?

# %% zh 9aa95e: 前向模式
# ``jacfwd``用前向模式（forward mode）：把导数从输入带到输出。（在 torch 2.13
# 里，第一次使用前向模式会引发``DeprecationWarning``，它与你的代码无关，下面把它屏蔽掉。）
# 现在，哪个矩阵的代价低？

# %% predict
with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)
    print("64 x 2", evaluations(jacfwd, n=2, m=64))
    print("2 x 64", evaluations(jacfwd, n=64, m=2))

# %% check
from torch.utils._python_dispatch import TorchDispatchMode


class Largest(TorchDispatchMode):
    def __init__(self):
        super().__init__()
        self.batch, self.written = [], 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        out = func(*args, **(kwargs or {}))
        if isinstance(out, torch.Tensor):
            self.written += out.numel()
        if "mm" in str(func):
            self.batch.append(out.numel())
        return out


assert evaluations(jacfwd, n=2, m=64) == 2 + 2
assert evaluations(jacfwd, n=64, m=2) == 64 + 2
tall, x = network(2, 64), torch.tensor([0.5, -1.0])
torch.testing.assert_close(jacfwd(tall)(x), jacrev(tall)(x))
assert jacrev(tall)(x).shape == (64, 2)
with Largest() as counted:
    jacfwd(network(3, 5))(torch.ones(3))
assert counted.batch == [16, 16, 3 * 16, 5, 5, 3 * 5]

# %% en
# The 64 by 2 one: a pass for each of its 2 columns, that is, for each direction of the inputs. Each of these counts holds 2 evaluations more,
# because torch 2.13 computes the values themselves twice here. The matrices are the same, only the way
# to them differs.

# %% zh 9b2f7f
# 64 乘 2 的那个：它只有 2 列，每列走一趟，也就是输入的每个方向走一趟。两个计数都还多出 2 次求值，是因为 torch 2.13 在这里把函数值本身算了两遍。
# 两种办法求出的矩阵相同，不同的只是求法。

# %% en: Where the ways cross
# Keep 16 inputs and let the number :math:`m` of outputs grow from 1 to 32. What do the costs of
# ``jacrev`` and ``jacfwd`` look like, and near which :math:`m` do they meet?

# %% zh 2ed425: 两种求法的代价在哪里相等
# 固定 16 个输入，让输出的个数:math:`m`从 1 增加到 32。``jacrev``和``jacfwd``的代价各是怎样变化的？在
# 哪个:math:`m`附近相等？

# %% predict
sizes = [1, 2, 4, 8, 16, 24, 32]
by_rows = [evaluations(jacrev, 16, m) for m in sizes]
by_columns = [evaluations(jacfwd, 16, m) for m in sizes]
plt.plot(sizes, by_rows, "o-", label="jacrev")
plt.plot(sizes, by_columns, "s--", label="jacfwd")
plt.xlabel("$m$")
plt.ylabel("FLOPs / FLOPs(f)")
plt.legend()
plt.show()

# %% check
assert sizes == [1, 2, 4, 8, 16, 24, 32]
assert by_rows == [m + 1 for m in sizes]
assert by_columns == [18] * 7
assert evaluations(jacrev, 16, 17) == evaluations(jacfwd, 16, 17)

# %% en alt
# Cost against :math:`m`. ``jacrev`` climbs in a straight line from 2 to 33; ``jacfwd`` stays flat,
# at 18. The lines cross near 17.

# %% zh alt 2bcbed
# 代价随:math:`m`的变化。``jacrev``沿直线从 2 升到 33；``jacfwd``水平，保持在 18。两条线在 17 附近相交。

# %% en
# ``jacrev`` rises with the rows, ``jacfwd`` stays at 18, and they meet where the matrix is about
# square. Clearly more rows than columns: ``jacfwd``. Clearly more columns than rows: ``jacrev``. A loss
# has one row and as many columns as there are parameters; that is why training uses reverse mode (see
# :ref:`why-reverse-mode`).

# %% zh 1dd8ec
# ``jacrev``随行数上升，``jacfwd``保持在 18，两者在矩阵大致是方阵时相等。行明显比列多，用``jacfwd``；列明显比行多，
# 用``jacrev``。损失（loss）的雅可比矩阵只有一行，列数却等于模型参数（parameter）的个数，
# 所以训练用反向模式（见:ref:`why-reverse-mode`）。

# %% en: In portions
# ``jacrev`` does not loop over the rows. It runs the products of all rows as one batch, with ``vmap``.
# If that batch does not fit in memory, ``chunk_size`` says how many rows to take at a time. For the
# 64 by 2 matrix and 8 rows at a time: is the count of 65 larger, smaller or the same?

# %% zh c7a9cd: 分批
# ``jacrev``并不是逐行循环，而是用``vmap``把所有行的乘积合成一批来算。如果内存放不下这一批，可以用
# ``chunk_size``指定一次算多少行。对 64 乘 2 的矩阵每次取 8 行，与 65 相比，计数会变大、变小，还是不变？


# %% predict
def in_portions(function):
    return jacrev(function, chunk_size=8)


print(evaluations(in_portions, n=2, m=64))

# %% check
assert evaluations(in_portions, n=2, m=64) == 65
torch.testing.assert_close(in_portions(tall)(x), jacrev(tall)(x))
with Largest() as whole:
    jacrev(tall)(x)
with Largest() as parts:
    in_portions(tall)(x)
assert max(whole.batch) >= 64 * 16 and max(parts.batch) <= 8 * 16

# %% en
# The same: the work stays, only fewer rows are worked on at a time. Portions save memory, not
# operations.

# %% zh 45d5da
# 一样：计算量不变，只是同时计算的行少了。分批省的是内存，不是运算次数。

# %% en: Second derivatives
# Now a loss of :math:`n` inputs and four calls: ``functional.vjp``, which for a loss is the gradient;
# ``vhp`` and ``hvp``, the product of the Hessian matrix :math:`H` with a vector from the left and
# from the right; and ``hessian``, all of :math:`H`. Which of the four costs grow with :math:`n`?

# %% zh e8c39d: 二阶导数
# 再看有:math:`n`个输入的损失，以及四个调用：``functional.vjp``，对损失来说就是求梯度（gradient）；``vhp``和``hvp``
# 让向量分别从左边和右边与海森矩阵（Hessian matrix）:math:`H`相乘；还有``hessian``，求整个:math:`H`。
# 四者当中，哪些的代价随:math:`n`增长？


# %% predict
def loss(x):
    n = len(x)
    W = torch.cos(torch.arange(n * n)).reshape(n, n)
    return (torch.tanh(x[None] @ W) @ W).square().sum()


sizes = [2, 4, 8, 16, 32]
costs = {"vjp": [], "vhp": [], "hvp": [], "hessian": []}
for n in sizes:
    x, w = torch.linspace(0, 1, n), torch.ones(n)
    unit = flops(loss, x)
    for name, cost in costs.items():
        args = (x, w) if name in ("vhp", "hvp") else (x,)
        call = getattr(functional, name)
        cost.append(flops(call, loss, *args) / unit)

for marker, name in zip("os^D", costs, strict=True):
    plt.plot(sizes, costs[name], marker=marker, label=name)
plt.xlabel("$n$")
plt.ylabel("FLOPs / FLOPs(loss)")
plt.legend()
plt.show()

# %% check
assert sizes == [2, 4, 8, 16, 32]
assert costs["vjp"] == [2] * 5
assert costs["vhp"] == [4] * 5
assert costs["hvp"] == [6] * 5
assert costs["hessian"] == [2 * n + 2 for n in sizes]
assert unit == 2 * 2 * 32 * 32
_, left = functional.vhp(loss, x, w)
_, right = functional.hvp(loss, x, w)
torch.testing.assert_close(left, right, rtol=1e-3, atol=1e-2)


def one_by_one(z):
    return sum(z[i] ** 2 for i in range(len(z)))


written = []
for size in (20, 80):
    with Largest() as forward:
        one_by_one(torch.ones(size))
    with Largest() as backward:
        grad(one_by_one)(torch.ones(size))
    written.append(backward.written / forward.written)
assert written[1] > 3 * written[0]

# %% en alt
# Cost against :math:`n` from 2 to 32. ``vjp``, ``vhp`` and ``hvp`` are three flat lines at 2, 4 and 6
# evaluations of the loss; ``hessian`` climbs in a straight line to 66.

# %% zh alt b64ee2
# :math:`n`从 2 增加到 32 时的代价。``vjp``、``vhp``和``hvp``是三条水平线，分别相当于对损失求值 2、4、6 次；
# ``hessian``沿直线升到 66。

# %% en
# The whole Hessian grows: :math:`2n + 2` evaluations, a gradient and then 2 for each row. A product
# stays at 4 or 6. A backward pass multiplies from the left, and that is all ``vhp`` needs; for the
# product from the right, ``hvp`` adds one more backward pass. :math:`H` is symmetric, so with
# ``functional`` take
# `vhp <https://docs.pytorch.org/docs/stable/generated/torch.autograd.functional.hvp.html>`__.
#
# .. note::
#
#    The factors 2, 4 and 6 belong to this loss. Other losses may have others, which as a rule do not
#    grow with :math:`n` either. A loop over the elements is an exception: on the way back, each ``x[i]``
#    writes :math:`n` numbers.

# %% zh 497e40
# 求整个海森矩阵的代价会增长：相当于求值:math:`2n + 2`次，即先求一次梯度，再为每一行求值 2 次。求一个乘积则一直是
# 4 次或 6 次。反向传播（backward pass）从左边乘，``vhp``有它就够了；``hvp``要从右边乘，还得多做一次反向传播。
# 既然:math:`H`是对称的，用``functional``时就选
# `vhp <https://docs.pytorch.org/docs/stable/generated/torch.autograd.functional.hvp.html>`__。
#
# .. note::
#
#    2、4、6 这些倍数只是就这个损失而言；换成别的损失，倍数可能不同，但通常也不随:math:`n`增长。
#    例外是对元素逐个循环：反向传播时，每个``x[i]``都要写:math:`n`个数。

# %% en: A hundred thousand inputs
# :math:`H w` says how the gradient changes when :math:`x` moves along :math:`w`: it is the ``jvp`` of
# the gradient (`Pearlmutter <https://doi.org/10.1162/neco.1994.6.1.147>`__). Forward mode over
# reverse mode, and no :math:`H`. Take the function of :ref:`jacobians-and-hessians` that couples
# neighbours, with 100,000 inputs. A number takes 4 bytes. How many gigabytes would :math:`H` take, and
# how many does :math:`H w` take?

# %% zh b31812: 十万个输入
# :math:`H w`表示:math:`x`沿:math:`w`移动时梯度怎样变化，所以它就是梯度的``jvp``
# （`Pearlmutter <https://doi.org/10.1162/neco.1994.6.1.147>`__）。前向模式套在反向模式外面，用不着:math:`H`。
# 取:ref:`jacobians-and-hessians`里那个把相邻输入连在一起的函数，输入有 100,000 个。一个数占 4 个字节。
# :math:`H`要占多少 GB？:math:`H w`又占多少？


# %% predict
def rosenbrock(x):
    bend = x[1:] - x[:-1] ** 2
    return (100 * bend**2 + (1 - x[:-1]) ** 2).sum()


n = 100_000
x, w = torch.linspace(-1, 1, n), torch.cos(torch.arange(n))
_, product = jvp(grad(rosenbrock), (x,), (w,))
print(n * n * x.element_size() / 1e9)
print(product.numel() * product.element_size() / 1e9)

# %% check
assert n * n * x.element_size() == 40e9
assert product.numel() * product.element_size() == 400_000
diagonal = torch.full((n,), 200.0)
diagonal[:-1] = 1200 * x[:-1] ** 2 - 400 * x[1:] + 2
diagonal[1:-1] += 200
banded = diagonal * w
banded[:-1] += -400 * x[:-1] * w[1:]
banded[1:] += -400 * x[:-1] * w[:-1]
torch.testing.assert_close(product, banded, rtol=1e-4, atol=1e-2)
small = [torch.linspace(0, 1, 8), torch.linspace(0, 1, 32)]
factors = [
    flops(jvp, grad(loss), (z,), (z,)) / flops(loss, z) for z in small
]
assert factors[0] == factors[1] == 6

# %% en
# 40 gigabytes against 0.0004. Such a *Hessian-vector product* is computed in a moment, and often you
# need no more: the curvature along a direction, for example, takes a single one.

# %% zh 2d1d4f
# 一个要 40 GB，另一个只要 0.0004 GB。这种*海森-向量积*（Hessian-vector product）一眨眼就算好了，
# 而且常常有它就够用：比如求沿某个方向的曲率，只要一个这样的乘积。

# %% en: Remember
# - ``jacrev`` pays per row, ``jacfwd`` per column; for one row, reverse mode.
# - ``chunk_size`` saves memory, not operations.
# - The evaluations for a whole Hessian grow with :math:`n`, those for its product with a vector as a
#   rule do not. For :math:`Hw` you do not need :math:`H`.

# %% zh 4d3af0: 要点
# - ``jacrev``按行计价，``jacfwd``按列计价；只有一行，就用反向模式。
# - ``chunk_size``省的是内存，不是运算次数。
# - 求整个海森矩阵所需的求值次数随:math:`n`增长，求它与向量的乘积，所需次数通常不增长。求:math:`Hw`用不着:math:`H`。

# %% en: Exercise: choose
# A function has 3 inputs and 500 outputs. Say which of ``jacrev`` and ``jacfwd`` is cheaper and by
# about which factor; then count with ``evaluations``.

# %% zh 18a46a: 练习：选一个
# 一个函数有 3 个输入、500 个输出。先说``jacrev``和``jacfwd``哪个代价低、大约低到几分之一，再用
# ``evaluations``数一数。

# %% solution
rows, columns = evaluations(jacrev, 3, 500), evaluations(jacfwd, 3, 500)
print(rows, columns)
assert (rows, columns) == (501, 5)

# %% en: Exercise: curvature along a direction
# The second derivative of ``loss`` at ``x`` along a unit vector :math:`w` is :math:`w^\top H w`.
# Compute it for ``x = torch.linspace(0, 1, 8)`` and ``w = x / x.norm()``, without building :math:`H`.
# Check it with ``functional.hessian``.

# %% zh 312ec4: 练习：沿某个方向的曲率
# ``loss``在``x``处沿单位向量:math:`w`的二阶导数是:math:`w^\top H w`。取``x = torch.linspace(0, 1, 8)``、
# ``w = x / x.norm()``，不构造:math:`H`，把它算出来，再用``functional.hessian``检验。

# %% solution
x = torch.linspace(0, 1, 8)
w = x / x.norm()
_, product = jvp(grad(loss), (x,), (w,))
curvature = w @ product
print(curvature)

H = functional.hessian(loss, x)
torch.testing.assert_close(curvature, w @ H @ w, rtol=1e-3, atol=0)

# %% en: Where next
# :ref:`newtons-method` uses a Hessian to find a minimum in a few steps. :ref:`profiling` measures time
# rather than counts.

# %% zh 40f692: 接下来
# :ref:`newtons-method`利用海森矩阵，几步就找到极小值点；如果想量时间而不是数次数，见:ref:`profiling`。
