// Unit runs.c: `nnscope runs` lists runs, `nnscope show RUN` tells one; from the server, else from the store.
#include "local.h"
#include "commands.h"
#include "options.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct filter {
    const char *project, *state; // NULL: any
    buf query;                   // the same for a server
} filter;

static bool wanted(const filter *f, json_t *run) {
    const char *project = json_string_value(json_object_get(run, "project"));
    const char *state = json_string_value(json_object_get(run, "state"));
    return (!f->project || (project && !strcmp(project, f->project))) &&
           (!f->state || (state && !strcmp(state, f->state)));
}

static json_t *filtered(json_t *all, const filter *f) {
    json_t *runs = json_array(), *run;
    size_t i;
    json_array_foreach(json_object_get(all, "runs"), i, run)
        if (wanted(f, run)) json_array_append(runs, run);
    json_decref(all);
    return json_pack("{s:o}", "runs", runs);
}

// The JSON of all runs, from wherever it can be had.
static json_t *all_runs(const client *c, filter *f, int *status) {
    buf_char(&f->query, 0);
    if (c->url[0]) return client_runs(c, (char *)f->query.data, status);
    local l;
    *status = EXIT_FAILED;
    if (local_open(&l, c)) return NULL;
    json_t *json = filtered(local_runs(&l), f);
    local_close(&l);
    return json;
}

static const char *text_of(json_t *object, const char *key) {
    const char *text = json_string_value(json_object_get(object, key));
    return text ? text : "";
}

static void print_number(json_t *value) {
    if (json_is_number(value))
        printf("%10.5g", json_number_value(value));
    else if (json_is_string(value))
        printf("%10s", json_string_value(value));
    else
        printf("%10s", "");
}

static void print_run(json_t *run) {
    json_t *main_series = json_object_get(run, "main");
    printf("%s  %-9s %10lld ", text_of(run, "id"), text_of(run, "state"),
           (long long)json_integer_value(json_object_get(run, "last_step")));
    print_number(json_object_get(main_series, "last"));
    printf("  %s/%s", text_of(run, "project"), text_of(run, "name"));
    if (*text_of(main_series, "series")) printf("  (%s)", text_of(main_series, "series"));
    putchar('\n');
}

static int print_json(json_t *json) {
    char *text = json_dumps(json, JSON_INDENT(2));
    puts(text ? text : "");
    free(text);
    return EXIT_OK;
}

static int take(void *context, int letter, const char *value) {
    filter *f = context;
    if (letter == 'p')
        f->project = value;
    else
        f->state = value;
    buf_print(&f->query, letter == 'p' ? "&project=" : "&state=");
    client_encode(&f->query, value);
    return strlen(value) > 255;
}

int cmd_runs(int argc, char **argv) {
    static const struct option own[] = {
        {"project", required_argument, NULL, 'p'}, {"state", required_argument, NULL, 's'}, {0}};
    filter f = {0};
    command_options o = {
        .usage =
            "nnscope runs [--project P] [--state S]\n"
            "Lists runs: id, state, last step, last value, project/name, (series of that value).\n"
            "  --project P  only of this project\n"
            "  --state S    only in this state (running, paused, finished, crashed ...)\n"
            "  --json       as the API gives them\n"
            "  --dir DIR    data directory\n",
        .own = own,
        .take = take,
        .context = &f};
    client c;
    int status = options_begin(&o, argc, argv, 0, 0, &c);
    json_t *json = status < 0 ? all_runs(&c, &f, &status) : NULL;
    buf_fini(&f.query);
    if (!json) return status;
    if (o.json) {
        print_json(json);
    } else {
        size_t i;
        json_t *run;
        json_array_foreach(json_object_get(json, "runs"), i, run)
            print_run(run);
    }
    json_decref(json);
    return EXIT_OK;
}

static json_t *one_run(const client *c, const char *meant, int *status) {
    char run[27], path[64];
    if (c->url[0]) {
        *status = client_resolve(c, meant, run);
        if (*status) return NULL;
        snprintf(path, sizeof path, "/api/v1/runs/%s", run);
        return client_get(c, path, status);
    }
    local l;
    *status = EXIT_FAILED;
    if (local_open(&l, c)) return NULL;
    json_t *json = local_resolve(&l, meant, run) ? NULL : local_run(&l, run);
    local_close(&l);
    return json;
}

int cmd_show(int argc, char **argv) {
    command_options o = {.usage = "nnscope show RUN\n"
                                  "Tells everything about a run (an id, the beginning of one, or a "
                                  "name or its beginning).\n"
                                  "  --json       on one line\n"
                                  "  --dir DIR    data directory\n"};
    client c;
    int status = options_begin(&o, argc, argv, 1, 1, &c);
    if (status >= 0) return status;
    json_t *json = one_run(&c, o.word[0], &status);
    if (!json) return status;
    char *text = json_dumps(json, o.json ? JSON_COMPACT : JSON_INDENT(2));
    puts(text ? text : "");
    free(text);
    json_decref(json);
    return EXIT_OK;
}
