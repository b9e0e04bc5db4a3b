// What the pad and an image become before the network sees them.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formOf, greyOf, inputOf } from '../src/views/try/form';
import { fitGrey, greyOfRgba, inkOf } from '../src/views/try/image';
import { boxOf, massOf, pixelsOf, type Stroke } from '../src/views/try/strokes';

const form = { width: 28, height: 28, channels: 1 };
const line = (x0: number, y0: number, x1: number, y1: number): Stroke => Array.from({ length: 20 }, (_, i) => ({ x: x0 + ((x1 - x0) * i) / 19, y: y0 + ((y1 - y0) * i) / 19 }));
const inked = (pixels: Float32Array, above = 0.5) => {
  const at = [...pixels.keys()].filter(i => pixels[i]! > above);
  const xs = at.map(i => i % 28), ys = at.map(i => Math.floor(i / 28));
  return { width: Math.max(...xs) - Math.min(...xs) + 1, height: Math.max(...ys) - Math.min(...ys) + 1, count: at.length };
};

test('inputs that are pictures', () => {
  assert.deepEqual(formOf([28, 28]), form);
  assert.deepEqual(formOf([784]), form);
  assert.deepEqual(formOf([1, 28, 28]), form);
  assert.deepEqual(formOf([3, 32, 24]), { width: 24, height: 32, channels: 3 });
  for (const other of [[783], [], [2, 28, 28], [1, 1, 28, 28], [4096, 4096], [2, 2]]) assert.equal(formOf(other), null, String(other));
});

test('grey is given to each channel and read back', () => {
  const colour = { width: 4, height: 4, channels: 3 }, grey = Float32Array.from({ length: 16 }, (_, i) => i / 15);
  assert.equal(inputOf(grey, colour).length, 48);
  assert.deepEqual([...greyOf(inputOf(grey, colour), colour)], [...grey].map(v => Math.round(255 * v)));
});

test('a small digit in a corner is scaled to 20 of 28 and put by its mass into the middle', () => {
  const pixels = pixelsOf([line(0.1, 0.1, 0.14, 0.3), line(0.14, 0.3, 0.2, 0.3)], form, true), mass = massOf(pixels, 28)!, size = inked(pixels);
  assert.ok(Math.abs(mass.x - 14) < 0.15 && Math.abs(mass.y - 14) < 0.15, JSON.stringify(mass));
  assert.ok(size.height >= 19 && size.height <= 21, `${size.height} pixels high`);
  assert.ok(pixels.every(v => v >= 0 && v <= 1) && Math.max(...pixels) > 0.95);
});

test('a heavy end does not push the other out of the picture', () => {
  const heavy = [...Array.from({ length: 12 }, (_, i) => line(0.2, 0.2 + i / 200, 0.8, 0.2 + i / 200)), line(0.5, 0.2, 0.5, 0.9)], pixels = pixelsOf(heavy, form, true);
  assert.ok(pixels.subarray(27 * 28).every(v => v < 0.6), 'the foot is not cut');
  assert.ok(massOf(pixels, 28)!.y < 14);
});

test('as drawn, it stays where it is and as large', () => {
  const pixels = pixelsOf([line(0.1, 0.1, 0.1, 0.3)], form, false), mass = massOf(pixels, 28)!;
  assert.ok(Math.abs(mass.x - 2.8) < 0.3 && Math.abs(mass.y - 5.6) < 0.3, JSON.stringify(mass));
  assert.ok(inked(pixels).height < 9);
});

test('the brush is as wide as in MNIST, and soft', () => {
  const pixels = pixelsOf([line(0.5, 0.2, 0.5, 0.8)], form, true), row = [...pixels.subarray(14 * 28, 15 * 28)];
  const width = row.reduce((sum, v) => sum + v, 0);
  assert.ok(width > 1.8 && width < 3.2, `${width} pixels of ink across`);
  assert.ok(row.some(v => v > 0.1 && v < 0.9));
});

test('a dot is not blown up, nothing is nothing', () => {
  assert.ok(inked(pixelsOf([[{ x: 0.3, y: 0.3 }]], form, true)).count < 16);
  assert.equal(Math.max(...pixelsOf([], form, true)), 0);
  assert.equal(boxOf([]), null);
});

// A dark bar on white paper, as a photograph of any size.
const photo = (width: number, height: number, dark: boolean) => {
  const rgba = new Uint8ClampedArray(width * height * 4);
  for (let i = 0; i < width * height; i++) {
    const x = i % width, y = Math.floor(i / width), bar = x > width * 0.7 && x < width * 0.76 && y > height * 0.1 && y < height * 0.5;
    rgba.fill(bar === dark ? 230 : 20, 4 * i, 4 * i + 3);
    rgba[4 * i + 3] = 255;
  }
  return greyOfRgba(rgba, width, height);
};

test('a bright ground is inverted, a dark one is not', () => {
  assert.equal(inkOf(photo(100, 100, true)).inverted, false);
  const ink = inkOf(photo(100, 100, false));
  assert.equal(ink.inverted, true);
  assert.ok(Math.abs(Math.max(...ink.pixels) - 1) < 1e-6 && Math.min(...ink.pixels) === 0);
});

test('an image of any size is fitted: centred by mass, 20 high; or whole', () => {
  for (const [w, h] of [[400, 300], [28, 28], [61, 200]] as const) {
    const ink = inkOf(photo(w, h, false)), pixels = fitGrey(ink, form, true), mass = massOf(pixels, 28)!;
    assert.ok(Math.abs(mass.x - 14) < 0.5 && Math.abs(mass.y - 14) < 0.5, `${w} x ${h}: ${JSON.stringify(mass)}`);
    const high = inked(pixels, 0.2).height;
    assert.ok(high >= 19 && high <= 21, `${w} x ${h}: ${high} high`);
    const whole = massOf(fitGrey(ink, form, false), 28)!;
    assert.ok(whole.x > 15 && whole.y < 13, 'as it lay');
  }
});

test('an image with its mass at one end is centred no further than all of it is seen', () => {
  const pixels = new Float32Array(300 * 300);
  for (let y = 30; y < 270; y++) for (let x = 145; x < (y < 90 ? 265 : 149); x++) pixels[y * 300 + x] = 1; // a heavy head, a thin leg
  const seen = fitGrey({ width: 300, height: 300, pixels }, form, true);
  assert.ok(inked(seen, 0.2).height >= 20, `${inked(seen, 0.2).height} high`);
});

test('transparent ground is unlike what is drawn on it', () => {
  for (const level of [0, 255]) {
    const rgba = new Uint8ClampedArray(10 * 10 * 4);
    for (let i = 44; i < 47; i++) rgba.set([level, level, level, 255], 4 * i);
    const ink = inkOf(greyOfRgba(rgba, 10, 10));
    assert.ok(ink.pixels[45]! > 0.95 && ink.pixels[0]! < 0.05, `drawn in ${level}`);
  }
});
