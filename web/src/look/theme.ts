// The choice between dark and light: the system's, or a person's, kept in this browser. `mode` is what is shown now.
import { signal } from '@preact/signals';
import type { Mode } from './ramps';

export type Choice = 'system' | Mode;
const KEY = 'nnscope.theme';
const system = matchMedia('(prefers-color-scheme: light)');

function remembered(): Choice {
  try {
    const kept = localStorage.getItem(KEY);
    return kept === 'dark' || kept === 'light' ? kept : 'system';
  } catch {
    return 'system'; // storage is refused in some private windows
  }
}

const modeOf = (choice: Choice): Mode => (choice === 'system' ? (system.matches ? 'light' : 'dark') : choice);

export const choice = signal<Choice>(remembered());
export const mode = signal<Mode>(modeOf(choice.value));

function show(): void {
  if (choice.value === 'system') delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = choice.value;
  mode.value = modeOf(choice.value);
}

export function setTheme(next: Choice): void {
  choice.value = next;
  try {
    if (next === 'system') localStorage.removeItem(KEY);
    else localStorage.setItem(KEY, next);
  } catch { /* not kept: the choice holds until the page closes */ }
  show();
}

// What the switch does: to the other of the two; back to the system's where that is the same.
export function toggleTheme(): void {
  const other: Mode = mode.value === 'dark' ? 'light' : 'dark';
  setTheme(modeOf('system') === other ? 'system' : other);
}

system.addEventListener('change', show);
show();
