// What is in sight, as every renderer gets it: blocks of cells, batches of lines, matrices, in world pixels with a view over them.
import { INK, type Ink } from '../look/palette';
import type { Mode } from '../look/ramps';
import type { Cells } from './cells';
import type { Rect } from './layout';
import type { Batch } from './lines';
import type { Matrix, Scale } from './model';
import { NONFINITE, rampOf } from './scale';

export interface View { zoom: number; x: number; y: number } // screen = world * zoom + (x, y)

export type CellStyle = 'dot' | 'square' | 'map';

export interface Block { key: string; rect: Rect; cols: number; rows: number; cells: Cells; style: CellStyle }

// Pixels lie under the lines that leave them, units above the lines that meet in them.
export const isUnder = (block: Block): boolean => block.style === 'square';

export interface MatrixBlock { key: string; rect: Rect; matrix: Matrix; scale: Scale }

export interface Lines { batch: Batch; count: number } // the last `count` of it

export interface Scene {
  mode: Mode;
  ink: Ink;
  width: number;        // CSS pixels
  height: number;
  ratio: number;        // device pixels a CSS pixel
  vertical: boolean;
  view: View;
  blocks: Block[];
  lines: Lines[];
  chosen: Batch[];      // links of what is chosen: above the others, which then step back
  matrices: MatrixBlock[];
}

export const inkOf = (mode: Mode): Ink => INK[mode];

export const hexOf = (r: number, g: number, b: number): string => '#' + [r, g, b].map(v => v.toString(16).padStart(2, '0')).join('');
export const rgbOf = (hex: string): [number, number, number] => [1, 3, 5].map(at => parseInt(hex.slice(at, at + 2), 16)) as [number, number, number];

export const NONFINITE_RGB: Record<Mode, readonly [number, number, number]> = { dark: rgbOf(NONFINITE.dark), light: rgbOf(NONFINITE.light) };

// Of a cell of which nothing is known.
export const unknownOf = (mode: Mode): string => (mode === 'dark' ? '#1a222d' : '#dfe5ec');

// Geometry of a unit drawn as a dot, and from which size marks can be told apart: the same in every renderer.
export const DOT = { share: 0.4, young: 0.6, marksFrom: 5, coarseBelow: 2.5 } as const;

// A line: width in CSS pixels, opacity and step of the signed ramp by strength (0..1) and sign. The more lines, the fainter those
// that are weak: the picture stays readable, the strongest keep their ink.
export const LINE = {
  width: (s: number) => 0.75 + 1.5 * s,
  faint: { dark: 0.07, light: 0.1 },
  share: (count: number) => Math.min(1, Math.sqrt(700 / Math.max(1, count))),
  opacity: (s: number, faint: number, share: number) => share * (faint + 0.45 * s * s) + 0.4 * s * s * s,
  code: (s: number, sign: number) => Math.round(127.5 + sign * (70 + 57.5 * s)),
  dim: 0.3,
} as const;

export function lineColour(mode: Mode, strength: number, sign: number): string {
  if (sign === 0) return NONFINITE[mode];
  const ramp = rampOf('signed', mode), at = 4 * Math.min(255, Math.max(0, LINE.code(strength, sign)));
  return hexOf(ramp[at]!, ramp[at + 1]!, ramp[at + 2]!);
}

// The cubic of a line, in screen pixels: leaves and arrives along the main axis.
export function cubicOf(view: View, data: Float32Array, at: number, vertical: boolean): number[] {
  const x0 = data[at]! * view.zoom + view.x, y0 = data[at + 1]! * view.zoom + view.y, x1 = data[at + 2]! * view.zoom + view.x, y1 = data[at + 3]! * view.zoom + view.y;
  const mx = (x1 - x0) / 2, my = (y1 - y0) / 2;
  return vertical ? [x0, y0, x0, y0 + my, x1, y1 - my, x1, y1] : [x0, y0, x0 + mx, y0, x1 - mx, y1, x1, y1];
}
