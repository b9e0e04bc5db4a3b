// Terminal output as lines of text with styled spans: colours and weights (SGR), carriage return and backspace (progress
// bars overwrite their line), tabs. Every other escape sequence is dropped. Fed piece by piece; a sequence cut in two by
// the border of a piece is completed by the next one. What comes out is only text and small numbers.

export interface Style { fg: string; bg: string; bold: boolean; dim: boolean; italic: boolean; underline: boolean; inverse: boolean; strike: boolean }
export interface Span { from: number; to: number; style: Style }
export interface Line { text: string; spans: Span[] }

const PLAIN: Style = { fg: '', bg: '', bold: false, dim: false, italic: false, underline: false, inverse: false, strike: false };
const LONGEST_LINE = 16384, LONGEST_SEQUENCE = 256;
const MATCH = /[\x00-\x1f\x7f-\x9f]/g;

const hex2 = (v: number) => Math.min(255, Math.max(0, v | 0)).toString(16).padStart(2, '0');

// A colour of the table of 256: '3' names one of the sixteen of the theme, otherwise '#rrggbb'.
function indexed(n: number): string {
  if (!(n >= 0 && n <= 255)) return '';
  if (n < 16) return String(n);
  if (n >= 232) return '#' + hex2(8 + 10 * (n - 232)).repeat(3);
  const part = (v: number) => hex2(v === 0 ? 0 : 55 + 40 * v);
  return '#' + part(Math.floor((n - 16) / 36)) + part(Math.floor((n - 16) / 6) % 6) + part((n - 16) % 6);
}

// 38;5;n or 38;2;r;g;b at `at`: the colour and how many numbers it took.
function extended(codes: number[], at: number): [string, number] {
  if (codes[at + 1] === 5) return [indexed(codes[at + 2] ?? -1), 2];
  if (codes[at + 1] === 2) return ['#' + hex2(codes[at + 2] ?? 0) + hex2(codes[at + 3] ?? 0) + hex2(codes[at + 4] ?? 0), 4];
  return ['', codes.length];
}

const SWITCHES: Record<number, Partial<Style>> = {
  1: { bold: true }, 2: { dim: true }, 3: { italic: true }, 4: { underline: true }, 7: { inverse: true }, 9: { strike: true },
  22: { bold: false, dim: false }, 23: { italic: false }, 24: { underline: false }, 27: { inverse: false }, 29: { strike: false },
  39: { fg: '' }, 49: { bg: '' },
};

export function styled(style: Style, parameters: string): Style {
  const codes = parameters === '' ? [0] : parameters.split(/[;:]/).map(p => (p === '' ? 0 : Number(p)));
  let next = style;
  for (let i = 0; i < codes.length; i++) {
    const code = codes[i]!;
    if (code === 0) next = PLAIN;
    else if (SWITCHES[code]) next = { ...next, ...SWITCHES[code] };
    else if (code >= 30 && code <= 37) next = { ...next, fg: String(code - 30) };
    else if (code >= 90 && code <= 97) next = { ...next, fg: String(code - 82) };
    else if (code >= 40 && code <= 47) next = { ...next, bg: String(code - 40) };
    else if (code >= 100 && code <= 107) next = { ...next, bg: String(code - 92) };
    else if (code === 38 || code === 48) {
      const [colour, took] = extended(codes, i);
      next = code === 38 ? { ...next, fg: colour } : { ...next, bg: colour };
      i += took;
    }
  }
  return next;
}

// The length of the escape sequence at `at` of `text`, 0 when it is not whole yet.
function sequenceLength(text: string, at: number): number {
  const kind = text[at + 1];
  if (kind === undefined) return 0;
  if (kind === '[') {
    for (let i = at + 2; i < text.length; i++) {
      const code = text.charCodeAt(i);
      if (code >= 0x40 && code <= 0x7e) return i + 1 - at;
      if (code < 0x20 || i - at > LONGEST_SEQUENCE) return i - at;
    }
    return 0;
  }
  if (kind === ']' || kind === 'P' || kind === '^' || kind === '_') { // a string up to BEL or ESC \
    for (let i = at + 2; i < text.length; i++) {
      if (text[i] === '\x07') return i + 1 - at;
      if (text[i] === '\x1b' && text[i + 1] === '\\') return i + 2 - at;
      if (text[i] === '\n' || i - at > 16 * LONGEST_SEQUENCE) return i - at;
    }
    return 0;
  }
  return kind >= ' ' && kind <= '/' ? (at + 2 < text.length ? 3 : 0) : 2;
}

