// The crosshair is common to all charts in sight: it follows the one that is pointed at, or is set from elsewhere (an event that was
// picked).
import uPlot from 'uplot';
import type { RunEvent } from '../link/messages';
import { figures } from './frame';

export type Pointed = (event: RunEvent) => void;
const charts = new Set<Pointed>();

export function onPointed(show: Pointed): () => void {
  charts.add(show);
  return () => void charts.delete(show);
}

export function showAt(event: RunEvent): void {
  for (const show of charts) show(event);
}

// A crosshair that moves in all charts has all of the page painted. Where a frame costs CHEAP_MS and more the others follow the
// pointed one after a rest of REST times that, LONGEST_MS at most; the last position always comes.
const CHEAP_MS = 8, REST = 4, LONGEST_MS = 150;
const all = uPlot.sync('nnscope');
let due = 0, timer = 0, newest: Parameters<typeof all.pub> | null = null;

function follow(now: number): void {
  due = figures.cost < CHEAP_MS ? 0 : now + Math.min(LONGEST_MS, REST * figures.cost);
}

function late(): void {
  timer = 0;
  follow(performance.now());
  if (newest && all.plots.includes(newest[1])) all.pub(...newest);
}

function told(...move: Parameters<typeof all.pub>): boolean {
  if (move[0] !== 'mousemove') return true;
  const now = performance.now(), wait = due - now;
  newest = move;
  if (wait > 0) timer ||= window.setTimeout(late, wait);
  else follow(now);
  return wait <= 0;
}

export const sync: uPlot.Cursor.Sync = { key: all.key, scales: ['x', null], setSeries: false, filters: { pub: told } };
