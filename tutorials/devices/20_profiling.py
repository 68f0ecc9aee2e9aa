# %% about
# level: intermediate
# tags: torch.profiler.profile, torch.profiler.record_function, key_averages, self_cpu_time_total

# %% en: Profiling
# Find out which operations a computation runs, how often, and which of them takes the most time,
# forward and backward.
#
# A profiler watches a block of code and writes a record for each operation that runs: its name and
# how long it took. Divide and multiply a thousand times under its eyes. The first two lines after
# the imports choose the device (:ref:`cpu-and-cuda`), and ``loop()`` above the ``with`` runs once
# unwatched, because the first call of an operation pays for set-up that later calls do not.

# %% zh 8703a6: 性能分析
# 弄清一段计算都运行了哪些运算、各运行了几次、哪种运算最耗时，前向传播（forward pass）和
# 反向传播（backward pass）都看得到。
#
# 性能分析器（profiler）盯着一个代码块，每运行一次运算就写下一条记录：叫什么名字，用了多久。
# 下面让它记录这样一个循环：先除后乘，重复一千遍。导入语句后面的两行选择设备（见:ref:`cpu-and-cuda`）；
# ``with``上方的``loop()``先不作记录地跑一遍，因为运算第一次被调用时要做些准备，以后再调用就不用了。

# %%
import matplotlib.pyplot as plt
import torch
from torch.profiler import DeviceType, profile, record_function

device = torch.accelerator.current_accelerator(check_available=True)
torch.set_default_device(device or "cpu")

x = torch.full((2, 3), 2.0, requires_grad=True)
y = torch.full((2, 3), 2.0, requires_grad=True)


def loop():
    z = torch.ones(2, 3)
    for _ in range(1000):
        z = z / x * y
    return z


loop()
with profile() as prof:
    z = loop()

for row in prof.key_averages():
    if row.key in ("aten::div", "aten::mul"):
        print(row.key, row.count)

# %% check
found = {row.key: row.count for row in prof.key_averages()}
assert found["aten::div"] == found["aten::mul"] == 1000
assert z.tolist() == [[1.0] * 3] * 2

# %% en
# One record for each call. ``key_averages()`` adds up the records that share a name and gives a row
# for each; ``aten`` is the library of tensor operations below Python. (The profiler may write a line
# or two to the error stream; they are harmless.)
#
# Without arguments ``profile()`` watches the CPU, and a GPU too if this build of PyTorch supports it.
# Then there are also rows for the GPU's *kernels*, the programs that run there.
#
# (Older texts write ``use_cuda=True``: PyTorch 2.13 warns about it, and from 2.14 on
# `it is an error <https://github.com/pytorch/tutorials/pull/3960>`__.)

# %% zh 2214cf
# 每次调用都有一条记录。``key_averages()``把同名的记录合计成一行；``aten``是 PyTorch 在 Python 之下的张量运算库。
# （性能分析器可能往标准错误流里写一两行信息，不用理会。）
#
# 不带参数的``profile()``观察 CPU；如果这份 PyTorch 支持，也观察 GPU。这时还会多出一些行，
# 属于 GPU 的*内核*（kernel），也就是在 GPU 上运行的程序。
#
# （较早的资料写``use_cuda=True``：PyTorch 2.13 对此发出警告，从 2.14 起
# `就会报错 <https://github.com/pytorch/tutorials/pull/3960>`__。）

# %% en: The table
# ``table`` returns the rows as text, 100 at most unless told otherwise, in the order of
# ``sort_by``. It is wide, so each line is cut here. (Self and total are told apart two sections on.)

# %% zh 7a23d9: 看懂表格
# ``table``把各行排成文字返回，不另外指定的话最多 100 行，按``sort_by``排序。表格很宽，所以这里每行都截短了。
# （self 和 total 的区别，隔一节再说。）

# %%
table = prof.key_averages().table(
    sort_by="self_cpu_time_total", max_name_column_width=20
)
for line in table.splitlines():
    print(line[:72])

# %% check
assert "Self CPU %" in table and "Self CPU time total" in table
averages = prof.key_averages()
assert averages.table.__defaults__[1] == 100
printed = [s.split()[0] for s in table.splitlines() if "aten::" in s]
selves = {row.key: row.self_cpu_time_total for row in averages}
assert {"aten::div", "aten::mul"} < set(printed)
assert printed == sorted(printed, key=selves.get, reverse=True)

