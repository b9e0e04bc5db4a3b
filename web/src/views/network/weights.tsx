// Incoming weights of a unit as an image in the shape of what feeds it; the exact number under the pointer.
import { useEffect, useRef, useState } from 'preact/hooks';
import { mode } from '../../look/theme';
import { rampOf } from '../../network/scale';
import type { NetworkLayer } from '../../network/model';
import { fold, times } from '../../network/fold';
import { figure, unitWords } from './words';

export interface Picture { cols: number; rows: number; word: string }

// (784) of a 28 x 28 input: 28 x 28; (C, 3, 3): kernels side by side; anything else folded.
export function pictureOf(count: number, shape: readonly number[], from: NetworkLayer | undefined): Picture {
  const own = shape.length >= 3 ? shape.slice(-2) : from && from.shape.length >= 2 ? from.shape.slice(-2) : [];
  const side = own.length === 2 ? own[0]! * own[1]! : 0;
  if (side > 1 && count % side === 0) {
    const tiles = count / side, across = tiles === 1 ? 1 : Math.ceil(Math.sqrt(tiles));
    return { cols: own[1]! * across, rows: own[0]! * Math.ceil(tiles / across), word: tiles === 1 ? times(own[0]!, own[1]!) : `${times(own[0]!, own[1]!)}, ${tiles} channels` };
  }
  if (count <= 12) return { cols: count, rows: 1, word: String(count) };
  const grid = fold(count, 248, 160);
  return { cols: grid.cols, rows: grid.rows, word: `${count} as ${times(grid.rows, grid.cols)}` };
}

// Which weight a cell shows; -1: none.
export function indexOf(p: Picture, side: { w: number; h: number } | null, count: number, column: number, row: number): number {
  if (!side) return row * p.cols + column < count ? row * p.cols + column : -1;
  const across = p.cols / side.w, tile = Math.floor(row / side.h) * across + Math.floor(column / side.w);
  const at = tile * side.w * side.h + (row % side.h) * side.w + (column % side.w);
  return at < count ? at : -1;
}

const sideOf = (p: Picture, count: number, shape: readonly number[], from: NetworkLayer | undefined): { w: number; h: number } | null => {
  const own = shape.length >= 3 ? shape.slice(-2) : from && from.shape.length >= 2 ? from.shape.slice(-2) : [];
  return own.length === 2 && count % (own[0]! * own[1]!) === 0 && own[0]! * own[1]! > 1 && p.cols % own[1]! === 0 ? { w: own[1]!, h: own[0]! } : null;
};

export function largest(data: ArrayLike<number>): number {
  let most = 0;
  for (let i = 0; i < data.length; i++) if (Math.abs(data[i]!) > most && Number.isFinite(data[i]!)) most = Math.abs(data[i]!);
  return most;
}

interface WeightsProps { name: string; data: ArrayLike<number>; shape: readonly number[]; from: NetworkLayer | undefined; choose?: (index: number) => void; children?: preact.ComponentChildren }

export function WeightImage({ name, data, shape, from, choose }: WeightsProps) {
  const canvas = useRef<HTMLCanvasElement>(null), [at, setAt] = useState(-1), now = mode.value;
  const p = pictureOf(data.length, shape, from), side = sideOf(p, data.length, shape, from), most = largest(data);
  useEffect(() => {
    const image = new ImageData(p.cols, p.rows), ramp = rampOf('signed', now);
    for (let row = 0; row < p.rows; row++)
      for (let column = 0; column < p.cols; column++) {
        const i = indexOf(p, side, data.length, column, row), v = i < 0 ? NaN : data[i]!, to = 4 * (row * p.cols + column);
        const code = Number.isFinite(v) ? Math.round(127.5 + (most ? 127.5 * (v / most) : 0)) : -1;
        if (code >= 0) image.data.set(ramp.subarray(4 * code, 4 * code + 4), to);
        else if (i >= 0) image.data.set([255, 43, 214, 255], to); // not finite
      }
    canvas.current?.getContext('2d')?.putImageData(image, 0, 0);
  }, [data, now, p.cols, p.rows]);
  const cell = (e: MouseEvent): number => {
    const box = canvas.current!.getBoundingClientRect(), column = Math.floor((p.cols * (e.clientX - box.left)) / box.width), row = Math.floor((p.rows * (e.clientY - box.top)) / box.height);
    return column >= 0 && column < p.cols && row >= 0 && row < p.rows ? indexOf(p, side, data.length, column, row) : -1;
  };
  const unit = at >= 0 && from ? (from.shape.length >= 3 ? `weight ${at}` : unitWords(from, at % Math.max(1, from.shape.reduce((n, s) => n * s, 1)), undefined, false)) : at >= 0 ? `input ${at}` : '';
  return (
    <figure class="weights">
      <canvas ref={canvas} width={p.cols} height={p.rows} class="weights-image" role="img" aria-label={`${name}, ${p.word}`} style={{ aspectRatio: `${p.cols} / ${p.rows}` }}
        onPointerMove={e => setAt(cell(e))} onPointerLeave={() => setAt(-1)} onClick={e => choose && cell(e) >= 0 && choose(cell(e))} />
      <figcaption class="faint number">{at >= 0 ? <><span>{unit}</span> <b class="weights-at">{figure(data[at]!)}</b></> : <span>±{figure(most)}</span>}</figcaption>
    </figure>
  );
}
