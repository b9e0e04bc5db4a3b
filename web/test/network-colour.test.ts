// Values to colours: what is drawn differs from the truth by at most one step of 256, and nothing is left out silently.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CELL, rampOfCell } from '../src/network/cells';
import { Content } from '../src/network/content';
import { ticksOf } from '../src/network/legend';
import { matrixRange, matrixRms } from '../src/network/matrix';
import { PLAIN, type Drawn } from '../src/network/model';
import { cellColour } from '../src/network/paint';
import { codeOf, NONFINITE, rampOf, rangeOf, roundUp, scaleOf, STEPS, valueAt } from '../src/network/scale';
import { hexOf } from '../src/network/scene';
import { rowsOf, sentenceOf } from '../src/network/summary';
import { half } from '../src/link/capture';
import { chain, contentOf, input, layer, link, matrix, stateOf } from './network';

let seed = 5;
const random = () => (seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0) / 2 ** 32;

test('linear: at most half a step from the truth', () => {
  for (const ramp of ['magnitude', 'signed', 'pixels'] as const)
    for (let round = 0; round < 200; round++) {
      const power = 10 ** (20 * random() - 10), values = Float64Array.from({ length: 40 }, () => (ramp === 'signed' ? 2 * random() - 1 : random()) * power);
      const scale = scaleOf(rangeOf(values), ramp, false), step = (ramp === 'signed' ? 2 * scale.high : scale.high - scale.low) / STEPS;
      for (const v of values) assert.ok(Math.abs(valueAt(scale, codeOf(scale, v) / STEPS) - v) <= step * 0.5001, `${ramp} ${v} of ${scale.low}..${scale.high}`);
    }
});

test('log: at most half a step of the decades; zero is the first step', () => {
  for (let round = 0; round < 200; round++) {
    const values = Float64Array.from({ length: 40 }, () => 10 ** (7 * random() - 9)), scale = scaleOf(rangeOf(values), 'magnitude', true);
    const step = Math.log10(scale.high / scale.low) / STEPS;
    for (const v of values) assert.ok(Math.abs(Math.log10(valueAt(scale, codeOf(scale, v) / STEPS)) - Math.log10(v)) <= step * 0.5001);
    assert.equal(codeOf(scale, 0), 0);
  }
});

test('ends are rounded outward, few and steady', () => {
  for (let i = 0; i < 1000; i++) {
    const v = 10 ** (30 * random() - 15), up = roundUp(v);
    assert.ok(up >= v * (1 - 2e-6) && up <= v * 1.34, `${v} -> ${up}`);
  }
  assert.equal(roundUp(0.97), 1);
  assert.equal(roundUp(1), 1);
  assert.equal(roundUp(0.0021), 0.0025);
  assert.deepEqual(scaleOf(rangeOf([0, 0]), 'magnitude', false), { ramp: 'magnitude', low: 0, high: 1, log: false });
  assert.deepEqual(scaleOf(rangeOf([]), 'magnitude', true), { ramp: 'magnitude', low: 0.1, high: 1, log: true });
  const deep = scaleOf(rangeOf([1e-40, 1]), 'magnitude', true);
  assert.ok(deep.low >= 1e-8 && deep.low < 1.01e-8, 'at most eight decades');
});

test('ticks of a legend stand where their values are drawn', () => {
  for (const scale of [scaleOf(rangeOf([1e-6, 4e-3]), 'magnitude', true), scaleOf(rangeOf([-3, 2]), 'signed', false), scaleOf(rangeOf([0.3]), 'magnitude', false)])
    for (const { at, text } of ticksOf(scale)) {
      const value = Number(text.replace(/\u2212/g, '-'));
      assert.ok(Math.abs(valueAt(scale, at) - value) <= 1e-6 * scale.high + 1e-9 * Math.abs(value), `${text} at ${at}`);
    }
});

test('NaN and infinities: counted, in a colour that no ramp has', () => {
  const range = rangeOf([NaN, 1, -2, Infinity, -Infinity]);
  assert.deepEqual([range.lowest, range.highest, range.nonfinite], [-2, 1, 3]);
  for (const mode of ['dark', 'light'] as const)
    for (const name of ['magnitude', 'signed', 'pixels'] as const) {
      const ramp = rampOf(name, mode);
      for (let i = 0; i < 256; i++) assert.notEqual(hexOf(ramp[4 * i]!, ramp[4 * i + 1]!, ramp[4 * i + 2]!), NONFINITE[mode]);
    }
});

// Relative luminance, as WCAG computes it.
const light = (ramp: Uint8ClampedArray, i: number) => [0.2126, 0.7152, 0.0722].reduce((sum, w, c) => sum + w * (ramp[4 * i + c]! / 255) ** 2.2, 0);

