// Unit program.c finds and starts our other programs (nnscope-train, this one again as a server).
#include "program.h"

#include "base/error.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdint.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

int program_self(char path[PATH_CAP]) {
    ssize_t n = readlink("/proc/self/exe", path, PATH_CAP - 1);
    if (n < 0) return error_from_errno(errno);
    path[n] = 0;
    return 0;
}

int program_find(const char *name, char path[PATH_CAP]) {
    char self[PATH_CAP];
    char *slash = program_self(self) ? NULL : strrchr(self, '/');
    if (slash) {
        *slash = 0;
        int result = file_path(path, "%s/%s", self, name);
        if (!result && access(path, X_OK) == 0) return 0;
    }
    return file_path(path, "%s", name);
}

static void drop_stdout(void) {
    int fd = open("/dev/null", O_WRONLY | O_CLOEXEC);
    if (fd >= 0) dup2(fd, STDOUT_FILENO);
}

// In the child. The parent may have died before we asked to be told, hence the second look.
static void become(const char *const argv[], bool silent, pid_t parent) {
    setpgid(0, 0);
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (getppid() != parent) _exit(1);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    if (silent) drop_stdout();
    execvp(argv[0], (char **)(uintptr_t)argv); // exec changes nothing
    fprintf(stderr, "nnscope: cannot start %s: %s\n", argv[0], strerror(errno));
    _exit(127);
}

pid_t program_start(const char *const argv[], bool silent) {
    fflush(NULL);
    pid_t parent = getpid(), child = fork();
    if (child == 0) become(argv, silent, parent);
    return child < 0 ? error_from_errno(errno) : child;
}
