// The log by byte offsets: whatever is fetched in which order, what is shown is what was written.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bundle } from './support/bundle.mjs';

const { Source } = await bundle('web/src/views/log/source.ts');
let written = Buffer.alloc(0);

// What the server does: bytes from an offset, never half a character.
globalThis.fetch = async path => {
  const query = new URL(path, 'http://x/').searchParams, size = written.length, asked = Number(query.get('offset'));
  let offset = asked < 0 ? Math.max(0, size + asked) : asked, next = Math.min(size, offset + Number(query.get('limit')));
  while (offset < size && (written[offset] & 0xc0) === 0x80) offset++;
  while (next > offset && next < size && (written[next] & 0xc0) === 0x80) next--;
  return new Response(JSON.stringify({ offset, next, size, text: written.subarray(offset, next).toString() }));
};

let state = 99;
const random = most => (state = (Math.imul(state, 1664525) + 1013904223) >>> 0) % most;
const lines = count => Array.from({ length: count }, (_, i) => `${i} ${'\u00e9\u4e2d'.repeat(random(20))} ${'x'.repeat(random(60))}\n`).join('');

test('the end first, then what is appended, then what came before', async () => {
  const text = lines(60000);
  written = Buffer.from(text);
  const source = new Source('run', 'process');
  await source.pull();
  assert.ok(source.start.value > 0);
  assert.ok(text.endsWith(source.plain()) && source.plain().length > 100000, 'whole lines of the end');
  const more = lines(500);
  written = Buffer.concat([written, Buffer.from(more)]);
  await source.pull();
  assert.ok(source.plain().endsWith(more));
  while (source.start.value > 0) assert.ok((await source.earlier()) > 0);
  assert.equal(source.plain(), text + more);
});

test('a short log is there at once', async () => {
  written = Buffer.from('one\ntwo');
  const source = new Source('run', 'process');
  await source.pull();
  assert.equal(source.start.value, 0);
  assert.equal(source.plain(), 'one\ntwo');
});
