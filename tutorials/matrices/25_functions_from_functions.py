# %% about
# level: advanced
# tags: torch.func, grad, vmap, vjp, jvp, functional_call, argnums, in_dims

# %% en: Functions from functions
# ``torch.func`` takes a function and gives you its derivative as a new function, ready to be called,
# differentiated again or run over a whole batch. After this page you can nest such calls, and get
# per-sample gradients and the Hessian of a model.
#
# It builds on :ref:`jacobians-and-hessians`.

# %% zh 367e6a: 由函数得到函数
# 把函数交给``torch.func``，得到的导数是一个新函数，可以直接调用，可以继续求导，也可以对整个批次运行。
# 学完这一页，你就能把这样的调用层层嵌套，求出逐样本梯度和模型的海森矩阵（Hessian matrix）。
#
# 这一页以:ref:`jacobians-and-hessians`为基础。

# %%
import textwrap
import warnings

import matplotlib.pyplot as plt
import torch
from torch.autograd import functional
from torch.func import functional_call, grad, hessian, jvp, vjp, vmap

device = torch.accelerator.current_accelerator(check_available=True)
torch.set_default_device(device or "cpu")

slope = grad(torch.sin)
print(slope(torch.tensor(0.0)))

# %% check
assert slope(torch.tensor(0.0)) == 1

# %% en: Three times
# ``grad`` of a function is its derivative, again a function: above, :math:`\cos 0 = 1`. So ``grad``
# can be applied to it, and to the result once more. What is the third derivative of the sine at
# zero?

# %% zh 2adaa8: 三次
# ``grad``把函数变成它的导数，导数仍是函数：上面算的是:math:`\cos 0 = 1`。所以可以对导数再用``grad``，
# 对得到的结果还可以再用一次。正弦在零处的三阶导数是多少？

# %% predict
print(grad(grad(grad(torch.sin)))(torch.tensor(0.0)))

# %% check
assert grad(grad(grad(torch.sin)))(torch.tensor(0.0)) == -1
third = grad(grad(slope))(torch.tensor(2.0))
torch.testing.assert_close(third, -torch.tensor(2.0).cos())

# %% en
# It is :math:`-\cos 0 = -1`. Nobody had to set ``requires_grad`` or ``create_graph``: each ``grad``
# records what it needs. A derivative of a derivative, at any level, is a *higher-order derivative*.

# %% zh c9399c
# 结果是:math:`-\cos 0 = -1`。不必设``requires_grad``，也不必设``create_graph``：每一层``grad``都会记录
# 自己所需的东西。导数的导数，不论求到第几阶，都叫*高阶导数*（higher-order derivative）。

# %% en: A hundred points at once
# You want to draw the derivative. Which of these does ``slope`` accept: a single point, the same point in a vector of one
# element, a vector of a hundred points?

# %% zh cc6f90: 一次算一百个点
# 你想画出导数的曲线。单个的点、由这个点单独组成的向量、含有一百个点的向量，``slope``接受其中哪些？

# %% predict
points = torch.linspace(-4, 4, 100)
trials = (points[0], points[:1], points)
for x in trials:
    try:
        print(slope(x))
    except RuntimeError as error:
        print(textwrap.fill(str(error), 72))

# %% check
assert [x.shape for x in trials] == [(), (1,), (100,)]
assert trials[0] == -4
torch.testing.assert_close(slope(trials[0]), trials[0].cos())
for refused in trials[1:]:
    try:
        slope(refused)
    except RuntimeError as refusal:
        told = "to return a scalar Tensor, got tensor with 1 dims"
        assert told in str(refusal)

# %% en
# Only the single point: ``grad`` is stricter than ``backward`` and differentiates a scalar, a tensor
# without dimensions. ``vmap`` takes
# a function of one point to a function of many: it runs it for every element along the first
# dimension, in one batch, and you write no loop. ``vmap(grad(...))`` is written as it is said:

# %% zh 1018f6
# 只接受单个的点：``grad``比``backward``更严格，求导的对象是标量（scalar），也就是没有维度的张量（tensor）。``vmap``则把处理一个点的函数变成
# 处理许多点的函数：沿第一维的每个元素（element）各运行一次，合成一批来算，你不用写循环。直接写成``vmap(grad(...))``：

# %%
first = vmap(grad(torch.sin))(points)
second = vmap(grad(grad(torch.sin)))(points)

