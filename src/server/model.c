// Unit model.c keeps what a run says of its network: MODEL records, each one layer, one tensor, what can be pushed. One process
// speaks for the run: the one of lowest rank of the newest generation. Stored as the run's document "model":
//
//     {"layers": [{"number", "name", "kind", "activation", "shape", "parameters", "inputs"}], "tensors": [{"number", "name",
//      "layer", "role", "dtype", "shape", "valid"}], "push": {..} or null, "evaluate": bool, "process": id, "rank", "generation"}
//
// Invariant: lists are by number - 1, null where nothing was described; texts of all of it are at most MODEL_BYTES_MAX.
#include "network.h"

#include "base/clock.h"
#include "base/log.h"

#include <jansson.h>
#include <string.h>

enum { LAYERS_MAX = 65536, TENSORS_MAX = 262144 };
#define MODEL_BYTES_MAX ((size_t)16 << 20)

network *run_network(run *r) {
    if (!r->network) {
        r->network = mem_new(sizeof *r->network);
        if (r->network) r->network->rank = INT32_MAX;
    }
    return r->network;
}

static void forget(network *n) {
    json_decref(n->layers);
    json_decref(n->tensors);
    json_decref(n->push);
    n->layers = n->tensors = n->push = NULL;
    n->evaluate = false;
    n->bytes = 0;
}

void network_free(network *n) {
    if (!n) return;
    forget(n);
    json_decref(n->past);
    look_frames_fini(&n->seen);
    mem_free(n);
}

// --- taking -------------------------------------------------------------------------------------

// Does `p` describe the network from here on?
static bool speaks(network *n, const process *p) {
    if (strcmp(n->process, p->id.text) == 0) return true;
    if (p->generation < n->generation ||
        (p->generation == n->generation && p->info.rank >= n->rank))
        return false;
    past_add(n, p->info.opened_ms > 0 ? p->info.opened_ms : clock_wall_ms());
    forget(n);
    memcpy(n->process, p->id.text, sizeof n->process);
    n->rank = p->info.rank;
    n->generation = p->generation;
    return true;
}

static size_t text_bytes(const json_t *item) {
    return json_is_object(item) ? json_dumpb(item, NULL, 0, JSON_COMPACT) : 0;
}

// What is said again takes the place of what was said, in the bytes that it may take too.
static void put_item(network *n, json_t **list, uint32_t number, uint32_t most, json_t *item) {
    if (number < 1 || number > most) return;
    if (!*list) *list = json_array();
    while (json_array_size(*list) < number)
        if (json_array_append_new(*list, json_null())) return;
    n->bytes += text_bytes(item) - text_bytes(json_array_get(*list, number - 1));
    json_array_set(*list, number - 1, item);
}

static void put_part(network *n, uint32_t part, uint32_t number, json_t *text) {
    if (part == MODEL_LAYER || part == MODEL_TENSOR) {
        bool gone = json_is_true(json_object_get(text, "gone"));
        json_object_set_new(text, "number", json_integer(number));
        json_t *item = gone ? json_null() : text;
        if (part == MODEL_LAYER)
            put_item(n, &n->layers, number, LAYERS_MAX, item);
        else
            put_item(n, &n->tensors, number, TENSORS_MAX, item);
    } else if (part == MODEL_PUSH) {
        n->bytes += text_bytes(text) - text_bytes(n->push);
        json_decref(n->push);
        n->push = json_incref(text);
    } else if (part == MODEL_EVALUATE) {
        n->evaluate = true;
    }
}

void model_take(core *c, process *p, uint32_t part, uint32_t number, const uint8_t *text,
                size_t bytes) {
    run *r = p->run;
    network *n = run_network(r);
    if (!n || !speaks(n, p) || n->bytes + bytes > MODEL_BYTES_MAX) return;
    json_t *json = json_loadb((const char *)text, bytes, JSON_REJECT_DUPLICATES, NULL);
    if (json_is_object(json)) {
        put_part(n, part, number, json);
        n->dirty = true;
        run_touch(c, r);
    }
    json_decref(json);
}

