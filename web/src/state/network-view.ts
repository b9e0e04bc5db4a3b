// What of the Network tab stands in the address: quantity, scale, links, what is selected, which moment. Part of View (view.ts);
// defaults are left out.
import type { CurveKind, LinkForm, Quantity, ScaleKind } from '../network/model';

// A layer, a unit of it, or one weight of the unit (its index in the flat tensor).
export interface Place { layer: string; unit: number; index: number } // unit, index -1: none

export type NetworkPart = 'picture' | 'sparsity';

export interface NetworkView {
  part: NetworkPart;
  quantity: Quantity;
  scale: ScaleKind;
  curve: CurveKind;
  links: LinkForm;
  strongest: number;             // links per pair of layers
  rate: number;                  // captures a second while live
  place: Place | null;           // selected
  moment: number | null;         // step of the snapshot that is shown; null: live
  compare: boolean;              // now minus that moment
}

export const PLAIN_NETWORK: NetworkView = {
  part: 'picture', quantity: 'activation', scale: 'layer', curve: 'auto', links: 'lines', strongest: 3000, rate: 10, place: null, moment: null, compare: false,
};
export const QUANTITIES: readonly Quantity[] = ['activation', 'gradient', 'weight', 'update', 'value'];
export const RATES: readonly number[] = [1, 2, 5, 10, 20, 30];
export const MOST_LINKS = 100000;

const PARTS: readonly NetworkPart[] = ['picture', 'sparsity'];
const SCALES: readonly ScaleKind[] = ['layer', 'network'];
const CURVES: readonly CurveKind[] = ['auto', 'linear', 'log'];
const FORMS: readonly LinkForm[] = ['lines', 'matrices', 'none'];

const encodePlace = (p: Place): string => [encodeURIComponent(p.layer), p.unit, p.index].filter(part => part !== -1).join(':');

function decodePlace(text: string): Place | null {
  const [layer, unit, index] = text.split(':');
  const number = (part: string | undefined) => (part !== undefined && /^\d{1,10}$/.test(part) ? Number(part) : -1);
  return layer ? { layer: decodeURIComponent(layer), unit: number(unit), index: number(index) } : null;
}

export function encodeNetwork(n: NetworkView): [string, string][] {
  const plain = PLAIN_NETWORK, words = ([['part', 'part'], ['show', 'quantity'], ['scale', 'scale'], ['curve', 'curve'], ['links', 'links'], ['pairs', 'strongest'], ['hz', 'rate']] as const)
    .map(([key, of]): [string, string] => [key, n[of] === plain[of] ? '' : String(n[of])]);
  return [...words, ['at', n.place ? encodePlace(n.place) : ''], ['moment', n.moment === null ? '' : String(n.moment)], ['compare', n.compare ? '1' : '']];
}

const oneOf = <T extends string>(words: readonly T[], value: string, before: T): T => (words.includes(value as T) ? (value as T) : before);
const within = (value: string, low: number, high: number, before: number): number => {
  const n = Number(value);
  return value !== '' && n >= low && n <= high ? n : before;
};

export function decodeNetwork(n: NetworkView, key: string, value: string): NetworkView {
  switch (key) {
    case 'part': return { ...n, part: oneOf(PARTS, value, n.part) };
    case 'show': return { ...n, quantity: oneOf(QUANTITIES, value, n.quantity) };
    case 'scale': return { ...n, scale: oneOf(SCALES, value, n.scale) };
    case 'curve': return { ...n, curve: oneOf(CURVES, value, n.curve) };
    case 'links': return { ...n, links: oneOf(FORMS, value, n.links) };
    case 'pairs': return { ...n, strongest: Math.round(within(value, 0, MOST_LINKS, n.strongest)) };
    case 'hz': return { ...n, rate: within(value, 0.1, 60, n.rate) };
    case 'at': return { ...n, place: decodePlace(value) };
    case 'moment': return { ...n, moment: /^-?\d{1,15}$/.test(value) ? Number(value) : null };
    case 'compare': return { ...n, compare: value === '1' };
  }
  return n;
}
