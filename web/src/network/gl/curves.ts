// Links as curves: one instance a line, a strip of quads along its cubic, feathered at the edges. The lines stay in world
// pixels on the card: panning and zooming touch only the view.
import { FLOATS, type Batch } from '../lines';
import { LINE, type Scene } from '../scene';
import { programOf, type GL, type Program } from './context';

const VERTEX = `
layout(location = 0) in vec4 a_ends;
layout(location = 1) in vec2 a_look;  // strength, sign
uniform vec3 u_view;
uniform vec2 u_size;
uniform float u_segments, u_vertical, u_share, u_dense, u_faint, u_ratio;
uniform sampler2D u_ramps;
uniform vec3 u_nonfinite;
out float v_side;
flat out vec4 v_ink;
flat out float v_half;
void main() {
  vec2 p0 = a_ends.xy * u_view.x + u_view.yz, p1 = a_ends.zw * u_view.x + u_view.yz, half_way = (p1 - p0) * 0.5;
  vec2 lead = u_vertical > 0.5 ? vec2(0.0, half_way.y) : vec2(half_way.x, 0.0), c0 = p0 + lead, c1 = p1 - lead;
  float t = float(gl_VertexID >> 1) / u_segments, r = 1.0 - t, s = a_look.x;
  vec2 at = r * r * r * p0 + 3.0 * r * r * t * c0 + 3.0 * r * t * t * c1 + t * t * t * p1;
  vec2 along = r * r * (c0 - p0) + 2.0 * r * t * (c1 - c0) + t * t * (p1 - c1);
  float size = length(along);
  vec2 across = size > 0.0 ? vec2(-along.y, along.x) / size : vec2(0.0, 1.0);
  v_half = 0.5 * (${LINE.width(0)} + ${(LINE.width(1) - LINE.width(0)).toFixed(3)} * s);
  v_side = (float(gl_VertexID & 1) * 2.0 - 1.0) * (v_half + 0.5 / u_ratio);
  at += across * v_side;
  gl_Position = vec4(at / u_size * vec2(2.0, -2.0) + vec2(-1.0, 1.0), 0.0, 1.0);
  int code = clamp(int(127.5 + a_look.y * (70.0 + 57.5 * s) + 0.5), 0, 255);
  vec3 ink = a_look.y == 0.0 ? u_nonfinite : texelFetch(u_ramps, ivec2(code, 1), 0).rgb;
  float opacity = u_share * (u_dense * (u_faint + 0.45 * s * s) + 0.4 * s * s * s);
  v_ink = vec4(ink * opacity, opacity);
}`;

const FRAGMENT = `
uniform float u_ratio;
in float v_side;
flat in vec4 v_ink;
flat in float v_half;
out vec4 colour;
void main() { colour = v_ink * clamp((v_half - abs(v_side)) * u_ratio + 0.5, 0.0, 1.0); }`;

const SHEET_VERTEX = `
void main() { gl_Position = vec4(vec2(gl_VertexID & 1, gl_VertexID >> 1) * 2.0 - 1.0, 0.0, 1.0); }`;

const SHEET_FRAGMENT = `
uniform sampler2D u_layer;
out vec4 colour;
void main() {
  colour = texelFetch(u_layer, ivec2(gl_FragCoord.xy), 0);
  if (colour.a == 0.0) discard;
}`;

interface Sheet { frame: WebGLFramebuffer; texture: WebGLTexture }

function sheetOf(gl: GL, width: number, height: number): Sheet {
  const sheet = { frame: gl.createFramebuffer()!, texture: gl.createTexture()! };
  gl.activeTexture(gl.TEXTURE2);
  gl.bindTexture(gl.TEXTURE_2D, sheet.texture);
  gl.texStorage2D(gl.TEXTURE_2D, 1, gl.RGBA8, width, height);
  for (const side of [gl.TEXTURE_MIN_FILTER, gl.TEXTURE_MAG_FILTER]) gl.texParameteri(gl.TEXTURE_2D, side, gl.NEAREST);
  gl.bindFramebuffer(gl.FRAMEBUFFER, sheet.frame);
  gl.framebufferTexture2D(gl.FRAMEBUFFER, gl.COLOR_ATTACHMENT0, gl.TEXTURE_2D, sheet.texture, 0);
  return sheet;
}

interface Held { array: WebGLVertexArrayObject; buffer: WebGLBuffer; data: Float32Array | null; seen: number }

export class Curves {
  private program: Program;
  private held = new Map<string, Held>();
  private round = 0;
  private sheet: Program;
  private plain: WebGLVertexArrayObject;

  constructor(private gl: GL) {
    this.program = programOf(gl, VERTEX, FRAGMENT);
    this.sheet = programOf(gl, SHEET_VERTEX, SHEET_FRAGMENT);
    this.plain = gl.createVertexArray()!;
  }

  private hold(key: string, batch: Batch): Held {
    const { gl } = this;
    let held = this.held.get(key);
    if (!held) this.held.set(key, (held = { array: gl.createVertexArray()!, buffer: gl.createBuffer()!, data: null, seen: 0 }));
    if (held.data !== batch.data) {
      gl.bindBuffer(gl.ARRAY_BUFFER, held.buffer);
      gl.bufferData(gl.ARRAY_BUFFER, batch.data, gl.DYNAMIC_DRAW);
      held.data = batch.data;
    }
    held.seen = this.round;
    return held;
  }

