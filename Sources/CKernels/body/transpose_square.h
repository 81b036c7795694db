// Transposing VL vectors of VL lanes in registers.

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
