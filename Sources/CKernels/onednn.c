// oneDNN: matrix products and convolutions in bfloat16, each call on the thread that makes it.
//
// What oneDNN compiles for a shape is kept in a table of bounded size, and so is the scratch memory. Debian's oneDNN
// spreads its loops over OpenMP threads; every call first tells OpenMP that its thread is alone.

#include "CKernelsOneDNN.h"
#include "borrowed_memory.h"
#include "onednn.h"

#if defined(__x86_64__) && __has_include(<dnnl.h>)

#include <dnnl.h>
#include <dlfcn.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum { PRIMITIVES = 256 };

// --------------------------------------------------------------------------------------------- primitives

/// What a compiled operation depends on. Compared as bytes: cleared before it is filled.
struct key {
    int kind, flags;
    int64_t numbers[16];
};

struct operation {
    dnnl_primitive_t primitive;
    dnnl_memory_desc_t source, weights, bias, target, scratch;
    size_t scratch_size;
    int reference;   // oneDNN has only its plain loops for it
};

/// `users` counts the calls that run it now; `kept`: it is in the table.
struct entry { struct key key; struct operation operation; unsigned long used; int users, kept; };
static struct entry *table[PRIMITIVES];
static unsigned long now;
static dnnl_engine_t engine;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static int available;
static void (*omp_threads)(int);

static void start(void) {
    __builtin_cpu_init();
    omp_threads = (void (*)(int))dlsym(RTLD_DEFAULT, "omp_set_num_threads");
    available = ck_best_isa() == CK_AVX512 && __builtin_cpu_supports("avx512bf16") && dnnl_engine_create(&engine, dnnl_cpu, 0) == dnnl_success;
}

/// Before every call that may start threads: OpenMP keeps the number of threads for each calling thread.
static int ready(void) {
    pthread_once(&once, start);
    if (omp_threads) omp_threads(1);
    return available;
}

int ck_bf16_available(void) { return ready(); }

static dnnl_status_t compile(const struct key *k, struct operation *o);

static void discard(struct entry *e) {
    if (!e) return;
    dnnl_primitive_destroy(e->operation.primitive);
    free(e);
}

static void release(struct entry *e) {
    pthread_mutex_lock(&lock);
    const int last = --e->users == 0 && !e->kept;
    pthread_mutex_unlock(&lock);
    if (last) discard(e);
}

/// The compiled operation, to be given back with `release`; NULL and a status if oneDNN cannot.
static struct entry *find(const struct key *k, int *status) {
    *status = dnnl_success;
    pthread_mutex_lock(&lock);
    now++;
    for (size_t i = 0; i < PRIMITIVES; i++)
        if (table[i] && memcmp(&table[i]->key, k, sizeof *k) == 0) {
            struct entry *e = table[i];
            e->used = now, e->users++;
            pthread_mutex_unlock(&lock);
            return e;
        }
    pthread_mutex_unlock(&lock);

    struct entry *made = calloc(1, sizeof *made), *old = NULL;
    if (!made) { *status = dnnl_out_of_memory; return NULL; }
    made->key = *k;
    *status = compile(k, &made->operation);
    if (*status != dnnl_success) { free(made); return NULL; }

    // Two threads may have made the same one: both stay until they are the longest unused.
    pthread_mutex_lock(&lock);
    size_t place = PRIMITIVES;
    for (size_t i = 0; i < PRIMITIVES; i++) {
        if (!table[i]) { place = i; break; }
        if (table[i]->users == 0 && (place == PRIMITIVES || table[i]->used < table[place]->used)) place = i;
    }
    made->used = now, made->users = 1;
    if (place < PRIMITIVES) old = table[place], table[place] = made, made->kept = 1;
    pthread_mutex_unlock(&lock);
    discard(old);
    return made;
}

