// Unit inspect.c: `nnscope inspect RUN [LAYER]` tells the layers of a run's network: kind, shape, parameters, and the last value of each
// statistic (series layer/LAYER/WORD). From the server, else from the store: the same objects either way.
#include "local.h"
#include "commands.h"
#include "options.h"

#include "journal/capture.h"
#include "server/run.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char usage[] = "nnscope inspect RUN [LAYER] [OPTIONS]\n"
                            "Prints the layers of a run's network with the last value of their "
                            "statistics; of one layer all of them.\n"
                            "  --json     prints JSON\n"
                            "  --dir DIR  data directory\n";

// --- where it comes from ------------------------------------------------------------------------

typedef struct seen {
    json_t *model, *series; // {"layers": ..}, {"series": ..}
} seen;

static int add_series(void *context, const store_series_info *info) {
    buf *out = context;
    if (!out->failed && out->data[out->length - 1] != '[') buf_char(out, ',');
    series_json(info, out);
    return 0;
}

static json_t *parsed(buf *text) {
    json_t *json = text->failed ? NULL : json_loadb((char *)text->data, text->length, 0, NULL);
    buf_fini(text);
    return json;
}

static int read_objects(local *l, store_id id, seen *s) {
    buf model = {0}, series = {0};
    if (store_get_document(l->reader, id, "model", &model)) buf_text(&model, "{\"layers\":[]}");
    buf_text(&series, "{\"series\":[");
    int result = store_list_series(l->reader, id, add_series, &series);
    buf_text(&series, "]}");
    s->model = parsed(&model);
    s->series = parsed(&series);
    return result || !s->model || !s->series ? EXIT_FAILED : EXIT_OK;
}

static int from_store(const client *c, const char *meant, seen *s) {
    char key[27];
    local l;
    store_id id = 0;
    int64_t start_ms;
    if (local_open(&l, c)) return EXIT_FAILED;
    int status = local_resolve(&l, meant, key);
    if (!status)
        status = local_run_row(&l, key, &id, &start_ms) ? EXIT_FAILED : read_objects(&l, id, s);
    local_close(&l);
    return status;
}

static int from_server(const client *c, const char *meant, seen *s) {
    char key[27], path[96];
    int status = client_resolve(c, meant, key);
    if (status) return status;
    snprintf(path, sizeof path, "/api/v1/runs/%s/model", key);
    s->model = client_get(c, path, &status);
    snprintf(path, sizeof path, "/api/v1/runs/%s/series", key);
    if (s->model) s->series = client_get(c, path, &status);
    return s->series ? EXIT_OK : status;
}

// --- what is told -------------------------------------------------------------------------------

// Is `name` the series layer/LAYER/WORD?
static bool is_statistic(const char *name, const char *layer, const char *word) {
    size_t n = strlen(layer);
    return name && strncmp(name, "layer/", 6) == 0 && strncmp(name + 6, layer, n) == 0 &&
           name[6 + n] == '/' && strcmp(name + 7 + n, word) == 0;
}

// {WORD: last value} of a layer.
static json_t *statistics_of(const char *layer, const json_t *series) {
    json_t *out = json_object(), *item;
    size_t i;
    json_array_foreach(series, i, item) {
        const char *name = json_string_value(json_object_get(item, "name"));
        for (int k = 0; k < STATISTIC_COUNT; k++)
            if (is_statistic(name, layer, capture_statistic_word(k)))
                json_object_set(out, capture_statistic_word(k), json_object_get(item, "last"));
    }
    return out;
}

// {"layers": [...]}: those that are wanted, with their statistics. NULL: there is no such layer.
static json_t *told(const seen *s, const char *wanted) {
    json_t *list = json_array(), *layer;
    size_t i;
    json_array_foreach(json_object_get(s->model, "layers"), i, layer) {
        const char *name = json_string_value(json_object_get(layer, "name"));
        if (!name || (wanted && strcmp(name, wanted) != 0)) continue;
        json_object_set_new(layer, "statistics",
                            statistics_of(name, json_object_get(s->series, "series")));
        json_array_append(list, layer);
    }
    if (!wanted || json_array_size(list)) return json_pack("{s:o}", "layers", list);
    json_decref(list);
    return NULL;
}

// --- printing -----------------------------------------------------------------------------------

// Text of the program's own on a terminal: without control characters.
static void plain(char *out, size_t capacity, const json_t *text) {
    snprintf(out, capacity, "%s",
             json_is_string(text) && json_string_length(text) ? json_string_value(text) : "-");
    for (char *at = out; *at; at++)
        if ((unsigned char)*at < 32 || *at == 127) *at = '?';
}

static void shape_text(const json_t *shape, char *out, size_t capacity) {
    size_t used = (size_t)snprintf(out, capacity, "%s", json_array_size(shape) ? "" : "-");
    for (size_t i = 0; i < json_array_size(shape) && used + 24 < capacity; i++)
        used += (size_t)snprintf(out + used, capacity - used, "%s%lld", i ? "x" : "",
                                 (long long)json_integer_value(json_array_get(shape, i)));
}

