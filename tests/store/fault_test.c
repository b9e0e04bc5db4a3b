// What goes wrong around the store: SIGKILL while writing, memory that runs out at every allocation, a damaged file,
// a full disk, a store of a newer version, a link in the way.
#include "model.h"

#include <fcntl.h>
#include <signal.h>
#include <sqlite3.h>
#include <sys/resource.h>
#include <sys/wait.h>

// --- SIGKILL -----------------------------------------------------------------------------------

typedef struct told {
    int pipe;
    uint64_t points[4096]; // per commit: points of the series when it was sealed
} told;

static told writer_told;

static void on_commit(void *context, uint64_t number, int result) {
    (void)context;
    if (result || number >= 4096) return;
    uint64_t n = writer_told.points[number];
    if (write(writer_told.pipe, &n, sizeof n) != sizeof n) _exit(3);
}

// Appends for ever; says through the pipe how many points are durable. The value of point i is i.
static void write_for_ever(const char *folder, int64_t chunk_points, int pipe_fd) {
    char path[128];
    store *s = NULL;
    store_options o = {.chunk_points = chunk_points, .on_commit = on_commit};
    snprintf(path, sizeof path, "%s/store.db", folder);
    writer_told.pipe = pipe_fd;
    if (store_open(&s, path, &o, NULL)) _exit(4);
    store_series *h = store_series_open(s, 1, "loss", 1, "", 1);
    store_series *rare = store_series_open(s, 1, "rare", 1, "", 1);
    store_group *g = store_group_open(s, 1, 0);
    store_series_info info;
    store_series_get(h, &info);
    uint64_t sealed = 0;
    for (uint64_t i = info.points;; i++) {
        store_step(g, 0, (int64_t)i, (int64_t)i);
        if (store_append(g, h, (double)i + 0.5)) _exit(5);
        if (i % 100 == 0 && store_append(g, rare, (double)i)) _exit(6);
        store_put_cursor(s, 1, "p", 0, i + 1, NULL, 0);
        if (i % 300 != 299) continue;
        if (sealed + 1 < 4096) writer_told.points[sealed + 1] = i + 1;
        sealed = store_commit(s);
        if (i % 3000 == 2999) store_wait(s, sealed, 1000);
    }
}

static int keep_cursor(void *context, const store_row *row) {
    *(uint64_t *)context = row->sequence;
    return 0;
}

static uint64_t check_after_kill(const char *folder, int64_t chunk_points, uint64_t durable) {
    store *s = open_store(folder, chunk_points);
    store_reader *r = NULL;
    assert_int_equal(store_reader_open(s, &r), 0);
    store_columns c;
    uint64_t cursor = 0;
    assert_int_equal(store_list_cursors(r, 1, keep_cursor, &cursor), 0);
    int result = store_points_by_ordinal(r, 1, "loss", 0, UINT64_MAX, &c);
    assert_true(result == 0 || (result == NNS_E_NOT_FOUND && durable == 0));
    assert_true(c.rows >= durable);
    assert_int_equal(c.rows, cursor); // exactly once: the cursor stands where the points end
    for (size_t i = 0; i < c.rows; i++)
        assert_true(c.step[i] == (int64_t)i && same_double(c.value[i], (double)i + 0.5));
    uint64_t rows = c.rows;
    store_columns_fini(&c);
    if (!result && store_points_by_ordinal(r, 1, "rare", 0, UINT64_MAX, &c) == 0) {
        assert_int_equal(c.rows, (rows + 99) / 100);
        store_columns_fini(&c);
    }
    store_reader_close(r);
    store_close(s);
    return rows;
}

