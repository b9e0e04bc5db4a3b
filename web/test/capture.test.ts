// Captures as src/journal/capture.h draws them, read in place; cut, lying and foreign ones are refused.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CODING, decodeCapture, floats, half, pairs, triples } from '../src/link/capture';
import { quantities } from '../src/link/tables';
import { bytesOf, captureOf, f32, pairBytes } from './captures';

const sections = () => [
  { quantity: quantities.activation, coding: CODING.f32, shape: [3], layer: 2, bytes: f32([0, 1.5, NaN]), nonfinite: 1 },
  { quantity: quantities.weight, coding: CODING.i8, shape: [2, 2], layer: 2, tensor: 5, scale: 0.5, full: [4, 6] as [number, number], bytes: bytesOf(Int8Array.of(1, -2, -128, 127)) },
  { quantity: quantities.weight, coding: CODING.f16, shape: [1, 5], layer: 3, tensor: 6, scale: 2, bytes: bytesOf(Uint16Array.of(0x3c00, 0xc000, 0x7c00, 0x7e01, 1)) },
  { quantity: quantities.strong_weight, coding: CODING.pair, shape: [2], layer: 2, tensor: 5, bytes: pairBytes([[7, -1.25], [2, 0.5]]) },
  { quantity: quantities.marks, coding: CODING.u8, shape: [3], layer: 2, bytes: Uint8Array.of(1, 2, 4) },
];

test('head and sections', () => {
  const bytes = captureOf({ kind: 2, number: 9, step: 12480, flags: 8, time: 1.5e12, observed: 70000 }, sections());
  const capture = decodeCapture(bytes)!;
  assert.deepEqual([capture.kind, capture.number, capture.step, capture.lastStep, capture.baseStep, capture.flags, capture.time, capture.observed],
    [2, 9, 12480, 12480, 12480, 8, 1.5e12, 70000]);
  const [units, codes, halves, strong, marks] = capture.sections as any;
  assert.equal(units.data.buffer, bytes, 'read in place');
  assert.deepEqual([units.layer, units.nonfinite, units.full], [2, 1, null]);
  assert.deepEqual([...floats(units)], [0, 1.5, NaN]);
  assert.deepEqual([codes.tensor, codes.full, codes.shape], [5, [4, 6], [2, 2]]);
  assert.deepEqual([...floats(codes)], [0.5, -1, NaN, 63.5]);
  assert.ok(halves.data instanceof Uint16Array);
  assert.deepEqual([...floats(halves)], [2, -4, Infinity, NaN, Math.fround(2 ** -23)]);
  assert.deepEqual({ index: [...pairs(strong).index], value: [...pairs(strong).value] }, { index: [7, 2], value: [-1.25, 0.5] });
  assert.deepEqual([...marks.data], [1, 2, 4]);
});

test('halves against their definition', () => {
  for (const [bits, value] of [[0, 0], [0x8000, -0], [0x3555, 0.333251953125], [0x7bff, 65504], [0x0400, 2 ** -14], [0x03ff, (1023 / 1024) * 2 ** -14]] as const)
    assert.ok(Object.is(half(bits), value), bits.toString(16));
});

test('triples', () => {
  const words = Uint32Array.of(1, 2, 0, 3, 4, 0), numbers = new Float32Array(words.buffer);
  numbers[2] = 0.875; numbers[5] = -0.5;
  const capture = decodeCapture(captureOf({}, [{ quantity: quantities.correlation, coding: CODING.triple, shape: [2], bytes: bytesOf(words) }]))!;
  const t = triples(capture.sections[0]!);
  assert.deepEqual([[...t.a], [...t.b], [...t.value]], [[1, 3], [2, 4], [0.875, -0.5]]);
});

test('every cut capture is refused', () => {
  const bytes = captureOf({}, sections());
  for (let length = 0; length < bytes.byteLength; length++) assert.equal(decodeCapture(bytes.slice(0, length)), null, `cut at ${length}`);
  assert.ok(decodeCapture(bytes));
});

test('lying lengths, foreign magic and versions are refused, unknown codings left out', () => {
  const changed = (at: number, value: number, bytes = 4) => {
    const copy = captureOf({}, sections()), view = new DataView(copy);
    if (bytes === 4) view.setUint32(at, value, true); else view.setUint8(at, value);
    return decodeCapture(copy);
  };
  assert.equal(changed(0, 1), null);
  assert.equal(changed(4, 2, 1), null);
  assert.equal(changed(32, 1e9), null);
  for (const value of [0, 60, 63, 65, 4096, 0xfffffff8]) assert.equal(changed(64, value), null, `section of ${value}`);
  for (const value of [4, 0xffffffff]) assert.equal(changed(64 + 16, value), null, `shape ${value}`);
  assert.equal(changed(64 + 7, 5, 1), null, 'five dimensions');
  assert.equal(changed(64 + 56, 17), null, 'stored beyond the section');
  assert.equal(changed(64 + 6, 99, 1)!.sections.length, 4);
  assert.equal(changed(64 + 6, 128 + CODING.f32, 1)!.sections.length, 4, 'packed ones are never on the wire');
});

test('random damage never reads outside', () => {
  let seed = 1;
  const random = () => (seed = (seed * 1103515245 + 12345) & 0x7fffffff) / 0x7fffffff;
  const whole = new Uint8Array(captureOf({}, sections()));
  for (let round = 0; round < 3000; round++) {
    const copy = whole.slice();
    for (let k = 0; k < 4; k++) copy[Math.floor(random() * copy.length)] = Math.floor(random() * 256);
    const capture = decodeCapture(copy.buffer);
    for (const s of capture?.sections ?? []) assert.ok(s.data.byteOffset + s.data.byteLength <= copy.length);
  }
});
