# %% about
# level: intermediate
# tags: Tensor.backward, torch.autograd.grad, gradient, grad_outputs

# %% en: The vector-Jacobian product
# What does ``y.backward(v)`` compute when ``y`` is no scalar but has several elements, and where does
# ``v`` come from? At the end you can predict the result and choose ``v`` yourself.
#
# The page builds on :ref:`chain-rule` and on :ref:`gradients-add-up`: two calls of ``backward`` add
# up in ``x.grad``, so it is set to ``None`` before each new call.

# %% zh 0a35ec: 向量-雅可比积
# 如果``y``不是标量（scalar），而有好几个元素，``y.backward(v)``算的是什么？``v``又从哪里来？
# 读到最后，你既能预测非标量的反向传播会得到什么，也会自己选``v``。
#
# 这一页以:ref:`chain-rule`和:ref:`gradients-add-up`为基础：两次调用``backward``，结果会在
# ``x.grad``里相加，所以每次重新调用之前，都先把它设为``None``。

# %%
import matplotlib.pyplot as plt
import torch

device = torch.accelerator.current_accelerator(check_available=True)
torch.set_default_device(device or "cpu")


def f(x):
    return torch.stack([x[0] * x[1], x[1] + x[2] ** 2])


# %% en: Six derivatives, room for three
# This function has 3 inputs and 2 outputs:
#
# .. math::
#
#    f(x_1, x_2, x_3) = (x_1 x_2,\; x_2 + x_3^2)
#
# That makes six partial derivatives, but ``x.grad`` has room for three numbers. The vector ``v``
# holds one number per output and decides how the six become three. The graph below what is printed
# can be stepped through: :math:`\bar{g}` stands for the gradient that arrives at a node, and the first
# one on the way back is ``v`` itself.
#
# At :math:`x = (1, 2, 3)` and with :math:`v = (1, 10)`: which three numbers will stand in
# ``x.grad``?

# %% zh de1735: 六个导数，三个位置
# 下面的函数有 3 个输入、2 个输出：
#
# .. math::
#
#    f(x_1, x_2, x_3) = (x_1 x_2,\; x_2 + x_3^2)
#
# 它共有六个偏导数（partial derivative），``x.grad``里却只放得下三个数。向量``v``为每个输出备了一个数，六个数怎样变成三个，
# 就由它决定。打印结果下面的计算图（computational graph）可以一步步地看：:math:`\bar{g}`表示到达某个节点（node）的梯度（gradient），
# 往回走时最先出现的那一个，就是``v``本身。
#
# 在:math:`x = (1, 2, 3)`处取:math:`v = (1, 10)`，``x.grad``里会是哪三个数？

# %% predict
x = torch.tensor([1.0, 2.0, 3.0], requires_grad=True)
v = torch.tensor([1.0, 10.0])

# sphinx_gallery_graph = "y: steps"
y = f(x)
y.backward(v)
print(x.grad)

# %% check
assert y.tolist() == [2, 11]
assert x.grad.tolist() == [
    1 * 2 + 10 * 0,
    1 * 1 + 10 * 1,
    1 * 0 + 10 * 6,
]

# %% en
# The digits tell the rule. Derivatives of the first output were multiplied by 1, those of the
# second by 10, and whatever belongs to the same input was added: :math:`x_2` feeds both outputs,
# with derivative 1 each, and gets 1 + 10 = 11.

# %% zh 54aa01
# 数字本身就透露了规则：第一个输出的导数乘以 1，第二个输出的导数乘以 10，属于同一个输入的再相加。
# :math:`x_2`影响两个输出，导数都是 1，于是得到 1 + 10 = 11。

# %% en: Rows are outputs, columns are inputs
# Put the six derivatives in a table, a row for each output and a column for each input. This is the
# *Jacobian matrix* :math:`J`, with :math:`J_{ij} = \partial y_i / \partial x_j` for
# :math:`y = f(x)` (formulas count from 1, code from 0):
#
# .. math::
#
#    J = \begin{pmatrix} x_2 & x_1 & 0 \\ 0 & 1 & 2 x_3 \end{pmatrix},
#    \qquad
#    J(1, 2, 3) = \begin{pmatrix} 2 & 1 & 0 \\ 0 & 1 & 6 \end{pmatrix}
#
# The result above is the first row plus 10 times the second. The raised sign in :math:`v^\top J` says
# that :math:`v` is written as a row; row times matrix is the result, in code ``v @ J``: the
# *vector-Jacobian product*. It has one number per column, that is, per input.

