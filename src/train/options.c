// Unit options.c reads the command line of nnscope-train. Every number is checked against its bounds;
// nothing is guessed.
#include "options.h"

#include "base/error.h"
#include "parallel.h"

#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#define FILTERS_MOST 1024 // of a stage

const char options_help[] =
    "usage: nnscope-train [options]\n"
    "Trains a network on images of digits, and shows it in nnscope.\n"
    "\n"
    "network\n"
    "  --model WORD          mlp (default): dense layers; cnn: filters, batch normalisation and\n"
    "                        pooling before them\n"
    "  --layers 512,256      units of the hidden dense layers (cnn: 128); 64x10: ten of 64; none:\n"
    "                        \"\" (mlp: a linear model)\n"
    "  --activation WORD     gelu (default of mlp), relu (of cnn), tanh, sigmoid\n"
    "  --filters 16,32,64    of the cnn, stage by stage; each stage halves the image\n"
    "  --kernel N            edge of the filters, odd (default 3)\n"
    "start (to see what goes wrong: see docs/guide/train.md, \"Deliberate faults\")\n"
    "  --init-scale X        times the usual size of the first weights (default 1)\n"
    "  --init-bias X         first biases of hidden units (default 0)\n"
    "  --init-bias-share X   of this share of each hidden layer's units only (default 1)\n"
    "learning\n"
    "  --optimizer WORD      momentum (default), sgd, adam\n"
    "  --lr X                learning rate (default 0.05 for momentum, 0.1 for sgd, 0.001 for "
    "adam)\n"
    "  --schedule WORD       what the learning rate does by itself: constant (default of mlp) or\n"
    "                        cosine (of cnn): down to zero at the end of the epochs\n"
    "  --momentum X          default 0.9\n"
    "  --beta1 X, --beta2 X  of adam, default 0.9 and 0.999\n"
    "  --weight-decay X      default 0.0001 (cnn: 0.0005)\n"
    "  --batch N             images a step, 1 to 4096 (default 128)\n"
    "  --epochs N            end after so many passes over the data (default 10; 0: until "
    "stopped)\n"
    "  --steps N             end after so many steps in all\n"
    "  --seed N              of weights, order and drawn digits (default 1)\n"
    "data\n"
    "  --data DIR            folder with MNIST (four IDX files, .gz or not); without it\n"
    "                        $NNSCOPE_DATA/mnist, then ../shared/data/mnist, else digits are "
    "drawn\n"
    "  --digits              draw digits, whatever files are there\n"
    "  --limit N             learn from the first N images only\n"
    "run\n"
    "  --threads N           for products of matrices (default: all cores but one)\n"
    "  --save FILE           write the whole state each epoch and at the end\n"
    "  --load FILE           go on from such a file, bit for bit\n"
    "  --paused              wait for a person's resume before the first step\n"
    "  --stay                wait, paused, when the training is over, until Ctrl-C\n"
    "  --exit                end after the epochs (it does; the word is for `nnscope demo`)\n"
    "  --budget X            share of step time that nnscope may use (default 0.01)\n"
    "  --name TEXT           of the run; --project TEXT\n"
    "  --quiet               print the last line only\n"
    "  --help, --version\n"
    "\n"
    "The last line is the share of test images that are recognised: accuracy 0.9712\n"
    "Ctrl-C ends the training after the present step, saves and prints it too.\n";

enum {
    MODEL = 256,
    LAYERS,
    ACTIVATION,
    FILTERS,
    EDGE,
    INIT_SCALE,
    INIT_BIAS,
    INIT_SHARE,
    OPTIMIZER,
    LR,
    SCHEDULE,
    MOMENTUM,
    BETA1,
    BETA2,
    DECAY,
    BATCH,
    EPOCHS,
    STEPS,
    SEED,
    DATA,
    DIGITS,
    LIMIT,
    THREADS,
    SAVE,
    LOAD,
    BUDGET,
    PAUSED,
    STAY,
    EXIT,
    NAME,
    PROJECT,
    QUIET,
    HELP,
    VERSION
};

