// Unit digest_test.c tests what is made of copied tensors, through the public interface: a program whose numbers follow from
// the step alone, looked at as the server does; every section of every capture is computed again, plainly, in double.
#include "heard.h"

#include "journal/capture.h"
#include "journal/stage.h"

#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/wait.h>

enum { ROWS = 32, IN = 20, HIDDEN = 24, OUT = 10, MAPS = 6, PLACES = 4, FILTER = 9, BOUNDED = 6 };

static heard h;
static nns_run *run;
static pthread_t trainer;
static atomic_bool finish;
static atomic_long body;
static atomic_long poison_at;        // from this step on a gradient holds NaN; 0: never
static atomic_long poison_series_at; // from this step on a series is NaN
static atomic_long evaluated;
static atomic_bool evaluate_waits, evaluate_ended;

static nns_layer input_layer, conv_layer, hidden_layer, output_layer, tanh_layer, sigmoid_layer;
static nns_tensor hidden_weight, output_weight, hidden_bias;
// The program's memory. Hidden weights stand as (I, U), output weights as (U, I).
static float input[ROWS][IN], conv_weight[MAPS][1][3][3], conv_act[ROWS][MAPS][2][2];
static float weight[IN][HIDDEN], weight_grad[IN][HIDDEN], bias[HIDDEN], act[ROWS][HIDDEN],
    pre_grad[ROWS][HIDDEN];
static float out_weight[OUT][HIDDEN], prediction[ROWS][OUT], sample_loss[ROWS];
static int32_t label[ROWS];
// The same in every step, so that what is said of all samples is what is said of these.
static double bounded[ROWS][BOUNDED];         // tanh
static float bounded_grad[ROWS][BOUNDED];     // of it
static float squashed[ROWS][BOUNDED][PLACES]; // sigmoid maps

// The numbers, as functions of the step.
static float weight_of(int64_t step, uint32_t u, uint32_t i) {
    return sinf((float)u * 1.3f + (float)i * 0.7f) * (1 + 0.001f * (float)(step % 1000));
}
static float out_weight_of(int64_t step, uint32_t u, uint32_t i) {
    return cosf((float)u * 0.3f + (float)i * 1.7f) + 0.001f * (float)(step % 100);
}
static float grad_of(int64_t step, uint32_t u, uint32_t i) {
    return 1e-3f * cosf((float)u + 2 * (float)i) * (float)(1 + step % 5);
}
static float act_of(int64_t step, uint32_t row, uint32_t u) {
    if (u % 5 == 0) return 0;
    float v = sinf((float)row * 0.3f + (float)u * 0.9f + (float)step * 0.01f);
    return v > 0 ? v : 0;
}
static float conv_act_of(int64_t step, uint32_t row, uint32_t map, uint32_t place) {
    return map == 0 ? 0 : cosf((float)(row + map * 3 + place) + (float)(step % 7));
}
static float pre_grad_of(int64_t step, uint32_t row, uint32_t u) {
    return 1e-4f * (float)((row * 7 + u * 3 + step) % 11);
}
static float loss_of(int64_t step, uint32_t row) {
    return (float)((row * 13 + (uint32_t)(step % 97)) % 32) + 0.5f;
}
static uint32_t predicted_of(int64_t step, uint32_t row) {
    return (row + (uint32_t)(step % 3 == 0)) % OUT;
}

static bool holes; // not all of it is finite

// Unit 0 is at its bound, 1 at its bound on 90 %, 2 only for class 3, 3 is zero, 4 NaN now and then, 5 as it comes.
static double bounded_of(uint32_t row, uint32_t u) {
    switch (u) {
    case 0:
        return row % 2 ? 0.995 : -0.999;
    case 1:
        return row % 10 ? 1 : 0;
    case 2:
        return row % OUT == 3 ? -0.7 : 0;
    case 3:
        return 0;
    case 4:
        return holes && row % 7 == 0 ? (double)NAN : 0.25;
    default:
        return sin(1.7 * row + 0.3);
    }
}
static float bounded_grad_of(uint32_t row, uint32_t u) {
    if (u == 3) return row % 3 ? 1e-30f : 0;
    return holes && u == 4 && row % 2 ? INFINITY : 1e-3f * (float)(row + u) - 0.01f;
}
static float squashed_of(uint32_t row, uint32_t u, uint32_t place) {
    return (float)(0.5 + 0.5 * bounded_of(row + place, u));
}
static void fill_bounded(void) {
    for (uint32_t row = 0; row < ROWS; row++)
        for (uint32_t u = 0; u < BOUNDED; u++) {
            bounded[row][u] = bounded_of(row, u);
            bounded_grad[row][u] = bounded_grad_of(row, u);
            for (uint32_t place = 0; place < PLACES; place++)
                squashed[row][u][place] = squashed_of(row, u, place);
        }
}

static void fill(int64_t step) {
    for (uint32_t u = 0; u < HIDDEN; u++) {
        bias[u] = (float)u + (float)step;
        for (uint32_t i = 0; i < IN; i++) {
            weight[i][u] = weight_of(step, u, i);
            weight_grad[i][u] = grad_of(step, u, i);
        }
    }
    long poison = atomic_load(&poison_at);
    if (poison && step >= poison) weight_grad[3][4] = NAN;
    for (uint32_t u = 0; u < OUT; u++)
        for (uint32_t i = 0; i < HIDDEN; i++)
            out_weight[u][i] = out_weight_of(step, u, i);
    for (uint32_t row = 0; row < ROWS; row++) {
        for (uint32_t i = 0; i < IN; i++)
            input[row][i] = (float)row / ROWS;
        for (uint32_t u = 0; u < HIDDEN; u++) {
            act[row][u] = act_of(step, row, u);
            pre_grad[row][u] = pre_grad_of(step, row, u);
        }
        for (uint32_t k = 0; k < MAPS * PLACES; k++)
            (&conv_act[row][0][0][0])[k] = conv_act_of(step, row, k / PLACES, k % PLACES);
        for (uint32_t k = 0; k < OUT; k++)
            prediction[row][k] = k == predicted_of(step, row) ? 0.9f : 0.01f;
        label[row] = (int32_t)(row % OUT);
        sample_loss[row] = loss_of(step, row);
    }
}

