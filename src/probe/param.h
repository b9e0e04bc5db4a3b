// Parameters: the program's variables that a person may change.
#ifndef NNS_PROBE_PARAM_H
#define NNS_PROBE_PARAM_H

#include "base/buf.h"

#include <nnscope.h>

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#define PARAMS_MAX 256
#define PARAM_CHOICES_MAX 64
#define PARAM_TEXT_BYTES (16u << 10) // longest text of a parameter

enum { STORED_F64, STORED_F32, STORED_I64, STORED_INT, STORED_BOOL, STORED_TEXT };

typedef struct param {
    // Constant once declared (helper and trainer read it).
    char *name, *unit, *description;
    char *choices; // words, each 0-terminated
    uint32_t choices_bytes;
    uint8_t type, flags, stored;
    int choice_count;
    double min, max;
    nns_series series;
    double first;   // value at the declaration
    uint32_t index; // in params
    // Trainer only.
    void *address;
    bool recorded; // a value has been recorded
    double told;   // value in the last PROGRAM event, and when the next may come
    int64_t tell_at_ns, tell_gap_ns;
    bool untold;
    char *texts[2]; // STORED_TEXT: the one shown, the one before
    int shown;
    nns_param_changed changed;
    void *context;
    _Atomic bool declared;
} param;

// What each safe point looks at: nothing else of a parameter is touched while nothing changes.
typedef struct param_watch {
    const void *address;
    uint64_t last;  // bits of the value last recorded
    uint32_t bytes; // of the variable; 0: a text
} param_watch;

typedef struct params {
    _Atomic uint32_t count; // published items
    bool unrecorded;        // some value has not been recorded yet
    bool untold;            // some PROGRAM event waits for its time
    param_watch watch[PARAMS_MAX];
    param *items[PARAMS_MAX];
    buf json; // of PROGRAM events, allocated at open
} params;

int params_init(params *p);
void params_fini(params *p);
void param_free(param *p);
uint32_t param_bytes(uint8_t stored); // of the program's variable; 0: a text
param *param_find(params *p, const char *name, size_t bytes); // any thread; NULL
uint32_t param_word(const param *p, const char *word,
                    size_t bytes); // index of a choice, UINT32_MAX

double param_value(const param *p);        // trainer; not for texts
void param_assign(param *p, double value); // trainer; as the type wants it
void param_assign_text(params *all, param *p, const void *text, size_t bytes);
void param_json(const param *p, double value, buf *out); // as JSON of its type
void param_json_now(const param *p, buf *out);

// Trainer, at a safe point: records the value when it is new.
void param_record(nns_run *run, param *p);

static inline uint64_t param_bits(const void *address, uint32_t bytes) {
    uint64_t bits = 0;
    if (bytes == 8)
        memcpy(&bits, address, 8);
    else if (bytes == 4)
        memcpy(&bits, address, 4);
    else if (bytes == 1)
        memcpy(&bits, address, 1);
    return bits;
}

// Trainer, at each safe point: has the program itself changed something, or is something to be told?
static inline bool params_changed(const params *all) {
    uint32_t count = atomic_load_explicit(&all->count, memory_order_relaxed);
    for (uint32_t i = 0; i < count; i++) {
        const param_watch *w = &all->watch[i];
        if (param_bits(w->address, w->bytes) != w->last) return true;
    }
    return all->unrecorded || all->untold;
}
void params_notice(nns_run *run, int64_t now_ns);

// Helper: declares what found no room before, or all of them `again`.
void params_tend(nns_run *run, bool again);

#endif
