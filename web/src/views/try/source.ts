// What is on the pad: strokes, an image, or a sample of the program's own. One for the page: changing tabs or runs keeps it.
import { signal } from '@preact/signals';
import type { PushAsk } from '../../link/messages';
import { inputOf, type Form } from './form';
import { fitGrey, type Grey } from './image';
import { pixelsOf, type Point, type Stroke } from './strokes';

export type Source =
  | { kind: 'nothing' }
  | { kind: 'strokes'; strokes: Stroke[] }
  | { kind: 'image'; name: string; grey: Grey; inverted: boolean }
  | { kind: 'sample'; number: number };

export const NOTHING: Source = { kind: 'nothing' };
export const source = signal<Source>(NOTHING);
export const centred = signal(true);
export const trouble = signal(''); // why an image was refused

export function put(next: Source): void {
  trouble.value = '';
  source.value = next;
}

// A new stroke; what was there and is no drawing goes.
export function beginStroke(at: Point): void {
  const before = source.peek();
  put({ kind: 'strokes', strokes: [...(before.kind === 'strokes' ? before.strokes : []), [at]] });
}

export function extendStroke(points: readonly Point[]): void {
  const now = source.peek();
  if (now.kind !== 'strokes' || !points.length) return;
  now.strokes[now.strokes.length - 1]!.push(...points);
  source.value = { ...now };
}

export function undoStroke(): void {
  const now = source.peek();
  if (now.kind === 'strokes') put(now.strokes.length > 1 ? { kind: 'strokes', strokes: now.strokes.slice(0, -1) } : NOTHING);
}

let made: { what: Source; form: Form; centre: boolean; pixels: Float32Array | null } | null = null; // asked for by several at once

// Pixels of what is on the pad, as the network is to see them; null: only the program knows them, or there are none.
export function pixelsFor(what: Source, form: Form, centre: boolean): Float32Array | null {
  if (made && made.what === what && made.form === form && made.centre === centre) return made.pixels;
  const pixels = what.kind === 'strokes' ? pixelsOf(what.strokes, form, centre) : what.kind === 'image' ? fitGrey(what.grey, form, centre) : null;
  made = { what, form, centre, pixels };
  return pixels;
}

export const rounded = (v: number) => Math.round(v * 1000) / 1000;

export function askFor(what: Source, form: Form | null, centre: boolean): PushAsk | null {
  if (what.kind === 'sample') return { sample: what.number };
  const pixels = form && pixelsFor(what, form, centre);
  return pixels ? { input: Array.from(inputOf(pixels, form), rounded) } : null;
}
