// Random numbers by seed: the same numbers on every machine, a state of 32 bytes that can be saved.
#ifndef NNS_TRAIN_RANDOM_H
#define NNS_TRAIN_RANDOM_H

#include <stddef.h>
#include <stdint.h>

typedef struct random_state {
    uint64_t word[4];
} random_state;

void random_seed(random_state *r, uint64_t seed, uint64_t stream); // streams of one seed are independent
uint64_t random_next(random_state *r);
uint32_t random_below(random_state *r, uint32_t n);       // uniform in [0, n), n > 0
float random_uniform(random_state *r, float low, float high);
float random_normal(random_state *r);                      // mean 0, standard deviation 1
void random_shuffle(random_state *r, uint32_t *items, size_t count);

#endif
