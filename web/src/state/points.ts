// The points of one series of one run as the page holds them: rows in typed arrays, each a point or a bucket of points.
//
// 1. Rows are in order of arrival; `after` is the ordinal after the last point taken. A live block below it is a repeat (its
//    known rows are skipped), above it a gap: `take` says so and the owner asks for a snapshot again.
// 2. `width` 0: every row is one point. Otherwise a new point goes into the last row while it falls into the same interval of
//    `width` steps, so that all rows show the same stretch and the curve looks the same at its tail as at its head.
// 3. Never more than 2 x target rows: then the width doubles until target rows are enough (3.6 million steps stay flat).
// 4. Rows before `rows - 1` never change while `version` stays; `version` grows when they do.
// 5. A new attempt cuts the rows that it overtakes; they are kept, faint, in `overtaken`.
import type { Block } from '../link/columns';

const FIRST_CAPACITY = 256, OVERTAKEN_ROWS = 4096;

export interface Overtaken { step: Float64Array; time: Float64Array; mean: Float64Array }

// What later attempts overtook, from an answer that holds all attempts one after the other: of each attempt the rows at or behind
// the lowest first step of those that came later.
export function overtakenOf(block: Block): Overtaken[] {
  const { step, time } = (block.raw ?? block.buckets)!, mean = block.raw?.value ?? block.buckets!.mean, found: Overtaken[] = [];
  let lowest = Infinity;
  for (let end = block.rows; end > 0; ) {
    let begin = end - 1;
    while (begin > 0 && step[begin - 1] <= step[begin]) begin--;
    let cut = begin;
    while (cut < end && step[cut] < lowest) cut++;
    if (cut < end) found.unshift({ step: step.slice(cut, end), time: time.slice(cut, end).map(t => t + block.timeOffset), mean: Float64Array.from(mean.subarray(cut, end)) });
    lowest = Math.min(lowest, step[begin]);
    end = begin;
  }
  return found;
}

export class Points {
  rows = 0;
  width = 0;
  after = 0;
  attempt = 0;
  version = 0;
  ready = false;                 // a snapshot has come
  unknown = false;               // there is no such series (yet)
  overtaken: Overtaken[] = [];
  step!: Float64Array;           // of the row's first point
  stepLast!: Float64Array;
  time!: Float64Array;           // wall time in ms of the row's first point
  min!: Float64Array;
  max!: Float64Array;
  mean!: Float64Array;           // over the finite; NaN: none
  last!: Float64Array;
  count!: Uint32Array;           // includes the nonfinite
  nonfinite!: Uint32Array;
  private capacity = 0;
  private attemptKnown = false;  // a snapshot of the present course does not say it

  // `to`: steps at or above it are not taken (a zoom into the past).
  constructor(readonly target = 1200, readonly to = Infinity) {
    this.reserve(FIRST_CAPACITY);
  }

  // Replaces everything by the answer to a query.
  snapshot(block: Block): void {
    this.rows = 0;
    this.version++;
    this.width = block.buckets ? block.width : 0;
    this.attempt = block.attempt;
    this.attemptKnown = block.attempt > 0;
    this.ready = true;
    this.unknown = block.unknown;
    this.append(block, 0);
    this.after = block.after;
  }

  // A live block: false when points are missing between what is here and it.
  take(block: Block): boolean {
    if (block.after <= this.after) return true;
    if (block.first > this.after || block.gap || (block.buckets && block.first < this.after)) return false;
    if (block.attempt > this.attempt && (this.attemptKnown || this.goesBack(block))) this.rewind(block);
    this.attempt = block.attempt;
    this.attemptKnown = true;
    this.append(block, this.after - block.first);
    this.after = block.after;
    this.unknown = false;
    return true;
  }

  private append(block: Block, from: number): void {
    const { raw, buckets: b, timeOffset } = block;
    if (raw) for (let i = from; i < block.rows; i++) this.push(raw.step[i], raw.step[i], timeOffset + raw.time[i], raw.value[i], raw.value[i], raw.value[i], raw.value[i], 1, Number.isFinite(raw.value[i]) ? 0 : 1);
    if (b) for (let i = from; i < block.rows; i++) this.push(b.step[i], b.stepLast[i], timeOffset + b.time[i], b.min[i], b.max[i], b.mean[i], b.last[i], b.count[i], b.nonfinite[i]);
  }

