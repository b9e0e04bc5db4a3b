// The inside of networks, live: descriptions, looks of several viewers merged into one record, captures on their way back, samples
// pushed by hand. The process is made by hand (journal_support.h).
#include "journal_support.h"

const body bodies[] = {{0}};

static json_t *ask_model(core *c, const char *run) {
    answer a = {0};
    core_get_model(c, run, false, got, &a);
    await(c, &a);
    assert_int_equal(a.status, 200);
    json_t *json = json_of(&a);
    mem_free(a.text);
    return json;
}

static void describe(journal *j) {
    journal_step(j, 0);
    journal_model(j, MODEL_LAYER, 1,
                  "{\"name\":\"input\",\"kind\":\"input\",\"activation\":null,\"shape\":[4],"
                  "\"parameters\":0,\"inputs\":[]}");
    journal_model(j, MODEL_LAYER, 2,
                  "{\"name\":\"dense\",\"kind\":\"dense\",\"activation\":\"relu\",\"shape\":[3],"
                  "\"parameters\":15,\"inputs\":[\"input\"]}");
    journal_model(j, MODEL_TENSOR, 1,
                  "{\"name\":\"dense/"
                  "weight\",\"layer\":\"dense\",\"role\":\"weight\",\"dtype\":\"float32\","
                  "\"shape\":[3,4],\"valid\":\"always\"}");
    journal_model(j, MODEL_TENSOR, 2,
                  "{\"name\":\"dense/"
                  "act\",\"layer\":\"dense\",\"role\":\"act\",\"dtype\":\"float32\",\"shape\":[8,3]"
                  ",\"valid\":\"step\"}");
    journal_model(j, MODEL_PUSH, 0,
                  "{\"shape\":[4],\"classes\":[\"a\",\"b\",\"c\"],\"samples\":10}");
    journal_model(j, MODEL_EVALUATE, 0, "{}");
    journal_flush(j);
}

static void wait_model(core *c, const char *run, size_t tensors) {
    for (int i = 0; i < 2000; i++) {
        json_t *run_there = get_run(c, run), *json = run_there ? ask_model(c, run) : NULL;
        size_t n = json_array_size(json_object_get(json, "tensors"));
        json_decref(json);
        json_decref(run_there);
        if (n == tensors) return;
        clock_sleep_ns(5 * NS_PER_MS);
    }
    fail();
}

// A server that knows a run and its network.
static core *open_described(const char *dir, journal *j) {
    core *c = open_core(dir);
    journal_begin(j, dir, "", 0);
    describe(j);
    wait_model(c, j->run.text, 2);
    return c;
}

// What was described is shown, by the lowest rank alone, across a restart; a tensor that went is gone.
static void test_model(void **state) {
    journal j, other;
    core *c = open_described(*state, &j);
    journal_begin(&other, *state, j.run.text, 1);
    journal_step(&other, 0);
    journal_model(&other, MODEL_TENSOR, 1,
                  "{\"name\":\"another\",\"role\":\"weight\",\"dtype\":\"float32\",\"shape\":[1]}");
    journal_flush(&other);
    journal_model(&j, MODEL_TENSOR, 2, "{\"name\":\"dense/act\",\"gone\":true}");
    journal_model(&j, MODEL_TENSOR, 3, "not json");
    journal_flush(&j);
    wait_model(c, j.run.text, 1);
    core_close(c);
    c = open_core(*state);
    json_t *json = ask_model(c, j.run.text),
           *layer = json_array_get(json_object_get(json, "layers"), 1);
    assert_int_equal(json_array_size(json_object_get(json, "layers")), 2);
    assert_string_equal(text_in(layer, "name"), "dense");
    assert_int_equal(json_integer_value(json_object_get(layer, "number")), 2);
    assert_int_equal(json_integer_value(json_object_get(layer, "parameters")), 15);
    assert_string_equal(text_in(json_array_get(json_object_get(json, "tensors"), 0), "name"),
                        "dense/weight");
    assert_int_equal(json_array_size(json_object_get(json_object_get(json, "push"), "classes")), 3);
    assert_true(json_is_true(json_object_get(json, "evaluate")));
    json_decref(json);
    core_close(c);
    journal_end(&other);
    journal_end(&j);
}

