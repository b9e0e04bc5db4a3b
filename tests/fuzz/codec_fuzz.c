// Chunk and pyramid blobs from a damaged or hostile store: any bytes are decoded or refused. The checksum is made
// right first, so that the fuzzer reaches what lies behind it.
#include "store/codec.h"
#include "store/pyramid.h"

#include "base/hash.h"
#include "base/le.h"

#include <stdlib.h>
#include <string.h>

static codec *shared;
static int64_t ints[CODEC_MAX_ROWS], times[CODEC_MAX_ROWS];
static double values[CODEC_MAX_ROWS];

static void decode_all(const uint8_t *blob, size_t bytes) {
    uint32_t rows = 0;
    if (codec_rows(blob, bytes, &rows)) return;
    codec_column chunk[] = {{CODEC_F64, values}, {CODEC_I64, ints}, {CODEC_I64, times}};
    codec_column axis[] = {{CODEC_I64, ints}, {CODEC_I64, times}};
    codec_column skipped[] = {{CODEC_F64, NULL}, {CODEC_I64, NULL}, {CODEC_F32, NULL}};
    codec_decode(shared, blob, bytes, chunk, 1, rows);
    codec_decode(shared, blob, bytes, chunk, 3, rows);
    codec_decode(shared, blob, bytes, axis, 2, rows);
    codec_decode(shared, blob, bytes, skipped, 3, rows);
    bucket buckets[PYRAMID_BLOB];
    pyramid_decode(shared, blob, bytes, buckets, &rows);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes) {
    if (!shared && !(shared = codec_new())) return 0;
    decode_all(data, bytes);
    if (bytes < 8) return 0;
    uint8_t *right = malloc(bytes);
    if (!right) return 0;
    memcpy(right, data, bytes);
    le_put_u32(right, hash_crc32c(0, right + 4, bytes - 4));
    decode_all(right, bytes);
    free(right);
    return 0;
}
