#include "CFiles.h"

#include <fcntl.h>
#include <sys/stat.h>

void cfiles_note_use(const char *path) {
    const struct timespec times[2] = {{.tv_nsec = UTIME_NOW}, {.tv_nsec = UTIME_OMIT}};
    utimensat(AT_FDCWD, path, times, 0);
}
