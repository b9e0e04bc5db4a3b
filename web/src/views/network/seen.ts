// What the picture told last, and which of several units, links or layers the inspector speaks of.
import { computed, signal } from '@preact/signals';
import type { Drawn, NetworkPicture, Target } from '../../network/model';
import type { Network } from '../../state/network';
import type { Place } from '../../state/network-view';
import { setNetwork, view } from '../../state/view';

export const picture = signal<NetworkPicture | null>(null);
export const drawn = signal<Drawn | null>(null);
export const pointed = signal<{ target: Target; x: number; y: number } | null>(null); // under the pointer

export const placeOfTarget = (network: Network, t: Target): Place => {
  const layer = network.model.layers[t.layer]!.name;
  if (t.kind === 'layer') return { layer, unit: -1, index: -1 };
  return t.kind === 'unit' ? { layer, unit: t.unit, index: -1 } : { layer, unit: t.to.unit, index: t.index };
};

// The layer that feeds another, of a weight's tensor: the first of its inputs.
export function feeds(network: Network, layer: number): number {
  const { layers } = network.model, from = layers[layer]?.inputs[0];
  return from === undefined ? -1 : layers.findIndex(l => l.name === from);
}

const weightOf = ({ model: { layers, tensors } }: Network, layer: number) => tensors.find(t => t.layer === layers[layer]?.name && t.role === 'weight');

// Rows and columns of a convolution's kernels; null: the layer has none.
export function kernelOf(network: Network, layer: number): [number, number] | null {
  const shape = weightOf(network, layer)?.shape ?? [];
  return shape.length === 4 ? [shape[2]!, shape[3]!] : null;
}

// Where a weight of a kernel comes from: the channel that it reads and its place in the kernel. null: it is none of a kernel.
export function kernelWords(network: Network, layer: number, index: number): string | null {
  const kernel = kernelOf(network, layer), from = network.model.layers[feeds(network, layer)];
  if (!kernel || !from) return null;
  const [rows, columns] = kernel, at = index % Math.max(1, columnsOf(network, layer)), place = at % (rows * columns);
  return `${from.name}${from.shape.length >= 3 ? ` channel ${Math.floor(at / (rows * columns))}` : ''} at ${Math.floor(place / columns)}, ${place % columns}`;
}

// Columns of a weight: inputs of a unit.
export function columnsOf(network: Network, layer: number): number {
  const { layers } = network.model, weight = weightOf(network, layer);
  if (weight) return weight.shape.slice(1).reduce((n, side) => n * side, 1);
  const from = feeds(network, layer);
  return from < 0 ? 0 : layers[from]!.shape.reduce((n, side) => n * side, 1);
}

export function targetOf(network: Network, place: Place | null): Target | null {
  const layer = network.placeOf(place);
  if (!place || layer < 0) return null;
  if (place.unit < 0) return { kind: 'layer', layer };
  if (place.index < 0) return { kind: 'unit', layer, unit: place.unit, value: NaN };
  const columns = columnsOf(network, layer), source = feeds(network, layer), at = columns ? place.index % columns : 0;
  const { shape } = network.model.layers[source] ?? { shape: [1] }, all = shape.reduce((n, side) => n * side, 1);
  const kernel = kernelOf(network, layer);
  const unit = kernel ? Math.floor(at / (kernel[0] * kernel[1])) : shape.length >= 3 ? Math.floor(at / Math.max(1, columns / shape[0]!)) : at % Math.max(1, all);
  return { kind: 'link', layer, tensor: 0, index: place.index, from: { layer: source, unit }, to: { layer, unit: place.unit }, value: NaN };
}

export const choose = (network: Network, target: Target | null): void => setNetwork({ place: target ? placeOfTarget(network, target) : null });
export const chooseUnit = (network: Network, layer: number, unit: number): void => setNetwork({ place: { layer: network.model.layers[layer]!.name, unit, index: -1 } });

// What was selected, as long as nothing is under the pointer.
export const subjectOf = (network: Network) => computed<{ target: Target; held: boolean } | null>(() => {
  const selected = targetOf(network, view.value.network.place), p = pointed.value;
  if (p && !(p.target.kind === 'layer' && selected)) return { target: p.target, held: false };
  return selected ? { target: selected, held: true } : null;
});
