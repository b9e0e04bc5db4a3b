// Unit try.c answers what a person tries. Both calls have arrays of their own and draw no random number, so that the
// training does not notice them.
//
//   push_sample  inside nns_step, on the training thread: the live weights, one row, statistics as they were kept
//   judge        on a thread of nnscope, beside training: copied weights in a network of its own, products of its own
//                (alone.c) on that thread alone; the first 2000 validation images, always the same. Normalisations take the
//                statistics of those images: those that were kept belong to other weights, and are not copied. Nothing of
//                the trainer is used but a copy of those images, so that a judgement may outlive the training
#include "try.h"

#include "parallel.h"
#include "alone.h"

#include "base/clock.h"
#include "base/mem.h"

#include <math.h>
#include <stdatomic.h>
#include <string.h>

#define JUDGED 2000
#define JUDGED_ROWS 100 // a pass
#define PATIENCE_NS (500 * NS_PER_MS)

typedef struct judge {
    nns_tensor weight[NET_LAYERS_CAP], bias[NET_LAYERS_CAP];
    data data;       // scales as the trainer's; its validation images point into `images`
    uint8_t *images; // and their labels behind them
    net net;
    pass pass;
    atomic_bool ending, inside;
} judge;

typedef struct trying {
    const trainer *t;
    const shown *shown;
    pass row;      // one row
    float *turned; // (cells of the widest layer): channels first
    judge judge;
} trying;

static trying it; // not on a stack: a late call of nnscope's thread still finds `ending`

const char *const *try_words(const data *d) {
    static const char *const digits[10] = {"0", "1", "2", "3", "4", "5", "6", "7", "8", "9"};
    return d->classes == 10 ? digits : NULL;
}

// --- a sample --------------------------------------------------------------------------------------

static bool own_sample(void *context, int64_t index, float *input, size_t count, int *truth) {
    (void)context;
    const data *d = it.t->d;
    if (index < 0 || index >= d->test.count || count != (size_t)d->rows * d->columns) return false;
    const uint8_t *image = d->test.images + (size_t)index * count;
    for (size_t i = 0; i < count; i++)
        input[i] = (float)image[i] / 255.0f;
    *truth = d->test.labels[index];
    return true;
}

// From (height, width, channels) to (channels, height, width), as the layer was described.
static const float *turn(extent e, const float *values) {
    size_t pixels = extent_pixels(e), channels = (size_t)e.channels;
    if (pixels == 1 || channels == 1) return values;
    for (size_t p = 0; p < pixels; p++)
        for (size_t c = 0; c < channels; c++)
            it.turned[c * pixels + p] = values[p * channels + c];
    return it.turned;
}

static void hand_over(nns_push *push, const float *input, size_t count) {
    const net *n = &it.t->net;
    nns_push_activation(push, it.shown->input, input, count);
    for (int at = 0; at < n->shape.layers; at++) {
        bool last = at == n->shape.layers - 1;
        extent out = n->layer[at].out;
        const float *values = last ? it.row.p : it.row.slot[at].a;
        nns_push_activation(push, it.shown->layer[at], turn(out, values), extent_cells(out));
    }
    nns_push_output(push, it.row.p, (size_t)net_classes(n));
}

// Values from 0 to 1 become what the network is used to: as data_gather scales bytes.
static bool push_sample(void *context, nns_push *push, const float *input, size_t count) {
    (void)context;
    const data *d = it.t->d;
    loss_sum unused;
    if (count != extent_cells(it.t->net.shape.in)) return false;
    for (size_t i = 0; i < count; i++)
        it.row.x[i] = d->scale * (255.0f * input[i]) + d->shift;
    it.row.truth[0] = 0;
    if (net_forward(&it.t->net, &it.row, 1, &unused)) return false;
    hand_over(push, input, count);
    return true;
}

static size_t widest(const net *n) {
    size_t cells = 0;
    for (int at = 0; at < n->shape.layers; at++)
        if (extent_cells(n->layer[at].out) > cells) cells = extent_cells(n->layer[at].out);
    return cells;
}

