// Log: what the program printed, in its colours, followed, searched, copied. Only the lines in sight are in the page.
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from 'preact/hooks';
import type { Run } from '../link/messages';
import { bytes, whole } from '../look/format';
import { isOver, runs } from '../state/runs';
import { useWatch } from '../state/watch';
import { findAll, findFrom, type Find } from './log/find';
import { LogLine } from './log/line';
import { Source } from './log/source';
import './log/log.css';

const ROW = 20, BEYOND = 20, LOOK_MS = 2000;

interface Scroll { top: number; height: number }

// The source of this process's output, pulled when the watch tells of more and, in case it does not, every two seconds.
function useSource(run: Run, process: string): Source {
  const watch = useWatch(run.id), source = useMemo(() => new Source(run.id, process), [run.id, process]);
  const over = isOver(run);
  useEffect(() => {
    void source.pull();
    const stop = watch.log.subscribe(() => void source.pull());
    const timer = over ? 0 : setInterval(() => document.hidden || void source.pull(), LOOK_MS);
    return () => (stop(), clearInterval(timer));
  }, [source, watch, over]);
  useEffect(() => () => source.close(), [source]);
  return source;
}

function save(source: Source, run: Run): void {
  const address = URL.createObjectURL(new Blob([source.plain()], { type: 'text/plain' })), link = document.createElement('a');
  link.href = address;
  link.download = `${run.name.replace(/[^\w.-]+/g, '_') || 'run'}.log`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(address), 1000);
}

function Body(props: { source: Source; finds: Find[]; current: Find | undefined; follow: boolean; setFollow: (on: boolean) => void }) {
  const { source, finds, current, follow, setFollow } = props;
  const box = useRef<HTMLDivElement>(null), [scroll, setScroll] = useState<Scroll>({ top: 0, height: 800 });
  const version = source.version.value, lines = source.lines.lines, end = lines.length - (lines[lines.length - 1]!.text === '' ? 1 : 0);
  useLayoutEffect(() => {
    if (follow && box.current) box.current.scrollTop = end * ROW + 100;
  }, [version, follow, scroll.height, end]);
  useLayoutEffect(() => {
    if (current && box.current) box.current.scrollTop = Math.max(0, current.line * ROW - box.current.clientHeight / 2);
  }, [current]);
  useEffect(() => {
    const watcher = new ResizeObserver(() => box.current && setScroll({ top: box.current.scrollTop, height: box.current.clientHeight }));
    watcher.observe(box.current!);
    return () => watcher.disconnect();
  }, []);
  const moved = (target: HTMLDivElement) => {
    setScroll({ top: target.scrollTop, height: target.clientHeight });
    const atEnd = target.scrollTop + target.clientHeight >= target.scrollHeight - ROW;
    if (follow && !atEnd) setFollow(false);
  };
  const earlier = async () => {
    const added = await source.earlier();
    requestAnimationFrame(() => box.current && (box.current.scrollTop += added * ROW));
  };
  const from = Math.max(0, Math.min(end, Math.floor(scroll.top / ROW) - BEYOND)), to = Math.min(end, Math.ceil((scroll.top + scroll.height) / ROW) + BEYOND);
  let find = findFrom(finds, from);
  const shown = [];
  for (let i = from; i < to; i++) {
    const mine: Find[] = [];
    while (find < finds.length && finds[find]!.line === i) mine.push(finds[find++]!);
    shown.push(<LogLine key={i + source.lines.dropped} line={lines[i]!} finds={mine} current={current} />);
  }
  return (
    <div ref={box} class="log-body" role="log" aria-label="output" aria-live="off" tabIndex={0} data-lines={end}
      onWheel={event => event.deltaY < 0 && setFollow(false)} onScroll={event => moved(event.currentTarget)}>
      {source.start.value > 0 && <button type="button" class="button small log-earlier" onClick={() => void earlier()}>earlier output ({bytes(source.start.value)})</button>}
      <div class="log-all" style={{ height: `${end * ROW}px` }}>
        <div class="log-window" style={{ top: `${from * ROW}px` }}>{shown}</div>
      </div>
    </div>
  );
}

