// Unit handlers.c turns checked requests into calls of the core: runs, points, what happened to a run, commands.
// On the path: http.c -> here -> core.h. Tokens and sessions: handlers_auth.c; the stream: sse.c.
#include "handlers.h"
#include "http.h"

#include <string.h>

#define SERIES_MAX 256

static core *the_core(const request *r) {
    return r->net->core;
}

static const char *run_of(request *r) {
    return request_param(r, 0);
}

static int limit_of(const request *r, int absent, int most) {
    int64_t n = request_arg_int(r, "limit", absent);
    return n < 1 ? 1 : n > most ? most : (int)n;
}

static const char *body_text(const request *r) {
    return r->body.data ? (const char *)r->body.data : "";
}

// --- runs ----------------------------------------------------------------------------------

void handle_get_runs(request *r) {
    core_reply reply = {0};
    core_list_runs(the_core(r), request_arg_text(r, "project"), request_arg_text(r, "state"),
                   request_arg_text(r, "cursor"), limit_of(r, 1000, 1000), &reply);
    request_answer(r, &reply);
}

void handle_post_run(request *r) {
    core_author author = request_author(r);
    core_reply reply = {0};
    core_post_run(the_core(r), body_text(r), r->body.length, &author, &reply);
    request_answer(r, &reply);
}

void handle_get_run(request *r) {
    core_reply reply = {0};
    core_get_run(the_core(r), run_of(r), &reply);
    request_answer(r, &reply);
}

void handle_patch_run(request *r) {
    core_author author = request_author(r);
    core_patch_run(the_core(r), run_of(r), body_text(r), r->body.length, &author, request_done,
                   request_hold(r));
}

void handle_delete_run(request *r) {
    core_author author = request_author(r);
    core_delete_run(the_core(r), run_of(r), &author, request_done, request_hold(r));
}

// --- points --------------------------------------------------------------------------------

static bool wants(const request *r, const char *format, const char *type) {
    const char *asked = request_arg_text(r, "format");
    return asked ? !strcmp(asked, format) : http_accepts(r->accept, strlen(r->accept), type);
}

void handle_get_points(request *r) {
    const char *series[SERIES_MAX];
    const char *axis = request_arg_text(r, "axis"), *attempts = request_arg_text(r, "attempts");
    core_points q = {
        .run = run_of(r),
        .series = series,
        .series_count = request_arg_list(r, "series", series, SERIES_MAX),
        .from = request_arg_int(r, "from", INT64_MIN),
        .to = request_arg_int(r, "to", INT64_MAX),
        .axis = axis && !strcmp(axis, "time") ? STORE_AXIS_TIME : STORE_AXIS_STEP,
        .buckets = (uint32_t)request_arg_int(r, "buckets", 0),
        .all_attempts = attempts && !strcmp(attempts, "all"),
        .request = (uint32_t)request_arg_int(r, "request", 0),
    };
    q.form = wants(r, "csv", "text/csv")                              ? CORE_CSV
             : wants(r, "columns", "application/vnd.nnscope.columns") ? CORE_COLUMNS
                                                                      : CORE_JSON;
    core_get_points(the_core(r), &q, request_done, request_hold(r));
}

void handle_post_points(request *r) {
    core_post_points(the_core(r), run_of(r), body_text(r), r->body.length, request_done,
                     request_hold(r));
}

void handle_get_series(request *r) {
    core_get_series(the_core(r), run_of(r), request_done, request_hold(r));
}

// --- what happened -------------------------------------------------------------------------

void handle_get_parameters(request *r) {
    core_get_params(the_core(r), run_of(r), request_done, request_hold(r));
}

void handle_get_events(request *r) {
    core_get_events(the_core(r), run_of(r), request_arg_int(r, "after", 0),
                    limit_of(r, 1000, 10000), request_done, request_hold(r));
}

void handle_get_commands(request *r) {
    core_get_commands(the_core(r), run_of(r), request_arg_int(r, "after", 0),
                      limit_of(r, 1000, 10000), request_done, request_hold(r));
}

void handle_get_log(request *r) {
    core_get_log(the_core(r), run_of(r), request_arg_text(r, "process"),
                 request_arg_int(r, "offset", 0), limit_of(r, 65536, 1 << 20),
                 request_arg_flag(r, "plain"), request_done, request_hold(r));
}

void handle_get_media(request *r) {
    core_get_media(the_core(r), run_of(r), request_arg_text(r, "series"),
                   request_arg_int(r, "from", INT64_MIN), request_arg_int(r, "to", INT64_MAX),
                   limit_of(r, 100, 10000), request_done, request_hold(r));
}

void handle_get_blob(request *r) {
    request_header(r, "Cache-Control: private, max-age=31536000, immutable\r\n");
    core_get_blob(the_core(r), run_of(r), request_param(r, 1), request_done, request_hold(r));
}

// --- the inside of the network -------------------------------------------------------------

#define TRY_WAIT_MS 2000
#define WAIT_MAX_MS 60000

void handle_get_model(request *r) {
    core_get_model(the_core(r), run_of(r), false, request_done, request_hold(r));
}

void handle_get_tensors(request *r) {
    core_get_model(the_core(r), run_of(r), true, request_done, request_hold(r));
}

void handle_get_pruning(request *r) {
    core_get_pruning(the_core(r), run_of(r), request_done, request_hold(r));
}

