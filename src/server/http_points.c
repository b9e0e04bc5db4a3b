// Unit http_points.c reads a body of points (SEMANTICS 29) and makes records of it: for each object
//
//     [TIME] STEP {SERIES} SCALAR...
//
// Bytes in, records out: no file, no clock but the moment of arrival. Invariants: (1) a fault is told with object, line and
// column; (2) a series is declared before it is used: its declaration stands in `declarations`, which outlives a body that fails.
#include "http_points.h"

#include "base/clock.h"
#include "base/hash.h"
#include "base/le.h"

#include <ctype.h>
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { NAMES_MAX = 1 << 16, CACHE_SLOTS_MIN = 64 };

// --- series by name -----------------------------------------------------------------------------

static int grow_slots(http_run *h) {
    if ((h->count + 1) * 2 <= h->slots) return 0;
    uint32_t slots = h->slots ? h->slots * 2 : CACHE_SLOTS_MIN;
    uint32_t *slot = mem_array(slots, sizeof *slot);
    char **names = mem_grow(h->names, slots, sizeof *names);
    if (names) h->names = names;
    if (!slot || !names) {
        mem_free(slot);
        return NNS_E_NO_MEMORY;
    }
    mem_free(h->slot);
    h->slot = slot;
    h->slots = slots;
    for (uint32_t i = 0; i < h->count; i++) {
        size_t at = hash_text(names[i], strlen(names[i])) & (slots - 1);
        while (slot[at])
            at = (at + 1) & (slots - 1);
        slot[at] = i + 1;
    }
    return 0;
}

static void declare(http_run *h, uint32_t number, const char *name, size_t bytes) {
    uint8_t head[16] = {0};
    size_t words = (16 + bytes + 7) / 8;
    le_put_u16(head, RECORD_SERIES);
    le_put_u16(head + 2, (uint16_t)words);
    le_put_u32(head + 4, number);
    head[8] = SERIES_SCALAR;
    le_put_u16(head + 10, (uint16_t)bytes);
    buf_add(&h->declarations, head, sizeof head);
    buf_add(&h->declarations, name, bytes);
    buf_align8(&h->declarations);
}

// Number of the series, 0 when it cannot be.
static uint32_t series_number(http_run *h, const char *name, size_t bytes) {
    if (grow_slots(h)) return 0;
    size_t at = hash_text(name, bytes) & (h->slots - 1);
    for (; h->slot[at]; at = (at + 1) & (h->slots - 1)) {
        const char *have = h->names[h->slot[at] - 1];
        if (strncmp(have, name, bytes) == 0 && have[bytes] == 0) return h->slot[at];
    }
    if (bytes == 0 || bytes > SERIES_NAME_MAX || h->count >= NAMES_MAX) return 0;
    char *copy = mem_text(name, bytes);
    if (!copy) return 0;
    h->names[h->count++] = copy;
    h->slot[at] = h->count;
    declare(h, h->count, name, bytes);
    return h->count;
}

// --- records ------------------------------------------------------------------------------------

void http_put_record(buf *out, uint16_t kind, uint32_t a, const void *rest, size_t bytes) {
    uint8_t head[8];
    le_put_u16(head, kind);
    le_put_u16(head + 2, (uint16_t)((8 + bytes + 7) / 8));
    le_put_u32(head + 4, a);
    buf_add(out, head, sizeof head);
    buf_add(out, rest, bytes);
    buf_align8(out);
}

static void put_time(http_run *h, int64_t time_ms) {
    int64_t wall_ns = time_ms * NS_PER_MS;
    if (time_ms == h->time_ms) return;
    http_put_record(&h->records, RECORD_TIME, 0, &wall_ns, 8);
    h->time_ms = time_ms;
}

static void put_step(http_run *h, int64_t step, int64_t time_ms) {
    bool again = h->stepped && step == h->step && time_ms == h->time_ms;
    if (again) return;
    put_time(h, time_ms);
    int64_t body[2] = {step, 0};
    http_put_record(&h->records, RECORD_STEP, 0, body, sizeof body);
    h->step = step;
    h->stepped = true;
}

