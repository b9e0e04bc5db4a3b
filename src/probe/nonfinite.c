// Unit nonfinite.c notices when a series begins to hold NaN or infinity, so that what happened just before is kept: the worker
// writes the flight recorder out.
//
// A series is told once until it is finite again, and all together at most NONFINITE_MAX times a run. The table has one slot for
// each telling of a series that is bad now; finite values look into it only while it holds something.
#include "nonfinite.h"

#include "event.h"
#include "network.h"

#include "base/clock.h"

#include <string.h>

static int slot_of(nns_run *run, nns_series series) {
    for (int i = 0; i < NONFINITE_MAX; i++)
        if (atomic_load_explicit(&run->nonfinite.series[i], memory_order_relaxed) == series)
            return i;
    return -1;
}

static void begins(nns_run *run, nns_series series) {
    nonfinite *all = &run->nonfinite;
    if (slot_of(run, series) >= 0 || atomic_load(&all->told) >= NONFINITE_MAX) return;
    for (int i = 0; i < NONFINITE_MAX; i++) {
        uint32_t nothing = 0;
        if (!atomic_compare_exchange_strong(&all->series[i], &nothing, series)) continue;
        atomic_fetch_add(&all->told, 1);
        atomic_fetch_add(&all->count, 1);
        atomic_fetch_or(&all->fresh, 1u << i);
        atomic_fetch_or(&run->wanted, WANT_BIT(WANT_NONFINITE));
        return;
    }
}

static void ends(nns_run *run, nns_series series) {
    nonfinite *all = &run->nonfinite;
    int i = slot_of(run, series);
    if (i < 0 || (atomic_load(&all->fresh) & (1u << i))) return; // told first
    uint32_t expected = series;
    if (atomic_compare_exchange_strong(&all->series[i], &expected, 0))
        atomic_fetch_sub(&all->count, 1);
}

__attribute__((noinline, cold)) void nonfinite_note(nns_run *run, nns_series series, double value) {
    if (!run_is_open(run) || series == 0) return;
    if (isfinite(value))
        ends(run, series);
    else
        begins(run, series);
}

// EVENT NONFINITE {"where", "step"}, as often as there are series to remember.
static void tell(nns_run *run, const char *where, int64_t step) {
    uint8_t memory[6 * SERIES_NAME_MAX + 128]; // never grows
    buf json = {.data = memory, .capacity = sizeof memory};
    if (atomic_fetch_add(&run->nonfinite.events, 1) >= NONFINITE_MAX) return;
    buf_text(&json, "{\"where\":");
    buf_json(&json, where, strnlen(where, SERIES_NAME_MAX));
    buf_print(&json, ",\"step\":%lld}", (long long)step);
    event_write(run, EVENT_NONFINITE, 0, &json);
}

static bool hand_over(nns_run *run, nns_series series, int64_t step) {
    network *n = network_of(run);
    if (!n || !atomic_load_explicit(&n->copies.made, memory_order_acquire)) return false;
    copy *entry = copies_room(&n->copies, 0);
    if (!entry) return false;
    entry->kind = COPY_NONFINITE;
    entry->tensor = series;
    entry->step = entry->last_step = step;
    entry->time_ns = clock_mono_ns();
    entry->wall_ms = clock_wall_ms();
    copies_put(&n->copies, entry);
    return true;
}

void nonfinite_tell(nns_run *run) {
    atomic_fetch_and(&run->wanted, ~WANT_BIT(WANT_NONFINITE));
    uint32_t fresh = atomic_exchange(&run->nonfinite.fresh, 0);
    uint64_t serial = atomic_load(&run->serial);
    int64_t step = atomic_load(&run->stamps[serial & 1].step);
    for (int i = 0; i < NONFINITE_MAX; i++) {
        nns_series series = atomic_load(&run->nonfinite.series[i]);
        if (!(fresh & (1u << i)) || !series || hand_over(run, series, step)) continue;
        tell(run, series_name(&run->series, series), step);
    }
}
