# %% about
# level: advanced
# minutes: 35
# tags: torch.autograd.functional, torch.func, jacobian, hessian, jvp, vmap

# %% en: Jacobians and Hessians
# After this page you can compute a Jacobian or a Hessian with one call, multiply it by a vector
# without building it, and pick the cheap way to do either.
#
# Start with a function of two inputs, :math:`2e^x + 3y`. Its partial derivatives are :math:`2e^x`
# and 3. At :math:`x = 0` that makes 2 and 3, whatever :math:`y` is. The function
# ``torch.autograd.functional.jacobian`` takes a function and its inputs; for a tuple of inputs it
# returns a tuple with one Jacobian per input.

# %% zh f61ca8: 雅可比矩阵与海森矩阵
# 读完这一页，你只需调用一次就能算出雅可比矩阵或海森矩阵，不构造矩阵也能求出它与向量的乘积，
# 还知道这两件事怎样做代价更低。
#
# 先看有两个输入的函数:math:`2e^x + 3y`。它的偏导数是:math:`2e^x`和 3。
# 在:math:`x = 0`处就是 2 和 3，与:math:`y`无关。
# ``torch.autograd.functional.jacobian``接收函数和它的输入；输入是元组时，返回的也是元组，
# 每个输入对应一个雅可比矩阵。

# %%
import textwrap
import warnings
from itertools import pairwise

import matplotlib.pyplot as plt
import torch
from torch.autograd import functional
from torch.utils.flop_counter import FlopCounterMode

plt.rc("figure", figsize=(5, 3.5), autolayout=True)
torch.set_default_device("cuda" if torch.cuda.is_available() else "cpu")


def exp_adder(x, y):
    return 2 * x.exp() + 3 * y


x, y = torch.tensor([0.0]), torch.tensor([5.0])
blocks = functional.jacobian(exp_adder, (x, y))
print(blocks)

torch.testing.assert_close(blocks, (torch.tensor([[2.0]]), torch.tensor([[3.0]])))

# %% en: Three elements
# Now give each input three elements. Rows are outputs and columns are inputs, as in
# :ref:`vector-jacobian-product`. Output :math:`i` depends on :math:`x_i` and :math:`y_i` only.
# What do the two blocks look like?

# %% zh 459f0a: 三个元素
# 现在让每个输入都有三个元素。行是输出，列是输入，与:ref:`vector-jacobian-product`里的约定相同。
# 第:math:`i`个输出只依赖:math:`x_i`和:math:`y_i`。返回的两块矩阵各是什么样子？

# %%
x, y = torch.linspace(0, 1, 3), torch.linspace(1, 2, 3)
by_x, by_y = functional.jacobian(exp_adder, (x, y))
print(by_x)
print(by_y)

torch.testing.assert_close(by_x, torch.diag(2 * x.exp()))
torch.testing.assert_close(by_y, 3 * torch.eye(3))

# %% en: The shape rule
# Side by side, the two blocks are the whole Jacobian of a function with 6 inputs and 3 outputs.
# ``jacobian`` keeps them apart because you gave the inputs apart.
#
# Each block has the shape of the output followed by the shape of the input. That also covers
# outputs and inputs that are not vectors. Predict the shape for row sums of a 2 by 3 matrix.

# %% zh 6b5ee8: 形状规则
# 两块并排，就是完整的雅可比矩阵，对应的函数有 6 个输入、3 个输出。
# 输入是分开给的，``jacobian``也就把结果分开返回。
#
# 每一块的形状，都是输出的形状后面接上输入的形状。输出或输入不是向量时也是如此。
# 先猜一猜：对一个 2 乘 3 的矩阵按行求和，雅可比矩阵是什么形状？

# %%
print(torch.cat([by_x, by_y], dim=1).shape)

row_sums = functional.jacobian(lambda X: X.sum(dim=1), torch.ones(2, 3))
print(row_sums.shape)
assert row_sums.shape == (2, 2, 3)

# %% en: A Hessian by hand
# The Hessian matrix holds all second derivatives of one number:
# :math:`H_{ij} = \partial^2 g / \partial x_i \partial x_j`. Take a function simple enough to do on
# paper:
#
# .. math::
#
#    g(x) = x_1^2 x_2 + x_2 x_3^2, \qquad
#    \nabla g = \begin{pmatrix} 2 x_1 x_2 \\ x_1^2 + x_3^2 \\ 2 x_2 x_3 \end{pmatrix}, \qquad
#    H = \begin{pmatrix} 2x_2 & 2x_1 & 0 \\ 2x_1 & 0 & 2x_3 \\ 0 & 2x_3 & 2x_2 \end{pmatrix}
#
# At :math:`(1, 2, 3)` the gradient :math:`\nabla g` is :math:`(4, 10, 12)`. What is :math:`H`
# there? The Hessian is symmetric: for a function with continuous second derivatives the order of
# differentiation does not matter.

