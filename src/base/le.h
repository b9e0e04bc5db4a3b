// Little-endian loads and stores at any alignment. Formats on disk and on the wire are
// little-endian.
#ifndef NNS_BASE_LE_H
#define NNS_BASE_LE_H

#include <stdint.h>
#include <string.h>

#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "nnscope supports little-endian machines only"
#endif

#define LE_PAIR(type, name)                                                                        \
    static inline type le_##name(const void *at) {                                                 \
        type v;                                                                                    \
        memcpy(&v, at, sizeof v);                                                                  \
        return v;                                                                                  \
    }                                                                                              \
    static inline void le_put_##name(void *at, type v) {                                           \
        memcpy(at, &v, sizeof v);                                                                  \
    }
LE_PAIR(uint16_t, u16)
LE_PAIR(uint32_t, u32)
LE_PAIR(uint64_t, u64)
LE_PAIR(int32_t, i32)
LE_PAIR(int64_t, i64)
LE_PAIR(float, f32)
LE_PAIR(double, f64)
#undef LE_PAIR

#endif
