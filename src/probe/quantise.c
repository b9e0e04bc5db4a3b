// Unit quantise.c writes numbers in 8 or 16 bits for captures (journal/capture.h: I8, F16).
//
// Place on the path: the digest worker, between the folded matrices (links.c) and a section.
//
// Invariants: a scale is never 0 and always finite; |x| <= largest has a code from -127 to 127, off by at most half a step.
#include "quantise.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

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

static uint16_t half(float v) {
    uint32_t bits;
    memcpy(&bits, &v, sizeof bits);
    uint32_t sign = bits >> 16 & 0x8000, rest = bits & 0x7FFFFFFF;
    uint32_t normal = (rest - 0x38000000u + 0xFFF + (rest >> 13 & 1)) >> 13;
    float small;
    memcpy(&small, &rest, sizeof small);
    small += 0.5f; // the sum's last bits are the denormal half's
    uint32_t denormal;
    memcpy(&denormal, &small, sizeof denormal);
    denormal -= 0x3F000000u;
    uint32_t odd = rest > 0x7F800000 ? 0x7E00 : 0x7C00; // NaN, infinity and what is beyond 65504
    uint32_t result = rest >= 0x477FF000 ? odd : rest < 0x38800000 ? denormal : normal;
    return (uint16_t)(sign | result);
}

void quantise_halves(uint16_t *restrict halves, const float *restrict values, size_t count,
                     float scale) {
    float inverse = 1 / scale;
    for (size_t i = 0; i < count; i++)
        halves[i] = half(values[i] * inverse);
}

void quantise_round(float *values, size_t count) {
    for (size_t i = 0; i < count; i++) {
        uint32_t bits;
        memcpy(&bits, &values[i], sizeof bits);
        uint32_t rounded = (bits + 0x800) & ~UINT32_C(0xFFF);
        bool exact = (bits & 0x7F800000) == 0x7F800000 || (rounded & 0x7F800000) == 0x7F800000;
        bits = exact ? bits : rounded;
        memcpy(&values[i], &bits, sizeof bits);
    }
}
