// The ribbon at the foot of the page: the newest events of the current run in one line, newest at the right; what does not fit
// goes out of sight at the left. Its word opens the whole list above it.
import { useLayoutEffect, useState } from 'preact/hooks';
import type { RunEvent } from '../../link/messages';
import { whole } from '../../look/format';
import { runs } from '../../state/runs';
import { useWatch } from '../../state/watch';
import { EventList } from './list';
import { eventWords, toneOf, whenWords } from './words';
import './events.css';

const SHOWN = 24;

// `pick` moves the crosshair of the charts to the event's step.
export function EventRibbon({ run: id, pick }: { run: string; pick: (event: RunEvent) => void }) {
  const watch = useWatch(id), [open, setOpen] = useState(false);
  const events = watch.events.value, run = runs.value.get(id), count = watch.series.value.length;
  useLayoutEffect(() => { // at once: a key may come before the next frame
    if (!open) return;
    const close = (event: KeyboardEvent) => event.key === 'Escape' && setOpen(false);
    addEventListener('keydown', close);
    return () => removeEventListener('keydown', close);
  }, [open]);
  return (
    <footer class="ribbon">
      {open && <section class="ribbon-list" aria-label="all events"><EventList events={events} pick={pick} /></section>}
      <button type="button" class="ribbon-word" aria-expanded={open} onClick={() => setOpen(!open)}>events <span class="number">{whole(events.length)}</span></button>
      <ol class="ribbon-line" aria-label="newest events">
        {events.slice(-SHOWN).reverse().map(event => (
          <li key={event.number}>
            <button type="button" title={`${eventWords(event)} \u00b7 ${whenWords(event)}`} onClick={() => pick(event)}>
              <i class={`dot tone-${toneOf(event)}`} /><span>{eventWords(event)}</span>
              <span class="faint number">{event.step >= 0 ? whole(event.step) : ''}</span>
            </button>
          </li>
        ))}
      </ol>
      {run && <span class="ribbon-sum faint number">{whole(count)} series · {whole(run.points ?? 0)} points</span>}
    </footer>
  );
}