# %% zh 7c14bf: 行是输出，列是输入
# 把六个导数排成一张表，每个输出占一行，每个输入占一列。这就是*雅可比矩阵*（Jacobian matrix）
# :math:`J`：对:math:`y = f(x)`，有:math:`J_{ij} = \partial y_i / \partial x_j`（下标在公式里从 1 数起，
# 在代码里从 0 数起）：
#
# .. math::
#
#    J = \begin{pmatrix} x_2 & x_1 & 0 \\ 0 & 1 & 2 x_3 \end{pmatrix},
#    \qquad
#    J(1, 2, 3) = \begin{pmatrix} 2 & 1 & 0 \\ 0 & 1 & 6 \end{pmatrix}
#
# 上面的结果，正是第一行加上第二行的 10 倍。:math:`v^\top J`右上角的记号表示把:math:`v`写成一行；这一行乘以矩阵，
# 就是上面的结果，代码里是``v @ J``，称为*向量-雅可比积*（vector-Jacobian product）。
# 它的每一个数对应一列，也就是一个输入。

# %%
J = torch.tensor([[2.0, 1.0, 0.0], [0.0, 1.0, 6.0]])
print(v @ J)

# %% check
torch.testing.assert_close(v @ J, x.grad)
columns = torch.autograd.functional.jacobian(f, x.detach())
torch.testing.assert_close(J, columns)

# %% en: A single 1
# Now suppose that you do not know :math:`J`. What does ``backward`` leave in ``x.grad`` if ``v`` is
# 0 for the first output and 1 for the second?

# %% zh e8b553: 只有一个 1
# 现在假设你并不知道:math:`J`。如果``v``对第一个输出取 0，对第二个输出取 1，``backward``会在
# ``x.grad``里留下什么？

# %% predict
x.grad = None
f(x).backward(torch.tensor([0.0, 1.0]))
print(x.grad)

# %% check
assert x.grad.tolist() == [0, 1, 6]

# %% en
# The second row of :math:`J`. Such a vector is called *one-hot*, and the rows of the identity matrix
# ``torch.eye(2)`` are all the one-hot vectors there are for two outputs. One call for each gives the
# whole Jacobian.

# %% zh 71312f
# 得到的是:math:`J`的第二行。这样的向量叫*独热*（one-hot）向量。两个输出的独热向量，恰好就是单位矩阵
# ``torch.eye(2)``的各行。把各行依次传入，各调用一次，就得到整个雅可比矩阵。

# %%
rows = []
for one_hot in torch.eye(2):
    x.grad = None
    f(x).backward(one_hot)
    rows.append(x.grad)
print(torch.stack(rows))

# %% check
torch.testing.assert_close(torch.stack(rows), J)

# %% en: Without v
# Leave ``v`` out. Here are three outputs: the two numbers of :math:`f`, the first of them alone in a
# vector of one element, and their sum. From which of the three does ``backward`` start without a
# ``v``?

# %% zh 6630c4: 不给 v
# 这一次不给``v``。下面有三个输出：:math:`f`的两个数，由第一个数单独组成的向量，还有两个数之和。
# 从其中哪几个出发，``backward``没有``v``也能运行？

# %% predict
outputs = (f(x), f(x)[:1], f(x).sum())
for y in outputs:
    x.grad = None
    try:
        y.backward()
        print(x.grad)
    except RuntimeError as error:
        print(error)

# %% check
told = "grad can be implicitly created only for scalar outputs"
try:
    f(x).backward()
except RuntimeError as refusal:
    assert str(refusal) == told
assert [y.tolist() for y in outputs] == [[2, 11], [2], 13]
assert x.grad.tolist() == [2, 2, 6]
alone = x.detach().clone().requires_grad_()
f(alone)[:1].backward()
assert alone.grad.tolist() == [2, 1, 0]

