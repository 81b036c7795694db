// The register-tiled inner product that attention and convolution are made of.

/// Lanes of a full register tile: two vectors.
enum { LANES = 2 * VL };

/// acc[r][lanes] += Σ_i a[r·a_row + i·a_step] · b[i·b_pitch + lanes] for R ≤ MR rows and NV (1 or 2) vectors of lanes.
///
/// R and NV are constants after inlining, so that `acc` lives in registers: each step loads NV vectors of `b` and
/// broadcasts R elements of `a` for R·NV multiply-adds.
INLINE void accumulate_product(vf acc[MR][2], const int R, const int NV, const float *a, size_t a_row, size_t a_step,
                               const float *b, size_t b_pitch, size_t count) {
#pragma clang loop unroll_count(4)
    for (size_t i = 0; i < count; i++) {
        vf b0 = load(b), b1 = NV == 2 ? load(b + VL) : b0;
#pragma clang loop unroll(full)
        for (int r = 0; r < R; r++) {
            vf s = (vf)(a[(size_t)r * a_row]);
            acc[r][0] += s * b0;
            if (NV == 2) acc[r][1] += s * b1;
        }
        a += a_step;
        b += b_pitch;
    }
}

/// Runs CASE(R) for the constant R that equals `rows`, 1 ≤ rows ≤ MR.
#if MR == 12
#define FOR_ROWS(rows, CASE)                                                                                           \
    switch (rows) {                                                                                                    \
    case 1: CASE(1); break;                                                                                            \
    case 2: CASE(2); break;                                                                                            \
    case 3: CASE(3); break;                                                                                            \
    case 4: CASE(4); break;                                                                                            \
    case 5: CASE(5); break;                                                                                            \
    case 6: CASE(6); break;                                                                                            \
    case 7: CASE(7); break;                                                                                            \
    case 8: CASE(8); break;                                                                                            \
    case 9: CASE(9); break;                                                                                            \
    case 10: CASE(10); break;                                                                                          \
    case 11: CASE(11); break;                                                                                          \
    default: CASE(12); break;                                                                                          \
    }
#else
#define FOR_ROWS(rows, CASE)                                                                                           \
    switch (rows) {                                                                                                    \
    case 1: CASE(1); break;                                                                                            \
    case 2: CASE(2); break;                                                                                            \
    case 3: CASE(3); break;                                                                                            \
    case 4: CASE(4); break;                                                                                            \
    case 5: CASE(5); break;                                                                                            \
    default: CASE(6); break;                                                                                           \
    }
#endif

/// How many rows the register tile takes that begins at row 0 of `remaining`: the rows are shared out evenly, so that
/// no tile is left with a thin rest.
INLINE size_t balanced_rows(size_t remaining) {
    size_t tiles = (remaining + MR - 1) / MR;
    return (remaining + tiles - 1) / tiles;
}
