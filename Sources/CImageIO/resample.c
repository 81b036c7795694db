#include "CImageIO.h"

#include <string.h>
#if defined(__SSE2__)
#include <emmintrin.h>
#endif

enum { FRACTION_BITS = 22, LOW_BITS = 15 };

static inline uint8_t clip(int32_t sum) {
    const int32_t value = sum >> FRACTION_BITS;
    return value < 0 ? 0 : value > 255 ? 255 : (uint8_t)value;
}

#if defined(__SSE2__)
// A weight w of 24 bits is split as w = high·2¹⁵ + low with 0 ≤ low < 2¹⁵, so that pmaddwd multiplies both parts
// exactly; (Σ high·byte)·2¹⁵ + Σ low·byte is Pillow's sum, modulo 2³² as there.
static inline __m128i low_pair(int32_t a, int32_t b) {
    return _mm_set1_epi32((a & 0x7fff) | (int32_t)((uint32_t)(b & 0x7fff) << 16));
}
static inline __m128i high_pair(int32_t a, int32_t b) {
    return _mm_set1_epi32(((a >> LOW_BITS) & 0xffff) | (int32_t)((uint32_t)(b >> LOW_BITS) << 16));
}
static inline __m128i finish(__m128i low, __m128i high) {
    const __m128i half = _mm_set1_epi32(1 << (FRACTION_BITS - 1));
    return _mm_srai_epi32(_mm_add_epi32(_mm_add_epi32(_mm_slli_epi32(high, LOW_BITS), low), half), FRACTION_BITS);
}

static void row4(uint8_t *out, const uint8_t *in, int width, const int32_t *bounds, const int32_t *weights, int taps) {
    const __m128i zero = _mm_setzero_si128();
    for (int i = 0; i < width; i++, weights += taps) {
        const uint8_t *p = in + 4 * (size_t)bounds[2 * i];
        const int count = bounds[2 * i + 1];
        __m128i low = zero, high = zero;
        int t = 0;
        for (; t + 1 < count; t += 2, p += 8) {
            const __m128i two = _mm_loadl_epi64((const __m128i *)p);
            const __m128i pairs = _mm_unpacklo_epi8(_mm_unpacklo_epi8(two, _mm_srli_si128(two, 4)), zero);
            low = _mm_add_epi32(low, _mm_madd_epi16(pairs, low_pair(weights[t], weights[t + 1])));
            high = _mm_add_epi32(high, _mm_madd_epi16(pairs, high_pair(weights[t], weights[t + 1])));
        }
        if (t < count) {
            int32_t last;
            memcpy(&last, p, 4);
            const __m128i pairs = _mm_unpacklo_epi8(_mm_unpacklo_epi8(_mm_cvtsi32_si128(last), zero), zero);
            low = _mm_add_epi32(low, _mm_madd_epi16(pairs, low_pair(weights[t], 0)));
            high = _mm_add_epi32(high, _mm_madd_epi16(pairs, high_pair(weights[t], 0)));
        }
        const __m128i words = _mm_packs_epi32(finish(low, high), zero);
        const int32_t pixel = _mm_cvtsi128_si32(_mm_packus_epi16(words, zero));
        memcpy(out + 4 * (size_t)i, &pixel, 4);
    }
}

static size_t column8(uint8_t *out, const uint8_t *in, size_t bytes, size_t stride, const int32_t *weights, int count) {
    const __m128i zero = _mm_setzero_si128();
    size_t x = 0;
    for (; x + 8 <= bytes; x += 8) {
        __m128i low0 = zero, low1 = zero, high0 = zero, high1 = zero;
        const uint8_t *p = in + x;
        for (int t = 0; t < count; t += 2, p += 2 * stride) {
            const int pair = t + 1 < count;
            const __m128i a = _mm_loadl_epi64((const __m128i *)p);
            const __m128i b = pair ? _mm_loadl_epi64((const __m128i *)(p + stride)) : zero;
            const __m128i mixed = _mm_unpacklo_epi8(a, b);
            const __m128i p0 = _mm_unpacklo_epi8(mixed, zero), p1 = _mm_unpackhi_epi8(mixed, zero);
            const int32_t w0 = weights[t], w1 = pair ? weights[t + 1] : 0;
            const __m128i l = low_pair(w0, w1), h = high_pair(w0, w1);
            low0 = _mm_add_epi32(low0, _mm_madd_epi16(p0, l));
            low1 = _mm_add_epi32(low1, _mm_madd_epi16(p1, l));
            high0 = _mm_add_epi32(high0, _mm_madd_epi16(p0, h));
            high1 = _mm_add_epi32(high1, _mm_madd_epi16(p1, h));
        }
        const __m128i words = _mm_packs_epi32(finish(low0, high0), finish(low1, high1));
        _mm_storel_epi64((__m128i *)(out + x), _mm_packus_epi16(words, zero));
    }
    return x;
}
#endif

void cimage_resample_row(uint8_t *out, const uint8_t *in, int width, int channels,
                         const int32_t *bounds, const int32_t *weights, int taps) {
#if defined(__SSE2__)
    if (channels == 4) {
        row4(out, in, width, bounds, weights, taps);
        return;
    }
#endif
    for (int i = 0; i < width; i++, weights += taps) {
        const uint8_t *first = in + (size_t)channels * (size_t)bounds[2 * i];
        const int count = bounds[2 * i + 1];
        for (int c = 0; c < channels; c++) {
            const uint8_t *p = first + c;
            int32_t sum = 1 << (FRACTION_BITS - 1);
            for (int t = 0; t < count; t++, p += channels) sum += weights[t] * *p;
            out[(size_t)channels * (size_t)i + (size_t)c] = clip(sum);
        }
    }
}

void cimage_resample_column(uint8_t *out, const uint8_t *in, size_t bytes, size_t stride,
                            const int32_t *weights, int count) {
    size_t x = 0;
#if defined(__SSE2__)
    x = column8(out, in, bytes, stride, weights, count);
#endif
    for (; x < bytes; x++) {
        int32_t sum = 1 << (FRACTION_BITS - 1);
        const uint8_t *p = in + x;
        for (int t = 0; t < count; t++, p += stride) sum += weights[t] * *p;
        out[x] = clip(sum);
    }
}
