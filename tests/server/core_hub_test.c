// The hub against a naive model: viewers of all tempers (quick, slow, stalled, coming and going, few or many series, low
// rates) look at a run that records by HTTP at random; in the end each holds exactly the points of the run. A viewer
// here is a page reduced to its rule: a snapshot replaces, a live block at a higher ordinal than known is a fault
// unless it says gap, rows below are repeats.
#include "core_support.h"

enum { VIEWERS = 24, SERIES = 6, ROUNDS = 150, HELD_MAX = 200000 };

typedef struct held { // what a viewer knows of a series
    uint64_t count;   // ordinals 0..count
    double sum;       // of values (raw), or mean * count of buckets
    bool gap;
} held;

typedef struct watcher {
    viewer *v;
    held series[SERIES];
    int pace; // frames taken at a round; 0 stalled
    uint32_t id;
    const char *wanted;
    int snapshots, live;
} watcher;

static int series_of(const char *name, size_t bytes) {
    return bytes == 2 && name[0] == 's' && name[1] >= '0' && name[1] < '0' + SERIES ? name[1] - '0'
                                                                                    : -1;
}

static double sum_of(const uint8_t *at, uint32_t rows, bool raw, uint64_t skip) {
    double sum = 0;
    size_t name = 8;
    const uint8_t *column = at + 48 + name;
    for (uint32_t i = (uint32_t)skip; i < rows; i++) {
        if (raw) {
            sum += le_f64(column + 16 * (size_t)rows + 8 * (size_t)i);
            continue;
        }
        size_t pad = ((size_t)rows * 4 + 7) / 8 * 8, floats = 24 * (size_t)rows;
        sum += (double)le_f32(column + floats + 2 * pad + 4 * (size_t)i) *
               le_u32(column + floats + 4 * pad + 4 * (size_t)i);
    }
    return sum;
}

static void take_block(watcher *w, const uint8_t *at, int kind) {
    unsigned flags = le_u16(at + 4);
    int s = series_of((const char *)at + 48, le_u16(at + 6));
    assert_true(s >= 0);
    held *h = &w->series[s];
    if (flags & FRAME_UNKNOWN) return;
    uint32_t rows = le_u32(at + 8);
    uint64_t from = le_u64(at + 16), to = le_u64(at + 24);
    bool raw = flags & FRAME_RAW;
    if (kind == FRAME_SNAPSHOT) {
        *h = (held){.count = to, .sum = sum_of(at, rows, raw, 0)};
        return;
    }
    if (h->gap || (flags & FRAME_GAP)) { // the server will send a new snapshot
        h->gap = true;
        return;
    }
    assert_true(from <= h->count);
    if (to <= h->count) return;
    uint64_t skip = h->count - from;
    assert_true(raw || skip == 0);
    h->sum += sum_of(at, rows, raw, raw ? skip : 0);
    h->count = to;
}

static void take_frame(watcher *w, const frame *f) {
    if (f->text) return;
    assert_int_equal(le_u32(f->data), FRAME_MAGIC);
    int kind = le_u16(f->data + 4);
    uint32_t blocks = le_u32(f->data + 12);
    size_t at = 48;
    if (kind == FRAME_SNAPSHOT && le_u32(f->data + 8) != w->id) return; // of an old subscription
    w->snapshots += kind == FRAME_SNAPSHOT;
    w->live += kind == FRAME_LIVE;
    for (uint32_t i = 0; i < blocks; i++) {
        assert_true(at + 48 <= f->length);
        take_block(w, f->data + at, kind);
        at += le_u32(f->data + at);
    }
    assert_int_equal(at, f->length);
}

static int take(watcher *w, int most) {
    int n = 0;
    for (frame *f; n < most && (f = viewer_next(w->v)); n++) {
        take_frame(w, f);
        frame_release(f);
    }
    return n;
}

