// Unit block.c frames records in files: one block is what one system call appends to a segment or
// an inbox.
//
//     0         4       8          16      20      24
//     +---------+-------+----------+-------+-------+----------------------+
//     | "NBLK"  | lane  | first    | bytes | crc   | records, `bytes`     |
//     +---------+-------+----------+-------+-------+----------------------+
//
//     first   sequence of the first record byte in its lane
//     bytes   a multiple of 8, at least 16
//     crc     CRC32C over bytes 0..20 and the records
//
// Invariants:
// 1. A block is accepted whole or not at all: magic, length, checksum and every record in it.
// 2. A block holds whole records only: at most SEGMENT_BLOCK_BYTES, or one single larger record.
#include "block.h"

#include "base/error.h"
#include "base/hash.h"
#include "base/le.h"

#include <errno.h>
#include <string.h>
#include <sys/uio.h>

enum { MAGIC_BYTES = 4, CRC_AT = 20 };

static const char magic[MAGIC_BYTES] = {'N', 'B', 'L', 'K'};

static uint32_t checksum(const uint8_t *header, const void *records, size_t bytes) {
    return hash_crc32c(hash_crc32c(0, header, CRC_AT), records, bytes);
}

static void encode_header(uint8_t at[BLOCK_HEADER_BYTES], uint32_t lane, uint64_t first,
                          const void *records, size_t bytes) {
    memcpy(at, magic, MAGIC_BYTES);
    le_put_u32(at + 4, lane);
    le_put_u64(at + 8, first);
    le_put_u32(at + 16, (uint32_t)bytes);
    le_put_u32(at + CRC_AT, checksum(at, records, bytes));
}

// Drops `done` bytes from the front of the two pieces.
static void advance(struct iovec piece[2], size_t done) {
    for (int i = 0; i < 2; i++) {
        size_t n = done < piece[i].iov_len ? done : piece[i].iov_len;
        piece[i].iov_base = (uint8_t *)piece[i].iov_base + n;
        piece[i].iov_len -= n;
        done -= n;
    }
}

int block_write(int fd, int64_t offset, uint32_t lane, uint64_t first, const void *records,
                size_t bytes) {
    uint8_t header[BLOCK_HEADER_BYTES];
    encode_header(header, lane, first, records, bytes);
    struct iovec piece[2] = {{header, sizeof header}, {(void *)(uintptr_t)records, bytes}};
    size_t left = sizeof header + bytes;
    while (left) {
        ssize_t n = pwritev(fd, piece, 2, offset);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) return n < 0 ? error_from_errno(errno) : NNS_E_IO;
        advance(piece, (size_t)n);
        offset += n;
        left -= (size_t)n;
    }
    return 0;
}

static bool all_records_well_formed(const uint8_t *at, size_t bytes) {
    while (bytes) {
        size_t n = record_check(at, bytes);
        if (n == 0) return false;
        at += n;
        bytes -= n;
    }
    return true;
}

// The length that a header claims, or NNS_E_CORRUPT.
static int64_t payload_bytes(const uint8_t *header) {
    uint32_t bytes = le_u32(header + 16);
    if (memcmp(header, magic, MAGIC_BYTES) != 0) return NNS_E_CORRUPT;
    if (bytes < 16 || bytes % 8 || bytes > BLOCK_PAYLOAD_MAX) return NNS_E_CORRUPT;
    return bytes;
}

int64_t segment_parse_block(const uint8_t *at, size_t bytes, segment_block *block) {
    if (bytes < BLOCK_HEADER_BYTES) return 0;
    int64_t payload = payload_bytes(at);
    if (payload < 0) return payload;
    if (bytes - BLOCK_HEADER_BYTES < (size_t)payload) return 0;
    const uint8_t *records = at + BLOCK_HEADER_BYTES;
    if (checksum(at, records, (size_t)payload) != le_u32(at + CRC_AT)) return NNS_E_CORRUPT;
    if (!all_records_well_formed(records, (size_t)payload)) return NNS_E_CORRUPT;
    *block = (segment_block){le_u32(at + 4), le_u64(at + 8), records, (size_t)payload};
    return BLOCK_HEADER_BYTES + payload;
}

// Fills `memory` with up to `bytes` from `offset` on. Bytes there, or a code.
static int64_t fill(int fd, int64_t offset, buf *memory, size_t bytes) {
    buf_clear(memory);
    uint8_t *room = buf_room(memory, bytes);
    if (!room) return NNS_E_NO_MEMORY;
    int64_t n = file_pread(fd, room, bytes, offset);
    if (n > 0) memory->length = (size_t)n;
    return n;
}

int64_t block_read(int fd, int64_t offset, buf *memory, segment_block *block) {
    uint8_t header[BLOCK_HEADER_BYTES];
    int64_t n = file_pread(fd, header, sizeof header, offset);
    if (n < (int64_t)sizeof header) return n < 0 ? n : 0;
    int64_t payload = payload_bytes(header);
    if (payload < 0) return payload;
    n = fill(fd, offset, memory, BLOCK_HEADER_BYTES + (size_t)payload);
    return n < 0 ? n : segment_parse_block(memory->data, memory->length, block);
}

// The next magic in [offset, end of file), or a code.
static int64_t find_magic(int fd, int64_t offset) {
    uint8_t part[8192];
    for (;;) {
        int64_t n = file_pread(fd, part, sizeof part, offset);
        if (n < (int64_t)MAGIC_BYTES) return n < 0 ? n : NNS_E_NOT_FOUND;
        for (int64_t i = 0; i + MAGIC_BYTES <= n; i += 8)
            if (memcmp(part + i, magic, MAGIC_BYTES) == 0) return offset + i;
        if (n < (int64_t)sizeof part) return NNS_E_NOT_FOUND;
        offset += n;
    }
}

int64_t block_find(int fd, int64_t offset, buf *memory) {
    for (;;) {
        segment_block block;
        offset = find_magic(fd, offset + 8);
        if (offset < 0) return offset;
        int64_t n = block_read(fd, offset, memory, &block);
        if (n > 0) return offset;
        if (n < 0 && n != NNS_E_CORRUPT) return n;
    }
}
