// What of the content is in sight, as a scene for a renderer.
import type { Mode } from '../look/ramps';
import type { Content } from './content';
import type { Box, Layout, Rect } from './layout';
import type { Batch } from './lines';
import { inkOf, type Block, type CellStyle, type Scene, type View } from './scene';
import { inSight } from './view';

export interface Frame { mode: Mode; width: number; height: number; ratio: number; view: View; most: number; chosen: Batch[] }

// A box with its filters.
export function rectOf(box: Box): Rect {
  const f = box.filters;
  if (!f) return box;
  const x = Math.min(box.x, f.x), y = Math.min(box.y, f.y);
  return { x, y, w: Math.max(box.x + box.w, f.x + f.w) - x, h: Math.max(box.y + box.h, f.y + f.h) - y };
}

function blocksOf(content: Content, box: Box): Block[] {
  if (box.form === 'word' || !box.units) return [];
  const cells = content.cellsOf(box.layer), mapped = box.form === 'maps', style: CellStyle = mapped || box.tile[0] * box.tile[1] > 1 ? 'map' : box.pixels || box.form === 'slim' ? 'square' : 'dot';
  const blocks: Block[] = [{ key: `units ${box.layer}`, rect: box, cols: box.cols, rows: box.rows, cells, style }];
  const filters = mapped ? content.filtersOf(box.layer) : null;
  if (filters && box.filters) blocks.push({ key: `filters ${box.layer}`, rect: box.filters, cols: box.filters.cols, rows: box.filters.rows, cells: filters.cells, style: 'map' });
  return blocks;
}

export function compose(content: Content, frame: Frame): { scene: Scene; boxes: Box[] } {
  const { layout } = content, { view, width, height } = frame, boxes = layout.boxes.filter(box => inSight(rectOf(box), view, width, height, 8));
  const near = layout.boxes.filter(box => inSight(rectOf(box), view, width, height, 260));
  const scene: Scene = {
    mode: frame.mode, ink: inkOf(frame.mode), width, height, ratio: frame.ratio, vertical: layout.vertical, view, blocks: boxes.flatMap(box => blocksOf(content, box)),
    lines: content.batches.filter(b => inSight(spanOf(layout, b), view, width, height, 4)).map(batch => ({ batch, count: Math.min(frame.most, batch.count) })), chosen: frame.chosen,
    matrices: content.matrices.flatMap(m => {
      const rect = layout.matrices[m.link.layer]!;
      return inSight(rect, view, width, height) ? [{ key: `matrix ${m.link.layer}`, rect, matrix: m.matrix, scale: m.scale }] : [];
    }),
  };
  return { scene, boxes: near };
}

// The room that a batch's lines pass through.
function spanOf(layout: Layout, batch: Batch): Rect {
  const ends = [...batch.wiring.sources.map(s => layout.boxes[s.layer]!), layout.boxes[batch.link.layer]!];
  const x = Math.min(...ends.map(b => b.x)), y = Math.min(...ends.map(b => b.y));
  return { x, y, w: Math.max(...ends.map(b => b.x + b.w)) - x, h: Math.max(...ends.map(b => b.y + b.h)) - y };
}
