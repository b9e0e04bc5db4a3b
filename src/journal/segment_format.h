// Inside of segments: the header that segment.c writes and segment_read.c parses.
#ifndef NNS_JOURNAL_SEGMENT_FORMAT_H
#define NNS_JOURNAL_SEGMENT_FORMAT_H

#define SEGMENT_MAGIC "NNSJRNL\n"

enum {
    SEGMENT_AT_VERSION = 8,
    SEGMENT_AT_HEADER_BYTES = 12,
    SEGMENT_AT_RUN = 16,
    SEGMENT_AT_PROCESS = 44,
    SEGMENT_AT_BOOT = 72,
    SEGMENT_AT_WALL = 112,
    SEGMENT_AT_MONO = 120,
    SEGMENT_AT_NUMBER = 128,
    SEGMENT_AT_CRC = 132,
    SEGMENT_HEADER_BYTES = 136,
};

#endif
