/* nnscope.h: the public C interface of nnscope. See inside a training run and steer it while it runs.
 *
 *     #include <nnscope.h>
 *     nns_run *run = nns_open(&(nns_options){.project = "mnist", .name = "mlp"});
 *     double lr = 0.1;
 *     nns_param_double(run, "lr", &lr, &(nns_range){.min = 1e-6, .max = 1, .log_scale = true});
 *     nns_series loss = nns_series_open(run, "train/loss");
 *     for (int64_t step = 0; nns_step(run, step); step++)
 *         nns_scalar(run, loss, train_batch(lr));
 *     nns_close(run, 0);
 *
 * Build with `cc trainer.c $(pkg-config --cflags --libs nnscope)`. With -DNNS_DISABLE every call
 * compiles to nothing (arguments are still evaluated, nns_step is true).
 *
 * Promises. No server is needed: what is recorded waits in files until a server takes it in. No call
 * fails, stops or slows the program: trouble (full disk, no memory, a dead server) is counted, see
 * nns_stats_get. NULL and 0 handles are accepted everywhere and do nothing. Nothing here changes
 * the number of threads, the random state, the floating-point mode or the order of anything.
 *
 * Threads. Values, text, images may be logged from any thread. nns_step, nns_before_update and
 * nns_close belong to one thread, the training thread. After fork the child's calls do nothing until
 * it calls nns_open itself. Strings and data are copied before a call returns, unless it says other.
 */
#ifndef NNSCOPE_H
#define NNSCOPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Switched off, every function is an empty one of this file: nothing to link, arguments are evaluated. */
#ifdef NNS_DISABLE
#define NNS_API static inline
#elif defined(__GNUC__)
#define NNS_API __attribute__((visibility("default"))) /* what libnnscope.so shows */
#else
#define NNS_API
#endif

#define NNS_VERSION_MAJOR 0
#define NNS_VERSION_MINOR 1
#define NNS_VERSION_PATCH 0
#define NNS_VERSION "0.1.0"

typedef struct nns_run nns_run;
typedef uint32_t nns_series; /* a named sequence of values in a run; 0 is none */
typedef uint32_t nns_param;  /* a live value that a person may change; 0 is none */
typedef uint32_t nns_layer;  /* a layer of the network, in the order of description from 1; 0 is none */
typedef uint32_t nns_tensor; /* numbers in the program's memory that may be looked at; 0 is none */

/* How a run is opened. Zero everywhere is a good default. */
typedef struct nns_options {
    const char *project; /* groups runs; default "default" */
    const char *name;    /* a label; default is made of the time */
    const char *group;   /* groups runs inside a project; may be NULL */
    const char *tags;    /* separated by commas; may be NULL */
    const char *notes;   /* may be NULL */
    const char *id;      /* joins or resumes the run with this id (26 characters); default NNSCOPE_RUN, else new */
    const char *dir;     /* data directory; default NNSCOPE_DIR, else $XDG_DATA_HOME/nnscope, else ~/.local/share/nnscope */
    int rank;            /* of this process in a data-parallel job; several processes share one id */
    int world;           /* number of processes; 0 means 1 */
    int argc;            /* the program's arguments, recorded as a fact; may be 0 */
    char **argv;
    bool quiet;          /* do not print the one line to a terminal's stderr */
    bool capture_output; /* record stdout and stderr too (still shown on the terminal) */
    bool no_system;      /* do not sample CPU, memory and GPU */
    bool no_network;     /* record nothing of the network on our own account (statistics, snapshots); looking works all the
                            same. NNSCOPE_RECORD_NETWORK=0 does so too */
    double budget;       /* share of step time that nnscope may use; default 0.01 */
} nns_options;

/* Opens a run. Returns NULL when nothing can be recorded at all (said on stderr unless quiet);
 * every call accepts that NULL. Starts two helper threads (signals blocked in them), and a third one
 * when a network is described. */
NNS_API nns_run *nns_open(const nns_options *options);

/* Ends the run: state `finished` for 0, `failed` otherwise. Waits at most 2 s until everything is in
 * files. The run is invalid afterwards. A program that exits without it: exit status decides. */
NNS_API void nns_close(nns_run *run, int status);

/* The run's id (26 characters), valid until nns_close; "" for NULL. */
NNS_API const char *nns_run_id(const nns_run *run);

