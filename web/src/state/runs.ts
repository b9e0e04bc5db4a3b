// The runs that the server knows, which of them are chosen, and their colours. A colour belongs to a run as long as it is
// chosen: its place in `view.runs` is its slot in the palette, and a place that becomes free stays free until another run takes it.
import { batch, computed, signal } from '@preact/signals';
import type { Run } from '../link/messages';
import { patchJson, remove, segment } from '../link/rest';
import { link } from './link';
import { setView, view } from './view';

const OVER = new Set(['finished', 'failed', 'crashed', 'lost']);
export const isOver = (run: Run): boolean => OVER.has(run.state);

export const runs = signal<ReadonlyMap<string, Run>>(new Map());
export const listed = signal(false); // the server has answered

link.onRuns = (changed, gone) => batch(() => {
  const next = new Map(runs.peek());
  for (const run of changed) next.set(run.id, { ...next.get(run.id), ...run }); // facts come by a watch only: kept
  for (const id of gone) next.delete(id);
  runs.value = next;
  if (!listed.peek()) firstList();
  else if (gone.length) dropMissing();
});

// What a watch tells of one run, sooner than the list does.
export function putRun(run: Run): void {
  const known = runs.peek().get(run.id);
  runs.value = new Map(runs.peek()).set(run.id, { ...known, ...run });
}

function firstList(): void {
  listed.value = true;
  dropMissing();
  if (view.peek().runs.some(id => id)) return;
  const newest = ordered.peek().find(r => !isOver(r)) ?? ordered.peek()[0];
  if (newest) setView({ runs: [newest.id] });
}

function dropMissing(): void {
  const kept = view.peek().runs.map(id => (runs.peek().has(id) ? id : ''));
  if (kept.some((id, i) => id !== view.peek().runs[i])) setView({ runs: trim(kept) });
}

const trim = (ids: string[]) => {
  let end = ids.length;
  while (end > 0 && ids[end - 1] === '') end--;
  return ids.slice(0, end);
};

// Wall time in ms; 0: not known.
export const timeOf = (text: string | null | undefined): number => (text ? Date.parse(text) || 0 : 0);
const startOf = (run: Run) => timeOf(run.started) || timeOf(run.created);

// Newest first.
export const ordered = computed(() => [...runs.value.values()].sort((a, b) => startOf(b) - startOf(a) || (a.id < b.id ? 1 : -1)));

export interface Chosen { id: string; slot: number }
export const chosen = computed<Chosen[]>(() => view.value.runs.map((id, slot) => ({ id, slot })).filter(c => c.id !== ''));

// The run that transport, Steer, Log and Facts speak of: the one chosen last, else the first chosen.
const focus = signal('');
export const current = computed<string>(() => (view.value.runs.includes(focus.value) && focus.value ? focus.value : chosen.value[0]?.id ?? ''));
export const currentRun = computed<Run | undefined>(() => runs.value.get(current.value));
export const slotOf = (id: string): number => view.value.runs.indexOf(id); // -1: not chosen

// Only this run.
export function choose(id: string): void {
  const slot = slotOf(id);
  const ids = slot > 0 ? view.peek().runs.map((_, i) => (i === slot ? id : '')) : [id];
  batch(() => {
    focus.value = id;
    setView({ runs: trim(ids) });
  });
}

// Beside the others, or no longer.
export function toggle(id: string): void {
  const ids = [...view.peek().runs], slot = ids.indexOf(id);
  batch(() => {
    if (slot >= 0) ids[slot] = '';
    else {
      const free = ids.indexOf('');
      ids[free < 0 ? ids.length : free] = id;
      focus.value = id;
    }
    setView({ runs: trim(ids) });
  });
}

export const setFocus = (id: string): void => void (focus.value = id);

export async function change(id: string, what: { name?: string; tags?: string[]; notes?: string }): Promise<void> {
  await patchJson('runs/' + segment(id), what);
  const known = runs.peek().get(id);
  if (known) putRun({ ...known, ...what });
}

export async function removeRun(id: string): Promise<void> {
  await remove('runs/' + segment(id));
  const next = new Map(runs.peek());
  next.delete(id);
  batch(() => {
    runs.value = next;
    dropMissing();
  });
}
