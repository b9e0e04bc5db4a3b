// Unit runs.c answers for runs as such: list, one, change (name, tags, notes, state), and the audit. The registry
// has every run in memory, so lists need no store.
#include "run.h"

#include "base/clock.h"
#include "base/log.h"

#include <jansson.h>
#include <string.h>

enum { LIMIT_MAX = 1000, NAME_MAX_BYTES = 255, NOTES_MAX_BYTES = 65536, TAGS_MAX = 64 };

static bool same(const char *wanted, const char *have, const char *otherwise) {
    return !wanted || !*wanted || strcmp(wanted, have && *have ? have : otherwise) == 0;
}

// Newest first; the cursor is the id of the last run of the page before.
void core_list_runs(core *c, const char *project, const char *state, const char *cursor, int limit,
                    core_reply *reply) {
    size_t most = limit <= 0 || limit > LIMIT_MAX ? LIMIT_MAX : (size_t)limit, count = 0;
    const char *next = NULL;
    bool begun = !cursor || !*cursor;
    if (state && *state && state_number(state) < 0) {
        reply_error(reply, 400, "invalid", "there is no state \"%.40s\"", state);
        return;
    }
    buf_text(&reply->body, "{\"runs\":[");
    core_lock(c);
    for (size_t i = c->run_count; i-- > 0;) {
        run *r = c->runs[i];
        if (!begun) {
            begun = strcmp(r->row.key, cursor) == 0;
            continue;
        }
        if (r->deleted || !same(project, r->row.project, "default") ||
            !same(state, state_word(r->row.state), ""))
            continue;
        if (count == most) {
            next = c->runs[i + 1]->row.key;
            break;
        }
        if (count++) buf_char(&reply->body, ',');
        run_json(r, &reply->body, false);
        next = NULL;
    }
    buf_text(&reply->body, "],\"next\":");
    json_text(&reply->body, next);
    buf_char(&reply->body, '}');
    core_unlock(c);
    if (begun)
        reply_json(reply, 200);
    else
        reply_error(reply, 404, "not_found", "the run that the cursor names is gone: begin anew");
}

void core_get_run(core *c, const char *key, core_reply *reply) {
    core_lock(c);
    run *r = registry_named(c, key);
    if (r) {
        if (r->facts_dirty) run_put(c, r);
        run_json(r, &reply->body, true);
    }
    core_unlock(c);
    if (r)
        reply_json(reply, 200);
    else
        reply_error(reply, 404, "not_found", "there is no such run");
}

// --- changes ------------------------------------------------------------------------------------

static bool refuse(core_reply *reply, const char *what) {
    reply_error(reply, 422, "invalid", "%s", what);
    return false;
}

static bool text_fits(const json_t *value, size_t most) {
    return json_is_string(value) && json_string_length(value) <= most &&
           strlen(json_string_value(value)) == json_string_length(value);
}

static bool tags_fit(const json_t *tags) {
    if (!json_is_array(tags) || json_array_size(tags) > TAGS_MAX) return false;
    for (size_t i = 0; i < json_array_size(tags); i++)
        if (!text_fits(json_array_get(tags, i), NAME_MAX_BYTES)) return false;
    return true;
}

// All members are checked before any is changed.
bool run_check_members(const json_t *json, core_reply *reply) {
    static const char *const texts[] = {"name", "project", "group"};
    for (int i = 0; i < 3; i++) {
        json_t *value = json_object_get(json, texts[i]);
        if (value && !text_fits(value, NAME_MAX_BYTES))
            return refuse(reply, "name, project and group are texts of at most 255 bytes");
    }
    json_t *notes = json_object_get(json, "notes"), *tags = json_object_get(json, "tags");
    if (notes && !text_fits(notes, NOTES_MAX_BYTES))
        return refuse(reply, "notes are a text of at most 64 kB");
    if (tags && !tags_fit(tags)) return refuse(reply, "tags are a list of at most 64 texts");
    return true;
}

static void set_member(char **field, const json_t *json, const char *name) {
    const char *text = json_string_value(json_object_get(json, name));
    if (text) run_set_text(field, text);
}

