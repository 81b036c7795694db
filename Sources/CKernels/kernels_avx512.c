// The kernels for x86-64 with AVX-512 (F, VL, BW, DQ).
#if defined(__x86_64__)

#include "KernelTable.h"

#include <math.h>
#include <string.h>
#include <immintrin.h>

#define VL 16
#define MR 12

#pragma clang attribute push(__attribute__((target("avx512f,avx512vl,avx512bw,avx512dq,avx2,fma,f16c"))), apply_to = function)

#include "body/vector.h"
#include "body/transpose.h"
#include "body/product.h"
#include "body/conversions.h"
#include "body/matmul.h"
#include "body/typed.h"
#include "body/attention_forward.h"
#include "body/attention_backward.h"
#include "body/relative_terms.h"
#include "body/convolution.h"
#include "body/depthwise.h"
#include "body/winograd.h"
#include "body/winograd_weights.h"
#include "body/bilinear.h"
#include "body/optimizer.h"

#pragma clang attribute pop

#define CK_TABLE ck_table_avx512
#include "body/table.h"

#endif