static nns_layer describe(const char *name, const char *kind, const char *activation, int dims,
                          int64_t a, int64_t b, int64_t c) {
    nns_layer_info info = {
        .name = name, .kind = kind, .activation = activation, .dims = dims, .shape = {a, b, c}};
    nns_layer handle = nns_layer_describe(run, &info);
    assert_true(handle);
    return handle;
}

static nns_tensor add(nns_layer layer, nns_role role, nns_dtype dtype, const void *data, int dims,
                      int64_t a, int64_t b, int64_t turned) {
    nns_tensor_info info = {
        .layer = layer, .role = role, .dtype = dtype, .data = data, .dims = dims, .shape = {a, b}};
    if (turned) {
        info.strides[0] = 1;
        info.strides[1] = a;
    }
    nns_tensor handle = nns_tensor_add(run, &info);
    assert_true(handle);
    return handle;
}

static bool pushed(void *context, nns_push *push, const float *values, size_t count) {
    float output[OUT] = {0}, hidden[HIDDEN];
    (void)context;
    for (uint32_t u = 0; u < HIDDEN; u++)
        hidden[u] = values[0] + (float)u;
    for (size_t i = 0; i < count; i++)
        output[i % OUT] += values[i];
    nns_push_activation(push, hidden_layer, hidden, HIDDEN);
    nns_push_output(push, output, OUT);
    return values[0] >= 0;
}

static bool own_sample(void *context, int64_t index, float *values, size_t count, int *truth) {
    (void)context;
    for (size_t i = 0; i < count; i++)
        values[i] = (float)index / 100;
    *truth = (int)(index % OUT);
    return true;
}

// Worth: the share of hidden weights that are left.
static double evaluate(void *context, const nns_copy *copy) {
    const float *w = nns_copy_data(copy, hidden_weight), *b = nns_copy_data(copy, hidden_bias);
    (void)context;
    assert_non_null(w);
    assert_non_null(b);
    assert_non_null(nns_copy_data(copy, output_weight));
    double left = 0;
    for (size_t i = 0; i < IN * HIDDEN; i++)
        left += w[i] != 0;
    atomic_fetch_add(&evaluated, 1);
    while (atomic_load(&evaluate_waits))
        sleep_ms(5);
    atomic_store(&evaluate_ended, true);
    return left / (IN * HIDDEN);
}

static void declare(void) {
    input_layer = describe("input", "input", NULL, 1, IN, 0, 0);
    conv_layer = describe("conv", "conv", "relu", 3, MAPS, 2, 2);
    hidden_layer = describe("hidden", "dense", "relu", 1, HIDDEN, 0, 0);
    output_layer = describe("output", "dense", "softmax", 1, OUT, 0, 0);
    tanh_layer = describe("bounded", "dense", "tanh", 1, BOUNDED, 0, 0);
    sigmoid_layer = describe("squashed", "conv", "sigmoid", 3, BOUNDED, 2, 2);
    add(input_layer, NNS_INPUT, NNS_FLOAT32, input, 2, ROWS, IN, 0);
    add(tanh_layer, NNS_ACT, NNS_FLOAT64, bounded, 2, ROWS, BOUNDED, 0);
    add(tanh_layer, NNS_PRE_GRAD, NNS_FLOAT32, bounded_grad, 2, ROWS, BOUNDED, 0);
    nns_tensor_info squash = {.layer = sigmoid_layer,
                              .role = NNS_ACT,
                              .dtype = NNS_FLOAT32,
                              .data = squashed,
                              .dims = 4,
                              .shape = {ROWS, BOUNDED, 2, 2}};
    assert_true(nns_tensor_add(run, &squash));
    nns_tensor_info map = {.layer = conv_layer,
                           .role = NNS_ACT,
                           .dtype = NNS_FLOAT32,
                           .data = conv_act,
                           .dims = 4,
                           .shape = {ROWS, MAPS, 2, 2}};
    assert_true(nns_tensor_add(run, &map));
    nns_tensor_info filter = {.layer = conv_layer,
                              .role = NNS_WEIGHT,
                              .dtype = NNS_FLOAT32,
                              .data = conv_weight,
                              .dims = 4,
                              .shape = {MAPS, 1, 3, 3}};
    assert_true(nns_tensor_add(run, &filter));
    hidden_weight = add(hidden_layer, NNS_WEIGHT, NNS_FLOAT32, weight, 2, HIDDEN, IN, 1);
    add(hidden_layer, NNS_WEIGHT_GRAD, NNS_FLOAT32, weight_grad, 2, HIDDEN, IN, 1);
    hidden_bias = add(hidden_layer, NNS_BIAS, NNS_FLOAT32, bias, 1, HIDDEN, 0, 0);
    add(hidden_layer, NNS_ACT, NNS_FLOAT32, act, 2, ROWS, HIDDEN, 0);
    add(hidden_layer, NNS_PRE_GRAD, NNS_FLOAT32, pre_grad, 2, ROWS, HIDDEN, 0);
    output_weight = add(output_layer, NNS_WEIGHT, NNS_FLOAT32, out_weight, 2, OUT, HIDDEN, 0);
    add(output_layer, NNS_LABEL, NNS_INT32, label, 1, ROWS, 0, 0);
    add(output_layer, NNS_PREDICTION, NNS_FLOAT32, prediction, 2, ROWS, OUT, 0);
    add(output_layer, NNS_SAMPLE_LOSS, NNS_FLOAT32, sample_loss, 1, ROWS, 0, 0);
    nns_push_info push = {
        .dims = 1, .shape = {IN}, .classes = OUT, .samples = 100, .sample = own_sample};
    nns_on_push(run, pushed, NULL, &push);
    nns_on_evaluate(run, evaluate, NULL);
}

