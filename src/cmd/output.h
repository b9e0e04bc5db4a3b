// What a command prints: who reads it may go away before the end, and that is no fault.
#ifndef NNS_CMD_OUTPUT_H
#define NNS_CMD_OUTPUT_H

#include <stdbool.h>

// What a shell calls a program that SIGPIPE ended.
enum { EXIT_NO_READER = 141 };

// True once nobody reads the standard output: what goes on for long ends then.
bool output_unread(void);

// At the end of every command: the exit status, `status` unless something of the output was lost. A reader that went away
// is no news (EXIT_NO_READER, nothing is said); any other trouble is told, unless the command did so already.
int output_end(int status);

#endif
