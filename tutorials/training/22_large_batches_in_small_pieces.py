# %% about
# level: beginner
# tags: Tensor.backward, torch.nn.MSELoss, torch.nn.BatchNorm1d, torch.nn.Module.eval

# %% en: Large batches in small pieces
# A batch that needs too much memory can go through a model piece by piece and still give the
# gradient of the whole, by gradient accumulation. Learn how to weight the pieces, and which layers
# spoil it.
#
# In :ref:`gradients-add-up` 8 samples went through in 4 equal pieces. The model was :math:`w x` with
# :math:`w = 1`, the target :math:`2x`, and the loss averaged the squared errors. The gradient of the
# whole batch is -51, and dividing each piece's loss by the number of pieces gave the same.

# %% zh 28b20b: 大批次拆成小块
# 一个批次（batch）太大，内存或显存不够用时，可以一块一块地送进模型，靠梯度累积（gradient accumulation）照样得到整个批次的梯度。
# 这一页讲怎样给各块加权，以及哪些层会坏事。
#
# 在:ref:`gradients-add-up`里，8 个样本平均分成 4 块。模型是:math:`w x`，:math:`w = 1`，目标是:math:`2x`，
# 损失对误差平方取平均。整个批次的梯度是 -51；把每一块的损失除以块数，得到的也是这个数。

# %%
import matplotlib.pyplot as plt
import torch

device = torch.accelerator.current_accelerator(check_available=True)
torch.set_default_device(device or "cpu")

x = torch.arange(1.0, 9.0)
w = torch.tensor(1.0, requires_grad=True)
(w * x - 2 * x).square().mean().backward()
print(w.grad)

# %% check
torch.testing.assert_close(w.grad, torch.tensor(-2 * 204 / 8))
assert x.tolist() == [1, 2, 3, 4, 5, 6, 7, 8]

# %% en: Three, three and two
# Often the pieces are not equal. ``split(3)`` cuts these 8 samples into pieces of 3, 3 and 2. Divide
# the loss of each piece by 3, the number of pieces. Do you get -51, something further from zero, or
# something nearer to zero?

# %% zh 95ed19: 三个、三个、两个
# 各块往往不一样大。``split(3)``把这 8 个样本切成 3 个、3 个、2 个共三块。把每一块的损失除以块数 3，
# 得到的会是 -51，还是离零更远的数，或者更近的数？

# %% predict
w.grad = None
for piece in x.split(3):
    loss = (w * piece - 2 * piece).square().mean() / 3
    loss.backward()
print(w.grad)

# %% check
sizes = [len(part) for part in x.split(3)]
assert sizes == [3, 3, 2] and piece.tolist() == [7, 8]
means = 14 / 3 + 77 / 3 + 113 / 2
torch.testing.assert_close(w.grad, torch.tensor(-2 * means / 3))
assert abs(-2 * means / 3 + 57.9) < 0.05

# %% en
# About -57.9. A sample in a piece of 3 enters with the weight 1/3 of 1/3, that is 1/9; one in the
# piece of 2 with 1/6. In the whole batch each has 1/8. So the last two samples, here the ones with
# the steepest slopes, count too much. Multiply each piece's average by the piece's share of the
# batch instead, and every sample is back at 1/8.

# %% zh 4e0806
# 大约是 -57.9。在 3 个样本的块里，每个样本所占的比重是 1/3 的 1/3，也就是 1/9；在 2 个样本的块里，则是 1/6。
# 而在整个批次里，每个样本都占 1/8。所以最后两个样本的比重过大，偏偏它们的斜率又最陡。
# 改成把每一块的平均值乘以这一块占整个批次的比例，每个样本就都回到 1/8。

# %%
w.grad = None
for piece in x.split(3):
    share = len(piece) / len(x)
    loss = (w * piece - 2 * piece).square().mean() * share
    loss.backward()
print(w.grad)

# %% check
torch.testing.assert_close(w.grad, torch.tensor(-51.0))
assert share == 0.25

cross_entropy = torch.nn.functional.cross_entropy
scores = torch.tensor([[1.0, 3.0], [2.0, 0.0]])
labels = torch.tensor([0, -100])
torch.testing.assert_close(
    cross_entropy(scores, labels), cross_entropy(scores[:1], labels[:1])
)