# %% en
# From the second and the third. With two rows nothing says how much each of them counts, and PyTorch
# refuses ("created" in the message is said of ``v``). If the output is one real number, its Jacobian
# is a single row, and PyTorch puts in a 1 for you: (2, 1, 0) is the row of :math:`y_1`, (2, 2, 6) that
# of :math:`y_1 + y_2`. That is why the backward pass of a loss needs no ``v`` from you.

# %% zh d7edd9
# 第二个和第三个可以。第一个有两行，却没有说明各乘多少，PyTorch 只好拒绝执行（报错信息里的“created”，
# 指的就是替你造一个``v``）。如果输出只有一个实数，雅可比矩阵就只有一行，PyTorch 会替你填上 1：(2, 1, 0) 是
# :math:`y_1`的那一行，(2, 2, 6) 是:math:`y_1 + y_2`的那一行。所以从损失（loss）出发做反向传播（backward pass）时，
# 不必给``v``。

# %% en: Where v comes from
# Multiply the two outputs: :math:`l = y_1 y_2` is a single number, and ``backward`` needs no ``v``.
# On the way it still passes through :math:`f`, and there it does need one. The chain rule says which
# (:math:`\nabla_y\, l` is the vector of the derivatives of :math:`l` by :math:`y_1` and
# :math:`y_2`):
#
# .. math::
#
#    \frac{\partial l}{\partial x_j}
#    = \sum_{i} \frac{\partial l}{\partial y_i}\, \frac{\partial y_i}{\partial x_j}
#    \quad\Longleftrightarrow\quad
#    (\nabla_x\, l)^\top = v^\top J, \quad v = \nabla_y\, l
#
# The code takes ``v`` from ``torch.autograd.grad``, which returns a gradient instead of adding it to
# ``y.grad``. Here :math:`y = (2, 11)`. What are ``v`` and the gradient of :math:`l`?

# %% zh 7169cc: v 从哪里来
# 把两个输出相乘，:math:`l = y_1 y_2`就只是一个数，``backward``不需要``v``。可是反向传播途中要经过
# :math:`f`，在那里仍然少不了。该用怎样的向量，链式法则（chain rule）说得很清楚（:math:`\nabla_y\, l`是:math:`l`对
# :math:`y_1`、:math:`y_2`的导数排成的向量）：
#
# .. math::
#
#    \frac{\partial l}{\partial x_j}
#    = \sum_{i} \frac{\partial l}{\partial y_i}\, \frac{\partial y_i}{\partial x_j}
#    \quad\Longleftrightarrow\quad
#    (\nabla_x\, l)^\top = v^\top J, \quad v = \nabla_y\, l
#
# 代码里的``v``由``torch.autograd.grad``求得，这个函数直接返回梯度，并不加到``y.grad``里。
# 这里:math:`y = (2, 11)`，``v``和:math:`l`的梯度各是多少？

# %% predict
y = f(x)
(v,) = torch.autograd.grad(y.prod(), y)
print(v)

x.grad = None
f(x).backward(v)
print(x.grad)

# %% check
assert v.tolist() == [11, 2]
a, b, c = x.tolist()
assert x.grad.tolist() == [
    b * (b + c**2),
    a * (2 * b + c**2),
    2 * a * b * c,
]

# %% en
# The derivative of :math:`y_1 y_2` by one factor is the other factor, so ``v`` is (11, 2), and 11
# times the first row plus 2 times the second is (22, 13, 12).
#
# This is how a backward pass works all along: what comes behind an operation has computed the
# gradient by its output, and that is the ``v`` which the operation multiplies by its own Jacobian.
# As a rule no :math:`J` is built: for ``sin`` on a thousand elements it would have a million entries,
# while the product is just ``v * x.cos()``.

# %% zh 182781
# :math:`y_1 y_2`对一个因子的导数就是另一个因子，所以``v``是 (11, 2)；第一行的 11 倍加上第二行的 2 倍，
# 得到 (22, 13, 12)。
#
# 反向传播自始至终都是这样进行的：轮到某个运算时，后面的运算已经算好了关于它的输出的梯度，这个梯度就是
# ``v``；这个运算再用它左乘自己的雅可比矩阵。通常并不会构造:math:`J`：对一千个元素（element）求``sin``，矩阵会有一百万个
# 元素，而乘积不过是``v * x.cos()``。

