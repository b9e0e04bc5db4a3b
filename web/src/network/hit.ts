// What lies under a point of the screen: a unit, a cell of a matrix, a line, else a layer.
import type { Content } from './content';
import { endsOf, wiringOf } from './ends';
import { unitUnder, type Box, type Rect } from './layout';
import { FLOATS, type Batch, weightShape } from './lines';
import { matrixValue } from './matrix';
import type { Target } from './model';
import type { Lines, View } from './scene';
import { cubicOf } from './scene';

const NEAR = 5, PIECES = 16; // px; pieces of a curve

const inside = (r: Rect, x: number, y: number) => x >= r.x && y >= r.y && x < r.x + r.w && y < r.y + r.h;

// The value of a unit as drawn: of maps the mean of its map.
export function unitValue(content: Content, layer: number, unit: number): number {
  const seen = content.seen[layer];
  if (!seen) return NaN;
  if (seen.each === 1) return seen.values[unit] ?? NaN;
  let sum = 0;
  for (let i = unit * seen.each; i < (unit + 1) * seen.each; i++) sum += seen.values[i]!;
  return sum / seen.each;
}

export function unitTarget(content: Content, layer: number, unit: number): Target {
  return { kind: 'unit', layer, unit, value: unitValue(content, layer, unit) };
}

function underBox(content: Content, box: Box, x: number, y: number): Target | null {
  const f = box.filters;
  if (f && inside(f, x, y)) {
    const unit = unitUnder({ ...box, ...f, filters: null, kernel: undefined } as Box, x, y);
    return unit >= 0 ? unitTarget(content, box.layer, unit) : { kind: 'layer', layer: box.layer };
  }
  if (!inside(box, x, y)) return null;
  const unit = box.form === 'word' ? -1 : unitUnder(box, x, y);
  return unit >= 0 ? unitTarget(content, box.layer, unit) : { kind: 'layer', layer: box.layer };
}

export function linkTarget(batch: Batch, at: number): Target {
  const ends = endsOf(batch.wiring, batch.index[at]!);
  return {
    kind: 'link', layer: batch.link.layer, tensor: batch.link.tensor, index: batch.index[at]!,
    from: { layer: ends.from, unit: ends.fromUnit }, to: { layer: ends.to, unit: ends.toUnit }, value: batch.value[at]!,
  };
}

// A cell of a matrix; of a folded one the first link of its block, with the block's value.
function underMatrix(content: Content, x: number, y: number): Target | null {
  for (const { link, matrix } of content.matrices) {
    const rect = content.layout.matrices[link.layer]!;
    if (!inside(rect, x, y)) continue;
    const col = Math.min(matrix.cols - 1, Math.floor(((x - rect.x) / rect.w) * matrix.cols)), row = Math.min(matrix.rows - 1, Math.floor(((y - rect.y) / rect.h) * matrix.rows));
    const [rows, cols] = matrix.full ?? [matrix.rows, matrix.cols], index = Math.floor((row * rows) / matrix.rows) * cols + Math.floor((col * cols) / matrix.cols);
    const wiring = wiringOf(content.model, content.layout, link.layer, weightShape(link) ?? matrix.shape);
    if (!wiring) return { kind: 'layer', layer: link.layer };
    const ends = endsOf(wiring, index);
    return {
      kind: 'link', layer: link.layer, tensor: link.tensor, index, from: { layer: ends.from, unit: ends.fromUnit }, to: { layer: ends.to, unit: ends.toUnit },
      value: matrixValue(matrix, row * matrix.cols + col),
    };
  }
  return null;
}

// Distance from a point to a cubic, squared, by straight pieces.
function distance2(p: number[], x: number, y: number): number {
  let best = Infinity, ax = p[0]!, ay = p[1]!;
  for (let k = 1; k <= PIECES; k++) {
    const t = k / PIECES, r = 1 - t, a = r * r * r, b = 3 * r * r * t, c = 3 * r * t * t, d = t * t * t;
    const bx = a * p[0]! + b * p[2]! + c * p[4]! + d * p[6]!, by = a * p[1]! + b * p[3]! + c * p[5]! + d * p[7]!;
    const dx = bx - ax, dy = by - ay, size = dx * dx + dy * dy, at = size ? Math.min(1, Math.max(0, ((x - ax) * dx + (y - ay) * dy) / size)) : 0;
    best = Math.min(best, (ax + at * dx - x) ** 2 + (ay + at * dy - y) ** 2);
    ax = bx; ay = by;
  }
  return best;
}

// The boldest line near the point (the nearest of equals), of those drawn.
function underLines(lines: Lines[], view: View, vertical: boolean, x: number, y: number): Target | null {
  let found: Target | null = null, best = -Infinity;
  for (const { batch, count } of lines)
    for (let i = batch.count - count; i < batch.count; i++) {
      const p = cubicOf(view, batch.data, FLOATS * i, vertical);
      if (Math.min(p[0]!, p[6]!) > x + NEAR || Math.max(p[0]!, p[6]!) < x - NEAR || Math.min(p[1]!, p[7]!) > y + NEAR || Math.max(p[1]!, p[7]!) < y - NEAR) continue;
      const far = distance2(p, x, y), rank = batch.data[FLOATS * i + 4]! - far / (NEAR * NEAR);
      if (far <= NEAR * NEAR && rank > best) best = rank, (found = linkTarget(batch, i));
    }
  return found;
}

export function targetUnder(content: Content, lines: Lines[], view: View, x: number, y: number): Target | null {
  const wx = (x - view.x) / view.zoom, wy = (y - view.y) / view.zoom;
  for (const box of content.layout.boxes) {
    const target = underBox(content, box, wx, wy);
    if (target) return target;
  }
  return underMatrix(content, wx, wy) ?? underLines(lines, view, content.layout.vertical, x, y);
}
