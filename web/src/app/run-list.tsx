// The run list: live ones, then those that are over; dot, name, sparkline of the main series, last and best value. A click looks
// at one run, Ctrl-click or the dot shows it beside the others.
import { computed, signal } from '@preact/signals';
import { useLayoutEffect, useRef, useState } from 'preact/hooks';
import { numberOf, type Run } from '../link/messages';
import { clock, dateTime, number } from '../look/format';
import { strokeOf } from '../look/palette';
import { mode } from '../look/theme';
import { change, choose, current, isOver, listed, ordered, removeRun, runs as known, slotOf, timeOf, toggle } from '../state/runs';
import { Icon } from './icons';
import { listOpen } from './open';

const wanted = signal('');
const SHOWN = 200, WIDTH = 56, HEIGHT = 22;

function matches(run: Run): boolean {
  const text = `${run.name} ${run.project} ${run.group ?? ''} ${(run.tags ?? []).join(' ')} ${run.state}`.toLowerCase();
  return wanted.value.toLowerCase().split(/\s+/).every(w => text.includes(w));
}

function sparkPath(values: number[]): string {
  const finite = values.filter(Number.isFinite), low = Math.min(...finite), high = Math.max(...finite), span = high - low || 1;
  if (finite.length < 2) return '';
  let path = '', pen = 'M';
  values.forEach((v, i) => {
    if (!Number.isFinite(v)) return void (pen = 'M');
    path += `${pen}${((i / (values.length - 1)) * WIDTH).toFixed(1)} ${(HEIGHT - 2 - ((v - low) / span) * (HEIGHT - 4)).toFixed(1)}`;
    pen = 'L';
  });
  return path;
}

function Sparkline({ run, colour }: { run: Run; colour: string }) {
  const path = sparkPath((run.main?.spark ?? []).map(numberOf));
  return (
    <svg class="spark" viewBox={`0 0 ${WIDTH} ${HEIGHT}`} width={WIDTH} height={HEIGHT} aria-hidden="true">
      {path && <path d={path} fill="none" stroke={colour} stroke-width="1.25" stroke-linejoin="round" />}
    </svg>
  );
}

// Names that several runs of a project have: such runs are told apart by when they began.
const shared = computed(() => {
  const seen = new Map<string, number>(), key = (r: Run) => r.project + '\n' + r.name;
  for (const run of known.value.values()) seen.set(key(run), (seen.get(key(run)) ?? 0) + 1);
  return (run: Run) => (seen.get(key(run)) ?? 0) > 1;
});
function since(run: Run): string {
  const at = timeOf(run.started) || timeOf(run.created);
  return !at ? run.id.slice(-4) : Date.now() - at < 864e5 ? clock(at) : dateTime(at).slice(5, 16);
}

const TOLD: Partial<Record<Run['state'], string>> = { paused: 'warn', failed: 'bad', crashed: 'bad', lost: 'bad', queued: 'faint', starting: 'faint' };

function Values({ run }: { run: Run }) {
  const m = run.main, state = TOLD[run.state] && <span class={`run-state ${TOLD[run.state]}`}>{run.state} </span>;
  if (!m || m.last === null) return <span class="run-values faint clip">{state ?? run.state}</span>;
  const last = numberOf(m.last), best = numberOf(m.best), differs = Number.isFinite(best) && number(best, 3) !== number(last, 3);
  return (
    <span class="run-values number clip" title={`${m.series}: last ${number(last)}, best ${number(best)}`}>
      {number(last, 3)}{differs && !state && <span class="faint"> best {number(best, 3)}</span>}{state && <> {state}</>}
    </span>
  );
}

type Doing = '' | 'menu' | 'rename' | 'tag' | 'delete';

function Edit(props: { word: string; value: string; save: (text: string) => Promise<void>; end: () => void }) {
  const [problem, setProblem] = useState('');
  const save = async (e: Event) => {
    e.preventDefault();
    const text = (e.currentTarget as HTMLFormElement).querySelector('input')!.value;
    await props.save(text).then(props.end, (error: Error) => setProblem(error.message));
  };
  return (
    <form class="run-edit" onSubmit={save}>
      <input class="field" aria-label={props.word} defaultValue={props.value} ref={e => e?.select()} onKeyDown={e => e.key === 'Escape' && (e.stopPropagation(), props.end())} />
      {problem && <p class="bad">{problem}</p>}
    </form>
  );
}

function ConfirmDelete({ run, end }: { run: Run; end: () => void }) {
  const [problem, setProblem] = useState('');
  return (
    <div class="run-edit" role="alertdialog" aria-label={`delete ${run.name}`}>
      <p>Delete {run.name} and all that it recorded? This cannot be undone.</p>
      {problem && <p class="bad">{problem}</p>}
      <div class="row">
        <button type="button" class="button small danger" ref={e => e?.focus()} onClick={() => removeRun(run.id).then(end, (e: Error) => setProblem(e.message))}>delete</button>
        <button type="button" class="button small quiet" onClick={end}>keep</button>
      </div>
    </div>
  );
}