  private push(step: number, stepLast: number, time: number, min: number, max: number, mean: number, last: number, count: number, nonfinite: number): void {
    if (!(step < this.to)) return;
    const r = this.rows - 1;
    if (this.width > 0 && r >= 0 && this.ready && Math.floor(this.step[r] / this.width) === Math.floor(step / this.width) && step >= this.step[r])
      return this.fold(r, stepLast, min, max, mean, last, count, nonfinite);
    if (this.rows === this.capacity) this.reserve(this.capacity * 2);
    const n = this.rows++;
    this.step[n] = step; this.stepLast[n] = stepLast; this.time[n] = time;
    this.min[n] = min; this.max[n] = max; this.mean[n] = nonfinite >= count ? NaN : mean; this.last[n] = last;
    this.count[n] = count; this.nonfinite[n] = nonfinite;
    if (this.rows > 2 * this.target) this.coarsen();
  }

  private fold(r: number, stepLast: number, min: number, max: number, mean: number, last: number, count: number, nonfinite: number): void {
    if (min < this.min[r] || Number.isNaN(this.min[r])) this.min[r] = min;
    if (max > this.max[r] || Number.isNaN(this.max[r])) this.max[r] = max;
    const here = this.count[r] - this.nonfinite[r], there = count - nonfinite;
    if (there > 0) this.mean[r] = here > 0 ? this.mean[r] + (mean - this.mean[r]) * (there / (here + there)) : mean;
    this.last[r] = last;
    this.count[r] += count;
    this.nonfinite[r] += nonfinite;
    if (stepLast > this.stepLast[r]) this.stepLast[r] = stepLast;
  }

  // Invariant 3: twice the width, or more, until `target` rows are enough.
  private coarsen(): void {
    const span = this.stepLast[this.rows - 1] - this.step[0] + 1;
    let width = this.width > 0 ? this.width * 2 : 1;
    while (span / width > this.target) width *= 2;
    const old = this.rows;
    this.width = width;
    this.version++;
    this.rows = 1;
    for (let i = 1; i < old; i++) {
      const r = this.rows - 1;
      if (Math.floor(this.step[r] / width) === Math.floor(this.step[i] / width))
        this.fold(r, this.stepLast[i], this.min[i], this.max[i], this.mean[i], this.last[i], this.count[i], this.nonfinite[i]);
      else this.move(i, this.rows++);
    }
    // Steps that repeat without end fill no interval: then neighbours are merged as they are.
    if (this.rows > this.target * 1.5) this.pair();
  }

  private pair(): void {
    const old = this.rows;
    this.rows = 0;
    for (let i = 0; i < old; i += 2) {
      const r = this.rows++;
      this.move(i, r);
      if (i + 1 < old) this.fold(r, this.stepLast[i + 1], this.min[i + 1], this.max[i + 1], this.mean[i + 1], this.last[i + 1], this.count[i + 1], this.nonfinite[i + 1]);
    }
  }

  private move(from: number, to: number): void {
    if (from === to) return;
    for (const c of this.columns()) c[to] = c[from];
  }

  private columns(): (Float64Array | Uint32Array)[] {
    return [this.step, this.stepLast, this.time, this.min, this.max, this.mean, this.last, this.count, this.nonfinite];
  }

  private goesBack(block: Block): boolean {
    return this.rows > 0 && (block.raw ?? block.buckets)!.step[Math.max(0, this.after - block.first)] < this.stepLast[this.rows - 1];
  }

  // Invariant 5: the first step of the new attempt cuts what lies at or behind it.
  private rewind(block: Block): void {
    const first = (block.raw ?? block.buckets)!.step[Math.max(0, this.after - block.first)];
    const cut = this.rowAt(first);
    if (cut >= this.rows) return;
    this.overtaken.push({ step: this.step.slice(cut, this.rows), time: this.time.slice(cut, this.rows), mean: this.mean.slice(cut, this.rows) });
    let kept = 0;
    for (const o of this.overtaken) kept += o.step.length;
    while (kept > OVERTAKEN_ROWS && this.overtaken.length > 1) kept -= this.overtaken.shift()!.step.length;
    this.rows = cut;
    this.version++;
  }

  // The first row whose step is not below `step`; rows when there is none.
  rowAt(step: number, column: Float64Array = this.step): number {
    let low = 0, high = this.rows;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (column[middle] < step) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  private reserve(capacity: number): void {
    const longer = <T extends Float64Array | Uint32Array>(Type: new (n: number) => T, old: T | undefined): T => {
      const next = new Type(capacity);
      if (old) next.set(old);
      return next;
    };
    for (const name of ['step', 'stepLast', 'time', 'min', 'max', 'mean', 'last'] as const) this[name] = longer(Float64Array, this[name]);
    for (const name of ['count', 'nonfinite'] as const) this[name] = longer(Uint32Array, this[name]);
    this.capacity = capacity;
  }
}
