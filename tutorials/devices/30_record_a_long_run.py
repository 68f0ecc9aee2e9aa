# %% about
# level: intermediate
# tags: torch.profiler.schedule, torch.profiler.profile.step, torch.profiler.profile.export_chrome_trace, profile_memory

# %% en: Record a long run
# Record a few steps of a long training run, look at them on a timeline, and see which operations
# take memory.
#
# It builds on :ref:`profiling`. A profile of a whole training run would be huge. A *schedule*
# chooses steps: it skips ``wait`` steps, lets the profiler warm up for ``warmup`` steps and records
# ``active`` steps. That is one cycle, and ``repeat`` says how many cycles there are. A schedule is a
# function from the number of a step, counted from 0, to what the profiler should do. (The lines with
# ``device`` choose the device, see :ref:`cpu-and-cuda`.)
#
# Which of the first six steps are recorded by the schedule below?

# %% zh 571cbd: 记录一次长时间的运行
# 从一次很长的训练里只记录几步，放到时间轴上看，并弄清哪些运算占用内存。
#
# 请先读过:ref:`profiling`。把整个训练过程都记录下来，数据量会非常大。*记录计划*（schedule）
# 负责挑选要记录的步：先跳过``wait``步，再用``warmup``步让性能分析器（profiler）预热，
# 然后记录``active``步。这样算一个周期，``repeat``是周期数。记录计划是一个函数：
# 输入步的编号（从 0 数起），返回性能分析器在这一步该做什么。（含``device``的几行选择设备，
# 见:ref:`cpu-and-cuda`。）
#
# 按下面的记录计划，前六步里哪几步会被记录？

# %% predict
import json
import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import torch
from torch.profiler import profile, record_function, schedule

device = torch.accelerator.current_accelerator(check_available=True)
torch.set_default_device(device or "cpu")

plan = schedule(wait=1, warmup=1, active=3, repeat=1)
for number in range(6):
    print(number, plan(number).name)

# %% check
actions = ["NONE", "WARMUP", "RECORD", "RECORD", "RECORD_AND_SAVE"]
assert [plan(n).name for n in range(8)] == actions + ["NONE"] * 3
assert number == 5

# %% en
# Steps 2, 3 and 4. The last step of a cycle is ``RECORD_AND_SAVE``: behind it, what has been
# recorded is handed over. Then nothing more happens, since ``repeat`` is 1; with 0, cycles go on
# until the end.

# %% zh 87f193
# 第 2、3、4 步。周期的最后一步是``RECORD_AND_SAVE``：这一步之后，记下的内容会被交给你。此后不再记录，
# 因为``repeat``是 1；如果是 0，周期会一直重复到结束。

# %% en: Two cycles
# ``prof.step()`` behind each step tells the profiler to go on to the next number, and
# ``on_trace_ready`` is a function that it calls at the end of each recording. The function below
# notes how often ``aten::addmm`` ran, the product of a ``Linear`` layer; the model has one such
# layer. ``acc_events=True`` keeps the records of earlier cycles. What will the two notes be?

# %% zh 8b08d8: 两个周期
# 每一步之后调用``prof.step()``，性能分析器就转到下一个编号；
# ``on_trace_ready``是每次记录结束时它要调用的函数。下面的函数记下``aten::addmm``运行了几次，
# 它就是``Linear``层的矩阵乘法，模型里只有一个这样的层。``acc_events=True``会保留先前周期的记录。
# 两次记下的各是多少？

# %% predict
model = torch.nn.Linear(1000, 10)
inputs, targets = torch.randn(64, 1000), torch.randn(64, 10)
optimizer = torch.optim.SGD(model.parameters(), lr=0.001)


def train_step():
    with record_function("forward"):
        loss = (model(inputs) - targets).square().mean()
    with record_function("backward"):
        loss.backward()
    with record_function("step"):
        optimizer.step()
        optimizer.zero_grad()


def note(prof):
    rows = {row.key: row.count for row in prof.key_averages()}
    notes.append(rows["aten::addmm"])


notes = []
plan = schedule(wait=1, warmup=1, active=3, repeat=2)
with profile(
    schedule=plan, on_trace_ready=note, acc_events=True
) as prof:
    for _ in range(12):
        train_step()
        prof.step()
print(notes)

# %% check
assert notes == [3, 6]
assert [plan(n).name for n in range(10)] == actions * 2
assert {r.key: r.count for r in prof.key_averages()}["aten::addmm"] == 6
import warnings

anew = []
with warnings.catch_warnings(record=True) as warned:
    warnings.simplefilter("always")
    with profile(
        schedule=plan,
        on_trace_ready=lambda p: anew.append(p.key_averages()),
    ) as other:
        for _ in range(9):
            model(inputs)
            other.step()
