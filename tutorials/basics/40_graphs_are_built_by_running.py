# %% about
# level: intermediate
# minutes: 25
# tags: Tensor.backward, retain_graph, torch.autograd.grad, allow_unused, Tensor.detach

# %% en: Graphs are built by running
# After this page you can predict the graph that a branch, a loop or a reused tensor leaves behind,
# and cure the error of a second ``backward`` at its cause.
#
# PyTorch does not read your function in advance. Each operation on a tensor that requires a
# gradient adds a node at the moment it is executed; what is not executed adds nothing.

# %% zh 79e3b0: 计算图是跑出来的
# 读完这一页，你能预测分支、循环和重复使用的张量会留下怎样的计算图，
# 也能从根源上解决第二次``backward``的报错。
#
# PyTorch 不会事先读一遍你的函数。对需要梯度的张量每执行一个运算，图上就多一个节点；
# 没有执行的代码，什么也不会留下。

# %%
import textwrap
import weakref

import matplotlib.pyplot as plt
import torch

plt.rc("figure", figsize=(5, 3.5), autolayout=True)
torch.set_default_device("cuda" if torch.cuda.is_available() else "cpu")

# %% en: A branch leaves only the side that ran
# The function below squares numbers below 1 and subtracts all others from 3. Call it on both sides
# of the border. Which node will each result have, and will there be a node for the ``if``?

# %% zh 281199: 分支只留下执行过的那一侧
# 小于 1 的数，下面的函数取它的平方；其余的数，则用 3 减去它。在分界点两侧各调用一次：
# 两个结果的节点分别是什么？``if``会有节点吗？


# %%
def f(x):
    if x < 1:
        return x**2
    return 3 - x


small = torch.tensor(0.5, requires_grad=True)
large = torch.tensor(2.0, requires_grad=True)
for x in (small, large):
    y = f(x)
    y.backward()
    print(y.grad_fn.name(), x.grad.item())
    assert y.grad_fn.next_functions[0][0].variable is x

assert f(small).grad_fn.name() != f(large).grad_fn.name()
assert small.grad == 2 * 0.5
assert large.grad == -1

# %% en
# One node each, and behind it the leaf tensor. ``RsubBackward1`` is a reversed subtraction: a
# number minus the tensor. There is no trace of the comparison or of the branch that was not taken:
# the gradient is that of :math:`x^2` alone or of :math:`3 - x` alone.

# %% zh 5fd5e3
# 各有一个节点，再往后就是叶子张量。``RsubBackward1``对应左右颠倒的减法：一个数减去张量。
# 比较运算和没走的那条分支都没有留下痕迹：得到的只是:math:`x^2`的梯度，或者只是:math:`3 - x`的梯度。

# %% en: The gradient does not see the condition
# At :math:`x = 1` the value jumps from 1 to 2. What will the gradient say near the jump: something
# huge, or nothing special?

# %% zh 16e7b9: 梯度看不见判断条件
# 在:math:`x = 1`处，函数值从 1 跳到 2。在跳跃点附近，梯度会变得极大，还是毫无异样？


# %%
def value_and_slope(function, start):
    x = torch.tensor(start, requires_grad=True)
    y = function(x)
    y.backward()
    return y.item(), x.grad.item()


points = torch.linspace(-1, 3, 60).tolist()
pairs = [value_and_slope(f, point) for point in points]
values, slopes = zip(*pairs, strict=True)
plt.plot(points, values, ".", label="f(x)")
plt.plot(points, slopes, ".", label="df/dx")
plt.xlabel("x")
plt.legend()
plt.show()

# %% en alt
# :math:`f(x)` and its derivative for :math:`x` from -1 to 3. Left of 1 the value is a parabola and
# the derivative a rising line that ends near 2. At 1 the value jumps up and then falls along a
# straight line; there the derivative is -1 everywhere. The derivative shows no peak at the jump.

# %% zh alt fd1dc4
# :math:`x`从 -1 到 3 时的:math:`f(x)`及其导数。在 1 的左侧，函数值是抛物线，
# 导数是一条上升的直线，末端接近 2。在 1 处函数值向上跳跃，此后沿直线下降，导数处处是 -1。
# 导数在跳跃点没有任何尖峰。

# %% en
# Nothing special. Exactly at 1 the second branch runs, so the gradient is -1. A difference quotient
# across the jump does see it, and the smaller the step the larger the quotient.

