// Unit aside.c is the second thread, which mostly sleeps: once a second, right after the helper has written, it
// syncs that and samples the machine; at the start it gathers the facts of the process.
//
// Why a thread of its own: a sync can hold its caller for a long time, and reading git's index or starting
// the GPU's library takes tens of milliseconds; the helper must not miss its pace meanwhile.
#include "aside.h"

#include "facts.h"
#include "lanes.h"
#include "system.h"

#include "base/clock.h"
#include "base/error.h"

#define ASIDE_LANE_BYTES (64u << 10)
#define PATIENCE_NS (3 * NS_PER_S / 2) // when a disk holds up the helper

int aside_init(nns_run *run) {
    pthread_condattr_t attributes;
    if (pthread_mutex_init(&run->aside_lock, NULL)) return NNS_E_NO_MEMORY;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    int failed = pthread_cond_init(&run->aside_wake, &attributes);
    pthread_condattr_destroy(&attributes);
    run->aside_end = run->aside_due = false;
    return failed ? NNS_E_NO_MEMORY : 0;
}

void aside_fini(nns_run *run) {
    pthread_cond_destroy(&run->aside_wake);
    pthread_mutex_destroy(&run->aside_lock);
}

void aside_stop(nns_run *run) {
    pthread_mutex_lock(&run->aside_lock);
    run->aside_end = true;
    pthread_cond_signal(&run->aside_wake);
    pthread_mutex_unlock(&run->aside_lock);
}

void aside_second(nns_run *run) {
    pthread_mutex_lock(&run->aside_lock);
    run->aside_due = true;
    pthread_cond_signal(&run->aside_wake);
    pthread_mutex_unlock(&run->aside_lock);
}

// Sleeps until the helper's second, or the end. False: the end.
static bool sleep_a_second(nns_run *run) {
    int64_t at_ns = clock_mono_ns() + PATIENCE_NS;
    struct timespec at = {.tv_sec = at_ns / NS_PER_S, .tv_nsec = at_ns % NS_PER_S};
    int result = 0;
    pthread_mutex_lock(&run->aside_lock);
    while (!run->aside_end && !run->aside_due && !result)
        result = pthread_cond_timedwait(&run->aside_wake, &run->aside_lock, &at);
    run->aside_due = false;
    bool on = !run->aside_end;
    pthread_mutex_unlock(&run->aside_lock);
    return on;
}

static void sync_files(nns_run *run) {
    if (atomic_exchange(&run->written, false)) segment_sync(&run->segments);
}

void *aside_main(void *context) {
    nns_run *run = context;
    pthread_setname_np(pthread_self(), "nnscope-aside");
    lanes_take_new(run, ASIDE_LANE_BYTES);
    facts_write(run);
    system_sampler *sampler = run->no_system ? NULL : system_open(run);
    do {
        sync_files(run);
        system_sample(sampler);
        atomic_store(&run->aside_cpu_ns, clock_thread_cpu_ns());
    } while (sleep_a_second(run));
    system_close(sampler);
    return NULL;
}
