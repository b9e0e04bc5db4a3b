// Unit layer.c is the table of layer kinds; each kind has a file of its own. Flattening, which moves nothing, is
// here: a sample's pixels and channels already are one row, so it hands on the arrays of the layer before (net.c).
#include "layer.h"

static bool flatten_size(layer *l) {
    size_t cells = extent_cells(l->in);
    if (cells > INT32_MAX) return false;
    l->out = (extent){1, 1, (int)cells};
    return true;
}

static int flatten_nothing(const layer *l, const slot *s, size_t rows) {
    (void)l, (void)s, (void)rows;
    return 0;
}

static const layer_operations flatten_operations = {
    .word = "flatten",
    .size = flatten_size,
    .forward = flatten_nothing,
    .backward = flatten_nothing,
};

const layer_operations *layer_operations_of(layer_kind kind) {
    static const layer_operations *const table[] = {
        [LAYER_DENSE] = &dense_operations,     [LAYER_CONV] = &conv_operations,
        [LAYER_NORM] = &norm_operations,       [LAYER_POOL] = &pool_operations,
        [LAYER_FLATTEN] = &flatten_operations,
    };
    _Static_assert(sizeof table / sizeof *table == LAYER_KINDS, "each kind has operations");
    return table[kind];
}
