// Which units fire for which class: a matrix, units side by side, a row for each class. Each unit stands on its own scale (share
// of its highest class) or all on the layer's. And how specific they are, as a histogram.
import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import { number, percent, whole } from '../../look/format';
import { heat, signed } from '../../look/ramps';
import { mode } from '../../look/theme';
import { histogramOf, levels, type LayerUnits, type Unit } from './sparsity-data';

const BINS = 20;

// Classes of which no sample was seen: their cells are blank.
const unseen = (layer: LayerUnits): boolean => layer.classMean!.some(Number.isNaN);

// Means below zero (gelu, tanh): the matrix has both signs.
const below = (layer: LayerUnits): boolean => layer.classMean!.some(v => v < 0);

// The legend's colours.
function Ramp({ both }: { both: boolean }) {
  const canvas = useRef<HTMLCanvasElement>(null), shown = mode.value;
  useEffect(() => canvas.current!.getContext('2d')?.putImageData(new ImageData(new Uint8ClampedArray(both ? signed(shown) : heat(shown)), 256, 1), 0, 0), [shown, both]);
  return <canvas ref={canvas} width={256} height={1} aria-hidden="true" />;
}

function meanWords(mean: number, most: number): string {
  if (Number.isNaN(mean)) return 'no sample seen';
  return most > 0 ? `${number(mean, 3)}, ${percent(mean / most)} of its highest |mean|` : number(mean, 3);
}

interface MatrixProps { layer: LayerUnits; units: readonly Unit[]; words: readonly string[]; chosen: number; choose: (unit: number) => void }

export function ClassMatrix({ layer, units, words, chosen, choose }: MatrixProps) {
  const canvas = useRef<HTMLCanvasElement>(null), shown = mode.value, [own, setOwn] = useState(true), [over, hover] = useState<{ unit: Unit; k: number } | null>(null);
  useEffect(() => {
    const to = canvas.current!, share = levels(layer, units, own), both = below(layer), ramp = both ? signed(shown) : heat(shown);
    to.width = units.length, to.height = layer.classes;
    const picture = new ImageData(units.length, layer.classes);
    share.forEach((v, i) => {
      if (Number.isNaN(v)) return;
      const level = Math.round(255 * Math.min(1, Math.max(0, both ? 0.5 + v / 2 : v)));
      picture.data.set(ramp.subarray(4 * level, 4 * level + 4), 4 * i);
    });
    to.getContext('2d')?.putImageData(picture, 0, 0);
  }, [layer, units, own, shown]);
  const under = (e: MouseEvent) => {
    const box = (e.currentTarget as HTMLElement).getBoundingClientRect();
    const x = Math.floor(((e.clientX - box.left) / box.width) * units.length), k = Math.floor(((e.clientY - box.top) / box.height) * layer.classes);
    return units[x] && k >= 0 && k < layer.classes ? { unit: units[x]!, k } : null;
  };
  const mean = over ? layer.classMean![over.k * layer.units + over.unit.unit]! : 0, at = units.findIndex(u => u.unit === chosen);
  const top = own ? "its highest |mean|" : number(Math.max(0, ...units.map(u => u.most)), 3), ends = [below(layer) ? `\u2212${own ? '' : top}` : '0', top];
  return (
    <figure class="sp-classes">
      <div class="sp-matrix" style={{ '--classes': layer.classes }}>
        <ol aria-hidden="true">{Array.from({ length: layer.classes }, (_, k) => <li key={k} class="number clip">{words[k] ?? k}</li>)}</ol>
        <div class="sp-cells">
          <canvas ref={canvas} role="img" aria-label={`mean activation of ${units.length} units for ${layer.classes} classes`} data-units={units.length} data-classes={layer.classes}
            onMouseMove={e => hover(under(e))} onMouseLeave={() => hover(null)} onClick={e => { const hit = under(e); if (hit) choose(hit.unit.unit); }} />
          {at >= 0 && <i class="sp-chosen" style={{ left: `${(100 * at) / units.length}%`, width: `${Math.max(0.4, 100 / units.length)}%` }} />}
        </div>
      </div>
      <figcaption>
        <span class="number sp-said">{over ? `unit ${over.unit.unit}, class ${words[over.k] ?? over.k}: ${meanWords(mean, over.unit.most)}`
          : `${whole(units.length)} units, those of one preferred class side by side; ${unseen(layer) ? 'blank: no sample seen; ' : ''}a click selects one`}</span>
        <span class="sp-legend faint number">{ends[0]} <Ramp both={below(layer)} /> {ends[1]}</span>
        <span class="segmented" role="group" aria-label="scale of the matrix">
          <button type="button" aria-pressed={own} onClick={() => setOwn(true)}>each unit's scale</button>
          <button type="button" aria-pressed={!own} onClick={() => setOwn(false)}>layer's scale</button>
        </span>
      </figcaption>
    </figure>
  );
}

export function SelectivityHistogram({ values }: { values: Float32Array }) {
  const counts = useMemo(() => histogramOf(values, BINS), [values]), most = Math.max(1, ...counts), total = counts.reduce((a, b) => a + b, 0);
  return (
    <figure class="sp-histogram">
      <svg viewBox={`0 0 ${BINS} 10`} preserveAspectRatio="none" role="img" aria-label={`selectivity of ${total} units`} data-total={total}>
        {counts.map((n, i) => <rect key={i} x={i + 0.08} width={0.84} y={10 - (10 * n) / most} height={(10 * n) / most}><title>{`${number(i / BINS, 2)} … ${number((i + 1) / BINS, 2)}: ${whole(n)} units`}</title></rect>)}
      </svg>
      <figcaption class="faint number"><span>0 generic</span><span>selectivity of {whole(total)} units</span><span>1 specific</span></figcaption>
    </figure>
  );
}
