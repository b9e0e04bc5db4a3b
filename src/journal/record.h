// Records: what a lane, a journal segment and an inbox carry. All are multiples of 8 bytes, start
// at a multiple of 8, little-endian, and begin with the same 8 bytes:
//
//     0      2      4              8
//     +------+------+--------------+   words: length of the whole record in 8-byte units (2..65535)
//     | kind | words| a            |   a: series, parameter, or as said below
//     +------+------+--------------+
//
// kind        a          at 8, 16, ...: the fixed part               its end, what follows there
// STEP        0          8 i64 step, 16 u64 time_ns (CLOCK_MONOTONIC)         24
// SCALAR      series     8 f64 value                                          16
// GAP         0          8 u64 records dropped since the last record          16
// TIME        0          8 i64 wall_ns of what follows (no monotonic clock)   16
// SERIES      series     8 u8 kind, u8 direction, u16 name bytes, u16 unit bytes,
//                        u16 0                                                16 name, unit
// PARAM       parameter  8 u8 type, u8 flags, u16 name, u16 unit, u16 description
//                        bytes, 16 u32 series (0 for text), u32 choices bytes,
//                        24 f64 min, 32 f64 max, 40 f64 value                 48 name, unit,
//                                        description, choices (each 0-terminated)
// PARAM_TEXT  parameter  8 u32 bytes, u32 0                                   16 text
// HISTOGRAM   series     8 u32 bins, u32 0, 16 f64 low, 24 f64 high           32 f32 counts[bins]
// TEXT        series     8 u32 bytes, u32 0                                   16 text
// IMAGE       series     8 u32 width, u32 height, 16 u16 format, u16 caption
//                        bytes, u32 0, 24 u64 blob number, 32 u64 blob bytes  40 caption
// SAMPLE      series     8 u16 width, u16 height, i32 truth, 16 u32 classes,
//                        u32 0                                                24 f32 p[classes],
//                                                                                u8 pixels[w*h]
// FACT        0          8 u16 key bytes, u16 0, u32 value bytes              16 key, JSON value
// PROGRESS    0          8 f64 epoch, 16 i64 total_steps                      24
// EVENT       type       8 u64 command number or 0, 16 u32 text bytes, u32 0  24 text (event.def)
// REPLY       state      8 u64 command number, 16 i64 step, 24 u32 text bytes,
//                        u32 0                                                32 text (JSON)
// BEAT        share_ppm  8 u64 mono_ns, 16 u64 written, 24 u64 dropped,
//                        32 u64 dropped_large, 40 u64 failed_bytes,
//                        48 u32 helper_ppm, u32 flags, 56 i64 paused_ns       64
// CLOSE       status     8 u64 mono_ns                                        16
// COMMAND     verb       8 u64 number, 16 i64 argument (steps), 24 i64 at_step
//                        (-1: now), 32 u16 values, u16 0, u32 0               40 values, each:
//                            u8 type (0 number, 1 text, 2 f32 values), u8 0, u16 name bytes, u32 text bytes,
//                            f64 number, name, text, padded to 8
// WATCH       seconds    8 u64 rate_hz                                        16
// MODEL       part       8 u32 number (layer, tensor), u32 text bytes         16 text, JSON: part 1 layer {"name",
//                            "kind", "activation", "shape", "parameters", "inputs": [NAMES]}, 2 tensor {"name",
//                            "layer": NAME or null, "role", "dtype", "shape", "valid"}, gone: {"name", "gone": true}, 3 push
//                            {"shape", "classes": [WORDS], "samples": n}, 4 evaluate {}
// CAPTURE     kind       8 u64 number, 16 i64 step, 24 u64 blob number, 32 u64 blob bytes,
//                            40 u32 flags, u32 error bytes                    48 error: why there is no blob (PUSH, PRUNE; blob 0)
// LOOK        seconds    8 u32 what (LOOK_*), u16 units_hz10, u16 links_hz10 (tenths of a hertz), 16 u32 strongest (links of a
//                            pair of layers), u32 count                       24 {u32 layer, u32 unit}[count]: each replaces the last
//                            layer 0: `unit` is a tensor, of at most LOOK_EXACT_ELEMENTS, wanted whole and as it is (F32)
// PUSH        flags 0    8 u64 number, 16 i64 sample (-1: values), 24 u32 count, u32 0
//                                                                             32 f32 values[count]
// CONFUSION   series     8 u32 classes, u32 word bytes                        16 u32 counts[classes * classes],
//                                                                                words (each 0-terminated)
//
// A STEP governs all records behind it in the same lane. Strings are not terminated unless said.
#ifndef NNS_JOURNAL_RECORD_H
#define NNS_JOURNAL_RECORD_H

#include <stddef.h>
#include <stdint.h>

enum {
#define X(name, number, sentence) RECORD_##name = number,
#include "record.def"
#undef X
};

enum {
#define X(name, number, word, sentence) EVENT_##name = number,
#include "event.def"
#undef X
};

enum {
#define X(name, number, word, undo, sentence) COMMAND_##name = number,
#include "command.def"
#undef X
};

// Kinds of series (SERIES.kind), for ever. The word is what JSON carries.
enum {
    SERIES_SCALAR = 1,
    SERIES_HISTOGRAM = 2,
    SERIES_TEXT = 3,
    SERIES_IMAGE = 4,
    SERIES_SAMPLE = 5,
    SERIES_CONFUSION = 6
};

// Types of parameters, flags of PARAM, states of REPLY.
enum { PARAM_DOUBLE = 1, PARAM_INT = 2, PARAM_BOOL = 3, PARAM_CHOICE = 4, PARAM_TEXT_TYPE = 5 };
enum { PARAM_LOG = 1, PARAM_READ_ONLY = 2, PARAM_BOUNDED = 4 };
enum { REPLY_APPLIED = 1, REPLY_REFUSED = 2 };
enum { MODEL_LAYER = 1, MODEL_TENSOR = 2, MODEL_PUSH = 3, MODEL_EVALUATE = 4 };
enum { BEAT_PAUSED = 1, BEAT_PRIVATE_LANES = 2 };

#define RECORD_MAX_BYTES (65535u * 8u)
#define SERIES_NAME_MAX 255

typedef struct record {
    uint16_t kind;
    uint16_t words;
    uint32_t a;
} record;

_Static_assert(sizeof(record) == 8, "a record begins with 8 bytes");

// Bytes of the record at `at` with `left` bytes there: a multiple of 8, or 0 when it is not whole
// or not well-formed (length 0, longer than `left`, fixed part or counted strings beyond its end).
// Unknown kinds are well-formed: a reader skips them.
size_t record_check(const void *at, size_t left);

// The word of an event type, command verb, series kind ("scalar"), parameter type ("float"); ""
// when unknown.
const char *record_event_word(uint32_t type);
const char *record_command_word(uint32_t verb);
uint32_t record_command_verb(const char *word); // 0 when unknown
const char *record_series_word(uint32_t kind);
const char *record_param_word(uint32_t type);   // float int bool choice text

#endif