export class Lines {
  readonly lines: Line[] = [{ text: '', spans: [] }];
  dropped = 0; // lines left out at the top to keep within `limit`
  private style = PLAIN;
  private column = 0;
  private rest = '';

  constructor(private readonly limit = 200000) {}

  push(piece: string): void {
    const text = this.rest + piece;
    this.rest = '';
    let at = 0;
    while (at < text.length) {
      MATCH.lastIndex = at;
      const control = MATCH.exec(text)?.index ?? text.length;
      if (control > at) this.write(text.slice(at, control));
      if (control === text.length) break;
      const took = this.control(text, control);
      if (took === 0) {
        this.rest = text.slice(control);
        break;
      }
      at = control + took;
    }
    this.trim();
  }

  private control(text: string, at: number): number {
    const c = text[at];
    if (c === '\n') this.newLine();
    else if (c === '\r') this.column = 0;
    else if (c === '\b') this.column = Math.max(0, this.column - 1);
    else if (c === '\t') this.write(' '.repeat(8 - (this.column % 8)));
    else if (c === '\x1b') {
      const length = sequenceLength(text, at);
      if (length > 0) this.sequence(text.slice(at, at + length));
      return length;
    }
    return 1;
  }

  private sequence(sequence: string): void {
    if (sequence[1] !== '[') return;
    const final = sequence[sequence.length - 1], parameters = sequence.slice(2, -1);
    if (final === 'm' && /^[0-9;:]*$/.test(parameters)) this.style = styled(this.style, parameters);
    else if (final === 'K') this.erase(parameters);
  }

  private erase(parameters: string): void {
    const line = this.lines[this.lines.length - 1]!;
    if (parameters === '2') this.replace(line, 0, line.text.length, '');
    else if (parameters === '' || parameters === '0') this.replace(line, this.column, line.text.length, '');
  }

  private newLine(): void {
    this.lines.push({ text: '', spans: [] });
    this.column = 0;
  }

  private write(text: string): void {
    while (text !== '') {
      if (this.column >= LONGEST_LINE) this.newLine();
      const part = text.slice(0, LONGEST_LINE - this.column), line = this.lines[this.lines.length - 1]!;
      if (line.text.length < this.column) line.text = line.text.padEnd(this.column);
      this.replace(line, this.column, Math.min(this.column + part.length, line.text.length), part);
      this.column += part.length;
      text = text.slice(part.length);
    }
  }

  // Puts `text` in the place of from..to (always at or before the end of what follows being overwritten or erased).
  private replace(line: Line, from: number, to: number, text: string): void {
    line.text = line.text.slice(0, from) + text + line.text.slice(to);
    if (line.spans.length > 0 && from < line.spans[line.spans.length - 1]!.to) line.spans = outside(line.spans, from, to);
    if (this.style === PLAIN || text === '') return;
    const last = line.spans[line.spans.length - 1];
    if (last && last.to === from && last.style === this.style) last.to = from + text.length;
    else line.spans.push({ from, to: from + text.length, style: this.style });
    line.spans.sort((a, b) => a.from - b.from);
  }

  private trim(): void {
    if (this.lines.length <= this.limit + this.limit / 10) return;
    const over = this.lines.length - this.limit;
    this.lines.splice(0, over);
    this.dropped += over;
  }
}

// The spans with what lies in from..to cut away.
function outside(spans: Span[], from: number, to: number): Span[] {
  const kept: Span[] = [];
  for (const span of spans) {
    if (span.from < from) kept.push({ ...span, to: Math.min(span.to, from) });
    if (span.to > to) kept.push({ ...span, from: Math.max(span.from, to) });
  }
  return kept.filter(span => span.to > span.from);
}
