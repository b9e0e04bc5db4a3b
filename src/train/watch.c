// Unit watch.c connects the trainer to nnscope: an example of everything that a training program in C
// needs. In the order in which it happens:
//
//   1. open_run       nns_open: project, name, arguments; printed output is recorded too
//   2. tell_facts     nns_fact_*: what does not change: network, data, library, threads
//   3. offer_*        nns_param_*: the program's own variables become controls on the page
//   4. open_series    nns_series_open_as: curves, with which direction is better
//   5. show.c         nns_layer_describe, nns_tensor_add: what the network is and where its numbers are
//   6. try.c          nns_on_push, nns_on_evaluate: samples pushed by hand, other weights
//   7. watch_step     nns_step: the safe point; here parameters change and pauses are waited out
//   8. watch_learning, watch_before_update  nns_batch, nns_before_update: gradients are there, weights still the old ones
//   9. watch_batch    nns_scalar, nns_progress: each step; now and then nns_histogram
//  10. watch_validation  nns_scalar, nns_confusion, nns_sample: images, truth and what the network thinks
//  11. watch_close    nns_close
//
// None of it changes what is learnt: whoever looks at images has arrays of its own, and no random number is drawn here.
#include "watch.h"

#include "summary.h"
#include "try.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static void open_run(watch *w, const options *o, int argc, char **argv) {
    char network[MODEL_TEXT_CAP], name[MODEL_TEXT_CAP + 8];
    model_text(&w->t->net, network);
    snprintf(name, sizeof name, "%s %s", model_word(&w->t->net), network);
    w->run = nns_open(&(nns_options){
        .project = o->project       ? o->project
                   : w->t->d->drawn ? "digits"
                                    : "mnist",
        .name = o->name ? o->name : name,
        .argc = argc,
        .argv = argv,
        .quiet = o->quiet,
        .capture_output = true,
        .budget = o->budget,
    });
}

static void tell_facts(watch *w, const options *o) {
    const trainer *t = w->t;
    char network[MODEL_TEXT_CAP];
    model_text(&t->net, network);
    nns_fact_text(w->run, "model", model_word(&t->net));
    nns_fact_text(w->run, "network", network);
    nns_fact_text(w->run, "activation", activation_name(model_activation(&t->net)));
    nns_fact_int(w->run, "parameters", (int64_t)t->net.parameters);
    nns_fact_text(w->run, "optimizer", optimizer_names[t->live.optimizer]);
    nns_fact_double(w->run, "lr", t->live.rule.lr);
    nns_fact_int(w->run, "batch", t->live.batch);
    nns_fact_int(w->run, "seed", (int64_t)t->seed);
    nns_fact_text(w->run, "data", t->d->source);
    nns_fact_int(w->run, "images/train", t->d->train.count);
    nns_fact_int(w->run, "images/validation", t->d->validation.count);
    nns_fact_int(w->run, "images/test", t->d->test.count);
    nns_fact_int(w->run, "threads", o->threads);
    nns_fact_text(w->run, "products", gemm_library());
    if (o->load) nns_fact_text(w->run, "loaded from", o->load);
}

static void offer_rule(watch *w) {
    optimizer_settings *s = &w->t->live.rule;
    nns_param_double(
        w->run, "lr", &s->lr,
        &(nns_range){.min = 1e-6, .max = 1, .log_scale = true, .description = "learning rate"});
    nns_param_double(w->run, "momentum", &s->momentum,
                     &(nns_range){.max = 0.999, .description = "of the optimizer momentum"});
    nns_param_double(
        w->run, "beta1", &s->beta1,
        &(nns_range){.max = 0.9999, .description = "adam: decay of the mean gradient"});
    nns_param_double(w->run, "beta2", &s->beta2,
                     &(nns_range){.max = 0.99999, .description = "adam: decay of its square"});
    nns_param_double(w->run, "weight_decay", &s->weight_decay,
                     &(nns_range){.max = 0.1, .description = "pull of the weights towards zero"});
    nns_param_choice(w->run, "optimizer", &w->t->live.optimizer, optimizer_names, OPTIMIZER_COUNT,
                     &(nns_range){.description = "moments start at zero after a change"});
}

static void offer_loop(watch *w) {
    trainer_live *live = &w->t->live;
    nns_param_choice(w->run, "schedule", &live->schedule, schedule_names, SCHEDULE_COUNT,
                     &(nns_range){.description = "cosine: lr goes down to zero at the last epoch"});
    nns_param_int(
        w->run, "batch", &live->batch,
        &(nns_range){
            .min = 1, .max = NET_BATCH_CAP, .unit = "images", .description = "images of a step"});
    nns_param_int(w->run, "epochs", &live->epochs,
                  &(nns_range){.max = 1e6, .description = "ends after so many; 0: goes on"});
    nns_param_bool(w->run, "validate_now", &live->validate_now,
                   &(nns_range){.description = "validate before the next step"});
}

static void open_series(watch *w) {
    w->train_loss = nns_series_open_as(w->run, "train/loss", NULL, NNS_LOWER);
    w->train_accuracy = nns_series_open_as(w->run, "train/accuracy", NULL, NNS_HIGHER);
    w->val_loss = nns_series_open_as(w->run, "val/loss", NULL, NNS_LOWER);
    w->val_accuracy = nns_series_open_as(w->run, "val/accuracy", NULL, NNS_HIGHER);
    w->lr = nns_series_open(w->run, "train/lr");
    w->gradient_norm = nns_series_open(w->run, "train/gradient_norm");
}

