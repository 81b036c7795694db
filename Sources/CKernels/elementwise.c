// Element-wise kernels: the chosen instruction set's.

#include "KernelTable.h"

void ck_widen_f16(float *y, const uint16_t *x, size_t count) { ck_kernels()->widen_f16(y, x, count); }

void ck_widen_bf16(float *y, const uint16_t *x, size_t count) { ck_kernels()->widen_bf16(y, x, count); }

void ck_add(float *y, const float *a, const float *b, size_t count) { ck_kernels()->add(y, a, b, count); }

void ck_scale(float *y, const float *x, float a, size_t count) { ck_kernels()->scale(y, x, a, count); }

void ck_add_row(float *y, const float *x, const float *b, size_t rows, size_t width) {
    ck_kernels()->add_row(y, x, b, rows, width);
}

void ck_silu(float *y, const float *x, size_t count) { ck_kernels()->silu(y, x, count); }

void ck_silu_backward(float *dx, const float *dy, const float *x, size_t count) {
    ck_kernels()->silu_backward(dx, dy, x, count);
}

void ck_gelu(float *y, const float *x, size_t count) { ck_kernels()->gelu(y, x, count); }

void ck_quick_gelu(float *y, const float *x, size_t count) { ck_kernels()->quick_gelu(y, x, count); }

void ck_relu(float *y, const float *x, size_t count) { ck_kernels()->relu(y, x, count); }

void ck_sigmoid(float *y, const float *x, size_t count) { ck_kernels()->sigmoid(y, x, count); }

void ck_geglu(float *y, const float *x, size_t rows, size_t width) { ck_kernels()->geglu(y, x, rows, width); }

void ck_geglu_backward(float *dx, const float *dy, const float *x, size_t rows, size_t width) {
    ck_kernels()->geglu_backward(dx, dy, x, rows, width);
}