static void *train(void *context) {
    (void)context;
    for (int64_t step = 0; nns_step(run, step) && !atomic_load(&finish); step++) {
        fill(step);
        long poison = atomic_load(&poison_series_at);
        nns_scalar_named(run, "loss", poison && step >= poison ? (double)NAN : 1);
        sleep_ms(2);
        atomic_fetch_add(&body, 1);
    }
    return NULL;
}

static int setup(void **state) {
    (void)state;
    heard_init(&h);
    atomic_store(&body, 0);
    atomic_store(&finish, false);
    atomic_store(&poison_at, 0);
    atomic_store(&poison_series_at, 0);
    atomic_store(&evaluated, 0);
    run = nns_open(&(nns_options){.quiet = true, .no_system = true, .budget = 0.9});
    assert_non_null(run);
    fill(-1);
    fill_bounded();
    declare();
    heard_find(&h, nns_run_id(run));
    assert_int_equal(pthread_create(&trainer, NULL, train, NULL), 0);
    return 0;
}

static int setup_with_holes(void **state) {
    holes = true;
    return setup(state);
}

static int setup_recording_nothing(void **state) {
    setenv("NNSCOPE_RECORD_NETWORK", "0", 1);
    int result = setup(state);
    unsetenv("NNSCOPE_RECORD_NETWORK");
    return result;
}

static void stop(void) {
    atomic_store(&finish, true);
    if (run) pthread_join(trainer, NULL);
    nns_close(run, 0);
    run = NULL;
}

static int teardown(void **state) {
    (void)state;
    stop();
    holes = false;
    heard_fini(&h);
    return 0;
}

// Asking ---------------------------------------------------------------------------------------------

static void send(const buf *asked) {
    inbox_writer w;
    assert_int_equal(inbox_open_writer(&w, h.folder, h.process), 0);
    assert_int_equal(inbox_append(&w, asked->data, asked->length), 0);
    inbox_close_writer(&w);
}

static void ask_look(uint32_t what, uint32_t strongest, uint32_t layer, uint32_t unit) {
    buf asked = {0};
    buf_zero(&asked, 32);
    le_put_u16(asked.data, RECORD_LOOK);
    le_put_u16(asked.data + 2, 4);
    le_put_u32(asked.data + 4, 15);
    le_put_u32(asked.data + 8, what);
    le_put_u16(asked.data + 12, 100);
    le_put_u16(asked.data + 14, 100);
    le_put_u32(asked.data + 16, strongest);
    le_put_u32(asked.data + 20, 1);
    le_put_u32(asked.data + 24, layer);
    le_put_u32(asked.data + 28, unit);
    send(&asked);
    buf_fini(&asked);
}

// Captures -------------------------------------------------------------------------------------------

static buf blob;
static capture_head head;

// The n-th CAPTURE of this kind with a blob, read into `blob`. False: it is not there.
static bool read_capture(int kind, size_t n) {
    char path[PATH_CAP];
    const heard_record *r = heard_nth(&h, RECORD_CAPTURE, (uint32_t)kind, n);
    if (!r || !le_u64(r->at + 24)) return false;
    buf_clear(&blob);
    assert_int_equal(stage_blob_path(path, h.folder, h.process, le_u64(r->at + 24)), 0);
    assert_int_equal(file_read(path, CAPTURE_BYTES_MAX, &blob), 0);
    assert_int_equal(blob.length, le_u64(r->at + 32));
    assert_int_equal(capture_open(blob.data, blob.length, &head), 0);
    assert_int_equal(head.kind, kind);
    assert_int_equal(head.step, le_i64(r->at + 16));
    assert_int_equal(head.number, le_u64(r->at + 8));
    return true;
}

// The n-th section of this quantity and layer. False: none.
static bool find(int quantity, uint32_t layer, uint32_t n, capture_section *s) {
    size_t at = 0;
    while (capture_next(blob.data, blob.length, &at, s) == 0)
        if (s->quantity == quantity && (layer == UINT32_MAX || s->layer == layer) && n-- == 0)
            return true;
    return false;
}

static float f32(const capture_section *s, size_t i) {
    return le_f32(s->data + 4 * i);
}

static float f16(const capture_section *s, size_t i) {
    uint16_t v = le_u16(s->data + 2 * i);
    int exponent = v >> 10 & 31;
    float size =
        exponent ? ldexpf((float)(v & 1023) + 1024, exponent - 25) : ldexpf((float)(v & 1023), -24);
    return (v & 0x8000 ? -size : size) * s->scale;
}

static bool near(double a, double b, double tolerance) {
    return fabs(a - b) <= tolerance;
}

// As heard_until, for machines that have much else to do.
static bool eventually(bool (*ready)(const heard *all, uint64_t n), uint64_t n) {
    for (int i = 0; i < 8; i++)
        if (heard_until(&h, ready, n)) return true;
    return false;
}

// The worker is there: the first statistics were written.
static bool is_awake(const heard *all, uint64_t ignored) {
    (void)ignored;
    return heard_series(all, "layer/hidden/weight/norm", SERIES_SCALAR) != 0;
}

static bool has_kind(const heard *all, uint64_t kind) {
    return heard_nth(all, RECORD_CAPTURE, (uint32_t)kind, 0) != NULL;
}

static bool has_several(const heard *all, uint64_t kind) {
    return heard_nth(all, RECORD_CAPTURE, (uint32_t)kind, 8) != NULL;
}

