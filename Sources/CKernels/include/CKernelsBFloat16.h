// Kernels over bfloat16 in memory (the upper half of a float32, as uint16_t): the twins of those of the same name in
// CKernels.h, from the same bodies. Arithmetic is float32; results are rounded once, to the nearest, to even where two
// are as near; a NaN stays one. Statistics, biases, scales and shifts are float32.
#ifndef CKERNELS_BFLOAT16_H
#define CKERNELS_BFLOAT16_H

#include <stddef.h>
#include <stdint.h>

#include "CKernels.h"

#ifdef __cplusplus
extern "C" {
#endif

/// y = bfloat16(a·x)
void ck_narrow_bf16(uint16_t *y, const float *x, float a, size_t count);
/// From IEEE half.
void ck_narrow_f16_to_bf16(uint16_t *y, const uint16_t *x, size_t count);

void ck_add_bf16(uint16_t *y, const uint16_t *a, const uint16_t *b, size_t count);
void ck_scale_bf16(uint16_t *y, const uint16_t *x, float a, size_t count);
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

// Attention with float32 softmax and sums, for processors with AVX512-BF16 (`ck_bf16_available`); `scale` is positive.

/// One head: o = softmax(scale·q·kᵀ)·v for query rows [begin, end); lse[i] = log₂ Σ exp(scaled scores of row i).
/// `bias` is what is added to the scaled scores, or null. Any head size ≥ 1, multiples of 32 are the fastest; however the
/// rows are split, every bit of the result is the same.
void ck_bf16_attention(uint16_t *o, float *lse, const uint16_t *q, const uint16_t *k, const uint16_t *v, size_t begin, size_t end,
                       size_t keys, size_t head_size, size_t q_stride, size_t k_stride, size_t v_stride, size_t o_stride,
                       float scale, int causal, const ck_attention_bias *bias, float *scratch);
/// Floats of scratch memory.
size_t ck_bf16_attention_scratch(size_t head_size);
/// Pullback of one head, all rows: writes dq, dk, dv (same strides as q, k, v). No causal form: nothing causal is trained.
void ck_bf16_attention_backward(uint16_t *dq, uint16_t *dk, uint16_t *dv, const uint16_t *d_o, const uint16_t *o, const float *lse,
                                const uint16_t *q, const uint16_t *k, const uint16_t *v, size_t queries, size_t keys,
                                size_t head_size, size_t q_stride, size_t k_stride, size_t v_stride, size_t o_stride, float scale,
                                float *scratch);
size_t ck_bf16_attention_backward_scratch(size_t queries, size_t head_size);

#ifdef __cplusplus
}
#endif
#endif
