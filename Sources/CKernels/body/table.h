// The table of this instruction set's kernels.

#define TYPED_ENTRIES(K)                                                                                               \
    .K(add) = K(add), .K(scale) = K(scale), .K(add_row) = K(add_row),                                                  \
    .K(sum_pixels) = K(sum_pixels), .K(silu) = K(silu), .K(silu_backward) = K(silu_backward), .K(gelu) = K(gelu),      \
    .K(quick_gelu) = K(quick_gelu), .K(relu) = K(relu), .K(sigmoid) = K(sigmoid_all), .K(geglu) = K(geglu), .K(geglu_backward) = K(geglu_backward),                      \
    .K(layer_norm) = K(layer_norm), .K(layer_norm_backward) = K(layer_norm_backward),                                  \
    .K(channel_sums) = K(channel_sums), .K(channel_affine) = K(channel_affine),                                        \
    .K(group_norm_backward_sums) = K(group_norm_backward_sums),                                                        \
    .K(group_norm_backward_apply) = K(group_norm_backward_apply),

const struct ck_table CK_TABLE = {
    TYPED_ENTRIES(CK_FLOAT_NAME)
    TYPED_ENTRIES(CK_BF16_NAME)
    .widen_f16 = widen_f16,
    .widen_bf16 = widen_bf16,
    .narrow_bf16 = narrow_bf16,
    .narrow_f16_to_bf16 = narrow_f16_to_bf16,
    .matmul_pack = matmul_pack,
    .matmul = matmul,
    .attention = attention,
    .relative_terms = relative_terms,
    .attention_backward = attention_backward,
    .lanes = LANES,
    .conv2d = conv2d,
    .depthwise = depthwise,
    .winograd2 = winograd2,
    .winograd4 = winograd4,
    .winograd_pack = winograd_pack,
    .resize_bilinear = resize_bilinear,
    .adamw_step = adamw_step,
    .sum_of_squares = sum_of_squares,
};
