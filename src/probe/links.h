// The links of one weight-like tensor, gathered slice by slice from any order in memory: the matrix (U, I) as cells, the
// strongest links exactly, the norm of each unit's incoming ones, rows and columns of inspected units exactly.
// U is the first dimension, I all others together; the flat index of a link is u * I + i, whatever the order in memory.
#ifndef NNS_PROBE_LINKS_H
#define NNS_PROBE_LINKS_H

#include "moments.h"
#include "strongest.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LINKS_PICKS_MAX 512

typedef struct links_shape {
    int dims;
    uint32_t shape[4];  // unused ones are 1
    int64_t strides[4]; // in elements, of the slices' memory: dense, any order
} links_shape;

// A row (incoming: of unit `item`) or the columns first..first+width (outgoing: of unit `item` of the layer before).
typedef struct links_pick {
    bool column;
    uint32_t item, first, width;
    float *values; // column: of each row the value of largest |value|. Row: I values
    uint32_t count;
} links_pick;

typedef struct links {
    links_shape shape;
    uint32_t units, inputs;
    float *cells; // (cell_rows, cell_columns), largest |value| of each block; NULL: not wanted
    uint32_t cell_rows, cell_columns;
    bool exact;          // the cells are to be given as they are
    uint32_t *column_of; // (I) column of cells; NULL: not folded
    double *squares;     // (U) of the finite incoming links; NULL: not wanted
    strongest strong;    // wanted 0: not wanted
    links_pick picks[LINKS_PICKS_MAX];
    uint32_t pick_count;
    // Order of memory: extent and flat step of each dimension, outermost first.
    int axes;
    uint64_t extent[4], step[4];
} links;

// cells_max 0: no cells; strong 0: no pairs. NNS_E_NO_MEMORY (l is empty then), NNS_E_INVALID for a shape that is not dense.
int links_init(links *l, const links_shape *shape, size_t cells_max, uint32_t strong, bool squares);
void links_fini(links *l);
// Before the first slice. False: no room; the pick is left out.
bool links_pick_row(links *l, uint32_t unit);
bool links_pick_columns(links *l, uint32_t item, uint32_t first, uint32_t width);

// Elements first .. first + count in the order of memory.
void links_add(links *l, const float *values, uint64_t first, size_t count);

static inline bool links_folded(const links *l) {
    return l->cell_rows != l->units || l->cell_columns != l->inputs;
}

// Cell of row `row` of `full` when folded to `cells`: floor(row * cells / full).
static inline uint32_t links_cell(uint32_t row, uint32_t cells, uint32_t full) {
    return (uint32_t)((uint64_t)row * cells / full);
}


#endif
