// Runs in memory: the registry's structs. A run that is over keeps its row only; details (series, parameters,
// commands) are there from the first record of a process until the run is over.
#ifndef NNS_SERVER_RUN_H
#define NNS_SERVER_RUN_H

#include "inside.h"
#include "journal/inbox.h"
#include "journal/record.h"
#include "journal/salvage.h"
#include "journal/segment.h"

// --- series -------------------------------------------------------------------------------------

typedef struct point {
    int64_t step, time_ms;
    double value;
    uint32_t attempt;
} point;

// Points of a series that somebody watches, since somebody does: a ring over ordinals first..end.
typedef struct tap {
    point *ring;
    uint32_t capacity;         // power of two
    uint64_t first, end;       // ordinals kept
    uint64_t low;              // the lowest that some channel still wants
    int uses;
} tap;

typedef struct live_series {
    store_series *stored;
    char *name;
    uint8_t kind, direction;
    bool main;                 // feeds the run's sparkline
    bool begun;               // it has points; whoever watches is told when it gets them
    bool extra;                // not begun, tap, main or param: the slow path of ingest
    tap *tap;
    struct param *param;       // this is the series of its values
    uint64_t shown;            // grows when it should be shown anew
} live_series;

static inline void series_mind(live_series *s) {
    s->extra = !s->begun || s->tap || s->main || s->param;
}

// --- parameters ---------------------------------------------------------------------------------

typedef struct param {
    char *name, *unit, *description;
    char **choices;
    uint32_t choice_count;
    uint8_t type, flags;
    double min, max, value;
    char *text;                // value of a text parameter
    int64_t changed_step;      // -1: as declared
    char *changed_by;          // author, "program", or NULL
    bool dirty;                // row must be put
    uint64_t version;          // of the run's change counter when it last changed
} param;

// --- commands -----------------------------------------------------------------------------------

enum { ASKED = 0, APPLIED, REFUSED, EXPIRED };

typedef struct pending {       // a command of late
    uint64_t number;
    uint32_t verb;
    uint8_t state;
    int64_t step, asked_ms, applied_ms, argument;
    uint64_t undoes;           // command, 0 none
    char *author, *from;
    struct json_t *values;     // {NAME: {"from", "to"}} or NULL
    struct json_t *error;      // of a refusal: {"code", "message", ...} or NULL
    uint32_t *open;            // ordinals of processes that have not answered
    uint32_t open_count;
    bool restored;             // asked of a server before this one: `open` is not known
    bool event_written;
    uint64_t version;
} pending;

typedef struct waiter {        // somebody wants to know when a command took effect
    struct waiter *next;
    run *run;
    pending *command;
    int64_t deadline_ns;
    core_done done;
    void *context;
} waiter;

// --- processes ----------------------------------------------------------------------------------

enum { PROC_LIVE, PROC_FAR, PROC_GONE, PROC_OVER }; // FAR: cannot be checked from here; GONE: dead, rest not yet taken

typedef struct lane_state {    // how far a lane was taken, and what governs its next record
    uint32_t number;
    bool dirty;
    uint64_t next;             // sequence
    int64_t step, time_ms;
    uint32_t attempt;
    bool stepped, parked;
    bool adrift;               // behind a hole: to which step a value belongs is not known before the next STEP
    int64_t wall_ms;           // of a TIME record, 0 none
    store_group *group;
} lane_state;

typedef struct parked {        // records that use a series not declared yet
    struct parked *next;
    uint32_t lane;
    uint64_t first;
    int64_t since_ns, offset_ns;
    size_t bytes;
    uint8_t records[];
} parked;

typedef struct media_due {     // an IMAGE whose blob has still to be hashed and put away, or a CAPTURE
    struct media_due *next;
    live_series *series;       // of an image
    uint64_t blob;
    int64_t step, time_ms;
    uint32_t width, height, format;
    char caption[256];
    int capture;               // CAPTURE_LOOK ..., 0: an image
    uint32_t flags;            // of a capture
    uint32_t attempt;
    uint64_t number;           // push or command that a capture answers
    int64_t since_ns;
    bool busy;                 // a snapshot that the keeper has in hand (engine's own)
    int64_t busy_until_ns;     // 0: until he has it; else when it is given to him again
    bool over;                 // his row is put: no longer due, though still listed
} media_due;

typedef struct segment_file {
    uint32_t number;
    bool taken;                // read to its end
    bool leaving;              // its release is queued
    bool foreign;              // not a segment of this process: left alone
} segment_file;

