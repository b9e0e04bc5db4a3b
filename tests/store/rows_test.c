// The catalogue: rows put are listed as they were put; deleting frees the disk; read only and exclusive stores.
#include "model.h"

#include <sqlite3.h>

typedef struct seen {
    int count;
    int64_t numbers[64];
    char text[64][32];
    char name[64][32];
    size_t bytes[64];
    uint64_t sequence[64];
    store_run run;
} seen;

static int keep_row(void *context, const store_row *row) {
    seen *k = context;
    assert_true(k->count < 64);
    k->numbers[k->count] = row->number;
    k->bytes[k->count] = row->bytes;
    k->sequence[k->count] = row->sequence;
    snprintf(k->text[k->count], 32, "%s", row->json ? row->json : "");
    snprintf(k->name[k->count], 32, "%s", row->name ? row->name : "");
    k->count++;
    return 0;
}

static int stop_row(void *context, const store_row *row) {
    (void)row;
    ++*(int *)context;
    return 1;
}

static int keep_run(void *context, const store_run *run) {
    seen *k = context;
    k->count++;
    k->run = *run;
    snprintf(k->text[0], 32, "%s", run->name);
    snprintf(k->text[1], 32, "%s", run->facts);
    return 0;
}

static void flush(store *s) {
    assert_int_equal(store_wait(s, store_commit(s), 60000), 0);
}

static char *text(const char *t) {
    return (char *)(uintptr_t)t;
}

static void check_runs(store *s, store_reader *r) {
    store_run run = {.key = "01k0000000000000000000000a",
                     .name = text("first"),
                     .tags = text("[]"),
                     .facts = text("{\"a\":1}"),
                     .state = 2,
                     .created_ms = 7,
                     .last_step = -1,
                     .epoch = 0.5,
                     .exit_status = -9,
                     .archived = true,
                     .dropped = 3};
    assert_int_equal(store_put_run(s, &run), 0);
    flush(s);
    run.name = text("renamed");
    run.last_step = 41;
    assert_int_equal(store_put_run(s, &run), 0);
    flush(s);
    seen k = {0};
    assert_int_equal(store_list_runs(r, keep_run, &k), 0);
    assert_int_equal(k.count, 1);
    assert_string_equal(k.run.key, run.key);
    assert_string_equal(k.text[0], "renamed");
    assert_string_equal(k.text[1], "{\"a\":1}");
    assert_true(k.run.state == 2 && k.run.last_step == 41 && k.run.epoch == 0.5);
    assert_true(k.run.exit_status == -9 && k.run.archived && k.run.dropped == 3);
}

static void check_events(store *s, store_reader *r) {
    for (int i = 0; i < 5; i++)
        assert_int_equal(store_put_event(s, 1, i, i * 10, i, 2, i == 3 ? "{\"x\":'3'}" : "{}"), 0);
    store_put_event(s, 2, 1, 0, 0, 2, "{}");
    flush(s);
    seen k = {0};
    assert_int_equal(store_list_events(r, 1, 2, 2, keep_row, &k), 0);
    assert_true(k.count == 2 && k.numbers[0] == 2 && k.numbers[1] == 3);
    assert_string_equal(k.text[1], "{\"x\":'3'}");
    int stopped = 0;
    assert_int_equal(store_list_events(r, 1, 0, 0, stop_row, &stopped), 0);
    assert_int_equal(stopped, 1);
}

static void check_media(store *s, store_reader *r) {
    store_series *h = store_series_open(s, 1, "sample", 4, "", 0);
    store_series_info info;
    store_series_get(h, &info);
    for (int i = 0; i < 10; i++)
        store_put_media(s, 1, info.id, i, i, 4, NULL, "{}", "12345", (size_t)i % 6);
    store_put_media(s, 1, 0, 4, 4, 4, "abc", NULL, NULL, 0);
    flush(s);
    seen k = {0};
    assert_int_equal(store_list_media(r, 1, "sample", 0, 8, 3, keep_row, &k), 0);
    assert_true(k.count == 3 && k.bytes[0] == 5 && k.bytes[1] == 0 && k.bytes[2] == 1);
    assert_string_equal(k.name[0], "sample");
    k = (seen){0};
    assert_int_equal(store_list_media(r, 1, NULL, 4, 5, 0, keep_row, &k), 0);
    assert_int_equal(k.count, 2);
    assert_int_equal(store_list_media(r, 1, "none", 0, 9, 0, keep_row, &k), NNS_E_NOT_FOUND);
}

