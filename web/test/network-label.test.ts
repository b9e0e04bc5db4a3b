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

test('a pair of which no line could be drawn says so', () => {
  const pair = { drawn: 0, total: 576, fold: '' } as DrawnPair;
  assert.match(pairWords(pair, { links: 'lines', strongest: 100 })[0]!, /576 links, none drawn: zero or not finite/);
  assert.equal(pairWords(pair, { links: 'lines', strongest: 0 })[0], '576 links, none drawn', 'as asked');
  assert.match(pairWords({ ...pair, drawn: 576 }, { links: 'lines', strongest: 3000 })[0]!, /all 576 links/);
});
