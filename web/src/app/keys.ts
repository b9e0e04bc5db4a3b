// Keys of the whole page. A key does nothing while somebody types.
import { current, currentRun } from '../state/runs';
import { steer } from '../state/transport';
import { setView, view } from '../state/view';
import { helpOpen, listOpen, paletteOpen } from './open';
import { tabs, tabsOf } from './tabs';
import { toggleTheme } from '../look/theme';

export const KEYS: [string, string][] = [
  ['space', 'pause, resume'], ['.', 'one step, then hold'], ['/', 'filter runs'], ['f', 'filter panels'],
  ...tabs.map(t => [`g ${t.key}`, t.word] as [string, string]),
  ['[ ]', 'Network: the snapshot before, the next'], ['\\ p', 'Network: live, play'],
  ['z x r', 'Try: take back a stroke, clear, a test sample'],
  ['d', 'dark or light'], ['Ctrl K', 'commands'], ['Esc', 'close, leave full screen, reset zoom'], ['?', 'these keys'],
];
export const MOUSE: [string, string][] = [
  ['drag', 'zoom into a stretch'], ['shift drag', 'move along'], ['double click', 'whole run again'], ['Ctrl click on a run', 'show it beside the others'],
];

const GO_MS = 1200;
let wentAt = 0;

function typing(target: EventTarget | null): boolean {
  const e = target as HTMLElement | null;
  if (!e?.closest) return false;
  if (e.isContentEditable || e.tagName === 'TEXTAREA' || e.tagName === 'SELECT') return true;
  return e.tagName === 'INPUT' && !/^(range|checkbox|radio|button)$/.test((e as HTMLInputElement).type);
}

function escape(): void {
  if (paletteOpen.value || helpOpen.value) paletteOpen.value = helpOpen.value = false;
  else if (listOpen.value) listOpen.value = false;
  else if (view.value.full) setView({ full: '' });
  else if (view.value.zoom) setView({ zoom: null });
}

const focusOn = (selector: string) => document.querySelector<HTMLInputElement>(selector)?.focus();

function press(e: KeyboardEvent): boolean {
  const run = currentRun.peek(), went = e.timeStamp - wentAt < GO_MS;
  wentAt = 0;
  if (went) {
    const tab = tabsOf(current.peek()).find(t => t.key === e.key);
    if (tab) setView({ tab: tab.id });
    return tab !== undefined;
  }
  switch (e.key) {
    case ' ':
      if ((e.target as HTMLElement).closest?.('button, a, [role=menuitem], summary')) return false; // the key of what has the focus
      if (run) void steer(run.id, run.state === 'paused' ? 'resume' : 'pause');
      return true;
    case '.': if (run) void steer(run.id, 'step', 1); return true;
    case '/': listOpen.value = true; setTimeout(() => focusOn('#run-filter')); return true;
    case 'f': focusOn('.curves-filter'); return true;
    case 'd': toggleTheme(); return true;
    case 'g': wentAt = e.timeStamp; return true;
    case '?': helpOpen.value = true; return true;
  }
  return false;
}

export function listenKeys(): void {
  addEventListener('keydown', e => {
    if ((e.ctrlKey || e.metaKey) && e.key.toLowerCase() === 'k') {
      e.preventDefault();
      paletteOpen.value = !paletteOpen.value;
    } else if (e.key === 'Escape') {
      if (typing(e.target)) (e.target as HTMLElement).blur();
      else escape();
    } else if (!e.ctrlKey && !e.metaKey && !e.altKey && !e.repeat && !typing(e.target) && !paletteOpen.value && press(e)) e.preventDefault();
  });
}
