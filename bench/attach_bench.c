// Bench of what recording costs a trainer: 10 scalars a step, 1.5 ms a step (the MNIST network of batch 128).
// The cost of the calls is timed against the step; the helpers' CPU comes from their own clocks.
#include "measure.h"

#include <nnscope.h>

#include <dirent.h>

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

// CPU seconds of the threads whose name begins with "nnscope".
static double helpers_cpu(void) {
    DIR *dir = opendir("/proc/self/task");
    struct dirent *entry;
    double total = 0;
    while (dir && (entry = readdir(dir))) {
        char path[300], name[64] = "";
        snprintf(path, sizeof path, "/proc/self/task/%s/comm", entry->d_name);
        FILE *f = fopen(path, "r");
        bool ours = f && fgets(name, sizeof name, f) && !strncmp(name, "nnscope", 7);
        if (f) fclose(f);
        snprintf(path, sizeof path, "/proc/self/task/%s/schedstat", entry->d_name);
        f = ours ? fopen(path, "r") : NULL;
        unsigned long long ns = 0;
        if (f && fscanf(f, "%llu", &ns) == 1) total += (double)ns * 1e-9;
        if (f) fclose(f);
    }
    if (dir) closedir(dir);
    return total;
}

int main(void) {
    bench_begin();
    static double cost[STEPS];
    static nns_series series[10];
    nns_run *run = nns_open(&(nns_options){.quiet = true});
    for (int i = 0; i < 10; i++) {
        char name[32];
        snprintf(name, sizeof name, "train/%d", i);
        series[i] = nns_series_open(run, name);
    }
    double lr = 0.1;
    nns_param_double(run, "lr", &lr, NULL);
    bench_sleep_us(500000); // facts are gathered once
    double cpu = helpers_cpu();
    int64_t began = bench_now();
    for (int step = 0; step < STEPS; step++) {
        work();
        int64_t before = bench_now();
        nns_step(run, step);
        for (int i = 0; i < 10; i++)
            nns_scalar(run, series[i], step * 0.5 + i);
        cost[step] = (double)(bench_now() - before);
    }
    double wall = (double)(bench_now() - began) * 1e-9;
    cpu = helpers_cpu() - cpu;
    nns_close(run, 0);
    double median = bench_median(cost, STEPS);
    bench_line("attach_10_scalars", median / STEP_NS * 100, "%", 0.01);
    bench_line("attach_helper_cpu", cpu / wall * 100, "%", 0.1);
    return bench_end();
}
