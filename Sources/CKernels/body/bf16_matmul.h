// The matrix product in bfloat16: register tiles of MR rows by LANES columns of c. Columns of b are packed into panels
// of LANES as they are needed, a few at a time, and rows of a are read where they lie unless that is slow.
//
// Every element of c is summed in the same order whatever m and n are: a caller's split changes no bit.

enum {
    PANELS_PER_GROUP = 4,                     ///< panels packed at once: 320 KiB at most, which share a second-level cache
    LEAST_ROWS = 64,                          ///< below, packing b costs too much; below LEAST_DEPTH, fetching c does
    LEAST_DEPTH = 64, LARGEST_DEPTH = 1280,   ///< above, a panel does not stay in the cache. oneDNN is faster there
};

struct paired_matmul {
    void *c;
    const uint16_t *a, *b;
    const float *bias;
    size_t m, n, k, lda, ldb, ldc;
    int c_is_float, aT, bT, accumulate;
};

/// c of R rows and `lanes` columns from (row, column) on: sums of `count` pairs.
INLINE void paired_matmul_tile(const int R, const int NV, const struct paired_matmul *s, size_t row, size_t column, size_t lanes,
                               const uint32_t *a, size_t a_row, size_t a_step, const uint32_t *b, size_t count) {
    vf acc[MR][2];
#pragma clang loop unroll(full)
    for (int r = 0; r < R; r++) acc[r][0] = acc[r][1] = (vf)(0.0f);
    accumulate_pairs(acc, R, NV, a, a_row, a_step, b, LANES, count);
    const __mmask16 masks[2] = {lanes >= VL ? 0xffff : (__mmask16)((1u << lanes) - 1),
                                lanes >= LANES ? 0xffff : lanes > VL ? (__mmask16)((1u << (lanes - VL)) - 1) : 0};
    vf bias[2];
    for (int j = 0; j < NV; j++) bias[j] = s->bias ? (vf)_mm512_maskz_loadu_ps(masks[j], s->bias + column + j * VL) : (vf)(0.0f);
#pragma clang loop unroll(full)
    for (int r = 0; r < R; r++)
        for (int j = 0; j < NV; j++) {
            const size_t at = (row + (size_t)r) * s->ldc + column + j * VL;
            vf y = acc[r][j] + bias[j];
            if (s->c_is_float) {
                float *c = (float *)s->c + at;
                if (s->accumulate) y += (vf)_mm512_maskz_loadu_ps(masks[j], c);
                _mm512_mask_storeu_ps(c, masks[j], (__m512)y);
            } else {
                uint16_t *c = (uint16_t *)s->c + at;
                if (s->accumulate)
                    y += (vf)_mm512_slli_epi32(_mm512_cvtepu16_epi32(_mm256_maskz_loadu_epi16(masks[j], c)), 16);
                _mm256_mask_storeu_epi16(c, masks[j], (__m256i)_mm512_cvtneps_pbh((__m512)y));
            }
        }
}

static __attribute__((noinline)) void paired_matmul_rows(size_t rows, const struct paired_matmul *s, size_t row, size_t column,
                                                         size_t lanes, const uint32_t *a, size_t a_row, size_t a_step,
                                                         const uint32_t *b, size_t count) {
#define NARROW(R) paired_matmul_tile(R, 1, s, row, column, lanes, a, a_row, a_step, b, count)
#define WIDE(R) paired_matmul_tile(R, 2, s, row, column, lanes, a, a_row, a_step, b, count)
    if (lanes > VL) FOR_ROWS(rows, WIDE)
    else FOR_ROWS(rows, NARROW)
#undef NARROW
#undef WIDE
}

/// The panel of columns [column, column + lanes): [pairs, LANES].
static void pack_panel(uint32_t *y, const struct paired_matmul *s, size_t column, size_t lanes) {
    if (s->bT) {
        for (size_t i = 0; i < (lanes > VL ? LANES : VL); i += VL)
            pack_lanes(y + i, LANES, s->b + (column + i) * s->ldb, s->ldb, smaller(lanes - i, VL), s->k);
    } else {
        pack_column_pairs(y, LANES, s->b + column, s->ldb, s->k, lanes);
    }
}

/// `panels` is room for a group of panels, `rows` for a tile of a.
static void paired_matmul(const struct paired_matmul *s, uint32_t *panels, uint32_t *rows) {
    const size_t group = PANELS_PER_GROUP * LANES, pairs = (s->k + 1) / 2;
    // Read in place, rows a multiple of 2 KiB apart would fall into the same few sets of the first-level cache; and an
    // odd last element has none to be paired with.
    const int packs = s->k % 2 || s->lda % 2 || s->lda % 1024 == 0;
    for (size_t column = 0; column < s->n; column += group) {
        const size_t columns = smaller(s->n - column, group);
        for (size_t j = 0; j < columns; j += LANES) pack_panel(panels + j * pairs, s, column + j, smaller(columns - j, LANES));
        for (size_t row = 0, n; row < s->m; row += n) {
            n = balanced_rows(s->m - row);
            const uint32_t *a = rows;
            size_t a_row = pairs + VL, a_step = 1;
            if (s->aT) {
                pack_column_pairs(rows, VL, s->a + row, s->lda, s->k, n);
                a_row = 1, a_step = VL;
            } else if (packs) {
                pack_row_pairs(rows, a_row, s->a + row * s->lda, s->lda, n, s->k);
            } else {
                a = (const uint32_t *)(s->a + row * s->lda), a_row = s->lda / 2;
            }
            for (size_t j = 0; j < columns; j += LANES)
                paired_matmul_rows(n, s, row, column + j, smaller(columns - j, LANES), a, a_row, a_step, panels + j * pairs, pairs);
        }
    }
}

int ck_bf16_matmul(void *c, int c_is_float, const uint16_t *a, const uint16_t *b, const float *bias, int aT, int bT, int64_t m,
                   int64_t n, int64_t k, int64_t lda, int64_t ldb, int64_t ldc, int accumulate) {
    if (m < LEAST_ROWS || k < LEAST_DEPTH || k > LARGEST_DEPTH)
        return ck_onednn_matmul(c, c_is_float, a, b, bias, aT, bT, m, n, k, lda, ldb, ldc, accumulate);
    const struct paired_matmul s = {c, a, b, bias, (size_t)m, (size_t)n, (size_t)k, (size_t)lda, (size_t)ldb, (size_t)ldc,
                                    c_is_float, aT, bT, accumulate};
    const size_t pairs = (s.k + 1) / 2, panels = smaller(ck_rounded_up(s.n, LANES), PANELS_PER_GROUP * LANES) * pairs;
    const size_t rows = MR * (pairs + VL) + VL * pairs;
    const struct ck_block memory = ck_borrow((panels + rows) * sizeof(uint32_t));
    if (!memory.bytes) return -1;
    paired_matmul(&s, memory.bytes, (uint32_t *)memory.bytes + panels);
    ck_give_back(memory);
    return 0;
}
