// Depthwise convolution: lanes along the channels, the taps that lie in the picture one after the other.

/// Taps [*first, *last) of `size` that meet the input [0, length) where the kernel begins at `origin`.
INLINE void taps_inside(ptrdiff_t origin, size_t size, size_t length, size_t *first, size_t *last) {
    *first = origin < 0 ? (size_t)-origin : 0;
    const ptrdiff_t end = (ptrdiff_t)length - origin;
    *last = end < 0 ? 0 : smaller(size, (size_t)end);
}

static void depthwise(float *y, const float *x, const float *weight, const float *bias, const ck_conv_shape *s, size_t begin,
                      size_t end) {
    const size_t channels = s->in_channels;
    for (size_t line = begin; line < end; line++) {
        const size_t image = line / s->out_height, row = line % s->out_height;
        const ptrdiff_t top = (ptrdiff_t)(row * s->stride) - s->pad_top;
        size_t first_row, last_row;
        taps_inside(top, s->kernel_height, s->in_height, &first_row, &last_row);
        for (size_t column = 0; column < s->out_width; column++) {
            const ptrdiff_t left = (ptrdiff_t)(column * s->stride) - s->pad_left;
            size_t first_column, last_column;
            taps_inside(left, s->kernel_width, s->in_width, &first_column, &last_column);
            float *target = y + (line * s->out_width + column) * channels;
            for (size_t c = 0; c < channels; c += VL) {
                const size_t lanes = channels - c;
                vf sum = bias ? load_up_to(bias + c, lanes) : (vf)(0.0f);
                for (size_t i = first_row; i < last_row; i++) {
                    const float *source = x + ((image * s->in_height + (size_t)(top + (ptrdiff_t)i)) * s->in_width) * channels + c;
                    for (size_t j = first_column; j < last_column; j++)
                        sum += load_up_to(source + (size_t)(left + (ptrdiff_t)j) * channels, lanes) *
                               load_up_to(weight + (i * s->kernel_width + j) * channels + c, lanes);
                }
                store_up_to(target + c, sum, lanes);
            }
        }
    }
}
