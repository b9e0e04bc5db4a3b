// Tests of what the training thread copies: descriptions right and wrong, copies equal to the memory, sets stamped right, slices,
// memory that is gone, series that turn to NaN.
#include "worker.h"

#include "probe/push.h"

#include "base/clock.h"

#include <math.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>

static int setup(void **state) {
    (void)state;
    open_run(0.9);
    return 0;
}

static int teardown(void **state) {
    (void)state;
    close_run();
    return 0;
}

static nns_layer layer_of(const char *name, int64_t units) {
    nns_layer l = nns_layer_describe(
        run, &(nns_layer_info){.name = name, .kind = "dense", .dims = 1, .shape = {units}});
    assert_int_not_equal(l, 0);
    return l;
}

static nns_tensor tensor_of(nns_layer l, nns_role role, nns_valid valid, int64_t rows,
                            int64_t columns, const void *data) {
    nns_tensor_info info = {.layer = l,
                            .role = role,
                            .dtype = NNS_FLOAT32,
                            .valid = valid,
                            .dims = columns ? 2 : 1,
                            .shape = {rows, columns},
                            .data = data};
    nns_tensor t = nns_tensor_add(run, &info);
    assert_int_not_equal(t, 0);
    return t;
}

// --- describing ----------------------------------------------------------------------------------

static nns_layer bad_layer(nns_layer_info info) {
    return nns_layer_describe(run, &info);
}

static void wrong_layers_are_refused(void **state) {
    (void)state;
    nns_layer unknown = 77;
    nns_layer fc = layer_of("fc", 3);
    assert_int_equal(layer_of("fc", 3), fc);
    assert_int_equal(bad_layer((nns_layer_info){.name = "fc", .dims = 1, .shape = {4}}), 0);
    assert_int_equal(bad_layer((nns_layer_info){.name = "fc", .dims = 1, .shape = {4}}), 0);
    assert_int_equal(bad_layer((nns_layer_info){.name = "none", .dims = 1, .shape = {0}}), 0);
    assert_int_equal(bad_layer((nns_layer_info){.name = "minus", .dims = 1, .shape = {-1}}), 0);
    assert_int_equal(bad_layer((nns_layer_info){.name = "deep", .dims = 5, .shape = {1}}), 0);
    assert_int_equal(
        bad_layer((nns_layer_info){.name = "huge", .dims = 2, .shape = {1 << 30, 1 << 30}}), 0);
    assert_int_equal(bad_layer((nns_layer_info){.dims = 1, .shape = {1}}), 0);
    assert_int_equal(
        bad_layer((nns_layer_info){
            .name = "lost", .dims = 1, .shape = {1}, .inputs = &unknown, .input_count = 1}),
        0);
    assert_true(nns_step(run, 0));
    nns_close(run, 0);
    heard_read(&h);
    assert_true(has_trouble(&h, "layer described twice", "fc"));
    assert_true(has_trouble(&h, "layer shape", "none"));
    assert_true(has_trouble(&h, "layer shape", "minus"));
    assert_true(has_trouble(&h, "layer shape", "deep"));
    assert_true(has_trouble(&h, "layer shape", "huge"));
    assert_true(has_trouble(&h, "layer name", ""));
    assert_true(has_trouble(&h, "layer inputs", "lost"));
    size_t said = 0;
    while (heard_nth(&h, RECORD_EVENT, EVENT_TROUBLE, said))
        said++;
    assert_int_equal(said, 7); // each once
}

static nns_tensor bad_tensor(nns_tensor_info info) {
    return nns_tensor_add(run, &info);
}

