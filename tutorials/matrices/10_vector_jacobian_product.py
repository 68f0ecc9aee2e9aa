# %% about
# level: intermediate
# minutes: 20
# tags: Tensor.backward, torch.autograd.grad, grad_outputs, is_grads_batched

# %% en: The vector-Jacobian product
# After this page you can say in advance what ``y.backward(v)`` leaves in ``x.grad``, choose ``v``,
# and build a whole Jacobian when you need one.
#
# Take a function with 3 inputs and 2 outputs:
#
# .. math::
#
#    f(x_1, x_2, x_3) = (x_1 x_2,\; x_2 + x_3^2)
#
# It has six partial derivatives, but ``x.grad`` has room for three numbers. So ``backward`` has to
# combine the six into three, and ``v`` says how. Below, ``v`` is :math:`(1, 10)`. Look at the
# digits of the result and guess the rule.

# %% zh fbed61: 向量-雅可比积
# 读完这一页，你能预先说出``y.backward(v)``会在``x.grad``里留下什么，知道怎样选``v``，
# 需要时还能拼出整个雅可比矩阵。
#
# 看下面这个函数，它有 3 个输入、2 个输出：
#
# .. math::
#
#    f(x_1, x_2, x_3) = (x_1 x_2,\; x_2 + x_3^2)
#
# 它有六个偏导数，``x.grad``却只放得下三个数。``backward``必须把六个数合成三个，怎样合成由``v``决定。
# 下面的``v``是:math:`(1, 10)`。观察结果里的数字，猜猜规则是什么。

# %%
import textwrap

import matplotlib.pyplot as plt
import torch

torch.set_default_device("cuda" if torch.cuda.is_available() else "cpu")


def f(x):
    return torch.stack([x[0] * x[1], x[1] + x[2] ** 2])


x = torch.tensor([1.0, 2.0, 3.0], requires_grad=True)
v = torch.tensor([1.0, 10.0])

# sphinx_gallery_graph = "y: steps"
y = f(x)
y.backward(v)
print(x.grad)
torch.testing.assert_close(x.grad, torch.tensor([2.0, 11.0, 60.0]))

# %% en
# Step through the graph on the page. On the way back the first gradient, :math:`\bar{g} = (1, 10)`,
# is ``v`` itself. From there on each node multiplies the gradient that arrives by its own derivative
# and passes it on, and what reaches ``x`` along several arrows is added.

# %% zh d00cc0
# 在网页的图上逐步走一遍。往回走时，最先出现的梯度:math:`\bar{g} = (1, 10)`就是``v``。
# 从这里开始，每个节点都把收到的梯度乘上自己的导数，再传下去；沿几条箭头到达``x``的梯度会相加。

# %% en: Rows are outputs, columns are inputs
# Put the six derivatives in a table with one row per output and one column per input. This is the
# Jacobian matrix :math:`J`, with :math:`J_{ij} = \partial y_i / \partial x_j` for
# :math:`y = f(x)`. For :math:`m` outputs and :math:`n` inputs it has :math:`m` rows and :math:`n`
# columns. (Formulas count from 1, the code from 0.)
#
# .. math::
#
#    J = \begin{pmatrix} x_2 & x_1 & 0 \\ 0 & 1 & 2 x_3 \end{pmatrix},
#    \qquad
#    J(1, 2, 3) = \begin{pmatrix} 2 & 1 & 0 \\ 0 & 1 & 6 \end{pmatrix}
#
# The result above is the first row plus 10 times the second. That is the row vector
# :math:`v^\top J`, in code ``v @ J``: the **vector-Jacobian product**.

# %% zh 0113c6: 行是输出，列是输入
# 记:math:`y = f(x)`，把六个偏导数排成一张表，每个输出一行，每个输入一列。
# 这就是雅可比矩阵:math:`J`，其中:math:`J_{ij} = \partial y_i / \partial x_j`。
# 输出有:math:`m`个、输入有:math:`n`个时，
# 矩阵有:math:`m`行、:math:`n`列。（公式从 1 开始编号，代码从 0 开始。）
#
# .. math::
#
#    J = \begin{pmatrix} x_2 & x_1 & 0 \\ 0 & 1 & 2 x_3 \end{pmatrix},
#    \qquad
#    J(1, 2, 3) = \begin{pmatrix} 2 & 1 & 0 \\ 0 & 1 & 6 \end{pmatrix}
#
# 上面的结果正是第一行加上第二行的 10 倍。写成行向量就是:math:`v^\top J`（代码里是``v @ J``），
# 即**向量-雅可比积**。

