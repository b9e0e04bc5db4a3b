// Unit json_print.c writes JSON values as text with the shortest numbers that read back equal (0.05, where the
// library that parses them would print 0.050000000000000003).
#include "inside.h"

#include <jansson.h>
#include <string.h>

static void print_object(const json_t *object, buf *out) {
    const char *name;
    json_t *value;
    bool first = true;
    buf_char(out, '{');
    json_object_foreach((json_t *)(uintptr_t)object, name, value) {
        if (!first) buf_char(out, ',');
        first = false;
        json_text(out, name);
        buf_char(out, ':');
        json_print(value, out);
    }
    buf_char(out, '}');
}

static void print_array(const json_t *array, buf *out) {
    buf_char(out, '[');
    for (size_t i = 0; i < json_array_size(array); i++) {
        if (i) buf_char(out, ',');
        json_print(json_array_get(array, i), out);
    }
    buf_char(out, ']');
}

void json_print(const json_t *value, buf *out) {
    switch (value ? json_typeof(value) : JSON_NULL) {
    // clang-format off
    case JSON_OBJECT: print_object(value, out); break;
    case JSON_ARRAY: print_array(value, out); break;
    case JSON_STRING: buf_json(out, json_string_value(value), json_string_length(value)); break;
    case JSON_INTEGER: buf_int(out, json_integer_value(value)); break;
    case JSON_REAL: buf_number(out, json_real_value(value)); break;
    case JSON_TRUE: buf_text(out, "true"); break;
    case JSON_FALSE: buf_text(out, "false"); break;
    case JSON_NULL: buf_text(out, "null"); break;
        // clang-format on
    }
}

char *json_printed(const json_t *value) {
    buf out = {0};
    if (!value) return NULL;
    json_print(value, &out);
    buf_char(&out, 0);
    if (!out.failed) return (char *)out.data; // owned by the caller from here
    buf_fini(&out);
    return NULL;
}