static const struct option table[] = {
    {"model", required_argument, NULL, MODEL},
    {"layers", required_argument, NULL, LAYERS},
    {"activation", required_argument, NULL, ACTIVATION},
    {"filters", required_argument, NULL, FILTERS},
    {"kernel", required_argument, NULL, EDGE},
    {"init-scale", required_argument, NULL, INIT_SCALE},
    {"init-bias", required_argument, NULL, INIT_BIAS},
    {"init-bias-share", required_argument, NULL, INIT_SHARE},
    {"optimizer", required_argument, NULL, OPTIMIZER},
    {"lr", required_argument, NULL, LR},
    {"schedule", required_argument, NULL, SCHEDULE},
    {"momentum", required_argument, NULL, MOMENTUM},
    {"beta1", required_argument, NULL, BETA1},
    {"beta2", required_argument, NULL, BETA2},
    {"weight-decay", required_argument, NULL, DECAY},
    {"batch", required_argument, NULL, BATCH},
    {"epochs", required_argument, NULL, EPOCHS},
    {"steps", required_argument, NULL, STEPS},
    {"seed", required_argument, NULL, SEED},
    {"data", required_argument, NULL, DATA},
    {"digits", no_argument, NULL, DIGITS},
    {"limit", required_argument, NULL, LIMIT},
    {"threads", required_argument, NULL, THREADS},
    {"save", required_argument, NULL, SAVE},
    {"load", required_argument, NULL, LOAD},
    {"budget", required_argument, NULL, BUDGET},
    {"paused", no_argument, NULL, PAUSED},
    {"stay", no_argument, NULL, STAY},
    {"exit", no_argument, NULL, EXIT},
    {"name", required_argument, NULL, NAME},
    {"project", required_argument, NULL, PROJECT},
    {"quiet", no_argument, NULL, QUIET},
    {"help", no_argument, NULL, HELP},
    {"version", no_argument, NULL, VERSION},
    {NULL, 0, NULL, 0},
};

typedef struct bounds {
    const char *option;
    double low, high;
} bounds;

static int read_real(const char *text, bounds b, double *out, why *w) {
    char *end;
    *out = strtod(text, &end);
    if (end != text && !*end && *out >= b.low && *out <= b.high) return 0;
    return why_set(w, NNS_E_INVALID, "--%s %s: must be a number from %g to %g", b.option, text,
                   b.low, b.high);
}

static int read_whole(const char *text, bounds b, int64_t *out, why *w) {
    char *end;
    errno = 0;
    long long value = strtoll(text, &end, 10);
    *out = value;
    if (end != text && !*end && !errno && (double)value >= b.low && (double)value <= b.high)
        return 0;
    return why_set(w, NNS_E_INVALID, "--%s %s: must be a whole number from %.0f to %.0f", b.option,
                   text, b.low, b.high);
}

// "512,256" or "64x10,32": numbers up to `most` into items[cap]; -1 when it is anything else.
static int read_list(const char *text, long most, int *items, int cap) {
    int count = 0;
    for (const char *at = text; *at;) {
        char *end;
        long item = strtol(at, &end, 10), times = 1;
        if (end == at || item < 1 || item > most) return -1;
        if (*end == 'x') {
            at = end + 1;
            times = strtol(at, &end, 10);
            if (end == at || times < 1) return -1;
        }
        if ((*end && *end != ',') || (*end == ',' && !end[1]) || times > cap - count) return -1;
        for (; times; times--)
            items[count++] = (int)item;
        at = *end ? end + 1 : end;
    }
    return count;
}

static int read_layers(const char *text, model *m, why *w) {
    m->hidden = read_list(text, LAYER_UNITS_CAP, m->width, MODEL_HIDDEN_CAP);
    if (m->hidden >= 0) return 0;
    return why_set(w, NNS_E_INVALID,
                   "--layers %s: must be up to %d widths from 1 to %d, as in 512,256 or 64x10",
                   text, MODEL_HIDDEN_CAP, LAYER_UNITS_CAP);
}

static int read_filters(const char *text, model *m, why *w) {
    m->stages = read_list(text, FILTERS_MOST, m->filters, MODEL_FILTERS_CAP);
    if (m->stages > 0) return 0;
    return why_set(w, NNS_E_INVALID,
                   "--filters %s: must be 1 to %d numbers from 1 to %d, as in 16,32,64", text,
                   MODEL_FILTERS_CAP, FILTERS_MOST);
}

static int read_model(const char *word, model *m, why *w) {
    m->cnn = !strcmp(word, "cnn");
    if (m->cnn || !strcmp(word, "mlp")) return 0;
    return why_set(w, NNS_E_INVALID, "--model %s: must be mlp or cnn", word);
}

static int read_activation(const char *word, int *out, why *w) {
    int kind = activation_find(word);
    if (kind <= ACTIVATION_LINEAR)
        return why_set(w, NNS_E_INVALID, "--activation %s: must be gelu, relu, tanh or sigmoid",
                       word);
    *out = kind;
    return 0;
}

static int read_optimizer(const char *word, int *out, why *w) {
    *out = optimizer_find(word);
    if (*out < 0)
        return why_set(w, NNS_E_INVALID, "--optimizer %s: must be sgd, momentum or adam", word);
    return 0;
}

