// Unit answer.c answers what a person asked for once: a sample pushed through the network, a pruning curve.
//
// Place on the path: digest.c hands over PUSH entries as they come, also between those of a set, and the end of a PRUNE set;
// the pruning thread (prune.c) says that it is done by waking the worker.
#include "digest_state.h"

#include "push.h"

#include "base/mem.h"

#include <string.h>

static void push_begin(digest *d, const copy *c) {
    float truth = (float)c->truth;
    buf_clear(&d->push);
    d->push.failed = false;
    capture_begin(&d->push, &(capture_head){.kind = CAPTURE_PUSH,
                                            .number = c->set,
                                            .step = c->step,
                                            .last_step = c->step,
                                            .base_step = c->step,
                                            .time_ms = (double)c->wall_ms,
                                            .observed = d->observed});
    section_add(&d->push,
                (capture_section){
                    .quantity = QUANTITY_TRUTH, .coding = CODING_F32, .dims = 1, .shape = {1}},
                &truth);
    d->pushing = true;
}

static void push_value(digest *d, const copy *c) {
    static const int quantities[] = {[PUSHED_INPUT] = QUANTITY_INPUT,
                                     [PUSHED_VALUE] = QUANTITY_VALUE,
                                     [PUSHED_OUTPUT] = QUANTITY_OUTPUT};
    if (!d->pushing || c->what < PUSHED_INPUT || c->what > PUSHED_OUTPUT || c->count > UINT32_MAX)
        return;
    const layer *l = c->what == PUSHED_VALUE ? layer_at(d, c->layer) : NULL;
    capture_section section = {
        .quantity = quantities[c->what], .coding = CODING_F32, .layer = c->layer};
    section_layer_shape(&section, l, c->count);
    section_add(&d->push, section, copy_data(c));
}

static void push_end(digest *d, const copy *c) {
    if (!d->pushing) return;
    d->pushing = false;
    capture_end(&d->push, 0);
    bool failed = c->flags & COPY_FAILED || d->push.failed;
    if (failed || !outlet_capture(&d->out, &d->push))
        outlet_refuse(&d->out, CAPTURE_PUSH, c->set, c->step,
                      failed ? "the program could not run this sample" : "it could not be written");
    run_nudge(d->run); // somebody waits for it
}

// The answer to a pin is a point of each class's series: no capture.
static void pin_value(digest *d, const copy *c) {
    uint32_t classes = 0;
    const nns_series *series = pin_series(d->run, c->set, &classes);
    const float *values = copy_data(c);
    if (!series || c->what != PUSHED_OUTPUT || c->count != classes) return;
    if (!outlet_step(&d->out, OUTLET_PINS, c->step, c->time_ns)) return;
    for (uint32_t i = 0; i < classes; i++)
        outlet_scalar(&d->out, OUTLET_PINS, series[i], (double)values[i]);
}

void answer_push(digest *d, const copy *c) {
    if (c->set & PUSH_PIN_BIT) {
        if (c->kind == COPY_PUSH_VALUE) pin_value(d, c);
        return;
    }
    if (c->kind == COPY_PUSH_BEGIN) push_begin(d, c);
    if (c->kind == COPY_PUSH_VALUE) push_value(d, c);
    if (c->kind == COPY_PUSH_END) push_end(d, c);
}

// Pruning --------------------------------------------------------------------------------------------

static void wake(void *context) {
    digest_wake_worker(context);
}

static void refuse(digest *d, const char *why) {
    outlet_refuse(&d->out, CAPTURE_PRUNE, d->set.command, d->set.step, why);
}

static void take_copies(digest *d) {
    prune *p = &d->prune;
    for (uint32_t i = 0; i < p->tensors; i++) {
        tensor_view *v = d->tensors[i];
        if (!v || v->set != d->set.number || !v->whole || !v->raw) continue;
        p->data[i] = v->raw;
        p->elements[i] = v->elements;
        p->weight[i] = tensor_at(d, i + 1)->role == NNS_WEIGHT;
        v->raw = NULL;
    }
}

void answer_prune_start(digest *d) {
    prune *p = &d->prune;
    nns_evaluate_call evaluate = atomic_load(&d->net->evaluate);
    if (p->running) {
        refuse(d, "a pruning curve is being measured");
        return;
    }
    if (!evaluate) {
        refuse(d, "the program gives no evaluate call");
        return;
    }
    if (prune_init(p, tensors_of(d))) {
        refuse(d, "out of memory");
        return;
    }
    p->evaluate = evaluate;
    p->context = atomic_load(&d->net->evaluate_context);
    p->number = d->set.command;
    p->step = d->set.step;
    p->stop = &d->ending;
    p->ready = wake;
    p->ready_context = d;
    take_copies(d);
    if (prune_weights(p) && prune_start(p) == 0) return;
    refuse(d, prune_weights(p) ? "no thread could be started" : "no weights are registered");
    prune_fini(p);
}

void answer_prune_done(digest *d) {
    prune *p = &d->prune;
    if (!p->running || !atomic_load(&p->done)) return;
    pthread_join(p->thread, NULL);
    buf out = {0};
    size_t begin = capture_begin(&out, &(capture_head){.kind = CAPTURE_PRUNE,
                                                       .number = p->number,
                                                       .step = p->step,
                                                       .last_step = p->step,
                                                       .base_step = p->step});
    section_add(
        &out,
        (capture_section){
            .quantity = QUANTITY_PRUNING, .coding = CODING_F32, .dims = 2, .shape = {p->count, 3}},
        p->points);
    capture_end(&out, begin);
    if (!outlet_capture(&d->out, &out))
        outlet_refuse(&d->out, CAPTURE_PRUNE, p->number, p->step, "it could not be written");
    buf_fini(&out);
    prune_fini(p);
}
