// Unit steer.c: `nnscope set|pause|resume|step|stop RUN ...` sends a command and waits until it took effect.
#include "commands.h"
#include "options.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct steer_arguments {
    int64_t wait_ms;
    int64_t steps;
} steer_arguments;

static int take(void *context, int letter, const char *value) {
    steer_arguments *a = context;
    char *end;
    long long n = strtoll(value, &end, 10);
    if (*end || end == value || n < 0) return 1;
    if (letter == 'w') a->wait_ms = n;
    return letter != 'w';
}

// Sends, prints one line (or JSON) about the outcome, frees `command`.
static int send_command(const client *c, const command_options *o, int64_t wait_ms,
                        json_t *command) {
    char run[27], path[128];
    int status = client_resolve(c, o->word[0], run);
    char *text = status ? NULL : json_dumps(command, JSON_COMPACT);
    json_decref(command);
    if (!text) return status ? status : EXIT_FAILED;
    snprintf(path, sizeof path, "/api/v1/runs/%s/commands?wait=%lld", run, (long long)wait_ms);
    client_reply reply;
    client_call(c, "POST", path, NULL, text, &reply);
    free(text);
    if (reply.status != 200 && reply.status != 202) {
        status = client_explain(&reply);
        buf_fini(&reply.body);
        return status;
    }
    json_t *json = json_loadb((const char *)reply.body.data, reply.body.length, 0, NULL);
    const char *state = json_string_value(json_object_get(json, "state"));
    json_t *step = json_object_get(json, "step");
    if (o->json)
        printf("%.*s\n", (int)reply.body.length, (const char *)reply.body.data);
    else if (json_is_integer(step))
        printf("%s at step %lld\n", state ? state : "sent", (long long)json_integer_value(step));
    else
        printf("%s\n", state ? state : "sent");
    status = reply.status == 200 && state && strcmp(state, "applied") == 0 ? EXIT_OK : EXIT_FAILED;
    json_decref(json);
    buf_fini(&reply.body);
    return status;
}

static const struct option wait_option[] = {{"wait", required_argument, NULL, 'w'}, {0}};

#define STEER_OPTIONS                                                                              \
    "  --wait MS    wait so long for it to take effect (default 5000)\n"                           \
    "  --json       print the command object\n"                                                    \
    "  --dir DIR    data directory\n"                                                              \
    "Exit status: 0 applied, 1 not applied in time, 2 usage, 3 no server, 4 refused.\n"

static int simple(int argc, char **argv, const char *verb, const char *usage) {
    steer_arguments a = {.wait_ms = 5000};
    command_options o = {.usage = usage, .own = wait_option, .take = take, .context = &a};
    client c;
    int most = strcmp(verb, "step") == 0 ? 2 : 1;
    int status = options_begin(&o, argc, argv, 1, most, &c);
    if (status >= 0) return status;
    if (!c.url[0]) return options_no_server(&c);
    json_t *command = json_pack("{s:s}", "type", verb);
    if (most == 2) {
        char *end = NULL;
        long long steps = o.words == 2 ? strtoll(o.word[1], &end, 10) : 1;
        if ((end && *end) || steps < 1) {
            fprintf(stderr, "nnscope: \"%s\" is not a number of steps\n", o.word[1]);
            json_decref(command);
            return EXIT_USAGE;
        }
        json_object_set_new(command, "steps", json_integer(steps));
    }
    return send_command(&c, &o, a.wait_ms, command);
}

int cmd_pause(int argc, char **argv) {
    return simple(argc, argv, "pause",
                  "nnscope pause RUN\nHolds a run before its next step.\n" STEER_OPTIONS);
}

int cmd_resume(int argc, char **argv) {
    return simple(argc, argv, "resume",
                  "nnscope resume RUN\nLets a paused run go on.\n" STEER_OPTIONS);
}

int cmd_step(int argc, char **argv) {
    return simple(argc, argv, "step",
                  "nnscope step RUN [N]\nRuns N steps (default 1), then holds.\n" STEER_OPTIONS);
}

int cmd_stop(int argc, char **argv) {
    return simple(argc, argv, "stop",
                  "nnscope stop RUN\nAsks the program to stop at its next step.\n" STEER_OPTIONS);
}

// A JSON value where the text is one (number, true, false, quoted text), else the text itself.
static json_t *value_of(const char *text) {
    json_t *value = json_loads(text, JSON_DECODE_ANY, NULL);
    if (value && (json_is_number(value) || json_is_boolean(value) || json_is_string(value)))
        return value;
    json_decref(value);
    return json_string(text);
}

int cmd_set(int argc, char **argv) {
    steer_arguments a = {.wait_ms = 5000};
    command_options o = {
        .usage =
            "nnscope set RUN NAME VALUE [NAME VALUE ...]\n"
            "Sets parameters of a running program, all at one safe point or none.\n" STEER_OPTIONS,
        .own = wait_option,
        .take = take,
        .context = &a};
    client c;
    int status = options_begin(&o, argc, argv, 3, 1 + 2 * 64, &c);
    if (status >= 0) return status;
    if (o.words % 2 == 0) {
        fprintf(stderr, "nnscope: \"%s\" has no value\n", o.word[o.words - 1]);
        return EXIT_USAGE;
    }
    if (!c.url[0]) return options_no_server(&c);
    json_t *values = json_object();
    for (int i = 1; i + 1 < o.words; i += 2)
        json_object_set_new(values, o.word[i], value_of(o.word[i + 1]));
    return send_command(&c, &o, a.wait_ms,
                        json_pack("{s:s, s:o}", "type", "set", "values", values));
}
