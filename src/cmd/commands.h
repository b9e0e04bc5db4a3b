// The subcommands: each in the file of its name, with the arguments of a main.
#ifndef NNS_CMD_COMMANDS_H
#define NNS_CMD_COMMANDS_H

#define X(name, function, sentence) int function(int argc, char **argv);
#include "command_table.def"
#undef X

#endif
