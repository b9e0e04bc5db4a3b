// Bench of what recording costs the trainer: the default mlp and the cnn, with everything that watch.c tells nnscope (curves,
// layers, tensors, statistics, snapshots, flight recorder) and nobody looking, against the same steps without. Both learn in
// one process, round by round in turn; what counts is the CPU time of the training thread.
//
//   trainer_recorded      how much longer the mlp's step is, median of the rounds
//   trainer_recorded_cnn  the cnn's
#include "measure.h"

#include "train/parallel.h"
#include "train/start.h"
#include "train/watch.h"

#define ROUNDS 40

typedef struct side {
    trainer t;
    watch w; // without a run: nothing is told
} side;

static void one_step(side *s) {
    loss_sum sum;
    if (s->w.run && !watch_step(&s->w)) exit(2);
    size_t rows = trainer_begin(&s->t);
    watch_learning(&s->w, rows);
    if (trainer_learn(&s->t, rows, &sum)) exit(2);
    if (!s->w.run || watch_before_update(&s->w)) trainer_update(&s->t);
    watch_batch(&s->w, rows, &sum);
    trainer_end(&s->t, rows, &sum);
}

static double steps_ms(side *s, int steps) {
    int64_t began = bench_ns(CLOCK_THREAD_CPUTIME_ID);
    for (int i = 0; i < steps; i++) one_step(s);
    return (double)(bench_ns(CLOCK_THREAD_CPUTIME_ID) - began) * 1e-6;
}

static void bench(const char *name, const char *which, int steps, const data *d) {
    static side plain, recorded;
    char *argv[] = {(char *)"bench_record", (char *)"--model", (char *)which, (char *)"--threads", (char *)"1", (char *)"--quiet", NULL};
    double ratio[ROUNDS], alone[ROUNDS];
    options o;
    why reason;
    if (options_parse(&o, 6, argv, &reason)) exit(2);
    if (trainer_new(&plain.t, d, &o.trainer, &reason) || trainer_new(&recorded.t, d, &o.trainer, &reason)) exit(2);
    plain.w = (watch){.t = &plain.t};
    watch_open(&recorded.w, &recorded.t, &o, 0, NULL);
    if (!recorded.w.run) exit(2);
    steps_ms(&plain, steps), steps_ms(&recorded, steps);
    for (int i = 0; i < ROUNDS; i++) { // each is first in every other round
        double with = i & 1 ? steps_ms(&recorded, steps) : 0;
        alone[i] = steps_ms(&plain, steps);
        if (!(i & 1)) with = steps_ms(&recorded, steps);
        ratio[i] = 100 * (with / alone[i] - 1);
    }
    nns_stats stats;
    nns_stats_get(recorded.w.run, &stats);
    printf("%s: step %.3f ms, share of step time %.3f %%, helpers %.1f %% of a core\n", name,
           bench_median(alone, ROUNDS) / steps, 100 * stats.step_share, 100 * stats.helper_share);
    bench_line(name, bench_median(ratio, ROUNDS), "%", 1);
    watch_close(&recorded.w, 0);
    trainer_free(&recorded.t), trainer_free(&plain.t);
}

int main(int argc, char **argv) {
    data d;
    why reason;
    (void)argc;
    start_passive(argv);
    parallel_start(1);
    bench_begin();
    if (data_open(&d, &(data_options){.draw = true, .seed = 1, .quick = true}, &reason)) exit(2);
    bench("trainer_recorded", "mlp", 100, &d);
    bench("trainer_recorded_cnn", "cnn", 4, &d);
    data_close(&d);
    return bench_end();
}
