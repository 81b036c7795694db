#include "CFiles.h"

#include <errno.h>
#include <stdio.h>

int cfiles_finish_standard_output(void) {
    errno = 0;
    const int failed = fflush(stdout) != 0, code = errno;
    if (failed) return code != 0 ? code : EIO;
    // Of an earlier write nothing more is known.
    return ferror(stdout) ? EIO : 0;
}
