// Pinned samples as cards: picture, truth, present answer, and how it came about.
import { useState } from 'preact/hooks';
import { percent, whole } from '../../look/format';
import type { RunModel } from '../../state/model';
import { sendCommand, useWatch } from '../../state/watch';
import { PixelCanvas } from '../media/pixels';
import { useMedia } from '../media/load';
import { sampleOf } from '../media/item';
import { PinCurves, useCourses } from './pin-curves';
import { keptPicture, pinsOf, type Pin, type PinPicture } from './pins';

// The picture that the run itself keeps of a pinned sample (media pin/NAME), else the one that this browser kept.
function usePicture(run: string, name: string): PinPicture | null {
  const items = useMedia(run, [`pin/${name}`]), newest = items[items.length - 1], kept = keptPicture(run, name);
  if (!newest || newest.kind !== 'sample') return kept;
  const sample = sampleOf(newest);
  return { width: sample.width, height: sample.height, grey: sample.pixels, truth: sample.truth };
}

function Card({ run, pin, words, steerable }: { run: string; pin: Pin; words: readonly string[]; steerable: boolean }) {
  const { courses, now } = useCourses(run, pin), picture = usePicture(run, pin.name), [said, say] = useState('');
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
        <div class="pin-picture">{picture && <PixelCanvas pixels={{ width: picture.width, height: picture.height, channels: 1, bytes: picture.grey }} />}</div>
        <PinCurves courses={courses} now={now} truth={truth} first={first} />
      </div>
      <p class="number">
        {first === '' ? <span class="faint">waiting for the first answer</span> : <><b>{first}</b> <span>{percent(p)}</span></>}
        {truth && <span class={truth === first ? 'good' : 'bad'}>{truth === first ? 'right' : `truth ${truth}`}</span>}
        {now.step >= 0 && <span class="faint">step {whole(now.step)}</span>}
      </p>
      {said && <p class="faint" role="status">{said}</p>}
    </article>
  );
}

export function Pinned({ run, model, steerable }: { run: string; model: RunModel; steerable: boolean }) {
  const watch = useWatch(run), pins = pinsOf(watch.series.value, watch.commands.value), words = model.push?.classes ?? [];
  return (
    <section class="try-section" aria-label="pinned samples">
      <h2>Pinned samples</h2>
      {pins.length === 0 && <p class="faint">Pin a drawing or a test sample: the network is asked again and again while it trains, and its answers are recorded as curves.</p>}
      <div class="pin-cards">{pins.map(pin => <Card key={pin.name} run={run} pin={pin} words={words} steerable={steerable} />)}</div>
    </section>
  );
}
