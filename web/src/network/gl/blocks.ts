// Blocks of cells: one draw for all of one kind, one instance a block. The two bytes of each cell lie in one texture; a cell's colour
// is one texel of the ramps, so that what is seen is exactly a step of the legend.
import type { Cells } from '../cells';
import { DOT, type Block } from '../scene';
import { LIST_WIDTH, listKinds, listTexture, programOf, putList, type GL, type Program } from './context';

const FLOATS = 10;

const VERTEX = `
layout(location = 0) in vec4 a_rect;
layout(location = 1) in vec4 a_grid;  // columns, rows, units, first row of the texture
layout(location = 2) in vec2 a_tile;  // width, height of a unit's map
uniform vec3 u_view;
uniform vec2 u_size;
out vec2 v_p;
flat out ivec4 v_grid;
flat out ivec2 v_tile;
flat out vec2 v_cell;
void main() {
  vec2 corner = vec2(gl_VertexID & 1, gl_VertexID >> 1);
  vec2 at = (a_rect.xy + corner * a_rect.zw) * u_view.x + u_view.yz;
  gl_Position = vec4(at / u_size * vec2(2.0, -2.0) + vec2(-1.0, 1.0), 0.0, 1.0);
  v_p = corner * a_grid.xy;
  v_grid = ivec4(a_grid);
  v_tile = ivec2(a_tile);
  v_cell = a_rect.zw * u_view.x / a_grid.xy;
}`;

// What all kinds of cells share.
const COMMON = `
uniform highp usampler2D u_cells;
uniform sampler2D u_ramps;
uniform float u_ratio; // device pixels a CSS pixel
uniform vec3 u_unknown, u_nonfinite, u_bad, u_warn, u_bg;
in vec2 v_p;
flat in ivec4 v_grid;
flat in ivec2 v_tile;
flat in vec2 v_cell;
out vec4 colour;
uvec2 cell(int i) { return texelFetch(u_cells, ivec2(i & ${LIST_WIDTH - 1}, v_grid.w + (i >> ${Math.log2(LIST_WIDTH)})), 0).rg; }
vec3 shade(uvec2 c) {
  if ((c.g & 24u) != 0u) return (c.g & 8u) != 0u ? u_nonfinite : u_unknown;
  return texelFetch(u_ramps, ivec2(int(c.r), int(c.g >> 5u) & 3), 0).rgb;
}
void over(vec3 ink, float share) { colour = mix(colour, vec4(ink, 1.0), clamp(share, 0.0, 1.0)); }
`;

// The cell that has most to say where a pixel covers several: what is not finite, then the step furthest from nothing.
const STRONGEST = `
int weight(uvec2 c) {
  if ((c.g & 152u) != 0u) return (c.g & 8u) != 0u ? 1000 : -1;
  return ((c.g >> 5u) & 3u) == 1u ? abs(2 * int(c.r) - 255) : int(c.r);
}
uvec2 strongest(ivec2 from, ivec2 count, ivec2 bound, int base, int limit) {
  uvec2 best = uvec2(0u, 128u);
  int most = -2;
  for (int y = 0; y < count.y; y++) for (int x = 0; x < count.x; x++) {
    ivec2 at = min(from + ivec2(x, y), bound - 1);
    int i = at.y * bound.x + at.x;
    if (i >= limit) continue;
    uvec2 c = cell(base + i);
    int w = weight(c);
    if (w > most) { most = w; best = c; }
  }
  return best;
}
`;

