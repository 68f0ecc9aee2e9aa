# %% about
# level: beginner
# tags: torch.nn.Module, torch.nn.Parameter, torch.optim.SGD, torch.optim.Optimizer.step, torch.no_grad

# %% en: One training step
# Training a model repeats four lines. Stop after each of them, and you can say which numbers it
# reads, which it changes and which it leaves alone.
#
# The smallest model is a single weight :math:`w`. The *loss* is the number that training is to make
# small; let it be :math:`(w - 1)^2`, with the slope :math:`2(w - 1)`. You know ``backward`` from
# :ref:`first-gradient`, and steps downhill from :ref:`which-way-is-downhill`. An *optimizer* is an
# object that makes the steps. Plain ``torch.optim.SGD`` is handed a list of tensors and a learning
# rate ``lr``; from each that has a gradient, its ``step`` subtracts ``lr`` times this gradient.

# %% zh cd4553: 一步训练
# 训练模型，就是重复四行代码。每执行一行都停下来看一看，你就能说清：这一行读取哪些数，改动哪些数，又不碰哪些数。
#
# 最小的模型只有一个权重（weight）:math:`w`。*损失*（loss）是训练要设法减小的那个数，这里取:math:`(w - 1)^2`，
# 它的斜率是:math:`2(w - 1)`。``backward``见:ref:`first-gradient`，怎样一步步往下坡走，
# 见:ref:`which-way-is-downhill`。每一步都由*优化器*（optimizer）这个对象来走。
# 最朴素的优化器是``torch.optim.SGD``：交给它一个张量列表和学习率（learning rate）``lr``；调用一次``step``，
# 其中凡是有梯度（gradient）的张量，都会被减去自己梯度的``lr``倍。

# %%
import copy

import matplotlib.pyplot as plt
import torch

device = torch.accelerator.current_accelerator(check_available=True)
torch.set_default_device(device or "cpu")

w = torch.tensor(4.0, requires_grad=True)
optimizer = torch.optim.SGD([w], lr=0.1)

# %% check
assert w == 4 and w.grad is None
optimizer.step()
assert w == 4
assert optimizer.param_groups[0]["lr"] == 0.1

# %% en: One weight
# The weight starts at 4. The next cell prints ``w`` and ``w.grad`` twice, after ``backward`` and
# after ``step`` (``detach()`` hands out the value without its history). Which four numbers will
# you see?

# %% zh 3837e9: 一个权重
# 权重的初值是 4。下面把``w``和``w.grad``打印两遍，一遍在``backward``之后，
# 一遍在``step``之后（``detach()``只取出值，不带计算历史）。你会看到哪四个数？

# %% predict
loss = (w - 1) ** 2
loss.backward()
print(w.detach(), w.grad)

optimizer.step()
print(w.detach(), w.grad)

# %% check
torch.testing.assert_close(w.detach(), torch.tensor(4 - 0.1 * 6))
assert w.grad == 6 and loss == 9
scratch = torch.tensor(4.0, requires_grad=True)
scratch.grad = torch.tensor(6.0)
torch.optim.SGD(
    [scratch], lr=0.1, momentum=0.9, nesterov=True, foreach=True
).step()
assert scratch.grad != 6

# %% en
# ``backward`` measures: the slope 6 arrives in ``w.grad``, and the weight stays 4. ``step`` moves:
# the weight goes to :math:`4 - 0.1 \cdot 6 = 3.4`, and the gradient stays 6, although the slope at
# 3.4 is 4.8. Neither it nor ``loss`` is computed again until you run the lines again. (Plain SGD
# leaves ``grad`` alone; there are options with which it writes there.)
#
# So a step of training has four lines: clear the old gradient with ``zero_grad``, compute the loss,
# ``backward``, ``step``.

# %% zh 9405cd
# ``backward``只管测量：斜率 6 存进了``w.grad``，权重还是 4。``step``只管移动：
# 权重变成:math:`4 - 0.1 \cdot 6 = 3.4`，梯度仍是 6，尽管 3.4 处的斜率是 4.8。梯度也好，``loss``也好，
# 要等你把这几行再运行一遍，才会重新计算。（最朴素的 SGD 不改``grad``；加上某些选项，它就会改写。）
#
# 所以一步训练有四行：用``zero_grad``清掉旧梯度，算出损失，调用``backward``，调用``step``。

