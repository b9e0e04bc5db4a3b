// Which units a weight joins; captures into the picture's state; the picture as SVG.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CODING, decodeCapture } from '../src/link/capture';
import { quantities } from '../src/link/tables';
import { compose } from '../src/network/compose';
import { endsOf } from '../src/network/ends';
import { linksOfUnit, wiringFor } from '../src/network/lines';
import { matrixValue } from '../src/network/matrix';
import { PLAIN } from '../src/network/model';
import { paintScene } from '../src/network/paint';
import { svgPen } from '../src/network/pen';
import { emptyState, takeCapture } from '../src/network/take';
import { bytesOf, captureOf, f32, pairBytes } from './captures';
import { chain, contentOf, input, layer, link, matrix, stateOf } from './network';

const zeros = (n: number) => new Float32Array(n);

test('dense: index = unit * inputs + input', () => {
  const model = chain(input([2, 3]), layer('a', [4])), state = stateOf(model, { links: [link(1, matrix([4, 6], zeros(24)))] });
  const wiring = wiringFor(model, contentOf(model, state).layout, state.links[0]!)!;
  for (let i = 0; i < 24; i++) assert.deepEqual([endsOf(wiring, i).toUnit, endsOf(wiring, i).fromUnit], [Math.floor(i / 6), i % 6]);
});

test('several inputs: one behind the other, as described', () => {
  const model = { layers: [input([2]), layer('a', [3], { inputs: ['input'] }), layer('b', [2], { inputs: ['a', 'input'] })] };
  const state = stateOf(model, { links: [link(2, matrix([2, 5], zeros(10)))] }), wiring = wiringFor(model, contentOf(model, state).layout, state.links[0]!)!;
  assert.deepEqual([5, 6, 7, 8, 9].map(i => [endsOf(wiring, i).from, endsOf(wiring, i).fromUnit]), [[1, 0], [1, 1], [1, 2], [0, 0], [0, 1]]);
});

test('convolution: channels; from maps into a dense layer: a place in the map; a folded one stays inside', () => {
  const model = chain(input([2, 4, 4]), layer('conv', [3, 4, 4], { kind: 'conv' }), layer('out', [2]));
  const state = stateOf(model, { links: [link(1, matrix([3, 2, 2, 2], zeros(24))), link(2, matrix([2, 48], zeros(96)))] }), { layout } = contentOf(model, state);
  const conv = wiringFor(model, layout, state.links[0]!)!, dense = wiringFor(model, layout, state.links[1]!)!;
  assert.deepEqual([endsOf(conv, 13).toUnit, endsOf(conv, 13).fromUnit], [1, 1]);
  const ends = endsOf(dense, 48 + 16 * 2 + 4 * 3 + 1);
  assert.deepEqual([ends.toUnit, ends.fromUnit, ends.fx, ends.fy], [1, 2, 0.375, 0.875]);
  const odd = wiringFor(model, layout, link(2, matrix([2, 7], zeros(14))))!;
  for (let i = 0; i < 14; i++) assert.ok(endsOf(odd, i).fromUnit < 3 && endsOf(odd, i).toUnit < 2);
});

test('links of a chosen unit: its strongest in and out, exact where it is known', () => {
  const model = chain(input([3]), layer('a', [2]), layer('b', [2])), first = matrix([2, 3], [1, 2, 3, 4, -6, 5]), second = matrix([2, 2], [1, 9, 2, -8]);
  const state = stateOf(model, { links: [link(1, first), link(2, second)] }), { layout } = contentOf(model, state);
  const [into, out] = linksOfUnit(model, layout, state, PLAIN, { layer: 1, unit: 1 });
  assert.deepEqual([...into!.index].reverse(), [4, 5, 3]);
  assert.deepEqual([...out!.value].reverse(), [9, -8]);
  const exact = { ...state, units: [{ layer: 1, unit: 1, weight: Float32Array.of(0.5, 0, 7) }] };
  assert.deepEqual([...linksOfUnit(model, layout, exact, PLAIN, { layer: 1, unit: 1 })[0]!.value].reverse(), [7, 0.5, 0]);
  state.links[0]!.matrix = {};
  assert.deepEqual([...linksOfUnit(model, layout, state, PLAIN, { layer: 1, unit: 0 }, 2)[0]!.index].reverse(), [2, 1], 'of the strongest where there is no matrix');
});

for (const [form, m] of [
  ['floats', matrix([4, 1500], Array.from({ length: 6000 }, (_, i) => Math.sin(i * 1.7) / (1 + (i % 7))))],
  ['halves', { ...matrix([4, 1500], []), data: Uint16Array.from({ length: 6000 }, (_, i) => (i * 7919) & 0xffff), scale: 0.5 }],
  ['codes', { ...matrix([4, 1500], []), data: Int8Array.from({ length: 6000 }, (_, i) => (i * 37) % 256 - 128), scale: 0.01 }],
] as const)
  test(`a snapshot keeps whole weights: its lines are the strongest of them, from ${form}; zero and not finite are none`, () => {
    const model = chain(input([1500]), layer('a', [4])), whole = link(1, m), state = stateOf(model, { links: [{ ...whole, strongest: {} }] });
    for (const strongest of [10, 3000, 5800]) {
      const [batch] = contentOf(model, state, { strongest }).batches, values = Array.from(m.data.keys(), i => Math.abs(matrixValue(m, i))).filter(v => v > 0 && Number.isFinite(v));
      const least = values.sort((a, b) => b - a).slice(0, strongest);
      assert.deepEqual([...batch!.value].map(Math.abs).reverse(), [...Float32Array.from(least)]);
      assert.ok([...batch!.index].every((at, i) => Math.fround(matrixValue(m, at)) === batch!.value[i]));
    }
    assert.equal(contentOf(model, { ...state, links: [{ ...whole, strongest: {}, matrix: { weight: { ...m, full: [40, 1500] } } }] }).batches.length, 0, 'of a folded one nothing is known');
  });

