// Unit flight.c tests what the worker keeps and writes: the flight recorder against a plain list, thresholds of pruning against
// a sorted array, blobs that nobody takes.
#include "probe/flight.h"
#include "probe/outlet.h"
#include "probe/prune.h"

#include "base/mem.h"
#include "probe/digest.h"
#include "support/check.h"
#include "support/temp.h"

#include <math.h>

// The flight recorder --------------------------------------------------------------------------------

static void the_last_steps_are_kept(void **state) {
    (void)state;
    uint64_t seed = random_seed();
    flight *f = calloc(1, sizeof *f);
    int64_t step = 0, first = 1;
    for (int round = 0; round < 2000; round++) {
        bool again = step > 0 && f->count && random_below(&seed, 4) == 0;
        step += !again;
        float *row = flight_row(f, step, step * 10, 3, round % 2);
        assert_non_null(row);
        if (!again)
            for (int i = 0; i < 3 * STATISTIC_COUNT; i++)
                assert_true(isnan(row[i]));
        row[0] = (float)step;
        if (step - first >= FLIGHT_STEPS) first = step - FLIGHT_STEPS + 1;
        if (random_below(&seed, 100) == 0 && f->count > 3)
            for (int i = 0; i < 3; i++, first++)
                flight_pop(f);
        assert_int_equal(f->count, step - first + 1);
        assert_int_equal(flight_oldest(f)->step, first);
        assert_true(flight_oldest(f)->values[0] == (float)first);
    }
    flight_fini(f);
    assert_null(flight_oldest(f));
    free(f);
}

static void memory_is_bounded(void **state) {
    (void)state;
    flight *f = calloc(1, sizeof *f);
    for (int64_t step = 0; step < 300; step++)
        assert_non_null(flight_row(f, step, step, 4096, false));
    assert_true(f->bytes <= FLIGHT_BYTES && f->count > 50 && f->count < FLIGHT_STEPS);
    for (int i = 0; i < 40; i++) {
        buf snapshot = {0};
        buf_zero(&snapshot, i % 10 == 9 ? 40u << 20 : 1u << 20);
        snapshot.data[0] = (uint8_t)i;
        flight_keep(f, &snapshot);
        assert_null(snapshot.data);
        assert_true(f->snapshot_count <= FLIGHT_SNAPSHOTS &&
                    f->snapshot_bytes <= FLIGHT_SNAPSHOT_BYTES);
    }
    buf oldest;
    int last = -1;
    while (flight_take(f, &oldest)) {
        assert_true((int)oldest.data[0] > last);
        last = oldest.data[0];
        buf_fini(&oldest);
    }
    assert_int_equal(last, 39);
    flight_fini(f);
    free(f);
}

// Pruning --------------------------------------------------------------------------------------------

