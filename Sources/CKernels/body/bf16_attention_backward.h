// The pullback of attention in bfloat16: p is computed again from the log-sum-exp, with the lanes along the keys.
//
//     p = exp(scale·q·kᵀ − lse)      dv = pᵀ·do      ds = p·(do·vᵀ − Σ do·o)      dk = scale·dsᵀ·q      dq = scale·ds·k
//
// p and ds are rounded to bfloat16 for the products that take them; softmax and all sums are float32.

enum { PAIRED_QUERIES = 64, PAIRED_KEYS = 192 };   // even; whole lane tiles

/// One block of queries against one tile of up to LANES keys.
struct paired_backward {
    const uint32_t *query, *d_output;       // [rows, pairs of the head]
    const float *lse, *delta;               // [rows], lse in units of log 2
    const uint32_t *key, *value;            // [pairs of the head, LANES]
    uint32_t *p, *ds;                       // [pairs of rows, LANES]
    uint32_t *ds_rows;                      // [rows, PAIRED_KEYS / 2] from this tile on: pairs of keys
    size_t pairs;
    float factor;
};

/// p and ds of the rows [row, row + R), R even.
INLINE void paired_backward_rows(const int R, const int NV, const struct paired_backward *b, size_t row) {
    vf acc[MR][2];
    float p[MR * LANES];
#pragma clang loop unroll(full)
    for (int r = 0; r < R; r++) acc[r][0] = acc[r][1] = (vf)(0.0f);
    accumulate_pairs(acc, R, NV, b->query + row * b->pairs, b->pairs, 1, b->key, LANES, b->pairs);
#pragma clang loop unroll(full)
    for (int r = 0; r < R; r += 2)
        for (int j = 0; j < NV; j++) {
            // A lane without a key has the score 0, which may be far above lse: it must stay finite.
            const vf first = exp2_coarse(lowered((vf)(1.0f), acc[r][j] * b->factor - b->lse[row + (size_t)r]));
            const vf second = exp2_coarse(lowered((vf)(1.0f), acc[r + 1][j] * b->factor - b->lse[row + (size_t)r + 1]));
            store(p + r * LANES + j * VL, first);
            store(p + (r + 1) * LANES + j * VL, second);
            _mm512_storeu_si512(b->p + (row + (size_t)r) / 2 * LANES + j * VL, narrow_pairs(first, second));
        }
#pragma clang loop unroll(full)
    for (int r = 0; r < R; r++) acc[r][0] = acc[r][1] = (vf)(0.0f);
    accumulate_pairs(acc, R, NV, b->d_output + row * b->pairs, b->pairs, 1, b->value, LANES, b->pairs);
#pragma clang loop unroll(full)
    for (int r = 0; r < R; r += 2) {
        vf ds[2][2];
        for (int i = 0; i < 2; i++)
            for (int j = 0; j < 2; j++)
                ds[i][j] = j < NV ? load(p + (r + i) * LANES + j * VL) * (acc[r + i][j] - b->delta[row + (size_t)(r + i)]) : (vf)(0.0f);
        for (int j = 0; j < NV; j++)
            _mm512_storeu_si512(b->ds + (row + (size_t)r) / 2 * LANES + j * VL, narrow_pairs(ds[0][j], ds[1][j]));
        for (int i = 0; i < 2; i++)
            _mm512_storeu_si512(b->ds_rows + (row + (size_t)(r + i)) * (PAIRED_KEYS / 2), narrow_two(ds[i][0], ds[i][1]));
    }
}

INLINE void paired_backward_tile(const int NV, const struct paired_backward *b, size_t rows) {
    for (size_t row = 0, n; row < rows; row += n) {
        n = ck_rounded_up(balanced_rows(rows - row), 2);
        switch (n) {
        case 2: paired_backward_rows(2, NV, b, row); break;
        case 4: paired_backward_rows(4, NV, b, row); break;
        case 6: paired_backward_rows(6, NV, b, row); break;
        case 8: paired_backward_rows(8, NV, b, row); break;
        case 10: paired_backward_rows(10, NV, b, row); break;
        default: paired_backward_rows(12, NV, b, row); break;
        }
    }
}

static __attribute__((noinline)) void paired_backward_narrow(const struct paired_backward *b, size_t rows) {
    paired_backward_tile(1, b, rows);
}

static __attribute__((noinline)) void paired_backward_wide(const struct paired_backward *b, size_t rows) {
    paired_backward_tile(2, b, rows);
}

