// Bench of the journal's hops, below the public interface:
//
//   lane_scalar_hot   one scalar into a lane, ten a step, with a reader that keeps up
//   lane_scalar_cold  the same at 10 000 a second: the thread did other things between
//   lane_faults       page faults of the writer over 1e7 scalars
//   journal_write     scalars a second from lane to segment: cut, checksum, write
//   journal_read      scalars a second from segment to consumer: read, checksum, record_check
//   journal_salvage   a full main lane of a dead process into its journal, with syncs
#include "base/clock.h"
#include "base/le.h"
#include "journal/lane.h"
#include "journal/place.h"
#include "journal/salvage.h"
#include "journal/segment.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define RUN "01kaq8z3v5m4n6p7q8r9s0t1v0"
#define PROC "01kaq8z3v5m4n6p7q8r9s0t1v2"

enum { ROUNDS = 101, BURST_STEPS = 10000, SCALARS = 10, COLD_STEPS = 3000 };

static char folder[64], lanes[PATH_CAP];

static int by_value(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *values, int count) {
    qsort(values, (size_t)count, sizeof *values, by_value);
    return values[count / 2];
}

// Mean of the middle half: finer than the clock's grain, blind to what the machine did meanwhile.
static double middle(double *values, int count) {
    double sum = 0;
    qsort(values, (size_t)count, sizeof *values, by_value);
    for (int i = count / 4; i < 3 * (count / 4); i++)
        sum += values[i];
    return sum / (2 * (count / 4));
}

static void at_most(const char *name, double figure, const char *unit, double most) {
    printf("%s %.2f %s <=%g %s\n", name, figure, unit, most, figure <= most ? "ok" : "OVER");
}

static void at_least(const char *name, double figure, const char *unit, double least) {
    printf("%s %.2f %s >=%g %s\n", name, figure, unit, least, figure >= least ? "ok" : "OVER");
}

static void need(int result, const char *what) {
    if (result == 0) return;
    fprintf(stderr, "%s: %d\n", what, result);
    exit(2);
}

static inline void scalar(lane *l, uint32_t series, double value) {
    uint8_t *at = lane_room(l, 16);
    if (!at) {
        lane_lose(l);
        return;
    }
    le_put_u64(at, RECORD_SCALAR | UINT64_C(2) << 16 | (uint64_t)series << 32);
    le_put_f64(at + 8, value);
    lane_publish(l, 16);
}

static void steps(lane *l, int64_t from, int count) {
    for (int64_t step = from; step < from + count; step++) {
        lane_open_step(l, step, step);
        for (uint32_t i = 0; i < SCALARS; i++)
            scalar(l, i, (double)step);
    }
}

static void take_all(lane *l) {
    const uint8_t *at;
    lane_release(l, lane_ready(l, &at));
}

static long page_faults(void) {
    struct rusage usage;
    getrusage(RUSAGE_THREAD, &usage);
    return usage.ru_minflt + usage.ru_majflt;
}

static void bench_hot(lane *l) {
    double ns[ROUNDS];
    steps(l, 0, BURST_STEPS);
    take_all(l);
    long faults = page_faults();
    for (int r = 0; r < ROUNDS; r++) {
        int64_t began = clock_mono_ns();
        steps(l, (int64_t)r * BURST_STEPS, BURST_STEPS);
        ns[r] = (double)(clock_mono_ns() - began) / (BURST_STEPS * SCALARS);
        take_all(l);
    }
    faults = page_faults() - faults;
    at_most("lane_scalar_hot", median(ns, ROUNDS), "ns", 5);
    at_most("lane_faults", (double)faults, "faults", 0);
    if (l->dropped_total) printf("dropped %llu\n", (unsigned long long)l->dropped_total);
}