# %%
J = torch.tensor([[2.0, 1.0, 0.0], [0.0, 1.0, 6.0]])
m, n = J.shape
print(m, n)
print(v @ J)

assert (m, n) == (len(f(x)), len(x))
torch.testing.assert_close(v @ J, x.grad)

# %% en: One call, one row
# Now suppose you do not know :math:`J`. Choose a ``v`` that is 1 for one output and 0 for the
# other: the product is that output's row. ``torch.eye`` holds all such one-hot vectors.
#
# Calls of ``backward`` add up in ``x.grad`` (see :ref:`gradients-add-up`), so set it to ``None``
# before each call.

# %% zh b77ae7: 一次调用，一行
# 现在假设你不知道:math:`J`。让``v``对应某个输出的那一项为 1，另一项为 0，
# 乘积就是该输出所在的行。这样的向量叫独热向量，``torch.eye``的各行就是全部独热向量。
#
# 多次调用``backward``，结果会在``x.grad``里相加（见:ref:`gradients-add-up`），
# 所以每次调用前先把它设为``None``。

# %%
rows = []
for one_hot in torch.eye(m):
    x.grad = None
    f(x).backward(one_hot)
    rows.append(x.grad)

print(torch.stack(rows))
torch.testing.assert_close(torch.stack(rows), J)

# %% en: Without v
# What if you leave ``v`` out? There are two rows and no word on how to weigh them, so PyTorch
# refuses.

# %% zh 0caa16: 不给 v
# 要是不给``v``呢？矩阵有两行，却没有说明各占多少权重，PyTorch 不会替你猜，而是直接报错。

# %%
try:
    f(x).backward()
except RuntimeError as error:
    print(error)
    assert "only for scalar outputs" in str(error)
else:
    raise AssertionError

# %% en: A scalar needs no v
# Multiply the two outputs and you have a scalar. Its :math:`m` is 1, so its Jacobian is a single
# row and nothing is left to weigh. For a scalar, ``backward()`` means
# ``backward(torch.tensor(1.0))``. That is why you never pass ``v`` to a loss. (The last lines count
# the rows with a function from :ref:`jacobians-and-hessians`.)

# %% zh 72e09c: 标量不需要 v
# 把两个输出相乘，就得到标量。这时:math:`m`是 1，雅可比矩阵只有一行，无需加权。
# 对标量调用``backward()``，等于调用``backward(torch.tensor(1.0))``，所以你从来不必给损失传``v``。
# （代码最后几行借用:ref:`jacobians-and-hessians`里的函数，数一数矩阵有几行。）

# %%
x.grad = None
f(x).prod().backward()
implicit = x.grad

x.grad = None
f(x).prod().backward(torch.tensor(1.0))
print(implicit, x.grad)
assert torch.equal(implicit, x.grad)

row = torch.autograd.functional.jacobian(lambda x: f(x).prod().reshape(1), x)
print(row.shape)
assert row.shape == (1, 3)

# %% en: Where v comes from
# That cell computed the gradient of :math:`l = g(y) = y_1 y_2` with :math:`y = f(x)`. The chain
# rule says what happened inside (:math:`\nabla` is the column of partial derivatives):
#
# .. math::
#
#    \frac{\partial l}{\partial x_j}
#    = \sum_{i=1}^{m} \frac{\partial l}{\partial y_i}\, \frac{\partial y_i}{\partial x_j}
#    \quad\Longleftrightarrow\quad
#    (\nabla_x l)^\top = v^\top J, \quad v = \nabla_y\, g
#
# So ``v`` is the gradient of :math:`l` with respect to ``y``. The operations after :math:`f` have
# computed it by the time the backward pass reaches :math:`f`.
#
# Here :math:`y = (2, 11)`. Predict ``v``. Weighed by it, the rows :math:`(2, 1, 0)` and
# :math:`(0, 1, 6)` must add up to the numbers above. The code gets ``v`` from
# ``torch.autograd.grad``, which returns a gradient instead of storing it.

