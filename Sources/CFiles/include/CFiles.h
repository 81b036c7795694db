// What Swift cannot ask of the system: a signal handler, the kind of a file system, one time of a file without the other, stdio's
// standard output, on which processors a process may run.
#ifndef CFILES_H
#define CFILES_H

#include <stddef.h>
#include <sys/statfs.h>

typedef struct cfiles_watch cfiles_watch;

// Reading mapped bytes that the file no longer has, or that its disk or network share does not give, is SIGBUS. While a
// range is watched that ends the process with `sentence` (which should end in a line feed) on standard error and the exit
// status 74 (EX_IOERR), instead of by the signal; the file `removed` is removed first, NULL: none. Any thread may call; NULL
// where there is no memory.
cfiles_watch *cfiles_watch_mapping(const void *start, size_t size, const char *sentence, const char *removed);

// To be called before the range is unmapped. NULL is nothing.
void cfiles_unwatch_mapping(cfiles_watch *watch);

// Sets the access time to now, and not the modification time: that is what those who have the file mapped know it by.
void cfiles_note_use(const char *path);

// Writes out what stdio still holds of standard output; the error number where that, or an earlier write, has failed, else 0.
int cfiles_finish_standard_output(void);

// How many processors this process may run on now (sched_getaffinity(2)); at least 1.
int cfiles_processors(void);

#endif
