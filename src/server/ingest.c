// Unit ingest.c is the only reader of journals: it takes the whole blocks of a process's segments in order and hands
// their records to decode.c. Engine thread; files are read without the lock, records taken with it.
//
// A segment's life:   listed -> open -> taken -> (commit durable) -> deleted
//
// Invariants: (1) a lane's records are taken in the order of their sequence, each once: what lies below the lane's
// `next` is skipped, so that a copy written twice (salvage) or read twice (restart) is harmless; (2) what is not
// whole at the end of the newest segment of a process that lives is "not yet", anywhere else damage or "torn": it is skipped
// up to the next whole block, or to the end; whether a newer one exists is known from before the read; (3) a segment is deleted only when taken to its end, nothing of it
// is parked, and the commit that holds its points is durable; (4) a segment that is damaged at its head, or of a newer
// version, or of another process, is left alone.
//
// Parking: lanes are drained one after the other, so a block may use a series whose declaration stands in
// another lane's next block. Such a lane waits (its blocks are copied aside, 8 MiB and 2 s at most) until it comes.
#include "run.h"

#include "base/clock.h"
#include "base/log.h"
#include "journal/place.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PASS_BYTES (1u << 20)
#define PARKED_BYTES_MAX (8u << 20)
#define PARKED_NS (2 * NS_PER_S)

// --- segments -----------------------------------------------------------------------------------

static segment_file *segment_of(process *p, uint32_t number) {
    for (size_t i = 0; i < p->segment_count; i++)
        if (p->segments[i].number == number) return &p->segments[i];
    return NULL;
}

static segment_file *next_segment(process *p) {
    for (size_t i = 0; i < p->segment_count; i++)
        if (p->segments[i].number > p->reading && !p->segments[i].taken) return &p->segments[i];
    return NULL;
}

static bool newest(const process *p, uint32_t number) {
    return p->segment_count == 0 || p->segments[p->segment_count - 1].number <= number;
}

static void note_newer(core *c, process *p, uint32_t version) {
    char text[80];
    snprintf(text, sizeof text, "a newer nnscope (journal version %u)", version);
    core_lock(c);
    p->newer = p->run->newer = true;
    run_set_text(&p->run->needs, text);
    run_touch(c, p->run);
    core_unlock(c);
    log_warn("run %s needs %s; it is left untouched", p->run->row.key, text);
}

static void leave_alone(core *c, process *p, segment_file *f, const char *why) {
    log_warn("run %s: segment %u of %s is %s; left alone", p->run->row.key, f->number, p->id.text,
             why);
    (void)c;
    f->taken = f->foreign = true;
    p->reading = f->number;
}

static bool belongs(const process *p) {
    return strcmp(p->reader.run.text, p->run->row.key) == 0 &&
           strcmp(p->reader.process.text, p->id.text) == 0;
}

bool process_may_grow(const process *p) {
    // A body may be under way.
    if (p->http) return !p->closed || clock_mono_ns() - p->closed_ns < 2 * NS_PER_S;
    return !(p->ended || p->salvaged);
}

// Opens the next segment. False: none, or not whole yet.
static bool open_next(core *c, process *p) {
    char folder[PATH_CAP], path[PATH_CAP];
    for (segment_file *f; (f = next_segment(p));) {
        if (place_run(c->dir, p->run->row.key, folder) ||
            segment_path(path, folder, p->id.text, f->number))
            return false;
        int result = segment_open(&p->reader, path);
        if (!result && belongs(p)) {
            p->open = true;
            p->reading = f->number;
            return true;
        }
        if (!result) {
            segment_close(&p->reader);
            result = NNS_E_CORRUPT;
        }
        if (result == NNS_E_VERSION) {
            note_newer(c, p, p->reader.version);
            return false;
        }
        if (newest(p, f->number) && process_may_grow(p)) return false; // not yet
        leave_alone(c, p, f, result == NNS_E_AGAIN ? "cut short at its head" : "not readable");
    }
    return false;
}

static void close_taken(process *p) {
    segment_close(&p->reader);
    p->open = false;
    segment_file *f = segment_of(p, p->reading);
    if (f) f->taken = true;
}

// The writer may just have gone on in the next file; directories are listed only once a second.
static bool find_successor(core *c, process *p) {
    char folder[PATH_CAP], path[PATH_CAP];
    struct stat st;
    if (place_run(c->dir, p->run->row.key, folder) ||
        segment_path(path, folder, p->id.text, p->reading + 1))
        return false;
    if (lstat(path, &st)) return false;
    core_lock(c); // whoever commits looks at the list
    segment_file *files = mem_grow(p->segments, p->segment_count + 1, sizeof *files);
    if (files) {
        files[p->segment_count++] = (segment_file){.number = p->reading + 1};
        p->segments = files;
    }
    core_unlock(c);
    return files != NULL;
}

// --- parking ------------------------------------------------------------------------------------

static void park(process *p, lane_state *l, const uint8_t *at, size_t bytes, uint64_t first,
                 int64_t offset_ns) {
    parked *k = mem_new(sizeof *k + bytes);
    if (!k) return; // lost and counted below as dropped records are: memory is gone anyway
    *k = (parked){.lane = l->number,
                  .first = first,
                  .since_ns = clock_mono_ns(),
                  .offset_ns = offset_ns,
                  .bytes = bytes};
    memcpy(k->records, at, bytes);
    *p->parked_last = k;
    p->parked_last = &k->next;
    p->parked_bytes += bytes;
    l->parked = true;
}

