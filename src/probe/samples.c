// Unit samples.c keeps the samples observed last, and answers what stands out among them.
//
// Place on the path: the digest worker, at the end of a set that showed activations (digest.c).
//
// Invariant: slot i of the ring holds one sample in all arrays, or for a layer that was not seen with it a row whose number
// is another's.
#include "samples.h"

#include "base/error.h"
#include "base/mem.h"

#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#define CORRELATION_SAMPLES_LEAST 32u

int samples_init(samples *s) {
    *s = (samples){.high = 1};
    s->layers = mem_array(SAMPLES_LAYERS, sizeof *s->layers);
    return s->layers ? 0 : NNS_E_NO_MEMORY;
}

void samples_fini(samples *s) {
    for (uint32_t i = 0; s->layers && i < SAMPLES_LAYERS; i++) {
        mem_free(s->layers[i].values);
        mem_free(s->layers[i].number);
    }
    mem_free(s->layers);
    mem_free(s->inputs);
    *s = (samples){0};
}

// Taking -------------------------------------------------------------------------------------------

static uint32_t slot_of(const samples *s, uint64_t number) {
    return (uint32_t)((number - 1) % s->ring);
}

// The ring as large as inputs of this size let it be. Another size of input begins anew.
static void make_ring(samples *s, uint32_t elements) {
    if (elements > SAMPLES_BYTES) elements = 0; // too large to keep
    if (s->ring && (elements == 0 || elements == s->input_elements))
        return; // 0: not seen this time
    mem_free(s->inputs);
    s->ring = elements > SAMPLES_BYTES / SAMPLES_RING ? SAMPLES_BYTES / elements : SAMPLES_RING;
    s->inputs = elements ? mem_array(s->ring, elements) : NULL;
    s->input_elements = s->inputs ? elements : 0;
    for (uint32_t i = 0; i < SAMPLES_LAYERS; i++) {
        mem_free(s->layers[i].values);
        mem_free(s->layers[i].number);
        s->layers[i] = (samples_layer){0};
    }
    memset(s->shown, 0, sizeof s->shown);
    s->unit_bytes = 0;
    s->taken = 0;
}

static void widen(samples *s, const samples_batch *b) {
    if (b->bytes) s->high = 255;
    size_t all = (size_t)b->rows * b->input_elements;
    for (size_t i = 0; !b->bytes && i < all; i++) {
        float v = b->inputs[i];
        if (v < s->low && v > -INFINITY) s->low = v;
        if (v > s->high && v < INFINITY) s->high = v;
    }
}

static void put_input(samples *s, uint32_t slot, const float *in) {
    uint8_t *out = s->inputs + (size_t)slot * s->input_elements;
    float scale = 255 / (s->high - s->low);
    for (uint32_t i = 0; i < s->input_elements; i++) {
        float v = (in[i] - s->low) * scale;
        out[i] = (uint8_t)(v > 0 ? v < 255 ? v + 0.5f : 255 : 0);
    }
}

static uint32_t largest(const float *p, uint32_t count) {
    uint32_t best = 0;
    for (uint32_t i = 1; i < count; i++)
        if (p[i] > p[best]) best = i;
    return best;
}

static sample_outcome outcome(const samples_batch *b, uint32_t row) {
    sample_outcome o = {
        .loss = b->losses ? b->losses[row] : NAN, .truth = -1, .predicted = -1, .probability = NAN};
    if (b->labels) o.truth = samples_class_of(b->labels[row], SAMPLES_CLASSES);
    if (!b->predictions || b->classes == 0) return o;
    const float *p = b->predictions + (size_t)row * b->classes;
    o.predicted = (int32_t)largest(p, b->classes);
    o.probability = p[o.predicted];
    if (!b->losses && o.truth >= 0 && (uint32_t)o.truth < b->classes)
        o.loss = -logf(p[o.truth] > 1e-12f ? p[o.truth] : 1e-12f);
    return o;
}

static void remember(samples *s, sample_outcome o) {
    if (o.truth < 0 || o.predicted < 0 || o.predicted >= (int32_t)SAMPLES_CLASSES) return;
    uint16_t *entry = s->history[s->history_count++ % SAMPLES_OUTCOMES];
    entry[0] = (uint16_t)o.truth;
    entry[1] = (uint16_t)o.predicted;
    uint32_t most = (uint32_t)(o.truth > o.predicted ? o.truth : o.predicted) + 1;
    if (most > s->classes) s->classes = most;
}

