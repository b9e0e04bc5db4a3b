// All events of a run, newest first, with a choice of types. Clicking one moves the crosshair there.
import { useState } from 'preact/hooks';
import type { EventType, RunEvent } from '../../link/messages';
import { clock, whole } from '../../look/format';
import { link } from '../../state/link';
import { author } from '../steer/words';
import { eventWords, toneOf } from './words';

const FIRST = 200;
export interface EventListProps { events: readonly RunEvent[]; pick: (event: RunEvent) => void }

function Types(props: { types: EventType[]; only: EventType | ''; choose: (type: EventType | '') => void }) {
  return (
    <div class="segmented events-types" role="group" aria-label="type of event">
      <button type="button" aria-pressed={props.only === ''} onClick={() => props.choose('')}>all</button>
      {props.types.map(type => (
        <button key={type} type="button" aria-pressed={props.only === type} onClick={() => props.choose(type)}>{type}</button>
      ))}
    </div>
  );
}

export function EventList({ events, pick }: EventListProps) {
  const [only, choose] = useState<EventType | ''>(''), [shown, show] = useState(FIRST);
  const types = [...new Set(events.map(event => event.type))].sort();
  const kept = only === '' ? events : events.filter(event => event.type === only), newest = kept.slice(-shown).reverse();
  const me = link.hello.value?.name ?? '';
  return (
    <div class="events-list">
      {types.length > 1 && <Types types={types} only={only} choose={choose} />}
      <table aria-label="events">
        <thead><tr><th class="number">step</th><th>time</th><th>what</th><th>by</th></tr></thead>
        <tbody>
          {newest.map(event => (
            <tr key={event.number} onClick={() => pick(event)}>
              <td class="number events-step">{event.step >= 0 ? whole(event.step) : ''}</td>
              <td class="number faint">{clock(1000 * event.time)}</td>
              <td><button type="button" class="events-what"><i class={`dot tone-${toneOf(event)}`} />{eventWords(event)}</button></td>
              <td class="muted">{event.author ? author(event.author, me) : event.type === 'program' ? 'the program' : ''}</td>
            </tr>
          ))}
        </tbody>
      </table>
      {kept.length > shown && <button type="button" class="button small" onClick={() => show(shown + 1000)}>{kept.length - shown} earlier</button>}
    </div>
  );
}
