// Small networks for the picture's tests.
import { Content } from '../src/network/content';
import { layoutOf } from '../src/network/layout';
import { PLAIN, type LinkState, type Look, type Matrix, type NetworkLayer, type NetworkModel, type NetworkState } from '../src/network/model';

export const layer = (name: string, shape: number[], more: Partial<NetworkLayer> = {}): NetworkLayer =>
  ({ name, kind: 'dense', activation: 'relu', shape, parameters: 1, inputs: [], ...more });

export const input = (shape: number[]): NetworkLayer => layer('input', shape, { kind: 'input', activation: null, parameters: 0 });

// One behind the other, each fed by the one before.
export function chain(...layers: NetworkLayer[]): NetworkModel {
  return { layers: layers.map((l, i) => ({ ...l, inputs: l.inputs.length || i === 0 ? l.inputs : [layers[i - 1]!.name] })) };
}

export const matrix = (shape: number[], values: ArrayLike<number>): Matrix =>
  ({ data: Float32Array.from(values), rows: shape[0]!, cols: shape.slice(1).reduce((a, b) => a * b, 1), full: null, shape, scale: 1, nonfinite: 0 });

export function link(at: number, m: Matrix, tensor = at): LinkState {
  const order = Array.from(m.data.keys()).sort((a, b) => Math.abs(m.data[b]!) - Math.abs(m.data[a]!));
  return { layer: at, tensor, matrix: { weight: m }, strongest: { weight: { index: Uint32Array.from(order), value: Float32Array.from(order, i => m.data[i]!) } } };
}

export const stateOf = (model: NetworkModel, more: Partial<NetworkState> = {}): NetworkState =>
  ({ step: 1, layers: model.layers.map(() => ({})), links: [], ...more });

export function contentOf(model: NetworkModel, state: NetworkState, look: Partial<Look> = {}, width = 900, height = 600): Content {
  const weights: number[][] = [];
  for (const l of state.links) weights[l.layer] = l.matrix.weight!.shape;
  return new Content(model, layoutOf(model, { width, height, matrices: look.links === 'matrices', weights }), state, { ...PLAIN, ...look });
}
