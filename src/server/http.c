// Unit http.c takes a request apart, checks it, gives it to its handler.
// On the path: libwebsockets splits bytes into headers -> http.c -> auth.c, routes.c -> handlers.c -> http_send.c.
// Invariants: (1) nothing is done for a caller before Host, then token, scope and Origin were found good; (2) a body is
// never kept beyond the limit of its route, nor all bodies together beyond BODY_BYTES_MAX; (3) a request outlives its
// connection while the core still owes it an answer.
#include "http.h"

#include "base/clock.h"
#include "base/mem.h"

#include <stdio.h>
#include <string.h>

#define SWALLOW_MAX ((size_t)32 << 20) // of a refused body: so that the client gets to read why

// --- life ----------------------------------------------------------------------------------

static request *request_new(conn *c) {
    request *r = mem_new(sizeof *r);
    if (!r) return NULL;
    r->net = c->net;
    r->conn = c;
    r->uses = 1;
    c->request = r;
    return r;
}

static void free_body(request *r) {
    r->net->body_bytes -= r->body.length;
    buf_fini(&r->body);
}

static void request_release(request *r) {
    if (--r->uses) return;
    free_body(r);
    buf_fini(&r->args_text);
    buf_fini(&r->headers);
    buf_fini(&r->out);
    buf_fini(&r->piece);
    if (r->rest) core_rest_drop(r->rest);
    mem_free(r);
}

request *request_hold(request *r) {
    r->uses++;
    return r;
}

void request_done(void *context, core_reply *reply) {
    request *r = context;
    if (r->conn) {
        request_answer(r, reply);
    } else {
        buf_fini(&reply->body);
        if (reply->rest) core_rest_drop(reply->rest);
        reply->rest = NULL;
    }
    request_release(r);
}

void http_gone(conn *c) {
    request *r = c->request;
    if (!r) return;
    c->request = NULL;
    r->conn = NULL;
    if (r->viewer) viewer_close(r->viewer);
    r->viewer = NULL;
    request_release(r);
}

// --- headers -------------------------------------------------------------------------------

bool net_header(struct lws *wsi, enum lws_token_indexes which, char *out, size_t capacity) {
    out[0] = 0;
    int n = lws_hdr_total_length(wsi, which);
    if (n <= 0) return true;
    if ((size_t)n >= capacity) return false;
    n = lws_hdr_copy(wsi, out, (int)capacity, which);
    if (n < 0) out[0] = 0;
    return n >= 0 && strlen(out) == (size_t)n;
}

typedef struct texts {
    char host[300], forwarded[300], origin[300], authorization[512], cookie[4096];
} texts;

// The headers that decide who may do what; false: one of them is absurdly long.
static bool auth_texts(conn *c, texts *t, auth_headers *h) {
    bool fits = net_header(c->wsi, WSI_TOKEN_HOST, t->host, sizeof t->host) &&
                net_header(c->wsi, WSI_TOKEN_ORIGIN, t->origin, sizeof t->origin) &&
                net_header(c->wsi, WSI_TOKEN_HTTP_AUTHORIZATION, t->authorization,
                           sizeof t->authorization) &&
                net_header(c->wsi, WSI_TOKEN_HTTP_COOKIE, t->cookie, sizeof t->cookie);
    if (lws_hdr_custom_copy(c->wsi, t->forwarded, sizeof t->forwarded, "x-forwarded-host:", 17) < 0)
        t->forwarded[0] = 0;
    *h = (auth_headers){t->host,   t->forwarded, t->origin,  t->authorization,
                        t->cookie, c->local,     c->loopback};
    return fits;
}

static int too_long(const char **code, const char **message) {
    *code = "headers_too_large";
    *message = "a header is too long";
    return 431;
}

int net_check_host(conn *c, const char **code, const char **message) {
    texts t;
    auth_headers h;
    if (!auth_texts(c, &t, &h)) return too_long(code, message);
    return auth_host(&c->net->auth, &h, code, message);
}

int net_authenticate(conn *c, bool change, bool upgrade, identity *who, const char **code,
                     const char **message) {
    texts t;
    auth_headers h;
    if (!auth_texts(c, &t, &h)) return too_long(code, message);
    int status = auth_identity(&c->net->auth, &h, upgrade, clock_wall_ms(), who, code, message);
    if (!status && (change || upgrade)) status = auth_origin(&c->net->auth, &h, code, message);
    return status;
}

