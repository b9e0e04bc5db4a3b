// Smoothing: a debiased exponential mean per point. A bucket of n points weighs as n, so that zooming never changes the line:
//
//     s <- s b^n + mean (1 - b^n)     w <- w b^n     shown: s / (1 - w)          b: 0 (off) .. 0.999, n: finite points
import type { Points } from '../state/points';

export interface Start { sum: number; left: number }

// A line kept beside its points: only rows that may have changed are computed again.
export class Smoothed {
  values = new Float64Array(0);
  private done = 0;               // rows before it are final
  private sum = new Float64Array(0);
  private left = new Float64Array(0);
  private version = -1;
  private beta = -1;
  private start: Start = { sum: 0, left: 1 };

  // `start`: where the line comes from, for points that begin in the middle of their series.
  update(p: Points, beta: number, start: Start = { sum: 0, left: 1 }): Float64Array {
    if (p.version !== this.version || beta !== this.beta || start.sum !== this.start.sum || start.left !== this.start.left || this.done > p.rows) this.done = 0;
    if (this.values.length < p.rows) this.grow(p.rows);
    this.version = p.version;
    this.beta = beta;
    this.start = start;
    let sum = this.done ? this.sum[this.done - 1] : start.sum, left = this.done ? this.left[this.done - 1] : start.left;
    const log = Math.log(beta);
    for (let i = this.done; i < p.rows; i++) {
      const n = p.count[i] - p.nonfinite[i];
      if (n > 0) {
        const keep = n === 1 ? beta : Math.exp(log * n);
        sum = sum * keep + p.mean[i] * (1 - keep);
        left *= keep;
      }
      this.sum[i] = sum;
      this.left[i] = left;
      this.values[i] = n > 0 ? sum / (1 - left) : NaN;
    }
    this.done = Math.max(0, p.rows - 1);
    return this.values;
  }

  // The state behind the last row that ends before `step`.
  before(p: Points, step: number): Start {
    let row = p.rowAt(step) - 1;
    while (row >= 0 && p.stepLast[row] >= step) row--;
    return row >= 0 ? { sum: this.sum[row], left: this.left[row] } : { sum: 0, left: 1 };
  }

  private grow(rows: number): void {
    const size = Math.max(256, rows * 2);
    for (const name of ['values', 'sum', 'left'] as const) {
      const next = new Float64Array(size);
      next.set(this[name]);
      this[name] = next;
    }
  }
}
