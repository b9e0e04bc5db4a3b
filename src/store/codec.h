// The codec: columns of integers and floats to a small checked blob and back. No descriptor, no clock.
#ifndef NNS_STORE_CODEC_H
#define NNS_STORE_CODEC_H

#include "base/buf.h"

#include <stddef.h>
#include <stdint.h>

#define CODEC_MAX_ROWS 65536u
#define CODEC_MAX_COLUMNS 16u

typedef enum codec_type { CODEC_I64, CODEC_F64, CODEC_F32 } codec_type;

typedef struct codec_column {
    codec_type type;
    void *data; // rows values of the type: read by encode, filled by decode; decode: NULL skips
} codec_column;

typedef struct codec codec; // scratch memory and zstd contexts; one thread at a time

codec *codec_new(void); // NULL: out of memory
void codec_free(codec *c);

// Appends one blob to `out`. A NaN comes back as a NaN (its payload is not kept); all else is exact.
// NNS_E_NO_MEMORY. About 10 ns a value.
int codec_encode(codec *c, const codec_column *columns, uint32_t count, uint32_t rows, buf *out);

// Rows of the blob: checks header and checksum. NNS_E_CORRUPT, NNS_E_VERSION.
int codec_rows(const void *blob, size_t bytes, uint32_t *rows);

// Fills `count` columns of `rows` rows each; both must be what the blob holds, else NNS_E_CORRUPT.
int codec_decode(codec *c, const void *blob, size_t bytes, const codec_column *columns,
                 uint32_t count, uint32_t rows);

#endif
