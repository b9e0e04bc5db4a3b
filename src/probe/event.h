// Events: what happened, as a mark on every chart. Texts: see journal/event.def.
#ifndef NNS_PROBE_EVENT_H
#define NNS_PROBE_EVENT_H

#include "run.h"

// Writes an EVENT record into the calling thread's lane; behind the current step when there is one.
// False: no room (counted).
bool event_write(nns_run *run, uint32_t type, uint64_t number, const buf *json);
bool event_text(nns_run *run, uint32_t type, uint64_t number, const char *json);
// A MARK, of which the first 4096 bytes are kept; never allocates.
bool event_mark(nns_run *run, uint64_t number, const char *text);

// The EVENT STARTED of a process that opens the run.
void event_started(nns_run *run);

#endif
