# %% about
# level: intermediate
# tags: torch.autograd.functional, jacobian, hessian, vjp, jvp, vhp, hvp

# %% en: Jacobians and Hessians
# One call returns a whole Jacobian or Hessian matrix, or its product with a vector. This page shows
# what shape comes out and which vector goes in.
#
# It builds on :ref:`vector-jacobian-product`: a Jacobian has a row for each output and a column for
# each input. There you built it row by row with ``backward``; here you hand over the function and
# the point. Calls of this kind are a *functional API*: derivatives are returned, not added to
# ``grad``. Below is the function of that page at the same point:
#
# .. math::
#
#    f(x_1, x_2, x_3) = (x_1 x_2,\; x_2 + x_3^2)

# %% zh 79b277: 雅可比矩阵与海森矩阵
# 只要调用一次，就能得到整个雅可比矩阵或海森矩阵，或者它与向量的乘积。这一页讲清楚：得到的是什么形状，
# 传进去的又该是哪个向量。
#
# 这一页接着:ref:`vector-jacobian-product`往下讲：雅可比矩阵（Jacobian matrix）的每一行对应一个输出，
# 每一列对应一个输入。在那一页，你用``backward``逐行拼出了它；在这里，只要交出函数和待求导的点。
# 这样的调用叫*函数式 API*（functional API）：它直接返回导数，不往``grad``里加。函数和点都与那一页相同：
#
# .. math::
#
#    f(x_1, x_2, x_3) = (x_1 x_2,\; x_2 + x_3^2)

# %%
import matplotlib.pyplot as plt
import torch
from torch.autograd import functional

device = torch.accelerator.current_accelerator(check_available=True)
torch.set_default_device(device or "cpu")


def f(x):
    return torch.stack([x[0] * x[1], x[1] + x[2] ** 2])


x = torch.tensor([1.0, 2.0, 3.0])
J = functional.jacobian(f, x)
print(J)

# %% check
assert J.tolist() == [[2, 1, 0], [0, 1, 6]]

# %% en: Two inputs
# Now a function of two inputs, :math:`2 e^x + 3 y`, each with three elements. Output :math:`i` depends
# on :math:`x_i` and :math:`y_i`. For a tuple of inputs ``jacobian`` returns a tuple, one matrix per
# input. What do the two matrices look like at :math:`x = (0, 0, 0)` and :math:`y = (1, 2, 3)`?

# %% zh 689431: 两个输入
# 再看有两个输入的函数:math:`2 e^x + 3 y`，每个输入有三个元素（element），第:math:`i`个输出取决于:math:`x_i`和
# :math:`y_i`。传入由多个输入组成的元组，``jacobian``就返回元组，每个输入对应一个矩阵。在
# :math:`x = (0, 0, 0)`、:math:`y = (1, 2, 3)`处，这两个矩阵各是什么样子？


# %% predict
def exp_adder(x, y):
    return 2 * x.exp() + 3 * y


zeros, y = torch.zeros(3), torch.tensor([1.0, 2.0, 3.0])
by_x, by_y = functional.jacobian(exp_adder, (zeros, y))
print(by_x)
print(by_y)

# %% check
torch.testing.assert_close(by_x, 2 * torch.eye(3))
torch.testing.assert_close(by_y, 3 * torch.eye(3))
there = torch.tensor([0.5, -1.0, 2.0])
curved, flat = functional.jacobian(exp_adder, (there, y))
torch.testing.assert_close(curved, torch.diag(2 * there.exp()))
torch.testing.assert_close(flat, 3 * torch.eye(3))

# %% en
# Both are diagonal, since output :math:`i` depends only on element :math:`i` of each input. The
# derivative :math:`2 e^x` is 2 at zero; the other one is 3 everywhere. Side by side the two make the
# Jacobian of one function with 6 inputs and 3 outputs.

# %% zh 842ce7
# 两个都是对角矩阵，因为第:math:`i`个输出只与每个输入的第:math:`i`个元素有关。导数:math:`2 e^x`在零处等于 2，
# 另一个导数处处是 3。把两个矩阵并排放在一起，就是一个有 6 个输入、3 个输出的函数的雅可比矩阵。

# %% en: Outputs and inputs of any shape
# The input is a 2 by 4 matrix, the output its 2 row sums. There are 2 times 8 derivatives. In which
# shape will ``jacobian`` return them?

