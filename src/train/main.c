// Unit main.c is nnscope-train: options, data, network, loop, result. See loop.c for the training and
// watch.c for what nnscope sees of it.
#include "data.h"
#include "loop.h"
#include "options.h"
#include "parallel.h"
#include "start.h"
#include "trainer.h"
#include "watch.h"

#include "base/error.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static volatile bool stop_asked;
static watch *volatile watched; // NULL: nothing to wake

// The first signal ends the training in order, also one that is paused; the second one ends it at once.
static void on_signal(int number) {
    (void)number;
    stop_asked = true;
    if (watched) watch_stop(watched);
}

// On a stack of its own: kernels that oneDNN makes keep values below the stack pointer, where a
// handler on the same stack writes over them (seen as a heap that is damaged after Ctrl-C).
static void catch_signals(void) {
    static char room[65536];
    sigaltstack(&(stack_t){.ss_sp = room, .ss_size = sizeof room}, NULL);
    struct sigaction action = {.sa_handler = on_signal,
                               .sa_flags = (int)(SA_RESETHAND | SA_ONSTACK)};
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGHUP, &action, NULL);
}

static int make_trainer(trainer *t, const data *d, const options *o, why *w) {
    if (!o->load) return trainer_new(t, d, &o->trainer, w);
    if (o->given & OPTION_GIVEN_MODEL)
        return why_set(w, NNS_E_INVALID,
                       "--load brings the network: leave --model, --layers and the like out");
    int result = trainer_load(t, d, o->load, w);
    if (!result) options_override(o, &t->live);
    return result;
}

static void print_start(const trainer *t, const options *o) {
    const data *d = t->d;
    printf("data: %s: %u images to learn from, %u to validate, %u to test, %u x %u pixels, %d "
           "classes\n",
           d->source, d->train.count, d->validation.count, d->test.count, d->columns, d->rows,
           d->classes);
    char network[MODEL_TEXT_CAP];
    model_text(&t->net, network);
    printf("network: %s, %s, %zu parameters\n", network, activation_name(model_activation(&t->net)),
           t->net.parameters);
    printf("learning: %s, lr %g, batch %lld, seed %llu, %d thread%s\n",
           optimizer_names[t->live.optimizer], t->live.rule.lr, (long long)t->live.batch,
           (unsigned long long)t->seed, o->threads, o->threads == 1 ? "" : "s");
    if (t->step) printf("going on at step %lld from %s\n", (long long)t->step, o->load);
    fflush(stdout);
}

static int train(trainer *t, const options *o, int argc, char **argv, why *reason) {
    watch w;
    loop l;
    catch_signals(); // not earlier: while data is read a signal simply ends us
    watch_open(&w, t, o, argc, argv);
    watched = &w;
    if (!o->quiet) print_start(t, o);
    loop_open(&l, &w, o, &stop_asked);
    int result = loop_run(&l, reason);
    watched = NULL;
    if (!result) result = loop_test(&l, reason);
    watch_close(&w, result ? 1 : 0);
    return result;
}

static int run(const options *o, int argc, char **argv, why *reason) {
    data d;
    trainer t;
    int result = data_open(&d, &o->data, reason);
    if (result) return result;
    if (o->data.folder && d.drawn)
        fprintf(stderr, "nnscope-train: no MNIST in %s: digits are drawn instead\n",
                o->data.folder);
    result = make_trainer(&t, &d, o, reason);
    if (!result) {
        result = train(&t, o, argc, argv, reason);
        trainer_free(&t);
    }
    data_close(&d);
    return result;
}

int main(int argc, char **argv) {
    start_passive(argv);
    options o;
    why reason;
    int result = options_parse(&o, argc, argv, &reason);
    if (!result && o.help) return fputs(options_help, stdout) < 0;
    if (!result && o.version)
        return printf("nnscope-train %s, %s\n", nns_version(), gemm_library()) < 0;
    if (!result) {
        parallel_start(o.threads);
        result = run(&o, argc, argv, &reason);
    }
    if (result) fprintf(stderr, "nnscope-train: %s\n", reason.text);
    return result == NNS_E_INVALID ? 2 : result ? 1 : 0;
}