/// Runs an operation on its operands; a null bias is left out.
static int run(const struct operation *o, void *target, const void *source, const void *weights, const void *bias) {
    const dnnl_memory_desc_t *descriptions[5] = {&o->source, &o->weights, &o->target, &o->scratch, &o->bias};
    const struct ck_block scratch = ck_borrow(o->scratch_size);
    void *pointers[5] = {(void *)source, (void *)weights, target, scratch.bytes, (void *)bias};
    const int names[5] = {DNNL_ARG_SRC, DNNL_ARG_WEIGHTS, DNNL_ARG_DST, DNNL_ARG_SCRATCHPAD, DNNL_ARG_BIAS};
    const int count = bias ? 5 : 4;
    dnnl_exec_arg_t arguments[5];
    dnnl_stream_t stream = NULL;
    int made = 0, status = o->scratch_size > 0 && !scratch.bytes ? dnnl_out_of_memory : dnnl_success;
    for (; made < count && status == dnnl_success; made++) {
        arguments[made].arg = names[made];
        status = dnnl_memory_create(&arguments[made].memory, descriptions[made], engine, pointers[made]);
        if (status != dnnl_success) break;
    }
    if (status == dnnl_success) status = dnnl_stream_create(&stream, engine, dnnl_stream_in_order);
    if (status == dnnl_success) status = dnnl_primitive_execute(o->primitive, stream, count, arguments);
    if (status == dnnl_success) status = dnnl_stream_wait(stream);
    if (stream) dnnl_stream_destroy(stream);
    for (int i = 0; i < made; i++) dnnl_memory_destroy(arguments[i].memory);
    ck_give_back(scratch);
    return status;
}

/// Compiles what `description` says; the scratch memory is the caller's.
static dnnl_status_t finish(struct operation *o, const void *description, float sum) {
    dnnl_primitive_attr_t attributes = NULL;
    dnnl_post_ops_t after = NULL;
    dnnl_primitive_desc_t chosen = NULL;
    dnnl_status_t status = dnnl_primitive_attr_create(&attributes);
    if (status == dnnl_success) status = dnnl_primitive_attr_set_scratchpad_mode(attributes, dnnl_scratchpad_mode_user);
    if (status == dnnl_success && sum != 0) {
        status = dnnl_post_ops_create(&after);
        if (status == dnnl_success) status = dnnl_post_ops_append_sum(after, sum);
        if (status == dnnl_success) status = dnnl_primitive_attr_set_post_ops(attributes, after);
    }
    if (status == dnnl_success) status = dnnl_primitive_desc_create(&chosen, description, attributes, engine, NULL);
    if (status == dnnl_success) status = dnnl_primitive_create(&o->primitive, chosen);
    if (status == dnnl_success) {
        o->weights = *dnnl_primitive_desc_query_md(chosen, dnnl_query_weights_md, 0);
        o->scratch = *dnnl_primitive_desc_query_md(chosen, dnnl_query_scratchpad_md, 0);
        o->scratch_size = dnnl_memory_desc_get_size(&o->scratch);
        const char *name = NULL;
        if (dnnl_primitive_desc_query(chosen, dnnl_query_impl_info_str, 0, (void *)&name) == dnnl_success && name)
            o->reference = strncmp(name, "ref", 3) == 0;
    }
    if (chosen) dnnl_primitive_desc_destroy(chosen);
    if (after) dnnl_post_ops_destroy(after);
    if (attributes) dnnl_primitive_attr_destroy(attributes);
    return status;
}

// ------------------------------------------------------------------------------------------------- matmul

enum { MATMUL = 1, CONVOLUTION = 2 };
enum { C_IS_FLOAT = 1, A_TRANSPOSED = 2, B_TRANSPOSED = 4, HAS_BIAS = 8, ACCUMULATES = 16, FORMAT_ONLY = 32 };

static dnnl_status_t compile_matmul(const struct key *k, struct operation *o) {
    const int64_t *p = k->numbers, m = p[0], n = p[1], depth = p[2], lda = p[3], ldb = p[4], ldc = p[5];
    const dnnl_dims_t a = {m, depth}, b = {depth, n}, c = {m, n}, bias = {1, n};
    const dnnl_dims_t rows_a = {lda, 1}, columns_a = {1, lda}, rows_b = {ldb, 1}, columns_b = {1, ldb}, rows_c = {ldc, 1};
    dnnl_matmul_desc_t d;
    dnnl_status_t status = dnnl_memory_desc_init_by_strides(&o->source, 2, a, dnnl_bf16, k->flags & A_TRANSPOSED ? columns_a : rows_a);
    if (status == dnnl_success)
        status = dnnl_memory_desc_init_by_strides(&o->weights, 2, b, dnnl_bf16, k->flags & B_TRANSPOSED ? columns_b : rows_b);
    if (status == dnnl_success)
        status = dnnl_memory_desc_init_by_strides(&o->target, 2, c, k->flags & C_IS_FLOAT ? dnnl_f32 : dnnl_bf16, rows_c);
    if (status == dnnl_success) status = dnnl_memory_desc_init_by_tag(&o->bias, 2, bias, dnnl_f32, dnnl_ab);
    if (status == dnnl_success)
        status = dnnl_matmul_desc_init(&d, &o->source, &o->weights, k->flags & HAS_BIAS ? &o->bias : NULL, &o->target);
    return status == dnnl_success ? finish(o, &d, k->flags & ACCUMULATES ? 1 : 0) : status;
}

