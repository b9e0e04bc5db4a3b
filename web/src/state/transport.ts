// Pause, resume, step, stop: what was asked of each run and what came of it. `said` is one line beside the buttons.
import { signal } from '@preact/signals';
import type { CommandVerb, Run } from '../link/messages';
import { link } from './link';
import { isOver, runs } from './runs';
import { sendCommand } from './watch';

export interface Asked { verb: CommandVerb; state: 'asked' | 'done' | 'failed'; text: string }
export const asked = signal<ReadonlyMap<string, Asked>>(new Map());

const DONE: Partial<Record<CommandVerb, string>> = { pause: 'paused at step', resume: 'resumed at step', step: 'held at step', stop: 'stopping at step' };
const SHOWN_MS = 8000;
const grouped = (step: number) => step.toLocaleString('en').replace(/,/g, '\u202f');

function say(run: string, what: Asked | null): void {
  const next = new Map(asked.peek());
  if (what) next.set(run, what);
  else next.delete(run);
  asked.value = next;
}

// Whether the run's program understands a command: it says so itself; what only speaks HTTP understands none.
export function understands(run: Run, verb: CommandVerb): boolean {
  const list = run.facts?.commands;
  if (Array.isArray(list)) return list.includes(verb);
  return !(run.processes?.length && run.processes.every(p => p.host === null));
}

// Why the run cannot be steered from here now; "" when it can.
export function hindrance(run: Run | undefined): string {
  if (!run) return 'no run is chosen';
  if (isOver(run)) return `the run is over (${run.state})`;
  const scopes = link.hello.value?.scopes ?? [];
  if (scopes.length && !scopes.includes('control')) return 'this token may look but not steer';
  return link.state.value.up ? '' : 'the connection is lost';
}

export async function steer(run: string, verb: CommandVerb, steps?: number): Promise<void> {
  const known = runs.peek().get(run);
  const why = hindrance(known);
  if (why || !understands(known!, verb)) return;
  const mine: Asked = { verb, state: 'asked', text: `${verb} asked` };
  say(run, mine);
  let result: Asked;
  try {
    const command = await sendCommand(run, steps === undefined ? { type: verb } : { type: verb, steps });
    result = { verb, state: 'done', text: typeof command.step === 'number' ? `${DONE[verb] ?? verb} ${grouped(command.step)}` : `${verb} done` };
  } catch (error) {
    result = { verb, state: 'failed', text: `${verb}: ${(error as Error).message}` };
  }
  if (asked.peek().get(run) !== mine) return; // something newer was asked
  say(run, result);
  setTimeout(() => asked.peek().get(run) === result && say(run, null), SHOWN_MS);
}
