// Unit id.c makes and checks the ids of runs and processes.
#include "id.h"

#include "clock.h"
#include "error.h"

#include <stdint.h>
#include <string.h>
#include <sys/random.h>

static const char alphabet[] = "0123456789abcdefghjkmnpqrstvwxyz";

int id_new(nns_id *id) {
    uint8_t random[16];
    if (getrandom(random, sizeof random, 0) != (ssize_t)sizeof random) return NNS_E_IO;
    uint64_t ms = (uint64_t)clock_wall_ms();
    for (int i = 9; i >= 0; i--, ms >>= 5)
        id->text[i] = alphabet[ms & 31];
    for (int i = 0; i < 16; i++)
        id->text[10 + i] = alphabet[random[i] & 31];
    id->text[ID_LENGTH] = 0;
    return 0;
}

bool id_valid(const char *text) {
    for (int i = 0; i < ID_LENGTH; i++)
        if (!text[i] || !strchr(alphabet, text[i])) return false;
    return text[ID_LENGTH] == 0;
}
