// Epochs along the steps of a run, as the run told them (the series nnscope/epoch): corners joined by straight lines, so that a
// batch that changed in mid-run is where it was. Behind the last corner the line goes on through where the run stands now;
// a run that told no corners has one rate for all.
import { signal } from '@preact/signals';
import { follow } from '../state/feed';
import type { Points } from '../state/points';

export const EPOCH_SERIES = 'nnscope/epoch';

export class EpochLine {
  version = 0;                   // grows with every change
  private steps: number[] = [];
  private epochs: number[] = [];
  private step = 0;              // where the run stands
  private epoch = 0;

  corners(p: Points): void {
    [this.steps, this.epochs] = [[], []];
    for (let i = 0; i < p.rows; i++) if (Number.isFinite(p.last[i])) this.steps.push(p.stepLast[i]), this.epochs.push(p.last[i]);
    this.version++;
  }

  now(step: number, epoch: number): void {
    if (step === this.step && epoch === this.epoch) return;
    [this.step, this.epoch] = [step, epoch];
    this.version++;
  }

  // Epochs per step behind the last corner.
  private get rate(): number {
    const n = this.steps.length, from = n ? this.steps[n - 1] : 0, at = n ? this.epochs[n - 1] : 0;
    if (this.step > from && this.epoch > at) return (this.epoch - at) / (this.step - from);
    return n > 1 && from > this.steps[n - 2] ? (at - this.epochs[n - 2]) / (from - this.steps[n - 2]) : 0;
  }

  private along(x: number, from: number[], to: number[], rate: number): number {
    const n = from.length;
    if (!n || x >= from[n - 1]) return (n ? to[n - 1] : 0) + (x - (n ? from[n - 1] : 0)) * rate;
    let low = 0, high = n - 1;   // from[low - 1] <= x < from[high]
    while (low < high) {
      const mid = (low + high) >> 1;
      if (from[mid] <= x) low = mid + 1;
      else high = mid;
    }
    const x0 = low ? from[low - 1] : 0, y0 = low ? to[low - 1] : 0;
    return from[low] > x0 ? y0 + ((x - x0) / (from[low] - x0)) * (to[low] - y0) : to[low];
  }

  toEpoch = (step: number): number => this.along(step, this.steps, this.epochs, this.rate);
  toStep = (epoch: number): number => {
    const rate = this.rate;
    return this.along(epoch, this.epochs, this.steps, rate > 0 ? 1 / rate : 0);
  };
}

const lines = new Map<string, EpochLine>(), columns = new WeakMap<Points, { key: string; column: Float64Array }>();
export const corners = signal(0); // grows when corners of some run have come

// The line of a run, followed from now on.
export function epochLine(run: string): EpochLine {
  let line = lines.get(run);
  if (!line) {
    const made = new EpochLine();
    lines.set(run, (line = made));
    const { points } = follow(run, EPOCH_SERIES, () => (made.corners(points), corners.value++));
  }
  return line;
}

// Epochs of the rows of `p`: of each row's middle step, of the newest its last.
export function epochColumn(line: EpochLine, p: Points): Float64Array {
  const key = `${line.version} ${p.version} ${p.rows} ${p.rows ? p.stepLast[p.rows - 1] : 0}`, held = columns.get(p);
  if (held?.key === key) return held.column;
  const column = new Float64Array(p.rows);
  for (let i = 0; i < p.rows; i++) column[i] = line.toEpoch(i === 0 ? p.step[0] : i === p.rows - 1 ? p.stepLast[i] : (p.step[i] + p.stepLast[i]) / 2);
  columns.set(p, { key, column });
  return column;
}
