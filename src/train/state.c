// Unit state.c writes the whole state of a training run into a file and reads it back.
//
//   offset  size     value (little-endian)
//   0       8        "NNSTRAIN"
//   8       4        version: 2
//   12      4        layers L
//   16      4        height of an image
//   20      4        its width
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
//   176     4, 4     schedule of the learning rate (trainer.h), zero
//   184     16 L     each layer: kind (layer.h), activation, units, edge of its filters
//   ...     4 P      parameters in the order of net.h
//   ...     4 P      first moments in the same order
//   ...     4 P      second moments
//   ...     4 S      statistics that normalisations keep
//   ...     4        CRC-32C of all that stands before
//
// Version 1 knew dense layers and a constant learning rate only and is still read: at 16 the inputs, at 20 the activation between layers, at 176
// 4 L units of each layer, the last is the number of classes; S is 0.
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
#define VERSION 2
#define OLD_HEADER_BYTES 176 // of version 1
#define HEADER_BYTES 184
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

static void encode_layer(const layer_shape *s, buf *out) {
    buf_u32(out, (uint32_t)s->kind);
    buf_u32(out, (uint32_t)s->activation);
    buf_u32(out, (uint32_t)s->units);
    buf_u32(out, (uint32_t)s->kernel);
}

static void encode_header(const trainer *t, buf *out) {
    buf_add(out, MAGIC, 8);
    buf_u32(out, VERSION);
    buf_u32(out, (uint32_t)t->net.shape.layers);
    buf_u32(out, (uint32_t)t->net.shape.in.height);
    buf_u32(out, (uint32_t)t->net.shape.in.width);
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
    buf_u32(out, (uint32_t)t->live.schedule);
    buf_u32(out, 0);
    for (int i = 0; i < t->net.shape.layers; i++)
        encode_layer(&t->net.shape.layer[i], out);
}

int trainer_encode(const trainer *t, buf *out) {
    size_t bytes = t->net.parameters * sizeof(float);
    encode_header(t, out);
    buf_add(out, t->net.params, bytes);
    buf_add(out, t->net.rule.m, bytes);
    buf_add(out, t->net.rule.v, bytes);
    buf_add(out, t->net.running, t->net.statistics * sizeof(float));
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
    if (le_u32(b + 8) < 1 || le_u32(b + 8) > VERSION)
        return why_set(w, NNS_E_VERSION, "%s: offset 8: version %u, this program reads 1 to %d",
                       name, le_u32(b + 8), VERSION);
    if (le_u32(b + length - 4) != hash_crc32c(0, b, length - 4))
        return damaged(name, length - 4, "the checksum does not fit: the file is damaged", w);
    return 0;
}

// Bytes of one layer's description.
static size_t layer_bytes(const uint8_t *b) {
    return le_u32(b + 8) == 1 ? 4 : 16;
}

static size_t arrays_offset(const uint8_t *b) {
    return (le_u32(b + 8) == 1 ? OLD_HEADER_BYTES : HEADER_BYTES) + layer_bytes(b) * le_u32(b + 12);
}

// Version 1: a dense layer; the last one is linear.
static int decode_units(const char *name, const uint8_t *b, uint32_t at, layer_shape *out, why *w) {
    uint32_t hidden = le_u32(b + 20), units = le_u32(b + OLD_HEADER_BYTES + 4 * at);
    bool last = at == le_u32(b + 12) - 1;
    if (units < 1 || units > LAYER_UNITS_CAP)
        return damaged(name, OLD_HEADER_BYTES + 4 * at, "units of a layer", w);
    *out = (layer_shape){.kind = LAYER_DENSE,
                         .activation = last ? ACTIVATION_LINEAR : (activation)hidden,
                         .units = (int)units};
    return 0;
}

static int decode_layer(const char *name, const uint8_t *b, uint32_t at, layer_shape *out, why *w) {
    size_t offset = HEADER_BYTES + 16 * (size_t)at;
    uint32_t kind = le_u32(b + offset), activation_kind = le_u32(b + offset + 4);
    uint32_t units = le_u32(b + offset + 8), kernel = le_u32(b + offset + 12);
    if (kind >= LAYER_KINDS) return damaged(name, offset, "unknown kind of layer", w);
    if (activation_kind >= ACTIVATION_COUNT)
        return damaged(name, offset + 4, "unknown activation", w);
    bool bends = kind == LAYER_DENSE || kind == LAYER_NORM;
    if (activation_kind && !bends)
        return damaged(name, offset + 4, "activation of such a layer", w);
    if (units > LAYER_UNITS_CAP) return damaged(name, offset + 8, "units of a layer", w);
    if (kernel > LAYER_KERNEL_CAP) return damaged(name, offset + 12, "edge of the filters", w);
    *out = (layer_shape){.kind = (layer_kind)kind,
                         .activation = (activation)activation_kind,
                         .units = (int)units,
                         .kernel = (int)kernel};
    return 0;
}

static int check_edges(const char *name, const uint8_t *b, why *w) {
    uint32_t layers = le_u32(b + 12), first = le_u32(b + 16), second = le_u32(b + 20);
    bool old = le_u32(b + 8) == 1;
    if (layers < 1 || layers > NET_LAYERS_CAP) return damaged(name, 12, "number of layers", w);
    if (first < 1 || first > LAYER_UNITS_CAP)
        return damaged(name, 16, old ? "number of inputs" : "height", w);
    if (old && second >= ACTIVATION_COUNT) return damaged(name, 20, "unknown activation", w);
    if (!old && (second < 1 || second > LAYER_UNITS_CAP)) return damaged(name, 20, "width", w);
    return 0;
}

