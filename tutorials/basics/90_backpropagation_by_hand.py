# %% about
# level: beginner
# tags: Tensor.backward, Tensor.grad, torch.nn.functional.cross_entropy, torch.softmax

# %% en: Backpropagation by hand
# Walk back through a small network yourself, find the gradient of each parameter with pencil and
# paper, and compare with autograd.
#
# *Backpropagation* is reverse mode (:ref:`why-reverse-mode`) applied to a network. Begin with two
# weights and numbers that you can keep in your head:
#
# .. math::
#
#    z = w_1 x, \quad h = \max(z, 0), \quad p = w_2 h, \quad L = (p - y)^2
#
# PyTorch calls the function :math:`\max(z, 0)` ``relu``. The cell prints :math:`z`, :math:`h`,
# :math:`p` and :math:`L`.

# %% zh d20f53: 手推反向传播
# 拿一个小网络，用纸笔亲手往回走一遍，算出每个模型参数的梯度，再与 autograd 的结果对照。
#
# 反向模式（reverse mode，见:ref:`why-reverse-mode`）用在神经网络上，就叫*反向传播*（backpropagation）。
# 先看只有两个权重（weight）的网络，数都很简单，可以心算：
#
# .. math::
#
#    z = w_1 x, \quad h = \max(z, 0), \quad p = w_2 h, \quad L = (p - y)^2
#
# 其中:math:`\max(z, 0)`这个函数，在 PyTorch 里叫``relu``。下面打印:math:`z`、:math:`h`、:math:`p`和:math:`L`。

# %%
import matplotlib.pyplot as plt
import torch
from torch.nn import functional as F

device = torch.accelerator.current_accelerator(check_available=True)
torch.set_default_device(device or "cpu")

x, y = 0.5, 5.0
w1 = torch.tensor(4.0, requires_grad=True)
w2 = torch.tensor(3.0, requires_grad=True)
z = w1 * x
h = torch.relu(z)
p = w2 * h
loss = (p - y) ** 2
print(z.item(), h.item(), p.item(), loss.item())

# %% check
assert h.grad_fn.name() == "ReluBackward0"
assert [t.item() for t in (z, h, p, loss)] == [2, 2, 6, 1]

# %% en: With pencil and paper
# Now walk back. Start with :math:`\partial L / \partial p = 2(p - y)`, and at each step multiply
# what arrives by one local derivative. In a product, the derivative with respect to one factor is
# the other factor.
#
# The picture below the output takes the same walk; :math:`\bar{g}` is the gradient that arrives. What will ``w2.grad`` and ``w1.grad`` be?

# %% zh e25c90: 纸笔演算
# 现在往回走。从:math:`\partial L / \partial p = 2(p - y)`开始，每走一步，就把传来的量乘上一个局部导数（local derivative）。
# 遇到乘积，关于一个因子的导数就是另一个因子。
#
# 输出下方的图会把这段路一步步重走一遍，图中的:math:`\bar{g}`表示传来的梯度（gradient）。
# ``w2.grad``和``w1.grad``会是多少？

# %% predict
# sphinx_gallery_graph = "loss: steps"
loss.backward()
print(w2.grad.item(), w1.grad.item())

# %% check
assert w2.grad == 4 and w1.grad == 3

# %% en
# At :math:`p` arrives :math:`2(6 - 5) = 2`. The weight :math:`w_2` takes it times the other factor,
# :math:`2 \cdot h = 4`, and on to :math:`h` goes :math:`2 \cdot w_2 = 6`. As :math:`z` is positive,
# the slope of ``relu`` is 1, so 6 arrives at :math:`z`, and :math:`w_1` takes
# :math:`6 \cdot x = 3`.

