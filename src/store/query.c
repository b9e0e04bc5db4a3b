// Unit query.c answers store_points: a stretch of a series as raw points or as buckets of equal width, in time that
// follows the number of buckets, not the length of the series.
//
//     view (memory, then a snapshot) -> measure: how many points, from where to where -> raw when they fit,
//     else the coarsest level with two of its buckets or more in one of ours -> walk -> columns
//
// 1. A pyramid bucket that lies across a border of ours counts where it begins, whole. So each point counts once,
//    no spike is lost, counts add up; a border is off by less than half a bucket's points. At the ends of the asked
//    range and at attempts' borders the walk goes down to points: there it is exact.
// 2. The current course: of each attempt the points below the lowest first step of all later attempts.
// 3. Buckets with all attempts are kept apart by attempt.
#include "internal.h"

#include <assert.h>
#include <string.h>

#define LEVEL_RATIO 2u // buckets of the level in one of ours, at least

typedef struct tallied {
    uint64_t index;
    tally t;
} tallied;

typedef struct query {
    const store_query *q;
    view v;
    int64_t *limits; // per attempt of the view: steps from here on are overtaken
    size_t limit_at; // last found
    bool open_to;

    uint64_t count; // measured
    int64_t low, high;
    uint64_t first, end; // ordinals between which all of them are

    int target;
    uint64_t width;
    int64_t begin;
    tallied *tallies;
    size_t tally_count, tally_capacity;
    uint64_t index_now; // of the bucket that the last point fell into, and its span
    int64_t now_from, now_to;
    bool now;

    store_columns *out;
    uint64_t rows;
} query;

// --- which points ----------------------------------------------------------------------------

static int find_limits(query *x) {
    size_t n = x->v.attempt_count;
    x->limits = mem_array(n, sizeof *x->limits);
    if (!x->limits) return NNS_E_NO_MEMORY;
    int64_t least = INT64_MAX;
    for (size_t i = n; i > 0; i--) {
        x->limits[i - 1] = least;
        if (x->v.attempts[i - 1].first_step < least) least = x->v.attempts[i - 1].first_step;
    }
    return 0;
}

// The first step of this attempt that is overtaken (INT64_MAX: none).
static int64_t limit_of(query *x, int64_t number) {
    const attempt_row *a = x->v.attempts;
    size_t n = x->v.attempt_count;
    if (x->q->all_attempts || n == 0) return INT64_MAX;
    if (a[x->limit_at].number == number) return x->limits[x->limit_at];
    size_t low = 0, high = n;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (a[middle].number < number)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == n || a[low].number != number) return INT64_MAX;
    x->limit_at = low;
    return x->limits[low];
}

static bool overtaken(int64_t step, int64_t limit) {
    return step >= limit && limit != INT64_MAX;
}

static bool in_range(const query *x, int64_t at) {
    return at >= x->q->from && (x->open_to || at < x->q->to);
}

static take judge_range(query *x, const bucket *b) {
    int64_t limit = limit_of(x, b->attempt);
    bool time = x->q->axis == STORE_AXIS_TIME;
    int64_t low = time ? b->time_min : b->step_min, high = time ? b->time_max : b->step_max;
    if (overtaken(b->step_min, limit)) return TAKE_SKIP;
    if (high < x->q->from || (!x->open_to && low >= x->q->to)) return TAKE_SKIP;
    if (overtaken(b->step_max, limit)) return TAKE_FINER;
    return in_range(x, low) && in_range(x, high) ? TAKE_WHOLE : TAKE_FINER;
}

static bool is_open(const query *x) {
    return x->open_to && x->q->from == INT64_MIN && (x->q->all_attempts || x->v.attempt_count <= 1);
}

// --- measuring -------------------------------------------------------------------------------

static void measure(query *x, uint64_t count, int64_t low, int64_t high, uint64_t ordinal) {
    if (!x->count) x->first = ordinal;
    x->end = ordinal + count;
    x->count += count;
    if (low < x->low) x->low = low;
    if (high > x->high) x->high = high;
}

