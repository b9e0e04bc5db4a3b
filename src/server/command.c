// Unit command.c keeps the commands of a run of late and writes them as objects: the same JSON in the store, on
// the wire and to viewers. Calls with the lock.
//
//     {"id", "type", "state", "step", "asked", "applied", "author", "from", "values": {NAME: {"from", "to"}}, "steps",
//      "undoes", "reason", "error": {...}}                            times in seconds since 1970; absent is null
//
//     asked --all live processes applied--> applied
//       \--one refused--> refused     \--no process left--> expired
#include "run.h"

#include "base/log.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

enum { COMMANDS_KEPT = 1024 };

static const char *const states[] = {"asked", "applied", "refused", "expired"};

pending *command_find(run *r, uint64_t number) {
    for (size_t i = r->command_count; i-- > 0;)
        if (r->commands[i]->number == number) return r->commands[i];
    return NULL;
}

void pending_free(pending *m) {
    mem_free(m->author);
    mem_free(m->from);
    json_decref(m->values);
    json_decref(m->error);
    mem_free(m->open);
    mem_free(m);
}

static void forget_oldest(run *r) {
    if (r->command_count < COMMANDS_KEPT || r->commands[0]->state == ASKED) return;
    pending_free(r->commands[0]);
    memmove(r->commands, r->commands + 1, --r->command_count * sizeof *r->commands);
}

pending *command_add(run *r, uint64_t number) {
    forget_oldest(r);
    pending **commands = mem_grow(r->commands, r->command_count + 1, sizeof *commands);
    if (!commands) return NULL;
    r->commands = commands;
    pending *m = mem_new(sizeof *m);
    if (!m) return NULL;
    m->number = number;
    m->step = -1;
    size_t at = r->command_count;
    while (at > 0 && commands[at - 1]->number > number)
        at--;
    memmove(commands + at + 1, commands + at, (r->command_count - at) * sizeof *commands);
    commands[at] = m;
    r->command_count++;
    if (number >= r->next_command) r->next_command = number + 1;
    return m;
}

void command_changed(core *c, run *r, pending *m) {
    buf json = {0};
    command_json(m, &json);
    buf_char(&json, 0);
    int result =
        json.failed ? NNS_E_NO_MEMORY
                    : store_put_command(c->store, r->row.id, (int64_t)m->number, (char *)json.data);
    if (result)
        log_warn("a command of run %s cannot be stored: %s", r->row.key, error_sentence(result));
    buf_fini(&json);
    m->version = r->commands_version = ++r->change;
    c->rows_dirty = c->commit_soon = true;
    run_touch(c, r);
}

static void member(buf *out, const char *name) {
    buf_print(out, ",\"%s\":", name);
}

static void seconds(buf *out, int64_t ms) {
    if (ms)
        buf_number(out, (double)ms / 1000.0);
    else
        buf_text(out, "null");
}

static void json_member(buf *out, const char *name, json_t *json) {
    char *text = json_printed(json);
    member(out, name);
    buf_text(out, text ? text : "null");
    mem_free(text);
}

void command_json(const pending *m, buf *out) {
    buf_print(out, "{\"id\":\"%llu\",\"type\":", (unsigned long long)m->number);
    json_text(out, m->verb ? record_command_word(m->verb) : "unknown");
    buf_print(out, ",\"state\":\"%s\",\"step\":", states[m->state]);
    if (m->state == APPLIED)
        buf_int(out, m->step);
    else
        buf_text(out, "null");
    member(out, "asked");
    seconds(out, m->asked_ms);
    member(out, "applied");
    seconds(out, m->state == APPLIED ? m->applied_ms : 0);
    member(out, "author");
    json_text(out, m->author);
    member(out, "from");
    json_text(out, m->from);
    json_member(out, "values", m->values);
    if (m->verb == COMMAND_STEP) buf_print(out, ",\"steps\":%lld", (long long)m->argument);
    if (m->undoes) buf_print(out, ",\"undoes\":\"%llu\"", (unsigned long long)m->undoes);
    if (m->error) {
        member(out, "reason");
        json_text(out, json_string_value(json_object_get(m->error, "message")));
        json_member(out, "error", m->error);
    }
    buf_char(out, '}');
}

// --- reading back -------------------------------------------------------------------------------

static char *text_of(const json_t *o, const char *name) {
    const char *text = json_string_value(json_object_get(o, name));
    return text ? mem_text(text, strlen(text)) : NULL;
}

static int64_t ms_of(const json_t *o, const char *name) {
    return (int64_t)(json_number_value(json_object_get(o, name)) * 1000.0 + 0.5);
}

static uint64_t number_of(const json_t *o, const char *name) {
    const char *text = json_string_value(json_object_get(o, name));
    return text ? strtoull(text, NULL, 10) : 0;
}

pending *command_of_json(const json_t *json) {
    const char *state = json_string_value(json_object_get(json, "state"));
    const char *type = json_string_value(json_object_get(json, "type"));
    pending *m = state && type ? mem_new(sizeof *m) : NULL;
    if (!m) return NULL;
    m->number = number_of(json, "id");
    m->verb = record_command_verb(type);
    for (uint8_t i = 0; i < 4; i++)
        if (strcmp(states[i], state) == 0) m->state = i;
    json_t *step = json_object_get(json, "step");
    m->step = json_is_integer(step) ? json_integer_value(step) : -1;
    m->asked_ms = ms_of(json, "asked");
    m->applied_ms = ms_of(json, "applied");
    m->argument = json_integer_value(json_object_get(json, "steps"));
    m->undoes = number_of(json, "undoes");
    m->author = text_of(json, "author");
    m->from = text_of(json, "from");
    m->values = json_incref(json_object_get(json, "values"));
    m->error = json_incref(json_object_get(json, "error"));
    m->restored = true;
    m->event_written = m->state == APPLIED;
    return m;
}
