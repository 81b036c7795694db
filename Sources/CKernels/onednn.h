// oneDNN's matrix product, which the own one falls back to. Internal to this target.
#ifndef CKERNELS_INTERNAL_ONEDNN_H
#define CKERNELS_INTERNAL_ONEDNN_H

#include <stdint.h>

/// As `ck_bf16_matmul`.
int ck_onednn_matmul(void *c, int c_is_float, const uint16_t *a, const uint16_t *b, const float *bias, int aT, int bT, int64_t m,
                     int64_t n, int64_t k, int64_t lda, int64_t ldb, int64_t ldc, int accumulate);

#endif