# %% en
# How often the loop calls an operation is a fact: it is the same each time. The times are
# measurements. Yours differ from these and change from run to run; read their order of magnitude.

# %% zh e01699
# 循环把一种运算调用几次是确定的，每次都一样。时间是测量值：你看到的与这里不同，每次运行也会变，看数量级就够了。

# %% en: Count before you look
# Now the way back. The loop has used ``x`` and ``y`` a thousand times each, and the gradient of
# each of them is a sum over its uses. ``host`` picks the rows that belong to the CPU, by name (with
# a GPU, the list has rows of both). How often will the node ``DivBackward0`` run, how often
# ``AccumulateGrad``, which writes into ``grad``, and how many additions of two tensors does it
# take?

# %% zh d1d834: 先数，再看
# 接下来往回走。循环把``x``和``y``各用了一千次，每用一次，它们的梯度（gradient）里就要多加一项。
# ``host``挑出属于 CPU 的行，可以按名字取用（有 GPU 时，列表里两边的行都有）。节点（node）
# ``DivBackward0``会运行几次？把结果写进``grad``的``AccumulateGrad``会运行几次？张量之间的加法要做几次？


# %% predict
def host(prof):
    rows = prof.key_averages()
    return {r.key: r for r in rows if r.device_type == DeviceType.CPU}


with profile() as prof:
    z.sum().backward()

rows = host(prof)
print(rows["DivBackward0"].count)
print(rows["torch::autograd::AccumulateGrad"].count)
print(rows["aten::add_"].count)

# %% check
times = {key: row.count for key, row in rows.items()}
assert times["DivBackward0"] == times["MulBackward0"] == 1000
assert times["torch::autograd::AccumulateGrad"] == 2
assert times["aten::add_"] == 1998 and "aten::add" not in times
torch.testing.assert_close(y.grad, torch.full_like(y, 500))
torch.testing.assert_close(x.grad, torch.full_like(x, -500))

# %% en
# Each of the 1000 divisions has a node of its own, and it runs once. ``AccumulateGrad`` runs once
# for each of the 2 leaves. A sum of a thousand terms takes 999 additions, and there are two such
# sums, hence 1998. They are in place (``aten::add_``), since nobody else needs the partial sums.

# %% zh 1b3825
# 1000 次除法各有一个节点，每个节点运行一次。``AccumulateGrad``对 2 个叶子张量（leaf tensor）各运行一次。
# 一千项相加要做 999 次加法，这样的和有两个，共 1998 次。它们都是原地操作（in-place operation，
# 即``aten::add_``），因为别处用不到这些部分和。

# %% en: Self and total
# Records lie inside each other. Autograd's engine handles a node, the node computes a derivative,
# and for that it calls tensor operations. The *total* time of a record runs from its beginning to
# its end; its *self* time leaves out the records inside. For which of the three names below are the
# two bars equally long on a CPU, and which has the longest total?

# %% zh ceb312: 自身时间与总时间
# 记录是一层套一层的：autograd 的引擎（engine）处理一个节点，节点要计算导数，为此又调用张量运算。
# 一条记录从开始到结束的时间叫*总时间*（total）；扣除嵌套在里面的记录，剩下的叫*自身时间*（self）。
# 下面三个名字里，在 CPU 上，哪一个的两根横条一样长？哪一个的总时间最长？

# %% predict
names = [
    "autograd::engine::evaluate_function: DivBackward0",
    "DivBackward0",
    "aten::div",
]
columns = ["self_cpu_time_total", "cpu_time_total"]
for offset, column in enumerate(columns):
    spent = [getattr(rows[name], column) for name in names]
    places = [3 * number + offset for number in range(3)]
    plt.barh(places, spent, label=column)
plt.yticks([0.5, 3.5, 6.5], [name.split("::")[-1] for name in names])
plt.xlabel(r"$t\ /\ \mu\mathrm{s}$")
plt.legend()
plt.show()

