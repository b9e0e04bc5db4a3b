// Unit gather.c takes slices of copied tensors apart: moments, links, whole planes, changes between two copies.
//
// Place on the path: digest.c hands over each TENSOR entry of the set under way (copies.h); when the last slice of a tensor
// has come its sections are written (look.c, snapshot.c) and its memory given back, planes of batches at the end of the set.
//
//     weight, its gradient, update    moments, links (links.h)           of any size: nothing of it is kept whole
//     weight, COPY_EARLIER            kept until the same slice comes later: the difference is the update
//     what has rows of a batch, bias  a plane: all of it, float32, in the order of the role
//     weight, bias of a PRUNE set     as it is, float32, in the order of memory
#include "digest_state.h"

#include "base/mem.h"

#include <string.h>

#define PLANE_ELEMENTS_MAX (UINT64_C(64) << 20)

// Views ----------------------------------------------------------------------------------------------

layer_view *layer_view_of(digest *d, uint32_t handle) {
    if (handle == 0 || handle > layers_of(d)) return NULL;
    layer_view **view = &d->layers[handle - 1];
    if (*view) return *view;
    *view = mem_new(sizeof **view);
    for (int i = 0; *view && i < STATISTIC_COUNT; i++) {
        (*view)->last[i] = (*view)->fresh[i] = __builtin_nanf("");
        (*view)->written_step[i] = INT64_MIN;
    }
    return *view;
}

static tensor_view *tensor_view_of(digest *d, uint32_t handle) {
    if (handle == 0 || handle > tensors_of(d)) return NULL;
    tensor_view **view = &d->tensors[handle - 1];
    if (!*view) *view = mem_new(sizeof **view);
    return *view;
}

uint32_t first_seen(digest *d, uint32_t layer_handle) {
    layer_view *view = layer_view_of(d, layer_handle);
    return view && view->seen_set == d->set.number ? view->seen : 0;
}

tensor_view *seen_tensor(digest *d, uint32_t layer_handle, nns_role role, uint32_t *handle) {
    for (uint32_t t = first_seen(d, layer_handle); t; t = d->tensors[t - 1]->next) {
        if (tensor_at(d, t)->role != role || !d->tensors[t - 1]->whole) continue;
        if (handle) *handle = t;
        return d->tensors[t - 1];
    }
    return NULL;
}

// Into the chain of its layer's tensors of this set.
static void chain(digest *d, uint32_t handle, tensor_view *v) {
    const tensor *t = tensor_at(d, handle);
    layer_view *view = layer_view_of(d, t->layer);
    if (!d->set.of_role[t->role]) d->set.of_role[t->role] = handle;
    v->next = first_seen(d, t->layer);
    if (!view) return;
    view->seen_set = d->set.number;
    view->seen = handle;
}

// What has been registered since the last set.
void gather_begin(digest *d) {
    uint32_t count = tensors_of(d);
    d->set.weights = 0;
    for (uint32_t i = 1; i <= count; i++) {
        tensor *t = tensor_at(d, i);
        if (t->role != NNS_WEIGHT) continue;
        d->set.weights += atomic_load_explicit(&t->bytes, memory_order_relaxed) / t->item_bytes;
        layer_view *view = layer_view_of(d, t->layer);
        if (view) view->has_weight = true;
    }
}

static void free_links(links **l) {
    if (*l) links_fini(*l);
    mem_free(*l);
    *l = NULL;
}

static void free_links_of(tensor_view *v) {
    free_links(&v->own.look);
    free_links(&v->own.snapshot);
    free_links(&v->change.look);
    free_links(&v->change.snapshot);
    while (v->earlier) {
        earlier *next = v->earlier->next;
        mem_free(v->earlier);
        v->earlier = next;
    }
}

static void forget(tensor_view *v) {
    free_links_of(v);
    free_links(&v->plane);
    mem_free(v->raw);
    v->raw = NULL;
    v->set = 0;
    v->whole = v->updated = false;
}

void gather_forget(digest *d) {
    uint32_t count = tensors_of(d);
    for (uint32_t i = 0; i < count; i++)
        if (d->tensors[i] && d->tensors[i]->set) forget(d->tensors[i]);
}

// What is wanted of a tensor -------------------------------------------------------------------------

// A weight's part of the cells that all weights of the network may have together.
static size_t cells_for(const digest *d, uint64_t elements, size_t most, size_t all) {
    uint64_t total = d->set.weights > elements ? d->set.weights : elements;
    double share = total ? (double)all * (double)elements / (double)total : 0;
    size_t cells = share > CELLS_LEAST ? (size_t)share : CELLS_LEAST;
    return cells < most ? cells : most;
}

