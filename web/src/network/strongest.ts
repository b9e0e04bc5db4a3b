// The strongest weights of a whole matrix, for moments of which nobody sent their list: snapshots keep all weights instead.
import { NOT_FINITE_CODE } from '../link/capture';
import { matrixValue } from './matrix';
import type { Matrix, Strongest } from './model';

const LEAST = 3000; // found at once: asked for fewer, soon more are

// |value| as an integer that sorts as it does, 0 where it is zero or not finite; and its bits without those of `shift`: few bins.
function ranksOf({ data }: Matrix): { rank(at: number): number; shift: number } {
  if (data instanceof Int8Array) return { rank: at => (data[at] === NOT_FINITE_CODE ? 0 : Math.abs(data[at]!)), shift: 0 };
  if (data instanceof Uint16Array) return { rank: at => ((data[at]! & 0x7fff) < 0x7c00 ? data[at]! & 0x7fff : 0), shift: 5 };
  const bits = new Uint32Array(data.buffer, data.byteOffset, data.length);
  return { rank: at => ((bits[at]! & 0x7fffffff) < 0x7f800000 ? bits[at]! & 0x7fffffff : 0), shift: 21 };
}

// The lowest bin of those that hold `wanted` of the largest.
function lowestBin(counts: Uint32Array, wanted: number): number {
  let bin = counts.length - 1;
  for (let held = counts[bin]!; bin > 0 && held < wanted; ) held += counts[--bin]!;
  return bin;
}

function find(m: Matrix, wanted: number): Strongest {
  const { rank, shift } = ranksOf(m), counts = new Uint32Array(1024), found: number[] = [];
  for (let i = 0; i < m.data.length; i++) counts[rank(i) >> shift]!++;
  const least = Math.max(1, lowestBin(counts, wanted) << shift);
  for (let i = 0; i < m.data.length; i++) if (rank(i) >= least) found.push(i);
  const index = Uint32Array.from(found.sort((a, b) => rank(b) - rank(a) || a - b).slice(0, wanted));
  return { index, value: Float32Array.from(index, at => matrixValue(m, at)) };
}

const known = new WeakMap<object, { list: Strongest; wanted: number }>();

// At least `most` of them, or all there are; the same list for as long as the matrix is the same and enough of it are known.
export function strongestIn(m: Matrix, most: number): Strongest {
  let kept = known.get(m.data);
  if (!kept || kept.wanted < most) known.set(m.data, (kept = { list: find(m, Math.max(LEAST, most)), wanted: Math.max(LEAST, most) }));
  return kept.list;
}
