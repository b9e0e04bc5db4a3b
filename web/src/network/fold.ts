// Wide layers are folded into a grid, and the picture says how: "512 as 16 × 32" (columns × rows).
import { whole } from '../look/format';

export interface Grid { cols: number; rows: number }

// The grid of `count` cells that fills width x height best, cells `ratio` times as wide as high. Whole rows are preferred.
export function fold(count: number, width: number, height: number, ratio = 0.8): Grid {
  if (count <= 0) return { cols: 0, rows: 0 };
  const ideal = Math.sqrt((count * width) / (height * ratio)), least = Math.max(1, Math.floor(ideal / 2)), most = Math.min(count, Math.ceil(ideal * 2) + 1);
  let best = { cols: Math.min(count, Math.max(1, Math.round(ideal))), rows: 0 }, cost = Infinity;
  for (let cols = Math.min(least, count); cols <= most; cols++) {
    const rows = Math.ceil(count / cols), empty = (rows * cols - count) / count;
    const now = Math.abs(Math.log((width / cols) / (height / rows) / ratio)) + 4 * empty + (empty > 0 ? 0.8 : 0);
    if (now < cost) cost = now, best = { cols, rows };
  }
  best.rows = Math.ceil(count / best.cols);
  return best;
}

export const times = (...sides: number[]): string => sides.map(whole).join(' \u00d7 ');

export function foldWord(count: number, grid: Grid): string {
  return grid.cols > 1 && grid.rows > 1 ? `${whole(count)} as ${times(grid.cols, grid.rows)}` : '';
}
