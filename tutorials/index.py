# %% about
# parts: basics, training, devices, matrices

# %% en: The course
# Read the parts in this order, or start where your question is: each tutorial says at its top what
# you will be able to do at its end.
#
# You can take the whole course along,
# :ref:`as a zip of these pages or as a book <guide-offline>`, and read it without a network.

# %% zh 633fea: 课程目录
# 可以从头按顺序读，也可以直接从你的问题开始：每篇教程开头都会说清楚，读完它你能做到什么。
#
# 整门课可以:ref:`下载成离线网站或电子书 <guide-offline>`，没有网络也能读。
