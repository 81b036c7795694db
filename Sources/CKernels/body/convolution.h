// Convolution without a column matrix: every register tile takes MR neighbouring output pixels by two vectors of
// output channels and runs through the kernel's taps, reading the input where it lies.
//
// Pixels of one output row whose columns are in_step apart meet the same taps (of a zero-stuffed input, the others
// see only zeros), so a tile is made of such pixels and a tap either applies to it or is skipped.

/// Product of one tap with one tile: a has R rows (pixels) `a_row` apart, b has rows of output channels.
struct convolution_tap {
    const float *a, *b;
    size_t a_row, count;
};

enum { TAPS_PER_TILE = 32, WEIGHT_ROWS_PER_PASS = 2560 };

/// y[pixel, lanes] = start + Σ taps, where start is `y` itself if `accumulate`, else `bias`. `lanes` ≤ NV·VL are y's.
INLINE void convolution_tile(const int R, const int NV, float *y, size_t y_row, size_t lanes, const float *bias, int accumulate,
                             const struct convolution_tap *taps, size_t count, size_t pitch, const float *next, size_t lines) {
    vf acc[MR][2];
    const size_t last = lanes - (NV - 1) * VL;   // lanes of the last vector
    if (accumulate) {
#pragma clang loop unroll(full)
        for (int r = 0; r < R; r++) {
            acc[r][0] = NV == 2 ? load(y + r * y_row) : load_up_to(y + r * y_row, last);
            acc[r][1] = NV == 2 ? load_up_to(y + r * y_row + VL, last) : acc[r][0];
        }
    } else {
#pragma clang loop unroll(full)
        for (int r = 0; r < R; r++) acc[r][0] = load(bias), acc[r][1] = load(bias + VL);
    }
    for (size_t i = 0; i < count; i++) {
        for (size_t l = lines * i / count; l < lines * (i + 1) / count; l++) __builtin_prefetch(next + 16 * l, 0, 2);
        accumulate_product(acc, R, NV, taps[i].a, taps[i].a_row, 1, taps[i].b, pitch, taps[i].count);
    }
#pragma clang loop unroll(full)
    for (int r = 0; r < R; r++) {
        if (NV == 2) store(y + r * y_row, acc[r][0]);
        store_up_to(y + r * y_row + (NV - 1) * VL, acc[r][NV - 1], last);
    }
}

static __attribute__((noinline)) void convolution_tile_of(size_t rows, float *y, size_t y_row, size_t lanes, const float *bias,
                                                          int accumulate, const struct convolution_tap *taps, size_t count,
                                                          size_t pitch, const float *next, size_t lines) {
#define NARROW(R) convolution_tile(R, 1, y, y_row, lanes, bias, accumulate, taps, count, pitch, next, lines)
#define WIDE(R) convolution_tile(R, 2, y, y_row, lanes, bias, accumulate, taps, count, pitch, next, lines)
    if (lanes > VL) FOR_ROWS(rows, WIDE)
    else FOR_ROWS(rows, NARROW)
#undef NARROW
#undef WIDE
}

/// One pass: the output channels [channel, channel + lanes), the rows [first, last) of the packed weight.
struct convolution_pass {
    const ck_conv_shape *shape;
    const float *x, *weight, *bias;   // weight: rows of `pitch`, from row `first` of this panel on
    float *y, *edge;                  // edge: room for copied taps
    size_t pitch, channel, lanes, first, last, first_tap;
    size_t advance;                   // input pixels between neighbouring pixels of a tile
};

/// Quotient and remainder rounded towards −∞.
INLINE ptrdiff_t floor_quotient(ptrdiff_t a, ptrdiff_t b) { return b == 1 ? a : a >= 0 ? a / b : -((b - 1 - a) / b); }

/// Copies the pixels column, column + step, … of an image row, `count` channels each, with zeros outside the image.
static void copy_pixels(float *y, size_t pitch, const float *row, size_t width, size_t channels, ptrdiff_t column,
                        ptrdiff_t step, size_t pixels, size_t count) {
    for (size_t r = 0; r < pixels; r++, column += step, y += pitch) {
        if (column < 0 || column >= (ptrdiff_t)width) memset(y, 0, count * sizeof(float));
        else pack_rows(y, pitch, row + (size_t)column * channels, channels, 1, count);
    }
}

