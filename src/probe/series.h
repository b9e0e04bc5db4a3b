// Series by name: a table that any thread reads and adds to without a lock.
#ifndef NNS_PROBE_SERIES_H
#define NNS_PROBE_SERIES_H

#include "base/file.h"

#include <nnscope.h>

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SERIES_BUCKETS 4096u
#define SERIES_BLOCK_BYTES (64u << 10)

enum { SERIES_MAKING = 0, SERIES_MISSING = 1, SERIES_DECLARED = 2 };

typedef struct series_entry {
    struct series_entry *next; // in its bucket
    uint64_t hash;
    nns_series id;
    uint8_t kind, direction;
    _Atomic uint8_t state; // SERIES_MAKING ...: is its SERIES record in some lane
    uint8_t name_bytes, unit_bytes;
    char text[]; // name, 0, unit, 0
} series_entry;

// Memory for entries: taken front to back, never given back before nns_close.
typedef struct series_block {
    struct series_block *older;
    _Atomic size_t used;
    _Alignas(16) uint8_t bytes[SERIES_BLOCK_BYTES];
} series_block;

typedef struct series_table {
    _Atomic(series_entry *) *buckets;
    _Atomic(series_block *) block; // current
    _Atomic(series_block *) ready; // prepared by the helper
    _Atomic uint32_t count;
    _Atomic uint32_t undeclared;
} series_table;

int series_init(series_table *t);
void series_fini(series_table *t);

// The series, made and declared when new; 0: bad name, other kind, or no memory.
nns_series series_get(nns_run *run, const char *name, uint8_t kind, const char *unit,
                      nns_direction better);

// The name of a series, "" unknown. Any thread; looks through the whole table.
const char *series_name(series_table *t, nns_series id);

// Helper: declares what found no room before (all of them when `again`), prepares memory.
void series_tend(nns_run *run, bool again);

// A name that a person can read: UTF-8, no control characters, 1..255 bytes.
bool series_name_valid(const char *name, size_t bytes);

#endif
