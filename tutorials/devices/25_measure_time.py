# %% about
# level: intermediate
# tags: torch.accelerator.synchronize, time.perf_counter, torch.utils.benchmark.Timer, torch.set_num_threads

# %% en: Measure time
# Time a computation so that the number means what you take it for, on the CPU and on a GPU, where a
# call often returns before its work is done.
#
# A GPU works through a queue: a call of PyTorch `puts work in the queue and returns
# <https://docs.pytorch.org/docs/stable/notes/cuda.html#asynchronous-execution>`__. The results are
# right all the same, because ``item()``, ``cpu()`` and ``print`` wait for the numbers that they
# need. A clock does not.
#
# Each machine can show what goes wrong, with a queue made in Python. (The lines with ``device``
# choose the device, as :ref:`cpu-and-cuda` explains.) It is not a GPU, only a queue like that of
# a GPU: ``submit`` puts a task of 0.1 seconds in and returns, ``result()`` waits until the task is
# done. ``clock`` first submits an earlier task, as a program mostly has by the time you look at the
# clock, and then the one that it should time. How many task lengths does it measure without waiting,
# if it waits behind the task, and if it waits in front of it too?

# %% zh f3aed5: 测量时间
# 给一段计算计时，让测得的数名副其实，在 CPU 和 GPU 上都是如此；难处在 GPU：调用返回时，
# 计算往往还没有做完。
#
# GPU 按队列（queue）工作：PyTorch 的一次调用
# `把任务放进队列就返回
# <https://docs.pytorch.org/docs/stable/notes/cuda.html#asynchronous-execution>`__。
# 结果不会因此出错，因为``item()``、``cpu()``和``print``需要数值时会等数值算完，时钟却不会等。
#
# 用 Python 做一个队列，在哪台机器上都能看到会出什么错。（含``device``的几行选择设备，
# 见:ref:`cpu-and-cuda`。）它不是 GPU，只是和 GPU 一样有个队列：``submit``放进一个 0.1 秒的任务就返回，
# ``result()``等到任务完成。``clock``先提交一个较早的任务，因为实际的程序在开始计时之前，
# 多半已经提交过别的任务；然后提交要计时的那一个。如果不等待，测到的是任务时长的几倍？只在任务之后等待呢？
# 前后都等待呢？

# %% predict
import time
from concurrent.futures import ThreadPoolExecutor

import matplotlib.pyplot as plt
import torch
from torch.profiler import profile
from torch.utils.benchmark import Timer

device = torch.accelerator.current_accelerator(check_available=True)
torch.set_default_device(device or "cpu")

queue = ThreadPoolExecutor(max_workers=1)


def clock(before, behind):
    earlier = queue.submit(time.sleep, 0.1)
    if before:
        earlier.result()
    start = time.perf_counter()
    task = queue.submit(time.sleep, 0.1)
    if behind:
        task.result()
    seconds = time.perf_counter() - start
    task.result()
    return seconds


cases = [(False, False), (False, True), (True, True)]
for waits in cases:
    print(waits, round(clock(*waits) / 0.1))

# %% check
assert cases == [(False, False), (False, True), (True, True)]
for case, lengths in zip(cases, (0, 2, 1), strict=True):
    tries = (round(clock(*case) / 0.1) for _ in range(5))
    assert lengths in tries

# %% en
# 0, 2 and 1. Without waiting, the clock sees only how long it takes to submit. If it waits behind
# the task alone, it pays for what was in the queue already. So wait on both sides: before you start
# the clock and before you stop it.

# %% zh 5dc520
# 分别是 0、2 和 1。不等待，时钟测到的只是提交任务花的时间；只在任务之后等待，
# 就把队列里原有的任务也算了进来。所以两边都要等：开始计时之前等一次，停止计时之前再等一次。

# %% en: A clock for both machines
# For an accelerator the call that waits is ``torch.accelerator.synchronize()``. Where there is none
# it raises an error, and nothing has to be waited for, since the CPU returns when the work is done.
# ``once`` below waits on both sides, and ``seconds`` lets ``f`` run once unwatched, because the
# first call pays for set-up, and then takes the fastest of 10 runs, which suffers least from
# whatever else the machine is doing.

