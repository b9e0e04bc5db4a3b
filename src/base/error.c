// Unit error.c turns error codes into sentences, and errno into codes.
#include "error.h"

#include <errno.h>

// Tables, a line an item.
// clang-format off
const char *error_sentence(int code) {
    switch (code) {
    case NNS_OK: return "no error";
#define X(name, value, sentence) case value: return sentence;
#include "error.def"
#undef X
    default: return "unknown error";
    }
}

int error_from_errno(int err) {
    switch (err) {
    case 0: return NNS_OK;
    case ENOMEM: return NNS_E_NO_MEMORY;
    case ENOSPC:
    case EDQUOT: return NNS_E_FULL;
    case ENOENT:
    case ENOTDIR: return NNS_E_NOT_FOUND;
    case EEXIST: return NNS_E_EXISTS;
    case EACCES:
    case EPERM:
    case EROFS:
    case ELOOP: return NNS_E_PERMISSION;
    case EAGAIN: return NNS_E_AGAIN;
    case EFBIG: return NNS_E_TOO_LARGE;
    default: return NNS_E_IO;
    }
}
// clang-format on
