// Snapshots: what comes out is what came in, byte for byte; what they cost; across restarts and kills neither lost nor doubled;
// retention; overtaken attempts; deletion; captures that lie.
#include "journal_support.h"

#include "server/keep.h"

#include <dirent.h>
#include <sys/stat.h>

// Little room: thinning is at work most of the time.
static core *open_little(const char *dir) {
    core *c = NULL;
    if (core_open(&c, &(core_options){.dir = dir, .snapshot_bytes = 60 * 1024}, NULL)) _exit(1);
    return c;
}

static void serve_little(const char *dir, const char *id) {
    (void)id;
    open_little(dir);
    for (;;)
        pause();
}

const body bodies[] = {{"serve_on", serve_on}, {"serve_little", serve_little}, {0}};

static json_t *list(core *c, const char *id, int limit) {
    answer a = {0};
    core_get_snapshots(c, id, INT64_MIN, INT64_MAX, limit, got, &a);
    await(c, &a);
    assert_int_equal(a.status, 200);
    json_t *json = json_of(&a);
    mem_free(a.text);
    return json;
}

static size_t count_of(core *c, const char *id) {
    json_t *json = list(c, id, 10000);
    size_t n = json_array_size(json_object_get(json, "snapshots"));
    json_decref(json);
    return n;
}

static void wait_count(core *c, const char *id, size_t n) {
    for (int64_t until = clock_mono_ns() + 30 * NS_PER_S; clock_mono_ns() < until;
         clock_sleep_ns(5 * NS_PER_MS)) {
        json_t *there = get_run(c, id);
        bool good = there && count_of(c, id) == n;
        json_decref(there);
        if (good) break;
    }
    assert_int_equal(count_of(c, id), n);
}

static answer snapshot_at(core *c, const char *id, int64_t step) {
    answer a = {0};
    core_get_snapshot(c, id, step, got, &a);
    await(c, &a);
    return a;
}

static void expect_snapshot(core *c, const char *id, int64_t step, const buf *bytes) {
    answer a = snapshot_at(c, id, step);
    assert_int_equal(a.status, 200);
    assert_int_equal(a.length, bytes->length);
    assert_memory_equal(a.text, bytes->data, bytes->length);
    mem_free(a.text);
}

static void wait_snapshot(core *c, const char *id, int64_t step, const buf *bytes) {
    bool same = false;
    for (int64_t until = clock_mono_ns() + 30 * NS_PER_S; !same && clock_mono_ns() < until;
         clock_sleep_ns(5 * NS_PER_MS)) {
        json_t *there = get_run(c, id);
        answer a = there ? snapshot_at(c, id, step) : (answer){0};
        same = a.status == 200 && a.length == bytes->length &&
               !memcmp(a.text, bytes->data, bytes->length);
        json_decref(there);
        mem_free(a.text);
    }
    expect_snapshot(c, id, step, bytes);
}

static size_t files_in_blobs(const char *dir) {
    char path[PATH_CAP];
    size_t n = 0;
    file_path(path, "%s/blobs", dir);
    DIR *d = opendir(path);
    for (struct dirent *e; d && (e = readdir(d));) {
        char sub[PATH_CAP];
        file_path(sub, "%s/%s", path, e->d_name);
        DIR *s = e->d_name[0] == '.' ? NULL : opendir(sub);
        for (struct dirent *f; s && (f = readdir(s));)
            n += f->d_name[0] != '.';
        if (s) closedir(s);
    }
    if (d) closedir(d);
    return n;
}

static void wait_files(const char *dir, size_t n) {
    for (int i = 0; i < 2000 && files_in_blobs(dir) != n; i++)
        clock_sleep_ns(5 * NS_PER_MS);
    assert_int_equal(files_in_blobs(dir), n);
}

