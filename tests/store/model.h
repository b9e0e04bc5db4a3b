// The naive model that the store is held against: all points of all series in plain arrays, and every question answered by
// looking at each point. Shared by the tests of this folder.
#ifndef NNS_TESTS_STORE_MODEL_H
#define NNS_TESTS_STORE_MODEL_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/error.h"
#include "base/mem.h"
#include "store/store.h"
#include "support/temp.h"

#include <dirent.h>
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

typedef struct point {
    int64_t attempt, step, time_ms;
    double value;
} point;

typedef struct model_series {
    char name[32];
    point *points;
    size_t count, capacity;
} model_series;

enum { MODEL_SERIES = 6, MODEL_RUNS = 3, MODEL_ATTEMPTS = 64 };

typedef struct model_run {
    store_id id;
    model_series series[MODEL_SERIES];
    int64_t first_step[MODEL_ATTEMPTS]; // of each attempt, INT64_MAX: none
    int64_t attempt, step[2], time_ms;  // the writer's place, per lane
} model_run;

static uint64_t random_state = 88172645463325252u;

static inline uint64_t random_u64(void) {
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state * 2685821657736338717u;
}

static inline uint64_t below(uint64_t n) {
    return random_u64() % n;
}

static inline double random_value(void) {
    switch (below(40)) {
    case 0:
        return NAN;
    case 1:
        return INFINITY;
    case 2:
        return -INFINITY;
    case 3:
        return -0.0;
    case 4:
        return 1e300;
    case 5:
        return (double)below(1000);
    default:
        return (double)(float)((double)below(1000000) / 1e6);
    }
}

static inline void model_add(model_series *s, point p) {
    if (s->count == s->capacity) {
        s->capacity = s->capacity ? s->capacity * 2 : 64;
        s->points = realloc(s->points, s->capacity * sizeof *s->points);
        assert_non_null(s->points);
    }
    s->points[s->count++] = p;
}

static inline void model_init(model_run *r) {
    for (int i = 0; i < MODEL_ATTEMPTS; i++)
        r->first_step[i] = INT64_MAX;
    for (int i = 0; i < MODEL_SERIES; i++)
        snprintf(r->series[i].name, sizeof r->series[i].name, "group/series%d", i);
}

static inline void model_fini(model_run *r) {
    for (int i = 0; i < MODEL_SERIES; i++)
        free(r->series[i].points);
}

static inline bool model_has(const model_run *r, const store_query *q, const point *p) {
    int64_t at = q->axis == STORE_AXIS_TIME ? p->time_ms : p->step;
    if (at < q->from || (q->to != INT64_MAX && at >= q->to)) return false;
    for (int64_t a = p->attempt + 1; !q->all_attempts && a < MODEL_ATTEMPTS; a++)
        if (p->step >= r->first_step[a]) return false;
    return true;
}

static inline bool same_double(double a, double b) {
    if (a != a || b != b) return a != a && b != b;
    return memcmp(&a, &b, sizeof a) == 0;
}

static inline double wide(float v) {
    return (double)v;
}

static inline void check_raw(const point *p, size_t n, const store_columns *c, bool attempts) {
    assert_true(c->raw);
    assert_int_equal(c->rows, n);
    for (size_t i = 0; i < n; i++) {
        assert_int_equal(c->step[i], p[i].step);
        assert_int_equal(c->time_ms[i], p[i].time_ms);
        assert_true(same_double(c->value[i], p[i].value));
        if (attempts) assert_int_equal(c->attempt[i], p[i].attempt);
    }
}

typedef struct sums {
    uint64_t count, nonfinite;
    double min, max, sum;
} sums;

static inline void sums_point(sums *s, double v) {
    s->count++;
    if (v == v && !(v >= s->min)) s->min = v;
    if (v == v && !(v <= s->max)) s->max = v;
    if (isfinite(v))
        s->sum += v > FLT_MAX ? FLT_MAX : v < -FLT_MAX ? -FLT_MAX : v;
    else
        s->nonfinite++;
}

// A float that was rounded outward from v: not inside, and next to it.
static inline bool outward(float f, double v, bool up) {
    if (v != v) return f != f;
    float inside = nextafterf(f, up ? -INFINITY : INFINITY);
    return up ? wide(f) >= v && (wide(inside) < v || wide(f) == v)
              : wide(f) <= v && (wide(inside) > v || wide(f) == v);
}

// Buckets hold the points of theirs exactly while the level is 0 (fewer than 128 points a bucket); in any case all points
// once, nothing outside, in order.
static inline void check_buckets(const point *p, size_t n, const store_query *q,
                                 const store_columns *c) {
    assert_false(c->raw);
    assert_true(q->all_attempts || c->rows <= q->buckets);
    uint64_t count = 0, nonfinite = 0;
    double min = NAN, max = NAN;
    sums all = {.min = NAN, .max = NAN};
    for (size_t i = 0; i < n; i++)
        sums_point(&all, p[i].value);
    for (size_t i = 0; i < c->rows; i++) {
        count += c->count[i];
        nonfinite += c->nonfinite[i];
        assert_true(c->count[i] > 0 && c->nonfinite[i] <= c->count[i]);
        assert_true(c->step[i] <= c->step_last[i]);
        if (c->min[i] == c->min[i] && !(wide(c->min[i]) >= min)) min = wide(c->min[i]);
        if (c->max[i] == c->max[i] && !(wide(c->max[i]) <= max)) max = wide(c->max[i]);
    }
    assert_int_equal(count, n);
    assert_int_equal(nonfinite, all.nonfinite);
    assert_true(outward((float)min, all.min, false));
    assert_true(outward((float)max, all.max, true));
}

