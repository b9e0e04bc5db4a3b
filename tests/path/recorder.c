// A training program for the tests of this folder: it logs `count` = step and `noise`, a function of the step, at a
// given rate, and keeps in a mapped file, AFTER each call, what must be found later: see `progress`.
//
//   recorder --progress FILE [--steps N] [--from STEP] [--rate PER_S] [--scalars N] [--series N] [--linger S] [--exit STATUS] [--no-close]
//
// `noise` is logged --scalars times a step; --series more, count/0 and so on, are the step again. Steps 0: until it is killed or asked to stop. Rate 0: as fast as it goes. It learns something too: `state` is what N
// steps give whatever happens to nnscope.
#include <nnscope.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

// Read by harness of the tests (faults.py): little-endian, 8 bytes each.
typedef struct progress {
    int64_t logged;  // the last step whose values have been logged; -1: none
    int64_t printed; // the last step that was printed; -1: none
    int64_t phase;   // 0 starting, 1 in its loop, 2 the loop has ended, 3 closed
    int64_t waits;   // times that the training thread went to sleep inside nnscope's calls
    int64_t dropped; // of nns_stats, after the loop
    int64_t failed_bytes;
    int64_t salvageable;
    int64_t stopped; // nns_step has returned false
    uint64_t state;  // what was learnt
    char run[32];
} progress;

enum { SERIES_MAX = 100 };

typedef struct options {
    const char *progress, *name;
    int64_t steps, from, rate, scalars, series, linger, status;
    bool keep_open;
} options;

static options read_options(int argc, char **argv) {
    options o = {.name = "path", .scalars = 1};
    for (int i = 1; i < argc; i++) {
        const char *word = argv[i], *value = i + 1 < argc ? argv[i + 1] : "";
        if (!strcmp(word, "--no-close")) o.keep_open = true;
        if (!strcmp(word, "--progress")) o.progress = value;
        if (!strcmp(word, "--name")) o.name = value;
        if (!strcmp(word, "--steps")) o.steps = atoll(value);
        if (!strcmp(word, "--from")) o.from = atoll(value);
        if (!strcmp(word, "--rate")) o.rate = atoll(value);
        if (!strcmp(word, "--scalars")) o.scalars = atoll(value);
        if (!strcmp(word, "--series"))
            o.series = atoll(value) < SERIES_MAX ? atoll(value) : SERIES_MAX;
        if (!strcmp(word, "--linger")) o.linger = atoll(value);
        if (!strcmp(word, "--exit")) o.status = atoll(value);
    }
    return o;
}

static progress *map_progress(const char *path) {
    int fd = path ? open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600) : -1;
    if (fd < 0 || ftruncate(fd, 4096)) return NULL;
    void *at = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
    return at == MAP_FAILED ? NULL : at;
}

static double noise(int64_t step) {
    return (double)((uint64_t)step * 0x9E3779B97F4A7C15u >> 40);
}

static int64_t sleeps(void) {
    struct rusage usage;
    getrusage(RUSAGE_THREAD, &usage);
    return usage.ru_nvcsw;
}

// At `rate` a second counted from the beginning, in sleeps of a millisecond or more.
static void keep_pace(struct timespec *next, int64_t rate) {
    next->tv_nsec += 1000000000 / rate;
    if (next->tv_nsec >= 1000000000) {
        next->tv_nsec -= 1000000000;
        next->tv_sec++;
    }
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    int64_t ahead = (next->tv_sec - now.tv_sec) * 1000000000 + next->tv_nsec - now.tv_nsec;
    if (ahead > 1000000) clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, next, NULL);
}

static void say(progress *p, int64_t step) {
    printf("step %lld\n", (long long)step);
    fflush(stdout);
    p->printed = step;
}

static void open_more(nns_run *run, int64_t n, nns_series more[]) {
    for (int64_t i = 0; i < n; i++) {
        char name[32];
        snprintf(name, sizeof name, "count/%lld", (long long)i);
        more[i] = nns_series_open(run, name);
    }
}

static void log_values(nns_run *run, const options *o, const nns_series series[], int64_t step) {
    nns_scalar(run, series[0], (double)step);
    for (int64_t i = 0; i < o->scalars; i++)
        nns_scalar(run, series[1], noise(step));
    for (int64_t i = 0; i < o->series; i++)
        nns_scalar(run, series[2 + i], (double)step);
}

static void train(nns_run *run, const options *o, progress *p) {
    nns_series series[2 + SERIES_MAX] = {nns_series_open(run, "count"),
                                         nns_series_open(run, "noise")};
    open_more(run, o->series, series + 2);
    struct timespec next;
    clock_gettime(CLOCK_MONOTONIC, &next);
    for (int64_t step = o->from; !o->steps || step < o->from + o->steps; step++) {
        bool timed = o->rate && o->rate <= 20000;
        int64_t before = timed ? sleeps() : 0;
        if (!nns_step(run, step)) {
            p->stopped = 1;
            break;
        }
        log_values(run, o, series, step);
        if (timed) p->waits += sleeps() - before;
        p->state = (p->state ^ (uint64_t)step) * 0x100000001B3u;
        __atomic_store_n(&p->logged, step, __ATOMIC_RELEASE);
        if (step % 100 == 0) say(p, step);
        if (o->rate) keep_pace(&next, o->rate);
    }
}

int main(int argc, char **argv) {
    options o = read_options(argc, argv);
    progress *p = map_progress(o.progress);
    if (!p) return 2;
    p->logged = p->printed = -1;
    nns_run *run = nns_open(&(nns_options){.name = o.name,
                                           .project = "path",
                                           .capture_output = true,
                                           .no_system = true,
                                           .quiet = true});
    snprintf(p->run, sizeof p->run, "%s", nns_run_id(run));
    double lr = 0.1;
    nns_param_double(run, "lr", &lr, NULL);
    p->phase = 1;
    train(run, &o, p);
    nns_stats stats;
    nns_stats_get(run, &stats);
    p->dropped = (int64_t)stats.dropped_records;
    p->failed_bytes = (int64_t)stats.failed_bytes;
    p->salvageable = stats.salvageable;
    p->phase = 2;
    sleep((unsigned)o.linger);
    if (!o.keep_open) nns_close(run, (int)o.status);
    p->phase = 3;
    return (int)o.status;
}
