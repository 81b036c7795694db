// The matrix product of float32 or bfloat16 rows with a matrix of any type, in float32: register tiles of MR rows by LANES columns
// of c. Both factors are widened and brought into the order in which a tile reads them, a slice of the sum at a time: rows of a
// once, by all threads for all, b in panels of LANES columns, of which a group stays in the second-level cache (Goto and van de
// Geijn, Anatomy of high-performance matrix multiplication, 2008).
//
// Every element of c is summed in the same order whatever m and n are: a caller's split changes no bit.

enum {
    DEPTH_AT_ONCE = 64,   ///< of b's rows, widened before they are transposed
    ROWS_AHEAD = 12,      ///< rows of b that are fetched meanwhile: they lie pages apart, and the processor does not foresee them
};

/// Up to VL elements of rows that are bfloat16 or float32.
INLINE vf matmul_load(const int is_bf16, const void *a, size_t at, size_t count) {
    return is_bf16 ? load_up_to((const uint16_t *)a + at, count) : load_up_to((const float *)a + at, count);
}

/// The R rows of a tile from element `at` of a on: [depth, R]. Room for VL more is written over.
INLINE void matmul_pack_tile(const int R, const int is_bf16, float *packed, const void *a, size_t at, size_t lda, size_t depth) {
    for (size_t i = 0; i < depth; i += VL) {
        const size_t width = smaller(depth - i, VL);
        vf t[(MR + VL - 1) / VL][VL];
#pragma clang loop unroll(full)
        for (int first = 0; first < R; first += VL) {
#pragma clang loop unroll(full)
            for (int r = 0; r < VL; r++)
                t[first / VL][r] = first + r < R ? matmul_load(is_bf16, a, at + (size_t)(first + r) * lda + i, width) : (vf)(0.0f);
            transpose_square(t[first / VL]);
        }
        // Ascending: what a vector writes beyond the R lanes is the next one's place.
#pragma clang loop unroll(full)
        for (int j = 0; j < VL; j++) {
            if ((size_t)j == width) break;
#pragma clang loop unroll(full)
            for (int first = 0; first < R; first += VL) store(packed + (i + (size_t)j) * R + first, t[first / VL][j]);
        }
    }
}

/// Block `block` of a's rows and pass `pass` of the sum, and where that is packed.
struct matmul_slice { size_t row, rows, first, depth, at; };

INLINE struct matmul_slice matmul_slice_of(const ck_product *s, size_t block, size_t pass) {
    const size_t blocks = ck_matmul_blocks(s->m), passes = ck_matmul_passes(s->k);
    struct matmul_slice u = {.row = s->m * block / blocks, .first = s->k * pass / passes};
    u.rows = s->m * (block + 1) / blocks - u.row, u.depth = s->k * (pass + 1) / passes - u.first;
    u.at = u.row * s->k + u.rows * u.first + (block * passes + pass) * CK_MATMUL_GAP;
    return u;
}

static void matmul_pack(float *packed, const ck_product *s, size_t unit) {
    const size_t passes = ck_matmul_passes(s->k);
    const struct matmul_slice u = matmul_slice_of(s, unit / passes, unit % passes);
    float *to = ck_aligned(packed) + u.at;
    for (size_t row = 0, n; row < u.rows; row += n) {
        n = balanced_rows(u.rows - row);
        const size_t at = (u.row + row) * s->lda + u.first;
#define PACK(R) matmul_pack_tile(R, 0, to + row * u.depth, s->a, at, s->lda, u.depth)
#define PACK_BF16(R) matmul_pack_tile(R, 1, to + row * u.depth, s->a, at, s->lda, u.depth)
        if (s->a_type == CK_FLOAT32) FOR_ROWS(n, PACK)
        else FOR_ROWS(n, PACK_BF16)
#undef PACK
#undef PACK_BF16
    }
}

/// Columns [column, column + columns) of op(b), rows [first, first + depth) of it: panels [depth, LANES], zeros beyond `columns`.
static void matmul_pack_columns(float *panels, const ck_product *s, size_t column, size_t columns, size_t first, size_t depth) {
    float wide[VL * DEPTH_AT_ONCE];   // more than CK_MATMUL_COLUMNS
    const size_t whole = ck_rounded_up(columns, LANES);
    if (s->b_transposed) {
        for (size_t l = 0; l < whole; l += VL) {
            float *panel = panels + l / LANES * LANES * depth + l % LANES;
            const size_t rows = l < columns ? smaller(columns - l, VL) : 0;
            for (size_t i = 0, count; i < depth; i += count) {
                count = smaller(depth - i, DEPTH_AT_ONCE);
                const size_t at = (column + l) * s->ldb + first + i;
                if (s->b_type == CK_FLOAT32) {
                    transpose_into_lanes(panel + i * LANES, LANES, rows ? (const float *)s->b + at : wide, s->ldb, rows, count, 1.0f);
                } else {
                    for (size_t r = 0; r < rows; r++) widen_weights(wide + r * DEPTH_AT_ONCE, s->b, s->b_type, at + r * s->ldb, count);
                    transpose_into_lanes(panel + i * LANES, LANES, wide, DEPTH_AT_ONCE, rows, count, 1.0f);
                }
            }
        }
    } else {
        for (size_t l = columns; l < whole; l++) wide[l] = 0;
        const size_t bytes = s->b_type == CK_FLOAT32 ? 4 : 2, line = s->ldb * bytes;
        const char *ahead = (const char *)s->b + (first + ROWS_AHEAD) * line + column * bytes;
        for (size_t i = 0; i < depth; i++, ahead += line) {
            if (i + ROWS_AHEAD < depth)
                for (size_t at = 0; at < columns * bytes; at += 64) __builtin_prefetch(ahead + at);
            widen_weights(wide, s->b, s->b_type, (first + i) * s->ldb + column, columns);
            for (size_t l = 0; l < whole; l += VL) store(panels + l / LANES * LANES * depth + i * LANES + l % LANES, load(wide + l));
        }
    }
}

