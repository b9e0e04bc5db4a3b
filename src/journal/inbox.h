// The inbox: commands on their way into a process. PROC.inbox is written by the one server as
// blocks (block.c's, without a segment header; lane 0, sequence = offset of the records) and read
// by the helper thread.
#ifndef NNS_JOURNAL_INBOX_H
#define NNS_JOURNAL_INBOX_H

#include "base/buf.h"
#include "record.h"
#include "segment.h"

#include <stdbool.h>

typedef struct command_value {
    const char *name; // borrowed, not terminated
    size_t name_bytes;
    bool is_text;
    bool is_floats; // `text` holds float32 values, little-endian, at any alignment
    double number;
    const char *text;
    size_t text_bytes;
} command_value;

typedef struct command {
    uint32_t verb;
    uint64_t number;   // unique in the run, ascending
    int64_t argument;  // steps
    int64_t at_step;   // -1: at the next safe point
    const command_value *values;
    uint16_t count;    // at most COMMAND_VALUES_MAX
} command;

#define COMMAND_VALUES_MAX 64

// Appends the COMMAND record for `c` to `out`. NNS_E_TOO_LARGE.
int command_encode(const command *c, buf *out);

// Reads a COMMAND record that record_check passed; strings are borrowed from it. NNS_E_INVALID.
int command_decode(const void *at, command *c, command_value values[COMMAND_VALUES_MAX]);

// Server side.
typedef struct inbox_writer {
    int fd, bell;
    uint64_t sequence;
} inbox_writer;

// NNS_E_NOT_FOUND: the process has made no inbox (or took it away at its end).
int inbox_open_writer(inbox_writer *w, const char *folder, const char *process);
// Whole records, as one block: all of them arrive or none. Then rings the bell. NNS_E_INVALID,
// NNS_E_TOO_LARGE.
int inbox_append(inbox_writer *w, const void *records, size_t bytes);
void inbox_close_writer(inbox_writer *w);

// Process side: makes inbox and bell; reads from the end of what is there at open.
typedef struct inbox_reader {
    char folder[PATH_CAP];
    nns_id process;
    int fd, bell;
    int64_t offset;
    buf block;
} inbox_reader;

int inbox_open_reader(inbox_reader *r, const char *folder, const char *process);
int inbox_next(inbox_reader *r, segment_block *block); // NNS_E_AGAIN: nothing more
void inbox_close_reader(inbox_reader *r, bool unlink_files);

#endif
