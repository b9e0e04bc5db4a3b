// The form of a network's input as a picture: which values are which pixels. Inputs that are no pictures cannot be drawn.

export interface Form { width: number; height: number; channels: number }

// [28, 28], [1, 28, 28], [3, 32, 32], or [784], a square written row by row. null: no picture.
export function formOf(shape: readonly number[]): Form | null {
  const sides = shape.length === 1 ? squareOf(shape[0]!) : shape.length === 2 ? [1, ...shape] : shape.length === 3 ? [...shape] : null;
  if (!sides) return null;
  const [channels, height, width] = sides as [number, number, number];
  const picture = (channels === 1 || channels === 3) && width >= 4 && height >= 4 && width <= 1024 && height <= 1024;
  return picture ? { width, height, channels } : null;
}

function squareOf(values: number): number[] | null {
  const side = Math.round(Math.sqrt(values));
  return side * side === values ? [1, side, side] : null;
}

// Grey pixels as the values of the input: each channel gets the same.
export function inputOf(grey: Float32Array, form: Form): Float32Array {
  if (form.channels === 1) return grey;
  const out = new Float32Array(grey.length * form.channels);
  for (let c = 0; c < form.channels; c++) out.set(grey, c * grey.length);
  return out;
}

// Values of an input as grey bytes, for showing.
export function greyOf(values: ArrayLike<number>, form: Form): Uint8Array {
  const n = form.width * form.height, out = new Uint8Array(n);
  for (let i = 0; i < n; i++) {
    let sum = 0;
    for (let c = 0; c < form.channels; c++) sum += values[c * n + i] ?? 0;
    out[i] = Math.round(255 * Math.min(1, Math.max(0, sum / form.channels)));
  }
  return out;
}
