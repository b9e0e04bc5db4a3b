// Curves: panels grouped by prefix, pinned ones first; images, histograms, samples and texts behind them.
import { useComputed } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { filterOf, type PanelDef, type PanelGroup } from '../state/panels';
import { chosen, currentRun } from '../state/runs';
import { setPanel, setView, view } from '../state/view';
import { watchOf } from '../state/watch';
import { MediaGroup } from './curves/media-group';
import { Panel } from './curves/panel';
import { groups } from './curves/specs';
import './curves/curves.css';

export { CurvesBar } from './curves/bar';

const FOLDED = new Set(['param']); // unless opened by hand

const isFolded = (name: string) => view.value.closed.includes(name) || (FOLDED.has(name) && !view.value.opened.includes(name));
function fold(name: string): void {
  const { closed, opened } = view.peek(), without = (list: string[]) => list.filter(n => n !== name);
  if (isFolded(name)) setView({ closed: without(closed), opened: FOLDED.has(name) ? [...without(opened), name] : opened });
  else setView({ closed: FOLDED.has(name) ? closed : [...without(closed), name], opened: without(opened) });
}

export function GroupHead(props: { name: string; count: number; folded: boolean; toggle: () => void }) {
  return (
    <h2 class="group-head">
      <button type="button" aria-expanded={!props.folded} onClick={props.toggle}>
        <span class={props.folded ? 'chevron' : 'chevron open'} aria-hidden="true" />{props.name}<span class="faint number">{props.count}</span>
      </button>
    </h2>
  );
}

function Group({ group }: { group: PanelGroup }) {
  const folded = isFolded(group.name);
  return (
    <section class="group">
      <GroupHead name={group.name} count={group.panels.length} folded={folded} toggle={() => fold(group.name)} />
      {!folded && <div class="panels">{group.panels.map(p => <Panel key={p.id} panel={p} />)}</div>}
    </section>
  );
}

// Pinned panels make a group of their own; hidden ones and those that the filter leaves out go.
function arranged(all: PanelGroup[]): { groups: PanelGroup[]; hidden: PanelDef[] } {
  const { panels, filter } = view.value, wanted = filterOf(filter), pinned: PanelDef[] = [], hidden: PanelDef[] = [], rest: PanelGroup[] = [];
  for (const group of all) {
    const left = group.panels.filter(p => {
      if (!wanted(p.title) && !p.series.some(wanted)) return false;
      if (panels[p.id]?.hidden) return void hidden.push(p);
      if (panels[p.id]?.pinned) return void pinned.push(p);
      return true;
    });
    if (left.length) rest.push({ name: group.name, panels: left });
  }
  return { groups: pinned.length ? [{ name: 'pinned', panels: pinned }, ...rest] : rest, hidden };
}

function Nothing() {
  const run = currentRun.value;
  if (view.value.filter) return <div class="empty"><h3>No panel matches “{view.value.filter}”</h3><button type="button" class="button" onClick={() => setView({ filter: '' })}>show all</button></div>;
  if (!run || chosen.value.some(c => !watchOf(c.id).ready.value)) return <div class="empty" aria-busy="true" />;
  return (
    <div class="empty">
      <h3>{run.name} has recorded no values yet</h3>
      <p>Each series that the program logs becomes a curve here.</p>
      <pre>{'nns_series loss = nns_series_open(run, "train/loss");\nnns_scalar(run, loss, value);'}</pre>
    </div>
  );
}

export function Curves(_: { run: string }) {
  useEffect(() => {
    const ends = chosen.value.map(c => watchOf(c.id).use());
    return () => ends.forEach(end => end());
  }, [chosen.value]);
  const shown = useComputed(() => arranged(groups.value)), { full } = view.value;
  if (full) {
    const panel = groups.value.flatMap(g => g.panels).find(p => p.id === full);
    if (panel) return <div class="curves one"><Panel key={'full ' + panel.id} panel={panel} /></div>;
  }
  const { groups: list, hidden } = shown.value;
  return (
    <div class="curves">
      {list.length === 0 && <Nothing />}
      {list.map(g => <Group key={g.name} group={g} />)}
      <MediaGroup />
      {hidden.length > 0 && (
        <p class="hidden-panels faint">hidden: {hidden.map(p => (
          <button key={p.id} type="button" class="button quiet small" onClick={() => setPanel(p.id, { hidden: false })}>{p.title}</button>
        ))}</p>
      )}
    </div>
  );
}
