// Matrix products: the chosen instruction set's kernel, and what its memory holds.

#include "KernelTable.h"

void ck_matmul_pack(float *packed, const ck_product *product, size_t unit) { ck_kernels()->matmul_pack(packed, product, unit); }

void ck_matmul(const ck_product *product, const float *packed, size_t begin, size_t end, float *scratch) {
    ck_kernels()->matmul(product, packed, begin, end, scratch);
}

size_t ck_matmul_blocks(size_t m) { return (m + CK_MATMUL_ROWS - 1) / CK_MATMUL_ROWS; }
size_t ck_matmul_units(size_t m, size_t k) { return ck_matmul_blocks(m) * ck_matmul_passes(k); }
size_t ck_matmul_packed(size_t m, size_t k) { return 16 + m * k + ck_matmul_units(m, k) * CK_MATMUL_GAP; }

size_t ck_matmul_scratch(const ck_product *s, size_t blocks) {
    const size_t sums = s->c_type == CK_FLOAT32 ? 0 : blocks * CK_MATMUL_ROWS;
    return 16 + CK_MATMUL_COLUMNS * (sums + (s->k < CK_MATMUL_DEPTH ? s->k : CK_MATMUL_DEPTH));
}
