// Winograd's minimal filtering F(T×T, 3×3) for T = 2 and 4: an output tile of T×T pixels from an input tile of N×N,
// N = T + 2, by N² multiplications per pair of channels where the plain sum takes 9·T² (Lavin and Gray 2015, section 4):
//
//     Y = Aᵀ[(G g Gᵀ) ⊙ (Bᵀ d B)]A
//
// The matrices are those of Toom and Cook for the points 0, ±1, ∞ (T = 2) and 0, ±a, ±2a, ∞ (T = 4), a = 181/256. With
// a ≈ 1/√2 rather than the usual 1 the powers of the points stay near 1, and rounding errors are half as large: about
// three times those of the plain sum (Barabasz et al., Error analysis and improving the accuracy of Winograd convolution
// for deep neural networks, 2020, on the choice of points).
//
//     T = 2:  Bᵀ = | 1  0 −1  0 |   Aᵀ = | 1  1  1  0 |    T = 4, row of the point p of ±a, ±2a, q² the other square:
//                  | 0  1  1  0 |        | 0  1 −1 −1 |       Bᵀ:  0  −pq²  −q²  p  1  0     Aᵀ column: 1  p  p²  p³
//                  | 0 −1  1  0 |
//                  | 0  1  0 −1 |
//
// A block of tiles is transformed at once. Each of the N² positions is then a matrix product [tiles, in]·[in, out] in the
// register tiles of convolution.h, for which its tiles and one panel of its weights stay in the core's cache. Lanes are
// channels in both transforms.

/// Bᵀ d for the N values of a line. T is a constant after inlining, here and below.
INLINE void winograd_line_in(const int T, vf u[6], const vf d[6]) {
    if (T == 2) {
        u[0] = d[0] - d[2], u[1] = d[1] + d[2], u[2] = d[2] - d[1], u[3] = d[1] - d[3];
        return;
    }
    const float a = CK_WINOGRAD_POINT, near = a * a, far = 4 * near;
    const vf far_even = d[4] - far * d[2], far_odd = a * (d[3] - far * d[1]);
    const vf near_even = d[4] - near * d[2], near_odd = 2 * a * (d[3] - near * d[1]);
    u[0] = (near * far) * d[0] - (near + far) * d[2] + d[4];
    u[1] = far_even + far_odd, u[2] = far_even - far_odd;
    u[3] = near_even + near_odd, u[4] = near_even - near_odd;
    u[5] = (near * far) * d[1] - (near + far) * d[3] + d[5];
}

/// Aᵀ m for the N values of a line.
INLINE void winograd_line_out(const int T, vf y[4], const vf m[6]) {
    if (T == 2) {
        y[0] = m[0] + m[1] + m[2], y[1] = m[1] - m[2] - m[3];
        return;
    }
    const float a = CK_WINOGRAD_POINT, square = a * a;
    const vf near_sum = m[1] + m[2], near_difference = m[1] - m[2], far_sum = m[3] + m[4], far_difference = m[3] - m[4];
    y[0] = m[0] + near_sum + far_sum;
    y[1] = a * near_difference + 2 * a * far_difference;
    y[2] = square * near_sum + 4 * square * far_sum;
    y[3] = m[5] + a * square * near_difference + 8 * a * square * far_difference;
}

/// u[position, channels] = Bᵀ d B, for the N×N pixels d from `x` on, `row` and `column` floats apart; positions of `u`
/// are `position` floats apart. Writes whole vectors: `u` has room for a multiple of VL channels.
INLINE void winograd_input(const int T, float *u, size_t position, const float *x, size_t row, size_t column, size_t channels) {
    const int N = T + 2;
    for (size_t c = 0; c < channels; c += VL, u += VL, x += VL) {
        const size_t count = smaller(channels - c, VL);
        vf t[6][6], d[6], line[6];
#pragma clang loop unroll(full)
        for (int j = 0; j < N; j++) {
#pragma clang loop unroll(full)
            for (int i = 0; i < N; i++) d[i] = load_up_to(x + (size_t)i * row + (size_t)j * column, count);
            winograd_line_in(T, line, d);
#pragma clang loop unroll(full)
            for (int i = 0; i < N; i++) t[i][j] = line[i];
        }
#pragma clang loop unroll(full)
        for (int i = 0; i < N; i++) {
            winograd_line_in(T, line, t[i]);
#pragma clang loop unroll(full)
            for (int j = 0; j < N; j++) store(u + (size_t)(N * i + j) * position, line[j]);
        }
    }
}

/// y = Aᵀ m A + bias for one tile and all its `channels`. Of the T×T pixels, `row` and `column` floats apart, the first
/// `rows`×`columns` are the image's.
INLINE void winograd_output(const int T, float *y, size_t row, size_t column, size_t rows, size_t columns, size_t channels,
                            const float *m, size_t position, const float *bias) {
    const int N = T + 2;
    for (size_t l = 0; l < channels; l += VL) {
        const size_t count = smaller(channels - l, VL);
        const vf start = bias ? load_up_to(bias + l, count) : (vf)(0.0f);
        vf t[4][6], p[6], line[4];
#pragma clang loop unroll(full)
        for (int j = 0; j < N; j++) {
#pragma clang loop unroll(full)
            for (int i = 0; i < N; i++) p[i] = load(m + (size_t)(N * i + j) * position + l);
            winograd_line_out(T, line, p);
#pragma clang loop unroll(full)
            for (int i = 0; i < T; i++) t[i][j] = line[i];
        }
#pragma clang loop unroll(full)
        for (int i = 0; i < T; i++) {
            if ((size_t)i >= rows) break;
            winograd_line_out(T, line, t[i]);
#pragma clang loop unroll(full)
            for (int j = 0; j < T; j++)
                if ((size_t)j < columns) store_up_to(y + (size_t)i * row + (size_t)j * column + l, line[j] + start, count);
        }
    }
}

