// The bfloat16 kernels, for x86-64 with AVX512-BF16.

#include "CKernelsBFloat16.h"
#include "CKernelsOneDNN.h"
#include "KernelTable.h"
#include "borrowed_memory.h"
#include "onednn.h"

#if defined(__x86_64__)

#include <math.h>
#include <string.h>
#include <immintrin.h>

#define VL 16
#define MR 12

#pragma clang attribute push(__attribute__((target("avx512f,avx512vl,avx512bw,avx512dq,avx512bf16,avx2,fma,f16c"))), apply_to = function)

#include "body/vector.h"
#include "body/transpose_square.h"
#include "body/product.h"
#include "body/bf16_product.h"
#include "body/bf16_attention_forward.h"
#include "body/bf16_attention_backward.h"
#include "body/bf16_matmul.h"

#pragma clang attribute pop

#else

int ck_bf16_matmul(void *c, int c_is_float, const uint16_t *a, const uint16_t *b, const float *bias, int aT, int bT, int64_t m,
                   int64_t n, int64_t k, int64_t lda, int64_t ldb, int64_t ldc, int accumulate) {
    return ck_onednn_matmul(c, c_is_float, a, b, bias, aT, bT, m, n, k, lda, ldb, ldc, accumulate);
}

// Nobody may come here: `ck_bf16_available` said no.
void ck_bf16_attention(uint16_t *o, float *lse, const uint16_t *q, const uint16_t *k, const uint16_t *v, size_t begin, size_t end,
                       size_t keys, size_t head_size, size_t q_stride, size_t k_stride, size_t v_stride, size_t o_stride,
                       float scale, int causal, const ck_attention_bias *bias, float *scratch) {
    __builtin_trap();
}
size_t ck_bf16_attention_scratch(size_t head_size) { return 0; }
void ck_bf16_attention_backward(uint16_t *dq, uint16_t *dk, uint16_t *dv, const uint16_t *d_o, const uint16_t *o, const float *lse,
                                const uint16_t *q, const uint16_t *k, const uint16_t *v, size_t queries, size_t keys,
                                size_t head_size, size_t q_stride, size_t k_stride, size_t v_stride, size_t o_stride, float scale,
                                float *scratch) {
    __builtin_trap();
}
size_t ck_bf16_attention_backward_scratch(size_t queries, size_t head_size) { return 0; }

#endif
