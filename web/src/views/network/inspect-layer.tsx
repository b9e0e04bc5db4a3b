// A layer: what it is, and all its statistics, at the moment shown and over time.
import { useEffect, useMemo } from 'preact/hooks';
import { statistics } from '../../link/tables';
import { whole } from '../../look/format';
import { LayerSeries, seriesOf, valueAt } from '../../state/layer-series';
import type { Network } from '../../state/network';
import type { Points } from '../../state/points';
import { runs } from '../../state/runs';
import { view } from '../../state/view';
import { useCalm } from './calm';
import { Fact, Section } from './parts';
import { choose } from './seen';
import { pathOf, type Range } from './spark';
import { figure, MARK_SAYS, shapeWords, share } from './words';

const SHARES = new Set(['sparsity', 'near_zero', 'dead', 'saturated']);
const SAYS: Record<string, string> = {
  sparsity: 'share of activations that are exactly zero', near_zero: 'share of |a| below a thousandth of the largest',
  dead: `share of units that were ${MARK_SAYS.dead}`,
  saturated: `share of units that stood ${MARK_SAYS.saturated}`, nonfinite: 'NaN and infinities in activation, gradient and weight',
  update_ratio: 'norm of the last change of w / norm of w',
};
const GROUPS = ['activation', 'gradient', 'weight', ''] as const;

function groupOf(word: string): string {
  const cut = word.indexOf('/');
  return cut < 0 ? '' : word.slice(0, cut);
}

function rangeOf(values: ArrayLike<number>, rows: number): Range {
  let low = Infinity, high = -Infinity;
  for (let i = 0; i < rows; i++) if (Number.isFinite(values[i]!)) (low = Math.min(low, values[i]!)), (high = Math.max(high, values[i]!));
  return { low, high };
}

function Line({ points, range, to }: { points: Points; range: Range; to: number }) {
  const path = pathOf(points, { width: 80, height: 14, from: 0, to, range, log: false });
  return <svg viewBox="0 0 80 14" preserveAspectRatio="none" aria-hidden="true"><path class="spark-line" d={path} /></svg>;
}

function Row({ network, series, layer, word, index, to }: { network: Network; series: LayerSeries; layer: number; word: string; index: number; to: number }) {
  const name = network.model.layers[layer]!.name, points = series.get(seriesOf(name, word)), { moment } = view.value.network;
  const captured = network.shown.peek()?.layers[layer]?.statistics?.[index];
  const compared = network.compared.peek(), then = compared ? compared.layers[layer]?.statistics?.[index] ?? NaN : 0;
  const now = captured !== undefined && !Number.isNaN(captured) ? captured : points ? (moment === null || compared ? points.last[points.rows - 1]! : valueAt(points, moment)) : NaN;
  const value = now - (compared && Number.isNaN(then) && points ? valueAt(points, compared.step) : then);
  if (Number.isNaN(value) && !points) return null;
  return (
    <div class="stat-row" title={SAYS[word]}>
      <dt class="muted clip">{groupOf(word) ? word.slice(word.indexOf('/') + 1) : word.replace('_', ' ')}</dt>
      <dd>{points && <Line points={points} range={SHARES.has(word) ? { low: 0, high: 1 } : rangeOf(points.mean, points.rows)} to={to} />}</dd>
      <dd class="number" data-fact={word} data-value={value}>{SHARES.has(word) ? share(value) : word === 'nonfinite' ? whole(value) : figure(value)}</dd>
    </div>
  );
}

export function LayerFacts({ network, layer: at }: { network: Network; layer: number }) {
  const layer = network.model.layers[at]!, series = useMemo(() => new LayerSeries(network.run), [network, at]);
  useEffect(() => {
    series.want(statistics.map(word => seriesOf(layer.name, word)));
    return () => series.end();
  }, [series]);
  useCalm(() => (series.changed.value, network.shown.value), [series, view.value.network.moment]);
  const to = Math.max(1, runs.value.get(network.run)?.last_step ?? 1), next = network.model.layers.filter(l => l.inputs.includes(layer.name));
  const go = (name: string) => choose(network, { kind: 'layer', layer: network.model.layers.findIndex(l => l.name === name) });
  const neighbours = (names: string[]) => names.map(name => <button key={name} type="button" class="button small quiet" onClick={() => go(name)}>{name}</button>);
  return (
    <div class="inspect-body">
      <dl class="unit-facts">
        <Fact name="kind" value={undefined} text={[layer.kind, layer.activation].filter(Boolean).join(', ')} />
        <Fact name="shape" value={undefined} text={shapeWords(layer.shape)} />
        <Fact name="parameters" value={layer.parameters} text={whole(layer.parameters)} />
      </dl>
      {layer.inputs.length > 0 && <p class="inspect-near muted">fed by {neighbours(layer.inputs)}</p>}
      {next.length > 0 && <p class="inspect-near muted">feeds {neighbours(next.map(l => l.name))}</p>}
      {GROUPS.map(group => (
        <Section key={group} title={group === 'gradient' ? 'gradient of the weights' : group || 'together'}>
          <dl class="stat-rows">{statistics.map((word, i) => groupOf(word) === group && <Row key={word} network={network} series={series} layer={at} word={word} index={i} to={to} />)}</dl>
        </Section>
      ))}
    </div>
  );
}
