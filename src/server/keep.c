// Unit keep.c keeps snapshots: captures of kind SNAPSHOT, recoded (recode.c) on a thread of its own, one after the other, so that
// neither the engine nor anybody who asks for points waits for them. Order, for a kill at any moment, as for images (blob.c):
//
//     1 the blob is read; packed, on top of the snapshot before it, or by itself every 16th time or when that is no larger
//     2 written as blobs/HH/NAME, synced. NAME is the SHA-256 of run, process and blob number: done again it is the same file
//     3 under one lock: the row is put, what is due is over; both are in the next commit
//     4 when that is durable the process's blob is unlinked
//
//     row -> base -> base -> ... -> key frame      at most CHAIN_MAX deep; decoded from the far end, or from what the cache has
//
// Invariants: (1) a file that a durable row names is whole, and goes only when a commit without it is durable; (2) the cache holds
// CACHE_BYTES at most, besides what is borrowed.
#include "keep.h"
#include "hub.h"

#include "base/clock.h"
#include "base/hash.h"
#include "base/log.h"
#include "journal/place.h"
#include "journal/stage.h"

#include <assert.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define CACHE_BYTES ((size_t)192 << 20)
#define PAGE_BYTES 4096

struct decoded {
    decoded *next;
    char hash[65];
    buf bytes;
    int uses; // those who borrow it, and the cache
};

struct keeper {
    job_queue queue;
    pthread_mutex_t mutex; // of the cache
    decoded *cache;        // last used first
    size_t cache_bytes;
};

// --- names and files ----------------------------------------------------------------------------

void snapshot_name(char out[65], const char *key, const char *rest, uint64_t number) {
    char text[192];
    uint8_t digest[EVP_MAX_MD_SIZE];
    unsigned length = 0;
    int n =
        snprintf(text, sizeof text, "snapshot %s %s %llu", key, rest, (unsigned long long)number);
    if (!EVP_Digest(text, (size_t)n, digest, &length, EVP_sha256(), NULL)) length = 0;
    memset(digest + length, 0, sizeof digest - length);
    hash_hex(digest, 32, out);
}

int snapshot_write(core *c, const char *hash, const buf *bytes) {
    char folder[PATH_CAP], path[PATH_CAP];
    int result = file_path(folder, "%s/blobs/%.2s", c->dir, hash);
    if (!result) result = file_folder(folder);
    if (!result) result = blob_path(c, hash, path);
    return result ? result : file_write(path, bytes->data, bytes->length);
}

uint64_t snapshot_cost(const store_snapshot *row) {
    return (row->bytes + PAGE_BYTES - 1) / PAGE_BYTES * PAGE_BYTES;
}

// --- cache --------------------------------------------------------------------------------------

static void release_decoded(decoded *d) {
    if (--d->uses) return;
    buf_fini(&d->bytes);
    mem_free(d);
}

static decoded *cache_find(keeper *k, const char *hash) {
    for (decoded **at = &k->cache, *d; (d = *at); at = &d->next) {
        if (strcmp(d->hash, hash) != 0) continue;
        *at = d->next;
        d->next = k->cache;
        k->cache = d;
        return d;
    }
    return NULL;
}

static void cache_shrink(keeper *k) {
    while (k->cache_bytes > CACHE_BYTES) {
        decoded **at = &k->cache;
        while ((*at)->next)
            at = &(*at)->next;
        decoded *oldest = *at;
        *at = NULL;
        k->cache_bytes -= oldest->bytes.length;
        release_decoded(oldest);
    }
}

static void cache_add(keeper *k, decoded *d) {
    d->uses++;
    d->next = k->cache;
    k->cache = d;
    k->cache_bytes += d->bytes.length;
    cache_shrink(k);
}

static decoded *new_decoded(const char *hash, buf *bytes) {
    decoded *d = bytes->failed ? NULL : mem_new(sizeof *d);
    if (d) {
        d->bytes = *bytes;
        d->uses = 1;
        memcpy(d->hash, hash, sizeof d->hash);
        *bytes = (buf){0};
    }
    buf_fini(bytes);
    return d;
}

recode_bytes snapshot_bytes(const decoded *d) {
    return d ? (recode_bytes){d->bytes.data, d->bytes.length} : (recode_bytes){0};
}