typedef struct process {
    nns_id id;
    run *run;
    uint32_t ordinal;          // in the run, from 0
    uint32_t generation;       // run's when it came
    int state;
    _Atomic bool http, closed; // also set by other threads than the engine
    bool crashed, paused, newer, started;
    bool lost;                 // HTTP: silent for so long that it is taken for over
    bool told;                 // HTTP: something was written since the last look
    int status;                // of CLOSE
    alive_info info;
    int64_t heard_ms, paused_ns;
    _Atomic int64_t closed_ns; // when an HTTP process was ended
    int64_t wrote_ms;          // into its newest segment, itself, when another process was met; 0 unknown
    uint32_t share_ppm, helper_ppm, flags;
    uint64_t written, dropped, dropped_large, failed_bytes;

    // Journal (engine's own).
    segment_file *segments;    // on disk, ascending
    size_t segment_count;
    uint32_t reading;          // number of the segment being read, or last read; 0 none
    segment_reader reader;
    bool open, drained;        // drained: nothing more to read at the last look
    _Atomic bool salvaging, salvaged, ended; // ended: no alive file any more; also set by others
    _Atomic bool rescan;       // its directory must be listed once more
    int64_t missing_ns;        // since when there is no alive file, 0: there is one
    bool cursors_gone;         // over, files deleted, rows of cursors dropped

    lane_state **lanes;
    size_t lane_count;
    live_series **series;      // by series number
    uint32_t series_cap, series_end;
    param **params;            // by parameter number
    uint32_t param_cap, param_end;
    uint8_t *series_dirty, *params_dirty; // per 256 declarations: row must be put
    parked *parked, **parked_last;
    size_t parked_bytes;
    bool retry;                // a declaration came: try the parked again
    media_due *media, **media_last;
    uint64_t *blobs_done;      // numbers whose files may go with the next commit
    size_t blobs_done_count;
    bool state_dirty;

    inbox_writer inbox;
    bool inbox_open;
    int64_t watch_ns;          // when WATCH was last renewed
} process;

// --- runs ---------------------------------------------------------------------------------------

enum { RECENT_EVENTS = 256, RECENT_MEDIA = 64, SPARK = 64 };

typedef struct recent {        // a ring of JSON objects, by number
    char **text;
    uint64_t *number;
    uint32_t capacity;
    uint64_t count;            // ever pushed
} recent;

struct run {
    store_run row;
    run *next_active;
    bool is_active, loaded, newer, deleted, details_known;
    bool dirty;                // row must be put
    uint64_t version;          // grows with every change of what run objects show
    uint64_t change;           // counter of changes of details
    uint64_t params_version, commands_version, series_version;
    int64_t dir_mtime_ns;
    bool dir_fresh;            // changed too recently to trust its mtime
    int64_t succession_ns;     // since when a process in its directory waits for its predecessor's end; 0: none does
    int64_t changed_ns;

    process **processes;
    size_t process_count;
    uint32_t ordinals;         // processes ever
    uint32_t generation;
    int64_t generation_step;   // last step when the generation came
    bool generation_rewound, generation_stepped;
    uint32_t generation_attempt;
    int64_t *rewinds;          // wall ms of the start of attempt 1, 2, ...
    uint32_t rewind_count;

    live_series **series;
    size_t series_count, series_capacity;
    live_series **series_slot; // hash of names
    size_t slot_count;
    param **params;
    size_t param_count;
    pending **commands;        // ascending numbers
    size_t command_count;
    uint64_t next_event, next_command, next_media;
    recent events, media;
    struct network *network;   // network.h; NULL: nothing is known of one; while loaded
    struct json_t *facts;      // parsed row.facts, while loaded
    bool facts_dirty;
    size_t facts_bytes;        // taken in since it was loaded

    // What run objects show beside the row.
    live_series *main;
    int main_rank;
    double spark[SPARK], spark_sum;
    uint32_t spark_count, spark_have;
    uint64_t spark_stride;
    char *main_name;
    double main_last, main_best;
    double step_share, helper_share;
    uint64_t failed_bytes;
    uint8_t main_direction;    // of main_name, as kept
    int64_t rate_step, rate_ms, rate_paused_ms;
    bool rate_is_long;         // minutes from step to step
    double steps_per_s;
    bool wants_state;          // PATCH set a state: kept until a process speaks
    char *over_processes;      // JSON items of processes of the past, without brackets
    char *needs;               // version that is needed

