import assert from 'node:assert/strict';
import { test } from 'node:test';
import { portion } from '../src/charts/portion';

test('while a person moves something charts are drawn in even shares of a round', () => {
  for (const passed of [8, 16.7, 25]) {
    const each = portion(24, passed), frames = Math.ceil(24 / each);
    assert.ok(each <= 8 && frames * passed <= 100, `${each} a frame of ${passed} ms`);
  }
  assert.equal(portion(24, 500), 8, 'a slow page draws no more at once: input comes first');
  assert.equal(portion(1, 1), 1);
});
