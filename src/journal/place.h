// Places: where things lie. One data directory:
//
//     DIR/store.db            the store                      DIR/wake      FIFO: a byte says "look"
//     DIR/server.lock         held by the one server         DIR/server.json  its url and pid, 0600
//                             (and what the last one said at its end, see server/orphan.c)
//     DIR/token               the first token, 0600    DIR/blobs/HH/HASH  large things by SHA-256
//     DIR/runs/RUN/           a run's directory, 0700:
//         PROC.alive          fcntl-locked by the process as long as it lives; text, see salvage.h
//         PROC-NNNNNN.seg     journal segments of a process, numbered from 1
//         PROC-BLOB.blob      a large thing, BLOB = 16 hex digits, named in an IMAGE record
//         PROC.inbox          commands to the process    PROC.bell  FIFO: a byte says "look"
//         PROC.out            captured output, append only; of a long one the middle is a gap
//     SHM/nnscope-UID/PROC.N.lane      lane N of a process (0: the thread that opened the run)
//     SHM/nnscope-UID/PROC.stage       staging area of a process
//     SHM/nnscope-UID/PROC.home        whose they are, see home.c
//
// RUN and PROC are ids (id.h).
#ifndef NNS_JOURNAL_PLACE_H
#define NNS_JOURNAL_PLACE_H

#include "base/file.h"

// The data directory: `asked` when not NULL or empty, else NNSCOPE_DIR, else
// $XDG_DATA_HOME/nnscope, else ~/.local/share/nnscope; made absolute. Does not make it.
// NNS_E_NOT_FOUND without any of these.
int place_data(const char *asked, char out[PATH_CAP]);

// Makes DIR, DIR/runs, DIR/blobs, and DIR/wake when missing.
int place_make(const char *dir);

int place_run(const char *dir, const char *run, char out[PATH_CAP]);

// The folder for lanes: the first that works of NNSCOPE_SHM, /dev/shm, XDG_RUNTIME_DIR, as
// FOLDER/nnscope-UID (0700, owner checked, no links). NNS_E_NOT_FOUND: use private memory.
int place_lanes(char out[PATH_CAP]);

// True when `path` is a folder for lanes that can be trusted: absolute, named nnscope-UID, ours,
// closed to others.
bool place_lanes_valid(const char *path);

// Opens a FIFO (made when missing) read-write and non-blocking, so that neither end is needed. ->
// fd or code.
int place_fifo(const char *path);

// This machine: the id of its boot (36 characters, "" when unknown) and its host name.
#define BOOT_CAP 40
#define HOST_CAP 128
void place_boot(char out[BOOT_CAP]);
void place_host(char out[HOST_CAP]);

// Writes one byte into a FIFO opened so; a full one is as good.
void place_ring(int fd);

#endif
