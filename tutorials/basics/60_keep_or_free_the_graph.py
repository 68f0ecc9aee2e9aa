# %% about
# level: intermediate
# tags: Tensor.backward, retain_graph, Tensor.grad_fn, torch.autograd.graph.Node.register_prehook

# %% en: Keep or free the graph
# After this page you can say what becomes of a graph once ``backward`` has walked through it, how
# long it holds memory, and when it pays to keep it.
#
# It builds on :ref:`read-the-graph` and :ref:`graphs-are-built-by-running`.

# %% zh 1dcbf1: 保留还是释放计算图
# ``backward``走过一遍之后，计算图（computational graph）会怎样？它占着的内存到什么时候才归还？
# 什么时候值得把图留着？看过下面几个例子，答案就清楚了。
#
# 请先读:ref:`read-the-graph`和:ref:`graphs-are-built-by-running`。

# %%
import textwrap
import weakref

import matplotlib.pyplot as plt
import torch

device = torch.accelerator.current_accelerator(check_available=True)
torch.set_default_device(device or "cpu")

# %% en: Two calls
# Compute :math:`y = x^2` at :math:`x = 3` once, and call ``backward`` twice. ``item`` gives the
# Python number in a tensor of one element. The slope is 6. The ``try`` shows that a call goes
# wrong: which one, and what could be missing by then?

# %% zh 2f9b8f: 调用两次
# 在:math:`x = 3`处把:math:`y = x^2`算一次，然后调用两次``backward``。
# ``item``把单元素张量里的数取出来，变成 Python 数值。斜率是 6。代码里写了``try``，
# 可见有一次调用会出错：是哪一次？到那时，可能缺了什么？

# %% predict
x = torch.tensor(3.0, requires_grad=True)
y = x**2
for call in (1, 2):
    try:
        y.backward()
        print(call, x.grad.item())
    except RuntimeError as error:
        print(call, textwrap.fill(str(error)))

# %% check
assert y == 9 and x.grad == 6 and call == 2
try:
    y.backward()
except RuntimeError as problem:
    message = str(problem)
assert message.startswith(
    "Trying to backward through the graph a second"
)

# %% en
# The first gives 6, the second one of the most common errors in PyTorch. On its way through the
# graph ``backward`` **frees** a part of it, so that the memory can be used again.

# %% zh 2aa990
# 第一次得到 6，第二次报错，这是 PyTorch 里最常见的错误之一。``backward``沿着图往回走，一边走，
# 一边**释放**图的一部分，好让这些内存可以再次使用。

# %% en: What a node has saved
# The slope of :math:`x^2` is :math:`2x`, so the node needs ``x`` and saves it in the forward pass.
# ``z`` computes the square anew, ``_saved_self`` reads what its node saved, and the picture shows
# it. ``y`` has been through ``backward``, and the message speaks of saved values that are freed. Is
# the saved value all that ``y`` has lost, or are its node and the way on to ``x`` gone, too?

# %% zh 7d4f15: 节点保存了什么
# :math:`x^2`的导数是:math:`2x`，节点（node）要用到``x``，所以在前向传播（forward pass）时就把它保存下来。
# ``z``是重新算出的平方，用``_saved_self``可以读出其节点保存的值，图里也画着这个值。
# ``y``则已经做过``backward``，错误消息里也说，保存的值会被释放。那么``y``丢掉的只是保存的值，
# 还是连节点和通往``x``的路也没有了？

# %% predict
# sphinx_gallery_graph = "z: saved"
z = x**2
for node in (z.grad_fn, y.grad_fn):
    try:
        print(node.name(), node.next_functions[0][0].variable is x)
        print(node._saved_self.item())
    except RuntimeError as error:
        print(str(error).split(" (")[0])

# %% check
assert y == z == 9 and z.grad_fn._saved_self == 3
for power in (z.grad_fn, y.grad_fn):
    assert power.name() == "PowBackward0"
    assert power.next_functions[0][0].variable is x
assert node is y.grad_fn
try:
    y.grad_fn._saved_self
except RuntimeError as problem:
    message = str(problem)
assert message.startswith(
    "Trying to backward through the graph a second"
)

# %% en
# Node and way are still there. The saved value is gone, and even reading it raises the same error.
# ``z`` has a node and a saved value of its own. So the first cure is to run the forward pass again.

# %% zh 8143ab
# 节点和路都还在。保存的值没了，哪怕只是读一下，也会引发同样的错误。``z``则有自己的节点，
# 也有自己保存的值。所以，解决这个错误的第一种办法，就是重新做一遍前向传播。

