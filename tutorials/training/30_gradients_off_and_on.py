# %% about
# level: beginner
# tags: torch.no_grad, torch.enable_grad, torch.set_grad_enabled, Tensor.detach, torch.inference_mode

# %% en: Switching gradients off and on
# A prediction, a target, an update: some computations need no gradient. Here you keep autograd from
# recording them, and you learn what each of its switches leaves alone.
#
# This page builds on :ref:`first-gradient` and :ref:`read-the-graph`.

# %% zh 2eef9c: 关闭与打开梯度记录
# 做预测、算目标值、更新权重（weight），这些计算本身都用不着梯度（gradient）。怎样让 autograd 不去记录它们？
# 每个开关又管不到什么？这一页逐一说清楚。
#
# 建议先读:ref:`first-gradient`和:ref:`read-the-graph`。

# %%
import matplotlib.pyplot as plt
import torch

device = torch.accelerator.current_accelerator(check_available=True)
torch.set_default_device(device or "cpu")

# %% en: One expression, two results
# Autograd *records* an operation by adding it to the computational graph, and the result then has
# a ``grad_fn``. In a ``with torch.no_grad()`` block it does not record. Here is one expression,
# outside such a block and inside.

# %% zh ddbf92: 同一个式子，两个结果
# autograd *记录*一次运算，就是把它加进计算图（computational graph），运算结果于是带有``grad_fn``。
# 而在``with torch.no_grad()``块里，autograd 不作记录。下面把同一个式子在块外、块内各算一次。

# %%
x = torch.tensor(3.0, requires_grad=True)
recorded = x**2
with torch.no_grad():
    unrecorded = x**2
print(recorded)
print(unrecorded)

# %% check
assert recorded.item() == unrecorded.item() == 9
assert recorded.grad_fn.name() == "PowBackward0"
assert unrecorded.grad_fn is None and not unrecorded.requires_grad
assert x.requires_grad and x.is_leaf

# %% en
# Both are 9, but the second has no history. ``x`` is what it was: the block has switched off *grad
# mode*, which is a setting of the code that runs and not a property of a tensor.

# %% zh 0fd849
# 两个结果都是 9，但第二个没有历史。``x``自己没有变：这个块关掉的是*梯度模式*（grad mode），
# 它是运行代码时的一项设置，不是张量（tensor）的属性。

# %% en: Half of a formula
# Take :math:`y = x^2 \cdot x` at :math:`x = 3`, with the factor :math:`x^2` computed inside the
# block and the product outside. The derivative of :math:`x^3` is :math:`3x^2 = 27`. Will ``x.grad``
# be 27, will it be another number, or will ``backward`` raise?

# %% zh 5bfd67: 式子的一半
# 取:math:`y = x^2 \cdot x`，:math:`x = 3`，其中因子:math:`x^2`在块里算，乘法在块外算。
# :math:`x^3`的导数是:math:`3x^2 = 27`。``x.grad``会是 27，会是别的数，还是``backward``会报错？

# %% predict
# sphinx_gallery_graph = "y"
with torch.no_grad():
    factor = x**2
y = factor * x
y.backward()
print(y)
print(x.grad)

# %% check
assert y.item() == 27 and y.grad_fn.name() == "MulBackward0"
assert x.grad.item() == 9
assert factor.item() == 9 and not factor.requires_grad

# %% en
# It is 9. The value is complete, but to autograd ``factor`` is the constant 9, and the line reads
# :math:`y = 9x`: one path leads from ``y`` to ``x``. That is what you want for a target or a scale
# that must not be learned. If you did want to learn it, it is a bug that no error reports.

# %% zh b57feb
# 是 9。函数值照样完整，但在 autograd 眼里，``factor``就是常数 9，这一行相当于:math:`y = 9x`：
# 从``y``回到``x``的路径只有一条。如果这个因子是目标值，或者是不该学习的缩放系数，这样正好；
# 如果你本想让它参与学习，那就是一个不会报错的 bug。

