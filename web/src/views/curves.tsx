// Curves: panels grouped by prefix, pinned ones first; images, histograms, samples and texts behind them.
import { useComputed } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { isHousekeeping, filterOf, type PanelDef, type PanelGroup } from '../state/panels';
import { chosen, currentRun, listed } from '../state/runs';
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

function GroupHead({ group }: { group: PanelGroup }) {
  const folded = isFolded(group.name);
  return (
    <h2 class="group-head">
      <button type="button" aria-expanded={!folded} onClick={() => fold(group.name)}>
        <span class={folded ? 'chevron' : 'chevron open'} aria-hidden="true" />{group.name}<span class="faint number">{group.panels.length}</span>
      </button>
    </h2>
  );
}

// Groups that share one grid: small ones stand side by side, so that they leave no holes.
function Shelf({ groups: list }: { groups: PanelGroup[] }) {
  const open = list.filter(g => !isFolded(g.name)).flatMap(g => g.panels);
  return (
    <section class="group" aria-label={list.map(g => g.name).join(', ')}>
      <div class="group-heads">{list.map(g => <GroupHead key={g.name} group={g} />)}</div>
      {open.length > 0 && <div class="panels">{open.map(p => <Panel key={p.id} panel={p} />)}</div>}
    </section>
  );
}

const SMALL = 6, LONGEST = 12;
function shelves(all: PanelGroup[]): PanelGroup[][] {
  const rows: PanelGroup[][] = [], size = (g: PanelGroup) => (isFolded(g.name) ? 0 : g.panels.length);
  let held = Infinity; // panels on the last shelf
  for (const group of all) {
    const own = size(group), fits = own <= SMALL && held + own <= LONGEST;
    if (fits) rows[rows.length - 1].push(group);
    else rows.push([group]);
    held = own > SMALL ? Infinity : fits ? held + own : own;
  }
  return rows;
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
  if (listed.value && !run) return <div class="empty"><h3>No run chosen</h3><p>Choose one in the list of runs; several can be shown beside each other.</p></div>;
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
      {shelves(list.filter(g => !isHousekeeping(g.name))).map(row => <Shelf key={row[0].name} groups={row} />)}
      <MediaGroup />
      {shelves(list.filter(g => isHousekeeping(g.name))).map(row => <Shelf key={row[0].name} groups={row} />)}
      {hidden.length > 0 && (
        <p class="hidden-panels faint">hidden: {hidden.map(p => (
          <button key={p.id} type="button" class="button quiet small" onClick={() => setPanel(p.id, { hidden: false })}>{p.title}</button>
        ))}</p>
      )}
    </div>
  );
}
