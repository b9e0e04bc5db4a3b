// Links as curves: a strip of quads along each cubic, feathered at the edges. The lines stay in world pixels on the card: panning
// and zooming touch only the view. All lines of a batch are one plain strip, which finds its line in a texture: renderers in software
// draw instances one by one. What depends on the place along the curve alone (both axes and their slopes, as cubicOf of
// scene.ts draws it) comes from a table, a line's hue from the processor.
//
//     texels of a line: x0 y0 x1 y1 (bits of floats); strength (bits of a float), hue (bytes R G B), 0, 0
import { FLOATS, type Batch } from '../lines';
import { rampOf } from '../scale';
import { sameList } from '../same';
import { LINE, NONFINITE_RGB, type Scene } from '../scene';
import { LIST_WIDTH, listKinds, listTexture, programOf, putList, type GL, type Program } from './context';

const SEGMENTS = { rest: 12, moving: 9, chosen: 24 };

const VERTEX = `
uniform highp usampler2D u_lines;
uniform int u_first, u_segments;
uniform vec4 u_curve[${SEGMENTS.chosen + 1}]; // shares of the way along both axes, and their slopes
uniform vec3 u_view;
uniform vec2 u_size;
uniform float u_share, u_dense, u_faint, u_ratio;
out float v_side;      // device pixels from the middle
flat out float v_edge; // where nothing is left of the line
flat out vec4 v_ink;
uvec4 texel(int i) { return texelFetch(u_lines, ivec2(i & ${LIST_WIDTH - 1}, i >> ${Math.log2(LIST_WIDTH)}), 0); }
void main() {
  // From line to line the strip goes through its ends twice: triangles without area.
  int each = 2 * u_segments + 4, line = gl_VertexID / each, corner = clamp(gl_VertexID - line * each - 1, 0, each - 3);
  uvec4 look = texel(2 * (u_first + line) + 1);
  vec4 ends = uintBitsToFloat(texel(2 * (u_first + line))), curve = u_curve[corner >> 1];
  vec2 way = ends.zw - ends.xy, along = way * curve.zw;
  float s = uintBitsToFloat(look.x), half_wide = 0.5 * (${LINE.width(0)} + ${(LINE.width(1) - LINE.width(0)).toFixed(3)} * s) + 0.5 / u_ratio;
  float side = (corner & 1) == 0 ? half_wide : -half_wide;
  vec2 at = (ends.xy + way * curve.xy) * u_view.x + u_view.yz + vec2(-along.y, along.x) * (side * inversesqrt(max(dot(along, along), 1e-12)));
  gl_Position = vec4(at / u_size * vec2(2.0, -2.0) + vec2(-1.0, 1.0), 0.0, 1.0);
  v_side = side * u_ratio;
  v_edge = half_wide * u_ratio;
  float opacity = u_share * (u_dense * (u_faint + 0.45 * s * s) + 0.4 * s * s * s);
  v_ink = vec4(vec3(look.y & 255u, (look.y >> 8u) & 255u, look.y >> 16u) * (opacity / 255.0), opacity);
}`;

const FRAGMENT = `
in float v_side;
flat in float v_edge;
flat in vec4 v_ink;
out vec4 colour;
void main() { colour = v_ink * clamp(v_edge - abs(v_side), 0.0, 1.0); }`;

// Places along the curve, denser where it bends (its second derivative grows from the middle to both ends).
function curveTable(segments: number, vertical: boolean): Float32Array {
  const table = new Float32Array(4 * (segments + 1));
  for (let i = 0; i <= segments; i++) {
    const v = (2 * i) / segments - 1, t = 0.5 + 0.5 * Math.sign(v) * Math.abs(v) ** (2 / 3);
    const main = 1.5 * t * (1 - t) + t ** 3, cross = t * t * (3 - 2 * t), slope = 1.5 * (1 - 2 * t) + 3 * t * t, steep = 6 * t * (1 - t);
    table.set(vertical ? [cross, main, steep, slope] : [main, cross, slope, steep], 4 * i);
  }
  return table;
}

const WORDS = 8;

// The texels of a batch; hues are steps of the signed ramp, as lineColour of scene.ts.
function texelsOf({ data, count }: Batch, mode: Scene['mode']): Uint32Array {
  const words = new Uint32Array(WORDS * count), numbers = new Float32Array(words.buffer), ramp = rampOf('signed', mode), none = NONFINITE_RGB[mode];
  for (let i = 0; i < count; i++) {
    const from = FLOATS * i, to = WORDS * i, strength = data[from + 4]!, sign = data[from + 5]!, at = 4 * Math.min(255, Math.max(0, LINE.code(strength, sign)));
    for (let k = 0; k < 5; k++) numbers[to + k] = data[from + k]!;
    words[to + 5] = sign ? ramp[at]! | (ramp[at + 1]! << 8) | (ramp[at + 2]! << 16) : none[0] | (none[1] << 8) | (none[2] << 16);
  }
  return words;
}

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