counts = [{r.key: r.count for r in rows} for rows in anew]
assert [c["aten::addmm"] for c in counts] == [3, 2]
assert any("clears events" in str(w.message) for w in warned)

# %% en
# After the first cycle it is 3, after the second 6. Without ``acc_events`` each cycle would begin
# anew and the second note would be 3 as well; PyTorch warns that it clears the events.

# %% zh 32516f
# 第一个周期之后是 3，第二个之后是 6。不设``acc_events``的话，每个周期从头开始，第二次记下的还是 3；
# PyTorch 会发出警告，提示记录将被清除。

# %% en: A timeline
# A table adds up; a trace keeps the order. ``export_chrome_trace`` writes a JSON file that
# `ui.perfetto.dev <https://ui.perfetto.dev>`__, or ``chrome://tracing`` in Chrome, shows as a
# timeline: drop the file there. You can also read it yourself. ``name`` says what ran, ``ts`` when
# it began and ``dur`` how long it took, in microseconds.
#
# Here are three training steps, drawn from such a file (it lies in a temporary folder; to keep
# yours, give a path of your own). ``AccumulateGrad`` is the node that writes into ``grad``, once for
# the weight and once for the bias. In :ref:`measure-time`, a call returned before its work was done.
# Does ``backward`` do that too, so that bars of ``AccumulateGrad`` lie behind those of
# ``backward``?

# %% zh bd4dcd: 时间轴
# 表格只给合计，跟踪记录（trace）则保留先后次序。``export_chrome_trace``写出一个 JSON 文件，
# 把它拖进`ui.perfetto.dev <https://ui.perfetto.dev>`__或 Chrome 的``chrome://tracing``，就显示为时间轴。
# 你也可以自己读：``name``是所运行内容的名称，``ts``是开始的时刻，``dur``是持续的时间，后两项以微秒为单位。
#
# 下面根据这样一个文件，画出三步训练（文件放在临时文件夹里；想保留，就换成自己的路径）。
# ``AccumulateGrad``是把结果写进``grad``的节点（node），权重（weight）一次，偏置一次。
# 在:ref:`measure-time`里，任务没做完，调用就返回了。``backward``也会这样吗？
# 也就是说，``AccumulateGrad``的横条会不会落到``backward``的横条之后？

# %% predict
with profile() as prof:
    for _ in range(3):
        train_step()

with tempfile.TemporaryDirectory() as folder:
    path = Path(folder) / "trace.json"
    prof.export_chrome_trace(str(path))
    trace = json.loads(path.read_text())["traceEvents"]

node = "torch::autograd::AccumulateGrad"
names = [node, "step", "backward", "forward"]
bars = {name: [] for name in names}
for record in trace:
    cat, name = record.get("cat"), record.get("name")
    if name in names and cat in ("cpu_op", "user_annotation"):
        bars[name].append((record["ts"], record["dur"]))
begin = min(bars["forward"])[0]
for height, name in enumerate(names):
    spans = [(ts - begin, dur) for ts, dur in bars[name]]
    plt.broken_barh(spans, (height - 0.4, 0.8), color=f"C{height}")
plt.yticks(range(4), [n.split("::")[-1] for n in names])
plt.xlabel(r"ts $/\ \mu\mathrm{s}$")
plt.show()

# %% check
assert [len(bars[name]) for name in names] == [6, 3, 3, 3]
ends = {
    key: [(ts, ts + dur) for ts, dur in sorted(bars[key])]
    for key in names
}
for n in range(3):
    start, stop = ends["backward"][n]
    assert ends["forward"][n][1] <= start
    assert stop <= ends["step"][n][0]
    for inner in ends[node][2 * n : 2 * n + 2]:
        assert start <= inner[0] < inner[1] <= stop
assert begin == min(ts for ts, _ in bars["forward"])
assert spans == [(ts - begin, dur) for ts, dur in bars["forward"]]

# %% en alt
# Four rows of bars against time. ``forward``, ``backward`` and ``step`` follow each other like
# stairs, three times. Two bars of ``AccumulateGrad``, so short and near that they may look like one
# line, lie within the time of each ``backward``.

# %% zh alt f39b70
# 四行横条沿时间展开。``forward``、``backward``和``step``像台阶一样依次出现，共三轮。
# 每个``backward``的时间之内，都有两根``AccumulateGrad``横条，又短又近，看上去可能像一条线。

# %% en
# They lie within ``backward``, two so close that they may look like one: autograd's engine runs the
# nodes while ``backward`` waits for it. On a CPU it does so in your thread; on a GPU in a thread of
# its own, which the timeline shows as a row of its own. There the kernels have rows too, and lag
# behind the calls that submitted them: that is the queue.

