// Segments: append-only journal files with one writer, and their reader. See block.c and
// segment_read.c for the byte layout: a header (format version, run, process, boot, wall-clock
// anchor), then blocks (lane, sequence of the first byte in that lane, length, CRC32C) of whole
// records.
#ifndef NNS_JOURNAL_SEGMENT_H
#define NNS_JOURNAL_SEGMENT_H

#include "base/buf.h"
#include "base/file.h"
#include "base/id.h"
#include "record.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#ifdef NNS_HARD
#define SEGMENT_BYTES 4096u
#define SEGMENT_BLOCK_BYTES 256u
#else
#define SEGMENT_BYTES (16u << 20)        // a writer goes to the next segment above this
#define SEGMENT_BLOCK_BYTES (256u << 10) // payload of a block at most (one record may be larger)
#endif
#define SEGMENT_VERSION 1
#define SEGMENT_RETIRED_MAX 16 // finished segments that wait for segment_sync

typedef struct segment_writer {
    char folder[PATH_CAP]; // the run's directory
    nns_id run, process;
    pthread_mutex_t lock;  // of fd and retired, between segment_append and segment_sync
    int fd;                // -1: none open
    uint32_t number;       // of the open segment, or of the last
    uint64_t bytes;        // written to it
    int retired[SEGMENT_RETIRED_MAX]; // finished ones that are not synced yet
    int retired_count;
    uint64_t done;         // bytes of the last segment_append that were written
    _Atomic uint64_t failed_bytes; // payload that could not be written, in all; any thread may look
} segment_writer;

// Prepares; opens nothing. The next segment gets the number after the highest present.
int segment_writer_init(segment_writer *w, const char *folder, const char *run,
                        const char *process);

// Appends records of `lane` whose first byte has sequence `first` as one or more blocks, cut at
// record borders. A failed write is cut off again (ftruncate); nothing is half written. After a
// failure w->done bytes are written, the others counted in failed_bytes, each time; the next call
// tries again, in a new segment where needed. A caller that repeats a range does no harm: readers
// skip sequences that they have. NNS_E_CORRUPT: a record is not well-formed; what stands before it
// was written.
int segment_append(segment_writer *w, uint32_t lane, uint64_t first, const void *records,
                   size_t bytes);

// fdatasync of the open segment and of those finished since the last call; may run in another
// thread than segment_append and does not hold it up.
int segment_sync(segment_writer *w);
void segment_writer_fini(segment_writer *w); // closes, without a sync

// A reader of one segment file.
typedef struct segment_reader {
    int fd;
    uint32_t version;
    nns_id run, process;
    char boot[40];
    int64_t anchor_wall_ns, anchor_mono_ns; // one moment on both clocks, at the segment's start
    int64_t offset;                         // of the next block
    buf block;                              // the block last read
} segment_reader;

typedef struct segment_block {
    uint32_t lane;
    uint64_t first;         // sequence of the first byte
    const uint8_t *records; // borrowed until the next call
    size_t bytes;
} segment_block;

// NNS_E_AGAIN: header not whole yet. NNS_E_VERSION: newer than this program. NNS_E_CORRUPT.
int segment_open(segment_reader *r, const char *path);
void segment_close(segment_reader *r);

// The next whole block. NNS_E_AGAIN: nothing whole there yet (r->offset unchanged). NNS_E_CORRUPT:
// what stands there is damaged (bad magic, length or checksum; at the end of the newest segment the
// caller takes it as "not yet", elsewhere as "torn": skip the rest). Records inside are already
// checked with record_check.
int segment_next(segment_reader *r, segment_block *block);

// After segment_next gave NNS_E_CORRUPT or NNS_E_AGAIN in a segment that nobody writes any more: goes
// on at the next whole block. NNS_E_NOT_FOUND: there is none, the rest is torn.
int segment_skip(segment_reader *r);

// Numbers of the segments of `process` in `folder`, ascending; *count of them in an owned array
// (mem_free).
int segment_list(const char *folder, const char *process, uint32_t **numbers, size_t *count);
int segment_path(char out[PATH_CAP], const char *folder, const char *process, uint32_t number);

// Pure parser of one block, for the reader and the fuzz target: bytes consumed, 0 when not whole,
// or a code.
int64_t segment_parse_block(const uint8_t *at, size_t bytes, segment_block *block);

// Pure parser of a segment's header; fills version, run, process, boot, anchors and offset. 0,
// NNS_E_AGAIN when not whole, NNS_E_VERSION, NNS_E_CORRUPT.
int segment_parse_header(const uint8_t *at, size_t bytes, segment_reader *r);

#endif
