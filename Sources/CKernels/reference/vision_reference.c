// What only the encoders of pictures need, plainly: attention with a bias, relative positions, depthwise convolution,
// bilinear resampling.

#include "CKernelsReference.h"

#include <math.h>

static double biased_score(const float *q, const float *k, const ck_attention_bias *bias, size_t i, size_t j, size_t head_size,
                           double scale) {
    double sum = 0;
    for (size_t d = 0; d < head_size; d++) sum += (double)q[d] * k[d];
    sum = sum * scale + bias->rows[j / bias->width * bias->pitch + i];
    return bias->columns ? sum + bias->columns[j % bias->width * bias->pitch + i] : sum;
}

void ck_attention_biased_reference(float *o, float *lse, const float *q, const float *k, const float *v,
                                   const ck_attention_bias *bias, size_t queries, size_t keys, size_t head_size,
                                   size_t q_stride, size_t k_stride, size_t v_stride, size_t o_stride, float scale) {
    for (size_t i = 0; i < queries; i++, q += q_stride, o += o_stride) {
        double maximum = -INFINITY, sum = 0;
        for (size_t j = 0; j < keys; j++) maximum = fmax(maximum, biased_score(q, k + j * k_stride, bias, i, j, head_size, scale));
        for (size_t j = 0; j < keys; j++) sum += exp(biased_score(q, k + j * k_stride, bias, i, j, head_size, scale) - maximum);
        lse[i] = (float)((maximum + log(sum)) * M_LOG2E);
        for (size_t d = 0; d < head_size; d++) {
            double value = 0;
            for (size_t j = 0; j < keys; j++)
                value += exp(biased_score(q, k + j * k_stride, bias, i, j, head_size, scale) - maximum) * v[j * v_stride + d];
            o[d] = (float)(value / sum);
        }
    }
}

void ck_relative_terms_reference(float *rows, float *columns, const float *q, const float *row_table,
                                 const float *column_table, size_t height, size_t width, size_t head_size, size_t q_stride) {
    for (size_t i = 0; i < height * width; i++) {
        for (size_t k = 0; k < height + width; k++) {
            const int is_row = k < height;
            const float *entry = is_row ? row_table + (height - 1 - i / width + k) * head_size
                                        : column_table + (width - 1 - i % width + k - height) * head_size;
            double sum = 0;
            for (size_t d = 0; d < head_size; d++) sum += (double)q[i * q_stride + d] * entry[d];
            *((is_row ? rows + k * height * width : columns + (k - height) * height * width) + i) = (float)sum;
        }
    }
}

void ck_depthwise_reference(float *y, const float *x, const float *weight, const float *bias, const ck_conv_shape *s) {
    for (size_t image = 0; image < s->batch; image++, x += s->in_height * s->in_width * s->in_channels)
        for (size_t row = 0; row < s->out_height; row++)
            for (size_t column = 0; column < s->out_width; column++)
                for (size_t c = 0; c < s->in_channels; c++) {
                    double sum = bias ? bias[c] : 0;
                    for (size_t tap = 0; tap < s->kernel_height * s->kernel_width; tap++) {
                        const ptrdiff_t i = (ptrdiff_t)(row * s->stride + tap / s->kernel_width) - s->pad_top;
                        const ptrdiff_t j = (ptrdiff_t)(column * s->stride + tap % s->kernel_width) - s->pad_left;
                        if (i < 0 || j < 0 || i >= (ptrdiff_t)s->in_height || j >= (ptrdiff_t)s->in_width) continue;
                        sum += (double)weight[tap * s->in_channels + c] *
                               x[((size_t)i * s->in_width + (size_t)j) * s->in_channels + c];
                    }
                    *y++ = (float)sum;
                }
}

/// Where output `i` lies in the input: an index, and how much of the next one is in it.
static size_t bilinear_source(size_t i, size_t in, size_t out, double *part) {
    float place = ((float)in / (float)out) * ((float)i + 0.5f) - 0.5f;
    if (place < 0) place = 0;
    size_t index = (size_t)place;
    if (index > in - 1) index = in - 1;
    *part = fmin(1, (double)place - (double)index);
    return index;
}

void ck_resize_bilinear_reference(float *y, const float *x, size_t in_height, size_t in_width, size_t out_height,
                                  size_t out_width, size_t channels) {
    for (size_t row = 0; row < out_height; row++)
        for (size_t column = 0; column < out_width; column++)
            for (size_t c = 0; c < channels; c++) {
                double v, u;
                const size_t i = bilinear_source(row, in_height, out_height, &v), j = bilinear_source(column, in_width, out_width, &u);
                const size_t below = i + 1 < in_height ? i + 1 : i, right = j + 1 < in_width ? j + 1 : j;
                const double top = x[(i * in_width + j) * channels + c] * (1 - u) + x[(i * in_width + right) * channels + c] * u;
                const double bottom =
                    x[(below * in_width + j) * channels + c] * (1 - u) + x[(below * in_width + right) * channels + c] * u;
                *y++ = (float)(top * (1 - v) + bottom * v);
            }
}
