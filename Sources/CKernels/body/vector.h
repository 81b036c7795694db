// Vectors of VL floats and what the kernels do with them. Included once per instruction set, after VL is defined
// and inside the `target` attribute of that instruction set.

typedef float vf __attribute__((ext_vector_type(VL)));
typedef int32_t vi __attribute__((ext_vector_type(VL)));
typedef uint16_t vh __attribute__((ext_vector_type(VL)));
typedef uint32_t vu __attribute__((ext_vector_type(VL)));
typedef float vf_unaligned __attribute__((ext_vector_type(VL), aligned(4), may_alias));
typedef uint16_t vh_unaligned __attribute__((ext_vector_type(VL), aligned(2), may_alias));

#define INLINE static inline __attribute__((always_inline))
/// Functions of one name for float and for bfloat16 in memory; in registers both are float.
#define TYPED INLINE __attribute__((overloadable))

INLINE size_t smaller(size_t a, size_t b) { return a < b ? a : b; }

TYPED vf load(const float *p) { return *(const vf_unaligned *)p; }
TYPED void store(float *p, vf x) { *(vf_unaligned *)p = x; }

/// The first `count` < VL floats at `p`, then zeros. Reads nothing beyond them.
TYPED vf load_part(const float *p, size_t count) {
#if defined(__x86_64__) && VL == 16
    return (vf)_mm512_maskz_loadu_ps((__mmask16)((1u << count) - 1), p);
#else
    vf x = (vf)(0.0f);
    for (size_t i = 0; i < count; i++) x[i] = p[i];
    return x;
#endif
}

/// Writes the first `count` < VL lanes and nothing beyond them.
TYPED void store_part(float *p, vf x, size_t count) {
#if defined(__x86_64__) && VL == 16
    _mm512_mask_storeu_ps(p, (__mmask16)((1u << count) - 1), (__m512)x);
#else
    for (size_t i = 0; i < count; i++) p[i] = x[i];
#endif
}

/// bfloat16 is the upper half of a float.
INLINE vf widened(vh x) { return (vf)(__builtin_convertvector(x, vu) << 16); }

/// The nearest bfloat16, the even one of two as near; a NaN stays one.
INLINE vh narrowed(vf x) {
    vu bits = (vu)x, rounded = (bits + 0x7fff + ((bits >> 16) & 1)) >> 16, quiet = (bits >> 16) | 0x40;
    vu nan = (vu)(x != x);
    return __builtin_convertvector((quiet & nan) | (rounded & ~nan), vh);
}

TYPED vf load(const uint16_t *p) { return widened(*(const vh_unaligned *)p); }
TYPED void store(uint16_t *p, vf x) { *(vh_unaligned *)p = narrowed(x); }

TYPED vf load_part(const uint16_t *p, size_t count) {
#if defined(__x86_64__) && VL == 16
    return widened((vh)_mm256_maskz_loadu_epi16((__mmask16)((1u << count) - 1), p));
#else
    vh x = (vh)(0);
    for (size_t i = 0; i < count; i++) x[i] = p[i];
    return widened(x);
#endif
}

TYPED void store_part(uint16_t *p, vf x, size_t count) {
    vh y = narrowed(x);
#if defined(__x86_64__) && VL == 16
    _mm256_mask_storeu_epi16(p, (__mmask16)((1u << count) - 1), (__m256i)y);
#else
    for (size_t i = 0; i < count; i++) p[i] = y[i];
#endif
}

/// The first min(count, VL) elements, then zeros.
TYPED vf load_up_to(const float *p, size_t count) { return count >= VL ? load(p) : load_part(p, count); }
TYPED vf load_up_to(const uint16_t *p, size_t count) { return count >= VL ? load(p) : load_part(p, count); }
TYPED void store_up_to(float *p, vf x, size_t count) {
    if (count >= VL) store(p, x);
    else store_part(p, x, count);
}
TYPED void store_up_to(uint16_t *p, vf x, size_t count) {
    if (count >= VL) store(p, x);
    else store_part(p, x, count);
}