// Looks ----------------------------------------------------------------------------------------------

static bool check_units(void) {
    capture_section activation, mean, active, gradient, marks, maps;
    if (!find(QUANTITY_ACTIVATION, hidden_layer, 0, &activation)) return false;
    assert_true(find(QUANTITY_MEAN, hidden_layer, 0, &mean) &&
                find(QUANTITY_ACTIVE, hidden_layer, 0, &active));
    assert_true(find(QUANTITY_GRADIENT, hidden_layer, 0, &gradient) &&
                find(QUANTITY_MARKS, hidden_layer, 0, &marks));
    assert_int_equal(activation.elements, HIDDEN);
    for (uint32_t u = 0; u < HIDDEN; u++) {
        double sum = 0, some = 0, squares = 0;
        for (uint32_t row = 0; row < ROWS; row++) {
            sum += (double)act_of(head.step, row, u);
            some += act_of(head.step, row, u) != 0;
            squares += pow((double)pre_grad_of(head.step, row, u), 2);
        }
        assert_true(near((double)f32(&activation, u), sum / ROWS, 1e-5));
        assert_true(near((double)f32(&mean, u), sum / ROWS, 1e-5));
        assert_true(near((double)f32(&active, u), some / ROWS, 1e-6));
        assert_true(near((double)f32(&gradient, u), sqrt(squares / ROWS), 1e-8));
        if (head.observed >= 2048)
            assert_int_equal(marks.data[u] & MARK_DEAD, u % 5 == 0 ? MARK_DEAD : 0);
    }
    assert_true(find(QUANTITY_ACTIVATION, conv_layer, 0, &maps));
    assert_int_equal(maps.elements, MAPS);
    for (uint32_t m = 0; m < MAPS; m++) {
        double sum = 0;
        for (uint32_t k = 0; k < ROWS * PLACES; k++)
            sum += fabs((double)conv_act_of(head.step, k / PLACES, m, k % PLACES));
        assert_true(near((double)f32(&maps, m), sum / ROWS / PLACES, 1e-5));
    }
    return true;
}

static void check_outcome(void) {
    capture_section worst, values, confusion, unit, unit_values;
    assert_true(find(QUANTITY_CONFUSION, UINT32_MAX, 0, &confusion));
    assert_int_equal(confusion.shape[0], OUT);
    uint64_t total = 0, wrong = 0;
    for (uint32_t i = 0; i < OUT * OUT; i++) {
        total += le_u32(confusion.data + 4 * i);
        if (i / OUT != i % OUT && (i / OUT + 1) % OUT != i % OUT)
            wrong += le_u32(confusion.data + 4 * i);
    }
    assert_true(total > 0 && total % ROWS == 0);
    assert_int_equal(wrong, 0);
    assert_true(find(QUANTITY_WORST, UINT32_MAX, 0, &worst) &&
                find(QUANTITY_WORST_VALUES, UINT32_MAX, 0, &values));
    assert_int_equal(worst.shape[0], 12);
    assert_int_equal(worst.shape[1], IN);
    assert_true(f32(&values, 0) == 31.5f);
    assert_true(f32(&values, 3) == 0.9f);
    assert_true(find(QUANTITY_UNIT_SAMPLES, hidden_layer, 0, &unit) &&
                find(QUANTITY_UNIT_SAMPLE_VALUES, hidden_layer, 0, &unit_values));
    assert_int_equal(unit.item, 3);
    assert_int_equal(unit.shape[0], 9);
    assert_true(f32(&unit_values, 0) >= f32(&unit_values, 2) && f32(&unit_values, 0) > 0.9f);
    uint32_t row = (uint32_t)lround(unit.data[0] / 255.0 * ROWS); // its input says which row it was
    if (f32(&unit_values, 1) != (float)(row % OUT))
        fail_msg("row %u, label %g, value %g", row, (double)f32(&unit_values, 1),
                 (double)f32(&unit_values, 0));
}

static void check_classes(void) {
    capture_section classes, selectivity, value, input_value;
    assert_true(find(QUANTITY_CLASS_MEAN, hidden_layer, 0, &classes) &&
                find(QUANTITY_SELECTIVITY, hidden_layer, 0, &selectivity));
    assert_int_equal(classes.shape[0], OUT);
    assert_int_equal(classes.shape[1], HIDDEN);
    assert_true(f32(&classes, 5) == 0 && f32(&selectivity, 1) >= 0 && f32(&selectivity, 1) <= 1);
    assert_true(find(QUANTITY_VALUE, conv_layer, 0, &value) &&
                find(QUANTITY_INPUT, UINT32_MAX, 0, &input_value));
    assert_int_equal(value.dims, 3);
    for (uint32_t k = 0; k < MAPS * PLACES; k++)
        assert_true(near((double)f32(&value, k),
                         (double)conv_act_of(head.step, 0, k / PLACES, k % PLACES), 1e-6));
    assert_int_equal(input_value.elements, IN);
}

// What is true of a unit of the bounded layers, of all samples: each batch has the same.
typedef struct unit_truth {
    double mean, mean_abs, gradient, beyond, class_mean[OUT], selectivity;
} unit_truth;

static double value_of(const nns_layer *layer, uint32_t row, uint32_t u, uint32_t place) {
    return layer == &tanh_layer ? bounded_of(row, u) : (double)squashed_of(row, u, place);
}

static bool is_beyond(const nns_layer *layer, double v) {
    return v > 0.99 || v < (layer == &tanh_layer ? -0.99 : 0.01);
}

// Mean over the places of those that are finite.
static double sample_mean(const nns_layer *layer, uint32_t row, uint32_t u) {
    uint32_t places = layer == &tanh_layer ? 1 : PLACES;
    double sum = 0, finite = 0;
    for (uint32_t p = 0; p < places; p++) {
        double v = value_of(layer, row, u, p);
        if (isfinite(v)) sum += v, finite++;
    }
    return sum / finite;
}

