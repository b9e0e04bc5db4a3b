// Words and figures of the network: what a quantity is, how a layer's shape is written, numbers of one width.
import type { NetworkLayer, Quantity } from '../../network/model';
import { number, percent, whole } from '../../look/format';

export const QUANTITY_WORDS: Record<Quantity, string> = {
  activation: 'mean |a| over the batch',
  gradient: 'rms over batch of dL/dz',
  weight: 'norm of the incoming weights',
  update: 'rms of the last change of the incoming weights',
  value: 'a of one sample of the batch',
};
// What the marks say of a unit; thresholds as src/probe/units.c has them.
export const MARK_SAYS = {
  dead: 'zero on each of the last 1024 observed samples', saturated: 'above 0.99 of its bound (sigmoid: or below 0.01) on 95 % of the last, about 1024, observed samples',
  young: 'fewer than 1024 samples were observed: not yet judged',
} as const;
export const LINK_WORDS = { weight: '|w|', gradient: '|dL/dw|', update: '|last change of w|', '': '' } as const;

const TIMES = '\u202f\u00d7\u202f';

export const shapeWords = (shape: readonly number[]): string => shape.map(whole).join(TIMES);

// 512 relu, 32 x 26 x 26 conv.
export function layerWords(layer: NetworkLayer): string {
  const kind = layer.activation || (layer.kind === 'dense' ? '' : layer.kind);
  return [shapeWords(layer.shape), kind].filter(Boolean).join(' ');
}

// Three significant digits, an exponent below a thousandth: 0.482, 8.31e-3, 1.27, 12 480.
export function figure(value: number | undefined, digits = 3): string {
  if (value === undefined) return '\u2013';
  if (!Number.isFinite(value) || value === 0) return number(value);
  const size = Math.abs(value);
  return size < 1e-3 ? value.toExponential(digits - 1).replace('-', value < 0 ? '\u2212' : '-') : number(value, digits).replace('e+', 'e');
}

export const share = (value: number | undefined): string => (value === undefined || Number.isNaN(value) ? '\u2013' : percent(value));

// What a unit is called: a pixel by row and column, a class by its word, a channel, a unit.
export function unitWords(layer: NetworkLayer, unit: number, classes: readonly string[] | undefined, last: boolean): string {
  const image = layer.shape.length === 3 && layer.shape[0] === 1 ? layer.shape.slice(1) : layer.shape;
  if (layer.kind === 'input' && image.length === 2) return `pixel ${Math.floor(unit / image[1]!)}, ${unit % image[1]!}`;
  if (last && classes && classes[unit] !== undefined && classes.length === layer.shape.reduce((n, s) => n * s, 1))
    return classes[unit] === String(unit) ? `unit ${unit}` : `unit ${unit} (${classes[unit]})`;
  return `${layer.shape.length >= 3 ? 'channel' : 'unit'} ${unit}`;
}
