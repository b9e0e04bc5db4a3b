// Where everything stands, in world pixels (screen pixels at zoom 1). Wide hosts: from left to right; narrow ones (phones):
// from top to bottom. A network that fits fills the host, a longer one is as long as it needs and is panned.
//
//     main axis    the way through the network: thickness of ranks, gaps for links between
//     cross axis   the host's other side: shared by the branches of a rank
import { whole } from '../look/format';
import { fold, foldWord, times, type Grid } from './fold';
import { filterShape, kernelsDrawn, shapeOf, type Form, type Shape } from './forms';
import type { NetworkModel } from './model';
import { ranksOf, sourcesOf } from './order';

export interface Rect { x: number; y: number; w: number; h: number }

// channels: kernels of each unit that are drawn, the first of `of`.
export interface Filters extends Rect { cols: number; rows: number; kernels: Grid; kernel: [number, number]; channels: number; of: number; fold: string }

export interface Box extends Rect {
  layer: number;
  rank: number;
  form: Form;
  units: number;
  pixels: boolean;
  cols: number;
  rows: number;
  tile: [number, number];
  fold: string;
  filters: Filters | null;
  below: boolean;          // its name stands below it: slim ones stand so close that names beside each other would meet
}

export interface Layout {
  vertical: boolean;
  width: number;
  height: number;
  boxes: Box[];                 // by layer
  sources: number[][];          // by layer
  gaps: Rect[];                 // before each rank: room of links and matrices
  matrices: (Rect | null)[];    // by layer: where its weights stand as a matrix
}

export interface LayoutOptions {
  width: number;
  height: number;
  matrices: boolean;
  weights: (number[] | undefined)[]; // by layer: shape of its weight, where it is known
}

export const NARROW = 560;
const TOP = 62, BOTTOM = 34, STRIP = 30, SIDE = 24, BRANCH = 34, CIRCLE_WORDS = 76, SLIM_HIGH = 0.78, SLIM_MAP = 44, TIGHT = 44, GAP = 64;

interface Plan { layer: number; shape: Shape; filters: Filters | null; weight: number; linked: boolean }

function planOf(model: NetworkModel, layer: number, users: number[], o: LayoutOptions): Plan {
  const info = model.layers[layer]!, shape = shapeOf(info, users[layer] === 0);
  const kernel = shape.form === 'maps' ? filterShape(o.weights[layer], shape.units) : null;
  const filters = kernel && filtersOf(kernel);
  const weight = { grid: shape.pixels ? 1.7 : clamp(0.2 + 0.13 * Math.log2(shape.units), 0.5, 1.6), circles: 0.3, maps: 1.7 + (filters ? 0.9 : 0), slim: hasMaps(shape) ? 0.6 : 0.22, word: 0.4 }[shape.form];
  return { layer, shape, filters, weight, linked: info.parameters > 0 && info.inputs.length > 0 };
}

function filtersOf(shape: [number, number, number, number]): Filters {
  const [units, of, height, width] = shape, channels = kernelsDrawn(shape), kernels = fold(channels, 1, 1, 1);
  const how = of > 1 ? `${times(of, height, width)} as ${times(kernels.cols, kernels.rows)}` : times(height, width);
  const part = channels < of ? `, first ${whole(channels)} of ${whole(of)}` : '';
  return { x: 0, y: 0, w: 0, h: 0, cols: 0, rows: 0, kernels, kernel: [width, height], channels, of, fold: `${whole(units)} filters ${how}${part}` };
}

const hasMaps = ({ tile }: { tile: [number, number] }) => tile[0] * tile[1] > 1;

const clamp = (v: number, low: number, high: number) => Math.min(high, Math.max(low, v));

// Lays the layers of one rank into a room of (main x cross), with everything relative to the room's middle.
function sizeOf(plan: Plan, w: number, h: number, vertical: boolean): Box {
  const { shape, filters } = plan, { form, units } = shape;
  const box: Box = {
    layer: plan.layer, rank: 0, form, units, pixels: shape.pixels, cols: 0, rows: 0, tile: shape.tile, fold: '', filters: null, below: false,
    x: 0, y: 0, w: 0, h: 0,
  };
  if (form === 'word') return Object.assign(box, vertical ? { w: 120, h: 24 } : { w: 60, h: 24 });
  const grid = gridOf(shape, w, h, vertical, !!filters);
  if (form === 'circles') {
    const pitch = clamp(vertical ? w / units : h / units, 4, vertical ? 40 : 34);
    return Object.assign(box, grid, vertical ? { w: pitch * units, h: Math.min(pitch, 30) } : { w: Math.min(pitch, 30), h: pitch * units });
  }
  if (form === 'maps' || hasMaps(shape)) return withFilters(box, grid, w, form === 'slim' && !vertical ? h * SLIM_HIGH : h, filters, vertical);
  box.fold = shape.own ? times(shape.own[1], shape.own[0]) : foldWord(units, grid);
  if (shape.own) {
    const cell = Math.min(w / grid.cols, h / grid.rows, Math.max(14, 112 / Math.max(grid.cols, grid.rows)));
    return Object.assign(box, grid, { w: cell * grid.cols, h: cell * grid.rows });
  }
  const high = form === 'slim' && !vertical ? h * SLIM_HIGH : h, across = Math.min(w / grid.cols, 24), down = Math.min(high / grid.rows, 24);
  return Object.assign(box, grid, { w: grid.cols * Math.min(across, 1.75 * down), h: grid.rows * Math.min(down, 1.75 * across) });
}

