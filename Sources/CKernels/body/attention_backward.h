// The pullback of attention, from recomputed probabilities (Dao et al. 2022):
//
//     p = exp(s − lse)      dv = pᵀ·do      dp = do·vᵀ      ds = p ∘ (dp − D),  D = Σ do ∘ o
//     dq = scale·ds·k       dk = scale·dsᵀ·q
//
// Lanes run along the keys: scores, dp, dv and dk then need no sum over lanes; ds alone is transposed, for dq.

enum { BACKWARD_QUERIES = 64, BACKWARD_KEYS = 96 };   // per block

/// p and ds for `R` queries and NV vectors of keys, both [queries, LANES].
INLINE void backward_probabilities(const int R, const int NV, float *p, float *ds, const float *query, const float *d_output,
                                   const float *lse, const float *delta, const float *key, const float *value,
                                   size_t head_size) {
    vf acc[MR][2];
#pragma clang loop unroll(full)
    for (int r = 0; r < R; r++) acc[r][0] = acc[r][1] = (vf)(0.0f);
    accumulate_product(acc, R, NV, query, head_size, 1, key, LANES, head_size);
#pragma clang loop unroll(full)
    for (int r = 0; r < R; r++)
        for (int j = 0; j < NV; j++) {
            store(p + r * LANES + j * VL, exp2_fast(acc[r][j] - lse[r]));
            acc[r][j] = (vf)(0.0f);
        }
    accumulate_product(acc, R, NV, d_output, head_size, 1, value, LANES, head_size);
#pragma clang loop unroll(full)
    for (int r = 0; r < R; r++)
        for (int j = 0; j < NV; j++)
            store(ds + r * LANES + j * VL, load(p + r * LANES + j * VL) * (acc[r][j] - delta[r]));
}

/// y[d, lanes] += Σ_i x[i, d]·w[i, lanes] for R elements d; `x` has rows of `pitch`.
INLINE void backward_accumulate(const int R, const int NV, float *y, const float *x, size_t pitch, const float *w,
                                size_t count) {
    vf acc[MR][2];
#pragma clang loop unroll(full)
    for (int r = 0; r < R; r++) {
        acc[r][0] = load(y + r * LANES);
        acc[r][1] = NV == 2 ? load(y + r * LANES + VL) : acc[r][0];
    }
    accumulate_product(acc, R, NV, x, 1, pitch, w, LANES, count);
#pragma clang loop unroll(full)
    for (int r = 0; r < R; r++)
        for (int j = 0; j < NV; j++) store(y + r * LANES + j * VL, acc[r][j]);
}

/// The same for the whole head: y is [head_size, LANES].
INLINE void backward_accumulate_head(const int NV, float *y, const float *x, const float *w, size_t head_size, size_t count) {
    for (size_t d = 0, n; d < head_size; d += n) {
        n = balanced_rows(head_size - d);
#define ACCUMULATE(R) backward_accumulate(R, NV, y + d * LANES, x + d, head_size, w, count)
        FOR_ROWS(n, ACCUMULATE)
#undef ACCUMULATE
    }
}

/// What one block of keys and one block of queries work on; all rows are head_size apart.
struct backward_block {
    const float *query, *d_output, *lse, *delta;   // [queries, head_size] twice, [queries] twice
    const float *key, *value;                      // [head_size, LANES], transposed
    float *d_key, *d_value;                        // [head_size, LANES], transposed
    float *p, *ds;                                 // [BACKWARD_QUERIES, LANES]
    size_t queries, head_size;
};

INLINE void backward_keys(const int NV, const struct backward_block *b) {
    for (size_t i = 0, n; i < b->queries; i += n) {
        n = balanced_rows(b->queries - i);
#define PROBABILITIES(R)                                                                                               \
    backward_probabilities(R, NV, b->p + i * LANES, b->ds + i * LANES, b->query + i * b->head_size,                    \
                           b->d_output + i * b->head_size, b->lse + i, b->delta + i, b->key, b->value, b->head_size)
        FOR_ROWS(n, PROBABILITIES)
#undef PROBABILITIES
    }
    backward_accumulate_head(NV, b->d_value, b->d_output, b->p, b->head_size, b->queries);
    backward_accumulate_head(NV, b->d_key, b->query, b->ds, b->head_size, b->queries);
}

static __attribute__((noinline)) void backward_keys_narrow(const struct backward_block *b) { backward_keys(1, b); }
static __attribute__((noinline)) void backward_keys_wide(const struct backward_block *b) { backward_keys(2, b); }

static __attribute__((noinline)) void backward_queries_narrow(float *dq, const float *k, const float *ds, size_t d, size_t n) {
    backward_accumulate_head(1, dq, k, ds, d, n);
}
static __attribute__((noinline)) void backward_queries_wide(float *dq, const float *k, const float *ds, size_t d, size_t n) {
    backward_accumulate_head(2, dq, k, ds, d, n);
}

