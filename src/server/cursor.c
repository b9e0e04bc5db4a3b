// Unit cursor.c makes ingest exact across a kill: how far each lane was taken, what governs its next record, and
// what the process has declared are put into the same transaction as the points, and read back at start.
// Rows of store_put_cursor for (run, process):
//
//     lane N < 0xFFFE0000     sequence: the lane's next. State, 40 bytes:
//                             0 u32 1   4 u32 attempt   8 i64 step   16 i64 time_ms   24 i64 wall_ms   32 u32 stepped   36 u32 adrift
//     lane 0xFFFE0000 + k     parameters 256k .. 256k+255 declared: JSON [[number, "name"], ...]
//     lane 0xFFFF0000 + k     series likewise: [[number, kind, direction, "name"], ...]
//     lane 0xFFFFFFFF         the process: JSON object
//
// Segments that were taken may be gone, so nothing here can be read from them again. Calls with the lock.
#include "run.h"

#include "base/le.h"

#include <assert.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#define PARAMS_LANE 0xFFFE0000u
#define SERIES_LANE 0xFFFF0000u
#define PROCESS_LANE 0xFFFFFFFFu
enum { LANE_STATE_BYTES = 40, LANES_MAX = 4096 };

// --- lanes --------------------------------------------------------------------------------------

lane_state *lane_find(core *c, process *p, uint32_t number) {
    for (size_t i = 0; i < p->lane_count; i++)
        if (p->lanes[i]->number == number) return p->lanes[i];
    if (number >= PARAMS_LANE || p->lane_count >= LANES_MAX) return NULL;
    lane_state **lanes = mem_grow(p->lanes, p->lane_count + 1, sizeof *lanes);
    if (!lanes) return NULL;
    p->lanes = lanes;
    lane_state *l = mem_new(sizeof *l);
    if (!l) return NULL;
    l->number = number;
    l->group = store_group_open(c->store, p->run->row.id, p->ordinal << 12 | (number & 0xFFF));
    if (!l->group) {
        mem_free(l);
        return NULL;
    }
    lanes[p->lane_count++] = l;
    return l;
}

static void put_lane(core *c, process *p, lane_state *l) {
    uint8_t state[LANE_STATE_BYTES] = {0};
    le_put_u32(state, 1);
    le_put_u32(state + 4, l->attempt);
    le_put_i64(state + 8, l->step);
    le_put_i64(state + 16, l->time_ms);
    le_put_i64(state + 24, l->wall_ms);
    le_put_u32(state + 32, l->stepped);
    le_put_u32(state + 36, l->adrift);
    if (!store_put_cursor(c->store, p->run->row.id, p->id.text, l->number, l->next, state,
                          sizeof state))
        l->dirty = false;
}

static void load_lane(core *c, process *p, const store_row *row) {
    const uint8_t *state = row->data;
    lane_state *l = row->bytes == LANE_STATE_BYTES ? lane_find(c, p, row->lane) : NULL;
    if (!l || le_u32(state) != 1) return;
    l->next = row->sequence;
    l->attempt = le_u32(state + 4);
    l->step = le_i64(state + 8);
    l->time_ms = le_i64(state + 16);
    l->wall_ms = le_i64(state + 24);
    l->stepped = le_u32(state + 32) != 0;
    l->adrift = le_u32(state + 36) != 0;
    if (l->stepped) store_step(l->group, l->attempt, l->step, l->time_ms);
}

// --- declarations -------------------------------------------------------------------------------

static void put_json(core *c, process *p, uint32_t lane, json_t *json) {
    char *text = json ? json_dumps(json, JSON_COMPACT) : NULL;
    if (text) store_put_cursor(c->store, p->run->row.id, p->id.text, lane, 0, text, strlen(text));
    mem_free(text);
    json_decref(json);
}

static json_t *series_page(const process *p, uint32_t page) {
    json_t *list = json_array();
    for (uint32_t i = page * 256; i < page * 256 + 256 && i < p->series_end; i++) {
        const live_series *s = p->series[i];
        if (s)
            json_array_append_new(list,
                                  json_pack("[i,i,i,s]", (int)i, s->kind, s->direction, s->name));
    }
    return list;
}

