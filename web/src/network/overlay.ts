// What stands above the units: the way between layers where no lines are drawn, rings around what is chosen and under the
// pointer, words.
import type { Content } from './content';
import { unitAt, type Box } from './layout';
import { labelsOf } from './label';
import { faint } from '../look/palette';
import type { DrawnPair, UnitAt } from './model';
import { FONT, type Pen } from './pen';
import { DOT, type Scene } from './scene';

// Bands from layer to layer where no lines show the way: pools, flattening, a network that nobody has seen yet.
function paintWays(scene: Scene, content: Content, boxes: Box[], pen: Pen): void {
  const { layout } = content, { zoom, x, y } = scene.view, lined = new Set([...content.batches.map(b => b.link.layer), ...content.matrices.map(m => m.link.layer)]);
  const X = (v: number) => v * zoom + x, Y = (v: number) => v * zoom + y, colour = faint(scene.ink.lineStrong, 0.28);
  for (const box of boxes) {
    const start = box.filters ?? box;
    for (const source of layout.sources[box.layer]!) {
      const from = layout.boxes[source]!;
      if (box.rank - from.rank > 1) paintLeap(scene, content, from, box, pen);
      else if (lined.has(box.layer)) continue;
      else if (layout.vertical) pen.polygon([X(from.x), Y(from.y + from.h), X(from.x + from.w), Y(from.y + from.h), X(start.x + start.w), Y(start.y), X(start.x), Y(start.y)], colour);
      else pen.polygon([X(from.x + from.w), Y(from.y), X(start.x), Y(start.y), X(start.x), Y(start.y + start.h), X(from.x + from.w), Y(from.y + from.h)], colour);
    }
  }
}

// Over layers between: around them.
function paintLeap(scene: Scene, content: Content, from: Box, to: Box, pen: Pen): void {
  const { zoom, x, y } = scene.view, X = (v: number) => v * zoom + x, Y = (v: number) => v * zoom + y, { layout } = content;
  const between = layout.boxes.filter(b => b.rank > from.rank && b.rank < to.rank);
  if (layout.vertical) {
    const side = Math.max(from.x + from.w, to.x + to.w, ...between.map(b => b.x + b.w)) + 14;
    return pen.path([X(from.x + from.w), Y(from.y + from.h / 2), X(side), Y(from.y + from.h), X(side), Y(to.y), X(to.x + to.w), Y(to.y + to.h / 2)], scene.ink.lineStrong, 1.5, 0.8);
  }
  const side = Math.max(from.y + from.h, to.y + to.h, ...between.map(b => b.y + b.h)) + 26;
  pen.path([X(from.x + from.w / 2), Y(from.y + from.h), X(from.x + from.w), Y(side), X(to.x), Y(side), X(to.x + to.w / 2), Y(to.y + to.h)], scene.ink.lineStrong, 1.5, 0.8);
}

function paintRing(scene: Scene, content: Content, at: UnitAt, colour: string, pen: Pen): void {
  const box = content.layout.boxes[at.layer];
  if (!box || box.form === 'word' || at.unit >= box.units) return;
  const { zoom, x, y } = scene.view, [wx, wy] = unitAt(box, at.unit), w = (box.w * zoom) / box.cols, h = (box.h * zoom) / box.rows;
  if (box.form === 'maps' || box.form === 'slim' || box.pixels) pen.frame(wx * zoom + x - w / 2 - 0.5, wy * zoom + y - h / 2 - 0.5, w + 1, h + 1, colour, 2);
  else pen.ring(wx * zoom + x, wy * zoom + y, Math.max(4.5, Math.min(w, h) * DOT.share + 2), colour, 2);
}

export interface Marked { chosen: UnitAt[]; hover: UnitAt | null }

export function paintOverlay(scene: Scene, content: Content, boxes: Box[], pairs: DrawnPair[], marked: Marked, pen: Pen, measure: CanvasRenderingContext2D): void {
  paintWays(scene, content, boxes, pen);
  if (marked.hover) paintRing(scene, content, marked.hover, scene.ink.text2, pen);
  for (const at of marked.chosen) paintRing(scene, content, at, scene.ink.text, pen);
  const width = (text: string, size: number, bold?: boolean) => {
    measure.font = `${bold ? '600 ' : ''}${size}px ${FONT}`;
    return measure.measureText(text).width;
  };
  for (const label of labelsOf({ content, view: scene.view, width: scene.width, height: scene.height, ink: scene.ink, measure: width }, boxes, pairs))
    pen.text(label.text, label.x, label.y, { ...label.style, halo: faint(scene.ink.bg, 0.85) });
}
