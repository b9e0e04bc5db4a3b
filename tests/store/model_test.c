// Random programs against the naive model: mixed rates, rare series, repeated steps, attempts, two lanes, NaN and
// infinities, several runs, commits and reopening at random; every kind of query.
#include "model.h"

typedef struct world {
    char folder[64];
    store *s;
    store_reader *reader;
    int64_t chunk_points;
    model_run runs[MODEL_RUNS];
    store_group *groups[MODEL_RUNS][2];
    store_series *series[MODEL_RUNS][MODEL_SERIES];
    bool ended[MODEL_RUNS];
} world;

static void forget_writers(world *w, int run) {
    memset(w->groups[run], 0, sizeof w->groups[run]);
    memset(w->series[run], 0, sizeof w->series[run]);
}

static void open_world(world *w) {
    w->s = open_store(w->folder, w->chunk_points);
    assert_int_equal(store_reader_open(w->s, &w->reader), 0);
    for (int i = 0; i < MODEL_RUNS; i++)
        forget_writers(w, i);
}

static void close_world(world *w) {
    store_reader_close(w->reader);
    store_close(w->s);
}

static store_series *series_of(world *w, int run, int i) {
    store_series **at = &w->series[run][i];
    if (!*at) *at = store_series_open(w->s, w->runs[run].id, w->runs[run].series[i].name, 1, "", 1);
    assert_non_null(*at);
    return *at;
}

static void append(world *w, int run, int lane, int i) {
    model_run *m = &w->runs[run];
    double v = i == 5 ? (double)m->series[i].count : random_value(); // a counter among them
    int result;
    while ((result = store_append(w->groups[run][lane], series_of(w, run, i), v)) == NNS_E_AGAIN)
        assert_int_equal(store_wait(w->s, store_commit(w->s), 60000), 0);
    assert_int_equal(result, 0);
    model_add(&m->series[i], (point){m->attempt, m->step[lane], m->time_ms, v});
}

// Which series a step has: 0 and 1 always, 2 mostly, 3 rarely, 4 sometimes twice, 5 from late on.
static void log_step(world *w, int run, int lane) {
    append(w, run, lane, 0);
    if (lane == 0 || below(4) == 0) append(w, run, lane, 1);
    if (below(10)) append(w, run, lane, 2);
    if (below(50) == 0) append(w, run, lane, 3);
    if (below(3) == 0) append(w, run, lane, 4);
    if (below(6) == 0) append(w, run, lane, 4);
    if (w->runs[run].step[lane] > 300) append(w, run, lane, 5);
}

static void take_step(world *w, int run, int lane) {
    model_run *m = &w->runs[run];
    if (!w->groups[run][lane]) w->groups[run][lane] = store_group_open(w->s, m->id, (uint32_t)lane);
    assert_non_null(w->groups[run][lane]);
    m->step[lane] += 1 + (below(20) == 0 ? (int64_t)below(5) : 0);
    m->time_ms += (int64_t)below(9);
    if (m->first_step[m->attempt] > m->step[lane]) m->first_step[m->attempt] = m->step[lane];
    store_step(w->groups[run][lane], m->attempt, m->step[lane], m->time_ms);
    log_step(w, run, lane);
    w->ended[run] = false;
}

static void new_attempt(world *w, int run) {
    model_run *m = &w->runs[run];
    if (m->attempt + 1 >= MODEL_ATTEMPTS) return;
    m->attempt++;
    int64_t back = m->step[0] > 0 ? (int64_t)below((uint64_t)m->step[0]) : 0;
    m->step[0] = m->step[1] = back / (1 + (int64_t)below(3));
}

static void check_some(world *w, int n) {
    for (int i = 0; i < n; i++) {
        model_run *m = &w->runs[below(MODEL_RUNS)];
        model_series *s = &m->series[below(MODEL_SERIES)];
        store_query q = random_query(m, s);
        check_query(m, s, w->reader, &q);
    }
}

static void check_ordinals(world *w) {
    model_run *m = &w->runs[below(MODEL_RUNS)];
    model_series *s = &m->series[below(MODEL_SERIES)];
    if (!s->count) return;
    size_t from = below(s->count), to = from + below(s->count - from + 1);
    store_columns c;
    assert_int_equal(store_points_by_ordinal(w->reader, m->id, s->name, from, to, &c), 0);
    assert_int_equal(c.ordinal, from);
    check_raw(s->points + from, to - from, &c, true);
    store_columns_fini(&c);
}

typedef struct listing {
    world *w;
    model_run *m;
    int seen;
} listing;

static int check_info(void *context, const store_series_info *info) {
    listing *l = context;
    for (int i = 0; i < MODEL_SERIES; i++) {
        model_series *s = &l->m->series[i];
        if (strcmp(s->name, info->name) != 0) continue;
        l->seen++;
        assert_int_equal(info->points, s->count);
        if (!s->count) continue;
        const point *last = &s->points[s->count - 1];
        assert_int_equal(info->last_step, last->step);
        assert_int_equal(info->last_time_ms, last->time_ms);
        assert_true(same_double(info->last, last->value));
        double min = NAN, max = NAN;
        uint64_t nonfinite = 0;
        int64_t attempt = 0;
        for (size_t k = 0; k < s->count; k++)
            if (s->points[k].attempt > attempt) attempt = s->points[k].attempt;
        for (size_t k = 0; k < s->count; k++) {
            double v = s->points[k].value;
            if (s->points[k].attempt != attempt) continue;
            if (!isfinite(v)) nonfinite++;
            if (isfinite(v) && !(v >= min)) min = v;
            if (isfinite(v) && !(v <= max)) max = v;
        }
        assert_int_equal(info->nonfinite, nonfinite);
        assert_true(same_double(info->min + 0.0, min + 0.0) &&
                    same_double(info->max + 0.0, max + 0.0));
        assert_true(same_double(info->best + 0.0, min + 0.0));
    }
    return 0;
}

