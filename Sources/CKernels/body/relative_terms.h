// Decomposed relative positions: the products of every query of a grid with the table entries of its row (or column).
//
// Queries that share a row share the entries of the row table, so they are the lanes of one register tile and the
// entries its rows; the same for columns.

/// y[r, lanes] = entry_r · query_lane for `R` entries of a table, of which `count` lanes are written, `step` floats apart.
INLINE void relative_tile(const int R, const int NV, float *y, size_t y_row, size_t step, size_t count, const float *entries,
                          const float *queries, size_t head_size, float *lanes) {
    vf acc[MR][2];
#pragma clang loop unroll(full)
    for (int r = 0; r < R; r++) acc[r][0] = acc[r][1] = (vf)(0.0f);
    accumulate_product(acc, R, NV, entries, head_size, 1, queries, LANES, head_size);
#pragma clang loop unroll(full)
    for (int r = 0; r < R; r++) {
        if (step == 1) {
            store_up_to(y + r * y_row, acc[r][0], count);
            if (NV == 2) store_up_to(y + r * y_row + VL, acc[r][1], count - VL);
        } else {
            store(lanes, acc[r][0]);
            if (NV == 2) store(lanes + VL, acc[r][1]);
            for (size_t i = 0; i < count; i++) y[r * y_row + i * step] = lanes[i];
        }
    }
}

static __attribute__((noinline)) void relative_tile_of(size_t rows, float *y, size_t y_row, size_t step, size_t count,
                                                       const float *entries, const float *queries, size_t head_size,
                                                       float *lanes) {
#define NARROW(R) relative_tile(R, 1, y, y_row, step, count, entries, queries, head_size, lanes)
#define WIDE(R) relative_tile(R, 2, y, y_row, step, count, entries, queries, head_size, lanes)
    if (count > VL) FOR_ROWS(rows, WIDE)
    else FOR_ROWS(rows, NARROW)
#undef NARROW
#undef WIDE
}

/// The products of `lines` lines of `length` queries: query i of line l is number l·line_step + i·step, and its entries
/// are table[lines − 1 − l + k], k < lines. y is [lines, pitch], indexed by query.
static void relative_lines(float *y, size_t pitch, const float *q, size_t q_stride, const float *table, size_t lines, size_t length,
                           size_t line_step, size_t step, size_t head_size, float *scratch) {
    float *queries = ck_aligned(scratch), *lanes = queries + head_size * LANES;
    for (size_t line = 0; line < lines; line++)
        for (size_t first = 0; first < length; first += LANES) {
            const size_t count = smaller(length - first, LANES), number = line * line_step + first * step;
            for (size_t i = 0; i < count; i += VL)
                transpose_into_lanes(queries + i, LANES, q + (number + i * step) * q_stride, step * q_stride,
                                     smaller(count - i, VL), head_size, 1.0f);
            for (size_t k = 0, n; k < lines; k += n) {
                n = balanced_rows(lines - k);
                relative_tile_of(n, y + k * pitch + number, pitch, step, count, table + (lines - 1 - line + k) * head_size, queries,
                                 head_size, lanes);
            }
        }
}

static void relative_terms(float *rows, float *columns, const float *q, const float *row_table, const float *column_table,
                           size_t height, size_t width, size_t head_size, size_t q_stride, float *scratch) {
    relative_lines(rows, height * width, q, q_stride, row_table, height, width, width, 1, head_size, scratch);
    relative_lines(columns, height * width, q, q_stride, column_table, width, height, 1, width, head_size, scratch);
}