test('magnitude goes one way in lightness, signed ends are equally far from the middle', () => {
  for (const mode of ['dark', 'light'] as const) {
    const ramp = rampOf('magnitude', mode), sign = mode === 'dark' ? 1 : -1;
    for (let i = 1; i < 256; i++) assert.ok(sign * (light(ramp, i) - light(ramp, i - 1)) > -0.002, `${mode} ${i}`);
    assert.ok(Math.abs(light(ramp, 255) - light(ramp, 0)) > 0.7);
  }
});

const model = chain(input([2, 2]), layer('a', [4]), layer('b', [3], { activation: 'tanh' }));

test('units: steps, marks, what is not finite, what is unknown', () => {
  const state = stateOf(model, { layers: [{}, { activation: Float32Array.of(0, 2, NaN, 1), marks: Uint8Array.of(1, 2, 0, 4) }, { activation: Float32Array.of(1) }] });
  const content = contentOf(model, state), cells = content.cellsOf(1).bytes;
  assert.deepEqual([...cells], [0, CELL.dead, 255, CELL.saturated, 0, CELL.nonfinite, 128, CELL.young]);
  assert.equal(content.drawnLayers()[1]!.nonfinite, 1);
  assert.deepEqual([content.drawnLayers()[1]!.dead, content.drawnLayers()[1]!.saturated, content.drawnLayers()[1]!.young], [1, 1, 1]);
  const drawn = { layers: content.drawnLayers(), pairs: [] } as unknown as Drawn;
  assert.deepEqual(rowsOf(model, drawn).map(row => row.slice(5, 7)), [['', ''], ['1', '1'], ['', '']], 'of units that nobody judged nothing is said');
  assert.match(sentenceOf(model, drawn), /, 1 dead unit, 1 saturated unit\./);
  const young = contentOf(model, stateOf(model, { layers: [{}, { marks: Uint8Array.of(4, 4, 4, 4) }, {}] })).drawnLayers();
  assert.deepEqual(rowsOf(model, { ...drawn, layers: young })[1]!.slice(5, 7), ['not yet judged', 'not yet judged']);
  assert.equal(content.cellsOf(2).bytes[3], CELL.unknown, 'fewer values than units');
  assert.equal(content.cellsOf(0).bytes[1]! & CELL.unknown, CELL.unknown, 'an input that nobody saw');
  assert.equal(content.drawnLayers()[0]!.quantity, '');
  assert.equal(hexOf(...cellColour({ mode: 'dark' }, cells[4]!, cells[5]!)!), NONFINITE.dark);
});

test('per layer or whole network; log for gradients, linear for the rest, as asked otherwise', () => {
  const state = stateOf(model, { layers: [{}, { activation: Float32Array.of(1, 1, 1, 1), gradient: Float32Array.of(1e-3, 1e-3, 1e-3, 1e-3) }, { activation: Float32Array.of(8, 8, 8), gradient: Float32Array.of(1, 1, 1) }] });
  const highs = (look: object) => contentOf(model, state, look).drawnLayers().slice(1).map(l => [l.scale.high, l.scale.log]);
  assert.deepEqual(highs({}), [[1, false], [8, false]]);
  assert.deepEqual(highs({ scale: 'network' }), [[8, false], [8, false]]);
  assert.deepEqual(highs({ quantity: 'gradient' }), [[0.001, true], [1, true]]);
  assert.deepEqual(highs({ quantity: 'gradient', curve: 'linear' }), [[0.001, false], [1, false]]);
  assert.deepEqual(highs({ curve: 'log' }), [[1, true], [8, true]]);
});

test('values of one sample are signed where the layer can be negative; a difference always is', () => {
  const value = (data: number[]) => ({ value: { shape: [data.length], data: Float32Array.from(data) } });
  const now = stateOf(model, { layers: [{}, value([1, 2, 3, 4]), value([-1, 0, 1])] }), then = stateOf(model, { layers: [{}, value([4, 4, 4, 4]), value([0, 0, 0])] });
  assert.deepEqual(contentOf(model, now, { quantity: 'value' }).scales.slice(1).map(s => s.ramp), ['magnitude', 'signed']);
  const compared = contentOf(model, now, { quantity: 'value', compare: then });
  assert.deepEqual([...compared.seen[1]!.values], [-3, -2, -1, 0]);
  assert.equal(rampOfCell(compared.cellsOf(1).bytes[1]!), 'signed');
});

test('halves: extremes on the bits are those of the numbers', () => {
  for (let round = 0; round < 60; round++) {
    const data = Uint16Array.from({ length: 50 }, () => Math.floor(65536 * random()) & (round % 3 === 0 ? 0x7fff : 0xffff) | (round % 3 === 1 ? 0x8000 : 0));
    const m = { data, rows: 5, cols: 10, full: null, shape: [5, 10], scale: 0.25, nonfinite: 0 }, truth = rangeOf(Float64Array.from(data, bits => half(bits) * 0.25));
    const found = matrixRange(m);
    for (const key of ['lowest', 'highest', 'smallest', 'nonfinite'] as const) assert.ok(Object.is(found[key] + 0, truth[key] + 0), `${key}: ${found[key]} ${truth[key]}`);
  }
});