static void join(core *c, watcher *w, const char *run, uint64_t *random) {
    static const char *const wanted[] = {"[\"s*\"]", "[\"s0\"]", "[\"s1\",\"s3\"]", "[\"*\"]",
                                         "[\"s5\",\"s2\"]"};
    static const int rates[] = {60, 60, 10, 3};
    char text[256];
    if (!w->v) w->v = viewer_open(c, &(viewer_options){.name = "w", .scopes = SCOPE_READ}, w);
    assert_non_null(w->v);
    memset(w->series, 0, sizeof w->series);
    w->wanted = wanted[random_below(random, 5)];
    if (w->id) {
        snprintf(text, sizeof text, "{\"type\":\"unsubscribe\",\"id\":%u}", w->id);
        viewer_message(w->v, text, strlen(text), &tester, SCOPE_READ);
    }
    while (take(w, 1000)) { // the old subscription's frames
    }
    memset(w->series, 0, sizeof w->series);
    w->id++;
    w->pace = (int[]){0, 1, 2, 1000}[random_below(random, 4)];
    snprintf(text, sizeof text,
             "{\"type\":\"subscribe\",\"id\":%u,\"run\":\"%s\",\"series\":%s,\"buckets\":%d,"
             "\"rate\":%d}",
             w->id, run, w->wanted, (int)(20 + random_below(random, 5000)),
             rates[random_below(random, 4)]);
    viewer_message(w->v, text, strlen(text), &tester, SCOPE_READ);
}

static bool wants(const watcher *w, int s) {
    char name[8];
    snprintf(name, sizeof name, "\"s%d\"", s);
    return strchr(w->wanted, '*') || strstr(w->wanted, name);
}

static void note(void *context, void *user) {
    (void)context;
    (void)user;
}

static bool settled(watcher *w, const uint64_t *count, const double *sum, bool say) {
    for (int s = 0; s < SERIES; s++) {
        if (!wants(w, s)) continue;
        const held *h = &w->series[s];
        double error = fabs(h->sum - sum[s]);
        if (h->count == count[s] && error <= 1e-5 * (1 + (double)count[s] * 2)) continue;
        if (say)
            print_error("viewer %u series %d (%s): has %llu points, sum %g; the run %llu, %g; %d "
                        "snapshots, %d live\n",
                        w->id, s, w->wanted, (unsigned long long)h->count, h->sum,
                        (unsigned long long)count[s], sum[s], w->snapshots, w->live);
        return false;
    }
    return true;
}

static void test_hub(void **state) {
    core *c = open_core(*state);
    uint64_t random = random_seed(), count[SERIES] = {0};
    double sum[SERIES] = {0};
    watcher w[VIEWERS] = {0};
    core_reply reply = {0};
    char run[27] = "";
    core_post_run(c, "{}", 2, &tester, &reply);
    memcpy(run, strstr((char *)reply.body.data, "\"id\":\"") + 6, 26);
    buf_fini(&reply.body);
    buf points = {0};
    int64_t step = 0;
    for (int round = 0; round < ROUNDS; round++) {
        int burst = random_below(&random, 20) == 0 ? 20000 : (int)random_below(&random, 40);
        buf_clear(&points);
        for (int i = 0; i < burst; i++) {
            buf_print(&points, "{\"step\":%lld", (long long)step++);
            for (int s = 0; s < SERIES; s++) {
                // S4 comes late.
                if (random_below(&random, 1u << s) != 0 || (s == 4 && round < ROUNDS / 2)) continue;
                int value = (int)random_below(&random, 3);
                buf_print(&points, ",\"s%d\":%d", s, value);
                count[s]++;
                sum[s] += value;
            }
            buf_text(&points, "}\n");
        }
        buf_char(&points, 0);
        answer a = post_points(c, run, (char *)points.data);
        assert_int_equal(a.status, 200);
        mem_free(a.text);
        for (int i = 0; i < VIEWERS; i++) {
            if (!w[i].v || random_below(&random, 60) == 0)
                join(c, &w[i], run, &random);
            else if (random_below(&random, 80) == 0) {
                viewer_close(w[i].v);
                w[i].v = NULL;
                w[i].id = 0;
                join(c, &w[i], run, &random);
            }
            take(&w[i], w[i].pace);
        }
        core_ready_viewers(c, note, NULL);
        clock_sleep_ns((int64_t)random_below(&random, 12) * NS_PER_MS);
    }
    buf_fini(&points);
    int good = 0;
    for (int64_t until = clock_mono_ns() + 60 * NS_PER_S; good < VIEWERS && clock_mono_ns() < until;
         clock_sleep_ns(NS_PER_MS)) {
        good = 0;
        core_ready_viewers(c, note, NULL);
        for (int i = 0; i < VIEWERS; i++) {
            take(&w[i], 100);
            good += settled(&w[i], count, sum, false);
        }
    }
    int snapshots = 0, live = 0;
    for (int i = 0; i < VIEWERS; i++) {
        settled(&w[i], count, sum, true);
        snapshots += w[i].snapshots;
        live += w[i].live;
    }
    printf("%d snapshots, %d live frames, %lld steps\n", snapshots, live, (long long)step);
    assert_int_equal(good, VIEWERS);
    assert_true(live > snapshots);
    for (int i = 0; i < VIEWERS - 2; i++) // the last two are closed by core_close
        viewer_close(w[i].v);
    core_close(c);
}

