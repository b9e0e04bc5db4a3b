// Unit links.c gathers the links of one tensor out of slices in any order of memory.
//
// Place on the path: the digest worker, between a slice (copies.h, as float32) and sections of a capture. Nothing of the size
// of the tensor is kept beside the cells, so that a network of any size can be looked at.
//
// How memory order becomes (U, I): the dimensions sorted by stride give axes, outermost first; those that follow each other in
// both orders are one. A line is what the innermost axis makes. Where it runs along a row it is a piece of one as it is. Where it runs
// across and the next axis along (a weight kept as (I, U), images with the channels last) TILE lines at a time are turned into
// pieces of rows. Any other order goes element by element.
//
// Invariant: each element is handed to `row_piece` exactly once.
#include "links.h"

#include "base/error.h"
#include "base/mem.h"

#include <math.h>
#include <string.h>

#define TILE 32

// Making it ------------------------------------------------------------------------------------------

// How (units, inputs) is folded to at most `most` cells: halved along the longer side until it fits.
static void fold(uint32_t units, uint32_t inputs, size_t most, uint32_t *rows, uint32_t *columns) {
    *rows = units;
    *columns = inputs;
    while ((uint64_t)*rows * *columns > most && (*rows > 1 || *columns > 1)) {
        uint32_t *longer = *rows > *columns ? rows : columns;
        *longer = *longer / 2 + *longer % 2;
    }
}

// The next axis inwards. It and the one around it are one when they follow each other in the order of (U, I) too.
static void add_axis(links *l, uint64_t extent, uint64_t step) {
    int before = l->axes - 1;
    if (before >= 0 && l->step[before] == step * extent) {
        l->extent[before] *= extent;
        l->step[before] = step;
        return;
    }
    l->extent[l->axes] = extent;
    l->step[l->axes++] = step;
}

// Axes by stride, outermost first; false: the strides are not those of a dense block.
static bool find_axes(links *l) {
    uint64_t flat = 1, flat_step[4];
    for (int i = l->shape.dims - 1; i >= 0; i--) {
        flat_step[i] = flat;
        flat *= l->shape.shape[i];
    }
    int64_t expect = 1;
    bool taken[4] = {false};
    int found = 0;
    uint64_t extent[4], step[4];
    for (int i = 0; i < l->shape.dims; i++)
        taken[i] = l->shape.shape[i] == 1;
    for (int n = 0; n < l->shape.dims; n++)
        for (int i = l->shape.dims - 1; i >= 0; i--) {
            if (taken[i] || l->shape.strides[i] != expect) continue;
            taken[i] = true;
            extent[found] = l->shape.shape[i];
            step[found++] = flat_step[i];
            expect *= l->shape.shape[i];
        }
    if ((uint64_t)expect != flat) return false;
    if (found == 0) extent[found] = step[found] = 1, found = 1;
    for (int i = found - 1; i >= 0; i--)
        add_axis(l, extent[i], step[i]);
    return true;
}

static int make_cells(links *l, size_t cells_max) {
    if (!cells_max) return 0;
    fold(l->units, l->inputs, cells_max, &l->cell_rows, &l->cell_columns);
    l->cells = mem_array((size_t)l->cell_rows * l->cell_columns, sizeof *l->cells);
    if (!l->cells) return NNS_E_NO_MEMORY;
    if (!links_folded(l)) return 0;
    l->column_of = mem_array(l->inputs, sizeof *l->column_of);
    if (!l->column_of) return NNS_E_NO_MEMORY;
    for (uint32_t i = 0; i < l->inputs; i++)
        l->column_of[i] = links_cell(i, l->cell_columns, l->inputs);
    return 0;
}

static int measure(links *l) {
    uint64_t inputs = 1;
    for (int i = 1; i < l->shape.dims; i++) {
        inputs *= l->shape.shape[i];
        if (inputs > UINT32_MAX) return NNS_E_INVALID;
    }
    l->units = l->shape.shape[0];
    l->inputs = (uint32_t)inputs;
    if (l->shape.dims < 1 || l->units == 0 || inputs == 0 || inputs * l->units > UINT32_MAX)
        return NNS_E_INVALID;
    return find_axes(l) ? 0 : NNS_E_INVALID;
}

int links_init(links *l, const links_shape *shape, size_t cells_max, uint32_t strong,
               bool squares) {
    *l = (links){.shape = *shape};
    int result = measure(l);
    if (!result) result = make_cells(l, cells_max);
    if (!result) result = strongest_init(&l->strong, strong);
    if (!result && squares && !(l->squares = mem_array(l->units, sizeof *l->squares)))
        result = NNS_E_NO_MEMORY;
    if (result) links_fini(l);
    return result;
}

void links_fini(links *l) {
    mem_free(l->cells);
    mem_free(l->column_of);
    mem_free(l->squares);
    strongest_fini(&l->strong);
    for (uint32_t i = 0; i < l->pick_count; i++)
        mem_free(l->picks[i].values);
    l->cells = NULL;
    l->column_of = NULL;
    l->squares = NULL;
    l->pick_count = 0;
}

static bool pick(links *l, links_pick p, uint32_t count) {
    if (l->pick_count == LINKS_PICKS_MAX) return false;
    p.values = mem_array(count, sizeof *p.values);
    p.count = count;
    if (!p.values) return false;
    l->picks[l->pick_count++] = p;
    return true;
}