static void tell_long(journal *j, uint32_t number) {
    buf text = {0};
    buf_text(&text, "{\"name\":\"t\",\"role\":\"other\",\"shape\":[8],\"note\":\"");
    for (int k = 0; k < 30000; k++)
        buf_char(&text, 'x');
    buf_text(&text, "\"}");
    buf_char(&text, 0);
    journal_model(j, MODEL_TENSOR, number, (const char *)text.data);
    journal_flush(j);
    buf_fini(&text);
}

// A tensor whose shape changes is told again and again: only the last takes room, however often that is.
static void test_told_often(void **state) {
    journal j;
    core *c = open_described(*state, &j);
    for (int i = 0; i < 600; i++)
        tell_long(&j, 3);
    tell_long(&j, 4);
    wait_model(c, j.run.text, 4);
    core_close(c);
    journal_end(&j);
}

// --- looks --------------------------------------------------------------------------------------

static viewer *look(core *c, const char *text) {
    viewer *v =
        viewer_open(c, &(viewer_options){.name = "v", .scopes = SCOPE_READ | SCOPE_CONTROL}, NULL);
    assert_non_null(v);
    viewer_message(v, text, strlen(text), &tester, SCOPE_READ | SCOPE_CONTROL);
    return v;
}

static void message(viewer *v, const char *text) {
    viewer_message(v, text, strlen(text), &tester, SCOPE_READ | SCOPE_CONTROL);
}

// The next frame that is a capture (or an error); NULL: none within the time.
static frame *next_capture(viewer *v, int ms) {
    for (int64_t until = clock_mono_ns() + ms * NS_PER_MS; clock_mono_ns() < until;) {
        frame *f = viewer_next(v);
        if (f && (!f->text || memmem(f->data, f->length, "\"error\"", 7))) return f;
        frame_release(f);
        if (!f) clock_sleep_ns(NS_PER_MS);
    }
    return NULL;
}

static void want(const buf *look_record, uint32_t seconds, uint32_t what, uint16_t units,
                 uint16_t links, uint32_t strongest, uint32_t count) {
    const uint8_t *at = look_record->data;
    assert_int_equal(le_u32(at + 4), seconds);
    assert_int_equal(le_u32(at + 8), what);
    assert_int_equal(le_u16(at + 12), units);
    assert_int_equal(le_u16(at + 14), links);
    assert_int_equal(le_u32(at + 16), strongest);
    assert_int_equal(le_u32(at + 20), count);
}

// Two viewers with different looks: one record with all of it. One goes: less. Both: nothing. A frame bears each one's id.
static void test_two_viewers(void **state) {
    journal j;
    buf in = {0}, bytes = {0};
    char text[256];
    core *c = open_described(*state, &j);
    snprintf(text, sizeof text,
             "{\"type\":\"look\",\"id\":7,\"run\":\"%s\",\"what\":[\"units\"],\"rate\":10,\"links_"
             "rate\":1,\"strongest\":100}",
             j.run.text);
    viewer *a = look(c, text);
    assert_true(inbox_wait(&j, RECORD_LOOK, &in, 5000));
    want(&in, 15, LOOK_UNITS, 100, 10, 100, 0);
    snprintf(text, sizeof text,
             "{\"type\":\"look\",\"id\":9,\"run\":\"%s\",\"what\":[\"weights\",\"units\"],\"rate\":"
             "2,\"links_rate\":5,\"units\":[[\"dense\",2],[\"no\",1]]}",
             j.run.text);
    viewer *b = look(c, text);
    assert_true(inbox_wait(&j, RECORD_LOOK, &in, 5000));
    want(&in, 15, LOOK_UNITS | LOOK_WEIGHTS, 100, 50, 3000, 1);
    assert_int_equal(le_u32(in.data + 24), 2);
    assert_int_equal(le_u32(in.data + 28), 2);

    fake_capture(CAPTURE_LOOK, 5, QUANTITY_ACTIVATION, 2, 0, 3, 1.5f, &bytes);
    uint64_t blob = journal_seen(&j, CAPTURE_LOOK, 0, 5, 0, &bytes);
    frame *f = next_capture(a, 5000);
    assert_non_null(f);
    assert_int_equal(le_u64(f->data + 8), 7);
    le_put_u64(bytes.data + 8, 7);
    assert_int_equal(f->length, bytes.length);
    assert_memory_equal(f->data, bytes.data, bytes.length);
    frame *g = next_capture(b, 5000);
    assert_ptr_equal(f, g); // shared
    assert_int_equal(le_u64(g->data + 8), 9);
    frame_release(f);
    frame_release(g);
    assert_false(journal_has_blob(&j, blob));

    // Who comes later sees at once what was seen last.
    snprintf(text, sizeof text,
             "{\"type\":\"look\",\"id\":3,\"run\":\"%s\",\"what\":[\"units\"],\"rate\":1,\"links_"
             "rate\":1}",
             j.run.text);
    viewer *late = look(c, text);
    f = next_capture(late, 5000);
    assert_non_null(f);
    assert_int_equal(le_u64(f->data + 8), 3);
    frame_release(f);
    viewer_close(late);

    viewer_close(b);
    do
        assert_true(inbox_wait(&j, RECORD_LOOK, &in, 5000));
    while (le_u32(in.data + 8) != LOOK_UNITS);
    want(&in, 15, LOOK_UNITS, 100, 10, 100, 0);
    message(a, "{\"type\":\"unlook\",\"id\":7}");
    assert_true(inbox_wait(&j, RECORD_LOOK, &in, 5000));
    want(&in, 0, 0, 0, 0, 0, 0);
    blob = journal_seen(&j, CAPTURE_LOOK, 0, 6, 0, &bytes); // nobody looks: it goes unseen
    for (int i = 0; i < 1000 && journal_has_blob(&j, blob); i++)
        clock_sleep_ns(5 * NS_PER_MS);
    assert_false(journal_has_blob(&j, blob));
    assert_null(next_capture(a, 20));
    viewer_close(a);
    journal_end(&j);
    core_close(c);
    buf_fini(&in);
    buf_fini(&bytes);
}