static double selectivity_of(const double *means) {
    double best = 0, sum = 0;
    for (uint32_t k = 0; k < OUT; k++) {
        best = fmax(best, fabs(means[k]));
        sum += fabs(means[k]);
    }
    double others = (sum - best) / (OUT - 1);
    return (best - others) / (best + others);
}

static unit_truth truth_of(const nns_layer *layer, uint32_t u) {
    unit_truth t = {0};
    uint32_t places = layer == &tanh_layer ? 1 : PLACES;
    double finite = 0, slopes = 0, seen[OUT] = {0};
    for (uint32_t row = 0; row < ROWS; row++) {
        double grad = (double)bounded_grad_of(row, u), mean = sample_mean(layer, row, u);
        for (uint32_t p = 0; p < places; p++) {
            double v = value_of(layer, row, u, p);
            t.beyond += is_beyond(layer, v) / (double)(ROWS * places);
            if (!isfinite(v)) continue;
            t.mean += v, t.mean_abs += fabs(v), finite++;
        }
        if (isfinite(grad)) t.gradient += grad * grad, slopes++;
        if (isfinite(mean)) t.class_mean[row % OUT] += mean, seen[row % OUT]++;
    }
    t.mean /= finite, t.mean_abs /= finite, t.gradient = sqrt(t.gradient / slopes);
    for (uint32_t k = 0; k < OUT; k++)
        t.class_mean[k] /= seen[k];
    t.selectivity = selectivity_of(t.class_mean);
    return t;
}

static void check_bounded(const nns_layer *layer) {
    static const int quantities[] = {QUANTITY_ACTIVATION, QUANTITY_MEAN,  QUANTITY_SELECTIVITY,
                                     QUANTITY_CLASS_MEAN, QUANTITY_MARKS, QUANTITY_GRADIENT};
    capture_section s[6];
    bool slopes = layer == &tanh_layer; // registered of it
    for (int i = 0; i < 6; i++)
        assert_int_equal(find(quantities[i], *layer, 0, &s[i]), i < 5 || slopes);
    for (uint32_t u = 0; u < BOUNDED; u++) {
        unit_truth t = truth_of(layer, u);
        double selectivity = (double)f32(&s[2], u);
        assert_true(near((double)f32(&s[0], u), t.mean_abs, 1e-6));
        assert_true(near((double)f32(&s[1], u), t.mean, 1e-6));
        assert_true(isnan(t.selectivity) ? isnan(selectivity)
                                         : near(selectivity, t.selectivity, 1e-5));
        for (uint32_t k = 0; k < OUT; k++)
            assert_true(near((double)f32(&s[3], k * BOUNDED + u), t.class_mean[k], 1e-6));
        if (slopes) assert_true(near((double)f32(&s[5], u) / t.gradient, 1, 1e-6));
        int marks = u == 3 && slopes ? MARK_DEAD : 0;
        marks |= t.beyond >= 0.95 ? MARK_SATURATED : 0;
        if (head.observed >= 2048) assert_int_equal(s[4].data[u], marks);
    }
}

static void check_matrix(const capture_section *s, float (*of)(int64_t, uint32_t, uint32_t),
                         uint32_t units, uint32_t inputs) {
    assert_int_equal(s->shape[0], units);
    assert_int_equal(s->shape[1], inputs);
    for (uint32_t k = 0; k < units * inputs; k++) {
        double truth = (double)of(head.step, k / inputs, k % inputs);
        assert_true(
            near((double)f16(s, k), truth, fabs(truth) * 0x1p-11 + (double)s->scale * 0x1p-24));
    }
}

static float update_of(int64_t step, uint32_t u, uint32_t i) {
    return weight_of(step, u, i) - weight_of(step - 1, u, i);
}

static void check_strong(const capture_section *s, float (*of)(int64_t, uint32_t, uint32_t),
                         uint32_t inputs) {
    assert_int_equal(s->elements, 15);
    for (uint32_t k = 0; k < 15; k++) {
        uint32_t at = le_u32(s->data + 8 * k);
        float v = le_f32(s->data + 8 * k + 4);
        assert_true(v == of(head.step, at / inputs, at % inputs));
        uint32_t stronger = 0;
        for (uint32_t i = 0; i < HIDDEN * inputs; i++)
            stronger += fabsf(of(head.step, i / inputs, i % inputs)) > fabsf(v);
        assert_true(stronger <= k);
    }
}

static bool check_links(void) {
    capture_section s;
    if (!find(QUANTITY_WEIGHT, hidden_layer, 0, &s)) return false;
    check_matrix(&s, weight_of, HIDDEN, IN);
    assert_true(find(QUANTITY_STRONG_WEIGHT, hidden_layer, 0, &s));
    check_strong(&s, weight_of, IN);
    assert_true(find(QUANTITY_WEIGHT_GRADIENT, hidden_layer, 0, &s));
    check_matrix(&s, grad_of, HIDDEN, IN);
    assert_true(find(QUANTITY_STRONG_GRADIENT, hidden_layer, 0, &s));
    assert_true(find(QUANTITY_WEIGHT, output_layer, 0, &s));
    check_matrix(&s, out_weight_of, OUT, HIDDEN);
    assert_true(find(QUANTITY_BIAS, hidden_layer, 0, &s));
    assert_true(f32(&s, 7) == 7 + (float)head.step);
    assert_true(find(QUANTITY_WEIGHT, conv_layer, 0, &s));
    assert_int_equal(s.dims, 4);
    assert_true(find(QUANTITY_UNIT_WEIGHT, hidden_layer, 0, &s));
    assert_int_equal(s.item, 3);
    for (uint32_t i = 0; i < IN; i++)
        assert_true(f32(&s, i) == weight_of(head.step, 3, i));
    assert_true(find(QUANTITY_UNIT_GRADIENT, hidden_layer, 0, &s));
    assert_true(find(QUANTITY_UNIT_OUT, output_layer, 0, &s));
    assert_int_equal(s.elements, OUT);
    for (uint32_t u = 0; u < OUT; u++)
        assert_true(f32(&s, u) == out_weight_of(head.step, u, 3));
    if (!find(QUANTITY_UPDATE, hidden_layer, 0, &s)) return false; // not before two steps were seen
    check_matrix(&s, update_of, HIDDEN, IN);
    assert_true(find(QUANTITY_STRONG_UPDATE, hidden_layer, 0, &s));
    check_strong(&s, update_of, IN);
    assert_true(find(QUANTITY_UNIT_UPDATE, hidden_layer, 0, &s));
    for (uint32_t i = 0; i < IN; i++)
        assert_true(f32(&s, i) == update_of(head.step, 3, i));
    return true;
}