function RunMenu({ run, act, end }: { run: Run; act: (what: Doing) => void; end: () => void }) {
  const box = useRef<HTMLDivElement>(null), beside = slotOf(run.id) >= 0;
  useLayoutEffect(() => {
    box.current?.querySelector('button')?.focus();
    const outside = (e: Event) => box.current?.contains(e.target as Node) || end();
    const key = (e: KeyboardEvent) => e.key === 'Escape' && (e.stopPropagation(), end());
    addEventListener('pointerdown', outside);
    addEventListener('keydown', key, true);
    return () => (removeEventListener('pointerdown', outside), removeEventListener('keydown', key, true));
  }, []);
  const item = (word: string, what: () => void, why = '') => <button type="button" role="menuitem" class="menu-item" disabled={why !== ''} title={why} onClick={what}>{word}</button>;
  return (
    <div class="menu" role="menu" ref={box}>
      {item(beside ? 'take out of view' : 'show beside', () => (toggle(run.id), end()))}
      {item('rename', () => act('rename'))}
      {item('tags', () => act('tag'))}
      <hr />
      {item('delete\u2026', () => act('delete'), isOver(run) ? '' : 'a run that is not over cannot be deleted')}
    </div>
  );
}

function RunItem({ run }: { run: Run }) {
  const [doing, setDoing] = useState<Doing>(''), slot = slotOf(run.id), over = isOver(run), end = () => setDoing('');
  const stroke = slot >= 0 ? strokeOf(slot, mode.value).colour : 'var(--text-3)';
  const dot = (e: HTMLElement | null) => e?.style.setProperty('--colour', stroke);
  const open = (e: MouseEvent) => {
    if (e.ctrlKey || e.metaKey || e.shiftKey) return toggle(run.id);
    choose(run.id);
    listOpen.value = false;
  };
  return (
    <li class={`run ${slot >= 0 ? 'chosen' : ''} ${run.id === current.value ? 'current' : ''} ${run.state}`}>
      <button type="button" class="run-dot" aria-pressed={slot >= 0} aria-label={`show ${run.name} beside`} title={slot >= 0 ? 'take out of view' : 'show beside the others'} onClick={() => toggle(run.id)}>
        <i class={over ? 'ring' : 'ring live'} ref={dot} />
      </button>
      <button type="button" class="run-open" aria-current={run.id === current.value} onClick={open} title={`${run.project} / ${run.name} \u00b7 ${run.state}`}>
        <span class="run-name clip">{run.name}{shared.value(run) && <span class="run-since faint number"> {since(run)}</span>}</span>
        <Values run={run} />
        <Sparkline run={run} colour={stroke} />
      </button>
      <button type="button" class="icon-button run-more" aria-label={`more on ${run.name}`} aria-haspopup="menu" aria-expanded={doing === 'menu'} onClick={() => setDoing('menu')}><Icon name="more" /></button>
      {doing === 'menu' && <RunMenu run={run} act={setDoing} end={end} />}
      {doing === 'rename' && <Edit word="name" value={run.name} end={end} save={name => change(run.id, { name })} />}
      {doing === 'tag' && <Edit word="tags, separated by commas" value={(run.tags ?? []).join(', ')} end={end} save={text => change(run.id, { tags: text.split(',').map(t => t.trim()).filter(Boolean) })} />}
      {doing === 'delete' && <ConfirmDelete run={run} end={end} />}
      {(run.tags ?? []).length > 0 && doing !== 'tag' && <div class="run-tags">{run.tags!.map(t => <button key={t} type="button" class="tag" onClick={() => (wanted.value = t)}>{t}</button>)}</div>}
    </li>
  );
}

function Section({ word, runs }: { word: string; runs: Run[] }) {
  const [most, setMost] = useState(SHOWN);
  if (!runs.length) return null;
  return (
    <section>
      <h2>{word}<span class="number">{runs.length}</span></h2>
      <ul>{runs.slice(0, most).map(r => <RunItem key={r.id} run={r} />)}</ul>
      {runs.length > most && <button type="button" class="button quiet small" onClick={() => setMost(most + SHOWN)}>show {Math.min(SHOWN, runs.length - most)} more</button>}
    </section>
  );
}

export function RunList() {
  const list = ordered.value.filter(matches);
  return (
    <aside class={listOpen.value ? 'run-list open' : 'run-list'} aria-label="runs">
      <div class="run-filter">
        <input id="run-filter" class="field" type="search" aria-label="filter runs" placeholder="Filter runs" value={wanted.value} onInput={e => (wanted.value = e.currentTarget.value)} />
        <span class="key" aria-hidden="true">/</span>
      </div>
      <div class="run-scroll">
        <Section word="live" runs={list.filter(r => !isOver(r))} />
        <Section word="finished" runs={list.filter(isOver)} />
        {listed.value && !list.length && wanted.value && <p class="faint run-none">No run matches.</p>}
      </div>
    </aside>
  );
}
