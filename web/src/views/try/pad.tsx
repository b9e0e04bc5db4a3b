// The pad: what is drawn with mouse, finger or pen, or the image or sample that lies there. Beside it what the network sees.
import { useEffect, useRef } from 'preact/hooks';
import { mode } from '../../look/theme';
import { PixelCanvas } from '../media/pixels';
import { useSignalEffect } from '../../state/watch';
import type { Answer } from '../../state/pusher';
import { greyOf, type Form } from './form';
import { readImage } from './image';
import { beginStroke, centred, extendStroke, pixelsFor, put, source, trouble, type Source } from './source';
import type { Point, Stroke } from './strokes';

const BRUSH = 0.062;             // of the pad's side: as wide as the soft brush of strokes.ts makes it
const INK = { dark: '#eef3f9', light: '#18202b' };

function paintStroke(context: CanvasRenderingContext2D, stroke: Stroke, side: number): void {
  context.beginPath();
  stroke.forEach((p, i) => context[i ? 'lineTo' : 'moveTo'](p.x * side, p.y * side));
  if (stroke.length === 1) context.lineTo(stroke[0]!.x * side + 0.01, stroke[0]!.y * side);
  context.stroke();
}

function paintStrokes(canvas: HTMLCanvasElement, what: Source): void {
  const side = canvas.width, context = canvas.getContext('2d');
  if (!context) return;
  context.clearRect(0, 0, side, side);
  context.lineCap = context.lineJoin = 'round';
  context.strokeStyle = INK[mode.peek()];
  context.lineWidth = BRUSH * side;
  for (const stroke of what.kind === 'strokes' ? what.strokes : []) paintStroke(context, stroke, side);
}

const pointOf = (e: PointerEvent, box: DOMRect): Point => ({ x: (e.clientX - box.left) / box.width, y: (e.clientY - box.top) / box.height });

// Browsers hold pointermove back until the next frame; pointerrawupdate comes as soon as the page can take it, where there is one
// (up to a thousand times a second: most of them are only gathered).
const RAW = 'onpointerrawupdate' in HTMLElement.prototype, SOON_MS = 8;

// Draws with whatever points: one pointer at a time, every position that it was at.
function usePointer(ended: () => void) {
  const stroke = useRef({ pointer: -1, box: null as DOMRect | null, points: [] as Point[], told: 0 }).current;
  const gather = (e: PointerEvent) => {
    const all = e.getCoalescedEvents?.() ?? [];
    stroke.points.push(...(all.length ? all : [e]).map(p => pointOf(p, stroke.box!)));
  };
  const tell = (e: PointerEvent) => {
    extendStroke(stroke.points.splice(0));
    stroke.told = e.timeStamp;
  };
  const down = (e: PointerEvent) => {
    if (stroke.pointer >= 0 || (e.pointerType === 'mouse' && e.button !== 0)) return;
    e.preventDefault();
    const canvas = e.currentTarget as HTMLElement;
    canvas.setPointerCapture(e.pointerId);
    Object.assign(stroke, { pointer: e.pointerId, box: canvas.getBoundingClientRect(), points: [], told: e.timeStamp });
    beginStroke(pointOf(e, stroke.box!));
  };
  const raw = (e: PointerEvent) => {
    if (e.pointerId !== stroke.pointer) return;
    gather(e);
    if (e.timeStamp - stroke.told >= SOON_MS) tell(e);
  };
  const move = (e: PointerEvent) => {
    if (e.pointerId !== stroke.pointer) return;
    if (!RAW) gather(e);
    tell(e);
  };
  const up = (e: PointerEvent) => {
    if (e.pointerId !== stroke.pointer) return;
    tell(e);
    stroke.pointer = -1;
    ended();
  };
  return { onPointerDown: down, onPointerMove: move, onPointerUp: up, onPointerCancel: up, ...(RAW ? { onPointerRawUpdate: raw } : {}) };
}

// What the network is shown: made here, or of a sample as its answer says.
export function seenPixels(what: Source, form: Form, answer: Answer | null): Uint8Array | null {
  const made = pixelsFor(what, form, centred.value);
  if (made) return greyOf(made, { ...form, channels: 1 });
  return what.kind === 'sample' && answer?.input ? greyOf(answer.input.data, form) : null;
}

export async function takeFile(file: Blob & { name?: string }): Promise<void> {
  try {
    const grey = await readImage(file);
    put({ kind: 'image', name: file.name ?? 'image', grey, inverted: grey.inverted });
  } catch (error) {
    trouble.value = (error as Error).message;
  }
}

export function Pad({ form, answer, disabled, ended }: { form: Form; answer: Answer | null; disabled: boolean; ended: () => void }) {
  const canvas = useRef<HTMLCanvasElement>(null), what = source.value, pointer = usePointer(ended);
  const picture = what.kind === 'sample' || what.kind === 'image' ? seenPixels(what, form, answer) : null;
  useSignalEffect(() => {
    const now = source.value;
    void mode.value;
    if (canvas.current) paintStrokes(canvas.current, now);
  });
  useEffect(() => {
    const to = canvas.current!, fitted = new ResizeObserver(() => { // the size is never asked for while somebody draws
      to.width = to.height = Math.max(1, Math.round(to.clientWidth * devicePixelRatio));
      paintStrokes(to, source.peek());
    });
    fitted.observe(to);
    return () => fitted.disconnect();
  }, []);
  return (
    <div class="try-pad" data-kind={what.kind}>
      {picture && <PixelCanvas pixels={{ width: form.width, height: form.height, channels: 1, bytes: picture }} />}
      <canvas ref={canvas} class="try-ink" role="img" aria-label="pad" aria-describedby="try-how" {...(disabled ? {} : pointer)} />
      {what.kind === 'nothing' && !disabled && <p class="try-hint" aria-hidden="true">draw a digit here</p>}
    </div>
  );
}
