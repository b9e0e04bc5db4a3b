/* Logging from several threads: four workers draw samples of pi, each with a series of its own; the main
 * thread makes the steps, so that a pause holds all of them.
 *
 *     cc threads.c $(pkg-config --cflags --libs nnscope) -pthread -o threads && ./threads
 */
#include <nnscope.h>

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#define WORKERS 4
#define DRAWS 100000

typedef struct worker {
    nns_run *run;
    nns_series estimate;
    unsigned long long random;
    long inside, drawn;
    pthread_barrier_t *begin, *end;
    const int *more;
} worker;

static double uniform(worker *w) {
    w->random = w->random * 6364136223846793005ull + 1442695040888963407ull;
    return (double)(w->random >> 11) / 9007199254740992.0;
}

/* Between the two barriers of a step each worker draws and logs; its values carry the current step. */
static void *work(void *context) {
    worker *w = context;
    for (;;) {
        pthread_barrier_wait(w->begin);
        if (!*w->more) return NULL;
        for (int i = 0; i < DRAWS; i++) {
            double a = uniform(w), b = uniform(w);
            w->inside += a * a + b * b < 1;
        }
        w->drawn += DRAWS;
        nns_scalar(w->run, w->estimate, 4.0 * (double)w->inside / (double)w->drawn);
        pthread_barrier_wait(w->end);
    }
}

int main(int argc, char **argv) {
    int64_t steps = argc > 1 ? atoll(argv[1]) : 10000;
    nns_run *run = nns_open(&(nns_options){.project = "examples", .name = "threads", .argc = argc, .argv = argv});
    nns_series mean = nns_series_open(run, "pi/mean");
    pthread_barrier_t begin, end;
    pthread_t threads[WORKERS];
    worker workers[WORKERS];
    int more = 1;
    double estimate = 0;
    pthread_barrier_init(&begin, NULL, WORKERS + 1);
    pthread_barrier_init(&end, NULL, WORKERS + 1);
    for (int i = 0; i < WORKERS; i++) {
        char name[32];
        snprintf(name, sizeof name, "pi/worker %d", i);
        workers[i] = (worker){run, nns_series_open(run, name), (unsigned long long)i + 1, 0, 0,
                              &begin, &end, &more};
        pthread_create(&threads[i], NULL, work, &workers[i]);
    }
    for (int64_t step = 0; step < steps && nns_step(run, step); step++) {
        long inside = 0, drawn = 0;
        pthread_barrier_wait(&begin);
        pthread_barrier_wait(&end);
        for (int i = 0; i < WORKERS; i++) {
            inside += workers[i].inside;
            drawn += workers[i].drawn;
        }
        estimate = 4.0 * (double)inside / (double)drawn;
        nns_scalar(run, mean, estimate);
    }
    more = 0;
    pthread_barrier_wait(&begin);
    for (int i = 0; i < WORKERS; i++)
        pthread_join(threads[i], NULL);
    nns_close(run, 0);
    pthread_barrier_destroy(&begin);
    pthread_barrier_destroy(&end);
    printf("pi is about %.4f\n", estimate);
    return 0;
}
