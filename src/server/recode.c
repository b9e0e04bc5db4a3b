// Unit recode.c makes captures small and back again: each section becomes one zstd frame, and codes of I8 sections may be
// stored as differences from another snapshot's (modulo 256), where that one has a section of the same quantity, layer, tensor,
// item, scale and shape. Between neighbours most differences are 0.
//
//     head     flags + CAPTURE_DELTA, base_step = step of the base      (not a delta: base_step = step)
//     section  coding + CODING_PACKED, data: one zstd frame with checksum of the elements by planes (first bytes of all, second
//              bytes of all, ...; each plane a block of its own); as it is where that is not smaller
//
// Which sections are differences is not written down: both sides find the base's sections by the same rule. Packing and
// unpacking again gives the bytes that came. Nothing is trusted: a frame must say, and give, exactly its section's bytes.
#include "recode.h"

#include "base/error.h"
#include "base/le.h"
#include "base/mem.h"

#include <string.h>
#include <zstd.h>

// Of 1 to 3 the first is twice as fast and 1 % larger on differences of weights.
enum { LEVEL = 1, LEAST_BYTES = 64 };

// --- the base's sections ------------------------------------------------------------------------

// Sections of neighbours stand in the same order: the search goes on where it ended.
typedef struct finder {
    recode_bytes in;
    size_t at;
} finder;

static bool same(const capture_section *a, const capture_section *b) {
    return a->quantity == b->quantity && a->layer == b->layer && a->tensor == b->tensor &&
           a->item == b->item && a->coding == b->coding && a->dims == b->dims &&
           memcmp(a->shape, b->shape, sizeof a->shape) == 0 &&
           memcmp(&a->scale, &b->scale, sizeof a->scale) == 0;
}

static bool search(finder *f, const capture_section *wanted, size_t from, size_t to,
                   capture_section *out) {
    size_t at = from;
    while (at < to && capture_next(f->in.data, f->in.length, &at, out) == 0) {
        if (!same(wanted, out)) continue;
        f->at = at;
        return true;
    }
    return false;
}

// `wanted` unpacked. False: the base has none like it.
static bool find(finder *f, const capture_section *wanted, capture_section *out) {
    if (!f->in.length || wanted->coding != CODING_I8) return false;
    size_t from = f->at ? f->at : CAPTURE_HEAD;
    return search(f, wanted, from, f->in.length, out) || search(f, wanted, CAPTURE_HEAD, from, out);
}

// --- packing ------------------------------------------------------------------------------------

typedef struct packing {
    ZSTD_CCtx *zstd;
    finder base;
    buf codes, packed; // room
    buf *out;
} packing;

static void subtract(uint8_t *out, const uint8_t *a, const uint8_t *b, size_t n) {
    for (size_t i = 0; i < n; i++)
        out[i] = (uint8_t)(a[i] - b[i]);
}

static const uint8_t *differences(packing *p, const capture_section *s,
                                  const capture_section *base) {
    buf_clear(&p->codes);
    uint8_t *out = buf_room(&p->codes, s->stored + 1);
    if (out) subtract(out, s->data, base->data, s->stored);
    return out;
}

static void to_planes(uint8_t *out, const uint8_t *in, size_t elements, size_t width) {
    for (size_t k = 0; k < width; k++)
        for (size_t i = 0; i < elements; i++)
            *out++ = in[i * width + k];
}

static void from_planes(uint8_t *out, const uint8_t *in, size_t elements, size_t width) {
    for (size_t k = 0; k < width; k++)
        for (size_t i = 0; i < elements; i++)
            out[i * width + k] = *in++;
}

// What is compressed of a section: differences, planes, or the data themselves.
static const uint8_t *prepared(packing *p, const capture_section *s, size_t width) {
    capture_section base;
    if (find(&p->base, s, &base)) return differences(p, s, &base);
    if (width == 1) return s->data;
    buf_clear(&p->codes);
    uint8_t *out = buf_room(&p->codes, s->stored + 1);
    if (out) to_planes(out, s->data, s->elements, width);
    return out;
}

// One frame, each plane with statistics of its own. -> bytes, or an error of the library
static size_t compress(packing *p, uint8_t *room, size_t bound, const uint8_t *data,
                       size_t elements, size_t width) {
    ZSTD_outBuffer out = {room, bound, 0};
    ZSTD_CCtx_reset(p->zstd, ZSTD_reset_session_only);
    ZSTD_CCtx_setPledgedSrcSize(p->zstd, elements * width);
    for (size_t k = 0; k < width; k++) {
        ZSTD_inBuffer in = {data + k * elements, elements, 0};
        size_t left =
            ZSTD_compressStream2(p->zstd, &out, &in, k + 1 < width ? ZSTD_e_flush : ZSTD_e_end);
        if (left)
            return ZSTD_isError(left)
                       ? left
                       : SIZE_MAX; // the bound was too small: no smaller than it came
    }
    return out.pos;
}

static int pack_section(packing *p, capture_section *s) {
    size_t width = capture_element_bytes(s->coding);
    const uint8_t *data = prepared(p, s, width);
    if (!data) return NNS_E_NO_MEMORY;
    size_t bound = ZSTD_compressBound(s->stored) + 64 * width, bytes = s->stored;
    buf_clear(&p->packed);
    uint8_t *room = s->stored >= LEAST_BYTES ? buf_room(&p->packed, bound) : NULL;
    if (s->stored >= LEAST_BYTES && !room) return NNS_E_NO_MEMORY;
    if (room) bytes = compress(p, room, bound, data, s->elements, width);
    if (ZSTD_isError(bytes)) return NNS_E_NO_MEMORY;
    if (room && bytes < s->stored) {
        s->coding |= CODING_PACKED;
        s->stored = bytes;
        data = room;
    } else if (width > 1) {
        data = s->data;
    }
    capture_add(p->out, s, data);
    return p->out->failed ? NNS_E_NO_MEMORY : 0;
}