test('codes: -128 is not finite; rows of the update as units', () => {
  const m = { data: Int8Array.of(3, -4, -128, 0), rows: 2, cols: 2, full: null, shape: [2, 2], scale: 0.5, nonfinite: 1 };
  assert.deepEqual(matrixRange(m), { lowest: -2, highest: 1.5, smallest: 1.5, nonfinite: 1 });
  assert.ok(Math.abs(matrixRms(m)![0]! - Math.sqrt((1.5 ** 2 + 2 ** 2) / 2)) < 1e-6);
  assert.equal(matrixRms({ ...m, data: Int8Array.of(1, 2), full: [4, 4] }), undefined);
});

test('lines: strength from faintest to boldest, the sign, what is not finite', () => {
  const wide = chain(input([4]), layer('out', [3])), weights = matrix([3, 4], [1, -2, 3, -4, 5, -6, 7, -8, 9, -10, 11, NaN]);
  const [batch] = contentOf(wide, stateOf(wide, { links: [link(1, weights)] })).batches;
  const of = (index: number) => { const at = batch!.index.indexOf(index); return [batch!.data[6 * at + 4], batch!.data[6 * at + 5]]; };
  assert.deepEqual(of(0), [0, 1]);
  assert.deepEqual(of(10), [1, 1]);
  assert.deepEqual(of(11), [1, 0]);
  assert.deepEqual(of(5).map(v => Math.round(10 * v!) / 10), [0.5, -1]);
  const few = contentOf(wide, stateOf(wide, { links: [link(1, matrix([3, 4], [1, -2, 3, -4, 5, -6, 7, -8, 9, -10, 11, 0]))] }), { strongest: 4 });
  assert.deepEqual([...few.batches[0]!.value].map(Math.abs), [8, 9, 10, 11], 'weakest first, only the strongest');
  assert.deepEqual([few.drawnPairs(3)[0]!.drawn, few.drawnPairs(3)[0]!.total], [3, 12]);
});

test('lines stand as long as their links do, whatever the units say', () => {
  const wide = chain(input([4]), layer('out', [3])), state = stateOf(wide, { links: [link(1, matrix([3, 4], Array.from({ length: 12 }, (_, i) => i + 1)))] });
  const first = contentOf(wide, state), next = new Content(wide, first.layout, { ...state, links: state.links.map(l => ({ ...l })) }, PLAIN);
  const data = first.batches[0]!.data, before = data.slice();
  assert.equal(next.batches[0]!.data, data);
  const log = new Content(wide, first.layout, state, { ...PLAIN, curve: 'log' });
  assert.notEqual(log.batches[0]!.data, data, 'another scale');
  assert.ok(log.batches[0]!.data.some((v, i) => v !== before[i]));
  assert.deepEqual(data, before, 'what a renderer holds does not change under it');
  const others = { ...state, links: [link(1, matrix([3, 4], Array.from({ length: 12 }, (_, i) => 12 - i)))] };
  assert.notEqual(new Content(wide, first.layout, others, PLAIN).batches[0]!.data, data);
});

test('filters: a legend of their own, a blank line between kernels, the cells are the weights', () => {
  const maps = chain(input([2, 4, 4]), layer('conv', [3, 4, 4], { kind: 'conv' })), values = Array.from({ length: 3 * 2 * 2 * 2 }, (_, i) => (i - 12) / 10);
  const content = contentOf(maps, stateOf(maps, { links: [link(1, matrix([3, 2, 2, 2], values))] })), [drawn] = content.drawnFilters(), filters = content.filtersOf(1)!;
  assert.deepEqual([drawn!.quantity, drawn!.lowest.toFixed(1), drawn!.scale.high, drawn!.total], ['weight', '-1.2', 1.2, 24]);
  const [w, h] = filters.cells.tile, at = (unit: number, x: number, y: number) => [...filters.cells.bytes.subarray(2 * (unit * w * h + y * w + x), 2 * (unit * w * h + y * w + x) + 2)];
  assert.ok((w === 5 && h === 2) || (w === 2 && h === 5), `${w} x ${h}`);
  assert.equal((w === 5 ? at(0, 2, 0) : at(0, 0, 2))[1], CELL.blank);
  assert.equal(at(0, 0, 0)[0], 0, 'the lowest weight');
  assert.equal(at(1, 1, 1)[0], Math.round(255 * (0.5 + -0.1 / 1.2 / 2)));
});
