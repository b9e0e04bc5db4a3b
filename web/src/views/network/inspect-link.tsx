// A link: its weight, gradient and last change, and its course over the snapshots and while somebody looks.
import { useEffect, useRef } from 'preact/hooks';
import { whole } from '../../look/format';
import { matrixValue } from '../../network/matrix';
import type { LinkQuantity, Target, UnitAt } from '../../network/model';
import type { Network } from '../../state/network';
import { spread } from '../../state/unit-past';
import { view } from '../../state/view';
import { useCalm } from './calm';
import { CoursePlot, Fact, joined, Section } from './parts';
import { changedRow, matrixOf, rowOf, strongAt } from './row-of';
import { chooseUnit } from './seen';
import { unitWords } from './words';

type Link = Extract<Target, { kind: 'link' }>;
const MOST = 600, COURSE = 16, LARGE = 2 << 20, SOON_MS = 300;

// What a weight was in the snapshots that are here, and by how much those are rounded.
function pastOf(network: Network, t: Link): { points: { step: number; value: number }[]; rounding: number } {
  const points: { step: number; value: number }[] = [];
  let rounding = 0;
  for (const { step, state } of network.snapshots.all()) {
    const m = matrixOf(state, t.layer, 'weight');
    if (!m || m.full || t.index >= m.rows * m.cols) continue;
    points.push({ step, value: matrixValue(m, t.index) });
    if (m.data instanceof Int8Array) rounding = Math.max(rounding, m.scale);
  }
  return { points, rounding };
}

// Snapshots spread over the run are fetched, so that the course reaches back to its beginning.
function usePast(network: Network, key: string): void {
  useEffect(() => {
    let ended = false;
    const load = async () => {
      for (const { step, bytes } of spread(network.snapshots.list.peek().snapshots, COURSE)) {
        if (ended) return;
        if (bytes <= LARGE) await network.snapshots.load(step);
      }
    };
    const timer = setTimeout(() => void load(), SOON_MS);
    return () => ((ended = true), clearTimeout(timer));
  }, [network, key]);
}

function End({ network, at }: { network: Network; at: UnitAt }) {
  const { layers, classes } = network.model, layer = layers[at.layer]!, words = unitWords(layer, at.unit, classes, at.layer === layers.length - 1);
  return <button type="button" class="button small quiet" onClick={() => chooseUnit(network, at.layer, at.unit)}>{layer.name} {words}</button>;
}

export function LinkFacts({ network, target: t }: { network: Network; target: Link }) {
  const { moment, compare } = view.value.network, live = moment === null || compare, unit = t.to.unit, recorded = useRef<{ step: number; value: number }[]>([]);
  usePast(network, `${t.layer}:${t.index}`);
  const seen = useCalm(() => ({ state: network.shown.value, detail: network.detailOf({ layer: t.layer, unit }), loaded: network.snapshots.loaded.value }), [network, t.index, moment, compare]);
  const rows = (['weight', 'gradient', 'update'] as const).map((of): [LinkQuantity, ReturnType<typeof rowOf>] => [of, rowOf(network, seen.detail, live, t.layer, unit, of)]);
  const at = (of: LinkQuantity): number | undefined => {
    const row = rows.find(r => r[0] === of)?.[1];
    return row ? row.data[t.index % row.data.length] : strongAt(seen.state, t.layer, t.index, of);
  };
  const weight = rows[0]![1], value = at('weight'), then = network.compared.value, change = then && changedRow(network, weight, t.layer, unit, 'weight');
  useEffect(() => {
    const last = recorded.current[recorded.current.length - 1];
    if (!live || !weight?.exact || value === undefined || last?.step === weight.step) return;
    recorded.current.push({ step: weight.step, value });
    if (recorded.current.length > MOST) recorded.current = recorded.current.filter((_, i) => i % 2 === 0);
  }, [weight?.step, value]);
  const { layers } = network.model, past = pastOf(network, t);
  return (
    <div class="inspect-body">
      <p class="inspect-standing">
        {layers[t.from.layer] && <End network={network} at={t.from} />}
        <span aria-hidden="true"> → </span>
        <End network={network} at={t.to} />
      </p>
      <dl class="unit-facts">
        <Fact name="weight" value={value ?? (Number.isNaN(t.value) ? undefined : t.value)} />
        <Fact name="gradient" value={at('gradient')} />
        <Fact name="update" value={at('update')} />
        {then && <Fact name="change of weight" value={change?.data[t.index % change.data.length]} title={`now minus step ${whole(then.step)}`} />}
      </dl>
      {network.recorded.value && <p class="faint">Of gradient and update snapshots keep the strongest links of each layer.</p>}
      <Section title="weight over time">
        <CoursePlot lines={[{ name: 'weight', tone: 'tone-a', least: 8 * past.rounding, course: joined([...past.points, ...recorded.current]) }]} at={moment} />
      </Section>
      {weight && <p class="faint number inspect-step">{weight.exact ? 'exact' : 'as recorded, rounded'}, step <span data-fact="step" data-value={weight.step}>{whole(weight.step)}</span></p>}
    </div>
  );
}
