// Unit output.c ends what a command printed as cat and grep do: quietly when its reader (`| head`) is gone. The client's
// library (libwebsockets) has SIGPIPE ignored, so it is a failed write here, not the signal.
#include "output.h"

#include "client.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

bool output_unread(void) {
    struct pollfd out = {.fd = STDOUT_FILENO};
    return poll(&out, 1, 0) == 1 && out.revents & (POLLERR | POLLHUP);
}

int output_end(int status) {
    bool lost = fflush(stdout) != 0;
    const char *why = lost ? strerror(errno) : "not all of it came through";
    if (!lost && !ferror(stdout)) return status;
    if (output_unread()) return EXIT_NO_READER;
    if (status == EXIT_OK) fprintf(stderr, "nnscope: cannot write to the output: %s\n", why);
    return status == EXIT_OK ? EXIT_FAILED : status;
}