# %% en
# The share counts what the average counts. ``cross_entropy``, for example, leaves out labels of
# -100, often put where short texts are filled up to one length (padding); then the share is a
# piece's part of the labels that are left. Libraries for training
# `had to mend this <https://huggingface.co/blog/gradient_accumulation>`__.

# %% zh e5d3d3
# 算比例时，平均值里计入了几项，就按几项来算。例如``cross_entropy``不计入值为 -100 的标签（label），
# 短文本补到统一长度的地方（即填充，padding），常放这种标签；这时要算的，是每一块在余下的标签里所占的比例。
# 有的训练库`为此修过 bug <https://huggingface.co/blog/gradient_accumulation>`__。

# %% en: A loss that sums
# Let the loss add up the squared errors instead of averaging them, and let the pieces be 3, 3 and 2
# once more. Without any factor, which number do they leave? Is it the gradient of the whole batch?

# %% zh dec070: 求和的损失
# 现在让损失对误差平方求和，不取平均；还是切成 3 个、3 个、2 个这三块。什么系数都不乘，得到的是多少？
# 它是整个批次的梯度吗？

# %% predict
w.grad = None
for piece in x.split(3):
    (w * piece - 2 * piece).square().sum().backward()
print(w.grad)

# %% check
torch.testing.assert_close(w.grad, torch.tensor(-408.0))

# %% en
# :math:`8 \cdot (-51) = -408`, and yes: a sum over the batch is the sum over its pieces, whatever
# their sizes.

# %% zh cdf9c6
# :math:`8 \cdot (-51) = -408`，正是整个批次的梯度：对整个批次求和，等于先对各块求和再相加，与各块大小无关。

# %% en: One step of a model
# Now 64 samples, in pieces of 30, 30 and 4, for a model of ten weights and a bias. Each ``backward``
# frees what the graph of its piece has saved (:ref:`keep-or-free-the-graph`) before the next graph is
# built; that is where the memory goes down. ``zero_grad`` and ``step`` come once per batch. The last
# line compares with the gradient of the whole batch, up to rounding.

# %% zh 965bc5: 训练一步
# 现在有 64 个样本，分成 30、30、4 三块，模型有十个权重（weight）和一个偏置（bias）。每次``backward``之后，
# 这一块的计算图（computational graph）所保存的张量（tensor）随即被释放（见:ref:`keep-or-free-the-graph`），
# 然后才构建下一块的计算图，内存就省在这里。``zero_grad``和``step``在每个批次里只做一次。
# 最后一行把得到的梯度与整个批次的梯度作比较，容许有舍入误差（rounding error）。

# %%
torch.manual_seed(0)
inputs, targets = torch.randn(64, 10), torch.randn(64, 1)
model, loss_fn = torch.nn.Linear(10, 1), torch.nn.MSELoss()
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)

whole_loss = loss_fn(model(inputs), targets)
(whole,) = torch.autograd.grad(whole_loss, model.weight)

optimizer.zero_grad()
for piece, target in zip(
    inputs.split(30), targets.split(30), strict=True
):
    loss = loss_fn(model(piece), target) * len(piece) / len(inputs)
    loss.backward()
optimizer.step()
print(torch.allclose(model.weight.grad, whole, atol=1e-6))

# %% check
torch.testing.assert_close(model.weight.grad, whole)
assert len(piece) == 4 and len(inputs) == 64
with torch.no_grad():
    old = model.weight + 0.1 * model.weight.grad
    old_bias = model.bias + 0.1 * model.bias.grad
    misses = inputs @ old.T + old_bias - targets
    torch.testing.assert_close(whole, 2 * misses.T @ inputs / 64)
try:
    loss.backward()
except RuntimeError as refusal:
    assert "second time" in str(refusal)
else:
    raise AssertionError

# %% en: A layer that looks sideways
# So far each sample went through the model alone. ``BatchNorm1d`` in training mode is different: it
# subtracts from each number the mean of the batch and divides by the batch's standard deviation.
# (``affine=False`` leaves out its weights.) Give it the numbers 1 to 8 in a column, one row a sample,
# in 4 pieces of 2. What will it return?