static json_t *params_page(const process *p, uint32_t page) {
    json_t *list = json_array();
    for (uint32_t i = page * 256; i < page * 256 + 256 && i < p->param_end; i++)
        if (p->params[i])
            json_array_append_new(list, json_pack("[i,s]", (int)i, p->params[i]->name));
    return list;
}

static void put_pages(core *c, process *p) {
    for (uint32_t k = 0; p->series_dirty && k * 256 < p->series_end; k++) {
        if (!p->series_dirty[k]) continue;
        put_json(c, p, SERIES_LANE + k, series_page(p, k));
        p->series_dirty[k] = 0;
    }
    for (uint32_t k = 0; p->params_dirty && k * 256 < p->param_end; k++) {
        if (!p->params_dirty[k]) continue;
        put_json(c, p, PARAMS_LANE + k, params_page(p, k));
        p->params_dirty[k] = 0;
    }
}

static void load_pages(core *c, process *p, const store_row *row) {
    json_t *list = json_loadb(row->data, row->bytes, 0, NULL), *item;
    size_t i;
    json_array_foreach(list, i, item) {
        uint32_t number = (uint32_t)json_integer_value(json_array_get(item, 0));
        const char *name = json_string_value(json_array_get(item, json_array_size(item) - 1));
        if (!name) continue;
        if (row->lane < SERIES_LANE) {
            process_declare_param(p, number, param_open(c, p->run, name, strlen(name)));
        } else {
            int kind = (int)json_integer_value(json_array_get(item, 1));
            int direction = (int)json_integer_value(json_array_get(item, 2));
            process_declare_series(p, number, series_open(c, p->run, name, kind, NULL, direction));
        }
    }
    json_decref(list);
}

// --- the process --------------------------------------------------------------------------------

static json_t *media_page(const process *p) {
    json_t *list = json_array();
    for (const media_due *m = p->media; m; m = m->next)
        if (!m->capture)
            json_array_append_new(
                list, json_pack("[s,I,I,I,i,i,i,s%]", m->series->name, (json_int_t)m->blob,
                                (json_int_t)m->step, (json_int_t)m->time_ms, (int)m->width,
                                (int)m->height, (int)m->format, m->caption, strlen(m->caption)));
    return list;
}

static json_t *captures_page(const process *p) {
    json_t *list = json_array();
    for (const media_due *m = p->media; m; m = m->next)
        if (m->capture && !m->over)
            json_array_append_new(list, json_pack("[i,I,I,I,I,I,I]", m->capture,
                                                  (json_int_t)m->blob, (json_int_t)m->step,
                                                  (json_int_t)m->time_ms, (json_int_t)m->flags,
                                                  (json_int_t)m->attempt, (json_int_t)m->number));
    return list;
}

static void put_process(core *c, process *p) {
    json_t *json = json_pack(
        "{s:i,s:i,s:b,s:b,s:b,s:b,s:b,s:i,s:I,s:I,s:I,s:I,s:I,s:i,s:i,s:s,s:I,s:o,s:o}", "ordinal",
        (int)p->ordinal, "generation", (int)p->generation, "http", p->http, "closed", p->closed,
        "lost", p->lost, "paused", p->paused, "started", p->started, "status", p->status,
        "paused_ns", (json_int_t)p->paused_ns, "dropped", (json_int_t)p->dropped, "dropped_large",
        (json_int_t)p->dropped_large, "failed_bytes", (json_int_t)p->failed_bytes, "heard_ms",
        (json_int_t)p->heard_ms, "rank", p->info.rank, "pid", p->info.pid, "host", p->info.host,
        "opened_ms", (json_int_t)p->info.opened_ms, "media", media_page(p), "captures",
        captures_page(p));
    put_json(c, p, PROCESS_LANE, json);
    p->state_dirty = false;
}

