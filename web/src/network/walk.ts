// The arrow keys: from unit to unit inside a layer, and over its edge to the nearest unit of the layer beside it.
import { unitAt, type Box, type Layout } from './layout';
import type { UnitAt } from './model';

const drawn = (box: Box) => box.form !== 'word' && box.units > 0;

export function firstUnit(layout: Layout): UnitAt | null {
  const box = [...layout.boxes].filter(drawn).sort((a, b) => a.rank - b.rank)[0];
  return box ? { layer: box.layer, unit: 0 } : null;
}

function nearest(box: Box, x: number, y: number): number {
  const inside = (share: number, count: number) => Math.min(count - 1, Math.max(0, Math.floor(share * count)));
  const col = inside((x - box.x) / box.w, box.cols), row = inside((y - box.y) / box.h, box.rows);
  return Math.min(box.units - 1, row * box.cols + col);
}

function beside(layout: Layout, box: Box, by: 1 | -1): Box | null {
  for (let rank = box.rank + by; rank >= 0 && rank <= layout.gaps.length; rank += by) {
    const there = layout.boxes.filter(b => b.rank === rank && drawn(b));
    if (there.length) return there.sort((a, b) => Math.abs(a.y - box.y) + Math.abs(a.x - box.x) - Math.abs(b.y - box.y) - Math.abs(b.x - box.x))[0]!;
  }
  return null;
}

export function walk(layout: Layout, at: UnitAt, dx: number, dy: number): UnitAt {
  const box = layout.boxes[at.layer]!, col = (at.unit % box.cols) + dx, row = Math.floor(at.unit / box.cols) + dy, unit = row * box.cols + col;
  if (col >= 0 && col < box.cols && row >= 0 && unit < box.units && row < box.rows) return { layer: at.layer, unit };
  const along = layout.vertical ? dy : dx, next = along ? beside(layout, box, along > 0 ? 1 : -1) : null;
  if (!next) return at;
  const [x, y] = unitAt(box, at.unit), edge = along > 0 ? 0 : 1e9;
  return { layer: next.layer, unit: layout.vertical ? nearest(next, x, edge) : nearest(next, edge, y) };
}
