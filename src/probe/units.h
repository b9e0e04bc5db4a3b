// What the units of one layer did: over the last batch, and over the samples observed so far.
//
// Over the last batch: mean |a|, mean a, share of samples on which it was not zero, root mean square of dL/dz.
// Means and root mean squares are over the finite; NaN where nothing was finite. What is not finite is not zero.
// Over observed samples: dead (zero on each of the last 1024); saturated (beyond its bound on 95 % of them) and mean per class
// with a window that fades: a batch of B samples lets what was before count by 1 - B / window (1024; classes 8192).
// A unit that stands for several places (a channel of a map): its mean over the places; zero means zero at all places; of a
// sample that share is beyond the bound which its places are. All sums are of doubles.
#ifndef NNS_PROBE_UNITS_H
#define NNS_PROBE_UNITS_H

#include <stdbool.h>
#include <stdint.h>

#define UNITS_YOUNG 1024u
#define UNITS_CLASSES 64u // labels beyond are observed, but belong to no class
#define UNITS_CLASS_CELLS (4u << 20)

// What an activation's bounds are.
enum { BOUND_NONE = 0, BOUND_TANH = 1, BOUND_SIGMOID = 2 };

typedef struct units {
    uint32_t count;
    int bound;
    bool shown; // what the network is shown: never dead, whatever stays zero
    // Of the last batch, [count].
    float *mean_abs, *mean, *active, *gradient;
    // Of observed samples.
    uint64_t observed;
    uint64_t *last_active; // [count] number of the last sample (from 1) that was not zero
    double *saturated;     // [count] of faded samples
    double seen;           // faded samples
    uint32_t classes;      // one more than the largest label so far
    double *class_sum;     // (UNITS_CLASSES, count); NULL: too many units, or no label yet
    double *class_missed;  // as class_sum: faded samples that were not finite; NULL: none so far
    double class_seen[UNITS_CLASSES];
    // Of the batch while it is added up, [count].
    double *sum, *sum_abs, *missed; // missed: places that were not finite
    uint32_t *latest;               // the last row (from 1) that was not zero, 0 none
    float *value;                   // of one sample, mean over the places
} units;

// NNS_E_NO_MEMORY.
int units_init(units *u, uint32_t count, int bound);
void units_fini(units *u);

// Activations (rows, count, places), row by row. Each sample's unit means go to `values` (rows, count) unless NULL. labels
// (rows) or NULL. fresh false: these samples were observed already, only what is of the last batch is taken.
typedef struct units_batch {
    const float *at;
    uint32_t rows, places;
    const float *labels;
    float *values;
    bool fresh;
} units_batch;
void units_observe(units *u, const units_batch *batch);

// dL/dz (rows, count, places), of any size that float32 has.
void units_gradient(units *u, const float *at, uint32_t rows, uint32_t places);

bool units_dead(const units *u, uint32_t unit);
bool units_saturated(const units *u, uint32_t unit);
void units_marks(const units *u, uint8_t *marks); // (count) MARK_ bits (journal/capture.h)
double units_share_dead(const units *u);
double units_share_saturated(const units *u);

// (classes, count); NaN where no sample of the class was seen. 0 classes: no labels.
void units_class_means(const units *u, float *out);
// (count) 0 generic .. 1 specific; NaN while fewer than two classes were seen, and of a unit that is zero for all of them.
void units_selectivity(const units *u, float *out);

#endif
