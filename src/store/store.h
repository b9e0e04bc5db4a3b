// The store: runs, their points, and what happened to them; usable alone (no server, no journal).
//
// Threads. One thread, the owner, calls store_append and all store_put_*; these only touch memory. A writer thread
// inside the store commits what gathered (store_commit, once a second by the owner), so the owner never
// waits for the disk. Any thread reads through a store_reader of its own and sees everything appended
// so far, committed or not (points), or everything committed (rows: after store_flush everything put).
//
// Full. What is appended and put but not durable yet is bounded (64 MiB of points): above it store_append and store_put_*
// return NNS_E_AGAIN and change nothing; commit, wait (store_wait) and call again.
//
// Points. A series belongs to a run; a point is (attempt, step, time_ms, value). Points keep arrival order; `ordinal`
// counts them from 0. Pyramid: base 64 points a bucket, fan-out 16 (64, 1024, 16384, ...). Format: see chunk.c,
// pyramid.c, sqlite.c.
#ifndef NNS_STORE_STORE_H
#define NNS_STORE_STORE_H

#include "base/buf.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct store store;
typedef struct store_reader store_reader;
typedef struct store_series store_series; // a series being written: head, open chunk, open pyramid levels
typedef struct store_group store_group;   // a lane: the series written together, sharing time columns

typedef struct store_options {
    bool read_only;        // no writer; open beside a server (28)
    bool exclusive;        // network file system: no shared memory
    int64_t chunk_points;  // default 1024; tests use 1
    void (*on_commit)(void *context, uint64_t commit, int result); // from the writer thread
    void *context;
} store_options;

// One process at a time writes (the server's lock sees to it); any number read beside it with read_only, and see what was
// there when they opened.
// Opens or makes the database file at `path` (or "postgresql://..." later). *error: text, owned by the caller (mem_free).
int store_open(store **s, const char *path, const store_options *options, char **error);
void store_close(store *s); // commits first
const char *store_error(store *s);

// --- writing, owner only -------------------------------------------------------------------

typedef int64_t store_id; // row id; 0 none

typedef struct store_run {
    store_id id;
    char key[27];          // run id, 26 characters
    char *name, *project, *group; // owned by whoever filled the struct (store_run_fini)
    char *tags;            // JSON array of texts
    char *notes;
    char *facts;           // JSON object
    int state;             // an index of run states, state.def
    int64_t created_ms, started_ms, ended_ms; // 0: not yet
    int64_t last_step;     // -1 none
    int64_t heard_ms;
    int64_t attempt;       // current, from 0
    double epoch;
    int64_t total_steps, paused_ms;
    int exit_status;
    bool archived;
    uint64_t points, bytes, dropped;
    char *extra;           // JSON object: whatever the server keeps beside (shares, failed bytes)
} store_run;
void store_run_fini(store_run *r);

// Inserts (id 0, gives it) or updates the run's row. Copies.
int store_put_run(store *s, store_run *r);
int store_delete_run(store *s, store_id run); // its points, rows; space is really freed

// The series `name` of `run`, opened for writing; made when missing. Same pointer for the same name.
typedef struct store_series_info {
    store_id id;
    char *name, *unit;     // owned by whoever filled the struct
    int kind;              // as in journal/record.h
    int direction;         // 0 neither, 1 lower, 2 higher is better
    uint64_t points;
    int64_t first_step, last_step, last_time_ms;
    double last, min, max, best; // of finite values, current attempt; NaN when none
    int64_t best_step;
    uint64_t nonfinite;
} store_series_info;
store_series *store_series_open(store *s, store_id run, const char *name, int kind,
                                const char *unit, int direction);
void store_series_get(store_series *series, store_series_info *info); // name, unit borrowed
// Ends writing to all series and groups of a run: their pointers are invalid from here on (open them again to go on).
// Takes effect with the next store_commit; the run's chunks are then rewritten in series order in the background.
// Also right for a run that another process left open.
int store_run_end(store *s, store_id run);