static void wrong_tensors_are_refused(void **state) {
    (void)state;
    static float data[64];
    nns_layer fc = layer_of("fc", 4);
    const nns_tensor_info good = {.layer = fc,
                                  .role = NNS_WEIGHT,
                                  .dtype = NNS_FLOAT32,
                                  .dims = 2,
                                  .shape = {4, 8},
                                  .data = data};
    nns_tensor t = nns_tensor_add(run, &good);
    assert_int_not_equal(t, 0);
    assert_int_equal(nns_tensor_add(run, &good), t); // again: the same handle
    nns_tensor_info bad = good;
    bad.dtype = NNS_FLOAT64;
    assert_int_equal(bad_tensor(bad), 0); // under the same name
    bad = good, bad.name = "role", bad.role = (nns_role)99;
    assert_int_equal(bad_tensor(bad), 0);
    bad = good, bad.name = "dtype", bad.dtype = (nns_dtype)0;
    assert_int_equal(bad_tensor(bad), 0);
    bad = good, bad.name = "valid", bad.valid = (nns_valid)9;
    assert_int_equal(bad_tensor(bad), 0);
    bad = good, bad.name = "negative", bad.shape[1] = -8;
    assert_int_equal(bad_tensor(bad), 0);
    bad = good, bad.name = "zero", bad.shape[1] = 0;
    assert_int_equal(bad_tensor(bad), 0);
    bad = good, bad.name = "large", bad.shape[1] = INT64_MAX;
    assert_int_equal(bad_tensor(bad), 0);
    bad = good, bad.name = "dims", bad.dims = 7;
    assert_int_equal(bad_tensor(bad), 0);
    bad = good, bad.name = "fit", bad.shape[0] = 5;
    assert_int_equal(bad_tensor(bad), 0);
    bad = good, bad.name = "strides", bad.strides[0] = -1, bad.strides[1] = 1;
    assert_int_equal(bad_tensor(bad), 0);
    bad = good, bad.name = "far", bad.strides[0] = INT64_MAX / 2, bad.strides[1] = 1;
    assert_int_equal(bad_tensor(bad), 0);
    bad = good, bad.name = "layer", bad.layer = 9;
    assert_int_equal(bad_tensor(bad), 0);
    bad = good, bad.layer = 0;
    assert_int_equal(bad_tensor(bad), 0); // no name can be made
    nns_tensor_reshape(run, t, (int64_t[]){4, -1});
    nns_batch(run, -3);
    nns_tensor_gone(run, t);
    nns_tensor_move(run, t, data);
    nns_tensor_move(run, 999, data);
    nns_tensor_show(run, 999);
    assert_true(nns_step(run, 0));
    nns_close(run, 0);
    heard_read(&h);
    assert_true(has_trouble(&h, "tensor registered twice", "fc/weight"));
    assert_true(has_trouble(&h, "tensor role", "role"));
    assert_true(has_trouble(&h, "tensor dtype", "dtype"));
    assert_true(has_trouble(&h, "tensor valid", "valid"));
    assert_true(has_trouble(&h, "tensor shape", "negative"));
    assert_true(has_trouble(&h, "tensor shape", "zero"));
    assert_true(has_trouble(&h, "tensor shape", "large"));
    assert_true(has_trouble(&h, "tensor shape", "dims"));
    assert_true(has_trouble(&h, "tensor shape", "fit"));
    assert_true(has_trouble(&h, "tensor shape", "fc/weight"));
    assert_true(has_trouble(&h, "tensor strides", "strides"));
    assert_true(has_trouble(&h, "tensor strides", "far"));
    assert_true(has_trouble(&h, "unknown layer", "layer"));
    assert_true(has_trouble(&h, "tensor name", ""));
    assert_true(has_trouble(&h, "batch rows", ""));
    assert_true(has_trouble(&h, "used after nns_tensor_gone", "fc/weight"));
}

static const char *model_text(uint32_t part, size_t n) {
    const heard_record *r = heard_nth(&h, RECORD_MODEL, part, n);
    return r ? heard_text(r->at + 16, le_u32(r->at + 12)) : "";
}

static bool tensor_is_told(const heard *at, uint64_t n) {
    (void)n;
    return heard_nth(at, RECORD_MODEL, MODEL_TENSOR, 0);
}

static void the_model_is_told(void **state) {
    (void)state;
    static float data[12];
    nns_layer in = nns_layer_describe(
        run, &(nns_layer_info){.name = "input", .kind = "input", .dims = 2, .shape = {2, 3}});
    nns_layer fc = nns_layer_describe(run, &(nns_layer_info){.name = "fc",
                                                             .kind = "dense",
                                                             .activation = "relu",
                                                             .dims = 1,
                                                             .shape = {2},
                                                             .parameters = 14});
    nns_layer_describe(run, &(nns_layer_info){.name = "sum",
                                              .dims = 1,
                                              .shape = {2},
                                              .inputs = (nns_layer[]){in, fc},
                                              .input_count = 2});
    nns_tensor t = tensor_of(fc, NNS_WEIGHT, NNS_ALWAYS, 2, 6, data);
    static const char *const words[] = {"no", "yes"};
    nns_on_push(run, (nns_push_call)(uintptr_t)1, NULL,
                &(nns_push_info){.dims = 2, .shape = {2, 3}, .classes = 2, .words = words});
    nns_on_evaluate(run, (nns_evaluate_call)(uintptr_t)1, NULL);
    nns_step(run, 0);
    assert_true(heard_until(&h, tensor_is_told, 0));
    nns_tensor_gone(run, t);
    nns_close(run, 0);
    heard_read(&h);
    assert_string_equal(
        model_text(MODEL_LAYER, 0),
        "{\"name\":\"input\",\"kind\":\"input\",\"activation\":\"\",\"shape\":[2,3],"
        "\"parameters\":0,\"inputs\":[]}");
    assert_string_equal(model_text(MODEL_LAYER, 1),
                        "{\"name\":\"fc\",\"kind\":\"dense\",\"activation\":\"relu\",\"shape\":[2],"
                        "\"parameters\":14,\"inputs\":[\"input\"]}");
    assert_non_null(strstr(model_text(MODEL_LAYER, 2), "\"inputs\":[\"input\",\"fc\"]"));
    assert_string_equal(model_text(MODEL_TENSOR, 0),
                        "{\"name\":\"fc/weight\",\"layer\":\"fc\",\"role\":\"weight\",\"dtype\":"
                        "\"float32\",\"shape\":[2,6],\"valid\":\"always\"}");
    assert_string_equal(model_text(MODEL_TENSOR, 1), "{\"name\":\"fc/weight\",\"gone\":true}");
    assert_string_equal(model_text(MODEL_PUSH, 0),
                        "{\"shape\":[2,3],\"classes\":[\"no\",\"yes\"],\"samples\":0}");
    assert_string_equal(model_text(MODEL_EVALUATE, 0), "{}");
}

// --- copies --------------------------------------------------------------------------------------

#define TENSORS 150

typedef struct known {
    nns_tensor handle;
    nns_tensor_info info;
    uint8_t *data;
    uint32_t item;
} known;

