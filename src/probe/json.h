// Is a text JSON?
#ifndef NNS_PROBE_JSON_H
#define NNS_PROBE_JSON_H

#include <stdbool.h>
#include <stddef.h>

// True for exactly one JSON value (RFC 8259) with nothing behind it but white space; nested at most 64 deep.
bool json_valid(const char *text, size_t bytes);

#endif