int ck_onednn_matmul(void *c, int c_is_float, const uint16_t *a, const uint16_t *b, const float *bias, int aT, int bT, int64_t m,
                     int64_t n, int64_t k, int64_t lda, int64_t ldb, int64_t ldc, int accumulate) {
    if (!ready()) return dnnl_unimplemented;
    struct key key;
    memset(&key, 0, sizeof key);
    key.kind = MATMUL;
    key.flags = (c_is_float ? C_IS_FLOAT : 0) | (aT ? A_TRANSPOSED : 0) | (bT ? B_TRANSPOSED : 0) | (bias ? HAS_BIAS : 0) |
                (accumulate ? ACCUMULATES : 0);
    const int64_t numbers[6] = {m, n, k, lda, ldb, ldc};
    memcpy(key.numbers, numbers, sizeof numbers);
    int status;
    struct entry *e = find(&key, &status);
    if (!e) return status;
    status = run(&e->operation, c, a, b, bias);
    release(e);
    return status;
}

// -------------------------------------------------------------------------------------------- convolution

/// A convolution as oneDNN has it: whole images, padding that is nowhere negative.
struct geometry { int64_t batch, channels, height, width, out_channels, out_height, out_width, kh, kw, stride, top, left, bottom, right; };

static dnnl_status_t describe(const struct geometry *g, int has_bias, const dnnl_memory_desc_t *weights, struct operation *o) {
    const dnnl_dims_t x = {g->batch, g->channels, g->height, g->width}, y = {g->batch, g->out_channels, g->out_height, g->out_width};
    const dnnl_dims_t w = {g->out_channels, g->channels, g->kh, g->kw}, b = {g->out_channels};
    const dnnl_dims_t strides = {g->stride, g->stride}, before = {g->top, g->left}, after = {g->bottom, g->right};
    dnnl_convolution_desc_t d;
    dnnl_status_t status = dnnl_memory_desc_init_by_tag(&o->source, 4, x, dnnl_bf16, dnnl_nhwc);
    if (status == dnnl_success) status = dnnl_memory_desc_init_by_tag(&o->target, 4, y, dnnl_bf16, dnnl_nhwc);
    if (status == dnnl_success) status = dnnl_memory_desc_init_by_tag(&o->bias, 1, b, dnnl_f32, dnnl_a);
    if (weights) o->weights = *weights;
    else if (status == dnnl_success) status = dnnl_memory_desc_init_by_tag(&o->weights, 4, w, dnnl_bf16, dnnl_format_tag_any);
    if (status == dnnl_success)
        status = dnnl_convolution_forward_desc_init(&d, dnnl_forward_inference, dnnl_convolution_direct, &o->source, &o->weights,
                                                    has_bias ? &o->bias : NULL, &o->target, strides, before, after);
    return status == dnnl_success ? finish(o, &d, 0) : status;
}

/// The order of packed weights is that which oneDNN likes for pictures of 32×32, so that it does not depend on the size.
static struct entry *format(const ck_conv_shape *s, int *status) {
    struct key key;
    memset(&key, 0, sizeof key);
    key.kind = CONVOLUTION, key.flags = FORMAT_ONLY;
    const int64_t kh = (int64_t)s->kernel_height, kw = (int64_t)s->kernel_width, stride = s->in_step > 1 ? 1 : (int64_t)s->stride;
    const struct geometry g = {1, (int64_t)s->in_channels, 31 * stride + kh, 31 * stride + kw, (int64_t)s->out_channels, 32, 32, kh, kw,
                               stride, 0, 0, 0, 0};
    memcpy(key.numbers, &g, sizeof g);
    return find(&key, status);
}

