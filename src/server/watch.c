// Unit watch.c tells a viewer of a run all but its points: the run object, parameters, events, commands, series, media,
// and what the program prints. The first message has everything of late and is made by a worker from the store; what changes
// afterwards is taken from memory when the viewer asks for its next frame. Runs in lists likewise (watch_runs).
#include "hub.h"

#include "base/clock.h"
#include "journal/place.h"

#include <string.h>

enum {
    EVENTS_FIRST = 1000,
    COMMANDS_FIRST = 500,
    MEDIA_FIRST = 300,
    LOG_FIRST_BYTES = 65536,
    LOG_PART_BYTES = 262144
};
#define RUN_NS (NS_PER_S / 5) // between two run objects when nothing else changes
#define RUNS_NS (3 * NS_PER_S / 10)

// --- the first message --------------------------------------------------------------------------

typedef struct watch_job {
    job j;
    viewer *v; // counted
    uint32_t id;
    uint64_t serial;
    store_id run;
    char key[27], process[27];
    int64_t offset;
    bool log_only;
    watch seen; // versions of the moment before the store was read
    buf out;
    size_t count;
} watch_job;

static watch *its_watch(const watch_job *k) {
    watch *w = k->v->closed ? NULL : watch_find(k->v, k->id);
    return w && w->serial == k->serial ? w : NULL;
}

static void note_versions(watch *w, const run *r) {
    w->version = r->version;
    w->params = r->params_version;
    w->commands = r->commands_version;
    w->series = r->series_version;
    w->events = r->events.count;
    w->media = r->media.count;
}

static int add_row(void *context, const store_row *row) {
    watch_job *k = context;
    if (k->count++) buf_char(&k->out, ',');
    buf_text(&k->out, row->json && *row->json ? row->json : "null");
    return 0;
}

static int add_series(void *context, const store_series_info *info) {
    watch_job *k = context;
    if (k->count++) buf_char(&k->out, ',');
    series_json(info, &k->out);
    return 0;
}

// Opens a list; `between` ends what stands before it.
static void list(watch_job *k, const char *between, const char *name) {
    buf_print(&k->out, "%s\"%s\":[", between, name);
    k->count = 0;
}

static int64_t from_of(uint64_t next, int64_t most) {
    return next > (uint64_t)most ? (int64_t)next - most : 0;
}

static void put_lists(watch_job *k, store_reader *reader, uint64_t next_event,
                      uint64_t next_command) {
    list(k, ",", "series");
    store_list_series(reader, k->run, add_series, k);
    list(k, "],", "parameters");
    store_list_params(reader, k->run, add_row, k);
    list(k, "],", "events");
    store_list_events(reader, k->run, from_of(next_event, EVENTS_FIRST), EVENTS_FIRST, add_row, k);
    list(k, "],", "commands");
    store_list_commands(reader, k->run, from_of(next_command, COMMANDS_FIRST), COMMANDS_FIRST,
                        add_row, k);
    list(k, "],", "media");
    store_list_media(reader, k->run, NULL, INT64_MIN, INT64_MAX, MEDIA_FIRST, add_row, k);
    buf_char(&k->out, ']');
}

// What the program printed from k->offset on (negative: its tail) as a member `log`. False: nothing.
static bool put_log(core *c, watch_job *k) {
    char folder[PATH_CAP];
    log_piece p = {.offset = k->offset};
    memcpy(p.process, k->process, sizeof p.process);
    size_t limit = k->offset < 0 ? LOG_FIRST_BYTES : LOG_PART_BYTES;
    bool some = !place_run(c->dir, k->key, folder) && !log_read(folder, limit, &p) && p.text.length;
    if (some) {
        buf_text(&k->out, ",\"log\":");
        log_json(&p, &k->out);
    }
    memcpy(k->process, p.process, sizeof k->process);
    k->offset = p.offset + (int64_t)p.text.length;
    buf_fini(&p.text);
    return some;
}

static void begin_message(buf *out, uint32_t id) {
    buf_print(out, "{\"type\":\"run\",\"id\":%u", id);
}

