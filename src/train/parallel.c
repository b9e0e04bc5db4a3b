// Unit parallel.c splits loops over elements among the threads of OpenMP's pool, which is the pool of
// oneDNN too. The count is fixed at start; waiting is passive (see start.c), so that an idle pool
// takes no processor from whoever watches.
#include "parallel.h"

#include <omp.h>
#include <sched.h>

void parallel_start(int threads) {
    omp_set_dynamic(0);
    omp_set_num_threads(threads < 1 ? 1 : threads > 256 ? 256 : threads);
}

int parallel_threads(void) {
    return omp_get_max_threads();
}

int parallel_cores(void) {
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set)) return 1;
    int count = CPU_COUNT(&set);
    return count < 1 ? 1 : count;
}

static size_t piece_begin(size_t items, size_t pieces, size_t index) {
    return index == pieces ? items : items * index / pieces & ~(size_t)15;
}

void parallel_for(size_t items, size_t grain, parallel_range range, void *context) {
    size_t pieces = (size_t)omp_get_max_threads();
    if (grain && items / grain < pieces) pieces = items / grain;
    if (pieces <= 1) {
        range(context, 0, items);
        return;
    }
#pragma omp parallel for schedule(static) num_threads((int)pieces)
    for (size_t i = 0; i < pieces; i++)
        range(context, piece_begin(items, pieces, i), piece_begin(items, pieces, i + 1));
}

void parallel_pieces(size_t pieces, parallel_piece piece, void *context) {
    if (pieces <= 1 || omp_get_max_threads() == 1) {
        for (size_t i = 0; i < pieces; i++)
            piece(context, i);
        return;
    }
#pragma omp parallel for schedule(static, 1)
    for (size_t i = 0; i < pieces; i++)
        piece(context, i);
}

void parallel_alone(void) {
    omp_set_num_threads(1); // of the calling thread: libgomp keeps the number for each
}
