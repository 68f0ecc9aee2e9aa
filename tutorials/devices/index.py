# %% about
# kind: lesson

# %% en: Devices
# The same script on the CPU and on a GPU, and how to see where its time goes.

# %% zh 714082: 设备
# 让同一个脚本在 CPU 和 GPU 上都能运行，并看清它的时间花在哪里。
