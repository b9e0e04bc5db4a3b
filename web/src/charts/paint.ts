// Draws curves into a canvas: the band from smallest to largest of each bucket, the line of means (faint when smoothed), the
// smoothed line, spikes that a band would hide, NaN and infinities as marks at the edge, overtaken attempts faint.
//
// A picture can be painted from a pixel column on (painted.ts says when): what it shows there is then the same to the pixel as when
// all is painted. So nothing that is drawn may depend on where painting begins: dashes and marks begin anew at fixed columns, and how a
// curve is drawn (Manner) is decided by all its rows in sight.
import { faint } from '../look/palette';
import type { Points } from '../state/points';
import type { Axis } from '../state/view';
import { Columns } from './columns';
import { along, rowsWithin, shown, smoothed, type Along, type Curve } from './curve';

// The plotting area in canvas pixels, and what it shows.
export interface Area {
  left: number; top: number; width: number; height: number; ratio: number;
  x0: number; x1: number; y0: number; y1: number;
  log: boolean;
  axis: Axis;
}

export interface PaintOptions { smooth: number; bad: string; lineWidth: number }

// Dashes begin anew every so many pixels.
const CELL = 64;
// A spike is one among so many entries on each side.
export const REACH = 4;

// How a curve is drawn.
export interface Manner {
  first: number; last: number;   // rows in sight
  dense: boolean;                // rows are closer than the pixels
  tight: boolean;                // rows are about as close as the pixels
  few: boolean;                  // a line of few points may be wide
  dots: boolean;                 // each point is seen
}
export function mannerOf(p: Points, a: Along, area: Area): Manner {
  const [first, last] = rowsWithin(p, a, area.x0, area.x1), n = last - first;
  const reach = n > 1 ? ((a.column[last - 1] - a.column[first]) * a.scale * area.width) / (area.x1 - area.x0) : 0;
  const dense = n > 1.5 * area.width;
  return { first, last, dense, tight: dense || reach < 2 * (n - 1), few: n <= FEW, dots: p.width === 0 && n * 8 * area.ratio < area.width };
}

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

interface Pen { width: number; few: boolean; dashed: boolean }

function pathOf(t: Transform, x: Float64Array, y: Float64Array, n: number, dashed: boolean): Path2D {
  const path = new Path2D();
  let pen = false, cell = -Infinity;
  for (let i = 0; i < n; i++) {
    const v = y[i];
    if (v !== v) {
      pen = false;
      continue;
    }
    const px = x[i], py = t.y(v);
    if (pen) path.lineTo(px, py);
    if (!pen || (dashed && px >= cell)) {
      path.moveTo(px, py);
      cell = (Math.floor(px / CELL) + 1) * CELL;
    }
    pen = true;
  }
  return path;
}

