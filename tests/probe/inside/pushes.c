// Unit pushes.c tests what the training thread makes of samples that are pushed by hand, and of those that are pinned: what goes
// into which ring, and who waits for whom.
#include "worker.h"

#include <math.h>
#include <pthread.h>

#define MANY 5000

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

// --- pushes --------------------------------------------------------------------------------------

static int pushed;

static bool push_call(void *context, nns_push *push, const float *input, size_t n) {
    float twice[4];
    assert_ptr_equal(context, &pushed);
    assert_int_equal(n, 4);
    pushed++;
    for (size_t i = 0; i < n; i++)
        twice[i] = 2 * input[i];
    nns_push_activation(push, 1, twice, 4);
    nns_push_activation(push, 1, twice, 3); // not as many as the layer has: left out, and said
    for (int i = 0; input[0] == 14 && i < MANY; i++) // more than there is room for
        nns_push_activation(push, 1, twice, 4);
    nns_push_output(push, twice, 2);
    return input[0] != 13;
}

static bool push_sample(void *context, int64_t index, float *input, size_t n, int *truth) {
    (void)context;
    for (size_t i = 0; i < n; i++)
        input[i] = (float)index;
    *truth = (int)index % 2;
    return true;
}

static void declare_push(void) {
    pushed = 0;
    nns_layer_describe(run,
                       &(nns_layer_info){.name = "fc", .kind = "dense", .dims = 1, .shape = {4}});
    nns_on_push(run, push_call, &pushed,
                &(nns_push_info){
                    .dims = 2, .shape = {2, 2}, .classes = 2, .samples = 5, .sample = push_sample});
    wait_ready();
}

static bool is_refused(const heard *at, uint64_t number) {
    for (size_t i = 0; i < at->count; i++)
        if (at->items[i].kind == RECORD_CAPTURE && le_u64(at->items[i].at + 8) == number)
            return le_u64(at->items[i].at + 24) == 0 && le_u32(at->items[i].at + 44) > 0;
    return false;
}

#define ANY_STEP INT64_MIN

static void expect_answer(uint64_t number, float first, int64_t step, int truth, uint32_t flags) {
    size_t i = 0;
    while (i < count && !(all[i].head.kind == COPY_PUSH_BEGIN && all[i].head.set == number))
        i++;
    assert_true(i + 4 < count);
    assert_int_equal(all[i].head.truth, truth);
    if (step != ANY_STEP) assert_int_equal(all[i].head.step, step);
    assert_int_equal(all[i + 1].head.what, PUSHED_INPUT);
    assert_true(((float *)all[i + 1].data)[0] == first);
    assert_int_equal(all[i + 2].head.what, PUSHED_VALUE);
    assert_int_equal(all[i + 2].head.layer, 1);
    assert_true(((float *)all[i + 2].data)[0] == 2 * first);
    assert_int_equal(all[i + 3].head.what, PUSHED_OUTPUT);
    assert_int_equal(all[i + 3].head.count, 2);
    assert_int_equal(all[i + 4].head.kind, COPY_PUSH_END);
    assert_int_equal(all[i + 4].head.flags & COPY_FAILED, flags);
}

static void steps_until_pushed(int64_t *step, int wanted) {
    for (int i = 0; i < 3000 && pushed < wanted; i++) {
        nns_step(run, (*step)++);
        take_all();
        sleep_ms(1);
    }
    assert_int_equal(pushed, wanted);
    take_all();
}

static void a_sample_is_pushed_while_running(void **state) {
    (void)state;
    int64_t step = 10;
    declare_push();
    heard_push(&h, 1, -1, (float[]){3, 1, 1, 1}, 4);
    steps_until_pushed(&step, 1);
    expect_answer(1, 3, step - 2, -1, 0);
    heard_push(&h, 2, 4, NULL, 0);
    steps_until_pushed(&step, 2);
    expect_answer(2, 4, step - 2, 0, 0);
    heard_push(&h, 3, -1, (float[]){13, 1, 1, 1}, 4); // the program cannot
    steps_until_pushed(&step, 3);
    expect_answer(3, 13, step - 2, -1, COPY_FAILED);
    heard_push(&h, 4, -1, (float[]){1, 2}, 2);
    assert_true(heard_until(&h, is_refused, 4));
    heard_push(&h, 5, 5, NULL, 0);
    assert_true(heard_until(&h, is_refused, 5));
    heard_push(&h, 6, -1, (float[]){NAN, 1, 1, 1}, 4);
    assert_true(heard_until(&h, is_refused, 6));
    assert_int_equal(pushed, 3);
}

