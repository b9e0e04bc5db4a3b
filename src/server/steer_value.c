// Unit steer_value.c checks the values that a person wants to set against the declared parameters: name, type,
// bounds, choices, read-only. What passes is in the form that the process itself checks again. Lock held.
#include "run.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

enum { TEXT_BYTES_MAX = 65536 };

json_t *param_value(const param *q) {
    buf text = {0};
    param_value_json(q, q->value, q->text, &text);
    json_t *json =
        text.failed ? NULL : json_loadb((char *)text.data, text.length, JSON_DECODE_ANY, NULL);
    buf_fini(&text);
    return json ? json : json_null();
}

// `what` is said of the parameter: "must be a number".
static void refuse(core_reply *reply, const char *code, const char *what, const char *name,
                   const param *q) {
    char message[600];
    snprintf(message, sizeof message, "%.255s %s", name, what);
    reply->status = 422;
    buf_clear(&reply->body);
    buf_print(&reply->body, "{\"error\":{\"code\":\"%s\",\"message\":", code);
    json_text(&reply->body, message);
    buf_text(&reply->body, ",\"parameter\":");
    json_text(&reply->body, name);
    if (q && q->flags & PARAM_BOUNDED) {
        buf_text(&reply->body, ",\"min\":");
        buf_number(&reply->body, q->min);
        buf_text(&reply->body, ",\"max\":");
        buf_number(&reply->body, q->max);
    }
    for (uint32_t i = 0; q && i < q->choice_count; i++) {
        buf_text(&reply->body, i ? "," : ",\"choices\":[");
        json_text(&reply->body, q->choices[i]);
        if (i + 1 == q->choice_count) buf_char(&reply->body, ']');
    }
    buf_text(&reply->body, "}}");
}

// The number that the process gets, NAN when the value is of another type.
static double number_for(const param *q, const json_t *value) {
    switch (q->type) {
    case PARAM_BOOL:
        if (json_is_boolean(value)) return json_is_true(value);
        return json_is_integer(value) && (json_integer_value(value) | 1) == 1
                   ? (double)json_integer_value(value)
                   : NAN;
    case PARAM_CHOICE:
        if (json_is_string(value)) return param_number(q, value);
        return json_is_integer(value) && json_integer_value(value) >= 0 &&
                       json_integer_value(value) < q->choice_count
                   ? (double)json_integer_value(value)
                   : NAN;
    case PARAM_INT: {
        double v = json_is_number(value) ? json_number_value(value) : NAN;
        return v == floor(v) && fabs(v) <= 9007199254740992.0 ? v : NAN;
    }
    default:
        return json_is_number(value) ? json_number_value(value) : NAN;
    }
}

static void refuse_type(core_reply *reply, const char *name, const param *q) {
    char what[300] = "must be one of";
    size_t n = strlen(what);
    if (q->type == PARAM_BOOL)
        snprintf(what, sizeof what, "must be true or false");
    else if (q->type == PARAM_INT)
        snprintf(what, sizeof what, "must be a whole number");
    else if (q->type == PARAM_TEXT_TYPE)
        snprintf(what, sizeof what, "must be a text");
    else if (q->type != PARAM_CHOICE)
        snprintf(what, sizeof what, "must be a number");
    for (uint32_t i = 0; q->type == PARAM_CHOICE && i < q->choice_count && n < sizeof what; i++)
        n += (size_t)snprintf(what + n, sizeof what - n, "%s %s", i ? "," : "", q->choices[i]);
    refuse(reply, "wrong_type", what, name, q);
}

static bool check_text(const char *name, const param *q, const json_t *value, command_value *out,
                       core_reply *reply) {
    if (!json_is_string(value)) {
        refuse_type(reply, name, q);
        return false;
    }
    out->is_text = true;
    out->text = json_string_value(value);
    out->text_bytes = json_string_length(value);
    if (out->text_bytes <= TEXT_BYTES_MAX) return true;
    refuse(reply, "invalid", "must have at most 64 kB", name, q);
    return false;
}

static bool check(const char *name, const param *q, const json_t *value, command_value *out,
                  core_reply *reply) {
    char what[100];
    if (!q) {
        refuse(reply, "unknown_parameter", "is no parameter of this run", name, NULL);
        return false;
    }
    *out = (command_value){.name = q->name, .name_bytes = strlen(q->name)};
    if (q->flags & PARAM_READ_ONLY) {
        refuse(reply, "read_only", "is the program's own: it cannot be set", name, q);
        return false;
    }
    if (q->type == PARAM_TEXT_TYPE) return check_text(name, q, value, out, reply);
    out->number = number_for(q, value);
    if (!isfinite(out->number)) {
        refuse_type(reply, name, q);
        return false;
    }
    if (!(q->flags & PARAM_BOUNDED) || q->type == PARAM_BOOL || q->type == PARAM_CHOICE)
        return true;
    if (out->number >= q->min && out->number <= q->max) return true;
    snprintf(what, sizeof what, "must be between %.15g and %.15g", q->min, q->max);
    refuse(reply, "out_of_bounds", what, name, q);
    return false;
}

static json_t *shown(const param *q, const command_value *v, const json_t *value) {
    if (v->is_text) return json_string(json_string_value(value));
    buf text = {0};
    param_value_json(q, v->number, NULL, &text);
    json_t *json =
        text.failed ? NULL : json_loadb((char *)text.data, text.length, JSON_DECODE_ANY, NULL);
    buf_fini(&text);
    return json;
}

json_t *steer_values(run *r, const json_t *wanted, command_value out[COMMAND_VALUES_MAX],
                     uint16_t *count, core_reply *reply) {
    json_t *changes = json_object(), *value;
    const char *name;
    *count = 0;
    if (json_object_size(wanted) == 0 || json_object_size(wanted) > COMMAND_VALUES_MAX) {
        reply_error(reply, 422, "invalid", "between 1 and %d values can be set at once",
                    COMMAND_VALUES_MAX);
        json_decref(changes);
        return NULL;
    }
    json_object_foreach((json_t *)wanted, name, value) {
        const param *q = param_find(r, name, strlen(name));
        if (!check(name, q, value, &out[*count], reply)) {
            json_decref(changes);
            return NULL;
        }
        json_object_set_new(
            changes, name,
            json_pack("{s:o,s:o}", "from", param_value(q), "to", shown(q, &out[*count], value)));
        ++*count;
    }
    return changes;
}
