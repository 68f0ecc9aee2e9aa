# %% about
# parts: basics, training, devices, matrices

# %% en: The course
# Read the parts in this order, or start where your question is: each tutorial says at its top what
# you will be able to do at its end.

# %% zh 115029: 课程目录
# 可以从头按顺序读，也可以直接从你的问题开始：每篇教程开头都会说清楚，读完它你能做到什么。
