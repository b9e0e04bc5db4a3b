// Values, authors and changes as words.
import { exact } from '../../look/format';
import type { Change, Value } from './ask';

export function shown(value: Value | undefined | null, type = 'double'): string {
  if (value === undefined || value === null) return '';
  if (typeof value === 'number') return exact(value, type);
  if (typeof value === 'boolean') return value ? 'on' : 'off';
  return value;
}

export function changeWords(change: Change, type?: string): string {
  const to = shown(change.to, type);
  return change.from === undefined || change.from === null ? to : `${shown(change.from, type)} \u2192 ${to}`;
}

// Who: "you" for this page's own name, "the program" for the watched program itself.
export function author(by: string | undefined | null, me: string): string {
  if (!by || by === 'program') return 'the program';
  return by === me ? 'you' : by;
}

export function after(milliseconds: number): string {
  return milliseconds < 9.95 ? milliseconds.toFixed(1).replace(/\.0$/, '') : milliseconds < 1000 ? String(Math.round(milliseconds)) : `${(milliseconds / 1000).toFixed(1)} s`;
}

export const afterWords = (milliseconds: number) => (milliseconds < 1000 ? `${after(milliseconds)} ms` : after(milliseconds)) + ' after the click';
