// Unit state.c writes the whole state of a training run into a file and reads it back.
//
//   offset  size     value (little-endian)
//   0       8        "NNSTRAIN"
//   8       4        version: 1
//   12      4        layers L
//   16      4        inputs
//   20      4        activation between layers
//   24      4        optimizer
//   28      4        checksum of the training data
//   32      4        training images
//   36      4        position in the epoch
//   40      8        seed
//   48      8        steps done
//   56      8        epochs done
//   64      8        updates since the moments were zero
//   72      8        batch
//   80      8        epochs planned
//   88      8 x 5    lr, momentum, beta1, beta2, weight decay
//   128     8 x 4    random state before this epoch's shuffling
//   160     8, 8     loss and right answers summed over this epoch
//   176     4 L      units of each layer, the last is the number of classes
//   ...     4 P      parameters: all weights, then all biases, layer by layer
//   ...     4 P      first moments in the same order
//   ...     4 P      second moments
//   ...     4        CRC-32C of all that stands before
//
// Rewritten whole by a temporary name, so that a file is always one that was finished.
#include "trainer.h"

#include "base/error.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/le.h"

#include <math.h>
#include <string.h>

#define MAGIC "NNSTRAIN"
#define VERSION 1
#define HEADER_BYTES 176
#define FILE_BYTES_CAP ((size_t)1 << 36)

_Static_assert(sizeof(float) == 4 && sizeof(double) == 8, "IEEE 754 sizes");

static void encode_numbers(const trainer *t, buf *out) {
    const optimizer_settings *s = &t->live.rule;
    const double numbers[5] = {s->lr, s->momentum, s->beta1, s->beta2, s->weight_decay};
    for (int i = 0; i < 5; i++)
        buf_f64(out, numbers[i]);
    for (int i = 0; i < 4; i++)
        buf_u64(out, t->before.word[i]);
    buf_f64(out, t->epoch_sum.loss);
    buf_u64(out, t->epoch_sum.correct);
}

static void encode_header(const trainer *t, buf *out) {
    buf_add(out, MAGIC, 8);
    buf_u32(out, VERSION);
    buf_u32(out, (uint32_t)t->net.shape.layers);
    buf_u32(out, (uint32_t)t->net.shape.inputs);
    buf_u32(out, (uint32_t)t->net.shape.hidden);
    buf_u32(out, (uint32_t)t->net.rule.kind);
    buf_u32(out, t->d->checksum);
    buf_u32(out, t->d->train.count);
    buf_u32(out, t->position);
    buf_u64(out, t->seed);
    buf_i64(out, t->step);
    buf_i64(out, t->epoch);
    buf_i64(out, t->net.rule.updates);
    buf_i64(out, t->live.batch);
    buf_i64(out, t->live.epochs);
    encode_numbers(t, out);
    for (int l = 0; l < t->net.shape.layers; l++)
        buf_u32(out, (uint32_t)t->net.shape.width[l]);
}

int trainer_encode(const trainer *t, buf *out) {
    size_t bytes = t->net.parameters * sizeof(float);
    encode_header(t, out);
    buf_add(out, t->net.params, bytes);
    buf_add(out, t->net.rule.m, bytes);
    buf_add(out, t->net.rule.v, bytes);
    if (!out->failed) buf_u32(out, hash_crc32c(0, out->data, out->length));
    return out->failed ? NNS_E_NO_MEMORY : 0;
}

int trainer_save(const trainer *t, const char *path, why *w) {
    buf bytes = {0};
    int result = trainer_encode(t, &bytes);
    if (!result) result = file_write(path, bytes.data, bytes.length);
    buf_fini(&bytes);
    return result ? why_set(w, result, "%s: cannot save: %s", path, error_sentence(result)) : 0;
}

static int damaged(const char *name, size_t offset, const char *what, why *w) {
    return why_set(w, NNS_E_CORRUPT, "%s: offset %zu: %s", name, offset, what);
}

static int check_envelope(const char *name, const uint8_t *b, size_t length, why *w) {
    if (length < HEADER_BYTES + 8) return damaged(name, length, "the file ends too early", w);
    if (memcmp(b, MAGIC, 8)) return damaged(name, 0, "not a saved training state", w);
    if (le_u32(b + 8) != VERSION)
        return why_set(w, NNS_E_VERSION, "%s: offset 8: version %u, this program reads %d", name,
                       le_u32(b + 8), VERSION);
    if (le_u32(b + length - 4) != hash_crc32c(0, b, length - 4))
        return damaged(name, length - 4, "the checksum does not fit: the file is damaged", w);
    return 0;
}

