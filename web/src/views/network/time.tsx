// The time slider: over the snapshots and to now, with play, speed, steps, the way back to live, comparison, and the keeping of this
// moment. Events, moments kept and the flight recorder's are marked on it; what snapshots cost stands beside.
import { useMemo, useState } from 'preact/hooks';
import type { RunEvent } from '../../link/messages';
import { bytes, clock, whole } from '../../look/format';
import { link } from '../../state/link';
import type { Network } from '../../state/network';
import { isOver, runs } from '../../state/runs';
import { isFlight, isKept, nearest, type Snapshot } from '../../state/snapshots';
import { setNetwork, view } from '../../state/view';
import { sendCommand, useWatch } from '../../state/watch';
import { Icon } from '../../app/icons';
import { eventWords, toneOf } from '../events/words';
import { useCalm } from './calm';
import { stepMoment } from './keys';
import { playing, speed, SPEEDS, stopPlay, togglePlay } from './play';

const EVENTS_SHOWN = 80, PAGE = 10;

function courseOf(id: string): { over: boolean; last: number } {
  const run = runs.value.get(id);
  return { over: run !== undefined && isOver(run), last: run?.last_step ?? 0 };
}

interface Extent { from: number; to: number }

const extentOf = (all: readonly Snapshot[], last: number): Extent => ({ from: all[0]?.step ?? 0, to: Math.max(last, all.at(-1)?.step ?? 0, (all[0]?.step ?? 0) + 1) });
const left = (e: Extent, step: number) => `${(100 * (step - e.from)) / (e.to - e.from)}%`;

// A step on the slider to a moment: the snapshot at or before it, live beyond half way from the last to now.
function momentAt(all: readonly Snapshot[], e: Extent, step: number): number | null {
  const last = all.at(-1);
  if (!last || step > (last.step + e.to) / 2) return null;
  return all[nearest(all, step)]!.step;
}

// A person's mark whose moment is there: the moment's diamond stands for both.
const isDiamond = (e: RunEvent, marked: readonly Snapshot[]): boolean => e.type === 'mark' && e.command !== undefined && marked.some(s => isKept(s) && Math.abs(s.step - e.step) <= 1);

function Marks({ network, all, extent }: { network: Network; all: readonly Snapshot[]; extent: Extent }) {
  const marked = all.filter(s => isFlight(s) || isKept(s)), inside = (e: RunEvent) => e.step >= extent.from && e.step <= extent.to && e.type !== 'started';
  const events = useWatch(network.run).events.value.filter(e => inside(e) && !isDiamond(e, marked)).slice(-EVENTS_SHOWN);
  return (
    <div class="time-marks">
      {events.map(e => (
        <button key={e.number} type="button" tabIndex={-1} class={`time-event tone-${toneOf(e)}`} style={{ left: left(extent, e.step) }} title={`${eventWords(e)} · step ${whole(e.step)}`}
          onClick={() => setNetwork({ moment: momentAt(all, extent, e.step) })} />
      ))}
      {marked.map(s => (
        <button key={s.step} type="button" tabIndex={-1} class={isKept(s) ? 'time-kept' : 'time-flight'} style={{ left: left(extent, s.step) }}
          title={`${isKept(s) ? 'kept' : 'flight recorder'} · step ${whole(s.step)}`} onClick={() => setNetwork({ moment: s.step })} />
      ))}
    </div>
  );
}

function Ticks({ all, extent }: { all: readonly Snapshot[]; extent: Extent }) {
  const path = useMemo(() => all.map(s => `M${s.step} 0V4`).join(''), [all]);
  return <svg class="time-ticks" viewBox={`${extent.from} 0 ${extent.to - extent.from} 4`} preserveAspectRatio="none" aria-hidden="true"><path d={path} /></svg>;
}

// The step that is seen, in room of its own: it changes with every capture.
function StepShown({ network }: { network: Network }) {
  const { moment } = view.value.network, run = runs.value.get(network.run), past = network.past.value;
  const step = moment === null ? network.live.value?.step ?? run?.last_step ?? 0 : past?.step ?? moment;
  const { snapshots } = network.snapshots.list.value, time = moment === null ? undefined : snapshots[nearest(snapshots, step)]?.time;
  return <span class="time-step number" title={time ? clock(time) : undefined}>step <b>{step < 0 ? 'before the first' : whole(step)}</b></span>;
}

