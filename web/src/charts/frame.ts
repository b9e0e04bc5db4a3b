// One draw a frame: charts that are dirty are drawn in turn inside animation frames, a few milliseconds each frame, so that input
// is never kept waiting. Draws that live data cause leave the processor to the training most of the time: after a round that took
// t, the next begins no sooner than t later (at most 24 ms).

export interface Drawable { draw(): void }

// What scripts draw is rastered after them: the share of a frame shrinks while frames come late, and grows again.
const MOST_MS = 9, LEAST_MS = 2.5, LATE_MS = 30, GOOD_MS = 20, LONGEST_REST_MS = 24;

const dirty = new Set<Drawable>();
let asked = 0, timer = 0, busy = 0, restUntil = 0, share = MOST_MS, before = 0;
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

function tick(frame: number): void {
  asked = 0;
  const start = performance.now(), apart = frame - before;
  before = frame;
  if (apart > LATE_MS && apart < 250) share = Math.max(LEAST_MS, share * 0.75);
  else if (apart < GOOD_MS) share = Math.min(MOST_MS, share + 0.5);
  for (const item of dirty) {
    dirty.delete(item);
    item.draw();
    figures.draws++;
    if (performance.now() - start > share) break;
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
