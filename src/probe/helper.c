// Unit helper.c is the thread that moves everything between the training process and its files.
//
// Place on the path: between lanes.c and the journal. It sleeps in poll() on the bell of the inbox, with the
// pace as its time-out; then it reads commands, drains the staging area and the lanes into segments, and
// rings DIR/wake. Once a second it also writes a BEAT, looks after spare lanes, the folder, declarations.
//
// The order of a drain (why nothing is seen before what it needs):
//     1. how far each lane is filled        2. large things to files
//     3. lanes, up to there, to segments    4. heads released    5. wake
// What an IMAGE record names was put into the staging area before the record was published (value.c), so
// that it is in a file when the record is.
//
// Invariants:
//   1. A head is released only over bytes that stand in a segment; what a failed write left stays in the lane.
//   2. The pace follows the fill: a lane over 1/8 full shortens it in proportion, under 1/32 doubles it, at
//      most PACE_MAX. A lane of 8 MiB takes 2 M scalars/s for 262 ms: the longest pace stays below.
//   3. A wake is cheap, a write is not: while nobody waits and every lane is under 1/32 full, what is there is
//      written every QUIET_NS only. Every second ends with a write, which aside.c syncs at once:
//      what is not on the disk is at most a second and a pace old.
//   4. Only this thread touches the folder's files and makes or frees orders.
#include "helper.h"

#include "aside.h"
#include "event.h"
#include "folder.h"
#include "lanes.h"
#include "network.h"
#include "push.h"
#include "stats.h"

#include "base/clock.h"
#include "base/error.h"
#include "journal/place.h"

#include <linux/futex.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define PACE_MIN_NS NS_PER_MS
#define PACE_MAX_NS (200 * NS_PER_MS)
#define PACE_WATCHED_NS (8 * NS_PER_MS)
#define PACE_PRIVATE_NS (8 * NS_PER_MS) // lanes that die with the process
#define HURRY_NS NS_PER_S // that long the answer to a command is waited for at the shortest pace
#define QUIET_NS (NS_PER_S / 2)
#define WATCH_MAX_S 600u
#define WRITE_GAP_MIN_NS (20 * NS_PER_MS)
#define WRITE_GAP_MAX_NS (2 * NS_PER_S)
#define CLOSE_NS (19 * NS_PER_S / 10) // nns_close waits 2 s

// --- draining ------------------------------------------------------------------------------------

typedef struct fill {
    uint32_t bytes[RUN_LANES];
    uint32_t count;
    uint64_t total;
    double most; // of the fullest lane, or of the staging area; 0..1
} fill;

#define FILL_MUCH 0.125
#define FILL_LITTLE 0.03125

static lane_slot *slot_at(nns_run *run, uint32_t i) {
    return atomic_load_explicit(&run->lanes[i], memory_order_acquire);
}

// -> bytes ready
static uint32_t measure_ring(lane *ring, fill *f) {
    const uint8_t *at;
    uint32_t bytes = (uint32_t)lane_ready(ring, &at);
    double part = (double)bytes / ring->capacity;
    if (part > f->most) f->most = part;
    return bytes;
}

static void measure(nns_run *run, fill *f) {
    uint32_t count = atomic_load_explicit(&run->lane_count, memory_order_acquire);
    f->count = count < RUN_LANES ? count : RUN_LANES;
    f->total = 0;
    f->most = 0;
    for (uint32_t i = 0; i < f->count; i++) {
        lane_slot *slot = slot_at(run, i);
        f->bytes[i] = slot ? measure_ring(&slot->lane, f) : 0;
        f->total += f->bytes[i];
    }
    if (run->has_stage) measure_ring(&run->stage.ring, f);
}

// A record that makes no sense (somebody wrote over our memory) is given up with what stands behind it:
// else the lane would stay as it is for ever.
static int write_lane(nns_run *run, lane *l, uint32_t bytes) {
    const uint8_t *at;
    if (bytes == 0) return 0;
    lane_ready(l, &at);
    uint64_t first = atomic_load_explicit(l->head, memory_order_relaxed);
    int result = segment_append(&run->segments, l->number, first, at, bytes);
    if (result != NNS_E_CORRUPT) {
        lane_release(l, run->segments.done);
        return result;
    }
    atomic_fetch_add(&run->failed_bytes, bytes - run->segments.done);
    lane_release(l, bytes);
    return 0;
}

