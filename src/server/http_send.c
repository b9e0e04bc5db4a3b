// Unit http_send.c makes replies and sends them as the socket takes them.
// On the path: handlers answer -> http_send.c frames -> libwebsockets writes, one piece for each time that the socket is
// ready, so that a slow reader holds one piece (at most SEND_BYTES) and the body, nothing more.
//
//     head   status line and headers, into `out`
//     body   whole: Content-Length; with a rest: chunked, the next piece asked for when this one is gone;
//            an event stream: chunked, a chunk a frame
#include "http.h"

#include "base/clock.h"
#include "base/mem.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <zlib.h>

#define SEND_BYTES ((size_t)64 << 10)
#define SEND_TIMEOUT_S 60
#define GZIP_LEAST ((size_t)1 << 10)
#define GZIP_MOST ((size_t)512 << 10) // more would hold up the others

// --- answers -------------------------------------------------------------------------------

void request_wake(request *r) {
    if (r->conn) lws_callback_on_writable(r->conn->wsi);
}

void request_header(request *r, const char *format, ...) {
    char line[1024];
    va_list args;
    va_start(args, format);
    int n = vsnprintf(line, sizeof line, format, args);
    va_end(args);
    if (n > 0 && (size_t)n < sizeof line) buf_add(&r->headers, line, (size_t)n);
}

// No inline script, nothing from elsewhere, not inside another's frame.
static const char security_headers[] = "Content-Security-Policy: default-src 'none'; script-src "
                                       "'self'; style-src 'self'; img-src 'self' data: blob:; "
                                       "connect-src 'self'; font-src 'self'; base-uri 'none'; "
                                       "form-action 'none'; frame-ancestors 'none'\r\n"
                                       "X-Content-Type-Options: nosniff\r\n"
                                       "X-Frame-Options: DENY\r\n"
                                       "Referrer-Policy: no-referrer\r\n"
                                       "Cross-Origin-Opener-Policy: same-origin\r\n"
                                       "Cross-Origin-Resource-Policy: same-origin\r\n";

static bool has_header(const request *r, const char *name) {
    return r->headers.data && memmem(r->headers.data, r->headers.length, name, strlen(name));
}

static void head(request *r, int status, const char *type, int64_t length) {
    buf *out = &r->out;
    buf_zero(out, LWS_PRE);
    r->sent = LWS_PRE;
    buf_print(out, "HTTP/1.1 %d %s\r\n", status, http_reason(status));
    if (status != 204 && status != 304) buf_print(out, "Content-Type: %s\r\n", type);
    if (length >= 0 && status != 204 && status != 304)
        buf_print(out, "Content-Length: %lld\r\n", (long long)length);
    if (r->chunked) buf_text(out, "Transfer-Encoding: chunked\r\n");
    if (r->closing) buf_text(out, "Connection: close\r\n");
    if (!has_header(r, "Cache-Control:")) buf_text(out, "Cache-Control: no-store\r\n");
    if (status == 401) buf_text(out, "WWW-Authenticate: Bearer realm=\"nnscope\"\r\n");
    if (status == 429 || status == 503) buf_text(out, "Retry-After: 1\r\n");
    buf_text(out, security_headers);
    buf_add(out, r->headers.data, r->headers.length);
    buf_text(out, "\r\n");
}

// Replaces a body by its gzip form when that is smaller.
static void squeeze(request *r, buf *body) {
    z_stream z = {0};
    buf packed = {0};
    if (deflateInit2(&z, 1, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) != Z_OK) return;
    size_t room = deflateBound(&z, body->length);
    z.next_out = buf_room(&packed, room);
    z.avail_out = (uInt)room;
    z.next_in = body->data;
    z.avail_in = (uInt)body->length;
    bool ok = z.next_out && deflate(&z, Z_FINISH) == Z_STREAM_END && z.total_out < body->length;
    packed.length = z.total_out;
    deflateEnd(&z);
    if (!ok) {
        buf_fini(&packed);
        return;
    }
    buf_fini(body);
    *body = packed;
    request_header(r, "Content-Encoding: gzip\r\n");
}

static bool worth_squeezing(const request *r, const core_reply *reply) {
    bool text = !reply->type || !strncmp(reply->type, "application/json", 16) ||
                !strncmp(reply->type, "text/", 5);
    return r->gzip && text && !reply->rest && reply->body.length >= GZIP_LEAST &&
           reply->body.length <= GZIP_MOST;
}

// Nothing stays in the reply: its owner frees what it finds there.
static void steal(request *r, core_reply *reply) {
    r->piece = reply->body;
    r->rest = reply->rest;
    r->last = !r->rest;
    reply->body = (buf){0};
    reply->rest = NULL;
}

