// Unit json.c checks that a text is JSON: facts given by a program are passed on as they are, and one bad
// value must not spoil the others. It keeps nothing and allocates nothing.
#include "json.h"

#include <string.h>

#define DEPTH_MAX 64

typedef struct cursor {
    const char *at, *end;
    int depth;
} cursor;

static bool value(cursor *c);

static void blanks(cursor *c) {
    while (c->at < c->end && memchr(" \t\r\n", *c->at, 4))
        c->at++;
}

static bool take(cursor *c, char wanted) {
    if (c->at == c->end || *c->at != wanted) return false;
    c->at++;
    return true;
}

static bool word(cursor *c, const char *text) {
    size_t n = strlen(text);
    if ((size_t)(c->end - c->at) < n || memcmp(c->at, text, n)) return false;
    c->at += n;
    return true;
}

static bool digits(cursor *c) {
    const char *from = c->at;
    while (c->at < c->end && *c->at >= '0' && *c->at <= '9')
        c->at++;
    return c->at > from;
}

static bool number(cursor *c) {
    take(c, '-');
    if (!take(c, '0') && !digits(c)) return false;
    if (take(c, '.') && !digits(c)) return false;
    if (!take(c, 'e') && !take(c, 'E')) return true;
    if (!take(c, '+')) take(c, '-');
    return digits(c);
}

static bool hex4(cursor *c) {
    for (int i = 0; i < 4; i++, c->at++)
        if (c->at == c->end || !*c->at || !strchr("0123456789abcdefABCDEF", *c->at)) return false;
    return true;
}

static bool string(cursor *c) {
    if (!take(c, '"')) return false;
    while (c->at < c->end && *c->at != '"') {
        if ((unsigned char)*c->at < 0x20) return false;
        if (*c->at++ != '\\') continue;
        if (c->at == c->end || !*c->at || !strchr("\"\\/bfnrtu", *c->at)) return false;
        if (*c->at++ == 'u' && !hex4(c)) return false;
    }
    return take(c, '"');
}

static bool member(cursor *c) {
    blanks(c);
    if (!string(c)) return false;
    blanks(c);
    return take(c, ':') && value(c);
}

// Items between `open` (taken already) and `close`.
static bool items(cursor *c, bool (*item)(cursor *), char close) {
    blanks(c);
    if (take(c, close)) return true;
    do {
        if (!item(c)) return false;
        blanks(c);
    } while (take(c, ','));
    return take(c, close);
}

static bool value(cursor *c) {
    blanks(c);
    if (c->at == c->end || c->depth >= DEPTH_MAX) return false;
    c->depth++;
    bool good;
    if (take(c, '{'))
        good = items(c, member, '}');
    else if (take(c, '['))
        good = items(c, value, ']');
    else if (*c->at == '"')
        good = string(c);
    else
        good = word(c, "true") || word(c, "false") || word(c, "null") || number(c);
    c->depth--;
    return good;
}

bool json_valid(const char *text, size_t bytes) {
    cursor c = {text, text + bytes, 0};
    if (!value(&c)) return false;
    blanks(&c);
    return c.at == c.end;
}
