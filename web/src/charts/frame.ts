// One draw a frame: charts that are dirty are drawn in turn inside animation frames, a few milliseconds each frame, so that input
// is never kept waiting; what a person did goes first. Draws that live data cause leave the processor to the training: after a
// round that took t, the next begins no sooner than t/2 later (at most 24 ms).
//
// What scripts draw is rastered after them in the same frame, and input waits for all of it. Of many charts AT_ONCE a frame: each
// frame costs the page about as much as five charts, so fewer a frame would cost more. While a person moves something there are
// frames anyway: then all of a round get even shares of them (portion.ts).
import { portion } from './portion';

export interface Drawable { draw(): void }

// What scripts draw is rastered after them: the share of a frame shrinks while frames come late, and grows again.
const MOST_MS = 9, LEAST_MS = 4, LATE_MS = 28, GOOD_MS = 14, LONGEST_REST_MS = 24;

const AT_ONCE = 14, HANDLED_MS = 150;

const urgent = new Set<Drawable>(), dirty = new Set<Drawable>();
let asked = 0, timer = 0, restUntil = 0, share = MOST_MS, began = 0, round = 0, handled = -Infinity;
for (const type of ['pointermove', 'pointerdown', 'wheel', 'keydown']) globalThis.addEventListener?.(type, e => (handled = e.timeStamp), { capture: true, passive: true });

export const figures = { draws: 0, frames: 0, milliseconds: 0, longest: 0, cost: 0 }; // cost: of the last frame, all of it, in ms

// A message posted while drawing is received once the frame was rendered: what the whole frame cost.
const rendered = new MessageChannel();
rendered.port1.onmessage = () => {
  const now = performance.now(), cost = (figures.cost = now - began);
  if (cost > LATE_MS) share = Math.max(LEAST_MS, share * 0.75);
  else if (cost < GOOD_MS) share = Math.min(MOST_MS, share + 0.5);
  if (!asked) restUntil = now + Math.min(cost / 2, LONGEST_REST_MS);
};

// Something that a person did: in the next frame.
export function drawSoon(item: Drawable): void {
  dirty.delete(item);
  urgent.add(item);
  clearTimeout(timer);
  timer = 0;
  asked ||= requestAnimationFrame(tick);
}

// Data came: in the next frame, or when the rest is over.
export function drawLive(item: Drawable): void {
  if (!urgent.has(item)) dirty.add(item);
  if (asked || timer) return;
  const wait = restUntil - performance.now();
  if (wait <= 1) asked = requestAnimationFrame(tick);
  else timer = window.setTimeout(() => {
    timer = 0;
    asked ||= requestAnimationFrame(tick);
  }, wait);
}

export function forget(item: Drawable): void {
  urgent.delete(item);
  dirty.delete(item);
}

// Draws so many at most, until the share of the frame is used up.
function drawFrom(items: Set<Drawable>, most: number): void {
  for (const item of items) {
    if (most-- <= 0 || performance.now() - began > share) return;
    items.delete(item);
    item.draw();
    figures.draws++;
  }
}

function tick(): void {
  const passed = performance.now() - began;
  asked = 0;
  began += passed;
  drawFrom(urgent, Infinity);
  round = dirty.size && Math.max(round, dirty.size);
  drawFrom(dirty, began - handled < HANDLED_MS ? portion(round, passed) : AT_ONCE);
  const took = performance.now() - began;
  figures.frames++;
  figures.milliseconds += took;
  figures.longest = Math.max(figures.longest, took);
  if (urgent.size || dirty.size) asked = requestAnimationFrame(tick);
  rendered.port2.postMessage(0);
}
