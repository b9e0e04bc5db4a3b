// Writes frames as the server does, for tests.
const pad8 = (n: number) => (n + 7) & ~7;

interface Head { first: number; after?: number; attempt?: number; width?: number; timeOffset?: number; gap?: boolean }
interface Raw extends Head { step: number[]; time: number[]; value: number[] }
interface Buckets extends Head {
  step: number[]; stepLast: number[]; time: number[]; min: number[]; max: number[]; mean: number[]; last: number[]; count: number[]; nonfinite: number[];
}

type Column = [type: 'f64' | 'f32' | 'u32', values: number[]];

function block(name: string, raw: boolean, head: Head, columns: Column[]): Uint8Array {
  const text = new TextEncoder().encode(name), rows = columns[0][1].length, start = 48 + pad8(text.length);
  const bytes = new Uint8Array(start + columns.reduce((sum, [type]) => sum + pad8(rows * (type === 'f64' ? 8 : 4)), 0)), v = new DataView(bytes.buffer);
  v.setUint32(0, bytes.length, true);
  v.setUint16(4, (raw ? 1 : 0) | (head.gap ? 2 : 0), true);
  v.setUint16(6, text.length, true);
  v.setUint32(8, rows, true);
  v.setUint32(12, head.attempt ?? 0, true);
  v.setBigUint64(16, BigInt(head.first), true);
  v.setBigUint64(24, BigInt(head.after ?? head.first + rows), true);
  v.setFloat64(32, head.width ?? 0, true);
  v.setFloat64(40, head.timeOffset ?? 0, true);
  bytes.set(text, 48);
  let at = start;
  for (const [type, values] of columns) {
    values.forEach((x, i) => (type === 'f64' ? v.setFloat64(at + 8 * i, x, true) : type === 'f32' ? v.setFloat32(at + 4 * i, x, true) : v.setUint32(at + 4 * i, x, true)));
    at += pad8(rows * (type === 'f64' ? 8 : 4));
  }
  return bytes;
}

export const rawBlock = (name: string, r: Raw) => block(name, true, r, [['f64', r.step], ['f64', r.time], ['f64', r.value]]);
export const bucketBlock = (name: string, b: Buckets) => block(name, false, b, [
  ['f64', b.step], ['f64', b.stepLast], ['f64', b.time], ['f32', b.min], ['f32', b.max], ['f32', b.mean], ['f32', b.last], ['u32', b.count], ['u32', b.nonfinite],
]);

export function frame(kind: number, id: number, run: string, blocks: Uint8Array[]): ArrayBuffer {
  const bytes = new Uint8Array(48 + blocks.reduce((sum, b) => sum + b.length, 0)), v = new DataView(bytes.buffer);
  v.setUint32(0, 0x31534e4e, true);
  v.setUint16(4, kind, true);
  v.setUint32(8, id, true);
  v.setUint32(12, blocks.length, true);
  bytes.set(new TextEncoder().encode(run), 16);
  let at = 48;
  for (const b of blocks) {
    bytes.set(b, at);
    at += b.length;
  }
  return bytes.buffer;
}

// A small random generator, so that a failure can be repeated by its seed.
export function random(seed: number): () => number {
  let s = seed >>> 0;
  return () => {
    s = (Math.imul(s, 1664525) + 1013904223) >>> 0;
    return s / 4294967296;
  };
}