// One program a kind: a software renderer pays for every branch that is there.
const FRAGMENT = {
  square: COMMON + `
void main() {
  ivec2 place = min(ivec2(v_p), v_grid.xy - 1);
  int unit = place.y * v_grid.x + place.x;
  float gap = min(v_cell.x, v_cell.y) > ${DOT.marksFrom.toFixed(1)} ? 0.5 : 0.0;
  // Between the pixels the background: the lines that were copied there come over the whole block once more.
  bool between = unit >= v_grid.z || any(greaterThan(abs((v_p - vec2(place) - 0.5) * v_cell), v_cell * 0.5 - gap));
  colour = vec4(between ? u_bg : shade(cell(unit)), 1.0);
}`,
  dot: COMMON + `
void main() {
  ivec2 place = min(ivec2(v_p), v_grid.xy - 1);
  int unit = place.y * v_grid.x + place.x;
  vec2 p = (v_p - vec2(place) - 0.5) * v_cell;
  float side = min(v_cell.x, v_cell.y), full = max(1.0, side * ${DOT.share}), d = length(p);
  if (unit >= v_grid.z || d > full + 2.0) discard;
  uvec2 c = cell(unit);
  float radius = (c.g & 20u) != 0u ? full * ${DOT.young} : full;
  colour = vec4(shade(c), 1.0) * clamp((radius - d) * u_ratio + 0.5, 0.0, 1.0);
  if ((c.g & 3u) != 0u && side >= ${DOT.marksFrom.toFixed(1)}) {
    if ((c.g & 1u) != 0u) over(u_bad, 1.2 - abs(d - full + 0.2));
    if ((c.g & 2u) != 0u && abs(p.x) < full) over(u_warn, 1.3 - abs(abs(p.y) - full));
  }
  if (colour.a == 0.0) discard;
}`,
  coarse: COMMON + STRONGEST + `
void main() {
  ivec2 place = min(ivec2(v_p), v_grid.xy - 1), count = ivec2(clamp(ceil(1.0 / (v_cell * u_ratio)), vec2(1.0), vec2(8.0)));
  uvec2 c = strongest(place, count, v_grid.xy, 0, v_grid.z);
  if ((c.g & 128u) != 0u) discard;
  colour = vec4(shade(c), 1.0);
}`,
  map: COMMON + STRONGEST + `
void main() {
  ivec2 place = min(ivec2(v_p), v_grid.xy - 1);
  int unit = place.y * v_grid.x + place.x;
  if (unit >= v_grid.z) discard;
  vec2 q = v_p - vec2(place), tile = vec2(v_tile.xy);
  float gap = min(1.0, 0.06 * min(v_cell.x, v_cell.y));
  vec2 room = v_cell - 2.0 * gap, inner = tile * min(room.x / tile.x, room.y / tile.y), p = q * v_cell - 0.5 * (v_cell - inner);
  if (any(lessThan(p, vec2(0.0))) || any(greaterThanEqual(p, inner))) discard;
  ivec2 count = ivec2(clamp(floor(tile / (inner * u_ratio) + 0.5), vec2(1.0), vec2(6.0)));
  uvec2 c = strongest(ivec2(p / inner * tile), count, v_tile.xy, unit * v_tile.x * v_tile.y, v_tile.x * v_tile.y);
  colour = (c.g & 128u) != 0u ? vec4(0.0) : vec4(shade(c), 1.0);
  uint flags = cell(unit * v_tile.x * v_tile.y).g;
  vec2 edge = min(p, inner - p);
  if ((flags & 1u) != 0u) over(u_bad, 2.0 - min(edge.x, edge.y));
  if ((flags & 2u) != 0u) over(u_warn, 2.2 - edge.y);
}`,
};

type Kind = keyof typeof FRAGMENT;
const KINDS: Kind[] = ['square', 'dot', 'coarse', 'map'];

function kindOf(block: Block, zoom: number): Kind {
  if (block.style === 'map') return 'map';
  return Math.min(block.rect.w / block.cols, block.rect.h / block.rows) * zoom < DOT.coarseBelow ? 'coarse' : block.style;
}

export class Blocks {
  private programs = new Map<Kind, Program>();
  private texture: WebGLTexture;
  private rows = 0;
  private next = 0;
  private places = new Map<string, { row: number; rows: number; cells: Cells | null }>();
  private buffer: WebGLBuffer;
  private array: WebGLVertexArrayObject;
  private instances = new Float32Array(0);