static take measure_judge(void *context, const bucket *b, int level) {
    (void)level;
    return judge_range(context, b);
}

static int measure_whole(void *context, const bucket *b, uint64_t ordinal) {
    query *x = context;
    bool time = x->q->axis == STORE_AXIS_TIME;
    measure(x, b->count, time ? b->time_min : b->step_min, time ? b->time_max : b->step_max,
            ordinal);
    return 0;
}

static int measure_points(void *context, const segment *s) {
    query *x = context;
    const int64_t *axis = x->q->axis == STORE_AXIS_TIME ? s->time_ms : s->step;
    int64_t limit = limit_of(x, s->attempt);
    for (uint32_t i = 0; i < s->count; i++)
        if (in_range(x, axis[i]) && !overtaken(s->step[i], limit))
            measure(x, 1, axis[i], axis[i], s->ordinal + i);
    return 0;
}

static int measure_all(query *x, store_reader *r) {
    const stats *t = &x->v.stats;
    bool time = x->q->axis == STORE_AXIS_TIME;
    x->low = INT64_MAX;
    x->high = INT64_MIN;
    if (is_open(x)) {
        measure(x, x->v.total, time ? t->time_min : t->step_min, time ? t->time_max : t->step_max,
                0);
        return 0;
    }
    walk w = {r, &x->v, x, measure_judge, measure_whole, measure_points};
    return walk_series(&w, walk_top(x->v.total), 0, x->v.total);
}

// The level to begin the second walk at: `target` at once when most points between the first and the last are wanted.
static int second_top(const query *x, int target) {
    int top = walk_top(x->v.total);
    return top < target || (x->end - x->first) / 2 <= x->count ? target : top;
}

// --- raw -------------------------------------------------------------------------------------

static take raw_judge(void *context, const bucket *b, int level) {
    (void)level;
    return judge_range(context, b) == TAKE_SKIP ? TAKE_SKIP : TAKE_FINER;
}

static int raw_whole(void *context, const bucket *b, uint64_t ordinal) {
    (void)context;
    (void)b;
    (void)ordinal;
    return NNS_E_CORRUPT; // raw_judge takes none whole
}

static int raw_points(void *context, const segment *s) {
    query *x = context;
    store_columns *c = x->out;
    const int64_t *axis = x->q->axis == STORE_AXIS_TIME ? s->time_ms : s->step;
    int64_t limit = limit_of(x, s->attempt);
    for (uint32_t i = 0; i < s->count; i++) {
        if (!in_range(x, axis[i]) || overtaken(s->step[i], limit)) continue;
        if (c->rows == x->rows) return NNS_E_CORRUPT; // more than were measured
        if (c->rows == 0) c->ordinal = s->ordinal + i;
        c->step[c->rows] = s->step[i];
        c->time_ms[c->rows] = s->time_ms[i];
        c->value[c->rows] = s->value[i];
        if (c->attempt) c->attempt[c->rows] = (uint64_t)s->attempt;
        c->rows++;
    }
    return 0;
}

static int raw_columns(store_columns *c, uint64_t rows, bool attempts) {
    c->raw = true;
    c->step = mem_array(rows, sizeof *c->step);
    c->time_ms = mem_array(rows, sizeof *c->time_ms);
    c->value = mem_array(rows, sizeof *c->value);
    if (attempts) c->attempt = mem_array(rows, sizeof *c->attempt);
    return c->step && c->time_ms && c->value && (!attempts || c->attempt) ? 0 : NNS_E_NO_MEMORY;
}

static int raw(query *x, store_reader *r) {
    x->rows = x->count;
    int result = raw_columns(x->out, x->rows, x->q->all_attempts);
    if (result || !x->rows) return result;
    walk w = {r, &x->v, x, raw_judge, raw_whole, raw_points};
    return walk_series(&w, second_top(x, 0), x->first, x->end);
}

