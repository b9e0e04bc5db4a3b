// Unit alarm.c says when NaN or infinity appears in a tensor or a series, and writes the flight recorder out: what stood just
// before it broke.
//
// Place on the path: digest.c calls it at the end of a set, and for NONFINITE entries of the ring.
#include "digest_state.h"

#include "base/clock.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

static nns_series series_of(digest *d, uint32_t handle, int statistic) {
    layer_view *view = layer_view_of(d, handle);
    char name[512];
    if (!view) return 0;
    if (view->flight_series[statistic]) return view->flight_series[statistic];
    snprintf(name, sizeof name, "%sflight/%.300s/%s", d->run->prefix, layer_at(d, handle)->name,
             capture_statistic_word(statistic));
    return view->flight_series[statistic] =
               series_get(d->run, name, SERIES_SCALAR, NULL, NNS_NEITHER);
}

static bool write_step(digest *d, const flight_step *s) {
    if (!outlet_step(&d->out, OUTLET_PAST, s->step, s->time_ns)) return false;
    for (uint32_t i = 0; i < s->layers; i++)
        for (int k = 0; k < STATISTIC_COUNT; k++) {
            float v = s->values[(size_t)i * STATISTIC_COUNT + (size_t)k];
            if (!isnan(v)) outlet_scalar(&d->out, OUTLET_PAST, series_of(d, i + 1, k), (double)v);
        }
    return true;
}

static void fly_snapshots(digest *d, uint32_t flags) {
    buf snapshot;
    while (flight_take(&d->flight, &snapshot)) {
        capture_head head;
        if (capture_open(snapshot.data, snapshot.length, &head) == 0) {
            head.flags |= flags;
            capture_rehead(&snapshot, &head);
            outlet_capture(&d->out, &snapshot);
        }
        buf_fini(&snapshot);
    }
}

uint32_t alarm_fly(digest *d, uint32_t flags) {
    uint32_t written = 0;
    bool room = true;
    while (d->flight.count) {
        const flight_step *s = flight_oldest(&d->flight);
        if (!s->recorded && room) {
            room = write_step(d, s);
            written += room;
        }
        flight_pop(&d->flight);
    }
    fly_snapshots(d, flags);
    return written;
}

static void say(digest *d, const char *where, int64_t step, uint32_t flight_steps) {
    buf json = {0};
    buf_text(&json, "{\"where\":");
    buf_json(&json, where, strlen(where));
    buf_print(&json, ",\"step\":%" PRId64 ",\"flight\":%u}", step, flight_steps);
    outlet_event(&d->out, EVENT_NONFINITE, &json);
    buf_fini(&json);
}

// The event stands behind the step of the last set; its text has the exact one.
static void raise_alarm(digest *d, const char *where, int64_t step) {
    if (atomic_fetch_add(&d->run->nonfinite.events, 1) >= NONFINITE_MAX) return;
    uint32_t steps = alarm_fly(d, CAPTURE_FLIGHT);
    d->alarmed = true;
    say(d, where, step, steps);
}

// Between two sets the lane can go on to the step itself.
void alarm_series(digest *d, const copy *c) {
    if (!d->set.open && !outlet_step(&d->out, OUTLET_NOW, c->step, c->time_ns)) return;
    raise_alarm(d, series_name(&d->run->series, c->tensor), c->step);
}

// Each tensor once, until it is finite again.
void alarm_set(digest *d) {
    uint32_t count = tensors_of(d);
    for (uint32_t i = 0; i < count; i++) {
        tensor_view *v = d->tensors[i];
        if (!v || v->set != d->set.number || !v->whole) continue;
        bool bad = v->own.moments.nonfinite > 0;
        const char *name = tensor_at(d, i + 1)->name;
        if (bad && !v->was_nonfinite) raise_alarm(d, name, d->set.step);
        v->was_nonfinite = bad;
    }
}
