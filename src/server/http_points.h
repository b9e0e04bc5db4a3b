// Points over HTTP on their way into a journal: what record_http.c (runs, writers, jobs) and http_points.c (bodies) share.
// The recorder's thread alone.
#ifndef NNS_SERVER_HTTP_POINTS_H
#define NNS_SERVER_HTTP_POINTS_H

#include "inside.h"
#include "journal/segment.h"

typedef struct http_run { // a run that records so: the one process of its own, with one lane
    struct http_run *next;
    nns_id run, process;
    segment_writer writer;
    uint64_t sequence;
    int64_t step, time_ms;
    bool stepped, started;
    char **names;       // by series number - 1
    uint32_t count;
    uint32_t *slot;     // hash of names -> number
    uint32_t slots;
    buf declarations;   // SERIES records not written yet
    buf records;
} http_run;

typedef struct points_taken {
    uint64_t points;
    size_t objects;
} points_taken;

// Appends the records of a body to h->declarations and h->records. False: the fault, with its place, is in `reply`, and
// what was appended to h->records is of no use.
bool http_points_take(http_run *h, const char *body, size_t bytes, points_taken *taken,
                      core_reply *reply);
void http_put_record(buf *out, uint16_t kind, uint32_t a, const void *rest, size_t bytes);

#endif