static links *new_links(const links_shape *shape, size_t cells, uint32_t strong, bool squares) {
    links *l = mem_new(sizeof *l);
    if (l && links_init(l, shape, cells, strong, squares)) {
        mem_free(l);
        l = NULL;
    }
    return l;
}

// Does what `layer` gives go to `target` by way of layers without weights?
static bool leads_to(digest *d, uint32_t target, uint32_t from, int depth) {
    layer *l = layer_at(d, target);
    for (int i = 0; l && depth > 0 && i < l->input_count; i++) {
        if (l->inputs[i] == from) return true;
        layer_view *view = layer_view_of(d, l->inputs[i]);
        if (view && !view->has_weight && leads_to(d, l->inputs[i], from, depth - 1)) return true;
    }
    return false;
}

// Incoming links of inspected units of this layer, outgoing ones of those of the layers before.
static void pick_units(digest *d, links *l, const tensor *t) {
    for (uint32_t i = 0; i < d->set.look.unit_count; i++) {
        look_unit unit = d->set.look.units[i];
        if (unit.layer == t->layer) {
            links_pick_row(l, unit.unit);
            continue;
        }
        layer *from = layer_at(d, unit.layer);
        if (!from || from->units <= 0 || l->inputs % from->units ||
            !leads_to(d, t->layer, unit.layer, 16))
            continue;
        uint32_t width = (uint32_t)(l->inputs / from->units);
        if (unit.unit < from->units) links_pick_columns(l, unit.unit, unit.unit * width, width);
    }
}

static uint32_t look_bit(nns_role role) {
    return role == NNS_WEIGHT        ? LOOK_WEIGHTS
           : role == NNS_WEIGHT_GRAD ? LOOK_GRADIENTS
                                     : LOOK_UPDATES;
}

// Somebody asks for just this tensor, as it is.
static bool wanted_exact(const digest *d, uint32_t handle, const tensor_view *v) {
    for (uint32_t i = 0; i < d->set.look.exact_count; i++)
        if (d->set.look.exact[i] == handle) return v->elements <= LOOK_EXACT_ELEMENTS;
    return false;
}

// `handle` 0: of what is made of the tensor.
static links *look_links(digest *d, const tensor *t, uint32_t handle, const tensor_view *v,
                         nns_role role) {
    bool wanted = d->set.looked && d->set.look.what & look_bit(role);
    bool inspected = d->set.looked && (d->set.look.unit_count ||
                                       (role == NNS_WEIGHT && d->set.look.what & LOOK_UNITS));
    if (!wanted && !inspected) return NULL;
    bool whole = wanted && (v->elements <= LOOK_SMALL || d->set.look.what & LOOK_MATRICES);
    bool exact = wanted && handle && wanted_exact(d, handle, v);
    size_t cells = exact   ? (size_t)v->elements
                   : whole ? cells_for(d, v->elements, LOOK_CELLS, LOOK_CELLS_ALL)
                           : 0;
    links *l = new_links(&v->shape, cells, wanted ? d->set.look.strongest : 0, role == NNS_WEIGHT);
    if (!l) return NULL;
    l->exact = exact;
    pick_units(d, l, t);
    return l;
}

static links *snapshot_links(digest *d, const tensor_view *v, nns_role role) {
    if (!d->set.snapshot) return NULL;
    if (role != NNS_WEIGHT) return new_links(&v->shape, 0, SNAPSHOT_STRONGEST, false);
    return new_links(&v->shape, cells_for(d, v->elements, SNAPSHOT_CELLS, SNAPSHOT_CELLS_ALL), 0,
                     true);
}

static void begin(digest *d, const copy *c, const tensor *t, tensor_view *v) {
    forget(v);
    v->set = d->set.number;
    chain(d, c->tensor, v);
    v->elements = c->elements;
    v->rows_part = c->flags & COPY_ROWS_CUT ? (double)c->shape[0] / c->rows : 1;
    v->shape = (links_shape){.dims = c->dims};
    memcpy(v->shape.shape, c->shape, sizeof v->shape.shape);
    memcpy(v->shape.strides, c->strides, sizeof v->shape.strides);
    moments_init(&v->own.moments);
    moments_init(&v->change.moments);
    if (role_is_weight(t->role)) {
        v->own.look = look_links(d, t, c->tensor, v, t->role);
        v->own.snapshot = snapshot_links(d, v, t->role);
    } else if ((t->role != NNS_OTHER || wanted_exact(d, c->tensor, v)) &&
               c->elements <= PLANE_ELEMENTS_MAX) {
        v->plane = new_links(&v->shape, (size_t)c->elements, 0, false);
    }
    bool raw = d->set.why & WANT_BIT(WANT_PRUNE) && (t->role == NNS_WEIGHT || t->role == NNS_BIAS);
    if (raw) v->raw = mem_array((size_t)c->elements, sizeof *v->raw);
}

