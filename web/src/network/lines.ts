// The strongest links as lines: where each begins and ends, how strong it is among those drawn, its sign. Made when state, look
// or layout change; a pan or a zoom moves them without touching them. Weakest first, so that the strongest lie on top and a
// renderer in need draws only the tail.
import { endsOf, pointsOf, wiringOf, type Wiring } from './ends';
import type { Layout } from './layout';
import { linksOf, matrixValue } from './matrix';
import type { LinkQuantity, LinkState, Look, Matrix, NetworkModel, NetworkState, Quantity, Scale, Strongest } from './model';
import { isLog } from './seen';
import { join, nothing, rangeOf, type Range } from './scale';
import { strongestIn } from './strongest';

export const FLOATS = 6; // x0 y0 x1 y1 strength sign (0: not finite)

export interface Batch {
  link: LinkState;
  wiring: Wiring;
  quantity: LinkQuantity;
  index: Uint32Array;   // of the flat weight
  value: Float32Array;
  data: Float32Array;   // FLOATS a line
  count: number;
  total: number;        // links there are
  range: Range;
  scale: Scale;         // set by strengthen: low and high: |value| of the faintest and of the boldest
}

const wanted: Record<Quantity, LinkQuantity> = { activation: 'weight', value: 'weight', weight: 'weight', gradient: 'gradient', update: 'update' };

export const linkWanted = (quantity: Quantity): LinkQuantity => wanted[quantity];

// What a tensor's links show: what the look asks for, else the weight.
export function linkQuantity<T>(look: Look, of: Partial<Record<LinkQuantity, T>>): LinkQuantity | '' {
  const first = linkWanted(look.quantity);
  return of[first] ? first : of.weight ? 'weight' : '';
}

export function weightShape(link: LinkState): number[] | null {
  const m = link.matrix.weight ?? link.matrix.gradient ?? link.matrix.update;
  if (!m) return null;
  return m.full && m.shape.length === 2 ? m.full : m.shape;
}

// The shape of a weight of which only the strongest links are known: as the layers on both sides say.
function impliedShape(model: NetworkModel, layout: Layout, layer: number): number[] | null {
  const rows = layout.boxes[layer]!.units, cols = layout.sources[layer]!.reduce((n, s) => n + model.layers[s]!.shape.reduce((a, b) => a * b, 1), 0);
  return rows && cols && model.layers[layer]!.shape.length === 1 ? [rows, cols] : null;
}

export function wiringFor(model: NetworkModel, layout: Layout, link: LinkState): Wiring | null {
  const shape = weightShape(link) ?? impliedShape(model, layout, link.layer);
  return shape && wiringOf(model, layout, link.layer, shape);
}

// now - then, for the links of which both are known.
function changed(now: Strongest, then: LinkState | undefined, quantity: LinkQuantity): Strongest {
  const matrix = then?.matrix[quantity], list = then?.strongest[quantity], known = new Map<number, number>();
  list?.index.forEach((at, i) => known.set(at, list.value[i]!));
  const rows: [number, number][] = [];
  now.index.forEach((at, i) => {
    const value = matrix && !matrix.full ? matrixValue(matrix, at) : known.get(at);
    if (value !== undefined) rows.push([at, now.value[i]! - value]);
  });
  rows.sort((a, b) => Math.abs(b[1]) - Math.abs(a[1]));
  return { index: Uint32Array.from(rows, r => r[0]), value: Float32Array.from(rows, r => r[1]) };
}

export const ofSame = (state: NetworkState, link: LinkState) => state.links.find(l => l.layer === link.layer && l.tensor === link.tensor);

function batchOf(layout: Layout, link: LinkState, wiring: Wiring, quantity: LinkQuantity, list: Strongest, most: number): Batch {
  const bound = wiring.units * wiring.inputs * wiring.kernel, kept: number[] = [];
  for (let i = 0; i < list.index.length && kept.length < most; i++) if (list.index[i]! < bound) kept.push(i);
  kept.reverse();
  const index = Uint32Array.from(kept, i => list.index[i]!), value = Float32Array.from(kept, i => list.value[i]!), data = new Float32Array(FLOATS * kept.length);
  for (let i = 0; i < kept.length; i++) pointsOf(layout, endsOf(wiring, index[i]!), data, FLOATS * i);
  const matrix = link.matrix[quantity];
  return {
    link, wiring, quantity, index, value, data, count: kept.length, total: matrix ? linksOf(matrix) : bound, range: rangeOf(value),
    scale: null!,
  };
}

// Links come less often than units: a batch stands as long as its list, the layout and the number of lines are the same, and a
// renderer sees by its data that nothing changed.
const standing = new WeakMap<Strongest, { layout: Layout; most: number; batch: Batch }>();

function keptBatch(layout: Layout, link: LinkState, wiring: Wiring, quantity: LinkQuantity, list: Strongest, most: number): Batch {
  const known = standing.get(list);
  if (known && known.layout === layout && known.most === most) return known.batch;
  const batch = batchOf(layout, link, wiring, quantity, list, most);
  standing.set(list, { layout, most, batch });
  return batch;
}

export function batchesOf(model: NetworkModel, layout: Layout, state: NetworkState, look: Look): Batch[] {
  const batches = state.links.flatMap(link => {
    const whole = link.matrix.weight?.full === null ? link.matrix.weight : undefined;
    const quantity = linkQuantity<object>(look, { weight: whole, ...link.strongest }), wiring = quantity && wiringFor(model, layout, link);
    if (!quantity || !wiring) return [];
    const now = link.strongest[quantity] ?? strongestIn(whole!, look.strongest);
    if (!look.compare) return [keptBatch(layout, link, wiring, quantity, now, look.strongest)];
    return [batchOf(layout, link, wiring, quantity, changed(now, ofSame(look.compare, link), quantity), look.strongest)];
  });
  strengthen(batches, look);
  return batches;
}

