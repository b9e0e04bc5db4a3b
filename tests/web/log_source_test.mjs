// The output of a process, fetched from its end backwards: all of it once, also where its middle was left out.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bundle } from './support/bundle.mjs';

const { Source } = await bundle('web/src/views/log/source.ts');

// What GET runs/ID/log answers for `text`, of which gap[0]..gap[1] was left out.
function serve(text, gap) {
  return async address => {
    const asked = new URL(address, 'http://here/').searchParams, size = text.length;
    let offset = Number(asked.get('offset')), limit = Number(asked.get('limit'));
    if (offset < 0) offset = Math.max(0, size + offset);
    if (gap && offset < gap[0]) limit = Math.min(limit, gap[0] - offset);
    else if (gap && offset < gap[1]) {
      if (limit > gap[1] - offset) limit -= gap[1] - offset;
      offset = gap[1];
    }
    const part = text.slice(offset, offset + limit);
    return new Response(JSON.stringify({ process: 'P', offset, next: offset + part.length, size, gap, text: part }));
  };
}

async function readBackwards(text, gap) {
  globalThis.fetch = serve(text, gap);
  const source = new Source('R', 'P');
  await source.pull();
  for (let i = 0; i < 30 && source.start.value > 0; i++) await source.earlier();
  assert.equal(source.start.value, 0);
  return source.plain();
}

const lines = count => Array.from({ length: count }, (_, i) => `line ${i} ${'.'.repeat(80)}`).join('\n');

test('all of it, piece by piece', async () => {
  const text = lines(40000);
  assert.ok(await readBackwards(text, null) === text);
});

test('a gap is passed over, however long', async () => {
  const text = lines(60000);
  for (const gap of [[1 << 20, 4 << 20], [1 << 20, (1 << 20) + 4096], [1 << 20, text.length - 100]])
    assert.ok(await readBackwards(text, gap) === text.slice(0, gap[0]) + text.slice(gap[1]), `gap ${gap}`);
});
