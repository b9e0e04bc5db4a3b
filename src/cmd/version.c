// Unit version.c is `nnscope version`.
#include "commands.h"
#include "options.h"

#include <stdio.h>

int cmd_version(int argc, char **argv) {
    command_options o = {.usage = "nnscope version [--json]\nPrints the version.\n"};
    int status = options_parse(&o, argc, argv);
    if (status >= 0) return status;
    printf(o.json ? "{\"version\": \"%s\"}\n" : "nnscope %s\n", NNSCOPE_VERSION);
    return EXIT_OK;
}
