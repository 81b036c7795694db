// The kernels of one instruction set, and the limits that all of them share. Internal to this target.
#ifndef CKERNELS_TABLE_H
#define CKERNELS_TABLE_H

#include "CKernels.h"

#define CK_FLOAT_NAME(name) name
#define CK_BF16_NAME(name) name##_bf16

/// The kernels over elements E in memory.
#define CK_TYPED_KERNELS(E, K)                                                                                         \
    void (*K(add))(E *, const E *, const E *, size_t);                                                                 \
    void (*K(scale))(E *, const E *, float, size_t);                                                                   \
    void (*K(add_row))(E *, const E *, const float *, size_t, size_t);                                                 \
    void (*K(sum_pixels))(E *, const E *, size_t, size_t, size_t, size_t);                                             \
    void (*K(silu))(E *, const E *, size_t);                                                                           \
    void (*K(silu_backward))(E *, const E *, const E *, size_t);                                                       \
    void (*K(gelu))(E *, const E *, size_t);                                                                           \
    void (*K(quick_gelu))(E *, const E *, size_t);                                                                     \
    void (*K(relu))(E *, const E *, size_t);                                                                           \
    void (*K(sigmoid))(E *, const E *, size_t);                                                                        \
    void (*K(geglu))(E *, const E *, size_t, size_t);                                                                  \
    void (*K(geglu_backward))(E *, const E *, const E *, size_t, size_t);                                              \
    void (*K(layer_norm))(E *, float *, float *, const E *, const float *, const float *, size_t, size_t, float);      \
    void (*K(layer_norm_backward))(E *, const E *, const E *, const float *, const float *, const float *, size_t,     \
                                   size_t);                                                                            \
    void (*K(channel_sums))(double *, double *, const E *, size_t, size_t);                                            \
    void (*K(channel_affine))(E *, const E *, const float *, const float *, size_t, size_t, int);                      \
    void (*K(group_norm_backward_sums))(double *, double *, const E *, const E *, const float *, const float *,        \
                                        size_t, size_t, int);                                                          \
    void (*K(group_norm_backward_apply))(E *, const E *, const E *, const float *, const float *, const float *,       \
                                         const float *, size_t, size_t, int);

/// The kernels that exist once per instruction set. Same parameters as the public functions of the same name.
struct ck_table {
    void (*widen_f16)(float *, const uint16_t *, size_t);
    void (*widen_bf16)(float *, const uint16_t *, size_t);
    void (*narrow_bf16)(uint16_t *, const float *, float, size_t);
    void (*narrow_f16_to_bf16)(uint16_t *, const uint16_t *, size_t);
    CK_TYPED_KERNELS(float, CK_FLOAT_NAME)
    CK_TYPED_KERNELS(uint16_t, CK_BF16_NAME)
    void (*matmul_pack)(float *, const ck_product *, size_t);
    void (*matmul)(const ck_product *, const float *, size_t, size_t, float *);
    void (*attention)(float *, float *, const float *, const float *, const float *, size_t, size_t, size_t, size_t, size_t,
                      size_t, size_t, size_t, float, int, const ck_attention_bias *, float *);
    void (*relative_terms)(float *, float *, const float *, const float *, const float *, size_t, size_t, size_t, size_t, float *);
    void (*attention_backward)(float *, float *, float *, const float *, const float *, const float *, const float *,
                               const float *, const float *, size_t, size_t, size_t, size_t, size_t, size_t, size_t, float,
                               float *);
    size_t lanes;   ///< of a panel of a convolution's packed weights
    void (*conv2d)(float *, const float *, const float *, const float *, const ck_conv_shape *, size_t, size_t, size_t, size_t, float *);
    void (*depthwise)(float *, const float *, const float *, const float *, const ck_conv_shape *, size_t, size_t);
    void (*winograd2)(float *, const float *, const float *, const float *, const ck_conv_shape *, size_t, size_t, float *);
    void (*winograd4)(float *, const float *, const float *, const float *, const ck_conv_shape *, size_t, size_t, float *);
    void (*winograd_pack)(float *, const void *, ck_element, size_t, size_t, size_t, int, size_t, size_t);
    void (*resize_bilinear)(float *, const float *, size_t, size_t, size_t, size_t, size_t, size_t, size_t, float *);
    void (*adamw_step)(float *, float *, float *, const float *, float, const ck_adamw *, size_t);
    double (*sum_of_squares)(const float *, size_t);
};

