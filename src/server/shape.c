// Unit shape.c writes the shapes of shape.def as JSON Schema: what openapi.c says of bodies and answers; and finds what a
// body has beyond its shape. No sockets.
//
//     shape   = type | member*            member = name ["?"] ":" type
//     type    = one ("|" one)* ["?"]      one    = word | "[" type "]" | "{" type "}"
#include "shape.h"

#include <stdbool.h>
#include <string.h>

static const struct {
    const char *name, *members, *sentence;
} shapes[] = {
#define X(name, members, sentence) {#name, members, sentence},
#include "shape.def"
#undef X
};
enum { SHAPES = sizeof shapes / sizeof shapes[0] };

static const char *const states[] = {
#define X(name, number, word, over, sentence) word,
#include "store/state.def"
#undef X
    NULL};
static const char *const scopes[] = {
#define X(name, bit, word, implied, sentence) word,
#include "scope.def"
#undef X
    NULL};
static const char *const events[] = {
#define X(name, number, word, sentence) word,
#include "journal/event.def"
#undef X
    NULL};
static const char *const commands[] = {
#define X(name, number, word, undo, sentence) word,
#include "journal/command.def"
#undef X
    "undo", NULL};
static const char *const command_states[] = {"asked", "applied", "refused", "expired", NULL};

// Shapes of bodies: closed. Answers may grow.
static const char *const wanted[] = {
#define X(method, path, scope, handler, query, body, wanted, answers, sentence) wanted,
#include "routes.def"
#undef X
    NULL};

static bool is(const char *word, const char *at, size_t length) {
    return strlen(word) == length && !memcmp(word, at, length);
}

// --- types ---------------------------------------------------------------------------------

static bool put_words(const char *at, size_t length, buf *out) {
    static const struct {
        const char *type;
        const char *const *words;
    } lists[] = {{"state", states},
                 {"scope", scopes},
                 {"event_type", events},
                 {"command_type", commands},
                 {"command_state", command_states}};
    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++) {
        if (!is(lists[i].type, at, length)) continue;
        const char *between = "{\"type\":\"string\",\"enum\":[";
        for (const char *const *w = lists[i].words; *w; w++, between = ",")
            buf_print(out, "%s\"%s\"", between, *w);
        buf_text(out, "]}");
        return true;
    }
    return false;
}

static void put_word(const char *at, size_t length, buf *out) {
    static const struct {
        const char *type, *schema;
    } table[] = {
        {"text", "{\"type\":\"string\"}"},
        {"int", "{\"type\":\"integer\",\"format\":\"int64\"}"},
        {"number", "{\"type\":\"number\"}"},
        {"value",
         "{\"anyOf\":[{\"type\":\"number\"},{\"enum\":[\"NaN\",\"Infinity\",\"-Infinity\"]}]}"},
        {"bool", "{\"type\":\"boolean\"}"},
        {"time", "{\"type\":\"string\",\"format\":\"date-time\"}"},
        {"any", "{}"},
    };
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        if (!is(table[i].type, at, length)) continue;
        buf_text(out, table[i].schema);
        return;
    }
    if (put_words(at, length, out)) return;
    buf_print(out, "{\"$ref\":\"#/components/schemas/%.*s\"}", (int)length, at);
}

static void put_one(const char *at, size_t length, buf *out) {
    bool list = at[0] == '[', map = at[0] == '{';
    if (!list && !map) {
        put_word(at, length, out);
        return;
    }
    buf_text(out, list ? "{\"type\":\"array\",\"items\":"
                       : "{\"type\":\"object\",\"additionalProperties\":");
    shape_schema(at + 1, length - 2, out);
    buf_char(out, '}');
}

// Up to the next bar outside brackets.
static size_t one_length(const char *at, size_t length) {
    int depth = 0;
    for (size_t i = 0; i < length; i++) {
        if (at[i] == '[' || at[i] == '{') depth++;
        if (at[i] == ']' || at[i] == '}') depth--;
        if (at[i] == '|' && !depth) return i;
    }
    return length;
}

