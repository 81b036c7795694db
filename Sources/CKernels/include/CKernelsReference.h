// Plain-C twins of the kernels, for the tests: the formulas written down, in double precision, with no thought of
// speed. Same parameters and meaning as in CKernels.h, but always the whole range, no scratch memory, and
// convolution weights as PyTorch has them.
#ifndef CKERNELS_REFERENCE_H
#define CKERNELS_REFERENCE_H

#include "CKernels.h"

#ifdef __cplusplus
extern "C" {
#endif

void ck_widen_f16_reference(float *y, const uint16_t *x, size_t count);
void ck_widen_bf16_reference(float *y, const uint16_t *x, size_t count);

void ck_add_reference(float *y, const float *a, const float *b, size_t count);
void ck_scale_reference(float *y, const float *x, float a, size_t count);
void ck_add_row_reference(float *y, const float *x, const float *b, size_t rows, size_t width);
void ck_silu_reference(float *y, const float *x, size_t count);
void ck_silu_backward_reference(float *dx, const float *dy, const float *x, size_t count);
void ck_gelu_reference(float *y, const float *x, size_t count);
void ck_quick_gelu_reference(float *y, const float *x, size_t count);
void ck_relu_reference(float *y, const float *x, size_t count);
void ck_sigmoid_reference(float *y, const float *x, size_t count);
void ck_geglu_reference(float *y, const float *x, size_t rows, size_t width);
void ck_geglu_backward_reference(float *dx, const float *dy, const float *x, size_t rows, size_t width);

void ck_layer_norm_reference(float *y, float *mean, float *rstd, const float *x, const float *scale, const float *shift,
                             size_t rows, size_t width, float epsilon);
void ck_layer_norm_backward_reference(float *dx, const float *dy, const float *x, const float *scale, const float *mean,
                                      const float *rstd, size_t rows, size_t width);
void ck_channel_sums_reference(double *sum, double *squares, const float *x, size_t rows, size_t channels);
void ck_channel_affine_reference(float *y, const float *x, const float *a, const float *b, size_t rows, size_t channels,
                                 int silu);
void ck_group_norm_backward_sums_reference(double *sum, double *products, const float *dy, const float *x, const float *a,
                                           const float *b, size_t rows, size_t channels, int silu);
void ck_group_norm_backward_apply_reference(float *dx, const float *dy, const float *x, const float *a, const float *b,
                                            const float *p, const float *q, size_t rows, size_t channels, int silu);

void ck_attention_reference(float *o, float *lse, const float *q, const float *k, const float *v, size_t queries, size_t keys,
                            size_t head_size, size_t q_stride, size_t k_stride, size_t v_stride, size_t o_stride, float scale,
                            int causal);
void ck_attention_biased_reference(float *o, float *lse, const float *q, const float *k, const float *v,
                                   const ck_attention_bias *bias, size_t queries, size_t keys, size_t head_size,
                                   size_t q_stride, size_t k_stride, size_t v_stride, size_t o_stride, float scale);
void ck_relative_terms_reference(float *rows, float *columns, const float *q, const float *row_table,
                                 const float *column_table, size_t height, size_t width, size_t head_size, size_t q_stride);
void ck_attention_backward_reference(float *dq, float *dk, float *dv, const float *d_o, const float *q, const float *k,
                                     const float *v, size_t queries, size_t keys, size_t head_size, size_t q_stride,
                                     size_t k_stride, size_t v_stride, size_t o_stride, float scale);

/// `weight` is [out, in, kh, kw]; with `backward`, the pullback's weight: [in, out, kh, kw] read turned by 180°.
void ck_conv2d_reference(float *y, const float *x, const float *weight, const float *bias, const ck_conv_shape *shape,
                         int backward);

void ck_matmul_reference(float *c, const float *a, const float *b, const float *bias, int bT, size_t m, size_t n, size_t k, size_t lda,
                         size_t ldb, size_t ldc, float alpha, float beta);
/// c is float32 and not rounded. Of the other bfloat16 kernels the float32 ones are the twins, over widened inputs.
void ck_bf16_matmul_reference(float *c, const uint16_t *a, const uint16_t *b, const float *bias, int aT, int bT, size_t m, size_t n,
                              size_t k, size_t lda, size_t ldb, size_t ldc, int accumulate);

void ck_depthwise_reference(float *y, const float *x, const float *weight, const float *bias, const ck_conv_shape *shape);

void ck_resize_bilinear_reference(float *y, const float *x, size_t in_height, size_t in_width, size_t out_height,
                                  size_t out_width, size_t channels);
void ck_upsample_nearest_reference(float *y, const float *x, size_t in_height, size_t in_width, size_t out_height,
                                   size_t out_width, size_t channels);
void ck_upsample_nearest_backward_reference(float *dx, const float *dy, size_t in_height, size_t in_width, size_t out_height,
                                            size_t out_width, size_t channels);
void ck_max_pool_reference(float *y, const float *x, size_t height, size_t width, size_t channels);

void ck_adamw_step_reference(float *p, float *m, float *v, const float *gradient, float gradient_scale, const ck_adamw *o,
                             size_t count);
double ck_sum_of_squares_reference(const float *x, size_t count);

#ifdef __cplusplus
}
#endif
#endif
