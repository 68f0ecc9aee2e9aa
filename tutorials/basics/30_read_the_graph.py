# %% about
# level: beginner
# minutes: 20
# tags: Tensor.grad_fn, next_functions, Tensor.is_leaf, Tensor.retain_grad, Tensor.register_hook

# %% en: Read the graph
# After this page you can walk from any result back to the tensors it came from, and say which of
# them will keep a gradient and which will not.
#
# While your code runs, autograd records its operations in a graph. The graph is made of Python
# objects: you can print their names and follow them from one to the next.

# %% zh ffdec9: 读懂计算图
# 读完这一页，你能从任意结果出发，一路走回它所依赖的张量，并说出哪些张量会留下梯度、哪些不会。
#
# 代码运行时，autograd 会把运算一一记入计算图。计算图由 Python 对象组成：
# 你可以打印它们的名字，再从一个走到下一个。

# %%
import textwrap
import warnings

import matplotlib.pyplot as plt
import torch

plt.rc("figure", figsize=(5, 3.5), autolayout=True)
torch.set_default_device("cuda" if torch.cuda.is_available() else "cpu")

# %% en: Every result knows how it was made
# The tensor ``a`` holds three numbers. Compute :math:`d = 2 \sin a + 1` one operation at a time and
# add everything up. Each result has a ``grad_fn``: the **node** that will carry a gradient back
# through the operation that made it.
#
# The node of ``b`` is called ``SinBackward0``. Predict the other three names before you look. And
# ``a`` itself, which no operation made: what is its ``grad_fn``?

# %% zh acf97b: 每个结果都记得来历
# 张量``a``里有三个数。一步一个运算算出:math:`d = 2 \sin a + 1`，最后全部加起来。
# 每个结果都有``grad_fn``，也就是图上的**节点**：反向传播时，
# 由节点让梯度往回穿过产生这个结果的运算。
#
# ``b``的节点叫``SinBackward0``。先猜猜另外三个名字，再看输出。``a``则不是由运算得来的，
# 那么它的``grad_fn``是什么？

# %%
a = torch.tensor([0.0, 0.5, 1.0], requires_grad=True)
b = torch.sin(a)
c = 2 * b
d = c + 1
out = d.sum()
# sphinx_gallery_graph = "out: backward"

for tensor in (out, d, c, b):
    print(tensor.grad_fn.name())
print(a.grad_fn)
assert b.grad_fn.name() == "SinBackward0"
assert a.grad_fn is None

# %% en
# The digit at the end tells apart derivative formulas that share a name. A power has three: the
# variable can be the base, both base and exponent, or the exponent.

# %% zh 2c9b44
# 名字末尾的数字用来区分同名的求导公式。乘方就有三种：变量只在底数上，底数和指数上都有，
# 或者只在指数上。

# %%
x = torch.tensor(2.0, requires_grad=True)
for y in (x**2, x**x, 2**x):
    print(y.grad_fn.name())
assert (x**2).grad_fn.name() != (2**x).grad_fn.name()

# %% en: One step back
# A node lists in ``next_functions`` where the gradient goes next: one pair per input of the
# operation. The first member of a pair is a node, or ``None``; the second is a slot number,
# explained further down. ``d`` was made from ``c`` and the constant 1, so expect two pairs.

# %% zh 4f1f14: 往回走一步
# 节点的``next_functions``列出梯度接下来去哪里，运算的每个输入对应一对值。
# 前一个值是节点或``None``，后一个是槽位编号，后文再讲。``d``由``c``和常数 1 算出，
# 所以应该有两对。

# %%
for node, slot in d.grad_fn.next_functions:
    print(node and node.name(), slot)

(first, _), (second, _) = d.grad_fn.next_functions
assert first is c.grad_fn
assert second is None

# %% en
# The first node is the very object that ``c.grad_fn`` holds, so the steps are chained. Nothing
# leads back to the constant: it needs no gradient.

