// Unit answer.c writes what pinned samples were answered, and the pruning curve that a person asked for.
//
// Place on the path: digest.c hands over PUSH entries as they come, also between those of a set, and the end of a PRUNE set;
// the pruning thread (prune.c) says that it is done by waking the worker. What a person pushes is answered by pushed.c.
#include "digest_state.h"

#include "push.h"

#include "base/mem.h"

#include <string.h>

// The answer to a pin is a point of each class's series: no capture.
void answer_pin(digest *d, const copy *c) {
    uint32_t classes = 0;
    const nns_series *series = pin_series(d->run, c->set, &classes);
    const float *values = copy_data(c);
    if (!series || c->what != PUSHED_OUTPUT || c->count != classes) return;
    if (!outlet_step(&d->out, OUTLET_PINS, c->step, c->time_ns)) return;
    for (uint32_t i = 0; i < classes; i++)
        outlet_scalar(&d->out, OUTLET_PINS, series[i], (double)values[i]);
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
