// Unit frame_text.c writes live points as JSON text, for event streams (curl, scripts). Same blocks as columns frames:
//
//     {"type": "points", "run": ID, "id": 0, "snapshot": true, "series": {NAME: {"raw", "ordinal", "end", "attempt", ...columns}}}
#include "points.h"

#include <string.h>

void frame_text_block(const char *name, uint32_t attempt, const store_columns *c, buf *out) {
    char *names[1] = {(char *)name};
    points_query p = {.names = names, .count = 1};
    size_t begin = out->length;
    points_json_series(&p, 0, c, out);
    if (out->failed || out->length == begin) return;
    out->length--; // the closing brace
    buf_print(out, ",\"ordinal\":%llu,\"end\":%llu,\"attempt_now\":%u}",
              (unsigned long long)c->ordinal, (unsigned long long)c->total, attempt);
}
