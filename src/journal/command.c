// Unit command.c writes and reads COMMAND records (drawn in record.h), for the server that asks and
// the process that obeys.
#include "inbox.h"

#include "base/error.h"
#include "base/le.h"

#include <string.h>

enum { FIXED_BYTES = 40, VALUE_BYTES = 16, TYPE_NUMBER = 0, TYPE_TEXT = 1, TYPE_FLOATS = 2 };

static size_t padded(size_t bytes) {
    return (bytes + 7) & ~(size_t)7;
}

static size_t text_bytes(const command_value *v) {
    return v->is_text || v->is_floats ? v->text_bytes : 0;
}

static uint8_t type_of(const command_value *v) {
    return v->is_floats ? TYPE_FLOATS : v->is_text ? TYPE_TEXT : TYPE_NUMBER;
}

// The whole record's length, or 0 when it is beyond the limits.
static size_t measure(const command *c) {
    size_t bytes = FIXED_BYTES;
    if (c->count > COMMAND_VALUES_MAX) return 0;
    for (uint16_t i = 0; i < c->count; i++) {
        const command_value *v = &c->values[i];
        if (v->name_bytes > UINT16_MAX || text_bytes(v) > RECORD_MAX_BYTES) return 0;
        bytes += padded(VALUE_BYTES + v->name_bytes + text_bytes(v));
        if (bytes > RECORD_MAX_BYTES) return 0;
    }
    return bytes;
}

static void encode_value(const command_value *v, buf *out) {
    uint8_t head[VALUE_BYTES] = {type_of(v)};
    le_put_u16(head + 2, (uint16_t)v->name_bytes);
    le_put_u32(head + 4, (uint32_t)text_bytes(v));
    le_put_f64(head + 8, type_of(v) == TYPE_NUMBER ? v->number : 0);
    size_t bytes = VALUE_BYTES + v->name_bytes + text_bytes(v);
    buf_add(out, head, sizeof head);
    buf_add(out, v->name, v->name_bytes);
    buf_add(out, v->text, text_bytes(v));
    buf_zero(out, padded(bytes) - bytes);
}

int command_encode(const command *c, buf *out) {
    size_t bytes = measure(c);
    if (bytes == 0) return NNS_E_TOO_LARGE;
    uint8_t fixed[FIXED_BYTES] = {0};
    le_put_u16(fixed, RECORD_COMMAND);
    le_put_u16(fixed + 2, (uint16_t)(bytes / 8));
    le_put_u32(fixed + 4, c->verb);
    le_put_u64(fixed + 8, c->number);
    le_put_i64(fixed + 16, c->argument);
    le_put_i64(fixed + 24, c->at_step);
    le_put_u16(fixed + 32, c->count);
    buf_add(out, fixed, sizeof fixed);
    for (uint16_t i = 0; i < c->count; i++)
        encode_value(&c->values[i], out);
    return out->failed ? NNS_E_NO_MEMORY : 0;
}

// Reads the value at `at`; the bytes that it takes, or 0 for a type that this program does not
// know.
static size_t decode_value(const uint8_t *at, command_value *v) {
    if (at[0] > TYPE_FLOATS || (at[0] == TYPE_FLOATS && le_u32(at + 4) % 4)) return 0;
    *v = (command_value){.is_text = at[0] == TYPE_TEXT,
                         .is_floats = at[0] == TYPE_FLOATS,
                         .name = (const char *)at + VALUE_BYTES,
                         .name_bytes = le_u16(at + 2),
                         .text_bytes = le_u32(at + 4),
                         .number = le_f64(at + 8)};
    v->text = v->name + v->name_bytes;
    return padded(VALUE_BYTES + v->name_bytes + v->text_bytes);
}

int command_decode(const void *at, command *c, command_value values[COMMAND_VALUES_MAX]) {
    const uint8_t *bytes = at;
    if (le_u16(bytes) != RECORD_COMMAND) return NNS_E_INVALID;
    *c = (command){.verb = le_u32(bytes + 4),
                   .number = le_u64(bytes + 8),
                   .argument = le_i64(bytes + 16),
                   .at_step = le_i64(bytes + 24),
                   .values = values,
                   .count = le_u16(bytes + 32)};
    if (c->count > COMMAND_VALUES_MAX) return NNS_E_INVALID;
    const uint8_t *value = bytes + FIXED_BYTES;
    for (uint16_t i = 0; i < c->count; i++) {
        size_t n = decode_value(value, &values[i]);
        if (n == 0) return NNS_E_INVALID;
        value += n;
    }
    return 0;
}