// The first validation images of different classes are followed, so that a person sees them learnt.
static void choose_fixed(watch *w) {
    const data_set *set = &w->t->d->validation;
    for (uint32_t i = 0; i < set->count && w->fixed_count < WATCH_FIXED; i++) {
        bool known = false;
        for (int k = 0; k < w->fixed_count; k++)
            known = known || set->labels[w->fixed[k]] == set->labels[i];
        if (!known) w->fixed[w->fixed_count++] = i;
    }
}

// Something to look at before the first update. A network that has learnt already has it too.
static void show_first(watch *w) {
    size_t rows;
    loss_sum unused;
    if (!trainer_preview(w->t, &rows, &unused)) show_batch(&w->shown, w->run, w->t, rows);
}

void watch_open(watch *w, trainer *t, const options *o, int argc, char **argv) {
    *w = (watch){.t = t, .next_picture = t->step};
    open_run(w, o, argc, argv);
    if (!w->run) return;
    tell_facts(w, o);
    offer_rule(w);
    offer_loop(w);
    open_series(w);
    choose_fixed(w);
    show_network(&w->shown, w->run, t);
    show_first(w);
    try_open(&w->shown, w->run, t);
    if (o->paused) nns_pause(w->run);
}

void watch_close(watch *w, int status) {
    try_end();
    nns_close(w->run, status);
    try_close();
    w->run = NULL;
}

void watch_stop(watch *w) {
    nns_stop(w->run);
}

bool watch_step(watch *w) {
    return nns_step(w->run, w->t->step);
}

bool watch_wait(watch *w) {
    nns_pause(w->run);
    return w->run && watch_step(w);
}

void watch_learning(watch *w, size_t rows) {
    if (w->run) show_batch(&w->shown, w->run, w->t, rows);
}

bool watch_before_update(watch *w) {
    return nns_before_update(w->run);
}

static void log_histogram(watch *w, const char *name, const float *x, size_t n) {
    summary_histogram h;
    if (summary_bins(x, n, &h))
        nns_histogram(w->run, name, (double)h.low, (double)h.high, h.counts, SUMMARY_BINS);
}

static void log_weights(watch *w) {
    const net *n = &w->t->net;
    for (int i = 0; i < n->shape.layers; i++) {
        char which[MODEL_NAME_CAP], name[MODEL_NAME_CAP + 16];
        if (!n->layer[i].decaying) continue;
        model_layer_name(n, i, which);
        snprintf(name, sizeof name, "weights/%s", which);
        log_histogram(w, name, n->layer[i].w, n->layer[i].decaying);
    }
}

static void log_sample(watch *w, const char *name, uint32_t image, const float *probabilities) {
    const data *d = w->t->d;
    const uint8_t *input = d->validation.images + (size_t)image * d->rows * d->columns;
    nns_sample(w->run, name, d->columns, d->rows, input, d->validation.labels[image], probabilities,
               (uint32_t)d->classes);
}

// The followed images, and as many that the last validation found wrong.
static void log_samples(watch *w) {
    uint32_t index[WATCH_FIXED + EVALUATION_MISTAKES];
    size_t count = 0;
    for (int i = 0; i < w->fixed_count; i++)
        index[count++] = w->fixed[i];
    for (int i = 0; i < w->last.mistakes; i++)
        index[count++] = w->last.mistake[i];
    pass *aside = &w->t->aside; // the arrays of the step stay as they are
    loss_sum unused;
    data_gather(w->t->d, &w->t->d->validation, index, count, aside->x, aside->truth);
    if (net_forward(&w->t->net, aside, count, &unused)) return;
    for (size_t i = 0; i < count; i++) {
        char name[64];
        bool followed = i < (size_t)w->fixed_count;
        snprintf(name, sizeof name, "%s %zu", followed ? "samples/digit" : "samples/mistake",
                 followed ? i + 1 : i + 1 - (size_t)w->fixed_count);
        log_sample(w, name, index[i], aside->p + i * (size_t)net_classes(&w->t->net)); // (classes)
    }
}

// Pictures come every 100 steps at first, later each time the run is 2 % longer: some hundred a decade.
static void log_pictures(watch *w) {
    int64_t step = w->t->step, gap = step / 50;
    w->next_picture = step + (gap < 100 ? 100 : gap);
    nns_scalar(w->run, w->gradient_norm, summary_norm(w->t->net.grads, w->t->net.parameters));
    log_weights(w);
    log_samples(w);
}

void watch_batch(watch *w, size_t rows, const loss_sum *sum) {
    if (!w->run) return;
    nns_scalar(w->run, w->train_loss, sum->loss / (double)rows);
    if (w->t->live.schedule) nns_scalar(w->run, w->lr, trainer_lr(w->t));
    nns_scalar(w->run, w->train_accuracy, (double)sum->correct / (double)rows);
    if (w->t->step % 10 == 0) nns_progress(w->run, trainer_epochs(w->t), trainer_total_steps(w->t));
    if (w->t->step >= w->next_picture) log_pictures(w);
}

void watch_validation(watch *w, const evaluation *e) {
    if (!w->run) return;
    w->last = *e;
    nns_scalar(w->run, w->val_loss, e->loss);
    nns_scalar(w->run, w->val_accuracy, e->accuracy);
    nns_confusion(w->run, "val/confusion", (uint32_t)w->t->d->classes, w->t->confusion,
                  try_words(w->t->d));
    nns_progress(w->run, trainer_epochs(w->t), trainer_total_steps(w->t));
}

void watch_result(watch *w, double accuracy) {
    nns_fact_double(w->run, "test accuracy", accuracy);
}