static const uint32_t item_bytes[] = {0, 4, 8, 2, 2, 1, 1, 4, 8};

// Any order of dimensions, sometimes with gaps.
static void random_strides(uint64_t *random, nns_tensor_info *info) {
    int at[4] = {0, 1, 2, 3};
    int64_t stride = 1;
    for (int i = info->dims - 1; i > 0; i--) {
        int k = (int)random_below(random, (uint64_t)i + 1), swap = at[i];
        at[i] = at[k];
        at[k] = swap;
    }
    bool gaps = random_below(random, 2);
    for (int i = 0; i < info->dims; i++) {
        info->strides[at[i]] = stride;
        stride *= info->shape[at[i]];
        if (gaps) stride += (int64_t)random_below(random, 4);
    }
}

static size_t span(const nns_tensor_info *info) {
    size_t last = 0;
    for (int i = 0; i < info->dims; i++)
        last += (size_t)((info->shape[i] - 1) * info->strides[i]);
    return last + 1;
}

static void random_tensor(uint64_t *random, known *k, int number) {
    char name[32];
    snprintf(name, sizeof name, "t%d", number);
    nns_role role = random_below(random, 2) ? NNS_OTHER : NNS_INPUT;
    k->info = (nns_tensor_info){.role = role, .name = name};
    k->info.dtype = (nns_dtype)(1 + random_below(random, 8));
    k->info.dims = 1 + (int)random_below(random, 4);
    for (int i = 0; i < k->info.dims; i++)
        k->info.shape[i] = 1 + (int64_t)random_below(random, 9);
    random_strides(random, &k->info);
    k->item = item_bytes[k->info.dtype];
    size_t bytes = span(&k->info) * k->item;
    k->data = malloc(bytes);
    for (size_t i = 0; i < bytes; i++)
        k->data[i] = (uint8_t)random_next(random);
    k->info.data = k->data;
    k->handle = nns_tensor_add(run, &k->info);
    k->info.name = NULL;
    assert_int_not_equal(k->handle, 0);
}

static void expect_equal(const known *k, const seen *s, int64_t rows) {
    const copy *c = &s->head;
    int64_t at[4] = {0}, shape[4] = {1, 1, 1, 1}, n = 1;
    for (int i = 0; i < k->info.dims; i++) {
        shape[i] = k->info.shape[i];
        if (i == 0 && k->info.role == NNS_INPUT && rows < shape[0]) shape[0] = rows;
        assert_int_equal(c->shape[i], shape[i]);
        n *= shape[i];
    }
    assert_int_equal(c->elements, n);
    assert_int_equal(c->count, n);
    assert_int_equal(c->flags & (COPY_FIRST | COPY_LAST), COPY_FIRST | COPY_LAST);
    for (int64_t e = 0; e < n; e++) {
        int64_t rest = e, from = 0, to = 0;
        for (int i = 3; i >= 0; i--) {
            at[i] = rest % shape[i];
            rest /= shape[i];
            from += at[i] * k->info.strides[i];
            to += at[i] * c->strides[i];
        }
        assert_true(to >= 0 && to < n); // a dense block
        assert_memory_equal((const uint8_t *)s->data + (size_t)to * k->item,
                            k->data + (size_t)from * k->item, k->item);
    }
}

static void copies_equal_memory(void **state) {
    (void)state;
    static known tensors[TENSORS];
    uint64_t random = random_seed();
    for (int i = 0; i < TENSORS; i++)
        random_tensor(&random, &tensors[i], i);
    int64_t rows = 4;
    nns_batch(run, rows);
    nns_step(run, 0);
    want(WANT_LOOK_UNITS, ROLE_BIT(OTHER) | ROLE_BIT(INPUT));
    for (int step = 1; step < 1000 && !number_of(COPY_SET_END); step++) {
        nns_step(run, step);
        take_all();
        sleep_ms(1);
    }
    assert_int_equal(number_of(COPY_SET_END), 1);
    for (int i = 0; i < TENSORS; i++) {
        const seen *s = nth(COPY_TENSOR, tensors[i].handle, 0, 0);
        assert_non_null(s);
        expect_equal(&tensors[i], s, rows);
        free(tensors[i].data);
    }
}

// --- sets ----------------------------------------------------------------------------------------

#define SMALL 64

static float weights[SMALL], gradients[SMALL], activations[SMALL], shown[SMALL];

static void all_to(float *values, double value) {
    for (int i = 0; i < SMALL; i++)
        values[i] = (float)value;
}

static void expect_all(const seen *s, double value, int64_t step) {
    assert_non_null(s);
    assert_int_equal(s->head.step, step);
    assert_int_equal(s->head.count, SMALL);
    for (int i = 0; i < SMALL; i++)
        assert_true(((const float *)s->data)[i] == (float)value);
}

static nns_tensor small[4];

static void register_small(void) {
    nns_layer fc = layer_of("fc", 8);
    small[0] = tensor_of(fc, NNS_WEIGHT, NNS_ALWAYS, 8, 8, weights);
    small[1] = tensor_of(fc, NNS_WEIGHT_GRAD, NNS_AT_UPDATE, 8, 8, gradients);
    small[2] = tensor_of(fc, NNS_ACT, NNS_ALWAYS, 8, 8, activations);
    small[3] = tensor_of(fc, NNS_PRE_GRAD, NNS_WHEN_SHOWN, 8, 8, shown);
}

