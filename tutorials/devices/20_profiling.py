# %% about
# level: intermediate
# minutes: 15
# tags: torch.profiler.profile, record_function, key_averages, schedule, export_chrome_trace

# %% en: Profiling
# You find out where a computation spends its time, forward and backward, and you open the whole
# run on a timeline.
#
# Divide and multiply a thousand times and let the profiler watch. Every operation that runs leaves
# a record: its name and how long it took. How many divisions do you expect in the list, and how
# many multiplications?

# %% zh 832ad0: 性能分析
# 找出一段计算的时间花在哪里，前向传播和反向传播都包括在内，并在时间轴上查看整个过程。
#
# 先除后乘，重复一千遍，同时让性能分析器记录。每次运算都会留下一条记录：
# 叫什么名字，用了多久。你猜列表里会有多少次除法、多少次乘法？

# %%
import json
import tempfile
import time
from pathlib import Path

import matplotlib.pyplot as plt
import torch
from torch.profiler import DeviceType, ProfilerActivity, profile, record_function, schedule

plt.rc("figure", figsize=(5, 3.5), autolayout=True)
device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
activities = [ProfilerActivity.CPU]
if device.type == "cuda":
    activities.append(ProfilerActivity.CUDA)
options = {"activities": activities, "acc_events": True}

x = torch.full((2, 3), 2.0, device=device, requires_grad=True)
y = torch.full((2, 3), 2.0, device=device, requires_grad=True)
z = z0 = torch.ones(2, 3, device=device, requires_grad=True)

z / x * y
with profile(**options) as prof:
    for _ in range(1000):
        z = z / x * y

calls = {event.key: event.count for event in prof.key_averages()}
print(calls["aten::div"], calls["aten::mul"])
assert calls["aten::div"] == calls["aten::mul"] == 1000

# %% en
# One record for each call. ``key_averages()`` adds up the records that share a name. The prefix
# ``aten::`` is the library of tensor operations below Python. The line before ``with`` runs both
# operations once, unwatched: the first call of anything pays for set-up that later calls do not.
#
# ``activities`` says what to watch: the CPU always, and the GPU's own work when there is a GPU.
# ``acc_events`` keeps the records of all cycles; you meet cycles at the end of this page. Without
# it, older versions
# `warn at every use <https://github.com/pytorch/pytorch/pull/180387>`__.
# (The profiler may write a line or two to the error stream. They are harmless.)

# %% zh 647a64
# 每次调用都有一条记录。``key_averages()``把同名的记录合计在一起。
# 前缀``aten::``指的是 Python 底层的张量运算库。``with``之前的那一行先把两种运算各执行一次，不作记录：
# 任何操作第一次调用时，都要做些准备工作，之后就没有这笔开销了。
#
# ``activities``指定要观察什么：CPU 总要观察，有 GPU 时再加上 GPU 上的执行情况。
# ``acc_events``保留所有周期的记录，本页末尾会讲到周期。不设这一项，旧版本
# `每次使用都会发出警告 <https://github.com/pytorch/pytorch/pull/180387>`__。
# （性能分析器可能往标准错误流里输出一两行信息，不用理会。）

# %%
for activity in sorted(torch.profiler.supported_activities(), key=str):
    print(activity)
assert set(activities) <= torch.profiler.supported_activities()

# %% en: Read the table
# ``table`` prints one row per name. It is wide, so here each line is cut after five columns.
# ``sort_by`` picks the order and ``row_limit`` the number of rows. What sets "self" apart from
# "total" comes in :ref:`profiling-self-and-total`.

# %% zh aa38bf: 看懂表格
# ``table``为每个名字打印一行。表格很宽，所以这里只留前五列。
# ``sort_by``决定排序依据，``row_limit``决定行数。
# “Self”（自身时间）与“total”（总时间）有什么区别，见:ref:`profiling-self-and-total`。

# %%
table = prof.key_averages().table(
    sort_by="self_cpu_time_total", row_limit=4, max_name_column_width=20
)
width = len("  ".join(table.split()[:5]))
for line in table.splitlines():
    print(line[:width])
