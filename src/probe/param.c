// Unit param.c keeps the parameters: the program's own variables, their bounds, and what was recorded of them.
//
// Place on the path: step.c assigns values of commands through here and asks at each safe point what the
// program itself has changed; command.c (helper) checks values against the declarations.
//
// Invariants:
//   1. A param is constant once it is counted in params.count, except the members of the trainer.
//   2. *address is read and written on the trainer's thread only, at safe points.
//   3. watch[index].last holds the bits last recorded: the series param/NAME has every value, whoever set it.
//
// A program that changes a parameter at every step (a schedule) would fill the list of events: PROGRAM
// events of one parameter come at growing distance (1 s, 2 s ... 64 s) while it keeps changing; the
// series stays exact.
#include "param.h"

#include "event.h"
#include "lanes.h"

#include "base/clock.h"
#include "base/error.h"
#include "base/mem.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TELL_GAP_MIN_NS NS_PER_S
#define TELL_GAP_MAX_NS (64 * NS_PER_S)
#define PROGRAM_JSON_BYTES 16384
#define PROGRAM_ITEM_BYTES                                                                         \
    2200 // a name of 249 bytes and two words of a choice, all escaped, at most

void param_free(param *p) {
    if (!p) return;
    mem_free(p->name);
    mem_free(p->unit);
    mem_free(p->description);
    mem_free(p->choices);
    mem_free(p->texts[0]);
    mem_free(p->texts[1]);
    mem_free(p);
}

int params_init(params *p) {
    uint8_t *at = buf_room(&p->json, PROGRAM_JSON_BYTES);
    if (at) memset(at, 0, PROGRAM_JSON_BYTES); // touched now, not in the loop
    return at ? 0 : NNS_E_NO_MEMORY;
}

void params_fini(params *p) {
    for (uint32_t i = 0; i < atomic_load(&p->count); i++)
        param_free(p->items[i]);
    atomic_store(&p->count, 0);
    buf_fini(&p->json);
}

param *param_find(params *p, const char *name, size_t bytes) {
    uint32_t count = atomic_load_explicit(&p->count, memory_order_acquire);
    for (uint32_t i = 0; i < count; i++)
        if (strlen(p->items[i]->name) == bytes && !memcmp(p->items[i]->name, name, bytes))
            return p->items[i];
    return NULL;
}

uint32_t param_word(const param *p, const char *word, size_t bytes) {
    const char *at = p->choices;
    for (int i = 0; i < p->choice_count; i++, at += strlen(at) + 1)
        if (strlen(at) == bytes && !memcmp(at, word, bytes)) return (uint32_t)i;
    return UINT32_MAX;
}

// --- values ------------------------------------------------------------------------------------

uint32_t param_bytes(uint8_t stored) {
    static const uint8_t bytes[] = {[STORED_F64] = 8, [STORED_F32] = 4,  [STORED_I64] = 8,
                                    [STORED_INT] = 4, [STORED_BOOL] = 1, [STORED_TEXT] = 0};
    return bytes[stored];
}

static uint64_t bits_of(const param *p) {
    return param_bits(p->address, param_bytes(p->stored));
}

static double value_of_bits(const param *p, uint64_t bits) {
    double number;
    float single;
    int64_t whole;
    int index;
    switch (p->stored) {
    case STORED_F64:
        memcpy(&number, &bits, 8);
        return number;
    case STORED_F32:
        memcpy(&single, &bits, 4);
        return (double)single;
    case STORED_I64:
        memcpy(&whole, &bits, 8);
        return (double)whole;
    case STORED_INT:
        memcpy(&index, &bits, 4);
        return index;
    default:
        return bits != 0;
    }
}

double param_value(const param *p) {
    return value_of_bits(p, bits_of(p));
}

void param_assign(param *p, double value) {
    switch (p->stored) {
    case STORED_F64:
        *(double *)p->address = value;
        break;
    case STORED_F32:
        *(float *)p->address = (float)value;
        break;
    case STORED_I64:
        *(int64_t *)p->address = (int64_t)value;
        break;
    case STORED_INT:
        *(int *)p->address = (int)value;
        break;
    case STORED_BOOL:
        *(bool *)p->address = value != 0;
        break;
    }
}

// The text shown so far stays readable until the next safe point.
void param_assign_text(params *all, param *p, const void *text, size_t bytes) {
    int next = !p->shown;
    if (bytes) memcpy(p->texts[next], text, bytes);
    p->texts[next][bytes] = 0;
    p->shown = next;
    p->recorded = false;
    all->unrecorded = true;
}

static const char *choice_at(const param *p, double value) {
    const char *at = p->choices;
    if (!(value >= 0 && value < p->choice_count)) return NULL;
    for (int i = 0; i < (int)value; i++)
        at += strlen(at) + 1;
    return at;
}

