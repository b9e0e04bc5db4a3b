// Numbers in fewer bits, with a stated scale: one byte for snapshots, IEEE half for looks.
#ifndef NNS_PROBE_QUANTISE_H
#define NNS_PROBE_QUANTISE_H

#include <stddef.h>
#include <stdint.h>

#define CODE_NONFINITE (-128)

// The scale for numbers up to |x| = largest, given the one before (0: none): it grows when it must, in steps of 2^(1/4), and
// shrinks only below half, so that codes of one snapshot and the next can be subtracted. Codes reach 127.
float quantise_scale(float before, float largest);

// codes[i] = round(values[i] / scale), between -127 and 127; CODE_NONFINITE for NaN and infinities.
void quantise_codes(int8_t *codes, const float *values, size_t count, float scale);

// A power of two by which the largest is brought near 2^14: halves keep 11 bits of everything down to 2^-28 of it.
float quantise_half_scale(float largest);

// IEEE halves of values[i] / scale, to nearest even; NaN and infinities stay what they are.
void quantise_halves(uint16_t *halves, const float *values, size_t count, float scale);

// Each number to its nearest neighbour with 12 significant bits (off by at most 1/4096 of itself), so that what is stored
// compresses. NaN and infinities stay.
void quantise_round(float *values, size_t count);

#endif
