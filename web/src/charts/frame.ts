// One draw a frame: charts that are dirty are drawn in turn inside animation frames, a few milliseconds each frame, so that input
// is never kept waiting; what a person did goes first. Draws that live data cause leave the processor to the training: after a
// round that took t, the next begins no sooner than t/2 later (at most 24 ms).
//
// Of many charts, AT_ONCE a frame: what scripts draw is rastered after them in the same frame, and a pointer that moves meanwhile
// waits for its share of them only; each frame costs the page about as much as five charts, so fewer a frame would cost more.

export interface Drawable { draw(): void }

// What scripts draw is rastered after them: the share of a frame shrinks while frames come late, and grows again.
const MOST_MS = 9, LEAST_MS = 4, LATE_MS = 28, GOOD_MS = 14, LONGEST_REST_MS = 24;

const AT_ONCE = 14;

const urgent = new Set<Drawable>(), dirty = new Set<Drawable>();
let asked = 0, timer = 0, restUntil = 0, share = MOST_MS, began = 0;
export const figures = { draws: 0, frames: 0, milliseconds: 0, longest: 0 };

// A message posted while drawing is received once the frame was rendered: what the whole frame cost.
const rendered = new MessageChannel();
rendered.port1.onmessage = () => {
  const now = performance.now(), cost = now - began;
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
  asked = 0;
  began = performance.now();
  drawFrom(urgent, Infinity);
  drawFrom(dirty, AT_ONCE);
  const took = performance.now() - began;
  figures.frames++;
  figures.milliseconds += took;
  figures.longest = Math.max(figures.longest, took);
  if (urgent.size || dirty.size) asked = requestAnimationFrame(tick);
  rendered.port2.postMessage(0);
}