# %% zh b26a28
# 第一个节点与``c.grad_fn``是同一个对象，各步就这样连成了链。常数那边没有节点，
# 因为它不需要梯度。

# %% en: All the way back
# Follow the first pair again and again until ``next_functions`` is empty. Four of the five names
# you have seen already.

# %% zh d36bc9: 一直走到底
# 反复沿着第一对往回走，直到``next_functions``为空。五个名字里有四个你已经见过了。

# %%
node = out.grad_fn
names = [node.name()]
while node.next_functions:
    node = node.next_functions[0][0]
    names.append(node.name())

print(*names, sep="\n")
assert len(names) == 5
assert names[-1] == "torch::autograd::AccumulateGrad"

# %% en: The path ends at a leaf tensor
# The new name is ``AccumulateGrad``, printed with the C++ namespace it lives in. This node adds
# whatever gradient arrives to the ``grad`` of one tensor, and it holds that tensor in its attribute
# ``variable``: not a copy, ``a`` itself. Such a tensor, where the graph ends, is a **leaf tensor**.

# %% zh d40a95: 路的尽头是叶子张量
# 新出现的名字是``AccumulateGrad``，前面带着它所在的 C++ 命名空间。
# 这个节点把收到的梯度加到某个张量的``grad``上，节点的``variable``属性存的就是那个张量：不是副本，
# 正是``a``本身。像这样位于图的末端的张量，叫作**叶子张量**。

# %%
accumulate = node
assert accumulate.variable is a

out.backward()
assert accumulate.variable.grad is a.grad
torch.testing.assert_close(a.grad, 2 * torch.cos(a.detach()))

# %% en: Print the whole tree
# Most operations have several inputs, so a walk has to branch. A few lines of recursion print every
# node, indented by its depth.

# %% zh d5ec52: 打印整棵树
# 大多数运算不止一个输入，往回走就会分岔。几行递归就能打印所有节点，用缩进表示深度。


# %%
def show(node, depth=0):
    print("  " * depth + (node.name() if node else "None"))
    if node:
        for below, _ in node.next_functions:
            show(below, depth + 1)


show(out.grad_fn)

# %% en: ``None`` means that no gradient goes this way
# A model in miniature: the weight ``w`` requires a gradient, the input ``x`` and the target ``t``
# do not. Where will ``None`` stand in the tree of :math:`(w x - t)^2`?

# %% zh 6a2ae2: ``None``表示梯度不往这边走
# 来看一个微型模型：权重``w``需要梯度，输入``x``和目标``t``不需要。在:math:`(w x - t)^2`的树里，
# ``None``会出现在哪里？

# %%
w = torch.tensor(2.0, requires_grad=True)
x, t = torch.tensor(3.0), torch.tensor(5.0)
loss = (w * x - t) ** 2
show(loss.grad_fn)

subtract = loss.grad_fn.next_functions[0][0]
multiply = subtract.next_functions[0][0]
assert subtract.next_functions[1] == (None, 0)
assert multiply.next_functions[1] == (None, 0)

# %% en
# It stands in place of ``x`` and in place of ``t``. The exponent has no pair at all: ``pow`` with a
# Python number has only one tensor input, while the ``2`` in ``2 * b`` above was first turned into
# a tensor, and so took a place.

# %% zh 5c17ba
# 它出现在``x``和``t``的位置上。指数则连一对值都没有：指数是 Python 数值时，
# ``pow``只有一个张量输入；而前面``2 * b``里的``2``会先变成张量，所以也占一个位置。

# %%
assert len(loss.grad_fn.next_functions) == 1
assert len(c.grad_fn.next_functions) == 2

# %% en: One tensor, used twice
# Let :math:`s = w x` and :math:`z = s \sin s`. The tensor ``s`` is used in two places. Will the
# tree show its node once or twice, and how many such nodes exist?

