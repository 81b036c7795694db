// Matrix products, plainly.

#include "CKernelsReference.h"

#include <string.h>

static double element(const uint16_t *x, size_t i) {
    const uint32_t bits = (uint32_t)x[i] << 16;
    float wide;
    memcpy(&wide, &bits, sizeof wide);
    return wide;
}

void ck_matmul_reference(float *c, const float *a, const float *b, const float *bias, int bT, size_t m, size_t n, size_t k, size_t lda,
                         size_t ldb, size_t ldc, float alpha, float beta) {
    for (size_t i = 0; i < m; i++)
        for (size_t j = 0; j < n; j++) {
            double sum = 0;
            for (size_t l = 0; l < k; l++) sum += (double)a[i * lda + l] * b[bT ? j * ldb + l : l * ldb + j];
            c[i * ldc + j] = (float)(alpha * sum + (beta == 0 ? 0 : (double)beta * c[i * ldc + j]) + (bias ? bias[j] : 0));
        }
}

void ck_bf16_matmul_reference(float *c, const uint16_t *a, const uint16_t *b, const float *bias, int aT, int bT, size_t m, size_t n,
                              size_t k, size_t lda, size_t ldb, size_t ldc, int accumulate) {
    for (size_t i = 0; i < m; i++)
        for (size_t j = 0; j < n; j++) {
            double sum = (bias ? bias[j] : 0) + (accumulate ? c[i * ldc + j] : 0);
            for (size_t l = 0; l < k; l++) sum += element(a, aT ? l * lda + i : i * lda + l) * element(b, bT ? j * ldb + l : l * ldb + j);
            c[i * ldc + j] = (float)sum;
        }
}
