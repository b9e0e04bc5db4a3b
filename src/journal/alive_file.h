// Inside of alive.c and salvage.c: the alive file by its descriptor, because a second one would
// drop the lock.
#ifndef NNS_JOURNAL_ALIVE_FILE_H
#define NNS_JOURNAL_ALIVE_FILE_H

#include "salvage.h"

int alive_path(char out[PATH_CAP], const char *folder, const char *process);

// Opens PROC.alive for reading and locking. -> fd or code.
int alive_open(const char *folder, const char *process);

// Reads the text. NNS_E_CORRUPT: none (a power cut came before it reached the disk).
int alive_load(int fd, alive_info *info);

// The text of the alive file.
void alive_encode(const alive_info *info, const char *process, buf *out);

// Of a process whose lock is free: 1, 0, 2 as alive_check.
int alive_judge(const alive_info *info);

#endif
