// Incoming weights of a unit as an image in the shape of what feeds it; the exact number under the pointer.
import { useEffect, useRef, useState } from 'preact/hooks';
import { mode } from '../../look/theme';
import { rampOf } from '../../network/scale';
import type { NetworkLayer } from '../../network/model';
import { indexOf, largest, pictureOf, tileOf } from './weights-shape';
import { figure, unitWords } from './words';

interface WeightsProps { name: string; data: ArrayLike<number>; shape: readonly number[]; from: NetworkLayer | undefined; choose?: (index: number) => void; children?: preact.ComponentChildren }

export function WeightImage({ name, data, shape, from, choose }: WeightsProps) {
  const canvas = useRef<HTMLCanvasElement>(null), [at, setAt] = useState(-1), now = mode.value;
  const tile = tileOf(data.length, shape, from), p = pictureOf(data.length, tile), most = largest(data);
  useEffect(() => {
    const image = new ImageData(p.cols, p.rows), ramp = rampOf('signed', now);
    for (let row = 0; row < p.rows; row++)
      for (let column = 0; column < p.cols; column++) {
        const i = indexOf(p, tile, data.length, column, row), v = i < 0 ? NaN : data[i]!, to = 4 * (row * p.cols + column);
        const code = Number.isFinite(v) ? Math.round(127.5 + (most ? 127.5 * (v / most) : 0)) : -1;
        if (code >= 0) image.data.set(ramp.subarray(4 * code, 4 * code + 4), to);
        else if (i >= 0) image.data.set([255, 43, 214, 255], to); // not finite
      }
    canvas.current?.getContext('2d')?.putImageData(image, 0, 0);
  }, [data, now, p.cols, p.rows]);
  const cell = (e: MouseEvent): number => {
    const box = canvas.current!.getBoundingClientRect(), column = Math.floor((p.cols * (e.clientX - box.left)) / box.width), row = Math.floor((p.rows * (e.clientY - box.top)) / box.height);
    return column >= 0 && column < p.cols && row >= 0 && row < p.rows ? indexOf(p, tile, data.length, column, row) : -1;
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
