// Log rows from a damaged or hostile store: whatever they say, points are taken or refused, and what was taken can be
// read. The input is a row as it stands in the store; then the same bytes as the body of a row that is right so far, in
// two pieces, so that one row speaks of what another has.
#include "store/internal.h"

#include "base/hash.h"
#include "base/le.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { SERIES = 3, BODY_MAX = 1 << 16 };

static char folder[] = "/tmp/nnscope-log-fuzz-XXXXXX", path[64];

static void remove_store(void) {
    static const char *const ends[] = {"", "-wal", "-shm"};
    char name[80];
    for (int i = 0; i < 3; i++) {
        snprintf(name, sizeof name, "%s%s", path, ends[i]);
        unlink(name);
    }
    rmdir(folder);
}

// A store in which the series 1, 2, 3 of run 1 have one point each.
static void make_store(void) {
    store *s = NULL;
    if (!mkdtemp(folder)) abort();
    snprintf(path, sizeof path, "%s/store.db", folder);
    if (store_open(&s, path, NULL, NULL)) abort();
    atexit(remove_store);
    store_run run = {.key = "k", .last_step = -1};
    if (store_put_run(s, &run)) abort();
    store_group *g = store_group_open(s, run.id, 0);
    store_step(g, 0, 0, 0);
    for (int i = 0; i < SERIES; i++) {
        char name[] = {(char)('a' + i), 0};
        store_append(g, store_series_open(s, run.id, name, 1, "", 0), 1);
    }
    if (store_settle(s, 10000)) abort();
    store_close(s);
}

static void replay_body(replay *p, const uint8_t *body, size_t bytes) {
    static uint8_t row[LOG_HEADER + BODY_MAX];
    if (bytes > BODY_MAX) bytes = BODY_MAX;
    memset(row, 0, LOG_HEADER);
    row[4] = LOG_VERSION;
    le_put_u32(row + 8, (uint32_t)bytes);
    memcpy(row + LOG_HEADER, body, bytes);
    le_put_u32(row, hash_crc32c(0, row + 4, LOG_HEADER - 4 + bytes));
    uint8_t *exact = malloc(LOG_HEADER + bytes); // so that a byte too far is seen
    if (!exact) return;
    memcpy(exact, row, LOG_HEADER + bytes);
    replay_row(p, exact, LOG_HEADER + bytes);
    free(exact);
}

static void read_all(store *s) {
    static const char *const names[SERIES] = {"a", "b", "c"};
    store_reader *r = NULL;
    if (store_reader_open(s, &r)) return;
    for (int i = 0; i < SERIES; i++) {
        store_columns c;
        if (store_points_by_ordinal(r, 1, names[i], 0, UINT64_MAX, &c) == 0) store_columns_fini(&c);
    }
    store_reader_close(r);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes) {
    store *s = NULL;
    if (!path[0]) make_store();
    if (store_open(&s, path, &(store_options){.read_only = true}, NULL)) abort();
    replay *p = replay_new(s);
    if (p && reader_begin(s->owner) == 0) {
        replay_row(p, data, bytes);
        replay_body(p, data, bytes / 2);
        replay_body(p, data, bytes);
        reader_end(s->owner);
    }
    replay_free(p);
    read_all(s);
    store_close(s);
    return 0;
}
