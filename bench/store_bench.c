// Unit store_bench.c measures the store by itself: what comes in, what it costs on disk, and how fast it is asked.
//
//     bench_store [POINTS] [FOLDER]     POINTS of the long query, 1e7 by default (1e8: make bench, 1e9: make bench-large);
//                                       the deep zoom's series has a tenth of that at least, at most 1e8
//
// Figures of one core are points per second of CPU of the whole process (owner and writer thread), so that a loaded machine
// says the same. Cold: the store opened anew, its file dropped from the page cache.
#include "base/clock.h"
#include "store/store.h"

#include <dirent.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { SERIES = 100, STEPS = 10000, CURVES = 100, BUCKETS = 1200, WINDOW = 1000 };

static char folder[256], path[300];
static int failed;

static void line(const char *name, double figure, const char *unit, double budget, bool most) {
    bool ok = most ? figure <= budget : figure >= budget;
    printf("%s %.4g %s %s%.4g %s\n", name, figure, unit, most ? "<=" : ">=", budget,
           ok ? "ok" : "OVER");
    fflush(stdout);
}

static void check(int result, const char *what) {
    if (!result) return;
    fprintf(stderr, "bench_store: %s: %d\n", what, result);
    exit(1);
}

static void remove_files(void) {
    DIR *d = opendir(folder);
    for (struct dirent *e; d && (e = readdir(d));) {
        char name[600];
        snprintf(name, sizeof name, "%s/%s", folder, e->d_name);
        unlink(name);
    }
    if (d) closedir(d);
}

static store *open_store(void) {
    store *s = NULL;
    char *error = NULL;
    int result = store_open(&s, path, NULL, &error);
    if (result) fprintf(stderr, "bench_store: %s\n", error ? error : "");
    check(result, "open");
    return s;
}

static int64_t file_bytes(void) {
    struct stat st;
    return stat(path, &st) ? 0 : st.st_size;
}

static void drop_cache(void) {
    int fd = open(path, O_RDONLY);
    fdatasync(fd);
    posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
    close(fd);
}

