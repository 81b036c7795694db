// Convolution: the chosen instruction set's kernel, the order of the weights, and the scratch memory.

#include "KernelTable.h"

void ck_conv2d(float *y, const float *x, const float *packed, const float *bias, const ck_conv_shape *shape, size_t begin,
               size_t end, size_t first, size_t last, float *scratch) {
    ck_kernels()->conv2d(y, x, packed, bias, shape, begin, end, first, last, scratch);
}

size_t ck_conv2d_panels(const ck_conv_shape *shape) {
    const size_t lanes = ck_kernels()->lanes;
    return (shape->out_channels + lanes - 1) / lanes;
}

void ck_depthwise(float *y, const float *x, const float *weight, const float *bias, const ck_conv_shape *shape, size_t begin,
                  size_t end) {
    ck_kernels()->depthwise(y, x, weight, bias, shape, begin, end);
}

size_t ck_conv2d_scratch(const ck_conv_shape *s) {
    return 16 + s->kernel_height * s->kernel_width * s->in_channels * CK_LANES + CK_CONV_COPIES * CK_MAX_ROWS * s->in_channels;
}

/// Panels of as many output channels as a register tile has lanes, one after the other, each [taps, depth, channels of the panel].
/// weight(tap, d, c) is read at weight[d·depth_stride + c·channel_stride + tap], or the last tap first if `turned`.
static void pack(float *packed, const float *weight, size_t taps, size_t depth, size_t channels, size_t depth_stride,
                 size_t channel_stride, int turned) {
    const size_t lanes = ck_kernels()->lanes;
    for (size_t start = 0; start < channels; start += lanes) {
        const size_t width = channels - start < lanes ? channels - start : lanes;
        for (size_t d = 0; d < depth; d++)
            for (size_t tap = 0; tap < taps; tap++) {
                const float *source = weight + d * depth_stride + start * channel_stride + (turned ? taps - 1 - tap : tap);
                float *target = packed + start * taps * depth + (tap * depth + d) * width;
                for (size_t c = 0; c < width; c++) target[c] = source[c * channel_stride];
            }
    }
}

void ck_conv2d_pack(float *packed, const float *weight, size_t out, size_t in, size_t kh, size_t kw) {
    pack(packed, weight, kh * kw, in, out, kh * kw, in * kh * kw, 0);
}

void ck_conv2d_pack_backward(float *packed, const float *weight, size_t out, size_t in, size_t kh, size_t kw) {
    pack(packed, weight, kh * kw, out, in, in * kh * kw, kh * kw, 1);
}