/* The safe point. Call it once per iteration, before the body of step `step`. In order: what is wanted of the network is
 * copied, as the step before left it; the step is published; commands are applied; while the run is paused the call waits. Returns false when a person
 * asked the program to stop. A command "applied at N" is first seen by the body of step N. A step lower
 * than the last opens a new attempt. Cost with nothing to do: one clock read. */
NNS_API bool nns_step(nns_run *run, int64_t step);

/* Optional, between computing gradients and the update: where gradients may be looked at before they do harm.
 * Returns true: make the update. False will mean: skip it; nothing in this version asks for that, a loop that heeds it
 * is ready for one that does. */
NNS_API bool nns_before_update(nns_run *run);

/* Feeds epoch, progress and the time left. total_steps 0 means unknown. */
NNS_API void nns_progress(nns_run *run, double epoch, int64_t total_steps);

/* Series -------------------------------------------------------------------------------------- */

typedef enum nns_direction { NNS_NEITHER = 0, NNS_LOWER = 1, NNS_HIGHER = 2 } nns_direction;

/* The series with this name (UTF-8, at most 255 bytes, `/` groups); the same name gives the same
 * handle. 0 when the name is empty, too long, or of another kind. */
NNS_API nns_series nns_series_open(nns_run *run, const char *name);

/* As above, with a unit ("s", "%"; may be NULL) and which direction is better, for "best". */
NNS_API nns_series nns_series_open_as(nns_run *run, const char *name, const char *unit, nns_direction better);

/* One value at the current step. NaN and infinities are data. About 3 ns. */
NNS_API void nns_scalar(nns_run *run, nns_series series, double value);

/* The same by name, for values logged rarely: looks the name up, about 50 ns. */
NNS_API void nns_scalar_named(nns_run *run, const char *name, double value);

/* `bins` counts (at most 4096) over equal intervals of [low, high]. A name that is of another kind, or
 * bounds that are not numbers in order: nothing is recorded. So in the calls below. */
NNS_API void nns_histogram(nns_run *run, const char *name, double low, double high, const float *counts, uint32_t bins);

/* Text (at most 64 kB) at the current step. */
NNS_API void nns_text(nns_run *run, const char *name, const char *text);

typedef enum nns_image_format {
    NNS_IMAGE_GRAY8 = 1, /* height x width bytes, row by row, 0 is black */
    NNS_IMAGE_RGB8 = 2,  /* height x width x 3 */
    NNS_IMAGE_RGBA8 = 3, /* height x width x 4 */
    NNS_IMAGE_PNG = 4,   /* an encoded file; width and height may be 0 */
    NNS_IMAGE_JPEG = 5
} nns_image_format;

/* An image at the current step. `bytes` is its size (raw formats: must equal height x width x channels).
 * `caption` may be NULL. When the staging area is full the image is dropped and counted. */
NNS_API void nns_image(nns_run *run, const char *name, nns_image_format format, uint32_t width, uint32_t height,
               const void *data, size_t bytes, const char *caption);

/* A sample with its truth and the predicted distribution (`classes` probabilities). Shown as a card.
 * `input` is an image as above, GRAY8. Truth -1 is unknown. */
NNS_API void nns_sample(nns_run *run, const char *name, uint32_t width, uint32_t height, const uint8_t *input,
                int truth, const float *probabilities, uint32_t classes);

/* Facts ---------------------------------------------------------------------------------------- */

/* Configuration and other facts of the run. `json` is a JSON value ("3", "\"adam\"", "{...}"). */
NNS_API void nns_fact_json(nns_run *run, const char *key, const char *json);
NNS_API void nns_fact_text(nns_run *run, const char *key, const char *text);
NNS_API void nns_fact_double(nns_run *run, const char *key, double value);
NNS_API void nns_fact_int(nns_run *run, const char *key, int64_t value);

/* A mark with a word, at the current step, on every chart and in the list of events. */
NNS_API void nns_mark(nns_run *run, const char *text);

/* Parameters ----------------------------------------------------------------------------------- */

/* Bounds of a numeric parameter. min == max means unbounded. */
typedef struct nns_range {
    double min;
    double max;
    bool log_scale;          /* a slider by decades */
    bool read_only;          /* shown and recorded, never written */
    const char *unit;        /* may be NULL */
    const char *description; /* may be NULL */
} nns_range;

