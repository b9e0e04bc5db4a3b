// Unit command_fuzz.c fuzzes command_decode: what it reads must encode to a record that reads the
// same.
#include "journal/inbox.h"

#include <stdlib.h>
#include <string.h>

static void same(const void *a, const void *b, size_t bytes) {
    if (bytes && memcmp(a, b, bytes) != 0) abort();
}

static void same_value(const command_value *a, const command_value *b) {
    if (a->is_text != b->is_text || a->is_floats != b->is_floats || a->name_bytes != b->name_bytes)
        abort();
    same(a->name, b->name, a->name_bytes);
    if (!a->is_text && !a->is_floats) {
        same(&a->number, &b->number, sizeof a->number);
        return;
    }
    if (a->text_bytes != b->text_bytes) abort();
    same(a->text, b->text, a->text_bytes);
}

static void same_command(const command *a, const command *b) {
    if (a->verb != b->verb || a->number != b->number || a->argument != b->argument ||
        a->at_step != b->at_step || a->count != b->count)
        abort();
    for (uint16_t i = 0; i < a->count; i++)
        same_value(&a->values[i], &b->values[i]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    command first, second;
    command_value values[COMMAND_VALUES_MAX], again[COMMAND_VALUES_MAX];
    buf out = {0};
    if (record_check(data, size) == 0 || command_decode(data, &first, values)) return 0;
    if (command_encode(&first, &out)) abort();
    if (record_check(out.data, out.length) != out.length) abort();
    if (command_decode(out.data, &second, again)) abort();
    same_command(&first, &second);
    buf_fini(&out);
    return 0;
}