# %% zh 0e8f7a
# 传到:math:`p`的是:math:`2(6 - 5) = 2`。权重:math:`w_2`的梯度是它乘以另一个因子，即:math:`2 \cdot h = 4`；
# 继续传到:math:`h`的是:math:`2 \cdot w_2 = 6`。:math:`z`是正数，``relu``的斜率是 1，
# 所以传到:math:`z`的还是 6，:math:`w_1`的梯度就是:math:`6 \cdot x = 3`。

# %% en: A layer with a matrix
# Now a real layer: two inputs, three *hidden units*, which are the numbers between input and output,
# and one output. Each hidden unit and the output also add a number of their own, a *bias*. That makes
# 13 parameters.
#
# .. math::
#
#    z = W_1 x + b_1, \quad h = \tanh z, \quad p = W_2 h + b_2, \quad L = (p - y)^2
#
# A matrix times a vector, ``W1 @ x`` in code, goes along the rows: it multiplies each row by
# :math:`x`, element by element, and adds up. So row :math:`i` of the first formula reads
# :math:`z_i = W_{i1} x_1 + W_{i2} x_2 + b_i`. Here :math:`x = (1, 2)`. The cell prints ``b1.grad``
# and ``W1.grad`` (``requires_grad_`` turns the flag on afterwards). Once you have the first, can you
# write down both columns of the second?

# %% zh 6fea7c: 带矩阵的一层
# 现在来看真正的一层网络：两个输入，三个*隐藏单元*（hidden unit），也就是输入与输出之间的三个数，还有一个输出。
# 每个隐藏单元和输出还各加上一个自己的数，叫*偏置*（bias）。模型参数（parameter）共有 13 个。
#
# .. math::
#
#    z = W_1 x + b_1, \quad h = \tanh z, \quad p = W_2 h + b_2, \quad L = (p - y)^2
#
# 矩阵乘以向量，代码写作``W1 @ x``，是按行计算的：把每一行与:math:`x`逐元素相乘，再加起来。
# 所以第一个式子的第:math:`i`行，就是:math:`z_i = W_{i1} x_1 + W_{i2} x_2 + b_i`。这里:math:`x = (1, 2)`。
# 下面打印``b1.grad``和``W1.grad``（张量建好以后，用``requires_grad_``把它设为需要梯度）。
# 知道了前者，你能写出后者的两列吗？

# %% predict
x, y = torch.tensor([1.0, 2.0]), 1.0
W1 = torch.tensor([[0.1, -0.2], [0.4, 0.3], [-0.5, 0.2]])
b1 = torch.tensor([0.1, 0.0, -0.1])
W2 = torch.tensor([[0.7, -0.3, 0.5]])
b2 = torch.tensor([0.2])
parameters = [W1, b1, W2, b2]
for parameter in parameters:
    parameter.requires_grad_()

h = torch.tanh(W1 @ x + b1)
p = W2 @ h + b2
loss = (p - y) ** 2
loss.backward()
print(b1.grad)
print(W1.grad)

# %% check
assert sum(parameter.numel() for parameter in parameters) == 13
torch.testing.assert_close(W1.grad[:, 0], b1.grad)
torch.testing.assert_close(W1.grad[:, 1], 2 * b1.grad)
known = torch.tensor([-0.2, 1.0, -0.2]).tanh()
torch.testing.assert_close(h, known)
guess = 0.7 * known[0] - 0.3 * known[1] + 0.5 * known[2] + 0.2
torch.testing.assert_close(p[0], guess)
torch.testing.assert_close(loss[0], (guess - 1) ** 2)
slope = (
    2 * (guess - 1) * torch.tensor([0.7, -0.3, 0.5]) * (1 - known**2)
)
torch.testing.assert_close(b1.grad, slope)

# %% en
# The columns are ``b1.grad`` times 1 and times 2. The bias is added as it is, so its gradient is what
# arrives at :math:`z`. The weight :math:`W_{ij}` is multiplied by :math:`x_j` before it is added, so
# its gradient is what arrives at :math:`z_i`, times :math:`x_j`.

