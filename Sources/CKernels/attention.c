// Attention: the chosen instruction set's kernels, and the scratch memory they need.

#include "KernelTable.h"

void ck_attention(float *o, float *lse, const float *q, const float *k, const float *v, size_t begin, size_t end, size_t keys,
                  size_t head_size, size_t q_stride, size_t k_stride, size_t v_stride, size_t o_stride, float scale, int causal,
                  float *scratch) {
    ck_kernels()->attention(o, lse, q, k, v, begin, end, keys, head_size, q_stride, k_stride, v_stride, o_stride, scale, causal,
                            NULL, scratch);
}

void ck_attention_biased(float *o, float *lse, const float *q, const float *k, const float *v, const ck_attention_bias *bias,
                         size_t begin, size_t end, size_t keys, size_t head_size, size_t q_stride, size_t k_stride,
                         size_t v_stride, size_t o_stride, float scale, float *scratch) {
    ck_kernels()->attention(o, lse, q, k, v, begin, end, keys, head_size, q_stride, k_stride, v_stride, o_stride, scale, 0, bias,
                            scratch);
}

void ck_relative_terms(float *rows, float *columns, const float *q, const float *row_table, const float *column_table,
                       size_t height, size_t width, size_t head_size, size_t q_stride, float *scratch) {
    ck_kernels()->relative_terms(rows, columns, q, row_table, column_table, height, width, head_size, q_stride, scratch);
}

size_t ck_relative_terms_scratch(size_t head_size) { return 16 + (head_size + CK_MAX_ROWS) * CK_LANES; }

size_t ck_attention_scratch(size_t keys, size_t head_size) {
    const size_t group = ck_attention_queries_per_group(head_size), packed = ck_attention_packed_keys(keys, head_size);
    return 16 + 2 * group * head_size + 2 * group + CK_ATTENTION_KEYS * CK_LANES + 2 * packed * ck_attention_pitch(head_size);
}

void ck_attention_backward(float *dq, float *dk, float *dv, const float *d_o, const float *o, const float *lse, const float *q,
                           const float *k, const float *v, size_t queries, size_t keys, size_t head_size, size_t q_stride,
                           size_t k_stride, size_t v_stride, size_t o_stride, float scale, float *scratch) {
    ck_kernels()->attention_backward(dq, dk, dv, d_o, o, lse, q, k, v, queries, keys, head_size, q_stride, k_stride, v_stride,
                                     o_stride, scale, scratch);
}

size_t ck_attention_backward_scratch(size_t queries, size_t keys, size_t head_size) {
    (void)keys;
    const size_t block = 96, query_block = 64;
    return 16 + ck_rounded_up(queries, CK_LANES) * (3 * head_size + 2) + 5 * block * head_size + query_block * CK_LANES +
           2 * block * query_block;
}
