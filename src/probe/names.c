// Unit names.c finds handles by name: open addressing, at most half full.
#include "names.h"

#include "base/hash.h"
#include "base/mem.h"

#include <string.h>

#define ROOM_FIRST 64u

static uint64_t hash_of(const char *name) {
    return hash_text(name, strlen(name));
}

uint32_t names_find(const names *t, const char *name,
                    const char *(*name_of)(void *context, uint32_t handle), void *context) {
    uint64_t hash = hash_of(name);
    for (uint32_t i = 0; i < t->room; i++) {
        uint32_t at = (uint32_t)(hash + i) & (t->room - 1);
        if (!t->slots[at]) return 0;
        if (t->hashes[at] == hash && !strcmp(name_of(context, t->slots[at]), name))
            return t->slots[at];
    }
    return 0;
}

static void put(names *t, uint64_t hash, uint32_t handle) {
    uint32_t at = (uint32_t)hash & (t->room - 1);
    while (t->slots[at])
        at = (at + 1) & (t->room - 1);
    t->slots[at] = handle;
    t->hashes[at] = hash;
}

static bool grow(names *t) {
    uint32_t room = t->room ? t->room * 2 : ROOM_FIRST;
    names larger = {.slots = mem_array(room, sizeof *larger.slots),
                    .hashes = mem_array(room, sizeof *larger.hashes),
                    .room = room,
                    .count = t->count};
    if (!larger.slots || !larger.hashes) {
        names_fini(&larger);
        return false;
    }
    for (uint32_t i = 0; i < t->room; i++)
        if (t->slots[i]) put(&larger, t->hashes[i], t->slots[i]);
    names_fini(t);
    *t = larger;
    return true;
}

bool names_add(names *t, const char *name, uint32_t handle) {
    if (2 * t->count >= t->room && !grow(t)) return false;
    put(t, hash_of(name), handle);
    t->count++;
    return true;
}

void names_fini(names *t) {
    mem_free(t->slots);
    mem_free(t->hashes);
    *t = (names){0};
}
