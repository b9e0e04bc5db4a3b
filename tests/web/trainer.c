// A training program for the browser test and the page's bench: a small least-squares problem solved by gradient descent, so
// that what a person steers (lr, batch, optimizer) has a true effect on the curves. It records everything that the page shows.
//
//     web_trainer [--project P] [--name N] [--step-us US] [--steps N] [--panels N --curves N] [--clock] [--plain]
//
// --panels, --curves: that many scalars beside, as layer/uC/mP (a panel for each P with a curve for each C).
// --clock: the wall time in ms of each log call as clock/wall, of each parameter change as clock/applied.
// --plain: only scalars and parameters, no pictures, no output.
#include <nnscope.h>

#include <getopt.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { FEATURES = 16, ROWS_MAX = 256, CURVES_MAX = 1024, BINS = 32, SIDE = 28, CLASSES = 10 };

typedef struct options {
    const char *project, *name;
    long step_us, steps;
    int panels, curves;
    bool clock, plain;
} options;

typedef struct trainer {
    nns_run *run;
    double weights[FEATURES], truth[FEATURES], velocity[FEATURES];
    double lr, momentum;
    int64_t batch;
    bool shuffle;
    int optimizer;
    double temperature;
    double applied_ms; // wall time at which the last change reached the program
    uint64_t random;
} trainer;

