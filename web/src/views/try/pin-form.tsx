// Pins what is on the pad: an audited command; its answers are recorded from then on.
import { useEffect, useState } from 'preact/hooks';
import type { CommandRequest, Run } from '../../link/messages';
import { whole } from '../../look/format';
import { tryOf } from '../../state/push';
import { understands } from '../../state/transport';
import { sendCommand, useWatch } from '../../state/watch';
import type { Form } from './form';
import { cleanName, freeName, pinsOf } from './pins';
import { askFor, centred, rounded, source, type Source } from './source';

const plainName = (what: Source): string => (what.kind === 'sample' ? `sample ${what.number}` : what.kind === 'image' ? what.name.replace(/\.\w+$/, '') : 'drawing');

// What a sample of the program's own looks like, where that was seen: kept with the command, for when the program is gone.
function lookOf(run: string, what: Source): { input?: number[] } {
  const { pusher } = tryOf(run), answer = pusher.answer.peek();
  return what.kind === 'sample' && answer?.input && answer.serial === pusher.serial.peek() ? { input: Array.from(answer.input.data, rounded) } : {};
}

export function PinForm({ run, form, why }: { run: Run; form: Form | null; why: string }) {
  const watch = useWatch(run.id), what = source.value, [typed, type] = useState(''), [said, say] = useState<{ text: string; bad: boolean } | null>(null);
  const pins = pinsOf(watch.catalogue.value, watch.commands.value), name = cleanName(typed) || freeName(cleanName(plainName(what)) || 'sample', pins);
  useEffect(() => say(null), [what]); // what was said is of another sample
  if (why || !understands(run, 'pin')) return null;
  const pin = (e: Event) => {
    e.preventDefault();
    const asked = askFor(what, form, centred.peek());
    if (!asked) return;
    const request: CommandRequest = { type: 'pin', name, ...asked, ...lookOf(run.id, what) };
    say({ text: `pin asked: ${name}`, bad: false });
    sendCommand(run.id, request).then(command => {
      type('');
      say({ text: `${name} is pinned${typeof command.step === 'number' ? ` from step ${whole(command.step)}` : ''}`, bad: false });
    }, (error: Error) => say({ text: error.message, bad: true }));
  };
  return (
    <form class="try-pin try-row" onSubmit={pin}>
      <input class="field" aria-label="name of the pinned sample" placeholder={name} value={typed} maxLength={64} onInput={e => type(e.currentTarget.value)} />
      <button type="submit" class="button" disabled={what.kind === 'nothing'} title="ask again and again while it trains, and record the answers">pin</button>
      {said && <span class={said.bad ? 'bad' : 'muted'} role="status">{said.text}</span>}
    </form>
  );
}