# %% zh 710a67
# 两列分别是``b1.grad``的 1 倍和 2 倍。偏置是直接加上去的，所以它的梯度就是传到:math:`z`的量。
# 权重:math:`W_{ij}`先乘以:math:`x_j`再加上去，所以它的梯度是传到:math:`z_i`的量乘以:math:`x_j`。

# %% en: Back through a matrix
# That was for the parameters. To walk on, you also need what arrives at the vector that the matrix
# is multiplied by. Take a matrix :math:`A` with easy numbers, so that :math:`r = A v` reads
#
# .. math::
#
#    r_1 = 2 v_1 + v_3, \quad r_2 = 3 v_1 - v_2
#
# and let the loss be :math:`10 r_1 + r_2`. Then 10 arrives at :math:`r_1`, and 1 at :math:`r_2`. Where
# an element of :math:`v` goes into both, add up what comes back. What will the three elements of
# ``v.grad`` be?

# %% zh f5f687: 往回穿过矩阵
# 上面求的是模型参数的梯度。要继续往回走，还得知道传到与矩阵相乘的那个向量的是什么。
# 取一个数字简单的矩阵:math:`A`，:math:`r = A v`写开就是
#
# .. math::
#
#    r_1 = 2 v_1 + v_3, \quad r_2 = 3 v_1 - v_2
#
# 再令损失（loss）等于:math:`10 r_1 + r_2`，于是传到:math:`r_1`的是 10，传到:math:`r_2`的是 1。
# :math:`v`的某个元素如果两边都用到，就把传回来的量相加。``v.grad``的三个元素各是多少？

# %% predict
A = torch.tensor([[2.0, 0.0, 1.0], [3.0, -1.0, 0.0]])
v = torch.tensor([1.0, 2.0, 3.0], requires_grad=True)
r = A @ v
(10 * r[0] + r[1]).backward()
print(v.grad)

# %% check
assert r.tolist() == [2 * 1 + 3, 3 * 1 - 2] and v.tolist() == [1, 2, 3]
assert v.grad.tolist() == [23, -1, 10]
assert (A.T @ torch.tensor([10.0, 1.0])).tolist() == [23, -1, 10]
assert A.T.tolist() == [[2, 3], [0, -1], [1, 0]]

# %% en
# :math:`v_1` goes into :math:`r_1` with the factor 2 and into :math:`r_2` with the factor 3, so
# :math:`2 \cdot 10 + 3 \cdot 1 = 23` comes back; the others get :math:`-1` and 10. The factors 2 and
# 3 stand in the first *column* of :math:`A`: the way forward goes along the rows, the way back down the
# columns. The *transpose* :math:`A^\top`, ``A.T`` in code, has the columns of :math:`A` as its rows,
# so what arrives at :math:`v` is :math:`A^\top` times what arrives at :math:`r`.

# %% zh 848f99
# :math:`v_1`乘以 2 进入:math:`r_1`，乘以 3 进入:math:`r_2`，所以传回来的是:math:`2 \cdot 10 + 3 \cdot 1 = 23`；
# 另外两个元素得到:math:`-1`和 10。2 和 3 正是:math:`A`的第一*列*：往前走时沿着行，往回走时沿着列。
# *转置*（transpose）:math:`A^\top`，代码里写作``A.T``，就是把:math:`A`的各列改排成行；
# 所以传到:math:`v`的，是:math:`A^\top`乘以传到:math:`r`的量。

# %% en: The whole way back
# Now you have all the pieces. Walk from the loss to :math:`z`, through the matrix :math:`W_2` and
# through :math:`\tanh`, whose slope is :math:`1 - h^2` (:math:`\odot` multiplies element by element):
#
# .. math::
#
#    \frac{\partial L}{\partial p} = 2 (p - y), \quad
#    \frac{\partial L}{\partial h} = W_2^\top \frac{\partial L}{\partial p}, \quad
#    \frac{\partial L}{\partial z} = \frac{\partial L}{\partial h} \odot (1 - h^2)
#
# On the way, each bias takes what arrives at the result of its layer. Each weight matrix takes the
# products of that with the layer's input: the table of all products of one vector's elements with
# another's is their *outer product*, ``torch.outer``. In code, ``dp`` is short for
# :math:`\partial L / \partial p`; ``torch.no_grad()`` keeps its lines out of the graph. Does your hand
# agree with autograd on each parameter?