// `late`: not before something is durable, however long the machine takes for it.
static uint64_t kill_once(const char *folder, int64_t chunk_points, bool late) {
    int ends[2];
    uint64_t durable = 0, n;
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        close(ends[0]);
        write_for_ever(folder, chunk_points, ends[1]);
    }
    close(ends[1]);
    if (late && read(ends[0], &n, sizeof n) == sizeof n) durable = n;
    usleep((useconds_t)(1000 + below(60000)));
    kill(child, SIGKILL);
    int status = 0;
    waitpid(child, &status, 0);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    while (read(ends[0], &n, sizeof n) == sizeof n)
        durable = n;
    close(ends[0]);
    return check_after_kill(folder, chunk_points, durable);
}

static void kills(void **state) {
    (void)state;
    char folder[64];
    for (int round = 0; round < 3; round++) {
        make_folder(folder);
        uint64_t points = 0;
        for (int i = 0; i < 10; i++)
            points = kill_once(folder, round == 0 ? 64 : 1024, i == 9);
        assert_true(points > 0);
        remove_folder(folder);
    }
}

// --- memory ------------------------------------------------------------------------------------

static int try_everything(const char *folder) {
    char path[128], *error = NULL;
    store *s = NULL;
    store_options o = {.chunk_points = 32};
    snprintf(path, sizeof path, "%s/store.db", folder);
    int result = store_open(&s, path, &o, &error);
    mem_free(error);
    if (result) return result;
    store_run run = {.key = "k", .name = (char *)(uintptr_t) "n"};
    result = store_put_run(s, &run);
    store_series *h = run.id ? store_series_open(s, run.id, "a", 1, "", 1) : NULL;
    store_series *k = run.id ? store_series_open(s, run.id, "b", 1, "", 1) : NULL;
    store_group *g = run.id ? store_group_open(s, run.id, 0) : NULL;
    uint64_t points = 0;
    for (int64_t i = 0; h && k && g && i < 200; i++) {
        store_step(g, i / 90, i % 90, i);
        points += store_append(g, h, (double)i) == 0;
        if (i % 7 == 0) store_append(g, k, 0.1);
        if (i % 50 == 49) store_commit(s);
    }
    store_reader *r = NULL;
    if (!store_reader_open(s, &r) && h) {
        store_columns c;
        store_query q = {.run = run.id,
                         .series = "a",
                         .from = INT64_MIN,
                         .to = INT64_MAX,
                         .buckets = 10,
                         .all_attempts = true};
        if (store_points(r, &q, &c) == 0) {
            assert_int_equal(c.total, points);
            store_columns_fini(&c);
        }
    }
    store_reader_close(r);
    if (run.id) store_run_end(s, run.id);
    uint64_t number = store_commit(s);
    mem_fail_at(0);
    if (number) assert_int_equal(store_wait(s, number, 60000), 0);
    store_close(s);
    return 0;
}

static void memory(void **state) {
    (void)state;
    for (long n = 1; n < 3000; n += n < 300 ? 1 : 29) {
        char folder[64];
        make_folder(folder);
        mem_fail_at(n);
        try_everything(folder);
        mem_fail_at(0);
        remove_folder(folder);
    }
}

// --- damage ------------------------------------------------------------------------------------

static void fill(store *s, store_id run, int64_t points) {
    store_series *h = store_series_open(s, run, "loss", 1, "", 1);
    store_group *g = store_group_open(s, run, 0);
    assert_non_null(h);
    assert_non_null(g);
    for (int64_t i = 0; i < points; i++) {
        store_step(g, 0, i, i);
        assert_int_equal(store_append(g, h, (double)i / 3), 0);
    }
}

static void spoil(const char *folder, const char *sql) {
    char path[128];
    sqlite3 *db = NULL;
    snprintf(path, sizeof path, "%s/store.db", folder);
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
}

// Flips one byte of the data of every row of a table.
#define FLIP(table, more)                                                                          \
    "UPDATE " table " SET data=substr(data,1,30)||x'5a'||substr(data,32) " more