plt.plot(points.cpu(), points.sin().cpu(), label="sin")
plt.plot(points.cpu(), first.cpu(), "--", label="grad(sin)")
plt.plot(points.cpu(), second.cpu(), ":", label="grad(grad(sin))")
plt.xlabel("$x$")
plt.ylim(-1.2, 2.2)
plt.legend()
plt.show()

# %% check
at = -4 + 8 * torch.arange(100) / 99
torch.testing.assert_close(points, at)
torch.testing.assert_close(first, at.cos(), rtol=0, atol=1e-5)
torch.testing.assert_close(second, -at.sin(), rtol=0, atol=1e-5)

# %% en alt
# Three waves over :math:`x` from -4 to 4: the sine, its derivative, which leads it by a quarter of a
# wave, and its second derivative, the sine upside down.

# %% zh alt f763fb
# :math:`x`从 -4 到 4 的三条波形：正弦；它的导数，比它超前四分之一个波长；它的二阶导数，与正弦上下相反。

# %% en: Two arguments
# The function :math:`a(x, y) = x\, y^2` has two arguments, and so two derivatives, :math:`y^2` and
# :math:`2 x y`. ``argnums`` says by which arguments ``grad`` differentiates, counted from 0: a number
# for one of them, a tuple for several. Leave it out, and it is 0. What do the two lines print at
# :math:`x = 2` and :math:`y = 3`?

# %% zh cabbc7: 两个参数
# 函数:math:`a(x, y) = x\, y^2`有两个参数，也就有两个导数:math:`y^2`和:math:`2 x y`。``argnums``指定``grad``
# 对哪些参数求导，从 0 数起：一个参数写一个数，几个参数写元组；不写就是 0。在:math:`x = 2`、:math:`y = 3`处，
# 下面两行各打印什么？


# %% predict
def area(x, y):
    return x * y**2


two, three = torch.tensor(2.0), torch.tensor(3.0)
print(grad(area)(two, three))
print(grad(area, argnums=(1, 0))(two, three))

# %% check
assert grad(area)(two, three) == 9
both = grad(area, argnums=(1, 0))(two, three)
assert [d.item() for d in both] == [12, 9]
assert grad(area, argnums=1)(two, three) == 12

# %% en
# First :math:`y^2 = 9` alone, then 12 and 9: the derivatives come in the order of the tuple.

# %% zh c8b75e
# 先是单独一个:math:`y^2 = 9`，然后是 12 和 9：几个导数按元组里的顺序排列。

# %% en: Evaluations and products
# ``vjp`` returns the output and a function that computes :math:`v^\top J` for the :math:`v` that you
# give it. The list ``runs`` grows whenever :math:`f` is evaluated. How long is it after two products?

# %% zh 5219f2: 求值与乘积
# ``vjp``返回两样东西：原函数的输出，以及一个新函数；把:math:`v`传给新函数，就算出:math:`v^\top J`。每对:math:`f`求值一次，列表
# ``runs``就变长一次。求过两个乘积之后，列表有多长？


# %% predict
def f(x):
    runs.append(1)
    return torch.stack([x[0] * x[1], x[1] + x[2] ** 2])


runs = []
x = torch.tensor([1.0, 2.0, 3.0])
output, pullback = vjp(f, x)
print(pullback(torch.tensor([1.0, 0.0])))
print(pullback(torch.tensor([0.0, 1.0])))
print(len(runs))

# %% check
assert len(runs) == 1
assert output.tolist() == [2, 11]
J = functional.jacobian(f, x)
assert J.tolist() == [[2, 1, 0], [0, 1, 6]]
torch.testing.assert_close(torch.cat(pullback(torch.eye(2)[0])), J[0])
torch.testing.assert_close(torch.cat(pullback(torch.eye(2)[1])), J[1])

# %% en
# One: the graph is kept, and each product is only a walk back through it. (The products come as
# tuples, with one entry per input.)
#
# ``jvp``, with inputs and directions as tuples, computes :math:`J u` in one go. It is *forward mode*:
# the derivative along :math:`u` travels with the value, from the inputs to the outputs, so :math:`u`
# must be there from the start. (Its first use in torch 2.13 raises a ``DeprecationWarning`` that does
# not concern your code; the cell silences it.)

# %% zh c2ca60
# 只有一项：计算图（computational graph）被保留下来，每求一个乘积，只是沿着它往回走一趟。（乘积放在元组里，每个输入对应一项。）
#
# ``jvp``的输入和方向都放在元组里，一步就算出:math:`J u`。它用的是*前向模式*（forward mode）：
# 沿:math:`u`方向的导数与数值一道，从输入走到输出，所以:math:`u`一开始就得给出。（在 torch 2.13 里，
# 第一次使用它会引发``DeprecationWarning``，它与你的代码无关，下面把它屏蔽掉。）

