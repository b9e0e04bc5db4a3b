// Unit commit.c gathers what one transaction will hold, and seals it: the open commit takes put rows, cuts and
// blocks as they come, and store_commit adds one log row for the points that no chunk has.
#include "internal.h"

#include <assert.h>

commit *commit_new(void) {
    return mem_new(sizeof(commit));
}

static void release_blocks(axis_block *b) {
    while (b) {
        axis_block *next = b->next;
        block_release(b);
        b = next;
    }
}

void commit_free(commit *c) {
    if (!c) return;
    for (cut *at = c->cuts; at;) {
        cut *next = at->next;
        cut_release(at);
        at = next;
    }
    release_blocks(c->blocks);
    for (size_t i = 0; i < c->ended_count; i++)
        series_release(c->ended[i]);
    mem_free(c->ended);
    mem_free(c->pieces);
    buf_fini(&c->rows);
    buf_fini(&c->log);
    buf_fini(&c->blobs);
    mem_free(c);
}

int commit_end(commit *c, store_series *series) {
    store_series **ended =
        mem_room(c->ended, c->ended_count, &c->ended_capacity, 16, sizeof *ended);
    if (!ended) return NNS_E_NO_MEMORY;
    c->ended = ended;
    atomic_fetch_add(&series->uses, 1);
    c->ended[c->ended_count++] = series;
    c->full = true;
    return 0;
}

static int put_attempts(store *s, live_run *r) {
    for (size_t i = 0; i < r->attempt_count; i++) {
        attempt_row *a = &r->attempts[i];
        if (!a->dirty) continue;
        db_value v[] = {db_i(r->id), db_i(a->number), db_i(a->first_step)};
        int result = rows_put(s, DB_ATTEMPT_PUT, v, 3);
        if (result) return result;
        a->dirty = false;
    }
    r->attempts_dirty = false;
    return 0;
}

static int put_all_attempts(store *s) {
    int result = 0;
    for (unsigned i = 0; !result && i < RUN_BUCKETS; i++)
        for (live_run *r = s->runs[i]; !result && r; r = r->next)
            if (r->attempts_dirty) result = put_attempts(s, r);
    return result;
}

// The log is written whole again when it has grown past twice what it must hold.
static bool log_is_due(const store *s) {
    size_t limit = s->log_base * 2 > STORE_LOG_BYTES ? s->log_base * 2 : STORE_LOG_BYTES;
    return s->log_force || s->log_bytes > limit;
}

static int build_log(store *s, commit *c, bool whole, size_t *bytes) {
    pthread_mutex_lock(&s->lock);
    int result = put_all_attempts(s);
    if (!result) result = log_build(s, &c->log, whole, bytes);
    if (!result) log_built(s);
    pthread_mutex_unlock(&s->lock);
    if (result) buf_fini(&c->log);
    return result;
}

static int seal_log(store *s, commit *c) {
    bool whole = log_is_due(s);
    size_t bytes = 0;
    int result = build_log(s, c, whole, &bytes);
    if (result) return result;
    c->log_anew = whole;
    s->log_force = false;
    if (whole) s->log_base = bytes;
    s->log_bytes = whole ? bytes : s->log_bytes + bytes;
    c->bytes += bytes;
    atomic_fetch_add(&s->pending, bytes);
    return 0;
}

static uint64_t hand_over(store *s, commit *next) {
    pthread_mutex_lock(&s->lock);
    commit *c = s->open;
    uint64_t number = ++s->sealed; // the writer may free it once the lock is let go
    c->number = number;
    s->open = next;
    if (s->queue_tail)
        s->queue_tail->next = c;
    else
        s->queue = c;
    s->queue_tail = c;
    s->idle = false;
    pthread_cond_signal(&s->wake);
    pthread_mutex_unlock(&s->lock);
    return number;
}

bool store_dirty(store *s) {
    return s->open->full || s->dirty;
}

bool store_full(store *s) {
    return atomic_load_explicit(&s->pending, memory_order_relaxed) > STORE_PENDING_BYTES / 2;
}

uint64_t store_commit(store *s) {
    if (!store_dirty(s)) return s->sealed;
    commit *next = commit_new();
    if (!next) return 0;
    int result = seal_log(s, s->open);
    if (result) {
        commit_free(next);
        return 0;
    }
    return hand_over(s, next);
}