/// One slice of the sum for R rows and `lanes` columns of c from (row, column) on.
INLINE void matmul_tile(const int R, const int NV, const ck_product *s, size_t row, size_t column, size_t lanes, const float *a,
                        const float *panel, size_t depth, int is_first) {
    float *c = (float *)s->c + row * s->ldc + column;
    vf acc[MR][2];
#pragma clang loop unroll(full)
    for (int r = 0; r < R; r++) acc[r][0] = acc[r][1] = (vf)(0.0f), __builtin_prefetch(c + (size_t)r * s->ldc, 1);
    accumulate_product(acc, R, NV, a, 1, (size_t)R, panel, LANES, depth);
    const size_t last = lanes - (NV - 1) * VL;   // lanes of the last vector
    vf bias[2] = {(vf)(0.0f), (vf)(0.0f)};
    if (is_first && s->bias) {
        bias[0] = NV == 2 ? load(s->bias + column) : load_up_to(s->bias + column, last);
        if (NV == 2) bias[1] = load_up_to(s->bias + column + VL, last);
    }
    const float beta = is_first ? s->beta : 1;
#pragma clang loop unroll(full)
    for (int r = 0; r < R; r++) {
        float *to = c + (size_t)r * s->ldc;
#pragma clang loop unroll(full)
        for (int j = 0; j < NV; j++) {
            const size_t count = j == NV - 1 ? last : VL;
            vf y = s->alpha * acc[r][j] + bias[j];
            if (beta != 0) y += beta * load_up_to(to + j * VL, count);
            store_up_to(to + j * VL, y, count);
        }
    }
}

static __attribute__((noinline)) void matmul_rows(size_t rows, const ck_product *s, size_t row, size_t column, size_t lanes,
                                                  const float *a, const float *panel, size_t depth, int is_first) {
#define NARROW(R) matmul_tile(R, 1, s, row, column, lanes, a, panel, depth, is_first)
#define WIDE(R) matmul_tile(R, 2, s, row, column, lanes, a, panel, depth, is_first)
    if (lanes > VL) FOR_ROWS(rows, WIDE)
    else FOR_ROWS(rows, NARROW)
#undef NARROW
#undef WIDE
}

/// One slice of the sum for a group of columns and row blocks [begin, end).
static void matmul_pass(const ck_product *s, const float *rows, size_t begin, size_t end, size_t column, size_t columns, size_t pass,
                        float *panels) {
    const struct matmul_slice any = matmul_slice_of(s, begin, pass);
    matmul_pack_columns(panels, s, column, columns, any.first, any.depth);
    for (size_t block = begin; block < end; block++) {
        const struct matmul_slice u = matmul_slice_of(s, block, pass);
        for (size_t row = 0, n; row < u.rows; row += n) {
            n = balanced_rows(u.rows - row);
            for (size_t l = 0; l < columns; l += LANES)
                matmul_rows(n, s, u.row + row, column + l, smaller(columns - l, LANES), rows + u.at + row * u.depth,
                            panels + l * u.depth, u.depth, pass == 0);
        }
    }
}

/// The same for all slices, where c is bfloat16: the sums of a group of columns are finished beside the panels, then rounded.
static void matmul_rounded(const ck_product *s, const float *rows, size_t begin, size_t end, size_t column, size_t columns,
                           float *panels) {
    const size_t passes = ck_matmul_passes(s->k), first = matmul_slice_of(s, begin, 0).row;
    float *sums = panels + CK_MATMUL_COLUMNS * smaller(s->k, CK_MATMUL_DEPTH);
    ck_product wide = *s;
    // Rows and columns are counted from c's own corner.
    wide.c = (float *)((uintptr_t)sums - (first * CK_MATMUL_COLUMNS + column) * sizeof(float));
    wide.ldc = CK_MATMUL_COLUMNS, wide.beta = 0;
    for (size_t pass = 0; pass < passes; pass++) matmul_pass(&wide, rows, begin, end, column, columns, pass, panels);
    const struct matmul_slice last = matmul_slice_of(s, end - 1, 0);
    for (size_t row = first; row < last.row + last.rows; row++, sums += CK_MATMUL_COLUMNS) {
        uint16_t *c = (uint16_t *)s->c + row * s->ldc + column;
        FOR_ROW(l, count, columns) {
            vf y = load_up_to(sums + l, count);
            if (s->beta != 0) y += s->beta * load_up_to(c + l, count);
            store_up_to(c + l, y, count);
        }
    }
}

static void matmul(const ck_product *s, const float *packed, size_t begin, size_t end, float *scratch) {
    if (begin >= end) return;
    const size_t passes = ck_matmul_passes(s->k);
    const float *rows = ck_aligned((float *)packed);
    float *panels = ck_aligned(scratch);
    if (s->c_type != CK_FLOAT32) {
        for (size_t column = 0; column < s->n; column += CK_MATMUL_COLUMNS)
            matmul_rounded(s, rows, begin, end, column, smaller(s->n - column, CK_MATMUL_COLUMNS), panels);
        return;
    }
    for (size_t pass = 0; pass < passes; pass++)
        for (size_t column = 0; column < s->n; column += CK_MATMUL_COLUMNS)
            matmul_pass(s, rows, begin, end, column, smaller(s->n - column, CK_MATMUL_COLUMNS), pass, panels);
}
