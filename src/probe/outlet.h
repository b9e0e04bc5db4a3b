// What the digest worker writes: scalars, events and CAPTURE records in lanes of its own, captures as blobs in files.
//
// Lanes, each with steps that never go back unless the program's do (a lower step would open a new attempt): NOW for what is of
// the set just digested, PAST for what the flight recorder writes out later, PINS for pushes, which may stand in the middle of a
// set. Made and used by the worker alone.
#ifndef NNS_PROBE_OUTLET_H
#define NNS_PROBE_OUTLET_H

#include "run.h"

#include "journal/capture.h"

#define OUTLET_BLOB_FIRST                                                                          \
    (UINT64_C(1) << 48) // numbers of the worker's blobs: those of the staging area are below
#define OUTLET_BLOBS 1024u
#define OUTLET_PILE_BYTES                                                                          \
    (UINT64_C(256) << 20) // unread snapshots in the folder: beyond, fewer are made
#define OUTLET_LOOK_BYTES (UINT64_C(64) << 20) // unread looks: beyond, none is written

enum { OUTLET_NOW = 0, OUTLET_PAST = 1, OUTLET_PINS = 2, OUTLET_LANES = 3 };

typedef struct outlet_blob {
    uint64_t number, bytes;
} outlet_blob;

// Blobs that nobody has taken yet, oldest first; a full list forgets its oldest.
typedef struct outlet_pile {
    outlet_blob blobs[OUTLET_BLOBS];
    uint32_t first, count;
    uint64_t bytes;
} outlet_pile;

typedef struct outlet_lane {
    lane_slot *slot;
    int64_t step, time_ns; // of the STEP that stands last in it
    bool stepped;
} outlet_lane;

typedef struct outlet {
    nns_run *run;
    outlet_lane lanes[OUTLET_LANES];
    uint64_t blobs; // so far
    outlet_pile snapshots, looks;
    int64_t patience_ns; // how much longer this set may wait for room in a lane
} outlet;

int outlet_init(outlet *o, nns_run *run); // on the worker: takes its lane

// Opens `step` in a lane; what is both lower and not later than the step that stands there goes behind that one. False: no room in time (counted with what should have followed).
bool outlet_step(outlet *o, int into, int64_t step, int64_t time_ns);
void outlet_scalar(outlet *o, int into, nns_series series, double value);
// Behind the step that stands last in NOW.
void outlet_event(outlet *o, uint32_t type, const buf *json);

// Writes a finished capture as a blob, then its record; kind, number, step, flags are read from its head. False: it could not
// be written (counted).
bool outlet_capture(outlet *o, const buf *capture);
// The answer that there is none.
void outlet_refuse(outlet *o, int kind, uint64_t number, int64_t step, const char *why);

// Bytes of blobs in the folder that nobody has taken yet.
uint64_t outlet_unread(outlet *o, int kind);

#endif
