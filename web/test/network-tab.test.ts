// What the Network tab computes: hints, places of cards, small curves, snapshots, histories, numbers in words.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Points } from '../src/state/points';
import { merged, nearest, type Snapshot } from '../src/state/snapshots';
import { UnitHistory } from '../src/state/unit-history';
import { spread } from '../src/state/unit-past';
import type { NetworkLayer, NetworkState } from '../src/network/model';
import { GAP, placeCards } from '../src/views/network/align';
import { hintOf, nonfiniteHint, sharesHint } from '../src/views/network/hints';
import { strongestOf } from '../src/views/network/row-of';
import { columnsOf, decadesOf, heightOf } from '../src/views/network/spark';
import { indexOf, pictureOf, tileOf } from '../src/views/network/weights-shape';
import { figure, unitWords } from '../src/views/network/words';
import { random } from './frames';

const norms = (all: number[]) => all.map((norm, layer) => ({ layer, norm, weights: 100 }));

test('gradients that fall or rise by decades per layer are said, healthy ones are not', () => {
  assert.equal(hintOf(norms([1e-5, 1e-4, 1e-3, 1e-2]))?.kind, 'vanishing');
  assert.match(hintOf(norms([1e-5, 1e-4, 1e-3, 1e-2]))!.text, /1\.0 decades per layer/);
  assert.equal(hintOf(norms([1e2, 1e1, 1, 1e-1]))?.kind, 'exploding');
  assert.equal(hintOf(norms([0.2, 0.3, 0.25, 0.4])), null);
  assert.equal(hintOf(norms([0.001, 0.2])), null, 'two layers tell no course');
  assert.equal(hintOf(norms([1e5, 2e5]))?.kind, 'exploding');
  assert.equal(hintOf(norms([NaN, NaN, NaN])), null);
});

test('wide layers do not look like exploding ones: norms are taken per weight', () => {
  const wide = [{ layer: 0, norm: 10, weights: 1e6 }, { layer: 1, norm: 1, weights: 1e4 }, { layer: 2, norm: 0.1, weights: 100 }];
  assert.equal(hintOf(wide), null);
});

test('NaN is said, with its layers', () => {
  const counts = [0, 3, NaN].map((share, layer) => ({ layer, name: `fc${layer}`, share }));
  assert.deepEqual(nonfiniteHint(counts), { kind: 'nonfinite', text: 'NaN or infinite values in fc1', layers: [1] });
  assert.equal(nonfiniteHint(counts.slice(0, 1)), null);
});

test('many dead units are said', () => {
  const shares = [{ layer: 0, name: 'a', share: NaN }, { layer: 1, name: 'b', share: 0.5 }, { layer: 2, name: 'c', share: 0.1 }];
  assert.deepEqual(sharesHint('dead', shares), { kind: 'dead', text: 'dead: 50 % of the units of b', layers: [1] });
  assert.equal(sharesHint('dead', shares.slice(2)), null);
});

test('cards stand near their layers, in order, inside, never over each other', () => {
  for (let seed = 1; seed < 200; seed++) {
    const r = random(seed), n = 1 + Math.floor(r() * 7), room = 900 + r() * 900, middles = Array.from({ length: n }, () => r() * room).sort((a, b) => a - b);
    const { left, width, scrolls } = placeCards(middles, room);
    assert.equal(scrolls, false);
    left.forEach((at, i) => {
      assert.ok(at >= -1e-6 && at + width <= room + 1e-6, `seed ${seed}: inside`);
      if (i) assert.ok(at >= left[i - 1]! + width + GAP - 1e-6, `seed ${seed}: apart`);
    });
  }
  assert.deepEqual(placeCards([500], 1000).left, [500 - 208 / 2]);
  const many = placeCards(Array(100).fill(NaN), 1000);
  assert.ok(many.scrolls && many.total > 1000);
});

test('small curves: means of columns, decades, heights', () => {
  const points = new Points();
  const step = Float64Array.from({ length: 100 }, (_, i) => i), value = step.map(i => (i < 50 ? 0.001 : 10));
  points.snapshot({ series: 's', rows: 100, attempt: 0, first: 0, after: 100, width: 0, timeOffset: 0, gap: false, unknown: false, raw: { step, time: step, value } });
  const columns = columnsOf(points, 0, 100, 10);
  assert.deepEqual([...columns].map(v => Number(v.toFixed(6))), [0.001, 0.001, 0.001, 0.001, 0.001, 10, 10, 10, 10, 10]);
  assert.deepEqual(decadesOf([points, null]), { low: -3, high: 1 });
  assert.equal(heightOf(0.1, { low: -3, high: 1 }, true), 0.5);
  assert.equal(heightOf(0, { low: -3, high: 1 }, true), 0);
});

