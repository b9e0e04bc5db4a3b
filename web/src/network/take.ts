// Captures into the picture's state. A capture holds only what was due: what it does not hold stays as it was.
import { quantities } from '../link/tables';
import { floats, pairs, type Capture, type CaptureSection } from '../link/capture';
import type { LayerState, LinkQuantity, LinkState, Matrix, NetworkModel, NetworkState, UnitDetail } from './model';

const UNITS = new Map<number, 'activation' | 'gradient' | 'mean' | 'active' | 'selectivity' | 'weightIn' | 'bias' | 'statistics'>([
  [quantities.activation, 'activation'], [quantities.gradient, 'gradient'], [quantities.mean, 'mean'], [quantities.active, 'active'],
  [quantities.selectivity, 'selectivity'], [quantities.weight_in, 'weightIn'], [quantities.bias, 'bias'], [quantities.statistics, 'statistics'],
]);
const MATRICES = new Map<number, LinkQuantity>([
  [quantities.weight, 'weight'], [quantities.weight_gradient, 'gradient'], [quantities.update, 'update'],
]);
const STRONGEST = new Map<number, LinkQuantity>([
  [quantities.strong_weight, 'weight'], [quantities.strong_gradient, 'gradient'], [quantities.strong_update, 'update'],
]);
const DETAILS = new Map<number, 'weight' | 'gradient' | 'update' | 'out'>([
  [quantities.unit_weight, 'weight'], [quantities.unit_gradient, 'gradient'], [quantities.unit_update, 'update'], [quantities.unit_out, 'out'],
]);
const DETAILS_MOST = 64; // units whose own weights are kept

export function emptyState(model: NetworkModel): NetworkState {
  return { step: -1, layers: model.layers.map(() => ({})), links: [] };
}

// The same layers: what else a program describes changes nothing of what is shown.
export const sameLayers = (a: NetworkModel, b: NetworkModel): boolean => JSON.stringify(a.layers) === JSON.stringify(b.layers);

export const numberOf = (model: NetworkModel, place: number): number => model.layers[place]!.number ?? place + 1;

// The places of the layers that captures name by number.
export function placesOf(model: NetworkModel): Map<number, number> {
  return new Map(model.layers.map((_, place) => [numberOf(model, place), place]));
}

export function matrixOf(section: CaptureSection): Matrix {
  const { shape, full, scale, nonfinite, data } = section, rows = shape[0] ?? 1, total = shape.reduce((n, side) => n * side, 1);
  return { data: data as Matrix['data'], rows, cols: rows ? total / rows : 0, full, shape, scale, nonfinite };
}

function takeUnits(into: LayerState, section: CaptureSection): boolean {
  const name = UNITS.get(section.quantity);
  if (name) into[name] = floats(section);
  else if (section.quantity === quantities.marks) into.marks = section.data as Uint8Array;
  else if (section.quantity === quantities.class_mean) into.classMean = { classes: section.shape[0] ?? 0, units: section.shape[1] ?? 0, data: floats(section) };
  else if (section.quantity === quantities.value || section.quantity === quantities.input) into.value = { shape: section.shape, data: floats(section) };
  else return false;
  return true;
}

function linkOf(links: LinkState[], layer: number, tensor: number): LinkState {
  let link = links.find(l => l.layer === layer && l.tensor === tensor);
  if (!link) links.push((link = { layer, tensor, matrix: {}, strongest: {} }));
  return link;
}

// A gradient or update is a tensor of its own: the weight that it belongs to, the same in order among the layer's.
const weights = new WeakMap<NetworkModel, Map<number, number>>();

function weightOf(model: NetworkModel, tensor: number): number {
  let known = weights.get(model);
  if (!known) {
    weights.set(model, (known = new Map()));
    for (const { name } of model.layers) {
      const of = (role: string) => (model.tensors ?? []).filter(t => t.layer === name && t.role === role && t.number !== undefined);
      for (const role of ['weight_grad', 'update']) of(role).forEach((t, i) => of('weight')[i] && known!.set(t.number!, of('weight')[i]!.number!));
    }
  }
  return known.get(tensor) ?? tensor;
}

// What came while a gradient or update was not yet known to be one comes again, under its weight.
export const ofWeights = (model: NetworkModel, state: NetworkState): NetworkState => ({ ...state, links: state.links.filter(l => weightOf(model, l.tensor) === l.tensor) });

function takeLinks(model: NetworkModel, links: LinkState[], layer: number, section: CaptureSection): void {
  const matrix = MATRICES.get(section.quantity), strongest = STRONGEST.get(section.quantity), tensor = weightOf(model, section.tensor);
  if (matrix) linkOf(links, layer, tensor).matrix[matrix] = matrixOf(section);
  else if (strongest) linkOf(links, layer, tensor).strongest[strongest] = pairs(section);
}

// What a capture tells of a tensor's quantity replaces all that was known of it: a matrix that came no longer would be an old one.
function forgetMatrix(model: NetworkModel, links: LinkState[], layer: number, section: CaptureSection): void {
  const strongest = STRONGEST.get(section.quantity);
  if (strongest) delete linkOf(links, layer, weightOf(model, section.tensor)).matrix[strongest];
}

function takeDetail(units: UnitDetail[], layer: number, section: CaptureSection): boolean {
  const name = DETAILS.get(section.quantity);
  if (!name) return false;
  const at = units.findIndex(u => u.layer === layer && u.unit === section.item);
  const detail = { ...(at >= 0 ? units.splice(at, 1)[0]! : { layer, unit: section.item }), [name]: floats(section) };
  units.push(detail);
  if (units.length > DETAILS_MOST) units.shift();
  return true;
}

// A new state: the one before with what the capture holds. An input that names no layer is the first input layer's.
export function takeCapture(model: NetworkModel, before: NetworkState, capture: Capture): NetworkState {
  const places = placesOf(model), inputPlace = model.layers.findIndex(l => l.kind === 'input');
  const state: NetworkState = {
    step: capture.step, layers: model.layers.map((_, i) => ({ ...before.layers[i] })),
    links: before.links.map(l => ({ ...l, matrix: { ...l.matrix }, strongest: { ...l.strongest } })),
    units: [...(before.units ?? [])],
  };
  for (const section of capture.sections) {
    const place = places.get(section.layer);
    if (place !== undefined) forgetMatrix(model, state.links, place, section);
  }
  for (const section of capture.sections) {
    const place = places.get(section.layer) ?? (section.quantity === quantities.input ? inputPlace : -1);
    if (place < 0) continue;
    if (!takeUnits(state.layers[place]!, section) && !takeDetail(state.units!, place, section)) takeLinks(model, state.links, place, section);
  }
  return state;
}
