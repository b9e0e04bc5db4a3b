// Points of one or several series on their way out: fetched by a worker, written as JSON, CSV or columns.
#ifndef NNS_SERVER_POINTS_H
#define NNS_SERVER_POINTS_H

#include "inside.h"

typedef struct points_query {
    store_id run;
    char key[27];
    char **names;           // owned
    size_t count;
    store_query q;          // of all series but its name
    int form;
    uint32_t request;
    int64_t origin_ms;      // start of the run: zero of the time axis
} points_query;

void points_query_fini(points_query *p);
int points_add_name(points_query *p, const char *name);
int points_add_all(points_query *p, store_reader *reader); // every scalar series of the run
// On the time axis `from` and `to` count from the run's start; what can only be a time of day is taken as that. Once.
void points_time_bounds(points_query *p, int64_t origin_ms);
// The whole answer: needs no core, so that the command line can read a store without a server.
void points_reply(const points_query *p, store_reader *reader, core_reply *reply);
// Fetches series `i` between `from` and `to` of the axis. NNS_E_NOT_FOUND: no such series.
int points_fetch(const points_query *p, store_reader *reader, size_t i, int64_t from, int64_t to,
                 store_columns *out);

// Run, its name and the zero of its time axis. Lock held. False: no such run.
bool points_query_init(core *c, points_query *p, const char *run_key);
// A snapshot frame of what was fetched; total UINT64_MAX in a column: no such series.
void points_frame(const points_query *p, const store_columns *c, buf *out);

// points_text.c
void points_json_series(const points_query *p, size_t i, const store_columns *c, buf *out); // "NAME": {...}
enum { COLUMN_STEP, COLUMN_TIME, COLUMN_VALUE, RAW_COLUMNS };
extern const char *const raw_column_names[RAW_COLUMNS];
void points_json_raw_column(const store_columns *c, int column, bool first, buf *out); // numbers with commas
void points_csv_head(const points_query *p, bool raw, buf *out);
// The series side by side, joined by step. `c` has p->count items.
void points_csv_rows(const points_query *p, const store_columns *c, bool raw, buf *out);

// frame_text.c
void frame_text_block(const char *name, uint32_t attempt, const store_columns *c, buf *out);

// points_long.c: the rest of replies with every point
int points_begin_long(core *c, points_query *p, store_reader *reader, core_reply *reply); // takes what is in p

#endif