// A viewer that takes nothing for a while gets the newest of each kind, never a queue. A blob may come after its record.
static void test_slow_viewer(void **state) {
    journal j;
    buf in = {0}, bytes = {0};
    char text[256];
    core *c = open_described(*state, &j);
    snprintf(
        text, sizeof text,
        "{\"type\":\"look\",\"id\":1,\"run\":\"%s\",\"what\":[\"units\",\"weights\"],\"rate\":60}",
        j.run.text);
    viewer *v = look(c, text);
    assert_true(inbox_wait(&j, RECORD_LOOK, &in, 5000));
    fake_capture(CAPTURE_LOOK, 1, QUANTITY_WEIGHT, 2, 1, 12, 0, &bytes);
    journal_seen(&j, CAPTURE_LOOK, 0, 1, 0, &bytes);
    for (int64_t step = 2; step < 40; step++) {
        fake_capture(CAPTURE_LOOK, step, QUANTITY_ACTIVATION, 2, 0, 3, 0, &bytes);
        if (step == 39) { // its record first
            journal_step(&j, step);
            journal_capture(&j, CAPTURE_LOOK, 0, step, ++j.blobs, bytes.length, 0, "");
            journal_flush(&j);
            clock_sleep_ns(50 * NS_PER_MS);
            journal_write_blob(&j, j.blobs, &bytes);
        } else {
            journal_seen(&j, CAPTURE_LOOK, 0, step, 0, &bytes);
        }
    }
    for (int i = 0; i < 1000 && journal_has_blob(&j, j.blobs); i++)
        clock_sleep_ns(5 * NS_PER_MS);
    frame *f = next_capture(v, 5000), *g = next_capture(v, 5000);
    assert_non_null(f);
    assert_non_null(g);
    assert_int_equal(le_i64(f->data + 16), 1);  // the weights
    assert_int_equal(le_i64(g->data + 16), 39); // the newest of the others
    frame_release(f);
    frame_release(g);
    assert_null(next_capture(v, 20));
    viewer_close(v);
    journal_end(&j);
    core_close(c);
    buf_fini(&in);
    buf_fini(&bytes);
}

