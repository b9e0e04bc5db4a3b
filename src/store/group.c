// Unit group.c is a lane: the series that are logged together and share their time columns. It takes a row per
// step into a block; a full block ends, and what is dense in it is cut with it, so that chunk borders of a lane fall
// together and one stored axis serves all.
//
// 1. A block has rows of one attempt; a chunk refers to rows of one block.
// 2. A series with less than a quarter of a block's rows in it goes on by itself (its own steps and times).
// 3. A block is stored exactly when a chunk was cut from it.
#include "internal.h"

#include <assert.h>

int group_row(store_group *g);

void block_release(axis_block *b) {
    if (atomic_fetch_sub(&b->uses, 1) > 1) return;
    mem_free(b->step);
    mem_free(b->time_ms);
    mem_free(b);
}

static axis_block *block_new(store *s, store_id run) {
    axis_block *b = mem_new(sizeof *b);
    if (!b) return NULL;
    b->capacity = (uint32_t)s->options.chunk_points;
    b->step = mem_array(b->capacity, sizeof *b->step);
    b->time_ms = mem_array(b->capacity, sizeof *b->time_ms);
    b->id = s->next_axis++;
    b->run = run;
    atomic_init(&b->uses, 1);
    if (b->step && b->time_ms) return b;
    block_release(b);
    return NULL;
}

store_group *store_group_open(store *s, store_id run, uint32_t lane) {
    live_run *r = NULL;
    if (!s->has_writer || run_open(s, run, &r)) return NULL;
    store_group *g = mem_new(sizeof *g);
    if (!g) {
        run_unpin(s, r);
        return NULL;
    }
    g->s = s;
    g->run = r;
    g->lane = lane;
    pthread_mutex_lock(&s->lock);
    g->next = r->groups;
    r->groups = g;
    r->pins--;
    pthread_mutex_unlock(&s->lock);
    return g;
}

static void note_attempt(store_group *g) {
    g->noted = run_note_attempt(g->s, g->run, g->attempt, g->step, &g->seen_first) == 0;
    g->seen_attempt = g->attempt;
}

void store_step(store_group *g, int64_t attempt, int64_t step, int64_t time_ms) {
    g->attempt = attempt;
    g->step = step;
    g->time_ms = time_ms;
    g->row_open = false;
    if (!g->noted || attempt != g->seen_attempt || step < g->seen_first) note_attempt(g);
}

// --- blocks ----------------------------------------------------------------------------------

static int end_members(axis_block *b, bool force) {
    int result = 0;
    while (!result && b->members) {
        store_series *h = b->members;
        uint32_t n = atomic_load_explicit(&h->count, memory_order_relaxed);
        bool enough = force || n * 4 >= b->capacity;
        result = enough ? series_cut(h, force) : series_own(h);
    }
    return result;
}

// The group's block ends: its dense heads become cuts or go on by themselves.
int group_close_block(store_group *g, bool force) {
    axis_block *b = g->block;
    if (!b) return 0;
    int result = end_members(b, force);
    if (result) return result;
    if (b->chunks) {
        b->next = g->s->open->blocks;
        g->s->open->blocks = b; // takes the group's count over
        size_t bytes = sizeof *b + 2 * sizeof(int64_t) * b->capacity;
        g->s->open->bytes += bytes;
        atomic_fetch_add(&g->s->pending, bytes);
    } else {
        block_release(b);
    }
    g->block = NULL;
    g->row_open = false;
    return 0;
}

static int fresh_block(store_group *g) {
    pthread_mutex_lock(&g->s->lock);
    int result = group_close_block(g, false);
    if (!result && !(g->block = block_new(g->s, g->run->id))) result = NNS_E_NO_MEMORY;
    g->block_attempt = g->attempt;
    pthread_mutex_unlock(&g->s->lock);
    return result;
}

// The group's step becomes a row of its block.
int group_row(store_group *g) {
    if (!g->noted) note_attempt(g);
    if (!g->noted) return NNS_E_NO_MEMORY;
    axis_block *b = g->block;
    uint32_t rows = b ? atomic_load_explicit(&b->rows, memory_order_relaxed) : 0;
    if (!b || rows == b->capacity || (rows && g->block_attempt != g->attempt)) {
        int result = fresh_block(g);
        if (result) return result;
        b = g->block;
        rows = 0;
    }
    g->block_attempt = g->attempt;
    b->step[rows] = g->step;
    b->time_ms[rows] = g->time_ms;
    atomic_store_explicit(&b->rows, rows + 1, memory_order_release);
    g->row = rows;
    g->rows++;
    g->row_open = true;
    return 0;
}
