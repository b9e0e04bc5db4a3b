// A growing byte buffer: replies, frames, JSON by hand. A failed allocation sets `failed` and later
// appends do nothing, so that it is checked once, at the end.
#ifndef NNS_BASE_BUF_H
#define NNS_BASE_BUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct buf {
    uint8_t *data;
    size_t length;
    size_t capacity;
    bool failed;
} buf;

void buf_fini(buf *b);                                // frees; b is empty afterwards
void buf_clear(buf *b);                               // keeps the memory
uint8_t *buf_room(buf *b, size_t bytes);              // room for bytes at the end; NULL when failed
void buf_add(buf *b, const void *data, size_t bytes);
void buf_text(buf *b, const char *text);
void buf_char(buf *b, char c);
void buf_zero(buf *b, size_t bytes);
void buf_align8(buf *b);                              // zeros up to a multiple of 8
void buf_print(buf *b, const char *format, ...) __attribute__((format(printf, 2, 3)));
void buf_u32(buf *b, uint32_t v);
void buf_u64(buf *b, uint64_t v);
void buf_i64(buf *b, int64_t v);
void buf_f64(buf *b, double v);
void buf_int(buf *b, int64_t v);                      // decimal text
void buf_number(buf *b, double v);                    // shortest decimal text that reads back equal;
                                                      // "NaN" "Infinity" "-Infinity" with quotes
void buf_json(buf *b, const char *text, size_t length); // a JSON string with quotes; bad UTF-8 becomes U+FFFD

#endif
