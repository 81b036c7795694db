#include <inotifytools/inotify.h>
#include <sys/statfs.h>
#include <inotifytools/inotifytools.h>
