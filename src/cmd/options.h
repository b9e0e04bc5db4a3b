// Options that the client commands share: --dir, --json, --help, and those that a command names itself.
#ifndef NNS_CMD_OPTIONS_H
#define NNS_CMD_OPTIONS_H

#include "client.h"

#include <getopt.h>

#define OPTIONS_WORDS_MAX 64

typedef struct command_options {
    const char *usage;       // whole text of --help
    const struct option *own; // a command's own long options, ended by zeros; `val` is a letter, may be NULL
    int (*take)(void *context, int letter, const char *value); // for own options; non-zero: wrong
    void *context;
    // Filled:
    bool json;
    const char *dir;
    int words;               // what is left
    char **word;
} command_options;

// Parses. Returns -1 to go on, else the exit status (after --help or a wrong option).
int options_parse(command_options *o, int argc, char **argv);

// options_parse, then finds the server; wants `least`..`most` words. -1 to go on, else the exit status.
int options_begin(command_options *o, int argc, char **argv, int least, int most, client *c);

// Says that no server runs, and what to do. Returns EXIT_NO_SERVER.
int options_no_server(const client *c);

#endif