// Chains with a key frame every 16th; every one as it came, also by a server that has nothing in its cache.
static void test_exact(void **state) {
    enum { N = 40 };
    journal j;
    buf bytes[N] = {0};
    fake f = fake_new(4);
    core *c = open_core(*state);
    journal_begin(&j, *state, "", 0);
    for (int i = 0; i < N; i++) {
        fake_train(&f, 0.003);
        fake_snapshot(&f, 10 * i, 1000.0 * i, &bytes[i]);
        journal_seen(&j, CAPTURE_SNAPSHOT, 0, 10 * i, i == 20 ? CAPTURE_KEPT : 0, &bytes[i]);
    }
    wait_count(c, j.run.text, N);
    for (int i = N; i-- > 0;)
        expect_snapshot(c, j.run.text, 10 * i + i % 10, &bytes[i]);
    json_t *json = list(c, j.run.text, 10000), *rows = json_object_get(json, "snapshots");
    size_t keys = 0, all = 0;
    for (int i = 0; i < N; i++) {
        json_t *row = json_array_get(rows, (size_t)i);
        assert_int_equal(json_integer_value(json_object_get(row, "step")), 10 * i);
        assert_int_equal(json_array_size(json_object_get(row, "flags")), i == 20 ? 1 : 0);
        if (json_is_true(json_object_get(row, "key"))) keys++;
        all += (size_t)json_integer_value(json_object_get(row, "bytes"));
    }
    assert_int_equal(keys, 3); // 0, 16, 32
    assert_int_equal(json_integer_value(json_object_get(json, "bytes")), all);
    assert_int_equal(json_integer_value(json_object_get(json, "limit")), 1 << 30);
    assert_true(json_number_value(json_object_get(json, "per_hour")) > 0);
    assert_true(all < N * bytes[0].length / 2);
    json_decref(json);
    json = list(c, j.run.text, 15);
    assert_int_equal(json_array_size(json_object_get(json, "snapshots")), 15);
    assert_int_equal(json_integer_value(json_object_get(json, "next")), 141);
    json_decref(json);
    core_close(c);
    c = open_core(*state);
    expect_snapshot(c, j.run.text, 315, &bytes[31]); // the end of a chain
    expect_snapshot(c, j.run.text, 0, &bytes[0]);
    answer a = snapshot_at(c, j.run.text, -1);
    assert_int_equal(a.status, 404);
    mem_free(a.text);

    // Once over it can be looked at, and deleted: its files go.
    journal_close(&j);
    journal_end(&j);
    assert_true(wait_run(c, j.run.text, "finished", 0, 10000));
    char text[128];
    snprintf(text, sizeof text, "{\"type\":\"look\",\"id\":5,\"run\":\"%s\",\"what\":[\"units\"]}",
             j.run.text);
    viewer *v = viewer_open(c, &(viewer_options){.name = "v", .scopes = SCOPE_READ}, NULL);
    viewer_message(v, text, strlen(text), &tester, SCOPE_READ);
    frame *shown = NULL;
    for (int i = 0; i < 5000 && (!shown || shown->text); i++) {
        frame_release(shown);
        shown = viewer_next(v);
        if (!shown) clock_sleep_ns(NS_PER_MS);
    }
    assert_true(shown && !shown->text && shown->length == bytes[N - 1].length);
    assert_int_equal(le_u64(shown->data + 8), 5);
    assert_memory_equal(shown->data + 16, bytes[N - 1].data + 16, shown->length - 16);
    frame_release(shown);
    viewer_close(v);
    assert_int_equal(files_in_blobs(*state), N);
    a = (answer){0};
    core_delete_run(c, j.run.text, &tester, got, &a);
    await(c, &a);
    assert_int_equal(a.status, 200);
    mem_free(a.text);
    assert_int_equal(files_in_blobs(*state), 0);
    core_close(c);
    fake_free(&f);
    for (int i = 0; i < N; i++)
        buf_fini(&bytes[i]);
}

