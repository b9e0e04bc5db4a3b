// Unit codec.c packs columns of numbers into a blob and back: what chunks, time columns and pyramid
// buckets are made of, on the writer's way to the database and on a reader's way from it.
//
//      0 u32 crc32c of all that follows      4 u8 version 1     5 u8 packed (0 as it is, 1 zstd)
//      6 u16 columns                         8 u32 rows        12 u32 bytes of the body unpacked
//     16 body, packed: the columns, one behind the other:
//         0 u8 class   1 u8 order   2 u8 width   3 u8 0      then by class:
//         CONST  8 bytes: the one value (f64 or i64)
//         INT    i64 first, i64 second - first, i64 base; `width` planes of rows - order bytes
//         F32    4 planes of rows bytes          F64    8 planes of rows bytes
//
// INT: differences of order 0, 1 or 2 (the one that spreads least), less their minimum `base`, low
// bytes first, each byte place a plane of its own. All arithmetic wraps, so any i64 survives.
// Floats: byte places as planes: sign and exponent pack well, the noise of a mantissa does not.
// Doubles go as INT when all are whole and below 2^53, as F32 when that is exact for all, else F64.
#include "codec.h"

#include "base/error.h"
#include "base/hash.h"
#include "base/le.h"
#include "base/mem.h"

#include <assert.h>
#include <math.h>
#include <stdbool.h>
#include <string.h>
#include <zstd.h>

enum { HEADER = 16, COLUMN = 4, VERSION = 1 };
enum { CONST_CLASS = 0, INT_CLASS = 1, F32_CLASS = 2, F64_CLASS = 3 };
#define WHOLE_LIMIT 9007199254740992.0 // 2^53

struct codec {
    ZSTD_CCtx *pack;
    ZSTD_DCtx *unpack;
    buf body;
    int64_t *whole; // doubles as integers
    uint64_t *rest; // differences
    uint32_t capacity;
};

codec *codec_new(void) {
    codec *c = mem_new(sizeof *c);
    if (!c) return NULL;
    c->pack = ZSTD_createCCtx();
    c->unpack = ZSTD_createDCtx();
    if (c->pack && c->unpack) return c;
    codec_free(c);
    return NULL;
}

void codec_free(codec *c) {
    if (!c) return;
    ZSTD_freeCCtx(c->pack);
    ZSTD_freeDCtx(c->unpack);
    buf_fini(&c->body);
    mem_free(c->whole);
    mem_free(c->rest);
    mem_free(c);
}

static int codec_reserve(codec *c, uint32_t rows) {
    if (rows <= c->capacity) return 0;
    uint32_t capacity = rows < 1024 ? 1024 : rows;
    int64_t *whole = mem_grow(c->whole, capacity, sizeof *whole);
    if (!whole) return NNS_E_NO_MEMORY;
    c->whole = whole;
    uint64_t *rest = mem_grow(c->rest, capacity, sizeof *rest);
    if (!rest) return NNS_E_NO_MEMORY;
    c->rest = rest;
    c->capacity = capacity;
    return 0;
}

// --- encoding ------------------------------------------------------------------------------

static uint64_t difference(const int64_t *x, uint32_t i, int order) {
    uint64_t at = (uint64_t)x[i];
    if (order == 0) return at;
    uint64_t before = (uint64_t)x[i - 1];
    if (order == 1) return at - before;
    return at - 2 * before + (uint64_t)x[i - 2];
}

// How far the differences of this order spread about their mean: what entropy coding pays for.
static double spread(const int64_t *x, uint32_t rows, int order) {
    double sum = 0, off = 0;
    uint32_t step = rows > 256 ? rows / 128 : 1, n = 0;
    for (uint32_t i = (uint32_t)order; i < rows; i += step, n++)
        sum += (double)(int64_t)difference(x, i, order);
    if (!n) return INFINITY;
    double mean = sum / n;
    for (uint32_t i = (uint32_t)order; i < rows; i += step)
        off += fabs((double)(int64_t)difference(x, i, order) - mean);
    return off / n;
}

static int best_order(const int64_t *x, uint32_t rows) {
    int best = 0;
    double least = spread(x, rows, 0);
    for (int order = 1; order <= 2 && rows > (uint32_t)order; order++) {
        double at = spread(x, rows, order);
        if (at < least) {
            least = at;
            best = order;
        }
    }
    return best;
}

static uint8_t width_of(uint64_t most) {
    uint8_t width = 0;
    for (; most; most >>= 8)
        width++;
    return width;
}

static void column_begin(buf *body, int kind, int order, int width) {
    uint8_t head[COLUMN] = {(uint8_t)kind, (uint8_t)order, (uint8_t)width, 0};
    buf_add(body, head, sizeof head);
}