# %% zh e1dc6b: 手算海森矩阵
# 海森矩阵由一个数的全部二阶偏导数组成：:math:`H_{ij} = \partial^2 g / \partial x_i \partial x_j`。
# 取一个在纸上就能算完的函数：
#
# .. math::
#
#    g(x) = x_1^2 x_2 + x_2 x_3^2, \qquad
#    \nabla g = \begin{pmatrix} 2 x_1 x_2 \\ x_1^2 + x_3^2 \\ 2 x_2 x_3 \end{pmatrix}, \qquad
#    H = \begin{pmatrix} 2x_2 & 2x_1 & 0 \\ 2x_1 & 0 & 2x_3 \\ 0 & 2x_3 & 2x_2 \end{pmatrix}
#
# 在点:math:`(1, 2, 3)`处，梯度:math:`\nabla g`是:math:`(4, 10, 12)`。这一点的:math:`H`是什么？
# 海森矩阵是对称的：只要二阶偏导数连续，求导的先后次序就无关紧要。


# %%
def g(x):
    return x[0] ** 2 * x[1] + x[1] * x[2] ** 2


x = torch.tensor([1.0, 2.0, 3.0])
H = functional.hessian(g, x)
print(H)

by_hand = torch.tensor([[4.0, 2.0, 0.0], [2.0, 0.0, 6.0], [0.0, 6.0, 4.0]])
torch.testing.assert_close(H, by_hand)
torch.testing.assert_close(H, H.T)

# %% en: The Jacobian of the gradient
# A gradient is a function of :math:`x` with as many outputs as inputs. Its Jacobian is the Hessian.
# To differentiate a gradient, autograd must record how it was computed: that is what
# ``create_graph=True`` asks for.

# %% zh 480ece: 梯度的雅可比矩阵
# 梯度本身也是:math:`x`的函数，输出与输入一样多。它的雅可比矩阵就是海森矩阵。
# 要对梯度再求导，autograd 就必须把计算梯度的过程也记录下来，这正是``create_graph=True``的作用。


# %%
def gradient(x):
    return torch.autograd.grad(g(x), x, create_graph=True)[0]


print(gradient(x.clone().requires_grad_()))
torch.testing.assert_close(functional.jacobian(gradient, x), H)

# %% en: One number, or an error
# ``hessian`` needs a function that returns a single element. For three outputs there are three
# Hessians, and the function refuses to choose.

# %% zh e2388e: 输出只能是一个数
# ``hessian``要求函数只返回一个元素。有三个输出就有三个海森矩阵，它不会替你选，而是报错。

# %%
try:
    functional.hessian(exp_adder, (x, x))
except RuntimeError as error:
    print(textwrap.fill(str(error), 72))
    assert "single element" in str(error)
else:
    raise AssertionError

# %% en
# Sum the outputs, and there is one number again. With two inputs the Hessian comes as a table of
# blocks: block :math:`(i, j)` differentiates by input :math:`i` and by input :math:`j`. In
# ``exp_adder`` only :math:`x` enters nonlinearly. Which of the four blocks is not zero?

# %% zh 296d8f
# 把各个输出加起来，就又只有一个数了。有两个输入时，得到的海森矩阵是一张由分块组成的表：
# 第:math:`(i, j)`块对第:math:`i`个输入和第:math:`j`个输入各求一次导。
# ``exp_adder``只对:math:`x`是非线性的。四块当中，哪一块不为零？

# %%
x3, y3 = torch.linspace(0, 1, 3), torch.linspace(1, 2, 3)
(xx, xy), (yx, yy) = functional.hessian(lambda x, y: exp_adder(x, y).sum(), (x3, y3))
print(xx)

torch.testing.assert_close(xx, torch.diag(2 * x3.exp()))
assert not xy.any() and not yx.any() and not yy.any()

# %% en: From the left: vjp
# Most uses need a Jacobian only to multiply it by a vector. Take the function of
# :ref:`vector-jacobian-product`, from 3 inputs to 2 outputs. ``vjp`` multiplies from the left:
# :math:`v^\top J` is a weighted sum of *rows*, so ``v`` has one entry per output and the product
# one per input. It returns the pair of output and product.

# %% zh dc25df: 从左边乘：vjp
# 多数时候，用到雅可比矩阵只是为了让它与向量相乘。沿用:ref:`vector-jacobian-product`里的函数，
# 它有 3 个输入、2 个输出。``vjp``从左边乘：:math:`v^\top J`把各*行*加权相加，
# 所以``v``的每一项对应一个输出，乘积的每一项对应一个输入。调用后同时返回输出和乘积。


# %%
def f(x):
    return torch.stack([x[0] * x[1], x[1] + x[2] ** 2])


J = functional.jacobian(f, x)
print(J)

v = torch.tensor([1.0, 10.0])
output, product = functional.vjp(f, x, v)
print(product)
torch.testing.assert_close(output, f(x))
torch.testing.assert_close(product, v @ J)

# %% en: From the right: jvp
# ``jvp`` multiplies from the right: :math:`J u` is a weighted sum of *columns*, so ``u`` has one
# entry per input and the product one per output. It says how the output moves when the input moves
# along ``u``.
#
# These are two different operations. You cannot turn one into the other by swapping the operands,
# because the two vectors do not even have the same size. Hand each function the other's vector and
# both refuse.

# %% zh 7fffe3: 从右边乘：jvp
# ``jvp``从右边乘：:math:`J u`把各*列*加权相加，所以``u``的每一项对应一个输入，
# 乘积的每一项对应一个输出。这个乘积表示：输入沿``u``移动时，输出怎样变化。
#
# 这是两种不同的运算。交换操作数并不能把一种变成另一种，因为两个向量连大小都不一样。
# 把两个向量对调，两边都会报错。