uint64_t samples_take(samples *s, const samples_batch *b) {
    make_ring(s, b->inputs ? b->input_elements : 0);
    bool inputs = b->inputs && s->inputs && b->input_elements == s->input_elements;
    if (inputs) widen(s, b);
    uint64_t first = s->taken + 1;
    if (b->classes <= SAMPLES_CLASSES && b->predictions && b->classes > s->classes)
        s->classes = b->classes;
    for (uint32_t row = 0; row < b->rows; row++) {
        uint32_t slot = slot_of(s, first + row);
        sample_outcome o = outcome(b, row);
        remember(s, o);
        if (b->rows - row > s->ring) continue;
        s->outcomes[slot] = o;
        s->shown[slot] = inputs;
        if (inputs) put_input(s, slot, b->inputs + (size_t)row * b->input_elements);
    }
    s->taken += b->rows;
    return first;
}

static samples_layer *layer_of(samples *s, uint32_t layer, uint32_t units) {
    if (layer >= SAMPLES_LAYERS || !s->ring) return NULL;
    samples_layer *l = &s->layers[layer];
    if (l->values) return l->units == units ? l : NULL;
    size_t bytes = (size_t)s->ring * units * sizeof(float);
    if (units == 0 || units > SAMPLES_UNITS || bytes > SAMPLES_UNIT_BYTES - s->unit_bytes)
        return NULL;
    l->values = mem_array((size_t)s->ring * units, sizeof *l->values);
    l->number = l->values ? mem_array(s->ring, sizeof *l->number) : NULL;
    if (!l->number) {
        mem_free(l->values);
        l->values = NULL;
        return NULL;
    }
    l->units = units;
    s->unit_bytes += bytes;
    return l;
}

void samples_units(samples *s, uint32_t layer, const float *values, uint32_t rows, uint32_t units,
                   uint64_t first) {
    samples_layer *l = layer_of(s, layer, units);
    for (uint32_t row = 0; l && row < rows; row++) {
        if (first + row + s->ring <= s->taken) continue;
        uint32_t slot = slot_of(s, first + row);
        memcpy(l->values + (size_t)slot * units, values + (size_t)row * units,
               units * sizeof *values);
        l->number[slot] = first + row;
    }
}

// Standing out -------------------------------------------------------------------------------------

static uint32_t filled(const samples *s) {
    return s->taken < s->ring ? (uint32_t)s->taken : s->ring;
}

// The number of the sample that stands in a slot now.
static uint64_t number_in(const samples *s, uint32_t slot) {
    uint64_t last = s->taken - 1, at = last % s->ring;
    return last - (at >= slot ? at - slot : at + s->ring - slot) + 1;
}

// Keeps `slots` and `keys` sorted, largest key first.
static uint32_t insert(uint32_t *slots, float *keys, uint32_t count, uint32_t most, uint32_t slot,
                       float key) {
    if (isnan(key) || (count == most && !(key > keys[most - 1]))) return count;
    uint32_t at = count < most ? count : most - 1;
    for (; at > 0 && key > keys[at - 1]; at--) {
        slots[at] = slots[at - 1];
        keys[at] = keys[at - 1];
    }
    slots[at] = slot;
    keys[at] = key;
    return count < most ? count + 1 : most;
}

uint32_t samples_by_loss(const samples *s, bool worst, uint32_t most, uint32_t *slots) {
    float keys[64];
    uint32_t count = 0;
    if (most > 64) most = 64;
    for (uint32_t slot = 0; s->inputs && slot < filled(s); slot++)
        if (s->shown[slot])
            count = insert(slots, keys, count, most, slot,
                           worst ? s->outcomes[slot].loss : -s->outcomes[slot].loss);
    return count;
}

uint32_t samples_of_unit(const samples *s, uint32_t layer, uint32_t unit, uint32_t most,
                         uint32_t *slots, float *values) {
    uint32_t count = 0;
    const samples_layer *l = layer < SAMPLES_LAYERS ? &s->layers[layer] : NULL;
    if (!l || !l->values || unit >= l->units || !s->inputs) return 0;
    for (uint32_t slot = 0; slot < filled(s); slot++)
        if (s->shown[slot] && l->number[slot] == number_in(s, slot))
            count =
                insert(slots, values, count, most, slot, l->values[(size_t)slot * l->units + unit]);
    return count;
}

bool samples_confusion(const samples *s, uint32_t *counts) {
    if (!s->history_count) return false;
    memset(counts, 0, (size_t)s->classes * s->classes * sizeof *counts);
    uint64_t all = s->history_count < SAMPLES_OUTCOMES ? s->history_count : SAMPLES_OUTCOMES;
    for (uint64_t i = 0; i < all; i++)
        counts[s->history[i][0] * s->classes + s->history[i][1]]++;
    return true;
}