static void encode_const(buf *body, uint64_t bits) {
    column_begin(body, CONST_CLASS, 0, 0);
    buf_u64(body, bits);
}

static void encode_planes(buf *body, const uint64_t *rest, uint32_t n, uint8_t width) {
    uint8_t *at = buf_room(body, (size_t)n * width);
    if (!at) return;
    body->length += (size_t)n * width;
    for (uint8_t plane = 0; plane < width; plane++, at += n)
        for (uint32_t i = 0; i < n; i++)
            at[i] = (uint8_t)(rest[i] >> (8 * plane));
}

static bool all_equal(const int64_t *x, uint32_t rows) {
    for (uint32_t i = 1; i < rows; i++)
        if (x[i] != x[0]) return false;
    return true;
}

// Differences into c->rest, less their least; -> the greatest that is left.
static uint64_t take_rest(codec *c, const int64_t *x, uint32_t rows, int order, int64_t *base) {
    uint32_t n = rows - (uint32_t)order;
    int64_t least = INT64_MAX;
    for (uint32_t i = 0; i < n; i++) {
        c->rest[i] = difference(x, i + (uint32_t)order, order);
        if ((int64_t)c->rest[i] < least) least = (int64_t)c->rest[i];
    }
    uint64_t most = 0;
    for (uint32_t i = 0; i < n; i++) {
        c->rest[i] -= (uint64_t)least;
        if (c->rest[i] > most) most = c->rest[i];
    }
    *base = least;
    return most;
}

static void encode_ints(codec *c, const int64_t *x, uint32_t rows, bool as_double) {
    if (all_equal(x, rows)) {
        double value = (double)x[0];
        uint64_t bits = (uint64_t)x[0];
        if (as_double) memcpy(&bits, &value, sizeof bits);
        encode_const(&c->body, bits);
        return;
    }
    int order = best_order(x, rows);
    int64_t base = 0;
    uint64_t most = take_rest(c, x, rows, order, &base);
    uint8_t width = width_of(most);
    column_begin(&c->body, INT_CLASS, order, width);
    buf_i64(&c->body, x[0]);
    buf_u64(&c->body, (uint64_t)x[1] - (uint64_t)x[0]);
    buf_i64(&c->body, base);
    encode_planes(&c->body, c->rest, rows - (uint32_t)order, width);
}

// Doubles that are all whole numbers, into c->whole; false when one is not (-0 is not).
static bool take_whole(codec *c, const double *x, uint32_t rows) {
    for (uint32_t i = 0; i < rows; i++) {
        if (!(x[i] > -WHOLE_LIMIT && x[i] < WHOLE_LIMIT)) return false;
        int64_t at = (int64_t)x[i];
        if ((double)at != x[i] || (at == 0 && signbit(x[i]))) return false;
        c->whole[i] = at;
    }
    return true;
}

static bool fits_f32(const double *x, uint32_t rows) {
    for (uint32_t i = 0; i < rows; i++)
        if ((double)(float)x[i] != x[i] && x[i] == x[i]) return false;
    return true;
}

static bool all_same_bits(const double *x, uint32_t rows) {
    if (x[0] != x[0]) {
        for (uint32_t i = 1; i < rows; i++)
            if (x[i] == x[i]) return false;
        return true;
    }
    for (uint32_t i = 1; i < rows; i++)
        if (memcmp(&x[i], &x[0], sizeof x[0])) return false;
    return true;
}

static uint32_t f32_bits(float v) {
    uint32_t bits;
    if (v != v) return 0x7FC00000u;
    memcpy(&bits, &v, sizeof bits);
    return bits;
}

static uint64_t f64_bits(double v) {
    uint64_t bits;
    if (v != v) return UINT64_C(0x7FF8000000000000);
    memcpy(&bits, &v, sizeof bits);
    return bits;
}

static void put_f32_planes(buf *body, const double *wide, const float *narrow, uint32_t rows) {
    column_begin(body, F32_CLASS, 0, 4);
    uint8_t *at = buf_room(body, (size_t)rows * 4);
    if (!at) return;
    body->length += (size_t)rows * 4;
    for (uint32_t i = 0; i < rows; i++) {
        uint32_t bits = f32_bits(wide ? (float)wide[i] : narrow[i]);
        at[i] = (uint8_t)bits;
        at[rows + i] = (uint8_t)(bits >> 8);
        at[2 * rows + i] = (uint8_t)(bits >> 16);
        at[3 * rows + i] = (uint8_t)(bits >> 24);
    }
}

