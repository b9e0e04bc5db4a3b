// The controls of one parameter, by its type. Each has the parameter's own name as its accessible name and shows the true
// value; a drag or an unfinished entry is a draft, marked as such, and gone with Escape.
import { useEffect, useRef, useState } from 'preact/hooks';
import type { Parameter } from '../../link/messages';
import { exact } from '../../look/format';
import type { Value } from './ask';
import { bounded, parsed, positionOf, stepped, valueAt, type Bounds } from './scale';

const POSITIONS = 1000;

export interface ControlProps {
  parameter: Parameter;
  disabled: boolean;
  asked: Value | undefined;      // sent, not yet answered
  set: (value: Value) => void;
}

// A range that begins at zero and a value that is tiny in it (weight decay 0.0001 of 0 ... 0.1): such a slider is drawn by decades.
// Decided when the parameter is first seen, so that nothing jumps later.
const tiny = new Map<string, boolean>();
function isTiny(p: Parameter): boolean {
  const key = [p.name, p.min, p.max].join('\n'), value = Number(p.value);
  let small = tiny.get(key);
  if (small === undefined) tiny.set(key, (small = p.type === 'float' && p.min === 0 && value > 0 && value <= Number(p.max) / 50));
  return small;
}

export function boundsOf(p: Parameter): Bounds {
  const edge = (v: unknown) => (v === null || v === undefined ? null : Number(v));
  return { type: p.type, min: edge(p.min), max: edge(p.max), log: p.log === true || isTiny(p) };
}

export function SliderControl({ parameter, disabled, asked, set }: ControlProps) {
  const bounds = boundsOf(parameter), truth = Number(parameter.value);
  const [draft, setDraft] = useState<number | null>(null);
  const drafted = useRef<number | null>(null); // the same at once: a quick click is over before the page is drawn again
  if (!bounded(bounds)) return parameter.read_only ? null : <span class="steer-unbounded faint">no bounds</span>;
  const shown = draft ?? (typeof asked === 'number' ? asked : truth);
  const fill = `${100 * positionOf(shown, bounds)}%`;
  const hold = (value: number | null) => ((drafted.current = value), setDraft(value));
  const send = () => {
    const value = drafted.current;
    if (value !== null && value !== (asked ?? truth)) set(value);
    hold(null);
  };
  return (
    <div class={'steer-slider' + (draft !== null ? ' draft' : asked !== undefined ? ' asked' : '')}
      style={{ '--truth': positionOf(truth, bounds), '--at': positionOf(shown, bounds) }}>
      <input class="slider" type="range" min={0} max={POSITIONS} step={1} disabled={disabled} aria-label={parameter.name}
        value={Math.round(POSITIONS * positionOf(shown, bounds))} aria-valuetext={exact(shown, parameter.type)}
        style={{ '--fill': fill }}
        onInput={event => hold(valueAt(Number(event.currentTarget.value) / POSITIONS, bounds))}
        onChange={send}
        onKeyDown={event => {
          const up = event.key === 'ArrowUp' || event.key === 'ArrowRight', down = event.key === 'ArrowDown' || event.key === 'ArrowLeft';
          if (event.key === 'Escape') hold(null);
          if (!up && !down) return;
          event.preventDefault();
          set(stepped(shown, up ? 1 : -1, event.shiftKey, bounds));
        }} />
      {draft !== null && <output class="steer-draft number">{exact(draft, parameter.type)}</output>}
    </div>
  );
}

