# %% about
# kind: lesson

# %% en: Training
# What happens to weights and gradients in a training step, and the three things that go wrong most
# often: gradients left over, gradients switched off, and values overwritten.

# %% zh b5009f: 训练
# 一步训练里，权重和梯度各发生了什么；还有最常见的三种错误：旧梯度没清掉、梯度被关掉、数值被改写。
