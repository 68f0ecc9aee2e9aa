# %% about
# level: beginner
# tags: Tensor.grad, torch.optim.Optimizer.zero_grad, torch.nn.Module.zero_grad, torch.autograd.grad

# %% en: Why is grad None, and why zero?
# A grad can be None, or it can be a tensor of zeros. Learn where each comes from, which errors the
# one raises, and why many optimizers treat the two differently.
#
# It starts with two tensors and a loss that uses one of them. You need :ref:`first-gradient` and
# :ref:`one-training-step`.

# %% zh d4465c: grad 为什么是 None，又为什么是零？
# grad 可能是 None，也可能是一个全为零的张量。弄清这两种情况各从哪里来，其中一种会引起什么报错，
# 许多优化器（optimizer）又为什么要区别对待。
#
# 下面从两个张量（tensor）和一个只用到其中之一的损失（loss）开始。读之前，
# 请先读过:ref:`first-gradient`和:ref:`one-training-step`。

# %%
import matplotlib.pyplot as plt
import torch

device = torch.accelerator.current_accelerator(check_available=True)
torch.set_default_device(device or "cpu")

a = torch.tensor(2.0, requires_grad=True)
b = torch.tensor(5.0, requires_grad=True)

# %% en: Zero times ``a``
# The loss is :math:`0 \cdot a`; ``b`` stands nowhere in it. The loss depends on neither value. What
# will ``a.grad`` and ``b.grad`` be after ``backward``?

# %% zh 9f5dc9: 零乘以``a``
# 损失是:math:`0 \cdot a`，式子里没有``b``。不论这两个值怎么变，损失都不变。``backward``之后，
# ``a.grad``和``b.grad``各是什么？

# %% predict
(0 * a).backward()
print(a.grad, b.grad)

# %% check
assert a.grad == 0 and a.grad.shape == () and b.grad is None

# %% en
# ``a`` is in the graph: its slope was computed, and it is 0. The backward pass never came to ``b``, so
# ``b.grad`` is still what it was at the start, ``None``.

# %% zh de2a07
# ``a``在计算图（computational graph）里，它的斜率被算了出来，等于 0。反向传播（backward pass）没有经过``b``，
# 所以``b.grad``还和开始时一样，是``None``。

# %% en: Asked by name
# ``torch.autograd.grad`` takes a list of tensors. With ``b`` on it, it raises an error unless you
# allow that (:ref:`ask-for-gradients`): with ``allow_unused`` or with ``materialize_grads``. In
# which of the two results will you still see that ``b`` took no part?

# %% zh 0c2a3a: 指名求梯度
# 调用``torch.autograd.grad``时，要列出求哪些张量的梯度（gradient）。如果列表里有``b``，就会报错
# （见:ref:`ask-for-gradients`）；要想不报错，可以加上``allow_unused``，或者加上``materialize_grads``。
# 这两种结果里，从哪一种还看得出``b``没有参与计算？

# %% predict
try:
    torch.autograd.grad(0 * a, [a, b])
except RuntimeError as error:
    print(error)

for option in ("allow_unused", "materialize_grads"):
    pair = torch.autograd.grad(0 * a, [a, b], **{option: True})
    print(pair)

# %% check
assert option == "materialize_grads" and pair == (0, 0)
assert torch.autograd.grad(0 * a, [a]) == (0,)
for index, wanted in enumerate(([b, a], [a, b])):
    try:
        torch.autograd.grad(0 * a, wanted)
    except RuntimeError as refusal:
        assert f"Tensor at index {index} appears" in str(refusal)
    else:
        raise AssertionError
both = torch.autograd.grad(0 * a, [a, b], allow_unused=True)
assert both[0] == 0 and both[1] is None
zeros = torch.autograd.grad(0 * a, [a, b], materialize_grads=True)
assert zeros == (0, 0)

# %% en
# In the first: it holds ``None`` in the place of ``b``. ``materialize_grads=True`` puts a zero there,
# which looks like the one that was computed for ``a``. The error suspects a mistake, and says which
# tensor the call did not meet.

# %% zh b2d2f9
# 第一种：``b``的位置上是``None``。``materialize_grads=True``则在那里填上零，
# 看上去与``a``那个算出来的零一样。至于报错，是 PyTorch 怀疑你写错了，并指出哪个张量没有被用到。

# %% en: After ``zero_grad``
# A weight :math:`w` has a gradient, and then the optimizer clears it. The gradients can
# take as much memory as the weights. What will ``w.grad`` be?

# %% zh c6b534: ``zero_grad``之后
# 权重（weight）:math:`w`有了梯度，然后让优化器把它清掉。全部梯度占的内存可以和权重一样多。
# ``w.grad``会是什么？

# %% predict
w = torch.tensor([1.0, 2.0], requires_grad=True)
optimizer = torch.optim.SGD([w], lr=0.1)

