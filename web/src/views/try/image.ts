// An image of any size as pixels that the network may be shown: grey, bright ink on dark, fitted. What cannot be read is
// refused in words.
import type { Form } from './form';
import { massOf } from './strokes';

export interface Grey { width: number; height: number; pixels: Float32Array } // from 0 to 1

const LARGEST_BYTES = 32 << 20, LARGEST_SIDE = 512, INK = 0.12, INNER = 20 / 28;

// RGBA bytes as grey. Where parts are transparent the ground is white or black, whichever is unlike what is drawn on it.
export function greyOfRgba(rgba: ArrayLike<number>, width: number, height: number): Grey {
  const n = width * height, pixels = new Float32Array(n);
  let light = 0, opaque = 0;
  const grey = (i: number) => (0.2126 * rgba[4 * i]! + 0.7152 * rgba[4 * i + 1]! + 0.0722 * rgba[4 * i + 2]!) / 255;
  for (let i = 0; i < n; i++) light += (grey(i) * rgba[4 * i + 3]!) / 255, opaque += rgba[4 * i + 3]! / 255;
  const ground = opaque > 0 && light / opaque < 0.5 ? 1 : 0;
  for (let i = 0; i < n; i++) {
    const alpha = rgba[4 * i + 3]! / 255;
    pixels[i] = grey(i) * alpha + ground * (1 - alpha);
  }
  return { width, height, pixels };
}

// The ground: what stands in the middle of the order of the edge's pixels.
function groundOf({ width, height, pixels }: Grey): number {
  const edge: number[] = [];
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) if (x === 0 || y === 0 || x === width - 1 || y === height - 1) edge.push(pixels[y * width + x]!);
  return edge.sort((a, b) => a - b)[edge.length >> 1] ?? 0;
}

// Bright ink on dark: the ground becomes 0, the brightest 1; `inverted` says that it stood on a bright ground.
export function inkOf(grey: Grey): Grey & { inverted: boolean } {
  const ground = groundOf(grey), inverted = ground > 0.5, low = inverted ? 1 - ground : ground;
  const pixels = grey.pixels.map(v => (inverted ? 1 - v : v)), span = pixels.reduce((most, v) => Math.max(most, v), 0) - low;
  return { width: grey.width, height: grey.height, inverted, pixels: span > 0.05 ? pixels.map(v => Math.max(0, (v - low) / span)) : pixels };
}

interface Box { x: number; y: number; width: number; height: number }

function inkBox({ width, height, pixels }: Grey): Box | null {
  let left = width, right = -1, top = height, bottom = -1;
  for (let i = 0; i < pixels.length; i++) {
    if (pixels[i]! < INK) continue;
    const x = i % width, y = (i - x) / width;
    left = Math.min(left, x), right = Math.max(right, x), top = Math.min(top, y), bottom = Math.max(bottom, y);
  }
  return right < left ? null : { x: left, y: top, width: right - left + 1, height: bottom - top + 1 };
}

// Share of source pixel `s` that lies within [from, to).
const cover = (s: number, from: number, to: number) => Math.max(0, Math.min(s + 1, to) - Math.max(s, from));

// One pixel of the target: the mean of the source over the rectangle that it stands for; outside of the source is dark.
function mean(grey: Grey, fromX: number, toX: number, fromY: number, toY: number): number {
  let sum = 0;
  for (let y = Math.max(0, Math.floor(fromY)); y < Math.min(grey.height, toY); y++)
    for (let x = Math.max(0, Math.floor(fromX)); x < Math.min(grey.width, toX); x++)
      sum += grey.pixels[y * grey.width + x]! * cover(x, fromX, toX) * cover(y, fromY, toY);
  return sum / ((toX - fromX) * (toY - fromY));
}

// Pixel (x, y) of the target shows the source from (left + x * step, top + y * step).
function sampled(grey: Grey, form: Form, left: number, top: number, step: number): Float32Array {
  const out = new Float32Array(form.width * form.height);
  for (let y = 0; y < form.height; y++)
    for (let x = 0; x < form.width; x++)
      out[y * form.width + x] = Math.min(1, mean(grey, left + x * step, left + (x + 1) * step, top + y * step, top + (y + 1) * step));
  return out;
}

const between = (v: number, low: number, high: number) => Math.min(high, Math.max(low, v));

// The whole image in the middle; or centred: its ink scaled to 20/28 of the side, its centre of mass in the middle, but moved no
// further than the picture goes.
export function fitGrey(grey: Grey, form: Form, centred: boolean): Float32Array {
  const box = centred ? inkBox(grey) : null;
  if (!box) {
    const step = Math.max(grey.width / form.width, grey.height / form.height);
    return sampled(grey, form, (grey.width - form.width * step) / 2, (grey.height - form.height * step) / 2, step);
  }
  const step = Math.max(box.width, box.height) / (INNER * Math.min(form.width, form.height));
  const mass = massOf(grey.pixels.map(v => (v < INK ? 0 : v)), grey.width)!;
  const left = between(mass.x - (form.width / 2) * step, box.x + box.width - form.width * step, box.x);
  const top = between(mass.y - (form.height / 2) * step, box.y + box.height - form.height * step, box.y);
  return sampled(grey, form, left, top, step);
}

// A file that a person chose or dropped. Rejects with words.
export async function readImage(file: Blob): Promise<Grey & { inverted: boolean }> {
  if (!file.type.startsWith('image/')) throw new Error(`This is not an image${file.type ? ` but ${file.type}` : ''}: choose a PNG, JPEG, WebP, GIF or BMP file.`);
  if (file.size > LARGEST_BYTES) throw new Error('This image is larger than 32 MB: choose a smaller one.');
  const bitmap = await createImageBitmap(file).catch(() => null);
  if (!bitmap || !bitmap.width || !bitmap.height) throw new Error('This browser cannot read the image: choose a PNG, JPEG, WebP, GIF or BMP file.');
  const scale = Math.min(1, LARGEST_SIDE / Math.max(bitmap.width, bitmap.height));
  const width = Math.max(1, Math.round(bitmap.width * scale)), height = Math.max(1, Math.round(bitmap.height * scale));
  const context = new OffscreenCanvas(width, height).getContext('2d', { willReadFrequently: true })!;
  context.imageSmoothingQuality = 'high';
  context.drawImage(bitmap, 0, 0, width, height);
  bitmap.close();
  return inkOf(greyOfRgba(context.getImageData(0, 0, width, height).data, width, height));
}