assert width <= 80
assert "Self CPU" in table

# %% en
# The counts are facts: they are the same in each run, and the page asserts them. The times are
# measurements. They change from run to run and from machine to machine, so yours differ from those
# printed here. Trust the order of magnitude, not the last digits.
#
# Every row is an object with attributes, so ``show`` can print a narrower table in a few lines.
# With a GPU the list also has rows for its kernels, the programs that run on the GPU. ``host``
# keeps the rows that belong to the CPU, among them calls of the CUDA library such as
# ``cudaLaunchKernel``.

# %% zh 525eaf
# 次数是确定的：每次运行都一样，本页也用断言检查。时间是测量值：每次运行、每台机器都不同，
# 所以你看到的数字和这里的不一样。数量级可信，末几位不可信。
#
# 每一行都是一个对象，各列是它的属性，所以``show``只用几行代码就能打印一张窄表。
# 有 GPU 时，列表里还有内核（在 GPU 上运行的程序）的行。``host``只保留属于 CPU 的行，
# 其中也包括 CUDA 库的调用，例如``cudaLaunchKernel``。


# %%
def host(prof, **grouping):
    return [e for e in prof.key_averages(**grouping) if e.device_type == DeviceType.CPU]


def show(prof, column="self_cpu_time_total", rows=6):
    events = sorted(host(prof), key=lambda e: getattr(e, column), reverse=True)
    whole = sum(e.self_cpu_time_total for e in events)
    print(f"{'key':42} {'count':>6} {'self':>7} {'total':>7}")
    for e in events[:rows]:
        own, total = e.self_cpu_time_total / whole, e.cpu_time_total / whole
        print(f"{e.key[-42:]:42} {e.count:6} {own:7.1%} {total:7.1%}")


show(prof, "count", rows=3)

# %% en: Watching has a price
# A record takes time to write, and here the operations are tiny. Run the loop with and without
# the profiler and compare. Again the first call is only there to warm up.

# %% zh d61b21: 观察是有代价的
# 写一条记录要花时间，而这里的运算本身耗时极短。开启和关闭性能分析器，各跑一遍循环，比较用时。
# 开头的那次调用同样只是预热。


# %%
def loop():
    z = z0
    for _ in range(1000):
        z = z / x * y
    return z


def clock():
    start = time.perf_counter()
    loop()
    if device.type == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter() - start


loop()
bare = min(clock() for _ in range(3))
with profile(**options):
    watched = min(clock() for _ in range(3))
print(f"{watched / bare:.1f}")

# %% en
# That ratio says how many times longer the loop takes while the profiler watches. So use the
# profiler to learn *where* the time goes. To learn how long something takes, use a clock or
# `torch.utils.benchmark <https://docs.pytorch.org/docs/stable/benchmark_utils.html>`__, and on a
# GPU wait for the queue first, as ``clock`` does.
#
# .. note::
#    Older texts call ``torch.autograd.profiler.profile(use_cuda=True)``. PyTorch 2.13 warns about
#    ``use_cuda``, and in 2.14 the call
#    `fails with a TypeError <https://github.com/pytorch/tutorials/pull/3960>`__. Use
#    ``torch.profiler.profile``.

# %% zh 744330
# 这个比值说明，开启性能分析器后，循环的用时是原来的多少倍。
# 所以，想知道时间花在*哪里*，用性能分析器；想知道究竟用了多久，就自己计时，或者用
# `torch.utils.benchmark <https://docs.pytorch.org/docs/stable/benchmark_utils.html>`__。
# 在 GPU 上要像``clock``那样，先等队列里的任务做完。
#
# .. note::
#    较早的资料使用``torch.autograd.profiler.profile(use_cuda=True)``。PyTorch 2.13 对
#    ``use_cuda``发出警告，到了 2.14，这个调用会
#    `抛出 TypeError <https://github.com/pytorch/tutorials/pull/3960>`__。
#    请用``torch.profiler.profile``。