w.square().sum().backward()
optimizer.zero_grad()
print(w.grad)

# %% check
assert w.grad is None and w.tolist() == [1, 2]

# %% en
# ``None``, which saves that memory. Despite its name, ``zero_grad()`` writes no zeros: since
# version 2.0 it sets ``grad`` to ``None`` unless you
# `ask for zeros <https://docs.pytorch.org/docs/stable/generated/torch.optim.Optimizer.zero_grad.html>`__.
# If you then index the gradient or call one of its methods, you get an error, as in the next cell.
# Use it before you clear it, or test for ``None``. At its end the cell asks for zeros, with
# ``set_to_none=False``.

# %% zh 8a3ace
# 是``None``，这样就省下了那些内存。``zero_grad()``并不像名字说的那样写零：从 2.0 版起，它默认把``grad``设为``None``，
# 想要零，就得`自己指明 <https://docs.pytorch.org/docs/stable/generated/torch.optim.Optimizer.zero_grad.html>`__。
# 清掉之后如果还对梯度取下标，或者调用它的方法，就会报错，见下一个单元格。所以，要么在清零之前就用完梯度，
# 要么先判断它是不是``None``。那个单元格最后用``set_to_none=False``指明要零。

# %%
try:
    w.grad[0]
except TypeError as error:
    print("TypeError:", error)

try:
    w.grad.zero_()
except AttributeError as error:
    print("AttributeError:", error)

w.square().sum().backward()
optimizer.zero_grad(set_to_none=False)
print(w.grad)

# %% check
assert w.grad.tolist() == [0, 0] and w.tolist() == [1, 2]
v = torch.tensor([1.0, 2.0], requires_grad=True)
try:
    v.grad + 1
except TypeError as refusal:
    assert "unsupported operand" in str(refusal)
else:
    raise AssertionError
assert torch.nn.utils.clip_grad_norm_([v], 1.0) == 0
v.square().sum().backward()
before = v.grad
assert before.tolist() == [2, 4]
torch.optim.SGD([v]).zero_grad(set_to_none=False)
assert v.grad is before and v.grad.tolist() == [0, 0]

# %% en: Twenty-five idle steps
# Does it matter to an optimizer? A weight makes five steps with the gradient -1 and the rate 0.1.
# For the next 25 steps no loss uses it, as when a branch of a model stands idle, and ``step`` is
# called all the same. ``coast`` clears to ``None`` or to zeros.
#
# Three settings clear to zeros: plain, with ``momentum=0.9`` (old gradients fade, see
# :ref:`gradients-add-up`), and with ``weight_decay=0.3`` (``step`` takes the gradient plus
# :math:`0.3 w`). The fourth clears to ``None``, with momentum. Behind the vertical line, which of the
# four weights still move?

# %% zh 3886f5: 空转二十五步
# 这两种情况，对优化器有差别吗？一个权重先以梯度 -1、学习率（learning rate）0.1 走五步。
# 此后 25 步没有损失用到它，就像模型里有个分支闲着，``step``却照样被调用。函数``coast``清除梯度时，
# 可以设为``None``，也可以写零。
#
# 设置共有四种，前三种写零：一种什么都不加；一种加``momentum=0.9``，也就是动量（momentum），旧梯度逐渐衰减，
# 见:ref:`gradients-add-up`；一种加``weight_decay=0.3``，也就是权重衰减（weight decay），
# 这时``step``用的是梯度加上:math:`0.3 w`。第四种设为``None``，也带动量。竖线之后，四个权重里哪些还会动？


# %% predict
def coast(set_to_none, **options):
    w = torch.tensor(1.0, requires_grad=True)
    optimizer = torch.optim.SGD([w], lr=0.1, **options)
    path = [w.item()]
    for k in range(30):
        optimizer.zero_grad(set_to_none=set_to_none)
        if k < 5:
            (-w).backward()
        optimizer.step()
        path.append(w.item())
    return path


paths = [
    coast(False),
    coast(False, momentum=0.9),
    coast(False, weight_decay=0.3),
    coast(True, momentum=0.9),
]
labels = ["0", "0, momentum", "0, weight_decay", "None, momentum"]
for path, label, style in zip(
    paths, labels, ("-", "--", ":", "-."), strict=True
):
    plt.plot(path, style, label=label)
plt.axvline(5, color="gray", linewidth=0.8)
plt.xlabel("$k$")
plt.ylabel("$w_k$")
plt.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=2)
plt.show()


# %% check
def by_hand(momentum, decay, stops):
    weight, velocity, walked = 1.0, 0.0, [1.0]
    for step in range(30):
        if step < 5 or not stops:
            slope = (-1.0 if step < 5 else 0.0) + decay * weight
            velocity = momentum * velocity + slope
            weight -= 0.1 * velocity
        walked.append(weight)
    return walked


