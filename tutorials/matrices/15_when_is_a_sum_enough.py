# %% about
# level: intermediate
# tags: Tensor.backward, Tensor.sum, torch.autograd.grad, is_grads_batched, Tensor.softmax

# %% en: When is a sum enough?
# ``y.sum().backward()`` runs for a ``y`` of any size, but are the numbers that it leaves in
# ``x.grad`` the ones you want? This page shows how to tell from the pattern of the Jacobian.
#
# It builds on :ref:`vector-jacobian-product`, where ``backward`` multiplies a vector ``v`` by the
# Jacobian matrix :math:`J`, which has a row for each output and a column for each input.

# %% zh c6004d: 什么时候求和就够了？
# 不论``y``多大，``y.sum().backward()``都能运行，可它留在``x.grad``里的数，正是你想要的吗？
# 这一页告诉你怎样从雅可比矩阵的结构看出答案。
#
# 请先读:ref:`vector-jacobian-product`：``backward``用向量``v``左乘雅可比矩阵（Jacobian matrix）
# :math:`J`，矩阵的每一行对应一个输出，每一列对应一个输入。

# %%
import matplotlib.pyplot as plt
import torch

device = torch.accelerator.current_accelerator(check_available=True)
torch.set_default_device(device or "cpu")

# %% en: Five sines
# The first lines take five numbers and sum their sines; as in :ref:`first-gradient`, ``x.grad`` then
# holds the slope of each sine at its own point. The last lines take no sum, but a ``v`` that weighs
# the last sine by 10 and the others by 1. How many of the five numbers change?

# %% zh 575e09: 五个正弦
# 前几行取五个数，对它们的正弦求和；同:ref:`first-gradient`里一样，这时``x.grad``里是每个正弦在各自那一点的斜率。
# 后几行不求和，而是用``v``给最后一个正弦 10 倍的权重（weight），其余的权重都是 1。五个数里有几个会变？

# %% predict
x = torch.linspace(0, 1, 5, requires_grad=True)
x.sin().sum().backward()
print(x.grad)

v = torch.tensor([1.0, 1.0, 1.0, 1.0, 10.0])
x.grad = None
x.sin().backward(v)
print(x.grad)

# %% check
(summed,) = torch.autograd.grad(x.sin().sum(), x)
torch.testing.assert_close(summed, x.detach().cos())
torch.testing.assert_close(x.grad[:4], summed[:4])
torch.testing.assert_close(x.grad[4], 10 * summed[4])
torch.testing.assert_close(x.detach(), torch.arange(5) / 4)

# %% en
# One, the last: :math:`\cos 1 = 0.5403` becomes 5.4030. The sine of :math:`x_j` depends on :math:`x_j`
# only, so a column of :math:`J` has one entry that is not zero, and the weight of one sine reaches one
# number. A sum weighs every output by 1, so it stands for a ``v`` whose elements are all 1, and
# ``x.grad`` holds the sum of each column. Here that mixes nothing: it leaves the slopes
# :math:`\cos x_j`.

# %% zh b51d6e
# 只有最后一个：:math:`\cos 1 = 0.5403`变成了 5.4030。:math:`x_j`的正弦只取决于:math:`x_j`，所以:math:`J`的每列只有一个元素（element）不为零，
# 一个正弦的权重只影响一个数。求和时每个输出的权重都是 1，相当于取元素全为 1 的``v``，
# ``x.grad``里就是每一列的和。在这里，什么也没有混在一起，得到的正是各自的斜率:math:`\cos x_j`。

# %% en: A running sum
# ``cumsum`` replaces each number by the sum of all numbers up to it:
# :math:`y_i = x_1 + \dots + x_i`. Every partial derivative is 0 or 1. What are the five numbers
# now?

# %% zh 564314: 累积和
# ``cumsum``把每个数换成从头到它为止所有数之和：:math:`y_i = x_1 + \dots + x_i`。每个偏导数（partial derivative）不是 0 就是 1。
# 这一次得到的五个数是多少？

# %% predict
x.grad = None
x.cumsum(0).sum().backward()
print(x.grad)

# %% check
assert x.grad.tolist() == [5, 4, 3, 2, 1]

