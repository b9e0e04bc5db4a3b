// Unit steer_pin.c reads what a person wants pinned, or no longer: {"name", "sample": n} or {"name", "input": [values]}; both: the
// sample, which looks like this. The process checks it against its network and answers; here only what could never be right is refused.
// What the command keeps for all who look later, when the program is gone: its name, the sample's number, the input as bytes.
#include "network.h"

#include <jansson.h>
#include <math.h>
#include <string.h>

enum { NAME_BYTES_MAX = 100, PICTURE_VALUES_MAX = 4096 };

static bool refuse(core_reply *reply, const char *message) {
    reply_error(reply, 422, "invalid", "%s", message);
    return false;
}

static bool name_good(const char *name, size_t bytes) {
    if (bytes < 1 || bytes > NAME_BYTES_MAX || memchr(name, '/', bytes)) return false;
    for (size_t i = 0; i < bytes; i++)
        if ((unsigned char)name[i] < 0x20 || name[i] == 0x7f) return false;
    return true;
}

static bool put_name(pin_order *p, const json_t *json, core_reply *reply) {
    const json_t *name = json_object_get(json, "name");
    size_t bytes = json_string_length(name);
    if (!json_is_string(name) || !name_good(json_string_value(name), bytes))
        return refuse(
            reply, "\"name\" is a text of 1 to 100 bytes without slashes and control characters");
    p->values[p->count++] = (command_value){.name = "name",
                                            .name_bytes = 4,
                                            .is_text = true,
                                            .text = json_string_value(name),
                                            .text_bytes = bytes};
    p->shown = json_pack("{s:s}", "name", json_string_value(name));
    return true;
}

static bool put_sample(pin_order *p, json_t *sample, core_reply *reply) {
    if (!json_is_integer(sample) || json_integer_value(sample) < 0)
        return refuse(
            reply,
            "a pin has a \"sample\" (a whole number from 0) or an \"input\" (a list of numbers)");
    p->values[p->count++] = (command_value){
        .name = "sample", .name_bytes = 6, .number = (double)json_integer_value(sample)};
    json_object_set(p->shown, "sample", sample);
    return true;
}

// The input as a person would see it: 0 to 255.
static json_t *picture(const float *values, size_t count) {
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++) {
        double v = round(255.0 * (double)values[i]);
        json_array_append_new(list, json_integer(v < 0 ? 0 : v > 255 ? 255 : (json_int_t)v));
    }
    return list;
}

// Checked, held as floats, and kept as a picture.
static bool take_input(pin_order *p, const run *r, const json_t *input, core_reply *reply) {
    size_t wanted = model_input_size(r->network), count = push_values(input, NULL, 0);
    if (count == 0 || count == SIZE_MAX)
        return refuse(reply, "\"input\" is a list of finite numbers");
    if ((wanted && count != wanted) || count > RECORD_MAX_BYTES / 8) {
        reply_error(reply, 422, "wrong_size", "the network takes %zu numbers, \"input\" has %zu",
                    wanted, count);
        return false;
    }
    p->input = mem_array(count, sizeof *p->input);
    if (!p->input) {
        reply_error(reply, 503, "no_memory", "out of memory");
        return false;
    }
    push_values(input, p->input, count);
    p->input_count = count;
    if (count <= PICTURE_VALUES_MAX)
        json_object_set_new(p->shown, "picture", picture(p->input, count));
    return true;
}

static void put_input(pin_order *p) {
    p->values[p->count++] = (command_value){.name = "input",
                                            .name_bytes = 5,
                                            .is_floats = true,
                                            .text = (const char *)p->input,
                                            .text_bytes = 4 * p->input_count};
}

bool steer_pin(pin_order *p, const run *r, uint32_t verb, const json_t *json, core_reply *reply) {
    if (!put_name(p, json, reply)) return false;
    if (verb == COMMAND_UNPIN) return true;
    json_t *input = json_object_get(json, "input"), *sample = json_object_get(json, "sample");
    if ((sample || !input) && !put_sample(p, sample, reply)) return false;
    if (input && !take_input(p, r, input, reply)) return false;
    if (!sample) put_input(p);
    return true;
}

void pin_order_fini(pin_order *p) {
    json_decref(p->shown);
    mem_free(p->input);
}