# %%
with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)
    output, tangent = jvp(f, (x,), (torch.tensor([1.0, 1.0, 0.0]),))
print(tangent)

# %% check
assert output.tolist() == [2, 11] and tangent.tolist() == [3, 1]
_, both = jvp(
    area, (two, three), (torch.tensor(1.0), torch.tensor(1.0))
)
assert both == 9 + 12
by_two, by_three = vjp(area, two, three)[1](torch.tensor(1.0))
assert by_two == 9 and by_three == 12
with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    _, push = torch.func.linearize(f, x)
evaluated = len(runs)
assert push(torch.tensor([1.0, 1.0, 0.0])).tolist() == [3, 1]
assert push(torch.tensor([1.0, 0.0, -1.0])).tolist() == [2, -6]
assert len(runs) == evaluated

# %% en: Four samples, one call
# Four samples, three weights, and the loss of a single sample. ``in_dims`` tells ``vmap`` along which
# dimension each argument is taken apart: ``None`` means that all samples get the same ``w``. Which
# shape does the result have: that of the weights, or a row for each sample?

# %% zh 2852bb: 四个样本，一次调用
# 下面有四个样本、三个权重（weight），还有单个样本的损失（loss）函数。``in_dims``告诉``vmap``沿哪一维把每个参数拆开：``None``表示所有样本
# 共用同一个``w``。结果的形状与权重相同，还是每个样本一行？


# %% predict
def sample_loss(w, sample, target):
    return (sample @ w - target) ** 2


w = torch.tensor([1.0, 0.0, -1.0])
samples = torch.arange(1.0, 13.0).reshape(4, 3)
targets = torch.tensor([0.0, -1.0, -2.0, -3.0])
each = vmap(grad(sample_loss), in_dims=(None, 0, 0))
print(each(w, samples, targets))

# %% check
errors = samples @ w - targets
assert errors.tolist() == [-2, -1, 0, 1]
by_hand = 2 * errors[:, None] * samples
torch.testing.assert_close(each(w, samples, targets), by_hand)
whole = grad(lambda w: (samples @ w - targets).square().sum())(w)
torch.testing.assert_close(by_hand.sum(0), whole)

# %% en
# A row for each sample: the *per-sample gradients*, :math:`2\, (s^\top w - t)\, s` for a sample
# :math:`s` with target :math:`t`. The third sample is already fitted and asks for no change. Their sum
# is what a backward pass of the summed loss would leave.

# %% zh 997c06
# 每个样本一行，也就是*逐样本梯度*（per-sample gradient）：样本:math:`s`的目标值是:math:`t`时，它的梯度为
# :math:`2\, (s^\top w - t)\, s`。第三个样本已经拟合好了，所以不需要任何改变。对损失之和做反向传播（backward pass），得到的就是
# 各行之和。

# %% en: The loss of a model
# An ``nn.Module`` keeps its parameters inside, but ``hessian`` differentiates by arguments.
# ``functional_call`` runs a module with the parameters that you pass in a dictionary, and so makes
# them an argument. The Hessian is then a dictionary of dictionaries, a block for each pair of names;
# the block of the two weights is shown.
#
# The model is linear and the loss is the mean of squared errors. The loop takes the model's own
# parameters first, then all of them moved by 1. Will the two matrices differ?

# %% zh 5ba888: 模型的损失
# ``nn.Module``把模型参数（parameter）存在内部，而``hessian``是对函数的参数求导的。``functional_call``运行模块时，用的是你在
# 字典里传入的模型参数，模型参数便成了函数的参数。这样得到的海森矩阵是字典套字典，每一对名字对应一块；
# 下面打印的，是两个权重的那一块。
#
# 模型是线性的，损失是误差平方的平均值。循环先用原来的模型参数，再把它们全都加上 1。
# 两次打印出来的矩阵会不同吗？

# %% predict
torch.manual_seed(0)
model = torch.nn.Linear(2, 1)
inputs = torch.tensor([[1.0, 0.0], [1.0, 1.0], [1.0, 2.0], [0.0, 3.0]])


def model_loss(params):
    outputs = functional_call(model, params, (inputs,))
    return (outputs - 1).square().mean()


params = {name: p.detach() for name, p in model.named_parameters()}
moved = {name: p + 1 for name, p in params.items()}
for point in (params, moved):
    table = hessian(model_loss)(point)
    print(table["weight"]["weight"].reshape(2, 2))

