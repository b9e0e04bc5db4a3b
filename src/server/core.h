// The core: everything the server knows and does, without a socket. The net side (loop.c, http.c, live.c)
// calls it; it never calls back except through the hooks below.
//
// Threads. The engine thread takes journals in (ingest.c), keeps the registry of runs (registry.c), drives
// the store, moves commands (steer.c), encodes live frames (hub.c). The net thread calls core_* functions;
// each takes the core's one lock for a short time (the engine holds it at most 0.25 ms at a stretch).
// Queries over points run on query worker threads (query.c), never under the lock.
#ifndef NNS_SERVER_CORE_H
#define NNS_SERVER_CORE_H

#include "base/buf.h"
#include "store/store.h"

#include <stdbool.h>
#include <stdint.h>

typedef struct core core;

typedef struct core_hooks {
    void *context;
    void (*wake)(void *context);                  // any thread: something for the net thread (frames, answers)
} core_hooks;

typedef struct core_options {
    const char *dir;   // data directory, made when missing
    core_hooks hooks;
    int64_t lost_ms;   // unheard for so long and not checkable from here: lost; 0: five minutes
    uint64_t snapshot_bytes; // of snapshots that a run keeps; above it they are thinned; 0: 1 GB
} core_options;

// NNS_E_BUSY: another server holds the directory; *error says who (pid, url). Owned text, mem_free.
int core_open(core **c, const core_options *options, char **error);
// Takes in what is there, commits, ends its threads. Answers still owed are dropped: call core_poll before.
void core_close(core *c);
store *core_store(core *c);

// Runs the answers that are due (see core_answer below) on the calling thread: the net thread, when woken.
void core_poll(core *c);

// --- answers -------------------------------------------------------------------------------
// A reply to an API call: HTTP status and JSON (or other) body. Immediate calls fill it before they return; calls that
// take time keep `done` and call it later from core_poll on the net thread, exactly once.
typedef struct core_reply {
    int status;             // HTTP status
    const char *type;       // content type, static text; NULL: application/json
    buf body;               // owned; errors are {"error": {"code": "...", "message": "...", ...}}
    struct core_rest *rest; // not NULL: a long reply, `body` is its first piece (about 64 kB); see core_rest_next
} core_reply;
typedef void (*core_done)(void *context, core_reply *reply); // takes reply->body over by buf_fini or by stealing it

// The rest of a long reply (every point of a series, say), asked for piece by piece as the client takes it, so that nothing
// piles up. The next piece comes by `done`; in the last one reply->rest is NULL (status 0 and an empty body: cut short by an error).
typedef struct core_rest core_rest;
void core_rest_next(core_rest *rest, core_done done, void *context); // takes `rest`; the answer brings it back
void core_rest_drop(core_rest *rest);                                // takes `rest`; nothing more is wanted

typedef struct core_author {
    const char *name;       // of the token; "local" for the first token; borrowed
    const char *from;       // "page", "api", "command line"
} core_author;

// JSON forms are the shapes of shape.def. Times are seconds since 1970 ("created", "started" and "ended" of a run: ISO 8601).

// Points wanted, parsed by the net side from the query string.
typedef struct core_points {
    const char *run;
    const char *const *series;
    size_t series_count;    // 0: all scalar series of the run
    int64_t from, to;       // steps, or ms since the run's start (1e11 and more: since 1970); INT64_MIN, INT64_MAX: open
    store_axis axis;
    uint32_t buckets;
    bool all_attempts;
    enum { CORE_JSON, CORE_CSV, CORE_COLUMNS } form; // CORE_COLUMNS: wire frame, see frame.h
    uint32_t request;       // echoed in a frame
} core_points;
void core_get_points(core *c, const core_points *q, core_done done, void *context);

// Immediate (registry or short) and deferred (store) calls; `filter` texts may be NULL.
void core_list_runs(core *c, const char *project, const char *state, const char *cursor, int limit,
                    core_reply *reply);
void core_get_run(core *c, const char *run, core_reply *reply);
void core_patch_run(core *c, const char *run, const char *json, size_t bytes,
                    const core_author *who, core_done done, void *context);
void core_delete_run(core *c, const char *run, const core_author *who, core_done done,
                     void *context);
void core_get_series(core *c, const char *run, core_done done, void *context);
void core_get_params(core *c, const char *run, core_done done, void *context);
void core_get_events(core *c, const char *run, int64_t after, int limit, core_done done,
                     void *context);
void core_get_commands(core *c, const char *run, int64_t after, int limit, core_done done,
                       void *context);
void core_get_media(core *c, const char *run, const char *series, int64_t from, int64_t to,
                    int limit, core_done done, void *context);