const known = new WeakMap<Float32Array, Range>();

function sizes(value: Float32Array): Range {
  let range = known.get(value);
  if (!range) known.set(value, (range = rangeOf(value.map(Math.abs))));
  return range;
}

// Strength from 0 (the faintest drawn) to 1 (the boldest): of its pair of layers, or of the whole network.
export function strengthen(batches: Batch[], look: Look): void {
  const own = batches.map(b => sizes(b.value)), whole = look.scale === 'network' ? own.reduce(join, nothing()) : null;
  batches.forEach((batch, b) => {
    const { lowest, highest, smallest } = whole ?? own[b]!, log = isLog(look.curve, batch.quantity === 'weight' ? 'weight' : batch.quantity) && smallest < highest;
    const low = log ? smallest : lowest < highest ? lowest : 0, high = Number.isNaN(highest) || highest === 0 ? 1 : highest;
    const scale: Scale = { ramp: 'signed', low: Number.isNaN(low) ? 0 : low, high, log };
    if (sameScale(batch.scale, scale)) return;
    if (batch.scale) batch.data = batch.data.slice();
    batch.scale = scale;
    for (let i = 0; i < batch.count; i++) {
      const v = batch.value[i]!, finite = Number.isFinite(v);
      batch.data[FLOATS * i + 4] = finite ? strengthOf(batch.scale, v) : 1;
      batch.data[FLOATS * i + 5] = finite ? (v < 0 ? -1 : 1) : 0;
    }
  });
}

const sameScale = (a: Scale | null, b: Scale): boolean => a !== null && a.low === b.low && a.high === b.high && a.log === b.log;

export function strengthOf({ low, high, log }: Scale, value: number): number {
  const size = Math.abs(value), share = log ? Math.log(Math.max(size, low) / low) / Math.log(high / low) : (size - low) / (high - low);
  return Math.min(1, Math.max(0, share));
}

// One line of a batch, as bold as lines are.
export function boldest(batch: Batch, at: number): Batch {
  const data = batch.data.slice(FLOATS * at, FLOATS * (at + 1));
  data[4] = 1;
  return { ...batch, data, index: batch.index.slice(at, at + 1), value: batch.value.slice(at, at + 1), count: 1 };
}

// What linksOfUnit depends on, to compare by identity.
export const linksKey = (state: NetworkState): unknown[] => [
  ...state.links.flatMap(l => [l.matrix.weight, l.matrix.gradient, l.matrix.update, l.strongest.weight, l.strongest.gradient, l.strongest.update]),
  ...(state.units ?? []).flatMap(u => [u.layer, u.unit, u.weight, u.gradient, u.update]),
];

// The links of one unit, strongest first: from its exact row where that is known, else the matrix, else those of the strongest.
export function linksOfUnit(model: NetworkModel, layout: Layout, state: NetworkState, look: Look, at: { layer: number; unit: number }, most = 120): Batch[] {
  const found: Batch[] = [];
  for (const link of state.links) {
    const wiring = wiringFor(model, layout, link);
    if (!wiring) continue;
    const into = link.layer === at.layer, source = wiring.sources.find(s => s.layer === at.layer);
    if (!into && !source) continue;
    const quantity = linkQuantity(look, { ...link.strongest, ...link.matrix });
    if (!quantity) continue;
    const now = ofUnit(state, link, wiring, quantity, at, into), list = look.compare ? changed(now, ofSame(look.compare, link), quantity) : now;
    if (list.index.length) found.push(batchOf(layout, link, wiring, quantity, list, most));
  }
  strengthen(found, { ...look, scale: 'layer' });
  return found;
}

function ofUnit(state: NetworkState, link: LinkState, wiring: Wiring, quantity: LinkQuantity, at: { layer: number; unit: number }, into: boolean): Strongest {
  const matrix = link.matrix[quantity], list = link.strongest[quantity], rows: [number, number][] = [], row = wiring.inputs * wiring.kernel;
  const exact = into ? state.units?.find(u => u.layer === at.layer && u.unit === at.unit)?.[quantity] : undefined;
  const touches = (index: number) => {
    const ends = endsOf(wiring, index);
    return into ? ends.toUnit === at.unit : ends.from === at.layer && ends.fromUnit === at.unit;
  };
  if (exact && exact.length === row) exact.forEach((v, i) => rows.push([at.unit * row + i, v]));
  else if (matrix && !matrix.full) fromMatrix(matrix, wiring, at, into, rows);
  else list?.index.forEach((index, i) => touches(index) && rows.push([index, list.value[i]!]));
  rows.sort((a, b) => Math.abs(b[1]) - Math.abs(a[1]));
  return { index: Uint32Array.from(rows, r => r[0]), value: Float32Array.from(rows, r => r[1]) };
}

function fromMatrix(m: Matrix, wiring: Wiring, at: { layer: number; unit: number }, into: boolean, rows: [number, number][]): void {
  const row = wiring.inputs * wiring.kernel, push = (index: number) => rows.push([index, matrixValue(m, index)]);
  if (into) {
    for (let i = 0; i < row; i++) push(at.unit * row + i);
    return;
  }
  const source = wiring.sources.find(s => s.layer === at.layer)!, first = (source.first + at.unit * source.area) * wiring.kernel, count = source.area * wiring.kernel;
  for (let unit = 0; unit < wiring.units; unit++) for (let k = 0; k < count; k++) if (first + k < row) push(unit * row + first + k);
}
