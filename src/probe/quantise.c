// Unit quantise.c writes numbers in 8 or 16 bits for captures (journal/capture.h: I8, F16).
//
// Place on the path: the digest worker, between the folded matrices (links.c) and a section.
//
// Invariants: a scale is never 0 and always finite; |x| <= largest has a code from -127 to 127, off by at most half a step.
#include "quantise.h"

#include "base/half.h"

#include <math.h>
#include <stdbool.h>

#define SCALE_LEAST 0x1p-120f

float quantise_scale(float before, float largest) {
    float need = largest / 127;
    if (!(need > SCALE_LEAST)) need = SCALE_LEAST;
    if (before > 0 && need <= before && (need >= before / 2 || largest == 0)) return before;
    float scale = exp2f(ceilf(log2f(need) * 4) / 4);
    while (scale < need) // rounding of the two functions
        scale *= 1.0000002f;
    return scale;
}

static int8_t code(float v, float inverse, bool finite) {
    float x = v * inverse;
    x = x > 127 ? 127 : x < -127 ? -127 : x;
    int whole = (int)(x + (x < 0 ? -0.5f : 0.5f));
    return (int8_t)(finite ? whole : CODE_NONFINITE);
}

void quantise_codes(int8_t *restrict codes, const float *restrict values, size_t count,
                    float scale) {
    float inverse = 1 / scale;
    for (size_t i = 0; i < count; i++) {
        float v = values[i];
        bool finite = fabsf(v) < INFINITY;
        codes[i] = code(finite ? v : 0, inverse, finite);
    }
}

float quantise_half_scale(float largest) {
    int exponent;
    if (!(largest > 0) || !isfinite(largest)) return 1;
    frexpf(largest, &exponent);
    exponent -= 14;
    return ldexpf(1, exponent < -126 ? -126 : exponent);
}

void quantise_halves(uint16_t *restrict halves, const float *restrict values, size_t count,
                     float scale) {
    float inverse = 1 / scale;
    for (size_t i = 0; i < count; i++)
        halves[i] = half_of_float(values[i] * inverse);
}

void quantise_round(float *values, size_t count) {
    for (size_t i = 0; i < count; i++) {
        uint32_t bits = float_bits(values[i]);
        uint32_t rounded = (bits + 0x800) & ~UINT32_C(0xFFF);
        bool exact = (bits & 0x7F800000) == 0x7F800000 || (rounded & 0x7F800000) == 0x7F800000;
        values[i] = float_of_bits(exact ? bits : rounded);
    }
}
