// Unit trouble.c writes EVENT TROUBLE: a clear word for who wrote the program, and never more than one of each.
#include "trouble.h"

#include "event.h"
#include "network.h"

#include "base/hash.h"

#include <string.h>

#define WHERE_BYTES_MAX 255u

static uint64_t hash_of(const char *rule, const char *where) {
    uint64_t hash = hash_text(rule, strlen(rule)) * 31 + hash_text(where, strlen(where));
    return hash ? hash : 1;
}

// False: said already, or too much was said.
static bool first_time(troubles *t, uint64_t hash) {
    for (uint32_t i = 0; i < TROUBLES_MAX; i++) {
        uint64_t at = atomic_load(&t->said[i]);
        if (at == 0 && atomic_compare_exchange_strong(&t->said[i], &at, hash)) return true;
        if (at == hash) return false;
    }
    return false;
}

void trouble(nns_run *run, const char *rule, const char *where, const char *what) {
    uint8_t memory[6 * WHERE_BYTES_MAX + 1024]; // never grows: each byte escaped, and our own words
    buf json = {.data = memory, .capacity = sizeof memory};
    network *n = network_of(run);
    if (!where) where = "";
    if (!n || !first_time(&n->troubles, hash_of(rule, where))) return;
    buf_text(&json, "{\"what\":");
    buf_json(&json, what, strlen(what));
    if (*where) {
        buf_text(&json, ",\"where\":");
        buf_json(&json, where, strnlen(where, WHERE_BYTES_MAX));
    }
    buf_print(&json, ",\"rule\":\"%s\"}", rule);
    event_write(run, EVENT_TROUBLE, 0, &json);
}