void snapshot_drop(core *c, decoded *d) {
    if (!d) return;
    pthread_mutex_lock(&c->keeper->mutex);
    release_decoded(d);
    pthread_mutex_unlock(&c->keeper->mutex);
}

// Takes the bytes.
static void snapshot_remember(core *c, const char *hash, buf *bytes) {
    decoded *d = new_decoded(hash, bytes);
    if (!d) return;
    pthread_mutex_lock(&c->keeper->mutex);
    if (!cache_find(c->keeper, hash)) cache_add(c->keeper, d);
    release_decoded(d);
    pthread_mutex_unlock(&c->keeper->mutex);
}

static decoded *borrow(core *c, const char *hash) {
    pthread_mutex_lock(&c->keeper->mutex);
    decoded *d = cache_find(c->keeper, hash);
    if (d) d->uses++;
    pthread_mutex_unlock(&c->keeper->mutex);
    return d;
}

// --- reading ------------------------------------------------------------------------------------

static int decode(core *c, const store_snapshot *row, decoded *base, decoded **out) {
    char path[PATH_CAP];
    buf stored = {0}, bytes = {0};
    int result = blob_path(c, row->hash, path);
    if (!result) result = file_read(path, CAPTURE_BYTES_MAX, &stored);
    if (!result)
        result =
            recode_unpack((recode_bytes){stored.data, stored.length}, snapshot_bytes(base), &bytes);
    buf_fini(&stored);
    if (result) {
        buf_fini(&bytes);
        return result;
    }
    *out = new_decoded(row->hash, &bytes);
    if (!*out) return NNS_E_NO_MEMORY;
    pthread_mutex_lock(&c->keeper->mutex);
    if (!cache_find(c->keeper, row->hash)) cache_add(c->keeper, *out);
    pthread_mutex_unlock(&c->keeper->mutex);
    return 0;
}

int snapshot_open(core *c, store_reader *reader, store_id of, const store_snapshot *row,
                  decoded **out) {
    store_snapshot chain[CHAIN_MAX + 1];
    int depth = 0, result = 0;
    decoded *d = NULL;
    chain[0] = *row;
    while (!(d = borrow(c, chain[depth].hash)) && chain[depth].base) {
        if (depth == CHAIN_MAX) return NNS_E_CORRUPT;
        result = store_snapshot_get(reader, of, chain[depth].base, &chain[depth + 1]);
        if (result) return result;
        depth++;
    }
    if (d) depth--;
    for (; depth >= 0 && !result; depth--) {
        decoded *next = NULL;
        result = decode(c, &chain[depth], d, &next);
        snapshot_drop(c, d);
        d = next;
    }
    *out = d;
    return result;
}

// What was made by an earlier program of the run is shown under the numbers of today; it is not cached so.
static int renumber(core *c, store_reader *reader, store_id of, const store_snapshot *row,
                    decoded **d) {
    buf out = {0};
    int result = snapshot_renumber(reader, of, row->time_ms, &(*d)->bytes, &out);
    if (!result && !out.length) return 0;
    decoded *now = result ? NULL : new_decoded(row->hash, &out);
    if (result) buf_fini(&out);
    snapshot_drop(c, *d);
    *d = now;
    return now ? 0 : NNS_E_NO_MEMORY;
}

// A file may have gone since its row was read: then the rows have changed.
int snapshot_nearest(core *c, store_reader *reader, store_id of, int64_t step, decoded **out) {
    store_snapshot row;
    int result = NNS_E_NOT_FOUND;
    for (int tries = 0; tries < 3; tries++) {
        result = store_snapshot_at(reader, of, step, &row);
        if (result) return result;
        result = snapshot_open(c, reader, of, &row, out);
        if (result != NNS_E_NOT_FOUND) return result ? result : renumber(c, reader, of, &row, out);
    }
    return NNS_E_CORRUPT;
}

// --- taking -------------------------------------------------------------------------------------

typedef struct keep_job {
    job j;
    char key[27], process[27];
    store_id run;
    media_due due;
    store_snapshot row;
    bool known; // `last` is
    store_snapshot last;
} keep_job;

