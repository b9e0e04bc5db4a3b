// Unit layer.c takes the program's description of its layers.
//
// Place on the path: called on the training thread, before the loop as a rule. The helper writes the MODEL record (model.c).
// What is described wrongly is refused with a clear word, once, and training goes on without it.
#include "network.h"

#include "names.h"

#include "base/mem.h"

#include <string.h>

#define LAYER_NAME_BYTES_MAX 200 // the series are layer/NAME/activation/deviation
#define KIND_BYTES_MAX 64
#define LAYER_ELEMENTS_MAX (INT64_C(1) << 40)

static bool refuse(nns_run *run, const char *rule, const char *where, const char *what) {
    trouble(run, rule, where, what);
    return false;
}

static bool good_name(nns_run *run, const char *name) {
    size_t bytes = name ? strnlen(name, LAYER_NAME_BYTES_MAX + 1) : 0;
    if (bytes <= LAYER_NAME_BYTES_MAX && name && series_name_valid(name, bytes)) return true;
    return refuse(run, "layer name", NULL,
                  "A layer needs a name of 1 to 200 bytes of UTF-8: it was not described.");
}

static bool good_shape(nns_run *run, const nns_layer_info *info) {
    int64_t elements = 1;
    if (info->dims < 1 || info->dims > 4)
        return refuse(run, "layer shape", info->name, "A layer has 1 to 4 dimensions.");
    for (int i = 0; i < info->dims; i++) {
        if (info->shape[i] == 0)
            return refuse(run, "layer shape", info->name,
                          "The layer has no units: a dimension is 0.");
        if (info->shape[i] < 0 || info->shape[i] > TENSOR_DIM_MAX)
            return refuse(run, "layer shape", info->name, "A dimension is negative or too large.");
        elements *= info->shape[i];
        if (elements > LAYER_ELEMENTS_MAX)
            return refuse(run, "layer shape", info->name, "The layer is too large.");
    }
    if (info->parameters < 0)
        return refuse(run, "layer shape", info->name, "The number of parameters is negative.");
    return true;
}

static bool good_inputs(nns_run *run, registry *r, const nns_layer_info *info) {
    if (info->inputs && (info->input_count < 0 || info->input_count > LAYERS_MAX))
        return refuse(run, "layer inputs", info->name, "The number of inputs makes no sense.");
    for (int i = 0; info->inputs && i < info->input_count; i++)
        if (!registry_layer(r, info->inputs[i]))
            return refuse(run, "layer inputs", info->name,
                          "An input is a layer that was not described: unknown handle.");
    return true;
}

static bool same(const layer *l, const nns_layer_info *info) {
    if (l->dims != info->dims) return false;
    for (int i = 0; i < info->dims; i++)
        if (l->shape[i] != info->shape[i]) return false;
    return true;
}

static void layer_free(layer *l) {
    if (!l) return;
    mem_free(l->name);
    mem_free(l->kind);
    mem_free(l->activation);
    mem_free(l->inputs);
    mem_free(l);
}

static char *copy_word(const char *text) {
    return mem_text(text ? text : "", text ? strnlen(text, KIND_BYTES_MAX) : 0);
}

// NULL inputs: the layer described before this one.
static bool copy_inputs(layer *l, const nns_layer_info *info, uint32_t count) {
    int given = info->inputs ? info->input_count : count > 0;
    l->inputs = mem_array((size_t)given + 1, sizeof *l->inputs);
    if (!l->inputs) return false;
    for (int i = 0; i < given; i++)
        l->inputs[i] = info->inputs ? info->inputs[i] : count;
    l->input_count = given;
    return true;
}

static layer *layer_new(const nns_layer_info *info, uint32_t count) {
    layer *l = mem_new(sizeof *l);
    if (!l) return NULL;
    l->name = mem_text(info->name, strlen(info->name));
    l->kind = copy_word(info->kind);
    l->activation = copy_word(info->activation);
    l->dims = info->dims;
    l->parameters = info->parameters;
    l->elements = 1;
    for (int i = 0; i < 4; i++) {
        l->shape[i] = i < info->dims ? info->shape[i] : 1;
        l->elements *= l->shape[i];
    }
    l->units = l->dims == 3 ? l->shape[0] : l->elements;
    if (l->name && l->kind && l->activation && copy_inputs(l, info, count)) return l;
    layer_free(l);
    return NULL;
}

static nns_layer add(nns_run *run, registry *r, const nns_layer_info *info) {
    uint32_t count = atomic_load(&r->layer_count);
    if (count == LAYERS_MAX) {
        refuse(run, "layer count", NULL, "More than 4096 layers: those beyond are not shown.");
        return 0;
    }
    layer *l = layer_new(info, count);
    if (!l || !names_add(&r->layer_names, l->name, count + 1)) {
        layer_free(l);
        return 0;
    }
    r->layers[count] = l;
    atomic_store_explicit(&r->layer_count, count + 1, memory_order_release);
    return count + 1;
}

static const char *name_of(void *context, uint32_t handle) {
    return ((registry *)context)->layers[handle - 1]->name;
}

nns_layer nns_layer_describe(nns_run *run, const nns_layer_info *info) {
    network *n = info ? network_make(run) : NULL;
    if (!n || !good_name(run, info->name)) return 0;
    registry *r = &n->registry;
    if (!good_shape(run, info) || !good_inputs(run, r, info)) return 0;
    uint32_t handle = names_find(&r->layer_names, info->name, name_of, r);
    if (!handle) return add(run, r, info);
    if (same(r->layers[handle - 1], info)) return handle;
    refuse(run, "layer described twice", info->name,
           "The layer was described before with another shape: the first description holds.");
    return 0;
}

void layers_fini(registry *r) {
    for (uint32_t i = 0; i < atomic_load(&r->layer_count); i++)
        layer_free(r->layers[i]);
    names_fini(&r->layer_names);
}
