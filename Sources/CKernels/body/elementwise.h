// Element-wise kernels over elements E in memory; K(name) is the name of the kernel for them.

/// Defines a kernel y[i] = f(x[i]).
#define UNARY_KERNEL(name, EXPRESSION)                                                                                 \
    static void K(name)(E *y, const E *source, size_t count) {                                                         \
        for (size_t i = 0; i < count; i += VL) {                                                                       \
            vf x = load_up_to(source + i, count - i);                                                                  \
            store_up_to(y + i, EXPRESSION, count - i);                                                                 \
        }                                                                                                              \
    }

UNARY_KERNEL(silu, x / (1.0f + exp_full(-x)))
UNARY_KERNEL(gelu, gelu_of(x))
UNARY_KERNEL(quick_gelu, x / (1.0f + exp_full(-1.702f * x)))
UNARY_KERNEL(relu, at_least((vf)(0.0f), x))
UNARY_KERNEL(sigmoid_all, sigmoid(x))

static void K(add)(E *y, const E *a, const E *b, size_t count) {
    for (size_t i = 0; i < count; i += VL)
        store_up_to(y + i, load_up_to(a + i, count - i) + load_up_to(b + i, count - i), count - i);
}

static void K(scale)(E *y, const E *x, float a, size_t count) {
    for (size_t i = 0; i < count; i += VL) store_up_to(y + i, a * load_up_to(x + i, count - i), count - i);
}

static void K(add_row)(E *y, const E *x, const float *b, size_t rows, size_t width) {
    for (size_t r = 0; r < rows; r++)
        for (size_t i = 0; i < width; i += VL)
            store_up_to(y + r * width + i, load_up_to(x + r * width + i, width - i) + load_up_to(b + i, width - i), width - i);
}

/// y[c] = Σ x[(i·stride + j)·channels + c] over i < rows, j < columns, in this order.
static void K(sum_pixels)(E *y, const E *x, size_t rows, size_t columns, size_t stride, size_t channels) {
    for (size_t c = 0; c < channels; c += VL) {
        vf sum = (vf)(0.0f);
        for (size_t i = 0; i < rows; i++)
            for (size_t j = 0; j < columns; j++) sum += load_up_to(x + (i * stride + j) * channels + c, channels - c);
        store_up_to(y + c, sum, channels - c);
    }
}

static void K(silu_backward)(E *dx, const E *dy, const E *source, size_t count) {
    for (size_t i = 0; i < count; i += VL)
        store_up_to(dx + i, load_up_to(dy + i, count - i) * silu_slope(load_up_to(source + i, count - i)), count - i);
}

static void K(geglu)(E *y, const E *x, size_t rows, size_t width) {
    for (size_t r = 0; r < rows; r++) {
        const E *value = x + r * 2 * width, *gate = value + width;
        for (size_t i = 0; i < width; i += VL)
            store_up_to(y + r * width + i, load_up_to(value + i, width - i) * gelu_of(load_up_to(gate + i, width - i)),
                        width - i);
    }
}

/// d value = dy·gelu(gate); d gate = dy·value·(Φ(gate) + gate·φ(gate)).
static void K(geglu_backward)(E *dx, const E *dy, const E *x, size_t rows, size_t width) {
    for (size_t r = 0; r < rows; r++) {
        const E *value = x + r * 2 * width, *gate = value + width;
        E *dvalue = dx + r * 2 * width, *dgate = dvalue + width;
        for (size_t i = 0; i < width; i += VL) {
            vf g = load_up_to(gate + i, width - i), v = load_up_to(value + i, width - i);
            vf d = load_up_to(dy + r * width + i, width - i), distribution, density;
            normal_distribution(g, &distribution, &density);
            store_up_to(dvalue + i, d * g * distribution, width - i);
            store_up_to(dgate + i, d * v * (distribution + g * density), width - i);
        }
    }
}

#undef UNARY_KERNEL