// How the one before ends, from memory, or after a start from the store.
static void find_last(core *c, keep_job *k, store_reader *reader) {
    core_lock(c);
    run *r = registry_find(c, k->key);
    network *n = r ? run_network(r) : NULL;
    if (n && n->last_known) k->last = n->last;
    k->known = n && n->last_known;
    core_unlock(c);
    if (k->known) return;
    store_snapshots sum = {0};
    core_settle(c);
    int result = store_snapshot_last(reader, k->run, &k->last);
    if (!result) result = store_snapshots_sum(reader, k->run, &sum);
    core_lock(c);
    r = registry_find(c, k->key);
    n = r ? run_network(r) : NULL;
    if (n && (!result || result == NNS_E_NOT_FOUND)) {
        n->last_known = k->known = true;
        n->last = k->last;
        n->kept_bytes = sum.bytes;
        n->kept_count = sum.count;
    }
    core_unlock(c);
}

static int pack(core *c, keep_job *k, store_reader *reader, recode_bytes raw, buf *out) {
    decoded *base = NULL;
    bool chained = k->last.id && k->last.depth < CHAIN_MAX &&
                   !snapshot_open(c, reader, k->run, &k->last, &base);
    int result = recode_pack(raw, chained ? snapshot_bytes(base) : (recode_bytes){0}, out);
    snapshot_drop(c, base);
    k->row.base = chained ? k->last.id : 0;
    k->row.depth = chained ? k->last.depth + 1 : 0;
    if (result || !chained || out->length * 2 < raw.length) return result;
    buf alone = {0}; // little was the same: by itself it may be as small
    result = recode_pack(raw, (recode_bytes){0}, &alone);
    if (!result && alone.length <= out->length) {
        buf swap = *out;
        *out = alone;
        alone = swap;
        k->row.base = k->row.depth = 0;
    }
    buf_fini(&alone);
    return result;
}

static int read_raw(core *c, keep_job *k, buf *raw) {
    char folder[PATH_CAP], path[PATH_CAP];
    capture_head head;
    int result = place_run(c->dir, k->key, folder);
    if (!result) result = stage_blob_path(path, folder, k->process, k->due.blob);
    if (!result) result = file_read(path, CAPTURE_BYTES_MAX, raw);
    if (!result) result = capture_open(raw->data, raw->length, &head);
    if (!result && (head.kind != CAPTURE_SNAPSHOT || head.flags & CAPTURE_DELTA))
        result = NNS_E_CORRUPT;
    return result;
}

static int keep(core *c, keep_job *k, store_reader *reader) {
    buf raw = {0}, packed = {0};
    int result = read_raw(c, k, &raw);
    if (!result) find_last(c, k, reader);
    if (!result) result = pack(c, k, reader, (recode_bytes){raw.data, raw.length}, &packed);
    snapshot_name(k->row.hash, k->key, k->process, k->due.blob);
    if (!result) result = snapshot_write(c, k->row.hash, &packed);
    k->row.bytes = packed.length;
    if (!result) snapshot_remember(c, k->row.hash, &raw);
    buf_fini(&raw);
    buf_fini(&packed);
    return result;
}

static media_due *due_of(process *p, uint64_t blob) {
    media_due *m = p ? p->media : NULL;
    while (m && (m->blob != blob || m->capture != CAPTURE_SNAPSHOT))
        m = m->next;
    return m;
}

static bool put(core *c, run *r, keep_job *k) {
    network *n = run_network(r);
    if (!n || store_put_snapshot(c->store, k->run, &k->row)) return false;
    n->last = k->row;
    n->last_known = k->known;
    n->kept_bytes += k->row.bytes;
    n->kept_count++;
    c->rows_dirty = true;
    run_touch(c, r);
    return true;
}

