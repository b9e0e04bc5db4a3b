// What is under the crosshair: step, the value of each curve there, and the word of a mark that is near. Shown on the chart that
// the pointer is over; the crosshair itself is common to all.
import type uPlot from 'uplot';
import { whole, withUnit } from '../look/format';
import { along, rowNear, shown, smoothed, xOf, type Curve } from './curve';
import { drawSoon } from './frame';
import { writeSoon } from './legend';
import { markNear } from './marks';
import type { Plot } from './plot';
import { xText } from './ticks';

const REACH = 5, MOST_ROWS = 12;

interface Line { curve: Curve; value: string; detail: string; height: number }

// Elements are made once and written where their words change, and nothing is measured while a frame is made: moving costs no layout
// of the page around.
export class Tooltip {
  private box = element('div', 'chart-tip');
  private mark = element('div', 'tip-mark');
  private head = element('div', 'tip-x');
  private rest = element('div', 'tip-x');
  private rows: Row[] = [];
  private plot: Plot | null = null;
  private u: uPlot | null = null;
  private over = false;
  private size = { width: 0, height: 0 };        // of the box, as it was last rendered
  private drawer = { draw: () => this.render() };
  private readonly write = () => this.render();
  private sizes = new ResizeObserver(e => {
    const { offsetWidth: width, offsetHeight: height } = e[0].target as HTMLElement;
    if (!this.box.hidden) this.size = { width, height };
  });

  constructor() {
    this.box.setAttribute('role', 'tooltip');
    this.box.hidden = true;
    this.box.append(this.mark, this.head, this.rest);
  }

  attach(plot: Plot, u: uPlot): void {
    [this.plot, this.u] = [plot, u];
    u.over.append(this.box);
    u.over.addEventListener('mouseenter', () => (this.over = true));
    u.over.addEventListener('mouseleave', () => this.hide());
  }

  moved(): void {
    if (this.over) drawSoon(this.drawer);
  }

  // The curves went on under a pointer that rests.
  refresh(): void {
    if (this.over && !this.box.hidden) writeSoon(this.write);
  }

  hide(): void {
    this.over = false;
    this.show(false);
  }

  private show(yes: boolean): void {
    if (this.box.hidden === !yes) return;
    this.box.hidden = !yes;
    this.box.closest('.panel')?.classList.toggle('pointed', yes);
    if (yes) this.sizes.observe(this.box);
    else this.sizes.disconnect();
  }

  private render(): void {
    const { plot, u } = this;
    if (!plot || !u || !this.over || u.cursor.left === undefined || u.cursor.left! < 0) return this.show(false);
    const left = u.cursor.left!, x = u.posToVal(left, 'x'), { axis } = plot.config;
    const lines = this.lines(x), mark = markNear(plot.config.marks, v => u.valToPos(v, 'x'), left, REACH), more = lines.rows.length - MOST_ROWS;
    say(this.mark, mark?.word ?? '');
    say(this.head, axis === 'step' ? `step ${whole(lines.step)}` : `${axis} ${xText(x, axis)}  \u00b7  step ${whole(lines.step)}`);
    this.fill(lines.rows.slice(0, MOST_ROWS));
    say(this.rest, more > 0 ? `and ${more} more` : '');
    this.show(true);
    this.place(left, u.cursor.top ?? 0, u.bbox.width / devicePixelRatio, u.bbox.height / devicePixelRatio);
  }

  private fill(lines: Line[]): void {
    while (this.rows.length < lines.length) {
      const row = new Row();
      this.rows.push(row);
      this.rest.before(row.box);
    }
    this.rows.forEach((row, i) => row.write(lines[i]));
  }

  private lines(x: number): { step: number; rows: Line[] } {
    const { curves, axis, smooth, unit } = this.plot!.config, number = (v: number) => withUnit(v, unit), rows: Line[] = [];
    let step = NaN, distance = Infinity;
    for (const curve of curves) {
      const p = shown(curve), i = curve.hidden ? -1 : rowNear(curve, p, axis, x);
      if (i < 0) continue;
      const d = Math.abs(xOf(p, i, along(curve, p, axis)) - x);
      if (d < distance) [distance, step] = [d, p.stepLast[i]];
      const value = smooth > 0 ? smoothed(curve, smooth)[i] : p.mean[i];
      const bad = p.nonfinite[i] ? `${whole(p.nonfinite[i])} NaN or infinite` : '';
      const band = p.count[i] > 1 ? `${number(p.min[i])} \u2026 ${number(p.max[i])}` : smooth > 0 ? number(p.last[i]) : '';
      rows.push({ curve, value: number(p.nonfinite[i] === p.count[i] ? p.last[i] : value), detail: [band, bad].filter(Boolean).join(', '), height: value });
    }
    return { step, rows: rows.sort((a, b) => b.height - a.height) };
  }

  private place(left: number, top: number, width: number, height: number): void {
    const { width: w, height: h } = this.size;
    const x = left + 14 + w <= width ? left + 14 : Math.max(-40, left - 14 - w);
    const y = Math.min(Math.max(0, top - h / 2), Math.max(0, height - h));
    this.box.style.transform = `translate(${Math.round(x)}px, ${Math.round(y)}px)`;
  }
}

class Row {
  readonly box = element('div', 'tip-row');
  private swatch = element('i', 'swatch');
  private label = element('span', 'tip-label');
  private value = element('b', 'tip-value');
  private detail = element('span', 'tip-detail');
  private colour = '';

  constructor() {
    this.box.append(this.swatch, this.label, this.value, this.detail);
  }

  write(line: Line | undefined): void {
    this.box.hidden = !line;
    if (!line) return;
    const { colour } = line.curve.stroke;
    if (colour !== this.colour) this.swatch.style.background = this.colour = colour;
    say(this.label, line.curve.label);
    say(this.value, line.value);
    say(this.detail, line.detail);
  }
}

function element(tag: string, name: string): HTMLElement {
  const e = document.createElement(tag);
  e.className = name;
  return e;
}

// Words of an element, which is there only while it has some.
function say(e: HTMLElement, text: string): void {
  const node = (e.firstChild ?? e.appendChild(document.createTextNode(''))) as Text;
  if (node.data !== text) node.data = text;
  if (e.hidden !== !text) e.hidden = !text;
}
