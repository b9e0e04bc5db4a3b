// Values as cells of colour on a canvas, one pixel a cell; the style sheet scales it. Units of a dense layer are folded row by
// row, maps of a convolution stand side by side. Signed values have the signed ramp. NaN and infinities are the warning colour.
import { useEffect, useRef } from 'preact/hooks';
import { INK } from '../../look/palette';
import { heat, signed, type Mode } from '../../look/ramps';
import { mode } from '../../look/theme';

export interface Cells { columns: number; rows: number; at: Int32Array } // index of the value that a cell shows; -1 none

const GAP = 1, FEW = 32;

// Units in a grid about three times as wide as high; (C, H, W) as tiles.
export function cellsOf(shape: readonly number[], count: number): Cells {
  if (shape.length === 3 && shape[1]! * shape[2]! > 1) return tiles(shape[0]!, shape[1]!, shape[2]!);
  if (shape.length === 2 && shape[0]! > 1 && shape[1]! > 1) return { columns: shape[1]!, rows: shape[0]!, at: Int32Array.from({ length: count }, (_, i) => i) };
  const rows = count <= FEW ? 1 : Math.max(1, Math.round(Math.sqrt(count / 3))), columns = Math.ceil(count / rows);
  return { columns, rows: Math.ceil(count / columns), at: Int32Array.from({ length: columns * Math.ceil(count / columns) }, (_, i) => (i < count ? i : -1)) };
}

function tiles(maps: number, height: number, width: number): Cells {
  const across = Math.max(1, Math.ceil(Math.sqrt((maps * 3 * height) / width))), down = Math.ceil(maps / across);
  const columns = across * (width + GAP) - GAP, rows = down * (height + GAP) - GAP, at = new Int32Array(columns * rows).fill(-1);
  for (let m = 0; m < maps; m++) {
    const left = (m % across) * (width + GAP), top = Math.floor(m / across) * (height + GAP);
    for (let y = 0; y < height; y++) for (let x = 0; x < width; x++) at[(top + y) * columns + left + x] = (m * height + y) * width + x;
  }
  return { columns, rows, at };
}

export interface Extent { low: number; high: number; zeros: number; broken: number }

export function extentOf(values: ArrayLike<number>): Extent {
  const e = { low: Infinity, high: -Infinity, zeros: 0, broken: 0 };
  for (let i = 0; i < values.length; i++) {
    const v = values[i]!;
    if (!Number.isFinite(v)) e.broken++;
    else e.low = Math.min(e.low, v), e.high = Math.max(e.high, v), (e.zeros += v === 0 ? 1 : 0);
  }
  return e;
}

const bytesOf = (hex: string) => [1, 3, 5].map(at => parseInt(hex.slice(at, at + 2), 16));

export function paintCells(cells: Cells, values: ArrayLike<number>, extent: Extent, shown: Mode): ImageData {
  const picture = new ImageData(cells.columns, cells.rows), both = extent.low < 0, ramp = both ? signed(shown) : heat(shown), bad = bytesOf(INK[shown].bad);
  const most = Math.max(Math.abs(extent.low), Math.abs(extent.high), 1e-30);
  cells.at.forEach((from, i) => {
    if (from < 0) return;
    const v = values[from]!;
    if (!Number.isFinite(v)) return picture.data.set([...bad, 255], 4 * i);
    const level = Math.round(255 * Math.min(1, Math.max(0, both ? 0.5 + v / most / 2 : v / most)));
    picture.data.set(ramp.subarray(4 * level, 4 * level + 4), 4 * i);
  });
  return picture;
}

export function Field(props: { shape: readonly number[]; values: Float32Array; label: string }) {
  const canvas = useRef<HTMLCanvasElement>(null), shown = mode.value, cells = cellsOf(props.shape, props.values.length);
  useEffect(() => {
    const to = canvas.current!, extent = extentOf(props.values);
    if (to.width !== cells.columns) to.width = cells.columns;
    if (to.height !== cells.rows) to.height = cells.rows;
    to.getContext('2d')?.putImageData(paintCells(cells, props.values, extent, shown), 0, 0);
  }, [props.values, shown]);
  return <canvas ref={canvas} class="try-field" role="img" aria-label={props.label} style={{ aspectRatio: `${cells.columns} / ${cells.rows}`, maxHeight: cells.rows === 1 ? 24 : undefined }} />;
}