# %% zh 459ba3
# 毫无异样。恰好在 1 处执行的是第二条分支，所以梯度是 -1。跨越跳跃点的差商倒是看得见这个跳跃：
# 步长越小，差商越大。

# %%
value, slope = value_and_slope(f, 1.0)
print(value, slope)
assert (value, slope) == (2, -1)

one = torch.tensor(1.0)
quotients = [((f(one + h) - f(one - h)) / (2 * h)).item() for h in (0.1, 0.01, 0.001)]
print([int(quotient) for quotient in quotients])
assert quotients[0] < quotients[1] < quotients[2]

# %% en: A loop is unrolled
# A loop leaves no loop in the graph: every round adds its own nodes. Count them with a walk over
# ``next_functions``, as in :ref:`read-the-graph`. How many will there be after 1, 10 and 100 sines?

# %% zh 210186: 循环会被展开
# 图里没有循环：每一轮都添上自己的节点。像:ref:`read-the-graph`那样沿着``next_functions``走一遍，
# 数一数。取 1 次、10 次、100 次正弦之后，各有多少个节点？


# %%
def nodes(root):
    found, todo = set(), [root]
    while todo:
        node = todo.pop()
        if node is not None and node not in found:
            found.add(node)
            todo += [below for below, _ in node.next_functions]
    return found


def sines(x, rounds):
    for _ in range(rounds):
        x = torch.sin(x)
    return x


x = torch.tensor(1.0, requires_grad=True)
for rounds in (1, 10, 100):
    y = sines(x, rounds)
    print(rounds, len(nodes(y.grad_fn)))
    assert len(nodes(y.grad_fn)) == rounds + 1

# %% en
# One node for each sine and one ``AccumulateGrad`` at the end. Each sine also saves its input for
# the backward pass, so the memory grows with the length of the loop.

# %% zh 1ee508
# 每次正弦一个节点，末端再加一个``AccumulateGrad``。每次正弦还要为反向传播保存自己的输入，
# 所以循环越长，占用的内存越多。

# %% en: A loop whose length depends on the data
# Here nobody knows the number of rounds in advance: keep doubling until at least 1000. From
# :math:`x = 3` it takes 9 doublings to 1536. What is the gradient?

# %% zh 8263ad: 轮数由数据决定的循环
# 这一次，事先谁也不知道要转几轮：不断翻倍，直到不小于 1000。从:math:`x = 3`出发，
# 翻倍 9 次得到 1536。梯度是多少？


# %%
def doublings(x):
    steps = 0
    while x < 1000:
        x = 2 * x
        steps += 1
    return x, steps


x = torch.tensor(3.0, requires_grad=True)
y, steps = doublings(x)
y.backward()
print(y.item(), steps, x.grad.item())
assert (y, steps) == (1536, 9)
assert x.grad == 2**9

# %% en
# Every doubling contributes a factor 2, so it is :math:`2^9 = 512`. Another start takes another
# number of rounds and makes another graph. Predict the curve of the gradient before you look:
# smooth, or in steps?

# %% zh 0c4ff1
# 每次翻倍贡献一个因子 2，所以梯度是:math:`2^9 = 512`。换一个起点，轮数就变，图也跟着变。
# 看图之前先猜一猜：梯度的曲线是光滑的，还是台阶状的？

# %%
points = torch.logspace(0, 2.99, 300).tolist()
pairs = [value_and_slope(lambda x: doublings(x)[0], point) for point in points]
values, slopes = zip(*pairs, strict=True)
plt.loglog(points, values, label="y")
plt.loglog(points, slopes, label="dy/dx")
plt.xlabel("x")
plt.legend()
plt.show()

# %% en alt
# The result and its gradient against the starting value from 1 to nearly 1000, both axes
# logarithmic. The result is a sawtooth between 1000 and 2000. The gradient is a staircase of powers
# of 2 that descends from 1024 to 2.

# %% zh alt 631796
# 横轴为起始值，从 1 到接近 1000，两轴都是对数刻度。结果是 1000 与 2000 之间的锯齿线；
# 梯度呈台阶状，取值都是 2 的幂，从 1024 逐级降到 2。

# %% en: A count has no derivative
# The result is :math:`y = 2^{k(x)} x`, and the gradient :math:`2^{k(x)}` treats the number of
# rounds :math:`k` as a constant. ``steps`` is a Python integer: autograd never sees it, and
# asking for its gradient is an error.

