// Unit random.c makes random numbers: xoshiro256** (Blackman and Vigna 2018), seeded by splitmix64.
// It keeps nothing between calls but the state it is given, so that a saved state goes on exactly.
#include "random.h"

#include <math.h>

static uint64_t splitmix(uint64_t *x) {
    uint64_t z = (*x += UINT64_C(0x9e3779b97f4a7c15));
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

void random_seed(random_state *r, uint64_t seed, uint64_t stream) {
    uint64_t x = seed;
    x = splitmix(&x) ^ (stream * UINT64_C(0xd1342543de82ef95));
    for (int i = 0; i < 4; i++)
        r->word[i] = splitmix(&x);
}

static uint64_t rotate(uint64_t x, int bits) {
    return (x << bits) | (x >> (64 - bits));
}

uint64_t random_next(random_state *r) {
    uint64_t *s = r->word;
    uint64_t result = rotate(s[1] * 5, 7) * 9;
    uint64_t t = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = rotate(s[3], 45);
    return result;
}

// Without bias (Lemire 2019): a product whose low half falls into the short interval is drawn again.
uint32_t random_below(random_state *r, uint32_t n) {
    uint32_t threshold = (uint32_t)(-n) % n;
    for (;;) {
        uint64_t product = (random_next(r) >> 32) * n;
        if ((uint32_t)product >= threshold) return (uint32_t)(product >> 32);
    }
}

float random_uniform(random_state *r, float low, float high) {
    float unit = (float)(random_next(r) >> 40) * 0x1p-24f;
    return low + (high - low) * unit;
}

// Box and Muller; the second value is not kept, so that the state is the whole state.
float random_normal(random_state *r) {
    double u = ((double)(random_next(r) >> 11) + 1.0) * 0x1p-53;
    double v = (double)(random_next(r) >> 11) * 0x1p-53;
    return (float)(sqrt(-2.0 * log(u)) * cos(6.283185307179586 * v));
}

// Fisher and Yates.
void random_shuffle(random_state *r, uint32_t *items, size_t count) {
    for (size_t i = count; i > 1; i--) {
        uint32_t j = random_below(r, (uint32_t)i);
        uint32_t held = items[i - 1];
        items[i - 1] = items[j];
        items[j] = held;
    }
}