  constructor(private gl: GL, private most: number) {
    this.texture = this.room(256);
    this.buffer = gl.createBuffer()!;
    this.array = gl.createVertexArray()!;
    gl.bindVertexArray(this.array);
    gl.bindBuffer(gl.ARRAY_BUFFER, this.buffer);
    [4, 4, 2].forEach((size, i) => {
      gl.enableVertexAttribArray(i);
      gl.vertexAttribPointer(i, size, gl.FLOAT, false, 4 * FLOATS, 16 * i);
      gl.vertexAttribDivisor(i, 1);
    });
    gl.bindVertexArray(null);
  }

  private room(rows: number): WebGLTexture {
    if (this.texture) this.gl.deleteTexture(this.texture);
    this.rows = rows;
    this.next = 0;
    this.places.clear();
    return (this.texture = listTexture(this.gl, listKinds(this.gl).cells, rows));
  }

  // The row where the cells begin; written when they are others than those there. -1: no room is left.
  private place(key: string, cells: Cells): number {
    const texels = cells.bytes.length / 2, rows = Math.max(1, Math.ceil(texels / LIST_WIDTH));
    let at = this.places.get(key);
    if (!at || at.rows < rows) {
      if (this.next + rows > this.rows) return -1;
      this.places.set(key, (at = { row: this.next, rows, cells: null }));
      this.next += rows;
    }
    if (at.cells !== cells) putList(this.gl, listKinds(this.gl).cells, at.row, cells.bytes, texels);
    at.cells = cells;
    return at.row;
  }

  // Rows of all blocks in sight; when they do not fit, the texture is made anew, larger if need be.
  private placeAll(blocks: Block[]): number[] {
    this.gl.bindTexture(this.gl.TEXTURE_2D, this.texture);
    let rows = blocks.map(b => this.place(b.key, b.cells));
    if (rows.includes(-1)) {
      const needed = blocks.reduce((n, b) => n + Math.max(1, Math.ceil(b.cells.bytes.length / 2 / LIST_WIDTH)), 0);
      let room = this.rows;
      while (room < Math.min(this.most, 2 * needed)) room *= 2;
      this.room(Math.min(this.most, room));
      rows = blocks.map(b => this.place(b.key, b.cells));
    }
    return rows;
  }

  draw(blocks: Block[], zoom: number, uniforms: (p: Program) => void): void {
    if (!blocks.length) return;
    this.gl.activeTexture(this.gl.TEXTURE0);
    const rows = this.placeAll(blocks), kinds = blocks.map(b => kindOf(b, zoom));
    for (const kind of KINDS) {
      let count = 0;
      if (this.instances.length < FLOATS * blocks.length) this.instances = new Float32Array(FLOATS * blocks.length);
      blocks.forEach((b, i) => {
        if (kinds[i] !== kind || rows[i]! < 0) return;
        this.instances.set([b.rect.x, b.rect.y, b.rect.w, b.rect.h, b.cols, b.rows, b.cells.units, rows[i]!, ...b.cells.tile], FLOATS * count++);
      });
      if (count) this.drawKind(kind, count, uniforms);
    }
  }

  private drawKind(kind: Kind, count: number, uniforms: (p: Program) => void): void {
    const { gl } = this;
    let program = this.programs.get(kind);
    if (!program) this.programs.set(kind, (program = programOf(gl, VERTEX, FRAGMENT[kind])));
    gl.useProgram(program.program);
    uniforms(program);
    gl.bindVertexArray(this.array);
    gl.bindBuffer(gl.ARRAY_BUFFER, this.buffer);
    gl.bufferData(gl.ARRAY_BUFFER, this.instances.subarray(0, FLOATS * count), gl.DYNAMIC_DRAW);
    gl.drawArraysInstanced(gl.TRIANGLE_STRIP, 0, 4, count);
    gl.bindVertexArray(null);
  }
}
