# %% about
# level: beginner
# tags: Tensor.backward, Tensor.grad, torch.optim.Optimizer.zero_grad, torch.autograd.grad

# %% en: Calling backward again
# What is in grad after a second call of backward, or a third? Learn to predict it, and to tell when
# it is a bug and when it is exactly what you want.
#
# Take :math:`y = x^2` at :math:`x = 3`, where the slope is :math:`2x = 6`, as in
# :ref:`first-gradient`. Afterwards this page goes on from :ref:`one-training-step`.

# %% zh b7f397: 再次调用 backward
# 第二次、第三次调用 backward 之后，grad 里是什么？学会预测它，也学会分清：这样的结果什么时候是 bug，
# 什么时候正是你想要的。
#
# 取:math:`y = x^2`，在:math:`x = 3`处斜率是:math:`2x = 6`，和:ref:`first-gradient`里一样。
# 后半页接着:ref:`one-training-step`往下讲。

# %%
import matplotlib.pyplot as plt
import torch

device = torch.accelerator.current_accelerator(check_available=True)
torch.set_default_device(device or "cpu")

x = torch.tensor(3.0, requires_grad=True)

# %% en: Twice the same
# Compute :math:`y` and call ``backward``; then do both once more. What will ``x.grad`` hold after
# each call?

# %% zh 8360c6: 同样的事做两遍
# 先算出:math:`y`，调用``backward``；再把这两件事原样做一遍。每次调用之后，``x.grad``各是多少？

# %% predict
for _ in range(2):
    (x**2).backward()
    print(x.grad)

# %% check
assert x.grad == 12 and (x, _) == (3, 1)
node = (x**2).grad_fn.next_functions[0][0]
assert node.name().endswith("AccumulateGrad") and node.variable is x

# %% en
# The second call did not replace the 6; it added another 6 to it. ``backward`` *accumulates*; this is
# called gradient accumulation. In the graph it is the work of ``AccumulateGrad``, the node of a
# leaf tensor in :ref:`read-the-graph`.

# %% zh e0d4ae
# 第二次调用没有覆盖原来的 6，而是又加上了一个 6。``backward``做的是*累加*（accumulate），
# 这就叫梯度累积（gradient accumulation）。在计算图（computational graph）里，做这件事的是``AccumulateGrad``，
# 也就是:ref:`read-the-graph`讲过的、属于叶子张量（leaf tensor）的那个节点（node）。

# %% en: Two uses in one graph
# Why should it add? Use ``z`` twice in a single loss, :math:`z^2 + z^2`, and call ``backward`` once.
# By the chain rule, what is ``z.grad`` at :math:`z = 3`?

# %% zh 5f67c5: 在同一张计算图里用两次
# 为什么要这样设计？这次把``z``在同一个损失（loss）:math:`z^2 + z^2`里用两次，``backward``只调用一次。
# 按链式法则（chain rule），在:math:`z = 3`处``z.grad``是多少？

# %% predict
# sphinx_gallery_graph = "loss: steps"
z = torch.tensor(3.0, requires_grad=True)
loss = z**2 + z**2
loss.backward()
print(z.grad)

# %% check
assert z.grad == x.grad == 12 and loss == 18

# %% en
# 12 again. Two paths lead from ``z`` to the loss, and a 6 comes back along each (step through the
# graph). They add up, as in :ref:`chain-rule`. Whether
# the two uses stand in one loss or in two makes no difference: the gradient of a sum is the sum of
# the gradients. So ``backward`` can add without knowing who has called it before. The gradient of a
# shared parameter, which a model uses in two places, needs nothing special, nor do two losses with
# a ``backward`` each, if each has a graph of its own (:ref:`keep-or-free-the-graph`).

# %% zh 9be545
# 还是 12。从``z``到损失有两条路径，每条路径都传回一个 6（在图上一步步看过去就能看到）。两者要相加，
# 道理见:ref:`chain-rule`。两次使用，不论放在一个损失里，还是分在两个损失里，结果都一样：和的梯度等于梯度的和。
# 所以``backward``不必知道之前谁调用过它，往上加就是了。如果一个模型参数（parameter）在模型里被用在两处，
# 成了共享参数，它的梯度不需要特别处理；如果两个损失各有自己的计算图（见:ref:`keep-or-free-the-graph`），
# 各调用一次``backward``，同样不需要。

# %% en: A name for the old gradient
# Here ``alias`` is another name for ``x.grad``, and ``kept`` is a copy. Then comes one more
# ``backward``. What will the two hold in the end?

