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

// What is drawn of a curve: its rows in sight, or, where they are closer than the pixels, one summary a pixel column.
class Columns {
  n = 0;
  bands = false;                 // entries stand for several points
  dense = false;                 // one entry a pixel column
  special = false;               // NaN or infinities among them
  private size = 0;
  x!: Float64Array; mean!: Float64Array; min!: Float64Array; max!: Float64Array; smooth!: Float64Array;

  private reserve(size: number): void {
    if (size <= this.size) return;
    this.size = size * 2;
    for (const name of ['x', 'mean', 'min', 'max', 'smooth'] as const) this[name] = new Float64Array(this.size);
  }

  gather(p: Points, x: Float64Array, first: number, last: number, width: number, smooth: Float64Array | null): void {
    this.dense = last - first > 1.5 * width;
    this.bands = this.dense || p.width > 0;
    this.reserve(Math.max(last - first, 64));
    this.special = p.nonfinite.subarray(first, last).some(n => n > 0);
    if (this.dense) this.summarise(p, x, first, last, smooth);
    else this.copy(p, x, first, last, smooth);
  }

  private copy(p: Points, x: Float64Array, first: number, last: number, smooth: Float64Array | null): void {
    this.n = last - first;
    this.x.set(x.subarray(0, this.n));
    this.mean.set(p.mean.subarray(first, last));
    this.min.set(p.min.subarray(first, last));
    this.max.set(p.max.subarray(first, last));
    if (smooth) this.smooth.set(smooth.subarray(first, last));
  }

  private summarise(p: Points, x: Float64Array, first: number, last: number, smooth: Float64Array | null): void {
    const { min, max, mean, count, nonfinite } = p;
    this.n = 0;
    for (let i = first; i < last; ) {
      const at = Math.floor(x[i - first]);
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
      } while (++i < last && Math.floor(x[i - first]) === at);
      this.put(at + 0.5, low, high, weight > 0 ? sum / weight : NaN, weight > 0 ? smoothSum / weight : NaN);
    }
  }

  private put(x: number, min: number, max: number, mean: number, smooth: number): void {
    const n = this.n++;
    this.x[n] = x;
    this.min[n] = min;
    this.max[n] = max;
    this.mean[n] = mean;
    this.smooth[n] = smooth;
  }
}
const columns = new Columns();

// Pixel positions of rows first..last in x.
let xs = new Float64Array(4096);
function positions(p: Points, a: Along, t: Transform, first: number, last: number): Float64Array {
  if (xs.length < last - first) xs = new Float64Array((last - first) * 2);
  const middle = a.column === p.step;
  for (let i = first; i < last; i++) {
    const at = !middle || i === 0 ? a.column[i] : i === p.rows - 1 ? p.stepLast[i] : (p.step[i] + p.stepLast[i]) / 2;
    xs[i - first] = at * t.ax + t.bx;
  }
  return xs;
}

// A stroke wider than a pixel costs twenty times a hairline where the browser rasters in software: lines of many points are
// hairlines beside each other.
const FEW = 80;

function line(g: CanvasRenderingContext2D, t: Transform, x: Float64Array, y: Float64Array, n: number, width: number): void {
  const path = new Path2D();
  let pen = false;
  for (let i = 0; i < n; i++) {
    const v = y[i];
    if (v !== v) {
      pen = false;
      continue;
    }
    if (pen) path.lineTo(x[i], t.y(v));
    else path.moveTo(x[i], t.y(v));
    pen = true;
  }
  if (n <= FEW || width <= 1) {
    g.lineJoin = n <= FEW ? 'round' : 'bevel';
    g.lineWidth = width;
    return g.stroke(path);
  }
  g.lineJoin = 'bevel';
  g.lineWidth = 1;
  const passes = Math.max(2, Math.round(width)), apart = (width - 1) / (passes - 1);
  g.save();
  g.translate(0, -(width - 1) / 2);
  for (let i = 0; i < passes; i++) {
    g.stroke(path);
    g.translate(0, apart);
  }
  g.restore();
}

function band(g: CanvasRenderingContext2D, t: Transform, c: Columns): void {
  if (c.dense || (c.n > 1 && (c.x[c.n - 1] - c.x[0]) / (c.n - 1) < 2)) return bandOfColumns(g, t, c);
  g.beginPath();
  for (let from = 0, i = 0; i <= c.n; i++) {
    if (i < c.n && c.mean[i] === c.mean[i]) continue;
    if (i - from > 1) {
      for (let k = from; k < i; k++) g.lineTo(c.x[k], t.y(c.max[k]));
      for (let k = i - 1; k >= from; k--) g.lineTo(c.x[k], t.y(c.min[k]));
      g.closePath();
    }
    from = i + 1;
    if (from < c.n) g.moveTo(c.x[from], t.y(c.max[from]));
  }
  g.fill();
}

