// Unit observe.c makes a layer's statistics and what its units do out of the planes and moments of a whole set.
//
// Place on the path: digest.c calls it at SET_END, before look.c and snapshot.c write sections. Series `layer/LAYER/WORD` are
// written here, one point a statistic and step.
//
// What a layer's activation is: its ACT; where none is registered its PRE if it has no nonlinearity; of an input layer INPUT.
#include "digest_state.h"

#include "base/mem.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

// The words under which moments stand in a layer's statistics, in the order of statistic.def.
typedef struct five {
    int norm, mean, deviation, min, max;
} five;
static const five of_activation = {STATISTIC_ACTIVATION_NORM, STATISTIC_ACTIVATION_MEAN,
                                   STATISTIC_ACTIVATION_DEVIATION, STATISTIC_ACTIVATION_MIN,
                                   STATISTIC_ACTIVATION_MAX};
static const five of_gradient = {STATISTIC_GRADIENT_NORM, STATISTIC_GRADIENT_MEAN,
                                 STATISTIC_GRADIENT_DEVIATION, STATISTIC_GRADIENT_MIN,
                                 STATISTIC_GRADIENT_MAX};
static const five of_weight = {STATISTIC_WEIGHT_NORM, STATISTIC_WEIGHT_MEAN,
                               STATISTIC_WEIGHT_DEVIATION, STATISTIC_WEIGHT_MIN,
                               STATISTIC_WEIGHT_MAX};

// The norm is of the whole batch: where only its first rows were copied, as if the others were like them.
static void put(float *out, five at, const moments *m, double rows_part) {
    if (m->count == 0) return;
    out[at.norm] = (float)(moments_norm(m) / sqrt(rows_part));
    out[at.mean] = (float)moments_mean(m);
    out[at.deviation] = (float)moments_deviation(m);
    out[at.min] = m->min;
    out[at.max] = m->max;
}

// All tensors of a layer with one role together, `change` their changes. False: none in this set.
static bool gather_moments(digest *d, uint32_t handle, nns_role role, moments *all, bool change) {
    bool some = false;
    moments_init(all);
    for (uint32_t t = first_seen(d, handle); t; t = d->tensors[t - 1]->next) {
        tensor_view *v = d->tensors[t - 1];
        if (!v->whole || tensor_at(d, t)->role != role || (change && !v->updated)) continue;
        moments_merge(all, change ? &v->change.moments : &v->own.moments);
        some = true;
    }
    return some;
}

static tensor_view *activation_of(digest *d, uint32_t handle) {
    layer *l = layer_at(d, handle);
    tensor_view *v = seen_tensor(d, handle, NNS_ACT, NULL);
    if (!v && l && !l->activation[0]) v = seen_tensor(d, handle, NNS_PRE, NULL);
    return v ? v : seen_tensor(d, handle, NNS_INPUT, NULL);
}

links *observed_plane(digest *d, uint32_t layer_handle) {
    tensor_view *v = activation_of(d, layer_handle);
    return v ? v->plane : NULL;
}

// Units --------------------------------------------------------------------------------------------

static uint32_t least(uint32_t rows, const links *plane) {
    return plane && plane->units < rows ? plane->units : rows;
}

// Rows that samples_take has taken of this batch.
static uint32_t rows_taken(const digest *d, uint64_t first) {
    return (uint32_t)(d->samples.taken + 1 - first);
}

static int bound_of(const layer *l) {
    if (strcmp(l->activation, "tanh") == 0) return BOUND_TANH;
    return strcmp(l->activation, "sigmoid") == 0 ? BOUND_SIGMOID : BOUND_NONE;
}

static bool ready_units(layer_view *view, const layer *l) {
    if (view->has_units) return view->units.count == l->units;
    if (l->units < 1 || l->units > UNITS_MAX) return false;
    view->has_units = units_init(&view->units, (uint32_t)l->units, bound_of(l)) == 0;
    view->units.shown = strcmp(l->kind, "input") == 0;
    return view->has_units;
}

// Places of a unit in a plane (rows, units, places); 0: it is not the shape of this layer.
static uint32_t places_of(const links *plane, const layer *l) {
    return l->units > 0 && plane->inputs % l->units == 0 ? (uint32_t)(plane->inputs / l->units) : 0;
}

static void observe_units(digest *d, uint32_t handle, const links *plane, const float *labels,
                          uint64_t first, bool fresh) {
    layer *l = layer_at(d, handle);
    layer_view *view = layer_view_of(d, handle);
    uint32_t places = places_of(plane, l);
    if (!view || !places || !ready_units(view, l)) return;
    bool keep = fresh && l->units <= SAMPLES_UNITS;
    float *values =
        keep ? mem_array((size_t)plane->units * view->units.count, sizeof *values) : NULL;
    units_observe(&view->units, &(units_batch){.at = plane->cells,
                                               .rows = plane->units,
                                               .places = places,
                                               .labels = labels,
                                               .values = values,
                                               .fresh = fresh});
    if (values)
        samples_units(&d->samples, handle - 1, values, least(rows_taken(d, first), plane),
                      view->units.count, first);
    mem_free(values);
}