function line(g: CanvasRenderingContext2D, t: Transform, x: Float64Array, y: Float64Array, n: number, pen: Pen): void {
  const path = pathOf(t, x, y, n, pen.dashed), { width } = pen;
  if (pen.few || width <= 1) {
    g.lineJoin = pen.few ? 'round' : 'bevel';
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

function band(g: CanvasRenderingContext2D, t: Transform, c: Columns, tight: boolean): void {
  if (tight) return bandOfColumns(g, t, c);
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
  const reach = REACH, least = 6 * t.area.ratio, scale = t.area.log ? 0 : Math.abs(t.ay);
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

const SPECIAL = 3;               // half a cross
// NaN and infinities: a small cross at the lower edge (an infinity above at the upper one), one where they would cover each other.
function specials(g: CanvasRenderingContext2D, area: Area, p: Points, x: Float64Array, first: number, last: number, colour: string): void {
  const r = (area.width < 180 * area.ratio ? 2 : SPECIAL) * area.ratio;
  let cell = -Infinity;
  g.strokeStyle = colour;
  g.setLineDash([]);
  g.lineWidth = 1.5 * area.ratio;
  for (let i = first; i < last; i++) {
    const px = x[i - first], at = Math.floor(px / (2 * r));
    if (!p.nonfinite[i] || at === cell) continue;
    cell = at;
    const py = p.max[i] === Infinity ? area.top + r + 1 : area.top + area.height - r - 1;
    g.beginPath();
    g.moveTo(px - r, py - r); g.lineTo(px + r, py + r);
    g.moveTo(px - r, py + r); g.lineTo(px + r, py - r);
    g.stroke();
  }
}

function overtaken(g: CanvasRenderingContext2D, c: Curve, area: Area): void {
  for (const old of c.points.overtaken) {
    const a: Along = { ...along(c, c.points, area.axis), column: area.axis === 'time' ? old.time : area.axis === 'epoch' && c.epochs ? old.step.map(c.epochs.toEpoch) : old.step };
    const t = new Transform(area, a);
    if (xs.length < old.step.length) xs = new Float64Array(old.step.length * 2);
    for (let i = 0; i < old.step.length; i++) xs[i] = a.column[i] * t.ax + t.bx;
    line(g, t, xs, old.mean, old.step.length, { width: 1, few: old.step.length <= FEW, dashed: c.stroke.dash.length > 0 });
  }
}

function dot(g: CanvasRenderingContext2D, area: Area, px: number, py: number): void {
  g.beginPath();
  g.arc(px, py, 2 * area.ratio, 0, 2 * Math.PI);
  g.fill();
}

// The row from which on a strip beginning at pixel `from` is painted: as many rows before it as reach into it; dashes from the
// beginning of their cell on.
function rowBefore(p: Points, a: Along, t: Transform, m: Manner, from: number, dashed: boolean): number {
  const cellOf = (px: number) => Math.floor(px / CELL) * CELL, rowOf = (px: number) => p.rowAt((px - t.bx) / t.ax, a.column);
  if (!dashed) return Math.max(m.first, rowOf(from - Math.max(2 * REACH + 2, 3 * SPECIAL * t.area.ratio + 1)) - 2 * REACH - 2);
  const near = rowOf(cellOf(from) - CELL) - 2 * REACH;
  return near <= m.first ? m.first : Math.max(m.first, rowOf(cellOf(a.column[near] * t.ax + t.bx)) - 2);
}

function paintCurve(g: CanvasRenderingContext2D, c: Curve, area: Area, o: PaintOptions, crowd: boolean, from: number): void {
  const p = shown(c);
  if (c.points.overtaken.length) {
    g.strokeStyle = faint(c.stroke.colour, 0.3);
    g.lineWidth = area.ratio;
    overtaken(g, c, area);
  }
  if (!p.rows) return;
  const a = along(c, p, area.axis), t = new Transform(area, a), m = mannerOf(p, a, area), { last } = m;
  const first = rowBefore(p, a, t, m, from, c.stroke.dash.length > 0);
  if (last <= first) return;
  const x = positions(p, a, t, first, last), smoothing = o.smooth > 0, { colour, dash } = c.stroke, dashes = dash.map(d => d * area.ratio);
  const pen: Pen = { width: crowd ? area.ratio : o.lineWidth * area.ratio, few: m.few, dashed: dash.length > 0 }, bands = m.dense || p.width > 0;
  columns.gather(p, x, first, last, m.dense, smoothing ? smoothed(c, o.smooth) : null);
  if (bands && !crowd) {
    g.fillStyle = faint(colour, smoothing ? 0.1 : 0.2);
    band(g, t, columns, m.tight);
  }
  g.setLineDash(dashes);
  g.strokeStyle = smoothing ? faint(colour, 0.35) : colour;
  line(g, t, columns.x, columns.mean, columns.n, smoothing ? { ...pen, width: 1 } : pen);
  if (bands) {
    g.lineWidth = 1;
    g.setLineDash([]);
    spikes(g, t, columns);
    g.setLineDash(dashes);
  }
  if (smoothing) {
    g.strokeStyle = colour;
    line(g, t, columns.x, columns.smooth, columns.n, pen);
  }
  if (m.dots) {
    g.fillStyle = smoothing ? faint(colour, 0.35) : colour;
    for (let i = first; i < last; i++) if (p.mean[i] === p.mean[i]) dot(g, area, x[i - first], t.y(p.mean[i]));
  }
  if (columns.special) specials(g, area, p, x, first, last, o.bad);
}

// With more curves than this bands would cover each other: spikes are still drawn.
const CROWD = 6;

// Paints the curves from the canvas column `from` on (all: -Infinity).
export function paint(g: CanvasRenderingContext2D, curves: readonly Curve[], area: Area, o: PaintOptions, from: number): void {
  const left = Math.max(from, area.left);
  if (left >= area.left + area.width) return;
  g.save();
  g.beginPath();
  g.rect(left, area.top - area.ratio, area.left + area.width - left, area.height + 2 * area.ratio);
  g.clip();
  g.lineCap = 'butt';
  const crowd = curves.filter(c => !c.hidden).length > CROWD;
  for (const c of curves) if (!c.hidden) paintCurve(g, c, area, o, crowd, left);
  g.restore();
}