// NULL: out of memory, or read only. A lane of one run: one attempt at a time; kept until store_run_end.
store_group *store_group_open(store *s, store_id run, uint32_t lane);
// What follows in this group belongs to this step. O(1).
void store_step(store_group *g, int64_t attempt, int64_t step, int64_t time_ms);
// Half of what may be pending is: a good moment to commit, and to take nothing more before a commit is durable.
bool store_full(store *s);

// A value at the group's step; the series is of the group's run. About 20 ns. Memory of a live series: head 16 to 1024
// points of 8 bytes (24 when it has its own steps), and 64 bytes for each of at most 256 open buckets of up to 5
// pyramid levels: typically 8 + 10 kB, at most 24 + 80 kB.
int store_append(store_group *g, store_series *series, double value);

// Rows of a run. `number` orders them. JSON texts are copied.
int store_put_event(store *s, store_id run, int64_t number, int64_t step, int64_t time_ms, int type,
                    const char *json);
int store_put_media(store *s, store_id run, store_id series, int64_t step, int64_t time_ms,
                    int kind, const char *hash, const char *json, const void *data,
                    size_t bytes); // small data inline, large by hash
int store_put_param(store *s, store_id run, const char *name, const char *json); // the latest declaration and value
int store_put_command(store *s, store_id run, int64_t number, const char *json); // inserts or replaces
int store_put_document(store *s, store_id run, const char *name, const char *json); // inserts or replaces

// What the network looked like at a step: a file named by `hash`, made on top of that of snapshot `base` (0: by itself) in a
// chain of `depth` others. Rows only: the files are the caller's.
typedef struct store_snapshot {
    store_id id, base;
    int64_t attempt, step, time_ms;
    uint32_t flags, depth;
    uint64_t bytes;        // of the file
    char hash[65];
} store_snapshot;
int store_put_snapshot(store *s, store_id run, store_snapshot *row); // inserts (id 0, gives it) or replaces
int store_drop_snapshot(store *s, store_id id);
int store_put_audit(store *s, int64_t time_ms, const char *json);
int store_put_token(store *s, const char *hash, const char *json); // json NULL: deletes
// How far each lane of each process was taken (exactly once: same transaction as the points).
int store_put_cursor(store *s, store_id run, const char *process, uint32_t lane,
                     uint64_t next_sequence, const void *state, size_t bytes);
int store_drop_cursors(store *s, store_id run, const char *process);

// Seals what gathered and hands it to the writer thread: -> number of the commit (ascending). on_commit tells when it is durable.
// 0: out of memory, nothing was sealed: try again. A commit that fails (disk full) is told by on_commit and tried again each
// second; later ones wait behind it.
uint64_t store_commit(store *s);
bool store_dirty(store *s);           // something put or appended since the last store_commit
uint64_t store_committed(store *s);   // number of the last durable commit; any thread

// Any thread: waits until commit `number` is durable or `timeout_ms` has passed (NNS_E_TIMEOUT).
int store_wait(store *s, uint64_t number, int64_t timeout_ms);

// Any thread: waits until the writer has neither commits nor background work (rewriting, purging, giving space back).
int store_settle(store *s, int64_t timeout_ms);

// --- reading, any thread, one reader each ---------------------------------------------------

int store_reader_open(store *s, store_reader **r);
void store_reader_close(store_reader *r);

typedef enum store_axis { STORE_AXIS_STEP = 0, STORE_AXIS_TIME = 1 } store_axis;

typedef struct store_query {
    store_id run;
    const char *series;    // name
    store_axis axis;
    int64_t from, to;      // steps or milliseconds; to exclusive; INT64_MIN / INT64_MAX open
    uint32_t buckets;      // 0: every point
    bool all_attempts;     // false: the current course (overtaken points left out)
} store_query;