# %% zh f311f8: v 从哪里来
# 上面的代码算的是:math:`l = g(y) = y_1 y_2`的梯度，其中:math:`y = f(x)`。
# 链式法则说明了内部发生的事（:math:`\nabla`表示由偏导数排成的列向量）：
#
# .. math::
#
#    \frac{\partial l}{\partial x_j}
#    = \sum_{i=1}^{m} \frac{\partial l}{\partial y_i}\, \frac{\partial y_i}{\partial x_j}
#    \quad\Longleftrightarrow\quad
#    (\nabla_x l)^\top = v^\top J, \quad v = \nabla_y\, g
#
# 可见``v``就是:math:`l`关于``y``的梯度。
# 反向传播到达:math:`f`时，:math:`f`之后的运算已经把它算好了。
#
# 这里:math:`y = (2, 11)`。先猜``v``是多少：用它给:math:`(2, 1, 0)`和:math:`(0, 1, 6)`两行加权，
# 相加之后必须等于上面的结果。代码用``torch.autograd.grad``求``v``：这个函数直接返回梯度，不存起来。

# %%
y = f(x)
(v,) = torch.autograd.grad(y.prod(), y)
print(v)

x.grad = None
f(x).backward(v)
print(x.grad)

torch.testing.assert_close(x.grad, torch.tensor([22.0, 13.0, 12.0]))
torch.testing.assert_close(x.grad, implicit)

# %% en
# A gradient is easy to check without autograd: move each input a little both ways and see how much
# :math:`l` changes.
#
# Note the shapes. ``v`` has the shape of ``y`` and ``x.grad`` the shape of ``x``. As a row the
# product is :math:`v^\top J`, as a column :math:`J^\top v`; a one-dimensional tensor does not tell
# rows from columns, so in code both are the same numbers.

# %% zh 5a6bc9
# 不靠 autograd，也很容易检验梯度：把每个输入向两边各移动一点，看:math:`l`变化多少。
#
# 注意形状：``v``的形状与``y``相同，``x.grad``的形状与``x``相同。乘积写成行是:math:`v^\top J`，
# 写成列是:math:`J^\top v`；一维张量不分行列，所以在代码里两者的数值一样。

# %%
point, eps = x.detach().double(), 1e-5
numeric = torch.stack(
    [
        (f(point + step).prod() - f(point - step).prod()) / (2 * eps)
        for step in eps * torch.eye(n, dtype=torch.float64)
    ]
)
print(numeric)

torch.testing.assert_close(numeric.float(), x.grad)
torch.testing.assert_close(v @ J, J.T @ v)

# %% en: A loop that doubles
# The code of this example never builds :math:`J`. Start from a vector of norm (Euclidean length) 3
# and double it until its norm reaches 1000. The norms are 6, 12, 24 and so on: after 8 doublings
# 768, after 9 doublings 1536. So the loop stops with :math:`y = 2^9 x`, and :math:`J = 512\, I`,
# where :math:`I` is the identity matrix.
#
# With :math:`v = (0.1, 1, 0.0001)`, what is in ``x.grad``?

# %% zh 27e899: 一路加倍
# 下面的代码从头到尾都不构造:math:`J`。从范数（即欧几里得长度）为 3 的向量出发，不断加倍，
# 直到范数达到 1000。范数依次是 6、12、24……加倍 8 次之后是 768，加倍 9 次之后是 1536。
# 所以循环停下时:math:`y = 2^9 x`，:math:`J = 512\, I`，其中:math:`I`是单位矩阵。
#
# 取:math:`v = (0.1, 1, 0.0001)`，``x.grad``里会是什么？

# %%
x = torch.tensor([1.0, 2.0, 2.0], requires_grad=True)
y, doublings = x, 0
while y.norm() < 1000:
    y, doublings = y * 2, doublings + 1
print(doublings, y)

v = torch.tensor([0.1, 1.0, 0.0001])
y.backward(v)
print(x.grad)

assert doublings == 9
torch.testing.assert_close(x.grad, 512 * v)

# %% en
# The gradient is :math:`512\, v` (``5.1200e+01`` is 51.2). Each doubling multiplies the gradient
# that flows back through it by 2, and autograd recorded 9 of them. The condition of the loop only
# decided how many: a comparison has no derivative, so it leaves no trace in the gradient.
#
# The three numbers in ``v`` are weights that you choose: 0.1 of the first output, all of the
# second, almost none of the third. Write the weighted sum yourself and call plain ``backward()``:
# the result is the same.

