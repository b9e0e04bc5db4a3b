// Bench of what recording costs a trainer: 10 scalars a step, 1.5 ms a step (the MNIST network of batch 128).
// The calls are timed in bursts, as the budget has it. Beside that, as a remark: in the loop itself every other step times
// them, the others an empty stretch; the difference of the medians is their cost with the caches as a network (and the
// machine's other users) leaves them. The helpers' CPU comes from their own clocks.
#include "measure.h"

#include <nnscope.h>

#define STEP_NS 1500000.0
#define STEPS 6000

static volatile double sink;

// Stands for the step's products: other work, other memory.
static void work(void) {
    static float memory[1 << 18];
    int64_t until = bench_now() + (int64_t)STEP_NS;
    double sum = 0;
    while (bench_now() < until)
        for (int i = 0; i < 1 << 14; i++)
            sum += (double)(memory[(i * 17) & ((1 << 18) - 1)] += 1.0f);
    sink = sum;
}

static nns_run *run;
static nns_series series[10];

static void calls(int64_t step) {
    nns_step(run, step);
    for (int i = 0; i < 10; i++)
        nns_scalar(run, series[i], (double)step * 0.5 + i);
}

// Nanoseconds of the calls of one step, in bursts.
static double hot(void) {
    enum { BURSTS = 200, BURST = 500 };
    static double cost[BURSTS];
    for (int b = 0; b < BURSTS; b++) {
        int64_t began = bench_now();
        for (int i = 0; i < BURST; i++)
            calls(b * BURST + i);
        cost[b] = (double)(bench_now() - began) / BURST;
        bench_sleep_us(2000);
    }
    return bench_median(cost, BURSTS);
}

int main(void) {
    bench_begin();
    static double cost[2][STEPS / 2]; // with the calls, empty
    run = nns_open(&(nns_options){.quiet = true});
    for (int i = 0; i < 10; i++) {
        char name[32];
        snprintf(name, sizeof name, "train/%d", i);
        series[i] = nns_series_open(run, name);
    }
    double lr = 0.1;
    nns_param_double(run, "lr", &lr, NULL);
    bench_sleep_us(500000); // facts are gathered once
    double cpu = bench_threads_cpu("nnscope");
    int64_t began = bench_now();
    for (int step = 0; step < STEPS; step++) {
        work();
        int64_t before = bench_now();
        if (step % 2) cost[1][step / 2] = (double)(bench_now() - before);
        calls(step);
        if (step % 2 == 0) cost[0][step / 2] = (double)(bench_now() - before);
    }
    double wall = (double)(bench_now() - began) * 1e-9;
    cpu = bench_threads_cpu("nnscope") - cpu;
    double burst = hot();
    nns_close(run, 0);
    double cold = bench_median(cost[0], STEPS / 2) - bench_median(cost[1], STEPS / 2);
    bench_line("attach_10_scalars", burst / STEP_NS * 100, "%", 0.01);
    printf("the same calls between other work: %.4f %%\n", cold / STEP_NS * 100);
    bench_line("attach_helper_cpu", cpu / wall * 100, "%", 0.1);
    return bench_end();
}