static double cpu_s(void) {
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static double now_ms(void) {
    return (double)clock_mono_ns() / 1e6;
}

static double proc_kb(const char *file, const char *key) {
    FILE *f = fopen(file, "r");
    char text[256];
    double v = 0;
    while (f && fgets(text, sizeof text, f))
        if (!strncmp(text, key, strlen(key))) v = atof(text + strlen(key));
    if (f) fclose(f);
    return v;
}

static uint64_t state = 88172645463325252u;
static uint64_t random_u64(void) {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state;
}

// A loss that falls and is noisy, as float32.
static double loss(int64_t step, int64_t steps) {
    double noise = (double)(random_u64() >> 40) / (double)(1 << 24);
    return (double)(float)((2.3 / (1 + 10.0 * (double)step / (double)steps) + 0.1) *
                           (0.9 + 0.2 * noise));
}

typedef struct writer {
    store *s;
    store_id run;
    store_group *group;
    store_series *series[SERIES];
    int64_t time_ms;
} writer;

static void begin_run(writer *w, store *s, int series) {
    store_run run = {.last_step = -1};
    w->s = s;
    check(store_put_run(s, &run), "put run");
    w->run = run.id;
    w->time_ms = 1763683200000;
    w->group = store_group_open(s, run.id, 0);
    for (int i = 0; i < series; i++) {
        char name[32];
        snprintf(name, sizeof name, "train/loss%d", i);
        w->series[i] = store_series_open(s, run.id, name, 1, "", 1);
        if (!w->series[i]) check(-1, "series");
    }
}

static void append(writer *w, int i, double v) {
    int result;
    while ((result = store_append(w->group, w->series[i], v)) != 0) {
        if (result != -13) check(result, "append");
        check(store_wait(w->s, store_commit(w->s), 60000), "wait");
    }
}

static void write_steps(writer *w, int series, int64_t from, int64_t to, int64_t steps,
                        int64_t commit_every) {
    for (int64_t step = from; step < to; step++) {
        w->time_ms += 5 + (int64_t)(random_u64() % 3) - 1;
        store_step(w->group, 0, step, w->time_ms);
        for (int i = 0; i < series; i++)
            append(w, i, loss(step, steps));
        if (commit_every && step % commit_every == commit_every - 1) store_commit(w->s);
    }
}

static void settle(store *s) {
    check(store_wait(s, store_commit(s), 600000), "commit");
    check(store_settle(s, 600000), "settle");
}

// --- in ----------------------------------------------------------------------------------------

// What making the numbers costs, to be taken off.
static double generator_cpu_s(int64_t points) {
    double begin = cpu_s();
    volatile double sink = 0;
    for (int64_t i = 0; i < points; i++)
        sink += loss(i % STEPS, STEPS);
    (void)sink;
    return cpu_s() - begin;
}

static void bench_append(void) {
    int64_t runs = 10, points = runs * SERIES * STEPS;
    remove_files();
    double making = generator_cpu_s(points);
    store *s = open_store();
    double begin = cpu_s(), begin_wall = now_ms();
    for (int64_t r = 0; r < runs; r++) {
        writer w = {0};
        begin_run(&w, s, SERIES);
        write_steps(&w, SERIES, 0, STEPS, STEPS, 2000);
        settle(s);
        if (r == runs - 1) {
            double cpu = cpu_s() - begin - making;
            line("store_append", (double)points / cpu / 1e6, "Mpoints/s", 8, false);
            fprintf(stderr, "store_append_wall %.3g Mpoints/s (making the numbers included)\n",
                    (double)points / (now_ms() - begin_wall) / 1e3);
        }
        check(store_run_end(s, w.run), "end");
    }
    settle(s);
    store_close(s);
    line("store_bytes_per_point", (double)file_bytes() / (double)points, "B", 3.8, true);
}

// 100 series of one run at 100 steps a second, a commit a second, for a while. Raw: 16 bytes a point (step, value).
static void bench_amplification(void) {
    remove_files();
    store *s = open_store();
    writer w = {0};
    begin_run(&w, s, SERIES);
    settle(s);
    double before = proc_kb("/proc/self/io", "wchar:");
    int64_t steps = 30000;
    for (int64_t from = 0; from < steps; from += 100) {
        write_steps(&w, SERIES, from, from + 100, steps, 0);
        check(store_wait(s, store_commit(s), 60000), "commit");
    }
    store_close(s);
    double written = proc_kb("/proc/self/io", "wchar:") - before;
    line("store_write_amplification", written / (double)(steps * SERIES * 16), "B/B", 8, true);
}

static int compare(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

// --- out ---------------------------------------------------------------------------------------

static void ask(store_reader *r, store_id run, int series, store_query q, store_columns *c) {
    char name[32];
    snprintf(name, sizeof name, "train/loss%d", series);
    q.run = run;
    q.series = name;
    check(store_points(r, &q, c), "query");
}

static double curves_ms(store_reader *r, int64_t runs) {
    double begin = now_ms();
    for (int i = 0; i < CURVES; i++) {
        store_columns c;
        store_query q = {.from = INT64_MIN, .to = INT64_MAX, .buckets = BUCKETS};
        ask(r, 1 + i * (runs > CURVES ? runs / CURVES : 1) % runs, (i * 7) % SERIES, q, &c);
        if (c.rows < 1000 || c.rows > BUCKETS || c.total != STEPS) failed = 1;
        store_columns_fini(&c);
    }
    return now_ms() - begin;
}

static void fill_runs(int64_t points) {
    remove_files();
    store *s = open_store();
    for (int64_t done = 0; done < points; done += SERIES * STEPS) {
        writer w = {0};
        begin_run(&w, s, SERIES);
        write_steps(&w, SERIES, 0, STEPS, STEPS, 1000);
        check(store_run_end(s, w.run), "end");
        settle(s);
    }
    store_close(s);
}

// In a process of its own, so that its memory is that of the store alone.
static void ask_long_query(int64_t runs) {
    double base = proc_kb("/proc/self/status", "VmRSS:"), opened[5];
    store *s = NULL;
    for (int i = 0; i < 5; i++) {
        store_close(s);
        drop_cache();
        double begin = now_ms();
        s = open_store();
        opened[i] = now_ms() - begin;
    }
    qsort(opened, 5, sizeof *opened, compare);
    line("store_open", opened[2], "ms", 20, true);
    line("store_open_memory", (proc_kb("/proc/self/status", "VmRSS:") - base) / 1024, "MB", 10,
         true);
    store_reader *r = NULL;
    check(store_reader_open(s, &r), "reader");
    line("long_query_cold", curves_ms(r, runs), "ms", 500, true);
    double warm = INFINITY; // the best of 5: what it costs, not what else the machine did
    for (int i = 0; i < 5; i++)
        warm = fmin(warm, curves_ms(r, runs));
    line("long_query_warm", warm, "ms", 100, true);
    line("long_query_memory", (proc_kb("/proc/self/status", "VmHWM:") - base) / 1024, "MB", 100,
         true);
    store_reader_close(r);
    store_close(s);
}

static void bench_long_query(int64_t points) {
    char runs[32], self[] = "bench_store", ask_mode[] = "--ask";
    char *argv[] = {self, ask_mode, path, runs, NULL};
    snprintf(runs, sizeof runs, "%lld", (long long)(points / (SERIES * STEPS)));
    fill_runs(points);
    fprintf(stderr, "long_query: %lld points, %s runs, %.3g B/point\n", (long long)points, runs,
            (double)file_bytes() / (double)points);
    pid_t child = fork();
    if (child == 0) {
        execv("/proc/self/exe", argv);
        _exit(1);
    }
    int status = 0;
    if (child < 0 || waitpid(child, &status, 0) != child || status) failed = 1;
}

static double window_ms(store_reader *r, int64_t from) {
    store_query q = {.from = from, .to = from + WINDOW, .buckets = WINDOW};
    store_columns c;
    double begin = now_ms();
    ask(r, 1, 0, q, &c);
    double took = now_ms() - begin;
    if (!c.raw || c.rows != WINDOW) failed = 1;
    store_columns_fini(&c);
    return took;
}

static int64_t random_window(int64_t points) {
    return (int64_t)(random_u64() % (uint64_t)(points - WINDOW));
}

// One window when all is warm: the best of 3.
static double warm_window_ms(store_reader *r, int64_t from) {
    double best = INFINITY;
    for (int i = 0; i < 3; i++)
        best = fmin(best, window_ms(r, from));
    return best;
}

static double whole_us_per_bucket(store_reader *r, int64_t to) {
    store_query q = {.from = INT64_MIN, .to = to, .buckets = BUCKETS};
    double best = INFINITY;
    for (int i = 0; i < 7; i++) {
        store_columns c;
        double begin = now_ms();
        ask(r, 1, 0, q, &c);
        double took = (now_ms() - begin) * 1e3 / (double)c.rows;
        if (c.raw || c.rows < 500) failed = 1;
        if (took < best) best = took;
        store_columns_fini(&c);
    }
    return best;
}

static void bench_deep_zoom(int64_t points) {
    remove_files();
    store *s = open_store();
    writer w = {0};
    begin_run(&w, s, 1);
    write_steps(&w, 1, 0, points, points, 1 << 20);
    check(store_run_end(s, w.run), "end");
    settle(s);
    store_close(s);
    double cold[20], warm[200];
    for (int i = 0; i < 20; i++) {
        drop_cache();
        s = open_store();
        store_reader *r = NULL;
        check(store_reader_open(s, &r), "reader");
        cold[i] = window_ms(r, random_window(points));
        store_reader_close(r);
        store_close(s);
    }
    s = open_store();
    store_reader *r = NULL;
    check(store_reader_open(s, &r), "reader");
    for (int i = 0; i < 200; i++)
        warm[i] = warm_window_ms(r, random_window(points));
    qsort(cold, 20, sizeof *cold, compare);
    qsort(warm, 200, sizeof *warm, compare);
    line("deep_zoom_cold", cold[18], "ms", 15, true);
    line("deep_zoom_warm", warm[198], "ms", 5, true);
    fprintf(stderr, "deep zoom, medians: cold %.3g, warm %.3g ms\n", cold[10], warm[100]);
    double first = 0, most = 0, us = 0;
    for (int64_t n = 1000000; n <= points; n *= 10) {
        us = whole_us_per_bucket(r, n == points ? INT64_MAX : n);
        fprintf(stderr, "query of %lld points: %.3g us a bucket\n", (long long)n, us);
        if (!first) first = us;
        if (us > most) most = us;
    }
    line("bucket_cost", most, "us", 5, true);
    line("bucket_cost_growth", us / first, "x", 1.5, true); // of the longest to that of 1e6
    store_reader_close(r);
    store_close(s);
}

static void bench_spikes(void) {
    remove_files();
    store *s = open_store();
    store_reader *r = NULL;
    check(store_reader_open(s, &r), "reader");
    int seen = 0;
    for (int i = 0; i < 10; i++) {
        writer w = {0};
        begin_run(&w, s, 1);
        int64_t spike = (int64_t)(random_u64() % 100000);
        for (int64_t step = 0; step < 100000; step++) {
            store_step(w.group, 0, step, step);
            append(&w, 0, step == spike ? 1.0 : 0.0);
        }
        if (i % 2) settle(s);
        store_columns c;
        store_query q = {.from = INT64_MIN, .to = INT64_MAX, .buckets = BUCKETS};
        ask(r, w.run, 0, q, &c);
        for (size_t k = 0; k < c.rows; k++)
            seen += c.max[k] == 1.0f;
        store_columns_fini(&c);
    }
    line("spikes", seen, "of_10", 10, false);
    store_reader_close(r);
    store_close(s);
}

int main(int argc, char **argv) {
    if (argc == 4 && !strcmp(argv[1], "--ask")) {
        snprintf(path, sizeof path, "%s", argv[2]);
        ask_long_query(atoll(argv[3]));
        return failed;
    }
    double points = argc > 1 ? atof(argv[1]) : 1e7;
    if (!(points >= 1e6 && points <= 1e10)) {
        fprintf(stderr, "bench_store [POINTS from 1e6 to 1e10] [FOLDER [keep]]\n");
        return 2;
    }
    snprintf(folder, sizeof folder, "%s/nns_bench_XXXXXX", argc > 2 ? argv[2] : "/tmp");
    if (!mkdtemp(folder)) return 1;
    snprintf(path, sizeof path, "%s/store.db", folder);
    bench_append();
    bench_amplification();
    bench_spikes();
    bench_deep_zoom(points >= 1e8 ? 100000000 : 10000000);
    bench_long_query((int64_t)points);
    if (argc < 4) { // "keep": for the server's start with such a store
        remove_files();
        rmdir(folder);
    }
    if (failed) fprintf(stderr, "bench_store: an answer was not as it must be\n");
    return failed;
}
