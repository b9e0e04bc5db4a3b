// The header: brand, project and run, transport, and where the run stands. Everything has its fixed room, so that nothing moves
// while numbers do.
import { useRef } from 'preact/hooks';
import { duration, percent, whole } from '../look/format';
import { mode, toggleTheme } from '../look/theme';
import { currentRun, isOver } from '../state/runs';
import type { Run } from '../link/messages';
import { Brand, Icon } from './icons';
import { helpOpen, listOpen, paletteOpen, shareOpen } from './open';
import { addressToShare } from './share';
import { Said, Transport } from './transport';

const COMMANDS = /^(Mac|iP)/.test(navigator.platform) ? '\u2318K' : 'Ctrl K';
const WORDS: Partial<Record<Run['state'], string>> = { running: 'training' };

// By whole seconds: 4:12, 48 s.
const timeLeft = (seconds: number) => duration(1000 * Math.max(1, Math.round(seconds))).replace('.0', '');

function rateText(rate: number): string {
  return rate >= 100 ? whole(rate) : rate >= 10 ? rate.toFixed(1) : rate.toFixed(2);
}

// A figure keeps the widest room that it has needed, so that its neighbours stand still.
function Figure(props: { word: string; value: string; after?: boolean; title?: string; kind: string }) {
  const room = useRef(0);
  room.current = Math.max(room.current, props.value.length);
  const wide = (e: HTMLElement | null) => e?.style.setProperty('min-width', `${room.current}ch`);
  return <span class={`figure ${props.kind}`} title={props.title}>{!props.after && <span class="muted">{props.word} </span>}<b class="number" ref={wide}>{props.value}</b>{props.after && <span class="muted"> {props.word}</span>}</span>;
}

function Figures({ run }: { run: Run }) {
  const over = isOver(run), rate = run.steps_per_s ?? 0, lost = (run.dropped ?? 0) + (run.failed_bytes ?? 0) > 0;
  return (
    <div class="figures">
      {run.last_step >= 0 && <Figure kind="step" word="step" value={whole(run.last_step)} title={run.total_steps ? `of ${whole(run.total_steps)}` : undefined} />}
      {(run.epoch ?? 0) > 0 && <Figure kind="epoch" word="epoch" value={(run.epoch ?? 0).toFixed(1)} />}
      {!over && rate > 0 && run.state !== 'paused' && <Figure kind="rate" word="steps/s" value={rateText(rate)} after />}
      {!over && run.eta_s ? <Figure kind="left" word="left" value={timeLeft(run.eta_s)} title="time left, pauses not counted" /> : null}
      {!over && run.step_share !== undefined && run.processes?.some(p => p.pid) && <Figure kind="share" word="nnscope" value={percent(run.step_share)} title="share of step time spent in nnscope" />}
      {lost && <span class="figure warn" title="records that could not be kept: see Facts">{whole((run.dropped ?? 0) + (run.failed_bytes ?? 0))} lost</span>}
    </div>
  );
}

export function Header() {
  const run = currentRun.value;
  return (
    <header class="header">
      <button type="button" class="icon-button list-button" aria-label="runs" aria-expanded={listOpen.value} onClick={() => (listOpen.value = !listOpen.value)}><Icon name="menu" /></button>
      <div class="brand"><Brand /><span>nnscope</span></div>
      {run && <div class="where clip"><span class="muted">{run.project} / </span><b>{run.name}</b></div>}
      {run && <Transport />}
      {run && <Said />}
      <div class="spring" />
      {run && <span class={`state ${run.state}`}><i class="dot" />{WORDS[run.state] ?? run.state}</span>}
      {run && <Figures key={run.id} run={run} />}
      <div class="header-end">
        <button type="button" class="icon-button" aria-label={mode.value === 'dark' ? 'light' : 'dark'} title="dark or light" onClick={toggleTheme}><Icon name={mode.value === 'dark' ? 'sun' : 'moon'} /></button>
        {addressToShare() && <button type="button" class="icon-button share-button" aria-label="on a phone" title="on a phone (QR code)" onClick={() => (shareOpen.value = true)}><Icon name="phone" /></button>}
        <button type="button" class="icon-button help-button" aria-label="help" title="keys (?)" onClick={() => (helpOpen.value = true)}>?</button>
        <button type="button" class="key palette-button" aria-label="commands" title="commands" onClick={() => (paletteOpen.value = true)}>{COMMANDS}</button>
      </div>
    </header>
  );
}