# %% zh bf9ba5
# 梯度是:math:`512\, v`（``5.1200e+01``就是 51.2）。梯度往回传时，每经过一次加倍就乘以 2，
# 而 autograd 记下了 9 次加倍。循环条件只决定加倍多少次：比较运算没有导数，不会在梯度里留下痕迹。
#
# ``v``里的三个数是你自己选的权重：第一个输出乘以 0.1，第二个原样保留，第三个几乎不计。
# 自己写出这个加权和，再调用不带参数的``backward()``，结果一样。

# %%
with_v = x.grad
x.grad = None
y = x * 2**doublings
loss = (v * y).sum()
loss.backward()
print(x.grad)
torch.testing.assert_close(x.grad, with_v)

# %% en: The same product as a return value
# ``torch.autograd.grad`` computes the same product and returns it, one entry per input, without
# touching ``x.grad``. There ``v`` is called ``grad_outputs``.

# %% zh 37432b: 直接返回同一个乘积
# ``torch.autograd.grad``计算的是同一个乘积，但直接返回结果，每个输入对应一项，不改动``x.grad``。
# 在这个函数里，``v``对应的参数叫``grad_outputs``。

# %%
x = torch.tensor([1.0, 2.0, 3.0], requires_grad=True)
v = torch.tensor([1.0, 10.0])

(product,) = torch.autograd.grad(f(x), x, grad_outputs=v)
print(product, x.grad)

torch.testing.assert_close(product, v @ J)
assert x.grad is None

# %% en: All rows at once
# With ``is_grads_batched=True`` the first dimension of ``grad_outputs`` counts vectors, not
# outputs. Give it every one-hot vector and you get every row: the whole Jacobian from one call. The
# `documentation <https://docs.pytorch.org/docs/stable/generated/torch.autograd.grad.html>`__ calls
# this option experimental; :ref:`jacobians-and-hessians` shows other ways.

# %% zh aa9a36: 一次得到所有的行
# 设``is_grads_batched=True``之后，``grad_outputs``的第一维排列的是多个向量，不再是各个输出。
# 把全部独热向量传进去，一次调用就得到所有的行，也就是整个雅可比矩阵。
# `文档 <https://docs.pytorch.org/docs/stable/generated/torch.autograd.grad.html>`__
# 把这个选项标为实验性功能；其他做法见:ref:`jacobians-and-hessians`。

# %%
(whole,) = torch.autograd.grad(f(x), x, grad_outputs=torch.eye(m), is_grads_batched=True)
print(whole)
torch.testing.assert_close(whole, J)

# %% en: A v of the wrong shape
# ``v`` weighs outputs, so it must have the shape of ``y``. A ``v`` with one entry per *input* is a
# common slip. PyTorch does not broadcast here either: a single 1 for both outputs is refused too.

# %% zh e47b14: v 的形状不对
# ``v``是给输出加权的，所以形状必须与``y``相同。常见的错误是让``v``的每一项对应一个*输入*。
# PyTorch 在这里也不做广播：想用单独一个 1 代表两个输出，同样会报错。

# %%
for wrong in (torch.ones(3), torch.tensor(1.0)):
    try:
        f(x).backward(wrong)
    except RuntimeError as error:
        print(textwrap.fill(str(error), 72))
        assert "Mismatch in shape" in str(error)
    else:
        raise AssertionError

# %% en: The shape of a function, seen in its Jacobian
# Three functions of 8 inputs with 8 outputs each. Which entries of each Jacobian are zero? (The
# helper sets ``retain_graph=True`` so that a graph can be used more than once.)
#
# - ``torch.sin`` works on each element alone: output :math:`i` depends on input :math:`i` only.
# - ``torch.cumsum`` keeps a running sum: output :math:`i` depends on the inputs up to :math:`i`.
# - In :math:`W x` every output depends on every input, and the Jacobian is :math:`W`.