# %% check
formula = torch.tensor([[1.5, 1.5], [1.5, 7.0]])
torch.testing.assert_close(2 / 4 * inputs.T @ inputs, formula)
for place in (params, moved):
    blocks = hessian(model_loss)(place)
    block = blocks["weight"]["weight"].reshape(2, 2)
    torch.testing.assert_close(block, formula)
    assert abs(blocks["bias"]["bias"].item() - 2) < 1e-6
outputs = functional_call(model, moved, (inputs,))
by_addition = model(inputs) + inputs.sum(1, keepdim=True) + 1
torch.testing.assert_close(outputs, by_addition)
assert abs(model_loss(moved) - (outputs - 1).square().mean()) < 1e-5
two_layers = hessian(lambda p: (p[1] * p[0] - 1) ** 2)
for pair in ([1.0, 1.0], [2.0, 1.0]):
    curvature = two_layers(torch.tensor(pair))
    assert curvature[1, 1] == 2 * pair[0] ** 2

# %% en
# The same. The loss is quadratic in the parameters, and a quadratic function has constant second
# derivatives: :math:`\frac{2}{N} A^\top A`, where :math:`A` holds the :math:`N` inputs as rows. With
# a second layer the Hessian would depend on the parameters.

# %% zh 00e797
# 是一样的。损失是模型参数的二次函数，而二次函数的二阶导数是常数：:math:`\frac{2}{N} A^\top A`，其中:math:`A`
# 的各行是:math:`N`个输入。如果再加一层，海森矩阵就会随模型参数而变。

# %% en: The older interface inside the newer
# ``functional.jacobian``, the call of the last page, works on an input with ``requires_grad``, and with
# ``create_graph=True`` sets it only where it is missing. Inside ``grad`` and ``vmap``, setting it is an
# error. Below, ``grad`` differentiates the sum of the entries of :math:`J`; ``vmap`` asks for
# :math:`J` at each of four points. Which of the two works?

# %% zh 01749a: 把旧接口放进新接口
# 上一页的``functional.jacobian``，计算时用的是带有``requires_grad``的输入；设了``create_graph=True``，就只在输入没有带的时候
# 才替它设上。可是在``grad``和``vmap``内部设置，就会出错。下面的``grad``对:math:`J`的各元素之和求导，
# ``vmap``则在四个点上各求一个:math:`J`。哪一种行得通？


# %% predict
def matrix(x):
    return functional.jacobian(f, x, create_graph=True)


entries = grad(lambda x: matrix(x).sum())
for transformed, at in ((entries, x), (vmap(matrix), samples)):
    try:
        print(transformed(at))
    except RuntimeError as error:
        print(textwrap.fill(str(error), 72))


# %% check
def g(x):
    return x[0] ** 2 * x[1] + x[1] * x[2] ** 2


def curved(x):
    return functional.hessian(g, x, create_graph=True)


def marked(x):
    marks.append(x.requires_grad)
    return x.sum()


marks = []
grad(marked)(x), vmap(marked)(samples)
assert marks == [True, False]
assert entries(x).tolist() == [1, 1, 2]
assert grad(lambda x: curved(x).sum())(x).tolist() == [4, 4, 4]
assert grad(lambda x: hessian(g)(x).sum())(x).tolist() == [4, 4, 4]
many = vmap(hessian(g))(samples)
assert many.shape == (4, 3, 3)
for sample, one in zip(samples, many, strict=True):
    torch.testing.assert_close(one, functional.hessian(g, sample))
inside_grad = grad(lambda x: functional.jacobian(f, x).sum())
for forbidden, at in (
    (vmap(matrix), samples),
    (vmap(curved), samples),
    (inside_grad, x),
    (grad(lambda x: x.clone().requires_grad_().sum()), x),
):
    try:
        forbidden(at)
    except RuntimeError as refusal:
        told = "inside of a function being transformed"
        assert told in str(refusal)
tracked = x.clone().requires_grad_()
assert not functional.jacobian(f, tracked).requires_grad
assert all(
    attached.requires_grad
    for attached in (
        torch.func.jacrev(f)(tracked),
        torch.func.jacfwd(f)(tracked),
        grad(g)(tracked),
        hessian(g)(tracked),
        vjp(f, tracked)[1](torch.ones(2))[0],
        jvp(f, (tracked,), (w,))[1],
    )
)
H = functional.hessian(g, x)
for outside in (torch.func.jacrev, torch.func.jacfwd):
    for inside in (grad, torch.func.jacrev, torch.func.jacfwd):
        torch.testing.assert_close(outside(inside(g))(x), H)
