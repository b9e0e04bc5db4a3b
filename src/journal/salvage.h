// Salvage: who lives, and what a dead process left. A process holds a lock on its PROC.alive file
// from before its first lane until its end. The file's text, `key value` lines: version, pid, start
// (clock ticks from /proc/PID/stat), boot, host, lanes (folder), stage, opened_ms, name, project,
// world, rank.
#ifndef NNS_JOURNAL_SALVAGE_H
#define NNS_JOURNAL_SALVAGE_H

#include "base/file.h"
#include "base/id.h"

typedef struct alive_info {
    int pid;
    int64_t start_ticks, opened_ms;
    int rank, world;
    char boot[40], host[128], lanes[512], name[256], project[128];
} alive_info;

// Fills pid, start_ticks, boot and host with those of the calling process.
void alive_self(alive_info *info);

// Process side: makes and locks PROC.alive; the fd stays open for life. -> fd or code. Where
// info->pid is 0, alive_self's facts are written. The lock belongs to the process: closing ANY
// descriptor of this file in it lets the lock go, so that the holder never opens the file again
// (alive_read, alive_check, salvage).
int alive_hold(const char *folder, const char *process, const alive_info *info);

// The end in order, the lanes are gone: removes PROC.alive, then closes the fd.
void alive_release(int fd, const char *folder, const char *process);

int alive_read(const char *folder, const char *process, alive_info *info);

// Server side. 1: lives (lock held, or free but the very process still runs here). 0: dead. 2: on
// another host or boot that cannot be checked from here (other host name, lock state unknown).
// Negative: code (NNS_E_NOT_FOUND: ended in order, no alive file).
int alive_check(const char *folder, const char *process);

// Takes the dead process's lock and moves what its staging area and lanes hold, head to tail, into
// blob files and a new segment, synced; then unlinks lanes, stage, inbox, bell and the alive file.
// NNS_E_BUSY: it lives, another salvager is at it, or it cannot be checked from here.
// NNS_E_NOT_FOUND: nothing to salvage. With another error (a full disk) everything stays for a
// later call. May be killed at any point and run again: ingest skips sequences it has. The new
// segment's number is above the highest present: keep a process's newest segment until salvage is
// through. *bytes: moved.
int salvage(const char *folder, const char *run, const char *process, uint64_t *bytes);

#endif