# %% zh 8794d4: 从雅可比矩阵看函数的结构
# 下面三个函数都有 8 个输入、8 个输出。它们的雅可比矩阵各有哪些元素是零？
# （代码里的辅助函数设了``retain_graph=True``，这样同一张计算图可以用不止一次。）
#
# - ``torch.sin``对每个元素单独计算：第:math:`i`个输出只依赖第:math:`i`个输入。
# - ``torch.cumsum``计算累积和：第:math:`i`个输出依赖前:math:`i`个输入。
# - 在:math:`W x`里，每个输出都依赖每个输入，雅可比矩阵就是:math:`W`。


# %%
def jacobian(y, x):
    eye = torch.eye(len(y))
    return torch.autograd.grad(y, x, eye, is_grads_batched=True, retain_graph=True)[0]


x = torch.linspace(0, 1, 8, requires_grad=True)
W = torch.cos(torch.arange(64.0)).reshape(8, 8)
outputs = {r"$\sin x$": x.sin(), "cumsum": x.cumsum(0), "$Wx$": W @ x}

figure, axes = plt.subplots(1, 3, figsize=(5, 2.2), sharey=True, layout="constrained")
for ax, (name, y) in zip(axes, outputs.items(), strict=True):
    ax.imshow(jacobian(y, x).tolist(), cmap="RdBu", vmin=-1, vmax=1)
    ax.set_title(name)
    ax.set_xlabel("$j$")
axes[0].set_ylabel("$i$")
plt.show()

# %% en alt
# Three 8 by 8 Jacobians as images: zero is white, positive numbers are blue, negative ones red. For
# the sine only the diagonal is blue; for ``cumsum`` the diagonal and everything below it has one
# and the same blue and everything above is white; for :math:`Wx` blue and red fill the whole square.

# %% zh alt 6424fc
# 三个 8 乘 8 雅可比矩阵的图像：零是白色，正数是蓝色，负数是红色。正弦的矩阵只有对角线是蓝色；
# ``cumsum``的矩阵在对角线及其下方全是同一种蓝色，上方全是白色；
# :math:`Wx`的矩阵由蓝色和红色布满整个方块。

# %%
sin_J, cumsum_J, linear_J = [jacobian(y, x) for y in outputs.values()]

torch.testing.assert_close(sin_J, torch.diag(x.cos()))
torch.testing.assert_close(cumsum_J, torch.ones(8, 8).tril())
torch.testing.assert_close(linear_J, W)

# %% en: When is sum().backward() enough?
# Calling ``y.sum().backward()`` is the same as choosing ones for ``v``: it adds all rows, so you
# get the sum of each column. For a diagonal Jacobian a column has one nonzero entry, and the sums
# are the derivatives themselves. Otherwise they are mixtures. For ``cumsum``, input 0 reaches all
# 8 outputs and the last input only one. What are the 8 sums?

# %% zh 2d53b8: 什么时候 sum().backward() 就够了？
# 调用``y.sum().backward()``相当于让``v``的每一项都取一：所有行相加，得到每一列的和。
# 雅可比矩阵是对角矩阵时，每列只有一个非零元素，列和就是导数本身；否则，不同的导数会混在一起。
# 在``cumsum``里，第 0 个输入影响全部 8 个输出，最后一个输入只影响一个输出。这 8 个列和各是多少？

# %%
x.grad = None
x.sin().sum().backward()
torch.testing.assert_close(x.grad, x.detach().cos())

x.grad = None
x.cumsum(0).sum().backward()
print(x.grad)
torch.testing.assert_close(x.grad, torch.arange(8.0, 0.0, -1.0))

# %% en: What a Jacobian costs
# One backward pass gives one row, or one weighted sum of rows, for the same price. The whole
# Jacobian takes :math:`m` passes. A hook on ``x`` is called once each time a gradient arrives
# there, so it can count. (``is_grads_batched`` runs the passes side by side in one call; the
# arithmetic is still that of :math:`m` passes.)

# %% zh 7751f9: 计算雅可比矩阵的代价
# 反向传播一次，得到的无论是其中一行，还是各行的加权和，代价都一样。
# 要得到整个雅可比矩阵，就得反向传播:math:`m`次。
# 在``x``上注册钩子，每当有梯度传到那里，钩子就运行一次，正好用来计数。
# （``is_grads_batched``只是在一次调用里并排完成这些反向传播，计算量仍相当于:math:`m`次。）

# %%
x = torch.linspace(0, 1, 50, requires_grad=True)
passes = []
x.register_hook(passes.append)
y = x.cumsum(0).sin()