// The clock's own cost is measured in the same way beside it, and taken off.
static void bench_cold(lane *l) {
    static double with[COLD_STEPS], without[COLD_STEPS];
    static uint8_t other[8 << 20]; // what the program does meanwhile: walks through other memory
    for (int i = 0; i < COLD_STEPS; i++) {
        clock_sleep_ns(100000);
        for (size_t k = 0; k < 65536; k += 64)
            other[((size_t)i * 65536 + k) % sizeof other]++;
        clock_mono_ns(); // warm again: it is not what is measured
        int64_t a = clock_mono_ns();
        int64_t b = clock_mono_ns();
        scalar(l, 1, (double)i);
        int64_t c = clock_mono_ns();
        without[i] = (double)(b - a);
        with[i] = (double)(c - b);
        if (i % 100 == 0) take_all(l);
    }
    take_all(l);
    at_most("lane_scalar_cold", middle(with, COLD_STEPS) - middle(without, COLD_STEPS), "ns", 20);
}

static void bench_write(lane *l, segment_writer *w) {
    double rate[21];
    const uint8_t *at;
    for (int r = 0; r < 21; r++) {
        steps(l, 0, 40000);
        int64_t began = clock_mono_ns();
        size_t ready = lane_ready(l, &at);
        need(segment_append(w, 0, *l->head, at, ready), "segment_append");
        lane_release(l, ready);
        rate[r] = 40000.0 * SCALARS * 1e3 / (double)(clock_mono_ns() - began);
    }
    at_least("journal_write", median(rate, 21), "M/s", 8);
}

static void bench_read(uint32_t last) {
    int64_t began = clock_mono_ns();
    uint64_t bytes = 0;
    for (uint32_t number = 1; number <= last; number++) {
        char path[PATH_CAP];
        segment_reader r;
        segment_block block;
        need(segment_path(path, folder, PROC, number), "path");
        need(segment_open(&r, path), "segment_open");
        while (!segment_next(&r, &block))
            bytes += block.bytes;
        segment_close(&r);
    }
    double scalars = (double)bytes / (24 + 16 * SCALARS) * SCALARS;
    at_least("journal_read", scalars * 1e3 / (double)(clock_mono_ns() - began), "M/s", 8);
}

static void bench_salvage(void) {
    uint64_t bytes;
    pid_t child = fork();
    if (child == 0) {
        lane l;
        alive_info info = {.name = "bench"};
        memcpy(info.lanes, lanes, strlen(lanes) + 1);
        if (alive_hold(folder, PROC, &info) < 0) _exit(1);
        if (lane_make(&l, lanes, PROC, 0, LANE_BYTES_MAIN)) _exit(1);
        steps(&l, 0, 1 << 20);
        _exit(0);
    }
    waitpid(child, NULL, 0);
    int64_t began = clock_mono_ns();
    need(salvage(folder, RUN, PROC, &bytes), "salvage");
    at_most("journal_salvage", (double)(clock_mono_ns() - began) * 1e-6, "ms", 2000);
}

static void remove_folders(void) {
    char command[PATH_CAP];
    if (strncmp(folder, "/tmp/nnscope-bench-", 19) != 0) return;
    if (file_path(command, "rm -rf '%s'", folder) == 0 && system(command) != 0)
        fprintf(stderr, "%s is left\n", folder);
}

int main(void) {
    lane l;
    segment_writer w;
    strcpy(folder, "/tmp/nnscope-bench-XXXXXX");
    if (!mkdtemp(folder)) return 2;
    atexit(remove_folders);
    need(place_lanes(lanes), "place_lanes");
    need(lane_make(&l, lanes, PROC, 0, LANE_BYTES_MAIN), "lane_make");
    bench_hot(&l);
    bench_cold(&l);
    need(segment_writer_init(&w, folder, RUN, PROC), "segment_writer_init");
    bench_write(&l, &w);
    uint32_t last = w.number;
    segment_writer_fini(&w);
    bench_read(last);
    lane_drop(&l, true);
    bench_salvage();
    return 0;
}