# %% zh 73c0e0: 同一个张量用了两次
# 令:math:`s = w x`，:math:`z = s \sin s`，张量``s``用在了两个地方。
# 它的节点在树里出现一次还是两次？这样的节点实际上又有几个？

# %%
x = torch.tensor(0.5, requires_grad=True)
s = w * x
z = torch.sin(s) * s
show(z.grad_fn)

(sine, _), (direct, _) = z.grad_fn.next_functions
assert sine.next_functions[0][0] is direct
assert direct is s.grad_fn

# %% en
# Its node stands twice in the tree, because two paths lead to it, but both lines are the same
# object. So the graph is not a tree but a directed acyclic graph: its arrows never lead round in a
# circle.

# %% zh 56594a
# 这个节点在树里出现了两次，因为有两条路通向它；但这两行其实是同一个对象。所以计算图并不是树，
# 而是有向无环图：沿着箭头走，永远不会绕回原处。

# %% en: Draw the graph from the nodes
# To see each node once, remember what you have met. The function ``layers`` returns every node with
# its depth: the length of the longest way to it from ``root``, the node where the walk starts. The
# tree took 8 lines. How many nodes has the graph?

# %% zh 4e25b2: 用节点画出计算图
# 想让每个节点只出现一次，就要记住哪些已经遇到过。函数``layers``返回所有节点及其深度，
# 即从起点``root``走到该节点的最长路径的长度。那棵树占了 8 行，图又有几个节点？


# %%
def layers(root):
    depth, todo = {root: 0}, [root]
    while todo:
        node = todo.pop()
        for below, _ in node.next_functions:
            if below is not None and depth.get(below, -1) <= depth[node]:
                depth[below] = depth[node] + 1
                todo.append(below)
    return depth


def lines(node):
    return 1 + sum(lines(below) for below, _ in node.next_functions)


print(lines(z.grad_fn), len(layers(z.grad_fn)))
assert lines(z.grad_fn) == 8
assert len(layers(z.grad_fn)) == 5

# %% en
# Only 5: from the node of ``s`` on, everything was printed twice. To draw them, place the
# names by depth and add the arrows. You can skip the code of ``draw``. Each arrow is one pair of
# ``next_functions`` and points the way the gradient flows.

# %% zh 20a0bb
# 只有 5 个：从``s``的节点往下，全都打印了两遍。画图时按深度摆放名字，再加上箭头；
# ``draw``的代码可以跳过不读。每个箭头对应``next_functions``里的一对值，箭头所指就是梯度的去向。


# %%
def draw(root):
    place, rows = {}, {}
    for node, y in layers(root).items():
        rows.setdefault(y, []).append(node)
    for y, row in rows.items():
        for i, node in enumerate(row):
            place[node] = (i - (len(row) - 1) / 2, y)
            name = node.name().split("::")[-1]
            box = {"boxstyle": "round", "facecolor": "C0", "edgecolor": "C0"}
            plt.text(*place[node], name, ha="center", va="center", color="white", bbox=box)
    for node, start in place.items():
        for slot, (below, _) in enumerate(node.next_functions):
            if below is not None:
                bend = f"arc3,rad={0.9 * slot * (place[below][0] == start[0])}"
                style = {"arrowstyle": "->", "color": "C1", "connectionstyle": bend}
                style |= {"shrinkA": 12, "shrinkB": 12, "linewidth": 2}
                plt.annotate("", place[below], start, arrowprops=style)
    plt.xlim(-1, 1)
    plt.ylim(max(rows) + 0.5, -0.5)
    plt.xticks([])
    plt.yticks(list(rows))
    plt.ylabel("depth")


draw(z.grad_fn)
plt.show()

# %% en alt
# The graph of :math:`s \sin s` in four layers. A ``MulBackward0`` at the top has an arrow to
# ``SinBackward0`` and a second, bent one past it to the ``MulBackward0`` of ``s``, where the arrow
# from ``SinBackward0`` arrives too. From there one arrow goes to each of two ``AccumulateGrad``
# nodes.