const model = { layers: [{ ...input([2, 2]), number: 7 }, { ...layer('a', [2], { inputs: ['input'] }), number: 9 }] };
const sections = [
  { quantity: quantities.activation, coding: CODING.f32, shape: [2], layer: 9, bytes: f32([1, 2]) },
  { quantity: quantities.marks, coding: CODING.u8, shape: [2], layer: 9, bytes: Uint8Array.of(1, 0) },
  { quantity: quantities.weight, coding: CODING.f16, shape: [2, 4], layer: 9, tensor: 3, bytes: bytesOf(new Uint16Array(8).fill(0x3c00)) },
  { quantity: quantities.strong_weight, coding: CODING.pair, shape: [1], layer: 9, tensor: 3, bytes: pairBytes([[5, -2]]) },
  { quantity: quantities.input, coding: CODING.f32, shape: [2, 2], bytes: f32([0, 0.5, 1, 0]) },
  { quantity: quantities.unit_weight, coding: CODING.f32, shape: [4], layer: 9, item: 1, bytes: f32([1, 2, 3, 4]) },
  { quantity: quantities.activation, coding: CODING.f32, shape: [2], layer: 1000, bytes: f32([9, 9]) },
];

test('compared: now minus then, as lines, as matrices, and of a chosen unit; a quantity that only one moment has is not compared', () => {
  const model = chain(input([2]), layer('a', [2])), now = stateOf(model, { links: [link(1, matrix([2, 2], [4, 1, 0, -2]))] }), then = stateOf(model, { links: [link(1, matrix([2, 2], [1, 3, 0, -2]))] });
  now.links[0]!.matrix.gradient = matrix([2, 2], [9, 9, 9, 9]);
  const changes = [3, -2, 0, 0], lines = contentOf(model, now, { compare: then }).batches[0]!;
  assert.deepEqual(Object.fromEntries([...lines.index].map((at, i) => [at, lines.value[i]])), { ...changes });
  const [seen] = contentOf(model, now, { compare: then, links: 'matrices', quantity: 'gradient' }).matrices;
  assert.deepEqual([seen!.quantity, ...changes.map((_, i) => matrixValue(seen!.matrix, i))], ['weight', ...changes]);
  const { layout } = contentOf(model, now), [chosen] = linksOfUnit(model, layout, now, { ...PLAIN, compare: then }, { layer: 1, unit: 0 });
  assert.deepEqual([...chosen!.value].sort(), [-2, 3]);
});

test('captures: layers by their numbers, what is not in a capture stays, the state before is not touched', () => {
  const before = emptyState(model), first = takeCapture(model, before, decodeCapture(captureOf({ step: 5 }, sections))!);
  assert.deepEqual([first.step, [...first.layers[1]!.activation!], [...first.layers[1]!.marks!]], [5, [1, 2], [1, 0]]);
  assert.deepEqual([...first.layers[0]!.value!.data], [0, 0.5, 1, 0]);
  assert.deepEqual([first.links[0]!.layer, first.links[0]!.tensor, first.links[0]!.matrix.weight!.cols, [...first.links[0]!.strongest.weight!.value]], [1, 3, 4, [-2]]);
  assert.deepEqual([...first.units![0]!.weight!], [1, 2, 3, 4]);
  const next = takeCapture(model, first, decodeCapture(captureOf({ step: 6 }, [{ ...sections[0]!, bytes: f32([3, 4]) }]))!);
  assert.deepEqual([...next.layers[1]!.activation!, ...first.layers[1]!.activation!], [3, 4, 1, 2]);
  assert.equal(next.links[0]!.matrix.weight, first.links[0]!.matrix.weight);
  assert.deepEqual([before.step, before.links.length], [-1, 0]);
});

test('as SVG: a circle for each unit, a curve for each line, rings for the dead, words as text', () => {
  const network = chain(input([2, 2]), layer('<b>&', [5]), layer('out', [2])), marks = Uint8Array.of(0, 1, 0, 0, 1);
  const state = stateOf(network, { layers: [{ value: { shape: [2, 2], data: zeros(4) } }, { activation: Float32Array.of(1, 0, 2, 3, 0), marks }, {}], links: [link(1, matrix([5, 4], zeros(20).fill(1)))] });
  const content = contentOf(network, state), { pen, end } = svgPen(() => 'data:,');
  const { scene } = compose(content, { mode: 'dark', width: 900, height: 600, ratio: 1, view: { zoom: 1, x: 0, y: 0 }, most: 12, chosen: [] });
  paintScene(scene, pen);
  pen.text('<script>"&', 1, 2, { size: 12, colour: '#fff', align: 'left' });
  const svg = end(900, 600, '#000000', 'a < b');
  assert.equal(svg.match(/<path /g)!.length, 12);
  assert.equal(svg.match(/<circle [^>]*fill="#/g)!.length, 7);
  assert.equal(svg.match(/<circle [^>]*fill="none"/g)!.length, 2);
  assert.ok(!svg.includes('<script') && svg.includes('&#60;script&#62;&#34;&#38;') && svg.includes('a &#60; b'));
  assert.ok(!/NaN|undefined/.test(svg));
});
