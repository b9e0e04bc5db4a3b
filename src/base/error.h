// Errors: one table (error.def); every fallible function returns 0 or one of these codes.
#ifndef NNS_BASE_ERROR_H
#define NNS_BASE_ERROR_H

enum {
    NNS_OK = 0,
#define X(name, code, sentence) NNS_E_##name = code,
#include "error.def"
#undef X
};

// The sentence ("not found") of a code; never NULL.
const char *error_sentence(int code);

// The code nearest to an errno value (ENOENT gives NNS_E_NOT_FOUND, unknown ones NNS_E_IO).
int error_from_errno(int err);

#endif
