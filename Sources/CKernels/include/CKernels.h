// Kernels of the CPU device: plain C over raw float32 buffers.
//
// Conventions
//   - Outputs first, then inputs, then sizes. Row-major. Images are NHWC, weights as stated.
//   - No threads: a caller splits the work by ranges ([begin, end)) and hands each range to a thread; ranges
//     never write the same element.
//   - In float32 scratch memory is the caller's, `ck_…_scratch()` says how many floats one call needs, and the
//     once-chosen instruction set is the only global. In bfloat16 calls take turns with a few kept blocks
//     (borrowed_memory.c), and what oneDNN compiles for a shape is kept in a bounded table (onednn.c).
//   - The instruction set (AVX-512, AVX2+FMA, plain C) is chosen at run time, once. `ck_…_reference` is the
//     plain-C twin that the tests compare with.
//   - Nothing here calls OpenBLAS; the device does, for what `ck_matmul` is not made for.
#ifndef CKERNELS_H
#define CKERNELS_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

// ---------------------------------------------------------------------------------------- instruction set

typedef enum { CK_PLAIN = 0, CK_AVX2 = 1, CK_AVX512 = 2 } ck_isa;
/// The best instruction set of this processor; `SEGMIX_ISA=plain|avx2|avx512` in the environment lowers it.
ck_isa ck_best_isa(void);
/// For tests only: makes every later call use `isa`'s kernels. False, and nothing changed, if this processor lacks it.
int ck_use_isa(ck_isa isa);

// ------------------------------------------------------------------------------------------------- types

/// What a file may hold.
typedef enum { CK_FLOAT32 = 0, CK_FLOAT16 = 1, CK_BFLOAT16 = 2 } ck_element;

/// Widens `count` elements to float32. IEEE half and bfloat16, subnormals and NaN included.
void ck_widen_f16(float *y, const uint16_t *x, size_t count);
void ck_widen_bf16(float *y, const uint16_t *x, size_t count);

// -------------------------------------------------------------------------------------------- products

/// c = alpha·a·op(b) + beta·c + bias, rows `ld…` elements apart: c [m, n] and a [m, k] of float32 or bfloat16, b of any type,
/// [n, k] if `b_transposed`, else [k, n], bias [n] or null. Sums are float32, and rounded once. With beta 0 nothing of c is read.
typedef struct {
    void *c;
    const void *a, *b;
    ck_element c_type, a_type, b_type;
    int b_transposed;
    const float *bias;
    size_t m, n, k, lda, ldb, ldc;
    float alpha, beta;
} ck_product;
/// The rows of a are packed first, in units that may be packed in any order by any thread: `ck_matmul_units` of them, into
/// `ck_matmul_packed` floats. The product is then made of row blocks [begin, end) of `ck_matmul_blocks(m)` and all n columns;
/// a caller that splits the columns moves c, b and bias and says fewer. a and b are widened as they are packed. An element's sum
/// has the same order in a product of other rows or columns. k ≥ 1.
void ck_matmul_pack(float *packed, const ck_product *product, size_t unit);
void ck_matmul(const ck_product *product, const float *packed, size_t begin, size_t end, float *scratch);
size_t ck_matmul_blocks(size_t m);
size_t ck_matmul_units(size_t m, size_t k);
size_t ck_matmul_packed(size_t m, size_t k);
/// Of a call with so many row blocks.
size_t ck_matmul_scratch(const ck_product *product, size_t blocks);

// ------------------------------------------------------------------------------------------ element-wise

void ck_add(float *y, const float *a, const float *b, size_t count);             // y = a + b
void ck_scale(float *y, const float *x, float a, size_t count);                   // y = a·x
/// y[r, c] = x[r, c] + b[c]; `x` may be `y`.
void ck_add_row(float *y, const float *x, const float *b, size_t rows, size_t width);
void ck_silu(float *y, const float *x, size_t count);                             // x·σ(x)
void ck_silu_backward(float *dx, const float *dy, const float *x, size_t count);
void ck_gelu(float *y, const float *x, size_t count);                             // exact: x·Φ(x), erf
void ck_quick_gelu(float *y, const float *x, size_t count);                       // x·σ(1.702·x)
void ck_relu(float *y, const float *x, size_t count);                             // max(0, x), NaN stays NaN
void ck_sigmoid(float *y, const float *x, size_t count);                          // σ(x) = 1 / (1 + e⁻ˣ)
/// GEGLU: x is [rows, 2·width], value half first, gate half second: y = value · gelu(gate), exact GELU. [rows, width]
void ck_geglu(float *y, const float *x, size_t rows, size_t width);
void ck_geglu_backward(float *dx, const float *dy, const float *x, size_t rows, size_t width);

// ------------------------------------------------------------------------------------------------- norms

/// Rows of [rows, width]: y = (x − mean)·rstd·scale + shift. `mean`, `rstd` are [rows].
void ck_layer_norm(float *y, float *mean, float *rstd, const float *x, const float *scale, const float *shift,
                   size_t rows, size_t width, float epsilon);
