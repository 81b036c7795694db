// Matrix products: the chosen instruction set's kernel, and its scratch memory.

#include "KernelTable.h"

void ck_matmul(const ck_product *product, float *scratch) { ck_kernels()->matmul(product, scratch); }

size_t ck_matmul_scratch(size_t m, size_t k) {
    const size_t rows = m < CK_MATMUL_ROWS ? m : CK_MATMUL_ROWS, depth = k < CK_MATMUL_DEPTH ? k : CK_MATMUL_DEPTH;
    return 16 + CK_MATMUL_COLUMNS * depth + rows * depth + CK_LANES;
}
