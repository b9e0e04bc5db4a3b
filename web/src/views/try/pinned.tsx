// Pinned samples as cards: picture, truth, present answer, and how it came about.
import { useEffect, useState } from 'preact/hooks';
import { decodeCapture } from '../../link/capture';
import { percent, whole } from '../../look/format';
import type { RunModel } from '../../state/model';
import { link } from '../../state/link';
import { answerOf } from '../../state/pusher';
import { sendCommand, useWatch } from '../../state/watch';
import { PixelCanvas } from '../media/pixels';
import { PinCurves, useCourses } from './pin-curves';
import { formOf, greyOf, type Form } from './form';
import { pinsOf, type Pin } from './pins';

interface PinPicture { grey: Uint8Array; truth: number }

const told = new Map<string, PinPicture>(); // of samples of the program's own, by run and number

// What is pinned: as its command tells it; of a sample the network is asked once, and again when the connection is back: it knows the truth too.
function usePicture(run: string, pin: Pin, form: Form | null): PinPicture | null {
  const key = `${run}/${pin.sample}`, up = link.state.value.up, [known, know] = useState<PinPicture | null>(told.get(key) ?? null);
  useEffect(() => {
    if (pin.sample < 0 || !form || told.has(key)) return void know(told.get(key) ?? null);
    return link.push(run, { sample: pin.sample }, bytes => {
      const capture = bytes && decodeCapture(bytes), answer = capture && answerOf(capture, 0, 0);
      if (!answer?.input) return;
      told.set(key, { grey: greyOf(answer.input.data, form), truth: answer.truth });
      know(told.get(key)!);
    });
  }, [key, form !== null, up]);
  if (pin.sample >= 0 && known) return known;
  return pin.picture && form ? { grey: greyOf(Float32Array.from(pin.picture, v => v / 255), form), truth: -1 } : null;
}

function Card({ run, pin, form, words, steerable }: { run: string; pin: Pin; form: Form | null; words: readonly string[]; steerable: boolean }) {
  const { courses, now } = useCourses(run, pin), picture = usePicture(run, pin, form), [said, say] = useState('');
  const truth = picture && picture.truth >= 0 ? words[picture.truth] ?? String(picture.truth) : '';
  const [first, p] = [...now.values].reduce((top, entry) => (entry[1] > top[1] ? entry : top), ['', -1] as [string, number]);
  const unpin = () => {
    say('unpin asked');
    sendCommand(run, { type: 'unpin', name: pin.name }).then(() => say(''), (error: Error) => say(error.message));
  };
  return (
    <article class={`pin-card${pin.held ? ' held' : ''}`} aria-label={pin.name} data-predicted={first} data-truth={truth} data-step={now.step}>
      <header>
        <h3 class="clip" title={pin.name}>{pin.name}</h3>
        {pin.held ? <span class="faint">no longer pushed</span>
          : steerable && <button type="button" class="button small quiet" aria-label={`unpin ${pin.name}`} onClick={unpin}>unpin</button>}
      </header>
      <div class="pin-inside">
        {picture && form ? <div class="pin-picture"><PixelCanvas pixels={{ width: form.width, height: form.height, channels: 1, bytes: picture.grey }} /></div>
          : <div class="pin-picture unseen faint" title="only the program knows this picture">{pin.sample >= 0 ? whole(pin.sample) : ''}</div>}
        <PinCurves courses={courses} now={now} truth={truth} first={first} />
      </div>
      <p class="number">
        {first === '' ? <span class="faint">waiting for the first answer</span> : <><b>{first}</b> <span>{percent(p)}</span></>}
        {truth && <span class={first === '' ? 'faint' : truth === first ? 'good' : 'bad'}>{truth === first ? 'right' : `truth ${truth}`}</span>}
        {now.step >= 0 && <span class="faint">step {whole(now.step)}</span>}
      </p>
      {said && <p class="faint" role="status">{said}</p>}
    </article>
  );
}

export function Pinned({ run, model, steerable }: { run: string; model: RunModel; steerable: boolean }) {
  const watch = useWatch(run), pins = pinsOf(watch.catalogue.value, watch.commands.value), words = model.push?.classes ?? [], form = formOf(model.push?.shape ?? []);
  return (
    <section class="try-section" aria-label="pinned samples">
      <h2>Pinned samples</h2>
      {pins.length === 0 && <p class="faint">Pin a drawing or a test sample: the network is asked again and again while it trains, and its answers are recorded as curves.</p>}
      <div class="pin-cards">{pins.map(pin => <Card key={pin.name} run={run} pin={pin} form={form} words={words} steerable={steerable} />)}</div>
    </section>
  );
}
