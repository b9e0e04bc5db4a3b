// The picture of the network: takes model, state and look, draws with the next frame, and answers what it drew. Everything that
// it shows follows from what it was given; it asks nobody for anything.
//
//     setModel setState setLook  ->  layout.ts, content.ts (what follows from them)  ->  compose.ts (what is in sight)
//         ->  gl/ (or paint.ts without WebGL2)  +  overlay.ts  ->  Drawn
import { compose, rectOf } from './compose';
import { Content } from './content';
import { exportPng, exportSvg } from './export';
import { contextOf, Painter } from './gl/painter';
import { controlsOf, type Handled } from './hands';
import { targetUnder, unitTarget } from './hit';
import { attach } from './input';
import { layoutOf, unitAt, type Box, type Layout } from './layout';
import { boldest, linksKey, linksOfUnit, weightShape, type Batch } from './lines';
import type { Drawn, Look, NetworkModel, NetworkPicture, NetworkState, PictureEvents, PictureTheme, Target, UnitAt } from './model';
import { PLAIN } from './model';
import { paintOverlay } from './overlay';
import { paintOverview, stripRect } from './overview';
import { Pace } from './pace';
import { cellColour, paintScene } from './paint';
import { canvasPen, Strokes } from './pen';
import { sameList } from './same';
import { DOT, type Scene, type View } from './scene';
import { rowsOf, sentenceOf, targetWords } from './summary';
import { Surfaces } from './surfaces';
import { emptyState, sameLayers } from './take';
import { atFirst, beginning, clamped, inSight, inSightWhole, moved, reveal } from './view';

const NO_WEBGL = 'This browser has no WebGL2: drawn on a plain canvas, with fewer lines.';
const LOST = 'The graphics context was lost: drawn on a plain canvas until it comes back.';
const PLAIN_LINES = 300, DESCRIBE_EVERY_MS = 1000, MOVING_MS = 160, FRAME_MS = 16, STILL_MS = 1500;

// What this browser can draw: known from one picture to the next. A picture at rest draws lines when links change, not with every state;
// one that is moved with every frame; one that has stood still for a while only once: an earlier moment, a pause, a run that is over.
const atRest = new Pace(30, 100, 400), inMotion = new Pace(18, 8, 200), atStill = new Pace(120, 100, 400);

export class Picture implements NetworkPicture {
  private surfaces: Surfaces;
  private painter: Painter | null = null;
  private why = '';
  private model: NetworkModel = { layers: [] };
  private state: NetworkState = emptyState(this.model);
  private look: Look = PLAIN;
  private layout: Layout | null = null;
  private layoutKey = '';
  private content: Content | null = null;
  private view: View = beginning();
  private atHome = true;   // nobody has moved it
  private scene: Scene | null = null;
  private words = ''; // that stand above it
  private boxes: Box[] = [];
  private chosen: Target | null = null;
  private chosenLines: Batch[] | null = null;
  private linksKey: unknown[] = [];
  private over: Target | null = null;
  private movedAt = -Infinity;
  private settle = 0;
  private stateAt = -Infinity;
  private stillness = 0;
  private frame = 0;
  private awaited = false;
  private drawnAt = -Infinity;
  private describedAt = -Infinity;
  private ends: (() => void)[] = [];

  constructor(host: HTMLElement, private theme: PictureTheme, private events: PictureEvents = {}) {
    this.surfaces = new Surfaces(host);
    this.openPainter();
    const { gl, root } = this.surfaces;
    const lost = (event: Event) => { event.preventDefault(); this.painter = null; this.why = LOST; this.draw(); };
    const restored = () => { this.openPainter(); this.draw(); };
    gl.addEventListener('webglcontextlost', lost);
    gl.addEventListener('webglcontextrestored', restored);
    this.ends.push(() => { gl.removeEventListener('webglcontextlost', lost); gl.removeEventListener('webglcontextrestored', restored); });
    this.ends.push(attach(root, controlsOf(this.handled())), this.surfaces.watch(() => this.resize()));
  }