static int decode_shape(const char *name, const uint8_t *b, size_t length, mlp_shape *shape,
                        why *w) {
    uint32_t layers = le_u32(b + 12), inputs = le_u32(b + 16), hidden = le_u32(b + 20);
    if (layers < 1 || layers > MLP_LAYERS_CAP) return damaged(name, 12, "number of layers", w);
    if (inputs < 1 || inputs > MLP_WIDTH_CAP) return damaged(name, 16, "number of inputs", w);
    if (hidden >= ACTIVATION_COUNT) return damaged(name, 20, "unknown activation", w);
    if (length < HEADER_BYTES + 4 * (size_t)layers + 4)
        return damaged(name, length, "ends early", w);
    *shape =
        (mlp_shape){.inputs = (int)inputs, .layers = (int)layers, .hidden = (activation)hidden};
    size_t parameters = 0;
    for (uint32_t l = 0, in = inputs; l < layers; l++) {
        uint32_t out = le_u32(b + HEADER_BYTES + 4 * l);
        if (out < 1 || out > MLP_WIDTH_CAP)
            return damaged(name, HEADER_BYTES + 4 * l, "units of a layer", w);
        shape->width[l] = (int)out;
        parameters += (size_t)in * out + out;
        in = out;
    }
    size_t need = HEADER_BYTES + 4 * (size_t)layers + 12 * parameters + 4;
    return length == need ? 0 : damaged(name, length, "the size does not fit the network", w);
}

// The same data, or the order of the images and what was learnt from them mean nothing.
static int check_data(const char *name, const uint8_t *b, const data *d, const mlp_shape *s,
                      why *w) {
    if ((uint32_t)s->inputs != d->rows * d->columns || s->width[s->layers - 1] != d->classes)
        return why_set(w, NNS_E_INVALID,
                       "%s: a network of %d inputs and %d classes, but the data has %u and %d",
                       name, s->inputs, s->width[s->layers - 1], d->rows * d->columns, d->classes);
    if (le_u32(b + 28) != d->checksum || le_u32(b + 32) != d->train.count)
        return why_set(w, NNS_E_INVALID,
                       "%s: saved while training on other data than: %s (%u images); "
                       "give the same --data, --seed and --limit",
                       name, d->source, d->train.count);
    if (le_u32(b + 36) >= d->train.count) return damaged(name, 36, "position beyond the data", w);
    return 0;
}

static void decode_numbers(trainer *t, const uint8_t *b) {
    optimizer_settings *s = &t->live.rule;
    double *const numbers[5] = {&s->lr, &s->momentum, &s->beta1, &s->beta2, &s->weight_decay};
    for (int i = 0; i < 5; i++)
        *numbers[i] = le_f64(b + 88 + 8 * i);
    for (int i = 0; i < 4; i++)
        t->before.word[i] = le_u64(b + 128 + 8 * i);
    trainer_shuffle(t);
    t->epoch_sum = (loss_sum){le_f64(b + 160), le_u64(b + 168)};
}

static int decode_header(trainer *t, const char *name, const uint8_t *b, why *w) {
    if (le_u32(b + 24) >= OPTIMIZER_COUNT) return damaged(name, 24, "unknown optimizer", w);
    t->net.rule.kind = (optimizer_kind)le_u32(b + 24);
    t->live.optimizer = (int)t->net.rule.kind;
    t->position = le_u32(b + 36);
    t->seed = le_u64(b + 40);
    t->step = le_i64(b + 48);
    t->epoch = le_i64(b + 56);
    t->net.rule.updates = le_i64(b + 64);
    t->live.batch = le_i64(b + 72);
    t->live.epochs = le_i64(b + 80);
    if (t->step < 0 || t->epoch < 0 || t->net.rule.updates < 0)
        return damaged(name, 48, "negative counts", w);
    if (t->live.batch < 1 || t->live.batch > MLP_BATCH_CAP || t->live.epochs < 0)
        return damaged(name, 72, "batch or epochs out of bounds", w);
    decode_numbers(t, b);
    return 0;
}

static void decode_arrays(trainer *t, const uint8_t *at) {
    size_t bytes = t->net.parameters * sizeof(float);
    memcpy(t->net.params, at, bytes);
    memcpy(t->net.rule.m, at + bytes, bytes);
    memcpy(t->net.rule.v, at + 2 * bytes, bytes);
}

int trainer_decode(trainer *t, const data *d, const char *name, const uint8_t *bytes, size_t length,
                   why *w) {
    mlp_shape shape;
    int result = check_envelope(name, bytes, length, w);
    if (!result) result = decode_shape(name, bytes, length, &shape, w);
    if (!result) result = check_data(name, bytes, d, &shape, w);
    if (!result) result = trainer_make(t, d, &shape, w);
    if (result) return result;
    result = decode_header(t, name, bytes, w);
    if (!result) decode_arrays(t, bytes + HEADER_BYTES + 4 * (size_t)shape.layers);
    if (result) trainer_free(t);
    return result;
}

int trainer_load(trainer *t, const data *d, const char *path, why *w) {
    buf bytes = {0};
    int result = file_read(path, FILE_BYTES_CAP, &bytes);
    if (result) why_set(w, result, "%s: cannot load: %s", path, error_sentence(result));
    if (!result) result = trainer_decode(t, d, path, bytes.data, bytes.length, w);
    buf_fini(&bytes);
    return result;
}
