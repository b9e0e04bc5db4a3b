// The one door to the library that multiplies matrices (oneDNN).
#ifndef NNS_TRAIN_GEMM_H
#define NNS_TRAIN_GEMM_H

#include <stdbool.h>
#include <stdint.h>

// c (m, n) = op(a) (m, k) x op(b) (k, n) + beta c, all row by row without gaps; op transposes what is
// stored the other way round: a is (k, m) when transpose_a, b is (n, k) when transpose_b.
typedef struct gemm_product {
    int64_t m, n, k;
    const float *a;
    const float *b;
    float *c;
    bool transpose_a;
    bool transpose_b;
    float beta;
} gemm_product;

// 0, NNS_E_NO_MEMORY or NNS_E_IO. 2 m n k operations. Bits are the same for the same shapes, alignment
// and number of threads. An empty product does nothing.
int gemm(const gemm_product *p);
typedef int (*gemm_call)(const gemm_product *p);

// Name and version of the library, for the facts of a run.
const char *gemm_library(void);

#endif
