# %% about
# level: beginner
# tags: Tensor.backward, torch.autograd.grad, Tensor.register_hook

# %% en: Why reverse mode
# Count the multiplications that a derivative takes, and you can explain why training walks backwards
# through the graph, and when walking forwards is the better choice.
#
# :ref:`chain-rule` multiplies local derivatives along each path and adds the paths up. Now stack some
# levels. Each makes a number from the one before it in two ways and adds
# the results:
#
# .. math::
#
#    h_{k+1} = \tfrac{1}{2} h_k + \tfrac{1}{2} \sin h_k
#
# Below you see the derivative and the graph of two levels, from :math:`h_0 = 1` (called ``x``) to
# :math:`h_2` (called ``y``); :ref:`read-the-graph` explains the boxes. One way on each level leads
# through the sine, the other past it.

# %% zh d8ae55: 为什么用反向模式
# 数一数求一个导数要做多少次乘法，你就能说清为什么训练时要沿着计算图往回走，什么时候反而应该往前走。
#
# :ref:`chain-rule`讲过：沿每条路径把局部导数（local derivative）相乘，再把各条路径的结果相加。
# 现在把若干级叠起来，每一级都从前一个数分出两条支路，各算一次，再相加得到下一个数：
#
# .. math::
#
#    h_{k+1} = \tfrac{1}{2} h_k + \tfrac{1}{2} \sin h_k
#
# 下面是其中两级的导数和计算图（computational graph），从:math:`h_0 = 1`（代码里叫``x``）到:math:`h_2`（代码里叫``y``）；
# 图中的方框怎样读，见:ref:`read-the-graph`。
# 每一级都有两条支路，一条经过正弦，另一条绕开它。

# %%
import itertools
import math

import matplotlib.pyplot as plt
import torch

device = torch.accelerator.current_accelerator(check_available=True)
torch.set_default_device(device or "cpu")


def ladder(depth):
    levels = [torch.tensor(1.0, requires_grad=True)]
    for _ in range(depth):
        h = levels[-1]
        levels.append(0.5 * h + 0.5 * torch.sin(h))
    return levels


# sphinx_gallery_graph = "y"
x, _, y = ladder(2)
y.backward()
print(x.grad)

# %% check
middle = (1 + math.sin(1)) / 2
truth = (1 + math.cos(1)) * (1 + math.cos(middle)) / 4
assert math.isclose(x.grad.item(), truth, rel_tol=1e-5)
assert math.isclose(
    y.item(), (middle + math.sin(middle)) / 2, rel_tol=1e-5
)
node = y.grad_fn
assert node.name() == "AddBackward0"
names = [edge[0].name() for edge in node.next_functions]
assert names == ["MulBackward0"] * 2

# %% en: Paths against edges
# For counting, draw each way as one edge and write its local derivative on it:
# :math:`\tfrac{1}{2}` on the one, :math:`\tfrac{1}{2} \cos h_k` on the other. A path from
# :math:`h_0` to :math:`h_n` chooses one edge on each level; ``itertools.product`` lists all choices.
# Ten levels: how many edges, and how many paths?

# %% zh 9999d5: 路径与边
# 为了数起来方便，把每条支路画成一条边，边上标出局部导数：一条是:math:`\tfrac{1}{2}`，
# 另一条是:math:`\tfrac{1}{2} \cos h_k`。从:math:`h_0`走到:math:`h_n`，每一级选一条边，就得到一条路径；
# ``itertools.product``列出所有选法。叠十级，有多少条边？多少条路径？


# %% predict
def local_slopes(depth):
    h, slopes = 1.0, []
    for _ in range(depth):
        slopes.append((0.5, 0.5 * math.cos(h)))
        h = 0.5 * h + 0.5 * math.sin(h)
    return slopes


slopes = local_slopes(10)
print(sum(len(level) for level in slopes))
print(len(list(itertools.product(*slopes))))

# %% check
assert len(slopes) == 10 and {len(level) for level in slopes} == {2}
for level, h in zip(slopes, ladder(10), strict=False):
    assert level[0] == 0.5
    assert math.isclose(level[1], h.cos().item() / 2, rel_tol=1e-5)
assert len(list(itertools.product(*slopes))) == 2**10

# %% en
# There are 20 edges and 1024 paths. A new level adds two edges, but it doubles the paths, because
# each of them can go on in two ways: :math:`2n` against :math:`2^n`.

# %% zh 7b1be2
# 有 20 条边，1024 条路径。每加一级，边只多两条，路径却翻一倍，因为每条路径再往下都有两条支路可走：
# 一个是:math:`2n`，一个是:math:`2^n`。

