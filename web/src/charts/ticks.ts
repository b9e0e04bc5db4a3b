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
  const from = Math.floor(Math.log10(low)), to = Math.ceil(Math.log10(high)), every = Math.max(1, Math.ceil((to - from) / most));
  const pick = (digits: number[], stride: number) => {
    const ticks: number[] = [];
    for (let e = from; e <= to; e += stride) for (const d of digits) {
      const v = Number(`${d}e${e}`);
      if (v >= low && v <= high) ticks.push(v);
    }
    return ticks;
  };
  const decades = pick([1], every);
  if (decades.length >= 3) return decades;
  const few = pick([1, 2, 5], 1);
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

export function linearTicks(low: number, high: number, most: number, least = 0): number[] {
  const rough = (high - low) / Math.max(1, most), power = 10 ** Math.floor(Math.log10(rough)), n = rough / power;
  const step = Math.max(least, power * (n <= 1 ? 1 : n <= 2 ? 2 : n <= 2.5 && least === 0 ? 2.5 : n <= 5 ? 5 : 10)), ticks: number[] = [];
  for (let k = Math.ceil(low / step - 1e-9); k * step <= high + step * 1e-9; k++) ticks.push(Number((k * step).toPrecision(12)));
  return ticks;
}