# %% en: One factor detached
# ``detach()`` works on one tensor instead of a stretch of code: it returns a tensor with the same
# values and without the history. Now let :math:`y = x \cdot x`, and detach one of the two factors.
# The sum below lets one call of ``torch.autograd.grad`` return the slopes at 9 points (the legend
# marks them with :math:`\nabla`, nabla). Without ``detach`` they lie on the line :math:`2x`. Where do
# they lie with it?

# %% zh 4113de: 分离一个因子
# ``detach()``针对的不是一段代码，而是一个张量：它返回一个数值相同、但没有历史的张量。
# 这次取:math:`y = x \cdot x`，把两个因子中的一个分离（detach）出来。
# 下面先求和，这样调用一次``torch.autograd.grad``就能得到 9 个点处的斜率（图例里记作:math:`\nabla`，读作 nabla）。
# 不用``detach``时，这些斜率落在直线:math:`2x`上；用了之后，会落在哪里？

# %% predict
x = torch.linspace(-2, 2, 9, requires_grad=True)
y = x * x
(whole,) = torch.autograd.grad(y.sum(), x)
(part,) = torch.autograd.grad((x * x.detach()).sum(), x)

points = x.detach().cpu()
plt.plot(points, y.detach().cpu(), label="x * x")
plt.plot(points, whole.cpu(), "o--", label=r"$\nabla$ x * x")
plt.plot(points, part.cpu(), "s:", label=r"$\nabla$ x * x.detach()")
plt.xlabel("$x$")
plt.legend()
plt.show()

# %% check
assert points.tolist() == [-2, -1.5, -1, -0.5, 0, 0.5, 1, 1.5, 2]
torch.testing.assert_close(y.detach().cpu(), points**2)
torch.testing.assert_close(whole.cpu(), 2 * points)
torch.testing.assert_close(part.cpu(), points)
torch.testing.assert_close(x * x.detach(), y)

# %% en alt
# A parabola and two straight lines through the origin, for x from -2 to 2. The dashed line, the
# slopes of ``x * x``, rises twice as steeply as the dotted line, those with one factor detached.

# %% zh alt 24c823
# 横轴 x 从 -2 到 2，图中有一条抛物线和两条过原点的直线。虚线是``x * x``的斜率，
# 点线是分离一个因子之后的斜率，虚线比点线陡一倍。

# %% en
# On the line :math:`x`. Two paths lead from :math:`y` to :math:`x`, one through each factor, and
# each contributes :math:`x`. ``detach`` has cut one of them; the values of :math:`y` are the same.
#
# The plot needed ``detach`` for another reason. Matplotlib computes in NumPy, which has no graph, and
# while grad mode is on, ``numpy()`` does not drop a history in silence:

# %% zh 2516ea
# 落在直线:math:`x`上。从:math:`y`到:math:`x`有两条路径，各经过一个因子，各贡献一个:math:`x`；
# ``detach``切断了其中一条，而:math:`y`的数值不变。
#
# 画图时用``detach``，则是另一个缘故。Matplotlib 用 NumPy 做计算，NumPy 没有计算图，
# 而只要梯度模式开着，``numpy()``就不肯悄悄丢掉历史：

# %%
try:
    x.cpu().numpy()
except RuntimeError as error:
    print(error)

# %% check
assert x.detach().cpu().numpy().tolist() == points.tolist()
with torch.no_grad():
    assert x.cpu().numpy().tolist() == points.tolist()

# %% en: Is it a copy?
# ``detach()`` returns another tensor. Does that have memory of its own? Below, its first entry
# becomes 10. What does ``v`` hold then?

# %% zh 1bc512: 是副本吗？
# ``detach()``返回的是另一个张量。它有没有自己的内存？下面把它的第一个元素（element）改成 10，``v``里会是什么？

# %% predict
v = torch.tensor([1.0, 2.0, 3.0], requires_grad=True)
detached = v.detach()
detached[0] = 10
print(v)

# %% check
assert v.tolist() == detached.tolist() == [10, 2, 3]
assert v.requires_grad and not detached.requires_grad
snapshot = v.detach().clone()
snapshot[0] = -1
assert v.tolist() == [10, 2, 3]

