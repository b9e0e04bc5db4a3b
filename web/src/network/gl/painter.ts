// A scene by WebGL2. One painter a context: after a loss a new one is made of the restored context, nothing else is kept here.
import type { Mode } from '../../look/ramps';
import type { Rect } from '../layout';
import { sameList } from '../same';
import { NONFINITE, rampOf } from '../scale';
import { isUnder, rgbOf, unknownOf, type Scene } from '../scene';
import { Blocks } from './blocks';
import type { GL, Program } from './context';
import { Curves } from './curves';
import { Matrices } from './matrices';

// Everything but cells that the picture follows from; what is kept of lines is for Curves to say. Empty: matrices change as cells do.
function frameOf(scene: Scene, gl: GL, lined: boolean): unknown[] {
  const { width, height, view, mode } = scene;
  if (scene.matrices.length) return [];
  return [lined, gl.drawingBufferWidth, gl.drawingBufferHeight, width, height, view.zoom, view.x, view.y, mode,
    ...scene.blocks.flatMap(({ key, rect, cols, rows, style }) => [key, rect.x, rect.y, rect.w, rect.h, cols, rows, style])];
}

const PARTS_MOST = 64;

// Whether a few parts that lie apart are all that is to be drawn: where two meet, lines would lie twice.
const areApart = (parts: Rect[]): boolean => parts.length <= PARTS_MOST && parts.every((a, i) => parts.every((b, k) =>
  k <= i || a.x + a.w <= b.x || b.x + b.w <= a.x || a.y + a.h <= b.y || b.y + b.h <= a.y));

// In device pixels from below, all that it touches.
function pixelsOf({ view, ratio, height }: Scene, { x, y, w, h }: Rect): Rect {
  const scale = view.zoom * ratio, left = Math.floor(x * scale + view.x * ratio) - 1, low = Math.floor((height - view.y) * ratio - (y + h) * scale) - 1;
  return { x: left, y: low, w: Math.max(0, Math.ceil(w * scale) + 3), h: Math.max(0, Math.ceil(h * scale) + 3) };
}

// What is to be drawn where only cells are others: their blocks, or all of it.
function partsOf(scene: Scene): Rect[] | [null] {
  const parts = scene.blocks.map(b => pixelsOf(scene, b.rect));
  return areApart(parts) ? parts : [null];
}

const share = (hex: string) => rgbOf(hex).map(v => v / 255) as [number, number, number];

export function contextOf(canvas: HTMLCanvasElement): GL | null {
  return canvas.getContext('webgl2', { alpha: true, antialias: false, depth: false, stencil: false, preserveDrawingBuffer: true, powerPreference: 'low-power' });
}

export class Painter {
  private ramps: WebGLTexture;
  private mode: Mode | null = null;
  private blocks: Blocks;
  private curves: Curves;
  private matrices: Matrices;
  private pixel = new Uint8Array(4);
  private frame: unknown[] = []; // what stands in the buffer follows from it; empty: nothing is known

  constructor(readonly gl: GL) {
    const most = Math.min(8192, gl.getParameter(gl.MAX_TEXTURE_SIZE) as number);
    this.ramps = gl.createTexture()!;
    this.blocks = new Blocks(gl, most);
    this.curves = new Curves(gl);
    this.matrices = new Matrices(gl, most);
  }