static void test_messages(void **state) {
    static const char *const bad[] = {
        "",
        "x",
        "[]",
        "{}",
        "{\"type\":7}",
        "{\"type\":\"nothing\",\"id\":3}",
        "{\"type\":\"subscribe\",\"id\":1}",
        "{\"type\":\"subscribe\",\"id\":1,\"run\":\"x\",\"series\":[\"a\"]}",
        "{\"type\":\"subscribe\",\"id\":1,\"series\":[7]}",
        "{\"type\":\"query\",\"id\":-1,\"run\":5,\"series\":[\"\"]}",
        "{\"type\":\"watch\",\"id\":1,\"run\":\"../../etc/passwd\"}",
        "{\"type\":\"command\",\"id\":9,\"run\":\"x\"}",
        "{\"type\":\"unsubscribe\",\"id\":99}"};
    core *c = open_core(*state);
    viewer *v = viewer_open(c, &(viewer_options){.name = "\"<b>", .scopes = SCOPE_READ}, NULL);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        viewer_message(v, bad[i], strlen(bad[i]), &tester, SCOPE_READ);
    const char *command =
        "{\"type\":\"command\",\"id\":4,\"run\":\"x\",\"command\":{\"type\":\"pause\"}}";
    viewer_message(v, command, strlen(command), &tester, SCOPE_READ);
    const char *runs = "{\"type\":\"watch_runs\"}";
    viewer_message(v, runs, strlen(runs), &tester, SCOPE_READ);
    int errors = 0, forbidden = 0, hello = 0, lists = 0;
    for (int i = 0; i < 200; i++) {
        frame *f = viewer_next(v);
        if (!f) {
            clock_sleep_ns(5 * NS_PER_MS);
            continue;
        }
        json_t *json = json_loadb((char *)f->data, f->length, 0, NULL);
        assert_non_null(json);
        errors += strcmp(text_in(json, "type"), "error") == 0;
        hello += strcmp(text_in(json, "type"), "hello") == 0;
        lists += strcmp(text_in(json, "type"), "runs") == 0;
        forbidden += strcmp(text_in(json_object_get(json, "error"), "code"), "forbidden") == 0;
        json_decref(json);
        frame_release(f);
    }
    assert_int_equal(hello, 1);
    assert_int_equal(lists, 1);
    assert_int_equal(forbidden, 2); // both commands
    // All but the unsubscribe, and the good command.
    assert_int_equal(errors, sizeof bad / sizeof *bad);
    viewer_close(v);
    core_close(c);
}

const body bodies[] = {{0}};

int main(int argc, char **argv) {
    child_main(argc, argv);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_hub, make, unmake),
        cmocka_unit_test_setup_teardown(test_messages, make, unmake),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
