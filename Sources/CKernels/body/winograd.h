// Winograd's minimal filtering F(2×2, 3×3): an output tile of 2×2 pixels from an input tile of 4×4 by 16
// multiplications per pair of channels where the plain sum takes 36 (Lavin and Gray 2015, section 4.1):
//
//     Y = Aᵀ[(G g Gᵀ) ⊙ (Bᵀ d B)]A
//
//     Bᵀ = | 1  0 −1  0 |    G = | 1   0   0 |    Aᵀ = | 1  1  1  0 |
//          | 0  1  1  0 |        | ½   ½   ½ |         | 0  1 −1 −1 |
//          | 0 −1  1  0 |        | ½  −½   ½ |
//          | 0  1  0 −1 |        | 0   0   1 |
//
// A block of tiles is transformed at once. Each of the 16 positions is then a matrix product
// [tiles, in]·[in, out] in the register tiles of convolution.h. Lanes are channels in both transforms.

/// u[position, channels] = Bᵀ d B, for the 4×4 pixels d from `x` on, `row` and `column` floats apart; positions of `u`
/// are `position` floats apart. Writes whole vectors: `u` has room for a multiple of VL channels.
static void winograd_input(float *u, size_t position, const float *x, size_t row, size_t column, size_t channels) {
    for (size_t c = 0; c < channels; c += VL, u += VL, x += VL) {
        const size_t count = smaller(channels - c, VL);
        vf t[4][4];
#pragma clang loop unroll(full)
        for (size_t j = 0; j < 4; j++) {
            vf d[4];
#pragma clang loop unroll(full)
            for (size_t i = 0; i < 4; i++) d[i] = load_up_to(x + i * row + j * column, count);
            t[0][j] = d[0] - d[2], t[1][j] = d[1] + d[2], t[2][j] = d[2] - d[1], t[3][j] = d[1] - d[3];
        }
#pragma clang loop unroll(full)
        for (size_t i = 0; i < 4; i++) {
            store(u + (4 * i + 0) * position, t[i][0] - t[i][2]);
            store(u + (4 * i + 1) * position, t[i][1] + t[i][2]);
            store(u + (4 * i + 2) * position, t[i][2] - t[i][1]);
            store(u + (4 * i + 3) * position, t[i][1] - t[i][3]);
        }
    }
}

/// y = Aᵀ m A + bias for one tile and `lanes` ≤ LANES output channels. Of the 2×2 pixels, `row` and `column` floats
/// apart, the first `rows`×`columns` are the image's.
static void winograd_output(float *y, size_t row, size_t column, size_t rows, size_t columns, size_t lanes, const float *m,
                            size_t position, const float *bias) {
    for (size_t l = 0; l < lanes; l += VL) {
        const size_t count = smaller(lanes - l, VL);
        const vf start = load(bias + l);
        vf t[2][4];
#pragma clang loop unroll(full)
        for (size_t j = 0; j < 4; j++) {
            const float *p = m + j * position + l;
            vf m0 = load(p), m1 = load(p + 4 * position), m2 = load(p + 8 * position), m3 = load(p + 12 * position);
            t[0][j] = m0 + m1 + m2, t[1][j] = m1 - m2 - m3;
        }
#pragma clang loop unroll(full)
        for (size_t i = 0; i < 2; i++) {
            if (i < rows) store_up_to(y + i * row + l, t[i][0] + t[i][1] + t[i][2] + start, count);
            if (i < rows && columns == 2) store_up_to(y + i * row + column + l, t[i][1] - t[i][2] - t[i][3] + start, count);
        }
    }
}