// --- one object ---------------------------------------------------------------------------------

typedef struct taking {
    http_run *h;
    core_reply *reply;
    const char *body;
    size_t bytes, at, item; // at: where the present object starts
    uint64_t points;
    int64_t now_ms;
} taking;

static void line_and_column(const taking *t, size_t at, int *line, int *column) {
    *line = 1;
    *column = 1;
    for (size_t i = 0; i < at && i < t->bytes; i++) {
        *column = t->body[i] == '\n' ? 1 : *column + 1;
        *line += t->body[i] == '\n';
    }
}

static bool wrong(taking *t, const char *what, const char *name) {
    int line, column;
    line_and_column(t, t->at, &line, &column);
    reply_error(t->reply, 400, "bad_point", "object %zu (line %d column %d): %s%s%.80s%s",
                t->item + 1, line, column, what, name ? " (\"" : "", name ? name : "",
                name ? "\")" : "");
    return false;
}

static bool value_of(const json_t *value, double *v) {
    if (json_is_number(value)) {
        *v = json_number_value(value);
        return true;
    }
    const char *text = json_string_value(value);
    if (!text) return false;
    if (strcmp(text, "NaN") == 0)
        *v = NAN;
    else if (strcmp(text, "Infinity") == 0)
        *v = INFINITY;
    else if (strcmp(text, "-Infinity") == 0)
        *v = -INFINITY;
    else
        return false;
    return true;
}

static bool step_of(taking *t, const json_t *object, int64_t *step) {
    const json_t *value = json_object_get(object, "step");
    *step = t->h->stepped ? t->h->step + 1 : t->h->step;
    if (!value) return true;
    double v = json_is_number(value) ? json_number_value(value) : NAN;
    if (!(fabs(v) <= 9007199254740992.0) || v != floor(v) || v < 0)
        return wrong(t, "step must be a whole number from 0", NULL);
    *step = (int64_t)v;
    return true;
}

static bool time_of(taking *t, const json_t *object, int64_t *time_ms) {
    const json_t *value = json_object_get(object, "time");
    *time_ms = t->now_ms;
    if (!value) return true;
    double v = json_is_number(value) ? json_number_value(value) : NAN;
    if (!(v >= 0 && v < 1e11)) return wrong(t, "time must be seconds since 1970", NULL);
    *time_ms = (int64_t)(v * 1000.0 + 0.5);
    return true;
}

static void put_scalar(taking *t, uint32_t number, double v) {
    http_put_record(&t->h->records, RECORD_SCALAR, number, &v, sizeof v);
    t->points++;
}

// The run's progress; and the axis of its charts over epochs, as the library keeps it (src/probe/value.c).
static void take_epoch(taking *t, double epoch) {
    static const char axis[] = "nnscope/epoch";
    uint8_t progress[16];
    le_put_f64(progress, epoch);
    le_put_i64(progress + 8, -1);
    http_put_record(&t->h->records, RECORD_PROGRESS, 0, progress, sizeof progress);
    uint32_t number = isfinite(epoch) ? series_number(t->h, axis, sizeof axis - 1) : 0;
    if (number) http_put_record(&t->h->records, RECORD_SCALAR, number, &epoch, sizeof epoch);
}

static bool take_object(taking *t, json_t *object) {
    int64_t step, time_ms;
    const char *name;
    json_t *value;
    double v;
    if (!json_is_object(object)) return wrong(t, "an object of names and numbers is wanted", NULL);
    if (!step_of(t, object, &step) || !time_of(t, object, &time_ms)) return false;
    put_step(t->h, step, time_ms);
    json_object_foreach(object, name, value) {
        if (strcmp(name, "step") == 0 || strcmp(name, "time") == 0) continue;
        if (!value_of(value, &v))
            return wrong(t, "a value must be a number, \"NaN\", \"Infinity\" or \"-Infinity\"",
                         name);
        if (strcmp(name, "epoch") == 0) {
            take_epoch(t, v);
            continue;
        }
        uint32_t number = series_number(t->h, name, strlen(name));
        if (!number)
            return wrong(t, "a name has 1 to 255 bytes, and there are at most 65536", name);
        put_scalar(t, number, v);
    }
    t->item++;
    return true;
}