# %%
u = torch.tensor([1.0, 1.0, 0.0])
_, product = functional.jvp(f, x, u)
print(product)
torch.testing.assert_close(product, J @ u)

for operation, wrong in ((functional.vjp, u), (functional.jvp, v)):
    try:
        operation(f, x, wrong)
    except RuntimeError as error:
        print(error)
        assert "invalid size" in str(error)
    else:
        raise AssertionError

# %% en: Hessian times vector: vhp and hvp
# A Hessian is square, so here both vectors do have the same size. ``vhp`` computes :math:`v^\top H`
# and ``hvp`` computes :math:`H v`. Because :math:`H` is symmetric, the numbers are equal.

# %% zh 73c6f6: 海森矩阵与向量的乘积：vhp 和 hvp
# 海森矩阵是方阵，所以这一次两个向量的大小相同。``vhp``计算:math:`v^\top H`，
# ``hvp``计算:math:`H v`。由于:math:`H`对称，两者的数值相等。

# %%
direction = torch.tensor([1.0, 0.0, -1.0])
_, from_left = functional.vhp(g, x, direction)
_, from_right = functional.hvp(g, x, direction)
print(from_left, from_right)

torch.testing.assert_close(from_left, direction @ H)
torch.testing.assert_close(from_right, H @ direction)

# %% en: What they cost
# The numbers are equal, the work is not. ``vhp`` needs one more backward pass, through the
# gradient. ``hvp`` must multiply from the right, but a backward pass (reverse mode) multiplies only
# from the left. It takes yet another backward pass, so PyTorch recommends ``vhp`` (see the
# `documentation <https://docs.pytorch.org/docs/stable/generated/torch.autograd.functional.hvp.html>`__).
#
# Times differ from run to run, counts do not: ``FlopCounterMode`` counts the floating-point
# operations (FLOPs) in matrix products. The unit is one evaluation of a loss with :math:`n` inputs.
# Which of ``vjp`` (here the gradient), ``vhp``, ``hvp`` and ``hessian`` will grow with :math:`n`?

# %% zh e27e5c: 各自的代价
# 数值相等，计算量却不同。``vhp``只要沿着求梯度的过程再反向传播一次。``hvp``要从右边乘，
# 而反向传播（反向模式）只能从左边乘，于是还得再多反向传播一次。所以 PyTorch 建议用``vhp``（见
# `文档 <https://docs.pytorch.org/docs/stable/generated/torch.autograd.functional.hvp.html>`__）。
#
# 耗时每次运行都不同，运算次数却不变：``FlopCounterMode``统计矩阵乘法里的浮点运算次数（FLOPs）。
# 取一个有:math:`n`个输入的损失，以求值一次的运算量为单位。``vjp``（这里就是求梯度）、``vhp``、
# ``hvp``和``hessian``当中，哪些的代价会随:math:`n`增长？


# %%
def loss(x):
    n = len(x)
    W = torch.cos(torch.arange(n * n)).reshape(n, n)
    return (torch.tanh(x.unsqueeze(0) @ W) @ W).square().sum()


def flops(function, *args):
    with FlopCounterMode(display=False) as counter:
        function(*args)
    return counter.get_total_flops()


sizes = [2, 4, 8, 16, 32]
costs = {"vjp": [], "vhp": [], "hvp": [], "hessian": []}
for n in sizes:
    point, w = torch.linspace(0, 1, n), torch.ones(n)
    unit = flops(loss, point)
    costs["vjp"].append(flops(functional.vjp, loss, point) / unit)
    costs["vhp"].append(flops(functional.vhp, loss, point, w) / unit)
    costs["hvp"].append(flops(functional.hvp, loss, point, w) / unit)
    costs["hessian"].append(flops(functional.hessian, loss, point) / unit)

for marker, (name, cost) in zip("os^D", costs.items(), strict=True):
    print(name, cost)
    plt.plot(sizes, cost, marker=marker, label=name)
plt.xlabel("$n$")
plt.ylabel("FLOPs / FLOPs(loss)")
plt.legend()
plt.show()

# %% en alt
# Cost against :math:`n` from 2 to 32. ``vjp``, ``vhp`` and ``hvp`` are three flat lines, at 2, 4
# and 6 evaluations of the loss; ``hessian`` climbs in a straight line to 66.

# %% zh alt 94b16c
# :math:`n`从 2 增加到 32 时的代价。``vjp``、``vhp``和``hvp``是三条水平线，分别相当于 2、4、
# 6 次损失求值；``hessian``沿直线升到 66。

# %%
assert all(costs["vjp"][0] == cost == 2 for cost in costs["vjp"])
assert all(cost == 4 for cost in costs["vhp"])
assert all(cost == 6 for cost in costs["hvp"])
assert costs["hessian"] == [2 * n + 2 for n in sizes]

# %% en
# The gradient costs 2 evaluations, one forward and one backward (``vjp`` of a scalar needs no
# vector), ``vhp`` 4 and ``hvp`` 6, however large :math:`n` is. The whole Hessian costs
# :math:`2n + 2`: the gradient once, then 2 for each of its :math:`n` rows. So for one product never
# build :math:`H`, and with ``functional`` prefer ``vhp``.
#
# The exact factors belong to this loss, whose :math:`W` needs no gradient. In general, a
# product takes a number of evaluations that does not depend on :math:`n`; for the whole Hessian the
# number grows with :math:`n`.

