# %% about
# kind: lesson

# %% en: Devices
# The same script on the CPU and on a GPU: what moves and what stays, which digits change, and how to
# see where the time goes.

# %% zh 0951d2: 设备
# 同一个脚本，在 CPU 和 GPU 上都能运行：哪些东西会移走、哪些留在原处，结果的哪几位会变，时间又花在哪里。
