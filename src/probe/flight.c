// Unit flight.c keeps the last steps and the last unwritten snapshots.
//
// Place on the path: the digest worker adds to it after every set; at a NaN, or when a person keeps the moment, digest.c takes
// everything out again and writes it.
#include "flight.h"

#include "base/mem.h"

#include <string.h>

static uint64_t bytes_of(const flight_step *s) {
    return (uint64_t)s->layers * STATISTIC_COUNT * sizeof(float);
}

static flight_step *step_at(flight *f, uint32_t i) {
    return &f->steps[(f->first + i) % FLIGHT_STEPS];
}

void flight_pop(flight *f) {
    flight_step *s = step_at(f, 0);
    f->bytes -= bytes_of(s);
    mem_free(s->values);
    *s = (flight_step){0};
    f->first = (f->first + 1) % FLIGHT_STEPS;
    f->count--;
}

void flight_fini(flight *f) {
    buf snapshot;
    while (f->count)
        flight_pop(f);
    while (flight_take(f, &snapshot))
        buf_fini(&snapshot);
}

const flight_step *flight_oldest(const flight *f) {
    return f->count ? &f->steps[f->first] : NULL;
}

// Looked at again while training is held: what is new of it is put over the old.
static float *same_row(flight *f, int64_t step, uint32_t layers, bool recorded) {
    flight_step *last = f->count ? step_at(f, f->count - 1) : NULL;
    if (!last || last->step != step || last->layers != layers) return NULL;
    last->recorded |= recorded;
    return last->values;
}

float *flight_row(flight *f, int64_t step, int64_t time_ns, uint32_t layers, bool recorded) {
    float *same = same_row(f, step, layers, recorded);
    if (same || layers == 0) return same;
    flight_step s = {step, time_ns, layers, recorded, NULL};
    while (f->count && (f->count == FLIGHT_STEPS || f->bytes + bytes_of(&s) > FLIGHT_BYTES))
        flight_pop(f);
    s.values = mem_array((size_t)layers * STATISTIC_COUNT, sizeof *s.values);
    if (!s.values) return NULL;
    for (size_t i = 0; i < (size_t)layers * STATISTIC_COUNT; i++)
        s.values[i] = __builtin_nanf("");
    f->bytes += bytes_of(&s);
    *step_at(f, f->count++) = s;
    return s.values;
}

static void drop_snapshot(flight *f) {
    buf snapshot;
    if (flight_take(f, &snapshot)) buf_fini(&snapshot);
}

void flight_keep(flight *f, buf *snapshot) {
    while (f->snapshot_count && (f->snapshot_count == FLIGHT_SNAPSHOTS ||
                                 f->snapshot_bytes + snapshot->capacity > FLIGHT_SNAPSHOT_BYTES))
        drop_snapshot(f);
    if (snapshot->failed || snapshot->capacity > FLIGHT_SNAPSHOT_BYTES) {
        buf_fini(snapshot);
        return;
    }
    f->snapshots[f->snapshot_count++] = *snapshot;
    f->snapshot_bytes += snapshot->capacity;
    *snapshot = (buf){0};
}

bool flight_take(flight *f, buf *snapshot) {
    if (f->snapshot_count == 0) return false;
    *snapshot = f->snapshots[0];
    f->snapshot_bytes -= snapshot->capacity;
    f->snapshot_count--;
    memmove(f->snapshots, f->snapshots + 1, f->snapshot_count * sizeof *f->snapshots);
    return true;
}