static void offer_push(nns_run *run) {
    const data *d = it.t->d;
    it.turned = mem_array(widest(&it.t->net), sizeof *it.turned);
    if (!it.turned || pass_new(&it.row, &it.t->net, 1, PASS_USE)) return;
    nns_on_push(run, push_sample, NULL,
                &(nns_push_info){.dims = 2,
                                 .shape = {d->rows, d->columns},
                                 .classes = d->classes,
                                 .words = try_words(d),
                                 .samples = d->test.count,
                                 .sample = own_sample});
}

// --- other weights ---------------------------------------------------------------------------------

static bool take(const nns_copy *copy, nns_tensor tensor, float *to, size_t count) {
    const float *from = nns_copy_data(copy, tensor);
    if (from) memcpy(to, from, count * sizeof *to);
    return from != NULL;
}

// Of a normalisation the weight is the scale, which stands behind the shift.
static bool take_layer(judge *j, const nns_copy *copy, int at) {
    layer *l = &j->net.layer[at];
    size_t units = (size_t)l->out.channels;
    bool norm = l->shape.kind == LAYER_NORM;
    if (norm && !take(copy, j->weight[at], l->b + units, units)) return false;
    if (l->decaying && !take(copy, j->weight[at], l->w, l->decaying)) return false;
    return !l->free || take(copy, j->bias[at], l->b, units);
}

static double judge_images(judge *j) {
    const data_set *set = &j->data.validation;
    size_t correct = 0;
    for (uint32_t first = 0; first < set->count && !atomic_load(&j->ending);) {
        uint32_t index[JUDGED_ROWS], rows = 0;
        for (; rows < JUDGED_ROWS && first < set->count; rows++)
            index[rows] = first++;
        loss_sum sum;
        data_gather(&j->data, set, index, rows, j->pass.x, j->pass.truth);
        if (net_forward(&j->net, &j->pass, rows, &sum)) return (double)NAN;
        correct += sum.correct;
    }
    return atomic_load(&j->ending) ? (double)NAN : (double)correct / set->count;
}

static double judge_copy(void *context, const nns_copy *copy) {
    judge *j = context;
    double accuracy = NAN;
    atomic_store(&j->inside, true);
    parallel_alone();
    bool whole = !atomic_load(&j->ending);
    for (int at = 0; whole && at < j->net.shape.layers; at++)
        whole = take_layer(j, copy, at);
    if (whole) accuracy = judge_images(j);
    atomic_store(&j->inside, false);
    return accuracy;
}

static bool copy_images(judge *j, const data *d) {
    uint32_t count = d->validation.count < JUDGED ? d->validation.count : JUDGED;
    size_t bytes = (size_t)count * d->rows * d->columns;
    j->images = mem_array(bytes + count, 1);
    if (!j->images) return false;
    memcpy(j->images, d->validation.images, bytes);
    memcpy(j->images + bytes, d->validation.labels, count);
    j->data = *d;
    j->data.validation = (data_set){count, j->images, j->images + bytes};
    return true;
}

static void offer_judge(nns_run *run) {
    judge *j = &it.judge;
    if (!copy_images(j, it.t->d) || net_new(&j->net, &it.t->net.shape)) return;
    if (pass_new(&j->pass, &j->net, JUDGED_ROWS, PASS_BATCH)) return;
    for (int at = 0; at < j->net.shape.layers; at++) {
        j->pass.slot[at].product = alone_product;
        j->weight[at] = it.shown->weight[at];
        j->bias[at] = it.shown->bias[at];
    }
    nns_on_evaluate(run, judge_copy, j);
}

// --- both ------------------------------------------------------------------------------------------

void try_open(const shown *s, nns_run *run, const trainer *t) {
    it.t = t;
    it.shown = s;
    offer_push(run);
    offer_judge(run);
}

void try_end(void) {
    atomic_store(&it.judge.ending, true);
}

static void free_judge(judge *j) {
    pass_free(&j->pass);
    net_free(&j->net);
    mem_free(j->images);
    j->images = NULL;
}

void try_close(void) {
    int64_t until = clock_mono_ns() + PATIENCE_NS;
    while (atomic_load(&it.judge.inside) && clock_mono_ns() < until)
        clock_sleep_ns(NS_PER_MS);
    if (!atomic_load(&it.judge.inside)) free_judge(&it.judge);
    pass_free(&it.row);
    mem_free(it.turned);
    it.turned = NULL;
}
