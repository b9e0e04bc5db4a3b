// A scene by strokes of a pen: the fallback without WebGL2, and the exports. Draws what gl/ draws, cell by cell.
import { CELL, rampOfCell } from './cells';
import { FLOATS, type Batch } from './lines';
import { matrixValue } from './matrix';
import type { Pen } from './pen';
import { codeOf, NONFINITE, rampOf } from './scale';
import { cubicOf, DOT, hexOf, isUnder, LINE, lineColour, rgbOf, unknownOf, type Block, type MatrixBlock, type Scene } from './scene';

const IMAGE_MOST = 1 << 20;

export function paintScene(scene: Scene, pen: Pen): void {
  for (const block of scene.blocks) if (isUnder(block)) paintBlock(scene, pen, block);
  for (const { batch, count } of scene.lines) paintLines(scene, pen, batch, count, scene.chosen.length ? LINE.dim : 1);
  for (const batch of scene.chosen) paintLines(scene, pen, batch, batch.count, 1);
  for (const block of scene.blocks) if (!isUnder(block)) paintBlock(scene, pen, block);
  for (const matrix of scene.matrices) paintMatrix(scene, pen, matrix);
}

function paintLines(scene: Scene, pen: Pen, batch: Batch, count: number, share: number): void {
  for (let i = batch.count - count; i < batch.count; i++) {
    const strength = batch.data[FLOATS * i + 4]!, sign = batch.data[FLOATS * i + 5]!;
    const opacity = share * LINE.opacity(strength, LINE.faint[scene.mode], LINE.share(count));
    pen.path(cubicOf(scene.view, batch.data, FLOATS * i, scene.vertical), lineColour(scene.mode, strength, sign), LINE.width(strength), opacity);
  }
}

// RGB of a cell; null: nothing is there.
export function cellColour(scene: { mode: Scene['mode'] }, code: number, flags: number): [number, number, number] | null {
  if (flags & CELL.blank) return null;
  if (flags & CELL.nonfinite) return rgbOf(NONFINITE[scene.mode]);
  if (flags & CELL.unknown) return rgbOf(unknownOf(scene.mode));
  const ramp = rampOf(rampOfCell(flags), scene.mode);
  return [ramp[4 * code]!, ramp[4 * code + 1]!, ramp[4 * code + 2]!];
}

function paintBlock(scene: Scene, pen: Pen, block: Block): void {
  const { rect, cols, rows, cells, style } = block, { zoom, x, y } = scene.view;
  const left = rect.x * zoom + x, top = rect.y * zoom + y, w = (rect.w * zoom) / cols, h = (rect.h * zoom) / rows;
  if (style === 'map') return paintMaps(scene, pen, block, left, top);
  if (Math.min(w, h) < DOT.coarseBelow || cells.units > 20000) return paintPixels(scene, pen, block, left, top);
  const gap = w > DOT.marksFrom ? 0.5 : 0;
  for (let unit = 0; unit < cells.units; unit++) {
    const code = cells.bytes[2 * unit]!, flags = cells.bytes[2 * unit + 1]!, colour = cellColour(scene, code, flags);
    if (!colour) continue;
    const cx = left + ((unit % cols) + 0.5) * w, cy = top + (Math.floor(unit / cols) + 0.5) * h;
    if (style === 'square') pen.rect(cx - w / 2 + gap, cy - h / 2 + gap, w - 2 * gap, h - 2 * gap, hexOf(...colour));
    else paintDot(scene, pen, cx, cy, Math.max(1, Math.min(w, h) * DOT.share), hexOf(...colour), flags, Math.min(w, h) >= DOT.marksFrom);
  }
}

function paintDot(scene: Scene, pen: Pen, x: number, y: number, radius: number, fill: string, flags: number, marks: boolean): void {
  pen.disc(x, y, flags & (CELL.young | CELL.unknown) ? radius * DOT.young : radius, fill);
  if (marks && flags & CELL.dead) pen.ring(x, y, radius - 0.2, scene.ink.bad, 1.4);
  if (marks && flags & CELL.saturated) for (const side of [-1, 1]) pen.rect(x - radius, y + side * radius - 0.8, 2 * radius, 1.6, scene.ink.warn);
}

