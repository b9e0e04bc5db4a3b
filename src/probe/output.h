// Captured output: the program's stdout and stderr go to PROC.out and are shown where they went before.
#ifndef NNS_PROBE_OUTPUT_H
#define NNS_PROBE_OUTPUT_H

#include <nnscope.h>

#include <stdbool.h>
#include <stdint.h>

#define OUTPUT_SKIPS 64
#define OUTPUT_BYTES_MAX (64 << 20) // of PROC.out on the disk
#define OUTPUT_HEAD_BYTES (1 << 20) // of them, those of the beginning, which always stay

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
    int64_t cut_to;   // PROC.out from OUTPUT_HEAD_BYTES up to here is left out; 0: nothing is
    int64_t err_to;   // PROC.err up to here
    bool full;        // it cannot be cut here: no longer captured
} output;

// Opening thread. Nothing is changed when the files cannot be made.
void output_open(nns_run *run);
// Helper: tees what is new. `patience_ms`: how long it may wait for a slow terminal. True: there is more.
bool output_tend(nns_run *run, int patience_ms);
// Helper, once a second: keeps the files within their bound (output_cut.c).
void output_cut(nns_run *run);
// Gives stdout and stderr back to where they went, as far as they still go to our files.
void output_give_back(output *o);
// Closing thread: flushes, and gives stdout and stderr back to the program.
void output_restore(nns_run *run);
// Helper, afterwards: shows the rest, closes the files.
void output_close(nns_run *run, int patience_ms);

#endif