// Takes what is parked as far as declarations allow; `force`: all of it.
static void unpark(core *c, process *p, bool force) {
    parked *list = p->parked;
    p->parked = NULL;
    p->parked_last = &p->parked;
    p->parked_bytes = 0;
    p->retry = false;
    for (size_t i = 0; i < p->lane_count; i++)
        p->lanes[i]->parked = false;
    while (list) {
        parked *k = list;
        list = k->next;
        lane_state *l = lane_find(c, p, k->lane);
        size_t done = 0;
        if (l && !l->parked) {
            assert(l->next <= k->first);
            l->next = k->first;
            done = decode_records(c, p, l, k->records, k->bytes, k->offset_ns, force);
        }
        if (l && done < k->bytes) {
            int64_t since = k->since_ns;
            park(p, l, k->records + done, k->bytes - done, k->first + done, k->offset_ns);
            if (p->parked)
                ((parked *)((char *)p->parked_last - offsetof(parked, next)))->since_ns = since;
        }
        mem_free(k);
    }
}

static void tend_parked(core *c, process *p, bool at_end) {
    if (!p->parked) return;
    bool force = at_end || p->parked_bytes > PARKED_BYTES_MAX ||
                 clock_mono_ns() - p->parked->since_ns > PARKED_NS;
    if (p->retry || force) unpark(c, p, force);
    if (p->parked && p->retry) unpark(c, p, force);
}

// --- blocks -------------------------------------------------------------------------------------

// Bytes at the start of the block that were taken before; a multiple of whole records.
static size_t known_bytes(const lane_state *l, const segment_block *b) {
    if (b->first >= l->next) return 0;
    uint64_t have = l->next - b->first;
    if (have >= b->bytes) return b->bytes;
    size_t at = 0;
    while (at < have)
        at += (size_t)((const record *)(const void *)(b->records + at))->words * 8;
    return at;
}

static uint64_t parked_end(const process *p, const lane_state *l) {
    uint64_t end = l->next;
    for (const parked *k = p->parked; k; k = k->next)
        if (k->lane == l->number) end = k->first + k->bytes;
    return end;
}

static void take_block(core *c, process *p, const segment_block *b, int64_t offset_ns) {
    lane_state *l = lane_find(c, p, b->lane);
    if (!l) return;
    if (l->parked) {
        lane_state reach = {.next = parked_end(p, l)};
        size_t skip = known_bytes(&reach, b);
        if (skip < b->bytes && b->first <= reach.next)
            park(p, l, b->records + skip, b->bytes - skip, b->first + skip, offset_ns);
        return;
    }
    size_t skip = known_bytes(l, b);
    if (skip == b->bytes) return;
    if (b->first > l->next) { // a hole: its records are lost, perhaps a STEP
        l->stepped = false;
        l->adrift = true;
    }
    l->next = b->first + skip;
    size_t done = decode_records(c, p, l, b->records + skip, b->bytes - skip, offset_ns, false);
    if (skip + done < b->bytes)
        park(p, l, b->records + skip + done, b->bytes - skip - done, b->first + skip + done,
             offset_ns);
}

static void take(core *c, process *p, const segment_block *b) {
    int64_t offset_ns =
        (int64_t)((uint64_t)p->reader.anchor_wall_ns - (uint64_t)p->reader.anchor_mono_ns);
    pthread_mutex_lock(&c->lock);
    c->slice_ns = clock_mono_ns();
    take_block(c, p, b, offset_ns);
    tend_parked(c, p, false);
    p->heard_ms = clock_wall_ms();
    c->figures.journal_bytes += b->bytes;
    c->hub_due = true;
    pthread_mutex_unlock(&c->lock);
}

// What is not whole will never be: on to the next block that is. False: the segment is taken.
static bool skip_damage(core *c, process *p) {
    if (segment_skip(&p->reader)) return false;
    log_warn("run %s: segment %u of %s is damaged; what stands behind the damage is taken",
             p->run->row.key, p->reading, p->id.text);
    core_lock(c);
    p->run->row.dropped++;
    run_touch(c, p->run);
    core_unlock(c);
    return true;
}

static void at_end(core *c, process *p) {
    bool done = !process_may_grow(p);
    if (p->parked) {
        core_lock(c);
        c->slice_ns = clock_mono_ns();
        tend_parked(c, p, done);
        core_unlock(c);
    }
    p->drained = true;
    blobs_put_away(c, p, done);
}

bool ingest_process(core *c, process *p) {
    size_t bytes = 0;
    segment_block b;
    p->drained = false;
    while (bytes < PASS_BYTES) {
        // The disk is behind, or full: the journal keeps the rest.
        if (store_full(c->store)) return false;
        if (!p->open && !open_next(c, p)) {
            at_end(c, p);
            return false;
        }
        bool last = newest(p, p->reading); // known before the read: invariant 2
        int result = segment_next(&p->reader, &b);
        if (result == 0) {
            take(c, p, &b);
            bytes += b.bytes + 64;
        } else if (!last) {
            if (!skip_damage(c, p)) close_taken(p);
        } else if (!find_successor(c, p)) {
            if (!process_may_grow(p) && skip_damage(c, p)) continue;
            if (!process_may_grow(p)) close_taken(p);
            at_end(c, p);
            return false;
        }
    }
    return true;
}
