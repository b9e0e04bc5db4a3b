// What a panel draws, from what is chosen: its curves with their strokes, and the marks of events.
import { computed } from '@preact/signals';
import { corners, epochLine, type EpochLine } from '../../charts/epochs';
import type { CurveSpec } from '../../charts/model';
import { marksOf, shadesOf, type Mark, type Shade } from '../../charts/marks';
import type { RunEvent } from '../../link/messages';
import { INK, RUNS, strokeOf, type Stroke } from '../../look/palette';
import { mode } from '../../look/theme';
import { leafOf, panelsOf, type PanelDef } from '../../state/panels';
import { chosen, runs, timeOf } from '../../state/runs';
import { view } from '../../state/view';
import { watchOf } from '../../state/watch';

export interface RunBasics { id: string; slot: number; name: string; startMs: number; epochs: EpochLine | null; attempt: number }

// What the charts need of the chosen runs; the same object until it differs, although runs change many times a second.
let last = '', basics: RunBasics[] = [];
export const chosenBasics = computed<RunBasics[]>(() => {
  const byEpoch = view.value.axis === 'epoch';
  const next = chosen.value.map(({ id, slot }) => {
    const run = runs.value.get(id);
    const epochs = byEpoch ? epochLine(id) : null;
    epochs?.now(run?.last_step ?? 0, run?.epoch ?? 0);
    return { id, slot, name: run?.name ?? id, startMs: timeOf(run?.started) || timeOf(run?.created), epochs, attempt: run?.attempt ?? 0 };
  });
  const key = JSON.stringify(next.map(r => ({ ...r, epochs: byEpoch })));
  if (key !== last) [last, basics] = [key, next];
  return basics;
});

export const hasEpochs = computed(() => chosen.value.some(c => (runs.value.get(c.id)?.epoch ?? 0) > 0));

export const groups = computed(() => panelsOf(chosen.value.map(c => watchOf(c.id).catalogue.value), view.value.added));

// Colour belongs to the run when several are shown, and series differ by dashes; within one run series have the hues.
function strokes(panel: PanelDef, run: RunBasics, several: boolean, index: number): Stroke {
  if (!several && panel.series.length > 1) return strokeOf(index, mode.value);
  const own = strokeOf(run.slot, mode.value);
  if (index === 0) return own;
  const dashes = strokeOf(8 * (index % 4), mode.value).dash;
  return { ...own, dash: dashes };
}

export function specsOf(panel: PanelDef): CurveSpec[] {
  const list = chosenBasics.value, several = list.length > 1, specs: CurveSpec[] = [];
  const have = new Map(list.map(run => [run, new Set(watchOf(run.id).catalogue.value.map(s => s.name))]));
  panel.series.forEach((series, index) => {
    for (const run of list) {
      if (!have.get(run)!.has(series)) continue;
      const leaf = leafOf(panel, series), both = several && panel.series.length > 1;
      const label = both ? `${run.name} \u00b7 ${leaf}` : several ? run.name : leaf, short = both ? leaf : label;
      specs.push({ run: run.id, series, label, short, stroke: strokes(panel, run, several, index), startMs: run.startMs, epochs: run.epochs });
    }
  });
  return specs;
}

// What falls by decades is drawn so unless a person says otherwise: losses, norms, learning rates, as long as they are positive.
const DECADES = /(^|[/_.-])(loss|perplexity|ppl|mse|nll|norm|grad_norm|gradient_norm|lr|learning_rate)$/i;
export function isLog(panel: PanelDef): boolean {
  const own = view.value.panels[panel.id]?.log;
  if (own !== undefined) return own;
  return panel.series.every(s => DECADES.test(s)) && !chosen.value.some(c => panel.series.some(s => watchOf(c.id).nonpositive.value.has(s)));
}

const stepOrStart = (e: RunEvent) => Math.max(0, e.step);

// Marks of all chosen runs along the axis; made once for all panels.
export const marks = computed<{ marks: Mark[]; shades: Shade[] }>(() => {
  const { axis } = view.value, ink = INK[mode.value], moved = axis === 'epoch' ? corners.value : 0, all: Mark[] = [], shades: Shade[] = [], several = chosenBasics.value.length > 1;
  for (const run of chosenBasics.value) {
    const x = (e: RunEvent) => (axis === 'time' ? e.time - run.startMs / 1000 : run.epochs && moved >= 0 ? run.epochs.toEpoch(stepOrStart(e)) : stepOrStart(e));
    const events = watchOf(run.id).events.value, own = marksOf(run.id, events, x, ink);
    if (several) for (const m of own) (m.word = `${run.name}: ${m.word}`), (m.colour = RUNS[mode.value][run.slot % 8]);
    all.push(...own);
    if (axis === 'time') shades.push(...shadesOf(events, x, Date.now() / 1000 - run.startMs / 1000));
  }
  return { marks: all, shades };
});