# %% en: Profile the backward pass
# The loop builds a graph of two thousand nodes. Walk it backward under the profiler. The nodes
# appear under the names that ``grad_fn`` shows, ``DivBackward0`` and ``MulBackward0``.
#
# The gradients are known beforehand. Each round multiplies by :math:`y/x = 1`, so :math:`z` stays
# 1, its gradient with respect to :math:`y` is :math:`1000 \cdot z / y = 500`, and with respect to
# :math:`x` it is :math:`-500`.

# %% zh 2fdf7b: 分析反向传播
# 循环构建的计算图有两千个节点。下面开启性能分析器，对这张图做反向传播。
# 节点在记录里的名字，就是``grad_fn``显示的名字：``DivBackward0``和``MulBackward0``。
#
# 梯度可以事先算出。每一轮都乘以:math:`y/x = 1`，所以:math:`z`一直是 1，
# 关于:math:`y`的梯度是:math:`1000 \cdot z / y = 500`，
# 关于:math:`x`的梯度是:math:`-500`。

# %%
z = loop()
with profile(**options) as prof:
    z.sum().backward()

show(prof, rows=8)
assert torch.all(y.grad == 500) and torch.all(x.grad == -500)

# %% en
# Three layers lie over each other. ``autograd::engine::evaluate_function`` is autograd's engine
# handling one node (long names are cut on the left here); inside it runs the node,
# ``DivBackward0``; and inside that the operations which compute the derivative, among them more
# ``aten::div``.
#
# Where do the calls of ``aten::add_`` come from? ``x`` was used a thousand times, so its gradient
# is a sum of a thousand terms. That takes 999 additions, and ``y`` takes as many.

# %% zh ae4891
# 这里的记录嵌套了三层。最外层的``autograd::engine::evaluate_function``是 autograd 的引擎在处理一个节点
# （名字太长，这里截去了左边）；中间一层是节点``DivBackward0``；
# 最里层是计算导数的运算，其中又有``aten::div``。
#
# ``aten::add_``又从何而来？``x``用了一千次，所以它的梯度是一千项之和，
# 要做 999 次加法，``y``也一样。

# %%
calls = {e.key: e.count for e in host(prof)}
assert calls["DivBackward0"] == calls["MulBackward0"] == 1000
assert calls["autograd::engine::evaluate_function: DivBackward0"] == 1000
assert calls["aten::div"] > 1000
assert calls["torch::autograd::AccumulateGrad"] == 3

additions = calls.get("aten::add_", 0) + calls.get("aten::add", 0)
print(additions)
assert additions == 2 * 999

# %% en: Self and total
# *Total* is the time from entering a record to leaving it. *Self* is that time without the records
# inside. Self times add up to the whole; totals count nested work again and again, so they do not.
# Sort by self to find the operation that costs; sort by total to find the block that costs.
#
# The number printed below is the sum of all totals, as a multiple of the whole.

# %% zh 5c9a44: 自身时间与总时间
# *总时间*是一条记录从开始到结束的时间。*自身时间*要再扣除其中嵌套的记录。
# 自身时间加起来等于全部时间；总时间会重复计算嵌套的部分，加起来就超了。
# 要找耗时的运算，按自身时间排序；要找耗时的代码块，按总时间排序。
#
# 下面打印的数，是所有总时间之和相当于全部时间的几倍。

# %%
events = host(prof)
whole = sum(e.self_cpu_time_total for e in events)
print(f"{sum(e.cpu_time_total for e in events) / whole:.1f}")
assert all(e.self_cpu_time_total <= e.cpu_time_total for e in events)

top = sorted(events, key=lambda e: e.self_cpu_time_total)[-8:]
names = [e.key.replace("autograd::engine::", "") for e in top]
plt.barh(names, [100 * e.self_cpu_time_total / whole for e in top])
plt.xlabel("Self CPU %")
plt.show()