/// The tile of `pixels` output pixels of row `out_row` of `image`: columns column, column + step, …
static void convolution_pixels(const struct convolution_pass *pass, size_t image, size_t out_row, size_t column, size_t step,
                               size_t pixels) {
    const ck_conv_shape *s = pass->shape;
    const size_t channels = s->in_channels;
    const ptrdiff_t stuffed = (ptrdiff_t)s->in_step, advance = (ptrdiff_t)pass->advance;
    float *y = pass->y + ((image * s->out_height + out_row) * s->out_width + column) * s->out_channels + pass->channel;
    struct convolution_tap taps[TAPS_PER_TILE];
    size_t count = 0, copies = 0;
    int accumulate = pass->first > 0;

    // The pixels below this tile's last input row are new to the next output row: fetched meanwhile.
    const float *next = NULL;
    size_t lines = 0;
    const ptrdiff_t below = (ptrdiff_t)(out_row * s->stride + s->kernel_height) - s->pad_top;
    if (s->in_step == 1 && pass->first == 0 && below >= 0 && below < (ptrdiff_t)s->in_height) {
        const size_t from = smaller(column * s->stride, s->in_width), to = smaller(from + pixels * s->stride, s->in_width);
        next = pass->x + ((image * s->in_height + (size_t)below) * s->in_width + from) * channels;
        lines = (to - from) * channels / 16;
    }

    size_t tap = pass->first_tap, tap_row = tap / s->kernel_width, tap_column = tap % s->kernel_width;
    for (; tap * channels < pass->last; tap++, tap_column++) {
        if (tap_column == s->kernel_width) tap_column = 0, tap_row++;
        const size_t begin = tap * channels < pass->first ? pass->first - tap * channels : 0;
        const size_t end = smaller(channels, pass->last - tap * channels);
        const ptrdiff_t virtual_row = (ptrdiff_t)(out_row * s->stride + tap_row) - s->pad_top;
        const ptrdiff_t virtual_column = (ptrdiff_t)(column * s->stride + tap_column) - s->pad_left;
        const ptrdiff_t in_row = floor_quotient(virtual_row, stuffed), in_column = floor_quotient(virtual_column, stuffed);
        const ptrdiff_t last_column = in_column + advance * (ptrdiff_t)(pixels - 1), width = (ptrdiff_t)s->in_width;
        if (in_row * stuffed != virtual_row || in_column * stuffed != virtual_column) continue;
        if (in_row < 0 || in_row >= (ptrdiff_t)s->in_height || last_column < 0 || in_column >= width) continue;

        if (count == TAPS_PER_TILE || copies == CK_CONV_COPIES) {
            convolution_tile_of(pixels, y, step * s->out_channels, pass->lanes, pass->bias, accumulate, taps, count, pass->pitch, next, lines);
            accumulate = 1, count = copies = 0;
        }
        const float *image_row = pass->x + (image * s->in_height + (size_t)in_row) * s->in_width * channels;
        struct convolution_tap *t = taps + count;
        t->b = pass->weight + (tap * channels + begin - pass->first) * pass->pitch;
        t->count = end - begin;
        if (in_column >= 0 && last_column < width) {
            t->a = image_row + (size_t)in_column * channels + begin;
            t->a_row = (size_t)advance * channels;
            // Neighbouring taps of a row read on where the last one stopped: one product instead of two.
            if (count > 0 && t[-1].a + t[-1].count == t->a && t[-1].a_row == t->a_row &&
                t[-1].b + t[-1].count * pass->pitch == t->b) {
                t[-1].count += t->count;
                continue;
            }
        } else {
            float *copy = pass->edge + copies++ * CK_MAX_ROWS * channels;
            copy_pixels(copy, end - begin, image_row + begin, s->in_width, channels, in_column, advance, pixels, end - begin);
            t->a = copy;
            t->a_row = end - begin;
        }
        count++;
    }
    if (count > 0 || !accumulate)
        convolution_tile_of(pixels, y, step * s->out_channels, pass->lanes, pass->bias, accumulate, taps, count, pass->pitch, next, lines);
}

static void conv2d(float *y, const float *x, const float *packed, const float *bias, const ck_conv_shape *s, size_t begin,
                   size_t end, size_t first_panel, size_t last_panel, float *scratch) {
    const size_t depth = s->kernel_height * s->kernel_width * s->in_channels;
    float *panel = ck_aligned(scratch), *edge = panel + depth * CK_LANES;
    const size_t step = s->stride % s->in_step == 0 ? 1 : s->in_step;   // in_step is 1 or 2
    const size_t passes = (depth + WEIGHT_ROWS_PER_PASS - 1) / WEIGHT_ROWS_PER_PASS;

    for (size_t channel = first_panel * LANES; channel < smaller(s->out_channels, last_panel * LANES); channel += LANES) {
        const size_t lanes = smaller(s->out_channels - channel, LANES);
        const float *weight = packed + depth * channel;
        size_t pitch = lanes;
        if (lanes % VL != 0) {
            // Whole vectors would run past the end of the weight: a copy with zeros in the missing lanes.
            for (size_t i = 0; i < depth; i++)
                for (size_t l = 0; l < LANES; l++) panel[i * LANES + l] = l < lanes ? weight[i * pitch + l] : 0;
            weight = panel, pitch = LANES;
        }
        float start[LANES];
        for (size_t l = 0; l < LANES; l++) start[l] = bias && l < lanes ? bias[channel + l] : 0;

        for (size_t i = 0; i < passes; i++) {
            const size_t first = depth * i / passes, last = depth * (i + 1) / passes;
            const struct convolution_pass pass = {
                s, x, weight + first * pitch, start, y, edge, pitch, channel, lanes, first, last, first / s->in_channels,
                s->stride * step / s->in_step};
            for (size_t row = begin; row < end; row++) {
                const size_t image = row / s->out_height, out_row = row % s->out_height;
                for (size_t phase = 0; phase < step && phase < s->out_width; phase++) {
                    const size_t pixels = (s->out_width - phase + step - 1) / step;
                    for (size_t p = 0, n; p < pixels; p += n) {
                        n = balanced_rows(pixels - p);
                        convolution_pixels(&pass, image, out_row, phase + p * step, step, n);
                    }
                }
            }
        }
    }
}