// The shortest text that reads back as the same float: 0.1, not 0.10000000149011612.
static void float_json(float value, buf *out) {
    char text[32];
    int digits = 5;
    if (!isfinite(value)) {
        buf_number(out, (double)value);
        return;
    }
    do {
        snprintf(text, sizeof text, "%.*g", digits, (double)value);
    } while (digits++ < 9 && strtof(text, NULL) != value);
    for (char *at = text; *at; at++) // the decimal point of a foreign locale
        if (!strchr("0123456789+-e", *at)) *at = '.';
    buf_text(out, text);
}

void param_json(const param *p, double value, buf *out) {
    const char *word = p->type == PARAM_CHOICE ? choice_at(p, value) : NULL;
    if (word)
        buf_json(out, word, strlen(word));
    else if (p->type == PARAM_BOOL)
        buf_text(out, value != 0 ? "true" : "false");
    else if (p->stored == STORED_F32)
        float_json((float)value, out);
    else
        buf_number(out, value);
}

void param_json_now(const param *p, buf *out) {
    if (p->stored == STORED_TEXT)
        buf_json(out, p->texts[p->shown], strlen(p->texts[p->shown]));
    else
        param_json(p, param_value(p), out);
}

// --- records -----------------------------------------------------------------------------------

static bool record_number(nns_run *run, const param *p, double value) {
    uint8_t *at = lanes_begin(run, 16, true);
    if (!at) return false;
    lanes_head(at, RECORD_SCALAR, 16, p->series);
    le_put_f64(at + 8, value);
    lanes_end(at);
    return true;
}

static bool record_text(nns_run *run, const param *p, uint32_t handle) {
    size_t length = strlen(p->texts[p->shown]), bytes = lanes_padded(16 + length);
    uint8_t *at = lanes_begin(run, bytes, true);
    if (!at) return false;
    lanes_head(at, RECORD_PARAM_TEXT, bytes, handle);
    le_put_u32(at + 8, (uint32_t)length);
    le_put_u32(at + 12, 0);
    memcpy(at + 16, p->texts[p->shown], length);
    lanes_end(at);
    return true;
}

void param_record(nns_run *run, param *p) {
    if (p->stored == STORED_TEXT) {
        if (!p->recorded) p->recorded = record_text(run, p, p->index + 1);
        return;
    }
    uint64_t bits = bits_of(p);
    param_watch *w = &run->params.watch[p->index];
    if (p->recorded && bits == w->last) return;
    if (!record_number(run, p, value_of_bits(p, bits))) return; // again at the next safe point
    w->last = bits;
    p->recorded = true;
    p->told = value_of_bits(p, bits);
    p->untold = false;
}

// --- what the program changes -------------------------------------------------------------------

static bool changed(const params *all, const param *p) {
    return !p->recorded || (p->stored != STORED_TEXT && bits_of(p) != all->watch[p->index].last);
}

static void tell_one(const param *p, buf *json, bool first) {
    buf_text(json, first ? "{\"values\":{" : ",");
    buf_json(json, p->name, strlen(p->name));
    buf_text(json, ":{\"from\":");
    param_json(p, p->told, json);
    buf_text(json, ",\"to\":");
    param_json_now(p, json);
    buf_char(json, '}');
}

static void told(param *p, int64_t now_ns) {
    bool quiet = now_ns - p->tell_at_ns > 2 * p->tell_gap_ns;
    p->tell_gap_ns = quiet ? TELL_GAP_MIN_NS : p->tell_gap_ns * 2;
    if (p->tell_gap_ns > TELL_GAP_MAX_NS) p->tell_gap_ns = TELL_GAP_MAX_NS;
    p->tell_at_ns = now_ns + p->tell_gap_ns;
    p->told = param_value(p);
    p->untold = false;
}

static void tell(nns_run *run, int64_t now_ns) {
    params *all = &run->params;
    buf *json = &run->params.json;
    uint32_t count = atomic_load(&all->count);
    bool first = true;
    buf_clear(json);
    all->untold = false;
    for (uint32_t i = 0; i < count; i++) {
        param *p = all->items[i];
        if (p->untold && now_ns >= p->tell_at_ns &&
            json->length + PROGRAM_ITEM_BYTES < json->capacity) {
            tell_one(p, json, first);
            told(p, now_ns);
            first = false;
        }
        all->untold |= p->untold;
    }
    if (first) return;
    buf_text(json, "}}");
    event_write(run, EVENT_PROGRAM, 0, json);
}

void params_notice(nns_run *run, int64_t now_ns) {
    params *all = &run->params;
    uint32_t count = atomic_load(&all->count);
    all->unrecorded = false;
    for (uint32_t i = 0; i < count; i++) {
        param *p = all->items[i];
        if (!changed(all, p)) continue;
        bool first = !p->recorded;
        double before = p->told;
        param_record(run, p);
        all->unrecorded |= !p->recorded;
        if (first || p->stored == STORED_TEXT) continue;
        p->told = before;
        p->untold = !(before == param_value(p));
        all->untold |= p->untold;
    }
    if (all->untold) tell(run, now_ns);
}
