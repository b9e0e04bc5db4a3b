// Unit run_load.c brings the details of a run back from the store when a process of it speaks again, or when a server
// comes while it runs: parameters, commands that are still asked, facts. Engine thread. Until `loaded` is set
// nobody else touches a run's details, so reading needs no lock.
#include "network.h"
#include "run.h"

#include "base/log.h"

#include <jansson.h>
#include <math.h>
#include <string.h>

enum { COMMANDS_KEPT = 256 };

typedef struct loading {
    core *c;
    run *r;
} loading;

static char *text_of(const json_t *o, const char *name) {
    const char *text = json_string_value(json_object_get(o, name));
    return text ? mem_text(text, strlen(text)) : NULL;
}

static uint8_t param_type(const char *word) {
    for (uint32_t t = PARAM_DOUBLE; t <= PARAM_TEXT_TYPE; t++)
        if (strcmp(record_param_word(t), word) == 0) return (uint8_t)t;
    return PARAM_DOUBLE;
}

double param_number(const param *q, const json_t *value) {
    const char *word = json_string_value(value);
    if (json_is_boolean(value)) return json_is_true(value);
    if (json_is_number(value)) return json_number_value(value);
    if (!word) return NAN;
    for (uint32_t i = 0; i < q->choice_count; i++)
        if (q->type == PARAM_CHOICE && strcmp(q->choices[i], word) == 0) return i;
    return strcmp(word, "Infinity") == 0    ? INFINITY
           : strcmp(word, "-Infinity") == 0 ? -INFINITY
                                            : NAN;
}

static void load_choices(param *q, const json_t *list) {
    size_t n = json_array_size(list);
    q->choices = n ? mem_array(n, sizeof *q->choices) : NULL;
    for (size_t i = 0; q->choices && i < n; i++) {
        const char *word = json_string_value(json_array_get(list, i));
        q->choices[i] = mem_text(word ? word : "", word ? strlen(word) : 0);
        if (!q->choices[i]) return;
        q->choice_count++;
    }
}

static int load_param(void *context, const store_row *row) {
    loading *l = context;
    json_t *json = json_loads(row->json, 0, NULL);
    param *q = row->name ? param_open(l->c, l->r, row->name, strlen(row->name)) : NULL;
    if (!q || !json) {
        json_decref(json);
        return 0;
    }
    const char *type = json_string_value(json_object_get(json, "type"));
    json_t *min = json_object_get(json, "min"), *step = json_object_get(json, "changed_step");
    q->type = param_type(type ? type : "");
    q->flags = (uint8_t)((json_is_true(json_object_get(json, "log")) ? PARAM_LOG : 0) |
                         (json_is_true(json_object_get(json, "read_only")) ? PARAM_READ_ONLY : 0) |
                         (json_is_null(min) ? 0 : PARAM_BOUNDED));
    q->min = param_number(q, min);
    q->max = param_number(q, json_object_get(json, "max"));
    load_choices(q, json_object_get(json, "choices"));
    q->value = param_number(q, json_object_get(json, "value"));
    if (q->type == PARAM_TEXT_TYPE) q->text = text_of(json, "value");
    q->unit = text_of(json, "unit");
    q->description = text_of(json, "description");
    q->changed_by = text_of(json, "changed_by");
    q->changed_step = json_is_integer(step) ? json_integer_value(step) : -1;
    json_decref(json);
    return 0;
}

static int load_command(void *context, const store_row *row) {
    loading *l = context;
    run *r = l->r;
    json_t *json = json_loads(row->json, 0, NULL);
    pending *m = json ? command_of_json(json) : NULL;
    json_decref(json);
    if (!m) return 0;
    if (m->number >= r->next_command) r->next_command = m->number + 1;
    pending **commands = mem_grow(r->commands, r->command_count + 1, sizeof *commands);
    if (!commands) {
        pending_free(m);
        return 0;
    }
    r->commands = commands;
    commands[r->command_count++] = m;
    return 0;
}

int run_load(core *c, run *r) {
    loading l = {.c = c, .r = r};
    core_lock(c);
    run_extra_load(r);
    core_unlock(c);
    r->facts = r->row.facts ? json_loads(r->row.facts, 0, NULL) : NULL;
    if (!json_is_object(r->facts)) {
        json_decref(r->facts);
        r->facts = json_object();
    }
    r->facts_bytes = r->row.facts ? strlen(r->row.facts) : 0;
    int64_t from = r->next_command > COMMANDS_KEPT ? (int64_t)r->next_command - COMMANDS_KEPT : 0;
    int result = store_list_params(c->engine_reader, r->row.id, load_param, &l);
    if (!result)
        result = store_list_commands(c->engine_reader, r->row.id, from, COMMANDS_KEPT * 4,
                                     load_command, &l);
    if (!result) result = model_load(c, r);
    if (result) log_warn("run %s: details cannot be read: %s", r->row.key, error_sentence(result));
    core_lock(c);
    r->loaded = true;
    core_unlock(c);
    return result;
}