static double wall_ms(void) {
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static double mono_us(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static double uniform(trainer *t) { // xorshift64*, in [-1, 1)
    t->random ^= t->random >> 12;
    t->random ^= t->random << 25;
    t->random ^= t->random >> 27;
    return (double)((t->random * 2685821657736338717u) >> 11) / 4503599627370496.0 - 1.0;
}

// One step of descent on `batch` random rows; returns the mean squared error before it.
static double descend(trainer *t, double *norm) {
    double gradient[FEATURES] = {0}, loss = 0;
    for (int64_t row = 0; row < t->batch; row++) {
        double x[FEATURES], error = 0.1 * uniform(t);
        for (int i = 0; i < FEATURES; i++) {
            x[i] = uniform(t);
            error += x[i] * (t->weights[i] - t->truth[i]);
        }
        for (int i = 0; i < FEATURES; i++)
            gradient[i] += error * x[i] / (double)t->batch;
        loss += error * error / (double)t->batch;
    }
    *norm = 0;
    for (int i = 0; i < FEATURES; i++) {
        *norm += gradient[i] * gradient[i];
        t->velocity[i] = (t->optimizer == 0 ? 0 : t->momentum) * t->velocity[i] + gradient[i];
        t->weights[i] -= t->lr * t->velocity[i];
    }
    *norm = sqrt(*norm);
    return loss;
}

static void spend(const trainer *t, double until_us) { // a trainer computes: it does not sleep
    volatile double sink = t->lr;
    while (mono_us() < until_us)
        for (int i = 0; i < 100; i++)
            sink = sink * 1.0000001;
}

static void changed(void *context, nns_param param) {
    (void)param;
    ((trainer *)context)->applied_ms = wall_ms();
}

static void offer(trainer *t) {
    static const char *const words[] = {"sgd", "momentum"};
    nns_param lr = nns_param_double(
        t->run, "lr", &t->lr,
        &(nns_range){.min = 1e-6, .max = 1, .log_scale = true, .description = "learning rate"});
    nns_param_double(t->run, "momentum", &t->momentum,
                     &(nns_range){.max = 0.99, .description = "of the optimizer momentum"});
    nns_param_int(t->run, "batch", &t->batch,
                  &(nns_range){.min = 1, .max = ROWS_MAX, .log_scale = true, .unit = "rows"});
    nns_param_bool(t->run, "shuffle", &t->shuffle,
                   &(nns_range){.description = "a new order each epoch"});
    nns_param_choice(t->run, "optimizer", &t->optimizer, words, 2, NULL);
    nns_param_text(t->run, "note", "first try", &(nns_range){.description = "free words"});
    nns_param_double(t->run, "temperature", &t->temperature,
                     &(nns_range){.read_only = true, .unit = "C", .description = "of the board"});
    nns_param_on_change(t->run, lr, changed, t);
}

static void tell(nns_run *run) {
    nns_fact_json(run, "model",
                  "{\"kind\": \"least squares\", \"features\": 16, \"layers\": [16, 1]}");
    nns_fact_text(run, "data/source", "drawn by the program");
    nns_fact_int(run, "data/rows", ROWS_MAX);
    nns_fact_double(run, "noise", 0.1);
}

static void log_weights(const trainer *t) {
    float counts[BINS] = {0};
    for (int i = 0; i < FEATURES; i++) {
        int bin = (int)((t->weights[i] + 1.5) / 3.0 * BINS);
        if (bin >= 0 && bin < BINS) counts[bin]++;
    }
    nns_histogram(t->run, "weights", -1.5, 1.5, counts, BINS);
}

static void log_image(const trainer *t) {
    uint8_t pixels[4 * 4];
    for (int i = 0; i < FEATURES; i++)
        pixels[i] = (uint8_t)fmin(255, fmax(0, 128 + 100 * t->weights[i]));
    nns_image(t->run, "weights as an image", NNS_IMAGE_GRAY8, 4, 4, pixels, sizeof pixels,
              "the sixteen weights");
}

// Rings of different size: the first class ever more certain, one of them wrong.
static void log_samples(trainer *t, double sure) {
    for (int k = 0; k < 6; k++) {
        uint8_t pixels[SIDE * SIDE];
        float p[CLASSES];
        char name[32];
        for (int i = 0; i < SIDE * SIDE; i++) {
            double d = fabs(hypot(i % SIDE - 13.5, i / SIDE - 13.5) - 4 - k);
            pixels[i] = d < 1.5 ? (uint8_t)(255 - 100 * d) : 0;
        }
        int guess = k == 4 ? 9 : k;
        for (int c = 0; c < CLASSES; c++)
            p[c] = (float)(c == guess ? 0.1 + 0.9 * sure : (0.9 - 0.9 * sure) / (CLASSES - 1));
        snprintf(name, sizeof name, "samples/ring %d", k + 1);
        nns_sample(t->run, name, SIDE, SIDE, pixels, k, p, CLASSES);
    }
}

static void print_line(int64_t step, double loss, double lr) {
    printf("\033[2m%6lld\033[0m \033[36mloss\033[0m \033[1m%.5f\033[0m lr %g\n", (long long)step,
           loss, lr);
    if (step % 500 == 0)
        printf("\033[33mwarning:\033[0m this line is here to be found at step %lld\n",
               (long long)step);
    fflush(stdout);
}

static void log_pictures(trainer *t, int64_t step, double loss) {
    if (step % 20 == 0) print_line(step, loss, t->lr);
    if (step % 100 == 0) log_weights(t);
    if (step % 200 == 0) log_samples(t, 1 - fmin(1, loss));
    if (step % 500 == 0) log_image(t);
    if (step % 500 == 0) nns_text(t->run, "notes", step ? "still here" : "hello\n<b>not bold</b>");
    if (step && step % 2000 == 0) nns_mark(t->run, "two thousand more");
}

static void train(trainer *t, const options *o) {
    nns_run *run = t->run;
    nns_series loss_of = nns_series_open_as(run, "train/loss", NULL, NNS_LOWER),
               norm_of = nns_series_open(run, "train/gradient_norm");
    nns_series_open(run, "train/never"); // and never logged
    nns_series val_of = nns_series_open_as(run, "val/loss", NULL, NNS_LOWER),
               wall = o->clock ? nns_series_open_as(run, "clock/wall", "ms", NNS_NEITHER) : 0;
    nns_series applied = o->clock ? nns_series_open_as(run, "clock/applied", "ms", NNS_NEITHER) : 0,
               extra[CURVES_MAX];
    int extras = o->panels * o->curves;
    for (int i = 0; i < extras; i++) {
        char name[64];
        snprintf(name, sizeof name, "layer/u%02d/m%02d", i % o->curves, i / o->curves);
        extra[i] = nns_series_open(run, name);
    }
    double next = mono_us();
    for (int64_t step = 0; nns_step(run, step) && (!o->steps || step < o->steps); step++) {
        double norm, loss = descend(t, &norm);
        t->temperature = 61.5;
        if (t->applied_ms > 0 && o->clock) nns_scalar(run, applied, t->applied_ms);
        t->applied_ms = 0;
        nns_scalar(run, loss_of, loss);
        nns_scalar(run, norm_of, norm);
        for (int i = 0; i < extras; i++)
            nns_scalar(run, extra[i], sin((double)step / 200 + i) + 0.1 * uniform(t));
        if (step % 50 == 0) nns_scalar(run, val_of, loss * 1.1);
        nns_progress(run, (double)step / 100, o->steps);
        if (!o->plain) log_pictures(t, step, loss);
        double now = mono_us();
        next = now - next > 1e5 ? now + (double)o->step_us
                                : next + (double)o->step_us; // after a pause: no rush
        spend(t, next);
        if (o->clock) nns_scalar(run, wall, wall_ms());
    }
}

static int parse(options *o, int argc, char **argv) {
    static const struct option known[] = {
        {"project", 1, 0, 'p'}, {"name", 1, 0, 'n'},   {"step-us", 1, 0, 'u'},
        {"steps", 1, 0, 's'},   {"panels", 1, 0, 'P'}, {"curves", 1, 0, 'C'},
        {"clock", 0, 0, 'c'},   {"plain", 0, 0, 'l'},  {0}};
    for (int c; (c = getopt_long(argc, argv, "", known, NULL)) >= 0;)
        switch (c) {
        case 'p':
            o->project = optarg;
            break;
        case 'n':
            o->name = optarg;
            break;
        case 'u':
            o->step_us = atol(optarg);
            break;
        case 's':
            o->steps = atol(optarg);
            break;
        case 'P':
            o->panels = atoi(optarg);
            break;
        case 'C':
            o->curves = atoi(optarg);
            break;
        case 'c':
            o->clock = true;
            break;
        case 'l':
            o->plain = true;
            break;
        default:
            return 2;
        }
    return o->panels < 0 || o->curves < 0 || o->panels * o->curves > CURVES_MAX ? 2 : 0;
}

int main(int argc, char **argv) {
    options o = {.project = "web", .name = "steered", .step_us = 5000};
    if (parse(&o, argc, argv)) return 2;
    trainer t = {
        .lr = 0.01, .momentum = 0.5, .batch = 32, .shuffle = true, .random = 88172645463325252u};
    for (int i = 0; i < FEATURES; i++)
        t.truth[i] = uniform(&t);
    t.run = nns_open(&(nns_options){.project = o.project,
                                    .name = o.name,
                                    .tags = "browser",
                                    .argc = argc,
                                    .argv = argv,
                                    .capture_output = !o.plain,
                                    .quiet = true});
    if (!t.run) return 1;
    offer(&t);
    tell(t.run);
    train(&t, &o);
    nns_close(t.run, 0);
    return 0;
}
