// Unit stats.c measures what nnscope costs the program and counts what could not be kept.
//
// Scalars and bare steps are too short to be timed one by one: their cost is measured once on this machine
// (stats_calibrate) and multiplied by their number. Longer calls are timed. The share is over the last
// ten seconds; time spent paused is left out of both sides.
#include "stats.h"

#include "lanes.h"
#include "network.h"

#include <string.h>

void stats_end(nns_run *run, int64_t began_ns) {
    if (began_ns == 0 || lanes_mine.slot != run->trainer) return;
    atomic_fetch_add_explicit(&run->inside_ns, clock_mono_ns() - began_ns, memory_order_relaxed);
}

// A lane of ordinary memory, to time writing.
#define TRIAL_RECORDS 4096

void stats_calibrate(nns_run *run) {
    static uint8_t memory[TRIAL_RECORDS * 16 + 64];
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    _Atomic uint64_t head = 0, tail = 0;
    lane trial = {.data = memory, .mask = TRIAL_RECORDS * 16 - 1, .tail = &tail, .head = &head};
    pthread_mutex_lock(&lock);
    int64_t best = INT64_MAX;
    for (int turn = 0; turn < 8; turn++) {
        trial.end = trial.limit = 0;
        int64_t began = clock_mono_ns();
        for (uint32_t i = 0; i < TRIAL_RECORDS - 8; i++) {
            uint8_t *at = lane_room(&trial, 16);
            lanes_head(at, RECORD_SCALAR, 16, i);
            le_put_f64(at + 8, i);
            lanes_count(&trial);
            lane_publish(&trial, 16);
        }
        int64_t took = clock_mono_ns() - began;
        if (took < best) best = took;
        atomic_store(&tail, 0);
    }
    pthread_mutex_unlock(&lock);
    run->scalar_ns = (double)best / (TRIAL_RECORDS - 8) + 1;
    int64_t began = clock_mono_ns();
    for (int i = 0; i < 999; i++)
        clock_mono_ns();
    run->step_ns = (double)(clock_mono_ns() - began) / 1000 + 4 * run->scalar_ns;
}

static uint64_t written(const lane *l) {
    return __atomic_load_n(&l->written_total, __ATOMIC_RELAXED);
}

static void count(nns_run *run, nns_stats *s) {
    uint32_t lanes = atomic_load(&run->lane_count);
    s->salvageable = run->lanes_in_files;
    for (uint32_t i = 0; i < lanes && i < RUN_LANES; i++) {
        lane_slot *slot = atomic_load(&run->lanes[i]);
        if (!slot) continue;
        s->written_records += written(&slot->lane);
        s->dropped_records += __atomic_load_n(&slot->lane.dropped_total, __ATOMIC_RELAXED);
        if (!slot->lane.in_file) s->salvageable = false;
    }
    s->dropped_records += atomic_load(&run->nowhere);
    s->dropped_large = atomic_load(&run->dropped_large);
    s->failed_bytes = atomic_load(&run->failed_bytes);
    s->thread_waits = atomic_load(&run->waits);
    s->paused_ns = atomic_load(&run->paused_ns);
    int64_t since = atomic_load(&run->hold_since_ns);
    if (since) s->paused_ns += clock_mono_ns() - since;
}

void nns_stats_get(nns_run *run, nns_stats *stats) {
    if (!stats) return;
    *stats = (nns_stats){0};
    if (!run) return;
    count(run, stats);
    stats->step_share = (double)atomic_load(&run->step_share_ppm) / 1e6;
    stats->helper_share = (double)atomic_load(&run->helper_share_ppm) / 1e6;
}

int64_t stats_inside_ns(nns_run *run) {
    lane_slot *slot = atomic_load_explicit(&run->trainer_lane, memory_order_acquire);
    double quick = slot ? (double)written(&slot->lane) * run->scalar_ns : 0;
    quick += (double)atomic_load(&run->serial) * run->step_ns;
    return (int64_t)quick + atomic_load(&run->inside_ns);
}

static uint32_t ppm(int64_t part, int64_t whole) {
    if (whole <= 0 || part <= 0) return 0;
    double share = (double)part / (double)whole * 1e6;
    return share > 1e9 ? 1000000000u : (uint32_t)share;
}

static int64_t helpers_cpu_ns(nns_run *run) {
    network *n = network_of(run);
    int64_t worker = n ? atomic_load(&n->plan.worker_cpu_ns) : 0;
    return atomic_load(&run->helper_cpu_ns) + atomic_load(&run->aside_cpu_ns) + worker;
}

#define TRAINED_LEAST_NS 200000000 // of the last seconds, for a share to be said of them

// While a person holds the training, time inside nnscope is no share of its steps: what is copied then is left out.
static int64_t trained_inside_ns(nns_run *run) {
    int64_t inside = stats_inside_ns(run), held = atomic_load(&run->held_inside_ns);
    if (atomic_load(&run->holds)) held += inside - atomic_load(&run->inside_at_hold_ns);
    return inside - held;
}

void stats_second(nns_run *run) {
    nns_stats s = {0};
    count(run, &s);
    atomic_store(&run->helper_cpu_ns, clock_thread_cpu_ns());
    int64_t wall = clock_mono_ns(), trained = wall - s.paused_ns;
    share_sample now = {.mono_ns = trained,
                        .wall_ns = wall,
                        .inside_ns = trained_inside_ns(run),
                        .helper_ns = helpers_cpu_ns(run)};
    uint32_t held = run->sample_count < SHARE_SECONDS ? run->sample_count : SHARE_SECONDS;
    if (held) {
        uint32_t oldest = run->sample_count < SHARE_SECONDS ? 0 : run->sample_count % SHARE_SECONDS;
        share_sample then = run->samples[oldest];
        if (now.mono_ns - then.mono_ns >= TRAINED_LEAST_NS) // else the last one stands
            atomic_store(&run->step_share_ppm,
                         ppm(now.inside_ns - then.inside_ns, now.mono_ns - then.mono_ns));
        atomic_store(&run->helper_share_ppm,
                     ppm(now.helper_ns - then.helper_ns, now.wall_ns - then.wall_ns));
    }
    run->samples[run->sample_count++ % SHARE_SECONDS] = now;
}

void stats_beat(nns_run *run) {
    nns_stats s = {0};
    count(run, &s);
    uint32_t flags =
        (atomic_load(&run->holds) ? BEAT_PAUSED : 0u) | (s.salvageable ? 0u : BEAT_PRIVATE_LANES);
    uint8_t *at = lanes_begin(run, 64, false);
    if (!at) return;
    lanes_head(at, RECORD_BEAT, 64, atomic_load(&run->step_share_ppm));
    le_put_u64(at + 8, (uint64_t)clock_mono_ns());
    le_put_u64(at + 16, s.written_records);
    le_put_u64(at + 24, s.dropped_records);
    le_put_u64(at + 32, s.dropped_large);
    le_put_u64(at + 40, s.failed_bytes);
    le_put_u32(at + 48, atomic_load(&run->helper_share_ppm));
    le_put_u32(at + 52, flags);
    le_put_i64(at + 56, s.paused_ns);
    lanes_end(at);
}
