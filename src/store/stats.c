// Unit stats.c keeps what is known of a series at once: last, least, greatest, best. The owner notes each
// point; a chunk carries a copy, so that series.stats in the database always speaks of exactly the
// points in chunks, and replaying the log adds the rest.
//
// series.stats: 14 little-endian values of 8 bytes in the order of struct stats.
#include "internal.h"

#include "base/le.h"

#include <math.h>
#include <string.h>

_Static_assert(sizeof(stats) == STATS_BYTES, "stats is 14 values of 8 bytes");

void stats_clear(stats *t) {
    *t = (stats){.step_min = INT64_MAX,
                 .step_max = INT64_MIN,
                 .time_min = INT64_MAX,
                 .time_max = INT64_MIN,
                 .last = NAN,
                 .min = NAN,
                 .max = NAN,
                 .best = NAN};
}

void stats_pack(const stats *t, uint8_t out[STATS_BYTES]) {
    memcpy(out, t, STATS_BYTES);
}

void stats_unpack(stats *t, const void *data, size_t bytes) {
    stats_clear(t);
    if (data && bytes == STATS_BYTES) memcpy(t, data, STATS_BYTES);
}

#define GET(field) atomic_load_explicit(&(field), memory_order_relaxed)
#define SET(field, v) atomic_store_explicit(&(field), (v), memory_order_relaxed)

#define FIELDS(F)                                                                                  \
    F(nonfinite)                                                                                   \
    F(attempt) F(first_step) F(last_step) F(last_time_ms) F(step_min) F(step_max) F(time_min)      \
        F(time_max) F(best_step) F(last) F(min) F(max) F(best)

void stats_copy(const live_stats *from, stats *to) {
#define COPY(field) to->field = GET(from->field);
    FIELDS(COPY)
#undef COPY
}

void stats_set(live_stats *to, const stats *from) {
#define COPY(field) SET(to->field, from->field);
    FIELDS(COPY)
#undef COPY
}

static void new_attempt(live_stats *t, int64_t attempt) {
    SET(t->attempt, attempt);
    SET(t->nonfinite, 0);
    SET(t->min, NAN);
    SET(t->max, NAN);
    SET(t->best, NAN);
    SET(t->best_step, 0);
}

static void note_finite(live_stats *t, int direction, int64_t step, double value) {
    bool least = !(value >= GET(t->min)), most = !(value <= GET(t->max));
    if (least) SET(t->min, value);
    if (most) SET(t->max, value);
    if ((direction == 1 && least) || (direction == 2 && most)) {
        SET(t->best, value);
        SET(t->best_step, step);
    }
}

void stats_note(live_stats *t, int direction, bool first, int64_t attempt, int64_t step,
                int64_t time_ms, double value) {
    if (first) SET(t->first_step, step);
    if (first || attempt > GET(t->attempt)) new_attempt(t, attempt);
    if (step < GET(t->step_min)) SET(t->step_min, step);
    if (step > GET(t->step_max)) SET(t->step_max, step);
    if (time_ms < GET(t->time_min)) SET(t->time_min, time_ms);
    if (time_ms > GET(t->time_max)) SET(t->time_max, time_ms);
    SET(t->last_step, step);
    SET(t->last_time_ms, time_ms);
    SET(t->last, value);
    if (attempt != GET(t->attempt)) return; // a straggler of an overtaken attempt
    if (isfinite(value))
        note_finite(t, direction, step, value);
    else
        SET(t->nonfinite, GET(t->nonfinite) + 1);
}

void stats_info(const stats *t, store_series_info *info) {
    info->first_step = t->first_step;
    info->last_step = t->last_step;
    info->last_time_ms = t->last_time_ms;
    info->last = t->last;
    info->min = t->min;
    info->max = t->max;
    info->best = t->best;
    info->best_step = t->best_step;
    info->nonfinite = t->nonfinite;
}
