// Unit liveness.c sees which processes live, lets what dead ones left be salvaged, and sends runs that are over to rest.
//
//     LIVE --lock free--> GONE --salvaged, all taken--> OVER --files deleted--> forgotten (kept in the run object)
//       \--no alive file, behind CLOSE or for MISSING; all taken--> OVER
//     FAR: on another host, cannot be checked from here; LIVE or over when it says so
//
// Engine thread, twice a second; a process that closed is looked at with every pass. Salvage copies up to
// 8 MiB and syncs, so a worker does it.
#include "run.h"

#include "base/clock.h"
#include "base/log.h"
#include "journal/place.h"

#include <dirent.h>
#include <string.h>
#include <unistd.h>

#define GIVE_BACK_NS (10 * NS_PER_S)
#define MISSING_NS (40 * NS_PER_S) // a process tries to make its folder again every 30 s at least (probe/folder.c)

typedef struct salvage_job {
    job j;
    process *p; // stays: processes that are being salvaged are not forgotten
    char folder[PATH_CAP];
    nns_id run, process;
} salvage_job;

static void work(core *c, job *j, store_reader *reader) {
    (void)reader;
    salvage_job *s = (salvage_job *)j;
    uint64_t bytes = 0;
    int result = salvage(s->folder, s->run.text, s->process.text, &bytes);
    core_lock(c);
    s->p->salvaging = false;
    s->p->salvaged = result == 0 || result == NNS_E_NOT_FOUND;
    s->p->rescan = true;
    core_unlock(c);
    if (result && result != NNS_E_NOT_FOUND && result != NNS_E_BUSY)
        log_warn("salvage of run %s: %s", s->run.text, error_sentence(result));
    core_ring(c);
}

static void start_salvage(core *c, process *p, const char *folder) {
    salvage_job *s = mem_new(sizeof *s);
    if (!s) return;
    s->j.work = work;
    s->p = p;
    memcpy(s->folder, folder, sizeof s->folder);
    memcpy(s->run.text, p->run->row.key, sizeof s->run.text);
    s->process = p->id;
    p->salvaging = true;
    job_submit(&c->workers, &s->j);
}

// No alive file: its process removed it, behind its CLOSE. Or somebody deleted the folder under a process that makes it again, in
// a second, or as soon as it can: until then it is waited for.
static void miss(process *p) {
    int64_t now = clock_mono_ns();
    if (!p->missing_ns) p->missing_ns = now;
    p->rescan = true;
    if (!p->closed && now - p->missing_ns < MISSING_NS) return;
    p->ended = true;
    p->state = PROC_GONE;
}

static void look(core *c, process *p) {
    char folder[PATH_CAP];
    if (p->state == PROC_OVER || p->salvaging || p->newer || p->http ||
        place_run(c->dir, p->run->row.key, folder))
        return;
    if (p->ended || p->salvaged) return;
    int alive = alive_check(folder, p->id.text);
    core_lock(c);
    if (alive != NNS_E_NOT_FOUND) p->missing_ns = 0;
    if (alive == 1) {
        p->state = PROC_LIVE;
    } else if (alive == 2) {
        p->state = PROC_FAR;
    } else if (alive == 0) {
        p->state = PROC_GONE;
        start_salvage(c, p, folder);
    } else if (alive == NNS_E_NOT_FOUND) {
        miss(p);
    }
    core_unlock(c);
}

static void tire(core *c, process *p) {
    if (!p->http) return;
    core_lock(c);
    process_tire(c, p);
    core_unlock(c);
}

static bool all_taken(const process *p) {
    if (!p->drained || p->open || p->rescan || p->parked || p->media) return false;
    for (size_t i = 0; i < p->segment_count; i++)
        if (!p->segments[i].taken) return false;
    return true;
}

static void look_over(core *c, process *p) {
    if (p->state == PROC_OVER || p->newer || !all_taken(p)) return;
    if (process_may_grow(p)) return;
    core_lock(c);
    process_over(c, p);
    core_unlock(c);
}

// --- rest ---------------------------------------------------------------------------------------

static bool files_gone(const process *p) {
    for (size_t i = 0; i < p->segment_count; i++)
        if (!p->segments[i].foreign) return false;
    return p->segment_count == 0 || p->drained;
}

static bool may_rest(const run *r) {
    if (!r->loaded || !state_over(r->row.state) || r->succession_ns) return false;
    for (size_t i = 0; i < r->process_count; i++)
        if (r->processes[i]->state != PROC_OVER || r->processes[i]->salvaging ||
            !files_gone(r->processes[i]))
            return false;
    return true;
}

// The run is over and its journal gone: its cursors, details and processes leave memory. Lock held: a process that is
// met at this very moment must be seen here.
static void rest(core *c, run *r) {
    run_keep_processes(r);
    for (size_t i = 0; i < r->process_count; i++) {
        process *p = r->processes[i];
        store_drop_cursors(c->store, r->row.id, p->id.text);
        p->cursors_gone = true;
    }
    r->dirty = true;
    core_commit(c);
    run_unload(c, r);
    if (!c->give_back_ns) c->give_back_ns = clock_mono_ns() + GIVE_BACK_NS;
    store_run_end(c->store, r->row.id);
    for (size_t i = 0; i < r->process_count; i++)
        process_free(r->processes[i]);
    mem_free(r->processes);
    r->processes = NULL;
    r->process_count = 0;
    run_deactivate(c, r);
    run_touch(c, r);
    r->dirty = false;
}

static void rest_when_due(core *c, run *r) {
    core_lock(c);
    if (may_rest(r)) rest(c, r);
    core_unlock(c);
}

void liveness_look(core *c) {
    if (atomic_load(&c->ending)) return;
    for (run *r = c->active, *next; r; r = next) { // grows at its front only, on other threads
        next = r->next_active;
        process *p;
        for (size_t i = 0; (p = process_at(c, r, i)); i++) {
            look(c, p);
            tire(c, p);
            look_over(c, p);
        }
        rest_when_due(c, r);
    }
}

void liveness_closed(core *c) {
    process *p;
    for (run *r = c->active; r; r = r->next_active)
        for (size_t i = 0; (p = process_at(c, r, i)); i++)
            if (p->closed || p->salvaged || p->ended) {
                look(c, p);
                look_over(c, p);
            }
}
