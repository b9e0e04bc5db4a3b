/* The first program: a straight line is fitted to noisy points by gradient descent, and you can watch
 * the loss, change the learning rate, pause, step and stop while it runs.
 *
 *     cc first.c $(pkg-config --cflags --libs nnscope) -o first && ./first
 *     nnscope server        # in another terminal: prints the address of the page
 */
#include <nnscope.h>

#include <stdio.h>
#include <stdlib.h>

#define POINTS 256

static double x[POINTS], y[POINTS]; /* y = 3 x - 1 + noise */
static double slope, offset;        /* what is learned */

static void make_points(void) {
    unsigned seed = 1;
    for (int i = 0; i < POINTS; i++) {
        double noise = 0;
        for (int k = 0; k < 4; k++) {
            seed = seed * 1664525u + 1013904223u;
            noise += (double)(seed >> 8) / (1 << 24) - 0.5;
        }
        x[i] = (double)i / POINTS * 2 - 1;
        y[i] = 3 * x[i] - 1 + 0.1 * noise;
    }
}

/* One step of gradient descent on the mean squared error. Returns the error before the step. */
static double train_batch(double lr) {
    double loss = 0, by_slope = 0, by_offset = 0;
    for (int i = 0; i < POINTS; i++) {
        double error = slope * x[i] + offset - y[i];
        loss += error * error / POINTS;
        by_slope += 2 * error * x[i] / POINTS;
        by_offset += 2 * error / POINTS;
    }
    slope -= lr * by_slope;
    offset -= lr * by_offset;
    return loss;
}

int main(int argc, char **argv) {
    int64_t steps = argc > 1 ? atoll(argv[1]) : 1000000;
    make_points();

    nns_run *run = nns_open(&(nns_options){.project = "examples", .name = "first", .argc = argc, .argv = argv});
    double lr = 0.01;
    nns_param_double(run, "lr", &lr, &(nns_range){.min = 1e-6, .max = 1, .log_scale = true});
    nns_series loss = nns_series_open_as(run, "train/loss", NULL, NNS_LOWER);
    for (int64_t step = 0; step < steps && nns_step(run, step); step++)
        nns_scalar(run, loss, train_batch(lr));
    nns_close(run, 0);

    printf("slope %.3f offset %.3f\n", slope, offset);
    return 0;
}