static void check_others(store *s, store_reader *r) {
    store_put_param(s, 1, "z", "1");
    store_put_param(s, 1, "a", "2");
    store_put_param(s, 1, "z", "3");
    store_put_command(s, 1, 1, "asked");
    store_put_command(s, 1, 1, "applied");
    store_put_audit(s, 5, "{}");
    store_put_token(s, "h1", "{}");
    store_put_token(s, "h2", "{}");
    store_put_token(s, "h1", NULL);
    store_put_cursor(s, 1, "p1", 0, 10, "ab", 2);
    store_put_cursor(s, 1, "p1", 0, 12, "abc", 3);
    store_put_cursor(s, 1, "p2", 1, UINT64_MAX, NULL, 0);
    flush(s);
    seen k = {0};
    assert_int_equal(store_list_params(r, 1, keep_row, &k), 0);
    assert_true(k.count == 2 && !strcmp(k.name[0], "z") && !strcmp(k.text[0], "3"));
    k = (seen){0};
    assert_int_equal(store_list_commands(r, 1, 0, 0, keep_row, &k), 0);
    assert_true(k.count == 1 && !strcmp(k.text[0], "applied"));
    k = (seen){0};
    assert_int_equal(store_list_audit(r, 0, 0, keep_row, &k), 0);
    assert_int_equal(k.count, 1);
    k = (seen){0};
    assert_int_equal(store_list_tokens(r, keep_row, &k), 0);
    assert_true(k.count == 1 && !strcmp(k.name[0], "h2"));
    k = (seen){0};
    assert_int_equal(store_list_cursors(r, 1, keep_row, &k), 0);
    assert_true(k.count == 2 && k.sequence[0] == 12 && k.bytes[0] == 3 &&
                k.sequence[1] == UINT64_MAX);
    store_drop_cursors(s, 1, "p1");
    flush(s);
    k = (seen){0};
    assert_int_equal(store_list_cursors(r, 1, keep_row, &k), 0);
    assert_int_equal(k.count, 1);
}

static void rows(void **state) {
    (void)state;
    char folder[64];
    make_folder(folder);
    store *s = open_store(folder, 0);
    store_reader *r = NULL;
    assert_int_equal(store_reader_open(s, &r), 0);
    check_runs(s, r);
    check_events(s, r);
    check_media(s, r);
    check_others(s, r);
    store_reader_close(r);
    store_close(s);
    remove_folder(folder);
}

// --- deleting ------------------------------------------------------------------------------------

static void fill(store *s, store_id run, int series, int64_t points) {
    store_group *g = store_group_open(s, run, 0);
    store_series *h[8];
    char name[16];
    for (int i = 0; i < series; i++) {
        snprintf(name, sizeof name, "s%d", i);
        h[i] = store_series_open(s, run, name, 1, "", 0);
    }
    for (int64_t k = 0; k < points; k++) {
        store_step(g, 0, k, k);
        for (int i = 0; i < series; i++)
            while (store_append(g, h[i], (double)below(1u << 30) / 3) == NNS_E_AGAIN)
                flush(s);
    }
}

static int64_t file_bytes(const char *folder) {
    char path[128];
    struct stat st;
    snprintf(path, sizeof path, "%s/store.db", folder);
    assert_int_equal(stat(path, &st), 0);
    return st.st_size;
}

static int64_t count_of(const char *folder, const char *table) {
    char path[128], sql[128];
    sqlite3 *db = NULL;
    sqlite3_stmt *st = NULL;
    snprintf(path, sizeof path, "%s/store.db", folder);
    snprintf(sql, sizeof sql, "SELECT count(*) FROM %s", table);
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &st, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(st), SQLITE_ROW);
    int64_t n = sqlite3_column_int64(st, 0);
    sqlite3_finalize(st);
    sqlite3_close(db);
    return n;
}

static void deleting_frees(void **state) {
    (void)state;
    char folder[64];
    make_folder(folder);
    store *s = open_store(folder, 0);
    store_id keep = put_run(s, "keep"), drop = put_run(s, "drop");
    fill(s, keep, 2, 5000);
    fill(s, drop, 8, 100000);
    store_put_event(s, drop, 1, 0, 0, 1, "{}");
    store_put_media(s, drop, 0, 0, 0, 4, NULL, "{}", folder, sizeof folder);
    assert_int_equal(store_run_end(s, keep), 0);
    assert_int_equal(store_run_end(s, drop), 0);
    flush(s);
    assert_int_equal(store_settle(s, 60000), 0);
    assert_int_equal(store_delete_run(s, drop), 0);
    flush(s);
    assert_int_equal(store_settle(s, 60000), 0);
    store_reader *r = NULL;
    assert_int_equal(store_reader_open(s, &r), 0);
    store_columns c;
    store_query q = {.run = drop, .series = "s0", .from = INT64_MIN, .to = INT64_MAX};
    assert_int_equal(store_points(r, &q, &c), NNS_E_NOT_FOUND);
    q.run = keep;
    assert_int_equal(store_points(r, &q, &c), 0);
    assert_int_equal(c.rows, 5000);
    store_columns_fini(&c);
    store_reader_close(r);
    store_close(s);
    assert_true(file_bytes(folder) < 2 << 20); // it was 5.6 MB and more
    assert_int_equal(count_of(folder, "series"), 2);
    assert_int_equal(
        count_of(folder, "media") + count_of(folder, "event") + count_of(folder, "job"), 0);
    remove_folder(folder);
}

