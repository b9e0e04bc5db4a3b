// Unit pass.c is a pass over a batch: its arrays, forward through the layers, backward through them.
//
// A pass owns all that it writes except the gradients and, while learning, the statistics that normalisations
// keep: passes that do not learn may therefore come between the steps of one that does.
#include "net.h"

#include "base/error.h"
#include "block.h"

#include <assert.h>

static void plan_slot(pass *p, const net *n, int at, block *b) {
    const layer *l = &n->layer[at];
    const layer_operations *o = layer_operations_of(l->shape.kind);
    slot *s = &p->slot[at], *before = at ? &p->slot[at - 1] : NULL;
    size_t cells = p->rows * extent_cells(l->out);
    *s = (slot){.x = before ? before->a : p->x, .mode = p->mode, .product = gemm};
    s->dx = before ? before->d : NULL;
    if (l->shape.kind == LAYER_FLATTEN) { // moves nothing: the arrays of the layer before
        s->z = s->a = (float *)s->x;
        s->d = s->dx;
        return;
    }
    s->z = block_piece(b, cells, sizeof(float));
    s->a = l->shape.activation == ACTIVATION_LINEAR ? s->z : block_piece(b, cells, sizeof(float));
    if (p->mode == PASS_LEARN) s->d = block_piece(b, cells, sizeof(float));
    if (o->scratch) s->scratch = block_piece(b, o->scratch(l, p->rows), sizeof(float));
    if (l->shape.kind == LAYER_POOL) s->from = block_piece(b, cells, 1);
}

static void plan(pass *p, const net *n, block *b) {
    p->x = block_piece(b, p->rows * extent_cells(n->shape.in), sizeof(float));
    p->truth = block_piece(b, p->rows, 1);
    p->p = block_piece(b, p->rows * (size_t)net_classes(n), sizeof(float));
    p->loss = block_piece(b, p->rows, sizeof(float));
    for (int i = 0; i < n->shape.layers; i++)
        plan_slot(p, n, i, b);
}

int pass_new(pass *p, const net *n, size_t rows, pass_mode mode) {
    *p = (pass){.rows = rows, .mode = mode};
    block b = {0};
    plan(p, n, &b);
    p->memory = block_new(&b);
    if (!p->memory) return NNS_E_NO_MEMORY;
    plan(p, n, &b);
    return 0;
}

void pass_free(pass *p) {
    mem_free(p->memory);
    *p = (pass){0};
}

void pass_set_mode(pass *p, const net *n, pass_mode mode) {
    for (int i = 0; i < n->shape.layers; i++)
        p->slot[i].mode = mode;
}

int net_forward(const net *n, pass *p, size_t rows, loss_sum *sum) {
    assert(rows <= p->rows);
    for (int i = 0; i < n->shape.layers; i++) {
        const layer *l = &n->layer[i];
        int result = layer_operations_of(l->shape.kind)->forward(l, &p->slot[i], rows);
        if (result) return result;
    }
    const float *logits = p->slot[n->shape.layers - 1].z; // (B, classes)
    *sum = loss_forward(rows, (size_t)net_classes(n), logits, p->truth, p->p, p->loss);
    return 0;
}

int net_backward(const net *n, pass *p, size_t rows) {
    assert(p->mode == PASS_LEARN);
    int last = n->shape.layers - 1;
    loss_backward(rows, (size_t)net_classes(n), p->p, p->truth, p->slot[last].d);
    for (int i = last; i >= 0; i--) {
        const layer *l = &n->layer[i];
        int result = layer_operations_of(l->shape.kind)->backward(l, &p->slot[i], rows);
        if (result) return result;
    }
    return 0;
}
