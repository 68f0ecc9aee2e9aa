# %% about
# level: intermediate
# tags: Tensor.grad_fn, next_functions, Tensor.backward, Tensor.requires_grad

# %% en: Graphs are built by running
# A function with an ``if``, a ``for`` or a call to itself: after this page you can say which graph
# it leaves behind, and which gradient comes out of it.
#
# It builds on :ref:`read-the-graph`, where you met the nodes and followed ``next_functions`` from a
# result back to a leaf tensor. The helper ``trail`` does that walk: from node to node it takes the
# first input, and it returns the names on the way, without the ``AccumulateGrad`` at the end. It is
# meant for functions like those below, in which the way along the first inputs meets each node.

# %% zh 95f864: 计算图是跑出来的
# 函数里可以有``if``、``for``，也可以调用自己。这样的函数跑完之后会留下怎样的计算图（computational graph），
# 由此又会得到怎样的梯度（gradient），读到最后你都能自己说出来。
#
# 请先读:ref:`read-the-graph`，在那里你认识了节点（node），还沿着``next_functions``从结果一路走回
# 叶子张量（leaf tensor）。下面的``trail``做的就是这件事：从一个节点走到下一个，每次都走向第一个输入，
# 最后返回沿途各节点的名字，不包括末端的``AccumulateGrad``。这个函数是专为下面的例子写的，
# 在这些例子里，沿着第一个输入走就能遇到每一个节点。

# %%
import matplotlib.pyplot as plt
import torch

device = torch.accelerator.current_accelerator(check_available=True)
torch.set_default_device(device or "cpu")


def trail(result):
    node, names = result.grad_fn, []
    while node.next_functions:
        names.append(node.name())
        node = node.next_functions[0][0]
    return names


# %% en: A function with two branches
# The function ``f`` squares numbers below 1 and multiplies the others by 3. Call it at 0.5
# and at 2. ``item`` gives the Python number in a tensor of one element. Which nodes will
# ``trail`` find in each case, is there one for the ``if``, and what is the gradient?

# %% zh cbf202: 两条分支的函数
# 函数``f``遇到小于 1 的数，取它的平方；遇到其他的数，就乘以 3。分别在 0.5 和 2 处调用它。
# ``item``把单元素张量里的数取出来，变成 Python 数值。``trail``在两种情况下各会找到哪些节点？
# 其中有没有一个对应``if``？梯度又各是多少？


# %% predict
def f(x):
    if x < 1:
        return x**2
    return 3 * x


u = torch.tensor(0.5, requires_grad=True)
v = torch.tensor(2.0, requires_grad=True)
for x in (u, v):
    y = f(x)
    y.backward()
    print(trail(y), x.grad.item())

# %% check
assert (u, v) == (0.5, 2)
assert (f(u), f(v)) == (0.25, 6)
assert trail(f(u)) == ["PowBackward0"]
assert trail(f(v)) == trail(y) == ["MulBackward0"]
assert (u.grad, v.grad) == (2 * 0.5, 3)
assert not (u < 1).requires_grad

# %% en
# One node each: that of the square, ``PowBackward0``, and that of the product, ``MulBackward0``,
# but none for the ``if``. Autograd does not read your function; it takes notes while operations on
# tensors run. The comparison and the branch that did not run have left no trace, and the gradient
# is that of :math:`x^2` alone, or that of :math:`3x` alone. A graph made in this way is called
# dynamic.

# %% zh 5d8281
# 两次各有一个节点：一个是平方的``PowBackward0``，另一个是乘法的``MulBackward0``；``if``没有对应的节点。
# autograd 并不去读你的函数，它只是趁张量运算执行的时候做记录。
# 比较运算和没有执行的那条分支都没留下痕迹，所以得到的要么只是:math:`x^2`的梯度，
# 要么只是:math:`3x`的梯度。这样边运行边建立的图，叫作动态图（dynamic graph）。

# %% en: The same line many times
# Here one line of Python runs again and again. How many nodes will there be after 1, 10 and 100
# rounds?

# %% zh afc17c: 同一行代码跑很多遍
# 下面的循环里，同一行 Python 代码一遍又一遍地执行。循环 1 轮、10 轮、100 轮之后，
# 各有多少个节点？


# %% predict
def sines(x, rounds):
    for _ in range(rounds):
        x = torch.sin(x)
    return x


x = torch.tensor(1.0, requires_grad=True)
counts = [len(trail(sines(x, n))) for n in (1, 10, 100)]
print(counts)

# %% check
assert counts == [1, 10, 100]
for many in (1, 10, 100):
    assert trail(sines(x, many)) == ["SinBackward0"] * many
    saved = sines(x, many).grad_fn._saved_self
    torch.testing.assert_close(saved, sines(x, many - 1))

# %% en
# One for each time that the sine ran. The graph holds no loop: it has been unrolled. Each node also
# saves its input, because the backward pass needs the cosine of it, so the memory grows with the
# number of rounds.

