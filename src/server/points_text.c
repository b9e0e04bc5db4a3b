// Unit points_text.c writes points as JSON columns and as CSV (SEMANTICS 29, 30). Times are seconds since 1970 with
// milliseconds; NaN and infinities are texts in JSON and bare words in CSV.
#include "points.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <stdio.h>
#include <string.h>

const char *const raw_column_names[RAW_COLUMNS] = {"step", "time", "value"};

static void put_time(buf *out, int64_t ms) {
    char text[32];
    bool below = ms < 0;
    uint64_t u = below ? 0 - (uint64_t)ms : (uint64_t)ms;
    int n = snprintf(text, sizeof text, "%s%" PRIu64 ".%03u", below ? "-" : "", u / 1000,
                     (unsigned)(u % 1000));
    buf_add(out, text, (size_t)n);
}

// Buckets are float32: the shortest text that reads back as the same float32.
void json_float(buf *out, float v) {
    if (!isfinite(v) || (fabsf(v) < 1e9f && v == (float)(int32_t)v)) {
        buf_number(out, (double)v);
        return;
    }
    char text[32];
    for (int digits = 6; digits <= 9; digits++) {
        snprintf(text, sizeof text, "%.*g", digits, (double)v);
        if (strtof(text, NULL) == v) break;
    }
    buf_text(out, text);
}

void points_json_raw_column(const store_columns *c, int column, bool first, buf *out) {
    for (size_t i = 0; i < c->rows; i++) {
        if (i || !first) buf_char(out, ',');
        if (column == COLUMN_STEP) buf_int(out, c->step[i]);
        if (column == COLUMN_TIME) put_time(out, c->time_ms[i]);
        if (column == COLUMN_VALUE) buf_number(out, c->value[i]);
    }
}

static void begin_column(buf *out, const char *name, bool first) {
    buf_print(out, "%s\"%s\":[", first ? "" : ",", name);
}

static void json_raw(const store_columns *c, buf *out) {
    for (int k = 0; k < RAW_COLUMNS; k++) {
        begin_column(out, raw_column_names[k], k == 0);
        points_json_raw_column(c, k, true, out);
        buf_char(out, ']');
    }
    if (!c->attempt) return;
    begin_column(out, "attempt", false);
    for (size_t i = 0; i < c->rows; i++)
        buf_print(out, "%s%" PRIu64, i ? "," : "", c->attempt[i]);
    buf_char(out, ']');
}

static void json_floats(const char *name, const float *v, size_t rows, buf *out) {
    begin_column(out, name, false);
    for (size_t i = 0; i < rows; i++) {
        if (i) buf_char(out, ',');
        json_float(out, v[i]);
    }
    buf_char(out, ']');
}

static void json_counts(const char *name, const uint32_t *v, size_t rows, buf *out) {
    begin_column(out, name, false);
    for (size_t i = 0; i < rows; i++) {
        if (i) buf_char(out, ',');
        buf_int(out, v[i]);
    }
    buf_char(out, ']');
}

static void json_buckets(const store_columns *c, buf *out) {
    begin_column(out, "step", true);
    points_json_raw_column(c, COLUMN_STEP, true, out);
    buf_char(out, ']');
    begin_column(out, "step_last", false);
    for (size_t i = 0; i < c->rows; i++) {
        if (i) buf_char(out, ',');
        buf_int(out, c->step_last[i]);
    }
    buf_char(out, ']');
    begin_column(out, "time", false);
    points_json_raw_column(c, COLUMN_TIME, true, out);
    buf_char(out, ']');
    json_floats("min", c->min, c->rows, out);
    json_floats("max", c->max, c->rows, out);
    json_floats("mean", c->mean, c->rows, out);
    json_floats("last", c->last, c->rows, out);
    json_counts("count", c->count, c->rows, out);
    json_counts("nonfinite", c->nonfinite, c->rows, out);
}

void points_json_series(const points_query *p, size_t i, const store_columns *c, buf *out) {
    json_text(out, p->names[i]);
    buf_print(out, ":{\"raw\":%s,\"total\":%" PRIu64 ",", c->raw ? "true" : "false", c->total);
    if (c->raw)
        json_raw(c, out);
    else
        json_buckets(c, out);
    buf_char(out, '}');
}

// --- CSV ----------------------------------------------------------------------------------------