void shape_schema(const char *type, size_t length, buf *out) {
    bool nullable = type[length - 1] == '?';
    length -= nullable;
    size_t n = one_length(type, length);
    if (n == length && !nullable) {
        put_one(type, length, out);
        return;
    }
    buf_text(out, "{\"anyOf\":[");
    for (size_t at = 0; at < length; at += n + 1) {
        n = one_length(type + at, length - at);
        if (at) buf_char(out, ',');
        put_one(type + at, n, out);
    }
    buf_text(out, nullable ? ",{\"type\":\"null\"}]}" : "]}");
}

// --- shapes --------------------------------------------------------------------------------

// Calls for each member that is wanted: name, whether it must be there, type.
typedef struct member {
    const char *name, *type;
    size_t name_length, type_length;
    bool optional, other;
} member;

static bool next_member(const char **at, member *m) {
    *at += strspn(*at, " ");
    if (!**at) return false;
    m->name = *at;
    m->name_length = strcspn(*at, ":?");
    m->optional = m->name[m->name_length] == '?';
    m->other = m->name[0] == '*';
    m->type = strchr(*at, ':') + 1;
    m->type_length = strcspn(m->type, " ");
    *at = m->type + m->type_length;
    return true;
}

static void put_required(const char *members, buf *out) {
    member m;
    const char *between = ",\"required\":[", *end = "";
    while (next_member(&members, &m)) {
        if (m.optional || m.other) continue;
        buf_print(out, "%s\"%.*s\"", between, (int)m.name_length, m.name);
        between = ",";
        end = "]";
    }
    buf_text(out, end);
}

static bool is_wanted(const char *name) {
    const char *const *w = wanted;
    while (*w && strcmp(*w, name) != 0)
        w++;
    return *w != NULL;
}

static void put_object(const char *members, bool closed, buf *out) {
    member m = {0};
    const char *between = "";
    bool others = false;
    buf_text(out, ",\"type\":\"object\",\"properties\":{");
    for (const char *at = members; next_member(&at, &m);) {
        if ((others = m.other)) break; // stands last
        buf_print(out, "%s\"%.*s\":", between, (int)m.name_length, m.name);
        shape_schema(m.type, m.type_length, out);
        between = ",";
    }
    buf_char(out, '}');
    put_required(members, out);
    if (closed && !others) buf_text(out, ",\"additionalProperties\":false");
    if (!others) return;
    buf_text(out, ",\"additionalProperties\":");
    shape_schema(m.type, m.type_length, out);
}

void shape_components(buf *out) {
    for (size_t i = 0; i < SHAPES; i++) {
        const char *members = shapes[i].members;
        buf_print(out, "%s\"%s\":{\"description\":", i ? "," : "", shapes[i].name);
        buf_json(out, shapes[i].sentence, strlen(shapes[i].sentence));
        if (*members && !strchr(members, ':')) {
            buf_text(out, ",\"allOf\":[");
            shape_schema(members, strlen(members), out);
            buf_char(out, ']');
        } else {
            put_object(members, is_wanted(shapes[i].name), out);
        }
        buf_char(out, '}');
    }
}

const char *shape_sentence(const char *name, size_t length) {
    for (size_t i = 0; i < SHAPES; i++)
        if (is(shapes[i].name, name, length)) return shapes[i].sentence;
    return NULL;
}

const char *shape_members(const char *name) {
    for (size_t i = 0; i < SHAPES; i++)
        if (!strcmp(shapes[i].name, name)) return shapes[i].members;
    return NULL;
}

static bool has_member(const char *members, const char *name) {
    member m;
    while (next_member(&members, &m))
        if (m.other || is(name, m.name, m.name_length)) return true;
    return false;
}

const char *shape_stray(const char *members, json_t *object) {
    const char *name;
    json_t *value;
    json_object_foreach(object, name, value)
        if (!has_member(members, name)) return name;
    return NULL;
}
