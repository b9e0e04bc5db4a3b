// Strokes on the pad as pixels. A stroke is a line of points on the unit square; ink is a soft brush along it. Centred, as the
// digits of MNIST were: the ink's box is scaled to 20/28 of the side, then its centre of mass is put into the middle.
import type { Form } from './form';

export interface Point { x: number; y: number }
export type Stroke = Point[];

// In pixels of a picture of 28: full ink up to CORE from the line, none beyond CORE + SOFT.
const CORE = 0.55, SOFT = 1.3, REFERENCE = 28;
const INNER = 20 / 28;           // of the side: the ink's box when centred
const SMALLEST = 0.08;           // of the pad: a smaller box (a dot) is not blown up further

export interface Place { scale: number; dx: number; dy: number } // pixels = pad * scale + d

export function boxOf(strokes: readonly Stroke[]): { left: number; top: number; right: number; bottom: number } | null {
  const box = { left: Infinity, top: Infinity, right: -Infinity, bottom: -Infinity };
  for (const stroke of strokes)
    for (const p of stroke) {
      box.left = Math.min(box.left, p.x), box.right = Math.max(box.right, p.x);
      box.top = Math.min(box.top, p.y), box.bottom = Math.max(box.bottom, p.y);
    }
  return box.right < box.left ? null : box;
}

// As drawn: the pad is the picture (its shorter side, in the middle).
function plain(form: Form): Place {
  const side = Math.min(form.width, form.height);
  return { scale: side, dx: (form.width - side) / 2, dy: (form.height - side) / 2 };
}

// The lines' box, without the brush, in the middle.
function fitted(strokes: readonly Stroke[], form: Form): Place {
  const box = boxOf(strokes)!, side = Math.min(form.width, form.height), brush = (2 * (CORE + SOFT / 2) * side) / REFERENCE;
  const size = Math.max(box.right - box.left, box.bottom - box.top, SMALLEST), scale = (INNER * side - brush) / size;
  return { scale, dx: form.width / 2 - ((box.left + box.right) / 2) * scale, dy: form.height / 2 - ((box.top + box.bottom) / 2) * scale };
}

// Distance from (x, y) to the segment a b.
function distance(x: number, y: number, a: Point, b: Point): number {
  const dx = b.x - a.x, dy = b.y - a.y, length = dx * dx + dy * dy;
  const t = length > 0 ? Math.min(1, Math.max(0, ((x - a.x) * dx + (y - a.y) * dy) / length)) : 0;
  return Math.hypot(x - a.x - t * dx, y - a.y - t * dy);
}

function ink(pixels: Float32Array, form: Form, a: Point, b: Point): void {
  const unit = Math.min(form.width, form.height) / REFERENCE, core = CORE * unit, soft = SOFT * unit, reach = core + soft;
  const fromX = Math.max(0, Math.floor(Math.min(a.x, b.x) - reach)), toX = Math.min(form.width - 1, Math.ceil(Math.max(a.x, b.x) + reach));
  const fromY = Math.max(0, Math.floor(Math.min(a.y, b.y) - reach)), toY = Math.min(form.height - 1, Math.ceil(Math.max(a.y, b.y) + reach));
  for (let y = fromY; y <= toY; y++)
    for (let x = fromX; x <= toX; x++) {
      const level = Math.min(1, Math.max(0, 1 - (distance(x + 0.5, y + 0.5, a, b) - core) / soft)), at = y * form.width + x;
      if (level > pixels[at]!) pixels[at] = level;
    }
}

function raster(strokes: readonly Stroke[], form: Form, place: Place): Float32Array {
  const pixels = new Float32Array(form.width * form.height);
  const at = (p: Point) => ({ x: p.x * place.scale + place.dx, y: p.y * place.scale + place.dy });
  for (const stroke of strokes) {
    const points = stroke.map(at);
    points.forEach((p, i) => ink(pixels, form, points[Math.max(0, i - 1)]!, p));
  }
  return pixels;
}

// Middle of the ink, in pixels; null: there is none.
export function massOf(pixels: ArrayLike<number>, width: number): Point | null {
  let sum = 0, x = 0, y = 0;
  for (let i = 0; i < pixels.length; i++) {
    const v = pixels[i]!;
    sum += v, x += v * ((i % width) + 0.5), y += v * (Math.floor(i / width) + 0.5);
  }
  return sum > 0 ? { x: x / sum, y: y / sum } : null;
}

// Moved no further than the picture goes: none of the ink is cut off.
function inside(strokes: readonly Stroke[], form: Form, place: Place): Place {
  const box = boxOf(strokes)!, brush = ((CORE + SOFT) * Math.min(form.width, form.height)) / REFERENCE;
  const held = (d: number, low: number, high: number, size: number) => Math.min(size - brush - high * place.scale, Math.max(brush - low * place.scale, d));
  return { scale: place.scale, dx: held(place.dx, box.left, box.right, form.width), dy: held(place.dy, box.top, box.bottom, form.height) };
}

// The strokes as the network is to see them: values from 0 to 1, row by row.
export function pixelsOf(strokes: readonly Stroke[], form: Form, centred: boolean): Float32Array {
  if (!strokes.length || !centred) return raster(strokes, form, plain(form));
  const place = fitted(strokes, form), mass = massOf(raster(strokes, form, place), form.width);
  if (!mass) return raster(strokes, form, place);
  return raster(strokes, form, inside(strokes, form, { scale: place.scale, dx: place.dx + form.width / 2 - mass.x, dy: place.dy + form.height / 2 - mass.y }));
}
