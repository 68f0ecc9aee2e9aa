# %% about
# kind: lesson

# %% en: Devices
# The same script on the CPU and on a GPU: what moves and what stays, which digits change, and how to
# see where the time goes.

# %% zh 0951d2: 设备
# 让同一个脚本在 CPU 和 GPU 上都能运行：什么会搬走、什么留在原处，哪些数字会变，时间又花在哪里。
