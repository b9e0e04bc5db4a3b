// The legend: every view of units and links states its quantity, its scale and its ends. Also for the page: ticks, a word for
// each quantity, and a strip of the ramp.
import { number } from '../look/format';
import type { Mode } from '../look/ramps';
import type { Drawn, DrawnLayer, DrawnPair, NetworkModel, Scale } from './model';
import { rampOf, shareOf } from './scale';

export interface Tick { at: number; text: string } // at: share of the strip

export interface LegendEntry {
  title: string;         // "fc1: mean |activation| over the batch, linear"
  scale: Scale;
  ticks: Tick[];
  layers: number[];      // whose units it is the legend of; empty: of links
  kind: 'units' | 'lines' | 'matrix';
}

const WORDS: Record<string, string> = {
  activation: 'mean |activation| over the batch', gradient: 'gradient, rms over the batch of dL/dz', weight: 'norm of incoming weights',
  update: 'last change of incoming weights, rms', value: 'activation for one sample', input: 'input',
};
const LINK_WORDS: Record<string, string> = { weight: 'weight w', gradient: 'gradient dL/dw', update: 'last change of w' };

export const quantityTitle = (quantity: string): string => WORDS[quantity] ?? quantity;
export const linkTitle = (quantity: string): string => LINK_WORDS[quantity] ?? quantity;

const power = (value: number) => (value === 0 ? '0' : number(value, 3));

// Both ends and the middle; on a log scale the decades.
export function ticksOf(scale: Scale): Tick[] {
  if (scale.log) {
    const ticks: Tick[] = [], first = Math.ceil(Math.log10(scale.low) - 1e-9), last = Math.floor(Math.log10(scale.high) + 1e-9), by = Math.max(1, Math.ceil((last - first) / 5));
    for (let k = first; k <= last; k += by) ticks.push({ at: shareOf(scale, 10 ** k), text: `1e${k}`.replace('-', '\u2212') });
    if (scale.ramp !== 'signed') return ticks;
    return [...ticks.map(t => ({ at: 1 - t.at, text: '\u2212' + t.text })).reverse(), ...ticks];
  }
  if (scale.ramp === 'signed') return [{ at: 0, text: power(-scale.high) }, { at: 0.5, text: '0' }, { at: 1, text: power(scale.high) }];
  return [{ at: 0, text: power(scale.low) }, { at: 0.5, text: power((scale.low + scale.high) / 2) }, { at: 1, text: power(scale.high) }];
}

const same = (a: Scale, b: Scale) => a.ramp === b.ramp && a.low === b.low && a.high === b.high && a.log === b.log;
const curve = (scale: Scale) => (scale.log ? 'log' : 'linear');

function namesOf(model: NetworkModel, layers: number[]): string {
  const names = layers.map(l => model.layers[l]!.name);
  return names.length > 3 ? `${names[0]} \u2026 ${names[names.length - 1]}` : names.join(', ');
}

// Entries of what was drawn; layers of one quantity and one scale share theirs.
export function legendOf(model: NetworkModel, drawn: Drawn, compare = false): LegendEntry[] {
  const entries: LegendEntry[] = [], change = compare ? 'now minus then: ' : '';
  const units = ({ layer, quantity, scale }: DrawnLayer) => {
    const title = `${quantity === 'input' ? '' : change}${quantityTitle(quantity)}, ${curve(scale)}`;
    const found = entries.find(e => e.kind === 'units' && e.title === title && same(e.scale, scale));
    if (found) found.layers.push(layer);
    else entries.push({ title, scale, ticks: ticksOf(scale), layers: [layer], kind: 'units' });
  };
  const links = (pair: DrawnPair) => {
    const matrix = pair.fold !== '', name = model.layers[pair.layer]!.name;
    entries.push({
      title: `${name}: ${change}${linkTitle(pair.quantity)}, ${curve(pair.scale)}`, scale: pair.scale, layers: [], kind: matrix ? 'matrix' : 'lines',
      ticks: matrix ? ticksOf(pair.scale) : [{ at: 0, text: power(pair.scale.low) }, { at: 1, text: power(pair.scale.high) }],
    });
  };
  drawn.layers.filter(l => l.quantity).forEach(units);
  for (const entry of entries) entry.title = `${namesOf(model, entry.layers)}: ${entry.title}`;
  [...drawn.pairs, ...drawn.filters].forEach(links);
  return entries;
}

// A strip of the ramp, 256 x 1, for a canvas.
export function stripOf(scale: Scale, mode: Mode): Uint8ClampedArray { return rampOf(scale.ramp, mode).slice(); }

export function paintStrip(canvas: HTMLCanvasElement, scale: Scale, mode: Mode): void {
  canvas.width = 256;
  canvas.height = 1;
  canvas.getContext('2d')!.putImageData(new ImageData(stripOf(scale, mode) as Uint8ClampedArray<ArrayBuffer>, 256, 1), 0, 0);
}
