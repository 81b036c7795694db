// AdamW: the chosen instruction set's kernels.

#include "KernelTable.h"

void ck_adamw_step(float *p, float *m, float *v, const float *gradient, float gradient_scale, const ck_adamw *o, size_t count) {
    ck_kernels()->adamw_step(p, m, v, gradient, gradient_scale, o, count);
}

double ck_sum_of_squares(const float *x, size_t count) { return ck_kernels()->sum_of_squares(x, count); }
