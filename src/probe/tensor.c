// Unit tensor.c takes the program's registrations of memory that may be looked at, and what it says of it later: moved, of
// another shape, gone.
//
// Place on the path: called on the training thread. capture.c reads what stands here at the safe point; the helper probes
// the pages (readable.c) and writes MODEL records (model.c).
//
// Invariants:
//   1. What is refused leaves no trace but one TROUBLE event; what is registered has a shape that fits its role and layer,
//      so that who reads copies need not look again.
//   2. moved, reshaped, gone are a few stores: they may be called at each step.
#include "network.h"

#include "base/mem.h"

#include <stdio.h>
#include <string.h>

#define TENSOR_NAME_BYTES_MAX SERIES_NAME_MAX

static const struct {
    const char *word;
    int least, most; // dimensions
} roles[] = {
    [NNS_WEIGHT] = {"weight", 1, 4},
    [NNS_WEIGHT_GRAD] = {"weight_grad", 1, 4},
    [NNS_BIAS] = {"bias", 1, 1},
    [NNS_BIAS_GRAD] = {"bias_grad", 1, 1},
    [NNS_PRE] = {"pre", 2, 4},
    [NNS_ACT] = {"act", 2, 4},
    [NNS_PRE_GRAD] = {"pre_grad", 2, 4},
    [NNS_UPDATE] = {"update", 1, 4},
    [NNS_INPUT] = {"input", 1, 4},
    [NNS_LABEL] = {"label", 1, 1},
    [NNS_PREDICTION] = {"prediction", 2, 2},
    [NNS_SAMPLE_LOSS] = {"sample_loss", 1, 1},
    [NNS_OTHER] = {"other", 1, 4},
};

static const struct {
    const char *word;
    uint32_t bytes;
} dtypes[] = {
    [NNS_FLOAT32] = {"float32", 4}, [NNS_FLOAT64] = {"float64", 8},
    [NNS_FLOAT16] = {"float16", 2}, [NNS_BFLOAT16] = {"bfloat16", 2},
    [NNS_UINT8] = {"uint8", 1},     [NNS_INT8] = {"int8", 1},
    [NNS_INT32] = {"int32", 4},     [NNS_INT64] = {"int64", 8},
};

const char *role_word(nns_role role) {
    return role >= NNS_WEIGHT && role <= NNS_OTHER ? roles[role].word : "";
}

const char *dtype_word(nns_dtype dtype) {
    return dtype >= NNS_FLOAT32 && dtype <= NNS_INT64 ? dtypes[dtype].word : "";
}

uint32_t dtype_bytes(nns_dtype dtype) {
    return dtype >= NNS_FLOAT32 && dtype <= NNS_INT64 ? dtypes[dtype].bytes : 0;
}

const char *valid_word(uint32_t valid) {
    static const char *const words[] = {"always", "step", "update", "shown"};
    return valid <= NNS_WHEN_SHOWN ? words[valid] : "";
}

// --- checks --------------------------------------------------------------------------------------

static bool refuse(nns_run *run, const char *rule, const char *where, const char *what) {
    trouble(run, rule, where, what);
    return false;
}

static bool good_words(nns_run *run, const char *name, const nns_tensor_info *info) {
    if (!*role_word(info->role))
        return refuse(run, "tensor role", name, "The role is none of nns_role: not registered.");
    if (!*dtype_word(info->dtype))
        return refuse(run, "tensor dtype", name, "The dtype is none of nns_dtype: not registered.");
    if (!*valid_word((uint32_t)info->valid))
        return refuse(run, "tensor valid", name, "The rule is none of nns_valid: not registered.");
    return true;
}

static bool good_shape(nns_run *run, const char *name, const form *f, uint32_t item_bytes) {
    int64_t bytes = item_bytes;
    for (int i = 0; i < f->dims; i++) {
        if (f->shape[i] < 1)
            return refuse(run, "tensor shape", name, "A dimension is zero or negative.");
        if (f->shape[i] > TENSOR_DIM_MAX || bytes > TENSOR_BYTES_MAX / f->shape[i])
            return refuse(run, "tensor shape", name, "The tensor is too large (16 GiB at most).");
        bytes *= f->shape[i];
    }
    return true;
}