# %% en alt
# Horizontal bars: the share of self CPU time of the eight most expensive names in the backward
# pass. Beside tensor operations such as ``aten::mul``, the engine's ``evaluate_function`` and the
# nodes ``DivBackward0`` and ``MulBackward0`` take a visible share.

# %% zh alt b7b270
# 横向条形图：反向传播中自身时间最长的八个名字，各占 CPU 自身时间的百分比。
# 除了``aten::mul``这样的张量运算，引擎的``evaluate_function``以及节点``DivBackward0``和
# ``MulBackward0``所占的比例也很明显。

# %% en
# With six numbers per tensor, the arithmetic itself is almost nothing: the time goes into the
# bookkeeping around it. Larger tensors change that, as
# :ref:`profiling-when-does-size-begin-to-matter` shows.

# %% zh 30bb4f
# 每个张量只有六个数，算术本身几乎不花时间，时间都花在运算之外的管理工作上。
# 张量大了，情况就不同，见:ref:`profiling-when-does-size-begin-to-matter`。

# %% en: Name your own blocks
# ``record_function`` puts a name on a block. Label the three phases of a training step, and ask for
# the totals. Five steps are profiled, after one that warms up.

# %% zh 1eae3e: 给代码块命名
# ``record_function``给代码块加上名字。下面给一步训练的三个阶段加上标签，再看各自的总时间。
# 先预热一步，再分析五步。

# %%
torch.manual_seed(0)
inputs = torch.randn(16, 1000).to(device)
targets = torch.randn(16, 10).to(device)
model = torch.nn.Sequential(
    torch.nn.Linear(1000, 100), torch.nn.ReLU(), torch.nn.Linear(100, 10)
).to(device)
optimizer = torch.optim.SGD(model.parameters(), lr=0.001)


def train_step():
    optimizer.zero_grad()
    with record_function("forward"):
        loss = (model(inputs) - targets).square().sum()
    with record_function("backward"):
        loss.backward()
    with record_function("step"):
        optimizer.step()


train_step()
with profile(**options) as prof:
    for _ in range(5):
        train_step()

phases = {e.key: e for e in host(prof) if e.key in ("forward", "backward", "step")}
whole = sum(e.cpu_time_total for e in phases.values())
for name, event in phases.items():
    print(f"{name:10} {event.count} {event.cpu_time_total / whole:7.1%}")
assert {name: event.count for name, event in phases.items()} == {
    "forward": 5,
    "backward": 5,
    "step": 5,
}

# %% en
# Optimizers label themselves; this one is ``Optimizer.step#SGD.step``.
#
# On a GPU these are the times to *submit* the work, and the backward pass runs in a thread of its
# own, so its records are not nested in the label. The time of the kernels is in the attributes
# ``device_time_total`` and ``self_device_time_total``. On a machine without a GPU they are zero.

# %% zh d34114
# 优化器会自动给自己加标签，这里是``Optimizer.step#SGD.step``。
#
# 在 GPU 上，这些只是*提交*任务的时间；而且反向传播在单独的线程里运行，它的记录不会嵌套在标签里。
# 内核的时间在属性``device_time_total``和``self_device_time_total``里。没有 GPU 时，这两项都是零。

# %%
calls = {e.key: e.count for e in host(prof)}
print(calls["Optimizer.step#SGD.step"])
assert calls["Optimizer.step#SGD.step"] == 5

on_device = sum(e.self_device_time_total for e in host(prof))
print(device.type, on_device > 0)
if device.type == "cpu":
    assert on_device == 0

# %% en: Same name, different sizes
# One row may hide two very different uses. With ``record_shapes=True``, grouping by input shape
# gives each its own row. ``with_flops=True`` adds an estimate of the arithmetic, and that is no
# measurement: a product of two :math:`n \times n` matrices counts :math:`2n^3` operations.

# %% zh e47b7d: 名字相同，大小不同
# 同一行里可能混着两种截然不同的用法。设``record_shapes=True``，再按输入形状分组，
# 它们就各占一行。``with_flops=True``还会给出运算量，不过那是估计值，不是测量值：
# 两个:math:`n \times n`矩阵相乘，按:math:`2n^3`次运算计。

