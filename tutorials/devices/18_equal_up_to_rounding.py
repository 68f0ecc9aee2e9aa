# %% about
# level: intermediate
# tags: torch.testing.assert_close, torch.finfo, torch.Generator, torch.set_float32_matmul_precision

# %% en: Equal up to rounding
# Compare gradients from two devices without being misled by their last digits, and tell a rounding
# difference from a bug.
#
# A GPU often adds the terms of a sum in another order than a CPU. In mathematics that makes no
# difference. The first cell adds the same three ``float32`` numbers in two orders. It chooses the
# device as :ref:`cpu-and-cuda` explains, except that ``mps``, which has no ``float64``, leaves the
# work to the CPU. What are the two sums?

# %% zh f8aa5f: 只差舍入误差
# 比较两个设备算出的梯度（gradient），不被末几位数字误导；遇到差异，能分清是舍入误差（rounding error）
# 还是 bug。
#
# 求和时，GPU 相加的顺序往往与 CPU 不同。在数学上，顺序无关紧要。第一个单元格把同样的三个``float32``数按两种顺序相加。
# 设备的选法见:ref:`cpu-and-cuda`，只是``mps``没有``float64``，改由 CPU 计算。两次的和分别是多少？

# %% predict
import matplotlib.pyplot as plt
import torch

device = torch.accelerator.current_accelerator(check_available=True)
if device is None or device.type == "mps":
    device = torch.device("cpu")
torch.set_default_device(device)

a, b, c = torch.tensor([1e8, -1e8, 1.0])
print((a + b) + c, a + (b + c))

# %% check
assert (a + b) + c == 1 and a + (b + c) == 0
assert torch.nextafter(a, 2 * a) - a == 8

# %% en
# 1 and 0. Around :math:`10^8`, neighbouring ``float32`` numbers are 8 apart, so ``b + c`` is rounded
# back to ``b`` and the 1 is lost. Neither order is wrong: each addition gives the nearest number
# that there is. (On a GPU, the printed tensors also name their device.)

# %% zh 12ce55
# 分别是 1 和 0。在:math:`10^8`附近，相邻的``float32``数相差 8，所以``b + c``被舍入回``b``，1 就丢了。
# 两种顺序都没有错：每次加法给出的，都是能表示的数里最接近的那个。（在 GPU 上，打印出的张量还会注明设备。）

# %% en: A longer sum
# The gradient of a mean is a sum with one term for each row of the data. Below, the same gradient is
# computed twice: on the CPU, and with the rows in reverse order on the default device, which is the
# accelerator if there is one. ``gap`` is the distance between the two gradients, relative to their
# size. With 32 rows in ``float32`` it is about as small as the dotted line: the distance from 1 to
# the next number, ``torch.finfo(dtype).eps``.
#
# What becomes of the gap when there are a thousand times as many rows, and what if everything
# is computed in ``float64``, with 52 binary digits after the point instead of 23?

# %% zh c2221b: 更长的和
# 均值的梯度是一个和，数据有多少行，就有多少项。下面把同一个梯度算两遍：一遍在 CPU 上；
# 另一遍把行的先后次序倒过来，在默认设备上算，有加速器（accelerator）就用加速器。
# ``gap``是两个梯度之间的距离与梯度大小之比。用``float32``算 32 行时，它与点线差不多一样低；
# 点线的高度是 1 到下一个能表示的数的间隔，即``torch.finfo(dtype).eps``。
#
# 行数增加到上千倍，差距会怎样？``float64``小数点后的二进制位不止 23 个，有 52 个，如果全都用它计算呢？


# %% predict
def gradient(rows, dtype):
    rows = rows.to(dtype)
    w = torch.ones(20, dtype=dtype, device=rows.device)
    w.requires_grad_()
    (rows @ w - 1).square().mean().backward()
    return w.grad.cpu()


def gap(n, dtype):
    numbers = torch.arange(20 * n, dtype=torch.float64, device="cpu")
    rows = torch.sin(numbers).reshape(n, 20)
    first = gradient(rows, dtype)
    second = gradient(rows.flip(0).to(device), dtype)
    return ((first - second).norm() / first.norm()).item()


