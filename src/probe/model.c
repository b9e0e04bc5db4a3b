// Unit model.c writes MODEL records (texts: journal/record.h) on the helper thread, so that describing costs the training thread
// no text. What finds no room in the lane comes with the next turn.
#include "model.h"

#include "lanes.h"
#include "push.h"

#include <string.h>

static bool write(nns_run *run, uint32_t part, uint32_t number, const buf *json) {
    size_t bytes = lanes_padded(16 + json->length);
    uint8_t *at = json->failed ? NULL : lanes_try(run, bytes, false);
    if (!at) return false;
    lanes_head(at, RECORD_MODEL, bytes, part);
    le_put_u32(at + 8, number);
    le_put_u32(at + 12, (uint32_t)json->length);
    memcpy(at + 16, json->data, json->length);
    lanes_end(at);
    return true;
}

static void text(buf *json, const char *word) {
    buf_json(json, word, strlen(word));
}

static bool write_layer(nns_run *run, registry *r, uint32_t i, buf *json) {
    const layer *l = r->layers[i];
    buf_clear(json);
    buf_text(json, "{\"name\":");
    text(json, l->name);
    buf_text(json, ",\"kind\":");
    text(json, l->kind);
    buf_text(json, ",\"activation\":");
    text(json, l->activation);
    buf_text(json, ",\"shape\":[");
    for (int k = 0; k < l->dims; k++)
        buf_print(json, k ? ",%lld" : "%lld", (long long)l->shape[k]);
    buf_print(json, "],\"parameters\":%lld,\"inputs\":[", (long long)l->parameters);
    for (int k = 0; k < l->input_count; k++) {
        if (k) buf_char(json, ',');
        text(json, r->layers[l->inputs[k] - 1]->name);
    }
    buf_text(json, "]}");
    return write(run, MODEL_LAYER, i + 1, json);
}

static void describe_tensor(registry *r, const tensor *t, buf *json) {
    const layer *l = registry_layer(r, t->layer);
    buf_text(json, ",\"layer\":");
    if (l)
        text(json, l->name);
    else
        buf_text(json, "null");
    buf_print(json, ",\"role\":\"%s\",\"dtype\":\"%s\",\"shape\":[", role_word(t->role),
              dtype_word(t->dtype));
    for (int k = 0; k < t->dims; k++)
        buf_print(json, k ? ",%lld" : "%lld", (long long)atomic_load(&t->shape[k]));
    buf_print(json, "],\"valid\":\"%s\"}", valid_word(atomic_load(&t->valid)));
}

static bool write_tensor(nns_run *run, registry *r, uint32_t i, buf *json) {
    const tensor *t = r->tensors[i];
    buf_clear(json);
    buf_text(json, "{\"name\":");
    text(json, t->name);
    if (atomic_load(&t->state) == TENSOR_THERE)
        describe_tensor(r, t, json);
    else
        buf_text(json, ",\"gone\":true}");
    return write(run, MODEL_TENSOR, i + 1, json);
}

static void tend_layers(nns_run *run, registry *r, bool again, buf *json) {
    uint32_t count = atomic_load_explicit(&r->layer_count, memory_order_acquire);
    for (uint32_t i = 0; i < count; i++)
        if (again || !r->layers[i]->declared) r->layers[i]->declared = write_layer(run, r, i, json);
}

static void tend_tensors(nns_run *run, registry *r, bool second, bool again, buf *json) {
    uint32_t count = atomic_load_explicit(&r->tensor_count, memory_order_acquire);
    for (uint32_t i = 0; i < count; i++) {
        tensor *t = r->tensors[i];
        bool due = again || !t->declared || (second && atomic_load(&t->changed));
        if (!due) continue;
        atomic_store(&t->changed, false);
        t->declared = write_tensor(run, r, i, json);
    }
}

static void tend_calls(nns_run *run, network *n, bool again, buf *json) {
    pushes *p = n->pushes;
    if (atomic_load_explicit(&p->declared, memory_order_acquire) && (again || !p->told)) {
        buf_clear(json);
        p->told = push_describe(run, json) && write(run, MODEL_PUSH, 0, json);
    }
    if (atomic_load(&n->evaluate) && (again || !n->told_evaluate)) {
        buf_clear(json);
        buf_text(json, "{}");
        n->told_evaluate = write(run, MODEL_EVALUATE, 0, json);
    }
}

void model_tend(nns_run *run, bool second, bool again) {
    network *n = network_of(run);
    buf json = {0};
    tend_layers(run, &n->registry, again, &json);
    tend_tensors(run, &n->registry, second, again, &json);
    tend_calls(run, n, again, &json);
    buf_fini(&json);
}