static void looked_at(void **state) {
    (void)state;
    ask_look(LOOK_UNITS | LOOK_WEIGHTS | LOOK_MATRICES | LOOK_GRADIENTS | LOOK_UPDATES |
                 LOOK_OUTCOME | LOOK_CLASSES | LOOK_CORRELATION | LOOK_VALUES,
             15, hidden_layer, 3);
    int of_units = 0, of_links = 0, correlated = 0, judged = 0;
    for (int round = 0; round < 40 && (!judged || !of_links || !correlated); round++) {
        assert_true(eventually(has_several, CAPTURE_LOOK));
        for (size_t n = 0; read_capture(CAPTURE_LOOK, n); n++) {
            capture_section s;
            if (check_units()) {
                of_units++;
                judged += head.observed >= 2048;
                check_outcome();
                check_classes();
                check_bounded(&tanh_layer);
                check_bounded(&sigmoid_layer);
            }
            of_links += check_links();
            correlated += find(QUANTITY_CORRELATION, hidden_layer, 0, &s);
        }
        sleep_ms(100);
    }
    assert_true(of_units > 0 && of_links > 0 && correlated > 0 && judged > 0);
}

// Statistics and snapshots -----------------------------------------------------------------------------

static bool has_norm(const heard *all, uint64_t least) {
    uint32_t series = heard_series(all, "layer/hidden/dead", SERIES_SCALAR);
    return series && heard_nth(all, RECORD_SCALAR, series, least - 1);
}

// Every point of layer/hidden/WORD against `truth` of its step.
static void check_series(const char *word, double (*truth)(int64_t step), double tolerance) {
    char name[80];
    snprintf(name, sizeof name, "layer/hidden/%s", word);
    uint32_t series = heard_series(&h, name, SERIES_SCALAR);
    assert_true(series != 0);
    size_t n = 0;
    for (const heard_record *r; (r = heard_nth(&h, RECORD_SCALAR, series, n)); n++) {
        double expected = truth(r->step), got = le_f64(r->at + 8);
        if (n == 0 && r->step == 0)
            continue; // may be of the state before the first step, which is told at that step
        if (!near(got, expected, tolerance * fabs(expected) + 1e-12))
            fail_msg("%s at %ld: %g instead of %g", word, (long)r->step, got, expected);
    }
    assert_true(n > 1);
}

static double weight_norm(int64_t step) {
    double sum = 0;
    for (uint32_t k = 0; k < HIDDEN * IN; k++)
        sum += pow((double)weight_of(step, k / IN, k % IN), 2);
    return sqrt(sum);
}
static double gradient_max(int64_t step) {
    float most = -1;
    for (uint32_t k = 0; k < HIDDEN * IN; k++)
        most = fmaxf(most, grad_of(step, k / IN, k % IN));
    return (double)most;
}
static double update_ratio(int64_t step) {
    double sum = 0;
    for (uint32_t k = 0; k < HIDDEN * IN; k++)
        sum += pow((double)update_of(step, k / IN, k % IN), 2);
    return sqrt(sum) / weight_norm(step);
}
static double sparsity(int64_t step) {
    double zeros = 0;
    for (uint32_t k = 0; k < ROWS * HIDDEN; k++)
        zeros += act_of(step, k / HIDDEN, k % HIDDEN) == 0;
    return zeros / (ROWS * HIDDEN);
}
static double dead_share(int64_t step) {
    (void)step;
    return 5.0 / HIDDEN;
}
static double nothing(int64_t step) {
    (void)step;
    return 0;
}

static void statistics_are_series(void **state) {
    (void)state;
    ask_look(LOOK_UNITS, 0, hidden_layer, 0); // observes quickly
    assert_true(eventually(has_norm, 4));
    check_series("weight/norm", weight_norm, 1e-6);
    check_series("gradient/max", gradient_max, 1e-6);
    check_series("update_ratio", update_ratio, 1e-5);
    check_series("sparsity", sparsity, 1e-6);
    check_series("dead", dead_share, 1e-6);
    check_series("nonfinite", nothing, 0);
    assert_int_equal(heard_nth(&h, RECORD_EVENT, EVENT_ATTEMPT, 0) == NULL, true);
    int64_t last[HEARD_LANES];
    memset(last, 0x80, sizeof last);
    for (size_t i = 0; i < h.count;
         i++) // steps of a lane never go back: that would be a new attempt
        if (h.items[i].kind == RECORD_STEP) {
            assert_true(h.items[i].step >= last[h.items[i].lane]);
            assert_true(h.items[i].step >= 0);
            last[h.items[i].lane] = h.items[i].step;
        }
}

