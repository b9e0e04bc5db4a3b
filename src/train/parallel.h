// Loops over elements, split among the threads that oneDNN uses too (one pool, never two).
#ifndef NNS_TRAIN_PARALLEL_H
#define NNS_TRAIN_PARALLEL_H

#include <stddef.h>

// A kernel is compiled for several instruction sets and chosen when the program is loaded.
// Sanitizers instrument the choice itself and fall over it, so they see the plain version.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || !defined(__x86_64__) || defined(__clang__)
#define KERNEL static
#else
#define KERNEL                                                                                     \
    __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default"))) static
#endif

// Handles items [begin, end).
typedef void (*parallel_range)(void *context, size_t begin, size_t end);

// Fixes the number of threads of this process (1..256), once, before anything is computed.
void parallel_start(int threads);
int parallel_threads(void);
int parallel_cores(void); // processors that this process may run on

// Calls `range` for pieces of [0, items), one per thread; pieces begin at multiples of 16. When there
// are fewer than `grain` items for each thread, fewer threads are used: waking one costs about 5 us.
// No item depends on how the pieces fall, so that the result has the same bits for any split.
void parallel_for(size_t items, size_t grain, parallel_range range, void *context);

// Calls `piece` for each number below `pieces`, on as many threads as there are.
typedef void (*parallel_piece)(void *context, size_t piece);
void parallel_pieces(size_t pieces, parallel_piece piece, void *context);

// The calling thread computes alone from now on: for threads that are not the program's first.
void parallel_alone(void);

#endif
