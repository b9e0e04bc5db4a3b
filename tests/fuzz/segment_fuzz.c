// Unit segment_fuzz.c fuzzes the parsers of a segment: its header, then its blocks. The input is
// parsed as it is, and once more with its checksums set right, so that what lies behind them is
// reached.
#include "journal/segment.h"

#include "base/hash.h"
#include "base/le.h"
#include "journal/block.h"
#include "journal/segment_format.h"

#include <stdlib.h>
#include <string.h>

static void check_block(const segment_block *block, const uint8_t *at, int64_t taken, size_t left) {
    if (taken < (int64_t)BLOCK_HEADER_BYTES + 16 || (size_t)taken > left) abort();
    if (block->records < at || block->records + block->bytes > at + taken) abort();
    for (size_t i = 0, n; i < block->bytes; i += n) {
        n = record_check(block->records + i, block->bytes - i);
        if (n == 0) abort();
    }
}

static void parse(const uint8_t *at, size_t size) {
    segment_reader r = {0};
    if (segment_parse_header(at, size, &r)) return;
    if (!id_valid(r.run.text) || !id_valid(r.process.text)) abort();
    if (memchr(r.boot, 0, sizeof r.boot) == NULL || (size_t)r.offset > size) abort();
    at += r.offset;
    size -= (size_t)r.offset;
    for (;;) {
        segment_block block;
        int64_t taken = segment_parse_block(at, size, &block);
        if (taken <= 0) break;
        check_block(&block, at, taken, size);
        at += taken;
        size -= (size_t)taken;
    }
}

static void set_checksums(uint8_t *at, size_t size) {
    if (size < SEGMENT_HEADER_BYTES) return;
    le_put_u32(at + SEGMENT_AT_CRC, hash_crc32c(0, at, SEGMENT_AT_CRC));
    at += SEGMENT_HEADER_BYTES;
    size -= SEGMENT_HEADER_BYTES;
    while (size >= BLOCK_HEADER_BYTES && le_u32(at + 16) <= size - BLOCK_HEADER_BYTES) {
        size_t bytes = le_u32(at + 16);
        uint32_t crc = hash_crc32c(0, at, 20);
        le_put_u32(at + 20, hash_crc32c(crc, at + BLOCK_HEADER_BYTES, bytes));
        at += BLOCK_HEADER_BYTES + bytes;
        size -= BLOCK_HEADER_BYTES + bytes;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    parse(data, size);
    uint8_t *copy = malloc(size ? size : 1);
    if (!copy) return 0;
    memcpy(copy, data, size);
    set_checksums(copy, size);
    parse(copy, size);
    free(copy);
    return 0;
}
