// Decisions on who may do what: pure apart from its own counters; the headers come as text. Net thread.
#ifndef NNS_SERVER_AUTH_H
#define NNS_SERVER_AUTH_H

#include "http_parse.h"
#include "token.h"

typedef struct auth {
    const tokens *tokens;
    const char *const *allow_hosts; // names besides loopback's
    size_t allow_hosts_count;
    bool behind_proxy;
    char cookie[24];                // "nnscope_7676"
    double tries;                   // failed tries that are still free
    int64_t tries_at_ms;
} auth;

// What a request says about itself; "" where it says nothing.
typedef struct auth_headers {
    const char *host, *forwarded_host, *origin, *authorization, *cookie;
    const char *local;              // the address that the client reached us by
    bool local_loopback;
} auth_headers;

// Each returns 0, or an HTTP status with *code and *message (static texts).
int auth_host(const auth *a, const auth_headers *h, const char **code, const char **message);
int auth_origin(const auth *a, const auth_headers *h, const char **code, const char **message);
// Upgrades without Origin need a bearer token. Failed tries are limited in rate (429); a right token is always let in.
int auth_identity(auth *a, const auth_headers *h, bool upgrade, int64_t now_ms, identity *who,
                  const char **code, const char **message);
bool auth_may(const identity *who, unsigned scope); // scope 0: anybody with a token

#endif
