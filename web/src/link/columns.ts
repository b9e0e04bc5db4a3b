// Binary columns frames (drawn in src/server/frame.h), read as typed arrays in place: nothing is copied.
// The machine that reads them is little-endian, as every browser's is.

export const MAGIC = 0x31534e4e;
export const SNAPSHOT = 1, LIVE = 2;
const RAW = 1, GAP = 2, UNKNOWN = 4;

export interface RawColumns { step: Float64Array; time: Float64Array; value: Float64Array }
export interface BucketColumns {
  step: Float64Array; stepLast: Float64Array; time: Float64Array;
  min: Float32Array; max: Float32Array; mean: Float32Array; last: Float32Array;
  count: Uint32Array; nonfinite: Uint32Array;
}

export interface Block {
  series: string;
  rows: number;
  attempt: number;               // of the last row
  first: number;                 // ordinal of the first point in it
  after: number;                 // ordinal after the last point in it
  width: number;                 // of a bucket, in units of the axis; 0 raw
  timeOffset: number;            // wall time in ms that `time` is relative to
  gap: boolean;                  // points are missing before this block
  unknown: boolean;              // there is no such series (yet)
  raw?: RawColumns;
  buckets?: BucketColumns;
}

export interface Frame { kind: number; id: number; run: string; blocks: Block[] }

// A capture (link/capture.ts, loaded when one is wanted) comes on the same link: the id of the look or push that it answers;
// 0: not a capture.
export function captureNumber(buffer: ArrayBuffer): number {
  if (buffer.byteLength < 64) return 0;
  const view = new DataView(buffer);
  return view.getUint32(0, true) === 0x43534e4e ? Number(view.getBigUint64(8, true)) : 0;
}

const words = new TextDecoder();
const pad8 = (bytes: number) => (bytes + 7) & ~7;

// A reader that walks over columns, each padded to 8 bytes. Throws RangeError where the frame is cut short.
class Columns {
  constructor(private buffer: ArrayBuffer, private at: number, private rows: number) {}
  f64(): Float64Array { return this.take(Float64Array); }
  f32(): Float32Array { return this.take(Float32Array); }
  u32(): Uint32Array { return this.take(Uint32Array); }
  private take<T>(Type: { new (b: ArrayBuffer, at: number, n: number): T; BYTES_PER_ELEMENT: number }): T {
    const column = new Type(this.buffer, this.at, this.rows);
    this.at += pad8(this.rows * Type.BYTES_PER_ELEMENT);
    return column;
  }
}

function decodeBlock(buffer: ArrayBuffer, view: DataView, at: number): Block {
  const flags = view.getUint16(at + 4, true), nameBytes = view.getUint16(at + 6, true), rows = view.getUint32(at + 8, true);
  const block: Block = {
    series: words.decode(new Uint8Array(buffer, at + 48, nameBytes)),
    rows,
    attempt: view.getUint32(at + 12, true),
    first: Number(view.getBigUint64(at + 16, true)),
    after: Number(view.getBigUint64(at + 24, true)),
    width: view.getFloat64(at + 32, true),
    timeOffset: view.getFloat64(at + 40, true),
    gap: (flags & GAP) !== 0,
    unknown: (flags & UNKNOWN) !== 0,
  };
  const c = new Columns(buffer, at + 48 + pad8(nameBytes), rows);
  if (flags & RAW) block.raw = { step: c.f64(), time: c.f64(), value: c.f64() };
  else block.buckets = {
    step: c.f64(), stepLast: c.f64(), time: c.f64(), min: c.f32(), max: c.f32(), mean: c.f32(), last: c.f32(), count: c.u32(), nonfinite: c.u32(),
  };
  return block;
}

// null: not a frame, or one that is cut short.
export function decode(buffer: ArrayBuffer): Frame | null {
  if (buffer.byteLength < 48) return null;
  const view = new DataView(buffer);
  if (view.getUint32(0, true) !== MAGIC) return null;
  const run = words.decode(new Uint8Array(buffer, 16, 26)).replace(/\0+$/, '');
  const frame: Frame = { kind: view.getUint16(4, true), id: view.getUint32(8, true), run, blocks: [] };
  const blocks = view.getUint32(12, true);
  let at = 48;
  try {
    for (let i = 0; i < blocks; i++) {
      const bytes = view.getUint32(at, true);
      if (bytes < 48 || bytes % 8 !== 0 || at + bytes > buffer.byteLength) return null;
      frame.blocks.push(decodeBlock(buffer, view, at));
      at += bytes;
    }
  } catch {
    return null;
  }
  return frame;
}