// Correlation ----------------------------------------------------------------------------------------

// (units, columns): each row is of mean 0 and norm 1; a unit that never changed is all zeros. Returns how many samples.
static uint32_t standardise(const samples *s, const samples_layer *l, float *out,
                            uint32_t columns) {
    uint32_t n = 0;
    for (uint32_t slot = 0; slot < filled(s); slot++) {
        if (l->number[slot] != number_in(s, slot)) continue;
        for (uint32_t u = 0; u < l->units; u++)
            out[(size_t)u * columns + n] = l->values[(size_t)slot * l->units + u];
        n++;
    }
    for (uint32_t u = 0; u < l->units; u++) {
        float *row = out + (size_t)u * columns;
        double sum = 0, squares = 0;
        for (uint32_t i = 0; i < n; i++)
            sum += (double)row[i];
        for (uint32_t i = 0; i < n; i++) {
            row[i] -= (float)(sum / n);
            squares += (double)row[i] * row[i];
        }
        float scale = squares > 1e-30 && isfinite(squares) ? (float)(1 / sqrt(squares)) : 0;
        for (uint32_t i = 0; i < columns; i++)
            row[i] = i < n && scale > 0 ? row[i] * scale : 0;
    }
    return n;
}

static float product(const float *restrict a, const float *restrict b, uint32_t columns) {
    float sums[8] = {0};
    for (uint32_t i = 0; i < columns; i += 8)
        for (uint32_t k = 0; k < 8; k++)
            sums[k] += a[i + k] * b[i + k];
    return ((sums[0] + sums[4]) + (sums[1] + sums[5])) +
           ((sums[2] + sums[6]) + (sums[3] + sums[7]));
}

static int by_size(const void *a, const void *b) {
    unit_pair x, y;
    memcpy(&x, a, sizeof x);
    memcpy(&y, b, sizeof y);
    float p = fabsf(x.r), q = fabsf(y.r);
    if (p != q) return p > q ? -1 : 1;
    return x.a != y.a ? (x.a < y.a ? -1 : 1) : x.b < y.b ? -1 : x.b > y.b;
}

typedef struct found {
    unit_pair *pairs;
    uint32_t count, capacity, most;
    float least;
} found;

static void keep_pair(found *f, unit_pair pair) {
    if (f->count == f->capacity) {
        qsort(f->pairs, f->count, sizeof *f->pairs, by_size);
        f->count = f->most;
        f->least = fabsf(f->pairs[f->most - 1].r);
    }
    if (fabsf(pair.r) >= f->least) f->pairs[f->count++] = pair;
}

static void correlate_with(found *f, const float *rows, uint32_t a, uint32_t units,
                           uint32_t columns) {
    for (uint32_t b = a + 1; b < units; b++) {
        float r = product(rows + (size_t)a * columns, rows + (size_t)b * columns, columns);
        if (fabsf(r) >= f->least) keep_pair(f, (unit_pair){a, b, r > 1 ? 1 : r < -1 ? -1 : r});
    }
}

static bool is_stopped(const samples *s) {
    return s->stop && atomic_load_explicit(s->stop, memory_order_relaxed);
}

int64_t samples_correlation(const samples *s, uint32_t layer, float least, uint32_t most,
                            unit_pair *pairs) {
    const samples_layer *l = layer < SAMPLES_LAYERS ? &s->layers[layer] : NULL;
    if (!l || !l->values || most == 0) return -1;
    uint32_t columns = (s->ring + 7) & ~7u;
    float *rows = mem_array((size_t)l->units * columns, sizeof *rows);
    found f = {mem_array(2 * (size_t)most, sizeof *pairs), 0, 2 * most, most, least};
    bool known = rows && f.pairs && standardise(s, l, rows, columns) >= CORRELATION_SAMPLES_LEAST;
    for (uint32_t a = 0; known && a < l->units && !is_stopped(s); a++)
        correlate_with(&f, rows, a, l->units, columns);
    if (f.count) qsort(f.pairs, f.count, sizeof *f.pairs, by_size);
    uint32_t count = f.count < most ? f.count : most;
    if (count) memcpy(pairs, f.pairs, count * sizeof *pairs);
    mem_free(rows);
    mem_free(f.pairs);
    return known && !is_stopped(s) ? (int64_t)count : -1;
}
