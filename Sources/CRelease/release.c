#include "release.h"

#ifndef SEGMIXD_VERSION
#define SEGMIXD_VERSION SEGMIXD_RELEASE
#endif

const char *segmixd_version(void) { return SEGMIXD_VERSION; }