static http_method method_of(struct lws *wsi, char *path, size_t capacity, bool *fits) {
    static const struct {
        enum lws_token_indexes token;
        http_method method;
    } table[] = {
        {WSI_TOKEN_GET_URI, HTTP_GET},         {WSI_TOKEN_HEAD_URI, HTTP_HEAD},
        {WSI_TOKEN_POST_URI, HTTP_POST},       {WSI_TOKEN_PUT_URI, HTTP_PUT},
        {WSI_TOKEN_PATCH_URI, HTTP_PATCH},     {WSI_TOKEN_DELETE_URI, HTTP_DELETE},
        {WSI_TOKEN_OPTIONS_URI, HTTP_OPTIONS},
    };
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        if (lws_hdr_total_length(wsi, table[i].token) <= 0) continue;
        *fits = net_header(wsi, table[i].token, path, capacity);
        return table[i].method;
    }
    path[0] = 0;
    *fits = true;
    return HTTP_OTHER;
}

// --- query ---------------------------------------------------------------------------------

static bool add_arg(request *r, const char *text) {
    const char *equals = strchr(text, '=');
    size_t name = equals ? (size_t)(equals - text) : strlen(text);
    if (r->arg_count == ARGS_MAX) return false;
    request_arg *a = &r->args[r->arg_count++];
    a->name = r->args_text.length;
    buf_add(&r->args_text, text, name);
    buf_char(&r->args_text, 0);
    a->value = r->args_text.length;
    buf_text(&r->args_text, equals ? equals + 1 : "");
    buf_char(&r->args_text, 0);
    return !r->args_text.failed;
}

// Copies name=value pieces out of the headers (decoded once by the library). 0 or a status.
static int read_args(request *r) {
    char text[2048];
    for (int i = 0; lws_hdr_fragment_length(r->conn->wsi, WSI_TOKEN_HTTP_URI_ARGS, i) > 0; i++) {
        int n = lws_hdr_copy_fragment(r->conn->wsi, text, sizeof text, WSI_TOKEN_HTTP_URI_ARGS, i);
        if (n < 0) return 414;
        if (strlen(text) != (size_t)n) return 400;
        // How the library says that nothing stands behind the question mark.
        if (i == 0 && !strcmp(text, "/")) continue;
        if (n && !add_arg(r, text)) return 414;
    }
    return 0;
}

static const char *arg_name(const request *r, size_t i) {
    return (const char *)r->args_text.data + r->args[i].name;
}

static const char *arg_value(const request *r, size_t i) {
    return (const char *)r->args_text.data + r->args[i].value;
}

static bool args_fit(request *r, char *problem, size_t capacity) {
    for (size_t i = 0; i < r->arg_count; i++) {
        const char *name = arg_name(r, i), *value = arg_value(r, i);
        if (!route_query_valid(r->route, name, value, problem, capacity)) return false;
        if (request_arg_text(r, name) == value || route_query_repeats(r->route, name)) continue;
        snprintf(problem, capacity, "query parameter %s is given twice", name);
        return false;
    }
    return true;
}

const char *request_arg_text(const request *r, const char *name) {
    for (size_t i = 0; i < r->arg_count; i++)
        if (!strcmp(arg_name(r, i), name)) return arg_value(r, i);
    return NULL;
}

int64_t request_arg_int(const request *r, const char *name, int64_t absent) {
    const char *text = request_arg_text(r, name);
    int64_t v;
    return text && http_int(text, strlen(text), &v) ? v : absent;
}

bool request_arg_flag(const request *r, const char *name) {
    const char *text = request_arg_text(r, name);
    return text && (!strcmp(text, "1") || !strcmp(text, "true"));
}

size_t request_arg_list(const request *r, const char *name, const char **out, size_t max) {
    size_t count = 0;
    for (size_t i = 0; i < r->arg_count && count < max; i++)
        if (!strcmp(arg_name(r, i), name)) out[count++] = arg_value(r, i);
    return count;
}

const char *request_param(request *r, int index) {
    return r->param_text[index];
}

core_author request_author(const request *r) {
    const char *from = r->who.session ? "page" : r->command_line ? "command line" : "api";
    return (core_author){r->who.name, from};
}

// --- checks --------------------------------------------------------------------------------

// Refuses before the body was read: it is swallowed first, so that the client reads the answer; a huge one is not.
static int refuse(request *r, int status, const char *code, const char *message) {
    r->refused = true;
    request_error(r, status, code, message);
    if (r->body_expected > SWALLOW_MAX) r->closing = true;
    return 0;
}

