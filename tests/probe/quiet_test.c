// Tests of what a training thread never does: page faults, system calls, allocations, waits; and of the floating-point
// mode, the signal handlers and mask, which stay as they were.
#include "heard.h"

#include <errno.h>
#include <fenv.h>
#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>

static heard h;
static nns_run *run;

static int setup(void **state) {
    (void)state;
    heard_init(&h);
    run = nns_open(&(nns_options){.quiet = true});
    return run ? 0 : -1;
}

static int teardown(void **state) {
    (void)state;
    nns_close(run, 0);
    heard_fini(&h);
    return 0;
}

static long faults(void) {
    struct rusage usage;
    getrusage(RUSAGE_THREAD, &usage);
    return usage.ru_minflt + usage.ru_majflt;
}

// 1e7 scalars in steps of 10, slowed down so that the lane never overflows.
static void no_page_faults(void **state) {
    (void)state;
#ifdef __SANITIZE_THREAD__
    print_message("skipped: ThreadSanitizer's own memory faults\n");
    skip();
#endif
    nns_series s = nns_series_open(run, "s");
    int64_t step = 0;
    long before = 0;
    for (int i = 0; i < 10000000; i++) {
        if (i % 10 == 0) nns_step(run, step++);
        nns_scalar(run, s, i);
        if (i == 1000) before = faults();
        if (i % 50000 == 49999) sleep_ms(20);
    }
    long after = faults();
    nns_stats stats;
    nns_stats_get(run, &stats);
    print_message("page faults: %ld, dropped %llu\n", after - before,
                  (unsigned long long)stats.dropped_records);
    assert_int_equal(after - before, 0); // drops: on a crowded machine the helper may come late
}

// --- system calls, counted by a tracer of the training thread alone ----------------------------------

// The traced program is this one, started anew: between a fork and an exec a process whose parent had threads may not allocate
// (another thread may have held the allocator's lock; under AddressSanitizer it often did, and the child stood for ever).

enum { MARK_BEGIN = 12345, MARK_END = 54321 };

// A network whose statistics, snapshots and flight recorder are recorded meanwhile.
static void describe(nns_run *of) {
    static float numbers[256];
    const nns_role kinds[] = {NNS_WEIGHT, NNS_WEIGHT_GRAD, NNS_ACT, NNS_PRE_GRAD};
    nns_layer fc = nns_layer_describe(
        of, &(nns_layer_info){.name = "fc", .kind = "dense", .dims = 1, .shape = {16}});
    for (int i = 0; i < 4; i++)
        nns_tensor_add(of, &(nns_tensor_info){.layer = fc,
                                              .role = kinds[i],
                                              .dtype = NNS_FLOAT32,
                                              .dims = 2,
                                              .shape = {16, 16},
                                              .data = numbers});
}

static void spin_us(int64_t us) {
    struct timespec from, now;
    clock_gettime(CLOCK_MONOTONIC, &from);
    do
        clock_gettime(CLOCK_MONOTONIC, &now);
    while ((now.tv_sec - from.tv_sec) * 1000000 + (now.tv_nsec - from.tv_nsec) / 1000 < us);
}

static void traced(void) {
    double lr = 0.1;
    nns_run *mine = nns_open(&(nns_options){.quiet = true, .budget = 0.5});
    nns_param_double(mine, "lr", &lr, NULL);
    describe(mine);
    nns_series s = nns_series_open(mine, "s");
    ptrace(PTRACE_TRACEME, 0, NULL, NULL);
    raise(SIGSTOP);
    nns_step(mine, 0);
    for (int i = 0; i < 100; i++)
        nns_scalar(mine, s, i);
    syscall(SYS_close, MARK_BEGIN);
    for (int step = 1; step < 20000; step++) {
        nns_step(mine, step);
        spin_us(20);
        nns_before_update(mine);
        if (step % 100 == 0) lr *= 0.99;
        for (int i = 0; i < 10; i++)
            nns_scalar(mine, s, i);
        nns_scalar_named(mine, "named", step);
        if (step % 100 == 0) nns_text(mine, "text", "words");
    }
    syscall(SYS_close, MARK_END);
    _exit(0);
}

// The number and the first argument of the call at which `pid` stands.
static bool call_of(pid_t pid, struct __ptrace_syscall_info *info) {
    return ptrace(PTRACE_GET_SYSCALL_INFO, pid, (void *)sizeof *info, info) > 0 &&
           info->op == PTRACE_SYSCALL_INFO_ENTRY;
}

