// Unit options.c parses what the client commands have in common.
#include "options.h"

#include "base/error.h"

#include <stdio.h>
#include <string.h>

enum { OWN_MAX = 16 };

static int wrong(int letter, char **argv) {
    const char *option = argv[optind - 1];
    if (letter == '?')
        fprintf(stderr, "nnscope %s: there is no option \"%s\"\n", argv[0], option);
    else if (letter == ':')
        fprintf(stderr, "nnscope %s: %s wants a value\n", argv[0], option);
    else
        fprintf(stderr, "nnscope %s: \"%s\" is not a value for this option\n", argv[0],
                optarg ? optarg : "");
    fprintf(stderr, "nnscope %s --help tells more.\n", argv[0]);
    return EXIT_USAGE;
}

int options_parse(command_options *o, int argc, char **argv) {
    struct option all[OWN_MAX + 4] = {{"help", no_argument, NULL, 1},
                                      {"json", no_argument, NULL, 2},
                                      {"dir", required_argument, NULL, 3}};
    int n = 3;
    for (const struct option *own = o->own; own && own->name && n < OWN_MAX + 3; own++)
        all[n++] = *own;
    optind = 1;
    opterr = 0;
    for (int letter; (letter = getopt_long(argc, argv, ":h", all, NULL)) != -1;) {
        if (letter == 1 || letter == 'h') {
            fputs(o->usage, stdout);
            return EXIT_OK;
        }
        if (letter == 2)
            o->json = true;
        else if (letter == 3)
            o->dir = optarg;
        else if (letter == '?' || letter == ':' || !o->take || o->take(o->context, letter, optarg))
            return wrong(letter, argv);
    }
    o->words = argc - optind;
    o->word = argv + optind;
    return -1;
}

int options_begin(command_options *o, int argc, char **argv, int least, int most, client *c) {
    int status = options_parse(o, argc, argv);
    if (status >= 0) return status;
    if (o->words < least || o->words > most) {
        fputs(o->usage, stderr);
        return EXIT_USAGE;
    }
    int result = client_find(c, o->dir);
    if (result) {
        fprintf(stderr, "nnscope: no data directory: %s. Set NNSCOPE_DIR.\n",
                error_sentence(result));
        return EXIT_FAILED;
    }
    return -1;
}

int options_no_server(const client *c) {
    fprintf(stderr, "nnscope: no server runs on %s. Start one: nnscope server\n", c->dir);
    return EXIT_NO_SERVER;
}
