# %% about
# level: beginner
# tags: Tensor.is_leaf, Tensor.retain_grad, Tensor.retains_grad, Tensor.register_hook, Tensor.requires_grad_

# %% en: Where gradients are kept
# Say beforehand which tensors will hold a gradient after ``backward``, say why ``grad`` is ``None``
# in the others, and keep a gradient that would otherwise be dropped.
#
# In a picture of a graph, leaf tensors stand at the top and results on the way down. The page
# builds on :ref:`first-gradient`, where ``retain_grad`` kept a gradient on the way, and on
# :ref:`read-the-graph`, which introduces nodes, leaf tensors and hooks.

# %% zh af296e: 梯度留在哪里
# 学会事先判断：``backward``之后，哪些张量里有梯度；说清其余张量的``grad``为什么是``None``；
# 再学会把本来会被丢掉的梯度留下来。
#
# 在画出来的计算图（computational graph）里，顶上是叶子张量（leaf tensor），往下是一个个中间结果。
# 在:ref:`first-gradient`里，你用``retain_grad``留住过途中的梯度；节点（node）、叶子张量和钩子，
# :ref:`read-the-graph`里也都讲过。这一页接着往下讲。

# %%
import textwrap
import warnings

import matplotlib.pyplot as plt
import torch

device = torch.accelerator.current_accelerator(check_available=True)
torch.set_default_device(device or "cpu")

# %% en: Two tensors on one path
# Compute :math:`b = \sin a` and :math:`c = b^2` and add everything up. Both ``a`` and ``b`` require
# a gradient, and on its way to ``a`` the gradient has to pass through ``b``.
#
# The block with ``catch_warnings`` collects warnings in a list, should there be any, and the loop
# prints their first sentences. What will ``a.grad`` and ``b.grad`` be, and will there be a warning?

# %% zh d4bc8f: 同一条路径上的两个张量
# 算出:math:`b = \sin a`和:math:`c = b^2`，再把所有的数加起来。``a``和``b``都需要梯度，
# 而梯度要到达``a``，必须先经过``b``。
#
# 带``catch_warnings``的那一块代码会捕获可能出现的警告，存进列表；最后的循环打印警告开头的几句话。
# ``a.grad``和``b.grad``会是什么？会有警告吗？

# %% predict
a = torch.tensor([0.5, 1.0], requires_grad=True)
b = torch.sin(a)
c = b**2
c.sum().backward()

with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    print(a.grad)
    print(b.grad)
for warning in caught:
    message = str(warning.message).split(" See ")[0]
    print(textwrap.fill(message, 70))

# %% check
expected = torch.tensor([0.8414710, 0.9092974])
torch.testing.assert_close(a.grad, expected)
assert len(caught) == 1
assert message.startswith("The .grad attribute of a Tensor that is not")
assert message.endswith("access the leaf Tensor instead.")
with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    assert b.grad is None
again = torch.sin(a.detach().requires_grad_())
(again**2).sum().backward(inputs=[again])
torch.testing.assert_close(again.grad, 2 * again.detach())

# %% en
# The leaf tensor holds :math:`2 \sin a \cos a`. The result ``b`` holds nothing, and PyTorch warns
# you: it is no leaf tensor, so a plain ``backward()`` does not by itself fill its ``grad``. To keep
# a gradient for each result on the way would take about as much memory as the results themselves,
# and a step of training can do without them.

# %% zh b8f07d
# 叶子张量里是:math:`2 \sin a \cos a`。中间结果``b``却没有留下梯度，PyTorch 还发出了警告：
# 这个结果不是叶子张量，所以不带参数的``backward()``不会主动填写它的``grad``。
# 如果给每个中间结果都留一份梯度，所占的内存就和这些结果本身差不多，而训练时并用不上这些梯度。

# %% en: A look at what passes
# To see the gradient for ``b`` without keeping it in ``grad``, use a hook: a function that you hand
# to ``register_hook`` of a tensor is called when the gradient for this tensor passes, and gets that
# gradient. Ours appends it to a list; the computation is the one from above. How many gradients
# will the list hold, and which?

# %% zh 1b324b: 看一眼经过的梯度
# 想看到``b``的梯度，又不必把它留在``grad``里，可以用钩子（hook）：
# 用张量的``register_hook``登记一个函数，这个张量的梯度经过时，函数就会被调用，并收到这份梯度。
# 下面的计算与前面一样，我们的钩子把收到的梯度存进列表。列表里会有几份梯度，各是什么？

# %% predict
b = torch.sin(a)
c = b**2
passed = []
b.register_hook(passed.append)
c.sum().backward()
print(passed)