# %% zh ac9d92
# 正弦运算执行了几次，就有几个节点。图里没有循环，循环已经被展开了。此外，
# 反向传播（backward pass）要用到输入的余弦，所以每个节点都保存着自己的输入；
# 轮数越多，占用的内存也就越多。

# %% en: Six results
# The tensor ``x`` requires a gradient, and ``2 * x`` has a node. Which of the five others have one?
# (``long`` turns the numbers into integers; ``ceil`` rounds up, and they stay floats.) The sum of
# all six goes through ``backward``: what will ``x.grad`` be?

# %% zh d17e91: 六个结果
# 张量``x``需要梯度，``2 * x``有节点。另外五个结果，哪些也有节点？
# （``long``把数转换成整数类型；``ceil``向上取整，得到的仍是浮点数。）
# 再把六个结果全部加起来做``backward``，``x.grad``会是什么？

# %% predict
x = torch.tensor([0.3, 2.7], requires_grad=True)
results = {
    "2 * x": 2 * x,
    "x > 1": x > 1,
    "x.long()": x.long(),
    "x.argmax()": x.argmax(),
    "torch.zeros_like(x)": torch.zeros_like(x),
    "torch.ceil(x)": torch.ceil(x),
}
for name, result in results.items():
    print(f"{name:20}", result.grad_fn and result.grad_fn.name())
sum(result.sum() for result in results.values()).backward()
print(x.grad.tolist())

# %% check
found = [r.grad_fn and r.grad_fn.name() for r in results.values()]
assert found == ["MulBackward0", *[None] * 4, "CeilBackward0"]
assert not any(r.requires_grad for r in list(results.values())[1:5])
assert x.grad.tolist() == [2, 2]
ends = torch.tensor([0.3, 1.0, 2.0], requires_grad=True)
(flat,) = torch.autograd.grad(torch.ceil(ends).sum(), ends)
assert flat.tolist() == [0, 0, 0]
whole = results["torch.ceil(x)"]
assert whole.tolist() == [1, 3] and whole.is_floating_point()

# %% en
# Only ``ceil``. Truth values, integers and positions cannot change by a little, so nothing is
# recorded for them, and ``zeros_like`` takes the shape of ``x``, not its values. ``ceil`` returns
# floating-point numbers and is recorded, but its derivative is 0 between the jumps, and autograd
# gives 0 at the jumps too: the 2 comes from ``2 * x`` alone. So a loss that depends on the weights
# through rounded values alone teaches them nothing.

# %% zh eaed4b
# 只有``ceil``。真假值、整数和位置都谈不上“变化一点点”，所以不会被记录；``zeros_like``照搬的是``x``的形状，
# 与它的值无关。``ceil``返回的是浮点数，会被记录，但它的导数在相邻两次跳跃之间是 0，
# autograd 在跳跃处给出的也是 0，所以 2 全部来自``2 * x``。
# 由此可见，如果权重（weight）对损失（loss）的影响全都要先经过取整，权重就什么也学不到。

# %% en: A function that calls itself
# Both functions compute :math:`x^n` where :math:`n` is a power of 2: the loop with :math:`n - 1`
# multiplications, the recursion by squaring a square of a square. For :math:`n = 16` the loop
# leaves 15 nodes. How many does the recursion leave, and how do the two go on up to
# :math:`n = 64`?

# %% zh c24c69: 调用自己的函数
# 下面两个函数算的都是:math:`x^n`，其中:math:`n`是 2 的幂：循环做:math:`n - 1`次乘法，
# 递归（recursion）则把平方再平方，一层套一层。:math:`n = 16`时，循环留下 15 个节点。递归会留下几个？
# 一直到:math:`n = 64`，两者又各会怎样增长？


# %% predict
# sphinx_gallery_graph = "y"
def loop(x, n):
    y = x
    for _ in range(n - 1):
        y = y * x
    return y