# %% zh 0b6004: 一路走回去
# 现在各个部分都齐了。从损失走到:math:`z`，先穿过矩阵:math:`W_2`，再穿过:math:`\tanh`，
# 它的斜率是:math:`1 - h^2`（:math:`\odot`表示逐元素相乘）：
#
# .. math::
#
#    \frac{\partial L}{\partial p} = 2 (p - y), \quad
#    \frac{\partial L}{\partial h} = W_2^\top \frac{\partial L}{\partial p}, \quad
#    \frac{\partial L}{\partial z} = \frac{\partial L}{\partial h} \odot (1 - h^2)
#
# 途中，每个偏置的梯度就是传到所在层结果的量；每个权重矩阵的梯度，则是这个量与该层输入的各个乘积：
# 把两个向量的元素两两相乘，排成一张表，就是它们的*外积*（outer product），即``torch.outer``。
# 代码里的``dp``是:math:`\partial L / \partial p`的简写；
# ``torch.no_grad()``之下的几行不会被记录到计算图（computational graph）里。
# 每个模型参数的梯度，手算与 autograd 都一致吗？

# %%
with torch.no_grad():
    dp = 2 * (p - y)
    dh = W2.T @ dp
    dz = dh * (1 - h**2)
    by_hand = [torch.outer(dz, x), dz, torch.outer(dp, h), dp]

for parameter, gradient in zip(parameters, by_hand, strict=True):
    print(torch.allclose(parameter.grad, gradient))

# %% check
for parameter_, gradient_ in zip(parameters, by_hand, strict=True):
    torch.testing.assert_close(parameter_.grad, gradient_)
assert not by_hand[0].requires_grad


def loss_at(parts):
    W1, b1, W2, b2 = parts
    return ((W2 @ torch.tanh(W1 @ x + b1) + b2 - y) ** 2).item()


runs, found = 0, []
for which, part in enumerate(parameters):
    for place in range(part.numel()):
        ends = []
        for change in (0.01, -0.01):
            moved = [each.detach().clone() for each in parameters]
            moved[which].view(-1)[place] += change
            ends.append(loss_at(moved))
            runs += 1
        found.append((ends[0] - ends[1]) / 0.02)
assert runs == 26
flat = torch.cat([gradient_.flatten() for gradient_ in by_hand])
torch.testing.assert_close(
    torch.tensor(found), flat, rtol=1e-2, atol=1e-3
)

# %% en
# It does, with one way forward and one way back. Central differences
# (:ref:`three-ways-to-differentiate`) would have run the network 26 times for the 13 parameters, and
# two million times for a million. Use them to check a gradient on a small example.

# %% zh df6995
# 都一致，而且只用了往前一趟、往回一趟。换成中心差分（见:ref:`three-ways-to-differentiate`），
# 13 个模型参数就要让网络运行 26 次，一百万个就要两百万次。差分适合在小例子上检验梯度。

# %% en: Scores and probabilities
# A network that chooses among classes gives each class a *score* :math:`s_i` (also called *logit*).
# *Softmax* turns scores into probabilities, and the *cross-entropy* loss is the negative logarithm of
# the probability of the right class :math:`t`:
#
# .. math::
#
#    p_i = \frac{e^{s_i}}{\sum_j e^{s_j}}, \qquad L = -\log p_t
#
# ``F.cross_entropy`` does both in one. Here are four scores, for the classes 0 to 3; the right class
# is 1. The cell prints the probabilities, then ``scores.grad``. Which of its elements will be
# negative, and what will all four add up to?

