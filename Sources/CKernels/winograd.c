// Convolution by Winograd's minimal filtering: the chosen instruction set's kernel, the transformed weights, and how the
// work is cut.

#include "KernelTable.h"

void ck_winograd(float *y, const float *x, const float *packed, const float *bias, const ck_conv_shape *shape, size_t begin,
                 size_t end, float *scratch) {
    ck_kernels()->winograd(y, x, packed, bias, shape, begin, end, scratch);
}

size_t ck_winograd_tiles(const ck_conv_shape *s) {
    return s->batch * ((s->out_height + 1) / 2) * ((s->out_width + 1) / 2);
}

size_t ck_winograd_least_tiles(const ck_conv_shape *s) { return ck_winograd_tiles_per_block(s->in_channels); }

size_t ck_winograd_scratch(const ck_conv_shape *s) {
    const size_t tiles = ck_winograd_tiles_per_block(s->in_channels);
    const size_t transformed = 16 * (tiles * ck_winograd_pitch(s->in_channels) + 16), products = 16 * (tiles * CK_LANES + 16);
    return 16 + transformed + products + s->in_channels * (CK_LANES + 16);
}

/// G·v for the three values v: row `i` of G g, or of (G g)·Gᵀ.
static void filter(double y[4], double v0, double v1, double v2) {
    y[0] = v0;
    y[1] = 0.5 * (v0 + v1 + v2);
    y[2] = 0.5 * (v0 - v1 + v2);
    y[3] = v2;
}

/// Panels of up to CK_LANES output channels, one after the other, each [16 positions, depth, channels of the panel].
/// The 3×3 kernel g(d, c) is read at weight[d·depth_stride + c·channel_stride], its last tap first if `turned`.
static void pack(float *packed, const float *weight, size_t depth, size_t channels, size_t depth_stride, size_t channel_stride,
                 int turned) {
    for (size_t start = 0; start < channels; start += CK_LANES) {
        const size_t width = channels - start < CK_LANES ? channels - start : CK_LANES;
        for (size_t d = 0; d < depth; d++)
            for (size_t c = 0; c < width; c++) {
                const float *g = weight + d * depth_stride + (start + c) * channel_stride + (turned ? 8 : 0);
                const ptrdiff_t next = turned ? -1 : 1;
                double columns[3][4], row[4];
                for (ptrdiff_t j = 0; j < 3; j++) filter(columns[j], g[next * j], g[next * (3 + j)], g[next * (6 + j)]);
                for (size_t i = 0; i < 4; i++) {
                    filter(row, columns[0][i], columns[1][i], columns[2][i]);
                    for (size_t j = 0; j < 4; j++)
                        packed[16 * start * depth + ((4 * i + j) * depth + d) * width + c] = (float)row[j];
                }
            }
    }
}

void ck_winograd_pack(float *packed, const float *weight, size_t out, size_t in) { pack(packed, weight, in, out, 9, in * 9, 0); }

void ck_winograd_pack_backward(float *packed, const float *weight, size_t out, size_t in) {
    pack(packed, weight, out, in, in * 9, 9, 1);
}