# %% en: Once round the circle
# Take a function with 2 inputs and 2 outputs, :math:`h(x_1, x_2) = (x_1 x_2,\; x_2 - x_1^2)`, whose
# Jacobian at :math:`(1, 2)` has the rows :math:`(2, 1)` and :math:`(-2, 1)`. In
# ``torch.autograd.grad`` the vector is called ``grad_outputs``. Let it go once round the unit
# circle. Which curve does the product trace?

# %% zh 858499: 绕圆一周
# 再取一个有 2 个输入、2 个输出的函数:math:`h(x_1, x_2) = (x_1 x_2,\; x_2 - x_1^2)`，它在
# :math:`(1, 2)`处的雅可比矩阵有:math:`(2, 1)`和:math:`(-2, 1)`两行。左乘的那个向量，在
# ``torch.autograd.grad``里叫``grad_outputs``。让这个向量沿单位圆走一周，乘积会描出怎样的曲线？


# %% predict
def h(x):
    return torch.stack([x[0] * x[1], x[1] - x[0] ** 2])


point = torch.tensor([1.0, 2.0], requires_grad=True)
angle = torch.linspace(0, 2 * torch.pi, 73)
circle = torch.stack([angle.cos(), angle.sin()], dim=1)
products = []
for v in circle:
    (product,) = torch.autograd.grad(h(point), point, grad_outputs=v)
    products.append(product.cpu())

plt.plot(*torch.stack(products).T, label=r"$v^\top J$")
plt.plot(*products[0], "o", label="$v = (1, 0)$")
plt.plot(*products[18], "s", label="$v = (0, 1)$")
plt.xlabel(r"$\partial / \partial x_1$")
plt.ylabel(r"$\partial / \partial x_2$")
plt.axis("equal")
plt.legend()
plt.show()

# %% check
first, second = torch.tensor([[2.0, 1.0], [-2.0, 1.0]])
turn = (torch.arange(73) * torch.pi / 36)[:, None]
ellipse = turn.cos() * first + turn.sin() * second
traced = torch.stack(products)
torch.testing.assert_close(traced, ellipse.cpu(), rtol=0, atol=1e-5)
torch.testing.assert_close(products[18], second.cpu())
left, up = traced.T
torch.testing.assert_close(
    (left / 2) ** 2 + up**2, torch.full_like(up, 2)
)

# %% en alt
# A closed ellipse, wider than high, around the origin. The points for (1, 0) and (0, 1) lie on its
# upper half, on the right and on the left.

# %% zh alt d3b5f9
# 以原点为中心、宽大于高的一个椭圆。(1, 0) 和 (0, 1) 对应的两个点都在它的上半部，一右一左。

# %% en
# An ellipse, and both rows lie on it. The product is linear in ``v``: where ``v`` is a weighted
# sum of one-hot vectors, it is the same weighted sum of rows. So two calls would have been enough to
# know all 73 points.

# %% zh 95996f
# 描出的是一个椭圆，矩阵的两行都在椭圆上。乘积对``v``是线性的：``v``是独热向量的加权和，乘积就是各行的加权和。
# 所以只要调用两次，这 73 个点就全都知道了。

# %% en: Another shape
# PyTorch broadcasts in many places: a single number is stretched to the shape that is needed. Here
# ``y`` has 2 elements. Does ``backward`` accept a single 1 for both, or a ``v`` with one number per
# *input*?

# %% zh c2a71b: 换一种形状
# PyTorch 在许多地方会做广播（broadcasting），把单个数扩展成所需的形状。这里的``y``有 2 个元素。
# ``backward``会接受一个 1 代表两个输出吗？会接受每个*输入*对应一个数的``v``吗？

# %% predict
for shape in ((), (3,)):
    try:
        f(x).backward(torch.ones(shape))
    except RuntimeError as error:
        print(str(error).replace(" and ", "\nand "))