/// One element.
TYPED float value(const float *p) { return *p; }
TYPED float value(const uint16_t *p) {
    const uint32_t bits = (uint32_t)*p << 16;
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

/// Lanes where `mask` is all ones come from `a`, the others (all zeros) from `b`.
INLINE vf choose(vi mask, vf a, vf b) { return (vf)(((vi)a & mask) | ((vi)b & ~mask)); }

/// max(bound, x) and min(bound, x); a NaN in `x` stays one.
INLINE vf at_least(vf bound, vf x) { return choose(bound > x, bound, x); }
INLINE vf at_most(vf bound, vf x) { return choose(bound < x, bound, x); }

INLINE float sum_of_lanes(vf x) {
    float s[VL];
    store(s, x);
    for (int step = VL / 2; step > 0; step /= 2)
        for (int i = 0; i < step; i++) s[i] += s[i + step];
    return s[0];
}

/// 2^x for x ≤ about 100; exactly 0 for x ≤ −127 (and −∞), exactly 1 for 0. About 1 ulp. NaN stays NaN.
///
/// x = n + r with |r| ≤ ½: 2^r by a minimax polynomial of degree 6 (relative error 2e-9), 2^n through the exponent.
INLINE vf exp2_fast(vf x) {
    const vf magic = (vf)(0x1.8p23f);
    x = at_least((vf)(-127.0f), x);
    vf t = x + magic;
    vf r = x - (t - magic);
    vf p = (vf)(0x1.448fc2p-13f);
    p = p * r + 0x1.5f47b0p-10f;
    p = p * r + 0x1.3b29aap-7f;
    p = p * r + 0x1.c6aed0p-5f;
    p = p * r + 0x1.ebfbe0p-3f;
    p = p * r + 0x1.62e430p-1f;
    p = p * r + 1.0f;
    return p * (vf)(((vi)t << 23) + 0x3f800000);
}

/// eˣ over the whole range: 0 and ∞ where float32 has nothing else, subnormals between. About 1.5 ulp. NaN stays NaN.
///
/// x = n·ln 2 + r (ln 2 in two parts, as Cephes does), eʳ by a minimax polynomial of degree 6, 2ⁿ in two factors.
INLINE vf exp_full(vf x) {
    const vf magic = (vf)(0x1.8p23f);
    x = at_most((vf)(90.0f), at_least((vf)(-105.0f), x));
    vf t = x * 0x1.715476p0f + magic;
    vf n = t - magic;
    vf r = x - n * 0.693359375f;
    r = r - n * -2.12194440e-4f;
    vf p = (vf)(0x1.6db414p-10f);
    p = p * r + 0x1.123b46p-7f;
    p = p * r + 0x1.55545ep-5f;
    p = p * r + 0x1.55548ep-3f;
    p = p * r + 0.5f;
    p = p * r + 1.0f;
    p = p * r + 1.0f;
#if defined(__x86_64__) && VL == 16
    return (vf)_mm512_scalef_ps((__m512)p, (__m512)n);
#else
    vi i = (vi)t - 0x4b400000, half = i >> 1;
    return p * (vf)((half + 127) << 23) * (vf)((i - half + 127) << 23);
#endif
}

/// ln x for normal x > 0 (Cephes' logf). About 1 ulp.
INLINE vf log_positive(vf x) {
    vi e = ((vi)x - 0x3f3504f3) >> 23;
    vf f = (vf)((vi)x - (e << 23)) - 1.0f;
    vf n = __builtin_convertvector(e, vf);
    vf p = (vf)(7.0376836292e-2f);
    p = p * f - 1.1514610310e-1f;
    p = p * f + 1.1676998740e-1f;
    p = p * f - 1.2420140846e-1f;
    p = p * f + 1.4249322787e-1f;
    p = p * f - 1.6668057665e-1f;
    p = p * f + 2.0000714765e-1f;
    p = p * f - 2.4999993993e-1f;
    p = p * f + 3.3333331174e-1f;
    vf square = f * f;
    vf y = square * f * p + n * -2.12194440e-4f - 0.5f * square;
    return f + y + n * 0.693359375f;
}

/// σ(x) = 1 / (1 + e⁻ˣ).
INLINE vf sigmoid(vf x) { return 1.0f / (1.0f + exp_full(-x)); }

/// Φ(x), the standard normal's distribution function (absolute error 2e-7, relative 1e-6 down to x = −5), and its
/// density φ(x).
///
/// Φ(−|x|) = ½·erfc(z) = ½·exp(−z²)·P(t), z = |x|/√2, t = 1/(1 + 0.35 z), P a minimax polynomial of degree 10 without
/// constant term, fitted over 0 ≤ z ≤ 10.5 with relative error 8e-9. The form is Abramowitz and Stegun's 7.1.26.
INLINE void normal_distribution(vf x, vf *distribution, vf *density) {
    vf magnitude = (vf)((vi)x & 0x7fffffff);
    vf t = 1.0f / (1.0f + 0.35f * 0.70710678f * magnitude);
    vf e = exp_full(-0.5f * x * x);
    vf p = (vf)(0x1.4028dep-5f);
    p = p * t - 0x1.4d465cp-3f;
    p = p * t + 0x1.868650p-3f;
    p = p * t - 0x1.4b38cap-5f;
    p = p * t + 0x1.916f06p-4f;
    p = p * t + 0x1.1e829ep-3f;
    p = p * t + 0x1.3a2e02p-3f;
    p = p * t + 0x1.7fccc8p-3f;
    p = p * t + 0x1.93de8ep-3f;
    p = p * t + 0x1.947090p-3f;
    vf tail = 0.5f * e * (p * t);
    *distribution = choose(x < (vf)(0.0f), tail, 1.0f - tail);
    *density = 0.39894228f * e;
}

INLINE vf gelu_of(vf x) {
    vf distribution, density;
    normal_distribution(x, &distribution, &density);
    return x * distribution;
}

/// d(x·σ(x)) = σ·(1 + x·(1 − σ)).
INLINE vf silu_slope(vf x) {
    vf s = sigmoid(x);
    return s * (1.0f + x * (1.0f - s));
}

/// FOR_ROW(i, n, width) runs its block for each vector of the row, n lanes of which are the row's.
#define FOR_ROW(i, n, width) for (size_t i = 0, n = (width) < VL ? (width) : VL; i < (width); i += VL, n = (width) - i < VL ? (width) - i : VL)

/// Rows that are summed in float before they are added to the double sums, and channels that are summed at a time:
/// their partial sums stay in the first-level cache while whole rows stream by, in the order they lie in memory.
enum { ROWS_PER_PARTIAL_SUM = 64, CHANNELS_PER_PASS = 2048 };

/// The gradient that arrives at z = x·a + b: dy·SiLU′(z), or dy itself.
INLINE vf gradient_before_activation(vf dy, vf x, vf a, vf b, const int silu) {
    return silu ? dy * silu_slope(x * a + b) : dy;
}
