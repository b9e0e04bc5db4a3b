// Digits drawn by the program itself, for when no file is there: a real classification task.
#ifndef NNS_TRAIN_DIGITS_H
#define NNS_TRAIN_DIGITS_H

#include <stdint.h>

#define DIGITS_SIDE 28

// Draws images [first, first + count) of the endless sequence that belongs to `seed`: image (count,
// 28, 28), label (count). Image i depends on seed and i alone.
void digits_draw(uint64_t seed, uint64_t first, uint32_t count, uint8_t *images, uint8_t *labels);

#endif