# %% zh 1a82c2: 计数没有导数
# 结果是:math:`y = 2^{k(x)} x`，而梯度:math:`2^{k(x)}`把轮数:math:`k`当作常数。
# ``steps``是 Python 整数，autograd 从没见过它，想求它的梯度就会报错。

# %%
raised = False
try:
    torch.tensor(float(steps)).backward()
except RuntimeError as error:
    raised = True
    print(error)
assert raised

# %% en
# Now write the same count as a formula, :math:`k = \lceil \log_2(1000 / x) \rceil`. This time there
# is a graph. Rounding up is flat between its jumps, so the gradient is exactly 0: true, and of no
# use for training. A loss that depends on a count alone teaches the weights nothing.

# %% zh d94227
# 现在把同样的计数写成公式:math:`k = \lceil \log_2(1000 / x) \rceil`，这下就有图了。
# 向上取整在相邻两次跳跃之间是常数，所以梯度恰好是 0：这个答案没错，但对训练没有用。
# 如果损失只取决于计数，权重什么也学不到。

# %%
x = torch.tensor(3.0, requires_grad=True)
k = torch.ceil(torch.log2(1000 / x))
k.backward()
print(k.item(), x.grad.abs().item())
assert k == steps
assert x.grad == 0

# %% en: A recursive function
# The graph depends only on which operations run, in which order, on which tensors. A loop and a
# recursion that multiply in the same order must leave equal graphs. Compare them node by node.

# %% zh e6258a: 递归函数
# 图只取决于执行了哪些运算、按什么顺序、作用在哪些张量上。循环和递归只要按同样的顺序相乘，
# 留下的图就一定相同。下面逐个节点比较。


# %%
def by_loop(x, n):
    y = x
    for _ in range(n - 1):
        y = y * x
    return y


def by_recursion(x, n):
    return x if n == 1 else by_recursion(x, n - 1) * x


def outline(node):
    return node.name(), [outline(below) for below, _ in node.next_functions]


x = torch.tensor(2.0, requires_grad=True)
assert outline(by_loop(x, 16).grad_fn) == outline(by_recursion(x, 16).grad_fn)

# %% en
# A cleverer recursion computes :math:`x^{16}` by squaring. How many nodes does it need? The
# gradient has to stay :math:`16 x^{15}`, which is 524288 at :math:`x = 2`.

# %% zh b4afe8
# 更聪明的递归靠平方来算:math:`x^{16}`。它需要多少个节点？梯度必须仍是:math:`16 x^{15}`，
# 在:math:`x = 2`处等于 524288。


