// Where everything stands: ranks, folds, rooms, and what lies under a point.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fold, foldWord } from '../src/network/fold';
import { targetUnder } from '../src/network/hit';
import { layoutOf, unitAt, unitUnder, type Layout, type Rect } from '../src/network/layout';
import { FLOATS } from '../src/network/lines';
import type { NetworkModel } from '../src/network/model';
import { ranksOf } from '../src/network/order';
import { walk } from '../src/network/walk';
import { chain, contentOf, input, layer, link, matrix, stateOf } from './network';

const o = (width = 900, height = 600, more = {}) => ({ width, height, matrices: false, weights: [], ...more });
const names = (model: NetworkModel) => ranksOf(model).map(rank => rank.map(i => model.layers[i]!.name));

test('layers stand behind all that feed them, branches side by side', () => {
  const model = { layers: [input([4]), layer('a', [4], { inputs: ['input'] }), layer('b', [4], { inputs: ['input'] }), layer('sum', [4], { inputs: ['a', 'b', 'input'] })] };
  assert.deepEqual(names(model), [['input'], ['a', 'b'], ['sum']]);
});

test('a circle, unknown names, a doubled name and itself: each layer stands exactly once', () => {
  const model = { layers: [layer('a', [2], { inputs: ['c'] }), layer('b', [2], { inputs: ['a', 'nobody', 'b'] }), layer('c', [2], { inputs: ['b'] }), layer('a', [2], { inputs: ['b'] })] };
  assert.deepEqual(ranksOf(model).flat().sort(), [0, 1, 2, 3]);
  assert.deepEqual(ranksOf({ layers: [] }), []);
});

test('folds hold every cell, and prefer whole rows', () => {
  for (let count = 1; count < 3000; count += 7) {
    const { cols, rows } = fold(count, 120, 480);
    assert.ok(cols * rows >= count && cols * (rows - 1) < count, `${count} as ${cols} x ${rows}`);
  }
  assert.deepEqual(fold(512, 150, 480), { cols: 16, rows: 32 });
  assert.equal(foldWord(512, { cols: 16, rows: 32 }), '512 as 16 × 32');
  assert.equal(foldWord(10, { cols: 1, rows: 10 }), '');
});

const apart = (a: Rect, b: Rect) => a.x + a.w <= b.x + 1e-6 || b.x + b.w <= a.x + 1e-6 || a.y + a.h <= b.y + 1e-6 || b.y + b.h <= a.y + 1e-6;

function noOverlap(layout: Layout, what: string): void {
  const rects = layout.boxes.flatMap(b => [b, ...(b.filters ? [b.filters] : []), ...(layout.matrices[b.layer] ? [layout.matrices[b.layer]!] : [])]);
  rects.forEach((a, i) => {
    assert.ok(a.x >= 0 && a.y >= 0 && a.x + a.w <= layout.width + 1e-6 && a.y + a.h <= layout.height + 1e-6, `${what}: inside`);
    rects.slice(i + 1).forEach(b => assert.ok(apart(a, b), `${what}: ${JSON.stringify(a)} and ${JSON.stringify(b)}`));
  });
}

const models: Record<string, NetworkModel> = {
  mlp: chain(input([28, 28]), layer('fc1', [512]), layer('fc2', [256]), layer('out', [10])),
  tiny: chain(input([2]), layer('out', [1])),
  wide: chain(input([784]), layer('fc', [100000]), layer('out', [1000])),
  cnn: chain(input([1, 28, 28]), layer('conv', [16, 28, 28], { kind: 'conv' }), layer('pool', [16, 14, 14], { kind: 'pool' }), layer('flat', [3136], { kind: 'flatten' }), layer('out', [10])),
  colour: chain(input([3, 32, 32]), layer('conv', [64, 32, 32], { kind: 'conv' })),
  branches: { layers: [input([64]), ...[1, 2, 3].map(k => layer(`b${k}`, [32], { inputs: ['input'] })), layer('out', [5], { inputs: ['b1', 'b2', 'b3'] })] },
  empty: chain(input([0]), layer('none', []), layer('out', [3])),
  long: chain(input([10]), ...Array.from({ length: 999 }, (_, i) => layer(`l${i}`, [100]))),
};

test('nothing lies over anything, at any size, with lines and with matrices', () => {
  for (const [name, model] of Object.entries(models))
    for (const [width, height] of [[870, 600], [1440, 760], [390, 700], [1000, 240]] as const)
      for (const matrices of [false, true]) {
        const weights = name === 'cnn' ? [undefined, [16, 1, 5, 5], undefined, undefined, [10, 3136]] : name === 'mlp' ? [undefined, [512, 784], [256, 512], [10, 256]] : [];
        noOverlap(layoutOf(model, o(width, height, { matrices, weights })), `${name} ${width} ${matrices}`);
      }
});

