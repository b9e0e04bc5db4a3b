// Captures written as src/journal/capture.h draws them, for tests of the page that need a network with known numbers.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './bundle.mjs';

// The vocabulary comes from the tables themselves.
const table = name => Object.fromEntries([...readFileSync(join(root, `src/journal/${name}.def`), 'utf8').matchAll(/^X\((\w+), (\d+), "([^"]*)"/gm)].map(([, , number, word]) => [word, Number(number)]));
export const quantities = table('quantity');
export const statistics = table('statistic');
export const CODING = { f32: 1, i8: 2, u8: 3, u32: 4, pair: 5, triple: 6, f16: 7 };

const halfBits = new Uint32Array(1), halfFloat = new Float32Array(halfBits.buffer);

// A number as an IEEE half, rounded to the nearest.
export function half(value) {
  halfFloat[0] = value;
  const bits = halfBits[0], sign = (bits >>> 16) & 0x8000, exponent = ((bits >>> 23) & 255) - 112, fraction = bits & 0x7fffff;
  if (Number.isNaN(value)) return 0x7e00;
  if (exponent >= 31) return sign | 0x7c00;
  if (exponent <= 0) return sign | Math.round(Math.abs(value) * 2 ** 24);
  return (sign | (exponent << 10) | (fraction >> 13)) + ((fraction >> 12) & 1);
}

function dataOf(coding, values) {
  if (coding === 'f32') return Buffer.from(Float32Array.from(values).buffer);
  if (coding === 'u8') return Buffer.from(Uint8Array.from(values).buffer);
  if (coding === 'i8') return Buffer.from(Int8Array.from(values).buffer);
  if (coding === 'f16') return Buffer.from(Uint16Array.from(values, half).buffer);
  const out = Buffer.alloc(8 * values.length); // pair: [index, value]
  values.forEach(([index, value], i) => (out.writeUInt32LE(index, 8 * i), out.writeFloatLE(value, 8 * i + 4)));
  return out;
}

function section({ quantity, coding = 'f32', layer = 0, tensor = 0, item = 0, shape, full = [0, 0], scale = 1, nonfinite = 0, values }) {
  const data = dataOf(coding, values), padded = (data.length + 7) & ~7, out = Buffer.alloc(64 + padded);
  out.writeUInt32LE(out.length, 0);
  out.writeUInt16LE(quantities[quantity], 4);
  out.writeUInt8(CODING[coding], 6);
  out.writeUInt8(shape.length, 7);
  out.writeUInt32LE(layer, 8);
  out.writeUInt32LE(tensor, 12);
  for (let i = 0; i < 4; i++) out.writeUInt32LE(shape[i] ?? 1, 16 + 4 * i);
  out.writeUInt32LE(full[0], 32);
  out.writeUInt32LE(full[1], 36);
  out.writeFloatLE(scale, 40);
  out.writeUInt32LE(item, 44);
  out.writeBigUInt64LE(BigInt(nonfinite), 48);
  out.writeUInt32LE(data.length, 56);
  data.copy(out, 64);
  return out;
}

export function capture({ kind = 1, number = 1, step, flags = 0, time = Date.now(), observed = 4096, sections }) {
  const head = Buffer.alloc(64);
  head.writeUInt32LE(0x43534e4e, 0);
  head.writeUInt16LE(1, 4);
  head.writeUInt16LE(kind, 6);
  head.writeBigUInt64LE(BigInt(number), 8);
  for (const at of [16, 24, 40]) head.writeBigInt64LE(BigInt(step), at);
  head.writeUInt32LE(sections.length, 32);
  head.writeUInt32LE(flags, 36);
  head.writeDoubleLE(time, 48);
  head.writeBigUInt64LE(BigInt(observed), 56);
  return Buffer.concat([head, ...sections.map(section)]);
}
