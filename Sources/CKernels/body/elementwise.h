// Element-wise kernels.

INLINE vf load_up_to(const float *p, size_t count) { return count >= VL ? load(p) : load_part(p, count); }
INLINE void store_up_to(float *p, vf x, size_t count) {
    if (count >= VL) store(p, x);
    else store_part(p, x, count);
}

/// Defines a kernel y[i] = f(x[i]).
#define UNARY_KERNEL(name, EXPRESSION)                                                                                 \
    static void name(float *y, const float *source, size_t count) {                                                    \
        for (size_t i = 0; i < count; i += VL) {                                                                       \
            vf x = load_up_to(source + i, count - i);                                                                  \
            store_up_to(y + i, EXPRESSION, count - i);                                                                 \
        }                                                                                                              \
    }

INLINE vf gelu_of(vf x) {
    vf distribution, density;
    normal_distribution(x, &distribution, &density);
    return x * distribution;
}

UNARY_KERNEL(silu, x / (1.0f + exp_full(-x)))
UNARY_KERNEL(gelu, gelu_of(x))
UNARY_KERNEL(quick_gelu, x / (1.0f + exp_full(-1.702f * x)))
UNARY_KERNEL(relu, at_least((vf)(0.0f), x))
UNARY_KERNEL(sigmoid_all, sigmoid(x))

static void add(float *y, const float *a, const float *b, size_t count) {
    for (size_t i = 0; i < count; i += VL)
        store_up_to(y + i, load_up_to(a + i, count - i) + load_up_to(b + i, count - i), count - i);
}

static void scale(float *y, const float *x, float a, size_t count) {
    for (size_t i = 0; i < count; i += VL) store_up_to(y + i, a * load_up_to(x + i, count - i), count - i);
}

static void add_scaled(float *y, const float *x, float a, size_t count) {
    for (size_t i = 0; i < count; i += VL)
        store_up_to(y + i, load_up_to(y + i, count - i) + a * load_up_to(x + i, count - i), count - i);
}

static void add_row(float *y, const float *x, const float *b, size_t rows, size_t width) {
    for (size_t r = 0; r < rows; r++) add(y + r * width, x + r * width, b, width);
}

/// d(x·σ(x)) = σ·(1 + x·(1 − σ)).
INLINE vf silu_slope(vf x) {
    vf s = sigmoid(x);
    return s * (1.0f + x * (1.0f - s));
}

static void silu_backward(float *dx, const float *dy, const float *source, size_t count) {
    for (size_t i = 0; i < count; i += VL)
        store_up_to(dx + i, load_up_to(dy + i, count - i) * silu_slope(load_up_to(source + i, count - i)), count - i);
}

static void geglu(float *y, const float *x, size_t rows, size_t width) {
    for (size_t r = 0; r < rows; r++) {
        const float *value = x + r * 2 * width, *gate = value + width;
        for (size_t i = 0; i < width; i += VL)
            store_up_to(y + r * width + i, load_up_to(value + i, width - i) * gelu_of(load_up_to(gate + i, width - i)),
                        width - i);
    }
}

/// d value = dy·gelu(gate); d gate = dy·value·(Φ(gate) + gate·φ(gate)).
static void geglu_backward(float *dx, const float *dy, const float *x, size_t rows, size_t width) {
    for (size_t r = 0; r < rows; r++) {
        const float *value = x + r * 2 * width, *gate = value + width;
        float *dvalue = dx + r * 2 * width, *dgate = dvalue + width;
        for (size_t i = 0; i < width; i += VL) {
            vf g = load_up_to(gate + i, width - i), v = load_up_to(value + i, width - i);
            vf d = load_up_to(dy + r * width + i, width - i), distribution, density;
            normal_distribution(g, &distribution, &density);
            store_up_to(dvalue + i, d * g * distribution, width - i);
            store_up_to(dgate + i, d * v * (distribution + g * density), width - i);
        }
    }
}

/// IEEE half to float: exponent and mantissa moved into place, then times 2^112, which is exact and also normalises
/// subnormals; infinities and NaNs get the full exponent.
INLINE vf widen_half(vh x) {
    vi bits = (vi)__builtin_convertvector(x, vu);
    vi magnitude = (bits & 0x7fff) << 13;
    vi widened = (vi)((vf)magnitude * 0x1p112f);
    widened |= (magnitude >= (vi)(0x7c00 << 13)) & 0x7f800000;
    return (vf)(widened | (bits & 0x8000) << 16);
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
    size_t i = 0;
    for (; i + VL <= count; i += VL)
        store(y + i, (vf)(__builtin_convertvector(*(const vh_unaligned *)(x + i), vu) << 16));
    for (; i < count; i++) {
        uint32_t bits = (uint32_t)x[i] << 16;
        memcpy(y + i, &bits, sizeof bits);
    }
}
