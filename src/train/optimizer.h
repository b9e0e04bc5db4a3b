// The rules that turn gradients into updates.
//
//   sgd       g += decay w;  w -= lr g
//   momentum  g += decay w;  m = momentum m + g;  w -= lr m            (Polyak 1964, as in PyTorch)
//   adam      m = beta1 m + (1-beta1) g;  v = beta2 v + (1-beta2) g^2
//             w -= lr (m / (1-beta1^t) / (sqrt(v / (1-beta2^t)) + 1e-8) + decay w)
//             (Kingma and Ba 2015, algorithm 1; decay apart from the gradient: Loshchilov and Hutter 2019)
#ifndef NNS_TRAIN_OPTIMIZER_H
#define NNS_TRAIN_OPTIMIZER_H

#include <stddef.h>
#include <stdint.h>

typedef enum optimizer_kind {
    OPTIMIZER_SGD,
    OPTIMIZER_MOMENTUM,
    OPTIMIZER_ADAM,
    OPTIMIZER_COUNT
} optimizer_kind;

typedef struct optimizer_settings {
    double lr;
    double momentum;
    double beta1;
    double beta2;
    double weight_decay;
} optimizer_settings;

typedef struct optimizer {
    optimizer_kind kind;
    int64_t updates; // since the moments were zero: t above
    float *m;        // (parameters) first moment, or velocity
    float *v;        // (parameters) second moment
} optimizer;

extern const char *const optimizer_names[OPTIMIZER_COUNT];
int optimizer_find(const char *word);      // -1: none
double optimizer_default_lr(optimizer_kind kind);

// Changes the rule; moments of another rule mean nothing, so they start at zero.
void optimizer_switch(optimizer *o, optimizer_kind kind, size_t parameters);

// One update of w (parameters) by g (parameters). The first `decayed` parameters are weights, which
// decay; the rest are biases, which do not.
void optimizer_update(optimizer *o, const optimizer_settings *s, size_t parameters, size_t decayed,
                      float *w, const float *g);

#endif