static int by_value(const void *a, const void *b) {
    float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

static float draw(uint64_t *seed, int kind) {
    double u = random_unit(seed) * 2 - 1;
    if (kind == 0) return (float)u;
    if (kind == 1) return (float)(int)(u * 4); // many equal ones
    return (float)(u * pow(10, random_unit(seed) * 60 - 40));
}

static void thresholds_are_exact(void **state) {
    (void)state;
    uint64_t seed = random_seed();
    for (int round = 0; round < 30; round++) {
        prune p;
        assert_int_equal(prune_init(&p, 4), 0);
        float *all = malloc(4000 * sizeof *all);
        size_t count = 0;
        for (uint32_t t = 0; t < 4; t++) {
            if (t == 1) continue; // not copied
            p.elements[t] = 1 + random_below(&seed, 1000);
            p.data[t] = mem_array((size_t)p.elements[t], sizeof(float));
            p.weight[t] = t != 3; // the last one is a bias
            for (uint64_t i = 0; i < p.elements[t]; i++) {
                p.data[t][i] = draw(&seed, round % 3);
                if (t != 3) all[count++] = fabsf(p.data[t][i]);
            }
        }
        qsort(all, count, sizeof *all, by_value);
        assert_int_equal(prune_weights(&p), count);
        assert_true(prune_threshold(&p, 0) == 0);
        float bias = p.data[3][0], before = -1;
        for (int k = 0; k < 5; k++) {
            size_t n = count * (size_t)(2 * k + 1) / 10 + 1;
            if (n > count) n = count;
            float threshold = prune_threshold(&p, n);
            assert_true(threshold ==
                        (all[n - 1] <= before ? 0 : all[n - 1])); // masked: zero by now
            if (threshold < before) threshold = before;
            before = threshold;
            uint64_t zeros = prune_mask(&p, threshold), expected = 0;
            for (size_t i = 0; i < count; i++)
                expected += all[i] <= threshold;
            assert_int_equal(zeros, expected);
        }
        assert_true(p.data[3][0] == bias);
        prune_fini(&p);
        free(all);
    }
}

static int calls;
static double count_calls(void *context, const nns_copy *copy) {
    assert_non_null(nns_copy_data(copy, 1));
    assert_null(nns_copy_data(copy, 2));
    assert_null(nns_copy_data(copy, 3));
    if (++calls == 5) atomic_store((_Atomic bool *)context, true);
    return calls;
}

static void it_stops_when_told(void **state) {
    (void)state;
    _Atomic bool stop = false;
    prune p;
    assert_int_equal(prune_init(&p, 2), 0);
    p.elements[0] = 100;
    p.data[0] = mem_array(100, sizeof(float));
    p.weight[0] = true;
    p.evaluate = count_calls;
    p.context = &stop;
    p.stop = &stop;
    prune_work(&p);
    assert_int_equal(calls, 5);
    assert_int_equal(p.count, 5);
    prune_fini(&p);
}

// Blobs ----------------------------------------------------------------------------------------------

static void unread_blobs_are_counted(void **state) {
    (void)state;
    const char *folder = temp_make();
    setenv("NNSCOPE_DIR", folder, 1);
    setenv("NNSCOPE_SHM", folder, 1);
    nns_run *run = nns_open(&(nns_options){.quiet = true, .no_system = true});
    assert_non_null(run);
    static outlet o;
    assert_true(nns_step(run, 0));
    assert_int_equal(outlet_init(&o, run), 0);
    assert_true(outlet_step(&o, OUTLET_NOW, -1, 1)); // before the first step: stands at it
    assert_int_equal(o.lanes[OUTLET_NOW].step, 0);
    for (int i = 0; i < 5; i++) {
        buf capture = {0};
        size_t begin =
            capture_begin(&capture, &(capture_head){.kind = CAPTURE_SNAPSHOT, .step = i});
        capture_add(&capture,
                    &(capture_section){
                        .quantity = QUANTITY_BIAS, .coding = CODING_U8, .dims = 1, .shape = {1000}},
                    NULL);
        capture_end(&capture, begin);
        assert_true(outlet_capture(&o, &capture));
        buf_fini(&capture);
    }
    uint64_t all = outlet_unread(&o, CAPTURE_SNAPSHOT);
    assert_true(all > 5000 && outlet_unread(&o, CAPTURE_LOOK) == 0);
    for (uint64_t n = 1; n <= 5; n++) {
        char path[PATH_CAP];
        assert_int_equal(
            stage_blob_path(path, run->folder, run->process.text, OUTLET_BLOB_FIRST + n), 0);
        assert_int_equal(unlink(path), 0);
        assert_int_equal(outlet_unread(&o, CAPTURE_SNAPSHOT), all / 5 * (5 - n));
    }
    // Later steps go on; what is lower and not later stays behind the step that stands there; a program that goes back is heard.
    assert_true(outlet_step(&o, OUTLET_NOW, 10, 100) && o.lanes[OUTLET_NOW].step == 10);
    assert_true(outlet_step(&o, OUTLET_NOW, 8, 90) && o.lanes[OUTLET_NOW].step == 10);
    assert_true(outlet_step(&o, OUTLET_NOW, 3, 200) && o.lanes[OUTLET_NOW].step == 3);
    nns_close(run, 0);
    temp_remove(folder);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_last_steps_are_kept),  cmocka_unit_test(memory_is_bounded),
        cmocka_unit_test(thresholds_are_exact),     cmocka_unit_test(it_stops_when_told),
        cmocka_unit_test(unread_blobs_are_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
