// Any bytes as an IDX file, packed or not: refused or parsed, never read beyond their end.
#include "train/idx.h"

#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

static unsigned touch(const idx *x) {
    unsigned sum = 0;
    size_t items = (size_t)x->count * x->rows * x->columns;
    for (size_t i = 0; i < items; i++)
        sum += x->items[i];
    return sum;
}

static void try_as(int dimensions, const uint8_t *bytes, size_t length) {
    idx x;
    why w = {""};
    int result = idx_parse("file", bytes, length, dimensions, &x, &w);
    if (result) {
        assert(strncmp(w.text, "file: offset ", 13) == 0);
        return;
    }
    volatile unsigned sum = touch(&x);
    (void)sum;
    assert(x.count && x.rows && x.columns);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length) {
    buf content = {0};
    why w = {""};
    if (idx_unpack("file", bytes, length, &content, &w) == 0) {
        try_as(1, content.data, content.length);
        try_as(3, content.data, content.length);
    } else {
        assert(w.text[0]);
    }
    buf_fini(&content);
    return 0;
}