  private openPainter(): void {
    try {
      const gl = contextOf(this.surfaces.gl);
      this.painter = gl && !gl.isContextLost() ? new Painter(gl) : null;
      this.why = this.painter ? '' : NO_WEBGL;
    } catch {
      this.painter = null;
      this.why = NO_WEBGL;
    }
  }

  // Of other layers all begins anew; where only something else was described, what is shown stays.
  setModel(model: NetworkModel): void {
    const same = sameLayers(model, this.model);
    this.model = model;
    this.layoutKey = '';
    if (!same) {
      this.state = emptyState(model);
      this.chosen = this.over = null;
      this.atHome = true;
    }
    this.changed();
  }

  setState(state: NetworkState): void {
    const key = linksKey(state), same = sameList(key, this.linksKey), lines = this.chosenLines;
    if (state.step !== this.state.step) this.awaitStill(); // while training holds, what comes is of the same step
    this.state = state;
    this.linksKey = key;
    this.changed();
    if (same) this.chosenLines = lines; // the links are those of before: so are those of what is chosen
    this.soon();
  }

  private awaitStill(): void {
    this.stateAt = performance.now();
    clearTimeout(this.stillness);
    this.stillness = setTimeout(() => this.later(), STILL_MS + 20) as unknown as number;
  }

  private get still(): boolean { return performance.now() - this.stateAt > STILL_MS; }

  setLook(look: Look): void {
    this.look = look;
    this.changed();
  }

  setTheme(theme: PictureTheme): void {
    this.theme = theme;
    this.later();
  }

  private changed(): void {
    this.content = this.chosenLines = null;
    this.later();
  }

  private later(): void {
    if (!this.frame) this.frame = requestAnimationFrame(() => this.draw());
  }

  // A state that comes between two frames is drawn when all that came with it has been said, not with the frame: what draws
  // has then done its part when the browser asks for it.
  private soon(): void {
    if (this.awaited || document.hidden || performance.now() - this.drawnAt < FRAME_MS) return;
    this.awaited = true;
    queueMicrotask(() => {
      this.awaited = false;
      if (this.frame > 0) this.draw();
    });
  }

  resize(): void {
    if (this.surfaces.measure()) this.layoutKey = '', this.changed();
    if (this.surfaces.width) this.draw();
  }

  select(at: UnitAt | null): void {
    const content = this.ready();
    this.selectTarget(at && content && this.layout!.boxes[at.layer] ? unitTarget(content, at.layer, at.unit) : null);
  }

  selectTarget(target: Target | null): void {
    this.chosen = target;
    this.chosenLines = null;
    this.surfaces.announce(targetWords(this.model, target, 'weight'));
    this.later();
  }

  private choose(target: Target | null): void {
    this.selectTarget(target?.kind === 'layer' ? null : target);
    this.events.choose?.(target);
  }

  // Layout and content, made anew where something has changed; at no cost where nothing has. null: there is no room to draw in.
  private ready(): Content | null {
    const resized = this.surfaces.measure(), { width, height } = this.surfaces, most = this.mostLines();
    if (resized) this.later(); // what stood there is gone
    if (!width || !height) return null;
    if (this.content?.look.strongest === most && !resized) return this.content;
    if (this.content?.look.strongest !== most) this.content = null;
    const matrices = this.look.links === 'matrices', weights: (number[] | undefined)[] = [];
    for (const link of this.state.links) weights[link.layer] ??= weightShape(link) ?? undefined;
    const key = `${width} ${height} ${matrices} ${weights.map(w => w?.join('x')).join()}`;
    if (key !== this.layoutKey || !this.layout) {
      this.layout = layoutOf(this.model, { width, height, matrices, weights });
      this.layoutKey = key;
      if (this.atHome) this.view = atFirst(this.layout, width, height);
      this.content = this.chosenLines = null;
    }
    this.view = clamped(this.view, this.layout, width, height);
    return (this.content ??= new Content(this.model, this.layout, this.state, { ...this.look, strongest: most }));
  }

