// Ids: 26 characters, sortable by time, random (48 bits of milliseconds, 80 random bits, Crockford
// base 32, lower case), as in the ULID specification.
#ifndef NNS_BASE_ID_H
#define NNS_BASE_ID_H

#include <stdbool.h>

#define ID_LENGTH 26

typedef struct nns_id {
    char text[ID_LENGTH + 1];
} nns_id;

int id_new(nns_id *id);           // NNS_E_IO when the system gives no random bytes
bool id_valid(const char *text);  // exactly 26 characters of the alphabet

#endif