// Blobs that are no captures, or of another kind, or links: dropped; the good one behind them comes.
static void test_hostile_looks(void **state) {
    journal j;
    buf in = {0}, bytes = {0}, good = {0};
    char text[256], path[PATH_CAP];
    core *c = open_described(*state, &j);
    snprintf(text, sizeof text,
             "{\"type\":\"look\",\"id\":1,\"run\":\"%s\",\"what\":[\"units\"],\"rate\":60}",
             j.run.text);
    viewer *v = look(c, text);
    assert_true(inbox_wait(&j, RECORD_LOOK, &in, 5000));
    fake_capture(CAPTURE_LOOK, 9, QUANTITY_ACTIVATION, 2, 0, 3, 0, &good);
    for (size_t cut = 0; cut < good.length; cut += 7) {
        buf_clear(&bytes);
        buf_add(&bytes, good.data, cut);
        journal_seen(&j, CAPTURE_LOOK, 0, 1, 0, &bytes);
    }
    journal_seen(&j, CAPTURE_SNAPSHOT, 0, 1, 0, &good);
    journal_seen(&j, CAPTURE_PRUNE, 1, 1, 0, &good);
    stage_blob_path(path, j.folder, j.process.text, ++j.blobs);
    assert_int_equal(symlink("/etc/passwd", path), 0);
    journal_capture(&j, CAPTURE_LOOK, 0, 1, j.blobs, 10, 0, "");
    journal_capture(&j, CAPTURE_LOOK, 0, 1, 123456, UINT32_MAX, 0, "");
    journal_seen(&j, CAPTURE_LOOK, 0, 9, 0, &good);
    frame *f = next_capture(v, 10000);
    assert_non_null(f);
    assert_int_equal(le_i64(f->data + 16), 9);
    frame_release(f);
    assert_null(next_capture(v, 20));
    static const char *const bad[] = {"\"what\":[\"units\",3,null],\"rate\":-1,\"units\":[[1],[],3,"
                                      "[\"dense\",-1],[\"dense\",1e99]]",
                                      "\"what\":7,\"rate\":\"x\"",
                                      "\"what\":[\"units\"],\"rate\":1e300,\"strongest\":-5"};
    for (uint32_t i = 0; i < 3; i++) {
        snprintf(text, sizeof text, "{\"type\":\"look\",\"id\":%u,\"run\":\"%s\",%s}", 10 + i,
                 j.run.text, bad[i]);
        message(v, text);
    }
    for (uint32_t i = 0; i < 40; i++) { // at most 16
        snprintf(text, sizeof text,
                 "{\"type\":\"look\",\"id\":%u,\"run\":\"%s\",\"what\":[\"units\"]}", 100 + i,
                 j.run.text);
        message(v, text);
    }
    int refused = 0;
    while ((f = next_capture(v, 20))) {
        refused += f->text;
        frame_release(f);
    }
    assert_int_equal(refused, 40 - 12);
    viewer_close(v);
    journal_end(&j);
    core_close(c);
    buf_fini(&in);
    buf_fini(&bytes);
    buf_fini(&good);
}

// A confusion matrix is a row of media.
static void test_confusion(void **state) {
    journal j;
    uint8_t series[32] = {SERIES_CONFUSION, 0, 9, 0};
    uint32_t matrix[2 + 4] = {2, 8, 5, 1, 0, 7};
    uint8_t rest[64];
    core *c = open_core(*state);
    journal_begin(&j, *state, "", 0);
    memcpy(series + 8, "confusion", 9);
    put(&j.out, RECORD_SERIES, 1, series, 17);
    journal_step(&j, 4);
    memcpy(rest, matrix, sizeof matrix);
    memcpy(rest + sizeof matrix, "cat\0dog", 8);
    put(&j.out, RECORD_CONFUSION, 1, rest, sizeof matrix + 8);
    journal_flush(&j);
    assert_true(wait_run(c, j.run.text, NULL, 4, 10000));
    answer a = {0};
    core_get_media(c, j.run.text, "confusion", INT64_MIN, INT64_MAX, 10, got, &a);
    await(c, &a);
    json_t *json = json_of(&a), *item = json_array_get(json_object_get(json, "media"), 0),
           *data = json_object_get(item, "data");
    assert_string_equal(text_in(item, "kind"), "confusion");
    assert_int_equal(json_integer_value(json_object_get(data, "classes")), 2);
    assert_int_equal(
        json_integer_value(json_array_get(json_array_get(json_object_get(data, "counts"), 1), 1)),
        7);
    assert_string_equal(json_string_value(json_array_get(json_object_get(data, "words"), 1)),
                        "dog");
    json_decref(json);
    mem_free(a.text);
    journal_end(&j);
    core_close(c);
}

// --- pushes -------------------------------------------------------------------------------------

static void expect_error(core *c, answer *a, int status, const char *code) {
    await(c, a);
    json_t *json = json_of(a);
    assert_int_equal(a->status, status);
    assert_string_equal(text_in(json_object_get(json, "error"), "code"), code);
    json_decref(json);
    mem_free(a->text);
    *a = (answer){0};
}