// Slices ---------------------------------------------------------------------------------------------

static void into(gathering *g, const float *values, uint64_t first, size_t count) {
    if (g->look) links_add(g->look, values, first, count);
    if (g->snapshot) links_add(g->snapshot, values, first, count);
}

static const void *element(const copy *c, const void *data, uint64_t at) {
    return (const uint8_t *)data + at * dtype_bytes((nns_dtype)c->dtype);
}

static void keep_earlier(tensor_view *v, const copy *c) {
    size_t bytes = c->count * dtype_bytes((nns_dtype)c->dtype);
    earlier *e = mem_new(sizeof *e + bytes);
    if (!e) return;
    e->first = c->first;
    e->count = c->count;
    memcpy(e->bytes, copy_data(c), bytes);
    e->next = v->earlier;
    v->earlier = e;
}

static earlier *take_earlier(tensor_view *v, const copy *c) {
    for (earlier **at = &v->earlier; *at; at = &(*at)->next) {
        earlier *e = *at;
        if (e->first != c->first || e->count != c->count) continue;
        *at = e->next;
        return e;
    }
    return NULL;
}

static void begin_change(digest *d, const tensor *t, tensor_view *v) {
    if (v->updated) return;
    v->updated = true;
    v->change.look = look_links(d, t, 0, v, NNS_UPDATE);
    v->change.snapshot = snapshot_links(d, v, NNS_UPDATE);
}

static void add_change(digest *d, const copy *c, tensor_view *v, const earlier *e, uint64_t at,
                       size_t count) {
    moments_difference(d->difference, element(c, copy_data(c), at), element(c, e->bytes, at),
                       (nns_dtype)c->dtype, count);
    moments_add(&v->change.moments, d->difference, count);
    into(&v->change, d->difference, e->first + at, count);
}

// The numbers of a slice from `at` on, as float32: as they are, or converted. Their moments are those of the numbers themselves.
static const float *numbers(digest *d, const copy *c, tensor_view *v, uint64_t at, size_t count) {
    const void *data = element(c, copy_data(c), at);
    const float *values = c->dtype == NNS_FLOAT32 ? data : d->scratch;
    if (values == d->scratch) moments_convert(d->scratch, data, (nns_dtype)c->dtype, count);
    if (c->dtype == NNS_FLOAT64)
        moments_add_doubles(&v->own.moments, data, count);
    else
        moments_add(&v->own.moments, values, count);
    return values;
}

static void add_slice(digest *d, const copy *c, tensor_view *v, const earlier *e) {
    for (uint64_t at = 0; at < c->count; at += CHUNK) {
        size_t count = c->count - at < CHUNK ? (size_t)(c->count - at) : CHUNK;
        const float *values = numbers(d, c, v, at, count);
        into(&v->own, values, c->first + at, count);
        if (v->plane) links_add(v->plane, values, c->first + at, count);
        if (v->raw) memcpy(v->raw + c->first + at, values, count * sizeof *values);
        if (e) add_change(d, c, v, e, at, count);
    }
}

static void became_whole(digest *d, uint32_t handle, tensor_view *v) {
    v->whole = true;
    observe_links(d, handle, v);
    look_tensor(d, handle, v);
    snapshot_tensor(d, handle, v);
    free_links_of(v);
}

void gather_slice(digest *d, const copy *c) {
    tensor_view *v = tensor_view_of(d, c->tensor);
    tensor *t = tensor_at(d, c->tensor);
    if (!v || !t || !dtype_bytes((nns_dtype)c->dtype)) return;
    bool first = c->flags & COPY_FIRST, old = c->flags & COPY_EARLIER;
    if (first && (old || v->set != d->set.number)) begin(d, c, t, v);
    if (v->set != d->set.number || c->first > v->elements || c->count > v->elements - c->first)
        return;
    if (old) {
        keep_earlier(v, c);
        return;
    }
    earlier *e = take_earlier(v, c);
    if (e) begin_change(d, t, v);
    add_slice(d, c, v, e);
    mem_free(e);
    v->step = c->step;
    if (c->flags & COPY_LAST) became_whole(d, c->tensor, v);
}
