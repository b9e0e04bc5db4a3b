// Unit main.c finds the subcommand in the table and runs it. Exit statuses: 0 ok, 1 failed, 2 wrong usage, 3 no server,
// 4 refused; 141 when nobody reads what it prints.
#include "commands.h"

#include "client.h"
#include "output.h"

#include <stdio.h>
#include <string.h>

static const struct {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *sentence;
} commands[] = {
#define X(name, function, sentence) {#name, function, sentence},
#include "command_table.def"
#undef X
};
enum { COMMANDS = sizeof commands / sizeof commands[0] };

static void print_usage(FILE *out) {
    fprintf(out, "nnscope COMMAND [OPTIONS]\n"
                 "Shows a neural network while it trains, and lets you steer it.\n\n");
    for (size_t i = 0; i < COMMANDS; i++)
        fprintf(out, "  %-9s %s\n", commands[i].name, commands[i].sentence);
    fprintf(out, "\nnnscope COMMAND --help tells more. NNSCOPE_DIR chooses the data directory; "
                 "NNSCOPE_URL and NNSCOPE_TOKEN\n"
                 "a server elsewhere.\n"
                 "Exit status: 0 done, 1 failed, 2 wrong usage, 3 no server, 4 refused.\n");
}

int main(int argc, char **argv) {
    const char *name = argc > 1 ? argv[1] : "";
    if (!strcmp(name, "--help") || !strcmp(name, "-h") || !strcmp(name, "help")) {
        print_usage(stdout);
        return output_end(EXIT_OK);
    }
    if (!strcmp(name, "--version")) name = "version";
    for (size_t i = 0; i < COMMANDS; i++)
        if (!strcmp(name, commands[i].name)) return output_end(commands[i].run(argc - 1, argv + 1));
    if (*name) fprintf(stderr, "nnscope: there is no command \"%s\"\n\n", name);
    print_usage(stderr);
    return EXIT_USAGE;
}
