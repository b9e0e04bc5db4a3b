// Readers beside the owner and the writer thread: every answer is a state that was, nothing is seen twice or missing.
// Worth most under -DNNS_TSAN=ON.
#include "model.h"

#include <pthread.h>
#include <stdatomic.h>

typedef struct shared {
    store *s;
    store_id run;
    _Atomic uint64_t appended, begun; // points of the series: surely there, and perhaps there
    _Atomic bool over;
    _Atomic int asked;
} shared;

// Point i of the series has step i and value i % 1000.
static void ask_buckets(shared *t, store_reader *r) {
    store_query q = {
        .run = t->run, .series = "a", .from = INT64_MIN, .to = INT64_MAX, .buckets = 40};
    uint64_t least = t->appended, count = 0;
    store_columns c;
    int result = store_points(r, &q, &c);
    if (result == NNS_E_NOT_FOUND && least == 0) return;
    assert_int_equal(result, 0);
    uint64_t most = t->begun;
    assert_true(c.total >= least && c.total <= most);
    if (!c.raw)
        for (size_t i = 0; i < c.rows; i++)
            count += c.count[i];
    assert_int_equal(c.raw ? c.rows : count, c.total);
    store_columns_fini(&c);
}

static void ask_ordinals(shared *t, store_reader *r) {
    uint64_t least = t->appended;
    if (least < 10) return;
    uint64_t from = least > 3000 ? least - 3000 : 0;
    store_columns c;
    assert_int_equal(store_points_by_ordinal(r, t->run, "a", from, least, &c), 0);
    assert_int_equal(c.rows, least - from);
    for (size_t i = 0; i < c.rows; i++)
        assert_true(c.step[i] == (int64_t)(from + i) && c.value[i] == (double)((from + i) % 1000));
    store_columns_fini(&c);
}

static int look(void *context, const store_series_info *info) {
    *(uint64_t *)context = info->points;
    return 0;
}

static void *reader_main(void *context) {
    shared *t = context;
    store_reader *r = NULL;
    assert_int_equal(store_reader_open(t->s, &r), 0);
    while (!t->over) {
        ask_buckets(t, r);
        ask_ordinals(t, r);
        uint64_t least = t->appended, points = 0;
        assert_int_equal(store_list_series(r, t->run, look, &points), 0);
        assert_true(points >= least);
        t->asked++;
    }
    store_reader_close(r);
    return NULL;
}

static void append_part(shared *t, uint64_t from, uint64_t to) {
    store_series *h = store_series_open(t->s, t->run, "a", 1, "", 0);
    store_group *g = store_group_open(t->s, t->run, 0), *other = store_group_open(t->s, t->run, 1);
    for (uint64_t i = from; i < to; i++) {
        store_group *at = i % 5000 > 4900 ? other : g; // another lane now and then
        store_step(at, 0, (int64_t)i, (int64_t)i);
        t->begun = i + 1;
        while (store_append(at, h, (double)(i % 1000)) == NNS_E_AGAIN)
            store_wait(t->s, store_commit(t->s), 1000);
        t->appended = i + 1;
        if (i % 700 == 0) store_commit(t->s);
        if (i % 3000 == 0) usleep(1000);
    }
}

static void readers_beside(void **state) {
    (void)state;
    char folder[64];
    make_folder(folder);
    shared t = {.s = open_store(folder, 128)};
    t.run = put_run(t.s, "k");
    pthread_t threads[3];
    for (int i = 0; i < 3; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, reader_main, &t), 0);
    for (uint64_t part = 0; part < 10; part++) {
        append_part(&t, part * 20000, (part + 1) * 20000);
        assert_int_equal(store_run_end(t.s, t.run), 0);
        store_commit(t.s);
    }
    t.over = true;
    for (int i = 0; i < 3; i++)
        pthread_join(threads[i], NULL);
    assert_true(t.asked > 10);
    store_close(t.s);
    remove_folder(folder);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(readers_beside)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
