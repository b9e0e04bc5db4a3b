// Captured output: the program's stdout and stderr go to PROC.out and are shown where they went before.
#ifndef NNS_PROBE_OUTPUT_H
#define NNS_PROBE_OUTPUT_H

#include <nnscope.h>

#include <stdbool.h>
#include <stdint.h>

#define OUTPUT_SKIPS 64

typedef struct output_skip {
    int64_t from, to; // bytes of PROC.out that the helper itself put there
} output_skip;

typedef struct output {
    bool on;
    bool apart;       // stderr went elsewhere than stdout
    int saved[2];     // the original stdout, stderr
    int out_fd;       // PROC.out, append only
    int err_fd;       // PROC.err: stderr while it is apart
    int64_t shown[2]; // bytes of each already teed
    output_skip skips[OUTPUT_SKIPS];
    uint32_t skip_count;
} output;

// Opening thread. Nothing is changed when the files cannot be made.
void output_open(nns_run *run);
// Helper: tees what is new. `patience_ms`: how long it may wait for a slow terminal.
void output_tend(nns_run *run, int patience_ms);
// Closing thread: flushes, and gives stdout and stderr back to the program.
void output_restore(nns_run *run);
// Helper, afterwards: shows the rest, closes the files.
void output_close(nns_run *run, int patience_ms);

#endif
