// Tokens and sessions: who may do what. The first token lies in DIR/token (0600) and may do everything; further ones
// are kept as SHA-256 in the store. A session is a cookie derived from DIR/session.key (0600), so that it survives a restart
// and dies with its token. No sockets; used by the net thread and, without a server, by `nnscope token`.
#ifndef NNS_SERVER_TOKEN_H
#define NNS_SERVER_TOKEN_H

#include "base/buf.h"
#include "store/store.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TOKEN_LENGTH 52       // 32 random bytes in base 32
#define TOKEN_ID_LENGTH 16    // the first hex digits of its hash
#define TOKEN_HASH_LENGTH 64
#define TOKEN_NAME_MAX 64
#define TOKENS_MAX 1000
#define SESSION_CAP 160
#define SESSION_SECONDS (30 * 86400)

// Scopes as a bit set (scope.def). scope_parse takes words with commas or spaces between and adds what they imply.
bool scope_parse(const char *words, unsigned *scopes);
const char *scope_word(unsigned bit);            // "read"; "none" for 0
void scope_json(buf *out, unsigned scopes);      // ["read", "write"]

typedef struct identity {
    char id[TOKEN_ID_LENGTH + 1];
    char name[TOKEN_NAME_MAX + 1];
    unsigned scopes;
    bool session;             // by cookie, that is a browser
} identity;

typedef struct token {
    identity who;
    char hash[TOKEN_HASH_LENGTH + 1];
    int64_t created_ms;
    bool first;               // of DIR/token: cannot be revoked
} token;

typedef struct tokens tokens;

// Reads DIR/token and DIR/session.key, or makes them. *error: owned text.
int tokens_open(tokens **t, const char *dir, char **error);
void tokens_close(tokens *t);
int tokens_load(tokens *t, store *s);             // the further ones
const char *tokens_first(const tokens *t);        // the text of DIR/token
size_t tokens_count(const tokens *t);
const token *tokens_at(const tokens *t, size_t index);
const token *tokens_by(const tokens *t, const char *id_or_name); // NULL: none

// Whose token it is; constant time in the text.
bool tokens_check(const tokens *t, const char *secret, size_t length, identity *who);

// A new one. `secret` is shown once and kept nowhere; the caller stores hash and json. NNS_E_EXISTS: the name is taken;
// NNS_E_INVALID: name or scopes; NNS_E_FULL: TOKENS_MAX.
int tokens_add(tokens *t, const char *name, unsigned scopes, int64_t now_ms,
               char secret[TOKEN_LENGTH + 1], const token **added);
void tokens_remove(tokens *t, const char *id);
void token_json(buf *out, const token *t);        // {"id", "name", "scopes", "created"}: as stored and as listed

// Cookies: "ID.EXPIRY.MAC".
int session_make(const tokens *t, const char *id, int64_t now_s, char out[SESSION_CAP]);
bool session_check(const tokens *t, const char *cookie, size_t length, int64_t now_s,
                   identity *who);

#endif
