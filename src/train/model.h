// Which network to build: what a person says about it, as a list of layers.
#ifndef NNS_TRAIN_MODEL_H
#define NNS_TRAIN_MODEL_H

#include "net.h"

#define MODEL_HIDDEN_CAP 63
#define MODEL_FILTERS_CAP 8
#define MODEL_TEXT_CAP 512

typedef struct model {
    bool cnn;
    int hidden;                       // dense layers before the last; -1: the model's default
    int width[MODEL_HIDDEN_CAP];      // units of each
    int stages;                       // of the cnn: filters, normalisation, pool; 0: its default
    int filters[MODEL_FILTERS_CAP];   // of each
    int kernel;                       // edge of the filters; 0: default
    int activation;                   // -1: the model's default
} model;

// What was left open is filled in: mlp 512-256, gelu; cnn 16, 32 and 64 filters of 3 x 3,
// 128 units, relu.
void model_fill(model *m);

// The layers, for images and classes like these. A filled model always has them.
void model_shape(const model *m, extent in, int classes, net_shape *out);

// "784-512-256-10", "28x28-16c3-32c3-64c3-128-10" (filters c edge); and the first word of both: "mlp" or "cnn".
void model_text(const net *n, char text[MODEL_TEXT_CAP]);
const char *model_word(const net *n);

// The nonlinearity of the hidden layers.
activation model_activation(const net *n);

// Name of a layer, unique in its network: "conv1" "norm1" "pool1" "flatten" "fc1" "output".
#define MODEL_NAME_CAP 16
void model_layer_name(const net *n, int at, char name[MODEL_NAME_CAP]);

#endif
