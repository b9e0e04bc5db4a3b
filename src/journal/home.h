// Inside of the alive file and salvage: PROC.home beside a process's lanes says whose they are, so
// that lanes whose run was deleted are found and removed: shared memory has no other owner who
// would miss them.
#ifndef NNS_JOURNAL_HOME_H
#define NNS_JOURNAL_HOME_H

#include "salvage.h"

// Writes LANES/PROC.home for a process whose alive file stands in `folder`. Quietly nothing where
// that is not possible: then its lanes are not swept.
void home_write(const alive_info *info, const char *folder, const char *process);
void home_remove(const char *lanes, const char *process);

// Removes the lanes of processes that are dead and whose alive file is gone without a salvage.
void home_sweep(const char *lanes);

#endif
