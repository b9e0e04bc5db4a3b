// Unit train.c is `nnscope train`: it becomes nnscope-train, the one program that needs oneDNN.
#include "client.h"
#include "commands.h"
#include "program.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int cmd_train(int argc, char **argv) {
    (void)argc;
    char path[PATH_CAP];
    if (program_find("nnscope-train", path)) return EXIT_FAILED;
    setenv("OMP_WAIT_POLICY", "passive", 0); // so that it need not start itself over for it
    argv[0] = path;
    execvp(path, argv);
    fprintf(stderr, "nnscope train: cannot start %s: %s\n", path, strerror(errno));
    return EXIT_FAILED;
}
