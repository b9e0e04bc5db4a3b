// Moments of many numbers in one pass: count, mean, deviation, norm, extremes, zeros. NaN and infinities are left out of all
// of these and counted beside them. The mean is exact to 1e-6 of the mean |x|, deviation and norm to 1e-6 of themselves:
// sums are taken in double around a value of the data (Chan, Golub, LeVeque: Updating Formulae ..., 1979).
#ifndef NNS_PROBE_MOMENTS_H
#define NNS_PROBE_MOMENTS_H

#include <nnscope.h>

#include <stddef.h>
#include <stdint.h>

typedef struct moments {
    uint64_t count; // finite ones
    uint64_t zeros; // exact, of either sign
    uint64_t nonfinite;
    double mean, m2; // m2: sum of squared distances from the mean
    float min, max;  // +inf, -inf while count is 0
} moments;

void moments_init(moments *m);
void moments_add(moments *m, const float *values, size_t count);
void moments_add_doubles(moments *m, const double *values, size_t count); // before they are rounded
void moments_merge(moments *m, const moments *other);

// NaN while nothing finite was there.
double moments_norm(const moments *m);
double moments_deviation(const moments *m);
double moments_mean(const moments *m);

// How many have |x| < threshold.
uint64_t moments_below(const float *values, size_t count, float threshold);

// Numbers of any type as float32: to nearest; what lies beyond its range becomes infinite.
void moments_convert(float *out, const void *in, nns_dtype dtype, size_t count);

// now - before, rounded only then: a change far smaller than the numbers keeps its digits.
void moments_difference(float *out, const void *now, const void *before, nns_dtype dtype,
                        size_t count);

#endif
