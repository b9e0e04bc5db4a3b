// Unit look.c makes the capture that answers a look: the sections that LOOK_* name (journal/capture.h).
//
// Place on the path: digest.c begins it with a set that somebody looks at; gather.c hands over each weight when it is whole,
// so that its cells need not be kept; the rest follows at the end of the set.
#include "digest_state.h"

#include "base/clock.h"
#include "base/mem.h"
#include "quantise.h"

#include <math.h>
#include <string.h>

enum { UNIT_SAMPLES = 9, EXTREMES = 12, CORRELATIONS = 2000 };
#define CORRELATION_LEAST 0.8f
#define CORRELATION_PAUSE 20 // times its own cost
#define CORRELATION_PAUSE_NS (2 * NS_PER_S)

static bool wants(const digest *d, uint32_t what) {
    return d->set.looked && d->set.look.what & what;
}

void look_begin(digest *d) {
    capture_head head = set_head(d, CAPTURE_LOOK);
    if (d->set.looked) capture_begin(&d->set.look_capture, &head);
}

// Weights ------------------------------------------------------------------------------------------

static void add_matrix(buf *out, int quantity, const tensor *t, uint32_t handle,
                       const gathering *g) {
    const links *l = g->look;
    size_t cells = (size_t)l->cell_rows * l->cell_columns;
    float scale = quantise_half_scale(moments_largest(&g->moments));
    capture_section section = {.quantity = quantity,
                               .coding = l->exact ? CODING_F32 : CODING_F16,
                               .layer = t->layer,
                               .tensor = handle,
                               .scale = l->exact ? 1 : scale,
                               .nonfinite = g->moments.nonfinite};
    section_matrix_shape(&section, l);
    if (l->exact) {
        section_add(out, section, l->cells);
        return;
    }
    uint16_t *halves = mem_array(cells, sizeof *halves);
    if (halves) {
        quantise_halves(halves, l->cells, cells, scale);
        section_add(out, section, halves);
    }
    mem_free(halves);
}

static void add_pick(buf *out, int quantity, uint32_t layer_handle, uint32_t handle, const links *l,
                     const links_pick *p) {
    capture_section section = {.quantity = p->column ? QUANTITY_UNIT_OUT : quantity,
                               .coding = CODING_F32,
                               .dims = 1,
                               .layer = layer_handle,
                               .tensor = handle,
                               .item = p->item,
                               .shape = {p->count}};
    if (!p->column && l->shape.dims > 2) {
        section.dims = l->shape.dims - 1;
        memcpy(section.shape, l->shape.shape + 1, 3 * sizeof section.shape[0]);
    }
    section_add(out, section, p->values);
}

// What a picked unit is shown with: rows of all three quantities, columns of the weight alone.
static void add_picks(buf *out, int quantity, const tensor *t, uint32_t handle, const links *l) {
    for (uint32_t i = 0; i < l->pick_count; i++)
        if (!l->picks[i].column || quantity == QUANTITY_UNIT_WEIGHT)
            add_pick(out, quantity, t->layer, handle, l, &l->picks[i]);
}

static void add_links(digest *d, int quantity, const tensor *t, uint32_t handle,
                      const gathering *g) {
    buf *out = &d->set.look_capture;
    int strong = quantity - QUANTITY_WEIGHT + QUANTITY_STRONG_WEIGHT;
    int row = quantity - QUANTITY_WEIGHT + QUANTITY_UNIT_WEIGHT;
    if (!g->look) return;
    if (g->look->cells) add_matrix(out, quantity, t, handle, g);
    if (g->look->strong.wanted) section_strong(out, strong, t->layer, handle, g->look);
    add_picks(out, row, t, handle, g->look);
}

void look_tensor(digest *d, uint32_t handle, tensor_view *v) {
    const tensor *t = tensor_at(d, handle);
    if (!d->set.looked) return;
    if (t->role == NNS_WEIGHT) add_links(d, QUANTITY_WEIGHT, t, handle, &v->own);
    if (t->role == NNS_WEIGHT_GRAD) add_links(d, QUANTITY_WEIGHT_GRADIENT, t, handle, &v->own);
    if (t->role == NNS_UPDATE) add_links(d, QUANTITY_UPDATE, t, handle, &v->own);
    if (t->role == NNS_WEIGHT && v->updated) add_links(d, QUANTITY_UPDATE, t, handle, &v->change);
    if (t->role == NNS_BIAS && wants(d, LOOK_WEIGHTS))
        section_bias(&d->set.look_capture, QUANTITY_BIAS, t, handle, v);
    if (t->role == NNS_BIAS_GRAD && wants(d, LOOK_GRADIENTS))
        section_bias(&d->set.look_capture, QUANTITY_BIAS_GRADIENT, t, handle, v);
}

