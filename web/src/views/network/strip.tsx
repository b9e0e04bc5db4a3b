// The layer strip: under each layer a card with its statistics now and over time, and above the cards the profile of the gradient
// norm along the network. Gradient norms and update ratios of all layers share one logarithmic scale each, so that vanishing
// and exploding are seen without knowing where to look.
import { useComputed } from '@preact/signals';
import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import { statistics } from '../../link/tables';
import { LayerSeries, seriesOf, valueAt } from '../../state/layer-series';
import type { Network } from '../../state/network';
import { runs } from '../../state/runs';
import { view } from '../../state/view';
import { isCrowded, placeCards, type Places } from './align';
import { useCalm } from './calm';
import { Card, WORDS, type CardWord } from './card';
import { hintOf, nonfiniteHint, sharesHint, type Hint, type LayerNorm } from './hints';
import { Profile } from './profile';
import { drawn, picture } from './seen';
import { decadesOf, type Range } from './spark';

const FOLLOWED_MOST = 40; // layers whose curves are followed at a time

function useWidth(box: { current: HTMLElement | null }): number {
  const [width, setWidth] = useState(0);
  useEffect(() => {
    const sizes = new ResizeObserver(() => setWidth(box.current?.clientWidth ?? 0));
    sizes.observe(box.current!);
    return () => sizes.disconnect();
  }, []);
  return width;
}

// The middles of the layers in the picture, from where their first and last unit are.
function middlesOf(network: Network): number[] {
  const p = picture.value;
  drawn.value; // after each draw
  return network.model.layers.map((layer, at) => {
    const units = layer.shape.length >= 3 ? layer.shape[0]! : layer.shape.reduce((n, s) => n * s, 1);
    const first = p?.where({ layer: at, unit: 0 }), last = p?.where({ layer: at, unit: units - 1 });
    return first && last ? (first.x + last.x) / 2 : NaN;
  });
}

// As words: the same ones draw nothing anew. Cards that do not stand under their layers need none.
function useMiddles(network: Network, crowded: boolean): string {
  const none = useMemo(() => network.model.layers.map(() => NaN).join(), [network]), now = useComputed(() => middlesOf(network).map(Math.round).join());
  return crowded ? none : now.value;
}

// What a layer's statistic is at the moment shown: of the capture, else of its series. Read without following: the strip draws anew in its
// own time, four times a second.
export function statisticOf(network: Network, series: LayerSeries, layer: number, word: (typeof statistics)[number]): number {
  const state = network.shown.peek(), captured = state?.layers[layer]?.statistics?.[statistics.indexOf(word)];
  if (captured !== undefined && !Number.isNaN(captured)) return captured;
  const points = series.get(seriesOf(network.model.layers[layer]!.name, word)), { moment } = view.peek().network;
  if (!points) return NaN;
  return moment === null ? points.last[points.rows - 1]! : valueAt(points, moment);
}

function normsOf(network: Network, series: LayerSeries): LayerNorm[] {
  return network.model.layers.map((l, layer) => ({ layer, norm: statisticOf(network, series, layer, 'gradient/norm'), weights: l.parameters })).filter(n => n.weights > 0);
}

// What stands out, the gravest first.
function hintsOf(network: Network, series: LayerSeries, norms: readonly LayerNorm[]): Hint[] {
  const shares = (word: 'dead' | 'saturated' | 'nonfinite') => network.model.layers.map((l, layer) => ({ layer, name: l.name, share: statisticOf(network, series, layer, word) }));
  return [nonfiniteHint(shares('nonfinite')), hintOf(norms), sharesHint('dead', shares('dead')), sharesHint('saturated', shares('saturated'))].filter(h => h !== null);
}

// All that the strip follows.
const nowOf = (network: Network, series: LayerSeries) => (
  { changed: series.changed.value, state: network.shown.value, step: Math.max(1, runs.value.get(network.run)?.last_step ?? 1) });

interface Seen { first: number; last: number }

function inSight(places: Places, scroll: number, room: number): Seen {
  if (!places.scrolls) return { first: 0, last: places.left.length - 1 };
  const step = (places.left[1] ?? places.width) - (places.left[0] ?? 0);
  const first = Math.max(0, Math.floor(scroll / step) - 1);
  return { first, last: Math.min(places.left.length - 1, first + Math.min(FOLLOWED_MOST, Math.ceil(room / step) + 2)) };
}

// What is selected has its card in sight.
function useSelected(network: Network, box: { current: HTMLElement | null }, places: Places): void {
  const held = network.placeOf(view.value.network.place), left = places.scrolls ? places.left[held] : undefined;
  useEffect(() => {
    const row = box.current;
    if (!row || left === undefined || (left >= row.scrollLeft && left + places.width <= row.scrollLeft + row.clientWidth)) return;
    row.scrollLeft = left - (row.clientWidth - places.width) / 2;
  }, [left]);
}

export function Strip({ network }: { network: Network }) {
  const box = useRef<HTMLDivElement>(null), width = useWidth(box), [scroll, setScroll] = useState(0);
  const series = useMemo(() => new LayerSeries(network.run), [network]);
  useEffect(() => () => series.end(), [series]);
  const middles = useMiddles(network, isCrowded(network.model.layers.length, width));
  const places = useMemo(() => placeCards(middles.split(',').map(Number), width), [middles, width]), seen = inSight(places, scroll, width);
  useSelected(network, box, places);
  const { layers } = network.model, names = layers.slice(seen.first, seen.last + 1).map(l => l.name);
  const all = layers.length <= FOLLOWED_MOST ? layers.map(l => l.name) : names;
  useEffect(() => series.want(all.flatMap(name => WORDS.map(word => seriesOf(name, word)))), [series, all.join('\n')]);
  const { moment } = view.value.network, now = useCalm(() => nowOf(network, series), [network, moment]), to = now.step;
  const norms = useMemo(() => normsOf(network, series), [now, moment]), hints = hintsOf(network, series, norms), ranges = rangesOf(series, all);
  const shownStep = moment === null ? null : (network.past.value?.step ?? moment);
  return (
    <section class="network-strip" aria-label="layers">
      <Profile network={network} norms={norms} places={places} width={width} hints={hints} series={series} />
      <div class={places.scrolls ? 'strip-cards scrolls' : 'strip-cards'} ref={box} onScroll={e => setScroll(e.currentTarget.scrollLeft)}>
        <ul style={{ width: `${places.total}px` }}>
          {width > 0 && layers.slice(seen.first, seen.last + 1).map((layer, i) => {
            const at = seen.first + i;
            return (
              <Card key={layer.name} network={network} layer={at} series={series} left={places.left[at]!} width={places.width} ranges={ranges} to={to}
                shown={shownStep} suspect={hints.some(h => h.layers.includes(at))} />
            );
          })}
        </ul>
      </div>
    </section>
  );
}

function rangesOf(series: LayerSeries, names: string[]): Map<CardWord, Range> {
  const ranges = new Map<CardWord, Range>();
  for (const word of ['gradient/norm', 'update_ratio'] as const) {
    const range = decadesOf(names.map(name => series.get(seriesOf(name, word))));
    if (range) ranges.set(word, range);
  }
  for (const word of ['sparsity', 'dead', 'saturated'] as const) ranges.set(word, { low: 0, high: 1 });
  return ranges;
}
