// The legends, always in sight: what brightness means, on which scale, its ends, what could not be drawn; the same of the links.
import { useEffect, useRef } from 'preact/hooks';
import { whole } from '../../look/format';
import { mode } from '../../look/theme';
import type { Drawn, DrawnLayer, DrawnPair, RampName, Scale } from '../../network/model';
import { NONFINITE, rampOf, valueAt } from '../../network/scale';
import { LINE, lineColour } from '../../network/scene';
import type { Network } from '../../state/network';
import { inPicture } from '../../state/push';
import { view } from '../../state/view';
import { drawn, pointed } from './seen';
import { useCalm } from './calm';
import { missingOf } from './missing';
import { figure, LINK_WORDS, MARK_SAYS, QUANTITY_WORDS } from './words';

const ROWS_MOST = 5, ROWS_NARROW = 3;

function Ramp({ name }: { name: RampName }) {
  const canvas = useRef<HTMLCanvasElement>(null), now = mode.value;
  useEffect(() => {
    const g = canvas.current?.getContext('2d'), ramp = rampOf(name, now);
    g?.putImageData(new ImageData(new Uint8ClampedArray(ramp), 256, 1), 0, 0);
  }, [name, now]);
  return <canvas ref={canvas} class="legend-ramp" width={256} height={1} aria-hidden="true" />;
}

const WEDGE = { w: 192, h: 22 };

// What lines look like, from the faintest to the boldest: below zero above, above zero below.
function Wedge() {
  const canvas = useRef<HTMLCanvasElement>(null), now = mode.value;
  useEffect(() => {
    const g = canvas.current?.getContext('2d');
    g?.clearRect(0, 0, WEDGE.w, WEDGE.h);
    for (let x = 0; g && x < WEDGE.w; x++)
      for (const sign of [-1, 1]) {
        const strength = x / (WEDGE.w - 1), high = 3 * LINE.width(strength);
        g.globalAlpha = Math.max(0.35, LINE.opacity(strength, LINE.faint[now], 1));
        g.fillStyle = lineColour(now, strength, sign);
        g.fillRect(x, WEDGE.h / 2 + (sign * WEDGE.h) / 4 - high / 2, 1, high);
      }
  }, [now]);
  return <canvas ref={canvas} class="legend-wedge" width={WEDGE.w} height={WEDGE.h} aria-hidden="true" />;
}

const endOf = (scale: Scale, share: number): string => {
  const value = valueAt(scale, share);
  return scale.log && value !== 0 ? value.toExponential(0).replace('e+', 'e') : figure(value);
};

// lines: their scale is of |value|, from the faintest to the boldest.
interface RowProps { name: string; scale: Scale; note?: string; nonfinite: number; lines?: boolean }

function Row({ name, scale, note, nonfinite, lines }: RowProps) {
  const [low, high] = lines ? [figure(scale.low), figure(scale.high)] : [endOf(scale, 0), endOf(scale, 1)];
  return (
    <li class="legend-row" aria-label={`${name}: from ${low} to ${high}`} title={note}>
      <span class="legend-name clip">{name}</span>
      <span class="number legend-low">{low}</span>
      {lines ? <Wedge /> : <Ramp name={scale.ramp} />}
      <span class="number legend-high">{high}</span>
      {nonfinite > 0 && <span class="legend-nan number" style={{ color: NONFINITE[mode.value] }}>{whole(nonfinite)} NaN</span>}
    </li>
  );
}

const isOneScale = (list: { scale: Scale }[]): boolean => list.length > 1 && list.every(l => l.scale.ramp === list[0]!.scale.ramp && l.scale.low === list[0]!.scale.low && l.scale.high === list[0]!.scale.high && l.scale.log === list[0]!.scale.log);

// The rows that there is room for: the one spoken of first, then in order.
function someOf<T extends { layer: number }>(all: T[], first: number): T[] {
  const most = matchMedia('(max-width: 760px)').matches ? ROWS_NARROW : ROWS_MOST;
  if (all.length <= most) return all;
  const at = Math.max(0, Math.min(all.length - most, all.findIndex(l => l.layer === first) - (most >> 1)));
  return all.slice(at, at + most);
}

interface RowsProps<T> { network: Network; list: T[]; also?: T[]; first: number; lines?: boolean; note: (item: T) => string }