# %% en
# The first input is part of all five outputs, the last one of a single output. Each number of
# ``x.grad`` counts the entries of its column that are 1; where they stand, a 3 does not tell.

# %% zh c8e17e
# 第一个输入出现在全部五个输出里，最后一个只出现在一个输出里。``x.grad``的每个数，数的是那一列里有几个 1；
# 至于都在哪几行，光看 3 这个数是看不出来的。

# %% en: Three patterns
# ``softmax`` turns numbers into positive shares that add up to 1:
# :math:`p_i = e^{x_i} / \sum_k e^{x_k}`. To see whole matrices, give ``torch.autograd.grad`` the
# option ``is_grads_batched=True``: then ``grad_outputs`` holds many vectors, one a row. With the
# identity matrix as ``grad_outputs`` one call returns every row of :math:`J`. (The
# `documentation <https://docs.pytorch.org/docs/stable/generated/torch.autograd.grad.html>`__ calls
# the option experimental.)
#
# For 8 inputs, which entries of the Jacobians of ``sin``, ``cumsum`` and ``softmax`` are zero (white
# in the picture), which are positive (blue) and which are negative (red)?

# %% zh 882345: 三种结构
# ``softmax``把一组数变成一组正的份额，加起来等于 1：:math:`p_i = e^{x_i} / \sum_k e^{x_k}`。想看整个矩阵，
# 可以给``torch.autograd.grad``加上选项``is_grads_batched=True``：这时``grad_outputs``里可以放许多向量，
# 每行一个。把单位矩阵传给``grad_outputs``，一次调用就返回:math:`J`的所有行。（这个选项在
# `文档 <https://docs.pytorch.org/docs/stable/generated/torch.autograd.grad.html>`__
# 里被标为实验性功能。）
#
# 取 8 个输入，``sin``、``cumsum``和``softmax``的雅可比矩阵里，哪些元素是零（图中为白色），哪些为正（蓝色），
# 哪些为负（红色）？


# %% predict
def jacobian(y, x):
    eye = torch.eye(len(y))
    return torch.autograd.grad(y, x, eye, is_grads_batched=True)[0]


x = torch.linspace(0, 1, 8, requires_grad=True)
matrices = {
    "sin": jacobian(x.sin(), x),
    "cumsum": jacobian(x.cumsum(0), x),
    "softmax": jacobian(x.softmax(0), x),
}

figure, axes = plt.subplots(1, 3, figsize=(5, 2.2), sharey=True)
for ax, (name, J) in zip(axes, matrices.items(), strict=True):
    limit = J.abs().max().item()
    ax.imshow(J.tolist(), cmap="RdBu", vmin=-limit, vmax=limit)
    ax.set_title(name)
    ax.set_xlabel("$j$")
axes[0].set_ylabel("$i$")
plt.show()

# %% check
at = torch.arange(8) / 7
p = at.exp() / at.exp().sum()
torch.testing.assert_close(matrices["sin"], torch.diag(at.cos()))
torch.testing.assert_close(matrices["cumsum"], torch.ones(8, 8).tril())
by_formula = torch.diag(p) - torch.outer(p, p)
torch.testing.assert_close(matrices["softmax"], by_formula)
assert ((by_formula > 0) == torch.eye(8, dtype=torch.bool)).all()
assert abs(limit - by_formula.max().item()) < 1e-6

# %% en alt
# Three 8 by 8 Jacobians as images. For ``sin`` the diagonal is blue and the rest white; for
# ``cumsum`` the diagonal and everything below it has one and the same blue and everything above is
# white; for ``softmax`` the diagonal is blue and everything else is pale red, a little stronger
# towards the lower right.

# %% zh alt e6fcba
# 三个 8 乘 8 的雅可比矩阵画成的图像。``sin``的对角线是蓝色，其余是白色；``cumsum``的对角线及其下方是同一种蓝色，
# 上方全是白色；``softmax``的对角线是蓝色，其余全是浅红色，越往右下越深一点。

# %% en
# ``sin`` works on each element alone: diagonal. ``cumsum`` looks back: nothing above the diagonal. In
# ``softmax`` every input enters every output through the sum in the denominator. It raises its own
# share and lowers all others:
# :math:`\partial p_i / \partial x_j = p_i (1 - p_i)` for :math:`i = j` and :math:`-p_i p_j`
# otherwise.
#
# A sum is enough if no column has more than one entry that is not zero.