static dnnl_status_t compile_convolution(const struct key *k, struct operation *o) {
    struct geometry g;
    memcpy(&g, k->numbers, sizeof g);
    if (k->flags & FORMAT_ONLY) return describe(&g, 0, NULL, o);
    const ck_conv_shape s = {.in_channels = (size_t)g.channels, .out_channels = (size_t)g.out_channels, .kernel_height = (size_t)g.kh,
                             .kernel_width = (size_t)g.kw, .stride = (size_t)g.stride, .in_step = 1};
    int status;
    struct entry *e = format(&s, &status);
    if (!e) return status;
    status = describe(&g, k->flags & HAS_BIAS, &e->operation.weights, o);
    release(e);
    return status;
}

static dnnl_status_t compile(const struct key *k, struct operation *o) {
    return k->kind == MATMUL ? compile_matmul(k, o) : compile_convolution(k, o);
}

size_t ck_bf16_convolution_packed_bytes(const ck_conv_shape *s) {
    int status;
    struct entry *e = ready() ? format(s, &status) : NULL;
    if (!e) return 0;
    const size_t bytes = dnnl_memory_desc_get_size(&e->operation.weights);
    release(e);
    return bytes;
}

/// Output channels that the order of the weights keeps together; all of them if it is no order of blocks.
static size_t granule(const ck_conv_shape *s, const dnnl_memory_desc_t *order) {
    if (order->format_kind != dnnl_blocked) return s->out_channels;
    size_t channels = 1;
    for (int i = 0; i < order->format_desc.blocking.inner_nblks; i++)
        if (order->format_desc.blocking.inner_idxs[i] == 0) channels *= (size_t)order->format_desc.blocking.inner_blks[i];
    return channels;
}

size_t ck_bf16_convolution_pack_granule(const ck_conv_shape *s) {
    int status;
    struct entry *e = ready() ? format(s, &status) : NULL;
    if (!e) return s->out_channels;
    const size_t channels = granule(s, &e->operation.weights);
    release(e);
    return channels;
}

/// Output channels [first, first + count) of a weight that is turned, in the order of one that is not.
static void turn(uint16_t *y, const uint16_t *weight, const ck_conv_shape *s, size_t first, size_t count) {
    enum { TOGETHER = 16 };   // input channels; each is a stream that is read
    const size_t out = s->out_channels, in = s->in_channels, taps = s->kernel_height * s->kernel_width;
    for (size_t begin = 0; begin < in; begin += TOGETHER) {
        const size_t end = begin + TOGETHER < in ? begin + TOGETHER : in;
        for (size_t o = 0; o < count; o++)
            for (size_t i = begin; i < end; i++) {
                const uint16_t *source = weight + (i * out + first + o) * taps;
                uint16_t *target = y + (o * in + i) * taps;
                for (size_t t = 0; t < taps; t++) target[t] = source[taps - 1 - t];
            }
    }
}

int ck_bf16_convolution_pack(void *packed, const uint16_t *weight, const ck_conv_shape *s, int turned, size_t first, size_t count) {
    if (!ready()) return dnnl_unimplemented;
    int status;
    struct entry *e = format(s, &status);
    if (!e) return status;
    const dnnl_dims_t dims = {(int64_t)count, (int64_t)s->in_channels, (int64_t)s->kernel_height, (int64_t)s->kernel_width};
    const dnnl_dims_t offsets = {(int64_t)first, 0, 0, 0};
    const size_t in = s->in_channels, taps = s->kernel_height * s->kernel_width;
    struct ck_block copy = {0};
    if (turned) {
        copy = ck_borrow(count * in * taps * 2);
        if (!copy.bytes) { release(e); return dnnl_out_of_memory; }
        turn(copy.bytes, weight, s, first, count);
        weight = copy.bytes;
    } else {
        weight += first * in * taps;
    }
    dnnl_memory_desc_t plain, part;
    dnnl_memory_t from = NULL, to = NULL;
    dnnl_primitive_desc_t chosen = NULL;
    dnnl_primitive_t reorder = NULL;
    dnnl_stream_t stream = NULL;
    status = dnnl_memory_desc_init_by_tag(&plain, 4, dims, dnnl_bf16, dnnl_oihw);
    if (status == dnnl_success) status = dnnl_memory_desc_init_submemory(&part, &e->operation.weights, dims, offsets);
    if (status == dnnl_success) status = dnnl_memory_create(&from, &plain, engine, (void *)weight);
    if (status == dnnl_success) status = dnnl_memory_create(&to, &part, engine, packed);
    if (status == dnnl_success) status = dnnl_reorder_primitive_desc_create(&chosen, &plain, engine, &part, engine, NULL);
    if (status == dnnl_success) status = dnnl_primitive_create(&reorder, chosen);
    if (status == dnnl_success) status = dnnl_stream_create(&stream, engine, dnnl_stream_in_order);
    const dnnl_exec_arg_t arguments[2] = {{DNNL_ARG_FROM, from}, {DNNL_ARG_TO, to}};
    if (status == dnnl_success) status = dnnl_primitive_execute(reorder, stream, 2, arguments);
    if (status == dnnl_success) status = dnnl_stream_wait(stream);
    if (stream) dnnl_stream_destroy(stream);
    if (reorder) dnnl_primitive_destroy(reorder);
    if (chosen) dnnl_primitive_desc_destroy(chosen);
    if (to) dnnl_memory_destroy(to);
    if (from) dnnl_memory_destroy(from);
    ck_give_back(copy);
    release(e);
    return status;
}

