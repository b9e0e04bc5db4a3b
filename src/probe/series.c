// Unit series.c keeps the names of a run's series: a hash table of chains that any thread reads and adds to.
//
// Place on the path: nns_series_open and all calls by name come here; who makes an entry also writes its
// SERIES record, into its own lane (ingest takes records of different lanes in any order).
//
// Invariants:
//   1. A chain only grows, at its front, by compare and exchange; entries never change place or go before
//      series_fini, so that a reader needs no lock.
//   2. Of two threads that add the same name one wins; the other takes the winner's entry (its own memory
//      and number stay unused).
//   3. An entry whose record found no room is SERIES_MISSING and counted in `undeclared`; the helper
//      declares it.
#include "series.h"

#include "lanes.h"

#include "base/error.h"
#include "base/hash.h"
#include "base/mem.h"

#include <string.h>

int series_init(series_table *t) {
    t->buckets = mem_array(SERIES_BUCKETS, sizeof *t->buckets);
    series_block *block = mem_new(sizeof *block);
    atomic_store(&t->block, block);
    return t->buckets && block ? 0 : NNS_E_NO_MEMORY;
}

void series_fini(series_table *t) {
    for (series_block *b = atomic_load(&t->block), *older; b; b = older) {
        older = b->older;
        mem_free(b);
    }
    mem_free(atomic_load(&t->ready));
    mem_free(t->buckets);
    *t = (series_table){0};
}

// The next block, when `full` is still the current one: the prepared one, else a new one.
static bool next_block(series_table *t, series_block *full) {
    series_block *block = atomic_exchange(&t->ready, NULL);
    if (!block) block = mem_new(sizeof *block);
    if (!block) return false;
    block->older = full;
    series_block *expected = full;
    if (!atomic_compare_exchange_strong(&t->block, &expected, block)) mem_free(block);
    return true;
}

static void *room(series_table *t, size_t bytes) {
    bytes = (bytes + 15) & ~(size_t)15;
    for (;;) {
        series_block *block = atomic_load(&t->block);
        size_t at = atomic_fetch_add(&block->used, bytes);
        if (at + bytes <= SERIES_BLOCK_BYTES) return block->bytes + at;
        if (!next_block(t, block)) return NULL;
    }
}

// Length of the UTF-8 character at `s` (RFC 3629), 0 when malformed or a control character.
static size_t character(const uint8_t *s, size_t n) {
    if (s[0] < 0x80) return s[0] >= 0x20 && s[0] != 0x7F;
    size_t need = s[0] >= 0xC2 && s[0] < 0xE0 ? 2 : (s[0] & 0xF0) == 0xE0 ? 3 : 4;
    if (s[0] < 0xC2 || s[0] > 0xF4 || n < need) return 0;
    for (size_t i = 1; i < need; i++)
        if ((s[i] & 0xC0) != 0x80) return 0;
    bool overlong = (s[0] == 0xE0 && s[1] < 0xA0) || (s[0] == 0xF0 && s[1] < 0x90);
    bool beyond = (s[0] == 0xED && s[1] > 0x9F) || (s[0] == 0xF4 && s[1] > 0x8F);
    return overlong || beyond ? 0 : need;
}

bool series_name_valid(const char *name, size_t bytes) {
    if (bytes == 0 || bytes > SERIES_NAME_MAX) return false;
    for (size_t i = 0; i < bytes;) {
        size_t n = character((const uint8_t *)name + i, bytes - i);
        if (!n) return false;
        i += n;
    }
    return true;
}

static series_entry *look(series_entry *from, uint64_t hash, const char *name, size_t bytes) {
    for (series_entry *e = from; e; e = e->next)
        if (e->hash == hash && e->name_bytes == bytes && !memcmp(e->text, name, bytes)) return e;
    return NULL;
}

static bool declare(nns_run *run, const series_entry *e) {
    size_t bytes = lanes_padded(16u + e->name_bytes + e->unit_bytes);
    uint8_t *at = lanes_try(run, bytes, false);
    if (!at) return false;
    lanes_head(at, RECORD_SERIES, bytes, e->id);
    at[8] = e->kind;
    at[9] = e->direction;
    le_put_u16(at + 10, e->name_bytes);
    le_put_u16(at + 12, e->unit_bytes);
    le_put_u16(at + 14, 0);
    memcpy(at + 16, e->text, e->name_bytes);
    memcpy(at + 16 + e->name_bytes, e->text + e->name_bytes + 1, e->unit_bytes);
    lanes_end(at);
    return true;
}

