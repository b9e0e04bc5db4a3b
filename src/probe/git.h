// The commit of the program's working tree, without running git.
#ifndef NNS_PROBE_GIT_H
#define NNS_PROBE_GIT_H

#include "base/buf.h"

#include <stdbool.h>

// {"commit", "branch", "dirty", "folder"} of the repository that holds `path`; false: there is none.
bool git_describe(const char *path, buf *json);

#endif
