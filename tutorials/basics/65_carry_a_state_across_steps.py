# %% about
# level: intermediate
# tags: Tensor.detach, Tensor.backward, retain_graph, Tensor.item, Tensor.grad_fn

# %% en: Carry a state across steps
# A recurrent network, a simulation or a running average hands a value on from each step to the
# next. After this page you know what that value drags along, and where to cut.
#
# It builds on :ref:`keep-or-free-the-graph`: ``backward`` frees the tensors that the nodes of a
# graph have saved, and ``retain_graph=True`` keeps them.

# %% zh 629e45: 把状态带到下一步
# 循环神经网络（recurrent neural network）、物理模拟、滑动平均（running average），都要把一个值从这一步交给下一步。
# 这个值会拖着什么一起走，又该在哪里切断，就是这一页要弄清的事。
#
# 请先读:ref:`keep-or-free-the-graph`：``backward``会释放计算图（computational graph）里各节点（node）
# 保存的张量（tensor），而``retain_graph=True``能把它们留住。

# %%
import weakref

import matplotlib.pyplot as plt
import torch

device = torch.accelerator.current_accelerator(check_available=True)
torch.set_default_device(device or "cpu")

# %% en: Three steps
# In each step the loop computes a new state from the old one, a new loss from the new state, and
# calls ``backward`` on that loss. No loss is used twice. In which of the three steps will
# ``backward`` fail?

# %% zh 52c136: 三步
# 循环的每一步都由旧状态（state）算出新状态，由新状态算出新的损失（loss），再对这个损失调用``backward``。
# 每个损失都只用一次。三步里，``backward``会在哪一步失败？

# %% predict
w = torch.tensor(0.5, requires_grad=True)
state = torch.tensor(1.0)
for step in range(1, 4):
    state = torch.tanh(w * state)
    loss = (state - 0.3) ** 2
    try:
        loss.backward()
        print(step, loss.item())
    except RuntimeError as error:
        print(step, str(error).split(" (")[0])

# %% check
import math

first = torch.tanh(torch.tensor(0.5))
slope = 2 * (first - 0.3) * (1 - first**2)
torch.testing.assert_close(w.grad, slope)
value = 1.0
for _ in range(3):
    value = math.tanh(0.5 * value)
assert step == 3
assert abs(state.item() - value) < 1e-6
assert abs(loss.item() - (value - 0.3) ** 2) < 1e-6
try:
    loss.backward()
except RuntimeError as problem:
    message = str(problem)
assert message.startswith(
    "Trying to backward through the graph a second"
)

# %% en
# In the second and the third. Each state comes from the state before, and its graph leads on into
# the graph of the step before, whose saved tensors ``backward`` has already freed. The first step
# has nothing before it: the initial state has no history.

# %% zh dbe8b0
# 第二步和第三步。每个状态都由前一个状态算出，它的图也就一路通向前一步的图，
# 而那里保存的张量已经被``backward``释放了。
# 第一步之前什么都没有，因为最初的状态没有历史。

# %% en: Keep or cut
# Two changes stop the error. ``retain_graph=True`` keeps the old graphs. ``state.detach()`` gives a
# tensor with the same data and without a ``grad_fn``, so that no graph lies behind it. The helper
# ``nodes`` counts all nodes that can be reached from a result. How many lie behind the loss in
# each of the first five steps, in either way?

# %% zh 45de97: 留着还是切断
# 有两种改法可以避免报错：``retain_graph=True``把旧的图留住；``state.detach()``则给出一个张量，
# 数据与原来相同，却没有``grad_fn``，背后也就没有图了。下面的``nodes``用来数从结果出发能走到多少个节点。
# 两种改法下，前五步里每一步的损失背后各有多少个节点？


# %% predict
def nodes(node, found):
    if node is not None and node not in found:
        found.add(node)
        for before, _ in node.next_functions:
            nodes(before, found)
    return len(found)


def sizes(cut):
    w = torch.tensor(0.5, requires_grad=True)
    state, counts = torch.tensor(1.0), []
    for _ in range(5):
        if cut:
            state = state.detach()
        state = torch.tanh(w * state)
        loss = (state - 0.3) ** 2
        counts.append(nodes(loss.grad_fn, set()))
        loss.backward(retain_graph=not cut)
    return counts