static void get_values(request *r, const char *tensor) {
    core_values q = {.run = run_of(r),
                     .tensor = tensor,
                     .layer = request_arg_text(r, "layer"),
                     .quantity = request_arg_text(r, "quantity"),
                     .step = request_arg_int(r, "step", INT64_MAX)};
    bool columns = wants(r, "columns", "application/vnd.nnscope.capture") ||
                   wants(r, "columns", "application/vnd.nnscope.columns");
    q.form = wants(r, "csv", "text/csv") ? CORE_CSV : columns ? CORE_COLUMNS : CORE_JSON;
    core_get_values(the_core(r), &q, request_done, request_hold(r));
}

void handle_get_tensor(request *r) {
    get_values(r, request_param(r, 1));
}

void handle_get_units(request *r) {
    if (request_arg_text(r, "layer"))
        get_values(r, NULL);
    else
        request_error(r, 400, "invalid", "units need a layer");
}

void handle_get_snapshots(request *r) {
    core_get_snapshots(the_core(r), run_of(r), request_arg_int(r, "from", INT64_MIN),
                       request_arg_int(r, "to", INT64_MAX), limit_of(r, 1000, 10000), request_done,
                       request_hold(r));
}

void handle_get_snapshot(request *r) {
    const char *text = request_param(r, 1);
    int64_t step;
    if (http_int(text, strlen(text), &step))
        core_get_snapshot(the_core(r), run_of(r), step, request_done, request_hold(r));
    else
        request_error(r, 404, "not_found", "a step is a whole number");
}

void handle_post_try(request *r) {
    int64_t wait = request_arg_int(r, "wait", TRY_WAIT_MS);
    core_post_try(the_core(r), run_of(r), body_text(r), r->body.length,
                  wait > WAIT_MAX_MS ? WAIT_MAX_MS : wait, request_done, request_hold(r));
}

// --- steering ------------------------------------------------------------------------------

void handle_post_command(request *r) {
    core_author author = request_author(r);
    int64_t wait = request_arg_int(r, "wait", 0);
    core_post_command(the_core(r), run_of(r), body_text(r), r->body.length,
                      wait > WAIT_MAX_MS ? WAIT_MAX_MS : wait, &author, request_done,
                      request_hold(r));
}

// --- the server itself ---------------------------------------------------------------------

void handle_get_openapi(request *r) {
    core_reply reply = {0};
    routes_openapi(&reply.body, r->net->options.version, r->net->options.prefix);
    request_answer(r, &reply);
}

void handle_get_live(request *r) {
    request_header(r, "Upgrade: websocket\r\n");
    request_error(r, 426, "upgrade", "this is the live link: ask for an upgrade to WebSocket");
}

void handle_get_server(request *r) {
    core_figures f = {0};
    core_reply reply = {0};
    core_get_figures(the_core(r), &f);
    buf_text(&reply.body, "{\"version\":");
    buf_json(&reply.body, r->net->options.version, strlen(r->net->options.version));
    buf_text(&reply.body, ",\"url\":");
    buf_json(&reply.body, r->net->url, strlen(r->net->url));
    buf_print(&reply.body,
              ",\"connections\":%d,\"points\":%llu,\"frames\":%llu,\"commands\":%llu,\"runs\":%llu,"
              "\"series\":%llu,"
              "\"viewers\":%llu,\"journal_bytes\":%llu,\"store_bytes\":%llu,\"refused\":%llu}",
              r->net->conn_count, (unsigned long long)f.points, (unsigned long long)f.frames,
              (unsigned long long)f.commands, (unsigned long long)f.runs,
              (unsigned long long)f.series, (unsigned long long)f.viewers,
              (unsigned long long)f.journal_bytes, (unsigned long long)f.store_bytes,
              (unsigned long long)f.refused);
    request_answer(r, &reply);
}

static void figure(buf *out, const char *name, const char *kind, const char *help, uint64_t value) {
    const char *suffix = strcmp(kind, "counter") ? "" : "_total";
    buf_print(out, "# TYPE nnscope_%s %s\n# HELP nnscope_%s %s\nnnscope_%s%s %llu\n", name, kind,
              name, help, name, suffix, (unsigned long long)value);
}

void handle_get_metrics(request *r) {
    core_figures f = {0};
    core_reply reply = {.type = "application/openmetrics-text; version=1.0.0; charset=utf-8"};
    buf *out = &reply.body;
    core_get_figures(the_core(r), &f);
    figure(out, "points", "counter", "Points taken in.", f.points);
    figure(out, "frames", "counter", "Live frames encoded.", f.frames);
    figure(out, "commands", "counter", "Commands given.", f.commands);
    figure(out, "refused", "counter", "Records refused.", f.refused);
    figure(out, "runs", "gauge", "Runs known.", f.runs);
    figure(out, "runs_active", "gauge", "Runs that may still write, or have something to take in.",
           f.active);
    figure(out, "series", "gauge", "Series known.", f.series);
    figure(out, "viewers", "gauge", "Viewers connected.", f.viewers);
    figure(out, "connections", "gauge", "Sockets open.", (uint64_t)r->net->conn_count);
    figure(out, "journal_bytes", "counter", "Bytes of journals taken in.", f.journal_bytes);
    figure(out, "store_bytes", "gauge", "Bytes of the store.", f.store_bytes);
    buf_text(out, "# EOF\n");
    request_answer(r, &reply);
}
