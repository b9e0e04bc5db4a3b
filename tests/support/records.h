// Records for tests: streams of random, well-formed ones.
#ifndef NNS_TESTS_SUPPORT_RECORDS_H
#define NNS_TESTS_SUPPORT_RECORDS_H

#include "base/buf.h"
#include "base/le.h"
#include "journal/record.h"
#include "temp.h"

// Appends a record of kind 1000 (unknown, so any content is well-formed) with `bytes`, a multiple
// of 8.
static inline void records_add(buf *out, size_t bytes, uint64_t *random) {
    buf_u32(out, 1000u | (uint32_t)(bytes / 8) << 16);
    buf_u32(out, (uint32_t)random_next(random));
    for (size_t i = 8; i < bytes; i += 8)
        buf_u64(out, random_next(random));
}

// Appends random records, `bytes` of them or a little more.
static inline void records_fill(buf *out, size_t bytes, uint64_t *random) {
    size_t end = out->length + bytes;
    while (out->length < end)
        records_add(out, 16 + 8 * random_below(random, 30), random);
}

#endif
