// Element-wise kernels, plainly.

#include "CKernelsReference.h"

#include <math.h>
#include <string.h>

void ck_widen_f16_reference(float *y, const uint16_t *x, size_t count) {
    for (size_t i = 0; i < count; i++) {
        const int exponent = x[i] >> 10 & 31, mantissa = x[i] & 1023;
        const float sign = x[i] & 0x8000 ? -1.0f : 1.0f;
        if (exponent == 31) y[i] = mantissa ? NAN : sign * INFINITY;
        else if (exponent == 0) y[i] = sign * ldexpf((float)mantissa, -24);
        else y[i] = sign * ldexpf((float)(1024 + mantissa), exponent - 25);
    }
}

void ck_widen_bf16_reference(float *y, const uint16_t *x, size_t count) {
    for (size_t i = 0; i < count; i++) {
        const uint32_t bits = (uint32_t)x[i] << 16;
        memcpy(y + i, &bits, 4);
    }
}

void ck_add_reference(float *y, const float *a, const float *b, size_t count) {
    for (size_t i = 0; i < count; i++) y[i] = a[i] + b[i];
}

void ck_scale_reference(float *y, const float *x, float a, size_t count) {
    for (size_t i = 0; i < count; i++) y[i] = a * x[i];
}

void ck_add_row_reference(float *y, const float *x, const float *b, size_t rows, size_t width) {
    for (size_t r = 0; r < rows; r++)
        for (size_t c = 0; c < width; c++) y[r * width + c] = x[r * width + c] + b[c];
}

static double sigmoid(double x) { return 1 / (1 + exp(-x)); }

static double normal_distribution(double x) { return 0.5 * erfc(-x * sqrt(0.5)); }

static double normal_density(double x) { return exp(-0.5 * x * x) / sqrt(2 * 3.14159265358979323846); }

void ck_silu_reference(float *y, const float *x, size_t count) {
    for (size_t i = 0; i < count; i++) y[i] = (float)(x[i] * sigmoid(x[i]));
}

void ck_silu_backward_reference(float *dx, const float *dy, const float *x, size_t count) {
    for (size_t i = 0; i < count; i++) {
        const double s = sigmoid(x[i]);
        dx[i] = (float)(dy[i] * s * (1 + x[i] * (1 - s)));
    }
}

void ck_gelu_reference(float *y, const float *x, size_t count) {
    for (size_t i = 0; i < count; i++) y[i] = (float)(x[i] * normal_distribution(x[i]));
}

void ck_quick_gelu_reference(float *y, const float *x, size_t count) {
    for (size_t i = 0; i < count; i++) y[i] = (float)(x[i] * sigmoid(1.702 * x[i]));
}

void ck_relu_reference(float *y, const float *x, size_t count) {
    for (size_t i = 0; i < count; i++) y[i] = x[i] < 0 ? 0 : x[i];
}

void ck_sigmoid_reference(float *y, const float *x, size_t count) {
    for (size_t i = 0; i < count; i++) y[i] = (float)sigmoid(x[i]);
}

void ck_geglu_reference(float *y, const float *x, size_t rows, size_t width) {
    for (size_t r = 0; r < rows; r++)
        for (size_t c = 0; c < width; c++) {
            const double value = x[r * 2 * width + c], gate = x[r * 2 * width + width + c];
            y[r * width + c] = (float)(value * gate * normal_distribution(gate));
        }
}

void ck_geglu_backward_reference(float *dx, const float *dy, const float *x, size_t rows, size_t width) {
    for (size_t r = 0; r < rows; r++)
        for (size_t c = 0; c < width; c++) {
            const double value = x[r * 2 * width + c], gate = x[r * 2 * width + width + c], d = dy[r * width + c];
            dx[r * 2 * width + c] = (float)(d * gate * normal_distribution(gate));
            dx[r * 2 * width + width + c] = (float)(d * value * (normal_distribution(gate) + gate * normal_density(gate)));
        }
}