// The demo's network at one a second: what it takes, and how long the far end of a chain takes to come.
static void test_figures(void **state) {
    enum { N = 18 };
    journal j;
    buf bytes = {0};
    fake f = fake_new(1);
    core *c = open_core(*state);
    journal_begin(&j, *state, "", 0);
    int64_t began = clock_mono_ns(), made = 0;
    for (int i = 0; i < N; i++) {
        int64_t at = clock_mono_ns();
        fake_train(&f, 0.003);
        fake_snapshot(&f, i, 1000.0 * i, &bytes);
        made += clock_mono_ns() - at;
        journal_seen(&j, CAPTURE_SNAPSHOT, 0, i, 0, &bytes);
    }
    wait_count(c, j.run.text, N);
    int64_t took = clock_mono_ns() - began - made;
    json_t *json = list(c, j.run.text, 100);
    double all = json_number_value(json_object_get(json, "bytes")) / N;
    double key = json_number_value(
        json_object_get(json_array_get(json_object_get(json, "snapshots"), 0), "bytes"));
    json_decref(json);
    core_close(c);
    c = open_core(*state);
    for (int i = 0; i < 2; i++) {
        int64_t at = clock_mono_ns();
        answer a = snapshot_at(c, j.run.text, i == 0 ? 15 : 14);
        assert_int_equal(a.status, 200);
        print_message("step to answer, %s: %.1f ms\n",
                      i == 0 ? "15 differences deep, nothing cached" : "cached",
                      (double)(clock_mono_ns() - at) / 1e6);
        mem_free(a.text);
    }
    print_message("535 k weights: key %.0f kB, average %.0f kB, %.1f ms each\n", key / 1e3,
                  all / 1e3, (double)took / 1e6 / N);
    core_close(c);
    journal_end(&j);
    fake_free(&f);
    buf_fini(&bytes);
}

// A server is killed again and again while snapshots come: each is there once in the end.
static void test_kills(void **state) {
    enum { N = 60, KILLS = 8 };
    journal j;
    buf bytes[N] = {0};
    fake f = fake_new(16);
    uint32_t random = 99;
    journal_begin(&j, *state, "", 0);
    int done = 0;
    for (int k = 0; k < KILLS; k++) {
        pid_t server = trainer(serve_on, *state, "-");
        for (int i = 0; i < N / KILLS + 1 && done < N; i++, done++) {
            fake_train(&f, 0.003);
            fake_snapshot(&f, done, 1000.0 * done, &bytes[done]);
            journal_seen(&j, CAPTURE_SNAPSHOT, 0, done, 0, &bytes[done]);
            clock_sleep_ns((int64_t)(noise(&random) % 60) * NS_PER_MS);
        }
        kill(server, SIGKILL);
        reap(server);
    }
    journal_close(&j);
    journal_end(&j);
    core *c = open_core(*state);
    wait_count(c, j.run.text, (size_t)done);
    assert_true(wait_run(c, j.run.text, "finished", done - 1, 10000));
    assert_int_equal(count_of(c, j.run.text), done);
    for (int i = 0; i < done; i++)
        expect_snapshot(c, j.run.text, i, &bytes[i]);
    wait_files(*state, (size_t)done);
    core_close(c);
    fake_free(&f);
    for (int i = 0; i < N; i++)
        buf_fini(&bytes[i]);
}

// --- retention ----------------------------------------------------------------------------------

// The plan alone: bounds are kept, kept ones stay, the newest stay, distances grow going back.
static void test_plan(void **state) {
    enum { N = 4000 };
    (void)state;
    thin_row *rows = mem_array(N, sizeof *rows);
    for (int i = 0; i < N; i++) {
        rows[i].s =
            (store_snapshot){.id = i + 1, .step = i, .time_ms = 1000 * (int64_t)i, .bytes = 4000};
        if (i == 1000) rows[i].s.flags = CAPTURE_KEPT;
    }
    size_t went = thin_plan(rows, N, 400 * 4096, 100000), left = 0, near_kept = 0, halves[4] = {0};
    for (int i = 0; i < N; i++) {
        if (rows[i].gone) continue;
        left++;
        near_kept += i > 980 && i < 1020;
        halves[i * 4 / N]++;
    }
    assert_int_equal(left, N - went);
    assert_true(left <= 400 && left > 350);
    assert_false(rows[0].gone || rows[1000].gone);
    for (int i = 1000 - 16; i < 1000; i++) // what led to it
        assert_false(rows[i].gone);
    for (int i = N - 32; i < N; i++)
        assert_false(rows[i].gone);
    assert_true(near_kept > 20); // dense there
    assert_true(halves[3] > 2 * halves[2] && halves[0] >= halves[2]);
    for (int i = 0; i < N; i++)
        rows[i] = (thin_row){.s = {.id = i + 1, .time_ms = 5, .bytes = 10, .flags = CAPTURE_KEPT}};
    // All of them kept, all at one time.
    assert_int_equal(N - thin_plan(rows, N, UINT64_MAX, 100), 100);
    mem_free(rows);
}