# %% en: Two ways to add up
# The function ``over_paths`` takes one path after the other, each time beginning with 1.
#
# The function ``reverse`` starts at the output with 1, the derivative of :math:`h_n` with respect to
# itself, and walks back. At each level it has one number, the derivative of the output with respect
# to :math:`h_{k+1}`. It sends that number through both edges of the level, which means that it
# multiplies it by the slope of each, and adds up what arrives at :math:`h_k`.
#
# Each returns its result and counts its multiplications. Will the two results agree, and what will
# the two counts be?

# %% zh 156b9a: 两种算法
# 函数``over_paths``一条一条地走路径，每次都从 1 开始乘。
#
# 函数``reverse``从输出处的 1 出发（:math:`h_n`关于自身的导数），往回走。每到一级，手里都只有一个数，
# 就是输出关于:math:`h_{k+1}`的导数。把这个数分别送过这一级的两条边，也就是乘上各边的局部导数，
# 再把到达:math:`h_k`的量相加。
#
# 两个函数都返回结果，并数出乘法的次数。它们的结果会一样吗？两个次数各是多少？


# %% predict
def over_paths(slopes):
    total, count = 0.0, 0
    for path in itertools.product(*slopes):
        total += math.prod(path)
        count += len(path)
    return total, count


def reverse(slopes):
    gradients, count = [1.0], 0
    for level in reversed(slopes):
        arriving = [gradients[0] * slope for slope in level]
        gradients.insert(0, sum(arriving))
        count += len(level)
    return gradients, count


total, first = over_paths(slopes)
gradients, second = reverse(slopes)
print(f"{total:.9f} {first}")
print(f"{gradients[0]:.9f} {second}")

# %% check
product = math.prod(sum(level) for level in slopes)
assert math.isclose(total, product)
assert math.isclose(gradients[0], product)
assert first == 10 * 2**10 and second == 2 * 10

# %% en
# The same number takes 10240 multiplications or 20. All paths that come to a level have the same
# ways on to the output, and ``reverse`` adds these up once for all of them. In short: it visits each
# *edge* once and adds up before it goes on. This is *reverse accumulation*, or *reverse mode*. Seppo
# Linnainmaa described it in his master's thesis of 1970 and in
# `a paper of 1976 <https://doi.org/10.1007/BF01931367>`__; under the name backpropagation,
# `a paper of 1986 <https://doi.org/10.1038/323533a0>`__ made it known as the way to train networks.
#
# On a logarithmic axis the gap widens with depth.

# %% zh 009fb7
# 同一个数，一种算法要做 10240 次乘法，另一种只做 20 次。到达同一级的各条路径，
# 往后通向输出的路都一样，``reverse``把这些路合在一起，只算一次。一句话：每条*边*只走一次，先相加，再继续走。
# 这就是*反向累积*（reverse accumulation），也叫*反向模式*（reverse mode）。
# Seppo Linnainmaa 在 1970 年的硕士论文和`1976 年的论文 <https://doi.org/10.1007/BF01931367>`__里描述了它；
# 后来`1986 年的一篇论文 <https://doi.org/10.1038/323533a0>`__以反向传播（backpropagation）为名，
# 使它作为训练神经网络的方法广为人知。
#
# 画在对数坐标上，可以看到差距随深度越拉越大。

# %%
depths = range(1, 13)
first = [over_paths(local_slopes(n))[1] for n in depths]
second = [reverse(local_slopes(n))[1] for n in depths]
plt.semilogy(depths, first, "o-", label="$n \\, 2^n$")
plt.semilogy(depths, second, "s--", label="$2n$")
plt.xlabel("$n$")
plt.ylabel("$N_{\\times}$")
plt.legend()
plt.show()

# %% check
assert list(depths) == list(range(1, 13))
assert first == [n * 2**n for n in range(1, 13)]
assert second == [2 * n for n in range(1, 13)]

# %% en alt
# Number of multiplications against depth :math:`n`, from 1 to 12, on a logarithmic axis. The sum
# over paths climbs almost in a straight line to nearly 50000; reverse accumulation ends at 24.

# %% zh alt da0eeb
# 乘法次数随深度:math:`n`的变化，深度从 1 到 12，纵轴是对数坐标。
# 对路径求和的曲线几乎沿直线上升，最后接近 50000；反向累积的曲线最后只到 24。

