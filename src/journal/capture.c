// Unit capture.c writes and reads captures: what was seen inside the network, drawn in capture.h. The training process
// writes them, the server reads, stores and forwards them. It is the one gate between bytes from outside and the code
// that uses sections: what passed here may be read without another look at lengths.
//
// Invariants
// 1. Of a section that capture_next gave, `data` .. `data + stored` lies inside the bytes, dims is 0 to 4, elements is the
//    product of shape and fits, element for element, into CAPTURE_BYTES_MAX.
// 2. A section that is not packed stores exactly elements * capture_element_bytes(coding) bytes.
// 3. A capture that capture_open took has exactly as many well-formed sections as it says, and nothing behind them.
#include "capture.h"

#include "base/error.h"
#include "base/le.h"
#include "base/word.h"

#include <string.h>

enum { SECTION_HEAD = 64, VERSION = 1, SECTIONS_AT = 32 };

size_t capture_element_bytes(int coding) {
    switch (coding & ~CODING_PACKED) {
    case CODING_F32:
    case CODING_U32:
        return 4;
    case CODING_I8:
    case CODING_U8:
        return 1;
    case CODING_F16:
        return 2;
    case CODING_PAIR:
        return 8;
    case CODING_TRIPLE:
        return 12;
    default:
        return 0;
    }
}

// Writing -------------------------------------------------------------------------------------------------------------

size_t capture_begin(buf *out, const capture_head *head) {
    size_t begin = out->length;
    uint8_t *at = buf_room(out, CAPTURE_HEAD);
    if (!at) return begin;
    out->length += CAPTURE_HEAD;
    memset(at, 0, CAPTURE_HEAD);
    le_put_u32(at, CAPTURE_MAGIC);
    le_put_u16(at + 4, VERSION);
    le_put_u16(at + 6, (uint16_t)head->kind);
    le_put_u64(at + 8, head->number);
    le_put_i64(at + 16, head->step);
    le_put_i64(at + 24, head->last_step);
    le_put_u32(at + SECTIONS_AT, head->sections);
    le_put_u32(at + 36, head->flags);
    le_put_i64(at + 40, head->base_step);
    le_put_f64(at + 48, head->time_ms);
    le_put_u64(at + 56, head->observed);
    return begin;
}

// Beyond CAPTURE_BYTES_MAX it is only said to be more.
static size_t product(const capture_section *section) {
    size_t elements = 1;
    for (int i = 0; i < section->dims && elements <= CAPTURE_BYTES_MAX; i++)
        elements *= section->shape[i];
    return elements;
}

static size_t padded(size_t bytes) {
    return (bytes + 7) & ~(size_t)7;
}

static void put_section(uint8_t *at, const capture_section *section, size_t stored) {
    memset(at, 0, SECTION_HEAD);
    le_put_u32(at, (uint32_t)(SECTION_HEAD + padded(stored)));
    le_put_u16(at + 4, (uint16_t)section->quantity);
    at[6] = (uint8_t)section->coding;
    at[7] = (uint8_t)section->dims;
    le_put_u32(at + 8, section->layer);
    le_put_u32(at + 12, section->tensor);
    for (int i = 0; i < 4; i++)
        le_put_u32(at + 16 + 4 * i, i < section->dims ? section->shape[i] : 1);
    le_put_u32(at + 32, section->full[0]);
    le_put_u32(at + 36, section->full[1]);
    le_put_f32(at + 40, section->scale);
    le_put_u32(at + 44, section->item);
    le_put_u64(at + 48, section->nonfinite);
    le_put_u32(at + 56, (uint32_t)stored);
}

size_t capture_add(buf *out, const capture_section *section, const void *data) {
    bool packed = section->coding & CODING_PACKED;
    size_t stored =
        packed ? section->stored : product(section) * capture_element_bytes(section->coding);
    if (stored > CAPTURE_BYTES_MAX) out->failed = true;
    uint8_t *at = out->failed ? NULL : buf_room(out, SECTION_HEAD + padded(stored));
    if (!at) return 0;
    out->length += SECTION_HEAD + padded(stored);
    put_section(at, section, stored);
    memset(at + SECTION_HEAD + stored, 0, padded(stored) - stored);
    if (data && stored) memcpy(at + SECTION_HEAD, data, stored);
    return (size_t)(at + SECTION_HEAD - out->data);
}

