// Unit optimizer.c updates all parameters in one pass over memory per update: it is bound by how fast
// weights, gradients and moments are read and written. Formulas stand in optimizer.h.
#include "optimizer.h"

#include "parallel.h"

#include <math.h>
#include <string.h>

#define GRAIN 32768 // parameters a thread must have to be worth waking

const char *const optimizer_names[OPTIMIZER_COUNT] = {"sgd", "momentum", "adam"};

int optimizer_find(const char *word) {
    for (int i = 0; i < OPTIMIZER_COUNT; i++)
        if (!strcmp(word, optimizer_names[i])) return i;
    return -1;
}

double optimizer_default_lr(optimizer_kind kind) {
    return kind == OPTIMIZER_SGD ? 0.1 : kind == OPTIMIZER_MOMENTUM ? 0.05 : 0.001;
}

void optimizer_switch(optimizer *o, optimizer_kind kind, size_t parameters) {
    o->kind = kind;
    o->updates = 0;
    memset(o->m, 0, parameters * sizeof *o->m);
    memset(o->v, 0, parameters * sizeof *o->v);
}

typedef struct update {
    optimizer_kind kind;
    float lr, decay, momentum, beta1, beta2;
    float correct1, correct2; // 1 / (1 - beta^t)
    float *w;                 // (n)
    const float *g;           // (n)
    float *m, *v;             // (n)
} update;

KERNEL void sgd(size_t n, const update *u, float *restrict w, const float *restrict g) {
    float lr = u->lr, decay = u->decay;
    for (size_t i = 0; i < n; i++)
        w[i] -= lr * (g[i] + decay * w[i]);
}

KERNEL void momentum(size_t n, const update *u, float *restrict w, const float *restrict g,
                     float *restrict m) {
    float lr = u->lr, decay = u->decay, keep = u->momentum;
    for (size_t i = 0; i < n; i++) {
        m[i] = keep * m[i] + (g[i] + decay * w[i]);
        w[i] -= lr * m[i];
    }
}

KERNEL void adam(size_t n, const update *u, float *restrict w, const float *restrict g,
                 float *restrict m, float *restrict v) {
    float lr = u->lr, decay = u->decay, beta1 = u->beta1, beta2 = u->beta2;
    float correct1 = u->correct1, correct2 = u->correct2;
    for (size_t i = 0; i < n; i++) {
        m[i] = beta1 * m[i] + (1.0f - beta1) * g[i];
        v[i] = beta2 * v[i] + (1.0f - beta2) * g[i] * g[i];
        float step = correct1 * m[i] / (__builtin_sqrtf(correct2 * v[i]) + 1e-8f);
        w[i] -= lr * (step + decay * w[i]);
    }
}

static void update_range(void *context, size_t begin, size_t end) {
    const update *u = context;
    size_t n = end - begin;
    float *w = u->w + begin, *m = u->m + begin, *v = u->v + begin;
    const float *g = u->g + begin;
    switch (u->kind) {
    case OPTIMIZER_SGD:
        sgd(n, u, w, g);
        break;
    case OPTIMIZER_MOMENTUM:
        momentum(n, u, w, g, m);
        break;
    default:
        adam(n, u, w, g, m, v);
        break;
    }
}

// The correction 1 / (1 - beta^t); beta 1 has none that is finite.
static float correction(double beta, int64_t t) {
    double rest = 1.0 - pow(beta, (double)t);
    return rest > 0 ? (float)(1.0 / rest) : 1.0f;
}

void optimizer_update(optimizer *o, const optimizer_settings *s, size_t parameters, size_t decayed,
                      float *w, const float *g) {
    o->updates++;
    update u = {
        .kind = o->kind,
        .lr = (float)s->lr,
        .decay = (float)s->weight_decay,
        .momentum = (float)s->momentum,
        .beta1 = (float)s->beta1,
        .beta2 = (float)s->beta2,
        .correct1 = correction(s->beta1, o->updates),
        .correct2 = correction(s->beta2, o->updates),
        .w = w,
        .g = g,
        .m = o->m,
        .v = o->v,
    };
    parallel_for(decayed, GRAIN, update_range, &u);
    u.decay = 0;
    u.w += decayed, u.g += decayed, u.m += decayed, u.v += decayed;
    parallel_for(parameters - decayed, GRAIN, update_range, &u);
}