static void check_snapshot(void) {
    capture_section s;
    assert_true(find(QUANTITY_WEIGHT, hidden_layer, 0, &s));
    assert_int_equal(s.coding, CODING_I8);
    for (uint32_t k = 0; k < HIDDEN * IN; k++)
        assert_true(near((double)(int8_t)s.data[k] * (double)s.scale,
                         (double)weight_of(head.step, k / IN, k % IN), (double)s.scale * 0.501));
    assert_true(find(QUANTITY_BIAS, hidden_layer, 0, &s) &&
                find(QUANTITY_ACTIVATION, hidden_layer, 0, &s));
    assert_true(find(QUANTITY_STATISTICS, hidden_layer, 0, &s) &&
                find(QUANTITY_STRONG_GRADIENT, hidden_layer, 0, &s));
    assert_int_equal(s.elements, HIDDEN * IN);
    assert_true(head.base_step == head.step && !(head.flags & CAPTURE_DELTA));
}

static void snapshots_are_made(void **state) {
    (void)state;
    assert_true(eventually(has_kind, CAPTURE_SNAPSHOT));
    assert_true(read_capture(CAPTURE_SNAPSHOT, 0));
    check_snapshot();
}

static bool has_flagged(const heard *all, uint64_t flag) {
    for (size_t n = 0; heard_nth(all, RECORD_CAPTURE, CAPTURE_SNAPSHOT, n); n++)
        if (le_u32(heard_nth(all, RECORD_CAPTURE, CAPTURE_SNAPSHOT, n)->at + 40) & flag)
            return true;
    return false;
}

static void check_kept(void) {
    heard_send(&h, &(command){.verb = COMMAND_KEEP, .number = 5, .at_step = -1});
    assert_true(eventually(has_reply, 5));
    assert_true(eventually(has_flagged, CAPTURE_KEPT));
    for (size_t n = 0; read_capture(CAPTURE_SNAPSHOT, n); n++)
        if (head.flags & CAPTURE_KEPT) check_snapshot();
}

static void a_moment_is_kept(void **state) {
    (void)state;
    assert_true(eventually(has_kind, CAPTURE_SNAPSHOT));
    check_kept();
}

static bool is_described(const heard *all, uint64_t ignored) {
    (void)ignored;
    return heard_nth(all, RECORD_MODEL, UINT32_MAX, 0) != NULL;
}

// Nothing of it was ever looked at before.
static void a_moment_is_kept_whole_where_nothing_is_recorded(void **state) {
    (void)state;
    assert_true(eventually(is_described, 0));
    check_kept();
}

// Trouble --------------------------------------------------------------------------------------------

static bool has_event(const heard *all, uint64_t type) {
    return heard_nth(all, RECORD_EVENT, (uint32_t)type, 0) != NULL;
}

static bool has_flight(const heard *all, uint64_t ignored) {
    (void)ignored;
    return heard_series(all, "flight/hidden/weight/norm", SERIES_SCALAR) != 0;
}

static void nan_writes_the_flight_recorder_out(void **state) {
    (void)state;
    ask_look(LOOK_UNITS, 0, hidden_layer, 0);
    assert_true(eventually(has_kind, CAPTURE_LOOK));
    sleep_ms(300); // it flies for a while: any length will do
    atomic_store(&poison_at, atomic_load(&body) + 20);
    assert_true(eventually(has_event, EVENT_NONFINITE));
    const char *text = heard_event_text(heard_nth(&h, RECORD_EVENT, EVENT_NONFINITE, 0));
    assert_non_null(strstr(text, "\"where\":\"hidden/weight_grad\""));
    assert_non_null(strstr(text, "\"flight\":"));
    if (!strstr(text, "\"flight\":0}")) assert_true(eventually(has_flight, 0));
    assert_true(eventually(has_flagged, CAPTURE_FLIGHT)); // what it made
    for (const heard_record *r; (r = heard_nth(&h, RECORD_EVENT, EVENT_NONFINITE, 1));)
        fail_msg("said twice: %s", heard_event_text(r));
}

static void nan_in_a_series_is_said_with_its_step(void **state) {
    (void)state;
    assert_true(eventually(has_kind, CAPTURE_SNAPSHOT));
    long at = atomic_load(&body) + 20;
    atomic_store(&poison_series_at, at);
    assert_true(eventually(has_event, EVENT_NONFINITE));
    const char *text = heard_event_text(heard_nth(&h, RECORD_EVENT, EVENT_NONFINITE, 0));
    char step[40];
    snprintf(step, sizeof step, "\"step\":%ld,", at);
    assert_non_null(strstr(text, "\"where\":\"loss\""));
    assert_non_null(strstr(text, step));
    assert_non_null(strstr(text, "\"flight\":"));
}

// Asked once -------------------------------------------------------------------------------------------

static bool has_two_pushes(const heard *all, uint64_t ignored) {
    (void)ignored;
    return heard_nth(all, RECORD_CAPTURE, CAPTURE_PUSH, 2) != NULL;
}

static void pushes_are_answered(void **state) {
    (void)state;
    float values[IN] = {0.25f, 0.5f}, bad[IN] = {-1};
    assert_true(eventually(is_awake, 0));
    heard_push(&h, 11, -1, values, IN);
    heard_push(&h, 12, 42, NULL, 0);
    heard_push(&h, 13, -1, bad, IN);
    assert_true(eventually(has_two_pushes, 0));
    for (size_t n = 0; n < 3; n++) {
        const heard_record *r = heard_nth(&h, RECORD_CAPTURE, CAPTURE_PUSH, n);
        uint64_t number = le_u64(r->at + 8);
        capture_section s;
        if (number == 13) {
            assert_int_equal(le_u64(r->at + 24), 0);
            assert_true(le_u32(r->at + 44) > 0);
            continue;
        }
        assert_true(read_capture(CAPTURE_PUSH, n));
        assert_true(find(QUANTITY_INPUT, UINT32_MAX, 0, &s));
        assert_int_equal(s.elements, IN);
        assert_true(f32(&s, 0) == (number == 11 ? 0.25f : 0.42f));
        assert_true(find(QUANTITY_VALUE, hidden_layer, 0, &s));
        assert_true(f32(&s, 5) == (number == 11 ? 0.25f : 0.42f) + 5);
        assert_true(find(QUANTITY_OUTPUT, UINT32_MAX, 0, &s));
        assert_int_equal(s.elements, OUT);
        assert_true(find(QUANTITY_TRUTH, UINT32_MAX, 0, &s));
        assert_true(f32(&s, 0) == (number == 11 ? -1 : 2));
    }
}

