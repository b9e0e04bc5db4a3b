// The keeper of snapshots from the inside: its thread, its cache, its files. keep.c takes them in, thin.c thins them.
#ifndef NNS_SERVER_KEEP_H
#define NNS_SERVER_KEEP_H

#include "network.h"
#include "recode.h"

#define SNAPSHOT_BYTES_STANDARD ((uint64_t)1 << 30)
enum { SNAPSHOTS_MAX = 20000, CHAIN_MAX = 15 };

typedef struct keeper keeper;

int keeper_open(core *c);
void keeper_close(core *c); // finishes what is queued
void keeper_free(core *c);  // when nobody reads any more
void keeper_submit(core *c, job *j);

// Names and files. Synced: a row never names what a power cut takes.
void snapshot_name(char out[65], const char *key, const char *rest, uint64_t number);
int snapshot_write(core *c, const char *hash, const buf *bytes);
uint64_t snapshot_cost(const store_snapshot *row); // of the disk: whole pages

// The capture as it came, by way of the cache. The result is borrowed until snapshot_drop.
typedef struct decoded decoded;
int snapshot_open(core *c, store_reader *reader, store_id run, const store_snapshot *row,
                  decoded **out);
// The nearest at or before the step. NNS_E_NOT_FOUND: there is none.
int snapshot_nearest(core *c, store_reader *reader, store_id run, int64_t step, decoded **out);
recode_bytes snapshot_bytes(const decoded *d);
void snapshot_drop(core *c, decoded *d);

// thin.c: keeper's thread, without the lock.
void thin_when_due(core *c, const char *key, store_id run);
typedef struct thin_row {
    store_snapshot s;
    bool gone, fresh_gone; // to go; since this sweep
    bool kept;             // by a person or the flight recorder, or just before such a one
    bool dropped;
} thin_row;
// Marks rows to go until `bytes` of the rest (and at most `count` of them) are left. Pure. -> how many
size_t thin_plan(thin_row *rows, size_t n, uint64_t bytes, size_t count);

#endif