# %% zh 48c7be
# ``sin``对每个元素单独计算，矩阵是对角的。``cumsum``只往回看，对角线上方全为零。``softmax``的每个输入，
# 都通过分母里的和影响每个输出：某个输入增大，它自己的份额就增加，其余的份额全都减少。写成式子，:math:`i = j`时
# :math:`\partial p_i / \partial x_j = p_i (1 - p_i)`，否则为:math:`-p_i p_j`。
#
# 如果每一列至多有一个元素不为零，求和就够了。

# %% en: The sum of all shares
# Every entry of the last matrix is different from zero. Add its rows anyway: what does
# ``x.softmax(0).sum().backward()`` leave in ``x.grad``, up to rounding?

# %% zh 5ee636: 所有份额之和
# 上面最后一个矩阵里，没有一个元素是零。不管这些，照样把各行相加：撇开舍入误差，
# ``x.softmax(0).sum().backward()``会在``x.grad``里留下什么？

# %% predict
x.grad = None
x.softmax(0).sum().backward()
print(x.grad)

# %% check
torch.testing.assert_close(x.grad, torch.zeros(8), rtol=0, atol=1e-6)

# %% en
# Eight zeros. The shares add up to 1 wherever :math:`x` is, and the derivative of a constant is
# zero: in each column one positive entry cancels seven negative ones. No error, no warning, and
# nothing to learn from. If a gradient is zero and you do not know why, look whether you summed
# something whose sum cannot change.

# %% zh a48eff
# 八个零。不论:math:`x`取什么值，份额之和总是 1，而常数的导数为零：每一列里，一个正的元素与七个负的元素
# 恰好抵消。既不报错，也没有警告，可这样的梯度毫无用处。如果遇到梯度为零却不知道原因，不妨看一看，
# 是不是对总和不变的东西求了和。

# %% en: Samples in a batch
# Let each row of ``X`` be a sample, and let a function turn each sample into one number, the product
# of its entries. Four samples, four outputs. A single call of ``backward`` on their sum: is that
# enough to have the gradient of each sample's own output?

# %% zh 96fd45: 批次里的样本
# 设``X``的每一行是一个样本，函数把每个样本变成一个数，即其各元素之积。四个样本，就有四个输出。
# 对输出之和只调用一次``backward``，是否足以求出每个样本自己那个输出的梯度（gradient）？

# %% predict
X = torch.arange(1.0, 13.0).reshape(4, 3).requires_grad_()
X.prod(dim=1).sum().backward()
print(X)
print(X.grad)

# %% check
assert X.tolist() == [[1, 2, 3], [4, 5, 6], [7, 8, 9], [10, 11, 12]]
one, two, three = X.detach().T
others = torch.stack([two * three, one * three, one * two], dim=1)
torch.testing.assert_close(X.grad, others)

# %% en
# It is: (6, 3, 2) are the derivatives of 1 · 2 · 3 by its factors, and so on down the rows. A sample
# influences its own output only. The Jacobian is made of blocks along a diagonal, and in each column
# the other samples have zeros.

# %% zh 012854
# 足够了：(6, 3, 2) 就是 1 · 2 · 3 对各个因子的导数，下面各行同理。每个样本只影响自己的输出。雅可比矩阵由
# 沿对角线排列的小块组成，在每一列里，与其他样本对应的位置都是零。

# %% en: Weights that all samples share
# Now the output of a sample is its product with a weight vector :math:`w`, and you want the gradient
# by :math:`w` of each sample's output: the *per-sample gradient*. (``X`` goes in by ``detach``: the
# same numbers without their history.) At :math:`w = (1, 1, 1)`, does a sum give it, too?

# %% zh 48d990: 所有样本共用的权重
# 现在，每个样本的输出是它与权重向量:math:`w`的内积，你想求的是每个样本的输出关于:math:`w`的梯度，
# 即*逐样本梯度*（per-sample gradient）。（``X``要先经过``detach``：数值不变，只是不再带有历史。）
# 取:math:`w = (1, 1, 1)`，求和也能得到这些梯度吗？