# %% zh 85bb78: 两种机器通用的计时方法
# 对加速器（accelerator）来说，负责等待的调用是``torch.accelerator.synchronize()``。没有加速器时，
# 它会报错；这时也无需等待，因为 CPU 上的调用做完才返回。下面的``once``两边都等；
# ``seconds``先运行一次``f``，不计时，因为第一次调用要做准备；然后取 10 次里最快的一次，
# 它受机器上其他程序的影响最小。


# %%
def wait():
    if device:
        torch.accelerator.synchronize()


def once(f):
    wait()
    start = time.perf_counter()
    f()
    wait()
    return time.perf_counter() - start


def seconds(f):
    f()
    return min(once(f) for _ in range(10))


# %% check
assert seconds(lambda: time.sleep(0.01)) >= 0.01
calls = []
seconds(lambda: calls.append(0))
assert len(calls) == 11
if device is None:
    try:
        torch.accelerator.synchronize()
        said = ""
    except RuntimeError as problem:
        said = str(problem)
    assert "Cannot access accelerator device" in said

# %% en: One number and many
# Multiply vectors of length :math:`n` by themselves. The CPU uses one of its threads, so that the
# curve is not bent by the others. Do a thousand numbers take much longer than a single one, and do
# sixteen million take much longer than a thousand?

# %% zh 2a1d36: 一个数与许多数
# 把长度为:math:`n`的向量与自身相乘。CPU 只用一个线程（thread），免得别的线程影响曲线。算一千个数，
# 会比只算一个数久得多吗？算一千六百万个数，又会比算一千个久得多吗？

# %% predict
threads = torch.get_num_threads()
torch.set_num_threads(1)
sizes = [4**k for k in range(13)]
fastest = []
for n in sizes:
    v = torch.ones(n)
    fastest.append(seconds(lambda v=v: v * v))
torch.set_num_threads(threads)

plt.loglog(sizes, fastest, "o-")
plt.xlabel("$n$")
plt.ylabel(r"$t\ /\ \mathrm{s}$")
plt.show()

# %% check
assert sizes[0] == 1 and sizes[5] == 1024 and sizes[-1] == 2**24
assert len(fastest) == 13 and v.numel() == 2**24
assert fastest[5] < 5 * fastest[0]
assert fastest[-1] > (2 if device else 100) * fastest[5]
assert torch.get_num_threads() == threads

# %% en alt
# Time of one multiplication against the length of the vectors, both axes logarithmic. The left part
# is flat: up to about a thousand numbers the time hardly changes. To the right the curve turns
# upward and ends far above its beginning.

# %% zh alt b2c461
# 一次乘法的用时随向量长度的变化，两轴均为对数刻度。左段是平的：在大约一千个数以内，用时几乎不变。
# 往右，曲线转而上升，终点比起点高得多。

# %% en
# A thousand numbers take about as long as one: each call has a fixed price, and in the flat part it
# is nearly all you pay. To save time there, make fewer calls with larger tensors. Sixteen million
# numbers take far longer. On a GPU the flat part is higher, because handing over work costs more,
# and reaches further to the right.

# %% zh 92a4be
# 一千个数与一个数用时差不多：每次调用都有固定的开销，在平坦的这一段，花的几乎全是这份开销。这时想省时间，
# 就要减少调用次数，每次用更大的张量（tensor）。一千六百万个数则要久得多。在 GPU 上，提交任务的开销更大，
# 所以平坦的一段更高，向右也延伸得更远。

# %% en: Under the profiler
# The profiler (:ref:`profiling`) writes a record for each operation. Here are 200
# multiplications of short vectors, timed alone and under the profiler in turn, 20 times each. Is the
# ratio of the time under the profiler to the time alone above or below 1, and would long vectors
# bring it nearer to 1?

# %% zh f20e27: 开着性能分析器计时
# 性能分析器（profiler，见:ref:`profiling`）每遇到一次运算就写一条记录。下面对短向量做 200 次乘法，
# 不开性能分析器和开着性能分析器轮流计时，各 20 次。开着时的用时与不开时的用时相比，
# 比值在 1 之上还是之下？换成长向量，比值会更接近 1 吗？

