// Tests of values: every one that a program logs, from any thread, stands in the journal, once and in order.
#include "heard.h"

#include <math.h>
#include <pthread.h>

#define THREADS 8
#define PER_THREAD 20000

static heard h;
static nns_run *run;

static int setup(void **state) {
    (void)state;
    heard_init(&h);
    run = nns_open(&(nns_options){.project = "test", .name = "values", .quiet = true});
    assert_non_null(run);
    heard_find(&h, nns_run_id(run));
    return 0;
}

static int teardown(void **state) {
    (void)state;
    heard_fini(&h);
    return 0;
}

static void close_and_read(int status) {
    nns_close(run, status);
    heard_read(&h);
}

static void *log_many(void *context) {
    char name[32];
    snprintf(name, sizeof name, "thread/%d", (int)(intptr_t)context);
    nns_series mine = nns_series_open(run, name), shared = nns_series_open(run, "shared");
    for (int i = 0; i < PER_THREAD; i++) {
        nns_scalar(run, mine, i);
        if (i % 100 == 0) nns_scalar(run, shared, i);
        if (i % 2000 == 0) sleep_ms(1);
    }
    return NULL;
}

static void each_thread_s_values_come_in_order(void **state) {
    (void)state;
    pthread_t threads[THREADS];
    assert_true(nns_step(run, 7));
    for (int i = 0; i < THREADS; i++)
        pthread_create(&threads[i], NULL, log_many, (void *)(intptr_t)i);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    nns_stats stats;
    nns_stats_get(run, &stats);
    assert_int_equal(stats.dropped_records, 0);
    assert_true(stats.salvageable);
    close_and_read(0);
    for (int t = 0; t < THREADS; t++) {
        char name[32];
        snprintf(name, sizeof name, "thread/%d", t);
        uint32_t series = heard_series(&h, name, SERIES_SCALAR);
        int next = 0;
        for (size_t i = 0; i < h.count; i++) {
            if (h.items[i].kind != RECORD_SCALAR || h.items[i].a != series) continue;
            assert_true(le_f64(h.items[i].at + 8) == next++);
            assert_int_equal(h.items[i].step, 7);
        }
        assert_int_equal(next, PER_THREAD);
    }
    uint32_t shared = heard_series(&h, "shared", SERIES_SCALAR);
    size_t n = 0;
    while (heard_nth(&h, RECORD_SCALAR, shared, n))
        n++;
    assert_int_equal(n, THREADS * PER_THREAD / 100);
}

static void *log_one(void *context) {
    nns_scalar_named(run, "short", (double)(intptr_t)context);
    return NULL;
}

// Threads that come and go one after the other share lanes: no lane per thread.
static void lanes_are_used_again(void **state) {
    (void)state;
    nns_step(run, 0);
    for (intptr_t i = 0; i < 500; i++) {
        pthread_t thread;
        pthread_create(&thread, NULL, log_one, (void *)i);
        pthread_join(thread, NULL);
    }
    close_and_read(0);
    uint32_t series = heard_series(&h, "short", SERIES_SCALAR), most = 0;
    for (intptr_t i = 0; i < 500; i++) {
        const heard_record *r = heard_nth(&h, RECORD_SCALAR, series, (size_t)i);
        assert_non_null(r);
        assert_true(le_f64(r->at + 8) == (double)i);
        if (r->lane > most) most = r->lane;
    }
    assert_true(most < 8);
}

static void names_are_checked(void **state) {
    (void)state;
    char name[300];
    memset(name, 'x', sizeof name);
    name[256] = 0;
    assert_int_equal(nns_series_open(run, name), 0);
    name[255] = 0;
    assert_int_not_equal(nns_series_open(run, name), 0);
    assert_int_equal(nns_series_open(run, ""), 0);
    assert_int_equal(nns_series_open(run, NULL), 0);
    assert_int_equal(nns_series_open(run, "a\nb"), 0);
    assert_int_equal(nns_series_open(run, "\xFF"), 0);
    assert_int_equal(nns_series_open(run, "\xC0\x80"), 0);
    assert_int_not_equal(nns_series_open(run, "\xC3\xA4/\xF0\x9F\x98\x80"), 0);
    nns_series loss = nns_series_open_as(run, "loss", "nat", NNS_LOWER);
    assert_int_equal(nns_series_open(run, "loss"), loss);
    nns_text(run, "loss", "of another kind: left out");
    close_and_read(0);
    assert_int_equal(heard_series(&h, "loss", SERIES_SCALAR), loss);
    assert_int_equal(heard_series(&h, "loss", SERIES_TEXT), 0);
    for (size_t i = 0; i < h.count; i++)
        if (h.items[i].kind == RECORD_SERIES && h.items[i].a == loss) {
            assert_int_equal(h.items[i].at[9], NNS_LOWER);
            assert_memory_equal(h.items[i].at + 16, "lossnat", 7);
        }
}