# %% predict
w = torch.ones(3, requires_grad=True)
outputs = X.detach() @ w
outputs.sum().backward()
print(w.grad)
print(jacobian(X.detach() @ w, w))

# %% check
assert w.grad.tolist() == [22, 26, 30]
torch.testing.assert_close(jacobian(X.detach() @ w, w), X.detach())

# %% en
# No: every output depends on the same three weights, so the sum has one gradient, (22, 26, 30), and
# the four are lost in it. Training wants that sum, or the mean. For the four themselves you need four rows of the
# Jacobian, and here they are the samples.

# %% zh 677b06
# 不能：每个输出都取决于同样的三个权重，而输出之和只有一个梯度 (22, 26, 30)，四个样本各自的梯度混在里面，
# 再也分不开了。训练要的正是这个和，或者平均值。如果想要的是四个梯度本身，就需要雅可比矩阵的四行，在这里它们恰好是
# 四个样本。

# %% en: Remember
# - ``y.sum().backward()`` is ``y.backward(v)`` with all elements of ``v`` equal to 1: it adds up the
#   rows of :math:`J`.
# - That is enough where no input influences more than one output: functions that work element by
#   element, the inputs of separate samples.
# - A sum that cannot change has a zero gradient, whatever its parts do.

# %% zh 8092b1: 要点
# - ``y.sum().backward()``就是``v``的元素全取 1 的``y.backward(v)``：把:math:`J`的各行相加。
# - 如果每个输入至多影响一个输出，求和就够了：逐元素的函数是这样，对彼此独立的样本的输入求导也是这样。
# - 只要总和不变，它的梯度就是零，不论各部分怎样变。

# %% en: Exercise: standardise
# A function subtracts from ``x = torch.linspace(0, 1, 8)`` its mean and divides by the standard
# deviation: ``(x - x.mean()) / x.std()``. Predict what the sum leaves in ``x.grad``, then check with
# the Jacobian whether a sum would be enough to know the derivatives.

# %% zh 060f75: 练习：标准化
# 一个函数从``x = torch.linspace(0, 1, 8)``里减去均值，再除以标准差：``(x - x.mean()) / x.std()``。
# 先猜一猜，对它求和会在``x.grad``里留下什么；再用雅可比矩阵检查：只靠求和，能否得知各个导数？

# %% solution
x = torch.linspace(0, 1, 8, requires_grad=True)
y = (x - x.mean()) / x.std()
y.sum().backward()
torch.testing.assert_close(x.grad, torch.zeros(8), rtol=0, atol=1e-5)

J = jacobian((x - x.mean()) / x.std(), x)
assert (J.diagonal() > 0.1).all() and (J.abs() > 1e-3).sum() == 60
z = y.detach()
cancel = (torch.outer(z, z) / 7 + 1 / 8).abs() < 1e-6
assert cancel.sum() == 4 and (J[cancel].abs() < 1e-5).all()
same = torch.ones(8)
assert ((same - same.mean()) / same.std()).isnan().all()

# %% en
# The standardised numbers add up to 0 unless the elements of :math:`x` are all equal (then each is 0
# divided by 0), so the gradient of their sum is zero; yet 60 of the 64 entries of the Jacobian are
# not. (In the other four, with these eight numbers, what the mean and the deviation contribute
# cancels out.) ``BatchNorm1d`` in training ties the samples of a batch together in this way.

# %% zh 6dba67
# 只要:math:`x`的元素不全相等（全相等时，每个数都是 0 除以 0），标准化以后的数加起来就是 0，所以总和的梯度为零；
# 可是雅可比矩阵的 64 个元素里，有 60 个不是零。（其余四个，是因为取了这八个数，均值和标准差的影响恰好抵消。）
# 训练时的``BatchNorm1d``，就是这样把批次里的各个样本联系在一起的。

# %% en: Where next
# :ref:`jacobians-and-hessians` gets whole matrices by one call of a function made for it.
# :ref:`functions-from-functions` has another way to per-sample gradients.

# %% zh 6b6249: 接下来
# :ref:`jacobians-and-hessians`用专门的函数，一次调用就得到整个矩阵；
# :ref:`functions-from-functions`里有求逐样本梯度的另一种办法。