# %% zh 353671: 左顾右盼的层
# 到此为止，每个样本都是独自通过模型的。训练模式下的``BatchNorm1d``却不同：它把每个数减去这个批次的平均值，
# 再除以这个批次的标准差（standard deviation）；``affine=False``表示这个层不带权重。把 1 到 8 排成一列，
# 每行一个样本，分成 4 块送进去，每块 2 个。它会返回什么？

# %% predict
norm = torch.nn.BatchNorm1d(1, affine=False)
column = x[:, None]
apart = torch.cat([norm(piece) for piece in column.chunk(4)])
print(apart[:, 0])

# %% check
teeth = torch.tensor([-1.0, 1.0] * 4)[:, None]
torch.testing.assert_close(apart, teeth, rtol=1e-4, atol=1e-4)
layer = torch.nn.LayerNorm(2)
pairs = x.reshape(4, 2) ** 2
torch.testing.assert_close(
    layer(pairs), torch.cat([layer(pair) for pair in pairs.chunk(2)])
)

# %% en
# -1 and 1, for each pair, up to a little that keeps the division safe. The mean of two numbers lies
# halfway between them, one standard deviation from each. From these outputs nobody can tell 1 from 7.

# %% zh 38b630
# 每一对都得到 -1 和 1，只有极小的偏差：除数里加了一个很小的数，以免除以零。两个数的平均值正好在它们中间，
# 与两者都相距一个标准差。单看这些输出，已经分不出 1 和 7。

# %% en: Larger pieces
# The same with :math:`n` numbers a piece: 3 (and 2 in the last), 4, and 8, the whole batch. What
# will the three lines look like, and which climbs highest?

# %% zh 398430: 块大一些
# 再做一次，每块:math:`n`个数：分别取 3 个（最后一块只有 2 个）、4 个，以及整个批次的 8 个。
# 三条线会是什么样子？哪一条升得最高？

# %% predict
outputs = {
    n: torch.cat([norm(piece) for piece in column.split(n)])
    for n in (3, 4, 8)
}
for (n, output), style in zip(
    outputs.items(), ("o:", "s-", "^--"), strict=True
):
    plt.plot(x.cpu(), output.cpu(), style, label=f"$n = {n}$")
plt.xlabel("$x$")
plt.ylabel("BatchNorm1d($x$)")
plt.ylim(-1.8, 2.4)
plt.legend(loc="upper center", ncols=3)
plt.show()

# %% check
assert list(outputs) == [3, 4, 8] and norm.training
for number, drawn in outputs.items():
    runs = [torch.arange(len(part)) * 1.0 for part in x.split(number)]
    middle = [run - run.mean() for run in runs]
    wave = torch.cat([at / at.square().mean().sqrt() for at in middle])
    torch.testing.assert_close(drawn[:, 0], wave, rtol=1e-4, atol=1e-4)
spread = (sum((n - 4.5) ** 2 for n in range(1, 9)) / 8) ** 0.5
torch.testing.assert_close(
    outputs[8], (column - 4.5) / spread, rtol=1e-4, atol=1e-4
)
tops = [drawn.max().item() for drawn in outputs.values()]
assert 1.2 < tops[0] < tops[1] - 0.1 < tops[2] - 0.2

slopes = {}
for size in (8, 4, 3):
    factor = torch.tensor(1.0, requires_grad=True)
    for rows in column.split(size):
        error = (factor * norm(rows) - rows).square().mean()
        (error * len(rows) / len(column)).backward()
    slopes[size] = factor.grad.item()
assert abs(slopes[4] / slopes[8] - 1) > 0.1
assert abs(slopes[3] / slopes[8] - 1) > 0.1

# %% en alt
# Output of the layer against :math:`x` from 1 to 8. Pieces of 3 give three teeth of a saw, the last
# one short, pieces of 4 two higher teeth, the whole batch of 8 one straight rising line, the
# highest of all.

# %% zh alt fa6fa6
# 层的输出随:math:`x`的变化，横轴从 1 到 8。每块 3 个时，是三个锯齿，最后一个较短；每块 4 个时，
# 是两个更高的锯齿；整个批次 8 个时，是一条上升的直线，升得最高。