# %% zh 1aa740: 得分与概率
# 用于分类的网络给每个类别一个*得分*（score）:math:`s_i`，也叫 *logit*。
# *softmax* 把得分变成概率，*交叉熵*（cross-entropy）损失则是正确类别:math:`t`的概率取对数，再取负：
#
# .. math::
#
#    p_i = \frac{e^{s_i}}{\sum_j e^{s_j}}, \qquad L = -\log p_t
#
# ``F.cross_entropy``把这两步合在一起做。下面有四个得分，对应类别 0 到 3，正确的类别是 1。
# 先打印概率，再打印``scores.grad``。后者的哪些元素会是负的？四个元素加起来是多少？

# %% predict
scores = torch.tensor([2.0, 1.0, 0.0, -1.0], requires_grad=True)
F.cross_entropy(scores, torch.tensor(1)).backward()
p = torch.softmax(scores.detach(), 0)
print(p)
print(scores.grad)

plt.bar(range(4), p.tolist(), label="$p_i$")
slopes = scores.grad.tolist()
plt.plot(range(4), slopes, "C1D", label="$\\partial L / \\partial s_i$")
plt.xticks(range(4))
plt.xlabel("$i$")
plt.legend()
plt.show()

# %% check
powers = torch.exp(torch.tensor([2.0, 1.0, 0.0, -1.0]))
torch.testing.assert_close(p, powers / powers.sum())
torch.testing.assert_close(
    scores.grad, p - torch.tensor([0.0, 1.0, 0.0, 0.0])
)
assert (scores.grad < 0).tolist() == [False, True, False, False]
assert scores.grad.sum().abs() < 1e-6
torch.manual_seed(0)
many, kinds = torch.randn(5, 4), torch.tensor([0, 3, 1, 1, 2])
many.requires_grad_()
F.cross_entropy(many, kinds).backward()
hand = torch.softmax(many.detach(), 1) - F.one_hot(kinds, 4)
torch.testing.assert_close(many.grad, hand / 5)
assert slopes == scores.grad.tolist() and not p.requires_grad

# %% en alt
# A bar for the probability of each of four classes, and a diamond for its gradient. At classes 0, 2
# and 3 the diamond lies on top of the bar. At class 1 the bar ends at 0.24 and the diamond lies at
# :math:`-0.76`.

# %% zh alt 6bc4ff
# 四个类别各有一根柱子表示概率，一个菱形表示梯度。在类别 0、2、3 处，菱形正好落在柱顶；
# 在类别 1 处，柱顶在 0.24，菱形在:math:`-0.76`。

# %% en
# The right class has the one negative element, and the sum is 0. By hand:
# :math:`L = \log \sum_j e^{s_j} - s_t`. The derivative of the first term with respect to
# :math:`s_i` is :math:`e^{s_i} / \sum_j e^{s_j}`, which is :math:`p_i` again. The second term
# contributes :math:`-1` at :math:`i = t` and nothing elsewhere. So the gradient is
# :math:`p - e_t`, where the *one-hot* vector :math:`e_t` holds 1 at the right class and 0 at the
# others.
#
# Often :math:`N` samples go through a network together, as a *batch*, with a row of scores for each.
# ``F.cross_entropy`` then averages their losses by default, so each row of the gradient is
# :math:`(p - e_t) / N`. Forget the :math:`N` by hand, and the gradient has the right direction and
# the wrong length.

# %% zh b7ac0d
# 只有正确类别对应的元素是负的，四个元素之和为 0。手算如下：:math:`L = \log \sum_j e^{s_j} - s_t`。
# 第一项关于:math:`s_i`的导数是:math:`e^{s_i} / \sum_j e^{s_j}`，正好又是:math:`p_i`；
# 第二项在:math:`i = t`处贡献:math:`-1`，在别处没有贡献。所以梯度是:math:`p - e_t`，
# 其中的*独热*（one-hot）向量:math:`e_t`在正确类别处是 1，其余位置是 0。
#
# :math:`N`个样本往往合成一个*批次*（batch），一起送进网络，每个样本的得分占一行。
# 这时``F.cross_entropy``默认对各个样本的损失取平均，所以梯度的每一行是:math:`(p - e_t) / N`。
# 手推时要是忘了:math:`N`，梯度的方向没错，长度却不对。

