// Matrix products and convolutions in bfloat16 with float32 sums.
//
// A bfloat16 is a uint16_t: the upper half of a float32. As in CKernels.h a call is one thread's work, any number of
// threads may call at once, and a caller splits the work.
#ifndef CKERNELS_ONEDNN_H
#define CKERNELS_ONEDNN_H

#include "CKernels.h"

#ifdef __cplusplus
extern "C" {
#endif

/// 1 where this processor multiplies bfloat16 (AVX512-BF16) and oneDNN was there when this was built.
int ck_bf16_available(void);

/// c = op(a)·op(b) + bias (+ c where `accumulate`); op transposes where aT, bT. c is [m, n], op(a) [m, k], op(b) [k, n],
/// all row-major with leading dimensions in elements. c is bfloat16, or float32 where `c_is_float`; bias is [n] or null.
/// 0, or a status of oneDNN. A thread's part should be rows of c rather than columns, and at least 64 of them.
int ck_bf16_matmul(void *c, int c_is_float, const uint16_t *a, const uint16_t *b, const float *bias, int aT, int bT, int64_t m,
                   int64_t n, int64_t k, int64_t lda, int64_t ldb, int64_t ldc, int accumulate);

/// Bytes of a weight packed for convolutions of this shape's channels, kernel and stride; 0 if oneDNN cannot.
size_t ck_bf16_convolution_packed_bytes(const ck_conv_shape *shape);
/// Output channels that packing takes together: a caller splits the work at multiples of it.
size_t ck_bf16_convolution_pack_granule(const ck_conv_shape *shape);
/// Relays output channels [first, first + count) of a weight [out, in, kh, kw] for `ck_bf16_convolution`. Where `turned`, for
/// the pullback to the input, whose shape `shape` is: `weight` is then [shape->in_channels, shape->out_channels, kh, kw] and
/// read turned by 180°. `packed` and `weight` are the whole ones' beginnings.
int ck_bf16_convolution_pack(void *packed, const uint16_t *weight, const ck_conv_shape *shape, int turned, size_t first, size_t count);
/// Output rows [first, first + count) of all batch·out_height image rows (image-major): y = conv(x, packed) + bias, bias
/// may be null. NHWC. Of in_step 2 too.
int ck_bf16_convolution(uint16_t *y, const uint16_t *x, const void *packed, const float *bias, const ck_conv_shape *shape,
                        int64_t first, int64_t count);

#ifdef __cplusplus
}
#endif
#endif
