// The words of the picture: what each layer is, how it is folded, what is marked, how many links are drawn. Placed in screen
// pixels; what has no room is shortened or left to the pointer, never laid over its neighbour.
import { number, percent, rough, whole } from '../look/format';
import type { Content } from './content';
import { times } from './fold';
import { unitAt, type Box, type Rect } from './layout';
import type { DrawnPair, Look } from './model';
import type { TextStyle } from './pen';
import type { View } from './scene';
import type { Ink } from '../look/palette';

export interface Label { text: string; x: number; y: number; style: TextStyle }

interface Space { content: Content; view: View; width: number; height: number; ink: Ink; measure(text: string, size: number, bold?: boolean): number }

// Shortened with an ellipsis to `room` pixels; '' when not even three letters fit.
export function shorten(text: string, room: number, measure: (text: string) => number): string {
  if (measure(text) <= room) return text;
  for (let n = text.length - 1; n >= 3; n--) {
    const cut = text.slice(0, n).trimEnd() + '\u2026';
    if (measure(cut) <= room) return cut;
  }
  return '';
}

function shapeWord(content: Content, box: Box): string {
  const layer = content.model.layers[box.layer]!, shape = layer.shape.length === 3 && layer.shape[0] === 1 && layer.kind === 'input' ? layer.shape.slice(1) : layer.shape;
  return shape.length ? times(...shape) : 'no shape';
}

function markWords(content: Content, layer: number): [string, 'bad' | 'warn' | 'text3'][] {
  const drawn = content.drawnLayers()[layer]!, words: [string, 'bad' | 'warn' | 'text3'][] = [];
  if (drawn.nonfinite) words.push([`${whole(drawn.nonfinite)} not finite`, 'bad']);
  if (content.layout.boxes[layer]!.pixels) return words;
  if (drawn.dead) words.push([`${whole(drawn.dead)} dead`, 'bad']);
  if (drawn.saturated) words.push([`${whole(drawn.saturated)} saturated`, 'warn']);
  if (drawn.young && drawn.young === content.layout.boxes[layer]!.units) words.push([YOUNG, 'text3']);
  return words;
}

const YOUNG = 'fewer than 1024 samples', BELOW_WIDE = 110; // px of a name below a layer

type Line = [string[], TextStyle]; // the same in fewer and fewer words

// Filters of which only blocks are known.
function foldedFilters(content: Content, box: Box): string | undefined {
  const folded = box.form === 'maps' && content.state.links.find(l => l.layer === box.layer)?.matrix.weight?.full;
  return folded ? `${whole(folded[0])} filters, not drawn: ${whole(folded[0] * folded[1])} weights` : undefined;
}

interface Title { box: Box; x: number; lines: Line[]; width: number }

function linesOf({ content, ink }: Space, box: Box): Line[] {
  const layer = content.model.layers[box.layer]!, style = (size: number, colour: string, bold = false): TextStyle => ({ size, colour, align: 'center', bold });
  if (box.form === 'slim') return [[[layer.name], style(12, ink.text2, true)], [[shapeWord(content, box), layer.shape.length >= 3 ? `${whole(layer.shape[0]!)} maps` : ''], style(10, ink.text3)]];
  const kind = layer.activation || (layer.kind === 'dense' || layer.kind === 'input' ? '' : layer.kind);
  const fold = box.form === 'word' ? 'nothing to draw' : box.pixels ? '' : box.fold;
  const join = (...words: (string | undefined)[]) => words.filter(Boolean).join(' \u00b7 '), marks = markWords(content, box.layer), said = marks.map(w => w[0]).join(' \u00b7 ');
  const lines: Line[] = [[[join(layer.name, shapeWord(content, box)), layer.name], style(13, ink.text, true)]], markStyle = said ? style(11, ink[marks[0]![1]]) : null;
  const how = join(kind, fold), filters = box.filters?.fold ?? foldedFilters(content, box);
  if (content.layout.vertical) {
    if (how || filters || said) lines.push([[join(how, filters, said), join(how, said), said || how], markStyle ?? style(11, ink.text3)]);
    return lines;
  }
  if (how) lines.push([[how, fold || kind], style(11, ink.text3)]);
  if (filters) lines.push([[filters], style(11, ink.text3)]);
  if (markStyle) lines.push([[said, marks[0]![0], marks[0]![0] === YOUNG ? 'young' : ''].filter(Boolean), markStyle]);
  return lines;
}

// In the middle of a layer and its filters.
function titleOf(space: Space, box: Box): Title {
  const left = box.filters && !space.content.layout.vertical ? box.filters.x : box.x, lines = linesOf(space, box);
  const width = Math.max(...lines.map(([words, s]) => space.measure(words[0]!, s.size, s.bold)));
  return { box, x: ((left + box.x + box.w) / 2) * space.view.zoom + space.view.x, lines, width };
}

