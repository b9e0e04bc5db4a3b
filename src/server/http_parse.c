// Unit http_parse.c reads the texts of an HTTP request: hosts, origins, paths, credentials, cookies, lists.
// On the path: between libwebsockets, which splits a request into headers, and http.c and auth.c, which decide.
// Invariants: (1) nothing is read beyond `length`; (2) what is not wholly understood is refused; (3) nothing is
// decoded here: the percent signs of a path and a query are gone when they arrive, once.
#include "http_parse.h"

#include <arpa/inet.h>
#include <string.h>

static char lower(char c) {
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

// Case-blind.
static bool same_text(const char *a, const char *b, size_t length) {
    for (size_t i = 0; i < length; i++)
        if (lower(a[i]) != lower(b[i])) return false;
    return true;
}

// --- UTF-8, numbers ------------------------------------------------------------------------

// Length of the sequence at `s`, 0 when it is not valid (overlong, surrogate, cut off).
static size_t utf8_sequence(const unsigned char *s, size_t left) {
    if (s[0] < 0x80) return 1;
    size_t n = s[0] >= 0xf0 ? 4 : s[0] >= 0xe0 ? 3 : 2;
    if (s[0] < 0xc2 || s[0] > 0xf4 || n > left) return 0;
    for (size_t i = 1; i < n; i++)
        if ((s[i] & 0xc0) != 0x80) return 0;
    if (s[0] == 0xe0 && s[1] < 0xa0) return 0;
    if (s[0] == 0xed && s[1] > 0x9f) return 0;
    if (s[0] == 0xf0 && s[1] < 0x90) return 0;
    if (s[0] == 0xf4 && s[1] > 0x8f) return 0;
    return n;
}

bool http_utf8_valid(const char *text, size_t length) {
    const unsigned char *s = (const unsigned char *)text;
    for (size_t i = 0; i < length;) {
        size_t n = utf8_sequence(s + i, length - i);
        if (!n) return false;
        i += n;
    }
    return true;
}

bool http_int(const char *text, size_t length, int64_t *value) {
    bool negative = length && text[0] == '-';
    size_t at = negative ? 1 : 0;
    if (at == length || length > 20) return false;
    int64_t v = 0;
    for (; at < length; at++) {
        if (!is_digit(text[at])) return false;
        int digit = text[at] - '0';
        // Towards the negative, whose range is the larger.
        if (__builtin_mul_overflow(v, 10, &v) || __builtin_sub_overflow(v, digit, &v)) return false;
    }
    if (!negative && v == INT64_MIN) return false;
    *value = negative ? v : -v;
    return true;
}

// --- hosts ---------------------------------------------------------------------------------

static bool port_parse(const char *text, size_t length, int *port) {
    int64_t v;
    if (length == 0 || length > 5 || text[0] == '-') return false;
    if (!http_int(text, length, &v) || v < 1 || v > 65535) return false;
    *port = (int)v;
    return true;
}

static bool name_char(char c) {
    return (c >= 'a' && c <= 'z') || is_digit(c) || c == '-' || c == '.' || c == '_';
}

static bool literal_parse(const char *text, size_t length, http_host *host, size_t *used) {
    const char *end = memchr(text, ']', length);
    size_t n = end ? (size_t)(end - text) - 1 : 0;
    unsigned char address[16];
    if (!n || n >= sizeof host->name) return false;
    memcpy(host->name, text + 1, n);
    host->name[n] = 0;
    if (memchr(host->name, 0, n) || inet_pton(AF_INET6, host->name, address) != 1) return false;
    inet_ntop(AF_INET6, address, host->name, sizeof host->name);
    host->literal = true;
    *used = n + 2;
    return true;
}

static bool name_parse(const char *text, size_t length, http_host *host, size_t *used) {
    size_t n = 0;
    while (n < length && text[n] != ':')
        n++;
    if (n && text[n - 1] == '.') n--; // the root's dot
    if (!n || n >= sizeof host->name) return false;
    for (size_t i = 0; i < n; i++) {
        host->name[i] = lower(text[i]);
        if (!name_char(host->name[i])) return false;
    }
    host->name[n] = 0;
    unsigned char address[4];
    host->literal = inet_pton(AF_INET, host->name, address) == 1;
    *used = n + (n < length && text[n] == '.' ? 1 : 0);
    return true;
}

bool http_host_parse(const char *text, size_t length, http_host *host) {
    size_t used = 0;
    memset(host, 0, sizeof *host);
    host->port = -1;
    if (!length) return false;
    bool ok = text[0] == '[' ? literal_parse(text, length, host, &used)
                             : name_parse(text, length, host, &used);
    if (!ok) return false;
    if (used == length) return true;
    return text[used] == ':' && port_parse(text + used + 1, length - used - 1, &host->port);
}

bool http_host_loopback(const http_host *host) {
    if (!host->literal) {
        size_t n = strlen(host->name);
        return strcmp(host->name, "localhost") == 0 ||
               (n > 10 && strcmp(host->name + n - 10, ".localhost") == 0);
    }
    return strncmp(host->name, "127.", 4) == 0 || strcmp(host->name, "::1") == 0;
}

bool http_origin_parse(const char *text, size_t length, http_host *host, bool *secure) {
    *secure = length > 8 && same_text(text, "https://", 8);
    if (*secure) return http_host_parse(text + 8, length - 8, host);
    return length > 7 && same_text(text, "http://", 7) &&
           http_host_parse(text + 7, length - 7, host);
}

bool http_same_host(const http_host *host, const http_host *origin, bool secure_origin) {
    int usual = secure_origin ? 443 : 80;
    int a = host->port < 0 ? usual : host->port, b = origin->port < 0 ? usual : origin->port;
    return a == b && strcmp(host->name, origin->name) == 0;
}

// --- paths ---------------------------------------------------------------------------------

static bool segment_valid(const char *at, size_t length) {
    if (length == 1 && at[0] == '.') return false;
    if (length == 2 && at[0] == '.' && at[1] == '.') return false;
    for (size_t i = 0; i < length; i++)
        if ((unsigned char)at[i] < 0x20 || at[i] == 0x7f || at[i] == '\\') return false;
    return true;
}

bool http_path_valid(const char *path, size_t length) {
    if (!length || length > 1024 || path[0] != '/' || !http_utf8_valid(path, length)) return false;
    size_t begin = 1;
    for (size_t i = 1; i <= length; i++) {
        if (i < length && path[i] != '/') continue;
        if (i == begin && i < length) return false; // "//"
        if (!segment_valid(path + begin, i - begin)) return false;
        begin = i + 1;
    }
    return true;
}

int http_path_match(const char *pattern, const char *path, size_t length,
                    http_slice params[HTTP_PARAMS_MAX]) {
    int count = 0;
    size_t at = 0;
    while (*pattern) {
        if (*pattern != '{') {
            if (at == length || path[at] != *pattern) return -1;
            at++, pattern++;
            continue;
        }
        size_t begin = at;
        bool rest = strncmp(pattern, "{name}", 6) == 0; // names hold slashes
        while (at < length && (rest || path[at] != '/'))
            at++;
        if (at == begin || count == HTTP_PARAMS_MAX) return -1;
        params[count++] = (http_slice){path + begin, at - begin};
        pattern = strchr(pattern, '}') + 1;
    }
    return at == length ? count : -1;
}

// --- credentials ---------------------------------------------------------------------------

static http_slice trimmed(const char *at, size_t length) {
    while (length && (*at == ' ' || *at == '\t'))
        at++, length--;
    while (length && (at[length - 1] == ' ' || at[length - 1] == '\t'))
        length--;
    return (http_slice){at, length};
}

bool http_bearer(const char *text, size_t length, http_slice *credential) {
    http_slice all = trimmed(text, length);
    if (all.length < 8 || !same_text(all.at, "bearer ", 7)) return false;
    *credential = trimmed(all.at + 7, all.length - 7);
    for (size_t i = 0; i < credential->length; i++) {
        char c = credential->at[i];
        if (c <= ' ' || c > '~' || c == ',' || c == ';') return false;
    }
    return credential->length > 0;
}

bool http_cookie(const char *text, size_t length, const char *name, http_slice *value) {
    size_t name_length = strlen(name), at = 0;
    bool found = false;
    while (at < length) {
        const char *end = memchr(text + at, ';', length - at);
        size_t n = end ? (size_t)(end - text) - at : length - at;
        http_slice part = trimmed(text + at, n);
        if (part.length > name_length && part.at[name_length] == '=' &&
            memcmp(part.at, name, name_length) == 0) {
            if (found) return false;
            found = true;
            *value = (http_slice){part.at + name_length + 1, part.length - name_length - 1};
        }
        at += n + 1;
    }
    return found;
}

// --- lists ---------------------------------------------------------------------------------

static bool refused_by_q(const char *at, size_t length) {
    const char *semicolon = memchr(at, ';', length);
    if (!semicolon) return false;
    http_slice q = trimmed(semicolon + 1, length - (size_t)(semicolon + 1 - at));
    if (q.length < 3 || lower(q.at[0]) != 'q' || q.at[1] != '=') return false;
    for (size_t i = 2; i < q.length && q.at[i] != ';'; i++)
        if (q.at[i] >= '1' && q.at[i] <= '9') return false;
    return true;
}

// The next part of a list with commas, from *at on. False: there is none.
static bool next_item(const char *text, size_t length, size_t *at, http_slice *item) {
    if (*at >= length) return false;
    const char *end = memchr(text + *at, ',', length - *at);
    size_t n = end ? (size_t)(end - text) - *at : length - *at;
    *item = trimmed(text + *at, n);
    *at += n + 1;
    return true;
}

bool http_accepts(const char *text, size_t length, const char *item) {
    size_t item_length = strlen(item), at = 0;
    http_slice part;
    while (next_item(text, length, &at, &part)) {
        const char *semicolon = memchr(part.at, ';', part.length);
        http_slice word = trimmed(part.at, semicolon ? (size_t)(semicolon - part.at) : part.length);
        if (word.length == item_length && same_text(word.at, item, item_length))
            return !refused_by_q(part.at, part.length);
    }
    return false;
}

bool http_etag_match(const char *text, size_t length, const char *etag) {
    size_t etag_length = strlen(etag), at = 0;
    http_slice part;
    while (next_item(text, length, &at, &part)) {
        if (part.length == 1 && part.at[0] == '*') return true;
        if (part.length > 2 && part.at[0] == 'W' && part.at[1] == '/')
            part = (http_slice){part.at + 2, part.length - 2};
        if (part.length == etag_length && memcmp(part.at, etag, etag_length) == 0) return true;
    }
    return false;
}