/// dx = rstd·(g − mean(g) − x̂·mean(g·x̂)), g = dy·scale.
void ck_layer_norm_backward(float *dx, const float *dy, const float *x, const float *scale, const float *mean,
                            const float *rstd, size_t rows, size_t width);

/// Per-channel sums over `rows` rows of [rows, channels]: sum[c] += Σ x, squares[c] += Σ x², in double throughout.
/// Caller zeroes `sum` and `squares`.
void ck_channel_sums(double *sum, double *squares, const float *x, size_t rows, size_t channels);
/// y = act(x·a[c] + b[c]); act is SiLU if `silu`, else identity.
void ck_channel_affine(float *y, const float *x, const float *a, const float *b, size_t rows, size_t channels, int silu);
/// Per-channel sums for group norm's pullback: with z = x·a + b and g = dy·act′(z): sum[c] += Σ g, products[c] += Σ g·x.
void ck_group_norm_backward_sums(double *sum, double *products, const float *dy, const float *x, const float *a,
                                 const float *b, size_t rows, size_t channels, int silu);
/// dx = g·a[c] + x·p[c] + q[c], g as above.
void ck_group_norm_backward_apply(float *dx, const float *dy, const float *x, const float *a, const float *b,
                                  const float *p, const float *q, size_t rows, size_t channels, int silu);

// -------------------------------------------------------------------------------------------- attention

/// One head: o = softmax(scale·q·kᵀ)·v for query rows [begin, end), without a materialised score matrix.
/// q, k, v, o point at the head's first element of row 0; `…_stride` is the distance between rows in floats
/// (the width of the whole projection). `lse[i]` = log₂ Σ exp(scaled scores of row i), indexed from row 0; in
/// units of log 2, in which the softmax is computed, so that a saturated row has p = 1 in the pullback as well.
/// `causal`: row i sees keys 0…i. Any head size ≥ 1 (8 to 512 are to be fast), any counts ≥ 1.
void ck_attention(float *o, float *lse, const float *q, const float *k, const float *v, size_t begin, size_t end,
                  size_t keys, size_t head_size, size_t q_stride, size_t k_stride, size_t v_stride, size_t o_stride,
                  float scale, int causal, float *scratch);
size_t ck_attention_scratch(size_t keys, size_t head_size);

/// What is added to the scaled score of query i and key j, finite: rows[(j / width)·pitch + i] + columns[(j % width)·pitch + i].
/// With decomposed relative positions over a grid of keys `width` wide, `rows` is [height, pitch], `columns` is
/// [width, pitch]. A whole table of biases, transposed [keys, pitch], is `rows` with width 1 and `columns` null.
typedef struct { const float *rows, *columns; size_t width, pitch; } ck_attention_bias;
/// The same as `ck_attention`, not causal, with a bias. As much scratch.
void ck_attention_biased(float *o, float *lse, const float *q, const float *k, const float *v, const ck_attention_bias *bias,
                         size_t begin, size_t end, size_t keys, size_t head_size, size_t q_stride, size_t k_stride,
                         size_t v_stride, size_t o_stride, float scale, float *scratch);
/// Decomposed relative positions (Li et al., MViTv2, 2022) of one head whose queries and keys are one grid: for query i
/// in row y and column x of it,
///     rows[k, i] = q_i · row_table[height − 1 − y + k]        columns[k, i] = q_i · column_table[width − 1 − x + k]
/// [height, height·width] and [width, height·width]. The tables, [2·height − 1, head_size] and [2·width − 1, head_size],
/// begin with the offset query − key that is largest.
void ck_relative_terms(float *rows, float *columns, const float *q, const float *row_table, const float *column_table,
                       size_t height, size_t width, size_t head_size, size_t q_stride, float *scratch);
size_t ck_relative_terms_scratch(size_t head_size);
/// Pullback of one head, all rows: writes dq, dk, dv (same strides as q, k, v). No causal form: nothing causal is trained.
void ck_attention_backward(float *dq, float *dk, float *dv, const float *d_o, const float *o, const float *lse,
                           const float *q, const float *k, const float *v, size_t queries, size_t keys, size_t head_size,
                           size_t q_stride, size_t k_stride, size_t v_stride, size_t o_stride, float scale, float *scratch);
size_t ck_attention_backward_scratch(size_t queries, size_t keys, size_t head_size);

// ------------------------------------------------------------------------------------------ convolution

typedef struct {
    size_t batch, in_height, in_width, in_channels;
    size_t out_height, out_width, out_channels;
    size_t kernel_height, kernel_width;
    size_t stride;                    ///< of the output over the input
    size_t in_step;                   ///< 1; 2: the input is read as if a zero stood between any two pixels (pullback of stride 2)
    ptrdiff_t pad_top, pad_left;      ///< zero rows above, zero columns left (of the zero-stuffed input); may be negative
} ck_conv_shape;

