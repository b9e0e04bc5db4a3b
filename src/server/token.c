// Unit token.c keeps tokens and derives sessions from them.
//
//     token    52 characters of base 32 (32 random bytes); kept as SHA-256, compared in constant time
//     session  ID "." EXPIRY "." MAC    ID: 16 hex digits; EXPIRY: decimal seconds since 1970; MAC: 64 hex digits,
//              HMAC-SHA256 with DIR/session.key over ID "." EXPIRY "." HASH-OF-THE-TOKEN
//
// Invariants: (1) no comparison with a secret ends early; (2) a session whose token is gone or another is worth nothing;
// (3) only DIR/token holds a token's text.
#include "token.h"

#include "base/error.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/mem.h"
#include "http_parse.h"

#include <jansson.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define KEY_BYTES 32

struct tokens {
    token *list;
    size_t count, room;
    char first[TOKEN_LENGTH + 1];
    uint8_t key[KEY_BYTES];
};

static const struct {
    const char *word;
    unsigned bit, implied;
} scope_table[] = {
#define X(name, bit, word, implied, sentence) {word, bit, implied},
#include "scope.def"
#undef X
};
#define SCOPE_COUNT (sizeof scope_table / sizeof scope_table[0])
#define SCOPE_OWNER_BIT 16u

// --- scopes --------------------------------------------------------------------------------

static bool scope_one(const char *word, size_t length, unsigned *scopes) {
    for (size_t i = 0; i < SCOPE_COUNT; i++)
        if (strlen(scope_table[i].word) == length && !memcmp(scope_table[i].word, word, length)) {
            *scopes |= scope_table[i].bit | scope_table[i].implied;
            return true;
        }
    return false;
}

bool scope_parse(const char *words, unsigned *scopes) {
    *scopes = 0;
    while (*words) {
        size_t n = strcspn(words, ", ");
        if (n && !scope_one(words, n, scopes)) return false;
        words += n + (words[n] ? 1 : 0);
    }
    return *scopes != 0;
}

const char *scope_word(unsigned bit) {
    for (size_t i = 0; i < SCOPE_COUNT; i++)
        if (scope_table[i].bit == bit) return scope_table[i].word;
    return "none";
}

void scope_json(buf *out, unsigned scopes) {
    const char *between = "";
    buf_char(out, '[');
    for (size_t i = 0; i < SCOPE_COUNT; i++) {
        if (!(scopes & scope_table[i].bit)) continue;
        buf_print(out, "%s\"%s\"", between, scope_table[i].word);
        between = ", ";
    }
    buf_char(out, ']');
}

// --- hashes --------------------------------------------------------------------------------

static bool hash_secret(const char *secret, size_t length, char out[TOKEN_HASH_LENGTH + 1]) {
    uint8_t digest[EVP_MAX_MD_SIZE];
    unsigned n = 0;
    if (!EVP_Digest(secret, length, digest, &n, EVP_sha256(), NULL) || n != 32) return false;
    hash_hex(digest, n, out);
    return true;
}

static void base32(const uint8_t bytes[KEY_BYTES], char out[TOKEN_LENGTH + 1]) {
    static const char digits[] = "0123456789abcdefghjkmnpqrstvwxyz";
    unsigned held = 0, bits = 0;
    size_t at = 0;
    for (size_t i = 0; i < KEY_BYTES; i++) {
        held = (held << 8 | bytes[i]) & 0xffff;
        for (bits += 8; bits >= 5; bits -= 5)
            out[at++] = digits[held >> (bits - 5) & 31];
    }
    if (bits) out[at++] = digits[held << (5 - bits) & 31];
    out[at] = 0;
}

static int new_secret(char out[TOKEN_LENGTH + 1]) {
    uint8_t bytes[KEY_BYTES];
    if (RAND_bytes(bytes, sizeof bytes) != 1) return NNS_E_IO;
    base32(bytes, out);
    OPENSSL_cleanse(bytes, sizeof bytes);
    return 0;
}

// --- the set -------------------------------------------------------------------------------

static token *new_slot(tokens *t) {
    if (t->count == t->room) {
        size_t room = t->room ? 2 * t->room : 8;
        token *list = mem_grow(t->list, room, sizeof *list);
        if (!list) return NULL;
        t->list = list;
        t->room = room;
    }
    memset(&t->list[t->count], 0, sizeof *t->list);
    return &t->list[t->count++];
}

static token *put(tokens *t, const char *hash, const char *name, unsigned scopes) {
    token *slot = new_slot(t);
    if (!slot) return NULL;
    snprintf(slot->hash, sizeof slot->hash, "%s", hash);
    snprintf(slot->who.id, sizeof slot->who.id, "%.*s", TOKEN_ID_LENGTH, hash);
    snprintf(slot->who.name, sizeof slot->who.name, "%s", name);
    slot->who.scopes = scopes;
    return slot;
}

size_t tokens_count(const tokens *t) {
    return t->count;
}

const token *tokens_at(const tokens *t, size_t index) {
    return &t->list[index];
}