// Strides of zero repeat a row; the span they make stays in reason.
static bool good_strides(nns_run *run, const char *name, const form *f, uint32_t item_bytes) {
    int64_t most = TENSOR_BYTES_MAX / item_bytes, last = 0;
    for (int i = 0; i < f->dims; i++) {
        if (f->strides[i] < 0)
            return refuse(run, "tensor strides", name, "A stride is negative: not supported.");
        if (f->shape[i] > 1 && f->strides[i] > most / (f->shape[i] - 1))
            return refuse(run, "tensor strides", name, "The strides reach beyond 16 GiB.");
        last += (f->shape[i] - 1) * f->strides[i];
        if (last >= most)
            return refuse(run, "tensor strides", name, "The strides reach beyond 16 GiB.");
    }
    return true;
}

// Does the shape fit what the layer says of itself?
static bool fits(const layer *l, nns_role role, const form *f) {
    int64_t of_sample = 1;
    for (int i = 1; i < f->dims; i++)
        of_sample *= f->shape[i];
    switch (role) {
    case NNS_WEIGHT:
    case NNS_WEIGHT_GRAD:
    case NNS_UPDATE:
    case NNS_BIAS:
    case NNS_BIAS_GRAD:
        return f->shape[0] == l->units;
    case NNS_PRE:
    case NNS_ACT:
    case NNS_PRE_GRAD:
        return of_sample == l->elements;
    default:
        return true;
    }
}

static bool good_dims(nns_run *run, const char *name, const nns_tensor_info *info) {
    if (info->dims >= roles[info->role].least && info->dims <= roles[info->role].most) return true;
    return refuse(run, "tensor shape", name, "The number of dimensions does not fit the role.");
}

static bool good_fit(nns_run *run, const char *name, const layer *l, nns_role role, const form *f) {
    if (!l || fits(l, role, f)) return true;
    return refuse(
        run, "tensor shape", name,
        "The shape does not fit its layer: weights and biases have one row a unit, activations "
        "the layer's shape for each sample.");
}

// --- registering ---------------------------------------------------------------------------------

// What stands in `info`, row by row when no strides are given.
static form form_given(const nns_tensor_info *info) {
    form f = {.dims = info->dims, .shape = {1, 1, 1, 1}};
    bool any = false;
    for (int i = 0; i < info->dims; i++) {
        f.shape[i] = info->shape[i];
        f.strides[i] = info->strides[i];
        any |= info->strides[i] != 0;
    }
    if (any) return f;
    for (int i = 0; i < f.dims; i++) // or the products below could overflow; refused right after
        if (f.shape[i] < 1 || f.shape[i] > TENSOR_DIM_MAX) return f;
    int64_t elements = 1;
    for (int i = 0; i < f.dims; i++) {
        if (elements > TENSOR_BYTES_MAX / f.shape[i]) return f;
        elements *= f.shape[i];
    }
    form_rows_first(&f);
    return f;
}

static void tell_form(tensor *t, const form *f) {
    t->form = *f;
    for (int i = 0; i < FORM_DIMS; i++)
        atomic_store(&t->shape[i], f->shape[i]);
    atomic_store(&t->span_bytes, (uint64_t)form_span(f) * t->item_bytes);
    atomic_store(&t->bytes, (uint64_t)form_elements(f) * t->item_bytes);
}

static void tell_data(tensor *t, const void *data) {
    atomic_store(&t->data, (uintptr_t)data);
    atomic_fetch_add(&t->told, 1);
}

static void tensor_free(tensor *t) {
    if (t) mem_free(t->name);
    mem_free(t);
}

