// Unit end.c ends and deletes runs on the owner's side: heads become cuts (or go), lanes close, and a job is left for the
// writer (jobs.c).
#include "internal.h"

#include <assert.h>

static void free_group(live_run *r, store_group *g) {
    store_group **at = &r->groups;
    while (*at != g)
        at = &(*at)->next;
    *at = g->next;
    mem_free(g);
}

static int end_groups(live_run *r) {
    while (r->groups) {
        int result = group_close_block(r->groups, true);
        if (result) return result;
        free_group(r, r->groups);
    }
    return 0;
}

static int end_series(store *s, live_run *r) {
    int result = 0;
    for (store_series *h = r->series; !result && h; h = h->next_live) {
        if (h->closing) continue;
        if (atomic_load_explicit(&h->count, memory_order_relaxed)) result = series_cut(h, true);
        if (!result) result = commit_end(s->open, h);
        if (!result) h->closing = true;
    }
    return result;
}

static int put_job(store *s, store_id run, int kind) {
    db_value v[] = {db_i(run), db_i(kind)};
    int result = rows_put(s, DB_JOB_PUT, v, 2);
    if (!result) s->open->jobs = true;
    return result;
}

int store_run_end(store *s, store_id run) {
    if (!s->has_writer) return NNS_E_STATE;
    int result = 0;
    bool any = false;
    pthread_mutex_lock(&s->lock);
    live_run *r = run_find(s, run);
    if (r) {
        result = end_groups(r);
        if (!result) result = end_series(s, r);
        any = r->series_count > 0;
        if (!any && !r->attempts_dirty && !r->pins) run_free(s, r);
    }
    pthread_mutex_unlock(&s->lock);
    if (result || !any) return result;
    s->log_force = true;
    return put_job(s, run, JOB_REWRITE);
}

static void drop_head(store_series *h) {
    if (h->block) {
        axis_block *b = h->block;
        if (h->previous_member)
            h->previous_member->next_member = h->next_member;
        else
            b->members = h->next_member;
        if (h->next_member) h->next_member->previous_member = h->previous_member;
        h->next_member = h->previous_member = NULL;
        h->block = NULL;
        block_release(b);
    }
    atomic_store_explicit(&h->count, 0, memory_order_release);
}

int store_delete_run(store *s, store_id run) {
    int result = put_job(s, run, JOB_PURGE);
    db_value v = db_i(run);
    if (!result) result = rows_put(s, DB_RUN_DROP, &v, 1);
    if (result) return result;
    pthread_mutex_lock(&s->lock);
    live_run *r = run_find(s, run);
    for (store_series *h = r ? r->series : NULL; h; h = h->next_live)
        drop_head(h);
    if (r) result = end_groups(r);
    if (r && !result) result = end_series(s, r);
    if (r && !r->series_count && !r->attempts_dirty && !r->pins) run_free(s, r);
    pthread_mutex_unlock(&s->lock);
    s->log_force = true; // no old log row may speak of an id that could be given again
    return result;
}