// How wide a title may be: to its neighbours' words, at least half of the way.
function reach(title: Title, all: Title[]): number {
  let room = 300;
  for (const other of all) {
    const far = Math.abs(other.x - title.x);
    if (other === title || other.box.rank === title.box.rank || other.box.below) continue;
    room = Math.min(room, 2 * (far - Math.min(other.width, far) / 2) - 10);
  }
  return room;
}

// The middle of words that would be cut at the picture's edge though their box is in sight: moved inwards, as far as they stand over it.
function inside(x: number, wide: number, left: number, right: number, width: number): number {
  const room = wide / 2 + 3;
  if (left >= 0 && x < room) return Math.min(room, right);
  return right <= width && x > width - room ? Math.max(width - room, left) : x;
}

// lower: px below its usual place.
function paintTitle(space: Space, title: Title, room: number, lower: number, out: Label[]): void {
  const { content, view } = space, { vertical } = content.layout, { box, x, lines } = title;
  const top = (box.filters && vertical ? box.filters.y : box.y) * view.zoom + view.y, below = footOf(title, view) + lower;
  if (x < -room || x > space.width + room || room < 24) return;
  const fitting = lines.map(([words, style], i) => {
    const measure = (text: string) => space.measure(text, style.size, style.bold);
    return { text: words.find(w => measure(w) <= room) ?? (i ? '' : shorten(words[words.length - 1]!, room, measure)), style }; // half a name is one, half a fact is none
  }).filter(l => l.text);
  const wide = Math.max(0, ...fitting.map(({ text, style }) => space.measure(text, style.size, style.bold))), at = inside(x, wide, box.x * view.zoom + view.x, (box.x + box.w) * view.zoom + view.x, space.width);
  fitting.forEach(({ text, style }, i) => {
    const above = top - 15 * (fitting.length - i) + 1, y = box.below ? below + 13 + 13 * i : vertical ? above : Math.max(14 + 15 * i, above);
    out.push({ text, x: at, y, style });
  });
}

function titles(space: Space, boxes: Box[], out: Label[]): void {
  const { content, view } = space, all = boxes.map(box => titleOf(space, box)), lower = lowered(all.filter(t => t.box.below), view);
  for (const title of all) {
    const room = content.layout.vertical ? space.width - 24 : title.box.below ? roomBelow(content, title.box) * view.zoom : reach(title, all);
    paintTitle(space, title, room, lower.get(title) ?? 0, out);
  }
}

const footOf = ({ box }: Title, view: View): number => (box.y + box.h) * view.zoom + view.y;

// Slim layers stand close: from left to right each name goes as far down as those that are there already make it.
function lowered(below: Title[], view: View): Map<Title, number> {
  const lower = new Map<Title, number>(), placed: Rect[] = [], high = 28;
  for (const title of below.sort((a, b) => a.x - b.x)) {
    const w = Math.min(BELOW_WIDE, title.width) + 8, x = title.x - w / 2, foot = footOf(title, view);
    let y = foot;
    for (let other; (other = placed.find(p => p.x < x + w && x < p.x + p.w && p.y < y + high && y < p.y + p.h)); ) y = other.y + other.h;
    placed.push({ x, y, w, h: high });
    lower.set(title, y - foot);
  }
  return lower;
}

// Below a slim layer: up to the boxes beside it that reach down further.
function roomBelow(content: Content, box: Box): number {
  const middle = box.x + box.w / 2, foot = box.y + box.h;
  let room = BELOW_WIDE;
  for (const other of content.layout.boxes) {
    if (other === box || other.below || Math.abs(other.rank - box.rank) > 3 || other.y + other.h <= foot + 4) continue;
    room = Math.min(room, 2 * Math.min(Math.abs((other.filters?.x ?? other.x) - middle), Math.abs(other.x + other.w - middle)) - 4);
  }
  return room;
}

// The last layer: each unit's word and what it says, the strongest one bright.
function classes({ content, view, ink, width, measure }: Space, box: Box, out: Label[]): void {
  if (box.form !== 'circles') return;
  const { vertical } = content.layout, pitch = (vertical ? box.w : box.h) / box.units * view.zoom, seen = content.seen[box.layer];
  if (pitch < 11) return;
  const value = content.state.layers[box.layer]?.value?.data, softmax = content.model.layers[box.layer]!.activation === 'softmax';
  const shares = softmax && value?.length === box.units ? value : null;
  const numbers = shares ?? (seen?.each === 1 ? seen.values : null);
  let best = -1;
  for (let u = 0; numbers && u < box.units; u++) if (numbers[u]! > (numbers[best] ?? 0)) best = u;
  for (let u = 0; u < box.units; u++) {
    const [wx, wy] = unitAt(box, u), x = wx * view.zoom + view.x, y = wy * view.zoom + view.y, top = u === best;
    const word = content.model.classes?.[u] ?? String(u), known = numbers && Number.isFinite(numbers[u]!);
    const says = !known ? [] : shares ? [percent(numbers[u]!)] : [...[3, 2, 1].map(digits => number(numbers[u]!, digits)), rough(numbers[u]!)];
    const first: TextStyle = { size: 12, colour: top ? ink.text : ink.text2, align: vertical ? 'center' : 'left', bold: top };
    if (vertical) {
      out.push({ text: word.slice(0, 6), x, y: y + 22, style: first });
      if (top && says[0]) out.push({ text: says[0], x: Math.min(width - 30, Math.max(30, x)), y: y + 37, style: { ...first, colour: shares ? ink.good : ink.text } });
    } else {
      out.push({ text: word.slice(0, 12), x: x + 18, y, style: first });
      const colour = !top ? ink.text3 : shares ? ink.good : ink.text;
      const left = x + 26 + 7 * Math.min(12, word.length), fits = says.find(t => left + measure(t, 11, top) <= width - 2);
      if (fits) out.push({ text: fits, x: left, y, style: { size: 11, colour, align: 'left', bold: top } });
    }
  }
}

