// Unit items.c chooses the tensors of a set, and the point of the step at which each may be read.
//
//     valid            role                       copied
//     NNS_AT_STEP      any                        at nns_step
//     NNS_AT_UPDATE    any                        at nns_before_update
//     NNS_WHEN_SHOWN   any                        at nns_tensor_show
//     NNS_ALWAYS       gradients, batch           at nns_before_update, when the program calls it; else at nns_step
//                      others                     at nns_step
#include "items.h"

#define UPDATE_STEPS 256u // without nns_before_update: it is no longer called

bool items_update_used(nns_run *run, const capturer *c) {
    uint64_t serial = atomic_load_explicit(&run->serial, memory_order_relaxed);
    return c->update_serial && serial + 1 - c->update_serial <= UPDATE_STEPS;
}

static bool is_gradient(nns_role role) {
    return role == NNS_WEIGHT_GRAD || role == NNS_BIAS_GRAD;
}

static uint8_t point_of(const tensor *t, bool update_used, bool held) {
    uint32_t valid = atomic_load_explicit(&t->valid, memory_order_relaxed);
    if (held || valid == NNS_AT_STEP) return AT_STEP;
    if (valid == NNS_AT_UPDATE) return AT_UPDATE;
    if (valid == NNS_WHEN_SHOWN) return AT_SHOW;
    return update_used && (t->batch || is_gradient(t->role)) ? AT_UPDATE : AT_STEP;
}

static bool is_there(const tensor *t) {
    return atomic_load_explicit(&t->state, memory_order_acquire) == TENSOR_THERE &&
           atomic_load_explicit(&t->data, memory_order_relaxed);
}

static bool is_wanted(registry *r, const tensor *t, uint32_t roles) {
    return (roles & (1u << t->role)) && !registry_spares(r, t);
}

static bool may(nns_run *run, const tensor *t, bool update_used, bool held) {
    uint32_t valid = atomic_load_explicit(&t->valid, memory_order_relaxed);
    if (!is_there(t)) return false;
    if (valid != NNS_WHEN_SHOWN && !atomic_load(&t->checked)) return false;
    if (held) return valid == NNS_ALWAYS || valid == NNS_AT_STEP;
    if (valid != NNS_AT_UPDATE || update_used) return true;
    if (atomic_load_explicit(&run->serial, memory_order_relaxed) > UPDATE_STEPS)
        trouble(
            run, "nns_before_update is not called", t->name,
            "The tensor may be read in nns_before_update only, which the program does not call.");
    return false;
}

// Rows as told by nns_batch, at most those that the tensor has. 0: none now.
static int64_t rows_now(const registry *r, const tensor *t) {
    int64_t told = atomic_load_explicit(&r->rows, memory_order_relaxed), most = t->form.shape[0];
    return told && told - 1 < most ? told - 1 : most;
}

static void measure(const tensor *t, item *i) {
    form f = t->form;
    if (t->batch) f.shape[0] = i->rows;
    i->gathered = !form_dense(&f);
    i->elements = (uint64_t)form_elements(&f);
    i->bytes = i->elements * t->item_bytes;
    i->told = atomic_load_explicit(&t->told, memory_order_relaxed);
}

static bool is_pair(registry *r, const tensor *t, uint32_t roles, bool held) {
    const layer *l = registry_layer(r, t->layer);
    return !held && t->role == NNS_WEIGHT && (roles & (1u << NNS_UPDATE)) && l && !l->has_update;
}

static void count(const tensor *t, const item *i, items_cost *cost) {
    uint64_t *bytes = i->at == AT_STEP ? &cost->step_bytes : &cost->update_bytes;
    uint32_t *number = i->at == AT_STEP ? &cost->step_count : &cost->update_count;
    *bytes += i->bytes;
    *number += 1;
    if (t->batch) cost->batch_bytes += i->bytes;
    if (!i->pair) return;
    cost->earlier_bytes += i->bytes;
    cost->earlier_count++;
}

void items_build(nns_run *run, capturer *c, uint32_t roles, bool held, items_cost *cost) {
    registry *r = &network_of(run)->registry;
    bool update_used = items_update_used(run, c);
    uint32_t tensors = atomic_load_explicit(&r->tensor_count, memory_order_relaxed);
    *cost = (items_cost){0};
    c->set.count = c->set.first = 0;
    for (uint32_t handle = 1; handle <= tensors; handle++) {
        tensor *t = r->tensors[handle - 1];
        if (!is_wanted(r, t, roles) || !may(run, t, update_used, held)) continue;
        item *i = &c->items[c->set.count];
        *i = (item){.tensor = handle, .at = point_of(t, update_used, held)};
        i->most_rows = INT64_MAX;
        if (t->batch) i->rows = i->all_rows = rows_now(r, t);
        i->pair = i->at == AT_STEP && is_pair(r, t, roles, held);
        measure(t, i);
        count(t, i, cost);
        t->item = c->set.count++;
    }
}

void items_limit_rows(network *n, capturer *c, double part) {
    for (uint32_t k = 0; k < c->set.count; k++) {
        item *i = &c->items[k];
        if (!i->rows) continue;
        int64_t rows = (int64_t)((double)i->rows * part);
        i->most_rows = rows < 1 ? 1 : rows;
        if (i->rows > i->most_rows) i->rows = i->most_rows;
        measure(n->registry.tensors[i->tensor - 1], i);
    }
}

static bool given_up(item *i, bool *broken) {
    if (i->done || i->earlier) *broken = true;
    i->elements = i->done = i->earlier = 0;
    return false;
}

// The rows are those of the moment at which the batch is read: the one that stood there when the set was begun is over.
static void follow_rows(const registry *r, const tensor *t, item *i) {
    if (i->done && i->rows <= t->form.shape[0]) return;
    i->all_rows = rows_now(r, t);
    i->rows = i->all_rows < i->most_rows ? i->all_rows : i->most_rows;
}

bool item_ready(network *n, item *i, bool *broken) {
    const tensor *t = n->registry.tensors[i->tensor - 1];
    bool same_told = i->told == atomic_load_explicit(&t->told, memory_order_relaxed);
    if (!is_there(t)) return given_up(i, broken);
    if (likely(same_told && !t->batch)) return true;
    item now = *i;
    if (t->batch) follow_rows(&n->registry, t, &now);
    measure(t, &now);
    bool same = now.elements == i->elements && now.gathered == i->gathered;
    if (!same && (i->done || i->earlier)) return given_up(i, broken);
    *i = now;
    return true;
}
