// One parameter: name and bounds, control, exact value, tiny history, undo, and below them what became of the last change.
import { useEffect, useState } from 'preact/hooks';
import type { Command, Parameter, Run } from '../../link/messages';
import { exact, whole } from '../../look/format';
import { ahead, ask, askOf, changesOf, same, type Ask, type Send, type Value } from './ask';
import { boundsOf, ChoiceControl, choiceOf, NumberControl, SliderControl, SwitchControl, TextControl } from './control';
import { bounded, type Bounds } from './scale';
import { Spark, usePast } from './spark';
import { afterWords, author, shown } from './words';

export interface RowProps { run: Run; parameter: Parameter; commands: readonly Command[]; send: Send; me: string; steerable: boolean }

export const isNumeric = (p: Parameter): boolean => p.type === 'float' || p.type === 'int';

const boundWords = (v: number, type: string) => (Number.isInteger(v) && Math.abs(v) >= 10000 ? whole(v) : exact(v, type));
export function boundsWords(p: Parameter, bounds: Bounds): string {
  const parts: string[] = [];
  if (isNumeric(p) && bounded(bounds)) parts.push(`${boundWords(bounds.min!, p.type)} \u2026 ${boundWords(bounds.max!, p.type)}`);
  if (bounds.log && bounded(bounds)) parts.push('log');
  if (p.read_only) parts.push('read only');
  return parts.join(' \u00b7 ');
}

export function trueValue(p: Parameter): Value {
  if (p.type === 'choice') return choiceOf(p);
  return isNumeric(p) ? Number(p.value) : (p.value as Value);
}

function Status({ ask: now, parameter: p, me }: { ask: Ask | null; parameter: Parameter; me: string }) {
  if (now?.state === 'asked') return <p class="steer-status muted" role="status"><i class="dot" />{shown(now.value, p.type)} asked \u2026</p>;
  if (now?.state === 'failed')
    return (
      <p class="steer-status bad" role="alert">
        <i class="dot" />{shown(now.value, p.type)} {now.why}: {now.reason}
        {now.bounds && <span class="muted">(allowed {now.bounds})</span>}
      </p>
    );
  if (now?.state === 'applied' && trueValue(p) === now.value)
    return (
      <p class="steer-status good" role="status">
        <i class="dot" />{now.from !== undefined && `${shown(now.from, p.type)} \u2192 `}{shown(now.value, p.type)} applied at step {whole(now.step)}, {afterWords(now.milliseconds)}, by you
      </p>
    );
  const by = p.changed_by, step = p.changed_step;
  if (by && step !== undefined && step !== null && step >= 0)
    return <p class="steer-status faint"><i class="dot" />{shown(trueValue(p), p.type)} since step {whole(step)}, by {author(by, me)}</p>;
  return <p class="steer-status faint clip" title={p.description ?? ''}>{p.description ?? ''}</p>;
}

// The last applied command that gave this parameter the value which it has now: the one that undo takes back.
export function undoable(p: Parameter, commands: readonly Command[]): Command | null {
  const now = trueValue(p);
  for (let i = commands.length - 1; i >= 0; i--) {
    const command = commands[i]!;
    if (command.state !== 'applied') continue;
    const change = changesOf(command.values).find(c => c.name === p.name);
    if (!change) continue;
    return same(change.to, now) && change.from !== undefined && change.from !== null && change.from !== change.to ? command : null;
  }
  return null;
}

function Controls(props: { parameter: Parameter; disabled: boolean; asked: Value | undefined; set: (v: Value) => void }) {
  const p = props.parameter;
  if (p.type === 'bool') return <SwitchControl {...props} />;
  if (p.type === 'choice') return <ChoiceControl {...props} />;
  if (p.type === 'text') return <TextControl {...props} />;
  return <SliderControl {...props} />;
}

// True for a moment after the value has changed without this page asking: somebody else or the program did it.
function useFlash(value: Value, mine: boolean): boolean {
  const [seen, setSeen] = useState(value), [flash, setFlash] = useState(false);
  useEffect(() => {
    if (seen === value) return;
    setSeen(value);
    if (mine) return;
    setFlash(true);
    const timer = setTimeout(() => setFlash(false), 600);
    return () => clearTimeout(timer);
  }, [value]);
  return flash;
}

export function Row({ run, parameter: p, commands, send, me, steerable }: RowProps) {
  const state = askOf(run.id, p.name), now = state.value, bounds = boundsOf(p), numeric = isNumeric(p);
  const past = usePast(run.id, p.name, trueValue(p), numeric);
  const flash = useFlash(trueValue(p), now !== null);
  const asked = ahead(now, trueValue(p), p.changed_step, performance.now()), disabled = p.read_only === true || !steerable;
  const set = (value: Value) =>
    void ask(run.id, p.name, value, { type: 'set', parameter: p.name, value }, send, performance.now());
  const last = steerable ? undoable(p, commands) : null;
  const prior = last && changesOf(last.values).find(c => c.name === p.name)?.from;
  const undo = () => void ask(run.id, p.name, prior as Value, { type: 'undo', command: last!.id }, send, performance.now());
  return (
    <li class={'steer-row' + (flash ? ' flash' : '')} data-parameter={p.name} data-type={p.type}>
      <div class="steer-name">
        <span class="clip" title={p.description || p.name}>{p.name}</span>
        <small class="faint number">{boundsWords(p, bounds)}</small>
      </div>
      <div class={'steer-control' + (numeric ? '' : ' wide')}>
        {p.read_only && !numeric ? <output class="steer-fixed" aria-label={p.name}>{shown(trueValue(p), p.type)}</output>
          : <Controls parameter={p} disabled={disabled} asked={asked} set={set} />}
      </div>
      {numeric && (p.read_only ? <output class="steer-fixed number" aria-label={p.name}>{exact(Number(p.value), p.type)}{p.unit ? ` ${p.unit}` : ''}</output>
        : <NumberControl parameter={p} disabled={disabled} asked={asked} set={set} />)}
      {numeric && <Spark past={past} lastStep={run.last_step} bounds={bounds} name={p.name} />}
      <div class="steer-undo">
        {last && <button type="button" class="button quiet small" aria-label={`undo ${p.name}`} title={`back to ${shown(prior as Value, p.type)}`}
          disabled={asked !== undefined} onClick={undo}>undo</button>}
      </div>
      <Status ask={now} parameter={p} me={me} />
    </li>
  );
}
