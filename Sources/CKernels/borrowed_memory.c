// A few blocks of memory that calls take turns with.

#include "borrowed_memory.h"

#include <pthread.h>
#include <stdlib.h>

enum { IDLE_BLOCKS = 64 };
static struct ck_block idle[IDLE_BLOCKS];
static size_t idle_count;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

struct ck_block ck_borrow(size_t size) {
    struct ck_block b = {0};
    if (size == 0) return b;
    pthread_mutex_lock(&lock);
    size_t best = idle_count;   // the smallest that is large enough
    for (size_t i = 0; i < idle_count; i++)
        if (idle[i].size >= size && (best == idle_count || idle[i].size < idle[best].size)) best = i;
    if (best < idle_count) b = idle[best], idle[best] = idle[--idle_count];
    pthread_mutex_unlock(&lock);
    if (b.bytes) return b;
    b.size = (size + 4095) / 4096 * 4096;
    if (posix_memalign(&b.bytes, 4096, b.size) != 0) b.bytes = NULL, b.size = 0;
    return b;
}

void ck_give_back(struct ck_block b) {
    if (!b.bytes) return;
    pthread_mutex_lock(&lock);
    if (idle_count < IDLE_BLOCKS) {
        idle[idle_count++] = b, b.bytes = NULL;
    } else {
        // The smallest goes.
        for (size_t i = 0; i < idle_count; i++)
            if (idle[i].size < b.size) { const struct ck_block t = idle[i]; idle[i] = b; b = t; }
    }
    pthread_mutex_unlock(&lock);
    free(b.bytes);
}
