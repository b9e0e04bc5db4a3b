// Unit points.c: `nnscope points RUN SERIES ...` and `nnscope export RUN` print points as CSV or JSON.
#include "local.h"
#include "commands.h"
#include "options.h"
#include "output.h"

#include "server/points.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct points_arguments {
    buf query;          // &from=...&to=... for a server
    store_query q;      // the same for the store
    const char *output; // file, NULL: stdout
    FILE *out;          // NULL: nothing came yet
    bool stuck;         // it could not be written
} points_arguments;

static bool whole_number(const char *text, int64_t *n) {
    char *end;
    errno = 0;
    *n = strtoll(text, &end, 10);
    return end != text && !*end && errno == 0;
}

static bool take_number(points_arguments *a, int letter, const char *value) {
    int64_t n;
    if (!whole_number(value, &n)) return false;
    if (letter == 'f') a->q.from = n;
    if (letter == 't') a->q.to = n;
    if (letter == 'b') a->q.buckets = (uint32_t)n;
    return letter != 'b' || (n >= 0 && n <= INT32_MAX);
}

static bool take_word(points_arguments *a, int letter, const char *value) {
    bool special = strcmp(value, letter == 'x' ? "time" : "all") == 0;
    if (letter == 'x') a->q.axis = special ? STORE_AXIS_TIME : STORE_AXIS_STEP;
    if (letter == 'a') a->q.all_attempts = special;
    return special || strcmp(value, letter == 'x' ? "step" : "current") == 0;
}

static int take(void *context, int letter, const char *value) {
    static const char *const names[] = {
        ['f'] = "from", ['t'] = "to", ['b'] = "buckets", ['x'] = "axis", ['a'] = "attempts"};
    points_arguments *a = context;
    if (letter == 'o') {
        a->output = value;
        return 0;
    }
    if (!(strchr("ftb", letter) ? take_number(a, letter, value) : take_word(a, letter, value)))
        return 1;
    buf_print(&a->query, "&%s=%s", names[letter], value);
    return a->query.failed;
}

// Where the points go: opened with the first of them, so that a refused question harms no file.
static bool write_piece(void *context, const void *data, size_t bytes) {
    points_arguments *a = context;
    if (!a->out) a->out = a->output ? fopen(a->output, "w") : stdout;
    a->stuck = !a->out || fwrite(data, 1, bytes, a->out) != bytes;
    return !a->stuck;
}

static int written(points_arguments *a) {
    bool whole = a->out && !a->stuck && fflush(a->out) == 0;
    if (a->out && a->out != stdout) whole &= fclose(a->out) == 0;
    if (whole) return EXIT_OK;
    if (a->out == stdout && output_unread()) return EXIT_NO_READER;
    fprintf(stderr, "nnscope: cannot write %s: %s\n", a->output ? a->output : "to the output",
            strerror(errno));
    return EXIT_FAILED;
}

// Without a server: the same bytes from the store.
static int query_store(local *l, const char *key, const command_options *o, points_arguments *a,
                       int count, char **series) {
    points_query p = {.form = o->json ? CORE_JSON : CORE_CSV, .q = a->q};
    core_reply reply = {0};
    int64_t start_ms = 0;
    int result = local_run_row(l, key, &p.run, &start_ms);
    p.q.run = p.run;
    points_time_bounds(&p, start_ms);
    for (int i = 0; i < count && !result; i++)
        result = points_add_name(&p, series[i]);
    if (!count && !result) result = points_add_all(&p, l->reader);
    if (!result) points_reply(&p, l->reader, &reply);
    client_reply as_answered = {.status = reply.status ? reply.status : 500, .body = reply.body};
    if (reply.status == 200) write_piece(a, reply.body.data, reply.body.length);
    int status = reply.status == 200 ? written(a) : client_explain(&as_answered);
    buf_fini(&reply.body);
    points_query_fini(&p);
    return status;
}

static int read_store(const client *c, const command_options *o, points_arguments *a, int count,
                      char **series) {
    char key[27];
    local l;
    if (local_open(&l, c)) return EXIT_FAILED;
    int status = local_resolve(&l, o->word[0], key);
    if (!status) status = query_store(&l, key, o, a, count, series);
    local_close(&l);
    return status;
}

// All points of `count` series (0: every scalar series) to where they are wanted.
static int fetch(const client *c, const command_options *o, points_arguments *a, int count,
                 char **series) {
    char key[27];
    buf path = {0};
    client_reply reply = {0};
    if (!c->url[0]) return read_store(c, o, a, count, series);
    int status = client_resolve(c, o->word[0], key);
    if (status) return status;
    buf_print(&path, "/api/v1/runs/%s/points?format=%s", key, o->json ? "json" : "csv");
    for (int i = 0; i < count; i++) {
        buf_text(&path, "&series=");
        client_encode(&path, series[i]);
    }
    buf_add(&path, a->query.data, a->query.length);
    buf_char(&path, 0);
    if (!path.failed) client_fetch(c, (char *)path.data, NULL, write_piece, a, &reply);
    status = reply.status == 200 || a->stuck ? written(a) : client_explain(&reply);
    buf_fini(&path);
    buf_fini(&reply.body);
    return status;
}

static int run_command(int argc, char **argv, int most, const char *usage) {
    static const struct option own[] = {{"from", required_argument, NULL, 'f'},
                                        {"to", required_argument, NULL, 't'},
                                        {"buckets", required_argument, NULL, 'b'},
                                        {"axis", required_argument, NULL, 'x'},
                                        {"attempts", required_argument, NULL, 'a'},
                                        {"output", required_argument, NULL, 'o'},
                                        {0}};
    points_arguments a = {.q = {.from = INT64_MIN, .to = INT64_MAX}};
    command_options o = {.usage = usage, .own = own, .take = take, .context = &a};
    client c;
    int status = options_begin(&o, argc, argv, 1, most, &c);
    if (status < 0) status = fetch(&c, &o, &a, o.words - 1, o.word + 1);
    buf_fini(&a.query);
    return status;
}

#define POINTS_OPTIONS                                                                             \
    "  --from N --to N   steps (or milliseconds since the start with --axis time) from N, to "     \
    "below N\n"                                                                                    \
    "  --buckets N       at most N rows: min, max, mean, last, count, nonfinite of each stretch\n" \
    "  --axis step|time  what --from and --to mean (default step)\n"                               \
    "  --attempts all    with what a rewind or a resume has overtaken (default current)\n"         \
    "  --output FILE     instead of the standard output\n"                                         \
    "  --json            JSON columns instead of CSV\n"                                            \
    "  --dir DIR         data directory\n"

int cmd_points(int argc, char **argv) {
    return run_command(argc, argv, 1 + 64,
                       "nnscope points RUN [SERIES ...]\n"
                       "Prints points of series as CSV (step first); without SERIES of every "
                       "scalar series.\n" POINTS_OPTIONS);
}

int cmd_export(int argc, char **argv) {
    return run_command(
        argc, argv, 1,
        "nnscope export RUN [--output FILE]\n"
        "Writes every point of every scalar series of a run as CSV or JSON.\n" POINTS_OPTIONS);
}
