// Unit options.c copies what nns_open was given, and puts defaults where nothing was.
#include "options.h"

#include "base/clock.h"
#include "base/error.h"
#include "base/mem.h"
#include "journal/place.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define LABEL_BYTES_MAX 255
#define NOTES_BYTES_MAX 65536

static char *copy(const char *text, size_t most) {
    return text && *text ? mem_text(text, strnlen(text, most)) : NULL;
}

static char *name_of_now(void) {
    char text[32];
    struct tm t;
    time_t now = (time_t)(clock_wall_ms() / 1000);
    localtime_r(&now, &t);
    strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S", &t);
    return mem_text(text, strlen(text));
}

// A run that is joined keeps its labels unless new ones are given.
static void copy_labels(nns_run *run, const nns_options *o) {
    run->project = copy(o->project, LABEL_BYTES_MAX);
    run->name = copy(o->name, LABEL_BYTES_MAX);
    run->group = copy(o->group, LABEL_BYTES_MAX);
    run->tags = copy(o->tags, NOTES_BYTES_MAX);
    run->notes = copy(o->notes, NOTES_BYTES_MAX);
    if (run->joined) return;
    if (!run->project) run->project = copy("default", LABEL_BYTES_MAX);
    if (!run->name) run->name = name_of_now();
}

static int copy_arguments(nns_run *run, const nns_options *o) {
    if (o->argc <= 0 || !o->argv) return 0;
    run->arguments = mem_array((size_t)o->argc + 1, sizeof *run->arguments);
    for (int i = 0; run->arguments && i < o->argc; i++) {
        const char *text = o->argv[i] ? o->argv[i] : "";
        run->arguments[i] = mem_text(text, strlen(text));
        if (!run->arguments[i]) return NNS_E_NO_MEMORY;
    }
    return run->arguments ? 0 : NNS_E_NO_MEMORY;
}

static int choose_id(nns_run *run, const nns_options *o) {
    const char *id = o->id && *o->id ? o->id : getenv("NNSCOPE_RUN");
    run->joined = id && id_valid(id);
    if (run->joined) memcpy(run->id.text, id, ID_LENGTH + 1);
    int result = run->joined ? 0 : id_new(&run->id);
    return result ? result : id_new(&run->process);
}

static void describe(nns_run *run, const nns_options *o) {
    alive_info *a = &run->alive;
    alive_self(a);
    a->rank = o->rank > 0 ? o->rank : 0;
    a->world = o->world > 1 ? o->world : 1;
    a->opened_ms = clock_wall_ms();
    snprintf(a->name, sizeof a->name, "%s", run->name ? run->name : "");
    snprintf(a->project, sizeof a->project, "%.127s", run->project ? run->project : "");
    if (a->rank > 0) snprintf(run->prefix, sizeof run->prefix, "rank/%d/", a->rank);
}

int options_copy(nns_run *run, const nns_options *o) {
    int result = choose_id(run, o);
    if (!result) result = place_data(o->dir, run->dir);
    if (!result) result = place_run(run->dir, run->id.text, run->folder);
    if (!result) result = copy_arguments(run, o);
    if (result) return result;
    copy_labels(run, o);
    describe(run, o);
    const char *wanted = getenv("NNSCOPE_RECORD_NETWORK");
    run->no_system = o->no_system;
    run->no_network = o->no_network || (wanted && !strcmp(wanted, "0"));
    run->budget = o->budget > 0 && o->budget < 1 ? o->budget : 0.01;
    return 0;
}

void options_fini(nns_run *run) {
    char **labels[] = {&run->project, &run->name, &run->group, &run->tags, &run->notes};
    for (size_t i = 0; i < sizeof labels / sizeof *labels; i++) {
        mem_free(*labels[i]);
        *labels[i] = NULL;
    }
    for (char **at = run->arguments; at && *at; at++)
        mem_free(*at);
    mem_free(run->arguments);
    run->arguments = NULL;
}
