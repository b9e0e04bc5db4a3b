// Unit registry.c holds what is known of every run: its row, and while it is active its processes, series
// and parameters. Filled at start from the store, then by ingest. All calls with the core's lock.
//
// Invariants: (1) a run is in `runs` and in `table` once, by its key; (2) a run on the list `active` has a
// process that is not over, or journal files not yet taken in; (3) pointers to series and params of a run
// live until run_unload, which only the engine thread calls.
#include "network.h"
#include "run.h"

#include "base/clock.h"
#include "base/hash.h"
#include "base/log.h"

#include <assert.h>
#include <jansson.h>
#include <math.h>
#include <string.h>

void run_set_text(char **field, const char *text) {
    char *copy = text ? mem_text(text, strlen(text)) : NULL;
    if (text && !copy) return;
    mem_free(*field);
    *field = copy;
}

// --- the table of runs --------------------------------------------------------------------------

static run **slot_of(const run_table *t, const char *key) {
    size_t at = hash_text(key, strlen(key)) & (t->capacity - 1);
    while (t->slot[at] && strcmp(t->slot[at]->row.key, key) != 0)
        at = (at + 1) & (t->capacity - 1);
    return &t->slot[at];
}

static int table_fill(run_table *t, run *const *runs, size_t count, size_t capacity) {
    run **slot = mem_array(capacity, sizeof *slot);
    if (!slot) return NNS_E_NO_MEMORY;
    mem_free(t->slot);
    *t = (run_table){.slot = slot, .capacity = capacity, .count = count};
    for (size_t i = 0; i < count; i++)
        *slot_of(t, runs[i]->row.key) = runs[i];
    return 0;
}

run *registry_find(core *c, const char *key) {
    return c->table.capacity ? *slot_of(&c->table, key) : NULL;
}

run *registry_named(core *c, const char *key) {
    run *r = key && id_valid(key) ? registry_find(c, key) : NULL;
    return r && !r->deleted ? r : NULL;
}

static int table_grow(core *c) {
    run **runs = mem_room(c->runs, c->run_count, &c->run_capacity, 64, sizeof *runs);
    if (!runs) return NNS_E_NO_MEMORY;
    c->runs = runs;
    if ((c->table.count + 1) * 2 <= c->table.capacity) return 0;
    return table_fill(&c->table, c->runs, c->run_count,
                      c->table.capacity ? c->table.capacity * 2 : 128);
}

run *run_new(core *c, const char *key) {
    assert(id_valid(key) && !registry_find(c, key));
    if (c->run_count >= RUNS_MAX || table_grow(c)) return NULL;
    run *r = mem_new(sizeof *r);
    if (!r) return NULL;
    memcpy(r->row.key, key, sizeof r->row.key);
    r->row.last_step = -1;
    r->row.state = STATE_STARTING;
    r->row.created_ms = clock_wall_ms();
    r->next_event = r->next_command = 1;
    r->main_rank = 1000;
    r->main_last = r->main_best = NAN;
    r->spark_stride = 1;
    r->generation_step = -1;
    c->runs[c->run_count++] = r;
    *slot_of(&c->table, key) = r;
    c->table.count++;
    run_touch(c, r);
    return r;
}

void run_touch(core *c, run *r) {
    r->version = ++c->runs_version;
    r->dirty = true;
    c->hub_due = true;
}

static void run_free(run *r) {
    for (size_t i = 0; i < r->process_count; i++)
        process_free(r->processes[i]);
    mem_free(r->processes);
    store_run_fini(&r->row);
    mem_free(r->rewinds);
    mem_free(r->main_name);
    mem_free(r->over_processes);
    mem_free(r->needs);
    buf_fini(&r->json);
    mem_free(r);
}

