// Unit core.c opens and closes the core, owns its lock and drives the engine thread. One turn of the engine:
//
//   1 sleep in poll() until a probe writes into DIR/wake, one of our threads rings, or it is time to look
//   2 look for new runs, processes and segments (scan.c), once a second or when something is evidently new
//   3 take in what active processes have written (ingest.c), slice by slice, stepping aside for others
//   4 see who died (liveness.c), twice a second
//   5 commit once a second; delete what is durable
//   6 let the hub build frames for those who look (hub.c)
//
// Invariants: (a) one server per directory: DIR/server.lock is held by fcntl from before the store is opened
// until it is closed; (b) the lock is never held across a read of a file or a wait for the disk (the inbox's
// short appends excepted); (c) what a commit holds is a moment between two records of every lane, with
// the cursors of that moment.
#include "inside.h"
#include "keep.h"
#include "run.h"

#include "base/clock.h"
#include "base/log.h"
#include "journal/place.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

#define SLICE_NS (200 * 1000)
#define LOOK_NS NS_PER_S
#define LOST_MS (5 * 60 * 1000)
#define COMMIT_NS NS_PER_S
#define ALIVE_NS (NS_PER_S / 2)
#define GATHER_NS (NS_PER_S / 125) // between passes while something comes in by itself

// --- lock ---------------------------------------------------------------------------------------

void core_lock(core *c) {
    atomic_fetch_add(&c->waiting, 1);
    pthread_mutex_lock(&c->lock);
    atomic_fetch_sub(&c->waiting, 1);
}

void core_unlock(core *c) {
    pthread_mutex_unlock(&c->lock);
}

bool core_breathe(core *c) {
    int64_t now = clock_mono_ns();
    if (now - c->slice_ns < SLICE_NS) return false;
    pthread_mutex_unlock(&c->lock);
    for (int i = 0; i < 100 && atomic_load(&c->waiting) > 0; i++)
        sched_yield();
    pthread_mutex_lock(&c->lock);
    c->slice_ns = clock_mono_ns();
    return true;
}

static void engine_lock(core *c) {
    pthread_mutex_lock(&c->lock);
    c->slice_ns = clock_mono_ns();
}

void core_ring(core *c) {
    uint64_t one = 1;
    ssize_t n = write(c->bell, &one, sizeof one);
    (void)n; // full is as good
}

// --- commits ------------------------------------------------------------------------------------

uint64_t core_commit(core *c) {
    runs_put_dirty(c);
    for (run *r = c->active; r; r = r->next_active)
        for (size_t i = 0; i < r->process_count; i++)
            cursors_put(c, r->processes[i]);
    c->rows_dirty = c->commit_soon = false;
    c->points_uncommitted = 0;
    uint64_t number = store_commit(c->store);
    if (!number) { // out of memory: all of it stays in the open commit, and every file where it is
        c->rows_dirty = true;
        return 0;
    }
    c->last_commit = number;
    for (run *r = c->active; r; r = r->next_active)
        for (size_t i = 0; i < r->process_count; i++)
            process_release(c, r->processes[i], c->last_commit);
    return c->last_commit;
}

void core_settle(core *c) {
    core_lock(c);
    uint64_t number = c->rows_dirty ? core_commit(c) : c->last_commit;
    core_unlock(c);
    if (number) store_wait(c->store, number, 5000);
}

static void on_commit(void *context, uint64_t commit, int result) {
    core *c = context;
    (void)commit;
    if (result) log_warn("the store could not be written: %s", error_sentence(result));
    core_ring(c);
}

// Files whose records are durable leave the disk.
static void releases_run(core *c) {
    uint64_t durable = store_committed(c->store);
    for (;;) {
        core_lock(c);
        release *r = c->releases;
        if (!r || r->commit > durable) {
            core_unlock(c);
            return;
        }
        c->releases = r->next;
        if (!c->releases) c->releases_last = &c->releases;
        core_unlock(c);
        if (unlink(r->path) && errno != ENOENT && errno != EROFS && errno != EACCES)
            log_warn("cannot remove %s: %s", r->path, strerror(errno));
        mem_free(r);
    }
}

static void commit_when_due(core *c, int64_t now) {
    bool soon = c->commit_soon && now - c->commit_ns >= COMMIT_NS / 20;
    bool due = soon || now - c->commit_ns >= COMMIT_NS || c->points_uncommitted > 2000000;
    if (due) {
        c->commit_ns = now;
        engine_lock(c);
        if (c->rows_dirty || store_dirty(c->store) || runs_dirty(c)) core_commit(c);
        core_unlock(c);
    }
    releases_run(c);
}

// --- the engine ---------------------------------------------------------------------------------

