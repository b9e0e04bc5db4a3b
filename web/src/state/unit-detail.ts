// What captures tell of one unit that somebody looks at closely: its weights in and out, gradient, update, strongest samples. The
// newest of each quantity is kept, with the step whose body made it.
import { floats, type Capture, type CaptureSection } from '../link/capture';
import { quantities } from '../link/tables';

export interface Values { step: number; shape: number[]; data: Float32Array }

// Inputs as grey pictures of `side` bytes each; `value` their activation, `label` the true class (-1 unknown).
export interface Samples { step: number; shape: number[]; side: number; pixels: Uint8Array; value: Float32Array; label: Int32Array }

export interface UnitDetail {
  weight?: Values;
  gradient?: Values;
  update?: Values;
  out?: Values;
  samples?: Samples;
}

export const unitKey = (layer: number, unit: number): string => `${layer}:${unit}`; // the layer by its number

const NAMES = new Map<number, 'weight' | 'gradient' | 'update' | 'out'>([
  [quantities.unit_weight, 'weight'], [quantities.unit_gradient, 'gradient'], [quantities.unit_update, 'update'], [quantities.unit_out, 'out'],
]);

function samplesOf(step: number, pictures: CaptureSection, before: Samples | undefined): Samples {
  const shape = pictures.shape.slice(1), side = shape.reduce((n, s) => n * s, 1), count = pictures.shape[0] ?? 0;
  return {
    step, shape, side, pixels: pictures.data as Uint8Array,
    value: before?.value ?? new Float32Array(count).fill(NaN), label: before?.label ?? new Int32Array(count).fill(-1),
  };
}

function withValues(samples: Samples | undefined, section: CaptureSection, step: number): Samples {
  const pairs = floats(section), count = section.shape[0] ?? 0;
  const value = Float32Array.from({ length: count }, (_, i) => pairs[2 * i]!), label = Int32Array.from({ length: count }, (_, i) => pairs[2 * i + 1]!);
  return samples ? { ...samples, value, label } : { step, shape: [], side: 0, pixels: new Uint8Array(0), value, label };
}

// The details that a capture brings, laid over those before; only the units of this capture and those in `keep` stay. Outgoing weights stand
// with the layer whose weights they are: the unit is of the layer that feeds it.
export function takeDetails(before: ReadonlyMap<string, UnitDetail>, capture: Capture, keep: ReadonlySet<string>, feeder: (layer: number) => number): ReadonlyMap<string, UnitDetail> | null {
  let next: Map<string, UnitDetail> | null = null;
  for (const section of capture.sections) {
    const name = NAMES.get(section.quantity), pictures = section.quantity === quantities.unit_samples, values = section.quantity === quantities.unit_sample_values;
    if (!name && !pictures && !values) continue;
    next ??= new Map([...before].filter(([key]) => keep.has(key)));
    const key = unitKey(name === 'out' ? feeder(section.layer) : section.layer, section.item), detail = { ...next.get(key) };
    if (name) detail[name] = { step: capture.step, shape: section.shape, data: floats(section) };
    else if (pictures) detail.samples = samplesOf(capture.step, section, detail.samples);
    else detail.samples = withValues(detail.samples, section, capture.step);
    next.set(key, detail);
  }
  return next;
}