for one_hot in torch.eye(50):
    torch.autograd.grad(y, x, one_hot, retain_graph=True)
print("J", len(passes))
assert len(passes) == 50

passes.clear()
torch.autograd.grad(y, x, torch.ones(50))
print("v @ J", len(passes))
assert len(passes) == 1

# %% en
# Training has :math:`m = 1`: one loss, one row, one pass, however many parameters there are.
#
# The product saves memory, too. Sine on a thousand inputs has a Jacobian with a million entries, of
# which all but a thousand are zero. Its vector-Jacobian product is ``v * x.cos()``, and that is all
# ``backward`` computes. It does not build :math:`J`.

# %% zh 1dde86
# 训练时:math:`m = 1`：一个损失，只有一行，只需反向传播一次，模型参数再多也是如此。
#
# 只算乘积还节省内存。对一千个输入取正弦，雅可比矩阵有一百万个元素，其中只有一千个不为零；
# 而向量-雅可比积不过是``v * x.cos()``，``backward``只算这些，并不构造:math:`J`。

# %%
x = torch.linspace(0, 1, 1000, requires_grad=True)
v = torch.linspace(1, 2, 1000)

J_sin = jacobian(x.sin(), x)
print(J_sin.numel(), J_sin.count_nonzero().item())
assert J_sin.numel() == 1000**2 and J_sin.count_nonzero() == 1000

x.sin().backward(v)
torch.testing.assert_close(x.grad, v * x.detach().cos())

# %% en: The other product is not this one
# :math:`J` can also be multiplied by a vector :math:`u` from the right. Then :math:`u` has one
# entry per input, it weighs columns, and the result has one entry per output: how :math:`y` moves
# when :math:`x` moves along :math:`u`. For our :math:`f`, :math:`u` has 3 entries, where ``v``
# has 2. It is a different product, computed by different means: see :ref:`jacobians-and-hessians`.

# %% zh 22d847: 从右边乘是另一种乘积
# 向量:math:`u`也可以从右边乘:math:`J`。这时:math:`u`的每一项对应一个输入，加权的是列，
# 结果的每一项对应一个输出，表示:math:`x`沿:math:`u`移动时:math:`y`怎样变化。
# 就本页的:math:`f`而言，:math:`u`有 3 项，而``v``只有 2 项。这是另一种乘积，算法也不同：
# 见:ref:`jacobians-and-hessians`。

# %%
u = torch.tensor([1.0, 1.0, 0.0])
print(J @ u)
moved = (f(point + 1e-5 * u) - f(point - 1e-5 * u)) / 2e-5
torch.testing.assert_close(moved.float(), J @ u)
assert (J @ u).shape == (2,) and (torch.ones(2) @ J).shape == (3,)

# %% en: Remember
# - Rows of :math:`J` are outputs, columns are inputs.
# - ``y.backward(v)`` adds :math:`v^\top J` to ``x.grad``: ``v`` has the shape of ``y``, the result
#   has that of ``x``.
# - ``v`` is the gradient of the final number with respect to ``y``; for a scalar it is 1.
# - One backward pass per row: the gradient of a loss is cheap, a Jacobian of many rows is not.

# %% zh e50050: 记住
# - :math:`J`的行是输出，列是输入。
# - ``y.backward(v)``把:math:`v^\top J`加进``x.grad``：``v``的形状同``y``，结果的形状同``x``。
# - ``v``是最终那个数关于``y``的梯度；输出是标量时，它就是 1。
# - 每一行都要反向传播一次：求损失的梯度代价很小，求行数多的雅可比矩阵则不然。

# %% en: Exercise: softmax
# The Jacobian of :math:`p = \mathrm{softmax}(x)` is :math:`\mathrm{diag}(p) - p\, p^\top`, where
# :math:`\mathrm{diag}(p)` has :math:`p` on its diagonal. Write its vector-Jacobian product with
# elementwise products and a sum, without any matrix. Check it against ``x.softmax(0)`` and
# ``backward`` at :math:`x = (0, 1, 2, 3)` with :math:`v = (1, -2, 3, -4)`.