/// Relays a weight [out, in, kh, kw] for `ck_conv2d`: panels of as many output channels as a register tile of the
/// instruction set in use has lanes (the last may be narrower), each [kh, kw, in, channels of the panel]. As many floats as before.
void ck_conv2d_pack(float *packed, const float *weight, size_t out, size_t in, size_t kh, size_t kw);
/// The same for the pullback to the input: in and out exchanged, kernel turned by 180°.
void ck_conv2d_pack_backward(float *packed, const float *weight, size_t out, size_t in, size_t kh, size_t kw);
/// Output rows [begin, end) of all batch·out_height image rows (image-major) and output channels of the panels [first, last) of
/// `ck_conv2d_panels`: y = conv(x, packed) + bias, bias may be null. y is [batch, out_height, out_width, out_channels]. Neither split
/// changes a bit.
void ck_conv2d(float *y, const float *x, const float *packed, const float *bias, const ck_conv_shape *shape,
               size_t begin, size_t end, size_t first, size_t last, float *scratch);
size_t ck_conv2d_panels(const ck_conv_shape *shape);
size_t ck_conv2d_scratch(const ck_conv_shape *shape);

/// Depthwise convolution, one kernel per channel: out_channels = in_channels, weight [kh, kw, channels], in_step 1.
/// Output rows [begin, end) of all batch·out_height image rows; bias may be null.
void ck_depthwise(float *y, const float *x, const float *weight, const float *bias, const ck_conv_shape *shape, size_t begin,
                  size_t end);

/// The same convolution by Winograd's F(tile×tile, 3×3), `tile` 2 or 4, with 2.25 or 4 times fewer multiplications: 3×3
/// kernels of stride 1 over an input that is not zero-stuffed, any size and padding. float32 errors are about those of the
/// plain sum with 2, about three times those with 4, and of the size that the largest input of the tile gives them.
///
/// Transforms a weight [out, in, 3, 3] for it into (tile + 2)²·out·in floats: panels as above, each
/// [(tile + 2)², in, channels of the panel]. Panels [begin, end) of all `ck_winograd_panels(out)`. With `turned` for the
/// pullback to the input: in and out exchanged, panels of `in`, kernels turned by 180°.
void ck_winograd_pack(float *packed, const void *weight, ck_element type, size_t out, size_t in, size_t tile, int turned,
                      size_t begin, size_t end);
size_t ck_winograd_panels(size_t channels);
/// Tiles [begin, end) of tile×tile output pixels, of all `ck_winograd_tiles(shape, tile)`: image-major, row by row, those
/// at the end of a side partly outside.
void ck_winograd(float *y, const float *x, const float *packed, const float *bias, const ck_conv_shape *shape, size_t tile,
                 size_t begin, size_t end, float *scratch);
size_t ck_winograd_tiles(const ck_conv_shape *shape, size_t tile);
/// Tiles for which the weight is read once: shorter ranges are slower for each tile.
size_t ck_winograd_least_tiles(const ck_conv_shape *shape, size_t tile);
size_t ck_winograd_scratch(const ck_conv_shape *shape, size_t tile);

// --------------------------------------------------------------------------------------------- resampling

/// Nearest neighbour by PyTorch's rule: source index = ⌊i · in / out⌋, the quotient rounded to float32 first unless
/// out = 2·in. [in_height, in_width, channels], one image, out rows [begin, end).
void ck_upsample_nearest(float *y, const float *x, size_t in_height, size_t in_width, size_t out_height, size_t out_width,
                         size_t channels, size_t begin, size_t end);
/// Pullback: in rows [begin, end) of dx are written.
void ck_upsample_nearest_backward(float *dx, const float *dy, size_t in_height, size_t in_width, size_t out_height,
                                  size_t out_width, size_t channels, size_t begin, size_t end);

/// Bilinear by PyTorch's rule without antialiasing (align_corners false): source = (i + ½)·in/out − ½ in float32, held to
/// the picture. [in_height, in_width, channels], one image, out rows [begin, end).
void ck_resize_bilinear(float *y, const float *x, size_t in_height, size_t in_width, size_t out_height, size_t out_width,
                        size_t channels, size_t begin, size_t end, float *scratch);
size_t ck_resize_bilinear_scratch(size_t in_width, size_t out_width, size_t channels);

/// The largest of 2×2 pixels, of fewer at the end of an odd side: [height, width, channels] to [⌈height/2⌉, ⌈width/2⌉,
/// channels], one image, out rows [begin, end).
void ck_max_pool(float *y, const float *x, size_t height, size_t width, size_t channels, size_t begin, size_t end);

// ---------------------------------------------------------------------------------------------- optimizer

/// Doubles, as PyTorch's Python numbers are: 1 − 0.999 in float32 would be off by 2e-5. bias = 1 − βᵗ.
typedef struct { double learning_rate, beta1, beta2, epsilon, weight_decay, bias1, bias2; } ck_adamw;
/// PyTorch's AdamW, one step: p ← p·(1 − lr·λ); m, v; p ← p − (lr/bias1)·m / (√v/√bias2 + ε).
/// `gradient_scale` multiplies the gradient first (clipping).
void ck_adamw_step(float *p, float *m, float *v, const float *gradient, float gradient_scale, const ck_adamw *o, size_t count);
/// Σ x² in double.
double ck_sum_of_squares(const float *x, size_t count);

#ifdef __cplusplus
}
#endif
#endif
