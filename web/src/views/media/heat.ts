// Histograms over steps as a heat map: columns are steps, rows are intervals of the value, brightness is the share of the
// column's counts (by square root, so that tails are seen). Histograms with different bounds are laid on common rows.
import type { Ramp } from '../../look/ramps';

export interface Histogram { step: number; low: number; high: number; counts: ArrayLike<number> }
export interface Heat { columns: number; rows: number; share: Float32Array; low: number; high: number; from: number; to: number; steps: number[] }

const ROWS_MAX = 128;

export function heatOf(histograms: readonly Histogram[], columnsMax: number): Heat | null {
  const whole = histograms.filter(h => h.counts.length > 0 && h.high > h.low && Number.isFinite(h.high - h.low));
  if (whole.length === 0) return null;
  const shown = thinned(whole, Math.max(1, columnsMax));
  const low = Math.min(...shown.map(h => h.low)), high = Math.max(...shown.map(h => h.high));
  const finest = Math.min(...shown.map(h => (h.high - h.low) / h.counts.length));
  const rows = Math.max(1, Math.min(ROWS_MAX, Math.round((high - low) / finest)));
  const share = new Float32Array(shown.length * rows);
  shown.forEach((h, column) => spread(h, share.subarray(column * rows, (column + 1) * rows), low, high));
  const steps = shown.map(h => h.step);
  return { columns: shown.length, rows, share, low, high, from: steps[0]!, to: steps[steps.length - 1]!, steps };
}

function thinned(items: readonly Histogram[], most: number): readonly Histogram[] {
  if (items.length <= most) return items;
  return Array.from({ length: most }, (_, i) => items[Math.round((i * (items.length - 1)) / Math.max(1, most - 1))]!);
}

// Each bin's count goes to the rows that it covers, in proportion; then the column is divided by its sum.
function spread(h: Histogram, column: Float32Array, low: number, high: number): void {
  const rows = column.length, perRow = (high - low) / rows, width = (h.high - h.low) / h.counts.length;
  let sum = 0;
  for (let bin = 0; bin < h.counts.length; bin++) {
    const count = h.counts[bin]!;
    if (!(count > 0)) continue;
    sum += count;
    const from = (h.low + bin * width - low) / perRow, to = from + width / perRow;
    for (let row = Math.max(0, Math.floor(from + 1e-9)); row < Math.min(rows, to - 1e-9); row++)
      column[row]! += (count * (Math.min(to, row + 1) - Math.max(from, row))) / (to - from);
  }
  if (sum > 0) for (let row = 0; row < rows; row++) column[row]! /= sum;
}

// The picture, one pixel a cell, the lowest row at the bottom; the canvas stretches it.
export function paintHeat(heat: Heat, ramp: Ramp): ImageData {
  const picture = new ImageData(heat.columns, heat.rows);
  const most = heat.share.reduce((a, b) => Math.max(a, b), 1e-12);
  for (let x = 0; x < heat.columns; x++)
    for (let row = 0; row < heat.rows; row++) {
      const level = Math.round(255 * Math.sqrt(heat.share[x * heat.rows + row]! / most));
      picture.data.set(ramp.subarray(4 * level, 4 * level + 4), 4 * ((heat.rows - 1 - row) * heat.columns + x));
    }
  return picture;
}
