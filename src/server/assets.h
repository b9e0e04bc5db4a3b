// The dashboard's files inside the binary: a table made by tools/embed, sorted by path.
#ifndef NNS_SERVER_ASSETS_H
#define NNS_SERVER_ASSETS_H

#include "base/buf.h"

#include <stdbool.h>
#include <stddef.h>

typedef struct asset {
    const char *path;         // "/app-1A2B3C4D.js"
    const char *type;
    const char *etag;         // with its quotes
    const unsigned char *data, *end; // borrowed for ever
    bool zipped;              // gzip; else as it is
    bool hashed;              // its name changes with its content: may be kept for ever
} asset;

extern const asset asset_table[];
extern const size_t asset_count;

const asset *asset_find(const char *path);      // NULL: none
bool asset_plain(const asset *a, buf *out);     // appends its content, unpacked

#endif
