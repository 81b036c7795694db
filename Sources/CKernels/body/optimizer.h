// AdamW and the norm of a gradient.

static void adamw_step(float *p, float *m, float *v, const float *gradient, float gradient_scale, const ck_adamw *o,
                       size_t count) {
    // Rounded to float exactly where PyTorch rounds its Python numbers.
    const float keep = (float)(1.0 - o->learning_rate * o->weight_decay), step = (float)(o->learning_rate / o->bias1);
    const float first = (float)(1.0 - o->beta1), second = (float)(1.0 - o->beta2), beta2 = (float)o->beta2;
    const float root = (float)sqrt(o->bias2), epsilon = (float)o->epsilon;
    for (size_t i = 0; i < count; i += VL) {
        const size_t n = count - i < VL ? count - i : VL;
        vf g = load_up_to(gradient + i, n) * gradient_scale;
        vf moment = load_up_to(m + i, n), square = load_up_to(v + i, n);
        moment = moment + first * (g - moment);
        square = square * beta2 + second * g * g;
        vf denominator = __builtin_elementwise_sqrt(square) / root + epsilon;
        store_up_to(p + i, load_up_to(p + i, n) * keep - step * (moment / denominator), n);
        store_up_to(m + i, moment, n);
        store_up_to(v + i, square, n);
    }
}

static double sum_of_squares(const float *x, size_t count) {
    typedef double vd __attribute__((ext_vector_type(VL)));
    vd sum[2] = {0};
    size_t i = 0;
    for (; i + 2 * VL <= count; i += 2 * VL)
        for (int j = 0; j < 2; j++) {
            vd wide = __builtin_convertvector(load(x + i + j * VL), vd);
            sum[j] += wide * wide;
        }
    double total = 0;
    for (int j = 0; j < VL; j++) total += sum[0][j] + sum[1][j];
    for (; i < count; i++) total += (double)x[i] * (double)x[i];
    return total;
}
