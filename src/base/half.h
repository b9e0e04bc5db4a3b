// IEEE 754 half precision (binary16): sign, 5 bits of exponent (bias 15), 10 bits of mantissa. Branches are selections, so that
// loops over these become vector code.
#ifndef NNS_BASE_HALF_H
#define NNS_BASE_HALF_H

#include <stdint.h>
#include <string.h>

static inline float float_of_bits(uint32_t bits) {
    float v;
    memcpy(&v, &bits, sizeof v);
    return v;
}

static inline uint32_t float_bits(float v) {
    uint32_t bits;
    memcpy(&bits, &v, sizeof bits);
    return bits;
}

// Exact; NaN keeps its bits. The exponent is moved by 112; what was denormal is normalised by a multiplication.
static inline float half_to_float(uint16_t h) {
    uint32_t sign = (uint32_t)(h & 0x8000) << 16, rest = h & 0x7FFFu;
    if (rest >= 0x7C00) return float_of_bits(sign | 0x7F800000u | (rest & 0x3FF) << 13);
    if (rest < 0x400) return float_of_bits(sign | 0x3F800000u) * ((float)rest * 0x1p-24f);
    return float_of_bits(sign | ((rest << 13) + 0x38000000u));
}

// To nearest, ties to even. From 65520 on infinity; NaN becomes the quiet one of its sign.
static inline uint16_t half_of_float(float v) {
    uint32_t bits = float_bits(v), sign = bits >> 16 & 0x8000, rest = bits & 0x7FFFFFFF;
    uint32_t normal = (rest - 0x38000000u + 0xFFF + (rest >> 13 & 1)) >> 13;
    // The last bits of this sum are those of the denormal half.
    uint32_t denormal = float_bits(float_of_bits(rest) + 0.5f) - 0x3F000000u;
    uint32_t odd = rest > 0x7F800000 ? 0x7E00 : 0x7C00;
    uint32_t result = rest >= 0x477FF000 ? odd : rest < 0x38800000 ? denormal : normal;
    return (uint16_t)(sign | result);
}

#endif
