// Layer norm, and the passes that group norm is made of, over elements E in memory; K(name) is the name of the kernel for
// them. Statistics, scales and shifts are float.

static void K(layer_norm)(E *y, float *mean, float *rstd, const E *x, const float *scale, const float *shift,
                       size_t rows, size_t width, float epsilon) {
    for (size_t r = 0; r < rows; r++, x += width, y += width) {
        vf sum[4] = {0};
        size_t i = 0;
        for (; i + 4 * VL <= width; i += 4 * VL)
            for (int j = 0; j < 4; j++) sum[j] += load(x + i + j * VL);
        for (; i < width; i += VL) sum[0] += load_up_to(x + i, width - i);
        float m = sum_of_lanes((sum[0] + sum[1]) + (sum[2] + sum[3])) / (float)width;

        // What is left over tells how far the first mean is off; where a row hardly varies that is as much as it varies.
        vf squares[4] = {0}, rests[4] = {0};
        for (i = 0; i + 4 * VL <= width; i += 4 * VL)
            for (int j = 0; j < 4; j++) {
                vf centred = load(x + i + j * VL) - m;
                squares[j] += centred * centred;
                rests[j] += centred;
            }
        for (; i + VL <= width; i += VL) {
            vf centred = load(x + i) - m;
            squares[0] += centred * centred;
            rests[0] += centred;
        }
        float variance = sum_of_lanes((squares[0] + squares[1]) + (squares[2] + squares[3]));
        float rest = sum_of_lanes((rests[0] + rests[1]) + (rests[2] + rests[3]));
        for (; i < width; i++) {
            const float centred = value(x + i) - m;
            variance += centred * centred;
            rest += centred;
        }
        const float off = rest / (float)width;
        m += off;
        variance = variance / (float)width - off * off;
        float s = 1.0f / sqrtf((variance > 0.0f ? variance : 0.0f) + epsilon);

        FOR_ROW(c, n, width) {
            vf normal = (load_up_to(x + c, n) - m) * s;
            store_up_to(y + c, normal * load_up_to(scale + c, n) + load_up_to(shift + c, n), n);
        }
        mean[r] = m;
        rstd[r] = s;
    }
}

static void K(layer_norm_backward)(E *dx, const E *dy, const E *x, const float *scale, const float *mean,
                                const float *rstd, size_t rows, size_t width) {
    for (size_t r = 0; r < rows; r++, x += width, dy += width, dx += width) {
        const float m = mean[r], s = rstd[r];
        vf sum = {0}, products = {0};
        FOR_ROW(i, n, width) {
            vf g = load_up_to(dy + i, n) * load_up_to(scale + i, n);   // 0 in the lanes beyond the row
            sum += g;
            products += g * ((load_up_to(x + i, n) - m) * s);
        }
        const float mean_g = sum_of_lanes(sum) / (float)width, mean_gx = sum_of_lanes(products) / (float)width;
        FOR_ROW(i, n, width) {
            vf g = load_up_to(dy + i, n) * load_up_to(scale + i, n);
            vf normal = (load_up_to(x + i, n) - m) * s;
            store_up_to(dx + i, s * (g - mean_g - normal * mean_gx), n);
        }
    }
}

/// Adds one row of `width` channels to a pair of partial sums: of g and g·x, where g is the gradient before the
/// activation. The sums have room for whole vectors.
INLINE void K(add_channels)(float *first, float *second, const E *dy, const E *x, const float *a, const float *b,
                         size_t width, const int silu) {
    size_t c = 0;
    for (; c + VL <= width; c += VL) {
        vf v = load(x + c), g = gradient_before_activation(load(dy + c), v, load(a + c), load(b + c), silu);
        store(first + c, load(first + c) + g);
        store(second + c, load(second + c) + g * v);
    }
    if (c < width) {
        const size_t n = width - c;
        vf v = load_part(x + c, n);
        vf g = gradient_before_activation(load_part(dy + c, n), v, load_part(a + c, n), load_part(b + c, n), silu);
        store(first + c, load(first + c) + g);
        store(second + c, load(second + c) + g * v);
    }
}

