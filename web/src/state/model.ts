// What a run's program says of its network (GET runs/ID/model): layers, what can be pushed through, whether pruning can be
// measured. Asked when it is first wanted, and again, more and more rarely, while the program describes nothing new.
import { signal, type ReadonlySignal, type Signal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { getJson, segment } from '../link/rest';
import type { NetworkLayer, NetworkModel } from '../network/model';
import { isOver, runs } from './runs';

export interface PushModel {
  shape: number[];               // of the input: [28, 28]
  classes: string[];             // words of the output's values
  samples: number;               // of the program's own (test) set; 0: none
}

export interface TensorModel { name: string; number?: number; layer: string | null; role: string; shape: number[]; dtype: string }

export interface RunModel extends NetworkModel {
  tensors: TensorModel[];
  push: PushModel | null;
  evaluate: boolean;             // pruning can be measured
}

const FIRST_WAIT_MS = 500, LONGEST_WAIT_MS = 30000;

type Json = Record<string, unknown>;
const list = (v: unknown): Json[] => (Array.isArray(v) ? v.filter(x => x !== null && typeof x === 'object') : []);
const words = (v: unknown): string[] => (Array.isArray(v) ? v.map(String) : []);
const sides = (v: unknown): number[] => (Array.isArray(v) ? v.map(Number).filter(n => n >= 0 && Number.isFinite(n)) : []);

function layerOf(l: Json): NetworkLayer {
  return {
    name: String(l.name ?? ''), kind: String(l.kind ?? ''), activation: typeof l.activation === 'string' ? l.activation : null, shape: sides(l.shape),
    parameters: Number(l.parameters ?? 0), inputs: words(l.inputs), ...(typeof l.number === 'number' ? { number: l.number } : {}),
  };
}

function pushOf(p: unknown): PushModel | null {
  if (p === null || typeof p !== 'object') return null;
  const { shape, classes, samples } = p as Json;
  const named = Array.isArray(classes) ? classes.map(String) : Array.from({ length: Number(classes) || 0 }, (_, i) => String(i));
  return { shape: sides(shape), classes: named, samples: Number(samples ?? 0) || 0 };
}

// The model in an answer; everything is checked: it came from a program.
export function runModelOf(body: Json): RunModel {
  const push = pushOf(body.push), tensors = list(body.tensors).map(t => ({
    name: String(t.name ?? ''), layer: typeof t.layer === 'string' ? t.layer : null, role: String(t.role ?? ''), shape: sides(t.shape),
    dtype: String(t.dtype ?? ''), ...(typeof t.number === 'number' ? { number: t.number } : {}),
  }));
  return { layers: list(body.layers).map(layerOf), ...(push ? { classes: push.classes } : {}), tensors, push, evaluate: body.evaluate !== undefined && body.evaluate !== null && body.evaluate !== false };
}

interface Asked { model: Signal<RunModel | null>; wait: number; timer: number; uses: number }
const known = new Map<string, Asked>();

function askedOf(run: string): Asked {
  let asked = known.get(run);
  if (!asked) known.set(run, (asked = { model: signal(null), wait: FIRST_WAIT_MS, timer: 0, uses: 0 }));
  return asked;
}

async function ask(run: string, asked: Asked): Promise<void> {
  const model = await getJson<Json>(`runs/${segment(run)}/model`).then(runModelOf, () => null);
  const grown = model !== null && JSON.stringify(model) !== JSON.stringify(asked.model.peek()), state = runs.peek().get(run);
  if (grown) asked.model.value = model;
  if (!asked.uses || !state || (isOver(state) && model)) return;
  asked.wait = grown ? FIRST_WAIT_MS : Math.min(asked.wait * 1.6, LONGEST_WAIT_MS);
  asked.timer = window.setTimeout(() => void ask(run, asked), asked.wait);
}

// Asked again at once: something says that the program has described more.
export function askModel(run: string): void {
  const asked = askedOf(run);
  clearTimeout(asked.timer);
  asked.wait = FIRST_WAIT_MS;
  void ask(run, asked);
}

function use(run: string): () => void {
  const asked = askedOf(run);
  if (asked.uses++ === 0) askModel(run);
  return () => {
    if (--asked.uses === 0) clearTimeout(asked.timer);
  };
}

// null: nothing is known (yet).
export const modelOf = (run: string): ReadonlySignal<RunModel | null> => askedOf(run).model;

export function useModel(run: string): RunModel | null {
  useEffect(() => (run ? use(run) : undefined), [run]);
  return askedOf(run).model.value;
}