// Between the layers: how many of the links are drawn.
export function pairWords(pair: DrawnPair, { links, strongest, compare }: Pick<Look, 'links' | 'strongest'> & Partial<Look>): string[] {
  const total = whole(pair.total), drawn = whole(pair.drawn), folded = pair.fold.includes(' as ');
  if (links === 'matrices') return [`${pair.fold} \u00b7 ${total} links${folded ? ', strongest of each block' : ''}`, pair.fold, `${total} links`];
  if (pair.drawn === 0 && pair.total > 0) return [`${total} links, none drawn${strongest === 0 ? '' : compare ? ': not known of both moments' : ': zero or not finite'}`, `none of ${total}`];
  return pair.drawn >= pair.total ? [`all ${total} links`, total] : [`${total} links, ${compare ? 'of the strongest' : 'strongest'} ${drawn} drawn`, `${drawn} of ${total}`];
}

interface GapPlace { pair: DrawnPair; x: number; y: number; room: number }

// Where a pair's words stand, and the room between both layers. null: other words of its rank stand there.
function gapOf(space: Space, pair: DrawnPair): GapPlace | null {
  const { content, view } = space, { layout } = content, box = layout.boxes[pair.layer]!, sources = layout.sources[pair.layer]!.map(s => layout.boxes[s]!);
  if (!sources.length || layout.boxes.some(b => b !== box && b.rank === box.rank && b.layer < box.layer)) return null;
  const source = sources.reduce((a, b) => (b.rank > a.rank ? b : a)), [x, y] = gapPlace(space, box, source, layout.matrices[pair.layer] ?? null);
  const gap = (box.filters && !layout.vertical ? box.filters.x : box.x) - source.x - source.w;
  return { pair, x, y, room: layout.vertical ? space.width - 24 : Math.max(gap, (gap + box.x + box.w - source.x) / 2) * view.zoom - 12 };
}

// At the foot of the picture nothing stands but these words: there is room to those beside them.
function gapWords(space: Space, pairs: DrawnPair[], out: Label[]): void {
  const { content, ink, measure } = space, places = pairs.map(pair => gapOf(space, pair)).filter(p => p !== null).sort((a, b) => a.x - b.x);
  places.forEach((p, i) => {
    const near = Math.min(p.x - (places[i - 1]?.x ?? -Infinity), (places[i + 1]?.x ?? Infinity) - p.x);
    const room = content.layout.vertical || content.look.links === 'matrices' ? p.room : Math.max(p.room, Math.min(320, near - 12));
    const text = pairWords(p.pair, content.look).find(t => measure(t, 11) <= room);
    if (text && p.x > -100 && p.x < space.width + 100) out.push({ text, x: p.x, y: p.y, style: { size: 11, colour: ink.text3, align: 'center' } });
  });
}

// Below the matrix, else at the foot of the picture between both layers; upright: above the matrix, else between them.
function gapPlace({ content, view, width, height }: Space, box: Box, source: Box, matrix: Rect | null): [number, number] {
  const X = (x: number) => x * view.zoom + view.x, Y = (y: number) => y * view.zoom + view.y;
  if (content.layout.vertical) {
    const from = source.y + source.h + (source.form === 'circles' ? 48 : 0), to = (box.filters?.y ?? box.y) - 34;
    return [width / 2, Y(matrix ? matrix.y - 10 : (from + to) / 2)];
  }
  if (matrix) return [X(matrix.x + matrix.w / 2), Y(matrix.y + matrix.h) + 14];
  return [X((source.x + source.w + (box.filters?.x ?? box.x)) / 2), height - 16];
}

export function labelsOf(space: Space, boxes: Box[], pairs: DrawnPair[]): Label[] {
  const out: Label[] = [], shown = new Set(boxes.map(b => b.layer));
  titles(space, boxes, out);
  for (const box of boxes) classes(space, box, out);
  gapWords(space, pairs.filter(pair => shown.has(pair.layer)), out);
  return out;
}
