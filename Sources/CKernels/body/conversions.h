// Between float and the half types.

/// IEEE half to float. Without an instruction for it: exponent and mantissa moved into place, then times 2^112, which is
/// exact and also normalises subnormals; infinities and NaNs get the full exponent.
INLINE vf widen_half(vh x) {
#if defined(__x86_64__) && VL == 16
    return (vf)_mm512_cvtph_ps((__m256i)x);
#elif defined(__x86_64__) && VL == 8
    return (vf)_mm256_cvtph_ps((__m128i)x);
#else
    vi bits = (vi)__builtin_convertvector(x, vu);
    vi magnitude = (bits & 0x7fff) << 13;
    vi widened = (vi)((vf)magnitude * 0x1p112f);
    widened |= (magnitude >= (vi)(0x7c00 << 13)) & 0x7f800000;
    return (vf)(widened | (bits & 0x8000) << 16);
#endif
}

static void widen_f16(float *y, const uint16_t *x, size_t count) {
    size_t i = 0;
    for (; i + VL <= count; i += VL) store(y + i, widen_half(*(const vh_unaligned *)(x + i)));
    if (i < count) {
        vh rest = (vh)(0);
        for (size_t j = 0; i + j < count; j++) rest[j] = x[i + j];
        store_part(y + i, widen_half(rest), count - i);
    }
}

static void widen_bf16(float *y, const uint16_t *x, size_t count) {
    for (size_t i = 0; i < count; i += VL) store_up_to(y + i, load_up_to(x + i, count - i), count - i);
}

static void narrow_bf16(uint16_t *y, const float *x, float a, size_t count) {
    for (size_t i = 0; i < count; i += VL) store_up_to(y + i, a * load_up_to(x + i, count - i), count - i);
}

static void narrow_f16_to_bf16(uint16_t *y, const uint16_t *x, size_t count) {
    size_t i = 0;
    for (; i + VL <= count; i += VL) store(y + i, widen_half(*(const vh_unaligned *)(x + i)));
    if (i < count) {
        vh rest = (vh)(0);
        for (size_t j = 0; i + j < count; j++) rest[j] = x[i + j];
        store_part(y + i, widen_half(rest), count - i);
    }
}

/// `count` weights from element `first` on.
INLINE void widen_weights(float *y, const void *weight, ck_element type, size_t first, size_t count) {
    switch (type) {
    case CK_FLOAT32: memcpy(y, (const float *)weight + first, count * sizeof(float)); break;
    case CK_FLOAT16: widen_f16(y, (const uint16_t *)weight + first, count); break;
    case CK_BFLOAT16: widen_bf16(y, (const uint16_t *)weight + first, count); break;
    }
}
