// The weights of Winograd's filtering, G g Gᵀ, in the order in which winograd.h multiplies by them. They are made again for
// every convolution, so this walks the file's weight once, in its own type, and writes each vector where it stays. Lanes are
// the channels of a panel; the sums are double, so that only the last rounding counts.

typedef double vd __attribute__((ext_vector_type(VL)));

/// G v for the three values of a line. The row of a point p is (1, p, p²) over the product of its distances to the others.
INLINE void winograd_line_weights(const int T, vd y[6], const vd v[3]) {
    const vd v0 = v[0], v1 = v[1], v2 = v[2];
    y[0] = v0, y[T + 1] = v2;
    if (T == 2) {
        const vd ends = 0.5 * (v0 + v2), middle = 0.5 * v1;
        y[1] = ends + middle, y[2] = ends - middle;
        return;
    }
    const double a = CK_WINOGRAD_POINT, square = a * a, near = -1 / (6 * square * square), far = 1 / (24 * square * square);
    y[0] = v0 * (1 / (4 * square * square));
    const vd near_ends = near * (v0 + square * v2), near_middle = (near * a) * v1;
    const vd far_ends = far * (v0 + (4 * square) * v2), far_middle = (2 * far * a) * v1;
    y[1] = near_ends + near_middle, y[2] = near_ends - near_middle;
    y[3] = far_ends + far_middle, y[4] = far_ends - far_middle;
}

/// One vector of channels: the N² positions, `position` floats apart, of the kernels whose nine taps lie LANES apart.
INLINE void winograd_weight(const int T, float *y, size_t position, const float *taps, size_t count, int turned) {
    const int N = T + 2;
    vd lines[6][3], column[6], row[6], v[3];
#pragma clang loop unroll(full)
    for (int j = 0; j < 3; j++) {
#pragma clang loop unroll(full)
        for (int i = 0; i < 3; i++) {
            const int tap = 3 * i + j;
            v[i] = __builtin_convertvector(load(taps + (turned ? 8 - tap : tap) * LANES), vd);
        }
        winograd_line_weights(T, column, v);
#pragma clang loop unroll(full)
        for (int i = 0; i < N; i++) lines[i][j] = column[i];
    }
#pragma clang loop unroll(full)
    for (int i = 0; i < N; i++) {
        winograd_line_weights(T, row, lines[i]);
#pragma clang loop unroll(full)
        for (int j = 0; j < N; j++) store_up_to(y + (size_t)(N * i + j) * position, __builtin_convertvector(row[j], vf), count);
    }
}

enum { DEPTHS_AT_ONCE = 8, TAPS_AT_ONCE = 9 * DEPTHS_AT_ONCE };

/// The taps of a panel's channels for `count` of its depths, into `taps`, [9·count, LANES]. `rows` is room for as many.
INLINE void winograd_taps(float *taps, float *rows, const void *weight, ck_element type, size_t in, size_t start, size_t width,
                          size_t depth, size_t count, int turned) {
    if (!turned) {
        for (size_t l = 0; l < width; l++)
            widen_weights(rows + l * TAPS_AT_ONCE, weight, type, ((start + l) * in + depth) * 9, 9 * count);
        for (size_t l = 0; l < width; l += VL)
            transpose_into_lanes(taps + l, LANES, rows + l * TAPS_AT_ONCE, TAPS_AT_ONCE, smaller(width - l, VL), 9 * count, 1.0f);
        return;
    }
    for (size_t d = 0; d < count; d++, taps += 9 * LANES) {
        widen_weights(rows, weight, type, ((depth + d) * in + start) * 9, 9 * width);
        for (size_t l = 0; l < width; l += VL)
            transpose_into_lanes(taps + l, LANES, rows + 9 * l, 9, smaller(width - l, VL), 9, 1.0f);
    }
}

INLINE void winograd_panels(const int T, float *packed, const void *weight, ck_element type, size_t out, size_t in, int turned,
                            size_t begin, size_t end) {
    const size_t N = (size_t)T + 2, depth = turned ? out : in, channels = turned ? in : out;
    float rows[LANES * TAPS_AT_ONCE], taps[LANES * TAPS_AT_ONCE];
    // Positions of the panel lie a multiple of pages apart: they are written in runs, not a vector each in turn.
    enum { RUN = LANES * DEPTHS_AT_ONCE };
    float runs[36 * RUN];
    for (size_t panel = begin; panel < end; panel++) {
        const size_t start = panel * LANES, width = smaller(channels - start, LANES);
        float *target = packed + N * N * start * depth;
        for (size_t d = 0, count; d < depth; d += count) {
            count = smaller(depth - d, DEPTHS_AT_ONCE);
            winograd_taps(taps, rows, weight, type, in, start, width, d, count, turned);
            for (size_t i = 0; i < count; i++)
                for (size_t l = 0; l < width; l += VL)
                    winograd_weight(T, runs + i * width + l, RUN, taps + 9 * i * LANES + l, width - l, turned);
            for (size_t p = 0; p < N * N; p++) memcpy(target + (p * depth + d) * width, runs + p * RUN, count * width * sizeof(float));
        }
    }
}

static void winograd_pack(float *packed, const void *weight, ck_element type, size_t out, size_t in, size_t tile, int turned,
                          size_t begin, size_t end) {
    if (tile == 2) winograd_panels(2, packed, weight, type, out, in, turned, begin, end);
    else winograd_panels(4, packed, weight, type, out, in, turned, begin, end);
}
