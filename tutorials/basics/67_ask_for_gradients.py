# %% about
# level: intermediate
# tags: torch.autograd.grad, allow_unused, materialize_grads, create_graph, Tensor.retain_grad

# %% en: Ask for gradients
# After this page you can use ``torch.autograd.grad``: for tensors that are not leaves, for tensors
# that may take no part in the result, and for derivatives of derivatives.
#
# It builds on :ref:`first-gradient`, where ``backward`` puts gradients into ``x.grad``, on
# :ref:`where-gradients-are-kept`, where only some tensors keep one, and on
# :ref:`keep-or-free-the-graph`.

# %% zh 0eeec8: 直接拿到梯度
# 学会用``torch.autograd.grad``求梯度（gradient）：中间结果不是叶子张量（leaf tensor），照样求得出；
# 遇到可能没有参与计算的张量，也知道怎样处理；还能接着求导数的导数。
#
# 请先读:ref:`first-gradient`，那里用``backward``把梯度放进``x.grad``；再读:ref:`where-gradients-are-kept`，
# 那里讲过，只有一部分张量会留下梯度；还要用到:ref:`keep-or-free-the-graph`。

# %%
import textwrap

import matplotlib.pyplot as plt
import torch

device = torch.accelerator.current_accelerator(check_available=True)
torch.set_default_device(device or "cpu")

# %% en: Name the tensors
# Let :math:`h = 3x` and :math:`y = h^2` at :math:`x = 2`. The call names the result and then the
# tensors with respect to which you want its gradient, and hands back a tuple with one gradient
# each. ``item`` gives the Python number in a tensor of one element. What are the two numbers?

# %% zh d10f88: 给张量点名
# 令:math:`h = 3x`，:math:`y = h^2`，取:math:`x = 2`。调用时先写结果，再列出若干张量，求的就是结果关于这些张量的梯度；
# 返回的是一个元组（tuple），每个张量对应一个梯度。``item``把单元素张量里的数取出来，变成 Python 数值。
# 打印的两个数各是多少？

# %% predict
x = torch.tensor(2.0, requires_grad=True)
h = 3 * x
y = h**2
dx, dh = torch.autograd.grad(y, [x, h])
print(dx.item(), dh.item())

# %% check
assert (h, y) == (6, 36)
assert dh == 2 * 6
assert dx == 3 * dh
try:
    torch.autograd.grad(y, x)
except RuntimeError as problem:
    message = str(problem)
assert message.startswith(
    "Trying to backward through the graph a second"
)
inner = x**2
assert torch.autograd.grad(inner**2, inner) == (8,)
assert torch.autograd.grad(inner, x) == (4,)

# %% en
# :math:`dy/dh = 2h = 12`, and with the factor 3 of the chain rule :math:`dy/dx = 36`. ``h`` is no
# leaf tensor and needs no preparation. Like ``backward``, the call frees what the nodes on its way
# have saved, and ``retain_graph=True`` keeps it. So ask for all the gradients that you want in one
# call.

# %% zh bfc7bd
# :math:`dy/dh = 2h = 12`，再乘上链式法则（chain rule）给出的因子 3，:math:`dy/dx = 36`。
# ``h``不是叶子张量，事先也不用做什么准备。这个调用和``backward``一样，会释放沿途各节点（node）保存的内容，
# 用``retain_graph=True``则能留住；所以想要的梯度，最好一次求完。

# %% en: Three places to look
# ``backward`` would add gradients to ``x.grad`` and ``w.grad`` below. ``retain_grad`` asks autograd
# to put into ``h.grad`` the gradient that passes through ``h`` (see
# :ref:`where-gradients-are-kept`). The call asks for the gradient with respect to ``x`` alone and
# returns it. What do the three ``grad`` hold afterwards?

# %% zh 614211: 看三个地方
# 如果用``backward``，梯度会加到下面的``x.grad``和``w.grad``里。``retain_grad``则让 autograd 把经过``h``的梯度
# 放进``h.grad``（见:ref:`where-gradients-are-kept`）。下面的调用只求关于``x``的梯度，并把它返回。
# 调用之后，三个``grad``里各是什么？

# %% predict
x = torch.tensor(2.0, requires_grad=True)
w = torch.tensor(3.0, requires_grad=True)
h = w * x
h.retain_grad()
y = h**2
(dx,) = torch.autograd.grad(y, x)
print(dx.item())
print([t.grad and t.grad.item() for t in (x, w, h)])

# %% check
assert (h, y) == (6, 36)
assert dx == 36 and dx == 2 * h * w
assert x.grad is None and w.grad is None
assert h.grad == 12

# %% en
# The two leaf tensors are untouched: ``grad`` accumulates into no leaf. So you can look at a
# gradient with respect to an input, in the middle of training, without disturbing those that the
# parameters hold. ``h.grad`` is filled all the same: on its way to ``x`` the gradient passes through
# ``h``.

