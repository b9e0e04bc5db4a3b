// The captured output of one process, fetched by byte offsets: first its end, then what is appended, earlier parts on demand.
import { signal } from '@preact/signals';
import { getJson, segment } from '../../link/rest';
import { Lines } from './ansi';

const FIRST_BYTES = 512 * 1024, PIECE_BYTES = 1024 * 1024, LEAST_PAUSE_MS = 100;

interface Piece { offset: number; next: number; size: number; gap: [number, number] | null; text: string }

// The piece without the rest of a line that began before it, unless nothing is before it.
function fromLine(piece: Piece): { offset: number; text: string } {
  const cut = piece.offset > 0 && piece.offset !== piece.gap?.[1] ? piece.text.indexOf('\n') + 1 : 0;
  return { offset: piece.offset + new TextEncoder().encode(piece.text.slice(0, cut)).length, text: piece.text.slice(cut) };
}

export class Source {
  lines = new Lines();
  readonly version = signal(0);  // grows with every change of `lines`
  readonly start = signal(0);    // byte offset of the first line kept; 0: all of it is here
  readonly size = signal(0);
  readonly trouble = signal('');
  readonly ready = signal(false);
  private texts: string[] = [];
  private next = -1;
  private gap: Piece['gap'] = null; // bytes that were left out of a very long output
  private busy = false;
  private again = false;
  private closed = false;

  constructor(private readonly run: string, private readonly process: string) {}

  close(): void {
    this.closed = true;
  }

  // Fetches what is new, to the end; calls while it is at work are gathered into one more.
  async pull(): Promise<void> {
    if (this.busy) return void (this.again = true);
    this.busy = true;
    do {
      this.again = false;
      const more = await this.pullOnce();
      if (more) this.again = true;
      else if (this.again) await new Promise(done => setTimeout(done, LEAST_PAUSE_MS));
    } while (this.again && !this.closed);
    this.busy = false;
  }

  private async fetch(offset: number, limit: number): Promise<Piece> {
    const process = this.process ? `process=${segment(this.process)}&` : '';
    return getJson<Piece>(`runs/${segment(this.run)}/log?${process}offset=${offset}&limit=${limit}`);
  }

  private async pullOnce(): Promise<boolean> {
    try {
      const first = this.next < 0;
      const piece = await this.fetch(first ? -FIRST_BYTES : this.next, first ? FIRST_BYTES : PIECE_BYTES);
      this.trouble.value = '';
      if (this.closed) return false;
      this.gap = piece.gap;
      const whole = first ? fromLine(piece) : piece;
      if (first) this.start.value = whole.offset;
      const moved = piece.next > this.next;
      this.next = piece.next;
      this.size.value = Math.max(piece.size, piece.next);
      if (whole.text) this.add(whole.text);
      this.ready.value = true;
      return moved && piece.next < piece.size;
    } catch (error) {
      this.trouble.value = error instanceof Error ? error.message : String(error);
      this.ready.value = true;
      return false;
    }
  }

  private add(text: string): void {
    this.texts.push(text);
    this.lines.push(text);
    this.version.value++;
  }

  // One piece of what came before, put in front: colours may begin there, so everything is read again.
  async earlier(): Promise<number> {
    const [left, right] = this.gap ?? [0, 0], start = this.start.peek();
    const to = start > right ? start : Math.min(start, left), from = Math.max(start > right ? right : 0, to - PIECE_BYTES);
    try {
      const piece = fromLine(await this.fetch(from, to - from));
      const before = this.lines.lines.length;
      this.texts.unshift(piece.text);
      this.lines = new Lines(this.lines.lines.length + 2 * PIECE_BYTES);
      for (const text of this.texts) this.lines.push(text);
      this.start.value = piece.offset;
      this.version.value++;
      return this.lines.lines.length - before;
    } catch (error) {
      this.trouble.value = error instanceof Error ? error.message : String(error);
      return 0;
    }
  }

  plain(): string {
    return this.lines.lines.map(line => line.text).join('\n');
  }
}
