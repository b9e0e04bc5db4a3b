// Which units a weight joins: the index of the flat weight to the unit that it feeds and the one that it comes from.
import { unitAt, type Layout } from './layout';
import type { NetworkModel } from './model';

// fx, fy: where inside the source's unit it begins; whole: it begins at the picture as a whole, not at one of its pixels.
export interface Ends { to: number; from: number; fromUnit: number; toUnit: number; fx: number; fy: number; whole: boolean }

interface Source { layer: number; first: number; count: number; units: number; area: number; width: number; whole: boolean }

// Inputs of a unit in the order of the layers that feed it, each with its units; of maps, each with their pixels.
export interface Wiring { layer: number; units: number; inputs: number; kernel: number; sources: Source[] }

// shape: of the weight, (U, I) or (U, C, H, W). null: what feeds the layer is not known.
export function wiringOf(model: NetworkModel, layout: Layout, layer: number, shape: number[]): Wiring | null {
  const all = shape.slice(1).reduce((n, side) => n * side, 1), kernel = shape.length === 4 ? shape[2]! * shape[3]! : 1, inputs = all / kernel;
  const sources: Source[] = [];
  let first = 0;
  for (const from of layout.sources[layer]!) {
    const given = model.layers[from]!.shape, box = layout.boxes[from]!, whole = given.reduce((n, side) => n * side, 1);
    const count = shape.length === 4 ? (box.form === 'grid' ? 1 : given[0] ?? 0) : whole, maps = given.length >= 3 && shape.length !== 4 && box.units < whole;
    const area = maps ? whole / box.units : 1;
    const picture = shape.length === 4 && box.form === 'grid';
    sources.push({ layer: from, first, count, units: picture ? 1 : box.units, area, width: maps ? given[2]! : 1, whole: picture });
    first += count;
  }
  if (!sources.length || !shape[0] || !inputs) return null;
  return { layer, units: shape[0], inputs, kernel, sources };
}

// The source of the k-th input of a unit. Inputs that the description does not explain are spread over the source in order.
export function endsOf(w: Wiring, index: number): Ends {
  const toUnit = Math.floor(index / (w.inputs * w.kernel)), input = Math.floor((index % (w.inputs * w.kernel)) / w.kernel);
  const last = w.sources[w.sources.length - 1]!, known = last.first + last.count === w.inputs;
  const source = known ? w.sources.find(s => input < s.first + s.count)! : w.sources[0]!;
  const at = known ? input - source.first : Math.floor((input / w.inputs) * source.units) * source.area, inside = at % source.area;
  return {
    to: w.layer, toUnit, from: source.layer, fromUnit: Math.min(source.units - 1, Math.floor(at / source.area)),
    fx: source.area > 1 ? ((inside % source.width) + 0.5) / source.width : 0.5,
    fy: source.area > 1 ? (Math.floor(inside / source.width) + 0.5) / (source.area / source.width) : 0.5, whole: source.whole,
  };
}

// Where a link begins and ends, in world pixels.
export function pointsOf(layout: Layout, ends: Ends, out: Float32Array, at: number): void {
  const source = layout.boxes[ends.from]!, to = unitAt(layout.boxes[ends.to]!, ends.toUnit);
  const from = ends.whole ? [source.x + source.w / 2, source.y + source.h / 2] as const : unitAt(source, ends.fromUnit, ends.fx, ends.fy);
  out[at] = from[0]; out[at + 1] = from[1]; out[at + 2] = to[0]; out[at + 3] = to[1];
}
