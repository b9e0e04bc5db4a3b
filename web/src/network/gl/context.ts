// The little of WebGL2 that the picture needs: programs, and textures that hold a list of numbers.
export type GL = WebGL2RenderingContext;

export const LIST_WIDTH = 1024; // texels a row of a texture that holds a list: texel i stands at (i % 1024, i / 1024)

function shader(gl: GL, kind: number, source: string): WebGLShader {
  const made = gl.createShader(kind)!;
  gl.shaderSource(made, source);
  gl.compileShader(made);
  if (!gl.getShaderParameter(made, gl.COMPILE_STATUS) && !gl.isContextLost()) throw new Error(gl.getShaderInfoLog(made) ?? 'shader');
  return made;
}

export interface Program { program: WebGLProgram; at(name: string): WebGLUniformLocation | null }

export function programOf(gl: GL, vertex: string, fragment: string): Program {
  const program = gl.createProgram()!, places = new Map<string, WebGLUniformLocation | null>();
  gl.attachShader(program, shader(gl, gl.VERTEX_SHADER, '#version 300 es\n' + vertex));
  gl.attachShader(program, shader(gl, gl.FRAGMENT_SHADER, '#version 300 es\nprecision highp float;\nprecision highp int;\n' + fragment));
  gl.linkProgram(program);
  if (!gl.getProgramParameter(program, gl.LINK_STATUS) && !gl.isContextLost()) throw new Error(gl.getProgramInfoLog(program) ?? 'program');
  const at = (name: string) => {
    if (!places.has(name)) places.set(name, gl.getUniformLocation(program, name));
    return places.get(name)!;
  };
  return { program, at };
}

export interface ListKind { inside: number; format: number; type: number; bytes: number }

export const listKinds = (gl: GL) => ({
  cells: { inside: gl.RG8UI, format: gl.RG_INTEGER, type: gl.UNSIGNED_BYTE, bytes: 2 },
  halves: { inside: gl.R16UI, format: gl.RED_INTEGER, type: gl.UNSIGNED_SHORT, bytes: 2 },
  codes: { inside: gl.R8I, format: gl.RED_INTEGER, type: gl.BYTE, bytes: 1 },
  lines: { inside: gl.RGBA32UI, format: gl.RGBA_INTEGER, type: gl.UNSIGNED_INT, bytes: 16 },
  floats: { inside: gl.R32UI, format: gl.RED_INTEGER, type: gl.UNSIGNED_INT, bytes: 4 },
});

export function listTexture(gl: GL, kind: ListKind, rows: number): WebGLTexture {
  const texture = gl.createTexture()!;
  gl.bindTexture(gl.TEXTURE_2D, texture);
  gl.texStorage2D(gl.TEXTURE_2D, 1, kind.inside, LIST_WIDTH, rows);
  for (const side of [gl.TEXTURE_MIN_FILTER, gl.TEXTURE_MAG_FILTER]) gl.texParameteri(gl.TEXTURE_2D, side, gl.NEAREST);
  return texture;
}

// Writes `data` (texels of `kind`, as the array that its type takes) from row `row` on, into the texture bound.
export function putList(gl: GL, kind: ListKind, row: number, data: ArrayBufferView, texels: number): void {
  const rows = Math.floor(texels / LIST_WIDTH), rest = texels - rows * LIST_WIDTH, each = kind.bytes / (data as Uint8Array).BYTES_PER_ELEMENT;
  gl.pixelStorei(gl.UNPACK_ALIGNMENT, 1);
  if (rows) gl.texSubImage2D(gl.TEXTURE_2D, 0, 0, row, LIST_WIDTH, rows, kind.format, kind.type, data, 0);
  if (rest) gl.texSubImage2D(gl.TEXTURE_2D, 0, 0, row + rows, rest, 1, kind.format, kind.type, data, rows * LIST_WIDTH * each);
}
