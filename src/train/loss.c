// Unit loss.c computes softmax cross-entropy, forward and backward, and counts what is right. Sums run
// in double and in the order of the rows, so that they have the same bits whatever runs beside.
#include "loss.h"

#include <math.h>

static size_t largest(size_t n, const float *x) {
    size_t best = 0;
    for (size_t i = 1; i < n; i++)
        if (x[i] > x[best]) best = i;
    return best;
}

// Returns -log p(truth) = log(sum exp(x - max)) - (x_truth - max).
static double softmax_row(size_t n, const float *x, size_t truth, size_t best, float *p) {
    double sum = 0;
    for (size_t i = 0; i < n; i++) {
        p[i] = expf(x[i] - x[best]);
        sum += (double)p[i];
    }
    for (size_t i = 0; i < n; i++)
        p[i] = (float)((double)p[i] / sum);
    return log(sum) - ((double)x[truth] - (double)x[best]);
}

loss_sum loss_forward(size_t rows, size_t classes, const float *logits, const uint8_t *truth,
                      float *probabilities, float *losses) {
    loss_sum total = {0};
    for (size_t r = 0; r < rows; r++) {
        const float *x = logits + r * classes;
        size_t best = largest(classes, x);
        double loss = softmax_row(classes, x, truth[r], best, probabilities + r * classes);
        losses[r] = (float)loss;
        total.loss += loss;
        total.correct += best == truth[r];
    }
    return total;
}

void loss_backward(size_t rows, size_t classes, const float *probabilities, const uint8_t *truth,
                   float *d) {
    float scale = 1.0f / (float)rows;
    for (size_t r = 0; r < rows; r++)
        for (size_t c = 0; c < classes; c++) {
            size_t i = r * classes + c;
            d[i] = (probabilities[i] - (c == truth[r] ? 1.0f : 0.0f)) * scale;
        }
}
