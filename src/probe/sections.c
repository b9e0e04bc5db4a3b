// Unit sections.c writes those sections that looks and snapshots have in common: what the units of a layer did, its statistics,
// the strongest links, biases.
//
// Place on the path: called by look.c and snapshot.c, with what gather.c and observe.c have made of the set.
#include "digest_state.h"

#include "base/mem.h"

#include <math.h>
#include <string.h>

void section_add(buf *out, capture_section section, const void *data) {
    if (section.scale == 0) section.scale = 1;
    capture_add(out, &section, data);
}

void section_layer_shape(capture_section *section, const layer *l, uint64_t elements) {
    bool fits = l && (uint64_t)l->elements == elements;
    section->dims = fits ? l->dims : 1;
    for (int i = 0; fits && i < l->dims; i++)
        section->shape[i] = (uint32_t)l->shape[i];
    if (!fits) section->shape[0] = (uint32_t)elements;
}

float moments_largest(const moments *m) {
    if (m->count == 0) return 0;
    return fabsf(m->min) > fabsf(m->max) ? fabsf(m->min) : fabsf(m->max);
}

capture_head set_head(const digest *d, int kind) {
    const set *s = &d->set;
    uint32_t flags = s->sliced ? CAPTURE_SLICED : 0;
    return (capture_head){.kind = kind,
                          .step = s->step,
                          .last_step = s->last_step,
                          .base_step = s->step,
                          .flags = flags,
                          .time_ms = (double)s->wall_ms,
                          .observed = d->observed};
}

void capture_rehead(buf *capture, const capture_head *head) {
    buf again = {0};
    capture_begin(&again, head);
    if (again.failed || capture->failed || capture->length < CAPTURE_HEAD)
        capture->failed = true;
    else
        memcpy(capture->data, again.data, CAPTURE_HEAD);
    buf_fini(&again);
}

static void add_units(buf *out, int quantity, int coding, uint32_t layer_handle, uint32_t count,
                      const void *data) {
    section_add(out,
                (capture_section){.quantity = quantity,
                                  .coding = coding,
                                  .dims = 1,
                                  .layer = layer_handle,
                                  .shape = {count}},
                data);
}

static void add_marks(buf *out, uint32_t handle, const units *u) {
    uint8_t *marks = mem_array(u->count, 1);
    float *selectivity = mem_array(u->count, sizeof *selectivity);
    if (marks && selectivity) {
        units_marks(u, marks);
        add_units(out, QUANTITY_MARKS, CODING_U8, handle, u->count, marks);
        units_selectivity(u, selectivity);
        if (u->classes > 1)
            add_units(out, QUANTITY_SELECTIVITY, CODING_F32, handle, u->count, selectivity);
    }
    mem_free(marks);
    mem_free(selectivity);
}

static void add_observed(digest *d, buf *out, uint32_t handle, const layer_view *view) {
    const units *u = &view->units;
    if (observed_plane(d, handle)) {
        add_units(out, QUANTITY_ACTIVATION, CODING_F32, handle, u->count, u->mean_abs);
        add_units(out, QUANTITY_MEAN, CODING_F32, handle, u->count, u->mean);
        add_units(out, QUANTITY_ACTIVE, CODING_F32, handle, u->count, u->active);
        add_marks(out, handle, u);
    }
    if (seen_tensor(d, handle, NNS_PRE_GRAD, NULL))
        add_units(out, QUANTITY_GRADIENT, CODING_F32, handle, u->count, u->gradient);
}

// Only with the weights that it is of: it would stand there under a later step.
void section_weight_in(digest *d, buf *out, uint32_t handle) {
    const layer_view *view = layer_view_of(d, handle);
    if (view && view->weight_in && seen_tensor(d, handle, NNS_WEIGHT, NULL))
        add_units(out, QUANTITY_WEIGHT_IN, CODING_F32, handle, view->weight_units, view->weight_in);
}

void sections_of_layer(digest *d, buf *out, uint32_t handle) {
    layer_view *view = layer_view_of(d, handle);
    bool some = false;
    if (!view) return;
    if (view->has_units) add_observed(d, out, handle, view);
    section_weight_in(d, out, handle);
    for (int i = 0; i < STATISTIC_COUNT; i++)
        some |= !isnan(view->last[i]);
    if (some) add_units(out, QUANTITY_STATISTICS, CODING_F32, handle, STATISTIC_COUNT, view->last);
}

void section_strong(buf *out, int quantity, uint32_t layer_handle, uint32_t tensor_handle,
                    links *l) {
    strongest_finish(&l->strong);
    section_add(out,
                (capture_section){.quantity = quantity,
                                  .coding = CODING_PAIR,
                                  .dims = 1,
                                  .layer = layer_handle,
                                  .tensor = tensor_handle,
                                  .shape = {l->strong.count}},
                l->strong.pairs);
}

void section_bias(buf *out, int quantity, const tensor *t, uint32_t handle, const tensor_view *v) {
    if (!v->plane || v->shape.dims != 1) return;
    section_add(out,
                (capture_section){.quantity = quantity,
                                  .coding = CODING_F32,
                                  .dims = 1,
                                  .layer = t->layer,
                                  .tensor = handle,
                                  .shape = {v->plane->units},
                                  .nonfinite = v->own.moments.nonfinite},
                v->plane->cells);
}

void section_matrix_shape(capture_section *section, const links *l) {
    if (links_folded(l)) {
        section->dims = 2;
        section->shape[0] = l->cell_rows;
        section->shape[1] = l->cell_columns;
        section->full[0] = l->units;
        section->full[1] = l->inputs;
        return;
    }
    section->dims = l->shape.dims;
    memcpy(section->shape, l->shape.shape, sizeof section->shape);
}
