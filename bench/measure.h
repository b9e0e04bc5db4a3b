// What benches share: a clock, medians, and the line `name figure unit budget ok|OVER`.
#ifndef NNS_BENCH_MEASURE_H
#define NNS_BENCH_MEASURE_H

#include <dirent.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static int bench_over; // lines over their budget: the exit status

static inline int64_t bench_ns(clockid_t id) {
    struct timespec t;
    clock_gettime(id, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static inline int64_t bench_now(void) {
    return bench_ns(CLOCK_MONOTONIC);
}

static inline void bench_sleep_us(long us) {
    struct timespec t = {us / 1000000, us % 1000000 * 1000};
    nanosleep(&t, NULL);
}

static int bench_compare(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static inline double bench_median(double *values, size_t count) {
    qsort(values, count, sizeof *values, bench_compare);
    return values[count / 2];
}

static inline void bench_line(const char *name, double figure, const char *unit, double budget) {
    bool ok = figure <= budget;
    printf("%s %.4g %s %.4g %s\n", name, figure, unit, budget, ok ? "ok" : "OVER");
    bench_over |= !ok;
}

// The same where more is better.
static inline void bench_line_least(const char *name, double figure, const char *unit,
                                    double budget) {
    bool ok = figure >= budget;
    printf("%s %.4g %s %.4g %s\n", name, figure, unit, budget, ok ? "ok" : "OVER");
    bench_over |= !ok;
}

// CPU seconds of the threads of this process whose name begins so.
static inline double bench_threads_cpu(const char *name_begin) {
    DIR *dir = opendir("/proc/self/task");
    struct dirent *entry;
    double total = 0;
    while (dir && (entry = readdir(dir))) {
        char path[300], name[64] = "";
        snprintf(path, sizeof path, "/proc/self/task/%s/comm", entry->d_name);
        FILE *f = fopen(path, "r");
        bool ours =
            f && fgets(name, sizeof name, f) && !strncmp(name, name_begin, strlen(name_begin));
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

// A data directory that goes away at the end; NNSCOPE_DIR points to it.
static char bench_dir[64];

static inline void bench_begin(void) {
    snprintf(bench_dir, sizeof bench_dir, "/tmp/nnscope-bench-XXXXXX");
    if (!mkdtemp(bench_dir)) exit(2);
    setenv("NNSCOPE_DIR", bench_dir, 1);
    unsetenv("NNSCOPE_RUN");
}

static inline int bench_end(void) {
    char command[128];
    snprintf(command, sizeof command, "rm -rf '%s'", bench_dir);
    return system(command) ? 2 : bench_over;
}

#endif
