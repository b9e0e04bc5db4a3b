// Inside of lanes and of the staging area: the shared file with a header and a data area mapped
// twice. See ring.c for the byte layout. Callers outside this folder use lane.h and stage.h.
#ifndef NNS_JOURNAL_RING_H
#define NNS_JOURNAL_RING_H

#include "lane.h"

// What a ring carries: the eight bytes that its file begins with.
#define RING_LANE "NNSLANE\n"
#define RING_STAGE "NNSSTGE\n"

// Makes the ring folder/name, or one in private memory when `folder` is NULL.
int ring_make(lane *l, const char *magic, const char *folder, const char *name, uint32_t number,
              uint32_t capacity);

// Copies what stands in the ring file into private memory, for reading.
int ring_open(lane *l, const char *magic, const char *path);

void ring_drop(lane *l, bool unlink_file);

// The word in the header that the staging area locks.
_Atomic uint32_t *ring_taken(const lane *l);

#endif