static void encode_f64(codec *c, const double *x, uint32_t rows) {
    if (all_same_bits(x, rows)) {
        encode_const(&c->body, f64_bits(x[0]));
    } else if (take_whole(c, x, rows)) {
        encode_ints(c, c->whole, rows, true);
    } else if (fits_f32(x, rows)) {
        put_f32_planes(&c->body, x, NULL, rows);
    } else {
        for (uint32_t i = 0; i < rows; i++)
            c->rest[i] = f64_bits(x[i]);
        column_begin(&c->body, F64_CLASS, 0, 8);
        encode_planes(&c->body, c->rest, rows, 8);
    }
}

static int seal(codec *c, uint32_t count, uint32_t rows, buf *out) {
    if (c->body.failed) return NNS_E_NO_MEMORY;
    size_t bound = ZSTD_compressBound(c->body.length), begin = out->length;
    uint8_t *at = buf_room(out, HEADER + bound);
    if (!at) return NNS_E_NO_MEMORY;
    size_t packed = ZSTD_compressCCtx(c->pack, at + HEADER, bound, c->body.data, c->body.length, 1);
    bool stored = ZSTD_isError(packed) || packed >= c->body.length;
    if (stored) {
        packed = c->body.length;
        memcpy(at + HEADER, c->body.data, packed);
    }
    at[4] = VERSION;
    at[5] = stored ? 0 : 1;
    le_put_u16(at + 6, (uint16_t)count);
    le_put_u32(at + 8, rows);
    le_put_u32(at + 12, (uint32_t)c->body.length);
    le_put_u32(at, hash_crc32c(0, at + 4, HEADER - 4 + packed));
    out->length = begin + HEADER + packed;
    return 0;
}

int codec_encode(codec *c, const codec_column *columns, uint32_t count, uint32_t rows, buf *out) {
    assert(count > 0 && count <= CODEC_MAX_COLUMNS && rows > 0 && rows <= CODEC_MAX_ROWS);
    int result = codec_reserve(c, rows);
    if (result) return result;
    if (c->body.failed) buf_fini(&c->body);
    buf_clear(&c->body);
    for (uint32_t i = 0; i < count; i++) {
        const codec_column *column = &columns[i];
        if (column->type == CODEC_I64) encode_ints(c, column->data, rows, false);
        if (column->type == CODEC_F64) encode_f64(c, column->data, rows);
        if (column->type == CODEC_F32) put_f32_planes(&c->body, NULL, column->data, rows);
    }
    return seal(c, count, rows, out);
}

// --- decoding ------------------------------------------------------------------------------

int codec_rows(const void *blob, size_t bytes, uint32_t *rows) {
    const uint8_t *at = blob;
    if (bytes < HEADER || le_u32(at) != hash_crc32c(0, at + 4, bytes - 4)) return NNS_E_CORRUPT;
    if (at[4] > VERSION) return NNS_E_VERSION;
    uint32_t columns = le_u16(at + 6);
    *rows = le_u32(at + 8);
    if (*rows == 0 || *rows > CODEC_MAX_ROWS || columns == 0 || columns > CODEC_MAX_COLUMNS)
        return NNS_E_CORRUPT;
    if (le_u32(at + 12) > (size_t)columns * (*rows * (size_t)8 + COLUMN + 24)) return NNS_E_CORRUPT;
    return 0;
}

// The body unpacked: in place when it is stored, else in c->body.
static int open_body(codec *c, const uint8_t *blob, size_t bytes, const uint8_t **body) {
    size_t length = le_u32(blob + 12);
    if (blob[5] == 0) {
        *body = blob + HEADER;
        return bytes - HEADER == length ? 0 : NNS_E_CORRUPT;
    }
    if (c->body.failed) buf_fini(&c->body);
    buf_clear(&c->body);
    uint8_t *at = buf_room(&c->body, length);
    if (!at) return NNS_E_NO_MEMORY;
    size_t got = ZSTD_decompressDCtx(c->unpack, at, length, blob + HEADER, bytes - HEADER);
    *body = at;
    return ZSTD_isError(got) || got != length ? NNS_E_CORRUPT : 0;
}

static void decode_planes(uint64_t *rest, const uint8_t *at, uint32_t n, uint32_t width) {
    if (width == 0) memset(rest, 0, n * sizeof *rest);
    for (uint32_t plane = 0; plane < width; plane++, at += n)
        for (uint32_t i = 0; i < n; i++)
            rest[i] = (plane ? rest[i] : 0) | (uint64_t)at[i] << (8 * plane);
}

static void sum_ints(int64_t *out, const uint64_t *rest, uint32_t rows, int order, uint64_t first,
                     uint64_t second, uint64_t base) {
    uint64_t at = first, delta = second;
    if (order == 0) {
        for (uint32_t i = 0; i < rows; i++)
            out[i] = (int64_t)(rest[i] + base);
        return;
    }
    out[0] = (int64_t)first;
    uint32_t begin = 1;
    if (order == 2 && rows > 1) {
        out[1] = (int64_t)(at += delta);
        begin = 2;
    }
    for (uint32_t i = begin; i < rows; i++) {
        delta = order == 2 ? delta + rest[i - 2] + base : rest[i - 1] + base;
        out[i] = (int64_t)(at += delta);
    }
}

