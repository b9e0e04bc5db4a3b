// A curve: the points of one series of one run with the stroke they are drawn in, and the columns seen along an axis.
import type { Points } from '../state/points';
import type { Stroke } from '../look/palette';
import type { Axis } from '../state/view';
import { epochColumn, type EpochLine } from './epochs';
import { Smoothed } from './smooth';

export interface Curve {
  run: string;
  series: string;
  label: string;
  short: string;                 // where the colour says which run it is
  stroke: Stroke;
  points: Points;                // whole
  zoomed: Points | null;         // the range that is zoomed into, once it has come
  smooth: Smoothed;
  smoothZoomed: Smoothed;
  hidden: boolean;
  startMs: number;               // wall time of the run's start
  epochs: EpochLine | null;      // while x is epochs
}

// The zoomed stretch where it holds more than the whole: a series that is here point by point needs none.
export const shown = (c: Curve): Points => (c.zoomed?.ready && c.points.width > 0 ? c.zoomed : c.points);

// Along an axis: x = column * scale + shift.
export interface Along { column: Float64Array; scale: number; shift: number }
export function along(c: Curve, p: Points, axis: Axis): Along {
  if (axis === 'time') return { column: p.time, scale: 1e-3, shift: -c.startMs / 1000 };
  return { column: axis === 'epoch' && c.epochs ? epochColumn(c.epochs, p) : p.step, scale: 1, shift: 0 };
}

// From a place on the axis to a step, or to the wall time in ms.
export function columnOf(c: Curve, axis: Axis): (x: number) => number {
  if (axis === 'time') return x => x * 1000 + c.startMs;
  return axis === 'epoch' && c.epochs ? c.epochs.toStep : x => x;
}

// Where a row is drawn: the middle of its steps; the newest at its last step, the oldest at its first.
export function xOf(p: Points, row: number, a: Along): number {
  if (a.column !== p.step || row === 0) return a.column[row] * a.scale + a.shift;
  const step = row === p.rows - 1 ? p.stepLast[row] : (p.step[row] + p.stepLast[row]) / 2;
  return step * a.scale + a.shift;
}

export function firstX(c: Curve, axis: Axis): number {
  const p = c.points, a = along(c, p, axis);
  return p.rows ? a.column[0] * a.scale + a.shift : NaN;
}

export function lastX(c: Curve, axis: Axis): number {
  const p = c.points;
  return p.rows ? xOf(p, p.rows - 1, along(c, p, axis)) : NaN;
}

// The row nearest to x, -1: none.
export function rowNear(c: Curve, p: Points, axis: Axis, x: number): number {
  if (!p.rows) return -1;
  const a = along(c, p, axis);
  let row = p.rowAt((x - a.shift) / a.scale, a.column);
  if (row >= p.rows) row = p.rows - 1;
  if (row > 0 && Math.abs(xOf(p, row - 1, a) - x) < Math.abs(xOf(p, row, a) - x)) row--;
  return row;
}

// Rows within [from, to] of the axis and one beyond on each side.
export function rowsWithin(p: Points, a: Along, from: number, to: number): [number, number] {
  const first = Math.max(0, p.rowAt((from - a.shift) / a.scale, a.column) - 1);
  const last = Math.min(p.rows, p.rowAt((to - a.shift) / a.scale, a.column) + 1);
  return [first, last];
}

// The smoothed line of what is shown, beginning where the whole series' line stands.
export function smoothed(c: Curve, beta: number): Float64Array {
  const whole = c.smooth.update(c.points, beta), p = shown(c);
  if (p === c.points) return whole;
  return c.smoothZoomed.update(p, beta, p.rows ? c.smooth.before(c.points, p.step[0]) : undefined);
}