static int read_kernel(model *m, why *w) {
    int64_t value = 0;
    int result = read_whole(optarg, (bounds){"kernel", 1, LAYER_KERNEL_CAP}, &value, w);
    m->kernel = (int)value;
    if (!result && value % 2 == 0)
        return why_set(w, NNS_E_INVALID, "--kernel %s: must be odd, so that a filter has a middle",
                       optarg);
    return result;
}

static int read_network(options *o, int option, why *w) {
    model *m = &o->trainer.model;
    o->given |= OPTION_GIVEN_MODEL;
    switch (option) {
    case MODEL:
        return read_model(optarg, m, w);
    case LAYERS:
        return read_layers(optarg, m, w);
    case FILTERS:
        return read_filters(optarg, m, w);
    case EDGE:
        return read_kernel(m, w);
    default:
        return read_activation(optarg, &m->activation, w);
    }
}

static int read_start(options *o, int option, why *w) {
    net_start *s = &o->trainer.start;
    double value = 0;
    int result = 0;
    o->given |= OPTION_GIVEN_MODEL;
    switch (option) {
    case INIT_SCALE:
        result = read_real(optarg, (bounds){"init-scale", 0, 1e6}, &value, w);
        s->scale = (float)value;
        return result;
    case INIT_BIAS:
        result = read_real(optarg, (bounds){"init-bias", -1e6, 1e6}, &value, w);
        s->bias = (float)value;
        return result;
    default:
        return read_real(optarg, (bounds){"init-bias-share", 0, 1}, &s->biased, w);
    }
}

static int read_schedule(const char *word, int *out, why *w) {
    for (*out = 0; *out < SCHEDULE_COUNT; ++*out)
        if (!strcmp(word, schedule_names[*out])) return 0;
    return why_set(w, NNS_E_INVALID, "--schedule %s: must be constant or cosine", word);
}

static int read_rule(options *o, int option, why *w) {
    optimizer_settings *s = &o->trainer.live.rule;
    switch (option) {
    case OPTIMIZER:
        o->given |= OPTION_GIVEN_OPTIMIZER;
        return read_optimizer(optarg, &o->trainer.live.optimizer, w);
    case LR:
        o->given |= OPTION_GIVEN_LR;
        return read_real(optarg, (bounds){"lr", 0, 1e6}, &s->lr, w);
    case SCHEDULE:
        o->given |= OPTION_GIVEN_SCHEDULE;
        return read_schedule(optarg, &o->trainer.live.schedule, w);
    case MOMENTUM:
        o->given |= OPTION_GIVEN_MOMENTUM;
        return read_real(optarg, (bounds){"momentum", 0, 1}, &s->momentum, w);
    case BETA1:
        o->given |= OPTION_GIVEN_BETA1;
        return read_real(optarg, (bounds){"beta1", 0, 1}, &s->beta1, w);
    case BETA2:
        o->given |= OPTION_GIVEN_BETA2;
        return read_real(optarg, (bounds){"beta2", 0, 1}, &s->beta2, w);
    default:
        o->given |= OPTION_GIVEN_DECAY;
        return read_real(optarg, (bounds){"weight-decay", 0, 1e6}, &s->weight_decay, w);
    }
}

static int read_count(options *o, int option, why *w) {
    int64_t value = 0;
    int result = 0;
    switch (option) {
    case BATCH:
        o->given |= OPTION_GIVEN_BATCH;
        return read_whole(optarg, (bounds){"batch", 1, NET_BATCH_CAP}, &o->trainer.live.batch, w);
    case EPOCHS:
        o->given |= OPTION_GIVEN_EPOCHS;
        return read_whole(optarg, (bounds){"epochs", 0, 1e9}, &o->trainer.live.epochs, w);
    case STEPS:
        return read_whole(optarg, (bounds){"steps", 0, 1e15}, &o->steps, w);
    case SEED:
        result = read_whole(optarg, (bounds){"seed", 0, 9e15}, &value, w);
        o->trainer.seed = o->data.seed = (uint64_t)value;
        return result;
    case LIMIT:
        result = read_whole(optarg, (bounds){"limit", 1, 4e9}, &value, w);
        o->data.limit = (uint32_t)value;
        return result;
    default:
        result = read_whole(optarg, (bounds){"threads", 1, 256}, &value, w);
        o->threads = (int)value;
        return result;
    }
}