# %% zh 360ce4
# 求梯度相当于 2 次求值，一次前向，一次反向（对标量用``vjp``时不必给向量）；``vhp``是 4 次，
# ``hvp``是 6 次，与:math:`n`的大小无关。求整个海森矩阵要:math:`2n + 2`次：先算一次梯度，
# 再算:math:`n`行，每行 2 次。所以只要一个乘积时，不必构造:math:`H`；用``functional``时，
# 优先选``vhp``。
#
# 具体的倍数是这个损失特有的，因为其中的:math:`W`不需要梯度。普遍成立的是：
# 求一次乘积所需的求值次数与:math:`n`无关，求整个海森矩阵所需的次数则随:math:`n`增长。

# %% en: Two options: ``create_graph`` and ``vectorize``
# By default the functions above cut their results off from the graph. With ``create_graph=True``
# you can differentiate the result again, for instance when a loss contains the squared entries of a
# Jacobian. For our :math:`f` the sum of squares is :math:`x_2^2 + x_1^2 + 1 + 4x_3^2`. Its gradient
# at :math:`(1, 2, 3)` should be :math:`(2, 4, 24)`.
#
# ``vectorize=True`` runs all rows as one batch instead of one after the other. The result is the
# same; its documentation calls it experimental.

# %% zh 86e7a3: 两个选项：``create_graph``和``vectorize``
# 默认情况下，上面这些函数返回的结果不带计算图。设``create_graph=True``之后，可以对结果继续求导，
# 例如损失里含有雅可比矩阵各元素的平方时就要这样做。对前面的:math:`f`，
# 各元素的平方和是:math:`x_2^2 + x_1^2 + 1 + 4x_3^2`，
# 它在:math:`(1, 2, 3)`处的梯度应该是:math:`(2, 4, 24)`。
#
# 设``vectorize=True``，所有行会合成一批来算，不再逐行计算。结果相同；文档把它标为实验性功能。

# %%
x.requires_grad_()
assert not functional.jacobian(f, x).requires_grad

penalty = functional.jacobian(f, x, create_graph=True).square().sum()
penalty.backward()
print(x.grad)
torch.testing.assert_close(x.grad, torch.tensor([2.0, 4.0, 24.0]))

x = x.detach()
torch.testing.assert_close(functional.jacobian(f, x, vectorize=True), J)

# %% en: torch.func: functions from functions
# ``torch.func`` is the newer interface. Most of its members take a function and *return a
# function*: ``torch.func.grad(g)`` is :math:`\nabla g`, ready to be called, or to be differentiated
# again.
#
# ``torch.func`` also has a true forward mode: it carries the derivative along with the value, from
# inputs to outputs, and so computes :math:`J u` in the same sweep that computes :math:`f(x)`.
# (``functional.jvp`` obtains the same numbers by going backward twice.) The first use of forward
# mode makes PyTorch load old parts of itself, and recent versions warn about those. The warning
# does not concern your code, so the cell silences it once.

# %% zh eb3dc8: torch.func：由函数得到函数
# ``torch.func``是较新的接口。其中的函数大多接收一个函数，*返回的也是函数*：
# ``torch.func.grad(g)``就是:math:`\nabla g`，可以直接调用，也可以继续求导。
#
# ``torch.func``还有真正的前向模式：导数与数值一起从输入传到输出，
# 计算:math:`f(x)`的同一趟里就得到:math:`J u`。（``functional.jvp``靠反向传播两次得到同样的数。）
# 第一次使用前向模式时，PyTorch 会加载自身的一些旧代码，较新的版本会为此发出警告。
# 这个警告与你的代码无关，所以下面把它屏蔽一次。

# %%
print(torch.func.grad(g)(x))
torch.testing.assert_close(torch.func.grad(g)(x), torch.tensor([4.0, 10.0, 12.0]))

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)
    output, tangent = torch.func.jvp(f, (x,), (u,))
print(tangent)
torch.testing.assert_close(tangent, J @ u)

# %% en: jacrev and jacfwd
# There are two ways to a whole Jacobian. ``jacrev`` computes it row by row in reverse mode,
# ``jacfwd`` column by column in forward mode. The matrix is the same.
#
# By default both differentiate by the first argument only; ``argnums`` asks for others.

# %% zh 7c1ff2: jacrev 和 jacfwd
# 求整个雅可比矩阵有两种办法。``jacrev``用反向模式逐行计算，``jacfwd``用前向模式逐列计算。
# 得到的矩阵相同。
#
# 默认情况下，两者都只对第一个参数求导；想对别的参数求导，就用``argnums``指定。

# %%
torch.testing.assert_close(torch.func.jacrev(f)(x), J)
torch.testing.assert_close(torch.func.jacfwd(f)(x), J)

first_only = torch.func.jacrev(exp_adder)(x3, y3)
both = torch.func.jacrev(exp_adder, argnums=(0, 1))(x3, y3)
print(first_only.shape, len(both))
torch.testing.assert_close(both, (by_x, by_y))

# %% en: Tall or wide
# One reverse pass gives one row, one forward pass one column. A tall Jacobian (few inputs, many
# outputs) has few columns; a wide one has few rows. Which way is cheaper for a matrix of 64 by 2,
# and which for 2 by 64? Predict, then count as before, in evaluations of the function.

