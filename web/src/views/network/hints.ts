// What the statistics along the layers say: vanishing (gradients fall towards the input), exploding (they rise towards it, or are far too
// large), layers whose units are dead or saturated. Gradient norms are taken per weight, rms = norm / sqrt(weights), so that wide
// and narrow layers compare.

export interface Hint { kind: 'vanishing' | 'exploding' | 'nonfinite' | 'dead' | 'saturated'; text: string; layers: number[] }
export interface LayerShare { layer: number; name: string; share: number } // share NaN: unknown

export interface LayerNorm { layer: number; norm: number; weights: number } // in the order of the network; norm NaN: unknown

const DECADES_PER_LAYER = 0.4, DECADES = 2, HUGE = 1e4;
export const MANY = 0.4; // of a layer's units; healthy networks stay below a quarter

// The slope of log10 rms over the layers, least squares: > 0 rises towards the output.
export function slopeOf(rms: readonly number[]): number {
  const n = rms.length, y = rms.map(Math.log10), mx = (n - 1) / 2, my = y.reduce((a, b) => a + b, 0) / n;
  let above = 0, below = 0;
  y.forEach((v, i) => ((above += (i - mx) * (v - my)), (below += (i - mx) ** 2)));
  return below ? above / below : 0;
}

const words = (decades: number) => (Math.abs(decades) >= 10 ? Math.abs(decades).toFixed(0) : Math.abs(decades).toFixed(1));

export function hintOf(norms: readonly LayerNorm[]): Hint | null {
  const known = norms.filter(n => n.norm > 0 && n.weights > 0), rms = known.map(n => n.norm / Math.sqrt(n.weights)), layers = known.map(n => n.layer);
  const huge = known.filter(n => n.norm >= HUGE);
  if (known.length >= 3) {
    const slope = slopeOf(rms), span = Math.log10(rms[rms.length - 1]! / rms[0]!);
    if (slope >= DECADES_PER_LAYER && span >= DECADES)
      return { kind: 'vanishing', text: `vanishing: the gradient falls by ${words(slope)} decades per layer towards the input`, layers: layers.slice(0, Math.ceil(layers.length / 2)) };
    if (slope <= -DECADES_PER_LAYER && span <= -DECADES)
      return { kind: 'exploding', text: `exploding: the gradient grows by ${words(slope)} decades per layer towards the input`, layers: layers.slice(0, Math.ceil(layers.length / 2)) };
  }
  if (huge.length) return { kind: 'exploding', text: `exploding: gradient norm ${Math.max(...huge.map(n => n.norm)).toExponential(0).replace('e+', 'e')}`, layers: huge.map(n => n.layer) };
  return null;
}

// NaN and infinities, `share` being their number.
export function nonfiniteHint(counts: readonly LayerShare[]): Hint | null {
  const bad = counts.filter(c => c.share > 0);
  if (!bad.length) return null;
  const all = bad.length === counts.length || bad.length > 3 ? `${bad.length} layers` : bad.map(c => c.name).join(', ');
  return { kind: 'nonfinite', text: `NaN or infinite values in ${all}`, layers: bad.map(c => c.layer) };
}

// Layers of which many units are dead, or saturated.
export function sharesHint(kind: 'dead' | 'saturated', shares: readonly LayerShare[]): Hint | null {
  const many = shares.filter(s => s.share >= MANY).sort((a, b) => b.share - a.share);
  if (!many.length) return null;
  const named = many.slice(0, 2).map((s, i) => `${Math.round(100 * s.share)} % of ${i ? '' : 'the units of '}${s.name}`).join(', ');
  const others = many.length > 2 ? ` and ${many.length - 2} more layer${many.length > 3 ? 's' : ''}` : '';
  return { kind, text: `${kind}: ${named}${others}`, layers: many.map(s => s.layer) };
}