print("retain_graph", sizes(cut=False))
print("detach", sizes(cut=True))

# %% check
assert sizes(cut=False) == [5, 7, 9, 11, 13]
assert sizes(cut=True) == [5] * 5
weight = torch.tensor(0.5, requires_grad=True)
value, message = torch.tensor(1.0), ""
try:
    for _ in range(3):
        value = torch.tanh(weight * value)
        ((value - 0.3) ** 2).backward(retain_graph=True)
        with torch.no_grad():
            weight -= 0.1 * weight.grad
except RuntimeError as problem:
    message = str(problem)
assert "has been modified by an inplace operation" in message

# %% en
# With ``retain_graph=True`` each step adds two nodes, a product and a ``tanh``, and each ``backward``
# walks through all of them again. After 10,000 steps the loss has 20,003 nodes behind it, and all
# calls together have made about :math:`10^8` visits. Let each step also change ``w`` as training
# does, *in place*, which means that new numbers are written into the same tensor, and this loop
# fails after all: the old graphs have saved ``w``, and autograd complains that it
# ``has been modified by an inplace operation``. With ``detach``, the graph of each step ends
# where the step begins.

# %% zh 6f7331
# 用``retain_graph=True``，每一步都多出两个节点：一个乘法，一个``tanh``；而每次``backward``都要把
# 累积下来的节点全部再走一遍。到第 10,000 步，损失背后有 20,003 个节点，历次调用加起来，经过节点约:math:`10^8`次。
# 如果像训练那样，每一步还用原地操作（in-place operation）改动``w``，也就是把新的数直接写进同一个张量，
# 这个循环终究还是会失败：旧图保存了``w``，autograd 就会报错，说这个张量已被原地操作改动：
# ``has been modified by an inplace operation``。改用``detach``，每一步的图都只到这一步的开头为止。

# %% en: What the cut costs
# A cut is not free: to the gradient, the incoming state is now a constant, and what ``w`` did
# in earlier steps does not count. The loop below runs 20 steps of
# :math:`s \leftarrow \tanh(w s + 0.2)` and cuts once, so that the last ``kept`` steps remain. With
# all 20 the gradient of the last state is about 0.754. What ``w`` did one step earlier comes to
# the last state through one more slope, :math:`(1 - s^2) w`, which is about 0.51 near the end. How
# many steps are needed for 99% of the gradient?

# %% zh e48529: 切断的代价
# 切断是有代价的：对梯度（gradient）来说，传进来的状态成了常数，``w``在更早各步里的作用不再计入。
# 下面的循环把:math:`s \leftarrow \tanh(w s + 0.2)`重复 20 步，中间只切断一次，保留最后``kept``步。
# 20 步全部保留时，最后一个状态的梯度约为 0.754。``w``的作用每早一步，传到最后一个状态就要多乘一个斜率
# :math:`(1 - s^2) w`，接近末尾时约为 0.51。要得到梯度的 99%，需要保留几步？


# %% predict
def slope_of_last(kept, steps=20):
    w = torch.tensor(0.9, requires_grad=True)
    state = torch.tensor(0.0)
    for step in range(steps):
        if step == steps - kept:
            state = state.detach()
        state = torch.tanh(w * state + 0.2)
    state.backward()
    return w.grad.item()


kept = range(1, 21)
shares = [slope_of_last(k) / slope_of_last(20) for k in kept]
plt.plot(kept, shares, "o-")
plt.axhline(0.99, linestyle="--")
plt.xticks([1, 5, 10, 15, 20])
plt.xlabel("kept")
plt.ylabel("slope(kept) / slope(20)")
plt.show()


# %% check
import math


def by_formula(last):
    value = slope = 0.0
    for number in range(20):
        slope = 0.0 if number == 20 - last else slope
        after = math.tanh(0.9 * value + 0.2)
        slope = (1 - after**2) * (value + 0.9 * slope)
        value = after
    return slope


assert len(shares) == 20
for number, share in enumerate(shares, 1):
    assert abs(share - by_formula(number) / by_formula(20)) < 1e-5