// --- a body -------------------------------------------------------------------------------------

static bool bad_json(taking *t, const json_error_t *error) {
    int line, column;
    size_t at = t->at + (error->position > 0 ? (size_t)error->position : 0);
    line_and_column(t, at, &line, &column);
    reply_error(t->reply, 400, "bad_json", "line %d column %d: %s", line, column, error->text);
    return false;
}

static void skip_space(taking *t) {
    while (t->at < t->bytes && isspace((unsigned char)t->body[t->at]))
        t->at++;
}

static bool take_array(taking *t, json_t *array) {
    json_t *object;
    size_t i;
    json_array_foreach(array, i, object) {
        if (!take_object(t, object)) return false;
    }
    return true;
}

static bool take_slow(taking *t) {
    json_error_t error;
    json_t *value = json_loadb(t->body + t->at, t->bytes - t->at, JSON_DISABLE_EOF_CHECK, &error);
    if (!value) return bad_json(t, &error);
    bool good = json_is_array(value) ? take_array(t, value) : take_object(t, value);
    json_decref(value);
    t->at += (size_t)error.position; // bytes read
    return good;
}

// --- the quick way ------------------------------------------------------------------------------
//
// Most bodies are flat objects of plain names and plain numbers, one a line. Those are read in place, without building
// JSON values; anything else (escapes, texts, exponents of doubt, errors) goes the slow way from the same place.

enum { QUICK_MEMBERS = 64 };

typedef struct member {
    const char *name;
    size_t bytes;
    double value;
} member;

static const char *blank(const char *at, const char *end) {
    while (at < end && (*at == ' ' || *at == '\t' || *at == '\r' || *at == '\n'))
        at++;
    return at;
}

