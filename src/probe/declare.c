// Unit declare.c takes the program's declarations of parameters: checks them, keeps copies, writes the
// PARAM record (its series, param/NAME, is declared before it).
//
// Place on the path: called by the program before its loop (or later), on the trainer's thread. A name that
// is declared again gets the new address; its first bounds stay.
#include "param.h"

#include "lanes.h"

#include "base/mem.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define PARAM_NAME_MAX (SERIES_NAME_MAX - 6) // the series is param/NAME
#define UNIT_MAX 32
#define DESCRIPTION_MAX 1024
#define CHOICES_BYTES_MAX 4096

// What the public calls have in common.
typedef struct declaration {
    const char *name;
    void *address;
    uint8_t type, stored;
    const nns_range *range;
    const char *const *words;
    int word_count;
    const char *text;
} declaration;

static char *copy(const char *text, size_t most) {
    return mem_text(text ? text : "", text ? strnlen(text, most) : 0);
}

static uint8_t flags_of(const declaration *d, const nns_range *r) {
    bool bounded = r->min < r->max;
    uint8_t flags = r->read_only ? PARAM_READ_ONLY : 0;
    if (d->type != PARAM_DOUBLE && d->type != PARAM_INT) return flags;
    if (bounded) flags |= PARAM_BOUNDED;
    if (bounded && r->log_scale && r->min > 0) flags |= PARAM_LOG;
    return flags;
}

static bool copy_words(param *p, const declaration *d) {
    size_t bytes = 0;
    for (int i = 0; i < d->word_count; i++) {
        if (!d->words[i] || !series_name_valid(d->words[i], strnlen(d->words[i], 256)))
            return false;
        bytes += strlen(d->words[i]) + 1;
    }
    if (bytes > CHOICES_BYTES_MAX) return false;
    p->choices = mem_new(bytes + 1);
    if (!p->choices) return false;
    for (int i = 0; i < d->word_count; i++) {
        size_t length = strlen(d->words[i]) + 1;
        memcpy(p->choices + p->choices_bytes, d->words[i], length);
        p->choices_bytes += (uint32_t)length;
    }
    p->choice_count = d->word_count;
    return true;
}

static bool copy_text(param *p, const char *text) {
    p->texts[0] = mem_new(PARAM_TEXT_BYTES + 1);
    p->texts[1] = mem_new(PARAM_TEXT_BYTES + 1);
    if (!p->texts[0] || !p->texts[1]) return false;
    memset(p->texts[1], 1, PARAM_TEXT_BYTES); // touched now, not in the loop
    p->texts[1][0] = 0;
    size_t bytes = text ? strnlen(text, PARAM_TEXT_BYTES) : 0;
    if (bytes) memcpy(p->texts[0], text, bytes);
    return true;
}

static bool fill(param *p, const declaration *d) {
    nns_range range = d->range ? *d->range : (nns_range){0};
    p->type = d->type;
    p->stored = d->stored;
    p->flags = flags_of(d, &range);
    p->min = p->flags & PARAM_BOUNDED ? range.min : 0;
    p->max = p->flags & PARAM_BOUNDED ? range.max : 0;
    p->address = d->address;
    p->name = mem_text(d->name, strlen(d->name));
    p->unit = copy(range.unit, UNIT_MAX);
    p->description = copy(range.description, DESCRIPTION_MAX);
    if (!p->name || !p->unit || !p->description) return false;
    if (d->type == PARAM_CHOICE && !copy_words(p, d)) return false;
    return d->stored != STORED_TEXT || copy_text(p, d->text);
}

static void put_strings(uint8_t *at, const param *p, size_t name, size_t unit, size_t description) {
    memcpy(at, p->name, name);
    memcpy(at + name, p->unit, unit);
    memcpy(at + name + unit, p->description, description);
    if (p->choices_bytes) memcpy(at + name + unit + description, p->choices, p->choices_bytes);
}

static bool write_param(nns_run *run, const param *p, uint32_t handle, double value) {
    size_t name = strlen(p->name), unit = strlen(p->unit), description = strlen(p->description);
    size_t bytes = lanes_padded(48 + name + unit + description + p->choices_bytes);
    uint8_t *at = lanes_try(run, bytes, false);
    if (!at) return false;
    lanes_head(at, RECORD_PARAM, bytes, handle);
    at[8] = p->type;
    at[9] = p->flags;
    le_put_u16(at + 10, (uint16_t)name);
    le_put_u16(at + 12, (uint16_t)unit);
    le_put_u16(at + 14, (uint16_t)description);
    le_put_u32(at + 16, p->series);
    le_put_u32(at + 20, p->choices_bytes);
    le_put_f64(at + 24, p->min);
    le_put_f64(at + 32, p->max);
    le_put_f64(at + 40, value);
    put_strings(at + 48, p, name, unit, description);
    lanes_end(at);
    return true;
}

