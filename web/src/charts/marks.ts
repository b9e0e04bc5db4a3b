// Event marks: thin lines on every chart with a word on hover, and pauses as shades along the axis of time.
import type { RunEvent } from '../link/messages';
import { faint, type Ink } from '../look/palette';
import { eventWords, toneOf } from '../views/events/words';
import type { Area } from './paint';

export interface Mark { x: number; step: number; word: string; colour: string; run: string }
export interface Shade { from: number; to: number }

// Not marked: what is plain from the curve itself.
const UNMARKED = new Set<RunEvent['type']>(['started']);

function colourOf(e: RunEvent, ink: Ink): string {
  switch (toneOf(e)) {
    case 'act': case 'program': return ink.accent;
    case 'hold': return ink.warn;
    case 'good': return ink.good;
    case 'bad': return ink.bad;
    default: return ink.text3;
  }
}

export function marksOf(run: string, events: readonly RunEvent[], x: (e: RunEvent) => number, ink: Ink): Mark[] {
  return events.filter(e => !UNMARKED.has(e.type)).map(e => ({ x: x(e), step: e.step, word: eventWords(e), run, colour: colourOf(e, ink) }));
}

export function shadesOf(events: readonly RunEvent[], x: (e: RunEvent) => number, now: number): Shade[] {
  const shades: Shade[] = [];
  let from = NaN;
  for (const e of events) {
    if (e.type === 'paused') from = x(e);
    else if ((e.type === 'resumed' || e.type === 'ended') && from === from) {
      shades.push({ from, to: x(e) });
      from = NaN;
    }
  }
  if (from === from) shades.push({ from, to: now });
  return shades;
}

export function paintMarks(g: CanvasRenderingContext2D, marks: readonly Mark[], shades: readonly Shade[], area: Area, shade: string): void {
  const px = (x: number) => area.left + ((x - area.x0) / (area.x1 - area.x0)) * area.width;
  g.save();
  g.fillStyle = shade;
  for (const s of shades) {
    const from = Math.max(area.left, px(s.from)), to = Math.min(area.left + area.width, px(s.to));
    if (to > from) g.fillRect(from, area.top, to - from, area.height);
  }
  g.lineWidth = area.ratio;
  g.setLineDash([2 * area.ratio, 3 * area.ratio]);
  let drawn = -Infinity;
  for (const m of marks) {
    const at = Math.round(px(m.x)) + 0.5;
    if (at < area.left || at > area.left + area.width || (at === drawn && marks.length > 200)) continue;
    drawn = at;
    g.strokeStyle = faint(m.colour, 0.6);
    g.beginPath();
    g.moveTo(at, area.top);
    g.lineTo(at, area.top + area.height);
    g.stroke();
  }
  g.restore();
}

// The mark within `reach` pixels of px, nearest first.
export function markNear(marks: readonly Mark[], toPixel: (x: number) => number, px: number, reach: number): Mark | null {
  let best: Mark | null = null, distance = reach;
  for (const m of marks) {
    const d = Math.abs(toPixel(m.x) - px);
    if (d <= distance) (best = m), (distance = d);
  }
  return best;
}
