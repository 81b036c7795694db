#include "CFiles.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

// Nodes are never freed, only used again: the handler may walk the list at any moment.
struct cfiles_watch {
    struct cfiles_watch *next;
    _Atomic(uintptr_t) start; // 0: not in use
    size_t size;
    char *sentence;
    char *removed; // NULL: nothing
};

static _Atomic(cfiles_watch *) first;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct sigaction earlier;

static void on_bus_error(int number, siginfo_t *information, void *context) {
    (void)context;
    const uintptr_t address = (uintptr_t)information->si_addr;
    for (cfiles_watch *watch = atomic_load(&first); watch; watch = watch->next) {
        const uintptr_t start = atomic_load(&watch->start);
        if (!start || address < start || address - start >= watch->size) continue;
        if (watch->removed) unlink(watch->removed);
        const char *text = watch->sentence;
        size_t left = strlen(text);
        while (left > 0) {
            const ssize_t written = write(STDERR_FILENO, text, left);
            if (written <= 0) break;
            text += written;
            left -= (size_t)written;
        }
        _exit(EX_IOERR);
    }
    // Not ours: the access is repeated and meets whoever was there before.
    sigaction(number, &earlier, NULL);
}

cfiles_watch *cfiles_watch_mapping(const void *start, size_t size, const char *sentence, const char *removed) {
    char *copy = strdup(sentence), *removed_copy = removed ? strdup(removed) : NULL;
    if (!copy || (removed && !removed_copy)) {
        free(copy);
        free(removed_copy);
        return NULL;
    }
    pthread_mutex_lock(&lock);
    static int installed;
    if (!installed) {
        struct sigaction action = {0};
        action.sa_sigaction = on_bus_error;
        action.sa_flags = SA_SIGINFO;
        sigemptyset(&action.sa_mask);
        installed = sigaction(SIGBUS, &action, &earlier) == 0;
    }
    cfiles_watch *watch = atomic_load(&first);
    while (watch && atomic_load(&watch->start)) watch = watch->next;
    const int is_new = !watch;
    if (is_new) watch = calloc(1, sizeof *watch);
    if (watch) {
        free(watch->sentence);
        free(watch->removed);
        watch->sentence = copy;
        watch->removed = removed_copy;
        watch->size = size;
        if (is_new) {
            watch->next = atomic_load(&first);
            atomic_store(&first, watch);
        }
        atomic_store(&watch->start, (uintptr_t)start);
    } else {
        free(copy);
        free(removed_copy);
    }
    pthread_mutex_unlock(&lock);
    return watch;
}

void cfiles_unwatch_mapping(cfiles_watch *watch) {
    if (watch) atomic_store(&watch->start, 0);
}
