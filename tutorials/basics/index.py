# %% about
# kind: lesson

# %% en: Basics
# What a gradient is for, how autograd finds it, and how to read the graph that it builds.

# %% zh 1f72e0: 基础
# 梯度有什么用，autograd 怎样算出梯度，又怎样读懂它构建的计算图。
