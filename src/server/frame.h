// Binary columns frames on the live link and of `points` with Accept: application/vnd.nnscope.columns.
// Little-endian, everything 8-byte aligned, so that a browser reads the columns as typed arrays in place.
//
//     0  u32 magic 0x31534E4E ("NNS1")   4 u16 kind   6 u16 flags      kind: 1 snapshot (answer to a subscribe or query), 2 live
//     8  u32 id        the subscription's or query's id (live frames shared by many viewers: 0, match by run and series)
//     12 u32 blocks
//     16 char run[26] 42 u16 0 44 u32 0                                 48: blocks, each:
//
//     0  u32 bytes (whole block, multiple of 8)    4 u16 flags (1 raw, 2 gap: points are missing before this block, 4 series unknown)
//     6  u16 name bytes    8 u32 rows    12 u32 attempt of the last row
//     16 u64 ordinal of the first point in it    24 u64 ordinal after the last point in it
//     32 f64 bucket width in units of the axis (0 raw)    40 f64 offset: time_ms below is relative to this wall time in ms
//     48 name, padded to 8, then the columns, each padded to 8:
//        raw:     f64 step[rows], f64 time_ms[rows], f64 value[rows]
//        buckets: f64 step[rows] (first), f64 step_last[rows], f64 time_ms[rows] (first), f32 min, f32 max, f32 mean, f32 last [rows],
//                 u32 count[rows], u32 nonfinite[rows]
//
// Exactly once: a live block whose ordinal is below what the page has is a repeat (skip those rows), above is a gap (query again).
#ifndef NNS_SERVER_FRAME_H
#define NNS_SERVER_FRAME_H

#include "base/buf.h"
#include "store/store.h"

enum { FRAME_SNAPSHOT = 1, FRAME_LIVE = 2 };
enum { FRAME_RAW = 1, FRAME_GAP = 2, FRAME_UNKNOWN = 4 };
#define FRAME_MAGIC 0x31534E4Eu

// Begins a frame in `out`; returns the offset of its header for frame_end.
size_t frame_begin(buf *out, int kind, uint32_t id, const char *run);
void frame_block(buf *out, const char *series, uint32_t attempt, uint64_t end_ordinal,
                 const store_columns *c, bool gap);
void frame_block_unknown(buf *out, const char *series); // no such series (yet)
void frame_end(buf *out, size_t begin, uint32_t blocks);

#endif
