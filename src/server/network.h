// What is seen inside the networks of runs: descriptions (model.c), captures on their way in (capture_in.c), looks of viewers
// merged into one LOOK record (look.c), samples pushed by hand (push.c), snapshots (keep.c). With the lock unless said otherwise.
//
//     CAPTURE record -> due -> LOOK      -> frame, shared by all viewers who look; kept as "seen" while somebody does; never stored
//                           -> SNAPSHOT  -> keeper's thread: recoded, stored, a row
//                           -> PUSH      -> whoever pushed
//                           -> PRUNE     -> document "pruning"
#ifndef NNS_SERVER_NETWORK_H
#define NNS_SERVER_NETWORK_H

#include "journal/capture.h"
#include "run.h"

enum { LOOK_UNITS_MAX = 64, LOOK_FRAMES = 4 };

typedef struct look_ask { // what somebody wants to see: all zero is nothing
    uint32_t what;        // LOOK_* bits
    uint16_t units_hz10, links_hz10;
    uint32_t strongest, count;
    uint32_t units[LOOK_UNITS_MAX][2];
} look_ask;

// Captures that were not overtaken: a newer one that holds all that an older one does takes its place.
typedef struct look_frames {
    frame *frame[LOOK_FRAMES];
    uint64_t holds[LOOK_FRAMES]; // bits of its quantities
    int count;
} look_frames;

typedef struct network {
    struct json_t *layers, *tensors,
        *push;           // lists by number - 1 (null: not described), object or NULL
    struct json_t *past; // what numbers meant before, renumber.c; NULL: they always meant the same
    bool past_dirty;
    bool evaluate, dirty;
    char process[27]; // whose description it is
    int rank;
    uint32_t generation;
    size_t bytes;   // of all that was described
    look_ask asked; // of `asked_process`, last
    char asked_process[27];
    int64_t asked_ns; // 0: nothing is asked for
    look_frames seen;
    size_t seen_bytes;
    store_snapshot last; // the one that came last, once `last_known`
    bool last_known, thinning;
    uint64_t kept_bytes, kept_count; // of all snapshots, once last_known
} network;

typedef struct looking {  // of a viewer, or of a call that waits for a capture
    struct looking *next; // all of the core
    char key[27];
    viewer *viewer; // NULL: of a call
    struct looking *next_of_viewer;
    uint32_t id;
    uint64_t serial;
    look_ask ask;
    look_frames waiting;
    int64_t sent_ns;
    bool (*fits)(const struct looking *l, const capture_section *s); // of a call: what it waits for
    int64_t deadline_ns;
    job *answer; // of a call: submitted with the capture, or without when time is over
} looking;

// model.c
network *run_network(run *r); // made when missing; NULL without memory
void network_free(network *n);
void model_take(core *c, process *p, uint32_t part, uint32_t number, const uint8_t *text,
                size_t bytes);
void model_put(core *c, run *r); // before a commit
int model_load(core *c, run *r); // engine, no lock
// In a list of layers or tensors. NULL: none of this name.
const struct json_t *model_named(const struct json_t *list, const char *name, uint32_t *number);
const struct json_t *model_layer(const network *n, const char *name,
                                 uint32_t *number); // NULL: no such layer
const struct json_t *model_tensor(const network *n, const char *name, uint32_t *number);
size_t model_input_size(const network *n); // of a pushed sample; 0: not said

// renumber.c
void past_add(network *n, int64_t until_ms); // another process describes the network from here on
void past_put(core *c, run *r);              // before a commit
void past_load(network *n, store_reader *reader, store_id of);
// The capture `in`, made at `time_ms`, under the present numbers; `out` stays empty where they are the same. No lock.
int snapshot_renumber(store_reader *reader, store_id of, int64_t time_ms, const buf *in, buf *out);

// steer_pin.c: what a person wants pinned, checked and made ready for the inbox. All zero; `values` borrow from json and `input`.
typedef struct pin_order {
    command_value values[2];
    uint16_t count;
    float *input;         // owned
    size_t input_count;   // numbers of it
    struct json_t *shown; // owned: what the command tells of it
} pin_order;
bool steer_pin(pin_order *p, const run *r, uint32_t verb, const struct json_t *json,
               core_reply *reply);
void pin_order_fini(pin_order *p);

// capture_in.c
void capture_take(core *c, process *p, const lane_state *l, uint32_t kind, const uint8_t *at);
bool capture_put_away(core *c, process *p, media_due *m, const char *path,
                      bool last_chance); // engine, no lock. True: over

// look.c
void look_begin(viewer *v, const struct json_t *message, uint32_t id);
void look_end(viewer *v, looking *l);
looking *look_find(viewer *v, uint32_t id);
void look_answer(core *c, looking *l,
                 frame *f);                  // values.c: takes l; f borrowed, NULL: time is over
void look_wait(core *c, run *r, looking *l); // takes l, a call's
void looks_changed(core *c, const char *key);
void looks_tick(core *c, int64_t now_ns);
void looks_capture(core *c, run *r, frame *f); // takes a use
bool look_due(const viewer *v, int64_t now_ns);
frame *look_next(viewer *v, int64_t now_ns);
bool look_wanted(const core *c, const run *r); // somebody looks
void look_frames_add(look_frames *list, frame *f, uint64_t holds);
void look_frames_fini(look_frames *list);
void looks_calls_end(core *c); // calls that still wait are dropped

// push.c
typedef void (*push_done)(core *c, void *context, frame *f, const char *code,
                          const char *why); // lock held; f borrowed, or why not
bool push_call(core *c, run *r, const struct json_t *m, int64_t wait_ns, push_done done,
               void *context, core_reply *reply);
void push_message(viewer *v, const struct json_t *message, uint32_t id, unsigned scopes);
// Numbers of a list, or of lists of lists, written to out[0..most); how many there are, SIZE_MAX: something else stands in it.
size_t push_values(const struct json_t *list, float *out, size_t most);
void push_answer(core *c, uint64_t number, buf *bytes,
                 const char *error); // takes bytes (FRAME_FRONT in front) or NULL and why
void pushes_tick(core *c, int64_t now_ns);
void pushes_process_gone(core *c, process *p);
void pushes_viewer_gone(viewer *v);
void pushes_fini(core *c);

// capture_json.c
float section_value(const capture_section *s, size_t i);
void section_json(const capture_section *s, buf *out); // its numbers as a flat list

// keep.c
bool keep_submit(core *c, process *p, media_due *m); // a snapshot whose blob is there
void keep_newest(core *c, viewer *v, looking *l);    // sends the newest snapshot to a look

frame *frame_of_front(
    buf *bytes,
    bool text); // hub.c: as frame_of, of bytes behind FRAME_FRONT others, which are not copied

#endif
