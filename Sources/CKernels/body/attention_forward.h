// Attention without a materialised score matrix: online softmax over blocks of keys (Milakov and Gimelshein 2018;
// Dao et al. 2022), with the vector lanes along the queries.
//
// Queries and outputs are held transposed, [head_size, lanes], so that scores, softmax and output need no sum over
// lanes, no head size wastes a lane, and keys and values are read as they lie, one broadcast per element.
// Scores are kept in units of log 2 (the factor log₂e is folded into the query), so that softmax is 2^x.

/// State of `LANES` queries between two blocks of keys.
struct attention_tile {
    float *output;    // [head_size, LANES], transposed, not yet divided by `sum`
    float *maximum;   // [LANES], largest score so far
    float *sum;       // [LANES], Σ 2^(score − maximum)
    const float *query;   // [head_size, LANES], transposed and scaled
    size_t first_row;     // index of the query in lane 0
    const ck_attention_bias *bias;   // null: none
    size_t rows;          // queries of this tile; the lanes after them hold none
};

/// Starts the scores of `R` keys from `key` on with their bias, in units of log 2.
INLINE void attention_start(const int R, const int NV, vf acc[MR][2], const struct attention_tile *tile, size_t key) {
    const ck_attention_bias *bias = tile->bias;
    if (!bias) {
#pragma clang loop unroll(full)
        for (int r = 0; r < R; r++) acc[r][0] = acc[r][1] = (vf)(0.0f);
        return;
    }
    size_t row = key / bias->width, column = key % bias->width;
#pragma clang loop unroll(full)
    for (int r = 0; r < R; r++) {
        for (int j = 0; j < NV; j++) {
            const size_t at = tile->first_row + (size_t)j * VL, lanes = tile->rows - (size_t)j * VL;
            vf sum = load_up_to(bias->rows + row * bias->pitch + at, lanes);
            if (bias->columns) sum += load_up_to(bias->columns + column * bias->pitch + at, lanes);
            acc[r][j] = sum * 1.44269504f;
        }
        if (NV == 1) acc[r][1] = acc[r][0];
        if (++column == bias->width) column = 0, row++;
    }
}

/// Scores of `R` keys from `key` on, into `scores`, and their maximum per lane.
INLINE void attention_scores(const int R, const int NV, float *scores, vf maximum[2], const struct attention_tile *tile,
                             const float *k, size_t k_pitch, size_t head_size, size_t key, int masked) {
    vf acc[MR][2];
    attention_start(R, NV, acc, tile, key);
    accumulate_product(acc, R, NV, k, k_pitch, 1, tile->query, LANES, head_size);
    if (masked) {
        vi row;
        for (int i = 0; i < VL; i++) row[i] = (int32_t)tile->first_row + i;
#pragma clang loop unroll(full)
        for (int r = 0; r < R; r++) {
            vi index = (vi)((int32_t)key + r);
            acc[r][0] = choose(index > row, (vf)(-INFINITY), acc[r][0]);
            if (NV == 2) acc[r][1] = choose(index > row + VL, (vf)(-INFINITY), acc[r][1]);
        }
    }
#pragma clang loop unroll(full)
    for (int r = 0; r < R; r++)
        for (int v = 0; v < NV; v++) {
            store(scores + r * LANES + v * VL, acc[r][v]);
            maximum[v] = at_least(maximum[v], acc[r][v]);
        }
}

/// output[d, lanes] = output·correction + Σ_k v[k, d]·p[k, lanes] for R elements d of the head.
INLINE void attention_output(const int R, const int NV, float *output, const vf correction[2], const float *v,
                             size_t v_pitch, const float *p, size_t keys) {
    vf acc[MR][2];
#pragma clang loop unroll(full)
    for (int r = 0; r < R; r++) {
        acc[r][0] = load(output + r * LANES) * correction[0];
        acc[r][1] = NV == 2 ? load(output + r * LANES + VL) * correction[1] : acc[r][0];
    }
    accumulate_product(acc, R, NV, v, 1, v_pitch, p, LANES, keys);
#pragma clang loop unroll(full)
    for (int r = 0; r < R; r++)
        for (int j = 0; j < NV; j++) store(output + r * LANES + j * VL, acc[r][j]);
}

/// Takes one block of keys into a tile of queries. `p` is room for [CK_ATTENTION_KEYS, LANES].
INLINE void attention_block(const int NV, const struct attention_tile *tile, const float *k, size_t k_pitch,
                            const float *v, size_t v_pitch, size_t keys, size_t head_size, size_t first_key, int masked,
                            float *p) {
    vf old[2], maximum[2], correction[2], sum[2];
    for (int j = 0; j < NV; j++) old[j] = maximum[j] = load(tile->maximum + j * VL);
    for (size_t i = 0, n; i < keys; i += n) {
        n = balanced_rows(keys - i);
#define SCORES(R)                                                                                                      \
    attention_scores(R, NV, p + i * LANES, maximum, tile, k + i * k_pitch, k_pitch, head_size, first_key + i, masked)
        FOR_ROWS(n, SCORES)
#undef SCORES
    }
    for (int j = 0; j < NV; j++) {
        correction[j] = exp2_fast(old[j] - maximum[j]);
        sum[j] = load(tile->sum + j * VL) * correction[j];
    }
    for (size_t i = 0; i < keys; i++)
        for (int j = 0; j < NV; j++) {
            vf weight = exp2_fast(load(p + i * LANES + j * VL) - maximum[j]);
            store(p + i * LANES + j * VL, weight);
            sum[j] += weight;
        }
    for (int j = 0; j < NV; j++) {
        store(tile->maximum + j * VL, maximum[j]);
        store(tile->sum + j * VL, sum[j]);
    }
    for (size_t d = 0, n; d < head_size; d += n) {
        n = balanced_rows(head_size - d);
#define OUTPUT(R) attention_output(R, NV, tile->output + d * LANES, correction, v + d, v_pitch, p, keys)
        FOR_ROWS(n, OUTPUT)
#undef OUTPUT
    }
}