# %% zh a2c18c
# 都在``backward``的时间之内，两根挨得很近，看上去可能像一根：autograd 的引擎运行各个节点，
# 而``backward``等它做完。在 CPU 上，引擎就在你的线程里运行；在 GPU 上，它有自己的线程，
# 时间轴上也就单独占一行。内核（kernel）也有自己的行，而且比提交它们的调用开始得晚：这就是队列。

# %% en: Memory
# ``profile_memory=True`` notes what each operation allocates, less what it frees. ``square`` has a
# million elements and takes 4 MiB. ``exp`` and ``exp_`` take the exponential, ``t`` transposes. How
# many MiB does each of the three allocate?

# %% zh 79f1d9: 内存
# ``profile_memory=True``会记下每个运算分配了多少内存，并扣除其间释放的。``square``有一百万个元素（element），
# 占 4 MiB。``exp``和``exp_``计算指数函数，``t``求转置。三者各分配多少 MiB？

# %% predict
square = torch.zeros(1024, 1024)
with profile(profile_memory=True) as prof:
    square.exp()
    square.exp_()
    square.t()

for row in prof.key_averages():
    if row.key in ("aten::exp", "aten::exp_", "aten::t"):
        size = row.device_memory_usage or row.cpu_memory_usage
        print(row.key, size / 2**20)

# %% check
usage = {
    row.key: (row.device_memory_usage or row.cpu_memory_usage) / 2**20
    for row in prof.key_averages()
}
assert usage["aten::exp"] == 4
assert usage["aten::exp_"] == usage["aten::t"] == size == 0
assert square.nbytes == 4 * 2**20
with profile(profile_memory=True) as freed, record_function("block"):
    fresh = square.exp()
    del fresh
nets = [
    (r.cpu_memory_usage, r.device_memory_usage)
    for r in freed.events()
    if r.name == "block"
]
assert nets and set(nets) == {(0, 0)}

# %% en
# ``exp`` needs 4 for a new tensor, the others nothing: ``exp_`` works in place, it writes over its
# input, and ``t`` returns a view, which shares the storage of its input. On a GPU the bytes are
# counted in ``device_memory_usage``, on the CPU in ``cpu_memory_usage``.

# %% zh b7517d
# ``exp``要 4 MiB，用来放新的张量（tensor）；另外两个不分配内存：``exp_``是原地操作（in-place operation），
# 直接覆盖输入，``t``返回视图（view），与输入共用存储。GPU 上的字节数记在``device_memory_usage``里，
# CPU 上的记在``cpu_memory_usage``里。

# %% en: Remember
# - A schedule picks the steps, ``prof.step()`` counts them, ``on_trace_ready`` receives each
#   recording.
# - Tables add up; a trace keeps the order and shows what ran when.
# - ``profile_memory=True`` tells which operation allocates.

# %% zh 43c716: 要点
# - 记录计划挑选要记录的步，``prof.step()``负责计数，``on_trace_ready``接收每次记下的内容。
# - 表格给出合计；跟踪记录保留次序，看得出什么在何时运行。
# - 用``profile_memory=True``，能看出内存由哪个运算分配。

# %% en: Exercise: one step in ten
# Write a schedule that records the last of each ten steps, three times, after one step of warm-up
# each time. Which of the steps from 0 to 39 are recorded?

# %% zh 4117a8: 练习：每十步记录一步
# 写一个记录计划：每十步只记录最后一步，每次记录前先预热一步，一共记录三次。从第 0 步到第 39 步，哪几步会被记录？

# %% solution
plan = schedule(wait=8, warmup=1, active=1, repeat=3)
recorded = [n for n in range(40) if "RECORD" in plan(n).name]
assert recorded == [9, 19, 29]

# %% en: Exercise: memory of a training step
# Let ``square`` require a gradient. How many MiB does ``square.exp().sum().backward()`` allocate in
# the operation ``aten::exp``, and how many in the node ``ExpBackward0``?

# %% zh dda670: 练习：一步训练的内存
# 让``square``需要梯度（gradient）。``square.exp().sum().backward()``在运算``aten::exp``里分配多少 MiB？在节点``ExpBackward0``里呢？

# %% solution
square = torch.zeros(1024, 1024, requires_grad=True)
with profile(profile_memory=True) as prof:
    square.exp().sum().backward()
sizes = {
    row.key: row.device_memory_usage or row.cpu_memory_usage
    for row in prof.key_averages()
}
assert sizes["aten::exp"] == sizes["ExpBackward0"] == 4 * 2**20

# %% en: Where next
# - :ref:`measure-time` times a computation with a clock.
# - :ref:`in-place-operations` says when it is safe to write over a value.

# %% zh b0e6fd: 接下来
# - :ref:`measure-time`：用时钟给一段计算计时。
# - :ref:`in-place-operations`：什么时候可以放心覆盖一个值。
