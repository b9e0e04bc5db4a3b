// Unit token.c is `nnscope token`: through the server when one runs, else on the store itself, under the directory's lock.
#include "commands.h"
#include "options.h"

#include "base/clock.h"
#include "base/error.h"
#include "base/mem.h"
#include "journal/place.h"
#include "server/token.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char usage[] = "nnscope token list\n"
                            "nnscope token add --scope S --name N\n"
                            "nnscope token revoke NAME-OR-ID\n"
                            "Manages tokens. Scopes: read, write (record), control (steer; implies "
                            "read), code; several with commas. `add` prints\n"
                            "the token alone on its last line: nothing keeps it but you. The first "
                            "token is the file `token` of the data directory.\n"
                            "  --scope S    scopes\n"
                            "  --name N     who it is for: the author of what it does\n"
                            "  --json       list as JSON\n"
                            "  --dir DIR    data directory\n";

typedef struct token_arguments {
    const char *scope, *name;
} token_arguments;

static int take(void *context, int letter, const char *value) {
    token_arguments *a = context;
    if (letter == 's') a->scope = value;
    if (letter == 'n') a->name = value;
    return 0;
}

static void print_token(json_t *t) {
    size_t i;
    json_t *word;
    printf("%s  %-20s ", json_string_value(json_object_get(t, "id")),
           json_string_value(json_object_get(t, "name")));
    json_array_foreach(json_object_get(t, "scopes"), i, word)
        printf(" %s", json_string_value(word));
    putchar('\n');
}

// Prints {"tokens": [...]} and takes it.
static int print_list(json_t *list, bool as_json) {
    size_t i;
    json_t *t;
    char *text = as_json ? json_dumps(list, JSON_COMPACT) : NULL;
    if (text)
        puts(text);
    else
        json_array_foreach(json_object_get(list, "tokens"), i, t)
            print_token(t);
    free(text);
    json_decref(list);
    return EXIT_OK;
}

// --- through the server --------------------------------------------------------------------

static int remote_list(const client *c, bool as_json) {
    int status = EXIT_FAILED;
    json_t *list = client_get(c, "/api/v1/tokens", &status);
    return list ? print_list(list, as_json) : status;
}

static int remote_add(const client *c, const token_arguments *a) {
    client_reply reply = {0};
    json_t *wanted = json_pack("{s:s,s:s}", "name", a->name, "scopes", a->scope);
    char *body = wanted ? json_dumps(wanted, 0) : NULL;
    int status = EXIT_FAILED;
    client_call(c, "POST", "/api/v1/tokens", NULL, body ? body : "{}", &reply);
    json_t *made = reply.status == 201
                       ? json_loadb((const char *)reply.body.data, reply.body.length, 0, NULL)
                       : NULL;
    const char *secret = json_string_value(json_object_get(made, "token"));
    if (secret) {
        puts(secret);
        status = EXIT_OK;
    } else {
        status = client_explain(&reply);
    }
    json_decref(made);
    json_decref(wanted);
    free(body);
    buf_fini(&reply.body);
    return status;
}

// The id of the token that is meant; "" without one.
static void remote_find(const client *c, const char *meant, char id[TOKEN_ID_LENGTH + 1],
                        int *status) {
    json_t *list = client_get(c, "/api/v1/tokens", status), *t;
    size_t i;
    id[0] = 0;
    json_array_foreach(json_object_get(list, "tokens"), i, t) {
        const char *one = json_string_value(json_object_get(t, "id")),
                   *name = json_string_value(json_object_get(t, "name"));
        if (one && name && (!strcmp(one, meant) || !strcmp(name, meant)))
            snprintf(id, TOKEN_ID_LENGTH + 1, "%s", one);
    }
    json_decref(list);
}

static int unknown(const char *meant) {
    fprintf(stderr, "nnscope token: there is no token \"%s\"\n", meant);
    return EXIT_FAILED;
}

static int remote_revoke(const client *c, const char *meant) {
    char id[TOKEN_ID_LENGTH + 1], path[64];
    int status = EXIT_OK;
    client_reply reply = {0};
    remote_find(c, meant, id, &status);
    if (status) return status;
    if (!id[0]) return unknown(meant);
    snprintf(path, sizeof path, "/api/v1/tokens/%s", id);
    client_call(c, "DELETE", path, NULL, NULL, &reply);
    status = reply.status == 200 ? EXIT_OK : client_explain(&reply);
    buf_fini(&reply.body);
    return status;
}

// --- on the store --------------------------------------------------------------------------

typedef struct direct {
    int lock;
    store *store;
    tokens *tokens;
} direct;

static int say(const char *what, int result) {
    fprintf(stderr, "nnscope token: %s: %s\n", what, error_sentence(result));
    return EXIT_FAILED;
}

static void direct_close(direct *d) {
    tokens_close(d->tokens);
    if (d->store) store_close(d->store);
    if (d->lock >= 0) close(d->lock);
}

