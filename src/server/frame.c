// Unit frame.c writes columns frames: the header and the blocks that frame.h draws. Last hop of a point
// before the socket. It holds no state: bytes go into a buf.
//
// Invariant: every block is a multiple of 8 bytes and starts at a multiple of 8 from the frame's start,
// so that a browser makes typed arrays over the columns in place.
#include "frame.h"

#include "base/le.h"

#include <assert.h>
#include <string.h>

enum { HEADER_BYTES = 48, BLOCK_BYTES = 48 };

size_t frame_begin(buf *out, int kind, uint32_t id, const char *run) {
    size_t begin = out->length;
    uint8_t *at = buf_room(out, HEADER_BYTES);
    if (!at) return begin;
    memset(at, 0, HEADER_BYTES);
    le_put_u32(at, FRAME_MAGIC);
    le_put_u16(at + 4, (uint16_t)kind);
    le_put_u32(at + 8, id);
    memcpy(at + 16, run, strnlen(run, 26));
    out->length += HEADER_BYTES;
    return begin;
}

// A column of doubles from integers, less `origin`.
static void put_integers(buf *out, const int64_t *values, size_t rows, double origin) {
    uint8_t *at = buf_room(out, rows * 8);
    if (!at) return;
    for (size_t i = 0; i < rows; i++)
        le_put_f64(at + i * 8, (double)values[i] - origin);
    out->length += rows * 8;
}

static void put_column(buf *out, const void *values, size_t bytes) {
    buf_add(out, values, bytes);
    if (bytes % 8) buf_zero(out, 8 - bytes % 8);
}

static void put_columns(buf *out, const store_columns *c, double origin) {
    put_integers(out, c->step, c->rows, 0);
    if (!c->raw) put_integers(out, c->step_last, c->rows, 0);
    put_integers(out, c->time_ms, c->rows, origin);
    if (c->raw) {
        put_column(out, c->value, c->rows * 8);
        return;
    }
    put_column(out, c->min, c->rows * 4);
    put_column(out, c->max, c->rows * 4);
    put_column(out, c->mean, c->rows * 4);
    put_column(out, c->last, c->rows * 4);
    put_column(out, c->count, c->rows * 4);
    put_column(out, c->nonfinite, c->rows * 4);
}

void frame_block(buf *out, const char *series, uint32_t attempt, uint64_t end_ordinal,
                 const store_columns *c, bool gap) {
    size_t begin = out->length, name = strlen(series);
    double origin = c->rows ? (double)c->time_ms[0] : 0;
    uint8_t *at = buf_room(out, BLOCK_BYTES);
    if (!at) return;
    memset(at, 0, BLOCK_BYTES);
    le_put_u16(at + 4, (uint16_t)((c->raw ? FRAME_RAW : 0) | (gap ? FRAME_GAP : 0)));
    le_put_u16(at + 6, (uint16_t)name);
    le_put_u32(at + 8, (uint32_t)c->rows);
    le_put_u32(at + 12, attempt);
    le_put_u64(at + 16, c->ordinal);
    le_put_u64(at + 24, end_ordinal);
    le_put_f64(at + 32, c->raw ? 0 : (double)c->bucket_width);
    le_put_f64(at + 40, origin);
    out->length += BLOCK_BYTES;
    put_column(out, series, name);
    put_columns(out, c, origin);
    if (out->failed) return;
    assert((out->length - begin) % 8 == 0);
    le_put_u32(out->data + begin, (uint32_t)(out->length - begin));
}

void frame_block_unknown(buf *out, const char *series) {
    store_columns none = {.raw = true};
    size_t begin = out->length;
    frame_block(out, series, 0, 0, &none, false);
    if (!out->failed) le_put_u16(out->data + begin + 4, FRAME_RAW | FRAME_UNKNOWN);
}

void frame_end(buf *out, size_t begin, uint32_t blocks) {
    if (out->failed) return;
    assert(out->length >= begin + HEADER_BYTES);
    le_put_u32(out->data + begin + 12, blocks);
}
