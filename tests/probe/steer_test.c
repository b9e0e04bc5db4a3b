// Tests of steering: a trainer loops on a thread of its own while the test sends commands as the server does.
#include "heard.h"

#include <math.h>
#include <pthread.h>
#include <stdatomic.h>

static heard h;
static nns_run *run;
static pthread_t trainer;

static double lr, momentum;
static float decay;
static int64_t batch;
static bool nesterov;
static int optimizer;
static nns_param prompt;
static atomic_long body; // bodies run
static atomic_bool finish, ended;
static _Atomic double seen_lr;
static _Atomic int64_t seen_step;
static char seen_prompt[64];
static atomic_int changed_calls;
static void (*each_step)(int64_t step);
static bool start_paused;

static void changed(void *context, nns_param param) {
    (void)context;
    (void)param;
    atomic_fetch_add(&changed_calls, 1);
}

static void declare(void) {
    static const char *const words[] = {"sgd", "adam"};
    lr = 0.1;
    momentum = 0.9;
    decay = 0.01f;
    batch = 128;
    nesterov = false;
    optimizer = 0;
    nns_param p =
        nns_param_double(run, "lr", &lr, &(nns_range){.min = 1e-6, .max = 1, .log_scale = true});
    nns_param_on_change(run, p, changed, NULL);
    nns_param_double(run, "momentum", &momentum,
                     &(nns_range){.min = 0, .max = 1, .read_only = true});
    nns_param_float(run, "decay", &decay, NULL);
    nns_param_int(run, "batch", &batch, &(nns_range){.min = 1, .max = 1024, .unit = "images"});
    nns_param_bool(run, "nesterov", &nesterov, NULL);
    nns_param_choice(run, "optimizer", &optimizer, words, 2, NULL);
    prompt = nns_param_text(run, "prompt", "begin", NULL);
}

static void *train(void *context) {
    (void)context;
    nns_series loss = nns_series_open(run, "loss");
    for (int64_t step = 0; nns_step(run, step) && !atomic_load(&finish); step++) {
        atomic_store(&seen_lr, lr);
        atomic_store(&seen_step, step);
        snprintf(seen_prompt, sizeof seen_prompt, "%s", nns_param_text_get(run, prompt));
        nns_scalar(run, loss, lr);
        if (each_step) each_step(step);
        sleep_ms(1);
        atomic_fetch_add(&body, 1);
    }
    atomic_store(&ended, true);
    return NULL;
}

static int setup(void **state) {
    (void)state;
    heard_init(&h);
    atomic_store(&body, 0);
    atomic_store(&finish, false);
    atomic_store(&ended, false);
    atomic_store(&changed_calls, 0);
    run = nns_open(&(nns_options){.quiet = true, .no_system = true});
    assert_non_null(run);
    heard_find(&h, nns_run_id(run));
    declare();
    if (start_paused) nns_pause(run);
    pthread_create(&trainer, NULL, train, NULL);
    return 0;
}

static int setup_paused(void **state) {
    start_paused = true;
    int result = setup(state);
    start_paused = false;
    return result;
}

static int teardown(void **state) {
    (void)state;
    each_step = NULL;
    heard_fini(&h);
    return 0;
}

static void end_training(void) {
    atomic_store(&finish, true);
    pthread_join(trainer, NULL);
    nns_close(run, 0);
    heard_read(&h);
}

static command_value number(const char *name, double value) {
    return (command_value){.name = name, .name_bytes = strlen(name), .number = value};
}

static command_value words(const char *name, const char *text) {
    return (command_value){.name = name,
                           .name_bytes = strlen(name),
                           .is_text = true,
                           .text = text,
                           .text_bytes = strlen(text)};
}

static void send_set(uint64_t id, const command_value *values, uint16_t count) {
    heard_send(
        &h,
        &(command){
            .verb = COMMAND_SET, .number = id, .at_step = -1, .values = values, .count = count});
}

static void send_verb(uint64_t id, uint32_t verb, int64_t argument) {
    heard_send(&h, &(command){.verb = verb, .number = id, .argument = argument, .at_step = -1});
}

