// Parameters: the program's variables that a person may change.
#ifndef NNS_PROBE_PARAM_H
#define NNS_PROBE_PARAM_H

#include "base/buf.h"

#include <nnscope.h>

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define PARAMS_MAX 256
#define PARAM_CHOICES_MAX 64
#define PARAM_TEXT_BYTES (16u << 10) // longest text of a parameter

enum { STORED_F64, STORED_F32, STORED_I64, STORED_INT, STORED_BOOL, STORED_TEXT };

typedef struct param {
    // Constant once declared (helper and trainer read it).
    char *name, *unit, *description;
    char *choices;               // words, each 0-terminated
    uint32_t choices_bytes;
    uint8_t type, flags, stored;
    int choice_count;
    double min, max;
    nns_series series;
    double first;                // value at the declaration
    // Trainer only.
    void *address;
    uint64_t last;               // bits of the value last recorded
    bool recorded;               // a value has been recorded
    double told;                 // value in the last PROGRAM event, and when the next may come
    int64_t tell_at_ns, tell_gap_ns;
    bool untold;
    char *texts[2];              // STORED_TEXT: the one shown, the one before
    int shown;
    nns_param_changed changed;
    void *context;
    _Atomic bool declared;
} param;

typedef struct params {
    param *items[PARAMS_MAX];
    _Atomic uint32_t count;      // published items
    bool untold;                 // some PROGRAM event waits for its time
    buf json;                    // of PROGRAM events, allocated at open
} params;

int params_init(params *p);
void params_fini(params *p);
void param_free(param *p);
nns_param param_handle(const params *all, const param *p);
param *param_find(params *p, const char *name, size_t bytes); // any thread; NULL
uint32_t param_word(const param *p, const char *word, size_t bytes); // index of a choice, UINT32_MAX

double param_value(const param *p);          // trainer; not for texts
void param_assign(param *p, double value);   // trainer; as the type wants it
void param_assign_text(param *p, const void *text, size_t bytes);
void param_json(const param *p, double value, buf *out); // as JSON of its type
void param_json_now(const param *p, buf *out);

// Trainer, at a safe point: records the value when it is new.
void param_record(nns_run *run, param *p);

// Trainer, at each safe point: what the program itself has changed. False: nothing, quickly.
bool params_changed(params *p);
void params_notice(nns_run *run, int64_t now_ns);

// Helper: declares what found no room before, or all of them `again`.
void params_tend(nns_run *run, bool again);

#endif
