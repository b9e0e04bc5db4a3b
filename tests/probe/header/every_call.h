/* Every call of the header, for its tests: compiled as C99 and C++11, with and without NNS_DISABLE, by two compilers,
 * all warnings being errors; run, it shows that arguments are evaluated. */
#include <nnscope.h>
#include <nnscope.h>

#include <stdio.h>
#include <stdlib.h>

static int evaluated;

static int64_t count(int64_t value) {
    evaluated++;
    return value;
}

static void changed(void *context, nns_param param) {
    (void)context;
    (void)param;
}

int main(void) {
    nns_run *run;
    nns_stats stats;
    nns_range range;
    nns_series loss;
    nns_param param;
    double lr = 0.1;
    float decay = 0.1f;
    int64_t batch = 1;
    bool flag = false;
    int choice = 0;
    const char *const words[] = {"a", "b"};
    const float counts[] = {1, 2};
    const unsigned char pixels[] = {1, 2, 3, 4};
#ifdef __cplusplus
    run = nns_open_named("test", "header");
    range = nns_range();
#else
    run = nns_open(&(nns_options){.project = "test", .name = "header", .quiet = true});
    range = (nns_range){.min = 0, .max = 1};
#endif
    loss = nns_series_open(run, "loss");
    nns_series_open_as(run, "accuracy", "%", NNS_HIGHER);
    param = nns_param_double(run, "lr", &lr, &range);
    nns_param_float(run, "decay", &decay, &range);
    nns_param_int(run, "batch", &batch, NULL);
    nns_param_bool(run, "flag", &flag, NULL);
    nns_param_choice(run, "choice", &choice, words, 2, NULL);
    nns_param_on_change(run, param, changed, NULL);
    param = nns_param_text(run, "text", "words", NULL);
    for (int64_t step = 0; nns_step(run, count(step)) && step < 10; step++) {
        nns_scalar(run, loss, (double)count(step));
        nns_scalar_named(run, "named", lr);
        if (!nns_before_update(run)) return 1;
    }
    nns_histogram(run, "histogram", 0, 1, counts, 2);
    nns_text(run, "words", nns_param_text_get(run, param));
    nns_image(run, "image", NNS_IMAGE_GRAY8, 2, 2, pixels, sizeof pixels, NULL);
    nns_sample(run, "sample", 2, 2, pixels, 1, counts, 2);
    nns_fact_json(run, "config", "{}");
    nns_fact_text(run, "text", "a");
    nns_fact_double(run, "double", 1);
    nns_fact_int(run, "int", 1);
    nns_mark(run, "mark");
    nns_progress(run, 1, 10);
    nns_stats_get(run, &stats);
    if (getenv("NNSCOPE_NEVER")) {
        nns_pause(run);
        nns_stop(run);
    }
    printf("%s %s %d\n", nns_version(), *nns_run_id(run) ? "recorded" : "off", evaluated);
    nns_close(run, 0);
    return evaluated == 21 && stats.dropped_records == 0 ? 0 : 1;
}
