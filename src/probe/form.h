// The form of a tensor in memory, and of a copy of it.
#ifndef NNS_PROBE_FORM_H
#define NNS_PROBE_FORM_H

#include <stdbool.h>
#include <stdint.h>

#define FORM_DIMS 4

// Shape and strides (in elements), in the order of the role; dims beyond `dims` are 1 and 0.
typedef struct form {
    int dims;
    int64_t shape[FORM_DIMS], strides[FORM_DIMS];
} form;

bool form_same(const form *a, const form *b);
int64_t form_elements(const form *f);
// From the first element to behind the last one, in elements; strides are not negative.
int64_t form_span(const form *f);
void form_rows_first(form *f); // strides as row by row without gaps

// A block without gaps, whatever the order of its dimensions?
bool form_dense(const form *f);

// Copies elements first..first+count in row order (the last index runs fastest) from general strides.
void form_gather(const form *f, const void *data, uint32_t item_bytes, uint64_t first,
                 uint64_t count, void *out);

#endif
