// Confusion matrices that a program recorded (nns_confusion), as a panel among the media.
import { useMemo, useState } from 'preact/hooks';
import type { Confusion } from '../try/confusion-data';
import { ConfusionMatrix } from '../try/matrix';
import { byStep, type MediaJson } from './item';
import { StepSlider, useStep } from './step-slider';

const CLASSES_MAX = 256;

// {classes, counts, words}; checked: it came from a program.
export function confusionOf(item: { data?: unknown }): Confusion {
  const d = (item.data !== null && typeof item.data === 'object' ? item.data : {}) as { classes?: unknown; counts?: unknown; words?: unknown };
  const flat = Array.isArray(d.counts) ? d.counts.flat().map(v => Math.max(0, Number(v) || 0)) : [];
  const classes = Math.min(CLASSES_MAX, Math.floor(Math.sqrt(flat.length)));
  return { classes: classes * classes === flat.length ? classes : 0, counts: flat, words: Array.isArray(d.words) ? d.words.map(String) : [] };
}

export function ConfusionPanel({ series, items }: { series: string; items: readonly MediaJson[] }) {
  const sheets = useMemo(() => byStep(items), [items]), [at, set] = useStep(sheets.length), [share, percentages] = useState(false);
  const newest = sheets[at]?.[0], matrix = useMemo(() => confusionOf(newest ?? {}), [newest]);
  return (
    <div class="media media-confusion">
      {matrix.classes > 0 && <ConfusionMatrix matrix={matrix} percentages={share} chosen={null} />}
      <div class="sample-foot">
        <button type="button" class="button small quiet" aria-pressed={share} onClick={() => percentages(!share)}>% of row</button>
        <StepSlider name={series} steps={sheets.map(s => s[0]!.step)} at={at} set={set} />
      </div>
    </div>
  );
}
