// Unit alone.c multiplies matrices with nothing but loops that the compiler turns into vectors: several times slower than
// gemm.h, but it shares no thread and no buffer with the products of the training.
#include "alone.h"

#include "base/error.h"
#include "parallel.h"

#include <stddef.h>
#include <string.h>

#define TALL 4  // rows of c computed together,
#define WIDE 32 // and columns: their sums stay in registers

// c (TALL, WIDE) of which `rows` and `columns` are wanted; a (rows, k), b (k, n).
KERNEL void full_block(size_t k, size_t n, const float *restrict a, const float *restrict b,
                       float *restrict c) {
    float sum[TALL][WIDE] = {{0}};
    for (size_t i = 0; i < k; i++)
        for (size_t row = 0; row < TALL; row++)
            for (size_t column = 0; column < WIDE; column++)
                sum[row][column] += a[row * k + i] * b[i * n + column];
    for (size_t row = 0; row < TALL; row++)
        memcpy(c + row * n, sum[row], sizeof sum[row]);
}

KERNEL void part_block(size_t rows, size_t columns, size_t k, size_t n, const float *restrict a,
                       const float *restrict b, float *restrict c) {
    for (size_t row = 0; row < rows; row++) {
        float sum[WIDE] = {0};
        for (size_t i = 0; i < k; i++)
            for (size_t column = 0; column < columns; column++)
                sum[column] += a[row * k + i] * b[i * n + column];
        memcpy(c + row * n, sum, columns * sizeof *sum);
    }
}

int alone_product(const gemm_product *p) {
    if (p->transpose_a || p->transpose_b || p->beta != 0.0f) return NNS_E_INVALID;
    size_t m = (size_t)p->m, n = (size_t)p->n, k = (size_t)p->k;
    for (size_t column = 0; column < n; column += WIDE)
        for (size_t row = 0; row < m; row += TALL) {
            size_t rows = m - row < TALL ? m - row : TALL,
                   columns = n - column < WIDE ? n - column : WIDE;
            const float *a = p->a + row * k, *b = p->b + column;
            float *c = p->c + row * n + column;
            if (rows == TALL && columns == WIDE)
                full_block(k, n, a, b, c);
            else
                part_block(rows, columns, k, n, a, b, c);
        }
    return 0;
}
