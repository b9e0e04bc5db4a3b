// Unit sse.c serves GET /api/v1/stream: server-sent events over a viewer that sends text only.
// On the path: hub -> viewer_next -> sse.c frames -> http_send.c. The query becomes the same messages that a page sends
// (message.def), each frame becomes one `data:` line.
#include "handlers.h"
#include "http.h"

#include "base/clock.h"

#include <string.h>

#define FRAMES_AT_ONCE ((size_t)64 << 10)
#define SERIES_MAX 64

static void message(request *r, const char *text, size_t length) {
    core_author author = request_author(r);
    viewer_message(r->viewer, text, length, &author, r->who.scopes);
}

static void series_list(request *r, buf *out) {
    const char *names[SERIES_MAX];
    size_t count = request_arg_list(r, "series", names, SERIES_MAX);
    buf_char(out, '[');
    for (size_t i = 0; i < count; i++) {
        if (i) buf_char(out, ',');
        buf_json(out, names[i], strlen(names[i]));
    }
    buf_text(out, count ? "]" : "\"*\"]");
}

static void subscribe(request *r, const char *run) {
    const char *axis = request_arg_text(r, "axis");
    buf out = {0};
    buf_text(&out, "{\"type\":\"subscribe\",\"id\":1,\"run\":");
    buf_json(&out, run, strlen(run));
    buf_text(&out, ",\"series\":");
    series_list(r, &out);
    buf_print(&out, ",\"axis\":\"%s\"", axis ? axis : "step");
    if (request_arg_text(r, "from"))
        buf_print(&out, ",\"from\":%lld", (long long)request_arg_int(r, "from", 0));
    if (request_arg_text(r, "buckets"))
        buf_print(&out, ",\"buckets\":%lld", (long long)request_arg_int(r, "buckets", 0));
    buf_char(&out, '}');
    if (!out.failed) message(r, (const char *)out.data, out.length);
    buf_fini(&out);
}

static void watch(request *r, const char *run) {
    buf out = {0};
    buf_text(&out, "{\"type\":\"watch\",\"id\":2,\"run\":");
    buf_json(&out, run, strlen(run));
    buf_char(&out, '}');
    if (!out.failed) message(r, (const char *)out.data, out.length);
    buf_fini(&out);
}

void handle_get_stream(request *r) {
    static const char watch_runs[] = "{\"type\":\"watch_runs\"}";
    const char *run = request_arg_text(r, "run");
    viewer_options options = {.name = r->who.name, .scopes = r->who.scopes, .text_only = true};
    if (r->method == HTTP_HEAD) {
        request_text(r, 200, "text/event-stream; charset=utf-8", "");
        return;
    }
    viewer *v = viewer_open(r->net->core, &options, r->conn);
    if (!v) {
        request_error(r, 503, "busy", "too many viewers");
        return;
    }
    request_events(r, v);
    if (!run) {
        message(r, watch_runs, sizeof watch_runs - 1);
        return;
    }
    watch(r, run);
    subscribe(r, run);
}

// One event: lines of the frame's text, each behind `data: `, and an empty line.
static void add_event(request *r, const frame *f) {
    buf event = {0};
    const char *at = (const char *)f->data, *end = at + f->length;
    while (at < end) {
        const char *line = memchr(at, '\n', (size_t)(end - at));
        size_t n = line ? (size_t)(line - at) : (size_t)(end - at);
        buf_text(&event, "data: ");
        buf_add(&event, at, n);
        buf_char(&event, '\n');
        at += n + 1;
    }
    buf_char(&event, '\n');
    if (event.failed) r->out.failed = true;
    if (r->chunked) buf_print(&r->out, "%zx\r\n", event.length);
    buf_add(&r->out, event.data, event.length);
    if (r->chunked) buf_text(&r->out, "\r\n");
    buf_fini(&event);
}

// Frames what is there; a comment every 15 s keeps proxies awake and finds clients that are gone.
void sse_ready(request *r) {
    int64_t now = clock_mono_ns() / NS_PER_MS;
    while (r->out.length < FRAMES_AT_ONCE) {
        frame *f = viewer_next(r->viewer);
        if (!f) break;
        if (f->text) add_event(r, f);
        frame_release(f);
        r->quiet_ms = now;
    }
    if (r->out.length >= FRAMES_AT_ONCE) {
        request_wake(r);
    } else if (now - r->quiet_ms >= 15000) {
        buf_text(&r->out, r->chunked ? "3\r\n:\n\n\r\n" : ":\n\n");
        r->quiet_ms = now;
    }
    lws_set_timer_usecs(r->conn->wsi, 15 * LWS_USEC_PER_SEC);
}