void core_get_blob(core *c, const char *run, const char *hash, core_done done, void *context);
// The inside of the network. Values: of a tensor (`tensor`), or of the units of a layer (`layer`, `quantity`: words of quantity.def); at
// `step` from the nearest earlier snapshot, INT64_MAX: as it is now while the run lives, else the newest snapshot.
// `exact`: the program's own numbers, not coded or folded. CSV: a line for each row; CORE_COLUMNS: a capture of this one section.
typedef struct core_values {
    const char *run, *tensor, *layer, *quantity;
    int64_t step;
    int form;                     // CORE_JSON ... of core_points
} core_values;
void core_get_model(core *c, const char *run, bool tensors_only, core_done done, void *context);
void core_get_pruning(core *c, const char *run, core_done done, void *context);
void core_get_values(core *c, const core_values *q, core_done done, void *context);
void core_get_snapshots(core *c, const char *run, int64_t from, int64_t to, int limit,
                        core_done done, void *context);
void core_get_snapshot(core *c, const char *run, int64_t step, core_done done, void *context);
void core_post_try(core *c, const char *run, const char *json, size_t bytes, int64_t wait_ms,
                   core_done done, void *context);

// Captured output: bytes from `offset` (negative: from the end), at most `limit`. JSON {offset, next, size, text}.
void core_get_log(core *c, const char *run, const char *process, int64_t offset, int limit,
                  bool plain, core_done done, void *context);

// Recording by HTTP. Points: an object, an array, or newline-delimited objects; 200 once in the journal.
void core_post_run(core *c, const char *json, size_t bytes, const core_author *who,
                   core_reply *reply);
void core_post_points(core *c, const char *run, const char *json, size_t bytes, core_done done,
                      void *context);

// Steering: {"type": "set", "parameter": "lr", "value": 0.01} | {"type": "set", "values": {...}} | {"type": "pause"|...,
// "steps": n} | {"type": "undo", "command": ID}. wait_ms > 0: answers when applied (200), refused (422), or after wait_ms
// (202, state asked).
void core_post_command(core *c, const char *run, const char *json, size_t bytes, int64_t wait_ms,
                       const core_author *who, core_done done, void *context);

// --- tokens, audit ---------------------------------------------------------------------------
// Scopes are the bits of scope.def. Tokens live hashed in the store; listing them is store_list_tokens on a reader.
enum {
#define X(name, bit, word, implied, sentence) SCOPE_##name = bit,
#include "scope.def"
#undef X
};
int core_put_token(core *c, const char *hash, const char *json); // json NULL: deletes; any thread, waits until it is durable
void core_audit(core *c, const core_author *who, const char *what, const char *run,
                const char *detail);

// --- live ------------------------------------------------------------------------------------
// A frame: encoded once, shared by all viewers, counted.
#define FRAME_FRONT 16
typedef struct frame {
    _Atomic int uses;
    bool text;              // JSON text, else a binary columns frame
    size_t length;
    uint8_t *data;          // with room of FRAME_FRONT (LWS_PRE) bytes in front of it
} frame;
void frame_release(frame *f);

typedef struct viewer viewer; // one WebSocket or event stream; used by the net thread only
typedef struct viewer_options {
    const char *name;       // shown in hello
    unsigned scopes;        // shown in hello
    const char *build;      // of the page, shown in hello: a page of another build wants to be loaded anew; NULL: none
    const char *address;    // of the page for other machines, shown in hello; "" or NULL: none
    bool text_only;         // server-sent events: points as JSON text frames, no hello
} viewer_options;
// NULL: out of memory or too many viewers (2000). The first frame is hello.
viewer *viewer_open(core *c, const viewer_options *options, void *user);
void viewer_close(viewer *v);

// A message from the client (JSON text): subscribe, unsubscribe, query, command, ping ... (message.def). Answers arrive as frames.
void viewer_message(viewer *v, const char *json, size_t bytes, const core_author *who,
                    unsigned scopes);

// Frames to send: the next one, or NULL. The id of the request that a capture answers stands in it until the next call, of whatever viewer. Takes a count that the caller gives back by frame_release once sent.
// Frames are bounded per viewer: a slow one gets fewer, coalesced ones.
frame *viewer_next(viewer *v);

// Viewers that may have something since the last call: calls `each` with viewer_open's `user`.
void core_ready_viewers(core *c, void (*each)(void *context, void *user), void *context);

// Figures of the server itself, for /metrics and `nnscope show`.
typedef struct core_figures {
    uint64_t points, frames, commands, runs, active, series, viewers, journal_bytes, refused;
    uint64_t store_bytes;
} core_figures;
void core_get_figures(core *c, core_figures *out);

#endif