static void observe_gradient(digest *d, uint32_t handle) {
    layer *l = layer_at(d, handle);
    layer_view *view = layer_view_of(d, handle);
    tensor_view *v = seen_tensor(d, handle, NNS_PRE_GRAD, NULL);
    if (!view || !v || !v->plane || !places_of(v->plane, l) || !ready_units(view, l)) return;
    units_gradient(&view->units, v->plane->cells, v->plane->units, places_of(v->plane, l));
}

// Samples --------------------------------------------------------------------------------------------

static const links *plane_of(digest *d, nns_role role, uint32_t *handle) {
    *handle = d->set.of_role[role];
    tensor_view *v = *handle ? d->tensors[*handle - 1] : NULL;
    return v && v->whole ? v->plane : NULL;
}

// The batch as samples, its rows those that all of it have; *labels NULL when there are none.
static uint64_t take_samples(digest *d, uint32_t rows, const float **labels) {
    uint32_t input_handle, ignored;
    const links *inputs = plane_of(d, NNS_INPUT, &input_handle),
                *label = plane_of(d, NNS_LABEL, &ignored);
    const links *prediction = plane_of(d, NNS_PREDICTION, &ignored),
                *loss = plane_of(d, NNS_SAMPLE_LOSS, &ignored);
    rows = least(least(least(least(rows, inputs), label), prediction), loss);
    samples_batch b = {.rows = rows};
    b.inputs = inputs ? inputs->cells : NULL;
    b.input_elements = inputs ? inputs->inputs : 0;
    b.bytes = inputs && tensor_at(d, input_handle)->dtype == NNS_UINT8;
    b.labels = label && label->inputs == 1 ? label->cells : NULL;
    b.predictions = prediction ? prediction->cells : NULL;
    b.classes = prediction ? prediction->inputs : 0;
    b.losses = loss && loss->inputs == 1 ? loss->cells : NULL;
    *labels = b.labels;
    return samples_take(&d->samples, &b);
}

static uint32_t most_rows(digest *d) {
    uint32_t rows = 0, count = layers_of(d);
    for (uint32_t i = 1; i <= count; i++) {
        const links *plane = observed_plane(d, i);
        if (plane && (rows == 0 || plane->units < rows)) rows = plane->units;
    }
    return rows;
}

// Labels stand for the rows of a plane only when there are as many.
static void observe_layers(digest *d, bool fresh) {
    const float *labels = NULL;
    uint64_t first = 0;
    uint32_t rows = most_rows(d), count = layers_of(d), ignored;
    if (rows == 0) return;
    if (fresh) first = take_samples(d, rows, &labels);
    const links *label = plane_of(d, NNS_LABEL, &ignored);
    for (uint32_t i = 1; i <= count; i++) {
        const links *plane = observed_plane(d, i);
        bool labelled = plane && label && label->units >= plane->units;
        if (plane && plane->cells)
            observe_units(d, i, plane, labelled ? labels : NULL, first, fresh);
    }
    if (fresh) d->observed += rows;
    d->has_observed = true;
    d->observed_step = d->set.step;
}

// Statistics -----------------------------------------------------------------------------------------

static void activation_statistics(digest *d, uint32_t handle, float *out) {
    tensor_view *v = activation_of(d, handle);
    layer_view *view = layer_view_of(d, handle);
    if (!v) return;
    const moments *m = &v->own.moments;
    put(out, of_activation, m, v->rows_part);
    if (m->count == 0) return;
    double all = (double)(m->count + m->nonfinite);
    float largest = fabsf(m->min) > fabsf(m->max) ? fabsf(m->min) : fabsf(m->max);
    out[STATISTIC_SPARSITY] = (float)((double)m->zeros / all);
    if (v->plane)
        out[STATISTIC_NEAR_ZERO] =
            (float)((double)moments_below(v->plane->cells,
                                          (size_t)v->plane->units * v->plane->inputs,
                                          largest / 1000) /
                    all);
    if (largest == 0) out[STATISTIC_NEAR_ZERO] = 1;
    if (!view->has_units || view->units.observed < UNITS_YOUNG) return;
    if (!view->units.shown) out[STATISTIC_DEAD] = (float)units_share_dead(&view->units);
    if (view->units.bound) out[STATISTIC_SATURATED] = (float)units_share_saturated(&view->units);
}

static void weight_statistics(digest *d, uint32_t handle, float *out) {
    moments weight, change;
    if (!gather_moments(d, handle, NNS_WEIGHT, &weight, false)) return;
    put(out, of_weight, &weight, 1);
    bool changed = gather_moments(d, handle, NNS_UPDATE, &change, false) ||
                   gather_moments(d, handle, NNS_WEIGHT, &change, true);
    if (changed && moments_norm(&weight) > 0)
        out[STATISTIC_UPDATE_RATIO] = (float)(moments_norm(&change) / moments_norm(&weight));
}