static void scalars_are_kept_bit_for_bit(void **state) {
    (void)state;
    double values[] = {0.0, -0.0, 1e308, -5e-324, NAN, INFINITY, -INFINITY, 0.1};
    nns_series s = nns_series_open(run, "bits");
    nns_step(run, 1);
    for (size_t i = 0; i < 8; i++)
        nns_scalar(run, s, values[i]);
    nns_scalar(run, 0, 1);
    nns_scalar(NULL, s, 1);
    close_and_read(0);
    for (size_t i = 0; i < 8; i++)
        assert_memory_equal(heard_nth(&h, RECORD_SCALAR, s, i)->at + 8, &values[i], 8);
    assert_null(heard_nth(&h, RECORD_SCALAR, s, 8));
}

static void histogram_text_sample(void **state) {
    (void)state;
    float counts[] = {1, 2, 3}, chances[] = {0.25f, 0.75f};
    uint8_t pixels[6] = {1, 2, 3, 4, 5, 6};
    nns_step(run, 3);
    nns_histogram(run, "h", -1, 2, counts, 3);
    nns_histogram(run, "h", 2, -1, counts, 3);
    nns_histogram(run, "h", NAN, 1, counts, 3);
    nns_histogram(run, "h", 0, 1, counts, 5000);
    nns_text(run, "t", "a text");
    nns_sample(run, "s", 3, 2, pixels, 1, chances, 2);
    nns_progress(run, 0.5, 1000);
    nns_mark(run, "say \"hello\"");
    close_and_read(0);
    const heard_record *r = heard_nth(&h, RECORD_HISTOGRAM, UINT32_MAX, 0);
    assert_int_equal(r->step, 3);
    assert_int_equal(le_u32(r->at + 8), 3);
    assert_true(le_f64(r->at + 16) == -1 && le_f64(r->at + 24) == 2);
    assert_memory_equal(r->at + 32, counts, sizeof counts);
    assert_int_equal(heard_count(&h, RECORD_HISTOGRAM), 1);
    r = heard_nth(&h, RECORD_TEXT, UINT32_MAX, 0);
    assert_string_equal(heard_text(r->at + 16, le_u32(r->at + 8)), "a text");
    r = heard_nth(&h, RECORD_SAMPLE, UINT32_MAX, 0);
    assert_int_equal(le_u16(r->at + 8), 3);
    assert_int_equal(le_i32(r->at + 12), 1);
    assert_memory_equal(r->at + 24, chances, sizeof chances);
    assert_memory_equal(r->at + 32, pixels, sizeof pixels);
    r = heard_nth(&h, RECORD_PROGRESS, UINT32_MAX, 0);
    assert_true(le_f64(r->at + 8) == 0.5 && le_i64(r->at + 16) == 1000);
    r = heard_nth(&h, RECORD_EVENT, EVENT_MARK, 0);
    assert_string_equal(heard_event_text(r), "{\"text\":\"say \\\"hello\\\"\"}");
}

static void images_go_to_files(void **state) {
    (void)state;
    enum { W = 64, H = 48 };
    static uint8_t pixels[W * H * 3];
    for (size_t i = 0; i < sizeof pixels; i++)
        pixels[i] = (uint8_t)(i * 7);
    nns_step(run, 5);
    nns_image(run, "picture", NNS_IMAGE_RGB8, W, H, pixels, sizeof pixels, "a caption");
    nns_image(run, "picture", NNS_IMAGE_RGB8, W, H, pixels, sizeof pixels - 1, NULL); // wrong size
    static uint8_t huge[20 << 20];
    nns_image(run, "picture", NNS_IMAGE_PNG, 0, 0, huge, sizeof huge, NULL); // never fits
    nns_stats stats;
    nns_stats_get(run, &stats);
    assert_int_equal(stats.dropped_large, 1);
    close_and_read(0);
    assert_int_equal(heard_count(&h, RECORD_IMAGE), 1);
    const heard_record *r = heard_nth(&h, RECORD_IMAGE, UINT32_MAX, 0);
    char path[PATH_CAP];
    buf blob = {0};
    snprintf(path, sizeof path, "%s/%s-%016llx.blob", h.folder, h.process,
             (unsigned long long)le_u64(r->at + 24));
    assert_int_equal(file_read(path, 1 << 20, &blob), 0);
    assert_int_equal(blob.length, sizeof pixels);
    assert_memory_equal(blob.data, pixels, sizeof pixels);
    assert_string_equal(heard_text(r->at + 40, le_u16(r->at + 18)), "a caption");
    buf_fini(&blob);
}