function Empty({ source }: { source: Source }) {
  if (!source.ready.value) return <div class="empty"><p>Reading\u2026</p></div>;
  if (source.trouble.value) return <div class="empty"><h3>The output cannot be read</h3><p>{source.trouble.value}</p></div>;
  return (
    <div class="empty">
      <h3>No output captured</h3>
      <p>Ask for it where the run is opened; it still goes to the terminal, too.</p>
      <pre>{'nns_open(&(nns_options){.capture_output = true});'}</pre>
    </div>
  );
}

function Output({ run, process, choose }: { run: Run; process: string; choose: (id: string) => void }) {
  const source = useSource(run, process), [wanted, want] = useState(''), [at, setAt] = useState(0), [follow, setFollow] = useState(true);
  const version = source.version.value, copied = useRef<HTMLButtonElement>(null);
  const finds = useMemo(() => findAll(source.lines.lines, wanted), [wanted, version]);
  const current = finds.length > 0 ? finds[Math.min(at, finds.length - 1)] : undefined;
  const target = useMemo(() => current, [at, wanted, finds.length > 0]); // new output must not scroll
  const step = (by: number) => finds.length > 0 && (setFollow(false), setAt((Math.min(at, finds.length - 1) + by + finds.length) % finds.length));
  const copy = () => void navigator.clipboard?.writeText(source.plain()).then(() => {
    if (copied.current) copied.current.textContent = 'copied';
    setTimeout(() => copied.current && (copied.current.textContent = 'copy'), 1200);
  });
  const processes = run.processes ?? [];
  const empty = source.lines.lines.length === 1 && source.lines.lines[0]!.text === '';
  return (
    <div class="log">
      <div class="log-tools">
        <input class="field" type="search" aria-label="search the log" placeholder="Search" value={wanted}
          onInput={event => (want(event.currentTarget.value), setAt(0), event.currentTarget.value && setFollow(false))}
          onKeyDown={event => event.key === 'Enter' && step(event.shiftKey ? -1 : 1)} />
        <button type="button" class="button small" aria-label="previous" disabled={finds.length === 0} onClick={() => step(-1)}>↑</button>
        <button type="button" class="button small" aria-label="next" disabled={finds.length === 0} onClick={() => step(1)}>↓</button>
        <span class="log-count number" role="status" aria-label="found">
          {wanted === '' ? '' : finds.length === 0 ? 'none' : `${whole(Math.min(at, finds.length - 1) + 1)} of ${whole(finds.length)}`}
        </span>
        <span class="log-space" />
        {processes.length > 1 && (
          <select class="field" aria-label="process" value={process} onChange={event => choose(event.currentTarget.value)}>
            {processes.map((p, i) => <option key={p.id} value={p.id}>{`rank ${p.rank ?? i}${p.host ? ` \u00b7 ${p.host}` : ''} \u00b7 ${p.pid}`}</option>)}
          </select>
        )}
        {!empty && <button type="button" class="button small" aria-pressed={follow} onClick={() => setFollow(!follow)}>follow</button>}
        {!empty && <button type="button" class="button small" ref={copied} onClick={copy}>copy</button>}
        {!empty && <button type="button" class="button small" onClick={() => save(source, run)}>save</button>}
      </div>
      {empty ? <Empty source={source} /> : <Body source={source} finds={finds} current={target} follow={follow} setFollow={setFollow} />}
      {!empty && (
        <p class="log-end number">
          <span>{whole(source.lines.lines.length - 1)} lines</span><span>{bytes(source.size.value)}</span>
          {source.trouble.value && <span class="bad">{source.trouble.value}</span>}
        </p>
      )}
    </div>
  );
}

export function Log({ run: id }: { run: string }) {
  const run = runs.value.get(id), [process, choose] = useState('');
  if (!run) return <div class="empty"><h3>No run chosen</h3></div>;
  const processes = run.processes ?? [];
  const shown = processes.some(p => p.id === process) ? process : (processes[processes.length - 1]?.id ?? '');
  return <Output key={shown} run={run} process={shown} choose={choose} />;
}