torch.testing.assert_close(grad(lambda x: grad(g)(x) @ w)(x), H @ w)
along = grad(lambda x: jvp(g, (x,), (w,))[1])(x)
torch.testing.assert_close(along, H @ w)


def linear(x):
    return torch.func.linearize(g, x)[1](w)


with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    assert not torch.allclose(grad(linear)(x), H @ w)
    try:
        vmap(linear)(samples)
    except RuntimeError as refusal:
        assert "_make_dual" in str(refusal)

# %% en
# ``grad``: it differentiates by ``x``, so ``x`` has ``requires_grad`` there. The entries add up
# to :math:`x_2 + x_1 + 1 + 2 x_3`, and (1, 1, 2) is right. ``vmap`` does not differentiate, and there
# ``functional.jacobian`` has to set it. Do not count on mixing the two interfaces. They differ:
#
# - ``functional`` takes function and inputs together and differentiates by all these inputs. From
#   ``torch.func``, ``grad`` and ``hessian`` return a function and obey ``argnums``, as do ``jacrev``
#   and ``jacfwd`` (a Jacobian by rows, by columns); ``vjp`` and ``jvp`` take the inputs at once and
#   have no ``argnums``.
# - ``functional`` cuts its result from the graph unless you say ``create_graph=True``; ``torch.func``
#   does not.
# - ``vmap`` and these six calls of ``torch.func`` are made to be nested.

# %% zh 19067d
# 放进``grad``行得通：它要对``x``求导，所以在它内部，``x``已经带有``requires_grad``。各元素之和是
# :math:`x_2 + x_1 + 1 + 2 x_3`，(1, 1, 2) 是对的。``vmap``并不求导，在它内部只好由``functional.jacobian``来设。
# 不要指望两套接口可以混用。它们的区别是：
#
# - ``functional``同时接收函数和输入，并对这些输入全都求导。``torch.func``里的``grad``和``hessian``返回函数，
#   由``argnums``决定对哪些参数求导，``jacrev``和``jacfwd``也是这样，它们分别按行、按列求雅可比矩阵（Jacobian matrix）；
#   ``vjp``和``jvp``则直接接收输入，没有``argnums``。
# - ``functional``的结果与计算图断开，除非设``create_graph=True``；``torch.func``的结果不断开。
# - ``vmap``和``torch.func``的这六个调用，本来就是为嵌套设计的。

# %% en: Remember
# - ``grad`` returns a function; ``argnums`` says by which arguments it differentiates.
# - ``vmap`` runs a function over a batch: ``vmap(grad(...))`` gives per-sample gradients.
# - ``functional_call`` makes a model's parameters an argument.

# %% zh cede73: 要点
# - ``grad``返回函数；``argnums``决定对哪些参数求导。
# - ``vmap``让函数对一批数据运行：``vmap(grad(...))``得到逐样本梯度。
# - ``functional_call``让模型参数成为函数的参数。

# %% en: Exercise: a mixed derivative
# Nest ``grad`` twice to get :math:`\partial^2 a / \partial x\, \partial y` of :math:`a(x, y) = x\, y^2`
# at :math:`x = 2`, :math:`y = 3`.

# %% zh 7638d9: 练习：混合偏导数
# 把``grad``套两层，求:math:`a(x, y) = x\, y^2`在:math:`x = 2`、:math:`y = 3`处的
# :math:`\partial^2 a / \partial x\, \partial y`。

# %% solution
mixed = grad(grad(area, argnums=0), argnums=1)
assert mixed(two, three) == 6

# %% en: Exercise: all rows from one function
# Combine ``vmap`` with ``pullback`` and build the whole Jacobian of :math:`f`.

# %% zh e6973b: 练习：用一个函数得到所有的行
# 把``vmap``与``pullback``组合起来，构造:math:`f`的整个雅可比矩阵。

# %% solution
(rows,) = vmap(pullback)(torch.eye(2))
assert rows.tolist() == [[2, 1, 0], [0, 1, 6]]

# %% en: Where next
# :ref:`what-jacobians-cost` says when ``jacrev`` is cheap and when ``jacfwd`` is. The
# `documentation <https://docs.pytorch.org/docs/stable/func.html>`__ of ``torch.func`` lists its other
# functions.

# %% zh 212c39: 接下来
# :ref:`what-jacobians-cost`告诉你什么时候``jacrev``代价低，什么时候``jacfwd``代价低。``torch.func``的
# `文档 <https://docs.pytorch.org/docs/stable/func.html>`__列出了它的其他函数。