// Samples ------------------------------------------------------------------------------------------

// The shape of what is shown: that of the layer which it feeds, else one row.
static int input_shape(digest *d, uint32_t elements, uint32_t shape[3]) {
    uint32_t handle = d->set.of_role[NNS_INPUT];
    layer *l = handle ? layer_at(d, tensor_at(d, handle)->layer) : NULL;
    capture_section one = {0};
    if (!l) l = layer_at(d, 1);
    section_layer_shape(&one, l && l->dims <= 3 ? l : NULL, elements);
    memcpy(shape, one.shape, 3 * sizeof *shape);
    return one.dims;
}

static void add_inputs(digest *d, int quantity, look_unit unit, const uint32_t *slots,
                       uint32_t count) {
    buf *out = &d->set.look_capture;
    const samples *s = &d->samples;
    capture_section section = {.quantity = quantity,
                               .coding = CODING_U8,
                               .layer = unit.layer,
                               .item = unit.unit,
                               .scale = 1};
    section.shape[0] = count;
    section.dims = 1 + input_shape(d, s->input_elements, section.shape + 1);
    size_t at = capture_add(out, &section, NULL);
    for (uint32_t i = 0; !out->failed && i < count; i++)
        memcpy(out->data + at + (size_t)i * s->input_elements, samples_input(s, slots[i]),
               s->input_elements);
}

static void add_extremes(digest *d, bool worst) {
    uint32_t slots[EXTREMES];
    float values[EXTREMES][4];
    uint32_t count = samples_by_loss(&d->samples, worst, EXTREMES, slots);
    if (count == 0 || !d->samples.inputs) return;
    for (uint32_t i = 0; i < count; i++) {
        const sample_outcome *o = &d->samples.outcomes[slots[i]];
        float four[4] = {o->loss, (float)o->truth, (float)o->predicted, o->probability};
        memcpy(values[i], four, sizeof four);
    }
    add_inputs(d, worst ? QUANTITY_WORST : QUANTITY_BEST, (look_unit){0}, slots, count);
    section_add(&d->set.look_capture,
                (capture_section){.quantity = worst ? QUANTITY_WORST_VALUES : QUANTITY_BEST_VALUES,
                                  .coding = CODING_F32,
                                  .dims = 2,
                                  .shape = {count, 4}},
                values);
}

static void add_confusion(digest *d) {
    uint32_t classes = d->samples.classes;
    uint32_t *counts = mem_array((size_t)classes * classes + 1, sizeof *counts);
    if (counts && samples_confusion(&d->samples, counts))
        section_add(&d->set.look_capture,
                    (capture_section){.quantity = QUANTITY_CONFUSION,
                                      .coding = CODING_U32,
                                      .dims = 2,
                                      .shape = {classes, classes}},
                    counts);
    mem_free(counts);
}

static void add_unit_samples(digest *d, look_unit unit) {
    uint32_t slots[UNIT_SAMPLES];
    float strength[UNIT_SAMPLES], values[UNIT_SAMPLES][2];
    uint32_t count =
        samples_of_unit(&d->samples, unit.layer - 1, unit.unit, UNIT_SAMPLES, slots, strength);
    if (unit.layer == 0 || count == 0) return;
    for (uint32_t i = 0; i < count; i++) {
        values[i][0] = strength[i];
        values[i][1] = (float)d->samples.outcomes[slots[i]].truth;
    }
    add_inputs(d, QUANTITY_UNIT_SAMPLES, unit, slots, count);
    section_add(&d->set.look_capture,
                (capture_section){.quantity = QUANTITY_UNIT_SAMPLE_VALUES,
                                  .coding = CODING_F32,
                                  .dims = 2,
                                  .layer = unit.layer,
                                  .item = unit.unit,
                                  .shape = {count, 2}},
                values);
}

// Layers -------------------------------------------------------------------------------------------

// On demand, and never more often than its own cost lets it.
static void add_correlation(digest *d, uint32_t handle) {
    layer_view *view = layer_view_of(d, handle);
    int64_t now = clock_mono_ns();
    double pause = view->correlation_cost_ns * CORRELATION_PAUSE;
    if (view->correlated_ns && (double)(now - view->correlated_ns) < pause + CORRELATION_PAUSE_NS)
        return;
    unit_pair *pairs = mem_array(CORRELATIONS, sizeof *pairs);
    int64_t count =
        pairs ? samples_correlation(&d->samples, handle - 1, CORRELATION_LEAST, CORRELATIONS, pairs)
              : -1;
    if (count >= 0 && view->has_units)
        section_add(&d->set.look_capture,
                    (capture_section){.quantity = QUANTITY_CORRELATION,
                                      .coding = CODING_TRIPLE,
                                      .dims = 1,
                                      .layer = handle,
                                      .shape = {(uint32_t)count}},
                    pairs);
    mem_free(pairs);
    view->correlated_ns = clock_mono_ns();
    view->correlation_cost_ns = (double)(view->correlated_ns - now);
}