# %% en
# ``v`` has changed, too: the other tensor uses *the same memory*. For values that stay as they are,
# copy them as well: ``v.detach().clone()``.

# %% zh eb2351
# ``v``也变了：张量是另一个，用的却是*同一块内存*。
# 想留一份不再变动的数值，就再复制一次：``v.detach().clone()``。

# %% en: A block in a block
# In an ``enable_grad`` block, grad mode is on. Put one into a ``no_grad`` block, and make a tensor
# with ``requires_grad=True`` there. Which of the four tensors will require a gradient, and will
# grad mode be on at the end?

# %% zh 2e8265: 块中有块
# 在``enable_grad``块里，梯度模式是开着的。现在把这样一个块放进``no_grad``块，
# 并在外层用``requires_grad=True``创建一个张量。四个张量中，哪几个需要梯度？最后梯度模式开着吗？

# %% predict
with torch.no_grad():
    made = torch.zeros(3, requires_grad=True)
    before = made + 1
    with torch.enable_grad():
        inside = made + 1
    after = made + 1
for tensor in (made, before, inside, after):
    print(tensor.requires_grad)
print(torch.is_grad_enabled())

# %% check
flags = [t.requires_grad for t in (made, before, inside, after)]
assert flags == [True, False, True, False]
assert torch.is_grad_enabled()

with torch.no_grad():
    layer = torch.nn.Linear(3, 1)
assert layer.weight.requires_grad

try:
    with torch.no_grad():
        raise ValueError
except ValueError:
    assert torch.is_grad_enabled()


@torch.no_grad()
def squared(t):
    return t**2


assert not squared(made).requires_grad
for flag in (True, False):
    with torch.set_grad_enabled(flag):
        assert (made + 1).requires_grad == flag


@torch.enable_grad()
def slope_of_sine(point):
    point = point.detach().requires_grad_()
    return torch.autograd.grad(point.sin(), point)[0]


with torch.no_grad():
    assert slope_of_sine(torch.tensor(0.0)).item() == 1
cube = (made**3).sum()
with torch.no_grad():
    (graph,) = torch.autograd.grad(cube, made, create_graph=True)
assert graph.requires_grad
try:
    with torch.inference_mode():
        slope_of_sine(torch.tensor(0.0))
except RuntimeError as refusal:
    assert "does not require grad" in str(refusal)

# %% en
# ``made`` does: ``no_grad`` stops the recording of operations, and making a tensor from nothing is
# none. So a layer built there can be trained. Of the three sums, only the one in ``enable_grad`` is
# recorded: each block, when it ends, restores the mode that it found, also when an exception ends
# it.
#
# ``@torch.no_grad()`` and ``@torch.enable_grad()`` put a whole function under the switch, and
# ``torch.set_grad_enabled(flag)`` takes a Boolean, for code that serves training and evaluation.

# %% zh 35ad0b
# ``made``需要。``no_grad``停掉的是运算的记录，而凭空创建张量不算运算；
# 所以在那里搭好的层，以后照样能训练。三次加法中，只有``enable_grad``里的那次被记录：
# 每个块结束时都会恢复进入时的模式，因异常退出时也一样。
#
# 写成装饰器``@torch.no_grad()``或``@torch.enable_grad()``，就能管住整个函数；
# ``torch.set_grad_enabled(flag)``则接受布尔值，适合训练和评估共用的代码。

# %% en: Inference mode
# ``torch.inference_mode()`` does not record either, and it spares more: new tensors made in it lack
# the counter by which autograd notices that a value has changed since it was saved.
#
# In a block of each mode, ``v`` is doubled; then ``enable_grad`` turns grad mode on again, and ``v``
# is squared. Is the square recorded? Behind the block, the double is multiplied by ``v``, for which
# autograd has to save the double. Does that work?

