// Unit loop.c runs the steps. One round:
//
//   watch_step -> batch -> loss and gradients -> update -> curves -> [epoch over: validate, save]
#include "loop.h"

#include "base/clock.h"
#include "base/error.h"

#include <math.h>
#include <stdio.h>

#define IMPATIENT_NS (500 * NS_PER_MS) // whoever pressed Ctrl-C waits so long for the test images
#define FIRST_IMAGES 500

// printf would give NaN a sign.
static double printed(double v) {
    return isnan(v) ? NAN : v;
}

static int validate(loop *l, evaluation *e) {
    int result = trainer_evaluate(l->t, &l->t->d->validation, e);
    if (!result) watch_validation(l->w, e);
    return result;
}

static int validate_on_request(loop *l) {
    if (!l->t->live.validate_now) return 0;
    evaluation e;
    int result = validate(l, &e);
    l->t->live.validate_now = false;
    if (!result && !l->o->quiet)
        printf("step %lld  val loss %.4f  val accuracy %.4f\n", (long long)l->t->step,
               printed(e.loss), e.accuracy);
    return result;
}

static void print_epoch(loop *l, const evaluation *e) {
    double seconds = (double)(clock_mono_ns() - l->epoch_began_ns) / NS_PER_S;
    printf("epoch %lld  train loss %.4f  accuracy %.4f  val loss %.4f  val accuracy %.4f  %.2f s\n",
           (long long)l->t->epoch, printed(l->learnt.loss / (double)l->seen),
           (double)l->learnt.correct / (double)l->seen, printed(e->loss), e->accuracy, seconds);
    fflush(stdout);
}

static int save(const loop *l, why *reason) {
    return l->o->save ? trainer_save(l->t, l->o->save, reason) : 0;
}

static int epoch_over(loop *l, why *reason) {
    evaluation e;
    int result = validate(l, &e);
    if (result) return result;
    if (!l->o->quiet) print_epoch(l, &e);
    l->epoch_began_ns = clock_mono_ns();
    return save(l, reason);
}

static int one_step(loop *l, why *reason) {
    loss_sum sum;
    size_t rows = trainer_begin(l->t);
    watch_learning(l->w, rows);
    int result = trainer_learn(l->t, rows, &sum);
    if (result) return result;
    if (watch_before_update(l->w)) trainer_update(l->t);
    watch_batch(l->w, rows, &sum);
    l->learnt.loss = l->t->epoch_sum.loss + sum.loss;
    l->learnt.correct = l->t->epoch_sum.correct + sum.correct;
    l->seen = l->t->position + (int64_t)rows;
    return trainer_end(l->t, rows, &sum) ? epoch_over(l, reason) : 0;
}

static bool planned_end(const loop *l) {
    const trainer *t = l->t;
    if (l->o->steps && t->step >= l->o->steps) return true;
    return t->live.epochs > 0 && t->epoch >= t->live.epochs;
}

// Paused, until a person resumes with more epochs than are done. False: end now.
static bool stay(loop *l, int *result, why *reason) {
    *result = save(l, reason);
    if (!*result) *result = loop_test(l, reason);
    if (*result) return false;
    printf("finished training, waiting: try it, Ctrl-C ends\n");
    fflush(stdout);
    while (planned_end(l))
        if (!watch_wait(l->w) || *l->stop) return false;
    l->epoch_began_ns = clock_mono_ns();
    return true;
}

static bool goes_on(loop *l, int *result, why *reason) {
    if (planned_end(l)) return l->o->stay && !*l->stop && stay(l, result, reason);
    return watch_step(l->w) && !*l->stop;
}

void loop_open(loop *l, watch *w, const options *o, const volatile bool *stop) {
    *l = (loop){.w = w, .t = w->t, .o = o, .stop = stop, .tested_step = -1};
}

int loop_run(loop *l, why *reason) {
    int result = 0;
    l->epoch_began_ns = clock_mono_ns();
    why_set(reason, 0, "out of memory in a product of matrices");
    while (goes_on(l, &result, reason)) {
        result = validate_on_request(l);
        if (!result) result = one_step(l, reason);
        if (result) return result;
    }
    return result ? result : save(l, reason);
}

// How many of the test images fit into the time of somebody who has asked for the end.
static int choose_images(loop *l, data_set *set) {
    evaluation e;
    if (!*l->stop || set->count <= FIRST_IMAGES) return 0;
    data_set first = {FIRST_IMAGES, set->images, set->labels};
    int64_t began = clock_mono_ns();
    int result = trainer_evaluate(l->t, &first, &e);
    int64_t took = clock_mono_ns() - began, count = FIRST_IMAGES * IMPATIENT_NS / (took + 1);
    if (count < (int64_t)set->count) {
        set->count = count < FIRST_IMAGES ? FIRST_IMAGES : (uint32_t)count;
        printf("tested with the first %u images only\n", set->count);
    }
    return result;
}

static int test(loop *l) {
    evaluation e;
    data_set set = l->t->d->test;
    int result = choose_images(l, &set);
    if (!result) result = trainer_evaluate(l->t, &set, &e);
    if (result) return result;
    l->tested_step = l->t->step;
    l->tested = e.accuracy;
    watch_result(l->w, e.accuracy);
    return 0;
}

int loop_test(loop *l, why *reason) {
    int result = l->tested_step == l->t->step ? 0 : test(l);
    if (result) return why_set(reason, result, "%s", error_sentence(result));
    printf("accuracy %.4f\n", l->tested);
    fflush(stdout);
    return 0;
}
