// Unit start.c makes the thread pool wait passively.
//
// libgomp reads OMP_WAIT_POLICY in its constructor, before main. A pool that spins burns every core
// between two products, and takes them from the browser and the server that watch. So the program
// replaces itself once with the variable set. Opening oneDNN by dlopen after setting it would spare
// that (about 30 ms), but our own loops use the same pool, so libgomp is linked and loaded anyway.
// `nnscope train` and `nnscope demo` set the variable themselves; a value of the user's own is kept.
#include "start.h"

#include <stdlib.h>
#include <unistd.h>

void start_passive(char **argv) {
    if (getenv("OMP_WAIT_POLICY")) return;
    if (setenv("OMP_WAIT_POLICY", "passive", 1)) return;
    execv("/proc/self/exe", argv); // on failure we go on: spinning is only impolite
}