settings = (
    (0, 0, False),
    (0.9, 0, False),
    (0, 0.3, False),
    (0.9, 0, True),
)
for drawn, setting in zip(paths, settings, strict=True):
    expected = torch.tensor(by_hand(*setting))
    torch.testing.assert_close(torch.tensor(drawn), expected)
assert [len(set(drawn[5:])) > 1 for drawn in paths] == [
    False,
    True,
    True,
    False,
]
for maker in (torch.optim.Adam, torch.optim.AdamW):
    for as_none in (True, False):
        u = torch.tensor(1.0, requires_grad=True)
        chosen = maker([u], lr=0.1)
        (-u).backward()
        chosen.step()
        after = u.item()
        chosen.zero_grad(set_to_none=as_none)
        chosen.step()
        assert (u.item() == after) == as_none
for as_none in (True, False):
    u = torch.tensor(1.0, requires_grad=True)
    chosen = torch.optim.RMSprop([u], lr=0.1)
    (-u).backward()
    chosen.step()
    after = u.item()
    chosen.zero_grad(set_to_none=as_none)
    chosen.step()
    assert u.item() == after

# %% en alt
# The weight over 30 steps, with a vertical line at 5. Zeros with momentum go on rising to more than
# twice their height there. Plain zeros stay level. Zeros with weight decay sink. ``None`` stops at once,
# even with momentum.

# %% zh alt 6629b2
# 30 步之内的权重，竖线在 5 处。梯度为零、带动量时，权重继续上升，升到该处高度的两倍以上；
# 梯度为零、什么都不加时，保持水平；梯度为零、带权重衰减时，逐渐下降；
# 设为``None``时，即使带动量也立刻停住。

# %% en
# Two of them: zeros with momentum and zeros with weight decay. ``None`` says that the weight took no
# part, and SGD skips it. Zeros, even those that ``zero_grad`` wrote, are to SGD a slope like others:
# the ground is flat, and the whole update runs, with momentum and decay, which pulls the weight
# towards zero. Adam makes the same difference.

# %% zh 0122bf
# 有两个：梯度为零、带动量的，和梯度为零、带权重衰减的。``None``表示这个权重没有参与，SGD 就跳过它。至于零，
# 哪怕是``zero_grad``写进去的，在 SGD 看来也是普通的斜率，只表示地面是平的，于是整个更新照样执行，
# 动量和衰减也都起作用，衰减把权重往零拉。Adam 同样区分这两种情况。

# %% en: Who clears what
# The optimizer here holds only the last of three layers, as when you train only the end of a model.
# After ``backward``, ``optimizer.zero_grad()`` is called. Which layers still have a gradient? And
# after ``model.zero_grad()``?

# %% zh 816617: 谁清谁的梯度
# 这里的优化器只管三层中的最后一层，只训练模型末端时就是这样。``backward``之后调用``optimizer.zero_grad()``，
# 哪些层还有梯度？再调用``model.zero_grad()``之后呢？

# %% predict
model = torch.nn.Sequential(*(torch.nn.Linear(2, 2) for _ in range(3)))
optimizer = torch.optim.SGD(model[2].parameters(), lr=0.1)

model(torch.ones(1, 2)).sum().backward()
optimizer.zero_grad()
kept = [layer.weight.grad is not None for layer in model]
print(kept)
model.zero_grad()
print([layer.weight.grad is not None for layer in model])

# %% check
assert kept == [True, True, False]
assert all(p.grad is None for p in model.parameters())
model(torch.ones(1, 2)).sum().backward()
assert all(p.grad is not None for p in model.parameters())
optimizer.zero_grad()
left = [layer.bias.grad is not None for layer in model]
assert left == [True, True, False] and len(model) == 3
torch.optim.SGD(model.parameters()).zero_grad()
assert all(p.grad is None for p in model.parameters())

# %% en
# The optimizer clears the parameters on its list, the model clears all of its own. What the
# optimizer leaves goes on adding up unseen, and would enter the first step if you trained those
# layers later without clearing first.

# %% zh 9ff7ce
# 优化器清掉的，是它列表里各个模型参数（parameter）的梯度；模型清掉的，是自己全部模型参数的梯度。
# 优化器没清的那些梯度，会不知不觉越积越多；以后如果也训练那几层，又没有先清零，这些旧梯度就会混进第一步。

# %% en: Behind ``relu``
# A gradient can also be exactly zero where you did not expect it. ``relu`` turns negative numbers
# into 0 and passes nothing back there. The layer below has 3 units, a row of ``weight`` each, and
# two samples with 2 inputs; all outputs should be 1. Which rows of the gradient will be zero?

