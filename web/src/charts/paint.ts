// Draws curves into a canvas: the band from smallest to largest of each bucket, the line of means (faint when smoothed), the
// smoothed line, spikes that a band would hide, NaN and infinities as marks at the edge, overtaken attempts faint.
import { faint } from '../look/palette';
import type { Points } from '../state/points';
import type { Axis } from '../state/view';
import { along, rowsWithin, shown, smoothed, type Along, type Curve } from './curve';

// The plotting area in canvas pixels, and what it shows.
export interface Area {
  left: number; top: number; width: number; height: number; ratio: number;
  x0: number; x1: number; y0: number; y1: number;
  log: boolean;
  axis: Axis;
}

export interface PaintOptions { smooth: number; bad: string; lineWidth: number }

// Pixel transforms: px = x * ax + bx, py = f(y) * ay + by with f log10 or nothing.
class Transform {
  readonly ax: number; readonly bx: number; readonly ay: number; readonly by: number;
  constructor(readonly area: Area, a: Along) {
    const sx = area.width / (area.x1 - area.x0);
    this.ax = sx * a.scale;
    this.bx = area.left + (a.shift - area.x0) * sx;
    const low = area.log ? Math.log10(area.y0) : area.y0, high = area.log ? Math.log10(area.y1) : area.y1;
    this.ay = -area.height / (high - low);
    this.by = area.top + area.height - low * this.ay;
  }
  y(value: number): number {
    const py = (this.area.log ? (value > 0 ? Math.log10(value) : -Infinity) : value) * this.ay + this.by;
    const top = this.area.top - 1e4, bottom = this.area.top + this.area.height + 1e4;
    return py < top ? top : py > bottom ? bottom : py;
  }
}

// Pixel positions of rows first..last in x, made once for all lines of a curve.
let xs = new Float64Array(4096);
function positions(p: Points, a: Along, t: Transform, first: number, last: number): Float64Array {
  if (xs.length < last - first) xs = new Float64Array((last - first) * 2);
  const middle = a.column !== p.time;
  for (let i = first; i < last; i++) {
    const at = !middle || i === 0 ? a.column[i] : i === p.rows - 1 ? p.stepLast[i] : (p.step[i] + p.stepLast[i]) / 2;
    xs[i - first] = at * t.ax + t.bx;
  }
  return xs;
}

function line(g: CanvasRenderingContext2D, t: Transform, x: Float64Array, y: Float64Array, first: number, last: number): void {
  let pen = false;
  g.beginPath();
  for (let i = first; i < last; i++) {
    const v = y[i];
    if (v !== v) {
      pen = false;
      continue;
    }
    const py = t.y(v);
    if (pen) g.lineTo(x[i - first], py);
    else g.moveTo(x[i - first], py);
    pen = true;
  }
  g.stroke();
}

function band(g: CanvasRenderingContext2D, t: Transform, p: Points, x: Float64Array, first: number, last: number): void {
  let from = first;
  const flush = (to: number) => {
    if (to - from > 1) {
      g.moveTo(x[from - first], t.y(p.max[from]));
      for (let i = from + 1; i < to; i++) g.lineTo(x[i - first], t.y(p.max[i]));
      for (let i = to - 1; i >= from; i--) g.lineTo(x[i - first], t.y(p.min[i]));
      g.closePath();
    }
    from = to + 1;
  };
  g.beginPath();
  for (let i = first; i < last; i++) if (p.mean[i] !== p.mean[i]) flush(i);
  flush(last);
  g.fill();
}

// A bucket whose extent is far above that of the others hides something: a full stroke from smallest to largest.
function spikes(g: CanvasRenderingContext2D, t: Transform, p: Points, x: Float64Array, first: number, last: number): void {
  let sum = 0, n = 0;
  const tall = (i: number) => t.y(p.min[i]) - t.y(p.max[i]);
  for (let i = first; i < last; i++) if (p.count[i] > 1 && p.mean[i] === p.mean[i]) (sum += tall(i)), n++;
  if (!n) return;
  const limit = Math.max(8 * t.area.ratio, (5 * sum) / n);
  g.beginPath();
  for (let i = first; i < last; i++)
    if (p.count[i] > 1 && tall(i) > limit) {
      g.moveTo(x[i - first], t.y(p.min[i]));
      g.lineTo(x[i - first], t.y(p.max[i]));
    }
  g.stroke();
}