# %% check
assert len(passed) == 1
twice_the_sines = torch.tensor([0.9588511, 1.6829420])
torch.testing.assert_close(passed[0], twice_the_sines)

# %% en
# One, :math:`2 b = 2 \sin a`. It had to be computed: the chain rule needs it to go on from ``b`` to
# ``a``. Then it was handed on and dropped; but for our list, it would be gone.

# %% zh 0c74c7
# 有一份，是:math:`2 b = 2 \sin a`。这份梯度非算不可：链式法则（chain rule）要从``b``走到``a``，
# 少不了它。往回传之后，它就被丢掉了；要不是存进了我们的列表，现在就看不到了。

# %% en: Keep three of them
# ``retain_grad`` asks a result to keep its gradient in ``grad``. Take 100 numbers :math:`u` from 0
# to :math:`2\pi`, :math:`s = \sin u`, :math:`q = s^2`, and the sum of :math:`q` as the final
# result; ``s`` and ``q`` are asked before ``backward``. (``detach`` gives the values without the
# graph, and ``cpu`` fetches them for Matplotlib.) Sketch the three curves ``q.grad``, ``s.grad``
# and ``u.grad`` over :math:`u`: what will they look like?

# %% zh 44fa3a: 留下三份梯度
# 对一个中间结果调用``retain_grad``，它的梯度就会留在``grad``里。
# 从 0 到:math:`2\pi`取 100 个数:math:`u`，令:math:`s = \sin u`，:math:`q = s^2`，
# 把:math:`q`的元素（element）之和作为最终结果；在``backward``之前，先对``s``和``q``这样调用一次。
# （``detach``给出不带计算图的值，``cpu``把值取回来交给 Matplotlib。）
# 以:math:`u`为横轴画一画``q.grad``、``s.grad``和``u.grad``：三条曲线会是什么样子？

# %% predict
u = torch.linspace(0, 2 * torch.pi, 100, requires_grad=True)
s = torch.sin(u)
q = s**2
s.retain_grad()
q.retain_grad()
q.sum().backward()

across = u.detach().cpu()
plt.plot(across, q.grad.cpu(), ":", label="q.grad")
plt.plot(across, s.grad.cpu(), "--", label="s.grad")
plt.plot(across, u.grad.cpu(), "-", label="u.grad")
plt.xlabel("$u$")
plt.legend()
plt.show()

# %% check
angles = torch.arange(100) * 2 * torch.pi / 99
torch.testing.assert_close(across, angles.cpu())
torch.testing.assert_close(q.grad, torch.ones(100))
torch.testing.assert_close(s.grad, 2 * torch.sin(angles))
near = {"atol": 1e-5, "rtol": 1e-5}
torch.testing.assert_close(u.grad, torch.sin(2 * angles), **near)

# %% en alt
# Three curves over one period. The dotted one is constant at 1, the dashed one is a sine of height
# 2, and the solid one is a sine of height 1 that swings twice.

# %% zh alt 33a526
# 一个周期上的三条曲线。点线恒为 1，虚线是振幅为 2 的正弦，实线是振幅为 1、来回摆动两次的正弦。

# %% en
# From the result up, each step multiplies by one more derivative. The sum sends a 1 to each element
# of :math:`q`; the square makes :math:`2 s = 2 \sin u` of it; and after the sine it is
# :math:`2 \sin u \cos u = \sin 2u`.

# %% zh a443e8
# 从结果往上，每一步都多乘一个导数。求和向:math:`q`的每个元素送去 1；经过平方，
# 它变成:math:`2 s = 2 \sin u`；再经过正弦，就成了:math:`2 \sin u \cos u = \sin 2u`。

# %% en: Asking afterwards
# The tensor ``c`` comes from the section with the hook, where the backward pass has been done. Only
# now is it asked, with ``retain_grad``, to keep its gradient; ``retains_grad`` tells whether a
# tensor has been asked. Which two values will be printed?

# %% zh e75309: 事后才请求
# 张量``c``来自讲钩子的那一节，那里的反向传播（backward pass）已经做完，现在才对它调用``retain_grad``。
# 属性``retains_grad``表示是否提出过这样的请求。打印出来的两个值会是什么？

# %% predict
c.retain_grad()
print(c.grad, c.retains_grad)

# %% check
with warnings.catch_warnings(record=True) as silent:
    warnings.simplefilter("always")
    assert c.grad is None and c.retains_grad
assert silent == []

# %% en
# Too late: the request counts for backward passes to come, and the gradient of the last one is
# gone. Worse, it silences the warning from above: ``c.grad`` is ``None`` without a word. So call
# ``retain_grad`` before ``backward``, and keep two names apart: ``requires_grad`` says that
# gradients are to be computed, ``retain_grad`` that one of them is to stay.

