// One chart: uPlot gives axes, scales, cursor and selection. What it draws (axes, grid) changes seldom and stays in its own canvas,
// out of sight; a frame copies that into the canvas that is seen, which is opaque, so that nothing is blended with the page,
// and paints the curves from their columns (paint.ts), no more of it than changed (painted.ts).
// Configuration (`set`), data (the points themselves) and size change separately; `draw` is called by frame.ts alone.
import uPlot from 'uplot';
import { withUnit } from '../look/format';
import { faint, type Ink } from '../look/palette';
import type { Axis, Zoom } from '../state/view';
import { firstX, lastX, shown, type Curve } from './curve';
import { onPointed, sync } from './crosshair';
import { drawLive, drawSoon, forget } from './frame';
import { forgetWrite, writeSoon } from './legend';
import { paintMarks, type Mark, type Shade } from './marks';
import { paint, type Area } from './paint';
import { Painted } from './painted';
import { ahead, extent, inliers, steady, type Range } from './range';
import { linearTicks, logTicks, tickText, timeTicks, xText } from './ticks';
import { Tooltip } from './tooltip';

export interface PlotConfig {
  curves: Curve[];
  axis: Axis;
  log: boolean;
  smooth: number;
  outliers: boolean;             // left out
  low?: number;
  high?: number;
  zoom: Zoom | null;
  marks: Mark[];
  shades: Shade[];
  ink: Ink;
  unit: string;
}

export interface PlotEvents { zoom: (range: Zoom | null) => void; pan: (range: Zoom) => void }

// Units of amounts: their axis begins at nothing.
const FROM_ZERO = /^(%|B|B\/s)$/;
const FONT = 'system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "Liberation Sans", "DejaVu Sans", sans-serif';

export class Plot {
  readonly legend = new Map<Curve, HTMLElement>();
  onDraw: () => void = () => {};
  private u: uPlot | null = null;
  private x: Range = { low: 0, high: 1 };
  private y: Range | null = null;
  private fitted: Range | null = null; // to the data, while there are any
  private g: CanvasRenderingContext2D | null = null;
  private painted = new Painted();
  private drawn = new WeakMap<HTMLElement, number>();
  private built = '';            // configuration that uPlot was made with
  private fresh = false;         // uPlot has drawn nothing yet
  private width = 0;
  private height = 0;
  private tooltip = new Tooltip();
  private unpoint = onPointed(e => this.point(e.step, e.time));

  constructor(private host: HTMLElement, public config: PlotConfig, private events: PlotEvents) {}

  set(config: PlotConfig): void {
    if (config.axis !== this.config.axis || config.log !== this.config.log || config.outliers !== this.config.outliers) this.fitted = null;
    this.config = config;
    drawSoon(this);
  }

  resize(width: number, height: number): void {
    if (width === this.width && height === this.height) return;
    [this.width, this.height] = [width, height];
    this.u?.setSize({ width, height });
    drawSoon(this);
  }

  changed(): void {
    drawLive(this);
  }

  end(): void {
    forget(this);
    forgetWrite(this.writeLegend);
    this.unpoint();
    this.tooltip.hide();
    this.u?.destroy();
    this.u = this.g = null;
  }

  get canvas(): HTMLCanvasElement | null {
    return this.g?.canvas ?? null;
  }

  get range(): { x: Range; y: Range | null } {
    return { x: this.x, y: this.y };
  }

  draw(): void {
    if (this.width < 40 || this.height < 30) return;
    const c = this.config;
    this.x = this.xRange();
    this.y = this.yRange();
    const key = [c.log, c.axis, c.ink.bg, this.width < 200].join();
    if (key !== this.built) this.rebuild(key);
    this.scale(this.u!);
    this.paint(this.u!);
    this.noteDrawn();
    this.tooltip.refresh();
    this.onDraw();
  }

