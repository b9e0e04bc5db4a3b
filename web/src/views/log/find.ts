// Finding a text in lines (letters of either case), and cutting a line into pieces by styles and finds for drawing.
import type { Line, Style } from './ansi';

export interface Find { line: number; from: number; to: number }
const FINDS_MAX = 100000;

export function findAll(lines: readonly Line[], wanted: string): Find[] {
  const found: Find[] = [], small = wanted.toLowerCase();
  if (small === '') return found;
  for (let line = 0; line < lines.length; line++) {
    const text = lines[line]!.text.toLowerCase();
    for (let at = text.indexOf(small); at >= 0; at = text.indexOf(small, at + small.length)) {
      found.push({ line, from: at, to: at + small.length });
      if (found.length === FINDS_MAX) return found;
    }
  }
  return found;
}

// The first find at or after `line`, by halving.
export function findFrom(found: readonly Find[], line: number): number {
  let low = 0, high = found.length;
  while (low < high) {
    const mid = (low + high) >> 1;
    if (found[mid]!.line < line) low = mid + 1;
    else high = mid;
  }
  return low;
}

export interface Piece { text: string; style: Style | null; found: 0 | 1 | 2 } // 2: the find that is stood at

export function piecesOf(line: Line, finds: readonly Find[], current: Find | undefined): Piece[] {
  if (line.spans.length === 0 && finds.length === 0) return line.text === '' ? [] : [{ text: line.text, style: null, found: 0 }];
  const cuts = new Set([0, line.text.length]);
  for (const part of [...line.spans, ...finds]) cuts.add(Math.min(part.from, line.text.length)).add(Math.min(part.to, line.text.length));
  const at = [...cuts].sort((a, b) => a - b), pieces: Piece[] = [];
  for (let i = 0; i + 1 < at.length; i++) {
    const from = at[i]!, find = finds.find(f => f.from <= from && from < f.to);
    const style = line.spans.find(s => s.from <= from && from < s.to)?.style ?? null;
    pieces.push({ text: line.text.slice(from, at[i + 1]), style, found: find ? (find === current ? 2 : 1) : 0 });
  }
  return pieces;
}