sizes = [2**k for k in range(5, 17)]
for dtype, color in ((torch.float32, "C0"), (torch.float64, "C1")):
    gaps = [gap(n, dtype) for n in sizes]
    plt.loglog(sizes, gaps, "o-", color=color, label=str(dtype))
    plt.axhline(torch.finfo(dtype).eps, ls=":", color=color)
plt.xlabel("$n$")
plt.ylabel(r"$\|g_1 - g_2\| \,/\, \|g_1\|$")
plt.legend()
plt.show()

# %% check
assert sizes == [32 * 2**k for k in range(12)]
table = torch.sin(torch.arange(1280, dtype=torch.float64, device="cpu"))
table = table.reshape(64, 20)
exact = 2 * table.T @ (table.sum(1) - 1) / 64
torch.testing.assert_close(gradient(table, torch.float64), exact)
for kind, few, many in (
    (torch.float32, 1e-6, 1e-4),
    (torch.float64, 1e-15, 1e-12),
):
    assert 0 < gap(32, kind) < few
    assert 2 * gap(32, kind) < gap(65536, kind) < many
assert gaps == [gap(n, torch.float64) for n in sizes]
assert max(gaps) * 1e6 < gap(65536, torch.float32)
big = torch.tensor(100.0)
assert big.exp().isinf() and big.double().exp().isfinite()

# %% en alt
# Relative gap between two gradients against the number of rows, both axes logarithmic. Each curve
# begins near its dotted line and rises with the number of rows. The curve of ``float64`` lies many
# powers of ten below that of ``float32``.

# %% zh alt 9bafa2
# 两个梯度的相对差距随行数的变化，两轴均为对数刻度。两条曲线都从各自的点线附近开始，随行数上升；
# ``float64``的曲线比``float32``的低许多个数量级。

# %% en
# The more terms, the more roundings, and the gap tends to grow; by how much depends on the hardware.
# It stays small all the same. In ``float64`` it is more than a million times smaller, and that makes
# a test. If two results differ in ``float32``, compute both in ``float64``: a rounding difference
# shrinks with the dtype, that of a wrong formula does not. (An overflow, a number too large for
# ``float32``, may go too, for ``float64`` also reaches further.)

# %% zh c3c9ba
# 项数越多，舍入的次数越多，差距也往往越大；具体大出多少，因硬件而异，但差距始终很小。在``float64``下，
# 差距小了六个数量级以上，由此得到一个检验方法：两个结果在``float32``下不一致，就用``float64``各算一遍。
# 换成更精确的 dtype，舍入造成的差距会缩小，公式写错造成的不会。（溢出，也就是数大得``float32``表示不了，也可能消失，
# 因为``float64``能表示的范围也更大。）

# %% en: Compare with a tolerance
# ``torch.testing.assert_close`` raises an ``AssertionError`` if two tensors differ by more than a
# tolerance. For ``float32`` that is 1e-5 plus 1.3e-6 times the expected value. Below, a gradient
# over 1024 rows is compared with the same in reverse order, and then with itself as ``float64``.
# Which of the two comparisons passes ``assert_close``?

# %% zh 5451a8: 比较时留容差
# 两个张量（tensor）的差别如果超出容差（tolerance），``torch.testing.assert_close``就会抛出``AssertionError``。
# 对``float32``，容差是 1e-5 再加上预期结果（expected）的 1.3e-6 倍。下面拿 1024 行的梯度，
# 先与倒序算出的比较，再与自己的``float64``版本比较。哪一次能通过``assert_close``的检查？

# %% predict
rows = torch.sin(torch.arange(20480.0, device="cpu")).reshape(1024, 20)
first = gradient(rows, torch.float32)
second = gradient(rows.flip(0).to(device), torch.float32)
for other in (second, first.double()):
    try:
        print(torch.testing.assert_close(first, other))
    except AssertionError as error:
        print(error)

# %% check
truth = gradient(rows, torch.float64)
for one in (first, second):
    assert torch.allclose(one.double(), truth, rtol=1e-4, atol=1e-5)
assert first.dtype == second.dtype == torch.float32
assert other.dtype == torch.float64 and torch.equal(
    first.double(), other
)
for partner, said in (
    (
        first.double(),
        "'dtype' do not match: torch.float32 != torch.float64",
    ),
    (first.to("meta"), "'device' do not match: cpu != meta"),
):
    try:
        torch.testing.assert_close(first, partner)
    except AssertionError as problem:
        assert said in str(problem)
    else:
        raise RuntimeError
