// Unit client.c finds the server of a data directory and makes blocking HTTP calls to it with the same library that
// serves (libwebsockets), so that the binary needs nothing more.
#include "client.h"

#include "base/error.h"
#include "base/id.h"
#include "journal/place.h"

#include <ctype.h>
#include <libwebsockets.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define REPLY_LIMIT_BYTES (1u << 30)
#define CALL_TIMEOUT_S 60

typedef struct call {
    const client *c;
    const char *accept, *body;
    client_reply *reply;
    client_sink sink; // NULL: the body is kept
    void *context;
    bool over, whole;
} call;

static int read_text(const char *dir, const char *name, char *out, size_t capacity) {
    char path[PATH_CAP];
    buf text = {0};
    int result = file_path(path, "%s/%s", dir, name);
    if (!result) result = file_read(path, 65536, &text);
    if (!result) {
        while (text.length && text.data[text.length - 1] <= ' ')
            text.length--;
        snprintf(out, capacity, "%.*s", (int)text.length, text.data ? (const char *)text.data : "");
    }
    buf_fini(&text);
    return result;
}

static void find_local(client *c) {
    char text[4096];
    if (read_text(c->dir, "server.json", text, sizeof text)) return;
    json_t *json = json_loads(text, 0, NULL);
    const char *url = json_string_value(json_object_get(json, "url"));
    if (url) snprintf(c->url, sizeof c->url, "%s", url);
    json_decref(json);
    if (!c->token[0]) read_text(c->dir, "token", c->token, sizeof c->token);
}

int client_find(client *c, const char *dir) {
    *c = (client){0};
    const char *url = getenv("NNSCOPE_URL"), *token = getenv("NNSCOPE_TOKEN");
    if (token) snprintf(c->token, sizeof c->token, "%s", token);
    if (url && *url) {
        snprintf(c->url, sizeof c->url, "%s", url);
        c->remote = true;
    }
    int result = place_data(dir, c->dir);
    if (result) return c->remote ? 0 : result;
    if (!c->remote) find_local(c);
    size_t n = strlen(c->url);
    while (n && c->url[n - 1] == '/')
        c->url[--n] = 0;
    return 0;
}

static void fail(call *k, const char *why) {
    if (!k->reply->error[0]) snprintf(k->reply->error, sizeof k->reply->error, "%s", why);
    k->over = true;
}

// Adds our headers to the request. Returns non-zero to give up.
static int add_headers(call *k, struct lws *wsi, unsigned char **at, unsigned char *end) {
    char bearer[300], length[24];
    int n = snprintf(bearer, sizeof bearer, "Bearer %s", k->c->token);
    if (k->c->token[0] && lws_add_http_header_by_token(wsi, WSI_TOKEN_HTTP_AUTHORIZATION,
                                                       (unsigned char *)bearer, n, at, end))
        return 1;
    if (lws_add_http_header_by_token(wsi, WSI_TOKEN_HTTP_ACCEPT, (const unsigned char *)k->accept,
                                     (int)strlen(k->accept), at, end))
        return 1;
    static const char agent[] = "nnscope/" NNSCOPE_VERSION; // by which events say "command line"
    if (lws_add_http_header_by_token(wsi, WSI_TOKEN_HTTP_USER_AGENT, (const unsigned char *)agent,
                                     (int)sizeof agent - 1, at, end))
        return 1;
    if (!k->body) return 0;
    n = snprintf(length, sizeof length, "%zu", strlen(k->body));
    if (lws_add_http_header_by_token(wsi, WSI_TOKEN_HTTP_CONTENT_LENGTH, (unsigned char *)length, n,
                                     at, end) ||
        lws_add_http_header_by_token(wsi, WSI_TOKEN_HTTP_CONTENT_TYPE,
                                     (const unsigned char *)"application/json", 16, at, end))
        return 1;
    lws_client_http_body_pending(wsi, 1);
    lws_callback_on_writable(wsi);
    return 0;
}

static int send_body(call *k, struct lws *wsi) {
    size_t n = strlen(k->body);
    uint8_t *copy = malloc(LWS_PRE + n + 1);
    if (!copy) return -1;
    memcpy(copy + LWS_PRE, k->body, n);
    int sent = lws_write(wsi, copy + LWS_PRE, n, LWS_WRITE_HTTP_FINAL);
    free(copy);
    lws_client_http_body_pending(wsi, 0);
    return sent < 0 ? -1 : 0;
}

