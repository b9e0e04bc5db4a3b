// Unit loop.c runs the steps. One round:
//
//   watch_step -> batch -> loss and gradients -> curves -> update -> [epoch over: validate, save]
#include "loop.h"

#include "base/clock.h"
#include "base/error.h"

#include <stdio.h>

typedef struct loop {
    watch *w;
    trainer *t;
    const options *o;
    const volatile bool *stop;
    int64_t epoch_began_ns;
    loss_sum learnt; // over the epoch that just ended
    int64_t seen;    // its images
} loop;

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
        printf("step %lld  val loss %.4f  val accuracy %.4f\n", (long long)l->t->step, e.loss,
               e.accuracy);
    return result;
}

static void print_epoch(loop *l, const evaluation *e) {
    double seconds = (double)(clock_mono_ns() - l->epoch_began_ns) / NS_PER_S;
    printf("epoch %lld  train loss %.4f  accuracy %.4f  val loss %.4f  val accuracy %.4f  %.2f s\n",
           (long long)l->t->epoch, l->learnt.loss / (double)l->seen,
           (double)l->learnt.correct / (double)l->seen, e->loss, e->accuracy, seconds);
    fflush(stdout);
}

static int epoch_over(loop *l, why *reason) {
    evaluation e;
    int result = validate(l, &e);
    if (result) return result;
    if (!l->o->quiet) print_epoch(l, &e);
    l->epoch_began_ns = clock_mono_ns();
    return l->o->save ? trainer_save(l->t, l->o->save, reason) : 0;
}

static int one_step(loop *l, why *reason) {
    loss_sum sum;
    size_t rows = trainer_begin(l->t);
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

int loop_run(watch *w, const options *o, const volatile bool *stop, why *reason) {
    loop l = {.w = w, .t = w->t, .o = o, .stop = stop, .epoch_began_ns = clock_mono_ns()};
    int result = 0;
    why_set(reason, 0, "out of memory in a product of matrices");
    while (!result && !planned_end(&l) && watch_step(w) && !*stop) {
        result = validate_on_request(&l);
        if (!result) result = one_step(&l, reason);
    }
    if (!result && o->save) result = trainer_save(l.t, o->save, reason);
    return result;
}

int loop_test(watch *w, why *reason) {
    evaluation e;
    int result = trainer_evaluate(w->t, &w->t->d->test, &e);
    if (result) return why_set(reason, result, "%s", error_sentence(result));
    watch_result(w, e.accuracy);
    printf("accuracy %.4f\n", e.accuracy);
    fflush(stdout);
    return 0;
}