# %% check
own = [rows[key].self_cpu_time_total for key in names]
total = [rows[key].cpu_time_total for key in names]
assert total == spent and total == sorted(total, reverse=True)
assert own[0] < 0.9 * total[0] and own[1] < 0.9 * total[1]
assert device or abs(own[2] - total[2]) < 1e-6 * total[2]
assert places == [1, 4, 7] and columns == [
    "self_cpu_time_total",
    "cpu_time_total",
]
everything = sum(row.self_cpu_time_total for row in rows.values())
assert sum(row.cpu_time_total for row in rows.values()) > everything
leaf = torch.ones(2, requires_grad=True)
with profile() as idle:
    out = (leaf + leaf).sum()
    sorted(range(10**6))
    out.backward()
events = idle.events()
begin = min(e.time_range.start for e in events)
end = max(e.time_range.end for e in events)
assert sum(e.self_cpu_time_total for e in events) < 0.9 * (end - begin)
inner = [e.cpu_children for e in events if e.name == "AddBackward0"]
assert inner == [[]]
with profile() as enclosed, record_function("python"):
    sorted(range(10**6))
(block,) = (e for e in enclosed.events() if e.name == "python")
assert block.self_cpu_time_total > 1000

# %% en alt
# Three pairs of bars. From the engine by way of the node to the operation ``div``, the total
# becomes shorter. In the pairs of the engine and the node, self is clearly shorter than total; for
# ``div`` the two bars are equal.

# %% zh alt ca78d7
# 三对横条。从引擎到节点再到运算``div``，总时间越来越短。引擎和节点的自身时间都明显短于总时间；
# ``div``的两根横条一样长。

# %% en
# Nothing lies inside ``aten::div`` on a CPU, so its two times agree. (On a GPU the call that hands
# the kernel over lies inside.) The engine's record holds the other two and has the longest total.
#
# Within a thread, self times count no moment twice; totals count nested work again, so they add up
# to more. (What Python does outside all records is in neither.) Sort by self to find the operation
# that costs, by total to find the block that costs.

# %% zh a0c401
# 在 CPU 上，``aten::div``里面没有别的记录，所以两个时间相等。（在 GPU 上，
# 里面还有把内核提交给 GPU 的那次调用。）引擎的记录把另外两个都包在里面，总时间最长。
#
# 在一个线程里，自身时间不会把同一时刻算两遍；总时间则把嵌套的工作重复计算，加起来会更多。
# （Python 在各条记录之外花的时间，两者都不包括。）想找耗时的运算，就按自身时间排序；想找耗时的代码块，
# 就按总时间排序。

# %% en: Products in a training step
# ``record_function`` gives a block of your own a name in the list. Below, five training steps
# (:ref:`one-training-step`) are watched. The model has two ``Linear`` layers. On the way forward, a
# layer is one ``aten::addmm``, a matrix product plus the bias; on the way back, products are
# ``aten::mm``. How many of each will there be?

# %% zh 6c0ba9: 一步训练里的矩阵乘法
# ``record_function``给你自己的代码块起个名字，这个名字会出现在列表里。
# 下面观察五步训练（见:ref:`one-training-step`）。模型有两个``Linear``层。前向传播时，
# 一层就是一次``aten::addmm``，即矩阵乘法再加偏置；反向传播时，矩阵乘法是``aten::mm``。两种各有多少次？

# %% predict
inputs, targets = torch.randn(16, 1000), torch.randn(16, 10)
model = torch.nn.Sequential(
    torch.nn.Linear(1000, 100),
    torch.nn.ReLU(),
    torch.nn.Linear(100, 10),
)
optimizer = torch.optim.SGD(model.parameters(), lr=0.001)


def train_step():
    optimizer.zero_grad()
    with record_function("forward"):
        loss = (model(inputs) - targets).square().mean()
    with record_function("backward"):
        loss.backward()
    with record_function("step"):
        optimizer.step()


train_step()
with profile() as prof:
    for _ in range(5):
        train_step()

rows = host(prof)
print(rows["aten::addmm"].count, rows["aten::mm"].count)

# %% check
assert rows["aten::addmm"].count == 10 and rows["aten::mm"].count == 15
assert rows["AddmmBackward0"].count == 10
assert rows["Optimizer.step#SGD.step"].count == 5
assert rows["torch::autograd::AccumulateGrad"].count == 5 * 4
assert rows["ReluBackward0"].count == 5

