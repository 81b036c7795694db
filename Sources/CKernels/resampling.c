// Nearest-neighbour resampling and pooling: copying, adding and comparing pixels, the same for every instruction set.
// Bilinear: the chosen instruction set's kernel.

#include "KernelTable.h"

#include <math.h>
#include <string.h>

/// The input index that output index `i` shows, by PyTorch's rule (UpSample.h, nearest_neighbor_compute_source_index):
/// exact for equal and doubled sizes, else ⌊i · (in / out)⌋ in float32.
static size_t source_index(size_t i, size_t in, size_t out) {
    if (out == in) return i;
    if (out == 2 * in) return i / 2;
    const size_t index = (size_t)floorf((float)i * ((float)in / (float)out));
    return index < in - 1 ? index : in - 1;
}

/// The first output index that shows input `index` or a later one; `out` if none does.
static size_t first_showing(size_t index, size_t in, size_t out) {
    size_t i = index * out / in;
    while (i > 0 && source_index(i - 1, in, out) >= index) i--;
    while (i < out && source_index(i, in, out) < index) i++;
    return i;
}

/// The elements are copied as they are, `size` bytes each.
static void upsample(char *y, const char *x, size_t in_height, size_t in_width, size_t out_height, size_t out_width,
                     size_t channels, size_t begin, size_t end, size_t size) {
    const size_t pixel = channels * size;
    for (size_t row = begin; row < end; row++) {
        const char *source = x + source_index(row, in_height, out_height) * in_width * pixel;
        char *target = y + row * out_width * pixel;
        for (size_t column = 0; column < out_width; column++)
            memcpy(target + column * pixel, source + source_index(column, in_width, out_width) * pixel, pixel);
    }
}

void ck_upsample_nearest(float *y, const float *x, size_t in_height, size_t in_width, size_t out_height, size_t out_width,
                         size_t channels, size_t begin, size_t end) {
    upsample((char *)y, (const char *)x, in_height, in_width, out_height, out_width, channels, begin, end, sizeof *y);
}

void ck_upsample_nearest_bf16(uint16_t *y, const uint16_t *x, size_t in_height, size_t in_width, size_t out_height,
                              size_t out_width, size_t channels, size_t begin, size_t end) {
    upsample((char *)y, (const char *)x, in_height, in_width, out_height, out_width, channels, begin, end, sizeof *y);
}

/// Each pixel of the input gets the sum of the pixels it was copied to.
#define UPSAMPLE_NEAREST_BACKWARD(name, E, sum)                                                                        \
    void name(E *dx, const E *dy, size_t in_height, size_t in_width, size_t out_height, size_t out_width,              \
              size_t channels, size_t begin, size_t end) {                                                             \
        const struct ck_table *kernels = ck_kernels();                                                                 \
        for (size_t row = begin; row < end; row++) {                                                                   \
            const size_t top = first_showing(row, in_height, out_height);                                              \
            const size_t bottom = first_showing(row + 1, in_height, out_height);                                       \
            for (size_t column = 0; column < in_width; column++) {                                                     \
                const size_t left = first_showing(column, in_width, out_width);                                        \
                const size_t right = first_showing(column + 1, in_width, out_width);                                   \
                kernels->sum(dx + (row * in_width + column) * channels, dy + (top * out_width + left) * channels,      \
                             bottom - top, right - left, out_width, channels);                                         \
            }                                                                                                          \
        }                                                                                                              \
    }

UPSAMPLE_NEAREST_BACKWARD(ck_upsample_nearest_backward, float, sum_pixels)
UPSAMPLE_NEAREST_BACKWARD(ck_upsample_nearest_backward_bf16, uint16_t, sum_pixels_bf16)

void ck_resize_bilinear(float *y, const float *x, size_t in_height, size_t in_width, size_t out_height, size_t out_width,
                        size_t channels, size_t begin, size_t end, float *scratch) {
    ck_kernels()->resize_bilinear(y, x, in_height, in_width, out_height, out_width, channels, begin, end, scratch);
}

size_t ck_resize_bilinear_scratch(size_t in_width, size_t out_width, size_t channels) {
    return 16 + ck_rounded_up(in_width * channels, 16) + 2 * out_width;
}

void ck_max_pool(float *y, const float *x, size_t height, size_t width, size_t channels, size_t begin, size_t end) {
    const size_t out_width = (width + 1) / 2;
    for (size_t row = begin; row < end; row++) {
        const float *upper = x + 2 * row * width * channels;
        const float *lower = 2 * row + 1 < height ? upper + width * channels : upper;
        float *target = y + row * out_width * channels;
        for (size_t column = 0; column < out_width; column++, target += channels) {
            const size_t left = 2 * column * channels, right = 2 * column + 1 < width ? left + channels : left;
            for (size_t i = 0; i < channels; i++) {
                const float a = upper[left + i], b = upper[right + i], c = lower[left + i], d = lower[right + i];
                // NaN stays NaN.
                const float top = a > b || a != a ? a : b, bottom = c > d || c != c ? c : d;
                target[i] = top > bottom || top != top ? top : bottom;
            }
        }
    }
}