// Waits until so many bodies are through.
static void reach_body(long bodies) {
    for (int i = 0; i < 20000 && atomic_load(&body) < bodies; i++)
        sleep_ms(1);
    assert_true(atomic_load(&body) >= bodies);
}

static const heard_record *answer(uint64_t id) {
    assert_true(heard_until(&h, has_reply, id));
    return heard_reply(&h, id);
}

static void refused(uint64_t id, command_value value, const char *code) {
    send_set(id, &value, 1);
    const heard_record *r = answer(id);
    assert_int_equal(r->a, REPLY_REFUSED);
    char wanted[64];
    snprintf(wanted, sizeof wanted, "{\"code\":\"%s\"", code);
    if (strncmp(heard_reply_text(r), wanted, strlen(wanted))) fail_msg("%s", heard_reply_text(r));
}

static void a_set_is_applied_and_told(void **state) {
    (void)state;
    send_set(1, (command_value[]){number("lr", 0.01)}, 1);
    const heard_record *r = answer(1);
    assert_int_equal(r->a, REPLY_APPLIED);
    int64_t step = le_i64(r->at + 16);
    assert_string_equal(heard_reply_text(r), "{\"values\":{\"lr\":{\"from\":0.1,\"to\":0.01}}}");
    assert_int_equal(atomic_load(&changed_calls), 1);
    end_training();
    uint32_t series = heard_series(&h, "param/lr", SERIES_SCALAR),
             loss = heard_series(&h, "loss", 1);
    assert_true(le_f64(heard_nth(&h, RECORD_SCALAR, series, 0)->at + 8) == 0.1);
    assert_int_equal(heard_nth(&h, RECORD_SCALAR, series, 0)->step, 0);
    assert_true(le_f64(heard_nth(&h, RECORD_SCALAR, series, 1)->at + 8) == 0.01);
    assert_int_equal(heard_nth(&h, RECORD_SCALAR, series, 1)->step, step);
    // "applied at N": the body of step N is the first to see it.
    for (size_t i = 0; i < h.count; i++)
        if (h.items[i].kind == RECORD_SCALAR && h.items[i].a == loss)
            assert_true(le_f64(h.items[i].at + 8) == (h.items[i].step < step ? 0.1 : 0.01));
    r = heard_nth(&h, RECORD_EVENT, EVENT_PARAMETER, 0);
    assert_int_equal(r->step, step);
    assert_int_equal(le_u64(r->at + 8), 1);
}

static void all_types(void **state) {
    (void)state;
    command_value values[] = {number("decay", 0.1), number("batch", 64), number("nesterov", 1),
                              words("optimizer", "adam"), words("prompt", "now \"this\"")};
    send_set(1, values, 5);
    const heard_record *r = answer(1);
    assert_int_equal(r->a, REPLY_APPLIED);
    assert_string_equal(heard_reply_text(r),
                        "{\"values\":{\"decay\":{\"from\":0.01,\"to\":0.1},"
                        "\"batch\":{\"from\":128,\"to\":64},"
                        "\"nesterov\":{\"from\":false,\"to\":true},"
                        "\"optimizer\":{\"from\":\"sgd\",\"to\":\"adam\"},"
                        "\"prompt\":{\"from\":\"begin\",\"to\":\"now \\\"this\\\"\"}}}");
    end_training();
    assert_true(decay == 0.1f && batch == 64 && nesterov && optimizer == 1);
    assert_string_equal(seen_prompt, "now \"this\"");
    r = heard_nth(&h, RECORD_PARAM_TEXT, UINT32_MAX, 1);
    assert_string_equal(heard_text(r->at + 16, le_u32(r->at + 8)), "now \"this\"");
    // Declarations: bounds, unit, words.
    for (size_t i = 0; i < h.count; i++) {
        const uint8_t *at = h.items[i].at;
        if (h.items[i].kind != RECORD_PARAM) continue;
        if (h.items[i].a == 4) {
            assert_int_equal(at[8], PARAM_INT);
            assert_int_equal(at[9], PARAM_BOUNDED);
            assert_true(le_f64(at + 24) == 1 && le_f64(at + 32) == 1024 && le_f64(at + 40) == 128);
            assert_memory_equal(at + 48, "batchimages", 11);
        }
        if (h.items[i].a == 6) assert_memory_equal(at + 48 + 9, "sgd\0adam", 9);
    }
    assert_int_equal(heard_count(&h, RECORD_PARAM), 7);
}