static tensor *tensor_new(const char *name, const nns_tensor_info *info) {
    tensor *t = mem_new(sizeof *t);
    if (!t) return NULL;
    t->name = mem_text(name, strlen(name));
    t->layer = info->layer;
    t->role = info->role;
    t->dtype = info->dtype;
    t->item_bytes = dtype_bytes(info->dtype);
    t->dims = info->dims;
    t->batch = role_is_batch(info->role);
    if (t->name) return t;
    tensor_free(t);
    return NULL;
}

static nns_tensor put(nns_run *run, registry *r, tensor *t) {
    uint32_t count = atomic_load(&r->tensor_count);
    if (count == TENSORS_MAX)
        trouble(run, "tensor count", NULL, "More than 16384 tensors: those beyond are not shown.");
    if (count == TENSORS_MAX || !names_add(&r->tensor_names, t->name, count + 1)) {
        tensor_free(t);
        return 0;
    }
    layer *l = registry_layer(r, t->layer);
    if (l && t->role == NNS_UPDATE) l->has_update = true;
    if (l && t->role == NNS_ACT) atomic_store(&l->has_act, true);
    r->tensors[count] = t;
    atomic_store_explicit(&r->tensor_count, count + 1, memory_order_release);
    return count + 1;
}

static bool same_kind(const tensor *t, const nns_tensor_info *info) {
    return t->layer == info->layer && t->role == info->role && t->dtype == info->dtype &&
           t->dims == info->dims;
}

// A program that registers again at each step changes nothing.
static bool same_telling(const tensor *t, const form *f, const nns_tensor_info *info) {
    return atomic_load(&t->state) == TENSOR_THERE && form_same(&t->form, f) &&
           atomic_load(&t->valid) == (uint32_t)info->valid &&
           atomic_load(&t->data) == (uintptr_t)info->data;
}

static const char *name_of(void *context, uint32_t handle) {
    return ((registry *)context)->tensors[handle - 1]->name;
}

static nns_tensor add(nns_run *run, registry *r, const char *name, const nns_tensor_info *info) {
    form f = form_given(info);
    layer *l = registry_layer(r, info->layer);
    uint32_t item_bytes = dtype_bytes(info->dtype);
    if (!good_shape(run, name, &f, item_bytes) || !good_strides(run, name, &f, item_bytes) ||
        !good_fit(run, name, l, info->role, &f))
        return 0;
    nns_tensor handle = names_find(&r->tensor_names, name, name_of, r);
    tensor *t = handle ? r->tensors[handle - 1] : tensor_new(name, info);
    if (!t) return 0;
    if (!same_kind(t, info)) {
        refuse(run, "tensor registered twice", name,
               "Another layer, role, dtype or number of dimensions than before: the first holds.");
        return 0;
    }
    if (same_telling(t, &f, info)) return handle;
    if (atomic_load(&t->state) != TENSOR_THERE) atomic_store(&t->checked, false);
    tell_form(t, &f);
    atomic_store(&t->valid, (uint32_t)info->valid);
    atomic_store(&t->state, TENSOR_THERE);
    tell_data(t, info->data);
    atomic_store(&t->changed, true);
    return handle ? handle : put(run, r, t);
}

// "fc1/weight", or what the program calls it. False: neither makes a name.
static bool name_given(nns_run *run, registry *r, const nns_tensor_info *info,
                       char out[TENSOR_NAME_BYTES_MAX + 1]) {
    const layer *l = registry_layer(r, info->layer);
    int n = 0;
    if (info->name)
        n = snprintf(out, TENSOR_NAME_BYTES_MAX + 1, "%s", info->name);
    else if (l)
        n = snprintf(out, TENSOR_NAME_BYTES_MAX + 1, "%s/%s", l->name, role_word(info->role));
    if (n > 0 && n <= TENSOR_NAME_BYTES_MAX && series_name_valid(out, (size_t)n)) return true;
    return refuse(run, "tensor name", NULL,
                  "A tensor of no layer needs a name, of 1 to 255 bytes of UTF-8: not registered.");
}