static void hand_over(core *c, watch_job *k, bool some) {
    buf_char(&k->out, '}');
    core_lock(c);
    watch *w = its_watch(k);
    if (w) {
        if (!k->log_only) {
            w->ready = true;
            w->version = k->seen.version;
            w->params = k->seen.params;
            w->commands = k->seen.commands;
            w->series = k->seen.series;
            w->events = k->seen.events;
            w->media = k->seen.media;
        }
        w->log_busy = false;
        if (some || !k->log_only) {
            memcpy(w->log_process, k->process, sizeof w->log_process);
            w->log_offset = k->offset < 0 ? 0 : k->offset;
        }
        if (some) viewer_push(k->v, frame_of(&k->out, true));
    }
    core_unlock(c);
    if (c->hooks.wake) c->hooks.wake(c->hooks.context);
}

static void work_log(core *c, watch_job *k) {
    begin_message(&k->out, k->id);
    hand_over(c, k, put_log(c, k));
}

static void work(core *c, job *j, store_reader *reader) {
    watch_job *k = (watch_job *)j;
    if (k->log_only) {
        work_log(c, k);
        return;
    }
    uint64_t next_event = 0, next_command = 0;
    core_lock(c);
    run *r = registry_find(c, k->key);
    if (r) {
        note_versions(&k->seen, r);
        begin_message(&k->out, k->id);
        buf_text(&k->out, ",\"run\":");
        run_json(r, &k->out, true);
        next_event = r->next_event;
        next_command = r->next_command;
    }
    core_unlock(c);
    if (!r) return;
    core_settle(c);
    put_lists(k, reader, next_event, next_command);
    put_log(c, k);
    hand_over(c, k, true);
}

static void fini(job *j) {
    watch_job *k = (watch_job *)j;
    core *c = k->v->core;
    core_lock(c);
    viewer_unref(k->v);
    core_unlock(c);
    buf_fini(&k->out);
}

static void submit(viewer *v, watch *w, bool log_only) {
    run *r = registry_find(v->core, w->key);
    watch_job *k = r ? mem_new(sizeof *k) : NULL;
    if (!k) return;
    k->j = (job){.work = work, .fini = fini};
    k->v = v;
    v->uses++;
    k->id = w->id;
    k->serial = w->serial;
    k->run = r->row.id;
    k->log_only = log_only;
    memcpy(k->key, w->key, sizeof k->key);
    if (log_only) memcpy(k->process, w->log_process, sizeof k->process);
    k->offset = log_only ? w->log_offset : -LOG_FIRST_BYTES;
    w->log_busy = true;
    job_submit(&v->core->workers, &k->j);
}

void watch_begin(viewer *v, watch *w) {
    submit(v, w, false);
}

// --- what changes -------------------------------------------------------------------------------

static bool details_changed(const watch *w, const run *r) {
    return r->loaded && (w->params != r->params_version || w->commands != r->commands_version ||
                         w->series != r->series_version || w->events != r->events.count ||
                         w->media != r->media.count);
}

static bool log_grew(const watch *w, const run *r) {
    return !w->log_busy && r->out_process[0] &&
           (strcmp(r->out_process, w->log_process) != 0 ? r->out_size > 0
                                                        : r->out_size > w->log_offset);
}

bool watch_due(viewer *v, watch *w, int64_t now_ns) {
    const run *r = w->ready ? registry_find(v->core, w->key) : NULL;
    if (!r) return false;
    if (log_grew(w, r)) {
        if (strcmp(r->out_process, w->log_process) != 0) {
            memcpy(w->log_process, r->out_process, sizeof w->log_process);
            w->log_offset = 0;
        }
        submit(v, w, true);
    }
    if (details_changed(w, r)) return now_ns - w->sent_ns >= NS_PER_S / 60;
    return w->version != r->version && now_ns - w->sent_ns >= RUN_NS;
}

static void separate(buf *out) {
    if (out->length && out->data[out->length - 1] != '[') buf_char(out, ',');
}

static void put_recent(buf *out, const char *name, const recent *ring, uint64_t *seen) {
    if (*seen >= ring->count) {
        *seen = ring->count;
        return;
    }
    uint64_t from = ring->count - *seen > ring->capacity ? ring->count - ring->capacity : *seen;
    buf_print(out, ",\"%s\":[", name);
    for (; from < ring->count; from++) {
        separate(out);
        buf_text(out, ring->text[from % ring->capacity]);
    }
    buf_char(out, ']');
    *seen = ring->count;
}

