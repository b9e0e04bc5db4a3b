// Unit handlers_auth.c serves sessions (a token traded for a cookie) and tokens (for their owner).
#include "handlers.h"
#include "http.h"
#include "shape.h"

#include "base/clock.h"
#include "base/error.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

static const char *cookie_path(const net *n) {
    return *n->options.prefix ? n->options.prefix : "/";
}

static const char *secure_flag(const net *n) {
    return n->options.tls_cert ? "; Secure" : "";
}

static void whoami(request *r) {
    core_reply reply = {0};
    buf_text(&reply.body, "{\"name\":");
    buf_json(&reply.body, r->who.name, strlen(r->who.name));
    buf_text(&reply.body, ",\"scopes\":");
    scope_json(&reply.body, r->who.scopes);
    buf_text(&reply.body, ",\"version\":");
    buf_json(&reply.body, r->net->options.version, strlen(r->net->options.version));
    buf_char(&reply.body, '}');
    request_answer(r, &reply);
}

void handle_get_session(request *r) {
    whoami(r);
}

void handle_post_session(request *r) {
    char cookie[SESSION_CAP];
    const net *n = r->net;
    if (session_make(n->tokens, r->who.id, clock_wall_ms() / 1000, cookie)) {
        request_error(r, 500, "session", "no session could be made");
        return;
    }
    request_header(r, "Set-Cookie: %s=%s; Path=%s; Max-Age=%d; HttpOnly; SameSite=Strict%s\r\n",
                   n->auth.cookie, cookie, cookie_path(n), SESSION_SECONDS, secure_flag(n));
    whoami(r);
}

void handle_delete_session(request *r) {
    request_header(r, "Set-Cookie: %s=; Path=%s; Max-Age=0; HttpOnly; SameSite=Strict%s\r\n",
                   r->net->auth.cookie, cookie_path(r->net), secure_flag(r->net));
    request_text(r, 200, NULL, "{}");
}

// --- tokens --------------------------------------------------------------------------------

void handle_get_tokens(request *r) {
    core_reply reply = {0};
    buf_text(&reply.body, "{\"tokens\":[");
    for (size_t i = 0; i < tokens_count(r->net->tokens); i++) {
        if (i) buf_char(&reply.body, ',');
        token_json(&reply.body, tokens_at(r->net->tokens, i));
    }
    buf_text(&reply.body, "]}");
    request_answer(r, &reply);
}

// Reads {"name": TEXT, "scopes": [WORD, ...] or "WORD,WORD"}; false: not so.
static bool read_wanted(json_t *json, const char **name, unsigned *scopes) {
    json_t *list = json_object_get(json, "scopes"), *word;
    size_t i;
    unsigned one;
    *name = json_string_value(json_object_get(json, "name"));
    *scopes = 0;
    if (json_is_string(list) && !scope_parse(json_string_value(list), scopes)) return false;
    json_array_foreach(list, i, word) {
        if (!json_is_string(word) || !scope_parse(json_string_value(word), &one)) return false;
        *scopes |= one;
    }
    return *name && *scopes;
}

static void made(request *r, const token *t, const char *secret) {
    core_reply reply = {.status = 201};
    buf json = {0};
    core_author author = request_author(r);
    token_json(&json, t);
    buf_char(&json, 0);
    if (json.failed || core_put_token(r->net->core, t->hash, (const char *)json.data)) {
        tokens_remove(r->net->tokens, t->who.id);
        buf_fini(&json);
        request_error(r, 503, "store", "the token could not be stored");
        return;
    }
    core_audit(r->net->core, &author, "token add", NULL, t->who.name);
    buf_add(&reply.body, json.data, json.length - 2); // without the brace and the end
    buf_print(&reply.body, ",\"token\":\"%s\"}", secret);
    buf_fini(&json);
    request_answer(r, &reply);
}

static void add(request *r, json_t *json) {
    const char *name;
    unsigned scopes;
    char secret[TOKEN_LENGTH + 1];
    const token *t;
    if (!read_wanted(json, &name, &scopes)) {
        request_error(r, 400, "bad_token", "give a name and scopes of read, write, control, code");
        return;
    }
    int result = tokens_add(r->net->tokens, name, scopes, clock_wall_ms(), secret, &t);
    if (!result)
        made(r, t, secret);
    else if (result == NNS_E_EXISTS)
        request_error(r, 409, "exists", "a token has that name already");
    else
        request_error(r, result == NNS_E_INVALID ? 400 : 503, "bad_token",
                      "such a token cannot be made");
}

void handle_post_token(request *r) {
    json_t *json =
        json_loadb(r->body.data ? (const char *)r->body.data : "", r->body.length, 0, NULL);
    const char *stray = shape_stray(shape_members("wanted_token"), json);
    char message[160];
    if (stray) {
        snprintf(message, sizeof message, "unknown member \"%.100s\" in wanted_token", stray);
        request_error(r, 422, "unknown_member", message);
    } else if (json) {
        add(r, json);
    } else {
        request_error(r, 400, "bad_json", "the body must be a JSON object");
    }
    json_decref(json);
}

void handle_delete_token(request *r) {
    const token *t = tokens_by(r->net->tokens, request_param(r, 0));
    core_author author = request_author(r);
    if (!t) {
        request_error(r, 404, "not_found", "there is no such token");
        return;
    }
    if (t->first) {
        request_error(
            r, 409, "first",
            "the first token is the file `token` of the data directory: delete that and restart");
        return;
    }
    if (core_put_token(r->net->core, t->hash, NULL)) {
        request_error(r, 503, "store", "the token could not be removed from the store");
        return;
    }
    core_audit(r->net->core, &author, "token revoke", NULL, t->who.name);
    char id[TOKEN_ID_LENGTH + 1];
    memcpy(id, t->who.id, sizeof id);
    tokens_remove(r->net->tokens, id);
    live_revoke(r->net, id);
    request_text(r, 200, NULL, "{}");
}