static void test_retention(void **state) {
    enum { N = 200 };
    journal j;
    buf bytes[N] = {0};
    fake f = fake_new(16);
    core *c = NULL;
    core_options options = {.dir = *state, .snapshot_bytes = 300 * 1024};
    assert_int_equal(core_open(&c, &options, NULL), 0);
    journal_begin(&j, *state, "", 0);
    for (int i = 0; i < N; i++) {
        fake_train(&f, 0.003);
        fake_snapshot(&f, i, 1000.0 * i, &bytes[i]);
        journal_seen(&j, CAPTURE_SNAPSHOT, 0, i, i == 50 ? CAPTURE_KEPT : 0, &bytes[i]);
        if (i % 40 == 39) clock_sleep_ns(20 * NS_PER_MS);
    }
    assert_true(wait_run(c, j.run.text, NULL, N - 1, 20000));
    json_t *json = NULL;
    for (int i = 0; i < 3000; i++, clock_sleep_ns(5 * NS_PER_MS)) {
        json_decref(json);
        json = list(c, j.run.text, 10000);
        size_t n = json_array_size(json_object_get(json, "snapshots"));
        json_t *last = n ? json_array_get(json_object_get(json, "snapshots"), n - 1) : NULL;
        if (json_integer_value(json_object_get(last, "step")) == N - 1 && n * 4096 <= 300 * 1024)
            break;
    }
    json_t *rows = json_object_get(json, "snapshots");
    size_t n = json_array_size(rows);
    assert_true(n >= 32 && n * 4096 <= 300 * 1024);
    bool kept = false;
    for (size_t i = 0; i < n; i++) {
        int64_t step = json_integer_value(json_object_get(json_array_get(rows, i), "step"));
        // Thinning may go on: then an earlier one comes.
        answer a = snapshot_at(c, j.run.text, step);
        assert_int_equal(a.status, 200);
        int64_t came = le_i64((uint8_t *)a.text + 16);
        assert_in_range(came, 0, step);
        assert_memory_equal(a.text, bytes[came].data, a.length);
        mem_free(a.text);
        kept |= step == 50;
    }
    assert_true(kept);
    core_close(c); // those that went leave the disk with the last commit
    c = open_core(*state);
    json_decref(json);
    json = list(c, j.run.text, 10000);
    rows = json_object_get(json, "snapshots");
    n = json_array_size(rows);
    for (size_t i = 0; i < n; i++) {
        int64_t step = json_integer_value(json_object_get(json_array_get(rows, i), "step"));
        expect_snapshot(c, j.run.text, step, &bytes[step]);
    }
    wait_files(*state, count_of(c, j.run.text));
    json_decref(json);
    core_close(c);
    journal_end(&j);
    fake_free(&f);
    for (int i = 0; i < N; i++)
        buf_fini(&bytes[i]);
}

// --- the rest -----------------------------------------------------------------------------------

// The step goes back: what was overtaken is left out.
static void test_attempts(void **state) {
    journal j;
    buf a = {0}, b = {0}, old = {0};
    fake f = fake_new(16);
    core *c = open_core(*state);
    journal_begin(&j, *state, "", 0);
    for (int i = 0; i < 10; i++) {
        fake_train(&f, 0.01);
        fake_snapshot(&f, i, 1000.0 * i, i == 4 ? &old : &a);
        journal_seen(&j, CAPTURE_SNAPSHOT, 0, i, 0, i == 4 ? &old : &a);
    }
    fake_train(&f, 0.01);
    fake_snapshot(&f, 5, 20000, &b);
    // A series makes the attempt known, as any program's would.
    uint8_t series[16] = {SERIES_SCALAR, 0, 1, 0};
    series[8] = 'a';
    put(&j.out, RECORD_SERIES, 1, series, 9);
    journal_seen(&j, CAPTURE_SNAPSHOT, 0, 5, 0, &b);
    double one = 1;
    put(&j.out, RECORD_SCALAR, 1, &one, 8);
    journal_flush(&j);
    // The old 5 to 9 may have been kept before the attempt was known.
    wait_snapshot(c, j.run.text, 9, &b);
    wait_count(c, j.run.text, 6); // 0..4 and the new 5
    expect_snapshot(c, j.run.text, 4, &old);
    core_close(c);
    journal_end(&j);
    fake_free(&f);
    buf_fini(&a);
    buf_fini(&b);
    buf_fini(&old);
}