void run_remove(core *c, run *r) {
    run_unload(c, r);
    run_deactivate(c, r);
    size_t i = 0;
    while (c->runs[i] != r)
        i++;
    memmove(c->runs + i, c->runs + i + 1, (c->run_count - i - 1) * sizeof *c->runs);
    c->run_count--;
    size_t capacity = c->table.capacity;
    if (table_fill(&c->table, c->runs, c->run_count, capacity))
        log_warn("out of memory while deleting a run");
    c->runs_version++;
    run_free(r);
}

void run_deactivate(core *c, run *r) {
    if (!r->is_active) return;
    r->is_active = false;
    if (c->active == r) {
        c->active = r->next_active;
        return;
    }
    run *before = c->active;
    while (before->next_active != r)
        before = before->next_active;
    before->next_active = r->next_active;
}

void run_activate(core *c, run *r) {
    if (r->is_active) return;
    r->is_active = true;
    r->next_active = c->active;
    c->active = r;
}

// --- start and end ------------------------------------------------------------------------------

static int copy_text(char **to, const char *from) {
    *to = from ? mem_text(from, strlen(from)) : NULL;
    return from && !*to ? NNS_E_NO_MEMORY : 0;
}

static int load_one(void *context, const store_run *row) {
    core *c = context;
    if (!id_valid(row->key) || registry_find(c, row->key)) return 0;
    run *r = run_new(c, row->key);
    if (!r) return NNS_E_NO_MEMORY;
    r->row = *row;
    int result = copy_text(&r->row.name, row->name);
    result |= copy_text(&r->row.project, row->project);
    result |= copy_text(&r->row.group, row->group);
    result |= copy_text(&r->row.tags, row->tags);
    result |= copy_text(&r->row.notes, row->notes);
    result |= copy_text(&r->row.facts, row->facts);
    result |= copy_text(&r->row.extra, row->extra);
    r->dirty = false;
    // Its journal says whether it still runs; until then a run that was not over is looked at.
    if (!state_over(r->row.state)) run_activate(c, r);
    return result;
}

int registry_load(core *c) {
    return store_list_runs(c->engine_reader, load_one, c);
}

void registry_fini(core *c) {
    for (size_t i = 0; i < c->run_count; i++) {
        c->runs[i]->is_active = false;
        run_unload(c, c->runs[i]);
        run_free(c->runs[i]);
    }
    mem_free(c->runs);
    mem_free(c->table.slot);
    c->run_count = 0;
}

bool runs_dirty(const core *c) {
    for (const run *r = c->active; r; r = r->next_active)
        if (r->dirty) return true;
    return false;
}

static void dump_facts(run *r) {
    char *text = r->facts_dirty ? json_printed(r->facts) : NULL;
    if (text) run_set_text(&r->row.facts, text);
    mem_free(text);
    r->facts_dirty = false;
}

static void put_row(core *c, run *r) {
    run_extra(r);
    dump_facts(r);
    int result = store_put_run(c->store, &r->row);
    if (result)
        log_warn("run %s cannot be stored: %s", r->row.key, error_sentence(result));
    else
        r->dirty = false;
    model_put(c, r);
    for (size_t i = 0; i < r->param_count; i++) {
        param *q = r->params[i];
        if (!q->dirty) continue;
        buf json = {0};
        param_json(q, &json);
        buf_char(&json, 0);
        if (!json.failed && !store_put_param(c->store, r->row.id, q->name, (char *)json.data))
            q->dirty = false;
        buf_fini(&json);
    }
}

void runs_put_dirty(core *c) {
    for (run *r = c->active; r; r = r->next_active)
        if (r->dirty) put_row(c, r);
}

void run_put(core *c, run *r) {
    put_row(c, r);
    c->rows_dirty = true;
}

// --- processes ----------------------------------------------------------------------------------

process *process_find(run *r, const char *id) {
    for (size_t i = 0; i < r->process_count; i++)
        if (strcmp(r->processes[i]->id.text, id) == 0) return r->processes[i];
    return NULL;
}

