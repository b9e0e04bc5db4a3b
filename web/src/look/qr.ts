// A QR code (ISO/IEC 18004) of a short text: bytes, versions 1 to 5 at level L, which are the ones of a single block of
// Reed-Solomon code words. Up to 106 bytes: enough for the address of a server.
//
//     bits: 0100, length (8), bytes, 0000, to whole code words, 11101100 00010001 ...   then the check words

const DATA = [19, 34, 55, 80, 108], CHECK = [7, 10, 15, 20, 26]; // code words of version 1 .. 5

export type Matrix = boolean[][]; // [row][column], true: dark

const exp = new Uint8Array(512), log = new Uint8Array(256);
for (let i = 0, x = 1; i < 255; i++, x = x & 128 ? (x << 1) ^ 0x11d : x << 1) (exp[i] = exp[i + 255] = x), (log[x] = i);
const times = (a: number, b: number) => (a && b ? exp[log[a] + log[b]] : 0);

// The remainder of data * x^count by the generator (x - 1)(x - 2)(x - 4)...
function checkWords(data: number[], count: number): number[] {
  let generator = [1];
  for (let i = 0; i < count; i++) generator = [...generator, 0].map((g, k) => g ^ (k ? times(generator[k - 1], exp[i]) : 0));
  const rest = [...data, ...new Array<number>(count).fill(0)];
  for (let i = 0; i < data.length; i++) {
    const lead = rest[i];
    generator.forEach((g, k) => (rest[i + k] ^= times(g, lead)));
  }
  return rest.slice(data.length);
}

function codeWords(bytes: Uint8Array, capacity: number): number[] {
  const bits = [0, 1, 0, 0], put = (v: number) => { for (let i = 7; i >= 0; i--) bits.push((v >> i) & 1); };
  put(bytes.length);
  bytes.forEach(put);
  while (bits.length % 8 || bits.length < 8 * (bytes.length + 2)) bits.push(0);
  const words = Array.from({ length: bits.length / 8 }, (_, i) => parseInt(bits.slice(8 * i, 8 * i + 8).join(''), 2));
  for (let i = 0; words.length < capacity; i++) words.push(i % 2 ? 0x11 : 0xec);
  return words;
}

const MASKS: ((r: number, c: number) => boolean)[] = [
  (r, c) => (r + c) % 2 === 0, r => r % 2 === 0, (_, c) => c % 3 === 0, (r, c) => (r + c) % 3 === 0,
  (r, c) => ((r >> 1) + Math.floor(c / 3)) % 2 === 0, (r, c) => ((r * c) % 2) + ((r * c) % 3) === 0,
  (r, c) => (((r * c) % 2) + ((r * c) % 3)) % 2 === 0, (r, c) => (((r + c) % 2) + ((r * c) % 3)) % 2 === 0,
];

// Level L and the mask in 15 bits (BCH 15,5).
function formatBits(mask: number): number {
  const data = (1 << 3) | mask;
  let rest = data << 10;
  for (let i = 14; i >= 10; i--) if ((rest >> i) & 1) rest ^= 0x537 << (i - 10);
  return ((data << 10) | rest) ^ 0x5412;
}

function frame(version: number, mask: number): { dark: Matrix; fixed: Matrix } {
  const size = 17 + 4 * version, dark = Array.from({ length: size }, () => new Array<boolean>(size).fill(false)), fixed = dark.map(row => [...row]);
  const set = (r: number, c: number, v: boolean) => { if (dark[r]?.[c] !== undefined) (dark[r][c] = v), (fixed[r][c] = true); };
  const square = (r: number, c: number, reach: number, light: number[]) => {
    for (let y = -reach; y <= reach; y++) for (let x = -reach; x <= reach; x++) set(r + y, c + x, !light.includes(Math.max(Math.abs(x), Math.abs(y))));
  };
  for (let i = 8; i < size - 8; i++) set(6, i, i % 2 === 0), set(i, 6, i % 2 === 0);
  for (const [r, c] of [[3, 3], [3, size - 4], [size - 4, 3]]) square(r, c, 4, [2, 4]);
  if (version > 1) square(size - 7, size - 7, 2, [1]);
  const bits = formatBits(mask), bit = (i: number) => ((bits >> i) & 1) === 1;
  for (let i = 0; i < 15; i++) {
    set(i < 6 ? i : i < 8 ? i + 1 : size - 15 + i, 8, bit(i));
    set(8, i < 8 ? size - 1 - i : i === 8 ? 7 : 14 - i, bit(i));
  }
  set(size - 8, 8, true);
  return { dark, fixed };
}

export function drawn(text: string, mask: number): Matrix | null {
  const bytes = new TextEncoder().encode(text), at = DATA.findIndex(words => bytes.length + 2 <= words);
  if (at < 0) return null;
  const { dark, fixed } = frame(at + 1, mask), size = dark.length, data = codeWords(bytes, DATA[at]), words = [...data, ...checkWords(data, CHECK[at])];
  let next = 0;
  for (let right = size - 1, up = true; right > 0; right -= 2, up = !up) {
    if (right === 6) right = 5;  // the column of the timing pattern
    for (let i = 0; i < size; i++) for (const c of [right, right - 1]) {
      const r = up ? size - 1 - i : i;
      if (fixed[r][c]) continue;
      const bit = next < 8 * words.length && ((words[next >> 3] >> (7 - (next & 7))) & 1) === 1;
      dark[r][c] = bit !== MASKS[mask](r, c);
      next++;
    }
  }
  return dark;
}

// How hard it is to read: long runs, blocks, an uneven share of dark.
function penalty(m: Matrix): number {
  const n = m.length;
  let sum = 0, dark = 0;
  for (let i = 0; i < n; i++) for (const line of [m[i], m.map(row => row[i])]) {
    for (let from = 0, to = 0; from < n; from = to) {
      while (to < n && line[to] === line[from]) to++;
      if (to - from >= 5) sum += to - from - 2;
    }
  }
  for (let r = 0; r < n; r++) for (let c = 0; c < n; c++) {
    if (m[r][c]) dark++;
    if (r && c && m[r][c] === m[r - 1][c] && m[r][c] === m[r][c - 1] && m[r][c] === m[r - 1][c - 1]) sum += 3;
  }
  return sum + 10 * Math.floor(Math.abs((20 * dark) / (n * n) - 10));
}

// null: too long.
export function qrOf(text: string): Matrix | null {
  const all = MASKS.map((_, mask) => drawn(text, mask)).filter(m => m !== null);
  return all.length ? all.reduce((a, b) => (penalty(b) < penalty(a) ? b : a)) : null;
}
