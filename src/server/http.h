// One HTTP request and its reply, as handlers see it. Net thread only.
//
//     READING -> (body) -> handler -> WAITING (for the core) -> SENDING -> (REST: next piece) -> over
//                                                            -> EVENTS (server-sent, until closed)
#ifndef NNS_SERVER_HTTP_H
#define NNS_SERVER_HTTP_H

#include "net_inside.h"
#include "routes.h"

#define ARGS_MAX 256

typedef enum request_state { READING, WAITING, SENDING, EVENTS } request_state;

typedef struct request_arg {
    size_t name, value;       // offsets into args_text
} request_arg;

struct request {
    net *net;
    conn *conn;               // NULL once the client is gone
    int uses;                 // the connection and each call of the core under way
    request_state state;
    const route *route;       // NULL: a page
    http_method method;
    bool old;                 // HTTP/1.0
    bool closing;             // close the connection after the reply
    bool refused;             // the reply is made already; the body is only swallowed
    bool gzip;
    bool command_line;        // nnscope's own asks, by its name
    bool chunked;
    identity who;
    char path[1025];
    http_slice params[HTTP_PARAMS_MAX];
    char param_text[HTTP_PARAMS_MAX][256];
    buf args_text;
    request_arg args[ARGS_MAX];
    size_t arg_count;
    char accept[512];
    char etag[128];           // If-None-Match
    buf body;
    size_t body_expected;
    bool body_done;
    // The reply.
    buf headers;              // further header lines
    buf out;                  // what is being sent, from `sent` on
    size_t sent;
    buf piece;                // body not yet framed into out, from `piece_sent` on
    size_t piece_sent;
    const uint8_t *fixed;     // or a body that lives for ever (assets)
    size_t fixed_bytes;
    core_rest *rest;
    bool rest_asked, last;
    viewer *viewer;           // EVENTS
    int64_t quiet_ms;         // when something was last sent (EVENTS)
};

// What the client asks for. Queries were checked against the route: absent values are the defaults.
const char *request_param(request *r, int index);             // text in the path, 0-terminated
const char *request_arg_text(const request *r, const char *name); // NULL: absent
int64_t request_arg_int(const request *r, const char *name, int64_t absent);
bool request_arg_flag(const request *r, const char *name);
size_t request_arg_list(const request *r, const char *name, const char **out, size_t max);
core_author request_author(const request *r);

// Answers: exactly one of these per request. Bodies are stolen.
void request_answer(request *r, core_reply *reply);
void request_error(request *r, int status, const char *code, const char *message);
void request_text(request *r, int status, const char *type, const char *text);
void request_fixed(request *r, const char *type, const uint8_t *data, size_t bytes); // data lives for ever
void request_events(request *r, viewer *v);                   // takes v
void request_header(request *r, const char *format, ...) __attribute__((format(printf, 2, 3)));

// For deferred calls: core_xxx(..., request_done, request_hold(r)).
request *request_hold(request *r);
void request_done(void *context, core_reply *reply);

void request_wake(request *r);                                // something to send

// Pages and assets (pages.c): everything that is not a route.
void page_serve(request *r);

#endif
