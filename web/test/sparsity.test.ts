// What is told of units, of their likeness, and of pruning, from captures.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decodeCapture } from '../src/link/capture';
import { quantities, statistics } from '../src/link/tables';
import { affordable, histogramOf, levels, ordered, pruningOf, redundancy, takeUnits, unitRows, unitsSentence } from '../src/views/network/sparsity-data';
import { outcomeOf } from '../src/views/try/outcome-data';
import { pairSentence, sumsOf } from '../src/views/try/confusion-data';
import { cleanName, freeName, pinsOf } from '../src/views/try/pins';
import { bytesOf, captureOf, CODING, f32 } from './captures';

const tripleBytes = (list: [number, number, number][]) => {
  const view = new DataView(new ArrayBuffer(12 * list.length));
  list.forEach(([a, b, r], i) => { view.setUint32(12 * i, a, true); view.setUint32(12 * i + 4, b, true); view.setFloat32(12 * i + 8, r, true); });
  return bytesOf(view);
};

// Two classes, four units: of class 1, of class 0, silent, generic.
const capture = () => decodeCapture(captureOf({ step: 30, observed: 2048 }, [
  { quantity: quantities.class_mean, coding: CODING.f32, shape: [2, 4], layer: 2, bytes: f32([0.1, 0.8, 0, 0.5, 0.9, 0.2, 0, 0.5]) },
  { quantity: quantities.selectivity, coding: CODING.f32, shape: [4], layer: 2, bytes: f32([0.8, 0.6, NaN, 0]) },
  { quantity: quantities.active, coding: CODING.f32, shape: [4], layer: 2, bytes: f32([0.5, 0.5, 0, 1]) },
  { quantity: quantities.marks, coding: CODING.u8, shape: [4], layer: 2, bytes: Uint8Array.of(0, 0, 1, 2) },
  { quantity: quantities.correlation, coding: CODING.triple, shape: [3], layer: 2, bytes: tripleBytes([[0, 1, -0.99], [1, 3, 0.96], [2, 3, 0.85]]) },
]))!;

test('units: what they prefer, their marks; what a later capture does not hold stays', () => {
  const first = takeUnits(null, capture()), later = takeUnits(first, decodeCapture(captureOf({ step: 31, observed: 10 }, []))!);
  assert.deepEqual([later.step, later.observed], [31, 2048]);
  const rows = unitRows(later.layers.get(2)!);
  assert.deepEqual(rows.map(r => r.preferred), [1, 0, -1, 0]);
  assert.deepEqual(rows.map(r => [r.dead, r.saturated]), [[false, false], [false, false], [true, false], [false, true]]);
  assert.deepEqual(ordered(rows, 'class').map(r => r.unit), [1, 3, 0, 2], 'by class, the specific first, the silent last');
  assert.deepEqual(ordered(rows, 'selectivity').map(r => r.unit), [0, 1, 3, 2]);
});

test('a unit that is lowest for its class prefers it; a class that nobody saw is blank, not high', () => {
  const share = Array.from(statistics, word => (word === 'sparsity' ? 0.25 : NaN));
  const layer = takeUnits(null, decodeCapture(captureOf({ step: 1, observed: 64 }, [
    { quantity: quantities.class_mean, coding: CODING.f32, shape: [3, 2], layer: 1, bytes: f32([-0.9, 0, NaN, NaN, 0.1, 0]) },
    { quantity: quantities.statistics, coding: CODING.f32, shape: [share.length], layer: 1, bytes: f32(share) },
  ]))!).layers.get(1)!, rows = unitRows(layer);
  assert.deepEqual(rows.map(r => [r.preferred, r.most]), [[0, Math.fround(0.9)], [-1, 0]]);
  assert.equal(layer.sparsity, 0.25);
  assert.equal(unitsSentence(rows, layer, 0.5).replace(/\s/g, ' '), '2 units: 0 dead, 0 saturated; 25 % of activations are zero');
  assert.match(unitsSentence(rows.map(r => ({ ...r, young: true, selectivity: 0.7 })), layer, 0.5), /^2 units: not yet judged dead or saturated, 2 specific to a class;/);
  assert.deepEqual([...levels(layer, rows, true)].map(v => Math.round(100 * v) / 100), [-1, 0, NaN, NaN, 0.11, 0]);
  assert.deepEqual([...levels(layer, rows.slice(1), false)], [0, NaN, 0]);
});

test('selectivity as a histogram: NaN is in no bin, 1 in the last', () => {
  assert.deepEqual(histogramOf(Float32Array.of(0, 0.49, 0.5, 1, NaN), 2), [2, 2]);
});