void request_answer(request *r, core_reply *reply) {
    if (r->state == SENDING) { // the next piece of a long reply
        r->rest_asked = false;
        steal(r, reply);
        if (r->last && !reply->status)
            r->closing = r->old = true; // cut short: no last chunk, so that it shows
        r->piece_sent = 0;
        request_wake(r);
        return;
    }
    if (reply->body.failed) {
        buf_fini(&reply->body);
        request_error(r, 503, "no_memory", "out of memory");
        return;
    }
    if (worth_squeezing(r, reply)) squeeze(r, &reply->body);
    if (!has_header(r, "Vary:") && r->route) request_header(r, "Vary: Accept, Accept-Encoding\r\n");
    r->state = SENDING;
    r->chunked = reply->rest && !r->old;
    head(r, reply->status ? reply->status : 200, reply->type ? reply->type : "application/json",
         reply->rest ? -1 : (int64_t)reply->body.length);
    steal(r, reply);
    request_wake(r);
}

void request_text(request *r, int status, const char *type, const char *text) {
    core_reply reply = {.status = status, .type = type};
    buf_text(&reply.body, text);
    request_answer(r, &reply);
}

void request_error(request *r, int status, const char *code, const char *message) {
    core_reply reply = {.status = status};
    buf_print(&reply.body, "{\"error\":{\"code\":\"%s\",\"message\":", code);
    buf_json(&reply.body, message, strlen(message));
    buf_text(&reply.body, "}}");
    request_answer(r, &reply);
}

void request_fixed(request *r, const char *type, const uint8_t *data, size_t bytes) {
    r->state = SENDING;
    r->last = true;
    r->fixed = data;
    r->fixed_bytes = bytes;
    head(r, 200, type, (int64_t)bytes);
    request_wake(r);
}

void request_events(request *r, viewer *v) {
    r->state = EVENTS;
    r->viewer = v;
    r->chunked = !r->old;
    r->quiet_ms = clock_mono_ns() / NS_PER_MS;
    request_header(r, "X-Accel-Buffering: no\r\n");
    head(r, 200, "text/event-stream; charset=utf-8", -1);
    request_wake(r);
}

// --- sending -------------------------------------------------------------------------------

static void add_chunk(request *r, const uint8_t *data, size_t bytes) {
    if (r->chunked) buf_print(&r->out, "%zx\r\n", bytes);
    buf_add(&r->out, data, bytes);
    if (r->chunked) buf_text(&r->out, "\r\n");
}

// Moves the next part of the body into `out`. False: there is none now.
static bool next_part(request *r) {
    const uint8_t *data = r->fixed ? r->fixed : r->piece.data;
    size_t bytes = r->fixed ? r->fixed_bytes : r->piece.length, left = bytes - r->piece_sent;
    if (!left || r->method == HTTP_HEAD) return false;
    size_t n = left < SEND_BYTES ? left : SEND_BYTES;
    add_chunk(r, data + r->piece_sent, n);
    r->piece_sent += n;
    if (r->last && r->piece_sent == bytes && r->chunked && !r->old) buf_text(&r->out, "0\r\n\r\n");
    return true;
}

// Writes what is framed. False: the connection is gone.
static bool write_out(request *r) {
    size_t n = r->out.length - r->sent;
    if (!n) return true;
    int written = lws_write(r->conn->wsi, r->out.data + r->sent, n, LWS_WRITE_HTTP);
    buf_clear(&r->out);
    buf_zero(&r->out, LWS_PRE);
    r->sent = LWS_PRE;
    lws_set_timeout(r->conn->wsi, PENDING_TIMEOUT_HTTP_CONTENT, SEND_TIMEOUT_S);
    return written >= (int)n;
}

static bool body_left(const request *r) {
    if (r->method == HTTP_HEAD) return false;
    return r->piece_sent < (r->fixed ? r->fixed_bytes : r->piece.length) || !r->last;
}

static int finish(conn *c) {
    bool closing = c->request->closing;
    http_gone(c);
    return closing || lws_http_transaction_completed(c->wsi) ? -1 : 0;
}

static void ask_rest(request *r) {
    core_rest *rest = r->rest;
    r->rest = NULL;
    r->rest_asked = true;
    buf_fini(&r->piece);
    r->piece_sent = 0;
    lws_set_timeout(r->conn->wsi, NO_PENDING_TIMEOUT, 0);
    core_rest_next(rest, request_done, request_hold(r));
}

static int send_more(conn *c) {
    request *r = c->request;
    next_part(r);
    if (r->out.failed || !write_out(r)) return -1;
    if (!body_left(r)) return finish(c);
    if (!r->rest_asked && r->rest && r->piece_sent == r->piece.length) {
        ask_rest(r);
        return 0;
    }
    if (!r->rest_asked) lws_callback_on_writable(c->wsi);
    return 0;
}

int http_writable(conn *c) {
    request *r = c->request;
    if (!r) return 0;
    if (r->state == EVENTS) {
        sse_ready(r);
        if (r->out.failed || !write_out(r)) return -1;
        // A client that takes nothing keeps the limit that write_out has set.
        if (!lws_send_pipe_choked(c->wsi)) lws_set_timeout(c->wsi, NO_PENDING_TIMEOUT, 0);
        return 0;
    }
    if (r->state != SENDING) return 0;
    bool body_coming = r->body_expected && !r->body_done;
    if (body_coming && !r->closing) return 0; // http_body_end wakes
    return send_more(c);
}
