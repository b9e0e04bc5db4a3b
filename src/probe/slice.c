// Unit slice.c copies one tensor, whole or in slices, from the program's memory into the ring.
//
// The copy is a dense block: of a dense tensor the memory as it is, else gathered row by row. Slices are cut where the
// budget of the moment or COPY_SLICE_BYTES_MAX say; a quarter of the ring is the most, so that the worker reads while
// the trainer writes.
#include "capture.h"

#include <string.h>

static form form_of_item(const tensor *t, const item *i) {
    form f = t->form;
    if (t->batch && i->rows < f.shape[0]) f.shape[0] = i->rows;
    return f;
}

static void describe(copy *entry, const slice *s, const form *f, const capture_set *set) {
    entry->kind = COPY_TENSOR;
    entry->flags = s->flags;
    entry->why = set->why;
    entry->set = set->number;
    entry->tensor = s->item->tensor;
    entry->step = entry->last_step = s->step;
    entry->time_ns = s->time_ns;
    entry->elements = s->item->elements;
    entry->dtype = s->t->dtype;
    entry->dims = f->dims;
    entry->layer = s->t->layer;
    for (int i = 0; i < FORM_DIMS; i++) {
        entry->shape[i] = (uint32_t)f->shape[i];
        entry->strides[i] = f->strides[i];
    }
}

static void fill(copy *entry, const slice *s, const form *source, uint64_t first, uint64_t count) {
    const uint8_t *data = (const uint8_t *)atomic_load_explicit(&s->t->data, memory_order_relaxed);
    uint32_t bytes = s->t->item_bytes;
    void *out = entry + 1;
    if (s->item->gathered)
        form_gather(source, data, bytes, first, count, out);
    else
        memcpy(out, data + first * bytes, count * bytes);
}

static bool put(capturer *c, copies *ring, const slice *s, uint64_t count) {
    form source = form_of_item(s->t, s->item), f = source;
    uint64_t first = *s->from;
    copy *entry = copies_room(ring, count * s->t->item_bytes);
    if (!entry) return false;
    if (s->item->gathered) form_rows_first(&f);
    describe(entry, s, &f, &c->set);
    entry->first = first;
    entry->count = count;
    entry->rows = (uint32_t)s->item->all_rows;
    if (s->item->rows < s->item->all_rows) entry->flags |= COPY_ROWS_CUT;
    if (first == 0) entry->flags |= COPY_FIRST;
    if (first + count == s->item->elements) entry->flags |= COPY_LAST;
    fill(entry, s, &source, first, count);
    copies_put(ring, entry);
    return true;
}

static uint64_t least(uint64_t a, uint64_t b) {
    return a < b ? a : b;
}

uint64_t slice_copy(capturer *c, copies *ring, const slice *s, uint64_t most_bytes) {
    uint64_t bytes = 0, item_bytes = s->t->item_bytes;
    uint64_t one = least(COPY_SLICE_BYTES_MAX, copies_capacity(ring) / 4);
    while (*s->from < s->to && bytes < most_bytes) {
        uint64_t count = least(s->to - *s->from, least(one, most_bytes - bytes) / item_bytes);
        if (count == 0 || !put(c, ring, s, count)) break;
        *s->from += count;
        bytes += count * item_bytes;
        c->set.entries++;
    }
    c->set.bytes += bytes;
    return bytes;
}
