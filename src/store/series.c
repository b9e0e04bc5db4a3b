// Unit series.c is the head of a series: the points that no chunk has yet, in memory, growing from 16 to a
// chunk. It lies between store_append and the writer.
//
//     empty --append--> dense in the group's block --block ends--> cut (a chunk that shares the time column)
//                          | a gap, a repeat, another lane,            ^
//                          | or few points when the block ends         | chunk_points reached, another attempt,
//                          v                                           | the run's end, or regular again at a
//                        its own steps and times ----------------------+ block's beginning
//
// 1. A head and a cut hold points of one attempt, in arrival order; ordinals go on without a hole.
// 2. A dense head is cut only when its block ends, so a stored chunk's axis is stored in the same commit.
// 3. Memory: a head at most 8 (dense) or 24 bytes a point of one chunk; a cut is pending until it is durable,
//    and pending bytes have a limit.
#include "internal.h"

#include <assert.h>
#include <math.h>
#include <string.h>

enum { FIRST_CAPACITY = 16 };

store_series *series_new(store *s, live_run *r, store_id id, const char *name, size_t length,
                         int kind, const char *unit, int direction) {
    store_series *h = mem_new(sizeof *h);
    if (!h) return NULL;
    h->name = mem_text(name, length);
    h->unit = mem_text(unit ? unit : "", unit ? strlen(unit) : 0);
    h->s = s;
    h->run = r;
    h->id = id;
    h->kind = kind;
    h->direction = direction;
    stats none;
    stats_clear(&none);
    stats_set(&h->stats, &none);
    atomic_init(&h->uses, 1);
    if (h->name && h->unit) return h;
    series_release(h);
    return NULL;
}

void series_release(store_series *h) {
    if (atomic_fetch_sub(&h->uses, 1) > 1) return;
    assert(!h->cuts);
    if (h->block) block_release(h->block);
    pyramid_free(h->pyramid);
    mem_free(h->value);
    mem_free(h->step);
    mem_free(h->time_ms);
    mem_free(h->name);
    mem_free(h->unit);
    mem_free(h);
}

// --- cuts ------------------------------------------------------------------------------------

const int64_t *cut_step(const cut *c) {
    return c->block ? c->block->step + c->first : c->step;
}

const int64_t *cut_time(const cut *c) {
    return c->block ? c->block->time_ms + c->first : c->time_ms;
}

void cut_release(cut *c) {
    if (atomic_fetch_sub(&c->uses, 1) > 1) return;
    if (c->block) block_release(c->block);
    series_release(c->series);
    mem_free(c->value);
    mem_free(c->step);
    mem_free(c->time_ms);
    mem_free(c);
}

static void leave_block(store_series *h) {
    if (h->previous_member)
        h->previous_member->next_member = h->next_member;
    else
        h->block->members = h->next_member;
    if (h->next_member) h->next_member->previous_member = h->previous_member;
    h->next_member = h->previous_member = NULL;
    h->block = NULL;
}

static void enter_block(store_series *h, axis_block *b, uint32_t row) {
    atomic_fetch_add(&b->uses, 1);
    h->block = b;
    h->first = row;
    h->previous_member = NULL;
    h->next_member = b->members;
    if (b->members) b->members->previous_member = h;
    b->members = h;
}

static void queue_cut(store_series *h, cut *c, size_t bytes) {
    commit *open = h->s->open;
    if (open->cuts_tail)
        open->cuts_tail->next = c;
    else
        open->cuts = c;
    open->cuts_tail = c;
    c->in = open;
    if (h->last_cut) {
        h->last_cut->next_of_series = c;
        if (h->last_cut->in == open) h->last_cut->superseded = true; // else it is the writer's
    } else {
        h->cuts = c;
    }
    h->last_cut = c;
    open->bytes += bytes;
    open->full = true;
    atomic_fetch_add(&h->s->pending, bytes);
    atomic_fetch_add(&h->uses, 1);
}

int series_cut(store_series *h, bool force) {
    uint32_t n = atomic_load_explicit(&h->count, memory_order_relaxed);
    assert(n > 0);
    if (!force && atomic_load(&h->s->pending) > STORE_PENDING_BYTES) return NNS_E_AGAIN;
    cut *c = mem_new(sizeof *c);
    double *value = mem_array(h->capacity, sizeof *value);
    if (!c || !value) {
        mem_free(c);
        mem_free(value);
        return NNS_E_NO_MEMORY;
    }
    *c = (cut){.series = h,
               .ordinal = h->ordinal,
               .count = n,
               .attempt = h->attempt,
               .block = h->block,
               .first = h->first,
               .value = h->value,
               .step = h->step,
               .time_ms = h->time_ms};
    atomic_init(&c->uses, 1);
    stats_copy(&h->stats, &c->stats);
    if (h->block) {
        h->block->chunks++;
        leave_block(h); // its count on the block is the cut's now
    }
    queue_cut(h, c, sizeof *c + n * (c->block ? sizeof(double) : 3 * sizeof(double)));
    h->value = value;
    h->step = h->time_ms = NULL;
    h->ordinal += n;
    if (h->logged < h->ordinal) h->logged = h->ordinal;
    atomic_store_explicit(&h->count, 0, memory_order_release);
    return 0;
}

// --- shape -----------------------------------------------------------------------------------

// Room for steps and times of `capacity` points; what is there is kept.
static int grow_own(store_series *h, uint32_t capacity) {
    int64_t *step = mem_grow(h->step, capacity, sizeof *step);
    if (!step) return NNS_E_NO_MEMORY;
    h->step = step;
    int64_t *time_ms = mem_grow(h->time_ms, capacity, sizeof *time_ms);
    if (!time_ms) return NNS_E_NO_MEMORY;
    h->time_ms = time_ms;
    return 0;
}