# %% en: Five expressions
# What if a node has saved nothing? Below, ``backward`` is called twice on each expression. A sum has
# slope 1 and a difference 1 or -1; a product has its other factor as slope, and PyTorch makes a
# tensor of a factor such as 2 first. Which of the five second calls will fail?

# %% zh f827ac: 五个表达式
# 如果节点什么都没保存呢？下面对每个表达式调用两次``backward``。和的导数是 1，差的导数是 1 或 -1；
# 乘积的导数是另一个因子，而像 2 这样的因子，PyTorch 会先把它变成张量。
# 五个表达式里，哪几个的第二次调用会失败？

# %% predict
results = [x + x, x - 1, -x, 2 * x, x * x]
for result in results:
    result.backward()
    try:
        result.backward()
        print(result.grad_fn.name())
    except RuntimeError:
        print(result.grad_fn.name(), "RuntimeError")

# %% check
passed = []
for again in results:
    try:
        torch.autograd.grad(again, x)
        passed.append(again.grad_fn.name())
    except RuntimeError:
        pass
assert passed == ["AddBackward0", "SubBackward0", "NegBackward0"]
assert [again.item() for again in results] == [6, 2, -3, 6, 9]
assert (2 * x).grad_fn._saved_other == 2
assert (x * x).grad_fn._saved_other is x
summed = torch.ones(3, requires_grad=True).sum()
summed.backward()
assert summed.grad_fn._saved_self_sym_sizes == (3,)
kept = x**2
torch.autograd.grad(kept, x, create_graph=True)
assert kept.grad_fn._saved_self is x
for result_ in (x + x, x - 1, -x):
    fields = [n for n in dir(result_.grad_fn) if n.startswith("_saved")]
    for field in fields:
        assert not torch.is_tensor(getattr(result_.grad_fn, field))

# %% en
# ``2 * x`` has saved the constant and ``x * x`` has saved ``x``; the other three saved no tensor.
# Whether a second call works depends on such details of the operations. Do
# not rely on it.

# %% zh 0c27d1
# ``2 * x``保存了那个常数，``x * x``保存了``x``；另外三个没有保存张量。
# 第二次调用能不能成功，取决于运算的这类细节，所以写程序时不要依赖这一点。

# %% en: How long a saved tensor lives
# ``backward(retain_graph=True)`` keeps what was saved, so that you can call again. In the function
# below the product saves ``h``. A weak reference, ``weakref.ref``, watches
# an object without keeping it alive: called, it gives the object, or ``None`` once it is gone. It
# tells whether ``h`` is there before ``backward``, after it, and after ``loss`` is deleted too.
# What will the three answers be, without ``retain_graph`` and with it?

# %% zh 422c02: 保存的张量能活多久
# ``backward(retain_graph=True)``会留住保存的内容，这样就可以再次调用。
# 下面的函数里，乘法保存了``h``。弱引用（weak reference）``weakref.ref``可以盯着一个对象，又不让它因此活得更久：
# 调用弱引用，得到的是那个对象；对象没了，得到的就是``None``。借助弱引用，可以在三个时刻看``h``还在不在：
# ``backward``之前、之后，以及``loss``也被删掉之后。不带``retain_graph``和带上它，三次的答案各是什么？


# %% predict
def lifetime(retain_graph):
    h = torch.exp(torch.ones(1000, requires_grad=True))
    loss = (h * h).sum()
    watch = weakref.ref(h)
    del h
    before = watch() is not None
    loss.backward(retain_graph=retain_graph)
    after = watch() is not None
    del loss
    return before, after, watch() is not None


print(lifetime(retain_graph=False), lifetime(retain_graph=True))

# %% check
assert lifetime(retain_graph=False) == (True, False, False)
assert lifetime(retain_graph=True) == (True, True, False)

# %% en
# ``backward`` lets go of ``h`` on its way. With ``retain_graph=True``, ``h`` stays until a later call
# frees it, or until the last variable that leads to the graph is gone. In a deep model the
# intermediate results that stay are often most of the memory of a training step.

# %% zh 49b545
# ``backward``一边走，一边就放开了``h``。带上``retain_graph=True``，``h``会一直留着，
# 直到后来的某次调用把它释放，或者再没有变量通向这张图。在深层模型里，留下的就是各层的中间结果，
# 训练时占用的内存，往往大半来自它们。

# %% en: Two losses, one trunk
# Two losses share the first part of a network, its trunk. ``tanh`` saves its result, so calling
# ``backward`` on both losses fails in the second call. Compare two cures: add the losses and
# call once, or keep the graph in the first of two calls. A hook, a function of yours that autograd
# calls, notes each visit to the trunk's node (``register_prehook``). How often will each way come
# by, and will the gradients differ?

