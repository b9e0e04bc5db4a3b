// Many numbers in a few: what is told of weights and gradients now and then.
#ifndef NNS_TRAIN_SUMMARY_H
#define NNS_TRAIN_SUMMARY_H

#include <stdbool.h>
#include <stddef.h>

// Square root of the sum of squares.
double summary_norm(const float *x, size_t n);

#define SUMMARY_BINS 64
typedef struct summary_histogram {
    float low, high;            // of the finite numbers
    float counts[SUMMARY_BINS]; // in equal bins between them
} summary_histogram;

// False: no two different finite numbers.
bool summary_bins(const float *x, size_t n, summary_histogram *out);

#endif