// A run is deleted while it is being written (the server refuses that, the store must still stand).
static void deleting_a_live_run(void **state) {
    (void)state;
    char folder[64];
    make_folder(folder);
    store *s = open_store(folder, 64);
    store_id a = put_run(s, "a"), b = put_run(s, "b");
    fill(s, a, 3, 1000);
    fill(s, b, 3, 1000);
    flush(s);
    fill(s, b, 3, 100);
    assert_int_equal(store_delete_run(s, b), 0);
    store_close(s);
    s = open_store(folder, 64);
    assert_int_equal(store_settle(s, 60000), 0);
    store_close(s);
    assert_int_equal(count_of(folder, "series"), 3);
    s = open_store(folder, 64);
    store_reader *r = NULL;
    assert_int_equal(store_reader_open(s, &r), 0);
    store_columns c;
    assert_int_equal(store_points_by_ordinal(r, a, "s2", 0, 10000, &c), 0);
    assert_int_equal(c.rows, 1000);
    store_columns_fini(&c);
    store_reader_close(r);
    store_close(s);
    remove_folder(folder);
}

// --- other ways of opening -----------------------------------------------------------------------

static void read_only(void **state) {
    (void)state;
    char folder[64], path[128];
    make_folder(folder);
    store *s = open_store(folder, 0), *o = NULL;
    store_id run = put_run(s, "k");
    fill(s, run, 2, 3000);
    flush(s);
    snprintf(path, sizeof path, "%s/store.db", folder);
    store_options options = {.read_only = true};
    for (int beside = 1; beside >= 0; beside--) {
        assert_int_equal(store_open(&o, path, &options, NULL), 0);
        store_reader *r = NULL;
        store_columns c;
        assert_int_equal(store_reader_open(o, &r), 0);
        assert_int_equal(store_points_by_ordinal(r, run, "s1", 0, 10000, &c), 0);
        assert_int_equal(c.rows, 3000);
        store_columns_fini(&c);
        assert_null(store_series_open(o, run, "s1", 1, "", 0));
        assert_int_equal(store_put_param(o, run, "a", "1"), NNS_E_STATE);
        store_reader_close(r);
        store_close(o);
        if (beside) store_close(s);
    }
    remove_folder(folder);
}

static int count_snapshot(void *context, const store_snapshot *row) {
    int64_t *sum = context;
    *sum = *sum * 100 + row->step;
    return 0;
}

static int64_t steps_of(store_reader *r, store_id run, bool all) {
    int64_t sum = 0;
    assert_int_equal(
        store_list_snapshots(r, run, INT64_MIN, INT64_MAX, all, 0, count_snapshot, &sum), 0);
    return sum;
}

