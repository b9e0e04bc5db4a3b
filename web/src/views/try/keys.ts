// Keys of the Try tab; the page's own keys come first (a key that they took is left alone).
import { NOTHING, put, source, undoStroke } from './source';

const typing = (e: KeyboardEvent) => (e.target as HTMLElement | null)?.matches?.('input:not([type=checkbox]):not([type=range]), textarea, select, [contenteditable]') ?? false;

function move(by: number, samples: number): void {
  const now = source.peek(), at = now.kind === 'sample' ? now.number + by : 0;
  if (at >= 0 && at < samples) put({ kind: 'sample', number: at });
}

function press(key: string, samples: number): boolean {
  switch (key) {
    case 'z': undoStroke(); return true;
    case 'x': put(NOTHING); return true;
    case 'r': if (samples > 0) put({ kind: 'sample', number: Math.floor(Math.random() * samples) }); return true;
    case '[': move(-1, samples); return true;
    case ']': move(1, samples); return true;
    case 'p': document.querySelector<HTMLElement>('.try-pin input')?.focus(); return true;
  }
  return false;
}

export function listenTryKeys(samples: number): () => void {
  const heard = (e: KeyboardEvent) => {
    if (e.defaultPrevented || typing(e) || e.altKey || e.metaKey || (e.ctrlKey && e.key !== 'z')) return;
    if (press(e.key, samples)) e.preventDefault();
  };
  addEventListener('keydown', heard);
  return () => removeEventListener('keydown', heard);
}
