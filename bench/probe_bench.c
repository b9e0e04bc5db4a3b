// Bench of the training thread's calls: a scalar hot and cold, a bare step, page faults, system calls.
#include "measure.h"

#include <nnscope.h>

#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>

static nns_run *run;
static nns_series series;

// Bursts of 5000 with a rest between, so that the lane never fills.
static double scalar_hot(void) {
    enum { BURSTS = 300, BURST = 5000 };
    static double cost[BURSTS];
    for (int b = 0; b < BURSTS; b++) {
        nns_step(run, b);
        int64_t began = bench_now();
        for (int i = 0; i < BURST; i++)
            nns_scalar(run, series, i);
        cost[b] = (double)(bench_now() - began) / BURST;
        bench_sleep_us(2000);
    }
    return bench_median(cost, BURSTS);
}

// 10 k/s: ten every millisecond, between them something that empties the first caches.
static double scalar_cold(void) {
    enum { TURNS = 1000, BURST = 10, OTHER = 1 << 20 };
    static double cost[TURNS];
    static volatile unsigned char other[OTHER];
    int64_t clock = INT64_MAX;
    for (int i = 0; i < 1000; i++) {
        int64_t a = bench_now(), b = bench_now();
        if (b - a < clock) clock = b - a;
    }
    for (int t = 0; t < TURNS; t++) {
        for (int i = 0; i < OTHER; i += 64)
            other[i]++;
        nns_step(run, t);
        int64_t began = bench_now();
        for (int i = 0; i < BURST; i++)
            nns_scalar(run, series, i);
        cost[t] = (double)(bench_now() - began - clock) / BURST;
        bench_sleep_us(900);
    }
    return bench_median(cost, TURNS);
}

static double step_idle(void) {
    enum { BURSTS = 200, BURST = 1000 };
    static double cost[BURSTS];
    for (int b = 0; b < BURSTS; b++) {
        int64_t began = bench_now();
        for (int i = 0; i < BURST; i++)
            nns_step(run, b * BURST + i);
        cost[b] = (double)(bench_now() - began) / BURST;
        bench_sleep_us(2000);
    }
    return bench_median(cost, BURSTS);
}

static long faults(void) {
    struct rusage usage;
    getrusage(RUSAGE_THREAD, &usage);
    return usage.ru_minflt + usage.ru_majflt;
}

static double page_faults(void) {
    long before = 0;
    for (int i = 0; i < 10000000; i++) {
        if (i % 10 == 0) nns_step(run, i / 10);
        nns_scalar(run, series, i);
        if (i == 1000) before = faults();
        if (i % 100000 == 99999) bench_sleep_us(20000);
    }
    return (double)(faults() - before);
}

enum { MARK_BEGIN = 12345, MARK_END = 54321 };

static void traced(void) {
    run = nns_open(&(nns_options){.quiet = true});
    series = nns_series_open(run, "s");
    ptrace(PTRACE_TRACEME, 0, NULL, NULL);
    raise(19); // SIGSTOP
    nns_step(run, 0);
    nns_scalar(run, series, 0);
    syscall(SYS_close, MARK_BEGIN);
    for (int64_t i = 1, began = bench_now(); i < 300000; i++) {
        if (i % 10 == 0) nns_step(run, i / 10);
        nns_scalar(run, series, (double)i);
        while (bench_now() - began < i * 1000) { // a million a second
        }
    }
    syscall(SYS_close, MARK_END);
    _exit(0);
}

// -1: tracing is not possible here.
static double system_calls(void) {
    int status;
    long calls = -1;
    bool ended = false;
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) traced();
    if (waitpid(pid, &status, 0) != pid || !WIFSTOPPED(status)) return -1;
    ptrace(PTRACE_SETOPTIONS, pid, NULL, (void *)PTRACE_O_TRACESYSGOOD);
    while (ptrace(PTRACE_SYSCALL, pid, NULL, NULL) == 0 && waitpid(pid, &status, 0) == pid &&
           WIFSTOPPED(status)) {
        struct __ptrace_syscall_info info;
        if (WSTOPSIG(status) != (5 | 0x80)) continue; // SIGTRAP
        if (ptrace(PTRACE_GET_SYSCALL_INFO, pid, (void *)sizeof info, &info) <= 0) continue;
        if (info.op != PTRACE_SYSCALL_INFO_ENTRY) continue;
        bool mark = info.entry.nr == SYS_close;
        if (mark && info.entry.args[0] == MARK_END) ended = true;
        if (calls >= 0 && !ended) calls++;
        if (mark && info.entry.args[0] == MARK_BEGIN) calls = 0;
    }
    return (double)calls;
}

static uint64_t dropped(void) {
    nns_stats stats;
    nns_stats_get(run, &stats);
    return stats.dropped_records;
}

// `steps` milliseconds, `scalars` in each.
static void log_evenly(int64_t first, int64_t steps, int scalars) {
    int64_t begin = bench_now();
    for (int64_t step = 0; step < steps; step++) {
        while (bench_now() < begin + step * 1000000) {
        }
        nns_step(run, first + step);
        for (int i = 0; i < scalars; i++)
            nns_scalar(run, series, (double)i);
    }
}

// Records dropped in half a second at 2 M scalars a second from silence and 5 s at 5 M (the helper writes 80 MB/s).
static double sustained_drops(void) {
    bench_sleep_us(500000);
    uint64_t before = dropped();
    log_evenly(100000000, 500, 2000);
    log_evenly(100000500, 5000, 5000);
    return (double)(dropped() - before);
}

int main(void) {
    bench_begin();
    double calls = system_calls();
    run = nns_open(&(nns_options){.quiet = true});
    series = nns_series_open(run, "s");
    bench_line("scalar_hot", scalar_hot(), "ns", 5);
    bench_line("scalar_cold", scalar_cold(), "ns", 20);
    bench_line("step_idle", step_idle(), "ns", 50);
    bench_line("page_faults", page_faults(), "faults", 0);
    if (calls >= 0)
        bench_line("system_calls", calls, "calls", 0);
    else
        printf("system_calls: no right to trace here\n");
    printf("dropped on the way: %llu (the helper came late)\n", (unsigned long long)dropped());
    bench_line("sustained_drops", sustained_drops(), "of_5M/s", 0);
    nns_close(run, 0);
    return bench_end();
}
