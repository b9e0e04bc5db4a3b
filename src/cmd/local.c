// Unit local.c reads runs from the store for the command line when no server runs.
#include "local.h"

#include "base/error.h"
#include "base/mem.h"

#include <stdio.h>
#include <string.h>

static const char *const state_words[] = {
#define X(name, number, word, over, sentence) [number] = word,
#include "store/state.def"
#undef X
};

int local_open(local *l, const client *c) {
    char path[PATH_CAP], *error = NULL;
    *l = (local){0};
    int result = file_path(path, "%s/store.db", c->dir);
    store_options options = {.read_only = true};
    if (!result) result = store_open(&l->store, path, &options, &error);
    if (!result) result = store_reader_open(l->store, &l->reader);
    if (result) {
        fprintf(stderr, "nnscope: cannot read %s: %s\n", path,
                error ? error : error_sentence(result));
        local_close(l);
    }
    mem_free(error);
    return result;
}

void local_close(local *l) {
    if (l->reader) store_reader_close(l->reader);
    if (l->store) store_close(l->store);
    *l = (local){0};
}

static const char *named(const char *name, const char *otherwise) {
    return name && *name ? name : otherwise;
}

static json_t *run_object(const store_run *r, bool whole) {
    size_t states = sizeof state_words / sizeof *state_words;
    const char *state = (size_t)r->state < states ? state_words[r->state] : "unknown";
    json_t *json =
        json_pack("{s:s, s:s, s:s, s:s, s:I, s:I}", "id", r->key, "name", named(r->name, r->key),
                  "project", named(r->project, "default"), "state", state, "last_step",
                  (json_int_t)r->last_step, "points", (json_int_t)r->points);
    json_t *tags = r->tags ? json_loads(r->tags, 0, NULL) : NULL;
    json_object_set_new(json, "tags", tags ? tags : json_array());
    if (!whole) return json;
    json_t *facts = r->facts ? json_loads(r->facts, 0, NULL) : NULL;
    json_object_set_new(json, "facts", facts ? facts : json_object());
    if (r->notes) json_object_set_new(json, "notes", json_string(r->notes));
    return json;
}

static int add_run(void *context, const store_run *r) {
    return json_array_append_new(context, run_object(r, false));
}

json_t *local_runs(local *l) {
    json_t *runs = json_array();
    store_list_runs(l->reader, add_run, runs);
    return json_pack("{s:o}", "runs", runs);
}

typedef struct wanted {
    const char *key;
    json_t *found;
    store_id id;
    int64_t start_ms;
} wanted;

static int find_run(void *context, const store_run *r) {
    wanted *w = context;
    if (strcmp(r->key, w->key) != 0) return 0;
    w->found = run_object(r, true);
    w->id = r->id;
    w->start_ms = r->started_ms ? r->started_ms : r->created_ms;
    return 1;
}

json_t *local_run(local *l, const char *run) {
    wanted w = {.key = run};
    store_list_runs(l->reader, find_run, &w);
    return w.found;
}

int local_run_row(local *l, const char *run, store_id *id, int64_t *start_ms) {
    wanted w = {.key = run};
    store_list_runs(l->reader, find_run, &w);
    *id = w.id;
    *start_ms = w.start_ms;
    json_decref(w.found);
    return w.id ? 0 : NNS_E_NOT_FOUND;
}

int local_resolve(local *l, const char *meant, char run[27]) {
    json_t *runs = local_runs(l);
    int status = client_pick(runs, meant, run);
    json_decref(runs);
    return status;
}