# %% zh fb305c: 高矩阵与宽矩阵
# 反向一趟得一行，前向一趟得一列。雅可比矩阵若高而窄（输入少、输出多），列就少；若矮而宽，行就少。
# 对 64 乘 2 和 2 乘 64 的矩阵，分别是哪种方法代价更低？先猜，再像刚才那样计数，以函数求值一次为单位。


# %%
def network(n, m, hidden=16):
    first, second = torch.ones(n, hidden) / n, torch.ones(hidden, m)
    return lambda x: (torch.tanh(x.unsqueeze(0) @ first) @ second).squeeze(0)


def evaluations(transform, n, m):
    function, point = network(n, m), torch.ones(n)
    return flops(transform(function), point) / flops(function, point)


tall = [evaluations(way, n=2, m=64) for way in (torch.func.jacrev, torch.func.jacfwd)]
wide = [evaluations(way, n=64, m=2) for way in (torch.func.jacrev, torch.func.jacfwd)]
print("jacrev, jacfwd")
print("64 x 2", tall)
print("2 x 64", wide)

assert tall[0] == 65 and wide[0] == 3
assert tall[1] < 10 and wide[1] > 60

# %% en
# ``jacrev`` needs one evaluation and then one pass per output: 65 for the tall matrix, 3 for the
# wide one. ``jacfwd`` needs one pass per input, so for it the tall matrix is the cheap one. A loss
# is the widest case of all, a single row: this is why training uses reverse mode.
#
# Both run their passes as one batch. When that batch does not fit in memory, ``chunk_size`` lets
# ``jacrev`` work through the rows in portions.

# %% zh ccc8bd
# ``jacrev``先求值一次，再为每个输出反向一趟：高矩阵要 65 次，宽矩阵只要 3 次。
# ``jacfwd``为每个输入前向一趟，代价低的反而是高矩阵。
# 损失的雅可比矩阵只有一行，是最宽的情形，所以训练用反向模式。
#
# 两者都把各趟合成一批来算。如果内存放不下这一批，可以用``chunk_size``让``jacrev``分批处理各行。

# %%
in_portions = torch.func.jacrev(f, chunk_size=1)(x)
torch.testing.assert_close(in_portions, J)

# %% en: vjp returns a function
# ``torch.func.jvp`` returned its product at once: forward mode needs the vector before it starts.
# ``torch.func.vjp`` returns the output and a *function* of ``v``. Evaluate :math:`f` once, then
# multiply as often as you like.

# %% zh 65ff93: vjp 返回的是函数
# 前面的``torch.func.jvp``直接返回乘积：前向模式在开始计算之前就需要向量。
# ``torch.func.vjp``返回的则是输出，以及以``v``为自变量的*函数*。:math:`f`只求值一次，
# 之后想乘几次都行。

# %%
output, pullback = torch.func.vjp(f, x)
(product,) = pullback(v)
print(product)
torch.testing.assert_close(product, v @ J)

# %% en: vmap: one more dimension
# ``vmap`` turns a function of one vector into a function of a batch of vectors. Feed ``pullback``
# every one-hot vector and you have built ``jacrev`` yourself. Or give ``hessian`` a batch of
# points: one Hessian per row, no loop.

# %% zh d1d520: vmap：多一个维度
# ``vmap``把处理单个向量的函数变成处理一批向量的函数。把所有独热向量交给``pullback``，
# 就等于自己实现了``jacrev``。也可以把一批点交给``hessian``：每行一个海森矩阵，不用写循环。

# %%
(rows,) = torch.func.vmap(pullback)(torch.eye(2))
torch.testing.assert_close(rows, J)

points = torch.arange(12.0).reshape(4, 3)
hessians = torch.func.vmap(torch.func.hessian(g))(points)
print(hessians.shape)
for point, matrix in zip(points, hessians, strict=True):
    torch.testing.assert_close(matrix, functional.hessian(g, point))

# %% en: Forward over reverse
# The Hessian is the Jacobian of the gradient, and ``torch.func`` lets you write exactly that.
# ``torch.func.hessian`` is ``jacfwd`` of ``jacrev``: reverse mode for the gradient, since there is
# one output; then forward mode through it.
#
# Unlike ``functional.hessian`` it accepts functions with several outputs: :math:`f` has two, and
# you get two Hessians, stacked.

# %% zh e0f5d1: 前向套反向
# 海森矩阵就是梯度的雅可比矩阵，用``torch.func``可以照这句话直接写出来。
# ``torch.func.hessian``就是``jacfwd``套``jacrev``：求梯度用反向模式，因为输出只有一个；
# 再用前向模式对这个梯度求导。
#
# 与``functional.hessian``不同，它接受有多个输出的函数：:math:`f`有两个输出，
# 于是得到两个海森矩阵，叠成一个张量。

# %%
torch.testing.assert_close(torch.func.hessian(g)(x), H)
torch.testing.assert_close(torch.func.jacfwd(torch.func.jacrev(g))(x), H)
torch.testing.assert_close(torch.func.jacfwd(torch.func.grad(g))(x), H)

stacked = torch.func.hessian(f)(x)
print(stacked.shape)
torch.testing.assert_close(stacked[1], torch.diag(torch.tensor([0.0, 0.0, 2.0])))