/* Declare the caller's variable as a live parameter. It is written only inside nns_step, on the
 * thread that calls it, and must stay valid until nns_close. The program may write it too: noticed at
 * the next safe point. Its value is recorded as the series param/NAME. `range` may be NULL. A name (at
 * most 249 bytes) declared again gets the new address and keeps its first range. Call it from the
 * training thread; at most 256 parameters. 0: not declared (bad name, other type). */
NNS_API nns_param nns_param_double(nns_run *run, const char *name, double *value, const nns_range *range);
NNS_API nns_param nns_param_float(nns_run *run, const char *name, float *value, const nns_range *range);
NNS_API nns_param nns_param_int(nns_run *run, const char *name, int64_t *value, const nns_range *range);
NNS_API nns_param nns_param_bool(nns_run *run, const char *name, bool *value, const nns_range *range);

/* One of `count` words (at most 64); *value is its index. */
NNS_API nns_param nns_param_choice(nns_run *run, const char *name, int *value, const char *const *words, int count,
                           const nns_range *range);

/* Text owned by the library, at most 16 kB: read it with nns_param_text_get (valid until the next nns_step). */
NNS_API nns_param nns_param_text(nns_run *run, const char *name, const char *initial, const nns_range *range);
NNS_API const char *nns_param_text_get(nns_run *run, nns_param param);

/* Called inside nns_step after a person or a policy has changed the parameter. One per parameter. */
typedef void (*nns_param_changed)(void *context, nns_param param);
NNS_API void nns_param_on_change(nns_run *run, nns_param param, nns_param_changed changed, void *context);

/* Starts paused: the first nns_step waits for a person's resume. */
NNS_API void nns_pause(nns_run *run);

/* Asks the run to stop, as a person's stop does: the next nns_step returns false, and one that waits
 * while paused returns at once. Any thread, also a signal handler (a program's own Ctrl-C). */
NNS_API void nns_stop(nns_run *run);

/* The network ------------------------------------------------------------------------------------ */

/* Calls of this section belong to the training thread. What is described wrongly, or breaks a rule below, is said once in
 * the run's events (`trouble`), with the name of the layer or tensor; it is left out, and training goes on untouched. */

/* One layer. The same name again gives the same handle; with another shape it is refused: what was
 * described wrongly is said in the run's events, and 0 is returned. At most 4096 layers. */
typedef struct nns_layer_info {
    const char *name;        /* unique in the run: "fc1" */
    const char *kind;        /* "input" "dense" "conv" "pool" "norm" "flatten" or any other word */
    const char *activation;  /* "relu" "tanh" "sigmoid" "gelu" "softmax" or NULL: none. Decides what saturated means */
    int dims;                /* 1 to 4 */
    int64_t shape[4];        /* of its output for one sample: {512}, {28, 28}, {channels, height, width} */
    int64_t parameters;      /* that it learns */
    const nns_layer *inputs; /* the layers that feed it; NULL: the layer described before it */
    int input_count;
} nns_layer_info;
NNS_API nns_layer nns_layer_describe(nns_run *run, const nns_layer_info *info);

/* What a tensor is to its layer. B: rows of the batch, U: units (dense) or channels (conv), I: inputs. */
typedef enum nns_role {
    NNS_WEIGHT = 1,       /* dense (U, I), conv (U, channels, height, width); (U) for scales */
    NNS_WEIGHT_GRAD = 2,  /* dL/dw, as the weight */
    NNS_BIAS = 3,         /* (U) */
    NNS_BIAS_GRAD = 4,    /* (U) */
    NNS_PRE = 5,          /* before the nonlinearity: (B, U) or (B, U, height, width); read where there is neither one nor NNS_ACT */
    NNS_ACT = 6,          /* after it */
    NNS_PRE_GRAD = 7,     /* dL/dpre */
    NNS_UPDATE = 8,       /* as the weight. Not registered: the difference of two safe points */
    NNS_INPUT = 9,        /* (B, ...) what the network is shown */
    NNS_LABEL = 10,       /* (B) number of the true class */
    NNS_PREDICTION = 11,  /* (B, classes) probabilities */
    NNS_SAMPLE_LOSS = 12, /* (B) */
    NNS_OTHER = 13        /* statistics of the whole only */
} nns_role;

