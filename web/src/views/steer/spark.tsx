// The tiny history of a numeric parameter: its series param/NAME as a step line over the whole run, its last value drawn up
// to now. Asked once when the row appears and again when the value has changed.
import { useEffect, useState } from 'preact/hooks';
import type { Block } from '../../link/columns';
import { link } from '../../state/link';
import { positionOf, type Bounds } from './scale';

const WIDTH = 120, HEIGHT = 28, EDGE = 3, POINTS = 240;
export interface Past { step: Float64Array; value: ArrayLike<number> }

function pastOf(block: Block | undefined): Past | null {
  if (block?.raw) return { step: block.raw.step, value: block.raw.value };
  if (block?.buckets) return { step: block.buckets.step, value: block.buckets.last };
  return null;
}

// Heights on the parameter's own scale, stretched over what it really covered; flat lines run through the middle.
export function pathOf(past: Past, lastStep: number, bounds: Bounds): string {
  const heights = Array.from(past.value, v => positionOf(v, bounds)), n = heights.length;
  if (n === 0) return '';
  const low = Math.min(...heights), high = Math.max(...heights), flat = high - low < 1e-9;
  const first = Math.min(0, past.step[0]), span = Math.max(1, Math.max(lastStep, past.step[n - 1]) - first);
  const x = (step: number) => ((WIDTH * (step - first)) / span).toFixed(1);
  const y = (h: number) => (flat ? HEIGHT / 2 : EDGE + (1 - (h - low) / (high - low)) * (HEIGHT - 2 * EDGE)).toFixed(1);
  let path = `M${x(past.step[0])} ${y(heights[0])}`;
  for (let i = 1; i < n; i++) if (heights[i] !== heights[i - 1]) path += `H${x(past.step[i])}V${y(heights[i])}`;
  return path + `H${WIDTH}`;
}

export function usePast(run: string, name: string, changed: unknown, numeric: boolean): Past | null {
  const [past, setPast] = useState<Past | null>(null);
  useEffect(() => {
    if (!numeric) return;
    let stop = () => {};
    const soon = setTimeout(() => { // gathers the changes of a schedule that moves every step
      stop = link.query(run, [`param/${name}`], { buckets: POINTS }, frame => setPast(pastOf(frame?.blocks.find(b => b.rows > 0))));
    }, past ? 250 : 0);
    return () => (clearTimeout(soon), stop());
  }, [run, name, changed, numeric]);
  return past;
}

export function Spark(props: { past: Past | null; lastStep: number; bounds: Bounds; name: string }) {
  const { past, lastStep, bounds, name } = props;
  if (!past || past.step.length === 0) return <span class="steer-past" />;
  const numbers = Array.from(past.value).filter(Number.isFinite);
  const wide = bounds.min !== null && bounds.max !== null && bounds.min < bounds.max
    ? bounds : { ...bounds, log: false, min: Math.min(...numbers), max: Math.max(...numbers) + 1e-300 };
  return (
    <svg class="steer-past" viewBox={`0 0 ${WIDTH} ${HEIGHT}`} role="img" aria-label={`history of ${name}`}>
      <path d={pathOf(past, lastStep, wide)} />
    </svg>
  );
}