bool links_pick_row(links *l, uint32_t unit) {
    return unit < l->units && pick(l, (links_pick){.item = unit}, l->inputs);
}

bool links_pick_columns(links *l, uint32_t item, uint32_t first, uint32_t width) {
    if (width == 0 || first >= l->inputs || width > l->inputs - first) return false;
    return pick(l, (links_pick){.column = true, .item = item, .first = first, .width = width},
                l->units);
}

// Gathering ------------------------------------------------------------------------------------------

// The one of larger |value|; NaN stands above all and stays.
static inline float larger(float a, float b) {
    return isnan(a) || fabsf(b) <= fabsf(a) ? a : b;
}

static void into_cells(links *l, uint32_t u, uint32_t i, const float *values, size_t count) {
    if (!l->column_of) {
        memcpy(l->cells + (size_t)u * l->inputs + i, values, count * sizeof *values);
        return;
    }
    float *row = l->cells + (size_t)links_cell(u, l->cell_rows, l->units) * l->cell_columns;
    for (size_t k = 0; k < count; k++) {
        float *cell = row + l->column_of[i + k];
        *cell = larger(*cell, values[k]);
    }
}

static void into_picks(links *l, uint32_t u, uint32_t i, const float *values, size_t count) {
    for (uint32_t n = 0; n < l->pick_count; n++) {
        links_pick *p = &l->picks[n];
        if (!p->column && p->item == u) memcpy(p->values + i, values, count * sizeof *values);
        if (!p->column || i + count <= p->first || i >= p->first + p->width) continue;
        size_t from = p->first > i ? p->first - i : 0, to = p->first + p->width - i;
        for (size_t k = from; k < count && k < to; k++)
            p->values[u] = larger(p->values[u], values[k]);
    }
}

static void into_squares(links *l, uint32_t u, const float *values, size_t count) {
    double sum = 0;
    for (size_t k = 0; k < count; k++) {
        double v = fabsf(values[k]) < INFINITY ? (double)values[k] : 0;
        sum += v * v;
    }
    l->squares[u] += sum;
}

static void row_piece(links *l, uint32_t u, uint32_t i, const float *values, size_t count) {
    if (l->cells) into_cells(l, u, i, values, count);
    if (l->squares) into_squares(l, u, values, count);
    if (l->strong.wanted) strongest_offer(&l->strong, u * l->inputs + i, values, count);
    if (l->pick_count) into_picks(l, u, i, values, count);
}

// Flat index of element `at` of memory.
static uint64_t flat_of(const links *l, uint64_t at) {
    uint64_t flat = 0;
    for (int i = l->axes - 1; i >= 0; i--) {
        flat += at % l->extent[i] * l->step[i];
        at /= l->extent[i];
    }
    return flat;
}

// One after the other in the order of (U, I): pieces end where rows end.
static void add_rows(links *l, const float *values, uint64_t flat, size_t count) {
    while (count) {
        uint32_t u = (uint32_t)flat / l->inputs, i = (uint32_t)flat % l->inputs;
        size_t piece = l->inputs - i < count ? l->inputs - i : count;
        row_piece(l, u, i, values, piece);
        values += piece;
        flat += piece;
        count -= piece;
    }
}

// A piece of a line that runs across rows.
static void add_across(links *l, const float *values, uint64_t flat, uint64_t step, size_t count) {
    for (size_t k = 0; k < count; k++, flat += step)
        row_piece(l, (uint32_t)flat / l->inputs, (uint32_t)flat % l->inputs, values + k, 1);
}

// `columns` whole lines across, neighbours in their rows, turned into pieces of rows.
static void add_tile(links *l, const float *values, uint64_t flat, size_t columns) {
    size_t length = (size_t)l->extent[l->axes - 1];
    float piece[TILE];
    for (size_t n = 0; n < length; n++, flat += l->step[l->axes - 1]) {
        for (size_t k = 0; k < columns; k++)
            piece[k] = values[k * length + n];
        add_rows(l, piece, flat, columns);
    }
}

static size_t least(uint64_t a, uint64_t b) {
    return (size_t)(a < b ? a : b);
}

// Lines that begin here, whole and beside each other in their rows: at most TILE.
static size_t lines_of_tile(const links *l, uint64_t line, size_t count) {
    if (l->axes < 2 || l->step[l->axes - 2] != 1) return 0;
    uint64_t beside = l->extent[l->axes - 2] - line % l->extent[l->axes - 2];
    return least(least(TILE, beside), count / l->extent[l->axes - 1]);
}

// What comes next, as much of it as can be taken together. Returns how many.
static size_t add_next(links *l, const float *values, uint64_t at, size_t count) {
    uint64_t length = l->extent[l->axes - 1], step = l->step[l->axes - 1], into = at % length;
    size_t rest = least(length - into, count);
    size_t lines = into || step == 1 ? 0 : lines_of_tile(l, at / length, count);
    if (lines) {
        add_tile(l, values, flat_of(l, at), lines);
        return lines * (size_t)length;
    }
    if (step == 1)
        add_rows(l, values, flat_of(l, at), rest);
    else
        add_across(l, values, flat_of(l, at), step, rest);
    return rest;
}

void links_add(links *l, const float *values, uint64_t first, size_t count) {
    uint64_t all = (uint64_t)l->units * l->inputs;
    if (first >= all) return;
    if (count > all - first) count = (size_t)(all - first);
    for (size_t done = 0; done < count;)
        done += add_next(l, values + done, first + done, count - done);
}
