// Bench of the trainer: how near its step is to what the products of matrices alone cost, and what the
// default network reaches on MNIST after ten epochs.
//
//   trainer_of_sgemm_bound  time of the products alone / time of the whole step, paired round by round
//   trainer_accuracy        share of the 10 000 test images (only where MNIST is)
//   accuracy_cnn            the same of the default cnn after five epochs
//
// --quick leaves the accuracies out.
#include "base/clock.h"
#include "train/options.h"
#include "train/parallel.h"
#include "train/start.h"
#include "train/trainer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ROUNDS 41
#define STEPS 25 // a round

static void one_step(trainer *t) {
    loss_sum sum;
    size_t rows = trainer_begin(t);
    if (trainer_learn(t, rows, &sum)) exit(2);
    trainer_update(t);
    trainer_end(t, rows, &sum);
}

static int64_t steps_ns(trainer *t) {
    int64_t began = clock_mono_ns();
    for (int i = 0; i < STEPS; i++)
        one_step(t);
    return clock_mono_ns() - began;
}

// The products of one step, as the layers ask for them.
static gemm_product product[3 * NET_LAYERS_CAP];
static int products;

static int note_product(const gemm_product *p) {
    product[products++] = *p;
    return gemm(p);
}

static void note_products(trainer *t) {
    loss_sum sum;
    for (int i = 0; i < t->net.shape.layers; i++)
        t->pass.slot[i].product = note_product;
    if (trainer_learn(t, trainer_begin(t), &sum)) exit(2);
    for (int i = 0; i < t->net.shape.layers; i++)
        t->pass.slot[i].product = gemm;
}

static int64_t products_ns(void) {
    int64_t began = clock_mono_ns();
    for (int i = 0; i < STEPS; i++)
        for (int k = 0; k < products; k++)
            if (gemm(&product[k])) exit(2);
    return clock_mono_ns() - began;
}

static int by_value(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void line(const char *name, double figure, const char *unit, double least) {
    printf("%s %.2f %s >=%.4g %s\n", name, figure, unit, least, figure >= least ? "ok" : "OVER");
    fflush(stdout);
}

static void bench_bound(const options *o) {
    data d;
    trainer t;
    why w;
    double ratio[ROUNDS], step[ROUNDS];
    if (data_open(&d, &(data_options){.draw = true, .seed = 1, .quick = true}, &w)) exit(2);
    d.train.count -= d.train.count % 128; // whole batches only, as those that the bound counts
    if (trainer_new(&t, &d, &o->trainer, &w)) exit(2);
    steps_ns(&t);
    note_products(&t);
    for (int i = 0; i < ROUNDS; i++) {
        int64_t whole = steps_ns(&t), alone = products_ns();
        ratio[i] = 100.0 * (double)alone / (double)whole;
        step[i] = (double)whole / STEPS * 1e-6;
    }
    qsort(ratio, ROUNDS, sizeof *ratio, by_value);
    qsort(step, ROUNDS, sizeof *step, by_value);
    printf("step %.3f ms, %.0f images/s, %d threads, products alone %.1f to %.1f %% of it\n",
           step[ROUNDS / 2], 128e3 / step[ROUNDS / 2], o->threads, ratio[0], ratio[ROUNDS - 1]);
    line("trainer_of_sgemm_bound", ratio[ROUNDS / 2], "%", 75);
    trainer_free(&t);
    data_close(&d);
}

static void bench_accuracy(const char *name, const options *o, double least) {
    data d;
    trainer t;
    why w;
    evaluation e;
    if (data_open(&d, &o->data, &w) || d.drawn) {
        printf("%s: no MNIST here (NNSCOPE_DATA, ../shared/data/mnist): not measured\n", name);
        return;
    }
    if (trainer_new(&t, &d, &o->trainer, &w)) exit(2);
    int64_t began = clock_mono_ns();
    while (t.epoch < t.live.epochs)
        one_step(&t);
    printf("%s: %lld epochs in %.0f s\n", name, (long long)t.epoch,
           (double)(clock_mono_ns() - began) * 1e-9);
    if (trainer_evaluate(&t, &d.test, &e)) exit(2);
    line(name, 100 * e.accuracy, "%", least);
    trainer_free(&t);
    data_close(&d);
}

static options parse(char **argv) {
    options o;
    why w;
    int count = 0;
    while (argv[count])
        count++;
    if (options_parse(&o, count, argv, &w)) exit(2);
    return o;
}

int main(int argc, char **argv) {
    char *mlp[] = {argv[0], NULL};
    char *cnn[] = {
        argv[0], (char[]){"--model"}, (char[]){"cnn"}, (char[]){"--epochs"}, (char[]){"5"}, NULL};
    start_passive(argv);
    options o = parse(mlp);
    parallel_start(o.threads);
    bench_bound(&o);
    if (argc > 1 && !strcmp(argv[1], "--quick")) return 0;
    bench_accuracy("trainer_accuracy", &o, 98.2);
    o = parse(cnn);
    bench_accuracy("accuracy_cnn", &o, 99);
    return 0;
}