function gridOf(shape: Shape, w: number, h: number, vertical: boolean, filters: boolean): Grid {
  const { form, units, own, tile } = shape;
  if (own) return { cols: own[0], rows: own[1] };
  if (form === 'circles') return vertical ? { cols: units, rows: 1 } : { cols: 1, rows: units };
  if (form === 'maps') return fold(units, vertical || !filters ? w : w * 0.62, h, tile[0] / tile[1]);
  if (form === 'slim') return fold(units, w, vertical ? h : h * SLIM_HIGH, tile[0] / tile[1]);
  if (units <= 32) return vertical ? { cols: units, rows: 1 } : { cols: 1, rows: units };
  return fold(units, w, h);
}

// Maps and, before them, the filters that made them: the same grid, so that a filter is found where its map is.
function withFilters(box: Box, grid: Grid, w: number, h: number, filters: Filters | null, vertical: boolean): Box {
  const share = filters && !vertical ? 0.62 : 1, shareDown = filters && vertical ? 0.6 : 1, [tw, th] = box.tile;
  const cell = Math.min((w * share) / grid.cols / tw, (h * shareDown) / grid.rows / th, (box.form === 'slim' ? SLIM_MAP : 90) / Math.max(tw, th));
  Object.assign(box, grid, { w: cell * tw * grid.cols, h: cell * th * grid.rows, fold: foldWord(box.units, grid) });
  if (!filters) return box;
  const fw = filters.kernels.cols * filters.kernel[0], fh = filters.kernels.rows * filters.kernel[1];
  const room = vertical ? [box.w, h * 0.4 - 14] : [w * 0.38 - 14, box.h];
  const side = Math.min(room[0]! / grid.cols / fw, room[1]! / grid.rows / fh, 60 / Math.max(fw, fh));
  // As high (wide) a grid as that of the maps: each filter stands in the row of its map.
  box.filters = { ...filters, ...grid, ...(vertical ? { w: box.w, h: side * fh * grid.rows } : { w: side * fw * grid.cols, h: box.h }) };
  return box;
}

// All of a box with its filters: [main, cross] extent.
function extent(box: Box, vertical: boolean): [number, number] {
  const f = box.filters, more = box.form === 'circles' ? (vertical ? 48 : CIRCLE_WORDS) : 0;
  if (vertical) return [box.h + (f ? f.h + 14 : 0) + more, Math.max(box.w, f?.w ?? 0)];
  return [box.w + (f ? f.w + 14 : 0) + more, Math.max(box.h, f?.h ?? 0)];
}

function place(box: Box, main: number, cross: number, vertical: boolean): void {
  const f = box.filters;
  if (vertical) {
    if (f) f.x = cross - f.w / 2, f.y = main;
    box.x = cross - box.w / 2;
    box.y = main + (f ? f.h + 14 : 0);
  } else {
    if (f) f.x = main, f.y = cross - f.h / 2;
    box.x = main + (f ? f.w + 14 : 0);
    box.y = cross - box.h / 2;
  }
}

// A network longer than the window leaves room for the overview.
export function layoutOf(model: NetworkModel, o: LayoutOptions): Layout {
  const layout = layOut(model, o, BOTTOM);
  return layout.width > o.width + 1 ? layOut(model, o, BOTTOM + STRIP) : layout;
}

