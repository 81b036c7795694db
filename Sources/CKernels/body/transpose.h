// Transposing small matrices through registers.

#if VL == 16
#define SHUFFLE_LOW_8(a, b) __builtin_shufflevector(a, b, 0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23)
#define SHUFFLE_HIGH_8(a, b) __builtin_shufflevector(a, b, 8, 9, 10, 11, 12, 13, 14, 15, 24, 25, 26, 27, 28, 29, 30, 31)
#define SHUFFLE_LOW_4(a, b) __builtin_shufflevector(a, b, 0, 1, 2, 3, 16, 17, 18, 19, 8, 9, 10, 11, 24, 25, 26, 27)
#define SHUFFLE_HIGH_4(a, b) __builtin_shufflevector(a, b, 4, 5, 6, 7, 20, 21, 22, 23, 12, 13, 14, 15, 28, 29, 30, 31)
#define SHUFFLE_LOW_2(a, b) __builtin_shufflevector(a, b, 0, 1, 16, 17, 4, 5, 20, 21, 8, 9, 24, 25, 12, 13, 28, 29)
#define SHUFFLE_HIGH_2(a, b) __builtin_shufflevector(a, b, 2, 3, 18, 19, 6, 7, 22, 23, 10, 11, 26, 27, 14, 15, 30, 31)
#define SHUFFLE_LOW_1(a, b) __builtin_shufflevector(a, b, 0, 16, 2, 18, 4, 20, 6, 22, 8, 24, 10, 26, 12, 28, 14, 30)
#define SHUFFLE_HIGH_1(a, b) __builtin_shufflevector(a, b, 1, 17, 3, 19, 5, 21, 7, 23, 9, 25, 11, 27, 13, 29, 15, 31)
#elif VL == 8
#define SHUFFLE_LOW_4(a, b) __builtin_shufflevector(a, b, 0, 1, 2, 3, 8, 9, 10, 11)
#define SHUFFLE_HIGH_4(a, b) __builtin_shufflevector(a, b, 4, 5, 6, 7, 12, 13, 14, 15)
#define SHUFFLE_LOW_2(a, b) __builtin_shufflevector(a, b, 0, 1, 8, 9, 4, 5, 12, 13)
#define SHUFFLE_HIGH_2(a, b) __builtin_shufflevector(a, b, 2, 3, 10, 11, 6, 7, 14, 15)
#define SHUFFLE_LOW_1(a, b) __builtin_shufflevector(a, b, 0, 8, 2, 10, 4, 12, 6, 14)
#define SHUFFLE_HIGH_1(a, b) __builtin_shufflevector(a, b, 1, 9, 3, 11, 5, 13, 7, 15)
#elif VL == 4
#define SHUFFLE_LOW_2(a, b) __builtin_shufflevector(a, b, 0, 1, 4, 5)
#define SHUFFLE_HIGH_2(a, b) __builtin_shufflevector(a, b, 2, 3, 6, 7)
#define SHUFFLE_LOW_1(a, b) __builtin_shufflevector(a, b, 0, 4, 2, 6)
#define SHUFFLE_HIGH_1(a, b) __builtin_shufflevector(a, b, 1, 5, 3, 7)
#endif

/// One stage of Eklundh's transposition: exchanges the off-diagonal blocks of size `distance`.
#define TRANSPOSE_STAGE(x, distance)                                                                                   \
    _Pragma("clang loop unroll(full)") for (int i = 0; i < VL; i++) {                                                  \
        if (i & (distance)) continue;                                                                                  \
        vf a = x[i], b = x[i + (distance)];                                                                            \
        x[i] = SHUFFLE_LOW_##distance(a, b);                                                                           \
        x[i + (distance)] = SHUFFLE_HIGH_##distance(a, b);                                                             \
    }

/// Transposes VL vectors in place: lane j of x[i] becomes lane i of x[j].
INLINE void transpose_square(vf x[VL]) {
#if VL == 16
    TRANSPOSE_STAGE(x, 8)
#endif
#if VL >= 8
    TRANSPOSE_STAGE(x, 4)
#endif
    TRANSPOSE_STAGE(x, 2)
    TRANSPOSE_STAGE(x, 1)
}

/// y[c, r] = factor·x[r, c] for `rows` ≤ VL rows and any number of columns; every row of `y` is written over all VL
/// lanes, with zeros from lane `rows` on.
static void transpose_into_lanes(float *y, size_t y_pitch, const float *x, size_t x_pitch, size_t rows, size_t columns,
                                 float factor) {
    for (size_t c = 0; c < columns; c += VL) {
        size_t width = columns - c < VL ? columns - c : VL;
        vf t[VL];
        if (rows == VL && width == VL) {
#pragma clang loop unroll(full)
            for (int i = 0; i < VL; i++) t[i] = load(x + i * x_pitch + c) * factor;
        } else {
            for (size_t i = 0; i < VL; i++)
                t[i] = i >= rows ? (vf)(0.0f)
                                 : (width == VL ? load(x + i * x_pitch + c) : load_part(x + i * x_pitch + c, width)) * factor;
        }
        transpose_square(t);
        if (width == VL) {
#pragma clang loop unroll(full)
            for (int i = 0; i < VL; i++) store(y + (c + i) * y_pitch, t[i]);
        } else {
            for (size_t i = 0; i < width; i++) store(y + (c + i) * y_pitch, t[i]);
        }
    }
}

/// y[r, c] = factor·x[c, r] for `rows` ≤ VL rows of `y` and any number of columns: the way back. `x` has VL lanes;
/// nothing beyond the [rows, columns] of `y` is written.
static void transpose_from_lanes(float *y, size_t y_pitch, const float *x, size_t x_pitch, size_t rows, size_t columns,
                                 float factor) {
    for (size_t c = 0; c < columns; c += VL) {
        size_t width = columns - c < VL ? columns - c : VL;
        vf t[VL];
        if (width == VL) {
#pragma clang loop unroll(full)
            for (int i = 0; i < VL; i++) t[i] = load(x + (c + i) * x_pitch) * factor;
        } else {
            for (size_t i = 0; i < VL; i++) t[i] = i < width ? load(x + (c + i) * x_pitch) * factor : (vf)(0.0f);
        }
        transpose_square(t);
        if (rows == VL && width == VL) {
#pragma clang loop unroll(full)
            for (int i = 0; i < VL; i++) store(y + i * y_pitch + c, t[i]);
        } else {
            for (size_t i = 0; i < rows; i++) {
                if (width == VL) store(y + i * y_pitch + c, t[i]);
                else store_part(y + i * y_pitch + c, t[i], width);
            }
        }
    }
}