// A body whose numbers tell its step; an update at each `every`-th step.
static void body(int64_t step, int every) {
    all_to(activations, (double)step + 0.25);
    all_to(shown, (double)step + 0.5);
    nns_tensor_show(run, small[3]);
    all_to(shown, -1); // no longer what it was
    all_to(gradients, (double)step + 0.75);
    if (step % every == every - 1) {
        assert_true(nns_before_update(run));
        all_to(weights, (double)step);
        all_to(activations, -1);
    }
    all_to(gradients, -1); // zeroed behind the update
}

#define SMALL_ROLES                                                                                \
    (ROLE_BIT(WEIGHT) | ROLE_BIT(WEIGHT_GRAD) | ROLE_BIT(ACT) | ROLE_BIT(PRE_GRAD) |               \
     ROLE_BIT(UPDATE))

static int64_t run_until_end(int64_t step, int every) {
    for (int i = 0; i < 2000 && !number_of(COPY_SET_END); i++) {
        nns_step(run, step);
        take_all();
        body(step++, every);
        sleep_ms(1);
    }
    assert_int_equal(number_of(COPY_SET_END), 1);
    return step;
}

static void a_set_is_of_one_step(void **state) {
    (void)state;
    register_small();
    for (int64_t step = 0; step < 5; step++) {
        nns_step(run, step);
        body(step, 1);
    }
    want(WANT_LOOK_UNITS, SMALL_ROLES);
    run_until_end(5, 1);
    const seen *end = nth(COPY_SET_END, 0, 0, 0);
    int64_t step = end->head.step;
    assert_int_equal(end->head.last_step, step);
    assert_int_equal(end->head.why, WANT_BIT(WANT_LOOK_UNITS));
    expect_all(nth(COPY_TENSOR, small[0], COPY_EARLIER, 0), (double)(step - 1), step - 1);
    expect_all(nth(COPY_TENSOR, small[0], 0, 1), (double)step, step);
    expect_all(nth(COPY_TENSOR, small[1], 0, 0), (double)step + 0.75, step);
    expect_all(nth(COPY_TENSOR, small[2], 0, 0), (double)step + 0.25, step);
    expect_all(nth(COPY_TENSOR, small[3], 0, 0), (double)step + 0.5, step);
    assert_int_equal(nth(COPY_SET_BEGIN, 0, 0, 0)->head.step, step);
}

// Gradients of four steps before each update: the set waits, and is of the update's step.
static void a_set_waits_for_the_update(void **state) {
    (void)state;
    register_small();
    for (int64_t step = 0; step < 9; step++) {
        nns_step(run, step);
        body(step, 4);
    }
    for (int64_t next = 9, i = 0; i < 7; i++) { // begun at any step between two updates
        want(WANT_LOOK_UNITS, SMALL_ROLES);
        next = run_until_end(next, 4);
        int64_t step = nth(COPY_SET_END, 0, 0, 0)->head.step;
        assert_int_equal(step, nth(COPY_SET_END, 0, 0, 0)->head.last_step);
        assert_int_equal(step % 4, 3);
        expect_all(nth(COPY_TENSOR, small[1], 0, 0), (double)step + 0.75, step);
        expect_all(nth(COPY_TENSOR, small[0], 0, 1), (double)step, step);
        const seen *earlier = nth(COPY_TENSOR, small[0], COPY_EARLIER, 0);
        assert_true(((const float *)earlier->data)[0] == (float)(step - 4));
        forget();
        for (int64_t k = 0; k < i % 4; k++, next++) {
            nns_step(run, next);
            body(next, 4);
        }
    }
}

static int64_t rows_of(int64_t step) {
    return 1 + step * 5 % 8;
}

static void batch_body(const nns_tensor at[3], int64_t step, bool by_shape) {
    nns_batch(run, by_shape ? 8 : rows_of(step));
    for (int i = 0; i < 3; i++)
        nns_tensor_reshape(run, at[i], (int64_t[]){by_shape ? rows_of(step) : 8, 8});
    nns_tensor_show(run, at[2]);
    assert_true(nns_before_update(run));
}

// Batches that grow and shrink from step to step, read at three points: with the rows of their own step, whatever the step
// before had.
static void a_batch_has_its_own_rows(void **state) {
    (void)state;
    nns_layer fc = layer_of("fc", 8);
    nns_tensor at[3] = {tensor_of(fc, NNS_ACT, NNS_ALWAYS, 8, 8, activations),
                        tensor_of(fc, NNS_PREDICTION, NNS_AT_STEP, 8, 8, gradients),
                        tensor_of(fc, NNS_PRE_GRAD, NNS_WHEN_SHOWN, 8, 8, shown)};
    int64_t step = 0;
    for (; step < 5 && nns_step(run, step); step++)
        batch_body(at, step, false);
    for (int set = 0; set < 12; set++, forget()) {
        want(WANT_LOOK_UNITS, ROLE_BIT(ACT) | ROLE_BIT(PREDICTION) | ROLE_BIT(PRE_GRAD));
        for (int i = 0; i < 2000 && !number_of(COPY_SET_END); i++) {
            nns_step(run, step);
            take_all();
            batch_body(at, step++, set % 2);
            sleep_ms(1);
        }
        for (int k = 0; k < 3; k++) {
            const seen *s = nth(COPY_TENSOR, at[k], 0, 0);
            assert_non_null(s);
            assert_int_equal(s->head.shape[0], rows_of(s->head.step));
            assert_int_equal(s->head.rows, rows_of(s->head.step));
        }
    }
}