function Keep({ network }: { network: Network }) {
  const [said, setSaid] = useState(''), [busy, setBusy] = useState(false);
  const keep = async () => {
    setBusy(true);
    try {
      const done = await sendCommand(network.run, { type: 'keep' });
      setSaid(`kept at step ${whole(done.step ?? 0)}`);
      await network.snapshots.refresh();
    } catch (error) {
      setSaid((error as Error).message);
    }
    setBusy(false);
    setTimeout(() => setSaid(''), 6000);
  };
  return (
    <>
      <button type="button" class="button small" disabled={busy || !link.state.value.up} aria-busy={busy} title="write the flight recorder out and keep this moment" onClick={keep}>keep</button>
      {said && <span class="time-said muted" role="status">{said}</span>}
    </>
  );
}

function Cost({ network }: { network: Network }) {
  const { snapshots, bytes: all, bytesPerHour, limit } = network.snapshots.list.value;
  if (!snapshots.length) return <span class="time-cost faint">no snapshot yet</span>;
  return <span class="time-cost faint number" title={`on disk: ${bytes(all)}${limit ? ` of ${bytes(limit)}, then older ones are thinned out` : ''}`}>{whole(snapshots.length)} × {bytes(all / snapshots.length)}{bytesPerHour > 0 && ` · ${bytes(bytesPerHour)}/h`}</span>;
}

export function Time({ network }: { network: Network }) {
  const { snapshots: all } = network.snapshots.list.value, { moment, compare } = view.value.network, shown = network.past.value;
  const { over, last } = useCalm(() => courseOf(network.run), [network.run]), extent = extentOf(all, over ? 0 : last);
  const at = moment === null ? extent.to : shown?.step ?? moment;
  const seek = (step: number) => (stopPlay(), setNetwork({ moment: momentAt(all, extent, step) }));
  const key = (e: KeyboardEvent) => {
    const by = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1, PageDown: -PAGE, PageUp: PAGE, Home: -Infinity, End: Infinity }[e.key];
    if (by === undefined) return;
    e.preventDefault();
    stopPlay();
    stepMoment(network, Math.max(-all.length - 1, Math.min(all.length + 1, by)));
  };
  const words = moment === null ? (over ? 'the end' : 'live') : `step ${whole(at)}`;
  return (
    <section class={moment === null ? 'network-time' : 'network-time past'} aria-label="moments">
      <div class="time-buttons">
        <button type="button" class="icon-button" aria-label={playing.value ? 'stop playing' : 'play'} title="play the snapshots (p)" disabled={!all.length} onClick={() => togglePlay(network)}><Icon name={playing.value ? 'pause' : 'play'} /></button>
        <button type="button" class="icon-button" aria-label="earlier" title="the snapshot before ([)" disabled={!all.length} onClick={() => (stopPlay(), stepMoment(network, -1))}>‹</button>
        <button type="button" class="icon-button" aria-label="later" title="the next snapshot (])" disabled={!all.length || moment === null} onClick={() => (stopPlay(), stepMoment(network, 1))}>›</button>
        <select class="field time-speed" aria-label="speed" title="snapshots a second" value={speed.value} onChange={e => (speed.value = Number(e.currentTarget.value))}>
          {SPEEDS.map(s => <option key={s} value={s}>{s}/s</option>)}
        </select>
      </div>
      <div class="time-track">
        <Marks network={network} all={all} extent={extent} />
        <input class="slider" type="range" min={extent.from} max={extent.to} step={1} value={at} disabled={!all.length} aria-label="time" aria-valuetext={words}
          style={{ '--fill': left(extent, Math.min(at, extent.to)) }} onInput={e => seek(Number(e.currentTarget.value))} onKeyDown={key} />
        <Ticks all={all} extent={extent} />
      </div>
      <StepShown network={network} />
      <div class="time-buttons">
        <button type="button" class="button small time-live" aria-pressed={moment === null} disabled={over && moment === null} onClick={() => (stopPlay(), setNetwork({ moment: null }))}>{over ? 'end' : 'live'}</button>
        {moment !== null && <button type="button" class="button small" aria-pressed={compare} title="now minus that moment" onClick={() => setNetwork({ compare: !compare })}>compare with {over ? 'the end' : 'now'}</button>}
        {!over && <Keep network={network} />}
      </div>
      <Cost network={network} />
    </section>
  );
}
