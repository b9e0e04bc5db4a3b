// Lines by what they cost: cut where drawing is slow, given back where it is quick, one slow draw alone changes nothing.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Pace } from '../src/network/pace';

// Draws that take `cost(lines)` ms, two a second; the lines of each.
function run(pace: Pace, draws: number, cost: (lines: number, draw: number) => number, wanted = 3000): number[] {
  return Array.from({ length: draws }, (_, i) => {
    const lines = pace.lines(wanted);
    pace.note(cost(lines, i), lines, wanted, 500 * i);
    return lines;
  });
}

const pace = (allowed = 400) => new Pace(36, 100, allowed);

test('where drawing is slow there are as many lines as take the time there is, and they stay', () => {
  for (const begin of [400, 3000]) {
    const seen = run(pace(begin), 120, lines => 8 + 0.05 * lines), last = seen.slice(-60);
    assert.equal(seen[0], begin);
    assert.ok(Math.min(...last) > 250 && Math.max(...last) < 600, `${Math.min(...last)} .. ${Math.max(...last)}`);
    assert.ok(new Set(last).size <= 2, `steady: ${[...new Set(last)]}`);
  }
});

test('where drawing is quick all are drawn, soon; after trouble they come back', () => {
  assert.deepEqual(run(pace(), 6, (_, draw) => (draw ? 5 : 300)), [400, 800, 1600, 3000, 3000, 3000]); // the first makes the shaders
  const seen = run(pace(), 300, (_, draw) => (draw < 12 ? 200 : 5));
  assert.equal(Math.min(...seen), 100);
  assert.equal(seen.at(-1), 3000);
});

test('one slow draw among quick ones changes nothing, never fewer than the least', () => {
  assert.ok(run(pace(), 40, (_, draw) => (draw % 5 === 3 ? 90 : 10)).slice(-30).every(lines => lines === 3000));
  assert.ok(run(pace(), 60, () => 1000).every(lines => lines >= 100));
});

test('a new number of lines is measured at once, else seldom', () => {
  const p = pace();
  assert.ok(p.due(0, 400));
  p.note(5, 400, 3000, 0);
  assert.ok(p.due(1, 800) && !p.due(2, 400));
  assert.ok(p.due(301, 400));
});