# %% zh 41c19d: 经过``relu``
# 有时，梯度会在你没料到的地方恰好等于零。``relu``把负数变成 0，在那里也就没有梯度往回传。
# 下面这一层有 3 个单元（unit），各占``weight``的一行；有两个样本，各 2 个输入；输出都应该是 1。
# 梯度的哪些行会是零？

# %% predict
x = torch.tensor([[1.0, 2.0], [3.0, -1.0]])
weight = torch.tensor([[1.0, 1], [1, -1], [2, 1]], requires_grad=True)
bias = torch.tensor([0.0, 0, -9], requires_grad=True)

output = torch.relu(x @ weight.T + bias)
(output - 1).square().sum().backward()
print(weight.grad)

# %% check
assert output.tolist() == [[3, 0, 0], [2, 4, 0]]
assert weight.grad.tolist() == [[10, 6], [18, -6], [0, 0]]
copies = weight.detach().clone(), bias.detach().clone()
for copied in copies:
    copied.requires_grad_()
descent = torch.optim.SGD(copies, lr=0.01)
for _step in range(100):
    descent.zero_grad()
    moved = torch.relu(x @ copies[0].T + copies[1])
    (moved - 1).square().sum().backward()
    descent.step()
assert torch.equal(copies[0][2], weight[2]) and copies[1][2] == -9
assert not torch.equal(copies[0][:2], weight[:2])
with torch.no_grad():
    better = torch.relu(x @ weight.T + torch.tensor([0, 0, -3.5]))
    assert (better - 1)[:, 2].square().sum() < 2

# %% en
# The last. This unit is negative for both samples, so it sends nothing forward and gets nothing
# back: a *dead* unit. Plain SGD cannot move it, however long you train on these samples. The second
# unit is negative for the first sample only, and learns from the other. A zero gradient, then, does
# not mean that the best weights are found: the dead unit returns 0, and should return 1.

# %% zh 2cebcd
# 最后一行。这个单元对两个样本算出的都是负数，所以既没有往前传什么，也没有收到传回来的梯度：
# 这叫*死亡单元*（dead unit）。只用这两个样本，最朴素的 SGD 训练多久也改不动它。
# 第二个单元只对第一个样本算出负数，还能从另一个样本学习。可见，梯度为零并不说明已经找到了最好的权重：
# 死亡单元的输出是 0，本该是 1。

# %% en: Remember
# - ``None``: not computed, or cleared. Zeros: computed, or asked for.
# - ``zero_grad()`` leaves ``None``; SGD and Adam skip such a weight. With zeros, momentum and weight
#   decay still move it.
# - ``optimizer.zero_grad()`` clears the optimizer's list, ``model.zero_grad()`` the whole model.

# %% zh 9a8a53: 要点
# - ``None``：没有算过，或者被清掉了。零：算出来就是零，或者代码指明要零。
# - ``zero_grad()``留下的是``None``，SGD 和 Adam 会跳过这样的权重；梯度为零时，动量和权重衰减仍会推动它。
# - ``optimizer.zero_grad()``清掉优化器列表里各个模型参数的梯度，``model.zero_grad()``清掉整个模型的梯度。

# %% en: Exercise
# A model has two weights ``a`` and ``b``, both 1, and ``torch.optim.SGD`` with ``lr=0.1`` and
# ``weight_decay=0.5``. Make one step with the loss ``a + b`` and then, after ``zero_grad()``, one
# with the loss ``a``. What is ``b`` afterwards? Compute it by hand first. How does it change with
# ``set_to_none=False``?

# %% zh c1aaab: 练习
# 模型有两个权重``a``和``b``，都等于 1；优化器用``torch.optim.SGD``，参数取``lr=0.1``和``weight_decay=0.5``。
# 先用损失``a + b``走一步，调用``zero_grad()``，再用损失``a``走一步。最后``b``是多少？先动手算一算。
# 换成``set_to_none=False``，结果有什么变化？


# %% solution
def two_steps(set_to_none):
    a = torch.tensor(1.0, requires_grad=True)
    b = torch.tensor(1.0, requires_grad=True)
    optimizer = torch.optim.SGD([a, b], lr=0.1, weight_decay=0.5)
    (a + b).backward()
    optimizer.step()
    optimizer.zero_grad(set_to_none=set_to_none)
    a.backward()
    optimizer.step()
    return b.item()


print(two_steps(True), two_steps(False))
after_one = 1 - 0.1 * (1 + 0.5 * 1)
assert abs(two_steps(True) - after_one) < 1e-6
assert abs(two_steps(False) - after_one * (1 - 0.1 * 0.5)) < 1e-6

# %% en: Where next
# :ref:`gradients-off-and-on` shows how to keep gradients from being computed on purpose.

# %% zh 801f8f: 接下来
# 怎样有意不让梯度被算出来，见:ref:`gradients-off-and-on`。