  // Lines of a pair of layers while the picture is not moved.
  private mostLines(): number {
    const wanted = this.look.strongest, live = atRest.lines(wanted);
    if (!this.painter) return Math.min(PLAIN_LINES, wanted);
    atStill.raise(live);
    return this.still ? atStill.lines(wanted) : live;
  }

  private linesOfChosen(content: Content): Batch[] {
    const target = this.chosen;
    if (!target || target.kind === 'layer' || this.look.links === 'none') return [];
    if (target.kind === 'unit') return linksOfUnit(this.model, content.layout, this.state, this.look, target);
    return linksOfUnit(this.model, content.layout, this.state, this.look, target.to, 1e6).flatMap(batch => {
      if (batch.link.layer !== target.layer || (target.tensor && batch.link.tensor !== target.tensor)) return [];
      const at = batch.index.indexOf(target.index);
      return at < 0 ? [] : [boldest(batch, at)];
    });
  }

  draw(): Drawn {
    const began = this.drawnAt = performance.now(), content = this.ready(), most = content?.look.strongest ?? this.look.strongest;
    cancelAnimationFrame(this.frame);
    this.frame = 0;
    const moving = began - this.movedAt < MOVING_MS, now = moving ? Math.min(most, inMotion.lines(most)) : most;
    const drawn: Drawn = { layers: [], pairs: [], filters: [], strongest: most, milliseconds: 0, how: this.painter ? 'webgl2' : 'canvas', why: this.why };
    if (!content) return drawn;
    this.chosenLines ??= this.linesOfChosen(content);
    const { width, height, ratio } = this.surfaces;
    const composed = compose(content, { mode: this.theme.mode, width, height, ratio, view: this.view, most: now, chosen: this.chosenLines });
    this.scene = composed.scene;
    this.boxes = composed.boxes;
    drawn.layers = content.drawnLayers();
    drawn.pairs = content.drawnPairs(most);
    drawn.filters = content.drawnFilters();
    const anew = this.paint(this.scene, moving);
    this.paintWords(content, drawn);
    drawn.milliseconds = performance.now() - began;
    if (anew) this.measure(began, now, moving);
    this.describe(drawn, began);
    this.surfaces.root.dataset.step = String(this.state.step);
    this.events.drawn?.(drawn);
    return drawn;
  }

  // True: lines were drawn anew.
  private paint(scene: Scene, moving: boolean): boolean {
    let anew = false;
    if (this.painter) {
      this.surfaces.hidePlain();
      anew = this.painter.draw(scene, moving);
    } else {
      const g = this.surfaces.plain();
      g.fillStyle = scene.ink.bg;
      g.fillRect(0, 0, scene.width, scene.height);
      paintScene(scene, canvasPen(g));
    }
    this.surfaces.say(this.why, scene.ink);
    return anew;
  }

  private paintWords(content: Content, drawn: Drawn): void {
    const strokes = new Strokes(), { pen } = strokes, scene = this.scene!, strip = stripRect(content, this.view, scene.width, scene.height);
    const of = (target: Target | null): UnitAt[] => (target?.kind === 'unit' ? [target] : target?.kind === 'link' ? [target.from, target.to] : []);
    const above = { ...scene, height: strip && !content.layout.vertical ? strip.y : scene.height };
    paintOverlay(above, content, this.boxes, drawn.pairs, { chosen: of(this.chosen), hover: of(this.over)[0] ?? null }, pen, this.surfaces.ruler);
    if (strip) paintOverview(scene, content, strip, pen);
    const { width, height, ratio } = this.surfaces, words = `${width} ${height} ${ratio} ${strokes.key}`;
    if (words !== this.words) strokes.drawWith(canvasPen(this.surfaces.words())); // seldom others than before
    this.words = words;
    this.surfaces.root.style.touchAction = strip || this.view.zoom > 1 ? 'none' : 'pan-y';
  }