# %% en: From the front
# You can visit each edge once from the front, too. *Forward accumulation*, or *forward mode*, starts
# at one variable with 1 and carries along the derivative of each later number with respect to it.
# From :math:`h_0` to :math:`h_{10}` such a walk, a *sweep*, needs 20 multiplications, as many as
# ``reverse``.
#
# Now you want the derivatives of :math:`h_{10}` with respect to *all* of :math:`h_0` to
# :math:`h_9`. The cell prints how many sweeps and multiplications forward accumulation needs in all,
# then the same for reverse accumulation. What do you expect?

# %% zh b530ae: 从前往后
# 从前往后走，也可以让每条边只走一次。*前向累积*（forward accumulation），又称*前向模式*（forward mode），
# 从某个变量处的 1 出发，一路带着一个数，即走到的量关于这个变量的导数。
# 从:math:`h_0`到:math:`h_{10}`这样走*一趟*，要做 20 次乘法，与``reverse``一样多。
#
# 现在想求:math:`h_{10}`关于:math:`h_0`到:math:`h_9`的*全部*导数。
# 下面先打印前向累积一共要走几趟、做多少次乘法，再打印反向累积的。你估计各是多少？


# %% predict
def forward(slopes):
    change, count = 1.0, 0
    for level in slopes:
        change = sum(change * slope for slope in level)
        count += len(level)
    return change, count


forwards = [forward(slopes[k:]) for k in range(10)]
backwards = [reverse(slopes)]
for sweeps in (forwards, backwards):
    print(len(sweeps), sum(count for _, count in sweeps))

# %% check
assert [count for _, count in forwards] == list(range(20, 0, -2))
changes = [change for change, count in forwards]
((found, count_),) = backwards
assert count_ == 20 and len(found) == 11
for change, gradient in zip(changes, found[:10], strict=True):
    assert math.isclose(change, gradient)
for k, gradient in enumerate(gradients):
    rest = math.prod(sum(level) for level in slopes[k:])
    assert math.isclose(gradient, rest)

# %% en
# Forward accumulation takes 10 sweeps and 110 multiplications: each sweep starts at *one* variable
# and serves that one. Reverse accumulation takes 1 sweep and 20: it starts at the output, passes every
# variable on its way and leaves a derivative at each.
#
# Turn the question round, and the answer turns round too: with one input and many outputs, one forward
# sweep serves all. A loss is one number and the parameters are many, so training uses reverse mode.

# %% zh 70cc93
# 前向累积要走 10 趟，做 110 次乘法：每趟从*一个*变量出发，只得到关于这个变量的导数。
# 反向累积只走 1 趟，做 20 次乘法：它从输出出发，途中经过每一个变量，在每一处都留下一个导数。
#
# 问题反过来，答案也就反过来：输入只有一个、输出有许多时，前向模式一趟就够。
# 损失（loss）只是一个数，模型参数（parameter）却很多，所以训练用反向模式。

# %% en: A thousand levels
# ``backward`` does reverse accumulation. Let it work on a ladder of 1000 levels; the number of paths,
# :math:`2^{1000}`, has 302 digits.
#
# A *hook* is a function of yours that autograd calls. ``register_hook`` gives one to a tensor; it
# runs each time the gradient with respect to that tensor has been computed. With a hook on each of
# the 1001 tensors, how many calls will one ``backward`` make?

# %% zh 442436: 一千级
# ``backward``做的就是反向累积。让它去走 1000 级的梯子，这时路径的条数:math:`2^{1000}`是一个 302 位数。
#
# *钩子*（hook）是由你编写、由 autograd 调用的函数。``register_hook``给一个张量（tensor）登记钩子，
# 关于这个张量的梯度（gradient）每算好一次，钩子就被调用一次。
# 如果给 1001 个张量各登记一个，那么在一次``backward``里，钩子总共会被调用多少次？

# %% predict
calls = []
levels = ladder(1000)
for h in levels:
    h.register_hook(calls.append)
levels[-1].backward()
print(len(calls))

# %% check
few = ladder(10)
computed = torch.stack(torch.autograd.grad(few[-1], few))
torch.testing.assert_close(computed, torch.tensor(gradients))
assert len(calls) == 1001 and len(str(2**1000)) == 302
element = torch.ones(100, requires_grad=True)[0]
assert element.grad_fn(torch.tensor(1.0)).shape == (100,)
deep = reverse(local_slopes(1000))[0]
torch.testing.assert_close(
    torch.stack(calls[::-1]), torch.tensor(deep), rtol=1e-3, atol=1e-6
)

