// Convolution and nearest-neighbour resampling, plainly.

#include "CKernelsReference.h"

#include <math.h>
#include <string.h>

/// The element of the zero-stuffed, padded input at (row, column), which may lie outside.
static double stuffed(const float *x, const ck_conv_shape *s, ptrdiff_t row, ptrdiff_t column, size_t channel) {
    const ptrdiff_t step = (ptrdiff_t)s->in_step;
    if (row < 0 || column < 0 || row % step != 0 || column % step != 0) return 0;
    if (row / step >= (ptrdiff_t)s->in_height || column / step >= (ptrdiff_t)s->in_width) return 0;
    return x[((size_t)(row / step) * s->in_width + (size_t)(column / step)) * s->in_channels + channel];
}

void ck_conv2d_reference(float *y, const float *x, const float *weight, const float *bias, const ck_conv_shape *s,
                         int backward) {
    const size_t taps = s->kernel_height * s->kernel_width;
    for (size_t image = 0; image < s->batch; image++, x += s->in_height * s->in_width * s->in_channels)
        for (size_t row = 0; row < s->out_height; row++)
            for (size_t column = 0; column < s->out_width; column++)
                for (size_t out = 0; out < s->out_channels; out++) {
                    double sum = bias ? bias[out] : 0;
                    for (size_t tap = 0; tap < taps; tap++)
                        for (size_t in = 0; in < s->in_channels; in++) {
                            const float w = backward ? weight[(in * s->out_channels + out) * taps + taps - 1 - tap]
                                                     : weight[(out * s->in_channels + in) * taps + tap];
                            sum += w * stuffed(x, s, (ptrdiff_t)(row * s->stride + tap / s->kernel_width) - s->pad_top,
                                               (ptrdiff_t)(column * s->stride + tap % s->kernel_width) - s->pad_left, in);
                        }
                    *y++ = (float)sum;
                }
}

/// PyTorch's source index (see resampling.c).
static size_t source(size_t i, size_t in, size_t out) {
    if (in == out) return i;
    if (out == 2 * in) return i / 2;
    const size_t index = (size_t)floorf((float)i * ((float)in / (float)out));
    return index >= in ? in - 1 : index;
}

void ck_upsample_nearest_reference(float *y, const float *x, size_t in_height, size_t in_width, size_t out_height,
                                   size_t out_width, size_t channels) {
    for (size_t row = 0; row < out_height; row++)
        for (size_t column = 0; column < out_width; column++)
            for (size_t c = 0; c < channels; c++)
                *y++ = x[(source(row, in_height, out_height) * in_width + source(column, in_width, out_width)) * channels + c];
}

void ck_upsample_nearest_backward_reference(float *dx, const float *dy, size_t in_height, size_t in_width, size_t out_height,
                                            size_t out_width, size_t channels) {
    memset(dx, 0, in_height * in_width * channels * sizeof(float));
    for (size_t row = 0; row < out_height; row++)
        for (size_t column = 0; column < out_width; column++)
            for (size_t c = 0; c < channels; c++)
                dx[(source(row, in_height, out_height) * in_width + source(column, in_width, out_width)) * channels + c] += *dy++;
}

void ck_max_pool_reference(float *y, const float *x, size_t height, size_t width, size_t channels) {
    const size_t out_height = (height + 1) / 2, out_width = (width + 1) / 2;
    for (size_t i = 0; i < out_height * out_width * channels; i++) y[i] = -INFINITY;
    for (size_t i = 0; i < height; i++)
        for (size_t j = 0; j < width; j++)
            for (size_t c = 0; c < channels; c++) {
                float *largest = y + (i / 2 * out_width + j / 2) * channels + c, here = x[(i * width + j) * channels + c];
                *largest = isnan(here) || isnan(*largest) ? NAN : fmaxf(*largest, here);
            }
}
