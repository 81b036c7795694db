// Norms: the chosen instruction set's kernels.

#include "KernelTable.h"

void ck_layer_norm(float *y, float *mean, float *rstd, const float *x, const float *scale, const float *shift, size_t rows,
                   size_t width, float epsilon) {
    ck_kernels()->layer_norm(y, mean, rstd, x, scale, shift, rows, width, epsilon);
}

void ck_layer_norm_backward(float *dx, const float *dy, const float *x, const float *scale, const float *mean,
                            const float *rstd, size_t rows, size_t width) {
    ck_kernels()->layer_norm_backward(dx, dy, x, scale, mean, rstd, rows, width);
}

void ck_channel_sums(double *sum, double *squares, const float *x, size_t rows, size_t channels) {
    ck_kernels()->channel_sums(sum, squares, x, rows, channels);
}

void ck_channel_affine(float *y, const float *x, const float *a, const float *b, size_t rows, size_t channels, int silu) {
    ck_kernels()->channel_affine(y, x, a, b, rows, channels, silu);
}

void ck_group_norm_backward_sums(double *sum, double *products, const float *dy, const float *x, const float *a,
                                 const float *b, size_t rows, size_t channels, int silu) {
    ck_kernels()->group_norm_backward_sums(sum, products, dy, x, a, b, rows, channels, silu);
}

void ck_group_norm_backward_apply(float *dx, const float *dy, const float *x, const float *a, const float *b, const float *p,
                                  const float *q, size_t rows, size_t channels, int silu) {
    ck_kernels()->group_norm_backward_apply(dx, dy, x, a, b, p, q, rows, channels, silu);
}
