// Weight matrices as textures: halves and codes go up as they came, the shader turns them into steps of the ramp. Where a pixel
// covers several cells, it shows the one of largest |value|, as folding does.
import { STEPS } from '../scale';
import type { MatrixBlock, Scene } from '../scene';
import { LIST_WIDTH, listKinds, listTexture, programOf, putList, type GL, type ListKind, type Program } from './context';

const VERTEX = `
uniform vec4 u_rect;
uniform vec3 u_view;
uniform vec2 u_size;
out vec2 v_uv;
void main() {
  v_uv = vec2(gl_VertexID & 1, gl_VertexID >> 1);
  vec2 at = (u_rect.xy + v_uv * u_rect.zw) * u_view.x + u_view.yz;
  gl_Position = vec4(at / u_size * vec2(2.0, -2.0) + vec2(-1.0, 1.0), 0.0, 1.0);
}`;

// read(i): the i-th value, before its scale; sets bad when it is not finite.
const READ: Record<'halves' | 'codes' | 'floats', string> = {
  halves: `uniform highp usampler2D u_data;
float read(ivec2 i, inout bool bad) { uint raw = texelFetch(u_data, i, 0).r; if ((raw & 0x7c00u) == 0x7c00u) bad = true; return unpackHalf2x16(raw).x; }`,
  codes: `uniform highp isampler2D u_data;
float read(ivec2 i, inout bool bad) { int raw = texelFetch(u_data, i, 0).r; if (raw == -128) bad = true; return float(raw); }`,
  floats: `uniform highp usampler2D u_data;
float read(ivec2 i, inout bool bad) { uint raw = texelFetch(u_data, i, 0).r; if ((raw & 0x7f800000u) == 0x7f800000u) bad = true; return uintBitsToFloat(raw); }`,
};

const FRAGMENT = `
uniform sampler2D u_ramps;
uniform ivec2 u_shape;   // columns, rows
uniform vec2 u_each;     // cells a pixel
uniform vec3 u_scale;    // of the values, low, high
uniform bool u_log;
uniform vec3 u_nonfinite;
in vec2 v_uv;
out vec4 colour;
void main() {
  vec2 place = v_uv * vec2(u_shape);
  ivec2 last = u_shape - 1, from = ivec2(place - max(vec2(0.0), 0.5 * u_each - 0.5)), count = ivec2(clamp(ceil(u_each), vec2(1.0), vec2(32.0)));
  if (u_each.x <= 1.0) from.x = int(place.x);
  if (u_each.y <= 1.0) from.y = int(place.y);
  float value = 0.0;
  bool bad = false;
  for (int y = 0; y < count.y; y++) {
    int row = clamp(from.y + y, 0, last.y) * u_shape.x;
    for (int x = 0; x < count.x; x++) {
      int i = row + clamp(from.x + x, 0, last.x);
      float v = read(ivec2(i & ${LIST_WIDTH - 1}, i / ${LIST_WIDTH}), bad);
      if (abs(v) > abs(value)) value = v;
    }
  }
  value *= u_scale.x;
  float size = abs(value), share = u_log ? (size > 0.0 ? log(size / u_scale.y) / log(u_scale.z / u_scale.y) : 0.0) : size / u_scale.z;
  share = 0.5 + 0.5 * sign(value) * clamp(share, 0.0, 1.0);
  vec3 ink = bad ? u_nonfinite : texelFetch(u_ramps, ivec2(int(share * ${STEPS}.0 + 0.5), 1), 0).rgb;
  colour = vec4(ink, 1.0);
}`;

interface Held { texture: WebGLTexture; kind: string; rows: number; data: ArrayBufferView | null; seen: number }

const kindOf = (data: ArrayBufferView): 'halves' | 'codes' | 'floats' => (data instanceof Float32Array ? 'floats' : data instanceof Int8Array ? 'codes' : 'halves');

export class Matrices {
  private programs = new Map<string, Program>();
  private held = new Map<string, Held>();
  private round = 0;
  private array: WebGLVertexArrayObject;

  constructor(private gl: GL, private most: number) {
    this.array = gl.createVertexArray()!;
  }

  private programFor(kind: 'halves' | 'codes' | 'floats'): Program {
    let program = this.programs.get(kind);
    if (!program) this.programs.set(kind, (program = programOf(this.gl, VERTEX, READ[kind] + FRAGMENT)));
    return program;
  }

  private hold(key: string, data: ArrayBufferView & { length: number }): Held | null {
    const { gl } = this, kind = kindOf(data), rows = Math.ceil(data.length / LIST_WIDTH), format: ListKind = listKinds(gl)[kind];
    if (rows > this.most || rows === 0) return null;
    let held = this.held.get(key);
    if (held && (held.kind !== kind || held.rows !== rows)) gl.deleteTexture(held.texture), (held = undefined);
    if (!held) this.held.set(key, (held = { texture: listTexture(gl, format, rows), kind, rows, data: null, seen: 0 }));
    gl.bindTexture(gl.TEXTURE_2D, held.texture);
    const bits = data instanceof Float32Array ? new Uint32Array(data.buffer, data.byteOffset, data.length) : data;
    if (held.data !== data) putList(gl, format, 0, bits, data.length);
    held.data = data;
    held.seen = this.round;
    return held;
  }

  private drawOne(scene: Scene, { key, rect, matrix, scale }: MatrixBlock, uniforms: (p: Program) => void): void {
    const { gl } = this, program = this.programFor(kindOf(matrix.data)), pixel = scene.view.zoom * scene.ratio;
    gl.activeTexture(gl.TEXTURE0);
    if (!this.hold(key, matrix.data)) return;
    gl.useProgram(program.program);
    uniforms(program);
    gl.uniform1i(program.at('u_data'), 0);
    gl.uniform4f(program.at('u_rect'), rect.x, rect.y, rect.w, rect.h);
    gl.uniform2i(program.at('u_shape'), matrix.cols, matrix.rows);
    gl.uniform2f(program.at('u_each'), matrix.cols / (rect.w * pixel), matrix.rows / (rect.h * pixel));
    gl.uniform3f(program.at('u_scale'), matrix.data instanceof Float32Array ? 1 : matrix.scale, scale.low, scale.high);
    gl.uniform1i(program.at('u_log'), scale.log ? 1 : 0);
    gl.drawArrays(gl.TRIANGLE_STRIP, 0, 4);
  }

  draw(scene: Scene, uniforms: (p: Program) => void): void {
    if (!scene.matrices.length) return;
    this.round++;
    this.gl.bindVertexArray(this.array);
    for (const m of scene.matrices) this.drawOne(scene, m, uniforms);
    this.gl.bindVertexArray(null);
    for (const [key, held] of this.held) if (this.round - held.seen > 64) this.gl.deleteTexture(held.texture), this.held.delete(key);
  }
}