# %% zh alt ea0f01
# :math:`s \sin s`的计算图，共四层。顶层的``MulBackward0``有一个箭头指向``SinBackward0``，
# 另一个弯曲的箭头绕过它，指向``s``的``MulBackward0``；``SinBackward0``的箭头也指向那里。
# 再往下，分别有箭头指向两个``AccumulateGrad``节点。

# %% en: Count nodes, not paths
# Square a number again and again: every squaring uses its input twice, so the number of paths
# doubles each time. How does the number of nodes grow?

# %% zh a509d3: 数节点，而不是数路径
# 把一个数不断平方：每次平方都用到输入两次，路径的数目随之翻倍。那么节点的数目怎样增长？


# %%
def paths(node):
    if not node.next_functions:
        return 1
    return sum(paths(below) for below, _ in node.next_functions)


def squarings(x, k):
    for _ in range(k):
        x = x * x
    return x


x = torch.tensor(1.0, requires_grad=True)
graphs = [squarings(x, k).grad_fn for k in range(1, 11)]
plt.semilogy(range(1, 11), [paths(root) for root in graphs], "o-", label="paths")
plt.semilogy(range(1, 11), [len(layers(root)) for root in graphs], "o-", label="nodes")
plt.xlabel("k")
plt.legend()
plt.show()

# %% en alt
# Paths and nodes against the number :math:`k` of squarings, from 1 to 10, on a logarithmic scale.
# The paths form a straight line up to 1024; the nodes bend far below and end at 11.

# %% zh alt 7e6f45
# 横轴是平方次数:math:`k`，从 1 到 10，纵轴为对数刻度，两条线分别是路径数和节点数。
# 路径数是一条直线，升到 1024；节点数的曲线远在下方，最后到 11。

# %% en
# There are :math:`2^k` paths but only :math:`k + 1` nodes. At :math:`x = 1` every path contributes
# exactly 1 to the derivative of :math:`x^{2^k}`, so the gradient counts the paths. Yet ``backward``
# runs each node once, when everything that flows into it has arrived, and so takes each arrow once;
# that is why it is cheap. Count the runs with a hook, a function that the node calls before it
# runs.

# %% zh 653a54
# 路径有:math:`2^k`条，节点却只有:math:`k + 1`个。在:math:`x = 1`处，
# 每条路径对:math:`x^{2^k}`的导数恰好贡献 1，所以梯度就等于路径数。
# 可是``backward``只让每个节点运行一次：等流入的梯度到齐了再运行，于是每个箭头也只走一次。
# 反向传播之所以代价低，原因就在这里。用钩子数一数：钩子就是函数，节点每次运行之前都会调用它。

# %%
y = squarings(x, 10)
nodes = layers(y.grad_fn)
runs = []
for node in nodes:
    node.register_prehook(runs.append)

y.backward()
print(len(runs), paths(y.grad_fn))
assert len(runs) == len(nodes) == 11
assert x.grad == paths(y.grad_fn) == 1024

# %% en: The slot number
# One operation can have several results. ``unbind`` cuts a vector into scalars: they share one
# node, and ``output_nr`` says which result each of them is. The second member of a pair in
# ``next_functions`` is that number: it tells the node below into which slot the gradient goes.

# %% zh bdb2eb: 槽位编号
# 一个运算可以有多个结果。``unbind``把向量拆成标量：它们共用一个节点，
# ``output_nr``说明各自是第几个结果。``next_functions``里每对值的后一个就是这个编号，
# 表示梯度该放进下面那个节点的哪个槽位。

# %%
p, q, r = torch.tensor([1.0, 2.0, 3.0], requires_grad=True).unbind()
print(p.grad_fn.name(), p.output_nr, q.output_nr, r.output_nr)
assert p.grad_fn is q.grad_fn is r.grad_fn

product = p * r
for node, slot in product.grad_fn.next_functions:
    print(node.name(), slot)
