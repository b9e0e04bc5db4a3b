// What was asked for and is not in the picture, each in a few words: snapshots keep less than what is looked at live, a program
// registers what it likes, comparing takes what both moments have.
import { linkWanted } from '../../network/lines';
import type { Drawn, DrawnPair, LinkForm, LinkQuantity, NetworkModel, NetworkState, Quantity } from '../../network/model';
import { LINK_WORDS } from './words';

export interface Asked {
  quantity: Quantity;
  links: LinkForm;
  recorded: boolean;   // a snapshot is shown, not what is captured now
  compared: boolean;   // now minus a snapshot
  largeInput: boolean; // it comes with quantity `value` only
}

const ROLES: Record<Quantity, readonly string[]> = { activation: ['act', 'pre'], gradient: ['pre_grad'], weight: ['weight'], update: ['weight', 'update'], value: ['act', 'pre'] };
const LINK_ROLES: Record<LinkQuantity, readonly string[]> = { weight: ['weight'], gradient: ['weight_grad'], update: ['weight', 'update'] };
const NAMES_MOST = 4;

const registers = (model: NetworkModel, roles: readonly string[]): boolean => (model.tensors ?? []).some(t => roles.includes(t.role));
const named = (names: string[]): string => (names.length > NAMES_MOST ? `${names.length} layers` : names.join(', '));

function units(model: NetworkModel, state: NetworkState, drawn: Drawn, { quantity, recorded, compared }: Asked): string[] {
  const ofWeights = quantity === 'weight' || quantity === 'update', folded = (at: number) => quantity === 'update' && state.links.some(l => l.layer === at && l.matrix.update?.full);
  const due = drawn.layers.filter(l => model.layers[l.layer]!.kind !== 'input' && !model.layers[l.layer]!.shape.includes(0) && (!ofWeights || model.layers[l.layer]!.parameters > 0));
  const without = due.filter(l => l.quantity !== quantity), names = (list: typeof due) => named(list.map(l => model.layers[l.layer]!.name)), large = without.filter(l => folded(l.layer));
  if (!without.length) return [];
  if (!registers(model, ROLES[quantity])) return [`${quantity} of units: nothing of it is registered`];
  if (recorded || compared) return [`${quantity} of ${without.length === due.length ? 'units' : names(without)}: not in snapshots`];
  if (large.length) return [`${quantity} of ${names(large)}: not by unit, the weights are folded`];
  return without.length < due.length ? [`${quantity} of ${names(without)}: not known`] : []; // what was just asked for comes at once
}

function inputs(model: NetworkModel, drawn: Drawn, { recorded, largeInput }: Asked): string[] {
  if (!drawn.layers.some(l => model.layers[l.layer]!.kind === 'input' && !l.quantity)) return [];
  if (!registers(model, ['input'])) return ['the input: not registered'];
  return recorded ? ['the input: not in snapshots'] : largeInput ? ['the input: large, with quantity value only'] : [];
}

function links(model: NetworkModel, drawn: Drawn, { quantity, links, recorded, compared }: Asked): string[] {
  const wanted = linkWanted(quantity), all = [...drawn.pairs, ...drawn.filters].filter(p => p.quantity), others = (list: DrawnPair[]) => list.some(p => p.quantity && p.quantity !== wanted);
  if (links === 'none') return [];
  if (!all.length) return !registers(model, ['weight']) ? ['links: no weights are registered'] : recorded || compared ? [`links: not in ${compared ? 'both moments' : 'this snapshot'}`] : [];
  const which = [others(drawn.pairs) ? (links === 'matrices' ? 'matrices' : 'lines') : '', others(drawn.filters) ? 'filters' : ''].filter(Boolean).join(' and ');
  if (!which) return [];
  if (!registers(model, LINK_ROLES[wanted])) return [`${LINK_WORDS[wanted]}: not registered, ${which} show |w|`];
  return recorded || compared ? [`${LINK_WORDS[wanted]} as ${which}: live only, |w| is shown`] : [];
}

export function missingOf(model: NetworkModel, state: NetworkState, drawn: Drawn, asked: Asked): string[] {
  return [...units(model, state, drawn, asked), ...inputs(model, drawn, asked), ...links(model, drawn, asked)];
}