// Only what stands: copied at once, of the step before.
static void what_stands_is_of_the_step_before(void **state) {
    (void)state;
    register_small();
    nns_step(run, 100);
    body(100, 1);
    want(WANT_LOOK_LINKS, ROLE_BIT(WEIGHT));
    run_until_end(101, 1);
    int64_t step = nth(COPY_SET_END, 0, 0, 0)->head.step;
    expect_all(nth(COPY_TENSOR, small[0], 0, 0), (double)step, step);
    assert_int_equal(number_of(COPY_TENSOR), 1);
}

// --- slices --------------------------------------------------------------------------------------

#define LARGE (12 << 20) // floats, 48 MiB: more than one hold or the ring takes

static void large_weights_come_in_pairs_of_slices(void **state) {
    (void)state;
    float *large = calloc(LARGE, sizeof *large);
    nns_layer l = layer_of("large", 4);
    nns_tensor t = tensor_of(l, NNS_WEIGHT, NNS_ALWAYS, 4, LARGE / 4, large);
    nns_step(run, 0);
    want(WANT_LOOK_LINKS, ROLE_BIT(WEIGHT) | ROLE_BIT(UPDATE));
    uint64_t earlier = 0, later = 0;
    float *before = malloc(LARGE * sizeof *before);
    for (int64_t step = 1; step < 20000 && !number_of(COPY_SET_END); step++) {
        nns_step(run, step);
        forget();
        take_all();
        for (size_t i = 0; i < count; i++) {
            const copy *c = &all[i].head;
            if (c->kind != COPY_TENSOR) continue;
            assert_int_equal(c->tensor, t);
            uint64_t *at = c->flags & COPY_EARLIER ? &earlier : &later;
            assert_int_equal(c->first, *at); // ascending, nothing twice
            *at += c->count;
            const float *values = all[i].data;
            if (c->flags & COPY_EARLIER) memcpy(before + c->first, values, c->count * 4);
            for (uint64_t k = 0; k < c->count && !(c->flags & COPY_EARLIER); k += 997)
                assert_true(values[k] == before[c->first + k] + 1); // exactly one update between
        }
        for (size_t i = 0; i < LARGE; i++)
            large[i] += 1;
    }
    assert_int_equal(earlier, LARGE);
    assert_int_equal(later, LARGE);
    const seen *end = nth(COPY_SET_END, 0, 0, 0);
    assert_non_null(end);
    assert_true(end->head.flags & COPY_SLICED);
    assert_true(end->head.last_step > end->head.step);
    nns_tensor_gone(run, t);
    free(before);
    free(large);
}

// A batch too large for a hold: its first rows, in one piece.
static void large_batches_are_cut(void **state) {
    (void)state;
    enum { ROWS = 4096, UNITS = 4096 };
    float *large = malloc((size_t)ROWS * UNITS * sizeof *large);
    for (size_t i = 0; i < (size_t)ROWS * UNITS; i++)
        large[i] = (float)(i % 1000);
    nns_layer l = layer_of("wide", UNITS);
    nns_tensor t = tensor_of(l, NNS_ACT, NNS_ALWAYS, ROWS, UNITS, large);
    nns_step(run, 0);
    want(WANT_LOOK_UNITS, ROLE_BIT(ACT));
    for (int64_t step = 1; step < 20000 && !number_of(COPY_SET_END); step++) {
        nns_step(run, step);
        take_all();
        sleep_ms(1);
    }
    assert_int_equal(number_of(COPY_SET_END), 1);
    const copy *c = &nth(COPY_TENSOR, t, 0, 0)->head;
    assert_true(c->flags & COPY_ROWS_CUT);
    assert_int_equal(c->rows, ROWS);
    assert_true(c->shape[0] >= 1 && c->shape[0] < ROWS);
    assert_int_equal(c->elements, (uint64_t)c->shape[0] * UNITS);
    uint64_t got = 0, step = (uint64_t)c->step;
    for (size_t i = 0; i < count; i++) {
        if (all[i].head.kind != COPY_TENSOR) continue;
        assert_memory_equal(all[i].data, large + all[i].head.first, all[i].head.count * 4);
        assert_int_equal(all[i].head.step, step);
        got += all[i].head.count;
    }
    assert_int_equal(got, c->elements);
    nns_tensor_gone(run, t);
    free(large);
}

// --- memory that is gone --------------------------------------------------------------------------

static bool broken_is_told(const heard *at, uint64_t n) {
    (void)n;
    return has_trouble(at, "freed before nns_tensor_gone", "fc/weight");
}

