// The samples observed last: what was shown, what the units made of it, how the network answered.
//
// A ring of up to 512 samples (fewer when an input is large: SAMPLES_BYTES in all) keeps inputs as bytes, the loss, and per
// layer the activation of each unit (mean over the places of a map); up to SAMPLES_UNITS units of a layer. Outcomes (truth and
// prediction) of the last SAMPLES_OUTCOMES samples make the confusion matrix.
#ifndef NNS_PROBE_SAMPLES_H
#define NNS_PROBE_SAMPLES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SAMPLES_RING 512u
#define SAMPLES_BYTES (32u << 20)
#define SAMPLES_UNITS 4096u
#define SAMPLES_UNIT_BYTES (64u << 20) // activations of all layers together
#define SAMPLES_OUTCOMES 8192u
#define SAMPLES_CLASSES 256u
#define SAMPLES_LAYERS 4096u

typedef struct samples_layer {
    float *values; // (ring, units); NULL: not kept
    uint32_t units;
    uint64_t *number; // (ring) of the sample that each row is of; 0 none
} samples_layer;

typedef struct sample_outcome {
    float loss;    // NaN unknown
    int32_t truth; // -1 unknown
    int32_t predicted;
    float probability; // of the prediction
} sample_outcome;

typedef struct samples {
    uint64_t taken; // samples so far; number n stands in slot (n - 1) % ring
    uint32_t ring;  // 0: no input yet
    uint32_t input_elements;
    uint8_t *inputs;          // (ring, input_elements)
    bool shown[SAMPLES_RING]; // the slot's input is known
    sample_outcome outcomes[SAMPLES_RING];
    float low, high;       // of all inputs: what 0 and 255 stand for
    samples_layer *layers; // (SAMPLES_LAYERS)
    size_t unit_bytes;
    uint16_t history[SAMPLES_OUTCOMES][2]; // truth, predicted
    uint64_t history_count;
    uint32_t classes;
    const _Atomic bool *stop; // NULL: never; long work is given up
} samples;

// The class that a label says; -1: none, it is not one of the whole numbers 0 .. classes - 1.
static inline int32_t samples_class_of(float label, uint32_t classes) {
    if (!(label >= 0 && label < (float)classes)) return -1;
    int32_t k = (int32_t)label;
    return (float)k == label ? k : -1;
}

int samples_init(samples *s); // NNS_E_NO_MEMORY
void samples_fini(samples *s);

// What one batch showed; NULL: not known. inputs (rows, elements), labels (rows), predictions (rows, classes), losses (rows).
typedef struct samples_batch {
    uint32_t rows;
    const float *inputs;
    uint32_t input_elements;
    const float *labels, *predictions, *losses;
    uint32_t classes;
    bool bytes; // inputs are 0 .. 255 as they are
} samples_batch;

// Takes the last rows of it, as many as the ring has. Returns the number of its first row (also of those left out).
uint64_t samples_take(samples *s, const samples_batch *batch);
// What units (rows, units) of a layer made of the batch whose first row has number `first`.
void samples_units(samples *s, uint32_t layer, const float *values, uint32_t rows, uint32_t units,
                   uint64_t first);

static inline const uint8_t *samples_input(const samples *s, uint32_t slot) {
    return s->inputs + (size_t)slot * s->input_elements;
}

// Of samples whose input is known:

// Slots of up to `most` samples of largest (smallest) loss, the extreme first. Returns how many.
uint32_t samples_by_loss(const samples *s, bool worst, uint32_t most, uint32_t *slots);
// Slots on which the unit was strongest. Returns how many.
uint32_t samples_of_unit(const samples *s, uint32_t layer, uint32_t unit, uint32_t most,
                         uint32_t *slots, float *values);

// (classes, classes) counts, row is the truth. False: no labels or predictions were seen.
bool samples_confusion(const samples *s, uint32_t *counts);

// Pairs of units of a layer with |r| >= least over the samples in the ring (at least 32), largest |r| first.
typedef struct unit_pair {
    uint32_t a, b;
    float r;
} unit_pair;
// Returns how many of `most` were written; -1: not known (fewer samples, a layer that is not kept, no memory, *stop).
int64_t samples_correlation(const samples *s, uint32_t layer, float least, uint32_t most,
                            unit_pair *pairs);

#endif