static int decode_ints(codec *c, const uint8_t *at, const uint8_t *end, int64_t *out, uint32_t rows,
                       const uint8_t **next) {
    uint32_t order = at[1], width = at[2];
    at += COLUMN;
    if (order > 2 || width > 8 || rows < order || end - at < 24) return NNS_E_CORRUPT;
    uint32_t n = rows - order;
    if ((size_t)(end - at) < 24 + (size_t)n * width) return NNS_E_CORRUPT;
    *next = at + 24 + (size_t)n * width;
    if (!out) return 0;
    decode_planes(c->rest, at + 24, n, width);
    sum_ints(out, c->rest, rows, (int)order, le_u64(at), le_u64(at + 8), le_u64(at + 16));
    return 0;
}

static void fill_const(const codec_column *column, uint64_t bits, uint32_t rows) {
    double value;
    memcpy(&value, &bits, sizeof value);
    for (uint32_t i = 0; i < rows; i++) {
        if (column->type == CODEC_I64) ((int64_t *)column->data)[i] = (int64_t)bits;
        if (column->type == CODEC_F64) ((double *)column->data)[i] = value;
        if (column->type == CODEC_F32) ((float *)column->data)[i] = (float)value;
    }
}

static void fill_f32(const codec_column *column, const uint8_t *at, uint32_t rows) {
    for (uint32_t i = 0; i < rows; i++) {
        uint32_t bits = at[i] | (uint32_t)at[rows + i] << 8 | (uint32_t)at[2 * rows + i] << 16 |
                        (uint32_t)at[3 * rows + i] << 24;
        float value;
        memcpy(&value, &bits, sizeof value);
        if (column->type == CODEC_F64) ((double *)column->data)[i] = (double)value;
        if (column->type == CODEC_F32) ((float *)column->data)[i] = value;
    }
}

static int decode_wholes(codec *c, const uint8_t *at, const uint8_t *end,
                         const codec_column *column, uint32_t rows, const uint8_t **next) {
    if (column->type == CODEC_I64) return decode_ints(c, at, end, column->data, rows, next);
    if (column->type != CODEC_F64) return NNS_E_CORRUPT;
    int result = decode_ints(c, at, end, column->data ? c->whole : NULL, rows, next);
    for (uint32_t i = 0; !result && column->data && i < rows; i++)
        ((double *)column->data)[i] = (double)c->whole[i];
    return result;
}

static int decode_column(codec *c, const uint8_t *at, const uint8_t *end,
                         const codec_column *column, uint32_t rows, const uint8_t **next) {
    if (end - at < COLUMN) return NNS_E_CORRUPT;
    size_t left = (size_t)(end - at) - COLUMN;
    int kind = at[0];
    if (kind == INT_CLASS) return decode_wholes(c, at, end, column, rows, next);
    size_t need = kind == CONST_CLASS ? 8 : (size_t)rows * (kind == F32_CLASS ? 4 : 8);
    if (kind > F64_CLASS || left < need) return NNS_E_CORRUPT;
    *next = at + COLUMN + need;
    if (kind == F32_CLASS && column->type == CODEC_I64) return NNS_E_CORRUPT;
    if (kind == F64_CLASS && column->type != CODEC_F64) return NNS_E_CORRUPT;
    if (!column->data) return 0;
    if (kind == CONST_CLASS) fill_const(column, le_u64(at + COLUMN), rows);
    if (kind == F32_CLASS) fill_f32(column, at + COLUMN, rows);
    if (kind == F64_CLASS) {
        decode_planes(c->rest, at + COLUMN, rows, 8);
        memcpy(column->data, c->rest, (size_t)rows * sizeof(double));
    }
    return 0;
}

int codec_decode(codec *c, const void *blob, size_t bytes, const codec_column *columns,
                 uint32_t count, uint32_t rows) {
    uint32_t have = 0;
    int result = codec_rows(blob, bytes, &have);
    if (result) return result;
    if (have != rows || le_u16((const uint8_t *)blob + 6) != count) return NNS_E_CORRUPT;
    if ((result = codec_reserve(c, rows))) return result;
    const uint8_t *body = NULL;
    if ((result = open_body(c, blob, bytes, &body))) return result;
    const uint8_t *end = body + le_u32((const uint8_t *)blob + 12);
    for (uint32_t i = 0; !result && i < count; i++)
        result = decode_column(c, body, end, &columns[i], rows, &body);
    return !result && body != end ? NNS_E_CORRUPT : result;
}
