// Kernels over bfloat16 in memory (the upper half of a float32, as uint16_t): the twins of those of the same name in
// CKernels.h, from the same bodies. Arithmetic is float32; results are rounded once, to the nearest, to even where two
// are as near; a NaN stays one. Statistics, biases, scales and shifts are float32.
#ifndef CKERNELS_BFLOAT16_H
#define CKERNELS_BFLOAT16_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/// y = bfloat16(a·x)
void ck_narrow_bf16(uint16_t *y, const float *x, float a, size_t count);
/// From IEEE half.
void ck_narrow_f16_to_bf16(uint16_t *y, const uint16_t *x, size_t count);

void ck_add_bf16(uint16_t *y, const uint16_t *a, const uint16_t *b, size_t count);
void ck_scale_bf16(uint16_t *y, const uint16_t *x, float a, size_t count);
void ck_add_scaled_bf16(uint16_t *y, const uint16_t *x, float a, size_t count);
void ck_add_row_bf16(uint16_t *y, const uint16_t *x, const float *b, size_t rows, size_t width);
void ck_silu_bf16(uint16_t *y, const uint16_t *x, size_t count);
void ck_silu_backward_bf16(uint16_t *dx, const uint16_t *dy, const uint16_t *x, size_t count);
void ck_gelu_bf16(uint16_t *y, const uint16_t *x, size_t count);
void ck_quick_gelu_bf16(uint16_t *y, const uint16_t *x, size_t count);
void ck_geglu_bf16(uint16_t *y, const uint16_t *x, size_t rows, size_t width);
void ck_geglu_backward_bf16(uint16_t *dx, const uint16_t *dy, const uint16_t *x, size_t rows, size_t width);

void ck_layer_norm_bf16(uint16_t *y, float *mean, float *rstd, const uint16_t *x, const float *scale, const float *shift,
                        size_t rows, size_t width, float epsilon);
void ck_layer_norm_backward_bf16(uint16_t *dx, const uint16_t *dy, const uint16_t *x, const float *scale, const float *mean,
                                 const float *rstd, size_t rows, size_t width);
void ck_channel_sums_bf16(double *sum, double *squares, const uint16_t *x, size_t rows, size_t channels);
void ck_channel_affine_bf16(uint16_t *y, const uint16_t *x, const float *a, const float *b, size_t rows, size_t channels,
                            int silu);
void ck_group_norm_backward_sums_bf16(double *sum, double *products, const uint16_t *dy, const uint16_t *x, const float *a,
                                      const float *b, size_t rows, size_t channels, int silu);
void ck_group_norm_backward_apply_bf16(uint16_t *dx, const uint16_t *dy, const uint16_t *x, const float *a, const float *b,
                                       const float *p, const float *q, size_t rows, size_t channels, int silu);

void ck_upsample_nearest_bf16(uint16_t *y, const uint16_t *x, size_t in_height, size_t in_width, size_t out_height,
                              size_t out_width, size_t channels, size_t begin, size_t end);
void ck_upsample_nearest_backward_bf16(uint16_t *dx, const uint16_t *dy, size_t in_height, size_t in_width, size_t out_height,
                                       size_t out_width, size_t channels, size_t begin, size_t end);

#ifdef __cplusplus
}
#endif
#endif