static void check_list(world *w, int run) {
    listing l = {w, &w->runs[run], 0};
    assert_int_equal(store_list_series(w->reader, l.m->id, check_info, &l), 0);
    int want = 0;
    for (int i = 0; i < MODEL_SERIES; i++)
        want += l.m->series[i].count > 0;
    assert_true(l.seen >= want);
}

static void act(world *w) {
    int run = (int)below(MODEL_RUNS);
    uint64_t what = below(1000);
    if (what < 900) {
        int lane = below(10) == 0;
        int n = 1 + (int)below(run == 0 ? 400 : 40);
        for (int i = 0; i < n; i++)
            take_step(w, run, lane);
    } else if (what < 930) {
        store_commit(w->s);
    } else if (what < 940) {
        assert_int_equal(store_wait(w->s, store_commit(w->s), 60000), 0);
    } else if (what < 955) {
        new_attempt(w, run);
    } else if (what < 965) {
        assert_int_equal(store_run_end(w->s, w->runs[run].id), 0);
        forget_writers(w, run);
        if (below(2)) store_commit(w->s);
    } else if (what < 970) {
        close_world(w);
        open_world(w);
    } else {
        check_some(w, 3);
        check_ordinals(w);
        check_list(w, run);
    }
}

static void run_program(int64_t chunk_points, int acts, uint64_t seed) {
    world *w = calloc(1, sizeof *w);
    assert_non_null(w);
    random_state = seed;
    make_folder(w->folder);
    w->chunk_points = chunk_points;
    open_world(w);
    for (int i = 0; i < MODEL_RUNS; i++) {
        model_init(&w->runs[i]);
        w->runs[i].id = put_run(w->s, "run");
    }
    for (int i = 0; i < acts; i++)
        act(w);
    check_some(w, 60);
    assert_int_equal(store_wait(w->s, store_commit(w->s), 60000), 0);
    check_some(w, 60);
    for (int i = 0; i < MODEL_RUNS; i++)
        assert_int_equal(store_run_end(w->s, w->runs[i].id), 0);
    assert_int_equal(store_wait(w->s, store_commit(w->s), 60000), 0);
    assert_int_equal(store_settle(w->s, 60000), 0);
    check_some(w, 100);
    close_world(w);
    open_world(w);
    check_some(w, 100);
    for (int i = 0; i < MODEL_RUNS; i++)
        check_list(w, i);
    close_world(w);
    for (int i = 0; i < MODEL_RUNS; i++)
        model_fini(&w->runs[i]);
    remove_folder(w->folder);
    free(w);
}

static void whole_chunks(void **state) {
    (void)state;
    for (uint64_t seed = 1; seed <= 3; seed++)
        run_program(1024, 500, seed * 7919);
}

static void small_chunks(void **state) {
    (void)state;
    for (uint64_t seed = 1; seed <= 6; seed++)
        run_program(16, 300, seed * 104729);
}

static void one_point_chunks(void **state) {
    (void)state;
    for (uint64_t seed = 1; seed <= 3; seed++)
        run_program(1, 60, seed * 1299709);
}

// One long series, ended and gone on with at odd places: the pyramid's upper levels, and how they are rebuilt.
static void long_series(void **state) {
    (void)state;
    random_state = 4711;
    for (int round = 0; round < 2; round++) {
        world *w = calloc(1, sizeof *w);
        assert_non_null(w);
        make_folder(w->folder);
        w->chunk_points = 1024;
        open_world(w);
        model_run *m = &w->runs[0];
        model_init(m);
        m->id = put_run(w->s, "long");
        for (int part = 0; part < 5; part++) {
            w->groups[0][0] = store_group_open(w->s, m->id, 0);
            // 50200: a level with whole buckets above one that has too few for a blob
            uint64_t n = part == 0 ? 50200 : 1 + below(30000);
            for (uint64_t i = 0; i < n; i++) {
                m->step[0]++;
                if (m->first_step[m->attempt] > m->step[0]) m->first_step[m->attempt] = m->step[0];
                store_step(w->groups[0][0], m->attempt, m->step[0], m->step[0] * 3);
                m->time_ms = m->step[0] * 3;
                append(w, 0, 0, 0);
            }
            if (below(4)) assert_int_equal(store_run_end(w->s, m->id), 0);
            forget_writers(w, 0);
            if (below(3) == 0) new_attempt(w, 0);
            close_world(w);
            open_world(w);
            for (int i = 0; i < 10; i++) {
                store_query q = random_query(m, &m->series[0]);
                check_query(m, &m->series[0], w->reader, &q);
            }
        }
        close_world(w);
        model_fini(m);
        remove_folder(w->folder);
        free(w);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_point_chunks),
        cmocka_unit_test(small_chunks),
        cmocka_unit_test(whole_chunks),
        cmocka_unit_test(long_series),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