assert [slot for _, slot in product.grad_fn.next_functions] == [0, 2]

# %% en
# A node and a slot together name one place where a gradient arrives. ``get_gradient_edge`` returns
# that pair for any tensor that requires a gradient; for a leaf tensor it leads to
# ``AccumulateGrad``, which ``grad_fn`` does not show.

# %% zh dd1a27
# 节点加上槽位，就确定了梯度到达的位置。对任何需要梯度的张量，
# ``get_gradient_edge``都返回这样一对值；叶子张量对应的是``AccumulateGrad``，
# 这个节点从``grad_fn``里看不到。

# %%
edge = torch.autograd.graph.get_gradient_edge(r)
assert edge.node is r.grad_fn
assert edge.output_nr == 2

edge = torch.autograd.graph.get_gradient_edge(a)
print(edge.node.name())
assert edge.node is accumulate

# %% en: Which tensors are leaves
# A tensor `is a leaf <https://docs.pytorch.org/docs/stable/generated/torch.Tensor.is_leaf.html>`__
# when no node made it: ``is_leaf`` is true exactly when ``grad_fn`` is ``None``. That covers more
# than the tensors you create: a result that needs no gradient has no node either. ``detach``
# returns the values without the node, and under ``no_grad`` no nodes are made. Predict the six
# answers.

# %% zh 9957de: 哪些张量是叶子
# 背后没有节点的张量
# `就是叶子 <https://docs.pytorch.org/docs/stable/generated/torch.Tensor.is_leaf.html>`__：
# ``is_leaf``为真，当且仅当``grad_fn``是``None``。这样一来，叶子不限于你亲手创建的张量：
# 不需要梯度的计算结果背后也没有节点。``detach``返回同样的值，但不带节点；
# 在``no_grad``之下不会产生节点。先猜猜下面六个答案。

# %%
w = torch.ones(3, requires_grad=True)
t = torch.ones(3)
with torch.no_grad():
    frozen = 2 * w

cases = {"w": w, "t": t, "2 * t": 2 * t, "2 * w": 2 * w, "detach": w.detach(), "no_grad": frozen}
for name, tensor in cases.items():
    print(f"{name:8} {tensor.is_leaf}")
    assert tensor.is_leaf == (tensor.grad_fn is None)
assert [name for name, tensor in cases.items() if not tensor.is_leaf] == ["2 * w"]

# %% en: Why ``requires_grad_`` comes last
# You want small initial weights. The first two lines below compute the same kind of numbers;
# ``requires_grad_`` makes a finished tensor require a gradient. One of the two tensors is a leaf,
# which an optimizer can train; the other is a *result*, and you have no name for the leaf tensor
# behind it. Which is which?

# %% zh 429cbe: 为什么``requires_grad_``要放在最后
# 你想让初始权重小一些。下面前两行算出的随机数分布相同；``requires_grad_``让已经算好的张量需要梯度。
# 两个张量中，一个是叶子张量，优化器可以训练它；另一个是计算结果，背后的叶子张量没有变量名，
# 你已经拿不到了。哪个是叶子？

# %%
early = torch.randn(10, 3, requires_grad=True) * 0.1
late = (torch.randn(10, 3) * 0.1).requires_grad_()
print("early", early.is_leaf, early.grad_fn.name())
print("late", late.is_leaf, late.grad_fn)

raised = False
try:
    torch.optim.SGD([early], lr=0.1)
except ValueError as error:
    raised = True
    print(error)
assert raised

torch.optim.SGD([late], lr=0.1)

# %% en
# So finish the arithmetic first and call ``requires_grad_`` afterwards. The same trap waits in
# every operation that makes a new tensor, even a change of type: ``double`` adds a node.

# %% zh dc8733
# 所以先把算术做完，最后再调用``requires_grad_``。凡是产生新张量的运算都有同样的陷阱，
# 转换数据类型也不例外：``double``也会在图上留下一个节点。