    _Atomic uint32_t watchers; // viewers that watch or subscribe; the engine looks without the lock
    char out_process[27];      // whose captured output grew last, and how far
    int64_t out_size;
    buf json;                  // cached object of `json_version`
    uint64_t json_version;
};

// registry.c (lock held)
run *registry_find(core *c, const char *key);  // the key is valid
run *registry_named(core *c, const char *key); // any text; NULL: no run, or one that is being deleted
run *run_new(core *c, const char *key);
void run_touch(core *c, run *r);          // what run objects show changed
void run_remove(core *c, run *r);
void run_unload(core *c, run *r);         // drops details
int registry_load(core *c);               // at start: all rows
void registry_fini(core *c);
void run_activate(core *c, run *r);
void run_deactivate(core *c, run *r);
bool runs_dirty(const core *c);
void runs_put_dirty(core *c);             // rows of changed runs, before a commit
void run_put(core *c, run *r);            // its row now (gives it its id)
process *process_find(run *r, const char *id);
process *process_new(core *c, run *r, const char *id);
process *process_at(core *c, run *r, size_t i); // engine, no lock (others add at the end): NULL behind the last
void process_join(process *p);
void process_free(process *p);
void run_set_text(char **field, const char *text);

// run_series.c (lock held)
live_series *series_find(run *r, const char *name);
live_series *series_open(core *c, run *r, const char *name, int kind, const char *unit,
                         int direction);
param *param_find(run *r, const char *name, size_t bytes);
param *param_open(core *c, run *r, const char *name, size_t bytes);
void param_changed(run *r, param *q, int64_t step, const char *by);
void param_clear_choices(param *q);
void param_free(param *q);

// state.c (lock held)
void run_update_state(core *c, run *r);
void process_over(core *c, process *p);
void process_tire(core *c, process *p);            // over HTTP and silent for long: it ends, lost
void process_end_http(process *p, int status);     // what is under way is still taken
bool process_speaks(const process *p);    // may still say something
const char *state_word(int state);
int state_number(const char *word);       // -1 unknown
bool state_over(int state);

// run_json.c (lock held)
void run_json(run *r, buf *out, bool whole);
void run_extra(run *r);                   // row.extra from the fields, before the row is put
void run_extra_load(run *r);
void run_keep_processes(run *r);
void run_forget_past(run *r, const char *id);
void param_value_json(const param *q, double value, const char *text, buf *out);
void param_json(const param *q, buf *out);
void series_json(const store_series_info *info, buf *out);

// run_load.c: details of a run from the store. Engine thread, no lock while it reads.
int run_load(core *c, run *r);
double param_number(const param *q, const struct json_t *value); // NaN: none

// events.c (lock held)
void recent_push(recent *ring, uint32_t capacity, uint64_t number, char *text); // takes text
void recent_fini(recent *ring);
// An event of `r`; detail: JSON object (borrowed, may be NULL), `who` may be NULL. `number` of a command or 0.
void run_event(core *c, run *r, int type, int64_t step, int64_t time_ms, struct json_t *detail,
               const char *author, const char *from, uint64_t answers);

// spark.c
void spark_add(run *r, double value);
int main_rank_of(const char *name);

// ingest.c (engine)
bool ingest_process(core *c, process *p); // true: there is more
bool process_may_grow(const process *p);  // can anything more be written into its newest segment, or a first one?
// decode.c: one block's records into store and registry. Lock held, breathes. Bytes taken; less than
// `bytes` when a record uses a series that is not declared (force: such records are dropped).
size_t decode_records(core *c, process *p, lane_state *l, const uint8_t *at, size_t bytes,
                      int64_t offset_ns, bool force);
lane_state *lane_find(core *c, process *p, uint32_t number);
// decode_media.c: a record of what is no number, of a series of the kind that media_kind names (lock held)
int media_kind(uint32_t record_kind);
void media_take(core *c, process *p, const lane_state *l, live_series *s, uint32_t kind,
                const uint8_t *at);
