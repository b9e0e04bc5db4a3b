// Fuzzes what reads the texts of a request: the first byte chooses the parser, the rest is its input.
#include "server/http_parse.h"

#include <stdlib.h>
#include <string.h>

// What a parser points at must lie inside its input.
static void inside(const char *text, size_t length, http_slice s) {
    if (s.length && (s.at < text || s.at + s.length > text + length)) abort();
}

static void path(const char *text, size_t length) {
    http_slice params[HTTP_PARAMS_MAX] = {0};
    bool valid = http_path_valid(text, length);
    int count = http_path_match("/api/v1/runs/{id}/blobs/{hash}", text, length, params);
    for (int i = 0; i < count; i++) {
        inside(text, length, params[i]);
        if (!params[i].length || memchr(params[i].at, '/', params[i].length)) abort();
        if (valid && params[i].length == 2 && !memcmp(params[i].at, "..", 2)) abort();
    }
}

static void host(const char *text, size_t length) {
    http_host h;
    if (http_host_parse(text, length, &h) &&
        (!h.name[0] || h.port > 65535 || strlen(h.name) >= HTTP_NAME_CAP))
        abort();
    bool secure;
    if (http_origin_parse(text, length, &h, &secure) && !http_same_host(&h, &h, secure)) abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    http_slice found = {0};
    int64_t number;
    if (!size) return 0;
    char *text = malloc(size); // exactly as long as the input: one byte beyond is seen
    size_t length = size - 1;
    memcpy(text, data + 1, length);
    switch (data[0] % 8) {
    case 0:
        path(text, length);
        break;
    case 1:
        host(text, length);
        break;
    case 2:
        if (http_bearer(text, length, &found)) inside(text, length, found);
        break;
    case 3:
        if (http_cookie(text, length, "nnscope_7676", &found)) inside(text, length, found);
        break;
    case 4:
        http_accepts(text, length, "text/csv");
        break;
    case 5:
        http_etag_match(text, length, "\"0123456789abcdef\"");
        break;
    case 6:
        http_int(text, length, &number);
        break;
    default:
        http_utf8_valid(text, length);
        break;
    }
    free(text);
    return 0;
}