/// Σ a·b over one row.
INLINE float row_product(const float *a, const float *b, size_t width) {
    vf sum = {0};
    for (size_t i = 0; i < width; i += VL) sum += load_up_to(a + i, width - i) * load_up_to(b + i, width - i);
    return sum_of_lanes(sum);
}

/// y[lane tile][head_size, LANES] = xᵀ; every half tile that has rows is written whole.
static void transpose_head(float *y, const float *x, size_t stride, size_t rows, size_t head_size) {
    for (size_t i = 0; i < rows; i += VL)
        transpose_into_lanes(y + i / LANES * LANES * head_size + i % LANES, LANES, x + i * stride, stride,
                             smaller(rows - i, VL), head_size, 1.0f);
}

/// The way back, times `factor`.
static void untranspose_head(float *y, size_t stride, const float *x, size_t rows, size_t head_size, float factor) {
    for (size_t i = 0; i < rows; i += VL)
        transpose_from_lanes(y + i * stride, stride, x + i / LANES * LANES * head_size + i % LANES, LANES,
                             smaller(rows - i, VL), head_size, factor);
}

static void attention_backward(float *dq, float *dk, float *dv, const float *d_o, const float *o, const float *lse,
                               const float *q, const float *k, const float *v, size_t queries, size_t keys,
                               size_t head_size, size_t q_stride, size_t k_stride, size_t v_stride, size_t o_stride,
                               float scale, float *scratch) {
    const size_t block = BACKWARD_KEYS * head_size, padded = ck_rounded_up(queries, CK_LANES);
    float *query = ck_aligned(scratch), *d_output = query + padded * head_size, *d_query = d_output + padded * head_size;
    float *padded_lse = d_query + padded * head_size, *delta = padded_lse + padded;
    float *key = delta + padded, *value = key + block, *d_key = value + block, *d_value = d_key + block;
    float *packed_key = d_value + block, *p = packed_key + block, *ds = p + BACKWARD_QUERIES * LANES;
    float *ds_transposed = ds + BACKWARD_QUERIES * BACKWARD_KEYS;

    // Queries in units of log 2, so that p is 2^x; dk takes the factor out again.
    for (size_t i = 0; i < queries; i++) {
        const float *row = q + i * q_stride;
        for (size_t c = 0; c < head_size; c += VL)
            store_up_to(query + i * head_size + c, load_up_to(row + c, head_size - c) * (scale * 1.44269504f), head_size - c);
        padded_lse[i] = lse[i];
        delta[i] = row_product(d_o + i * o_stride, o + i * o_stride, head_size);
    }
    pack_rows(d_output, head_size, d_o, o_stride, queries, head_size);
    memset(d_query, 0, padded * head_size * sizeof(float));

    for (size_t first_key = 0; first_key < keys; first_key += BACKWARD_KEYS) {
        const size_t count = smaller(keys - first_key, BACKWARD_KEYS);
        transpose_head(key, k + first_key * k_stride, k_stride, count, head_size);
        transpose_head(value, v + first_key * v_stride, v_stride, count, head_size);
        pack_rows(packed_key, head_size, k + first_key * k_stride, k_stride, count, head_size);
        memset(d_key, 0, block * sizeof(float));
        memset(d_value, 0, block * sizeof(float));

        for (size_t first = 0; first < queries; first += BACKWARD_QUERIES) {
            const size_t rows = smaller(queries - first, BACKWARD_QUERIES);
            for (size_t lane = 0; lane < count; lane += LANES) {
                const size_t width = smaller(count - lane, LANES), at = lane * head_size;
                const struct backward_block b = {
                    query + first * head_size, d_output + first * head_size, padded_lse + first, delta + first, key + at, value + at,
                    d_key + at, d_value + at, p, ds + lane * BACKWARD_QUERIES, rows, head_size};
                (width > VL ? backward_keys_wide : backward_keys_narrow)(&b);
            }
            // ds is [lane tile][queries, LANES of keys]; dq wants [lane tile][keys, LANES of queries].
            for (size_t i = 0; i < rows; i += VL)
                for (size_t lane = 0; lane < count; lane += VL)
                    transpose_into_lanes(ds_transposed + i / LANES * LANES * BACKWARD_KEYS + i % LANES + lane * LANES, LANES,
                                         ds + lane / LANES * LANES * BACKWARD_QUERIES + lane % LANES + i * LANES, LANES,
                                         smaller(rows - i, VL), smaller(count - lane, VL), 1.0f);
            for (size_t i = 0; i < rows; i += LANES)
                (rows - i > VL ? backward_queries_wide : backward_queries_narrow)(
                    d_query + (first + i) * head_size, packed_key, ds_transposed + i * BACKWARD_KEYS, head_size, count);
        }
        untranspose_head(dk + first_key * k_stride, k_stride, d_key, count, head_size, 0.693147181f);
        untranspose_head(dv + first_key * v_stride, v_stride, d_value, count, head_size, 1.0f);
    }
    untranspose_head(dq, q_stride, d_query, queries, head_size, scale);
}