# %% predict
short = torch.ones(8)


def many():
    for _ in range(200):
        short * short


many()
alone, watched = [], []
for _ in range(20):
    alone.append(once(many))
    with profile() as prof:
        watched.append(once(many))
print(f"{min(watched) / min(alone):.2f}")

# %% check
counted = {row.key: row.count for row in prof.key_averages()}
assert counted["aten::mul"] == 200
assert len(alone) == len(watched) == 20
assert min(watched) > min(alone)

# %% en
# Watching makes it slower. With operations this small the price shows; with large ones it hardly
# does. So the profiler tells *where* the time goes, and a clock tells how long it takes.

# %% zh cf60a3
# 开着性能分析器更慢。运算这么小，这份开销就看得出来；运算大了，几乎看不出来。所以时间花在*哪里*，
# 问性能分析器；究竟用了多久，要看时钟。

# %% en: The clock of PyTorch
# `Timer <https://docs.pytorch.org/docs/stable/benchmark_utils.html>`__ does most of this for you:
# it warms up, takes one thread unless told otherwise, and waits for the accelerator before it
# starts and before it stops. ``timeit(1000)`` runs the statement a thousand times and ``mean`` is
# the average time of a run, not the fastest, here in microseconds.

# %% zh 04d050: PyTorch 自带的计时器
# `Timer <https://docs.pytorch.org/docs/stable/benchmark_utils.html>`__替你做了其中的大部分：先预热；
# 不另外指定的话只用一个线程；开始和停止计时之前，都会等加速器做完。``timeit(1000)``把语句执行一千次，
# ``mean``是执行一次的平均时间，而不是最快的一次，这里以微秒为单位。

# %%
timer = Timer("short * short", globals={"short": short})
print(f"{1e6 * timer.timeit(1000).mean:.2f}")

# %% check
timing = timer.timeit(1000)
assert timing.number_per_run == 1000 and timing.times == [timing.mean]
assert timing.task_spec.num_threads == 1
quickest = min(timer.timeit(1000).mean for _ in range(5))
assert 0.1 < quickest / (min(alone) / 200) < 10

# %% en: Remember
# - Wait for the accelerator before you start the clock and before you stop it.
# - Let the first call run unwatched, and take the fastest of several runs.
# - Each call has a fixed price: small tensors cost about as much as middling ones.

# %% zh 40e842: 要点
# - 开始计时之前、停止计时之前，都要等加速器做完。
# - 第一次调用不计时，然后取几次里最快的一次。
# - 每次调用都有固定的开销：小张量和中等大小的张量用时差不多。

# %% en: Exercise: there and back
# Let ``a`` and ``b`` be two matrices of side 256 that require gradients. Time ``(a @ b).sum()``, and
# then the same with a call of ``backward``. What ratio do you expect from the number of products,
# and what do you measure? (``a.grad = b.grad = None`` saves adding to old gradients.)

# %% zh 63d285: 练习：有去有回
# 设``a``和``b``是两个边长为 256、需要梯度（gradient）的方阵。先给``(a @ b).sum()``计时，再连同``backward``一起计时。
# 从矩阵乘法的次数来看，你预计比值是多少？测得多少？（``a.grad = b.grad = None``可以省去与旧梯度相加。）

# %% solution
a = torch.randn(256, 256, requires_grad=True)
b = torch.randn(256, 256, requires_grad=True)


def there():
    return (a @ b).sum()


def there_and_back():
    a.grad = b.grad = None
    there().backward()


print((1 + 2) / 1, seconds(there_and_back) / seconds(there))

from torch.utils.flop_counter import FlopCounterMode

with FlopCounterMode(display=False) as counted:
    there_and_back()
assert counted.get_total_flops() == 3 * 2 * 256**3

# %% en: Where next
# - :ref:`record-a-long-run` shows the same queue on a timeline.
# - :ref:`what-jacobians-cost` measures derivatives.

# %% zh c3be0e: 接下来
# - :ref:`record-a-long-run`：在时间轴上看队列。
# - :ref:`what-jacobians-cost`：测量求导的代价。