/// y[r, lanes] += Σ_i a[r·a_row + i·a_step] · b[i·b_pitch + lanes] for any number of rows.
INLINE void add_product(const int NV, float *y, size_t y_pitch, const uint32_t *a, size_t a_row, size_t a_step, const uint32_t *b,
                        size_t b_pitch, size_t rows, size_t count) {
    for (size_t row = 0, n; row < rows; row += n) {
        n = balanced_rows(rows - row);
#define PRODUCT(R)                                                                                                     \
    {                                                                                                                  \
        vf acc[MR][2];                                                                                                 \
        _Pragma("clang loop unroll(full)") for (int r = 0; r < R; r++)                                                 \
            for (int j = 0; j < NV; j++) acc[r][j] = load(y + (row + (size_t)r) * y_pitch + j * VL);                   \
        accumulate_pairs(acc, R, NV, a + row * a_row, a_row, a_step, b, b_pitch, count);                               \
        _Pragma("clang loop unroll(full)") for (int r = 0; r < R; r++)                                                 \
            for (int j = 0; j < NV; j++) store(y + (row + (size_t)r) * y_pitch + j * VL, acc[r][j]);                   \
    }
        FOR_ROWS(n, PRODUCT)
#undef PRODUCT
    }
}

static __attribute__((noinline)) void add_product_narrow(float *y, size_t y_pitch, const uint32_t *a, size_t a_row, size_t a_step,
                                                         const uint32_t *b, size_t b_pitch, size_t rows, size_t count) {
    add_product(1, y, y_pitch, a, a_row, a_step, b, b_pitch, rows, count);
}

static __attribute__((noinline)) void add_product_wide(float *y, size_t y_pitch, const uint32_t *a, size_t a_row, size_t a_step,
                                                       const uint32_t *b, size_t b_pitch, size_t rows, size_t count) {
    add_product(2, y, y_pitch, a, a_row, a_step, b, b_pitch, rows, count);
}

/// Σ a·b over one row of bfloat16.
INLINE float paired_row_product(const uint16_t *a, const uint16_t *b, size_t width) {
    __m512 sum = _mm512_setzero_ps();
    for (size_t i = 0; i < width; i += 32) {
        const size_t left = smaller(width - i, 32);
        sum = _mm512_dpbf16_ps(sum, (__m512bh)load_halves(a + i, left), (__m512bh)load_halves(b + i, left));
    }
    return sum_of_lanes((vf)sum);
}

/// y[lane tile][pairs, LANES] of any number of rows. Lanes without a row are zero.
static void pack_tiles(uint32_t *y, const uint16_t *x, size_t stride, size_t count, size_t head_size, size_t pairs) {
    for (size_t i = 0; i < ck_rounded_up(count, LANES); i += VL)
        pack_lanes(y + i / LANES * LANES * pairs + i % LANES, LANES, x + i * stride, stride, i < count ? smaller(count - i, VL) : 0,
                   head_size);
}

static void unpack_tiles(uint16_t *y, size_t stride, const float *x, size_t count, size_t head_size, float factor) {
    for (size_t i = 0; i < count; i += VL)
        narrow_from_lanes(y + i * stride, stride, x + i / LANES * LANES * head_size + i % LANES, LANES, smaller(count - i, VL),
                          head_size, factor);
}

