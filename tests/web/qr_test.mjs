// The QR code of an address: its fixed parts stand, the check words fit the data, and what is too long is refused.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bundle } from './support/bundle.mjs';

const { drawn, qrOf } = await bundle('web/src/look/qr.ts');

// The code words as a reader takes them out, mask 0, one block.
function read(m) {
  const n = m.length, version = (n - 17) / 4, bits = [];
  const fixed = (r, c) => (r < 9 && c < 9) || (r < 9 && c >= n - 8) || (r >= n - 8 && c < 9) || r === 6 || c === 6
    || (version > 1 && Math.abs(r - (n - 7)) <= 2 && Math.abs(c - (n - 7)) <= 2);
  let up = true;
  for (let right = n - 1; right > 0; right -= 2, up = !up) {
    if (right === 6) right = 5;
    for (let i = 0; i < n; i++) for (const c of [right, right - 1]) {
      const r = up ? n - 1 - i : i;
      if (!fixed(r, c)) bits.push(m[r][c] !== ((r + c) % 2 === 0) ? 1 : 0);
    }
  }
  return Array.from({ length: bits.length >> 3 }, (_, i) => parseInt(bits.slice(8 * i, 8 * i + 8).join(''), 2));
}

// A polynomial over GF(256) at 2^power, by slow multiplication.
function at(words, power) {
  const times = (a, b) => { let p = 0; for (; b; b >>= 1, a = a & 128 ? (a << 1) ^ 0x11d : a << 1) if (b & 1) p ^= a; return p; };
  let x = 1;
  for (let i = 0; i < power; i++) x = times(x, 2);
  return words.reduce((sum, w) => times(sum, x) ^ w, 0);
}

const CHECK = [7, 10, 15, 20, 26];
for (const text of ['http://a', 'http://192.168.1.20:7070/', 'http://host.example.org:7070/with/a/prefix/', 'http://' + 'x'.repeat(70), 'http://' + 'x'.repeat(99)])
  test(`${text.length} bytes can be read`, () => {
    const m = drawn(text, 0), words = read(m), bits = words.map(w => w.toString(2).padStart(8, '0')).join('');
    assert.equal(parseInt(bits.slice(4, 12), 2), text.length);
    assert.equal(Array.from(text, (_, i) => String.fromCharCode(parseInt(bits.slice(12 + 8 * i, 20 + 8 * i), 2))).join(''), text);
    for (let i = 0; i < CHECK[(m.length - 17) / 4 - 1]; i++) assert.equal(at(words, i), 0, `check ${i}`);
  });

test('the finders stand in three corners, and what is too long is refused', () => {
  const m = qrOf('http://192.168.1.20:7070/'), n = m.length;
  for (const [r, c] of [[0, 0], [0, n - 7], [n - 7, 0]]) {
    assert.ok(m[r].slice(c, c + 7).every(Boolean) && m[r + 3][c + 3] && !m[r + 1][c + 1]);
  }
  assert.equal(qrOf('x'.repeat(107)), null);
});