interface Held { texture: WebGLTexture; rows: number; data: Float32Array | null; mode: Scene['mode'] | null; seen: number }

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

  // The batch in a texture, bound.
  private hold(key: string, batch: Batch, mode: Scene['mode']): void {
    const { gl } = this, rows = Math.ceil((2 * batch.count) / LIST_WIDTH), kind = listKinds(gl).lines;
    let held = this.held.get(key);
    if (held && held.rows < rows) gl.deleteTexture(held.texture), (held = undefined);
    if (!held) this.held.set(key, (held = { texture: listTexture(gl, kind, rows), rows, data: null, mode: null, seen: 0 }));
    gl.bindTexture(gl.TEXTURE_2D, held.texture);
    if (held.data !== batch.data || held.mode !== mode) putList(gl, kind, 0, texelsOf(batch, mode), 2 * batch.count);
    held.data = batch.data;
    held.mode = mode;
    held.seen = this.round;
  }

  // Only the last `count` lines.
  private drawOne(key: string, batch: Batch, count: number, segments: number, scene: Scene): void {
    const { gl, program } = this;
    this.hold(key, batch, scene.mode);
    gl.uniform1i(program.at('u_segments'), segments);
    gl.uniform1i(program.at('u_first'), batch.count - count);
    gl.uniform4fv(program.at('u_curve'), curveTable(segments, scene.vertical));
    gl.uniform1f(program.at('u_dense'), LINE.share(count));
    gl.drawArrays(gl.TRIANGLE_STRIP, 0, (2 * segments + 4) * count);
  }

  private kept: Sheet | null = null; // the lines alone
  private size = '';
  private drawnKey: unknown[] = [];

  // Lines change seldom, units often: they are kept as a sheet and made anew only when something about them changed.
  // True: they were.
  keep(scene: Scene, uniforms: (p: Program) => void): boolean {
    const { gl } = this, { width, height, view } = scene, key = [gl.drawingBufferWidth, gl.drawingBufferHeight, width, height, view.zoom, view.x, view.y, scene.mode,
      ...scene.lines.flatMap(l => [l.batch.data, l.count]), ...scene.chosen.map(b => b.data)];
    if (sameList(key, this.drawnKey)) return false;
    this.drawnKey = key;
    gl.bindFramebuffer(gl.FRAMEBUFFER, this.sheetFor(gl.drawingBufferWidth, gl.drawingBufferHeight).frame);
    gl.clearColor(0, 0, 0, 0);
    gl.clear(gl.COLOR_BUFFER_BIT);
    this.draw(scene, false, uniforms);
    gl.bindFramebuffer(gl.FRAMEBUFFER, null);
    return true;
  }

  private sheetFor(width: number, height: number): Sheet {
    if (this.kept && this.size === `${width} ${height}`) return this.kept;
    if (this.kept) this.gl.deleteFramebuffer(this.kept.frame), this.gl.deleteTexture(this.kept.texture);
    this.size = `${width} ${height}`;
    return (this.kept = sheetOf(this.gl, width, height));
  }

  // The kept lines over what is there.
  lay(): void {
    const { gl, sheet } = this;
    gl.activeTexture(gl.TEXTURE2);
    gl.bindTexture(gl.TEXTURE_2D, this.kept!.texture);
    gl.useProgram(sheet.program);
    gl.uniform1i(sheet.at('u_layer'), 2);
    gl.bindVertexArray(this.plain);
    gl.drawArrays(gl.TRIANGLE_STRIP, 0, 4);
    gl.bindVertexArray(null);
  }

  draw(scene: Scene, moving: boolean, uniforms: (p: Program) => void): void {
    const { gl, program } = this, segments = moving ? SEGMENTS.moving : SEGMENTS.rest;
    this.round++;
    gl.useProgram(program.program);
    uniforms(program);
    gl.activeTexture(gl.TEXTURE0);
    gl.uniform1i(program.at('u_lines'), 0);
    gl.bindVertexArray(this.plain);
    gl.uniform1f(program.at('u_faint'), LINE.faint[scene.mode]);
    gl.uniform1f(program.at('u_share'), scene.chosen.length ? LINE.dim : 1);
    for (const { batch, count } of scene.lines) if (count) this.drawOne(`${batch.link.layer} ${batch.link.tensor}`, batch, count, segments, scene);
    gl.uniform1f(program.at('u_share'), 1);
    scene.chosen.forEach((batch, i) => batch.count && this.drawOne(`chosen ${i}`, batch, batch.count, SEGMENTS.chosen, scene));
    gl.bindVertexArray(null);
    this.drop();
  }

  // Buffers out of sight for long are given back.
  private drop(): void {
    if (this.round % 256) return;
    for (const [key, held] of this.held) {
      if (this.round - held.seen < 256) continue;
      this.gl.deleteTexture(held.texture);
      this.held.delete(key);
    }
  }
}