  private scale(u: uPlot): void {
    const { x, y } = this, newX = u.scales.x.min !== x.low || u.scales.x.max !== x.high, newY = u.scales.y.min !== y!.low || u.scales.y.max !== y!.high;
    if (!newX && !newY && !this.fresh) return;
    this.fresh = false;
    u.batch(() => {
      if (newX) u.setScale('x', { min: x.low, max: x.high });
      if (newY) u.setScale('y', { min: y!.low, max: y!.high });
      u.redraw(false, false);
    });
  }

  private xRange(): Range {
    const { zoom, curves, axis } = this.config;
    if (zoom) return { low: zoom.from, high: zoom.to };
    let low = Infinity, high = -Infinity;
    for (const c of curves) {
      if (c.hidden || !c.points.rows) continue;
      low = Math.min(low, firstX(c, axis));
      high = Math.max(high, lastX(c, axis));
    }
    if (!(low <= high)) return { low: 0, high: 1 };
    if (low > 0 && low < high * 0.1) low = 0; // the beginning is in sight anyway: panels stand alike
    return low === high ? { low, high: low + 1 } : { low, high: ahead(low, high) };
  }

  private yRange(): Range {
    const { curves, axis, log, outliers, low, high, unit } = this.config;
    const data = (outliers ? inliers : extent)(curves, axis, this.x.low, this.x.high, log);
    if (data && !log && FROM_ZERO.test(unit)) data.low = Math.min(0, data.low);
    const by = steady(this.fitted, data, log), positive = (v: number | undefined) => v !== undefined && (!log || v > 0);
    if (data) this.fitted = by;
    const range = { low: positive(low) ? low! : by.low, high: positive(high) ? high! : by.high };
    return range.high > range.low ? range : { low: range.low, high: range.low + (Math.abs(range.low) || 1) };
  }

  // The crosshair at an event.
  private point(step: number, seconds: number): void {
    const { axis, curves } = this.config, c = curves[0];
    if (!this.u || !c) return;
    const x = axis === 'time' ? seconds - c.startMs / 1000 : axis === 'epoch' && c.epochs ? c.epochs.toEpoch(step) : step;
    this.u.setCursor({ left: this.u.valToPos(x, 'x'), top: 0 }, false);
  }

  // Says of each curve up to which step it is drawn; the values follow (legend.ts).
  private noteDrawn(): void {
    for (const [curve, element] of this.legend) {
      const p = shown(curve), row = p.rows - 1;
      if (row >= 0 && p.stepLast[row] !== this.drawn.get(element)) {
        this.drawn.set(element, p.stepLast[row]);
        element.dataset.drawn = String(p.stepLast[row]);
      }
    }
    writeSoon(this.writeLegend);
  }

  private readonly writeLegend = (): void => {
    for (const [curve, element] of this.legend) {
      const p = shown(curve), row = p.rows - 1;
      if (row < 0) continue;
      const text = withUnit(p.last[row], this.config.unit), node = element.firstChild as Text | null;
      element.dataset.step = String(p.stepLast[row]);
      if (!node) element.append(text);
      else if (node.data !== text) node.data = text;
    }
  };

  private rebuild(key: string): void {
    this.built = key;
    this.u?.destroy();
    this.u = new uPlot(this.options(), [[0, 1], [null, null]], this.host);
    this.fresh = true;
    this.tooltip.attach(this, this.u);
    const under = this.u.ctx.canvas, canvas = document.createElement('canvas');
    under.style.display = 'none';
    under.before(canvas);
    this.g = canvas.getContext('2d', { alpha: false });
    this.painted.forget();
  }