static void freed_memory_is_named(void **state) {
    (void)state;
    size_t bytes = 1 << 20;
    float *data = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    nns_layer fc = layer_of("fc", 256);
    nns_tensor t = tensor_of(fc, NNS_WEIGHT, NNS_ALWAYS, 256, 1024, data);
    tensor_of(fc, NNS_BIAS, NNS_ALWAYS, 256, 0,
              activations); // fewer numbers than said, but readable
    nns_step(run, 0);
    want(WANT_LOOK_LINKS, ROLE_BIT(WEIGHT));
    run_until_end(1, 1 << 30);
    assert_non_null(nth(COPY_TENSOR, t, 0, 0));
    forget();
    munmap(data, bytes);
    want(WANT_LOOK_LINKS, ROLE_BIT(WEIGHT));
    for (int64_t step = 5000; step < 5500; step++) {
        nns_step(run, step);
        take_all();
    }
    assert_null(nth(COPY_TENSOR, t, 0, 0));
    assert_true(heard_until(&h, broken_is_told, 0));
    static float elsewhere[256 * 1024]; // it lives again where it moved to
    nns_tensor_move(run, t, elsewhere);
    forget();
    want(WANT_LOOK_LINKS, ROLE_BIT(WEIGHT));
    run_until_end(6000, 1 << 30);
    assert_non_null(nth(COPY_TENSOR, t, 0, 0));
}

static void gone_and_moved_are_obeyed(void **state) {
    (void)state;
    static float second[SMALL];
    register_small();
    all_to(second, 7);
    nns_step(run, 0);
    nns_tensor_gone(run, small[2]);
    nns_tensor_move(run, small[0], second);
    want(WANT_LOOK_UNITS, ROLE_BIT(WEIGHT) | ROLE_BIT(ACT));
    for (int64_t step = 1; step < 1000 && !number_of(COPY_SET_END); step++) {
        nns_step(run, step);
        take_all();
        sleep_ms(1);
    }
    assert_int_equal(number_of(COPY_TENSOR), 1);
    assert_true(((const float *)nth(COPY_TENSOR, small[0], 0, 0)->data)[0] == 7);
    forget();
    nns_tensor_move(run, small[0], NULL);
    want(WANT_LOOK_UNITS, ROLE_BIT(WEIGHT) | ROLE_BIT(ACT));
    for (int64_t step = 1000; step < 1010; step++) {
        nns_step(run, step);
        take_all();
    }
    assert_int_equal(number_of(COPY_TENSOR), 0);
}

// --- paused ---------------------------------------------------------------------------------------

static void *paused_trainer(void *context) {
    (void)context;
    for (int64_t step = 7; nns_step(run, step); step++) {
    }
    return NULL;
}

static void a_look_is_served_while_paused(void **state) {
    (void)state;
    pthread_t trainer;
    register_small();
    wait_ready();
    nns_pause(run); // before the first step
    pthread_create(&trainer, NULL, paused_trainer, NULL);
    while (!atomic_load(&run->holds))
        sleep_ms(1);
    want(WANT_LOOK_LINKS, SMALL_ROLES);
    command_wake(&run->commands);
    for (int i = 0; i < 3000 && !nth(COPY_SET_END, 0, 0, 0); i++) {
        take_all();
        sleep_ms(1);
    }
    assert_int_equal(nth(COPY_SET_END, 0, 0, 0)->head.step, 6);
    assert_non_null(nth(COPY_TENSOR, small[0], 0, 0)); // what stands in memory, no gradients
    assert_null(nth(COPY_TENSOR, small[1], 0, 0));
    assert_int_equal(number_of(COPY_TENSOR), 2);
    nns_stop(run);
    pthread_join(trainer, NULL);
}

// --- looking -------------------------------------------------------------------------------------

static void send_look(uint32_t what, uint16_t units_hz10, uint16_t links_hz10) {
    uint8_t at[24] = {0};
    inbox_writer w;
    le_put_u16(at, RECORD_LOOK);
    le_put_u16(at + 2, sizeof at / 8);
    le_put_u32(at + 4, 15);
    le_put_u32(at + 8, what);
    le_put_u16(at + 12, units_hz10);
    le_put_u16(at + 14, links_hz10);
    le_put_u32(at + 16, 3000);
    assert_int_equal(inbox_open_writer(&w, h.folder, h.process), 0);
    assert_int_equal(inbox_append(&w, at, sizeof at), 0);
    inbox_close_writer(&w);
}

static void who_looks_gets_sets_at_the_rate(void **state) {
    (void)state;
    register_small();
    nns_step(run, 0);
    wait_ready();
    send_look(1 | 2, 200, 100); // units 20 a second, links 10
    int64_t step = 1, until = clock_mono_ns() + NS_PER_S;
    while (clock_mono_ns() < until) {
        nns_step(run, step);
        take_all();
        body(step++, 1);
        sleep_ms(1);
    }
    size_t units = 0, links = 0;
    for (size_t i = 0; i < count; i++) {
        if (all[i].head.kind != COPY_SET_END) continue;
        units += (all[i].head.why & WANT_BIT(WANT_LOOK_UNITS)) != 0;
        links += (all[i].head.why & WANT_BIT(WANT_LOOK_LINKS)) != 0;
    }
    assert_in_range(units, 2, 22);
    assert_in_range(links, 1, 12);
    assert_null(nth(COPY_TENSOR, small[3], COPY_EARLIER, 0));
}

// The helper looks out for what was wanted, the more rarely the longer the step takes: 500 turns a second would be a poll.
static void a_long_step_is_not_polled_for(void **state) {
    (void)state;
    struct rusage before, after;
    register_small();
    nns_step(run, 0);
    wait_ready();
    send_look(1 | 2, 100, 100);
    sleep_ms(100);
    assert_int_equal(getrusage(RUSAGE_SELF, &before), 0);
    sleep_ms(1000);
    assert_int_equal(getrusage(RUSAGE_SELF, &after), 0);
    assert_in_range(after.ru_nvcsw - before.ru_nvcsw, 1, 300);
}