const token *tokens_by(const tokens *t, const char *id_or_name) {
    for (size_t i = 0; i < t->count; i++)
        if (!strcmp(t->list[i].who.id, id_or_name) || !strcmp(t->list[i].who.name, id_or_name))
            return &t->list[i];
    return NULL;
}

const char *tokens_first(const tokens *t) {
    return t->first;
}

bool tokens_check(const tokens *t, const char *secret, size_t length, identity *who) {
    char hash[TOKEN_HASH_LENGTH + 1];
    if (length > 256 || !hash_secret(secret, length, hash)) return false;
    const token *found = NULL;
    for (size_t i = 0; i < t->count; i++)
        if (CRYPTO_memcmp(t->list[i].hash, hash, TOKEN_HASH_LENGTH) == 0) found = &t->list[i];
    if (found) *who = found->who;
    return found != NULL;
}

static bool name_valid(const char *name) {
    size_t n = strlen(name);
    if (!n || n > TOKEN_NAME_MAX || !http_utf8_valid(name, n)) return false;
    for (size_t i = 0; i < n; i++)
        if ((unsigned char)name[i] < 0x20 || name[i] == 0x7f) return false;
    return true;
}

int tokens_add(tokens *t, const char *name, unsigned scopes, int64_t now_ms,
               char secret[TOKEN_LENGTH + 1], const token **added) {
    char hash[TOKEN_HASH_LENGTH + 1];
    if (!name_valid(name) || !scopes || scopes & SCOPE_OWNER_BIT) return NNS_E_INVALID;
    if (tokens_by(t, name)) return NNS_E_EXISTS;
    if (t->count >= TOKENS_MAX) return NNS_E_FULL;
    int result = new_secret(secret);
    if (result) return result;
    if (!hash_secret(secret, TOKEN_LENGTH, hash)) return NNS_E_IO;
    token *slot = put(t, hash, name, scopes);
    if (!slot) return NNS_E_NO_MEMORY;
    slot->created_ms = now_ms;
    *added = slot;
    return 0;
}

void tokens_remove(tokens *t, const char *id) {
    for (size_t i = 0; i < t->count; i++) {
        if (strcmp(t->list[i].who.id, id) || t->list[i].first) continue;
        memmove(&t->list[i], &t->list[i + 1], (t->count - i - 1) * sizeof *t->list);
        t->count--;
        return;
    }
}

void token_json(buf *out, const token *t) {
    buf_print(out, "{\"id\": \"%s\", \"name\": ", t->who.id);
    buf_json(out, t->who.name, strlen(t->who.name));
    buf_text(out, ", \"scopes\": ");
    scope_json(out, t->who.scopes);
    buf_print(out, ", \"created\": %lld}", (long long)t->created_ms);
}

static unsigned scopes_of(json_t *list) {
    unsigned scopes = 0, one;
    size_t i;
    json_t *word;
    json_array_foreach(list, i, word)
        if (json_is_string(word) && scope_parse(json_string_value(word), &one)) scopes |= one;
    return scopes & ~SCOPE_OWNER_BIT;
}

static int load_row(void *context, const store_row *row) {
    tokens *t = context;
    if (!row->name || strlen(row->name) != TOKEN_HASH_LENGTH || !row->json) return 0;
    json_t *json = json_loads(row->json, 0, NULL);
    const char *name = json_string_value(json_object_get(json, "name"));
    token *slot = name && t->count < TOKENS_MAX
                      ? put(t, row->name, name, scopes_of(json_object_get(json, "scopes")))
                      : NULL;
    if (slot) slot->created_ms = json_integer_value(json_object_get(json, "created"));
    json_decref(json);
    return 0;
}

int tokens_load(tokens *t, store *s) {
    store_reader *reader;
    int result = store_reader_open(s, &reader);
    if (result) return result;
    result = store_list_tokens(reader, load_row, t);
    store_reader_close(reader);
    return result;
}

// --- files ---------------------------------------------------------------------------------

// A secret file is ours, regular, and nobody else's to read; anything else is refused with the reason.
static int read_secret(const char *path, buf *out, char **error) {
    struct stat st;
    int fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0) {
        if (errno == ENOENT) return NNS_E_NOT_FOUND;
        *error = mem_text("cannot be opened", 16);
        return error_from_errno(errno);
    }
    int result = 0;
    if (fstat(fd, &st) || !S_ISREG(st.st_mode) || st.st_uid != geteuid() || st.st_mode & 077) {
        *error = mem_text("is readable by others or not yours: chmod 600 it", 48);
        result = NNS_E_PERMISSION;
    }
    uint8_t *at = result ? NULL : buf_room(out, 256);
    ssize_t n = at ? read(fd, at, 256) : -1;
    if (!result && n < 0) result = NNS_E_IO;
    if (n > 0) out->length += (size_t)n;
    close(fd);
    return result;
}

static void explain(char **error, const char *path) {
    buf text = {0};
    buf_print(&text, "%s %s", path, *error ? *error : "cannot be read or written");
    buf_char(&text, 0);
    mem_free(*error);
    *error = (char *)text.data;
}

