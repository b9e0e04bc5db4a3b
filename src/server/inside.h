// The inside of the core, shared by its units. Who may touch what:
//
//   lock      everything in `core`, runs, processes, channels, viewers, unless said otherwise; also the calls that
//             the store wants from its one owner: whoever holds the lock is the owner
//   engine    the engine thread alone, no lock: segment readers, scan memory
//   own lock  job queues and the list of due answers
#ifndef NNS_SERVER_INSIDE_H
#define NNS_SERVER_INSIDE_H

#include "base/error.h"
#include "base/file.h"
#include "base/id.h"
#include "base/mem.h"
#include "core.h"
#include "frame.h"
#include "store/store.h"

#include <pthread.h>
#include <stdatomic.h>

typedef struct run run;
typedef struct process process;
typedef struct channel channel;

enum {
#define X(name, number, word, over, sentence) STATE_##name = number,
#include "store/state.def"
#undef X
};

// --- jobs (job.c): work on other threads -----------------------------------------------------

// Embedded as the first member of what a job needs; freed by mem_free after `done` and `fini`.
typedef struct job {
    struct job *next;
    void (*work)(core *c, struct job *j, store_reader *reader); // on a worker, without the lock; fills reply
    void (*fini)(struct job *j);  // frees what hangs on it; may be NULL
    core_done done;               // on the net thread, from core_poll; NULL: no answer is wanted
    void *context;
    core_reply reply;
} job;

typedef struct job_queue {
    core *core;
    pthread_mutex_t mutex;
    pthread_cond_t more;
    job *first, **last;
    bool ending;
    int thread_count;
    pthread_t threads[4];
} job_queue;

int job_queue_open(job_queue *q, core *c, int threads);
void job_queue_close(job_queue *q); // finishes what is queued
void job_submit(job_queue *q, job *j);
void job_answer(core *c, job *j);   // its reply is complete: core_poll calls done
void job_free(job *j);
// An answer that is ready at once, still given by core_poll.
void answer_later(core *c, core_reply *reply, core_done done, void *context);

// --- the core ----------------------------------------------------------------------------------

enum { WORKERS = 2 };
enum { RUNS_MAX = 1 << 20, VIEWERS_MAX = 2000 };

typedef struct release { // a file that may go once `commit` is durable
    struct release *next;
    uint64_t commit;
    char path[];
} release;

typedef struct run_table { // open addressing over the runs' keys
    run **slot;
    size_t capacity, count;
} run_table;

struct core {
    char dir[PATH_CAP];
    core_hooks hooks;
    int64_t lost_ms;            // of core_options
    uint64_t snapshot_bytes;    // that a run may keep, of core_options
    store *store;
    int lock_fd;                // DIR/server.lock, held
    pthread_mutex_t lock;
    _Atomic int waiting;        // threads that want the lock: the engine steps aside
    _Atomic bool ending;
    _Atomic bool seeks_orphans; // images wait
    bool may_have_orphans;      // orphan.c: start, keeper, end

    // Registry.
    run_table table;
    run **runs;                 // in order of creation
    size_t run_count, run_capacity;
    _Atomic(run *) active;      // runs with processes that are not over (run->next_active)
    uint64_t runs_version;      // grows when any run object changes
    bool rows_dirty;            // rows put since the last commit: readers of rows commit first
    uint64_t last_commit;
    bool commit_soon;           // something a person did: durable before the second is over
    struct waiter *waiters;     // who waits for commands

    // Threads.
    pthread_t engine;
    bool engine_runs;
    int wake_fifo, bell;        // FIFO of the data directory; eventfd for our own threads
    job_queue workers;          // queries, salvage, deletes
    job_queue recorder;         // one thread: points over HTTP, in order
    pthread_mutex_t answers_mutex;
    job *answers, **answers_last;

    // Engine's own.
    store_reader *engine_reader;
    int64_t look_ns, commit_ns, alive_ns; // last time of each
    int64_t give_back_ns;       // when memory of runs that came to rest goes back to the system; 0: there is none
    int64_t slice_ns;           // since when the engine holds the lock
    int64_t runs_mtime_ns;      // of DIR/runs when last read
    bool rang;                  // a probe did since the last look at every run
    unsigned looks;
    release *releases, **releases_last; // under the lock
    uint64_t points_uncommitted;
    buf scratch;

    // Live.
    struct viewer *viewers;     // all
    struct viewer *ready;       // those with something to fetch
    channel *channels;          // all
    void *columns_room;         // hub.c's
    struct looking *all_looks;     // look.c
    struct push *pushes;        // push.c
    uint64_t next_push;
    struct keeper *keeper;      // keep.c
    frame *runs_frame;          // the last message of runs, and between which versions it goes
    uint64_t runs_frame_from, runs_frame_to;
    int64_t outputs_ns;
    bool hub_due;               // something arrived since the last pass of the hub
    struct delete_job *deletes; // for the engine
    struct http_run *http_runs; // recorder's own (record_http.c)
    core_figures figures;
};

#define NNS_SERVER_VERSION "0.1.0"

void core_lock(core *c);
void core_unlock(core *c);
// Engine, holding the lock: lets others in once it was held for 0.2 ms. True when it did.
bool core_breathe(core *c);
void core_ring(core *c);        // wakes the engine
uint64_t core_commit(core *c);  // lock held: cursors, rows, points of this moment -> commit number
// No lock held: everything put so far is durable and visible to readers of rows (at most 5 s).
void core_settle(core *c);

// --- replies (reply.c) -------------------------------------------------------------------------

void reply_error(core_reply *r, int status, const char *code, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
void reply_json(core_reply *r, int status); // body is there: sets status, checks memory
void json_time(buf *out, int64_t wall_ms);  // "2026-01-02T03:04:05.678Z", or null for 0
void json_text(buf *out, const char *text); // quoted; null for NULL
void json_float(buf *out, float v);         // the shortest text that reads back as the same float (points_text.c)
// The object `json` holds, or NULL with a 400 in `r` that says where it is wrong, or a 422 that names a member which `shape`
// (of shape.def) lacks.
struct json_t *reply_parse(core_reply *r, const char *shape, const char *json, size_t bytes);
void json_print(const struct json_t *value, buf *out); // compact, with the shortest exact numbers; null for NULL
char *json_printed(const struct json_t *value);         // the same as an owned text; NULL without memory or value

#endif