torch.testing.assert_close(first, first.double(), check_dtype=False)
torch.testing.assert_close(torch.tensor(1.0), torch.tensor(1.0 + 1e-5))
assert not torch.allclose(
    torch.tensor(1.0), torch.tensor(1.0 + 2e-5), 1.3e-6, 1e-5
)

# %% en
# The first returns ``None``: the digits may differ, the gradients agree. The second fails although
# no digit differs: unless told otherwise, ``assert_close`` insists on equal dtypes and devices. So
# bring both results to the CPU, in one dtype. If a long sum needs more room, pass ``rtol`` and
# ``atol`` `together <https://docs.pytorch.org/docs/stable/testing.html>`__.

# %% zh 6cab8e
# 第一次返回``None``，也就是通过：末几位可以不同，梯度仍算一致。第二次虽然一位数字都不差，却报错了，
# 因为不另外指定的话，``assert_close``还检查 dtype 和设备是否相同。所以先把两个结果都移到 CPU，转成同一种 dtype。
# 如果项数很多，需要放宽容差，就把``rtol``和``atol``
# `一起传入 <https://docs.pytorch.org/docs/stable/testing.html>`__。

# %% en: The same seed
# Data that differ are no rounding difference. ``manual_seed`` starts the random numbers of all
# devices anew. A seed fixes what one algorithm draws, and for normal numbers the CPU has two: how many
# it has to draw at a time decides which. Here it draws 3; then, with the same seed, 16, of which we
# look at the first 3; then 3 in ``float64``. Which of the three lines of output are alike?

# %% zh b9c3e0: 同一个种子
# 如果数据本身就不同，那就不是舍入误差了。``manual_seed``让所有设备的随机数从头开始。
# 种子（seed）只能保证同一种算法取出同样的数；而取正态分布的随机数时，CPU 有两种算法，用哪一种，
# 看一次要取多少个。下面由 CPU 先取 3 个数；再用同一个种子取 16 个，只看前 3 个；然后用``float64``取 3 个。
# 三行输出里，哪几行一样？

# %% predict
for size, kind in (
    (3, torch.float32),
    (16, torch.float32),
    (3, torch.float64),
):
    torch.manual_seed(0)
    print(torch.randn(size, dtype=kind, device="cpu")[:3])

# %% check
drawn = []
for amount, bits in ((3, 32), (16, 32), (3, 64), (15, 32), (99, 32)):
    torch.manual_seed(0)
    sort = getattr(torch, f"float{bits}")
    drawn.append(torch.randn(amount, dtype=sort, device="cpu")[:3])
torch.testing.assert_close(drawn[2].float(), drawn[0])
assert torch.equal(drawn[0], drawn[3])
assert torch.equal(drawn[1], drawn[4])
assert not torch.allclose(drawn[0], drawn[1])
assert size == 3 and kind == torch.float64

# %% en
# The first and the last: the border lies between 15 and 16. A GPU has an algorithm of its own and
# draws other numbers from the same seed. To have the same data on each device, draw them on the CPU
# and move them. A ``Generator`` is a source of random numbers with a seed of its own:

# %% zh 8f8de3
# 第一行和最后一行：两种算法的分界在 15 个与 16 个之间。GPU 有自己的算法，种子相同，取到的数却不一样。
# 想在每个设备上得到同样的数据，就在 CPU 上取数，再移过去。``Generator``是随机数生成器，有自己的种子：

# %%
generator = torch.Generator("cpu").manual_seed(0)
data = torch.randn(3, generator=generator, device="cpu").to(device)
print(data)

# %% check
assert (
    torch.equal(data.cpu(), drawn[0])
    and data.device.type == device.type
)

# %% en: Fewer digits on purpose
# ``float32`` has 23 binary digits after the point. Many NVIDIA GPUs can round the factors of a
# product to 10 of them, called
# `TF32 <https://docs.pytorch.org/docs/stable/notes/cuda.html#tf32-on-ampere>`__, and multiply much
# faster. PyTorch has a setting for matrix products, with the values ``highest``, ``high`` and
# ``medium``, and one for convolutions, which slide a small block of weights over an image. Nobody has
# changed them here:

# %% zh 10d069: 有意减少位数
# ``float32``小数点后有 23 个二进制位。许多 NVIDIA GPU 可以把乘法的因子舍入到 10 位，乘法因此快得多，这叫
# `TF32 <https://docs.pytorch.org/docs/stable/notes/cuda.html#tf32-on-ampere>`__。
# PyTorch 有一个管矩阵乘法的设置，取值为``highest``、``high``和``medium``；另有一个管卷积（convolution），
# 也就是让一小块权重（weight）在图像上滑动着相乘求和。这里没有改动过它们：

# %%
print(torch.get_float32_matmul_precision())
print(torch.backends.cudnn.allow_tf32)

# %% check
assert torch.get_float32_matmul_precision() == "highest"
assert not torch.backends.cuda.matmul.allow_tf32
assert torch.backends.cudnn.allow_tf32
torch.set_float32_matmul_precision("high")
assert torch.backends.cuda.matmul.allow_tf32
torch.set_float32_matmul_precision("medium")
assert torch.backends.mkldnn.matmul.fp32_precision == "bf16"
torch.set_float32_matmul_precision("highest")
assert torch.finfo(torch.float32).eps == 2**-23

# %% en
# Matrix products keep all digits, convolutions may drop some. On such a GPU a network with
# convolutions may therefore differ from the CPU by about a thousandth, not a millionth: look at
# ``torch.backends.cudnn.allow_tf32`` before you look for a bug.
# ``torch.set_float32_matmul_precision("high")`` allows the same for matrix products. Without
# such a GPU you read the same two values, and as long as the first is ``highest``, the CPU keeps
# all digits.

# %% zh 55fa26
# 矩阵乘法保留全部位数，卷积则可能舍去一些。所以在这样的 GPU 上，带卷积的网络算出的结果，
# 与 CPU 上的可能相差千分之一左右，不止百万分之一：先看看``torch.backends.cudnn.allow_tf32``，再去找 bug。
# ``torch.set_float32_matmul_precision("high")``让矩阵乘法也可以这样做。没有这种 GPU 的机器上，
# 读出的也是这两个值；只要前一个是``highest``，CPU 就保留全部位数。

# %% en: Remember
# - Floating-point sums depend on the order, and devices differ in the order: compare with a
#   tolerance.
# - A rounding difference shrinks in ``float64``; that of a wrong formula does not.
# - The same seed gives other numbers on a GPU than on the CPU: draw on the CPU, then move.

# %% zh a182c4: 要点
# - 浮点数求和与顺序有关，而不同设备的顺序不同：比较时要留容差。
# - 换成``float64``，舍入造成的差距会缩小，公式写错造成的不会。
# - 同一个种子，在 GPU 和 CPU 上取到的数不同：在 CPU 上取数，再移过去。

# %% en: Exercise: rounding or bug
# If all elements of :math:`w` are 1, ``gradient`` is :math:`\tfrac{2}{n} X^\top (X w - 1)`. Compute
# it by this formula with a bug: divide by :math:`n - 1`. With 1024 rows the result is off by about
# a thousandth. Show by computation that this is not rounding.

# %% zh 97001e: 练习：舍入还是 bug
# :math:`w`的元素（element）全是 1 时，``gradient``等于:math:`\tfrac{2}{n} X^\top (X w - 1)`。请照这个公式计算，
# 但故意留一个 bug：除以:math:`n - 1`。数据有 1024 行时，结果相差约千分之一。请用计算说明这不是舍入误差。


# %% solution
def difference(dtype):
    x = rows.to(dtype)
    wrong = 2 * x.T @ (x.sum(1) - 1) / (len(x) - 1)
    right = gradient(rows, dtype)
    return ((wrong - right).norm() / right.norm()).item()


assert abs(difference(torch.float32) - 1 / 1023) < 1e-5
assert abs(difference(torch.float64) - 1 / 1023) < 1e-12

# %% en: Where next
# - :ref:`profiling` shows which operations ran, on either device.
# - :ref:`measure-time` tells how to time them.

# %% zh 25e2b8: 接下来
# - :ref:`profiling`：两种设备上都运行了哪些运算。
# - :ref:`measure-time`：怎样给它们计时。