# %% en: A Hessian too large to build
# :math:`H w` says how the gradient changes when :math:`x` moves along :math:`w`. So it is the
# ``jvp`` of the gradient. The ``vjp`` of the gradient is :math:`w^\top H`, the same by symmetry.
# The idea is due to `Pearlmutter <https://doi.org/10.1162/neco.1994.6.1.147>`__.
#
# Below, :math:`x` has a thousand elements and :math:`H` would have a million. A difference of two
# gradients checks the answer. The last lines count again: for ``loss`` with 8 inputs the product
# takes as many evaluations as with 32.

# %% zh 2a0b18: 海森矩阵太大时
# :math:`H w`表示:math:`x`沿:math:`w`移动时梯度怎样变化，所以它就是梯度函数的``jvp``。
# 梯度函数的``vjp``则是:math:`w^\top H`；由于对称，两者相同。
# 这个想法出自`Pearlmutter <https://doi.org/10.1162/neco.1994.6.1.147>`__。
#
# 下面的:math:`x`有一千个元素，:math:`H`若构造出来会有一百万个。用两个梯度之差来检验答案。
# 最后几行再次计数：``loss``的输入无论是 8 个还是 32 个，求乘积所需的求值次数都一样。


# %%
def rosenbrock(x):
    return (100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2).sum()


gradient = torch.func.grad(rosenbrock)
start = torch.linspace(-1, 1, 1000, dtype=torch.float64)
w = torch.cos(torch.arange(1000, dtype=torch.float64))

_, forward_over_reverse = torch.func.jvp(gradient, (start,), (w,))
_, pullback = torch.func.vjp(gradient, start)
(reverse_over_reverse,) = pullback(w)

eps = 1e-5
numeric = (gradient(start + eps * w) - gradient(start - eps * w)) / (2 * eps)
torch.testing.assert_close(forward_over_reverse, reverse_over_reverse)
torch.testing.assert_close(forward_over_reverse, numeric, rtol=1e-5, atol=1e-4)


def hvp_flops(n):
    point, w = torch.linspace(0, 1, n), torch.ones(n)
    return flops(torch.func.jvp, torch.func.grad(loss), (point,), (w,)) / flops(loss, point)


print(hvp_flops(8), hvp_flops(32))
assert hvp_flops(8) == hvp_flops(32)

# %% en: The Hessian of a model
# The loss of a model is a function of its parameters, but an ``nn.Module`` keeps them inside.
# ``functional_call`` runs the module with a dictionary of parameters that you pass in, and so makes
# them an argument. The Hessian is then a dictionary of dictionaries of blocks; the code puts the
# blocks together as one matrix.
#
# For a linear model with mean squared error over :math:`N` samples, the Hessian is
# :math:`\frac{2}{N} A^\top A`, where :math:`A` holds the inputs and a column of ones for the bias.
# It does not depend on the parameters at all.

# %% zh c2f665: 模型的海森矩阵
# 模型的损失是模型参数的函数，但``nn.Module``把模型参数存在内部。
# ``functional_call``用你传入的模型参数字典来运行模块，模型参数就成了自变量。
# 这时海森矩阵是两层嵌套的字典，存放各个分块；代码再把它们拼成一个矩阵。
#
# 线性模型用:math:`N`个样本的均方误差作损失时，海森矩阵是:math:`\frac{2}{N} A^\top A`，
# 其中:math:`A`由输入和一列全为一的元素组成，这一列对应偏置。海森矩阵与模型参数的取值完全无关。

# %%
model = torch.nn.Linear(2, 1)
params = {name: p.detach() for name, p in model.named_parameters()}
inputs = torch.tensor([[1.0, 0.0], [1.0, 1.0], [1.0, 2.0], [0.0, 3.0]])
targets = torch.tensor([[1.0], [3.0], [3.0], [6.0]])


def model_loss(params):
    prediction = torch.func.functional_call(model, params, (inputs,))
    return (prediction - targets).square().mean()


table = torch.func.hessian(model_loss)(params)
print(table["weight"]["weight"].shape, table["weight"]["bias"].shape)

block_rows = [
    torch.cat([table[a][b].reshape(params[a].numel(), -1) for b in params], dim=1) for a in params
]
matrix = torch.cat(block_rows)
print(matrix)

A = torch.cat([inputs, torch.ones(4, 1)], dim=1)
torch.testing.assert_close(matrix, 2 / 4 * A.T @ A)

# %% en: Which of the two?
# Both interfaces compute the same numbers. They differ in use:
#
# - ``functional`` takes function and inputs together and differentiates by all inputs;
#   ``torch.func`` returns a function and differentiates by ``argnums``.
# - ``functional`` cuts its result from the graph unless you say ``create_graph=True``;
#   ``torch.func`` does not.
# - ``torch.func`` can return extra results beside the derivative, with ``has_aux=True``.
# - ``torch.func`` composes: any of its functions goes inside any other. ``functional`` does not go
#   inside them.

# %% zh b0fae1: 该选哪套接口？
# 两套接口算出的数相同，用法不同：
#
# - ``functional``同时接收函数和输入，并对所有输入求导；``torch.func``返回函数，
#   由``argnums``决定对谁求导。
# - ``functional``默认让结果脱离计算图，除非设``create_graph=True``；``torch.func``不会这样做。
# - 设``has_aux=True``，``torch.func``可以在导数之外附带返回别的结果。
# - ``torch.func``可以组合：其中的函数能任意嵌套。``functional``的函数则不能放进它们里面。

