# %% about
# level: beginner
# tags: Tensor.grad_fn, Node.name, Node.next_functions, Node.variable, Node.register_prehook

# %% en: Read the graph
# Follow a result back to the tensors that it came from, and say what each box and each arrow in a
# picture of its graph stands for.
#
# While your code runs, autograd notes the operations in a **computational graph**. It is made of
# objects that you can look at from Python. The first cell prints three sines and, last in the line,
# the name of such an object. What is a ``SinBackward0``, and what can it do? This page builds on
# :ref:`first-gradient` and :ref:`chain-rule`.

# %% zh 29f118: 读懂计算图
# 从一个结果出发，一步步走回它所依赖的张量，并说出计算图里每个框、每个箭头各代表什么。
#
# 代码运行时，autograd 会把运算记入**计算图**（computational graph）。
# 计算图由一个个对象组成，在 Python 里就能查看。下面第一个单元格打印出三个正弦值，
# 这一行的末尾就是其中一个对象的名字。``SinBackward0``是什么，又能做什么？
# 读这一页之前，最好已经读过:ref:`first-gradient`和:ref:`chain-rule`。

# %%
import matplotlib.pyplot as plt
import torch

device = torch.accelerator.current_accelerator(check_available=True)
torch.set_default_device(device or "cpu")

a = torch.tensor([0.0, 0.5, 1.0], requires_grad=True)
b = torch.sin(a)
print(b)

# %% check
assert a.tolist() == [0, 0.5, 1]
sines = torch.tensor([0.0, 0.4794255, 0.8414710])
torch.testing.assert_close(b.detach(), sines)
assert b.grad_fn.name() == "SinBackward0"

# %% en: Nodes and edges
# An operation that is recorded leaves a **node** behind: an object that knows how to take a
# gradient back through this operation. The result of the operation holds the node as ``grad_fn``.
# An **edge** joins a node to the node of a tensor that its operation used; values went along it one
# way, gradients come back the other. A tensor that no recorded operation made is a **leaf tensor**.
#
# Nodes have telling names. In ``SinBackward0``, ``Sin`` is the operation, ``Backward`` says that
# the node is for the way back, and the digit tells apart the variants of one operation.
#
# On the web page, the output of the next cell is followed by a picture of the graph. The box with
# round corners at the top is a leaf tensor. Each of the other boxes is a node: it shows the name,
# without the 0 at its end, and under it the result of the operation. The thick frame at the bottom
# marks the final result. The arrows point the way that the values went, down; gradients go against
# them, up.
#
# Go on from ``b`` to :math:`d = \sin^2 a - 1`, one operation at a time, and take the mean of the
# three numbers. What are the nodes of ``out``, ``d`` and ``c`` called? And ``a``, which no
# operation made: what is its ``grad_fn``?

# %% zh def84d: 节点与边
# 运算被记录时，会留下一个**节点**（node）。节点也是一个对象，梯度怎样经由这个运算往回传，由它负责；
# 运算的结果用``grad_fn``记着自己的节点。**边**（edge）把两个节点连在一起，
# 一个是运算的节点，另一个属于这个运算用到的某个张量：数值沿着边过去，梯度沿着边回来。
# 并非由已记录的运算得到的张量，叫作**叶子张量**（leaf tensor）。
#
# 节点的名字各有含义。在``SinBackward0``里，``Sin``是运算，``Backward``表示这个节点用于往回走，
# 末尾的数字则用来区分同一种运算的不同变体。
#
# 在网页上，下一个单元格的输出后面有一张计算图。顶上的圆角框是叶子张量，其余每个框都是节点：
# 框里写着节点的名字（省去末尾的 0），名字下面是运算的结果。底部的粗框标出最终结果。
# 箭头向下，表示数值的去向；梯度逆着箭头，往上走。
#
# 接着``b``往下算，一步一个运算，得到:math:`d = \sin^2 a - 1`，最后求三个数的平均值。
# ``out``、``d``和``c``的节点各叫什么？``a``不是由运算产生的，那么它的``grad_fn``又是什么？

# %% predict
# sphinx_gallery_graph = "out"
c = b**2
d = c - 1
out = d.mean()

for tensor in (out, d, c, b):
    print(tensor.grad_fn.name())
print(a.grad_fn)