static __attribute__((noinline)) void attention_block_narrow(const struct attention_tile *tile, const float *k, size_t k_pitch,
                                                             const float *v, size_t v_pitch, size_t keys, size_t head_size,
                                                             size_t first_key, int masked, float *p) {
    attention_block(1, tile, k, k_pitch, v, v_pitch, keys, head_size, first_key, masked, p);
}

static __attribute__((noinline)) void attention_block_wide(const struct attention_tile *tile, const float *k, size_t k_pitch,
                                                           const float *v, size_t v_pitch, size_t keys, size_t head_size,
                                                           size_t first_key, int masked, float *p) {
    attention_block(2, tile, k, k_pitch, v, v_pitch, keys, head_size, first_key, masked, p);
}

/// Copies `rows` rows of `width` floats next to each other, `pitch` apart.
static void pack_rows(float *y, size_t pitch, const float *x, size_t stride, size_t rows, size_t width) {
    for (size_t r = 0; r < rows; r++, x += stride, y += pitch)
        for (size_t i = 0; i < width; i += VL) store_up_to(y + i, load_up_to(x + i, width - i), width - i);
}

/// Divides a finished tile by its sums and writes it, and its log-sum-exp, back in rows.
static void attention_finish(float *o, float *lse, const struct attention_tile *tile, size_t queries, size_t head_size,
                             size_t o_stride) {
    for (size_t half = 0; half * VL < queries; half++) {
        const size_t rows = smaller(queries - half * VL, VL), first = tile->first_row + half * VL;
        vf sum = load(tile->sum + half * VL), inverse = 1.0f / sum;
        for (size_t d = 0; d < head_size; d++) {
            float *place = tile->output + d * LANES + half * VL;
            store(place, load(place) * inverse);
        }
        transpose_from_lanes(o + first * o_stride, o_stride, tile->output + half * VL, LANES, rows, head_size, 1.0f);
        store_up_to(lse + first, load(tile->maximum + half * VL) + log_positive(sum) * 1.44269504f, rows);
    }
}

static void attention(float *o, float *lse, const float *q, const float *k, const float *v, size_t begin, size_t end,
                      size_t keys, size_t head_size, size_t q_stride, size_t k_stride, size_t v_stride, size_t o_stride,
                      float scale, int causal, const ck_attention_bias *bias, float *scratch) {
    const size_t group = ck_attention_queries_per_group(head_size), pitch = ck_attention_pitch(head_size);
    float *query = ck_aligned(scratch), *output = query + group * head_size;
    float *maximum = output + group * head_size, *sum = maximum + group, *p = sum + group;
    const size_t room = ck_attention_packed_keys(keys, head_size);
    float *packed_k = p + CK_ATTENTION_KEYS * LANES, *packed_v = packed_k + room * pitch;
    size_t packed = 0;   // keys that stay packed

    for (size_t start = begin; start < end; start += group) {
        const size_t queries = smaller(end - start, group), tiles = (queries + LANES - 1) / LANES;
        for (size_t i = 0; i < queries; i += VL)
            transpose_into_lanes(query + i / LANES * LANES * head_size + i % LANES, LANES, q + (start + i) * q_stride, q_stride,
                                 smaller(queries - i, VL), head_size, scale * 1.44269504f);
        memset(output, 0, tiles * LANES * head_size * sizeof(float));
        memset(sum, 0, tiles * LANES * sizeof(float));
        for (size_t i = 0; i < tiles * LANES; i++) maximum[i] = -INFINITY;

        const size_t visible = causal ? smaller(keys, start + queries) : keys;
        for (size_t first_key = 0; first_key < visible; first_key += CK_ATTENTION_KEYS) {
            const size_t count = smaller(visible - first_key, CK_ATTENTION_KEYS);
            const float *block_k = k + first_key * k_stride, *block_v = v + first_key * v_stride;
            size_t k_pitch = k_stride, v_pitch = v_stride;
            if (tiles >= 2) {
                float *to_k = packed_k + (room == keys ? first_key : 0) * pitch, *to_v = packed_v + (to_k - packed_k);
                if (first_key + count > packed) {
                    pack_rows(to_k, pitch, block_k, k_stride, count, head_size);
                    pack_rows(to_v, pitch, block_v, v_stride, count, head_size);
                    if (room == keys) packed = first_key + count;
                }
                block_k = to_k, block_v = to_v, k_pitch = v_pitch = pitch;
            }
            for (size_t t = 0; t < tiles; t++) {
                const size_t rows = smaller(queries - t * LANES, LANES);
                const struct attention_tile tile = {output + t * LANES * head_size, maximum + t * LANES, sum + t * LANES,
                                                    query + t * LANES * head_size, start + t * LANES, bias, rows};
                if (causal && first_key >= tile.first_row + rows) continue;
                const int masked = causal && first_key + count > tile.first_row + 1;
                (rows > VL ? attention_block_wide : attention_block_narrow)(&tile, block_k, k_pitch, block_v, v_pitch, count,
                                                                            head_size, first_key, masked, p);
            }
        }
        for (size_t t = 0; t < tiles; t++) {
            const size_t rows = smaller(queries - t * LANES, LANES);
            const struct attention_tile tile = {output + t * LANES * head_size, maximum + t * LANES, sum + t * LANES,
                                                query + t * LANES * head_size, start + t * LANES, bias, rows};
            attention_finish(o, lse, &tile, rows, head_size, o_stride);
        }
    }
}
