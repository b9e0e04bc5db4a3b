// Snapshots as they are stored: captures whose sections are packed by zstd, and whose I8 codes may be differences from those of
// another snapshot. Pure functions over bytes.
#ifndef NNS_SERVER_RECODE_H
#define NNS_SERVER_RECODE_H

#include "base/buf.h"
#include "journal/capture.h"

typedef struct recode_bytes {
    const uint8_t *data;
    size_t length; // 0: none
} recode_bytes;

// Packs a capture as it came. With a base (another capture as it came) codes become differences where quantity, layer,
// tensor, item, scale and shape are the same there. 0, NNS_E_CORRUPT (not a whole capture, or packed already), NNS_E_NO_MEMORY.
int recode_pack(recode_bytes capture, recode_bytes base, buf *out);

// The capture as it came, appended. A difference needs its base, as it came: NNS_E_STATE without. NNS_E_CORRUPT.
int recode_unpack(recode_bytes stored, recode_bytes base, buf *out);

#endif