# %% check
for number, size in ((torch.tensor(1.0), "[]"), (torch.ones(3), "[3]")):
    try:
        f(x).backward(number)
    except RuntimeError as refusal:
        assert "Mismatch in shape: grad_output[0]" in str(refusal)
        assert f"torch.Size({size}) and output[0]" in str(refusal)
assert x.grad.tolist() == [22, 13, 12]

# %% en
# Neither: ``v`` must have the shape of ``y``. The result, in turn, has the shape of ``x``.

# %% zh dd0443
# 都不接受：``v``的形状必须与``y``相同；而结果的形状与``x``相同。

# %% en: Through a loop
# Start from a vector of norm 3 (its Euclidean length) and double it until the norm reaches 1000. How
# often is it doubled, and what is in ``x.grad`` for :math:`v = (0.1, 1, 0.0001)`?

# %% zh d01f2b: 函数里有循环
# 从范数（norm，即欧几里得长度）为 3 的向量出发，不断加倍，直到范数达到 1000。
# 一共加倍了几次？取:math:`v = (0.1, 1, 0.0001)`，``x.grad``里会是什么？

# %% predict
x = torch.tensor([1.0, 2.0, 2.0], requires_grad=True)
y = x
while y.norm() < 1000:
    y = y * 2
y.backward(torch.tensor([0.1, 1.0, 0.0001]))
print(y)
print(x.grad)

# %% check
assert y.tolist() == [512, 1024, 1024]
torch.testing.assert_close(x.grad, torch.tensor([51.2, 512, 0.0512]))

# %% en
# The norms are 6, 12, 24 and so on; the ninth is 1536, and the loop stops with :math:`y = 2^9 x`. So
# :math:`J` is 512 times the identity matrix and the gradient is :math:`512\, v` (``5.1200e+01`` is
# 51.2). The comparison decided how many doublings were recorded; it has no derivative and adds
# nothing to the gradient.

# %% zh df8142
# 范数依次是 6、12、24……第九次加倍之后是 1536，循环停下，此时:math:`y = 2^9 x`。所以:math:`J`是单位
# 矩阵的 512 倍，梯度是:math:`512\, v`（``5.1200e+01``就是 51.2）。循环条件里的比较决定了有多少次加倍
# 被记录，它本身没有导数，对梯度没有贡献。

# %% en: Remember
# - Rows of :math:`J` are outputs, columns are inputs.
# - ``y.backward(v)`` adds :math:`v^\top J` to ``x.grad``; ``v`` has the shape of ``y``.
# - ``v`` is the gradient of the final number by ``y``. If ``y`` is that number itself, it is 1.

# %% zh 7c9cd0: 要点
# - :math:`J`的行是输出，列是输入。
# - ``y.backward(v)``把:math:`v^\top J`加进``x.grad``；``v``的形状与``y``相同。
# - ``v``是最后那个数关于``y``的梯度；如果``y``自己就是那个数，这个梯度就是 1。

# %% en: Exercise: without a vector
# At :math:`x = (1, 2, 3)`, ``f(x).backward(v)`` with :math:`v = (1, 10)` left (2, 11, 60). Get the
# same with ``backward()``, without an argument.

# %% zh cbdeef: 练习：不传向量
# 在:math:`x = (1, 2, 3)`处取:math:`v = (1, 10)`，``f(x).backward(v)``得到 (2, 11, 60)。
# 请改用不带参数的``backward()``，得到同样的结果。

# %% solution
x = torch.tensor([1.0, 2.0, 3.0], requires_grad=True)
v = torch.tensor([1.0, 10.0])
(v * f(x)).sum().backward()
assert x.grad.tolist() == [2, 11, 60]

# %% en: Where next
# :ref:`when-is-a-sum-enough` looks at the pattern of a Jacobian to see what ``y.sum().backward()``
# leaves. :ref:`jacobians-and-hessians` gets whole matrices with one call.

# %% zh 5dfd89: 接下来
# :ref:`when-is-a-sum-enough`根据雅可比矩阵的结构，判断``y.sum().backward()``得到的是什么；
# :ref:`jacobians-and-hessians`只用一次调用就得到整个矩阵。