static void damaged_blobs(void **state) {
    (void)state;
    const char *const spoils[] = {FLIP("piece", "WHERE level=0"),
                                  FLIP("piece", "WHERE level>0"),
                                  FLIP("axis", ""),
                                  "UPDATE piece SET data=NULL",
                                  "UPDATE piece SET count=count+1",
                                  "UPDATE piece SET count=-5",
                                  "UPDATE piece SET first=1000000",
                                  "UPDATE piece SET axis=999",
                                  "DELETE FROM piece WHERE level=0",
                                  "DELETE FROM axis"};
    for (size_t i = 0; i < sizeof spoils / sizeof *spoils; i++) {
        char folder[64];
        make_folder(folder);
        store *s = open_store(folder, 0);
        store_id run = put_run(s, "k");
        fill(s, run, 40000);
        store_close(s);
        spoil(folder, spoils[i]);
        s = open_store(folder, 0);
        store_reader *r = NULL;
        assert_int_equal(store_reader_open(s, &r), 0);
        int bad = 0;
        for (uint32_t buckets = 0; buckets < 500; buckets += 100) {
            store_query q = {
                .run = run, .series = "loss", .from = buckets, .to = 30000, .buckets = buckets};
            store_columns c;
            int result = store_points(r, &q, &c);
            assert_true(result == 0 || result == NNS_E_CORRUPT);
            bad += result != 0;
            store_columns_fini(&c);
        }
        assert_true(bad > 0);
        store_reader_close(r);
        store_run_end(s, run);
        store_settle(s, 100);
        store_close(s);
        remove_folder(folder);
    }
}

static void damaged_log(void **state) {
    (void)state;
    char folder[64];
    make_folder(folder);
    store *s = open_store(folder, 0);
    store_id run = put_run(s, "k");
    fill(s, run, 500);
    store_close(s);
    spoil(folder, FLIP("log", ""));
    s = open_store(folder, 0);
    assert_non_null(strstr(store_error(s), "damaged"));
    store_close(s);
    remove_folder(folder);
}

enum { ROW_POINTS = 100, LOG_ROWS_MADE = 5 };

// Five log rows of 100 points in a dense group and 10 of a rare series; value i is point i.
static void fill_rows(store *s, store_id run, int64_t from, int64_t rows) {
    store_series *h = store_series_open(s, run, "loss", 1, "", 1),
                 *rare = store_series_open(s, run, "rare", 1, "", 1);
    store_group *g = store_group_open(s, run, 0), *other = store_group_open(s, run, 0);
    for (int64_t i = from; i < from + rows * ROW_POINTS; i++) {
        store_step(g, 0, i, i);
        assert_int_equal(store_append(g, h, (double)i), 0);
        store_step(other, 0, i, i);
        if (i % 10 == 0) assert_int_equal(store_append(other, rare, (double)i), 0);
        if (i % ROW_POINTS == ROW_POINTS - 1)
            assert_int_equal(store_wait(s, store_commit(s), 10000), 0);
    }
}

// All but those of the row that is damaged, in their order.
static void check_rows(store *s, store_id run, const char *name, int64_t every, int64_t to) {
    store_reader *r = NULL;
    store_columns c;
    size_t at = 0;
    assert_int_equal(store_reader_open(s, &r), 0);
    assert_int_equal(store_points_by_ordinal(r, run, name, 0, UINT64_MAX, &c), 0);
    for (int64_t i = 0; i < to; i += every) {
        if (i / ROW_POINTS == 1) continue;
        assert_true(at < c.rows && c.step[at] == i && c.value[at] == (double)i);
        at++;
    }
    assert_int_equal(c.rows, at);
    store_columns_fini(&c);
    store_reader_close(r);
}

