// Insides of the store, shared by the files of this folder.
//
// Who may touch what:
//   owner    the thread that appends: heads, groups, blocks in the making, the open commit
//   writer   the store's own thread: sealed commits, pyramids, the writing connection
//   readers  under `lock`, for a short time: copy heads, take counts on cuts
// The owner changes the shape of a head (cut, grow, convert) only under `lock`; a new point of a head is published by the
// release store of `count`, without the lock.
#ifndef NNS_STORE_INTERNAL_H
#define NNS_STORE_INTERNAL_H

#include "codec.h"
#include "db.h"
#include "pyramid.h"
#include "store.h"

#include "base/error.h"
#include "base/mem.h"

#include <pthread.h>
#include <stdatomic.h>

#define STORE_PENDING_BYTES ((size_t)64 << 20) // cut or put, not yet durable: above it NNS_E_AGAIN
#define STORE_LOG_BYTES ((size_t)1 << 20)      // log above which it is written anew, smaller
#define RUN_BUCKETS 256u

typedef struct live_run live_run;
typedef struct cut cut;
typedef struct commit commit;

// What is known of a series' points; a copy.
typedef struct stats {
    uint64_t nonfinite;
    int64_t attempt, first_step, last_step, last_time_ms;
    int64_t step_min, step_max, time_min, time_max; // of all attempts
    int64_t best_step;
    double last, min, max, best;
} stats;
#define STATS_BYTES (14 * 8)

void stats_clear(stats *t);
void stats_pack(const stats *t, uint8_t out[STATS_BYTES]);
void stats_unpack(stats *t, const void *data, size_t bytes); // clears when it is not whole

// The same, written by the owner and read by anybody: each field by itself is whole.
typedef struct live_stats {
    _Atomic uint64_t nonfinite;
    _Atomic int64_t attempt, first_step, last_step, last_time_ms;
    _Atomic int64_t step_min, step_max, time_min, time_max;
    _Atomic int64_t best_step;
    _Atomic double last, min, max, best;
} live_stats;
void stats_copy(const live_stats *from, stats *to);
void stats_set(live_stats *to, const stats *from);
void stats_note(live_stats *t, int direction, bool first, int64_t attempt, int64_t step,
                int64_t time_ms, double value);

// Rows of a lane, shared by the series that were logged on each of them. All of one attempt.
typedef struct axis_block {
    atomic_int uses;
    store_id id, run;
    _Atomic uint32_t rows;
    uint32_t capacity;
    uint32_t logged; // rows that the log has
    uint32_t chunks; // cut from it: then it is stored
    bool packed;     // the writer's progress
    int64_t *step, *time_ms;
    store_series *members;   // dense heads in it
    struct axis_block *next; // in a commit
} axis_block;
void block_release(axis_block *b);

// A series open for writing. Its head is dense (block: the rows first .. first + count of that block) or carries steps and
// times itself.
struct store_series {
    store *s;
    live_run *run;
    atomic_int uses; // 1 by the table of live series, 1 by each cut
    store_id id;
    char *name, *unit;
    int kind, direction;
    bool closing; // ended; goes away with its last commit

    uint64_t ordinal; // of the head's first point
    _Atomic uint32_t count;
    uint32_t capacity;
    int64_t attempt;
    axis_block *block;
    uint32_t first;
    double *value;
    int64_t *step, *time_ms;
    store_series *next_member, *previous_member;

    uint64_t logged; // ordinals below are in chunks or in the log
    bool dirty;
    store_series *next_dirty;
    const store_group *last_group; // where the last point came from, and
    uint64_t last_row, streak;     // how many rows in a row, to become dense again

    live_stats stats;
    cut *cuts, *last_cut; // not yet durable, by ordinal
    store_series *next;   // in the run's table
    store_series *next_live;

    pyramid *pyramid; // the writer's
    uint64_t
        stored; // points in durable chunks when it was opened: the pyramid is rebuilt from them
};

