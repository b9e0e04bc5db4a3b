// The card of one layer: name, shape and kind, and each statistic as a small curve over the run with its value at the moment shown.
import { whole } from '../../look/format';
import type { LayerSeries } from '../../state/layer-series';
import { seriesOf } from '../../state/layer-series';
import type { Network } from '../../state/network';
import { view } from '../../state/view';
import { MANY } from './hints';
import { choose } from './seen';
import { pathOf, type Range } from './spark';
import { statisticOf } from './strip';
import { figure, layerWords, MARK_SAYS, share } from './words';

export const WORDS = ['gradient/norm', 'update_ratio', 'sparsity', 'dead', 'saturated'] as const;
export type CardWord = (typeof WORDS)[number];

const SAYS: Record<CardWord, [string, string]> = {
  'gradient/norm': ['‖g‖', 'gradient norm, one logarithmic scale for all layers'],
  update_ratio: ['Δw/w', 'norm of the last change of w / norm of w, one logarithmic scale for all layers'],
  sparsity: ['sparse', 'share of activations that are exactly zero'],
  dead: ['dead', `share of units that were ${MARK_SAYS.dead}`],
  saturated: ['satur.', `share of units that stood ${MARK_SAYS.saturated}`],
};
const isShare = (word: CardWord) => word === 'sparsity' || word === 'dead' || word === 'saturated';
const WIDE = 100, HIGH = 14, TINY = 112;

interface CardProps {
  network: Network; layer: number; series: LayerSeries; left: number; width: number; ranges: Map<CardWord, Range>;
  to: number; shown: number | null; suspect: boolean;
}

function toneOf(word: CardWord, value: number): string {
  if (word === 'dead') return value >= MANY ? ' bad strong' : value > 0 ? ' bad' : '';
  return word === 'saturated' && value > 0.05 ? ' warn' : '';
}

function StatRow({ word, props }: { word: CardWord; props: CardProps }) {
  const { network, series, layer, ranges, to, shown } = props, value = statisticOf(network, series, layer, word);
  const points = series.get(seriesOf(network.model.layers[layer]!.name, word)), range = ranges.get(word);
  if (Number.isNaN(value) && !points) return null;
  const path = points && range ? pathOf(points, { width: WIDE, height: HIGH, from: 0, to, range, log: !isShare(word) }) : '';
  const text = isShare(word) ? share(value) : figure(value, props.width < TINY ? 2 : 3);
  return (
    <div class={`card-row${toneOf(word, value)}`} title={SAYS[word][1]}>
      <dt>{SAYS[word][0]}</dt>
      <dd class="card-spark">
        <svg viewBox={`0 0 ${WIDE} ${HIGH}`} preserveAspectRatio="none" aria-hidden="true">
          {path && <path class={`spark-${word.replace(/\W/g, '-')}${points!.max.subarray(0, points!.rows).some(v => v > 0) ? ' some' : ''}`} d={path} />}
          {shown !== null && <line class="spark-now" x1={(WIDE * shown) / to} x2={(WIDE * shown) / to} y1="0" y2={HIGH} />}
        </svg>
      </dd>
      <dd class="number card-value" data-word={word} data-value={value}>{text}</dd>
    </div>
  );
}

// NaN and infinities, where there are any.
function NanRow({ count }: { count: number }) {
  if (!(count > 0)) return null;
  return (
    <div class="card-row bad strong" title="NaN and infinities in activation, gradient and weight">
      <dt>NaN</dt><dd class="card-spark" /><dd class="number card-value" data-word="nonfinite" data-value={count}>{whole(count)}</dd>
    </div>
  );
}

export function Card(props: CardProps) {
  const { network, layer: at, left, width, suspect } = props, layer = network.model.layers[at]!;
  const chosen = view.value.network.place?.layer === layer.name, dead = statisticOf(network, props.series, at, 'dead') >= MANY;
  const classes = ['strip-card', suspect && 'suspect', dead && 'dying', chosen && 'chosen', width < 150 && 'narrow', width < TINY && 'tiny'].filter(Boolean).join(' ');
  return (
    <li class={classes} style={{ transform: `translateX(${Math.round(left)}px)`, width: `${Math.floor(width)}px` }} aria-label={`layer ${layer.name}`} data-layer={layer.name}>
      <button type="button" class="card-head" aria-pressed={chosen} onClick={() => choose(network, { kind: 'layer', layer: at })}>
        <b class="clip">{layer.name}</b> <span class="faint clip">{layerWords(layer)}</span>
      </button>
      <dl>{WORDS.map(word => <StatRow key={word} word={word} props={props} />)}<NanRow count={statisticOf(network, props.series, at, 'nonfinite')} /></dl>
    </li>
  );
}