// --- buckets ---------------------------------------------------------------------------------

// The tally of bucket `index` of `attempt`; they are kept in order of (attempt, index).
static int find_tally(query *x, int64_t attempt, uint64_t index, tally **out) {
    size_t at = x->tally_count;
    const tallied *t = x->tallies;
    while (at && (t[at - 1].t.attempt > attempt ||
                  (t[at - 1].t.attempt == attempt && t[at - 1].index > index)))
        at--;
    if (at && t[at - 1].t.attempt == attempt && t[at - 1].index == index) {
        *out = &x->tallies[at - 1].t;
        return 0;
    }
    tallied *grown = mem_room(x->tallies, x->tally_count, &x->tally_capacity, 256, sizeof *grown);
    if (!grown) return NNS_E_NO_MEMORY;
    x->tallies = grown;
    memmove(&x->tallies[at + 1], &x->tallies[at], (x->tally_count - at) * sizeof *x->tallies);
    x->tallies[at].index = index;
    tally_clear(&x->tallies[at].t, attempt);
    x->tally_count++;
    *out = &x->tallies[at].t;
    return 0;
}

static uint64_t index_of(const query *x, int64_t at) {
    return ((uint64_t)at - (uint64_t)x->begin) / x->width;
}

static int64_t kept_attempt(const query *x, int64_t attempt) {
    return x->q->all_attempts ? attempt : 0;
}

static take bucket_judge(void *context, const bucket *b, int level) {
    query *x = context;
    take t = judge_range(x, b);
    return t == TAKE_WHOLE && level > x->target ? TAKE_FINER : t;
}

static int bucket_whole(void *context, const bucket *b, uint64_t ordinal) {
    (void)ordinal;
    query *x = context;
    tally *t = NULL;
    int64_t at = x->q->axis == STORE_AXIS_TIME ? b->time_min : b->step_min;
    int result = find_tally(x, kept_attempt(x, b->attempt), index_of(x, at), &t);
    if (!result) tally_bucket(t, b);
    return result;
}

static int bucket_points(void *context, const segment *s) {
    query *x = context;
    const int64_t *axis = x->q->axis == STORE_AXIS_TIME ? s->time_ms : s->step;
    int64_t limit = limit_of(x, s->attempt);
    tally *t = NULL;
    uint64_t index = 0;
    int64_t low = 0;
    for (uint32_t i = 0; i < s->count; i++) {
        if (!in_range(x, axis[i]) || overtaken(s->step[i], limit)) continue;
        if (!t || (uint64_t)axis[i] - (uint64_t)low >= x->width) { // also when it lies below
            index = index_of(x, axis[i]);
            low = (int64_t)((uint64_t)x->begin + index * x->width);
            int result = find_tally(x, kept_attempt(x, s->attempt), index, &t);
            if (result) return result;
        }
        tally_point(t, s->step[i], s->time_ms[i], s->value[i]);
    }
    return 0;
}

static int bucket_columns(store_columns *c, size_t n, bool attempts) {
    c->step = mem_array(n, sizeof *c->step);
    c->time_ms = mem_array(n, sizeof *c->time_ms);
    c->step_last = mem_array(n, sizeof *c->step_last);
    c->min = mem_array(n, sizeof *c->min);
    c->max = mem_array(n, sizeof *c->max);
    c->mean = mem_array(n, sizeof *c->mean);
    c->last = mem_array(n, sizeof *c->last);
    c->count = mem_array(n, sizeof *c->count);
    c->nonfinite = mem_array(n, sizeof *c->nonfinite);
    if (attempts) c->attempt = mem_array(n, sizeof *c->attempt);
    bool whole = c->step && c->time_ms && c->step_last && c->min && c->max && c->mean && c->last &&
                 c->count && c->nonfinite && (!attempts || c->attempt);
    return whole ? 0 : NNS_E_NO_MEMORY;
}

static uint32_t clamp_u32(uint64_t v) {
    return v > UINT32_MAX ? UINT32_MAX : (uint32_t)v;
}