// The rest of the log is taken, and what is recorded afterwards goes on behind it, however often the store is opened.
static void damaged_row(void **state) {
    (void)state;
    char folder[64];
    make_folder(folder);
    store *s = open_store(folder, 0);
    store_id run = put_run(s, "k");
    fill_rows(s, run, 0, LOG_ROWS_MADE);
    store_close(s);
    spoil(folder, FLIP("log", "WHERE id=(SELECT id FROM log ORDER BY id LIMIT 1 OFFSET 1)"));
    int64_t to = LOG_ROWS_MADE * ROW_POINTS;
    for (int turn = 0; turn < 3; turn++) {
        s = open_store(folder, 0);
        assert_int_equal(strstr(store_error(s), "damaged") != NULL, turn == 0);
        check_rows(s, run, "loss", 1, to);
        check_rows(s, run, "rare", 10, to);
        fill_rows(s, run, to, 2);
        to += 2 * ROW_POINTS;
        store_close(s);
    }
    remove_folder(folder);
}

// --- refusals ----------------------------------------------------------------------------------

static void refusals(void **state) {
    (void)state;
    char folder[64], path[128], link[128], *error = NULL;
    make_folder(folder);
    snprintf(path, sizeof path, "%s/store.db", folder);
    snprintf(link, sizeof link, "%s/link.db", folder);
    store *s = NULL;
    store_options read_only = {.read_only = true};
    assert_int_equal(store_open(&s, path, &read_only, &error), NNS_E_NOT_FOUND);
    assert_non_null(error);
    mem_free(error);
    store_close(open_store(folder, 0));
    struct stat st;
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_int_equal(symlink(path, link), 0);
    assert_int_equal(store_open(&s, link, NULL, &error), NNS_E_INVALID);
    mem_free(error);
    spoil(folder, "PRAGMA user_version=99");
    assert_int_equal(store_open(&s, path, NULL, &error), NNS_E_VERSION);
    assert_non_null(strstr(error, "newer"));
    mem_free(error);
    remove_folder(folder);
}

static _Atomic int last_result;

static void note_result(void *context, uint64_t number, int result) {
    (void)context;
    (void)number;
    last_result = result;
}

// A disk that is full (a limit on the file's size stands for it), then has room again: nothing is lost.
static void full_disk(void **state) {
    (void)state;
    char folder[64], path[128];
    make_folder(folder);
    snprintf(path, sizeof path, "%s/store.db", folder);
    store *s = NULL;
    store_options o = {.on_commit = note_result};
    assert_int_equal(store_open(&s, path, &o, NULL), 0);
    store_id run = put_run(s, "k");
    assert_int_equal(store_wait(s, store_commit(s), 60000), 0);
    signal(SIGXFSZ, SIG_IGN);
    struct rlimit old, small;
    getrlimit(RLIMIT_FSIZE, &old);
    small = (struct rlimit){512 << 10, old.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    fill(s, run, 300000);
    uint64_t number = store_commit(s);
    for (int i = 0; i < 600 && last_result >= 0; i++) // until it was tried
        assert_int_equal(store_wait(s, number, 100), NNS_E_TIMEOUT);
    assert_true(last_result < 0);
    assert_int_equal(store_wait(s, number, 300), NNS_E_TIMEOUT);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
    assert_int_equal(store_wait(s, number, 60000), 0);
    assert_int_equal(store_settle(s, 60000), 0); // on_commit is called after waiters are woken
    assert_int_equal(last_result, 0);
    store_close(s);
    s = open_store(folder, 0);
    store_reader *r = NULL;
    assert_int_equal(store_reader_open(s, &r), 0);
    store_columns c;
    assert_int_equal(store_points_by_ordinal(r, run, "loss", 0, UINT64_MAX, &c), 0);
    assert_int_equal(c.rows, 300000);
    store_columns_fini(&c);
    store_reader_close(r);
    store_close(s);
    remove_folder(folder);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(kills),         cmocka_unit_test(memory),
        cmocka_unit_test(damaged_blobs), cmocka_unit_test(damaged_log),
        cmocka_unit_test(damaged_row),   cmocka_unit_test(refusals),
        cmocka_unit_test(full_disk),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
