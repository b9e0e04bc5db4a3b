// The state of a training run, and one step of it. Everything that decides the next bits is in here
// and in the data: what trainer_save writes and trainer_load brings back.
#ifndef NNS_TRAIN_TRAINER_H
#define NNS_TRAIN_TRAINER_H

#include "data.h"
#include "model.h"
#include "why.h"

#include <stdbool.h>

// What the learning rate does by itself while the epochs pass: nothing, or half a cosine down to zero at the planned end
// (Loshchilov and Hutter 2017, section 3, without restarts). Without a planned end it stays.
typedef enum schedule { SCHEDULE_CONSTANT, SCHEDULE_COSINE, SCHEDULE_COUNT } schedule;
extern const char *const schedule_names[SCHEDULE_COUNT];

// What a person may change while it trains.
typedef struct trainer_live {
    optimizer_settings rule;
    int64_t batch;  // images of a step, 1..NET_BATCH_CAP
    int64_t epochs; // ends after so many; 0: never
    int optimizer;  // an optimizer_kind
    int schedule;   // a schedule
    bool validate_now;
} trainer_live;

typedef struct trainer {
    const data *d;            // borrowed until trainer_free
    net net;
    pass pass;                // of the steps: grows with the batch
    int64_t moves;            // times that its arrays came to another place
    pass aside;               // of validation and whoever else looks at other images
    uint32_t *confusion;      // (classes, classes) of the last evaluation: row is the truth
    trainer_live live;
    uint64_t seed;
    int64_t step;             // steps done
    int64_t epoch;            // epochs done
    random_state random;      // after the shuffling of this epoch
    random_state before;      // before it: with `position`, the whole data position
    uint32_t *order;          // (train.count) this epoch's order
    uint32_t position;        // images of this epoch already seen
    loss_sum epoch_sum;       // over those
} trainer;

typedef struct trainer_options {
    model model; // filled
    net_start start;
    trainer_live live;
    uint64_t seed;
} trainer_options;

// What one pass over a set found.
#define EVALUATION_MISTAKES 4
typedef struct evaluation {
    double loss;     // mean
    double accuracy; // share that is right
    int mistakes;    // wrong images below, those that the network is surest of first
    uint32_t mistake[EVALUATION_MISTAKES];
    float sureness[EVALUATION_MISTAKES]; // probability of the wrong answer
} evaluation;

int trainer_new(trainer *t, const data *d, const trainer_options *options, why *w);
void trainer_free(trainer *t);

// One step in three parts. begin gathers the batch (and a new epoch's order) and returns its size;
// learn computes loss and gradients; update changes the weights. end moves on, true at an epoch's end.
size_t trainer_begin(trainer *t);
int trainer_learn(trainer *t, size_t rows, loss_sum *sum);
void trainer_update(trainer *t);
bool trainer_end(trainer *t, size_t rows, const loss_sum *sum);

// Loss and gradients of the batch that the next step will see, so that there is something to look at before the
// first update. Changes nothing that a later step depends on.
int trainer_preview(trainer *t, size_t *rows, loss_sum *sum);

// A pass over `set` that changes nothing that a later step depends on, nor the arrays of the last step.
int trainer_evaluate(trainer *t, const data_set *set, evaluation *out);

// The learning rate of the next update: rule.lr as the schedule has it now.
double trainer_lr(const trainer *t);

// Share of this epoch that is done, plus epochs done; and all steps planned (0: no end).
double trainer_epochs(const trainer *t);
int64_t trainer_total_steps(const trainer *t);

// state.c: the whole state in a file (format there). A resumed run continues bit for bit. The shape is
// that of the file; data must be the same as when it was saved (checksum). 0 or a code with `why`.
int trainer_save(const trainer *t, const char *path, why *w);
int trainer_load(trainer *t, const data *d, const char *path, why *w);

// The same over bytes (tests, fuzzing). `name` is for messages.
int trainer_encode(const trainer *t, buf *out);
int trainer_decode(trainer *t, const data *d, const char *name, const uint8_t *bytes, size_t length,
                   why *w);

// Makes a trainer of the shape, at its very start but without weights (trainer_new, trainer_decode). The pass of
// the steps is made by the first trainer_begin.
int trainer_make(trainer *t, const data *d, const net_shape *shape, why *w);

// The order of this epoch follows from `before` alone.
void trainer_shuffle(trainer *t);

#endif