// --- storing ------------------------------------------------------------------------------------

static json_t *without_gaps(json_t *list) {
    json_t *out = json_array(), *item;
    size_t i;
    json_array_foreach(list, i, item)
        if (!json_is_null(item)) json_array_append(out, item);
    return out;
}

static json_t *model_object(const network *n) {
    return json_pack("{s:o,s:o,s:O?,s:b,s:s,s:i,s:i}", "layers", without_gaps(n->layers), "tensors",
                     without_gaps(n->tensors), "push", n->push, "evaluate", n->evaluate, "process",
                     n->process, "rank", n->rank, "generation", (int)n->generation);
}

void model_put(core *c, run *r) {
    past_put(c, r);
    network *n = r->network;
    if (!n || !n->dirty) return;
    json_t *json = model_object(n);
    char *text = json_printed(json);
    int result = text ? store_put_document(c->store, r->row.id, "model", text) : NNS_E_NO_MEMORY;
    if (result)
        log_warn("the network of run %s cannot be stored: %s", r->row.key, error_sentence(result));
    else
        n->dirty = false;
    mem_free(text);
    json_decref(json);
}

static void load_list(network *n, json_t **to, uint32_t most, const json_t *list) {
    size_t i;
    json_t *item;
    json_array_foreach(list, i, item)
        put_item(n, to, (uint32_t)json_integer_value(json_object_get(item, "number")), most, item);
}

static void load(network *n, const json_t *json) {
    const char *speaker = json_string_value(json_object_get(json, "process"));
    load_list(n, &n->layers, LAYERS_MAX, json_object_get(json, "layers"));
    load_list(n, &n->tensors, TENSORS_MAX, json_object_get(json, "tensors"));
    json_t *push = json_object_get(json, "push");
    if (json_is_object(push)) put_part(n, MODEL_PUSH, 0, push);
    n->evaluate = json_is_true(json_object_get(json, "evaluate"));
    if (speaker && strlen(speaker) == 26) memcpy(n->process, speaker, 27);
    n->rank = (int)json_integer_value(json_object_get(json, "rank"));
    n->generation = (uint32_t)json_integer_value(json_object_get(json, "generation"));
}

int model_load(core *c, run *r) {
    buf text = {0};
    int result = store_get_document(c->engine_reader, r->row.id, "model", &text);
    json_t *json = result ? NULL : json_loadb((char *)text.data, text.length, 0, NULL);
    core_lock(c);
    network *n = json_is_object(json) ? run_network(r) : NULL;
    if (n) load(n, json);
    if (n) past_load(n, c->engine_reader, r->row.id);
    core_unlock(c);
    json_decref(json);
    buf_fini(&text);
    return result == NNS_E_NOT_FOUND ? 0 : result;
}

// --- asking -------------------------------------------------------------------------------------

const json_t *model_named(const json_t *list, const char *name, uint32_t *number) {
    size_t i;
    const json_t *item;
    json_array_foreach(list, i, item) {
        const char *its = json_string_value(json_object_get(item, "name"));
        if (!its || strcmp(its, name) != 0) continue;
        *number = (uint32_t)json_integer_value(json_object_get(item, "number"));
        return item;
    }
    return NULL;
}

const json_t *model_layer(const network *n, const char *name, uint32_t *number) {
    return n && name ? model_named(n->layers, name, number) : NULL;
}

const json_t *model_tensor(const network *n, const char *name, uint32_t *number) {
    return n && name ? model_named(n->tensors, name, number) : NULL;
}

size_t model_input_size(const network *n) {
    const json_t *shape = n ? json_object_get(n->push, "shape") : NULL;
    size_t size = json_array_size(shape) ? 1 : 0;
    for (size_t i = 0; i < json_array_size(shape); i++) {
        json_int_t side = json_integer_value(json_array_get(shape, i));
        if (side < 1 || side > CAPTURE_BYTES_MAX || (size *= (size_t)side) > CAPTURE_BYTES_MAX)
            return 0;
    }
    return size;
}