  // Where drawing is slow, fewer lines.
  private measure(began: number, lines: number, moving: boolean): void {
    const pace = moving ? inMotion : this.still ? atStill : atRest;
    if (!this.painter || !pace.due(began, lines)) return;
    this.painter.whenDone(() => {
      const now = performance.now();
      if (pace.note(now - began, lines, this.look.strongest, now)) this.later();
    });
  }

  private describe(drawn: Drawn, now: number): void {
    if (now - this.describedAt < DESCRIBE_EVERY_MS) return;
    this.describedAt = now;
    this.surfaces.describe(sentenceOf(this.model, drawn), rowsOf(this.model, drawn));
  }

  hit(x: number, y: number): Target | null {
    const content = this.ready();
    return content && this.scene ? targetUnder(content, this.scene.lines, this.view, x, y) : null;
  }

  where(at: UnitAt): { x: number; y: number; radius: number } | null {
    const box = this.ready()?.layout.boxes[at.layer];
    if (!box || at.unit >= Math.max(1, box.units)) return null;
    const [x, y] = unitAt(box, at.unit), { zoom } = this.view, side = Math.min(box.w / Math.max(1, box.cols), box.h / Math.max(1, box.rows)) * zoom;
    return { x: x * zoom + this.view.x, y: y * zoom + this.view.y, radius: side * (box.form === 'maps' || box.pixels ? 0.5 : DOT.share) };
  }

  colourAt(at: UnitAt): [number, number, number] | null {
    const content = this.ready(), box = content?.layout.boxes[at.layer];
    if (!content || !box || box.form === 'word' || at.unit >= box.units) return null;
    const { bytes, tile } = content.cellsOf(at.layer), cell = 2 * at.unit * tile[0] * tile[1];
    return cellColour(this.theme, bytes[cell]!, bytes[cell + 1]!);
  }

  show(layer: number): void {
    const box = this.ready()?.layout.boxes[layer];
    if (box && !inSight(rectOf(box), this.view, this.surfaces.width, this.surfaces.height)) this.move(reveal(rectOf(box), this.view, this.surfaces.width, this.surfaces.height));
  }

  fit(): void {
    if (this.ready()) this.move(inSightWhole(this.layout!, this.surfaces.width, this.surfaces.height));
  }

  private move(view: View): void {
    if (!this.layout) return;
    this.view = clamped(view, this.layout, this.surfaces.width, this.surfaces.height);
    this.atHome = false;
    this.movedAt = performance.now();
    clearTimeout(this.settle);
    this.settle = setTimeout(() => this.later(), MOVING_MS + 20) as unknown as number;
    this.later();
  }

  pan(dx: number, dy: number): void { this.move(moved(this.view, dx, dy)); }

  // Waits until everything is drawn: to measure.
  finish(): void { this.painter?.finish(); }

  exportSvg(): string { return exportSvg(this.model, this.state, this.look, this.theme.mode, this.surfaces); }

  exportPng(scale = 2): Promise<Blob> { return exportPng(this.model, this.state, this.look, this.theme.mode, this.surfaces, scale); }

  close(): void {
    clearTimeout(this.settle);
    clearTimeout(this.stillness);
    cancelAnimationFrame(this.frame);
    this.frame = -1;
    for (const end of this.ends) end();
    this.painter?.gl.getExtension('WEBGL_lose_context')?.loseContext();
    this.surfaces.remove();
  }

  private handled(): Handled {
    return {
      ready: () => this.ready(), size: () => this.surfaces, view: () => this.view, chosen: () => this.chosen, hit: (x, y) => this.hit(x, y),
      hover: (target, x, y) => this.hover(target, x, y), choose: target => this.choose(target), move: view => this.move(view), fit: () => this.fit(),
    };
  }

  private hover(target: Target | null, x: number, y: number): void {
    const shown = (t: Target | null) => (t?.kind === 'unit' ? t.layer * 2 ** 32 + t.unit : -1);
    if (shown(target) !== shown(this.over)) this.later();
    this.over = target;
    this.surfaces.root.style.cursor = target && target.kind !== 'layer' ? 'pointer' : 'default';
    this.events.hover?.(target, x, y);
  }
}