static void facts_are_json(void **state) {
    (void)state;
    nns_fact_json(run, "config", "{\"layers\": [512, 256], \"name\": \"\\u00e4\"}");
    nns_fact_json(run, "broken", "{\"layers\": [512, 256}");
    nns_fact_text(run, "optimizer", "ad\"am");
    nns_fact_double(run, "beta", 0.9);
    nns_fact_int(run, "batch", 128);
    close_and_read(0);
    static const char *const wanted[][2] = {
        {"config", "{\"layers\": [512, 256], \"name\": \"\\u00e4\"}"},
        {"broken", "\"{\\\"layers\\\": [512, 256}\""},
        {"optimizer", "\"ad\\\"am\""},
        {"beta", "0.9"},
        {"batch", "128"}};
    for (size_t w = 0; w < 5; w++) {
        bool found = false;
        for (size_t i = 0; i < h.count; i++) {
            const uint8_t *at = h.items[i].at;
            if (h.items[i].kind != RECORD_FACT) continue;
            size_t key = le_u16(at + 8);
            if (key != strlen(wanted[w][0]) || memcmp(at + 16, wanted[w][0], key)) continue;
            assert_string_equal(heard_text(at + 16 + key, le_u32(at + 12)), wanted[w][1]);
            found = true;
        }
        assert_true(found);
    }
}

// More than a lane holds, faster than anybody drains it: what is dropped is counted, and the gap records say
// as many.
static void drops_are_counted(void **state) {
    (void)state;
    nns_series s = nns_series_open(run, "flood");
    enum { MANY = 6000000 };
    nns_step(run, 0);
    for (int i = 0; i < MANY; i++)
        nns_scalar(run, s, i);
    sleep_ms(300);
    nns_scalar(run, s, MANY);
    nns_stats stats;
    nns_stats_get(run, &stats);
    close_and_read(0);
    uint64_t kept = 0, gaps = 0;
    double last = -1;
    for (size_t i = 0; i < h.count; i++) {
        if (h.items[i].kind == RECORD_GAP) gaps += le_u64(h.items[i].at + 8);
        if (h.items[i].kind != RECORD_SCALAR || h.items[i].a != s) continue;
        assert_true(le_f64(h.items[i].at + 8) > last);
        last = le_f64(h.items[i].at + 8);
        kept++;
    }
    print_message("flood: %llu kept, %llu dropped\n", (unsigned long long)kept,
                  (unsigned long long)stats.dropped_records);
    assert_int_equal(gaps, stats.dropped_records);
    assert_int_equal(kept + gaps, MANY + 1);
}

static void null_run_is_accepted(void **state) {
    (void)state;
    double lr = 0;
    nns_stats stats = {.written_records = 1};
    assert_true(nns_step(NULL, 1));
    assert_true(nns_before_update(NULL));
    nns_scalar(NULL, 1, 1);
    nns_scalar_named(NULL, "x", 1);
    nns_text(NULL, "x", "y");
    nns_mark(NULL, "x");
    nns_fact_int(NULL, "x", 1);
    nns_pause(NULL);
    nns_progress(NULL, 1, 1);
    assert_int_equal(nns_param_double(NULL, "lr", &lr, NULL), 0);
    assert_string_equal(nns_param_text_get(NULL, 1), "");
    assert_string_equal(nns_run_id(NULL), "");
    nns_stats_get(NULL, &stats);
    assert_int_equal(stats.written_records, 0);
    nns_close(NULL, 0);
    close_and_read(0);
    assert_int_equal(heard_count(&h, RECORD_CLOSE), 1);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
    const struct CMUnitTest tests[] = {CASE(each_thread_s_values_come_in_order),
                                       CASE(lanes_are_used_again),
                                       CASE(names_are_checked),
                                       CASE(scalars_are_kept_bit_for_bit),
                                       CASE(histogram_text_sample),
                                       CASE(images_go_to_files),
                                       CASE(facts_are_json),
                                       CASE(drops_are_counted),
                                       CASE(null_run_is_accepted)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