typedef enum nns_dtype {
    NNS_FLOAT32 = 1,
    NNS_FLOAT64 = 2,
    NNS_FLOAT16 = 3,
    NNS_BFLOAT16 = 4,
    NNS_UINT8 = 5,
    NNS_INT8 = 6,
    NNS_INT32 = 7,
    NNS_INT64 = 8
} nns_dtype;

/* When the memory may be read, always on the thread that calls: it is read nowhere else. */
typedef enum nns_valid {
    NNS_ALWAYS = 0,    /* in nns_step and in nns_before_update */
    NNS_AT_STEP = 1,   /* in nns_step: it stands as the step's body left it */
    NNS_AT_UPDATE = 2, /* in nns_before_update: gradients are there, the weights are still the old ones */
    NNS_WHEN_SHOWN = 3 /* in nns_tensor_show, nowhere else */
} nns_valid;

typedef struct nns_tensor_info {
    nns_layer layer;     /* 0: of no layer */
    nns_role role;
    const char *name;    /* unique in the run; NULL: LAYER/role, "fc1/weight" */
    nns_dtype dtype;
    nns_valid valid;
    int dims;            /* 1 to 4 */
    int64_t shape[4];    /* in the order of the role, whatever the order in memory; batch roles: the most rows */
    int64_t strides[4];  /* in elements; all 0: row by row without gaps. A weight kept as (I, U) is shape {U, I}, strides {1, U} */
    const void *data;    /* may be NULL until nns_tensor_move */
} nns_tensor_info;

/* Registers memory that somebody may want to look at. Nothing is copied unless somebody looks or a recording is
 * due, and then within the run's budget. The memory must stay readable as `valid` says until nns_tensor_gone.
 * A registered name again: the new address, shape and rule hold from now on. At most 16384 tensors. */
NNS_API nns_tensor nns_tensor_add(nns_run *run, const nns_tensor_info *info);

/* The memory is somewhere else now (NULL: nowhere for the moment). */
NNS_API void nns_tensor_move(nns_run *run, nns_tensor tensor, const void *data);

/* Its shape has changed (same number of dimensions). */
NNS_API void nns_tensor_reshape(nns_run *run, nns_tensor tensor, const int64_t *shape);

/* Rows of the batch that the batch roles (PRE ACT PRE_GRAD INPUT LABEL PREDICTION SAMPLE_LOSS) hold now. */
NNS_API void nns_batch(nns_run *run, int64_t rows);

/* For NNS_WHEN_SHOWN: it may be read during this call. A few loads when nobody wants it. */
NNS_API void nns_tensor_show(nns_run *run, nns_tensor tensor);

/* Call it before the memory is freed. */
NNS_API void nns_tensor_gone(nns_run *run, nns_tensor tensor);

/* A sample pushed through the network by hand. The program's call runs inside nns_step (also while paused): it runs
 * the network on `input` (`count` values, from 0 to 1 for images, shape as info says), hands over what it sees on the
 * way with nns_push_activation, the answer with nns_push_output, and leaves everything as it was: random state,
 * statistics of batch normalisation, the buffers of the step. False: it could not. */
typedef struct nns_push nns_push;
typedef bool (*nns_push_call)(void *context, nns_push *push, const float *input, size_t count);

/* Sample `index` of the program's own (test) set: fills input (count values) and the truth, -1 unknown. */
typedef bool (*nns_push_sample)(void *context, int64_t index, float *input, size_t count, int *truth);

typedef struct nns_push_info {
    int dims;
    int64_t shape[4];          /* of the input: {28, 28} */
    int classes;               /* values of the output */
    const char *const *words;  /* names of the classes; NULL: "0", "1", ... */
    int64_t samples;           /* of the program's own set; 0: none */
    nns_push_sample sample;    /* NULL: none */
} nns_push_info;
NNS_API void nns_on_push(nns_run *run, nns_push_call call, void *context, const nns_push_info *info);
NNS_API void nns_push_activation(nns_push *push, nns_layer layer, const float *values, size_t count);
NNS_API void nns_push_output(nns_push *push, const float *values, size_t count);

/* What the network would be worth with other weights. The call runs on a thread of the library, beside training, and
 * must touch nothing that training uses: it takes the weights and biases from nns_copy_data (layout in memory as
 * registered, NULL: not copied) and returns the accuracy, 0 to 1, over samples of the program's choice. */