test('what fits fills the window; what does not is longer; narrow windows stand upright', () => {
  assert.equal(layoutOf(models.mlp!, o()).width, 900);
  assert.ok(layoutOf(models.long!, o()).width > 50000);
  const upright = layoutOf(models.mlp!, o(390, 700));
  assert.ok(upright.vertical && upright.width === 390 && upright.boxes[3]!.y > upright.boxes[1]!.y);
});

test('forms: pixels in their own shape, folded layers, labelled circles, maps, slim ones, a word for zero size', () => {
  const forms = (name: string) => layoutOf(models[name]!, o()).boxes.map(b => b.form);
  assert.deepEqual(forms('mlp'), ['grid', 'grid', 'grid', 'circles']);
  const [pixels] = layoutOf(models.mlp!, o()).boxes;
  assert.deepEqual([pixels!.cols, pixels!.rows, pixels!.pixels], [28, 28, true]);
  assert.deepEqual(forms('cnn'), ['grid', 'maps', 'slim', 'slim', 'circles']);
  assert.deepEqual(forms('empty'), ['word', 'word', 'circles']);
  assert.deepEqual(layoutOf(models.colour!, o()).boxes.map(b => b.units), [3, 64]);
});

test('a unit is found where it stands', () => {
  for (const model of [models.mlp!, models.cnn!, models.branches!])
    for (const box of layoutOf(model, o()).boxes)
      for (let unit = 0; unit < box.units; unit += 3) assert.equal(unitUnder(box, ...unitAt(box, unit)), unit);
});

test('units, links, filters and matrix cells under the pointer', () => {
  const model = chain(input([4]), layer('out', [3])), weights = matrix([3, 4], Array.from({ length: 12 }, (_, i) => (i === 6 ? -5 : 0.01 * (i + 1))));
  const state = stateOf(model, { links: [link(1, weights)], layers: [{ value: { shape: [4], data: Float32Array.of(1, 2, 3, 4) } }, { activation: Float32Array.of(7, 8, 9) }] });
  const content = contentOf(model, state), view = { zoom: 2, x: -100, y: -50 }, screen = (x: number, y: number) => [x * 2 - 100, y * 2 - 50] as const;
  const lines = content.batches.map(batch => ({ batch, count: batch.count }));
  const [x, y] = screen(...unitAt(content.layout.boxes[1]!, 2));
  assert.deepEqual(targetUnder(content, lines, view, x, y), { kind: 'unit', layer: 1, unit: 2, value: 9 });
  const strongest = content.batches[0]!, d = strongest.data.subarray(FLOATS * (strongest.count - 1));
  const target = targetUnder(content, lines, view, ...screen((d[0]! + d[2]!) / 2, (d[1]! + d[3]!) / 2));
  assert.deepEqual(target, { kind: 'link', layer: 1, tensor: 1, index: 6, from: { layer: 0, unit: 2 }, to: { layer: 1, unit: 1 }, value: -5 });
  assert.equal(targetUnder(content, lines, view, 2, 2), null);

  const folded = contentOf(model, state, { links: 'matrices' }), rect = folded.layout.matrices[1]!;
  const cell = targetUnder(folded, [], { zoom: 1, x: 0, y: 0 }, rect.x + (2.5 / 4) * rect.w, rect.y + (1.5 / 3) * rect.h);
  assert.deepEqual(cell, { kind: 'link', layer: 1, tensor: 1, index: 6, from: { layer: 0, unit: 2 }, to: { layer: 1, unit: 1 }, value: -5 });
});

test('arrow keys walk through a layer and over its edge', () => {
  const layout = layoutOf(models.mlp!, o()), cols = layout.boxes[1]!.cols;
  assert.deepEqual(walk(layout, { layer: 1, unit: 0 }, 1, 0), { layer: 1, unit: 1 });
  assert.deepEqual(walk(layout, { layer: 1, unit: 0 }, 0, 1), { layer: 1, unit: cols });
  assert.deepEqual(walk(layout, { layer: 1, unit: 0 }, 0, -1), { layer: 1, unit: 0 });
  assert.equal(walk(layout, { layer: 1, unit: cols - 1 }, 1, 0).layer, 2);
  assert.equal(walk(layout, { layer: 1, unit: 0 }, -1, 0).layer, 0);
  assert.deepEqual(walk(layout, { layer: 3, unit: 9 }, 1, 0), { layer: 3, unit: 9 });
});