static void drain_stage(nns_run *run) {
    uint64_t failed = 0;
    if (!run->has_stage) return;
    stage_drain(&run->stage, run->folder, run->process.text, &failed);
    if (failed) atomic_fetch_add(&run->failed_bytes, failed);
}

static void write_failed(nns_run *run, int64_t now_ns) {
    run->write_gap_ns = run->write_gap_ns ? run->write_gap_ns * 2 : WRITE_GAP_MIN_NS;
    if (run->write_gap_ns > WRITE_GAP_MAX_NS) run->write_gap_ns = WRITE_GAP_MAX_NS;
    run->write_at_ns = now_ns + run->write_gap_ns;
}

// True when everything that was measured is in files.
static bool drain(nns_run *run, const fill *f) {
    int64_t now = clock_mono_ns();
    if (!run->up || now < run->write_at_ns) return false;
    int result = 0;
    drain_stage(run);
    for (uint32_t i = 0; i < f->count && !result; i++)
        if (f->bytes[i]) result = write_lane(run, &slot_at(run, i)->lane, f->bytes[i]);
    if (f->total) atomic_store(&run->written, true);
    if (f->total) place_ring(run->wake_fd);
    if (result) {
        write_failed(run, now);
        return false;
    }
    run->write_gap_ns = 0;
    return true;
}

// --- pace ----------------------------------------------------------------------------------------

static int64_t pace(nns_run *run, const fill *f, bool hurry, int64_t now_ns) {
    int64_t next = run->pace_ns;
    if (f->most > FILL_MUCH)
        next = (int64_t)((double)next * FILL_MUCH / f->most);
    else if (f->most < FILL_LITTLE)
        next *= 2;
    if (next > PACE_MAX_NS) next = PACE_MAX_NS;
    if (atomic_load(&run->private_lanes) && next > PACE_PRIVATE_NS) next = PACE_PRIVATE_NS;
    if (now_ns < run->watched_until_ns && next > PACE_WATCHED_NS) next = PACE_WATCHED_NS;
    if (next < PACE_MIN_NS) next = PACE_MIN_NS;
    run->pace_ns = next;
    if (!hurry) run->hurry_until_ns = now_ns + HURRY_NS;
    return hurry && now_ns < run->hurry_until_ns ? PACE_MIN_NS : next;
}

static void take_bytes(int fd) {
    char bytes[256];
    while (read(fd, bytes, sizeof bytes) == (ssize_t)sizeof bytes) {
    }
}

static void sleep_for(nns_run *run, int64_t ns) {
    struct pollfd fds[2] = {{.fd = run->nudge_fd, .events = POLLIN},
                            {.fd = run->up ? run->inbox.bell : -1, .events = POLLIN}};
    struct timespec time = {.tv_sec = ns / NS_PER_S, .tv_nsec = ns % NS_PER_S};
    if (ppoll(fds, 2, &time, NULL) <= 0) return;
    // A program that closes descriptors it does not know (a daemon) must not make this loop spin.
    if ((fds[0].revents | fds[1].revents) & POLLNVAL) clock_sleep_ns(ns);
    if (fds[0].revents) run->quiet_until_ns = 0; // somebody waits
    if (fds[0].revents & POLLIN) take_bytes(run->nudge_fd);
    if (fds[1].revents & POLLIN) take_bytes(run->inbox.bell);
}

// --- inbox ---------------------------------------------------------------------------------------

static void receive(nns_run *run, const uint8_t *at) {
    uint16_t kind = le_u16(at);
    if (kind == RECORD_COMMAND) command_receive(run, at);
    if (kind == RECORD_PUSH) push_receive(run, at);
    if (kind == RECORD_LOOK) network_look(run, at);
    if (kind != RECORD_WATCH && kind != RECORD_LOOK) return;
    uint32_t seconds = le_u32(at + 4);
    if (seconds > WATCH_MAX_S) seconds = WATCH_MAX_S;
    int64_t until = clock_mono_ns() + (int64_t)seconds * NS_PER_S;
    if (kind == RECORD_WATCH || until > run->watched_until_ns) run->watched_until_ns = until;
}

static void read_inbox(nns_run *run) {
    segment_block block;
    while (run->up && inbox_next(&run->inbox, &block) == 0)
        for (size_t at = 0, n; at < block.bytes; at += n) {
            n = record_check(block.records + at, block.bytes - at);
            if (n == 0) break;
            receive(run, block.records + at);
        }
}

// --- once a second -------------------------------------------------------------------------------

static void made_again(nns_run *run) {
    event_text(run, EVENT_LOST, 0, "{\"reason\":\"the run's folder was deleted and made again\"}");
    event_started(run);
    series_tend(run, true);
    params_tend(run, true);
    network_again(run);
}

