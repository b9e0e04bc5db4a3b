// Which tensors make a set.
#ifndef NNS_PROBE_ITEMS_H
#define NNS_PROBE_ITEMS_H

#include "capture.h"

// What the items need, for the governor.
typedef struct items_cost {
    uint64_t earlier_bytes, update_bytes, step_bytes, batch_bytes;
    uint32_t earlier_count, update_count, step_count;
} items_cost;

// Fills c->items with the tensors whose role is among `roles`. `held`: only what may be read in nns_step.
void items_build(nns_run *run, capturer *c, uint32_t roles, bool held, items_cost *cost);
// Of the batch at most `part` times as many rows as there are now, at least one: what a hold and the ring allow.
void items_limit_rows(network *n, capturer *c, double part);

// Is the item's tensor there, with the shape that the item has? What changed before anything was copied is taken in, rows too. False: not
// there (the item is done with, when nothing of it was copied); *broken: a copy of it has begun and cannot go on.
bool item_ready(network *n, item *i, bool *broken);

static inline bool item_whole(const item *i) {
    return i->done == i->elements && (!i->pair || i->earlier == i->elements);
}

// Does the program call nns_before_update, as far as the last steps tell?
bool items_update_used(nns_run *run, const capturer *c);

#endif
