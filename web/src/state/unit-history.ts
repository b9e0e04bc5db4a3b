// What each unit did while somebody looked: activation and gradient of all units of the last captures, in one ring of bounded
// size; every second one is dropped when it is full, so that it always reaches back to where one began to look.
//
//     sample: step | activation of all units | gradient of all units    (NaN unknown)
import type { NetworkModel, NetworkState } from '../network/model';

export interface Course { step: Float64Array; activation: Float32Array; gradient: Float32Array; rows: number }

const MOST_BYTES = 24 << 20, MOST_ROWS = 600;

export const unitsOf = (shape: readonly number[]): number => (shape.length >= 3 ? shape[0]! : shape.reduce((n, side) => n * side, 1));

export class UnitHistory {
  private readonly first: number[] = []; // of each layer in a sample
  private readonly units: number = 0;
  private readonly most: number;
  private steps: number[] = [];
  private samples: Float32Array[] = [];
  private every = 1;                     // of the captures, one is kept
  private seen = 0;

  constructor(model: NetworkModel, bytes = MOST_BYTES) {
    for (const layer of model.layers) {
      this.first.push(this.units);
      this.units += unitsOf(layer.shape);
    }
    this.most = Math.max(0, Math.min(MOST_ROWS, Math.floor(bytes / (8 * Math.max(1, this.units)))));
  }

  get rows(): number {
    return this.steps.length;
  }

  // A capture of a step that is not behind the last; an earlier step (rewound) cuts what it overtakes.
  add(state: NetworkState): void {
    if (this.most < 8) return; // a network too wide to remember
    while (this.steps.length && this.steps[this.steps.length - 1]! > state.step) this.steps.pop(), this.samples.pop();
    if (this.steps[this.steps.length - 1] === state.step || this.seen++ % this.every) return;
    if (this.steps.length >= this.most) this.thin();
    this.steps.push(state.step);
    this.samples.push(this.sampleOf(state));
  }

  private sampleOf(state: NetworkState): Float32Array {
    const sample = new Float32Array(2 * this.units).fill(NaN);
    state.layers.forEach((layer, place) => {
      const at = this.first[place]!, room = (this.first[place + 1] ?? this.units) - at;
      if (layer.activation) sample.set(layer.activation.subarray(0, room), at);
      if (layer.gradient) sample.set(layer.gradient.subarray(0, room), this.units + at);
    });
    return sample;
  }

  private thin(): void {
    this.steps = this.steps.filter((_, i) => i % 2 === 0);
    this.samples = this.samples.filter((_, i) => i % 2 === 0);
    this.every *= 2;
  }

  courseOf(place: number, unit: number): Course {
    const at = (this.first[place] ?? 0) + unit, rows = this.steps.length;
    return {
      rows, step: Float64Array.from(this.steps),
      activation: Float32Array.from(this.samples, s => s[at]!), gradient: Float32Array.from(this.samples, s => s[this.units + at]!),
    };
  }
}
