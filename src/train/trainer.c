// Unit trainer.c does one step of training after the other: batch, loss, gradients, update.
//
// Invariants:
//  1. The next step depends on net, live, random state, position and data only; watching changes none.
//  2. An epoch's order is the shuffling of 0..n-1 by `before`; `position` images of it have been seen.
//  3. The last batch of an epoch holds what is left, so that each image is seen once an epoch.
#include "trainer.h"

#include "base/error.h"
#include "base/mem.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#define EVALUATE_ROWS 500                // images a pass at most,
#define EVALUATE_CELLS ((size_t)1 << 22) // and so many values: its arrays stay small

const char *const schedule_names[SCHEDULE_COUNT] = {"constant", "cosine"};

static size_t aside_rows(const net *n) {
    size_t rows = EVALUATE_CELLS / net_cells(n);
    return rows > EVALUATE_ROWS ? EVALUATE_ROWS : rows < 16 ? 16 : rows;
}

static int make_arrays(trainer *t) {
    size_t classes = (size_t)net_classes(&t->net);
    t->order = mem_array(t->d->train.count, sizeof *t->order);
    t->confusion = mem_array(classes * classes, sizeof *t->confusion);
    if (!t->order || !t->confusion) return NNS_E_NO_MEMORY;
    return pass_new(&t->aside, &t->net, aside_rows(&t->net), PASS_USE);
}

int trainer_make(trainer *t, const data *d, const net_shape *shape, why *w) {
    *t = (trainer){.d = d};
    int result = net_new(&t->net, shape);
    if (!result) result = make_arrays(t);
    if (result == NNS_E_INVALID)
        why_set(
            w, result,
            "a network has 1 to %d layers of 1 to %d units; each layer of filters halves the image",
            NET_LAYERS_CAP, LAYER_UNITS_CAP);
    else if (result)
        why_set(w, result, "not enough memory for a network of this size");
    if (result) trainer_free(t);
    return result;
}

int trainer_new(trainer *t, const data *d, const trainer_options *options, why *w) {
    net_shape shape;
    model_shape(&options->model, (extent){(int)d->rows, (int)d->columns, 1}, d->classes, &shape);
    int result = trainer_make(t, d, &shape, w);
    if (result) return result;
    t->seed = options->seed;
    t->live = options->live;
    t->net.rule.kind = (optimizer_kind)options->live.optimizer;
    random_seed(&t->random, options->seed, 0);
    net_init(&t->net, &options->start, &t->random);
    t->before = t->random;
    trainer_shuffle(t);
    return 0;
}

void trainer_free(trainer *t) {
    pass_free(&t->pass);
    pass_free(&t->aside);
    net_free(&t->net);
    mem_free(t->order);
    mem_free(t->confusion);
    *t = (trainer){0};
}

void trainer_shuffle(trainer *t) {
    t->random = t->before;
    for (uint32_t i = 0; i < t->d->train.count; i++)
        t->order[i] = i;
    random_shuffle(&t->random, t->order, t->d->train.count);
}

static void next_epoch(trainer *t) {
    t->epoch++;
    t->position = 0;
    t->epoch_sum = (loss_sum){0};
    t->before = t->random;
    trainer_shuffle(t);
}

// A person may have chosen another rule since the last step.
static void follow_live(trainer *t) {
    if (t->live.optimizer != (int)t->net.rule.kind)
        optimizer_switch(&t->net.rule, (optimizer_kind)t->live.optimizer, t->net.parameters);
}

// Room for the batch. Without memory for a larger one the batch stays what it was, as its control then shows.
static void follow_batch(trainer *t) {
    if ((size_t)t->live.batch <= t->pass.rows) return;
    pass larger;
    if (pass_new(&larger, &t->net, (size_t)t->live.batch, PASS_LEARN)) {
        t->live.batch = (int64_t)t->pass.rows;
        return;
    }
    pass_free(&t->pass);
    t->pass = larger;
    t->moves++;
}

size_t trainer_begin(trainer *t) {
    assert(t->position < t->d->train.count);
    follow_live(t);
    follow_batch(t);
    uint32_t left = t->d->train.count - t->position;
    size_t rows = t->live.batch < left ? (size_t)t->live.batch : left;
    data_gather(t->d, &t->d->train, t->order + t->position, rows, t->pass.x, t->pass.truth);
    return rows;
}

