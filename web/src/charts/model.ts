// A panel's curves: which points it follows, kept while the panel is seen, and the chart that draws them.
import { follow, Zoom } from '../state/feed';
import { drawSoon } from './frame';
import { Smoothed } from './smooth';
import { columnOf, type Curve } from './curve';
import type { EpochLine } from './epochs';
import type { Stroke } from '../look/palette';
import type { Axis, Zoom as ZoomView } from '../state/view';
import { Plot, type PlotConfig, type PlotEvents } from './plot';

export interface CurveSpec { run: string; series: string; label: string; short: string; stroke: Stroke; startMs: number; epochs: EpochLine | null }
interface Held { curve: Curve; stop: () => void; zoom: Zoom | null }

const ZOOM_WAIT_MS = 140; // a drag asks once it rests

export class PanelModel {
  plot: Plot | null = null;
  private held = new Map<string, Held>();
  private zoomKey = '';
  private zoomTimer = 0;
  private labels = new WeakMap<Curve, string>();

  get curves(): Curve[] {
    return [...this.held.values()].map(h => h.curve);
  }

  // The curves wanted now; those that stay keep their points.
  follow(specs: CurveSpec[]): Curve[] {
    const next = new Map<string, Held>();
    for (const spec of specs) {
      const key = spec.run + '\n' + spec.series, held = this.held.get(key) ?? this.begin(spec);
      this.held.delete(key);
      const { label, short, stroke, startMs, epochs } = spec;
      Object.assign(held.curve, { label, short, stroke, startMs, epochs });
      next.set(key, held);
    }
    for (const held of this.held.values()) this.endOne(held);
    this.held = next;
    return this.curves;
  }

  private begin(spec: CurveSpec): Held {
    const { points, stop } = follow(spec.run, spec.series, this.changed);
    const curve: Curve = { ...spec, points, zoomed: null, smooth: new Smoothed(), smoothZoomed: new Smoothed(), hidden: false };
    this.zoomKey = '';
    return { curve, stop, zoom: null };
  }

  readonly changed = (): void => this.plot?.changed();
  redraw(): void {
    if (this.plot) drawSoon(this.plot);
  }

  // Whether the legend's entry of this curve still shows its label and stroke; remembers what it shows now.
  same(curve: Curve): boolean {
    const key = [curve.label, curve.stroke.colour, curve.stroke.dash.join()].join('\n'), before = this.labels.get(curve);
    this.labels.set(curve, key);
    return before === key;
  }

  show(host: HTMLElement, config: PlotConfig, events: PlotEvents): void {
    if (this.plot) this.plot.set(config);
    else {
      this.plot = new Plot(host, config, events);
      drawSoon(this.plot);
    }
    this.zoom(config.zoom, config.axis);
  }

  // Full resolution of the range that is zoomed into. Until it comes, what is there is drawn.
  private zoom(range: ZoomView | null, axis: Axis): void {
    const key = range ? `${axis} ${range.from} ${range.to} ${[...this.held.keys()].join()}` : '';
    if (key === this.zoomKey) return;
    this.zoomKey = key;
    clearTimeout(this.zoomTimer);
    if (range) this.zoomTimer = window.setTimeout(() => this.askZoom(range, axis), ZOOM_WAIT_MS);
    else for (const held of this.held.values()) this.dropZoom(held);
  }

  private askZoom(range: ZoomView, axis: Axis): void {
    for (const held of this.held.values()) {
      const c = held.curve, p = c.points;
      const of = columnOf(c, axis), from = Math.floor(of(range.from)), to = Math.ceil(of(range.to)) + 1;
      if (p.ready && p.width === 0) {
        this.dropZoom(held);
        continue;
      }
      const end = p.rows ? (axis === 'time' ? p.time[p.rows - 1] : p.stepLast[p.rows - 1]) : -Infinity;
      const old = held.zoom;
      const zoom: Zoom = new Zoom(c.run, c.series, { axis: axis === 'time' ? 'time' : 'step', from, to }, to > end, () => {
        if (held.zoom === zoom && zoom.points.ready && c.zoomed !== zoom.points) {
          c.zoomed = zoom.points;
          c.smoothZoomed = new Smoothed();
          old?.end();
        }
        this.changed();
      });
      if (old && c.zoomed !== old.points) old.end();
      held.zoom = zoom;
    }
  }

  private dropZoom(held: Held): void {
    held.zoom?.end();
    held.zoom = null;
    held.curve.zoomed = null;
  }

  private endOne(held: Held): void {
    this.dropZoom(held);
    held.stop();
  }

  // The panel is no longer seen.
  end(): void {
    clearTimeout(this.zoomTimer);
    this.zoomKey = '';
    for (const held of this.held.values()) this.endOne(held);
    this.held.clear();
    this.plot?.end();
    this.plot = null;
  }
}
