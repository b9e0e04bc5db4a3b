// Reading the store itself, read-only, when no server runs: the same JSON objects that the server gives.
#ifndef NNS_CMD_LOCAL_H
#define NNS_CMD_LOCAL_H

#include "client.h"
#include "store/store.h"

typedef struct local {
    store *store;
    store_reader *reader;
} local;

// Opens DIR/store.db; prints why not.
int local_open(local *l, const client *c);
void local_close(local *l);

json_t *local_runs(local *l);                 // {"runs": [...]}
json_t *local_run(local *l, const char *run); // a run object with facts, or NULL
int local_resolve(local *l, const char *meant, char run[27]); // as client_resolve
int local_run_row(local *l, const char *run, store_id *id, int64_t *start_ms);

#endif