nns_tensor nns_tensor_add(nns_run *run, const nns_tensor_info *info) {
    char name[TENSOR_NAME_BYTES_MAX + 1];
    network *n = info ? network_make(run) : NULL;
    if (!n) return 0;
    registry *r = &n->registry;
    if (info->layer && !registry_layer(r, info->layer)) {
        trouble(run, "unknown layer", info->name,
                "The tensor's layer was not described: not registered.");
        return 0;
    }
    if (!name_given(run, r, info, name) || !good_words(run, name, info) ||
        !good_dims(run, name, info))
        return 0;
    return add(run, r, name, info);
}

// --- later ---------------------------------------------------------------------------------------

static tensor *find(nns_run *run, nns_tensor handle) {
    if (!run_is_open(run)) return NULL;
    network *n = network_of(run);
    return n ? registry_tensor(&n->registry, handle) : NULL;
}

static bool is_gone(nns_run *run, const tensor *t) {
    if (likely(atomic_load_explicit(&t->state, memory_order_relaxed) != TENSOR_GONE)) return false;
    trouble(run, "used after nns_tensor_gone", t->name,
            "The tensor was said to be gone; nns_tensor_add brings it back.");
    return true;
}

void nns_tensor_move(nns_run *run, nns_tensor handle, const void *data) {
    tensor *t = find(run, handle);
    if (!t || is_gone(run, t) || atomic_load(&t->data) == (uintptr_t)data) return;
    if (atomic_load(&t->state) == TENSOR_BROKEN) {
        atomic_store(&t->checked, false);
        atomic_store(&t->state, TENSOR_THERE);
    }
    tell_data(t, data);
}

// The order in memory stays when it was dense; other strides stay as they are.
static void strides_again(form *f, const form *before) {
    bool taken[FORM_DIMS] = {false};
    int64_t stride = 1;
    if (!form_dense(before)) return;
    for (int done = 0; done < f->dims; done++) {
        int next = -1;
        for (int i = f->dims - 1; i >= 0; i--)
            if (!taken[i] && (next < 0 || before->strides[i] < before->strides[next])) next = i;
        taken[next] = true;
        f->strides[next] = stride;
        stride *= f->shape[next];
    }
}

void nns_tensor_reshape(nns_run *run, nns_tensor handle, const int64_t *shape) {
    tensor *t = shape ? find(run, handle) : NULL;
    if (!t || is_gone(run, t)) return;
    if (!memcmp(shape, t->form.shape, (size_t)t->dims * sizeof *shape)) return;
    form f = t->form;
    memcpy(f.shape, shape, (size_t)t->dims * sizeof *shape);
    network *n = network_of(run);
    if (!good_shape(run, t->name, &f, t->item_bytes) ||
        !good_fit(run, t->name, registry_layer(&n->registry, t->layer), t->role, &f))
        return;
    strides_again(&f, &t->form);
    if (!good_strides(run, t->name, &f, t->item_bytes)) return;
    tell_form(t, &f);
    atomic_fetch_add(&t->told, 1);
    atomic_store(&t->changed, true);
}

void nns_batch(nns_run *run, int64_t rows) {
    network *n = run_is_open(run) ? network_of(run) : NULL;
    if (!n) return;
    if (rows < 0)
        trouble(run, "batch rows", NULL, "nns_batch: the number of rows is negative.");
    else
        atomic_store_explicit(&n->registry.rows, rows + 1, memory_order_relaxed);
}

void nns_tensor_gone(nns_run *run, nns_tensor handle) {
    tensor *t = find(run, handle);
    if (!t) return;
    atomic_store(&t->state, TENSOR_GONE);
    tell_data(t, NULL);
    atomic_store(&t->changed, true);
}

void tensors_fini(registry *r) {
    for (uint32_t i = 0; i < atomic_load(&r->tensor_count); i++)
        tensor_free(r->tensors[i]);
    names_fini(&r->tensor_names);
}
