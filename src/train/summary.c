// Unit summary.c sums many numbers up. It runs on the training thread now and then, so that its loops are ones which
// the compiler turns into vectors: blocks are summed in float, blocks' sums in double.
#include "summary.h"

#include "parallel.h"

#include <float.h>
#include <math.h>
#include <stdint.h>

#define BLOCK 1024
#define LANES 16 // partial results side by side

KERNEL float sum_squares(size_t n, const float *restrict x) {
    float lane[LANES] = {0}, sum = 0;
    for (size_t i = 0; i + LANES <= n; i += LANES)
        for (size_t k = 0; k < LANES; k++)
            lane[k] += x[i + k] * x[i + k];
    for (size_t i = n - n % LANES; i < n; i++)
        sum += x[i] * x[i];
    for (size_t k = 0; k < LANES; k++)
        sum += lane[k];
    return sum;
}

double summary_norm(const float *x, size_t n) {
    double sum = 0;
    for (size_t i = 0; i < n; i += BLOCK)
        sum += (double)sum_squares(n - i < BLOCK ? n - i : BLOCK, x + i);
    return sqrt(sum);
}

// NaN and infinities compare as neither lower nor higher than what is there.
KERNEL void extremes(size_t n, const float *restrict x, float *low, float *high) {
    float least[LANES], most[LANES];
    for (size_t k = 0; k < LANES; k++)
        least[k] = *low, most[k] = *high;
    for (size_t i = 0; i + LANES <= n; i += LANES)
        for (size_t k = 0; k < LANES; k++) {
            float v = x[i + k];
            least[k] = v < least[k] && v >= -FLT_MAX ? v : least[k];
            most[k] = v > most[k] && v <= FLT_MAX ? v : most[k];
        }
    for (size_t i = n - n % LANES; i < n; i++) {
        least[0] = x[i] < least[0] && x[i] >= -FLT_MAX ? x[i] : least[0];
        most[0] = x[i] > most[0] && x[i] <= FLT_MAX ? x[i] : most[0];
    }
    for (size_t k = 0; k < LANES; k++) {
        *low = least[k] < *low ? least[k] : *low;
        *high = most[k] > *high ? most[k] : *high;
    }
}

// Bin of each of n <= BLOCK numbers; what is not finite goes to the one behind the last.
KERNEL void place(size_t n, const float *restrict x, float low, float scale,
                  int32_t *restrict bin) {
    for (size_t i = 0; i < n; i++) {
        float at = (x[i] - low) * scale;
        at = at < SUMMARY_BINS - 1 ? at : SUMMARY_BINS - 1;
        bin[i] = fabsf(x[i]) <= FLT_MAX ? (int32_t)at : SUMMARY_BINS;
    }
}

bool summary_bins(const float *x, size_t n, summary_histogram *out) {
    uint32_t counts[4][SUMMARY_BINS + 1] = {
        {0}}; // four, so that equal neighbours do not wait for each other
    int32_t bin[BLOCK];
    out->low = INFINITY, out->high = -INFINITY;
    extremes(n, x, &out->low, &out->high);
    if (!(out->low < out->high)) return false;
    for (size_t i = 0; i < n; i += BLOCK) {
        size_t count = n - i < BLOCK ? n - i : BLOCK;
        place(count, x + i, out->low, SUMMARY_BINS / (out->high - out->low), bin);
        for (size_t k = 0; k < count; k++)
            counts[k & 3][bin[k]]++;
    }
    for (size_t b = 0; b < SUMMARY_BINS; b++)
        out->counts[b] = (float)(counts[0][b] + counts[1][b] + counts[2][b] + counts[3][b]);
    return true;
}
