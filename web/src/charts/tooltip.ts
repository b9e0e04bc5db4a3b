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

export class Tooltip {
  private box = document.createElement('div');
  private plot: Plot | null = null;
  private u: uPlot | null = null;
  private over = false;
  private drawer = { draw: () => this.render() };
  private readonly write = () => this.render();

  constructor() {
    this.box.className = 'chart-tip';
    this.box.setAttribute('role', 'tooltip');
    this.box.hidden = true;
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
    this.box.hidden = true;
  }

  private render(): void {
    const { plot, u } = this;
    if (!plot || !u || !this.over || u.cursor.left === undefined || u.cursor.left! < 0) {
      this.box.hidden = true;
      return;
    }
    const left = u.cursor.left!, x = u.posToVal(left, 'x'), { axis } = plot.config;
    const lines = this.lines(x), mark = markNear(plot.config.marks, v => u.valToPos(v, 'x'), left, REACH);
    const parts: Node[] = [];
    if (mark) parts.push(element('div', 'tip-mark', mark.word));
    parts.push(element('div', 'tip-x', axis === 'step' ? `step ${whole(lines.step)}` : `${axis} ${xText(x, axis)}  \u00b7  step ${whole(lines.step)}`));
    for (const line of lines.rows.slice(0, MOST_ROWS)) parts.push(row(line));
    if (lines.rows.length > MOST_ROWS) parts.push(element('div', 'tip-x', `and ${lines.rows.length - MOST_ROWS} more`));
    this.box.replaceChildren(...parts);
    this.box.hidden = false;
    this.place(left, u.cursor.top ?? 0, u.over.clientWidth, u.over.clientHeight);
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
    const { offsetWidth: w, offsetHeight: h } = this.box;
    const x = left + 14 + w <= width ? left + 14 : Math.max(-40, left - 14 - w);
    const y = Math.min(Math.max(0, top - h / 2), Math.max(0, height - h));
    this.box.style.transform = `translate(${Math.round(x)}px, ${Math.round(y)}px)`;
  }
}

function element(tag: string, name: string, text: string): HTMLElement {
  const e = document.createElement(tag);
  e.className = name;
  e.textContent = text;
  return e;
}

function row(line: Line): HTMLElement {
  const r = element('div', 'tip-row', ''), label = element('span', 'tip-label', line.curve.label), swatch = element('i', 'swatch', '');
  swatch.style.background = line.curve.stroke.colour;
  r.append(swatch, label, element('b', 'tip-value', line.value), element('span', 'tip-detail', line.detail));
  return r;
}
