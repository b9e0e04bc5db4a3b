// What is told of the samples that training observes: counts by truth and prediction, the worst and the best by loss.
import { floats, type Capture, type CaptureSection } from '../../link/capture';
import { quantities } from '../../link/tables';
import type { Confusion } from './confusion-data';

export interface Seen { pixels: Uint8Array; loss: number; truth: number; predicted: number; probability: number }
export interface Outcome { step: number; observed: number; confusion: Confusion | null; worst: Seen[]; best: Seen[] }

// Pictures and their numbers: (N, ...) u8 and (N, 4) loss, truth, prediction, its probability.
export function seenOf(pictures: CaptureSection | undefined, numbers: CaptureSection | undefined): Seen[] {
  if (!numbers) return [];
  const values = floats(numbers), n = Math.min(numbers.shape[0] ?? 0, pictures?.shape[0] ?? 0), size = n ? (pictures!.data.length / pictures!.shape[0]!) : 0;
  return Array.from({ length: n }, (_, i) => ({
    pixels: pictures!.data.subarray(i * size, (i + 1) * size) as Uint8Array,
    loss: values[4 * i]!, truth: values[4 * i + 1]!, predicted: values[4 * i + 2]!, probability: values[4 * i + 3]!,
  }));
}

export function outcomeOf(capture: Capture, words: readonly string[], before: Outcome | null): Outcome {
  const section = (quantity: number) => capture.sections.find(s => s.quantity === quantity), matrix = section(quantities.confusion);
  return {
    step: capture.step, observed: capture.observed,
    confusion: matrix ? { classes: matrix.shape[0] ?? 0, counts: matrix.data as Uint32Array, words } : before?.confusion ?? null,
    worst: section(quantities.worst_values) ? seenOf(section(quantities.worst), section(quantities.worst_values)) : before?.worst ?? [],
    best: section(quantities.best_values) ? seenOf(section(quantities.best), section(quantities.best_values)) : before?.best ?? [],
  };
}