# %%
tracked = x.clone().requires_grad_()
assert not functional.jacobian(f, tracked).requires_grad
assert torch.func.jacrev(f)(tracked).requires_grad

jac, aux = torch.func.jacrev(lambda x: (f(x), x.norm()), has_aux=True)(x)
torch.testing.assert_close(jac, J)
torch.testing.assert_close(aux, x.norm())

try:
    torch.func.vmap(lambda x: functional.hessian(g, x))(points)
except RuntimeError as error:
    print(textwrap.fill(str(error), 72))
    assert "functorch transform" in str(error)
else:
    raise AssertionError

# %% en
# For a new project, start with `torch.func <https://docs.pytorch.org/docs/stable/func.html>`__.
# Functions given to it should be pure, that is, without side effects: see its
# `limitations <https://docs.pytorch.org/docs/stable/func.ux_limitations.html>`__.

# %% zh a604b1
# 新项目建议从`torch.func <https://docs.pytorch.org/docs/stable/func.html>`__开始。
# 传给它的函数应当是纯函数，也就是没有副作用，
# 详见`使用限制 <https://docs.pytorch.org/docs/stable/func.ux_limitations.html>`__。

# %% en: What a Hessian is good for: Newton's method
# Gradient descent knows the slope. Newton's method also knows how the slope changes, and jumps to
# where the gradient would vanish if the function were quadratic:
#
# .. math::
#
#    x \leftarrow x - H^{-1} \nabla \varphi(x)
#
# Take the convex function :math:`\varphi(x) = e^{x_1 + 3x_2} + e^{x_1 - x_2} - 2x_1 - 2x_2`. Its
# gradient vanishes at the origin, so that is the minimum, and the error is simply :math:`\|x\|`.
# The code solves a linear system; it does not invert the matrix.

# %% zh f6c109: 海森矩阵的用途：牛顿法
# 梯度下降只利用斜率，牛顿法还利用斜率的变化：假如函数是二次的，梯度会在哪里为零，就直接跳到哪里。
#
# .. math::
#
#    x \leftarrow x - H^{-1} \nabla \varphi(x)
#
# 取凸函数:math:`\varphi(x) = e^{x_1 + 3x_2} + e^{x_1 - x_2} - 2x_1 - 2x_2`。它的梯度在原点为零，
# 所以最小值点就在那里，误差就是:math:`\|x\|`。代码解的是线性方程组，并不求逆矩阵。


# %%
def phi(x):
    return torch.exp(x[0] + 3 * x[1]) + torch.exp(x[0] - x[1]) - 2 * x[0] - 2 * x[1]


def newton_step(x):
    return x - torch.linalg.solve(torch.func.hessian(phi)(x), torch.func.grad(phi)(x))


def descent_step(x):
    return x - 0.1 * torch.func.grad(phi)(x)


def errors(step, count):
    x = torch.tensor([1.0, -0.5], dtype=torch.float64)
    history = [x.norm().item()]
    for _ in range(count):
        x = step(x)
        history.append(x.norm().item())
    return history


newton, descent = errors(newton_step, 6), errors(descent_step, 40)
plt.semilogy(newton, marker="o", label=r"$x - H^{-1} \nabla\varphi$")
plt.semilogy(descent, label=r"$x - 0.1\, \nabla\varphi$")
plt.xlabel("$k$")
plt.ylabel(r"$\|x_k\|$")
plt.legend()
plt.show()

# %% en alt
# Error per step on a logarithmic axis. Gradient descent falls along a nearly straight line to below
# a thousandth after 40 steps; Newton's curve bends down ever more steeply and reaches rounding
# error in 6 steps.

# %% zh alt a4ccf6
# 每一步之后的误差，纵轴为对数坐标。梯度下降几乎沿直线下降，40 步之后不到千分之一；
# 牛顿法的曲线越来越陡，6 步就降到舍入误差。

# %% en
# On this axis a straight line means that each step leaves a fixed *fraction* of the error, here
# 0.85. Newton's curve bends down: the error after a step is about a constant times the *square* of
# the error before it. So the number of correct digits roughly doubles with each step. That is
# quadratic convergence.
#
# Below: Newton's error after each step and that constant, then the smallest and the largest
# fraction that gradient descent leaves in its last 20 steps.

# %% zh 424377
# 在对数坐标下，直线表示每走一步，误差都按固定*比例*缩小，这里是乘以 0.85。
# 牛顿法的曲线向下弯：每走一步，新的误差大约是某个常数乘以原误差的*平方*，
# 所以正确的位数大致翻倍。这就是二次收敛。
#
# 下面先列出牛顿法每一步之后的误差和这个常数，再列出梯度下降最后 20 步里这一比例的最小值和最大值。

# %%
for before, after in pairwise(newton[:6]):
    print(f"{after:.0e}", round(after / before**2, 2))
    assert 0.4 < after / before**2 < 0.7
assert newton[6] < 1e-12

ratios = [after / before for before, after in pairwise(descent[20:])]
print(f"{min(ratios):.2f} {max(ratios):.2f}")
assert min(ratios) > 0.8 and max(ratios) < 0.9

# %% en
# This holds close to a minimum at which :math:`H` is positive definite, that is, has only positive
# eigenvalues. Newton's method looks for a point with zero gradient, and that is only a necessary
# condition for a minimum: in the last exercise it ends at a maximum.