int series_own(store_series *h) {
    if (grow_own(h, h->capacity)) return NNS_E_NO_MEMORY;
    axis_block *b = h->block;
    uint32_t n = atomic_load_explicit(&h->count, memory_order_relaxed);
    memcpy(h->step, b->step + h->first, n * sizeof *h->step);
    memcpy(h->time_ms, b->time_ms + h->first, n * sizeof *h->time_ms);
    leave_block(h);
    block_release(b);
    return 0;
}

static int grow(store_series *h) {
    uint32_t capacity = h->capacity ? h->capacity * 2 : FIRST_CAPACITY;
    if (capacity > h->s->options.chunk_points) capacity = (uint32_t)h->s->options.chunk_points;
    assert(capacity > h->capacity);
    double *value = mem_grow(h->value, capacity, sizeof *value);
    if (!value) return NNS_E_NO_MEMORY;
    h->value = value;
    if (!h->block && h->step && grow_own(h, capacity)) return NNS_E_NO_MEMORY;
    h->capacity = capacity;
    return 0;
}

// An own head whose last points came row by row joins the block at its beginning again.
static bool regular_again(store_series *h, const store_group *g) {
    bool follows = h->last_group == g && g->rows == h->last_row + 1;
    h->streak = follows ? h->streak + 1 : 0;
    return g->row == 0 && h->streak * 8 >= (uint64_t)h->s->options.chunk_points;
}

// Brings the head into a shape that takes the group's row next. Under lock.
static int shape(store_series *h, store_group *g) {
    uint32_t n = atomic_load_explicit(&h->count, memory_order_relaxed);
    bool regular = regular_again(h, g);
    int result = 0;
    bool goes_on = h->block && h->block == g->block && h->first + n == g->row;
    if (n && h->block && (!goes_on || h->attempt != g->attempt)) result = series_own(h);
    if (result) return result;
    if (n && !h->block)
        if (h->attempt != g->attempt || n == h->s->options.chunk_points || regular)
            result = series_cut(h, false);
    if (result) return result;
    n = atomic_load_explicit(&h->count, memory_order_relaxed);
    if (n == h->capacity && (result = grow(h))) return result;
    if (n == 0) {
        assert(!h->block);
        h->attempt = g->attempt;
        enter_block(h, g->block, g->row);
    }
    return 0;
}

// --- appending -------------------------------------------------------------------------------

static void mark_dirty(store_series *h) {
    if (h->dirty) return;
    h->dirty = true;
    h->next_dirty = h->s->dirty;
    h->s->dirty = h;
}

static inline void publish(store_series *h, uint32_t n, int64_t attempt, int64_t step,
                           int64_t time_ms, double value) {
    h->value[n] = value;
    if (!h->block) {
        h->step[n] = step;
        h->time_ms[n] = time_ms;
    }
    stats_note(&h->stats, h->direction, h->ordinal + n == 0, attempt, step, time_ms, value);
    atomic_store_explicit(&h->count, n + 1, memory_order_release);
    mark_dirty(h);
}

int group_row(store_group *g); // group.c

int store_append(store_group *g, store_series *h, double value) {
    assert(g->s == h->s && g->run == h->run && !h->closing);
    if (!g->row_open) {
        int result = group_row(g);
        if (result) return result;
    }
    uint32_t n = atomic_load_explicit(&h->count, memory_order_relaxed);
    bool fits = h->block == g->block && h->first + n == g->row && n > 0 && n < h->capacity;
    if (!fits) {
        pthread_mutex_lock(&h->s->lock);
        int result = shape(h, g);
        pthread_mutex_unlock(&h->s->lock);
        if (result) return result;
        n = atomic_load_explicit(&h->count, memory_order_relaxed);
    }
    publish(h, n, g->attempt, g->step, g->time_ms, value);
    h->last_group = g;
    h->last_row = g->rows;
    return 0;
}

// Replay: into an own head. Under lock or before anybody reads.
int series_take(store_series *h, int64_t attempt, int64_t step, int64_t time_ms, double value) {
    uint32_t n = atomic_load_explicit(&h->count, memory_order_relaxed);
    int result = 0;
    if (n && (h->attempt != attempt || n == h->s->options.chunk_points)) {
        h->capacity = n > FIRST_CAPACITY ? n : FIRST_CAPACITY; // a hostile log cuts at every point
        result = series_cut(h, true);
    }
    if (result) return result;
    n = atomic_load_explicit(&h->count, memory_order_relaxed);
    if (n == h->capacity && (result = grow(h))) return result;
    if (n == 0 || !h->step) result = grow_own(h, h->capacity);
    if (result) return result;
    h->attempt = attempt;
    h->value[n] = value;
    h->step[n] = step;
    h->time_ms[n] = time_ms;
    stats_note(&h->stats, h->direction, h->ordinal + n == 0, attempt, step, time_ms, value);
    atomic_store_explicit(&h->count, n + 1, memory_order_release);
    return 0;
}

void series_info(const store_series *h, store_series_info *info) {
    *info = (store_series_info){
        .id = h->id, .name = h->name, .unit = h->unit, .kind = h->kind, .direction = h->direction};
    stats t;
    stats_copy(&h->stats, &t);
    stats_info(&t, info);
    info->points = h->ordinal + atomic_load_explicit(&h->count, memory_order_acquire);
}

void store_series_get(store_series *h, store_series_info *info) {
    series_info(h, info);
}