static void load_media(core *c, process *p, const json_t *list) {
    for (size_t i = 0; i < json_array_size(list); i++) {
        const char *name, *caption;
        json_int_t blob, step, time_ms;
        int width, height, format;
        if (json_unpack(json_array_get(list, i), "[s,I,I,I,i,i,i,s]", &name, &blob, &step, &time_ms,
                        &width, &height, &format, &caption))
            continue;
        media_due due = {.series = series_find(p->run, name),
                         .blob = (uint64_t)blob,
                         .step = step,
                         .time_ms = time_ms,
                         .width = (uint32_t)width,
                         .height = (uint32_t)height,
                         .format = (uint32_t)format};
        snprintf(due.caption, sizeof due.caption, "%s", caption);
        if (due.series) blob_due(c, p, &due);
    }
}

static void load_captures(core *c, process *p, const json_t *list) {
    for (size_t i = 0; i < json_array_size(list); i++) {
        json_int_t blob, step, time_ms, flags, attempt, number;
        media_due due = {0};
        if (json_unpack(json_array_get(list, i), "[i,I,I,I,I,I,I]", &due.capture, &blob, &step,
                        &time_ms, &flags, &attempt, &number))
            continue;
        due.blob = (uint64_t)blob;
        due.step = step;
        due.time_ms = time_ms;
        due.flags = (uint32_t)flags;
        due.attempt = (uint32_t)attempt;
        due.number = (uint64_t)number;
        if (due.capture) blob_due(c, p, &due);
    }
}

static int64_t integer(const json_t *o, const char *name) {
    return (int64_t)json_integer_value(json_object_get(o, name));
}

static void load_process(core *c, process *p, const store_row *row) {
    json_t *json = json_loadb(row->data, row->bytes, 0, NULL);
    if (!json_is_object(json)) {
        json_decref(json);
        return;
    }
    p->ordinal = (uint32_t)integer(json, "ordinal");
    p->generation = (uint32_t)integer(json, "generation");
    p->http = json_is_true(json_object_get(json, "http"));
    p->closed = json_is_true(json_object_get(json, "closed"));
    p->lost = json_is_true(json_object_get(json, "lost"));
    p->paused = json_is_true(json_object_get(json, "paused"));
    p->started = json_is_true(json_object_get(json, "started"));
    p->status = (int)integer(json, "status");
    p->paused_ns = integer(json, "paused_ns");
    p->dropped = (uint64_t)integer(json, "dropped");
    p->dropped_large = (uint64_t)integer(json, "dropped_large");
    p->failed_bytes = (uint64_t)integer(json, "failed_bytes");
    p->heard_ms = integer(json, "heard_ms");
    if (!p->info.pid) {
        p->info.rank = (int)integer(json, "rank");
        p->info.pid = (int)integer(json, "pid");
        p->info.opened_ms = integer(json, "opened_ms");
        const char *host = json_string_value(json_object_get(json, "host"));
        snprintf(p->info.host, sizeof p->info.host, "%s", host ? host : "");
    }
    load_media(c, p, json_object_get(json, "media"));
    load_captures(c, p, json_object_get(json, "captures"));
    json_decref(json);
}

// --- all of a process ---------------------------------------------------------------------------

void cursors_put(core *c, process *p) {
    if (p->cursors_gone || p->newer) return;
    bool any = p->state_dirty;
    for (size_t i = 0; i < p->lane_count; i++)
        if (p->lanes[i]->dirty) {
            put_lane(c, p, p->lanes[i]);
            any = true;
        }
    if (!any) return;
    put_pages(c, p);
    put_process(c, p);
}

typedef struct loading {
    core *c;
    process *p;
    int pass;
} loading;

// First what was declared, then the lanes, then what refers to series.
static int load_row(void *context, const store_row *row) {
    loading *l = context;
    if (!row->name || strcmp(row->name, l->p->id.text) != 0) return 0;
    bool whole = row->lane == PROCESS_LANE, page = !whole && row->lane >= PARAMS_LANE;
    if (l->pass == 0 && page) load_pages(l->c, l->p, row);
    if (l->pass == 1 && whole) load_process(l->c, l->p, row);
    if (l->pass == 2 && !page && !whole) load_lane(l->c, l->p, row);
    return 0;
}

int cursors_load(core *c, process *p) {
    loading l = {.c = c, .p = p};
    int result = 0;
    for (; l.pass < 3 && !result; l.pass++)
        result = store_list_cursors(c->engine_reader, p->run->row.id, load_row, &l);
    return result;
}