  // Only the last `count` lines, by where the instances begin.
  private drawOne(key: string, batch: Batch, count: number, segments: number): void {
    const { gl } = this, held = this.hold(key, batch), first = 4 * FLOATS * (batch.count - count);
    gl.bindVertexArray(held.array);
    gl.bindBuffer(gl.ARRAY_BUFFER, held.buffer);
    [4, 2].forEach((size, i) => {
      gl.enableVertexAttribArray(i);
      gl.vertexAttribPointer(i, size, gl.FLOAT, false, 4 * FLOATS, first + 16 * i);
      gl.vertexAttribDivisor(i, 1);
    });
    gl.uniform1f(this.program.at('u_segments'), segments);
    gl.uniform1f(this.program.at('u_dense'), LINE.share(count));
    gl.drawArraysInstanced(gl.TRIANGLE_STRIP, 0, 2 * segments + 2, count);
  }

  // The lines alone, and the lines over the background: what most of the picture is made of is then a plain copy.
  private alone: Sheet | null = null;
  private whole: Sheet | null = null;
  private size = '';
  private drawnKey: unknown[] = [];

  // Lines change seldom, units often: they are kept as sheets and made anew only when something about them changed.
  // True: they were.
  keep(scene: Scene, background: [number, number, number], segments: number, uniforms: (p: Program) => void): boolean {
    const { gl } = this, { width, height, view } = scene, key = [gl.drawingBufferWidth, gl.drawingBufferHeight, width, height, view.zoom, view.x, view.y, scene.mode, segments,
      ...scene.lines.flatMap(l => [l.batch.data, l.count]), ...scene.chosen.map(b => b.data)];
    if (key.length === this.drawnKey.length && key.every((part, i) => part === this.drawnKey[i])) return false;
    this.drawnKey = key;
    this.room(gl.drawingBufferWidth, gl.drawingBufferHeight);
    gl.bindFramebuffer(gl.FRAMEBUFFER, this.alone!.frame);
    gl.clearColor(0, 0, 0, 0);
    gl.clear(gl.COLOR_BUFFER_BIT);
    this.draw(scene, segments, uniforms);
    gl.bindFramebuffer(gl.FRAMEBUFFER, this.whole!.frame);
    gl.clearColor(...background, 1);
    gl.clear(gl.COLOR_BUFFER_BIT);
    this.lay();
    gl.bindFramebuffer(gl.FRAMEBUFFER, null);
    return scene.lines.some(l => l.count > 0);
  }

  private room(width: number, height: number): void {
    if (this.size === `${width} ${height}`) return;
    this.size = `${width} ${height}`;
    for (const old of [this.alone, this.whole]) if (old) this.gl.deleteFramebuffer(old.frame), this.gl.deleteTexture(old.texture);
    this.alone = sheetOf(this.gl, width, height);
    this.whole = sheetOf(this.gl, width, height);
  }

  // Background and lines, as kept.
  copy(): void {
    const { gl } = this, w = gl.drawingBufferWidth, h = gl.drawingBufferHeight;
    gl.bindFramebuffer(gl.READ_FRAMEBUFFER, this.whole!.frame);
    gl.bindFramebuffer(gl.DRAW_FRAMEBUFFER, null);
    gl.blitFramebuffer(0, 0, w, h, 0, 0, w, h, gl.COLOR_BUFFER_BIT, gl.NEAREST);
    gl.bindFramebuffer(gl.FRAMEBUFFER, null);
  }

  // The lines over a part of what is there, in device pixels from below.
  over(x: number, y: number, w: number, h: number): void {
    const { gl } = this;
    gl.enable(gl.SCISSOR_TEST);
    gl.scissor(Math.round(x), Math.round(y), Math.round(x + w) - Math.round(x), Math.round(y + h) - Math.round(y));
    this.lay();
    gl.disable(gl.SCISSOR_TEST);
  }

  private lay(): void {
    const { gl, sheet } = this;
    gl.activeTexture(gl.TEXTURE2);
    gl.bindTexture(gl.TEXTURE_2D, this.alone!.texture);
    gl.useProgram(sheet.program);
    gl.uniform1i(sheet.at('u_layer'), 2);
    gl.bindVertexArray(this.plain);
    gl.drawArrays(gl.TRIANGLE_STRIP, 0, 4);
    gl.bindVertexArray(null);
  }

  draw(scene: Scene, segments: number, uniforms: (p: Program) => void): void {
    const { gl, program } = this;
    this.round++;
    gl.useProgram(program.program);
    uniforms(program);
    gl.uniform1f(program.at('u_vertical'), scene.vertical ? 1 : 0);
    gl.uniform1f(program.at('u_faint'), LINE.faint[scene.mode]);
    gl.uniform1f(program.at('u_share'), scene.chosen.length ? LINE.dim : 1);
    for (const { batch, count } of scene.lines) if (count) this.drawOne(`${batch.link.layer} ${batch.link.tensor}`, batch, count, segments);
    gl.uniform1f(program.at('u_share'), 1);
    scene.chosen.forEach((batch, i) => batch.count && this.drawOne(`chosen ${i}`, batch, batch.count, 2 * segments));
    gl.bindVertexArray(null);
    this.drop();
  }

  // Buffers out of sight for long are given back.
  private drop(): void {
    if (this.round % 256) return;
    for (const [key, held] of this.held) {
      if (this.round - held.seen < 256) continue;
      this.gl.deleteBuffer(held.buffer);
      this.gl.deleteVertexArray(held.array);
      this.held.delete(key);
    }
  }
}