# %%
early = torch.ones(3, requires_grad=True).double()
late = torch.ones(3).double().requires_grad_()
print(early.grad_fn.name())
assert not early.is_leaf
assert late.is_leaf

# %% en: On the way, gradients are computed but not kept
# To reach ``a``, the gradient has to pass ``d``, ``c`` and ``b``. It is computed at each of them,
# handed on and forgotten. A hook on a tensor sees it go by: ``register_hook`` registers a function
# that is called with the gradient. At ``b`` it should be 2 everywhere, since :math:`c = 2b` and the
# rest has slope 1.

# %% zh bcd4d5: 途中的梯度会算出来，但不会留下
# 梯度要到达``a``，必须经过``d``、``c``和``b``。每到一处，梯度都会算出来，传下去，随即丢掉。
# 在张量上挂一个钩子，就能看到梯度经过：``register_hook``登记一个函数，
# 梯度经过时就会传给它。在``b``处，梯度的各个分量应该都是 2，因为:math:`c = 2b`，
# 后面几步的导数都是 1。

# %%
b = torch.sin(a)
c = 2 * b
out = (c + 1).sum()

seen = []
b.register_hook(seen.append)
out.backward()
print(seen[0])
torch.testing.assert_close(seen[0], torch.full_like(b, 2.0))

# %% en: The warning
# The gradient was there, but afterwards ``b.grad`` is ``None``. Reading it makes PyTorch warn you;
# here the warning is caught so that we can look at it.

# %% zh b30d79: 读取时的警告
# 梯度确实出现过，但之后再看，``b.grad``是``None``。读取它时 PyTorch 会发出警告；
# 这里把警告截住，看看内容。

# %%
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    kept = b.grad

message = str(caught[0].message).split(" See ")[0]
print(textwrap.fill(message, 72))
assert kept is None
assert "not a leaf Tensor" in message

# %% en: Ask for it to be kept
# Call ``retain_grad`` **before** ``backward`` and the gradient stays in ``grad``; ``retains_grad``
# tells whether you have asked. Asking afterwards is too late, and it also silences the warning: the
# attribute reads ``None`` without a word.

# %% zh c653e7: 要求保留梯度
# 在``backward``**之前**调用``retain_grad``，梯度就会留在``grad``里；
# ``retains_grad``表示是否提出过这个要求。事后再调用就晚了，而且连警告也会消失：读到的是``None``，
# 没有任何提示。

# %%
b = torch.sin(a)
c = 2 * b
b.retain_grad()
(c + 1).sum().backward()
assert b.retains_grad
torch.testing.assert_close(b.grad, torch.full_like(b, 2.0))

c.retain_grad()
assert c.retains_grad
assert c.grad is None

# %% en: ``retain_grad`` where it does nothing, and where it fails
# A leaf tensor that requires a gradient keeps it anyway, so there ``retain_grad`` does nothing and
# ``retains_grad`` stays ``False``. On a tensor that requires no gradient there is nothing to keep,
# and the call is an error.

# %% zh 53a2d4: ``retain_grad``何时不起作用，何时报错
# 需要梯度的叶子张量本来就会保留梯度，所以对它调用``retain_grad``毫无作用，
# ``retains_grad``仍是``False``。不需要梯度的张量没有梯度可留，调用就会报错。

# %%
a.retain_grad()
assert not a.retains_grad

raised = False
try:
    t.retain_grad()
except RuntimeError as error:
    raised = True
    print(error)
assert raised

# %% en: The whole picture in one table
# Here are all the kinds side by side, after a fresh ``backward``. Cover the last column of the
# output and predict it from the others.

# %% zh 97247c: 一张表看全
# 重新做一次``backward``，把各种张量列在一起。遮住输出的最后一列，试着根据其他几列推断它。

# %%
a = torch.tensor([0.0, 0.5, 1.0], requires_grad=True)
t = torch.ones(3)
u = 2 * t
b = torch.sin(a)
c = b * u
out = c.sum()
b.retain_grad()
out.backward()

