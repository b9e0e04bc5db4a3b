// The IDX format of MNIST and its relatives (http://yann.lecun.com/exdb/mnist), plain or gzip.
// Bytes in, views out: no descriptor, no clock.
#ifndef NNS_TRAIN_IDX_H
#define NNS_TRAIN_IDX_H

#include "base/buf.h"
#include "why.h"

#include <stddef.h>
#include <stdint.h>

#define IDX_BYTES_CAP ((size_t)1 << 30)   // of a file, after unpacking
#define IDX_PIXELS_CAP 65536              // of an image

// Unsigned bytes in 1 or 3 dimensions: labels (count), images (count, rows, columns).
typedef struct idx {
    int dimensions;
    uint32_t count, rows, columns; // rows and columns are 1 for labels
    const uint8_t *items;          // borrowed from what was parsed
} idx;

// Appends the content to `out`: unpacked when it is gzip, as it is otherwise. `name` is for messages.
// Here and below: 0, or NNS_E_CORRUPT, NNS_E_TOO_LARGE, NNS_E_NO_MEMORY with file and offset in `why`.
int idx_unpack(const char *name, const uint8_t *bytes, size_t length, buf *out, why *w);

// Parses unpacked bytes as labels (dimensions 1) or images (3).
int idx_parse(const char *name, const uint8_t *bytes, size_t length, int dimensions, idx *out,
              why *w);

#endif
