// What became of a change that this page asked for: asked, then applied at a step, refused with a reason, or expired. The
// value shown as true is never taken from here; it comes with the run's parameters.
import { signal, type Signal } from '@preact/signals';
import { CommandError } from '../../link/link';
import type { Command, CommandRequest } from '../../link/messages';

export type Value = number | boolean | string;
export type Ask =
  | { state: 'asked'; value: Value }
  | { state: 'applied'; value: Value; from: Value | undefined; step: number; milliseconds: number; at: number; id: Command['id'] }
  | { state: 'failed'; value: Value; why: 'refused' | 'expired' | 'not sent' | 'no answer'; reason: string; bounds: string }; // bounds: what the reason does not say itself

const CATCH_UP_MS = 1000;

// The value that a control shows before the run's parameters have it: what was asked, and what was applied until they say so. Else it
// would jump back for a moment, and a click where it jumped to would change nothing. They may never say so: a program that began anew.
export function ahead(ask: Ask | null, truth: Value, changedStep: number | null | undefined, now: number): Value | undefined {
  if (ask?.state === 'asked') return ask.value;
  if (ask?.state !== 'applied' || same(truth, ask.value) || (changedStep ?? -1) >= ask.step || now - ask.at > CATCH_UP_MS) return undefined;
  return ask.value;
}

// A program keeps some values as float32.
export const same = (a: unknown, b: unknown): boolean => a === b || (typeof a === 'number' && typeof b === 'number' && Math.fround(a) === Math.fround(b));

// Sends a command of this run; resolves when it took effect, rejects with the reason.
export type Send = (request: CommandRequest) => Promise<Command>;

const kept = new Map<string, Signal<Ask | null>>();

// One signal per run and parameter. It outlives the view: changing tabs forgets nothing.
export function askOf(run: string, parameter: string): Signal<Ask | null> {
  const key = `${run}/${parameter}`;
  let ask = kept.get(key);
  if (!ask) kept.set(key, (ask = signal<Ask | null>(null)));
  return ask;
}

export interface Change { name: string; from: Value | undefined; to: Value | undefined }

// The values that a command or an event set, and those before it.
export function changesOf(values: unknown): Change[] {
  if (values === null || typeof values !== 'object') return [];
  return Object.entries(values as Record<string, unknown>).map(([name, v]) => {
    const pair = v !== null && typeof v === 'object' ? (v as { from?: Value; to?: Value }) : { to: v as Value };
    return { name, from: pair.from, to: pair.to };
  });
}

function failure(value: Value, error: unknown): Ask {
  const body = error instanceof CommandError ? error.body : { code: 'unreachable', message: String(error) };
  const why = body.code === 'expired' ? 'expired' : body.code === 'unreachable' ? (/before the answer/.test(body.message) ? 'no answer' : 'not sent') : 'refused';
  const min = body.min as number | undefined, max = body.max as number | undefined, said = body.message.split(/\s+/).map(Number);
  const bounds = min === undefined || max === undefined || (said.includes(min) && said.includes(max)) ? '' : `${min} \u2026 ${max}`;
  return { state: 'failed', value, why, reason: body.message, bounds };
}

// `since`: performance.now() at the click, so that what is shown is what the person waited.
export async function ask(run: string, parameter: string, value: Value, request: CommandRequest, send: Send, since: number): Promise<void> {
  const state = askOf(run, parameter), mine: Ask = { state: 'asked', value };
  state.value = mine;
  let outcome: Ask;
  try {
    const command = await send(request);
    const change = changesOf(command.values).find(c => c.name === parameter), at = performance.now();
    outcome = { state: 'applied', value: change?.to ?? value, from: change?.from, step: command.step ?? -1, milliseconds: at - since, at, id: command.id };
  } catch (error) {
    outcome = failure(value, error);
  }
  if (state.peek() === mine) state.value = outcome; // otherwise something newer was asked meanwhile
}