static void tend_folder(nns_run *run, int64_t now_ns) {
    bool was_made = run->writer_made;
    if (folder_tend(run, now_ns) && was_made) made_again(run);
}

static void second(nns_run *run, int64_t now_ns) {
    tend_folder(run, now_ns);
    output_cut(run);
    lanes_keep_spares(run);
    series_tend(run, false);
    params_tend(run, false);
    network_second(run);
    stats_second(run);
    stats_beat(run);
    run->second_at_ns = now_ns + NS_PER_S;
    run->quiet_until_ns = 0;
}

// --- the end -------------------------------------------------------------------------------------

static void write_close(nns_run *run) {
    uint8_t *at = lanes_begin(run, 16, false);
    if (!at) return;
    lanes_head(at, RECORD_CLOSE, 16, (uint32_t)run->close_status);
    le_put_u64(at + 8, (uint64_t)clock_mono_ns());
    lanes_end(at);
}

// Writes what is left, at most until close_by_ns. False: something stays in the lanes.
static bool drain_all(nns_run *run) {
    fill f;
    for (;;) {
        measure(run, &f);
        bool whole = drain(run, &f);
        if (whole && f.total == 0) return true;
        if (!whole && !run->up && folder_up(run)) return false;
        if (clock_mono_ns() > run->close_by_ns) return false;
        if (!whole) clock_sleep_ns(PACE_WATCHED_NS);
    }
}

static void remove_lane_files(nns_run *run) {
    for (uint32_t i = 0; i < RUN_LANES; i++) {
        lane_slot *slot = slot_at(run, i);
        if (slot && slot->lane.in_file) unlink(slot->lane.path);
    }
    if (run->has_stage && run->stage.ring.in_file) unlink(run->stage.ring.path);
}

static void count_left(nns_run *run) {
    fill f;
    measure(run, &f);
    if (!run->lanes_in_files) atomic_fetch_add(&run->failed_bytes, f.total);
}

static void finish(nns_run *run) {
    run->close_by_ns = clock_mono_ns() + CLOSE_NS;
    run->write_at_ns = 0;
    tend_folder(run, clock_mono_ns());
    output_close(run, 200);
    network_finish(run);
    stats_second(run);
    fill f;
    measure(run, &f);
    drain(run, &f); // the last BEAT and CLOSE come behind everything else
    stats_beat(run);
    write_close(run);
    bool whole = drain_all(run);
    if (run->writer_made) segment_sync(&run->segments);
    if (whole)
        remove_lane_files(run);
    else
        count_left(run);
    folder_down(run, whole);
}

static void say_closed(nns_run *run) {
    atomic_store(&run->closed, 1);
    syscall(SYS_futex, &run->closed, FUTEX_WAKE_PRIVATE, INT32_MAX, NULL, NULL, 0);
}

// Is there a reason to write now? While somebody waits for an answer there always is, and once more after it.
static bool worth_writing(nns_run *run, const fill *f, bool hurry, int64_t now_ns) {
    bool quiet = now_ns < run->quiet_until_ns && now_ns >= run->watched_until_ns;
    if (quiet && !hurry && f->most < FILL_LITTLE && !atomic_load(&run->private_lanes)) return false;
    run->quiet_until_ns = hurry ? 0 : now_ns + QUIET_NS;
    return true;
}

static void turn(nns_run *run, fill *f) {
    read_inbox(run);
    bool hurry = commands_tend(run) | pushes_under_way(run);
    bool printing = output_tend(run, 0);
    int64_t now = clock_mono_ns();
    bool ticked = now >= run->second_at_ns;
    if (ticked) second(run, now);
    int64_t soon = network_tend(run, now);
    if (printing) soon = 0;
    measure(run, f);
    if (worth_writing(run, f, hurry, now)) drain(run, f);
    if (ticked) aside_second(run);
    int64_t next = pace(run, f, hurry, now);
    if (soon < PACE_MIN_NS) soon = PACE_MIN_NS;
    sleep_for(run, next < soon ? next : soon);
}

void *helper_main(void *context) {
    nns_run *run = context;
    fill f;
    pthread_setname_np(pthread_self(), "nnscope");
    lanes_take_new(run, LANE_BYTES_HELPER);
    stats_calibrate(run);
    while (!atomic_load(&run->closing))
        turn(run, &f);
    finish(run);
    say_closed(run);
    return NULL;
}
