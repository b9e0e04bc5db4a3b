// The statistics of layers over time: their series layer/LAYER/WORD, followed while somebody looks. What changed is told at most
// four times a second.
import { signal } from '@preact/signals';
import { follow } from './feed';
import type { Points } from './points';

const CALM_MS = 250;

export const seriesOf = (layer: string, word: string): string => `layer/${layer}/${word}`;

// The value at a step: of the last point at or before it; NaN when there is none.
export function valueAt(points: Points, step: number): number {
  const row = points.rowAt(step + 1) - 1;
  return row >= 0 ? points.mean[row]! : NaN;
}

export class LayerSeries {
  readonly changed = signal(0);
  private followed = new Map<string, { points: Points; stop: () => void }>();
  private timer = 0;

  constructor(private run: string) {}

  private tell = (): void => {
    this.timer ||= window.setTimeout(() => {
      this.timer = 0;
      this.changed.value++;
    }, CALM_MS);
  };

  // Follows exactly these from now on: what is followed already goes on.
  want(names: readonly string[]): void {
    const wanted = new Set(names);
    for (const [name, { stop }] of this.followed) if (!wanted.has(name)) stop(), this.followed.delete(name);
    for (const name of wanted) if (!this.followed.has(name)) this.followed.set(name, follow(this.run, name, this.tell));
  }

  get(name: string): Points | null {
    const points = this.followed.get(name)?.points;
    return points && points.rows > 0 ? points : null;
  }

  end(): void {
    this.want([]);
    clearTimeout(this.timer);
    this.timer = 0;
  }
}