static int read_word(options *o, int option) {
    switch (option) {
    case DATA:
        o->data.folder = optarg;
        break;
    case DIGITS:
        o->data.draw = true;
        break;
    case SAVE:
        o->save = optarg;
        break;
    case LOAD:
        o->load = optarg;
        break;
    case PAUSED:
        o->paused = true;
        break;
    case STAY:
        o->stay = true;
        break;
    case NAME:
        o->name = optarg;
        break;
    case PROJECT:
        o->project = optarg;
        break;
    case QUIET:
        o->quiet = true;
        break;
    case HELP:
        o->help = true;
        break;
    case VERSION:
        o->version = true;
        break;
    default:
        o->stay = false; // EXIT: ending after the epochs is what we do
        break;
    }
    return 0;
}

static int read_one(options *o, int option, why *w) {
    switch (option) {
    case MODEL:
    case LAYERS:
    case ACTIVATION:
    case FILTERS:
    case EDGE:
        return read_network(o, option, w);
    case INIT_SCALE:
    case INIT_BIAS:
    case INIT_SHARE:
        return read_start(o, option, w);
    case BUDGET:
        return read_real(optarg, (bounds){"budget", 1e-6, 0.99}, &o->budget, w);
    case OPTIMIZER:
    case LR:
    case SCHEDULE:
    case MOMENTUM:
    case BETA1:
    case BETA2:
    case DECAY:
        return read_rule(o, option, w);
    case BATCH:
    case EPOCHS:
    case STEPS:
    case SEED:
    case LIMIT:
    case THREADS:
        return read_count(o, option, w);
    default:
        return read_word(o, option);
    }
}

static void set_defaults(options *o) {
    int cores = parallel_cores();
    *o = (options){
        .trainer = {.model = {.hidden = -1, .activation = -1},
                    .start = {.scale = 1, .biased = 1},
                    .live = {.rule = {.momentum = 0.9, .beta1 = 0.9, .beta2 = 0.999},
                             .batch = 128,
                             .epochs = 10,
                             .optimizer = OPTIMIZER_MOMENTUM},
                    .seed = 1},
        .data = {.seed = 1},
        .threads = cores > 1 ? cores - 1 : 1,
    };
}

// What the model and the optimizer decide where the command line did not.
static void set_open(options *o) {
    trainer_live *live = &o->trainer.live;
    bool cnn = o->trainer.model.cnn;
    model_fill(&o->trainer.model);
    if (cnn && !(o->given & OPTION_GIVEN_SCHEDULE)) live->schedule = SCHEDULE_COSINE;
    if (!(o->given & OPTION_GIVEN_DECAY)) live->rule.weight_decay = cnn ? 5e-4 : 1e-4;
    if (!(o->given & OPTION_GIVEN_LR))
        live->rule.lr = optimizer_default_lr((optimizer_kind)live->optimizer);
}

int options_parse(options *o, int argc, char **argv, why *w) {
    set_defaults(o);
    optind = 0; // start over, also when called again (tests)
    opterr = 0;
    for (int option; (option = getopt_long(argc, argv, "", table, NULL)) != -1;) {
        if (option == '?' || option == ':')
            return why_set(w, NNS_E_INVALID,
                           "%s: not an option, or its value is missing (see --help)",
                           optind > 0 && optind <= argc ? argv[optind - 1] : "");
        int result = read_one(o, option, w);
        if (result) return result;
    }
    if (optind < argc)
        return why_set(w, NNS_E_INVALID, "%s: not understood (see --help)", argv[optind]);
    if (!o->trainer.model.cnn && (o->trainer.model.stages || o->trainer.model.kernel))
        return why_set(w, NNS_E_INVALID, "--filters and --kernel are of --model cnn");
    set_open(o);
    return 0;
}

void options_override(const options *o, trainer_live *live) {
    const trainer_live *mine = &o->trainer.live;
    if (o->given & OPTION_GIVEN_OPTIMIZER) live->optimizer = mine->optimizer;
    if (o->given & OPTION_GIVEN_SCHEDULE) live->schedule = mine->schedule;
    if (o->given & OPTION_GIVEN_LR) live->rule.lr = mine->rule.lr;
    if (o->given & OPTION_GIVEN_MOMENTUM) live->rule.momentum = mine->rule.momentum;
    if (o->given & OPTION_GIVEN_BETA1) live->rule.beta1 = mine->rule.beta1;
    if (o->given & OPTION_GIVEN_BETA2) live->rule.beta2 = mine->rule.beta2;
    if (o->given & OPTION_GIVEN_DECAY) live->rule.weight_decay = mine->rule.weight_decay;
    if (o->given & OPTION_GIVEN_BATCH) live->batch = mine->batch;
    if (o->given & OPTION_GIVEN_EPOCHS) live->epochs = mine->epochs;
}