static void gradient_statistics(digest *d, uint32_t handle, float *out) {
    moments m;
    const tensor_view *slope = seen_tensor(d, handle, NNS_PRE_GRAD, NULL);
    if (gather_moments(d, handle, NNS_WEIGHT_GRAD, &m, false)) {
        put(out, of_gradient, &m, 1);
    } else if (!layer_view_of(d, handle)->has_weight && slope) {
        put(out, of_gradient, &slope->own.moments, slope->rows_part);
    }
}

static void count_nonfinite(digest *d, uint32_t handle, float *out) {
    static const nns_role roles[] = {NNS_ACT, NNS_PRE_GRAD, NNS_WEIGHT_GRAD, NNS_WEIGHT};
    bool some = false;
    double all = 0;
    for (size_t i = 0; i < sizeof roles / sizeof roles[0]; i++) {
        moments m;
        if (!gather_moments(d, handle, roles[i], &m, false)) continue;
        all += (double)m.nonfinite;
        some = true;
    }
    if (some) out[STATISTIC_NONFINITE] = (float)all;
}

static void statistics(digest *d, uint32_t handle) {
    layer_view *view = layer_view_of(d, handle);
    if (!view) return;
    for (int i = 0; i < STATISTIC_COUNT; i++)
        view->fresh[i] = NAN;
    activation_statistics(d, handle, view->fresh);
    weight_statistics(d, handle, view->fresh);
    gradient_statistics(d, handle, view->fresh);
    count_nonfinite(d, handle, view->fresh);
    for (int i = 0; i < STATISTIC_COUNT; i++)
        if (!isnan(view->fresh[i])) view->last[i] = view->fresh[i];
}

static nns_series series_of(digest *d, uint32_t handle, int statistic) {
    layer_view *view = layer_view_of(d, handle);
    char name[512];
    if (view->series[statistic]) return view->series[statistic];
    snprintf(name, sizeof name, "%slayer/%.300s/%s", d->run->prefix, layer_at(d, handle)->name,
             capture_statistic_word(statistic));
    return view->series[statistic] = series_get(d->run, name, SERIES_SCALAR, NULL, NNS_NEITHER);
}

// One point a step: while training is held the same state is looked at again and again.
static void write_layer(digest *d, uint32_t handle, bool *stepped) {
    layer_view *view = layer_view_of(d, handle);
    for (int i = 0; view && i < STATISTIC_COUNT; i++) {
        if (isnan(view->fresh[i]) || view->written_step[i] == d->set.step) continue;
        nns_series series = series_of(d, handle, i);
        if (!series) continue;
        if (!*stepped && !outlet_step(&d->out, OUTLET_NOW, d->set.step, d->set.time_ns)) return;
        *stepped = true;
        outlet_scalar(&d->out, OUTLET_NOW, series, (double)view->fresh[i]);
        view->written_step[i] = d->set.step;
    }
}

static bool is_recorded(const digest *d) {
    uint32_t recorded = WANT_BIT(WANT_STATISTICS) | WANT_BIT(WANT_LOOK_UNITS) |
                        WANT_BIT(WANT_LOOK_LINKS) | WANT_BIT(WANT_SNAPSHOT) | WANT_BIT(WANT_KEEP);
    return (d->set.why & recorded) != 0;
}

static void write_series(digest *d) {
    bool stepped = false;
    uint32_t count = layers_of(d);
    for (uint32_t i = 1; i <= count; i++)
        write_layer(d, i, &stepped);
}

static void remember(digest *d, bool recorded) {
    uint32_t count = layers_of(d);
    float *row = flight_row(&d->flight, d->set.step, d->set.time_ns, count, recorded);
    for (uint32_t i = 0; row && i < count; i++) {
        layer_view *view = layer_view_of(d, i + 1);
        for (int k = 0; k < STATISTIC_COUNT; k++)
            if (view && !isnan(view->fresh[k]))
                row[(size_t)i * STATISTIC_COUNT + (size_t)k] = view->fresh[k];
    }
}

// Called when a weight became whole.
void observe_links(digest *d, uint32_t handle, tensor_view *v) {
    tensor *t = tensor_at(d, handle);
    layer_view *view = layer_view_of(d, t->layer);
    const links *l = v->own.look && v->own.look->squares ? v->own.look : v->own.snapshot;
    if (!view || t->role != NNS_WEIGHT || !l || !l->squares) return;
    if (view->weight_units != l->units) {
        mem_free(view->weight_in);
        view->weight_in = mem_array(l->units, sizeof *view->weight_in);
        view->weight_units = view->weight_in ? l->units : 0;
    }
    for (uint32_t i = 0; i < view->weight_units; i++)
        view->weight_in[i] = (float)sqrt(l->squares[i]);
}

void observe_set(digest *d) {
    bool fresh = !d->has_observed || d->set.step != d->observed_step;
    uint32_t count = layers_of(d);
    observe_layers(d, fresh);
    for (uint32_t i = 1; i <= count; i++) {
        observe_gradient(d, i);
        statistics(d, i);
    }
    bool recorded = is_recorded(d);
    if (recorded) write_series(d);
    remember(d, recorded);
}