# %%
def by_squaring(x, n):
    if n == 1:
        return x
    half = by_squaring(x, n // 2)
    return half * half * x if n % 2 else half * half


for power in (by_loop, by_squaring):
    x.grad = None
    y = power(x, 16)
    y.backward()
    print(len(nodes(y.grad_fn)), x.grad.item())
    assert x.grad == 16 * 2**15

assert len(nodes(by_loop(x, 16).grad_fn)) == 16
assert len(nodes(by_squaring(x, 16).grad_fn)) == 5

# %% en: Reuse adds up
# The variable ``x`` enters :math:`y = x \cdot x + 3 x` in three places. Give each place a variable
# of its own, and the gradient of ``x`` must be the sum of the three.

# %% zh f7a630: 用几次，加几次
# 变量``x``在:math:`y = x \cdot x + 3 x`里出现了三处。如果每一处都换成独立的变量，
# 那么``x``的梯度一定等于这三个变量的梯度之和。

# %%
# sphinx_gallery_graph = "y: steps"
x = torch.tensor(4.0, requires_grad=True)
y = x * x + 3 * x
arrows = [below for node in nodes(y.grad_fn) for below, _ in node.next_functions]
accumulate = torch.autograd.graph.get_gradient_edge(x).node
assert arrows.count(accumulate) == 3
y.backward()

u, v, w = (torch.tensor(4.0, requires_grad=True) for _ in range(3))
(u * v + 3 * w).backward()
print(x.grad.item(), [t.grad.item() for t in (u, v, w)])
assert x.grad == u.grad + v.grad + w.grad == 11

# %% en
# Three arrows arrive at one ``AccumulateGrad``. Why adding is right, and when it causes trouble,
# is the subject of :ref:`gradients-add-up`.

# %% zh c4eeaa
# 三个箭头汇入同一个``AccumulateGrad``。为什么应该相加、什么时候会出问题，
# 是:ref:`gradients-add-up`的主题。

# %% en: Every run makes a new graph
# Run the same line twice and you get two graphs with different nodes. Only the end is shared: there
# is one ``AccumulateGrad`` per leaf tensor.

# %% zh 25062c: 每跑一遍就是一张新图
# 同一行代码跑两遍，得到两张图，节点各不相同。只有末端是共用的：
# 每个叶子张量只有一个``AccumulateGrad``。

# %%
first, second = torch.sin(x), torch.sin(x)
assert first.grad_fn is not second.grad_fn
assert first.grad_fn.next_functions[0][0] is second.grad_fn.next_functions[0][0]

# %% en: The second ``backward`` fails
# After ``backward`` a graph is spent. Call it once more and you meet one of the most common errors
# in PyTorch.

# %% zh 618225: 第二次``backward``会失败
# 调用过``backward``，图就用完了。再调用一次，你会遇到 PyTorch 里最常见的错误之一。

# %%
x = torch.tensor(3.0, requires_grad=True)
y = x**2
y.backward()

raised = False
try:
    y.backward()
except RuntimeError as error:
    raised = True
    print(textwrap.fill(str(error), 72))
assert raised
assert x.grad == 6

# %% en: What exactly is freed
# Not the nodes: they are still there and you can walk through them. What is gone is what they had
# **saved** in the forward pass. The node of :math:`x^2` needs ``x`` for the slope :math:`2x`.
# Before ``backward`` it has ``x``; afterwards even reading it raises the same error.

# %% zh 5042bd: 释放的到底是什么
# 不是节点：它们还在，照样可以遍历。消失的是它们在前向传播时**保存**的东西。
# :math:`x^2`的节点要用``x``来算导数:math:`2x`；``backward``之前，节点里存着``x``；
# 之后哪怕只是读取，也会引发同样的错误。

# %%
# sphinx_gallery_graph = "y: saved"
y = x**2
print(y.grad_fn._saved_self.item())
y.backward()
assert len(nodes(y.grad_fn)) == 2

raised = False
try:
    y.grad_fn._saved_self
except RuntimeError as error:
    raised = True
    print(str(error).split(" (")[0])
assert raised

# %% en: Which graphs survive
# A node that saved nothing has nothing to lose. The slope of a sum is 1 whatever the inputs are, so
# a second ``backward`` through additions works. Predict for each of the expressions below whether
# it does. Look twice at ``x + x`` and ``2 * x``: the values are equal, but are the graphs?

# %% zh e28803: 哪些图还能再用
# 节点若什么都没保存，也就没有什么可释放。不论输入是多少，加法的导数总是 1，
# 所以只含加法的图可以再做一次``backward``。先猜猜下面哪些表达式可以。注意``x + x``和``2 * x``：
# 值相等，图也一样吗？

# %%
results = {"x + x": x + x, "x - 1": x - 1, "-x": -x, "2 * x": 2 * x, "x * x": x * x}
survivors = []
for name, result in results.items():
    result.backward()
    try:
        result.backward()
        survivors.append(name)
        print(f"{name:6} ok")
    except RuntimeError:
        print(f"{name:6} RuntimeError")
assert survivors == ["x + x", "x - 1", "-x"]

# %% en
# The slope of a product with respect to one factor is the other factor. So ``2 * x`` saves the
# constant, and ``x * x`` saves ``x``. Whether a second call works depends on such details of the
# operations: do not rely on it.

# %% zh 48fc22
# 乘积关于一个因子的导数，就是另一个因子。所以``2 * x``保存了那个常数，``x * x``保存了``x``。
# 第二次调用能不能成功，取决于运算的这类细节，不要指望它。

# %% en: ``retain_graph`` keeps what was saved
# ``backward(retain_graph=True)`` does not free anything, so you can call again. The second gradient
# is added to the first. The last call comes without the option and frees the graph.

# %% zh bafc18: ``retain_graph``留住保存的内容
# ``backward(retain_graph=True)``什么都不释放，所以可以再次调用，第二次的梯度会加到第一次的上面。
# 最后一次调用不带这个选项，图随之释放。

# %%
x = torch.tensor(3.0, requires_grad=True)
y = x**2
y.backward(retain_graph=True)
y.backward()
print(x.grad.item())
assert x.grad == 6 + 6

# %% en: What it costs
# A weak reference watches a tensor without keeping it alive. In the function below only the graph
# still holds ``h``, because the product saved it. Look three times: before ``backward``, after it,
# and after the loss itself is gone. When is ``h`` still there?

# %% zh 5e02ed: 代价是什么
# 弱引用可以观察张量，却不会延长它的寿命。在下面的函数里，只有图还引用着``h``，
# 因为乘法节点保存了它。查看三次：``backward``之前、之后，以及损失本身也删掉之后。
# 哪几次``h``还在？


# %%
def alive(retain_graph):
    x = torch.ones(1000, requires_grad=True)
    h = torch.exp(x)
    loss = (h * h).sum()
    watch = weakref.ref(h)
    del h
    looks = [watch() is not None]
    loss.backward(retain_graph=retain_graph)
    looks.append(watch() is not None)
    del loss
    looks.append(watch() is not None)
    return looks


print("retain_graph=False", alive(retain_graph=False))
print("retain_graph=True ", alive(retain_graph=True))
assert alive(retain_graph=False) == [True, False, False]
assert alive(retain_graph=True) == [True, True, False]

# %% en
# Without the option ``backward`` hands the memory back as it goes. With it, every saved tensor
# stays until the last variable that leads to the graph is gone. In a deep model these are the
# intermediate results of every layer.

# %% zh 3813eb
# 不带这个选项，``backward``一边走一边归还内存。带上它，
# 保存的张量就全都留着，直到再没有变量通向这张图。在深层模型里，那就是每一层的中间结果。

# %% en: Silencing the error hides the mistake
# The error message proposes ``retain_graph=True``. In a training loop this usually hides the true
# mistake. In every step of the loop below ``zero_grad`` clears the old gradient, ``backward``
# computes a new one, and ``step`` subtracts 0.1 times the gradient from ``w``. The weight should go
# to 3. Where does it go if the loss is computed only once, before the loop?

# %% zh 783141: 不报错，不等于修好了
# 错误消息建议用``retain_graph=True``。在训练循环里，这样做多半只是掩盖了真正的错误。
# 下面的循环每一步都用``zero_grad``清掉旧梯度，用``backward``算出新梯度，
# 再由``step``从``w``里减去梯度的 0.1 倍。权重本该走到 3。
# 如果损失只在循环之前算一次，权重会走到哪里？


# %%
def fit(recompute):
    w = torch.tensor(0.0, requires_grad=True)
    optimizer = torch.optim.SGD([w], lr=0.1)
    loss = (w - 3) ** 2
    for _ in range(20):
        if recompute:
            loss = (w - 3) ** 2
        optimizer.zero_grad()
        loss.backward(retain_graph=not recompute)
        optimizer.step()
    return w.item()


stale, fresh = fit(recompute=False), fit(recompute=True)
print(f"{stale:.2f} {fresh:.2f}")
assert abs(stale - 12) < 1e-4
assert abs(fresh - 3) < 0.05

# %% en
# No error, and a wrong answer. The old graph saved the old :math:`w - 3`, so each of the 20 steps
# uses the slope at the start, -6, and the weight walks past 3 to 12. The remedy is to run the
# forward pass anew in every step. The
# `documentation of backward <https://docs.pytorch.org/docs/stable/generated/torch.Tensor.backward.html>`__
# says as much: ``retain_graph`` is hardly ever needed.

# %% zh 95780c
# 没有报错，答案却是错的。旧图保存的是旧的:math:`w - 3`，于是 20 步用的都是起点处的斜率 -6，
# 权重越过 3，一直走到 12。正确的做法是每一步都重新做前向传播。
# `backward 的文档 <https://docs.pytorch.org/docs/stable/generated/torch.Tensor.backward.html>`__也这么说：
# 几乎用不到``retain_graph``。

# %% en: A state carried across steps
# This loop does compute the loss anew, and it fails all the same. The state that enters a step
# comes from the step before, and with it comes that step's graph, already freed. In which step will
# the error appear?

# %% zh fc98c3: 跨越多步的状态
# 这个循环每步都重新计算损失，却照样失败。每一步用到的状态都来自上一步，也就带着上一步的图，
# 而那张图已经释放了。错误会出现在第几步？

# %%
w = torch.tensor(0.5, requires_grad=True)
state = torch.tensor(1.0)
raised = False
for step in range(1, 4):
    state = torch.tanh(w * state)
    loss = (state - 0.3) ** 2
    try:
        loss.backward()
    except RuntimeError as error:
        raised = True
        print(step, str(error).split(" (")[0])
        break
assert raised
assert step == 2

# %% en
# In the second step: the initial state had no history yet. With ``retain_graph=True`` the loop
# runs, but each step carries all earlier steps along. ``detach`` gives the same values without the
# history, and the graph starts afresh. Count the nodes in each step.

# %% zh d4e338
# 出现在第二步，因为最初的状态还没有历史。用``retain_graph=True``，循环能跑下去，
# 但每一步的图都拖着此前各步的图。``detach``给出同样的值，却不带历史，图就从头建起。
# 数一数每一步的节点。


# %%
def count_nodes(detach, steps=20):
    w = torch.tensor(0.5, requires_grad=True)
    state, counts = torch.tensor(1.0), []
    for _ in range(steps):
        if detach:
            state = state.detach()
        state = torch.tanh(w * state)
        loss = (state - 0.3) ** 2
        counts.append(len(nodes(loss.grad_fn)))
        loss.backward(retain_graph=not detach)
    return counts


growing, constant = count_nodes(detach=False), count_nodes(detach=True)
plt.plot(range(1, 21), growing, label="retain_graph=True")
plt.plot(range(1, 21), constant, label="detach()")
plt.xlabel("step")
plt.xticks([1, 5, 10, 15, 20])
plt.ylabel("nodes")
plt.legend()
plt.show()

# %% en alt
# Number of nodes against the step, 1 to 20. With ``retain_graph=True`` a straight line rises from 5
# to 43; with ``detach()`` the line stays at 5.

# %% zh alt ed1a93
# 第 1 步到第 20 步的节点数。``retain_graph=True``对应一条直线，从 5 升到 43；
# ``detach()``对应的线始终停在 5。

# %%
assert growing == [2 * step + 3 for step in range(1, 21)]
assert constant == [5] * 20

# %% en
# Two nodes more in every step, and ``backward`` walks through all of them. Add an optimizer and
# this loop fails again, with another message: the old graph saved the old ``w``, which ``step`` has
# changed since. :ref:`in-place-operations` explains this one.

# %% zh 3bf4ad
# 每一步多两个节点，``backward``每次都要全部走一遍。再加上优化器，这个循环又会失败，
# 只是换了一条错误消息：旧图保存的是旧的``w``，而``step``已经改动了它。
# :ref:`in-place-operations`会解释这个错误。

# %%
w = torch.tensor(0.5, requires_grad=True)
optimizer = torch.optim.SGD([w], lr=0.1)
state = torch.tensor(1.0)
raised = False
try:
    for _ in range(3):
        state = torch.tanh(w * state)
        ((state - 0.3) ** 2).backward(retain_graph=True)
        optimizer.step()
except RuntimeError as error:
    raised = True
    print(textwrap.fill(str(error).split(" Hint")[0], 72))
assert raised

# %% en
# ``detach`` has a price too: the gradient treats the incoming state as a
# constant. What ``w`` did in earlier steps is left out. For :math:`\tanh(w s)` that leaves the
# slope :math:`(1 - \tanh^2(w s))\, s`.

# %% zh b9e49f
# ``detach``也有代价：求梯度时，传进来的状态成了常数，``w``在更早各步的作用不再计入。
# 对:math:`\tanh(w s)`，剩下的导数就是:math:`(1 - \tanh^2(w s))\, s`。

# %%
w = torch.tensor(0.5, requires_grad=True)
s = torch.tanh(w * 1.0)
whole = torch.tanh(w * s)
whole.backward()
full, w.grad = w.grad, None

cut = torch.tanh(w * s.detach())
cut.backward()
print(f"{full.item():.4f} {w.grad.item():.4f}")
torch.testing.assert_close(w.grad, ((1 - cut**2) * s).detach())
assert full > w.grad

# %% en: Two losses, one trunk
# Two losses share the first part of a network, its trunk. If you call ``backward`` on each, the
# second call fails: the shared part is already freed.

# %% zh f8f2ad: 两个损失，一个主干
# 两个损失共用网络的前半部分，也就是主干。分别调用``backward``，第二次会失败：共用的部分已经释放了。


# %%
def two_losses(x):
    trunk = torch.tanh(x)
    return trunk, trunk**2, 3 * trunk


x = torch.tensor(0.5, requires_grad=True)
_, loss_1, loss_2 = two_losses(x)
loss_1.backward()
raised = False
try:
    loss_2.backward()
except RuntimeError as error:
    raised = True
    print(str(error).split(" (")[0])
assert raised

# %% en
# Two ways lead to the same gradient: add the losses and call once, or keep the graph in the first
# of two calls. A hook on the trunk's node counts how often each way runs it.

# %% zh d160b5
# 有两种办法，得到的梯度相同：把损失相加，只调用一次；或者调用两次，第一次保留图。
# 在主干的节点上挂一个钩子，数一数两种办法各让它运行几次。

# %%
runs, gradients = [], []
for together in (True, False):
    x.grad = None
    trunk, loss_1, loss_2 = two_losses(x)
    visits = []
    trunk.grad_fn.register_prehook(visits.append)
    if together:
        (loss_1 + loss_2).backward()
    else:
        loss_1.backward(retain_graph=True)
        loss_2.backward()
    runs.append(len(visits))
    gradients.append(x.grad)

print(runs)
assert runs == [1, 2]
torch.testing.assert_close(gradients[0], gradients[1])

# %% en
# The sum walks through the trunk once, so prefer it. Separate calls are right when you need the two
# gradients apart; this is one of the few good uses of ``retain_graph``.

# %% zh 5b7af4
# 相加只走一遍主干，应当优先采用。两个梯度需要分开时，才该分别调用；
# ``retain_graph``正当的用途不多，这是其中之一。

# %% en: ``torch.autograd.grad`` returns gradients
# ``backward`` writes into the ``grad`` of leaf tensors. ``torch.autograd.grad`` computes the same
# numbers, returns them and leaves every ``grad`` alone. You name the tensors you ask about, and
# they need not be leaves: here :math:`y = h^2` and :math:`h = 3x` at :math:`x = 2`.

# %% zh 053b8d: ``torch.autograd.grad``直接返回梯度
# ``backward``把梯度写进叶子张量的``grad``。``torch.autograd.grad``算出同样的数，但直接返回，
# 不碰任何``grad``。求关于哪些张量的梯度，由你指定，不必是叶子张量：这里:math:`y = h^2`，
# :math:`h = 3x`，取:math:`x = 2`。

# %%
x = torch.tensor(2.0, requires_grad=True)
h = 3 * x
y = h**2
dx, dh = torch.autograd.grad(y, [x, h])
print(dx.item(), dh.item(), x.grad)
assert dh == 2 * 6
assert dx == dh * 3
assert x.grad is None

# %% en
# It frees the graph as ``backward`` does, and takes ``retain_graph`` too. Ask about a tensor that
# the result does not depend on and it raises, instead of leaving ``None`` behind in silence; with
# ``allow_unused=True`` it returns ``None``. All options are in the
# `reference <https://docs.pytorch.org/docs/stable/generated/torch.autograd.grad.html>`__.

# %% zh da737b
# 它和``backward``一样会释放图，也接受``retain_graph``。如果结果不依赖你指定的张量，就会报错，
# 而不是一声不响地留下``None``；加上``allow_unused=True``，则返回``None``。
# 全部选项见`参考文档 <https://docs.pytorch.org/docs/stable/generated/torch.autograd.grad.html>`__。

# %%
stranger = torch.tensor(1.0, requires_grad=True)
y = x**2
raised = False
try:
    torch.autograd.grad(y, stranger, retain_graph=True)
except RuntimeError as error:
    raised = True
    print(textwrap.fill(str(error), 72))
assert raised

dx, nothing = torch.autograd.grad(y, [x, stranger], allow_unused=True)
print(dx.item(), nothing)
assert dx == 4
assert nothing is None

# %% en: Remember
# - The graph holds what ran: the branch taken, every round of the loop, and no condition.
# - ``backward`` frees what the nodes saved. To go again, run the forward pass again.
# - A state that lives longer than a step needs ``detach``; several losses are best added up.
# - ``torch.autograd.grad`` returns gradients; ``backward`` adds them to ``grad``.

# %% zh 3f9a5d: 记住
# - 图里只有执行过的运算：走过的分支、循环的每一轮；判断条件不在其中。
# - ``backward``会释放节点保存的内容。想再来一次，就再做一次前向传播。
# - 跨越多步的状态需要``detach``；多个损失最好相加。
# - ``torch.autograd.grad``返回梯度，``backward``把梯度加到``grad``上。

# %% en: Exercise: differentiate a loop that converges
# Newton's method for the square root starts at :math:`y = 1` and repeats
# :math:`y \leftarrow (y + a / y) / 2` until :math:`y^2` is within :math:`10^{-5}` of :math:`a`.
# Write it with ``while`` and check that for :math:`a = 2` the gradient of :math:`y` with respect to
# :math:`a` is :math:`1 / (2 \sqrt{a})` up to :math:`10^{-4}`.

# %% zh 84f132: 练习：对收敛的循环求导
# 求平方根的牛顿法从:math:`y = 1`出发，不断重复:math:`y \leftarrow (y + a / y) / 2`，
# 直到:math:`y^2`与:math:`a`之差不超过:math:`10^{-5}`。用``while``写出来，
# 并验证:math:`a = 2`时，:math:`y`关于:math:`a`的梯度是:math:`1 / (2 \sqrt{a})`，
# 误差不超过:math:`10^{-4}`。

# %% solution
a = torch.tensor(2.0, requires_grad=True)
y = torch.tensor(1.0)
while abs(y**2 - a) > 1e-5:
    y = (y + a / y) / 2
y.backward()
print(y.item(), a.grad.item())
torch.testing.assert_close(a.grad, 1 / (2 * torch.sqrt(a.detach())), rtol=0, atol=1e-4)

# %% en: Exercise: the average that eats memory
# To report an average loss, a loop keeps ``total = total + loss``. Write it for the losses
# ``(w - target) ** 2`` with the targets 1, 2 and 3. Show with ``nodes`` that the graph behind
# ``total`` grows in every step, then compute the average without keeping any graph.

# %% zh 0e0697: 练习：吃内存的平均值
# 为了报告平均损失，循环里写着``total = total + loss``。损失取``(w - target) ** 2``，
# 目标依次取 1、2、3，写出这个循环。用``nodes``说明``total``背后的图每一步都在变大，
# 然后改写循环：算出平均值，但不留下任何图。

# %% solution
w = torch.tensor(0.5, requires_grad=True)
total, sizes = 0.0, []
for target in (1.0, 2.0, 3.0):
    total = total + (w - target) ** 2
    sizes.append(len(nodes(total.grad_fn)))
print(sizes)
assert sizes[0] < sizes[1] < sizes[2]

average = 0.0
for target in (1.0, 2.0, 3.0):
    loss = (w - target) ** 2
    average += loss.item() / 3
assert isinstance(average, float)
assert abs(average - total.item() / 3) < 1e-6

# %% en: Exercise: predict the survivors
# For which of ``x.sum()``, ``x.mean()``, ``x.exp()``, ``x / 2`` and ``x.clone()`` does a second
# ``backward`` work? Ask yourself what the slope needs to know: only sizes, or values?

# %% zh f42f2b: 练习：预测哪些还能再用
# ``x.sum()``、``x.mean()``、``x.exp()``、``x / 2``和``x.clone()``之中，
# 哪些可以做第二次``backward``？问问自己，求导需要知道什么：只要形状，还是数值？

# %% solution
x = torch.tensor(3.0, requires_grad=True)
results = {
    "sum": x.sum(),
    "mean": x.mean(),
    "exp": x.exp(),
    "x / 2": x / 2,
    "clone": x.clone(),
}
survivors = []
for name, result in results.items():
    result.backward()
    try:
        result.backward()
        survivors.append(name)
    except RuntimeError:
        pass
print(survivors)
assert survivors == ["sum", "mean", "clone"]

# %% en: Where next
# :ref:`one-training-step` builds a graph, uses it once and throws it away, over and over.
# :ref:`gradients-add-up` turns repeated ``backward`` calls into a tool, and
# :ref:`gradients-off-and-on` shows how to build no graph at all.

# %% zh ef8b41: 接下来
# :ref:`one-training-step`建一张图，用一次就丢，如此反复。
# :ref:`gradients-add-up`把多次调用``backward``变成一种工具，
# :ref:`gradients-off-and-on`则教你怎样干脆不建图。