# %% zh d3028e
# 太晚了：这个请求只对以后的反向传播有效，上一次的梯度已经不在了。更糟的是，
# 连前面那条警告也不再出现：``c.grad``是``None``，没有任何提示。
# 所以要在``backward``之前调用``retain_grad``。还要分清两个名字：
# ``requires_grad``说的是需要计算梯度，``retain_grad``说的是把其中一份留下来。

# %% en: Two other cases
# The leaf tensor ``a`` keeps its gradient anyway; a tensor that requires no gradient has nothing to
# keep. For one of the two, ``retain_grad`` does nothing, and so ``retains_grad`` is what it was
# before; for the other, it raises an error. Which is which?

# %% zh 04a514: 另外两种情况
# 叶子张量``a``本来就会保留梯度；不需要梯度的张量，则没有梯度可留。对两者调用``retain_grad``，
# 一个什么也不会发生，所以``retains_grad``还是原来的值；另一个会报错。你猜各是哪一个？

# %% predict
for tensor in (a, torch.ones(2)):
    try:
        tensor.retain_grad()
        print(tensor.retains_grad)
    except RuntimeError as error:
        print(error)

# %% check
assert not a.retains_grad and a.requires_grad
try:
    torch.ones(2).retain_grad()
except RuntimeError as refusal:
    assert "can't retain_grad on Tensor" in str(refusal)

# %% en
# With ``a`` it does nothing, and ``retains_grad`` stays ``False``: it speaks of results on the way.
# With a tensor whose ``requires_grad`` is ``False``, it is an error.

# %% zh ada74d
# 对``a``调用，什么也不会发生，``retains_grad``仍是``False``，因为这个属性说的是中间结果。
# 对``requires_grad``是``False``的张量调用，则会报错。

# %% en: Leaf or not
# So it matters which tensors are leaves. ``is_leaf`` is true when ``grad_fn`` is ``None``, as it is
# for a tensor that no recorded operation made. Here ``w`` requires a gradient and ``t`` does not.
# Which of the six tensors are leaves?

# %% zh c7f492: 是不是叶子张量
# 可见，是不是叶子张量很要紧。``grad_fn``是``None``时，``is_leaf``为真；
# 并非由已记录的运算得到的张量就是如此。下面的``w``需要梯度，``t``不需要。六个张量中，
# 哪些是叶子张量？

# %% predict
w = torch.ones(3, requires_grad=True)
t = torch.ones(3)
tensors = {
    "w": w,
    "t": t,
    "2 * w": 2 * w,
    "2 * t": 2 * t,
    "w > 0": w > 0,
    "w.detach()": w.detach(),
}
for name, tensor in tensors.items():
    print(f"{name:10}", tensor.is_leaf)

# %% check
inner = [key for key, made in tensors.items() if not made.is_leaf]
assert inner == ["2 * w"]
for made in tensors.values():
    assert made.is_leaf == (made.grad_fn is None)
needing = [key for key, made in tensors.items() if made.requires_grad]
assert needing == ["w", "2 * w"]
assert w.argmax().is_leaf and not w.argmax().requires_grad
values, indices = w.topk(2)
assert not values.is_leaf and indices.is_leaf

# %% en
# Five. Nothing is recorded of ``2 * t``, since no gradient is needed there; a comparison has no
# derivative; and ``detach`` cuts the graph off. But of the five only ``w`` requires a gradient, and
# so only ``w`` can receive one from ``backward``: a leaf tensor, and in need of one.

# %% zh 1c14c4
# 有五个。``2 * t``用不着梯度，所以没有被记录；比较运算没有导数；``detach``则切断了与计算图的联系。
# 不过五个之中需要梯度的只有``w``，所以能从``backward``得到梯度的也只有``w``：既是叶子张量，
# 又需要梯度。

# %% en: Small starting values
# Training often starts from small random numbers and needs gradients for them. Both lines below
# make three such numbers. In the second, ``requires_grad_`` makes a finished tensor require a
# gradient. (Warnings are switched off, so that they give nothing away.) What will each of the two
# hold after ``backward``?

# %% zh 1906f0: 很小的初始值
# 训练常常从一些很小的随机数出发，并且需要这些数的梯度。下面开头的两行各生成三个这样的数；
# 第二行用``requires_grad_``让一个已经算好的张量需要梯度。（为了不泄露答案，这里先把警告关掉。）
# ``backward``之后，这两个张量里各有什么？