# %% zh 91e89a: 两个损失，一个主干
# 两个损失（loss）共用网络的前半部分，也就是主干（trunk）。``tanh``保存了自己的结果，
# 所以对两个损失分别调用``backward``，第二次就会失败。来比较两种解决办法：把损失相加，只调用一次；
# 或者调用两次，第一次把图留住。钩子（hook）是由你编写、由 autograd 调用的函数，这里用``register_prehook``
# 在主干的节点上登记一个，反向传播（backward pass）每经过这个节点一次，它就记下一笔。
# 两种办法各会经过几次？得到的梯度（gradient）会不会不同？


# %% predict
def both(together):
    x = torch.tensor(0.5, requires_grad=True)
    trunk = torch.tanh(x)
    loss_1, loss_2 = trunk**2, 3 * trunk
    visits = []
    trunk.grad_fn.register_prehook(visits.append)
    if together:
        (loss_1 + loss_2).backward()
    else:
        loss_1.backward(retain_graph=True)
        loss_2.backward()
    return len(visits), round(x.grad.item(), 4)


print(both(together=True), both(together=False))

# %% check
t = torch.tanh(torch.tensor(0.5)).item()
slope = (2 * t + 3) * (1 - t**2)
for way, count in ((True, 1), (False, 2)):
    assert both(way)[0] == count
    assert abs(both(way)[1] - slope) < 1e-4
shared = torch.tensor(0.5, requires_grad=True)
for stem, failing in ((torch.tanh(shared), True), (shared + 1, False)):
    first, second = stem**2, 3 * stem
    first.backward()
    try:
        second.backward()
        assert not failing
    except RuntimeError:
        assert failing

# %% en
# The sum comes by once, the two calls twice, and the gradient is the same: prefer the sum. Call
# ``backward`` on each loss when you need the two gradients apart: a good use of ``retain_graph``.

# %% zh 26729b
# 相加只经过一次，分别调用要经过两次，梯度则一样，所以优先相加。需要把两个梯度分开时，
# 再对每个损失分别调用``backward``，这正是``retain_graph``派得上用场的地方。

# %% en: One loss, twenty steps
# The error message proposes ``retain_graph=True``, and in the loop below that silences the error.
# There, ``w`` starts at 0 and should reach 3, where the loss :math:`(w - 3)^2` is 0. Each step
# clears the old gradient, calls ``backward``, and takes 0.1 times the gradient off ``w``;
# ``torch.no_grad()`` keeps this last line out of the graph. One run computes the loss anew in each
# step, the other once, before the loop. Where will ``w`` go in each?

# %% zh f1a811: 一个损失，二十步
# 错误消息建议用``retain_graph=True``。在下面的循环里照办，确实不再报错。``w``从 0 出发，
# 应当走到 3，那里的损失:math:`(w - 3)^2`是 0。每一步先清掉旧梯度，再调用``backward``，
# 然后从``w``里减去梯度的 0.1 倍，这一行在``torch.no_grad()``之下，不会记进图里。
# 一次运行每步都重新计算损失，另一次只在循环之前算一遍。
# 两次的``w``各会走到哪里？


# %% predict
def path(anew):
    w = torch.tensor(0.0, requires_grad=True)
    loss = (w - 3) ** 2
    points = [w.item()]
    for _ in range(20):
        if anew:
            loss = (w - 3) ** 2
        w.grad = None
        loss.backward(retain_graph=not anew)
        with torch.no_grad():
            w -= 0.1 * w.grad
        points.append(w.item())
    return points


plt.plot(path(anew=True), "o-", label="loss = (w - 3) ** 2")
plt.plot(path(anew=False), "s--", label="retain_graph=True")
plt.xlabel("step")
plt.ylabel("$w$")
plt.legend()
plt.show()

# %% check
for each, slopes in ((True, None), (False, -6)):
    points = [0.0]
    while len(points) < 21:
        slope = slopes or 2 * (points[-1] - 3)
        points.append(points[-1] - 0.1 * slope)
    torch.testing.assert_close(path(each), points, rtol=1e-5, atol=1e-5)
assert abs(path(anew=False)[-1] - 12) < 1e-4
assert abs(path(anew=True)[-1] - 2.97) < 0.005
u, v = (torch.tensor(2.0, requires_grad=True) for _ in range(2))
total = u**2 + v**2
total.backward(inputs=[u])
assert torch.autograd.grad(total, v) == (4,)