assert abs(slope_of_last(20) - by_formula(20)) < 1e-5
assert abs(slope_of_last(20) - 0.754) < 1e-3
assert shares[5] < 0.99 < shares[6]
limit = 0.0
for _ in range(20):
    limit = math.tanh(0.9 * limit + 0.2)
assert abs(0.9 * (1 - limit**2) - 0.51) < 0.005
assert abs(1 - shares[6] - 0.51**7) < 1e-3 and 0.51**7 < 0.01

# %% en alt
# The share of the whole gradient against the number of kept steps, 1 to 20. The curve starts at
# about one half, rises ever more slowly, crosses the dashed line at 0.99 at 7 and is level from
# about 10 on.

# %% zh alt 5b821f
# 保留的步数从 1 到 20 时，所得梯度占完整梯度的比例。曲线从大约一半开始，越升越慢，
# 在 7 处越过 0.99 的虚线，大约从 10 起就平了。

# %% en
# Seven. The contributions shrink by about one half from step to step back, so what the cut leaves
# out is about :math:`0.51^7` of the whole, less than one hundredth: old steps soon count for little.
# Cutting after every so many steps is called truncated backpropagation. It is cheap, and good where
# the past fades like this. Where the factor is near 1, the cut leaves out a lot.

# %% zh c4f73a
# 七步。每往回一步，贡献大约减半，所以切断时丢掉的大约是全部的:math:`0.51^7`，不到百分之一：
# 早先各步的影响很快就微不足道了。每隔若干步切断一次，
# 叫作截断反向传播（truncated backpropagation）。这种做法开销小；过去的影响像这样很快消退时，效果也好。
# 可是，如果每往回一步所乘的系数接近 1，切断就会丢掉很多贡献。

# %% en: Averaging the loss
# To report an average, a loop sums its losses in ``total``, which is a carried state, too. The graph
# of each loss saves an ``h`` of 1000 numbers; a weak reference, as in
# :ref:`keep-or-free-the-graph`, tells whether ``h`` is still in memory. The first run adds ``loss``
# and does not call ``backward``, the second adds ``loss`` and does, the third adds the Python number
# ``loss.item()`` and does not. How many of the five are left after the five steps of each run?

# %% zh a051ea: 报告平均损失
# 为了报告平均损失，循环把各步的损失加进``total``，这也是一个带到下一步的状态。每个损失的图里都保存着
# 一个``h``，含有 1000 个数；像:ref:`keep-or-free-the-graph`那样，用弱引用（weak reference）看看``h``还在不在内存里。
# 第一次运行加的是``loss``，不调用``backward``；第二次加的还是``loss``，但每一步都调用；
# 第三次加的是 Python 数值``loss.item()``，同样不调用。每次运行走完五步之后，五个张量里还剩几个？


# %% predict
def left(item, backward):
    w = torch.ones(1000, requires_grad=True)
    total, watches = 0, []
    for _ in range(5):
        h = torch.exp(w)
        loss = (h * h).mean()
        watches.append(weakref.ref(h))
        if backward:
            loss.backward()
        total = total + (loss.item() if item else loss)
    del h, loss
    return sum(watch() is not None for watch in watches)


print(left(item=False, backward=False))
print(left(item=False, backward=True))
print(left(item=True, backward=False))

# %% check
assert left(item=False, backward=False) == 5
assert left(item=False, backward=True) == 0
assert (
    left(item=True, backward=False)
    == left(item=True, backward=True)
    == 0
)
total, behind = 0, []
for _ in range(5):
    loss_of_step = (weight - 1) ** 2
    loss_of_step.backward()
    total = total + loss_of_step
    behind.append(nodes(total.grad_fn, set()))
assert behind == [4, 7, 10, 13, 16]
assert (total.detach() + loss_of_step.detach()).grad_fn is None
with torch.no_grad():
    assert (0 + (weight - 1) ** 2).grad_fn is None

# %% en
# All five, none, none. Without ``backward``, typically where you measure the loss on other data and
# have not switched recording off, ``total`` holds each graph with all that it has saved, until
# memory runs out. With ``backward`` the saved tensors go, but the nodes stay behind ``total`` and
# grow in number with each step. Sum ``loss.item()``, or ``loss.detach()``, which is still a tensor.