static void describe(journal *j, const char *const names[3]) {
    char text[200];
    for (uint32_t i = 0; i < 3; i++) {
        snprintf(text, sizeof text,
                 "{\"name\":\"%s\",\"kind\":\"dense\",\"shape\":[2],\"inputs\":[]}", names[i]);
        journal_model(j, MODEL_LAYER, i + 1, text);
        snprintf(text, sizeof text,
                 "{\"name\":\"%s/"
                 "w\",\"layer\":\"%s\",\"role\":\"weight\",\"dtype\":\"float32\",\"shape\":[2]}",
                 names[i], names[i]);
        journal_model(j, MODEL_TENSOR, i + 1, text);
    }
}

// A snapshot of one weight for each layer: {step, number}.
static void snap(journal *j, int64_t step, buf *out) {
    capture_head head = {
        .kind = CAPTURE_SNAPSHOT, .step = step, .last_step = step, .base_step = step};
    buf_clear(out);
    size_t begin = capture_begin(out, &head);
    for (uint32_t i = 1; i <= 3; i++) {
        float values[2] = {(float)step, (float)i};
        capture_add(out,
                    &(capture_section){.quantity = QUANTITY_WEIGHT,
                                       .coding = CODING_F32,
                                       .dims = 1,
                                       .layer = i,
                                       .tensor = i,
                                       .shape = {2}},
                    values);
    }
    capture_end(out, begin);
    journal_seen(j, CAPTURE_SNAPSHOT, 0, step, 0, out);
}

// The second value of the tensor's weights in the snapshot at `step`; -1: it does not hold them.
static double weight_of(core *c, const char *id, const char *name, int64_t step) {
    answer a = {0};
    core_get_values(c, &(core_values){.run = id, .tensor = name, .step = step, .form = CORE_JSON},
                    got, &a);
    await(c, &a);
    double value = -1;
    if (a.status == 200) {
        json_t *json = json_of(&a);
        assert_int_equal(json_integer_value(json_object_get(json, "step")), step);
        value = json_number_value(json_array_get(json_object_get(json, "values"), 1));
        json_decref(json);
    }
    mem_free(a.text);
    return value;
}

// A program that resumes the run describes its layers in another order, has a new one and lacks an old one.
static void test_other_order(void **state) {
    static const char *const before[] = {"a", "b", "c"}, *const after[] = {"c", "new", "a"};
    journal j, next;
    buf bytes = {0};
    core *c = open_core(*state);
    journal_begin(&j, *state, "", 0);
    describe(&j, before);
    snap(&j, 1, &bytes);
    wait_count(c, j.run.text, 1);
    journal_close(&j);
    journal_end(&j);
    assert_true(wait_run(c, j.run.text, "finished", 1, 20000));
    clock_sleep_ns(5 * NS_PER_MS);
    journal_begin(&next, *state, j.run.text, 0);
    describe(&next, after);
    snap(&next, 2, &bytes);
    wait_count(c, j.run.text, 2);
    for (int turn = 0; turn < 2; turn++) {
        assert_true(weight_of(c, j.run.text, "c/w", 2) == 1 &&
                    weight_of(c, j.run.text, "a/w", 2) == 3);
        assert_true(weight_of(c, j.run.text, "new/w", 2) == 2);
        assert_true(weight_of(c, j.run.text, "c/w", 1) == 3 &&
                    weight_of(c, j.run.text, "a/w", 1) == 1);
        assert_true(weight_of(c, j.run.text, "new/w", 1) == -1);
        answer a = snapshot_at(c, j.run.text, 1);
        capture_head head;
        assert_int_equal(a.status, 200);
        assert_int_equal(capture_open(a.text, a.length, &head), 0);
        assert_int_equal(head.sections, 2); // b is no longer there
        mem_free(a.text);
        core_close(c);
        c = open_core(*state);
    }
    core_close(c);
    journal_end(&next);
    buf_fini(&bytes);
}