# %%
small = torch.ones(32, 32, device=device)
large = torch.ones(512, 512, device=device)
with profile(**options, record_shapes=True, with_flops=True) as prof:
    for _ in range(10):
        small @ small
        large @ large

products = [e for e in host(prof, group_by_input_shape=True) if e.key == "aten::mm"]
for e in products:
    print(e.input_shapes, e.count, e.flops)
    n = e.input_shapes[0][0]
    assert e.count == 10
    assert e.flops == 10 * 2 * n**3
assert sorted(e.input_shapes[0] for e in products) == [[32, 32], [512, 512]]

# %% en: When does size begin to matter?
# Multiply vectors of growing length :math:`n` and plot the time of one ``aten::mul``. ``events()``
# gives the single records, so each length can show the fastest of its 20 calls, which suffers least
# from whatever else the machine is doing. For the same reason the CPU uses one thread here.
#
# Predict the left end of the curve: does one number take a thousandth of the time of a thousand
# numbers?

# %% zh 35f092: 张量多大时，用时才会增长
# 取一组长度:math:`n`逐渐增大的向量，各自与自身相乘，画出一次``aten::mul``的用时。
# ``events()``给出逐条的记录，所以每个长度可以取 20 次调用中最快的一次，它受其他程序的干扰最小。
# 出于同样的原因，这里 CPU 只用一个线程。
#
# 先猜曲线的左端：算一个数的时间，是算一千个数的千分之一吗？

# %%
sizes = [4**k for k in range(11)]
vectors = [torch.ones(n, device=device) for n in sizes]
threads = torch.get_num_threads()
torch.set_num_threads(1)

with profile(**options, record_shapes=True) as prof:
    for v in vectors:
        for _ in range(20):
            v * v
torch.set_num_threads(threads)

records = {n: [] for n in sizes}
for e in prof.events():
    if e.name == "aten::mul":
        records[e.input_shapes[0][0]].append(e)
assert all(len(records[n]) == 20 for n in sizes)

fastest = [min(e.self_cpu_time_total for e in records[n]) for n in sizes]
plt.loglog(sizes, fastest, "o-", label="self_cpu_time_total")
if device.type == "cuda":
    kernels = [min(e.device_time_total for e in records[n]) for n in sizes]
    plt.loglog(sizes, kernels, "s-", label="device_time_total")
plt.xlabel("$n$")
plt.ylabel(r"$t\ /\ \mu\mathrm{s}$")
plt.legend()
plt.show()

# %% en alt
# Time of one multiplication against the length of the vectors, both axes logarithmic. The curve
# starts flat: short vectors all cost the same. On a CPU it turns upward for long vectors. On
# a GPU the CPU's curve stays flat and a second curve, the kernel's time, turns upward.

# %% zh alt 20682a
# 一次乘法的用时随向量长度的变化，两轴均为对数刻度。曲线左段是平的：短向量的用时都差不多。
# 没有 GPU 时，向量变长后曲线上升。有 GPU 时，CPU 时间的曲线一直平坦，上升的是第二条曲线，即内核的时间。

# %% en
# No. The left part is flat: each call has a fixed price, and a few numbers more or less do not
# show. In the flat part, the way to save time is to make fewer calls with larger tensors.

# %% zh 8e6bae
# 不是。左段是平的：每次调用都有固定的开销，多几个数少几个数看不出差别。
# 在平坦的这一段，想省时间，就要减少调用次数，每次用更大的张量。

# %% en: Memory
# ``profile_memory=True`` records what each operation allocates. A square of side 1024 in
# ``float32`` takes 4 MiB. ``exp`` makes a new one. How much does the in-place ``exp_`` allocate?
# The output is in MiB; a GPU's allocator may round up.

# %% zh 4f061a: 内存
# ``profile_memory=True``记录每个运算分配了多少内存。边长 1024 的``float32``方阵占 4 MiB。
# ``exp``要新建一个方阵。原地操作``exp_``会分配多少？
# 输出以 MiB 为单位；GPU 的内存分配器可能会向上取整。