// Upright bars of whole pixels: far cheaper than one ragged outline.
function bandOfColumns(g: CanvasRenderingContext2D, t: Transform, c: Columns): void {
  let right = Math.floor(c.x[0]);
  for (let i = 0; i < c.n; i++) {
    const left = right;
    right = i + 1 < c.n ? Math.floor(c.x[i + 1]) : left + 1;
    if (right <= left || c.mean[i] !== c.mean[i]) continue;
    const top = t.y(c.max[i]);
    g.fillRect(left, top, Math.min(right - left, 4), t.y(c.min[i]) - top);
  }
}

// An entry that stands far above its neighbours' extent hides something: a full stroke from smallest to largest.
function spikes(g: CanvasRenderingContext2D, t: Transform, c: Columns): void {
  const reach = 4, least = 6 * t.area.ratio, scale = t.area.log ? 0 : Math.abs(t.ay);
  let any = false, sum = 0, n = 0;
  const tall = (i: number) => {
    const d = c.max[i] - c.min[i];
    return !(d < Infinity && d > 0) ? 0 : scale ? d * scale : t.y(c.min[i]) - t.y(c.max[i]);
  };
  for (let i = 0; i < Math.min(c.n, reach); i++) (sum += tall(i)), n++;
  for (let i = 0; i < c.n; i++) {
    if (i + reach < c.n) (sum += tall(i + reach)), n++;
    if (i - reach - 1 >= 0) (sum -= tall(i - reach - 1)), n--;
    const own = tall(i);
    if (own < least || own * (n - 1) < 4 * (sum - own)) continue;
    if (!any) g.beginPath();
    any = true;
    g.moveTo(c.x[i], t.y(c.min[i]));
    g.lineTo(c.x[i], t.y(c.max[i]));
  }
  if (any) g.stroke();
}

// NaN and infinities: a small cross at the lower edge (an infinity above at the upper one).
function specials(g: CanvasRenderingContext2D, area: Area, p: Points, x: Float64Array, first: number, last: number, colour: string): void {
  const r = (area.width < 180 * area.ratio ? 2 : 3) * area.ratio;
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
    const a: Along = { ...along(c, c.points, area.axis), column: area.axis === 'time' ? old.time : area.axis === 'epoch' && c.epochs ? old.step.map(c.epochs.toEpoch) : old.step };
    const t = new Transform(area, a);
    if (xs.length < old.step.length) xs = new Float64Array(old.step.length * 2);
    for (let i = 0; i < old.step.length; i++) xs[i] = a.column[i] * t.ax + t.bx;
    line(g, t, xs, old.mean, old.step.length, 1);
  }
}

function dot(g: CanvasRenderingContext2D, area: Area, px: number, py: number): void {
  g.beginPath();
  g.arc(px, py, 2 * area.ratio, 0, 2 * Math.PI);
  g.fill();
}

function paintCurve(g: CanvasRenderingContext2D, c: Curve, area: Area, o: PaintOptions, crowd: boolean): void {
  const p = shown(c);
  if (c.points.overtaken.length) {
    g.strokeStyle = faint(c.stroke.colour, 0.3);
    g.lineWidth = area.ratio;
    overtaken(g, c, area);
  }
  if (!p.rows) return;
  const a = along(c, p, area.axis), t = new Transform(area, a), [first, last] = rowsWithin(p, a, area.x0, area.x1);
  if (last <= first) return;
  const x = positions(p, a, t, first, last), smoothing = o.smooth > 0, { colour, dash } = c.stroke, dashes = dash.map(d => d * area.ratio);
  const width = crowd ? area.ratio : o.lineWidth * area.ratio;
  columns.gather(p, x, first, last, area.width, smoothing ? smoothed(c, o.smooth) : null);
  if (columns.bands && !crowd) {
    g.fillStyle = faint(colour, smoothing ? 0.1 : 0.2);
    band(g, t, columns);
  }
  g.setLineDash(dashes);
  g.strokeStyle = smoothing ? faint(colour, 0.35) : colour;
  line(g, t, columns.x, columns.mean, columns.n, smoothing ? 1 : width);
  if (columns.bands) {
    g.lineWidth = 1;
    g.setLineDash([]);
    spikes(g, t, columns);
    g.setLineDash(dashes);
  }
  if (smoothing) {
    g.strokeStyle = colour;
    line(g, t, columns.x, columns.smooth, columns.n, width);
  }
  // Few points: each is seen.
  if (p.width === 0 && (last - first) * 8 * area.ratio < area.width) {
    g.fillStyle = smoothing ? faint(colour, 0.35) : colour;
    for (let i = first; i < last; i++) if (p.mean[i] === p.mean[i]) dot(g, area, x[i - first], t.y(p.mean[i]));
  }
  if (columns.special) specials(g, area, p, x, first, last, o.bad);
}

// With more curves than this bands would cover each other: spikes are still drawn.
const CROWD = 6;

export function paint(g: CanvasRenderingContext2D, curves: readonly Curve[], area: Area, o: PaintOptions): void {
  g.save();
  g.beginPath();
  g.rect(area.left, area.top - area.ratio, area.width, area.height + 2 * area.ratio);
  g.clip();
  g.lineCap = 'butt';
  const crowd = curves.filter(c => !c.hidden).length > CROWD;
  for (const c of curves) if (!c.hidden) paintCurve(g, c, area, o, crowd);
  g.restore();
}
