// Weight matrices as they came: halves, codes or floats. Their extremes are found on the bits, without a conversion.
import { halfTable, NOT_FINITE_CODE } from '../link/capture';
import { times } from './fold';
import type { Matrix } from './model';
import { nothing, rangeOf, type Range } from './scale';

export function matrixValue(m: Matrix, at: number): number {
  const raw = m.data[at];
  if (raw === undefined) return NaN;
  if (m.data instanceof Float32Array) return raw;
  if (m.data instanceof Int8Array) return raw === NOT_FINITE_CODE ? NaN : raw * m.scale;
  return halfTable()[raw]! * m.scale;
}

// Halves sort as their bits do: extremes of each sign, and the smallest above zero, as integers.
function halfRange({ data, scale }: Matrix): Range {
  const bits = data as Uint16Array, table = halfTable();
  const most = Int32Array.of(-1, -1); // by sign: an index, because a branch on a sign is guessed wrong half of the time
  let smallest = 0x7c00, nonfinite = 0;
  for (let i = 0; i < bits.length; i++) {
    const raw = bits[i]!, size = raw & 0x7fff, sign = raw >> 15;
    if (size >= 0x7c00) { nonfinite++; continue; }
    if (size > most[sign]!) most[sign] = size;
    if (size < smallest && size !== 0) smallest = size;
  }
  const [above, below] = [most[0]!, most[1]!];
  if (above < 0 && below < 0) return { ...nothing(), nonfinite };
  // Only one sign: the other extreme is the value nearest to zero.
  const least = (sign: number) => sign * nearest(bits, sign < 0);
  return {
    lowest: (below >= 0 ? -table[below]! : least(1)) * scale, highest: (above >= 0 ? table[above]! : least(-1)) * scale,
    smallest: smallest < 0x7c00 ? table[smallest]! * scale : NaN, nonfinite,
  };
}

function nearest(bits: Uint16Array, negative: boolean): number {
  let least = 0x7c00;
  for (let i = 0; i < bits.length; i++) if ((bits[i]! & 0x8000) !== 0 === negative) least = Math.min(least, bits[i]! & 0x7fff);
  return halfTable()[least]!;
}

function codeRange({ data, scale }: Matrix): Range {
  let lowest = 128, highest = -128, smallest = 128, nonfinite = 0;
  for (let i = 0; i < data.length; i++) {
    const code = data[i]!, size = code < 0 ? -code : code;
    if (code === NOT_FINITE_CODE) { nonfinite++; continue; }
    if (code < lowest) lowest = code;
    if (code > highest) highest = code;
    if (size && size < smallest) smallest = size;
  }
  return lowest > highest ? { ...nothing(), nonfinite } : { lowest: lowest * scale, highest: highest * scale, smallest: smallest < 128 ? smallest * scale : NaN, nonfinite };
}

const ranges = new WeakMap<object, Range>();

export function matrixRange(m: Matrix): Range {
  let range = ranges.get(m.data);
  if (!range) {
    range = m.data instanceof Float32Array ? rangeOf(m.data) : m.data instanceof Int8Array ? codeRange(m) : halfRange(m);
    if (m.full) range.nonfinite = m.nonfinite;
    ranges.set(m.data, range);
  }
  return range;
}

const rows = new WeakMap<object, Float32Array>();

// Root mean square of each row; undefined: rows are folded together, so that no row stands for one unit.
export function matrixRms(m: Matrix): Float32Array | undefined {
  if (m.full) return undefined;
  let out = rows.get(m.data);
  if (!out) {
    out = new Float32Array(m.rows);
    for (let r = 0; r < m.rows; r++) {
      let sum = 0;
      for (let c = 0; c < m.cols; c++) sum += matrixValue(m, r * m.cols + c) ** 2;
      out[r] = Math.sqrt(sum / m.cols);
    }
    rows.set(m.data, out);
  }
  return out;
}

export const matrixFold = (m: Matrix): string => (m.full ? `${times(...m.full)} as ${times(m.rows, m.cols)}` : times(m.rows, m.cols));

// Number of links behind it.
export const linksOf = (m: Matrix): number => (m.full ? m.full[0] * m.full[1] : m.rows * m.cols);