# %% zh 08724a: 推理模式
# 在``torch.inference_mode()``里，autograd 同样不作记录，而且省得更多：在这种模式里新建的张量，连计数器也没有，
# 而 autograd 正是靠这个计数器发现保存的值后来变没变。
#
# 下面在两种模式的块里各做一遍：先算``v``的两倍，再用``enable_grad``重新打开梯度模式，算``v``的平方。
# 平方运算会被记录吗？出了块，再把先前乘以二所得的结果与``v``相乘，
# 为此 autograd 必须保存这个结果。这一步能成功吗？

# %% predict
for mode in (torch.no_grad, torch.inference_mode):
    with mode():
        double = 2 * v
        with torch.enable_grad():
            square = v**2
            print(torch.is_grad_enabled(), square.requires_grad)
    try:
        print(double * v)
    except RuntimeError as error:
        print(error)

# %% check
assert double.is_inference() and double.tolist() == [20, 4, 6]
assert square.is_inference() and not square.requires_grad
assert square.tolist() == [100, 4, 9]
with torch.no_grad():
    twice = 2 * v
assert (twice * v).tolist() == [200, 8, 18]
with torch.inference_mode(), torch.enable_grad():
    assert torch.is_grad_enabled()
with torch.inference_mode(), torch.inference_mode(False):
    assert (v**2).requires_grad
assert (double.clone() * v).requires_grad
assert (double + v).requires_grad
kept = []
keep = torch.autograd.graph.saved_tensors_hooks
for grad in (torch.enable_grad, torch.no_grad, torch.inference_mode):
    with grad(), keep(lambda t: kept.append(t), lambda t: t):
        v.exp()
    assert len(kept) == 1

# %% en
# With ``no_grad``, both; with inference mode, neither. Grad mode is on there, too, and still the
# square is not recorded: inference mode is a condition of its own, which ``inference_mode(False)``
# lifts. And a tensor without the counter, an *inference tensor*, is one that autograd refuses to
# save. A ``clone()``, made outside, is a normal tensor.
#
# Neither mode keeps a value for a backward pass. For results that autograd will not need, the
# `documentation
# <https://docs.pytorch.org/docs/stable/generated/torch.autograd.grad_mode.inference_mode.html>`__
# recommends ``inference_mode``. Otherwise take ``no_grad``.

# %% zh 8a80ab
# 用``no_grad``，两样都行；用推理模式（inference mode），两样都不行。
# 在推理模式里，梯度模式明明也开着，平方却没有被记录，因为推理模式是另一个条件，
# 要用``inference_mode(False)``才能解除。没有计数器的张量叫*推理张量*（inference tensor），
# autograd 拒绝保存它。在块外用``clone()``复制一份，得到的就是普通张量。
#
# 这两种模式都不会为反向传播（backward pass）保留数值。
# `文档
# <https://docs.pytorch.org/docs/stable/generated/torch.autograd.grad_mode.inference_mode.html>`__
# 建议，结果不再交给 autograd 时使用``inference_mode``。其他情况就用``no_grad``。

# %% en: And ``eval()``?
# Before a model is evaluated, one calls ``model.eval()``. The model below ends in dropout, which
# sets each of its inputs to zero with probability 1/2. Each line tells whether the output requires a
# gradient, and whether a second call gives the same output. What do the two lines read?

# %% zh 67071c: 那么``eval()``呢？
# 评估模型之前，通常会调用``model.eval()``。下面的模型以 dropout 结尾，它让每个输入以 1/2 的概率变成零。
# 打印的每一行都说明两件事：输出是否需要梯度；再调用一次，输出是否不变。这两行各是什么？

# %% predict
layer = torch.nn.Linear(4, 64)
model = torch.nn.Sequential(layer, torch.nn.Dropout(0.5))
batch = torch.ones(1, 4)

model.eval()
first = model(batch)
print(first.requires_grad, torch.equal(first, model(batch)))

model.train()
with torch.no_grad():
    second = model(batch)
    print(second.requires_grad, torch.equal(second, model(batch)))

# %% check
assert first.requires_grad and not second.requires_grad
assert torch.equal(first, layer(batch))
assert not torch.equal(second, model(batch))
assert model.training and (second == 0).any()
zeros = {model[1](torch.ones(64)).eq(0).sum().item() for _ in range(9)}
assert len(zeros) > 1

