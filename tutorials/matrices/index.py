# %% about
# kind: lesson

# %% en: Matrices of derivatives
# From the product that ``backward`` really computes to whole Jacobian and Hessian matrices.

# %% zh 855d62: 导数矩阵
# 从``backward``真正计算的那个乘积，到完整的雅可比矩阵和海森矩阵。
