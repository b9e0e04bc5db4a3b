// Unit event.c writes EVENT records: marks of the program, and what the library itself has to say.
#include "event.h"

#include "records.h"

#include <string.h>
#include <unistd.h>

#define MARK_BYTES_MAX 4096u

static bool put(nns_run *run, uint32_t type, uint64_t number, const void *text, size_t length) {
    uint8_t *at = lanes_begin(run, event_record_bytes(length), atomic_load(&run->serial) > 0);
    if (!at) return false;
    event_record_put(at, type, number, text, length);
    lanes_end(at);
    return true;
}

bool event_write(nns_run *run, uint32_t type, uint64_t number, const buf *json) {
    return !json->failed && put(run, type, number, json->data, json->length);
}

bool event_text(nns_run *run, uint32_t type, uint64_t number, const char *json) {
    return put(run, type, number, json, strlen(json));
}

bool event_mark(nns_run *run, uint64_t number, const char *text) {
    uint8_t memory[MARK_BYTES_MAX * 6 + 64]; // each byte escaped as \u0000 at most: never grows
    buf json = {.data = memory, .capacity = sizeof memory};
    buf_text(&json, "{\"text\":");
    buf_json(&json, text, strnlen(text, MARK_BYTES_MAX));
    buf_char(&json, '}');
    return event_write(run, EVENT_MARK, number, &json);
}

void nns_mark(nns_run *run, const char *text) {
    if (run_is_open(run) && text) event_mark(run, 0, text);
}

static void member(buf *json, const char *key, const char *text) {
    if (!text || !*text) return;
    buf_print(json, ",\"%s\":", key);
    buf_json(json, text, strlen(text));
}

static void tag(buf *json, const char *at, size_t length, bool first) {
    if (!first) buf_char(json, ',');
    buf_json(json, at, length);
}

// "a, b" -> ["a","b"]
static void tags(buf *json, const char *text) {
    if (!text) return;
    bool first = true;
    buf_text(json, ",\"tags\":[");
    while (*text) {
        text += strspn(text, " ,");
        size_t length = strcspn(text, ",");
        size_t trimmed = length;
        while (trimmed && text[trimmed - 1] == ' ')
            trimmed--;
        if (trimmed) {
            tag(json, text, trimmed, first);
            first = false;
        }
        text += length;
    }
    buf_char(json, ']');
}

void event_started(nns_run *run) {
    buf json = {0};
    buf_print(&json, "{\"process\":\"%s\"", run->process.text);
    member(&json, "project", run->project);
    member(&json, "name", run->name);
    member(&json, "group", run->group);
    tags(&json, run->tags);
    member(&json, "notes", run->notes);
    buf_print(&json, ",\"rank\":%d,\"world\":%d,\"pid\":%d", run->alive.rank, run->alive.world,
              (int)getpid());
    member(&json, "host", run->alive.host);
    buf_text(&json, ",\"version\":\"" NNS_VERSION "\",\"commands\":[");
#define X(name, number, word, undo, sentence)                                                      \
    buf_text(&json, number == 1 ? "\"" word "\"" : ",\"" word "\"");
#include "journal/command.def"
#undef X
    buf_text(&json, "]");
    if (run->output.on) buf_text(&json, ",\"capture\":true");
    buf_char(&json, '}');
    event_write(run, EVENT_STARTED, 0, &json);
    buf_fini(&json);
}