  private options(): uPlot.Options {
    const { ink, log, axis } = this.config, small = this.width < 200, size = small ? 9 : 11;
    const common: uPlot.Axis = {
      stroke: ink.text3, font: `${size}px ${FONT}`, ticks: { show: false }, grid: { stroke: ink.line, width: 1 }, border: { show: false },
    };
    const most = () => Math.max(2, Math.floor(this.height / (small ? 36 : 44))), along = () => Math.max(2, Math.floor((this.width - 64) / 80));
    const xTicks = (low: number, high: number) => (axis === 'time' ? timeTicks(low, high, along()) : linearTicks(low, high, along(), axis === 'step' ? 1 : 0));
    const xWords = (ticks: number[]) => ticks.map(v => xText(v, axis, ticks.length > 1 ? ticks[1] - ticks[0] : Infinity));
    return {
      width: this.width, height: this.height, pxAlign: 0, legend: { show: false }, padding: [6, small ? 8 : 16, 0, 0],
      scales: {
        x: { time: false, auto: false, range: () => [this.x.low, this.x.high] },
        y: { auto: false, distr: log ? 3 : 1, range: () => [this.y!.low, this.y!.high] },
      },
      series: [{}, { show: true, paths: () => null, points: { show: false } }],
      axes: [
        { ...common, size: small ? 14 : 20, gap: 3, grid: { show: false }, splits: (_u, _i, low, high) => xTicks(low, high), values: (_u, ticks) => xWords(ticks) },
        {
          ...common, size: small ? 34 : 48, gap: small ? 3 : 6,
          splits: (_u, _i, low, high) => (log ? logTicks(low, high, most()) : linearTicks(low, high, most())),
          filter: (_u, ticks) => ticks, values: (_u, ticks) => ticks.map(v => (v === null ? '' : tickText(v))),
        },
      ],
      cursor: {
        y: false, points: { show: false }, sync,
        drag: { x: true, y: false, setScale: false, dist: 5 },
        bind: {
          mousedown: (u, _t, handler) => e => (e.shiftKey && e.button === 0 ? (this.pan(u, e), null) : handler(e)),
          dblclick: () => () => (this.events.zoom(null), null),
        },
      },
      hooks: { setSelect: [u => this.selected(u)], setCursor: [() => this.tooltip.moved()] },
    };
  }

  private paint(u: uPlot): void {
    const c = this.config, y = this.y!, g = this.g!, { width, height } = u.ctx.canvas;
    if (g.canvas.width !== width || g.canvas.height !== height) {
      [g.canvas.width, g.canvas.height] = [width, height];
      this.painted.forget();
    }
    const area: Area = {
      left: u.bbox.left, top: u.bbox.top, width: u.bbox.width, height: u.bbox.height, ratio: devicePixelRatio || 1,
      x0: this.x.low, x1: this.x.high, y0: y.low, y1: y.high, log: c.log, axis: c.axis,
    };
    const from = this.painted.since(c, area), left = Math.max(0, from);
    if (left >= width) return;
    g.save();
    g.beginPath();
    g.rect(left, 0, width - left, height);
    g.clip();
    g.fillStyle = c.ink.surface;
    g.fillRect(left, 0, width - left, height);
    g.drawImage(u.ctx.canvas, left, 0, width - left, height, left, 0, width - left, height);
    paintMarks(g, c.marks, c.axis === 'time' ? c.shades : [], area, faint(c.ink.text3, 0.1));
    paint(g, c.curves, area, { smooth: c.smooth, bad: c.ink.bad, lineWidth: this.width < 200 ? 1.25 : 1.5 }, from);
    g.restore();
  }

  private selected(u: uPlot): void {
    const { left, width } = u.select;
    if (width < 4) return;
    let from = u.posToVal(left, 'x'), to = u.posToVal(left + width, 'x');
    if (this.config.axis === 'step') [from, to] = [Math.floor(from), Math.max(Math.ceil(to), Math.floor(from) + 2)];
    u.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
    if (to > from) this.events.zoom({ from, to });
  }

  private pan(u: uPlot, down: MouseEvent): void {
    const { low, high } = this.x, perPixel = (high - low) / (u.bbox.width / (devicePixelRatio || 1));
    const move = (e: MouseEvent) => {
      const by = (down.clientX - e.clientX) * perPixel;
      this.events.pan({ from: low + by, to: high + by });
    };
    const up = () => {
      removeEventListener('mousemove', move);
      removeEventListener('mouseup', up);
      u.over.classList.remove('panning');
    };
    u.over.classList.add('panning');
    addEventListener('mousemove', move);
    addEventListener('mouseup', up);
  }
}
