// A product of matrices of our own, for whoever must not use the library that training uses.
#ifndef NNS_TRAIN_ALONE_H
#define NNS_TRAIN_ALONE_H

#include "gemm.h"

// As gemm, for products that transpose nothing and add to nothing; on the calling thread alone.
int alone_product(const gemm_product *p);

#endif