export function NumberControl({ parameter, disabled, asked, set }: ControlProps) {
  const [draft, setDraft] = useState<string | null>(null), [wrong, setWrong] = useState('');
  const bounds = boundsOf(parameter), truth = Number(parameter.value);
  const text = draft ?? exact(truth, parameter.type);
  const restore = () => (setDraft(null), setWrong(''));
  const keys = (event: KeyboardEvent & { currentTarget: HTMLInputElement }) => {
    if (event.key === 'Escape') return restore();
    if (event.key === 'ArrowUp' || event.key === 'ArrowDown') {
      event.preventDefault();
      const from = parsed(text);
      setDraft(exact(stepped(Number.isNaN(from) ? truth : from, event.key === 'ArrowUp' ? 1 : -1, event.shiftKey, bounds), 'double'));
      return setWrong('');
    }
    if (event.key !== 'Enter') return;
    const value = parsed(event.currentTarget.value);
    if (Number.isNaN(value)) return setWrong('not a number');
    restore();
    set(value);
  };
  return (
    <div class="steer-number">
      <input class={'field number' + (draft !== null ? ' draft' : asked !== undefined ? ' asked' : '')} type="text" inputMode="decimal" autocomplete="off"
        spellcheck={false} aria-label={parameter.name} aria-invalid={wrong !== ''} value={text} disabled={disabled}
        title="Enter sends, Escape restores, arrows step (shift: ten times)"
        onInput={event => setDraft(event.currentTarget.value)} onKeyDown={keys} onFocus={event => event.currentTarget.select()}
        onBlur={restore} />
      {parameter.unit && <span class="steer-unit faint">{parameter.unit}</span>}
      {wrong && <span class="steer-wrong bad" role="alert">{wrong}</span>}
    </div>
  );
}

export function SwitchControl({ parameter, disabled, asked, set }: ControlProps) {
  const on = parameter.value === true || parameter.value === 1;
  return (
    <span class={'steer-switch' + (asked !== undefined ? ' asked' : '')}>
      <button type="button" class="switch" role="switch" aria-checked={on} aria-label={parameter.name} disabled={disabled} onClick={() => set(!on)} />
      <span class="muted">{on ? 'on' : 'off'}</span>
    </span>
  );
}

// The word of a choice, whether the value came as the word or as its number.
export function choiceOf(p: Parameter): string {
  return typeof p.value === 'number' ? (p.choices?.[p.value] ?? String(p.value)) : String(p.value);
}

export function ChoiceControl({ parameter, disabled, asked, set }: ControlProps) {
  const words = parameter.choices ?? [], now = choiceOf(parameter);
  const waits = asked !== undefined ? ' asked' : '';
  if (words.length <= 4 && words.join('').length <= 32)
    return (
      <div class={'segmented' + waits} role="radiogroup" aria-label={parameter.name}>
        {words.map(word => (
          <button key={word} type="button" role="radio" aria-checked={word === now} disabled={disabled} onClick={() => word !== now && set(word)}>{word}</button>
        ))}
      </div>
    );
  return (
    <select class={'field' + waits} aria-label={parameter.name} value={now} disabled={disabled}
      onChange={event => {
        const wanted = event.currentTarget.value;
        event.currentTarget.value = now; // the truth until the trainer says otherwise
        set(wanted);
      }}>
      {words.map(word => <option key={word} value={word}>{word}</option>)}
    </select>
  );
}

export function TextControl({ parameter, disabled, asked, set }: ControlProps) {
  const truth = String(parameter.value ?? ''), [draft, setDraft] = useState<string | null>(null);
  const field = useRef<HTMLInputElement>(null);
  useEffect(() => { if (draft === null && field.current) field.current.value = truth; }, [truth, draft]);
  return (
    <input ref={field} class={'field' + (draft !== null ? ' draft' : asked !== undefined ? ' asked' : '')} type="text" aria-label={parameter.name}
      value={draft ?? truth} disabled={disabled} title="Enter sends, Escape restores" spellcheck={false}
      onInput={event => setDraft(event.currentTarget.value)} onBlur={() => setDraft(null)}
      onKeyDown={event => {
        if (event.key === 'Escape') setDraft(null);
        if (event.key !== 'Enter' || draft === null) return;
        set(draft);
        setDraft(null);
      }} />
  );
}
