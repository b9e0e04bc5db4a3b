// Unit openapi.c writes the table of routes as an OpenAPI 3.1 document, so that the two cannot differ.
#include "routes.h"
#include "shape.h"
#include "token.h"

#include <stdlib.h>
#include <string.h>

static void text(buf *out, const char *t) {
    buf_json(out, t, strlen(t));
}

static void path_params(buf *out, const char *path, const char **between) {
    for (const char *at = strchr(path, '{'); at; at = strchr(at + 1, '{')) {
        buf_print(out, "%s{\"name\":", *between);
        buf_json(out, at + 1, strcspn(at + 1, "}"));
        buf_text(out, ",\"in\":\"path\",\"required\":true,\"schema\":{\"type\":\"string\"}}");
        *between = ",";
    }
}

static const char *schema(const char *type, size_t length) {
    static const struct {
        const char *type, *schema;
    } table[] = {
        {"int", "{\"type\":\"integer\",\"format\":\"int64\"}"},
        {"count", "{\"type\":\"integer\",\"minimum\":0,\"maximum\":4294967295}"},
        {"names", "{\"type\":\"array\",\"items\":{\"type\":\"string\"}},\"explode\":true"},
        {"axis", "{\"type\":\"string\",\"enum\":[\"step\",\"time\"]}"},
        {"attempts", "{\"type\":\"string\",\"enum\":[\"current\",\"all\"]}"},
        {"format", "{\"type\":\"string\",\"enum\":[\"json\",\"csv\",\"columns\"]}"},
        {"flag", "{\"type\":\"boolean\"}"},
    };
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++)
        if (strlen(table[i].type) == length && !memcmp(table[i].type, type, length))
            return table[i].schema;
    return "{\"type\":\"string\",\"maxLength\":255}";
}

static void query_params(buf *out, const char *query, const char **between) {
    for (const char *at = query; *at; at += strcspn(at, " "), at += *at == ' ') {
        size_t n = strcspn(at, ":");
        const char *type = at + n + 1;
        buf_print(out, "%s{\"name\":", *between);
        buf_json(out, at, n);
        buf_print(out, ",\"in\":\"query\",\"schema\":%s}", schema(type, strcspn(type, " ")));
        *between = ",";
    }
}

// --- bodies and answers --------------------------------------------------------------------

static void media(buf *out, const char *type, const char *schema) {
    buf_print(out, "\"%s\":{\"schema\":%s}", type, schema);
}

static void json_media(buf *out, const char *type, size_t length) {
    buf_text(out, "\"application/json\":{\"schema\":");
    shape_schema(type, length, out);
    buf_char(out, '}');
}

static void body(buf *out, const route *r) {
    if (r->body == BODY_NONE) return;
    buf_text(out, ",\"requestBody\":{\"required\":true,\"content\":{");
    json_media(out, r->wanted, strlen(r->wanted));
    if (r->body == BODY_POINTS) {
        buf_char(out, ',');
        media(out, "application/x-ndjson", "{\"type\":\"string\"}");
    }
    buf_print(out, "}},\"x-body-max\":%zu", route_body_max(r));
}

// One form of an answer: a word of the table here, or a type of shape.def.
static void form(buf *out, const char *word, size_t length) {
    static const struct {
        const char *word, *type, *schema;
    } table[] = {
        {"csv", "text/csv", "{\"type\":\"string\"}"},
        {"plain", "text/plain", "{\"type\":\"string\"}"},
        {"stream", "text/event-stream", "{\"type\":\"string\"}"},
        {"metrics", "application/openmetrics-text", "{\"type\":\"string\"}"},
        {"columns", "application/vnd.nnscope.columns", "{}"},
        {"capture", "application/vnd.nnscope.capture", "{}"},
        {"bytes", "*/*", "{}"},
    };
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        if (strlen(table[i].word) != length || memcmp(table[i].word, word, length)) continue;
        media(out, table[i].type, table[i].schema);
        return;
    }
    json_media(out, word, length);
}

// "200 points csv": a status and its forms.
static void answer(buf *out, const char *at, size_t length) {
    const char *end = at + length, *between = ",\"content\":{";
    int status = atoi(at);
    at += at + 3 < end ? 4 : 3;
    const char *sentence = at < end ? shape_sentence(at, strcspn(at, " ,")) : NULL;
    buf_print(out, "\"%d\":{\"description\":", status);
    text(out, sentence ? sentence : http_reason(status));
    if (at == end && status >= 400) at = "error", end = at + 5;
    bool forms = at < end;
    for (size_t n; at < end; at += n + (at[n] == ' '), between = ",") {
        n = strcspn(at, " ,");
        buf_text(out, between);
        form(out, at, n);
    }
    buf_text(out, forms ? "}}" : "}");
}

static void answers(buf *out, const route *r) {
    buf_text(out, ",\"responses\":{");
    for (const char *at = r->answers; *at; at += strspn(at, ", ")) {
        size_t n = strcspn(at, ",");
        answer(out, at, n);
        buf_char(out, ',');
        at += n;
    }
    buf_text(out, "\"default\":{\"description\":\"An error\",\"content\":{");
    json_media(out, "error", 5);
    buf_text(out, "}}}");
}

// --- operations ----------------------------------------------------------------------------

static void lower_word(buf *out, const char *word) {
    for (; *word; word++)
        buf_char(out, (char)(*word | 0x20));
}

static void operation(buf *out, const route *r) {
    const char *between = "";
    buf_char(out, '"');
    lower_word(out, http_method_name(r->method));
    buf_text(out, "\":{\"summary\":");
    text(out, r->sentence);
    buf_print(out, ",\"operationId\":\"%s\"", r->name);
    buf_print(out,
              ",\"x-scope\":\"%s\",\"security\":[{\"token\":[]},{\"session\":[]}],\"parameters\":[",
              r->scope ? scope_word(r->scope) : "any");
    path_params(out, r->path, &between);
    query_params(out, r->query, &between);
    buf_char(out, ']');
    body(out, r);
    answers(out, r);
    buf_char(out, '}');
}

// True when a route before `index` has the same path: it was written there.
static bool seen(size_t index) {
    for (size_t i = 0; i < index; i++)
        if (!strcmp(routes[i].path, routes[index].path)) return true;
    return false;
}

static void path_item(buf *out, size_t index) {
    const char *between = "";
    text(out, routes[index].path);
    buf_text(out, ":{");
    for (size_t i = index; i < routes_count; i++) {
        if (strcmp(routes[i].path, routes[index].path)) continue;
        buf_text(out, between);
        operation(out, &routes[i]);
        between = ",";
    }
    buf_char(out, '}');
}

void routes_openapi(buf *out, const char *version, const char *prefix) {
    buf_text(out, "{\"openapi\":\"3.1.0\",\"info\":{\"title\":\"nnscope\",\"version\":");
    text(out, version);
    buf_text(out, "},\"servers\":[{\"url\":");
    text(out, *prefix ? prefix : "/");
    buf_text(out, "}],\"components\":{\"securitySchemes\":{\"token\":{\"type\":\"http\",\"scheme\":"
                  "\"bearer\"},"
                  "\"session\":{\"type\":\"apiKey\",\"in\":\"cookie\",\"name\":\"nnscope_PORT\"}},"
                  "\"schemas\":{");
    shape_components(out);
    buf_text(out, "}},\"paths\":{");
    const char *between = "";
    for (size_t i = 0; i < routes_count; i++) {
        if (seen(i)) continue;
        buf_text(out, between);
        path_item(out, i);
        between = ",";
    }
    buf_text(out, "}}");
}
