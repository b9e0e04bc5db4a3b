// The flight recorder: the statistics of the last copied steps, in memory, so that what stood just before it broke can be
// written out: as series `flight/LAYER/WORD`, for the steps that were not recorded already.
#ifndef NNS_PROBE_FLIGHT_H
#define NNS_PROBE_FLIGHT_H

#include "base/buf.h"
#include "journal/capture.h"

#include <stdbool.h>
#include <stdint.h>

#define FLIGHT_STEPS 256u
#define FLIGHT_BYTES (32u << 20) // of statistics
#define FLIGHT_SNAPSHOTS 16u
#define FLIGHT_SNAPSHOT_BYTES (64u << 20)

typedef struct flight_step {
    int64_t step, time_ns;
    uint32_t layers;
    bool recorded;
    float *values; // (layers, STATISTIC_COUNT); NaN: not known
} flight_step;

// Snapshots that were made and not written, oldest first.
typedef struct flight {
    flight_step steps[FLIGHT_STEPS];
    uint32_t first, count;
    uint64_t bytes;
    buf snapshots[FLIGHT_SNAPSHOTS];
    uint32_t snapshot_count;
    uint64_t snapshot_bytes;
} flight;

void flight_fini(flight *f);

// Room for the statistics of one more step, the oldest ones fall out. The same step as the last takes its place. NULL: no memory.
float *flight_row(flight *f, int64_t step, int64_t time_ns, uint32_t layers, bool recorded);

// The oldest step; NULL: none. flight_pop drops it.
const flight_step *flight_oldest(const flight *f);
void flight_pop(flight *f);

// Takes the memory of a finished capture.
void flight_keep(flight *f, buf *snapshot);
// The oldest snapshot, owned by the caller. False: none.
bool flight_take(flight *f, buf *snapshot);

#endif