static int first_token(tokens *t, const char *path, char **error) {
    buf have = {0};
    int result = read_secret(path, &have, error);
    while (have.length && have.data[have.length - 1] <= ' ')
        have.length--;
    if (!result && have.length == TOKEN_LENGTH) {
        memcpy(t->first, have.data, TOKEN_LENGTH);
    } else if (!result || result == NNS_E_NOT_FOUND) {
        char line[TOKEN_LENGTH + 2];
        result = new_secret(t->first);
        snprintf(line, sizeof line, "%s\n", t->first);
        if (!result) result = file_write(path, line, TOKEN_LENGTH + 1);
    }
    buf_fini(&have);
    if (result) explain(error, path);
    return result;
}

static int session_key(tokens *t, const char *path, char **error) {
    buf have = {0};
    int result = read_secret(path, &have, error);
    if (!result && have.length == KEY_BYTES) {
        memcpy(t->key, have.data, KEY_BYTES);
    } else if (!result || result == NNS_E_NOT_FOUND) {
        result =
            RAND_bytes(t->key, KEY_BYTES) == 1 ? file_write(path, t->key, KEY_BYTES) : NNS_E_IO;
    }
    buf_fini(&have);
    if (result) explain(error, path);
    return result;
}

static int add_first(tokens *t) {
    char hash[TOKEN_HASH_LENGTH + 1];
    if (!hash_secret(t->first, TOKEN_LENGTH, hash)) return NNS_E_IO;
    unsigned all = 0;
    for (size_t i = 0; i < SCOPE_COUNT; i++)
        all |= scope_table[i].bit;
    token *slot = put(t, hash, "local", all);
    if (!slot) return NNS_E_NO_MEMORY;
    slot->first = true;
    return 0;
}

int tokens_open(tokens **out, const char *dir, char **error) {
    char path[PATH_CAP];
    *error = NULL;
    tokens *t = mem_new(sizeof *t);
    if (!t) return NNS_E_NO_MEMORY;
    int result = file_path(path, "%s/token", dir);
    if (!result) result = first_token(t, path, error);
    if (!result) result = file_path(path, "%s/session.key", dir);
    if (!result) result = session_key(t, path, error);
    if (!result) result = add_first(t);
    if (result) {
        tokens_close(t);
        t = NULL;
    }
    *out = t;
    return result;
}

void tokens_close(tokens *t) {
    if (!t) return;
    OPENSSL_cleanse(t->key, sizeof t->key);
    OPENSSL_cleanse(t->first, sizeof t->first);
    mem_free(t->list);
    mem_free(t);
}

// --- sessions ------------------------------------------------------------------------------

static bool session_mac(const tokens *t, const token *of, int64_t expiry, char out[65]) {
    char text[TOKEN_ID_LENGTH + TOKEN_HASH_LENGTH + 32];
    uint8_t mac[EVP_MAX_MD_SIZE];
    unsigned n = 0;
    int length = snprintf(text, sizeof text, "%s.%lld.%s", of->who.id, (long long)expiry, of->hash);
    if (!HMAC(EVP_sha256(), t->key, KEY_BYTES, (const uint8_t *)text, (size_t)length, mac, &n) ||
        n != 32)
        return false;
    hash_hex(mac, n, out);
    return true;
}

static const token *by_id(const tokens *t, const char *id) {
    for (size_t i = 0; i < t->count; i++)
        if (!strcmp(t->list[i].who.id, id)) return &t->list[i];
    return NULL;
}

int session_make(const tokens *t, const char *id, int64_t now_s, char out[SESSION_CAP]) {
    char mac[65];
    const token *of = by_id(t, id);
    int64_t expiry = now_s + SESSION_SECONDS;
    if (!of) return NNS_E_NOT_FOUND;
    if (!session_mac(t, of, expiry, mac)) return NNS_E_IO;
    snprintf(out, SESSION_CAP, "%s.%lld.%s", id, (long long)expiry, mac);
    return 0;
}

bool session_check(const tokens *t, const char *cookie, size_t length, int64_t now_s,
                   identity *who) {
    char id[TOKEN_ID_LENGTH + 1], mac[65];
    int64_t expiry;
    if (length < TOKEN_ID_LENGTH + 2 + 64 || length >= SESSION_CAP ||
        cookie[TOKEN_ID_LENGTH] != '.')
        return false;
    size_t dot = length - 65;
    if (cookie[dot] != '.' || dot <= TOKEN_ID_LENGTH) return false;
    memcpy(id, cookie, TOKEN_ID_LENGTH);
    id[TOKEN_ID_LENGTH] = 0;
    if (!http_int(cookie + TOKEN_ID_LENGTH + 1, dot - TOKEN_ID_LENGTH - 1, &expiry)) return false;
    const token *of = by_id(t, id);
    if (!of || !session_mac(t, of, expiry, mac)) return false;
    if (CRYPTO_memcmp(mac, cookie + dot + 1, 64) != 0 || now_s >= expiry) return false;
    *who = of->who;
    who->session = true;
    return true;
}
