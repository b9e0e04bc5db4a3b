// What of the look is not in the picture has its word.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Drawn, DrawnLayer, DrawnPair, NetworkModel } from '../src/network/model';
import { missingOf, type Asked } from '../src/views/network/missing';
import { chain, contentOf, input, layer, link, matrix, stateOf } from './network';

const roles = (...all: string[]) => all.map((role, i) => ({ number: i + 1, layer: role === 'input' ? 'input' : 'a', role }));
const model: NetworkModel = { ...chain(input([2]), layer('a', [2]), layer('b', [2])), tensors: roles('input', 'act', 'pre_grad', 'weight', 'weight_grad') };
const live: Asked = { quantity: 'activation', links: 'lines', recorded: false, compared: false, largeInput: false };

function drawnOf(quantities: string[], links: string[], filters: string[] = []): Drawn {
  const layers = quantities.map((quantity, layer) => ({ layer, quantity })) as DrawnLayer[], pair = (quantity: string, layer: number) => ({ layer, quantity }) as DrawnPair;
  return { layers, pairs: links.map(pair), filters: filters.map(pair) } as Drawn;
}

const said = (quantities: string[], links: string[], asked: Partial<Asked>, more: Partial<NetworkModel> = {}, filters: string[] = []) =>
  missingOf({ ...model, ...more }, stateOf(model), drawnOf(quantities, links, filters), { ...live, ...asked });

test('nothing is missing: nothing is said; what was only just asked for is awaited', () => {
  assert.deepEqual(said(['input', 'activation', 'activation'], ['weight'], {}), []);
  assert.deepEqual(said(['input', '', ''], [], { quantity: 'update' }), []);
  assert.deepEqual(said(['input', 'activation', 'activation'], [], { links: 'none', recorded: true }), []);
});

test('of a snapshot: units, input, matrices and filters that are seen live only', () => {
  assert.deepEqual(said(['', '', ''], ['update'], { quantity: 'update', recorded: true }), ['update of units: not in snapshots', 'the input: not in snapshots']);
  assert.deepEqual(said(['input', 'gradient', 'gradient'], ['weight'], { quantity: 'gradient', links: 'matrices', recorded: true }), ['|dL/dw| as matrices: live only, |w| is shown']);
  assert.deepEqual(said(['input', 'gradient', 'gradient'], ['gradient'], { quantity: 'gradient', recorded: true }, {}, ['weight']), ['|dL/dw| as filters: live only, |w| is shown']);
  assert.deepEqual(said(['input', 'value', ''], ['weight'], { quantity: 'value', recorded: true }), ['value of b: not in snapshots']);
});

test('compared: what only one moment has', () => {
  assert.deepEqual(said(['input', '', ''], [], { quantity: 'value', compared: true }), ['value of units: not in snapshots', 'links: not in both moments']);
});

test('what the program does not register', () => {
  const none = { tensors: roles('act', 'weight') };
  assert.deepEqual(said(['', '', ''], ['weight'], { quantity: 'gradient' }, none), ['gradient of units: nothing of it is registered', 'the input: not registered', '|dL/dw|: not registered, lines show |w|']);
  assert.deepEqual(said(['input', 'activation', ''], [], {}, { tensors: roles('input', 'act') }), ['activation of b: not known', 'links: no weights are registered']);
});

test('folded weights say nothing of one unit; a large input has to be asked for', () => {
  const folded = { ...matrix([1, 1], [1]), full: [2, 2] as [number, number] }, state = stateOf(model, { links: [{ ...link(1, matrix([2, 2], [1, 2, 3, 4])), matrix: { update: folded } }] });
  assert.deepEqual(missingOf(model, state, drawnOf(['', '', 'update'], ['update']), { ...live, quantity: 'update', largeInput: true }), ['update of a: not by unit, the weights are folded', 'the input: large, with quantity value only']);
});

test('as the picture draws it: a snapshot without matrices of gradients', () => {
  const state = stateOf(model, { layers: [{}, { gradient: Float32Array.of(1, 2) }, { gradient: Float32Array.of(1, 2) }], links: [link(1, matrix([2, 2], [1, 2, 3, 4]))] });
  const content = contentOf(model, state, { quantity: 'gradient', links: 'matrices' }), drawn = { layers: content.drawnLayers(), pairs: content.drawnPairs(10), filters: content.drawnFilters() } as Drawn;
  assert.deepEqual(missingOf(model, state, drawn, { ...live, quantity: 'gradient', links: 'matrices', recorded: true }), ['the input: not in snapshots', '|dL/dw| as matrices: live only, |w| is shown']);
});
