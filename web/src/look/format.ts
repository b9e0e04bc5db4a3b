// Numbers as a person reads them: grouped integers, four significant digits, exponents only where they help.

const THIN = '\u202f'; // narrow no-break space

export function whole(value: number): string {
  if (!Number.isFinite(value)) return special(value);
  const digits = Math.abs(Math.round(value)).toString();
  const grouped = digits.length > 4 ? digits.replace(/\B(?=(\d{3})+(?!\d))/g, THIN) : digits;
  return (value < 0 && digits !== '0' ? '\u2212' : '') + grouped;
}

function special(value: number): string {
  return Number.isNaN(value) ? 'NaN' : value > 0 ? '\u221e' : '\u2212\u221e';
}

// Four significant digits: 0.0312, 98.41, 12 480, 2.100e-5.
export function number(value: number, digits = 4): string {
  if (!Number.isFinite(value)) return special(value);
  if (value === 0) return '0';
  const size = Math.abs(value);
  if (size >= 1e7 || size < 1e-4) return minus(value.toExponential(Math.max(digits - 2, 0)));
  if (Number.isInteger(value) || size >= 10 ** (digits - 1)) return whole(value);
  const places = digits - 1 - Math.floor(Math.log10(size));
  return minus(value.toFixed(Math.max(0, places)));
}

const minus = (text: string) => text.replace('-', text.startsWith('-') ? '\u2212' : '-');

// One digit and a power: what still fits where nothing else does.
export const rough = (value: number): string => minus(value.toExponential(0).replace('e+', 'e'));

// The shortest text that reads back as the same value; for float, the same 32-bit value.
export function exact(value: number, type: string): string {
  if (!Number.isFinite(value)) return String(value);
  if (type !== 'float' || Math.fround(value) !== value) return shortest(value);
  for (let digits = 1; digits < 10; digits++) {
    const short = Number(value.toPrecision(digits));
    if (Math.fround(short) === value) return shortest(short);
  }
  return shortest(value);
}

// 0.0001 but 5e-5: an exponent where it is shorter and the number small.
function shortest(value: number): string {
  return value !== 0 && Math.abs(value) < 1e-4 ? value.toExponential() : String(value);
}

export function bytes(count: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  let at = 0;
  while (count >= 1000 && at < units.length - 1) (count /= 1000), at++;
  return `${at === 0 ? whole(count) : number(count, 3)}${THIN}${units[at]}`;
}

export function percent(share: number): string {
  const value = share * 100;
  if (value >= 99.95 && value <= 100) return `${value === 100 ? '100' : '> 99.9'}${THIN}%`;
  return `${value !== 0 && Math.abs(value) < 0.01 ? '< 0.01' : number(value, value < 1 ? 2 : 3)}${THIN}%`;
}

export function duration(milliseconds: number): string {
  if (!Number.isFinite(milliseconds)) return '';
  if (milliseconds < 1000) return `${Math.max(0, Math.round(milliseconds))}${THIN}ms`;
  const seconds = Math.round(milliseconds / 1000);
  if (seconds < 60) return `${milliseconds < 10000 ? (milliseconds / 1000).toFixed(1) : seconds}${THIN}s`;
  const two = (v: number) => String(v).padStart(2, '0');
  const minutes = Math.floor(seconds / 60), hours = Math.floor(minutes / 60), days = Math.floor(hours / 24);
  if (hours === 0) return `${minutes}:${two(seconds % 60)}`;
  if (days === 0) return `${hours}:${two(minutes % 60)}:${two(seconds % 60)}`;
  return `${days}${THIN}d ${two(hours % 24)}:${two(minutes % 60)}`;
}

const two = (v: number) => String(v).padStart(2, '0');

export function clock(milliseconds: number): string {
  const at = new Date(milliseconds);
  return `${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}`;
}

export function dateTime(milliseconds: number): string {
  const at = new Date(milliseconds);
  return `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())} ${clock(milliseconds)}`;
}

// A value in its unit: 4.05 GB, 12.3 %, 1.5 s.
export function withUnit(value: number, unit: string | null | undefined): string {
  if (!unit || !Number.isFinite(value)) return number(value);
  if (unit === 'B' || unit === 'B/s') return (value < 0 ? '\u2212' : '') + bytes(Math.abs(value)) + unit.slice(1);
  return number(value) + THIN + unit;
}
