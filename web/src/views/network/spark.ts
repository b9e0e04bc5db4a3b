// Small curves as paths: the means of at most so many columns over a range of steps.
import type { Points } from '../../state/points';

export interface Range { low: number; high: number }
export interface Sparked { width: number; height: number; from: number; to: number; range: Range; log: boolean }

const COLUMNS = 64;

// Heights from 0 (low) to 1; a value of zero or less lies at the bottom of a logarithmic scale.
export function heightOf(value: number, range: Range, log: boolean): number {
  const at = log ? (value > 0 ? Math.log10(value) : -Infinity) : value;
  const span = range.high - range.low;
  return span > 0 ? Math.min(1, Math.max(0, (at - range.low) / span)) : 0.5;
}

// Means of columns of equal width; NaN where there are no points.
export function columnsOf(points: Points, from: number, to: number, columns = COLUMNS): Float64Array {
  const sums = new Float64Array(columns), counts = new Float64Array(columns), span = Math.max(1, to - from);
  for (let i = points.rowAt(from); i < points.rows && points.step[i]! <= to; i++) {
    const mean = points.mean[i]!, column = Math.min(columns - 1, Math.floor((columns * (points.step[i]! - from)) / span));
    if (Number.isFinite(mean)) (sums[column]! += mean), counts[column]!++;
  }
  return sums.map((sum, i) => (counts[i] ? sum / counts[i]! : NaN));
}

export function pathOf(points: Points, s: Sparked): string {
  const means = columnsOf(points, s.from, s.to), pad = 1.5;
  let path = '', begun = false;
  means.forEach((mean, i) => {
    if (Number.isNaN(mean)) return;
    const x = (s.width * (i + 0.5)) / means.length, y = pad + (1 - heightOf(mean, s.range, s.log)) * (s.height - 2 * pad);
    path += `${begun ? 'L' : 'M'}${x.toFixed(1)} ${y.toFixed(1)}`;
    begun = true;
  });
  return path;
}

// log10 of the smallest and largest value above zero, as whole decades; null when there are none.
export function decadesOf(all: readonly (Points | null)[]): Range | null {
  let low = Infinity, high = -Infinity;
  for (const points of all)
    for (let i = 0; points && i < points.rows; i++) {
      const mean = points.mean[i]!;
      if (mean > 0 && mean < Infinity) (low = Math.min(low, mean)), (high = Math.max(high, mean));
    }
  return low < Infinity ? { low: Math.floor(Math.log10(low)), high: Math.max(Math.floor(Math.log10(low)) + 1, Math.ceil(Math.log10(high))) } : null;
}
