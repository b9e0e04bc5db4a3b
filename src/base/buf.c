// Unit buf.c grows byte buffers and writes numbers and JSON strings into them.
#include "buf.h"

#include "mem.h"

#include <float.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void buf_fini(buf *b) {
    mem_free(b->data);
    *b = (buf){0};
}

void buf_clear(buf *b) {
    b->length = 0;
    b->failed = false;
}

uint8_t *buf_room(buf *b, size_t bytes) {
    if (b->failed) return NULL;
    if (bytes > b->capacity - b->length) {
        size_t capacity = b->capacity ? b->capacity : 256;
        while (capacity - b->length < bytes) {
            if (capacity > SIZE_MAX / 2) {
                b->failed = true;
                return NULL;
            }
            capacity *= 2;
        }
        uint8_t *data = mem_grow(b->data, capacity, 1);
        if (!data) {
            b->failed = true;
            return NULL;
        }
        b->data = data;
        b->capacity = capacity;
    }
    return b->data + b->length;
}

void buf_add(buf *b, const void *data, size_t bytes) {
    if (bytes == 0) return;
    uint8_t *at = buf_room(b, bytes);
    if (!at) return;
    memcpy(at, data, bytes);
    b->length += bytes;
}

void buf_text(buf *b, const char *text) {
    buf_add(b, text, strlen(text));
}

void buf_char(buf *b, char c) {
    buf_add(b, &c, 1);
}

void buf_zero(buf *b, size_t bytes) {
    uint8_t *at = buf_room(b, bytes);
    if (!at) return;
    memset(at, 0, bytes);
    b->length += bytes;
}

void buf_align8(buf *b) {
    if (b->length % 8) buf_zero(b, 8 - b->length % 8);
}

void buf_print(buf *b, const char *format, ...) {
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    int n = vsnprintf(NULL, 0, format, args);
    va_end(args);
    uint8_t *at = n < 0 ? NULL : buf_room(b, (size_t)n + 1);
    if (at) {
        vsnprintf((char *)at, (size_t)n + 1, format, again);
        b->length += (size_t)n;
    }
    va_end(again);
}

void buf_u32(buf *b, uint32_t v) {
    buf_add(b, &v, sizeof v);
}

void buf_u64(buf *b, uint64_t v) {
    buf_add(b, &v, sizeof v);
}

void buf_i64(buf *b, int64_t v) {
    buf_add(b, &v, sizeof v);
}

void buf_f64(buf *b, double v) {
    buf_add(b, &v, sizeof v);
}

void buf_int(buf *b, int64_t v) {
    char text[24];
    char *at = text + sizeof text;
    uint64_t u = v < 0 ? 0 - (uint64_t)v : (uint64_t)v;
    do {
        *--at = (char)('0' + u % 10);
        u /= 10;
    } while (u);
    if (v < 0) *--at = '-';
    buf_add(b, at, (size_t)(text + sizeof text - at));
}

void buf_number(buf *b, double v) {
    if (isnan(v)) {
        buf_text(b, "\"NaN\"");
    } else if (isinf(v)) {
        buf_text(b, v > 0 ? "\"Infinity\"" : "\"-Infinity\"");
    } else if (fabs(v) < 1e15 && v == (double)(int64_t)v && !(v == 0 && signbit(v))) {
        buf_int(b, (int64_t)v);
    } else {
        char text[32];
        // As many as DBL_DIG give whatever has fewer back as it was (zeros at the end are left out).
        int digits = fabs(v) < DBL_MIN ? 6 : DBL_DIG;
        do {
            snprintf(text, sizeof text, "%.*g", digits, v);
        } while (digits++ < 17 && strtod(text, NULL) != v);
        for (char *at = text; *at; at++) // the decimal point of a foreign locale
            if (!strchr("0123456789+-e", *at)) *at = '.';
        buf_text(b, text);
    }
}

// Bytes of the UTF-8 character at `s` with `n` bytes left, or 0 when it is malformed (RFC 3629).
static size_t utf8_length(const uint8_t *s, size_t n) {
    if (s[0] < 0x80) return 1;
    if (s[0] < 0xC2 || s[0] > 0xF4) return 0;
    size_t need = s[0] < 0xE0 ? 2 : s[0] < 0xF0 ? 3 : 4;
    if (n < need) return 0;
    for (size_t i = 1; i < need; i++)
        if ((s[i] & 0xC0) != 0x80) return 0;
    if ((s[0] == 0xE0 && s[1] < 0xA0) || (s[0] == 0xED && s[1] > 0x9F) ||
        (s[0] == 0xF0 && s[1] < 0x90) || (s[0] == 0xF4 && s[1] > 0x8F))
        return 0;
    return need;
}

void buf_json(buf *b, const char *text, size_t length) {
    const uint8_t *s = (const uint8_t *)text;
    buf_char(b, '"');
    for (size_t i = 0; i < length;) {
        size_t n = utf8_length(s + i, length - i);
        if (n == 0) {
            buf_text(b, "\xEF\xBF\xBD");
            i++;
        } else if (n > 1) {
            buf_add(b, s + i, n);
            i += n;
        } else {
            uint8_t c = s[i++];
            if (c == '"' || c == '\\') {
                buf_char(b, '\\');
                buf_char(b, (char)c);
            } else if (c == '\n') {
                buf_text(b, "\\n");
            } else if (c == '\t') {
                buf_text(b, "\\t");
            } else if (c < 0x20 || c == 0x7F) {
                buf_print(b, "\\u%04x", c);
            } else {
                buf_char(b, (char)c);
            }
        }
    }
    buf_char(b, '"');
}