static void declare_or_leave(nns_run *run, series_entry *e) {
    if (declare(run, e)) {
        atomic_store(&e->state, SERIES_DECLARED);
    } else {
        atomic_fetch_add(&run->series.undeclared, 1);
        atomic_store(&e->state, SERIES_MISSING);
    }
}

static series_entry *entry_new(series_table *t, const char *name, size_t bytes, uint8_t kind,
                               const char *unit, nns_direction better) {
    size_t unit_bytes = unit ? strnlen(unit, 33) : 0;
    if (unit_bytes > 32 || !series_name_valid(unit, unit_bytes)) unit_bytes = 0;
    series_entry *e = room(t, sizeof *e + bytes + unit_bytes + 2);
    if (!e) return NULL;
    *e = (series_entry){.id = atomic_fetch_add(&t->count, 1) + 1, .kind = kind};
    e->direction = (uint8_t)(better == NNS_LOWER || better == NNS_HIGHER ? better : NNS_NEITHER);
    e->name_bytes = (uint8_t)bytes;
    e->unit_bytes = (uint8_t)unit_bytes;
    memcpy(e->text, name, bytes);
    if (unit_bytes) memcpy(e->text + bytes + 1, unit, unit_bytes);
    return e;
}

nns_series series_get(nns_run *run, const char *name, uint8_t kind, const char *unit,
                      nns_direction better) {
    if (!run_is_open(run) || !name) return 0;
    series_table *t = &run->series;
    size_t bytes = strnlen(name, SERIES_NAME_MAX + 1);
    uint64_t hash = hash_text(name, bytes);
    _Atomic(series_entry *) *bucket = &t->buckets[hash % SERIES_BUCKETS];
    series_entry *first = atomic_load_explicit(bucket, memory_order_acquire);
    series_entry *e = look(first, hash, name, bytes);
    if (e) return e->kind == kind ? e->id : 0;
    if (!series_name_valid(name, bytes)) return 0;
    series_entry *mine = entry_new(t, name, bytes, kind, unit, better);
    if (!mine) return 0;
    mine->hash = hash;
    do {
        mine->next = first;
        if (atomic_compare_exchange_strong(bucket, &first, mine)) {
            declare_or_leave(run, mine);
            return mine->id;
        }
        e = look(first, hash, name, bytes);
    } while (!e);
    return e->kind == kind ? e->id : 0;
}

static void declare_missing(nns_run *run, series_entry *e, bool again) {
    for (; e; e = e->next) {
        uint8_t state = atomic_load(&e->state);
        if (state == SERIES_MAKING || (state == SERIES_DECLARED && !again)) continue;
        if (!declare(run, e)) continue;
        if (state == SERIES_MISSING) atomic_fetch_sub(&run->series.undeclared, 1);
        atomic_store(&e->state, SERIES_DECLARED);
    }
}

void series_tend(nns_run *run, bool again) {
    series_table *t = &run->series;
    series_block *block = atomic_load(&t->block);
    if (atomic_load(&block->used) > SERIES_BLOCK_BYTES / 2 && !atomic_load(&t->ready))
        atomic_store(&t->ready, mem_new(sizeof *block));
    if (!again && atomic_load(&t->undeclared) == 0) return;
    for (uint32_t i = 0; i < SERIES_BUCKETS; i++)
        declare_missing(run, atomic_load(&t->buckets[i]), again);
}

const char *series_name(series_table *t, nns_series id) {
    for (uint32_t i = 0; i < SERIES_BUCKETS; i++)
        for (series_entry *e = atomic_load(&t->buckets[i]); e; e = e->next)
            if (e->id == id) return e->text;
    return "";
}

nns_series nns_series_open(nns_run *run, const char *name) {
    return series_get(run, name, SERIES_SCALAR, NULL, NNS_NEITHER);
}

nns_series nns_series_open_as(nns_run *run, const char *name, const char *unit,
                              nns_direction better) {
    return series_get(run, name, SERIES_SCALAR, unit, better);
}
