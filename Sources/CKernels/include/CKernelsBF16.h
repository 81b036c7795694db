// Attention in bfloat16 with float32 softmax and sums, for processors with AVX512-BF16 (`ck_bf16_available`).
//
// A bfloat16 is a uint16_t: the upper half of a float32. Parameters and meaning as in CKernels.h; `scale` is positive.
#ifndef CKERNELS_BF16_H
#define CKERNELS_BF16_H

#include "CKernels.h"

#ifdef __cplusplus
extern "C" {
#endif

/// One head: o = softmax(scale·q·kᵀ)·v for query rows [begin, end); lse[i] = log Σ exp(scaled scores of row i).
/// Any head size ≥ 1, multiples of 32 are the fastest; however the rows are split, every bit of the result is the same.
void ck_bf16_attention(uint16_t *o, float *lse, const uint16_t *q, const uint16_t *k, const uint16_t *v, size_t begin, size_t end,
                       size_t keys, size_t head_size, size_t q_stride, size_t k_stride, size_t v_stride, size_t o_stride,
                       float scale, int causal, float *scratch);
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
