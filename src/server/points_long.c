// Unit points_long.c sends every point of long series in pieces: the axis is cut into windows of some thousand points
// (the pyramid tells where), and each piece is one window, or one column of one window, made when asked for.
//
//     CSV:   head, then for each window the rows of all series
//     JSON:  for each series, for each of its columns, the windows one after the other (a column is one array)
//
// A rest belongs to whoever asks for the next piece; memory is that of one window.
#include "points.h"

#include <string.h>

enum { WINDOW_POINTS = 8192, CUT_BUCKETS = 1024 };

struct core_rest {
    core *core;
    points_query p;
    int64_t *cut; // windows: cut[k]..cut[k+1]
    size_t windows, window;
    size_t series;
    int column;
    bool wrote; // something of this column
    bool finished;
};

static void rest_free(core_rest *r) {
    points_query_fini(&r->p);
    mem_free(r->cut);
    mem_free(r);
}

// --- windows ------------------------------------------------------------------------------------

static int64_t edge(const core_rest *r, const store_columns *c, size_t i) {
    return r->p.q.axis == STORE_AXIS_TIME ? c->time_ms[i] : c->step[i];
}

// Cuts the axis by the buckets of series `i`; one window when it is short.
static int cut_axis(core_rest *r, store_reader *reader, size_t i) {
    store_columns c = {0};
    store_query q = r->p.q;
    q.series = r->p.names[i];
    q.buckets = CUT_BUCKETS;
    int result = store_points(reader, &q, &c);
    mem_free(r->cut);
    r->windows = 0;
    r->cut = result ? NULL : mem_array(c.rows + 2, sizeof *r->cut);
    if (!result && !r->cut) result = NNS_E_NO_MEMORY;
    if (result) {
        store_columns_fini(&c);
        return result;
    }
    uint64_t have = 0;
    r->cut[0] = q.from;
    for (size_t k = 0; !c.raw && k < c.rows; k++) {
        if (have >= WINDOW_POINTS) {
            r->cut[++r->windows] = edge(r, &c, k);
            have = 0;
        }
        have += c.count[k];
    }
    r->cut[++r->windows] = q.to;
    store_columns_fini(&c);
    return 0;
}

static int longest_series(const core_rest *r, store_reader *reader, size_t *longest) {
    uint64_t most = 0;
    for (size_t i = 0; i < r->p.count; i++) {
        store_columns c = {0};
        store_query q = r->p.q;
        q.series = r->p.names[i];
        q.buckets = 1;
        int result = store_points(reader, &q, &c);
        if (!result && c.total > most) {
            most = c.total;
            *longest = i;
        }
        store_columns_fini(&c);
        if (result) return result;
    }
    return 0;
}

// --- CSV ----------------------------------------------------------------------------------------

static int csv_piece(core_rest *r, store_reader *reader, buf *out) {
    store_columns *c = mem_array(r->p.count, sizeof *c);
    int result = c ? 0 : NNS_E_NO_MEMORY;
    for (size_t i = 0; !result && i < r->p.count; i++)
        result = points_fetch(&r->p, reader, i, r->cut[r->window], r->cut[r->window + 1], &c[i]);
    if (!result) points_csv_rows(&r->p, c, true, out);
    for (size_t i = 0; c && i < r->p.count; i++)
        store_columns_fini(&c[i]);
    mem_free(c);
    r->finished = ++r->window == r->windows;
    return result;
}

// --- JSON ---------------------------------------------------------------------------------------

static int json_next_column(core_rest *r, store_reader *reader, buf *out) {
    buf_char(out, ']');
    r->window = 0;
    r->wrote = false;
    if (++r->column < RAW_COLUMNS) {
        buf_print(out, ",\"%s\":[", raw_column_names[r->column]);
        return 0;
    }
    buf_char(out, '}');
    r->column = 0;
    if (++r->series == r->p.count) {
        buf_text(out, "}}");
        r->finished = true;
        return 0;
    }
    buf_char(out, ',');
    json_text(out, r->p.names[r->series]);
    buf_text(out, ":{\"raw\":true,\"step\":[");
    return cut_axis(r, reader, r->series);
}

static int json_piece(core_rest *r, store_reader *reader, buf *out) {
    store_columns c = {0};
    int result =
        points_fetch(&r->p, reader, r->series, r->cut[r->window], r->cut[r->window + 1], &c);
    if (!result) {
        points_json_raw_column(&c, r->column, !r->wrote, out);
        r->wrote |= c.rows > 0;
    }
    store_columns_fini(&c);
    if (!result && ++r->window == r->windows) result = json_next_column(r, reader, out);
    return result;
}

// --- pieces -------------------------------------------------------------------------------------

static int piece(core_rest *r, store_reader *reader, buf *out) {
    int result = 0;
    while (!result && !r->finished && out->length < 65536 && !out->failed)
        result = r->p.form == CORE_CSV ? csv_piece(r, reader, out) : json_piece(r, reader, out);
    return out->failed ? NNS_E_NO_MEMORY : result;
}

int points_begin_long(core *c, points_query *p, store_reader *reader, core_reply *reply) {
    core_rest *r = mem_new(sizeof *r);
    size_t longest = 0;
    if (!r) return NNS_E_NO_MEMORY;
    r->core = c;
    r->p = *p;
    memset(p, 0, sizeof *p);
    int result = longest_series(r, reader, &longest);
    if (!result) result = cut_axis(r, reader, r->p.form == CORE_CSV ? longest : 0);
    if (!result && r->p.form == CORE_CSV) {
        points_csv_head(&r->p, true, &reply->body);
    } else if (!result) {
        buf_print(&reply->body, "{\"raw\":true,\"axis\":\"%s\",\"series\":{",
                  r->p.q.axis == STORE_AXIS_TIME ? "time" : "step");
        json_text(&reply->body, r->p.names[0]);
        buf_text(&reply->body, ":{\"raw\":true,\"step\":[");
    }
    if (!result) result = piece(r, reader, &reply->body);
    if (result || r->finished) {
        rest_free(r);
        return result;
    }
    reply->rest = r;
    return 0;
}

typedef struct piece_job {
    job j;
    core_rest *rest;
} piece_job;

static void work_piece(core *c, job *j, store_reader *reader) {
    core_rest *r = ((piece_job *)j)->rest;
    (void)c;
    int result = piece(r, reader, &j->reply.body);
    j->reply.type = r->p.form == CORE_CSV ? "text/csv; charset=utf-8" : NULL;
    j->reply.status = 200;
    if (!result && !r->finished) {
        j->reply.rest = r;
        ((piece_job *)j)->rest = NULL;
        return;
    }
    if (result) {
        buf_clear(&j->reply.body);
        j->reply.status = 0;
    }
}

static void fini_piece(job *j) {
    if (((piece_job *)j)->rest) rest_free(((piece_job *)j)->rest);
}

void core_rest_next(core_rest *rest, core_done done, void *context) {
    piece_job *p = mem_new(sizeof *p);
    if (!p) {
        core_reply cut = {0};
        core *c = rest->core;
        rest_free(rest);
        answer_later(c, &cut, done, context);
        return;
    }
    p->j = (job){.work = work_piece, .fini = fini_piece, .done = done, .context = context};
    p->rest = rest;
    job_submit(&rest->core->workers, &p->j);
}

void core_rest_drop(core_rest *rest) {
    if (rest) rest_free(rest);
}