# %%
square = torch.zeros(1024, 1024, device=device)
with profile(**options, profile_memory=True) as prof:
    result = square.exp()
    square.exp_()

attribute = "device_memory_usage" if device.type == "cuda" else "cpu_memory_usage"
usage = {e.key: getattr(e, attribute) for e in host(prof)}
print(usage["aten::exp"] / 2**20, usage["aten::exp_"] / 2**20)
assert usage["aten::exp"] >= 4 * 2**20
assert usage["aten::exp_"] == 0

# %% en: The whole run on a timeline
# A table adds up; a trace keeps the order. ``export_chrome_trace`` writes it to a JSON file. Open
# `ui.perfetto.dev <https://ui.perfetto.dev>`__ (or ``chrome://tracing`` in Chrome) and drop the
# file there: time runs to the right, and a record lies below the one that contains it.
#
# The file is ordinary JSON, so you can also read it yourself: ``cat`` is the kind of a record,
# ``ts`` when it starts and ``dur`` how long it lasts, in microseconds. Here the file goes to
# a temporary folder; to keep it, give a path of your own.

# %% zh 7ada71: 在时间轴上看整个过程
# 表格只给出合计，跟踪记录还保留先后顺序。``export_chrome_trace``把跟踪记录写成 JSON 文件。打开
# `ui.perfetto.dev <https://ui.perfetto.dev>`__
# （或在 Chrome 里打开``chrome://tracing``），把文件拖进去：时间从左向右，
# 嵌套在里面的记录画在外层记录的下方。
#
# 这个文件就是普通的 JSON，你也可以自己读取：``cat``是记录的类别，``ts``是开始时刻，
# ``dur``是持续时间，后两项以微秒为单位。这里把文件写进临时文件夹；想保留，就换成自己的路径。

# %%
with profile(**options) as prof:
    for _ in range(5):
        train_step()

with tempfile.TemporaryDirectory() as folder:
    path = Path(folder) / "trace.json"
    prof.export_chrome_trace(str(path))
    trace = json.loads(path.read_text())

records = [e for e in trace["traceEvents"] if e.get("cat") in ("cpu_op", "user_annotation")]
names = [record["name"] for record in records]
print(sorted(records[0]))
assert {"name", "ts", "dur"} <= set(records[0])
print(names.count("forward"), names.count("aten::linear"))
assert names.count("forward") == names.count("backward") == names.count("step") == 5
assert names.count("aten::linear") == 10

# %% en: Long runs: record a few steps
# A trace of a whole training run would be huge. A schedule skips ``wait`` steps, warms up the
# profiler for ``warmup`` steps, then records ``active`` steps; that is one cycle, and ``repeat``
# says how many there are. It is a function from the step's number to an action. Predict the actions
# of the first six steps.

# %% zh 9a5949: 长时间运行：只记录几步
# 整个训练过程的跟踪记录会非常大。记录计划的做法是：先跳过``wait``步，再用``warmup``步预热性能分析器，
# 然后记录``active``步，这样算一个周期；``repeat``是周期数。
# 记录计划是一个函数：输入步的编号，返回这一步的动作。猜一猜前六步各是什么动作。

# %%
plan = schedule(wait=1, warmup=1, active=3, repeat=1)
print([plan(number).name for number in range(6)])

# %% en
# Call ``prof.step()`` after each step, and the profiler follows the plan. Of five steps, it keeps
# the last three. In training, pass ``on_trace_ready`` a function that saves each finished cycle.

# %% zh 020700
# 每一步之后调用``prof.step()``，性能分析器就会按计划执行。五步之中，只留下最后三步的记录。
# 训练时，可以给``on_trace_ready``传一个函数，每完成一个周期就保存一次。

# %%
saved = []
with profile(**options, schedule=plan, on_trace_ready=lambda p: saved.append(host(p))) as prof:
    for _ in range(5):
        train_step()
        prof.step()

