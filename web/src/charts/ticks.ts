// Numbers on axes: short, and no longer than their room.
import { duration, whole } from '../look/format';
import type { Axis } from '../state/view';

const UNITS: [number, string][] = [[1e12, 'T'], [1e9, 'G'], [1e6, 'M'], [1e3, 'k']];
const trim = (text: string) => (text.includes('.') ? text.replace(/\.?0+$/, '') : text);
const sign = (text: string) => text.replace('-', '\u2212');

export function countText(value: number): string {
  for (const [size, unit] of UNITS) if (Math.abs(value) >= size * 0.9995) return sign(trim((value / size).toFixed(3)) + unit);
  return sign(trim(value.toFixed(3)));
}

export function tickText(value: number): string {
  if (value === 0) return '0';
  const size = Math.abs(value);
  if (size >= 10000) return size < 1e15 ? countText(value) : sign(value.toExponential(0).replace('+', ''));
  if (size < 0.0001) return sign(value.toExponential(2).replace(/\.?0+e/, 'e'));
  return sign(trim(value.toPrecision(4)));
}

// `apart`: between neighbouring ticks; close ones are written out.
export function xText(value: number, axis: Axis, apart = Infinity): string {
  if (axis === 'time') return value === 0 ? '0' : value < 60 ? `${trim(value.toFixed(apart < 0.01 ? 3 : 2))} s` : duration(Math.round(value) * 1000);
  if (axis === 'step' && apart < 100) return whole(value);
  return countText(value);
}

// Ticks of a logarithmic axis: decades; 1 2 5 of each when they are few; even steps inside a single decade.
export function logTicks(low: number, high: number, most: number): number[] {
  const from = Math.ceil(Math.log10(low) - 1e-9), to = Math.floor(Math.log10(high) + 1e-9), every = Math.max(1, Math.ceil((to - from + 1) / (most + 1)));
  const pick = (digits: number[], first: number, last: number, stride: number) => {
    const ticks: number[] = [];
    for (let e = first; e <= last; e += stride) for (const d of digits) {
      const v = Number(`${d}e${e}`);
      if (v >= low && v <= high) ticks.push(v);
    }
    return ticks;
  };
  const decades = pick([1], from, to, every);
  if (decades.length >= 3) return decades;
  const few = pick([1, 2, 5], from - 1, to, 1);
  if (few.length >= 3 && few.length <= most * 1.5) return few;
  if (few.length > most) return decades.length ? decades : few;
  return linearTicks(low, high, most);
}

// Even parts of minutes, hours and days.
const CLOCK_STEPS = [10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400];
export function timeTicks(low: number, high: number, most: number): number[] {
  const rough = (high - low) / Math.max(1, most);
  if (rough <= 5) return linearTicks(low, high, most);
  const step = CLOCK_STEPS.find(s => s >= rough) ?? 86400 * Math.ceil(rough / 86400), ticks: number[] = [];
  for (let k = Math.ceil(low / step - 1e-9); k * step <= high; k++) ticks.push(k * step);
  return ticks;
}

// The closest round step that gives no more than `most` parts; whole numbers are not parted.
const ROUND = [1, 2, 2.5, 5, 10, 20, 25];
export function linearTicks(low: number, high: number, most: number, least = 0): number[] {
  const power = 10 ** Math.floor(Math.log10((high - low) / (most + 2))), ends = (step: number) => [Math.ceil(low / step - 1e-9), Math.floor(high / step + 1e-9)];
  const fits = (step: number) => ends(step)[1] - ends(step)[0] <= most;
  const step = ROUND.map(n => n * power).find(s => fits(s) && (least === 0 || Number.isInteger(s))) ?? Math.max(least, 50 * power), [from, to] = ends(step);
  return Array.from({ length: Math.max(0, to - from + 1) }, (_, i) => Number(((from + i) * step).toPrecision(12)));
}