static int64_t larger(int64_t a, int64_t b) { return a > b ? a : b; }

/// Rows of an image that lie `step` apart in a zero-stuffed one, from virtual row `top` and column `left` on, as [height, width].
static void stuff(uint16_t *y, const uint16_t *image, const ck_conv_shape *s, int64_t top, int64_t left, int64_t height, int64_t width) {
    const int64_t step = (int64_t)s->in_step, channels = (int64_t)s->in_channels;
    memset(y, 0, (size_t)(height * width * channels) * 2);
    for (int64_t r = 0; r < height; r++) {
        const int64_t row = top + r;
        if (row < 0 || row % step != 0 || row / step >= (int64_t)s->in_height) continue;
        for (int64_t c = 0; c < width; c++) {
            const int64_t column = left + c;
            if (column < 0 || column % step != 0 || column / step >= (int64_t)s->in_width) continue;
            memcpy(y + (r * width + c) * channels, image + (row / step * (int64_t)s->in_width + column / step) * channels,
                   (size_t)channels * 2);
        }
    }
}

/// The compiled convolution of `g` and of its packed weights' order.
static struct entry *convolution(const struct geometry *g, int has_bias, int *status) {
    struct key key;
    memset(&key, 0, sizeof key);
    key.kind = CONVOLUTION, key.flags = has_bias ? HAS_BIAS : 0;
    memcpy(key.numbers, g, sizeof *g);
    return find(&key, status);
}

/// A small picture for which oneDNN would want its weights in another order, computed as the upper left corner of a larger one:
/// its plain loops are a thousand times slower. Returns 0 and leaves `status` alone if larger ones are no better.
static int in_larger(uint16_t *y, const uint16_t *x, const void *packed, const float *bias, const ck_conv_shape *s,
                     const struct geometry *small, int64_t images, int64_t row, int *status) {
    const int64_t channels = small->channels, out = small->out_channels, width = small->out_width, rows = small->out_height;
    for (int64_t side = 16; side <= 32; side += 16) {
        struct geometry g = *small;
        g.batch = 1, g.out_height = larger(rows, side), g.out_width = larger(width, side);
        g.height = (g.out_height - 1) * g.stride + g.kh, g.width = (g.out_width - 1) * g.stride + g.kw;
        g.top = g.left = g.bottom = g.right = 0;
        int found;
        struct entry *e = convolution(&g, bias != NULL, &found);
        if (!e) continue;
        if (e->operation.reference) { release(e); continue; }
        const struct ck_block copy = ck_borrow((size_t)(g.height * g.width * channels) * 2);
        const struct ck_block result = ck_borrow((size_t)(g.out_height * g.out_width * out) * 2);
        *status = copy.bytes && result.bytes ? dnnl_success : dnnl_out_of_memory;
        for (int64_t i = 0; i < images && *status == dnnl_success; i++) {
            stuff(copy.bytes, x + i * (int64_t)(s->in_height * s->in_width) * channels, s, row * g.stride - s->pad_top, -s->pad_left,
                  g.height, g.width);
            *status = run(&e->operation, result.bytes, copy.bytes, packed, bias);
            for (int64_t r = 0; r < rows; r++)
                memcpy(y + (i * rows + r) * width * out, (const uint16_t *)result.bytes + r * g.out_width * out, (size_t)(width * out) * 2);
        }
        ck_give_back(result);
        ck_give_back(copy);
        release(e);
        return 1;
    }
    return 0;
}