function Rows<T extends DrawnLayer | DrawnPair>({ network, list, also = [], first, lines, note }: RowsProps<T>) {
  const nonfinite = list.reduce((n, l) => n + l.nonfinite, 0), one = isOneScale(list);
  if (!list.length && !also.length) return null;
  const row = (l: T) => <Row key={`${l.layer} ${'tensor' in l ? l.tensor : ''}`} name={network.model.layers[l.layer]?.name ?? ''} scale={l.scale} nonfinite={l.nonfinite} note={note(l)} lines={lines} />;
  const shown = one ? [] : someOf(list, first), left = one ? 0 : list.length - shown.length;
  return (
    <ul class="legend-rows">
      {one && <Row name="all" scale={list[0]!.scale} nonfinite={nonfinite} lines={lines} />}
      {shown.map(row)}
      {also.map(row)}
      {left > 0 && <li class="faint">{whole(left)} more: point at a layer</li>}
    </ul>
  );
}

const sum = (list: DrawnLayer[], of: 'dead' | 'saturated' | 'young'): number => list.reduce((n, l) => n + l[of], 0);

function Marks({ list }: { list: DrawnLayer[] }) {
  const dead = sum(list, 'dead'), saturated = sum(list, 'saturated'), young = sum(list, 'young');
  return (
    <p class="legend-marks">
      <span title={MARK_SAYS.dead}><i class="mark-dead" />dead <b class="number">{whole(dead)}</b></span>
      <span title={MARK_SAYS.saturated}><i class="mark-saturated" />saturated <b class="number">{whole(saturated)}</b></span>
      {young > 0 && <span title={MARK_SAYS.young}><i class="mark-young" />young <b class="number">{whole(young)}</b></span>}
    </p>
  );
}

const scaleWords = (d: Drawn, compare: boolean): string => {
  const n = view.value.network, log = d.layers.some(l => l.scale.log);
  return [log ? 'log' : 'linear', n.scale === 'layer' ? 'per layer' : 'whole network', compare ? 'now minus then' : ''].filter(Boolean).join(', ');
};

function pairNote(p: DrawnPair): string {
  return `${whole(p.drawn)} of ${whole(p.total)} ${p.fold ? `cells, ${p.fold}` : 'links'}`;
}

const ends = (l: DrawnLayer): string => `from ${figure(l.lowest)} to ${figure(l.highest)}`;

export function Legend({ network }: { network: Network }) {
  const n = view.value.network, first = pointed.value?.target.layer ?? network.placeOf(n.place);
  const d = useCalm(() => drawn.value, [network, n.quantity, n.scale, n.curve, n.links, n.compare]);
  if (!d) return <section class="network-legend" aria-label="legend" aria-busy="true" />;
  const layers = d.layers.filter(l => l.quantity && l.scale.ramp !== 'pixels'), pairs = d.pairs.filter(p => p.quantity), compared = network.compared.value !== null;
  const pixels = d.layers.filter(l => l.quantity && l.scale.ramp === 'pixels'), links = pairs[0], what = n.quantity === 'value' && inPicture.value === network.run ? 'a of the sample in Try' : QUANTITY_WORDS[n.quantity];
  const drawnLinks = pairs.reduce((n, p) => n + p.drawn, 0), allLinks = pairs.reduce((n, p) => n + p.total, 0);
  const asked = { quantity: n.quantity, links: n.links, recorded: network.recorded.value, compared, largeInput: !network.inputs }, state = network.shown.peek();
  const missing = state ? missingOf(network.model, state, d, asked) : [];
  const many = n.links === 'matrices' ? 'all, as matrices' : drawnLinks ? `${compared ? 'of the strongest now' : 'strongest'} ${whole(drawnLinks)} of ${whole(allLinks)}` : `none of ${whole(allLinks)} drawn`;
  return (
    <section class="network-legend" aria-label="legend">
      <p class="legend-title"><b>{n.quantity}</b> <span class="muted">{what}, {scaleWords(d, compared)}</span></p>
      <Rows network={network} list={layers} also={pixels} first={first} note={ends} />
      <Marks list={d.layers} />
      {links && n.links !== 'none' && (
        <>
          <p class="legend-title"><b>links</b> <span class="muted">{LINK_WORDS[links.quantity]}, {links.scale.log ? 'log, ' : ''}hue is the sign · {many}</span></p>
          {drawnLinks > 0 && <Rows network={network} list={pairs} first={first} lines={n.links === 'lines'} note={pairNote} />}
        </>
      )}
      {d.filters.length > 0 && (
        <>
          <p class="legend-title"><b>filters</b> <span class="muted">{LINK_WORDS[d.filters[0]!.quantity as 'weight']}, hue is the sign</span></p>
          <Rows network={network} list={d.filters} first={first} note={p => p.fold} />
        </>
      )}
      {missing.map(words => <p key={words} class="legend-missing muted">{words}</p>)}
    </section>
  );
}
