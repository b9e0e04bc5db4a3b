// Samples pushed through the network by hand: by a person's PUSH record, or again and again by a pin.
#ifndef NNS_PROBE_PUSH_H
#define NNS_PROBE_PUSH_H

#include "capture.h"
#include "network.h"

#include "journal/inbox.h"

#define PUSHES_MAX 16u // people's on their way at the same time, and as many pins'
#define PINS_MAX 16u   // at the same time
#define PINS_EVER 256u // of a run: a pin's memory stays until nns_close
#define PIN_NAME_BYTES_MAX 100u
#define PUSH_CLASSES_MAX 4096
#define PUSH_VALUES_MAX 100000 // of the input: it comes in one record

// Numbers of pushes that pins make: this bit and the pin's index. Nobody asked for their captures: the answers go into the
// series pin/NAME/CLASS.
#define PUSH_PIN_BIT (UINT64_C(1) << 63)

// What is to be pushed. The helper makes and frees it; between, it is the trainer's.
typedef struct push_job {
    uint64_t number;
    int64_t sample; // -1: the values of `input`
    uint32_t count;
    bool asked; // somebody waits for it: it goes whatever the budget says
    _Atomic bool done;
    float input[];
} push_job;

typedef struct pin {
    char name[PIN_NAME_BYTES_MAX + 1];
    int64_t sample; // -1: the values
    float *input;
    nns_series *series; // of each class
    _Atomic bool on;
    push_job *job;     // on its way
    bool pushed;       // once at least
    int64_t held_step; // at which it was pushed while the run held
} pin;

// helper -> trainer.
typedef struct push_queue {
    push_job *jobs[PUSHES_MAX];
    _Atomic uint32_t tail;
    uint32_t head;  // trainer
    uint32_t freed; // helper
} push_queue;

typedef struct pushes {
    // What the program declared. Constant once `declared`, but call and context, which are the trainer's.
    _Atomic bool declared;
    bool told; // helper: its MODEL record is in some lane
    nns_push_call call;
    void *context;
    nns_push_sample sample_call;
    int dims;
    int64_t shape[4];
    uint32_t inputs, classes;
    char *words; // of the classes, each 0-terminated
    _Atomic int64_t samples;
    push_queue asked, pinned; // a person does not wait behind pins that wait for the worker
    // The answers to what people pushed: trainer -> helper, which writes them (pushed.c). Made for the first of them.
    copies answers;
    buf answer; // helper: the capture under way
    uint64_t blobs; // helper: written so far
    // Pins: the helper's. pins_made counts those whose series the worker may read.
    pin *pins[PINS_EVER];
    _Atomic uint32_t pins_made;
    int64_t pins_due_ns;
} pushes;

// Trainer, at a safe point: runs what waits. `pins` false: the budget is used up, pins go by this time.
void pushes_run(nns_run *run, const capture_moment *m, bool pins);

// Helper. A PUSH record; frees what is done and pushes the pins that are due: in ns from now it wants to be called again.
void push_receive(nns_run *run, const void *record);
int64_t pushes_tend(nns_run *run, int64_t now_ns);
bool pushes_under_way(nns_run *run);
void pushes_finish(nns_run *run); // answers what the trainer has run
uint64_t push_answer_bytes(network *n); // with every layer's values, at most; any thread
bool push_describe(nns_run *run, buf *json); // the MODEL record's text
void pushes_fini(nns_run *run);

// pushed.c. Helper: writes the answers that have come; says why there is none.
void pushed_write(nns_run *run, pushes *p);
void pushed_refuse(nns_run *run, uint64_t number, int64_t step, const char *why);

// For pin.c. Why a sample cannot be pushed, or NULL; `why` is room for a sentence. A job (owned); queued, or freed and false.
const char *push_check(const pushes *p, int64_t sample, uint32_t count, const uint8_t *values,
                       char why[128]);
push_job *push_job_new(const pushes *p, uint64_t number, int64_t sample, const void *values);
bool push_send(nns_run *run, push_queue *q, push_job *job);

// pin.c. Helper: pushes all that are pinned.
void pins_push(nns_run *run, pushes *p);

// Helper: the commands pin and unpin. check: NULL, or why not (a sentence). The pin begins with pin_apply, once the command was applied.
const char *pin_check(nns_run *run, const command *c, pin **made);
const char *unpin_check(nns_run *run, const command *c, pin **found);
void pin_apply(nns_run *run, pin *p);
void pin_drop(pin *p);
void pin_free(pin *p);

// Worker: the series of a pin's answer, one a class (`classes` of them); NULL: no pin's number.
const nns_series *pin_series(nns_run *run, uint64_t number, uint32_t *classes);

#endif
