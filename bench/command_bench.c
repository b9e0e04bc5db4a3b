// Bench of a command's way from the inbox to the safe point: written as the server writes it, timed where the program
// is told of the change. Once with the trainer paused, once with steps of 5 ms; there the budget is the step as it
// was (its own 99th per cent: a crowded machine makes it longer) and 1 ms.
#include "measure.h"

#include "base/buf.h"
#include "base/id.h"
#include "journal/inbox.h"

#include <nnscope.h>

#include <dirent.h>
#include <pthread.h>
#include <stdatomic.h>

#define TURNS 300
#define STEP_US 5000

static nns_run *run;
static double lr = 0.1;
static atomic_llong applied_ns;
static inbox_writer inbox;
static uint64_t number;

static void changed(void *context, nns_param param) {
    (void)context;
    (void)param;
    atomic_store(&applied_ns, bench_now());
}

static double steps_ms[20000]; // durations, while `timing`
static atomic_int timed;
static atomic_bool timing = true;

static void *train(void *context) {
    int64_t before = bench_now();
    for (int64_t step = 0; nns_step(run, step); step++) {
        bench_sleep_us(STEP_US);
        int64_t now = bench_now();
        if (atomic_load(&timing) && timed < 20000)
            steps_ms[timed++] = (double)(now - before) * 1e-6;
        before = now;
    }
    return context;
}

// The run's folder holds one process: its id begins the names.
static void open_inbox(void) {
    char folder[256], process[ID_LENGTH + 1] = "";
    snprintf(folder, sizeof folder, "%s/runs/%s", bench_dir, nns_run_id(run));
    DIR *dir = opendir(folder);
    for (struct dirent *entry; dir && (entry = readdir(dir));)
        if (strlen(entry->d_name) > ID_LENGTH) memcpy(process, entry->d_name, ID_LENGTH);
    if (dir) closedir(dir);
    if (inbox_open_writer(&inbox, folder, process)) exit(2);
}

static void send(uint32_t verb, double value) {
    buf bytes = {0};
    command_value v = {.name = "lr", .name_bytes = 2, .number = value};
    command c = {.verb = verb, .number = ++number, .at_step = -1, .values = &v, .count = 1};
    if (verb != COMMAND_SET) c.count = 0;
    if (command_encode(&c, &bytes) || inbox_append(&inbox, bytes.data, bytes.length)) exit(2);
    buf_fini(&bytes);
}

// The 99th per cent, in milliseconds.
static double p99(void) {
    static double took[TURNS];
    for (int i = 0; i < TURNS; i++) {
        bench_sleep_us(3000 + i * 37 % 5000);
        atomic_store(&applied_ns, 0);
        int64_t sent = bench_now();
        send(COMMAND_SET, 0.1 + i * 1e-4);
        while (atomic_load(&applied_ns) == 0)
            bench_sleep_us(50);
        took[i] = (double)(atomic_load(&applied_ns) - sent) * 1e-6;
    }
    qsort(took, TURNS, sizeof *took, bench_compare);
    return took[TURNS * 99 / 100];
}

int main(void) {
    pthread_t thread;
    bench_begin();
    run = nns_open(&(nns_options){.quiet = true});
    nns_param_on_change(run, nns_param_double(run, "lr", &lr, NULL), changed, NULL);
    open_inbox();
    pthread_create(&thread, NULL, train, NULL);
    double running = p99();
    atomic_store(&timing, false);
    bench_sleep_us(20000);
    qsort(steps_ms, (size_t)timed, sizeof *steps_ms, bench_compare);
    bench_line("command_running", running, "ms", steps_ms[timed * 99 / 100] + 1);
    send(COMMAND_PAUSE, 0);
    bench_sleep_us(100000);
    bench_line("command_paused", p99(), "ms", 2);
    send(COMMAND_STOP, 0);
    pthread_join(thread, NULL);
    inbox_close_writer(&inbox);
    nns_close(run, 0);
    return bench_end();
}
