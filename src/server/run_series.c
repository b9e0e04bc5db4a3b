// Unit run_series.c holds the series and the parameters of a run that is active, by their names, and chooses the series that
// stands for the run. All calls with the core's lock.
#include "run.h"

#include "base/hash.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

// --- series -------------------------------------------------------------------------------------

static live_series **series_slot(const run *r, const char *name) {
    size_t at = hash_text(name, strlen(name)) & (r->slot_count - 1);
    while (r->series_slot[at] && strcmp(r->series_slot[at]->name, name) != 0)
        at = (at + 1) & (r->slot_count - 1);
    return &r->series_slot[at];
}

live_series *series_find(run *r, const char *name) {
    return r->slot_count ? *series_slot(r, name) : NULL;
}

static int series_grow(run *r) {
    live_series **series =
        mem_room(r->series, r->series_count, &r->series_capacity, 16, sizeof *series);
    if (!series) return NNS_E_NO_MEMORY;
    r->series = series;
    if ((r->series_count + 1) * 2 <= r->slot_count) return 0;
    size_t count = r->slot_count ? r->slot_count * 2 : 64;
    live_series **slot = mem_array(count, sizeof *slot);
    if (!slot) return NNS_E_NO_MEMORY;
    mem_free(r->series_slot);
    r->series_slot = slot;
    r->slot_count = count;
    for (size_t i = 0; i < r->series_count; i++)
        *series_slot(r, r->series[i]->name) = r->series[i];
    return 0;
}

// The series with the best claim to be the run's main one. One that the run object names keeps its place, though others of
// no better claim are declared before it: with a new server, a new process.
static void choose_main(run *r, live_series *s) {
    int rank = s->kind == SERIES_SCALAR ? main_rank_of(s->name) : 1000;
    bool same = r->main_name && strcmp(r->main_name, s->name) == 0;
    if (!same && rank >= r->main_rank) return;
    if (r->main) {
        r->main->main = false;
        series_mind(r->main);
    }
    r->main = s;
    r->main_rank = rank;
    r->main_direction = s->direction;
    s->main = true;
    series_mind(s);
    if (same) return;
    run_set_text(&r->main_name, s->name);
    r->spark_count = r->spark_have = 0;
    r->spark_sum = 0;
    r->spark_stride = 1;
    r->main_last = r->main_best = NAN;
}

live_series *series_open(core *c, run *r, const char *name, int kind, const char *unit,
                         int direction) {
    live_series *s = series_find(r, name);
    if (s) return s->kind == kind ? s : NULL; // one kind for ever (SEMANTICS 12)
    if (series_grow(r)) return NULL;
    s = mem_new(sizeof *s);
    if (!s) return NULL;
    s->stored = store_series_open(c->store, r->row.id, name, kind, unit, direction);
    s->name = mem_text(name, strlen(name));
    if (!s->stored || !s->name) {
        mem_free(s->name);
        mem_free(s);
        return NULL;
    }
    store_series_info info;
    store_series_get(s->stored, &info);
    s->kind = (uint8_t)kind;
    s->direction = (uint8_t)direction;
    s->begun = info.points > 0;
    *series_slot(r, name) = s;
    r->series[r->series_count++] = s;
    if (strncmp(name, "param/", 6) == 0) s->param = param_find(r, name + 6, strlen(name + 6));
    series_mind(s);
    choose_main(r, s);
    s->shown = r->series_version = ++r->change;
    c->figures.series++;
    run_touch(c, r);
    hub_series_new(c, r, s);
    return s;
}

// --- parameters ---------------------------------------------------------------------------------

param *param_find(run *r, const char *name, size_t bytes) {
    for (size_t i = 0; i < r->param_count; i++)
        if (strlen(r->params[i]->name) == bytes && memcmp(r->params[i]->name, name, bytes) == 0)
            return r->params[i];
    return NULL;
}

static void connect_series(run *r, param *q) {
    char name[SERIES_NAME_MAX + 8];
    snprintf(name, sizeof name, "param/%s", q->name);
    live_series *s = series_find(r, name);
    if (!s) return;
    s->param = q;
    series_mind(s);
}

param *param_open(core *c, run *r, const char *name, size_t bytes) {
    (void)c;
    param *q = param_find(r, name, bytes);
    if (q) return q;
    if (r->param_count >= 4096 || bytes == 0 || bytes > SERIES_NAME_MAX) return NULL;
    param **params = mem_grow(r->params, r->param_count + 1, sizeof *params);
    if (!params) return NULL;
    r->params = params;
    q = mem_new(sizeof *q);
    if (q) q->name = mem_text(name, bytes);
    if (!q || !q->name) {
        mem_free(q);
        return NULL;
    }
    q->changed_step = -1;
    params[r->param_count++] = q;
    connect_series(r, q);
    return q;
}

void param_changed(run *r, param *q, int64_t step, const char *by) {
    q->changed_step = step;
    if (by) run_set_text(&q->changed_by, by);
    q->dirty = true;
    q->version = r->params_version = ++r->change;
    r->dirty = true;
}

void param_clear_choices(param *q) {
    for (uint32_t i = 0; i < q->choice_count; i++)
        mem_free(q->choices[i]);
    mem_free(q->choices);
    q->choices = NULL;
    q->choice_count = 0;
}

void param_free(param *q) {
    param_clear_choices(q);
    mem_free(q->name);
    mem_free(q->unit);
    mem_free(q->description);
    mem_free(q->text);
    mem_free(q->changed_by);
    mem_free(q);
}