# %% en
# ``True True`` and ``False False``. ``eval()`` changes how some layers compute: dropout lets all
# through. It does not touch recording. ``no_grad`` does the reverse: it stops recording, and dropout
# goes on. To evaluate a model, you want both.

# %% zh cff0af
# 先是``True True``，后是``False False``。``eval()``改变的是某些层的计算方式，比如 dropout 不再置零；
# 运算照样被记录。``no_grad``正好相反：记录停了，dropout 照旧。评估模型时，两个都要用。

# %% en: Remember
# - An operation that has a derivative is recorded if one of its inputs requires a gradient, grad
#   mode is on, and inference mode is off.
# - ``no_grad`` is for a stretch of code, whose operations leave no history. ``detach()`` is for one
#   tensor; its result has no history and shares memory with the original.
# - ``eval()`` changes layers, not recording.

# %% zh 25bdd8: 要点
# - 有导数的运算，只要有一个输入需要梯度，并且梯度模式开着、推理模式关着，就会被记录。
# - ``no_grad``管一段代码，其中的运算不留历史；``detach()``管一个张量，结果没有历史，
#   并且与原张量共用内存。
# - ``eval()``改变层的计算方式，不影响记录。

# %% en: Exercise: a chosen gradient
# Write an expression whose value is :math:`x^3` and whose gradient is only :math:`x^2`. Check it at
# :math:`x = 2`: the value is 8 and the gradient 4.

# %% zh d5c5f3: 练习：指定的梯度
# 写一个式子，数值是:math:`x^3`，梯度却只有:math:`x^2`。在:math:`x = 2`处检查：数值是 8，梯度是 4。

# %% solution
x = torch.tensor(2.0, requires_grad=True)
y = x * x.detach() ** 2
y.backward()
print(y, x.grad)
assert y.item() == 8 and x.grad.item() == 4

# %% en: Exercise: evaluate and leave no trace
# Write ``evaluate(model, inputs)``: it turns dropout off, records nothing and returns the output.
# Afterwards ``training``, the Boolean that ``eval()`` makes false and ``train()`` true, is what it
# was before, in the model and in each of its layers (``model.modules()`` yields them all), even if
# the model raises an error.

# %% zh ab99a9: 练习：评估之后不留痕迹
# 写出``evaluate(model, inputs)``：关掉 dropout，什么都不记录，返回输出。
# 模块（module）有一个布尔值``training``，``eval()``把它设为假，``train()``把它设为真。
# 结束之后，模型和它的每一层（``model.modules()``会逐个给出）的这个值都要和原来一样，
# 哪怕模型中途抛出异常。


# %% solution
def evaluate(model, inputs):
    modes = [(part, part.training) for part in model.modules()]
    model.eval()
    try:
        with torch.no_grad():
            return model(inputs)
    finally:
        for part, training in modes:
            part.training = training


model.train()
layer.eval()
output = evaluate(model, batch)
assert not output.requires_grad
assert [part.training for part in model] == [False, True]
assert torch.equal(output, evaluate(model, batch))
try:
    evaluate(model, torch.ones(1, 5))
except RuntimeError:
    assert model.training and torch.is_grad_enabled()

# %% en: Where next
# - :ref:`freezing-a-part`: the switch that belongs to a tensor, ``requires_grad``, and how to keep a
#   part of a model from learning.
# - :ref:`in-place-operations`: the counter that inference tensors lack.
# - `Locally disabling gradient computation
#   <https://docs.pytorch.org/docs/stable/notes/autograd.html#locally-disabling-gradient-computation>`__:
#   the reference for the modes.

# %% zh 06e574: 接下来
# - :ref:`freezing-a-part`：属于张量自己的开关``requires_grad``，以及怎样让模型的一部分不参与学习。
# - :ref:`in-place-operations`：推理张量缺少的那个计数器。
# - `局部关闭梯度计算
#   <https://docs.pytorch.org/docs/stable/notes/autograd.html#locally-disabling-gradient-computation>`__：
#   各种模式的参考文档。
