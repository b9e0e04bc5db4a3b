// Outcome: the confusion matrix of the samples that training observes, or of validation, and the worst and best of those samples.
import { useEffect, useMemo, useState } from 'preact/hooks';
import { decodeCapture } from '../../link/capture';
import type { MediaItem } from '../../link/messages';
import { number, percent, whole } from '../../look/format';
import { link } from '../../state/link';
import type { RunModel } from '../../state/model';
import { useWatch } from '../../state/watch';
import { confusionOf } from '../media/confusion';
import { useMedia } from '../media/load';
import { PixelCanvas } from '../media/pixels';
import { formOf, greyOf, type Form } from './form';
import type { Pair } from './confusion-data';
import { ConfusionMatrix } from './matrix';
import { outcomeOf, type Outcome, type Seen } from './outcome-data';

const RATE = 2; // captures a second

function useOutcome(run: string, words: readonly string[]): { outcome: Outcome | null; error: string } {
  const [outcome, set] = useState<Outcome | null>(null), [error, fail] = useState('');
  useEffect(() => {
    set(null);
    return link.look(run, { what: ['outcome'], rate: RATE }, bytes => {
      const capture = decodeCapture(bytes);
      if (capture) set(before => outcomeOf(capture, words, before)), fail('');
    }, e => fail(e.message));
  }, [run]);
  return { outcome, error };
}

function SeenCard({ seen, form, word }: { seen: Seen; form: Form; word: (k: number) => string }) {
  const right = seen.truth === seen.predicted, said = `truth ${word(seen.truth)}, predicted ${word(seen.predicted)} with ${percent(seen.probability)}, loss ${number(seen.loss, 3)}`;
  return (
    <figure class="seen" role="img" aria-label={said} title={said} data-truth={seen.truth} data-predicted={seen.predicted}>
      <PixelCanvas pixels={{ width: form.width, height: form.height, channels: 1, bytes: form.channels === 1 ? seen.pixels : greyOf(Float32Array.from(seen.pixels, v => v / 255), form) }} />
      <figcaption class="number">
        <span><b class={right ? 'good' : 'bad'}>{word(seen.predicted)}</b> {percent(seen.probability)}</span>
        <span class="faint">{right ? '' : `truth ${word(seen.truth)} \u00b7 `}loss {number(seen.loss, 2)}</span>
      </figcaption>
    </figure>
  );
}

function SeenList(props: { title: string; list: Seen[]; form: Form | null; pair: Pair | null; over: boolean; word: (k: number) => string }) {
  const { pair, form } = props, fits = props.list.filter(s => !pair || (s.truth === pair.truth && s.predicted === pair.predicted));
  return (
    <section class="seen-list" aria-label={props.title}>
      <h3>{props.title} <span class="faint">{pair ? `${fits.length} of ${props.list.length} are of the chosen pair` : 'by loss'}</span></h3>
      {form && <div class="seen-sheet">{fits.map((s, i) => <SeenCard key={i} seen={s} form={form} word={props.word} />)}</div>}
      {fits.length === 0 && <p class="faint">{props.list.length ? 'None of that pair.' : props.over ? 'Seen only while it trains.' : 'None observed yet.'}</p>}
    </section>
  );
}

// Confusion matrices that the program itself recorded: the newest of each series, its validation first.
function useRecorded(run: string): MediaItem[] {
  const watch = useWatch(run), names = watch.catalogue.value.filter(s => s.kind === 'confusion').map(s => s.name);
  const items = useMedia(run, names), newest = new Map(items.map(item => [item.series, item]));
  return useMemo(() => [...newest.values()].sort((a, b) => Number(/train/.test(a.series)) - Number(/train/.test(b.series)) || (a.series < b.series ? -1 : 1)), [items]);
}

export function OutcomeView({ run, model, over }: { run: string; model: RunModel; over: boolean }) {
  const words = model.push?.classes ?? model.classes ?? [], { outcome, error } = useOutcome(run, words), recorded = useRecorded(run);
  const [from, choose] = useState(''), [pair, pick] = useState<Pair | null>(null), [share, percentages] = useState(false);
  const live = outcome?.confusion && !over, shown = from || (live ? 'observed' : recorded[0]?.series ?? 'observed');
  const item = recorded.find(r => r.series === shown), matrix = item ? confusionOf(item) : outcome?.confusion ?? null;
  const form = formOf(model.push?.shape ?? model.layers.find(l => l.kind === 'input')?.shape ?? []), word = (k: number) => words[k] ?? String(k);
  return (
    <section class="try-section" aria-label="outcome">
      <header class="try-head">
        <h2>Outcome</h2>
        <div class="segmented" role="group" aria-label="matrix of">
          <button type="button" aria-pressed={shown === 'observed'} onClick={() => choose('observed')}>observed in training</button>
          {recorded.map(r => <button type="button" key={r.series} aria-pressed={shown === r.series} onClick={() => choose(r.series)}>{r.series}</button>)}
        </div>
        <div class="segmented" role="group" aria-label="numbers">
          <button type="button" aria-pressed={!share} onClick={() => percentages(false)}>counts</button>
          <button type="button" aria-pressed={share} onClick={() => percentages(true)}>% of row</button>
        </div>
        <span class="faint number">{item ? `step ${whole(item.step)}` : outcome ? `step ${whole(outcome.step)} \u00b7 ${whole(outcome.observed)} samples observed` : ''}</span>
      </header>
      {error && !item && <p class="faint">{error}</p>}
      <div class="outcome">
        {matrix && matrix.classes > 0 ? <ConfusionMatrix matrix={matrix} percentages={share} chosen={pair} choose={pick} />
          : <p class="faint">{over ? 'This run recorded no confusion matrix.' : 'Nothing observed yet.'}</p>}
        <div class="outcome-seen">
          <SeenList title="Worst" list={outcome?.worst ?? []} form={form} pair={pair} over={over} word={word} />
          <SeenList title="Best" list={outcome?.best ?? []} form={form} pair={pair} over={over} word={word} />
        </div>
      </div>
    </section>
  );
}
