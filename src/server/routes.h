// The routes as a table, and what can be asked of it without a socket: which one a path means, whether a query
// fits it, and its OpenAPI document.
#ifndef NNS_SERVER_ROUTES_H
#define NNS_SERVER_ROUTES_H

#include "base/buf.h"
#include "http_parse.h"

typedef struct request request; // http.h

typedef enum http_method {
    HTTP_GET, HTTP_HEAD, HTTP_POST, HTTP_PUT, HTTP_PATCH, HTTP_DELETE, HTTP_OPTIONS, HTTP_OTHER
} http_method;
const char *http_method_name(http_method m);
const char *http_reason(int status); // the words behind a status

typedef enum body_kind { BODY_NONE, BODY_JSON, BODY_SAMPLE, BODY_POINTS } body_kind;
#define BODY_JSON_MAX ((size_t)64 << 10)
#define BODY_SAMPLE_MAX ((size_t)1 << 20)
#define BODY_POINTS_MAX ((size_t)16 << 20)

typedef struct route {
    http_method method;
    const char *path;
    unsigned scope;               // a bit of scope.def; 0: any token
    void (*handler)(request *r);
    const char *name;             // the handler's
    const char *query;
    body_kind body;
    const char *wanted;           // type of the body, as in shape.def
    const char *answers;
    const char *sentence;
} route;

extern const route routes[];
extern const size_t routes_count;

// The route of a method and path; NULL: `allowed` gets the bits (1 << method) of those that the path has, 0 for none.
// HEAD is answered by GET's route.
const route *route_find(http_method method, const char *path, size_t length,
                        http_slice params[HTTP_PARAMS_MAX], unsigned *allowed);

// Whether `value` fits parameter `name` of the route. False: `problem` says why, for the client.
bool route_query_valid(const route *r, const char *name, const char *value, char *problem,
                       size_t capacity);

// Whether the parameter may be given more than once.
bool route_query_repeats(const route *r, const char *name);

size_t route_body_max(const route *r);

// The OpenAPI 3.1 document; `prefix` goes before the paths.
void routes_openapi(buf *out, const char *version, const char *prefix);

#endif