// A chunk on its way to the database: immutable, counted.
struct cut {
    atomic_int uses;
    store_series *series;
    uint64_t ordinal;
    uint32_t count;
    int64_t attempt;
    axis_block *block;
    uint32_t first;
    double *value;
    int64_t *step, *time_ms;
    stats stats; // after its last point
    const commit *in;
    bool superseded; // the same commit has a later one of the series
    uint32_t folded; // the writer's progress
    bool packed;
    cut *next, *next_of_series;
};
const int64_t *cut_step(const cut *c);
const int64_t *cut_time(const cut *c);
void cut_release(cut *c);

typedef struct attempt_row {
    int64_t number, first_step;
    bool dirty;
} attempt_row;

struct live_run {
    store_id id;
    attempt_row *attempts; // ascending
    size_t attempt_count, attempt_capacity;
    bool attempts_dirty;
    store_series **table;
    size_t table_size, series_count;
    store_series *series; // all, newest first
    store_group *groups;
    int pins; // the owner is about to add something
    live_run *next;
};

struct store_group {
    store *s;
    live_run *run;
    uint32_t lane;
    axis_block *block;
    uint32_t row; // of the open row in the block
    bool row_open;
    bool noted; // the attempt's first step is known to the run
    int64_t attempt, step, time_ms;
    int64_t block_attempt, seen_attempt, seen_first;
    uint64_t rows; // taken so far
    store_group *next;
};

typedef struct piece {
    store_id series; // the run for an axis
    int level;       // 0 chunk, 1 .. pyramid, -1 axis
    uint64_t ordinal, count;
    int64_t attempt;
    store_id axis;
    uint32_t first;
    size_t offset, bytes; // in the commit's blobs
} piece;

// What one transaction makes durable.
struct commit {
    commit *next;
    uint64_t number;
    buf rows; // put statements (rows.c)
    cut *cuts, *cuts_tail;
    axis_block *blocks;
    store_series **ended; // counted
    size_t ended_count, ended_capacity;
    buf log;
    bool log_anew; // the log's row replaces all earlier ones
    size_t bytes;
    bool full; // has anything
    bool jobs; // leaves background work
    // made by the writer
    piece *pieces;
    size_t piece_count, piece_capacity;
    buf blobs;
    size_t ends_done;
    bool log_packed;
};

struct store {
    store_options options;
    char *path;
    db *db;                  // the writer's connection
    pthread_mutex_t db_lock; // over each transaction of the writer; readers take it when exclusive
    codec *codec;            // the writer's
    store_reader *owner;     // the owner's own reader

    pthread_mutex_t lock;
    pthread_cond_t wake, done;
    pthread_t writer;
    bool has_writer, stop;
    live_run *runs[RUN_BUCKETS];
    commit *open, *queue, *queue_tail;
    uint64_t sealed; // number of the last sealed commit
    uint64_t committed;
    bool idle; // the writer has neither commits nor jobs
    pthread_mutex_t error_lock;
    char error[512], error_told[512];

    _Atomic size_t pending;
    store_series *dirty;
    bool log_force;
    size_t log_bytes, log_base; // since the last whole one; of that one
    store_id next_run, next_series, next_axis, next_media, next_snapshot;
    store_id next_piece, next_log; // the writer's
    bool jobs;                     // there may be some
    store_id job_run;              // being rewritten, and the piece last moved
    struct job_place {
        store_id series;
        int64_t level, ordinal;
    } job_place;
    bool vacuum; // free pages are to go
    int64_t free_pages;
};

void store_fail(store *s, const char *format, ...) __attribute__((format(printf, 2, 3)));

// --- run.c: live runs and series
live_run *run_find(store *s, store_id run);           // under lock
int run_open(store *s, store_id run, live_run **out); // owner; pinned until run_unpin
void run_unpin(store *s, live_run *r);
store_series *run_series(const live_run *r, const char *name, size_t length);
int run_add_series(live_run *r, store_series *series);     // under lock
void run_remove_series(live_run *r, store_series *series); // under lock
void run_free(store *s, live_run *r);                      // under lock; without series
int run_note_attempt(store *s, live_run *r, int64_t number, int64_t step, int64_t *first);
int run_copy_attempts(const live_run *r, attempt_row **out, size_t *count);