# %% en: A model with two layers
# Models keep their weights in *modules*. ``torch.nn.Linear(1, 20)`` is one: it multiplies by a
# matrix and adds a bias, and turns 1 number into 20. Its tensors ``weight`` and ``bias`` are of the
# class
# `torch.nn.Parameter <https://docs.pytorch.org/docs/stable/generated/torch.nn.parameter.Parameter.html>`__.
# The module below divides its input by ``width``, then chains two such layers with a bend,
# ``tanh``, between them. (``model(x)`` runs its ``forward``.)
#
# ``named_parameters`` lists what the module holds for an optimizer, under names such as
# ``part.weight``. Nobody writes ``requires_grad=True`` here. Which names will it show, with which
# shapes, and what will ``requires_grad`` be?

# %% zh f5dbf8: 两层的模型
# 模型把权重放在*模块*（module）里。``torch.nn.Linear(1, 20)``就是一个模块：乘以一个矩阵，再加上偏置（bias），
# 把 1 个数变成 20 个。
# 它的两个张量``weight``和``bias``都属于`torch.nn.Parameter <https://docs.pytorch.org/docs/stable/generated/torch.nn.parameter.Parameter.html>`__这个类。
# 下面的模块先把输入除以``width``，再让它依次经过两个这样的层，中间用``tanh``弯一下。
# （``model(x)``运行的就是它的``forward``。）
#
# ``named_parameters``列出模块里可以交给优化器的张量，名字的写法像``part.weight``。
# 这里没有一处写着``requires_grad=True``。列表里会有哪些名字？形状各是什么？``requires_grad``又是什么？