static void print_value(const json_t *value) {
    if (json_is_number(value))
        printf(" %11.4g", json_number_value(value));
    else
        printf(" %11s", json_is_string(value) ? json_string_value(value) : "-");
}

static const struct {
    int statistic;
    const char *head;
} columns[] = {{STATISTIC_ACTIVATION_MEAN, "mean a"},
               {STATISTIC_ACTIVATION_DEVIATION, "deviation a"},
               {STATISTIC_GRADIENT_NORM, "|gradient|"},
               {STATISTIC_WEIGHT_NORM, "|weight|"},
               {STATISTIC_UPDATE_RATIO, "update"},
               {STATISTIC_SPARSITY, "sparsity"},
               {STATISTIC_DEAD, "dead"},
               {STATISTIC_NONFINITE, "nonfinite"}};
enum { COLUMNS = sizeof columns / sizeof *columns };

static void print_layer(const json_t *layer) {
    char name[64], kind[24], activation[24], shape[64];
    plain(name, sizeof name, json_object_get(layer, "name"));
    plain(kind, sizeof kind, json_object_get(layer, "kind"));
    plain(activation, sizeof activation, json_object_get(layer, "activation"));
    shape_text(json_object_get(layer, "shape"), shape, sizeof shape);
    printf("%-16s %-8s %-10s %-12s %11lld", name, kind, activation, shape,
           (long long)json_integer_value(json_object_get(layer, "parameters")));
    for (size_t i = 0; i < COLUMNS; i++)
        print_value(json_object_get(json_object_get(layer, "statistics"),
                                    capture_statistic_word(columns[i].statistic)));
    putchar('\n');
}

static void print_table(const json_t *layers) {
    printf("%-16s %-8s %-10s %-12s %11s", "LAYER", "KIND", "ACTIVATION", "SHAPE", "PARAMETERS");
    for (size_t i = 0; i < COLUMNS; i++)
        printf(" %11s", columns[i].head);
    putchar('\n');
    for (size_t i = 0; i < json_array_size(layers); i++)
        print_layer(json_array_get(layers, i));
}

static void print_one(const json_t *layer) {
    static const char *const words[] = {"kind", "activation"};
    char text[256];
    for (size_t i = 0; i < 2; i++) {
        plain(text, sizeof text, json_object_get(layer, words[i]));
        printf("%-24s %11s\n", words[i], text);
    }
    shape_text(json_object_get(layer, "shape"), text, sizeof text);
    printf("%-24s %11s\n%-24s %11lld\n", "shape", text, "parameters",
           (long long)json_integer_value(json_object_get(layer, "parameters")));
    for (int k = 0; k < STATISTIC_COUNT; k++) {
        const json_t *value =
            json_object_get(json_object_get(layer, "statistics"), capture_statistic_word(k));
        if (!value) continue;
        printf("%-23s", capture_statistic_word(k));
        print_value(value);
        putchar('\n');
    }
}

// What the flight recorder wrote out when NaN appeared or a person kept a moment: series flight/LAYER/WORD.
static void print_flight(const json_t *series) {
    long long steps = 0, first = INT64_MAX, last = INT64_MIN;
    const json_t *item;
    size_t i;
    json_array_foreach(series, i, item) {
        const char *name = json_string_value(json_object_get(item, "name"));
        long long points = json_integer_value(json_object_get(item, "points"));
        long long from = json_integer_value(json_object_get(item, "first_step"));
        long long to = json_integer_value(json_object_get(item, "last_step"));
        if (!name || strncmp(name, "flight/", 7) != 0 || !points) continue;
        steps = points > steps ? points : steps;
        first = from < first ? from : first;
        last = to > last ? to : last;
    }
    if (steps)
        printf("\nflight recorder: %lld steps from %lld to %lld, in the series flight/LAYER/...\n",
               steps, first, last);
}

static int print_json(const json_t *json) {
    char *text = json_dumps(json, JSON_INDENT(2));
    puts(text ? text : "");
    free(text);
    return EXIT_OK;
}

static int print(const seen *s, const char *wanted, bool as_json) {
    json_t *json = told(s, wanted), *layers = json_object_get(json, "layers");
    int status = json ? EXIT_OK : EXIT_FAILED;
    if (!json)
        fprintf(stderr,
                "nnscope: the run's network has no such layer; `nnscope inspect RUN` lists them\n");
    else if (as_json)
        status = print_json(json);
    else if (wanted)
        print_one(json_array_get(layers, 0));
    else if (json_array_size(layers)) {
        print_table(layers);
        print_flight(json_object_get(s->series, "series"));
    } else
        fprintf(stderr, "nnscope: the run has not described its network\n");
    json_decref(json);
    return status;
}

int cmd_inspect(int argc, char **argv) {
    command_options o = {.usage = usage};
    seen s = {0};
    client c;
    int status = options_begin(&o, argc, argv, 1, 2, &c);
    if (status >= 0) return status;
    status = c.url[0] ? from_server(&c, o.word[0], &s) : from_store(&c, o.word[0], &s);
    if (!status) status = print(&s, o.words > 1 ? o.word[1] : NULL, o.json);
    json_decref(s.model);
    json_decref(s.series);
    return status;
}
