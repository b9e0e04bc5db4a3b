// Units and filters as the two bytes that every renderer draws from: the step of the ramp (0..255), and what else is true of
// the cell. Made once for each state, only of layers in sight.
//
//     bit 0 dead   1 saturated   2 young   3 not finite   4 unknown   5-6 ramp (0 magnitude, 1 signed, 2 pixels)   7 blank
import { MARK } from '../link/capture';
import type { Box, Filters } from './layout';
import { matrixValue } from './matrix';
import type { Matrix, RampName, Scale } from './model';
import { codeOf } from './scale';
import type { Seen } from './seen';

export const CELL = { ...MARK, nonfinite: 8, unknown: 16, blank: 128 } as const;
const RAMP: Record<RampName, number> = { magnitude: 0, signed: 1, pixels: 2 };
const RAMPS: RampName[] = ['magnitude', 'signed', 'pixels', 'magnitude'];

export const rampOfCell = (flags: number): RampName => RAMPS[(flags >> 5) & 3]!;
const MARKS = MARK.dead | MARK.saturated | MARK.young;

// Cells of a block: units in order, of each the pixels of its map (tile[0] x tile[1]) in order.
export interface Cells { bytes: Uint8Array; tile: [number, number]; units: number }

export function unitCells(box: Box, seen: Seen | null, scale: Scale, marks: Uint8Array | undefined): Cells {
  const each = seen?.each ?? 1, bytes = new Uint8Array(2 * box.units * each), ramp = RAMP[scale.ramp] << 5;
  for (let unit = 0, at = 0; unit < box.units; unit++) {
    const mark = ramp | ((marks?.[unit] ?? 0) & MARKS);
    for (let k = 0; k < each; k++, at++) put(bytes, at, scale, seen?.values[at], mark);
  }
  return { bytes, tile: each > 1 ? box.tile : [1, 1], units: box.units };
}

function put(bytes: Uint8Array, at: number, scale: Scale, value: number | undefined, flags: number): void {
  if (value === undefined) flags |= CELL.unknown;
  else if (Number.isFinite(value)) bytes[2 * at] = codeOf(scale, value);
  else flags |= CELL.nonfinite;
  bytes[2 * at + 1] = flags;
}

// The kernels of each unit side by side, one blank line between them.
export function filterCells(filters: Filters, m: Matrix, scale: Scale): Cells {
  const [kw, kh] = filters.kernel, { cols, rows } = filters.kernels, units = m.shape[0]!;
  const tile: [number, number] = [cols * (kw + 1) - 1, rows * (kh + 1) - 1], area = tile[0] * tile[1], ramp = RAMP[scale.ramp] << 5;
  const bytes = new Uint8Array(2 * units * area);
  for (let i = 1; i < bytes.length; i += 2) bytes[i] = CELL.blank;
  for (let unit = 0, from = 0; unit < units; unit++)
    for (let c = 0; c < filters.of; c++) {
      if (c >= filters.channels) { from += kw * kh; continue; }
      const left = (c % cols) * (kw + 1), top = Math.floor(c / cols) * (kh + 1);
      for (let k = 0; k < kw * kh; k++, from++)
        put(bytes, unit * area + (top + Math.floor(k / kw)) * tile[0] + left + (k % kw), scale, matrixValue(m, from), ramp);
    }
  return { bytes, tile, units };
}