# %% zh d3a32b: 给旧梯度起个名字
# 这里``alias``是``x.grad``的别名，``kept``是它的副本；接着再调用一次``backward``。
# 最后这两个变量里各是多少？

# %% predict
x.grad = None
(x**2).backward()
alias, kept = x.grad, x.grad.clone()

(x**2).backward()
print(alias, kept)

# %% check
import warnings

assert alias is x.grad and alias == 12 and kept == 6
other = torch.tensor(3.0, requires_grad=True)
(other**2).backward()
held = other.grad
with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    (other**2).backward(create_graph=True)
assert held == 6 and other.grad == 12 and held is not other.grad
other.grad = None

# %% en
# The sum is written into the tensor that is already there, so ``alias`` reads 12. To keep a
# gradient, ``clone`` it. (With ``create_graph=True`` the sum is a new tensor, and an alias stays
# behind. Don't build on either: ``clone``.)

# %% zh 2eb1ca
# 相加的结果直接写进了已有的那个张量，所以``alias``读到的是 12。想留住某一次的梯度，就用``clone``复制一份。
# （加上``create_graph=True``时，相加的结果是一个新的张量，别名里仍是旧值。两种情形都不要依赖，``clone``才可靠。）

# %% en: A step in between
# In training the weights move between two calls. Take :math:`w^2` at :math:`w = 4`: the gradient is
# 8, and a step with the rate 0.125 leads to :math:`w = 3`. Now call ``backward`` there, without
# clearing anything. What is ``w.grad``?

# %% zh 9f1c57: 中间走了一步
# 训练时，两次调用之间权重（weight）会变。取:math:`w^2`，在:math:`w = 4`处梯度是 8，以学习率（learning rate）
# 0.125 走一步，到了:math:`w = 3`。中间不做任何清除，就在这里再调用``backward``，``w.grad``是多少？

# %% predict
w = torch.tensor(4.0, requires_grad=True)
optimizer = torch.optim.SGD([w], lr=0.125)
(w**2).backward()
optimizer.step()
(w**2).backward()
print(w.detach(), w.grad)

# %% check
assert w == 3 and w.grad == 8 + 6
cleared = torch.tensor(4.0, requires_grad=True)
careful = torch.optim.SGD([cleared], lr=0.125)
(cleared**2).backward()
careful.step()
careful.zero_grad()
(cleared**2).backward()
assert cleared == 3 and cleared.grad == 6

# %% en
# 14, the 6 that belongs here plus the 8 of a place that the weight has left. At
# neither place is this the gradient of the loss. ``optimizer.zero_grad()`` before the second
# ``backward`` would have removed the 8.

# %% zh 242bcd
# 是 14：这里的 6，加上权重早已离开的那一处的 8。不论在哪一处，这都不是损失的梯度。
# 如果在第二次``backward``之前调用``optimizer.zero_grad()``，那个 8 就会被清掉。

# %% en: Sixty steps
# Let the loss be :math:`w^2 / 2`, start at :math:`w = 1` and take the rate 0.1. With ``zero_grad``
# each step multiplies :math:`w` by 0.9. Without it, each step follows the sum of all the gradients
# so far. What will that curve look like: slower, faster, or something else?

# %% zh 932705: 六十步
# 损失取:math:`w^2 / 2`，从:math:`w = 1`出发，学习率取 0.1。调用``zero_grad``时，每一步把:math:`w`乘以 0.9。
# 不调用时，每一步用的是到目前为止所有梯度之和。这时的曲线会是什么样：更慢、更快，还是别的样子？


# %% predict
def descend(clear):
    w = torch.tensor(1.0, requires_grad=True)
    optimizer = torch.optim.SGD([w], lr=0.1)
    path = [w.item()]
    for _ in range(60):
        if clear:
            optimizer.zero_grad()
        (w**2 / 2).backward()
        optimizer.step()
        path.append(w.item())
    return path


plt.plot(descend(True), "--", label="zero_grad()")
plt.plot(descend(False), label="no zero_grad()")
plt.xlabel("$k$")
plt.ylabel("$w_k$")
plt.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=2)
plt.show()

# %% check
for step, weight in enumerate(descend(True)):
    assert abs(weight - 0.9**step) < 1e-5
assert step == 60

weight, total, swing = 1.0, 0.0, [1.0]
for _step in range(60):
    total += weight
    weight -= 0.1 * total
    swing.append(weight)
