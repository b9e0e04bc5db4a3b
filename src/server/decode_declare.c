// Unit decode_declare.c takes the records that give series and parameters their numbers (SERIES, PARAM, PARAM_TEXT;
// journal/record.h). A process keeps what a number means; what it has changed is told to its cursor by pages of 256 numbers.
#include "run.h"

#include "base/le.h"
#include "journal/record.h"

#include <string.h>

enum { SERIES_MAX = 1 << 20, PARAMS_MAX = 1 << 16 };

static void **grow_map(void **map, uint32_t *cap, uint8_t **dirty, uint32_t number, uint32_t most) {
    if (number < *cap) return map;
    if (number >= most) return NULL;
    uint32_t capacity = *cap ? *cap : 64;
    while (capacity <= number)
        capacity *= 2;
    void **grown = mem_grow(map, capacity, sizeof *grown);
    uint8_t *pages = grown ? mem_grow(*dirty, capacity / 256 + 1, 1) : NULL;
    if (!pages) return grown && !pages ? grown : NULL;
    memset(grown + *cap, 0, (capacity - *cap) * sizeof *grown);
    uint32_t had = *cap ? *cap / 256 + 1 : 0;
    memset(pages + had, 0, capacity / 256 + 1 - had);
    *dirty = pages;
    *cap = capacity;
    return grown;
}

void process_declare_series(process *p, uint32_t number, live_series *s) {
    if (!s) return;
    void **map = grow_map((void **)p->series, &p->series_cap, &p->series_dirty, number, SERIES_MAX);
    if (!map) return;
    p->series = (live_series **)map;
    if (number >= p->series_cap) return;
    p->series[number] = s;
    if (number >= p->series_end) p->series_end = number + 1;
    p->series_dirty[number / 256] = 1;
    p->retry = true;
}

void process_declare_param(process *p, uint32_t number, param *q) {
    if (!q) return;
    void **map = grow_map((void **)p->params, &p->param_cap, &p->params_dirty, number, PARAMS_MAX);
    if (!map) return;
    p->params = (param **)map;
    if (number >= p->param_cap) return;
    p->params[number] = q;
    if (number >= p->param_end) p->param_end = number + 1;
    p->params_dirty[number / 256] = 1;
}

// A name as bytes -> a text without zeros; false: not usable.
bool name_text(char out[SERIES_NAME_MAX + 1], const uint8_t *at, size_t bytes) {
    if (bytes == 0 || bytes > SERIES_NAME_MAX || memchr(at, 0, bytes)) return false;
    memcpy(out, at, bytes);
    out[bytes] = 0;
    return true;
}

void declare_series(core *c, process *p, uint32_t a, const uint8_t *at) {
    char name[SERIES_NAME_MAX + 1], unit[SERIES_NAME_MAX + 1];
    size_t name_bytes = le_u16(at + 10), unit_bytes = le_u16(at + 12);
    int kind = at[8], direction = at[9] <= 2 ? at[9] : 0;
    if (!name_text(name, at + 16, name_bytes) || kind < SERIES_SCALAR || kind > SERIES_CONFUSION)
        return;
    bool has_unit = name_text(unit, at + 16 + name_bytes, unit_bytes);
    process_declare_series(p, a,
                           series_open(c, p->run, name, kind, has_unit ? unit : NULL, direction));
    p->state_dirty = true;
}

static void set_bytes(char **field, const uint8_t *at, size_t bytes) {
    mem_free(*field);
    *field = bytes ? mem_text((const char *)at, bytes) : NULL;
}

static void set_choices(param *q, const uint8_t *at, size_t bytes) {
    param_clear_choices(q);
    while (bytes && q->choice_count < 64) {
        size_t n = strnlen((const char *)at, bytes);
        char **choices = mem_grow(q->choices, q->choice_count + 1, sizeof *choices);
        if (!choices) return;
        q->choices = choices;
        choices[q->choice_count] = mem_text((const char *)at, n);
        if (!choices[q->choice_count]) return;
        q->choice_count++;
        if (n == bytes) return;
        at += n + 1;
        bytes -= n + 1;
    }
}

void declare_param(core *c, process *p, uint32_t a, const uint8_t *at) {
    size_t name = le_u16(at + 10), unit = le_u16(at + 12), description = le_u16(at + 14);
    uint32_t series = le_u32(at + 16), choices = le_u32(at + 20);
    const uint8_t *texts = at + 48;
    param *q = at[8] >= PARAM_DOUBLE && at[8] <= PARAM_TEXT_TYPE
                   ? param_open(c, p->run, (const char *)texts, name)
                   : NULL;
    if (!q) return;
    q->type = at[8];
    q->flags = at[9];
    q->min = le_f64(at + 24);
    q->max = le_f64(at + 32);
    q->value = le_f64(at + 40);
    set_bytes(&q->unit, texts + name, unit);
    set_bytes(&q->description, texts + name + unit, description);
    set_choices(q, texts + name + unit + description, choices);
    live_series *s = series < p->series_end ? p->series[series] : NULL;
    if (s) {
        s->param = q;
        series_mind(s);
    }
    process_declare_param(p, a, q);
    p->state_dirty = true;
    q->dirty = true;
    q->version = p->run->params_version = ++p->run->change;
    run_touch(c, p->run);
}

void declare_param_text(process *p, uint32_t a, const uint8_t *at, int64_t step) {
    param *q = a < p->param_end ? p->params[a] : NULL;
    if (!q) return;
    set_bytes(&q->text, at + 16, le_u32(at + 8));
    param_changed(p->run, q, step, NULL);
}
