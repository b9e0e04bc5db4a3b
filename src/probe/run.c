// Unit run.c opens and closes runs, and is there when the process forks or exits.
//
// The life of a run:
//
//     nns_open --> RUN_OPEN --nns_close, exit--> RUN_CLOSED     (structure kept: a late call finds its state)
//                     '------ child of fork ---> RUN_FORKED     (the child's calls do nothing)
//
// nns_open, in order: options, folder (alive file locked before the first lane), lanes and staging area in
// shared memory, the tables, threads. Where the folder cannot be made the run opens all the same with
// lanes in private memory; the helper tries again (folder.c).
//
// Invariants:
//   1. Every run ever opened is in run_list, under run_lock; a closed one is used again for a new run
//      once no thread has a lane in it.
//   2. The object that holds this code is never unloaded once a run was opened (pin): exit handlers, thread
//      keys and helper threads point into it.
//   3. Nothing is waited for longer than two seconds in all.
#include "run.h"

#include "aside.h"
#include "event.h"
#include "facts.h"
#include "folder.h"
#include "helper.h"
#include "lanes.h"
#include "network.h"
#include "options.h"
#include "step.h"

#include "base/clock.h"
#include "base/error.h"
#include "base/mem.h"
#include "journal/place.h"

#include <dlfcn.h>
#include <linux/futex.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <unistd.h>

#define CLOSE_WAIT_NS (2 * NS_PER_S)
#define ASIDE_WAIT_NS NS_PER_S

static pthread_mutex_t run_lock = PTHREAD_MUTEX_INITIALIZER;
static nns_run *run_list;

void run_each(void (*each)(nns_run *run, void *context), void *context) {
    pthread_mutex_lock(&run_lock);
    for (nns_run *run = run_list; run; run = run->next)
        each(run, context);
    pthread_mutex_unlock(&run_lock);
}

// --- fork and exit ---------------------------------------------------------------------------------

static void fork_prepare(void) {
    pthread_mutex_lock(&run_lock);
}

static void fork_parent(void) {
    pthread_mutex_unlock(&run_lock);
}

static void fork_child(void) {
    for (nns_run *run = run_list; run; run = run->next)
        if (atomic_load(&run->state) == RUN_OPEN) atomic_store(&run->state, RUN_FORKED);
    lanes_forget();
    pthread_mutex_unlock(&run_lock);
}

static void end(nns_run *run, int status);

static void at_exit(int status, void *nothing) {
    (void)nothing;
    for (nns_run *run = run_list; run; run = run->next)
        if (atomic_load(&run->state) == RUN_OPEN) end(run, status);
}

// The object with this code stays loaded, whether it is libnnscope.so or a plugin that holds the archive.
static void pin(void) {
    Dl_info info;
    if (!dladdr((void *)(uintptr_t)&pin, &info) || !info.dli_fname) return;
    void *object = dlopen(info.dli_fname, RTLD_NOW | RTLD_NOLOAD | RTLD_NODELETE);
    if (object) dlclose(object);
}

static void process_init(void) {
    pin();
    lanes_process_init();
    pthread_atfork(fork_prepare, fork_parent, fork_child);
    on_exit(at_exit, NULL);
}

// --- opening -------------------------------------------------------------------------------------

static bool unused(nns_run *run) {
    if (atomic_load(&run->state) != RUN_CLOSED || run->abandoned) return false;
    for (uint32_t i = 0; i < RUN_LANES; i++)
        if (atomic_load(&run->lanes[i])) return false;
    return true;
}

static nns_run *run_new(void) {
    pthread_mutex_lock(&run_lock);
    nns_run *run = run_list;
    while (run && !unused(run))
        run = run->next;
    nns_run *next = run ? run->next : run_list;
    if (run) {
        memset(run, 0, sizeof *run);
        run->next = next;
    } else if ((run = mem_new(sizeof *run))) {
        run->next = next;
        run_list = run;
    }
    pthread_mutex_unlock(&run_lock);
    if (!run) return NULL;
    run->alive_fd = run->wake_fd = run->nudge_fd = -1;
    run->inbox.fd = run->inbox.bell = -1;
    run->output.saved[0] = run->output.saved[1] = run->output.out_fd = run->output.err_fd = -1;
    run->opened_ns = clock_mono_ns();
    run->pace_ns = NS_PER_MS;
    commands_init(&run->commands, run->orders);
    return run;
}

// Smaller staging areas where shared memory is short; none at last.
static void make_stage(nns_run *run) {
    const char *folder = run->lanes_in_files ? run->lane_folder : NULL;
    for (uint32_t bytes = STAGE_BYTES; bytes >= STAGE_BYTES / 16 && !run->has_stage; bytes /= 4)
        run->has_stage = stage_make(&run->stage, folder, run->process.text, bytes) == 0;
}

static int make_lanes(nns_run *run) {
    run->lanes_in_files = run->up && run->alive.lanes[0];
    int result = lanes_init(run);
    lane_slot *first = lanes_mine.run == run ? lanes_mine.slot : NULL;
    if (!result && !first->lane.in_file) run->lanes_in_files = false;
    if (!result) make_stage(run);
    return result;
}

int run_start_thread(pthread_t *thread, void *(*body)(void *), void *context, size_t stack_bytes) {
    pthread_attr_t attributes;
    sigset_t all, before;
    sigfillset(&all);
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, stack_bytes);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int failed = pthread_create(thread, &attributes, body, context);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attributes);
    return failed ? NNS_E_NO_MEMORY : 0;
}

