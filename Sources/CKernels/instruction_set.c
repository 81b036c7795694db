// Which instruction set's kernels are used.

#include "KernelTable.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

static ck_isa supported(void) {
#if defined(__x86_64__)
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512bw") &&
        __builtin_cpu_supports("avx512dq"))
        return CK_AVX512;
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("f16c")) return CK_AVX2;
#endif
    return CK_PLAIN;
}

static const struct ck_table *table_of(ck_isa isa) {
#if defined(__x86_64__)
    if (isa == CK_AVX512) return &ck_table_avx512;
    if (isa == CK_AVX2) return &ck_table_avx2;
#endif
    (void)isa;
    return &ck_table_plain;
}

ck_isa ck_best_isa(void) {
    ck_isa best = supported(), wanted = best;
    const char *name = getenv("SEGMIX_ISA");
    if (name && strcmp(name, "plain") == 0) wanted = CK_PLAIN;
    if (name && strcmp(name, "avx2") == 0) wanted = CK_AVX2;
    return wanted < best ? wanted : best;
}

// The only state of this target. Threads that race for the first call store the same pointer.
static _Atomic(const struct ck_table *) table;

const struct ck_table *ck_kernels(void) {
    const struct ck_table *chosen = atomic_load_explicit(&table, memory_order_relaxed);
    if (!chosen) {
        chosen = table_of(ck_best_isa());
        atomic_store_explicit(&table, chosen, memory_order_relaxed);
    }
    return chosen;
}

int ck_use_isa(ck_isa isa) {
    if (isa > supported()) return 0;
    atomic_store_explicit(&table, table_of(isa), memory_order_relaxed);
    return 1;
}
