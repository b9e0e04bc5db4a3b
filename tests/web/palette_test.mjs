// The palette keeps its promises: computed here, not believed. Run by `node --test`.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { bundle, root } from './support/bundle.mjs';
import { contrast, hueOfHex, linearOfHex, smallestDistance } from '../../web/tools/colour.mjs';

const { RUNS, INK, strokeOf } = await bundle('web/src/look/palette.ts');
const css = readFileSync(`${root}/web/src/look/theme.css`, 'utf8');
const linear = colours => colours.map(linearOfHex);
const apart = (a, b) => Math.abs(((a - b + 540) % 360) - 180);

for (const mode of ['dark', 'light']) {
  test(`runs on ${mode} differ by 0.10 in OKLab for normal, protan and deutan sight`, () => {
    assert.equal(RUNS[mode].length, 8);
    const least = smallestDistance(linear(RUNS[mode]));
    assert.ok(least >= 0.1, `smallest distance ${least.toFixed(4)}`);
  });

  test(`the first four runs on ${mode} are more unlike than all eight`, () => {
    assert.ok(smallestDistance(linear(RUNS[mode].slice(0, 4))) > smallestDistance(linear(RUNS[mode])));
  });

  test(`runs and words on ${mode} have a contrast of 4.5 to 1 on every ground they stand on`, () => {
    const grounds = ['bg', 'surface', 'raised'].map(name => linearOfHex(INK[mode][name]));
    const words = ['text', 'text2', 'text3', 'accent', 'good', 'warn', 'bad'].map(name => INK[mode][name]);
    for (const colour of words)
      for (const ground of grounds) assert.ok(contrast(linearOfHex(colour), ground) >= 4.5, colour);
    for (const colour of RUNS[mode])
      for (const ground of grounds.slice(0, 2)) assert.ok(contrast(linearOfHex(colour), ground) >= 4.5, colour);
  });
}

test('a run keeps its hue from dark to light', () => {
  RUNS.dark.forEach((dark, i) => {
    const turn = apart(hueOfHex(dark), hueOfHex(RUNS.light[i]));
    assert.ok(turn <= 10, `${dark} and ${RUNS.light[i]} are ${turn.toFixed(1)} degrees apart`);
  });
});

test('forty runs have forty different strokes', () => {
  const strokes = new Set(Array.from({ length: 40 }, (_, i) => JSON.stringify(strokeOf(i, 'dark'))));
  assert.equal(strokes.size, 40);
});

test('theme.css and palette.ts hold the same colours', () => {
  const names = { lineStrong: 'line-strong', text2: 'text-2', text3: 'text-3' };
  for (const [name, dark] of Object.entries(INK.dark))
    assert.ok(css.includes(`--${names[name] ?? name}: light-dark(${INK.light[name]}, ${dark});`), name);
  RUNS.dark.forEach((dark, i) => assert.ok(css.includes(`--run-${i}: light-dark(${RUNS.light[i]}, ${dark});`), `run ${i}`));
});
