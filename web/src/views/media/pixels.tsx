// Raw pixels on a canvas, one pixel a cell; the style sheet scales it without smoothing.
import { useEffect, useRef } from 'preact/hooks';

export interface Pixels { width: number; height: number; channels: 1 | 3 | 4; bytes: Uint8Array }

function paint(canvas: HTMLCanvasElement, p: Pixels): void {
  canvas.width = p.width;
  canvas.height = p.height;
  const picture = new ImageData(p.width, p.height);
  for (let i = 0; i < p.width * p.height; i++) {
    const at = i * p.channels, grey = p.channels === 1;
    picture.data[4 * i] = p.bytes[at]!;
    picture.data[4 * i + 1] = p.bytes[grey ? at : at + 1]!;
    picture.data[4 * i + 2] = p.bytes[grey ? at : at + 2]!;
    picture.data[4 * i + 3] = p.channels === 4 ? p.bytes[at + 3]! : 255;
  }
  canvas.getContext('2d')?.putImageData(picture, 0, 0);
}

export function PixelCanvas(props: { pixels: Pixels; title?: string }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const p = props.pixels;
  useEffect(() => {
    const whole = p.width > 0 && p.height > 0 && p.width * p.height <= 1 << 24 && p.bytes.length >= p.width * p.height * p.channels;
    if (canvas.current && whole) paint(canvas.current, p);
  }, [p.bytes, p.width, p.height]);
  return <canvas ref={canvas} class="pixels" title={props.title} aria-hidden="true" />;
}
