// Unit push_test.c tests samples that are pushed by hand, through the public interface: each is answered once, by what the program
// handed over or by the reason why not, whatever the program and those who push do meanwhile.
#include "heard.h"

#include "journal/capture.h"

#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/wait.h>

enum { IN = 6, OUT = 3, LARGE = 1 << 20, MANY = 160 };

static heard h;
static nns_run *run;
static nns_layer layers[64];
static int64_t elements[64];
static int layer_count, calls;
static bool too_much;
static int64_t step;
static float *ones;

static void describe(int64_t count) {
    char name[24];
    snprintf(name, sizeof name, "layer%d", layer_count);
    layers[layer_count] = nns_layer_describe(
        run, &(nns_layer_info){.name = name, .kind = "dense", .dims = 1, .shape = {count}});
    assert_true(layers[layer_count]);
    elements[layer_count++] = count;
}

static bool answer(void *context, nns_push *push, const float *input, size_t count) {
    float output[OUT] = {input[0], 1, 2};
    assert_null(context);
    assert_int_equal(count, IN);
    calls++;
    for (int i = 0; i < layer_count; i++)
        nns_push_activation(push, layers[i], ones, (size_t)elements[i]);
    for (int i = 0; too_much && i < 20000; i++)
        nns_push_activation(push, layers[0], ones, (size_t)elements[0]);
    for (int i = 0; too_much && i < 20000; i++)
        nns_push_output(push, output, OUT);
    nns_push_output(push, output, OUT);
    return true;
}

static bool sample_of(void *context, int64_t index, float *values, size_t count, int *truth) {
    assert_null(context);
    for (size_t i = 0; i < count; i++)
        values[i] = (float)index;
    *truth = -1;
    return true;
}

static int setup(void **state) {
    (void)state;
    heard_init(&h);
    layer_count = calls = 0;
    too_much = false;
    step = 0;
    ones = calloc(LARGE, sizeof *ones);
    run = nns_open(&(nns_options){.quiet = true, .no_system = true});
    assert_non_null(run);
    describe(1000);
    nns_on_push(run, answer, NULL,
                &(nns_push_info){
                    .dims = 1, .shape = {IN}, .classes = OUT, .samples = 9, .sample = sample_of});
    assert_true(heard_appears(&h, nns_run_id(run)));
    return 0;
}

static int teardown(void **state) {
    (void)state;
    nns_close(run, 0);
    run = NULL;
    free(ones);
    heard_fini(&h);
    return 0;
}

static void push(uint64_t number) {
    heard_push(&h, number, -1, (const float[IN]){1}, IN);
}

// So many records answer this number.
static size_t answers_to(const heard *all, uint64_t number, const heard_record **last) {
    const heard_record *r;
    size_t found = 0;
    for (size_t n = 0; (r = heard_nth(all, RECORD_CAPTURE, CAPTURE_PUSH, n)); n++) {
        if (le_u64(r->at + 8) != number) continue;
        found++;
        if (last) *last = r;
    }
    return found;
}

// Trains until it is answered; -> whether with a capture.
static bool answered(uint64_t number) {
    const heard_record *r = NULL;
    for (int i = 0; i < 4000 && !answers_to(&h, number, &r); i++) {
        nns_step(run, step++);
        sleep_ms(5);
        heard_read(&h);
    }
    assert_non_null(r);
    assert_int_equal(answers_to(&h, number, NULL), 1);
    return le_u64(r->at + 24) != 0;
}

static void a_layer_that_comes_later_finds_room(void **state) {
    (void)state;
    push(1);
    assert_true(answered(1));
    push(2);
    sleep_ms(300); // it waits for the next step
    describe(LARGE);
    assert_true(answered(2));
    push(3);
    assert_true(answered(3));
}

static void too_much_is_refused(void **state) {
    (void)state;
    too_much = true;
    push(1);
    answered(1);
    too_much = false;
    push(2);
    assert_true(answered(2));
}

static void what_makes_no_sense_is_refused(void **state) {
    (void)state;
    float values[IN + 1] = {0};
    heard_push(&h, 1, -1, values, IN - 1);
    heard_push(&h, 2, -1, values, IN + 1);
    heard_push(&h, 3, -1, values, 0);
    heard_push(&h, 4, 9, NULL, 0);
    heard_push(&h, 5, INT64_MAX, NULL, 0);
    values[2] = NAN;
    heard_push(&h, 6, -1, values, IN);
    values[2] = INFINITY;
    heard_push(&h, 7, INT64_MIN, values, IN);
    heard_push(&h, UINT64_C(1) << 63, -1, (const float[IN]){0}, IN);
    heard_push(&h, 0, 1, NULL, 0);
    for (uint64_t number = 0; number < 8; number++)
        assert_false(answered(number));
    assert_false(answered(UINT64_C(1) << 63));
    assert_int_equal(calls, 0);
    heard_push(&h, 8, 8, NULL, 0);
    assert_true(answered(8));
}

static void *send_many(void *context) {
    for (uint64_t number = 1; number <= MANY; number++) {
        push(number);
        if (number % 8 == 0) sleep_ms(5);
    }
    return context;
}

static void many_come_while_it_trains(void **state) {
    (void)state;
    pthread_t sender;
    int good = 0;
    assert_int_equal(pthread_create(&sender, NULL, send_many, NULL), 0);
    for (uint64_t number = 1; number <= MANY; number++)
        good += answered(number);
    pthread_join(sender, NULL);
    assert_int_equal(good, calls);
    assert_true(good >= 16); // others may be refused: they come faster than the steps
}

static void what_was_run_is_answered_at_the_end(void **state) {
    (void)state;
    push(1);
    assert_true(answered(1));
    push(2);
    push(3);
    sleep_ms(100); // they wait for the next step
    nns_step(run, step++);
    nns_close(run, 0);
    run = NULL;
    heard_read(&h);
    for (int number = 1; number <= calls; number++)
        assert_int_equal(answers_to(&h, (uint64_t)number, NULL), 1);
}

static void what_was_not_run_goes_with_the_run(void **state) {
    (void)state;
    push(1);
    sleep_ms(20);
    nns_close(run, 0);
    run = NULL;
    assert_int_equal(calls, 0);
}

static void a_child_answers_nothing(void **state) {
    (void)state;
    int status;
    for (uint64_t number = 1; number <= 4; number++)
        push(number);
    sleep_ms(50);
    pid_t child = fork();
    if (child == 0) {
        for (int i = 0; i < 20; i++)
            nns_step(run, step++);
        nns_close(run, 0);
        _exit(calls);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    for (uint64_t number = 1; number <= 4; number++)
        assert_true(answered(number));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_layer_that_comes_later_finds_room, setup, teardown),
        cmocka_unit_test_setup_teardown(too_much_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(what_makes_no_sense_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(many_come_while_it_trains, setup, teardown),
        cmocka_unit_test_setup_teardown(what_was_run_is_answered_at_the_end, setup, teardown),
        cmocka_unit_test_setup_teardown(what_was_not_run_goes_with_the_run, setup, teardown),
        cmocka_unit_test_setup_teardown(a_child_answers_nothing, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
