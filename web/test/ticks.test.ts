import assert from 'node:assert/strict';
import { test } from 'node:test';
import { linearTicks, logTicks, timeTicks } from '../src/charts/ticks';

test('linear ticks are round, within the range, and as many as asked for', () => {
  assert.deepEqual(linearTicks(0, 82500, 3, 1), [0, 25000, 50000, 75000]);
  assert.deepEqual(linearTicks(0, 1, 4), [0, 0.25, 0.5, 0.75, 1]);
  for (const most of [2, 3, 5, 8]) for (const high of [0.7, 3, 11, 99, 4321, 82500, 1e9]) for (const low of [0, -high, high / 2]) {
    const ticks = linearTicks(low, high, most);
    assert.ok(ticks.length >= most / 2.6 && ticks.length <= most + 1, `${low} ... ${high}: ${ticks}`);
    assert.ok(ticks.every(t => t >= low - 1e-9 * high && t <= high * (1 + 1e-9)));
  }
});

test('steps are whole numbers', () => {
  for (const high of [1, 2, 3, 7, 12, 24, 260]) assert.ok(linearTicks(0, high, 5, 1).every(Number.isInteger), `0 ... ${high}`);
});

test('decades are counted by those in sight', () => {
  assert.deepEqual(logTicks(4e-5, 4, 5), [1e-4, 1e-3, 1e-2, 0.1, 1]);
  assert.deepEqual(logTicks(4e-5, 4, 2), [1e-4, 1e-2, 1]);
  assert.deepEqual(logTicks(0.015, 0.9, 5), [0.02, 0.05, 0.1, 0.2, 0.5]);
  assert.deepEqual(logTicks(1, 10, 5), [1, 2, 5, 10]);
  assert.ok(logTicks(0.31, 0.36, 5).length >= 3, 'a part of a decade has ticks');
});

test('times are parted as clocks are', () => assert.deepEqual(timeTicks(30, 190, 4), [60, 120, 180]));
