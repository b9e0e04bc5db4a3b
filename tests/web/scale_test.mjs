// Sliders and arrow keys: positions and values are inverse, ordered and inside the bounds, on random scales.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bundle } from './support/bundle.mjs';

const { positionOf, valueAt, stepped, parsed, bounded } = await bundle('web/src/views/steer/scale.ts');
const lr = { type: 'double', min: 1e-6, max: 1, log: true };

let state = 7;
const random = () => ((state = (Math.imul(state, 1103515245) + 12345) >>> 0) / 4294967296);
function anyScale() {
  const type = random() < 0.3 ? 'int' : 'double', log = random() < 0.5;
  const min = log ? (random() < 0.3 ? 0 : 10 ** (-8 * random())) : -100 * random(), width = 10 ** (4 * random());
  return type === 'int' ? { type, log, min: Math.round(min) + (log ? 1 : 0), max: Math.round(min + width) + 5 } : { type, log, min, max: min + width };
}

test('positions and values agree on random scales', () => {
  for (let i = 0; i < 2000; i++) {
    const p = anyScale();
    let before = -Infinity;
    for (let at = 0; at <= 1.0001; at += 0.05) {
      const value = valueAt(at, p);
      assert.ok(value >= p.min && value <= p.max, JSON.stringify(p));
      assert.ok(value >= before - 1e-12, `not ascending on ${JSON.stringify(p)}`);
      before = value;
      if (p.type === 'double' && at > 0.1) assert.ok(Math.abs(positionOf(value, p) - Math.min(1, at)) < 0.02, JSON.stringify([p, at, value]));
    }
    assert.equal(valueAt(0, p), p.min);
    assert.equal(valueAt(1, p), p.max);
  }
});

test('a logarithmic slider goes by decades and gives short numbers', () => {
  assert.equal(positionOf(1e-3, lr), 0.5);
  assert.equal(valueAt(0.5, lr), 0.001);
  assert.ok(String(valueAt(0.617, lr)).length <= 8);
  assert.equal(positionOf(0, { ...lr, min: 0 }), 0);
});

test('arrows step the second digit, and back again', () => {
  assert.equal(stepped(0.001, 1, false, lr), 0.0011);
  assert.equal(stepped(0.001, -1, false, lr), 0.00099);
  assert.equal(stepped(0.0011, -1, false, lr), 0.001);
  assert.equal(stepped(0.5, 1, true, lr), 0.6);
  assert.equal(stepped(128, -1, false, { type: 'int', min: 1, max: 1024, log: true }), 127);
  assert.equal(stepped(0.9, 1, false, { type: 'double', min: 0, max: 1, log: false }), 0.91);
  assert.equal(stepped(2, 1, false, { type: 'double', min: null, max: null, log: false }), 2.1);
  assert.equal(stepped(1, 1, false, lr), 1);
});

test('what is typed', () => {
  assert.equal(parsed(' 5e-4 '), 5e-4);
  assert.equal(parsed('0,25'), 0.25);
  assert.equal(parsed('12\u202f480'), 12480);
  assert.equal(parsed('\u22121'), -1);
  for (const wrong of ['', 'abc', '1e', '--1', '0x10', 'NaN', 'Infinity', '1.2.3']) assert.ok(Number.isNaN(parsed(wrong)), wrong);
});

test('no bounds, no slider', () => {
  assert.equal(bounded({ type: 'double', min: 0, max: 0, log: false }), false);
  assert.equal(bounded({ type: 'double', min: null, max: null, log: false }), false);
});
