// What is told of units for sparsity work, from captures: which class a unit prefers, how specific it is, which units do the same,
// what pruning would cost. Pure.
import { decodeCapture, floats, MARK, triples, type Capture, type Triples } from '../../link/capture';
import { quantities, statistics } from '../../link/tables';
import { percent, whole } from '../../look/format';

export interface LayerUnits {
  units: number;
  classes: number;
  classMean: Float32Array | null; // (K, U)
  selectivity: Float32Array | null;
  active: Float32Array | null;    // share of the batch on which it is not zero
  sparsity: number;               // share of the layer's activations that are zero
  marks: Uint8Array | null;
  pairs: Triples | null;          // units whose activations correlate, largest |r| first
}

export interface Units { step: number; observed: number; layers: ReadonlyMap<number, LayerUnits> } // by the layer's number

export const CLASSES_MOST = 65536;  // units of a layer of which means per class are kept (src/probe/units.h)
export const CORRELATED_MOST = 4096; // and of which correlations are (src/probe/samples.h)
const SPARSITY = statistics.indexOf('sparsity');
const NONE: LayerUnits = { units: 0, classes: 0, classMean: null, selectivity: null, active: null, sparsity: NaN, marks: null, pairs: null };

// What came with this capture; what did not, stays as it was.
export function takeUnits(before: Units | null, capture: Capture): Units {
  const layers = new Map(before?.layers ?? []);
  for (const section of capture.sections) {
    const change: Partial<LayerUnits> = {}, length = section.shape.reduce((n, side) => n * side, 1);
    if (section.quantity === quantities.class_mean) Object.assign(change, { classMean: floats(section), classes: section.shape[0] ?? 0, units: section.shape[1] ?? 0 });
    else if (section.quantity === quantities.selectivity) Object.assign(change, { selectivity: floats(section), units: length });
    else if (section.quantity === quantities.active) Object.assign(change, { active: floats(section), units: length });
    else if (section.quantity === quantities.statistics) change.sparsity = floats(section)[SPARSITY] ?? NaN;
    else if (section.quantity === quantities.marks) Object.assign(change, { marks: section.data as Uint8Array, units: length });
    else if (section.quantity === quantities.correlation) change.pairs = triples(section);
    else continue;
    layers.set(section.layer, { ...NONE, ...layers.get(section.layer), ...change });
  }
  return { step: capture.step, observed: Math.max(capture.observed, before?.observed ?? 0), layers };
}

export const unitsIn = (bytes: ArrayBuffer, before: Units | null): Units | null => {
  const capture = decodeCapture(bytes);
  return capture ? takeUnits(before, capture) : before;
};

export interface Unit { unit: number; preferred: number; selectivity: number; active: number; dead: boolean; saturated: boolean; young: boolean; most: number } // most: highest |mean|

// The class of the highest |mean|, as selectivity takes it; -1: none is known, or the unit is silent.
export function preferredOf(classes: number, mean: (k: number) => number): { preferred: number; most: number } {
  let preferred = -1, most = 0;
  for (let k = 0; k < classes; k++) {
    const size = Math.abs(mean(k));
    if (size > most) (most = size), (preferred = k);
  }
  return { preferred, most };
}

// One row a unit, NaN where a number is not known.
export function unitRows(l: LayerUnits): Unit[] {
  return Array.from({ length: l.units }, (_, unit) => {
    const marks = l.marks?.[unit] ?? 0;
    return {
      unit, ...preferredOf(l.classMean ? l.classes : 0, k => l.classMean![k * l.units + unit]!), selectivity: l.selectivity?.[unit] ?? NaN, active: l.active?.[unit] ?? NaN,
      dead: (marks & MARK.dead) !== 0, saturated: (marks & MARK.saturated) !== 0, young: (marks & MARK.young) !== 0,
    };
  });
}

// (classes, units): each mean as a share of its unit's highest |mean|, or of the layer's; NaN where no sample of the class was seen.
export function levels(layer: LayerUnits, units: readonly Unit[], own: boolean): Float32Array {
  const all = Math.max(0, ...units.map(u => u.most)), out = new Float32Array(layer.classes * units.length);
  units.forEach((u, x) => {
    for (let k = 0; k < layer.classes; k++) out[k * units.length + x] = layer.classMean![k * layer.units + u.unit]! / ((own ? u.most : all) || 1);
  });
  return out;
}