# %% en alt
# The weight :math:`w` over 20 steps, both times from 0. With the loss computed anew it approaches 3
# more and more slowly and ends at about 2.97; with ``retain_graph=True``, dashed, it rises on a
# straight line past 3 to 12.

# %% zh alt 5e9716
# 权重（weight）:math:`w`在 20 步里的变化，两次都从 0 出发。每步重新计算损失时，它越来越慢地接近 3，
# 最后约为 2.97；用``retain_graph=True``时（虚线），它沿一条直线越过 3，一直升到 12。

# %% en
# No error, and a wrong answer: it walks past 3 to 12. The old graph has saved the old
# :math:`w - 3`, so each of the 20 steps uses the slope at the start, -6. In a training loop,
# run the forward pass in each step. The
# `documentation of backward <https://docs.pytorch.org/docs/stable/generated/torch.Tensor.backward.html>`__
# says that ``retain_graph`` is hardly ever needed.

# %% zh d78d44
# 没有报错，答案却是错的：权重（weight）越过 3，一直走到 12。旧图保存的是旧的:math:`w - 3`，
# 所以 20 步用的都是起点处的斜率 -6。训练循环里正确的办法，是每一步都重新做前向传播。
# `backward 的文档 <https://docs.pytorch.org/docs/stable/generated/torch.Tensor.backward.html>`__也说，
# 几乎用不到``retain_graph``。

# %% en: Remember
# - By default ``backward`` frees the tensors that the nodes on its way have saved. A second call that
#   needs them fails.
# - To go again, run the forward pass again: that makes a new graph.
# - Add losses that share a trunk, and call ``backward`` once.
# - ``retain_graph=True`` keeps the saved tensors, their memory, and old values.

# %% zh 940993: 要点
# - ``backward``默认会释放沿途各节点保存的张量；第二次调用如果还要用到这些张量，就会失败。
# - 想再来一次，就重新做一遍前向传播，那会得到一张新图。
# - 共用主干的几个损失，先相加，再调用一次``backward``。
# - ``retain_graph=True``留住了保存的张量，也留住了它们占的内存和过时的值。

# %% en: Exercise: five more expressions
# For which of ``x.sum()``, ``x.mean()``, ``x.exp()``, ``x / 2`` and ``x.clone()`` does a second
# ``backward`` work? Ask what the slope needs: values, or at most shapes?

# %% zh 92bf6a: 练习：再看五个表达式
# ``x.sum()``、``x.mean()``、``x.exp()``、``x / 2``和``x.clone()``之中，
# 哪些可以做第二次``backward``？想一想导数要用到什么：是数值，还是最多用到形状？

# %% solution
x = torch.tensor(3.0, requires_grad=True)
results = {
    "sum": x.sum(),
    "mean": x.mean(),
    "exp": x.exp(),
    "x / 2": x / 2,
    "clone": x.clone(),
}
passed = []
for name, result in results.items():
    result.backward()
    try:
        result.backward()
        passed.append(name)
    except RuntimeError:
        pass
print(passed)
assert passed == ["sum", "mean", "clone"]

# %% en: Exercise: two gradients apart
# Take ``loss_1`` and ``loss_2`` of the trunk above. Find the gradient of each with respect to
# ``x``, from one forward pass, and check that they add up to the gradient of the sum. Set
# ``x.grad`` to ``None`` in between, since a call adds to the tensor there.

# %% zh 30fb91: 练习：把两个梯度分开
# 用上面那个主干的``loss_1``和``loss_2``。只做一次前向传播，分别求出它们关于``x``的梯度，
# 再验证两者之和等于损失之和的梯度。两次之间要把``x.grad``设为``None``，
# 因为调用会往那里的张量上加。

# %% solution
x = torch.tensor(0.5, requires_grad=True)
trunk = torch.tanh(x)
loss_1, loss_2 = trunk**2, 3 * trunk
loss_1.backward(retain_graph=True)
first_gradient, x.grad = x.grad, None
loss_2.backward()
print(first_gradient.item(), x.grad.item())
total = (first_gradient + x.grad).item()
assert abs(total - both(together=True)[1]) < 1e-3

# %% en: Where next
# :ref:`carry-a-state-across-steps` meets the same error where the loss is computed anew in each
# step. :ref:`ask-for-gradients` returns gradients instead of storing them.

# %% zh 7ee9df: 接下来
# 每一步都重新计算损失，为什么还会遇到同样的错误？见:ref:`carry-a-state-across-steps`。
# 想让梯度直接返回，而不是存起来，见:ref:`ask-for-gradients`。