/// Transforms the tile whose output begins at (out_row, out_column) of `image`. A tile that reaches beyond the image is
/// copied into `patch` first, [4, 4, channels], with zeros outside.
static void winograd_gather(float *u, size_t position, const float *x, const ck_conv_shape *s, size_t image, size_t out_row,
                            size_t out_column, float *patch) {
    const size_t channels = s->in_channels;
    const ptrdiff_t row = (ptrdiff_t)out_row - s->pad_top, column = (ptrdiff_t)out_column - s->pad_left;
    const float *pixels = x + image * s->in_height * s->in_width * channels;
    if (row >= 0 && column >= 0 && row + 4 <= (ptrdiff_t)s->in_height && column + 4 <= (ptrdiff_t)s->in_width) {
        pixels += ((size_t)row * s->in_width + (size_t)column) * channels;
        winograd_input(u, position, pixels, s->in_width * channels, channels, channels);
        return;
    }
    for (ptrdiff_t i = 0; i < 4; i++) {
        float *line = patch + (size_t)i * 4 * channels;
        if (row + i < 0 || row + i >= (ptrdiff_t)s->in_height) memset(line, 0, 4 * channels * sizeof(float));
        else copy_pixels(line, channels, pixels + (size_t)(row + i) * s->in_width * channels, s->in_width, channels, column, 1, 4, channels);
    }
    winograd_input(u, position, patch, 4 * channels, channels, channels);
}

static void winograd(float *y, const float *x, const float *packed, const float *bias, const ck_conv_shape *s, size_t begin,
                     size_t end, float *scratch) {
    const size_t channels = s->in_channels, pitch = ck_winograd_pitch(channels), most = ck_winograd_tiles_per_block(channels);
    const size_t tiles = end - begin, blocks = (tiles + most - 1) / most;
    const size_t across = (s->out_width + 1) / 2, down = (s->out_height + 1) / 2;
    // 16 floats more than whole rows, lest a tile's 16 positions crowd into one set of the first-level cache.
    const size_t u_position = most * pitch + 16, m_position = most * LANES + 16;
    float *u = ck_aligned(scratch), *m = u + 16 * u_position, *panel = m + 16 * m_position, *patch = panel + channels * LANES;
    static const float zeros[LANES];

    for (size_t block = 0; block < blocks; block++) {
        const size_t first = begin + tiles * block / blocks, count = begin + tiles * (block + 1) / blocks - first;
        for (size_t t = 0; t < count; t++) {
            const size_t tile = first + t, line = tile / across;
            winograd_gather(u + t * pitch, u_position, x, s, line / down, line % down * 2, tile % across * 2, patch);
        }
        for (size_t channel = 0; channel < s->out_channels; channel += LANES) {
            const size_t lanes = smaller(s->out_channels - channel, LANES);
            const size_t panel_start = channel / CK_LANES * CK_LANES, width = smaller(s->out_channels - panel_start, CK_LANES);
            for (size_t p = 0; p < 16; p++) {
                struct convolution_tap product = {
                    .a_row = pitch, .count = channels,
                    .b = packed + (16 * panel_start + p * width) * channels + (channel - panel_start)};
                size_t b_pitch = width;
                if (lanes % VL != 0) {
                    // Whole vectors would run past the end of the weight: a copy with zeros in the missing lanes.
                    for (size_t i = 0; i < channels; i++)
                        for (size_t l = 0; l < LANES; l++) panel[i * LANES + l] = l < lanes ? product.b[i * width + l] : 0;
                    product.b = panel, b_pitch = LANES;
                }
                for (size_t t = 0, n; t < count; t += n) {
                    n = balanced_rows(count - t);
                    product.a = u + p * u_position + t * pitch;
                    convolution_tile_of(n, m + p * m_position + t * LANES, LANES, lanes > VL ? LANES : VL, zeros, 0, &product, 1, b_pitch, NULL, 0);
                }
            }
            float start[LANES];
            for (size_t l = 0; l < LANES; l++) start[l] = bias && l < lanes ? bias[channel + l] : 0;
            for (size_t t = 0; t < count; t++) {
                const size_t tile = first + t, line = tile / across;
                const size_t row = line % down * 2, column = tile % across * 2;
                float *to = y + ((line / down * s->out_height + row) * s->out_width + column) * s->out_channels + channel;
                winograd_output(to, s->out_width * s->out_channels, s->out_channels, smaller(s->out_height - row, 2),
                                smaller(s->out_width - column, 2), lanes, m + t * LANES, m_position, start);
            }
        }
    }
}
