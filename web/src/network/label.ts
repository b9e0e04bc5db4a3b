// The words of the picture: what each layer is, how it is folded, what is marked, how many links are drawn. Placed in screen
// pixels; what has no room is shortened or left to the pointer, never laid over its neighbour.
import { number, percent, whole } from '../look/format';
import type { Content } from './content';
import { times } from './fold';
import { unitAt, type Box } from './layout';
import type { DrawnPair } from './model';
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

// Half of the way to the neighbours: as far as a layer's words may reach on each side.
function reach(content: Content, box: Box, view: View): number {
  const { boxes } = content.layout, middle = box.x + box.w / 2;
  let room = Infinity;
  for (const other of boxes) if (other !== box && other.rank !== box.rank && other.below === box.below && Math.abs(other.rank - box.rank) <= 4) room = Math.min(room, Math.abs(other.x + other.w / 2 - middle));
  return Math.min(260, room * view.zoom - 12);
}

function markWords(content: Content, layer: number): [string, 'bad' | 'warn' | 'text3'][] {
  const drawn = content.drawnLayers()[layer]!, words: [string, 'bad' | 'warn' | 'text3'][] = [];
  if (drawn.nonfinite) words.push([`${whole(drawn.nonfinite)} not finite`, 'bad']);
  if (drawn.dead) words.push([`${whole(drawn.dead)} dead`, 'bad']);
  if (drawn.saturated) words.push([`${whole(drawn.saturated)} saturated`, 'warn']);
  if (drawn.young && drawn.young === content.layout.boxes[layer]!.units) words.push(['fewer than 1024 samples', 'text3']);
  return words;
}

function titles(space: Space, box: Box, out: Label[]): void {
  const { content, view, ink } = space, { vertical } = content.layout, layer = content.model.layers[box.layer]!;
  const filters = box.filters, x = (box.x + box.w / 2) * view.zoom + view.x, top = Math.min(box.y, filters && !vertical ? filters.y : box.y) * view.zoom + view.y;
  const room = vertical ? space.width - 32 : reach(content, box, view), style = (size: number, colour: string, bold = false): TextStyle => ({ size, colour, align: 'center', bold });
  if (x < -room || x > space.width + room || room < 24) return;
  const lines: [string, TextStyle][] = [[`${layer.name} \u00b7 ${shapeWord(content, box)}`, style(13, ink.text, true)]];
  const how = [layer.activation || (layer.kind === 'dense' || layer.kind === 'input' ? '' : layer.kind), box.form === 'word' ? (box.units ? '' : 'nothing to draw') : box.fold].filter(Boolean).join(' \u00b7 ');
  if (how && !(box.pixels && !layer.activation)) lines.push([how, style(11, ink.text3)]);
  const words = markWords(content, box.layer);
  if (words.length) lines.push([words.map(w => w[0]).join(' \u00b7 '), style(11, ink[words[0]![1]])]);
  const rows: [string, TextStyle][] = vertical && lines.length > 1 ? [[lines.map(l => l[0]).join('  \u00b7  '), lines[0]![1]]] : lines;
  const below = (box.y + box.h) * view.zoom + view.y;
  rows.forEach(([text, s], i) => {
    const y = box.below ? below + 14 + 15 * i : Math.max(vertical ? -40 : 14 + 15 * i, top - 15 * (rows.length - i) + (vertical ? 2 : -1));
    const cut = shorten(text, room, t => space.measure(t, s.size, s.bold));
    if (cut) out.push({ text: cut, x, y, style: s });
  });
  if (filters) filterTitle(space, box, out);
}

function filterTitle({ content, view, ink, measure }: Space, box: Box, out: Label[]): void {
  const f = box.filters!, { vertical } = content.layout, x = (f.x + f.w / 2) * view.zoom + view.x;
  const y = vertical ? (f.y + f.h) * view.zoom + view.y + 7 : (f.y + f.h) * view.zoom + view.y + 14;
  const text = shorten(f.fold, Math.max(90, f.w * view.zoom + 40), t => measure(t, 11));
  if (text) out.push({ text, x, y, style: { size: 11, colour: ink.text3, align: 'center' } });
}

