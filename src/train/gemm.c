// Unit gemm.c is the seam to oneDNN: dnnl_sgemm, row by row as we store. Another library of products
// would replace this file and nothing else. The number of threads is OpenMP's, see parallel.c.
#include "gemm.h"

#include "base/error.h"

#include <dnnl.h>
#include <stdio.h>

int gemm(const gemm_product *p) {
    if (!p->m || !p->n || !p->k) return 0;
    int64_t lda = p->transpose_a ? p->m : p->k;
    int64_t ldb = p->transpose_b ? p->k : p->n;
    dnnl_status_t status = dnnl_sgemm(p->transpose_a ? 'T' : 'N', p->transpose_b ? 'T' : 'N', p->m,
                                      p->n, p->k, 1.0f, p->a, lda, p->b, ldb, p->beta, p->c, p->n);
    if (status == dnnl_success) return 0;
    return status == dnnl_out_of_memory ? NNS_E_NO_MEMORY : NNS_E_IO;
}

const char *gemm_library(void) {
    static char text[64];
    const dnnl_version_t *version = dnnl_version();
    snprintf(text, sizeof text, "oneDNN %d.%d.%d", version->major, version->minor, version->patch);
    return text;
}
