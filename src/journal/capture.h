// Captures: what was seen inside the network at one moment. Made by the training process (probe) as a blob named by a
// CAPTURE record, kept by the server as snapshots, sent to the page as it is: one format all the way. Little-endian,
// everything 8-byte aligned, so that a browser reads the numbers as typed arrays in place.
//
//     0  u32 magic 0x43534E4E ("NNSC")   4 u16 version 1   6 u16 kind (CAPTURE_LOOK ...)
//     8  u64 number      of the push that it answers, of the prune command; else 0. On the wire to a page: the id of its request
//     16 i64 step        whose body made what is seen (stamped as SEMANTICS: state after this step)
//     24 i64 last_step   of the last slice: differs from step when large tensors were copied over several steps
//     32 u32 sections    36 u32 flags (1 sliced, 2 delta, 4 of the flight recorder, 8 kept for a person's mark)
//     40 i64 base_step   delta: the snapshot whose codes these are added to (modulo 256); else = step
//     48 f64 time_ms     wall time
//     56 u64 observed    samples observed so far (of which dead, class means and the like are made)
//     64: sections, each a multiple of 8:
//
//     0  u32 bytes (whole section)   4 u16 quantity (quantity.def)   6 u8 coding   7 u8 dims
//     8  u32 layer (0 none)          12 u32 tensor (0 none)
//     16 u32 shape[4]    of what is stored; unused ones are 1
//     32 u32 full[2]     rows and columns before folding; 0: not folded
//     40 f32 scale       I8: value = code * scale, code -128 is NaN or infinite. Folded: each cell is the value of largest |value| in its block:
//                        that of (row, column) is (floor(row * shape[0] / full[0]), floor(column * shape[1] / full[1]))
//     44 u32 item        unit of UNIT_*, else 0
//     48 u64 nonfinite   NaN and infinities among the full values
//     56 u32 stored      bytes of the data as stored behind this header (PACKED: compressed), 60 u32 0
//     64 data, padded to 8
//
// Codings: F32; I8 (codes, see scale); U8; U32; PAIR {u32, f32}; TRIPLE {u32, u32, f32}; F16 (IEEE half, times scale); with CODING_PACKED
// added: one zstd frame of it (only in stored snapshots: never on the wire).
// Parsed by capture_next alone (fuzzed): nothing outside `bytes` is ever read, whatever stands in it.
#ifndef NNS_JOURNAL_CAPTURE_H
#define NNS_JOURNAL_CAPTURE_H

#include "base/buf.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CAPTURE_MAGIC 0x43534E4Eu
#define CAPTURE_HEAD 64
#define CAPTURE_BYTES_MAX (256u << 20)

// LOOK: a viewer looks, kept nowhere. SNAPSHOT: kept. PUSH: the answer to a pushed sample. PRUNE: a pruning curve.
enum { CAPTURE_LOOK = 1, CAPTURE_SNAPSHOT = 2, CAPTURE_PUSH = 3, CAPTURE_PRUNE = 4 };
enum { CAPTURE_SLICED = 1, CAPTURE_DELTA = 2, CAPTURE_FLIGHT = 4, CAPTURE_KEPT = 8 };
enum {
    CODING_F32 = 1,
    CODING_I8 = 2,
    CODING_U8 = 3,
    CODING_U32 = 4,
    CODING_PAIR = 5,
    CODING_TRIPLE = 6,
    CODING_F16 = 7,
    CODING_PACKED = 128
};
enum { MARK_DEAD = 1, MARK_SATURATED = 2, MARK_YOUNG = 4 };

enum {
#define X(name, number, word, sentence) QUANTITY_##name = number,
#include "quantity.def"
#undef X
};

enum {
#define X(name, number, word, sentence) STATISTIC_##name = number,
#include "statistic.def"
#undef X
    STATISTIC_COUNT
};

#define LOOK_EXACT_ELEMENTS (4u << 20) // of a tensor that comes as it is to who asks for just that
#define LOOK_SMALL 65536 // elements of a weight that comes whole in any case: filters, for one

// What a LOOK record (inbox) asks for.
enum {
    LOOK_UNITS = 1,      // per layer ACTIVATION GRADIENT MARKS MEAN ACTIVE SELECTIVITY STATISTICS
    LOOK_WEIGHTS = 2,    // per weight STRONG_WEIGHT, BIAS, and WEIGHT_IN; WEIGHT (F16) where it is small or LOOK_MATRICES is asked for too
    LOOK_GRADIENTS = 4,
    LOOK_UPDATES = 8,
    LOOK_OUTCOME = 16,   // CONFUSION WORST BEST
    LOOK_CLASSES = 32,   // CLASS_MEAN
    LOOK_CORRELATION = 64,
    LOOK_VALUES = 128,   // VALUE of the batch's first sample for each layer, and INPUT: feature maps
    LOOK_MATRICES = 256  // matrices of more than LOOK_SMALL elements too, folded to at most 1 M cells, all together to 4 M
};

typedef struct capture_head {
    int kind;
    uint64_t number;
    int64_t step, last_step, base_step;
    uint32_t sections, flags;
    double time_ms;
    uint64_t observed;
} capture_head;

typedef struct capture_section {
    int quantity, coding, dims;
    uint32_t layer, tensor, item;
    uint32_t shape[4], full[2];
    float scale;
    uint64_t nonfinite;
    const uint8_t *data; // borrowed
    size_t stored;       // bytes at data
    size_t elements;     // product of shape
} capture_section;

// Writing. begin appends the head and gives its offset; section appends header and data (`data` NULL: room for `stored` bytes
// is left, at the offset returned, to be filled in place); end writes the number of sections. A failed buf stays failed.
size_t capture_begin(buf *out, const capture_head *head);
size_t capture_add(buf *out, const capture_section *section, const void *data);
void capture_end(buf *out, size_t begin);

// Reading: head, then sections by *at (begin with 0). 0; NNS_E_NOT_FOUND behind the last; NNS_E_CORRUPT, NNS_E_VERSION.
int capture_open(const void *bytes, size_t length, capture_head *head);
int capture_next(const void *bytes, size_t length, size_t *at, capture_section *section);
size_t capture_element_bytes(int coding); // 0: unknown

const char *capture_quantity_word(int quantity); // "" unknown
const char *capture_statistic_word(int statistic);

#endif
