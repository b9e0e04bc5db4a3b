// Unit events.c writes what happened to a run: a row in the store, and a short memory for those who watch.
// Calls with the lock.
#include "run.h"

#include "base/log.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

static const char *event_word(int type) {
    return record_event_word((uint32_t)type);
}

void recent_push(recent *ring, uint32_t capacity, uint64_t number, char *text) {
    if (!ring->text) {
        ring->text = mem_array(capacity, sizeof *ring->text);
        ring->number = mem_array(capacity, sizeof *ring->number);
        ring->capacity = capacity;
    }
    if (!ring->text || !ring->number) {
        mem_free(text);
        return;
    }
    size_t at = ring->count++ % ring->capacity;
    mem_free(ring->text[at]);
    ring->text[at] = text;
    ring->number[at] = number;
}

void recent_fini(recent *ring) {
    for (uint32_t i = 0; ring->text && i < ring->capacity; i++)
        mem_free(ring->text[i]);
    mem_free(ring->text);
    mem_free(ring->number);
    *ring = (recent){0};
}

static json_t *event_object(uint64_t number, int type, int64_t step, int64_t time_ms,
                            json_t *detail) {
    json_t *event =
        json_pack("{s:I, s:s, s:I, s:f}", "number", (json_int_t)number, "type", event_word(type),
                  "step", (json_int_t)step, "time", (double)time_ms / 1000.0);
    json_t *text = json_object_get(detail, "text"), *values = json_object_get(detail, "values");
    if (text) json_object_set(event, "text", text);
    if (values) json_object_set(event, "values", values);
    if (detail && !text && !values && json_object_size(detail))
        json_object_set(event, "detail", detail);
    return event;
}

void run_event(core *c, run *r, int type, int64_t step, int64_t time_ms, json_t *detail,
               const char *author, const char *from, uint64_t answers) {
    uint64_t number = r->next_event++;
    json_t *event = event_object(number, type, step, time_ms, detail);
    if (author) json_object_set_new(event, "author", json_string(author));
    if (from) json_object_set_new(event, "from", json_string(from));
    if (answers) {
        char text[24];
        snprintf(text, sizeof text, "%llu", (unsigned long long)answers);
        json_object_set_new(event, "command", json_string(text));
    }
    char *json = json_printed(event);
    json_decref(event);
    if (!json) return;
    int result = store_put_event(c->store, r->row.id, (int64_t)number, step, time_ms, type, json);
    if (result)
        log_warn("an event of run %s cannot be stored: %s", r->row.key, error_sentence(result));
    recent_push(&r->events, RECENT_EVENTS, number, json);
    c->rows_dirty = true;
    r->change++;
    run_touch(c, r);
}