static bool take_body(call *k, const void *data, size_t bytes) {
    if (k->sink && k->reply->status == 200) return k->sink(k->context, data, bytes);
    buf_add(&k->reply->body, data, bytes);
    return !k->reply->body.failed && k->reply->body.length <= REPLY_LIMIT_BYTES;
}

static int on_event(struct lws *wsi, enum lws_callback_reasons why, void *user, void *in,
                    size_t bytes) {
    (void)user;
    call *k = lws_context_user(lws_get_context(wsi));
    if (!k) return 0;
    switch (why) {
    case LWS_CALLBACK_CLIENT_APPEND_HANDSHAKE_HEADER: {
        unsigned char **at = in;
        return add_headers(k, wsi, at, *at + bytes);
    }
    case LWS_CALLBACK_CLIENT_HTTP_WRITEABLE:
        return k->body ? send_body(k, wsi) : 0;
    case LWS_CALLBACK_ESTABLISHED_CLIENT_HTTP:
        k->reply->status = (int)lws_http_client_http_response(wsi);
        return 0;
    case LWS_CALLBACK_RECEIVE_CLIENT_HTTP: {
        char piece[LWS_PRE + 4096], *at = piece + LWS_PRE;
        int room = 4096;
        return lws_http_client_read(wsi, &at, &room) < 0 ? -1 : 0;
    }
    case LWS_CALLBACK_RECEIVE_CLIENT_HTTP_READ:
        return take_body(k, in, bytes) ? 0 : -1;
    case LWS_CALLBACK_COMPLETED_CLIENT_HTTP:
        k->whole = true; // fallthrough
    case LWS_CALLBACK_CLOSED_CLIENT_HTTP:
        k->over = true;
        return 0;
    case LWS_CALLBACK_CLIENT_CONNECTION_ERROR:
        fail(k, in ? (const char *)in : "no connection");
        return 0;
    default:
        return 0;
    }
}

static int connect_call(struct lws_context *context, const client *c, const char *method,
                        const char *path) {
    char url[1024], whole[4096];
    const char *protocol, *host, *prefix;
    int port;
    snprintf(url, sizeof url, "%s", c->url);
    if (lws_parse_uri(url, &protocol, &host, &port, &prefix)) return NNS_E_INVALID;
    snprintf(whole, sizeof whole, "%s%s%s", *prefix ? "/" : "", prefix, path);
    struct lws_client_connect_info info = {.context = context,
                                           .address = host,
                                           .port = port,
                                           .path = whole,
                                           .host = host,
                                           .origin = NULL,
                                           .method = method,
                                           .ssl_connection =
                                               strcmp(protocol, "https") == 0 ? LCCSCF_USE_SSL : 0,
                                           .protocol = "nnscope"};
    char with_port[1100];
    snprintf(with_port, sizeof with_port, "%s:%d", host, port);
    info.host = with_port;
    return lws_client_connect_via_info(&info) ? 0 : NNS_E_IO;
}

static int run_call(call *k, const char *method, const char *path) {
    *k->reply = (client_reply){0};
    if (!k->accept) k->accept = "application/json";
    struct lws_protocols protocols[] = {{.name = "nnscope", .callback = on_event}, {0}};
    struct lws_context_creation_info info = {.port = CONTEXT_PORT_NO_LISTEN,
                                             .protocols = protocols,
                                             .user = k,
                                             .gid = -1,
                                             .uid = -1,
                                             .timeout_secs = CALL_TIMEOUT_S};
    if (strncmp(k->c->url, "https:", 6) == 0) info.options = LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT;
    lws_set_log_level(0, NULL);
    struct lws_context *context = lws_create_context(&info);
    if (!context) return NNS_E_NO_MEMORY;
    if (connect_call(context, k->c, method, path)) fail(k, "no connection");
    while (!k->over && lws_service(context, 0) >= 0) {
    }
    lws_context_destroy(context);
    return k->reply->status ? 0 : NNS_E_IO;
}

int client_call(const client *c, const char *method, const char *path, const char *accept,
                const char *body, client_reply *reply) {
    call k = {.c = c, .accept = accept, .body = body, .reply = reply};
    return run_call(&k, method, path);
}