/// Rows [row, row + rows) of `images` images from `image` on; more than one image only if all their rows are meant.
static int convolve(uint16_t *y, const uint16_t *x, const void *packed, const float *bias, const ck_conv_shape *s, int64_t images,
                    int64_t row, int64_t rows) {
    const int64_t stride = (int64_t)s->stride, height = (int64_t)s->in_height, width = (int64_t)s->in_width;
    const int64_t kh = (int64_t)s->kernel_height, kw = (int64_t)s->kernel_width, channels = (int64_t)s->in_channels;
    const int64_t needed = ((int64_t)s->out_width - 1) * stride + kw;   // columns that are read, padding included
    struct geometry g = {images, channels, 0, width, (int64_t)s->out_channels, rows, (int64_t)s->out_width, kh, kw, stride, 0,
                         s->pad_left, 0, needed - s->pad_left - width};
    const int64_t first = row * stride - s->pad_top, last = first + (rows - 1) * stride + kh;
    const int64_t begin = larger(0, first), end = last < height ? last : height;
    const uint16_t *const picture = x;
    struct ck_block copy = {0};
    if (s->in_step > 1 || g.left < 0 || g.right <= -stride || begin >= end) {
        g.height = last - first, g.width = needed, g.left = g.right = 0;
        copy = ck_borrow((size_t)(images * g.height * needed * channels) * 2);
        if (!copy.bytes) return dnnl_out_of_memory;
        for (int64_t i = 0; i < images; i++)
            stuff((uint16_t *)copy.bytes + i * g.height * needed * channels, x + i * height * width * channels, s, first, -s->pad_left,
                  g.height, needed);
        x = copy.bytes;
    } else if (images > 1) {
        // All rows of all images: they may end before the image does, which oneDNN rounds down.
        g.height = height, g.top = s->pad_top, g.bottom = larger(0, last - height), g.right = larger(0, g.right);
    } else {
        g.height = end - begin, g.top = begin - first, g.bottom = last - end, g.right = larger(0, g.right);
        x += begin * width * channels;
    }
    int status;
    struct entry *e = convolution(&g, bias != NULL, &status);
    if (e) {
        const int better = e->operation.reference && in_larger(y, picture, packed, bias, s, &g, images, row, &status);
        if (!better) status = run(&e->operation, y, x, packed, bias);
        release(e);
    }
    ck_give_back(copy);
    return status;
}

int ck_bf16_convolution(uint16_t *y, const uint16_t *x, const void *packed, const float *bias, const ck_conv_shape *s, int64_t first,
                        int64_t count) {
    if (!ready()) return dnnl_unimplemented;
    const int64_t rows = (int64_t)s->out_height, end = first + count;
    const size_t in = s->in_height * s->in_width * s->in_channels, out_row = s->out_width * s->out_channels;
    // One call for the whole images among them needs an image that is read from its first row to about its last.
    const int64_t unread = (int64_t)s->in_height + s->pad_top - ((rows - 1) * (int64_t)s->stride + (int64_t)s->kernel_height);
    const int together = s->pad_top >= 0 && unread < (int64_t)s->stride;
    for (int64_t row = first, taken; row < end; row += taken) {
        const int64_t image = row / rows, from = row % rows;
        int64_t images = from == 0 && together ? (end - row) / rows : 0;
        if (images == 0) images = 1;
        taken = images > 1 ? images * rows : rows - from < end - row ? rows - from : end - row;
        const int status = convolve(y + (size_t)row * out_row, x + (size_t)image * in, packed, bias, s, images, from,
                                    images > 1 ? rows : taken);
        if (status != dnnl_success) return status;
    }
    return 0;
}

#else

int ck_bf16_available(void) { return 0; }

int ck_onednn_matmul(void *c, int c_is_float, const uint16_t *a, const uint16_t *b, const float *bias, int aT, int bT, int64_t m,
                   int64_t n, int64_t k, int64_t lda, int64_t ldb, int64_t ldc, int accumulate) {
    return -1;
}

size_t ck_bf16_convolution_packed_bytes(const ck_conv_shape *shape) { return 0; }
size_t ck_bf16_convolution_pack_granule(const ck_conv_shape *shape) { return shape->out_channels; }
int ck_bf16_convolution_pack(void *packed, const uint16_t *weight, const ck_conv_shape *shape, int turned, size_t first, size_t count) {
    return -1;
}
int ck_bf16_convolution(uint16_t *y, const uint16_t *x, const void *packed, const float *bias, const ck_conv_shape *shape,
                        int64_t first, int64_t count) {
    return -1;
}

#endif