extern const struct ck_table ck_table_plain;
#if defined(__x86_64__)
extern const struct ck_table ck_table_avx2, ck_table_avx512;
#endif

/// The table in use. The first call chooses it.
const struct ck_table *ck_kernels(void);

enum {
    CK_LANES = 32,        ///< lanes of the widest register tile
    CK_MAX_ROWS = 12,     ///< rows of the largest register tile
    CK_MATMUL_COLUMNS = 96,   ///< columns of a product's second factor that are packed at once, whole panels
    CK_MATMUL_DEPTH = 384,    ///< of its sum, at most: a panel and a tile's rows share the first-level cache
    CK_MATMUL_ROWS = 256,     ///< rows of its first factor that are packed at once, at most
    CK_MATMUL_GAP = 16,       ///< floats between what is packed at once: the last vector of one is longer than its tile
    CK_ATTENTION_KEYS = 96,   ///< keys of a block of attention
    CK_CONV_COPIES = 9,   ///< taps of one convolution tile that may be copies (at the edges of the image)
};

/// The points ±a and ±2a of Winograd's F(4×4, 3×3). Its third power still is a float32 without rounding.
#define CK_WINOGRAD_POINT (181.0f / 256.0f)

static inline size_t ck_rounded_up(size_t n, size_t multiple) { return (n + multiple - 1) / multiple * multiple; }

/// Slices of a product's sum.
static inline size_t ck_matmul_passes(size_t k) { return (k + CK_MATMUL_DEPTH - 1) / CK_MATMUL_DEPTH; }

/// The first place in `scratch` on a cache line; scratch sizes leave room for 16 floats.
static inline float *ck_aligned(float *scratch) { return (float *)(((uintptr_t)scratch + 63) & ~(uintptr_t)63); }

/// Queries whose state attention keeps between blocks of keys: what fits a core's cache, a multiple of CK_LANES.
static inline size_t ck_attention_queries_per_group(size_t head_size) {
    size_t fitting = 32768 / head_size / CK_LANES * CK_LANES;
    return fitting < CK_LANES ? CK_LANES : fitting > 512 ? 512 : fitting;
}

/// Keys and values that attention has packed at a time: all of them, for every group of queries, where they fit the cache that
/// cores share; else a block, again for every group.
static inline size_t ck_attention_packed_keys(size_t keys, size_t head_size) {
    return keys < CK_ATTENTION_KEYS || keys * head_size > 1 << 19 ? CK_ATTENTION_KEYS : keys;
}

/// Winograd's tiles that are transformed at once, a multiple of CK_MAX_ROWS. All of them meet every weight before the next
/// ones do: few, that stay in the core's own cache, where the weights stay in the cache that cores share; else so many
/// that reading the weights costs little.
static inline size_t ck_winograd_block(const ck_conv_shape *s, size_t tile) {
    const size_t weights = (tile + 2) * (tile + 2) * s->in_channels * s->out_channels;
    return weights <= 1 << 20 ? 24 : 96;
}

/// Distance between transformed tiles: whole vectors, and not a multiple of 2 KiB, as below.
static inline size_t ck_winograd_pitch(size_t channels) {
    const size_t whole = ck_rounded_up(channels, CK_LANES);
    return whole % 512 == 0 ? whole + 16 : whole;
}

/// Distance between packed rows of keys and values: not a multiple of 2 KiB, which would crowd a register tile's rows
/// into a few sets of the first-level cache.
static inline size_t ck_attention_pitch(size_t head_size) { return head_size % 512 == 0 ? head_size + 16 : head_size; }

#endif
