#ifndef SEGMIXD_RELEASE_H
#define SEGMIXD_RELEASE_H

// The release that this is or will be; the Makefile reads it here.
#define SEGMIXD_RELEASE "0.1.0"

// What was built: the package's version ("0.1.0+git20261128.190200.61073d7"), the release alone where nobody gave one.
const char *segmixd_version(void);

#endif