// --- series.c
store_series *series_new(store *s, live_run *r, store_id id, const char *name, size_t length,
                         int kind, const char *unit, int direction);
void series_release(store_series *series);
int series_cut(store_series *series,
               bool force);           // under lock: the head, dense or not, becomes a cut
int series_own(store_series *series); // under lock: dense to its own steps and times
int series_take(store_series *series, int64_t attempt, int64_t step, int64_t time_ms,
                double value);                                         // replay
void series_info(const store_series *series, store_series_info *info); // names borrowed
void stats_info(const stats *t, store_series_info *info);

// --- group.c
int group_close_block(store_group *g, bool force); // under lock

// --- commit.c
commit *commit_new(void);
void commit_free(commit *c);
int commit_end(commit *c, store_series *series); // owner

// --- log.c
enum { LOG_HEADER = 12, LOG_VERSION = 1, LOG_ROWS = 1, LOG_DENSE = 2, LOG_OWN = 3 };
#define LOG_MAX_BYTES (UINT32_C(1) << 31)
int log_build(store *s, buf *out, bool whole, size_t *bytes);
void log_built(store *s);
int log_pack(buf *log);

// --- log_replay.c
typedef struct replay replay;
int log_replay(store *s); // all rows
replay *replay_new(store *s);
int replay_row(replay *p, const uint8_t *data, size_t bytes); // NNS_E_CORRUPT: what could be read is taken
void replay_free(replay *p);

// --- writer.c
int writer_start(store *s);
void writer_stop(store *s);

// --- rows.c
int rows_put(store *s, db_statement statement, const db_value *values, int count);
int rows_run(db *d, const buf *rows);

// --- jobs.c
enum { JOB_REWRITE = 1, JOB_PURGE = 2 };
int jobs_slice(store *s, bool *more); // writer: one short piece of background work

// --- view.c: what a reader sees of a series at one moment
typedef struct segment { // consecutive points of one attempt
    uint64_t ordinal;
    uint32_t count;
    int64_t attempt;
    const int64_t *step, *time_ms;
    const double *value;
} segment;

typedef struct view {
    store_id series;
    uint64_t stored; // ordinals below are in the database
    uint64_t total;
    stats stats;
    attempt_row *attempts;
    size_t attempt_count;
    segment *segments; // from memory
    size_t segment_count;
    cut **cuts; // held
    size_t cut_count;
    int64_t *head; // copies of steps, times
    double *head_value;
} view;
int view_take(store_reader *r, store_id run, const char *name, view *v);
void view_drop(view *v);

// --- read.c
typedef struct axis_cache {
    store_id id;
    uint32_t rows;
    int64_t *step, *time_ms;
} axis_cache;
enum { AXIS_CACHE = 8 };

struct store_reader {
    store *s;
    db *db;
    codec *codec;
    bool shared; // the writer's connection (exclusive)
    int depth;   // of reader_begin
    axis_cache axes[AXIS_CACHE];
    unsigned axis_next;
    int64_t *step, *time_ms; // of the chunk being read
    double *value;
    uint32_t capacity;
};
int reader_begin(store_reader *r); // a snapshot
void reader_end(store_reader *r);
void reader_fini(store_reader *r); // its memory
// Columns of the chunk in the current row of `statement` (columns count, attempt, axis, first, data from `column` on).
int reader_chunk(store_reader *r, db_statement statement, int column, uint64_t ordinal,
                 segment *out);

// Goes over a series from the top of its pyramid down, in arrival order.
typedef enum take { TAKE_SKIP, TAKE_WHOLE, TAKE_FINER } take;
typedef struct walk {
    store_reader *r;
    const view *v;
    void *context;
    take (*judge)(void *context, const bucket *b, int level); // what to do with a bucket
    int (*whole)(void *context, const bucket *b, uint64_t ordinal);
    int (*points)(void *context, const segment *s); // judges by itself
} walk;
int walk_series(const walk *w, int top_level, uint64_t from, uint64_t to);
int walk_top(uint64_t points); // the highest level worth looking at

#endif
