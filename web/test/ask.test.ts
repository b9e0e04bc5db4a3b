// What a control shows between a click and the run's parameters that have it.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ahead, type Ask } from '../src/views/steer/ask';

const applied = (value: number, step: number): Ask => ({ state: 'applied', value, from: 0.1, step, milliseconds: 4, at: 1000, id: '7' });

test('what was asked is shown until it is answered', () => {
  assert.equal(ahead(null, 0.1, null, 0), undefined);
  assert.equal(ahead({ state: 'asked', value: 0.2 }, 0.1, null, 0), 0.2);
  assert.equal(ahead({ state: 'failed', value: 0.2, why: 'refused', reason: '', bounds: '' }, 0.1, null, 0), undefined);
});

test('what was applied is shown until the parameters have it: never the old value in between', () => {
  assert.equal(ahead(applied(0.2, 50), 0.1, 40, 1001), 0.2);
  assert.equal(ahead(applied(0.2, 50), 0.2, 40, 1001), undefined);
  assert.equal(ahead(applied(0.2, 50), Math.fround(0.2), 40, 1001), undefined, 'kept as float32');
  assert.equal(ahead(applied(0.2, 50), 0.3, 51, 1001), undefined, 'somebody else was later');
});

test('parameters that never say so have the last word', () => {
  assert.equal(ahead(applied(0.2, 50), 0.1, null, 2001), undefined);
});