def recursion(x, n):
    if n == 1:
        return x
    half = recursion(x, n // 2)
    return half * half


x = torch.tensor(2.0, requires_grad=True)
sizes = [2, 4, 8, 16, 32, 64]
for power, style in ((loop, "o-"), (recursion, "s--")):
    counts = [len(trail(power(x, n))) for n in sizes]
    plt.plot(sizes, counts, style, label=power.__name__)
plt.xlabel("$n$")
plt.ylabel("len(trail(y))")
plt.legend()
plt.show()
y = recursion(x, 16)

# %% check
assert sizes == [2**k for k in range(1, 7)]
assert counts == [1, 2, 3, 4, 5, 6]
for n in sizes:
    assert trail(loop(x, n)) == ["MulBackward0"] * (n - 1)
    for power_of_x in (loop, recursion):
        (slope,) = torch.autograd.grad(power_of_x(x, n), x)
        torch.testing.assert_close(slope.item(), n * 2.0 ** (n - 1))
assert y == 2**16 and trail(y) == ["MulBackward0"] * 4

# %% en alt
# Number of nodes against :math:`n` from 2 to 64. The loop gives a straight line from 1 up to 63,
# the recursion, dashed, hardly rises: from 1 to 6.

# %% zh alt c7db32
# :math:`n`从 2 到 64 时的节点数。循环对应一条直线，从 1 升到 63；递归用虚线画出，
# 只从 1 升到 6，几乎是平的。

# %% en
# Four, one for each squaring: where the loop adds a node for each unit of :math:`n`, the recursion
# adds one for each doubling. The graphs have nodes for multiplications, none for the loop or for
# the calls of ``recursion``. Both give the gradient :math:`n x^{n-1}`, but from :math:`n = 4` on
# the recursion takes fewer steps, forward and back. In the picture of :math:`x^{16}` each product
# takes the one before it twice; the gradient comes back on both ways and is added.

# %% zh b5b599
# 四个，每次平方添一个。:math:`n`每增加一，循环就多一个节点；递归却要等指数翻一倍，才多一个。
# 图里的这些节点都来自乘法；循环本身没有节点，对``recursion``的每次调用也没有。
# 两者给出的梯度都是:math:`n x^{n-1}`，只是从:math:`n = 4`起，递归走的步数更少，前向、反向都是如此。
# 在:math:`x^{16}`的图中，每个乘积都把前一个乘积用了两次，梯度也就沿两条路回来，再相加。

# %% en: Remember
# - A graph comes from operations that ran: those of the branch taken, and of each round of a loop.
# - The condition, the loop and the call of a Python function have no nodes of their own.
# - Results of a boolean or integer type get no node. ``ceil`` of floats gets one, with gradient 0.

# %% zh 44ab4e: 要点
# - 图来自执行过的运算，包括所走分支里的运算，也包括循环每一轮里的运算。
# - 判断条件、循环和对 Python 函数的调用，本身都没有节点。
# - 布尔类型或整数类型的结果没有节点；对浮点数取``ceil``，结果有节点，但梯度为 0。

# %% en: Exercise: the absolute value by hand
# Write ``size(x)`` with an ``if`` that returns ``-x`` below 0 and ``x`` otherwise. Say which
# gradient it has at -2, 0 and 3, then compare with ``torch.abs``. (``backward`` adds to a ``grad``
# that is there: set it to ``None`` in between.) Where do the two differ? Which branch has run
# there, and which function of :math:`x` does the gradient of ``torch.abs`` follow?

# %% zh cbc8dd: 练习：手写绝对值
# 用``if``写一个``size(x)``：小于 0 时返回``-x``，否则返回``x``。先推测它在 -2、0 和 3 处的梯度，
# 再和``torch.abs``比较。（``backward``会往``grad``已有的值上累加，所以两次之间要把它设为``None``。）
# 两者在哪一点不同？这时执行的是哪条分支？``torch.abs``的梯度又等于:math:`x`的什么函数？


# %% solution
def size(x):
    return -x if x < 0 else x


x = torch.tensor([-2.0, 0.0, 3.0], requires_grad=True)
by_hand = torch.stack([size(number) for number in x])
by_hand.sum().backward()
print(x.grad.tolist())
assert x.grad.tolist() == [-1, 1, 1]
assert size(x[1]).grad_fn.name() == "SelectBackward0"

x.grad = None
torch.abs(x).sum().backward()
print(x.grad.tolist(), torch.sign(x).tolist())
assert x.grad.tolist() == torch.sign(x).tolist() == [-1, 0, 1]

# %% en: Exercise: odd exponents
# Extend ``recursion`` to all whole numbers from 1 on: for an odd :math:`n`, return
# ``half * half * x``. (The ``x`` stands last because ``trail`` takes first inputs.) How many nodes
# does :math:`x^{15}` leave then, and how many with ``loop``?

# %% zh c2d5e6: 练习：奇数次幂
# 把``recursion``推广到从 1 开始的所有整数：:math:`n`是奇数时，返回``half * half * x``。
# （``x``写在最后，因为``trail``每次都走向第一个输入。）
# 这样算:math:`x^{15}`会留下多少个节点？用``loop``呢？


# %% solution
def by_squaring(x, n):
    if n == 1:
        return x
    half = by_squaring(x, n // 2)
    return half * half * x if n % 2 else half * half


x = torch.tensor(2.0, requires_grad=True)
y = by_squaring(x, 15)
print(y.item(), len(trail(y)), len(trail(loop(x, 15))))
assert y == 2**15
assert (len(trail(y)), len(trail(loop(x, 15)))) == (6, 14)

# %% en: Where next
# :ref:`differentiate-a-loop` lets the data decide how long a loop runs.
# :ref:`keep-or-free-the-graph` says how long a graph lives once it is built.

# %% zh 711b1a: 接下来
# 如果循环跑多久由数据决定，求导会怎样？见:ref:`differentiate-a-loop`。
# 图建好之后能留多久？见:ref:`keep-or-free-the-graph`。