# %% zh b78d64
# 这些结论成立的前提是：离极小值点足够近，且那里的:math:`H`正定，也就是特征值全为正。
# 牛顿法找的是梯度为零的点，而这只是极小值点的必要条件：最后一个练习里，它会停在极大值点。

# %%
origin = torch.zeros(2)
torch.testing.assert_close(torch.func.grad(phi)(origin), origin)

curvature = torch.linalg.eigvalsh(torch.func.hessian(phi)(origin))
print(curvature)
assert (curvature > 0).all()

# %% en: Remember
# - A Jacobian block has the shape of the output followed by that of the input; a Hessian belongs to
#   one number.
# - ``vjp`` takes a vector like the output, ``jvp`` a vector like the input.
# - Few outputs: reverse mode. Few inputs: forward mode. Hessian: forward over reverse.
# - For :math:`Hv` you never need :math:`H`.

# %% zh 2dba63: 记住
# - 雅可比矩阵的一块，形状是输出的形状接上输入的形状；一个海森矩阵只针对一个数。
# - ``vjp``的向量形状同输出，``jvp``的向量形状同输入。
# - 输出少用反向模式，输入少用前向模式；海森矩阵用前向套反向。
# - 求:math:`Hv`从来不需要:math:`H`。

# %% en: Exercise: one row, one column
# Get the last row and the last column of the Jacobian of :math:`f` at ``x`` without building the
# rest: call ``torch.func.vjp`` and ``torch.func.jvp`` once each.

# %% zh 4ff0cb: 练习：一行，一列
# 求:math:`f`在``x``处的雅可比矩阵的最后一行和最后一列，但不构造其余部分：
# ``torch.func.vjp``和``torch.func.jvp``各调用一次。

# %% solution
_, pullback = torch.func.vjp(f, x)
(row,) = pullback(torch.tensor([0.0, 1.0]))
_, column = torch.func.jvp(f, (x,), (torch.tensor([0.0, 0.0, 1.0]),))
print(row, column)
torch.testing.assert_close(row, J[-1])
torch.testing.assert_close(column, J[:, -1])

# %% en: Exercise: Newton needs one step
# Write the loss of the linear model above as a function of one vector of three parameters, using
# the matrix ``A``. Minimise it with a single Newton step from zero. Compare with
# ``torch.linalg.lstsq``. Why is one step enough?

# %% zh 558a3b: 练习：牛顿法只要一步
# 把三个模型参数排成一个向量，借助矩阵``A``，把上面线性模型的损失写成这个向量的函数。
# 从零向量出发，只走一步牛顿法，使损失最小。与``torch.linalg.lstsq``的结果比较。为什么一步就够？


# %% solution
def squared_error(parameters):
    return (A @ parameters - targets.squeeze(1)).square().mean()


zero = torch.zeros(3)
slope, bend = torch.func.grad(squared_error)(zero), torch.func.hessian(squared_error)(zero)
fitted = zero - torch.linalg.solve(bend, slope)
print(fitted)

best = torch.linalg.lstsq(A, targets).solution.squeeze(1)
torch.testing.assert_close(fitted, best, rtol=1e-4, atol=1e-4)

# %% en
# The loss is quadratic in the parameters, so the quadratic that Newton's step minimises is the loss
# itself.

# %% zh 818147
# 损失是模型参数的二次函数，所以牛顿法那一步要最小化的二次函数，就是损失本身。

# %% en: Exercise: the wrong kind of zero
# Let :math:`\varphi(x) = x^3 - 3x`. Run 8 steps of Newton's method from 2 and from -2. Where does
# it end, and what does the second derivative say about each end point?

# %% zh 4339a1: 练习：不是想要的零点
# 设:math:`\varphi(x) = x^3 - 3x`。分别从 2 和 -2 出发，用牛顿法走 8 步。最后停在哪里？
# 二阶导数对这两个终点各说明了什么？


# %% solution
def cubic(x):
    return x**3 - 3 * x


first_derivative = torch.func.grad(cubic)
second_derivative = torch.func.grad(first_derivative)

ends = []
for begin in (2.0, -2.0):
    z = torch.tensor(begin, dtype=torch.float64)
    for _ in range(8):
        z = z - first_derivative(z) / second_derivative(z)
    ends.append(z)
    print(z.item(), second_derivative(z).item())

torch.testing.assert_close(torch.stack(ends), torch.tensor([1.0, -1.0], dtype=torch.float64))
assert second_derivative(ends[0]) > 0 > second_derivative(ends[1])

# %% en
# From 2 it finds the minimum at 1, where the second derivative is 6. From -2 it finds the maximum
# at -1, where it is -6. The gradient vanishes at both.

# %% zh 95f5e9
# 从 2 出发，牛顿法找到 1 处的极小值，那里的二阶导数是 6。从 -2 出发，找到的是 -1 处的极大值，
# 那里的二阶导数是 -6。两处的梯度都为零。

# %% en: Where next
# The product that ``backward`` computes, in detail: :ref:`vector-jacobian-product`. How gradients
# drive training: :ref:`one-training-step`. Measuring time rather than counting: :ref:`profiling`.
# The words: :ref:`glossary`.

# %% zh cc53cf: 接下来
# ``backward``所算的乘积，详见:ref:`vector-jacobian-product`。梯度怎样推动训练：
# :ref:`one-training-step`。想知道时间而不是次数：:ref:`profiling`。术语：:ref:`glossary`。