static void drain_bells(core *c) {
    uint8_t bytes[4096];
    while (c->wake_fifo >= 0 && read(c->wake_fifo, bytes, sizeof bytes) > 0)
        c->rang = true;
    while (read(c->bell, bytes, 8) > 0) {
    }
}

static void engine_sleep(core *c, int timeout_ms) {
    struct pollfd wait[2] = {{.fd = c->bell, .events = POLLIN},
                             {.fd = c->wake_fifo, .events = POLLIN}};
    poll(wait, 2, timeout_ms);
    drain_bells(c);
}

// Only this server writes for it, and would have said so. (Looked at once a second all the same.)
static bool http_is_idle(const process *p) {
    return p->http && p->open && p->drained && !p->told && !p->closed;
}

// Takes in what active processes have; a megabyte of one, then the next. True: there is more.
static bool take_in(core *c, bool look) {
    bool more = false;
    engine_lock(c);
    run *r = c->active;
    while (r) {
        run *next = r->next_active;
        for (size_t i = 0; i < r->process_count; i++) {
            process *p = r->processes[i];
            if (p->state == PROC_OVER || p->newer || (!look && http_is_idle(p))) continue;
            p->told = false;
            core_unlock(c); // processes and active runs go away on this thread only
            more |= ingest_process(c, p);
            engine_lock(c);
        }
        run_update_state(c, r);
        r = next;
    }
    core_unlock(c);
    return more;
}

static void tick(core *c) {
    steer_tick(c, clock_mono_ns());
}

static void finish_pass(core *c) {
    void (*const parts[])(core *) = {hub_pass, tick, viewers_notify};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        engine_lock(c);
        parts[i](c);
        core_unlock(c);
    }
}

static bool engine_pass(core *c) {
    int64_t now = clock_mono_ns();
    bool look = now - c->look_ns >= LOOK_NS;
    if (look) {
        c->look_ns = now;
        scan_all(c);
    } else {
        scan_new(c);
    }
    engine_tasks(c);
    bool more = take_in(c, look);
    if (now - c->alive_ns >= ALIVE_NS) {
        c->alive_ns = now;
        liveness_look(c);
    } else {
        liveness_closed(c);
    }
    if (now - c->outputs_ns >= NS_PER_S / 5) {
        c->outputs_ns = now;
        outputs_look(c);
    }
    commit_when_due(c, clock_mono_ns());
    finish_pass(c);
    if (c->give_back_ns && now > c->give_back_ns) {
        c->give_back_ns = 0;
        mem_give_back();
    }
    return more;
}

static int engine_timeout_ms(core *c, bool more) {
    if (more) return 0;
    core_lock(c);
    bool busy = c->active || c->releases || c->waiters;
    bool live = c->hub_due && c->channels;
    bool soon = live || c->commit_soon || c->viewers;
    core_unlock(c);
    return live ? 8 : soon ? 50 : busy ? 100 : 1000;
}

static void *engine(void *context) {
    core *c = context;
    bool more = true;
    while (!atomic_load(&c->ending)) {
        engine_sleep(c, engine_timeout_ms(c, more));
        more = engine_pass(c);
    }
    while (engine_pass(c)) {
    }
    return NULL;
}

// --- open and close -----------------------------------------------------------------------------

// What DIR/server.json says about the server that holds the directory.
static char *holder(core *c, int pid) {
    char path[PATH_CAP], text[512];
    buf content = {0};
    const char *url = NULL;
    json_t *json = NULL;
    if (!file_path(path, "%s/server.json", c->dir) && !file_read(path, 65536, &content))
        json = json_loadb((char *)content.data, content.length, 0, NULL);
    url = json_string_value(json_object_get(json, "url"));
    snprintf(text, sizeof text, "a server (process %d%s%s) holds %.300s", pid, url ? ", " : "",
             url ? url : "", c->dir);
    json_decref(json);
    buf_fini(&content);
    return mem_text(text, strlen(text));
}

static int hold_directory(core *c, char **error) {
    char path[PATH_CAP];
    int result = file_path(path, "%s/server.lock", c->dir);
    if (result) return result;
    c->lock_fd = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (c->lock_fd < 0) return error_from_errno(errno);
    result = file_lock(c->lock_fd);
    if (result == NNS_E_BUSY && error) *error = holder(c, file_locked_by(c->lock_fd));
    if (!result) orphans_begin(c);
    return result;
}

