// Records that more than one thread's way of writing needs (event.c, push.c: the calling thread's lane; outlet.c: the worker's
// lanes), laid out as journal/record.h draws them into room whose last 8 bytes are zero.
#ifndef NNS_PROBE_RECORDS_H
#define NNS_PROBE_RECORDS_H

#include "lanes.h"

#include "journal/capture.h"

static inline size_t event_record_bytes(size_t length) {
    return lanes_padded(24 + length);
}

static inline void event_record_put(uint8_t *at, uint32_t type, uint64_t number, const void *text,
                                    size_t length) {
    lanes_head(at, RECORD_EVENT, event_record_bytes(length), type);
    le_put_u64(at + 8, number);
    le_put_u32(at + 16, (uint32_t)length);
    le_put_u32(at + 20, 0);
    memcpy(at + 24, text, length);
}

// What a CAPTURE record says: a blob, or why there is none.
typedef struct capture_said {
    int kind;
    uint64_t number;
    int64_t step;
    uint32_t flags;
    uint64_t blob, blob_bytes;
    const char *error; // NULL: none
} capture_said;

static inline size_t capture_record_bytes(const capture_said *c) {
    return lanes_padded(48 + (c->error ? strlen(c->error) : 0));
}

static inline void capture_record_put(uint8_t *at, const capture_said *c) {
    size_t length = c->error ? strlen(c->error) : 0;
    lanes_head(at, RECORD_CAPTURE, capture_record_bytes(c), (uint32_t)c->kind);
    le_put_u64(at + 8, c->number);
    le_put_i64(at + 16, c->step);
    le_put_u64(at + 24, c->blob);
    le_put_u64(at + 32, c->blob_bytes);
    le_put_u32(at + 40, c->flags);
    le_put_u32(at + 44, (uint32_t)length);
    if (length) memcpy(at + 48, c->error, length);
}

#endif
