// Unit reply.c makes the replies that all calls share: errors, times, texts, and parsing what a client sent.
#include "inside.h"
#include "shape.h"

#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

void reply_error(core_reply *r, int status, const char *code, const char *format, ...) {
    char message[512];
    va_list args;
    va_start(args, format);
    vsnprintf(message, sizeof message, format, args);
    va_end(args);
    buf_clear(&r->body);
    r->status = status;
    r->type = NULL;
    buf_text(&r->body, "{\"error\":{\"code\":");
    json_text(&r->body, code);
    buf_text(&r->body, ",\"message\":");
    json_text(&r->body, message);
    buf_text(&r->body, "}}");
}

void reply_json(core_reply *r, int status) {
    r->status = status;
    if (!r->body.failed) return;
    buf_fini(&r->body);
    reply_error(r, 503, "no_memory", "out of memory");
}

void json_text(buf *out, const char *text) {
    if (text)
        buf_json(out, text, strlen(text));
    else
        buf_text(out, "null");
}

void json_time(buf *out, int64_t wall_ms) {
    if (wall_ms <= 0) {
        buf_text(out, "null");
        return;
    }
    time_t seconds = (time_t)(wall_ms / 1000);
    struct tm tm;
    char text[40];
    if (!gmtime_r(&seconds, &tm) || !strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &tm)) {
        buf_text(out, "null");
        return;
    }
    buf_print(out, "\"%s.%03dZ\"", text, (int)(wall_ms % 1000));
}

static bool has_stray(core_reply *r, const char *shape, json_t *object) {
    const char *name = shape_stray(shape_members(shape), object);
    if (name) reply_error(r, 422, "unknown_member", "unknown member \"%.100s\" in %s", name, shape);
    return name != NULL;
}

json_t *reply_parse(core_reply *r, const char *shape, const char *json, size_t bytes) {
    json_error_t error;
    json_t *value = json_loadb(json, bytes, 0, &error);
    if (!value)
        reply_error(r, 400, "bad_json", "line %d column %d: %s", error.line, error.column,
                    error.text);
    else if (!json_is_object(value))
        reply_error(r, 400, "bad_json", "the body must be a JSON object");
    else if (!has_stray(r, shape, value))
        return value;
    json_decref(value);
    return NULL;
}