void run_set_members(run *r, const json_t *json) {
    set_member(&r->row.name, json, "name");
    set_member(&r->row.project, json, "project");
    set_member(&r->row.group, json, "group");
    set_member(&r->row.notes, json, "notes");
    json_t *tags = json_object_get(json, "tags");
    char *text = tags ? json_dumps(tags, JSON_COMPACT) : NULL;
    if (text) run_set_text(&r->row.tags, text);
    mem_free(text);
}

static bool lives(const run *r) {
    for (size_t i = 0; i < r->process_count; i++)
        if (process_speaks(r->processes[i]) && !r->processes[i]->http && r->row.state != STATE_LOST)
            return true;
    return false;
}

// A state by hand: for runs recorded over HTTP, and to put an end to lost ones.
static bool set_state(core *c, run *r, const char *word, core_reply *reply) {
    int state = word ? state_number(word) : -1;
    if (state != STATE_FINISHED && state != STATE_FAILED && state != STATE_CRASHED &&
        state != STATE_RUNNING)
        return refuse(reply, "state can be set to running, finished, failed or crashed");
    if (lives(r)) {
        reply_error(reply, 409, "running", "the run has a live process, which says how it ends");
        return false;
    }
    int before = r->row.state;
    for (size_t i = 0; i < r->process_count; i++) {
        process *p = r->processes[i];
        if (!p->http || p->state == PROC_OVER || !state_over(state)) continue;
        process_end_http(p, state == STATE_FAILED); // the state itself is kept in the row
    }
    if (state_over(state)) record_http_ended(c, r);
    r->row.state = state;
    r->row.ended_ms = state_over(state) ? clock_wall_ms() : 0;
    r->wants_state = true;
    if (state_over(state) && !state_over(before)) {
        json_t *detail = json_pack("{s:s}", "state", state_word(state));
        run_event(c, r, EVENT_ENDED, r->row.last_step, r->row.ended_ms, detail, NULL, NULL, 0);
        json_decref(detail);
    }
    return true;
}

static void patch(core *c, run *r, const json_t *json, const core_author *who, core_reply *reply) {
    json_t *state = json_object_get(json, "state");
    if (!run_check_members(json, reply)) return;
    if (state && !set_state(c, r, json_string_value(state), reply)) return;
    run_set_members(r, json);
    run_touch(c, r);
    run_put(c, r);
    c->commit_soon = true;
    run_json(r, &reply->body, true);
    reply_json(reply, 200);
    (void)who;
}

void core_patch_run(core *c, const char *key, const char *json, size_t bytes,
                    const core_author *who, core_done done, void *context) {
    core_reply reply = {0};
    json_t *parsed = reply_parse(&reply, "run_change", json, bytes);
    if (parsed) {
        core_lock(c);
        run *r = registry_named(c, key);
        if (r)
            patch(c, r, parsed, who, &reply);
        else
            reply_error(&reply, 404, "not_found", "there is no such run");
        core_unlock(c);
        char *text = json_dumps(parsed, JSON_COMPACT);
        if (reply.status == 200) core_audit(c, who, "patch run", key, text);
        mem_free(text);
    }
    json_decref(parsed);
    core_ring(c);
    answer_later(c, &reply, done, context);
}

void core_audit(core *c, const core_author *who, const char *what, const char *key,
                const char *detail) {
    buf json = {0};
    buf_text(&json, "{\"author\":");
    json_text(&json, who ? who->name : NULL);
    buf_text(&json, ",\"from\":");
    json_text(&json, who ? who->from : NULL);
    buf_text(&json, ",\"what\":");
    json_text(&json, what);
    buf_text(&json, ",\"run\":");
    json_text(&json, key);
    buf_text(&json, ",\"detail\":");
    json_text(&json, detail);
    buf_text(&json, "}");
    buf_char(&json, 0);
    core_lock(c);
    if (json.failed || store_put_audit(c->store, clock_wall_ms(), (char *)json.data))
        log_warn("an entry of the audit is lost");
    core_unlock(c);
    buf_fini(&json);
}