static int take_lock(direct *d, const char *dir) {
    char path[PATH_CAP];
    int result = file_path(path, "%s/server.lock", dir);
    if (result) return result;
    d->lock = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
    return d->lock < 0 ? NNS_E_IO : file_lock(d->lock);
}

static int direct_open(direct *d, const char *dir) {
    char path[PATH_CAP], *error = NULL;
    *d = (direct){.lock = -1};
    int result = place_make(dir);
    if (result) return say(dir, result);
    result = take_lock(d, dir);
    if (result) return say("server.lock", result);
    result = file_path(path, "%s/store.db", dir);
    if (!result) result = store_open(&d->store, path, &(store_options){0}, &error);
    if (!result) result = tokens_open(&d->tokens, dir, &error);
    if (!result) result = tokens_load(d->tokens, d->store);
    if (result) say(error ? error : dir, result);
    mem_free(error);
    return result ? EXIT_FAILED : EXIT_OK;
}

static int direct_put(direct *d, const char *hash, const char *json) {
    int result = store_put_token(d->store, hash, json);
    if (!result) result = store_wait(d->store, store_commit(d->store), 30000);
    return result ? say("the store", result) : EXIT_OK;
}

static int direct_list(direct *d, bool as_json) {
    buf out = {0};
    buf_text(&out, "{\"tokens\": [");
    for (size_t i = 0; i < tokens_count(d->tokens); i++) {
        if (i) buf_text(&out, ", ");
        token_json(&out, tokens_at(d->tokens, i));
    }
    buf_text(&out, "]}");
    json_t *list = json_loadb((const char *)out.data, out.length, 0, NULL);
    buf_fini(&out);
    return print_list(list, as_json);
}

static int direct_add(direct *d, const token_arguments *a) {
    char secret[TOKEN_LENGTH + 1];
    const token *t;
    unsigned scopes;
    buf json = {0};
    if (!scope_parse(a->scope, &scopes))
        return say("scopes are read, write, control, code", NNS_E_INVALID);
    int result = tokens_add(d->tokens, a->name, scopes, clock_wall_ms(), secret, &t);
    if (result) return say(a->name, result);
    token_json(&json, t);
    buf_char(&json, 0);
    int status = json.failed ? EXIT_FAILED : direct_put(d, t->hash, (const char *)json.data);
    buf_fini(&json);
    if (!status) puts(secret);
    return status;
}

static int direct_revoke(direct *d, const char *meant) {
    const token *t = tokens_by(d->tokens, meant);
    if (!t) return unknown(meant);
    if (!t->first) return direct_put(d, t->hash, NULL);
    fprintf(stderr, "nnscope token: the first token is the file `token` of the data directory: "
                    "delete that and start the server\n");
    return EXIT_FAILED;
}

// --- the command ---------------------------------------------------------------------------

static int run_remote(const client *c, const command_options *o, const token_arguments *a) {
    if (!strcmp(o->word[0], "list")) return remote_list(c, o->json);
    if (!strcmp(o->word[0], "add")) return remote_add(c, a);
    return remote_revoke(c, o->word[1]);
}

static int run_direct(const client *c, const command_options *o, const token_arguments *a) {
    direct d;
    int status = direct_open(&d, c->dir);
    if (!status && !strcmp(o->word[0], "list"))
        status = direct_list(&d, o->json);
    else if (!status && !strcmp(o->word[0], "add"))
        status = direct_add(&d, a);
    else if (!status)
        status = direct_revoke(&d, o->word[1]);
    direct_close(&d);
    return status;
}

static bool fits(const command_options *o, const token_arguments *a) {
    if (!strcmp(o->word[0], "list")) return o->words == 1;
    if (!strcmp(o->word[0], "add")) return o->words == 1 && a->scope && a->name;
    return !strcmp(o->word[0], "revoke") && o->words == 2;
}

// A server.json left by a killed server is no server.
static bool server_lives(const client *c) {
    char path[PATH_CAP];
    if (c->remote) return true;
    if (!c->url[0] || file_path(path, "%s/server.lock", c->dir)) return false;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return false;
    bool held = file_locked_by(fd) != 0;
    close(fd);
    return held;
}

int cmd_token(int argc, char **argv) {
    static const struct option own[] = {
        {"scope", required_argument, NULL, 's'}, {"name", required_argument, NULL, 'n'}, {0}};
    token_arguments a = {0};
    command_options o = {.usage = usage, .own = own, .take = take, .context = &a};
    client c;
    int status = options_begin(&o, argc, argv, 1, 2, &c);
    if (status >= 0) return status;
    if (!fits(&o, &a)) {
        fputs(usage, stderr);
        return EXIT_USAGE;
    }
    return server_lives(&c) ? run_remote(&c, &o, &a) : run_direct(&c, &o, &a);
}
