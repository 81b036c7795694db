#pragma once

/// The widest float32 vector that this processor multiplies and adds in one instruction: 16 (AVX-512), 8 (AVX2 and FMA), 1.
int ceiling_lanes(void);

/// Runs `rounds` rounds of 24 independent fused multiply-adds of that width, all in registers; returns their sum, so that none
/// can be left out. Floating-point operations done: rounds · 24 · lanes · 2.
float ceiling_run(long rounds);

/// 1 where the processor multiplies bfloat16 (AVX512-BF16).
int ceiling_has_bf16(void);

/// Products of bfloat16 that it adds to float32 sums in one instruction.
int ceiling_bf16_products(void);

/// The same as `ceiling_run` with such instructions. Operations: rounds · 24 · products · 2.
float ceiling_run_bf16(long rounds);
