// The picture in words, for those who do not see it: a sentence, a table of layers, and what is chosen.
import { number, whole } from '../look/format';
import { times } from './fold';
import { linkTitle, quantityTitle } from './legend';
import type { Drawn, DrawnLayer, NetworkModel, Target } from './model';

const sum = (drawn: Drawn, of: 'dead' | 'saturated'): number => drawn.layers.reduce((n, l) => n + l[of], 0);

const units = (n: number, mark: string): string => (n ? `${whole(n)} ${mark} ${n === 1 ? 'unit' : 'units'}` : '');

export function sentenceOf(model: NetworkModel, drawn: Drawn): string {
  const count = model.layers.length, links = drawn.pairs.reduce((n, p) => n + p.total, 0), dead = sum(drawn, 'dead'), saturated = sum(drawn, 'saturated');
  const quantity = drawn.layers.find(l => l.quantity && l.quantity !== 'input')?.quantity;
  return [
    `Network of ${whole(count)} ${count === 1 ? 'layer' : 'layers'}`, links ? `${whole(links)} links` : '', quantity ? `showing ${quantityTitle(quantity)}` : 'nothing seen yet',
    units(dead, 'dead'), units(saturated, 'saturated'),
  ].filter(Boolean).join(', ') + '. Arrow keys go from unit to unit.';
}

export const HEADS = ['layer', 'kind', 'shape', 'lowest', 'highest', 'dead', 'saturated', 'not finite'];

// Of units that nobody judges, or not yet, nothing is said.
const judged = (l: DrawnLayer, count: number): string => (l.judged ? whole(count) : l.young ? 'not yet judged' : '');

export function rowsOf(model: NetworkModel, drawn: Drawn): string[][] {
  return drawn.layers.map(l => {
    const layer = model.layers[l.layer]!, known = l.quantity !== '' && !Number.isNaN(l.lowest);
    const kind = [layer.kind, layer.activation].filter(Boolean).join(' '), ends = known ? [number(l.lowest), number(l.highest)] : ['', ''];
    return [layer.name, kind, times(...layer.shape), ...ends, judged(l, l.dead), judged(l, l.saturated), whole(l.nonfinite)];
  });
}

export function targetWords(model: NetworkModel, target: Target | null, quantity: string): string {
  if (!target) return '';
  const name = (layer: number) => model.layers[layer]?.name ?? '';
  if (target.kind === 'layer') return name(target.layer);
  if (target.kind === 'unit') return `${name(target.layer)}, unit ${target.unit}${Number.isNaN(target.value) ? '' : `: ${number(target.value)}`}`;
  return `${linkTitle(quantity)} from ${name(target.from.layer)} ${target.from.unit} to ${name(target.to.layer)} ${target.to.unit}: ${number(target.value)}`;
}
