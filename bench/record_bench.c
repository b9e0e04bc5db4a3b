// Bench of what recording costs the trainer: the default mlp and the cnn, with everything that watch.c tells nnscope (curves,
// layers, tensors, statistics, snapshots, flight recorder) and nobody looking, against the same steps without. Two trainers learn in
// one process, round by round in turn; what counts is the CPU time of the training thread. Where their arrays lie makes one of them
// faster than the other by a per cent or two: halfway they change places, and the mean of both halves is what recording costs.
//
//   trainer_recorded      how much longer the mlp's step is
//   trainer_recorded_cnn  the cnn's
//   recorded_helpers      CPU of nnscope's own threads beside the mlp, of a core (more where one idles, else half the run's budget)
//   recorded_helpers_cnn  beside the cnn
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
    for (int i = 0; i < steps; i++)
        one_step(s);
    return (double)(bench_ns(CLOCK_THREAD_CPUTIME_ID) - began) * 1e-6;
}

// Median of how much longer the steps of `recorded` take, in per cent. *alone: a step of `plain`, ms.
static double half(side *recorded, side *plain, const options *o, int steps, double *alone,
                   nns_stats *stats) {
    double ratio[ROUNDS], took[ROUNDS];
    watch_open(&recorded->w, &recorded->t, o, 0, NULL);
    if (!recorded->w.run) exit(2);
    steps_ms(plain, steps), steps_ms(recorded, steps);
    for (int i = 0; i < ROUNDS; i++) { // each is first in every other round
        double with = i & 1 ? steps_ms(recorded, steps) : 0;
        took[i] = steps_ms(plain, steps);
        if (!(i & 1)) with = steps_ms(recorded, steps);
        ratio[i] = 100 * (with / took[i] - 1);
    }
    nns_stats_get(recorded->w.run, stats);
    watch_close(&recorded->w, 0);
    *alone = bench_median(took, ROUNDS) / steps;
    return bench_median(ratio, ROUNDS);
}

static void bench(const char *which, const char *behind, int steps, const data *d) {
    static side sides[2];
    char *argv[] = {(char *)"bench_record",
                    (char *)"--model",
                    (char *)which,
                    (char *)"--threads",
                    (char *)"1",
                    (char *)"--quiet",
                    NULL};
    double alone[2], longer[2];
    nns_stats stats[2];
    options o;
    why reason;
    char name[64];
    if (options_parse(&o, 6, argv, &reason)) exit(2);
    for (int i = 0; i < 2; i++) {
        if (trainer_new(&sides[i].t, d, &o.trainer, &reason)) exit(2);
        sides[i].w = (watch){.t = &sides[i].t};
    }
    for (int i = 0; i < 2; i++)
        longer[i] = half(&sides[i], &sides[!i], &o, steps, &alone[i], &stats[i]);
    printf("# %s: step %.3f ms, share of step time %.3f %%; the halves %.2f %% and %.2f %%\n",
           which, (alone[0] + alone[1]) / 2, 50 * (stats[0].step_share + stats[1].step_share),
           longer[0], longer[1]);
    snprintf(name, sizeof name, "trainer_recorded%s", behind);
    bench_line(name, (longer[0] + longer[1]) / 2, "%", 1);
    snprintf(name, sizeof name, "recorded_helpers%s", behind);
    bench_line(name, 50 * (stats[0].helper_share + stats[1].helper_share), "%", 2.5);
    for (int i = 0; i < 2; i++)
        trainer_free(&sides[i].t);
}

int main(int argc, char **argv) {
    data d;
    why reason;
    (void)argc;
    start_passive(argv);
    parallel_start(1);
    bench_begin();
    if (data_open(&d, &(data_options){.draw = true, .seed = 1, .quick = true}, &reason)) exit(2);
    bench("mlp", "", 50, &d);
    bench("cnn", "_cnn", 2, &d);
    data_close(&d);
    return bench_end();
}