# %% en
# Every piece starts again low, and the whole batch climbs highest: the ends of a long run lie more
# standard deviations from its mean. The layer computes another function for each size of piece, so
# the gradients are those of another loss, and weighting the pieces does not repair that.

# %% zh 4f754a
# 到了每一块，曲线都从低处重新开始；整个批次升得最高，因为连着的数越多，
# 用标准差去量，两端离平均值就越远。块的大小不同，这个层算的就是不同的函数，得到的也就是另一个损失的梯度，
# 给各块加权也弥补不了。

# %% en: With ``eval()``
# While it trains, the layer also keeps a running mean and a running variance of what it has seen.
# ``norm.eval()`` ends the training mode. Do pieces of 2 now give the same as the whole?

# %% zh c6baad: 调用``eval()``之后
# 训练时，这个层还会为见过的数据维护一个滑动均值（running mean）和一个滑动方差（running variance）。
# 调用``norm.eval()``，训练模式就此结束。现在再按每块 2 个送进去，结果会与整个送进去时相同吗？

# %% predict
norm.eval()
together = norm(column)
apart = torch.cat([norm(piece) for piece in column.chunk(4)])
print(torch.allclose(together, apart))

# %% check
torch.testing.assert_close(together, apart)
gap = (norm.running_var + norm.eps).sqrt()
torch.testing.assert_close(apart, (column - norm.running_mean) / gap)
assert not norm.training
seen = norm.running_mean.clone(), norm.running_var.clone()
norm(column + 100)
assert seen == (norm.running_mean, norm.running_var)

# %% en
# Yes: the layer now uses these two instead of those of the batch, so each sample is treated alone.
# When a model has to train in pieces, hold the statistics of such layers fixed with ``eval()``, or
# choose one that normalizes each sample by itself, such as ``LayerNorm``.

# %% zh 952eac
# 相同：这个层现在用的是滑动均值和滑动方差，不再用批次的均值和方差，所以每个样本又是单独处理的。
# 如果模型只能分块训练，就用``eval()``把这样的层的统计量固定下来，或者换成对每个样本单独归一化（normalize）
# 的层，例如``LayerNorm``。

# %% en: Remember
# - A loss that averages: multiply each piece's loss by the piece's share of the batch. A loss that
#   sums: no factor.
# - One ``zero_grad`` and one ``step`` per batch, one ``backward`` per piece.
# - A layer that mixes samples, such as ``BatchNorm1d`` in training mode, computes something else in
#   pieces.

# %% zh 0ecf82: 要点
# - 损失取平均时，把每一块的损失乘以这一块占整个批次的比例；损失求和时，什么系数都不用乘。
# - 每个批次调用一次``zero_grad``、一次``step``，每一块调用一次``backward``。
# - 会混合样本的层，例如训练模式下的``BatchNorm1d``，分块之后算的就不是原来的函数了。

# %% en: Exercise
# Use a loss that sums, ``torch.nn.MSELoss(reduction="sum")``, for the 64 samples in pieces of 10,
# and divide by a number so that the gradient is again that of the average over the batch. (The
# ``step`` has moved the weights, so compute ``whole`` anew.)

# %% zh 67403a: 练习
# 对这 64 个样本改用求和的损失``torch.nn.MSELoss(reduction="sum")``，每块 10 个，
# 再除以某个数，使梯度仍等于整个批次取平均时的梯度。（``step``已经改变了权重，所以``whole``要重新算。）

# %% solution
average = loss_fn(model(inputs), targets)
(whole,) = torch.autograd.grad(average, model.weight)

total_fn = torch.nn.MSELoss(reduction="sum")
model.zero_grad()
for piece, target in zip(
    inputs.split(10), targets.split(10), strict=True
):
    (total_fn(model(piece), target) / len(inputs)).backward()
torch.testing.assert_close(model.weight.grad, whole)

# %% en: Where next
# - :ref:`no-gradient-or-zero`: what ``zero_grad`` leaves behind.
# - :ref:`gradients-off-and-on`: more about what ``eval()`` does and does not do.

# %% zh 8dc4aa: 接下来
# - :ref:`no-gradient-or-zero`：``zero_grad``之后留下什么。
# - :ref:`gradients-off-and-on`：``eval()``做什么、不做什么。