static void loop_for(int64_t ns, bool links) {
    int64_t step = run->last_step + 1, until = clock_mono_ns() + ns;
    while (clock_mono_ns() < until) {
        if (links) atomic_fetch_or(&run->wanted, WANT_BIT(WANT_LOOK_LINKS));
        nns_step(run, step);
        take_all();
        body(step++, 1);
        sleep_ms(1);
    }
}

static size_t sets_for(uint32_t kind) {
    size_t n = 0;
    for (size_t i = 0; i < count; i++)
        n += all[i].head.kind == COPY_SET_END && (all[i].head.why & WANT_BIT(kind));
    return n;
}

static void open_recording(double budget) {
    heard_init(&h);
    run = nns_open(&(nns_options){.quiet = true, .no_system = true, .budget = budget});
    assert_non_null(run);
    heard_find(&h, nns_run_id(run));
    count = 0;
}

static void recording(double budget) {
    open_recording(budget);
    register_small();
    nns_step(run, 0);
    wait_ready();
}

// Statistics cost twenty times as much as a look at the biases.
static void recording_large(double budget, int64_t units, const float *large) {
    open_recording(budget);
    nns_layer l = layer_of("large", units);
    tensor_of(l, NNS_BIAS, NNS_ALWAYS, units, 0, large);
    tensor_of(l, NNS_WEIGHT, NNS_ALWAYS, units, 8, large);
    tensor_of(l, NNS_WEIGHT_GRAD, NNS_ALWAYS, units, 8, large);
    nns_step(run, 0);
    wait_ready();
}

static void recordings_keep_their_pace(void **state) {
    (void)state;
    recording(0.5);
    loop_for(1300 * NS_PER_MS, false);
    assert_in_range(sets_for(WANT_STATISTICS), 1, 4);
    assert_in_range(sets_for(WANT_SNAPSHOT), 1, 2);
    assert_true(sets_for(WANT_FLIGHT) > 10); // small tensors: of nearly every step
    close_run();
    setenv("NNSCOPE_RECORD_NETWORK", "0", 1);
    recording(0.5);
    loop_for(700 * NS_PER_MS, false);
    assert_int_equal(number_of(COPY_SET_END), 0);
    unsetenv("NNSCOPE_RECORD_NETWORK");
    close_run();
}

// Somebody looks at more than the budget lets, all the time: statistics have their turn all the same.
__attribute__((unused)) static void nothing_starves(void **state) {
    (void)state;
    enum { UNITS = 1 << 18 };
    float *large = calloc(UNITS * 8, sizeof *large);
    recording_large(0.002, UNITS, large);
    atomic_store(&network_of(run)->plan.roles[WANT_LOOK_LINKS], ROLE_BIT(BIAS));
    readable_check(run, UINT32_MAX);
    for (int i = 0; i < 60 && !(sets_for(WANT_STATISTICS) && sets_for(WANT_LOOK_LINKS)); i++)
        loop_for(500 * NS_PER_MS, true);
    assert_true(sets_for(WANT_STATISTICS) > 0);
    assert_true(sets_for(WANT_LOOK_LINKS) > 0);
    close_run();
    free(large);
}

static bool is_described(const heard *at, uint64_t n) {
    (void)n;
    return heard_count(at, RECORD_MODEL) >= 5;
}

static void a_folder_made_again_has_the_model(void **state) {
    (void)state;
    register_small();
    nns_step(run, 0);
    assert_true(heard_until(&h, is_described, 0));
    temp_remove(h.folder);
    h.holes = true;
    assert_true(heard_until(&h, is_described, 0));
}

// Registered anew at each step, as a careless program does.
static void registering_again_is_harmless(void **state) {
    (void)state;
    nns_layer fc = layer_of("fc", 8);
    nns_tensor t = tensor_of(fc, NNS_WEIGHT, NNS_ALWAYS, 8, 8, weights);
    nns_step(run, 0);
    want(WANT_LOOK_LINKS, ROLE_BIT(WEIGHT));
    for (int64_t step = 1; step < 2000 && !number_of(COPY_SET_END); step++) {
        assert_int_equal(
            tensor_of(fc, NNS_WEIGHT, NNS_ALWAYS, 8, 8, step % 2 ? weights : gradients), t);
        nns_step(run, step);
        take_all();
        sleep_ms(1);
    }
    assert_non_null(nth(COPY_TENSOR, t, 0, 0));
}

// --- series that are not finite -------------------------------------------------------------------

static void a_series_that_is_not_finite_is_told_once(void **state) {
    (void)state;
    register_small();
    nns_series loss = nns_series_open(run, "loss"), other = nns_series_open(run, "other");
    nns_step(run, 0);
    wait_ready();
    for (int64_t step = 1; step < 10; step++) {
        nns_scalar(run, loss, step >= 3 ? NAN : 1);
        nns_scalar(run, other, 1);
        nns_step(run, step);
    }
    take_all();
    assert_int_equal(number_of(COPY_NONFINITE), 1);
    assert_int_equal(nth(COPY_NONFINITE, 0, 0, 0)->head.tensor, loss);
    assert_int_equal(nth(COPY_NONFINITE, 0, 0, 0)->head.step, 2);
    nns_scalar(run, loss, 1); // finite again: told again when it is not
    nns_scalar(run, loss, INFINITY);
    nns_step(run, 10);
    take_all();
    assert_int_equal(number_of(COPY_NONFINITE), 2);
    for (int i = 0; i < 100; i++) {
        nns_scalar(run, loss, 1);
        nns_scalar(run, loss, NAN);
        nns_step(run, 11 + i);
        take_all();
    }
    assert_int_equal(number_of(COPY_NONFINITE), NONFINITE_MAX);
}