INLINE void K(channel_pair_sums)(double *first, double *second, const E *dy, const E *x, const float *a,
                              const float *b, size_t rows, size_t channels, const int silu) {
    float partial[2][CHANNELS_PER_PASS + VL] __attribute__((aligned(64)));
    for (size_t start = 0; start < channels; start += CHANNELS_PER_PASS) {
        const size_t width = channels - start < CHANNELS_PER_PASS ? channels - start : CHANNELS_PER_PASS;
        for (size_t r0 = 0; r0 < rows; r0 += ROWS_PER_PARTIAL_SUM) {
            const size_t r1 = rows - r0 < ROWS_PER_PARTIAL_SUM ? rows : r0 + ROWS_PER_PARTIAL_SUM;
            memset(partial[0], 0, (width + VL) * sizeof(float));
            memset(partial[1], 0, (width + VL) * sizeof(float));
            for (size_t r = r0; r < r1; r++)
                K(add_channels)(partial[0], partial[1], dy + r * channels + start, x + r * channels + start, a + start, b + start,
                             width, silu);
            for (size_t c = 0; c < width; c++) {
                first[start + c] += (double)partial[0][c];
                second[start + c] += (double)partial[1][c];
            }
        }
    }
}

/// In double from the first addition on: the variance is a small difference of the two sums where the mean is large.
static void K(channel_sums)(double *sum, double *squares, const E *x, size_t rows, size_t channels) {
    size_t r = 0;
    for (; r + 4 <= rows; r += 4, x += 4 * channels)
        for (size_t c = 0; c < channels; c++) {
            const double v0 = value(x + c), v1 = value(x + channels + c), v2 = value(x + 2 * channels + c);
            const double v3 = value(x + 3 * channels + c);
            sum[c] += (v0 + v1) + (v2 + v3);
            squares[c] += (v0 * v0 + v1 * v1) + (v2 * v2 + v3 * v3);
        }
    for (; r < rows; r++, x += channels)
        for (size_t c = 0; c < channels; c++) {
            const double v = value(x + c);
            sum[c] += v;
            squares[c] += v * v;
        }
}

static void K(group_norm_backward_sums)(double *sum, double *products, const E *dy, const E *x, const float *a,
                                     const float *b, size_t rows, size_t channels, int silu) {
    if (silu) K(channel_pair_sums)(sum, products, dy, x, a, b, rows, channels, 1);
    else K(channel_pair_sums)(sum, products, dy, x, a, b, rows, channels, 0);
}

static void K(channel_affine)(E *y, const E *x, const float *a, const float *b, size_t rows, size_t channels,
                           int silu) {
    for (size_t r = 0; r < rows; r++, x += channels, y += channels) {
        if (silu) {
            FOR_ROW(c, n, channels) {
                vf z = load_up_to(x + c, n) * load_up_to(a + c, n) + load_up_to(b + c, n);
                store_up_to(y + c, z / (1.0f + exp_full(-z)), n);
            }
        } else {
            FOR_ROW(c, n, channels)
                store_up_to(y + c, load_up_to(x + c, n) * load_up_to(a + c, n) + load_up_to(b + c, n), n);
        }
    }
}

INLINE void K(group_norm_backward_rows)(E *dx, const E *dy, const E *x, const float *a, const float *b,
                                     const float *p, const float *q, size_t rows, size_t channels, const int silu) {
    for (size_t r = 0; r < rows; r++, x += channels, dy += channels, dx += channels)
        FOR_ROW(c, n, channels) {
            vf v = load_up_to(x + c, n), slope = load_up_to(a + c, n);
            vf g = gradient_before_activation(load_up_to(dy + c, n), v, slope, load_up_to(b + c, n), silu);
            store_up_to(dx + c, g * slope + v * load_up_to(p + c, n) + load_up_to(q + c, n), n);
        }
}

static void K(group_norm_backward_apply)(E *dx, const E *dy, const E *x, const float *a, const float *b,
                                      const float *p, const float *q, size_t rows, size_t channels, int silu) {
    if (silu) K(group_norm_backward_rows)(dx, dy, x, a, b, p, q, rows, channels, 1);
    else K(group_norm_backward_rows)(dx, dy, x, a, b, p, q, rows, channels, 0);
}
