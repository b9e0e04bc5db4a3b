// The frame of the page: header, run list, tabs, the chosen view, the ribbon of events.
import { computed } from '@preact/signals';
import { useEffect, useLayoutEffect, useRef } from 'preact/hooks';
import { showAt } from '../charts/crosshair';
import { link } from '../state/link';
import { useModel } from '../state/model';
import { current, currentRun } from '../state/runs';
import { setView, view } from '../state/view';
import { EventRibbon } from '../views/events/ribbon';
import { Header } from './header';
import { Help } from './help';
import { isEmpty, Lost, Outdated, Welcome } from './notices';
import { helpOpen, listOpen, paletteOpen, shareOpen } from './open';
import { Palette } from './palette';
import { RunList } from './run-list';
import { Share } from './share';
import { tabs, tabsOf, type Tab } from './tabs';

function Tabs({ tab, tabs }: { tab: Tab; tabs: Tab[] }) {
  const arrows = (e: KeyboardEvent) => {
    const by = e.key === 'ArrowRight' ? 1 : e.key === 'ArrowLeft' ? -1 : 0;
    if (!by) return;
    const next = tabs[(tabs.indexOf(tab) + by + tabs.length) % tabs.length];
    setView({ tab: next.id });
    (e.currentTarget as HTMLElement).querySelector<HTMLElement>(`#tab-${next.id}`)?.focus();
  };
  return (
    <div class="tab-list" role="tablist" aria-label="views" onKeyDown={arrows}>
      {tabs.map(t => (
        <button key={t.id} id={`tab-${t.id}`} type="button" role="tab" class="tab" aria-selected={t === tab} aria-controls="view" tabIndex={t === tab ? 0 : -1}
          onClick={() => setView({ tab: t.id, full: '' })}>{t.word}</button>
      ))}
    </div>
  );
}

const scrolled = new Map<string, number>(); // how far each view was, by tab

function Main() {
  const run = current.value;
  const known = useModel(run) !== null, here = tabsOf(run);
  const tab = (known ? here : tabs).find(t => t.id === view.value.tab) ?? tabs[0]; // until it is known, what the address says
  const box = useRef<HTMLElement>(null), keep = (e: Event) => void scrolled.set(tab.id, (e.currentTarget as HTMLElement).scrollTop);
  useLayoutEffect(() => {
    box.current!.scrollTop = scrolled.get(tab.id) ?? 0;
  }, [tab.id]);
  return (
    <main class="main">
      <div class="tabs"><Tabs tab={tab} tabs={here} />{tab.Aside && <tab.Aside />}</div>
      <section id="view" class={`view view-${tab.id}`} role="tabpanel" aria-labelledby={`tab-${tab.id}`} tabIndex={-1} ref={box} onScroll={keep}>
        <tab.View key={tab.id === 'curves' ? 'curves' : run} run={run} />
      </section>
    </main>
  );
}

const title = computed(() => (currentRun.value ? `${currentRun.value.name} \u00b7 nnscope` : 'nnscope'));

export function App() {
  const empty = isEmpty.value, run = current.value, name = title.value;
  useEffect(() => void (document.title = name), [name]);
  return (
    <div class={link.state.value.up ? 'app' : 'app stale'}>
      <Header />
      <Lost />
      <Outdated />
      {listOpen.value && <div class="shade" onClick={() => (listOpen.value = false)} />}
      <RunList />
      {empty ? <main class="main"><Welcome /></main> : <Main />}
      {run && <EventRibbon run={run} pick={e => showAt(e)} />}
      {paletteOpen.value && <Palette />}
      {helpOpen.value && <Help />}
      {shareOpen.value && <Share />}
    </div>
  );
}