  private setMode(mode: Mode): void {
    const { gl } = this, rows = new Uint8Array(1024 * 4);
    [rampOf('magnitude', mode), rampOf('signed', mode), rampOf('pixels', mode)].forEach((ramp, i) => rows.set(ramp, 1024 * i));
    gl.bindTexture(gl.TEXTURE_2D, this.ramps);
    gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGBA8, 256, 4, 0, gl.RGBA, gl.UNSIGNED_BYTE, rows);
    for (const side of [gl.TEXTURE_MIN_FILTER, gl.TEXTURE_MAG_FILTER]) gl.texParameteri(gl.TEXTURE_2D, side, gl.NEAREST);
    this.mode = mode;
  }

  // moving: the next picture will be another one, nothing is kept for it. True: the lines were drawn anew (only then does it
  // cost much). Where only cells are others than before, only their blocks are drawn.
  draw(scene: Scene, moving = false): boolean {
    const { gl } = this, { view, ink, mode } = scene;
    gl.activeTexture(gl.TEXTURE1);
    if (this.mode !== mode) this.setMode(mode);
    gl.bindTexture(gl.TEXTURE_2D, this.ramps);
    gl.viewport(0, 0, gl.drawingBufferWidth, gl.drawingBufferHeight);
    gl.enable(gl.BLEND);
    gl.blendFunc(gl.ONE, gl.ONE_MINUS_SRC_ALPHA);
    const uniforms = (p: Program) => {
      gl.uniform3f(p.at('u_view'), view.zoom, view.x, view.y);
      gl.uniform2f(p.at('u_size'), scene.width, scene.height);
      gl.uniform1f(p.at('u_ratio'), scene.ratio);
      gl.uniform1i(p.at('u_cells'), 0);
      gl.uniform1i(p.at('u_ramps'), 1);
      gl.uniform3f(p.at('u_unknown'), ...share(unknownOf(mode)));
      gl.uniform3f(p.at('u_nonfinite'), ...share(NONFINITE[mode]));
      gl.uniform3f(p.at('u_bad'), ...share(ink.bad));
      gl.uniform3f(p.at('u_warn'), ...share(ink.warn));
      gl.uniform3f(p.at('u_bg'), ...share(ink.bg));
    };
    const lined = scene.lines.length + scene.chosen.length > 0, anew = lined && (moving || this.curves.keep(scene, uniforms));
    const standing = this.standsAs(moving ? [] : frameOf(scene, gl, lined)) && !anew, parts = standing ? partsOf(scene) : [null];
    for (const part of parts) this.within(part, () => this.clear(share(ink.bg)));
    this.blocks.draw(scene.blocks.filter(isUnder), view.zoom, uniforms);
    if (moving) this.curves.draw(scene, true, uniforms);
    else if (lined) for (const part of parts) this.within(part, () => this.curves.lay());
    this.blocks.draw(scene.blocks.filter(b => !isUnder(b)), view.zoom, uniforms);
    this.matrices.draw(scene, uniforms);
    gl.flush();
    return anew && scene.lines.some(l => l.count > 0);
  }

  // Whether all but cells is as it was drawn last, which is then noted.
  private standsAs(frame: unknown[]): boolean {
    const same = frame.length > 0 && sameList(frame, this.frame);
    this.frame = frame;
    return same;
  }

  private within(part: Rect | null, draw: () => void): void {
    const { gl } = this;
    if (!part) return draw();
    gl.enable(gl.SCISSOR_TEST);
    gl.scissor(part.x, part.y, part.w, part.h);
    draw();
    gl.disable(gl.SCISSOR_TEST);
  }

  private clear(background: [number, number, number]): void {
    this.gl.clearColor(...background, 1);
    this.gl.clear(this.gl.COLOR_BUFFER_BIT);
  }

  // Says when all that was asked for until now has been drawn, without waiting for it.
  whenDone(done: () => void): void {
    const { gl } = this, fence = gl.fenceSync(gl.SYNC_GPU_COMMANDS_COMPLETE, 0);
    if (!fence) return;
    gl.flush();
    const look = () => {
      if (gl.isContextLost()) return;
      if (gl.getSyncParameter(fence, gl.SYNC_STATUS) !== gl.SIGNALED) return void setTimeout(look, 4);
      gl.deleteSync(fence);
      done();
    };
    setTimeout(look, 0);
  }

  // Waits until everything is drawn.
  finish(): void {
    this.gl.readPixels(0, 0, 1, 1, this.gl.RGBA, this.gl.UNSIGNED_BYTE, this.pixel);
  }
}
