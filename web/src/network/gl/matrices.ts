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

// size(i): |value| of the i-th as an integer that sorts as it does, what is not finite above all; value(i): before its scale.
const READ: Record<'halves' | 'codes' | 'floats', string> = {
  halves: `uniform highp usampler2D u_data;
int size(ivec2 i) { return int(texelFetch(u_data, i, 0).r & 0x7fffu); }
float value(ivec2 i) { return unpackHalf2x16(texelFetch(u_data, i, 0).r).x; }
const int FINITE = 0x7c00;`,
  codes: `uniform highp isampler2D u_data;
int size(ivec2 i) { return abs(texelFetch(u_data, i, 0).r); }
float value(ivec2 i) { return float(texelFetch(u_data, i, 0).r); }
const int FINITE = 128;`,
  floats: `uniform highp usampler2D u_data;
int size(ivec2 i) { return int(texelFetch(u_data, i, 0).r & 0x7fffffffu); }
float value(ivec2 i) { return uintBitsToFloat(texelFetch(u_data, i, 0).r); }
const int FINITE = 0x7f800000;`,
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
ivec2 texel(int i) { return ivec2(i & ${LIST_WIDTH - 1}, i >> ${Math.log2(LIST_WIDTH)}); }
void main() {
  vec2 place = v_uv * vec2(u_shape), half_way = max(vec2(0.0), 0.5 * u_each - 0.5);
  ivec2 from = clamp(ivec2(place - half_way), ivec2(0), u_shape - 1), to = min(from + ivec2(clamp(ceil(u_each), vec2(1.0), vec2(32.0))), u_shape);
  int best = from.y * u_shape.x + from.x, most = -1;
  for (int y = from.y; y < to.y; y++) {
    int i = y * u_shape.x + from.x;
    for (int x = from.x; x < to.x; x++, i++) {
      int now = size(texel(i));
      if (now > most) { most = now; best = i; }
    }
  }
  if (most >= FINITE) {
    colour = vec4(u_nonfinite, 1.0);
    return;
  }
  float v = value(texel(best)) * u_scale.x, magnitude = abs(v);
  float share = u_log ? (magnitude > 0.0 ? log(magnitude / u_scale.y) / log(u_scale.z / u_scale.y) : 0.0) : magnitude / u_scale.z;
  share = 0.5 + 0.5 * sign(v) * clamp(share, 0.0, 1.0);
  colour = vec4(texelFetch(u_ramps, ivec2(int(share * ${STEPS}.0 + 0.5), 1), 0).rgb, 1.0);
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