test('redundancy: pairs join into groups, all but one of each are spare', () => {
  const pairs = takeUnits(null, capture()).layers.get(2)!.pairs;
  assert.deepEqual({ ...redundancy(pairs, 0.95, 4), pairs: 0 }, { pairs: 0, groups: [[0, 1, 3]], spare: 2, cut: false });
  assert.deepEqual(redundancy(pairs, 0.8, 4).groups, [[0, 1, 2, 3]]);
  assert.equal(redundancy(pairs, 0.995, 4).spare, 0);
  const many = { a: new Uint32Array(2000), b: Uint32Array.from({ length: 2000 }, (_, i) => i + 1), value: new Float32Array(2000).fill(0.99) };
  assert.deepEqual([redundancy(many, 0.9, 2001).cut, redundancy(many, 0.995, 2001).cut, redundancy(many, 0.9, 2001).spare], [true, false, 2000], 'more pairs may be than come');
  assert.equal(redundancy(pairs, 0.8, 2).pairs.length, 1, 'a unit that is not there is left out');
});

test('a pruning curve, and what can be afforded', () => {
  const p = pruningOf({ step: 5, time: 1, command: 9, curve: [[0.5, 0.1, 0.975], [0, 0, 0.98], [0.9, 0.4, 0.3], [0.95, 0.5, 0.99]] })!;
  assert.deepEqual(p.curve.map(c => c.share), [0, 0.5, 0.9, 0.95]);
  assert.equal(affordable(p.curve, 0.01)!.share, 0.5, 'nothing behind the first that costs too much');
  assert.equal(pruningOf({ step: 5, command: 1, error: 'no' })!.error, 'no');
  for (const wrong of [null, 3, {}, { curve: ['x'] }]) assert.equal(pruningOf(wrong), null);
});

test('outcome: matrix, worst and best', () => {
  const outcome = outcomeOf(decodeCapture(captureOf({ step: 4, observed: 6 }, [
    { quantity: quantities.confusion, coding: CODING.u32, shape: [2, 2], bytes: bytesOf(Uint32Array.of(3, 1, 0, 2)) },
    { quantity: quantities.worst, coding: CODING.u8, shape: [2, 2, 2], bytes: Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8) },
    { quantity: quantities.worst_values, coding: CODING.f32, shape: [2, 4], bytes: f32([2.5, 0, 1, 0.9, 1.5, 1, 0, 0.8]) },
  ]))!, ['a', 'b'], null);
  assert.deepEqual(outcome.worst.map(s => [[...s.pixels], s.loss, s.truth, s.predicted]), [[[1, 2, 3, 4], 2.5, 0, 1], [[5, 6, 7, 8], 1.5, 1, 0]]);
  const sums = sumsOf(outcome.confusion!);
  assert.deepEqual([sums.total, sums.right, [...sums.rows], [...sums.columns]], [6, 5, [4, 2], [3, 3]]);
  assert.match(pairSentence(outcome.confusion!, sums, { truth: 0, predicted: 1 }), /^a taken for b: 1 of 4, 25/);
  const later = outcomeOf(decodeCapture(captureOf({ step: 5, observed: 8 }, []))!, [], outcome);
  assert.equal(later.worst.length, 2, 'what does not come stays');
});

test('pins: of series and commands; names are made fit', () => {
  const scalar = (name: string) => ({ name, kind: 'scalar' as const });
  const series = ['pin/sample 3/0', 'pin/sample 3/1', 'pin/x/a/b', 'train/loss', 'pin/alone'].map(scalar);
  const commands = [{ id: '1', type: 'pin' as const, state: 'applied' as const, values: { name: 'new', sample: 9 } as never }, { id: '2', type: 'unpin' as const, state: 'applied' as const, values: { name: 'x' } as never },
    { id: '3', type: 'pin' as const, state: 'refused' as const, values: { name: 'no' } as never }];
  const pins = pinsOf(series, commands);
  assert.deepEqual(pins.map(p => [p.name, [...p.series.keys()], p.held, p.sample]), [['new', [], false, 9], ['sample 3', ['0', '1'], false, -1], ['x', ['a/b'], true, -1]]);
  assert.equal(freeName('sample 3', pins), 'sample 3 2');
  assert.equal(freeName('x', pins), 'x', 'no longer pinned: free again');
  assert.equal(cleanName('  a/b\n c  '), 'a b c');
  assert.ok(new TextEncoder().encode(cleanName('ü'.repeat(99))).length <= 64);
});