// A plain JSON number; exact: at most 15 digits and a small power of ten, else strtod. NULL: not plain.
static const char *quick_number(const char *at, const char *end, double *v) {
    static const double powers[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                    1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                    1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
    const char *start = at;
    bool below = at < end && *at == '-';
    uint64_t digits = 0;
    int count = 0, scale = 0;
    at += below;
    if (at >= end || *at < '0' || *at > '9' ||
        (*at == '0' && at + 1 < end && at[1] >= '0' && at[1] <= '9'))
        return NULL;
    for (; at < end && *at >= '0' && *at <= '9'; at++, count++)
        digits = digits * 10 + (uint64_t)(*at - '0');
    if (at < end && *at == '.') {
        const char *dot = ++at;
        for (; at < end && *at >= '0' && *at <= '9'; at++, count++)
            digits = digits * 10 + (uint64_t)(*at - '0');
        if (at == dot) return NULL;
        scale = (int)(at - dot);
    }
    if (at < end && (*at == 'e' || *at == 'E')) {
        const char *e = at + 1;
        bool minus = e < end && *e == '-';
        e += e < end && (*e == '-' || *e == '+');
        if (e >= end || *e < '0' || *e > '9') return NULL;
        int power = 0;
        for (; e < end && *e >= '0' && *e <= '9' && power < 10000; e++)
            power = power * 10 + (*e - '0');
        scale += minus ? power : -power;
        at = e;
    }
    if (count > 15 || scale > 22 || scale < -22) {
        char text[64];
        if (at - start >= (ptrdiff_t)sizeof text) return NULL;
        memcpy(text, start, (size_t)(at - start));
        text[at - start] = 0;
        *v = strtod(text, NULL);
        return isfinite(*v) ? at : NULL;
    }
    *v = scale >= 0 ? (double)digits / powers[scale] : (double)digits * powers[-scale];
    if (below) *v = -*v;
    return at;
}

// A name without escapes and bytes above ASCII. NULL: not plain.
static const char *quick_name(const char *at, const char *end, member *m) {
    if (at >= end || *at != '"') return NULL;
    m->name = ++at;
    while (at < end && *at != '"' && *at != '\\' && (unsigned char)*at >= 0x20 &&
           (unsigned char)*at < 0x7F)
        at++;
    if (at >= end || *at != '"') return NULL;
    m->bytes = (size_t)(at - m->name);
    return at + 1;
}

static const char *quick_members(const char *at, const char *end, member *m, size_t *count) {
    for (*count = 0; *count < QUICK_MEMBERS; ++*count) {
        at = quick_name(blank(at, end), end, &m[*count]);
        if (!at) return NULL;
        at = blank(at, end);
        if (at >= end || *at++ != ':') return NULL;
        at = quick_number(blank(at, end), end, &m[*count].value);
        if (!at) return NULL;
        at = blank(at, end);
        if (at >= end) return NULL;
        if (*at == '}') {
            ++*count;
            return at + 1;
        }
        if (*at++ != ',') return NULL;
    }
    return NULL;
}

static bool is_name(const member *m, const char *word) {
    return m->bytes == strlen(word) && memcmp(m->name, word, m->bytes) == 0;
}

// A name twice in one object, or a name with a meaning of its own that has an odd value: the slow way decides.
static bool quick_head(const taking *t, const member *m, size_t count, int64_t *step,
                       int64_t *time_ms) {
    int steps = 0, times = 0;
    *step = t->h->stepped ? t->h->step + 1 : t->h->step;
    *time_ms = t->now_ms;
    for (size_t i = 0; i < count; i++) {
        if (m[i].bytes == 0 || m[i].bytes > SERIES_NAME_MAX || is_name(&m[i], "epoch"))
            return false;
        if (is_name(&m[i], "step")) {
            if (steps++ || m[i].value < 0 || m[i].value > 9007199254740992.0 ||
                m[i].value != floor(m[i].value))
                return false;
            *step = (int64_t)m[i].value;
        } else if (is_name(&m[i], "time")) {
            if (times++ || !(m[i].value >= 0 && m[i].value < 1e11)) return false;
            *time_ms = (int64_t)(m[i].value * 1000.0 + 0.5);
        }
        for (size_t k = 0; k < i && count <= 16; k++)
            if (m[k].bytes == m[i].bytes && memcmp(m[k].name, m[i].name, m[i].bytes) == 0)
                return false;
    }
    return true;
}

static bool take_quick(taking *t) {
    member m[QUICK_MEMBERS];
    size_t count;
    int64_t step, time_ms;
    uint32_t numbers[QUICK_MEMBERS];
    const char *end = t->body + t->bytes;
    if (t->body[t->at] != '{') return false;
    const char *at = quick_members(t->body + t->at + 1, end, m, &count);
    if (!at || !quick_head(t, m, count, &step, &time_ms)) return false;
    for (size_t i = 0; i < count; i++) {
        bool value = !is_name(&m[i], "step") && !is_name(&m[i], "time");
        numbers[i] = value ? series_number(t->h, m[i].name, m[i].bytes) : 0;
        if (value && !numbers[i]) return false;
    }
    put_step(t->h, step, time_ms);
    for (size_t i = 0; i < count; i++)
        if (numbers[i]) put_scalar(t, numbers[i], m[i].value);
    t->item++;
    t->at = (size_t)(at - t->body);
    return true;
}

static bool take_body(taking *t) {
    for (skip_space(t); t->at < t->bytes; skip_space(t)) {
        if (t->body[t->at] == ',') { // objects with commas between, as of a list without brackets
            reply_error(t->reply, 400, "bad_json",
                        "objects stand one after the other, or in an array");
            return false;
        }
        if (!take_quick(t) && !take_slow(t)) return false;
    }
    return true;
}

bool http_points_take(http_run *h, const char *body, size_t bytes, points_taken *taken,
                      core_reply *reply) {
    taking t = {.h = h, .reply = reply, .body = body, .bytes = bytes, .now_ms = clock_wall_ms()};
    bool good = take_body(&t);
    *taken = (points_taken){.points = t.points, .objects = t.item};
    return good;
}