// The last layer: each unit's word and what it says, the strongest one bright.
function classes({ content, view, ink, width }: Space, box: Box, out: Label[]): void {
  if (box.form !== 'circles') return;
  const { vertical } = content.layout, pitch = (vertical ? box.w : box.h) / box.units * view.zoom, seen = content.seen[box.layer];
  if (pitch < 11) return;
  const value = content.state.layers[box.layer]?.value?.data, shares = value && value.length === box.units && content.model.layers[box.layer]!.activation === 'softmax' ? value : null;
  const numbers = shares ?? (seen?.each === 1 ? seen.values : null);
  let best = -1;
  for (let u = 0; numbers && u < box.units; u++) if (best < 0 || numbers[u]! > numbers[best]!) best = u;
  for (let u = 0; u < box.units; u++) {
    const [wx, wy] = unitAt(box, u), x = wx * view.zoom + view.x, y = wy * view.zoom + view.y, top = u === best;
    const word = content.model.classes?.[u] ?? String(u), says = numbers && Number.isFinite(numbers[u]!) ? (shares ? percent(numbers[u]!) : number(numbers[u]!, 3)) : '';
    const first: TextStyle = { size: 12, colour: top ? ink.text : ink.text2, align: vertical ? 'center' : 'left', bold: top };
    if (vertical) {
      out.push({ text: word.slice(0, 6), x, y: y + 22, style: first });
      if (top && says) out.push({ text: says, x: Math.min(width - 30, Math.max(30, x)), y: y + 38, style: { ...first, colour: ink.good } });
    } else {
      out.push({ text: word.slice(0, 12), x: x + 18, y, style: first });
      if (says) out.push({ text: says, x: x + 26 + 7 * Math.min(12, word.length), y, style: { size: 11, colour: top ? ink.good : ink.text3, align: 'left', bold: top } });
    }
  }
}

// Between the layers: how many of the links are drawn.
export function pairWords(pair: DrawnPair, links: 'lines' | 'matrices' | 'none'): string[] {
  if (links === 'matrices') return [pair.fold + (pair.fold.includes(' as ') ? ', strongest of each block' : ''), `${whole(pair.drawn)} of ${whole(pair.total)} links`];
  const all = pair.drawn >= pair.total;
  return [all ? `all ${whole(pair.total)} links` : `${whole(pair.total)} links, strongest ${whole(pair.drawn)} drawn`, all ? `${whole(pair.total)}` : `${whole(pair.drawn)} of ${whole(pair.total)}`];
}

function gapWords(space: Space, pair: DrawnPair, out: Label[]): void {
  const { content, view, ink, height, measure } = space, { layout } = content, box = layout.boxes[pair.layer]!;
  const sources = layout.sources[pair.layer]!.map(s => layout.boxes[s]!), matrix = layout.matrices[pair.layer], style: TextStyle = { size: 11, colour: ink.text3, align: 'center' };
  if (!sources.length || layout.boxes.some(b => b !== box && b.rank === box.rank && b.layer < box.layer)) return;
  const source = sources.reduce((a, b) => (b.rank > a.rank ? b : a));
  const a = source.x + source.w, b = box.filters && !layout.vertical ? box.filters.x : box.x;
  const x = layout.vertical ? space.width / 2 : ((matrix ? matrix.x + matrix.w / 2 : (a + b) / 2) * view.zoom + view.x);
  const y = layout.vertical ? ((matrix ? matrix.y - 10 : (source.y + source.h + (box.filters?.y ?? box.y) - 8) / 2) * view.zoom + view.y) : matrix ? (matrix.y + matrix.h) * view.zoom + view.y + 14 : height - 16;
  const room = layout.vertical ? space.width - 24 : (layout.boxes.length > 3 ? b - a : 1.4 * (b - a)) * view.zoom + 60;
  const text = pairWords(pair, content.look.links).find(t => measure(t, 11) <= room);
  if (text && x > -100 && x < space.width + 100) out.push({ text, x, y, style });
}

export function labelsOf(space: Space, boxes: Box[], pairs: DrawnPair[]): Label[] {
  const out: Label[] = [], shown = new Set(boxes.map(b => b.layer));
  for (const box of boxes) {
    titles(space, box, out);
    classes(space, box, out);
  }
  for (const pair of pairs) if (shown.has(pair.layer)) gapWords(space, pair, out);
  return out;
}
