// The kernels that exist for float and for bfloat16 in memory, from one body.

#define E float
#define K(name) name
#include "elementwise.h"
#include "norms.h"
#undef E
#undef K

#define E uint16_t
#define K(name) name##_bf16
#include "elementwise.h"
#include "norms.h"
#undef E
#undef K
