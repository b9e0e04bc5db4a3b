// Unit snapshot_fuzz.c fuzzes stored snapshots: u32 bytes of the stored one, it, then its base. What can be unpacked is a
// capture, and packing and unpacking it again gives the same bytes, by itself and on top of the base.
#include "server/recode.h"

#include "base/le.h"

#include <stdlib.h>
#include <string.h>

static void again(const buf *plain, recode_bytes base) {
    buf packed = {0}, back = {0};
    recode_bytes in = {plain->data, plain->length};
    if (recode_pack(in, base, &packed) == 0) {
        if (recode_unpack((recode_bytes){packed.data, packed.length}, base, &back)) abort();
        if (back.length != plain->length || memcmp(back.data, plain->data, back.length) != 0)
            abort();
    }
    buf_fini(&packed);
    buf_fini(&back);
}

static void unpack(recode_bytes stored, recode_bytes base) {
    capture_head head;
    buf plain = {0};
    if (recode_unpack(stored, base, &plain) == 0) {
        if (capture_open(plain.data, plain.length, &head) || head.flags & CAPTURE_DELTA) abort();
        again(&plain, (recode_bytes){0});
        again(&plain, base);
    }
    buf_fini(&plain);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size < 4) return 0;
    size_t bytes = le_u32(data);
    if (bytes > size - 4) bytes = size - 4;
    if (size > 1 << 20) return 0;
    // Copies: an access beyond either is seen.
    uint8_t *stored = malloc(bytes + 1), *base = malloc(size - 4 - bytes + 1);
    memcpy(stored, data + 4, bytes);
    memcpy(base, data + 4 + bytes, size - 4 - bytes);
    unpack((recode_bytes){stored, bytes}, (recode_bytes){base, size - 4 - bytes});
    unpack((recode_bytes){stored, bytes}, (recode_bytes){0});
    free(stored);
    free(base);
    return 0;
}