# %% zh 7c27b3: 任意形状的输出和输入
# 输入是一个 2 乘 4 的矩阵，输出是它 2 行各自的和。导数一共有 2 乘 8 个。``jacobian``会以怎样的形状返回它们？

# %% predict
row_sums = functional.jacobian(lambda X: X.sum(dim=1), torch.ones(2, 4))
print(row_sums.shape)

# %% check
assert row_sums.shape == (2, 2, 4)
assert row_sums[0].tolist() == [[1, 1, 1, 1], [0, 0, 0, 0]]
assert row_sums[1].tolist() == [[0, 0, 0, 0], [1, 1, 1, 1]]

# %% en
# The shape of the output, followed by the shape of the input. So ``row_sums[i]`` is the derivative of
# output ``i`` by the whole matrix, in the matrix's shape.

# %% zh 7b8b20
# 输出的形状在前，输入的形状在后。所以``row_sums[i]``就是第``i``个输出关于整个矩阵的导数，形状与那个矩阵相同。

# %% en: A Hessian by hand
# The *Hessian matrix* holds all second derivatives of one number,
# :math:`H_{ij} = \partial^2 g / \partial x_i \partial x_j`. Take a function that is quickly done on
# paper. It has the gradient :math:`\nabla g` (the vector of its first derivatives):
#
# .. math::
#
#    g(x) = x_1^2 x_2 + x_2 x_3^2, \qquad
#    \nabla g = \begin{pmatrix} 2 x_1 x_2 \\ x_1^2 + x_3^2 \\ 2 x_2 x_3 \end{pmatrix}
#
# Differentiate each row by :math:`x_1`, :math:`x_2` and :math:`x_3`. What is :math:`H` at
# :math:`(1, 2, 3)`?

# %% zh 265fbf: 手算海森矩阵
# *海森矩阵*（Hessian matrix）由一个数的全部二阶导数组成，即
# :math:`H_{ij} = \partial^2 g / \partial x_i \partial x_j`。取一个在纸上很快就能算完的函数，它的梯度（gradient）
# :math:`\nabla g`（由一阶导数排成的向量）也写在下面：
#
# .. math::
#
#    g(x) = x_1^2 x_2 + x_2 x_3^2, \qquad
#    \nabla g = \begin{pmatrix} 2 x_1 x_2 \\ x_1^2 + x_3^2 \\ 2 x_2 x_3 \end{pmatrix}
#
# 把每一行分别对:math:`x_1`、:math:`x_2`、:math:`x_3`求导。在:math:`(1, 2, 3)`处，:math:`H`是什么？


# %% predict
def g(x):
    return x[0] ** 2 * x[1] + x[1] * x[2] ** 2


H = functional.hessian(g, x)
print(H)

# %% check
assert H.tolist() == [[4, 2, 0], [2, 0, 6], [0, 6, 4]]
a, b, c = 0.5, -1.0, 3.0
elsewhere = functional.hessian(g, torch.tensor([a, b, c]))
formula = [[2 * b, 2 * a, 0], [2 * a, 0, 2 * c], [0, 2 * c, 2 * b]]
torch.testing.assert_close(elsewhere, torch.tensor(formula))

# %% en
# .. math::
#
#    H = \begin{pmatrix} 2x_2 & 2x_1 & 0 \\ 2x_1 & 0 & 2x_3 \\ 0 & 2x_3 & 2x_2 \end{pmatrix}
#
# It is symmetric: where the second derivatives are continuous, the order of differentiation makes no
# difference.

# %% zh b34a50
# .. math::
#
#    H = \begin{pmatrix} 2x_2 & 2x_1 & 0 \\ 2x_1 & 0 & 2x_3 \\ 0 & 2x_3 & 2x_2 \end{pmatrix}
#
# 它是对称的：只要二阶导数连续，求导的先后次序就无关紧要。

# %% en: The gradient as a function
# A gradient is itself a function, here with 3 inputs and 3 outputs. The code writes it with
# ``torch.autograd.grad``; ``create_graph=True`` lets autograd record that computation as well, so that
# it can be differentiated in turn. What is its Jacobian at the same point?

# %% zh d4281e: 把梯度当作函数
# 梯度本身也是函数，这里它有 3 个输入、3 个输出。代码用``torch.autograd.grad``写出梯度；设``create_graph=True``，
# autograd 就把求梯度的计算也记录下来，这样才能对它继续求导。在同一点，梯度的雅可比矩阵是什么？


# %% predict
def gradient(x):
    return torch.autograd.grad(g(x), x, create_graph=True)[0]


