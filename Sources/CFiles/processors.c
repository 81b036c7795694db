#define _GNU_SOURCE
#include "CFiles.h"

#include <sched.h>
#include <unistd.h>

int cfiles_processors(void) {
    // The set must have room for every processor that the kernel could have, or it is refused.
    for (int room = 1024; room <= 1 << 20; room *= 2) {
        cpu_set_t *set = CPU_ALLOC(room);
        if (!set) break;
        const size_t size = CPU_ALLOC_SIZE(room);
        const int count = sched_getaffinity(0, size, set) == 0 ? CPU_COUNT_S(size, set) : 0;
        CPU_FREE(set);
        if (count > 0) return count;
    }
    const long online = sysconf(_SC_NPROCESSORS_ONLN);
    return online > 0 ? (int)online : 1;
}
