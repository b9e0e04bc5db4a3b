// The command line of nnscope-train.
#ifndef NNS_TRAIN_OPTIONS_H
#define NNS_TRAIN_OPTIONS_H

#include "data.h"
#include "trainer.h"
#include "why.h"

typedef struct options {
    trainer_options trainer;
    data_options data;
    int64_t steps;       // end after so many in all; 0: no such end
    int threads;
    double budget;       // share of step time that nnscope may use; 0: its default
    bool paused;
    bool stay;           // wait, paused, when the training is over
    bool quiet;
    bool help;
    bool version;
    const char *save;    // NULL: do not
    const char *load;    // NULL: from the start
    const char *name;    // NULL: made of the shape
    const char *project; // NULL: named after the data
    unsigned given;      // which settings stood on the command line, OPTION_GIVEN_*
} options;

enum {
    OPTION_GIVEN_MODEL = 1,
    OPTION_GIVEN_OPTIMIZER = 2,
    OPTION_GIVEN_LR = 4,
    OPTION_GIVEN_MOMENTUM = 8,
    OPTION_GIVEN_BETA1 = 16,
    OPTION_GIVEN_BETA2 = 32,
    OPTION_GIVEN_DECAY = 64,
    OPTION_GIVEN_BATCH = 128,
    OPTION_GIVEN_EPOCHS = 256,
    OPTION_GIVEN_SCHEDULE = 512,
};

// 0, or NNS_E_INVALID with `why`. Text is borrowed from argv.
int options_parse(options *o, int argc, char **argv, why *w);

// The settings that stood on the command line win over those of a loaded state.
void options_override(const options *o, trainer_live *live);

extern const char options_help[];

#endif