static void *paused_trainer(void *context) {
    (void)context;
    for (int64_t step = 7; nns_step(run, step); step++) {
    }
    return NULL;
}

static void a_sample_is_pushed_while_paused(void **state) {
    (void)state;
    pthread_t trainer;
    declare_push();
    nns_pause(run); // before the first step
    pthread_create(&trainer, NULL, paused_trainer, NULL);
    while (!atomic_load(&run->holds))
        sleep_ms(1);
    heard_push(&h, 9, -1, (float[]){3, 1, 1, 1}, 4);
    for (int i = 0; i < 3000 && !nth(COPY_PUSH_END, 0, 0, 0); i++) {
        take_all();
        sleep_ms(1);
    }
    assert_int_equal(nth(COPY_PUSH_END, 0, 0, 0)->head.step, 6);
    nns_stop(run);
    pthread_join(trainer, NULL);
}

static void the_end_has_its_place(void **state) {
    (void)state;
    int64_t step = 0;
    declare_push();
    heard_push(&h, 1, -1, (float[]){14, 1, 1, 1}, 4);
    steps_until_pushed(&step, 1);
    assert_non_null(nth(COPY_PUSH_END, 0, COPY_FAILED, 0));
    heard_push(&h, 2, -1, (float[]){3, 1, 1, 1}, 4);
    steps_until_pushed(&step, 2);
    expect_answer(2, 3, ANY_STEP, -1, 0);
}

static void await_push(void) {
    for (int i = 0; i < 3000 && !(atomic_load(&run->wanted) & WANT_BIT(WANT_PUSH)); i++)
        sleep_ms(1);
    assert_true(atomic_load(&run->wanted) & WANT_BIT(WANT_PUSH));
}

// Sets that cannot be afforded are let wait; who pushes right behind another one is not.
static void a_push_does_not_wait_with_sets(void **state) {
    (void)state;
    declare_push();
    nns_step(run, 0);
    for (int i = 1; i <= 3; i++) {
        heard_push(&h, (uint64_t)i, -1, (float[]){3, 1, 1, 1}, 4);
        await_push();
        nns_step(run, i);
        assert_int_equal(pushed, i);
        network_of(run)->capturer->skip = 100000;
    }
}

// --- commands ------------------------------------------------------------------------------------

static void send(uint32_t verb, uint64_t number, const command_value *values, uint16_t n) {
    heard_send(
        &h,
        &(command){.verb = verb, .number = number, .at_step = -1, .values = values, .count = n});
}

static const char *answered(uint64_t number, uint32_t state) {
    for (int i = 0; i < 500; i++) {
        nns_step(run, run->last_step + 1);
        take_all();
        heard_read(&h);
        const heard_record *r = heard_reply(&h, number);
        if (r) assert_int_equal(r->a, state);
        if (r) return heard_reply_text(r);
        sleep_ms(10);
    }
    fail_msg("no answer");
    return "";
}

