// Try: a sample pushed through the live network by hand. Loaded when it is first opened.
import { effect, untracked } from '@preact/signals';
import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import type { Run } from '../link/messages';
import { whole } from '../look/format';
import { useModel, type RunModel } from '../state/model';
import { tryOf } from '../state/push';
import { isOver, runs } from '../state/runs';
import { hindrance } from '../state/transport';
import { Bars, Verdict } from './try/bars';
import { formOf, type Form } from './try/form';
import { OutcomeView } from './try/outcome';
import { Pad, takeFile } from './try/pad';
import { PinForm } from './try/pin-form';
import { Pinned } from './try/pinned';
import { SeenByNetwork } from './try/seen';
import { askFor, centred, NOTHING, put, source, trouble, undoStroke } from './try/source';
import { listenTryKeys } from './try/keys';
import { Way } from './try/way';

// What the answers are of, in a sentence; before there is one, what can be done.
function situation(run: Run, asked: boolean): string {
  if (isOver(run)) return `The run is over (${run.state}): its network is gone with its program. What was pinned and recorded stands below.`;
  if (run.state === 'paused') return `Training holds at step ${whole(run.last_step)}: the answers are of this moment.`;
  return asked ? 'While it trains, the network is asked again every second.' : 'Draw, choose an image or take a test sample: the network that trains answers at once.';
}

function SampleRow({ samples, disabled }: { samples: number; disabled: boolean }) {
  const what = source.value, at = what.kind === 'sample' ? what.number : -1;
  const take = (n: number) => put({ kind: 'sample', number: Math.max(0, Math.min(samples - 1, Math.round(n))) });
  if (samples <= 0) return null;
  return (
    <div class="try-row" role="group" aria-label="test samples">
      <button type="button" class="button" disabled={disabled} onClick={() => take(Math.random() * (samples - 1))} title="a random sample of the program's test set (r)">test sample</button>
      <input class="field try-number" type="number" min={0} max={samples - 1} step={1} value={at < 0 ? '' : at} placeholder={`0 \u2026 ${samples - 1}`} disabled={disabled}
        aria-label="number of the test sample" onChange={e => e.currentTarget.value !== '' && take(Number(e.currentTarget.value))} />
      <button type="button" class="button quiet" disabled={disabled || at < 1} aria-label="previous test sample" onClick={() => take(at - 1)}>{'\u2039'}</button>
      <button type="button" class="button quiet" disabled={disabled || at < 0 || at >= samples - 1} aria-label="next test sample" onClick={() => take(at + 1)}>{'\u203a'}</button>
    </div>
  );
}

function FileButton({ disabled }: { disabled: boolean }) {
  const input = useRef<HTMLInputElement>(null);
  return (
    <>
      <button type="button" class="button" disabled={disabled} onClick={() => input.current?.click()}>image{'\u2026'}</button>
      <input ref={input} class="hidden-name" type="file" accept="image/*" tabIndex={-1} aria-label="image file"
        onChange={e => {
          const file = e.currentTarget.files?.[0];
          e.currentTarget.value = '';
          if (file) void takeFile(file);
        }} />
    </>
  );
}

function PadTools({ drawable, disabled }: { drawable: boolean; disabled: boolean }) {
  const what = source.value;
  return (
    <>
      <div class="try-row">
        <button type="button" class="button" disabled={what.kind === 'nothing'} onClick={() => put(NOTHING)} title="x">clear</button>
        {drawable && <button type="button" class="button" disabled={what.kind !== 'strokes'} onClick={undoStroke} title="z">undo stroke</button>}
        {drawable && <FileButton disabled={disabled} />}
      </div>
      {drawable && (
        <label class="try-centre">
          <input type="checkbox" checked={centred.value} onChange={e => (centred.value = e.currentTarget.checked)} />
          centred and scaled as MNIST's digits were
        </label>
      )}
    </>
  );
}

// Whatever is put on the pad goes to the network at once.
function useAsking(run: string, form: Form | null, live: boolean): void {
  const { pusher, use } = tryOf(run);
  useEffect(use, [run]);
  useEffect(() => effect(() => {
    const ask = live ? askFor(source.value, form, centred.value) : null;
    untracked(() => pusher.ask(ask));
  }), [run, form, live]);
}

function Trying({ run, model }: { run: Run; model: RunModel }) {
  const push = model.push!, form = useMemo(() => formOf(push.shape), [push.shape.join()]), over = isOver(run), { pusher } = tryOf(run.id), answer = pusher.answer.value;
  const [dropping, drop] = useState(false), disabled = over;
  const steerable = hindrance(run) === '';
  const below = useMemo(() => ( // a stroke draws none of this anew
    <>
      <Pinned run={run.id} model={model} steerable={steerable} />
      <OutcomeView run={run.id} model={model} over={over} />
    </>
  ), [run.id, model, over, steerable]);
  useAsking(run.id, form, !over);
  useEffect(() => listenTryKeys(push.samples), [push.samples]);
  const dropped = (e: DragEvent) => {
    e.preventDefault();
    drop(false);
    const file = e.dataTransfer?.files[0];
    if (file && form && !over) void takeFile(file);
  };
  return (
    <div class="try" data-serial={pusher.serial.value}>
      <p class="try-situation muted" role="status">{situation(run, source.value.kind !== 'nothing')}</p>
      <div class="try-top">
        <section class={`try-left${dropping ? ' dropping' : ''}`} aria-label="sample" onDrop={dropped} onDragLeave={() => drop(false)}
          onDragOver={e => (e.preventDefault(), drop(true))}>
          {form ? <Pad form={form} answer={answer} disabled={disabled} ended={() => pusher.hurry()} />
            : <p class="notice">The input of this network ({push.shape.join(' \u00d7 ')}) is no picture: take one of its samples.</p>}
          <p id="try-how" class="hidden-name">Draw with mouse, finger or pen. z takes back a stroke, x clears, r takes a random test sample.</p>
          {trouble.value && <p class="notice bad" role="alert">{trouble.value}</p>}
          <PadTools drawable={form !== null} disabled={disabled} />
          <SampleRow samples={push.samples} disabled={disabled} />
        </section>
        <section class="try-answer" aria-label="answer of the network">
          <div class="try-said">
            <Verdict answer={answer} words={push.classes} over={over} />
            {form && <SeenByNetwork form={form} answer={answer} />}
          </div>
          <Bars answer={answer} words={push.classes} classes={push.classes.length} />
          {pusher.error.value && !over && <p class="notice warn" role="alert">{pusher.error.value}</p>}
          <PinForm run={run} form={form} why={hindrance(run)} />
        </section>
        <Way run={run.id} model={model} answer={answer} over={over} />
      </div>
      {below}
    </div>
  );
}

export function Try({ run: id }: { run: string }) {
  const model = useModel(id), run = runs.value.get(id);
  if (!run || !model) return <div class="empty" aria-busy="true" />;
  if (!model.push) return <div class="empty"><h3>Nothing can be tried here</h3><p>The program has not said how a sample is pushed through its network: see nns_on_push in nnscope.h.</p></div>;
  return <Trying run={run} model={model} />;
}