function layOut(model: NetworkModel, o: LayoutOptions, bottom: number): Layout {
  const vertical = o.width < NARROW, ranks = ranksOf(model), sources = sourcesOf(model);
  const users = model.layers.map(() => 0);
  sources.forEach(from => from.forEach(s => users[s]!++));
  const plans = ranks.map(rank => rank.map(layer => planOf(model, layer, users, o)));
  const cross = vertical ? o.width - 2 * SIDE : Math.max(120, o.height - TOP - bottom);
  const length = vertical ? o.height : o.width - 2 * SIDE;
  const weights = plans.map(rank => Math.max(...rank.map(p => p.weight))), linked: number[] = plans.map((rank, r) => (r > 0 ? (rank.some(p => p.linked) ? 1 : 0.3) : 0));
  const all = weights.reduce((a, b) => a + b, 0), links = Math.max(1, linked.reduce((a, b) => a + b, 0));
  const thick = vertical ? (o.matrices ? 100 : 120) : clamp((length * (o.matrices ? 0.34 : 0.54)) / all, 52, 190);
  const boxes: Box[] = [], rooms = plans.map((rank, r) => {
    const share = cross / rank.length - (rank.length > 1 ? BRANCH : 0);
    const sized = rank.map(p => sizeOf(p, vertical ? share : Math.max(8, thick * p.weight), vertical ? Math.max(14, thick * p.weight) : share, vertical));
    for (const box of sized) boxes[box.layer] = Object.assign(box, { rank: r, below: box.form === 'slim' && !vertical });
    return { sized, main: Math.max(...sized.map(b => extent(b, vertical)[0])) };
  });
  const used = rooms.reduce((sum, room) => sum + room.main, 0);
  const gap = vertical ? (o.matrices ? 200 : clamp((length - used - TOP - BOTTOM) / links, 88, 150)) : gapOf((length - used) / links, o.matrices);
  const total = used + gap * linked.reduce((a, b) => a + b, 0);
  const gaps: Rect[] = [], start = vertical ? TOP : SIDE + Math.max(0, (length - total) / 2), middle = vertical ? o.width / 2 : TOP + cross / 2;
  let at = start;
  rooms.forEach((room, r) => {
    const before = linked[r]! && vertical ? Math.max(46, gap * linked[r]!) : gap * linked[r]!, side = cross / room.sized.length;
    gaps.push(vertical ? { x: SIDE, y: at, w: cross, h: before } : { x: at, y: TOP, w: before, h: cross });
    at += before;
    room.sized.forEach((box, i) => {
      const [main] = extent(box, vertical), lane = middle - cross / 2 + side * (i + 0.5);
      place(box, at + (box.form === 'circles' ? 0 : (room.main - main) / 2), lane, vertical);
    });
    at += room.main;
  });
  const end = at + (vertical ? BOTTOM : SIDE);
  const layout: Layout = { vertical, boxes, sources, gaps, matrices: [], width: vertical ? o.width : Math.max(o.width, end), height: vertical ? Math.max(o.height, end) : o.height };
  layout.matrices = boxes.map(box => (o.matrices ? matrixRect(layout, box, rooms[box.rank]!.sized, o.weights[box.layer]) : null));
  return layout;
}

// Between layers side by side, `share` being what each would get. Rather tight than not in sight; what does not fit anyway has room.
function gapOf(share: number, matrices: boolean): number {
  if (matrices) return clamp(share, 110, 420);
  return share < TIGHT ? GAP : Math.min(share, 230);
}

// A weight as a matrix, units x inputs, in the gap before its layer, in its own proportions as far as there is room.
function matrixRect(layout: Layout, box: Box, rank: Box[], weight: number[] | undefined): Rect | null {
  if (!weight || weight.length < 2 || weight.some(side => side === 0)) return null;
  const gap = layout.gaps[box.rank]!, lane = rank.indexOf(box), count = rank.length, rows = weight[0]!, cols = weight.slice(1).reduce((a, b) => a * b, 1);
  const room = layout.vertical
    ? { x: gap.x + (gap.w / count) * lane, y: gap.y + 40, w: gap.w / count, h: gap.h - 58 }
    : { x: gap.x + 14, y: gap.y + (gap.h / count) * lane, w: gap.w - 28, h: gap.h / count };
  const ratio = layout.vertical ? clamp(cols / rows, 1, 3) : clamp(cols / rows, 0.4, 1), w = Math.min(room.w, room.h * ratio), h = Math.min(room.h, w / ratio);
  return { x: room.x + (room.w - w) / 2, y: room.y + (room.h - h) / 2, w, h };
}

// The middle of a unit; fx, fy: a place inside it, from 0 to 1.
export function unitAt(box: Box, unit: number, fx = 0.5, fy = 0.5): [number, number] {
  if (box.form === 'word') return [box.x + box.w / 2, box.y + box.h / 2];
  const col = unit % box.cols, row = Math.floor(unit / box.cols);
  return [box.x + ((col + fx) * box.w) / box.cols, box.y + ((row + fy) * box.h) / box.rows];
}

export function unitUnder(box: Box, x: number, y: number): number {
  const col = Math.floor(((x - box.x) / box.w) * box.cols), row = Math.floor(((y - box.y) / box.h) * box.rows), unit = row * box.cols + col;
  return col >= 0 && col < box.cols && row >= 0 && row < box.rows && unit < box.units ? unit : -1;
}
