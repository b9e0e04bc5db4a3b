// Images, samples, histograms and text of a real recording, as the API gives them: every byte of an image, equal images
// kept once, also when the server comes only after the run's end.
#include "core_support.h"

#include "base/id.h"

#include <dirent.h>

enum { SIDE = 28, IMAGES = 6, WIDE = 300 };

// Image `i`: even ones are equal to each other.
static void draw(uint8_t *pixels, size_t bytes, int i) {
    uint64_t random = i % 2 ? (uint64_t)i : 1000;
    for (size_t k = 0; k < bytes; k++)
        pixels[k] = (uint8_t)random_next(&random);
}

static void record(const char *dir, const char *id) {
    static uint8_t rgb[3 * WIDE * WIDE];
    uint8_t gray[SIDE * SIDE];
    float likely[10] = {[3] = 0.75f, [8] = 0.25f};
    nns_run *run = nns_open(
        &(nns_options){.dir = dir, .id = id, .name = "media", .quiet = true, .no_system = true});
    for (int i = 0; i < IMAGES && nns_step(run, i); i++) {
        draw(rgb, sizeof rgb, i);
        nns_image(run, "big", NNS_IMAGE_RGB8, WIDE, WIDE, rgb, sizeof rgb,
                  i ? "caf\xc3\xa9 <b>" : NULL);
        draw(gray, sizeof gray, i);
        nns_sample(run, "digits", SIDE, SIDE, gray, 3, likely, 10);
        nns_text(run, "words", "line 1\nline 2");
        clock_sleep_ns(30 * NS_PER_MS);
    }
    nns_close(run, 0);
}

static json_t *media(core *c, const char *id, const char *series, size_t count) {
    answer a = {0};
    for (int64_t until = clock_mono_ns() + 5 * NS_PER_S;;) {
        core_get_media(c, id, series, INT64_MIN, INT64_MAX, 100, got, &a);
        await(c, &a);
        assert_int_equal(a.status, 200);
        json_t *all = json_of(&a), *list = json_incref(json_object_get(all, "media"));
        json_decref(all);
        mem_free(a.text);
        a = (answer){0};
        if (json_array_size(list) >= count || clock_mono_ns() > until) return list;
        json_decref(list);
        clock_sleep_ns(20 * NS_PER_MS);
    }
}

static void check_image(core *c, const char *id, const json_t *item, int i) {
    static uint8_t wanted[3 * WIDE * WIDE];
    json_t *data = json_object_get(item, "data");
    answer a = {0};
    assert_string_equal(text_in(item, "kind"), "image");
    assert_int_equal(json_integer_value(json_object_get(item, "step")), i);
    assert_int_equal(json_integer_value(json_object_get(data, "width")), WIDE);
    assert_string_equal(text_in(data, "format"), "rgb8");
    assert_string_equal(text_in(data, "caption"), i ? "caf\xc3\xa9 <b>" : "");
    assert_non_null(strstr(text_in(item, "url"), text_in(item, "hash")));
    core_get_blob(c, id, text_in(item, "hash"), got, &a);
    await(c, &a);
    assert_int_equal(a.status, 200);
    draw(wanted, sizeof wanted, i);
    assert_int_equal(a.length, sizeof wanted);
    assert_memory_equal(a.text, wanted, sizeof wanted);
    mem_free(a.text);
}

static void unbase64(const char *text, uint8_t *out, size_t bytes) {
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    assert_int_equal(strlen(text), (bytes + 2) / 3 * 4);
    for (size_t i = 0; i < bytes; i++) {
        const char *four = text + i / 3 * 4;
        uint32_t v = 0;
        for (int k = 0; k < 4; k++)
            v = v << 6 | (uint32_t)(four[k] == '=' ? 0 : strchr(digits, four[k]) - digits);
        out[i] = (uint8_t)(v >> (16 - 8 * (i % 3)));
    }
}

static void check_sample(const json_t *item, int i) {
    uint8_t wanted[SIDE * SIDE], have[SIDE * SIDE];
    json_t *data = json_object_get(item, "data"), *likely = json_object_get(data, "probabilities");
    assert_string_equal(text_in(item, "kind"), "sample");
    assert_int_equal(json_integer_value(json_object_get(data, "truth")), 3);
    assert_int_equal(json_array_size(likely), 10);
    assert_true(json_number_value(json_array_get(likely, 3)) == 0.75);
    draw(wanted, sizeof wanted, i);
    unbase64(text_in(data, "pixels"), have, sizeof have);
    assert_memory_equal(have, wanted, sizeof wanted);
}

static int blobs_in(const char *dir) {
    char path[512];
    int n = 0;
    snprintf(path, sizeof path, "%s/blobs", dir);
    DIR *d = opendir(path);
    for (struct dirent *e; d && (e = readdir(d));) {
        if (e->d_name[0] == '.') continue;
        snprintf(path, sizeof path, "%s/blobs/%.64s", dir, e->d_name);
        DIR *below = opendir(path);
        for (struct dirent *f; below && (f = readdir(below));)
            n += f->d_name[0] != '.';
        if (below) closedir(below);
    }
    if (d) closedir(d);
    return n;
}

static void check(core *c, const char *dir, const char *id) {
    json_t *images = media(c, id, "big", IMAGES), *samples = media(c, id, "digits", IMAGES),
           *texts = media(c, id, "words", IMAGES);
    assert_int_equal(json_array_size(images), IMAGES);
    assert_int_equal(json_array_size(samples), IMAGES);
    assert_int_equal(json_array_size(texts), IMAGES);
    for (int i = 0; i < IMAGES; i++) {
        check_image(c, id, json_array_get(images, (size_t)i), i);
        check_sample(json_array_get(samples, (size_t)i), i);
        assert_string_equal(
            text_in(json_object_get(json_array_get(texts, (size_t)i), "data"), "text"),
            "line 1\nline 2");
    }
    assert_int_equal(blobs_in(dir), 1 + IMAGES / 2);
    json_decref(images);
    json_decref(samples);
    json_decref(texts);
}

static void get_nothing(core *c, const char *id, const char *hash) {
    answer a = {0};
    core_get_blob(c, id, hash, got, &a);
    await(c, &a);
    assert_int_equal(a.status, 404);
    mem_free(a.text);
}

static void test_live(void **state) {
    nns_id id;
    core *c = open_core(*state);
    assert_int_equal(id_new(&id), 0);
    pid_t child = trainer(record, *state, id.text);
    assert_true(wait_run(c, id.text, "finished", IMAGES - 1, 5000));
    reap(child);
    check(c, *state, id.text);
    get_nothing(c, id.text, "0000000000000000000000000000000000000000000000000000000000000000");
    get_nothing(c, id.text, "../../../store.db");
    core_close(c);
    c = open_core(*state);
    check(c, *state, id.text);
    core_close(c);
}

static void test_afterwards(void **state) {
    nns_id id;
    assert_int_equal(id_new(&id), 0);
    reap(trainer(record, *state, id.text));
    core *c = open_core(*state);
    assert_true(wait_run(c, id.text, "finished", IMAGES - 1, 5000));
    check(c, *state, id.text);
    core_close(c);
}

const body bodies[] = {{"record", record}, {0}};

int main(int argc, char **argv) {
    child_main(argc, argv);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_live, make, unmake),
        cmocka_unit_test_setup_teardown(test_afterwards, make, unmake),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
