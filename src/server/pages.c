// Unit pages.c serves what is not a route: the dashboard's files and the page that trades a token for the cookie.
//
//     ?token=... on any page   the session page (200): its script trades the token and takes it out of the address. A
//                              redirect would lose a SameSite=Strict cookie when the person comes from elsewhere
//     /                        the dashboard, with a session; without one the session page, as 401
//     /NAME.EXT                a file; files hold no secrets and need no session
//     /NAME                    as / : the state of the view is in the address
#include "assets.h"
#include "http.h"

#include <string.h>

static const char *below_prefix(const net *n, const char *path) {
    size_t length = strlen(n->options.prefix);
    if (length && !strncmp(path, n->options.prefix, length) && path[length] == '/')
        return path + length;
    return path;
}

static void serve_asset(request *r, const asset *a, int status) {
    core_reply reply = {.status = status, .type = a->type};
    request_header(r, "ETag: %s\r\nVary: Accept-Encoding\r\nCache-Control: %s\r\n", a->etag,
                   status != 200 ? "no-store"
                   : a->hashed   ? "public, max-age=31536000, immutable"
                                 : "no-cache");
    if (status == 200 && http_etag_match(r->etag, strlen(r->etag), a->etag)) {
        reply.status = 304;
        request_answer(r, &reply);
        return;
    }
    if (status == 200 && (r->gzip || !a->zipped)) {
        if (a->zipped) request_header(r, "Content-Encoding: gzip\r\n");
        request_fixed(r, a->type, a->data, (size_t)(a->end - a->data));
        return;
    }
    r->gzip = false;
    if (!asset_plain(a, &reply.body)) reply.body.failed = true;
    request_answer(r, &reply);
}

static const asset *first_of(const char *a, const char *b) {
    const asset *found = asset_find(a);
    return found ? found : asset_find(b);
}

static void serve_index(request *r) {
    const char *code, *message;
    identity who;
    if (request_arg_text(r, "token"))
        serve_asset(r, first_of("/session.html", "/-/session.html"), 200);
    else if (net_authenticate(r->conn, false, false, &who, &code, &message))
        serve_asset(r, first_of("/session.html", "/-/session.html"), 401);
    else
        serve_asset(r, first_of("/index.html", "/-/missing.html"), 200);
}

// Names of views have one segment and no dot.
static bool is_view(const char *path) {
    return !strchr(path, '.') && !strchr(path + 1, '/');
}

// The prefix without its slash: the page's relative addresses need it.
static bool lacks_slash(request *r) {
    return *r->net->options.prefix && !strcmp(r->path, r->net->options.prefix);
}

void page_serve(request *r) {
    const char *path = below_prefix(r->net, r->path);
    const asset *a = asset_find(path);
    if (lacks_slash(r)) {
        request_header(r, "Location: %s/\r\n", r->net->options.prefix);
        request_text(r, 308, "text/plain; charset=utf-8", "");
    } else if (!strcmp(path, "/index.html") || !strcmp(path, "/session.html") || is_view(path)) {
        serve_index(r);
    } else if (a) {
        serve_asset(r, a, 200);
    } else {
        request_error(r, 404, "not_found", "there is no such page");
    }
}
