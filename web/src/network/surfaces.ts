// What the picture stands on in the page: a canvas for WebGL2, one for the fallback (made when it is needed), one above them for
// words and rings, and the same in words for those who do not see it.
import type { Ink } from '../look/palette';
import { NARROW } from './layout';
import { HEADS } from './summary';

const fill = { position: 'absolute', inset: '0', width: '100%', height: '100%', display: 'block' } as const;
const unseen = { position: 'absolute', left: '0', top: '0', width: '1px', height: '1px', overflow: 'hidden', clipPath: 'inset(50%)' } as const;

const ratioNow = (): number => Math.min(3, globalThis.devicePixelRatio || 1);

// Another number of the screen's pixels makes one of the page: by zoom, or on another screen.
function watchRatio(changed: () => void): () => void {
  const off = new AbortController();
  const arm = () => matchMedia(`(resolution: ${globalThis.devicePixelRatio}dppx)`).addEventListener('change', () => (arm(), changed()), { once: true, signal: off.signal });
  arm();
  return () => off.abort();
}

function element<K extends keyof HTMLElementTagNameMap>(tag: K, style: Partial<CSSStyleDeclaration>, parent: HTMLElement): HTMLElementTagNameMap[K] {
  const made = document.createElement(tag);
  Object.assign(made.style, style);
  parent.append(made);
  return made;
}

export class Surfaces {
  readonly root: HTMLDivElement;
  readonly gl: HTMLCanvasElement;
  readonly ink: HTMLCanvasElement;
  private flat: HTMLCanvasElement | null = null;
  private note: HTMLDivElement;
  private spoken: HTMLDivElement;
  private live: HTMLDivElement;
  private table: HTMLTableElement;
  width = 0;
  height = 0;
  ratio = 1;
  private stale = true; // the host may have another size than the one taken: asking for it lays the page out

  constructor(private host: HTMLElement) {
    this.root = element('div', { position: 'relative', width: '100%', height: '100%', overflow: 'hidden', touchAction: 'pan-y', userSelect: 'none', outlineOffset: '-2px' }, host);
    this.root.tabIndex = 0;
    this.root.setAttribute('role', 'img');
    this.gl = element('canvas', fill, this.root);
    this.ink = element('canvas', { ...fill, pointerEvents: 'none' }, this.root);
    this.note = element('div', { position: 'absolute', padding: '2px 8px', borderRadius: '6px', fontSize: '12px', pointerEvents: 'none' }, this.root);
    this.note.setAttribute('role', 'status');
    this.spoken = element('div', unseen, host); // a table would not stay as small by itself
    this.live = element('div', {}, this.spoken);
    this.live.setAttribute('aria-live', 'polite');
    this.table = element('table', {}, this.spoken);
    this.table.setAttribute('aria-label', 'layers of the network');
  }

  // Takes the host's size; true: it is another than before.
  measure(): boolean {
    if (!this.stale && this.ratio === ratioNow()) return false;
    this.stale = false;
    const width = this.root.clientWidth, height = this.root.clientHeight, ratio = ratioNow();
    if (width === this.width && height === this.height && ratio === this.ratio) return false;
    Object.assign(this, { width, height, ratio });
    for (const canvas of [this.gl, this.ink, this.flat]) if (canvas) this.size(canvas);
    return true;
  }

  private size(canvas: HTMLCanvasElement): void {
    canvas.width = Math.max(1, Math.round(this.width * this.ratio));
    canvas.height = Math.max(1, Math.round(this.height * this.ratio));
  }

  private cleared(canvas: HTMLCanvasElement): CanvasRenderingContext2D {
    const g = canvas.getContext('2d')!;
    g.setTransform(this.ratio, 0, 0, this.ratio, 0, 0);
    g.clearRect(0, 0, this.width, this.height);
    return g;
  }

  words(): CanvasRenderingContext2D { return this.cleared(this.ink); }

  get ruler(): CanvasRenderingContext2D { return this.ink.getContext('2d')!; } // for the widths of words

  // The plain canvas, in place of the one of WebGL2.
  plain(): CanvasRenderingContext2D {
    if (!this.flat) {
      this.flat = element('canvas', fill, this.root);
      this.root.insertBefore(this.flat, this.ink);
      this.size(this.flat);
    }
    this.flat.style.display = 'block';
    return this.cleared(this.flat);
  }

  hidePlain(): void { if (this.flat) this.flat.style.display = 'none'; }

  get drawnOn(): HTMLCanvasElement { return this.flat && this.flat.style.display !== 'none' ? this.flat : this.gl; }

  say(why: string, ink: Ink): void {
    if (this.note.textContent !== why) this.note.textContent = why;
    const place = this.width < NARROW ? { top: '2px', bottom: '', left: '8px', right: '24px', maxWidth: '', lineHeight: '1.2' } : { top: '', bottom: '30px', left: '', right: '8px', maxWidth: '214px', lineHeight: '' };
    Object.assign(this.note.style, { ...place, color: ink.warn, background: ink.surface, display: why ? '' : 'none' }); // where no unit is
  }

  describe(sentence: string, rows: string[][]): void {
    if (this.root.getAttribute('aria-label') !== sentence) this.root.setAttribute('aria-label', sentence);
    const row = (tag: 'th' | 'td', words: string[]) => {
      const tr = document.createElement('tr');
      for (const word of words) tr.append(Object.assign(document.createElement(tag), { textContent: word }));
      return tr;
    };
    this.table.replaceChildren(row('th', HEADS), ...rows.map(words => row('td', words)));
  }

  announce(words: string): void { if (this.live.textContent !== words) this.live.textContent = words; }

  watch(resized: () => void): () => void {
    const observer = new ResizeObserver(() => {
      this.stale = true;
      resized();
    });
    observer.observe(this.host);
    const unwatch = watchRatio(resized);
    return () => (observer.disconnect(), unwatch());
  }

  remove(): void {
    this.root.remove();
    this.spoken.remove();
  }
}