# %% zh 3125f7
# 两个叶子张量都没有受影响：``grad``不会往叶子张量里累加。所以训练当中也可以随时看一看关于输入的梯度，
# 模型参数（parameter）里存着的梯度并不会因此改变。``h.grad``却还是有了值：梯度去往``x``，正好要经过``h``。

# %% en: A tensor that takes no part
# ``p`` requires a gradient, and :math:`y = x^2` does not use it. ``backward`` would leave ``p.grad``
# at ``None`` without a word. What will ``grad`` do when you ask for ``p``: with no option, with
# ``allow_unused=True``, with ``materialize_grads=True``?

# %% zh 90c3c1: 没有参与的张量
# ``p``需要梯度，但:math:`y = x^2`没有用到它。如果用``backward``，``p.grad``仍是``None``，而且没有任何提示。
# 换成用``grad``求关于``p``的梯度，分别试试不加选项、加``allow_unused=True``和加``materialize_grads=True``，
# 三次各会得到什么？

# %% predict
p = torch.tensor(1.0, requires_grad=True)
options = {}, {"allow_unused": True}, {"materialize_grads": True}
for option in options:
    y = x**2
    try:
        (dp,) = torch.autograd.grad(y, p, **option)
        print(None if dp is None else dp.item())
    except RuntimeError as error:
        print(textwrap.fill(str(error)))

# %% check
assert torch.autograd.grad(x**2, p, **options[1]) == (None,)
assert y == 4 and len(options) == 3
assert dp is not None and dp.item() == 0
both = torch.autograd.grad(x**2, [x, p], allow_unused=True)
assert both == (4, None)
try:
    torch.autograd.grad(x**2, p, **options[0])
except RuntimeError as problem:
    message = str(problem)
assert "appears to not have been used in the graph" in message

# %% en
# An error, ``None`` and 0. The error is a help: you named the tensor, and if it has no gradient, the
# graph may be cut somewhere. Where a part of a model really may stand aside, choose between
# ``None`` and zeros. All options are in the
# `reference <https://docs.pytorch.org/docs/stable/generated/torch.autograd.grad.html>`__.

# %% zh 18c337
# 报错、``None``和 0。报错其实是帮忙：张量是你点名的，如果得不到梯度，也许是图在某处断开了。
# 如果模型的某一部分确实可以不参与计算，就在``None``和零之间选一个。
# 全部选项见`参考文档 <https://docs.pytorch.org/docs/stable/generated/torch.autograd.grad.html>`__。

# %% en: Once more
# The gradient of :math:`y = x^3` is :math:`3x^2`, which is 27 at :math:`x = 3`, and the gradient of
# that is :math:`6x`. With ``create_graph=True`` the backward pass is recorded as well. What will each
# of the two rounds print, the first without it and the second with it?

# %% zh 8612be: 再求一次
# :math:`y = x^3`的梯度是:math:`3x^2`，在:math:`x = 3`处等于 27；再求一次梯度，应当是:math:`6x`。
# 加上``create_graph=True``，反向传播（backward pass）本身也会被记录。先不加、再加上，两轮各会打印什么？

# %% predict
x = torch.tensor(3.0, requires_grad=True)
for create_graph in (False, True):
    y = x**3
    (dy,) = torch.autograd.grad(y, x, create_graph=create_graph)
    print(dy.item(), dy.requires_grad)
    try:
        (ddy,) = torch.autograd.grad(dy, x)
        print(ddy.item())
    except RuntimeError as error:
        print(textwrap.fill(str(error)))

# %% check
assert create_graph and dy == 3 * 3**2 and dy.requires_grad
assert ddy == 6 * 3
(plain,) = torch.autograd.grad(x**3, x)
assert plain == 27 and not plain.requires_grad
try:
    torch.autograd.grad(plain, x)
except RuntimeError as problem:
    message = str(problem)
assert message.startswith("element 0 of tensors does not require grad")

# %% en
# Both times the gradient is 27. Without ``create_graph`` it is a tensor without a history, and the
# second call finds no graph to go back through. With it, the 27 has a graph of its own, which
# leads to the second derivative, 18.

# %% zh 7b426f
# 两次的梯度都是 27。不加``create_graph``，它只是一个没有历史的张量，第二次调用就找不到可以往回走的图。
# 加上之后，这个 27 有了自己的图，顺着图往回走，就得到二阶导数 18。

# %% en: A curve and its derivatives
# Take 101 points at once on :math:`y = e^{-x^2}`. Each :math:`y` depends on its own :math:`x`
# alone, so the gradient of the sum holds the derivative at each point. Sketch the bell first: where
# will :math:`y'` and :math:`y''` cross zero?

# %% zh 8fb9cc: 一条曲线和它的导数
# 一次取:math:`y = e^{-x^2}`上的 101 个点。每个:math:`y`只取决于与它对应的:math:`x`，
# 所以对总和求梯度，得到的就是每个点上的导数。先画出这条钟形曲线的草图，
# 再想一想：:math:`y'`和:math:`y''`各在哪里穿过零？