static void read_wishes(request *r) {
    char text[512], version[16];
    struct lws *wsi = r->conn->wsi;
    net_header(wsi, WSI_TOKEN_HTTP_ACCEPT, r->accept, sizeof r->accept);
    net_header(wsi, WSI_TOKEN_HTTP_IF_NONE_MATCH, r->etag, sizeof r->etag);
    if (net_header(wsi, WSI_TOKEN_HTTP_ACCEPT_ENCODING, text, sizeof text))
        r->gzip = http_accepts(text, strlen(text), "gzip");
    if (net_header(wsi, WSI_TOKEN_CONNECTION, text, sizeof text))
        r->closing = http_accepts(text, strlen(text), "close");
    if (net_header(wsi, WSI_TOKEN_HTTP_USER_AGENT, text, sizeof text))
        r->command_line = !strncmp(text, "nnscope/", 8);
    net_header(wsi, WSI_TOKEN_HTTP, version, sizeof version);
    r->old = strcmp(version, "HTTP/1.1") != 0;
    if (r->old) r->closing = true;
}

// Length of the body. 0, or a status.
static int read_length(request *r) {
    char text[32];
    int64_t n = 0;
    struct lws *wsi = r->conn->wsi;
    if (lws_hdr_total_length(wsi, WSI_TOKEN_HTTP_TRANSFER_ENCODING) > 0) return 411;
    if (!net_header(wsi, WSI_TOKEN_HTTP_CONTENT_LENGTH, text, sizeof text)) return 400;
    if (*text && (!http_int(text, strlen(text), &n) || n < 0)) return 400;
    r->body_expected = (size_t)n;
    return 0;
}

static void allow_header(request *r, unsigned allowed) {
    const char *between = "Allow: ";
    for (int m = 0; m < HTTP_OTHER; m++) {
        if (!(allowed & 1u << m)) continue;
        request_header(r, "%s%s", between, http_method_name((http_method)m));
        between = ", ";
    }
    request_header(r, "\r\n");
}

static bool copy_params(request *r) {
    for (int i = 0; i < HTTP_PARAMS_MAX; i++) {
        if (r->params[i].length >= sizeof r->param_text[i]) return false;
        if (r->params[i].length) memcpy(r->param_text[i], r->params[i].at, r->params[i].length);
    }
    return true;
}

// The path below the prefix, or NULL when it is not below it. Both forms are served: a proxy may strip it.
static const char *below_prefix(const net *n, const char *path) {
    size_t length = strlen(n->options.prefix);
    if (length && !strncmp(path, n->options.prefix, length) &&
        (path[length] == '/' || !path[length]))
        return path[length] ? path + length : "/";
    return path;
}

static bool is_api(const char *path) {
    return !strncmp(path, "/api/", 5) || !strcmp(path, "/api") || !strcmp(path, "/metrics");
}

// Checks a call of the API in order; 0 or a status with its code and message.
static int check_call(request *r, const char *path, char *problem, size_t capacity,
                      const char **code, const char **message) {
    unsigned allowed;
    bool change = r->method != HTTP_GET && r->method != HTTP_HEAD;
    int status = net_authenticate(r->conn, change, false, &r->who, code, message);
    if (status) return status;
    r->route = route_find(r->method, path, strlen(path), r->params, &allowed);
    if (!r->route) {
        *code = allowed ? "method" : "not_found";
        *message = allowed ? "this path does not have that method" : "there is no such path";
        if (allowed) allow_header(r, allowed);
        return allowed ? 405 : 404;
    }
    if (!auth_may(&r->who, r->route->scope)) {
        snprintf(problem, capacity, "this needs a token with scope %s",
                 scope_word(r->route->scope));
        *code = "scope";
        *message = problem;
        return 403;
    }
    *code = "bad_query";
    *message = problem;
    if (!args_fit(r, problem, capacity)) return 400;
    if (r->body_expected > route_body_max(r->route)) {
        *code = "too_large";
        snprintf(problem, capacity, "the body is larger than %zu bytes", route_body_max(r->route));
        return 413;
    }
    *code = "not_found";
    *message = "there is no such path";
    return copy_params(r) ? 0 : 404;
}