const snapshot = (step: number, flags: string[] = []): Snapshot => ({ step, time: step, bytes: 1, flags });

test('snapshots: the one at or before a step; what came is laid over what was known', () => {
  const all = [10, 20, 30].map(step => snapshot(step));
  assert.deepEqual([5, 10, 19, 20, 35].map(step => nearest(all, step)), [0, 0, 0, 1, 2]);
  assert.equal(nearest([], 5), -1);
  const next = merged(all, [snapshot(30), snapshot(30, ['kept']), snapshot(40, ['flight'])]);
  assert.deepEqual(next.map(s => [s.step, s.flags.join()]), [[10, ''], [20, ''], [30, 'kept'], [40, 'flight']]);
  assert.deepEqual(spread([1, 2, 3], 5), [1, 2, 3]);
  assert.deepEqual(spread(Array.from({ length: 101 }, (_, i) => i), 3), [0, 50, 100]);
});

const dense = (name: string, units: number): NetworkLayer => ({ name, kind: 'dense', shape: [units], parameters: 1, inputs: [] });
const stateAt = (step: number): NetworkState => ({ step, layers: [{ activation: Float32Array.of(step, -step) }, { activation: Float32Array.of(2 * step), gradient: Float32Array.of(0.5) }], links: [] });

test('the history of units: bounded, thinned, cut where the run was rewound', () => {
  const history = new UnitHistory({ layers: [dense('a', 2), dense('b', 1)] });
  for (let step = 0; step < 5000; step++) history.add(stateAt(step));
  assert.ok(history.rows > 200 && history.rows <= 600, `${history.rows} rows`);
  const course = history.courseOf(0, 1), last = course.rows - 1;
  assert.equal(course.step[0], 0);
  assert.ok(course.step[last]! > 4900);
  assert.equal(course.activation[last], -course.step[last]!);
  assert.ok(Number.isNaN(course.gradient[last]!));
  assert.equal(history.courseOf(1, 0).gradient[last], 0.5);
  history.add(stateAt(100));
  assert.ok(history.courseOf(0, 0).step.every(step => step <= 100));
});

test('a network too wide to remember is not remembered', () => {
  const history = new UnitHistory({ layers: [dense('a', 2), dense('b', 1)] }, 10);
  history.add(stateAt(1));
  assert.equal(history.rows, 0);
});

test('the strongest of a row', () => {
  assert.deepEqual(strongestOf([0.1, -3, NaN, 2, 0, 2.5], 3), [1, 5, 3]);
  assert.deepEqual(strongestOf([0, 0], 3), []);
});

test('weights take the shape of what feeds them', () => {
  const input: NetworkLayer = { name: 'input', kind: 'input', shape: [28, 28], parameters: 0, inputs: [] };
  assert.deepEqual(pictureOf(784, tileOf(784, [784], input)), { cols: 28, rows: 28, word: '28 \u00d7 28' });
  const kernels = pictureOf(72, tileOf(72, [8, 3, 3], undefined));
  assert.deepEqual([kernels.cols, kernels.rows], [9, 9]);
  const seen = new Set(Array.from({ length: 81 }, (_, at) => indexOf(kernels, { w: 3, h: 3 }, 72, at % 9, Math.floor(at / 9))));
  assert.equal(seen.size, 73, 'each weight once, and the empty tile');
  assert.equal(indexOf(kernels, { w: 3, h: 3 }, 72, 4, 0), 10);
});

test('numbers and units in words', () => {
  assert.deepEqual([0.4821, 0.000831, 1.2749, -5e-5, 0, NaN, undefined].map(v => figure(v)), ['0.482', '8.31e-4', '1.27', '\u22125.00e-5', '0', 'NaN', '\u2013']);
  const input: NetworkLayer = { name: 'input', kind: 'input', shape: [28, 28], parameters: 0, inputs: [] };
  assert.equal(unitWords(input, 30, undefined, false), 'pixel 1, 2');
  assert.equal(unitWords(dense('out', 2), 1, ['cat', 'dog'], true), 'unit 1 (dog)');
  assert.equal(unitWords({ ...dense('c', 1), shape: [8, 4, 4] }, 3, undefined, false), 'channel 3');
});
