// The kernels for any processor: vectors of four floats, which every supported processor has.

#include "KernelTable.h"

#include <math.h>
#include <string.h>

#define VL 4
#define MR 6

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

#define CK_TABLE ck_table_plain
#include "body/table.h"

