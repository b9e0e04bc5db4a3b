// What the units of a layer were in snapshots spread over the run: asked by REST (runs/ID/units), a few at a time, kept per layer.
import { getJson, segment } from '../link/rest';
import type { Network } from './network';

export interface UnitAtStep { step: number; activation: number; gradient: number }

const MOST = 24, SOON_MS = 300;
type Column = number[];

// Of a network: "layer quantity step" to the values of all units.
const known = new WeakMap<Network, Map<string, Promise<Column | null>>>();

const numbers = (values: unknown): Column | null => (Array.isArray(values) ? values.map(v => (v === null ? NaN : Number(v))) : null);

function ask(network: Network, layer: number, quantity: string, step: number): Promise<Column | null> {
  let all = known.get(network);
  if (!all) known.set(network, (all = new Map()));
  const key = `${layer} ${quantity} ${step}`;
  let coming = all.get(key);
  if (!coming) {
    const path = `runs/${segment(network.run)}/units?layer=${segment(network.model.layers[layer]!.name)}&quantity=${quantity}&step=${step}`;
    all.set(key, (coming = getJson<{ values?: unknown }>(path).then(body => numbers(body.values), () => null)));
  }
  return coming;
}

// At most `most` of them, spread evenly over the list, both ends among them.
export function spread<T>(all: readonly T[], most = MOST): T[] {
  if (all.length <= most) return [...all];
  return Array.from({ length: most }, (_, i) => all[Math.round((i * (all.length - 1)) / (most - 1))]!);
}

// Tells what is known so far, again and again while it comes; what a snapshot here holds is taken from it.
export function unitsAt(network: Network, layer: number, unit: number, tell: (found: UnitAtStep[]) => void): () => void {
  let ended = false;
  const timer = setTimeout(async () => {
    const found: UnitAtStep[] = [];
    for (const step of spread(network.snapshots.list.peek().snapshots.map(s => s.step))) {
      const here = network.snapshots.peek(step)?.layers[layer];
      const [activation, gradient] = here ? [here.activation, here.gradient] : await Promise.all([ask(network, layer, 'activation', step), ask(network, layer, 'gradient', step)]);
      if (ended) return;
      found.push({ step, activation: activation?.[unit] ?? NaN, gradient: gradient?.[unit] ?? NaN });
      if (found.length % 6 === 0) tell([...found]);
    }
    tell(found);
  }, SOON_MS);
  return () => ((ended = true), clearTimeout(timer));
}
