// Inside of segments and inboxes: one block of records, as it stands in a file. See block.c for the
// layout.
#ifndef NNS_JOURNAL_BLOCK_H
#define NNS_JOURNAL_BLOCK_H

#include "segment.h"

#define BLOCK_HEADER_BYTES 24u
#define BLOCK_PAYLOAD_MAX                                                                          \
    (SEGMENT_BLOCK_BYTES > RECORD_MAX_BYTES ? SEGMENT_BLOCK_BYTES : RECORD_MAX_BYTES)

// Writes a block at `offset` of `fd`, in one system call as a rule. On failure the file may hold a
// part.
int block_write(int fd, int64_t offset, uint32_t lane, uint64_t first, const void *records,
                size_t bytes);

// Reads the block at `offset` into `memory` (borrowed by `block`). Bytes consumed, 0 when there is
// nothing whole yet, or a code (NNS_E_CORRUPT).
int64_t block_read(int fd, int64_t offset, buf *memory, segment_block *block);

// The offset of the first whole block behind `offset`, at a multiple of 8 from it: what damage left
// of a file. NNS_E_NOT_FOUND, or a code. Reads to the end of the file.
int64_t block_find(int fd, int64_t offset, buf *memory);

#endif