static void what_is_wrong_is_refused(void **state) {
    (void)state;
    refused(1, number("nothing", 1), "unknown_parameter");
    refused(2, number("lr", 2), "out_of_bounds");
    refused(3, number("lr", NAN), "wrong_type");
    refused(4, words("lr", "much"), "wrong_type");
    refused(5, number("batch", 1.5), "wrong_type");
    refused(6, number("batch", 0), "out_of_bounds");
    refused(7, number("nesterov", 2), "wrong_type");
    refused(8, words("optimizer", "lion"), "out_of_bounds");
    refused(9, number("optimizer", 2), "out_of_bounds");
    refused(10, number("momentum", 0.5), "read_only");
    refused(11, number("prompt", 1), "wrong_type");
    refused(12, number("decay", 1e300), "out_of_bounds");
    send_verb(13, COMMAND_STEP, 0);
    assert_int_equal(answer(13)->a, REPLY_REFUSED);
    send_verb(14, 99, 0);
    assert_int_equal(answer(14)->a, REPLY_REFUSED);
    heard_until(&h, has_reply, 2);
    assert_non_null(strstr(heard_reply_text(heard_reply(&h, 2)), "\"min\":1e-06,\"max\":1}"));
    end_training();
    assert_true(lr == 0.1 && momentum == 0.9 && batch == 128 && !nesterov && optimizer == 0);
}

static void all_or_none(void **state) {
    (void)state;
    send_set(1, (command_value[]){number("lr", 0.5), number("batch", 5000)}, 2);
    assert_int_equal(answer(1)->a, REPLY_REFUSED);
    send_set(2, (command_value[]){number("lr", 0.25), number("batch", 500)}, 2);
    assert_int_equal(answer(2)->a, REPLY_APPLIED);
    end_training();
    assert_true(lr == 0.25 && batch == 500);
    uint32_t a = heard_series(&h, "param/lr", 1), b = heard_series(&h, "param/batch", 1);
    assert_int_equal(heard_nth(&h, RECORD_SCALAR, a, 1)->step,
                     heard_nth(&h, RECORD_SCALAR, b, 1)->step);
    assert_null(heard_nth(&h, RECORD_SCALAR, a, 2));
}

static void schedule(int64_t step) {
    if (step == 20) lr = 0.05;
    if (step >= 40 && step < 60) lr *= 0.9;
}

static void what_the_program_changes_is_noticed(void **state) {
    (void)state;
    while (atomic_load(&body) < 80)
        sleep_ms(5);
    end_training();
    uint32_t series = heard_series(&h, "param/lr", 1);
    assert_int_equal(heard_nth(&h, RECORD_SCALAR, series, 1)->step, 21);
    size_t n = 0;
    while (heard_nth(&h, RECORD_SCALAR, series, n))
        n++;
    assert_int_equal(n, 2 + 20); // each value of the schedule
    const heard_record *r = heard_nth(&h, RECORD_EVENT, EVENT_PROGRAM, 0);
    assert_string_equal(heard_event_text(r), "{\"values\":{\"lr\":{\"from\":0.1,\"to\":0.05}}}");
    assert_int_equal(r->step, 21);
}

static int setup_schedule(void **state) {
    each_step = schedule;
    return setup(state);
}

