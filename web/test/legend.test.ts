import assert from 'node:assert/strict';
import { test } from 'node:test';
import { leftOut } from '../src/views/curves/legend';

test('a legend shows all curves in three rows, else two rows and how many more', () => {
  assert.equal(leftOut(1, 1), 0);
  assert.equal(leftOut(6, 2), 0);
  assert.equal(leftOut(7, 2), 4); // three and the word
  assert.equal(leftOut(10, 3), 5);
  for (let columns = 1; columns < 8; columns++) for (let curves = 0; curves < 40; curves++) {
    const rest = leftOut(curves, columns), places = (rest ? 2 : 3) * columns;
    assert.ok(curves - rest + (rest ? 1 : 0) <= places, `${curves} in ${columns} columns`);
  }
});
