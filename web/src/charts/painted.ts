// What a chart's canvas shows, kept beside it, so that a draw paints no more than what changed. While points come and the axes stay,
// that is a strip at the right end: rows before the last never change (state/points.ts, invariant 4), and the last one moves from
// the end of its steps to their middle when another follows.
import { along, shown, xOf, type Curve } from './curve';
import { mannerOf, REACH, type Area } from './paint';
import type { PlotConfig } from './plot';

const ALL = -Infinity, NOTHING = Infinity;
const BESIDE = 6;                // pixels that strokes and marks reach beside their points, or a summary's column

class Shown {
  private key: unknown[] = [];
  private rows = 0;
  private after = -1;

  // From which pixel column on the curve is another than before; it is taken as painted.
  next(c: Curve, area: Area): number {
    const p = shown(c), a = along(c, p, area.axis), m = mannerOf(p, a, area), epochs = area.axis === 'epoch' ? c.epochs?.version : 0;
    const key = [p, p.version, c.points.version, c.points.overtaken.length, epochs, c.hidden, m.dense, m.tight, m.few, m.dots];
    const same = p.rows >= this.rows && key.every((v, i) => v === this.key[i]), still = p.after === this.after || c.hidden || !p.rows;
    const row = Math.max(0, this.rows - 2 - REACH);
    [this.key, this.rows, this.after] = [key, p.rows, p.after];
    if (!same) return ALL;
    return still ? NOTHING : area.left + ((xOf(p, row, a) - area.x0) / (area.x1 - area.x0)) * area.width - (m.dense ? REACH + BESIDE : BESIDE) * area.ratio;
  }
}

const sameArea = (a: Area, b: Area): boolean =>
  a.left === b.left && a.top === b.top && a.width === b.width && a.height === b.height && a.ratio === b.ratio &&
  a.x0 === b.x0 && a.x1 === b.x1 && a.y0 === b.y0 && a.y1 === b.y1 && a.log === b.log && a.axis === b.axis;

export class Painted {
  private config: PlotConfig | null = null;
  private area: Area | null = null;
  private curves: Shown[] = [];

  // The whole canvas column from which on it has to be painted: -Infinity: all of it, Infinity: nothing. What is asked for is taken as painted.
  since(config: PlotConfig, area: Area): number {
    const all = config !== this.config || !this.area || !sameArea(area, this.area) || config.curves.length !== this.curves.length;
    if (all) this.curves = config.curves.map(() => new Shown());
    [this.config, this.area] = [config, area];
    let from = all ? ALL : NOTHING;
    config.curves.forEach((c, i) => (from = Math.min(from, this.curves[i].next(c, area))));
    return from === from ? Math.floor(from) : ALL;
  }

  // The canvas was lost or made anew.
  forget(): void {
    this.config = null;
  }
}
