// Unit routes.c makes the table of routes (routes.def) answer questions: which route, does the query fit.
// On the path: http.c asks it for each request; openapi.c writes it down. No sockets.
#include "routes.h"

#include "handlers.h"
#include "token.h"

#include <stdio.h>
#include <string.h>

enum {
    SCOPE_BITS_ANY = 0,
#define X(name, bit, word, implied, sentence) SCOPE_BITS_##name = bit,
#include "scope.def"
#undef X
};

const route routes[] = {
#define X(method, path, scope, handler, query, body, wanted, answers, sentence)                    \
    {HTTP_##method, path,    SCOPE_BITS_##scope, handle_##handler,                                 \
     #handler,      query,   BODY_##body,        wanted,                                           \
     answers,       sentence},
#include "routes.def"
#undef X
};
const size_t routes_count = sizeof routes / sizeof routes[0];

const char *http_method_name(http_method m) {
    static const char *const names[] = {"GET",   "HEAD",   "POST",    "PUT",
                                        "PATCH", "DELETE", "OPTIONS", "?"};
    return names[m];
}

const char *http_reason(int status) {
    static const struct {
        int status;
        const char *reason;
    } table[] = {
        {101, "Switching Protocols"},
        {200, "OK"},
        {201, "Created"},
        {202, "Accepted"},
        {204, "No Content"},
        {304, "Not Modified"},
        {308, "Permanent Redirect"},
        {400, "Bad Request"},
        {401, "Unauthorized"},
        {403, "Forbidden"},
        {404, "Not Found"},
        {405, "Method Not Allowed"},
        {409, "Conflict"},
        {411, "Length Required"},
        {413, "Content Too Large"},
        {414, "URI Too Long"},
        {415, "Unsupported Media Type"},
        {422, "Unprocessable Content"},
        {426, "Upgrade Required"},
        {429, "Too Many Requests"},
        {431, "Request Header Fields Too Large"},
        {500, "Internal Server Error"},
        {501, "Not Implemented"},
        {503, "Service Unavailable"},
        {504, "Gateway Timeout"},
    };
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++)
        if (table[i].status == status) return table[i].reason;
    return "Answer";
}

const route *route_find(http_method method, const char *path, size_t length,
                        http_slice params[HTTP_PARAMS_MAX], unsigned *allowed) {
    http_method wanted = method == HTTP_HEAD ? HTTP_GET : method;
    *allowed = 0;
    for (size_t i = 0; i < routes_count; i++) {
        http_slice here[HTTP_PARAMS_MAX] = {0};
        if (http_path_match(routes[i].path, path, length, here) < 0) continue;
        *allowed |= 1u << routes[i].method;
        if (routes[i].method == HTTP_GET) *allowed |= 1u << HTTP_HEAD;
        if (routes[i].method != wanted) continue;
        memcpy(params, here, sizeof here);
        return &routes[i];
    }
    return NULL;
}

size_t route_body_max(const route *r) {
    if (r->body == BODY_SAMPLE) return BODY_SAMPLE_MAX;
    return r->body == BODY_POINTS ? BODY_POINTS_MAX : BODY_JSON_MAX;
}

// --- queries -------------------------------------------------------------------------------

static bool one_of(const char *value, const char *words) {
    size_t n = strlen(value);
    for (const char *at = words; *at; at += strcspn(at, "|") + (at[strcspn(at, "|")] ? 1 : 0))
        if (strcspn(at, "|") == n && !memcmp(at, value, n)) return true;
    return false;
}

// What a value of this type must be, or NULL when it is.
static const char *misfit(const char *type, size_t length, const char *value) {
    int64_t v;
#define IS(word) (length == sizeof word - 1 && !memcmp(type, word, length))
    size_t n = strlen(value);
    if (!http_utf8_valid(value, n)) return "UTF-8";
    if (IS("int")) return http_int(value, n, &v) ? NULL : "an integer";
    if (IS("count"))
        return http_int(value, n, &v) && v >= 0 && v <= UINT32_MAX
                   ? NULL
                   : "an integer from 0 to 4294967295";
    if (IS("axis")) return one_of(value, "step|time") ? NULL : "step or time";
    if (IS("attempts")) return one_of(value, "all|current") ? NULL : "all or current";
    if (IS("format")) return one_of(value, "json|csv|columns") ? NULL : "json, csv or columns";
    if (IS("flag")) return one_of(value, "0|1|false|true") ? NULL : "true or false";
#undef IS
    return n <= 255 ? NULL : "at most 255 bytes";
}

// The type of a query parameter, up to a space; NULL: the route has none of that name.
static const char *query_type(const route *r, const char *name) {
    size_t name_length = strlen(name);
    for (const char *at = r->query; *at; at += strcspn(at, " "), at += *at == ' ') {
        size_t n = strcspn(at, ":");
        if (n == name_length && !memcmp(at, name, n)) return at + n + 1;
    }
    return NULL;
}

bool route_query_repeats(const route *r, const char *name) {
    const char *type = query_type(r, name);
    return type && !strncmp(type, "names", 5);
}

bool route_query_valid(const route *r, const char *name, const char *value, char *problem,
                       size_t capacity) {
    size_t name_length = strlen(name);
    const char *type = query_type(r, name);
    if (type) {
        const char *wants = misfit(type, strcspn(type, " "), value);
        if (wants) snprintf(problem, capacity, "query parameter %s must be %s", name, wants);
        return !wants;
    }
    if (http_utf8_valid(name, name_length) && name_length < 64)
        snprintf(problem, capacity, "unknown query parameter %s", name);
    else
        snprintf(problem, capacity, "unknown query parameter");
    return false;
}