int client_fetch(const client *c, const char *path, const char *accept, client_sink sink,
                 void *context, client_reply *reply) {
    call k = {.c = c, .accept = accept, .reply = reply, .sink = sink, .context = context};
    int result = run_call(&k, "GET", path);
    if (result || reply->status != 200 || k.whole) return result;
    reply->status = 0;
    snprintf(reply->error, sizeof reply->error, "its answer was cut short");
    return NNS_E_IO;
}

void client_encode(buf *out, const char *text) {
    for (const unsigned char *at = (const unsigned char *)text; *at; at++) {
        if (isalnum(*at) || strchr("-_.~/", *at))
            buf_char(out, (char)*at);
        else
            buf_print(out, "%%%02X", *at);
    }
}

int client_explain(const client_reply *reply) {
    if (!reply->status) {
        fprintf(stderr, "nnscope: the server does not answer: %s\n", reply->error);
        return EXIT_NO_SERVER;
    }
    json_t *json =
        json_loadb((const char *)reply->body.data, reply->body.length, JSON_ALLOW_NUL, NULL);
    const char *message =
        json_string_value(json_object_get(json_object_get(json, "error"), "message"));
    if (message)
        fprintf(stderr, "nnscope: %s\n", message);
    else
        fprintf(stderr, "nnscope: the server answered %d\n", reply->status);
    json_decref(json);
    static const int refusals[] = {401, 403, 409, 422};
    for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++)
        if (reply->status == refusals[i]) return EXIT_REFUSED;
    return EXIT_FAILED;
}

json_t *client_get(const client *c, const char *path, int *exit_status) {
    client_reply reply;
    json_t *json = NULL;
    client_call(c, "GET", path, NULL, NULL, &reply);
    if (reply.status == 200)
        json = json_loadb((const char *)reply.body.data, reply.body.length, JSON_ALLOW_NUL, NULL);
    if (!json) *exit_status = client_explain(&reply);
    buf_fini(&reply.body);
    return json;
}

json_t *client_runs(const client *c, const char *query, int *exit_status) {
    json_t *all = json_array(), *page = NULL;
    const char *next = "";
    do {
        char path[600];
        snprintf(path, sizeof path, "/api/v1/runs?limit=1000%s%s%s", query, *next ? "&cursor=" : "",
                 next);
        json_decref(page);
        page = client_get(c, path, exit_status);
        json_array_extend(all, json_object_get(page, "runs"));
        next = json_string_value(json_object_get(page, "next"));
    } while (next);
    bool good = page != NULL;
    json_decref(page);
    if (good) return json_pack("{s:o}", "runs", all);
    json_decref(all);
    return NULL;
}

// How well a run fits what a person wrote: 3 its name, 2 the beginning of its id, 1 of its name, 0 not.
static int fit(json_t *run, const char *id, const char *meant) {
    const char *name = json_string_value(json_object_get(run, "name"));
    size_t length = strlen(meant);
    if (name && strcmp(name, meant) == 0) return 3;
    if (length >= 4 && strncmp(id, meant, length) == 0) return 2;
    return name && length >= 2 && strncmp(name, meant, length) == 0;
}

int client_pick(json_t *runs, const char *meant, char run[27]) {
    size_t i;
    json_t *item;
    const char *best = "";
    int best_fit = 1;
    json_array_foreach(json_object_get(runs, "runs"), i, item) {
        const char *id = json_string_value(json_object_get(item, "id"));
        int fits = id && id_valid(id) ? fit(item, id, meant) : 0;
        if (fits < best_fit || (fits == best_fit && strcmp(id, best) < 0)) continue;
        best = id;
        best_fit = fits;
    }
    if (*best) {
        memcpy(run, best, ID_LENGTH + 1);
        return EXIT_OK;
    }
    fprintf(stderr, "nnscope: no run is called \"%s\" (`nnscope runs` lists them)\n", meant);
    return EXIT_FAILED;
}

int client_resolve(const client *c, const char *meant, char run[27]) {
    int status = EXIT_FAILED;
    if (id_valid(meant)) {
        memcpy(run, meant, ID_LENGTH + 1);
        return EXIT_OK;
    }
    json_t *runs = client_runs(c, "", &status);
    if (!runs) return status;
    status = client_pick(runs, meant, run);
    json_decref(runs);
    return status;
}
