// A parameter's own scale: where a value stands on its slider (0..1), which value a position means, and what one step of an
// arrow key is. Logarithmic where the program declared it; a lower bound of zero then stands at the very left, six decades below the top.

export interface Bounds { type: string; min: number | null; max: number | null; log: boolean }

const DECADES_TO_ZERO = 6;

export function bounded(p: Bounds): boolean {
  return p.min != null && p.max != null && Number.isFinite(p.min) && Number.isFinite(p.max) && p.min < p.max;
}

const logarithmic = (p: Bounds) => p.log && p.max! > 0 && p.min! >= 0;
const lowest = (p: Bounds) => (p.min! > 0 ? p.min! : p.max! / 10 ** DECADES_TO_ZERO);

export function positionOf(value: number, p: Bounds): number {
  let at: number;
  if (!logarithmic(p)) at = (value - p.min!) / (p.max! - p.min!);
  else if (value <= lowest(p)) at = 0;
  else at = Math.log(value / lowest(p)) / Math.log(p.max! / lowest(p));
  return Number.isFinite(at) ? Math.min(1, Math.max(0, at)) : 0;
}

export function valueAt(position: number, p: Bounds): number {
  if (position <= 0) return p.min!;
  if (position >= 1) return p.max!;
  if (logarithmic(p)) return tidy(lowest(p) * (p.max! / lowest(p)) ** position, p, p.max! / lowest(p) >= 1000 ? 2 : 4);
  const value = p.min! + position * (p.max! - p.min!);
  const grain = niceBelow((p.max! - p.min!) / 200);
  return within(p.type === 'int' ? Math.round(value) : Number((Math.round(value / grain) * grain).toPrecision(12)), p);
}

// To so many digits, so that a drag gives 0.00032 and not 0.000319847.
function tidy(value: number, p: Bounds, digits: number): number {
  return within(p.type === 'int' ? Math.round(value) : Number(value.toPrecision(digits)), p);
}

function niceBelow(size: number): number {
  const decade = 10 ** Math.floor(Math.log10(size)), lead = size / decade;
  return decade * (lead >= 5 ? 5 : lead >= 2 ? 2 : 1);
}

export function within(value: number, p: Bounds): number {
  if (!bounded(p)) return value;
  return Math.min(p.max!, Math.max(p.min!, value));
}

// One arrow key: the second digit of the value (ten times that with shift); whole numbers by one; linear scales by a hundredth.
export function stepped(value: number, direction: 1 | -1, large: boolean, p: Bounds): number {
  if (p.type === 'int') return within(Math.round(value) + direction * (large ? 10 : 1), p);
  let step: number;
  if (bounded(p) && !logarithmic(p) && (value === 0 || Math.abs(value) >= (p.max! - p.min!) / 100)) step = niceBelow((p.max! - p.min!) / 100);
  else {
    const size = Math.abs(value) || (bounded(p) ? lowest(p) : 1), exponent = Math.floor(Math.log10(size) + 1e-12);
    const down = direction < 0 === value > 0 && Math.abs(size / 10 ** exponent - 1) < 1e-9; // 0.001 goes down to 0.00099, not to 0.0009
    step = 10 ** (exponent - (down ? 2 : 1));
  }
  return within(Number((value + direction * step * (large ? 10 : 1)).toPrecision(12)), p);
}

// What a person typed: a number in plain or exponent form, comma or point; NaN when it is none.
export function parsed(text: string): number {
  const plain = text.trim().replace(/[\s\u202f_]/g, '').replace('\u2212', '-').replace(/^([-+]?\d*),(\d+)/, '$1.$2');
  return /^[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?$/i.test(plain) ? Number(plain) : NaN;
}
