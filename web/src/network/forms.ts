// How a layer is drawn, from its description alone.
//
//     grid      cells in rows: an input's pixels in their own shape, a wide layer folded
//     circles   a short last layer: labelled circles
//     maps      (channels, height, width): one small picture a channel, with its filters beside it
//     slim      what only passes on (pool, norm, flatten ...): a narrow grid, of maps where its units are maps
//     word      nothing to draw: zero size
import type { NetworkLayer } from './model';

export type Form = 'grid' | 'circles' | 'maps' | 'slim' | 'word';

const SLIM = /^(.*pool.*|.*norm.*|flatten|reshape|dropout|relu|tanh|sigmoid|gelu|softmax|activation|identity|add|concat)$/i;
const CIRCLES_MOST = 24, CELLS_MOST = 1 << 22, FILTER_CELLS_MOST = 1 << 18;

export interface Shape {
  form: Form;
  units: number;
  pixels: boolean;        // an input: shown as a picture
  tile: [number, number]; // width and height of a unit's own map; 1 x 1: none
  own?: [number, number]; // columns and rows that are given by the layer's shape
}

const product = (sides: number[]) => sides.reduce((n, side) => n * Math.max(0, side), 1);

export function shapeOf(layer: NetworkLayer, last: boolean): Shape {
  const { shape } = layer, all = product(shape), input = layer.kind === 'input';
  const none: [number, number] = [1, 1];
  if (all === 0 || shape.length === 0) return { form: 'word', units: 0, pixels: false, tile: none };
  const image = shape.length === 3 && shape[0] === 1 && input ? shape.slice(1) : shape;
  const few = last && shape.length === 1 && all <= CIRCLES_MOST;
  const tile: [number, number] = image.length >= 3 ? [product(image.slice(2)), image[1]!] : none;
  if (SLIM.test(layer.kind) && !few) return { form: 'slim', units: shape.length >= 3 ? shape[0]! : Math.min(all, CELLS_MOST), pixels: false, tile };
  if (image.length >= 3) return { form: 'maps', units: image[0]!, pixels: input, tile };
  if (all > CELLS_MOST) return { form: 'word', units: 0, pixels: false, tile: none };
  if (image.length === 2) return { form: 'grid', units: all, pixels: input, tile: none, own: [image[1]!, image[0]!] };
  return { form: few ? 'circles' : 'grid', units: all, pixels: input, tile: none };
}

// Weights (units, channels, height, width) as small pictures: one kernel a channel, folded into a block for each unit.
export function filterShape(weight: number[] | undefined, units: number): [number, number, number, number] | null {
  if (!weight || weight.length !== 4 || weight[0] !== units || product(weight) === 0) return null;
  return weight as [number, number, number, number];
}

// Kernels of a unit that are drawn: all, or the first of them where all would be more than can be told apart.
export const kernelsDrawn = ([units, channels, height, width]: readonly [number, number, number, number]): number =>
  Math.min(channels, Math.max(1, Math.floor(FILTER_CELLS_MOST / (units * height * width))));
