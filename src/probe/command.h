// Commands: from the inbox (helper) into private memory, to the safe point (trainer), and back.
#ifndef NNS_PROBE_COMMAND_H
#define NNS_PROBE_COMMAND_H

#include "base/buf.h"

#include <nnscope.h>

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define COMMANDS_MAX 256u // on their way at the same time

// One value of a command, checked: what to put where.
typedef struct assignment {
    struct param *param;
    double number;
    size_t text_at, text_bytes; // STORED_TEXT: in order.texts
    size_t json_at, json_bytes; // "to" as JSON, in order.json
} assignment;

// A checked command on its way. The helper makes it and frees it; between, it is the trainer's.
typedef struct order {
    uint32_t verb;
    uint64_t number;
    int64_t argument, at_step;
    uint16_t count;
    assignment *values;
    buf texts;   // the texts of all values
    buf json;    // the values as JSON
    buf said;    // room for the trainer's answer, allocated by the helper
    bool unsent; // the trainer's lane had no room: the helper sends the answer
    int64_t applied_step;
    struct pin *pin; // of PIN, UNPIN: owned until applied
    _Atomic bool done;
} order;

// A queue with one producer (helper) and one consumer (trainer).
typedef struct commands {
    _Atomic uint32_t tail; // helper: orders given
    uint32_t head;         // trainer: orders taken
    int64_t waiting_step;  // trainer: the lowest of those that wait for their step, INT64_MAX
    uint32_t waiting_count;
    uint32_t freed;        // helper: orders given back; the queue is full at freed + COMMANDS_MAX
    _Atomic uint32_t bell; // futex on which a paused trainer waits
    order **queue;         // COMMANDS_MAX, a ring
    order **waiting;       // COMMANDS_MAX, in order
} commands;

// `memory`: 2 * COMMANDS_MAX pointers, kept by the caller away from what every step looks at.
void commands_init(commands *c, order **memory);
void commands_fini(commands *c);

// Helper: reads one record of the inbox.
void command_receive(nns_run *run, const void *at);
// Helper: frees what is done, sends answers left over. True while some are under way.
bool commands_tend(nns_run *run);
void command_wake(commands *c);

// Trainer: is there something to do at this step? One atomic load and one compare.
static inline bool commands_pending(const commands *c, int64_t step) {
    return atomic_load_explicit(&c->tail, memory_order_acquire) != c->head ||
           c->waiting_step <= step;
}
// Writes the REPLY of an applied order into the calling thread's lane. False: no room.
bool command_answer(nns_run *run, const order *o);
// Trainer: the next order due at `step`, or NULL.
order *command_next(commands *c, int64_t step);

#endif
