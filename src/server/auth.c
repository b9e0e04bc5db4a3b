// Unit auth.c decides on Host, Origin, token and session of a request.
// On the path: http.c and live.c ask it before a request means anything.
//
//   1. Host     a name under which this server is meant: loopback's on any port, an allowed name, or the very address
//               that the connection came to. Anything else may be a foreign name made to point here (DNS rebinding).
//   2. Origin   on changes and upgrades: the same host and port as Host (or a proxy's X-Forwarded-Host). A page of another
//               origin may not act, even with the person's cookie.
//   3. token    Authorization: Bearer, else the cookie nnscope_PORT.
#include "auth.h"

#include "base/buf.h"

#include <string.h>

#define TRIES_MAX 20.0       // failed tries at once
#define TRIES_PER_SECOND 2.0 // and what comes back

static int deny(int status, const char *code, const char *message, const char **out_code,
                const char **out_message) {
    *out_code = code;
    *out_message = message;
    return status;
}

// --- Host, Origin --------------------------------------------------------------------------

static bool allowed_name(const auth *a, const http_host *host) {
    for (size_t i = 0; i < a->allow_hosts_count; i++) {
        http_host one;
        if (!http_host_parse(a->allow_hosts[i], strlen(a->allow_hosts[i]), &one)) continue;
        if (!strcmp(one.name, host->name) && (one.port < 0 || one.port == host->port)) return true;
    }
    return false;
}

int auth_host(const auth *a, const auth_headers *h, const char **code, const char **message) {
    http_host host;
    if (!http_host_parse(h->host, strlen(h->host), &host))
        return deny(400, "bad_host", "the Host header is missing or not valid", code, message);
    if (http_host_loopback(&host) || allowed_name(a, &host)) return 0;
    if (host.literal && !strcmp(host.name, h->local)) return 0;
    return deny(403, "host",
                "this server does not answer to that host name: start it with --allow-host NAME",
                code, message);
}

int auth_origin(const auth *a, const auth_headers *h, const char **code, const char **message) {
    http_host host, origin;
    bool secure;
    if (!*h->origin) return 0;
    if (http_origin_parse(h->origin, strlen(h->origin), &origin, &secure)) {
        if (http_host_parse(h->host, strlen(h->host), &host) &&
            http_same_host(&host, &origin, secure))
            return 0;
        if (a->behind_proxy &&
            http_host_parse(h->forwarded_host, strlen(h->forwarded_host), &host) &&
            http_same_host(&host, &origin, secure))
            return 0;
    }
    return deny(403, "origin", "pages of another origin may not do this", code, message);
}

// --- tokens --------------------------------------------------------------------------------

// A failed try: counts it; true when there were too many of late.
static bool too_many(auth *a, int64_t now_ms) {
    double back = (double)(now_ms - a->tries_at_ms) / 1000 * TRIES_PER_SECOND;
    a->tries_at_ms = now_ms;
    a->tries += back > 0 ? back : 0;
    if (a->tries > TRIES_MAX) a->tries = TRIES_MAX;
    if (a->tries < 1) return true;
    a->tries -= 1;
    return false;
}

static int failed_try(auth *a, int64_t now_ms, const char *what, const char **code,
                      const char **message) {
    if (too_many(a, now_ms))
        return deny(429, "too_many_tries", "too many wrong tokens: wait a little", code, message);
    return deny(401, "token", what, code, message);
}

int auth_identity(auth *a, const auth_headers *h, bool upgrade, int64_t now_ms, identity *who,
                  const char **code, const char **message) {
    http_slice secret;
    if (*h->authorization) {
        if (http_bearer(h->authorization, strlen(h->authorization), &secret) &&
            tokens_check(a->tokens, secret.at, secret.length, who))
            return 0;
        return failed_try(a, now_ms, "the token is not valid", code, message);
    }
    if (!http_cookie(h->cookie, strlen(h->cookie), a->cookie, &secret))
        return deny(401, "token", "a token is needed: Authorization: Bearer TOKEN", code, message);
    if (!session_check(a->tokens, secret.at, secret.length, now_ms / 1000, who))
        return failed_try(a, now_ms, "the session is over: open the address with the token again",
                          code, message);
    if (upgrade && !*h->origin)
        return deny(403, "origin", "an upgrade by cookie must name its Origin", code, message);
    return 0;
}

bool auth_may(const identity *who, unsigned scope) {
    return !scope || (who->scopes & scope) == scope;
}