static int decode_shape(const char *name, const uint8_t *b, size_t length, net_shape *shape,
                        why *w) {
    bool old = le_u32(b + 8) == 1;
    int result = check_edges(name, b, w);
    if (result) return result;
    if (length < arrays_offset(b) + 4) return damaged(name, length, "ends early", w);
    *shape = (net_shape){.layers = (int)le_u32(b + 12)};
    shape->in = old ? (extent){1, (int)le_u32(b + 16), 1}
                    : (extent){(int)le_u32(b + 16), (int)le_u32(b + 20), 1};
    for (uint32_t i = 0; i < (uint32_t)shape->layers && !result; i++)
        result = (old ? decode_units : decode_layer)(name, b, i, &shape->layer[i], w);
    return result;
}

// The same data, or the order of the images and what was learnt from them mean nothing. Version 1 did not say how
// its inputs lie: as those of the data.
static int check_data(const char *name, const uint8_t *b, const data *d, net_shape *s, why *w) {
    bool old = le_u32(b + 8) == 1;
    int classes = s->layer[s->layers - 1].units;
    extent in = {(int)d->rows, (int)d->columns, 1};
    bool same = old ? extent_cells(s->in) == extent_cells(in)
                    : s->in.height == in.height && s->in.width == in.width;
    if (!same || classes != d->classes)
        return why_set(
            w, NNS_E_INVALID,
            "%s: a network of %d x %d inputs and %d classes, but the data has %d x %d and %d", name,
            s->in.width, s->in.height, classes, in.width, in.height, d->classes);
    s->in = in;
    if (le_u32(b + 28) != d->checksum || le_u32(b + 32) != d->train.count)
        return why_set(w, NNS_E_INVALID,
                       "%s: saved while training on other data than: %s (%u images); "
                       "give the same --data, --seed and --limit",
                       name, d->source, d->train.count);
    if (le_u32(b + 36) >= d->train.count) return damaged(name, 36, "position beyond the data", w);
    return 0;
}

// Before memory is taken: no file makes us take more than belongs to its own size.
static int check_size(const char *name, const uint8_t *b, size_t length, const net_shape *shape,
                      why *w) {
    net sizes;
    if (!net_size(&sizes, shape))
        return damaged(name, HEADER_BYTES, "layers that do not fit each other", w);
    size_t need = arrays_offset(b) + 12 * sizes.parameters + 4 * sizes.statistics + 4;
    return length == need ? 0 : damaged(name, length, "the size does not fit the network", w);
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
    t->live.schedule = le_u32(b + 8) == 1 ? SCHEDULE_CONSTANT : (int)le_u32(b + 176);
    if (t->live.schedule < 0 || t->live.schedule >= SCHEDULE_COUNT)
        return damaged(name, 176, "unknown schedule", w);
    if (t->step < 0 || t->epoch < 0 || t->net.rule.updates < 0)
        return damaged(name, 48, "negative counts", w);
    if (t->live.batch < 1 || t->live.batch > NET_BATCH_CAP || t->live.epochs < 0)
        return damaged(name, 72, "batch or epochs out of bounds", w);
    decode_numbers(t, b);
    return 0;
}

static void decode_arrays(trainer *t, const uint8_t *at) {
    size_t bytes = t->net.parameters * sizeof(float);
    memcpy(t->net.params, at, bytes);
    memcpy(t->net.rule.m, at + bytes, bytes);
    memcpy(t->net.rule.v, at + 2 * bytes, bytes);
    memcpy(t->net.running, at + 3 * bytes, t->net.statistics * sizeof(float));
}

int trainer_decode(trainer *t, const data *d, const char *name, const uint8_t *bytes, size_t length,
                   why *w) {
    net_shape shape;
    int result = check_envelope(name, bytes, length, w);
    if (!result) result = decode_shape(name, bytes, length, &shape, w);
    if (!result) result = check_size(name, bytes, length, &shape, w);
    if (!result) result = check_data(name, bytes, d, &shape, w);
    if (!result) result = trainer_make(t, d, &shape, w);
    if (result) return result;
    result = decode_header(t, name, bytes, w);
    if (!result) decode_arrays(t, bytes + arrays_offset(bytes));
    if (result) trainer_free(t);
    return result;
}

static int no_file(const char *path, int result, why *w) {
    return why_set(w, result, "%s: cannot load: %s", path, error_sentence(result));
}

// A wrong file, which may be of any size or never end, is found out before it is read.
static int check_start(const char *path, why *w) {
    buf start = {0};
    int result = file_read(path, HEADER_BYTES, &start); // there is more of a saved state
    bool mine = start.length >= 8 && !memcmp(start.data, MAGIC, 8);
    buf_fini(&start);
    if (result && result != NNS_E_TOO_LARGE) return no_file(path, result, w);
    return mine ? 0 : damaged(path, 0, "not a saved training state", w);
}

int trainer_load(trainer *t, const data *d, const char *path, why *w) {
    buf bytes = {0};
    int result = check_start(path, w);
    if (result) return result;
    result = file_read(path, FILE_BYTES_CAP, &bytes);
    if (result) no_file(path, result, w);
    if (!result) result = trainer_decode(t, d, path, bytes.data, bytes.length, w);
    buf_fini(&bytes);
    return result;
}