// Row and due in one moment. What cannot be kept is counted; what could not be written now is tried again.
static void settle(core *c, keep_job *k, int result) {
    char path[PATH_CAP];
    core_lock(c);
    run *r = registry_named(c, k->key);
    process *p = r ? process_find(r, k->process) : NULL;
    media_due *m = due_of(p, k->due.blob);
    bool again = m && (result == NNS_E_FULL || result == NNS_E_IO || result == NNS_E_NO_MEMORY);
    bool good = m && !result && put(c, r, k);
    bool lost = m && !again && !good; // not one of an attempt that is over
    if (lost) r->row.dropped++;
    if (m && again) m->busy_until_ns = clock_mono_ns() + NS_PER_S;
    if (m && !again) {
        m->over = p->state_dirty = true;
        blob_done(p, m->blob);
    }
    core_unlock(c);
    if (!good && !again && !result && !blob_path(c, k->row.hash, path)) unlink(path);
    if (lost)
        log_warn("a snapshot of run %s at step %lld: %s", k->key, (long long)k->due.step,
                 error_sentence(result ? result : NNS_E_IO));
    core_ring(c);
}

static void work(core *c, job *j, store_reader *reader) {
    keep_job *k = (keep_job *)j;
    settle(c, k, keep(c, k, reader));
    thin_when_due(c, k->key, k->run);
}

bool keep_submit(core *c, process *p, media_due *m) {
    keep_job *k = mem_new(sizeof *k);
    if (!k) return false;
    k->j.work = work;
    memcpy(k->key, p->run->row.key, sizeof k->key);
    memcpy(k->process, p->id.text, sizeof k->process);
    core_lock(c);
    k->run = p->run->row.id;
    core_unlock(c);
    k->due = *m;
    k->row = (store_snapshot){.attempt = m->attempt,
                              .step = m->step,
                              .time_ms = m->time_ms,
                              .flags = m->flags & (CAPTURE_SLICED | CAPTURE_FLIGHT | CAPTURE_KEPT)};
    job_submit(&c->keeper->queue, &k->j);
    return true;
}

// --- for a look at a run that is over ------------------------------------------------------------

typedef struct newest_job {
    job j;
    viewer *v; // counted
    uint32_t id;
    uint64_t serial;
    store_id run;
} newest_job;

static void show(core *c, newest_job *k, frame *f) {
    core_lock(c);
    looking *l = k->v->closed ? NULL : look_find(k->v, k->id);
    if (l && l->serial == k->serial && f) {
        look_frames_add(&l->waiting, f, UINT64_MAX);
        viewer_ready(k->v);
    }
    frame_release(f);
    core_unlock(c);
    if (c->hooks.wake) c->hooks.wake(c->hooks.context);
}

static void work_newest(core *c, job *j, store_reader *reader) {
    newest_job *k = (newest_job *)j;
    decoded *d = NULL;
    buf bytes = {0};
    core_settle(c);
    if (snapshot_nearest(c, reader, k->run, INT64_MAX, &d)) return;
    buf_zero(&bytes, FRAME_FRONT);
    buf_add(&bytes, d->bytes.data, d->bytes.length);
    snapshot_drop(c, d);
    if (!bytes.failed) show(c, k, frame_of_front(&bytes, false));
    buf_fini(&bytes);
}

static void fini_newest(job *j) {
    newest_job *k = (newest_job *)j;
    core *c = k->v->core;
    core_lock(c);
    viewer_unref(k->v);
    core_unlock(c);
}

void keep_newest(core *c, viewer *v, looking *l) {
    run *r = registry_find(c, l->key);
    newest_job *k = r ? mem_new(sizeof *k) : NULL;
    if (!k) return;
    k->j = (job){.work = work_newest, .fini = fini_newest};
    k->v = v;
    v->uses++;
    k->id = l->id;
    k->serial = l->serial;
    k->run = r->row.id;
    job_submit(&c->workers, &k->j);
}

// --- open and close -----------------------------------------------------------------------------

int keeper_open(core *c) {
    c->keeper = mem_new(sizeof *c->keeper);
    if (!c->keeper) return NNS_E_NO_MEMORY;
    pthread_mutex_init(&c->keeper->mutex, NULL);
    return job_queue_open(&c->keeper->queue, c, 1);
}

void keeper_submit(core *c, job *j) {
    job_submit(&c->keeper->queue, j);
}

void keeper_close(core *c) {
    if (c->keeper) job_queue_close(&c->keeper->queue);
}

void keeper_free(core *c) {
    keeper *k = c->keeper;
    if (!k) return;
    for (decoded *d; (d = k->cache);) {
        k->cache = d->next;
        release_decoded(d);
    }
    pthread_mutex_destroy(&k->mutex);
    mem_free(k);
    c->keeper = NULL;
}