static void put_params(buf *out, const run *r, uint64_t *seen) {
    if (*seen == r->params_version) return;
    buf_text(out, ",\"parameters\":[");
    for (size_t i = 0; i < r->param_count; i++) {
        if (r->params[i]->version <= *seen) continue;
        separate(out);
        param_json(r->params[i], out);
    }
    buf_char(out, ']');
    *seen = r->params_version;
}

static void put_commands(buf *out, const run *r, uint64_t *seen) {
    if (*seen == r->commands_version) return;
    buf_text(out, ",\"commands\":[");
    for (size_t i = 0; i < r->command_count; i++) {
        if (r->commands[i]->version <= *seen) continue;
        separate(out);
        command_json(r->commands[i], out);
    }
    buf_char(out, ']');
    *seen = r->commands_version;
}

static void put_series(buf *out, const run *r, uint64_t *seen) {
    if (*seen == r->series_version) return;
    buf_text(out, ",\"series\":[");
    for (size_t i = 0; i < r->series_count; i++) {
        store_series_info info;
        if (r->series[i]->shown <= *seen) continue;
        store_series_get(r->series[i]->stored, &info);
        separate(out);
        series_json(&info, out);
    }
    buf_char(out, ']');
    *seen = r->series_version;
}

frame *watch_message(viewer *v, watch *w, int64_t now_ns) {
    run *r = registry_find(v->core, w->key);
    buf out = {0};
    if (!r) return NULL;
    begin_message(&out, w->id);
    if (w->version != r->version) {
        buf_text(&out, ",\"run\":");
        run_json(r, &out, false);
        w->version = r->version;
    }
    if (r->loaded) {
        put_params(&out, r, &w->params);
        put_commands(&out, r, &w->commands);
        put_series(&out, r, &w->series);
        put_recent(&out, "events", &r->events, &w->events);
        put_recent(&out, "media", &r->media, &w->media);
    }
    buf_char(&out, '}');
    w->sent_ns = now_ns;
    return frame_of(&out, true);
}

// --- lists of runs ------------------------------------------------------------------------------

bool runs_due(const viewer *v, int64_t now_ns) {
    return (v->runs_seen != v->core->runs_version || v->gone.length || !v->runs_sent_ns) &&
           now_ns - v->runs_sent_ns >= RUNS_NS;
}

static frame *encode_runs(core *c, uint64_t seen, const buf *gone) {
    buf out = {0};
    buf_text(&out, "{\"type\":\"runs\",\"runs\":[");
    for (size_t i = 0; i < c->run_count; i++) {
        run *r = c->runs[i];
        if (r->deleted || (seen && r->version <= seen)) continue;
        separate(&out);
        run_json(r, &out, false);
    }
    buf_text(&out, "],\"gone\":[");
    buf_add(&out, gone->data, gone->length);
    buf_text(&out, "]}");
    return frame_of(&out, true);
}

// Viewers in step with each other share one message.
frame *runs_message(viewer *v, int64_t now_ns) {
    core *c = v->core;
    bool first = v->runs_sent_ns == 0;
    uint64_t seen = first ? 0 : v->runs_seen;
    bool shared = !v->gone.length && c->runs_frame && c->runs_frame_from == seen &&
                  c->runs_frame_to == c->runs_version;
    frame *f = shared ? c->runs_frame : encode_runs(c, seen, &v->gone);
    if (!f) return NULL;
    if (!shared && !v->gone.length) {
        frame_release(c->runs_frame);
        c->runs_frame = f;
        c->runs_frame_from = seen;
        c->runs_frame_to = c->runs_version;
        shared = true;
    }
    if (shared) atomic_fetch_add(&f->uses, 1);
    buf_clear(&v->gone);
    v->runs_seen = c->runs_version;
    v->runs_sent_ns = now_ns;
    return f;
}

// --- growth of output ---------------------------------------------------------------------------

// Engine, no lock: how far the output of watched runs has come.
void outputs_look(core *c) {
    char folder[PATH_CAP];
    for (run *r = c->active; r; r = r->next_active) {
        char proc[27] = "";
        int64_t size = 0;
        if (!r->watchers || place_run(c->dir, r->row.key, folder)) continue;
        if (log_size(folder, proc, &size)) continue;
        core_lock(c);
        memcpy(r->out_process, proc, sizeof r->out_process);
        r->out_size = size;
        core_unlock(c);
    }
}
