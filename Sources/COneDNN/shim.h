#if __has_include(<dnnl.h>)
#include <dnnl.h>
#endif