static void pruning_is_measured(void **state) {
    (void)state;
    capture_section s;
    assert_true(eventually(is_awake, 0));
    heard_send(&h, &(command){.verb = COMMAND_PRUNE, .number = 9, .at_step = -1});
    assert_true(eventually(has_kind, CAPTURE_PRUNE));
    assert_true(read_capture(CAPTURE_PRUNE, 0));
    assert_int_equal(head.number, 9);
    assert_true(find(QUANTITY_PRUNING, UINT32_MAX, 0, &s));
    assert_int_equal(s.shape[0], 13);
    assert_int_equal(atomic_load(&evaluated), 13);
    for (uint32_t i = 0; i < 13; i++) {
        float share = f32(&s, 3 * i), accuracy = f32(&s, 3 * i + 2);
        if (i) assert_true(share >= f32(&s, 3 * i - 3) && accuracy <= f32(&s, 3 * i - 1));
        // The filters are zero, all others not: so many of all weights are left.
        double zeros = 0, all = HIDDEN * IN + OUT * HIDDEN + MAPS * FILTER,
               threshold = (double)f32(&s, 3 * i + 1);
        double hidden = 0;
        for (uint32_t k = 0; k < HIDDEN * IN; k++)
            hidden += fabs((double)weight_of(head.step, k / IN, k % IN)) <= threshold;
        for (uint32_t k = 0; k < OUT * HIDDEN; k++)
            zeros += fabs((double)out_weight_of(head.step, k / HIDDEN, k % HIDDEN)) <= threshold;
        assert_true(near((double)share, (zeros + hidden + MAPS * FILTER) / all, 1e-6));
        assert_true(near((double)accuracy, 1 - hidden / (HIDDEN * IN), 1e-6));
    }
}

static void a_child_does_nothing(void **state) {
    (void)state;
    ask_look(LOOK_UNITS, 0, hidden_layer, 0);
    assert_true(eventually(has_kind, CAPTURE_LOOK));
    pid_t child = fork();
    if (child == 0) {
        for (int64_t step = 0; step < 100; step++)
            nns_step(run, step);
        nns_close(run, 0);
        _exit(0);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

static void it_ends_while_looked_at(void **state) {
    (void)state;
    ask_look(LOOK_UNITS | LOOK_WEIGHTS | LOOK_UPDATES, 1000, hidden_layer, 1);
    assert_true(eventually(has_kind, CAPTURE_LOOK));
    struct timespec from, to;
    clock_gettime(CLOCK_MONOTONIC, &from);
    stop();
    clock_gettime(CLOCK_MONOTONIC, &to);
    assert_true(to.tv_sec - from.tv_sec <= 3);
}

// The program's own call goes on beyond the end; what it works on stays.
static void a_long_evaluation_does_not_hold_the_end(void **state) {
    (void)state;
    struct timespec from, to;
    assert_true(eventually(is_awake, 0));
    atomic_store(&evaluate_ended, false);
    atomic_store(&evaluate_waits, true);
    heard_send(&h, &(command){.verb = COMMAND_PRUNE, .number = 9, .at_step = -1});
    for (int i = 0; i < 3000 && !atomic_load(&evaluated); i++)
        sleep_ms(10);
    assert_true(atomic_load(&evaluated) == 1);
    clock_gettime(CLOCK_MONOTONIC, &from);
    stop();
    clock_gettime(CLOCK_MONOTONIC, &to);
    assert_true(to.tv_sec - from.tv_sec <= 4);
    assert_false(atomic_load(&evaluate_ended));
    atomic_store(&evaluate_waits, false);
    for (int i = 0; i < 3000 && !atomic_load(&evaluate_ended); i++)
        sleep_ms(10);
    assert_true(atomic_load(&evaluate_ended));
    sleep_ms(50);
    assert_int_equal(atomic_load(&evaluated), 1); // no further points
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(looked_at, setup_with_holes, teardown),
        cmocka_unit_test_setup_teardown(statistics_are_series, setup, teardown),
        cmocka_unit_test_setup_teardown(snapshots_are_made, setup, teardown),
        cmocka_unit_test_setup_teardown(a_moment_is_kept, setup, teardown),
        cmocka_unit_test_setup_teardown(a_moment_is_kept_whole_where_nothing_is_recorded,
                                        setup_recording_nothing, teardown),
        cmocka_unit_test_setup_teardown(nan_writes_the_flight_recorder_out, setup, teardown),
        cmocka_unit_test_setup_teardown(nan_in_a_series_is_said_with_its_step, setup, teardown),
        cmocka_unit_test_setup_teardown(pushes_are_answered, setup, teardown),
        cmocka_unit_test_setup_teardown(pruning_is_measured, setup, teardown),
        cmocka_unit_test_setup_teardown(a_child_does_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(it_ends_while_looked_at, setup, teardown),
        cmocka_unit_test_setup_teardown(a_long_evaluation_does_not_hold_the_end, setup, teardown),
    };
    int result = cmocka_run_group_tests(tests, NULL, NULL);
    buf_fini(&blob);
    return result;
}