static int give_buckets(query *x) {
    store_columns *c = x->out;
    int result = bucket_columns(c, x->tally_count, x->q->all_attempts);
    if (result) return result;
    for (size_t i = 0; i < x->tally_count; i++) {
        bucket b;
        tally_finish(&x->tallies[i].t, &b);
        c->step[i] = b.step_min;
        c->step_last[i] = b.step_max;
        c->time_ms[i] = b.time_min;
        c->min[i] = b.min;
        c->max[i] = b.max;
        c->mean[i] = b.mean;
        c->last[i] = b.last;
        c->count[i] = clamp_u32(b.count);
        c->nonfinite[i] = clamp_u32(b.nonfinite);
        if (c->attempt) c->attempt[i] = (uint64_t)b.attempt;
    }
    c->rows = x->tally_count;
    c->bucket_width = (int64_t)x->width;
    return 0;
}

static int bucketed(query *x, store_reader *r) {
    const store_query *q = x->q;
    x->begin = q->from == INT64_MIN ? x->low : q->from;
    uint64_t span = x->open_to ? (uint64_t)x->high - (uint64_t)x->begin + 1
                               : (uint64_t)q->to - (uint64_t)x->begin;
    if (span == 0) span = UINT64_MAX;
    x->width = span / q->buckets + (span % q->buckets != 0);
    uint64_t each = x->count / q->buckets;
    while (x->target < PYRAMID_LEVELS && pyramid_points(x->target + 1) * LEVEL_RATIO <= each)
        x->target++;
    walk w = {r, &x->v, x, bucket_judge, bucket_whole, bucket_points};
    int result = walk_series(&w, second_top(x, x->target), x->first, x->end);
    return result ? result : give_buckets(x);
}

// --- the calls -------------------------------------------------------------------------------

static int answer(query *x, store_reader *r) {
    int result = find_limits(x);
    if (!result) result = measure_all(x, r);
    if (result) return result;
    x->out->total = x->v.total;
    bool fits = x->q->buckets == 0 || x->count <= x->q->buckets;
    return fits ? raw(x, r) : bucketed(x, r);
}

int store_points(store_reader *r, const store_query *q, store_columns *out) {
    *out = (store_columns){0};
    query x = {.q = q, .out = out, .open_to = q->to == INT64_MAX};
    int result = view_take(r, q->run, q->series, &x.v);
    if (result) return result;
    result = answer(&x, r);
    reader_end(r);
    view_drop(&x.v);
    mem_free(x.limits);
    mem_free(x.tallies);
    if (result) store_columns_fini(out);
    return result;
}

int store_points_by_ordinal(store_reader *r, store_id run, const char *series, uint64_t from,
                            uint64_t to, store_columns *out) {
    *out = (store_columns){0};
    store_query q = {
        .run = run, .series = series, .from = INT64_MIN, .to = INT64_MAX, .all_attempts = true};
    query x = {.q = &q, .out = out, .open_to = true};
    int result = view_take(r, run, series, &x.v);
    if (result) return result;
    if (to > x.v.total) to = x.v.total;
    if (from > to) from = to;
    x.rows = to - from;
    out->total = x.v.total;
    out->ordinal = from;
    result = raw_columns(out, x.rows, true);
    walk w = {r, &x.v, &x, raw_judge, raw_whole, raw_points};
    if (!result) result = walk_series(&w, 0, from, to);
    reader_end(r);
    view_drop(&x.v);
    if (result) store_columns_fini(out);
    return result;
}

void store_columns_fini(store_columns *c) {
    mem_free(c->step);
    mem_free(c->time_ms);
    mem_free(c->step_last);
    mem_free(c->value);
    mem_free(c->min);
    mem_free(c->max);
    mem_free(c->mean);
    mem_free(c->last);
    mem_free(c->count);
    mem_free(c->nonfinite);
    mem_free(c->attempt);
    *c = (store_columns){0};
}