void capture_end(buf *out, size_t begin) {
    if (out->failed) return;
    uint32_t sections = 0;
    for (size_t at = begin + CAPTURE_HEAD; at < out->length; at += le_u32(out->data + at))
        sections++;
    le_put_u32(out->data + begin + SECTIONS_AT, sections);
}

// Reading -------------------------------------------------------------------------------------------------------------

static void get_head(const uint8_t *at, capture_head *head) {
    *head = (capture_head){
        .kind = le_u16(at + 6),
        .number = le_u64(at + 8),
        .step = le_i64(at + 16),
        .last_step = le_i64(at + 24),
        .sections = le_u32(at + SECTIONS_AT),
        .flags = le_u32(at + 36),
        .base_step = le_i64(at + 40),
        .time_ms = le_f64(at + 48),
        .observed = le_u64(at + 56),
    };
}

int capture_open(const void *bytes, size_t length, capture_head *head) {
    if (length < CAPTURE_HEAD || length > CAPTURE_BYTES_MAX) return NNS_E_CORRUPT;
    if (le_u32(bytes) != CAPTURE_MAGIC) return NNS_E_CORRUPT;
    if (le_u16((const uint8_t *)bytes + 4) != VERSION) return NNS_E_VERSION;
    get_head(bytes, head);
    capture_section section;
    uint32_t sections = 0;
    size_t at = 0;
    int error;
    while ((error = capture_next(bytes, length, &at, &section)) == 0)
        sections++;
    if (error != NNS_E_NOT_FOUND || sections != head->sections) return NNS_E_CORRUPT;
    return 0;
}

// The product of the shape with elements of `element` bytes; false: beyond what a capture may hold.
static bool count_elements(capture_section *section, size_t element) {
    uint64_t elements = 1;
    for (int i = 0; i < 4; i++) {
        if (i >= section->dims && section->shape[i] != 1) return false;
        elements *= section->shape[i];
        if (elements > CAPTURE_BYTES_MAX / element) return false;
    }
    section->elements = (size_t)elements;
    return true;
}

static void get_section(const uint8_t *at, capture_section *section) {
    *section = (capture_section){
        .quantity = le_u16(at + 4),
        .coding = at[6],
        .dims = at[7],
        .layer = le_u32(at + 8),
        .tensor = le_u32(at + 12),
        .item = le_u32(at + 44),
        .full = {le_u32(at + 32), le_u32(at + 36)},
        .scale = le_f32(at + 40),
        .nonfinite = le_u64(at + 48),
        .data = at + SECTION_HEAD,
        .stored = le_u32(at + 56),
    };
    for (int i = 0; i < 4; i++)
        section->shape[i] = le_u32(at + 16 + 4 * i);
}

int capture_next(const void *bytes, size_t length, size_t *at, capture_section *section) {
    size_t offset = *at ? *at : CAPTURE_HEAD;
    if (offset >= length) return NNS_E_NOT_FOUND;
    if (length - offset < SECTION_HEAD) return NNS_E_CORRUPT;
    const uint8_t *start = (const uint8_t *)bytes + offset;
    size_t size = le_u32(start);
    if (size > length - offset || size < SECTION_HEAD) return NNS_E_CORRUPT;
    get_section(start, section);
    size_t element = capture_element_bytes(section->coding);
    if (element == 0 || section->dims > 4 || !count_elements(section, element))
        return NNS_E_CORRUPT;
    if (size != SECTION_HEAD + padded(section->stored)) return NNS_E_CORRUPT;
    bool packed = section->coding & CODING_PACKED;
    if (!packed && section->stored != section->elements * element) return NNS_E_CORRUPT;
    *at = offset + size;
    return 0;
}

// Words ---------------------------------------------------------------------------------------------------------------

const char *capture_quantity_word(int quantity) {
    static const char *const words[] = {
#define X(name, number, word, sentence) [number] = word,
#include "quantity.def"
#undef X
    };
    return WORD_OF(words, quantity);
}

const char *capture_statistic_word(int statistic) {
    static const char *const words[] = {
#define X(name, number, word, sentence) [number] = word,
#include "statistic.def"
#undef X
    };
    return WORD_OF(words, statistic);
}
