// Softmax cross-entropy over classes.
#ifndef NNS_TRAIN_LOSS_H
#define NNS_TRAIN_LOSS_H

#include <stddef.h>
#include <stdint.h>

typedef struct loss_sum {
    double loss;    // sum over the rows of -log p(truth)
    size_t correct; // rows whose largest logit (the first of equals) is the truth
} loss_sum;

// probabilities (rows, classes) = softmax of logits (rows, classes), each row shifted by its maximum; losses
// (rows): -log p(truth) of each.
loss_sum loss_forward(size_t rows, size_t classes, const float *logits, const uint8_t *truth,
                      float *probabilities, float *losses);

// d (rows, classes) = dL/dlogits of the MEAN loss over the rows: (p - onehot(truth)) / rows.
void loss_backward(size_t rows, size_t classes, const float *probabilities, const uint8_t *truth,
                   float *d);

#endif