// A layer's units in a sentence: nothing of marks that are not judged yet, of classes that are not known.
export function unitsSentence(rows: readonly Unit[], layer: LayerUnits, least: number): string {
  const count = (test: (u: Unit) => boolean) => whole(rows.filter(test).length), known = rows.some(u => !Number.isNaN(u.selectivity));
  const marks = rows.some(u => u.young) ? 'not yet judged dead or saturated' : `${count(u => u.dead)} dead, ${count(u => u.saturated)} saturated`;
  return `${whole(rows.length)} units: ${marks}${known ? `, ${count(u => u.selectivity >= least)} specific to a class` : ''}${Number.isNaN(layer.sparsity) ? '' : `; ${percent(layer.sparsity)} of activations are zero`}`;
}

export type Order = 'class' | 'selectivity' | 'unit';

// By preferred class and, within it, the most specific first; silent units last.
export function ordered(rows: readonly Unit[], by: Order): Unit[] {
  const last = (u: Unit) => (u.preferred < 0 ? Infinity : u.preferred), specific = (u: Unit) => (Number.isNaN(u.selectivity) ? -1 : u.selectivity);
  const first = { class: (u: Unit) => last(u), selectivity: (u: Unit) => -specific(u), unit: (u: Unit) => u.unit }[by];
  return [...rows].sort((a, b) => compare(first(a), first(b)) || compare(specific(b), specific(a)) || a.unit - b.unit);
}

const compare = (a: number, b: number) => (a < b ? -1 : a > b ? 1 : 0); // infinities too

export function histogramOf(values: ArrayLike<number>, bins: number): number[] {
  const counts = new Array<number>(bins).fill(0);
  for (let i = 0; i < values.length; i++) {
    const v = values[i]!;
    if (v >= 0 && v <= 1) counts[Math.min(bins - 1, Math.floor(v * bins))]!++;
  }
  return counts;
}

export interface Redundant { pairs: { a: number; b: number; r: number }[]; groups: number[][]; spare: number; cut: boolean } // cut: there may be more pairs

const PAIRS_MOST = 2000; // of a layer that come (src/probe/look.c)

// Units joined by pairs of |r| >= least are one group: all but one of each group are spare.
export function redundancy(t: Triples | null, least: number, units: number): Redundant {
  const parent = Array.from({ length: units }, (_, i) => i), pairs: Redundant['pairs'] = [];
  const root = (i: number): number => (parent[i] === i ? i : (parent[i] = root(parent[i]!)));
  for (let i = 0; t && i < t.value.length; i++) {
    const a = t.a[i]!, b = t.b[i]!, r = t.value[i]!;
    if (!(Math.abs(r) >= least) || a >= units || b >= units) continue;
    pairs.push({ a, b, r });
    parent[root(a)] = root(b);
  }
  const groups = new Map<number, number[]>();
  for (let u = 0; u < units; u++) groups.get(root(u))?.push(u) ?? groups.set(root(u), [u]);
  const joined = [...groups.values()].filter(g => g.length > 1).sort((a, b) => b.length - a.length || a[0]! - b[0]!);
  return { pairs, groups: joined, spare: joined.reduce((n, g) => n + g.length - 1, 0), cut: pairs.length >= PAIRS_MOST };
}

// --- pruning ------------------------------------------------------------------------------------

export interface PrunePoint { share: number; threshold: number; accuracy: number }
export interface Pruning { step: number; time: number; command: number; curve: PrunePoint[]; error: string }

export function pruningOf(body: unknown): Pruning | null {
  if (body === null || typeof body !== 'object') return null;
  const b = body as { step?: unknown; time?: unknown; command?: unknown; curve?: unknown; error?: unknown };
  const curve = (Array.isArray(b.curve) ? b.curve : []).filter(Array.isArray).map(([share, threshold, accuracy]) => ({ share: Number(share), threshold: Number(threshold), accuracy: Number(accuracy) }))
    .filter(p => Number.isFinite(p.share) && Number.isFinite(p.accuracy)).sort((x, y) => x.share - y.share);
  const error = typeof b.error === 'string' ? b.error : '';
  return curve.length || error ? { step: Number(b.step ?? -1), time: Number(b.time ?? 0), command: Number(b.command ?? 0), curve, error } : null;
}

// The largest share that can be pruned while the accuracy stays within `cost` of that without pruning.
export function affordable(curve: readonly PrunePoint[], cost: number): PrunePoint | null {
  const whole = curve[0];
  let best: PrunePoint | null = null;
  for (const p of curve) {
    if (!whole || p.accuracy < whole.accuracy - cost) break;
    best = p;
  }
  return best;
}
