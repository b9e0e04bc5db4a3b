// Unit live.c serves WS /api/v1/live: a viewer of the core behind a WebSocket.
// On the path: hub -> viewer_next -> live.c -> socket -> the page; and messages of the page to viewer_message.
// Invariants: (1) no upgrade without Host, Origin, token and scope read; (2) a message is at most MESSAGE_MAX bytes of
// text, at most MESSAGES_PER_SECOND of them come through; (3) a frame is written from the shared copy: the library puts its
// header into the room before it, the same bytes for every viewer.
#include "http.h"

#include "assets.h"

#include "base/clock.h"
#include "base/mem.h"

#include <string.h>

#define MESSAGE_MAX ((size_t)64 << 10)
#define SWALLOW_MAX ((size_t)1 << 20)
#define MESSAGES_PER_SECOND 500
#define FRAMES_AT_ONCE 16

_Static_assert(FRAME_FRONT >= LWS_PRE, "a frame has room for the socket's header");

struct live {
    viewer *viewer;
    buf message;
    int64_t second; // of the clock, for the rate
    int in_second;
    bool over; // revoked: to be closed
    size_t
        swallowed; // of a message that is too large: read to its end, so that the client reads why
};

// --- upgrade -------------------------------------------------------------------------------

static const char live_path[] = "/api/v1/live";

static bool path_is_live(conn *c) {
    char path[256];
    size_t prefix = strlen(c->net->options.prefix);
    if (!net_header(c->wsi, WSI_TOKEN_GET_URI, path, sizeof path)) return false;
    if (!strcmp(path, live_path)) return true;
    return prefix && !strncmp(path, c->net->options.prefix, prefix) &&
           !strcmp(path + prefix, live_path);
}

static int check(conn *c, const char **code, const char **message) {
    int status = net_check_host(c, code, message);
    if (!status) status = net_authenticate(c, false, true, &c->who, code, message);
    if (status) return status;
    if (!path_is_live(c)) {
        *code = "not_found";
        *message = "there is no live link here";
        return 404;
    }
    *code = "scope";
    *message = "this needs a token with scope read";
    return auth_may(&c->who, SCOPE_READ) ? 0 : 403;
}

// Refused upgrades are answered as JSON, then closed.
static int refuse(conn *c, int status, const char *code, const char *message) {
    buf out = {0}, body = {0};
    buf_print(&body, "{\"error\":{\"code\":\"%s\",\"message\":", code);
    buf_json(&body, message, strlen(message));
    buf_text(&body, "}}");
    buf_zero(&out, LWS_PRE);
    buf_print(&out,
              "HTTP/1.1 %d Refused\r\nContent-Type: application/json\r\nContent-Length: "
              "%zu\r\nConnection: close\r\n"
              "Cache-Control: no-store\r\n\r\n",
              status, body.length);
    buf_add(&out, body.data, body.length);
    if (!out.failed && !body.failed)
        lws_write(c->wsi, out.data + LWS_PRE, out.length - LWS_PRE, LWS_WRITE_HTTP);
    buf_fini(&out);
    buf_fini(&body);
    return -1;
}

int live_confirm(conn *c) {
    const char *code, *message;
    int status = check(c, &code, &message);
    return status ? refuse(c, status, code, message) : 0;
}

// --- life ----------------------------------------------------------------------------------

int live_open(conn *c) {
    const asset *page = asset_find("/index.html");
    viewer_options options = {.name = c->who.name,
                              .scopes = c->who.scopes,
                              .build = page ? page->etag : NULL,
                              .address = c->net->outer};
    live *l = mem_new(sizeof *l);
    if (!l || !c->who.scopes) {
        mem_free(l);
        return -1;
    }
    l->viewer = viewer_open(c->net->core, &options, c);
    if (!l->viewer) {
        mem_free(l);
        lws_close_reason(c->wsi, (enum lws_close_status)1013, (unsigned char *)"too many viewers",
                         16);
        return -1;
    }
    c->live = l;
    lws_callback_on_writable(c->wsi);
    return 0;
}

void live_close(conn *c) {
    live *l = c->live;
    if (!l) return;
    c->live = NULL;
    viewer_close(l->viewer);
    buf_fini(&l->message);
    mem_free(l);
}

void live_revoke(net *n, const char *token_id) {
    for (conn *c = n->conns; c; c = c->next) {
        if (c->live && !strcmp(c->who.id, token_id)) {
            c->live->over = true;
            lws_callback_on_writable(c->wsi);
        }
        if (c->request && c->request->viewer && !strcmp(c->request->who.id, token_id))
            lws_set_timeout(c->wsi, PENDING_TIMEOUT_HTTP_CONTENT, LWS_TO_KILL_ASYNC);
    }
}

// --- messages ------------------------------------------------------------------------------

static int close_with(conn *c, int code, const char *why) {
    lws_close_reason(c->wsi, (enum lws_close_status)code, (unsigned char *)(uintptr_t)why,
                     strlen(why));
    return -1;
}

static bool too_fast(live *l) {
    int64_t second = clock_mono_ns() / NS_PER_S;
    if (second != l->second) {
        l->second = second;
        l->in_second = 0;
    }
    return ++l->in_second > MESSAGES_PER_SECOND;
}

static void deliver(conn *c) {
    live *l = c->live;
    core_author author = {c->who.name, c->who.session ? "page" : "api"};
    buf_char(&l->message, 0);
    if (!l->message.failed)
        viewer_message(l->viewer, (const char *)l->message.data, l->message.length - 1, &author,
                       c->who.scopes);
    if (l->message.capacity > 8192)
        buf_fini(&l->message);
    else
        buf_clear(&l->message);
}

static int swallow(conn *c, size_t length, size_t coming) {
    live *l = c->live;
    l->swallowed += length;
    bool whole = !coming && lws_is_final_fragment(c->wsi);
    if (!whole && l->swallowed + coming <= SWALLOW_MAX) return 0;
    return close_with(c, 1009, "message too large");
}

int live_receive(conn *c, const char *data, size_t length) {
    live *l = c->live;
    if (!l) return -1;
    size_t coming = lws_remaining_packet_payload(c->wsi);
    if (lws_frame_is_binary(c->wsi)) return close_with(c, 1003, "text only");
    if (l->swallowed || l->message.length + length > MESSAGE_MAX ||
        coming > MESSAGE_MAX - l->message.length - length)
        return swallow(c, length, coming);
    buf_add(&l->message, data, length);
    if (l->message.failed) return -1;
    if (coming || !lws_is_final_fragment(c->wsi)) return 0;
    if (too_fast(l)) return close_with(c, 1008, "too many messages");
    deliver(c);
    return 0;
}

int live_writable(conn *c) {
    live *l = c->live;
    if (!l) return -1;
    if (l->over) return close_with(c, 1008, "the token was revoked");
    for (int i = 0; i < FRAMES_AT_ONCE; i++) {
        if (lws_send_pipe_choked(c->wsi)) break;
        frame *f = viewer_next(l->viewer);
        if (!f) return 0;
        int n = lws_write(c->wsi, f->data, f->length, f->text ? LWS_WRITE_TEXT : LWS_WRITE_BINARY);
        bool failed = n < (int)f->length;
        frame_release(f);
        if (failed) return -1;
    }
    lws_callback_on_writable(c->wsi);
    return 0;
}
