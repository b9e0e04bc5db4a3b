// Values to colours, and back: 256 steps between two stated ends. Brightness needs a scale, or it lies; so the ends are part of
// what is drawn and stand in the legend. They are rounded outward, so that a legend does not change with every batch.
//
//     linear      code = (v - low) / (high - low)             magnitude, pixels
//     log         code = log(|v| / low) / log(high / low)     magnitude; zero is step 0
//     signed      the middle is zero, blue below, orange above, both sides linear or log in |v|
import { glow, signed, type Mode, type Ramp } from '../look/ramps';
import type { RampName, Scale } from './model';

export const STEPS = 255, DECADES_MOST = 8;

export interface Range { lowest: number; highest: number; smallest: number; nonfinite: number } // smallest: |v| above zero

export const nothing = (): Range => ({ lowest: NaN, highest: NaN, smallest: NaN, nonfinite: 0 });

export function rangeOf(values: ArrayLike<number>, count = values.length): Range {
  let lowest = Infinity, highest = -Infinity, smallest = Infinity, nonfinite = 0;
  for (let i = 0; i < count; i++) {
    const v = values[i]!;
    if (!Number.isFinite(v)) { nonfinite++; continue; }
    if (v < lowest) lowest = v;
    if (v > highest) highest = v;
    const size = Math.abs(v);
    if (size < smallest && size > 0) smallest = size;
  }
  return lowest > highest ? { ...nothing(), nonfinite } : { lowest, highest, smallest: smallest < Infinity ? smallest : NaN, nonfinite };
}

const less = (a: number, b: number) => (Number.isNaN(a) || b < a ? b : a);
const more = (a: number, b: number) => (Number.isNaN(a) || b > a ? b : a);

export function join(a: Range, b: Range): Range {
  if (Number.isNaN(b.lowest)) return { ...a, nonfinite: a.nonfinite + b.nonfinite };
  return {
    lowest: less(a.lowest, b.lowest), highest: more(a.highest, b.highest), nonfinite: a.nonfinite + b.nonfinite,
    smallest: Number.isNaN(b.smallest) ? a.smallest : less(a.smallest, b.smallest),
  };
}

const STOPS = [1, 1.2, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10];

// The next of 1, 1.2, 1.5, 2 ... x 10^k that is not below the value.
export function roundUp(value: number): number {
  if (!(value > 0) || !Number.isFinite(value)) return 1;
  const power = 10 ** Math.floor(Math.log10(value)), share = value / power;
  for (const stop of STOPS) if (share <= stop * (1 + 1e-6)) return power < 1 ? stop / (1 / power) : stop * power;
  return value;
}

// Black is the darkest there is, rounded down (a mean of normalised pixels is nowhere near zero).
function pixelScale(lowest: number, highest: number): Scale {
  const high = Math.max(1, highest), low = lowest > 0 ? Math.floor(lowest * 20) / 20 : lowest;
  return { ramp: 'pixels', low: low < high ? low : 0, high, log: false };
}

export function scaleOf(range: Range, ramp: RampName, log: boolean): Scale {
  const known = !Number.isNaN(range.lowest), size = known ? Math.max(Math.abs(range.lowest), Math.abs(range.highest)) : 0;
  if (ramp === 'pixels') return pixelScale(known ? range.lowest : 0, known ? range.highest : 1);
  const high = size > 0 ? roundUp(size) : 1;
  if (!log) return { ramp, low: ramp === 'signed' ? -high : 0, high, log: false };
  const floor = Number.isNaN(range.smallest) ? high / 10 : range.smallest;
  const decade = 10 ** Math.floor(Math.log10(floor) + 1e-6), low = Math.max(decade, 10 ** Math.floor(Math.log10(high) - DECADES_MOST));
  return { ramp, low: low < high ? low : high / 10, high, log: true };
}

// Share of the way through the ramp, 0 to 1, of a finite value.
export function shareOf(scale: Scale, value: number): number {
  const size = Math.abs(value);
  let share = scale.log ? (size > 0 ? Math.log(size / scale.low) / Math.log(scale.high / scale.low) : 0) : size / scale.high;
  if (scale.ramp === 'signed') {
    share = Math.min(1, Math.max(0, share));
    return 0.5 + (value < 0 ? -share : share) / 2;
  }
  if (!scale.log) share = (value - scale.low) / (scale.high - scale.low);
  return Math.min(1, Math.max(0, share));
}

export const codeOf = (scale: Scale, value: number): number => Math.round(STEPS * shareOf(scale, value));

// The value that a share of the ramp stands for.
export function valueAt(scale: Scale, share: number): number {
  if (scale.ramp !== 'signed') return scale.log ? scale.low * (scale.high / scale.low) ** share : scale.low + share * (scale.high - scale.low);
  const side = 2 * share - 1, size = Math.abs(side);
  return Math.sign(side) * (scale.log ? scale.low * (scale.high / scale.low) ** size : size * scale.high);
}

const GREY: Record<Mode, [number, number]> = { dark: [0x14, 0xff], light: [0xee, 0x0c] };
const pixels: Partial<Record<Mode, Ramp>> = {};

function pixelRamp(mode: Mode): Ramp {
  const [from, to] = GREY[mode], blue = mode === 'dark' ? 8 : 4;
  return (pixels[mode] ??= Uint8ClampedArray.from({ length: 1024 }, (_, i) => {
    const at = Math.floor(i / 4) / 255;
    return i % 4 === 3 ? 255 : from + (to - from) * at + (i % 4 === 2 ? blue * (1 - at) : 0);
  }));
}

export function rampOf(name: RampName, mode: Mode): Ramp {
  return name === 'signed' ? signed(mode) : name === 'pixels' ? pixelRamp(mode) : glow(mode);
}

// What is not a finite number: a colour that no ramp has.
export const NONFINITE: Record<Mode, string> = { dark: '#ff2bd6', light: '#d100a8' };
