// The frame of the page: header, run list, tabs, the chosen view, the ribbon of events.
import { current } from '../state/runs';
import { setView, view } from '../state/view';
import { tabs } from './tabs';

export function App() {
  const tab = tabs.find(t => t.id === view.value.tab) ?? tabs[0];
  const run = current.value;
  return (
    <main class="main">
      <nav class="tabs" role="tablist" aria-label="views">
        {tabs.map(t => (
          <button key={t.id} role="tab" class="tab" aria-selected={t === tab} onClick={() => setView({ tab: t.id })}>{t.word}</button>
        ))}
        {tab.Aside && <tab.Aside />}
      </nav>
      <section class="view" role="tabpanel" aria-label={tab.word}>
        <tab.View key={run} run={run} />
      </section>
    </main>
  );
}
