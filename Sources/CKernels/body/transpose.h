// Transposing small matrices through registers.

#include "transpose_square.h"

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
