// Unit points.c: `nnscope points RUN SERIES ...` and `nnscope export RUN` print points as CSV or JSON.
#include "local.h"
#include "commands.h"
#include "options.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct points_arguments {
    buf query;          // &from=...&to=... as given
    const char *output; // file, NULL: stdout
} points_arguments;

static void add_encoded(buf *out, const char *text) {
    for (const unsigned char *at = (const unsigned char *)text; *at; at++) {
        if (isalnum(*at) || strchr("-_.~/", *at))
            buf_char(out, (char)*at);
        else
            buf_print(out, "%%%02X", *at);
    }
}

static int take(void *context, int letter, const char *value) {
    static const char *const names[] = {['f'] = "from", ['t'] = "to", ['b'] = "buckets", ['x'] = "axis", ['a'] = "attempts"};
    points_arguments *a = context;
    if (letter == 'o') {
        a->output = value;
        return 0;
    }
    char *end;
    if (strchr("ftb", letter)) {
        strtod(value, &end);
        if (end == value || *end) return 1;
    }
    buf_print(&a->query, "&%s=", names[letter]);
    add_encoded(&a->query, value);
    return a->query.failed;
}

static int write_out(const points_arguments *a, const buf *body) {
    FILE *out = a->output ? fopen(a->output, "w") : stdout;
    if (!out) {
        fprintf(stderr, "nnscope: cannot write %s\n", a->output);
        return EXIT_FAILED;
    }
    bool whole = fwrite(body->data, 1, body->length, out) == body->length;
    whole &= fflush(out) == 0;
    if (a->output) whole &= fclose(out) == 0;
    if (whole) return EXIT_OK;
    fprintf(stderr, "nnscope: writing %s failed\n", a->output ? a->output : "to the output");
    return EXIT_FAILED;
}

// All points of `count` series (0: every scalar series) to where they are wanted.
static int fetch(const client *c, const command_options *o, points_arguments *a, int count, char **series) {
    char run[27];
    buf path = {0};
    client_reply reply = {0};
    if (!c->url[0]) return options_no_server(c);
    int status = client_resolve(c, o->word[0], run);
    if (status) return status;
    buf_print(&path, "/api/v1/runs/%s/points?", run);
    for (int i = 0; i < count; i++) {
        buf_text(&path, i ? "&series=" : "series=");
        add_encoded(&path, series[i]);
    }
    buf_add(&path, a->query.data, a->query.length);
    buf_char(&path, 0);
    if (!path.failed) client_call(c, "GET", (char *)path.data, o->json ? NULL : "text/csv", NULL, &reply);
    status = reply.status == 200 ? write_out(a, &reply.body) : client_explain(&reply);
    buf_fini(&path);
    buf_fini(&reply.body);
    return status;
}

static int run_command(int argc, char **argv, int most, const char *usage) {
    static const struct option own[] = {{"from", required_argument, NULL, 'f'},    {"to", required_argument, NULL, 't'},
                                        {"buckets", required_argument, NULL, 'b'}, {"axis", required_argument, NULL, 'x'},
                                        {"attempts", required_argument, NULL, 'a'}, {"output", required_argument, NULL, 'o'},
                                        {0}};
    points_arguments a = {0};
    command_options o = {.usage = usage, .own = own, .take = take, .context = &a};
    client c;
    int status = options_begin(&o, argc, argv, 1, most, &c);
    if (status < 0) status = fetch(&c, &o, &a, o.words - 1, o.word + 1);
    buf_fini(&a.query);
    return status;
}

#define POINTS_OPTIONS                                                                                                 \
    "  --from N --to N   steps (or seconds of --axis time) from N, to below N\n"                                       \
    "  --buckets N       at most N rows: min, max, mean, last, count, nonfinite of each stretch\n"                     \
    "  --axis step|time  what --from and --to mean (default step)\n"                                                   \
    "  --attempts all    with what a rewind or a resume has overtaken\n"                                               \
    "  --output FILE     instead of the standard output\n"                                                             \
    "  --json            JSON columns instead of CSV\n"                                                                \
    "  --dir DIR         data directory\n"

int cmd_points(int argc, char **argv) {
    return run_command(argc, argv, 1 + 64,
                       "nnscope points RUN [SERIES ...]\n"
                       "Prints points of series as CSV (step first); without SERIES of every scalar series.\n" POINTS_OPTIONS);
}

int cmd_export(int argc, char **argv) {
    return run_command(argc, argv, 1,
                       "nnscope export RUN [--output FILE]\n"
                       "Writes every point of every scalar series of a run as CSV or JSON.\n" POINTS_OPTIONS);
}
