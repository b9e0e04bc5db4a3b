// In which shape the incoming weights of a unit are shown, and which weight stands where.
import { fold, times } from '../../network/fold';
import type { NetworkLayer } from '../../network/model';

export interface Picture { cols: number; rows: number; word: string }

export interface Tile { w: number; h: number }

// The picture that one source gives: a kernel, or the input's own shape; null: none, or one that does not divide the weights.
export function tileOf(count: number, shape: readonly number[], from: NetworkLayer | undefined): Tile | null {
  const own = shape.length >= 3 ? shape.slice(-2) : from && from.shape.length >= 2 ? from.shape.slice(-2) : [];
  const [h, w] = own, side = (h ?? 0) * (w ?? 0);
  return side > 1 && count % side === 0 ? { w: w!, h: h! } : null;
}

// (784) of a 28 x 28 input: 28 x 28; (C, 3, 3): kernels side by side; anything else folded.
export function pictureOf(count: number, tile: Tile | null): Picture {
  if (tile) {
    const { w, h } = tile, tiles = count / (w * h), across = Math.ceil(Math.sqrt(tiles));
    return { cols: w * across, rows: h * Math.ceil(tiles / across), word: tiles === 1 ? times(h, w) : `${times(h, w)}, ${tiles} channels` };
  }
  if (count <= 12) return { cols: count, rows: 1, word: String(count) };
  const grid = fold(count, 248, 160);
  return { cols: grid.cols, rows: grid.rows, word: `${count} as ${times(grid.rows, grid.cols)}` };
}

// Which weight a cell shows; -1: none.
export function indexOf(p: Picture, tile: Tile | null, count: number, column: number, row: number): number {
  if (!tile) return row * p.cols + column < count ? row * p.cols + column : -1;
  const { w, h } = tile, which = Math.floor(row / h) * (p.cols / w) + Math.floor(column / w), at = which * w * h + (row % h) * w + (column % w);
  return at < count ? at : -1;
}

export function largest(data: ArrayLike<number>): number {
  let most = 0;
  for (let i = 0; i < data.length; i++) if (Math.abs(data[i]!) > most && Number.isFinite(data[i]!)) most = Math.abs(data[i]!);
  return most;
}
