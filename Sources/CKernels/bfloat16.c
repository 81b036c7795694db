// The kernels over bfloat16 in memory: the chosen instruction set's.

#include "KernelTable.h"
#include "CKernelsBFloat16.h"

void ck_narrow_bf16(uint16_t *y, const float *x, float a, size_t count) { ck_kernels()->narrow_bf16(y, x, a, count); }

void ck_narrow_f16_to_bf16(uint16_t *y, const uint16_t *x, size_t count) { ck_kernels()->narrow_f16_to_bf16(y, x, count); }

void ck_add_bf16(uint16_t *y, const uint16_t *a, const uint16_t *b, size_t count) { ck_kernels()->add_bf16(y, a, b, count); }

void ck_scale_bf16(uint16_t *y, const uint16_t *x, float a, size_t count) { ck_kernels()->scale_bf16(y, x, a, count); }

void ck_add_row_bf16(uint16_t *y, const uint16_t *x, const float *b, size_t rows, size_t width) {
    ck_kernels()->add_row_bf16(y, x, b, rows, width);
}

void ck_silu_bf16(uint16_t *y, const uint16_t *x, size_t count) { ck_kernels()->silu_bf16(y, x, count); }

void ck_silu_backward_bf16(uint16_t *dx, const uint16_t *dy, const uint16_t *x, size_t count) {
    ck_kernels()->silu_backward_bf16(dx, dy, x, count);
}

void ck_gelu_bf16(uint16_t *y, const uint16_t *x, size_t count) { ck_kernels()->gelu_bf16(y, x, count); }

void ck_quick_gelu_bf16(uint16_t *y, const uint16_t *x, size_t count) { ck_kernels()->quick_gelu_bf16(y, x, count); }

void ck_geglu_bf16(uint16_t *y, const uint16_t *x, size_t rows, size_t width) { ck_kernels()->geglu_bf16(y, x, rows, width); }

void ck_geglu_backward_bf16(uint16_t *dx, const uint16_t *dy, const uint16_t *x, size_t rows, size_t width) {
    ck_kernels()->geglu_backward_bf16(dx, dy, x, rows, width);
}

void ck_layer_norm_bf16(uint16_t *y, float *mean, float *rstd, const uint16_t *x, const float *scale, const float *shift,
                        size_t rows, size_t width, float epsilon) {
    ck_kernels()->layer_norm_bf16(y, mean, rstd, x, scale, shift, rows, width, epsilon);
}

void ck_layer_norm_backward_bf16(uint16_t *dx, const uint16_t *dy, const uint16_t *x, const float *scale, const float *mean,
                                 const float *rstd, size_t rows, size_t width) {
    ck_kernels()->layer_norm_backward_bf16(dx, dy, x, scale, mean, rstd, rows, width);
}

void ck_channel_sums_bf16(double *sum, double *squares, const uint16_t *x, size_t rows, size_t channels) {
    ck_kernels()->channel_sums_bf16(sum, squares, x, rows, channels);
}

void ck_channel_affine_bf16(uint16_t *y, const uint16_t *x, const float *a, const float *b, size_t rows, size_t channels,
                            int silu) {
    ck_kernels()->channel_affine_bf16(y, x, a, b, rows, channels, silu);
}

void ck_group_norm_backward_sums_bf16(double *sum, double *products, const uint16_t *dy, const uint16_t *x, const float *a,
                                      const float *b, size_t rows, size_t channels, int silu) {
    ck_kernels()->group_norm_backward_sums_bf16(sum, products, dy, x, a, b, rows, channels, silu);
}

void ck_group_norm_backward_apply_bf16(uint16_t *dx, const uint16_t *dy, const uint16_t *x, const float *a, const float *b,
                                       const float *p, const float *q, size_t rows, size_t channels, int silu) {
    ck_kernels()->group_norm_backward_apply_bf16(dx, dy, x, a, b, p, q, rows, channels, silu);
}