// The value last seen, for a declaration written by the helper: the variable itself is the trainer's.
void params_tend(nns_run *run, bool again) {
    params *all = &run->params;
    uint32_t count = atomic_load_explicit(&all->count, memory_order_acquire);
    for (uint32_t i = 0; i < count; i++) {
        param *p = all->items[i];
        if (atomic_load(&p->declared) && !again) continue;
        if (write_param(run, p, i + 1, p->first)) atomic_store(&p->declared, true);
    }
}

static nns_series series_of(nns_run *run, const declaration *d) {
    char name[SERIES_NAME_MAX + 1];
    if (d->stored == STORED_TEXT) return 0;
    snprintf(name, sizeof name, "param/%s", d->name);
    const char *unit = d->range ? d->range->unit : NULL;
    return series_get(run, name, SERIES_SCALAR, unit, NNS_NEITHER);
}

static nns_param add(nns_run *run, const declaration *d) {
    params *all = &run->params;
    uint32_t count = atomic_load(&all->count);
    param *p = count < PARAMS_MAX ? mem_new(sizeof *p) : NULL;
    if (!p) return 0;
    p->series = series_of(run, d);
    if (!fill(p, d) || (d->stored != STORED_TEXT && !p->series)) {
        param_free(p);
        return 0;
    }
    p->index = count;
    all->watch[count] = (param_watch){p->address, 0, p->address ? param_bytes(p->stored) : 0};
    all->unrecorded = true;
    p->first = p->stored == STORED_TEXT ? 0 : param_value(p);
    atomic_store(&p->declared, write_param(run, p, count + 1, p->first));
    all->items[count] = p;
    atomic_store_explicit(&all->count, count + 1, memory_order_release);
    return count + 1;
}

static nns_param declare(nns_run *run, const declaration *d) {
    if (!run_is_open(run) || !d->name) return 0;
    size_t bytes = strnlen(d->name, SERIES_NAME_MAX + 1);
    if (bytes > PARAM_NAME_MAX || !series_name_valid(d->name, bytes)) return 0;
    param *p = param_find(&run->params, d->name, bytes);
    if (!p) return add(run, d);
    if (p->stored != d->stored) return 0;
    p->address = d->address;
    run->params.watch[p->index].address = d->address;
    return p->index + 1;
}

nns_param nns_param_double(nns_run *run, const char *name, double *value, const nns_range *range) {
    if (!value) return 0;
    return declare(run, &(declaration){.name = name,
                                       .address = value,
                                       .type = PARAM_DOUBLE,
                                       .stored = STORED_F64,
                                       .range = range});
}

nns_param nns_param_float(nns_run *run, const char *name, float *value, const nns_range *range) {
    if (!value) return 0;
    return declare(run, &(declaration){.name = name,
                                       .address = value,
                                       .type = PARAM_DOUBLE,
                                       .stored = STORED_F32,
                                       .range = range});
}

nns_param nns_param_int(nns_run *run, const char *name, int64_t *value, const nns_range *range) {
    if (!value) return 0;
    return declare(run, &(declaration){.name = name,
                                       .address = value,
                                       .type = PARAM_INT,
                                       .stored = STORED_I64,
                                       .range = range});
}

nns_param nns_param_bool(nns_run *run, const char *name, bool *value, const nns_range *range) {
    if (!value) return 0;
    return declare(run, &(declaration){.name = name,
                                       .address = value,
                                       .type = PARAM_BOOL,
                                       .stored = STORED_BOOL,
                                       .range = range});
}

nns_param nns_param_choice(nns_run *run, const char *name, int *value, const char *const *words,
                           int count, const nns_range *range) {
    if (!value || !words || count < 1 || count > PARAM_CHOICES_MAX) return 0;
    return declare(run, &(declaration){.name = name,
                                       .address = value,
                                       .type = PARAM_CHOICE,
                                       .stored = STORED_INT,
                                       .range = range,
                                       .words = words,
                                       .word_count = count});
}

nns_param nns_param_text(nns_run *run, const char *name, const char *initial,
                         const nns_range *range) {
    return declare(run, &(declaration){.name = name,
                                       .type = PARAM_TEXT_TYPE,
                                       .stored = STORED_TEXT,
                                       .range = range,
                                       .text = initial});
}

static param *param_at(nns_run *run, nns_param handle) {
    if (!run_is_open(run) || handle == 0) return NULL;
    params *all = &run->params;
    return handle <= atomic_load(&all->count) ? all->items[handle - 1] : NULL;
}

const char *nns_param_text_get(nns_run *run, nns_param handle) {
    param *p = param_at(run, handle);
    return p && p->stored == STORED_TEXT ? p->texts[p->shown] : "";
}

void nns_param_on_change(nns_run *run, nns_param handle, nns_param_changed changed, void *context) {
    param *p = param_at(run, handle);
    if (!p) return;
    p->changed = changed;
    p->context = context;
}