process *process_new(core *c, run *r, const char *id) {
    assert(id_valid(id) && !process_find(r, id));
    process **processes = mem_grow(r->processes, r->process_count + 1, sizeof *processes);
    if (!processes) return NULL;
    r->processes = processes;
    process *p = mem_new(sizeof *p);
    if (!p) return NULL;
    memcpy(p->id.text, id, sizeof p->id.text);
    p->run = r;
    p->reader.fd = -1;
    p->parked_last = &p->parked;
    p->media_last = &p->media;
    p->heard_ms = clock_wall_ms();
    processes[r->process_count++] = p;
    run_forget_past(r, id);
    run_activate(c, r);
    run_touch(c, r);
    return p;
}

process *process_at(core *c, run *r, size_t i) {
    core_lock(c);
    process *p = i < r->process_count ? r->processes[i] : NULL;
    core_unlock(c);
    return p; // processes of an active run go away on the engine's thread only
}

// A process that no cursor knows: it is new in the run.
void process_join(process *p) {
    run *r = p->run;
    bool alone = true;
    for (size_t i = 0; i < r->process_count; i++)
        alone &= r->processes[i] == p || !process_speaks(r->processes[i]);
    if (alone) {
        r->generation++;
        r->generation_step = r->row.last_step;
        r->generation_rewound = r->generation_stepped = false;
        r->generation_attempt = 0;
    }
    p->generation = r->generation;
    p->ordinal = r->ordinals++;
    p->state_dirty = true;
}

static void drop_journal(process *p) {
    if (p->open) segment_close(&p->reader);
    p->open = false;
    if (p->inbox_open) inbox_close_writer(&p->inbox);
    p->inbox_open = false;
    for (size_t i = 0; i < p->lane_count; i++)
        mem_free(p->lanes[i]);
    mem_free(p->lanes);
    p->lanes = NULL;
    p->lane_count = 0;
    mem_free(p->series);
    mem_free(p->params);
    mem_free(p->series_dirty);
    mem_free(p->params_dirty);
    mem_free(p->blobs_done);
    p->series = NULL;
    p->params = NULL;
    p->series_dirty = p->params_dirty = NULL;
    p->blobs_done = NULL;
    p->blobs_done_count = 0;
    p->series_cap = p->param_cap = p->series_end = p->param_end = 0;
    while (p->parked) {
        parked *next = p->parked->next;
        mem_free(p->parked);
        p->parked = next;
    }
    p->parked_last = &p->parked;
    p->parked_bytes = 0;
    while (p->media) {
        media_due *next = p->media->next;
        mem_free(p->media);
        p->media = next;
    }
    p->media_last = &p->media;
}

void process_free(process *p) {
    drop_journal(p);
    mem_free(p->segments);
    mem_free(p);
}

// --- details ------------------------------------------------------------------------------------

void run_unload(core *c, run *r) {
    if (!r->loaded) return;
    steer_run_gone(c, r);
    hub_run_gone(c, r);
    for (size_t i = 0; i < r->process_count; i++)
        drop_journal(r->processes[i]);
    for (size_t i = 0; i < r->series_count; i++) {
        live_series *s = r->series[i];
        assert(!s->tap);
        mem_free(s->name);
        mem_free(s);
    }
    for (size_t i = 0; i < r->param_count; i++)
        param_free(r->params[i]);
    for (size_t i = 0; i < r->command_count; i++)
        pending_free(r->commands[i]);
    mem_free(r->series);
    mem_free(r->series_slot);
    mem_free(r->params);
    mem_free(r->commands);
    recent_fini(&r->events);
    recent_fini(&r->media);
    network_free(r->network);
    r->network = NULL;
    json_decref(r->facts);
    r->facts = NULL;
    r->series = r->series_slot = NULL;
    r->params = NULL;
    r->commands = NULL;
    r->series_count = r->series_capacity = r->slot_count = r->param_count = r->command_count = 0;
    r->main = NULL;
    r->loaded = false;
}
