// What a layer shows under a look: its numbers, one a unit or one a pixel of its map, and on which ramp.
import type { Layout } from './layout';
import type { CurveKind, LayerState, Look, NetworkModel, NetworkState, RampName, Scale } from './model';
import { matrixRms } from './matrix';
import { join, nothing, rangeOf, scaleOf, type Range } from './scale';

export interface Seen {
  quantity: string;
  values: Float32Array;
  each: number;           // values a unit: 1, or those of its map
  ramp: RampName;
  range: Range;
}

const NOT_NEGATIVE = /^(relu|sigmoid|softmax)$/i;

export const isLog = (curve: CurveKind, quantity: string): boolean => curve === 'log' || (curve === 'auto' && (quantity === 'gradient' || quantity === 'update'));

function unitValues(state: NetworkState, layer: number, quantity: string): Float32Array | undefined {
  const s: LayerState = state.layers[layer] ?? {};
  switch (quantity) {
    case 'activation': return s.activation;
    case 'gradient': return s.gradient;
    case 'weight': return s.weightIn;
    case 'value': return s.value?.data;
    default: {
      const link = state.links.find(l => l.layer === layer && l.matrix.update);
      return link && matrixRms(link.matrix.update!);
    }
  }
}

function difference(now: Float32Array, then: Float32Array | undefined): Float32Array | null {
  return then && now.length === then.length ? now.map((v, i) => v - then[i]!) : null;
}

// The mean of each unit's map, where only one colour a unit is drawn.
function means(values: Float32Array, units: number): Float32Array {
  const each = values.length / units;
  return Float32Array.from({ length: units }, (_, u) => {
    let sum = 0;
    for (let i = u * each; i < (u + 1) * each; i++) sum += values[i]!;
    return sum / each;
  });
}

// null: nothing is known of this quantity here.
export function seenAt(model: NetworkModel, layout: Layout, state: NetworkState, look: Look, layer: number): Seen | null {
  const box = layout.boxes[layer]!, pixels = box.pixels;
  const quantity = pixels ? (state.layers[layer]?.value ? 'value' : 'activation') : look.quantity;
  let values = unitValues(state, layer, quantity);
  if (!values || !box.units) return null;
  if (look.compare && !pixels) {
    const changed = difference(values, unitValues(look.compare, layer, quantity));
    if (!changed) return null;
    values = changed;
  }
  const area = box.tile[0] * box.tile[1];
  let each = values.length === box.units * area ? area : 1;
  if (each === 1 && values.length > box.units && values.length % box.units === 0) values = means(values, box.units);
  const range = rangeOf(values, box.units * each), name = model.layers[layer]!.activation ?? '';
  const signed = !pixels && (look.compare !== null || (quantity === 'value' && !NOT_NEGATIVE.test(name) && range.lowest < 0));
  return { quantity: pixels ? 'input' : quantity, values, each, ramp: pixels ? 'pixels' : signed ? 'signed' : 'magnitude', range };
}

// One scale a layer, or one for all (the input's pixels stay on their own).
export function scalesOf(seen: (Seen | null)[], look: Look): Scale[] {
  const log = isLog(look.curve, look.quantity);
  const whole = look.scale === 'network' ? seen.reduce((r, s) => (s && s.ramp !== 'pixels' ? join(r, s.range) : r), nothing()) : null;
  return seen.map(s => scaleOf(s ? (whole && s.ramp !== 'pixels' ? whole : s.range) : nothing(), s?.ramp ?? 'magnitude', log && s?.ramp !== 'pixels'));
}