// Columns of a result, owned by it. raw: every point (value only). Otherwise buckets of equal width of the
// axis, those without points left out, beginning at `from` (open: at the first point in range). Rows are in order of
// arrival (raw) or ascending (buckets). mean is over the finite values, each limited to the range of float; min and max
// leave NaN out and keep infinities. A pyramid bucket that lies across a border counts where it begins (query.c, 1).
typedef struct store_columns {
    bool raw;
    size_t rows;
    int64_t *step;         // raw: the point's; bucket: the lowest (the first point's, unless lanes were mixed)
    int64_t *time_ms;      // likewise
    int64_t *step_last;    // buckets only: the highest step
    double *value;         // raw only
    float *min, *max, *mean, *last; // buckets only; min, max rounded outward
    uint32_t *count, *nonfinite;    // buckets only; count includes the nonfinite
    uint64_t ordinal;      // raw: of the first point
    uint64_t total;        // points of the series at the moment of the query
    int64_t bucket_width;  // in units of the axis; 0 when raw
    uint64_t *attempt;     // with all_attempts only (buckets are then kept apart by attempt), else NULL
} store_columns;
void store_columns_fini(store_columns *c);

// Raw points when there are no more than `buckets`, else at most `buckets` buckets. Time proportional to buckets, never
// to the length of the series. NNS_E_NOT_FOUND: no such series.
int store_points(store_reader *r, const store_query *q, store_columns *out);

// Raw points with ordinals from..to (exclusive), for streaming exports and live catch-up.
int store_points_by_ordinal(store_reader *r, store_id run, const char *series, uint64_t from,
                            uint64_t to, store_columns *out);

int store_list_runs(store_reader *r, int (*each)(void *context, const store_run *run),
                    void *context);
int store_list_series(store_reader *r, store_id run,
                      int (*each)(void *context, const store_series_info *info), void *context);
typedef struct store_row {
    int64_t number, step, time_ms;
    int kind;              // event type, media kind
    store_id series;
    const char *name;      // parameter, token hash, process, media's series name
    const char *json, *hash;
    const void *data;
    size_t bytes;
    uint32_t lane;
    uint64_t sequence;
} store_row;
typedef int (*store_each)(void *context, const store_row *row); // non-zero stops; all borrowed during the call
int store_list_events(store_reader *r, store_id run, int64_t from_number, size_t limit,
                      store_each each, void *context);
int store_list_media(store_reader *r, store_id run, const char *series, int64_t from_step,
                     int64_t to_step, size_t limit, store_each each,
                     void *context); // newest `limit` in ascending order
int store_list_params(store_reader *r, store_id run, store_each each, void *context);
int store_list_commands(store_reader *r, store_id run, int64_t from_number, size_t limit,
                        store_each each, void *context);
int store_get_document(store_reader *r, store_id run, const char *name, buf *out); // appends; NNS_E_NOT_FOUND

// Snapshots. list: from <= step < to in ascending order of steps, `all_attempts` also those overtaken; limit 0: all of them.
typedef int (*store_each_snapshot)(void *context, const store_snapshot *row); // non-zero stops
int store_list_snapshots(store_reader *r, store_id run, int64_t from, int64_t to, bool all_attempts,
                         size_t limit, store_each_snapshot each, void *context);
int store_all_snapshots(store_reader *r, store_id run, store_each_snapshot each, void *context); // as they came
int store_snapshot_at(store_reader *r, store_id run, int64_t step, store_snapshot *out); // nearest at or before, of the current course
int store_snapshot_get(store_reader *r, store_id run, store_id id, store_snapshot *out);
int store_snapshot_last(store_reader *r, store_id run, store_snapshot *out);             // the one that came last; all NNS_E_NOT_FOUND
typedef struct store_snapshots {
    uint64_t count, bytes; // of all
    double per_hour;       // bytes, as the last 64 came; 0 unknown
} store_snapshots;
int store_snapshots_sum(store_reader *r, store_id run, store_snapshots *out);

int store_list_audit(store_reader *r, int64_t from_number, size_t limit, store_each each,
                     void *context);
int store_list_tokens(store_reader *r, store_each each, void *context);
int store_list_files(store_reader *r, store_each each, void *context); // row->hash of all media and snapshots, no order
int store_list_cursors(store_reader *r, store_id run, store_each each, void *context);

#endif
