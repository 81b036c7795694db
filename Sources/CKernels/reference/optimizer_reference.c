// AdamW, plainly.

#include "CKernelsReference.h"

#include <math.h>

void ck_adamw_step_reference(float *p, float *m, float *v, const float *gradient, float gradient_scale, const ck_adamw *o,
                             size_t count) {
    for (size_t i = 0; i < count; i++) {
        const double g = (double)gradient[i] * gradient_scale;
        const double first = o->beta1 * m[i] + (1 - o->beta1) * g, second = o->beta2 * v[i] + (1 - o->beta2) * g * g;
        m[i] = (float)first;
        v[i] = (float)second;
        p[i] = (float)(p[i] * (1 - o->learning_rate * o->weight_decay) -
                       o->learning_rate * (first / o->bias1) / (sqrt(second / o->bias2) + o->epsilon));
    }
}

double ck_sum_of_squares_reference(const float *x, size_t count) {
    double sum = 0;
    for (size_t i = 0; i < count; i++) sum += (double)x[i] * x[i];
    return sum;
}
