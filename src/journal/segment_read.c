// Unit segment_read.c reads segments: the only door through which ingest takes what a process
// recorded.
//
// 0       8       12             16    44        72     112           120           128      132
// +-------+-------+--------------+-----+---------+------+-------------+-------------+--------+----+
// | magic |version| header bytes | run | process | boot | i64 wall ns | i64 mono ns | number | crc|
// +-------+-------+--------------+-----+---------+------+-------------+-------------+--------+----+
//     run, process: 26 characters + 0, padded to 28; boot: 36 + 0, padded to 40
//     crc: CRC32C over 0..132; blocks (block.c) begin at `header bytes`, 136
//
// Invariants:
// 1. Files are read by pread and never mapped: one that is cut short meanwhile is an answer, not a
//    SIGBUS.
// 2. The offset moves over whole, good blocks only; asking again after NNS_E_AGAIN costs one small
//    read.
#include "segment.h"

#include "base/error.h"
#include "base/hash.h"
#include "base/le.h"
#include "block.h"
#include "segment_format.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { HEADER_READ_BYTES = 512 };

static int parse_known_version(const uint8_t *at, size_t bytes, segment_reader *r) {
    if (bytes < SEGMENT_HEADER_BYTES) return NNS_E_AGAIN;
    uint32_t header_bytes = le_u32(at + SEGMENT_AT_HEADER_BYTES);
    if (header_bytes != SEGMENT_HEADER_BYTES) return NNS_E_CORRUPT;
    if (hash_crc32c(0, at, SEGMENT_AT_CRC) != le_u32(at + SEGMENT_AT_CRC)) return NNS_E_CORRUPT;
    memcpy(r->run.text, at + SEGMENT_AT_RUN, sizeof r->run.text);
    memcpy(r->process.text, at + SEGMENT_AT_PROCESS, sizeof r->process.text);
    memcpy(r->boot, at + SEGMENT_AT_BOOT, sizeof r->boot);
    if (!id_valid(r->run.text) || !id_valid(r->process.text)) return NNS_E_CORRUPT;
    r->boot[sizeof r->boot - 1] = 0;
    r->anchor_wall_ns = le_i64(at + SEGMENT_AT_WALL);
    r->anchor_mono_ns = le_i64(at + SEGMENT_AT_MONO);
    r->offset = header_bytes;
    return 0;
}

int segment_parse_header(const uint8_t *at, size_t bytes, segment_reader *r) {
    size_t known = bytes < 8 ? bytes : 8;
    if (memcmp(at, SEGMENT_MAGIC, known) != 0) return NNS_E_CORRUPT;
    if (bytes < SEGMENT_AT_RUN) return NNS_E_AGAIN;
    r->version = le_u32(at + SEGMENT_AT_VERSION);
    if (r->version > SEGMENT_VERSION) return NNS_E_VERSION;
    return r->version == 0 ? NNS_E_CORRUPT : parse_known_version(at, bytes, r);
}

static int read_header(segment_reader *r) {
    uint8_t header[HEADER_READ_BYTES];
    struct stat st;
    if (fstat(r->fd, &st)) return error_from_errno(errno);
    if (!S_ISREG(st.st_mode)) return NNS_E_CORRUPT;
    int64_t n = file_pread(r->fd, header, sizeof header, 0);
    return n < 0 ? (int)n : segment_parse_header(header, (size_t)n, r);
}

int segment_open(segment_reader *r, const char *path) {
    *r = (segment_reader){0};
    r->fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
    if (r->fd < 0) return error_from_errno(errno);
    int result = read_header(r);
    if (result) segment_close(r);
    return result;
}

void segment_close(segment_reader *r) {
    if (r->fd >= 0) close(r->fd);
    r->fd = -1;
    buf_fini(&r->block);
}

int segment_next(segment_reader *r, segment_block *block) {
    int64_t n = block_read(r->fd, r->offset, &r->block, block);
    if (n == 0) return NNS_E_AGAIN;
    if (n < 0) return (int)n;
    r->offset += n;
    return 0;
}

int segment_skip(segment_reader *r) {
    int64_t offset = block_find(r->fd, r->offset, &r->block);
    if (offset < 0) return (int)offset;
    r->offset = offset;
    return 0;
}
