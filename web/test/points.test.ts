// The points of a series against a naive model: every point in a list. Random programs of snapshots, live blocks, repeats, gaps,
// resumed links and new attempts.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decode, type Block } from '../src/link/columns';
import { overtakenOf, Points } from '../src/state/points';
import { frame, random, rawBlock } from './frames';

interface Point { step: number; value: number; attempt: number }
const RUN = '0'.repeat(26);

function blockOf(points: Point[], first: number, after: number): Block {
  const part = points.slice(first, after);
  const bytes = rawBlock('s', { first, attempt: part[part.length - 1]?.attempt ?? 0, step: part.map(p => p.step), time: part.map(p => p.step * 10), value: part.map(p => p.value) });
  return decode(frame(2, 0, RUN, [bytes]))!.blocks[0];
}

// What the rows must say together: nothing lost, nothing doubled, extremes kept.
function check(p: Points, points: Point[]): void {
  let count = 0, nonfinite = 0, sum = 0, min = Infinity, max = -Infinity;
  for (let i = 0; i < p.rows; i++) {
    count += p.count[i];
    nonfinite += p.nonfinite[i];
    if (p.count[i] > p.nonfinite[i]) sum += p.mean[i] * (p.count[i] - p.nonfinite[i]);
    if (p.min[i] < min) min = p.min[i];
    if (p.max[i] > max) max = p.max[i];
    assert.ok(p.stepLast[i] >= p.step[i]);
    if (i) assert.ok(p.step[i] >= p.stepLast[i - 1], 'rows are in order');
  }
  const finite = points.filter(x => Number.isFinite(x.value)), total = finite.reduce((s, x) => s + x.value, 0);
  assert.equal(count, points.length, 'points');
  assert.equal(nonfinite, points.length - finite.length, 'nonfinite');
  assert.ok(Math.abs(sum - total) <= 1e-9 * (1 + finite.reduce((s, x) => s + Math.abs(x.value), 0)), `sum ${sum} ${total}`);
  const reals = points.filter(x => !Number.isNaN(x.value)).map(x => x.value);
  if (reals.length) {
    assert.equal(min, reals.reduce((a, b) => Math.min(a, b)), 'smallest');
    assert.equal(max, reals.reduce((a, b) => Math.max(a, b)), 'largest');
  }
  if (points.length) {
    assert.equal(p.stepLast[p.rows - 1], points[points.length - 1].step, 'last step');
    assert.ok(Object.is(p.last[p.rows - 1], points[points.length - 1].value), 'last value');
  }
}

const valueOf = (r: () => number) => (r() < 0.02 ? NaN : r() < 0.01 ? Infinity : r() * 10 - 5);

test('random live programs equal the model', () => {
  for (let seed = 1; seed <= 40; seed++) {
    const r = random(seed), target = 8 + Math.floor(r() * 60), p = new Points(target), points: Point[] = [];
    let step = Math.floor(r() * 100);
    const grow = (n: number) => {
      for (let i = 0; i < n; i++) points.push({ step: (step += r() < 0.1 ? 0 : 1 + Math.floor(r() * 5)), value: valueOf(r), attempt: 0 });
    };
    grow(Math.floor(r() * target));
    p.snapshot(blockOf(points, 0, points.length));
    for (let k = 0; k < 60; k++) {
      const before = points.length;
      grow(1 + Math.floor(r() * 40));
      const overlap = Math.floor(r() * Math.min(10, before + 1));
      assert.ok(p.take(blockOf(points, before - overlap, points.length)), `seed ${seed}: a repeat is no gap`);
      assert.ok(p.take(blockOf(points, before, points.length)), 'the same again changes nothing');
      assert.ok(p.rows <= 2 * target, `seed ${seed}: ${p.rows} rows of at most ${2 * target}`);
      check(p, points);
    }
  }
});

test('a gap is told and changes nothing', () => {
  const points = Array.from({ length: 50 }, (_, i) => ({ step: i, value: i, attempt: 0 })), p = new Points(100);
  p.snapshot(blockOf(points, 0, 10));
  assert.equal(p.take(blockOf(points, 11, 20)), false);
  check(p, points.slice(0, 10));
  p.snapshot(blockOf(points, 0, 20));
  assert.ok(p.take(blockOf(points, 18, 50)));
  check(p, points);
});

test('3.6 million steps stay flat', () => {
  const p = new Points(1200), n = 3600000, batch = 10000;
  p.snapshot(blockOf([], 0, 0));
  for (let at = 0; at < n; at += batch) {
    const part = Array.from({ length: batch }, (_, i) => ({ step: at + i, value: at + i === 1234567 ? 1 : 0, attempt: 0 }));
    const block = blockOf(part, 0, batch);
    block.first = at;
    block.after = at + batch;
    p.take(block);
    assert.ok(p.rows <= 2400);
    assert.ok(p.step.length <= 4096, 'memory');
  }
  assert.equal(p.rows >= 600, true, `still fine enough: ${p.rows}`);
  assert.equal(p.max.slice(0, p.rows).filter(v => v === 1).length, 1, 'the spike is kept');
  const widths = new Set(Array.from({ length: p.rows - 1 }, (_, i) => p.count[i]));
  assert.equal(widths.size, 1, 'rows show equal stretches');
});

test('a new attempt cuts what it overtakes and keeps it', () => {
  const points: Point[] = Array.from({ length: 30 }, (_, i) => ({ step: i, value: i, attempt: 0 }));
  const p = new Points(100);
  p.snapshot(blockOf(points, 0, 30));
  for (let i = 0; i < 5; i++) points.push({ step: 20 + i, value: 100 + i, attempt: 1 });
  assert.ok(p.take(blockOf(points, 28, 30)));
  assert.ok(p.take(blockOf(points, 30, 35)));
  check(p, [...points.slice(0, 20), ...points.slice(30)]);
  assert.deepEqual([...p.overtaken[0].step], Array.from({ length: 10 }, (_, i) => 20 + i));
});

test('a stretch that ends takes nothing behind it', () => {
  const points = Array.from({ length: 30 }, (_, i) => ({ step: i, value: i, attempt: 0 })), p = new Points(100, 15);
  p.snapshot(blockOf(points, 0, 10));
  p.take(blockOf(points, 10, 30));
  check(p, points.slice(0, 15));
});

test('overtaken points of all attempts: what no later attempt reaches back to stays', () => {
  const steps = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 6, 7, 8, 3, 4, 5, 6, 7], points = steps.map((step, i) => ({ step, value: i, attempt: 0 }));
  const found = overtakenOf(blockOf(points, 0, points.length)).map(o => [...o.step]);
  assert.deepEqual(found, [[3, 4, 5, 6, 7, 8, 9], [6, 7, 8]]);
  assert.deepEqual(overtakenOf(blockOf(points, 0, 10)), []);
  assert.deepEqual(overtakenOf(blockOf([], 0, 0)), []);
});
