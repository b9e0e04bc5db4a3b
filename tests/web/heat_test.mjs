// Histograms to a heat map: counts are kept whatever the bounds of each histogram are.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bundle } from './support/bundle.mjs';

const { heatOf } = await bundle('web/src/views/media/heat.ts');
const { byStep, bestOf, sampleOf, imageOf } = await bundle('web/src/views/media/item.ts');
const column = (heat, at) => [...heat.share.subarray(at * heat.rows, (at + 1) * heat.rows)];
const near = (a, b) => Math.abs(a - b) < 1e-5;

test('a column is the distribution', () => {
  const heat = heatOf([{ step: 5, low: -1, high: 1, counts: [1, 2, 3, 2] }], 100);
  assert.equal(heat.rows, 4);
  assert.deepEqual(column(heat, 0).map(v => v.toFixed(3)), ['0.125', '0.250', '0.375', '0.250']);
});

test('different bounds share rows and lose no counts', () => {
  const heat = heatOf([{ step: 0, low: -1, high: 1, counts: [4, 4] }, { step: 9, low: 0, high: 3, counts: [1, 0, 5, 2, 2, 0] }], 100);
  assert.equal(heat.low, -1);
  assert.equal(heat.high, 3);
  for (const at of [0, 1]) assert.ok(near(column(heat, at).reduce((a, b) => a + b, 0), 1));
});

test('many steps are thinned to the columns there are, first and last kept', () => {
  const many = Array.from({ length: 1000 }, (_, step) => ({ step, low: 0, high: 1, counts: [1] }));
  const heat = heatOf(many, 50);
  assert.equal(heat.columns, 50);
  assert.equal(heat.from, 0);
  assert.equal(heat.to, 999);
});

test('histograms that say nothing are left out', () => {
  assert.equal(heatOf([{ step: 0, low: 1, high: 1, counts: [1] }, { step: 0, low: 0, high: 1, counts: [] }], 10), null);
});

test('items are grouped by step and checked', () => {
  assert.deepEqual(byStep([{ step: 3 }, { step: 1 }, { step: 3 }]).map(g => [g[0].step, g.length]), [[1, 1], [3, 2]]);
  assert.equal(bestOf([0.1, 0.7, 0.2]), 1);
  const sample = sampleOf({ series: 's', kind: 'sample', step: 1, time: '', data: { width: 'x', probabilities: [0.5, null], pixels: '!!' } });
  assert.deepEqual([sample.width, sample.truth, sample.pixels.length, sample.probabilities[1]], [0, -1, 0, 0]);
  assert.equal(imageOf({ series: 's', kind: 'image', step: 1, time: '', url: 'javascript:alert(1)' }).url, '');
});