print(functional.jacobian(gradient, x))

# %% check
torch.testing.assert_close(functional.jacobian(gradient, x), H)

# %% en
# The Hessian again. It is the Jacobian of the gradient: row :math:`i` differentiates
# :math:`\partial g / \partial x_i` by every input.

# %% zh 54b989
# 又得到了那个海森矩阵。它就是梯度的雅可比矩阵：第:math:`i`行是:math:`\partial g / \partial x_i`对各个输入的导数。

# %% en: Which inputs meet
# Twelve inputs, and a sum in which each term joins two neighbours (Rosenbrock's function, a common
# test for optimizers):
#
# .. math::
#
#    r(x) = \sum_i \bigl( 100\, (x_{i+1} - x_i^2)^2 + (1 - x_i)^2 \bigr)
#
# Which of the 144 second derivatives can be different from zero?

# %% zh 4553fe: 哪些输入同在一项
# 现在有十二个输入，函数是若干项之和，每一项都把相邻的两个输入连在一起（这是 Rosenbrock 函数，常用来测试优化器）：
#
# .. math::
#
#    r(x) = \sum_i \bigl( 100\, (x_{i+1} - x_i^2)^2 + (1 - x_i)^2 \bigr)
#
# 144 个二阶导数里，哪些可以不为零？


# %% predict
def rosenbrock(x):
    bend = x[1:] - x[:-1] ** 2
    return (100 * bend**2 + (1 - x[:-1]) ** 2).sum()


points = torch.linspace(-1, 1, 12)
band = functional.hessian(rosenbrock, points)
plt.imshow(band.tolist(), cmap="RdBu", vmin=-1600, vmax=1600)
plt.colorbar(label="$H_{ij}$")
plt.xlabel("$j$")
plt.ylabel("$i$")
plt.show()

# %% check
at = -1 + 2 * torch.arange(12) / 11
diagonal = torch.full((12,), 200.0)
diagonal[:-1] = 1200 * at[:-1] ** 2 - 400 * at[1:] + 2
diagonal[1:-1] += 200
beside = -400 * at[:-1]
tri = torch.diag(diagonal) + torch.diag(beside, 1)
tri += torch.diag(beside, -1)
torch.testing.assert_close(band, tri, rtol=1e-5, atol=1e-3)
assert band.count_nonzero() == 12 + 2 * 11
assert 1300 < band.abs().max() < 1600

# %% en alt
# A 12 by 12 matrix as an image. The diagonal is blue, strongest at the upper left; the entries right
# above and right below it go from pale blue at the upper left to pale red at the lower right; all
# others are white.

# %% zh alt 08e197
# 一个 12 乘 12 矩阵的图像。对角线是蓝色，左上角最深；紧挨着它上方和下方的元素，从左上角的浅蓝色变到右下角的
# 浅红色；其余全是白色。

# %% en
# The diagonal and its two neighbours, 34 entries. A second derivative by two inputs can differ from
# zero only if the inputs meet in a term, and here :math:`x_i` meets itself, :math:`x_{i-1}` and
# :math:`x_{i+1}`.

# %% zh 13d826
# 对角线和它两旁的元素，共 34 个。只有两个输入出现在同一项里，对它们求的二阶导数才可能不为零；
# 在这里，与:math:`x_i`同在一项的是它自己、:math:`x_{i-1}`和:math:`x_{i+1}`。

# %% en: Three outputs
# ``exp_adder`` returns three numbers, and each has a Hessian of its own. Two inputs give a table of
# four blocks; the code prints the block of :math:`x` with itself. Which of these does ``hessian``
# accept: the three numbers, the first of them in a vector of one element, their sum?

# %% zh ad7890: 三个输出
# ``exp_adder``返回三个数，每个数都有自己的海森矩阵。有两个输入时，得到的是由四块组成的表，代码打印的是
# 关于:math:`x`自身的那一块。三个数、由第一个数单独组成的向量、三个数之和，``hessian``接受其中哪些？


# %% predict
def first(x, y):
    return exp_adder(x, y)[:1]


def total(x, y):
    return exp_adder(x, y).sum()


for function in (exp_adder, first, total):
    try:
        blocks = functional.hessian(function, (zeros, y))
        print(blocks[0][0])
    except RuntimeError as error:
        print(error)

# %% check
try:
    functional.hessian(exp_adder, (zeros, y))
