// The inside of the net side, shared by its units (loop, http, handlers, auth, live, sse, pages). Net thread only.
#ifndef NNS_SERVER_NET_INSIDE_H
#define NNS_SERVER_NET_INSIDE_H

#include "auth.h"
#include "net.h"
#include "token.h"

#include <libwebsockets.h>
#include <stdatomic.h>

typedef struct request request;
typedef struct live live;
typedef struct conn conn;

// One accepted socket.
struct conn {
    net *net;
    struct lws *wsi;
    conn *next, **back;       // list of all
    request *request;         // being answered; NULL between two
    live *live;               // after an upgrade
    identity who;             // of the upgrade
    char local[64];           // our own address on this connection
    bool loopback;            // the peer is on this machine
};

#define LISTENERS_MAX 2

struct net {
    net_options options;
    core *core;
    tokens *tokens;
    auth auth;
    struct lws_context *lws;
    struct lws_vhost *vhost;
    conn *conns;
    int conn_count;
    conn *adopting;           // being handed to the library, which may end it at once
    size_t body_bytes;        // of requests being read, all together
    int listeners[LISTENERS_MAX], listener_count;
    int signals;              // signalfd, -1: none
    int spare;                // a descriptor to give up when there are no more
    int port;
    char url[512], outer[512]; // for this machine; for others, "" when it is bound to loopback or behind a proxy
    _Atomic bool woken;       // a wake is on its way
    _Atomic bool stopping;
    struct lws_retry_bo validity; // pings of WebSockets
};

#define BODY_BYTES_MAX ((size_t)128 << 20)

int listen_open(net *n, char **error);      // listen.c
bool listen_outer(char *out, size_t capacity); // an address of this machine for others (IPv4); false: none
void listen_ready(net *n, int fd);          // a listener has somebody
void conn_free(conn *c);

// HTTP (http.c). Each returns the callback's result: non-zero closes the connection.
int http_begin(conn *c);
int http_stray(conn *c, const char *data, size_t length); // what begins with no method that the library knows
int http_body(conn *c, const void *data, size_t length);
int http_body_end(conn *c);
int http_writable(conn *c);
void http_gone(conn *c);

// Copies a header of the request being parsed; "" when absent. False: it is longer than fits.
bool net_header(struct lws *wsi, enum lws_token_indexes which, char *out, size_t capacity);

// Who asks, from the headers of the request being parsed (http.c, live.c). 0, or an HTTP status with *code and *message.
int net_authenticate(conn *c, bool change, bool upgrade, identity *who, const char **code,
                     const char **message);
int net_check_host(conn *c, const char **code, const char **message);

// Live (live.c).
int live_confirm(conn *c);
int live_open(conn *c);
int live_receive(conn *c, const char *data, size_t length);
int live_writable(conn *c);
void live_close(conn *c);
void live_revoke(net *n, const char *token_id); // ends what lives by this token

// Server-sent events (sse.c).
void sse_ready(request *r);

#endif