# %% en: Remember
# - On the way back, multiply what arrives by the local derivative; add where ways meet.
# - In a layer :math:`Wx + b`, for one sample: the bias takes what arrives at the result; the weight
#   matrix takes the outer product of that and the input; the layer in front gets :math:`W^\top`
#   times that.
# - Softmax with cross-entropy: :math:`p - e_t`, divided by the number of samples if the loss averages.

# %% zh 2c6849: 要点
# - 往回走时，把传来的量乘上局部导数；几条路交汇时相加。
# - 在:math:`Wx + b`这样的一层里，对单个样本来说：偏置的梯度就是传到结果的量；
#   权重矩阵的梯度，是这个量与输入的外积；传给前一层的，是:math:`W^\top`乘以这个量。
# - softmax 加交叉熵：梯度是:math:`p - e_t`；如果损失取平均，再除以样本数。

# %% en: Exercise: another activation
# Replace :math:`\tanh` in the network by ``relu`` and mend the one line of the way back that depends
# on it. Compare all four gradients with autograd.

# %% zh 008d08: 练习：换一个激活函数
# 把网络里的:math:`\tanh`换成``relu``，再改掉往回走时与它有关的那一行。把四个梯度都与 autograd 对照。

# %% solution
z = W1 @ x + b1
h = torch.relu(z)
p = W2 @ h + b2
expected = torch.autograd.grad((p - y) ** 2, parameters)

with torch.no_grad():
    dp = 2 * (p - y)
    dh = W2.T @ dp
    dz = dh * (z > 0)
    by_hand = [torch.outer(dz, x), dz, torch.outer(dp, h), dp]

for one, other in zip(by_hand, expected, strict=True):
    torch.testing.assert_close(one, other)

# %% en: Exercise: a linear classifier
# Let :math:`s = Wx + b` be the scores of a sample, with three inputs and four classes. The loss is the
# mean cross-entropy of five samples. Take one sample at a time: add to the loss, and add up by hand the
# gradients with respect to ``W`` and ``b``. Then compare with autograd.

# %% zh 95cd47: 练习：线性分类器
# 设一个样本的得分是:math:`s = Wx + b`，有三个输入、四个类别。
# 损失是五个样本的平均交叉熵。一次处理一个样本：把它的损失加进去，并手推关于``W``和``b``的梯度，也逐个累加。
# 最后与 autograd 对照。

# %% solution
torch.manual_seed(0)
samples, targets = torch.randn(5, 3), torch.tensor([0, 3, 1, 1, 2])
W = torch.randn(4, 3, requires_grad=True)
b = torch.zeros(4, requires_grad=True)
by_hand_W, by_hand_b = torch.zeros(4, 3), torch.zeros(4)

loss = 0
for x, target in zip(samples, targets, strict=True):
    s = W @ x + b
    loss = loss + F.cross_entropy(s, target) / 5
    with torch.no_grad():
        ds = torch.softmax(s, 0)
        ds[target] -= 1
        by_hand_W += torch.outer(ds, x) / 5
        by_hand_b += ds / 5

loss.backward()
torch.testing.assert_close(W.grad, by_hand_W)
torch.testing.assert_close(b.grad, by_hand_b)

# %% en: Where next
# :ref:`one-training-step` uses such gradients to train; :ref:`vector-jacobian-product` puts each step
# of the way back into one formula.

# %% zh 0fe64f: 接下来
# :ref:`one-training-step`用这样的梯度来训练；往回走的每一步，:ref:`vector-jacobian-product`用一个公式就能概括。
