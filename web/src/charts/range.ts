// The range of an axis: what is there, rounded outward to steady numbers, so that nothing jumps while points arrive.
import { along, rowsWithin, shown, type Curve } from './curve';
import type { Points } from '../state/points';
import type { Axis } from '../state/view';

export interface Range { low: number; high: number }

const SAMPLE = 400;

// Smallest and largest finite value of a curve's rows in sight, kept beside them: rows that do not change are looked at once.
class Extent {
  private points: Points | null = null;
  private version = 0;
  private log = false;
  private first = 0;
  private done = 0;              // rows first..done are in found
  private found: Range = { low: Infinity, high: -Infinity };

  update(p: Points, first: number, last: number, log: boolean): Range {
    if (p !== this.points || p.version !== this.version || log !== this.log || first !== this.first || last < this.done) this.begin(p, first, log);
    for (const end = Math.min(last, p.rows - 1); this.done < end; this.done++) this.put(p, this.done, this.found);
    const all = { ...this.found };
    for (let i = this.done; i < last; i++) this.put(p, i, all);
    return all;
  }

  private begin(p: Points, first: number, log: boolean): void {
    [this.points, this.version, this.log, this.first, this.done] = [p, p.version, log, first, first];
    this.found = { low: Infinity, high: -Infinity };
  }

  private put(p: Points, i: number, into: Range): void {
    const a = p.min[i], b = p.max[i], log = this.log;
    if (a < into.low && a > (log ? 0 : -Infinity)) into.low = a;
    if (b > into.high && b < Infinity) into.high = b;
    if (a === -Infinity || (log && a <= 0)) { const m = p.mean[i]; if (m < into.low && (!log || m > 0)) into.low = m; }
    if (b === Infinity && p.mean[i] > into.high) into.high = p.mean[i];
  }
}
const extents = new WeakMap<Curve, Extent>();
const extentOf = (c: Curve): Extent => extents.get(c) ?? extents.set(c, new Extent()).get(c)!;

// Of all curves (of positive values when `log`) within the x range; null when there is none.
export function extent(curves: readonly Curve[], axis: Axis, from: number, to: number, log: boolean): Range | null {
  let low = Infinity, high = -Infinity;
  for (const c of curves) {
    if (c.hidden) continue;
    const p = shown(c), [first, last] = rowsWithin(p, along(c, p, axis), from, to), e = extentOf(c).update(p, first, last, log);
    low = Math.min(low, e.low);
    high = Math.max(high, e.high);
  }
  return low <= high ? { low, high } : null;
}

// Without the outliers: from the 1st to the 99th hundredth of the means, and a little more.
export function inliers(curves: readonly Curve[], axis: Axis, from: number, to: number, log: boolean): Range | null {
  const values: number[] = [];
  for (const c of curves) {
    if (c.hidden) continue;
    const p = shown(c), [first, last] = rowsWithin(p, along(c, p, axis), from, to);
    const stride = Math.max(1, Math.floor((last - first) / SAMPLE));
    for (let i = first; i < last; i += stride) if (Number.isFinite(p.mean[i]) && (!log || p.mean[i] > 0)) values.push(p.mean[i]);
  }
  if (!values.length) return null;
  values.sort((a, b) => a - b);
  const low = values[Math.floor(values.length * 0.01)], high = values[Math.min(values.length - 1, Math.floor(values.length * 0.99))];
  return { low, high };
}

// A step of 1, 2, 2.5 or 5 times a power of ten, about a fifth of the span.
function stepOf(span: number): number {
  const rough = span / 5, power = 10 ** Math.floor(Math.log10(rough)), n = rough / power;
  return power * (n <= 1 ? 1 : n <= 2 ? 2 : n <= 2.5 ? 2.5 : n <= 5 ? 5 : 10);
}

function padded(r: Range, log: boolean): Range {
  if (log) {
    const low = Math.log10(r.low), high = Math.log10(r.high), pad = Math.max((high - low) * 0.05, 0.02);
    return { low: 10 ** (Math.floor((low - pad) * 5) / 5), high: 10 ** (Math.ceil((high + pad) * 5) / 5) };
  }
  if (r.low === r.high) {
    const pad = Math.abs(r.low) * 0.1;
    return pad ? { low: r.low - pad, high: r.high + pad } : { low: 0, high: 1 };
  }
  const step = stepOf(r.high - r.low) / 2, pad = (r.high - r.low) * 0.03;
  const low = Math.floor((r.low - pad) / step) * step;
  return { low: r.low >= 0 && low < 0 ? 0 : low, high: Math.ceil((r.high + pad) / step) * step };
}

// The end of a growing axis: up to a thirtieth ahead of the data, the same for the same data, so that axes stay while points come.
export function ahead(low: number, high: number): number {
  const step = 2 ** (Math.floor(Math.log2(high - low)) - 5);
  return low + Math.ceil((high - low) / step) * step;
}

// Grows at once when something is outside; shrinks only when less than 60 % of it is used.
export function steady(before: Range | null, data: Range | null, log: boolean): Range {
  if (!data) return before ?? (log ? { low: 0.1, high: 1 } : { low: 0, high: 1 });
  const f = log ? Math.log10 : (v: number) => v;
  if (before && data.low >= before.low && data.high <= before.high && (!log || before.low > 0)) {
    const used = (f(data.high) - f(data.low)) / (f(before.high) - f(before.low));
    if (used > 0.6 || data.low === data.high) return before;
    const better = padded(data, log);
    if ((f(better.high) - f(better.low)) / (f(before.high) - f(before.low)) > 0.7) return before;
    return better;
  }
  return padded(data, log);
}
