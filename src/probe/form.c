// Unit form.c knows how tensors lie in memory: dense blocks in any order of dimensions are copied as they are, everything
// else is gathered row by row.
#include "form.h"

#include <string.h>

bool form_same(const form *a, const form *b) {
    return a->dims == b->dims && !memcmp(a->shape, b->shape, sizeof a->shape) &&
           !memcmp(a->strides, b->strides, sizeof a->strides);
}

int64_t form_elements(const form *f) {
    int64_t n = 1;
    for (int i = 0; i < f->dims; i++)
        n *= f->shape[i];
    return n;
}

int64_t form_span(const form *f) {
    int64_t last = 0;
    for (int i = 0; i < f->dims; i++) {
        if (f->shape[i] == 0) return 0;
        last += (f->shape[i] - 1) * f->strides[i];
    }
    return last + 1;
}

void form_rows_first(form *f) {
    int64_t stride = 1;
    for (int i = f->dims - 1; i >= 0; i--) {
        f->strides[i] = stride;
        stride *= f->shape[i];
    }
}

// Dense: sorted by stride, each stride is the product of the shapes below it.
bool form_dense(const form *f) {
    int64_t expected = 1;
    bool taken[FORM_DIMS] = {false};
    for (int done = 0; done < f->dims; done++) {
        int next = -1;
        for (int i = 0; i < f->dims; i++)
            if (!taken[i] && (f->shape[i] == 1 || f->strides[i] == expected)) next = i;
        if (next < 0) return false;
        taken[next] = true;
        expected *= f->shape[next];
    }
    return true;
}

// `n` items at distance `stride` (in items).
static void gather_line(const uint8_t *from, int64_t stride, uint32_t item, uint64_t n,
                        uint8_t *out) {
    if (stride == 1) {
        memcpy(out, from, n * item);
        return;
    }
    int64_t step = stride * item;
    for (uint64_t i = 0; i < n; i++, from += step, out += item) {
        if (item == 4)
            memcpy(out, from, 4);
        else if (item == 2)
            memcpy(out, from, 2);
        else
            memcpy(out, from, item);
    }
}

void form_gather(const form *f, const void *data, uint32_t item_bytes, uint64_t first,
                 uint64_t count, void *out) {
    uint64_t at[FORM_DIMS] = {0}, rest = first;
    int last = f->dims - 1;
    uint8_t *to = out;
    for (int i = last; i >= 0; i--) {
        at[i] = rest % (uint64_t)f->shape[i];
        rest /= (uint64_t)f->shape[i];
    }
    while (count) {
        int64_t offset = 0;
        for (int i = 0; i <= last; i++)
            offset += (int64_t)at[i] * f->strides[i];
        uint64_t n = (uint64_t)f->shape[last] - at[last];
        if (n > count) n = count;
        gather_line((const uint8_t *)data + offset * item_bytes, f->strides[last], item_bytes, n,
                    to);
        to += n * item_bytes;
        count -= n;
        at[last] += n;
        for (int i = last; i > 0 && at[i] == (uint64_t)f->shape[i]; i--) {
            at[i] = 0;
            at[i - 1]++;
        }
    }
}
