// Other programs of ours: where they are, and as children that never outlive us.
#ifndef NNS_CMD_PROGRAM_H
#define NNS_CMD_PROGRAM_H

#include "base/file.h"

#include <stdbool.h>
#include <sys/types.h>

// The program `name` beside this executable, or its bare name to be looked for in PATH.
int program_find(const char *name, char path[PATH_CAP]);

// This executable itself.
int program_self(char path[PATH_CAP]);

// Starts a child in a process group of its own (a terminal's Ctrl-C reaches only us). When this process
// dies, however it dies, the child gets SIGTERM. `silent`: what it prints on stdout is dropped.
// Returns its pid or a code; a program that cannot be started exits with 127.
pid_t program_start(const char *const argv[], bool silent);

#endif