typedef struct nns_copy nns_copy;
typedef double (*nns_evaluate_call)(void *context, const nns_copy *copy);
NNS_API void nns_on_evaluate(nns_run *run, nns_evaluate_call call, void *context);
NNS_API const float *nns_copy_data(const nns_copy *copy, nns_tensor tensor);

/* A confusion matrix at the current step: counts (classes, classes), row is the truth, column the prediction; at most
 * 256 classes. `words` (classes) may be NULL. */
NNS_API void nns_confusion(nns_run *run, const char *name, uint32_t classes, const uint32_t *counts, const char *const *words);

/* State ---------------------------------------------------------------------------------------- */

typedef struct nns_stats {
    uint64_t written_records;  /* handed to the lanes */
    uint64_t dropped_records;  /* lost because a lane was full or nothing could be mapped */
    uint64_t dropped_large;    /* images and the like that did not fit into the staging area */
    uint64_t failed_bytes;     /* could not be written to files (full or read-only disk) */
    double step_share;         /* time inside nnscope on the training thread / wall time, last 10 s */
    double helper_share;       /* CPU of the helper threads / wall time, last 10 s */
    int64_t paused_ns;         /* time spent paused */
    bool salvageable;          /* false: lanes are in private memory, a SIGKILL may lose up to 8 ms */
    uint64_t thread_waits;     /* first calls of new threads that found no memory ready and made it themselves */
} nns_stats;

/* Fills *stats; all zero for NULL. */
NNS_API void nns_stats_get(nns_run *run, nns_stats *stats);

/* The library's version, as NNS_VERSION. */
NNS_API const char *nns_version(void);

/* Switched off ---------------------------------------------------------------------------------- */

