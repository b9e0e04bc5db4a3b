// The words of the picture: slim layers side by side keep their names apart, links that are not drawn are said to be none.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { INK } from '../src/look/palette';
import { labelsOf, pairWords, type Label } from '../src/network/label';
import type { DrawnPair } from '../src/network/model';
import { chain, contentOf, input, layer, stateOf } from './network';

const measure = (text: string, size: number) => 0.56 * size * text.length;

const model = chain(
  input([1, 28, 28]), layer('conv1', [16, 28, 28], { kind: 'conv' }), layer('batch_normal1', [16, 28, 28], { kind: 'norm' }), layer('max_pooling1', [16, 14, 14], { kind: 'pool' }),
  layer('flatten_maps', [3136], { kind: 'flatten' }), layer('fc1', [128]), layer('fc2', [128]), layer('out', [10]),
);

const meet = (a: Label, b: Label) => {
  const half = (l: Label) => measure(l.text, l.style.size) / 2;
  return Math.abs(a.x - b.x) < half(a) + half(b) && Math.abs(a.y - b.y) < (a.style.size + b.style.size) / 2 - 2;
};

for (const width of [600, 870])
  test(`names of slim layers never meet and none is left out, ${width} px wide`, () => {
    const content = contentOf(model, stateOf(model), {}, width), view = { zoom: 1, x: 0, y: 0 };
    const labels = labelsOf({ content, view, width, height: 600, ink: INK.dark, measure }, content.layout.boxes, []).filter(l => l.style.align === 'center');
    for (const name of ['conv1', 'batch_normal1', 'max_pooling1', 'flatten_maps']) assert.ok(labels.some(l => l.text.startsWith(name)), `${name} of ${labels.map(l => l.text)}`);
    labels.forEach((a, i) => labels.slice(i + 1).forEach(b => assert.ok(!meet(a, b), `${a.text} and ${b.text}`)));
  });

test('a name at the edge is not cut, and moves no further than its box; every class has its number where there is little room', () => {
  const wide = chain(input([28, 28]), layer('fc1', [24]), layer('output', [3])), values = Float32Array.of(-0.054, 5.3e-4, 0.12);
  const content = contentOf(wide, stateOf(wide, { layers: [{}, {}, { activation: values }] }), { links: 'matrices' }), box = content.layout.boxes[0]!;
  const labels = (x: number, width = 900) => labelsOf({ content, view: { zoom: 1, x, y: 0 }, width, height: 600, ink: INK.dark, measure }, content.layout.boxes, []);
  const name = (x: number) => labels(x).find(l => l.text.startsWith('input'))!, half = measure('input · 28 × 28', 13) / 2;
  const middle = box.x + box.w / 2;
  assert.equal(name(0).x, Math.max(middle, Math.min(half + 3, box.x + box.w)));
  assert.equal(name(-box.x).x, Math.max(middle - box.x, Math.min(half + 3, box.w)), 'its box at the very edge');
  const last = content.layout.boxes[2]!, told = labels(0, Math.ceil(last.x + last.w / 2 + 26 + 7 + measure('5e-4', 11) + 3)).filter(l => l.style.align === 'left').map(l => l.text);
  assert.ok(told.includes('5e-4'), told.join());
});

test('a pair of which no line could be drawn says so', () => {
  const pair = { drawn: 0, total: 576, fold: '' } as DrawnPair;
  assert.match(pairWords(pair, { links: 'lines', strongest: 100 })[0]!, /576 links, none drawn: zero or not finite/);
  assert.equal(pairWords(pair, { links: 'lines', strongest: 0 })[0], '576 links, none drawn', 'as asked');
  assert.match(pairWords({ ...pair, drawn: 576 }, { links: 'lines', strongest: 3000 })[0]!, /all 576 links/);
});