static void commands_are_checked_and_applied(void **state) {
    (void)state;
    const command_value name = {
        .name = "name", .name_bytes = 4, .is_text = true, .text = "seven", .text_bytes = 5};
    const command_value sample = {.name = "sample", .name_bytes = 6, .number = 3};
    float values[4] = {1, 2, 3, 4};
    const command_value input = {.name = "input",
                                 .name_bytes = 5,
                                 .is_floats = true,
                                 .text = (char *)values,
                                 .text_bytes = 16};
    nns_step(run, 0);
    send(COMMAND_KEEP, 1, NULL, 0);
    assert_non_null(strstr(answered(1, REPLY_REFUSED), "\"invalid\""));
    declare_push();
    send(COMMAND_KEEP, 2, NULL, 0);
    assert_string_equal(answered(2, REPLY_APPLIED), "{}");
    send(COMMAND_PRUNE, 3, NULL, 0);
    assert_non_null(strstr(answered(3, REPLY_REFUSED), "nns_on_evaluate"));
    send(COMMAND_PIN, 4, (command_value[]){name}, 1);
    assert_non_null(strstr(answered(4, REPLY_REFUSED), "input"));
    send(COMMAND_PIN, 5, (command_value[]){sample}, 1);
    assert_non_null(strstr(answered(5, REPLY_REFUSED), "name"));
    send(COMMAND_UNPIN, 6, (command_value[]){name}, 1);
    assert_non_null(strstr(answered(6, REPLY_REFUSED), "pinned"));
    send(COMMAND_PIN, 7, (command_value[]){name, sample}, 2);
    assert_string_equal(answered(7, REPLY_APPLIED), "{}");
    int64_t step = run->last_step + 1;
    int before = pushed;
    steps_until_pushed(&step, before + 1);
    uint32_t classes = 0;
    const nns_series *series = pin_series(run, PUSH_PIN_BIT | 0, &classes);
    assert_non_null(series);
    assert_int_equal(classes, 2);
    assert_string_equal(series_name(&run->series, series[1]), "pin/seven/1");
    expect_answer(PUSH_PIN_BIT, 3, ANY_STEP, 1, 0);
    send(COMMAND_PIN, 8, (command_value[]){name, input}, 2); // takes the place of the first
    assert_string_equal(answered(8, REPLY_APPLIED), "{}");
    send(COMMAND_UNPIN, 9, (command_value[]){name}, 1);
    assert_string_equal(answered(9, REPLY_APPLIED), "{}");
    assert_null(pin_series(run, PUSH_PIN_BIT | 0, &classes));
}

static void fill_ring(copies *ring) {
    for (copy *entry; copies_free_bytes(ring) > 8192 && (entry = copies_room(ring, 4000));) {
        entry->kind = COPY_NONFINITE;
        copies_put(ring, entry);
    }
}

static void a_person_does_not_wait_behind_pins(void **state) {
    (void)state;
    const command_value name = {
        .name = "name", .name_bytes = 4, .is_text = true, .text = "seven", .text_bytes = 5};
    const command_value sample = {.name = "sample", .name_bytes = 6, .number = 3};
    declare_push();
    nns_layer_describe(
        run, &(nns_layer_info){.name = "wide", .kind = "dense", .dims = 1, .shape = {4000}});
    nns_step(run, 0);
    fill_ring(&network_of(run)->copies); // the worker is behind
    send(COMMAND_PIN, 1, (command_value[]){name, sample}, 2);
    for (int64_t step = 1; step < 3000 && !(atomic_load(&run->wanted) & WANT_BIT(WANT_PUSH));
         step++) {
        nns_step(run, step);
        sleep_ms(1);
    }
    await_push();
    assert_int_equal(pushed, 0); // the pin waits
    heard_push(&h, 1, -1, (float[]){3, 1, 1, 1}, 4);
    for (int i = 0; i < 3000 && !pushed; i++) {
        nns_step(run, run->last_step + 1);
        sleep_ms(1);
    }
    assert_int_equal(pushed, 1);
    int64_t step = run->last_step + 1;
    steps_until_pushed(&step, 2);
    expect_answer(1, 3, ANY_STEP, -1, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_sample_is_pushed_while_running, setup, teardown),
        cmocka_unit_test_setup_teardown(a_sample_is_pushed_while_paused, setup, teardown),
        cmocka_unit_test_setup_teardown(the_end_has_its_place, setup, teardown),
        cmocka_unit_test_setup_teardown(a_push_does_not_wait_with_sets, setup, teardown),
        cmocka_unit_test_setup_teardown(commands_are_checked_and_applied, setup, teardown),
        cmocka_unit_test_setup_teardown(a_person_does_not_wait_behind_pins, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