// Blobs that are missing, empty, of another kind, packed, cut, or no file: dropped, and the good one behind them is kept.
static void test_hostile(void **state) {
    journal j;
    char path[PATH_CAP];
    buf good = {0}, bad = {0}, huge = {0};
    fake f = fake_new(16);
    core *c = open_core(*state);
    journal_begin(&j, *state, "", 0);
    fake_snapshot(&f, 1, 1000, &good);
    journal_seen(&j, CAPTURE_SNAPSHOT, 0, 1, 0, &bad); // empty
    for (size_t at = 0; at < 200; at += 3) { // one byte wrong somewhere in head and first section
        buf_clear(&bad);
        buf_add(&bad, good.data, good.length);
        bad.data[at] ^= 0xA5;
        journal_seen(&j, at % 2 ? CAPTURE_SNAPSHOT : CAPTURE_PUSH, 0, 2, 0, &bad);
    }
    buf_clear(&bad);
    buf_add(&bad, good.data, good.length / 2);
    journal_seen(&j, CAPTURE_SNAPSHOT, 0, 3, 0, &bad);
    journal_step(&j, 4);
    journal_capture(&j, CAPTURE_SNAPSHOT, 0, 4, 999999, 10, 0, ""); // never comes
    journal_capture(&j, 77, 0, 4, 1000000, 10, 0, "");              // of a later day
    stage_blob_path(path, j.folder, j.process.text, ++j.blobs);
    assert_int_equal(symlink("/etc/passwd", path), 0);
    journal_capture(&j, CAPTURE_SNAPSHOT, 0, 4, j.blobs, 10, 0, "");
    journal_seen(&j, CAPTURE_SNAPSHOT, 0, 5, 0, &good);
    // 64 MB, mostly zeros: as large as a network of 64 M weights.
    capture_head head = {.kind = CAPTURE_SNAPSHOT, .step = 6, .last_step = 6, .base_step = 6};
    size_t begin = capture_begin(&huge, &head);
    size_t at = capture_add(&huge,
                            &(capture_section){.quantity = QUANTITY_WEIGHT,
                                               .coding = CODING_I8,
                                               .dims = 2,
                                               .layer = 1,
                                               .tensor = 1,
                                               .shape = {8192, 8192},
                                               .scale = 1},
                            NULL);
    memset(huge.data + at, 3, (size_t)64 << 20);
    capture_end(&huge, begin);
    journal_seen(&j, CAPTURE_SNAPSHOT, 0, 6, 0, &huge);
    bool there = false;
    for (int i = 0; i < 3000 && !there; i++, clock_sleep_ns(5 * NS_PER_MS)) {
        answer a = snapshot_at(c, j.run.text, 6);
        capture_head h;
        there = a.status == 200 && capture_open(a.text, a.length, &h) == 0 && h.step == 6;
        mem_free(a.text);
    }
    assert_true(there);
    expect_snapshot(c, j.run.text, 6, &huge);
    expect_snapshot(c, j.run.text, 5, &good);
    journal_close(&j);
    journal_end(&j);
    assert_true(wait_run(c, j.run.text, "finished", 0, 20000));
    json_t *shown = get_run(c, j.run.text);
    assert_true(json_integer_value(json_object_get(shown, "dropped")) > 20);
    json_decref(shown);
    core_close(c);
    fake_free(&f);
    buf_fini(&good);
    buf_fini(&bad);
    buf_fini(&huge);
}

// What a server that was killed left half done goes at the next start; names that are not its own stay.
static void test_sweep(void **state) {
    char path[5][PATH_CAP];
    nns_id gone;
    assert_int_equal(id_new(&gone), 0);
    core_close(open_core(*state));
    file_path(path[0], "%s/runs/%s.deleted", (char *)*state, gone.text);
    file_path(path[1], "%s/blobs/ab", (char *)*state);
    assert_int_equal(file_folder(path[0]) | file_folder(path[1]), 0);
    file_path(path[2], "%s/old.out", path[0]);
    file_path(path[3], "%s/abcd.1.tmp", path[1]);
    file_path(path[4], "%s/runs/mine.deleted", (char *)*state);
    for (int i = 2; i < 5; i++)
        assert_int_equal(file_write(path[i], "x", 1), 0);
    core *c = open_core(*state);
    for (int i = 0; i < 2000 && (access(path[0], F_OK) == 0 || access(path[3], F_OK) == 0); i++)
        clock_sleep_ns(5 * NS_PER_MS);
    assert_int_not_equal(access(path[0], F_OK), 0);
    assert_int_not_equal(access(path[3], F_OK), 0);
    assert_int_equal(access(path[4], F_OK), 0);
    core_close(c);
}