static int pack_sections(packing *p, recode_bytes in) {
    capture_section s;
    int result;
    for (size_t at = 0; (result = capture_next(in.data, in.length, &at, &s)) == 0;) {
        result = s.coding & CODING_PACKED ? NNS_E_CORRUPT : pack_section(p, &s);
        if (result) return result;
    }
    return result == NNS_E_NOT_FOUND ? 0 : result;
}

static int open_base(recode_bytes base, capture_head *head) {
    int result = base.length ? capture_open(base.data, base.length, head) : 0;
    return !result && base.length && head->flags & CAPTURE_DELTA ? NNS_E_CORRUPT : result;
}

int recode_pack(recode_bytes in, recode_bytes base, buf *out) {
    capture_head head, base_head = {0};
    int result = capture_open(in.data, in.length, &head);
    if (!result && head.flags & CAPTURE_DELTA) result = NNS_E_CORRUPT;
    if (!result) result = open_base(base, &base_head);
    if (result) return result;
    packing p = {.zstd = ZSTD_createCCtx(), .base.in = base, .out = out};
    if (!p.zstd) return NNS_E_NO_MEMORY;
    ZSTD_CCtx_setParameter(p.zstd, ZSTD_c_compressionLevel, LEVEL);
    ZSTD_CCtx_setParameter(p.zstd, ZSTD_c_checksumFlag, 1);
    head.flags |= base.length ? CAPTURE_DELTA : 0;
    head.base_step = base.length ? base_head.step : head.step;
    size_t begin = capture_begin(out, &head);
    result = pack_sections(&p, in);
    capture_end(out, begin);
    ZSTD_freeCCtx(p.zstd);
    buf_fini(&p.codes);
    buf_fini(&p.packed);
    return !result && out->failed ? NNS_E_NO_MEMORY : result;
}

// --- unpacking ----------------------------------------------------------------------------------

typedef struct unpacking {
    ZSTD_DCtx *zstd;
    finder base;
    buf planes; // room
    buf *out;
    size_t begin;
} unpacking;

static void add_codes(uint8_t *to, const uint8_t *from, size_t n) {
    for (size_t i = 0; i < n; i++)
        to[i] = (uint8_t)(to[i] + from[i]);
}

static int inflate(unpacking *u, uint8_t *to, size_t bytes, const capture_section *s) {
    size_t width = capture_element_bytes(s->coding);
    if (ZSTD_getFrameContentSize(s->data, s->stored) != bytes) return NNS_E_CORRUPT;
    buf_clear(&u->planes);
    uint8_t *room = width > 1 ? buf_room(&u->planes, bytes + 1) : to;
    if (!room) return NNS_E_NO_MEMORY;
    size_t n = ZSTD_decompressDCtx(u->zstd, room, bytes, s->data, s->stored);
    if (n != bytes) return NNS_E_CORRUPT; // an error is larger than any
    if (width > 1) from_planes(to, room, s->elements, width);
    return 0;
}

static int unpack_section(unpacking *u, const capture_section *s) {
    capture_section plain = *s, base;
    plain.coding &= ~CODING_PACKED;
    size_t bytes = s->elements * capture_element_bytes(plain.coding);
    if (u->out->length - u->begin + bytes > CAPTURE_BYTES_MAX) return NNS_E_CORRUPT;
    plain.stored = bytes;
    size_t at = capture_add(u->out, &plain, s->coding & CODING_PACKED ? NULL : s->data);
    if (u->out->failed) return NNS_E_NO_MEMORY;
    uint8_t *to = u->out->data + at;
    int result = s->coding & CODING_PACKED ? inflate(u, to, bytes, s) : 0;
    if (!result && find(&u->base, &plain, &base)) add_codes(to, base.data, bytes);
    return result;
}

int recode_unpack(recode_bytes stored, recode_bytes base, buf *out) {
    capture_head head, base_head = {0};
    int result = capture_open(stored.data, stored.length, &head);
    if (!result && head.flags & CAPTURE_DELTA && !base.length) result = NNS_E_STATE;
    if (!result && !(head.flags & CAPTURE_DELTA)) base.length = 0;
    if (!result) result = open_base(base, &base_head);
    if (!result && base.length && base_head.step != head.base_step) result = NNS_E_CORRUPT;
    if (result) return result;
    unpacking u = {.zstd = ZSTD_createDCtx(), .base.in = base, .out = out, .begin = out->length};
    if (!u.zstd) return NNS_E_NO_MEMORY;
    head.flags &= ~(uint32_t)CAPTURE_DELTA;
    head.base_step = head.step;
    capture_section s;
    size_t begin = capture_begin(out, &head);
    for (size_t at = 0; !result && capture_next(stored.data, stored.length, &at, &s) == 0;)
        result = unpack_section(&u, &s);
    capture_end(out, begin);
    ZSTD_freeDCtx(u.zstd);
    buf_fini(&u.planes);
    return !result && out->failed ? NNS_E_NO_MEMORY : result;
}