static void pause_step_resume_stop(void **state) {
    (void)state;
    send_verb(1, COMMAND_PAUSE, 0);
    int64_t held = le_i64(answer(1)->at + 16);
    reach_body((long)held);
    sleep_ms(600);
    assert_int_equal(atomic_load(&body), held); // holds before the body of `held`
    send_set(2, (command_value[]){number("lr", 0.3)}, 1);
    assert_int_equal(le_i64(answer(2)->at + 16), held); // at once, at the same step
    send_verb(3, COMMAND_STEP, 3);
    answer(3);
    reach_body((long)held + 3);
    sleep_ms(100);
    assert_int_equal(atomic_load(&body), held + 3);
    assert_true(atomic_load(&seen_lr) == 0.3);
    send_verb(4, COMMAND_RESUME, 0);
    assert_int_equal(le_i64(answer(4)->at + 16), held + 3);
    reach_body((long)held + 4);
    send_verb(5, COMMAND_STEP, 5); // while running: pauses after
    int64_t from = le_i64(answer(5)->at + 16);
    reach_body((long)from + 5);
    sleep_ms(100);
    assert_int_equal(atomic_load(&body), from + 5);
    send_verb(6, COMMAND_STOP, 0);
    answer(6);
    for (int i = 0; i < 4000 && !atomic_load(&ended); i++)
        sleep_ms(5);
    assert_true(atomic_load(&ended));
    assert_false(nns_step(run, 1000000));
    nns_stats stats;
    nns_stats_get(run, &stats);
    assert_true(stats.paused_ns > 100000000);
    end_training();
    assert_non_null(heard_nth(&h, RECORD_EVENT, EVENT_STOPPING, 0));
    assert_int_equal(heard_nth(&h, RECORD_EVENT, EVENT_PAUSED, 0)->step, held);
    assert_non_null(heard_nth(&h, RECORD_EVENT, EVENT_PAUSED, 2));
    // A pause is no step time: the first held for 600 ms.
    uint32_t series = heard_series(&h, "nnscope/step_time", 1);
    for (size_t n = 0; heard_nth(&h, RECORD_SCALAR, series, n); n++)
        assert_true(le_f64(heard_nth(&h, RECORD_SCALAR, series, n)->at + 8) < 0.6);
}

static bool beats_paused(const heard *all, uint64_t ignored) {
    (void)ignored;
    for (size_t n = 0; heard_nth(all, RECORD_BEAT, UINT32_MAX, n); n++)
        if (le_u32(heard_nth(all, RECORD_BEAT, UINT32_MAX, n)->at + 52) & BEAT_PAUSED) return true;
    return false;
}

static void it_starts_paused_and_beats(void **state) {
    (void)state;
    assert_true(heard_until(&h, beats_paused, 0));
    assert_int_equal(atomic_load(&body), 0);
    send_verb(1, COMMAND_RESUME, 0);
    answer(1);
    const heard_record *r = heard_nth(&h, RECORD_EVENT, EVENT_PAUSED, 0);
    assert_string_equal(heard_event_text(r), "{\"reason\":\"start\"}");
    assert_int_equal(r->step, 0);
    end_training();
    assert_true(atomic_load(&body) > 0);
}

static void at_step_is_kept(void **state) {
    (void)state;
    heard_send(&h, &(command){.verb = COMMAND_SET,
                              .number = 1,
                              .at_step = 60,
                              .values = (command_value[]){number("lr", 0.5)},
                              .count = 1});
    send_set(2, (command_value[]){number("lr", 0.2)}, 1); // overtakes: it is due earlier
    assert_true(le_i64(answer(2)->at + 16) < 60);
    assert_int_equal(le_i64(answer(1)->at + 16), 60);
    end_training();
    assert_true(lr == 0.5);
}

// More commands than are on their way at once: each is answered.
static void many_commands(void **state) {
    (void)state;
    for (uint64_t i = 1; i <= 400; i++)
        send_set(i, (command_value[]){number("lr", (double)i / 1000)}, 1);
    answer(400);
    end_training();
    size_t applied = 0;
    double last = 0.1;
    for (uint64_t i = 1; i <= 400; i++) {
        const heard_record *r = heard_reply(&h, i);
        assert_non_null(r);
        applied += r->a == REPLY_APPLIED;
        if (r->a == REPLY_APPLIED) last = (double)i / 1000;
    }
    print_message("%zu of 400 applied\n", applied);
    assert_true(applied >= 256);
    assert_true(lr == last);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        CASE(a_set_is_applied_and_told),
        CASE(all_types),
        CASE(what_is_wrong_is_refused),
        CASE(all_or_none),
        cmocka_unit_test_setup_teardown(what_the_program_changes_is_noticed, setup_schedule,
                                        teardown),
        CASE(pause_step_resume_stop),
        cmocka_unit_test_setup_teardown(it_starts_paused_and_beats, setup_paused, teardown),
        CASE(at_step_is_kept),
        CASE(many_commands)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