uncleared = descend(False)
assert len(uncleared) == 61
assert all(
    abs(a - b) < 1e-4 for a, b in zip(uncleared, swing, strict=True)
)
assert max(uncleared[40:]) > 0.95 and min(uncleared[40:]) < -0.95

heavy = torch.tensor(1.0, requires_grad=True)
momentum = torch.optim.SGD([heavy], lr=0.1, momentum=1.0)
for _step in range(60):
    momentum.zero_grad()
    (heavy**2 / 2).backward()
    momentum.step()
assert abs(heavy.item() - uncleared[-1]) < 1e-4

# %% en alt
# The weight over 60 steps. With ``zero_grad`` (dashed) it sinks smoothly to zero. Without it, the
# weight swings between about 1 and -1 in a regular wave that does not fade, three times.

# %% zh alt 248735
# 60 步之内的权重。调用``zero_grad``时（虚线），权重平稳地降到零。不调用时，
# 权重大约在 1 与 -1 之间来回摆动，波形规则，振幅不减，一共三个来回。

# %% en
# It swings. The sum of past gradients acts like a velocity that nothing slows down: the weight runs
# through the minimum at full speed, and gradients from the other side have to bring it back. For
# plain SGD, never clearing is the same as ``momentum=1.0``; the usual 0.9 lets old gradients fade.
#
# In a large model many directions swing at once, and no error says that a line is missing. So clear
# once per step of the optimizer: after the ``step`` that used the gradients, before the first
# ``backward`` of the next.

# %% zh ba1bde
# 权重会来回摆动。历史梯度之和好比速度，又没有阻力使它减慢：权重全速冲过最低点，要靠另一侧的梯度才能拉回来。
# 对最朴素的 SGD 来说，从不清零就等于``momentum=1.0``；动量（momentum）通常取 0.9，旧梯度便逐渐衰减。
#
# 在大模型里，许多方向同时摆动，又没有报错提醒你少写了一行。所以，优化器（optimizer）每更新一步，
# 就要把梯度清零一次：在用完梯度的``step``之后、下一步的第一次``backward``之前。

# %% en: A batch in four pieces
# Now a good use of gradient accumulation. A batch of 8 samples that does not fit in memory can go
# through in 4 pieces of 2, with one ``backward`` each. The model is :math:`w x` with :math:`w = 1`, the target :math:`2x`, and the
# loss *averages* the squared errors over the samples that it is given. The whole batch has the
# gradient -51. What will the four pieces leave in ``w.grad``?

# %% zh f93a48: 一个批次分四块
# 下面看梯度累积的好处。8 个样本的批次（batch）如果放不进内存或显存，可以分成 4 块，每块 2 个，
# 各调用一次``backward``。模型是:math:`w x`，此刻:math:`w = 1`，目标是:math:`2x`，
# 损失是所给样本的误差平方的*平均*。整个批次的梯度是 -51。分四块算完，``w.grad``里会是多少？

# %% predict
inputs = torch.arange(1.0, 9.0)
w = torch.tensor(1.0, requires_grad=True)
(w * inputs - 2 * inputs).square().mean().backward()
whole = w.grad

w.grad = None
for piece in inputs.chunk(4):
    (w * piece - 2 * piece).square().mean().backward()
print(whole, w.grad)

# %% check
torch.testing.assert_close(w.grad, torch.tensor(-204.0))
torch.testing.assert_close(whole, torch.tensor(-51.0))
assert -2 * sum(n**2 for n in range(1, 9)) / 8 == -51
assert inputs.tolist() == [1, 2, 3, 4, 5, 6, 7, 8]

v = torch.tensor(1.0, requires_grad=True)
for part in inputs.chunk(4):
    v.grad = None
    ((v * part - 2 * part).square().mean() / 4).backward()
torch.testing.assert_close(v.grad, torch.tensor(-(49 + 64) / 4))

# %% en
# -204, four times too much. Each piece divides by its own 2 samples instead of 8. Divide each
# piece's loss by the number of pieces, and the sum is -51. Clear before the first piece, not before
# every one: else only the last piece would be left.

# %% zh 76265c
# 是 -204，正好是应有值的四倍：每一块除以的是自己的样本数 2，不是 8。把每一块的损失除以块数，加起来就是 -51。
# 清零要放在第一块之前，而不是每一块之前，否则剩下的就只有最后一块的梯度。

# %%
w.grad = None
for piece in inputs.chunk(4):
    loss = (w * piece - 2 * piece).square().mean() / 4
    loss.backward()
