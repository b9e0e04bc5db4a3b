// Unit record.c checks that a record is well-formed and turns its numbers into words. It is the one
// gate between bytes from outside (a damaged file, another process) and the code that reads records
// at the offsets drawn in record.h: what passed here can be read without another look at lengths.
#include "record.h"

#include "base/le.h"
#include "base/word.h"

#include <string.h>

// Bytes of a record's fixed part; 0: a kind that this program does not know.
static const uint8_t fixed_bytes[] = {
    [RECORD_STEP] = 24,      [RECORD_SCALAR] = 16,  [RECORD_GAP] = 16,
    [RECORD_SERIES] = 16,    [RECORD_PARAM] = 48,   [RECORD_PARAM_TEXT] = 16,
    [RECORD_HISTOGRAM] = 32, [RECORD_TEXT] = 16,    [RECORD_IMAGE] = 40,
    [RECORD_SAMPLE] = 24,    [RECORD_FACT] = 16,    [RECORD_PROGRESS] = 24,
    [RECORD_EVENT] = 24,     [RECORD_REPLY] = 32,   [RECORD_BEAT] = 64,
    [RECORD_CLOSE] = 16,     [RECORD_COMMAND] = 40, [RECORD_WATCH] = 16,
    [RECORD_TIME] = 16,      [RECORD_MODEL] = 16,   [RECORD_CAPTURE] = 48,
    [RECORD_LOOK] = 24,      [RECORD_PUSH] = 32,    [RECORD_CONFUSION] = 16,
};

enum { VALUE_BYTES = 16, NOT_WELL_FORMED = RECORD_MAX_BYTES + 1 };

// Name, unit, description, then choices, the last of which must end in a 0 byte.
static uint64_t param_bytes(const uint8_t *at, uint64_t have) {
    uint64_t choices = le_u32(at + 20);
    uint64_t need = 48u + le_u16(at + 10) + le_u16(at + 12) + le_u16(at + 14) + choices;
    if (need <= have && choices && at[need - 1] != 0) return NOT_WELL_FORMED;
    return need;
}

static uint64_t command_bytes(const uint8_t *at, uint64_t have) {
    uint64_t need = 40;
    for (unsigned left = le_u16(at + 32); left; left--) {
        if (need + VALUE_BYTES > have) return NOT_WELL_FORMED;
        need += VALUE_BYTES + le_u16(at + need + 2) + (uint64_t)le_u32(at + need + 4);
        need = (need + 7) & ~UINT64_C(7);
    }
    return need;
}

// Counts, then words, the last of which must end in a 0 byte.
static uint64_t confusion_bytes(const uint8_t *at, uint64_t have) {
    uint64_t classes = le_u32(at + 8), words = le_u32(at + 12);
    if (classes > RECORD_MAX_BYTES) return NOT_WELL_FORMED;
    uint64_t need = 16u + 4u * classes * classes + words;
    if (need <= have && words && at[need - 1] != 0) return NOT_WELL_FORMED;
    return need;
}

// Bytes that the counts in the fixed part claim, of `have` bytes.
static uint64_t claimed_bytes(unsigned kind, const uint8_t *at, uint64_t have) {
    switch (kind) {
    case RECORD_SERIES:
        return 16u + le_u16(at + 10) + le_u16(at + 12);
    case RECORD_PARAM:
        return param_bytes(at, have);
    case RECORD_PARAM_TEXT:
    case RECORD_TEXT:
        return 16u + (uint64_t)le_u32(at + 8);
    case RECORD_HISTOGRAM:
        return 32u + 4u * (uint64_t)le_u32(at + 8);
    case RECORD_IMAGE:
        return 40u + le_u16(at + 18);
    case RECORD_SAMPLE:
        return 24u + 4u * (uint64_t)le_u32(at + 16) + (uint64_t)le_u16(at + 8) * le_u16(at + 10);
    case RECORD_FACT:
        return 16u + le_u16(at + 8) + (uint64_t)le_u32(at + 12);
    case RECORD_EVENT:
        return 24u + (uint64_t)le_u32(at + 16);
    case RECORD_REPLY:
        return 32u + (uint64_t)le_u32(at + 24);
    case RECORD_COMMAND:
        return command_bytes(at, have);
    case RECORD_MODEL:
        return 16u + (uint64_t)le_u32(at + 12);
    case RECORD_CAPTURE:
        return 48u + (uint64_t)le_u32(at + 44);
    case RECORD_LOOK:
        return 24u + 8u * (uint64_t)le_u32(at + 20);
    case RECORD_PUSH:
        return 32u + 4u * (uint64_t)le_u32(at + 24);
    case RECORD_CONFUSION:
        return confusion_bytes(at, have);
    default:
        return fixed_bytes[kind];
    }
}

size_t record_check(const void *at, size_t left) {
    if (left < 2 * sizeof(record)) return 0;
    unsigned kind = le_u16(at);
    size_t bytes = (size_t)le_u16((const uint8_t *)at + 2) * 8;
    if (bytes < 2 * sizeof(record) || bytes > left) return 0;
    if (kind == RECORD_SCALAR) return bytes;
    if (kind >= sizeof fixed_bytes || fixed_bytes[kind] == 0) return bytes;
    if (bytes < fixed_bytes[kind]) return 0;
    return claimed_bytes(kind, at, bytes) <= bytes ? bytes : 0;
}

const char *record_event_word(uint32_t type) {
    static const char *const words[] = {
#define X(name, number, word, sentence) [number] = word,
#include "event.def"
#undef X
    };
    return WORD_OF(words, type);
}

const char *record_command_word(uint32_t verb) {
    static const char *const words[] = {
#define X(name, number, word, undo, sentence) [number] = word,
#include "command.def"
#undef X
    };
    return WORD_OF(words, verb);
}

uint32_t record_command_verb(const char *word) {
#define X(name, number, text, undo, sentence)                                                      \
    if (strcmp(word, text) == 0) return number;
#include "command.def"
#undef X
    return 0;
}

const char *record_series_word(uint32_t kind) {
    static const char *const words[] = {
        [SERIES_SCALAR] = "scalar", [SERIES_HISTOGRAM] = "histogram",
        [SERIES_TEXT] = "text",     [SERIES_IMAGE] = "image",
        [SERIES_SAMPLE] = "sample", [SERIES_CONFUSION] = "confusion"};
    return WORD_OF(words, kind);
}

const char *record_param_word(uint32_t type) {
    static const char *const words[] = {[PARAM_DOUBLE] = "float",
                                        [PARAM_INT] = "int",
                                        [PARAM_BOOL] = "bool",
                                        [PARAM_CHOICE] = "choice",
                                        [PARAM_TEXT_TYPE] = "text"};
    return WORD_OF(words, type);
}