# %% en
# Once for each tensor, 1001 in all. Before a gradient goes on from a tensor, autograd waits until
# everything that has to arrive there is added up, as ``reverse`` does. It never has to know how many
# paths there are.
#
# So, where no operation takes much more arithmetic on the way back than forwards, the gradient of one
# number costs a small multiple of the number itself, however many variables there are (see the
# `survey by Baydin et al. <https://www.jmlr.org/papers/v18/17-468.html>`__). Reading one element of a
# long tensor is an exception: a tensor of full length goes back. You also pay in memory:
# the sweep back can't begin before the way forward has ended, so the values that the local
# derivatives need are kept until then, or computed again. Forward mode can drop them as it goes.

# %% zh ca65b8
# 每个张量恰好一次，总共 1001 次。与``reverse``一样，梯度从一个张量继续往回传之前，
# autograd 会等该到的量全部到齐、加好。至于路径有多少条，它根本不必知道。
#
# 因此，只要没有哪个运算往回走比往前走费力得多，那么不论有多少个变量，求一个数的梯度，
# 运算量不过是计算这个数本身的几倍（见`Baydin 等人的综述 <https://www.jmlr.org/papers/v18/17-468.html>`__）。
# 从长张量里取一个元素（element）则是例外：往回送的是一个同样长的张量。
# 此外还要付出内存：前向传播（forward pass）没有结束，就不能开始往回走，所以求局部导数所需的那些值，
# 要么一直留着，要么到时重算。
# 前向模式则可以边走边丢。

# %% en: Remember
# - With several ways on each level, paths multiply with depth, edges only add up. Visit each edge
#   once, and add up before you go on.
# - Reverse mode: one sweep from one output gives the derivatives with respect to all variables.
#   Forward mode: one sweep from one variable gives the derivatives of all outputs.
# - For one loss and many parameters, a backward pass mostly costs a small multiple of the forward
#   pass.

# %% zh ca2335: 要点
# - 每一级都有几条支路时，深度每加一级，路径的条数就成倍增长，边只多出几条。每条边只走一次，先相加，再继续走。
# - 反向模式：从一个输出出发走一趟，得到它关于所有变量的导数。
#   前向模式：从一个变量出发走一趟，得到所有输出关于它的导数。
# - 损失只有一个、模型参数很多时，一次反向传播（backward pass）的代价多半只是前向传播的几倍。

# %% en: Exercise: three ways on each level
# Give each level of ``local_slopes(8)`` a third way with the local derivative 0.25. Work out the
# number of paths, then both counts of multiplications, and check them with ``over_paths`` and
# ``reverse``.

# %% zh 9024f5: 练习：每级三条支路
# 给``local_slopes(8)``的每一级加上第三条支路，局部导数是 0.25。先算算路径有多少条，两种算法各做多少次乘法，
# 再用``over_paths``和``reverse``检验。

# %% solution
three = [(*level, 0.25) for level in local_slopes(8)]
total, first = over_paths(three)
gradients, second = reverse(three)
print(3**8, first, second)
assert first == 8 * 3**8 and second == 3 * 8
assert math.isclose(total, gradients[0])

# %% en: Exercise: one input, many outputs
# Now you want the derivatives of all of :math:`h_1` to :math:`h_{10}` with respect to :math:`h_0`.
# Change ``forward`` so that one sweep returns them all. How many multiplications does it take, and
# how many do ten sweeps of ``reverse``, one from each output?

# %% zh e442b7: 练习：一个输入，多个输出
# 现在想求:math:`h_1`到:math:`h_{10}`关于:math:`h_0`的全部导数。修改``forward``，让它一趟就返回所有这些导数。
# 它要做多少次乘法？如果改用``reverse``，从每个输出各走一趟，十趟又要做多少次？


# %% solution
def forward_all(slopes):
    changes, count = [1.0], 0
    for level in slopes:
        changes.append(sum(changes[-1] * slope for slope in level))
        count += len(level)
    return changes[1:], count


slopes = local_slopes(10)
changes, once = forward_all(slopes)
backwards = [reverse(slopes[:n]) for n in range(1, 11)]
print(once, sum(count for _, count in backwards))
assert once == 20 and sum(count for _, count in backwards) == 110
for change, (gradients, _) in zip(changes, backwards, strict=True):
    assert math.isclose(change, gradients[0])

# %% en: Where next
# :ref:`backpropagation-by-hand` walks back through a small network, one local derivative at a time.
# :ref:`jacobians-and-hessians` shows both modes at work for functions with many outputs.

# %% zh c43219: 接下来
# :ref:`backpropagation-by-hand`会带你沿着一个小网络往回走，一次用一个局部导数。
# 函数有多个输出时两种模式怎样用，详见:ref:`jacobians-and-hessians`。