print(w.grad)

# %% check
torch.testing.assert_close(w.grad, torch.tensor(-51.0))

# %% en: Two calls of ``grad``
# ``x.grad`` still holds 12. Now the loss uses ``x`` three times, and instead of ``backward`` comes
# ``torch.autograd.grad`` (see :ref:`ask-for-gradients`), which returns a tuple, twice. What will be
# added up: the three uses, the two calls, what was in ``x.grad``? And what is printed?

# %% zh a78b59: 两次调用``grad``
# ``x.grad``里还是 12。这次损失把``x``用了三次；不用``backward``，改用``torch.autograd.grad``
# （见:ref:`ask-for-gradients`），它返回元组，一共调用两次。三次使用、两次调用、``x.grad``里原有的数，
# 这三样里哪些会相加？打印出来的又是什么？

# %% predict
for _ in range(2):
    (g,) = torch.autograd.grad(x**2 + x**2 + x**2, x)
    print(g, x.grad)

# %% check
assert g == 3 * 6 and x.grad == 12 and _ == 1
assert torch.autograd.grad(x**2, x) == (6,) and x.grad == 12
fresh = torch.tensor(3.0, requires_grad=True)
assert torch.autograd.grad(fresh**2, fresh) == (6,)
assert fresh.grad is None
inner = x * 3
inner.retain_grad()
torch.autograd.grad(inner**2, x)
assert inner.grad == 18 and x.grad == 12

# %% en
# 18 both times, and 12 stays. The three uses in one graph add up, by the chain rule. But nothing is
# accumulated in a leaf, so the calls know nothing of each other, and there is nothing to clear.
# (An inner tensor that asked for its gradient with ``retain_grad()`` gets it from this call too.)

# %% zh fc748d
# 两次都是 18，原来的 12 也没有变。同一张计算图里的三次使用照样相加，这是链式法则。
# 可是叶子张量里什么也没有累加，所以两次调用互不相干，也就不用清零。（如果对中间张量调用过``retain_grad()``，
# 那么这样的调用也会把它的梯度填上。）

# %% en: Remember
# - Gradient accumulation: ``backward`` adds to the ``grad`` of a leaf, because the gradient of a sum
#   is the sum of the gradients. So a shared parameter collects from all its uses.
# - Clear once per step of the optimizer: after ``step`` and before the first ``backward`` of the
#   next.
# - When a loss averages and the pieces are equal, divide each piece's loss by their number.

# %% zh 0d45d4: 要点
# - 梯度累积：``backward``把新梯度加到叶子张量的``grad``上，因为和的梯度等于梯度的和。
#   所以共享参数的梯度，就是它各处使用传回的梯度之和。
# - 优化器每更新一步，就清零一次：在``step``之后、下一步的第一次``backward``之前。
# - 如果损失取平均，各块又一样大，就把每一块的损失除以块数。

# %% en: Exercise
# Put ``zero_grad`` into the loop of ``descend`` in four places: first in the loop, between the loss
# and ``backward``, between ``backward`` and ``step``, and last. Which place is wrong, and what
# happens there?

# %% zh 26c2cc: 练习
# 在``descend``的循环里，把``zero_grad``依次放到四个位置：循环开头，损失与``backward``之间，
# ``backward``与``step``之间，循环末尾。哪个位置是错的？放在那里会怎样？


# %% solution
def three_steps(place):
    w = torch.tensor(1.0, requires_grad=True)
    optimizer = torch.optim.SGD([w], lr=0.1)
    for _ in range(3):
        if place == 0:
            optimizer.zero_grad()
        loss = w**2 / 2
        if place == 1:
            optimizer.zero_grad()
        loss.backward()
        if place == 2:
            optimizer.zero_grad()
        optimizer.step()
        if place == 3:
            optimizer.zero_grad()
    return w.item()


ends = [three_steps(place) for place in range(4)]
print(ends)
assert ends[0] == ends[1] == ends[3]
assert abs(ends[0] - 0.9**3) < 1e-6
assert ends[2] == 1

# %% en: Where next
# - :ref:`large-batches-in-small-pieces`: pieces of different sizes, and a layer that minds.
# - :ref:`no-gradient-or-zero`: what ``zero_grad`` leaves behind.

# %% zh ffc5db: 接下来
# - :ref:`large-batches-in-small-pieces`：各块大小不同怎么办，哪种层不能这样拆。
# - :ref:`no-gradient-or-zero`：``zero_grad``之后留下什么。