static void push_capture(buf *out, int64_t step) {
    buf_clear(out);
    capture_head head = {.kind = CAPTURE_PUSH, .step = step, .last_step = step, .base_step = step};
    float output[3] = {0.25f, 0.5f, 0.25f}, value[4] = {1, 2, 3, NAN};
    size_t begin = capture_begin(out, &head);
    capture_add(
        out,
        &(capture_section){
            .quantity = QUANTITY_VALUE, .coding = CODING_F32, .dims = 1, .layer = 1, .shape = {4}},
        value);
    capture_add(
        out,
        &(capture_section){
            .quantity = QUANTITY_OUTPUT, .coding = CODING_F32, .dims = 1, .layer = 2, .shape = {3}},
        output);
    capture_end(out, begin);
}

static void test_push(void **state) {
    journal j;
    buf in = {0}, bytes = {0};
    char text[256];
    core *c = open_described(*state, &j);

    answer a = {0};
    core_post_try(c, j.run.text, "{\"input\":[1,2,3]}", 17, 1000, got, &a);
    expect_error(c, &a, 422, "wrong_size");
    core_post_try(c, j.run.text, "{\"input\":[1,2,3,\"x\"]}", 21, 1000, got, &a);
    expect_error(c, &a, 422, "invalid");
    core_post_try(c, j.run.text, "{}", 2, 1000, got, &a);
    expect_error(c, &a, 422, "invalid");
    // The program does not answer.
    core_post_try(c, j.run.text, "{\"input\":[[1,2],[3,4]]}", 23, 50, got, &a);
    expect_error(c, &a, 504, "timeout");
    assert_true(inbox_wait(&j, RECORD_PUSH, &in, 5000));
    assert_int_equal(le_i64(in.data + 16), -1);
    assert_int_equal(le_u32(in.data + 24), 4);
    assert_true(le_f32(in.data + 32) == 1.0f && le_f32(in.data + 44) == 4.0f);

    core_post_try(c, j.run.text, "{\"sample\":3}", 12, 10000, got, &a);
    assert_true(inbox_wait(&j, RECORD_PUSH, &in, 5000));
    assert_int_equal(le_i64(in.data + 16), 3);
    push_capture(&bytes, 41);
    journal_seen(&j, CAPTURE_PUSH, le_u64(in.data + 8), 41, 0, &bytes);
    await(c, &a);
    assert_int_equal(a.status, 200);
    json_t *json = json_of(&a);
    assert_int_equal(json_integer_value(json_object_get(json, "step")), 41);
    assert_true(json_number_value(json_array_get(json_object_get(json, "output"), 1)) == 0.5);
    json_t *values = json_object_get(json_object_get(json, "activations"), "input");
    assert_int_equal(json_array_size(values), 4);
    assert_string_equal(json_string_value(json_array_get(values, 3)), "NaN");
    json_decref(json);
    mem_free(a.text);
    a = (answer){0};

    core_post_try(c, j.run.text, "{\"sample\":99}", 13, 10000, got, &a);
    assert_true(inbox_wait(&j, RECORD_PUSH, &in, 5000));
    journal_capture(&j, CAPTURE_PUSH, le_u64(in.data + 8), 41, 0, 0, 0, "there is no sample 99");
    journal_flush(&j);
    expect_error(c, &a, 422, "refused");

    snprintf(text, sizeof text, "{\"type\":\"push\",\"id\":77,\"run\":\"%s\",\"input\":[0,0,0,1]}",
             j.run.text);
    viewer *v = look(c, text);
    assert_true(inbox_wait(&j, RECORD_PUSH, &in, 5000));
    journal_seen(&j, CAPTURE_PUSH, le_u64(in.data + 8), 42, 0, &bytes);
    frame *f = next_capture(v, 5000);
    assert_non_null(f);
    assert_false(f->text);
    assert_int_equal(le_u64(f->data + 8), 77);
    frame_release(f);
    viewer_message(v, text, strlen(text), &tester, SCOPE_READ);
    f = next_capture(v, 5000);
    assert_true(f && f->text && memmem(f->data, f->length, "forbidden", 9));
    frame_release(f);

    message(v, text); // answered by its end
    assert_true(inbox_wait(&j, RECORD_PUSH, &in, 5000));
    journal_close(&j);
    journal_end(&j);
    f = next_capture(v, 5000);
    assert_true(f && f->text && memmem(f->data, f->length, "not_running", 11));
    frame_release(f);
    core_post_try(c, j.run.text, "{\"sample\":1}", 12, 1000, got, &a);
    expect_error(c, &a, 409, "not_running");
    viewer_close(v);
    core_close(c);
    buf_fini(&in);
    buf_fini(&bytes);
}