int trainer_learn(trainer *t, size_t rows, loss_sum *sum) {
    if (!rows) return NNS_E_NO_MEMORY; // for not a single pass
    int result = net_forward(&t->net, &t->pass, rows, sum);
    return result ? result : net_backward(&t->net, &t->pass, rows);
}

double trainer_lr(const trainer *t) {
    if (t->live.schedule != SCHEDULE_COSINE || t->live.epochs <= 0) return t->live.rule.lr;
    double done = trainer_epochs(t) / (double)t->live.epochs;
    return done >= 1 ? 0 : t->live.rule.lr * 0.5 * (1 + cos(M_PI * done));
}

void trainer_update(trainer *t) {
    optimizer_settings rule = t->live.rule;
    rule.lr = trainer_lr(t);
    net_update(&t->net, &rule);
}

int trainer_preview(trainer *t, size_t *rows, loss_sum *sum) {
    *rows = trainer_begin(t);
    pass_set_mode(&t->pass, &t->net, PASS_BATCH);
    int result = trainer_learn(t, *rows, sum);
    pass_set_mode(&t->pass, &t->net, PASS_LEARN);
    return result;
}

bool trainer_end(trainer *t, size_t rows, const loss_sum *sum) {
    t->step++;
    t->position += (uint32_t)rows;
    t->epoch_sum.loss += sum->loss;
    t->epoch_sum.correct += sum->correct;
    if (t->position < t->d->train.count) return false;
    next_epoch(t);
    return true;
}

// Keeps the wrong answers that the network is surest of, surest first.
static void keep_mistake(evaluation *e, uint32_t index, float sureness) {
    int at = e->mistakes;
    while (at > 0 && e->sureness[at - 1] < sureness)
        at--;
    if (at == EVALUATION_MISTAKES) return;
    if (e->mistakes < EVALUATION_MISTAKES) e->mistakes++;
    for (int i = e->mistakes - 1; i > at; i--) {
        e->mistake[i] = e->mistake[i - 1];
        e->sureness[i] = e->sureness[i - 1];
    }
    e->mistake[at] = index;
    e->sureness[at] = sureness;
}

static void judge_rows(trainer *t, uint32_t first, size_t rows, evaluation *e) {
    size_t classes = (size_t)net_classes(&t->net);
    for (size_t r = 0; r < rows; r++) {
        const float *p = t->aside.p + r * classes; // (classes)
        size_t best = 0, truth = t->aside.truth[r];
        for (size_t c = 1; c < classes; c++)
            if (p[c] > p[best]) best = c;
        t->confusion[truth * classes + best]++;
        if (best != truth) keep_mistake(e, first + (uint32_t)r, p[best]);
    }
}

static int evaluate_rows(trainer *t, const data_set *set, uint32_t first, size_t rows,
                         evaluation *out) {
    uint32_t index[EVALUATE_ROWS];
    for (size_t i = 0; i < rows; i++)
        index[i] = first + (uint32_t)i;
    data_gather(t->d, set, index, rows, t->aside.x, t->aside.truth);
    loss_sum sum;
    int result = net_forward(&t->net, &t->aside, rows, &sum);
    if (result) return result;
    out->loss += sum.loss;
    out->accuracy += (double)sum.correct;
    judge_rows(t, first, rows, out);
    return 0;
}

int trainer_evaluate(trainer *t, const data_set *set, evaluation *out) {
    size_t classes = (size_t)net_classes(&t->net);
    *out = (evaluation){0};
    memset(t->confusion, 0, classes * classes * sizeof *t->confusion);
    for (uint32_t first = 0; first < set->count; first += (uint32_t)t->aside.rows) {
        uint32_t left = set->count - first;
        size_t rows = left < t->aside.rows ? left : t->aside.rows;
        int result = evaluate_rows(t, set, first, rows, out);
        if (result) return result;
    }
    out->loss /= (double)set->count;
    out->accuracy /= (double)set->count;
    return 0;
}

double trainer_epochs(const trainer *t) {
    return (double)t->epoch + (double)t->position / (double)t->d->train.count;
}

int64_t trainer_total_steps(const trainer *t) {
    if (t->live.epochs <= 0) return 0;
    int64_t left = t->live.epochs * (int64_t)t->d->train.count -
                   t->epoch * (int64_t)t->d->train.count - t->position;
    return left <= 0 ? t->step : t->step + (left + t->live.batch - 1) / t->live.batch;
}