# %% zh 92150b
# 五个全在；一个不剩；一个不剩。不调用``backward``的情形，多半出现在用别的数据计算损失、又没有关掉记录的时候。
# 这时``total``会留住每一张图，连同图里保存的一切，直到内存耗尽。如果调用``backward``，保存的张量会被释放，
# 但节点还留在``total``背后，一步比一步多。所以应当累加``loss.item()``，
# 或者累加``loss.detach()``，后者仍是张量。

# %% en: Remember
# - A carried state brings the graphs of the steps before. ``detach`` cuts them off.
# - The cut turns the state into a constant for the gradient: earlier steps no longer count.
# - Sum losses as ``loss.item()`` or ``loss.detach()``, or the sum holds the graphs that they have.

# %% zh ce3559: 要点
# - 带到下一步的状态会连带之前各步的图；``detach``能把这些图切断。
# - 切断之后，状态对梯度来说就是常数，更早的各步不再计入。
# - 累加损失时写``loss.item()``或``loss.detach()``，否则总和会一直留住各个损失背后的图。

# %% en: Exercise: a running mean
# ``mean`` starts at 0, and each step replaces it by ``0.9 * mean + 0.1 * loss``, with the losses
# ``(w - t) ** 2`` for ``t`` = 1, 2, 3. Each loss also goes through ``backward``. Show with ``nodes``
# that the graph behind ``mean`` grows, then change one line so that ``mean`` has no ``grad_fn`` and
# the same value.

# %% zh 1bb825: 练习：滑动平均
# ``mean``从 0 开始，每一步都换成``0.9 * mean + 0.1 * loss``，损失是``(w - t) ** 2``，``t``依次取 1、2、3，
# 对每个损失也都调用``backward``。用``nodes``验证``mean``背后的图越来越大，然后只改一行，
# 使``mean``没有``grad_fn``，值却不变。


# %% solution
def running_mean(cut):
    w = torch.tensor(0.5, requires_grad=True)
    mean, counts = torch.tensor(0.0), []
    for t in (1.0, 2.0, 3.0):
        loss = (w - t) ** 2
        loss.backward()
        mean = 0.9 * mean + 0.1 * (loss.detach() if cut else loss)
        counts.append(nodes(mean.grad_fn, set()))
    return mean, counts


mean, counts = running_mean(cut=False)
cut_mean, no_counts = running_mean(cut=True)
print(counts, no_counts)
assert counts[0] < counts[1] < counts[2]
assert no_counts == [0, 0, 0] and cut_mean.grad_fn is None
torch.testing.assert_close(cut_mean, mean.detach())

# %% en: Exercise: where the past does not fade
# Compute the share that 7 of 20 steps give for the state :math:`s \leftarrow w s + 0.2` without
# ``tanh``, for :math:`w = 1`, again from 0. Say first what one step back is multiplied by.

# %% zh 88ef7f: 练习：过去的影响不消退
# 去掉``tanh``，改用:math:`s \leftarrow w s + 0.2`，取:math:`w = 1`，仍从 0 出发。先想清楚每往回一步要乘上什么，
# 再算一算：20 步里只保留 7 步，得到的梯度占全部的多少？


# %% solution
def linear_slope(kept, steps=20):
    w = torch.tensor(1.0, requires_grad=True)
    state = torch.tensor(0.0)
    for step in range(steps):
        if step == steps - kept:
            state = state.detach()
        state = w * state + 0.2
    state.backward()
    return w.grad.item()


print(linear_slope(7) / linear_slope(20))
assert abs(linear_slope(20) - 0.2 * sum(range(20))) < 1e-4
assert abs(linear_slope(7) - 0.2 * sum(range(13, 20))) < 1e-4

# %% en: Where next
# :ref:`gradients-off-and-on` records no graph at all where none is wanted, and
# :ref:`in-place-operations` explains the errors that changing a saved tensor leads to.

# %% zh 210a2e: 接下来
# 用不着梯度的地方，可以干脆不记录图，见:ref:`gradients-off-and-on`。图里保存的张量如果被改动，
# 会引出哪些错误，见:ref:`in-place-operations`。