# %% check
made = [result.grad_fn.name() for result in (out, d, c, b)]
assert made[:2] == ["MeanBackward0", "SubBackward0"]
assert made[2:] == ["PowBackward0", "SinBackward0"]
assert a.grad_fn is None
torch.testing.assert_close(c.detach(), sines * sines)
torch.testing.assert_close(d.detach(), sines * sines - 1)
assert abs(out.item() + 0.6873593) < 1e-5
two = torch.tensor(2.0)
assert (b**two).grad_fn.name() == "PowBackward1"
assert (two**b).grad_fn.name() == "PowBackward1"
assert (2**b).grad_fn.name() == "PowBackward2"
assert (b > 0).grad_fn is None
assert b.clone().gt_(0).grad_fn is not None
assert b.argmax().grad_fn is None
assert (b // 1).grad_fn is not None

# %% en
# The operator ``**`` left ``PowBackward0``, for *power*; ``-`` left ``SubBackward0``, for
# *subtract*; and the method ``mean`` left ``MeanBackward0``. The leaf tensor ``a`` was made by no
# recorded operation, so its ``grad_fn`` is ``None``. The comparison ``b > 0`` leaves no node either:
# its result has no ``grad_fn``.
#
# Most digits that you meet are a 0. Powers show what they are for: ``b**2``, with a Python number
# as exponent, has ``PowBackward0``; with tensors as base and exponent it is ``PowBackward1``; and
# ``2**b`` has ``PowBackward2``.

# %% zh 1592a9
# 运算符``**``留下``PowBackward0``，取自*乘方*（power）；``-``留下``SubBackward0``，
# 取自*减法*（subtract）；方法``mean``留下``MeanBackward0``。叶子张量``a``并非由已记录的运算得到，
# 所以``grad_fn``是``None``。``b > 0``这个比较同样不留下节点，它的结果没有``grad_fn``。
#
# 名字末尾多半是 0，从乘方可以看出这个数字的用处：``b**2``的指数是 Python 数值，节点是``PowBackward0``；
# 底数和指数都是张量时，是``PowBackward1``；``2**b``的节点则是``PowBackward2``。

# %% en: What a node does
# A node is a function. Its argument is the gradient that arrives, written :math:`\bar{g}`: the
# derivative of the final result with respect to the result of this node's operation. What it
# returns is the gradient that it sends on. ``backward`` calls the nodes for you; to get to know
# one, call it yourself.
#
# Take 100 numbers :math:`u` from 0 to :math:`2\pi` and their sines :math:`v`, and hand the node of
# :math:`v` a :math:`\bar{g}` of 1 for each number. The figure shows :math:`v` dashed and what the
# node returns solid. (Matplotlib wants plain values: ``detach`` gives a tensor without its graph,
# and ``cpu`` fetches it if it is on a GPU.) What will the solid curve look like?

# %% zh 1c188d: 节点做什么
# 节点是一个函数。传给它的参数是到达这个节点的梯度（gradient），记作:math:`\bar{g}`，
# 也就是最终结果关于该节点运算结果的导数；它的返回值是继续往回传的梯度。
# 平时由``backward``替你调用节点；想认识一个节点，不妨亲手调用它。
#
# 从 0 到:math:`2\pi`取 100 个数:math:`u`，算出它们的正弦:math:`v`，
# 再把一个元素（element）全是 1 的:math:`\bar{g}`交给:math:`v`的节点。图中虚线是:math:`v`，实线是节点的返回值。
# （Matplotlib 只接受普通数值：``detach``给出不带计算图的张量；数据如果在 GPU 上，
# 就用``cpu``取回来。）实线会是什么样子？

# %% predict
u = torch.linspace(0, 2 * torch.pi, 100, requires_grad=True)
v = torch.sin(u)
returned = v.grad_fn(torch.ones_like(v))

plt.plot(u.detach().cpu(), v.detach().cpu(), "--", label="$v$")
label = r"v.grad_fn($\bar{g}$)"
plt.plot(u.detach().cpu(), returned.detach().cpu(), label=label)
plt.xlabel("$u$")
plt.legend()
plt.show()

# %% check
steps_of_u = torch.arange(100) * 2 * torch.pi / 99
torch.testing.assert_close(u.detach(), steps_of_u)
torch.testing.assert_close(v, torch.sin(steps_of_u))
torch.testing.assert_close(returned, torch.cos(steps_of_u))
uneven = v.grad_fn(steps_of_u)
torch.testing.assert_close(uneven, steps_of_u * returned)

# %% en alt
# Two curves over one period. The dashed sine starts at 0; the solid curve starts at 1, falls
# through 0 to :math:`-1` at :math:`\pi` and comes back to 1.

# %% zh alt 4bd340
# 一个周期上的两条曲线。虚线是从 0 出发的正弦；实线从 1 出发，经过 0 降到:math:`\pi`处的:math:`-1`，
# 再回到 1。

# %% en
# It is the cosine, the derivative of the sine. Any other :math:`\bar{g}` would come back as
# :math:`\bar{g} \cos u`: arriving gradient times local derivative. That is one step of the chain
# rule, and the whole graph is the chain.

# %% zh 3bb74a
# 实线是余弦，也就是正弦的导数。换成别的:math:`\bar{g}`，返回的就是:math:`\bar{g} \cos u`，
# 即到达的梯度乘以局部导数（local derivative）。这正是链式法则（chain rule）里的一步，整张计算图则把这样的步骤连成了链。

# %% en: One step back
# Where does a node send its gradient? Its ``next_functions`` says so with pairs: the node that
# comes next, and the number of that node's result to which the gradient belongs. Most operations
# have one result, so the number is mostly 0.
#
# Go back to ``d``, which is ``c - 1``: the difference of a tensor and a constant. The loop prints
# the type of what stands first in each pair, and the number. How many pairs do you expect, and what
# stands in them?

# %% zh 4f8844: 往回走一步
# 节点把梯度送到哪里去？答案在它的``next_functions``里，里面是一对一对的值：
# 每一对的前一项是接下来的节点，后一项是编号，说明梯度属于那个节点的哪一个结果。
# 多数运算只有一个结果，所以编号多半是 0。
#
# 回到``d``：它等于``c - 1``，一个张量减去一个常数。下面的循环打印每一对前一项的类型，以及后面的编号。
# 你觉得会有几对值，里面各是什么？

# %% predict
for node, number in d.grad_fn.next_functions:
    print(type(node).__name__, number)

# %% check
first, second = d.grad_fn.next_functions
assert first == (c.grad_fn, 0)
assert first[0] is c.grad_fn
assert second == (None, 0)
assert [g is None for g in d.grad_fn(torch.ones(3))] == [False, True]
picked = torch.index_select(a, 0, torch.tensor([2, 0]))
assert len(picked.grad_fn.next_functions) == 1
shifted = a - torch.tensor(1)
assert shifted.grad_fn.next_functions[1] == (None, 0)
p, q, r = a.unbind()
assert p.grad_fn is q.grad_fn is r.grad_fn
assert [pair[1] for pair in (p * r).grad_fn.next_functions] == [0, 2]

# %% en
# Two. In the first stands the very object that ``c.grad_fn`` is. The second belongs to the
# constant, which PyTorch turned into a tensor before it subtracted: that tensor needs no gradient,
# so nothing is sent there, and ``None``, whose type is ``NoneType``, stands in place of a node. Not
# all inputs have a pair: the index of ``torch.index_select`` has none, since the operation has no
# derivative with respect to it.

# %% zh e7bb43
# 有两对。第一对里的节点与``c.grad_fn``是同一个对象。第二对属于常数：相减之前，
# PyTorch 先把它变成了张量；这个张量不需要梯度，所以不会有梯度送过去，
# 本该是节点的地方就成了``None``，它的类型是``NoneType``。
# 并不是每个输入都有一对值：``torch.index_select``的下标就没有，
# 因为这个运算对下标没有导数可言。

# %% en: All the way back
# Begin at the node of ``out`` and follow the first pair of each node, until ``next_functions`` is
# empty. The code has done four operations. How many names will be printed, and what is left for the
# last node to do?

# %% zh 55d141: 一直往回走
# 从``out``的节点开始，每次都沿着第一对值往回走，直到``next_functions``为空。前面一共做了四个运算。
# 会打印出几个名字？梯度走到最后一个节点时，还有什么事要由它来做？

# %% predict
node = out.grad_fn
print(node.name())
while node.next_functions:
    node = node.next_functions[0][0]
    print(node.name())

# %% check
assert node.name() == "torch::autograd::AccumulateGrad"
assert b.grad_fn.next_functions == ((node, 0),)
assert c.grad_fn.next_functions[0][0] is b.grad_fn
assert out.grad_fn.next_functions == ((d.grad_fn, 0),)
assert node.next_functions == ()
assert node.variable is a

# %% en
# Five. The last is ``AccumulateGrad``, printed with the C++ namespace that it lives in. It stands
# where a gradient leaves the graph, adds what arrives to the ``grad`` of a leaf tensor, and holds
# that tensor as ``variable``: ``node.variable`` is ``a`` itself, not a copy. The box of ``a`` in
# the picture stands for this node.

# %% zh 8dfc21
# 五个。最后一个是``AccumulateGrad``，前面带着它所在的 C++ 命名空间。梯度走到这里就离开了计算图：
# 这个节点把到达的梯度加到一个叶子张量的``grad``上。那个张量就存放在节点的``variable``里：
# ``node.variable``正是``a``本身，不是副本。图中``a``的框，代表的正是这个节点。

# %% en: One tensor, used twice
# Let :math:`s = w x` and :math:`z = s \sin s`, so that ``s`` is used in two places. The function
# ``show`` prints a node, then does the same for each node that comes next, two spaces further to
# the right. How often will the node of ``s`` be printed, and how many such nodes are there?

# %% zh 15d56e: 一个张量用在两处
# 令:math:`s = w x`，:math:`z = s \sin s`，这样``s``就用在了两个地方。函数``show``先打印一个节点，
# 再往右缩进两个空格，对接下来的每个节点做同样的事。``s``的节点会被打印几次？这样的节点一共有几个？


# %% predict
def show(node, indent=""):
    print(indent + node.name())
    for following, _ in node.next_functions:
        if following is not None:
            show(following, indent + "  ")


w = torch.tensor(2.0, requires_grad=True)
x = torch.tensor(0.5, requires_grad=True)
s = w * x
z = torch.sin(s) * s
show(z.grad_fn)

(sine, _), (direct, _) = z.grad_fn.next_functions
print(sine.next_functions[0][0] is direct)

# %% check
assert z.grad_fn.name() == "MulBackward0"
assert sine.name() == "SinBackward0"
assert direct is s.grad_fn and sine.next_functions == ((direct, 0),)
assert direct.name() == "MulBackward0"
ends = [end.variable for end, _ in direct.next_functions]
assert ends[0] is w and ends[1] is x and len(ends) == 2
assert abs(z.item() - 0.8414710) < 1e-6
changed = w * x
torch.sin(changed)
node_before = changed.grad_fn
changed.add_(1)
assert changed.grad_fn is not node_before

# %% en
# It is printed twice, because two paths lead to it, but both lines show one and the same object. So
# the eight lines stand for only five nodes. The graph is no tree; mathematicians call it a directed
# acyclic graph: paths may part and meet again, but none leads round in a circle.

# %% zh eb2c7d
# 这个节点被打印了两次，因为有两条路径通向它；但这两行其实是同一个对象，所以八行输出只对应五个节点。
# 可见计算图并不是树，数学上把它叫作有向无环图（directed acyclic graph）：路径可以分开，
# 也可以再汇合，但不会绕回原处。

# %% en: Where two paths meet
# What happens on the way back where they meet? Here :math:`s = 1`. The product :math:`s \sin s`
# sends :math:`\sin 1 \approx 0.84` to ``s`` directly, and the sine sends it
# :math:`\cos 1 \approx 0.54`. A picture of the graph follows again; its buttons show the values,
# then each :math:`\bar{g}`.
#
# To look on, hand the node of ``s`` a **hook**: a function that the node calls just before it runs,
# with a tuple of the gradients that have arrived. Ours appends the tuple to a list. How many tuples
# will the list hold after ``backward``, and which numbers?

# %% zh 835b41: 路径交汇的地方
# 往回走时，在两条路径交汇的地方会发生什么？这里:math:`s = 1`。乘积:math:`s \sin s`把
# :math:`\sin 1 \approx 0.84`直接送给``s``，正弦那边送来的是:math:`\cos 1 \approx 0.54`。
# 输出后面还有一张计算图，用按钮可以先看数值，再看每个:math:`\bar{g}`。
#
# 想看个究竟，可以在``s``的节点上登记一个**钩子**（hook）。钩子是一个函数，
# 节点每次运行之前都会调用它，并传入一个元组，里面是到达的梯度。我们的钩子把元组存进列表。
# ``backward``之后，列表里会有几个元组，其中是什么数？

# %% predict
# sphinx_gallery_graph = "z: steps"
arrived = []
s.grad_fn.register_prehook(arrived.append)
z.backward()
print(arrived)

# %% check
assert len(arrived) == len(arrived[0]) == 1
assert abs(arrived[0][0].item() - 1.381773) < 1e-5
assert abs(w.grad.item() - 0.5 * 1.381773) < 1e-5
assert abs(x.grad.item() - 2 * 1.381773) < 1e-5

# %% en
# One tuple, and in it the sum 1.38. The gradients were added as they came in, and when both were
# there, the node ran once. The chain rule asks for just this: a sum over all paths. In the picture
# you can see it come about: the values appear from the leaves down, then each :math:`\bar{g}` from
# the result up, and in the end ``grad`` stands in the leaves.

# %% zh d6a647
# 只有一个元组，里面是两数之和 1.38。梯度随到随加，等两份都到齐了，节点才运行，而且只运行一次。
# 链式法则说的正是这件事：对所有路径求和。在图上可以看到整个过程：数值先从叶子张量往下依次出现，
# 然后每个:math:`\bar{g}`从结果往上依次出现，最后在叶子张量里写上``grad``。

# %% en: Remember
# - ``grad_fn`` is the node behind a result. It is a function from the gradient that arrives to the
#   gradients that it sends on.
# - ``next_functions`` says where they go; ``None`` stands where no gradient is needed.
# - ``AccumulateGrad``, where a path ends, adds what arrives to the ``grad`` of a leaf tensor.
# - A tensor that is used twice, unchanged in between, has one node: what arrives there is added
#   before the node runs.

# %% zh 73fb23: 要点
# - ``grad_fn``是结果背后的节点。节点是函数：传入到达的梯度，返回继续往回传的梯度。
# - ``next_functions``说明这些梯度的去向；不需要梯度的地方是``None``。
# - 路径的终点是``AccumulateGrad``，它把到达的梯度加到叶子张量的``grad``上。
# - 一个张量被用了两次，其间没有改动过，节点就只有一个：到达那里的梯度先相加，节点再运行。

# %% en: Exercise: be the backward pass
# Without ``backward``, find the gradient of ``out`` with respect to ``a``: start with
# ``torch.tensor(1.0)`` and call the nodes of ``out``, ``d``, ``c`` and ``b`` one after the other,
# each with what the one before returned. A node with two pairs returns a tuple of two. You should
# arrive at :math:`\tfrac{2}{3} \sin a \cos a`.

# %% zh 8d2677: 练习：自己做一遍反向传播
# 不用``backward``，亲手做一遍反向传播（backward pass），求出``out``关于``a``的梯度：
# 从``torch.tensor(1.0)``开始，依次调用``out``、``d``、``c``和``b``的节点，
# 每次传入前一个节点的返回值。有两对值的节点，返回的是由两个值组成的元组。
# 最后应该得到:math:`\tfrac{2}{3} \sin a \cos a`。

# %% solution
g = out.grad_fn(torch.tensor(1.0))
g, _ = d.grad_fn(g)
g = c.grad_fn(g)
g = b.grad_fn(g)
expected = 2 / 3 * torch.sin(a) * torch.cos(a)
torch.testing.assert_close(g, expected)

# %% en: Exercise: which leaves a result reaches
# Write ``leaves(node)``, which returns a set of the leaf tensors at the ends of all paths
# from ``node``. (A set may hold tensors; it tells them apart as objects, not by their numbers.)
# Try it on :math:`(w x - t)^2`, where ``w`` and ``x`` are those of this page and ``t`` requires no
# gradient. Which of the three are in the set?

# %% zh fba866: 练习：一个结果通向哪些叶子张量
# 写一个函数``leaves(node)``，从``node``出发走遍所有路径，返回终点处全部叶子张量的集合。
# （集合里可以放张量，区分它们时看是不是同一个对象，不看里面的数。）
# 用:math:`(w x - t)^2`试一试，其中``w``和``x``就是本页的张量，``t``不需要梯度。
# 三者之中，哪些在集合里？


# %% solution
def leaves(node):
    if not node.next_functions:
        return {node.variable}
    found = set()
    for following, _ in node.next_functions:
        if following is not None:
            found |= leaves(following)
    return found


t = torch.tensor(5.0)
loss = (w * x - t) ** 2
assert leaves(loss.grad_fn) == {w, x}

# %% en: Where next
# :ref:`where-gradients-are-kept` asks which of the tensors on the way hold a gradient afterwards,
# :ref:`graphs-are-built-by-running` how nodes come into being. To draw the graph of your own code,
# see :ref:`graph`.

# %% zh dbffd9: 接下来
# 反向传播做完之后，途中哪些张量还留着梯度？见:ref:`where-gradients-are-kept`。节点又是怎样产生的？
# 见:ref:`graphs-are-built-by-running`。想画出自己代码的计算图，见:ref:`graph`。