static void no_system_calls(void **state) {
    (void)state;
    int status;
    long calls = -1;
    bool counting = false, ended = false;
    pid_t pid = fork();
    if (pid == 0) {
        execl("/proc/self/exe", "probe_quiet_test", "traced", (char *)NULL);
        _exit(1);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    if (!WIFSTOPPED(status)) {
        print_message("skipped: tracing is not possible here\n");
        skip();
    }
    ptrace(PTRACE_SETOPTIONS, pid, NULL, (void *)PTRACE_O_TRACESYSGOOD);
    while (ptrace(PTRACE_SYSCALL, pid, NULL, NULL) == 0 && waitpid(pid, &status, 0) == pid &&
           WIFSTOPPED(status)) {
        struct __ptrace_syscall_info info;
        if (WSTOPSIG(status) != (SIGTRAP | 0x80) || !call_of(pid, &info)) continue;
        bool mark = info.entry.nr == SYS_close;
        if (mark && info.entry.args[0] == MARK_END) ended = true;
        if (counting && !ended) calls++;
        if (mark && info.entry.args[0] == MARK_BEGIN) {
            counting = true;
            calls = 0;
        }
    }
    print_message("system calls: %ld\n", calls);
    assert_true(ended);
    assert_int_equal(calls, 0);
}

// --- the rest ----------------------------------------------------------------------------------------

#ifndef __SANITIZE_ADDRESS__
static void no_allocations(void **state) {
    (void)state;
    double lr = 0.1;
    nns_param_double(run, "lr", &lr, NULL);
    nns_series s = nns_series_open(run, "s");
    nns_step(run, 0);
    sleep_ms(50);
    // Allocations of this thread come from the main arena; the helpers have arenas of their own.
    struct mallinfo2 before = mallinfo2();
    for (int step = 1; step < 20000; step++) {
        nns_step(run, step);
        nns_scalar(run, s, step);
        lr *= 0.9999;
    }
    struct mallinfo2 after = mallinfo2();
    assert_int_equal(before.uordblks, after.uordblks);
}
#endif

static void nothing_of_the_program_changes(void **state) {
    (void)state;
    struct sigaction was[65], is;
    sigset_t mask_was, mask_is;
    nns_run *second;
    for (int i = 1; i < 65; i++)
        sigaction(i, NULL, &was[i]);
    pthread_sigmask(SIG_SETMASK, NULL, &mask_was);
    fesetround(FE_UPWARD);
    feclearexcept(FE_ALL_EXCEPT);
    srand(1);
    int first = rand();
    srand(1);
    second = nns_open(&(nns_options){.quiet = true});
    for (int i = 0; i < 100; i++) {
        nns_step(second, i);
        nns_scalar_named(second, "s", 1);
    }
    nns_close(second, 0);
    assert_int_equal(fegetround(), FE_UPWARD);
    fesetround(FE_TONEAREST);
    assert_int_equal(rand(), first);
    pthread_sigmask(SIG_SETMASK, NULL, &mask_is);
    assert_memory_equal(&mask_was, &mask_is, 8); // the kernel's 64 signals
    for (int i = 1; i < 65; i++) {
        if (sigaction(i, NULL, &is)) continue;
        assert_ptr_equal((void *)was[i].sa_handler, (void *)is.sa_handler);
    }
}

static atomic_int handled;
static pthread_t handler_thread;

static void on_signal(int number) {
    (void)number;
    handler_thread = pthread_self();
    atomic_fetch_add(&handled, 1);
}

// Signals of the process reach the program's threads only.
static void helpers_block_signals(void **state) {
    (void)state;
    struct sigaction action = {.sa_handler = on_signal}, before;
    sigaction(SIGUSR1, &action, &before);
    for (int i = 0; i < 50; i++) {
        kill(getpid(), SIGUSR1);
        sleep_ms(1);
        assert_true(pthread_equal(handler_thread, pthread_self()));
    }
    assert_true(atomic_load(&handled) >= 50);
    sigaction(SIGUSR1, &before, NULL);
}

static void shares_are_measured(void **state) {
    (void)state;
    nns_series s = nns_series_open(run, "s");
    for (int i = 0; i < 1300; i++) {
        nns_step(run, i);
        for (int k = 0; k < 10; k++)
            nns_scalar(run, s, k);
        sleep_ms(1);
    }
    sleep_ms(1000);
    nns_stats stats;
    nns_stats_get(run, &stats);
    print_message("share of step time %.5f %%, helpers %.3f %%\n", stats.step_share * 100,
                  stats.helper_share * 100);
    assert_true(stats.step_share > 0 && stats.step_share < 0.01);
    assert_true(stats.helper_share > 0 && stats.helper_share < 0.2);
}

static const char *const names[] = {"system/cpu", "system/memory", "process/cpu", "process/memory"};

static bool is_sampled(const heard *all, uint64_t beats) {
    for (size_t i = 0; i < 4; i++) {
        uint32_t series = heard_series(all, names[i], SERIES_SCALAR);
        if (!series || !heard_nth(all, RECORD_SCALAR, series, 0)) return false;
    }
    return heard_count(all, RECORD_BEAT) >= beats;
}

static void the_machine_is_sampled(void **state) {
    (void)state;
    nns_step(run, 1);
    assert_true(heard_appears(&h, nns_run_id(run)));
    assert_true(heard_until(&h, is_sampled, 2));
    for (size_t i = 0; i < 4; i++) {
        uint32_t series = heard_series(&h, names[i], SERIES_SCALAR);
        assert_int_not_equal(series, 0);
        const heard_record *r = heard_nth(&h, RECORD_SCALAR, series, 0);
        assert_non_null(r);
        assert_int_equal(r->step, 1);
        assert_true(le_f64(r->at + 8) >= 0);
    }
    assert_true(heard_count(&h, RECORD_BEAT) >= 2);
    assert_true(heard_count(&h, RECORD_FACT) >= 4);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(int argc, char **argv) {
    if (argc == 2 && strcmp(argv[1], "traced") == 0) traced();
    const struct CMUnitTest tests[] = {CASE(no_page_faults),
                                       CASE(no_system_calls),
#ifndef __SANITIZE_ADDRESS__
                                       CASE(no_allocations),
#endif
                                       CASE(nothing_of_the_program_changes),
                                       CASE(helpers_block_signals),
                                       CASE(shares_are_measured),
                                       CASE(the_machine_is_sampled)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
