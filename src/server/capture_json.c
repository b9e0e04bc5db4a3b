// Unit capture_json.c turns sections of captures into numbers: whatever their coding, as floats and as JSON. Sections were
// checked by capture_next; nothing here looks beyond `elements`.
#include "network.h"

#include "base/half.h"
#include "base/le.h"

#include <math.h>

float section_value(const capture_section *s, size_t i) {
    switch (s->coding) {
    case CODING_F32:
        return le_f32(s->data + 4 * i);
    case CODING_F16:
        return half_to_float(le_u16(s->data + 2 * i)) * s->scale;
    case CODING_I8:
        return s->data[i] == 0x80 ? NAN : (float)(int8_t)s->data[i] * s->scale;
    case CODING_U8:
        return s->data[i];
    case CODING_U32:
        return (float)le_u32(s->data + 4 * i);
    default:
        return NAN;
    }
}

void section_json(const capture_section *s, buf *out) {
    buf_char(out, '[');
    for (size_t i = 0; i < s->elements && !out->failed; i++) {
        if (i) buf_char(out, ',');
        if (s->coding == CODING_U32)
            buf_int(out, le_u32(s->data + 4 * i));
        else if (s->coding == CODING_U8)
            buf_int(out, s->data[i]);
        else
            json_float(out, section_value(s, i));
    }
    buf_char(out, ']');
}
