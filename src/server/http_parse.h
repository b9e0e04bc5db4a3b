// Parsers of what stands in HTTP requests: pure functions over text, no descriptor, no clock, no allocation.
// Input is whatever came; a `false` means that the request is to be refused.
#ifndef NNS_SERVER_HTTP_PARSE_H
#define NNS_SERVER_HTTP_PARSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HTTP_NAME_CAP 254

// The authority of a Host header or an Origin: a name (lower case, without the brackets of IPv6) and a port.
typedef struct http_host {
    char name[HTTP_NAME_CAP];
    int port;     // -1: none given
    bool literal; // an IP address, not a name
} http_host;

bool http_host_parse(const char *text, size_t length, http_host *host);
bool http_host_loopback(const http_host *host); // localhost, *.localhost, 127.0.0.0/8, ::1

// `scheme://authority` with scheme http or https; "null" and anything else is false.
bool http_origin_parse(const char *text, size_t length, http_host *host, bool *secure);

// The same authority; a missing port is the scheme's.
bool http_same_host(const http_host *host, const http_host *origin, bool secure_origin);

// A decoded path: begins with '/', printable UTF-8, no empty, "." or ".." segment (an empty last one is fine), no
// backslash, at most 1024 bytes.
bool http_path_valid(const char *path, size_t length);

// Matches "/api/v1/runs/{id}/points" against a path; the texts at {...} are pointed at. A {name} goes
// to the end of the path. Returns the number of
// parameters, or -1 without a match.
typedef struct http_slice {
    const char *at;
    size_t length;
} http_slice;
#define HTTP_PARAMS_MAX 2
int http_path_match(const char *pattern, const char *path, size_t length,
                    http_slice params[HTTP_PARAMS_MAX]);

// The credential of "Bearer CREDENTIAL"; the scheme's case does not matter.
bool http_bearer(const char *text, size_t length, http_slice *credential);

// The value of cookie `name` in a Cookie header; a name that comes twice is refused.
bool http_cookie(const char *text, size_t length, const char *name, http_slice *value);

// Whether a list such as Accept-Encoding or Accept names `item` (case-blind) without q=0.
bool http_accepts(const char *text, size_t length, const char *item);

// Whether If-None-Match names `etag` (with its quotes; weak ones match too) or is "*".
bool http_etag_match(const char *text, size_t length, const char *etag);

bool http_utf8_valid(const char *text, size_t length);
bool http_int(const char *text, size_t length, int64_t *value); // decimal, optional '-', whole text

#endif