void ck_bf16_attention_backward(uint16_t *dq, uint16_t *dk, uint16_t *dv, const uint16_t *d_o, const uint16_t *o, const float *lse,
                                const uint16_t *q, const uint16_t *k, const uint16_t *v, size_t queries, size_t keys,
                                size_t head_size, size_t q_stride, size_t k_stride, size_t v_stride, size_t o_stride, float scale,
                                float *scratch) {
    const size_t pairs = (head_size + 1) / 2, pitch = ck_rounded_up(head_size, VL), padded = ck_rounded_up(queries, 2);
    float *d_query = ck_aligned(scratch), *padded_lse = d_query + padded * pitch, *delta = padded_lse + padded;
    float *d_key = delta + padded, *d_value = d_key + PAIRED_KEYS * head_size;
    uint32_t *key = (uint32_t *)(d_value + PAIRED_KEYS * head_size), *value = key + PAIRED_KEYS * pairs;
    uint32_t *key_columns = value + PAIRED_KEYS * pairs, *query = key_columns + PAIRED_KEYS / 2 * pitch;
    uint32_t *d_output = query + PAIRED_QUERIES * pairs, *query_columns = d_output + PAIRED_QUERIES * pairs;
    uint32_t *d_output_columns = query_columns + PAIRED_QUERIES / 2 * pitch, *p = d_output_columns + PAIRED_QUERIES / 2 * pitch;
    uint32_t *ds = p + PAIRED_QUERIES / 2 * LANES, *ds_rows = ds + PAIRED_QUERIES / 2 * LANES;

    padded_lse[padded - 1] = delta[padded - 1] = 0;
    for (size_t i = 0; i < queries; i++) {
        padded_lse[i] = lse[i];
        delta[i] = paired_row_product(d_o + i * o_stride, o + i * o_stride, head_size);
    }
    memset(d_query, 0, padded * pitch * sizeof(float));

    for (size_t first_key = 0; first_key < keys; first_key += PAIRED_KEYS) {
        const size_t count = smaller(keys - first_key, PAIRED_KEYS), key_pairs = (count + 1) / 2;
        pack_tiles(key, k + first_key * k_stride, k_stride, count, head_size, pairs);
        pack_tiles(value, v + first_key * v_stride, v_stride, count, head_size, pairs);
        pack_column_pairs(key_columns, pitch, k + first_key * k_stride, k_stride, count, head_size);
        memset(d_key, 0, PAIRED_KEYS * head_size * sizeof(float));
        memset(d_value, 0, PAIRED_KEYS * head_size * sizeof(float));

        for (size_t first = 0; first < queries; first += PAIRED_QUERIES) {
            const size_t real = smaller(queries - first, PAIRED_QUERIES), rows = ck_rounded_up(real, 2);
            const uint16_t *q0 = q + first * q_stride, *d0 = d_o + first * o_stride;
            pack_row_pairs(query, pairs, q0, q_stride, real, head_size);
            pack_row_pairs(d_output, pairs, d0, o_stride, real, head_size);
            if (rows > real) {
                memset(query + real * pairs, 0, pairs * sizeof(uint32_t));
                memset(d_output + real * pairs, 0, pairs * sizeof(uint32_t));
            }
            pack_column_pairs(query_columns, pitch, q0, q_stride, real, head_size);
            pack_column_pairs(d_output_columns, pitch, d0, o_stride, real, head_size);
            for (size_t lane = 0; lane < count; lane += LANES) {
                const size_t at = lane * head_size;
                const int wide = count - lane > VL;
                const struct paired_backward b = {
                    query, d_output, padded_lse + first, delta + first, key + lane * pairs, value + lane * pairs, p, ds,
                    ds_rows + lane / 2, pairs, scale * 1.44269504f};
                (wide ? paired_backward_wide : paired_backward_narrow)(&b, rows);
                (wide ? add_product_wide : add_product_narrow)(d_value + at, LANES, d_output_columns, 1, pitch, p, LANES, head_size, rows / 2);
                (wide ? add_product_wide : add_product_narrow)(d_key + at, LANES, query_columns, 1, pitch, ds, LANES, head_size, rows / 2);
            }
            for (size_t d = 0; d < head_size; d += LANES)
                (head_size - d > VL ? add_product_wide : add_product_narrow)(
                    d_query + first * pitch + d, pitch, ds_rows, PAIRED_KEYS / 2, 1, key_columns + d, pitch, rows, key_pairs);
        }
        unpack_tiles(dk + first_key * k_stride, k_stride, d_key, count, head_size, scale);
        unpack_tiles(dv + first_key * v_stride, v_stride, d_value, count, head_size, 1.0f);
    }
    for (size_t i = 0; i < queries; i++)
        for (size_t d = 0; d < head_size; d += VL)
            _mm256_mask_storeu_epi16(dq + i * q_stride + d, (__mmask16)((1u << smaller(head_size - d, VL)) - 1),
                                     (__m256i)_mm512_cvtneps_pbh((__m512)(load(d_query + i * pitch + d) * scale)));
}

size_t ck_bf16_attention_backward_scratch(size_t queries, size_t head_size) {
    const size_t pairs = (head_size + 1) / 2, pitch = ck_rounded_up(head_size, VL);
    return 16 + ck_rounded_up(queries, 2) * (pitch + 2) + 2 * PAIRED_KEYS * (head_size + pairs) + PAIRED_KEYS / 2 * pitch +
           PAIRED_QUERIES * (2 * pairs + pitch + LANES) + PAIRED_QUERIES * (PAIRED_KEYS / 2);
}
