// Captures: what was seen inside the network at one moment, as src/journal/capture.h draws them, read as typed arrays in
// place: nothing is copied. Half floats stay as they are (a texture takes them so); `floats` turns any section into numbers.
// Whatever stands in the bytes, nothing outside of them is read: a capture that lies about a length is refused.
import { quantities } from './tables';

export const CAPTURE_MAGIC = 0x43534e4e;
export const CODING = { f32: 1, i8: 2, u8: 3, u32: 4, pair: 5, triple: 6, f16: 7 } as const;
export const CAPTURE_KIND = { look: 1, snapshot: 2, push: 3, prune: 4 } as const;
export const CAPTURE_FLAG = { sliced: 1, delta: 2, flight: 4, kept: 8 } as const;
export const MARK = { dead: 1, saturated: 2, young: 4 } as const;
export const NOT_FINITE_CODE = -128; // of I8
const VERSION = 1, HEAD = 64;

export type CaptureData = Float32Array | Int8Array | Uint8Array | Uint32Array | Uint16Array;

export interface CaptureSection {
  quantity: number;              // quantities.weight ...
  coding: number;                // CODING.f32 ...
  shape: number[];               // of what is stored
  full: [number, number] | null; // rows and columns before folding; null: not folded
  layer: number;                 // 0 none
  tensor: number;                // 0 none
  item: number;                  // unit of unit_*
  scale: number;                 // value = code * scale for I8 and F16
  nonfinite: number;             // among the full values
  data: CaptureData;             // pair and triple: all words as u32 (see pairs, triples); F16: the halves
}

export interface Capture {
  kind: number;
  number: number;                // id of the look or push that it answers
  step: number;
  lastStep: number;
  baseStep: number;
  flags: number;
  time: number;                  // wall time in ms
  observed: number;
  sections: CaptureSection[];
}

// Bytes of one element, and how its data are seen.
const ELEMENT: Record<number, [number, new (b: ArrayBuffer, at: number, n: number) => CaptureData]> = {
  [CODING.f32]: [4, Float32Array], [CODING.i8]: [1, Int8Array], [CODING.u8]: [1, Uint8Array], [CODING.u32]: [4, Uint32Array],
  [CODING.pair]: [8, Uint32Array], [CODING.triple]: [12, Uint32Array], [CODING.f16]: [2, Uint16Array],
};

const long = (view: DataView, at: number) => Number(view.getBigInt64(at, true));

// null: not a capture, of another version, or cut short. Sections of a coding that is not known here are left out.
export function decodeCapture(buffer: ArrayBuffer): Capture | null {
  if (buffer.byteLength < HEAD) return null;
  const view = new DataView(buffer);
  if (view.getUint32(0, true) !== CAPTURE_MAGIC || view.getUint16(4, true) !== VERSION) return null;
  const capture: Capture = {
    kind: view.getUint16(6, true), number: Number(view.getBigUint64(8, true)), step: long(view, 16), lastStep: long(view, 24),
    baseStep: long(view, 40), flags: view.getUint32(36, true), time: view.getFloat64(48, true),
    observed: Number(view.getBigUint64(56, true)), sections: [],
  };
  const count = view.getUint32(32, true);
  let at = HEAD;
  for (let i = 0; i < count; i++) {
    const bytes = at + HEAD <= buffer.byteLength ? view.getUint32(at, true) : 0;
    if (bytes < HEAD || bytes % 8 !== 0 || at + bytes > buffer.byteLength) return null;
    const section = decodeSection(buffer, view, at, bytes);
    if (section === null) return null;
    if (section) capture.sections.push(section);
    at += bytes;
  }
  return capture;
}

// null: it lies; undefined: not known here.
function decodeSection(buffer: ArrayBuffer, view: DataView, at: number, bytes: number): CaptureSection | null | undefined {
  const coding = view.getUint8(at + 6), dims = view.getUint8(at + 7), stored = view.getUint32(at + 56, true);
  if (dims > 4 || stored > bytes - HEAD) return null;
  const element = ELEMENT[coding];
  if (!element) return undefined;
  const word = (offset: number) => view.getUint32(at + offset, true);
  const shape = Array.from({ length: dims }, (_, d) => word(16 + 4 * d)), elements = shape.reduce((n, side) => n * side, 1);
  const [size, Type] = element;
  if (elements * size > stored) return null;
  const rows = word(32), columns = word(36);
  return {
    quantity: view.getUint16(at + 4, true), coding, shape, full: rows && columns ? [rows, columns] : null,
    layer: word(8), tensor: word(12), item: word(44), scale: view.getFloat32(at + 40, true),
    nonfinite: Number(view.getBigUint64(at + 48, true)),
    data: new Type(buffer, at + HEAD, (elements * size) / Type.prototype.BYTES_PER_ELEMENT),
  };
}

export const quantityWord = (quantity: number): string => words.get(quantity) ?? '';
const words = new Map<number, string>(Object.entries(quantities).map(([word, number]) => [number, word]));

// An IEEE half as a number.
export function half(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1, exponent = (bits >> 10) & 31, fraction = bits & 1023;
  if (exponent === 31) return fraction ? NaN : sign * Infinity;
  return sign * (exponent ? 2 ** (exponent - 15) * (1 + fraction / 1024) : 2 ** -24 * fraction);
}

let halves: Float32Array | null = null; // all 65536 of them, made when first wanted

export function halfTable(): Float32Array {
  return (halves ??= Float32Array.from({ length: 65536 }, (_, bits) => half(bits)));
}

// The section's numbers: F32 in place, all others converted.
export function floats(section: CaptureSection): Float32Array {
  const { coding, data, scale } = section;
  if (data instanceof Float32Array) return data;
  const out = new Float32Array(data.length);
  if (coding === CODING.f16) {
    const table = halfTable();
    for (let i = 0; i < data.length; i++) out[i] = table[data[i]!]! * scale;
  } else if (coding === CODING.i8) {
    for (let i = 0; i < data.length; i++) out[i] = data[i] === NOT_FINITE_CODE ? NaN : data[i]! * scale;
  } else out.set(data);
  return out;
}

export interface Pairs { index: Uint32Array; value: Float32Array }

// {u32 index, f32 value}: taken apart.
export function pairs(section: CaptureSection): Pairs {
  const words = section.data as Uint32Array, numbers = new Float32Array(words.buffer, words.byteOffset, words.length);
  const count = words.length >> 1, out = { index: new Uint32Array(count), value: new Float32Array(count) };
  for (let i = 0; i < count; i++) out.index[i] = words[2 * i]!, out.value[i] = numbers[2 * i + 1]!;
  return out;
}

export interface Triples { a: Uint32Array; b: Uint32Array; value: Float32Array }

export function triples(section: CaptureSection): Triples {
  const words = section.data as Uint32Array, numbers = new Float32Array(words.buffer, words.byteOffset, words.length);
  const count = Math.floor(words.length / 3), out = { a: new Uint32Array(count), b: new Uint32Array(count), value: new Float32Array(count) };
  for (let i = 0; i < count; i++) out.a[i] = words[3 * i]!, out.b[i] = words[3 * i + 1]!, out.value[i] = numbers[3 * i + 2]!;
  return out;
}