static void without_a_network_the_event_is_written_at_once(void **state) {
    (void)state;
    nns_series loss = nns_series_open(run, "train/loss");
    nns_step(run, 5);
    nns_scalar(run, loss, -INFINITY);
    nns_step(run, 6);
    nns_close(run, 0);
    heard_read(&h);
    const heard_record *e = heard_nth(&h, RECORD_EVENT, EVENT_NONFINITE, 0);
    assert_non_null(e);
    assert_int_equal(e->step, 5);
    assert_string_equal(heard_event_text(e), "{\"where\":\"train/loss\",\"step\":5}");
}

// --- size, fork ----------------------------------------------------------------------------------

static void a_thousand_layers(void **state) {
    (void)state;
    static float data[1000][4];
    char name[32];
    for (int i = 0; i < 1000; i++) {
        snprintf(name, sizeof name, "layer %d", i);
        nns_layer l = layer_of(name, 2);
        assert_int_equal(l, i + 1);
        data[i][3] = (float)i;
        tensor_of(l, NNS_WEIGHT, NNS_ALWAYS, 2, 2, data[i]);
        tensor_of(l, NNS_BIAS, NNS_ALWAYS, 2, 0, data[i]);
    }
    nns_step(run, 0);
    want(WANT_LOOK_LINKS, ROLE_BIT(WEIGHT) | ROLE_BIT(BIAS));
    run_until_end(1, 1 << 30);
    assert_int_equal(number_of(COPY_TENSOR), 2000);
    assert_true(((const float *)nth(COPY_TENSOR, 2 * 999 + 1, 0, 0)->data)[3] == 999);
    nns_close(run, 0);
    heard_read(&h);
    assert_int_equal(heard_count(&h, RECORD_MODEL), 3000);
}

static void a_forked_child_is_left_alone(void **state) {
    (void)state;
    register_small();
    nns_step(run, 0);
    want(WANT_LOOK_UNITS, SMALL_ROLES);
    pid_t child = fork();
    if (child == 0) {
        nns_step(run, 1);
        nns_before_update(run);
        nns_tensor_show(run, small[3]);
        nns_tensor_gone(run, small[0]);
        nns_tensor_add(run, &(nns_tensor_info){.name = "x", .role = NNS_OTHER});
        nns_layer_describe(run, &(nns_layer_info){.name = "x"});
        nns_batch(run, 3);
        _exit(number_of(COPY_TENSOR) == 0 ? 0 : 1);
    }
    int status;
    waitpid(child, &status, 0);
    assert_int_equal(status, 0);
    run_until_end(1, 1);
    assert_true(number_of(COPY_TENSOR) >= 4);
}

static void null_is_nothing(void **state) {
    (void)state;
    assert_int_equal(nns_layer_describe(NULL, &(nns_layer_info){.name = "x"}), 0);
    assert_int_equal(nns_layer_describe(run, NULL), 0);
    assert_int_equal(nns_tensor_add(NULL, NULL), 0);
    assert_int_equal(nns_tensor_add(run, NULL), 0);
    nns_tensor_move(NULL, 1, NULL);
    nns_tensor_reshape(NULL, 1, NULL);
    nns_tensor_show(NULL, 1);
    nns_tensor_gone(NULL, 1);
    nns_batch(NULL, 1);
    nns_batch(run, 1);
    nns_on_push(NULL, NULL, NULL, NULL);
    nns_push_activation(NULL, 0, NULL, 0);
    nns_push_output(NULL, NULL, 0);
    nns_on_evaluate(NULL, NULL, NULL);
    assert_null(nns_copy_data(NULL, 1));
    nns_confusion(NULL, NULL, 0, NULL, NULL);
    assert_true(nns_before_update(NULL));
    assert_true(nns_before_update(run));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(wrong_layers_are_refused),
        TEST(wrong_tensors_are_refused),
        TEST(the_model_is_told),
        TEST(copies_equal_memory),
        TEST(a_set_is_of_one_step),
        TEST(a_set_waits_for_the_update),
        TEST(a_batch_has_its_own_rows),
        TEST(what_stands_is_of_the_step_before),
        TEST(large_weights_come_in_pairs_of_slices),
        TEST(large_batches_are_cut),
        TEST(freed_memory_is_named),
        TEST(gone_and_moved_are_obeyed),
        TEST(a_look_is_served_while_paused),
        TEST(who_looks_gets_sets_at_the_rate),
        TEST(a_long_step_is_not_polled_for),
        cmocka_unit_test(recordings_keep_their_pace),
#ifndef __SANITIZE_THREAD__ // copies take a hundred times as long there
        cmocka_unit_test(nothing_starves),
#endif
        TEST(a_folder_made_again_has_the_model),
        TEST(registering_again_is_harmless),
        TEST(a_series_that_is_not_finite_is_told_once),
        TEST(without_a_network_the_event_is_written_at_once),
        TEST(a_thousand_layers),
        TEST(a_forked_child_is_left_alone),
        TEST(null_is_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