// NaN and infinities: a small cross at the lower edge (an infinity above at the upper one).
function specials(g: CanvasRenderingContext2D, area: Area, p: Points, x: Float64Array, first: number, last: number, colour: string): void {
  const r = 3 * area.ratio;
  let drawn = -Infinity, any = false;
  for (let i = first; i < last; i++) {
    if (!p.nonfinite[i]) continue;
    const px = x[i - first];
    if (px - drawn < 2 * r) continue;
    if (!any) g.beginPath();
    any = true;
    drawn = px;
    const py = p.max[i] === Infinity ? area.top + r + 1 : area.top + area.height - r - 1;
    g.moveTo(px - r, py - r); g.lineTo(px + r, py + r);
    g.moveTo(px - r, py + r); g.lineTo(px + r, py - r);
  }
  if (!any) return;
  g.strokeStyle = colour;
  g.setLineDash([]);
  g.lineWidth = 1.5 * area.ratio;
  g.stroke();
}

function overtaken(g: CanvasRenderingContext2D, c: Curve, area: Area): void {
  for (const old of c.points.overtaken) {
    const a: Along = { ...along(c, c.points, area.axis), column: area.axis === 'time' ? old.time : old.step };
    const t = new Transform(area, a);
    if (xs.length < old.step.length) xs = new Float64Array(old.step.length * 2);
    for (let i = 0; i < old.step.length; i++) xs[i] = a.column[i] * t.ax + t.bx;
    line(g, t, xs, old.mean, 0, old.step.length);
  }
}

function dot(g: CanvasRenderingContext2D, area: Area, px: number, py: number): void {
  g.beginPath();
  g.arc(px, py, 2 * area.ratio, 0, 2 * Math.PI);
  g.fill();
}

function paintCurve(g: CanvasRenderingContext2D, c: Curve, area: Area, o: PaintOptions): void {
  const p = shown(c);
  if (c.points.overtaken.length) {
    g.strokeStyle = faint(c.stroke.colour, 0.3);
    g.lineWidth = area.ratio;
    overtaken(g, c, area);
  }
  if (!p.rows) return;
  const a = along(c, p, area.axis), t = new Transform(area, a), [first, last] = rowsWithin(p, a, area.x0, area.x1);
  if (last <= first) return;
  const x = positions(p, a, t, first, last), smoothing = o.smooth > 0, { colour, dash } = c.stroke;
  g.setLineDash(dash.map(d => d * area.ratio));
  if (p.width > 0) {
    g.fillStyle = faint(colour, smoothing ? 0.1 : 0.2);
    band(g, t, p, x, first, last);
  }
  g.strokeStyle = smoothing ? faint(colour, 0.35) : colour;
  g.lineWidth = (smoothing ? 1 : o.lineWidth) * area.ratio;
  line(g, t, x, p.mean, first, last);
  if (p.width > 0) {
    g.lineWidth = area.ratio;
    g.setLineDash([]);
    spikes(g, t, p, x, first, last);
    g.setLineDash(dash.map(d => d * area.ratio));
  }
  if (smoothing) {
    g.strokeStyle = colour;
    g.lineWidth = o.lineWidth * area.ratio;
    line(g, t, x, smoothed(c, o.smooth), first, last);
  }
  // Few points: each is seen.
  if (p.width === 0 && (last - first) * 8 * area.ratio < area.width) {
    g.fillStyle = colour;
    for (let i = first; i < last; i++) if (p.mean[i] === p.mean[i]) dot(g, area, x[i - first], t.y(p.mean[i]));
  }
  specials(g, area, p, x, first, last, o.bad);
}

export function paint(g: CanvasRenderingContext2D, curves: readonly Curve[], area: Area, o: PaintOptions): void {
  g.save();
  g.beginPath();
  g.rect(area.left, area.top - area.ratio, area.width, area.height + 2 * area.ratio);
  g.clip();
  g.lineJoin = 'round';
  g.lineCap = 'butt';
  for (const c of curves) if (!c.hidden) paintCurve(g, c, area, o);
  g.restore();
}
