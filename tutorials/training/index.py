# %% about
# kind: lesson

# %% en: Training
# What happens to weights and gradients in a training step, how large it should be, and three things
# that often go wrong: gradients left over, gradients switched off, and values overwritten.

# %% zh b0d9e5: 训练
# 一步训练里，权重和梯度各有什么变化，一步该走多远；还有三种常见的错误：旧梯度没清掉、梯度记录被关掉、
# 数值被改写。