// A server that runs has taken its predecessor's last word away.
static bool is_held(const char *dir) {
    struct stat st;
    char path[PATH_CAP];
    file_path(path, "%s/server.lock", dir);
    return stat(path, &st) == 0 && st.st_size == 0;
}

// Files that no row names go after a kill, and only then, also those of a thinning that the kill cut short; those that a
// row names stay.
static void test_orphans(void **state) {
    enum { N = 72, KILLS = 6 };
    journal j;
    buf bytes = {0};
    fake f = fake_new(16);
    char folder[PATH_CAP], path[PATH_CAP];
    file_path(folder, "%s/blobs/ab", (char *)*state);
    file_path(path, "%s/ab%062d", folder, 7);
    // Until one had the time to look for orphans.
    for (int i = 0; i < 50 && (i == 0 || is_held(*state)); i++) {
        core *early = open_core(*state);
        clock_sleep_ns(20 * i * NS_PER_MS);
        core_close(early);
    }
    assert_int_equal(file_folder(folder) | file_write(path, "x", 1), 0);
    core_close(open_core(*state));
    assert_int_equal(access(path, F_OK), 0);
    journal_begin(&j, *state, "", 0);
    for (int k = 0; k < KILLS; k++) {
        pid_t server = trainer(serve_little, *state, "-");
        for (int i = 0; i < 6000 && !is_held(*state); i++)
            clock_sleep_ns(5 * NS_PER_MS);
        for (int i = k * N / KILLS; i < (k + 1) * N / KILLS; i++) {
            fake_train(&f, 0.003);
            fake_snapshot(&f, i, 1000.0 * i, &bytes);
            journal_seen(&j, CAPTURE_SNAPSHOT, 0, i, 0, &bytes);
            clock_sleep_ns(10 * NS_PER_MS);
        }
        kill(server, SIGKILL);
        reap(server);
    }
    journal_close(&j);
    journal_end(&j);
    core *c = open_little(*state);
    assert_true(wait_run(c, j.run.text, "finished", N - 1, 20000));
    for (int i = 0; i < 4000 && files_in_blobs(*state) != count_of(c, j.run.text); i++)
        clock_sleep_ns(5 * NS_PER_MS);
    assert_int_not_equal(access(path, F_OK), 0);
    core_close(c);
    c = open_little(*state);
    wait_files(*state, count_of(c, j.run.text));
    json_t *json = list(c, j.run.text, 10000), *item;
    size_t i;
    assert_true(count_of(c, j.run.text) >= 8);
    json_array_foreach(json_object_get(json, "snapshots"), i, item) {
        answer a = snapshot_at(c, j.run.text, json_integer_value(json_object_get(item, "step")));
        assert_int_equal(a.status, 200);
        mem_free(a.text);
    }
    json_decref(json);
    core_close(c);
    fake_free(&f);
    buf_fini(&bytes);
}

int main(int argc, char **argv) {
    child_main(argc, argv);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_exact, make, unmake),
        cmocka_unit_test_setup_teardown(test_figures, make, unmake),
        cmocka_unit_test_setup_teardown(test_kills, make, unmake),
        cmocka_unit_test_setup_teardown(test_plan, make, unmake),
        cmocka_unit_test_setup_teardown(test_retention, make, unmake),
        cmocka_unit_test_setup_teardown(test_attempts, make, unmake),
        cmocka_unit_test_setup_teardown(test_hostile, make, unmake),
        cmocka_unit_test_setup_teardown(test_sweep, make, unmake),
        cmocka_unit_test_setup_teardown(test_orphans, make, unmake),
        cmocka_unit_test_setup_teardown(test_other_order, make, unmake),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