# %% predict
x = torch.linspace(-3, 3, 101, requires_grad=True)
curves = [torch.exp(-(x**2))]
for _ in range(2):
    last = curves[-1].sum()
    curves += torch.autograd.grad(last, x, create_graph=True)

labels, styles = ("$y$", "$y'$", "$y''$"), ("-", "--", ":")
for curve, label, style in zip(curves, labels, styles):
    plt.plot(x.tolist(), curve.tolist(), style, label=label)
plt.axhline(0, linewidth=0.5)
plt.xlabel("$x$")
plt.legend()
plt.show()

# %% check
points = torch.linspace(-3, 3, 101)
bell = torch.exp(-(points**2))
formulas = [bell, -2 * points * bell, (4 * points**2 - 2) * bell]
assert len(curves) == 3
for curve_, formula in zip(curves, formulas, strict=True):
    torch.testing.assert_close(curve_.detach(), formula)
turns = points[:-1][formulas[2][:-1] * formulas[2][1:] < 0].abs()
assert len(turns) == 2 and (turns - 0.5**0.5).abs().max() < 0.06

# %% en alt
# The bell :math:`y`, its first and its second derivative for :math:`x` from -3 to 3. The first
# derivative, dashed, is positive on the left, crosses zero at 0 and is negative on the right. The
# second, dotted, dips to -2 at 0 and crosses zero near -0.7 and 0.7.

# %% zh alt cd1268
# :math:`x`从 -3 到 3 时的钟形曲线:math:`y`及其一阶、二阶导数。一阶导数用虚线画出，左侧为正，
# 在 0 处穿过零，右侧为负。二阶导数用点线画出，在 0 处降到 -2，在 -0.7 和 0.7 附近穿过零。

# %% en
# The first at the top, :math:`x = 0`. The second where the bell is steepest: there :math:`y'` has its
# peak and its trough, at :math:`x = \pm 1/\sqrt{2}`, about 0.7.

# %% zh 2558ce
# 一阶导数在顶点:math:`x = 0`处穿过零。二阶导数则在钟形曲线最陡的地方穿过零，那里正是:math:`y'`的波峰和波谷，
# 位于:math:`x = \pm 1/\sqrt{2}`，约 0.7。

# %% en: Remember
# - ``torch.autograd.grad`` returns a tuple of the gradients you name, and accumulates into no leaf.
# - A named tensor that takes no part is an error, unless you allow ``None`` or zeros.
# - ``create_graph=True`` gives the gradient a graph, so that you can differentiate again.

# %% zh b4f1b9: 要点
# - ``torch.autograd.grad``返回一个元组，里面是关于你点名的那些张量的梯度；它不往叶子张量里累加。
# - 点名的张量如果没有参与计算，就会报错，除非你允许``None``或零。
# - ``create_graph=True``让梯度也有图，于是可以再求一次导。

# %% en: Exercise: between two steps
# Let ``w.grad`` hold 5 from an earlier ``backward``. Find the gradient of :math:`(w x)^2` with
# respect to :math:`x` at :math:`w = 3` and :math:`x = 2`, in such a way that ``w.grad`` is
# still 5 afterwards.

# %% zh 6dff06: 练习：两步之间
# 设``w.grad``里已有 5，是先前一次``backward``留下的。在:math:`w = 3`、:math:`x = 2`处求:math:`(w x)^2`
# 关于:math:`x`的梯度，并且使``w.grad``在这之后仍然是 5。

# %% solution
w = torch.tensor(3.0, requires_grad=True)
x = torch.tensor(2.0, requires_grad=True)
(5 * w).backward()
(dx,) = torch.autograd.grad((w * x) ** 2, x)
print(dx.item(), w.grad.item())
assert dx == 2 * (3 * 2) * 3
assert w.grad == 5

# %% en: Exercise: four times
# Differentiate :math:`\sin x` four times at :math:`x = 1` and check that you are back at
# :math:`\sin 1`.

# %% zh 70a153: 练习：求导四次
# 在:math:`x = 1`处对:math:`\sin x`求导四次，并验证结果又回到了:math:`\sin 1`。

# %% solution
x = torch.tensor(1.0, requires_grad=True)
y = start = torch.sin(x)
for _ in range(4):
    (y,) = torch.autograd.grad(y, x, create_graph=True)
print(y.item(), start.item())
torch.testing.assert_close(y.detach(), start.detach())

# %% en: Where next
# :ref:`vector-jacobian-product` asks for gradients of results with many elements, and
# :ref:`jacobians-and-hessians` goes on with second derivatives.

# %% zh a87ac3: 接下来
# 结果有许多元素时，梯度怎么求？见:ref:`vector-jacobian-product`。二阶导数的更多内容，
# 见:ref:`jacobians-and-hessians`。