static void add_class_means(digest *d, uint32_t handle) {
    layer_view *view = layer_view_of(d, handle);
    if (!view->has_units || !view->units.classes) return;
    const units *u = &view->units;
    float *means = mem_array((size_t)u->classes * u->count, sizeof *means);
    if (means) {
        units_class_means(u, means);
        section_add(&d->set.look_capture,
                    (capture_section){.quantity = QUANTITY_CLASS_MEAN,
                                      .coding = CODING_F32,
                                      .dims = 2,
                                      .layer = handle,
                                      .shape = {u->classes, u->count}},
                    means);
    }
    mem_free(means);
}

// The first sample of the batch, in the layer's shape.
static void add_value(digest *d, int quantity, uint32_t handle, const links *plane) {
    capture_section section = {.quantity = quantity, .coding = CODING_F32, .layer = handle};
    section_layer_shape(&section, layer_at(d, handle), plane->inputs);
    section_add(&d->set.look_capture, section, plane->cells);
}

static void add_values(digest *d) {
    uint32_t handle = d->set.of_role[NNS_INPUT];
    const tensor_view *input = handle ? d->tensors[handle - 1] : NULL;
    if (input && input->whole && input->plane)
        add_value(d, QUANTITY_INPUT, tensor_at(d, handle)->layer, input->plane);
    for (uint32_t i = 1; i <= layers_of(d); i++) {
        const links *plane = observed_plane(d, i);
        if (plane) add_value(d, QUANTITY_VALUE, i, plane);
    }
}

// Tensors that somebody asks for by name.
static void add_tensors(digest *d) {
    for (uint32_t i = 0; i < d->set.look.exact_count; i++) {
        uint32_t handle = d->set.look.exact[i];
        const tensor_view *v = handle && handle <= tensors_of(d) ? d->tensors[handle - 1] : NULL;
        if (!v || v->set != d->set.number || !v->whole || !v->plane) continue;
        const tensor *t = tensor_at(d, handle);
        bool biases = t->role == NNS_BIAS || t->role == NNS_BIAS_GRAD;
        if (v->elements > LOOK_EXACT_ELEMENTS || biases) continue;
        capture_section section = {.quantity = QUANTITY_TENSOR,
                                   .coding = CODING_F32,
                                   .dims = v->shape.dims,
                                   .layer = t->layer,
                                   .tensor = handle,
                                   .nonfinite = v->own.moments.nonfinite};
        memcpy(section.shape, v->shape.shape, sizeof section.shape);
        section_add(&d->set.look_capture, section, v->plane->cells);
    }
}

static void add_layers(digest *d) {
    uint32_t count = layers_of(d);
    for (uint32_t i = 1; i <= count; i++) {
        if (!layer_view_of(d, i)) continue;
        if (wants(d, LOOK_UNITS)) sections_of_layer(d, &d->set.look_capture, i);
        if (wants(d, LOOK_CLASSES)) add_class_means(d, i);
        if (wants(d, LOOK_CORRELATION)) add_correlation(d, i);
    }
}

static void add_rest(digest *d) {
    add_layers(d);
    if (wants(d, LOOK_VALUES)) add_values(d);
    add_tensors(d);
    for (uint32_t i = 0; i < d->set.look.unit_count; i++)
        add_unit_samples(d, d->set.look.units[i]);
    if (!wants(d, LOOK_OUTCOME)) return;
    add_confusion(d);
    add_extremes(d, true);
    add_extremes(d, false);
}

static void add_weight_norms(digest *d) {
    for (uint32_t i = 1; i <= layers_of(d); i++)
        section_weight_in(d, &d->set.look_capture, i);
}

void look_end(digest *d) {
    buf *capture = &d->set.look_capture;
    if (!d->set.looked) return;
    bool of_units = d->set.why & WANT_BIT(WANT_LOOK_UNITS);
    if (of_units) add_rest(d);
    if (wants(d, LOOK_WEIGHTS) && !(of_units && wants(d, LOOK_UNITS))) add_weight_norms(d);
    capture_head head = set_head(d, CAPTURE_LOOK);
    capture_rehead(capture, &head);
    capture_end(capture, 0);
    bool some = !capture->failed && capture->length > CAPTURE_HEAD;
    if (!some || outlet_unread(&d->out, CAPTURE_LOOK) >= OUTLET_LOOK_BYTES) return;
    outlet_capture(&d->out, capture);
    run_nudge(d->run); // somebody waits for it
}
