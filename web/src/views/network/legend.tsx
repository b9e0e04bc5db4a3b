// The legends, always in sight: what brightness means, on which scale, its ends, what could not be drawn; the same of the links.
import { useEffect, useRef } from 'preact/hooks';
import { whole } from '../../look/format';
import { mode } from '../../look/theme';
import type { Drawn, DrawnLayer, DrawnPair, RampName, Scale } from '../../network/model';
import { NONFINITE, rampOf, valueAt } from '../../network/scale';
import type { Network } from '../../state/network';
import { inPicture } from '../../state/push';
import { view } from '../../state/view';
import { drawn, pointed } from './seen';
import { useCalm } from './calm';
import { figure, LINK_WORDS, QUANTITY_WORDS } from './words';

const ROWS_MOST = 5;

function Ramp({ name }: { name: RampName }) {
  const canvas = useRef<HTMLCanvasElement>(null), now = mode.value;
  useEffect(() => {
    const g = canvas.current?.getContext('2d'), ramp = rampOf(name, now);
    g?.putImageData(new ImageData(new Uint8ClampedArray(ramp), 256, 1), 0, 0);
  }, [name, now]);
  return <canvas ref={canvas} class="legend-ramp" width={256} height={1} aria-hidden="true" />;
}

const endOf = (scale: Scale, share: number): string => {
  const value = valueAt(scale, share);
  return scale.log && value !== 0 ? value.toExponential(0).replace('e+', 'e') : figure(value);
};

function Row(props: { name: string; scale: Scale; note?: string; nonfinite: number }) {
  const { scale, nonfinite } = props, signed = scale.ramp === 'signed';
  return (
    <li class="legend-row" aria-label={`${props.name}: from ${endOf(scale, 0)} to ${endOf(scale, 1)}`}>
      {props.name && <span class="legend-name clip" title={props.note}>{props.name}</span>}
      <span class="number legend-low">{endOf(scale, 0)}</span>
      <span class={signed ? 'legend-middle signed' : 'legend-middle'}><Ramp name={scale.ramp} /></span>
      <span class="number legend-high">{endOf(scale, 1)}</span>
      {nonfinite > 0 && <span class="legend-nan number" style={{ color: NONFINITE[mode.value] }}>{whole(nonfinite)} NaN</span>}
    </li>
  );
}

const isOneScale = (list: { scale: Scale }[]): boolean =>
  list.every(l => l.scale.ramp === list[0]!.scale.ramp && l.scale.low === list[0]!.scale.low && l.scale.high === list[0]!.scale.high && l.scale.log === list[0]!.scale.log);

// The rows that there is room for: the one spoken of first, then in order.
function someOf<T extends { layer: number }>(all: T[], first: number): T[] {
  if (all.length <= ROWS_MOST) return all;
  const at = Math.max(0, Math.min(all.length - ROWS_MOST, all.findIndex(l => l.layer === first) - (ROWS_MOST >> 1)));
  return all.slice(at, at + ROWS_MOST);
}

function Rows<T extends DrawnLayer | DrawnPair>({ network, list, first, note }: { network: Network; list: T[]; first: number; note: (item: T) => string }) {
  const nonfinite = list.reduce((n, l) => n + l.nonfinite, 0);
  if (!list.length) return null;
  if (isOneScale(list)) return <ul class="legend-rows one"><Row name="" scale={list[0]!.scale} nonfinite={nonfinite} /></ul>;
  const shown = someOf(list, first), left = list.length - shown.length;
  return (
    <ul class="legend-rows">
      {shown.map((l, i) => <Row key={i} name={network.model.layers[l.layer]?.name ?? ''} scale={l.scale} nonfinite={l.nonfinite} note={note(l)} />)}
      {left > 0 && <li class="faint">{whole(left)} more: point at a layer</li>}
    </ul>
  );
}

const sum = (list: DrawnLayer[], of: 'dead' | 'saturated' | 'young'): number => list.reduce((n, l) => n + l[of], 0);

function Marks({ list }: { list: DrawnLayer[] }) {
  const dead = sum(list, 'dead'), saturated = sum(list, 'saturated'), young = sum(list, 'young');
  return (
    <p class="legend-marks">
      <span title="zero on each of the last 1024 observed samples"><i class="mark-dead" />dead <b class="number">{whole(dead)}</b></span>
      <span title="at its bound on 95 % of the observed samples"><i class="mark-saturated" />saturated <b class="number">{whole(saturated)}</b></span>
      {young > 0 && <span title="fewer than 1024 samples were observed: not yet judged"><i class="mark-young" />young <b class="number">{whole(young)}</b></span>}
    </p>
  );
}

const scaleWords = (d: Drawn, compare: boolean): string => {
  const n = view.value.network, log = d.layers.some(l => l.scale.log && l.scale.ramp === 'magnitude');
  return [log ? 'log' : 'linear', n.scale === 'layer' ? 'per layer' : 'whole network', compare ? 'now minus then' : ''].filter(Boolean).join(', ');
};

function pairNote(p: DrawnPair): string {
  return `${whole(p.drawn)} of ${whole(p.total)} ${p.fold ? `cells, ${p.fold}` : 'links'}`;
}

export function Legend({ network }: { network: Network }) {
  const n = view.value.network, first = pointed.value?.target.layer ?? network.placeOf(n.place);
  const d = useCalm(() => drawn.value, [network, n.quantity, n.scale, n.curve, n.links, n.compare]);
  if (!d) return <section class="network-legend" aria-label="legend" aria-busy="true" />;
  const layers = d.layers.filter(l => l.quantity && l.scale.ramp !== 'pixels'), pairs = d.pairs.filter(p => p.quantity), compared = network.compared.value !== null;
  const links = pairs[0], what = n.quantity === 'value' && inPicture.value === network.run ? 'a of the sample in Try' : QUANTITY_WORDS[n.quantity];
  const drawnLinks = pairs.reduce((n, p) => n + p.drawn, 0), allLinks = pairs.reduce((n, p) => n + p.total, 0);
  const many = n.links === 'lines' ? `strongest ${whole(drawnLinks)} of ${whole(allLinks)}` : 'all, as matrices';
  return (
    <section class="network-legend" aria-label="legend">
      <p class="legend-title"><b>{n.quantity}</b> <span class="muted">{what}, {scaleWords(d, compared)}</span></p>
      <Rows network={network} list={layers} first={first} note={l => `from ${figure(l.lowest)} to ${figure(l.highest)}`} />
      <Marks list={d.layers} />
      {links && n.links !== 'none' && (
        <>
          <p class="legend-title"><b>links</b> <span class="muted">{LINK_WORDS[links.quantity]}, hue is the sign · {many}</span></p>
          <Rows network={network} list={pairs} first={first} note={pairNote} />
        </>
      )}
      {d.filters.length > 0 && (
        <>
          <p class="legend-title"><b>filters</b> <span class="muted">{LINK_WORDS[d.filters[0]!.quantity as 'weight']}, hue is the sign</span></p>
          <Rows network={network} list={d.filters} first={first} note={p => p.fold} />
        </>
      )}
    </section>
  );
}
