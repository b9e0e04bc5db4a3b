// Unit assets.c finds and unpacks the files that the binary carries.
#include "assets.h"

#include <string.h>
#include <zlib.h>

const asset *asset_find(const char *path) {
    size_t low = 0, high = asset_count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        int order = strcmp(path, asset_table[middle].path);
        if (!order) return &asset_table[middle];
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return NULL;
}

static bool inflate_into(z_stream *z, buf *out) {
    int result = Z_OK;
    while (result == Z_OK) {
        uint8_t *room = buf_room(out, 65536);
        if (!room) return false;
        z->next_out = room;
        z->avail_out = 65536;
        result = inflate(z, Z_NO_FLUSH);
        out->length += 65536 - z->avail_out;
    }
    return result == Z_STREAM_END;
}

bool asset_plain(const asset *a, buf *out) {
    size_t bytes = (size_t)(a->end - a->data);
    if (!a->zipped) {
        buf_add(out, a->data, bytes);
        return !out->failed;
    }
    z_stream z = {.next_in = (Bytef *)(uintptr_t)a->data, .avail_in = (uInt)bytes};
    if (inflateInit2(&z, 15 + 16) != Z_OK) return false;
    bool ok = inflate_into(&z, out);
    inflateEnd(&z);
    return ok;
}