# %% en
# They are 10 and 15. Going back, a layer needs one product for the gradient of its weights and one
# for the gradient of its input. The first layer is spared the second product, since nobody asks for
# the gradient of ``inputs``: three products a step. So with such layers the backward pass does up to
# twice the products of the forward pass.
#
# ``events()`` gives the single records. Of each block, take the fastest of five, in microseconds:

# %% zh 665243
# 10 次和 15 次。往回走时，一层要做一次乘法来得到权重（weight）的梯度，再做一次得到输入的梯度。第一层省去了后一次，
# 因为``inputs``不需要梯度：一步共三次。所以对这样的层，反向传播的矩阵乘法最多可达前向传播的两倍。
#
# ``events()``给出一条条的记录。每个代码块取五次里最快的一次，单位是微秒：

# %%
records = [e for e in prof.events() if e.device_type == DeviceType.CPU]
for block in ("forward", "backward", "step"):
    times = [e.cpu_time_total for e in records if e.name == block]
    print(f"{block:8} {len(times)} {min(times):6.0f}")

# %% check
for name in ("forward", "backward", "step"):
    assert rows[name].count == 5
    assert sum(e.name == name for e in records) == 5
    total = rows[name].cpu_time_total
    assert rows[name].self_cpu_time_total <= total
    spans = [e.cpu_time_total for e in records if e.name == name]
    assert abs(sum(spans) - total) < 1e-3 * total
assert min(times) == min(spans) > 0
assert device or rows["backward"].device_time_total == 0

# %% en
# On a GPU these are the times that the CPU takes to *submit* the work, and the backward pass runs
# in a thread of its own. The time on the GPU is in the attributes
# ``device_time_total`` and ``self_device_time_total``; without a GPU they are zero.

# %% zh 0f8374
# 在 GPU 上，这些是 CPU *提交*任务所花的时间，而且反向传播在单独的线程里运行。在 GPU 上花的时间，
# 要看属性``device_time_total``和``self_device_time_total``；没有 GPU 时，两者都是零。

# %% en: Remember
# - Operations can be counted; times are measurements. Let the first call run unwatched.
# - Self time finds the operation, total time finds the block.
# - The backward pass shows up by node, ``DivBackward0`` and so on, and most nodes call operations.

# %% zh fe534d: 要点
# - 运算的次数数得清，时间是测量值。第一次调用先不要记录。
# - 按自身时间找运算，按总时间找代码块。
# - 反向传播在列表里以节点的名字出现，例如``DivBackward0``，大多数节点再去调用运算。

# %% en: Exercise: the gradient of the inputs
# Let ``inputs`` require a gradient. How many ``aten::mm`` do five training steps need now?

# %% zh e6c9c7: 练习：输入的梯度
# 如果``inputs``需要梯度，五步训练要做多少次``aten::mm``？

# %% solution
inputs.requires_grad_()
with profile() as prof:
    for _ in range(5):
        train_step()
assert host(prof)["aten::mm"].count == 20

# %% en: Exercise: the same result in a few calls
# ``loop`` computes :math:`(y/x)^{1000}`, and the backward pass left 500 in each entry of ``y.grad``
# and :math:`-500` in each of ``x.grad``. Compute it without a loop, check that the gradients are the
# same, and count the calls on the way forward.

# %% zh e4001f: 练习：只用寥寥几次调用
# ``loop``算的是:math:`(y/x)^{1000}`，反向传播之后，``y.grad``的每个元素（element）都是 500，
# ``x.grad``的每个元素都是:math:`-500`。请不用循环算出它，检查梯度是否仍然一样，并数一数前向传播的调用次数。

# %% solution
x.grad = y.grad = None
with profile() as prof:
    z = (y / x) ** 1000
rows = host(prof)
assert rows["aten::div"].count == rows["aten::pow"].count == 1

z.sum().backward()
torch.testing.assert_close(y.grad, torch.full_like(y, 500))
torch.testing.assert_close(x.grad, torch.full_like(x, -500))

# %% en: Where next
# - :ref:`measure-time` finds out how long something takes.
# - :ref:`record-a-long-run` puts the records on a timeline.

# %% zh accb3e: 接下来
# - :ref:`measure-time`：一段计算究竟要多久。
# - :ref:`record-a-long-run`：把记录放到时间轴上看。