except RuntimeError as refusal:
    assert str(refusal).startswith(
        "The Tensor returned by the function"
    )
    assert str(refusal).endswith("should contain a single element")
of_first = functional.hessian(first, (zeros, y))[0][0]
assert of_first.tolist() == [[2, 0, 0], [0, 0, 0], [0, 0, 0]]
assert blocks[0][0].tolist() == [[2, 0, 0], [0, 2, 0], [0, 0, 2]]

# %% en
# The vector of one element and the sum: a Hessian belongs to a single number, and you have to say
# which. Block :math:`(i, j)` differentiates by input :math:`i` and by input :math:`j`. In the sum,
# :math:`y` stands in linear terms of its own, so only the block of :math:`x` with itself is not zero; for the others ``any``
# says that no entry is.

# %% zh 65553b
# 接受只有一个元素的向量，也接受三个数之和：海森矩阵是针对单个数而言的，究竟是哪个数，要由你指明。
# 第:math:`(i, j)`块对第:math:`i`个输入和第:math:`j`个输入各求一次导。在三个数之和里，:math:`y`只出现在自己的线性项中，
# 所以只有关于:math:`x`自身的那一块不为零；下面用``any``检验其余三块，里面没有不为零的元素。

# %%
(xx, xy), (yx, yy) = blocks
print(xy.any(), yx.any(), yy.any())

# %% check
torch.testing.assert_close(xx, torch.diag(2 * zeros.exp()))
assert not xy.any() and not yx.any() and not yy.any()
mixed = functional.hessian(lambda x, y: (x * y).sum(), (zeros, y))
assert mixed[0][1].tolist() == torch.eye(3).tolist()

# %% en: From the left and from the right
# Often you need a Jacobian only to multiply it by a vector. ``vjp`` multiplies from the left,
# :math:`v^\top J`, and returns the output and the product. ``jvp`` multiplies from the right, giving
# the *Jacobian-vector product* :math:`J u`. It says how the outputs move when the inputs move along
# :math:`u`. The rows of :math:`J` are (2, 1, 0) and (0, 1, 6). What are the two products for
# :math:`v = (1, 10)` and :math:`u = (1, 1, 0)`?

# %% zh b10f1d: 从左边乘与从右边乘
# 用到雅可比矩阵，往往只是为了让它与一个向量相乘。``vjp``从左边乘，得到:math:`v^\top J`，返回的是函数的输出和这个乘积。
# ``jvp``从右边乘，得到*雅可比-向量积*（Jacobian-vector product）:math:`J u`，它表示输入沿:math:`u`移动时，
# 输出怎样移动。:math:`J`的两行是 (2, 1, 0) 和 (0, 1, 6)。取:math:`v = (1, 10)`、:math:`u = (1, 1, 0)`，
# 两个乘积各是多少？

# %% predict
v, u = torch.tensor([1.0, 10.0]), torch.tensor([1.0, 1.0, 0.0])
_, from_left = functional.vjp(f, x, v)
_, from_right = functional.jvp(f, x, u)
print(from_left, from_right)

# %% check
assert from_left.tolist() == [2, 11, 60]
assert from_right.tolist() == [3, 1]
outputs = functional.vjp(f, x, v)[0], functional.jvp(f, x, u)[0]
assert outputs[0].tolist() == outputs[1].tolist() == [2, 11]

# %% en
# From the left, rows are weighed and there is one number per input. From the right, columns are
# weighed, (2, 0) + (1, 1), and there is one number per output. The two vectors have different sizes,
# so neither product is the other with its factors swapped. Hand each call the other's vector:

# %% zh 1505cc
# 从左边乘，被加权的是行，每个输入得到一个数；从右边乘，被加权的是列，即 (2, 0) + (1, 1)，每个输出得到一个数。
# 两个向量大小不同，所以交换因子的次序，并不能把一个乘积变成另一个。把两个向量对调，再传进去试试：

# %%
for product, wrong in ((functional.vjp, u), (functional.jvp, v)):
    try:
        product(f, x, wrong)
    except RuntimeError as error:
        print(error)

# %% check
for call, size, needed in (
    (functional.vjp, 3, 2),
    (functional.jvp, 2, 3),
):
    try:
        call(f, x, torch.ones(size))
    except RuntimeError as refusal:
        assert f"should be torch.Size([{needed}])" in str(refusal)
        assert f"but got torch.Size([{size}])" in str(refusal)