void run_nudge(nns_run *run) {
    uint64_t one = 1;
    ssize_t ignored = write(run->nudge_fd, &one, sizeof one);
    (void)ignored;
}

static int start_threads(nns_run *run) {
    run->nudge_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (run->nudge_fd < 0 || aside_init(run)) return NNS_E_NO_MEMORY;
    if (run_start_thread(&run->aside, aside_main, run, THREAD_STACK_BYTES)) return NNS_E_NO_MEMORY;
    if (run_start_thread(&run->helper, helper_main, run, THREAD_STACK_BYTES) == 0) return 0;
    aside_stop(run);
    pthread_join(run->aside, NULL);
    return NNS_E_NO_MEMORY;
}

static void give_back(nns_run *run) {
    pthread_mutex_lock(&run_lock);
    lanes_fini(run);
    pthread_mutex_unlock(&run_lock);
    if (run->has_stage) stage_drop(&run->stage, false);
    run->has_stage = false;
    if (run->writer_made) segment_writer_fini(&run->segments);
    run->writer_made = false;
    if (run->nudge_fd >= 0) close(run->nudge_fd);
    run->nudge_fd = -1;
    commands_fini(&run->commands);
    params_fini(&run->params);
    network_fini(run);
    series_fini(&run->series);
    options_fini(run);
}

static void prepare_folder(nns_run *run, const nns_options *o) {
    if (place_lanes(run->lane_folder)) run->lane_folder[0] = 0;
    snprintf(run->alive.lanes, sizeof run->alive.lanes, "%.511s", run->lane_folder);
    folder_up(run);
    if (run->up && o->capture_output) output_open(run);
}

static int open_run(nns_run *run, const nns_options *o) {
    int result = options_copy(run, o);
    if (result) return result;
    prepare_folder(run, o);
    result = make_lanes(run);
    if (!result) result = series_init(&run->series);
    if (!result) result = params_init(&run->params);
    if (result) return result;
    atomic_store(&run->state, RUN_OPEN);
    event_started(run);
    facts_write_first(run);
    step_init(run);
    return start_threads(run);
}

static void undo_open(nns_run *run) {
    atomic_store(&run->state, RUN_CLOSED);
    output_restore(run);
    output_close(run, 0);
    for (uint32_t i = 0; i < RUN_LANES; i++) {
        lane_slot *slot = atomic_load(&run->lanes[i]);
        if (slot && slot->lane.in_file) unlink(slot->lane.path);
    }
    if (run->has_stage && run->stage.ring.in_file) unlink(run->stage.ring.path);
    folder_down(run, true);
    give_back(run);
}

static void say_where(const nns_run *run, const nns_options *o) {
    if (o->quiet || !isatty(2)) return;
    int fd = run->output.on ? run->output.saved[1] : 2;
    dprintf(fd, "nnscope: recording run %s in %s%s; to look: nnscope server\n", run->id.text,
            run->dir, run->up ? "" : " (cannot be written now, tried again)");
}

static void say_why_not(const nns_options *o, int result) {
    if (o->quiet) return;
    if (result == NNS_E_NOT_FOUND)
        dprintf(2, "nnscope: nothing is recorded: no data directory (set NNSCOPE_DIR or HOME)\n");
    else
        dprintf(2, "nnscope: nothing is recorded: %s\n", error_sentence(result));
}

nns_run *nns_open(const nns_options *options) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    nns_options defaults = {0};
    const nns_options *o = options ? options : &defaults;
    pthread_once(&once, process_init);
    nns_run *run = run_new();
    int result = run ? open_run(run, o) : NNS_E_NO_MEMORY;
    if (result == 0) {
        say_where(run, o);
        return run;
    }
    if (run) undo_open(run);
    say_why_not(o, result);
    return NULL;
}

// --- closing -------------------------------------------------------------------------------------

static bool wait_closed(nns_run *run, int64_t until_ns) {
    while (!atomic_load(&run->closed)) {
        int64_t left = until_ns - clock_mono_ns();
        if (left <= 0) return false;
        struct timespec time = {.tv_sec = left / NS_PER_S, .tv_nsec = left % NS_PER_S};
        syscall(SYS_futex, &run->closed, FUTEX_WAIT_PRIVATE, 0, &time, NULL, 0);
    }
    return true;
}

static bool join_aside(nns_run *run) {
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += ASIDE_WAIT_NS / NS_PER_S;
    aside_stop(run);
    return pthread_timedjoin_np(run->aside, NULL, &until) == 0;
}

// Ends the threads once everything is in files; gives back nothing.
static void end(nns_run *run, int status) {
    int64_t until = clock_mono_ns() + CLOSE_WAIT_NS;
    atomic_store(&run->state, RUN_CLOSED);
    output_restore(run);
    bool joined = join_aside(run);
    run->close_status = status;
    atomic_store(&run->closing, true);
    run_nudge(run);
    bool closed = wait_closed(run, until);
    if (closed) pthread_join(run->helper, NULL);
    run->abandoned = !closed || !joined || run->digest_left;
}

void nns_close(nns_run *run, int status) {
    if (!run_is_open(run)) return;
    end(run, status);
    if (run->abandoned) {
        lanes_forget();
        return;
    }
    aside_fini(run);
    give_back(run);
}

const char *nns_run_id(const nns_run *run) {
    return run ? run->id.text : "";
}

const char *nns_version(void) {
    return NNS_VERSION;
}
