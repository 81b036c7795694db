#include "ceiling.h"

// 24 chains hide the latency of 4 cycles on two units, three times over, and leave registers for the factors.
#define CHAINS 24

#if defined(__x86_64__)
#include <immintrin.h>

int ceiling_lanes(void) {
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx512f")) return 16;
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") ? 8 : 1;
}

__attribute__((target("avx512f"))) static float run16(long rounds) {
    __m512 sums[CHAINS], factor = _mm512_set1_ps(0.999f), term = _mm512_set1_ps(0.001f);
    for (int i = 0; i < CHAINS; i++) sums[i] = _mm512_set1_ps((float)i);
    for (long r = 0; r < rounds; r++) {
#pragma clang loop unroll(full)
        for (int i = 0; i < CHAINS; i++) sums[i] = _mm512_fmadd_ps(sums[i], factor, term);
    }
    for (int i = 1; i < CHAINS; i++) sums[0] = _mm512_add_ps(sums[0], sums[i]);
    return _mm512_reduce_add_ps(sums[0]);
}

// 12 chains: there are 16 registers.
__attribute__((target("avx2,fma"))) static float run8(long rounds) {
    __m256 sums[CHAINS / 2], factor = _mm256_set1_ps(0.999f), term = _mm256_set1_ps(0.001f);
    for (int i = 0; i < CHAINS / 2; i++) sums[i] = _mm256_set1_ps((float)i);
    for (long r = 0; r < 2 * rounds; r++) {
#pragma clang loop unroll(full)
        for (int i = 0; i < CHAINS / 2; i++) sums[i] = _mm256_fmadd_ps(sums[i], factor, term);
    }
    float values[8], sum = 0;
    for (int i = 1; i < CHAINS / 2; i++) sums[0] = _mm256_add_ps(sums[0], sums[i]);
    _mm256_storeu_ps(values, sums[0]);
    for (int i = 0; i < 8; i++) sum += values[i];
    return sum;
}

int ceiling_has_bf16(void) {
    __builtin_cpu_init();
    return __builtin_cpu_supports("avx512bf16") != 0;
}

__attribute__((target("avx512f,avx512bf16"))) static float run_bf16(long rounds) {
    __m512 sums[CHAINS];
    // Opaque to the compiler, which would otherwise multiply once.
    __m512i factors = _mm512_set1_epi32(0x3f803f80);
    for (int i = 0; i < CHAINS; i++) sums[i] = _mm512_set1_ps((float)i);
    for (long r = 0; r < rounds; r++) {
        __asm__ volatile("" : "+v"(factors));
#pragma clang loop unroll(full)
        for (int i = 0; i < CHAINS; i++) sums[i] = _mm512_dpbf16_ps(sums[i], (__m512bh)factors, (__m512bh)factors);
    }
    for (int i = 1; i < CHAINS; i++) sums[0] = _mm512_add_ps(sums[0], sums[i]);
    return _mm512_reduce_add_ps(sums[0]);
}
#else
int ceiling_lanes(void) { return 1; }
int ceiling_has_bf16(void) { return 0; }
#endif

static float run1(long rounds) {
    float sums[CHAINS], sum = 0;
    for (int i = 0; i < CHAINS; i++) sums[i] = (float)i;
    for (long r = 0; r < rounds; r++)
        for (int i = 0; i < CHAINS; i++) sums[i] = sums[i] * 0.999f + 0.001f;
    for (int i = 0; i < CHAINS; i++) sum += sums[i];
    return sum;
}

float ceiling_run(long rounds) {
#if defined(__x86_64__)
    switch (ceiling_lanes()) {
    case 16: return run16(rounds);
    case 8: return run8(rounds);
    }
#endif
    return run1(rounds);
}

int ceiling_bf16_products(void) { return 32; }

float ceiling_run_bf16(long rounds) {
#if defined(__x86_64__)
    if (ceiling_has_bf16()) return run_bf16(rounds);
#endif
    return 0;
}