#ifdef NNS_DISABLE
#ifdef __GNUC__
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wshadow" /* the program may have globals of these names */
#endif
static inline nns_run *nns_open(const nns_options *options) {
    (void)options;
    return (nns_run *)0;
}
static inline void nns_close(nns_run *run, int status) {
    (void)run; (void)status;
}
static inline const char *nns_run_id(const nns_run *run) {
    (void)run;
    return "";
}
static inline bool nns_step(nns_run *run, int64_t step) {
    (void)run; (void)step;
    return true;
}
static inline bool nns_before_update(nns_run *run) {
    (void)run;
    return true;
}
static inline void nns_progress(nns_run *run, double epoch, int64_t total_steps) {
    (void)run; (void)epoch; (void)total_steps;
}
static inline nns_series nns_series_open(nns_run *run, const char *name) {
    (void)run; (void)name;
    return 0;
}
static inline nns_series nns_series_open_as(nns_run *run, const char *name, const char *unit,
        nns_direction better) {
    (void)run; (void)name; (void)unit; (void)better;
    return 0;
}
static inline void nns_scalar(nns_run *run, nns_series series, double value) {
    (void)run; (void)series; (void)value;
}
static inline void nns_scalar_named(nns_run *run, const char *name, double value) {
    (void)run; (void)name; (void)value;
}
static inline void nns_histogram(nns_run *run, const char *name, double low, double high,
        const float *counts, uint32_t bins) {
    (void)run; (void)name; (void)low; (void)high; (void)counts; (void)bins;
}
static inline void nns_text(nns_run *run, const char *name, const char *text) {
    (void)run; (void)name; (void)text;
}
static inline void nns_image(nns_run *run, const char *name, nns_image_format format,
        uint32_t width, uint32_t height, const void *data, size_t bytes, const char *caption) {
    (void)run; (void)name; (void)format; (void)width; (void)height; (void)data; (void)bytes;
    (void)caption;
}
static inline void nns_sample(nns_run *run, const char *name, uint32_t width, uint32_t height,
        const uint8_t *input, int truth, const float *probabilities, uint32_t classes) {
    (void)run; (void)name; (void)width; (void)height; (void)input; (void)truth;
    (void)probabilities; (void)classes;
}
static inline void nns_fact_json(nns_run *run, const char *key, const char *json) {
    (void)run; (void)key; (void)json;
}
static inline void nns_fact_text(nns_run *run, const char *key, const char *text) {
    (void)run; (void)key; (void)text;
}
static inline void nns_fact_double(nns_run *run, const char *key, double value) {
    (void)run; (void)key; (void)value;
}
static inline void nns_fact_int(nns_run *run, const char *key, int64_t value) {
    (void)run; (void)key; (void)value;
}
static inline void nns_mark(nns_run *run, const char *text) {
    (void)run; (void)text;
}
static inline nns_param nns_param_double(nns_run *run, const char *name, double *value,
        const nns_range *range) {
    (void)run; (void)name; (void)value; (void)range;
    return 0;
}
static inline nns_param nns_param_float(nns_run *run, const char *name, float *value,
        const nns_range *range) {
    (void)run; (void)name; (void)value; (void)range;
    return 0;
}
static inline nns_param nns_param_int(nns_run *run, const char *name, int64_t *value,
        const nns_range *range) {
    (void)run; (void)name; (void)value; (void)range;
    return 0;
}
static inline nns_param nns_param_bool(nns_run *run, const char *name, bool *value,
        const nns_range *range) {
    (void)run; (void)name; (void)value; (void)range;
    return 0;
}
static inline nns_param nns_param_choice(nns_run *run, const char *name, int *value,
        const char *const *words, int count, const nns_range *range) {
    (void)run; (void)name; (void)value; (void)words; (void)count; (void)range;
    return 0;
}
static inline nns_param nns_param_text(nns_run *run, const char *name, const char *initial,
        const nns_range *range) {
    (void)run; (void)name; (void)initial; (void)range;
    return 0;
}
static inline const char *nns_param_text_get(nns_run *run, nns_param param) {
    (void)run; (void)param;
    return "";
}
static inline void nns_param_on_change(nns_run *run, nns_param param, nns_param_changed changed,
        void *context) {
    (void)run; (void)param; (void)changed; (void)context;
}
static inline void nns_pause(nns_run *run) {
    (void)run;
}
static inline void nns_stop(nns_run *run) {
    (void)run;
}
static inline nns_layer nns_layer_describe(nns_run *run, const nns_layer_info *info) {
    (void)run; (void)info;
    return 0;
}
static inline nns_tensor nns_tensor_add(nns_run *run, const nns_tensor_info *info) {
    (void)run; (void)info;
    return 0;
}
static inline void nns_tensor_move(nns_run *run, nns_tensor tensor, const void *data) {
    (void)run; (void)tensor; (void)data;
}
static inline void nns_tensor_reshape(nns_run *run, nns_tensor tensor, const int64_t *shape) {
    (void)run; (void)tensor; (void)shape;
}
static inline void nns_batch(nns_run *run, int64_t rows) {
    (void)run; (void)rows;
}
static inline void nns_tensor_show(nns_run *run, nns_tensor tensor) {
    (void)run; (void)tensor;
}
static inline void nns_tensor_gone(nns_run *run, nns_tensor tensor) {
    (void)run; (void)tensor;
}
static inline void nns_on_push(nns_run *run, nns_push_call call, void *context,
        const nns_push_info *info) {
    (void)run; (void)call; (void)context; (void)info;
}
static inline void nns_push_activation(nns_push *push, nns_layer layer, const float *values,
        size_t count) {
    (void)push; (void)layer; (void)values; (void)count;
}
static inline void nns_push_output(nns_push *push, const float *values, size_t count) {
    (void)push; (void)values; (void)count;
}
static inline void nns_on_evaluate(nns_run *run, nns_evaluate_call call, void *context) {
    (void)run; (void)call; (void)context;
}
static inline const float *nns_copy_data(const nns_copy *copy, nns_tensor tensor) {
    (void)copy; (void)tensor;
    return (const float *)0;
}
static inline void nns_confusion(nns_run *run, const char *name, uint32_t classes,
        const uint32_t *counts, const char *const *words) {
    (void)run; (void)name; (void)classes; (void)counts; (void)words;
}
static inline void nns_stats_get(nns_run *run, nns_stats *stats) {
    nns_stats none = {0, 0, 0, 0, 0, 0, 0, false, 0};
    (void)run;
    if (stats) *stats = none;
}
static inline const char *nns_version(void) {
    return NNS_VERSION;
}
#ifdef __GNUC__
#pragma GCC diagnostic pop
#endif
#endif

#ifdef __cplusplus
/* C++11 has no compound literals: nns_run *run = nns_open_named("mnist", "mlp"); */
static inline nns_run *nns_open_named(const char *project, const char *name) {
    nns_options options = nns_options();
    options.project = project;
    options.name = name;
    return nns_open(&options);
}
}
#endif

#endif