// Cells too small for dots: one image of the block.
function paintPixels(scene: Scene, pen: Pen, { rect, cols, rows, cells }: Block, left: number, top: number): void {
  if (cols * rows > IMAGE_MOST * 4) return;
  const rgba = new Uint8ClampedArray(4 * cols * rows), zoom = scene.view.zoom;
  for (let unit = 0; unit < cells.units; unit++) putCell(scene, rgba, unit, cells.bytes, unit);
  pen.image(rgba, cols, rows, { x: left, y: top, w: rect.w * zoom, h: rect.h * zoom });
}

function putCell(scene: Scene, rgba: Uint8ClampedArray, to: number, bytes: Uint8Array, at: number): void {
  const colour = cellColour(scene, bytes[2 * at]!, bytes[2 * at + 1]!);
  if (colour) rgba.set(colour, 4 * to), (rgba[4 * to + 3] = 255);
}

// Maps and filters: an image a unit, in its own proportions in the middle of its cell.
function paintMaps(scene: Scene, pen: Pen, { rect, cols, rows, cells }: Block, left: number, top: number): void {
  const w = (rect.w * scene.view.zoom) / cols, h = (rect.h * scene.view.zoom) / rows, [tw, th] = cells.tile, area = tw * th;
  const gap = Math.min(1, 0.06 * Math.min(w, h)), pixel = Math.min((w - 2 * gap) / tw, (h - 2 * gap) / th), iw = tw * pixel, ih = th * pixel;
  for (let unit = 0; unit < cells.units; unit++) {
    const rgba = new Uint8ClampedArray(4 * area), flags = cells.bytes[2 * unit * area + 1]!;
    for (let k = 0; k < area; k++) putCell(scene, rgba, k, cells.bytes, unit * area + k);
    const x = left + (unit % cols) * w + (w - iw) / 2, y = top + Math.floor(unit / cols) * h + (h - ih) / 2;
    pen.image(rgba, tw, th, { x, y, w: iw, h: ih });
    if (flags & CELL.dead) pen.frame(x + 0.7, y + 0.7, iw - 1.4, ih - 1.4, scene.ink.bad, 1.6);
    if (flags & CELL.saturated) for (const at of [y, y + ih - 1.8]) pen.rect(x, at, iw, 1.8, scene.ink.warn);
  }
}

function paintMatrix(scene: Scene, pen: Pen, { rect, matrix, scale }: MatrixBlock): void {
  const { zoom, x, y } = scene.view, w = Math.min(matrix.cols, Math.ceil(rect.w * zoom)), h = Math.min(matrix.rows, Math.ceil(rect.h * zoom));
  if (w < 1 || h < 1 || w * h > IMAGE_MOST) return;
  const strongest = reduced(matrix, w, h), ramp = rampOf('signed', scene.mode), rgba = new Uint8ClampedArray(4 * w * h), bad = rgbOf(NONFINITE[scene.mode]);
  for (let i = 0; i < w * h; i++) {
    const v = strongest[i]!;
    if (Number.isFinite(v)) rgba.set(ramp.subarray(4 * codeOf(scale, v), 4 * codeOf(scale, v) + 4), 4 * i);
    else rgba.set(bad, 4 * i), (rgba[4 * i + 3] = 255);
  }
  pen.image(rgba, w, h, { x: rect.x * zoom + x, y: rect.y * zoom + y, w: rect.w * zoom, h: rect.h * zoom });
}

// Where there are fewer pixels than cells, each shows the value of largest |value| under it, as folding does.
function reduced(matrix: MatrixBlock['matrix'], w: number, h: number): Float32Array {
  const out = new Float32Array(w * h), size = new Float32Array(w * h).fill(-1);
  for (let r = 0, i = 0; r < matrix.rows; r++) {
    const row = Math.floor((r * h) / matrix.rows) * w;
    for (let c = 0; c < matrix.cols; c++, i++) {
      const v = matrixValue(matrix, i), to = row + Math.floor((c * w) / matrix.cols), now = Number.isFinite(v) ? Math.abs(v) : Infinity;
      if (now > size[to]!) size[to] = now, (out[to] = v);
    }
  }
  return out;
}
