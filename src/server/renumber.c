// Unit renumber.c lets snapshots of an earlier program be read under the names of today. Captures name layers and tensors by
// number, in the order of description; a program that resumes a run may describe them in another order, or others.
//
// What the numbers meant is kept as the run's document "model.past", when another process begins to describe the network:
//
//     [{"until": ms, "layers": [name or null], "tensors": [name or null]}]      by number - 1, `until` ascending
//
// A snapshot made before the first `until` that lies behind it carries numbers of that item. Those are changed to the present ones
// of the same names when the snapshot is read; sections of what is no longer there are left out. Nothing stored is changed.
#include "network.h"

#include "base/log.h"

#include <jansson.h>
#include <string.h>

enum { PAST_MAX = 64 };

static json_t *document(store_reader *reader, store_id of, const char *name) {
    buf text = {0};
    json_t *json = store_get_document(reader, of, name, &text)
                       ? NULL
                       : json_loadb((char *)text.data, text.length, 0, NULL);
    buf_fini(&text);
    return json;
}

// --- keeping --------------------------------------------------------------------------------------

static json_t *names_of(const json_t *list) {
    json_t *names = json_array();
    for (size_t i = 0; i < json_array_size(list); i++) {
        json_t *name = json_object_get(json_array_get(list, i), "name");
        json_array_append_new(names, name ? json_incref(name) : json_null());
    }
    return names;
}

static bool same_names(const json_t *a, const json_t *b) {
    return json_equal(json_object_get(a, "layers"), json_object_get(b, "layers")) &&
           json_equal(json_object_get(a, "tensors"), json_object_get(b, "tensors"));
}

void past_add(network *n, int64_t until_ms) {
    if (!json_array_size(n->layers) && !json_array_size(n->tensors)) return;
    json_t *item = json_pack("{s:I,s:o,s:o}", "until", (json_int_t)until_ms, "layers",
                             names_of(n->layers), "tensors", names_of(n->tensors));
    if (!n->past) n->past = json_array();
    size_t count = json_array_size(n->past);
    if (count && same_names(json_array_get(n->past, count - 1), item))
        json_array_set_new(n->past, count - 1, item); // only its end has moved
    else
        json_array_append_new(n->past, item);
    if (count == PAST_MAX) json_array_remove(n->past, 0);
    n->past_dirty = true;
}

void past_load(network *n, store_reader *reader, store_id of) {
    json_t *past = document(reader, of, "model.past");
    if (json_is_array(past) && !n->past) n->past = json_incref(past);
    json_decref(past);
}

void past_put(core *c, run *r) {
    network *n = r->network;
    if (!n || !n->past_dirty) return;
    char *text = json_printed(n->past);
    int result =
        text ? store_put_document(c->store, r->row.id, "model.past", text) : NNS_E_NO_MEMORY;
    if (result)
        log_warn("the earlier network of run %s cannot be stored: %s", r->row.key,
                 error_sentence(result));
    else
        n->past_dirty = false;
    mem_free(text);
}

// --- reading --------------------------------------------------------------------------------------

static uint32_t number_of(const json_t *list, const char *name) {
    uint32_t number;
    return model_named(list, name, &number) ? number : 0;
}

// The present number of what had `number`; 0: it is no longer there.
static uint32_t *present_numbers(const json_t *names, const json_t *list) {
    size_t count = json_array_size(names);
    uint32_t *out = mem_array(count + 1, sizeof *out);
    for (size_t i = 0; out && i < count; i++) {
        const char *name = json_string_value(json_array_get(names, i));
        out[i + 1] = name ? number_of(list, name) : 0;
    }
    return out;
}

typedef struct numbers {
    uint32_t *layer, *tensor;
    size_t layers, tensors;
} numbers;

// What was not described keeps its number 0; false: it is no longer there.
static bool change(uint32_t *number, const uint32_t *to, size_t count) {
    if (*number == 0) return true;
    *number = *number <= count ? to[*number] : 0;
    return *number != 0;
}

static bool is_same(const numbers *to) {
    for (size_t i = 1; i <= to->layers; i++)
        if (to->layer[i] != i) return false;
    for (size_t i = 1; i <= to->tensors; i++)
        if (to->tensor[i] != i) return false;
    return true;
}

static void change_all(const numbers *to, const buf *in, buf *out) {
    capture_head head;
    capture_section s;
    size_t at = 0;
    if (capture_open(in->data, in->length, &head)) return;
    size_t begin = capture_begin(out, &head);
    while (capture_next(in->data, in->length, &at, &s) == 0)
        if (change(&s.layer, to->layer, to->layers) && change(&s.tensor, to->tensor, to->tensors))
            capture_add(out, &s, s.data);
    capture_end(out, begin);
}

static const json_t *item_of(const json_t *past, int64_t time_ms) {
    size_t i;
    json_t *item;
    json_array_foreach(past, i, item)
        if (time_ms < json_integer_value(json_object_get(item, "until"))) return item;
    return NULL;
}

static void change_names(const json_t *was, const json_t *is, const buf *in, buf *out) {
    const json_t *layers = json_object_get(was, "layers"),
                 *tensors = json_object_get(was, "tensors");
    numbers to = {.layers = json_array_size(layers), .tensors = json_array_size(tensors)};
    to.layer = present_numbers(layers, json_object_get(is, "layers"));
    to.tensor = present_numbers(tensors, json_object_get(is, "tensors"));
    if (!to.layer || !to.tensor)
        out->failed = true;
    else if (!is_same(&to))
        change_all(&to, in, out);
    mem_free(to.layer);
    mem_free(to.tensor);
}

int snapshot_renumber(store_reader *reader, store_id of, int64_t time_ms, const buf *in, buf *out) {
    json_t *past = document(reader, of, "model.past");
    const json_t *was = item_of(past, time_ms);
    json_t *is = was ? document(reader, of, "model") : NULL;
    if (is) change_names(was, is, in, out);
    json_decref(is);
    json_decref(past);
    return out->failed ? NNS_E_NO_MEMORY : 0;
}