// What can be wrong with any request, page or call; 0 or a status.
static int check_form(request *r, bool fits, const char **code, const char **message) {
    *code = "bad_request";
    *message = "the request is not valid";
    if (!fits) {
        *code = "uri_too_long";
        *message = "the address is too long";
        return 414;
    }
    int status = net_check_host(r->conn, code, message);
    if (status) return status;
    *code = "bad_path";
    *message = "the path is not valid";
    if (!http_path_valid(r->path, strlen(r->path))) return 400;
    *code = "bad_query";
    *message = "the query is too long or not valid";
    return read_args(r);
}

// --- the request ---------------------------------------------------------------------------

static void run_handler(request *r) {
    r->state = WAITING;
    if (r->conn) lws_set_timeout(r->conn->wsi, NO_PENDING_TIMEOUT, 0);
    if (r->route)
        r->route->handler(r);
    else
        page_serve(r);
}

static int check(request *r, bool fits, char *problem, size_t capacity, const char **code,
                 const char **message) {
    int status = read_length(r);
    *code = status == 411 ? "length_required" : "bad_request";
    *message =
        status == 411 ? "send the body with a Content-Length" : "the Content-Length is not valid";
    if (status) return status;
    status = check_form(r, fits, code, message);
    if (status) return status;
    const char *path = below_prefix(r->net, r->path);
    if (is_api(path)) return check_call(r, path, problem, capacity, code, message);
    if (r->method == HTTP_GET || r->method == HTTP_HEAD) return 0;
    allow_header(r, 1u << HTTP_GET | 1u << HTTP_HEAD);
    *code = "method";
    *message = "pages can only be read";
    return 405;
}

static void say_continue(request *r) {
    static const char line[] = "HTTP/1.1 100 Continue\r\n\r\n";
    uint8_t room[LWS_PRE + sizeof line];
    if (r->old || lws_hdr_total_length(r->conn->wsi, WSI_TOKEN_HTTP_EXPECT) <= 0) return;
    memcpy(room + LWS_PRE, line, sizeof line - 1);
    lws_write(r->conn->wsi, room + LWS_PRE, sizeof line - 1, LWS_WRITE_HTTP);
}

int http_begin(conn *c) {
    char problem[256] = "";
    const char *code, *message;
    bool fits;
    if (c->request) http_gone(c);
    request *r = request_new(c);
    if (!r) return -1;
    r->method = method_of(c->wsi, r->path, sizeof r->path, &fits);
    read_wishes(r);
    int status = check(r, fits, problem, sizeof problem, &code, &message);
    if (status == 411 || (status == 400 && !r->route && r->body_expected == 0)) r->closing = true;
    if (status) return refuse(r, status, code, message);
    if (!r->body_expected) {
        run_handler(r);
        return 0;
    }
    if (r->net->body_bytes + r->body_expected > BODY_BYTES_MAX)
        return refuse(r, 503, "busy", "too many large requests at once: try again");
    if (!buf_room(&r->body, r->body_expected)) return refuse(r, 503, "no_memory", "out of memory");
    say_continue(r);
    return 0;
}

// The method's name at the start of what somebody sent, as far as it can be one; 0: it is no HTTP.
static size_t method_length(const char *at, size_t length) {
    size_t n = 0;
    while (n < length && n < 32 && ((at[n] >= 'A' && at[n] <= 'Z') || at[n] == '-' || at[n] == '_'))
        n++;
    return n && n < length && at[n] == ' ' ? n : 0;
}

int http_stray(conn *c, const char *data, size_t length) {
    char message[80];
    if (c->request) return 0; // more of the same
    request *r = request_new(c);
    if (!r) return -1;
    int n = (int)method_length(data, length);
    r->closing = true;
    snprintf(message, sizeof message, "there is no method %.*s here", n, data);
    if (n)
        request_error(r, 501, "method", message);
    else
        request_error(r, 400, "bad_request", "this is not HTTP");
    return 0;
}

int http_body(conn *c, const void *data, size_t length) {
    request *r = c->request;
    if (!r || r->refused || r->state != READING) return 0;
    if (r->body.length + length > r->body_expected) return -1;
    buf_add(&r->body, data, length);
    if (r->body.failed) return refuse(r, 503, "no_memory", "out of memory");
    r->net->body_bytes += length;
    return 0;
}

int http_body_end(conn *c) {
    request *r = c->request;
    if (!r) return 0;
    r->body_done = true;
    if (r->refused)
        request_wake(r);
    else if (r->state == READING)
        run_handler(r);
    return 0;
}