assert len(saved) == 1
calls = {e.key: e.count for e in saved[0]}
print(calls["ProfilerStep*"], calls["forward"])
assert calls["ProfilerStep*"] == calls["forward"] == calls["backward"] == 3

# %% en: Remember
# - Counts repeat exactly; times are measurements and vary.
# - Self time finds the operation, total time finds the block.
# - The backward pass shows up by node: ``DivBackward0`` and so on.
# - Warm up first; and while the profiler watches, everything is slower.

# %% zh b3a080: 记住
# - 次数每次都一样；时间是测量值，每次都变。
# - 自身时间用来找运算，总时间用来找代码块。
# - 反向传播的记录按节点命名，例如``DivBackward0``。
# - 先预热；开启性能分析器后，一切都会变慢。

# %% en: Exercise: count before you look
# Start from ``z = 1.0``, run ``z = z * x`` ten times, with ``x`` a leaf that requires a gradient,
# and call ``z.sum().backward()``. How often does ``MulBackward0`` run, how often
# ``AccumulateGrad``, and how many additions are needed? Write down the three numbers, then check.

# %% zh db55ba: 练习：先数，再看
# 从``z = 1.0``开始，执行十次``z = z * x``，其中``x``是需要梯度的叶子张量，
# 再调用``z.sum().backward()``。``MulBackward0``运行几次？``AccumulateGrad``几次？要做几次加法？
# 先写下这三个数，再验证。

# %% solution
leaf = torch.ones(4, device=device, requires_grad=True)
product = 1.0
for _ in range(10):
    product = product * leaf
with profile(**options) as prof:
    product.sum().backward()

calls = {e.key: e.count for e in host(prof)}
assert calls["MulBackward0"] == 10
assert calls["torch::autograd::AccumulateGrad"] == 1
assert calls.get("aten::add_", 0) + calls.get("aten::add", 0) == 9
assert torch.all(leaf.grad == 10)

# %% en: Exercise: the same result in a few calls
# The loop computes :math:`z_0 \, (y/x)^{1000}`. Compute it without a loop, check that the
# gradients still are -500 and 500, and compare the number of calls on the way forward.

# %% zh d1a3b0: 练习：用几次调用得到同样的结果
# 循环算的是:math:`z_0 \, (y/x)^{1000}`。不用循环，直接算出这个式子，检查梯度仍是 -500 和 500，
# 再比较前向传播的调用次数。

# %% solution
x.grad = y.grad = z0.grad = None
with profile(**options) as prof:
    z = z0 * (y / x) ** 1000
calls = {e.key: e.count for e in host(prof)}
assert calls["aten::div"] == calls["aten::pow"] == calls["aten::mul"] == 1

z.sum().backward()
torch.testing.assert_close(x.grad, torch.full_like(x, -500))
torch.testing.assert_close(y.grad, torch.full_like(y, 500))

# %% en: Exercise: every tenth step
# Write a schedule that records the last of every ten steps, three times, after one step of
# warm-up each time. Which of the steps 0 to 39 are recorded?

# %% zh 2f73a6: 练习：每十步记录一步
# 写一个记录计划：每十步只记录最后一步，每次记录前先预热一步，一共记录三次。
# 在第 0 到 39 步中，哪几步会记录下来？

# %% solution
plan = schedule(wait=8, warmup=1, active=1, repeat=3)
recorded = [number for number in range(40) if plan(number).name.startswith("RECORD")]
assert recorded == [9, 19, 29]

# %% en: Where next
# - :ref:`cpu-and-cuda` explains devices and why a call may return before its work is done.
# - :ref:`read-the-graph` shows the nodes whose names you met here.
# - :ref:`one-training-step` takes the training step apart.

# %% zh 74ee0d: 接下来
# - :ref:`cpu-and-cuda`：讲解设备，以及为什么调用返回时计算未必完成。
# - :ref:`read-the-graph`：认识这些名字背后的节点。
# - :ref:`one-training-step`：把训练步骤拆开来看。
