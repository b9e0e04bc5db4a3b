// Unit outlet.c writes what the digest worker has found: into lanes, and into blobs beside them.
//
// Place on the path: behind digest.c; the helper moves the lanes into the journal. A blob stands in its file, under its own
// name, before the record that names it is published.
//
// The worker may wait where the trainer may not: for room in a lane it sleeps, up to PATIENCE a set.
#include "outlet.h"

#include "records.h"

#include "base/clock.h"
#include "base/error.h"

#include <unistd.h>

#define PATIENCE_NS (500 * NS_PER_MS)
#define NAP_NS (2 * NS_PER_MS)

int outlet_init(outlet *o, nns_run *run) {
    *o = (outlet){.run = run};
    o->lanes[OUTLET_NOW].slot = lanes_take_new(run, LANE_BYTES_OTHER);
    return o->lanes[OUTLET_NOW].slot ? 0 : NNS_E_NO_MEMORY;
}

// The other lanes are made when they are first needed; calls by name go on writing into the first.
static lane_slot *slot_of(outlet *o, int into) {
    outlet_lane *to = &o->lanes[into];
    if (to->slot) return to->slot;
    lanes_cache mine = lanes_mine;
    to->slot = lanes_take_new(o->run, LANE_BYTES_OTHER);
    lanes_mine = mine;
    return to->slot;
}

// Room for a record, waited for. NULL: counted as lost.
static uint8_t *room(outlet *o, int into, size_t bytes) {
    lane_slot *slot = slot_of(o, into);
    uint8_t *at = NULL;
    while (slot && !(at = lane_room(&slot->lane, bytes)) && o->patience_ns > 0) {
        clock_sleep_ns(NAP_NS);
        o->patience_ns -= NAP_NS;
    }
    if (at) le_put_u64(at + bytes - 8, 0);
    if (slot && !at) lane_lose(&slot->lane);
    return at;
}

static void publish(lane_slot *slot, size_t bytes) {
    lanes_count(&slot->lane);
    lane_publish(&slot->lane, bytes);
}

// What stood before the first step is stamped with the step before that one, which this process has never opened: in a lane it would
// begin another attempt.
static int64_t opened(nns_run *run, int64_t step) {
    int64_t first = atomic_load(&run->first_step);
    return first == INT64_MIN || step == first - 1 ? step + 1 : step;
}

bool outlet_step(outlet *o, int into, int64_t step, int64_t time_ns) {
    outlet_lane *to = &o->lanes[into];
    o->patience_ns = into == OUTLET_PAST ? 4 * PATIENCE_NS : PATIENCE_NS;
    step = opened(o->run, step);
    if (to->stepped && step < to->step && time_ns <= to->time_ns) return true;
    lane_slot *slot = slot_of(o, into);
    if (!slot) return false;
    bool again = to->stepped && to->step == step && slot->lane.dropped == 0;
    while (!again && !lane_open_step(&slot->lane, step, time_ns)) {
        if (o->patience_ns <= 0) return false;
        clock_sleep_ns(NAP_NS);
        o->patience_ns -= NAP_NS;
    }
    to->step = step;
    to->time_ns = time_ns;
    to->stepped = true;
    return true;
}

void outlet_scalar(outlet *o, int into, nns_series series, double value) {
    uint8_t *at = series ? room(o, into, 16) : NULL;
    if (!at) return;
    lanes_head(at, RECORD_SCALAR, 16, series);
    le_put_f64(at + 8, value);
    publish(slot_of(o, into), 16);
}

void outlet_event(outlet *o, uint32_t type, const buf *json) {
    size_t bytes = event_record_bytes(json->length);
    uint8_t *at = json->failed || bytes > RECORD_MAX_BYTES ? NULL : room(o, OUTLET_NOW, bytes);
    if (!at) return;
    event_record_put(at, type, 0, json->data, json->length);
    publish(o->lanes[OUTLET_NOW].slot, bytes);
}

static void say_capture(outlet *o, const capture_said *said) {
    size_t bytes = capture_record_bytes(said);
    uint8_t *at = room(o, OUTLET_NOW, bytes);
    if (!at) return;
    capture_record_put(at, said);
    publish(o->lanes[OUTLET_NOW].slot, bytes);
}

// Piles --------------------------------------------------------------------------------------------

static outlet_pile *pile_of(outlet *o, int kind) {
    return kind == CAPTURE_SNAPSHOT ? &o->snapshots : kind == CAPTURE_LOOK ? &o->looks : NULL;
}

static void pile_drop(outlet_pile *p) {
    p->bytes -= p->blobs[p->first].bytes;
    p->first = (p->first + 1) % OUTLET_BLOBS;
    p->count--;
}

static void pile_push(outlet_pile *p, uint64_t number, uint64_t bytes) {
    if (p->count == OUTLET_BLOBS) pile_drop(p);
    p->blobs[(p->first + p->count++) % OUTLET_BLOBS] = (outlet_blob){number, bytes};
    p->bytes += bytes;
}

static bool is_there(const outlet *o, uint64_t number) {
    char path[PATH_CAP];
    if (stage_blob_path(path, o->run->folder, o->run->process.text, number)) return false;
    return access(path, F_OK) == 0;
}

// Ingest takes blobs in their order: what stands before one that is gone is gone too.
uint64_t outlet_unread(outlet *o, int kind) {
    outlet_pile *p = pile_of(o, kind);
    while (p && p->count && !is_there(o, p->blobs[p->first].number))
        pile_drop(p);
    return p ? p->bytes : 0;
}

bool outlet_capture(outlet *o, const buf *capture) {
    capture_head head;
    char path[PATH_CAP];
    if (capture->failed || capture_open(capture->data, capture->length, &head)) return false;
    uint64_t number = OUTLET_BLOB_FIRST + ++o->blobs;
    if (stage_blob_path(path, o->run->folder, o->run->process.text, number)) return false;
    if (file_write_quickly(path, capture->data, capture->length)) {
        atomic_fetch_add(&o->run->failed_bytes, capture->length);
        return false;
    }
    outlet_pile *pile = pile_of(o, head.kind);
    if (pile) pile_push(pile, number, capture->length);
    say_capture(o, &(capture_said){.kind = head.kind,
                                   .number = head.number,
                                   .step = head.step,
                                   .flags = head.flags,
                                   .blob = number,
                                   .blob_bytes = capture->length});
    return true;
}

void outlet_refuse(outlet *o, int kind, uint64_t number, int64_t step, const char *why) {
    say_capture(o, &(capture_said){.kind = kind, .number = number, .step = step, .error = why});
}
