// Unit idx.c reads IDX files, the form in which MNIST is given out:
//
//   offset  size  value
//   0       2     0 0
//   2       1     type: 8 is unsigned byte, the only one taken
//   3       1     number of dimensions D: 1 labels, 3 images
//   4       4 D   sizes, big-endian: count, then rows and columns of an image
//   4+4D    ...   items, the last dimension fastest; nothing may follow
//
// A file may be packed by gzip (its first two bytes are 1f 8b). Whatever is not exactly so is refused
// with the name of the file and the offset where it departs.
#include "idx.h"

#include "base/error.h"

#include <inttypes.h>
#include <string.h>
#include <zlib.h>

#define UNPACK_BYTES 262144

static bool packed(const uint8_t *bytes, size_t length) {
    return length >= 2 && bytes[0] == 0x1f && bytes[1] == 0x8b;
}

static int unpack_failed(const char *name, const z_stream *z, int status, why *w) {
    if (status == Z_MEM_ERROR) return why_set(w, NNS_E_NO_MEMORY, "%s: out of memory", name);
    const char *what = status == Z_BUF_ERROR || status == Z_OK
                           ? "the file ends inside its gzip data"
                       : z->msg ? z->msg
                                : "not gzip data";
    return why_set(w, NNS_E_CORRUPT, "%s: offset %lu: damaged gzip file (%s)", name, z->total_in,
                   what);
}

static int unpack_all(const char *name, z_stream *z, buf *out, why *w) {
    int status = Z_OK;
    while (status == Z_OK) {
        uint8_t *room = buf_room(out, UNPACK_BYTES);
        if (!room) return why_set(w, NNS_E_NO_MEMORY, "%s: out of memory", name);
        z->next_out = room;
        z->avail_out = UNPACK_BYTES;
        status = inflate(z, Z_NO_FLUSH);
        out->length += UNPACK_BYTES - z->avail_out;
        if (out->length > IDX_BYTES_CAP)
            return why_set(w, NNS_E_TOO_LARGE, "%s: offset %lu: unpacks to more than %zu bytes",
                           name, z->total_in, IDX_BYTES_CAP);
    }
    if (status != Z_STREAM_END) return unpack_failed(name, z, status, w);
    if (z->avail_in)
        return why_set(w, NNS_E_CORRUPT, "%s: offset %lu: %u bytes after the end of the gzip data",
                       name, z->total_in, z->avail_in);
    return 0;
}

int idx_unpack(const char *name, const uint8_t *bytes, size_t length, buf *out, why *w) {
    if (length > IDX_BYTES_CAP) return why_set(w, NNS_E_TOO_LARGE, "%s: too large", name);
    if (!packed(bytes, length)) {
        buf_add(out, bytes, length);
        return out->failed ? why_set(w, NNS_E_NO_MEMORY, "%s: out of memory", name) : 0;
    }
    z_stream z = {.next_in = (Bytef *)(uintptr_t)bytes, .avail_in = (uInt)length};
    if (inflateInit2(&z, 15 + 16) != Z_OK)
        return why_set(w, NNS_E_NO_MEMORY, "%s: out of memory", name);
    int result = unpack_all(name, &z, out, w);
    inflateEnd(&z);
    return result;
}

static uint32_t big_endian(const uint8_t *at) {
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

static int parse_magic(const char *name, const uint8_t *b, size_t length, int dimensions, why *w) {
    if (length < 4)
        return why_set(w, NNS_E_CORRUPT, "%s: offset %zu: the file ends inside its first 4 bytes",
                       name, length);
    if (b[0] || b[1])
        return why_set(w, NNS_E_CORRUPT, "%s: offset %d: not an IDX file (%02x where 00 must be)",
                       name, b[0] ? 0 : 1, b[0] ? b[0] : b[1]);
    if (b[2] != 8)
        return why_set(w, NNS_E_CORRUPT, "%s: offset 2: items of type %02x, must be 08 (bytes)",
                       name, b[2]);
    if (b[3] != dimensions)
        return why_set(w, NNS_E_CORRUPT, "%s: offset 3: %d dimensions, must be %d (%s)", name, b[3],
                       dimensions, dimensions == 1 ? "labels" : "images");
    return 0;
}

static int parse_sizes(const char *name, const uint8_t *b, size_t length, idx *out, why *w) {
    size_t end = 4 + 4 * (size_t)out->dimensions;
    if (length < end)
        return why_set(w, NNS_E_CORRUPT, "%s: offset %zu: the file ends inside its sizes", name,
                       length);
    out->count = big_endian(b + 4);
    out->rows = out->dimensions == 3 ? big_endian(b + 8) : 1;
    out->columns = out->dimensions == 3 ? big_endian(b + 12) : 1;
    uint64_t pixels = (uint64_t)out->rows * out->columns;
    if (!out->count) return why_set(w, NNS_E_CORRUPT, "%s: offset 4: no items", name);
    if (!pixels || pixels > IDX_PIXELS_CAP)
        return why_set(w, NNS_E_CORRUPT,
                       "%s: offset 8: images of %" PRIu32 " x %" PRIu32
                       " pixels, must be 1 to %d pixels",
                       name, out->rows, out->columns, IDX_PIXELS_CAP);
    return 0;
}

int idx_parse(const char *name, const uint8_t *bytes, size_t length, int dimensions, idx *out,
              why *w) {
    *out = (idx){.dimensions = dimensions};
    int result = parse_magic(name, bytes, length, dimensions, w);
    if (!result) result = parse_sizes(name, bytes, length, out, w);
    if (result) return result;
    size_t start = 4 + 4 * (size_t)dimensions;
    uint64_t need = (uint64_t)out->count * out->rows * out->columns;
    if (length - start < need)
        return why_set(w, NNS_E_CORRUPT,
                       "%s: offset %zu: the file ends, %" PRIu64
                       " bytes of items expected from offset %zu",
                       name, length, need, start);
    if (length - start > need)
        return why_set(w, NNS_E_CORRUPT,
                       "%s: offset %" PRIu64 ": %" PRIu64 " bytes after the last item", name,
                       start + need, length - start - need);
    out->items = bytes + start;
    return 0;
}