static int open_parts(core *c, char **error) {
    char path[PATH_CAP];
    int result = place_make(c->dir);
    if (!result) result = hold_directory(c, error);
    if (!result) result = file_path(path, "%s/store.db", c->dir);
    if (result) return result;
    store_options options = {
        .on_commit = on_commit, .context = c, .exclusive = file_remote(c->dir)};
    if (options.exclusive)
        log_info("%s is on a network file system: the store is held by this server alone", c->dir);
    result = store_open(&c->store, path, &options, error);
    if (result) return result;
    c->bell = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (c->bell < 0) return error_from_errno(errno);
    if (file_path(path, "%s/wake", c->dir)) return NNS_E_TOO_LARGE;
    c->wake_fifo = place_fifo(path);
    if (c->wake_fifo < 0)
        log_warn("no %s (%s): looking once a second", path, error_sentence(c->wake_fifo));
    result = store_reader_open(c->store, &c->engine_reader);
    if (!result) result = registry_load(c);
    return result;
}

static int start_threads(core *c) {
    int result = job_queue_open(&c->workers, c, WORKERS);
    if (!result) result = job_queue_open(&c->recorder, c, 1);
    if (!result) result = keeper_open(c);
    if (!result) orphans_submit(c);
    if (!result && pthread_create(&c->engine, NULL, engine, c)) result = NNS_E_NO_MEMORY;
    if (!result) c->engine_runs = true;
    if (!result) sweep_submit(c);
    return result;
}

int core_open(core **out, const core_options *options, char **error) {
    core *c = mem_new(sizeof *c);
    char *why = NULL;
    if (!c) return NNS_E_NO_MEMORY;
    *out = NULL;
    c->hooks = options->hooks;
    c->lost_ms = options->lost_ms > 0 ? options->lost_ms : LOST_MS;
    c->snapshot_bytes = options->snapshot_bytes ? options->snapshot_bytes : SNAPSHOT_BYTES_STANDARD;
    c->lock_fd = c->wake_fifo = c->bell = -1;
    c->rang = true;
    c->answers_last = &c->answers;
    c->releases_last = &c->releases;
    pthread_mutex_init(&c->lock, NULL);
    pthread_mutex_init(&c->answers_mutex, NULL);
    int result = file_path(c->dir, "%s", options->dir);
    if (!result) result = open_parts(c, &why);
    if (!result) result = start_threads(c);
    if (result) {
        char text[640];
        snprintf(text, sizeof text, "%.500s: %s", options->dir, error_sentence(result));
        if (error)
            *error = why ? why : mem_text(text, strlen(text));
        else
            mem_free(why);
        core_close(c);
        return result;
    }
    *out = c;
    return 0;
}

static void drop_answers(core *c) {
    while (c->answers) {
        job *j = c->answers;
        c->answers = j->next;
        job_free(j);
    }
}

void core_close(core *c) {
    if (!c) return;
    job_queue_close(&c->recorder); // what was asked to be recorded is in the journal now
    atomic_store(&c->ending, true);
    if (c->engine_runs) {
        core_ring(c);
        pthread_join(c->engine, NULL);
    }
    keeper_close(c);
    job_queue_close(&c->workers); // the engine was the last that gave them work
    deletes_fini(c);
    if (c->store) {
        core_lock(c);
        uint64_t last = core_commit(c);
        core_unlock(c);
        bool durable = store_wait(c->store, last, 10000) == 0;
        releases_run(c);
        if (durable && c->engine_runs) orphans_end(c);
    }
    looks_calls_end(c);
    pushes_fini(c);
    drop_answers(c);
    steer_fini(c);
    record_http_fini(c);
    hub_fini(c);
    keeper_free(c);
    if (c->engine_reader) store_reader_close(c->engine_reader);
    registry_fini(c);
    if (c->store) store_close(c->store);
    if (c->bell >= 0) close(c->bell);
    if (c->wake_fifo >= 0) close(c->wake_fifo);
    if (c->lock_fd >= 0) close(c->lock_fd);
    while (c->releases) {
        release *r = c->releases;
        c->releases = r->next;
        mem_free(r);
    }
    buf_fini(&c->scratch);
    pthread_mutex_destroy(&c->lock);
    pthread_mutex_destroy(&c->answers_mutex);
    mem_free(c);
}

store *core_store(core *c) {
    return c->store;
}

int core_put_token(core *c, const char *hash, const char *json) {
    core_lock(c);
    int result = store_put_token(c->store, hash, json);
    uint64_t number = result ? 0 : core_commit(c);
    core_unlock(c);
    return result ? result : store_wait(c->store, number, 5000);
}

static uint64_t file_bytes(const core *c, const char *name) {
    char path[PATH_CAP];
    struct stat st;
    return file_path(path, "%s/%s", c->dir, name) || stat(path, &st) ? 0 : (uint64_t)st.st_size;
}

void core_get_figures(core *c, core_figures *out) {
    core_lock(c);
    *out = c->figures;
    out->runs = c->run_count;
    for (const run *r = c->active; r; r = r->next_active)
        out->active++;
    core_unlock(c);
    out->store_bytes = file_bytes(c, "store.db") + file_bytes(c, "store.db-wal");
}