// Each bucket against the points that belong to it: right when the query went down to points.
static inline void check_exact(const point *p, size_t n, const store_query *q,
                               const store_columns *c) {
    bool time = q->axis == STORE_AXIS_TIME;
    int64_t begin = q->from;
    for (size_t i = 0; q->from == INT64_MIN && i < n; i++) {
        int64_t at = time ? p[i].time_ms : p[i].step;
        if (i == 0 || at < begin) begin = at;
    }
    size_t row = 0;
    while (row < c->rows) {
        sums s = {.min = NAN, .max = NAN};
        int64_t first = time ? c->time_ms[row] : c->step[row];
        uint64_t index = ((uint64_t)first - (uint64_t)begin) / (uint64_t)c->bucket_width;
        double last = NAN;
        for (size_t i = 0; i < n; i++) {
            int64_t at = time ? p[i].time_ms : p[i].step;
            if (((uint64_t)at - (uint64_t)begin) / (uint64_t)c->bucket_width != index) continue;
            if (q->all_attempts && (uint64_t)p[i].attempt != c->attempt[row]) continue;
            sums_point(&s, p[i].value);
            last = p[i].value;
        }
        assert_int_equal(s.count, c->count[row]);
        assert_int_equal(s.nonfinite, c->nonfinite[row]);
        assert_true(outward(c->min[row], s.min, false));
        assert_true(outward(c->max[row], s.max, true));
        assert_true(same_double((double)(float)last, wide(c->last[row])));
        double mean = s.count > s.nonfinite ? s.sum / (double)(s.count - s.nonfinite) : NAN;
        double off = fabs(mean - wide(c->mean[row]));
        assert_true(mean != mean ? c->mean[row] != c->mean[row] : off <= fabs(mean) * 1e-5 + 1e-30);
        row++;
    }
}

static inline void check_query(const model_run *r, const model_series *s, store_reader *reader,
                               const store_query *q) {
    store_columns c;
    int result = store_points(reader, q, &c);
    if (s->count == 0 && result == NNS_E_NOT_FOUND) return;
    assert_int_equal(result, 0);
    point *p = malloc((s->count + 1) * sizeof *p);
    assert_non_null(p);
    size_t n = 0;
    for (size_t i = 0; i < s->count; i++)
        if (model_has(r, q, &s->points[i])) p[n++] = s->points[i];
    assert_int_equal(c.total, s->count);
    if (q->buckets == 0 || n <= q->buckets) {
        check_raw(p, n, &c, q->all_attempts);
    } else {
        check_buckets(p, n, q, &c);
        if (n / q->buckets < 128) check_exact(p, n, q, &c);
    }
    free(p);
    store_columns_fini(&c);
}

static inline store_query random_query(const model_run *r, const model_series *s) {
    store_query q = {.run = r->id,
                     .series = s->name,
                     .from = INT64_MIN,
                     .to = INT64_MAX,
                     .axis = below(3) ? STORE_AXIS_STEP : STORE_AXIS_TIME,
                     .all_attempts = below(3) == 0};
    const uint32_t buckets[] = {0, 1, 7, 50, 300, 1200};
    q.buckets = buckets[below(6)];
    if (s->count && below(2)) {
        const point *p = &s->points[below(s->count)];
        q.from = (q.axis == STORE_AXIS_TIME ? p->time_ms : p->step) - (int64_t)below(3);
    }
    if (s->count && below(2)) {
        const point *p = &s->points[below(s->count)];
        q.to = (q.axis == STORE_AXIS_TIME ? p->time_ms : p->step) + (int64_t)below(3);
    }
    return q;
}

// --- a place for files -----------------------------------------------------------------------

// In memory when there is such a place: what is tested is the order of writes, not the disk.
static inline void make_folder(char path[64]) {
    snprintf(path, 64, "/dev/shm/nns_store_XXXXXX");
    if (!mkdtemp(path)) {
        snprintf(path, 64, "/tmp/nns_store_XXXXXX");
        assert_non_null(mkdtemp(path));
    }
    temp_note(path);
}

static inline void remove_folder(const char *path) {
    DIR *d = opendir(path);
    for (struct dirent *e; d && (e = readdir(d));) {
        char name[512];
        snprintf(name, sizeof name, "%s/%s", path, e->d_name);
        unlink(name);
    }
    if (d) closedir(d);
    rmdir(path);
}

static inline store *open_store(const char *folder, int64_t chunk_points) {
    char path[128], *error = NULL;
    store *s = NULL;
    store_options o = {.chunk_points = chunk_points};
    snprintf(path, sizeof path, "%s/store.db", folder);
    int result = store_open(&s, path, &o, &error);
    if (result) fail_msg("store_open: %d %s", result, error ? error : "");
    return s;
}

static inline store_id put_run(store *s, const char *key) {
    store_run r = {.last_step = -1};
    snprintf(r.key, sizeof r.key, "%s", key);
    assert_int_equal(store_put_run(s, &r), 0);
    assert_true(r.id > 0);
    return r.id;
}

#endif