// Documents are replaced, snapshots found by step; those that a later attempt has overtaken are left out.
static void networks(void **state) {
    (void)state;
    char folder[64];
    make_folder(folder);
    store *s = open_store(folder, 0);
    store_id run = put_run(s, "k"), other = put_run(s, "l");
    store_reader *r = NULL;
    buf text = {0};
    assert_int_equal(store_reader_open(s, &r), 0);
    assert_int_equal(store_put_document(s, run, "model", "{}"), 0);
    assert_int_equal(store_put_document(s, run, "model", "{\"a\":1}"), 0);
    store_group *g = store_group_open(s, run, 0);
    store_series *series = store_series_open(s, run, "a", 1, NULL, 0);
    for (int64_t i = 0; i < 5; i++) { // 10 20 30, then from 20 on again: 20 30
        int64_t step = i < 3 ? 10 + 10 * i : 10 * i - 10;
        store_step(g, i >= 3, step, i);
        assert_int_equal(store_append(g, series, 1), 0);
        store_snapshot row = {.attempt = i >= 3,
                              .step = step,
                              .time_ms = 1000 * i,
                              .bytes = 100,
                              .base = i,
                              .hash = "h"};
        assert_int_equal(store_put_snapshot(s, run, &row), 0);
        assert_int_equal(row.id, i + 1);
    }
    store_snapshot found, foreign = {.step = 15, .hash = "f"};
    assert_int_equal(store_put_snapshot(s, other, &foreign), 0);
    flush(s);
    assert_int_equal(store_get_document(r, run, "model", &text), 0);
    assert_int_equal(text.length, 7);
    assert_int_equal(store_get_document(r, other, "model", &text), NNS_E_NOT_FOUND);
    assert_int_equal(steps_of(r, run, false), 102030);
    assert_int_equal(steps_of(r, run, true), 1020203030);
    assert_int_equal(store_snapshot_at(r, run, 29, &found), 0);
    assert_int_equal(found.id, 4);
    assert_int_equal(store_snapshot_at(r, run, 9, &found), NNS_E_NOT_FOUND);
    assert_int_equal(store_snapshot_last(r, run, &found), 0);
    assert_int_equal(found.base, 4);
    assert_int_equal(store_drop_snapshot(s, 5), 0);
    flush(s);
    store_snapshots sum;
    assert_int_equal(store_snapshots_sum(r, run, &sum), 0);
    assert_int_equal(sum.count, 4);
    assert_int_equal(sum.bytes, 400);
    assert_true(sum.per_hour > 359000 && sum.per_hour < 361000); // 100 bytes a second
    assert_int_equal(store_delete_run(s, run), 0);
    flush(s);
    assert_int_equal(store_settle(s, 60000), 0);
    assert_int_equal(steps_of(r, run, true), 0);
    assert_int_equal(store_get_document(r, run, "model", &text), NNS_E_NOT_FOUND);
    assert_int_equal(steps_of(r, other, true), 15);
    store_reader_close(r);
    store_close(s);
    buf_fini(&text);
    remove_folder(folder);
}

// A store of version 1 is read as it is, and brought up when a writer opens it.
static void older(void **state) {
    (void)state;
    char folder[64], path[128];
    make_folder(folder);
    store *s = open_store(folder, 0);
    store_id run = put_run(s, "k");
    flush(s);
    store_close(s);
    snprintf(path, sizeof path, "%s/store.db", folder);
    sqlite3 *db = NULL;
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db,
                                  "DROP TABLE document;DROP TABLE snapshot;PRAGMA user_version=1",
                                  NULL, NULL, NULL),
                     SQLITE_OK);
    sqlite3_close(db);
    for (int writer = 0; writer < 2; writer++) {
        store_options options = {.read_only = !writer};
        store_reader *r = NULL;
        buf text = {0};
        assert_int_equal(store_open(&s, path, &options, NULL), 0);
        assert_int_equal(store_reader_open(s, &r), 0);
        assert_int_equal(steps_of(r, run, true), 0);
        assert_int_equal(store_get_document(r, run, "model", &text), NNS_E_NOT_FOUND);
        if (writer) {
            assert_int_equal(store_put_document(s, run, "model", "{}"), 0);
            flush(s);
            assert_int_equal(store_get_document(r, run, "model", &text), 0);
        }
        store_reader_close(r);
        store_close(s);
        buf_fini(&text);
    }
    remove_folder(folder);
}

static void exclusive(void **state) {
    (void)state;
    char folder[64], path[128], shm[160];
    make_folder(folder);
    snprintf(path, sizeof path, "%s/store.db", folder);
    snprintf(shm, sizeof shm, "%s-shm", path);
    store *s = NULL;
    store_options options = {.exclusive = true, .chunk_points = 16};
    assert_int_equal(store_open(&s, path, &options, NULL), 0);
    store_id run = put_run(s, "k");
    store_reader *r = NULL;
    assert_int_equal(store_reader_open(s, &r), 0);
    for (int i = 0; i < 5; i++) {
        fill(s, run, 2, 300);
        flush(s);
        store_columns c;
        store_query q = {
            .run = run, .series = "s1", .from = INT64_MIN, .to = INT64_MAX, .buckets = 9};
        assert_int_equal(store_points(r, &q, &c), 0);
        assert_int_equal(c.total, 300u * (unsigned)(i + 1));
        store_columns_fini(&c);
    }
    struct stat st;
    assert_true(stat(shm, &st) != 0);
    store_reader_close(r);
    store_close(s);
    remove_folder(folder);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows),
        cmocka_unit_test(deleting_frees),
        cmocka_unit_test(deleting_a_live_run),
        cmocka_unit_test(read_only),
        cmocka_unit_test(networks),
        cmocka_unit_test(older),
        cmocka_unit_test(exclusive),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