/// Transforms the tile whose output begins at (out_row, out_column) of `image`. A tile that reaches beyond the image is
/// copied into `patch` first, [N, N, channels], with zeros outside.
INLINE void winograd_gather(const int T, float *u, size_t position, const float *x, const ck_conv_shape *s, size_t image,
                            size_t out_row, size_t out_column, float *patch) {
    const ptrdiff_t N = T + 2;
    const size_t channels = s->in_channels;
    const ptrdiff_t row = (ptrdiff_t)out_row - s->pad_top, column = (ptrdiff_t)out_column - s->pad_left;
    const float *pixels = x + image * s->in_height * s->in_width * channels;
    size_t line_pitch = s->in_width * channels;
    if (row >= 0 && column >= 0 && row + N <= (ptrdiff_t)s->in_height && column + N <= (ptrdiff_t)s->in_width) {
        pixels += (size_t)row * line_pitch + (size_t)column * channels;
    } else {
        for (ptrdiff_t i = 0; i < N; i++) {
            float *line = patch + (size_t)(i * N) * channels;
            if (row + i < 0 || row + i >= (ptrdiff_t)s->in_height) memset(line, 0, (size_t)N * channels * sizeof(float));
            else copy_pixels(line, channels, pixels + (size_t)(row + i) * line_pitch, s->in_width, channels, column, 1, (size_t)N, channels);
        }
        pixels = patch, line_pitch = (size_t)N * channels;
    }
    winograd_input(T, u, position, pixels, line_pitch, channels, channels);
}

INLINE void winograd_tiles(const int T, float *y, const float *x, const float *packed, const float *bias, const ck_conv_shape *s,
                           size_t begin, size_t end, float *scratch) {
    const size_t N = (size_t)T + 2, size = (size_t)T, most = ck_winograd_block(s, size);
    const size_t channels = s->in_channels, u_pitch = ck_winograd_pitch(channels), m_pitch = ck_winograd_pitch(s->out_channels);
    const size_t tiles = end - begin, blocks = (tiles + most - 1) / most;
    const size_t across = (s->out_width + size - 1) / size, down = (s->out_height + size - 1) / size;
    // 16 floats more than whole rows, lest a tile's positions crowd into one set of the first-level cache.
    const size_t u_position = most * u_pitch + 16, m_position = most * m_pitch + 16;
    float *u = ck_aligned(scratch), *m = u + N * N * u_position, *panel = m + N * N * m_position, *patch = panel + channels * LANES;
    static const float zeros[LANES];

    for (size_t block = 0; block < blocks; block++) {
        const size_t first = begin + tiles * block / blocks, count = begin + tiles * (block + 1) / blocks - first;
        for (size_t t = 0; t < count; t++) {
            const size_t tile = first + t, line = tile / across;
            winograd_gather(T, u + t * u_pitch, u_position, x, s, line / down, line % down * size, tile % across * size, patch);
        }
        for (size_t p = 0; p < N * N; p++) {
            for (size_t channel = 0; channel < s->out_channels; channel += LANES) {
                const size_t lanes = smaller(s->out_channels - channel, LANES);
                struct convolution_tap product = {.a_row = u_pitch, .count = channels, .b = packed + (N * N * channel + p * lanes) * channels};
                size_t b_pitch = lanes;
                if (lanes % VL != 0) {
                    // Whole vectors would run past the end of the weight: a copy with zeros in the missing lanes.
                    for (size_t i = 0; i < channels; i++)
                        for (size_t l = 0; l < LANES; l++) panel[i * LANES + l] = l < lanes ? product.b[i * lanes + l] : 0;
                    product.b = panel, b_pitch = LANES;
                }
                for (size_t t = 0, n; t < count; t += n) {
                    n = balanced_rows(count - t);
                    product.a = u + p * u_position + t * u_pitch;
                    convolution_tile_of(n, m + p * m_position + t * m_pitch + channel, m_pitch, lanes > VL ? LANES : VL, zeros, 0, &product, 1, b_pitch, NULL, 0);
                }
            }
        }
        for (size_t t = 0; t < count; t++) {
            const size_t tile = first + t, line = tile / across;
            const size_t row = line % down * size, column = tile % across * size;
            float *to = y + ((line / down * s->out_height + row) * s->out_width + column) * s->out_channels;
            winograd_output(T, to, s->out_width * s->out_channels, s->out_channels, smaller(s->out_height - row, size),
                            smaller(s->out_width - column, size), s->out_channels, m + t * m_pitch, m_position, bias);
        }
    }
}

static void winograd2(float *y, const float *x, const float *packed, const float *bias, const ck_conv_shape *s, size_t begin,
                      size_t end, float *scratch) {
    winograd_tiles(2, y, x, packed, bias, s, begin, end, scratch);
}

static void winograd4(float *y, const float *x, const float *packed, const float *bias, const ck_conv_shape *s, size_t begin,
                      size_t end, float *scratch) {
    winograd_tiles(4, y, x, packed, bias, s, begin, end, scratch);
}
