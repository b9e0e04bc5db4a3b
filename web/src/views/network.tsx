// Network: the picture of the run's network and what stands around it. Loaded when it is first opened: nothing of it is in the
// first paint but this.
import { signal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import './network/network.css';

type Loaded = typeof import('./network/tab');
const loaded = signal<Loaded | null>(null), failed = signal('');

function load(): void {
  if (loaded.peek()) return;
  import('./network/tab').then(m => (loaded.value = m), () => (failed.value = 'This part of the page could not be loaded: reload the page.'));
}

export function Network({ run }: { run: string }) {
  useEffect(load, []);
  const tab = loaded.value;
  if (failed.value) return <div class="empty"><p class="bad" role="alert">{failed.value}</p></div>;
  return tab ? <tab.Tab run={run} /> : <div class="empty" aria-busy="true" />;
}

export function NetworkBar() {
  const tab = loaded.value;
  return tab && <tab.Bar />;
}
