// Live viewers from the inside: channels with their ring of shared frames, viewers, subscriptions, watches.
// Everything here under the core's lock.
#ifndef NNS_SERVER_HUB_H
#define NNS_SERVER_HUB_H

#include "points.h"
#include "run.h"

enum { RING_FRAMES = 64, RATE_MAX = 125 };
#define RING_BYTES_MAX (4u << 20)

typedef struct channel_member {
    live_series *series;
    uint64_t next;            // ordinal of the first point not sent
} channel_member;

// What several viewers want alike: series of a run at a rate. One live frame at a time, encoded once:
//
//     frames   ... first .......... head        viewers hold numbers: cursor <= head
//                  |__ ring of at most 64, 4 MiB __|
struct channel {
    channel *next;
    run *run;                 // NULL: deleted
    char **patterns;          // sorted
    size_t pattern_count;
    int rate;                 // frames per second at most
    bool text;
    int uses;
    int64_t built_ns;
    channel_member *members;
    size_t member_count;
    frame *ring[RING_FRAMES];
    uint64_t first, head;
    size_t bytes;
    uint64_t gaps;            // grows when points were missed: subscriptions need a new snapshot
    int waiting;              // subscriptions whose snapshot is under way
    bool raw_once;            // one has just arrived: the next frame may overlap with it
};

typedef struct subscription {
    struct subscription *next;
    uint32_t id;
    uint64_t serial;          // of the viewer; ids may be used again
    channel *channel;
    points_query p;           // of its snapshots; names are patterns
    bool live, waiting;       // waiting: a snapshot is under way
    uint64_t cursor, gaps;
    int64_t snapshot_ns;
} subscription;

typedef struct watch {
    struct watch *next;
    uint32_t id;
    uint64_t serial;
    char key[27];
    bool ready;               // the first message is out
    uint64_t version, params, commands, series, events, media;
    int64_t sent_ns, log_offset;
    char log_process[27];
    bool log_busy;
} watch;

typedef struct queued {
    struct queued *next;
    frame *frame;
} queued;

struct viewer {
    core *core;
    void *user;
    viewer *next, *previous;  // all
    viewer *next_ready;
    bool is_ready, told, closed;
    int uses;                 // itself and jobs under way
    bool text_only;
    uint64_t serials;
    queued *out, **out_last;
    size_t out_bytes;
    subscription *subscriptions;
    watch *watches;
    int subscription_count, watch_count, jobs;
    struct looking *looks;
    int look_count, pushes;
    bool wants_runs;
    uint64_t runs_seen;
    int64_t runs_sent_ns;
    buf gone;                 // ids of deleted runs, JSON items
};

// hub.c
channel *channel_open(core *c, run *r, char *const *patterns, size_t count, int rate, bool text);
void channel_release(core *c, channel *ch);
void subscription_wait(subscription *s, bool waiting); // its snapshot is under way, or no longer
bool patterns_match(char *const *patterns, size_t count, const char *name);
frame *frame_of(buf *bytes, bool text); // takes the bytes; one use. NULL: out of memory

// viewer.c
void viewer_ready(viewer *v);
void viewer_push(viewer *v, frame *f);            // takes a use
void viewer_push_text(viewer *v, buf *text);      // takes the text
void viewer_error(viewer *v, uint32_t id, const char *code, const char *message);
void viewer_unref(viewer *v);
subscription *subscription_find(viewer *v, uint32_t id);
watch *watch_find(viewer *v, uint32_t id);
void subscription_drop(viewer *v, subscription *s);
void watch_drop(viewer *v, watch *w);

// snapshot.c: frames made by workers
void snapshot_submit(viewer *v, subscription *s); // of a subscription
void snapshot_query(viewer *v, points_query *p);  // a single one; takes what is in p

// watch.c
void watch_begin(viewer *v, watch *w);
bool watch_due(viewer *v, watch *w, int64_t now_ns);
frame *watch_message(viewer *v, watch *w, int64_t now_ns);
bool runs_due(const viewer *v, int64_t now_ns);
frame *runs_message(viewer *v, int64_t now_ns);

#endif
