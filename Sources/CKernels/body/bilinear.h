// Bilinear resampling: two rows are blended into one, then its neighbouring pixels.

/// The input index that output `i` begins with, and how much of the next one is in it (PyTorch's UpSample.h,
/// area_pixel_compute_source_index and guard_index_and_lambda).
INLINE size_t bilinear_index(size_t i, size_t in, size_t out, float *part) {
    float place = ((float)in / (float)out) * ((float)i + 0.5f) - 0.5f;
    if (place < 0) place = 0;
    const size_t index = smaller((size_t)place, in - 1);
    *part = place - (float)index;
    if (*part > 1) *part = 1;
    return index;
}

static void resize_bilinear(float *y, const float *x, size_t in_height, size_t in_width, size_t out_height, size_t out_width,
                            size_t channels, size_t begin, size_t end, float *scratch) {
    const size_t width = in_width * channels;
    float *blended = ck_aligned(scratch), *parts = blended + ck_rounded_up(width, 16);
    uint32_t *indices = (uint32_t *)(parts + out_width);
    for (size_t j = 0; j < out_width; j++) indices[j] = (uint32_t)bilinear_index(j, in_width, out_width, parts + j);

    for (size_t row = begin; row < end; row++) {
        float part;
        const size_t i = bilinear_index(row, in_height, out_height, &part);
        const float *above = x + i * width, *below = i + 1 < in_height ? above + width : above;
        for (size_t c = 0; c < width; c += VL) {
            const size_t lanes = width - c;
            store_up_to(blended + c, load_up_to(above + c, lanes) * (1.0f - part) + load_up_to(below + c, lanes) * part, lanes);
        }
        float *target = y + row * out_width * channels;
        for (size_t j = 0; j < out_width; j++, target += channels) {
            const float *left = blended + indices[j] * channels, *right = indices[j] + 1 < in_width ? left + channels : left;
            const float share = parts[j];
            if (channels == 1) {
                *target = *left * (1.0f - share) + *right * share;
                continue;
            }
            for (size_t c = 0; c < channels; c += VL) {
                const size_t lanes = channels - c;
                store_up_to(target + c, load_up_to(left + c, lanes) * (1.0f - share) + load_up_to(right + c, lanes) * share, lanes);
            }
        }
    }
}
