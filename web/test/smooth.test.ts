// Smoothing does not change with the zoom: a bucket of n points weighs as n.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Smoothed } from '../src/charts/smooth';
import { decode, type Block } from '../src/link/columns';
import { Points } from '../src/state/points';
import { bucketBlock, frame, random, rawBlock } from './frames';

const RUN = '0'.repeat(26);
const read = (bytes: Uint8Array): Block => decode(frame(1, 1, RUN, [bytes]))!.blocks[0];
const raw = (values: number[], first = 0) => read(rawBlock('s', { first, step: values.map((_, i) => first + i), time: values.map((_, i) => i), value: values }));

function naive(values: number[], beta: number): number[] {
  let sum = 0, left = 1;
  return values.map(v => {
    if (!Number.isFinite(v)) return NaN;
    sum = sum * beta + v * (1 - beta);
    left *= beta;
    return sum / (1 - left);
  });
}

function bucketed(values: number[], width: number): Block {
  const groups: number[][] = [];
  for (let i = 0; i < values.length; i += width) groups.push(values.slice(i, i + width));
  const of = (f: (g: number[], i: number) => number) => groups.map(f);
  return read(bucketBlock('s', {
    first: 0, after: values.length, width, step: of((_, i) => i * width), stepLast: of((g, i) => i * width + g.length - 1), time: of((_, i) => i * width),
    min: of(g => Math.min(...g)), max: of(g => Math.max(...g)), mean: of(g => g.reduce((a, b) => a + b) / g.length), last: of(g => g[g.length - 1]), count: of(g => g.length), nonfinite: of(() => 0),
  }));
}

test('points: the textbook line, debiased, NaN left out', () => {
  const r = random(3), values = Array.from({ length: 500 }, () => (r() < 0.05 ? NaN : r())), p = new Points(2000);
  p.snapshot(raw(values));
  const line = new Smoothed().update(p, 0.9), expected = naive(values, 0.9);
  for (let i = 0; i < values.length; i++) assert.ok(Number.isNaN(expected[i]) ? Number.isNaN(line[i]) : Math.abs(line[i] - expected[i]) < 1e-12, `row ${i}`);
  assert.ok(Math.abs(line[values.findIndex(Number.isFinite)] - values.find(Number.isFinite)!) < 1e-12, 'debiased: it begins at the first value');
});

test('buckets of equal values give exactly the points\' line at their ends, whatever their width', () => {
  const values = Array.from({ length: 960 }, (_, i) => Math.fround(Math.floor(i / 96) * 0.5)), expected = naive(values, 0.99);
  for (const width of [2, 8, 32, 96]) {
    const p = new Points(2000), line = (p.snapshot(bucketed(values, width)), new Smoothed().update(p, 0.99));
    for (let i = 0; i < p.rows; i++) assert.ok(Math.abs(line[i] - expected[p.stepLast[i]]) < 1e-9, `width ${width} row ${i}`);
  }
});

test('buckets of noise stay near the points\' line; weighing them as one would not', () => {
  const r = random(5), values = Array.from({ length: 8000 }, (_, i) => Math.exp(-i / 2000) + 0.02 * (r() - 0.5)), expected = naive(values, 0.998);
  const p = new Points(2000), line = (p.snapshot(bucketed(values, 16)), new Smoothed().update(p, 0.998));
  let worst = 0, unweighted = 0;
  const wrong = naive(Array.from({ length: p.rows }, (_, i) => p.mean[i]), 0.998);
  for (let i = 20; i < p.rows; i++) {
    worst = Math.max(worst, Math.abs(line[i] - expected[p.stepLast[i]]));
    unweighted = Math.max(unweighted, Math.abs(wrong[i] - expected[p.stepLast[i]]));
  }
  assert.ok(worst < 0.002, `off by ${worst}`);
  assert.ok(unweighted > 0.1, 'the test would see it');
});

test('appending computes only what is new, and the same', () => {
  const r = random(9), values = Array.from({ length: 3000 }, () => r()), p = new Points(100), kept = new Smoothed();
  p.snapshot(raw(values.slice(0, 50)));
  for (let at = 50; at < values.length; at += 7) {
    p.take(raw(values.slice(at, at + 7), at));
    const line = kept.update(p, 0.95).slice(0, p.rows), fresh = new Smoothed().update(p, 0.95).slice(0, p.rows);
    assert.deepEqual(line, fresh);
  }
});

test('a zoomed stretch goes on from the whole line', () => {
  const r = random(11), values = Array.from({ length: 1000 }, () => r()), whole = new Points(2000), part = new Points(2000), line = new Smoothed();
  whole.snapshot(raw(values));
  part.snapshot(raw(values.slice(400, 600), 400));
  const all = line.update(whole, 0.98).slice(), zoomed = new Smoothed().update(part, 0.98, line.before(whole, 400));
  for (let i = 0; i < 200; i++) assert.ok(Math.abs(zoomed[i] - all[400 + i]) < 1e-12);
});
