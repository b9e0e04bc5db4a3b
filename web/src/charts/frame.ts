// One draw a frame: charts that are dirty are drawn in turn inside animation frames, a few milliseconds each frame, so that input
// is never kept waiting. Draws that live data cause leave the processor to the training most of the time: after a round that took
// t, the next begins no sooner than t later (at most 24 ms).

export interface Drawable { draw(): void }

const BUDGET_MS = 9, LONGEST_REST_MS = 24;

const dirty = new Set<Drawable>();
let asked = 0, timer = 0, busy = 0, restUntil = 0;
export const figures = { draws: 0, frames: 0, milliseconds: 0, longest: 0 };

// Something that a person did: in the next frame.
export function drawSoon(item: Drawable): void {
  dirty.add(item);
  clearTimeout(timer);
  timer = 0;
  asked ||= requestAnimationFrame(tick);
}

// Data came: in the next frame, or when the rest is over.
export function drawLive(item: Drawable): void {
  dirty.add(item);
  if (asked || timer) return;
  const wait = restUntil - performance.now();
  if (wait <= 1) asked = requestAnimationFrame(tick);
  else timer = window.setTimeout(() => {
    timer = 0;
    asked ||= requestAnimationFrame(tick);
  }, wait);
}

export function forget(item: Drawable): void {
  dirty.delete(item);
}

function tick(): void {
  asked = 0;
  const start = performance.now();
  for (const item of dirty) {
    dirty.delete(item);
    item.draw();
    figures.draws++;
    if (performance.now() - start > BUDGET_MS) break;
  }
  const took = performance.now() - start;
  figures.frames++;
  figures.milliseconds += took;
  figures.longest = Math.max(figures.longest, took);
  busy += took;
  if (dirty.size) asked = requestAnimationFrame(tick);
  else {
    restUntil = performance.now() + Math.min(busy, LONGEST_REST_MS);
    busy = 0;
  }
}