# %% en: A Hessian and a vector
# A Hessian is square, and a vector of the inputs' size fits on either side. ``vhp`` computes
# :math:`w^\top H` and ``hvp`` computes :math:`H w`. The rows of :math:`H` are (4, 2, 0), (2, 0, 6) and
# (0, 6, 4). What does each return for :math:`w = (1, 0, -1)`?

# %% zh f2d931: 海森矩阵与向量
# 海森矩阵是方阵，与输入同样大小的向量放在哪一边都能乘。``vhp``计算:math:`w^\top H`，``hvp``计算:math:`H w`。
# :math:`H`的三行是 (4, 2, 0)、(2, 0, 6) 和 (0, 6, 4)。取:math:`w = (1, 0, -1)`，两者各返回什么？

# %% predict
w = torch.tensor([1.0, 0.0, -1.0])
print(functional.vhp(g, x, w)[1])
print(functional.hvp(g, x, w)[1])

# %% check
assert (w @ H).tolist() == [4, -4, -4]
torch.testing.assert_close(functional.vhp(g, x, w)[1], w @ H)
torch.testing.assert_close(functional.hvp(g, x, w)[1], H @ w)
long = torch.ones(10**6)
for product in (functional.vhp, functional.hvp):
    cubes = product(lambda t: (t**3).sum(), long, long)[1]
    assert (cubes == 6).all()

# %% en
# The same numbers, because :math:`H` is symmetric. Both are *Hessian-vector products*, and neither
# call builds :math:`H`.

# %% zh baa608
# 数值相同，因为:math:`H`是对称的。两者都是*海森-向量积*（Hessian-vector product），两个调用都没有构造
# :math:`H`。

# %% en: Remember
# - A Jacobian from ``jacobian`` has the shape of the output followed by that of the input.
# - A Hessian belongs to a single number and is the Jacobian of its gradient.
# - ``vjp`` takes a vector shaped like the output, ``jvp`` one shaped like the input; ``vhp`` and
#   ``hvp`` take one shaped like the input.

# %% zh ecf709: 要点
# - ``jacobian``返回的雅可比矩阵，形状是输出的形状在前，输入的形状在后。
# - 海森矩阵是针对单个数而言的，它是梯度的雅可比矩阵。
# - 传给``vjp``的向量，形状与输出相同；传给``jvp``的，与输入相同；传给``vhp``和``hvp``的，也与输入相同。

# %% en: Exercise: one row, one column
# Get the last row and the last column of :math:`J` with one call of ``vjp`` and one of ``jvp``.

# %% zh 1af322: 练习：一行，一列
# ``vjp``和``jvp``各调用一次，求出:math:`J`的最后一行和最后一列。

# %% solution
_, row = functional.vjp(f, x, torch.tensor([0.0, 1.0]))
_, column = functional.jvp(f, x, torch.tensor([0.0, 0.0, 1.0]))
torch.testing.assert_close(row, J[-1])
torch.testing.assert_close(column, J[:, -1])

# %% en: Exercise: a penalty on slopes
# The functions of this page cut their result from the graph unless you say ``create_graph=True``.
# Use it: differentiate the sum of the squared entries of :math:`J` by :math:`x`. On paper the sum is
# :math:`x_2^2 + x_1^2 + 1 + 4 x_3^2`.

# %% zh eee13d: 练习：对斜率的惩罚
# 除非设``create_graph=True``，否则这一页的函数返回的结果都与计算图（computational graph）断开。请用上这个选项：求:math:`J`各元素的平方和
# 对:math:`x`的导数。手算可知，这个平方和是:math:`x_2^2 + x_1^2 + 1 + 4 x_3^2`。

# %% solution
z = x.clone().requires_grad_()
cut = [functional.jacobian(f, z), functional.hessian(g, z)]
cut += functional.vjp(f, z, v) + functional.jvp(f, z, u)
cut += functional.vhp(g, z, w) + functional.hvp(g, z, w)
assert not any(result.requires_grad for result in cut)
functional.jacobian(f, z, create_graph=True).square().sum().backward()
assert z.grad.tolist() == [2, 4, 24]

# %% en: Where next
# :ref:`functions-from-functions` nests derivatives with the newer interface ``torch.func``, and
# :ref:`what-jacobians-cost` counts what all of this costs.

# %% zh 8f871c: 接下来
# :ref:`functions-from-functions`用较新的接口``torch.func``把求导层层嵌套；
# :ref:`what-jacobians-cost`则数一数这些计算各有多大代价。
