// The register-tiled inner product of bfloat16 pairs, and bringing rows into the order it wants.
//
// VDPBF16PS multiplies two neighbouring bfloat16 of each 32-bit lane and adds both products to a float32: what is
// summed over always lies in pairs, here in a uint32_t.

/// acc[r][lanes] += Σ_i a[r·a_row + i·a_step] · b[i·b_pitch + lanes] over `count` pairs, for R ≤ MR rows and NV (1 or 2)
/// vectors of lanes; R and NV are constants after inlining.
INLINE void accumulate_pairs(vf acc[MR][2], const int R, const int NV, const uint32_t *a, size_t a_row, size_t a_step,
                             const uint32_t *b, size_t b_pitch, size_t count) {
    for (size_t i = 0; i < count; i++) {
        const __m512i b0 = _mm512_loadu_si512(b), b1 = NV == 2 ? _mm512_loadu_si512(b + VL) : b0;
#pragma clang loop unroll(full)
        for (int r = 0; r < R; r++) {
            const __m512bh s = (__m512bh)_mm512_set1_epi32((int)a[(size_t)r * a_row]);
            acc[r][0] = (vf)_mm512_dpbf16_ps((__m512)acc[r][0], s, (__m512bh)b0);
            if (NV == 2) acc[r][1] = (vf)_mm512_dpbf16_ps((__m512)acc[r][1], s, (__m512bh)b1);
        }
        a += a_step;
        b += b_pitch;
    }
}

/// The first `count` ≤ 32 bfloat16 at `p`, then zeros.
INLINE __m512i load_halves(const uint16_t *p, size_t count) {
    return count >= 32 ? _mm512_loadu_si512(p) : _mm512_maskz_loadu_epi16((__mmask32)((1u << count) - 1), p);
}

INLINE void store_halves(uint16_t *p, __m512i x, size_t count) {
    if (count >= 32) _mm512_storeu_si512(p, x);
    else _mm512_mask_storeu_epi16(p, (__mmask32)((1u << count) - 1), x);
}

/// Rounds two vectors to bfloat16: `low` into the first 16, `high` into the last.
INLINE __m512i narrow_two(vf low, vf high) { return (__m512i)_mm512_cvtne2ps_pbh((__m512)high, (__m512)low); }

/// Rounds two vectors to bfloat16 pairs: lane i is (first[i], second[i]).
INLINE __m512i narrow_pairs(vf first, vf second) {
    const __m512i order = _mm512_set_epi16(31, 15, 30, 14, 29, 13, 28, 12, 27, 11, 26, 10, 25, 9, 24, 8, 23, 7, 22, 6, 21, 5, 20, 4,
                                           19, 3, 18, 2, 17, 1, 16, 0);
    return _mm512_permutexvar_epi16(order, narrow_two(first, second));
}

/// Copies rows of `width` bfloat16 as pairs along the row, `pitch` pairs apart; an odd last one has a zero beside it.
static void pack_row_pairs(uint32_t *y, size_t pitch, const uint16_t *x, size_t stride, size_t rows, size_t width) {
    const size_t even = (width + 1) / 2 * 2;
    for (size_t r = 0; r < rows; r++, x += stride, y += pitch)
        for (size_t i = 0; i < width; i += 32) {
            const size_t left = width - i, room = even - i;
            store_halves((uint16_t *)y + i, load_halves(x + i, left < 32 ? left : 32), room < 32 ? room : 32);
        }
}

/// y[r/2, i] = (x[r, i], x[r + 1, i]): pairs of neighbouring rows, `pitch` pairs apart. An odd last row has zeros beside
/// it. Columns are written in whole vectors of 16, with zeros beyond `width`.
static void pack_column_pairs(uint32_t *y, size_t pitch, const uint16_t *x, size_t stride, size_t rows, size_t width) {
    const __m512i low = _mm512_set_epi16(47, 15, 46, 14, 45, 13, 44, 12, 43, 11, 42, 10, 41, 9, 40, 8, 39, 7, 38, 6, 37, 5, 36, 4,
                                         35, 3, 34, 2, 33, 1, 32, 0);
    const __m512i high = _mm512_set_epi16(63, 31, 62, 30, 61, 29, 60, 28, 59, 27, 58, 26, 57, 25, 56, 24, 55, 23, 54, 22, 53, 21,
                                          52, 20, 51, 19, 50, 18, 49, 17, 48, 16);
    for (size_t r = 0; r < rows; r += 2, x += 2 * stride, y += pitch)
        for (size_t i = 0; i < width; i += 32) {
            const size_t left = width - i < 32 ? width - i : 32;
            const __m512i first = load_halves(x + i, left);
            const __m512i second = r + 1 < rows ? load_halves(x + stride + i, left) : _mm512_setzero_si512();
            _mm512_storeu_si512(y + i, _mm512_permutex2var_epi16(first, low, second));
            if (left > 16) _mm512_storeu_si512(y + i + 16, _mm512_permutex2var_epi16(first, high, second));
        }
}

/// y[i, r] = (x[r, 2i], x[r, 2i + 1]) for `rows` ≤ VL rows of `width` bfloat16: pairs along the row, one lane for each
/// row. Lanes from `rows` on are zero, and so is what an odd last element is paired with.
static void pack_lanes(uint32_t *y, size_t y_pitch, const uint16_t *x, size_t stride, size_t rows, size_t width) {
    for (size_t c = 0; c < width; c += 2 * VL, y += VL * y_pitch) {
        const size_t left = smaller(width - c, 2 * VL);
        vf t[VL];
        if (rows == VL && left == 2 * VL) {
#pragma clang loop unroll(full)
            for (size_t i = 0; i < VL; i++) t[i] = (vf)_mm512_loadu_si512(x + i * stride + c);
            transpose_square(t);
#pragma clang loop unroll(full)
            for (size_t i = 0; i < VL; i++) _mm512_storeu_si512(y + i * y_pitch, (__m512i)t[i]);
        } else {
            for (size_t i = 0; i < VL; i++) t[i] = i < rows ? (vf)load_halves(x + i * stride + c, left) : (vf)(0.0f);
            transpose_square(t);
            for (size_t i = 0; 2 * i < left; i++) _mm512_storeu_si512(y + i * y_pitch, (__m512i)t[i]);
        }
    }
}

/// y[r, c] = factor·x[c, r], rounded to bfloat16, for `rows` ≤ VL rows of `y`. `x` has VL lanes.
static void narrow_from_lanes(uint16_t *y, size_t y_pitch, const float *x, size_t x_pitch, size_t rows, size_t columns,
                              float factor) {
    for (size_t c = 0; c < columns; c += VL) {
        const size_t width = columns - c < VL ? columns - c : VL;
        vf t[VL];
#pragma clang loop unroll(full)
        for (size_t i = 0; i < VL; i++) t[i] = i < width ? load(x + (c + i) * x_pitch) * factor : (vf)(0.0f);
        transpose_square(t);
#pragma clang loop unroll(full)
        for (size_t i = 0; i < VL; i++)
            if (i < rows)
                _mm256_mask_storeu_epi16(y + i * y_pitch + c, (__mmask16)((1u << width) - 1),
                                         (__m256i)_mm512_cvtneps_pbh((__m512)t[i]));
    }
}
