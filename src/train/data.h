// Images and labels: where they come from, and how they are split.
#ifndef NNS_TRAIN_DATA_H
#define NNS_TRAIN_DATA_H

#include "base/buf.h"
#include "why.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct data_set {
    uint32_t count;
    const uint8_t *images; // (count, rows, columns), 0 is background
    const uint8_t *labels; // (count), each below classes
} data_set;

typedef struct data {
    char source[4200];   // for a person: "MNIST in /data/mnist", "digits drawn by seed 1"
    bool drawn;
    uint32_t rows, columns;
    int classes;
    data_set train;      // learnt from
    data_set validation; // the last of the training images, held out: watched, never learnt from
    data_set test;       // looked at once, at the end
    float scale, shift;  // scale * byte + shift has mean 0 and deviation 1 over the training images
    uint32_t checksum;   // of the training images and labels
    buf bytes[4];        // what the sets point into
} data;

typedef struct data_options {
    const char *folder; // NULL: $NNSCOPE_DATA/mnist, then ../shared/data/mnist
    bool draw;          // do not look for files
    uint64_t seed;      // of drawn digits
    uint32_t limit;     // at most so many training images, and a sixth of it to validate and to test; 0: all
    bool quick;         // draw a tenth (tests)
} data_options;

// 0, or a code with `why`. Files that are there but damaged are an error, never passed over. A folder
// that was named and has none of the files gives drawn digits, and data.source says so.
int data_open(data *d, const data_options *options, why *w);
void data_close(data *d);

// x (count, pixels) = the images `index[0..count)` of the set, scaled; truth (count) = their labels.
void data_gather(const data *d, const data_set *set, const uint32_t *index, size_t count, float *x,
                 uint8_t *truth);

#endif
