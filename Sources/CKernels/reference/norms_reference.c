// Norms, plainly.

#include "CKernelsReference.h"

#include <math.h>

void ck_layer_norm_reference(float *y, float *mean, float *rstd, const float *x, const float *scale, const float *shift,
                             size_t rows, size_t width, float epsilon) {
    for (size_t r = 0; r < rows; r++, x += width, y += width) {
        double m = 0, variance = 0;
        for (size_t c = 0; c < width; c++) m += x[c];
        m /= (double)width;
        for (size_t c = 0; c < width; c++) variance += (x[c] - m) * (x[c] - m);
        const double s = 1 / sqrt(variance / (double)width + epsilon);
        for (size_t c = 0; c < width; c++) y[c] = (float)((x[c] - m) * s * scale[c] + shift[c]);
        mean[r] = (float)m;
        rstd[r] = (float)s;
    }
}

void ck_layer_norm_backward_reference(float *dx, const float *dy, const float *x, const float *scale, const float *mean,
                                      const float *rstd, size_t rows, size_t width) {
    for (size_t r = 0; r < rows; r++, x += width, dy += width, dx += width) {
        double g_mean = 0, product_mean = 0;
        for (size_t c = 0; c < width; c++) {
            const double g = (double)dy[c] * scale[c];
            g_mean += g / (double)width;
            product_mean += g * (x[c] - (double)mean[r]) * rstd[r] / (double)width;
        }
        for (size_t c = 0; c < width; c++) {
            const double normal = (x[c] - (double)mean[r]) * rstd[r];
            dx[c] = (float)(rstd[r] * ((double)dy[c] * scale[c] - g_mean - normal * product_mean));
        }
    }
}

void ck_channel_sums_reference(double *sum, double *squares, const float *x, size_t rows, size_t channels) {
    for (size_t r = 0; r < rows; r++)
        for (size_t c = 0; c < channels; c++) {
            const double value = x[r * channels + c];
            sum[c] += value;
            squares[c] += value * value;
        }
}

static double activated(double z, int silu) { return silu ? z / (1 + exp(-z)) : z; }

static double slope(double z, int silu) {
    const double s = 1 / (1 + exp(-z));
    return silu ? s * (1 + z * (1 - s)) : 1;
}

void ck_channel_affine_reference(float *y, const float *x, const float *a, const float *b, size_t rows, size_t channels,
                                 int silu) {
    for (size_t r = 0; r < rows; r++)
        for (size_t c = 0; c < channels; c++)
            y[r * channels + c] = (float)activated((double)x[r * channels + c] * a[c] + b[c], silu);
}

void ck_group_norm_backward_sums_reference(double *sum, double *products, const float *dy, const float *x, const float *a,
                                           const float *b, size_t rows, size_t channels, int silu) {
    for (size_t r = 0; r < rows; r++)
        for (size_t c = 0; c < channels; c++) {
            const double value = x[r * channels + c], g = dy[r * channels + c] * slope(value * a[c] + b[c], silu);
            sum[c] += g;
            products[c] += g * value;
        }
}

void ck_group_norm_backward_apply_reference(float *dx, const float *dy, const float *x, const float *a, const float *b,
                                            const float *p, const float *q, size_t rows, size_t channels, int silu) {
    for (size_t r = 0; r < rows; r++)
        for (size_t c = 0; c < channels; c++) {
            const double value = x[r * channels + c], g = dy[r * channels + c] * slope(value * a[c] + b[c], silu);
            dx[r * channels + c] = (float)(g * a[c] + value * p[c] + q[c]);
        }
}
