// Unit model.c turns the words of a command line into a list of layers, and a list of layers into words.
//
//   mlp  dense(512, gelu) dense(256, gelu) dense(classes)
//   cnn  [conv(16) norm(relu) pool] [32 ...] [64 ...] flatten dense(128, relu) dense(classes)
#include "model.h"

#include <stdarg.h>
#include <stdio.h>

_Static_assert(3 * MODEL_FILTERS_CAP + 1 + MODEL_HIDDEN_CAP + 1 <= NET_LAYERS_CAP,
               "each model fits");

void model_fill(model *m) {
    if (m->hidden < 0) {
        m->hidden = m->cnn ? 1 : 2;
        m->width[0] = m->cnn ? 128 : 512;
        m->width[1] = 256;
    }
    if (m->activation < 0) m->activation = m->cnn ? ACTIVATION_RELU : ACTIVATION_GELU;
    if (m->cnn && !m->stages) {
        m->stages = 3;
        for (int i = 0; i < 3; i++)
            m->filters[i] = 16 << i;
    }
    if (m->cnn && !m->kernel) m->kernel = 3;
}

static void add(net_shape *s, layer_shape next) {
    s->layer[s->layers++] = next;
}

static void add_stage(net_shape *s, const model *m, int stage) {
    add(s, (layer_shape){.kind = LAYER_CONV, .units = m->filters[stage], .kernel = m->kernel});
    add(s, (layer_shape){.kind = LAYER_NORM, .activation = (activation)m->activation});
    add(s, (layer_shape){.kind = LAYER_POOL});
}

void model_shape(const model *m, extent in, int classes, net_shape *out) {
    *out = (net_shape){.in = in};
    for (int i = 0; m->cnn && i < m->stages; i++)
        add_stage(out, m, i);
    if (m->cnn) add(out, (layer_shape){.kind = LAYER_FLATTEN});
    for (int i = 0; i < m->hidden; i++)
        add(out, (layer_shape){.kind = LAYER_DENSE,
                               .activation = (activation)m->activation,
                               .units = m->width[i]});
    add(out, (layer_shape){.kind = LAYER_DENSE, .units = classes});
}

static bool has(const net *n, layer_kind kind) {
    for (int i = 0; i < n->shape.layers; i++)
        if (n->shape.layer[i].kind == kind) return true;
    return false;
}

const char *model_word(const net *n) {
    return has(n, LAYER_CONV) ? "cnn" : "mlp";
}

activation model_activation(const net *n) {
    for (int i = 0; i < n->shape.layers; i++)
        if (n->shape.layer[i].activation != ACTIVATION_LINEAR) return n->shape.layer[i].activation;
    return ACTIVATION_LINEAR;
}

__attribute__((format(printf, 3, 4))) static size_t append(char *text, size_t used,
                                                           const char *format, ...) {
    va_list args;
    va_start(args, format);
    int more = vsnprintf(text + used, MODEL_TEXT_CAP - used, format, args);
    va_end(args);
    used += more > 0 ? (size_t)more : 0;
    return used < MODEL_TEXT_CAP ? used : MODEL_TEXT_CAP - 1;
}

void model_text(const net *n, char text[MODEL_TEXT_CAP]) {
    extent in = n->shape.in;
    size_t used = has(n, LAYER_CONV) ? append(text, 0, "%dx%d", in.width, in.height)
                                     : append(text, 0, "%zu", extent_cells(in));
    for (int i = 0; i < n->shape.layers; i++) {
        const layer_shape *s = &n->shape.layer[i];
        if (s->kind == LAYER_CONV) used = append(text, used, "-%dc%d", s->units, s->kernel);
        if (s->kind == LAYER_DENSE) used = append(text, used, "-%d", s->units);
    }
}

static int number_among(const net *n, int at) {
    int number = 1;
    for (int i = 0; i < at; i++)
        number += n->shape.layer[i].kind == n->shape.layer[at].kind;
    return number;
}

void model_layer_name(const net *n, int at, char name[MODEL_NAME_CAP]) {
    static const char *const words[] = {
        [LAYER_DENSE] = "fc",  [LAYER_CONV] = "conv",       [LAYER_NORM] = "norm",
        [LAYER_POOL] = "pool", [LAYER_FLATTEN] = "flatten",
    };
    if (at == n->shape.layers - 1)
        snprintf(name, MODEL_NAME_CAP, "output");
    else if (n->shape.layer[at].kind == LAYER_FLATTEN)
        snprintf(name, MODEL_NAME_CAP, "flatten");
    else
        snprintf(name, MODEL_NAME_CAP, "%s%d", words[n->shape.layer[at].kind], number_among(n, at));
}
