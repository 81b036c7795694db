// Convolution by Winograd's minimal filtering: the chosen instruction set's kernel, the transformed weights, and how the
// work is cut.

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

/// G·v for the three values v: a row of G g, or of (G g)·Gᵀ.
static void filter(double y[6], size_t tile, double v0, double v1, double v2) {
    if (tile == 2) {
        y[0] = v0, y[1] = 0.5 * (v0 + v1 + v2), y[2] = 0.5 * (v0 - v1 + v2), y[3] = v2;
        return;
    }
    // The row of a point p is (1, p, p²) over the product of its distances to the other points.
    const double a = CK_WINOGRAD_POINT, square = a * a;
    y[0] = v0 / (4 * square * square);
    for (int i = 0; i < 2; i++) {
        const double p = i == 0 ? a : 2 * a, scale = i == 0 ? -6 * square * square : 24 * square * square;
        y[1 + 2 * i] = (v0 + p * v1 + p * p * v2) / scale;
        y[2 + 2 * i] = (v0 - p * v1 + p * p * v2) / scale;
    }
    y[5] = v2;
}

/// Panels of up to CK_LANES output channels, one after the other, each [positions, depth, channels of the panel].
/// The 3×3 kernel g(d, c) is read at weight[d·depth_stride + c·channel_stride], its last tap first if `turned`.
static void pack(float *packed, const float *weight, size_t tile, size_t depth, size_t channels, size_t depth_stride,
                 size_t channel_stride, int turned) {
    const size_t n = tile + 2;
    for (size_t start = 0; start < channels; start += CK_LANES) {
        const size_t width = channels - start < CK_LANES ? channels - start : CK_LANES;
        for (size_t d = 0; d < depth; d++)
            for (size_t c = 0; c < width; c++) {
                const float *g = weight + d * depth_stride + (start + c) * channel_stride + (turned ? 8 : 0);
                const ptrdiff_t next = turned ? -1 : 1;
                double columns[3][6], row[6];
                for (ptrdiff_t j = 0; j < 3; j++) filter(columns[j], tile, g[next * j], g[next * (3 + j)], g[next * (6 + j)]);
                for (size_t i = 0; i < n; i++) {
                    filter(row, tile, columns[0][i], columns[1][i], columns[2][i]);
                    for (size_t j = 0; j < n; j++)
                        packed[n * n * start * depth + ((n * i + j) * depth + d) * width + c] = (float)row[j];
                }
            }
    }
}

void ck_winograd_pack(float *packed, const float *weight, size_t out, size_t in, size_t tile) {
    pack(packed, weight, tile, in, out, 9, in * 9, 0);
}

void ck_winograd_pack_backward(float *packed, const float *weight, size_t out, size_t in, size_t tile) {
    pack(packed, weight, tile, out, in, in * 9, 9, 1);
}
