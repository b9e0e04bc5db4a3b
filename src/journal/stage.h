// The staging area: large things on their way from the training thread to files PROC-BLOB.blob. A
// ring in shared memory with entries (number, length, bytes); writers take turns by a try-lock (a
// taken one is a counted drop, never a wait), the helper thread is the reader. Same life as the
// lanes.
#ifndef NNS_JOURNAL_STAGE_H
#define NNS_JOURNAL_STAGE_H

#include "base/file.h"
#include "lane.h"

#define STAGE_BYTES (16u << 20)

typedef struct stage {
    lane ring;             // entries as records would be: 8-aligned {u64 number, u64 bytes, data}
    _Atomic uint32_t *taken;
    uint64_t next_number;  // under the try-lock
} stage;

int stage_make(stage *s, const char *folder, const char *proc, uint32_t capacity);
int stage_open(stage *s, const char *path);
void stage_drop(stage *s, bool unlink_file);

// Any thread. Copies; returns the blob's number (from 1), or 0: did not fit or was taken.
uint64_t stage_put(stage *s, const void *data, size_t bytes);

// Reader: writes what is ready as `folder/proc-NUMBER.blob` (temporary name, then rename; not
// synced). A failed write drops the entry and counts it in *failed_bytes.
int stage_drain(stage *s, const char *folder, const char *proc, uint64_t *failed_bytes);

int stage_blob_path(char out[PATH_CAP], const char *folder, const char *proc, uint64_t number);

#endif
