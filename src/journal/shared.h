// Inside of salvage: the files of a process in the lanes' folder.
#ifndef NNS_JOURNAL_SHARED_H
#define NNS_JOURNAL_SHARED_H

// Lane number in a name PROC.N.lane, or -1.
long shared_lane_number(const char *name, const char *process);

// Unlinks the process's lanes and staging area, then its home file.
void shared_remove(const char *lanes, const char *process);

#endif