// --- values -------------------------------------------------------------------------------------

// The weight, as another viewer looks at it.
static void coded_weight(int64_t step, buf *out) {
    static const uint8_t codes[12] = {1, 2, 3};
    buf_clear(out);
    capture_head head = {
        .kind = CAPTURE_LOOK, .step = step, .last_step = step, .base_step = step, .time_ms = 1};
    size_t begin = capture_begin(out, &head);
    capture_section s = {.quantity = QUANTITY_WEIGHT,
                         .coding = CODING_I8,
                         .dims = 2,
                         .layer = 2,
                         .tensor = 1,
                         .shape = {3, 4},
                         .scale = 1};
    capture_add(out, &s, codes);
    capture_end(out, begin);
}

static void test_values_now(void **state) {
    journal j;
    buf in = {0}, bytes = {0};
    core *c = open_described(*state, &j);
    answer a = {0};
    core_values q = {.run = j.run.text, .tensor = "dense/weight", .step = INT64_MAX};
    core_get_values(c, &q, got, &a);
    assert_true(inbox_wait(&j, RECORD_LOOK, &in, 5000));
    want(&in, 15, LOOK_WEIGHTS, 100, 100, 0, 1);
    assert_int_equal(le_u32(in.data + 24), 0); // a tensor, as it is
    assert_int_equal(le_u32(in.data + 28), 1);
    // Not what was asked for.
    fake_capture(CAPTURE_LOOK, 7, QUANTITY_ACTIVATION, 2, 2, 3, 0, &bytes);
    journal_seen(&j, CAPTURE_LOOK, 0, 7, 0, &bytes);
    coded_weight(8, &bytes); // neither is this
    journal_seen(&j, CAPTURE_LOOK, 0, 8, 0, &bytes);
    fake_capture(CAPTURE_LOOK, 9, QUANTITY_WEIGHT, 2, 1, 12, -3.5f, &bytes);
    journal_seen(&j, CAPTURE_LOOK, 0, 9, 0, &bytes);
    await(c, &a);
    assert_int_equal(a.status, 200);
    json_t *json = json_of(&a);
    assert_int_equal(json_integer_value(json_object_get(json, "step")), 9);
    assert_true(json_is_false(json_object_get(json, "snapshot")));
    assert_true(json_is_true(json_object_get(json, "exact")));
    assert_int_equal(json_array_size(json_object_get(json, "values")), 12);
    assert_true(json_number_value(json_array_get(json_object_get(json, "values"), 1)) == -2.5);
    json_decref(json);
    mem_free(a.text);
    a = (answer){0};
    q = (core_values){.run = j.run.text, .layer = "none", .step = INT64_MAX};
    core_get_values(c, &q, got, &a);
    expect_error(c, &a, 404, "unknown_layer");
    q = (core_values){.run = j.run.text, .layer = "dense", .quantity = "weight", .step = INT64_MAX};
    core_get_values(c, &q, got, &a);
    expect_error(c, &a, 422, "invalid");
    q = (core_values){.run = j.run.text, .layer = "dense", .quantity = "marks", .step = 3};
    core_get_values(c, &q, got, &a);
    expect_error(c, &a, 404, "no_snapshot");
    journal_end(&j);
    core_close(c);
    buf_fini(&in);
    buf_fini(&bytes);
}

int main(int argc, char **argv) {
    child_main(argc, argv);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_model, make, unmake),
        cmocka_unit_test_setup_teardown(test_told_often, make, unmake),
        cmocka_unit_test_setup_teardown(test_two_viewers, make, unmake),
        cmocka_unit_test_setup_teardown(test_slow_viewer, make, unmake),
        cmocka_unit_test_setup_teardown(test_hostile_looks, make, unmake),
        cmocka_unit_test_setup_teardown(test_confusion, make, unmake),
        cmocka_unit_test_setup_teardown(test_push, make, unmake),
        cmocka_unit_test_setup_teardown(test_values_now, make, unmake),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
