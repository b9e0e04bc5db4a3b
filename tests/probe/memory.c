// Test of failing allocations: whichever allocation of a run's life fails, the program goes on. Built from the library's
// objects (the archive hides mem_fail_at). Under AddressSanitizer it also shows that nothing is leaked.
#include "support/check.h"
#include "support/temp.h"

#include "base/mem.h"

#include <nnscope.h>

#define ALLOCATIONS 90 // about as many as a run of this kind makes

static bool answer(void *context, nns_push *push, const float *input, size_t count) {
    (void)context;
    (void)input;
    (void)count;
    nns_push_output(push, (const float[]){1, 2}, 2);
    return true;
}

static void describe(nns_run *run, const float *weights) {
    nns_layer fc = nns_layer_describe(
        run, &(nns_layer_info){.name = "fc", .kind = "dense", .dims = 1, .shape = {4}});
    nns_tensor_add(run, &(nns_tensor_info){.layer = fc,
                                           .role = NNS_WEIGHT,
                                           .dtype = NNS_FLOAT32,
                                           .dims = 2,
                                           .shape = {4, 4},
                                           .data = weights});
    nns_tensor_add(run, &(nns_tensor_info){.name = "other",
                                           .role = NNS_OTHER,
                                           .dtype = NNS_FLOAT32,
                                           .dims = 1,
                                           .shape = {16},
                                           .data = weights});
    nns_on_push(run, answer, NULL, &(nns_push_info){.dims = 1, .shape = {4}, .classes = 2});
}

static void live(long fail_at) {
    static float weights[16];
    static const char *const words[] = {"a", "b"};
    double lr = 0.1;
    int choice = 0;
    char name[32];
    char *argv[] = {name, NULL};
    snprintf(name, sizeof name, "program");
    mem_fail_at(fail_at);
    nns_run *run = nns_open(&(nns_options){.quiet = true, .tags = "a,b", .argc = 1, .argv = argv});
    nns_param_double(run, "lr", &lr, &(nns_range){.max = 1, .unit = "x", .description = "d"});
    nns_param_choice(run, "choice", &choice, words, 2, NULL);
    nns_param text = nns_param_text(run, "text", "words", NULL);
    nns_series loss = nns_series_open(run, "loss");
    describe(run, weights);
    for (int step = 0; step < 20; step++) {
        assert_true(nns_step(run, step));
        nns_scalar(run, loss, step);
        nns_scalar_named(run, "named", step);
        nns_text(run, "text", nns_param_text_get(run, text));
        lr *= 0.9;
    }
    nns_fact_text(run, "key", "value");
    nns_mark(run, "mark");
    nns_close(run, 0);
    mem_fail_at(0);
}

static void every_allocation_may_fail(void **state) {
    (void)state;
    for (long n = 1; n <= ALLOCATIONS; n++)
        live(n);
    live(0);
}

int main(void) {
    char dir[256];
    snprintf(dir, sizeof dir, "%s", temp_make());
    setenv("NNSCOPE_DIR", dir, 1);
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_allocation_may_fail)};
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    temp_remove(dir);
    return failed;
}