struct json_t *text_json(const uint8_t *at, size_t bytes); // owned; what is not UTF-8 is mended
// decode_declare.c (lock held): what a number means for a process, from a record or from its cursor
void declare_series(core *c, process *p, uint32_t a, const uint8_t *at);
void declare_param(core *c, process *p, uint32_t a, const uint8_t *at);
void declare_param_text(process *p, uint32_t a, const uint8_t *at, int64_t step);
void process_declare_series(process *p, uint32_t number, live_series *s);
void process_declare_param(process *p, uint32_t number, param *q);
bool name_text(char out[SERIES_NAME_MAX + 1], const uint8_t *at, size_t bytes); // bytes -> a text without zeros; false: not usable
// cursor.c
void cursors_put(core *c, process *p);    // lock held, before a commit
int cursors_load(core *c, process *p);    // engine, lock held
// attempt.c
void run_rewind_add(run *r, int64_t time_ms);
uint32_t attempt_of(run *r, process *p, const lane_state *l, int64_t step, int64_t time_ms);
// blob.c (engine, no lock)
void blobs_put_away(core *c, process *p, bool last_chance);
void blobs_release(core *c, process *p, uint64_t commit); // lock held
void blob_due(core *c, process *p, const media_due *due);  // lock held
void blob_done(process *p, uint64_t number); // lock held: its file may go with the next commit
int blob_path(const core *c, const char *hash, char out[PATH_CAP]);
// media.c (lock held)
void media_put(core *c, run *r, live_series *s, int64_t step, int64_t time_ms, const char *hash,
               struct json_t *data);

// scan.c (engine)
void scan_all(core *c);                   // every run's directory that changed
void scan_new(core *c);                   // runs that are new, active runs
void process_release(core *c, process *p, uint64_t commit); // lock held: files that may go when `commit` is durable
void file_release(core *c, const char *path, uint64_t commit); // lock held
// liveness.c (engine)
void liveness_look(core *c);
void liveness_closed(core *c);            // those that may be over by now

// command.c (lock held)
pending *command_find(run *r, uint64_t number);
pending *command_add(run *r, uint64_t number); // NULL: out of memory
void command_changed(core *c, run *r, pending *m); // its row is put, viewers will see
void command_json(const pending *m, buf *out);
pending *command_of_json(const struct json_t *json); // as read back from the store
void pending_free(pending *m);

// steer.c (lock held)
void steer_reply(core *c, process *p, uint64_t number, int state, int64_t step, int64_t time_ms,
                 const char *text, size_t bytes);
void steer_process_gone(core *c, process *p);
void steer_run_gone(core *c, run *r);     // its details go: whoever waits is answered
void steer_tick(core *c, int64_t now_ns); // waits that ran out, leases of WATCH
void steer_fini(core *c);
void run_watch_lease(core *c, run *r);    // somebody looks: the processes drain often

process *run_speaker(const run *r);       // the steerable process of lowest rank, or NULL
bool process_send(core *c, process *p, const buf *records); // into its inbox

// steer_value.c (lock held): checks what a person wants to set. NULL and an error in `reply`, or owned
// {NAME: {"from", "to"}}; *out gets the values as the inbox wants them, borrowing from it and from the params.
struct json_t *steer_values(run *r, const struct json_t *wanted,
                            command_value out[COMMAND_VALUES_MAX], uint16_t *count,
                            core_reply *reply);
struct json_t *param_value(const param *q); // owned

// runs.c (lock held)
bool run_check_members(const struct json_t *json, core_reply *reply); // name, project, group, notes, tags
void run_set_members(run *r, const struct json_t *json);
// log_file.c (no lock)
typedef struct log_piece {
    char process[27];      // empty: the newest; filled in
    int64_t offset;        // where to begin (negative: from the end); where `text` begins
    int64_t size, gap[2];  // of the file; of what was left out of it, both `size` when nothing was
    buf text;              // owned
} log_piece;
int log_read(const char *folder, size_t limit, log_piece *p);
int log_size(const char *folder, char proc[27], int64_t *size); // of the newest output
void log_json(const log_piece *p, buf *out);
// delete.c (engine)
void engine_tasks(core *c);
void deletes_fini(core *c);
void remove_folder(core *c, const char *key); // RUN.deleted; any thread
// sweep.c
void sweep_submit(core *c);
// orphan.c
void orphans_begin(core *c);  // the directory is held
void orphans_submit(core *c); // before the first snapshot or image
void orphans_end(core *c);    // all is durable
// record_http.c
void record_http_fini(core *c);
void record_http_ended(core *c, const run *r); // lock held: a process of it was ended, its writer may go

// hub.c (lock held)
void hub_fini(core *c);
void hub_series_new(core *c, run *r, live_series *s);
void hub_run_gone(core *c, run *r);       // details are dropped: channels let go of their series
void hub_pass(core *c);
void tap_push(live_series *s, const lane_state *l, double value);
void viewers_notify(core *c);
void outputs_look(core *c);               // engine, no lock
void viewers_run_gone(core *c, const char *key);

#endif