layout = "{!s:6} {!s:7} {!s:13} {!s:12} {!s:12} {!s}"
print(layout.format("tensor", "is_leaf", "requires_grad", "grad_fn", "retains_grad", "grad"))
table = {}
with warnings.catch_warnings(record=True):
    warnings.simplefilter("always")
    for name, tensor in {"a": a, "t": t, "u": u, "b": b, "c": c, "out": out}.items():
        fn = tensor.grad_fn and tensor.grad_fn.name()
        grad = None if tensor.grad is None else "tensor"
        table[name] = (tensor.is_leaf, tensor.requires_grad, fn, tensor.retains_grad, grad)
        print(layout.format(name, *table[name]))

# %% en
# A gradient is kept in two cases: the tensor is a leaf and requires a gradient, or it is a result
# and ``retain_grad`` asked for it. Every row obeys.

# %% zh 09365f
# 梯度只在两种情况下会留下：张量是叶子并且需要梯度；或者它是计算结果，
# 而你用``retain_grad``提出了要求。表中每一行都符合。

# %%
for is_leaf, requires_grad, _, retains_grad, grad in table.values():
    assert (grad is not None) == ((is_leaf and requires_grad) or retains_grad)
assert [name for name, row in table.items() if row[-1]] == ["a", "b"]

# %% en: What a node remembers
# The derivative of :math:`\sin a` is :math:`\cos a`, so ``SinBackward0`` needs ``a`` again on the
# way back. It saved it during the forward pass. The derivative of :math:`e^a` is :math:`e^a`: that
# node saved its own result instead. You can look at
# `saved tensors <https://docs.pytorch.org/docs/stable/notes/autograd.html#saved-tensors>`__ through
# attributes that start with ``_saved``; use them to explore, not in programs.

# %% zh 435cbf: 节点记住了什么
# :math:`\sin a`的导数是:math:`\cos a`，所以``SinBackward0``在反向传播时还要用到``a``，
# 前向传播时就把它保存了下来。:math:`e^a`的导数是:math:`e^a`，相应的节点保存的则是运算结果。
# 通过以``_saved``开头的属性可以查看
# `保存的张量 <https://docs.pytorch.org/docs/stable/notes/autograd.html#saved-tensors>`__；
# 探索时看看就好，不要在程序里使用。

# %%
sine, exponential = torch.sin(a), torch.exp(a)
assert torch.equal(sine.grad_fn._saved_self, a)
assert torch.equal(exponential.grad_fn._saved_result, exponential)

for root in (sine.grad_fn, exponential.grad_fn, (a + 1).grad_fn):
    print(root.name(), [name for name in dir(root) if name.startswith("_saved")])

# %% en
# ``AddBackward0`` saved no tensor, only the number ``alpha`` by which ``torch.add`` can scale its
# second input. Saved tensors cost memory, and ``backward`` throws them away; the next page is about
# that.

# %% zh d5e8d0
# ``AddBackward0``没有保存张量，只存了一个数``alpha``，即``torch.add``给第二个输入乘的系数。
# 占内存的正是保存的张量，``backward``释放的也是它们；下一页就讲这件事。

# %%
print((a + 1).grad_fn._saved_alpha)
assert not torch.is_tensor((a + 1).grad_fn._saved_alpha)

# %% en: Remember
# - ``grad_fn`` is the node behind a result, ``next_functions`` leads to the nodes of its inputs,
#   and every path that a gradient takes ends in ``AccumulateGrad``, which holds a leaf tensor.
# - ``is_leaf`` means that there is no ``grad_fn``; a tensor that requires no gradient is a leaf
#   too.
# - All gradients on the way are computed; ``retain_grad`` before ``backward`` keeps one of them.
# - First the arithmetic on the initial values, then ``requires_grad_``.

