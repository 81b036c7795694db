// Attention in bfloat16, as attention_forward.h has it in float32: lanes along the queries, scores, softmax and output
// in float32. Only what the products take is bfloat16: q, k, v as they come, and 2^(score − maximum).

enum { PAIRED_KEYS_PER_BLOCK = 96 };   // even

/// State of `LANES` queries between two blocks of keys.
struct paired_tile {
    float *output;           // [head_size, LANES], transposed, not yet divided by `sum`
    float *maximum, *sum;    // [LANES], in units of log 2
    const uint32_t *query;   // [pairs of the head, LANES]
    size_t first_row;
    size_t rows;             // queries of this tile; the lanes after them hold none
};

/// One block of keys and values, packed.
struct paired_block {
    const uint32_t *keys;     // [count, pairs of the head]
    const uint32_t *values;   // [pairs of keys, pitch]
    size_t count, first, pairs, head_size, pitch;
    const ck_attention_bias *bias;   // null: none
};

/// 2^x for finite x, relative error 3e-6: far below a bfloat16's rounding. NaN stays NaN.
///
/// x = n + r with |r| ≤ ½, 2^r by a minimax polynomial of degree 4.
INLINE vf exp2_coarse(vf x) {
    const __m512 n = _mm512_roundscale_ps((__m512)x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
    const vf r = x - (vf)n;
    vf p = (vf)(0x1.3a02ccp-7f);
    p = p * r + 0x1.c9fc46p-5f;
    p = p * r + 0x1.ec0378p-3f;
    p = p * r + 0x1.62e12cp-1f;
    p = p * r + 1.0f;
    return (vf)_mm512_scalef_ps((__m512)p, n);
}

/// max(bound, x) and min(bound, x) in one instruction each; a NaN in `x` stays one.
INLINE vf raised(vf bound, vf x) { return (vf)_mm512_max_ps((__m512)bound, (__m512)x); }
INLINE vf lowered(vf bound, vf x) { return (vf)_mm512_min_ps((__m512)bound, (__m512)x); }

/// Scores of `R` keys from `key` on, in units of log 2, and their maximum per lane.
INLINE void paired_scores(const int R, const int NV, float *scores, vf maximum[2], const struct paired_tile *tile,
                          const struct paired_block *b, size_t key, float factor, int masked) {
    vf acc[MR][2];
#pragma clang loop unroll(full)
    for (int r = 0; r < R; r++) acc[r][0] = acc[r][1] = (vf)(0.0f);
    accumulate_pairs(acc, R, NV, b->keys + key * b->pairs, b->pairs, 1, tile->query, LANES, b->pairs);
    const ck_attention_bias *bias = b->bias;
    size_t row = bias ? (b->first + key) / bias->width : 0, column = bias ? (b->first + key) % bias->width : 0;
#pragma clang loop unroll(full)
    for (int r = 0; r < R; r++) {
        for (int j = 0; j < NV; j++) {
            vf score = acc[r][j] * factor;
            if (bias) {
                const size_t at = tile->first_row + (size_t)j * VL, lanes = tile->rows - (size_t)j * VL;
                vf added = load_up_to(bias->rows + row * bias->pitch + at, lanes);
                if (bias->columns) added += load_up_to(bias->columns + column * bias->pitch + at, lanes);
                score += added * 1.44269504f;
            }
            if (masked) {
                vi row;
                for (int i = 0; i < VL; i++) row[i] = (int32_t)tile->first_row + j * VL + i;
                score = choose((vi)((int32_t)(b->first + key) + r) > row, (vf)(-INFINITY), score);
            }
            store(scores + r * LANES + j * VL, score);
            maximum[j] = raised(maximum[j], score);
        }
        if (bias && ++column == bias->width) column = 0, row++;
    }
}

/// output[d, lanes] = output·correction + Σ v·p for R elements d of the head.
INLINE void paired_output(const int R, const int NV, float *output, const vf correction[2], const uint32_t *v, size_t pitch,
                          const uint32_t *p, size_t pairs) {
    vf acc[MR][2];
#pragma clang loop unroll(full)
    for (int r = 0; r < R; r++) {
        acc[r][0] = load(output + r * LANES) * correction[0];
        acc[r][1] = NV == 2 ? load(output + r * LANES + VL) * correction[1] : acc[r][0];
    }
    accumulate_pairs(acc, R, NV, v, 1, pitch, p, LANES, pairs);
#pragma clang loop unroll(full)
    for (int r = 0; r < R; r++)
        for (int j = 0; j < NV; j++) store(output + r * LANES + j * VL, acc[r][j]);
}

/// Takes one block of keys into a tile of queries. `scores` is room for [keys, LANES], `p` for [pairs of keys, LANES].
INLINE void paired_attention_block(const int NV, const struct paired_tile *tile, const struct paired_block *b, float factor,
                                   int masked, float *scores, uint32_t *p) {
    vf old[2], maximum[2], correction[2], sum[2];
    for (int j = 0; j < NV; j++) old[j] = maximum[j] = load(tile->maximum + j * VL);
    for (size_t i = 0, n; i < b->count; i += n) {
        n = balanced_rows(b->count - i);
#define SCORES(R) paired_scores(R, NV, scores + i * LANES, maximum, tile, b, i, factor, masked)
        FOR_ROWS(n, SCORES)
#undef SCORES
    }
    for (int j = 0; j < NV; j++) {
        correction[j] = exp2_fast(old[j] - maximum[j]);
        sum[j] = load(tile->sum + j * VL) * correction[j];
    }
    const size_t pairs = (b->count + 1) / 2;
    if (b->count % 2)
        for (int j = 0; j < NV; j++) store(scores + b->count * LANES + j * VL, (vf)(-INFINITY));
    for (size_t i = 0; i < pairs; i++)
        for (int j = 0; j < NV; j++) {
            // 2^−127 is nothing in a bfloat16 product, and masked scores are −∞.
            const float *pair = scores + 2 * i * LANES + j * VL;
            const vf first = exp2_coarse(raised((vf)(-127.0f), load(pair) - maximum[j]));
            const vf second = exp2_coarse(raised((vf)(-127.0f), load(pair + LANES) - maximum[j]));
            _mm512_storeu_si512(p + i * LANES + j * VL, narrow_pairs(first, second));
            sum[j] += first + second;
        }
    for (int j = 0; j < NV; j++) {
        store(tile->maximum + j * VL, maximum[j]);
        store(tile->sum + j * VL, sum[j]);
    }
    for (size_t d = 0, n; d < b->head_size; d += n) {
        n = balanced_rows(b->head_size - d);
#define OUTPUT(R) paired_output(R, NV, tile->output + d * LANES, correction, b->values + d, b->pitch, p, pairs)
        FOR_ROWS(n, OUTPUT)
#undef OUTPUT
    }
}

static __attribute__((noinline)) void paired_block_narrow(const struct paired_tile *tile, const struct paired_block *b, float factor,
                                                          int masked, float *scores, uint32_t *p) {
    paired_attention_block(1, tile, b, factor, masked, scores, p);
}

static __attribute__((noinline)) void paired_block_wide(const struct paired_tile *tile, const struct paired_block *b, float factor,
                                                        int masked, float *scores, uint32_t *p) {
    paired_attention_block(2, tile, b, factor, masked, scores, p);
}

static void paired_finish(uint16_t *o, float *lse, const struct paired_tile *tile, size_t queries, size_t head_size,
                          size_t o_stride) {
    for (size_t half = 0; half * VL < queries; half++) {
        const size_t rows = smaller(queries - half * VL, VL), first = tile->first_row + half * VL;
        const vf sum = load(tile->sum + half * VL), inverse = 1.0f / sum;
        for (size_t d = 0; d < head_size; d++) {
            float *place = tile->output + d * LANES + half * VL;
            store(place, load(place) * inverse);
        }
        narrow_from_lanes(o + first * o_stride, o_stride, tile->output + half * VL, LANES, rows, head_size, 1.0f);
        const vf result = load(tile->maximum + half * VL) + log_positive(sum) * 1.44269504f;
        if (rows == VL) store(lse + first, result);
        else store_part(lse + first, result, rows);
    }
}

void ck_bf16_attention(uint16_t *o, float *lse, const uint16_t *q, const uint16_t *k, const uint16_t *v, size_t begin, size_t end,
                       size_t keys, size_t head_size, size_t q_stride, size_t k_stride, size_t v_stride, size_t o_stride,
                       float scale, int causal, const ck_attention_bias *bias, float *scratch) {
    const size_t group = ck_attention_queries_per_group(head_size), pairs = (head_size + 1) / 2, pitch = ck_rounded_up(head_size, VL);
    float *output = ck_aligned(scratch), *maximum = output + group * head_size, *sum = maximum + group;
    float *scores = sum + group;
    uint32_t *query = (uint32_t *)(scores + PAIRED_KEYS_PER_BLOCK * LANES), *p = query + group * pairs;
    uint32_t *packed_k = p + PAIRED_KEYS_PER_BLOCK / 2 * LANES, *packed_v = packed_k + PAIRED_KEYS_PER_BLOCK * pairs;
    const float factor = scale * 1.44269504f;

    for (size_t start = begin; start < end; start += group) {
        const size_t queries = smaller(end - start, group), tiles = (queries + LANES - 1) / LANES;
        for (size_t i = 0; i < tiles * LANES; i += VL) {
            const size_t count = i < queries ? smaller(queries - i, VL) : 0;
            pack_lanes(query + i / LANES * LANES * pairs + i % LANES, LANES, q + (start + i) * q_stride, q_stride, count, head_size);
        }
        memset(output, 0, tiles * LANES * head_size * sizeof(float));
        memset(sum, 0, tiles * LANES * sizeof(float));
        for (size_t i = 0; i < tiles * LANES; i++) maximum[i] = -INFINITY;

        const size_t visible = causal ? smaller(keys, start + queries) : keys;
        for (size_t first_key = 0; first_key < visible; first_key += PAIRED_KEYS_PER_BLOCK) {
            const size_t count = smaller(visible - first_key, PAIRED_KEYS_PER_BLOCK);
            pack_row_pairs(packed_k, pairs, k + first_key * k_stride, k_stride, count, head_size);
            pack_column_pairs(packed_v, pitch, v + first_key * v_stride, v_stride, count, head_size);
            const struct paired_block b = {packed_k, packed_v, count, first_key, pairs, head_size, pitch, bias};
            for (size_t t = 0; t < tiles; t++) {
                const size_t lanes = smaller(queries - t * LANES, LANES);
                const struct paired_tile tile = {output + t * LANES * head_size, maximum + t * LANES, sum + t * LANES,
                                                 query + t * LANES * pairs, start + t * LANES, lanes};
                if (causal && first_key >= tile.first_row + lanes) continue;
                const int masked = causal && first_key + count > tile.first_row + 1;
                (lanes > VL ? paired_block_wide : paired_block_narrow)(&tile, &b, factor, masked, scores, p);
            }
        }
        for (size_t t = 0; t < tiles; t++) {
            const size_t lanes = smaller(queries - t * LANES, LANES);
            const struct paired_tile tile = {output + t * LANES * head_size, maximum + t * LANES, sum + t * LANES,
                                             query + t * LANES * pairs, start + t * LANES, lanes};
            paired_finish(o, lse, &tile, lanes, head_size, o_stride);
        }
    }
}

size_t ck_bf16_attention_scratch(size_t head_size) {
    const size_t group = ck_attention_queries_per_group(head_size), pairs = (head_size + 1) / 2, block = PAIRED_KEYS_PER_BLOCK;
    return 16 + group * (head_size + 2 + pairs) + block * (LANES + LANES / 2 + pairs) +
           block / 2 * ck_rounded_up(head_size, VL);
}