static void csv_name(buf *out, const char *name, const char *suffix) {
    if (!strpbrk(name, ",\"\r\n")) {
        buf_print(out, "%s%s", name, suffix);
        return;
    }
    buf_char(out, '"');
    for (; *name; name++) {
        if (*name == '"') buf_char(out, '"');
        buf_char(out, *name);
    }
    buf_print(out, "%s\"", suffix);
}

static const char *const bucket_suffix[] = {".min",  ".max",   ".mean",
                                            ".last", ".count", ".nonfinite"};
enum { BUCKET_SUFFIXES = 6 };

void points_csv_head(const points_query *p, bool raw, buf *out) {
    buf_text(out, p->count == 1 ? "step,time" : "step");
    for (size_t i = 0; i < p->count; i++)
        for (int k = 0; k < (raw ? 1 : BUCKET_SUFFIXES); k++) {
            buf_char(out, ',');
            csv_name(out, p->names[i], raw ? "" : bucket_suffix[k]);
        }
    buf_char(out, '\n');
}

static void csv_number(buf *out, double v) {
    if (isnan(v))
        buf_text(out, "NaN");
    else if (isinf(v))
        buf_text(out, v > 0 ? "Infinity" : "-Infinity");
    else
        buf_number(out, v);
}

static void csv_float(buf *out, float v) {
    if (isfinite(v))
        json_float(out, v);
    else
        csv_number(out, (double)v);
}

// Cells of row `at` of one series; empty ones when it has none at this step.
static void csv_cells(const store_columns *c, size_t at, bool have, bool raw, buf *out) {
    if (raw) {
        buf_char(out, ',');
        if (have && c->raw) csv_number(out, c->value[at]);
        return;
    }
    if (!have) {
        buf_text(out, ",,,,,,");
    } else if (c->raw) { // few points where others need buckets: a bucket of one
        float v = (float)c->value[at];
        for (int k = 0; k < 4; k++) {
            buf_char(out, ',');
            csv_float(out, v);
        }
        buf_text(out, isfinite(v) ? ",1,0" : ",1,1");
    } else {
        const float *columns[] = {c->min, c->max, c->mean, c->last};
        for (int k = 0; k < 4; k++) {
            buf_char(out, ',');
            csv_float(out, columns[k][at]);
        }
        buf_print(out, ",%u,%u", c->count[at], c->nonfinite[at]);
    }
}

static bool before(const store_columns *a, size_t i, uint64_t attempt, int64_t step) {
    uint64_t mine = a->attempt ? a->attempt[i] : 0;
    return mine != attempt ? mine < attempt : a->step[i] < step;
}

// The lowest (attempt, step) among the next rows. False: all are written.
static bool next_key(const points_query *p, const store_columns *c, const size_t *at,
                     uint64_t *attempt, int64_t *step) {
    bool any = false;
    for (size_t i = 0; i < p->count; i++) {
        if (at[i] >= c[i].rows) continue;
        if (any && !before(&c[i], at[i], *attempt, *step)) continue;
        any = true;
        *attempt = c[i].attempt ? c[i].attempt[at[i]] : 0;
        *step = c[i].step[at[i]];
    }
    return any;
}

static void one_series(const store_columns *c, bool raw, buf *out) {
    for (size_t i = 0; i < c->rows; i++) {
        buf_int(out, c->step[i]);
        buf_char(out, ',');
        put_time(out, c->time_ms[i]);
        csv_cells(c, i, true, raw, out);
        buf_char(out, '\n');
    }
}

void points_csv_rows(const points_query *p, const store_columns *c, bool raw, buf *out) {
    uint64_t attempt = 0;
    int64_t step = 0;
    if (p->count == 1) {
        one_series(c, raw, out);
        return;
    }
    size_t *at = mem_array(p->count, sizeof *at);
    if (!at) {
        out->failed = true;
        return;
    }
    while (next_key(p, c, at, &attempt, &step)) {
        buf_int(out, step);
        for (size_t i = 0; i < p->count; i++) {
            bool have = at[i] < c[i].rows && c[i].step[at[i]] == step &&
                        (!c[i].attempt || c[i].attempt[at[i]] == attempt);
            csv_cells(&c[i], at[i], have, raw, out);
            at[i] += have;
        }
        buf_char(out, '\n');
    }
    mem_free(at);
}