# %% zh 28830d: 记住
# - ``grad_fn``是结果背后的节点，``next_functions``通向各个输入的节点；
#   梯度走的每条路都终止于``AccumulateGrad``，那里存着叶子张量。
# - ``is_leaf``为真，就是没有``grad_fn``；不需要梯度的张量也是叶子。
# - 途中的梯度都会算出来；想留下哪一个，就在``backward``之前对它调用``retain_grad``。
# - 先把初始值算好，再调用``requires_grad_``。

# %% en: Exercise: leaf or not
# Without running anything, say for each expression whether the result is a leaf: a view ``w[0]``, a
# copy ``w.clone()``, a comparison ``w > 0``, a detached copy ``w.detach().clone()``, and
# ``torch.nn.Parameter(2 * w)``. Here ``w`` is a leaf that requires a gradient.

# %% zh 9737e7: 练习：是不是叶子
# 先别运行，判断下列表达式的结果是不是叶子：视图``w[0]``，副本``w.clone()``，比较``w > 0``，
# 分离后的副本``w.detach().clone()``，以及``torch.nn.Parameter(2 * w)``。
# 其中``w``是需要梯度的叶子张量。

# %% solution
assert not w[0].is_leaf
assert not w.clone().is_leaf
assert (w > 0).is_leaf
assert w.detach().clone().is_leaf
assert torch.nn.Parameter(2 * w).is_leaf

# %% en: Exercise: which leaves a loss reaches
# Write ``leaves(root)``, which returns the set of all leaf tensors that ``backward`` from the node
# ``root`` would reach. Build a model of two ``torch.nn.Linear`` layers, compute a loss, and check
# that ``leaves`` returns exactly ``set(model.parameters())``.

# %% zh d97b85: 练习：从损失能走到哪些叶子
# 写一个函数``leaves(root)``：从节点``root``做``backward``会到达哪些叶子张量，就返回它们的集合。
# 用两个``torch.nn.Linear``层搭一个模型，算出损失，
# 验证``leaves``返回的恰好是``set(model.parameters())``。


# %% solution
def leaves(root):
    return {node.variable for node in layers(root) if not node.next_functions}


model = torch.nn.Sequential(torch.nn.Linear(4, 3), torch.nn.Tanh(), torch.nn.Linear(3, 1))
loss = model(torch.ones(2, 4)).sum()
assert leaves(loss.grad_fn) == set(model.parameters())

# %% en: Exercise: find the cut
# Put a ``detach`` between the two layers of that model. Before calling ``backward``, use ``leaves``
# and ``model.named_parameters()`` to list the names of the parameters that this loss cannot train.
# Then call ``backward`` and check: their ``grad`` is ``None``.

# %% zh 2d32cc: 练习：找到断点
# 在刚才那个模型的两层之间放一个``detach``。先不调用``backward``，
# 用``leaves``和``model.named_parameters()``列出这个损失训练不到的模型参数名。
# 然后调用``backward``验证：它们的``grad``是``None``。

# %% solution
hidden = torch.tanh(model[0](torch.ones(2, 4))).detach()
loss = model[2](hidden).sum()

reached = leaves(loss.grad_fn)
missing = [name for name, p in model.named_parameters() if p not in reached]
print(missing)
assert missing == ["0.weight", "0.bias"]

loss.backward()
assert missing == [name for name, p in model.named_parameters() if p.grad is None]

# %% en: Where next
# :ref:`graphs-are-built-by-running` shows how these nodes come into being and what ``backward``
# throws away. :ref:`gradients-off-and-on` lets you decide which nodes are made at all, and
# :ref:`in-place-operations` explains what happens when a saved tensor is changed.

# %% zh 4052c9: 接下来
# :ref:`graphs-are-built-by-running`讲这些节点怎样产生，``backward``又会丢掉什么。
# :ref:`gradients-off-and-on`教你控制产生哪些节点，
# :ref:`in-place-operations`则说明改动保存的张量会有什么后果。