# %% zh 969fce: 练习：softmax
# :math:`p = \mathrm{softmax}(x)`的雅可比矩阵是:math:`\mathrm{diag}(p) - p\, p^\top`，
# 其中:math:`\mathrm{diag}(p)`是以:math:`p`为对角线的对角矩阵。
# 不用任何矩阵，只用逐元素乘法和求和写出它的向量-雅可比积。
# 取:math:`x = (0, 1, 2, 3)`、:math:`v = (1, -2, 3, -4)`，
# 用``x.softmax(0)``和``backward``检验。

# %% solution
x = torch.tensor([0.0, 1.0, 2.0, 3.0], requires_grad=True)
v = torch.tensor([1.0, -2.0, 3.0, -4.0])
p = x.softmax(0)
p.backward(v)

p = p.detach()
by_hand = p * (v - (p * v).sum())
print(by_hand)
torch.testing.assert_close(x.grad, by_hand)

# %% en: Exercise: a relay
# Let ``x`` be ``torch.linspace(0, 1, 5)``, :math:`y = \sin x`, :math:`z` the cumulative sum of
# :math:`y`, and :math:`l = \sum_i z_i^2`. Carry the gradient from :math:`l` to :math:`z` to
# :math:`y` to :math:`x` with three calls of ``torch.autograd.grad``, each handing its result to the
# next as ``grad_outputs``. Compare with one call from :math:`l` to :math:`x`.

# %% zh df9f44: 练习：接力
# 设``x``为``torch.linspace(0, 1, 5)``，:math:`y = \sin x`，:math:`z`是:math:`y`的累积和，
# :math:`l = \sum_i z_i^2`。
# 调用三次``torch.autograd.grad``，把梯度从:math:`l`传到:math:`z`，再传到:math:`y`，
# 最后传到:math:`x`，每次都把结果作为``grad_outputs``交给下一次。
# 再用一次调用直接从:math:`l`求到:math:`x`，比较两个结果。

# %% solution
x = torch.linspace(0, 1, 5, requires_grad=True)
y = x.sin()
z = y.cumsum(0)
loss = z.square().sum()

(v,) = torch.autograd.grad(loss, z, retain_graph=True)
(v,) = torch.autograd.grad(z, y, grad_outputs=v, retain_graph=True)
(v,) = torch.autograd.grad(y, x, grad_outputs=v, retain_graph=True)
(direct,) = torch.autograd.grad(loss, x)
print(v)
torch.testing.assert_close(v, direct)

# %% en: Exercise: one pass for a whole batch
# Let each row of ``X = torch.arange(1.0, 13.0).reshape(4, 3)`` be a sample, and let :math:`h` map a
# sample to the product of its entries. For 4 samples there are 4 outputs. Obtain the gradient of
# every sample's own output with a single call of ``torch.autograd.grad``. Why is one enough here?

# %% zh 8f4c5b: 练习：一次反向传播处理整个批次
# 设``X = torch.arange(1.0, 13.0).reshape(4, 3)``的每一行是一个样本，
# 函数:math:`h`把样本变成其各元素之积。有 4 个样本，就有 4 个输出。
# 只调用一次``torch.autograd.grad``，求出每个样本的输出关于该样本的梯度。为什么这里一次就够？

# %% solution
X = torch.arange(1.0, 13.0).reshape(4, 3).requires_grad_()
h = X.prod(dim=1)
(per_sample,) = torch.autograd.grad(h, X, grad_outputs=torch.ones(4))
print(per_sample)

for sample, gradient in zip(X, per_sample, strict=True):
    (expected,) = torch.autograd.grad(sample.prod(), sample)
    torch.testing.assert_close(gradient, expected)

# %% en
# Sample :math:`i` influences output :math:`i` only. Adding up the rows therefore mixes nothing.

# %% zh 413dd7
# 第:math:`i`个样本只影响第:math:`i`个输出，所以把各行相加，不会混在一起。

# %% en: Where next
# Whole Jacobians, second derivatives and the product from the right: :ref:`jacobians-and-hessians`.
# Why ``x.grad`` had to be set to ``None``: :ref:`gradients-add-up`. The words: :ref:`glossary`.

# %% zh 569517: 接下来
# 完整的雅可比矩阵、二阶导数，以及从右边乘的乘积：:ref:`jacobians-and-hessians`。
# 为什么要把``x.grad``设为``None``：:ref:`gradients-add-up`。术语：:ref:`glossary`。
