// Attention, plainly: row by row, with the scores computed again wherever they are needed.

#include "CKernelsReference.h"

#include <math.h>

// A product that is contracted with its own rounded maximum leaves its rounding behind.
#pragma STDC FP_CONTRACT OFF

static double product(const float *a, const float *b, size_t count) {
    double sum = 0;
    for (size_t i = 0; i < count; i++) sum += (double)a[i] * b[i];
    return sum;
}

/// log Σ exp(scale·q·k) over the first `keys` keys.
static double log_sum_exp(const float *q, const float *k, size_t keys, size_t head_size, size_t k_stride, double scale) {
    double maximum = -INFINITY, sum = 0;
    for (size_t j = 0; j < keys; j++) maximum = fmax(maximum, scale * product(q, k + j * k_stride, head_size));
    for (size_t j = 0; j < keys; j++) sum += exp(scale * product(q, k + j * k_stride, head_size) - maximum);
    return maximum + log(sum);
}

void ck_attention_reference(float *o, float *lse, const float *q, const float *k, const float *v, size_t queries, size_t keys,
                            size_t head_size, size_t q_stride, size_t k_stride, size_t v_stride, size_t o_stride, float scale,
                            int causal) {
    for (size_t i = 0; i < queries; i++) {
        const size_t visible = causal && i + 1 < keys ? i + 1 : keys;
        const double l = log_sum_exp(q + i * q_stride, k, visible, head_size, k_stride, scale);
        lse[i] = (float)(l * M_LOG2E);
        for (size_t d = 0; d < head_size; d++) {
            double sum = 0;
            for (size_t j = 0; j < visible; j++)
                sum += exp((double)scale * product(q + i * q_stride, k + j * k_stride, head_size) - l) * v[j * v_stride + d];
            o[i * o_stride + d] = (float)sum;
        }
    }
}

void ck_attention_backward_reference(float *dq, float *dk, float *dv, const float *d_o, const float *q, const float *k,
                                     const float *v, size_t queries, size_t keys, size_t head_size, size_t q_stride,
                                     size_t k_stride, size_t v_stride, size_t o_stride, float scale) {
    for (size_t j = 0; j < keys; j++)
        for (size_t d = 0; d < head_size; d++) dk[j * k_stride + d] = dv[j * v_stride + d] = 0;
    for (size_t i = 0; i < queries; i++) {
        const float *query = q + i * q_stride, *gradient = d_o + i * o_stride;
        const double l = log_sum_exp(query, k, keys, head_size, k_stride, scale);
        double delta = 0;   // Σ p·dp, which is do·o
        for (size_t j = 0; j < keys; j++)
            delta += exp((double)scale * product(query, k + j * k_stride, head_size) - l) *
                     product(gradient, v + j * v_stride, head_size);
        for (size_t d = 0; d < head_size; d++) dq[i * q_stride + d] = 0;
        for (size_t j = 0; j < keys; j++) {
            const double p = exp((double)scale * product(query, k + j * k_stride, head_size) - l);
            const double ds = p * (product(gradient, v + j * v_stride, head_size) - delta) * scale;
            for (size_t d = 0; d < head_size; d++) {
                dq[i * q_stride + d] += (float)(ds * k[j * k_stride + d]);
                dk[j * k_stride + d] += (float)(ds * query[d]);
                dv[j * v_stride + d] += (float)(p * gradient[d]);
            }
        }
    }
}