# %% predict
class Curve(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.width = torch.tensor(3.0)
        self.hidden = torch.nn.Linear(1, 20)
        self.out = torch.nn.Linear(20, 1)

    def forward(self, x):
        return self.out(torch.tanh(self.hidden(x / self.width)))


torch.manual_seed(0)
model = Curve()
for name, p in model.named_parameters():
    print(name, tuple(p.shape), p.requires_grad)

# %% check
shapes = {name: tuple(p.shape) for name, p in model.named_parameters()}
assert shapes == {
    "hidden.weight": (20, 1),
    "hidden.bias": (20,),
    "out.weight": (1, 20),
    "out.bias": (1,),
}
assert all(p.requires_grad for p in model.parameters())
assert not model.width.requires_grad and model.width == 3
assert torch.nn.Parameter(torch.zeros(1)).requires_grad

# %% en
# Four names, and ``width`` is not among them. A module lists the ``Parameter`` objects that you
# assign to it, and those of the modules that you assign to it; a plain tensor is not listed. A
# ``Parameter`` requires a gradient unless you say otherwise. (The matrix of a ``Linear`` has a row for
# each output and a column for each input.)

# %% zh ca1f95
# 一共四个名字，其中没有``width``。直接赋给模块的``Parameter``会被列出，赋给它的子模块所含的也会被列出，
# 普通张量则不会。``Parameter``默认需要梯度。（``Linear``的权重矩阵，每一行对应一个输出，每一列对应一个输入。）

# %% en: After ``backward``
# The data are 50 points on the sine, in a column: one row a sample. The loss is the mean of the
# squared errors. ``state_dict`` returns the weights by name; a copy, ``start``, is kept for
# comparison. At first every ``grad`` is ``None``: not computed. Under the output stands the graph (see
# :ref:`read-the-graph`); a g with a bar in it is a gradient on its way back.
#
# The cell goes through forward and backward pass. Which of ``x.grad`` and ``model.width.grad``
# will be filled, which shapes will the other gradients have, and is a weight still equal to its
# copy (the last column)?

# %% zh 5f438f: ``backward``之后
# 数据是正弦曲线上的 50 个点，排成一列，每行一个样本。损失是误差平方的平均值。``state_dict``按名字返回权重，
# 先复制一份存为``start``，留作对照。开始时所有的``grad``都是``None``，意思是还没有算过。
# 输出下面画着计算图（computational graph，见:ref:`read-the-graph`），图中带横线的字母 g 是往回传的梯度。
#
# 下面做一次前向传播（forward pass）和一次反向传播（backward pass）。``x.grad``和``model.width.grad``里，
# 哪个会有值？其余梯度的形状是什么？各个权重是否仍与原来那一份相等（最后一列）？

# %% predict
# sphinx_gallery_graph = "loss: steps"
x = torch.linspace(-3, 3, 50)[:, None]
y = torch.sin(x)
start = copy.deepcopy(model.state_dict())

loss = (model(x) - y).square().mean()
loss.backward()

print(x.grad, model.width.grad)
for name, p in model.named_parameters():
    print(name, tuple(p.grad.shape), torch.equal(p, start[name]))

# %% check
assert x.grad is None and model.width.grad is None
assert all(
    torch.equal(p, start[n]) for n, p in model.named_parameters()
)
assert x.shape == (50, 1) and x[0] == -3 and x[-1] == 3
assert y.requires_grad is False
with torch.no_grad():
    scaled, u, v = x / 3, start["hidden.weight"], start["out.weight"]
    bent = torch.tanh(scaled @ u.T + start["hidden.bias"])
    misses = bent @ v.T + start["out.bias"] - torch.sin(x)
    torch.testing.assert_close(loss, (misses**2).sum() / 50)
    arriving = (2 * misses / 50) @ v * (1 - bent**2)
    for q, expected in (
        (model.hidden.weight, arriving.T @ scaled),
        (model.hidden.bias, arriving.sum(0)),
        (model.out.weight, (2 * misses / 50).T @ bent),
        (model.out.bias, (2 * misses / 50).sum(0)),
    ):
        torch.testing.assert_close(q.grad, expected)

# %% en
# ``x`` and ``width`` do not require gradients, so autograd computes none for them. Each parameter
# receives a gradient of its own shape, one slope for each of its numbers, and no weight has moved.
# Step through the graph to see the gradient start at the loss and reach the first layer last.

# %% zh ceaa5f
# ``x``和``width``不需要梯度，autograd 也就不为它们计算。每个模型参数（parameter）得到的梯度，形状都与自己相同，
# 每个元素（element）各对应一个斜率；权重则一个都没有动。在图上一步步看过去，可以看到梯度从损失出发，最后才到达第一层。

# %% en: The update by hand
# ``step`` is a subtraction, so try to write it yourself. Autograd refuses the next line. What can be
# wrong with it?

# %% zh f37194: 手写更新
# ``step``做的就是减法，不妨自己写写看。可是下面这一行，autograd 拒绝执行。可能错在哪里？

# %% predict
try:
    model.out.bias -= 0.1 * model.out.bias.grad
except RuntimeError as error:
    print(error)

# %% check
assert torch.equal(model.out.bias, start["out.bias"])
try:
    model.out.bias.sub_(1)
except RuntimeError as refusal:
    assert "a leaf Variable that requires grad" in str(refusal)
else:
    raise AssertionError

# %% en
# The message speaks of a *leaf*: a tensor that no recorded operation made, such as a weight. As
# long as autograd records, it refuses such an *in-place operation* on a leaf that requires a
# gradient. But the update is not part of the function that you differentiate. Switch recording off for it, with
# ``torch.no_grad()``.

# %% zh f60d31
# 报错信息里的 leaf 指叶子张量（leaf tensor），也就是并非由已记录的运算得到的张量，权重就属于这一类。只要还在记录，
# autograd 就不接受对需要梯度的叶子张量做这样的*原地操作*（in-place operation）。不过，
# 更新这一步本来就不在待求导的函数之内，所以更新时要用``torch.no_grad()``关掉记录。

# %% en: By hand and by optimizer
# The cell updates by hand and keeps the result. Then ``load_state_dict`` puts the old weights back,
# and an optimizer makes its step, without another ``backward``. Will the weights agree? The last
# line prints the old ``loss`` and the loss of the new weights: will it have fallen?

# %% zh cb7a25: 手写更新与优化器
# 下面先手写更新，留下结果；再用``load_state_dict``放回原来的权重，让优化器走一步，中间不再调用``backward``。
# 两种做法得到的权重会一致吗？最后一行打印旧的``loss``，以及用新权重算出的损失：损失会下降吗？

# %% predict
with torch.no_grad():
    for p in model.parameters():
        p -= 0.1 * p.grad
by_hand = copy.deepcopy(model.state_dict())

model.load_state_dict(start)
torch.optim.SGD(model.parameters(), lr=0.1).step()
for name, p in model.named_parameters():
    print(name, torch.allclose(p, by_hand[name]))

with torch.no_grad():
    print(loss.item(), (model(x) - y).square().mean().item())

# %% check
for label, q in model.named_parameters():
    torch.testing.assert_close(q.detach(), by_hand[label])
    expected = start[label] - q.grad / 10
    torch.testing.assert_close(q.detach(), expected)
with torch.no_grad():
    assert (model(x) - y).square().mean() < loss

# %% en
# They agree: the gradients were still there, and with them and ``lr`` plain SGD has all it needs. The
# loss has fallen. (``item()`` gives the Python number in a tensor of one element.)

# %% zh 427a2c
# 两者一致：梯度还在原处，而最朴素的 SGD 需要的只是这些梯度和``lr``。
# 损失也下降了。（``item()``把单元素张量里的数取出来，变成 Python 数值。）

# %% en: A shorter list
# Now hand the optimizer the parameters of the last layer only, and run one step from the start.
# Which parameters will have a gradient afterwards (first column), and which will still be equal to
# their copy (second)?

# %% zh 484d35: 只交一部分
# 现在只把最后一层的模型参数交给优化器，再从起点走一步。走完之后，哪些模型参数有梯度（第一列）？
# 哪些仍等于原来的那一份（第二列）？

# %% predict
model.load_state_dict(start)
model.zero_grad()
(model(x) - y).square().mean().backward()
torch.optim.SGD(model.out.parameters(), lr=0.1).step()
for name, p in model.named_parameters():
    print(name, p.grad is not None, torch.equal(p, start[name]))

# %% check
for label, q in model.named_parameters():
    assert q.grad is not None
    expected = (
        by_hand[label] if label.startswith("out") else start[label]
    )
    torch.testing.assert_close(q.detach(), expected)
assert not torch.equal(p, start[name])

lone = torch.tensor(5.0, requires_grad=True)
adam = torch.optim.Adam([lone], lr=0.1)
lone.grad = torch.tensor(1.0)
adam.step()
after_one = lone.item()
lone.grad = torch.tensor(0.0)
adam.step()
assert lone < after_one
calls = []
lbfgs = torch.optim.LBFGS([lone], max_iter=1)
lbfgs.step(lambda: calls.append(1) or lone * 1.0)
assert calls

# %% en
# All have a gradient, and only the last layer has moved. ``backward`` follows the graph and has
# not heard of optimizers; SGD goes through its list and reads each ``grad``, whoever put it there.
# So when a weight does not change, look first whether it is on the list. (Other optimizers know
# more: Adam remembers earlier gradients, and LBFGS computes the loss anew.)

# %% zh 56008e
# 四个都有梯度，变了的只有最后一层。``backward``沿着计算图走，不知道有优化器这回事；SGD 逐个查看列表里的张量，
# 读取各自的``grad``，不管这个梯度是谁放进去的。所以，如果某个权重一直不更新，
# 先看它在不在列表里。（别的优化器知道得更多：Adam 记着以前的梯度，LBFGS 还会重新计算损失。）

# %% en: The loop
# Put the four lines in a loop, hand over all the parameters, and the curve bends towards the sine.
# The cell prints the last loss and draws the model after :math:`k` steps.

# %% zh c6f36f: 训练循环
# 把这四行放进循环，把全部模型参数都交给优化器，模型的曲线就会弯向正弦曲线。
# 下面打印最后的损失，并画出模型在:math:`k`步之后的曲线。

# %%
model.load_state_dict(start)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
before = model(x).detach()

for _ in range(1000):
    optimizer.zero_grad()
    loss = (model(x) - y).square().mean()
    loss.backward()
    optimizer.step()
print(loss.item())

plt.plot(x.cpu(), y.cpu(), ".", label=r"$\sin x$")
plt.plot(x.cpu(), before.cpu(), "--", label="$k = 0$")
plt.plot(x.cpu(), model(x).detach().cpu(), label="$k = 1000$")
plt.xlabel("$x$")
plt.legend()
plt.show()

# %% check
torch.testing.assert_close(before, misses + torch.sin(x))
u, c, v, d = (t.detach().cpu().double() for t in start.values())
at = torch.linspace(-3, 3, 50, dtype=torch.float64, device="cpu")[
    :, None
]
for _again in range(1000):
    bends = torch.tanh(at / 3 @ u.T + c)
    error = bends @ v.T + d - torch.sin(at)
    back = error @ v * (1 - bends**2) * 0.04
    v = v - 0.1 * 0.04 * error.T @ bends
    d = d - 0.1 * 0.04 * error.sum(0)
    u = u - 0.1 * back.T @ at / 3
    c = c - 0.1 * back.sum(0)
drawn = model(x).detach().cpu().double()
after = torch.tanh(at / 3 @ u.T + c) @ v.T + d
assert (drawn - after).abs().max() < 1e-3
assert abs(loss.item() / (error**2).mean() - 1) < 3e-4
first = (before.cpu().double() - torch.sin(at)).abs().max()
assert (drawn - torch.sin(at)).abs().max() < first / 2
assert loss < (misses**2).mean() / 20

# %% en alt
# 50 points on the sine from -3 to 3 and two curves. Before training (dashed) the model is nearly
# level and far from most points; after 1000 steps its curve follows the points closely.

# %% zh alt 334365
# 正弦曲线上的 50 个点（横轴从 -3 到 3）和两条曲线。训练之前（虚线），模型的曲线近乎水平，离大多数点很远；
# 走完 1000 步之后，曲线紧跟着这些点。

# %% en: Remember
# - By itself ``backward`` fills ``grad`` and leaves the weights alone; ``step`` changes the weights
#   on the optimizer's list. Plain SGD reads ``grad`` and does not change it.
# - A module lists ``Parameter`` objects, which require gradients by default, and no plain tensors.
# - An update by hand belongs in ``torch.no_grad()``.

# %% zh b63305: 要点
# - ``backward``本身只填``grad``，不碰权重；``step``改变优化器列表里的权重。最朴素的 SGD 只读``grad``，不改它。
# - 模块列出的是``Parameter``，它们默认需要梯度；普通张量不会被列出。
# - 手写更新要放在``torch.no_grad()``里。

# %% en: Exercise: momentum by hand
# With ``momentum=0.9``, SGD keeps a velocity :math:`v`. It starts at 0; each step sets
# :math:`v \leftarrow 0.9 v + g`, where :math:`g` is the gradient, and then
# :math:`w \leftarrow w - \eta v` with the learning rate :math:`\eta`. Take the loss
# :math:`w^2`, start at 4 and make three steps with :math:`\eta = 0.1`, by hand and with
# ``torch.optim.SGD``. Compare.

# %% zh bb5971: 练习：手写动量
# 加上``momentum=0.9``，SGD 就带动量（momentum），会维护一个速度:math:`v`。速度从 0 开始，每一步先更新速度，
# :math:`v \leftarrow 0.9 v + g`，其中:math:`g`是梯度；再更新权重，:math:`w \leftarrow w - \eta v`，
# 其中:math:`\eta`是学习率。损失取:math:`w^2`，权重从 4 出发，取:math:`\eta = 0.1`，走三步：先手写，
# 再用``torch.optim.SGD``，比较两者的结果。

# %% solution
w = torch.tensor(4.0, requires_grad=True)
v = 0.0
for _ in range(3):
    w.grad = None
    (w**2).backward()
    with torch.no_grad():
        v = 0.9 * v + w.grad
        w -= 0.1 * v

twin = torch.tensor(4.0, requires_grad=True)
optimizer = torch.optim.SGD([twin], lr=0.1, momentum=0.9)
for _ in range(3):
    optimizer.zero_grad()
    (twin**2).backward()
    optimizer.step()

print(w.detach(), twin.detach())
torch.testing.assert_close(w, twin)

# %% en: Exercise: one gradient by hand
# The last bias is added to each of the 50 predictions. What is the derivative of the loss with
# respect to it? Compute it from ``model(x)`` and ``y`` without ``backward``, and compare.

# %% zh 724cfc: 练习：手算一个梯度
# 最后那个偏置加在 50 个预测值的每一个上。损失关于它的导数是什么？不用``backward``，
# 由``model(x)``和``y``算出它，再作比较。

# %% solution
model.zero_grad()
(model(x) - y).square().mean().backward()
by_formula = 2 * (model(x) - y).mean()
torch.testing.assert_close(model.out.bias.grad[0], by_formula.detach())

# %% en: Where next
# - :ref:`how-large-a-step`: what the learning rate decides.
# - :ref:`gradients-add-up`: why ``zero_grad`` is one of the four lines.
# - :ref:`gradients-off-and-on`: more about ``no_grad``.

# %% zh 6cc69d: 接下来
# - :ref:`how-large-a-step`：学习率决定什么。
# - :ref:`gradients-add-up`：四行里为什么要有``zero_grad``。
# - :ref:`gradients-off-and-on`：``no_grad``的更多用法。
