// Convolution by Winograd's minimal filtering: the chosen instruction set's kernels, and how the work is cut.

#include "KernelTable.h"

void ck_winograd(float *y, const float *x, const float *packed, const float *bias, const ck_conv_shape *shape, size_t tile,
                 size_t begin, size_t end, float *scratch) {
    const struct ck_table *kernels = ck_kernels();
    (tile == 4 ? kernels->winograd4 : kernels->winograd2)(y, x, packed, bias, shape, begin, end, scratch);
}

size_t ck_winograd_tiles(const ck_conv_shape *s, size_t tile) {
    return s->batch * ((s->out_height + tile - 1) / tile) * ((s->out_width + tile - 1) / tile);
}

size_t ck_winograd_least_tiles(const ck_conv_shape *s, size_t tile) { return ck_winograd_block(s, tile); }

size_t ck_winograd_scratch(const ck_conv_shape *s, size_t tile) {
    const size_t positions = (tile + 2) * (tile + 2), most = ck_winograd_block(s, tile);
    const size_t transformed = most * ck_winograd_pitch(s->in_channels) + 16;
    const size_t products = most * ck_winograd_pitch(s->out_channels) + 16;
    return 16 + positions * (transformed + products) + s->in_channels * (CK_LANES + positions);
}

size_t ck_winograd_panels(size_t channels) { return (channels + ck_kernels()->lanes - 1) / ck_kernels()->lanes; }

void ck_winograd_pack(float *packed, const void *weight, ck_element type, size_t out, size_t in, size_t tile, int turned,
                      size_t begin, size_t end) {
    ck_kernels()->winograd_pack(packed, weight, type, out, in, tile, turned, begin, end);
}