# %% predict
first = torch.randn(3, requires_grad=True) * 0.1
second = (torch.randn(3) * 0.1).requires_grad_()
(first + second).sum().backward()

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    print(first.grad)
    print(second.grad)

# %% check
assert not first.is_leaf and second.is_leaf
torch.testing.assert_close(second.grad, torch.ones(3))
hidden = first.grad_fn.next_functions[0][0].variable
torch.testing.assert_close(hidden.grad, torch.full((3,), 0.1))
torch.testing.assert_close(hidden.detach() * 0.1, first.detach())
halves = torch.ones(3, requires_grad=True).half()
assert halves.grad_fn.name() == "ToCopyBackward0"

# %% en
# The multiplication in the first line is recorded. So ``first`` is a result, and the gradient went
# to the leaf tensor that ``torch.randn`` made, for which you have no name. Do the arithmetic first,
# then call ``requires_grad_``. The same holds for a change of type: when ``half`` turns the
# numbers into float16, a node is recorded, too.

# %% zh 705bee
# 第一行里的乘法被记录了，所以``first``是中间结果，梯度去了``torch.randn``生成的那个叶子张量，
# 而那个张量没有变量名可用。应当先做完算术，再调用``requires_grad_``。转换数据类型也是一样：
# 用``half``把这些数转换成 float16 时，同样会有一个节点被记下来。

# %% en: Remember
# - After a plain ``backward()``, gradients are in the leaf tensors that it has reached, and in the
#   results on the way that were asked by ``retain_grad`` before.
# - The other gradients on the way are computed too; a hook sees them pass.
# - ``is_leaf`` means: no ``grad_fn``. Tensors that require no gradient are leaves, too.
# - First the arithmetic on starting values, then ``requires_grad_``.

# %% zh 23a92f: 要点
# - 不带参数的``backward()``做完之后，梯度留在它所到达的叶子张量里，
#   也留在途中那些事先调用过``retain_grad``的结果里。
# - 途中其余的梯度也算出来了；用钩子可以看到它们经过。
# - ``is_leaf``为真，就是没有``grad_fn``。不需要梯度的张量也是叶子张量。
# - 先把初始值算好，再调用``requires_grad_``。

# %% en: Exercise: where the gradient is lost
# ``clamp(max=4)`` replaces every number above 4 by 4. With :math:`x = (1, 3)` compute ``2 * x``,
# clamp the result, square it and add up. One of the two elements of ``x.grad`` is 0. Keep the
# gradients of the three results on the way, and find the operation in which it got lost.

# %% zh f0e296: 练习：梯度丢在哪里
# ``clamp(max=4)``把超过 4 的数都换成 4。取:math:`x = (1, 3)`，先算``2 * x``，
# 再把结果截断（clamp）、平方，最后加起来。``x.grad``的两个元素中有一个是 0。
# 把途中三个结果的梯度都留下来，找出梯度是在哪个运算里丢掉的。

# %% solution
x = torch.tensor([1.0, 3.0], requires_grad=True)
doubled = 2 * x
clamped = doubled.clamp(max=4)
squared = clamped**2
for result in (doubled, clamped, squared):
    result.retain_grad()
squared.sum().backward()
assert x.grad.tolist() == [8, 0]
assert squared.grad.tolist() == [1, 1]
assert clamped.grad.tolist() == [4, 8]
assert doubled.grad.tolist() == [4, 0]

# %% en: Exercise: copies and parts
# Let ``w`` be a leaf tensor that requires a gradient. Which of ``w[0]``, ``w.clone()``,
# ``w.detach().clone()`` and ``w.argmax()`` are leaves? (``clone`` copies a tensor, and the copying
# is recorded; ``argmax`` gives the position of the largest number.)

# %% zh 1c0405: 练习：副本与局部
# 设``w``是需要梯度的叶子张量。``w[0]``、``w.clone()``、``w.detach().clone()``和``w.argmax()``之中，
# 哪些是叶子张量？（``clone``复制张量，复制本身也会被记录；``argmax``给出最大数的位置。）

# %% solution
assert not w[0].is_leaf
assert not w.clone().is_leaf
assert w.detach().clone().is_leaf
assert w.argmax().is_leaf

# %% en: Where next
# :ref:`graphs-are-built-by-running` shows when nodes are made, and :ref:`gradients-add-up` what
# happens to a ``grad`` that is already there. :ref:`gradients-off-and-on` is about making results
# that no gradient reaches.

# %% zh be1d06: 接下来
# :ref:`graphs-are-built-by-running`讲节点在什么时候产生，
# :ref:`gradients-add-up`讲``grad``里已经有值时会怎样；怎样让梯度到不了某些结果，
# 则见:ref:`gradients-off-and-on`。
