// What is drawn of a curve: its rows in sight, or, where they are closer than the pixels, one summary a pixel column.
import type { Points } from '../state/points';

export class Columns {
  n = 0;
  dense = false;                 // one entry a pixel column
  special = false;               // NaN or infinities among them
  x!: Float64Array; mean!: Float64Array; min!: Float64Array; max!: Float64Array; smooth!: Float64Array;
  private own: Float64Array[] = [];

  // Rows first..last at the pixels x[0..]. Borrows the arrays until the next call where every row is an entry.
  gather(p: Points, x: Float64Array, first: number, last: number, dense: boolean, smooth: Float64Array | null): void {
    this.dense = dense;
    this.special = false;
    for (let i = first; i < last && !this.special; i++) this.special = p.nonfinite[i] > 0;
    if (dense && p.width === 0 && !this.special && !smooth) this.summarisePoints(p.mean, x, first, last);
    else if (dense) this.summarise(p, x, first, last, smooth);
    else this.borrow(p, x, first, last, smooth);
  }

  private borrow(p: Points, x: Float64Array, first: number, last: number, smooth: Float64Array | null): void {
    this.n = last - first;
    this.x = x;
    this.mean = p.mean.subarray(first, last);
    this.min = p.min.subarray(first, last);
    this.max = p.max.subarray(first, last);
    if (smooth) this.smooth = smooth.subarray(first, last);
  }

  private reserve(size: number): void {
    if (!this.own.length || this.own[0].length < size) this.own = Array.from({ length: 5 }, () => new Float64Array(2 * size));
    [this.x, this.mean, this.min, this.max, this.smooth] = this.own;
  }

  // Where each row is one finite point.
  private summarisePoints(values: Float64Array, x: Float64Array, first: number, last: number): void {
    this.reserve(last - first);
    const { x: xs, mean: means, min: lows, max: highs } = this;
    let n = 0;
    for (let i = first; i < last; n++) {
      const begin = i, end = Math.floor(x[i - first]) + 1;
      let sum = 0, low = Infinity, high = -Infinity;
      do {
        const v = values[i];
        if (v < low) low = v;
        if (v > high) high = v;
        sum += v;
      } while (++i < last && x[i - first] < end);
      xs[n] = end - 0.5;
      lows[n] = low;
      highs[n] = high;
      means[n] = sum / (i - begin);
    }
    this.n = n;
  }

  private summarise(p: Points, x: Float64Array, first: number, last: number, smooth: Float64Array | null): void {
    this.reserve(last - first);
    const { min, max, mean, count, nonfinite } = p, { x: xs, mean: means, min: lows, max: highs, smooth: smooths } = this;
    let n = 0;
    for (let i = first; i < last; n++) {
      const end = Math.floor(x[i - first]) + 1;
      let weight = 0, sum = 0, smoothSum = 0, low = Infinity, high = -Infinity;
      do {
        const finite = count[i] - nonfinite[i];
        if (min[i] < low) low = min[i];
        if (max[i] > high) high = max[i];
        if (finite > 0) {
          weight += finite;
          sum += mean[i] * finite;
          if (smooth) smoothSum += smooth[i] * finite;
        }
      } while (++i < last && x[i - first] < end);
      xs[n] = end - 0.5;
      lows[n] = low;
      highs[n] = high;
      means[n] = weight > 0 ? sum / weight : NaN;
      smooths[n] = weight > 0 ? smoothSum / weight : NaN;
    }
    this.n = n;
  }
}
