// The gradient norm along the network, on one logarithmic scale: a line that falls to the left is a vanishing gradient, one that rises
// to the left an exploding one. Faint: where it stood at the first snapshot or point.
import { seriesOf, type LayerSeries } from '../../state/layer-series';
import type { Network } from '../../state/network';
import type { Places } from './align';
import type { Hint, LayerNorm } from './hints';

const HIGH = 54, TOP = 21, PAD = 5; // words stand above the line

interface ProfileProps { network: Network; norms: LayerNorm[]; places: Places; width: number; hints: Hint[]; series: LayerSeries }

function middle(places: Places, layer: number, width: number): number {
  if (!places.scrolls) return places.left[layer]! + places.width / 2;
  return ((layer + 0.5) * width) / places.left.length;
}

function line(points: [number, number][]): string {
  return points.map(([x, y], i) => `${i ? 'L' : 'M'}${x.toFixed(1)} ${y.toFixed(1)}`).join('');
}

const rms = (norm: number, weights: number): number => norm / Math.sqrt(Math.max(1, weights));
const decade = (at: number): string => (10 ** at).toExponential(0).replace('e+', 'e');

function Hints({ hints }: { hints: Hint[] }) {
  return <>{hints.map(h => <span key={h.kind} class={`strip-hint ${h.kind}`} role="status">{h.text}</span>)}</>;
}

export function Profile({ network, norms, places, width, hints, series }: ProfileProps) {
  const known = norms.filter(n => n.norm > 0 && Number.isFinite(n.norm));
  if (known.length < 2 || width <= 0) return hints.length ? <p class="strip-hints alone"><Hints hints={hints} /></p> : null;
  const first = known.map(n => series.get(seriesOf(network.model.layers[n.layer]!.name, 'gradient/norm'))?.mean[0] ?? NaN);
  const values = known.map(n => rms(n.norm, n.weights)), before = known.map((n, i) => rms(first[i]!, n.weights));
  const all = [...values, ...before.filter(v => v > 0 && Number.isFinite(v))].map(Math.log10);
  const low = Math.floor(Math.min(...all)), high = Math.max(low + 1, Math.ceil(Math.max(...all)));
  const y = (v: number) => TOP + (1 - (Math.log10(v) - low) / (high - low)) * (HIGH - TOP - PAD), at = (i: number) => middle(places, known[i]!.layer, width);
  const now = line(values.map((v, i) => [at(i), y(v)])), then = before.every(v => v > 0 && Number.isFinite(v)) ? line(before.map((v, i) => [at(i), y(v)])) : '';
  const gradient = hints.find(h => h.kind === 'vanishing' || h.kind === 'exploding');
  const few = known.length <= 40, step = Math.max(1, Math.ceil((high - low) / 6));
  return (
    <div class={gradient ? 'strip-profile hinted' : 'strip-profile'} title="gradient per weight (rms of dL/dw) along the layers, one logarithmic scale">
      <svg width={width} height={HIGH} role="img" aria-label={`gradient per weight along the layers: ${gradient?.text ?? `between ${decade(low)} and ${decade(high)}`}`}>
        {Array.from({ length: Math.floor((high - low) / step) + 1 }, (_, i) => low + i * step).map(d => <line key={d} class="profile-decade" x1="0" x2={width} y1={y(10 ** d)} y2={y(10 ** d)} />)}
        {then && <path class="profile-then" d={then} />}
        <path class="profile-now" d={now} />
        {few && values.map((v, i) => <circle key={i} class={gradient?.layers.includes(known[i]!.layer) ? 'profile-dot suspect' : 'profile-dot'} cx={at(i)} cy={y(v)} r="3" />)}
      </svg>
      <p class="strip-hints"><span class="profile-word faint">rms dL/dw <span class="number">{decade(low)} … {decade(high)}</span></span><Hints hints={hints} /></p>
    </div>
  );
}
